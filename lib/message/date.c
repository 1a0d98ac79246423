/* SPDX-License-Identifier: MIT
 *
 * message/date.c: the dates of real mail. What RFC 5322 3.3 and 4.3 do not
 * yield is taken apart by what its tokens look like, written down in the order
 * of the RFC, and given to mk_date_parse again: there is one arithmetic and one
 * table of zones. Numbers are bounded by their digits (THREATS 68). It refuses
 * to guess whether 3/4 is in March or in April.
 */
#include "base/civil.h"
#include "message/address.h"

#include <mailkit/date.h>

typedef struct parts {
    mk_str day, year, hour, minute, second;
    mk_str zone; /* a name */
    mk_str offset;
    char sign; /* of the offset; 0 for none */
    int month; /* 1 to 12; 0 for none */
    char half; /* 'a' or 'p' of AM and PM */
    bool bad;  /* no date */
    bool bad_zone;
} parts;

static mk_str take_digits(token_reader *r)
{
    size_t start = r->at;
    while (r->at < r->text.len && mk_is_digit(mk_octet_at(r->text, r->at))) {
        r->at++;
    }
    return mk_str_sub(r->text, start, r->at - start);
}

static mk_str take_letters(token_reader *r)
{
    size_t start = r->at;
    while (r->at < r->text.len && mk_is_alpha(mk_octet_at(r->text, r->at))) {
        r->at++;
    }
    return mk_str_sub(r->text, start, r->at - start);
}

/* Is a word the beginning, of three letters or more, of a name in full? */
static int find_name(const char *const *names, int count, mk_str word)
{
    for (int i = 0; i < count && word.len >= 3; i++) {
        if (mk_str_has_prefix_nocase(mk_str_z(names[i]), word)) {
            return i;
        }
    }
    return -1;
}

static int find_month(mk_str word)
{
    static const char *const names[] = {
        "January", "February", "March",     "April",   "May",      "June",
        "July",    "August",   "September", "October", "November", "December"};
    return find_name(names, 12, word) + 1;
}

static bool is_weekday(mk_str word)
{
    static const char *const names[] = {"Sunday",    "Monday",   "Tuesday",
                                        "Wednesday", "Thursday", "Friday",
                                        "Saturday"};
    return find_name(names, 7, word) >= 0;
}

static bool is_word(mk_str word, const char *other)
{
    return mk_str_is_nocase(word, mk_str_z(other));
}

static void take_word(token_reader *r, parts *p)
{
    mk_str word = take_letters(r);
    int month = find_month(word);
    if (is_word(word, "am") || is_word(word, "pm")) {
        p->half = (char)mk_lower(mk_octet_at(word, 0));
    } else if (p->hour.len > 0 && p->sign == 0 && p->zone.len == 0 &&
               (p->year.len > 0 || month == 0)) {
        p->zone = word;
    } else if (p->month == 0 && month > 0) {
        p->month = month;
    } else if (p->hour.len == 0 && !is_weekday(word) && !is_word(word, "t")) {
        p->bad = true;
    }
}

/* hour ":" minute [":" second ["." fraction]], or points for colons */
static void take_time(token_reader *r, mk_str hour, parts *p)
{
    unsigned mark = mk_token_peek(r);
    p->hour = hour;
    r->at++;
    p->minute = take_digits(r);
    if (mk_token_peek(r) == mark) {
        r->at++;
        p->second = take_digits(r);
    }
    if (mk_token_peek(r) == '.' || mk_token_peek(r) == ',') {
        size_t at = r->at;
        r->at++;
        if (take_digits(r).len == 0) {
            r->at = at;
        }
    }
}

static int small_number(mk_str digits)
{
    uint64_t value;
    return digits.len <= 2 && mk_str_u64(digits, &value) == MK_OK ? (int)value
                                                                  : 0;
}

static void take_number(token_reader *r, parts *p)
{
    mk_str digits = take_digits(r);
    unsigned c = mk_token_peek(r);
    bool point = c == '.' && digits.len <= 2 && p->year.len > 0 &&
                 p->month > 0 && r->at + 1 < r->text.len &&
                 mk_is_digit(mk_octet_at(r->text, r->at + 1));
    if (p->hour.len == 0 && (c == ':' || point)) {
        take_time(r, digits, p);
    } else if (digits.len >= 3 || (p->day.len > 0 && p->month > 0)) {
        p->bad |= p->year.len > 0 && p->hour.len == 0;
        p->year = p->year.len > 0 ? p->year : digits;
    } else if (p->year.len > 0 && p->month == 0) { /* ISO 8601 */
        p->month = small_number(digits);
        p->bad |= p->month == 0;
    } else if (p->day.len == 0) {
        p->day = digits;
        p->bad |= c == '/';
    } else if (p->month == 0) {
        p->month = small_number(digits);
        p->bad |= p->month == 0;
    }
}

/* ("+" / "-") 1*4DIGIT, or with a colon */
static void take_offset(token_reader *r, parts *p)
{
    size_t at = r->at;
    r->at++;
    mk_str digits = take_digits(r);
    if (digits.len == 0 || p->sign != 0) {
        return;
    }
    p->sign = r->text.ptr[at];
    p->offset = digits;
    if (digits.len <= 2 && mk_token_peek(r) == ':') {
        r->at++;
        mk_str minutes = take_digits(r);
        p->bad_zone = minutes.len != 2;
        p->offset = mk_str_sub(r->text, at + 1, r->at - at - 1);
    }
}

