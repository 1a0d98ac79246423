/* SPDX-License-Identifier: MIT
 *
 * client_tls.c: the client's STLS (RFC 2595 4): when it is said, what a refusal
 * means by the policy, and the border itself (Law 9): behind the +OK nothing is
 * read until TLS is up, and then all that the server said before is forgotten,
 * its greeting too (THREATS 29, 30, 32). Who asked for TLS gets no session in
 * clear, and a failure of TLS ends the session without another word.
 */
#include "pop3/client_internal.h"

/* The session is in clear and stays so. */
static void stay_clear(mk_pop3_client *c, const char *text)
{
    if (c->config->tls == MK_TLS_POLICY_MAY) {
        mk_pop3_client_secured(c);
    } else {
        mk_pop3_client_turn_away(c, MK_E_CLEARTEXT, MK_RETRY_LATER, text);
    }
}

void mk_pop3_client_stls(mk_pop3_client *c)
{
    if ((c->capabilities & MK_POP3_CAPABILITY_STLS) != 0) {
        mk_pop3_client_begin(c, CLIENT_STLS, MK_POP3_VERB_STLS);
    } else {
        stay_clear(c, "the server does not offer STLS");
    }
}

void mk_pop3_client_hear_stls(mk_pop3_client *c, bool is_ok)
{
    if (is_ok) {
        mk_pop3_client_move(c, CLIENT_SHAKE);
        c->pending |= PENDING_TLS;
    } else {
        stay_clear(c, "the server refuses STLS");
    }
}

mk_err mk_pop3_client_tls_begin(mk_engine *e, size_t held)
{
    mk_pop3_client *c = (mk_pop3_client *)e;

    if (c->state != CLIENT_SHAKE || (c->pending & PENDING_TLS) != 0) {
        return MK_E_STATE;
    }
    if (held > 0) {
        mk_pop3_client_fault(c, MK_E_CLEARTEXT, MK_RETRY_LATER,
                             "clear text behind the reply to STLS");
    }
    return MK_OK;
}

static void tls_is_up(mk_pop3_client *c, const mk_tls_info *info)
{
    c->tls = info;
    c->has_apop = false;
    if (c->config->tls == MK_TLS_POLICY_MUST && !info->is_verified) {
        mk_pop3_client_fault(c, info->verify != MK_OK ? info->verify : MK_E_TLS,
                             MK_RETRY_LATER,
                             "the server could not be verified");
    } else if (c->state == CLIENT_SHAKE) {
        mk_pop3_client_ask_capa(c);
    }
}

mk_err mk_pop3_client_tls_done(mk_engine *e, mk_err result,
                               const mk_tls_info *info)
{
    mk_pop3_client *c = (mk_pop3_client *)e;
    bool is_due = c->state == CLIENT_SHAKE && (c->pending & PENDING_TLS) == 0;

    if (c->is_begun && !is_due) {
        return MK_E_STATE;
    }
    c->is_stirred = true;
    if (result == MK_OK) {
        tls_is_up(c, info);
    } else {
        /* with MAY it is the application's to try again without */
        bool is_free = c->config->tls == MK_TLS_POLICY_MAY;
        mk_pop3_client_fault(c, result, is_free ? MK_RETRY_NOW : MK_RETRY_LATER,
                             "TLS could not be had");
    }
    return MK_OK;
}
