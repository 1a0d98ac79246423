/* SPDX-License-Identifier: MIT
 *
 * drop.h: what a maildrop holds, what became of each of its messages, and how
 * that is told: a line for each that was touched, or one JSON object. Fetched
 * means that it is on stable storage here, deleted that the server has said
 * so at the end of the session, and nothing less.
 */
#ifndef MAILKIT_DROP_H
#define MAILKIT_DROP_H

#include <mailkit/pop3.h>

#include "tool.h"

typedef enum drop_state {
    DROP_LEFT,    /* nothing was done with it */
    DROP_SEEN,    /* it was fetched by an earlier run */
    DROP_LARGE,   /* larger than is wanted */
    DROP_ASKED,   /* it comes */
    DROP_HERE,    /* all of it came, and is not on stable storage yet */
    DROP_FETCHED, /* it is */
    DROP_FAILED,
    DROP_STATES
} drop_state;

typedef struct drop_row {
    drop_state state;
    bool is_marked;  /* the server took DELE */
    bool is_twin;    /* its id says nothing: another one has it */
    uint8_t uid_len; /* 0: it has none */
    char uid[MK_POP3_UID_MAX];
    uint64_t octets; /* on the wire: what LIST said, then what came */
    char *text;      /* owned; file's name, or why it failed */
    size_t text_len;
} drop_row;

typedef struct drop {
    drop_row *rows; /* message n is rows[n - 1] */
    uint32_t count;
    uint64_t octets; /* STAT's */
    bool is_listed;  /* unique-ids are there */
    bool is_updated; /* QUIT was answered by +OK: what is marked is gone */
    bool is_over;    /* the session came to its end */
    int broken;      /* the exit code of what broke, or 0 */
    const mk_tls_info *tls; /* borrowed; NULL: in clear */
    const char *login;      /* how; NULL: no login */
} drop;

/* False when memory is out. */
bool drop_make(drop *d, uint32_t count, uint64_t octets);
void drop_fini(drop *d);
/* Mark those whose id others have, too: against RFC 1939 7, and what was
 * fetched under it may be another one. False when memory is out. */
bool drop_find_twins(drop *d);
/* Change a message's state and text. */
void drop_set(drop *d, uint32_t number, drop_state state, mk_str text);
/* The first thing that breaks counts. */
void drop_break(drop *d, int code);
/* Print; gives the exit code. */
int drop_print(const drop *d, bool is_json);
/* For seen_write: the ids of what is here and may still be on the server. */
void drop_put_ids(const void *self, FILE *to);

#endif
