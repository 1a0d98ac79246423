/* SPDX-License-Identifier: MIT
 *
 * delivery.c: the stage that brings a message to rest (RFC 5321 4.1.1.4, 4.4,
 * 6.1) and the order of its steps: collect, spill when it grows, write the
 * files of several mailboxes on a worker, hand all to the group commit,
 * answer. With LMTP each mailbox is answered for by itself (RFC 2033 4.2). A
 * message in memory for one mailbox, the usual one, goes straight to
 * the commit. 250 is said only when every mailbox has it durably
 * (docs/maildir.md). It refuses a recipient that has no mailbox, and has no
 * way to send mail elsewhere.
 */
#include <string.h>

#include "delivery_internal.h"

static void advance(mk_job *job);
static void finish(message *m);
static void message_free(message *m);

/* ---- what the peer is told --------------------------------------------------
 */

static void refuse(mk_verdict *v, mk_answer answer, const char *code,
                   const char *text)
{
    v->kind = MK_VERDICT_REFUSE;
    v->answer = answer;
    v->code = mk_str_z(code);
    v->text = mk_str_z(text);
}

/* THREATS F8, F10, F15, F18, F20, F25: all of them pass, so all are 4xx. */
static void refuse_for(mk_err err, mk_verdict *v)
{
    if (err == MK_E_SPACE || err == MK_E_FBIG) {
        refuse(v, MK_ANSWER_LATER, "452 4.3.1", "insufficient system storage");
    } else if (err == MK_E_MEMORY) {
        refuse(v, MK_ANSWER_LATER, "452 4.3.0", "out of memory");
    } else if (err == MK_E_STATE) {
        refuse(v, MK_ANSWER_LATER, "451 4.3.5", "a recipient has no mailbox");
    } else {
        refuse(v, MK_ANSWER_LATER, "451 4.3.0", mk_err_text(err));
    }
}

/* What cannot be made of a binary message never can. */
static void refuse_binary(mk_err err, mk_verdict *v)
{
    if (err == MK_E_BARE) {
        refuse(v, MK_ANSWER_NO, "550 5.6.0",
               "a part that is not labelled binary is not of lines");
    } else if (err == MK_E_UNSUPPORTED || err == MK_E_SYNTAX ||
               err == MK_E_LIMIT) {
        refuse(v, MK_ANSWER_NO, "554 5.6.3",
               "binary parts of this message cannot be converted");
    } else {
        refuse_for(err, v);
    }
}

/* ---- its life ------------------------------------------------------------ */

static message *message_new(mk_local_delivery *ld, const mk_session *s)
{
    message *m = mk_alloc_get(ld->c.alloc, sizeof *m);
    if (m != NULL) {
        m->ld = ld;
        m->is_each = mk_session_is_lmtp(s);
        m->job.work = mk_agent_message_work;
        m->job.done = advance;
        m->began_ms = ld->c.host->now_ms(ld->c.host->self);
        ld->messages++;
    }
    if (m != NULL && mk_session_body(s) == MK_SMTP_BODY_BINARYMIME &&
        mk_agent_unbinary_open(m) != MK_OK) {
        message_free(m);
        m = NULL;
    }
    return m;
}

static mk_err task_box(task *t, mk_str domain, mk_str user)
{
    t->box = mk_agent_box_get(&t->m->ld->boxes, domain, user);
    if (t->box == NULL) {
        return MK_E_MEMORY;
    }
    t->is_shared = t->box->open;
    return MK_OK;
}

/* Another in place of one that may not be at its path any more. */
static mk_err task_box_anew(task *t)
{
    box *old = t->box;
    mk_err err = task_box(t, old->domain, old->user);
    mk_agent_box_put(&t->m->ld->boxes, old);
    return err;
}

static void task_drop(message *m, task *t, mk_err err)
{
    mk_delivery_free(t->delivery);
    t->delivery = NULL;
    if (t->box != NULL) {
        t->box->bad = t->box->bad || err != MK_OK;
        mk_agent_box_put(&m->ld->boxes, t->box);
        t->box = NULL;
    }
}

static void deliveries_free(message *m)
{
    for (size_t i = 0; i < m->task_count; i++) {
        mk_delivery_free(m->tasks[i].delivery);
        m->tasks[i].delivery = NULL;
    }
    mk_delivery_free(m->source);
    m->source = NULL;
}

