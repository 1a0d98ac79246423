/* SPDX-License-Identifier: MIT
 *
 * message/parse_reading.c: where other readers cut a message (mk_reading,
 * THREATS 63): at lines of white space alone, at lines that are no field by the
 * letter, and by other rules for what stands behind a boundary than those of
 * RFC 2046 5.1.1. Of no effect when no other reading is asked for. It does not
 * know of readers that take a CR alone for a line end.
 */
#include "base/ascii.h"
#include "message/field_scan.h"
#include "message/parse_internal.h"

bool mk_parse_reads(const mk_message *m, mk_reading reading)
{
    return (m->config.reading & (unsigned)reading) != 0;
}

/* The line end alone. */
static bool ends_line(const char *ptr, size_t n)
{
    return n == 0 || ptr[0] == '\n' ||
           (ptr[0] == '\r' && (n == 1 || ptr[1] == '\n'));
}

delimiter_kind mk_parse_behind(const mk_message *m, const char *ptr, size_t n,
                               size_t *out_length)
{
    bool is_last = n >= 2 && ptr[0] == '-' && ptr[1] == '-';
    if (mk_parse_reads(m, MK_READING_STRICT) && !ends_line(ptr, n) &&
        !(is_last && ends_line(ptr + 2, n - 2))) {
        return DELIMITER_PREFIX;
    }
    if (mk_parse_reads(m, MK_READING_LOOSE)) {
        *out_length = is_last ? 2 : 0;
        return is_last ? DELIMITER_LAST : DELIMITER_NEXT;
    }
    return DELIMITER_NOT;
}

size_t mk_parse_white(mk_message *m, mk_str in)
{
    size_t max = m->config.max_field_bytes;
    size_t n = m->white;
    while (n < in.len && n < max && mk_is_wsp(mk_octet_at(in, n))) {
        n++;
    }
    m->white = n;
    if (n == max) {
        return 0;
    }
    if (n == in.len || (in.ptr[n] == '\r' && n + 1 == in.len)) {
        return m->eof ? 0 : SIZE_MAX;
    }
    bool has_cr = in.ptr[n] == '\r';
    return in.ptr[n + has_cr] == '\n' ? n + has_cr + 1 : 0;
}

/* A field without its lines from a white one on. */
static size_t before_white(mk_str field)
{
    size_t at = mk_str_find(field, '\n') + 1;
    while (at < field.len) {
        mk_str line = mk_str_sub(field, at, SIZE_MAX);
        size_t n = mk_str_find(line, '\n');
        if (mk_field_trim(mk_str_sub(line, 0, n)).len == 0) {
            return at;
        }
        at += n + 1;
    }
    return field.len;
}

/* field-name ":" and nothing between, or what an mbox has (RFC 5322 2.2). */
static bool begins_field(mk_str field)
{
    size_t n = 0;
    while (n < field.len && mk_is_vchar(mk_octet_at(field, n)) &&
           field.ptr[n] != ':') {
        n++;
    }
    return (n < field.len && field.ptr[n] == ':') ||
           mk_str_has_prefix_nocase(field, mk_str_z("From "));
}

bool mk_parse_short(const mk_message *m, mk_str in, field_span *io_span)
{
    size_t end = before_white(mk_str_sub(in, 0, io_span->end));
    if (end < io_span->end) {
        mk_field_scan(in.ptr, end, m->fields.lf, io_span);
    }
    return !begins_field(mk_str_sub(in, 0, io_span->end));
}
