/* SPDX-License-Identifier: MIT
 *
 * smtp/server.c: the life of the server machine: opening, the step that
 * settles questions, guards against early talk (RFC 2920 3.1, 5321 4.3.1),
 * reads a line or body, and the one function that assigns the state. What the
 * verbs do is in server_verbs.c, what the time does in server_clock.c.
 */
#include "smtp/server_internal.h"

#include "smtp/extensions.h"

#include <mailkit/codec.h>

#include <string.h>

static smtp_server *self(mk_engine *e)
{
    return (smtp_server *)(void *)e;
}

static const smtp_server *self_const(const mk_engine *e)
{
    return (const smtp_server *)(const void *)e;
}

/* ---- state, replies, events ---------------------------------------------- */

void mk_smtp_server_move(smtp_server *s, server_state to)
{
    enum {
        ENDS = 1 << SERVER_ENDED,
        DROPS = 1 << SERVER_READY,
        FORGETS = 1 << SERVER_GREETED /* TLS is up (RFC 3207 4.2) */
    };
    static const uint8_t legal[] = {
        /* clang-format off */
        [SERVER_OPEN]    = ENDS | 1 << SERVER_GREETED | 1 << SERVER_TURNED,
        [SERVER_GREETED] = ENDS | DROPS,
        [SERVER_READY]   = ENDS | DROPS | FORGETS | 1 << SERVER_MAIL,
        [SERVER_MAIL]    = ENDS | DROPS | FORGETS | 1 << SERVER_RCPT,
        [SERVER_RCPT]    = ENDS | DROPS | FORGETS | 1 << SERVER_RCPT | 1 << SERVER_DATA,
        [SERVER_DATA]    = ENDS | DROPS,
        [SERVER_TURNED]  = ENDS,
        [SERVER_ENDED]   = ENDS,
        /* clang-format on */
    };
    bool fine = (legal[s->state] & (1U << to)) != 0;
    s->cut_off = s->cut_off || !fine;
    s->state = (uint8_t)(fine ? to : SERVER_ENDED);
}

void mk_smtp_server_next_op(smtp_server *s)
{
    s->op = s->op == UINT32_MAX ? 1 : s->op + 1; /* 0 is none */
}

void mk_smtp_server_end(smtp_server *s)
{
    mk_smtp_server_move(s, SERVER_ENDED);
    mk_smtp_server_login_close(s);
    s->question = QUESTION_NONE;
    s->border = BORDER_NONE;
}

/* Split "250 2.1.0 Ok" into "250 2.1.0" and "Ok". */
static void split_line(const char *line, mk_str *out_code, mk_str *out_text)
{
    mk_str all = mk_str_z(line);
    size_t n = mk_str_find(all, ' ');
    mk_str second = mk_str_sub(all, n + 1, SIZE_MAX);
    size_t m = mk_str_find(second, ' ');
    if (mk_str_find(mk_str_sub(second, 0, m), '.') < m) {
        n += 1 + m;
    }
    *out_code = mk_str_sub(all, 0, n);
    *out_text = mk_str_sub(all, n + 1, SIZE_MAX);
}

/* Enhanced codes go into all replies but those to HELO, EHLO and the greeting
 * (RFC 2034 4), and 3xx ones, which have none. */
static bool is_enhanced(mk_smtp_verb verb, mk_str code)
{
    return verb != MK_SMTP_VERB_CONNECT && verb != MK_SMTP_VERB_HELO &&
           verb != MK_SMTP_VERB_EHLO && code.ptr[0] != '3';
}

/* One reply line. */
static void compose(const smtp_server *s, bool enhanced, mk_str code,
                    mk_str text, mk_buf *out)
{
    bool offered =
        (s->config->extensions & MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES) != 0;
    (void)mk_buf_add(out, mk_str_sub(code, 0, 3));
    if (offered && enhanced) {
        (void)mk_buf_add_c(out, ' ');
        if (code.len > 4) {
            (void)mk_buf_add(out, mk_str_sub(code, 4, SIZE_MAX));
        } else {
            (void)mk_buf_add_c(out, code.ptr[0]);
            (void)mk_buf_add_z(out, ".0.0");
        }
    }
    (void)mk_buf_add_c(out, ' ');
    (void)mk_buf_add(out, mk_str_sub(text, 0, SERVER_TEXT_MAX));
    (void)mk_buf_add_z(out, "\r\n");
}

