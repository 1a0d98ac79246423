/* SPDX-License-Identifier: MIT
 *
 * maildrop_drop.c: what a POP3 login opened (RFC 1939 4 to 7): the listing of
 * a Maildir, made on a worker, few at once and the others in turns; the answers
 * out of it; the marks, and what is marked removed at QUIT and never else (6).
 * It refuses names that cannot be a directory's, and for now all that there is
 * no memory for.
 */
#include <string.h>

#include "maildrop_internal.h"

static const mk_str none = {NULL, 0};

bool mk_agent_drop_memory_take(mk_maildrop *m, size_t bytes)
{
    if (bytes > m->c.memory_max - m->memory) {
        return false;
    }
    m->memory += bytes;
    return true;
}

void mk_agent_drop_memory_give(mk_maildrop *m, size_t bytes)
{
    m->memory -= bytes;
}

/* ---- what a login opened ------------------------------------------------- */

/* NULL: no memory. */
static drop *drop_new(mk_maildrop *m, mk_str user, mk_str domain)
{
    size_t bytes = sizeof(drop) + user.len + domain.len + 1;
    drop *d = mk_alloc_get(m->c.alloc, bytes);

    if (d != NULL) {
        d->bytes = bytes;
        memcpy(d->name, user.ptr, user.len);
        d->name[user.len] = '@';
        memcpy(d->name + user.len + 1, domain.ptr, domain.len);
        d->user = mk_str_of(d->name, user.len);
        d->domain = mk_str_of(d->name + user.len + 1, domain.len);
    }
    return d;
}

static void drop_free(mk_maildrop *m, drop *d)
{
    if (d != NULL) {
        mk_maildir_list_close(d->list);
        mk_alloc_put(m->c.alloc, d->marks, d->marks_bytes);
        mk_agent_drop_memory_give(m, d->memory);
        mk_alloc_put(m->c.alloc, d, d->bytes);
    }
}

void mk_agent_drop_leave(drop_session *s)
{
    drop *d = s->drop;
    s->drop = NULL;
    if (d != s->job_drop) {
        drop_free(s->m, d);
    }
}

/* The list is there: room for marks. */
static mk_err drop_opened(mk_maildrop *m, drop *d)
{
    const mk_maildir_list_info *info = mk_maildir_list_info_of(d->list);
    size_t marks_bytes = info->count / 8 + 1u;

    if (!mk_agent_drop_memory_take(m, info->memory_bytes + marks_bytes)) {
        return MK_E_LIMIT;
    }
    d->memory = info->memory_bytes + marks_bytes;
    d->marks = mk_alloc_get(m->c.alloc, marks_bytes);
    if (d->marks == NULL) {
        return MK_E_MEMORY;
    }
    d->marks_bytes = marks_bytes;
    d->count = info->count;
    return MK_OK;
}

bool mk_agent_drop_is_marked(const drop *d, uint32_t index)
{
    return (d->marks[index / 8] >> index % 8 & 1) != 0;
}

/* ---- the job ------------------------------------------------------------- */

static void done(mk_job *job);

static mk_err submit(drop_session *s, drop_step step)
{
    const mk_host *h = s->m->c.host;

    s->job.work = mk_agent_drop_work;
    s->job.done = done;
    s->job_drop = s->drop;
    s->job_stream = s->stream;
    s->step = (uint8_t)step;
    mk_err err = h->submit(h->self, &s->job);
    if (err != MK_OK) {
        s->step = STEP_NONE;
        s->job_drop = NULL;
        s->job_stream = NULL;
    } else if (step == STEP_OPEN) {
        s->m->openings++;
    }
    return err;
}

mk_err mk_agent_drop_start(drop_session *s, drop_step step)
{
    if (s->step != STEP_NONE) {
        s->next_step = (uint8_t)step;
        return MK_OK;
    }
    return submit(s, step);
}

void mk_agent_drop_answer(drop_session *s, mk_answer answer, const char *code,
                          const char *text)
{
    mk_op op = s->op;
    s->op = 0;
    if (op != 0 && mk_reply(s->engine, op, answer, mk_str_z(code),
                            mk_str_z(text)) == MK_OK) {
        s->m->c.host->wake(s->m->c.host->self, s->conn);
    }
}

/* ---- listing, in turns --------------------------------------------------- */

void mk_agent_drop_queue_leave(drop_session *s)
{
    drop_session **at = &s->m->queued;
    while (s->is_queued && *at != s) {
        at = &(*at)->queued_next;
    }
    if (s->is_queued) {
        *at = s->queued_next;
        s->is_queued = false;
    }
}

