/* SPDX-License-Identifier: MIT
 *
 * maildrop.c: the service of POP3 (RFC 1939 3): a session for each connection,
 * in one block with its engine, its records, and the way from the engine's
 * events to the login and to the maildrop. What a peer said in clear is
 * forgotten behind TLS (RFC 2595 4). How many connections there may be is not
 * its business: the host limits them.
 */
#include <string.h>

#include "maildrop_internal.h"

/* ---- the record ---------------------------------------------------------- */

static mk_log_record record_of(const drop_session *s, mk_log_kind kind)
{
    const mk_host *h = s->m->c.host;
    mk_log_record r = {.kind = kind,
                       .delay_ms = h->now_ms(h->self) - s->began_ms,
                       .peer = &s->peer,
                       .login = mk_agent_login_name(s->login),
                       .is_tls = s->is_tls};
    return r;
}

static void record_write(const mk_maildrop *m, const mk_log_record *r)
{
    if (m->c.log.write != NULL) {
        m->c.log.write(m->c.log.self, r);
    }
}

static void record_fault(drop_session *s, const mk_fault *fault)
{
    mk_log_record r = record_of(s, MK_LOG_FAULT);
    r.code = fault->code;
    r.text = fault->text;
    r.err = fault->why;
    s->fault = fault->why;
    record_write(s->m, &r);
}

/* One that could not be opened is told as well. */
void mk_agent_drop_record_end(const drop_session *s)
{
    const drop *d = s->drop;
    mk_log_record r = record_of(s, MK_LOG_MAILDROP);

    if (d == NULL) {
        return;
    }
    if (d->list != NULL) {
        const mk_maildir_list_info *info = mk_maildir_list_info_of(d->list);
        r.left_out = info->left_out + info->unreadable;
    }
    r.messages = d->count;
    r.retrieved = d->retrieved;
    r.size = d->sent_bytes;
    r.removed = d->removed.removed;
    r.err = d->is_over          ? MK_OK
            : d->err != MK_OK   ? d->err
            : s->fault != MK_OK ? s->fault
                                : MK_E_CUT;
    r.text = mk_str_z(d->is_over          ? "closed by QUIT"
                      : r.err == MK_E_CUT ? "ended without QUIT"
                                          : mk_err_text(r.err));
    record_write(s->m, &r);
}

/* ---- connections --------------------------------------------------------- */

static size_t engine_offset(void)
{
    return (sizeof(drop_session) + 15) / 16 * 16;
}

/* What is left of a session that is over, when nobody uses it any more. */
void mk_agent_drop_release(drop_session *s)
{
    mk_maildrop *m = s->m;

    if (s->engine != NULL || s->running || s->step != STEP_NONE) {
        return;
    }
    mk_agent_drop_record_end(s);
    mk_agent_drop_leave(s);
    mk_agent_login_forget(&s->login);
    mk_alloc_put(m->c.alloc, s, engine_offset() + m->engine_bytes);
    m->sessions--;
}

/* The inner engine lies in the session's block; the outer one is what the host
 * drives and what closes both. */
static mk_err engine_open(drop_session *s)
{
    const mk_maildrop *m = s->m;
    mk_engine *inner;
    mk_err err = mk_pop3_server_open(m->c.pop3, (char *)s + engine_offset(),
                                     m->engine_bytes, &inner);
    if (err != MK_OK) {
        return err;
    }
    s->engine = inner;
    if (m->c.wrap != NULL) {
        err = m->c.wrap(m->c.wrap_self, inner, &s->engine);
    }
    if (err != MK_OK) {
        mk_close(inner);
    }
    return err;
}

static void service_refused(void *self, const mk_peer *peer, mk_err why)
{
    const mk_maildrop *m = self;
    mk_log_record r = {.kind = MK_LOG_FAULT,
                       .text = mk_str_z(mk_err_text(why)),
                       .peer = peer,
                       .err = why};
    record_write(m, &r);
}

