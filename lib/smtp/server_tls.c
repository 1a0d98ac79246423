/* SPDX-License-Identifier: MIT
 *
 * smtp/server_tls.c: STARTTLS (RFC 3207), and TLS from the first octet (RFC
 * 8314 3.3). The border is crossed once (Law 9): from the line STARTTLS on
 * nothing is read until TLS is up; an octet in clear behind that line ends the
 * session, whatever it says (THREATS 28); what the peer said before is
 * forgotten, but not how many errors it made. Where TLS fails not a word more
 * is said in clear.
 */
#include "smtp/server_internal.h"

#include <mailkit/sasl.h>

#include <string.h>

static bool is_crossing(const smtp_server *s)
{
    return s->border != BORDER_NONE;
}

uint32_t mk_smtp_server_offer(const smtp_server *s)
{
    const mk_smtp_server_config *c = s->config;
    uint32_t offer = c->extensions;
    bool is_late = c->tls >= MK_TLS_POLICY_ENCRYPT && s->tls == NULL;

    if (c->tls == MK_TLS_POLICY_NONE || s->tls != NULL) {
        offer &= ~(uint32_t)MK_SMTP_EXTENSION_STARTTLS;
    }
    if (c->sasl == NULL || is_late ||
        c->sasl->ops->offer(c->sasl, s->tls) == 0) {
        offer &= ~(uint32_t)MK_SMTP_EXTENSION_AUTH;
    }
    return offer;
}

bool mk_smtp_server_is_trusted(const smtp_server *s)
{
    return s->config->tls != MK_TLS_POLICY_MUST || s->tls == NULL ||
           s->tls->is_verified;
}

/* RFC 3207 4.1: 554 to every command but QUIT; here to the first. */
mk_err mk_smtp_server_distrust(smtp_server *s, mk_event *ev)
{
    mk_err why = s->tls->verify != MK_OK ? s->tls->verify : MK_E_CERT_NONE;

    return mk_smtp_server_fault(s, ev, why,
                                "554 5.7.1 A certificate to trust is needed",
                                s->framer.consumed);
}

mk_err mk_smtp_server_starttls(smtp_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    (void)ev;
    if (s->tls != NULL) {
        return mk_smtp_server_say(s, "503 5.5.1 TLS is up already");
    }
    s->border = BORDER_AHEAD;
    return mk_smtp_server_say(s, "220 2.0.0 Ready to start TLS");
}

/* RFC 3207 4.2: back to where a session is behind its greeting. */
static mk_err forget(smtp_server *s, mk_event *ev)
{
    if (s->state == SERVER_MAIL || s->state == SERVER_RCPT) {
        mk_smtp_server_move(s, SERVER_GREETED);
        mk_smtp_server_event(s, ev, MK_EV_SMTP_RESET, MK_SMTP_VERB_STARTTLS);
        return MK_OK;
    }
    if (s->state == SERVER_READY) {
        mk_smtp_server_move(s, SERVER_GREETED);
    }
    s->border = BORDER_NONE;
    s->esmtp = false;
    s->known = false;
    mk_smtp_server_heard(s);
    mk_smtp_server_event(s, ev, MK_EV_SMTP_TLS, MK_SMTP_VERB_STARTTLS);
    return MK_OK;
}

static mk_err spoilt(smtp_server *s, mk_event *ev)
{
    return mk_smtp_server_fault(s, ev, MK_E_CLEARTEXT, NULL,
                                s->framer.consumed);
}

mk_err mk_smtp_server_cross(smtp_server *s, mk_str in, mk_event *ev)
{
    mk_outq_release(&s->out);
    switch ((server_border)s->border) {
    case BORDER_PASSED:
        return forget(s, ev);
    case BORDER_SPOILT:
        return spoilt(s, ev);
    case BORDER_FAILED:
        return mk_smtp_server_fault(s, ev, s->eof_why, NULL,
                                    s->framer.consumed);
    default:
        break;
    }
    if (in.len > 0) {
        return spoilt(s, ev);
    }
    if (s->border == BORDER_AHEAD && mk_outq_is_empty(&s->out)) {
        s->border = BORDER_ASKED;
        memset(ev, 0, sizeof *ev);
        ev->type = MK_EV_TLS_WANTED;
        return MK_OK;
    }
    return mk_smtp_server_idle(s, in, ev);
}

unsigned mk_smtp_server_border_want(const smtp_server *s)
{
    bool is_due = s->border == BORDER_AHEAD ? mk_outq_is_empty(&s->out)
                                            : s->border >= BORDER_SPOILT;
    return is_due || s->eof ? MK_WANT_STEP : 0;
}

mk_err mk_smtp_server_tls_begin(mk_engine *e, size_t held)
{
    smtp_server *s = (smtp_server *)(void *)e;

    if (s->border != BORDER_ASKED) {
        return MK_E_STATE;
    }
    s->border = held > 0 ? BORDER_SPOILT : BORDER_SHAKING;
    return MK_OK;
}

mk_err mk_smtp_server_tls_done(mk_engine *e, mk_err result,
                               const mk_tls_info *info)
{
    smtp_server *s = (smtp_server *)(void *)e;
    bool is_first = !s->begun && !is_crossing(s); /* implicit TLS */

    if (s->border != BORDER_SHAKING && !is_first) {
        return MK_E_STATE;
    }
    if (result == MK_OK) {
        s->tls = info;
        s->border = BORDER_PASSED;
    } else {
        s->eof = true; /* nothing that could be read comes any more */
        s->eof_why = result;
        s->border = BORDER_FAILED;
    }
    return MK_OK;
}
