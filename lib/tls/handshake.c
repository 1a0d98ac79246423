/* SPDX-License-Identifier: MIT
 *
 * tls/handshake.c: the way into TLS: from STARTTLS (RFC 3207 4) or from the
 * first octet (RFC 8314), within a time, and the verdict on who is there. An
 * inner engine that has spoken already lives on meanwhile, with no input: its
 * own deadline, mk_cancel and mk_finish mean what they always do. It refuses
 * clear octets behind STARTTLS (Law 9), more handshakes at once than there
 * may be, and to go on in clear after anything went wrong.
 */
#include "tls/session.h"

#include <string.h>

static int on_certificate(void *p, mbedtls_x509_crt *crt, int depth,
                          uint32_t *flags)
{
    const session *s = p;
    const mk_tls_context_config *c = &s->context->c;
    mk_str name = s->config->server_name;
    if (c->is_server) {
        name = mk_str_of(NULL, 0);
    }
    int64_t to_s = mk_tls_seconds(&crt->valid_to);
    s->state->valid_to_s =
        to_s < s->state->valid_to_s ? to_s : s->state->valid_to_s;
    mk_tls_flags_amend(crt, depth, c->wall_s(c->wall_self), name,
                       &s->context->revoked, flags);
    return 0;
}

/* ---- the end ---------------------------------------------------------------
 */

static void uncount(session *s)
{
    tls_state *t = s->state;
    if (t != NULL && t->is_counted) {
        t->is_counted = false;
        s->context->handshakes--;
    }
}

void mk_tls_state_free(session *s)
{
    tls_state *t = s->state;
    if (t == NULL) {
        return;
    }
    uncount(s);
    mk_tls_plain_give(s);
    mk_tls_out_give(s);
    mbedtls_ssl_free(&t->ssl);
    if (t->ring != NULL) {
        mk_tls_keyring_drop(t->ring);
    }
    mk_wipe(t, sizeof *t);
    mk_alloc_put(s->context->c.alloc, t, sizeof *t);
    s->state = NULL;
}

/* No TLS, and nothing in clear either: the inner engine ends. */
static void fail(session *s, mk_err why)
{
    uncount(s);
    s->phase = PHASE_DEAD;
    if (mk_tls_done(s->inner, why, NULL) != MK_OK) {
        mk_in_eof(s->inner, why); /* it did not know that there was TLS */
    }
}

/* ---- the beginning --------------------------------------------------------
 */

static mk_err ssl_fill(session *s)
{
    tls_state *t = s->state;
    const mk_tls_config *c = s->config;
    int ret = mbedtls_ssl_setup(&t->ssl, &t->ring->conf);
    if (ret == 0 && !s->context->c.is_server) {
        mk_tls_info_name(t, mk_tls_without_dot(c->server_name));
        /* an address is not sent (RFC 6066 3), only verified */
        ret = mbedtls_ssl_set_hostname(
            &t->ssl, mk_tls_is_address(c->server_name) ? NULL : t->name);
    }
    if (ret != 0) {
        return mk_tls_error(ret);
    }
    mbedtls_ssl_set_bio(&t->ssl, s, mk_tls_bio_send, mk_tls_bio_recv, NULL);
    mbedtls_ssl_set_verify(&t->ssl, on_certificate, s);
    mk_tls_ticket_offer(s);
    return MK_OK;
}

mk_err mk_tls_shake_begin(session *s)
{
    mk_tls_context *x = s->context;
    if (x->handshakes >= x->c.handshakes_max) {
        return MK_E_LIMIT;
    }
    s->state = mk_alloc_get(x->c.alloc, sizeof *s->state);
    if (s->state == NULL) {
        return MK_E_MEMORY;
    }
    mbedtls_ssl_init(&s->state->ssl);
    s->state->ring = mk_tls_keyring_hold(x);
    s->state->shown = s->state->ring->certs;
    s->state->valid_to_s = INT64_MAX;
    x->handshakes++;
    s->state->is_counted = true;
    mk_err err = ssl_fill(s);
    if (err != MK_OK) {
        mk_tls_state_free(s);
        return err;
    }
    s->phase = PHASE_SHAKE;
    return MK_OK;
}

static void time_begin(session *s, uint64_t now_ms)
{
    s->is_begun = true;
    s->since_ms = now_ms;
}

