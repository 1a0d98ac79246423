/* SPDX-License-Identifier: MIT
 *
 * test_xtext.c: xtext by rows and as an inverse pair (RFC 3461 4), each row's
 * octets in memory of their own size. THREATS 17: what decodes to a control
 * character; THREATS 18: hexchars that are none, or cut.
 */
#include <mailkit/smtp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct xtext_row {
    const char *in;
    mk_err err;
    const char *plain;
} xtext_row;

/* clang-format off */
static const xtext_row rows[] = {
    {"",              MK_OK, ""},
    {"a@b.example",   MK_OK, "a@b.example"},
    {"a+2Bb",         MK_OK, "a+b"},
    {"+3D",           MK_OK, "="},
    {"a+20b",         MK_OK, "a b"},
    {"+7E~!",         MK_OK, "~~!"},
    {"+C3+BC",        MK_OK, "\xC3\xBC"},
    /* sec_018 */
    {"+",             MK_E_SYNTAX, NULL},
    {"+4",            MK_E_SYNTAX, NULL},
    {"a+4",           MK_E_SYNTAX, NULL},
    {"+GG",           MK_E_SYNTAX, NULL},
    {"+4G",           MK_E_SYNTAX, NULL},
    {"+G4",           MK_E_SYNTAX, NULL},
    {"+2b",           MK_E_SYNTAX, NULL},
    {"+c3",           MK_E_SYNTAX, NULL},
    {"++2B",          MK_E_SYNTAX, NULL},
    {"+\xC3\xBC",     MK_E_SYNTAX, NULL},
    {"a=b",           MK_E_SYNTAX, NULL},
    {"a b",           MK_E_SYNTAX, NULL},
    {"\x7F",          MK_E_SYNTAX, NULL},
    {"\x80",          MK_E_SYNTAX, NULL},
    {"a\r\nb",        MK_E_SYNTAX, NULL},
    /* sec_017 */
    {"x+0D+0Ay",      MK_E_CTL, NULL},
    {"a+0Ab",         MK_E_CTL, NULL},
    {"+00",           MK_E_CTL, NULL},
    {"+1F",           MK_E_CTL, NULL},
    {"+7F",           MK_E_CTL, NULL},
    {"+09",           MK_E_CTL, NULL},
};
/* clang-format on */

static mk_str exact(const char *z, char **out_mem)
{
    size_t n = strlen(z);
    *out_mem = malloc(n > 0 ? n : 1);
    memcpy(*out_mem, z, n);
    return mk_str_of(*out_mem, n);
}

static void sec_017_sec_018_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *mem;
        char room[16] = "kept";
        mk_buf b;
        mk_str in = exact(rows[i].in, &mem);
        mk_buf_init(&b, room, sizeof room);
        b.len = 4;
        mk_err err = mk_smtp_xtext_parse(in, &b);
        if (err != rows[i].err) {
            fail_msg("%s: %s", rows[i].in, mk_err_name(err));
        }
        const char *plain = rows[i].plain != NULL ? rows[i].plain : "";
        assert_int_equal(b.len, 4 + strlen(plain));
        assert_memory_equal(b.ptr, "kept", 4);
        assert_memory_equal(b.ptr + 4, plain, strlen(plain));
        free(mem);
    }
}

static void every_octet_comes_back(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char octet = (char)(unsigned char)c;
        bool is_ctl = c < 32 || c == 127;
        char coded_room[3];
        char plain_room[1];
        mk_buf coded;
        mk_buf plain;
        mk_buf_init(&coded, coded_room, sizeof coded_room);
        mk_buf_init(&plain, plain_room, sizeof plain_room);
        assert_int_equal(mk_smtp_xtext_format(mk_str_of(&octet, 1), &coded),
                         MK_OK);
        assert_int_equal(mk_smtp_xtext_parse(mk_buf_str(&coded), &plain),
                         is_ctl ? MK_E_CTL : MK_OK);
        assert_true(is_ctl ||
                    mk_str_is(mk_buf_str(&plain), mk_str_of(&octet, 1)));
    }
}

static void both_are_all_or_nothing(void **state)
{
    (void)state;
    char room[5];
    mk_buf b;
    mk_buf_init(&b, room, sizeof room);
    assert_int_equal(mk_smtp_xtext_format(mk_str_z("a b"), &b), MK_OK);
    assert_true(mk_str_is(mk_buf_str(&b), mk_str_z("a+20b")));
    mk_buf_init(&b, room, sizeof room);
    assert_int_equal(mk_smtp_xtext_format(mk_str_z("ab= "), &b), MK_E_ROOM);
    assert_int_equal(b.len, 0);
    mk_buf_init(&b, room, 2);
    assert_int_equal(mk_smtp_xtext_parse(mk_str_z("a+20b"), &b), MK_E_ROOM);
    assert_int_equal(b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_017_sec_018_rows),
        cmocka_unit_test(every_octet_comes_back),
        cmocka_unit_test(both_are_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
