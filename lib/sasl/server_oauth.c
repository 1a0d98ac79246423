/* SPDX-License-Identifier: MIT
 *
 * sasl/server_oauth.c: the server of OAUTHBEARER (RFC 7628) and of XOAUTH2,
 * its forerunner without an RFC. Who is refused is told so in a challenge and
 * has one more word before the end (RFC 7628 3.2.3). Whether a token is good,
 * and whose it is, the application knows; nothing is cached here.
 */
#include "sasl/internal.h"

#include "base/ascii.h"

/* "Bearer" SP token, the scheme in any case (RFC 6750 2.1); anything else is
 * a token that is refused: empty, it asks what the error says (RFC 7628 4.3).
 * The token stays in the text, where the whole message lies. */
static mk_str find_token(mk_str value)
{
    static const mk_str scheme = MK_STR_INIT("Bearer ");
    mk_str token = mk_str_sub(value, scheme.len, SIZE_MAX);

    return mk_str_has_prefix_nocase(value, scheme) && mk_sasl_is_visible(token)
               ? token
               : mk_str_of(NULL, 0);
}

/* ,"NAME":"VALUE" with the escapes of RFC 8259 7; nothing when it is empty */
static void add_member(mk_buf *out, const char *name, mk_str value)
{
    size_t i;

    if (value.len == 0) {
        return;
    }
    (void)mk_buf_add_z(out, ",\"");
    (void)mk_buf_add_z(out, name);
    (void)mk_buf_add_z(out, "\":\"");
    for (i = 0; i < value.len; i++) {
        unsigned char c = mk_octet_at(value, i);

        if (c < 0x20) {
            (void)mk_buf_add_z(out, "\\u00");
            (void)mk_buf_add_c(out, mk_hex_digit((unsigned)c >> 4));
            (void)mk_buf_add_c(out, mk_hex_digit(c));
            continue;
        }
        if (c == '"' || c == '\\') {
            (void)mk_buf_add_c(out, '\\');
        }
        (void)mk_buf_add_c(out, (char)c);
    }
    (void)mk_buf_add_c(out, '"');
}

/* RFC 7628 3.2.2; XOAUTH2 gives a number and the scheme instead. */
static mk_err send_error(mk_sasl *s)
{
    const mk_sasl_server_config *c = s->server;
    mk_buf *b = &s->text;

    mk_wipe(b->ptr, b->len);
    b->len = 0;
    if (s->row->mechanism == MK_SASL_XOAUTH2) {
        (void)mk_buf_add_z(b, "{\"status\":\"401\",\"schemes\":\"bearer\"");
    } else {
        (void)mk_buf_add_z(b, "{\"status\":\"invalid_token\"");
    }
    add_member(b, "scope", c->oauth_scope);
    add_member(b, "openid-configuration", c->oauth_configuration);
    (void)mk_buf_add_c(b, '}');
    return mk_sasl_text_fits(s) == MK_OK
               ? mk_sasl_send(s, mk_buf_str(b), MK_SASL_TAKE)
               : MK_E_AUTH;
}

/* One KEY=VALUE and the control-A behind it, moves past it. */
static bool take_pair(mk_str *io_in, mk_str *out_key, mk_str *out_value)
{
    size_t n = mk_str_find(*io_in, SASL_CONTROL_A);
    mk_str pair = mk_str_sub(*io_in, 0, n);
    size_t equals = mk_str_find(pair, '=');

    if (n == io_in->len || equals == 0 || equals == n) {
        return false;
    }
    *out_key = mk_str_sub(pair, 0, equals);
    *out_value = mk_str_sub(pair, equals + 1, SIZE_MAX);
    *io_in = mk_str_sub(*io_in, n + 1, SIZE_MAX);
    return true;
}

/* key = 1*(ALPHA)    value = *(VCHAR / SP / HTAB / CR / LF) */
static bool is_pair_good(mk_str key, mk_str value)
{
    size_t i;

    for (i = 0; i < key.len; i++) {
        if (!mk_is_alpha(mk_octet_at(key, i))) {
            return false;
        }
    }
    for (i = 0; i < value.len; i++) {
        unsigned char c = mk_octet_at(value, i);

        if (!mk_is_vchar(c) && !mk_is_wsp(c) && c != '\r' && c != '\n') {
            return false;
        }
    }
    return true;
}

/* *kvpair kvsep, and nothing behind it; auth= once, what is not known is
 * passed over (RFC 7628 3.1) */
static mk_err take_pairs(mk_sasl *s, mk_str in)
{
    bool has_auth = false;
    mk_str key, value;

    while (take_pair(&in, &key, &value)) {
        bool is_auth = mk_str_is(key, mk_str_z("auth"));

        if (!is_pair_good(key, value) || (is_auth && has_auth)) {
            return MK_E_SYNTAX;
        }
        if (is_auth) {
            has_auth = true;
            s->ask.secret = find_token(value);
        }
    }
    if (!has_auth || in.len != 1 || in.ptr[0] != SASL_CONTROL_A) {
        return MK_E_SYNTAX;
    }
    return s->ask.secret.len > 0 ? mk_sasl_ask_now(s) : send_error(s);
}

static mk_str keep(mk_sasl *s, mk_str message)
{
    (void)mk_sasl_keep(s, message);
    return mk_buf_str(&s->text);
}

/* "user=" userName ^A "auth=Bearer " token ^A ^A */
mk_err mk_sasl_server_xoauth2_take(mk_sasl *s, mk_str message)
{
    mk_str in, key, value;
    mk_err err;

    if (s->turn > 0) {
        return MK_E_AUTH;
    }
    in = keep(s, message);
    if (!take_pair(&in, &key, &value) || !mk_str_is(key, mk_str_z("user"))) {
        return MK_E_SYNTAX;
    }
    err = mk_sasl_keep_name(value, s->authcid, &s->ask.authcid);
    return err == MK_OK ? take_pairs(s, in) : err;
}

/* client-resp = gs2-header kvsep *kvpair kvsep; no channel binding is defined,
 * so "p=" is none of it */
mk_err mk_sasl_server_bearer_take(mk_sasl *s, mk_str message)
{
    mk_str in;
    mk_err err;

    if (s->turn > 0) {
        return MK_E_AUTH;
    }
    in = keep(s, message);
    if (in.len < 2 || in.ptr[1] != ',' ||
        (in.ptr[0] != 'n' && in.ptr[0] != 'y')) {
        return MK_E_SYNTAX;
    }
    in = mk_str_sub(in, 2, SIZE_MAX);
    err = mk_sasl_gs2_authzid(&in, s->authcid, &s->ask.authcid);
    if (err != MK_OK) {
        return err;
    }
    if (in.len == 0 || in.ptr[0] != SASL_CONTROL_A) {
        return MK_E_SYNTAX;
    }
    return take_pairs(s, mk_str_sub(in, 1, SIZE_MAX));
}

mk_err mk_sasl_server_token_resolve(mk_sasl *s, bool is_yes,
                                    const mk_sasl_keys *keys)
{
    return is_yes ? mk_sasl_server_verdict(s, true, keys) : send_error(s);
}
