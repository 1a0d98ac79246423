/* SPDX-License-Identifier: MIT
 *
 * tls/records.c: octets through TLS (RFC 5246 6, RFC 8446 5). Input is given
 * to mbedTLS, what it decrypts to the inner engine. Output of the inner engine
 * is encrypted only when a whole record fits the own bounded queue, so that no
 * write is ever retried with other arguments; and only after all input was
 * looked at, so that early talk stays early talk (Law 4). It refuses to call an
 * end without close_notify orderly (THREATS 39), and a peer that makes mbedTLS
 * answer without ever taking an answer.
 */
#include "tls/session.h"

#include <string.h>

enum {
    GATHER_MAX = 4096 /* spans below this are put together to one record */
};

/* ---- what mbedTLS calls ---------------------------------------------------
 */

int mk_tls_bio_recv(void *p, unsigned char *buf, size_t n)
{
    const session *s = p;
    tls_state *t = s->state;
    if (t->in.len == 0) {
        return s->is_eof ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
    }
    n = n < t->in.len ? n : t->in.len;
    memcpy(buf, t->in.ptr, n);
    t->in = mk_str_sub(t->in, n, SIZE_MAX);
    return (int)n;
}

/* Not zeroed: only what was written is ever read. */
static char *borrow(const session *s, size_t n)
{
    const mk_alloc *a = s->context->c.alloc;
    return a->get(a->self, n);
}

static bool out_lend(session *s)
{
    tls_state *t = s->state;
    if (t->out == NULL) {
        t->out = borrow(s, MK_TLS_OUT_ROOM);
    }
    return t->out != NULL;
}

