/* SPDX-License-Identifier: MIT
 *
 * test_users.c: users files, right and wrong, with the line that is told; as
 * many users as there may be, and every octet in a name.
 */
#include <mailkit/policy.h>

#include "test_vfs.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const mk_str domains[] = {MK_STR_INIT("mx.example"),
                                 MK_STR_INIT("Other.Example")};

#define SALT "c2FsdCBvZiBjYXJsIDE2Lg=="
#define STORED "sZ0uCs+1rVB5n57D+bE4q+I3VovxcgKQ8dU8V9arB+M="
#define SERVER "yQ+luHhezK+CISpmFRFMaaNjg12zvzZxetRZp+4p0zA="
#define KEYS_256 "4096$" SALT "$" STORED "$" SERVER
#define KEYS_256_RFC_5803 "4096:" SALT "$" STORED ":" SERVER
#define KEYS_1                                                                 \
    "4096$" SALT "$L/U5z67vJ8DW8qnt5aO8TFbCAwo=$vS+vjG4VBilDQ/QIUZ2QHaNT9G0="
#define OCTETS_50 "12345678901234567890123456789012345678901234567890"
#define OCTETS_250 OCTETS_50 OCTETS_50 OCTETS_50 OCTETS_50 OCTETS_50

static const struct {
    const char *text;
    mk_err want;
    uint32_t line;
    const char *part; /* of what is told */
    size_t count;
} files[] = {
    {"", MK_OK, 0, "", 0},
    {"# nobody\n\n", MK_OK, 0, "", 0},
    {"a:{PLAIN}x", MK_OK, 0, "", 1},
    {"a:{PLAIN}x\r\nb:{PLAIN}y\r\n", MK_OK, 0, "", 2},
    {"a:{plain}x\nA@other.EXAMPLE:{PLAIN}y\n", MK_OK, 0, "", 2},
    {"a:{PLAIN}x:maildir\n", MK_OK, 0, "", 1},
    {"a:{PLAIN}x:y:z\n", MK_OK, 0, "", 1},
    {"a:{SCRAM-SHA-256}" KEYS_256 ":maildir\n", MK_OK, 0, "", 1},
    {"a:{SCRAM-SHA-256}" KEYS_256_RFC_5803 "\n", MK_OK, 0, "", 1},
    {"a:{SCRAM-SHA-256}" KEYS_256_RFC_5803 ":maildir\n", MK_OK, 0, "", 1},
    {"a:{scram-sha-1}" KEYS_1 "\n", MK_OK, 0, "", 1},
    {"a:{SCRAM-SHA-1}" KEYS_256 "\n", MK_E_SYNTAX, 1, "STORED", 0},
    {"a:{SCRAM-SHA-256}" KEYS_1 "\n", MK_E_SYNTAX, 1, "STORED", 0},
    {"a:{SCRAM-SHA-256}" KEYS_256 " \n", MK_E_SYNTAX, 1, "STORED", 0},
    {"a:{SCRAM-SHA-256}4096,c2E=,aa,bb\n", MK_E_SYNTAX, 1, "STORED", 0},
    {"a:{SCRAM-SHA-256}0" KEYS_256 "\n", MK_E_SYNTAX, 1, "STORED", 0},
    {"a:{SCRAM-SHA-256}4095$YQ==$YQ==$YQ==\n", MK_E_LIMIT, 1, "4096", 0},
    {"a:{PLAIN} \n", MK_OK, 0, "", 1},
    {"  \n\t\r\n \t", MK_OK, 0, "", 0},
    {"a:{PLAIN}x\ty\n", MK_E_SYNTAX, 1, "control", 0},
    {"a:{PLAIN}x\x7f\n", MK_E_SYNTAX, 1, "control", 0},
    {"a:{PLAIN}\xc3\xa4\n", MK_OK, 0, "", 1},
    {"a:{PLAIN}x:maildir \n", MK_E_SYNTAX, 1, "blanks", 0},
    {"a:{PLAIN}x:mbox\t\n", MK_E_UNSUPPORTED, 1, "mbox", 0},
    {"a:{PLAIN}:maildir:maildir\n", MK_OK, 0, "", 1},
    {"a:{PLAIN}" OCTETS_250 "12345\n", MK_OK, 0, "", 1},
    {"a:{PLAIN}" OCTETS_250 "123456\n", MK_E_LIMIT, 1, "255", 0},
    {"a:{BEARER}ya29.A0-_~+/==\nb:{bearer}x:y:maildir\n", MK_OK, 0, "", 2},
    {"a:{BEARER}x y\n", MK_E_SYNTAX, 1, "visible", 0},
    {"a:{BEARER}x \n", MK_E_SYNTAX, 1, "visible", 0},
    {"a:{BEARER}\xc3\xa4\n", MK_E_SYNTAX, 1, "visible", 0},
    {"a:{BEARER}\n", MK_E_SYNTAX, 1, "empty", 0},
    {"a:{PLAIN}x\nb\n", MK_E_SYNTAX, 2, "NAME:", 0},
    {"\n#\n:{PLAIN}x\n", MK_E_SYNTAX, 3, "name", 0},
    {"a:x\n", MK_E_UNSUPPORTED, 1, "{PLAIN}", 0},
    {"a:{MD5}x\n", MK_E_UNSUPPORTED, 1, "{PLAIN}", 0},
    {"a:{PLAIN}\n", MK_E_SYNTAX, 1, "empty", 0},
    {"a:{PLAIN}:maildir\n", MK_E_SYNTAX, 1, "empty", 0},
    {"a:{PLAIN}x:mbox\n", MK_E_UNSUPPORTED, 1, "mbox", 0},
    {"a:{SCRAM-SHA-256}x:dbox\n", MK_E_SYNTAX, 1, "STORED", 0},
    {"a:{PLAIN}x\nb:{PLAIN}x\nA:{PLAIN}y\n", MK_E_EXISTS, 3, "twice", 0},
    {"a:{PLAIN}x\na@MX.example:{PLAIN}y\n", MK_E_EXISTS, 2, "twice", 0},
    {"a@v.example:{PLAIN}x\n", MK_E_SYNTAX, 1, "own", 0},
    {"a@:{PLAIN}x\n", MK_E_SYNTAX, 1, "own", 0},
    {"@mx.example:{PLAIN}x\n", MK_E_SYNTAX, 1, "name", 0},
    {"../a:{PLAIN}x\n", MK_E_SYNTAX, 1, "name", 0},
    {"a/b:{PLAIN}x\n", MK_E_SYNTAX, 1, "name", 0},
    {".a:{PLAIN}x\n", MK_E_SYNTAX, 1, "name", 0},
    {"a b:{PLAIN}x\n", MK_E_SYNTAX, 1, "name", 0},
    {"a\x80:{PLAIN}x\n", MK_E_SYNTAX, 1, "name", 0},
    {"a\x01:{PLAIN}x\n", MK_E_SYNTAX, 1, "name", 0},
    {"a:{PLAIN}x\rb:{PLAIN}y\n", MK_E_SYNTAX, 1, "CR", 0},
    {"1234567890123456789012345678901234567890123456789012345678901234"
     ":{PLAIN}x\n",
     MK_OK, 0, "", 1},
    {"12345678901234567890123456789012345678901234567890123456789012345"
     ":{PLAIN}x\n",
     MK_E_SYNTAX, 1, "name", 0},
};

