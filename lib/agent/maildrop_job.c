/* SPDX-License-Identifier: MIT
 *
 * maildrop_job.c: what POP3 sessions do with files, on workers: list a
 * maildrop, read a message piece by piece, remove what is marked. The way to
 * the box is walked anew each time, so that idle sessions hold no descriptor
 * and a box that was exchanged meanwhile misleads nobody (THREATS 104).
 */
#include "maildrop_internal.h"

static mk_err box_enter(const drop_session *s, mk_maildir *out_box)
{
    const mk_maildrop_config *c = &s->m->c;
    const drop *d = s->job_drop;
    return mk_maildir_enter(c->vfs, c->root, d->domain, d->user, out_box);
}

static void work_open(drop_session *s)
{
    const mk_maildrop_config *c = &s->m->c;
    drop *d = s->job_drop;
    mk_maildir_list_config list;
    mk_maildir box;

    (void)mk_maildir_list_config_init(&list, sizeof list);
    list.alloc = c->alloc;
    list.crypto = c->crypto;
    list.messages_max = c->messages_max;
    d->err = box_enter(s, &box);
    if (d->err == MK_OK) {
        d->err = mk_maildir_list_open(&list, &box, &d->list);
        mk_maildir_close(&box);
    }
}

static void work_remove(drop_session *s)
{
    drop *d = s->job_drop;
    mk_maildir box;

    d->err = box_enter(s, &box);
    if (d->err == MK_OK) {
        d->err = mk_maildir_list_remove(d->list, &box, d->marks, &d->removed);
        mk_maildir_close(&box);
    }
}

/* ---- a message ----------------------------------------------------------- */

static mk_err fill(stream *t, piece *p)
{
    return mk_maildir_reader_read(&t->reader, p->mem, t->piece_bytes, &p->len,
                                  &t->is_read);
}

/* Looks through the next octets of a header. True: it ends, or is refused. */
static bool header_look(mk_str octets, uint64_t *io_line, mk_err *io_err)
{
    for (size_t i = 0; i < octets.len; i++) {
        unsigned char c = (unsigned char)octets.ptr[i];
        if (c >= 0x80) {
            *io_err = MK_E_UNSUPPORTED;
            return true;
        }
        if (c == '\n' && *io_line == 0) {
            return true;
        }
        *io_line = c == '\n' ? 0 : *io_line + (c != '\r' ? 1u : 0u);
    }
    return false;
}

/* Fills the first piece, and looks whether the header is ASCII. One that is
 * longer than a piece is read twice. */
static mk_err fill_ascii(stream *t)
{
    mk_maildir_reader start = t->reader;
    piece *p = &t->pieces[0];
    uint64_t line = 0;
    unsigned pieces = 1;
    mk_err err = fill(t, p);

    while (err == MK_OK &&
           !header_look(mk_str_of(p->mem, p->len), &line, &err) &&
           !t->is_read) {
        err = fill(t, p);
        pieces++;
    }
    if (err == MK_OK && pieces > 1) {
        t->reader = start; /* it reads by position */
        err = fill(t, p);
    }
    return err;
}

static void work_begin(drop_session *s)
{
    stream *t = s->job_stream;
    mk_maildir box;

    t->err = box_enter(s, &box);
    if (t->err != MK_OK) {
        return;
    }
    t->err =
        mk_maildir_reader_open(&t->reader, s->job_drop->list, &box, t->index);
    mk_maildir_close(&box);
    if (t->err == MK_OK) {
        t->err = t->is_ascii_only ? fill_ascii(t) : fill(t, &t->pieces[0]);
    }
}

/* What is read to its end, or cannot be read on, is closed here. */
static void work_end(stream *t)
{
    if (t->err != MK_OK || t->is_read) {
        mk_maildir_reader_close(&t->reader);
    }
}

void mk_agent_drop_work(mk_job *job)
{
    drop_session *s = (drop_session *)(void *)job;
    stream *t = s->job_stream;

    switch ((drop_step)s->step) {
    case STEP_OPEN:
        work_open(s);
        break;
    case STEP_REMOVE:
        work_remove(s);
        break;
    case STEP_BEGIN:
        work_begin(s);
        work_end(t);
        break;
    case STEP_READ:
        t->err = fill(t, &t->pieces[t->filled % t->piece_count]);
        work_end(t);
        break;
    case STEP_NONE:
        break;
    }
}
