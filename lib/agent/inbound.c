/* SPDX-License-Identifier: MIT
 *
 * inbound.c: the service that a host listens with: one SMTP server engine and
 * one session for each connection, in one block, and the way from the
 * engine's events to the chain (RFC 5321 3.1 to 3.3) and to the authenticator.
 * It bounds the header of each message (loops: RFC 5321 6.3). What cannot be
 * had, memory above all, is a 421 or 452 and never an end. How many
 * connections there may be is not its business: the host limits them. It knows
 * no TLS: the program wraps it around the engine, RFC 3207 4.2 is kept here.
 */
#include <string.h>

#include "internal.h"

#define HELO_MAX 255u

/* ---- connections --------------------------------------------------------- */

static size_t engine_offset(const mk_inbound *in)
{
    size_t n = sizeof(mk_session) + in->c.stage_count * sizeof(void *);
    return (n + 15) / 16 * 16;
}

/* What is offered to the trusted alone. */
static const uint32_t for_trusted =
    MK_SMTP_EXTENSION_XCLIENT | MK_SMTP_EXTENSION_XFORWARD;

/* May the peer speak for others? */
static bool is_trusted(const mk_inbound *in, const mk_peer *peer)
{
    for (size_t i = 0; i < in->c.trusted_count; i++) {
        if (mk_network_has(&in->networks[i], peer->family, peer->address)) {
            return true;
        }
    }
    return in->c.is_trusted != NULL &&
           in->c.is_trusted(in->c.trusted_self, peer);
}

/* Where the inner engine lies. */
static char *inner_of(mk_session *s)
{
    return (char *)s + engine_offset(s->in);
}

/* The inner engine lies in the session's block; the outer one is what the host
 * drives and what closes both. */
static mk_err engine_open(mk_session *s)
{
    const mk_inbound *in = s->in;
    mk_engine *inner;
    mk_err err = mk_smtp_server_open(
        is_trusted(in, &s->peer) ? &in->smtp_trusted : &in->smtp, inner_of(s),
        in->engine_bytes, &inner);
    if (err != MK_OK) {
        return err;
    }
    s->engine = inner;
    if (in->c.wrap != NULL) {
        err = in->c.wrap(in->c.wrap_self, inner, &s->engine);
    }
    if (err != MK_OK) {
        mk_close(inner);
    }
    return err;
}

void mk_agent_inbound_judge_anew(mk_session *s)
{
    if (!is_trusted(s->in, &s->peer)) {
        mk_smtp_server_withdraw((mk_engine *)(void *)inner_of(s), for_trusted);
    }
}

static mk_err session_new(mk_inbound *in, const mk_peer *peer,
                          mk_session **out_s)
{
    size_t bytes = engine_offset(in) + in->engine_bytes;
    mk_session *s = mk_alloc_get(in->c.alloc, bytes);
    if (s == NULL) {
        return MK_E_MEMORY;
    }
    s->in = in;
    s->bytes = (uint32_t)bytes;
    s->peer = *peer;
    mk_err err = mk_agent_ask_take(&in->asker, ASK_STAGE, s, &s->slot);
    if (err == MK_OK) {
        err = engine_open(s);
        if (err != MK_OK) {
            mk_agent_ask_give(&in->asker, s->slot);
        }
    }
    if (err != MK_OK) {
        mk_alloc_put(in->c.alloc, s, bytes);
        return err;
    }
    *out_s = s;
    return MK_OK;
}

/* One line for each, like for those who are let in: whoever floods pays a
 * connection for it (THREATS 114). */
static void service_refused(void *self, const mk_peer *peer, mk_err why)
{
    const mk_inbound *in = self;
    /* whose PROXY header was none is told nothing */
    bool said = !in->c.is_tls_implicit &&
                (why == MK_E_LIMIT || why == MK_E_FILES || why == MK_E_MEMORY);
    mk_log_record r = {.kind = MK_LOG_FAULT,
                       .code = mk_str_z(said ? "421" : ""),
                       .text = mk_str_z(mk_err_text(why)),
                       .peer = peer,
                       .err = why};
    if (in->c.log.write != NULL) {
        in->c.log.write(in->c.log.self, &r);
    }
}

