/* SPDX-License-Identifier: MIT
 *
 * sasl/server_cram.c: the server of CRAM-MD5 (RFC 2195). The challenge is a
 * msg-id of 128 random bits: they say "fresh" better than the time of day,
 * which no engine knows. An exchange takes one answer, so none can be played
 * back (THREATS 49). Only passwords will do, since the digest is made of them.
 */
#include "sasl/internal.h"

#include <mailkit/codec.h>

#include <string.h>

enum { RANDOM_OCTETS = 16, DIGEST_OCTETS = 16, DIGEST_CHARS = 32 };

mk_err mk_sasl_server_cram_begin(mk_sasl *s)
{
    char octets[RANDOM_OCTETS];
    mk_str random = mk_str_of(octets, sizeof octets);
    mk_hex_encoder e;

    if (s->random->fill(s->random->self, octets, sizeof octets) != MK_OK) {
        return MK_E_ENTROPY;
    }
    (void)mk_buf_add_c(&s->text, '<');
    mk_hex_encoder_init(&e, false);
    (void)mk_hex_encode(&e, &random, &s->text);
    (void)mk_buf_add_c(&s->text, '@');
    (void)mk_buf_add(&s->text, s->server->hostname);
    (void)mk_buf_add_c(&s->text, '>');
    return s->text.full ? MK_E_LIMIT
                        : mk_sasl_send(s, mk_buf_str(&s->text), MK_SASL_TAKE);
}

/* user SP digest; a user may have spaces in his name, a digest has none */
mk_err mk_sasl_server_cram_take(mk_sasl *s, mk_str message)
{
    size_t n = message.len < DIGEST_CHARS ? 0 : message.len - DIGEST_CHARS;
    mk_str hex = mk_str_sub(message, n, SIZE_MAX);
    mk_hex_decoder d;
    mk_buf digest;
    mk_err err;

    mk_hex_decoder_init(&d);
    mk_buf_init(&digest, s->work.given, DIGEST_OCTETS);
    if (n == 0 || message.ptr[n - 1] != ' ' ||
        mk_hex_decode(&d, &hex, &digest) != MK_WAIT) {
        return MK_E_SYNTAX;
    }
    err = mk_sasl_keep_name(mk_str_sub(message, 0, n - 1), s->authcid,
                            &s->ask.authcid);
    return err == MK_OK ? mk_sasl_ask_now(s) : err;
}

mk_err mk_sasl_server_cram_resolve(mk_sasl *s, bool is_yes,
                                   const mk_sasl_keys *keys)
{
    mk_sasl_work *w = &s->work;
    mk_err err = mk_sasl_server_load(s, keys);
    bool is_same;

    if (err == MK_OK) {
        err = mk_hmac_once(s->crypto, MK_HASH_MD5,
                           mk_sasl_server_password(s, keys),
                           mk_buf_str(&s->text), w->wanted);
    }
    if (err != MK_OK) {
        return err;
    }
    is_same = mk_equal_ct(w->given, w->wanted, DIGEST_OCTETS);
    return mk_sasl_server_verdict(s, is_yes && is_same, NULL);
}
