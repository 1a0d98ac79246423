/* SPDX-License-Identifier: MIT
 *
 * dialogue.h: shows a dialogue on standard error as it happens, a line each
 * with C: or S: in front. Of a message or a listing only the first lines are
 * shown, of a login nothing that could be a secret; and nothing reaches a
 * terminal as it came. What a line means is told by the protocol's own file.
 */
#ifndef MAILKIT_DIALOGUE_H
#define MAILKIT_DIALOGUE_H

#include <mailkit/engine.h>

enum { DIALOGUE_SERVER = 0, DIALOGUE_CLIENT = 1, DIALOGUE_ASKED_MAX = 64 };

typedef struct dialogue dialogue;

/* A protocol: it looks at one complete line, without its end, and shows it. */
typedef struct dialogue_protocol {
    void (*line)(dialogue *d, int who, mk_str line);
} dialogue_protocol;

struct dialogue {
    void *tap[MK_TAP_NEED / sizeof(void *)];
    const dialogue_protocol *protocol;
    struct {
        char octets[512]; /* of the line not yet complete */
        size_t len;       /* clipped to octets */
        size_t size;      /* with what was clipped */
    } line[2];            /* the server's, ours */
    bool in_body;         /* lines follow, up to a single dot */
    uint64_t body_lines;
    uint64_t body_bytes;
    uint64_t chunk_left; /* octets of ours that are no lines */
    /* the protocol's: */
    bool in_login;    /* AUTH was said */
    bool is_tls_next; /* STARTTLS was, and awaits its reply */
    unsigned char asked[DIALOGUE_ASKED_MAX]; /* commands under way, a ring */
    unsigned asked_first;
    unsigned asked_count;
};

extern const dialogue_protocol dialogue_smtp;
extern const dialogue_protocol dialogue_pop3;

/* Put it over an engine. */
mk_err dialogue_over(dialogue *d, const dialogue_protocol *protocol,
                     mk_engine *inner, mk_engine **out_outer);
/* What TLS came to. */
void dialogue_tls(const mk_tls_info *info, const char *host);

/* ---- for protocols ------------------------------------------------------- */

/* The line at hand, as it is. */
void dialogue_show(const dialogue *d, int who);
/* The client's line: its first n octets, and that there is more; the rest is
 * wiped. */
void dialogue_hide(dialogue *d, size_t n);
/* From the next line on a body comes, or the listing of one. */
void dialogue_begin_body(dialogue *d);
/* A line of it. */
void dialogue_body(dialogue *d, int who);
/* So many octets of the client's follow, which are no lines. */
void dialogue_chunk(dialogue *d, uint64_t octets);
/* Could the line be a response of a login (base64)? */
bool dialogue_is_response(mk_str line);

#endif
