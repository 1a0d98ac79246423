/* SPDX-License-Identifier: MIT
 *
 * message/field.c: the walk over a header (RFC 5322 2.2, 3.6, 4.5), one scan a
 * field, all views into the text. Only an empty line ends the header: a line
 * without a colon is a field without a name, not the body, so that nothing
 * that some reader takes for a field is hidden here (THREATS 61, 62). A field
 * is looked at again only when the scan says that it is odd.
 */
#include "base/ascii.h"
#include "message/charset_internal.h"
#include "message/field_scan.h"

#include <mailkit/header.h>
#include <string.h>

enum { LINE_MAX_OCTETS = 998 };

/* The fields that may stand once (RFC 5322 3.6). */
#define ONCE_BIT(id, number, name, kind, once) | ((uint64_t)(once) << (number))
static const uint64_t once_bits = 0 MK_FIELD_TABLE(ONCE_BIT);

static bool is_space(unsigned char c)
{
    return mk_is_wsp(c) || c == '\r' || c == '\n';
}

mk_str mk_field_trim(mk_str value)
{
    size_t start = 0;
    size_t end = value.len;
    while (start < end && is_space(mk_octet_at(value, start))) {
        start++;
    }
    while (end > start && is_space(mk_octet_at(value, end - 1))) {
        end--;
    }
    return mk_str_sub(value, start, end - start);
}

void mk_fields_init(mk_fields *it, mk_str text, mk_defects *defects)
{
    size_t feed = mk_str_find(text, '\n');
    *it = (mk_fields){.text = text,
                      .defects = defects,
                      .max_field_bytes = MK_FIELD_BYTES_MAX,
                      .max_bytes = MK_HEADER_BYTES_MAX,
                      .max_count = MK_FIELD_COUNT_MAX};
    /* The first line tells how the others should end. */
    it->lf = feed < text.len && (feed == 0 || text.ptr[feed - 1] != '\r');
}

static void tell(const mk_fields *it, mk_defect_code code, size_t at, size_t n)
{
    mk_defects_add(it->defects, code, at, n);
}

static size_t blank_line(mk_str text, size_t at)
{
    if (text.ptr[at] == '\n') {
        return 1;
    }
    return text.len - at > 1 && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n'
               ? 2
               : 0;
}

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
            tell(it, MK_DEFECT_HEADER_NUL, i, 1);
        } else if (p[i] == '\r' && (i + 1 == end || p[i + 1] != '\n') && !cr) {
            cr = true;
            tell(it, MK_DEFECT_HEADER_BARE_CR, i, 1);
        } else if (ends && crlf == it->lf && !mixed) {
            mixed = true;
            tell(it, MK_DEFECT_HEADER_MIXED_ENDS, i, 1);
        }
    }
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
        while (i < next && is_space((unsigned char)p[i])) {
            i++;
        }
        if (i == next && !white) {
            white = true;
            tell(it, MK_DEFECT_HEADER_WHITE_LINE, at, next - at);
        }
        if (next - at > LINE_MAX_OCTETS + 2 && !is_long) {
            is_long = true;
            tell(it, MK_DEFECT_HEADER_LONG_LINE, at, next - at);
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
            tell(it, MK_DEFECT_HEADER_8BIT, i, 1);
            return;
        }
    }
    if (w.due != 0) {
        tell(it, MK_DEFECT_HEADER_8BIT, end, 0);
    }
}

static bool is_mbox_line(mk_str line)
{
    if (line.len > 0 && line.ptr[0] == '>') {
        line = mk_str_sub(line, 1, SIZE_MAX);
    }
    return line.len > 5 && memcmp(line.ptr, "From ", 5) == 0;
}

/* The name is what stands before the colon; obs-optional = field-name *WSP
 * ":" unstructured CRLF. */
static void read_name(const mk_fields *it, const field_span *span,
                      mk_field *out)
{
    mk_str line = mk_str_of(it->text.ptr + it->at, span->end);
    bool bad_name = (span->flags & SPAN_BAD_NAME) != 0;
    if (!bad_name && span->colon > 0 && span->colon < span->end) {
        out->name = mk_str_of(line.ptr, span->colon);
        out->value_at = span->colon + 1;
        return;
    }
    mk_str name = mk_field_trim(mk_str_sub(line, 0, span->colon));
    bool bad = false;
    for (size_t i = 0; i < name.len; i++) {
        bad |= !mk_is_vchar(mk_octet_at(name, i));
    }
    out->name = mk_str_of(line.ptr, 0);
    if (bad && is_mbox_line(line)) {
        tell(it, MK_DEFECT_HEADER_FROM_LINE, it->at, 0);
        return;
    }
    if (span->colon == span->end) {
        tell(it, MK_DEFECT_HEADER_NO_COLON, it->at, span->end);
        return;
    }
    if (bad || name.len == 0) {
        tell(it, MK_DEFECT_HEADER_NAME_INVALID, it->at, span->colon);
    }
    if (name.len > 0 && name.ptr + name.len < line.ptr + span->colon) {
        tell(it, MK_DEFECT_HEADER_NAME_SPACE, it->at + span->colon, 1);
    }
    out->name = name;
    out->value_at = span->colon + 1;
}