static void message_free(message *m)
{
    mk_local_delivery *ld = m->ld;
    deliveries_free(m); /* before their boxes */
    for (size_t i = 0; i < m->task_count; i++) {
        task_drop(m, &m->tasks[i], m->err);
    }
    mk_alloc_put(ld->c.alloc, m->tasks, m->task_room * sizeof *m->tasks);
    mk_agent_collect_views_free(m);
    mk_agent_collect_drop(m);
    mk_agent_unbinary_close(m);
    mk_alloc_put(ld->c.alloc, m->top, m->top_bytes);
    mk_alloc_put(ld->c.alloc, m, sizeof *m);
    ld->messages--;
}

/* Start the job. When it cannot be had, *m is as before. */
static mk_err start(message *m, message_step step)
{
    const mk_host *h = m->ld->c.host;
    m->step = (uint8_t)step;
    m->busy = true;
    mk_err err = h->submit(h->self, &m->job);
    if (err != MK_OK) {
        m->busy = false;
    }
    return err;
}

/* Give up what is not committed, then end. */
static void clean(message *m)
{
    bool any = m->source != NULL;
    for (size_t i = 0; i < m->task_count; i++) {
        any = any || m->tasks[i].delivery != NULL;
    }
    if (!any || start(m, STEP_CLEAN) != MK_OK) {
        finish(m); /* without a worker, freeing removes the files here */
    }
}

/* ---- tasks --------------------------------------------------------------- */

/* NULL: there is none yet. */
static const task *task_of(const message *m, const mk_recipient *r)
{
    for (size_t i = 0; i < m->task_count; i++) {
        const task *t = &m->tasks[i];
        if (mk_str_is(t->user, r->box_user) &&
            mk_str_is(t->domain, r->box_domain)) {
            return t;
        }
    }
    return NULL;
}

/* One for each mailbox, however many recipients name it. */
static mk_err make_tasks(message *m, const mk_session *s)
{
    mk_local_delivery *ld = m->ld;
    const mk_recipient *r = mk_session_recipients(s);
    uint32_t us = 0;

    if (m->tasks != NULL) {
        return MK_OK;
    }
    size_t room = mk_session_recipient_count(s);
    m->tasks = mk_alloc_get(ld->c.alloc, room * sizeof *m->tasks);
    if (m->tasks == NULL) {
        return room > 0 ? MK_E_MEMORY : MK_E_STATE;
    }
    m->task_room = room;
    for (; r != NULL; r = r->after) {
        if (r->box_user.len == 0) {
            return MK_E_STATE; /* somebody accepted it without a mailbox */
        }
        if (task_of(m, r) != NULL) {
            continue;
        }
        task *t = &m->tasks[m->task_count];
        t->m = m;
        t->domain = r->box_domain;
        t->user = r->box_user;
        if (task_box(t, r->box_domain, r->box_user) != MK_OK) {
            return MK_E_MEMORY;
        }
        m->task_count++;
    }
    int64_t wall = ld->c.host->wall_s(ld->c.host->self, &us);
    m->stamp.wall_us = (wall > 0 ? (uint64_t)wall : 0) * 1000000 + us;
    m->stamp.pid = ld->c.pid;
    m->stamp.host = ld->c.hostname;
    m->stamp.seq = ld->seq;
    ld->seq += m->task_count + 1; /* one for a source */
    return ld->c.random->fill(ld->c.random->self, &m->stamp.random,
                              sizeof m->stamp.random);
}

/* ---- the fields on top ----------------------------------------------------
 */

/* Made anew when a stage has added fields since. */
static mk_err make_top(message *m, const mk_session *s)
{
    const mk_local_delivery_config *c = &m->ld->c;
    const mk_smtp_mail_options *options = mk_session_options(s);
    mk_str fields = mk_session_fields(s);
    mk_str fixes = mk_session_fixes(s);
    bool one = mk_session_recipient_count(s) == 1;
    uint32_t flags = mk_session_flags(s);
    trace_info t = {
        .reverse_path = mk_session_reverse_path(s),
        .helo = mk_session_helo(s),
        .helo_valid = (flags & MK_SMTP_EVENT_NAME_VALID) != 0,
        .esmtp = (flags & MK_SMTP_EVENT_ESMTP) != 0,
        .is_lmtp = mk_session_is_lmtp(s),
        .is_utf8 = options->is_utf8,
        .has_priority = options->has_priority,
        .priority = options->priority,
        .is_tls = s->is_tls,
        .is_logged_in = mk_session_login(s).len > 0,
        .tls = mk_session_tls(s),
        .peer = mk_session_peer(s),
        .hostname = c->hostname,
        .id = mk_session_id(s),
        .forward_path =
            one ? mk_session_recipients(s)->mailbox : mk_str_of(NULL, 0),
        .wall_s = c->host->wall_s(c->host->self, NULL),
        .peer_name = mk_session_introduced(s)->name,
        .fields = fields,
        .fixes = fixes,
    };
    mk_buf b;

    if (m->top != NULL && m->fields_len == fields.len + fixes.len) {
        return MK_OK; /* fields are only ever added */
    }
    m->is_other_top = m->top != NULL;
    mk_alloc_put(c->alloc, m->top, m->top_bytes);
    m->fields_len = fields.len + fixes.len;
    m->top_bytes = TRACE_MAX + m->fields_len;
    m->top = mk_alloc_get(c->alloc, m->top_bytes);
    if (m->top == NULL) {
        return MK_E_MEMORY;
    }
    mk_buf_init(&b, m->top, m->top_bytes);
    mk_err err = mk_agent_trace_format(&t, &b);
    m->top_len = b.len;
    return err;
}

