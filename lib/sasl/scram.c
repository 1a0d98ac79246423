/* SPDX-License-Identifier: MIT
 *
 * sasl/scram.c: what both ends of SCRAM share (RFC 5802, 7677): attributes,
 * nonces, channel binding (RFC 5929 4, 9266 2), AuthMessage, values in base64.
 * The text of an exchange holds, one behind the other,
 *
 *    gs2-header client-first-message-bare "," server-first-message ","
 *    client-final-message-without-proof
 *
 * so that all but the gs2-header is AuthMessage. Both ends write "c=" and "r="
 * by the same function; the server compares what it got with that, so that
 * nothing in them is ever interpreted.
 */
#include "sasl/internal.h"

#include <mailkit/codec.h>

#include "base/ascii.h"

/* attr-val = ALPHA "=" value        value = 1*value-char */
bool mk_sasl_attribute(mk_str *io_in, char letter, mk_str *out_value)
{
    mk_str in = *io_in;
    size_t n = mk_str_find(in, ',');

    if (n < 3 || in.ptr[0] != letter || in.ptr[1] != '=') {
        return false;
    }
    if (n + 1 == in.len) {
        return false;
    }
    *out_value = mk_str_sub(in, 2, n - 2);
    *io_in = mk_str_sub(in, n + 1, SIZE_MAX);
    return mk_str_find(*out_value, 0) == out_value->len;
}

/* extensions = attr-val *("," attr-val); unknown ones are ignored. m= is the
 * reserved-mext, which must not be; what is known has its place elsewhere. */
bool mk_sasl_is_extensions(mk_str in)
{
    static const mk_str known = MK_STR_INIT("anmrcsipve");

    while (in.len > 0) {
        unsigned char letter = mk_octet_at(in, 0);
        mk_str value;

        if (!mk_is_alpha(letter) || mk_str_find(known, letter) < known.len ||
            !mk_sasl_attribute(&in, (char)letter, &value)) {
            return false;
        }
    }
    return true;
}

mk_err mk_sasl_add_nonce(mk_sasl *s, mk_buf *out)
{
    char octets[SASL_NONCE_OCTETS];
    mk_err err = s->random->fill(s->random->self, octets, sizeof octets);

    return err == MK_OK
               ? mk_base64_format(mk_str_of(octets, sizeof octets), out)
               : MK_E_ENTROPY;
}

mk_str mk_sasl_binding(const mk_tls_info *tls, mk_str type)
{
    if (tls != NULL && mk_str_is(type, mk_str_z("tls-exporter"))) {
        return tls->exporter;
    }
    if (tls != NULL && mk_str_is(type, mk_str_z("tls-server-end-point"))) {
        return tls->end_point;
    }
    return mk_str_of(NULL, 0);
}

/* channel-binding = "c=" base64 of gs2-header [ cbind-data ] */
mk_err mk_sasl_add_final(mk_sasl *s)
{
    mk_buf *b = &s->text;
    mk_str header = mk_str_of(b->ptr, s->gs2_len);
    mk_str nonce = mk_str_of(b->ptr + s->nonce_at, s->nonce_len);
    mk_str binding = s->binding;
    mk_base64_encoder e;

    (void)mk_buf_add_z(b, "c=");
    (void)mk_base64_encoder_init(&e, 0);
    if (b->full || mk_base64_encode(&e, &header, b) == MK_E_ROOM ||
        mk_base64_encode(&e, &binding, b) == MK_E_ROOM ||
        mk_base64_encode_finish(&e, b) == MK_E_ROOM) {
        return MK_E_LIMIT;
    }
    (void)mk_buf_add_z(b, ",r=");
    (void)mk_buf_add(b, nonce); /* behind it: they do not overlap */
    return mk_sasl_text_fits(s);
}

mk_err mk_sasl_sign(mk_sasl *s, const unsigned char *key,
                    unsigned char *out_signature)
{
    mk_hash hash = s->row->hash;
    mk_str auth = mk_str_sub(mk_buf_str(&s->text), s->gs2_len, SIZE_MAX);

    return mk_hmac_once(s->crypto, hash,
                        mk_str_of((const char *)key, mk_hash_size(hash)), auth,
                        out_signature);
}

mk_err mk_sasl_add_value(mk_sasl *s, const char *name,
                         const unsigned char *value)
{
    size_t n = mk_hash_size(s->row->hash);

    (void)mk_buf_add_z(&s->text, name);
    (void)mk_base64_format(mk_str_of((const char *)value, n), &s->text);
    return mk_sasl_text_fits(s);
}

mk_err mk_sasl_read_value(const mk_sasl *s, mk_str base64,
                          unsigned char *out_value)
{
    mk_buf value;

    mk_buf_init(&value, out_value, mk_hash_size(s->row->hash));
    return mk_base64_parse(base64, &value) == MK_OK && value.len == value.max
               ? MK_OK
               : MK_E_SYNTAX;
}
