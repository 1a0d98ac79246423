/* SPDX-License-Identifier: MIT
 *
 * smtp/server_tls.c: STARTTLS (RFC 3207) over wire/serve_tls.c, which keeps the
 * border: what is offered in clear and behind it, what is forgotten there, and
 * whom a certificate keeps out.
 */
#include "smtp/server_internal.h"

/* RFC 3207 4.1: 554 to every command but QUIT; here to the first. */
mk_err mk_smtp_server_distrust(smtp_server *s, mk_event *ev)
{
    mk_err why = mk_serve_trust(&s->base, s->config->tls);

    if (why == MK_OK) {
        return MK_E_AGAIN;
    }
    return mk_serve_fault(&s->base, ev, why,
                          "554 5.7.1 A certificate to trust is needed");
}

mk_err mk_smtp_server_starttls(smtp_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    (void)ev;
    return s->base.tls != NULL
               ? mk_serve_say(&s->base, "503 5.5.1 TLS is up already")
               : mk_serve_starttls(&s->base, "220 2.0.0 Ready to start TLS");
}

/* RFC 3207 4.2: back to where a session is behind its greeting. */
mk_err mk_smtp_server_secured(mk_serve *base, mk_event *ev)
{
    smtp_server *s = mk_smtp_server_of(base);

    if (mk_smtp_server_in_transaction(s)) {
        mk_smtp_server_move(s, SERVER_GREETED);
        mk_smtp_server_event(s, ev, MK_EV_SMTP_RESET, MK_SMTP_VERB_STARTTLS);
        return MK_OK;
    }
    if (s->state == SERVER_READY || s->state == SERVER_SPOILT) {
        mk_smtp_server_move(s, SERVER_GREETED);
    }
    s->esmtp = false;
    s->forwarded = false;
    s->vouched = false; /* a login from here on is by AUTH, or named anew */
    mk_serve_crossed(base);
    mk_smtp_server_event(s, ev, MK_EV_SMTP_TLS, MK_SMTP_VERB_STARTTLS);
    return MK_OK;
}