static void files_right_and_wrong(void **state)
{
    test_alloc a;
    (void)state;
    test_alloc_init(&a);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        mk_users *users = NULL;
        mk_users_fault fault;
        mk_err err = mk_users_parse(&a.alloc, mk_str_z(files[i].text), domains,
                                    2, &users, &fault);
        if (err != files[i].want || fault.line != files[i].line) {
            fail_msg("'%s': %s in line %u", files[i].text, mk_err_name(err),
                     (unsigned)fault.line);
        }
        assert_non_null(strstr(fault.text, files[i].part));
        if (err == MK_OK) {
            assert_int_equal(mk_users_count(users), files[i].count);
            mk_users_free(users);
        }
        assert_int_equal(a.out_count, 0);
    }
}

static void longest_token(void **state)
{
    char line[4200];
    mk_users *users;
    mk_users_fault fault;
    (void)state;
    for (int n = 4096; n <= 4097; n++) {
        memset(line, 'x', sizeof line);
        memcpy(line, "a:{BEARER}", 10);
        mk_err err =
            mk_users_parse(mk_alloc_libc(), mk_str_of(line, 10 + (size_t)n),
                           domains, 2, &users, &fault);
        assert_int_equal(err, n == 4096 ? MK_OK : MK_E_LIMIT);
        if (err == MK_OK) {
            mk_users_free(users);
        }
    }
}

