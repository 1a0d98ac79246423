/* SPDX-License-Identifier: MIT
 *
 * fuzz_codec.c: base64, quoted-printable and hexadecimal, each way: cut at
 * any octet of input and of output the result is the same; what is encoded
 * decodes to itself (RFC 4648 4, RFC 2045 6.7, 6.8); and decoding any octets
 * at all stays within its bounds.
 */
#include <mailkit/codec.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { HEADER = 4 };

typedef enum kind {
    BASE64_STRICT,
    BASE64_MIME,
    BASE64_ENCODE,
    QP_DECODE,
    QP_TEXT,
    QP_BINARY,
    HEX_DECODE,
    HEX_ENCODE,
    KINDS
} kind;

typedef struct codec {
    kind kind;
    mk_base64_decoder base64_decoder;
    mk_base64_encoder base64_encoder;
    mk_qp_decoder qp_decoder;
    mk_qp_encoder qp_encoder;
    mk_hex_decoder hex_decoder;
    mk_hex_encoder hex_encoder;
} codec;

static void begin(codec *c, kind k, unsigned line)
{
    memset(c, 0, sizeof *c);
    c->kind = k;
    mk_base64_decoder_init(&c->base64_decoder, k == BASE64_STRICT
                                                   ? MK_BASE64_STRICT
                                                   : MK_BASE64_MIME);
    fuzz_promise(mk_base64_encoder_init(&c->base64_encoder, line) == MK_OK,
                 "a line length");
    mk_qp_decoder_init(&c->qp_decoder);
    mk_qp_encoder_init(&c->qp_encoder,
                       k == QP_TEXT ? MK_QP_TEXT : MK_QP_BINARY);
    mk_hex_decoder_init(&c->hex_decoder);
    mk_hex_encoder_init(&c->hex_encoder, (line & 4) != 0);
}

static mk_err convert(codec *c, mk_str *io_in, mk_buf *out)
{
    switch (c->kind) {
    case BASE64_STRICT:
    case BASE64_MIME:
        return mk_base64_decode(&c->base64_decoder, io_in, out);
    case BASE64_ENCODE:
        return mk_base64_encode(&c->base64_encoder, io_in, out);
    case QP_DECODE:
        return mk_qp_decode(&c->qp_decoder, io_in, out);
    case QP_TEXT:
    case QP_BINARY:
        return mk_qp_encode(&c->qp_encoder, io_in, out);
    case HEX_DECODE:
        return mk_hex_decode(&c->hex_decoder, io_in, out);
    default:
        return mk_hex_encode(&c->hex_encoder, io_in, out);
    }
}

static mk_err conclude(codec *c, mk_buf *out)
{
    switch (c->kind) {
    case BASE64_STRICT:
    case BASE64_MIME:
        return mk_base64_decode_finish(&c->base64_decoder);
    case BASE64_ENCODE:
        return mk_base64_encode_finish(&c->base64_encoder, out);
    case QP_DECODE:
        return mk_qp_decode_finish(&c->qp_decoder, out);
    case QP_TEXT:
    case QP_BINARY:
        return mk_qp_encode_finish(&c->qp_encoder, out);
    case HEX_DECODE:
        return mk_hex_decode_finish(&c->hex_decoder);
    default:
        return MK_OK;
    }
}

/* through a buffer of `room` octets at a time */
static mk_err drain(codec *c, mk_str *io_in, bool finish, size_t room,
                    text *out)
{
    mk_err err;
    do {
        char *mem = malloc(room);
        mk_buf b;
        mk_buf_init(&b, mem, room);
        err = finish ? conclude(c, &b) : convert(c, io_in, &b);
        fuzz_promise(err != MK_E_ROOM || b.len > 0, "room is used");
        fuzz_promise(!b.full, "MK_E_ROOM is no full buffer");
        text_add(out, b.ptr, b.len);
        free(mem);
    } while (err == MK_E_ROOM);
    return err;
}

