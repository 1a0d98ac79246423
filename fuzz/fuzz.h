/* SPDX-License-Identifier: MIT
 *
 * fuzz.h: what the fuzz targets share. An input is a short header of settings
 * and a stream of octets with controls in it: 0xFF and a letter (script.c has
 * the list), so that seeds made from dialogues stay readable and a dictionary
 * can hold whole commands. A broken promise ends in abort().
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <mailkit/base.h>
#include <mailkit/crypto.h>
#include <mailkit/sasl.h>
#include <stdint.h>

#include "rig.h"
#include "text.h"
#include "trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Abort with a word about what was promised, unless it holds. */
void fuzz_promise(bool holds, const char *what);

/* Every CR has its LF and every LF its CR; no NUL. A CR as the last octet is
 * let pass when `open`. */
bool fuzz_is_clean(mk_str s, bool open);

/* The traces of two runs must be the same. */
void fuzz_same(const text *a, const text *b, const char *what);

/* Quick hashes without worth (toys.c). */
extern const mk_crypto fuzz_toys;

/* ---- the stream with its controls ---------------------------------------- */

typedef enum fuzz_control {
    FUZZ_TURN,   /* 'T': acknowledge all */
    FUZZ_SOME,   /* 'S' n: acknowledge n octets */
    FUZZ_CLOCK,  /* 'C' n: the clock moves by n * 4 s */
    FUZZ_DUE,    /* 'D': the clock moves to the deadline */
    FUZZ_EOF,    /* 'E': the peer's octets end in order */
    FUZZ_CUT,    /* 'X': they break off */
    FUZZ_FINISH, /* 'F' */
    FUZZ_POLICY, /* 'P' n: how questions are answered, or verbs chosen */
    FUZZ_ANSWER, /* 'A': answer now what was put off; lend now */
    FUZZ_CANCEL, /* 'K' */
    FUZZ_BODY,   /* 'B' n: what is done at the next run of body */
    FUZZ_HURRY,  /* 'H' n: room for peers is short, or no more */
    FUZZ_LITERAL /* 0xFF: itself */
} fuzz_control;

typedef struct fuzz_script {
    const uint8_t *at;
    size_t left;
    bool literal; /* a 0xFF of the stream itself is next */
} fuzz_script;

/* The next run of plain octets; empty when a control or the end is next. */
mk_str fuzz_octets(fuzz_script *s);
/* The next control, at the end false. */
bool fuzz_next(fuzz_script *s, fuzz_control *out, uint8_t *out_n);

/* ---- a machine under a script -------------------------------------------- */

/* One engine from its opening to its end; the first member of a target's own
 * session. What the machines share is done here, what a role adds is told to
 * it: its events, and the controls about answers and verbs. */
typedef struct fuzz_machine fuzz_machine;
struct fuzz_machine {
    void (*on_event)(fuzz_machine *, const mk_event *);
    void (*on_control)(fuzz_machine *, fuzz_control, uint8_t n);
    mk_engine *engine;
    void *block;
    mk_pool pool;
    bool has_pool;
    rig rig;
    size_t chunk;  /* octets offered at once; 0: all */
    size_t unread; /* octets that are there and not offered yet */
    fuzz_script script;
    bool aborted;
    bool is_counted; /* some of what goes out is counted, and may be bare */
    text trace;      /* of events */
    text out;        /* what the engine said */
};

/* A pool of one unit for the settings, given back by fuzz_machine_close. */
mk_pool *fuzz_machine_pool(fuzz_machine *m);
/* Perform the script with the engine that was opened; then the peer hangs up,
 * and the session must come to its end, with whole lines and nothing bare. */
void fuzz_machine_perform(fuzz_machine *m, const uint8_t *script, size_t size);
void fuzz_machine_close(fuzz_machine *m);

/* ---- what servers share -------------------------------------------------- */

/* A server machine with TLS, logins and an application that answers by a
 * policy: each choice takes three bits of it. */
typedef struct fuzz_server {
    fuzz_machine m; /* first */
    mk_sasl_server_config sasl;
    mk_tls_info tls;
    mk_tls_policy tls_policy;
    mk_pool rooms; /* of logins */
    bool has_rooms;
    mk_random random;
    uint8_t drawn;
    uint8_t policy;
    mk_op waiting; /* put off */
    bool is_login; /* what was put off is one */
    bool is_shaking;
    /* the promises about TLS and logins */
    bool is_tls, is_known, was_yes;
} fuzz_server;

/* Sets s->sasl and s->tls_policy by an octet of the header: 3: policy of TLS,
 * 8: clear logins, 16: keys, 64: TLS from the first octet (begin), 128:
 * s->rooms for small logins. */
void fuzz_server_configure(fuzz_server *s, uint8_t flags, mk_str hostname);
void fuzz_server_begin(fuzz_server *s, uint8_t flags);
/* the next three bits */
unsigned fuzz_server_choose(fuzz_server *s);
/* Look at an event; its numbers for "TLS is up" and "a login ended" are those
 * of the protocol. THREATS 28, 32, 41. */
void fuzz_server_see(fuzz_server *s, const mk_event *ev, uint32_t tls_type,
                     uint32_t auth_type);
/* True when the event was of TLS or a login, and has been answered. */
bool fuzz_server_answer(fuzz_server *s, const mk_event *ev);
/* FUZZ_ANSWER: answer what was put off; a question of the protocol's own is
 * given back as its op, else 0. */
mk_op fuzz_server_resume(fuzz_server *s);
void fuzz_server_close(fuzz_server *s);

#endif
