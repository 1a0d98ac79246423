/* SPDX-License-Identifier: MIT
 *
 * send_options.c: see send.h. Options may stand anywhere and end at `--`; each
 * may be given once but for --to. The file is the one argument that is left.
 * What is missing or malformed is complained about before anything is done.
 */
#include "send.h"

#include <mailkit/smtp.h>

#include "tool.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RECIPIENTS_MAX = 100000, PORT_SMTP = 25 };

static const char usage[] =
    "usage: mailkit send --server HOST[:PORT] --from ADDRESS --to ADDRESS...\n"
    "                    [OPTION...] [FILE]\n"
    "\n"
    "Submits the message in FILE, or on standard input, and prints what "
    "became\n"
    "of it: a line a recipient with address, reply code, enhanced code, text.\n"
    "\n"
    "  --server HOST[:PORT]  where to; [::1]:25 for IPv6; port 25\n"
    "  --from ADDRESS        reverse-path; '' for the null one\n"
    "  --to ADDRESS          recipient; may be repeated\n"
    "  --hostname NAME       own name for EHLO; the system's name\n"
    "  --dialogue            show the dialogue on standard error\n"
    "  --json                print one JSON object\n"
    "  --help                print this\n"
    "\n"
    "exit code: 0 taken for all; 69 refused for good, at least for one; 75 "
    "try\n"
    "again later; 64 usage; 65 unfit message; 66 no such file; 68 no such "
    "host;\n"
    "76 the server broke the protocol\n";

enum { OPTION_HELP = 1, OPTION_DIALOGUE, OPTION_JSON };

static const struct option long_options[] = {
    {"server", required_argument, NULL, 's'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"hostname", required_argument, NULL, 'n'},
    {"dialogue", no_argument, NULL, OPTION_DIALOGUE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT; a bare IPv6 address has more
 * than one colon and no port. */
static bool parse_server(send_options *o, mk_str s)
{
    mk_str host = s;
    mk_str port;
    uint64_t value = PORT_SMTP;
    size_t at;

    if (s.len > 0 && s.ptr[0] == '[') {
        at = mk_str_find(s, ']');
        host = mk_str_sub(s, 1, at - 1);
        port = mk_str_sub(s, at + 1, SIZE_MAX);
        if (at == s.len || (port.len > 0 && port.ptr[0] != ':')) {
            return false;
        }
    } else {
        at = mk_str_find(s, ':');
        port = mk_str_sub(s, at, SIZE_MAX);
        if (port.len > 0 &&
            mk_str_find(mk_str_sub(port, 1, SIZE_MAX), ':') == port.len - 1) {
            host = mk_str_sub(s, 0, at);
        } else {
            port.len = 0;
        }
    }
    if (port.len > 0 &&
        (mk_str_u64(mk_str_sub(port, 1, SIZE_MAX), &value) != MK_OK ||
         value == 0 || value > 65535)) {
        return false;
    }
    if (host.len == 0 || host.len >= sizeof o->host) {
        return false;
    }
    memcpy(o->host, host.ptr, host.len);
    o->host[host.len] = '\0';
    o->port = (uint16_t)value;
    return true;
}

static bool parse_hostname(send_options *o, mk_str s)
{
    if (s.len >= sizeof o->hostname || !mk_smtp_is_host_name(s)) {
        return false;
    }
    memcpy(o->hostname, s.ptr, s.len);
    o->hostname[s.len] = '\0';
    return true;
}

static bool parse_sender(send_options *o, mk_str s)
{
    mk_smtp_path path;

    o->sender = s;
    o->has_sender = true;
    return s.len == 0 || (mk_smtp_mailbox_parse(s, &path) == MK_OK &&
                          (path.flags & MK_SMTP_PATH_NO_DOMAIN) == 0);
}

static bool parse_recipient(send_options *o, mk_str s)
{
    mk_smtp_path path;

    if (o->recipient_count == RECIPIENTS_MAX ||
        mk_smtp_mailbox_parse(s, &path) != MK_OK) {
        return false;
    }
    o->recipients[o->recipient_count++] = s;
    return true;
}

static bool parse_one(send_options *o, int option, const char *z)
{
    mk_str s = mk_str_z(z);

    switch (option) {
    case 's':
        return o->port == 0 && parse_server(o, s);
    case 'f':
        return !o->has_sender && parse_sender(o, s);
    case 't':
        return parse_recipient(o, s);
    case 'n':
        return o->hostname[0] == '\0' && parse_hostname(o, s);
    case OPTION_DIALOGUE:
        o->is_dialogue = true;
        return true;
    case OPTION_JSON:
        o->is_json = true;
        return true;
    default:
        return false;
    }
}

/* The system's name when that will do for EHLO. */
static void default_hostname(send_options *o)
{
    char name[sizeof o->hostname];

    if (gethostname(name, sizeof name) == 0) {
        name[sizeof name - 1] = '\0';
        (void)parse_hostname(o, mk_str_z(name));
    }
    if (o->hostname[0] == '\0') {
        (void)parse_hostname(o, mk_str_z("localhost"));
    }
}

static mk_err complete(send_options *o, int argc, char **argv)
{
    const char *missing = o->port == 0              ? "--server"
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
    o->file = optind < argc ? argv[optind] : "-";
    if (o->hostname[0] == '\0') {
        default_hostname(o);
    }
    return MK_OK;
}

mk_err send_options_parse(send_options *o, int argc, char **argv, int *out_exit)
{
    int option;
    int which = 0;

    memset(o, 0, sizeof *o);
    *out_exit = TOOL_USAGE;
    opterr = 0;
    o->recipients = calloc((size_t)argc, sizeof *o->recipients);
    if (o->recipients == NULL) {
        *out_exit = tool_fail(TOOL_OSERR, "send", "out of memory");
        return MK_E_MEMORY;
    }
    while ((option = getopt_long(argc, argv, "", long_options, &which)) != -1) {
        if (option == OPTION_HELP) {
            fputs(usage, stdout);
            *out_exit = tool_close_output(TOOL_OK);
            return MK_END;
        }
        if (option == '?') {
            tool_fail(TOOL_USAGE, argv[optind - 1],
                      "no such option, or its value is missing or not wanted");
            return MK_E_ARG;
        }
        if (!parse_one(o, option, optarg)) {
            fprintf(stderr, "mailkit: --%s: not understood, or given twice: ",
                    long_options[which].name);
            tool_print_escaped(stderr, mk_str_z(optarg));
            fputc('\n', stderr);
            return MK_E_ARG;
        }
    }
    return complete(o, argc, argv);
}

void send_options_fini(send_options *o)
{
    free(o->recipients);
    o->recipients = NULL;
}
