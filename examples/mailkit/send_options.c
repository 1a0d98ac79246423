/* SPDX-License-Identifier: MIT
 *
 * send_options.c: see send.h. Options may stand anywhere and end at `--`; each
 * may be given once but for --to. The file is the one argument that is left.
 * What is missing or malformed is complained about before anything is done.
 */
#include "send.h"

#include <mailkit/sasl.h>
#include <mailkit/smtp.h>

#include "tool.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    "                        465, else starttls with --user, else none\n"
    "  --tls-trust PATH      PEM file or directory; the system's certificates\n"
    "  --user NAME           log in, with one of the next two\n"
    "  --password-file FILE  its first line is the password\n"
    "  --password-command C  what C prints is; split at blanks, no shell\n"
    "  --oauth               it is an OAuth 2.0 token instead\n"
    "  --auth MECHANISM      only this one; may be repeated\n"
    "  --allow-clear-auth    also where others can read along\n"
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

enum {
    OPTION_HELP = 1,
    OPTION_DIALOGUE,
    OPTION_JSON,
    OPTION_TLS,
    OPTION_TRUST,
    OPTION_USER,
    OPTION_FILE,
    OPTION_COMMAND,
    OPTION_OAUTH,
    OPTION_AUTH,
    OPTION_CLEAR
};

static const struct option long_options[] = {
    {"server", required_argument, NULL, 's'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"hostname", required_argument, NULL, 'n'},
    {"tls", required_argument, NULL, OPTION_TLS},
    {"tls-trust", required_argument, NULL, OPTION_TRUST},
    {"user", required_argument, NULL, OPTION_USER},
    {"password-file", required_argument, NULL, OPTION_FILE},
    {"password-command", required_argument, NULL, OPTION_COMMAND},
    {"oauth", no_argument, NULL, OPTION_OAUTH},
    {"auth", required_argument, NULL, OPTION_AUTH},
    {"allow-clear-auth", no_argument, NULL, OPTION_CLEAR},
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
    uint64_t value = 0; /* not said */
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
    if (o->host[0] != '\0' || host.len == 0 || host.len >= sizeof o->host) {
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

static bool parse_tls(send_options *o, mk_str s)
{
    static const char *const words[] = {
        [SEND_TLS_NONE] = "none",
        [SEND_TLS_MAY] = "may",
        [SEND_TLS_STARTTLS] = "starttls",
        [SEND_TLS_IMPLICIT] = "implicit",
    };
    int i;

    for (i = SEND_TLS_NONE; i <= SEND_TLS_IMPLICIT; i++) {
        if (o->tls == SEND_TLS_UNSET && mk_str_is(s, mk_str_z(words[i]))) {
            o->tls = (send_tls)i;
            return true;
        }
    }
    return false;
}

static bool parse_user(send_options *o, mk_str s)
{
    bool is_first = o->user.len == 0;

    o->user = s;
    return is_first && s.len > 0 && s.len <= MK_SASL_NAME_MAX;
}

static bool parse_once(const char **io_z, const char *z)
{
    bool is_first = *io_z == NULL;

    *io_z = z;
    return is_first && *z != '\0';
}

/* What there is no option for cannot be done here. */
static bool parse_mechanism(send_options *o, mk_str s)
{
#ifdef MAILKIT_SECURE
    uint32_t found = mk_sasl_find(s);
#else
    uint32_t found = s.len > 0 ? MK_SASL_PLAIN : 0;
#endif

    o->mechanisms |= found;
    return found != MK_SASL_NONE && found != MK_SASL_EXTERNAL &&
           found != MK_SASL_ANONYMOUS;
}

/* Options of TLS and login. */
static bool parse_secure(send_options *o, int option, const char *z)
{
    switch (option) {
    case OPTION_TLS:
        return parse_tls(o, mk_str_z(z));
    case OPTION_TRUST:
        return parse_once(&o->trust, z);
    case OPTION_USER:
        return parse_user(o, mk_str_z(z));
    case OPTION_FILE:
        return parse_once(&o->password_file, z);
    case OPTION_COMMAND:
        return parse_once(&o->password_command, z);
    case OPTION_OAUTH:
        o->is_oauth = true;
        return true;
    case OPTION_AUTH:
        return parse_mechanism(o, mk_str_z(z));
    case OPTION_CLEAR:
        o->is_clear_allowed = true;
        return true;
    default:
        return false;
    }
}

static bool parse_one(send_options *o, int option, const char *z)
{
    mk_str s = mk_str_z(z);

    switch (option) {
    case 's':
        return parse_server(o, s);
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
        return parse_secure(o, option, z);
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

/* What people expect of a port, and of a password. */
static void default_tls(send_options *o)
{
    if (o->tls == SEND_TLS_UNSET) {
        o->tls = o->port == PORT_SUBMISSIONS ? SEND_TLS_IMPLICIT
                 : o->user.len > 0           ? SEND_TLS_STARTTLS
                                             : SEND_TLS_NONE;
    }
    if (o->port == 0) {
        o->port = o->tls == SEND_TLS_IMPLICIT ? PORT_SUBMISSIONS
                  : o->user.len > 0           ? PORT_SUBMISSION
                                              : PORT_SMTP;
    }
}

/* NULL, or what does not go together. */
static const char *clash(const send_options *o)
{
    bool has_secret = o->password_file != NULL || o->password_command != NULL;

    if (o->user.len == 0) {
        return has_secret || o->is_oauth || o->mechanisms != 0 ||
                       o->is_clear_allowed
                   ? "--user is missing"
               : o->trust != NULL && o->tls == SEND_TLS_NONE
                   ? "--tls-trust without --tls"
                   : NULL;
    }
    if (!has_secret || (o->password_file && o->password_command)) {
        return "--user wants --password-file or --password-command";
    }
    return o->tls == SEND_TLS_NONE && !o->is_clear_allowed
               ? "a login without TLS needs --allow-clear-auth"
               : NULL;
}

static mk_err complete(send_options *o, int argc, char **argv)
{
    const char *missing = o->host[0] == '\0'        ? "--server"
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
    default_tls(o);
    missing = clash(o);
    if (missing != NULL) {
        tool_fail(TOOL_USAGE, "send", missing);
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
