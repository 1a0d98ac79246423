/* SPDX-License-Identifier: MIT
 *
 * client.c: the SMTP client as an engine (RFC 5321 3.1 to 3.3, 4.2, 4.5.3.2).
 * Here are its events, what is read, the deadlines and the end of things; what
 * is said and what it leads to is in client_rows.c, and what all clients share
 * in wire/client.h. A reply counts only when its command was acknowledged as
 * sent: what comes earlier is a fault, and so is what nothing had asked for,
 * but for a 421.
 */
#include "smtp/client_internal.h"

#include <string.h>

static mk_smtp_client *client_of(mk_engine *e)
{
    return (mk_smtp_client *)(void *)e;
}

static const mk_smtp_client *const_client_of(const mk_client *core)
{
    return (const mk_smtp_client *)(const void *)core;
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
    [CLIENT_BODY]     = TO(END) | TO(RESET) | TO(OVER),
    [CLIENT_END]      = TO(READY) | TO(RESET) | TO(OVER),
    [CLIENT_COMMAND]  = TO(HELLO) | TO(READY) | TO(OVER),
    [CLIENT_RESET]    = TO(READY) | TO(OVER),
    [CLIENT_QUIT]     = TO(OVER),
    [CLIENT_OVER]     = 0,
    [CLIENT_STARTTLS] = TO(SHAKE) | TO(AUTH) | TO(READY) | TO(QUIT) | TO(OVER),
    [CLIENT_SHAKE]    = TO(HELLO) | TO(OVER),
    [CLIENT_AUTH]     = TO(READY) | TO(QUIT) | TO(OVER),
};
#undef TO
/* clang-format on */

void mk_smtp_client_done(mk_smtp_client *c, mk_err outcome)
{
    if (c->core.op != 0) {
        c->outcome = outcome;
        c->core.pending |= PENDING_DONE;
    }
}

void mk_smtp_client_over(mk_smtp_client *c)
{
    if (c->core.state == CLIENT_BODY || mk_smtp_client_has_end(c)) {
        /* A peer that waits for a dot must never get it (Law 11), and what
         * was lent goes back with DONE: nothing of it may be looked at. */
        c->core.is_abort = true;
        mk_outq_fini(&c->core.out);
    }
    c->body.givens = 0;
    mk_client_login_close(&c->core);
    c->core.pending &=
        (uint8_t) ~(PENDING_READY | PENDING_WANTED | PENDING_TLS);
    mk_client_move(&c->core, CLIENT_OVER);
}

void mk_smtp_client_fault(mk_smtp_client *c, mk_err why, mk_retry retry,
                          const char *text)
{
    bool is_end = c->core.state == CLIENT_END && !mk_smtp_client_has_end(c);

    /* After its end the message may have been taken, whatever broke; an end
     * that never left takes nothing. */
    if (is_end && c->ends > 0 && c->accepted > 0 &&
        (why != MK_E_REFUSED || c->ends > 1)) {
        retry = MK_RETRY_UNKNOWN;
    }
    if (c->core.state != CLIENT_QUIT) {
        mk_client_blame(&c->core, why, retry, text);
    }
    /* The outcome of what RSET or QUIT follows is known already. */
    if (c->core.state == CLIENT_RESET || (is_end && c->ends == 0)) {
        why = c->outcome;
    } else if (c->core.state == CLIENT_QUIT) {
        why = MK_OK;
    }
    mk_smtp_client_done(c, why);
    mk_smtp_client_over(c);
}

/* ---- events -------------------------------------------------------------- */

static void tell_done(mk_smtp_client *c, mk_event *ev)
{
    ev->type = MK_EV_DONE;
    ev->err = c->outcome;
    memset(&c->event, 0, sizeof c->event);
    c->event.accepted = c->delivered;
    c->event.extensions = c->talk.told;
    ev->of.smtp = &c->event;
    c->core.op = 0;
    c->talk.envelope = NULL;
    c->body.givens = 0; /* this gives them back */
    if (c->next_op != 0) {
        mk_smtp_client_go_on(c);
    }
}

static bool tell_wanted(mk_smtp_client *c, unsigned which, mk_event *ev)
{
    mk_str given = mk_str_of(NULL, 0);

    if (mk_smtp_client_gives_back(c)) {
        (void)mk_outq_body_given(&c->core.out, &given);
    } else if (which == 0) {
        return false;
    }
    ev->type = MK_EV_WANTED;
    ev->offset = c->lent;
    ev->data = given;
    ev->size = mk_smtp_client_body_room(c);
    if (c->is_body_last && c->body.spans + c->body.givens == 0) {
        ev->flags = MK_LAST;
    }
    return true;
}

