/* SPDX-License-Identifier: MIT
 *
 * date.c: reading date-times by RFC 5322 §3.3, with the obsolete forms of
 * §4.3 (two- and three-digit years, zone names, CFWS between all tokens) and
 * two loose ones that are met often: an hour of one digit, and no zone.
 * Numbers are bounded by their digits before they are computed with
 * (THREATS 68). Comments are skipped by counting, not by recursion.
 */
#include "base/ascii.h"
#include "base/civil.h"

typedef struct reader {
    mk_str rest;
    uint32_t defects;
} reader;

static void advance(reader *r, size_t n)
{
    r->rest = mk_str_sub(r->rest, n, SIZE_MAX);
}

static bool at_octet(const reader *r, unsigned char c)
{
    return r->rest.len > 0 && mk_octet_at(r->rest, 0) == c;
}

/* comment = "(" *([FWS] ccontent) [FWS] ")", and they nest. The length of
 * the comment at the start of s, or 0 when it has no end. */
static size_t comment_length(mk_str s)
{
    size_t depth = 0;
    size_t i;

    for (i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);

        if (c == '\\') {
            i++;
        } else if (c == '(') {
            depth++;
        } else if (c == ')') {
            depth--;
            if (depth == 0) {
                return i + 1;
            }
        }
    }
    return 0;
}

/* CFWS; folded or not, a line end here is white space. */
static mk_err skip_cfws(reader *r)
{
    while (r->rest.len > 0) {
        unsigned char c = mk_octet_at(r->rest, 0);
        size_t n = 1;

        if (c == '(') {
            n = comment_length(r->rest);
            if (n == 0) {
                return MK_E_SYNTAX;
            }
        } else if (!mk_is_wsp(c) && c != '\r' && c != '\n') {
            break;
        }
        advance(r, n);
    }
    return MK_OK;
}

/* A run of digits; at most six count, so that it cannot overflow. */
static size_t take_number(reader *r, int32_t *out_value)
{
    int32_t value = 0;
    size_t n = 0;

    while (n < r->rest.len && mk_is_digit(mk_octet_at(r->rest, n))) {
        if (n < 6) {
            value = value * 10 + (mk_octet_at(r->rest, n) - '0');
        }
        n++;
    }
    advance(r, n);
    *out_value = value;
    return n;
}

static mk_str take_word(reader *r)
{
    mk_str word = r->rest;
    size_t n = 0;

    while (n < word.len && mk_is_alpha(mk_octet_at(word, n))) {
        n++;
    }
    advance(r, n);
    return mk_str_of(word.ptr, n);
}

/* Three letters in lower case, as a number. */
static uint32_t letters(const char *ptr)
{
    uint32_t a = (unsigned char)ptr[0], b = (unsigned char)ptr[1];
    return (a << 16 | b << 8 | (unsigned char)ptr[2]) | 0x202020U;
}

/* The row of a name, or -1; a word is of letters alone. */
static int name_index(const char (*names)[4], int count, mk_str word)
{
    uint32_t wanted = word.len == 3 ? letters(word.ptr) : 0;
    int i;

    for (i = 0; i < count; i++) {
        if (letters(names[i]) == wanted) {
            return i;
        }
    }
    return -1;
}

/* [ day-of-week "," ]; out_weekday is -1 when there is none. */
static mk_err read_weekday(reader *r, int *out_weekday)
{
    mk_str word = take_word(r);

    *out_weekday = -1;
    if (word.len == 0) {
        return MK_OK;
    }
    *out_weekday = name_index(mk_civil_weekdays, 7, word);
    if (*out_weekday < 0 || skip_cfws(r) != MK_OK || !at_octet(r, ',')) {
        return MK_E_SYNTAX;
    }
    advance(r, 1);
    return skip_cfws(r);
}

/* year = 4*DIGIT, at least 1900; §4.3: two digits are 1950 to 2049, three
 * count from 1900. */
static mk_err read_year(reader *r, int32_t *out_year)
{
    int32_t year;
    size_t digits = take_number(r, &year);

    if (digits == 2) {
        year += year < 50 ? 2000 : 1900;
    } else if (digits == 3) {
        year += 1900;
    } else if (digits > 4) {
        return MK_E_OVERFLOW;
    }
    if (year < 1900) {
        return MK_E_SYNTAX;
    }
    r->defects |= digits < 4 ? MK_DATE_OBSOLETE : 0U;
    *out_year = year;
    return MK_OK;
}

