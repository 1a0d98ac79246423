/* SPDX-License-Identifier: MIT
 *
 * chain.c: asks the stages of a chain, one after the other, at one point of a
 * session (RFC 5321 3.1 to 3.3), and turns what they decide into the engine's
 * reply. A stage that answers later stops only its own session; its answer
 * goes on with the next stage. Law 5 holds: a question is answered once, or
 * withdrawn. Without a stage that accepts, RCPT and the end of a message are
 * refused, so that leaving a stage out never opens a relay.
 */
#include "internal.h"

/* ---- words for the peer -------------------------------------------------- */

static const char *default_code(const mk_session *s, const mk_verdict *v)
{
    if (s->point >= MK_POINT_VRFY && s->point != MK_POINT_ETRN) {
        return ""; /* the engine's own */
    }
    if (v->kind != MK_VERDICT_REFUSE) {
        return s->point == MK_POINT_RCPT  ? "250 2.1.5"
               : s->point == MK_POINT_END ? "250 2.0.0"
                                          : "";
    }
    /* no enhanced codes before HELO was answered (RFC 2034 4) */
    switch (s->point) {
    case MK_POINT_CONNECT:
        return v->answer == MK_ANSWER_LATER ? "421" : "554";
    case MK_POINT_HELO:
        return v->answer == MK_ANSWER_LATER ? "451" : "550";
    case MK_POINT_ETRN: /* RFC 1985 5.2 has nothing that lasts */
        return v->answer == MK_ANSWER_LATER ? "458 4.3.0" : "";
    case MK_POINT_BODY:
    case MK_POINT_END:
    case MK_POINT_DATA:
        return v->answer == MK_ANSWER_LATER ? "451 4.3.0" : "554 5.7.1";
    default:
        return v->answer == MK_ANSWER_LATER ? "451 4.3.0" : "550 5.7.1";
    }
}

static void log_verdict(mk_session *s, const mk_verdict *v, mk_str code)
{
    bool at_body = s->point == MK_POINT_BODY || s->point == MK_POINT_END;
    if (at_body && s->tx != NULL) {
        const mk_recipient *r = mk_session_recipients(s);
        mk_str text = v->text;
        for (; r != NULL; r = r->after) {
            if (mk_agent_each_is(s) && s->tx->all.is_set) {
                code = mk_agent_each_code(s, r, &text);
            }
            mk_agent_inbound_log(s, MK_LOG_MESSAGE, r->mailbox, code, text,
                                 MK_OK);
        }
    } else if (v->kind == MK_VERDICT_REFUSE) {
        const mk_recipient *r = mk_session_recipient(s);
        mk_agent_inbound_log(s, MK_LOG_REFUSED,
                             r != NULL ? r->mailbox : mk_str_of(NULL, 0), code,
                             v->text, MK_OK);
    }
}

/* Give the engine its answer. On failure nothing was said. */
static mk_err say(mk_session *s, const mk_verdict *v)
{
    bool refuse = v->kind == MK_VERDICT_REFUSE;
    mk_answer answer = refuse ? v->answer : MK_ANSWER_YES;
    mk_str code = v->code.len > 0 ? v->code : mk_str_z(default_code(s, v));
    mk_err err = MK_OK;

    if (refuse && answer != MK_ANSWER_LATER && answer != MK_ANSWER_NO) {
        return MK_E_ARG;
    }
    /* body octets are not asked: a reply only refuses, or goes on */
    if (mk_agent_each_is(s)) {
        err = mk_agent_each_keep(s, v, code);
    } else if (s->point != MK_POINT_BODY || refuse || s->put_off) {
        err = s->engine != NULL
                  ? mk_reply(s->engine, s->op, answer, code, v->text)
                  : MK_OK;
    }
    if (err == MK_OK && (s->point != MK_POINT_BODY || refuse)) {
        log_verdict(s, v, code);
    }
    return err;
}