static void take_apart(mk_str value, parts *p)
{
    token_reader r = {value, 0, 0, 0};
    *p = (parts){.month = 0};
    while (r.at < value.len && !p->bad) {
        unsigned char c = mk_octet_at(value, r.at);
        if (mk_token_cfws(&r)) {
            continue;
        }
        if (mk_is_digit(c)) {
            if (p->sign != 0 || p->zone.len > 0) {
                /* Behind the zone only a year may follow (asctime). */
                mk_str digits = take_digits(&r);
                p->year = p->year.len == 0 ? digits : p->year;
            } else {
                take_number(&r, p);
            }
        } else if (mk_is_alpha(c)) {
            take_word(&r, p);
        } else if ((c == '+' || c == '-') && p->hour.len > 0) {
            take_offset(&r, p);
        } else {
            r.at++;
        }
    }
}

static void add_two(mk_buf *b, unsigned value)
{
    (void)mk_buf_add_c(b, (char)('0' + value / 10 % 10));
    (void)mk_buf_add_c(b, (char)('0' + value % 10));
}

/* zone = 4DIGIT of "2", "02", "200", "0200" or "02:00"; false when it is out
 * of range. */
static bool write_offset(mk_buf *b, const parts *p)
{
    uint64_t value = 0;
    mk_str hours = mk_str_sub(p->offset, 0, mk_str_find(p->offset, ':'));
    mk_str minutes = mk_str_sub(p->offset, hours.len + 1, SIZE_MAX);
    if (p->bad_zone || hours.len > 4 || mk_str_u64(hours, &value) != MK_OK) {
        return false;
    }
    value = hours.len <= 2 ? value * 100 : value;
    value += (unsigned)small_number(minutes);
    if (value % 100 > 59) {
        return false;
    }
    (void)mk_buf_add_c(b, p->sign);
    add_two(b, (unsigned)(value / 100));
    add_two(b, (unsigned)(value % 100));
    return true;
}

/* In the order of RFC 5322 3.3; false when something is missing. */
static bool write_down(const parts *p, mk_buf *b, bool *out_zone)
{
    int hour = small_number(p->hour);
    if (p->bad || p->day.len == 0 || p->year.len == 0 || p->month < 1 ||
        p->month > 12 || p->hour.len == 0 || p->hour.len > 2 ||
        p->minute.len == 0) {
        return false;
    }
    if (p->half != 0 && (hour < 1 || hour > 12)) {
        return false;
    }
    hour = p->half != 0 ? hour % 12 + (p->half == 'p' ? 12 : 0) : hour;
    (void)mk_buf_add(b, p->day);
    (void)mk_buf_add_c(b, ' ');
    (void)mk_buf_add_z(b, mk_civil_months[p->month - 1]);
    (void)mk_buf_add_c(b, ' ');
    /* "0102" is a count from 1900 that was written with four digits. */
    bool counted = p->year.len == 4 && p->year.ptr[0] == '0';
    (void)mk_buf_add(b, counted ? mk_str_sub(p->year, 1, 3) : p->year);
    (void)mk_buf_add_c(b, ' ');
    add_two(b, (unsigned)hour);
    (void)mk_buf_add_c(b, ':');
    add_two(b, (unsigned)small_number(p->minute));
    (void)mk_buf_add_c(b, ':');
    add_two(b, (unsigned)small_number(p->second));
    (void)mk_buf_add_c(b, ' ');
    if (p->sign != 0) {
        *out_zone = write_offset(b, p);
    } else if (p->zone.len > 0) {
        mk_str z = MK_STR_INIT("UT");
        (void)mk_buf_add(b, is_word(p->zone, "z") ? z : p->zone);
    }
    return p->minute.len <= 2 && p->second.len <= 2 && !b->full;
}

static bool repair(mk_str value, mk_defects *defects, mk_date *out)
{
    char mem[64];
    mk_buf b;
    parts p;
    bool zone = true;
    mk_buf_init(&b, mem, sizeof mem);
    take_apart(value, &p);
    if (!write_down(&p, &b, &zone) ||
        mk_date_parse(mk_buf_str(&b), out) != MK_OK) {
        return false;
    }
    mk_defects_add(defects, MK_DEFECT_DATE_REPAIRED, 0, value.len);
    if (!zone) {
        mk_defects_add(defects, MK_DEFECT_DATE_ZONE, 0, value.len);
    }
    return true;
}

/* AM and PM look like the name of a zone that nobody knows, and such a name is
 * obsolete. */
static bool has_half(mk_str value, const mk_date *date)
{
    parts p = {.half = 0};
    if (!date->has_zone && (date->defects & MK_DATE_OBSOLETE) != 0) {
        take_apart(value, &p);
    }
    return p.half != 0;
}

bool mk_date_read(mk_str value, mk_defects *defects, mk_date *out_date)
{
    static const struct {
        uint32_t flag;
        mk_defect_code code;
    } rows[] = {{MK_DATE_OBSOLETE, MK_DEFECT_DATE_OBSOLETE},
                {MK_DATE_WEEKDAY, MK_DEFECT_DATE_WEEKDAY},
                {MK_DATE_LOOSE, MK_DEFECT_DATE_LOOSE},
                {MK_DATE_ZONE_RANGE, MK_DEFECT_DATE_ZONE}};
    mk_date date;
    if ((mk_date_parse(value, &date) != MK_OK || has_half(value, &date)) &&
        !repair(value, defects, &date)) {
        mk_defects_add(defects, MK_DEFECT_DATE_INVALID, 0, value.len);
        return false;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((date.defects & rows[i].flag) != 0) {
            mk_defects_add(defects, rows[i].code, 0, value.len);
        }
    }
    *out_date = date;
    return true;
}
