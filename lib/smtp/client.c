/* SPDX-License-Identifier: MIT
 *
 * client.c: the SMTP client as an engine (RFC 5321 3.1 to 3.3, 4.2, 4.5.3.2).
 * Here are the step, the end of input, the deadlines and the one function that
 * assigns the state; what is said and what it leads to is in client_rows.c. A
 * reply counts only when its command was acknowledged as sent: what comes
 * earlier is a fault, and so is what nothing had asked for, but for a 421.
 */
#include "smtp/client_internal.h"

#include <string.h>

#include "wire/client.h"

enum { starved_ms = 100 };

static mk_smtp_client *client_of(mk_engine *e)
{
    return (mk_smtp_client *)e;
}

/* Where each state may lead to, a bit each. */
/* clang-format off */
#define TO(s) (1U << CLIENT_##s)
static const uint16_t moves[] = {
    [CLIENT_GREETING] = TO(HELLO) | TO(QUIT) | TO(OVER),
    [CLIENT_HELLO]    = TO(HELLO) | TO(STARTTLS) | TO(AUTH) | TO(READY) |
                        TO(QUIT) | TO(OVER),
    [CLIENT_READY]    = TO(ENVELOPE) | TO(COMMAND) | TO(QUIT) | TO(OVER),
    [CLIENT_ENVELOPE] = TO(BODY) | TO(RESET) | TO(READY) | TO(OVER),
    [CLIENT_BODY]     = TO(END) | TO(OVER),
    [CLIENT_END]      = TO(READY) | TO(OVER),
    [CLIENT_COMMAND]  = TO(READY) | TO(OVER),
    [CLIENT_RESET]    = TO(READY) | TO(OVER),
    [CLIENT_QUIT]     = TO(OVER),
    [CLIENT_OVER]     = 0,
    [CLIENT_STARTTLS] = TO(SHAKE) | TO(AUTH) | TO(READY) | TO(QUIT) | TO(OVER),
    [CLIENT_SHAKE]    = TO(HELLO) | TO(OVER),
    [CLIENT_AUTH]     = TO(READY) | TO(QUIT) | TO(OVER),
};
#undef TO
/* clang-format on */

void mk_smtp_client_move(mk_smtp_client *c, client_state state)
{
    /* A move that is not in the table is an error of ours: nothing more may
     * reach the peer. */
    if ((moves[c->state] & (1U << state)) == 0) {
        c->is_abort = true;
        state = CLIENT_OVER;
    }
    c->state = (uint8_t)state;
    c->since_ms = c->now_ms;
}

void mk_smtp_client_done(mk_smtp_client *c, mk_err outcome)
{
    if (c->op != 0) {
        c->outcome = outcome;
        c->pending |= PENDING_DONE;
    }
}

void mk_smtp_client_over(mk_smtp_client *c)
{
    if (c->state == CLIENT_BODY || c->state == CLIENT_END) {
        /* A peer that waits for a dot must never get it (Law 11), and what
         * was lent goes back with DONE: nothing of it may be looked at. */
        c->is_abort = c->state == CLIENT_BODY || c->unsent > 0;
        mk_outq_fini(&c->out);
    }
    mk_smtp_client_login_close(c);
    c->pending &= (uint8_t) ~(PENDING_READY | PENDING_WANTED | PENDING_TLS);
    mk_smtp_client_move(c, CLIENT_OVER);
}

void mk_smtp_client_fault(mk_smtp_client *c, mk_err why, mk_retry retry,
                          const char *text)
{
    /* After the final dot the message may have been taken, whatever broke;
     * a dot that never left takes nothing. */
    if (c->state == CLIENT_END && c->unsent == 0 && c->accepted > 0 &&
        why != MK_E_REFUSED) {
        retry = MK_RETRY_UNKNOWN;
    }
    if (c->state != CLIENT_QUIT) {
        c->fault.why = why;
        c->fault.retry = retry;
        c->fault.offset = c->framer.consumed;
        c->fault.text = mk_str_z(text);
        c->pending |= PENDING_FAULT;
    }
    /* The outcome of what RSET or QUIT follows is known already. */
    if (c->state == CLIENT_RESET) {
        why = c->outcome;
    } else if (c->state == CLIENT_QUIT) {
        why = MK_OK;
    }
    mk_smtp_client_done(c, why);
    mk_smtp_client_over(c);
}

static bool has_body(const mk_smtp_client *c)
{
    return c->state == CLIENT_BODY || c->state == CLIENT_END;
}

