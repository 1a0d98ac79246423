/* SPDX-License-Identifier: MIT
 *
 * tls/ticket.c: resuming a client's session (RFC 5077, RFC 8446 2.2). A ticket
 * is offered only to the name that it came from and by the context that got
 * it, while the certificates that it stands for are valid, and never where the
 * policy asks for more than was verified when it was given (THREATS 33).
 */
#include "tls/session.h"

#include <string.h>

static bool is_fit(const session *s, const mk_tls_ticket *k)
{
    const mk_tls_context_config *c = &s->context->c;
    return k->context == s->context &&
           mk_str_is_nocase(mk_str_of(k->name, k->name_len),
                            s->config->server_name) &&
           c->wall_s(c->wall_self) <= k->valid_to_s &&
           (s->config->policy != MK_TLS_POLICY_MUST || k->verify == MK_OK);
}

void mk_tls_ticket_offer(session *s)
{
    mk_tls_ticket *const *at = s->config->ticket;
    const mk_tls_ticket *k = at != NULL ? *at : NULL;
    tls_state *t = s->state;
    /* a session that cannot be offered costs a whole handshake, no more */
    if (k != NULL && !s->context->c.is_server && is_fit(s, k) &&
        mbedtls_ssl_set_session(&t->ssl, &k->session) == 0) {
        t->is_offered = true;
        t->offered = k->verify; /* the slot may change before the end */
        t->valid_to_s = k->valid_to_s;
    }
}

void mk_tls_ticket_keep(session *s)
{
    mk_tls_ticket **at = s->config->ticket;
    mk_str name = s->config->server_name;
    if (at == NULL || s->context->c.is_server) {
        return;
    }
    mk_tls_ticket *k = mk_alloc_get(s->context->c.alloc, sizeof *k);
    if (k == NULL) {
        return;
    }
    k->alloc = s->context->c.alloc;
    k->context = s->context;
    k->verify = s->state->info.verify;
    k->valid_to_s = s->state->valid_to_s;
    k->name_len = name.len;
    memcpy(k->name, name.ptr, name.len);
    mbedtls_ssl_session_init(&k->session);
    if (mbedtls_ssl_get_session(&s->state->ssl, &k->session) != 0) {
        mk_tls_ticket_free(k);
        return;
    }
    mk_tls_ticket_free(*at);
    *at = k;
}

void mk_tls_ticket_free(mk_tls_ticket *ticket)
{
    if (ticket != NULL) {
        const mk_alloc *a = ticket->alloc;
        mbedtls_ssl_session_free(&ticket->session);
        mk_alloc_put(a, ticket, sizeof *ticket);
    }
}
