/* SPDX-License-Identifier: MIT
 *
 * test_date.c: civil dates, and date-times of RFC 5322 §3.3 and §4.3, both
 * ways. THREATS 68 (years, zones and numbers beyond all ranges), 24.
 */
#include "pump.h"

#include <mailkit/date.h>

#include <limits.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define YEAR_1 (-INT64_C(62135596800))
#define YEAR_10000 INT64_C(253402300800)

static void moments_are_split_and_joined(void **state)
{
    static const struct {
        int64_t seconds;
        mk_date_civil civil;
    } rows[] = {
        {0, {1970, 1, 1, 0, 0, 0, 4}},
        {-1, {1969, 12, 31, 23, 59, 59, 3}},
        {YEAR_1, {1, 1, 1, 0, 0, 0, 1}},
        {YEAR_10000 - 1, {9999, 12, 31, 23, 59, 59, 5}},
        {951825600, {2000, 2, 29, 12, 0, 0, 2}},
        {880106106, {1997, 11, 21, 9, 55, 6, 5}},
        {1136073599, {2005, 12, 31, 23, 59, 59, 6}},
        {1795291800, {2026, 11, 21, 20, 10, 0, 6}},
        {-INT64_C(2208988800), {1900, 1, 1, 0, 0, 0, 1}},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        mk_date_civil civil;
        int64_t seconds = 0;

        assert_int_equal(mk_date_split(rows[i].seconds, &civil), MK_OK);
        assert_memory_equal(&civil, &rows[i].civil, sizeof civil);
        assert_int_equal(mk_date_join(&civil, &seconds), MK_OK);
        assert_true(seconds == rows[i].seconds);
    }
}

/* Counts through the calendar as one would on fingers. */
static void every_day_follows_the_last(void **state)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};
    int year = 1, month = 1, day = 1, weekday = 1;
    int64_t s;

    (void)state;
    for (s = YEAR_1; s < YEAR_10000; s += 86400) {
        bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
        mk_date_civil c;

        if (mk_date_split(s, &c) != MK_OK || c.year != year ||
            c.month != month || c.day != day || c.weekday != weekday) {
            fail_msg("%d-%d-%d", year, month, day);
        }
        weekday = (weekday + 1) % 7;
        if (day < lengths[month - 1] + (month == 2 && leap ? 1 : 0)) {
            day++;
        } else if (month < 12) {
            day = 1;
            month++;
        } else {
            day = 1;
            month = 1;
            year++;
        }
    }
    assert_int_equal(year, 10000);
}

static void sec_068_seconds_out_of_range(void **state)
{
    static const int64_t rows[] = {INT64_MIN, INT64_MAX, YEAR_1 - 1,
                                   YEAR_10000};
    mk_date_civil c = {.year = 7};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        assert_int_equal(mk_date_split(rows[i], &c), MK_E_OVERFLOW);
        assert_int_equal(c.year, 7);
    }
}

