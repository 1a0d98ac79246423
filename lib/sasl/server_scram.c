/* SPDX-License-Identifier: MIT
 *
 * sasl/server_scram.c: the server of SCRAM (RFC 5802 5 and 7, RFC 7677). A
 * user who is not known is led to the same end as a wrong password: a salt
 * that stays the same, keys that match nothing, one verdict (THREATS 50).
 * Failure is told by the protocol around it, without the e= that would only
 * say more. It refuses m=, a "y" where -PLUS was offered (RFC 5802 6), and a
 * "c=" or "r=" that is not octet for octet what it must be.
 */
#include "sasl/internal.h"

#include <mailkit/codec.h>

/* gs2-cbind-flag = ("p=" cb-name) / "n" / "y" */
static mk_err take_flag(mk_sasl *s, mk_str *io_in, mk_str *out_type)
{
    bool is_plus = (s->row->mechanism & SASL_PLUS) != 0;
    uint32_t offer = mk_sasl_server_offer(s->server, s->tls);
    uint32_t twin = s->row->hash == MK_HASH_SHA1 ? MK_SASL_SCRAM_SHA_1_PLUS
                                                 : MK_SASL_SCRAM_SHA_256_PLUS;
    mk_str in = *io_in;

    if (mk_sasl_attribute(io_in, 'p', out_type)) {
        return is_plus && mk_sasl_binding(s->tls, *out_type).len > 0
                   ? MK_OK
                   : MK_E_PROTOCOL;
    }
    if (in.len < 2 || in.ptr[1] != ',' ||
        (in.ptr[0] != 'n' && in.ptr[0] != 'y')) {
        return MK_E_SYNTAX;
    }
    *io_in = mk_str_sub(in, 2, SIZE_MAX);
    *out_type = mk_str_of(NULL, 0);
    return is_plus || (in.ptr[0] == 'y' && (offer & twin) != 0) ? MK_E_PROTOCOL
                                                                : MK_OK;
}

/* client-first-message-bare = [reserved-mext ","] username "," nonce
 *                             ["," extensions] */
static mk_err take_bare(mk_sasl *s, mk_str bare)
{
    mk_str name, nonce;
    mk_err err;

    if (!mk_sasl_attribute(&bare, 'n', &name) ||
        !mk_sasl_attribute(&bare, 'r', &nonce) || !mk_sasl_is_visible(nonce) ||
        !mk_sasl_is_extensions(bare)) {
        return MK_E_SYNTAX;
    }
    err = mk_sasl_unescape(name, s->authcid, &s->ask.authcid);
    s->nonce_at = (size_t)(nonce.ptr - s->text.ptr);
    s->nonce_len = nonce.len;
    return err;
}

/* client-first-message = gs2-header client-first-message-bare */
static mk_err take_first(mk_sasl *s, mk_str message)
{
    mk_str in, type;
    mk_err err;

    (void)mk_sasl_keep(s, message);
    in = mk_buf_str(&s->text);
    err = take_flag(s, &in, &type);
    if (err == MK_OK) {
        err = mk_sasl_gs2_authzid(&in, s->authzid, &s->ask.authzid);
    }
    if (err != MK_OK) {
        return err;
    }
    s->binding = mk_sasl_binding(s->tls, type);
    s->gs2_len = message.len - in.len;
    err = take_bare(s, in);
    return err == MK_OK ? mk_sasl_ask_now(s) : err;
}

/* server-first-message = nonce "," salt "," iteration-count */
static mk_err send_first(mk_sasl *s)
{
    mk_sasl_work *w = &s->work;
    mk_buf *b = &s->text;
    mk_str theirs = mk_str_of(b->ptr + s->nonce_at, s->nonce_len);
    size_t start;
    mk_err err;

    (void)mk_buf_add_c(b, ',');
    start = b->len;
    (void)mk_buf_add_z(b, "r=");
    s->nonce_at = b->len;
    (void)mk_buf_add(b, theirs); /* behind it: they do not overlap */
    err = mk_sasl_add_nonce(s, b);
    if (err == MK_E_ENTROPY) {
        return err;
    }
    s->nonce_len = b->len - s->nonce_at;
    (void)mk_buf_add_z(b, ",s=");
    (void)mk_base64_format(mk_str_of((const char *)w->salt, w->salt_len), b);
    (void)mk_buf_add_z(b, ",i=");
    (void)mk_buf_add_u64(b, w->iterations);
    err = mk_sasl_text_fits(s);
    return err == MK_OK
               ? mk_sasl_send(s, mk_sasl_text_from(s, start), MK_SASL_TAKE)
               : err;
}

