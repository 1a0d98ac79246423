/* SPDX-License-Identifier: MIT
 *
 * The list of defects: names are stable, unique and lower-case; a full list
 * counts and still knows what it met; NULL takes everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <mailkit/defect.h>

static const mk_defect_code codes[] = {
#define CODE(name, group, number, weight, id, text) MK_DEFECT_##name,
    MK_DEFECT_TABLE(CODE)
#undef CODE
};
enum { CODES = sizeof codes / sizeof codes[0] };

static void names_are_unique_and_plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        const char *name = mk_defect_name(codes[i]);
        assert_true(strlen(name) > 3 && strlen(mk_defect_text(codes[i])) > 3);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"),
                         strlen(name));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(name, mk_defect_name(codes[k]));
            assert_true(codes[i] != codes[k]);
        }
    }
    assert_string_equal(mk_defect_name(MK_DEFECT_ADDR_INVALID), "addr-invalid");
    assert_string_equal(mk_defect_name(31), "?");
    assert_string_equal(mk_defect_name(4711), "?");
    assert_string_equal(mk_defect_text(4711), "unknown defect");
}

static void a_full_list_counts_and_still_sees(void **state)
{
    mk_defect mem[2];
    mk_defects list;
    (void)state;
    mk_defects_init(&list, mem, 2);
    assert_int_equal(mk_defects_worst(&list), 0);
    list.base = 100;
    mk_defects_add(&list, MK_DEFECT_DATE_WEEKDAY, 3, 4);
    mk_defects_add(&list, MK_DEFECT_HEADER_MIXED_ENDS, 9, UINT64_MAX - 7);
    assert_int_equal(mk_defects_worst(&list), MK_DEFECT_MILD);
    mk_defects_add(&list, MK_DEFECT_ADDR_INVALID, 10, 0);
    mk_defects_add(&list, MK_DEFECT_HEADER_NUL, 11, 1);
    mk_defects_add(&list, (mk_defect_code)4711, 0, 0);
    assert_false(mk_defects_has(&list, (mk_defect_code)4711));
    assert_int_equal(list.count, 2);
    assert_true(list.dropped == 2);
    assert_int_equal(mem[0].code, MK_DEFECT_DATE_WEEKDAY);
    assert_int_equal(mem[0].weight, MK_DEFECT_MILD);
    assert_true(mem[0].offset == 103 && mem[0].length == 4);
    assert_true(mem[1].length == UINT32_MAX);
    assert_true(mk_defects_has(&list, MK_DEFECT_ADDR_INVALID));
    assert_true(mk_defects_has(&list, MK_DEFECT_HEADER_NUL));
    assert_false(mk_defects_has(&list, MK_DEFECT_HEADER_BARE_CR));
    assert_int_equal(mk_defects_worst(&list), MK_DEFECT_AMBIGUOUS);
}

/* THREATS 63: a bit for each that is ambiguous, none for another. */
static void sec_063_each_ambiguity_has_its_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        mk_defects list;
        mk_defects_init(&list, NULL, 0);
        mk_defects_add(&list, (mk_defect_code)codes[i], 0, 0);
        uint32_t mask = mk_defects_ambiguity(&list);
        assert_int_equal(mask != 0,
                         mk_defects_worst(&list) == MK_DEFECT_AMBIGUOUS);
        assert_int_equal(mask & (mask - 1), 0);
    }
    mk_defects list;
    mk_defects_init(&list, NULL, 0);
    assert_int_equal(mk_defects_ambiguity(NULL), 0);
    assert_int_equal(mk_defects_ambiguity(&list), 0);
    mk_defects_add(&list, MK_DEFECT_HEADER_DUPLICATE, 0, 0);
    mk_defects_add(&list, MK_DEFECT_TRANSFER_MALFORMED, 0, 0);
    mk_defects_add(&list, MK_DEFECT_MIME_NO_END, 0, 0);
    assert_int_equal(mk_defects_ambiguity(&list), MK_AMBIGUITY_FIELD |
                                                      MK_AMBIGUITY_ENCODING |
                                                      MK_AMBIGUITY_PARTS);
}

static void no_list_takes_everything(void **state)
{
    mk_defects none;
    (void)state;
    mk_defects_add(NULL, MK_DEFECT_ADDR_INVALID, 0, 0);
    assert_false(mk_defects_has(NULL, MK_DEFECT_ADDR_INVALID));
    assert_int_equal(mk_defects_worst(NULL), 0);
    mk_defects_init(&none, NULL, 0);
    mk_defects_add(&none, MK_DEFECT_ADDR_INVALID, 0, 0);
    assert_true(none.dropped == 1 && none.count == 0);
    assert_true(mk_defects_has(&none, MK_DEFECT_ADDR_INVALID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_plain),
        cmocka_unit_test(a_full_list_counts_and_still_sees),
        cmocka_unit_test(sec_063_each_ambiguity_has_its_bit),
        cmocka_unit_test(no_list_takes_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