static mk_err service_open(void *self, mk_conn *conn, const mk_peer *peer,
                           mk_engine **out_engine, void **out_session,
                           mk_str *out_refusal)
{
    mk_inbound *in = self;
    mk_session *s;

    mk_err err = session_new(in, peer, &s);
    if (err != MK_OK) {
        if (!in->c.is_tls_implicit) {
            *out_refusal = mk_str_z("421 4.3.0 no room, try again later\r\n");
        }
        service_refused(in, peer, err);
        return err;
    }
    s->conn = conn;
    s->began_ms = in->c.host->now_ms(in->c.host->self);
    in->sessions++;
    *out_engine = s->engine;
    *out_session = s;
    return MK_OK;
}

void mk_agent_inbound_release(mk_session *s)
{
    mk_inbound *in = s->in;
    if (s->engine != NULL || s->running || s->waiting) {
        return;
    }
    s->running = true; /* whatever the stages do when told */
    mk_agent_chain_reset(s);
    mk_agent_chain_tell_all(s, MK_STAGE_CLOSED);
    mk_agent_ask_give(&in->asker, s->slot);
    mk_agent_login_forget(&s->login);
    mk_agent_told_free(s);
    mk_alloc_put(in->c.alloc, s->helo, s->helo_bytes);
    mk_alloc_put(in->c.alloc, s, s->bytes);
    in->sessions--;
}

/* A peer that is gone after its final dot withdraws nothing (Law 5). */
static void service_closed(void *session, mk_err why)
{
    mk_session *s = session;
    mk_close(s->engine);
    s->engine = NULL;
    s->conn = NULL;
    s->tls = NULL;
    mk_agent_login_withdraw(s->login);
    if (s->point != MK_POINT_END) {
        mk_agent_chain_withdraw(s, why != MK_OK ? why : MK_E_CUT);
    }
    mk_agent_inbound_release(s);
}

/* ---- events -------------------------------------------------------------- */

static void out_of_memory(mk_session *s, mk_point point, mk_op op)
{
    mk_agent_chain_refuse(s, point, op, MK_ANSWER_LATER,
                          point == MK_POINT_HELO ? "451" : "452 4.3.0",
                          "out of memory");
}

static void forget_helo(mk_session *s)
{
    mk_alloc_put(s->in->c.alloc, s->helo, s->helo_bytes);
    s->helo = NULL;
    s->helo_bytes = 0;
    s->flags = 0;
}

void mk_agent_inbound_begin_anew(mk_session *s)
{
    mk_agent_chain_reset(s);
    mk_agent_told_forget_forward(s);
    mk_agent_login_forget(&s->login);
    forget_helo(s);
}

/* "The server MUST discard any knowledge obtained from the client" (RFC 3207
 * 4.2): name and login; who the listener or a trusted peer says it is stays. */
static void on_tls(mk_session *s, const mk_event *ev)
{
    s->tls = ev->of.smtp->tls;
    s->is_tls = s->tls != NULL;
    mk_agent_told_forget_login(s);
    mk_agent_inbound_begin_anew(s);
}

static void on_connect(mk_session *s, const mk_event *ev)
{
    s->tls = ev->of.smtp->tls;
    s->is_tls = s->tls != NULL;
    if ((ev->flags & MK_ASK) != 0) {
        mk_agent_chain_start(s, MK_POINT_CONNECT, ev->op, mk_str_of(NULL, 0));
    }
}

static void on_helo(mk_session *s, const mk_event *ev)
{
    const mk_alloc *a = s->in->c.alloc;
    mk_str name = mk_str_sub(ev->of.smtp->argument, 0, HELO_MAX);
    char *copy = mk_agent_copy(a, name, name.len);

    mk_agent_chain_reset(s);
    mk_agent_told_forget_forward(s);
    forget_helo(s);
    s->helo = copy;
    s->helo_bytes = (uint16_t)(copy != NULL ? name.len : 0);
    s->flags = (uint8_t)ev->of.smtp->flags;
    if (ev->of.smtp->argument.len > HELO_MAX) {
        s->flags &= (uint8_t)~MK_SMTP_EVENT_NAME_VALID;
    }
    if (copy == NULL && name.len > 0) {
        out_of_memory(s, MK_POINT_HELO, ev->op);
    } else {
        mk_agent_chain_start(s, MK_POINT_HELO, ev->op, mk_str_of(NULL, 0));
    }
}

