/* SPDX-License-Identifier: MIT
 *
 * message/field.c: the walk over a header (RFC 5322 2.2, 3.6, 4.5), one scan a
 * field, all views into the text. Only an empty line ends the header: a line
 * without a colon is a field without a name, not the body, so that nothing
 * that some reader takes for a field is hidden here (THREATS 61, 62). A field
 * is looked at again, in field_odd.c, only when the scan says that it is odd.
 */
#include "base/ascii.h"
#include "message/field_scan.h"

#include <mailkit/header.h>
#include <string.h>

/* The fields that may stand once (RFC 5322 3.6). */
#define ONCE_BIT(id, number, name, kind, once) | ((uint64_t)(once) << (number))
static const uint64_t once_bits = 0 MK_FIELD_TABLE(ONCE_BIT);

mk_str mk_field_trim(mk_str value)
{
    size_t start = 0;
    size_t end = value.len;
    while (start < end && mk_is_space(mk_octet_at(value, start))) {
        start++;
    }
    while (end > start && mk_is_space(mk_octet_at(value, end - 1))) {
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

static size_t blank_line(mk_str text, size_t at)
{
    if (text.ptr[at] == '\n') {
        return 1;
    }
    return text.len - at > 1 && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n'
               ? 2
               : 0;
}

/* The name is what stands before the colon; obs-optional = field-name *WSP
 * ":" unstructured CRLF. */
static void read_name(const mk_fields *it, const field_span *span,
                      mk_field *out)
{
    if ((span->flags & SPAN_BAD_NAME) != 0 || span->colon == 0 ||
        span->colon == span->end) {
        mk_field_read_odd_name(it, span, out);
        return;
    }
    out->name = mk_str_of(it->text.ptr + it->at, span->colon);
    out->value_at = span->colon + 1;
}

static void look_closer(mk_fields *it, const field_span *span, mk_field_id id)
{
    const uint32_t odds = SPAN_ODD | SPAN_HIGH | SPAN_WHITE;
    uint64_t bit = UINT64_C(1) << id;
    bool begins = it->at == 0 && mk_is_space(mk_octet_at(it->text, 0));
    bool again = (it->seen & once_bits & bit) != 0;
    if ((span->flags & odds) != 0 || span->end > FIELD_LINE_MAX || begins ||
        again) {
        mk_field_tell_odds(it, span, begins, again);
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
    look_closer(it, span, out->id);
    if (out->value.len > it->max_field_bytes) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_FIELD_SIZE, it->at,
                       span->end);
        out->value.len = it->max_field_bytes;
        out->flags |= MK_FIELD_CUT;
    }
}

static void end_fields(mk_fields *it)
{
    size_t blank = it->at < it->text.len ? blank_line(it->text, it->at) : 0;
    it->done = true;
    it->has_end = blank > 0;
    it->at += blank;
    if (!it->has_end) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_NO_END, it->at, 0);
    }
    if (it->has_end && (blank == 1) != it->lf) {
        /* To who wants the other end it is a line, and the header goes on. */
        mk_defects_add(it->defects, MK_DEFECT_HEADER_MIXED_ENDS, it->at - 1, 1);
    }
    if (it->at > it->max_bytes) {
        mk_defects_add(it->defects, MK_DEFECT_HEADER_SIZE, 0, it->at);
    }
}

bool mk_fields_next(mk_fields *it, mk_field *out_field)
{
    while (!it->done && it->at < it->text.len &&
           blank_line(it->text, it->at) == 0) {
        field_span span;
        mk_field_scan(it->text.ptr + it->at, it->text.len - it->at, it->lf,
                      &span);
        it->count += it->count < UINT32_MAX ? 1U : 0U;
        if (it->count <= it->max_count) {
            mk_field_read(it, &span, out_field);
            it->at += span.end;
            return true;
        }
        if (it->count == it->max_count + 1) {
            mk_defects_add(it->defects, MK_DEFECT_HEADER_COUNT, it->at, 0);
        }
        it->at += span.end;
    }
    if (!it->done) {
        end_fields(it);
    }
    return false;
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
            mk_defects_add(it->defects, MK_DEFECT_HEADER_MISSING, it->at, 0);
        }
    }
}

/* As much as fits of a piece. */
static void add_fitting(mk_buf *out, mk_str piece)
{
    size_t room = out->full ? 0 : out->max - out->len;
    (void)mk_buf_add(out, mk_str_sub(piece, 0, room));
    out->full |= piece.len > room;
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
        add_fitting(out, mk_str_sub(value, start, at - start));
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