/* ---- events -------------------------------------------------------------- */

static mk_err tell(mk_smtp_client *c, client_pending which, uint32_t type,
                   mk_op op, mk_event *ev)
{
    c->pending &= (uint8_t)~which;
    memset(ev, 0, sizeof *ev);
    ev->type = type;
    ev->op = op;
    ev->offset = c->framer.consumed;
    return MK_OK;
}

static void tell_done(mk_smtp_client *c, mk_event *ev)
{
    tell(c, PENDING_DONE, MK_EV_DONE, c->op, ev);
    ev->err = c->outcome;
    memset(&c->event, 0, sizeof c->event);
    c->event.accepted = c->outcome == MK_OK ? c->accepted : 0;
    ev->of.smtp = &c->event;
    c->op = 0;
    c->envelope = NULL;
}

static bool tell_wanted(mk_smtp_client *c, mk_event *ev)
{
    mk_str given = mk_str_of(NULL, 0);
    bool has_given = mk_outq_body_given(&c->out, &given);

    if (!has_given && (c->pending & PENDING_WANTED) == 0) {
        return false;
    }
    tell(c, PENDING_WANTED, MK_EV_WANTED, c->op, ev);
    ev->offset = c->lent;
    ev->data = given;
    if (!c->is_body_last) {
        ev->size = mk_outq_body_room(&c->out) - c->body.givens;
    } else if (c->body.spans + c->body.givens == 0) {
        ev->flags = MK_LAST;
    }
    return true;
}

static bool tell_pending(mk_smtp_client *c, mk_event *ev)
{
    if ((c->pending & PENDING_REPLY) != 0) {
        tell(c, PENDING_REPLY, MK_EV_SMTP_REPLY, c->op, ev);
        ev->flags = c->event.verb == MK_SMTP_VERB_NONE ? MK_UNASKED : 0;
        c->event.reply = &c->reader.reply;
        c->event.tls = c->tls;
        c->event.mechanism =
            c->event.verb == MK_SMTP_VERB_AUTH ? c->mechanism : 0;
        ev->of.smtp = &c->event;
    } else if ((c->pending & PENDING_FAULT) != 0) {
        tell(c, PENDING_FAULT, MK_EV_FAULT, c->op, ev);
        ev->err = c->fault.why;
        ev->of.fault = &c->fault;
    } else if ((c->pending & PENDING_TLS) != 0) {
        tell(c, PENDING_TLS, MK_EV_TLS_WANTED, 0, ev);
    } else if ((c->pending & PENDING_DONE) != 0) {
        tell_done(c, ev);
    } else if ((c->pending & PENDING_READY) != 0) {
        tell(c, PENDING_READY, MK_EV_SMTP_READY, 0, ev);
        c->event.reply = NULL; /* told already */
        c->event.size = c->size_limit;
        c->event.extensions = c->extensions;
        c->event.mechanism = c->mechanisms;
        c->event.tls = c->tls;
        c->event.flags = c->is_esmtp ? MK_SMTP_EVENT_ESMTP : 0;
        ev->of.smtp = &c->event;
    } else {
        return tell_wanted(c, ev);
    }
    return true;
}

/* ---- input --------------------------------------------------------------- */

static void bad_reply(mk_smtp_client *c, mk_err why, const char *text)
{
    mk_smtp_client_fault(c, why, MK_RETRY_LATER, text);
}

/* A complete reply is in the reader. */
static void take_reply(mk_smtp_client *c)
{
    uint16_t code = c->reader.reply.code;

    c->since_ms = c->now_ms;
    if (!c->is_early) {
        mk_smtp_client_hear(c);
    } else if (code == 421 || (has_body(c) && code >= 400)) {
        /* A whole and proper reply is needed for this, as for any refusal. */
        memset(&c->event, 0, sizeof c->event);
        c->event.verb = code == 421 ? MK_SMTP_VERB_NONE : MK_SMTP_VERB_END;
        c->event.accepted = c->accepted;
        c->pending |= PENDING_REPLY;
        mk_smtp_client_fault(c, MK_E_REFUSED,
                             code >= 500 ? MK_RETRY_NEVER : MK_RETRY_LATER,
                             "the server breaks it off");
    } else if (c->sent > c->got) {
        bad_reply(c, MK_E_EARLY, "a reply before its command was sent");
    } else {
        bad_reply(c, MK_E_PROTOCOL, "a reply that nothing had asked for");
    }
}

