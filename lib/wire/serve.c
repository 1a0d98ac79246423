/* SPDX-License-Identifier: MIT
 *
 * wire/serve.c: see serve.h: the life of a server: the step that settles
 * questions (Law 5), guards against early talk (RFC 2920 3.1), reads commands
 * within their bounds, and ends in order (Law 11). It refuses what begins as
 * another protocol does: somebody made a browser, or a TLS client, talk to us.
 */
#include "wire/serve_internal.h"

#include "base/ascii.h"

#include <string.h>

static const mk_str nothing = {NULL, 0};

static const mk_serve_words *words(const mk_serve *s)
{
    return mk_serve_kind_of(s)->words;
}

void mk_serve_init(mk_serve *s, const mk_serve_kind *kind, mk_pool *units,
                   char *own, size_t own_bytes, mk_serve_stream *stream)
{
    s->head.ops = &kind->ops;
    mk_outq_init(&s->out, units, own, own_bytes,
                 stream != NULL ? &stream->body : NULL);
}

void mk_serve_next_op(mk_serve *s)
{
    s->last_op = s->last_op == UINT32_MAX ? 1 : s->last_op + 1; /* 0 is none */
    s->op = s->last_op;
}

void mk_serve_end(mk_serve *s)
{
    s->ended = true;
    s->flowing = false;
    s->streaming = false;
    mk_serve_login_close(s);
    s->question = SERVE_QUESTION_NONE;
    s->border = SERVE_BORDER_NONE;
}

/* A peer that waits for the end of something must never get it (Law 11), and
 * what was lent may not be looked at any more. */
void mk_serve_break(mk_serve *s)
{
    s->cut_off = true;
    mk_serve_end(s);
    mk_outq_fini(&s->out);
    s->pending = 0;
}

/* ---- replies ------------------------------------------------------------- */

/* Put a fixed reply behind the output's tail. Does it tell of an error? */
static bool put(mk_serve *s, const char *line, mk_str text, mk_fault *fault)
{
    const mk_serve_kind *kind = mk_serve_kind_of(s);
    if (s->pending == 0) { /* a timeout finds no unit on loan */
        (void)mk_outq_reserve(&s->out, kind->reply_room);
    }
    mk_buf b = mk_outq_room(&s->out);
    bool is_error = kind->fixed(s, line, text, &b, fault);
    s->pending = (uint16_t)(b.full ? 0 : b.len);
    s->last_word = false; /* nor does what lay there end anything any more */
    return is_error;
}

mk_err mk_serve_say_text(mk_serve *s, const char *line, mk_str text)
{
    mk_serve_let_go_late(s, put(s, line, text, NULL), 0);
    return MK_E_AGAIN;
}

mk_err mk_serve_say(mk_serve *s, const char *line)
{
    return mk_serve_say_text(s, line, nothing);
}

void mk_serve_put(mk_serve *s, const char *line)
{
    (void)put(s, line, nothing, NULL);
}

mk_err mk_serve_repeat(mk_serve *s, mk_str in, mk_event *ev)
{
    s->starved = !mk_outq_repeat(&s->out, s->pending);
    return s->starved ? mk_serve_idle(s, in, ev) : MK_E_AGAIN;
}

void mk_serve_say_late(mk_serve *s, const char *line, uint64_t least_ms)
{
    mk_serve_let_go_late(s, put(s, line, nothing, NULL), least_ms);
}

mk_err mk_serve_fault_at(mk_serve *s, mk_event *ev, mk_err why,
                         const char *line, uint64_t offset)
{
    mk_fault fault = {why, MK_RETRY_NOW, offset, nothing,
                      mk_str_z(mk_err_text(why))};
    char *place = (char *)s + mk_serve_kind_of(s)->fault;
    if (line != NULL) {
        (void)put(s, line, nothing, &fault);
        mk_outq_commit(&s->out, s->pending);
        s->pending = 0;
    }
    mk_serve_end(s);
    memcpy(place, &fault, sizeof fault);
    memset(ev, 0, sizeof *ev);
    ev->type = MK_EV_FAULT;
    ev->err = why;
    ev->offset = offset;
    ev->of.any = place;
    return MK_OK;
}

mk_err mk_serve_fault(mk_serve *s, mk_event *ev, mk_err why, const char *line)
{
    return mk_serve_fault_at(s, ev, why, line, s->framer.consumed);
}

static void finish_now(mk_serve *s)
{
    mk_str text = s->finish_text; /* borrowed: look once more */
    (void)put(s, words(s)->finish, mk_str_has_ctl(text) ? nothing : text, NULL);
    mk_outq_commit(&s->out, s->pending);
    s->pending = 0;
    mk_serve_end(s);
}

