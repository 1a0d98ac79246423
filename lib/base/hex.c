/* SPDX-License-Identifier: MIT
 *
 * hex.c: hexadecimal both ways (RFC 4648 §8), resumable at every octet, for
 * digests (APOP, CRAM-MD5) and log fields. The decoder refuses everything
 * that is no digit, white space included, and an odd number of digits.
 */
#include "codec_internal.h"

void mk_hex_decoder_init(mk_hex_decoder *d)
{
    d->high = 0;
    d->has_high = 0;
    d->failed = 0;
}

mk_err mk_hex_decode(mk_hex_decoder *d, mk_str *io_in, mk_buf *out)
{
    while (io_in->len > 0 && !d->failed) {
        int value = mk_hex_value(mk_octet_at(*io_in, 0));

        if (value < 0) {
            d->failed = 1;
            break;
        }
        if (!d->has_high) {
            d->high = (uint8_t)value;
            d->has_high = 1;
        } else {
            if (codec_room(out) == 0) {
                return MK_E_ROOM;
            }
            codec_put(out, (unsigned)d->high << 4 | (unsigned)value);
            d->has_high = 0;
        }
        codec_skip(io_in, 1);
    }
    return d->failed ? MK_E_SYNTAX : MK_WAIT;
}

mk_err mk_hex_decode_finish(mk_hex_decoder *d)
{
    return d->failed || d->has_high ? MK_E_SYNTAX : MK_OK;
}

void mk_hex_encoder_init(mk_hex_encoder *e, bool upper)
{
    e->upper = upper ? 1 : 0;
    e->low = 0;
    e->has_low = 0;
}

static void put_digit(const mk_hex_encoder *e, unsigned nibble, mk_buf *out)
{
    unsigned char digit = (unsigned char)mk_hex_digit(nibble);

    codec_put(out, e->upper ? digit : mk_lower(digit));
}

mk_err mk_hex_encode(mk_hex_encoder *e, mk_str *io_in, mk_buf *out)
{
    while (e->has_low || io_in->len > 0) {
        unsigned char c;

        if (codec_room(out) == 0) {
            return MK_E_ROOM;
        }
        if (e->has_low) {
            put_digit(e, e->low, out);
            e->has_low = 0;
            continue;
        }
        c = mk_octet_at(*io_in, 0);
        put_digit(e, (unsigned)c >> 4, out);
        e->low = c & 15U;
        e->has_low = 1;
        codec_skip(io_in, 1);
    }
    return MK_WAIT;
}
