/* SPDX-License-Identifier: MIT
 *
 * client_tls.c: the client's STARTTLS (RFC 3207): when it is said, what a
 * refusal means by the policy, and the border itself (Law 9): behind the 220
 * nothing is read until TLS is up, and then all that the server said before
 * is forgotten (THREATS 29, 30, 32). Who asked for TLS gets no session in
 * clear, and a failure of TLS ends the session without another word.
 */
#include "smtp/client_internal.h"

/* The session is in clear and stays so. */
static void stay_clear(mk_smtp_client *c, const char *text)
{
    if (c->config->tls == MK_TLS_POLICY_MAY) {
        mk_smtp_client_served(c);
    } else {
        mk_smtp_client_turn_away(c, MK_E_CLEARTEXT, MK_RETRY_LATER, text);
    }
}

void mk_smtp_client_starttls(mk_smtp_client *c)
{
    if ((c->extensions & MK_SMTP_EXTENSION_STARTTLS) != 0) {
        mk_smtp_client_begin(c, CLIENT_STARTTLS, MK_SMTP_VERB_STARTTLS);
    } else {
        stay_clear(c, "the server does not offer STARTTLS");
    }
}

void mk_smtp_client_hear_starttls(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit == 2) {
        mk_smtp_client_move(c, CLIENT_SHAKE);
        c->pending |= PENDING_TLS;
    } else {
        stay_clear(c, "the server refuses STARTTLS");
    }
}

mk_err mk_smtp_client_tls_begin(mk_engine *e, size_t held)
{
    mk_smtp_client *c = (mk_smtp_client *)e;

    if (c->state != CLIENT_SHAKE || (c->pending & PENDING_TLS) != 0) {
        return MK_E_STATE;
    }
    if (held > 0) {
        mk_smtp_client_fault(c, MK_E_CLEARTEXT, MK_RETRY_LATER,
                             "clear text behind the reply to STARTTLS");
    }
    return MK_OK;
}

static void tls_is_up(mk_smtp_client *c, const mk_tls_info *info)
{
    c->tls = info;
    c->extensions = 0;
    c->mechanisms = 0;
    c->size_limit = 0;
    c->is_esmtp = false;
    if (c->config->tls == MK_TLS_POLICY_MUST && !info->is_verified) {
        mk_smtp_client_fault(c, info->verify != MK_OK ? info->verify : MK_E_TLS,
                             MK_RETRY_LATER,
                             "the server could not be verified");
    } else if (c->state == CLIENT_SHAKE) {
        mk_smtp_client_begin(c, CLIENT_HELLO, MK_SMTP_VERB_EHLO);
    }
}

mk_err mk_smtp_client_tls_done(mk_engine *e, mk_err result,
                               const mk_tls_info *info)
{
    mk_smtp_client *c = (mk_smtp_client *)e;
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
        mk_smtp_client_fault(c, result, is_free ? MK_RETRY_NOW : MK_RETRY_LATER,
                             "TLS could not be had");
    }
    return MK_OK;
}
