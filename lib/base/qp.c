/* SPDX-License-Identifier: MIT
 *
 * qp.c: quoted-printable both ways (RFC 2045 §6.7), resumable at every octet
 * (THREATS 64). What the decoder cannot decide yet (white space that may end
 * a line, an "=" and what follows it, a CR) it holds, at most MK_QP_HELD_MAX
 * octets; a decision turns what is held into output, which flows before the
 * next octet is looked at. Nothing malformed is refused or lost: it is passed
 * on and counted. The line length of the input is not judged.
 */
#include "codec_internal.h"

#include <string.h>

void mk_qp_decoder_init(mk_qp_decoder *d)
{
    memset(d, 0, sizeof *d);
}

static void hold(mk_qp_decoder *d, unsigned char c)
{
    d->held[d->held_len] = (char)c;
    d->held_len++;
}

/* What is held becomes output. */
static void release(mk_qp_decoder *d)
{
    d->flushing = d->held_len > 0;
    d->flush_at = 0;
}

static void release_as_defect(mk_qp_decoder *d)
{
    d->defects++;
    release(d);
}

static void replace_held(mk_qp_decoder *d, const char *ptr, size_t n)
{
    memcpy(d->held, ptr, n);
    d->held_len = (uint8_t)n;
    release(d);
}

static mk_err flush_held(mk_qp_decoder *d, mk_buf *out)
{
    while (d->flushing && d->flush_at < d->held_len) {
        if (codec_room(out) == 0) {
            return MK_E_ROOM;
        }
        codec_put(out, (unsigned char)d->held[d->flush_at]);
        d->flush_at++;
    }
    if (d->flushing) {
        d->flushing = 0;
        d->held_len = 0;
    }
    return MK_OK;
}

/* Octets that stand for themselves: RFC 2045 §6.7 (2), "=" excepted. */
static bool is_plain(unsigned char c)
{
    return mk_is_vchar(c) && c != '=';
}

/* The first octet of something, with nothing held. */
static void begin(mk_qp_decoder *d, unsigned char c)
{
    hold(d, c);
    if (c == '=' || c == '\r' || mk_is_wsp(c)) {
        return;
    }
    if (c != '\n' && !is_plain(c)) {
        d->defects++;
    }
    release(d);
}

/* Held: "=" and then nothing, one hexadecimal digit, or transport padding
 * (RFC 2045 §6.7, rule 3 and `transport-padding`), perhaps a CR. Returns
 * whether c was taken. */
static bool after_equals(mk_qp_decoder *d, unsigned char c)
{
    unsigned char held = (unsigned char)d->held[d->held_len - 1];

    if (c == '\n') {
        if (mk_is_hex(held)) {
            release_as_defect(d);
            return false;
        }
        d->held_len = 0;
        return true;
    }
    if (mk_is_hex(held) && mk_is_hex(c)) {
        int octet = mk_hex_value(held) * 16 + mk_hex_value(c);
        char decoded = (char)(unsigned char)octet;

        d->defects += held >= 'a' || c >= 'a' ? 1 : 0;
        replace_held(d, &decoded, 1);
        return true;
    }
    if ((held == '=' && mk_is_hex(c)) ||
        (!mk_is_hex(held) && held != '\r' && (mk_is_wsp(c) || c == '\r') &&
         d->held_len < MK_QP_HELD_MAX)) {
        hold(d, c);
        return true;
    }
    release_as_defect(d);
    return false;
}

/* Held: white space, perhaps a CR behind it. Returns whether c was taken. */
static bool after_space(mk_qp_decoder *d, unsigned char c)
{
    bool cr = d->held[d->held_len - 1] == '\r';

    if (c == '\n') {
        replace_held(d, cr ? "\r\n" : "\n", cr ? 2 : 1);
        return true;
    }
    if (cr) {
        release_as_defect(d);
        return false;
    }
    if ((mk_is_wsp(c) || c == '\r') && d->held_len < MK_QP_HELD_MAX) {
        hold(d, c);
        return true;
    }
    if (mk_is_wsp(c) || c == '\r') {
        d->defects++;
    }
    release(d);
    return false;
}

#define ONES UINT64_C(0x0101010101010101)

/* Are these 8 octets printable ASCII without "=", the last no space? */
static bool is_plain_8(const char *ptr)
{
    uint64_t w;
    memcpy(&w, ptr, 8);
    uint64_t equals = w ^ (ONES * '=');
    uint64_t bad =
        w | (w - ONES * ' ') | (w + ONES) | ((equals - ONES) & ~equals);
    return (bad & (ONES * 0x80)) == 0 && ptr[7] != ' ';
}

/* How many octets at the front stand for themselves: white space does before
 * one that is none and is plain. */
static size_t plain_run(mk_str in, size_t n)
{
    size_t at = 0;
    for (;;) {
        while (n - at >= 8 && is_plain_8(in.ptr + at)) {
            at += 8;
        }
        size_t stop = n - at < 8 ? n : at + 8;
        while (at < stop && (is_plain(mk_octet_at(in, at)) ||
                             (mk_is_wsp(mk_octet_at(in, at)) && at + 1 < n &&
                              is_plain(mk_octet_at(in, at + 1))))) {
            at++;
        }
        if (at < stop || at == n) {
            return at;
        }
    }
}