static void compose_hello(const smtp_server *s, mk_smtp_verb verb, mk_buf *out)
{
    mk_buf rows = *out;
    (void)mk_buf_add_z(out, "250-");
    (void)mk_buf_add(out, s->config->hostname);
    (void)mk_buf_add_z(out, "\r\n");
    size_t first = out->len;
    if (verb == MK_SMTP_VERB_EHLO) {
        mk_smtp_extensions_print(s->config, mk_smtp_server_offer(s), s->tls,
                                 out);
    }
    if (out->len == first) {
        out->ptr[rows.len + 3] = ' ';
    }
}

static void compose_greeting(const smtp_server *s, mk_str text, mk_buf *out)
{
    (void)mk_buf_add_z(out, "220 ");
    (void)mk_buf_add(out, s->config->hostname);
    (void)mk_buf_add_z(out, " ESMTP ");
    (void)mk_buf_add(out, text.len > 0 ? mk_str_sub(text, 0, SERVER_TEXT_MAX)
                                       : s->config->banner);
    (void)mk_buf_add_z(out, "\r\n");
}

/* Put a reply behind the output's tail. */
static void put(smtp_server *s, const char *line)
{
    mk_str code;
    mk_str text;
    split_line(line, &code, &text);
    if (s->pending == 0) { /* a timeout finds no unit on loan */
        (void)mk_outq_reserve(&s->out, SERVER_REPLY_ROOM);
    }
    mk_buf b = mk_outq_room(&s->out);
    compose(s, code.len > 3, code, text, &b);
    s->pending = (uint16_t)(b.full ? 0 : b.len);
}

mk_err mk_smtp_server_say(smtp_server *s, const char *line)
{
    put(s, line);
    mk_smtp_server_let_go(s, line[0]);
    return MK_E_AGAIN;
}

mk_err mk_smtp_server_say_late(smtp_server *s, const char *line,
                               uint64_t least_ms)
{
    put(s, line);
    mk_smtp_server_let_go_late(s, line[0], least_ms);
    return MK_E_AGAIN;
}

mk_err mk_smtp_server_challenge(smtp_server *s, mk_str message)
{
    mk_buf b = mk_outq_room(&s->out);
    b.max = b.max < SERVER_REPLY_ROOM ? b.max : SERVER_REPLY_ROOM;
    (void)mk_buf_add_z(&b, "334 ");
    (void)mk_base64_format(message, &b);
    if (mk_buf_add_z(&b, "\r\n") == MK_OK) {
        mk_outq_commit(&s->out, b.len);
    }
    return b.full ? MK_E_ROOM : MK_OK;
}

void mk_smtp_server_event(smtp_server *s, mk_event *ev, uint32_t type,
                          mk_smtp_verb verb)
{
    memset(ev, 0, sizeof *ev);
    memset(&s->of.smtp, 0, sizeof s->of.smtp);
    s->of.smtp.event.verb = verb;
    /* only RESET still tells of a transaction that is over */
    bool counts = type == MK_EV_SMTP_RESET || s->state == SERVER_MAIL ||
                  s->state == SERVER_RCPT || s->state == SERVER_DATA;
    s->of.smtp.event.accepted = counts ? s->accepted : 0;
    s->of.smtp.event.flags = s->esmtp ? MK_SMTP_EVENT_ESMTP : 0;
    s->of.smtp.event.tls = s->tls;
    ev->type = type;
    ev->of.smtp = &s->of.smtp.event;
}

mk_err mk_smtp_server_ask(smtp_server *s, mk_event *ev, mk_smtp_ask ask)
{
    bool asked = (s->config->asks & (uint32_t)ask) != 0;
    if (ev->type != MK_EV_BODY) { /* the end keeps the op of its body */
        mk_smtp_server_next_op(s);
    }
    ev->op = s->op;
    ev->flags |= asked ? MK_ASK : 0;
    s->question = asked ? QUESTION_ASKED : QUESTION_AUTO;
    s->verb = (uint8_t)s->of.smtp.event.verb;
    s->last_word = false;
    return MK_OK;
}

