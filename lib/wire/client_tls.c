/* SPDX-License-Identifier: MIT
 *
 * wire/client_tls.c: the client's side of STARTTLS (RFC 3207) and STLS (RFC
 * 2595 4), whatever it is called: what it means by the policy when there is no
 * TLS, and the border itself (Law 9): behind the go-ahead nothing is read until
 * TLS is up, and then all that the server said before is forgotten (THREATS 29,
 * 30, 32). Who asked for TLS gets no session in clear, and a failure of TLS
 * ends the session without another word.
 */
#include "wire/client.h"

void mk_client_stay_clear(mk_client *c, const char *text)
{
    if (c->policy == MK_TLS_POLICY_MAY) {
        mk_client_kind_of(c)->served(c);
    } else {
        mk_client_turn_away(c, MK_E_CLEARTEXT, MK_RETRY_LATER, text);
    }
}

void mk_client_shake(mk_client *c)
{
    mk_client_move(c, CLIENT_BORDER_SHAKE);
    c->pending |= PENDING_TLS;
}

/* Was MK_EV_TLS_WANTED told? */
static bool is_asked(const mk_client *c)
{
    return c->state == CLIENT_BORDER_SHAKE && (c->pending & PENDING_TLS) == 0;
}

mk_err mk_client_tls_begin(mk_engine *e, size_t held)
{
    mk_client *c = (mk_client *)(void *)e;

    if (!is_asked(c)) {
        return MK_E_STATE;
    }
    if (held > 0) {
        mk_client_kind_of(c)->fault(c, MK_E_CLEARTEXT, MK_RETRY_LATER,
                                    "clear text behind the go-ahead for TLS");
    }
    return MK_OK;
}

static void tls_is_up(mk_client *c, const mk_tls_info *info)
{
    c->tls = info;
    if (c->policy == MK_TLS_POLICY_MUST && !info->is_verified) {
        mk_client_kind_of(c)->fault(
            c, info->verify != MK_OK ? info->verify : MK_E_TLS, MK_RETRY_LATER,
            "the server could not be verified");
    } else {
        mk_client_kind_of(c)->shaken(c);
    }
}

mk_err mk_client_tls_done(mk_engine *e, mk_err result, const mk_tls_info *info)
{
    mk_client *c = (mk_client *)(void *)e;

    if (c->is_begun && !is_asked(c)) {
        return MK_E_STATE;
    }
    c->is_stirred = true;
    if (result == MK_OK) {
        tls_is_up(c, info);
    } else {
        /* with MAY it is the application's to try again without */
        bool is_free = c->policy == MK_TLS_POLICY_MAY;
        mk_client_kind_of(c)->fault(c, result,
                                    is_free ? MK_RETRY_NOW : MK_RETRY_LATER,
                                    "TLS could not be had");
    }
    return MK_OK;
}