/* ---- questions ----------------------------------------------------------- */

mk_err mk_serve_ask(mk_serve *s, mk_event *ev, uint8_t subject, unsigned flags)
{
    bool is_asked = (flags & SERVE_ASK) != 0;
    if (ev->type != MK_EV_BODY) { /* the end keeps the op of its body */
        mk_serve_next_op(s);
    }
    ev->op = s->op;
    ev->flags |= is_asked ? MK_ASK : 0;
    s->question = is_asked ? SERVE_QUESTION_ASKED : SERVE_QUESTION_AUTO;
    s->subject = subject;
    s->lasting = (flags & SERVE_LASTING) != 0;
    s->is_login = false;
    s->last_word = false;
    return MK_OK;
}

void *mk_serve_aside(mk_serve *s, size_t n)
{
    char *at = s->out.unit + s->out.unit_bytes - n;
    return at - (uintptr_t)at % sizeof(uint64_t);
}

/* Compose the reply behind the output's tail; the next step commits it. */
static mk_err record(mk_serve *s, mk_answer answer, mk_str code, mk_str text)
{
    mk_buf b = mk_outq_room(&s->out);
    mk_err err = mk_serve_kind_of(s)->compose(s, answer, code, text, &b);
    if (err == MK_OK) {
        s->pending = (uint16_t)b.len;
        s->answer = (uint8_t)answer;
    }
    return err;
}

static bool in_flow(const mk_serve *s)
{
    return s->flowing && s->question == SERVE_QUESTION_NONE;
}

/* The reply lies behind the tail until the end of the body, or of this part of
 * it; where there is no unit for it now, or something else is said before, the
 * answer alone is kept. */
static mk_err refuse_flow(mk_serve *s, mk_answer answer, mk_str code,
                          mk_str text)
{
    mk_err err = MK_OK;
    s->subject = s->flow_subject;
    if (mk_outq_reserve(&s->out, mk_serve_kind_of(s)->reply_room)) {
        err = record(s, answer, code, text);
    }
    if (err == MK_OK) {
        s->flow_answer = (uint8_t)answer;
        s->hold = SERVE_HOLD_REFUSED;
    }
    return err;
}

/* Body that flows is refused, or goes on. */
static mk_err reply_to_flow(mk_serve *s, mk_answer answer, mk_str code,
                            mk_str text)
{
    if (s->hold == SERVE_HOLD_REFUSED || s->guard) {
        return MK_E_STALE; /* or nothing of it came yet */
    }
    if (answer != MK_ANSWER_YES) {
        return refuse_flow(s, answer, code, text);
    }
    if (s->hold == SERVE_HOLD_ON) {
        s->hold = SERVE_HOLD_OVER;
    }
    return MK_OK;
}

void mk_serve_flow_refused(mk_serve *s)
{
    s->subject = s->flow_subject;
    if (s->pending == 0) {
        (void)record(s, (mk_answer)s->flow_answer, nothing, nothing);
    }
    s->hold = SERVE_HOLD_NONE;
}

void mk_serve_flow_refuse(mk_serve *s)
{
    s->hold = SERVE_HOLD_REFUSED;
    s->flow_answer = s->answer;
}

mk_err mk_serve_reply(mk_engine *e, mk_op op, mk_answer answer, mk_str code,
                      mk_str text)
{
    mk_serve *s = mk_serve_of(e);
    bool is_waiting = s->question == SERVE_QUESTION_ASKED ||
                      s->question == SERVE_QUESTION_LATER;
    if (op != s->op || (is_waiting ? s->is_login : !in_flow(s))) {
        return MK_E_STALE;
    }
    if (!is_waiting) {
        return reply_to_flow(s, answer, code, text);
    }
    mk_err err = record(s, answer, code, text);
    if (err == MK_OK) {
        s->question = SERVE_QUESTION_ANSWERED;
    }
    return err;
}

mk_err mk_serve_later(mk_engine *e, mk_op op)
{
    mk_serve *s = mk_serve_of(e);
    if (op != s->op) {
        return MK_E_STALE;
    }
    if (s->question == SERVE_QUESTION_ASKED) {
        s->question = SERVE_QUESTION_LATER;
    } else if (in_flow(s) && s->hold != SERVE_HOLD_REFUSED) {
        s->hold = SERVE_HOLD_ON;
    } else {
        return MK_E_STALE;
    }
    mk_serve_put_off(s);
    return MK_OK;
}