static mk_err run(kind k, unsigned line, mk_str in, size_t chunk, size_t room,
                  text *out)
{
    codec c;
    mk_err err = MK_WAIT;
    begin(&c, k, line);
    text_z(out, "");
    while (in.len > 0 && err == MK_WAIT) {
        size_t n = chunk > 0 && chunk < in.len ? chunk : in.len;
        char *exact = malloc(n);
        memcpy(exact, in.ptr, n);
        mk_str view = mk_str_of(exact, n);
        err = drain(&c, &view, false, room, out);
        fuzz_promise(err != MK_WAIT || view.len == 0, "all was taken");
        in = mk_str_sub(in, n, SIZE_MAX);
        free(exact);
    }
    mk_str none = {NULL, 0};
    mk_err last = drain(&c, &none, true, room, out);
    fuzz_promise(err == MK_WAIT || last != MK_OK || k == BASE64_MIME,
                 "an error stays");
    if (k == BASE64_MIME) {
        text_u64(out, c.base64_decoder.defects);
    } else if (k == QP_DECODE) {
        text_u64(out, c.qp_decoder.defects);
    }
    return err == MK_WAIT ? last : err;
}

static void round_trip(kind encoder, kind decoder, unsigned line, mk_str in)
{
    text coded = {0};
    text plain = {0};
    fuzz_promise(run(encoder, line, in, 0, 4096, &coded) == MK_OK, "encodes");
    if (encoder != HEX_ENCODE && encoder != BASE64_ENCODE) {
        size_t column = 0;
        for (size_t i = 0; i < coded.len; i++) {
            unsigned char c = (unsigned char)coded.ptr[i];
            column = c == '\n' ? 0 : column + 1;
            fuzz_promise(column <= 77 && c < 127, "a short 7-bit line");
        }
    }
    fuzz_promise(run(decoder, line, text_view(&coded), 0, 4096, &plain) ==
                     MK_OK,
                 "decodes");
    size_t tail = decoder == QP_DECODE || decoder == BASE64_MIME ? 1 : 0;
    fuzz_promise(plain.len == in.len + tail &&
                     (in.len == 0 || memcmp(plain.ptr, in.ptr, in.len) == 0),
                 "the same octets, no defect");
    text_free(&coded);
    text_free(&plain);
}

/* the calls that take a text at once agree with those that stream */
static void at_once(mk_str in, unsigned room)
{
    char coded[128];
    char plain[128];
    mk_buf a;
    mk_buf b;
    mk_buf_init(&a, coded, 44 + room);
    mk_buf_init(&b, plain, sizeof plain);
    in = mk_str_sub(in, 0, 60);
    mk_err err = mk_base64_format(in, &a);
    size_t need = (in.len + 2) / 3 * 4;
    fuzz_promise((err == MK_OK) == (need <= 44 + room), "room decides");
    fuzz_promise(a.len == (err == MK_OK ? need : 0), "all or nothing");
    if (err == MK_OK) {
        fuzz_promise(mk_base64_parse(mk_buf_str(&a), &b) == MK_OK, "parses");
        fuzz_promise(mk_str_is(mk_buf_str(&b), in), "the same octets");
    }
    mk_buf_init(&b, plain, room);
    err = mk_base64_parse(in, &b);
    fuzz_promise(err == MK_OK || b.len == 0, "nothing on failure");
    fuzz_promise(b.full == (err == MK_E_ROOM), "full when there was no room");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    text whole = {0};
    if (size < HEADER) {
        return 0;
    }
    kind k = (kind)(data[0] % KINDS);
    unsigned line = data[1] % 20U * 4U;
    mk_str in = mk_str_of((const char *)data + HEADER, size - HEADER);
    mk_err err = run(k, line, in, 0, 1 << 16, &whole);
    size_t rooms[] = {1, 1 + data[3] % 80U};
    size_t chunks[] = {1, data[2]};
    for (size_t i = 0; i < 4; i++) {
        text cut = {0};
        mk_err other = run(k, line, in, chunks[i & 1], rooms[i >> 1], &cut);
        fuzz_promise(other == err, "the same answer");
        if (err == MK_OK) {
            fuzz_same(&whole, &cut, "the same octets");
        }
        text_free(&cut);
    }
    if (k == BASE64_ENCODE) {
        round_trip(k, line == 0 ? BASE64_STRICT : BASE64_MIME, line, in);
    } else if (k == QP_TEXT || k == QP_BINARY) {
        round_trip(k, QP_DECODE, line, in);
    } else if (k == HEX_ENCODE) {
        round_trip(k, HEX_DECODE, line, in);
    }
    at_once(in, data[3] % 40U);
    text_free(&whole);
    return 0;
}
