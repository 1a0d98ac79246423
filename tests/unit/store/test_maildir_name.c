/* SPDX-License-Identifier: MIT
 *
 * test_maildir_name.c: names that come from outside, names made for files,
 * names taken apart, and header fields padded to a size.
 */
#include <mailkit/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void sec_104_names_from_outside(void **state)
{
    static const struct {
        mk_str name;
        mk_err err;
    } rows[] = {
        {MK_STR_INIT("example.org"), MK_OK},
        {MK_STR_INIT("user+detail"), MK_OK},
        {MK_STR_INIT("a b"), MK_OK},
        {MK_STR_INIT("j\xc3\xbcrgen"), MK_OK},
        {MK_STR_INIT("trailing."), MK_OK},
        {MK_STR_INIT("-rf"), MK_OK},
        {MK_STR_INIT(""), MK_E_ARG},
        {MK_STR_INIT("."), MK_E_ARG},
        {MK_STR_INIT(".."), MK_E_ARG},
        {MK_STR_INIT(".hidden"), MK_E_ARG},
        {MK_STR_INIT("../../etc"), MK_E_ARG},
        {MK_STR_INIT("a/b"), MK_E_ARG},
        {MK_STR_INIT("/"), MK_E_ARG},
        {MK_STR_INIT("a/"), MK_E_ARG},
        {MK_STR_INIT("a\x7f"), MK_E_ARG},
        {MK_STR_INIT("a\0b"), MK_E_CTL},
        {MK_STR_INIT("\0"), MK_E_CTL},
        {MK_STR_INIT("a\nb"), MK_E_CTL},
        {MK_STR_INIT("a\r"), MK_E_CTL},
        {MK_STR_INIT("\x1b[2J"), MK_E_CTL},
    };
    char longest[MK_VFS_NAME_MAX + 1];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mk_maildir_name_check(rows[i].name), rows[i].err);
    }
    memset(longest, 'x', sizeof longest);
    assert_int_equal(mk_maildir_name_check(mk_str_of(longest, 255)), MK_OK);
    assert_int_equal(mk_maildir_name_check(mk_str_of(longest, 256)), MK_E_ARG);
}

static const mk_maildir_stamp plain = {
    .wall_us = UINT64_C(1700000000000042),
    .seq = 7,
    .random = UINT64_C(0x0123456789abcdef),
    .pid = 321,
    .host = MK_STR_INIT("mx.example.org"),
};

static void format_is_as_promised(void **state)
{
    char name[MK_VFS_NAME_MAX + 1];
    size_t n = mk_maildir_name_format(&plain, 0, name);

    (void)state;
    assert_string_equal(name,
                        "1700000000.M42P321Q7R0123456789abcdef.mx.example.org");
    assert_int_equal(n, strlen(name));
}

static void sec_104_host_names(void **state)
{
    static const struct {
        mk_str host;
        const char *want;
    } rows[] = {
        {MK_STR_INIT("a/b"), "a\\057b"},
        {MK_STR_INIT("a:b"), "a\\072b"},
        {MK_STR_INIT("../../x"), "..\\057..\\057x"},
        {MK_STR_INIT("a,S=1"), "a\\054S=1"},
        {MK_STR_INIT("a\\b"), "a\\134b"},
        {MK_STR_INIT("a\0b\n"), "a\\000b\\012"},
        {MK_STR_INIT("\xff "), "\\377\\040"},
        {MK_STR_INIT(""), "localhost"},
    };
    char name[MK_VFS_NAME_MAX + 1];
    char hosts[300];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_maildir_stamp s = plain;

        s.host = rows[i].host;
        (void)mk_maildir_name_format(&s, 0, name);
        assert_string_equal(strchr(strchr(name, '.') + 1, '.') + 1,
                            rows[i].want);
    }
    /* the longest of everything fits, and no escape is cut in two */
    memset(hosts, '/', sizeof hosts);
    for (i = 0; i < sizeof hosts; i++) {
        mk_maildir_stamp s = {
            UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX, {hosts, i}};
        size_t n = mk_maildir_name_format(&s, 9, name);

        assert_true(n + sizeof ",S=18446744073709551615,W="
                               "18446744073709551615" <=
                    MK_VFS_NAME_MAX);
        assert_null(strchr(name, '/'));
        if (i > 0) {
            assert_string_equal(name + n - 4, "\\057");
        }
    }
}