mk_err mk_serve_withdrawn(mk_serve *s, mk_event *ev, mk_err why)
{
    memset(ev, 0, sizeof *ev);
    ev->type = MK_EV_WITHDRAWN;
    ev->op = s->op;
    ev->err = why;
    mk_serve_next_op(s); /* whoever still answers is late */
    return MK_OK;
}

/* Refused for now, by the next step (Law 5). */
static void unanswered(mk_serve *s)
{
    if (s->is_login) {
        mk_serve_login_unanswered(s);
    } else {
        (void)record(s, MK_ANSWER_LATER, nothing, nothing);
    }
    s->question = SERVE_QUESTION_ANSWERED;
}

/* A put-off question, or held body octets. */
static mk_err wait_for_answer(mk_serve *s, mk_event *ev)
{
    bool is_dead = s->eof && s->eof_why != MK_OK && !s->lasting;
    if (!is_dead && s->now_ms < s->due_ms) {
        return MK_WAIT;
    }
    if (s->question == SERVE_QUESTION_LATER) {
        unanswered(s);
    } else {
        (void)reply_to_flow(s, MK_ANSWER_LATER, nothing, nothing);
    }
    return mk_serve_withdrawn(s, ev, is_dead ? s->eof_why : MK_E_TIMEOUT);
}

static mk_err settle(mk_serve *s, mk_event *ev)
{
    switch ((serve_question)s->question) {
    case SERVE_QUESTION_LATER:
        return wait_for_answer(s, ev);
    case SERVE_QUESTION_DELAYED:
        return mk_serve_delayed(s);
    case SERVE_QUESTION_AUTO:
        (void)record(s, MK_ANSWER_YES, nothing, nothing);
        break;
    case SERVE_QUESTION_ASKED: /* forgotten */
        unanswered(s);
        break;
    case SERVE_QUESTION_ANSWERED:
    case SERVE_QUESTION_NONE:
        break;
    }
    mk_serve_resume(s);
    s->question = SERVE_QUESTION_NONE;
    if (s->flowing) { /* what is asked between parts of it came between */
        s->op = s->flow_op;
    }
    /* what is said to a login is the exchange's */
    return s->is_login ? MK_E_AGAIN : mk_serve_kind_of(s)->apply(s, ev);
}

/* ---- reading ------------------------------------------------------------- */

mk_err mk_serve_idle(mk_serve *s, mk_str in, mk_event *ev)
{
    /* who has no room for a reply has not looked at what is offered, nor said
     * all that there is to say */
    bool is_owing = s->owing && s->eof_why == MK_OK;
    bool is_unread = s->starved && (in.len > 0 || is_owing);
    if (s->eof && !is_unread) {
        if (s->eof_why == MK_OK && s->at_rest && in.len == 0 &&
            !s->framer.swallowing && s->login == SERVE_LOGIN_NONE) {
            mk_serve_end(s);
            return MK_END;
        }
        return mk_serve_fault(
            s, ev, s->eof_why == MK_OK ? MK_E_CUT : s->eof_why, NULL);
    }
    if (s->now_ms >= mk_serve_peer_due_ms(s)) {
        bool is_clear = s->border == SERVE_BORDER_NONE;
        s->cut_off = !mk_outq_is_empty(&s->out);
        return mk_serve_fault(s, ev, MK_E_TIMEOUT,
                              is_clear ? words(s)->timeout : NULL);
    }
    return MK_WAIT;
}

mk_err mk_serve_wait(mk_serve *s, mk_str in, mk_event *ev)
{
    if (s->pending == 0) {
        mk_outq_release(&s->out); /* others may need it to go on */
    }
    return mk_serve_idle(s, in, ev);
}

mk_err mk_serve_make_room(mk_serve *s, size_t n, mk_str in, mk_event *ev)
{
    s->pending = 0; /* a refusal of the flow: its answer alone is kept */
    s->starved = !mk_outq_reserve(&s->out, n);
    return s->starved ? mk_serve_idle(s, in, ev) : MK_E_AGAIN;
}

/* The first word of another protocol? */
static bool is_foreign(mk_str line)
{
    static const mk_str first_words[] = {
        MK_STR_INIT("GET"),    MK_STR_INIT("POST"),    MK_STR_INIT("PUT"),
        MK_STR_INIT("HEAD"),   MK_STR_INIT("CONNECT"), MK_STR_INIT("OPTIONS"),
        MK_STR_INIT("DELETE"), MK_STR_INIT("TRACE"),   MK_STR_INIT("PATCH"),
        MK_STR_INIT("PRI"),
    };
    static const mk_str ssh = MK_STR_INIT("SSH-");
    size_t n = 0;
    while (n < line.len && !mk_is_wsp(mk_octet_at(line, n))) {
        n++;
    }
    mk_str word = mk_str_sub(line, 0, n);
    for (size_t i = 0; i < sizeof first_words / sizeof *first_words; i++) {
        if (mk_str_is_nocase(word, first_words[i])) {
            return true;
        }
    }
    return mk_str_has_prefix_nocase(word, ssh);
}