static void queue_enter(drop_session *s)
{
    drop_session **at = &s->m->queued;
    while (*at != NULL) {
        at = &(*at)->queued_next;
    }
    *at = s;
    s->queued_next = NULL;
    s->is_queued = true;
}

static void open_failed(drop_session *s, mk_answer answer, mk_err why)
{
    if (s->drop != NULL) {
        s->drop->err = why;
        mk_agent_drop_record_end(s);
    }
    mk_agent_drop_leave(s);
    mk_agent_drop_answer(s, answer, "", mk_err_text(why));
    mk_agent_login_forget(&s->login);
}

/* Somebody's listing is done: the next one's turn. */
static void queue_advance(mk_maildrop *m)
{
    while (m->queued != NULL && m->openings < m->c.openings_max) {
        drop_session *s = m->queued;
        mk_agent_drop_queue_leave(s);
        if (mk_agent_drop_start(s, STEP_OPEN) != MK_OK) {
            open_failed(s, MK_ANSWER_LATER, MK_E_MEMORY);
        }
    }
}

/* A trap in the place of a box does not go away by waiting. */
static mk_answer answer_for(mk_err err)
{
    return err == MK_E_KIND || err == MK_E_ACCESS ? MK_ANSWER_NO
                                                  : MK_ANSWER_LATER;
}

static void opened(drop_session *s)
{
    drop *d = s->drop;
    mk_err err = d->err == MK_OK ? drop_opened(s->m, d) : d->err;

    if (err != MK_OK) {
        open_failed(s, answer_for(err), err);
        return;
    }
    mk_op op = s->op;
    s->op = 0;
    (void)mk_pop3_server_maildrop(s->engine, op, d->count,
                                  mk_maildir_list_info_of(d->list)->wire_bytes);
    s->m->c.host->wake(s->m->c.host->self, s->conn);
}

/* "user@domain" opens DOMAIN/USER. */
void mk_agent_drop_on_open(drop_session *s)
{
    mk_str name = mk_agent_login_name(s->login);
    size_t at = name.len;

    while (at > 0 && name.ptr[at - 1] != '@') {
        at--;
    }
    mk_str user = mk_str_sub(name, 0, at > 0 ? at - 1 : 0);
    mk_str domain = mk_str_sub(name, at, SIZE_MAX);
    mk_agent_drop_leave(s);
    if (mk_maildir_name_check(user) != MK_OK ||
        mk_maildir_name_check(domain) != MK_OK) {
        open_failed(s, MK_ANSWER_NO, MK_E_ARG);
        return;
    }
    s->drop = drop_new(s->m, user, domain);
    if (s->drop == NULL) {
        open_failed(s, MK_ANSWER_LATER, MK_E_MEMORY);
        return;
    }
    queue_enter(s);
    queue_advance(s->m);
}

/* ---- numbers ------------------------------------------------------------- */

void mk_agent_drop_on_stat(const drop_session *s, mk_op op)
{
    const drop *d = s->drop;
    uint64_t all = mk_maildir_list_info_of(d->list)->wire_bytes;
    (void)mk_pop3_server_maildrop(s->engine, op, d->count - d->marked,
                                  all - d->marked_bytes);
}

/* Tell about one message: an answer, or a row. */
static mk_err tell(const drop_session *s, mk_op op, uint32_t number,
                   bool is_uidl)
{
    const mk_maildir_list *l = s->drop->list;
    char mem[MK_MAILDIR_UID_MAX];
    mk_buf uid;

    if (!is_uidl) {
        return mk_pop3_server_size(s->engine, op, number,
                                   mk_maildir_list_size(l, number - 1));
    }
    mk_buf_init(&uid, mem, sizeof mem);
    mk_err err = mk_maildir_list_uid(l, number - 1, &uid);
    return err == MK_OK
               ? mk_pop3_server_uid(s->engine, op, number, mk_buf_str(&uid))
               : err;
}

static bool is_there(const drop *d, uint32_t number)
{
    return number > 0 && number <= d->count &&
           !mk_agent_drop_is_marked(d, number - 1);
}

void mk_agent_drop_on_listing(drop_session *s, const mk_event *ev, bool is_uidl)
{
    uint32_t number = ev->of.pop3->number;
    mk_err err = MK_OK;

    s->rows_op = 0;
    if (number == 0) {
        s->rows_op = ev->op;
        s->number = 1;
        s->is_uidl = is_uidl;
        (void)mk_reply(s->engine, ev->op, MK_ANSWER_YES, none, none);
    } else if (is_there(s->drop, number)) {
        err = tell(s, ev->op, number, is_uidl);
    } else {
        err = MK_E_NOENT;
    }
    if (err != MK_OK) {
        (void)mk_reply(s->engine, ev->op,
                       err == MK_E_NOENT ? MK_ANSWER_NO : MK_ANSWER_LATER, none,
                       none);
    }
}

