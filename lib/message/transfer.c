/* SPDX-License-Identifier: MIT
 *
 * message/transfer.c: bodies out of their transfer encoding (RFC 2045 6), by
 * the decoders of codec.h, and text further on to UTF-8. Resumable at each
 * octet of input and of output (THREATS 64); bounded by what goes in and by
 * a budget, nothing is unpacked (THREATS 66). An unknown encoding is no reason
 * to refuse: the body is given as it stands (RFC 2045 6.4).
 */
#include "base/codec_internal.h"
#include "message/transfer_internal.h"

#include <string.h>

void mk_transfer_init(mk_transfer *t, mk_encoding encoding)
{
    memset(t, 0, sizeof *t);
    t->encoding = (uint8_t)encoding;
    if (encoding == MK_ENCODING_BASE64) {
        mk_base64_decoder_init(&t->of.base64, MK_BASE64_MIME);
    } else if (encoding == MK_ENCODING_QUOTED_PRINTABLE) {
        mk_qp_decoder_init(&t->of.qp);
    } else if (encoding == MK_ENCODING_UUENCODE) {
        mk_uu_init(t);
    }
}

static mk_err copy(mk_str *io_in, mk_buf *out)
{
    size_t room = codec_room(out);
    size_t n = io_in->len < room ? io_in->len : room;
    if (n > 0) {
        memcpy(out->ptr + out->len, io_in->ptr, n);
        out->len += n;
        codec_skip(io_in, n);
    }
    return io_in->len == 0 ? MK_WAIT : MK_E_ROOM;
}

static mk_err decode(mk_transfer *t, mk_str *io_in, mk_buf *out)
{
    mk_err err;
    switch (t->encoding) {
    case MK_ENCODING_BASE64:
        err = mk_base64_decode(&t->of.base64, io_in, out);
        t->defects = t->of.base64.defects;
        return err;
    case MK_ENCODING_QUOTED_PRINTABLE:
        err = mk_qp_decode(&t->of.qp, io_in, out);
        t->defects = t->of.qp.defects;
        return err;
    case MK_ENCODING_UUENCODE:
        return mk_uu_decode(t, io_in, out);
    default:
        return copy(io_in, out);
    }
}

static mk_err decode_finish(mk_transfer *t, mk_buf *out)
{
    mk_err err = MK_OK;
    switch (t->encoding) {
    case MK_ENCODING_BASE64:
        err = mk_base64_decode_finish(&t->of.base64);
        t->defects = t->of.base64.defects;
        return err;
    case MK_ENCODING_QUOTED_PRINTABLE:
        err = mk_qp_decode_finish(&t->of.qp, out);
        t->defects = t->of.qp.defects;
        return err;
    case MK_ENCODING_UUENCODE:
        mk_uu_finish(t);
        return MK_OK;
    default:
        return MK_OK;
    }
}

/* ---- until what is no base64 --------------------------------------------- */

/* mk_transfer.state of base64 that stops */
enum { STOP_NOT_YET, STOP_PADDED, STOP_DONE };

/* How many of n octets are base64, as readers that stop read it: behind the
 * first padding there is more of it and white space alone. */
static size_t clean_run(const char *ptr, size_t n, uint8_t *io_state)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)ptr[i];
        bool is_digit = mk_is_alnum(c) || c == '+' || c == '/';
        if (c == '=') {
            *io_state = STOP_PADDED;
        } else if (!mk_is_wsp(c) && c != '\r' && c != '\n' &&
                   (!is_digit || *io_state == STOP_PADDED)) {
            return i;
        }
    }
    return n;
}

static mk_err decode_clean(mk_transfer *t, mk_str *io_in, mk_buf *out)
{
    if (!t->stops || t->encoding != MK_ENCODING_BASE64) {
        return decode(t, io_in, out);
    }
    while (t->state != STOP_DONE && io_in->len > 0) {
        /* No more than out may hold, or each call would look at all of it. */
        size_t near = (codec_room(out) + 1) * 4;
        size_t n = io_in->len < near ? io_in->len : near;
        uint8_t ahead = t->state;
        size_t clean = clean_run(io_in->ptr, n, &ahead);
        mk_str piece = mk_str_of(io_in->ptr, clean);
        mk_err err = decode(t, &piece, out);
        (void)clean_run(io_in->ptr, clean - piece.len, &t->state);
        codec_skip(io_in, clean - piece.len);
        if (err != MK_WAIT) {
            return err;
        }
        if (clean < n) {
            t->state = STOP_DONE;
        }
    }
    codec_skip(io_in, io_in->len);
    return MK_WAIT;
}