/* A stage's verdict that cannot be said is refused for now. */
static mk_verdict_kind say_or_refuse(mk_session *s, const mk_verdict *v)
{
    mk_err err = say(s, v);
    if (err == MK_E_ARG || err == MK_E_CTL) {
        mk_verdict later = {.kind = MK_VERDICT_REFUSE,
                            .answer = MK_ANSWER_LATER};
        say(s, &later);
        return MK_VERDICT_REFUSE;
    }
    return v->kind;
}

/* ---- questions ----------------------------------------------------------- */

static mk_ask question_open(mk_session *s)
{
    s->open = true;
    s->decided = false;
    return mk_agent_ask_next(&s->in->asker, s->slot);
}

/* The session whose question is open. */
static mk_session *find(mk_ask ask)
{
    mk_session *s = mk_agent_ask_find(ask, ASK_STAGE);
    return s != NULL && s->open ? s : NULL;
}

static void question_close(mk_session *s)
{
    s->open = false;
    s->waiting = false;
    s->directory = NULL;
    s->asked = NULL;
}

static void tell(mk_session *s, uint32_t stage, mk_stage_note note, mk_err why)
{
    const mk_stage *st = &s->in->stages[stage];
    if (st->note != NULL) {
        st->note(st->self, s, stage, note, why);
    }
}

void mk_agent_chain_tell_all(mk_session *s, mk_stage_note note)
{
    for (uint32_t i = 0; i < s->in->c.stage_count; i++) {
        tell(s, i, note, MK_OK);
    }
}

/* Void the question; the stage is told when it waits. */
static void question_withdraw(mk_session *s, mk_err why)
{
    mk_ask ask = mk_agent_ask_now(&s->in->asker, s->slot);
    const mk_directory *d = s->directory;
    bool waiting = s->waiting;

    question_close(s);
    if (waiting) {
        if (d != NULL && d->withdrawn != NULL) {
            d->withdrawn(d->self, ask);
        }
        tell(s, s->stage, MK_STAGE_WITHDRAWN, why);
    }
}

/* ---- the run ------------------------------------------------------------- */

static void keep_free(mk_session *s)
{
    mk_alloc_put(s->in->c.alloc, s->kept, s->kept_bytes);
    s->kept = NULL;
    s->kept_bytes = 0;
}

/* The point is decided: bring the transaction to where that leaves it. */
static void settle(mk_session *s, mk_verdict_kind kind)
{
    bool refused = kind == MK_VERDICT_REFUSE;
    bool late = s->put_off;

    keep_free(s);
    s->put_off = false;
    if (s->point == MK_POINT_RCPT && s->tx != NULL) {
        if (refused) {
            mk_agent_transaction_forget(s);
        } else {
            mk_agent_transaction_accept(s->tx);
        }
    } else if (mk_agent_each_is(s)) {
        mk_agent_each_go_on(s);
    } else if (s->point == MK_POINT_END ||
               (refused &&
                (s->point == MK_POINT_MAIL || s->point == MK_POINT_BODY))) {
        mk_agent_chain_reset(s);
    }
    if (late && s->conn != NULL) {
        s->in->c.host->wake(s->in->c.host->self, s->conn);
    }
}

static bool wanted_behind(const mk_session *s)
{
    for (uint32_t i = s->stage + 1u; i < s->in->c.stage_count; i++) {
        if ((s->in->stages[i].points & MK_POINT_BIT(s->point)) != 0) {
            return true;
        }
    }
    return false;
}

/* The octets live only now: keep them for the stages behind. */
static mk_err keep(mk_session *s, mk_str octets)
{
    if (s->kept != NULL || octets.len == 0 || !wanted_behind(s)) {
        return MK_OK;
    }
    s->kept = mk_agent_copy(s->in->c.alloc, octets, octets.len);
    s->kept_bytes = s->kept != NULL ? octets.len : 0;
    return s->kept != NULL ? MK_OK : MK_E_MEMORY;
}