/* ---- the body ------------------------------------------------------------ */

static void at_body(mk_local_delivery *ld, const mk_stage_call *call,
                    mk_verdict *v)
{
    void **tag = mk_session_tag(call->session, call->stage);
    message *m = *tag != NULL ? *tag : message_new(ld, call->session);
    mk_err err = m != NULL ? MK_OK : MK_E_MEMORY;

    if (m != NULL) {
        *tag = m;
        m->tag = tag;
        err = m->unbinary != NULL ? mk_agent_unbinary_add(m, call->octets)
                                  : mk_agent_collect_add(m, call->octets);
    }
    if (err == MK_OK &&
        (m->held > ld->c.message_memory_max || ld->memory > ld->c.memory_max)) {
        err = make_tasks(m, call->session);
        err = err == MK_OK ? make_top(m, call->session) : err;
        err = err == MK_OK ? start(m, STEP_SPILL) : err;
        if (err == MK_OK) {
            m->ask = call->ask;
            m->asked = true;
            v->kind = MK_VERDICT_WAIT;
        }
    }
    if (err != MK_OK) {
        refuse_for(err, v);
    }
}

static void after_spill(message *m)
{
    mk_verdict v = {.kind = MK_VERDICT_PASS};
    mk_agent_collect_drop(m);
    if (!m->asked) {
        clean(m);
        return;
    }
    if (m->err != MK_OK) {
        refuse_for(m->err, &v);
    }
    m->asked = false;
    mk_stage_answer(m->ask, &v);
}

/* ---- the commit ---------------------------------------------------------- */

static void committed(mk_commit_item *item);

static mk_err commit_one(task *t)
{
    mk_commit_item *item = mk_delivery_item(t->delivery);
    item->done = committed;
    mk_err err = mk_commit_queue_add(t->m->ld->queue, item);
    if (err == MK_OK) {
        t->m->pending++;
        t->m->committing = true;
    }
    return err;
}

/* As many as may be under way; after a failure no more. */
static void commit_more(message *m)
{
    while (m->err == MK_OK && m->next < m->task_count && m->pending < SLICE) {
        task *t = &m->tasks[m->next++];
        mk_err err = t->err == MK_OK ? commit_one(t) : MK_OK;
        if (err != MK_OK) {
            mk_agent_task_fail(t, err);
        }
    }
    if (m->pending > 0) {
        return;
    }
    if (m->err != MK_OK || m->is_each) {
        clean(m);
    } else {
        finish(m);
    }
}

/* The box that was open is no more at its place: open what is there now. */
static mk_err commit_again(task *t)
{
    t->m->retried = true;
    t->box->bad = true;
    mk_err err = task_box_anew(t);
    err = err == MK_OK ? mk_agent_task_whole(t) : err;
    return err == MK_OK ? commit_one(t) : err;
}

static void committed(mk_commit_item *item)
{
    task *t = *mk_delivery_tag(mk_delivery_of(item));
    message *m = t->m;
    mk_err err = item->result;

    m->pending--;
    mk_delivery_free(t->delivery); /* its end is known, nothing is left of it */
    t->delivery = NULL;
    if (err == MK_E_NOENT && t->is_shared && m->is_direct && !m->retried) {
        err = commit_again(t);
        if (err == MK_OK) {
            return;
        }
    }
    if (err != MK_OK) {
        mk_agent_task_fail(t, err);
    }
    task_drop(m, t, err);
    commit_more(m);
}

/* The boxes were named when the message outgrew memory, which may be long ago;
 * in the first one the source lies. */
