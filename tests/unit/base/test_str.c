/* SPDX-License-Identifier: MIT
 *
 * test_str.c: views, classes of octets and checked numbers. THREATS 24 (all
 * octets 0x80 to 0xFF), 68 (numbers of fields) and 111 (integer widths).
 */
#include "pump.h"

#include "base/ascii.h"

static mk_str lit(const char *z)
{
    return mk_str_z(z);
}

static void views_compare(void **state)
{
    (void)state;
    assert_true(mk_str_is(lit("ab"), lit("ab")));
    assert_false(mk_str_is(lit("ab"), lit("aB")));
    assert_false(mk_str_is(lit("ab"), lit("abc")));
    assert_true(mk_str_is(mk_str_of(NULL, 0), lit("")));
    assert_true(mk_str_is_nocase(lit("aZ["), lit("Az[")));
    assert_false(mk_str_is_nocase(lit("@"), lit("`")));
    assert_false(mk_str_is_nocase(lit("["), lit("{")));
    assert_false(mk_str_is_nocase(lit("ab"), lit("abc")));
    assert_true(mk_str_has_prefix_nocase(lit("MAIL from"), lit("mail FROM")));
    assert_true(mk_str_has_prefix_nocase(lit("x"), lit("")));
    assert_false(
        mk_str_has_prefix_nocase(mk_str_sub(lit("MAIL"), 0, 3), lit("MAIL")));
    assert_int_equal(mk_str_z(NULL).len, 0);
}

static void views_are_cut(void **state)
{
    mk_str s = lit("abcdef");

    (void)state;
    assert_true(mk_str_is(mk_str_sub(s, 2, 3), lit("cde")));
    assert_true(mk_str_is(mk_str_sub(s, 2, SIZE_MAX), lit("cdef")));
    assert_true(mk_str_is(mk_str_sub(s, 0, 0), lit("")));
    assert_ptr_equal(mk_str_sub(s, 9, 1).ptr, s.ptr + 6);
    assert_int_equal(mk_str_sub(s, SIZE_MAX, SIZE_MAX).len, 0);
    assert_int_equal(mk_str_sub(mk_str_of(NULL, 0), 1, 1).len, 0);
    assert_int_equal(mk_str_find(s, 'a'), 0);
    assert_int_equal(mk_str_find(s, 'f'), 5);
    assert_int_equal(mk_str_find(s, 'x'), 6);
    assert_int_equal(mk_str_find(mk_str_of(NULL, 0), 'x'), 0);
}

static void controls_are_seen(void **state)
{
    (void)state;
    assert_true(mk_str_has_ctl(lit("a\rb")));
    assert_true(mk_str_has_ctl(lit("a\nb")));
    assert_true(mk_str_has_ctl(mk_str_of("a\0b", 3)));
    assert_false(mk_str_has_ctl(lit("a\tb\x7F\x80")));
    assert_false(mk_str_has_ctl(mk_str_of(NULL, 0)));
}

/* Written out, so that the table has something to be compared with. */
static const char digits[] = "0123456789";
static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char hexes[] = "0123456789ABCDEFabcdef";
static const char atext_specials[] = "!#$%&'*+-/=?^_`{|}~";
static const char tspecials[] = "()<>@,;:\\\"/[]?=";

static bool is_one_of(const char *set, int c)
{
    return c != 0 && strchr(set, c) != NULL;
}

static void classes_are_the_grammars(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 128; i++) {
        unsigned char c = (unsigned char)i;
        bool alnum = is_one_of(digits, i) || is_one_of(letters, i);

        assert_int_equal(mk_is_digit(c), is_one_of(digits, i));
        assert_int_equal(mk_ascii_is(c, MK_CLASS_DIGIT), mk_is_digit(c));
        assert_int_equal(mk_is_alpha(c), is_one_of(letters, i));
        assert_int_equal(mk_is_alnum(c), alnum);
        assert_int_equal(mk_is_hex(c), is_one_of(hexes, i));
        assert_int_equal(mk_is_atext(c), alnum || is_one_of(atext_specials, i));
        assert_int_equal(mk_is_vchar(c), i > 32 && i < 127);
        assert_int_equal(mk_is_token(c),
                         i > 32 && i < 127 && !is_one_of(tspecials, i));
        assert_int_equal(mk_is_wsp(c), i == 32 || i == 9);
        assert_int_equal(mk_ascii_is(c, MK_CLASS_WSP), mk_is_wsp(c));
        assert_int_equal(mk_is_ctl(c), i < 32 || i == 127);
    }
}

static void hex_values_and_case(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < 16; i++) {
        unsigned char digit = (unsigned char)mk_hex_digit(i);

        assert_int_equal(digit, "0123456789ABCDEF"[i]);
        assert_int_equal(mk_hex_value(digit), (int)i);
        assert_int_equal(mk_hex_value(mk_lower(digit)), (int)i);
    }
    assert_int_equal(mk_hex_value('g'), -1);
    assert_int_equal(mk_hex_value('G'), -1);
    assert_int_equal(mk_hex_value('/'), -1);
    assert_int_equal(mk_hex_value(':'), -1);
    for (i = 0; i < 26; i++) {
        assert_int_equal(mk_lower((unsigned char)('A' + i)), 'a' + i);
        assert_int_equal(mk_upper((unsigned char)('a' + i)), 'A' + i);
    }
    assert_int_equal(mk_lower('@'), '@');
    assert_int_equal(mk_lower('['), '[');
    assert_int_equal(mk_upper('`'), '`');
    assert_int_equal(mk_upper('{'), '{');
}