/* What is told of some fields only. */
static void tell_odds(const mk_fields *it, const field_span *span)
{
    size_t end = it->at + span->end;
    if ((span->flags & SPAN_ODD) != 0) {
        tell_odd(it, it->at, end);
    }
    if ((span->flags & SPAN_HIGH) != 0) {
        tell_8bit(it, it->at, end);
    }
    if ((span->flags & SPAN_WHITE) != 0 || span->end > LINE_MAX_OCTETS) {
        tell_lines(it, it->at, end);
    }
}

static void tell_more(mk_fields *it, const field_span *span, mk_field_id id)
{
    const uint32_t odds = SPAN_ODD | SPAN_HIGH | SPAN_WHITE;
    uint64_t bit = UINT64_C(1) << id;
    if (it->at == 0 && is_space(mk_octet_at(it->text, 0))) {
        tell(it, MK_DEFECT_HEADER_FIRST_SPACE, 0, 1);
    }
    if ((span->flags & odds) != 0 || span->end > LINE_MAX_OCTETS) {
        tell_odds(it, span);
    }
    if ((it->seen & once_bits & bit) != 0) {
        tell(it, MK_DEFECT_HEADER_DUPLICATE, it->at, span->end);
    }
    it->seen |= bit;
}

void mk_field_read(mk_fields *it, const field_span *span, mk_field *out)
{
    out->offset = it->at;
    out->length = span->end;
    out->value_at = 0;
    out->flags =
        ((span->flags & SPAN_FOLDED) != 0 ? (unsigned)MK_FIELD_FOLDED : 0U) |
        ((span->flags & SPAN_HIGH) != 0 ? (unsigned)MK_FIELD_8BIT : 0U);
    read_name(it, span, out);
    out->id = mk_field_id_of(out->name);

    const char *start = it->text.ptr + it->at;
    size_t end = span->end;
    if ((span->flags & SPAN_CLOSED) != 0) {
        end--;
        if (end > out->value_at && start[end - 1] == '\r') {
            end--;
        }
    }
    out->value = mk_str_of(start + out->value_at, end - out->value_at);
    tell_more(it, span, out->id);
    if (out->value.len > it->max_field_bytes) {
        tell(it, MK_DEFECT_HEADER_FIELD_SIZE, it->at, span->end);
        out->value.len = it->max_field_bytes;
        out->flags |= MK_FIELD_CUT;
    }
}

static bool end_fields(mk_fields *it)
{
    size_t blank = it->at < it->text.len ? blank_line(it->text, it->at) : 0;
    if (it->done) {
        return false;
    }
    it->done = true;
    it->has_end = blank > 0;
    it->at += blank;
    if (!it->has_end) {
        tell(it, MK_DEFECT_HEADER_NO_END, it->at, 0);
    }
    if (it->at > it->max_bytes) {
        tell(it, MK_DEFECT_HEADER_SIZE, 0, it->at);
    }
    return false;
}

bool mk_fields_next(mk_fields *it, mk_field *out_field)
{
    while (!it->done && it->at < it->text.len &&
           blank_line(it->text, it->at) == 0) {
        field_span span;
        mk_field_scan(it->text.ptr + it->at, it->text.len - it->at, it->lf,
                      &span);
        it->count++;
        if (it->count <= it->max_count) {
            mk_field_read(it, &span, out_field);
            it->at += span.end;
            return true;
        }
        if (it->count == it->max_count + 1) {
            tell(it, MK_DEFECT_HEADER_COUNT, it->at, 0);
        }
        it->at += span.end;
    }
    return end_fields(it);
}

bool mk_fields_find(mk_fields *it, mk_str name, mk_field *out_field)
{
    mk_field field;
    while (mk_fields_next(it, &field)) {
        if (field.name.len > 0 && mk_str_is_nocase(field.name, name)) {
            *out_field = field;
            return true;
        }
    }
    return false;
}

void mk_fields_check(const mk_fields *it)
{
    static const mk_field_id needed[] = {MK_FIELD_DATE, MK_FIELD_FROM};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if ((it->seen >> needed[i] & UINT64_C(1)) == 0) {
            tell(it, MK_DEFECT_HEADER_MISSING, it->at, 0);
        }
    }
}

mk_err mk_field_unfold(mk_str value, mk_buf *out)
{
    size_t at = 0;
    while (at < value.len && !out->full) {
        size_t start = at;
        while (at < value.len && mk_octet_at(value, at) != '\r' &&
               mk_octet_at(value, at) != '\n' && mk_octet_at(value, at) != 0) {
            at++;
        }
        (void)mk_buf_add(out, mk_str_sub(value, start, at - start));
        if (at == value.len) {
            break;
        }
        size_t ends = blank_line(value, at);
        at += ends > 0 ? ends : 1;
        bool folds =
            ends > 0 && (at == value.len || mk_is_wsp(mk_octet_at(value, at)));
        if (!folds) {
            (void)mk_buf_add_c(out, ' ');
        }
    }
    return out->full ? MK_E_ROOM : MK_OK;
}
