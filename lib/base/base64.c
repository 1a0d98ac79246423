/* SPDX-License-Identifier: MIT
 *
 * base64.c: base64 both ways (RFC 4648 §4; line rules of RFC 2045 §6.8),
 * resumable at every octet (THREATS 64). Each character completes at most
 * one octet, so that the decoder never holds output: without room it leaves
 * the character with the caller. Strict mode refuses all that SASL must;
 * MIME mode goes on and counts. No URL-safe alphabet.
 */
#include "base64_run.h"
#include "codec_internal.h"

/* Where the decoder stands besides the place in its group of four. */
enum {
    STATE_GROUP = 0,  /* inside a group or between two */
    STATE_SECOND = 1, /* "xx=" seen, the second "=" is due */
    STATE_PADDED = 2, /* the padding is complete: the text should end */
    STATE_FAILED = 3  /* strict mode met an error */
};

static char char_of(unsigned sextet)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789+/";

    return alphabet[sextet & 63U];
}

void mk_base64_decoder_init(mk_base64_decoder *d, mk_base64_mode mode)
{
    d->defects = 0;
    d->bits = 0;
    d->mode = (uint8_t)mode;
    d->place = 0;
    d->state = STATE_GROUP;
}

/* A fault ends a strict text and is counted in a lenient one. */
static mk_err note_fault(mk_base64_decoder *d)
{
    if (d->mode != MK_BASE64_MIME) {
        d->state = STATE_FAILED;
        return MK_E_SYNTAX;
    }
    d->defects++;
    return MK_OK;
}

/* RFC 4648 §3.5: the bits below the last whole octet must be zero. At place
 * 2 four of them are left, at place 3 two. */
static mk_err take_pad(mk_base64_decoder *d)
{
    unsigned place = d->place;
    uint32_t spare = place == 2 ? d->bits & 15U : d->bits & 3U;

    if (d->state == STATE_SECOND) {
        d->state = STATE_PADDED;
        return MK_OK;
    }
    d->place = 0;
    if (place < 2 || spare != 0) {
        /* A lone sextet is dropped, so that the next group starts afresh. */
        if (note_fault(d) != MK_OK) {
            return MK_E_SYNTAX;
        }
    }
    if (place >= 2) {
        d->state = place == 2 ? STATE_SECOND : STATE_PADDED;
    }
    return MK_OK;
}

static mk_err take_sextet(mk_base64_decoder *d, unsigned value, mk_buf *out)
{
    if (d->place > 0 && codec_room(out) == 0) {
        return MK_E_ROOM;
    }
    if (d->state != STATE_GROUP) {
        /* Data behind the padding: joined texts; decode the next one. */
        if (note_fault(d) != MK_OK) {
            return MK_E_SYNTAX;
        }
        d->state = STATE_GROUP;
    }
    d->bits = (d->bits << 6 | value) & 0xFFFFU;
    if (d->place > 0) {
        codec_put(out, d->bits >> (6 - 2 * d->place));
    }
    d->place = (uint8_t)((d->place + 1) & 3);
    return MK_OK;
}

/* Lines of a body that hold nothing but whole groups. */
static void take_lines(mk_base64_decoder *d, mk_str *io_in, mk_buf *out)
{
    if (d->mode != MK_BASE64_MIME || d->place != 0 || d->state != STATE_GROUP ||
        codec_room(out) == 0) {
        return;
    }
    base64_run r = mk_base64_run(*io_in, out->ptr + out->len, codec_room(out));
    codec_skip(io_in, r.taken);
    out->len += r.made;
}

mk_err mk_base64_decode(mk_base64_decoder *d, mk_str *io_in, mk_buf *out)
{
    bool begins = true;
    while (io_in->len > 0) {
        if (begins) {
            take_lines(d, io_in, out);
            begins = false;
            continue;
        }
        unsigned value = mk_base64_values[mk_octet_at(*io_in, 0)];
        mk_err err = MK_OK;

        if (d->state == STATE_FAILED) {
            return MK_E_SYNTAX;
        }
        if (value < 64) {
            err = take_sextet(d, value, out);
        } else if (value == BASE64_PAD) {
            err = take_pad(d);
        } else if (value != BASE64_SPACE || d->mode != MK_BASE64_MIME) {
            err = note_fault(d);
        }
        if (err != MK_OK) {
            return err;
        }
        begins = io_in->ptr[0] == '\n';
        codec_skip(io_in, 1);
    }
    return d->state == STATE_FAILED ? MK_E_SYNTAX : MK_WAIT;
}