static void on_mail(mk_session *s, const mk_event *ev)
{
    mk_err err;
    mk_agent_chain_reset(s);
    err = mk_agent_transaction_new(s, ev->of.smtp);
    if (err == MK_E_MEMORY) {
        out_of_memory(s, MK_POINT_MAIL, ev->op);
    } else if (err != MK_OK) {
        mk_agent_chain_refuse(s, MK_POINT_MAIL, ev->op, MK_ANSWER_LATER,
                              "451 4.3.0", mk_err_text(err));
    } else {
        mk_agent_chain_start(s, MK_POINT_MAIL, ev->op, mk_str_of(NULL, 0));
    }
}

static void on_rcpt(mk_session *s, const mk_event *ev)
{
    if (s->tx == NULL || mk_agent_transaction_judge(s, ev->of.smtp) != MK_OK) {
        out_of_memory(s, MK_POINT_RCPT, ev->op);
    } else {
        mk_agent_chain_start(s, MK_POINT_RCPT, ev->op, mk_str_of(NULL, 0));
    }
}

/* Is the header beyond a limit? Then the rest is swallowed. */
static bool is_header_refused(mk_session *s, mk_op op)
{
    const header_scan *h = &s->tx->header;
    const mk_inbound_config *c = &s->in->c;
    if (h->hops > c->hops_max) {
        mk_agent_chain_refuse(s, MK_POINT_BODY, op, MK_ANSWER_NO, "554 5.4.6",
                              "too many hops, this message is looping");
    } else if (h->fields > c->fields_max) {
        mk_agent_chain_refuse(s, MK_POINT_BODY, op, MK_ANSWER_NO, "554 5.6.0",
                              "too many header fields");
    } else if (h->bytes > c->header_bytes_max) {
        mk_agent_chain_refuse(s, MK_POINT_BODY, op, MK_ANSWER_NO, "552 5.3.4",
                              "the header is too large");
    } else {
        return false;
    }
    return true;
}

/* "If the by-time is reached … returned" (RFC 2852 4): nobody has taken it yet,
 * so that a refusal returns it. */
static bool is_late(const mk_session *s)
{
    const mk_smtp_mail_options *o = mk_session_options(s);
    const mk_host *h = s->in->c.host;
    uint64_t age_ms = h->now_ms(h->self) - s->tx->began_ms;
    return o->by == MK_SMTP_BY_RETURN &&
           (o->by_s <= 0 || age_ms >= (uint64_t)o->by_s * 1000);
}

static void on_end(mk_session *s, mk_op op)
{
    if (is_late(s)) {
        mk_agent_chain_refuse(s, MK_POINT_END, op, MK_ANSWER_NO, "554 5.4.7",
                              "the time to deliver by has passed");
    } else if (!mk_agent_fix(s, MK_POINT_END, op)) {
        mk_agent_chain_start(s, MK_POINT_END, op, mk_str_of(NULL, 0));
    }
}

static void on_body(mk_session *s, const mk_event *ev)
{
    if ((ev->flags & MK_LAST) != 0) {
        if (s->tx != NULL) {
            on_end(s, ev->op);
        } else if ((ev->flags & MK_ASK) != 0) {
            mk_reply(s->engine, ev->op, MK_ANSWER_LATER, mk_str_z(NULL),
                     mk_str_z(NULL));
        }
    } else if (s->tx != NULL) {
        s->tx->size += ev->data.len;
        mk_agent_header_scan_add(&s->tx->header, ev->data);
        if (!is_header_refused(s, ev->op) &&
            !mk_agent_fix(s, MK_POINT_BODY, ev->op)) {
            mk_agent_chain_start(s, MK_POINT_BODY, ev->op, ev->data);
        }
    }
}