static void take_line(mk_smtp_client *c, mk_str line)
{
    mk_smtp_verb verb = mk_smtp_client_verb_at(c, c->got);
    bool has_enhanced = verb > MK_SMTP_VERB_EHLO; /* RFC 2034 4 */
    mk_err r = mk_smtp_reply_add(&c->reader, line, has_enhanced);

    if (r != MK_OK) {
        bad_reply(c, r, "a malformed reply");
        return;
    }
    if (verb == MK_SMTP_VERB_EHLO) {
        mk_smtp_client_hear_line(c, line);
    } else if (verb == MK_SMTP_VERB_AUTH) {
        mk_smtp_client_login_line(c, line);
    }
    if (c->reader.is_done) {
        take_reply(c);
    }
}

/* True when something was consumed. */
static bool read_line(mk_smtp_client *c, mk_str *io_in)
{
    frame_unit unit;

    if (io_in->len > 0 && c->sent - c->got <= c->unsent) {
        c->is_early = true;
    }
    if (mk_framer_line(&c->framer, io_in, &unit) != MK_OK) {
        return false;
    }
    if (unit.kind != FRAME_KIND_LINE) {
        bad_reply(c, MK_E_LINE, "a reply line beyond the limit");
    } else if (unit.bare) {
        bad_reply(c, MK_E_BARE, "a bare LF in a reply");
    } else {
        take_line(c, unit.data);
    }
    return true;
}

static void input_ended(mk_smtp_client *c)
{
    bool is_idle = c->state == CLIENT_READY;

    mk_smtp_client_fault(c, c->eof_why == MK_OK ? MK_E_CUT : c->eof_why,
                         is_idle ? MK_RETRY_NOW : MK_RETRY_LATER,
                         "the connection ended in the middle");
}

/* ---- time ---------------------------------------------------------------- */

static uint64_t due_ms(const mk_smtp_client *c)
{
    uint64_t ms = mk_smtp_client_patience_ms(c);

    return ms > MK_NEVER - c->since_ms ? MK_NEVER : c->since_ms + ms;
}

/* It is the application that kept us waiting: no fault of the peer. */
static bool is_our_turn(const mk_smtp_client *c)
{
    return c->state == CLIENT_READY ||
           (c->state == CLIENT_BODY && mk_outq_is_empty(&c->out));
}

/* The server's time for a block stands still while it is the application's
 * turn, so that lending in small pieces gives it no more (THREATS 113). */
static void take_turns(mk_smtp_client *c)
{
    bool is_ours = is_our_turn(c);

    if (c->taken >= c->config->block_bytes) {
        c->taken = 0;
        c->since_ms = c->now_ms;
    }
    if (is_ours && !c->was_ours) {
        c->spent_ms = c->now_ms - c->since_ms;
        c->since_ms = c->now_ms;
    } else if (!is_ours && c->was_ours) {
        c->since_ms = c->now_ms - (has_body(c) ? c->spent_ms : 0);
    }
    c->was_ours = is_ours;
}

static void time_passed(mk_smtp_client *c)
{
    if (c->state == CLIENT_READY) {
        mk_smtp_client_begin(c, CLIENT_QUIT, MK_SMTP_VERB_QUIT);
    } else if (is_our_turn(c)) {
        mk_smtp_client_done(c, MK_E_TIMEOUT);
        mk_smtp_client_over(c);
    } else {
        mk_smtp_client_fault(c, MK_E_TIMEOUT, MK_RETRY_LATER,
                             "the server did not reply in time");
    }
}

/* ---- the contract -------------------------------------------------------- */

static mk_err client_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                          mk_event *out_event)
{
    mk_smtp_client *c = client_of(e);

    c->now_ms = now_ms;
    if (!c->is_begun) {
        c->is_begun = true;
        c->since_ms = now_ms;
    }
    c->is_stirred = false;
    take_turns(c);
    for (;;) {
        if (tell_pending(c, out_event)) {
            return MK_OK;
        }
        if (c->state == CLIENT_OVER) {
            return MK_END;
        }
        mk_smtp_client_advance(c);
        if (c->pending != 0 || c->state == CLIENT_OVER ||
            (c->state != CLIENT_SHAKE && read_line(c, io_in))) {
            continue;
        }
        if (c->has_eof) {
            input_ended(c);
        } else if (now_ms >= due_ms(c)) {
            time_passed(c);
        } else {
            return MK_WAIT;
        }
    }
}