static void tell_reply(mk_smtp_client *c, mk_event *ev)
{
    ev->type = MK_EV_SMTP_REPLY;
    ev->flags = c->event.verb == MK_SMTP_VERB_NONE ? MK_UNASKED : 0;
    c->event.reply = &c->reader.reply;
    c->event.tls = c->core.tls;
    c->event.mechanism =
        c->event.verb == MK_SMTP_VERB_AUTH ? c->core.mechanism : 0;
    ev->of.smtp = &c->event;
}

static void tell_ready(mk_smtp_client *c, mk_event *ev)
{
    ev->type = MK_EV_SMTP_READY;
    mk_smtp_client_done(c, c->outcome); /* of an XCLIENT that led here */
    c->event.reply = NULL;              /* told already */
    c->event.size = c->offer.size_max;
    c->event.extensions = c->offer.extensions;
    c->event.mail_max = c->offer.mail_max;
    c->event.rcpt_max = c->offer.rcpt_max;
    c->event.rcpt_domain_max = c->offer.rcpt_domain_max;
    c->event.mechanism = c->core.mechanisms;
    c->event.tls = c->core.tls;
    c->event.flags = c->is_esmtp ? MK_SMTP_EVENT_ESMTP : 0;
    ev->of.smtp = &c->event;
}

static bool client_tell(mk_client *core, unsigned which, mk_event *ev)
{
    mk_smtp_client *c = mk_smtp_client_of(core);

    ev->op = core->op;
    if (which == PENDING_REPLY) {
        tell_reply(c, ev);
    } else if (which == PENDING_DONE) {
        tell_done(c, ev);
    } else if (which == PENDING_READY) {
        tell_ready(c, ev);
    } else {
        return tell_wanted(c, which, ev);
    }
    return true;
}

/* ---- input --------------------------------------------------------------- */

static void bad_reply(mk_smtp_client *c, mk_err why, const char *text)
{
    mk_smtp_client_fault(c, why, MK_RETRY_LATER, text);
}

/* Had the server heard nothing of the operation? Then it refused none. */
static bool is_unheard(const mk_smtp_client *c)
{
    return c->got == 0 && (c->core.state == CLIENT_ENVELOPE ||
                           c->core.state == CLIENT_COMMAND);
}

/* A complete reply is in the reader. */
static void take_reply(mk_smtp_client *c)
{
    uint16_t code = c->reader.reply.code;
    bool was_unheard = is_unheard(c);

    c->core.since_ms = c->core.now_ms;
    if (!c->core.is_early) {
        mk_smtp_client_hear(c);
    } else if (code == 421 || (mk_smtp_client_has_body(c) && code >= 400)) {
        /* A whole and proper reply is needed for this, as for any refusal. */
        memset(&c->event, 0, sizeof c->event);
        c->event.verb = code == 421 ? MK_SMTP_VERB_NONE : MK_SMTP_VERB_END;
        c->event.accepted = c->accepted;
        c->core.pending |= PENDING_REPLY;
        mk_smtp_client_fault(c, MK_E_REFUSED,
                             code >= 500 ? MK_RETRY_NEVER : MK_RETRY_LATER,
                             "the server breaks it off");
        c->outcome = was_unheard ? MK_E_CUT : c->outcome;
    } else if (c->core.awaited > 0) {
        bad_reply(c, MK_E_EARLY, "a reply before its command was sent");
    } else {
        bad_reply(c, MK_E_PROTOCOL, "a reply that nothing had asked for");
    }
}

static void take_line(mk_smtp_client *c, mk_str line)
{
    mk_smtp_verb verb = mk_smtp_client_verb_at(&c->talk, c->got);
    bool is_hello = verb == MK_SMTP_VERB_EHLO || verb == MK_SMTP_VERB_LHLO;
    /* RFC 2034 4 */
    bool has_enhanced = !is_hello && verb > MK_SMTP_VERB_HELO;
    mk_err r = mk_smtp_reply_add(&c->reader, line, has_enhanced);

    if (r != MK_OK) {
        bad_reply(c, r, "a malformed reply");
        return;
    }
    if (is_hello) {
        mk_smtp_client_hear_line(c, line);
    } else if (verb == MK_SMTP_VERB_AUTH) {
        mk_smtp_client_login_line(c, line);
    }
    if (c->reader.is_done) {
        take_reply(c);
    }
}

