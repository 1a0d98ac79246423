/* SPDX-License-Identifier: MIT
 *
 * parse_values.c: the values that `mailkit parse` prints, decoded to UTF-8, and
 * bodies without their transfer encoding. Defects met on the way are told from
 * the place in the message, and kept until they are printed.
 */
#include "parse.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 4096, GROWTH = 3, PIECE = 16384 };

/* An empty buffer in the room, with that much of it. A decoder gives three
 * octets for one at most. */
static bool room_for(parsed *p, size_t octets, mk_buf *out)
{
    bool fits = octets <= (SIZE_MAX - ROOM_LEAST) / GROWTH;
    size_t n = fits ? octets * GROWTH + ROOM_LEAST : SIZE_MAX;
    if (fits && n > p->room_bytes) {
        char *room = realloc(p->room, n);
        if (room != NULL) {
            p->room = room;
            p->room_bytes = n;
        }
        fits = room != NULL;
    }
    p->lacks_memory = p->lacks_memory || !fits;
    mk_buf_init(out, p->room, fits ? p->room_bytes : 0);
    return fits;
}

bool parse_next_value(parsed *p, mk_field_id id, uint32_t *io_at,
                      mk_str *out_value)
{
    const mk_view_part *top = &p->view.parts[0];
    while (*io_at < top->field_count) {
        const mk_field *f = &p->view.fields[top->first_field + *io_at];
        (*io_at)++;
        if (f->id == id) {
            p->defects.base = f->offset + f->value_at;
            *out_value = f->value;
            return true;
        }
    }
    return false;
}

bool parse_value(parsed *p, mk_field_id id, mk_str *out_value)
{
    uint32_t at = 0;
    return parse_next_value(p, id, &at, out_value);
}

static bool is_told(const mk_defects *list, uint32_t count, const mk_defect *d)
{
    uint32_t i = 0;
    while (i < count && (list->items[i].code != d->code ||
                         list->items[i].offset != d->offset)) {
        i++;
    }
    return i < count;
}

/* What is shown in two places, as a word is with its field and alone, has its
 * defects told once. */
static void tell_once(parsed *p)
{
    mk_defects *list = &p->defects;
    for (uint32_t i = p->told; i < list->count; i++) {
        if (!is_told(list, p->told, &list->items[i])) {
            list->items[p->told++] = list->items[i];
        }
    }
    list->count = p->told;
}

/* What a decoder has written; there was room for all of it. */
static mk_str given(parsed *p, mk_err err, const mk_buf *b)
{
    tell_once(p);
    p->lacks_memory = p->lacks_memory || err == MK_E_ROOM;
    return err == MK_OK ? mk_buf_str(b) : mk_str_of(NULL, 0);
}

mk_str parse_words(parsed *p, mk_str value)
{
    mk_buf b;
    mk_err err = room_for(p, value.len, &b)
                     ? mk_words_decode(value, p->charsets, &b, &p->defects)
                     : MK_E_ROOM;
    return given(p, err, &b);
}

mk_str parse_name(parsed *p, const mk_address *a)
{
    mk_buf b;
    mk_err err = room_for(p, a->raw.len, &b)
                     ? mk_address_name_decode(a, p->charsets, &b, NULL)
                     : MK_E_ROOM;
    return given(p, err, &b);
}

mk_str parse_spec(parsed *p, const mk_address *a)
{
    mk_buf b;
    mk_err err =
        room_for(p, a->raw.len, &b) ? mk_address_spec_format(a, &b) : MK_E_ROOM;
    return given(p, err, &b);
}

void parse_judge(parsed *p, const mk_address *a)
{
    mk_buf name;
    mk_buf spec;
    uint64_t base = p->defects.base;
    if (a->raw.len > SIZE_MAX / 2 || !room_for(p, a->raw.len * 2, &name)) {
        p->lacks_memory = true;
        return;
    }
    mk_buf_init(&name, p->room, p->room_bytes / 2);
    mk_buf_init(&spec, p->room + p->room_bytes / 2, p->room_bytes / 2);
    (void)mk_address_name_decode(a, p->charsets, &name, NULL);
    (void)mk_address_spec_format(a, &spec);
    p->defects.base += a->offset;
    (void)mk_address_is_deceptive(mk_buf_str(&name), mk_buf_str(&spec),
                                  &p->defects);
    p->defects.base = base;
}

mk_str parse_param(parsed *p, const mk_params *params, mk_str name)
{
    mk_buf b;
    mk_err err =
        room_for(p, params->text.len, &b)
            ? mk_params_decode(params, name, p->charsets, &b, &p->defects)
            : MK_E_ROOM;
    return given(p, err, &b);
}

