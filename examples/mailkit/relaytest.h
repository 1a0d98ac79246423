/* SPDX-License-Identifier: MIT
 *
 * relaytest.h: what the command line of `mailkit relaytest` says. Everything is
 * checked before a connection is made. There is no login: who has one may
 * relay, and nothing would be learned.
 */
#ifndef MAILKIT_RELAYTEST_H
#define MAILKIT_RELAYTEST_H

#include "hello.h"
#include "target.h"

typedef struct relaytest_options {
    target target;
    mk_str sender; /* empty: the null reverse-path */
    bool has_sender;
    mk_str recipient;
    mk_str user;   /* the recipient's local-part */
    mk_str victim; /* and domain */
    mk_str name;   /* the server's; empty: as it greets */
    char hostname[HELLO_ROOM];
    bool is_data;
    bool is_dialogue;
    bool is_json;
} relaytest_options;

/* MK_OK; MK_END: help was asked for and printed; else it was complained and
 * *out_exit says how to leave. */
mk_err relaytest_options_parse(relaytest_options *o, int argc, char **argv,
                               int *out_exit);

#endif
