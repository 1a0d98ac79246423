/* SPDX-License-Identifier: MIT
 *
 * fetch.h: what the command line of `mailkit fetch` says. Everything is
 * checked before a connection is made: the URL (after RFC 2384, but with the
 * scheme telling how TLS begins), the place to put messages, and what target.h
 * looks at. A password in the URL is refused.
 */
#ifndef MAILKIT_FETCH_H
#define MAILKIT_FETCH_H

#include "target.h"

typedef struct fetch_options {
    target target;
    char user[256];   /* of the URL, decoded; target.user points to it */
    const char *into; /* the Maildir's path */
    const char *seen; /* a file of unique-ids, or NULL */
    uint64_t message_max;
    uint32_t count_max; /* messages fetched at most */
    bool is_keep;
    bool is_apop;
    bool is_dialogue;
    bool is_json;
} fetch_options;

/* MK_OK; MK_END: help was asked for and printed; else it was complained and
 * *out_exit says how to leave. The options must stay where they are. */
mk_err fetch_options_parse(fetch_options *o, int argc, char **argv,
                           int *out_exit);

#endif
