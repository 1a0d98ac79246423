/* SPDX-License-Identifier: MIT
 *
 * wire/serve_tls.c: TLS begun by a command (RFC 3207, 2595), and TLS from the
 * first octet (RFC 8314 3). The border is crossed once (Law 9): from that
 * command on nothing is read until TLS is up; an octet in clear behind it ends
 * the session, whatever it says (THREATS 28); what the peer said before is
 * forgotten, but not how many errors it made. Where TLS fails not a word more
 * is said in clear.
 */
#include "wire/serve_internal.h"

#include <string.h>

mk_err mk_serve_trust(const mk_serve *s, mk_tls_policy policy)
{
    if (policy != MK_TLS_POLICY_MUST || s->tls == NULL || s->tls->is_verified) {
        return MK_OK;
    }
    return s->tls->verify != MK_OK ? s->tls->verify : MK_E_CERT_NONE;
}

mk_err mk_serve_starttls(mk_serve *s, const char *line)
{
    s->border = SERVE_BORDER_AHEAD;
    return mk_serve_say(s, line);
}

void mk_serve_crossed(mk_serve *s)
{
    s->border = SERVE_BORDER_NONE;
    s->known = false;
    mk_serve_heard(s);
}

mk_err mk_serve_cross(mk_serve *s, mk_str in, mk_event *ev)
{
    mk_outq_release(&s->out);
    switch ((serve_border)s->border) {
    case SERVE_BORDER_PASSED:
        return mk_serve_kind_of(s)->secured(s, ev);
    case SERVE_BORDER_SPOILT:
        return mk_serve_fault(s, ev, MK_E_CLEARTEXT, NULL);
    case SERVE_BORDER_FAILED:
        return mk_serve_fault(s, ev, s->eof_why, NULL);
    default:
        break;
    }
    if (in.len > 0) {
        return mk_serve_fault(s, ev, MK_E_CLEARTEXT, NULL);
    }
    if (s->border == SERVE_BORDER_AHEAD && mk_outq_is_empty(&s->out)) {
        s->border = SERVE_BORDER_ASKED;
        memset(ev, 0, sizeof *ev);
        ev->type = MK_EV_TLS_WANTED;
        return MK_OK;
    }
    return mk_serve_idle(s, in, ev);
}

unsigned mk_serve_border_want(const mk_serve *s)
{
    bool is_due = s->border == SERVE_BORDER_AHEAD
                      ? mk_outq_is_empty(&s->out)
                      : s->border >= SERVE_BORDER_SPOILT;
    return is_due || s->eof ? MK_WANT_STEP : 0;
}

mk_err mk_serve_tls_begin(mk_engine *e, size_t held)
{
    mk_serve *s = mk_serve_of(e);

    if (s->border != SERVE_BORDER_ASKED) {
        return MK_E_STATE;
    }
    s->border = held > 0 ? SERVE_BORDER_SPOILT : SERVE_BORDER_SHAKING;
    return MK_OK;
}

mk_err mk_serve_tls_done(mk_engine *e, mk_err result, const mk_tls_info *info)
{
    mk_serve *s = mk_serve_of(e);
    bool is_first = !s->begun && s->border == SERVE_BORDER_NONE;

    if (s->border != SERVE_BORDER_SHAKING && !is_first) {
        return MK_E_STATE;
    }
    if (result == MK_OK) {
        s->tls = info;
        s->border = SERVE_BORDER_PASSED;
    } else {
        s->eof = true; /* nothing that could be read comes any more */
        s->eof_why = result;
        s->border = SERVE_BORDER_FAILED;
    }
    return MK_OK;
}
