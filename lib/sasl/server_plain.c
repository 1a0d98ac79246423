/* SPDX-License-Identifier: MIT
 *
 * sasl/server_plain.c: the server of PLAIN (RFC 4616) and LOGIN (no RFC). The
 * application either gives the verdict or, with asks_keys, the keys: then the
 * password is compared here, by deriving its keys in slices and, for users
 * that are known by a password, by tags of both; everybody costs both (THREATS
 * 50). It refuses any number of NULs but two, and an empty name or password
 * (THREATS 43).
 */
#include "sasl/internal.h"

/* The octets behind the names may be a password: no branch looks at them. */
static mk_err take_password(mk_sasl *s, mk_str password)
{
    if (password.len == 0 || mk_sasl_has_nul(password)) {
        return MK_E_SYNTAX;
    }
    if (password.len > MK_SASL_NAME_MAX) {
        return MK_E_LIMIT;
    }
    s->text.len = 0;
    (void)mk_sasl_keep(s, password);
    s->ask.secret = mk_buf_str(&s->text);
    return mk_sasl_ask_now(s);
}

/* message = [authzid] UTF8NUL authcid UTF8NUL passwd */
mk_err mk_sasl_server_plain_take(mk_sasl *s, mk_str message)
{
    size_t first = mk_str_find(message, 0);
    mk_str rest = mk_str_sub(message, first + 1, SIZE_MAX);
    size_t second = mk_str_find(rest, 0);
    mk_err err = MK_OK;

    if (second == rest.len) {
        return MK_E_SYNTAX;
    }
    if (first > 0) {
        err = mk_sasl_keep_name(mk_str_sub(message, 0, first), s->authzid,
                                &s->ask.authzid);
    }
    if (err == MK_OK) {
        err = mk_sasl_keep_name(mk_str_sub(rest, 0, second), s->authcid,
                                &s->ask.authcid);
    }
    return err == MK_OK
               ? take_password(s, mk_str_sub(rest, second + 1, SIZE_MAX))
               : err;
}

mk_err mk_sasl_server_login_begin(mk_sasl *s)
{
    return mk_sasl_send(s, mk_str_z("Username:"), MK_SASL_TAKE);
}

mk_err mk_sasl_server_login_take(mk_sasl *s, mk_str message)
{
    mk_err err;

    if (s->turn > 0) {
        return take_password(s, message);
    }
    err = mk_sasl_keep_name(message, s->authcid, &s->ask.authcid);
    return err == MK_OK ? mk_sasl_send(s, mk_str_z("Password:"), MK_SASL_TAKE)
                        : err;
}

/* Passwords of different lengths are compared by tags of equal length. */
static mk_err make_tags(mk_sasl *s, mk_str given, mk_str wanted)
{
    mk_str pepper = s->server->pepper;
    mk_err err =
        mk_hmac_once(s->crypto, MK_HASH_SHA256, pepper, given, s->work.given);

    return err == MK_OK ? mk_hmac_once(s->crypto, MK_HASH_SHA256, pepper,
                                       wanted, s->work.wanted)
                        : err;
}

mk_err mk_sasl_server_plain_resolve(mk_sasl *s, bool is_yes,
                                    const mk_sasl_keys *keys)
{
    mk_sasl_work *w = &s->work;
    mk_str given = mk_buf_str(&s->text);
    mk_err err;

    if (!s->server->asks_keys) {
        return mk_sasl_server_verdict(s, is_yes, keys);
    }
    err = mk_sasl_server_load(s, keys);
    if (err == MK_OK) {
        err = make_tags(s, given, mk_sasl_server_password(s, keys));
    }
    s->state = MK_SASL_WORK;
    return err == MK_OK ? mk_sasl_derive_begin(
                              &w->derivation, s->crypto, w->hash, given,
                              mk_str_of((const char *)w->salt, w->salt_len),
                              w->iterations)
                        : err;
}

mk_err mk_sasl_server_plain_work(mk_sasl *s)
{
    mk_sasl_work *w = &s->work;
    mk_sasl_secrets made;
    bool is_same_key, is_same_password;
    mk_err err;

    mk_wipe(s->text.ptr, s->text.len);
    s->text.len = 0;
    err = mk_sasl_derive_step(&w->derivation, s->slice, &made);
    if (err != MK_OK) {
        return err;
    }
    is_same_key =
        mk_equal_ct(made.stored_key, w->keys.stored_key, mk_hash_size(w->hash));
    is_same_password = mk_equal_ct(w->given, w->wanted, SASL_KEY_MAX);
    mk_wipe(&made, sizeof made);
    return mk_sasl_server_verdict(
        s, w->is_known && (w->has_password ? is_same_password : is_same_key),
        NULL);
}