static mk_err boxes_anew(message *m)
{
    mk_err err = MK_OK;
    for (size_t i = 1; i < m->task_count && err == MK_OK; i++) {
        err = task_box_anew(&m->tasks[i]);
    }
    return err;
}

/* The message is whole. */
static mk_err bring_to_rest(message *m)
{
    if (m->source != NULL) {
        mk_err err = boxes_anew(m);
        return err == MK_OK ? start(m, STEP_PREPARE) : err;
    }
    if (m->task_count > 1) {
        return start(m, STEP_PREPARE);
    }
    m->is_direct = true;
    m->next = 1;
    mk_err err = mk_agent_task_whole(m->tasks);
    return err == MK_OK ? commit_one(m->tasks) : err;
}

/* ---- the end ------------------------------------------------------------- */

static void at_end(mk_local_delivery *ld, const mk_stage_call *call,
                   mk_verdict *v)
{
    mk_session *s = call->session;
    void **tag = mk_session_tag(s, call->stage);
    message *m = *tag != NULL ? *tag : message_new(ld, call->session);

    if (m == NULL) {
        refuse_for(MK_E_MEMORY, v);
        return;
    }
    *tag = m;
    m->tag = tag;
    m->at_end = true;
    m->wire_bytes = mk_session_size(s);
    memcpy(m->id, mk_session_id(s).ptr, ID_BYTES);
    mk_err err = m->unbinary != NULL ? mk_agent_unbinary_end(m) : MK_OK;
    if (err != MK_OK) {
        refuse_binary(err, v);
        return;
    }
    mk_agent_unbinary_close(m);
    err = make_tasks(m, s);
    err = err == MK_OK ? make_top(m, s) : err;
    err = err == MK_OK ? mk_agent_collect_views(m) : err;
    err = err == MK_OK ? bring_to_rest(m) : err;
    if (err != MK_OK) {
        refuse_for(err, v);
        return;
    }
    m->session = s;
    m->ask = call->ask;
    m->asked = true;
    v->kind = MK_VERDICT_WAIT;
}

/* LMTP: those for whom it failed. */
static void tell_failed(const message *m)
{
    const mk_recipient *r = mk_session_recipients(m->session);
    for (; r != NULL; r = r->after) {
        const task *t = task_of(m, r);
        mk_verdict v;
        if (t != NULL && t->err != MK_OK) {
            refuse_for(t->err, &v);
            /* without memory its default is said, which is for now too */
            (void)mk_session_set_outcome(m->session, r, &v);
        }
    }
}

static void log_late(const message *m)
{
    const mk_local_delivery_config *c = &m->ld->c;
    mk_log_record r = {.kind = MK_LOG_LATE,
                       .id = mk_str_of(m->id, ID_BYTES),
                       .size = m->wire_bytes,
                       .code = mk_str_z("250 2.0.0"),
                       .text = mk_str_z("came to rest after the peer was "
                                        "told 451"),
                       .delay_ms =
                           c->host->now_ms(c->host->self) - m->began_ms};
    if (c->log.write != NULL) {
        c->log.write(c->log.self, &r);
    }
}

/* Answer, and forget the message. */
static void finish(message *m)
{
    char text[ID_BYTES + 16];
    mk_buf b;
    mk_verdict v = {.kind = MK_VERDICT_ACCEPT, .code = mk_str_z("250 2.0.0")};
    mk_ask ask = m->ask;
    bool asked = m->asked;

    mk_buf_init(&b, text, sizeof text);
    mk_buf_add(&b, mk_str_of(m->id, ID_BYTES));
    mk_buf_add_z(&b, " delivered");
    v.text = mk_buf_str(&b);
    if (m->err != MK_OK) {
        refuse_for(m->err, &v);
    } else if (!asked && m->committing) {
        log_late(m);
    }
    if (asked) {
        *m->tag = NULL;
        tell_failed(m);
    }
    message_free(m);
    if (asked) {
        mk_stage_answer(ask, &v);
    }
}

/* The job is done. */
static void advance(mk_job *job)
{
    message *m = (message *)(void *)job;
    m->busy = false;
    if (m->err != MK_OK || m->step == STEP_CLEAN) {
        /* the worker has aborted them: freeing touches no file */
        deliveries_free(m);
    }
    if (m->step == STEP_SPILL) {
        after_spill(m);
    } else if (m->step == STEP_CLEAN) {
        finish(m);
    } else if (m->err != MK_OK || (m->dead && !m->committing)) {
        clean(m);
    } else {
        commit_more(m);
    }
}