/* The inner engine wants TLS. */
void mk_tls_shake_start(session *s, mk_str *io_in, uint64_t now_ms)
{
    size_t held = io_in->len;
    if (mk_tls_begin(s->inner, held) != MK_OK || held > 0) {
        *io_in = mk_str_sub(*io_in, held, 0); /* neither parsed nor passed on */
        s->phase = PHASE_DEAD;
        return;
    }
    mk_err err = mk_tls_shake_begin(s);
    if (err != MK_OK) {
        fail(s, err);
        return;
    }
    time_begin(s, now_ms);
}

/* ---- the handshake --------------------------------------------------------
 */

/* What the certificate is worth, and whether that is enough. */
static mk_err judge(session *s)
{
    tls_state *t = s->state;
    const mk_tls_context_config *c = &s->context->c;
    bool is_needed = c->is_server ? c->ask == MK_TLS_ASK_NEEDED
                                  : s->config->policy == MK_TLS_POLICY_MUST;
    uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);

    if (mbedtls_ssl_get_peer_cert(&t->ssl) == NULL) {
        flags |= MBEDTLS_X509_BADCERT_MISSING;
    }
    t->info.verify = mk_tls_verdict(flags);
    t->info.is_resumed = !t->is_full;
    if (t->info.is_resumed && t->is_offered) {
        t->info.verify = t->offered;
    }
    return is_needed ? t->info.verify : MK_OK;
}

static void shaken(session *s)
{
    mk_err err = judge(s);
    if (err != MK_OK) {
        (void)mbedtls_ssl_send_alert_message(&s->state->ssl,
                                             MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                             MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
        fail(s, err);
        return;
    }
    uncount(s);
    mk_tls_info_fill(s);
    mk_tls_ticket_keep(s);
    s->phase = PHASE_OPEN;
    err = mk_tls_done(s->inner, MK_OK, &s->state->info);
    if (err != MK_OK && !s->config->is_implicit) {
        s->phase = PHASE_DEAD; /* it has changed its mind */
    }
}

/* Certificates are shown in every handshake but those that resume. */
static int advance(tls_state *t)
{
    int ret = 0;
    while (ret == 0 && !mk_tls_is_shaken(&t->ssl)) {
        t->is_full = t->is_full || t->ssl.MBEDTLS_PRIVATE(state) ==
                                       MBEDTLS_SSL_SERVER_CERTIFICATE;
        ret = mbedtls_ssl_handshake_step(&t->ssl);
    }
    return ret != 0 ? ret : mbedtls_ssl_handshake(&t->ssl);
}

/* The inner engine has no input now, but a clock and an application. For
 * implicit TLS it has not begun: its first word belongs inside. */
static mk_err meanwhile(session *s, uint64_t now_ms, mk_event *ev)
{
    mk_str nothing = mk_str_of(NULL, 0);
    if (s->config->is_implicit) {
        return MK_WAIT;
    }
    mk_err r = mk_step(s->inner, now_ms, &nothing, ev);
    if (r == MK_END ||
        (mk_want(s->inner) & (MK_WANT_CLOSE | MK_WANT_ABORT)) != 0) {
        uncount(s);
        s->phase = PHASE_DEAD;
    }
    return r;
}

uint64_t mk_tls_due_ms(const session *s)
{
    uint64_t ms = s->context->c.handshake_ms;
    return s->since_ms + (s->is_hurried ? ms / 10 : ms);
}

mk_err mk_tls_shake(session *s, mk_str *io_in, uint64_t now_ms, mk_event *ev)
{
    tls_state *t = s->state;
    if (!s->is_begun) {
        time_begin(s, now_ms);
    }
    t->in = *io_in;
    int ret = advance(t);
    *io_in = t->in;
    if (ret == 0) {
        shaken(s);
    } else if (ret != MBEDTLS_ERR_SSL_WANT_READ &&
               ret != MBEDTLS_ERR_SSL_WANT_WRITE) {
        fail(s,
             s->is_eof && s->eof_why != MK_OK ? s->eof_why : mk_tls_error(ret));
    } else if (now_ms >= mk_tls_due_ms(s)) {
        fail(s, MK_E_TIMEOUT);
    } else {
        return meanwhile(s, now_ms, ev);
    }
    return MK_E_AGAIN;
}
