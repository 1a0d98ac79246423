/* SPDX-License-Identifier: MIT
 *
 * tool.h: what the sub-commands of mailkit(1) share: the exit codes of
 * sysexits, one way to complain, one way to print what strangers have said.
 * Data goes to standard output, everything else to standard error.
 */
#ifndef MAILKIT_TOOL_H
#define MAILKIT_TOOL_H

#include <mailkit/engine.h>

#include <stdio.h>

typedef enum tool_exit {
    TOOL_OK = 0,
    TOOL_USAGE = 64,       /* the command line is wrong */
    TOOL_DATAERR = 65,     /* the message is not fit to be sent */
    TOOL_NOINPUT = 66,     /* the message cannot be read */
    TOOL_NOHOST = 68,      /* the server's name gives no address */
    TOOL_UNAVAILABLE = 69, /* refused for good */
    TOOL_OSERR = 71,       /* no memory and the like */
    TOOL_CANTCREAT = 73,   /* the mailbox cannot be opened or made */
    TOOL_IOERR = 74,       /* something cannot be written */
    TOOL_TEMPFAIL = 75,    /* it may be tried again later */
    TOOL_PROTOCOL = 76,    /* the server does not speak the protocol, or the
                            * connection is less safe than was asked for */
    TOOL_NOPERM = 77       /* the login was refused */
} tool_exit;

/* "mailkit: WHAT: WHY" on standard error; why may be NULL. Gives code. */
int tool_fail(int code, const char *what, const char *why);
/* Print with everything that is not printable ASCII made visible. */
void tool_print_escaped(FILE *to, mk_str s);
/* Print text in UTF-8; what a terminal obeys, and what turns the order or the
 * lines of text, is made visible as \uXXXX. */
void tool_print_text(FILE *to, mk_str s);
bool tool_is_utf8(mk_str s);
/* For qsort, of what begins with an mk_str: by its octets. */
int tool_by_octets(const void *a, const void *b);
/* Print as a JSON string with its quotes; octets that are not UTF-8 become
 * U+FFFD. */
void tool_print_json(FILE *to, mk_str s);
/* Likewise what stands between the quotes. */
void tool_print_json_text(FILE *to, mk_str s);
/* Print the values of "tls" and "login" in JSON, with the latter's key: NULL is
 * null. */
void tool_print_session(const mk_tls_info *tls, const char *login);
/* Standard output was written in full, or it is complained: gives code, or
 * TOOL_IOERR. */
int tool_close_output(int code);

/* What getopt_long gives for --help. */
enum { TOOL_OPTION_HELP = 0x200 };

struct option;
/* The options of a sub-command; take(self, option, value) says whether one was
 * understood. MK_OK: optind is where the arguments begin; MK_END: help was
 * asked for and printed; MK_E_ARG: complained. *out_exit: how to leave. */
mk_err tool_options(int argc, char **argv, const struct option *rows,
                    const char *usage,
                    bool (*take)(void *self, int option, const char *z),
                    void *self, int *out_exit);

/* The sub-commands; argv[0] is the sub-command's name. */
int tool_send(int argc, char **argv);
int tool_fetch(int argc, char **argv);
int tool_parse(int argc, char **argv);
int tool_relaytest(int argc, char **argv);
int tool_passwd(int argc, char **argv);

#endif