mk_err mk_base64_decode_finish(mk_base64_decoder *d)
{
    if (d->state == STATE_FAILED) {
        return MK_E_SYNTAX;
    }
    if (d->place != 0 || d->state == STATE_SECOND) {
        d->place = 0;
        d->state = STATE_PADDED;
        return note_fault(d);
    }
    return MK_OK;
}

mk_err mk_base64_encoder_init(mk_base64_encoder *e, unsigned line_chars)
{
    if (line_chars > 76 || line_chars % 4 != 0) {
        return MK_E_ARG;
    }
    e->bits = 0;
    e->bit_count = 0;
    e->line_chars = (uint8_t)line_chars;
    e->column = 0;
    e->place = 0;
    return MK_OK;
}

/* Put one character, and before it the line end that is due: at column
 * line_chars the CR, one further the LF. */
static mk_err put_char(mk_base64_encoder *e, char c, mk_buf *out)
{
    while (e->line_chars > 0 && e->column >= e->line_chars) {
        bool lf = e->column > e->line_chars;

        if (codec_room(out) == 0) {
            return MK_E_ROOM;
        }
        codec_put(out, lf ? '\n' : '\r');
        e->column = lf ? 0 : (uint8_t)(e->column + 1);
    }
    if (codec_room(out) == 0) {
        return MK_E_ROOM;
    }
    codec_put(out, (unsigned char)c);
    e->place = (uint8_t)((e->place + 1) & 3);
    e->column++; /* wraps, unread, when there are no lines */
    return MK_OK;
}

static mk_err put_sextets(mk_base64_encoder *e, mk_buf *out)
{
    while (e->bit_count >= 6) {
        unsigned shift = e->bit_count - 6U;

        if (put_char(e, char_of(e->bits >> shift), out) != MK_OK) {
            return MK_E_ROOM;
        }
        e->bit_count = (uint8_t)shift;
    }
    return MK_OK;
}

mk_err mk_base64_encode(mk_base64_encoder *e, mk_str *io_in, mk_buf *out)
{
    for (;;) {
        if (put_sextets(e, out) != MK_OK) {
            return MK_E_ROOM;
        }
        if (io_in->len == 0) {
            return MK_WAIT;
        }
        e->bits = (e->bits << 8 | mk_octet_at(*io_in, 0)) & 0xFFFFU;
        e->bit_count = (uint8_t)(e->bit_count + 8);
        codec_skip(io_in, 1);
    }
}

mk_err mk_base64_encode_finish(mk_base64_encoder *e, mk_buf *out)
{
    if (put_sextets(e, out) != MK_OK) {
        return MK_E_ROOM;
    }
    if (e->bit_count > 0) {
        e->bits <<= 6 - e->bit_count;
        e->bit_count = 6;
        if (put_sextets(e, out) != MK_OK) {
            return MK_E_ROOM;
        }
    }
    while (e->place != 0) {
        if (put_char(e, '=', out) != MK_OK) {
            return MK_E_ROOM;
        }
    }
    return MK_OK;
}

mk_err mk_base64_parse(mk_str text, mk_buf *out)
{
    mk_base64_decoder d;
    size_t start = out->len;
    mk_err err;

    mk_base64_decoder_init(&d, MK_BASE64_STRICT);
    err = mk_base64_decode(&d, &text, out);
    if (err == MK_WAIT) {
        err = mk_base64_decode_finish(&d);
    }
    if (err == MK_E_ROOM) {
        out->full = true;
    }
    if (err != MK_OK) {
        /* What was decoded may be half a password. */
        mk_wipe(out->len > start ? out->ptr + start : NULL, out->len - start);
        out->len = start;
    }
    mk_wipe(&d, sizeof d);
    return err;
}

mk_err mk_base64_format(mk_str octets, mk_buf *out)
{
    size_t groups = octets.len / 3 + (octets.len % 3 != 0 ? 1 : 0);
    mk_base64_encoder e;
    mk_err err;

    if (groups > codec_room(out) / 4) {
        out->full = true;
        return MK_E_ROOM;
    }
    err = mk_base64_encoder_init(&e, 0);
    if (err == MK_OK && mk_base64_encode(&e, &octets, out) == MK_WAIT) {
        err = mk_base64_encode_finish(&e, out);
    }
    mk_wipe(&e, sizeof e);
    return err;
}