/* ---- the stage ----------------------------------------------------------- */

static void at(void *self, const mk_stage_call *call, mk_verdict *v)
{
    const mk_recipient *r = mk_session_recipient(call->session);

    if (call->point == MK_POINT_BODY) {
        at_body(self, call, v);
    } else if (call->point == MK_POINT_END) {
        at_end(self, call, v);
    } else if (call->point == MK_POINT_RCPT) {
        if (r != NULL && r->box_user.len > 0) {
            v->kind = MK_VERDICT_ACCEPT;
        } else {
            refuse(v, MK_ANSWER_NO, "550 5.7.1", "relaying is not permitted");
        }
    }
}

static void note(void *self, mk_session *s, uint32_t stage, mk_stage_note what,
                 mk_err why)
{
    void **tag = mk_session_tag(s, stage);
    message *m = *tag;

    (void)self;
    (void)why;
    *tag = NULL;
    if (m == NULL) {
        return;
    }
    m->asked = false;
    m->dead = true;
    if (what != MK_STAGE_WITHDRAWN && !m->busy && m->pending == 0) {
        clean(m);
    }
}

void mk_local_delivery_stage(mk_local_delivery *d, mk_stage *out_stage)
{
    memset(out_stage, 0, sizeof *out_stage);
    out_stage->name = "delivery";
    out_stage->self = d;
    out_stage->points = MK_POINT_BIT(MK_POINT_RCPT) |
                        MK_POINT_BIT(MK_POINT_BODY) |
                        MK_POINT_BIT(MK_POINT_END);
    out_stage->at = at;
    out_stage->note = note;
    out_stage->honours = MK_SMTP_EXTENSION_BINARYMIME; /* by unbinary.c */
}

/* ---- the delivery itself ------------------------------------------------- */

mk_err mk_local_delivery_config_init(mk_local_delivery_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->root.id = MK_VFS_NONE;
    c->message_memory_max = (size_t)256 * 1024;
    c->memory_max = (size_t)64 * 1024 * 1024;
    c->free_bytes_min = UINT64_C(1024) * 1024;
    c->free_inodes_min = 16;
    c->lanes = 4;
    c->mode = MK_COMMIT_DURABLE;
    return MK_OK;
}

static mk_err config_check(const mk_local_delivery_config *c)
{
    if (c == NULL || c->size != sizeof *c || c->host == NULL ||
        c->alloc == NULL || c->random == NULL || c->vfs == NULL ||
        c->root.id == MK_VFS_NONE || c->hostname.len == 0 ||
        c->hostname.len > 255 || c->message_memory_max == 0 ||
        c->memory_max == 0) {
        return MK_E_ARG;
    }
    return mk_str_has_ctl(c->hostname) ? MK_E_CTL : MK_OK;
}

mk_err mk_local_delivery_new(const mk_local_delivery_config *c,
                             mk_local_delivery **out_delivery)
{
    mk_err err = config_check(c);
    mk_commit_queue_config q;

    if (err != MK_OK) {
        return err;
    }
    mk_local_delivery *d = mk_alloc_get(c->alloc, sizeof *d);
    if (d == NULL) {
        return MK_E_MEMORY;
    }
    d->c = *c;
    mk_agent_boxes_init(&d->boxes, c->alloc, c->host);
    mk_commit_queue_config_init(&q, sizeof q);
    q.vfs = c->vfs;
    q.alloc = c->alloc;
    q.submit = c->host->submit;
    q.submit_self = c->host->self;
    q.lanes = c->lanes;
    q.mode = c->mode;
    err = mk_commit_queue_new(&q, &d->queue);
    if (err != MK_OK) {
        mk_alloc_put(c->alloc, d, sizeof *d);
        return err;
    }
    *out_delivery = d;
    return MK_OK;
}

size_t mk_local_delivery_count(const mk_local_delivery *d)
{
    return d->messages;
}

void mk_local_delivery_rest(mk_local_delivery *d)
{
    mk_agent_boxes_rest(&d->boxes);
}

mk_err mk_local_delivery_free(mk_local_delivery *d)
{
    if (d == NULL) {
        return MK_OK;
    }
    if (d->messages > 0) {
        return MK_E_BUSY;
    }
    mk_err err = mk_commit_queue_free(d->queue);
    if (err == MK_OK) {
        const mk_alloc *a = d->c.alloc;
        mk_agent_boxes_rest(&d->boxes);
        mk_alloc_put(a, d, sizeof *d);
    }
    return err;
}
