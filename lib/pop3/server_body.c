/* SPDX-License-Identifier: MIT
 *
 * pop3/server_body.c: replies of many lines (RFC 1939 3): messages are lent in
 * spans and byte-stuffed on the way out, rows of LIST and UIDL are given one by
 * one while there is room; nothing of either is kept. TOP is cut here, wherever
 * the application stops. What follows in the input waits until all of it is
 * acknowledged.
 */
#include "pop3/server_internal.h"

static bool is_listing(const pop3_server *s)
{
    return s->serve.subject == SUBJECT_LIST || s->serve.subject == SUBJECT_UIDL;
}

/* Has the question a reply of many lines? */
static bool is_long(const pop3_server *s)
{
    return s->serve.subject == SUBJECT_RETR ||
           s->serve.subject == SUBJECT_TOP || (is_listing(s) && s->number == 0);
}

bool mk_pop3_server_is_ahead(const pop3_server *s, mk_op op)
{
    return op == s->serve.op && is_long(s) &&
           s->serve.question == SERVE_QUESTION_ANSWERED &&
           s->serve.answer == MK_ANSWER_YES && !s->serve.is_login &&
           !s->stream.is_cancelled;
}

void mk_pop3_server_body_begin(pop3_server *s)
{
    if (is_long(s)) {
        mk_serve_stream_begin(&s->serve, OUTQ_STORED, ".\r\n");
    }
}

/* Of a TOP one span is wanted at a time, for nobody knows which is the last.
 * That one went out in part, and comes back as it was lent. */
static void want_top(const pop3_server *s, mk_event *ev)
{
    ev->size = ev->size > 0 ? 1 : 0;
    if (s->cut.is_over && (ev->flags & MK_LAST) != 0 && ev->data.ptr != NULL) {
        ev->data = s->cut_span;
    }
}

mk_err mk_pop3_server_body_next(pop3_server *s, mk_event *ev)
{
    mk_err err = mk_serve_stream_next(&s->serve, ev);

    if (err == MK_OK && ev->type == MK_EV_WANTED &&
        s->serve.subject == SUBJECT_TOP) {
        want_top(s, ev);
    }
    return err;
}

/* What is lent behind the end would have to wait for ever: MK_EV_WANTED with
 * MK_LAST comes instead. */
static mk_err add_top(pop3_server *s, mk_op op, mk_str span, bool last)
{
    pop3_cut cut = s->cut;
    size_t n = mk_pop3_cut_take(&cut, span);

    if (s->cut.is_over) {
        return MK_WAIT;
    }
    mk_err err = mk_serve_stream_body(
        &s->serve.head, op, mk_str_sub(span, 0, n), last || cut.is_over);

    if (err == MK_OK) {
        s->cut = cut;
        s->cut_span = span;
    }
    return err;
}

mk_err mk_pop3_server_cancel(mk_engine *e, mk_op op)
{
    pop3_server *s = (pop3_server *)(void *)e;

    if (!mk_pop3_server_is_ahead(s, op)) {
        return mk_serve_stream_cancel(e, op);
    }
    s->stream.is_cancelled = true; /* it breaks off where it would begin */
    return MK_OK;
}

mk_err mk_pop3_server_body(mk_engine *e, mk_op op, mk_str span, bool last)
{
    pop3_server *s = (pop3_server *)(void *)e;

    if (op != s->serve.op || !s->serve.streaming) {
        return mk_pop3_server_is_ahead(s, op) ? MK_WAIT : MK_E_STALE;
    }
    if (is_listing(s) && (span.len > 0 || !last)) {
        return MK_E_ARG; /* rows have calls of their own */
    }
    if (s->serve.subject == SUBJECT_TOP) {
        return add_top(s, op, span, last);
    }
    return mk_serve_stream_body(e, op, span, last);
}
