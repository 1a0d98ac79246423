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

bool parse_room(parsed *p, size_t n, mk_buf *out)
{
    if (n > p->room_bytes) {
        char *room = realloc(p->room, n);
        if (room == NULL) {
            return false;
        }
        p->room = room;
        p->room_bytes = n;
    }
    mk_buf_init(out, p->room, p->room_bytes);
    return true;
}

/* A decoder gives three octets for one at most. */
static bool room_for(parsed *p, size_t octets, mk_buf *out)
{
    return octets <= (SIZE_MAX - ROOM_LEAST) / GROWTH &&
           parse_room(p, octets * GROWTH + ROOM_LEAST, out);
}

bool parse_value(parsed *p, mk_field_id id, mk_str *out_value)
{
    const mk_field *f = mk_view_field(&p->view, 0, id);
    if (f == NULL) {
        return false;
    }
    p->defects.base = f->offset + f->value_at;
    *out_value = f->value;
    return true;
}

bool parse_words(parsed *p, mk_str value, mk_str *out)
{
    mk_buf b;
    bool good = room_for(p, value.len, &b) &&
                mk_words_decode(value, p->charsets, &b, &p->defects) == MK_OK;
    *out = good ? mk_buf_str(&b) : mk_str_of(NULL, 0);
    return good;
}

bool parse_name(parsed *p, const mk_address *a, mk_str *out)
{
    mk_buf b;
    bool good = room_for(p, a->raw.len, &b) &&
                mk_address_name_decode(a, p->charsets, &b, NULL) == MK_OK;
    *out = good ? mk_buf_str(&b) : mk_str_of(NULL, 0);
    return good;
}

bool parse_spec(parsed *p, const mk_address *a, mk_str *out)
{
    mk_buf b;
    bool good =
        room_for(p, a->raw.len, &b) && mk_address_spec_format(a, &b) == MK_OK;
    *out = good ? mk_buf_str(&b) : mk_str_of(NULL, 0);
    return good;
}

bool parse_param(parsed *p, const mk_params *params, mk_str name, mk_str *out)
{
    mk_buf b;
    if (!room_for(p, params->text.len, &b)) {
        return false;
    }
    mk_err err = mk_params_decode(params, name, p->charsets, &b, &p->defects);
    *out = err == MK_OK ? mk_buf_str(&b) : mk_str_of(NULL, 0);
    return err == MK_OK || err == MK_E_NOENT;
}

static bool param_of(parsed *p, uint32_t part, mk_field_id id, const char *name,
                     mk_str *out)
{
    mk_param mem[MK_PARAM_COUNT_MAX];
    mk_params params;
    const mk_field *f = mk_view_field(&p->view, part, id);
    *out = mk_str_of(NULL, 0);
    if (f == NULL) {
        return true;
    }
    p->defects.base = f->offset + f->value_at;
    mk_params_parse(f->value, mem, MK_PARAM_COUNT_MAX, &params, NULL);
    return parse_param(p, &params, mk_str_z(name), out);
}

bool parse_filename(parsed *p, uint32_t part, mk_str *out)
{
    return param_of(p, part, MK_FIELD_CONTENT_DISPOSITION, "filename", out) &&
           (out->ptr != NULL ||
            param_of(p, part, MK_FIELD_CONTENT_TYPE, "name", out));
}

bool parse_lower(parsed *p, mk_str token, mk_str *out)
{
    mk_buf b;
    if (!room_for(p, token.len, &b)) {
        return false;
    }
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        (void)mk_buf_add_c(&b,
                           c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    *out = mk_buf_str(&b);
    return true;
}

bool parse_text(parsed *p, uint32_t part, mk_str *out)
{
    mk_buf b;
    bool good = room_for(p, mk_view_body(&p->view, part).len, &b);
    if (good) {
        (void)mk_view_text(&p->view, part, p->charsets, &b, NULL);
        *out = mk_buf_str(&b);
    }
    return good;
}

void parse_decode(const parsed *p, uint32_t part, parse_digest *out)
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
