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
    mk_framer_mode(&s->base.framer, FRAME_DOT, 0);
    s->base.framer.repair = s->config->bare == MK_SMTP_BARE_NORMALIZE;
    s->base.subject = MK_SMTP_VERB_END; /* of a refusal on the way */
    s->refusal = REFUSAL_NONE;
    mk_serve_flow_begin(&s->base);
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
    mk_serve *base = &s->base;
    mk_framer_mode(&base->framer, FRAME_LINE, 0);
    base->guard = !s->esmtp ||
                  (s->config->extensions & MK_SMTP_EXTENSION_PIPELINING) == 0;
    if (base->hold == SERVE_HOLD_REFUSED) {
        mk_serve_flow_refused(base);
        return dropped(s, ev, MK_E_REFUSED);
    }
    switch ((server_refusal)s->refusal) {
    case REFUSAL_BARE:
        return mk_serve_fault(base, ev, MK_E_BARE,
                              "550 5.5.2 Bare CR, LF or NUL in message");
    case REFUSAL_SIZE:
        (void)mk_serve_say(base, "552 5.3.4 Message too big");
        return dropped(s, ev, MK_E_SIZE);
    case REFUSAL_LINE:
        (void)mk_serve_say(base, "554 5.6.0 Line too long");
        return dropped(s, ev, MK_E_LINE);
    case REFUSAL_NONE:
        break;
    }
    mk_smtp_server_event(s, ev, MK_EV_BODY, MK_SMTP_VERB_END);
    ev->flags = MK_LAST;
    ev->offset = base->flow_bytes;
    ev->size = base->flow_bytes;
    return mk_smtp_server_ask(s, ev, MK_SMTP_ASK_END);
}

/* A run of n octets arrived. How many of them are within the limit? */
static size_t within(const smtp_server *s, size_t n)
{
    uint64_t max = s->config->message_max;
    uint64_t room = s->base.flow_bytes < max ? max - s->base.flow_bytes : 0;
    return n < room ? n : (size_t)room;
}

static mk_err body_run(smtp_server *s, mk_str run, mk_event *ev)
{
    uint64_t last = s->config->message_max + s->config->excess_max;
    uint64_t at = s->base.flow_bytes;
    size_t fits = within(s, run.len);
    mk_serve_earn(&s->base, run.len);
    if (fits < run.len) {
        refuse(s, REFUSAL_SIZE);
    }
    if (s->base.flow_bytes > last) {
        /* told at the octet that goes beyond, however the run was cut */
        uint64_t beyond = s->base.flow_bytes - last - 1;
        return mk_serve_fault_at(&s->base, ev, MK_E_SIZE,
                                 "552 5.3.4 Message too big",
                                 s->base.framer.consumed - beyond);
    }
    bool is_refused =
        s->base.hold == SERVE_HOLD_REFUSED || s->refusal > REFUSAL_SIZE;
    if (is_refused || fits == 0) {
        return MK_E_AGAIN;
    }
    ev->type = MK_EV_BODY;
    ev->flags = 0;
    ev->op = s->base.op;
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
    if (s->base.flow_bytes < max && view.len > SLACK &&
        view.len - SLACK > max - s->base.flow_bytes) {
        view.len = (size_t)(max - s->base.flow_bytes) + SLACK;
    }
    size_t offered = view.len;
    mk_err err = mk_framer_next(&s->base.framer, &view, out);
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
    if ((s->base.framer.defects & FRAME_DEFECT_BARE) != 0) {
        s->refusal = REFUSAL_BARE; /* the worst of all */
    } else if ((s->base.framer.defects & FRAME_DEFECT_LONG) != 0) {
        refuse(s, REFUSAL_LINE);
    }
    if (err != MK_OK) {
        return mk_serve_wait(&s->base, *io_in, ev);
    }
    mk_serve_heard(&s->base);
    if (unit.kind == FRAME_KIND_END) {
        return body_end(s, ev);
    }
    return body_run(s, unit.data, ev);
}