int mk_tls_bio_send(void *p, const unsigned char *buf, size_t n)
{
    session *s = p;
    tls_state *t = s->state;
    if (!out_lend(s)) {
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    }
    size_t room = MK_TLS_OUT_ROOM - t->out_at - t->out_len;
    t->is_blocked = room == 0;
    if (room == 0) {
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    n = n < room ? n : room;
    memcpy(t->out + t->out_at + t->out_len, buf, n);
    t->out_len += n;
    return (int)n;
}

/* ---- memory on loan --------------------------------------------------------
 */

void mk_tls_plain_give(session *s)
{
    tls_state *t = s->state;
    if (t->plain != NULL) {
        mk_wipe(t->plain, t->plain_top);
        mk_alloc_put(s->context->c.alloc, t->plain, t->plain_room);
        t->plain = NULL;
    }
    t->plain_at = t->plain_len = t->plain_room = t->plain_top = 0;
}

void mk_tls_out_give(session *s)
{
    tls_state *t = s->state;
    mk_alloc_put(s->context->c.alloc, t->out,
                 t->out != NULL ? MK_TLS_OUT_ROOM : 0);
    t->out = NULL;
    t->out_at = t->out_len = 0;
}

/* ---- input ----------------------------------------------------------------
 */

/* Room behind the tail that the inner engine has left. */
static bool plain_lend(session *s)
{
    tls_state *t = s->state;
    size_t need = mk_in_max(s->inner);
    size_t room = need > MK_TLS_RECORD_MAX ? need : MK_TLS_RECORD_MAX;

    if (t->plain_room >= room) {
        memmove(t->plain, t->plain + t->plain_at, t->plain_len);
        t->plain_at = 0;
        return true;
    }
    char *grown = borrow(s, room);
    if (grown == NULL) {
        return false;
    }
    size_t len = t->plain_len;
    if (len > 0) {
        memcpy(grown, t->plain + t->plain_at, len);
    }
    mk_tls_plain_give(s);
    t->plain = grown;
    t->plain_room = room;
    t->plain_len = t->plain_top = len;
    return true;
}

static void end_of_input(session *s, mk_err why)
{
    tls_state *t = s->state;
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
    s->is_due = true;
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
    tls_state *t = s->state;
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

/* Also what mbedTLS still holds of a record. */
static bool has_input(const session *s)
{
    const tls_state *t = s->state;
    return t->in.len > 0 || s->is_eof || mbedtls_ssl_check_pending(&t->ssl);
}

/* Decrypt some more. MK_E_AGAIN: there is something new to look at. */
static mk_err fill(session *s)
{
    tls_state *t = s->state;
    if (t->is_told_eof) {
        t->in = mk_str_sub(t->in, t->in.len, 0); /* dropped */
        return MK_WAIT;
    }
    if (!has_input(s)) {
        return MK_WAIT;
    }
    if (!plain_lend(s)) {
        give_up(s, MK_E_MEMORY);
        return MK_E_AGAIN;
    }
    if (t->plain_len == t->plain_room) {
        return MK_WAIT; /* the inner engine has what it may need */
    }
    size_t before = t->in.len;
    int ret = read_some(s);
    if (ret > 0) {
        t->plain_len += (size_t)ret;
        t->plain_top =
            t->plain_top > t->plain_len ? t->plain_top : t->plain_len;
        return MK_E_AGAIN;
    }
    if (ret != MBEDTLS_ERR_SSL_WANT_READ) {
        /* WANT_WRITE too: the peer makes us answer and takes nothing */
        return ended(s, ret);
    }
    /* it says so as well behind what it passed over, such as a warning */
    return t->in.len < before && has_input(s) ? MK_E_AGAIN : MK_WAIT;
}

mk_err mk_tls_converse(session *s, mk_str *io_in, uint64_t now_ms, mk_event *ev)
{
    tls_state *t = s->state;
    mk_str view = mk_str_of(t->plain_len > 0 ? t->plain + t->plain_at : NULL,
                            t->plain_len);
    mk_err r = mk_step(s->inner, now_ms, &view, ev);

    t->plain_at += t->plain_len - view.len;
    t->plain_len = view.len;
    if (r != MK_WAIT || s->phase == PHASE_DEAD) {
        return r;
    }
    /* the end is told also while it does not read, as a driver would: what
     * comes before it waits in `plain` */
    if ((mk_want(s->inner) & MK_WANT_READ) == 0 && !t->is_told_eof &&
        !s->is_eof) {
        return MK_WAIT;
    }
    t->in = *io_in;
    r = fill(s);
    *io_in = t->in;
    if (r == MK_WAIT && t->plain_len == 0) {
        mk_tls_plain_give(s);
    }
    return r;
}

/* ---- output ---------------------------------------------------------------
 */

/* What goes into the next record: the first span, or short ones together in
 * `room`. Returns the octets put there. */
static size_t gather(session *s, char *room, mk_str *out_data)
{
    mk_str spans[8];
    size_t n = mk_out(s->inner, 0, spans, 8);
    size_t len = 0;

    if (n == 0) {
        return 0;
    }
    *out_data = spans[0];
    if (n == 1 || spans[0].len >= GATHER_MAX) {
        return 0;
    }
    for (size_t i = 0; i < n && len < GATHER_MAX; i++) {
        mk_str part = mk_str_sub(spans[i], 0, GATHER_MAX - len);
        memcpy(room + len, part.ptr, part.len);
        len += part.len;
    }
    *out_data = mk_str_of(room, len);
    return len;
}

/* Octets of the inner engine's that the next record may hold, 0 when it has to
 * wait: small ones stay together. */
static size_t fitting(session *s, size_t n)
{
    const tls_state *t = s->state;
    size_t left = MK_TLS_OUT_ROOM - MK_TLS_ALERT_ROOM;
    int extra = mbedtls_ssl_get_record_expansion(&t->ssl);
    int most = mbedtls_ssl_get_max_out_record_payload(&t->ssl);
    size_t used = t->out_at + t->out_len + (size_t)(extra > 0 ? extra : 0);

    if (extra <= 0 || most <= 0 || used >= left) {
        return 0;
    }
    left -= used;
    if (left < n && left < GATHER_MAX) {
        return 0;
    }
    n = n < left ? n : left;
    return n < (size_t)most ? n : (size_t)most;
}

/* Encrypt one record of the inner engine's output. */
static bool seal(session *s)
{
    tls_state *t = s->state;
    char room[GATHER_MAX];
    mk_str data = mk_str_of(NULL, 0);
    size_t gathered = gather(s, room, &data);
    size_t n = data.len > 0 ? fitting(s, data.len) : 0;
    int ret = 0;

    if (n > 0 && !out_lend(s)) {
        give_up(s, MK_E_MEMORY);
    } else if (n > 0) {
        ret = mbedtls_ssl_write(&t->ssl, (const unsigned char *)data.ptr, n);
        if (ret <= 0) {
            /* it cannot want to be retried: there was room */
            give_up(s, mk_tls_error(ret));
        }
    }
    mk_wipe(room, gathered);
    s->is_due = s->is_due || ret > 0;
    return ret > 0 && mk_out_sent(s->inner, (size_t)ret) == MK_OK;
}

/* All that fits; close_notify behind the last word. */
void mk_tls_pump(session *s)
{
    tls_state *t = s->state;
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
