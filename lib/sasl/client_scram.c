/* SPDX-License-Identifier: MIT
 *
 * sasl/client_scram.c: the client of SCRAM (RFC 5802 5 and 7, RFC 7677). The
 * iteration count is judged before a single one is done (RFC 5802 9), the
 * nonce must be longer than what was sent and begin with it, and only the
 * server's signature, right, makes the exchange DONE. It refuses m=, a missing
 * signature, and what stands in the place of another attribute.
 */
#include "sasl/internal.h"

#include <mailkit/codec.h>

#include "base/ascii.h"

/* The better type first: RFC 9266 3. */
static mk_str choose_type(const mk_tls_info *tls)
{
    mk_str type = mk_str_z("tls-exporter");

    return mk_sasl_binding(tls, type).len > 0
               ? type
               : mk_str_z("tls-server-end-point");
}

/* gs2-cbind-flag = ("p=" cb-name) / "n" / "y": y says that this end could,
 * and that the other did not offer it, so that who struck -PLUS from the list
 * is found out (RFC 5802 6). */
static void add_flag(mk_sasl *s)
{
    mk_str type = choose_type(s->tls);
    bool can = mk_sasl_binding(s->tls, type).len > 0 &&
               (s->client->mechanisms & SASL_PLUS) != 0;

    if ((s->row->mechanism & SASL_PLUS) != 0) {
        (void)mk_buf_add_z(&s->text, "p=");
        (void)mk_buf_add(&s->text, type);
        s->binding = mk_sasl_binding(s->tls, type);
    } else {
        bool was_seen = (s->offered & SASL_PLUS) != 0;

        (void)mk_buf_add_c(&s->text, can && !was_seen ? 'y' : 'n');
    }
}

/* client-first-message = gs2-header username "," nonce */
mk_err mk_sasl_client_scram_begin(mk_sasl *s)
{
    const mk_sasl_client_config *c = s->client;
    mk_buf *b = &s->text;
    mk_err err;

    add_flag(s);
    (void)mk_buf_add_c(b, ',');
    if (c->authzid.len > 0) {
        (void)mk_buf_add_z(b, "a=");
        (void)mk_sasl_escape(b, c->authzid);
    }
    (void)mk_buf_add_c(b, ',');
    s->gs2_len = b->len;
    (void)mk_buf_add_z(b, "n=");
    (void)mk_sasl_escape(b, c->authcid);
    (void)mk_buf_add_z(b, ",r=");
    s->nonce_at = b->len;
    s->nonce_len = 0;
    err = mk_sasl_add_nonce(s, b);
    if (err == MK_OK) {
        s->nonce_len = b->len - s->nonce_at;
        return mk_sasl_send(s, mk_buf_str(b), MK_SASL_TAKE);
    }
    return err == MK_E_ROOM ? MK_E_LIMIT : err;
}

/* nonce = "r=" c-nonce [s-nonce]; s-nonce = printable, one or more here */
static mk_err take_nonce(mk_sasl *s, mk_str nonce)
{
    mk_str mine = mk_str_of(s->text.ptr + s->nonce_at, s->nonce_len);

    if (nonce.len <= mine.len || !mk_sasl_is_visible(nonce) ||
        !mk_str_is(mk_str_sub(nonce, 0, mine.len), mine)) {
        return MK_E_PROTOCOL;
    }
    return MK_OK;
}

/* posit-number = %x31-39 *DIGIT */
static mk_err take_iterations(const mk_sasl_client_config *c, mk_str text,
                              uint32_t *out_iterations)
{
    uint64_t value = 0;
    mk_err err = mk_str_u64(text, &value);

    if (err == MK_E_SYNTAX || text.ptr[0] == '0') {
        return MK_E_SYNTAX;
    }
    if (err != MK_OK || value < c->iterations_min ||
        value > c->iterations_max) {
        return MK_E_LIMIT;
    }
    *out_iterations = (uint32_t)value;
    return MK_OK;
}

static mk_err take_salt(mk_sasl_work *w, mk_str base64)
{
    mk_buf salt;
    mk_err err;

    mk_buf_init(&salt, w->salt, sizeof w->salt);
    err = mk_base64_parse(base64, &salt);
    w->salt_len = salt.len;
    return err == MK_E_ROOM ? MK_E_LIMIT : err;
}