mk_err mk_smtp_server_fault(smtp_server *s, mk_event *ev, mk_err why,
                            const char *line, uint64_t offset)
{
    mk_str code = {NULL, 0};
    mk_str text = mk_str_z(mk_err_text(why));
    if (line != NULL) {
        put(s, line);
        mk_outq_commit(&s->out, s->pending);
        s->pending = 0;
        split_line(line, &code, &text);
    }
    mk_smtp_server_end(s);
    memset(ev, 0, sizeof *ev);
    s->of.fault.why = why;
    s->of.fault.retry = MK_RETRY_NOW;
    s->of.fault.offset = offset;
    s->of.fault.code = code;
    s->of.fault.text = text;
    ev->type = MK_EV_FAULT;
    ev->err = why;
    ev->offset = offset;
    ev->of.fault = &s->of.fault;
    return MK_OK;
}

/* ---- questions ----------------------------------------------------------- */

/* Compose the reply behind the output's tail; the next step commits it. */
static void record(smtp_server *s, mk_answer answer, mk_str code, mk_str text)
{
    mk_smtp_verb verb = (mk_smtp_verb)s->verb;
    mk_str own_code;
    mk_str own_text;
    split_line(mk_smtp_server_default(verb, answer), &own_code, &own_text);
    code = code.len > 0 ? code : own_code;
    mk_buf b = mk_outq_room(&s->out);
    bool hello = verb == MK_SMTP_VERB_HELO || verb == MK_SMTP_VERB_EHLO;
    if (answer == MK_ANSWER_YES && verb == MK_SMTP_VERB_CONNECT) {
        compose_greeting(s, text, &b);
    } else if (answer == MK_ANSWER_YES && hello) {
        compose_hello(s, verb, &b);
    } else {
        compose(s, is_enhanced(verb, code), code,
                text.len > 0 ? text : own_text, &b);
    }
    s->pending = (uint16_t)b.len;
    s->answer = (uint8_t)answer;
    s->last_word = mk_str_is(mk_str_sub(code, 0, 3), mk_str_z("421"));
}

/* What follows these on the wire is told by the code itself, so that a yes
 * has one code only (RFC 5321 4.3.2). */
static bool is_other_code(const smtp_server *s, mk_answer answer, mk_str code)
{
    mk_smtp_verb verb = (mk_smtp_verb)s->verb;
    bool fixed = verb == MK_SMTP_VERB_CONNECT || verb == MK_SMTP_VERB_HELO ||
                 verb == MK_SMTP_VERB_EHLO || verb == MK_SMTP_VERB_DATA;
    mk_str own = mk_str_z(mk_smtp_server_default(verb, MK_ANSWER_YES));
    return fixed && answer == MK_ANSWER_YES && code.len > 0 &&
           !mk_str_is(mk_str_sub(code, 0, 3), mk_str_sub(own, 0, 3));
}

static bool in_body(const smtp_server *s)
{
    return s->state == SERVER_DATA && s->question == QUESTION_NONE;
}

static mk_err reply(mk_engine *e, mk_op op, mk_answer answer, mk_str code,
                    mk_str text)
{
    smtp_server *s = self(e);
    bool waiting =
        s->question == QUESTION_ASKED || s->question == QUESTION_LATER;
    bool is_login = waiting && s->verb == MK_SMTP_VERB_AUTH;
    if (op != s->op || op == 0 || is_login || (!waiting && !in_body(s))) {
        return MK_E_STALE;
    }
    if (waiting && is_other_code(s, answer, code)) {
        return MK_E_ARG;
    }
    if (waiting) {
        record(s, answer, code, text);
        s->question = QUESTION_ANSWERED;
        return MK_OK;
    }
    if (s->pending > 0 || s->guard) {
        return MK_E_STALE; /* refused already, or nothing of it came yet */
    }
    s->hold = s->hold == HOLD_ON ? HOLD_OVER : s->hold;
    if (answer != MK_ANSWER_YES) {
        s->verb = MK_SMTP_VERB_END;
        record(s, answer, code, text);
        s->refusal = REFUSAL_ANSWER;
    }
    return MK_OK;
}

static mk_err later(mk_engine *e, mk_op op)
{
    smtp_server *s = self(e);
    if (op != s->op || op == 0) {
        return MK_E_STALE;
    }
    if (s->question == QUESTION_ASKED) {
        s->question = QUESTION_LATER;
    } else if (in_body(s) && s->pending == 0) {
        s->hold = HOLD_ON;
    } else {
        return MK_E_STALE;
    }
    mk_smtp_server_put_off(s);
    return MK_OK;
}

