/* SPDX-License-Identifier: MIT
 *
 * message/transfer.c: bodies out of their transfer encoding (RFC 2045 6), by
 * the decoders of codec.h, and text further on to UTF-8. Resumable at each
 * octet of input and of output (THREATS 64); bounded by what goes in, nothing
 * is unpacked (THREATS 66). An unknown encoding is no reason to refuse: the
 * body is given as it stands (RFC 2045 6.4).
 */
#include "base/codec_internal.h"
#include "message/transfer_uu.h"

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

mk_err mk_transfer_decode(mk_transfer *t, mk_str *io_in, mk_buf *out)
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

mk_err mk_transfer_decode_finish(mk_transfer *t, mk_buf *out)
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
