/* SPDX-License-Identifier: MIT
 *
 * wire/serve_stream.c: what goes out behind a reply, as spans that the
 * application lends (Law 7) or as rows that are composed for it, pulled by
 * MK_EV_WANTED, so that a message of any size holds nothing here (RFC 1939 3,
 * RFC 9051 4.3). While the output is empty it is the application's time that
 * runs, else the peer's, for each block of it and by a least rate. What breaks
 * off is never given an end (Law 11).
 */
#include "wire/serve_internal.h"

#include <string.h>

enum { BLOCK_BYTES = 65536 };

static mk_serve_stream *stream_of(const mk_serve *s)
{
    return (mk_serve_stream *)(void *)s->out.body;
}

void mk_serve_stream_begin(mk_serve *s, outq_mode mode, const char *end)
{
    mk_serve_stream *t = stream_of(s);
    mk_outq_body_begin(&s->out, mode);
    t->lent = 0;
    t->end = end;
    t->taken = 0;
    t->is_wanted = true;
    t->is_full = false;
    t->is_last = false;
    t->is_ended = false;
    t->is_block = false;
    s->streaming = true;
    s->stirred = true;
    s->flow_bytes = 0;
    s->flow_since_ms = s->now_ms;
}

static bool is_under_way(const mk_serve *s, mk_op op)
{
    const mk_serve_stream *t = stream_of(s);
    return s->streaming && op == s->op && !t->is_last && !t->is_cancelled;
}

mk_err mk_serve_stream_row(mk_serve *s, mk_op op, mk_str row)
{
    mk_serve_stream *t = stream_of(s);
    if (!is_under_way(s, op)) {
        return MK_E_STALE;
    }
    if (!mk_outq_reserve(&s->out, row.len + strlen(t->end))) {
        t->is_wanted = true;
        t->is_full = true;
        s->stirred = s->stirred || mk_outq_is_empty(&s->out);
        return MK_WAIT;
    }
    s->stirred = true;
    return mk_outq_text(&s->out, row);
}

mk_err mk_serve_stream_body(mk_engine *e, mk_op op, mk_str span, bool last)
{
    mk_serve *s = mk_serve_of(e);
    mk_serve_stream *t = stream_of(s);
    if (!is_under_way(s, op)) {
        return MK_E_STALE;
    }
    mk_err err = mk_outq_body_add(&s->out, span, last);
    if (err == MK_OK) {
        t->lent += span.len;
        t->is_last = last;
        t->is_wanted = t->is_wanted && !last;
        s->stirred = true;
    }
    return err;
}

mk_err mk_serve_stream_cancel(mk_engine *e, mk_op op)
{
    mk_serve *s = mk_serve_of(e);
    mk_serve_stream *t = stream_of(s);
    if (!s->streaming || op != s->op || s->ended || t->is_cancelled) {
        return MK_E_STALE;
    }
    t->is_cancelled = true;
    s->stirred = true;
    return MK_OK;
}

mk_err mk_serve_stream_sent(mk_engine *e, size_t n)
{
    mk_serve *s = mk_serve_of(e);
    mk_err err = mk_outq_sent(&s->out, n);
    if (err != MK_OK || !s->streaming || n == 0) {
        return err;
    }
    mk_serve_stream *t = stream_of(s);
    bool is_empty = mk_outq_is_empty(&s->out);
    size_t room = BLOCK_BYTES - t->taken;
    t->is_block = t->is_block || is_empty || n >= room;
    t->taken = n >= room ? 0 : t->taken + (uint32_t)n;
    /* by each block the clock is looked at: a long span goes by no other */
    s->stirred = s->stirred || is_empty || t->is_block || t->body.givens > 0;
    mk_serve_earn(s, n);
    return MK_OK;
}

/* ---- the step ------------------------------------------------------------ */

/* The last was lent: its end goes behind it. Room for that was kept. */
static void queue_end(mk_serve *s, mk_serve_stream *t)
{
    static const mk_str crlf = MK_STR_INIT("\r\n");
    mk_str end = mk_str_z(t->end);
    if (!mk_outq_reserve(&s->out, (t->body.bol ? 0 : crlf.len) + end.len)) {
        return;
    }
    if (!t->body.bol) {
        (void)mk_outq_text(&s->out, crlf);
    }
    (void)mk_outq_text(&s->out, end);
    t->is_ended = true;
}

/* Is there something to tell? The last span is told with the end, when that is
 * acknowledged as well. */
static bool tell_wanted(mk_serve *s, mk_serve_stream *t, mk_event *ev)
{
    bool is_empty = mk_outq_is_empty(&s->out);
    bool is_final = t->is_last && t->body.spans == 0 && t->body.givens <= 1;
    if (is_final ? !(t->is_ended && is_empty)
                 : t->body.givens == 0 &&
                       !(t->is_wanted && (is_empty || !t->is_full))) {
        return false;
    }
    memset(ev, 0, sizeof *ev);
    ev->type = MK_EV_WANTED;
    ev->op = s->op;
    ev->offset = t->lent;
    (void)mk_outq_body_given(&s->out, &ev->data);
    ev->flags = is_final ? MK_LAST : 0;
    ev->size = t->is_last ? 0 : mk_outq_body_room(&s->out) - t->body.givens;
    t->is_wanted = false;
    t->is_full = false;
    s->streaming = !is_final;
    return true;
}

static mk_err broke(mk_serve *s, mk_event *ev, mk_err why)
{
    mk_serve_break(s);
    return mk_serve_fault(s, ev, why, NULL);
}

/* Nobody has anything to do; is somebody too slow? */
static mk_err wait_for_either(mk_serve *s, mk_serve_stream *t, mk_event *ev)
{
    if (s->eof && s->eof_why != MK_OK) {
        return broke(s, ev, s->eof_why);
    }
    if (mk_outq_is_empty(&s->out)) {
        if (s->due_ms == 0) {
            mk_serve_put_off(s);
        }
        if (s->now_ms < s->due_ms) {
            return MK_WAIT;
        }
        mk_serve_break(s);
        return mk_serve_withdrawn(s, ev, MK_E_TIMEOUT);
    }
    mk_serve_resume(s);
    if (t->is_block) {
        t->is_block = false;
        s->since_ms = s->now_ms;
    }
    if (s->now_ms < mk_serve_peer_due_ms(s)) {
        return MK_WAIT;
    }
    return broke(s, ev, MK_E_TIMEOUT);
}

mk_err mk_serve_stream_next(mk_serve *s, mk_event *ev)
{
    mk_serve_stream *t = stream_of(s);
    s->stirred = false;
    if (t->is_cancelled) {
        mk_serve_break(s);
        return MK_E_AGAIN;
    }
    if (t->is_last && !t->is_ended) {
        queue_end(s, t);
    }
    if (!tell_wanted(s, t, ev)) {
        return wait_for_either(s, t, ev);
    }
    if (!s->streaming) {
        mk_serve_resume(s);
        mk_serve_heard(s);
    } else {
        s->stirred = t->body.givens > 0;
    }
    return MK_OK;
}
