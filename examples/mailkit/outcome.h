/* SPDX-License-Identifier: MIT
 *
 * outcome.h: what became of each recipient, and how it is told: a line each
 * on standard output, or one JSON object. Delivered means that the server
 * took the message for this recipient, and nothing less.
 */
#ifndef MAILKIT_OUTCOME_H
#define MAILKIT_OUTCOME_H

#include <mailkit/smtp.h>

#include "tool.h"

typedef enum verdict_kind {
    VERDICT_NONE,
    VERDICT_DELIVERED,
    VERDICT_DEFERRED, /* a 4xx, or the session broke */
    VERDICT_REFUSED,  /* a 5xx */
    VERDICT_UNKNOWN   /* it broke after the end of the message */
} verdict_kind;

typedef struct answer {
    verdict_kind verdict;
    unsigned code; /* 0: no reply */
    uint8_t enhanced[3];
    bool has_enhanced;
    char *text; /* text_len octets, owned */
    size_t text_len;
} answer;

typedef struct outcome {
    const mk_str *addresses; /* borrowed */
    answer *answers;         /* one a recipient */
    size_t count;
    answer session;         /* the server refused us as a whole */
    const mk_tls_info *tls; /* borrowed; NULL: in clear */
    const char *login;      /* by which mechanism; NULL: no login */
    int broken;             /* the exit code of what broke the session, or 0 */
} outcome;

/* False when memory is out. */
bool outcome_init(outcome *o, const mk_str *addresses, size_t count);
void outcome_fini(outcome *o);
/* A reply of the server, whatever it answers. */
void outcome_reply(outcome *o, const mk_smtp_event *event);
/* The session broke, or never came to be. */
void outcome_break(outcome *o, mk_retry retry, mk_str why, int code);
/* Print; gives the exit code. */
int outcome_print(const outcome *o, bool is_json);

#endif
