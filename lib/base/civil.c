/* SPDX-License-Identifier: MIT
 *
 * civil.c: days and seconds of the proleptic Gregorian calendar, and the
 * formatting of RFC 5322 §3.3 date-times. Every range is checked before it is
 * computed with (THREATS 68); there is no leap second in it.
 */
#include "base/civil.h"

#define DAY_SECONDS INT64_C(86400)

/* More than those from 1970-01-01 to either end of the calendar. */
#define MOST_SECONDS (INT64_C(10000) * 366 * DAY_SECONDS)

/* Days from 0001-01-01 to 1970-01-01. */
#define EPOCH_DAY INT64_C(719162)

const char mk_civil_weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed",
                                      "Thu", "Fri", "Sat"};
const char mk_civil_months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static const int16_t days_before_month[13] = {0,   31,  59,  90,  120, 151, 181,
                                              212, 243, 273, 304, 334, 365};

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 0001-01-01 to the first of January of a year from 1 on. */
static int64_t days_before_year(int64_t year)
{
    int64_t whole = year - 1;

    return whole * 365 + whole / 4 - whole / 100 + whole / 400;
}

/* Days from the first of January to the first of a month, 1 to 13. */
static int64_t days_into_year(int64_t year, int month)
{
    return days_before_month[month - 1] + (month > 2 && is_leap(year) ? 1 : 0);
}

mk_err mk_date_split(int64_t seconds, mk_date_civil *out_civil)
{
    const int64_t first = -EPOCH_DAY * DAY_SECONDS;
    const int64_t end = (days_before_year(10000) - EPOCH_DAY) * DAY_SECONDS;
    int64_t days, rest, year;
    int month = 1;

    if (seconds < first || seconds >= end) {
        return MK_E_OVERFLOW;
    }
    days = (seconds - first) / DAY_SECONDS;
    rest = (seconds - first) % DAY_SECONDS;
    out_civil->weekday = (int32_t)((days + 1) % 7); /* 0001-01-01: a Monday */
    /* 400 years have 146097 days; the guess is never too late, and at most
     * one year too early. */
    year = days * 400 / 146097 + 1;
    while (days_before_year(year + 1) <= days) {
        year++;
    }
    days -= days_before_year(year);
    while (days_into_year(year, month + 1) <= days) {
        month++;
    }
    out_civil->year = (int32_t)year;
    out_civil->month = month;
    out_civil->day = (int32_t)(days - days_into_year(year, month)) + 1;
    out_civil->hour = (int32_t)(rest / 3600);
    out_civil->minute = (int32_t)(rest / 60 % 60);
    out_civil->second = (int32_t)(rest % 60);
    return MK_OK;
}

static bool is_within(int32_t value, int32_t least, int32_t most)
{
    return value >= least && value <= most;
}

mk_err mk_date_join(const mk_date_civil *civil, int64_t *out_seconds)
{
    int64_t start, month_days;

    if (!is_within(civil->year, 1, 9999) || !is_within(civil->month, 1, 12) ||
        !is_within(civil->hour, 0, 23) || !is_within(civil->minute, 0, 59) ||
        !is_within(civil->second, 0, 60)) {
        return MK_E_ARG;
    }
    start = days_into_year(civil->year, civil->month);
    month_days = days_into_year(civil->year, civil->month + 1) - start;
    if (civil->day < 1 || civil->day > month_days) {
        return MK_E_ARG;
    }
    *out_seconds =
        (days_before_year(civil->year) + start + civil->day - 1 - EPOCH_DAY) *
            DAY_SECONDS +
        civil->hour * INT64_C(3600) + civil->minute * INT64_C(60) +
        civil->second;
    return MK_OK;
}

static void add_two(mk_buf *b, int32_t value)
{
    (void)mk_buf_add_c(b, (char)('0' + value / 10 % 10));
    (void)mk_buf_add_c(b, (char)('0' + value % 10));
}

/* day-of-week "," day month year hour ":" minute ":" second */
static void add_moment(mk_buf *b, const mk_date_civil *c)
{
    (void)mk_buf_add_z(b, mk_civil_weekdays[c->weekday]);
    (void)mk_buf_add_z(b, ", ");
    (void)mk_buf_add_u64(b, (uint64_t)c->day);
    (void)mk_buf_add_c(b, ' ');
    (void)mk_buf_add_z(b, mk_civil_months[c->month - 1]);
    (void)mk_buf_add_c(b, ' ');
    (void)mk_buf_add_u64(b, (uint64_t)c->year);
    (void)mk_buf_add_c(b, ' ');
    add_two(b, c->hour);
    (void)mk_buf_add_c(b, ':');
    add_two(b, c->minute);
    (void)mk_buf_add_c(b, ':');
    add_two(b, c->second);
}

mk_err mk_date_format(int64_t utc_s, int zone_minutes, mk_buf *out)
{
    int zone = zone_minutes < 0 ? -1 : 1;
    mk_date_civil civil;
    char text[40];
    mk_buf line;

    if (zone_minutes < -MK_ZONE_MAX || zone_minutes > MK_ZONE_MAX) {
        return MK_E_ARG;
    }
    zone *= zone_minutes;
    /* Bounds first, so that the sum below cannot overflow; in its zone a moment
     * just beyond the last year may be within. */
    if (utc_s < -MOST_SECONDS || utc_s > MOST_SECONDS ||
        mk_date_split(utc_s + zone_minutes * INT64_C(60), &civil) != MK_OK ||
        civil.year < 1900) {
        return MK_E_ARG;
    }
    mk_buf_init(&line, text, sizeof text);
    add_moment(&line, &civil);
    (void)mk_buf_add_z(&line, zone_minutes < 0 ? " -" : " +");
    add_two(&line, zone / 60);
    add_two(&line, zone % 60);
    return mk_buf_add(out, mk_buf_str(&line));
}
