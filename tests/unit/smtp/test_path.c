/* SPDX-License-Identifier: MIT
 *
 * test_path.c: paths, mailboxes and host names by rows (RFC 5321 4.1.2, 4.1.3,
 * RFC 1123 2.1, RFC 6531 3.3), each row's octets in memory of their own size so
 * that a read beyond them is found. THREATS 20, 22, 23, 24, 25 and the SMTP
 * half of 21.
 */
#include <mailkit/smtp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct path_row {
    const char *in;
    mk_err err;
    const char *local_part, *domain, *rest;
    uint32_t flags;
} path_row;

/* clang-format off */
static const path_row rows[] = {
    {"<a@b.example>",          MK_OK, "a", "b.example", "", 0},
    {"<a.b+c@x-y.example> SIZE=1", MK_OK, "a.b+c", "x-y.example", " SIZE=1", 0},
    {"<>",                     MK_OK, "", "", "", MK_SMTP_PATH_NULL},
    {"<Postmaster>",           MK_OK, "Postmaster", "", "", MK_SMTP_PATH_NO_DOMAIN},
    {"<@r,@[1.2.3.4]:a@b>",    MK_OK, "a", "b", "", MK_SMTP_PATH_ROUTE},
    {"<\"a b\"@c>",            MK_OK, "\"a b\"", "c", "", MK_SMTP_PATH_QUOTED},
    {"<\"u@evil x\"@good>",    MK_OK, "\"u@evil x\"", "good", "", MK_SMTP_PATH_QUOTED},
    {"<\"a\\\"b\"@c>",         MK_OK, "\"a\\\"b\"", "c", "", MK_SMTP_PATH_QUOTED},
    {"<-oQ/tmp@x>",            MK_OK, "-oQ/tmp", "x", "", MK_SMTP_PATH_DASH},
    {"<a@[127.0.0.1]>",        MK_OK, "a", "[127.0.0.1]", "", MK_SMTP_PATH_LITERAL},
    {"<a@[IPv6:::1]>",         MK_OK, "a", "[IPv6:::1]", "", MK_SMTP_PATH_LITERAL},
    {"<a@[IPv6:2001:db8::1:2]>", MK_OK, "a", "[IPv6:2001:db8::1:2]", "", MK_SMTP_PATH_LITERAL},
    {"<a@[ipv6:1:2:3:4:5:6:7.8.9.10]>", MK_OK, "a", "[ipv6:1:2:3:4:5:6:7.8.9.10]", "", MK_SMTP_PATH_LITERAL},
    {"<a@_dmarc.example>",     MK_OK, "a", "_dmarc.example", "", 0},
    {"<${run{id}}@x>",         MK_OK, "${run{id}}", "x", "", 0},
    /* row 20: empty and degenerate */
    {"<\"\">",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\"\"@x>",               MK_E_SYNTAX, 0, 0, 0, 0},
    {"<@>",                    MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@>",                   MK_E_SYNTAX, 0, 0, 0, 0},
    {"<@a>",                   MK_E_SYNTAX, 0, 0, 0, 0},
    {"<@a:>",                  MK_E_SYNTAX, 0, 0, 0, 0},
    {"<",                      MK_E_SYNTAX, 0, 0, 0, 0},
    {"",                       MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a>",                    MK_E_SYNTAX, 0, 0, 0, 0},
    {"a@b",                    MK_E_SYNTAX, 0, 0, 0, 0},
    /* row 22: more than a mailbox */
    {"<aaa@bbb.com>ccc@ddd.com", MK_OK, "aaa", "bbb.com", "ccc@ddd.com", 0},
    {"<a@b@c>",                MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@b(c@d)>",             MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@b",                   MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a b@c>",                MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a..b@c>",               MK_E_SYNTAX, 0, 0, 0, 0},
    {"<.a@c>",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a.@c>",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@b.>",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@.b>",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@-b>",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@b->",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[1.2.3]>",            MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[1.2.3.256]>",        MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[1.2.3.4.5]>",        MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[1.2.3.4>",           MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[IPv6:1::2::3]>",     MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[IPv6:12345::]>",     MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[IPv6:1:2:3:4:5:6:7]>", MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[IPv6:1:2:3:4:5:6:7:8:9]>", MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[IPv6:1:]>",          MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[tag:x]>",            MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\"a\x01\"@c>",          MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\"abc\\",               MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\"abc",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<;sleep 66;>",           MK_E_SYNTAX, 0, 0, 0, 0},
    /* row 24, 25: octets above 0x7F in every position */
    {"<\x80@b>",               MK_E_UNSUPPORTED, 0, 0, 0, 0},
    {"<a@\xff>",               MK_E_UNSUPPORTED, 0, 0, 0, 0},
    {"<\"\xc3\xbc\"@x>",       MK_E_UNSUPPORTED, 0, 0, 0, 0},
    {"<@\xc3\xbc:a@b>",        MK_E_UNSUPPORTED, 0, 0, 0, 0},
    {"<a@b\xc3\xbc>",          MK_E_UNSUPPORTED, 0, 0, 0, 0},
    {"\xc3",                   MK_E_UNSUPPORTED, 0, 0, 0, 0},
};
/* clang-format on */

/* With SMTPUTF8 (RFC 6531 3.3). */
/* clang-format off */
static const path_row utf8_rows[] = {
    {"<a@b.example>",            MK_OK, "a", "b.example", "", 0},
    {"<\xC3\xBC@x>",             MK_OK, "\xC3\xBC", "x", "", MK_SMTP_PATH_UTF8},
    {"<a.\xC3\xBC-1@x> SIZE=1",  MK_OK, "a.\xC3\xBC-1", "x", " SIZE=1", MK_SMTP_PATH_UTF8},
    {"<a@b\xC3\xBC" "cher.example>", MK_OK, "a", "b\xC3\xBC" "cher.example", "", MK_SMTP_PATH_UTF8},
    {"<\"\xC3\xBC \\a\"@x>",     MK_OK, "\"\xC3\xBC \\a\"", "x", "", MK_SMTP_PATH_UTF8 | MK_SMTP_PATH_QUOTED},
    {"<@\xC3\xBC.example:a@b>",  MK_OK, "a", "b", "", MK_SMTP_PATH_UTF8 | MK_SMTP_PATH_ROUTE},
    {"<\xF0\x9F\x93\xAC@\xE4\xBE\x8B>", MK_OK, "\xF0\x9F\x93\xAC", "\xE4\xBE\x8B", "", MK_SMTP_PATH_UTF8},
    {"<\"\xC3\xBC@x\"@y>",       MK_OK, "\"\xC3\xBC@x\"", "y", "", MK_SMTP_PATH_UTF8 | MK_SMTP_PATH_QUOTED},
    {"<>",                       MK_OK, "", "", "", MK_SMTP_PATH_NULL},
    {"<Postmaster>",             MK_OK, "Postmaster", "", "", MK_SMTP_PATH_NO_DOMAIN},
    /* row 25: cut, overlong, surrogates, no UTF-8 at all */
    {"<\xC3@x>",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\xC3",                    MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a\xC3>",                  MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@b\xE2\x82>",            MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\"\xC3\"@x>",             MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\xC0\xAE@x>",             MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@b\xC0\xAE" "c>",        MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\xE0\x80\xAE@x>",         MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\xED\xA0\x80@x>",         MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@\xED\xA0\x80>",         MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\"\xED\xBF\xBF\"@x>",     MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\xF4\x90\x80\x80@x>",     MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\xFF@x>",                 MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\xFC@x>",                 MK_E_SYNTAX, 0, 0, 0, 0},
    /* C1 */
    {"<\xC2\x9B@x>",             MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@\xC2\x80>",             MK_E_SYNTAX, 0, 0, 0, 0},
    /* the grammar around it stays */
    {"<\"a\\\xC3\xBC\"@x>",      MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\xC3\xBC>",               MK_E_SYNTAX, 0, 0, 0, 0},
    {"<\xC3\xBC..a@x>",          MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@-\xC3\xBC>",            MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@\xC3\xBC->",            MK_E_SYNTAX, 0, 0, 0, 0},
    {"<a@[\xC3\xBC]>",           MK_E_SYNTAX, 0, 0, 0, 0},
    {"\xC3\xBC",                 MK_E_SYNTAX, 0, 0, 0, 0},
};
/* clang-format on */

static mk_str exact(const char *z, char **out_mem)
{
    size_t n = strlen(z);
    *out_mem = malloc(n > 0 ? n : 1);
    memcpy(*out_mem, z, n);
    return mk_str_of(*out_mem, n);
}

static void parse_row(const path_row *r, bool is_utf8)
{
    char *mem;
    mk_str in = exact(r->in, &mem);
    mk_smtp_path p;
    size_t used = 0;
    mk_err err = mk_smtp_path_parse(in, is_utf8, &p, &used);
    if (err != r->err) {
        fail_msg("%s: %s", r->in, mk_err_name(err));
    }
    if (err == MK_OK) {
        assert_true(mk_str_is(p.local_part, mk_str_z(r->local_part)));
        assert_true(mk_str_is(p.domain, mk_str_z(r->domain)));
        assert_true(
            mk_str_is(mk_str_sub(in, used, SIZE_MAX), mk_str_z(r->rest)));
        assert_int_equal(p.flags, r->flags);
    }
    free(mem);
}

static void sec_020_sec_022_sec_024_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        parse_row(&rows[i], false);
    }
}

static void sec_025_paths_in_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8_rows / sizeof utf8_rows[0]; i++) {
        parse_row(&utf8_rows[i], true);
    }
}

/* What is fine without SMTPUTF8 is fine with it, and means the same. */
static void sec_025_ascii_stays_ascii(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].err == MK_OK) {
            parse_row(&rows[i], true);
        }
    }
}

