/* SPDX-License-Identifier: MIT
 *
 * relaytest_options.c: see relaytest.h. The server is the one argument that is
 * no option. The recipient must be plain, local-part and domain, for it is put
 * between quotes and behind routes.
 */
#include "relaytest.h"

#include <mailkit/smtp.h>

#include "tool.h"

#include <string.h>

enum { PORT_SMTP = 25, PORT_SUBMISSIONS = 465 };

static const char usage[] =
    "usage: mailkit relaytest HOST[:PORT] --to ADDRESS [OPTION...]\n"
    "\n"
    "Tries whether the server takes mail of strangers for strangers, in all "
    "the\n"
    "forms that have worked somewhere (RFC 2505 2.1). A line a case: closed, "
    "open\n"
    "or undecided, reply code, enhanced code, sender, recipient, text.\n"
    "\n"
    "  --to ADDRESS        yours, and nobody's whom the server knows\n"
    "  --from ADDRESS      reverse-path; '' for the null one; as --to\n"
    "  --their-name NAME   the server's domain; as it greets\n"
    "  --data              send a message, for servers that judge only that;\n"
    "                      else each case ends behind RCPT\n"
    "  --hostname NAME     own name for EHLO; the system's name\n"
    "  --tls WORD          none, may, starttls or implicit; implicit on port "
    "465,\n"
    "                      else none\n"
    "  --tls-trust PATH    PEM file or directory; the system's certificates\n"
    "  --dialogue          show the dialogue on standard error\n"
    "  --json              print one JSON object\n"
    "  --help              print this\n"
    "\n"
    "exit code: 0 closed: each case was refused; 1 open, at least one was "
    "taken;\n"
    "75 undecided: none was taken, and not each refused; 64 usage; 66 no "
    "trusted\n"
    "certificates; 68 no such host; 69 the server does not serve us; 76 it "
    "broke\n"
    "the protocol, or the connection is not safe\n";

enum { OPTION_DIALOGUE = 1, OPTION_JSON, OPTION_DATA, OPTION_NAME };

static const struct option long_options[] = {
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"their-name", required_argument, NULL, OPTION_NAME},
    {"hostname", required_argument, NULL, 'n'},
    {"data", no_argument, NULL, OPTION_DATA},
    {"tls", required_argument, NULL, TARGET_OPTION_TLS},
    {"tls-trust", required_argument, NULL, TARGET_OPTION_TRUST},
    {"dialogue", no_argument, NULL, OPTION_DIALOGUE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, TOOL_OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool parse_sender(relaytest_options *o, mk_str s)
{
    mk_smtp_path path;

    o->sender = s;
    o->has_sender = true;
    return s.len == 0 || (mk_smtp_mailbox_parse(s, false, &path) == MK_OK &&
                          (path.flags & MK_SMTP_PATH_NO_DOMAIN) == 0);
}

static bool parse_recipient(relaytest_options *o, mk_str s)
{
    mk_smtp_path path;

    if (o->recipient.len > 0 ||
        mk_smtp_mailbox_parse(s, false, &path) != MK_OK ||
        (path.flags & (MK_SMTP_PATH_NO_DOMAIN | MK_SMTP_PATH_QUOTED |
                       MK_SMTP_PATH_LITERAL)) != 0) {
        return false;
    }
    o->recipient = s;
    o->user = path.local_part;
    o->victim = path.domain;
    return true;
}

static bool parse_one(void *self, int option, const char *z)
{
    relaytest_options *o = self;
    mk_str s = mk_str_z(z);
    bool is_first;

    switch (option) {
    case 'f':
        return !o->has_sender && parse_sender(o, s);
    case 't':
        return parse_recipient(o, s);
    case 'n':
        return hello_parse(o->hostname, s);
    case OPTION_NAME:
        is_first = o->name.len == 0;
        o->name = s;
        return is_first && mk_smtp_is_host_name(s);
    case OPTION_DATA:
        o->is_data = true;
        return true;
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

static void complete(relaytest_options *o)
{
    target *t = &o->target;

    if (t->tls == TARGET_TLS_UNSET) {
        t->tls =
            t->port == PORT_SUBMISSIONS ? TARGET_TLS_IMPLICIT : TARGET_TLS_NONE;
    }
    if (t->port == 0) {
        t->port = t->tls == TARGET_TLS_IMPLICIT ? PORT_SUBMISSIONS : PORT_SMTP;
    }
    if (!o->has_sender) {
        o->sender = o->recipient;
    }
    hello_default(o->hostname);
}

mk_err relaytest_options_parse(relaytest_options *o, int argc, char **argv,
                               int *out_exit)
{
    const char *clash;
    mk_err r;

    memset(o, 0, sizeof *o);
    r = tool_options(argc, argv, long_options, usage, parse_one, o, out_exit);
    if (r != MK_OK) {
        return r;
    }
    if (argc - optind != 1 ||
        !target_parse_place(&o->target, mk_str_z(argv[optind]))) {
        tool_fail(TOOL_USAGE, "relaytest", "wants one HOST[:PORT]");
        return MK_E_ARG;
    }
    if (o->recipient.len == 0) {
        tool_fail(TOOL_USAGE, "--to", "is missing");
        return MK_E_ARG;
    }
    complete(o);
    clash = target_clash(&o->target);
    if (clash != NULL) {
        tool_fail(TOOL_USAGE, "relaytest", clash);
        return MK_E_ARG;
    }
    return MK_OK;
}