static void sec_024_high_octets_have_no_class(void **state)
{
    int i;

    (void)state;
    for (i = 128; i < 256; i++) {
        unsigned char c = (unsigned char)i;

        assert_false(mk_ascii_is(c, 0xFFU));
        assert_false(mk_is_digit(c) || mk_is_wsp(c));
        assert_int_equal(mk_hex_value(c), -1);
        assert_int_equal(mk_lower(c), c);
        assert_int_equal(mk_upper(c), c);
    }
}

static void sec_024_high_octets_in_views(void **state)
{
    int i;

    (void)state;
    for (i = 128; i < 256; i++) {
        char text[3] = {'1', 0, '2'};
        char twin[3] = {'1', 0, '2'};
        mk_str s = mk_str_of(text, 3);
        uint64_t value = 7;

        text[1] = (char)(unsigned char)i;
        twin[1] = (char)(unsigned char)(i - 128);
        assert_int_equal(mk_str_find(s, (unsigned char)i), 1);
        assert_int_equal(mk_octet_at(s, 1), i);
        assert_false(mk_str_is_nocase(s, mk_str_of(twin, 3)));
        assert_int_equal(mk_str_u64(s, &value), MK_E_SYNTAX);
        assert_false(mk_str_has_ctl(s));
    }
}

typedef struct number_row {
    const char *text;
    mk_err err;
    uint64_t value;
} number_row;

static void check_numbers(const number_row *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        uint64_t value = 77;

        assert_int_equal(mk_str_u64(lit(rows[i].text), &value), rows[i].err);
        assert_true(value == (rows[i].err == MK_OK ? rows[i].value : 77));
    }
}

static void sec_111_numbers_at_the_widths(void **state)
{
    static const number_row rows[] = {
        {"0", MK_OK, 0},
        {"2147483647", MK_OK, UINT64_C(2147483647)},
        {"2147483648", MK_OK, UINT64_C(2147483648)},
        {"4294967295", MK_OK, UINT64_C(4294967295)},
        {"4294967296", MK_OK, UINT64_C(4294967296)},
        {"9223372036854775807", MK_OK, UINT64_C(9223372036854775807)},
        {"9223372036854775808", MK_OK, UINT64_C(9223372036854775808)},
        {"18446744073709551615", MK_OK, UINT64_MAX},
        {"18446744073709551616", MK_E_OVERFLOW, 0},
        {"18446744073709551620", MK_E_OVERFLOW, 0},
        {"99999999999999999999", MK_E_OVERFLOW, 0},
        {"184467440737095516150000000000000000", MK_E_OVERFLOW, 0},
        {"0000000000000000000000000000000000007", MK_OK, 7},
    };

    (void)state;
    check_numbers(rows, sizeof rows / sizeof rows[0]);
}

static void sec_068_numbers_that_are_none(void **state)
{
    static const number_row rows[] = {
        {"-1", MK_E_SYNTAX, 0},
        {"9e99", MK_E_SYNTAX, 0},
        {"+1", MK_E_SYNTAX, 0},
        {"0x10", MK_E_SYNTAX, 0},
        {"", MK_E_SYNTAX, 0},
        {" 1", MK_E_SYNTAX, 0},
        {"1 ", MK_E_SYNTAX, 0},
        {"1,000", MK_E_SYNTAX, 0},
        {"18446744073709551616x", MK_E_SYNTAX, 0},
    };

    (void)state;
    check_numbers(rows, sizeof rows / sizeof rows[0]);
}

static void sec_111_sizes_add_with_a_check(void **state)
{
    static const struct {
        size_t a, b;
        mk_err err;
    } rows[] = {
        {0, 0, MK_OK},
        {SIZE_MAX, 0, MK_OK},
        {SIZE_MAX, 1, MK_E_OVERFLOW},
        {1, SIZE_MAX, MK_E_OVERFLOW},
        {SIZE_MAX - 1, 1, MK_OK},
        {SIZE_MAX / 2 + 1, SIZE_MAX / 2, MK_OK},
        {SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, MK_E_OVERFLOW},
        {SIZE_MAX, SIZE_MAX, MK_E_OVERFLOW},
        {2147483647U, 1, MK_OK},
        {2147483648U, 2147483647U, MK_OK},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t sum = 5;

        assert_int_equal(mk_size_add(rows[i].a, rows[i].b, &sum), rows[i].err);
        assert_true(sum == (rows[i].err == MK_OK ? rows[i].a + rows[i].b : 5));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare),
        cmocka_unit_test(views_are_cut),
        cmocka_unit_test(controls_are_seen),
        cmocka_unit_test(classes_are_the_grammars),
        cmocka_unit_test(hex_values_and_case),
        cmocka_unit_test(sec_024_high_octets_have_no_class),
        cmocka_unit_test(sec_024_high_octets_in_views),
        cmocka_unit_test(sec_111_numbers_at_the_widths),
        cmocka_unit_test(sec_068_numbers_that_are_none),
        cmocka_unit_test(sec_111_sizes_add_with_a_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
