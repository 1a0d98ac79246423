/* SPDX-License-Identifier: MIT
 *
 * sasl/client_simple.c: the client of the mechanisms that need one message or
 * two and no state: PLAIN (RFC 4616), LOGIN (no RFC; the prompts are not
 * looked at, since no two servers agree on them), CRAM-MD5 (RFC 2195),
 * EXTERNAL (RFC 4422 A), ANONYMOUS (RFC 4505). What the server says behind
 * their last message is refused by mk_sasl_take.
 */
#include "sasl/internal.h"

#include <mailkit/codec.h>

/* message = [authzid] UTF8NUL authcid UTF8NUL passwd */
mk_err mk_sasl_client_plain_begin(mk_sasl *s)
{
    const mk_sasl_client_config *c = s->client;

    (void)mk_buf_add(&s->text, c->authzid);
    (void)mk_buf_add_c(&s->text, 0);
    (void)mk_buf_add(&s->text, c->authcid);
    (void)mk_buf_add_c(&s->text, 0);
    (void)mk_buf_add(&s->text, c->password);
    return mk_sasl_send(s, mk_buf_str(&s->text), MK_SASL_DONE);
}

mk_err mk_sasl_client_login_take(mk_sasl *s, mk_str prompt)
{
    (void)prompt;
    return s->turn == 0 ? mk_sasl_send(s, s->client->authcid, MK_SASL_TAKE)
                        : mk_sasl_send(s, s->client->password, MK_SASL_DONE);
}

/* user SP digest, the digest in lower-case hexadecimal: the challenge keyed
 * with the password (RFC 2195 2) */
mk_err mk_sasl_client_cram_take(mk_sasl *s, mk_str challenge)
{
    unsigned char digest[SASL_KEY_MAX];
    mk_str octets = mk_str_of((const char *)digest, 16);
    mk_hex_encoder e;
    mk_err err;

    if (challenge.len == 0) {
        return MK_E_SYNTAX;
    }
    err = mk_hmac_once(s->crypto, MK_HASH_MD5, s->client->password, challenge,
                       digest);
    if (err != MK_OK) {
        return err;
    }
    (void)mk_buf_add(&s->text, s->client->authcid);
    (void)mk_buf_add_c(&s->text, ' ');
    mk_hex_encoder_init(&e, false);
    (void)mk_hex_encode(&e, &octets, &s->text); /* there is room: 255 + 33 */
    return mk_sasl_send(s, mk_buf_str(&s->text), MK_SASL_DONE);
}

mk_err mk_sasl_client_external_begin(mk_sasl *s)
{
    return mk_sasl_send(s, s->client->authzid, MK_SASL_DONE);
}

/* The trace; RFC 4505 2 allows none. */
mk_err mk_sasl_client_anonymous_begin(mk_sasl *s)
{
    return mk_sasl_send(s, s->client->authcid, MK_SASL_DONE);
}
