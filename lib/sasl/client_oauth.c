/* SPDX-License-Identifier: MIT
 *
 * sasl/client_oauth.c: the client of OAUTHBEARER (RFC 7628) and of XOAUTH2,
 * its forerunner without an RFC. A server that refuses a token says so in a
 * challenge; the client answers with one octet, or nothing, and has failed
 * (RFC 7628 3.2.3). What that challenge says is not interpreted.
 */
#include "sasl/internal.h"

static void add_bearer(mk_sasl *s)
{
    (void)mk_buf_add_z(&s->text, "auth=Bearer ");
    (void)mk_buf_add(&s->text, s->client->token);
    (void)mk_buf_add_c(&s->text, SASL_CONTROL_A);
    (void)mk_buf_add_c(&s->text, SASL_CONTROL_A);
}

static mk_err send_text(mk_sasl *s)
{
    mk_err err = mk_sasl_text_fits(s);

    return err == MK_OK ? mk_sasl_send(s, mk_buf_str(&s->text), MK_SASL_DONE)
                        : err;
}

mk_err mk_sasl_client_xoauth2_begin(mk_sasl *s)
{
    (void)mk_buf_add_z(&s->text, "user=");
    (void)mk_buf_add(&s->text, s->client->authcid);
    (void)mk_buf_add_c(&s->text, SASL_CONTROL_A);
    add_bearer(s);
    return send_text(s);
}

/* client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep */
mk_err mk_sasl_client_bearer_begin(mk_sasl *s)
{
    const mk_sasl_client_config *c = s->client;
    mk_str name = c->authzid.len > 0 ? c->authzid : c->authcid;

    (void)mk_buf_add_z(&s->text, "n,");
    if (name.len > 0) {
        (void)mk_buf_add_z(&s->text, "a=");
        (void)mk_sasl_escape(&s->text, name);
    }
    (void)mk_buf_add_c(&s->text, ',');
    (void)mk_buf_add_c(&s->text, SASL_CONTROL_A);
    if (c->host.len > 0) {
        (void)mk_buf_add_z(&s->text, "host=");
        (void)mk_buf_add(&s->text, c->host);
        (void)mk_buf_add_c(&s->text, SASL_CONTROL_A);
    }
    if (c->port > 0) {
        (void)mk_buf_add_z(&s->text, "port=");
        (void)mk_buf_add_u64(&s->text, c->port);
        (void)mk_buf_add_c(&s->text, SASL_CONTROL_A);
    }
    add_bearer(s);
    return send_text(s);
}

mk_err mk_sasl_client_token_take(mk_sasl *s, mk_str message)
{
    static const char control_a[] = {SASL_CONTROL_A};
    size_t n = s->row->mechanism == MK_SASL_OAUTHBEARER ? 1 : 0;

    (void)message;
    s->why = MK_E_AUTH;
    return mk_sasl_send(s, mk_str_of(control_a, n), MK_SASL_FAILED);
}
