/* SPDX-License-Identifier: MIT
 *
 * test_internet_date.c: date-times of RFC 3339 5.6 by rows, among them its own
 * examples (5.8), each in memory of its own size; and every cut of one.
 */
#include <mailkit/date.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *in;
    mk_err err;
    int64_t utc_s;
} rows[] = {
    /* clang-format off */
    {"1970-01-01T00:00:00Z",          MK_OK, 0},
    {"1985-04-12T23:20:50.52Z",       MK_OK, 482196050},
    {"1996-12-19T16:39:57-08:00",     MK_OK, 851042397},
    {"1990-12-31T23:59:60Z",          MK_OK, 662688000},
    {"1990-12-31T15:59:60-08:00",     MK_OK, 662688000},
    {"1937-01-01T12:00:27.87+00:20",  MK_OK, -1041337173},
    {"2024-02-29t00:00:00z",          MK_OK, 1709164800},
    {"2026-01-01T00:00:00+23:59",     MK_OK, 1767139260},
    {"2023-02-29T00:00:00Z",          MK_E_SYNTAX, 0},
    {"2026-13-01T00:00:00Z",          MK_E_SYNTAX, 0},
    {"2026-00-01T00:00:00Z",          MK_E_SYNTAX, 0},
    {"2026-04-31T00:00:00Z",          MK_E_SYNTAX, 0},
    {"2026-01-01T24:00:00Z",          MK_E_SYNTAX, 0},
    {"2026-01-01T00:60:00Z",          MK_E_SYNTAX, 0},
    {"2026-01-01T00:00:61Z",          MK_E_SYNTAX, 0},
    {"2026-01-01T00:00:00+24:00",     MK_E_SYNTAX, 0},
    {"2026-01-01T00:00:00+00:60",     MK_E_SYNTAX, 0},
    {"2026-01-01T00:00:00+0000",      MK_E_SYNTAX, 0},
    {"2026-01-01T00:00:00*00:00",     MK_E_SYNTAX, 0},
    {"2026-01-01T00:00:00",           MK_E_SYNTAX, 0},
    {"2026-01-01T00:00:00ZZ",         MK_E_SYNTAX, 0},
    {"2026-01-01T00:00:00 Z",         MK_E_SYNTAX, 0},
    {"2026-01-01T00:00:00.Z",         MK_E_SYNTAX, 0},
    {"2026-01-01 00:00:00Z",          MK_E_SYNTAX, 0},
    {"2026-1-01T00:00:00Z",           MK_E_SYNTAX, 0},
    {"+026-01-01T00:00:00Z",          MK_E_SYNTAX, 0},
    {"20260101T000000Z",              MK_E_SYNTAX, 0},
    {"0000-01-01T00:00:00Z",          MK_E_SYNTAX, 0},
    {"",                              MK_E_SYNTAX, 0},
    /* clang-format on */
};

static mk_err parse(const char *z, size_t n, int64_t *out)
{
    char *mem = malloc(n > 0 ? n : 1);
    memcpy(mem, z, n);
    mk_err err = mk_date_internet_parse(mk_str_of(mem, n), out);
    free(mem);
    return err;
}

static void date_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got = 0;
        mk_err err = parse(rows[i].in, strlen(rows[i].in), &got);
        if (err != rows[i].err || got != rows[i].utc_s) {
            fail_msg("%s: %s %lld", rows[i].in, mk_err_name(err),
                     (long long)got);
        }
    }
}

static void none_is_cut(void **state)
{
    static const char whole[] = "2026-12-31T23:59:59.5+01:00";
    int64_t got = 7;
    (void)state;
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        assert_int_equal(parse(whole, n, &got), MK_E_SYNTAX);
        assert_int_equal(got, 7);
    }
    assert_int_equal(parse(whole, sizeof whole - 1, &got), MK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(date_times),
        cmocka_unit_test(none_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