/* A put-off question, or held body octets, when their time is over or the
 * session died. */
static mk_err withdraw(smtp_server *s, mk_event *ev, mk_err why)
{
    static const mk_str none = {NULL, 0};
    mk_op op = s->op;
    if (s->question == QUESTION_LATER && s->verb == MK_SMTP_VERB_AUTH) {
        mk_smtp_server_login_unanswered(s);
    } else if (s->question == QUESTION_LATER) {
        record(s, MK_ANSWER_LATER, none, none);
        s->question = QUESTION_ANSWERED;
    } else {
        (void)reply(&s->head, op, MK_ANSWER_LATER, none, none);
    }
    mk_smtp_server_next_op(s); /* whoever still answers is late */
    memset(ev, 0, sizeof *ev);
    ev->type = MK_EV_WITHDRAWN;
    ev->op = op;
    ev->err = why;
    return MK_OK;
}

static mk_err wait_for_answer(smtp_server *s, mk_event *ev)
{
    if (s->eof && s->eof_why != MK_OK && s->verb != MK_SMTP_VERB_END) {
        return withdraw(s, ev, s->eof_why);
    }
    if (s->now_ms >= s->due_ms) {
        return withdraw(s, ev, MK_E_TIMEOUT);
    }
    return MK_WAIT;
}

static mk_err settle(smtp_server *s, mk_event *ev)
{
    static const mk_str none = {NULL, 0};
    bool is_login = s->verb == MK_SMTP_VERB_AUTH;
    switch ((server_question)s->question) {
    case QUESTION_LATER:
        return wait_for_answer(s, ev);
    case QUESTION_DELAYED:
        return mk_smtp_server_delayed(s);
    case QUESTION_AUTO:
        record(s, MK_ANSWER_YES, none, none);
        break;
    case QUESTION_ASKED: /* forgotten: refused for now (Law 5) */
        if (is_login) {
            mk_smtp_server_login_unanswered(s);
        } else {
            record(s, MK_ANSWER_LATER, none, none);
        }
        break;
    case QUESTION_ANSWERED:
    case QUESTION_NONE:
        break;
    }
    if (is_login) { /* its reply is the exchange's */
        mk_smtp_server_resume(s);
        s->question = QUESTION_NONE;
        return MK_E_AGAIN;
    }
    mk_smtp_server_apply(s);
    if (s->dropped) {
        s->dropped = false;
        mk_smtp_server_event(s, ev, MK_EV_SMTP_RESET, (mk_smtp_verb)s->verb);
        return MK_OK;
    }
    return MK_E_AGAIN;
}

/* ---- the step ------------------------------------------------------------ */

mk_err mk_smtp_server_idle(smtp_server *s, mk_str in, mk_event *ev)
{
    /* who has no room for a reply has not looked at what is offered */
    bool unread = s->starved && in.len > 0;
    if (s->eof && !unread) {
        bool between = s->state == SERVER_GREETED || s->state == SERVER_READY ||
                       s->state == SERVER_TURNED;
        if (s->eof_why == MK_OK && between && in.len == 0 &&
            !s->framer.swallowing && s->login == LOGIN_NONE) {
            mk_smtp_server_end(s);
            return MK_END;
        }
        return mk_smtp_server_fault(s, ev,
                                    s->eof_why == MK_OK ? MK_E_CUT : s->eof_why,
                                    NULL, s->framer.consumed);
    }
    if (s->now_ms >= mk_smtp_server_peer_due_ms(s)) {
        s->cut_off = !mk_outq_is_empty(&s->out);
        return mk_smtp_server_fault(
            s, ev, MK_E_TIMEOUT,
            s->border == BORDER_NONE ? "421 4.4.2 Timeout, closing" : NULL,
            s->framer.consumed);
    }
    return MK_WAIT;
}

static mk_err bare_line(smtp_server *s, mk_event *ev)
{
    if (s->config->bare == MK_SMTP_BARE_NORMALIZE) {
        return mk_smtp_server_say(s, "500 5.5.2 CR or NUL in command");
    }
    return mk_smtp_server_fault(s, ev, MK_E_BARE,
                                "500 5.5.2 Bare CR, LF or NUL in command",
                                s->framer.consumed);
}

