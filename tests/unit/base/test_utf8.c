/* SPDX-License-Identifier: MIT
 *
 * test_utf8.c: UTF-8 (RFC 3629 4) by rows, and every sequence of up to three
 * octets against the ranges of the grammar as written down here once more.
 * THREATS 24, 25.
 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct utf8_row {
    const char *in;
    size_t n; /* of the first character; 0: there is none */
    uint32_t character;
    bool is_utf8; /* all of it */
} utf8_row;

/* clang-format off */
static const utf8_row rows[] = {
    {"a",                    1, 'a',      true},
    {"\xC2\x80",             2, 0x80,     true},
    {"\xC3\xBC" "b",         2, 0xFC,     true},
    {"\xDF\xBF",             2, 0x7FF,    true},
    {"\xE0\xA0\x80",         3, 0x800,    true},
    {"\xED\x9F\xBF",         3, 0xD7FF,   true},
    {"\xEE\x80\x80",         3, 0xE000,   true},
    {"\xEF\xBF\xBF",         3, 0xFFFF,   true},
    {"\xF0\x90\x80\x80",     4, 0x10000,  true},
    {"\xF4\x8F\xBF\xBF",     4, 0x10FFFF, true},
    /* cut, and with something else behind */
    {"\xC3",                 0, 0, false},
    {"\xC3" "a",             0, 0, false},
    {"\xE2\x82",             0, 0, false},
    {"\xE2\x82" "a",         0, 0, false},
    {"\xF0\x9F\x92",         0, 0, false},
    {"\xC3\xC3\xBC",         0, 0, false},
    /* overlong */
    {"\xC0\xAE",             0, 0, false},
    {"\xC1\xBF",             0, 0, false},
    {"\xE0\x9F\xBF",         0, 0, false},
    {"\xF0\x8F\xBF\xBF",     0, 0, false},
    /* surrogates, beyond U+10FFFF, no beginning */
    {"\xED\xA0\x80",         0, 0, false},
    {"\xED\xBF\xBF",         0, 0, false},
    {"\xF4\x90\x80\x80",     0, 0, false},
    {"\xF5\x80\x80\x80",     0, 0, false},
    {"\x80",                 0, 0, false},
    {"\xBF\xBF",             0, 0, false},
    {"\xFE",                 0, 0, false},
    {"\xFF\xBF\xBF\xBF",     0, 0, false},
    /* the first is fine, what follows is not */
    {"a\xC3",                1, 'a', false},
    {"\xC3\xBC\xBC",         2, 0xFC, false},
};
/* clang-format on */

static void sec_025_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_str in = mk_str_z(rows[i].in);
        uint32_t character = 0;
        assert_int_equal(mk_utf8_at(in, &character), rows[i].n);
        assert_int_equal(character, rows[i].character);
        assert_int_equal(mk_is_utf8(in), rows[i].is_utf8);
    }
    uint32_t untouched = 7;
    assert_int_equal(mk_utf8_at(mk_str_of(NULL, 0), &untouched), 0);
    assert_int_equal(untouched, 7);
    assert_true(mk_is_utf8(mk_str_of(NULL, 0)));
}

static bool is_within(unsigned c, unsigned low, unsigned top)
{
    return c >= low && c <= top;
}

/* Octets of the character that a, b, c begin with; 0 when they do not. */
static size_t by_grammar(unsigned a, unsigned b, unsigned c)
{
    bool tail = is_within(c, 0x80, 0xBF);
    if (a < 0x80) {
        return 1;
    }
    if (is_within(a, 0xC2, 0xDF)) {
        return is_within(b, 0x80, 0xBF) ? 2 : 0;
    }
    if (a == 0xE0) {
        return is_within(b, 0xA0, 0xBF) && tail ? 3 : 0;
    }
    if (a == 0xED) {
        return is_within(b, 0x80, 0x9F) && tail ? 3 : 0;
    }
    return is_within(a, 0xE1, 0xEF) && is_within(b, 0x80, 0xBF) && tail ? 3 : 0;
}

static void sec_025_every_three_octets(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 0x1000000; n += n < 0x800000 ? 0x101 : 7) {
        unsigned char octets[3] = {(unsigned char)(n >> 16),
                                   (unsigned char)(n >> 8), (unsigned char)n};
        uint32_t character = 0;
        size_t got = mk_utf8_at(mk_str_of((char *)octets, 3), &character);
        assert_int_equal(got, by_grammar(octets[0], octets[1], octets[2]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_025_rows),
        cmocka_unit_test(sec_025_every_three_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