mk_err mk_sasl_server_scram_resolve(mk_sasl *s, bool is_yes,
                                    const mk_sasl_keys *keys)
{
    mk_sasl_work *w = &s->work;
    mk_err err = mk_sasl_server_load(s, keys);

    (void)is_yes;
    if (err != MK_OK || s->server->is_keys_only) {
        return err == MK_OK ? send_first(s) : err;
    }
    s->state = MK_SASL_WORK;
    return mk_sasl_derive_begin(&w->derivation, s->crypto, s->row->hash,
                                mk_sasl_server_password(s, keys),
                                mk_str_of((const char *)w->salt, w->salt_len),
                                s->server->iterations);
}

mk_err mk_sasl_server_scram_work(mk_sasl *s)
{
    mk_sasl_work *w = &s->work;
    mk_sasl_secrets made;
    mk_err err = mk_sasl_derive_step(&w->derivation, s->slice, &made);

    if (err != MK_OK) {
        return err;
    }
    if (w->has_password || !w->is_known) {
        w->keys = made;
    }
    mk_wipe(&made, sizeof made);
    return send_first(s);
}

/* ClientKey := ClientProof XOR ClientSignature; its hash must be StoredKey */
static mk_err judge_proof(mk_sasl *s, const unsigned char *proof,
                          bool *out_is_good)
{
    mk_sasl_work *w = &s->work;
    size_t n = mk_hash_size(s->row->hash);
    unsigned char key[SASL_KEY_MAX];
    unsigned char hash[SASL_KEY_MAX];
    mk_err err = mk_sasl_sign(s, w->keys.stored_key, key);
    size_t i;

    for (i = 0; err == MK_OK && i < n; i++) {
        key[i] = (unsigned char)(key[i] ^ proof[i]);
    }
    if (err == MK_OK) {
        err = mk_hash_once(s->crypto, s->row->hash,
                           mk_str_of((const char *)key, n), hash);
    }
    if (err == MK_OK) {
        bool is_same = mk_equal_ct(hash, w->keys.stored_key, n);

        *out_is_good = is_same && w->is_known;
    }
    mk_wipe(key, sizeof key);
    return err;
}

/* verifier = "v=" base64 */
static mk_err send_final(mk_sasl *s)
{
    unsigned char signature[SASL_KEY_MAX];
    size_t start = s->text.len;
    mk_err err = mk_sasl_sign(s, s->work.keys.server_key, signature);

    if (err == MK_OK) {
        err = mk_sasl_add_value(s, "v=", signature);
    }
    return err == MK_OK
               ? mk_sasl_send(s, mk_sasl_text_from(s, start), MK_SASL_TAKE)
               : err;
}

/* client-final-message-without-proof = channel-binding "," nonce
 *                                      ["," extensions]
 * Takes it into the text, gives what is behind "p=". */
static mk_err take_without_proof(mk_sasl *s, mk_str message, mk_str *out_value)
{
    mk_str wanted, rest, value;
    size_t start, n;
    mk_err err;

    (void)mk_buf_add_c(&s->text, ',');
    start = s->text.len;
    err = mk_sasl_add_final(s);
    if (err != MK_OK) {
        return err;
    }
    wanted = mk_sasl_text_from(s, start);
    rest = mk_str_sub(message, wanted.len, SIZE_MAX);
    if (!mk_str_is(mk_str_sub(message, 0, wanted.len), wanted) ||
        rest.len == 0 || rest.ptr[0] != ',') {
        return MK_E_PROTOCOL;
    }
    for (n = rest.len; rest.ptr[n - 1] != ','; n--) {
    }
    value = mk_str_sub(rest, n, SIZE_MAX);
    rest = mk_str_sub(rest, 0, n - 1); /* nothing, or a comma and more */
    if (!mk_sasl_attribute(&value, 'p', out_value) || rest.len == 1 ||
        !mk_sasl_is_extensions(mk_str_sub(rest, 1, SIZE_MAX))) {
        return MK_E_SYNTAX;
    }
    (void)mk_sasl_keep(s, rest);
    return mk_sasl_text_fits(s);
}

/* client-final-message = client-final-message-without-proof "," proof */
static mk_err take_final(mk_sasl *s, mk_str message)
{
    unsigned char proof[SASL_KEY_MAX];
    mk_str value;
    bool is_good = false;
    mk_err err = take_without_proof(s, message, &value);

    if (err == MK_OK) {
        err = mk_sasl_read_value(s, value, proof);
    }
    if (err == MK_OK) {
        err = judge_proof(s, proof, &is_good);
    }
    if (err == MK_OK && !is_good) {
        err = MK_E_AUTH;
    }
    return err == MK_OK ? send_final(s) : err;
}

mk_err mk_sasl_server_scram_take(mk_sasl *s, mk_str message)
{
    if (s->turn == 0) {
        return take_first(s, message);
    }
    if (s->turn == 1) {
        return take_final(s, message);
    }
    if (message.len > 0) {
        return MK_E_SYNTAX;
    }
    mk_sasl_end(s, MK_OK);
    return MK_OK;
}
