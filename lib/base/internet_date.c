/* SPDX-License-Identifier: MIT
 *
 * internet_date.c: the date-time of RFC 3339 5.6, as SMTP's FUTURERELEASE has
 * it. The form is strict: four-digit year, "T", all of the time, an offset.
 * Lenient readers of dates are in message/.
 */
#include "base/ascii.h"
#include "base/civil.h"

/* n digits at the front, and what stands behind them, which is not looked at
 * when it is NUL; -1: they are not there */
static int32_t number(mk_str *io_text, size_t n, char behind)
{
    uint64_t value;
    bool has_room = io_text->len > n || (io_text->len == n && behind == '\0');
    if (!has_room || mk_str_u64(mk_str_sub(*io_text, 0, n), &value) != MK_OK ||
        (behind != '\0' &&
         mk_upper(mk_octet_at(*io_text, n)) != (unsigned char)behind)) {
        return -1;
    }
    *io_text = mk_str_sub(*io_text, n + (behind != '\0' ? 1 : 0), SIZE_MAX);
    return (int32_t)value;
}

/* time-secfrac = "." 1*DIGIT */
static bool skip_fraction(mk_str *io_text)
{
    size_t n = 1;
    if (io_text->len == 0 || io_text->ptr[0] != '.') {
        return true;
    }
    while (n < io_text->len && mk_is_digit(mk_octet_at(*io_text, n))) {
        n++;
    }
    *io_text = mk_str_sub(*io_text, n, SIZE_MAX);
    return n > 1;
}

/* time-offset = "Z" / ("+" / "-") time-hour ":" time-minute; in seconds */
static bool read_offset(mk_str text, int32_t *out_s)
{
    bool is_east = text.len > 0 && text.ptr[0] == '+';
    if (text.len == 1 && mk_upper(mk_octet_at(text, 0)) == 'Z') {
        *out_s = 0;
        return true;
    }
    if (text.len != 6 || (!is_east && text.ptr[0] != '-')) {
        return false;
    }
    text = mk_str_sub(text, 1, SIZE_MAX);
    int32_t hour = number(&text, 2, ':');
    int32_t minute = number(&text, 2, '\0');
    *out_s = (hour * 60 + minute) * (is_east ? 60 : -60);
    return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59;
}

/* date-time = full-date "T" full-time */
mk_err mk_date_internet_parse(mk_str text, int64_t *out_utc_s)
{
    mk_date_civil c = {0};
    int32_t offset_s = 0;
    int64_t local_s = 0;
    c.year = number(&text, 4, '-');
    c.month = number(&text, 2, '-');
    c.day = number(&text, 2, 'T');
    c.hour = number(&text, 2, ':');
    c.minute = number(&text, 2, ':');
    c.second = number(&text, 2, '\0');
    if (!skip_fraction(&text) || !read_offset(text, &offset_s) ||
        mk_date_join(&c, &local_s) != MK_OK) {
        return MK_E_SYNTAX;
    }
    *out_utc_s = local_s - offset_s;
    return MK_OK;
}
