/* SPDX-License-Identifier: MIT
 *
 * send_options.c: see send.h. Options may stand anywhere and end at `--`; each
 * may be given once but for --to. Arguments that are left are files.
 * What is missing or malformed is complained about before anything is done.
 */
#include "send.h"

#include <mailkit/smtp.h>

#include "tool.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECIPIENTS_MAX = 100000,
    PORT_LMTP = 24,
    PORT_SMTP = 25,
    PORT_SUBMISSION = 587, /* RFC 6409 3.1 */
    PORT_SUBMISSIONS = 465 /* RFC 8314 7.3: implicit TLS */
};

static const char usage[] =
    "usage: mailkit send --server HOST[:PORT] --from ADDRESS --to ADDRESS...\n"
    "                    [OPTION...] [FILE...]\n"
    "\n"
    "Submits the message in each FILE, or on standard input, over one\n"
    "connection and prints what became of it: a line a recipient with "
    "address,\n"
    "reply code, enhanced code, text; of several files with the FILE in "
    "front.\n"
    "\n"
    "  --server HOST[:PORT]  where to; [::1]:25 for IPv6, or unix:/PATH; port\n"
    "                        25, with --user 587, with --tls implicit 465, "
    "with\n"
    "                        --lmtp 24\n"
    "  --lmtp                speak LMTP (RFC 2033)\n"
    "  --from ADDRESS        reverse-path; '' for the null one\n"
    "  --to ADDRESS          recipient; may be repeated\n"
    "  --hostname NAME       own name for EHLO; the system's name\n"
    "  --tls WORD            none, may, starttls or implicit; implicit on "
    "port\n"
    "                        465, else starttls with --user, else "
    "none\n" TARGET_USAGE ASKS_USAGE
    "  --chunking WORD       BDAT where it is offered: auto, or no\n"
    "  --dialogue            show the dialogue on standard error\n"
    "  --json                print a JSON object a message\n"
    "  --help                print this\n"
    "\n"
    "exit code: 0 taken for all; 69 refused for good, at least for one; 75 "
    "try\n"
    "again later; 64 usage; 65 unfit message; 66 no such file; 68 no such "
    "host;\n"
    "76 the server broke the protocol, or the connection is not safe; 77 the\n"
    "login was refused\n";

enum { OPTION_DIALOGUE = 1, OPTION_JSON, OPTION_LMTP, OPTION_CHUNKING };

static const struct option long_options[] = {
    {"server", required_argument, NULL, 's'},
    {"lmtp", no_argument, NULL, OPTION_LMTP},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"hostname", required_argument, NULL, 'n'},
    TARGET_OPTIONS,
    ASKS_OPTIONS,
    {"chunking", required_argument, NULL, OPTION_CHUNKING},
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
    return s.len == 0 || (mk_smtp_mailbox_parse(s, true, &path) == MK_OK &&
                          (path.flags & MK_SMTP_PATH_NO_DOMAIN) == 0);
}

static bool parse_recipient(send_options *o, mk_str s)
{
    mk_smtp_path path;

    if (o->recipient_count == RECIPIENTS_MAX ||
        mk_smtp_mailbox_parse(s, true, &path) != MK_OK) {
        return false;
    }
    o->recipients[o->recipient_count++] = s;
    return true;
}

static bool parse_chunking(send_options *o, mk_str s)
{
    bool is_first = !o->is_chunking_said;

    o->is_chunking_said = true;
    o->is_data_only = mk_str_is(s, mk_str_z("no"));
    return is_first && (o->is_data_only || mk_str_is(s, mk_str_z("auto")));
}

static bool parse_one(void *self, int option, const char *z)
{
    send_options *o = self;
    mk_str s = mk_str_z(z);

    switch (option) {
    case 's':
        return mk_str_has_prefix_nocase(s, mk_str_z("unix:"))
                   ? target_parse_unix(&o->target, s)
                   : target_parse_place(&o->target, s);
    case 'f':
        return !o->has_sender && parse_sender(o, s);
    case 't':
        return parse_recipient(o, s);
    case 'n':
        return hello_parse(o->hostname, s);
    case OPTION_LMTP:
        o->is_lmtp = true;
        return true;
    case OPTION_CHUNKING:
        return parse_chunking(o, s);
    case OPTION_DIALOGUE:
        o->is_dialogue = true;
        return true;
    case OPTION_JSON:
        o->is_json = true;
        return true;
    default:
        return option >= ASKS_OPTION_UTF8
                   ? asks_parse_option(&o->asks, option, z)
                   : target_parse_option(&o->target, option, z);
    }
}

