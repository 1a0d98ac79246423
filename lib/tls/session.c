/* SPDX-License-Identifier: MIT
 *
 * tls/session.c: TLS (RFC 5246, RFC 8446) as an engine over an engine. Input
 * is given to mbedTLS, what it decrypts to the inner engine; output of the
 * inner engine is encrypted only when a whole record fits the own bounded
 * queue, so that no write is ever retried with other arguments. It is taken
 * only after all input was looked at, so that early talk stays early talk.
 * It refuses clear octets behind STARTTLS (Law 9), to send anything of the
 * inner engine's in clear once TLS was asked for, and to call an end without
 * close_notify orderly.
 */
#include "tls/session.h"

#include <string.h>

enum {
    RECORD_MAX = 16384,
    OUT_ROOM = RECORD_MAX + 512,
    PLAIN_ROOM = RECORD_MAX,
    GATHER_MAX = 4096 /* spans below this are put together to one record */
};

static session *self(mk_engine *e)
{
    return (session *)(void *)e;
}

static const session *self_const(const mk_engine *e)
{
    return (const session *)(const void *)e;
}

/* ---- what mbedTLS calls ---------------------------------------------------
 */

static int bio_recv(void *p, unsigned char *buf, size_t n)
{
    const session *s = p;
    state *t = s->state;
    if (t->in.len == 0) {
        return s->is_eof ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
    }
    n = n < t->in.len ? n : t->in.len;
    memcpy(buf, t->in.ptr, n);
    t->in = mk_str_sub(t->in, n, SIZE_MAX);
    return (int)n;
}

static bool out_lend(session *s)
{
    state *t = s->state;
    if (t->out == NULL) {
        t->out = mk_alloc_get(s->context->c.alloc, OUT_ROOM);
    }
    return t->out != NULL;
}

static int bio_send(void *p, const unsigned char *buf, size_t n)
{
    session *s = p;
    state *t = s->state;
    if (!out_lend(s)) {
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    }
    size_t room = OUT_ROOM - t->out_at - t->out_len;
    t->is_blocked = room == 0;
    if (room == 0) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    n = n < room ? n : room;
    memcpy(t->out + t->out_at + t->out_len, buf, n);
    t->out_len += n;
    return (int)n;
}

static int on_certificate(void *p, mbedtls_x509_crt *crt, int depth,
                          uint32_t *flags)
{
    const session *s = p;
    const mk_tls_context_config *c = &s->context->c;
    mk_str name = s->config->server_name;
    if (c->is_server) {
        name = mk_str_of(NULL, 0);
    }
    s->state->is_full = true;
    mk_tls_flags_amend(crt, depth, c->wall_s(c->wall_self), name, flags);
    return 0;
}

/* ---- the end ---------------------------------------------------------------
 */

static void plain_give(session *s)
{
    state *t = s->state;
    if (t->plain != NULL) {
        mk_wipe(t->plain, t->plain_room);
        mk_alloc_put(s->context->c.alloc, t->plain, t->plain_room);
        t->plain = NULL;
    }
    t->plain_at = t->plain_len = t->plain_room = 0;
}

static void out_give(session *s)
{
    state *t = s->state;
    mk_alloc_put(s->context->c.alloc, t->out, t->out != NULL ? OUT_ROOM : 0);
    t->out = NULL;
    t->out_at = t->out_len = 0;
}

static void uncount(session *s)
{
    state *t = s->state;
    if (t != NULL && t->is_counted) {
        t->is_counted = false;
        s->context->handshakes--;
    }
}

