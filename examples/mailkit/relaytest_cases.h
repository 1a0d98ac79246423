/* SPDX-License-Identifier: MIT
 *
 * relaytest_cases.h: the envelopes by which servers were made relays (RFC 2505
 * 2.1): routing that was once written into the local-part, and senders that
 * look like the server's own.
 */
#ifndef MAILKIT_RELAYTEST_CASES_H
#define MAILKIT_RELAYTEST_CASES_H

#include <mailkit/base.h>

typedef struct relay_case {
    const char *sender; /* patterns, see relay_path */
    const char *recipient;
} relay_case;

/* What a pattern's capitals stand for; all else stands for itself. */
typedef struct relay_names {
    mk_str sender;    /* F */
    mk_str recipient; /* T, which is U@V: */
    mk_str user;      /* U */
    mk_str victim;    /* V */
    mk_str name;      /* N: the server's */
    mk_str address;   /* A: likewise, an address literal */
} relay_names;

extern const relay_case relay_cases[];
extern const size_t relay_case_count;

/* A path without its brackets; false: there is no room. */
bool relay_path(const char *pattern, const relay_names *names, mk_buf *out);

#endif