static void client_in_eof(mk_engine *e, mk_err why)
{
    mk_smtp_client *c = client_of(e);

    if (!c->has_eof) {
        c->has_eof = true;
        c->eof_why = why;
    }
}

static size_t client_in_max(const mk_engine *e)
{
    return mk_framer_need(&((const mk_smtp_client *)e)->framer);
}

static size_t client_out(mk_engine *e, size_t skip, mk_str *out_spans,
                         size_t max)
{
    return mk_outq_spans(&client_of(e)->out, skip, out_spans, max);
}

static mk_err client_out_sent(mk_engine *e, size_t n)
{
    mk_smtp_client *c = client_of(e);
    uint32_t commands = has_body(c) ? 0 : mk_client_lines(&c->out, n);
    mk_err r = mk_outq_sent(&c->out, n);

    if (r != MK_OK) {
        return r;
    }
    c->unsent -= commands;
    if (has_body(c)) {
        c->taken += n;
    }
    if (c->state == CLIENT_END && c->unsent > 0 && mk_outq_is_empty(&c->out)) {
        c->unsent = 0;
        c->taken = MK_NEVER; /* the time for the reply begins */
    }
    c->is_stirred = c->is_stirred || n > 0;
    return MK_OK;
}

static unsigned client_want(const mk_engine *e)
{
    const mk_smtp_client *c = (const mk_smtp_client *)e;
    unsigned want = mk_outq_is_empty(&c->out) ? 0 : MK_WANT_WRITE;

    if (c->pending != 0 || c->is_stirred || !c->is_begun) {
        want |= MK_WANT_STEP;
    }
    if (c->state == CLIENT_SHAKE) {
        return want;
    }
    if (c->state != CLIENT_OVER) {
        return want | MK_WANT_READ;
    }
    return want | (c->is_abort ? MK_WANT_ABORT : MK_WANT_CLOSE);
}

static uint64_t client_deadline(const mk_engine *e)
{
    const mk_smtp_client *c = (const mk_smtp_client *)e;
    uint64_t due = due_ms(c);

    if (c->state == CLIENT_OVER || !c->is_begun) {
        return MK_NEVER;
    }
    if (c->is_starved && c->now_ms + starved_ms < due) {
        return c->now_ms + starved_ms;
    }
    return due;
}

static mk_err client_cancel(mk_engine *e, mk_op op)
{
    mk_smtp_client *c = client_of(e);

    if (op != c->op || (c->pending & PENDING_DONE) != 0 ||
        c->state == CLIENT_QUIT) {
        return MK_E_STALE;
    }
    c->is_stirred = true;
    c->outcome = MK_E_CANCELLED;
    c->is_stopped = true;
    if (c->state == CLIENT_BODY || c->state == CLIENT_END) {
        mk_smtp_client_done(c, MK_E_CANCELLED);
        mk_smtp_client_over(c);
    }
    return MK_OK;
}

static mk_err client_body(mk_engine *e, mk_op op, mk_str span, bool last)
{
    mk_smtp_client *c = client_of(e);
    mk_err r;

    if (op != c->op || c->state != CLIENT_BODY || c->is_body_last) {
        return MK_E_STALE;
    }
    if (c->envelope->message_bytes > 0 &&
        span.len > c->envelope->message_bytes - c->lent) {
        return MK_E_SIZE;
    }
    r = mk_outq_body_add(&c->out, span, last);
    if (r == MK_OK) {
        c->lent += span.len;
        c->is_body_last = last;
        c->is_stirred = true;
    }
    return r;
}

static void client_finish(mk_engine *e, mk_str text)
{
    mk_smtp_client *c = client_of(e);

    (void)text; /* QUIT takes no argument (RFC 5321 4.1.1.10) */
    c->is_finishing = true;
    c->is_stirred = true;
}

static void client_close(mk_engine *e)
{
    mk_smtp_client *c = client_of(e);

    mk_smtp_client_login_close(c);
    mk_outq_fini(&c->out);
    c->pending = 0;
    c->state = CLIENT_OVER;
}

const mk_engine_ops mk_smtp_client_ops = {
    .step = client_step,
    .in_eof = client_in_eof,
    .in_max = client_in_max,
    .out = client_out,
    .out_sent = client_out_sent,
    .want = client_want,
    .deadline = client_deadline,
    .cancel = client_cancel,
    .body = client_body,
    .tls_begin = mk_smtp_client_tls_begin,
    .tls_done = mk_smtp_client_tls_done,
    .finish = client_finish,
    .close = client_close,
};