static void sec_068_civil_fields_out_of_range(void **state)
{
    static const mk_date_civil rows[] = {
        {0, 1, 1, 0, 0, 0, 0},
        {10000, 1, 1, 0, 0, 0, 0},
        {INT32_MAX, 1, 1, 0, 0, 0, 0},
        {INT32_MIN, 1, 1, 0, 0, 0, 0},
        {2026, 0, 1, 0, 0, 0, 0},
        {2026, 13, 1, 0, 0, 0, 0},
        {2026, INT32_MIN, 1, 0, 0, 0, 0},
        {2026, 1, 0, 0, 0, 0, 0},
        {2026, 1, 32, 0, 0, 0, 0},
        {2026, 4, 31, 0, 0, 0, 0},
        {2026, 2, 29, 0, 0, 0, 0},
        {1900, 2, 29, 0, 0, 0, 0},
        {2026, 1, INT32_MAX, 0, 0, 0, 0},
        {2026, 1, 1, 24, 0, 0, 0},
        {2026, 1, 1, -1, 0, 0, 0},
        {2026, 1, 1, 0, 60, 0, 0},
        {2026, 1, 1, 0, -1, 0, 0},
        {2026, 1, 1, 0, 0, 61, 0},
        {2026, 1, 1, 0, 0, -1, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        int64_t seconds = 7;

        assert_int_equal(mk_date_join(&rows[i], &seconds), MK_E_ARG);
        assert_true(seconds == 7);
    }
}

static void dates_are_formatted(void **state)
{
    static const struct {
        int64_t utc_s;
        int zone;
        const char *text;
    } rows[] = {
        {1795291800, 0, "Sat, 21 Nov 2026 20:10:00 +0000"},
        {880127706, -360, "Fri, 21 Nov 1997 09:55:06 -0600"},
        {1795291800, 330, "Sun, 22 Nov 2026 01:40:00 +0530"},
        {951782400, -1, "Mon, 28 Feb 2000 23:59:00 -0001"},
        {1793491200, 0, "Sun, 1 Nov 2026 00:00:00 +0000"},
        {-INT64_C(2208988800), 0, "Mon, 1 Jan 1900 00:00:00 +0000"},
        {YEAR_10000 - 1, 0, "Fri, 31 Dec 9999 23:59:59 +0000"},
        {0, 5999, "Mon, 5 Jan 1970 03:59:00 +9959"},
        {0, -5999, "Sat, 27 Dec 1969 20:01:00 -9959"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        size_t n = strlen(rows[i].text);
        char mem[64];
        mk_date d;
        mk_buf b;

        mk_buf_init(&b, mem, n);
        assert_int_equal(mk_date_format(rows[i].utc_s, rows[i].zone, &b),
                         MK_OK);
        assert_str_equal(mk_buf_str(&b), mk_str_z(rows[i].text));
        assert_int_equal(mk_date_parse(mk_buf_str(&b), &d), MK_OK);
        assert_true(d.utc_s == rows[i].utc_s);
        assert_int_equal(d.zone_minutes, rows[i].zone);
        mk_buf_init(&b, mem, n - 1);
        assert_int_equal(mk_date_format(rows[i].utc_s, rows[i].zone, &b),
                         MK_E_ROOM);
        assert_int_equal(b.len, 0);
    }
}

static void sec_068_dates_that_cannot_be_written(void **state)
{
    static const struct {
        int64_t utc_s;
        int zone;
    } rows[] = {
        {0, 6000},
        {0, -6000},
        {0, INT_MAX},
        {0, INT_MIN},
        {INT64_MAX, 0},
        {INT64_MAX, 5999},
        {INT64_MIN, 0},
        {INT64_MIN, -5999},
        {YEAR_10000, 0},
        {YEAR_10000 - 1, 1},
        {-INT64_C(2208988801), 0},
        {-INT64_C(2208988800), -1},
    };
    char mem[64];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        mk_buf b;

        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(mk_date_format(rows[i].utc_s, rows[i].zone, &b),
                         MK_E_ARG);
        assert_int_equal(b.len, 0);
    }
}

typedef struct parse_row {
    const char *text;
    int64_t utc_s;
    int zone_minutes;
    bool has_zone;
    uint32_t defects;
} parse_row;

static void check_parsing(const parse_row *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        size_t n = strlen(rows[i].text);
        char *exact = malloc(n);
        mk_date d;

        assert_non_null(exact);
        memcpy(exact, rows[i].text, n);
        assert_int_equal(mk_date_parse(mk_str_of(exact, n), &d), MK_OK);
        free(exact);
        assert_true(d.utc_s == rows[i].utc_s);
        assert_int_equal(d.zone_minutes, rows[i].zone_minutes);
        assert_int_equal(d.has_zone, rows[i].has_zone);
        assert_int_equal(d.defects, rows[i].defects);
    }
}

static void dates_are_parsed(void **state)
{
    static const parse_row rows[] = {
        {"Sat, 21 Nov 2026 20:10:00 +0000", 1795291800, 0, true, 0},
        {"21 Nov 2026 20:10 +0000", 1795291800, 0, true, 0},
        {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360, true, 0},
        {"fri, 21 nOV 1997 09:55:06 -0600", 880127706, -360, true, 0},
        {"Sat, 21 Nov 2026 20:10:00 -0000", 1795291800, 0, false, 0},
        {"  Sat,\r\n 21 Nov\t2026 20:10:00 +0000 (UTC)\r\n", 1795291800, 0,
         true, 0},
        /* RFC 5322 appendix A.5 */
        {"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
         "               -0330 (Newfoundland Time)",
         -INT64_C(27723480), -210, true, 0},
        {"(a(b\\)c)(d))Sat(e) ,(f)21(g)Nov(h)2026(i)20(j):(k)10(l):(m)00(n)"
         "+0000(o)",
         1795291800, 0, true, 0},
        {"Thu, 31 Dec 1998 23:59:60 +0000", 915148800, 0, true, 0},
        {"Tue, 29 Feb 2000 12:00:00 +0000", 951825600, 0, true, 0},
        {"Fri, 31 Dec 9999 23:59:59 +0000", YEAR_10000 - 1, 0, true, 0},
        {"Fri, 31 Dec 9999 23:59:59 -0100", YEAR_10000 + 3599, -60, true, 0},
    };

    (void)state;
    check_parsing(rows, COUNT(rows));
}