bool mk_serve_leads_octets(const mk_serve *s, mk_str line)
{
    const mk_serve_kind *kind = mk_serve_kind_of(s);
    return kind->leads_octets != NULL && kind->leads_octets(s, line);
}

static mk_err refuse_line(mk_serve *s, mk_str line, mk_err why,
                          const char *text, mk_event *ev)
{
    return mk_serve_leads_octets(s, line) ? mk_serve_fault(s, ev, why, text)
                                          : mk_serve_say(s, text);
}

static mk_err take_line(mk_serve *s, const frame_unit *unit, mk_event *ev)
{
    bool has_ctl = mk_str_has_ctl(unit->data);
    if ((unit->bare || has_ctl) && !mk_serve_limits_of(s).is_lenient) {
        return mk_serve_fault(s, ev, MK_E_BARE, words(s)->bare);
    }
    if (has_ctl) {
        return refuse_line(s, unit->data, MK_E_BARE, words(s)->control, ev);
    }
    if (is_foreign(unit->data)) {
        return mk_serve_fault(s, ev, MK_E_CROSS, words(s)->foreign);
    }
    return mk_serve_kind_of(s)->line(s, unit->data, ev);
}

static mk_err command(mk_serve *s, mk_str *io_in, mk_event *ev)
{
    enum { CLIENT_HELLO = 0x16 }; /* of TLS: it has no line end to wait for */
    frame_unit unit;
    if (io_in->len > 0 && io_in->ptr[0] == CLIENT_HELLO &&
        !s->framer.swallowing) {
        return mk_serve_fault(s, ev, MK_E_CROSS, words(s)->foreign);
    }
    if (mk_framer_next(&s->framer, io_in, &unit) != MK_OK) {
        return mk_serve_wait(s, *io_in, ev);
    }
    if (unit.kind != FRAME_KIND_LONG) { /* which is not complete */
        mk_serve_heard(s);
    }
    if (unit.kind == FRAME_KIND_SWALLOWED) {
        return MK_E_AGAIN;
    }
    if (s->errors > 0 && s->errors >= mk_serve_limits_of(s).errors_max) {
        return mk_serve_fault(s, ev, MK_E_LIMIT, words(s)->errors);
    }
    switch (unit.kind) {
    case FRAME_KIND_LONG:
        return refuse_line(s, unit.data, MK_E_LINE, words(s)->too_long, ev);
    case FRAME_KIND_FLOOD:
        return mk_serve_fault(s, ev, MK_E_LINE, words(s)->flood);
    default:
        return take_line(s, &unit, ev);
    }
}

mk_err mk_serve_read(mk_serve *s, mk_str *io_in, mk_event *ev)
{
    if (s->finishing) {
        finish_now(s);
        return MK_E_AGAIN;
    }
    return s->login != SERVE_LOGIN_NONE ? mk_serve_login_next(s, io_in, ev)
                                        : command(s, io_in, ev);
}

/* ---- the step ------------------------------------------------------------ */

/* The reply to a last verb is on its way: silence is due. */
static mk_err guarded(mk_serve *s, mk_str in, mk_event *ev)
{
    if (mk_outq_is_empty(&s->out)) {
        s->guard = false;
        return MK_E_AGAIN;
    }
    if (in.len > 0) {
        return mk_serve_fault(s, ev, MK_E_EARLY, words(s)->early);
    }
    /* nobody need step to give the unit back; but a stream goes on in it */
    return s->streaming ? mk_serve_idle(s, in, ev) : mk_serve_wait(s, in, ev);
}