static void state_free(session *s)
{
    state *t = s->state;
    if (t == NULL) {
        return;
    }
    uncount(s);
    plain_give(s);
    out_give(s);
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
    state *t = s->state;
    const mk_tls_config *c = s->config;
    int ret = mbedtls_ssl_setup(&t->ssl, &t->ring->conf);
    if (ret == 0 && !s->context->c.is_server) {
        mk_tls_info_name(t, c->server_name);
        /* an address is not sent (RFC 6066 3), only verified */
        ret = mbedtls_ssl_set_hostname(
            &t->ssl, mk_tls_is_address(c->server_name) ? NULL : t->name);
    }
    if (ret != 0) {
        return mk_tls_error(ret);
    }
    mbedtls_ssl_set_bio(&t->ssl, s, bio_send, bio_recv, NULL);
    mbedtls_ssl_set_verify(&t->ssl, on_certificate, s);
    mk_tls_ticket_offer(s);
    return MK_OK;
}

/* On failure there is no state. */
static mk_err begin(session *s)
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
    x->handshakes++;
    s->state->is_counted = true;
    mk_err err = ssl_fill(s);
    if (err != MK_OK) {
        state_free(s);
        return err;
    }
    s->phase = PHASE_SHAKE;
    return MK_OK;
}

/* The inner engine wants TLS. */
static void start(session *s, mk_str *io_in, uint64_t now_ms)
{
    size_t held = io_in->len;
    if (mk_tls_begin(s->inner, held) != MK_OK || held > 0) {
        *io_in = mk_str_sub(*io_in, held, 0); /* neither parsed nor passed on */
        s->phase = PHASE_DEAD;
        return;
    }
    mk_err err = begin(s);
    if (err != MK_OK) {
        fail(s, err);
        return;
    }
    s->due_ms = now_ms + s->context->c.handshake_ms;
}

/* ---- the handshake --------------------------------------------------------
 */

/* What the certificate is worth, and whether that is enough. */
static mk_err judge(session *s)
{
    state *t = s->state;
    const mk_tls_context_config *c = &s->context->c;
    bool is_needed = c->is_server ? c->ask == MK_TLS_ASK_NEEDED
                                  : s->config->policy == MK_TLS_POLICY_MUST;
    uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);

    if (mbedtls_ssl_get_peer_cert(&t->ssl) == NULL) {
        flags |= MBEDTLS_X509_BADCERT_MISSING;
    }
    t->info.verify = mk_tls_verdict(flags);
    t->info.is_resumed = !t->is_full && !c->is_server;
    if (t->info.is_resumed && t->is_offered) {
        t->info.verify = (*s->config->ticket)->verify;
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

static mk_err shake(session *s, mk_str *io_in, uint64_t now_ms)
{
    state *t = s->state;
    if (s->due_ms == 0) {
        s->due_ms = now_ms + s->context->c.handshake_ms;
    }
    t->in = *io_in;
    int ret = mbedtls_ssl_handshake(&t->ssl);
    *io_in = t->in;
    if (ret == 0) {
        shaken(s);
    } else if (ret != MBEDTLS_ERR_SSL_WANT_READ &&
               ret != MBEDTLS_ERR_SSL_WANT_WRITE) {
        fail(s,
             s->is_eof && s->eof_why != MK_OK ? s->eof_why : mk_tls_error(ret));
    } else if (now_ms >= s->due_ms) {
        fail(s, MK_E_TIMEOUT);
    } else {
        return MK_WAIT;
    }
    return MK_E_AGAIN;
}

/* ---- input ----------------------------------------------------------------
 */

/* Room behind the tail that the inner engine has left. */
static bool plain_lend(session *s)
{
    state *t = s->state;
    const mk_alloc *a = s->context->c.alloc;
    size_t need = mk_in_max(s->inner);
    size_t room = need > PLAIN_ROOM ? need : PLAIN_ROOM;

    if (t->plain_room >= room) {
        memmove(t->plain, t->plain + t->plain_at, t->plain_len);
        t->plain_at = 0;
        return true;
    }
    char *grown = mk_alloc_get(a, room);
    if (grown == NULL) {
        return false;
    }
    size_t len = t->plain_len;
    if (len > 0) {
        memcpy(grown, t->plain + t->plain_at, len);
    }
    plain_give(s);
    t->plain = grown;
    t->plain_room = room;
    t->plain_len = len;
    return true;
}

static void end_of_input(session *s, mk_err why)
{
    state *t = s->state;
    if (!t->is_told_eof) {
        t->is_told_eof = true;
        mk_in_eof(s->inner, why);
    }
}

/* TLS itself cannot go on: nothing is said in any form any more. */
static void give_up(session *s, mk_err why)
{
    end_of_input(s, why);
    s->phase = PHASE_DEAD;
}

static mk_err ended(session *s, int ret)
{
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        end_of_input(s, MK_OK);
    } else if (ret == 0 || ret == MBEDTLS_ERR_SSL_CONN_EOF) {
        end_of_input(s, s->eof_why != MK_OK ? s->eof_why : MK_E_CUT);
    } else {
        give_up(s, mk_tls_error(ret));
    }
    return MK_E_AGAIN;
}

