/* SPDX-License-Identifier: MIT
 *
 * asks.h: what a command line asks of a server for a message, beyond taking
 * it: the parameters of service extensions, named as RFC 3461, 6531, 8689,
 * 6710, 2852 and 4865 name them, and who we say that we are (XCLIENT).
 */
#ifndef MAILKIT_ASKS_H
#define MAILKIT_ASKS_H

#include <mailkit/smtp.h>

#include <getopt.h>

typedef struct asks {
    mk_smtp_mail_options mail;
    mk_smtp_rcpt_options rcpt;  /* of every recipient */
    mk_smtp_client_info client; /* views into argv; given 0: no XCLIENT */
} asks;

enum {
    ASKS_OPTION_UTF8 = 0x300,
    ASKS_OPTION_RET,
    ASKS_OPTION_NOTIFY,
    ASKS_OPTION_ENVID,
    ASKS_OPTION_TLS,
    ASKS_OPTION_PRIORITY,
    ASKS_OPTION_BY,
    ASKS_OPTION_HOLD_FOR,
    ASKS_OPTION_HOLD_UNTIL,
    ASKS_OPTION_XCLIENT
};

/* Rows for getopt_long. */
#define ASKS_OPTIONS                                                           \
    {"utf8", no_argument, NULL, ASKS_OPTION_UTF8},                             \
        {"dsn-ret", required_argument, NULL, ASKS_OPTION_RET},                 \
        {"dsn-notify", required_argument, NULL, ASKS_OPTION_NOTIFY},           \
        {"dsn-envid", required_argument, NULL, ASKS_OPTION_ENVID},             \
        {"require-tls", no_argument, NULL, ASKS_OPTION_TLS},                   \
        {"priority", required_argument, NULL, ASKS_OPTION_PRIORITY},           \
        {"by", required_argument, NULL, ASKS_OPTION_BY},                       \
        {"hold-for", required_argument, NULL, ASKS_OPTION_HOLD_FOR},           \
        {"hold-until", required_argument, NULL, ASKS_OPTION_HOLD_UNTIL},       \
    {                                                                          \
        "xclient", required_argument, NULL, ASKS_OPTION_XCLIENT                \
    }

/* Lines for --help. */
#define ASKS_USAGE                                                             \
    "  --utf8                addresses and header may hold UTF-8 (SMTPUTF8)\n" \
    "  --dsn-ret WORD        a notice returns: full or hdrs\n"                 \
    "  --dsn-notify WORD,... of: never; or success, failure, delay\n"          \
    "  --dsn-envid ID        named in notices\n"                               \
    "  --require-tls         TLS all the way, or not at all (RFC 8689)\n"      \
    "  --priority N          -9 to 9 (MT-PRIORITY)\n"                          \
    "  --by SECONDS[;R|N]    deliver by then, or return it; or tell\n"         \
    "                        (DELIVERBY)\n"                                    \
    "  --hold-for SECONDS    the server waits (FUTURERELEASE)\n"               \
    "  --hold-until TIME     likewise; 2026-12-24T18:00:00Z\n"                 \
    "  --xclient \"NAME=VALUE ...\"\n"                                         \
    "                        say first who we are, where we are trusted\n"

/* Nothing is asked. */
void asks_init(asks *a);
/* One of ASKS_OPTIONS; false: not understood, or given twice. */
bool asks_parse_option(asks *a, int option, const char *z);
/* The name of the first of these extensions (mk_smtp_extension). */
const char *asks_extension_name(uint32_t extensions);

#endif