/* Copy a run of octets that stand for themselves. */
static void copy_plain(mk_str *io_in, mk_buf *out)
{
    size_t room = codec_room(out);
    size_t n = plain_run(*io_in, io_in->len < room ? io_in->len : room);

    if (n > 0) {
        memcpy(out->ptr + out->len, io_in->ptr, n);
        out->len += n;
        codec_skip(io_in, n);
    }
}

mk_err mk_qp_decode(mk_qp_decoder *d, mk_str *io_in, mk_buf *out)
{
    for (;;) {
        unsigned char c;
        bool taken = true;

        if (flush_held(d, out) != MK_OK) {
            return MK_E_ROOM;
        }
        if (d->held_len == 0) {
            copy_plain(io_in, out);
        }
        if (io_in->len == 0) {
            return MK_WAIT;
        }
        c = mk_octet_at(*io_in, 0);
        if (d->held_len == 0) {
            begin(d, c);
        } else if (d->held[0] == '=') {
            taken = after_equals(d, c);
        } else {
            taken = after_space(d, c);
        }
        if (taken) {
            codec_skip(io_in, 1);
        }
    }
}

mk_err mk_qp_decode_finish(mk_qp_decoder *d, mk_buf *out)
{
    if (!d->flushing && d->held_len > 0) {
        unsigned char tail = (unsigned char)d->held[d->held_len - 1];

        if (d->held[0] == '=' && !mk_is_hex(tail)) {
            d->defects++;
            d->held_len = 0;
        } else if (mk_is_hex(tail) || tail == '\r') {
            release_as_defect(d);
        } else {
            d->held_len = 0;
        }
    }
    return flush_held(d, out);
}

void mk_qp_encoder_init(mk_qp_encoder *e, mk_qp_mode mode)
{
    memset(e, 0, sizeof *e);
    e->mode = (uint8_t)mode;
}

static mk_err flush_queue(mk_qp_encoder *e, mk_buf *out)
{
    while (e->queue_at < e->queue_len) {
        if (codec_room(out) == 0) {
            return MK_E_ROOM;
        }
        codec_put(out, (unsigned char)e->queue[e->queue_at]);
        e->queue_at++;
    }
    e->queue_at = 0;
    e->queue_len = 0;
    return MK_OK;
}

static void queue_up(mk_qp_encoder *e, const char *ptr, size_t n)
{
    memcpy(e->queue + e->queue_len, ptr, n);
    e->queue_len = (uint8_t)(e->queue_len + n);
}

/* 75 characters and the "=" of a soft line break make the 76 allowed. */
static void queue_token(mk_qp_encoder *e, const char *ptr, size_t n)
{
    if (e->column + n > 75) {
        queue_up(e, "=\r\n", 3);
        e->column = 0;
    }
    queue_up(e, ptr, n);
    e->column = (uint8_t)(e->column + n);
}

static void queue_octet(mk_qp_encoder *e, unsigned char c, bool literal)
{
    char token[3] = {'=', 0, 0};

    if (literal) {
        token[0] = (char)c;
        queue_token(e, token, 1);
        return;
    }
    token[1] = mk_hex_digit((unsigned)c >> 4);
    token[2] = mk_hex_digit(c);
    queue_token(e, token, 3);
}

/* Held: white space or, in text mode, a CR. White space before any CR is
 * encoded, since the CR may end the line. Returns whether c was taken. */
static bool settle_held(mk_qp_encoder *e, unsigned char c)
{
    e->has_held = 0;
    if (e->held == '\r' && c == '\n') {
        queue_up(e, "\r\n", 2);
        e->column = 0;
        return true;
    }
    queue_octet(e, e->held, e->held != '\r' && c != '\r');
    return false;
}

mk_err mk_qp_encode(mk_qp_encoder *e, mk_str *io_in, mk_buf *out)
{
    for (;;) {
        unsigned char c;

        if (flush_queue(e, out) != MK_OK) {
            return MK_E_ROOM;
        }
        if (io_in->len == 0) {
            return MK_WAIT;
        }
        c = mk_octet_at(*io_in, 0);
        if (e->has_held) {
            if (settle_held(e, c)) {
                codec_skip(io_in, 1);
            }
            continue;
        }
        codec_skip(io_in, 1);
        if (mk_is_wsp(c) || (c == '\r' && e->mode == MK_QP_TEXT)) {
            e->held = c;
            e->has_held = 1;
        } else {
            queue_octet(e, c, is_plain(c));
        }
    }
}

mk_err mk_qp_encode_finish(mk_qp_encoder *e, mk_buf *out)
{
    if (flush_queue(e, out) != MK_OK) {
        return MK_E_ROOM;
    }
    if (e->has_held) {
        e->has_held = 0;
        queue_octet(e, e->held, false);
    }
    return flush_queue(e, out);
}