/* Tickets of TLS 1.3 come among the data. */
static bool is_ticket(int ret)
{
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
    return ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
    (void)ret;
    return false;
#endif
}

static int read_some(session *s)
{
    state *t = s->state;
    char *at = t->plain + t->plain_len; /* plain_at is 0 now */
    int ret;
    do {
        ret = mbedtls_ssl_read(&t->ssl, (unsigned char *)at,
                               t->plain_room - t->plain_len);
        if (is_ticket(ret)) {
            mk_tls_ticket_keep(s);
        }
    } while (is_ticket(ret));
    return ret;
}

/* Decrypt some more. MK_E_AGAIN: there is something new to look at. */
static mk_err fill(session *s)
{
    state *t = s->state;
    if (t->is_told_eof) {
        t->in = mk_str_sub(t->in, t->in.len, 0); /* dropped */
        return MK_WAIT;
    }
    if (!plain_lend(s)) {
        give_up(s, MK_E_MEMORY);
        return MK_E_AGAIN;
    }
    if (t->plain_len == t->plain_room) {
        return MK_WAIT; /* the inner engine has what it may need */
    }
    int ret = read_some(s);
    if (ret > 0) {
        t->plain_len += (size_t)ret;
        return MK_E_AGAIN;
    }
    if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
        return MK_WAIT;
    }
    return ended(s, ret);
}

static mk_err converse(session *s, mk_str *io_in, uint64_t now_ms, mk_event *ev)
{
    state *t = s->state;
    mk_str view = mk_str_of(t->plain_len > 0 ? t->plain + t->plain_at : NULL,
                            t->plain_len);
    mk_err r = mk_step(s->inner, now_ms, &view, ev);

    t->plain_at += t->plain_len - view.len;
    t->plain_len = view.len;
    if (r != MK_WAIT || s->phase == PHASE_DEAD) {
        return r;
    }
    if ((mk_want(s->inner) & MK_WANT_READ) == 0 && !t->is_told_eof) {
        return MK_WAIT;
    }
    t->in = *io_in;
    r = fill(s);
    *io_in = t->in;
    if (r == MK_WAIT && t->plain_len == 0) {
        plain_give(s);
    }
    return r;
}

/* ---- output ---------------------------------------------------------------
 */

/* What goes into the next record: the first span, or short ones together. */
static size_t gather(session *s, char *room, mk_str *out_data)
{
    mk_str spans[8];
    size_t n = mk_out(s->inner, 0, spans, 8);
    size_t len = 0;

    if (n == 0) {
        return 0;
    }
    *out_data = spans[0];
    if (n > 1 && spans[0].len < GATHER_MAX) {
        for (size_t i = 0; i < n && len < GATHER_MAX; i++) {
            mk_str part = mk_str_sub(spans[i], 0, GATHER_MAX - len);
            memcpy(room + len, part.ptr, part.len);
            len += part.len;
        }
        *out_data = mk_str_of(room, len);
    }
    return out_data->len;
}

