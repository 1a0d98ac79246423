/* SPDX-License-Identifier: MIT
 *
 * maildrop_stream.c: a message on its way to a POP3 client (RFC 1939 5, RETR
 * and TOP of 7): while one piece of it is lent to the engine, a worker fills
 * the other. Two pieces of a session are in memory at most, and none when it is
 * idle. A message that cannot be read on ends the session, since what was sent
 * must not look whole (Law 11).
 */
#include <string.h>

#include "maildrop_internal.h"

#define SLACK_BYTES 256u

/* ---- memory -------------------------------------------------------------- */

void mk_agent_stream_free(mk_maildrop *m, stream *t)
{
    if (t == NULL) {
        return;
    }
    mk_maildir_reader_close(&t->reader); /* open only when it broke off */
    for (uint32_t i = 0; i < t->piece_count; i++) {
        mk_alloc_put(m->c.alloc, t->pieces[i].mem, t->piece_bytes);
    }
    mk_agent_drop_memory_give(m, t->piece_count * t->piece_bytes);
    mk_alloc_put(m->c.alloc, t, sizeof *t);
}

void mk_agent_stream_drop(drop_session *s)
{
    stream *t = s->stream;
    s->stream = NULL;
    if (t != s->job_stream) {
        mk_agent_stream_free(s->m, t);
    }
}

/* A short message gets one piece that it fits. NULL: no memory. */
static stream *stream_new(mk_maildrop *m, uint64_t size)
{
    const mk_alloc *a = m->c.alloc;
    uint64_t whole = size + size / 8 + SLACK_BYTES;
    bool is_short = whole <= m->c.chunk_bytes;
    size_t bytes = is_short ? (size_t)whole : m->c.chunk_bytes;
    uint32_t count = is_short ? 1 : 2;
    stream *t;

    if (!mk_agent_drop_memory_take(m, count * bytes)) {
        return NULL;
    }
    t = mk_alloc_get(a, sizeof *t);
    if (t == NULL) {
        mk_agent_drop_memory_give(m, count * bytes);
        return NULL;
    }
    t->piece_bytes = bytes;
    t->piece_count = count;
    for (uint32_t i = 0; i < count; i++) {
        /* not zeroed: only what was read into it is sent */
        t->pieces[i].mem = a->get(a->self, bytes);
        if (t->pieces[i].mem == NULL) {
            mk_agent_stream_free(m, t);
            return NULL;
        }
    }
    return t;
}

/* ---- the question -------------------------------------------------------- */

static bool is_ascii_only(const mk_maildrop *m, const mk_pop3_event *ev)
{
    return (m->c.pop3->capabilities & MK_POP3_CAPABILITY_UTF8) != 0 &&
           !m->c.is_utf8_as_is && (ev->flags & MK_POP3_EVENT_UTF8) == 0;
}

void mk_agent_stream_ask(drop_session *s, const mk_event *ev)
{
    const mk_pop3_event *of = ev->of.pop3;
    uint32_t i = of->number - 1;
    stream *t;

    mk_agent_stream_drop(s);
    if (i >= s->drop->count || mk_agent_drop_is_marked(s->drop, i)) {
        mk_agent_drop_answer(s, MK_ANSWER_NO, "", "");
        return;
    }
    t = stream_new(s->m, mk_maildir_list_size(s->drop->list, i));
    s->stream = t;
    if (t != NULL) {
        t->index = i;
        t->op = ev->op;
        t->is_top = ev->type == MK_EV_POP3_TOP;
        t->is_ascii_only = is_ascii_only(s->m, of);
    }
    if (t == NULL || mk_agent_drop_start(s, STEP_BEGIN) != MK_OK) {
        mk_agent_stream_drop(s);
        mk_agent_drop_answer(s, MK_ANSWER_LATER, "", "out of memory");
    }
}

/* The job filled the next piece. */
static void filled(stream *t)
{
    t->pieces[t->filled % t->piece_count].state = PIECE_FULL;
    t->filled++;
    t->is_whole = t->is_read;
}

void mk_agent_stream_begun(drop_session *s)
{
    stream *t = s->stream;

    switch (t->err) {
    case MK_OK:
        filled(t);
        mk_agent_drop_answer(s, MK_ANSWER_YES, "", "");
        return;
    case MK_E_NOENT:
        mk_agent_drop_answer(s, MK_ANSWER_NO, "",
                             "The message was removed meanwhile");
        break;
    case MK_E_UNSUPPORTED: /* RFC 6856 5 */
        mk_agent_drop_answer(s, MK_ANSWER_NO, "UTF8",
                             "Say UTF8 first to get this message");
        break;
    default:
        mk_agent_drop_answer(s, MK_ANSWER_LATER, "", mk_err_text(t->err));
        break;
    }
    mk_agent_stream_drop(s);
}

/* ---- pieces -------------------------------------------------------------- */

static piece *next_lent(stream *t)
{
    return &t->pieces[t->lent % t->piece_count];
}

/* Lend what is there, in order. */
static void lend(drop_session *s)
{
    stream *t = s->stream;
    mk_err err = MK_OK;

    while (err == MK_OK && t->room > 0 && next_lent(t)->state == PIECE_FULL) {
        piece *p = next_lent(t);
        bool is_last = t->is_whole && t->lent + 1 == t->filled;
        err = mk_body(s->engine, t->op, mk_str_of(p->mem, p->len), is_last);
        if (err == MK_OK) {
            p->state = PIECE_LENT;
            t->lent++;
            t->room--;
        }
    }
    if (err == MK_WAIT) {
        t->room = 0;
    } else if (err != MK_OK) {
        mk_cancel(s->engine, t->op);
    }
}

static void pump(drop_session *s)
{
    stream *t = s->stream;

    lend(s);
    if (!t->is_whole && s->step == STEP_NONE &&
        t->pieces[t->filled % t->piece_count].state == PIECE_FREE &&
        mk_agent_drop_start(s, STEP_READ) != MK_OK) {
        mk_cancel(s->engine, t->op);
    }
}

void mk_agent_stream_go_on(drop_session *s)
{
    stream *t = s->stream;

    if (t->err != MK_OK) {
        s->fault = t->err;
        mk_cancel(s->engine, t->op);
    } else {
        filled(t);
        pump(s);
    }
    s->m->c.host->wake(s->m->c.host->self, s->conn);
}

static void take_back(stream *t, mk_str span)
{
    for (uint32_t i = 0; i < t->piece_count; i++) {
        piece *p = &t->pieces[i];
        if (p->state == PIECE_LENT && p->mem == span.ptr) {
            p->state = PIECE_FREE;
        }
    }
}

void mk_agent_stream_wanted(drop_session *s, const mk_event *ev)
{
    stream *t = s->stream;

    if (t == NULL || ev->op != t->op) {
        return;
    }
    take_back(t, ev->data);
    if ((ev->flags & MK_LAST) != 0) {
        s->drop->retrieved += t->is_top ? 0u : 1u;
        s->drop->sent_bytes += ev->offset;
        mk_agent_stream_drop(s);
        return;
    }
    t->room = ev->size;
    pump(s);
}
