/* SPDX-License-Identifier: MIT
 *
 * fetch_options.c: see fetch.h. Options may stand anywhere and end at `--`;
 * the URL is the one argument that is left. "%41" in its user is decoded (RFC
 * 3986 2.1); NUL and other control characters never are part of a name.
 */
#include "fetch.h"

#include <mailkit/sasl.h>

#include "tool.h"

#include <string.h>

enum { PORT_POP3 = 110, PORT_POP3S = 995 };

#define MESSAGE_MAX (UINT64_C(1) << 30)
#define MESSAGE_MAX_MAX (UINT64_C(1) << 40)

static const char usage[] =
    "usage: mailkit fetch pop3[s]://[USER@]HOST[:PORT]/ --into maildir:PATH\n"
    "                     --password-file FILE | --password-command C\n"
    "                     [OPTION...]\n"
    "\n"
    "Fetches the messages of a POP3 maildrop and deletes each on the server "
    "once\n"
    "it is on stable storage here. Prints a line a message: unique-id, "
    "octets,\n"
    "verdict, file name or reason.\n"
    "\n"
    "  --into maildir:PATH   where to; made when it is missing\n"
    "  --keep                delete nothing\n"
    "  --seen FILE           unique-ids that were fetched before: not again\n"
    "  --max-message-bytes N leave larger ones alone; 1073741824\n"
    "  --limit N             at most N messages\n"
    "  --apop                log in by APOP (RFC 1939), for old servers\n"
    "  --tls WORD            none, may or starttls with pop3://, which is\n"
    "                        starttls; implicit with pop3s://\n" TARGET_USAGE
    "  --dialogue            show the dialogue on standard error\n"
    "  --json                print one JSON object\n"
    "  --help                print this\n"
    "\n"
    "exit code: 0 all is here; 75 not all, try again later; 64 usage; 65 the\n"
    "file of --seen is of another account; 66 a file cannot be read; 68 no "
    "such\n"
    "host; 69 the server does not serve us; 73, 74 the mailbox cannot be "
    "made,\n"
    "written; 76 the server broke the protocol, or the connection is not "
    "safe; 77\n"
    "the login was refused\n";

enum {
    OPTION_INTO = 1,
    OPTION_KEEP,
    OPTION_SEEN,
    OPTION_SIZE,
    OPTION_LIMIT,
    OPTION_APOP,
    OPTION_DIALOGUE,
    OPTION_JSON
};