static mk_err service_open(void *self, mk_conn *conn, const mk_peer *peer,
                           mk_engine **out_engine, void **out_session,
                           mk_str *out_refusal)
{
    mk_maildrop *m = self;
    size_t bytes = engine_offset() + m->engine_bytes;
    drop_session *s = mk_alloc_get(m->c.alloc, bytes);
    mk_err err = MK_E_MEMORY;

    if (s != NULL) {
        s->m = m;
        s->conn = conn;
        s->peer = *peer;
        s->began_ms = m->c.host->now_ms(m->c.host->self);
        err = engine_open(s);
    }
    if (err != MK_OK) {
        mk_alloc_put(m->c.alloc, s, bytes);
        if (!m->c.is_tls_implicit) {
            *out_refusal =
                mk_str_z("-ERR [SYS/TEMP] no room, try again later\r\n");
        }
        service_refused(m, peer, err);
        return err;
    }
    m->sessions++;
    *out_engine = s->engine;
    *out_session = s;
    return MK_OK;
}

static void service_closed(void *session, mk_err why)
{
    drop_session *s = session;
    mk_close(s->engine);
    s->engine = NULL;
    s->conn = NULL;
    s->op = 0;
    s->fault = s->fault != MK_OK ? s->fault : why;
    mk_agent_drop_queue_leave(s);
    mk_agent_login_withdraw(s->login);
    mk_agent_stream_drop(s);
    mk_agent_drop_release(s);
}

/* ---- events -------------------------------------------------------------- */

static void on_sasl(drop_session *s, const mk_event *ev)
{
    const login_who who = {&s->peer, mk_str_z(NULL)};

    s->running = true; /* it may close the connection from inside */
    mk_agent_login_ask(&s->login, &s->m->desk, s->engine, s->conn, &who, ev);
    s->running = false;
    mk_agent_drop_release(s);
}

static void on_auth(drop_session *s, const mk_event *ev)
{
    const login_end end = {ev->of.pop3->argument, ev->of.pop3->mechanism};
    mk_log_record r = record_of(s, MK_LOG_LOGIN);

    mk_agent_login_end(s->login, ev->err, &end, &s->m->c.log, &r);
    if (mk_agent_login_name(s->login).len == 0) {
        mk_agent_login_forget(&s->login);
    }
}

/* What a peer said in clear is forgotten (RFC 2595 4). */
static void on_tls(drop_session *s, const mk_event *ev)
{
    s->is_tls = ev->of.pop3->tls != NULL;
    mk_agent_login_forget(&s->login);
}

/* The engine gave up waiting: what is under way is nobody's. */
static void on_withdrawn(drop_session *s, const mk_event *ev)
{
    mk_agent_login_withdraw(s->login);
    if (s->op != 0 && s->op == ev->op) {
        /* not the list: that is the worker's until its job is done */
        bool is_opening = s->drop != NULL && s->drop->marks == NULL;
        s->op = 0;
        s->next_step = STEP_NONE;
        mk_agent_drop_queue_leave(s);
        mk_agent_stream_drop(s);
        if (is_opening) {
            mk_agent_drop_leave(s);
            mk_agent_login_forget(&s->login);
        }
    }
}

/* Those that a job may answer. */
static void on_question(drop_session *s, const mk_event *ev)
{
    s->op = ev->op;
    if (ev->type == MK_EV_POP3_OPEN) {
        mk_agent_drop_on_open(s);
    } else if (ev->type == MK_EV_POP3_UPDATE) {
        mk_agent_drop_on_update(s);
    } else {
        mk_agent_stream_ask(s, ev);
    }
    if (s->op != 0) {
        (void)mk_later(s->engine, s->op);
    }
}

