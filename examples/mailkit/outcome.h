/* SPDX-License-Identifier: MIT
 *
 * outcome.h: what became of each recipient of a message, and how it is told:
 * a line each on standard output, or a JSON object a message. Delivered means
 * that the server took the message for this recipient, and nothing less.
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
    unsigned code;     /* 0: no reply */
    mk_smtp_verb verb; /* that it replied to */
    uint8_t enhanced[3];
    bool has_enhanced;
    char *text; /* text_len octets, owned */
    size_t text_len;
} answer;

/* What is known of the session, for all messages of it. */
typedef struct outcome_session {
    answer last;            /* the server's last word on us as a whole */
    const mk_tls_info *tls; /* borrowed; NULL: in clear */
    const char *login;      /* by which mechanism; NULL: no login */
    bool is_lmtp;           /* a reply to the body for each recipient */
} outcome_session;

typedef struct outcome {
    const outcome_session *session; /* borrowed */
    const char *file;        /* told with each recipient; NULL: it is not */
    const mk_str *addresses; /* borrowed */
    answer *answers;         /* one a recipient */
    size_t count;
    int broken; /* the exit code of what broke the session, or 0 */
} outcome;

/* True: the reply was about us, and is in s->last. */
bool outcome_session_reply(outcome_session *s, const mk_smtp_event *event);
void outcome_session_fini(outcome_session *s);

/* False when memory is out. */
bool outcome_init(outcome *o, const outcome_session *session,
                  const mk_str *addresses, size_t count);
void outcome_fini(outcome *o);
/* A reply about the message or one of its recipients. */
void outcome_reply(outcome *o, const mk_smtp_event *event);
/* The session broke, or never came to be; or the message was not begun. */
void outcome_break(outcome *o, mk_retry retry, mk_str why, int code);
/* Print; gives the exit code. */
int outcome_print(const outcome *o, bool is_json);
/* Of two exit codes the one that tells more. */
int outcome_worse(int a, int b);

#endif
