/* SPDX-License-Identifier: MIT
 *
 * tool.c: see tool.h. What a server has said is never printed as it came: a
 * reply may hold what a terminal obeys. JSON by RFC 8259 7, which wants UTF-8
 * by RFC 3629: overlong forms and surrogates do not pass.
 */
#include "tool.h"

#include <getopt.h>
#include <string.h>

int tool_fail(int code, const char *what, const char *why)
{
    fputs("mailkit: ", stderr);
    tool_print_escaped(stderr, mk_str_z(what));
    if (why != NULL) {
        fputs(": ", stderr);
        tool_print_escaped(stderr, mk_str_z(why));
    }
    fputc('\n', stderr);
    return code;
}

void tool_print_escaped(FILE *to, mk_str s)
{
    char room[1024];
    mk_buf b;
    mk_str part;
    size_t at;

    for (at = 0; at < s.len; at += part.len) {
        part = mk_str_sub(s, at, sizeof room / 4);
        mk_buf_init(&b, room, sizeof room);
        mk_buf_add_escaped(&b, part, part.len);
        fwrite(b.ptr, 1, b.len, to);
    }
}

/* Octets of the character at the front when it is well-formed, else 0. */
static size_t utf8_at(mk_str s, unsigned *out_character)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)s.ptr[0];
    size_t n = first < 0x80   ? 1
               : first < 0xc2 ? 0
               : first < 0xe0 ? 2
               : first < 0xf0 ? 3
               : first < 0xf5 ? 4
                              : 0;
    unsigned value = n < 2 ? first : first & (0x7fU >> n);
    size_t i;

    if (n == 0 || n > s.len) {
        return 0;
    }
    for (i = 1; i < n; i++) {
        if (((unsigned char)s.ptr[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | ((unsigned char)s.ptr[i] & 0x3fU);
    }
    if (value < least[n] || value > 0x10ffff ||
        (value >= 0xd800 && value < 0xe000)) {
        return 0;
    }
    *out_character = value;
    return n;
}

bool tool_is_utf8(mk_str s)
{
    unsigned c;
    size_t n = 1;

    while (s.len > 0 && n > 0) {
        n = utf8_at(s, &c);
        s = mk_str_sub(s, n, SIZE_MAX);
    }
    return s.len == 0;
}

int tool_by_octets(const void *a, const void *b)
{
    const mk_str *x = a;
    const mk_str *y = b;
    int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);

    return order != 0 ? order : x->len == y->len ? 0 : x->len < y->len ? -1 : 1;
}

/* C0 but the tab, DEL, C1; ALM, LRM, RLM, line and paragraph separator, LRE to
 * RLO, LRI to PDI. */
static bool is_obeyed(unsigned c)
{
    return (c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
           (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

void tool_print_text(FILE *to, mk_str s)
{
    unsigned c = 0;
    size_t n;

    for (; s.len > 0; s = mk_str_sub(s, n, SIZE_MAX)) {
        n = utf8_at(s, &c);
        if (n == 0) {
            n = 1;
            tool_print_escaped(to, mk_str_sub(s, 0, 1));
        } else if (is_obeyed(c)) {
            fprintf(to, "\\u%04x", c);
        } else {
            fwrite(s.ptr, 1, n, to);
        }
    }
}

enum { JSON_OCTETS = 6 }; /* of a character, at most */

/* The character at the front as JSON wants it, and behind it; how many octets
 * were put. */
static size_t put_json(char *to, mk_str *io_s)
{
    static const char digits[] = "0123456789abcdef";
    unsigned c = 0;
    size_t n = utf8_at(*io_s, &c);
    size_t put = 0;

    if (n == 0) {
        memcpy(to, "\\ufffd", JSON_OCTETS);
        put = JSON_OCTETS;
        n = 1;
    } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
        memcpy(to, "\\u00", JSON_OCTETS - 2);
        to[JSON_OCTETS - 2] = digits[c >> 4];
        to[JSON_OCTETS - 1] = digits[c & 15];
        put = JSON_OCTETS;
    } else {
        if (c == '"' || c == '\\') {
            to[put++] = '\\';
        }
        memcpy(to + put, io_s->ptr, n);
        put += n;
    }
    *io_s = mk_str_sub(*io_s, n, SIZE_MAX);
    return put;
}

void tool_print_json_text(FILE *to, mk_str s)
{
    char room[1024];
    size_t n = 0;

    while (s.len > 0) {
        n += put_json(room + n, &s);
        if (sizeof room - n < JSON_OCTETS || s.len == 0) {
            fwrite(room, 1, n, to);
            n = 0;
        }
    }
}

void tool_print_json(FILE *to, mk_str s)
{
    fputc('"', to);
    tool_print_json_text(to, s);
    fputc('"', to);
}

/* null, or what TLS came to */
static void print_tls(const mk_tls_info *tls)
{
    if (tls == NULL) {
        fputs("null", stdout);
        return;
    }
    fputs("{\"version\": ", stdout);
    tool_print_json(stdout, tls->version);
    fputs(", \"cipher\": ", stdout);
    tool_print_json(stdout, tls->cipher);
    printf(", \"verified\": %s, \"why\": ",
           tls->is_verified ? "true" : "false");
    if (tls->is_verified) {
        fputs("null}", stdout);
    } else {
        tool_print_json(stdout, mk_str_z(mk_err_text(tls->verify)));
        putchar('}');
    }
}

void tool_print_session(const mk_tls_info *tls, const char *login)
{
    print_tls(tls);
    fputs(", \"login\": ", stdout);
    if (login == NULL) {
        fputs("null", stdout);
    } else {
        tool_print_json(stdout, mk_str_z(login));
    }
}

int tool_close_output(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return tool_fail(TOOL_IOERR, "standard output", "cannot be written");
    }
    return code;
}

mk_err tool_options(int argc, char **argv, const struct option *rows,
                    const char *usage,
                    bool (*take)(void *self, int option, const char *z),
                    void *self, int *out_exit)
{
    int option;
    int which = 0;

    opterr = 0;
    *out_exit = TOOL_USAGE;
    while ((option = getopt_long(argc, argv, "", rows, &which)) != -1) {
        if (option == TOOL_OPTION_HELP) {
            fputs(usage, stdout);
            *out_exit = tool_close_output(TOOL_OK);
            return MK_END;
        }
        if (option == '?') {
            tool_fail(TOOL_USAGE, argv[optind - 1],
                      "no such option, or its value is missing or not wanted");
            return MK_E_ARG;
        }
        if (!take(self, option, optarg)) {
            fprintf(stderr, "mailkit: --%s: not understood, or given twice: ",
                    rows[which].name);
            tool_print_escaped(stderr, mk_str_z(optarg));
            fputc('\n', stderr);
            return MK_E_ARG;
        }
    }
    return MK_OK;
}