static void on_sasl(mk_session *s, const mk_event *ev)
{
    const login_who who = {&s->peer, mk_session_client_id(s)};

    s->running = true; /* it may close the connection from inside */
    mk_agent_login_ask(&s->login, &s->in->desk, s->engine, s->conn, &who, ev);
    s->running = false;
    mk_agent_inbound_release(s);
}

static void on_auth(mk_session *s, const mk_event *ev)
{
    const login_end end = {ev->of.smtp->argument, ev->of.smtp->mechanism};
    mk_log_record r = mk_agent_inbound_record(s, MK_LOG_LOGIN);

    mk_agent_login_end(s->login, ev->err, &end, &s->in->c.log, &r);
    if (mk_session_login(s).len == 0) {
        mk_agent_login_forget(&s->login);
    }
}

/* VRFY, EXPN, ETRN. */
static void on_question(mk_session *s, mk_point point, const mk_event *ev)
{
    if ((ev->flags & MK_ASK) != 0) {
        s->reads_utf8 = (ev->of.smtp->flags & MK_SMTP_EVENT_UTF8) != 0;
        mk_agent_chain_start(s, point, ev->op, ev->of.smtp->argument);
    }
}

/* Did the engine itself turn the message away? Then what it said. */
static const char *own_refusal(mk_err why)
{
    switch (why) {
    case MK_E_SIZE:
        return "552 5.3.4";
    case MK_E_LINE:
        return "554 5.6.0";
    case MK_E_BARE:
        return "550 5.5.2";
    case MK_E_SYNTAX:
        return "501 5.5.4";
    case MK_E_STATE:
        return "503 5.5.1";
    default:
        return NULL;
    }
}

static void on_reset(mk_session *s, mk_err why)
{
    const char *code = own_refusal(why);

    mk_agent_chain_withdraw(s, MK_E_CANCELLED);
    const mk_recipient *r = mk_session_recipients(s);
    for (; r != NULL && code != NULL; r = r->after) {
        mk_agent_inbound_log(s, MK_LOG_MESSAGE, r->mailbox, mk_str_z(code),
                             mk_str_z(mk_err_text(why)), why);
    }
    mk_agent_chain_reset(s);
    mk_agent_told_forget_forward(s);
}

static void on_fault(mk_session *s, const mk_fault *fault)
{
    const mk_recipient *r = mk_session_recipients(s);
    mk_agent_inbound_log(s, MK_LOG_FAULT,
                         r != NULL ? r->mailbox : mk_str_z(NULL), fault->code,
                         fault->text, fault->why);
}

/* The body and what is behind it. */
static void transaction_event(mk_session *s, const mk_event *ev)
{
    switch (ev->type) {
    case MK_EV_SMTP_MAIL:
        on_mail(s, ev);
        break;
    case MK_EV_SMTP_RCPT:
        on_rcpt(s, ev);
        break;
    case MK_EV_SMTP_DATA:
        if ((ev->flags & MK_ASK) != 0) {
            mk_agent_chain_start(s, MK_POINT_DATA, ev->op, mk_str_of(NULL, 0));
        }
        break;
    case MK_EV_BODY:
        on_body(s, ev);
        break;
    case MK_EV_SMTP_DELIVERED:
        mk_agent_each_ask(s, ev);
        break;
    case MK_EV_SMTP_RESET:
        on_reset(s, ev->err);
        break;
    default:
        break;
    }
}

/* Who is there, and what is asked beside mail. */
static void session_event(mk_session *s, const mk_event *ev)
{
    switch (ev->type) {
    case MK_EV_SMTP_CONNECT:
        on_connect(s, ev);
        break;
    case MK_EV_SMTP_HELO:
        on_helo(s, ev);
        break;
    case MK_EV_SMTP_TLS:
        on_tls(s, ev);
        break;
    case MK_EV_SMTP_AUTH:
        on_auth(s, ev);
        break;
    case MK_EV_SMTP_VRFY:
        on_question(s, MK_POINT_VRFY, ev);
        break;
    case MK_EV_SMTP_EXPN:
        on_question(s, MK_POINT_EXPN, ev);
        break;
    case MK_EV_SMTP_ETRN:
        on_question(s, MK_POINT_ETRN, ev);
        break;
    case MK_EV_SMTP_XCLIENT:
        mk_agent_told_client(s, ev);
        break;
    case MK_EV_SMTP_XFORWARD:
        mk_agent_told_forward(s, ev);
        break;
    case MK_EV_SMTP_CLIENTID:
        mk_agent_told_id(s, ev);
        break;
    default:
        transaction_event(s, ev);
        break;
    }
}