static void fault_f16_attempts_differ(void **state)
{
    char names[20][MK_VFS_NAME_MAX + 1];
    unsigned i;
    unsigned k;

    (void)state;
    for (i = 0; i < 20; i++) {
        (void)mk_maildir_name_format(&plain, i, names[i]);
        for (k = 0; k < i; k++) {
            assert_string_not_equal(names[k], names[i]);
        }
    }
}

static void names_are_taken_apart(void **state)
{
    static const struct {
        mk_str name;
        mk_err err;
        const char *base;
        const char *flags;
        int64_t disk; /* -1 absent */
        int64_t wire;
    } rows[] = {
        {MK_STR_INIT("1.M2P3.h"), MK_OK, "1.M2P3.h", "", -1, -1},
        {MK_STR_INIT("1.h,S=5,W=6"), MK_OK, "1.h", "", 5, 6},
        {MK_STR_INIT("1.h,S=5,W=6:2,FS"), MK_OK, "1.h", "FS", 5, 6},
        {MK_STR_INIT("1.h:2,"), MK_OK, "1.h", "", -1, -1},
        {MK_STR_INIT("1.h,W=6:1,x"), MK_OK, "1.h", "", -1, 6},
        {MK_STR_INIT("1.h,U=3,S=5"), MK_OK, "1.h", "", 5, -1},
        {MK_STR_INIT("1.h,S=5,S=9"), MK_OK, "1.h", "", 5, -1},
        {MK_STR_INIT("1.h,S=,W=x"), MK_OK, "1.h", "", -1, -1},
        {MK_STR_INIT("1.h,S=-5"), MK_OK, "1.h", "", -1, -1},
        {MK_STR_INIT("1.h,S=99999999999999999999"), MK_OK, "1.h", "", -1, -1},
        {MK_STR_INIT("1.h,S"), MK_OK, "1.h", "", -1, -1},
        {MK_STR_INIT("1.h,,S=1"), MK_OK, "1.h", "", 1, -1},
        {MK_STR_INIT("1.h:2,S,S=1"), MK_OK, "1.h", "S,S=1", -1, -1},
        {MK_STR_INIT(""), MK_E_SYNTAX, "", "", 0, 0},
        {MK_STR_INIT(".x"), MK_E_SYNTAX, "", "", 0, 0},
        {MK_STR_INIT(",S=1"), MK_E_SYNTAX, "", "", 0, 0},
        {MK_STR_INIT(":2,S"), MK_E_SYNTAX, "", "", 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_maildir_name m;

        memset(&m, 0, sizeof m);
        assert_int_equal(mk_maildir_name_parse(rows[i].name, &m), rows[i].err);
        if (rows[i].err != MK_OK) {
            continue;
        }
        assert_true(mk_str_is(m.base, mk_str_z(rows[i].base)));
        assert_true(mk_str_is(m.flags, mk_str_z(rows[i].flags)));
        assert_int_equal(m.has_disk_bytes, rows[i].disk >= 0);
        assert_int_equal(m.has_wire_bytes, rows[i].wire >= 0);
        assert_int_equal(m.disk_bytes, rows[i].disk < 0 ? 0 : rows[i].disk);
        assert_int_equal(m.wire_bytes, rows[i].wire < 0 ? 0 : rows[i].wire);
    }
}

/* ---- padding ------------------------------------------------------------- */

#define RECEIVED                                                               \
    "Received: from a.example (a.example [192.0.2.1])\r\n"                     \
    "\tby mx.example.org with ESMTP id 42\r\n"                                 \
    "\tfor <u@example.org>; Fri, 21 Nov 1997 09:55:06 -0600\r\n"
#define TOP "Return-Path: <a@example.org>\r\n" RECEIVED "X-After: 1\r\n"

static size_t lf_size(mk_str s)
{
    size_t n = 0;
    size_t i;

    for (i = 0; i < s.len; i++) {
        n += s.ptr[i] != '\r';
    }
    return n;
}

/* Without the white space at the ends of lines it is what it was. */
static void check_padded(mk_str top, mk_str padded, size_t size)
{
    mk_str rest = padded;

    assert_int_equal(lf_size(padded), size);
    while (top.len > 0) {
        size_t a = mk_str_find(top, '\n');
        size_t b = mk_str_find(rest, '\n');
        size_t spaces;

        assert_true(b < rest.len && b >= a && rest.ptr[b - 1] == '\r');
        assert_true(b - 1 <= 998);
        assert_memory_equal(rest.ptr, top.ptr, a - 1);
        for (spaces = a - 1; spaces < b - 1; spaces++) {
            assert_int_equal(rest.ptr[spaces], ' ');
        }
        if (top.ptr[0] != '\t' && top.ptr[0] != 'R') {
            assert_int_equal(a, b); /* only Received: grows */
        }
        if (mk_str_has_prefix_nocase(top, mk_str_z("Return-Path"))) {
            assert_int_equal(a, b);
        }
        top = mk_str_sub(top, a + 1, SIZE_MAX);
        rest = mk_str_sub(rest, b + 1, SIZE_MAX);
    }
    assert_int_equal(rest.len, 0);
}

static void padding_fills_every_size(void **state)
{
    mk_str top = mk_str_z(TOP);
    size_t least = lf_size(top);
    static char mem[8192];
    size_t most = 0;
    size_t size;

    (void)state;
    for (size = 0; size < 4000; size++) {
        mk_buf out;
        mk_err err;

        mk_buf_init(&out, mem, sizeof mem);
        err = mk_maildir_top_pad(top, size, &out);
        if (err == MK_OK) {
            check_padded(top, mk_buf_str(&out), size);
            most = size;
        } else {
            assert_int_equal(err, MK_E_ROOM);
            assert_int_equal(out.len, 0);
            assert_true(size < least || size > most);
        }
    }
    /* three lines of 998 octets and what does not grow */
    assert_int_equal(most, 3 * 999 + lf_size(mk_str_z("Return-Path: "
                                                      "<a@example.org>\n"
                                                      "X-After: 1\n")));
    assert_true(most >= 2048);
}

static void padding_refuses(void **state)
{
    static const struct {
        const char *top;
        size_t size;
        size_t max;
        mk_err err;
    } rows[] = {
        {"", 0, 0, MK_OK},
        {"", 1, 10, MK_E_ROOM},
        {"Received: x", 100, 200, MK_E_SYNTAX},
        {"Received: x\n", 100, 200, MK_E_SYNTAX},
        {"\r\n", 100, 200, MK_E_SYNTAX},
        {"Received: x\r\n\r\n", 100, 200, MK_E_SYNTAX},
        {"\n", 100, 200, MK_E_SYNTAX},
        {"X: Received:\r\n", 100, 200, MK_E_ROOM},
        {"Received: x\r\n", 11, 200, MK_E_ROOM},
        {"Received: x\r\n", 12, 13, MK_OK},
        {"received: x\r\n", 100, 101, MK_OK},
        {"Received: x\r\n", 100, 100, MK_E_ROOM},
        {"Received: x\r\n", 12, 12, MK_E_ROOM},
        {"Received: x\r\n", 999, 2000, MK_OK},
        {"Received: x\r\n", 1000, 2000, MK_E_ROOM},
        {" folded: x\r\n", 100, 200, MK_E_ROOM},
    };
    static char mem[2000];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_buf out;

        mk_buf_init(&out, mem, rows[i].max);
        assert_int_equal(
            mk_maildir_top_pad(mk_str_z(rows[i].top), rows[i].size, &out),
            rows[i].err);
        assert_false(out.full);
        assert_true(rows[i].err == MK_OK || out.len == 0);
    }
}

/* A line that is too long already is left alone, not overrun. */
static void padding_leaves_long_lines(void **state)
{
    static char top[1500];
    static char mem[4000];
    mk_buf out;

    (void)state;
    memset(top, 'x', sizeof top);
    memcpy(top, "Received:", 9);
    memcpy(top + 1400, "\r\n\tshort\r\n", 10);
    mk_buf_init(&out, mem, sizeof mem);
    assert_int_equal(mk_maildir_top_pad(mk_str_of(top, 1410), 2000, &out),
                     MK_OK);
    assert_int_equal(lf_size(mk_buf_str(&out)), 2000);
    assert_memory_equal(mem, top, 1408);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_104_names_from_outside),
        cmocka_unit_test(format_is_as_promised),
        cmocka_unit_test(sec_104_host_names),
        cmocka_unit_test(fault_f16_attempts_differ),
        cmocka_unit_test(names_are_taken_apart),
        cmocka_unit_test(padding_fills_every_size),
        cmocka_unit_test(padding_refuses),
        cmocka_unit_test(padding_leaves_long_lines),
    };

    return cmocka_run_group_tests_name("store/maildir_name", tests, NULL, NULL);
}
