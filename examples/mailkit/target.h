/* SPDX-License-Identifier: MIT
 *
 * target.h: the server that a command line names: its place, how it is to be
 * reached, who logs in there and with what. The sub-commands that are clients
 * share these options, and what makes no sense among them.
 */
#ifndef MAILKIT_TARGET_H
#define MAILKIT_TARGET_H

#include <mailkit/engine.h>

#include <getopt.h>

typedef enum target_tls {
    TARGET_TLS_UNSET,
    TARGET_TLS_NONE,
    TARGET_TLS_MAY,      /* when offered, whatever the certificate */
    TARGET_TLS_STARTTLS, /* or nothing */
    TARGET_TLS_IMPLICIT
} target_tls;

typedef struct target {
    char host[256]; /* NUL-ended, without brackets; or a path */
    bool is_unix;   /* a socket in the file system */
    uint16_t port;  /* 0: not said */
    target_tls tls;
    const char *trust; /* a PEM file or a directory; NULL: the system's */
    mk_str user;       /* empty: no login */
    const char *password_file; /* one of these two is set with a user */
    const char *password_command;
    uint32_t mechanisms; /* mk_sasl_mechanism, or-ed; 0: the library's */
    bool is_oauth;       /* the secret is a token */
    bool is_clear_allowed;
} target;

enum {
    TARGET_OPTION_TLS = 0x100,
    TARGET_OPTION_TRUST,
    TARGET_OPTION_USER,
    TARGET_OPTION_FILE,
    TARGET_OPTION_COMMAND,
    TARGET_OPTION_OAUTH,
    TARGET_OPTION_AUTH,
    TARGET_OPTION_CLEAR
};

/* Rows for getopt_long. */
#define TARGET_OPTIONS                                                         \
    {"tls", required_argument, NULL, TARGET_OPTION_TLS},                       \
        {"tls-trust", required_argument, NULL, TARGET_OPTION_TRUST},           \
        {"user", required_argument, NULL, TARGET_OPTION_USER},                 \
        {"password-file", required_argument, NULL, TARGET_OPTION_FILE},        \
        {"password-command", required_argument, NULL, TARGET_OPTION_COMMAND},  \
        {"oauth", no_argument, NULL, TARGET_OPTION_OAUTH},                     \
        {"auth", required_argument, NULL, TARGET_OPTION_AUTH},                 \
    {                                                                          \
        "allow-clear-auth", no_argument, NULL, TARGET_OPTION_CLEAR             \
    }

/* Lines for --help; that of --tls is each sub-command's own. */
#define TARGET_USAGE                                                           \
    "  --tls-trust PATH      PEM file or directory; the system's "             \
    "certificates\n"                                                           \
    "  --user NAME           log in, with one of the next two\n"               \
    "  --password-file FILE  its first line is the password\n"                 \
    "  --password-command C  what C prints is; split at blanks, no shell\n"    \
    "  --oauth               it is an OAuth 2.0 token instead\n"               \
    "  --auth MECHANISM      only this one; may be repeated\n"                 \
    "  --allow-clear-auth    also where others can read along\n"

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT; a bare IPv6 address has more
 * than one colon and no port. False: malformed, or given before. */
bool target_parse_place(target *t, mk_str s);
/* Likewise unix:PATH. */
bool target_parse_unix(target *t, mk_str s);
/* A connection to it, as mk_poll_connect makes them. */
mk_err target_connect(const target *t, uint32_t timeout_ms, int *out_fd);
/* One of TARGET_OPTIONS; false: not understood, or given twice. */
bool target_parse_option(target *t, int option, const char *z);
/* Remember a text that may be given once. */
bool target_parse_once(const char **io_z, const char *z);
/* NULL, or what does not go together. Once tls is set. */
const char *target_clash(const target *t);
/* How to leave after a fault; is_passing: a login was refused for now. */
int target_exit_code(mk_err why, mk_retry retry, bool is_passing);
/* The server's certificate was not good enough. */
bool target_is_certificate(mk_err why);

#endif
