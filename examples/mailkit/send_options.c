/* SPDX-License-Identifier: MIT
 *
 * send_options.c: see send.h. Options may stand anywhere and end at `--`; each
 * may be given once but for --to. The file is the one argument that is left.
 * What is missing or malformed is complained about before anything is done.
 */
#include "send.h"

#include <mailkit/smtp.h>

#include "tool.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECIPIENTS_MAX = 100000,
    PORT_SMTP = 25,
    PORT_SUBMISSION = 587, /* RFC 6409 3.1 */
    PORT_SUBMISSIONS = 465 /* RFC 8314 7.3: implicit TLS */
};

static const char usage[] =
    "usage: mailkit send --server HOST[:PORT] --from ADDRESS --to ADDRESS...\n"
    "                    [OPTION...] [FILE]\n"
    "\n"
    "Submits the message in FILE, or on standard input, and prints what "
    "became\n"
    "of it: a line a recipient with address, reply code, enhanced code, text.\n"
    "\n"
    "  --server HOST[:PORT]  where to; [::1]:25 for IPv6; port 25, with\n"
    "                        --user 587, with --tls implicit 465\n"
    "  --from ADDRESS        reverse-path; '' for the null one\n"
    "  --to ADDRESS          recipient; may be repeated\n"
    "  --hostname NAME       own name for EHLO; the system's name\n"
    "  --tls WORD            none, may, starttls or implicit; implicit on "
    "port\n"
    "                        465, else starttls with --user, else "
    "none\n" TARGET_USAGE
    "  --dialogue            show the dialogue on standard error\n"
    "  --json                print one JSON object\n"
    "  --help                print this\n"
    "\n"
    "exit code: 0 taken for all; 69 refused for good, at least for one; 75 "
    "try\n"
    "again later; 64 usage; 65 unfit message; 66 no such file; 68 no such "
    "host;\n"
    "76 the server broke the protocol, or the connection is not safe; 77 the\n"
    "login was refused\n";

enum { OPTION_DIALOGUE = 1, OPTION_JSON };

static const struct option long_options[] = {
    {"server", required_argument, NULL, 's'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"hostname", required_argument, NULL, 'n'},
    TARGET_OPTIONS,
    {"dialogue", no_argument, NULL, OPTION_DIALOGUE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, TOOL_OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool parse_sender(send_options *o, mk_str s)
{
    mk_smtp_path path;

    o->sender = s;
    o->has_sender = true;
    return s.len == 0 || (mk_smtp_mailbox_parse(s, false, &path) == MK_OK &&
                          (path.flags & MK_SMTP_PATH_NO_DOMAIN) == 0);
}

static bool parse_recipient(send_options *o, mk_str s)
{
    mk_smtp_path path;

    if (o->recipient_count == RECIPIENTS_MAX ||
        mk_smtp_mailbox_parse(s, false, &path) != MK_OK) {
        return false;
    }
    o->recipients[o->recipient_count++] = s;
    return true;
}

static bool parse_one(void *self, int option, const char *z)
{
    send_options *o = self;
    mk_str s = mk_str_z(z);

    switch (option) {
    case 's':
        return target_parse_place(&o->target, s);
    case 'f':
        return !o->has_sender && parse_sender(o, s);
    case 't':
        return parse_recipient(o, s);
    case 'n':
        return hello_parse(o->hostname, s);
    case OPTION_DIALOGUE:
        o->is_dialogue = true;
        return true;
    case OPTION_JSON:
        o->is_json = true;
        return true;
    default:
        return target_parse_option(&o->target, option, z);
    }
}

/* What people expect of a port, and of a password. */
static void default_tls(target *t)
{
    if (t->tls == TARGET_TLS_UNSET) {
        t->tls = t->port == PORT_SUBMISSIONS ? TARGET_TLS_IMPLICIT
                 : t->user.len > 0           ? TARGET_TLS_STARTTLS
                                             : TARGET_TLS_NONE;
    }
    if (t->port == 0) {
        t->port = t->tls == TARGET_TLS_IMPLICIT ? PORT_SUBMISSIONS
                  : t->user.len > 0             ? PORT_SUBMISSION
                                                : PORT_SMTP;
    }
}

static mk_err complete(send_options *o, int argc, char **argv)
{
    const char *missing = o->target.host[0] == '\0' ? "--server"
                          : !o->has_sender          ? "--from"
                          : o->recipient_count == 0 ? "--to"
                                                    : NULL;

    if (missing != NULL) {
        tool_fail(TOOL_USAGE, missing, "is missing");
        return MK_E_ARG;
    }
    if (argc - optind > 1) {
        tool_fail(TOOL_USAGE, argv[optind + 1], "one file at a time");
        return MK_E_ARG;
    }
    default_tls(&o->target);
    missing = target_clash(&o->target);
    if (missing != NULL) {
        tool_fail(TOOL_USAGE, "send", missing);
        return MK_E_ARG;
    }
    o->file = optind < argc ? argv[optind] : "-";
    hello_default(o->hostname);
    return MK_OK;
}

mk_err send_options_parse(send_options *o, int argc, char **argv, int *out_exit)
{
    mk_err r;

    memset(o, 0, sizeof *o);
    o->recipients = calloc((size_t)argc, sizeof *o->recipients);
    if (o->recipients == NULL) {
        *out_exit = tool_fail(TOOL_OSERR, "send", "out of memory");
        return MK_E_MEMORY;
    }
    r = tool_options(argc, argv, long_options, usage, parse_one, o, out_exit);
    return r == MK_OK ? complete(o, argc, argv) : r;
}

void send_options_fini(send_options *o)
{
    free(o->recipients);
    o->recipients = NULL;
}
