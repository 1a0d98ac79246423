/* SPDX-License-Identifier: MIT
 *
 * smtp/server_body.c: the body, behind DATA (RFC 5321 4.1.1.4, 4.5.2, 4.5.3)
 * or in chunks (server_bdat.c). A body that is refused in the middle is read to
 * its true end, or to that of its chunk, within bounds, and only then answered;
 * what its transaction held is dropped. A bare CR, LF or NUL ends nothing (Law
 * 10). Behind DATA it costs the session, for who says such things hopes that
 * something else ends a body; where octets are counted nothing else can, and
 * chunks that are under way already must find a server that discards them (RFC
 * 3030 2).
 */
#include "smtp/server_internal.h"

void mk_smtp_server_body_begin(smtp_server *s)
{
    mk_framer_mode(&s->base.framer, FRAME_DOT, 0);
    s->base.framer.repair = s->config->bare == MK_SMTP_BARE_NORMALIZE;
    s->refusal = REFUSAL_NONE;
    s->chunked = false;
    mk_serve_flow_begin(&s->base, MK_SMTP_VERB_END);
    mk_smtp_server_move(s, SERVER_DATA);
}

static void refuse(smtp_server *s, server_refusal why)
{
    if (s->refusal == REFUSAL_NONE) {
        s->refusal = (uint8_t)why;
    }
}

/* Does nothing more of the body come? */
static bool is_complete(const smtp_server *s)
{
    return !s->chunked || s->is_last;
}

/* The transaction is over without the application having judged its end. */
static mk_err dropped(smtp_server *s, mk_event *ev, mk_err why)
{
    s->junk++;
    mk_smtp_server_move(s, is_complete(s) ? SERVER_READY : SERVER_SPOILT);
    mk_smtp_server_event(s, ev, MK_EV_SMTP_RESET, MK_SMTP_VERB_END);
    ev->err = why;
    return MK_OK;
}

/* A body that we refuse is answered; the class of error that it was. */
static const struct refusal_row {
    mk_err err;
    const char *line;
} refusal_rows[] = {
    /* clang-format off */
    [REFUSAL_NONE]     = {MK_E_REFUSED, NULL}, /* the application's own word */
    [REFUSAL_SIZE]     = {MK_E_SIZE,    "552 5.3.4 Message too big"},
    [REFUSAL_LINE]     = {MK_E_LINE,    "554 5.6.0 Line too long"},
    [REFUSAL_BARE]     = {MK_E_BARE,    "550 5.5.2 Bare CR, LF or NUL in message"},
    [REFUSAL_DECLARED] = {MK_E_SIZE,    "552 5.3.4 Message too big"},
    [REFUSAL_SYNTAX]   = {MK_E_SYNTAX,  "501 5.5.4 BDAT wants octets, and LAST or nothing"},
    [REFUSAL_PLACE]    = {MK_E_STATE,   NULL},
    /* clang-format on */
};
/* The reply behind the tail is the last word on a body. */
mk_err mk_smtp_server_refused(smtp_server *s, mk_event *ev)
{
    const struct refusal_row *row = &refusal_rows[s->refusal];
    if (row->err == MK_E_BARE && !s->chunked) {
        return mk_serve_fault(&s->base, ev, row->err, row->line);
    }
    mk_serve_let_go(&s->base, row->err != MK_E_REFUSED);
    if (s->refusal == REFUSAL_PLACE && !s->dropped) {
        mk_smtp_server_move(s, (server_state)s->next);
        return MK_E_AGAIN;
    }
    s->dropped = false;
    return dropped(s, ev, row->err);
}

/* RFC 2033 4.3: the last chunk has a reply for each recipient that was accepted
 * and, where there is none, no reply: one would be taken for the next
 * command's. It is an error all the same. */
static bool is_unheard(const smtp_server *s)
{
    return s->config->is_lmtp && s->esmtp && s->is_last && s->accepted == 0;
}

/* A body that is refused, or a chunk that may not be there, is through. */
static mk_err refused_end(smtp_server *s, mk_event *ev)
{
    mk_serve *base = &s->base;
    if (base->hold == SERVE_HOLD_REFUSED) {
        mk_serve_flow_refused(base);
        s->refusal = REFUSAL_NONE;
    } else if (s->refusal == REFUSAL_PLACE) {
        if (!is_unheard(s)) {
            mk_serve_put(base, s->of.chunk.refusal);
        }
    } else {
        mk_serve_put(base, refusal_rows[s->refusal].line);
    }
    if (s->config->is_lmtp && s->accepted > 0 && is_complete(s)) {
        mk_smtp_server_deliver_begin(s);
        return MK_E_AGAIN;
    }
    return mk_smtp_server_refused(s, ev);
}

static mk_err body_end(smtp_server *s, mk_event *ev)
{
    mk_serve *base = &s->base;
    mk_framer_mode(&base->framer, FRAME_LINE, 0);
    base->guard = !mk_smtp_server_is_pipelining(s);
    if (base->hold == SERVE_HOLD_REFUSED || s->refusal != REFUSAL_NONE) {
        return refused_end(s, ev);
    }
    if (!is_complete(s)) {
        return mk_smtp_server_chunk_end(s);
    }
    mk_smtp_server_event(s, ev, MK_EV_BODY, MK_SMTP_VERB_END);
    ev->flags = MK_LAST;
    ev->offset = base->flow_bytes;
    ev->size = base->flow_bytes;
    if (s->config->is_lmtp) { /* each recipient will be asked about */
        ev->op = base->op;
        mk_smtp_server_deliver_begin(s);
        return MK_OK;
    }
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
