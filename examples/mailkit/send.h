/* SPDX-License-Identifier: MIT
 *
 * send.h: what the command line of `mailkit send` says. Everything is checked
 * before a connection is made: addresses by RFC 5321 4.1.2, the own name by
 * 4.1.1.1, what target.h and asks.h look at, and the envelope as a whole.
 */
#ifndef MAILKIT_SEND_H
#define MAILKIT_SEND_H

#include "asks.h"
#include "hello.h"
#include "target.h"

typedef struct send_options {
    target target;
    asks asks;
    mk_str sender; /* empty: the null reverse-path */
    bool has_sender;
    mk_str *recipients; /* owned; the strings are of argv */
    size_t recipient_count;
    char hostname[HELLO_ROOM];
    char **files; /* of argv; "-": standard input */
    size_t file_count;
    bool is_lmtp;
    bool is_data_only;
    bool is_chunking_said;
    bool is_dialogue;
    bool is_json;
} send_options;

/* MK_OK; MK_END: help was asked for and printed; else it was complained and
 * *out_exit says how to leave. send_options_fini in any case. */
mk_err send_options_parse(send_options *o, int argc, char **argv,
                          int *out_exit);
void send_options_fini(send_options *o);

#endif