/* Rows until there is no more room; the last word behind the last. */
void mk_agent_drop_on_rows(drop_session *s, const mk_event *ev)
{
    const drop *d = s->drop;
    mk_err err = MK_OK;

    if ((ev->flags & MK_LAST) != 0) {
        s->rows_op = 0;
        return;
    }
    while (err == MK_OK && s->number <= d->count) {
        if (is_there(d, s->number)) {
            err = tell(s, s->rows_op, s->number, s->is_uidl);
        }
        s->number += err == MK_OK ? 1u : 0u;
    }
    if (err == MK_OK) {
        err = mk_body(s->engine, s->rows_op, none, true);
    }
    if (err < 0) {
        mk_cancel(s->engine, s->rows_op);
    }
}

/* ---- marks --------------------------------------------------------------- */

void mk_agent_drop_on_dele(drop_session *s, const mk_event *ev)
{
    drop *d = s->drop;
    uint32_t number = ev->of.pop3->number;
    bool is_good = is_there(d, number);

    if (is_good) {
        d->marks[(number - 1) / 8] |= (unsigned char)(1u << (number - 1) % 8);
        d->marked++;
        d->marked_bytes += mk_maildir_list_size(d->list, number - 1);
    }
    (void)mk_reply(s->engine, ev->op, is_good ? MK_ANSWER_YES : MK_ANSWER_NO,
                   none, none);
}

void mk_agent_drop_on_rset(drop_session *s, const mk_event *ev)
{
    drop *d = s->drop;
    memset(d->marks, 0, d->marks_bytes);
    d->marked = 0;
    d->marked_bytes = 0;
    (void)mk_reply(s->engine, ev->op, MK_ANSWER_YES, none, none);
}

/* No job could be had for it. */
static void start_failed(drop_session *s, drop_step step)
{
    if (step == STEP_OPEN) {
        open_failed(s, MK_ANSWER_LATER, MK_E_MEMORY);
    } else if (step == STEP_BEGIN) {
        mk_agent_stream_drop(s);
        mk_agent_drop_answer(s, MK_ANSWER_LATER, "", "out of memory");
    } else {
        s->drop->err = MK_E_MEMORY;
        mk_agent_drop_answer(s, MK_ANSWER_NO, "SYS/TEMP",
                             "Nothing was removed: out of memory");
    }
}

void mk_agent_drop_on_update(drop_session *s)
{
    if (s->drop->marked == 0) {
        s->drop->is_over = true;
        mk_agent_drop_answer(s, MK_ANSWER_YES, "", "");
    } else if (mk_agent_drop_start(s, STEP_REMOVE) != MK_OK) {
        start_failed(s, STEP_REMOVE);
    }
}

static void updated(drop_session *s)
{
    drop *d = s->drop;
    d->is_over = d->err == MK_OK;
    mk_agent_drop_answer(s, d->is_over ? MK_ANSWER_YES : MK_ANSWER_NO, "", "");
}

static void job_done(drop_session *s, drop_step step, bool is_own_drop,
                     bool is_own_stream)
{
    if (step == STEP_OPEN && is_own_drop) {
        opened(s);
    } else if (step == STEP_BEGIN && is_own_stream) {
        mk_agent_stream_begun(s);
    } else if (step == STEP_READ && is_own_stream) {
        mk_agent_stream_go_on(s);
    } else if (step == STEP_REMOVE) {
        updated(s);
    }
}

/* What the job is done with is given back, and the next step begun. */
static void done(mk_job *job)
{
    drop_session *s = (drop_session *)(void *)job;
    mk_maildrop *m = s->m;
    drop_step step = (drop_step)s->step;
    drop *d = s->job_drop;
    stream *t = s->job_stream;
    drop_step next = (drop_step)s->next_step;
    bool is_own_drop = d == s->drop;
    bool is_own_stream = t == s->stream;

    s->step = STEP_NONE;
    s->next_step = STEP_NONE;
    s->job_drop = NULL;
    s->job_stream = NULL;
    m->openings -= step == STEP_OPEN ? 1u : 0u;
    if (!is_own_stream) {
        mk_agent_stream_free(m, t);
    }
    if (!is_own_drop) {
        drop_free(m, d);
    }
    if (s->engine != NULL) {
        job_done(s, step, is_own_drop, is_own_stream);
    }
    if (s->engine != NULL && next != STEP_NONE && submit(s, next) != MK_OK) {
        start_failed(s, next);
    }
    mk_agent_drop_release(s);
    queue_advance(m);
}
