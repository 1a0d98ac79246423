/* SPDX-License-Identifier: MIT
 *
 * send.h: what the command line of `mailkit send` says. Everything is checked
 * before a connection is made: addresses by RFC 5321 4.1.2, the own name by
 * 4.1.1.1, the server's place as HOST, HOST:PORT or [ADDRESS]:PORT, and that
 * no login was asked for over a connection that is not to be safe.
 */
#ifndef MAILKIT_SEND_H
#define MAILKIT_SEND_H

#include <mailkit/base.h>

typedef enum send_tls {
    SEND_TLS_UNSET,
    SEND_TLS_NONE,
    SEND_TLS_MAY,      /* when offered, whatever the certificate */
    SEND_TLS_STARTTLS, /* or nothing */
    SEND_TLS_IMPLICIT
} send_tls;

typedef struct send_options {
    char host[256]; /* NUL-ended, without brackets */
    uint16_t port;
    mk_str sender; /* empty: the null reverse-path */
    bool has_sender;
    mk_str *recipients; /* owned; the strings are of argv */
    size_t recipient_count;
    char hostname[256];
    const char *file; /* "-": standard input */
    send_tls tls;
    const char *trust; /* a PEM file or a directory; NULL: the system's */
    mk_str user;       /* empty: no login */
    const char *password_file; /* one of these two is set with a user */
    const char *password_command;
    uint32_t mechanisms; /* mk_sasl_mechanism, or-ed; 0: the library's */
    bool is_oauth;       /* the secret is a token */
    bool is_clear_allowed;
    bool is_dialogue;
    bool is_json;
} send_options;

/* MK_OK; MK_END: help was asked for and printed; else it was complained and
 * *out_exit says how to leave. send_options_fini in any case. */
mk_err send_options_parse(send_options *o, int argc, char **argv,
                          int *out_exit);
void send_options_fini(send_options *o);

#endif