static void service_event(void *session, const mk_event *ev)
{
    drop_session *s = session;

    switch (ev->type) {
    case MK_EV_POP3_CONNECT:
    case MK_EV_POP3_TLS:
        on_tls(s, ev);
        if ((ev->flags & MK_ASK) != 0) {
            (void)mk_reply(s->engine, ev->op, MK_ANSWER_YES, mk_str_z(NULL),
                           mk_str_z(NULL));
        }
        break;
    case MK_EV_SASL:
        on_sasl(s, ev);
        break;
    case MK_EV_POP3_AUTH:
        on_auth(s, ev);
        break;
    case MK_EV_POP3_OPEN:
    case MK_EV_POP3_RETR:
    case MK_EV_POP3_TOP:
    case MK_EV_POP3_UPDATE:
        on_question(s, ev);
        break;
    case MK_EV_POP3_STAT:
        mk_agent_drop_on_stat(s, ev->op);
        break;
    case MK_EV_POP3_LIST:
    case MK_EV_POP3_UIDL:
        mk_agent_drop_on_listing(s, ev, ev->type == MK_EV_POP3_UIDL);
        break;
    case MK_EV_POP3_DELE:
        mk_agent_drop_on_dele(s, ev);
        break;
    case MK_EV_POP3_RSET:
        mk_agent_drop_on_rset(s, ev);
        break;
    case MK_EV_WANTED:
        if (s->rows_op != 0 && ev->op == s->rows_op) {
            mk_agent_drop_on_rows(s, ev);
        } else {
            mk_agent_stream_wanted(s, ev);
        }
        break;
    case MK_EV_WITHDRAWN:
        on_withdrawn(s, ev);
        break;
    case MK_EV_FAULT:
        record_fault(s, ev->of.fault);
        break;
    default:
        break;
    }
}

/* ---- its life ------------------------------------------------------------ */

mk_err mk_maildrop_config_init(mk_maildrop_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->root.id = MK_VFS_NONE;
    c->messages_max = 100000;
    c->chunk_bytes = 65536;
    c->memory_max = (size_t)128 * 1024 * 1024;
    c->openings_max = 4;
    return MK_OK;
}

static bool is_config_whole(const mk_maildrop_config *c)
{
    return c != NULL && c->size == sizeof *c && c->host != NULL &&
           c->alloc != NULL && c->crypto != NULL && c->vfs != NULL &&
           c->root.id != MK_VFS_NONE && c->pop3 != NULL &&
           c->messages_max > 0 && c->messages_max <= 10000000 &&
           c->chunk_bytes >= 1024 && c->memory_max > 0 && c->openings_max > 0 &&
           (c->authenticator == NULL || c->authenticator->check != NULL) &&
           (c->pop3->tls == MK_TLS_POLICY_NONE || c->wrap != NULL) &&
           (!c->is_tls_implicit || c->wrap != NULL);
}

mk_err mk_maildrop_new(const mk_maildrop_config *c, mk_maildrop **out_maildrop)
{
    if (!is_config_whole(c) || out_maildrop == NULL) {
        return MK_E_ARG;
    }
    size_t engine_bytes = mk_pop3_server_need(c->pop3);
    if (engine_bytes == 0) {
        return MK_E_ARG;
    }
    mk_maildrop *m = mk_alloc_get(c->alloc, sizeof *m);
    if (m == NULL) {
        return MK_E_MEMORY;
    }
    m->c = *c;
    m->engine_bytes = engine_bytes;
    mk_agent_asker_init(&m->asker, c->alloc);
    m->desk.host = c->host;
    m->desk.alloc = c->alloc;
    m->desk.authenticator = c->authenticator;
    m->desk.asker = &m->asker;
    *out_maildrop = m;
    return MK_OK;
}

void mk_maildrop_service(mk_maildrop *m, mk_service *out_service)
{
    memset(out_service, 0, sizeof *out_service);
    out_service->self = m;
    out_service->open = service_open;
    out_service->event = service_event;
    out_service->closed = service_closed;
    out_service->refused = service_refused;
    if (!m->c.is_tls_implicit) {
        out_service->busy = mk_str_z("-ERR [SYS/TEMP] too many connections, "
                                     "try again later\r\n");
    }
}

size_t mk_maildrop_count(const mk_maildrop *m)
{
    return m->sessions;
}

size_t mk_maildrop_memory(const mk_maildrop *m)
{
    return m->memory;
}

mk_err mk_maildrop_free(mk_maildrop *m)
{
    if (m == NULL) {
        return MK_OK;
    }
    if (m->sessions > 0) {
        return MK_E_BUSY;
    }
    mk_agent_asker_fini(&m->asker);
    mk_alloc_put(m->c.alloc, m, sizeof *m);
    return MK_OK;
}