static void obsolete_dates_are_parsed(void **state)
{
    static const parse_row rows[] = {
        /* RFC 5322 appendix A.6.2 */
        {"21 Nov 97 09:55:06 GMT", 880106106, 0, true, MK_DATE_OBSOLETE},
        {"21 Nov 49 00:00:00 +0000", INT64_C(2521065600), 0, true,
         MK_DATE_OBSOLETE},
        {"1 Jan 50 00:00:00 +0000", -INT64_C(631152000), 0, true,
         MK_DATE_OBSOLETE},
        {"21 Nov 126 20:10:00 +0000", 1795291800, 0, true, MK_DATE_OBSOLETE},
        {"Sat, 21 Nov 2026 20:10:00 UT", 1795291800, 0, true, MK_DATE_OBSOLETE},
        {"Sat, 21 Nov 2026 15:10:00 EST", 1795291800, -300, true,
         MK_DATE_OBSOLETE},
        {"Sat, 21 Nov 2026 16:10:00 edt", 1795291800, -240, true,
         MK_DATE_OBSOLETE},
        {"Sat, 21 Nov 2026 12:10:00 PST", 1795291800, -480, true,
         MK_DATE_OBSOLETE},
        {"Sat, 21 Nov 2026 20:10:00 Z", 1795291800, 0, false, MK_DATE_OBSOLETE},
        {"Sat, 21 Nov 2026 20:10:00 A", 1795291800, 0, false, MK_DATE_OBSOLETE},
        {"Sat, 21 Nov 2026 20:10:00 CEST", 1795291800, 0, false,
         MK_DATE_OBSOLETE},
        {"Mon, 21 Nov 2026 20:10:00 +0000", 1795291800, 0, true,
         MK_DATE_WEEKDAY},
        {"Sun, 21 Nov 2026 20:10:00 +0000", 1795291800, 0, true,
         MK_DATE_WEEKDAY},
        {"Sat, 21 Nov 2026 20:10:00", 1795291800, 0, false, MK_DATE_LOOSE},
        {"Sat, 21 Nov 2026 20:10:00 +2400", 1795205400, 1440, true, 0},
        {"Sat, 21 Nov 2026 7:10:00 +0000", 1795245000, 0, true, MK_DATE_LOOSE},
        {"Sat, 21 Nov 2026 20:10:00 +2401", 1795205340, 1441, true,
         MK_DATE_ZONE_RANGE},
    };

    (void)state;
    check_parsing(rows, COUNT(rows));
}

typedef struct refuse_row {
    const char *text;
    mk_err err;
} refuse_row;