static mk_verdict_kind suspend(mk_session *s, mk_str octets)
{
    mk_err err = keep(s, octets);
    s->waiting = true;
    if (s->engine == NULL && s->point != MK_POINT_END) {
        err = MK_E_CUT; /* the stage itself has closed the connection */
    } else if (err == MK_OK && !s->put_off && s->engine != NULL &&
               !mk_agent_each_is(s)) { /* there the engine asks later */
        err = mk_later(s->engine, s->op);
    }
    if (err != MK_OK) {
        mk_verdict v = {.kind = MK_VERDICT_REFUSE,
                        .answer = MK_ANSWER_LATER,
                        .code = mk_str_z("452 4.3.0"),
                        .text = mk_str_z("out of memory")};
        question_withdraw(s, err);
        return say_or_refuse(s, &v);
    }
    s->put_off = s->put_off || !mk_agent_each_is(s);
    return MK_VERDICT_WAIT;
}

/* Octets are never accepted for the others: a stage behind that missed some
 * would bring a part of the message to rest (THREATS G2). */
static mk_verdict_kind kind_of(const mk_session *s, const mk_verdict *v)
{
    bool octets = s->point == MK_POINT_BODY;
    return octets && v->kind == MK_VERDICT_ACCEPT ? MK_VERDICT_PASS : v->kind;
}

/* Ask one stage. What it says at once has been said when this returns. */
static mk_verdict_kind ask_stage(mk_session *s, mk_str octets)
{
    const mk_stage *st = &s->in->stages[s->stage];
    mk_verdict v = {.kind = MK_VERDICT_PASS};

    if ((st->points & MK_POINT_BIT(s->point)) == 0) {
        return MK_VERDICT_PASS;
    }
    mk_stage_call call = {.session = s,
                          .point = (mk_point)s->point,
                          .stage = s->stage,
                          .ask = question_open(s),
                          .octets = octets};
    st->at(st->self, &call, &v);
    if (s->decided) {
        return (mk_verdict_kind)s->decision;
    }
    if (v.kind == MK_VERDICT_WAIT) {
        return MK_VERDICT_WAIT;
    }
    question_close(s);
    v.kind = kind_of(s, &v);
    return v.kind == MK_VERDICT_PASS ? v.kind : say_or_refuse(s, &v);
}

/* Everybody passed. */
static mk_verdict_kind decide_alone(mk_session *s)
{
    mk_verdict v = {.kind = MK_VERDICT_ACCEPT};
    if (s->point == MK_POINT_RCPT) {
        v.kind = MK_VERDICT_REFUSE;
        v.answer = MK_ANSWER_NO;
        v.text = mk_str_z("relaying is not permitted");
    } else if (s->point == MK_POINT_END) {
        v.kind = MK_VERDICT_REFUSE;
        v.answer = MK_ANSWER_LATER;
        v.text = mk_str_z("nobody took the message");
    } else if (s->point == MK_POINT_ETRN) {
        v.kind = MK_VERDICT_REFUSE;
        v.answer = MK_ANSWER_LATER;
        v.code = mk_str_z("459 4.7.1");
        v.text = mk_str_z("not allowed for this node");
    }
    return say_or_refuse(s, &v);
}

static void run(mk_session *s, mk_str octets)
{
    mk_verdict_kind kind = MK_VERDICT_PASS;

    s->running = true;
    while (kind == MK_VERDICT_PASS && s->stage < s->in->c.stage_count) {
        kind = ask_stage(s, octets);
        if (kind == MK_VERDICT_PASS) {
            s->stage++;
        }
    }
    if (kind == MK_VERDICT_WAIT) {
        kind = suspend(s, octets);
    } else if (kind == MK_VERDICT_PASS) {
        kind = decide_alone(s);
    }
    if (kind != MK_VERDICT_WAIT) {
        settle(s, kind);
    }
    s->running = false;
    mk_agent_inbound_release(s);
}

void mk_agent_chain_start(mk_session *s, mk_point point, mk_op op,
                          mk_str octets)
{
    s->point = (uint8_t)point;
    s->op = op;
    s->stage = 0;
    s->put_off = false;
    run(s, octets);
}