/* date = day month year, CFWS between them and behind. No day and no known
 * month are 0 here, which mk_date_join refuses. */
static mk_err read_day(reader *r, mk_date_civil *c)
{
    size_t digits = take_number(r, &c->day);
    mk_err err;

    if (digits > 2 || skip_cfws(r) != MK_OK) {
        return MK_E_SYNTAX;
    }
    c->month = name_index(mk_civil_months, 12, take_word(r)) + 1;
    if (skip_cfws(r) != MK_OK) {
        return MK_E_SYNTAX;
    }
    err = read_year(r, &c->year);
    return err == MK_OK ? skip_cfws(r) : err;
}

/* ":" 2DIGIT, CFWS around both. */
static mk_err read_part(reader *r, int32_t *out_value)
{
    advance(r, 1);
    if (skip_cfws(r) != MK_OK || take_number(r, out_value) != 2) {
        return MK_E_SYNTAX;
    }
    return skip_cfws(r);
}

/* time-of-day = hour ":" minute [ ":" second ] */
static mk_err read_time(reader *r, mk_date_civil *c)
{
    size_t digits = take_number(r, &c->hour);

    if (digits < 1 || digits > 2 || skip_cfws(r) != MK_OK ||
        !at_octet(r, ':') || read_part(r, &c->minute) != MK_OK) {
        return MK_E_SYNTAX;
    }
    r->defects |= digits < 2 ? MK_DATE_LOOSE : 0U;
    c->second = 0;
    return at_octet(r, ':') ? read_part(r, &c->second) : MK_OK;
}

/* obs-zone: the names that have an offset, and "UTC", which §4.3 forgot;
 * every other word, the military letters included, says as little as
 * "-0000" (§4.3). */
static void read_zone_name(mk_str word, mk_date *d)
{
    static const struct {
        char name[4];
        int8_t hours;
    } zones[] = {{"UT", 0},   {"GMT", 0},  {"UTC", 0},  {"EST", -5},
                 {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7},
                 {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    size_t i;

    d->zone_minutes = 0;
    d->has_zone = false;
    for (i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (mk_str_is_nocase(word, mk_str_z(zones[i].name))) {
            d->zone_minutes = zones[i].hours * 60;
            d->has_zone = true;
            return;
        }
    }
}

/* zone = ( "+" / "-" ) 4DIGIT */
static mk_err read_zone(reader *r, mk_date *d)
{
    bool west = at_octet(r, '-');
    int32_t number;

    if (r->rest.len == 0) {
        r->defects |= MK_DATE_LOOSE;
        d->zone_minutes = 0;
        d->has_zone = false;
        return MK_OK;
    }
    if (!west && !at_octet(r, '+')) {
        r->defects |= MK_DATE_OBSOLETE;
        read_zone_name(take_word(r), d);
        return MK_OK;
    }
    advance(r, 1);
    if (take_number(r, &number) != 4 || number % 100 > 59) {
        return MK_E_SYNTAX;
    }
    number = number / 100 * 60 + number % 100;
    r->defects |= number > 24 * 60 ? MK_DATE_ZONE_RANGE : 0U;
    d->has_zone = !west || number != 0;
    d->zone_minutes = west ? -number : number;
    return MK_OK;
}

mk_err mk_date_parse(mk_str text, mk_date *out_date)
{
    reader r = {text, 0};
    mk_date_civil civil, check;
    mk_date d;
    int weekday;
    mk_err err;

    if (skip_cfws(&r) != MK_OK || read_weekday(&r, &weekday) != MK_OK) {
        return MK_E_SYNTAX;
    }
    err = read_day(&r, &civil);
    if (err != MK_OK) {
        return err;
    }
    if (read_time(&r, &civil) != MK_OK || read_zone(&r, &d) != MK_OK ||
        skip_cfws(&r) != MK_OK || r.rest.len > 0 ||
        mk_date_join(&civil, &d.utc_s) != MK_OK) {
        return MK_E_SYNTAX;
    }
    /* A leap second still belongs to the day that it ends. */
    if (weekday >= 0 &&
        mk_date_split(d.utc_s - civil.second, &check) == MK_OK &&
        check.weekday != weekday) {
        r.defects |= MK_DATE_WEEKDAY;
    }
    d.utc_s -= d.zone_minutes * INT64_C(60);
    d.defects = r.defects;
    *out_date = d;
    return MK_OK;
}