static void service_event(void *session, const mk_event *ev)
{
    mk_session *s = session;

    switch (ev->type) {
    case MK_EV_SASL:
        on_sasl(s, ev);
        break;
    case MK_EV_WITHDRAWN:
        mk_agent_login_withdraw(s->login);
        mk_agent_chain_withdraw(s, ev->err);
        break;
    case MK_EV_FAULT:
        on_fault(s, ev->of.fault);
        break;
    default:
        session_event(s, ev);
        break;
    }
}

/* ---- the record ---------------------------------------------------------- */

mk_log_record mk_agent_inbound_record(const mk_session *s, mk_log_kind kind)
{
    const mk_host *h = s->in->c.host;
    uint64_t began = s->tx != NULL ? s->tx->began_ms : s->began_ms;
    mk_log_record r = {.kind = kind,
                       .id = mk_session_id(s),
                       .reverse_path = mk_session_reverse_path(s),
                       .helo = mk_session_helo(s),
                       .size = mk_session_size(s),
                       .delay_ms = h->now_ms(h->self) - began,
                       .peer = &s->peer,
                       .login = mk_session_login(s),
                       .is_tls = s->is_tls,
                       .forwarded = mk_session_forwarded(s),
                       .client_id = mk_session_client_id(s)};
    if (s->told != NULL && s->told->is_introduced) {
        r.via = &s->told->via;
    }
    return r;
}

void mk_agent_inbound_log(mk_session *s, mk_log_kind kind, mk_str forward_path,
                          mk_str code, mk_str text, mk_err err)
{
    const mk_inbound *in = s->in;
    if (in->c.log.write == NULL) {
        return;
    }
    mk_log_record r = mk_agent_inbound_record(s, kind);
    r.forward_path = forward_path;
    r.code = code;
    r.text = text;
    r.err = err;
    bool decided = err == MK_OK && s->stage < in->c.stage_count;
    r.stage = decided ? in->stages[s->stage].name : NULL;
    in->c.log.write(in->c.log.self, &r);
}

/* ---- its life ------------------------------------------------------------ */

mk_err mk_inbound_config_init(mk_inbound_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->hops_max = 50;
    c->fields_max = 1000;
    c->header_bytes_max = UINT64_C(1024) * 1024;
    return MK_OK;
}

static bool is_config_whole(const mk_inbound_config *c)
{
    return c != NULL && c->size == sizeof *c && c->host != NULL &&
           c->alloc != NULL && c->random != NULL && c->smtp != NULL &&
           c->stages != NULL && c->stage_count > 0 &&
           c->stage_count <= MK_STAGES_MAX && c->hops_max > 0 &&
           c->fields_max > 0 && c->header_bytes_max > 0 &&
           (c->authenticator == NULL || c->authenticator->check != NULL) &&
           (c->smtp->tls == MK_TLS_POLICY_NONE || c->wrap != NULL) &&
           (!c->is_tls_implicit || c->wrap != NULL) &&
           (c->trusted != NULL || c->trusted_count == 0);
}

/* The engine asks where a stage is asked, and where memory may be short. */
static uint32_t asks_of(uint32_t points)
{
    static const struct {
        mk_point point;
        uint32_t ask;
    } rows[] = {{MK_POINT_CONNECT, MK_SMTP_ASK_CONNECT},
                {MK_POINT_DATA, MK_SMTP_ASK_DATA},
                {MK_POINT_VRFY, MK_SMTP_ASK_VRFY},
                {MK_POINT_EXPN, MK_SMTP_ASK_EXPN}};
    uint32_t asks = MK_SMTP_ASK_DEFAULT | MK_SMTP_ASK_HELO;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((points & MK_POINT_BIT(rows[i].point)) != 0) {
            asks |= rows[i].ask;
        }
    }
    return asks;
}