/* What people expect of a port, and of a password. */
static void default_tls(target *t, bool is_lmtp)
{
    if (t->tls == TARGET_TLS_UNSET) {
        t->tls = t->is_unix                    ? TARGET_TLS_NONE
                 : t->port == PORT_SUBMISSIONS ? TARGET_TLS_IMPLICIT
                 : t->user.len > 0             ? TARGET_TLS_STARTTLS
                                               : TARGET_TLS_NONE;
    }
    if (t->port == 0) {
        t->port = is_lmtp                         ? PORT_LMTP
                  : t->tls == TARGET_TLS_IMPLICIT ? PORT_SUBMISSIONS
                  : t->user.len > 0               ? PORT_SUBMISSION
                                                  : PORT_SMTP;
    }
}

/* NULL, or what is missing. */
static const char *missing(const send_options *o)
{
    return o->target.host[0] == '\0' ? "--server"
           : !o->has_sender          ? "--from"
           : o->recipient_count == 0 ? "--to"
                                     : NULL;
}

/* NULL, or what does not go together. RFC 2033 keeps LMTP from port 25, where
 * whoever is there takes mail for others; RFC 8689 4.2.1: what is to stay
 * safe goes to no server that is not known. */
static const char *clash(const send_options *o)
{
    if (o->is_lmtp && o->target.port == PORT_SMTP) {
        return "LMTP is not spoken on port 25";
    }
    if (o->asks.mail.is_tls_required && o->target.tls != TARGET_TLS_STARTTLS &&
        o->target.tls != TARGET_TLS_IMPLICIT) {
        return "--require-tls needs --tls starttls or implicit";
    }
    return target_clash(&o->target);
}

static bool is_ascii(mk_str s)
{
    size_t i;

    for (i = 0; i < s.len && (unsigned char)s.ptr[i] < 0x80;) {
        i++;
    }
    return i == s.len;
}

/* NULL, or an address that wants --utf8. */
static const mk_str *utf8_address(const send_options *o)
{
    size_t i;

    for (i = 0; i < o->recipient_count && !o->asks.mail.is_utf8; i++) {
        if (!is_ascii(o->recipients[i])) {
            return &o->recipients[i];
        }
    }
    return o->asks.mail.is_utf8 || is_ascii(o->sender) ? NULL : &o->sender;
}

static mk_err complain(const char *what, const char *why)
{
    tool_fail(TOOL_USAGE, what, why);
    return MK_E_ARG;
}

/* argv as a whole was understood; what is left of it are files. */
static mk_err complete(send_options *o, int argc, char **argv)
{
    static char standard_input[] = "-";
    static char *standard_inputs[] = {standard_input};
    const mk_str *address = utf8_address(o);
    const char *why = missing(o);

    if (why != NULL) {
        return complain(why, "is missing");
    }
    if (address != NULL) {
        return complain(address->ptr, "an address in UTF-8 wants --utf8");
    }
    default_tls(&o->target, o->is_lmtp);
    why = clash(o);
    if (why != NULL) {
        return complain("send", why);
    }
    for (int i = optind, n = 0; i < argc; i++) {
        n += strcmp(argv[i], "-") == 0;
        if (n > 1) {
            return complain("-", "standard input can be read once");
        }
    }
    o->files = optind < argc ? argv + optind : standard_inputs;
    o->file_count = optind < argc ? (size_t)(argc - optind) : 1;
    hello_default(o->hostname);
    return MK_OK;
}

mk_err send_options_parse(send_options *o, int argc, char **argv, int *out_exit)
{
    mk_err r;

    memset(o, 0, sizeof *o);
    asks_init(&o->asks);
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