static void kinds_that_there_are(void **state)
{
    static const struct {
        const char *text;
        uint32_t want;
    } rows[] = {
        {"", 0},
        {"a:{PLAIN}x\nb:{PLAIN}{BEARER}y\n", MK_USERS_KIND_PLAIN},
        {"a:{SCRAM-SHA-256}" KEYS_256 "\n", MK_USERS_KIND_SCRAM_SHA_256},
        {"a:{SCRAM-SHA-1}" KEYS_1 "\nb:{BEARER}x\n",
         MK_USERS_KIND_SCRAM_SHA_1 | MK_USERS_KIND_BEARER},
    };
    mk_users_fault fault;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_users *users;
        assert_int_equal(mk_users_parse(mk_alloc_libc(), mk_str_z(rows[i].text),
                                        domains, 2, &users, &fault),
                         MK_OK);
        assert_int_equal(mk_users_kinds(users), rows[i].want);
        mk_users_free(users);
    }
}

static void nul_in_a_line(void **state)
{
    static const char octets[] = "a:{PLAIN}x\nb\0c:{PLAIN}x\n";
    mk_users *users;
    mk_users_fault fault;
    (void)state;
    assert_int_equal(mk_users_parse(mk_alloc_libc(),
                                    mk_str_of(octets, sizeof octets - 1),
                                    domains, 2, &users, &fault),
                     MK_E_SYNTAX);
    assert_int_equal(fault.line, 2);
}

static void has_each_and_no_other(void **state)
{
    enum { COUNT = 5000 };
    text all = {0};
    char line[64];
    mk_users *users;
    mk_users_fault fault;
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(line, sizeof line, "User%d%s:{PLAIN}x\n", i,
                 i % 2 == 0 ? "" : "@other.example");
        text_z(&all, line);
    }
    assert_int_equal(mk_users_parse(mk_alloc_libc(), text_view(&all), domains,
                                    2, &users, &fault),
                     MK_OK);
    assert_int_equal(mk_users_count(users), COUNT);
    for (int i = 0; i < COUNT + 10; i++) {
        snprintf(line, sizeof line, "uSER%d", i);
        for (int d = 0; d < 2; d++) {
            assert_int_equal(mk_users_has(users, mk_str_z(line), domains[d]),
                             i < COUNT && i % 2 == d);
        }
        assert_false(mk_users_has(users, mk_str_z(line), mk_str_z("x")));
    }
    assert_false(mk_users_has(users, mk_str_z(""), domains[0]));
    mk_users_free(users);
    text_free(&all);
}

static void memory_and_arguments(void **state)
{
    test_alloc a;
    mk_users *users;
    mk_users_fault fault;
    (void)state;
    test_alloc_init(&a);
    a.fail_at = 1;
    assert_int_equal(mk_users_parse(&a.alloc, mk_str_z("a:{PLAIN}x"), domains,
                                    2, &users, &fault),
                     MK_E_MEMORY);
    assert_int_equal(fault.line, 0);
    assert_int_equal(
        mk_users_parse(&a.alloc, mk_str_z(""), domains, 0, &users, &fault),
        MK_E_ARG);
    assert_int_equal(
        mk_users_parse(NULL, mk_str_z(""), domains, 2, &users, &fault),
        MK_E_ARG);
    mk_users_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_right_and_wrong),
        cmocka_unit_test(longest_token),
        cmocka_unit_test(kinds_that_there_are),
        cmocka_unit_test(nul_in_a_line),
        cmocka_unit_test(has_each_and_no_other),
        cmocka_unit_test(memory_and_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
