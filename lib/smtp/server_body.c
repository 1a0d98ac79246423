/* SPDX-License-Identifier: MIT
 *
 * smtp/server_body.c: the body behind DATA (RFC 5321 4.1.1.4, 4.5.2, 4.5.3).
 * A body that is refused in the middle is read to its true end, within
 * bounds, and only then answered; what its transaction held is dropped. A
 * bare CR, LF or NUL ends nothing, and costs the session (Law 10).
 */
#include "smtp/server_internal.h"

void mk_smtp_server_body_begin(smtp_server *s)
{
    mk_framer_mode(&s->framer, FRAME_DOT, 0);
    s->framer.repair = s->config->bare == MK_SMTP_BARE_NORMALIZE;
    mk_smtp_server_next_op(s);
    s->body_bytes = 0;
    s->body_since_ms = s->now_ms;
    s->refusal = REFUSAL_NONE;
    s->hold = HOLD_NONE;
    mk_smtp_server_move(s, SERVER_DATA);
}

static void refuse(smtp_server *s, server_refusal why)
{
    if (s->refusal == REFUSAL_NONE) {
        s->refusal = (uint8_t)why;
    }
}

/* The transaction is over without the application having judged its end. */
static mk_err dropped(smtp_server *s, mk_event *ev, mk_err why)
{
    s->junk++;
    mk_smtp_server_move(s, SERVER_READY);
    mk_smtp_server_event(s, ev, MK_EV_SMTP_RESET, MK_SMTP_VERB_END);
    ev->err = why;
    return MK_OK;
}

static mk_err body_end(smtp_server *s, mk_event *ev)
{
    mk_framer_mode(&s->framer, FRAME_LINE, 0);
    s->guard = !s->esmtp ||
               (s->config->extensions & MK_SMTP_EXTENSION_PIPELINING) == 0;
    switch ((server_refusal)s->refusal) {
    case REFUSAL_BARE:
        return mk_smtp_server_fault(s, ev, MK_E_BARE,
                                    "550 5.5.2 Bare CR, LF or NUL in message",
                                    s->framer.consumed);
    case REFUSAL_SIZE:
        (void)mk_smtp_server_say(s, "552 5.3.4 Message too big");
        return dropped(s, ev, MK_E_SIZE);
    case REFUSAL_LINE:
        (void)mk_smtp_server_say(s, "554 5.6.0 Line too long");
        return dropped(s, ev, MK_E_LINE);
    case REFUSAL_ANSWER:
        mk_outq_commit(&s->out, s->pending);
        s->pending = 0;
        (void)dropped(s, ev, MK_E_REFUSED);
        if (s->last_word) {
            mk_smtp_server_end(s);
        }
        return MK_OK;
    case REFUSAL_NONE:
        break;
    }
    mk_smtp_server_event(s, ev, MK_EV_BODY, MK_SMTP_VERB_END);
    ev->flags = MK_LAST;
    ev->offset = s->body_bytes;
    ev->size = s->body_bytes;
    return mk_smtp_server_ask(s, ev, MK_SMTP_ASK_END);
}

/* A run of n octets arrived. How many of them are within the limit? */
static size_t within(const smtp_server *s, size_t n)
{
    uint64_t max = s->config->message_max;
    uint64_t room = s->body_bytes < max ? max - s->body_bytes : 0;
    return n < room ? n : (size_t)room;
}

static mk_err body_run(smtp_server *s, mk_str run, mk_event *ev)
{
    uint64_t last = s->config->message_max + s->config->excess_max;
    uint64_t at = s->body_bytes;
    size_t fits = within(s, run.len);
    s->body_bytes += run.len;
    mk_smtp_server_earn(s);
    if (fits < run.len) {
        refuse(s, REFUSAL_SIZE);
    }
    if (s->body_bytes > last) {
        /* told at the octet that goes beyond, however the run was cut */
        uint64_t beyond = s->body_bytes - last - 1;
        return mk_smtp_server_fault(s, ev, MK_E_SIZE,
                                    "552 5.3.4 Message too big",
                                    s->framer.consumed - beyond);
    }
    bool refused = s->refusal != REFUSAL_NONE && s->refusal != REFUSAL_SIZE;
    if (refused || fits == 0) {
        return MK_E_AGAIN;
    }
    ev->type = MK_EV_BODY;
    ev->flags = 0;
    ev->op = s->op;
    ev->err = MK_OK;
    ev->offset = at;
    ev->size = at + fits;
    ev->data = mk_str_of(run.ptr, fits);
    ev->of.any = NULL;
    ev->reserved = 0;
    return MK_OK;
}

/* Cut the next unit. While the body is within its limit no run may go far
 * beyond it: the part within must be told before anything is said about the
 * rest. Four octets more are always enough for the framer to go on. */
static mk_err next_unit(smtp_server *s, mk_str *io_in, frame_unit *out)
{
    enum { SLACK = 4 };
    mk_str view = *io_in;
    uint64_t max = s->config->message_max;
    if (s->body_bytes < max && view.len > SLACK &&
        view.len - SLACK > max - s->body_bytes) {
        view.len = (size_t)(max - s->body_bytes) + SLACK;
    }
    size_t offered = view.len;
    mk_err err = mk_framer_next(&s->framer, &view, out);
    size_t used = offered - view.len;
    if (used > 0) { /* an empty view may have no address to add to */
        io_in->ptr += used;
        io_in->len -= used;
    }
    return err;
}

mk_err mk_smtp_server_body(smtp_server *s, mk_str *io_in, mk_event *ev)
{
    frame_unit unit;
    mk_err err = next_unit(s, io_in, &unit);
    if ((s->framer.defects & FRAME_DEFECT_BARE) != 0) {
        /* the worst of all: it outranks other refusals but the
         * application's own, whose reply is already composed */
        if (s->refusal != REFUSAL_ANSWER) {
            s->refusal = REFUSAL_BARE;
        }
    } else if ((s->framer.defects & FRAME_DEFECT_LONG) != 0) {
        refuse(s, REFUSAL_LINE);
    }
    if (err != MK_OK) {
        return err;
    }
    mk_smtp_server_heard(s);
    if (unit.kind == FRAME_KIND_END) {
        return body_end(s, ev);
    }
    return body_run(s, unit.data, ev);
}