/* ---- within a budget ----------------------------------------------------- */

static uint64_t budget_left(const mk_budget *b)
{
    uint64_t left = UINT64_MAX;
    for (; b != NULL; b = b->whole) {
        left = b->left < left ? b->left : left;
    }
    return left;
}

static void budget_take(mk_budget *b, uint64_t n)
{
    for (; b != NULL; b = b->whole) {
        b->left -= n;
    }
}

void mk_budget_give_back(mk_budget *b, uint64_t n)
{
    for (; b != NULL; b = b->whole) {
        b->left += n;
    }
}

/* in is NULL at the end of the body. */
static mk_err decode_some(mk_transfer *t, mk_str *in, mk_buf *out)
{
    return in != NULL ? decode_clean(t, in, out) : decode_finish(t, out);
}

/* Nothing may come out any more: only whether anything would is of interest. */
static mk_err drop(mk_transfer *t, mk_str *in)
{
    mk_err err;
    do {
        char mem[64];
        mk_buf nowhere;
        mk_buf_init(&nowhere, mem, sizeof mem);
        err = decode_some(t, in, &nowhere);
        t->is_cut |= nowhere.len > 0;
    } while (err == MK_E_ROOM);
    return err;
}

static mk_err decode_within(mk_transfer *t, mk_str *in, mk_buf *out)
{
    if (t->budget == NULL) {
        return decode_some(t, in, out);
    }
    for (;;) {
        uint64_t left = budget_left(t->budget);
        size_t room = codec_room(out);
        if (left == 0) {
            return drop(t, in);
        }
        mk_buf some;
        mk_buf_init(&some, room > 0 ? out->ptr + out->len : NULL,
                    left < room ? (size_t)left : room);
        mk_err err = decode_some(t, in, &some);
        out->len += some.len;
        budget_take(t->budget, some.len);
        if (err != MK_E_ROOM || codec_room(out) == 0) {
            return err;
        }
    }
}

mk_err mk_transfer_decode(mk_transfer *t, mk_str *io_in, mk_buf *out)
{
    return decode_within(t, io_in, out);
}

mk_err mk_transfer_decode_finish(mk_transfer *t, mk_buf *out)
{
    return decode_within(t, NULL, out);
}

/* ---- text ---------------------------------------------------------------- */

mk_err mk_text_decoder_init(mk_text_decoder *d, mk_encoding encoding,
                            mk_charset charset, const mk_charset_table *table)
{
    d->at = 0;
    d->len = 0;
    d->ended = false;
    mk_transfer_init(&d->transfer, encoding);
    mk_err err = mk_charset_decoder_init(&d->charset, charset, table);
    return charset == MK_CHARSET_NONE ? MK_OK : err;
}

/* What lies between the two goes on to out. */
static mk_err drain(mk_text_decoder *d, mk_buf *out)
{
    mk_str rest = mk_str_of(d->between + d->at, d->len - d->at);
    mk_err err = mk_charset_decode(&d->charset, &rest, out);
    d->at = d->len - (uint32_t)rest.len;
    return err;
}

/* Refill from the transfer decoder, which goes on while it lacks room. */
static mk_err refill(mk_text_decoder *d, mk_str *io_in)
{
    mk_buf between;
    mk_buf_init(&between, d->between, sizeof d->between);
    mk_err err = io_in != NULL
                     ? mk_transfer_decode(&d->transfer, io_in, &between)
                     : mk_transfer_decode_finish(&d->transfer, &between);
    d->at = 0;
    d->len = (uint32_t)between.len;
    return err;
}

mk_err mk_text_decode(mk_text_decoder *d, mk_str *io_in, mk_buf *out)
{
    for (;;) {
        mk_err err = drain(d, out);
        if (err != MK_WAIT) {
            return err;
        }
        err = refill(d, io_in);
        if (err == MK_WAIT && d->len == 0) {
            return MK_WAIT;
        }
    }
}

mk_err mk_text_decode_finish(mk_text_decoder *d, mk_buf *out)
{
    for (;;) {
        mk_err err = drain(d, out);
        if (err != MK_WAIT) {
            return err;
        }
        if (d->ended) {
            return mk_charset_decode_finish(&d->charset, out);
        }
        d->ended = refill(d, NULL) == MK_OK;
    }
}

void mk_text_decoder_fini(mk_text_decoder *d)
{
    mk_charset_decoder_fini(&d->charset);
}