/* Limits are in octets, and no label of UTF-8 is bound to 63 of them. */
static void sec_025_limits_are_in_octets(void **state)
{
    static const struct {
        size_t local_part, label; /* in characters of two octets */
        mk_err err;
    } sizes[] = {
        {32, 1, MK_OK},  {33, 1, MK_E_LIMIT},  {1, 32, MK_OK},
        {1, 125, MK_OK}, {1, 126, MK_E_LIMIT}, {1, 128, MK_E_LIMIT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char buf[600];
        mk_buf b;
        mk_smtp_path p;
        size_t used;
        mk_buf_init(&b, buf, sizeof buf);
        (void)mk_buf_add_c(&b, '<');
        for (size_t k = 0; k < sizes[i].local_part; k++) {
            (void)mk_buf_add_z(&b, "\xC3\xBC");
        }
        (void)mk_buf_add_c(&b, '@');
        for (size_t k = 0; k < sizes[i].label; k++) {
            (void)mk_buf_add_z(&b, "\xC3\xBC");
        }
        (void)mk_buf_add_c(&b, '>');
        assert_int_equal(mk_smtp_path_parse(mk_buf_str(&b), true, &p, &used),
                         sizes[i].err);
    }
}

/* A row's limit, one below, at, one above. */
static void the_parts_have_limits(void **state)
{
    (void)state;
    static const struct {
        size_t local_part, labels, label;
        mk_err err;
    } sizes[] = {
        {64, 1, 1, MK_OK},      {65, 1, 1, MK_E_LIMIT}, {1, 1, 63, MK_OK},
        {1, 1, 64, MK_E_LIMIT}, {1, 4, 62, MK_OK},      {2, 4, 62, MK_OK},
        {3, 4, 62, MK_E_LIMIT}, {1, 4, 63, MK_E_LIMIT}, {64, 3, 63, MK_E_LIMIT},
        {64, 3, 62, MK_OK},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char buf[600];
        size_t n = 0;
        buf[n++] = '<';
        memset(buf + n, 'a', sizes[i].local_part);
        n += sizes[i].local_part;
        for (size_t k = 0; k < sizes[i].labels; k++) {
            buf[n++] = k == 0 ? '@' : '.';
            memset(buf + n, 'b', sizes[i].label);
            n += sizes[i].label;
        }
        buf[n++] = '>';
        mk_smtp_path p;
        size_t used;
        assert_int_equal(
            mk_smtp_path_parse(mk_str_of(buf, n), false, &p, &used),
            sizes[i].err);
    }
}

/* A million of anything costs a look each, not a stack. */
static void sec_023_long_inputs_are_linear(void **state)
{
    (void)state;
    static const char *const starts[] = {"<", "<a@", "<\"", "<@a", "<@a,"};
    static const char fills[] = "(<;,a.\\\"@:[";
    enum { N = 1000000 };
    char *mem = malloc(N);
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        for (size_t k = 0; k < sizeof fills - 1; k++) {
            memset(mem, fills[k], N);
            memcpy(mem, starts[i], strlen(starts[i]));
            mk_smtp_path p;
            size_t used;
            assert_true(
                mk_smtp_path_parse(mk_str_of(mem, N), k % 2, &p, &used) < 0);
        }
    }
    free(mem);
}

