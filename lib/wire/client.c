/* SPDX-License-Identifier: MIT
 *
 * wire/client.c: see client.h. A step tells what is pending, lets the machine
 * say what it may, and reads; then the end of input counts, and then the clock.
 * A move that a machine's table does not know ends the session with a reset.
 */
#include "wire/client.h"

#include <string.h>

enum { starved_ms = 100 };

static mk_client *client_of(mk_engine *e)
{
    return (mk_client *)(void *)e;
}

static const mk_client *const_client_of(const mk_engine *e)
{
    return (const mk_client *)(const void *)e;
}

void mk_client_move(mk_client *c, unsigned state)
{
    /* An error of ours: nothing more may reach the peer. */
    if ((mk_client_kind_of(c)->moves[c->state] & (1U << state)) == 0) {
        c->is_abort = true;
        state = CLIENT_BORDER_OVER;
    }
    c->state = (uint8_t)state;
    c->since_ms = c->now_ms;
}

void mk_client_blame(mk_client *c, mk_err why, mk_retry retry, const char *text)
{
    c->fault.why = why;
    c->fault.retry = retry;
    c->fault.offset = c->framer.consumed;
    c->fault.text = mk_str_z(text);
    c->pending |= PENDING_FAULT;
}

void mk_client_turn_away(mk_client *c, mk_err why, mk_retry retry,
                         const char *text)
{
    mk_client_blame(c, why, retry, text);
    mk_client_kind_of(c)->quit(c);
}

/* Commands are lines, and lie in the order in which they are answered. */
bool mk_client_is_early(const mk_client *c)
{
    return c->awaited <= mk_outq_lines(&c->out);
}

uint64_t mk_client_later_ms(uint64_t since_ms, uint64_t ms)
{
    return ms > MK_NEVER - since_ms ? MK_NEVER : since_ms + ms;
}

/* ---- a step -------------------------------------------------------------- */

static bool tell(mk_client *c, mk_event *out_event)
{
    unsigned which = c->pending & (0U - c->pending);
    mk_event ev;

    memset(&ev, 0, sizeof ev);
    ev.offset = c->framer.consumed;
    c->pending &= (uint8_t)~which;
    if (which == PENDING_FAULT) {
        ev.type = MK_EV_FAULT;
        ev.op = c->op;
        ev.err = c->fault.why;
        ev.of.fault = &c->fault;
    } else if (which == PENDING_TLS) {
        ev.type = MK_EV_TLS_WANTED;
    } else if (!mk_client_kind_of(c)->tell(c, which, &ev)) {
        return false;
    }
    *out_event = ev;
    return true;
}

/* MK_E_AGAIN: another turn. */
static mk_err turn(mk_client *c, mk_str *io_in, mk_event *out_event)
{
    const mk_client_kind *kind = mk_client_kind_of(c);
    mk_err r = MK_WAIT;

    if (tell(c, out_event)) {
        return MK_OK;
    }
    if (c->state == CLIENT_BORDER_OVER) {
        return MK_END;
    }
    kind->advance(c);
    if (c->pending != 0 || c->state == CLIENT_BORDER_OVER) {
        return MK_E_AGAIN;
    }
    if (c->state != CLIENT_BORDER_SHAKE) {
        r = kind->read(c, io_in, out_event);
    }
    if (r != MK_WAIT) {
        return r;
    }
    if (c->has_eof) {
        kind->fault(c, c->eof_why == MK_OK ? MK_E_CUT : c->eof_why,
                    kind->is_idle(c) ? MK_RETRY_NOW : MK_RETRY_LATER,
                    "the connection ended in the middle");
    } else if (c->now_ms >= kind->due_ms(c)) {
        kind->late(c);
    } else {
        return MK_WAIT;
    }
    return MK_E_AGAIN;
}

mk_err mk_client_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                      mk_event *out_event)
{
    mk_client *c = client_of(e);
    mk_err r = MK_E_AGAIN;

    c->now_ms = now_ms;
    if (!c->is_begun) {
        c->is_begun = true;
        c->since_ms = now_ms;
    }
    c->is_stirred = false;
    if (!mk_client_kind_of(c)->begin(c)) {
        return MK_WAIT;
    }
    while (r == MK_E_AGAIN) {
        r = turn(c, io_in, out_event);
    }
    return r;
}

/* ---- the rest of the contract -------------------------------------------- */

void mk_client_in_eof(mk_engine *e, mk_err why)
{
    mk_client *c = client_of(e);

    if (!c->has_eof) {
        c->has_eof = true;
        c->eof_why = why;
    }
}

size_t mk_client_in_max(const mk_engine *e)
{
    return mk_framer_need(&const_client_of(e)->framer);
}

size_t mk_client_out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max)
{
    return mk_outq_spans(&client_of(e)->out, skip, out_spans, max);
}

mk_err mk_client_out_sent(mk_engine *e, size_t n)
{
    mk_client *c = client_of(e);
    mk_err r = mk_outq_sent(&c->out, n);

    if (r == MK_OK && n > 0) {
        c->is_stirred = true;
    }
    return r;
}

unsigned mk_client_want(const mk_engine *e)
{
    const mk_client *c = const_client_of(e);
    unsigned want = mk_outq_is_empty(&c->out) ? 0 : MK_WANT_WRITE;

    if (c->pending != 0 || c->is_stirred || !c->is_begun) {
        want |= MK_WANT_STEP;
    }
    if (c->state == CLIENT_BORDER_SHAKE) {
        return want;
    }
    if (c->state != CLIENT_BORDER_OVER) {
        return want | MK_WANT_READ;
    }
    return want | (c->is_abort ? MK_WANT_ABORT : MK_WANT_CLOSE);
}

uint64_t mk_client_deadline(const mk_engine *e)
{
    const mk_client *c = const_client_of(e);
    uint64_t due = mk_client_kind_of(c)->due_ms(c);

    if (c->state == CLIENT_BORDER_OVER || !c->is_begun) {
        return MK_NEVER;
    }
    if (c->is_starved && c->now_ms + starved_ms < due) {
        return c->now_ms + starved_ms;
    }
    return due;
}

void mk_client_finish(mk_engine *e, mk_str text)
{
    mk_client *c = client_of(e);

    /* QUIT takes no argument (RFC 5321 4.1.1.10, RFC 1939 6). */
    (void)text;
    c->is_finishing = true;
    c->is_stirred = true;
}

void mk_client_close(mk_engine *e)
{
    mk_client *c = client_of(e);

    mk_client_login_close(c);
    mk_outq_fini(&c->out);
    c->pending = 0;
    c->state = CLIENT_BORDER_OVER;
}