static void sec_068_dates_that_are_refused(void **state)
{
    static const refuse_row rows[] = {
        {"Fri, 21 Nov 99999 20:10:00 +0000", MK_E_OVERFLOW},
        {"21 Nov 99999999999999999999999 20:10:00 +0000", MK_E_OVERFLOW},
        {"21 Nov 00002026 20:10:00 +0000", MK_E_OVERFLOW},
        {"Sat, 21 Nov 2026 20:10:00 +9999", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 -0060", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 +99999", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 -99999999999999999999", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 +000", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 +", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 +-100", MK_E_SYNTAX},
        {"99999999999 Nov 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"021 Nov 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"0 Nov 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"31 Nov 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"29 Feb 2100 20:10:00 +0000", MK_E_SYNTAX},
        {"-1 Nov 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"21 Nov 2026 24:00:00 +0000", MK_E_SYNTAX},
        {"21 Nov 2026 20:60:00 +0000", MK_E_SYNTAX},
        {"21 Nov 2026 20:10:61 +0000", MK_E_SYNTAX},
        {"21 Nov 2026 20:1:00 +0000", MK_E_SYNTAX},
        {"21 Nov 2026 :10:00 +0000", MK_E_SYNTAX},
        {"21 Nov 2026 020:10:00 +0000", MK_E_SYNTAX},
        {"21 Nov 2026 20.10:00 +0000", MK_E_SYNTAX},
        {"Nov 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"21 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"21 Nov 20:10:00 +0000", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 !", MK_E_SYNTAX},
        {"21 Nov 2026 20:100:00 +0000", MK_E_SYNTAX},
        {"21 Nov 2026 4294967316:10:00 +0000", MK_E_SYNTAX},
        {"21 Nov 1899 20:10:00 +0000", MK_E_SYNTAX},
        {"21 Nov 6 20:10:00 +0000", MK_E_SYNTAX},
        {"21 Nvo 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"21 November 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"Xxx, 21 Nov 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"Sat 21 Nov 2026 20:10:00 +0000", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 +0000 x", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 GMT+0100", MK_E_SYNTAX},
        {"2026-11-21T20:10:00Z", MK_E_SYNTAX},
        {"21 Nov 2026", MK_E_SYNTAX},
        {"21 Nov", MK_E_SYNTAX},
        {"21", MK_E_SYNTAX},
        {"Sat,", MK_E_SYNTAX},
        {"Sat", MK_E_SYNTAX},
        {"", MK_E_SYNTAX},
        {"(", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 +0000 (a", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 +0000 (a\\", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 +0000 (a\\)", MK_E_SYNTAX},
        {"Sat, 21 Nov 2026 20:10:00 +0000 )", MK_E_SYNTAX},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        size_t n = strlen(rows[i].text);
        char *exact = malloc(n == 0 ? 1 : n);
        mk_date d = {.utc_s = 7};

        assert_non_null(exact);
        memcpy(exact, rows[i].text, n);
        assert_int_equal(mk_date_parse(mk_str_of(exact, n), &d), rows[i].err);
        assert_true(d.utc_s == 7);
        free(exact);
    }
}

/* A cut date is refused, or is one without seconds or zone; never a read
 * past its end. */
static void every_cut_is_read_safely(void **state)
{
    static const char text[] = "Sat, (a(b))21 Nov 2026 20:10:00 +0000";
    size_t n;

    (void)state;
    for (n = 0; n < sizeof text - 1; n++) {
        char *exact = malloc(n == 0 ? 1 : n);
        mk_date d;
        mk_err err;

        assert_non_null(exact);
        memcpy(exact, text, n);
        err = mk_date_parse(mk_str_of(exact, n), &d);
        assert_true(err == MK_E_SYNTAX || d.defects == MK_DATE_LOOSE);
        free(exact);
    }
}

static void sec_024_high_octets_in_dates(void **state)
{
    static const char text[] = "Sat, 21 Nov 2026 20:10:00 +0000";
    size_t place;
    int c;

    (void)state;
    for (c = 128; c < 256; c++) {
        for (place = 0; place <= sizeof text - 1; place++) {
            char copy[sizeof text];
            mk_date d;

            memcpy(copy, text, sizeof copy);
            copy[place] = (char)(unsigned char)c;
            assert_int_equal(mk_date_parse(mk_str_of(copy, sizeof copy), &d),
                             MK_E_SYNTAX);
        }
    }
}

static void deep_comments_are_linear(void **state)
{
    size_t n = 1000000;
    char *text = malloc(n);
    mk_date d;

    (void)state;
    assert_non_null(text);
    memset(text, '(', n);
    assert_int_equal(mk_date_parse(mk_str_of(text, n), &d), MK_E_SYNTAX);
    memset(text + n / 2, ')', n / 2);
    assert_int_equal(mk_date_parse(mk_str_of(text, n), &d), MK_E_SYNTAX);
    memset(text, ' ', n);
    memcpy(text + n - 27, "21 Nov 2026 20:10:00 +0000 ", 27);
    assert_int_equal(mk_date_parse(mk_str_of(text, n), &d), MK_OK);
    assert_true(d.utc_s == 1795291800);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_split_and_joined),
        cmocka_unit_test(every_day_follows_the_last),
        cmocka_unit_test(sec_068_seconds_out_of_range),
        cmocka_unit_test(sec_068_civil_fields_out_of_range),
        cmocka_unit_test(dates_are_formatted),
        cmocka_unit_test(sec_068_dates_that_cannot_be_written),
        cmocka_unit_test(dates_are_parsed),
        cmocka_unit_test(obsolete_dates_are_parsed),
        cmocka_unit_test(sec_068_dates_that_are_refused),
        cmocka_unit_test(every_cut_is_read_safely),
        cmocka_unit_test(sec_024_high_octets_in_dates),
        cmocka_unit_test(deep_comments_are_linear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