/* server-first-message = nonce "," salt "," iteration-count
 *                        ["," extensions] */
static mk_err take_first(mk_sasl *s, mk_str message)
{
    mk_sasl_work *w = &s->work;
    mk_str in = message;
    mk_str nonce, salt, count;
    mk_err err;

    if (!mk_sasl_attribute(&in, 'r', &nonce) ||
        !mk_sasl_attribute(&in, 's', &salt) ||
        !mk_sasl_attribute(&in, 'i', &count) || !mk_sasl_is_extensions(in)) {
        return MK_E_SYNTAX;
    }
    err = take_nonce(s, nonce);
    if (err == MK_OK) {
        err = take_salt(w, salt);
    }
    if (err == MK_OK) {
        err = take_iterations(s->client, count, &w->iterations);
    }
    if (err != MK_OK) {
        return err;
    }
    (void)mk_buf_add_c(&s->text, ',');
    s->nonce_at = s->text.len + 2;
    s->nonce_len = nonce.len;
    (void)mk_sasl_keep(s, message);
    (void)mk_buf_add_c(&s->text, ',');
    s->state = MK_SASL_WORK;
    err = mk_sasl_text_fits(s);
    return err != MK_OK ? err
                        : mk_sasl_derive_begin(
                              &w->derivation, s->crypto, s->row->hash,
                              s->client->password,
                              mk_str_of((const char *)w->salt, w->salt_len),
                              w->iterations);
}

/* ClientProof := ClientKey XOR ClientSignature */
static mk_err make_proof(mk_sasl *s, unsigned char *out_proof)
{
    mk_sasl_work *w = &s->work;
    mk_err err = mk_sasl_sign(s, w->keys.stored_key, out_proof);
    size_t i;

    if (err == MK_OK) {
        err = mk_sasl_sign(s, w->keys.server_key, w->wanted);
    }
    for (i = 0; err == MK_OK && i < mk_hash_size(s->row->hash); i++) {
        out_proof[i] = (unsigned char)(out_proof[i] ^ w->keys.client_key[i]);
    }
    mk_wipe(&w->keys, sizeof w->keys);
    return err;
}

/* client-final-message = client-final-message-without-proof "," proof */
mk_err mk_sasl_client_scram_work(mk_sasl *s)
{
    mk_sasl_work *w = &s->work;
    unsigned char proof[SASL_KEY_MAX];
    size_t start = s->text.len;
    mk_err err = mk_sasl_derive_step(&w->derivation, s->slice, &w->keys);

    if (err != MK_OK) {
        return err;
    }
    err = mk_sasl_add_final(s);
    if (err == MK_OK) {
        err = make_proof(s, proof);
    }
    if (err == MK_OK) {
        err = mk_sasl_add_value(s, ",p=", proof);
    }
    mk_wipe(proof, sizeof proof);
    if (err != MK_OK) {
        return err;
    }
    return mk_sasl_send(s, mk_sasl_text_from(s, start), MK_SASL_TAKE);
}

/* server-error = "e=" server-error-value: told apart as far as it matters */
static mk_err judge_error(mk_str value)
{
    return mk_str_is(value, mk_str_z("invalid-proof")) ||
                   mk_str_is(value, mk_str_z("unknown-user"))
               ? MK_E_AUTH
               : MK_E_PROTOCOL;
}

/* server-final-message = (server-error / verifier) ["," extensions] */
static mk_err take_final(mk_sasl *s, mk_str message)
{
    unsigned char signature[SASL_KEY_MAX];
    mk_str value;

    if (mk_sasl_attribute(&message, 'e', &value)) {
        return judge_error(value);
    }
    if (!mk_sasl_attribute(&message, 'v', &value) ||
        !mk_sasl_is_extensions(message) ||
        mk_sasl_read_value(s, value, signature) != MK_OK) {
        return MK_E_SYNTAX;
    }
    if (!mk_equal_ct(signature, s->work.wanted, mk_hash_size(s->row->hash))) {
        return MK_E_PROTOCOL;
    }
    return mk_sasl_send(s, mk_str_of(NULL, 0), MK_SASL_DONE);
}

mk_err mk_sasl_client_scram_take(mk_sasl *s, mk_str message)
{
    return s->turn == 0 ? take_first(s, message) : take_final(s, message);
}