static mk_err command(smtp_server *s, mk_str *io_in, mk_event *ev)
{
    frame_unit unit;
    if (io_in->len > 0 && io_in->ptr[0] == 0x16 && !s->framer.swallowing) {
        /* a TLS ClientHello */
        return mk_smtp_server_fault(s, ev, MK_E_CROSS,
                                    "554 5.7.0 This is an SMTP server",
                                    s->framer.consumed);
    }
    if (mk_framer_next(&s->framer, io_in, &unit) != MK_OK) {
        mk_outq_release(&s->out);
        return mk_smtp_server_idle(s, *io_in, ev);
    }
    if (unit.kind != FRAME_KIND_LONG) { /* which is not complete */
        mk_smtp_server_heard(s);
    }
    if (unit.kind == FRAME_KIND_SWALLOWED) {
        return MK_E_AGAIN;
    }
    if (s->errors >= mk_smtp_server_limit(s, s->config->errors_max,
                                          s->config->hurry_errors_max)) {
        return mk_smtp_server_fault(
            s, ev, MK_E_LIMIT, "421 4.7.0 Too many errors", s->framer.consumed);
    }
    switch (unit.kind) {
    case FRAME_KIND_LONG:
        return mk_smtp_server_say(s, "500 5.5.2 Line too long");
    case FRAME_KIND_FLOOD:
        return mk_smtp_server_fault(s, ev, MK_E_LINE,
                                    "421 4.7.0 Line too long, closing",
                                    s->framer.consumed);
    default: /* a line */
        break;
    }
    bool bare = unit.bare && s->config->bare == MK_SMTP_BARE_REJECT;
    if (bare || mk_str_has_ctl(unit.data)) {
        return bare_line(s, ev);
    }
    return mk_smtp_server_line(s, unit.data, ev);
}

static mk_err greet(smtp_server *s, mk_event *ev)
{
    s->guard = true;
    if (!mk_smtp_server_is_trusted(s)) {
        return mk_smtp_server_distrust(s, ev);
    }
    mk_smtp_server_event(s, ev, MK_EV_SMTP_CONNECT, MK_SMTP_VERB_CONNECT);
    return mk_smtp_server_ask(s, ev, MK_SMTP_ASK_CONNECT);
}

/* The reply to a last verb is on its way: silence is due. */
static mk_err guarded(smtp_server *s, mk_str in, mk_event *ev)
{
    if (mk_outq_is_empty(&s->out)) {
        s->guard = false;
        return MK_E_AGAIN;
    }
    if (in.len > 0) {
        return mk_smtp_server_fault(s, ev, MK_E_EARLY,
                                    "554 5.5.0 You talk too soon",
                                    s->framer.consumed);
    }
    mk_outq_release(&s->out); /* nobody need step to give the unit back */
    return mk_smtp_server_idle(s, in, ev);
}

static void finish_now(smtp_server *s)
{
    static const mk_str code = MK_STR_INIT("421 4.3.2");
    mk_str text = s->finish_text;
    if (text.len == 0 || mk_str_has_ctl(text)) {
        text = mk_str_z("Service shutting down");
    }
    mk_buf b = mk_outq_room(&s->out);
    compose(s, true, code, text, &b);
    mk_outq_commit(&s->out, b.full ? 0 : b.len);
    mk_smtp_server_end(s);
}

static mk_err advance(smtp_server *s, mk_str *io_in, mk_event *ev)
{
    if (s->state == SERVER_ENDED) {
        mk_outq_release(&s->out);
        return MK_END;
    }
    if (s->question != QUESTION_NONE) {
        return settle(s, ev);
    }
    if (s->border != BORDER_NONE) {
        return mk_smtp_server_cross(s, *io_in, ev);
    }
    if (s->guard) {
        return guarded(s, *io_in, ev);
    }
    mk_err over = mk_smtp_server_login_limit(s, ev);
    if (over != MK_E_AGAIN) {
        return over;
    }
    s->starved =
        s->pending == 0 && !mk_outq_reserve(&s->out, SERVER_REPLY_ROOM);
    if (s->starved) {
        return mk_smtp_server_idle(s, *io_in, ev);
    }
    if (s->state == SERVER_OPEN) {
        return greet(s, ev);
    }
    if (s->state == SERVER_DATA) {
        if (s->hold == HOLD_ON) {
            return wait_for_answer(s, ev);
        }
        if (s->hold == HOLD_OVER) {
            s->hold = HOLD_NONE;
            mk_smtp_server_resume(s);
        }
        mk_err err = mk_smtp_server_body(s, io_in, ev);
        if (err != MK_WAIT) {
            return err;
        }
        if (s->pending == 0) {
            mk_outq_release(&s->out); /* others may need it to go on */
        }
        return mk_smtp_server_idle(s, *io_in, ev);
    }
    if (s->finishing) {
        finish_now(s);
        return MK_E_AGAIN;
    }
    if (s->login != LOGIN_NONE) {
        return mk_smtp_server_login(s, io_in, ev);
    }
    return command(s, io_in, ev);
}

