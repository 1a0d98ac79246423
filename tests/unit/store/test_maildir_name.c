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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_104_names_from_outside),
        cmocka_unit_test(format_is_as_promised),
        cmocka_unit_test(sec_104_host_names),
        cmocka_unit_test(fault_f16_attempts_differ),
        cmocka_unit_test(names_are_taken_apart),
    };

    return cmocka_run_group_tests_name("store/maildir_name", tests, NULL, NULL);
}