static mk_str param_of(parsed *p, uint32_t part, mk_field_id id,
                       const char *name)
{
    mk_param mem[MK_PARAM_COUNT_MAX];
    mk_params params;
    const mk_field *f = mk_view_field(&p->view, part, id);
    if (f == NULL) {
        return mk_str_of(NULL, 0);
    }
    p->defects.base = f->offset + f->value_at;
    mk_params_parse(f->value, mem, MK_PARAM_COUNT_MAX, &params, NULL);
    return parse_param(p, &params, mk_str_z(name));
}

mk_str parse_filename(parsed *p, uint32_t part)
{
    mk_str s = param_of(p, part, MK_FIELD_CONTENT_DISPOSITION, "filename");
    return s.ptr != NULL ? s : param_of(p, part, MK_FIELD_CONTENT_TYPE, "name");
}

mk_str parse_lower(parsed *p, mk_str token)
{
    mk_buf b;
    if (!room_for(p, token.len, &b)) {
        return mk_str_of(NULL, 0);
    }
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        (void)mk_buf_add_c(&b,
                           c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    return mk_buf_str(&b);
}

/* Its paragraphs, behind it in the room: they take no more than it. */
static mk_str unflow(mk_buf *text, bool is_delsp)
{
    mk_flowed d;
    mk_buf out;
    mk_str in = mk_buf_str(text);
    mk_buf_init(&out, text->ptr + text->len, text->max - text->len);
    mk_flowed_init(&d, is_delsp);
    (void)mk_flowed_decode(&d, &in, &out);
    (void)mk_flowed_decode_finish(&d, &out);
    return mk_buf_str(&out);
}

mk_str parse_text(parsed *p, uint32_t part)
{
    mk_buf b;
    size_t n = mk_view_body(&p->view, part).len;
    uint32_t flags = p->view.parts[part].part.flags;
    bool is_flowed = (flags & MK_PART_FLOWED) != 0;
    if (n > SIZE_MAX / 2 || !room_for(p, is_flowed ? n * 2 : n, &b)) {
        p->lacks_memory = true;
        return mk_str_of(NULL, 0);
    }
    p->defects.base = 0;
    mk_err err =
        mk_view_text(&p->view, part, p->charsets, &b, NULL, &p->defects);
    p->lacks_memory = p->lacks_memory || err == MK_E_ROOM;
    return is_flowed ? unflow(&b, (flags & MK_PART_DELSP) != 0)
                     : mk_buf_str(&b);
}

void parse_decode(parsed *p, uint32_t part, parse_digest *out)
{
    char piece[PIECE];
    mk_hash_context hash;
    mk_transfer t;
    mk_str in = mk_view_body(&p->view, part);
    mk_err err = MK_E_ROOM;
    memset(out, 0, sizeof *out);
    out->has_hash = p->crypto != NULL &&
                    p->crypto->hash_init(&hash, MK_HASH_SHA256) == MK_OK;
    bool is_open = out->has_hash;
    mk_transfer_init(&t, (mk_encoding)p->view.parts[part].part.encoding);
    t.budget = p->view.budget;
    while (err == MK_E_ROOM || err == MK_WAIT) {
        mk_buf b;
        bool is_end = err == MK_WAIT;
        mk_buf_init(&b, piece, sizeof piece);
        err = is_end ? mk_transfer_decode_finish(&t, &b)
                     : mk_transfer_decode(&t, &in, &b);
        out->length += b.len;
        out->has_hash = out->has_hash &&
                        p->crypto->hash_update(&hash, b.ptr, b.len) == MK_OK;
        err = is_end && err == MK_E_ROOM ? MK_WAIT : err;
    }
    out->is_cut = t.is_cut;
    p->defects.base = p->view.parts[part].part.body;
    if (t.is_cut) {
        mk_defects_add(&p->defects, MK_DEFECT_TRANSFER_BUDGET, 0, 0);
    } else if (t.defects > 0) {
        mk_defects_add(&p->defects, MK_DEFECT_TRANSFER_MALFORMED, 0, 0);
    }
    if (is_open) {
        out->has_hash =
            out->has_hash && p->crypto->hash_finish(&hash, out->hash) == MK_OK;
        p->crypto->hash_fini(&hash);
    }
}

const char *parse_encoding(const mk_part *part)
{
    static const char *const names[] = {
        [MK_ENCODING_7BIT] = "7bit",
        [MK_ENCODING_8BIT] = "8bit",
        [MK_ENCODING_BINARY] = "binary",
        [MK_ENCODING_QUOTED_PRINTABLE] = "quoted-printable",
        [MK_ENCODING_BASE64] = "base64",
        [MK_ENCODING_UUENCODE] = "x-uuencode",
        [MK_ENCODING_UNKNOWN] = "unknown",
    };
    return names[part->encoding];
}