static mk_err step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                   mk_event *out_event)
{
    smtp_server *s = self(e);
    mk_err err;
    mk_smtp_server_tick(s, now_ms);
    if (s->login == LOGIN_OVER) {
        mk_smtp_server_login_close(s);
    }
    do {
        err = advance(s, io_in, out_event);
    } while (err == MK_E_AGAIN);
    return err;
}

/* ---- the rest of the contract -------------------------------------------- */

static void in_eof(mk_engine *e, mk_err why)
{
    smtp_server *s = self(e);
    if (!s->eof) {
        s->eof = true;
        s->eof_why = why;
    }
}

static size_t in_max(const mk_engine *e)
{
    return mk_framer_need(&self_const(e)->framer);
}

static size_t out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max)
{
    return mk_outq_spans(&self(e)->out, skip, out_spans, max);
}

static mk_err out_sent(mk_engine *e, size_t n)
{
    return mk_outq_sent(&self(e)->out, n);
}

static unsigned want(const mk_engine *e)
{
    const smtp_server *s = self_const(e);
    bool empty = mk_outq_is_empty(&s->out);
    unsigned w = empty ? 0 : MK_WANT_WRITE;
    if (s->state == SERVER_ENDED) {
        return s->cut_off ? MK_WANT_ABORT : w | MK_WANT_CLOSE;
    }
    switch ((server_question)s->question) {
    case QUESTION_ASKED:
    case QUESTION_LATER:
        return w;
    case QUESTION_AUTO:
    case QUESTION_ANSWERED:
        return w | MK_WANT_STEP;
    case QUESTION_DELAYED:
        return mk_smtp_server_is_delay_over(s) ? w | MK_WANT_STEP : w;
    case QUESTION_NONE:
        break;
    }
    if (s->border != BORDER_NONE) {
        return w | mk_smtp_server_border_want(s);
    }
    if (s->hold != HOLD_NONE) {
        return s->hold == HOLD_ON ? w : w | MK_WANT_STEP;
    }
    if (s->starved) {
        return empty && s->out.unit != NULL ? w | MK_WANT_STEP : w;
    }
    if (s->login == LOGIN_MOVES) { /* it is not the peer's turn */
        return empty || !s->guard ? w | MK_WANT_STEP : w;
    }
    if (s->finishing && s->state != SERVER_DATA && (empty || !s->guard)) {
        return w | MK_WANT_STEP;
    }
    if (s->eof) {
        return empty ? w | MK_WANT_STEP : w;
    }
    return w | MK_WANT_READ;
}

static void finish(mk_engine *e, mk_str text)
{
    smtp_server *s = self(e);
    s->finishing = true;
    s->finish_text = text;
}

static void close_server(mk_engine *e)
{
    smtp_server *s = self(e);
    mk_smtp_server_login_close(s);
    mk_outq_fini(&s->out);
    mk_wipe(s, sizeof *s);
}

const mk_engine_ops mk_smtp_server_ops = {
    .step = step,
    .in_eof = in_eof,
    .in_max = in_max,
    .out = out,
    .out_sent = out_sent,
    .want = want,
    .deadline = mk_smtp_server_deadline,
    .reply = reply,
    .later = later,
    .tls_begin = mk_smtp_server_tls_begin,
    .tls_done = mk_smtp_server_tls_done,
    .sasl_answer = mk_smtp_server_sasl_answer,
    .finish = finish,
    .hurry = mk_smtp_server_hurry,
    .close = close_server,
};