static mk_err client_read(mk_client *core, mk_str *io_in, mk_event *ev)
{
    mk_smtp_client *c = mk_smtp_client_of(core);
    frame_unit unit;

    (void)ev;
    if (io_in->len > 0 && mk_smtp_client_is_early(c)) {
        core->is_early = true;
    }
    if (mk_framer_line(&core->framer, io_in, &unit) != MK_OK) {
        return MK_WAIT;
    }
    if (unit.kind != FRAME_KIND_LINE) {
        bad_reply(c, MK_E_LINE, "a reply line beyond the limit");
    } else if (unit.bare) {
        bad_reply(c, MK_E_BARE, "a bare LF in a reply");
    } else {
        take_line(c, unit.data);
    }
    return MK_E_AGAIN;
}

/* ---- time ---------------------------------------------------------------- */

static bool client_is_idle(const mk_client *core)
{
    return core->state == CLIENT_READY;
}

static uint64_t client_due_ms(const mk_client *core)
{
    return mk_client_later_ms(
        core->since_ms, mk_smtp_client_patience_ms(const_client_of(core)));
}

/* The server's time for a block stands still while it is the application's
 * turn, so that lending in small pieces gives it no more (THREATS 113). */
static bool client_begin(mk_client *core)
{
    mk_smtp_client *c = mk_smtp_client_of(core);
    bool is_ours = mk_smtp_client_is_ours(c);

    if (c->taken >= c->config->block_bytes) {
        c->taken = 0;
        core->since_ms = core->now_ms;
    }
    if (is_ours && !c->was_ours) {
        c->spent_ms = core->now_ms - core->since_ms;
        core->since_ms = core->now_ms;
    } else if (!is_ours && c->was_ours) {
        core->since_ms =
            core->now_ms - (mk_smtp_client_has_body(c) ? c->spent_ms : 0);
    }
    c->was_ours = is_ours;
    return true;
}

static void client_late(mk_client *core)
{
    mk_smtp_client *c = mk_smtp_client_of(core);

    if (core->state == CLIENT_READY) {
        mk_smtp_client_quit_now(core);
    } else if (mk_smtp_client_is_ours(c)) {
        mk_smtp_client_done(c, MK_E_TIMEOUT);
        mk_smtp_client_over(c);
    } else {
        mk_smtp_client_fault(c, MK_E_TIMEOUT, MK_RETRY_LATER,
                             "the server did not reply in time");
    }
}

static void client_fault(mk_client *core, mk_err why, mk_retry retry,
                         const char *text)
{
    mk_smtp_client_fault(mk_smtp_client_of(core), why, retry, text);
}

static void client_advance(mk_client *core)
{
    mk_smtp_client_advance(mk_smtp_client_of(core));
}

/* ---- the contract -------------------------------------------------------- */

static mk_err client_out_sent(mk_engine *e, size_t n)
{
    mk_smtp_client *c = client_of(e);
    bool was_here = mk_smtp_client_has_end(c);
    mk_err r = mk_client_out_sent(e, n);

    if (r == MK_OK && mk_smtp_client_has_body(c)) {
        c->taken += n;
        if (was_here && !mk_smtp_client_has_end(c)) {
            c->taken = MK_NEVER; /* the time for the reply begins */
        }
    }
    return r;
}

static mk_err client_cancel(mk_engine *e, mk_op op)
{
    mk_smtp_client *c = client_of(e);

    if (op != 0 && op == c->next_op) {
        c->next.is_stopped = true;
        c->core.is_stirred = true;
        return MK_OK;
    }
    if (op != c->core.op || (c->core.pending & PENDING_DONE) != 0 ||
        c->core.state == CLIENT_QUIT ||
        (c->core.state == CLIENT_END && c->ends == 0)) {
        return MK_E_STALE;
    }
    c->core.is_stirred = true;
    c->outcome = MK_E_CANCELLED;
    c->talk.is_stopped = true;
    if (mk_smtp_client_has_body(c)) {
        mk_smtp_client_done(c, MK_E_CANCELLED);
        mk_smtp_client_over(c);
    }
    return MK_OK;
}

const mk_client_kind mk_smtp_client_kind = {
    .ops = {MK_CLIENT_OPS, .out_sent = client_out_sent, .want = mk_client_want,
            .cancel = client_cancel, .body = mk_smtp_client_body,
            .close = mk_client_close},
    .moves = moves,
    .auth_max = 512, /* RFC 4954 4 */
    .begin = client_begin,
    .tell = client_tell,
    .advance = client_advance,
    .read = client_read,
    .due_ms = client_due_ms,
    .late = client_late,
    .is_idle = client_is_idle,
    .fault = client_fault,
    .quit = mk_smtp_client_quit_now,
    .shaken = mk_smtp_client_shaken,
    .served = mk_smtp_client_served,
};
