/* SPDX-License-Identifier: MIT
 *
 * message/field_odd.c: fields that are out of the ordinary, looked at again to
 * tell what is odd and where (RFC 5322 2.1.1, 2.2, 4.5; RFC 6532 3.2): the
 * walk of field.c and its scan only say that something is. Nothing is refused,
 * and no octet of a field is hidden by what it is told for (THREATS 61, 62).
 */
#include "base/ascii.h"
#include "message/charset_internal.h"
#include "message/field_scan.h"

#include <string.h>

/* The first NUL, bare CR and line of another end within a field. */
static void tell_odd(const mk_fields *it, size_t at, size_t end)
{
    bool nul = false, cr = false, mixed = false;
    const char *p = it->text.ptr;
    for (size_t i = at; i < end; i++) {
        bool ends = p[i] == '\n';
        bool crlf = ends && i > at && p[i - 1] == '\r';
        if (p[i] == '\0' && !nul) {
            nul = true;
            mk_defects_add(it->defects, MK_DEFECT_HEADER_NUL, i, 1);
        } else if (p[i] == '\r' && (i + 1 == end || p[i + 1] != '\n') && !cr) {
            cr = true;
            mk_defects_add(it->defects, MK_DEFECT_HEADER_BARE_CR, i, 1);
        } else if (ends && crlf == it->lf && !mixed) {
            mixed = true;
            mk_defects_add(it->defects, MK_DEFECT_HEADER_MIXED_ENDS, i, 1);
        }
    }
}

/* Octets of a line without its end. */
static size_t text_length(const char *line, size_t n)
{
    n -= n > 0 && line[n - 1] == '\n' ? 1U : 0U;
    return n - (n > 0 && line[n - 1] == '\r' ? 1U : 0U);
}

/* Lines of a folded field: one of white space alone, one that is too long. */
static void tell_lines(const mk_fields *it, size_t at, size_t end)
{
    const char *p = it->text.ptr;
    bool white = false, is_long = false;
    while (at < end) {
        const char *feed = memchr(p + at, '\n', end - at);
        size_t next = feed == NULL ? end : (size_t)(feed - p) + 1;
        size_t i = at;
        while (i < next && mk_is_space((unsigned char)p[i])) {
            i++;
        }
        if (i == next && !white) {
            white = true;
            mk_defects_add(it->defects, MK_DEFECT_HEADER_WHITE_LINE, at,
                           next - at);
        }
        if (text_length(p + at, next - at) > FIELD_LINE_MAX && !is_long) {
            is_long = true;
            mk_defects_add(it->defects, MK_DEFECT_HEADER_LONG_LINE, at,
                           next - at);
        }
        at = next;
    }
}

/* RFC 6532 3.2: octets above 127 are UTF-8. */
static void tell_8bit(const mk_fields *it, size_t at, size_t end)
{
    utf8_walk w = {0};
    for (size_t i = at; i < end; i++) {
        utf8_said said = mk_utf8_step(&w, (unsigned char)it->text.ptr[i]);
        if (said == UTF8_BAD || said == UTF8_CUT) {
            mk_defects_add(it->defects, MK_DEFECT_HEADER_8BIT, i, 1);
            return;
        }
    }
    if (w.due != 0) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_8BIT, end, 0);
    }
}

static bool is_mbox_line(mk_str line)
{
    if (line.len > 0 && line.ptr[0] == '>') {
        line = mk_str_sub(line, 1, SIZE_MAX);
    }
    return line.len > 5 && memcmp(line.ptr, "From ", 5) == 0;
}

void mk_field_read_odd_name(const mk_fields *it, const field_span *span,
                            mk_field *out)
{
    mk_str line = mk_str_of(it->text.ptr + it->at, span->end);
    mk_str name = mk_field_trim(mk_str_sub(line, 0, span->colon));
    bool bad = false;
    for (size_t i = 0; i < name.len; i++) {
        bad |= !mk_is_vchar(mk_octet_at(name, i));
    }
    out->name = mk_str_of(line.ptr, 0);
    if (bad && is_mbox_line(line)) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_FROM_LINE, it->at, 0);
        return;
    }
    if (span->colon == span->end) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_NO_COLON, it->at,
                       span->end);
        return;
    }
    if (bad || name.len == 0) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_NAME_INVALID, it->at,
                       span->colon);
    }
    if (name.len > 0 && name.ptr + name.len < line.ptr + span->colon) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_NAME_SPACE,
                       it->at + span->colon, 1);
    }
    out->name = name;
    out->value_at = span->colon + 1;
}

void mk_field_tell_odds(const mk_fields *it, const field_span *span,
                        bool begins_with_space, bool is_again)
{
    size_t end = it->at + span->end;
    if (begins_with_space) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_FIRST_SPACE, 0, 1);
    }
    if ((span->flags & SPAN_ODD) != 0) {
        tell_odd(it, it->at, end);
    }
    if ((span->flags & SPAN_HIGH) != 0) {
        tell_8bit(it, it->at, end);
    }
    if ((span->flags & SPAN_WHITE) != 0 || span->end > FIELD_LINE_MAX) {
        tell_lines(it, it->at, end);
    }
    if (is_again) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_DUPLICATE, it->at,
                       span->end);
    }
}