/* An extension is offered only when what stands behind the service honours
 * it: these need more than a store of lines. */
static uint32_t unhonoured(const mk_inbound *in, uint32_t points)
{
    uint32_t missing = MK_SMTP_EXTENSION_DSN | MK_SMTP_EXTENSION_FUTURERELEASE |
                       MK_SMTP_EXTENSION_BINARYMIME;
    for (uint32_t i = 0; i < in->c.stage_count; i++) {
        missing &= ~in->stages[i].honours;
    }
    if ((points & MK_POINT_BIT(MK_POINT_ETRN)) == 0) {
        missing |= MK_SMTP_EXTENSION_ETRN;
    }
    return missing;
}

/* The engines' settings: those of the trusted, and of all others. */
static void smtp_configure(mk_inbound *in)
{
    uint32_t points = 0;

    for (uint32_t i = 0; i < in->c.stage_count; i++) {
        points |= in->stages[i].points;
    }
    in->smtp.asks = asks_of(points);
    in->smtp.extensions &= ~unhonoured(in, points);
    in->smtp_trusted = in->smtp;
    in->smtp.extensions &= ~for_trusted;
    size_t need = mk_smtp_server_need(&in->smtp);
    size_t need_trusted = mk_smtp_server_need(&in->smtp_trusted);
    bool is_good = need > 0 && need_trusted > 0;
    size_t most = need > need_trusted ? need : need_trusted;
    in->engine_bytes = is_good ? most : 0;
}

static mk_err networks_copy(mk_inbound *in)
{
    size_t n = in->c.trusted_count;
    if (n == 0) {
        return MK_OK;
    }
    in->networks = mk_alloc_get(in->c.alloc, n * sizeof *in->networks);
    if (in->networks == NULL) {
        return MK_E_MEMORY;
    }
    memcpy(in->networks, in->c.trusted, n * sizeof *in->networks);
    return MK_OK;
}

static void inbound_put(mk_inbound *in)
{
    const mk_alloc *a = in->c.alloc;
    mk_alloc_put(a, in->networks, in->c.trusted_count * sizeof *in->networks);
    mk_alloc_put(a, in, sizeof *in);
}

mk_err mk_inbound_new(const mk_inbound_config *c, mk_inbound **out_inbound)
{
    if (!is_config_whole(c) || out_inbound == NULL) {
        return MK_E_ARG;
    }
    for (uint32_t i = 0; i < c->stage_count; i++) {
        if (c->stages[i].at == NULL) {
            return MK_E_ARG;
        }
    }
    mk_inbound *in = mk_alloc_get(c->alloc, sizeof *in);
    if (in == NULL) {
        return MK_E_MEMORY;
    }
    in->c = *c;
    in->smtp = *c->smtp;
    memcpy(in->stages, c->stages, c->stage_count * sizeof in->stages[0]);
    mk_agent_asker_init(&in->asker, c->alloc);
    in->desk.host = c->host;
    in->desk.alloc = c->alloc;
    in->desk.authenticator = c->authenticator;
    in->desk.asker = &in->asker;
    smtp_configure(in);
    mk_err err = in->engine_bytes > 0 ? networks_copy(in) : MK_E_ARG;
    if (err != MK_OK) {
        inbound_put(in);
        return err;
    }
    *out_inbound = in;
    return MK_OK;
}

void mk_inbound_service(mk_inbound *in, mk_service *out_service)
{
    memset(out_service, 0, sizeof *out_service);
    out_service->self = in;
    out_service->open = service_open;
    out_service->event = service_event;
    out_service->closed = service_closed;
    out_service->refused = service_refused;
    if (!in->c.is_tls_implicit) {
        out_service->busy =
            mk_str_z("421 4.3.2 too many connections, try again later\r\n");
    }
}

size_t mk_inbound_count(const mk_inbound *in)
{
    return in->sessions;
}

mk_err mk_inbound_free(mk_inbound *in)
{
    if (in == NULL) {
        return MK_OK;
    }
    if (in->sessions > 0) {
        return MK_E_BUSY;
    }
    mk_agent_asker_fini(&in->asker);
    inbound_put(in);
    return MK_OK;
}