static mk_err advance(mk_serve *s, mk_str *io_in, mk_event *ev)
{
    if (s->ended) {
        mk_outq_release(&s->out);
        return MK_END;
    }
    if (s->question != SERVE_QUESTION_NONE) {
        return settle(s, ev);
    }
    if (s->border != SERVE_BORDER_NONE) {
        return mk_serve_cross(s, *io_in, ev);
    }
    if (s->guard) {
        return guarded(s, *io_in, ev);
    }
    mk_err over = mk_serve_login_limit(s, ev);
    if (over != MK_E_AGAIN) {
        return over;
    }
    if (s->hold == SERVE_HOLD_ON) {
        s->starved = false; /* it is not for want of a unit that it waits */
        return wait_for_answer(s, ev);
    }
    if (s->hold != SERVE_HOLD_NONE) {
        mk_serve_resume(s);
        s->hold = s->hold == SERVE_HOLD_REFUSED ? s->hold : SERVE_HOLD_NONE;
    }
    s->starved = s->pending == 0 && !s->streaming &&
                 !mk_outq_reserve(&s->out, mk_serve_kind_of(s)->reply_room);
    if (s->starved) {
        return mk_serve_idle(s, *io_in, ev);
    }
    return mk_serve_kind_of(s)->turn(s, io_in, ev);
}

mk_err mk_serve_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                     mk_event *out_event)
{
    mk_serve *s = mk_serve_of(e);
    mk_err err;
    mk_serve_tick(s, now_ms);
    s->heard = s->heard || io_in->len > 0;
    if (s->login == SERVE_LOGIN_OVER) {
        mk_serve_login_close(s);
    }
    do {
        err = advance(s, io_in, out_event);
    } while (err == MK_E_AGAIN);
    return err;
}

/* ---- the rest of the contract -------------------------------------------- */

void mk_serve_in_eof(mk_engine *e, mk_err why)
{
    mk_serve *s = mk_serve_of(e);
    if (!s->eof) {
        s->eof = true;
        s->eof_why = why;
    }
}

size_t mk_serve_in_max(const mk_engine *e)
{
    return mk_framer_need(&((const mk_serve *)(const void *)e)->framer);
}

size_t mk_serve_out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max)
{
    return mk_outq_spans(&mk_serve_of(e)->out, skip, out_spans, max);
}

mk_err mk_serve_out_sent(mk_engine *e, size_t n)
{
    return mk_outq_sent(&mk_serve_of(e)->out, n);
}

/* Of a question that is open. */
static unsigned question_want(const mk_serve *s)
{
    switch ((serve_question)s->question) {
    case SERVE_QUESTION_AUTO:
    case SERVE_QUESTION_ANSWERED:
        return MK_WANT_STEP;
    case SERVE_QUESTION_DELAYED:
        return mk_serve_is_delay_over(s) ? MK_WANT_STEP : 0;
    default:
        /* before the greeting: who talks already is to be caught at it; by
         * the first octet, for none is consumed */
        return s->heard || s->eof ? 0 : MK_WANT_READ;
    }
}

/* Is there something to do without the peer? */
static bool is_own_turn(const mk_serve *s, bool is_empty)
{
    bool is_guarded = s->guard && !is_empty;
    bool is_in_body = s->flowing && s->framer.mode != FRAME_LINE;
    return (s->login == SERVE_LOGIN_MOVES && !is_guarded) ||
           (s->finishing && !is_in_body && !is_guarded) || (s->eof && is_empty);
}

unsigned mk_serve_want(const mk_engine *e)
{
    const mk_serve *s = (const mk_serve *)(const void *)e;
    bool is_empty = mk_outq_is_empty(&s->out);
    unsigned w = is_empty ? 0 : MK_WANT_WRITE;
    if (s->ended) {
        return s->cut_off ? MK_WANT_ABORT : w | MK_WANT_CLOSE;
    }
    if (s->question != SERVE_QUESTION_NONE) {
        return w | question_want(s);
    }
    if (s->border != SERVE_BORDER_NONE) {
        return w | mk_serve_border_want(s);
    }
    if (s->hold != SERVE_HOLD_NONE && s->due_ms != 0) {
        return s->hold == SERVE_HOLD_ON ? w : w | MK_WANT_STEP;
    }
    if (s->streaming) {
        return s->stirred ? w | MK_WANT_STEP : w;
    }
    if (s->starved) {
        return is_empty && s->out.unit != NULL ? w | MK_WANT_STEP : w;
    }
    if (is_own_turn(s, is_empty)) {
        return w | MK_WANT_STEP;
    }
    return s->login == SERVE_LOGIN_MOVES || s->eof ? w : w | MK_WANT_READ;
}

void mk_serve_finish(mk_engine *e, mk_str text)
{
    mk_serve *s = mk_serve_of(e);
    s->finishing = true;
    s->finish_text = text;
}

void mk_serve_hurry(mk_engine *e, bool on)
{
    mk_serve_of(e)->hurried = on;
}

void mk_serve_close(mk_serve *s)
{
    mk_serve_login_close(s);
    mk_outq_fini(&s->out);
}