/* Encrypt one record of the inner engine's output. */
static bool seal(session *s)
{
    state *t = s->state;
    char room[GATHER_MAX];
    mk_str data;
    int extra = mbedtls_ssl_get_record_expansion(&t->ssl);
    size_t n = extra > 0 ? gather(s, room, &data) : 0;
    size_t left = OUT_ROOM - t->out_at - t->out_len;
    int most = mbedtls_ssl_get_max_out_record_payload(&t->ssl);

    if (n > 0 && !out_lend(s)) {
        give_up(s, MK_E_MEMORY);
        return false;
    }
    if (n == 0 || left < (size_t)extra + (n < GATHER_MAX ? n : GATHER_MAX)) {
        return false;
    }
    n = n < left - (size_t)extra ? n : left - (size_t)extra;
    n = most > 0 && n > (size_t)most ? (size_t)most : n;
    int ret = mbedtls_ssl_write(&t->ssl, (const unsigned char *)data.ptr, n);
    mk_wipe(room, sizeof room);
    if (ret <= 0) {
        /* it cannot want to be retried: there was room */
        give_up(s, mk_tls_error(ret));
        return false;
    }
    return mk_out_sent(s->inner, (size_t)ret) == MK_OK;
}

/* All that fits; close_notify behind the last word. */
static void pump(session *s)
{
    state *t = s->state;
    mk_str rest;
    if (s->phase != PHASE_OPEN) {
        return;
    }
    while (seal(s)) {
    }
    if (s->phase == PHASE_OPEN && !t->is_notified &&
        (mk_want(s->inner) & MK_WANT_CLOSE) != 0 &&
        mk_out(s->inner, 0, &rest, 1) == 0) {
        t->is_notified =
            mbedtls_ssl_close_notify(&t->ssl) != MBEDTLS_ERR_SSL_WANT_WRITE;
    }
}

/* ---- the contract ---------------------------------------------------------
 */

static mk_err dead(session *s, mk_str *io_in, uint64_t now_ms, mk_event *ev)
{
    mk_str nothing = mk_str_of(NULL, 0);
    *io_in = mk_str_sub(*io_in, io_in->len, 0);
    mk_err r = mk_step(s->inner, now_ms, &nothing, ev);
    return r;
}

static mk_err clear(session *s, mk_str *io_in, uint64_t now_ms, mk_event *ev)
{
    mk_err r = mk_step(s->inner, now_ms, io_in, ev);
    if (r == MK_OK && ev->type == MK_EV_TLS_WANTED) {
        start(s, io_in, now_ms);
        return MK_E_AGAIN;
    }
    return r;
}

static mk_err step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                   mk_event *out_event)
{
    session *s = self(e);
    mk_err r;
    do {
        switch ((phase)s->phase) {
        case PHASE_CLEAR:
            r = clear(s, io_in, now_ms, out_event);
            break;
        case PHASE_SHAKE:
            r = shake(s, io_in, now_ms);
            break;
        case PHASE_OPEN:
            r = converse(s, io_in, now_ms, out_event);
            break;
        default:
            r = dead(s, io_in, now_ms, out_event);
            break;
        }
    } while (r == MK_E_AGAIN);
    return r;
}

static void in_eof(mk_engine *e, mk_err why)
{
    session *s = self(e);
    if (s->is_eof) {
        return;
    }
    s->is_eof = true;
    s->eof_why = why;
    if (s->phase == PHASE_CLEAR || s->phase == PHASE_DEAD) {
        mk_in_eof(s->inner, why);
    }
}

static size_t in_max(const mk_engine *e)
{
    return mk_in_max(self_const(e)->inner);
}

static size_t out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max)
{
    session *s = self(e);
    const state *t = s->state;
    if (s->phase == PHASE_CLEAR) {
        return mk_out(s->inner, skip, out_spans, max);
    }
    if (t == NULL) {
        return 0;
    }
    pump(s);
    if (skip >= t->out_len) {
        return 0;
    }
    out_spans[0] = mk_str_of(t->out + t->out_at + skip, t->out_len - skip);
    return 1;
}