static const struct option long_options[] = {
    {"into", required_argument, NULL, OPTION_INTO},
    {"keep", no_argument, NULL, OPTION_KEEP},
    {"seen", required_argument, NULL, OPTION_SEEN},
    {"max-message-bytes", required_argument, NULL, OPTION_SIZE},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"apop", no_argument, NULL, OPTION_APOP},
    TARGET_OPTIONS,
    {"dialogue", no_argument, NULL, OPTION_DIALOGUE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, TOOL_OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool parse_into(fetch_options *o, const char *z)
{
    mk_str kind = mk_str_z("maildir:");

    return mk_str_has_prefix_nocase(mk_str_z(z), kind) &&
           target_parse_once(&o->into, z + kind.len);
}

/* From 1 to max. */
static bool parse_number(const char *z, uint64_t max, uint64_t *out_value)
{
    return mk_str_u64(mk_str_z(z), out_value) == MK_OK && *out_value > 0 &&
           *out_value <= max;
}

static bool parse_one(void *self, int option, const char *z)
{
    fetch_options *o = self;
    uint64_t value = 0;

    switch (option) {
    case OPTION_INTO:
        return parse_into(o, z);
    case OPTION_KEEP:
        o->is_keep = true;
        return true;
    case OPTION_SEEN:
        return target_parse_once(&o->seen, z);
    case OPTION_SIZE:
        return parse_number(z, MESSAGE_MAX_MAX, &o->message_max);
    case OPTION_LIMIT:
        if (!parse_number(z, UINT32_MAX, &value)) {
            return false;
        }
        o->count_max = (uint32_t)value;
        return true;
    case OPTION_APOP:
        o->is_apop = true;
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

/* ---- the URL ------------------------------------------------------------- */

/* The value of a hex digit, or -1. */
static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *at = lower != '\0' ? strchr(digits, lower) : NULL;

    return at == NULL ? -1 : (int)(at - digits);
}

/* NULL, or what is wrong. */
static const char *decode_user(fetch_options *o, mk_str s)
{
    size_t n = 0;
    size_t i;

    for (i = 0; i < s.len && n + 1 < sizeof o->user; i++) {
        char c = s.ptr[i];
        if (c == '%') {
            int high = i + 2 < s.len ? hex(s.ptr[i + 1]) : -1;
            int low = i + 2 < s.len ? hex(s.ptr[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return "a % that begins no octet";
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == ':') {
            return "no password in a URL: everybody can read a command line";
        } else if (c == ';') {
            return "the mechanism is told by --auth";
        }
        o->user[n++] = c;
    }
    o->user[n] = '\0';
    return i == s.len && n > 0 && !mk_str_has_ctl(mk_str_of(o->user, n))
               ? NULL
               : "not a user's name";
}

/* "pop3://" or "pop3s://"; sets what it says of TLS. */
static const char *parse_scheme(fetch_options *o, mk_str *io_url)
{
    static const struct {
        const char *scheme;
        bool is_implicit;
    } rows[] = {{"pop3://", false}, {"pop3s://", true}};
    target *t = &o->target;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        mk_str scheme = mk_str_z(rows[i].scheme);
        if (!mk_str_has_prefix_nocase(*io_url, scheme)) {
            continue;
        }
        *io_url = mk_str_sub(*io_url, scheme.len, SIZE_MAX);
        if (t->tls == TARGET_TLS_UNSET) {
            t->tls =
                rows[i].is_implicit ? TARGET_TLS_IMPLICIT : TARGET_TLS_STARTTLS;
        }
        return (t->tls == TARGET_TLS_IMPLICIT) == rows[i].is_implicit
                   ? NULL
                   : "pop3s:// goes with --tls implicit, and nothing else does";
    }
    return mk_str_has_prefix_nocase(*io_url, mk_str_z("imap://")) ||
                   mk_str_has_prefix_nocase(*io_url, mk_str_z("imaps://"))
               ? "IMAP is not supported yet"
               : "not a URL of pop3:// or pop3s://";
}

static const char *parse_url(fetch_options *o, mk_str url)
{
    const char *why = parse_scheme(o, &url);
    target *t = &o->target;
    mk_str place;
    size_t at;

    if (why != NULL) {
        return why;
    }
    place = mk_str_sub(url, 0, mk_str_find(url, '/'));
    if (url.len > place.len + 1) {
        return "a maildrop has no folders";
    }
    at = mk_str_find(place, '@');
    if (at < place.len) {
        if (t->user.len > 0) {
            return "two users: in the URL and by --user";
        }
        why = decode_user(o, mk_str_sub(place, 0, at));
        t->user = mk_str_z(o->user);
        place = mk_str_sub(place, at + 1, SIZE_MAX);
    }
    if (why == NULL && !target_parse_place(t, place)) {
        why = "not HOST, HOST:PORT or [ADDRESS]:PORT";
    }
    if (t->port == 0) {
        t->port = t->tls == TARGET_TLS_IMPLICIT ? PORT_POP3S : PORT_POP3;
    }
    return why;
}

/* NULL, or what does not go together. */
static const char *clash(const fetch_options *o)
{
    const char *why = target_clash(&o->target);

    return o->into == NULL           ? "--into maildir:PATH is missing"
           : o->target.user.len == 0 ? "no user: pop3://USER@HOST/, or --user"
           : why != NULL             ? why
           : o->is_apop && (o->target.is_oauth || o->target.mechanisms != 0)
               ? "--apop goes with no other mechanism"
               : NULL;
}

mk_err fetch_options_parse(fetch_options *o, int argc, char **argv,
                           int *out_exit)
{
    const char *why = "one URL is needed";
    const char *what = "fetch";
    mk_err r;

    memset(o, 0, sizeof *o);
    r = tool_options(argc, argv, long_options, usage, parse_one, o, out_exit);
    if (r != MK_OK) {
        return r;
    }
    if (argc - optind == 1) {
        what = argv[optind];
        why = parse_url(o, mk_str_z(argv[optind]));
    }
    if (why == NULL) {
        what = "fetch";
        why = clash(o);
    }
    if (why != NULL) {
        tool_fail(TOOL_USAGE, what, why);
        return MK_E_ARG;
    }
    o->message_max = o->message_max > 0 ? o->message_max : MESSAGE_MAX;
    o->count_max = o->count_max > 0 ? o->count_max : UINT32_MAX;
    return MK_OK;
}