static void mailboxes_and_plain_local_parts(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        mk_err err;
        const char *plain;
    } boxes[] = {
        {"a@b", MK_OK, "a"},
        {"\"a\"@b", MK_OK, "a"},
        {"\"a\\b c\"@b", MK_OK, "ab c"},
        {"\"a\\\\b\"@b", MK_OK, "a\\b"},
        {"postmaster", MK_OK, "postmaster"},
        {"", MK_E_SYNTAX, NULL},
        {"a@b>\r\nRCPT TO:<x@y", MK_E_SYNTAX, NULL},
        {"<a@b>", MK_E_SYNTAX, NULL},
        {"a@b ", MK_E_SYNTAX, NULL},
        {"a@b\xc3\xbc", MK_E_UNSUPPORTED, NULL},
    };
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        char *mem;
        mk_str in = exact(boxes[i].in, &mem);
        mk_smtp_path p;
        assert_int_equal(mk_smtp_mailbox_parse(in, false, &p), boxes[i].err);
        if (boxes[i].err == MK_OK) {
            char plain[8];
            mk_buf b;
            mk_buf_init(&b, plain, sizeof plain);
            mk_err err = mk_smtp_local_part_plain(&p, &b);
            bool fits = strlen(boxes[i].plain) <= sizeof plain;
            assert_int_equal(err, fits ? MK_OK : MK_E_ROOM);
            if (fits) {
                assert_true(
                    mk_str_is(mk_buf_str(&b), mk_str_z(boxes[i].plain)));
            }
        }
        free(mem);
    }
}

static void host_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool fine;
    } names[] = {
        {"localhost", true},   {"mx.example", true}, {"3com.example", true},
        {"[127.0.0.1]", true}, {"[IPv6:::1]", true}, {"x_y.example", false},
        {"-x", false},         {"x-", false},        {"", false},
        {"a..b", false},       {"a.", false},        {"a b", false},
        {"[1.2.3.4", false},   {"\x80", false},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(mk_smtp_is_host_name(mk_str_z(names[i].name)),
                         names[i].fine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_020_sec_022_sec_024_paths),
        cmocka_unit_test(sec_025_paths_in_utf8),
        cmocka_unit_test(sec_025_ascii_stays_ascii),
        cmocka_unit_test(sec_025_limits_are_in_octets),
        cmocka_unit_test(the_parts_have_limits),
        cmocka_unit_test(sec_023_long_inputs_are_linear),
        cmocka_unit_test(mailboxes_and_plain_local_parts),
        cmocka_unit_test(host_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