static mk_err out_sent(mk_engine *e, size_t n)
{
    session *s = self(e);
    state *t = s->state;
    if (s->phase == PHASE_CLEAR) {
        return mk_out_sent(s->inner, n);
    }
    if (t == NULL || n > t->out_len) {
        return n == 0 ? MK_OK : MK_E_ARG;
    }
    t->out_at += n;
    t->out_len -= n;
    if (t->out_len == 0) {
        out_give(s);
    }
    return MK_OK;
}

static unsigned want_open(const session *s)
{
    const state *t = s->state;
    unsigned w = mk_want(s->inner);
    bool closing = (w & MK_WANT_CLOSE) != 0 && !t->is_notified;
    if (t->out_len > 0 || closing) {
        w |= MK_WANT_WRITE;
    }
    if (s->is_eof && !t->is_told_eof && (w & MK_WANT_READ) != 0) {
        w |= MK_WANT_STEP;
    }
    return w;
}

static unsigned want(const mk_engine *e)
{
    const session *s = self_const(e);
    const state *t = s->state;
    unsigned w = t != NULL && t->out_len > 0 ? MK_WANT_WRITE : 0;
    switch ((phase)s->phase) {
    case PHASE_CLEAR:
        return mk_want(s->inner);
    case PHASE_SHAKE:
        w |= s->due_ms == 0 || s->is_eof ? MK_WANT_STEP : 0;
        return w | (t->is_blocked ? (w != 0 ? 0 : MK_WANT_STEP) : MK_WANT_READ);
    case PHASE_OPEN:
        return want_open(s);
    default:
        return w | (mk_want(s->inner) &
                    (MK_WANT_STEP | MK_WANT_CLOSE | MK_WANT_ABORT));
    }
}

static uint64_t deadline(const mk_engine *e)
{
    const session *s = self_const(e);
    uint64_t inner = mk_deadline(s->inner);
    if (s->phase != PHASE_SHAKE) {
        return inner;
    }
    return s->due_ms < inner ? s->due_ms : inner;
}

static void close_session(mk_engine *e)
{
    session *s = self(e);
    mk_tls_context *x = s->context;
    mk_close(s->inner);
    state_free(s);
    x->sessions--;
    mk_alloc_put(x->c.alloc, s, sizeof *s);
}

static mk_engine *inner_of(mk_engine *e)
{
    return self(e)->inner;
}

static const mk_engine_ops ops = {
    .step = step,
    .in_eof = in_eof,
    .in_max = in_max,
    .out = out,
    .out_sent = out_sent,
    .want = want,
    .deadline = deadline,
    .close = close_session,
    .inner = inner_of,
    MK_WIRE_PASS,
};

/* ---- opening --------------------------------------------------------------
 */

mk_err mk_tls_config_init(mk_tls_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->policy = MK_TLS_POLICY_MUST;
    return MK_OK;
}

static mk_err check(const mk_tls_config *c)
{
    if (c == NULL || c->size != sizeof *c || c->context == NULL ||
        (unsigned)c->policy > MK_TLS_POLICY_MUST) {
        return MK_E_ARG;
    }
    if (c->context->c.is_server) {
        return MK_OK;
    }
    if (c->server_name.len == 0) {
        return MK_E_ARG;
    }
    return mk_tls_is_server_name(c->server_name) ? MK_OK : MK_E_CTL;
}

mk_err mk_tls_over(mk_engine *inner, const mk_tls_config *c,
                   mk_engine **out_outer)
{
    mk_err err = check(c);
    if (err != MK_OK || inner == NULL || out_outer == NULL) {
        return err != MK_OK ? err : MK_E_ARG;
    }
    session *s = mk_alloc_get(c->context->c.alloc, sizeof *s);
    if (s == NULL) {
        return MK_E_MEMORY;
    }
    s->base.ops = &ops;
    s->inner = inner;
    s->config = c;
    s->context = c->context;
    err = c->is_implicit ? begin(s) : MK_OK;
    if (err != MK_OK) {
        mk_alloc_put(c->context->c.alloc, s, sizeof *s);
        return err;
    }
    s->context->sessions++;
    *out_outer = &s->base;
    return MK_OK;
}
