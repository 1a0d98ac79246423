/* SPDX-License-Identifier: MIT
 *
 * smtp/server_lmtp.c: what LMTP has of its own behind a body (RFC 2033 4.2,
 * 4.3): a reply for each recipient that was accepted, in their order, be it
 * taken or refused as a whole. The application is asked about one after the
 * other, so that nothing is kept for them here, and the next one waits until
 * there is room for its reply. LMTP is for places where no queue stands behind
 * a server: never offer it on port 25 (RFC 2033 5).
 */
#include "smtp/server_internal.h"

void mk_smtp_server_deliver_begin(smtp_server *s)
{
    s->count = 0;
    s->is_taken = false;
    mk_smtp_server_move(s, SERVER_DELIVERY);
}

static mk_err ask(smtp_server *s, mk_event *ev)
{
    mk_smtp_server_event(s, ev, MK_EV_SMTP_DELIVERED, MK_SMTP_VERB_END);
    s->of.smtp.event.index = s->count;
    return mk_serve_ask(&s->base, ev, MK_SMTP_VERB_END,
                        (unsigned)SERVE_ASK | (unsigned)SERVE_LASTING);
}

mk_err mk_smtp_server_deliver(smtp_server *s, mk_str in, mk_event *ev)
{
    if (s->base.pending == 0) {
        return ask(s, ev);
    }
    if (s->base.last_word || s->count + 1 >= s->accepted) {
        return mk_smtp_server_refused(s, ev);
    }
    mk_err err = mk_serve_repeat(&s->base, in, ev);
    s->count += err == MK_E_AGAIN ? 1 : 0;
    return err;
}

void mk_smtp_server_delivered(smtp_server *s)
{
    s->is_taken = s->is_taken || s->base.answer == MK_ANSWER_YES;
    if (++s->count >= s->accepted) {
        mk_smtp_server_judged(s, s->is_taken);
    }
}
