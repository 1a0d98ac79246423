/* SPDX-License-Identifier: MIT
 *
 * play.h: one performance of a dialogue: an engine of one role, opened with
 * the dialogue's settings and driven in one way of cutting input, of
 * acknowledging output and of lending memory. play.c follows the script,
 * actions.c does what A: lines say, settings.c what @ lines say, login.c what
 * has to do with TLS and SASL. What is of one protocol only is behind the
 * table `protocol`: smtp.c, pop3.c.
 */
#ifndef CHAT_PLAY_H
#define CHAT_PLAY_H

#include <mailkit/pop3.h>
#include <mailkit/sasl.h>
#include <mailkit/smtp.h>

#include "chat.h"
#include "rig.h"
#include "text.h"
#include "trace.h"

enum { LENT_MAX = 8, OPS_MAX = 64 };

typedef struct play play;

/* ---- what a protocol tells of itself ------------------------------------- */

/* A name for one or more bits, or for a value. */
typedef struct bit {
    const char *name;
    uint32_t value;
} bit;

/* A setting: a field of a config, by its name. */
typedef struct field {
    const char *key;
    size_t at;
    unsigned width;   /* 4 or 8 octets; 1: bool, yes; 0: mk_str */
    const bit *names; /* 4 octets, told by these names with commas between */
} field;

extern const bit play_tls_policies[];

/* One role of a protocol. The offsets are of fields that all have; 0: not. */
typedef struct side {
    const field *fields; /* up to a key that is NULL */
    size_t units_at, text_bytes_at, sasl_at, sasl_units_at;
    mk_err (*init)(void *config); /* with the defaults of dialogues */
    size_t (*need)(const void *config);
    mk_err (*open)(const void *config, void *mem, size_t n,
                   mk_engine **out_engine);
} side;

typedef struct protocol {
    const char *name;            /* of the folder that its dialogues lie in */
    const side *server, *client; /* NULL: not in this build */
    const char *sasl, *sasl_how; /* unless the dialogue says; NULL: none */
    void (*trace)(text *out, const mk_event *ev);
    /* is the first word of an answer a code? */
    bool (*is_code)(const char *z, size_t n);
    /* An action of this protocol alone; false when it knows no such word. */
    bool (*act)(play *p, mk_str word, const char *rest, mk_err *out_err);
    /* Lend what goes before the body, while there is room; NULL: nothing. */
    void (*lend)(play *p);
    /* All of the body was lent; NULL: nothing. */
    void (*lent)(play *p);
    /* Answers to what was never asked must be stale; NULL: none of its own. */
    bool (*refuses)(play *p, mk_op op);
} protocol;

extern const protocol play_smtp, play_pop3;

/* ---- a performance ------------------------------------------------------- */

typedef struct manner {
    size_t chunk; /* octets offered at once; 0: whole groups */
    bool drip;    /* acknowledge octet by octet, stepping between */
    bool pool;    /* text unit from a pool of one */
    bool feed;    /* through mk_feed */
} manner;

typedef struct piece {
    char *ptr;
    size_t len;
    mk_op op;
} piece;

/* A message as a client of SMTP borrows it. */
typedef struct letter {
    mk_smtp_envelope *envelope; /* NULL: none */
    mk_str *forward_paths;
    char *text;
    void *options; /* what it asks for; NULL: nothing */
    mk_op op;
} letter;

struct play {
    const chat *chat;
    chat_role role;
    const protocol *protocol;
    manner how;
    /* the engine */
    union {
        mk_smtp_server_config smtp_server;
        mk_smtp_client_config smtp_client;
        mk_pop3_server_config pop3_server;
        mk_pop3_client_config pop3_client;
    } config;
    mk_sasl_server_config server_sasl;
    mk_sasl_client_config client_sasl;
    bool has_login;
    mk_tls_info tls;
    bool tls_wanted; /* MK_EV_TLS_WANTED was seen */
    mk_pool pool;
    mk_pool rooms; /* of logins */
    bool has_rooms;
    void *block;
    void *held_unit; /* A: pool take */
    void *held_room; /* A: room take */
    mk_engine *engine;
    rig rig;
    /* the script */
    size_t pos;
    size_t end;   /* of this turn */
    text pending; /* of the peer, not yet offered */
    bool eof;     /* comes behind pending */
    mk_err eof_why;
    mk_op op;           /* of the last event */
    mk_op verb_op;      /* of the last client verb, or question of a server */
    mk_op ops[OPS_MAX]; /* of all verbs of the client */
    size_t op_count;
    bool is_yes; /* the question was answered so: rows or body follow */
    bool deaf;   /* A: deaf: the peer takes no octets */
    /* what was seen */
    size_t events;
    text out; /* in this turn */
    text all_out;
    text trace; /* all events */
    text run;   /* body octets not yet matched */
    bool in_run;
    bool run_any;     /* matched by E: BODY … already */
    uint64_t body_at; /* octets of the body with this number */
    mk_op body_op;
    /* what was lent */
    text body; /* to be lent */
    bool body_last;
    bool body_open; /* more or last is still to be lent */
    size_t body_room;
    text rows; /* POP3: to be told before that */
    piece lent[LENT_MAX];
    size_t lent_count;
    letter letter;
    letter next;     /* joined to it (A: join) ... */
    char *join;      /* ... or to be, when the last span is lent */
    text last_words; /* of finish */
    bool failed;
};

/* Perform; false when something was not as written (told on stderr). */
bool play_run(play *p);
void play_fini(play *p);
void play_fail(play *p, unsigned line, const char *expected, const char *got);

/* settings.c: the protocol of a dialogue, NULL when this build has not got
 * it; its side in this role; open the engine as the @ lines say */
const protocol *play_protocol(const chat *c);
const side *play_side(const protocol *it, chat_role role);
bool play_open(play *p);
/* a pointer in the config, at an offset of its side; 0: does nothing */
void play_point(play *p, size_t at, const void *pointer);

/* login.c */
void play_tls(play *p, const chat_item *item);
bool play_open_login(play *p);
mk_err play_login(play *p, const char *z);

/* actions.c */
void play_act(play *p, const chat_item *item);
void play_lend(play *p);
/* MK_EV_WANTED and MK_EV_DONE give lent things back */
void play_wanted(play *p, const mk_event *ev);
void play_give_back(play *p);
void play_free_letter(letter *it);
/* for the actions of a protocol */
unsigned play_line(const play *p);
char *play_copy(const char *ptr, size_t n); /* to be freed */
/* smtp.c: the value of a key in the line, its escapes made octets in *io_room
 */
mk_str play_value(const char *z, const char *key, char **io_room);
/* smtp_options.c: what a line asks for its message; XCLIENT and XFORWARD */
void play_ask(letter *it, const char *z, char **io_room);
mk_err play_introduce(play *p, mk_smtp_verb verb, const char *z);

#endif