void mk_agent_chain_refuse(mk_session *s, mk_point point, mk_op op,
                           mk_answer answer, const char *code, const char *text)
{
    mk_verdict v = {.kind = MK_VERDICT_REFUSE,
                    .answer = answer,
                    .code = mk_str_z(code),
                    .text = mk_str_z(text)};
    s->point = (uint8_t)point;
    s->op = op;
    s->stage = (uint8_t)s->in->c.stage_count; /* no stage decided */
    s->put_off = false;
    settle(s, say_or_refuse(s, &v));
}

mk_err mk_stage_answer(mk_ask ask, const mk_verdict *verdict)
{
    mk_session *s = find(ask);
    mk_err err = MK_OK;

    if (s == NULL) {
        return MK_E_STALE;
    }
    if ((unsigned)verdict->kind >= MK_VERDICT_WAIT) {
        return MK_E_ARG;
    }
    mk_verdict_kind kind = kind_of(s, verdict);
    if (kind != MK_VERDICT_PASS) {
        err = say(s, verdict);
    }
    if (err == MK_E_ARG || err == MK_E_CTL) {
        return err;
    }
    question_close(s);
    s->decision = (uint8_t)kind;
    s->decided = true;
    if (err != MK_OK) {
        /* the engine has withdrawn it and is about to tell */
        s->decision = MK_VERDICT_REFUSE;
    }
    if (s->running) {
        return err;
    }
    if (kind == MK_VERDICT_PASS) {
        s->stage++;
        run(s, mk_str_of(s->kept, s->kept_bytes));
    } else {
        settle(s, (mk_verdict_kind)s->decision);
        mk_agent_inbound_release(s);
    }
    return err;
}

/* ---- ends ---------------------------------------------------------------- */

void mk_agent_chain_reset(mk_session *s)
{
    if (s->tx != NULL) {
        mk_agent_chain_tell_all(s, MK_STAGE_RESET);
        mk_agent_transaction_free(s);
        mk_agent_told_forget_forward(s);
    }
}

void mk_agent_chain_withdraw(mk_session *s, mk_err why)
{
    if (!s->waiting) {
        return;
    }
    question_withdraw(s, why);
    keep_free(s);
    s->put_off = false;
    s->asks_each = false;
    if (s->point == MK_POINT_END || why == MK_E_TIMEOUT) {
        /* the peer is told by the engine; of its own end a fault tells */
        mk_verdict v = {.kind = MK_VERDICT_REFUSE,
                        .answer = MK_ANSWER_LATER,
                        .text = mk_str_z(mk_err_text(why))};
        log_verdict(s, &v, mk_str_z(default_code(s, &v)));
    }
    if (s->point == MK_POINT_RCPT && s->tx != NULL) {
        mk_agent_transaction_forget(s);
    } else if (s->point != MK_POINT_DATA && s->point < MK_POINT_VRFY) {
        mk_agent_chain_reset(s);
    }
}

/* ---- directories --------------------------------------------------------- */

void mk_agent_chain_ask_directory(const mk_stage_call *call,
                                  const mk_directory *d, directory_done *done,
                                  void *self, mk_str user, mk_str domain)
{
    mk_session *s = call->session;
    s->directory = d;
    s->asked = done;
    s->asked_self = self;
    d->lookup(d->self, user, domain, call->ask);
}

mk_err mk_directory_answer(mk_ask ask, mk_directory_result result, mk_str user,
                           mk_str domain)
{
    mk_session *s = find(ask);
    mk_verdict v = {.kind = MK_VERDICT_PASS};

    if (s == NULL || s->asked == NULL) {
        return MK_E_STALE;
    }
    if (result == MK_DIRECTORY_FOUND) {
        mk_err err = mk_maildir_name_check(user);
        err = err == MK_OK ? mk_maildir_name_check(domain) : err;
        if (err != MK_OK) {
            return err;
        }
    }
    s->asked(s->asked_self, s, result, user, domain, &v);
    return mk_stage_answer(ask, &v);
}
