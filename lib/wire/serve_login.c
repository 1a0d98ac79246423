/* SPDX-License-Identifier: MIT
 *
 * wire/serve_login.c: the lines around one SASL exchange (RFC 4954, 5034, 9051
 * 6.2.2), which is reached through its table of calls and lies in a unit that
 * is lent for the login alone. A line is decoded as it comes, in whatever
 * pieces, and may be longer than a command; no secret is kept here. Each failed
 * login costs more time than the one before, and a few cost the session
 * (THREATS 51).
 */
#include "wire/serve_internal.h"

#include "base/ascii.h"

#include <mailkit/codec.h>

#include <string.h>

static const mk_serve_words *words(const mk_serve *s)
{
    return mk_serve_kind_of(s)->words;
}

static mk_serve_room room_of(const mk_serve *s)
{
    mk_serve_room room;
    mk_serve_kind_of(s)->login(s, &room);
    return room;
}

static const mk_sasl_server_ops *ops(const mk_serve *s)
{
    return room_of(s).ops;
}

void mk_serve_login_close(mk_serve *s)
{
    if (s->sasl != NULL) {
        mk_serve_room room = room_of(s);
        room.ops->close(s->sasl);
        if (room.units != NULL) {
            mk_pool_give(room.units, s->sasl);
        }
    }
    mk_wipe(s->lead, sizeof s->lead); /* of what may be a secret */
    s->sasl = NULL;
    s->login = SERVE_LOGIN_NONE;
}

/* ---- the end of an exchange ---------------------------------------------- */

/* The event of the end; what it shows lives in the exchange until the next
 * step, or as long as the machine keeps that. */
static void tell(mk_serve *s, mk_event *ev, mk_err why)
{
    memset(ev, 0, sizeof *ev);
    s->guard = true; /* unless the machine likes to go on at once */
    mk_serve_kind_of(s)->logged(s, why, ev);
    ev->err = why;
    if (s->login != SERVE_LOGIN_KEPT) {
        s->login = SERVE_LOGIN_OVER;
    }
}

static mk_err refuse(mk_serve *s, mk_event *ev, mk_err why, const char *line)
{
    tell(s, ev, why);
    (void)mk_serve_say(s, line);
    return MK_OK;
}

/* The credentials are not good. The last of such replies is the one that
 * mk_serve_login_limit says once the delay is over. */
static mk_err failed(mk_serve *s, mk_event *ev, mk_err why)
{
    mk_serve_limits limits = mk_serve_limits_of(s);
    s->failures = (uint16_t)(s->failures + (s->failures < UINT16_MAX));
    uint64_t wait_ms = limits.auth_delay_ms * s->failures;
    tell(s, ev, why);
    if (s->failures < limits.auth_failures_max) {
        mk_serve_say_late(s, words(s)->wrong, wait_ms);
    } else {
        mk_serve_let_go_late(s, true, wait_ms);
    }
    return MK_OK;
}

mk_err mk_serve_login_limit(mk_serve *s, mk_event *ev)
{
    if (s->failures == 0 ||
        s->failures < mk_serve_limits_of(s).auth_failures_max) {
        return MK_E_AGAIN;
    }
    return mk_serve_fault(s, ev, MK_E_LIMIT, words(s)->failures);
}

static mk_err ended(mk_serve *s, mk_event *ev)
{
    mk_err why = ops(s)->why(s->sasl);

    switch (why) {
    case MK_E_AGAIN: /* the application, or this end, could not tell */
    case MK_E_CRYPTO:
    case MK_E_ENTROPY:
    case MK_E_UNSUPPORTED:
        return refuse(s, ev, why, words(s)->unsure);
    default:
        return failed(s, ev, why);
    }
}

/* ---- what comes next ----------------------------------------------------- */

/* Queue the message in base64. MK_E_ROOM: it is too long. */
static mk_err say_challenge(mk_serve *s, mk_str message)
{
    size_t most = mk_serve_kind_of(s)->reply_room;
    mk_buf b = mk_outq_room(&s->out);
    b.max = b.max < most ? b.max : most;
    (void)mk_buf_add_z(&b, words(s)->challenge);
    (void)mk_base64_format(message, &b);
    if (mk_buf_add_z(&b, "\r\n") == MK_OK) {
        mk_outq_commit(&s->out, b.len);
    }
    return b.full ? MK_E_ROOM : MK_OK;
}

static mk_err challenge(mk_serve *s, mk_event *ev, mk_str message)
{
    mk_serve_heard(s);
    if (say_challenge(s, message) != MK_OK) {
        ops(s)->fail(s->sasl, MK_E_LIMIT);
        return ended(s, ev);
    }
    s->login = SERVE_LOGIN_LINE;
    s->lead_octets = 0;
    s->guard = true;
    mk_framer_mode(&s->framer, FRAME_PIECES, SERVE_LOGIN_LINE_MAX);
    return MK_E_AGAIN;
}

static mk_err ask(mk_serve *s, mk_event *ev)
{
    memset(ev, 0, sizeof *ev);
    ev->type = MK_EV_SASL;
    ev->of.sasl = ops(s)->question(s->sasl);
    (void)mk_serve_ask(s, ev, s->subject, SERVE_ASK);
    s->is_login = true;
    return MK_OK;
}

static mk_err move(mk_serve *s, mk_event *ev)
{
    static const mk_str nothing = {NULL, 0};

    switch (ops(s)->next_state(s->sasl)) {
    case MK_SASL_WORK: /* a slice a step: others have their turn */
        return MK_WAIT;
    case MK_SASL_SEND:
        return challenge(s, ev, ops(s)->message(s->sasl));
    case MK_SASL_TAKE: /* the client begins, and has not */
        return challenge(s, ev, nothing);
    case MK_SASL_ASK:
        return ask(s, ev);
    case MK_SASL_DONE:
        tell(s, ev, MK_OK);
        return MK_OK;
    default:
        return ended(s, ev);
    }
}

void mk_serve_login_unanswered(mk_serve *s)
{
    (void)ops(s)->resolve(s->sasl, MK_ANSWER_LATER, NULL);
}

mk_err mk_serve_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                            const struct mk_sasl_keys *keys)
{
    mk_serve *s = mk_serve_of(e);
    bool is_waiting = s->question == SERVE_QUESTION_ASKED ||
                      s->question == SERVE_QUESTION_LATER;

    if (op != s->op || !is_waiting || !s->is_login) {
        return MK_E_STALE;
    }
    mk_err err = ops(s)->resolve(s->sasl, answer, keys);
    if (err == MK_OK) {
        s->question = SERVE_QUESTION_ANSWERED;
    }
    return err;
}

/* ---- a line of the exchange ---------------------------------------------- */

/* Octets of the line under way that were heard. */
static uint64_t heard(const mk_serve *s)
{
    return SERVE_LOGIN_LINE_MAX - s->framer.left;
}

static void keep_lead(mk_serve *s, mk_str part)
{
    for (size_t i = 0; i < part.len && s->lead_octets < sizeof s->lead; i++) {
        if (s->lead_octets > 0 || mk_octet_at(part, i) > ' ') {
            s->lead[s->lead_octets++] = part.ptr[i];
        }
    }
}

static void hear(mk_serve *s, mk_str part)
{
    if (part.ptr[0] == '*' && heard(s) == part.len) {
        s->login = SERVE_LOGIN_STAR;
    }
    keep_lead(s, part);
    ops(s)->hear(s->sasl, part);
}

/* The line is no answer. When it is a command before octets, in the wrong
 * place, they must not be read as others (RFC 3030 2). */
static mk_err refuse_line(mk_serve *s, mk_event *ev, mk_err why,
                          const char *line)
{
    return mk_serve_leads_octets(s, mk_str_of(s->lead, s->lead_octets))
               ? mk_serve_fault(s, ev, why, line)
               : refuse(s, ev, why, line);
}

static mk_err line_ended(mk_serve *s, bool is_long, mk_event *ev)
{
    bool is_cancel = s->login == SERVE_LOGIN_STAR && heard(s) == 1;

    mk_framer_mode(&s->framer, FRAME_LINE, 0);
    mk_serve_heard(s);
    if (is_long) {
        ops(s)->fail(s->sasl, MK_E_LIMIT);
        return refuse_line(s, ev, MK_E_LIMIT, words(s)->message_long);
    }
    if (is_cancel) {
        ops(s)->fail(s->sasl, MK_E_CANCELLED);
        return refuse(s, ev, MK_E_CANCELLED, words(s)->cancelled);
    }
    (void)ops(s)->next_state(s->sasl); /* what was said has arrived */
    if (ops(s)->heard(s->sasl) == MK_E_SYNTAX) {
        return refuse_line(s, ev, MK_E_SYNTAX, words(s)->not_base64);
    }
    s->login = SERVE_LOGIN_MOVES;
    return MK_E_AGAIN;
}

static mk_err read_line(mk_serve *s, mk_str *io_in, mk_event *ev)
{
    frame_unit unit;

    if (mk_framer_next(&s->framer, io_in, &unit) != MK_OK) {
        return mk_serve_wait(s, *io_in, ev);
    }
    switch (unit.kind) {
    case FRAME_KIND_DATA:
        hear(s, unit.data);
        return MK_E_AGAIN;
    case FRAME_KIND_FLOOD:
        return mk_serve_fault(s, ev, MK_E_LINE, words(s)->flood);
    default: /* the line ended */
        break;
    }
    if (unit.bare && !mk_serve_limits_of(s).is_lenient) {
        return mk_serve_fault(s, ev, MK_E_BARE, words(s)->bare);
    }
    return line_ended(s, unit.kind == FRAME_KIND_SWALLOWED, ev);
}

mk_err mk_serve_login_next(mk_serve *s, mk_str *io_in, mk_event *ev)
{
    return s->login == SERVE_LOGIN_MOVES ? move(s, ev)
                                         : read_line(s, io_in, ev);
}

/* ---- the beginning ------------------------------------------------------- */

/* The exchange, or what is said instead of one. */
static const char *open_exchange(mk_serve *s, mk_sasl_mechanism mechanism)
{
    mk_serve_room room = room_of(s);
    void *mem = room.units != NULL ? mk_pool_take(room.units) : room.mem;
    size_t n = room.units != NULL ? room.units->unit_bytes : room.n;

    if (mem == NULL) {
        return words(s)->no_room;
    }
    mk_err err =
        room.ops->open(room.config, mechanism, s->tls, mem, n, &s->sasl);
    if (err != MK_OK && room.units != NULL) {
        mk_pool_give(room.units, mem);
    }
    switch (err) {
    case MK_OK:
        s->login = SERVE_LOGIN_MOVES;
        return NULL;
    case MK_E_CLEARTEXT:
        return words(s)->in_clear;
    case MK_E_UNSUPPORTED:
        return words(s)->no_mechanism;
    default:
        return words(s)->unsure;
    }
}

/* initial-response = base64 / "=" */
static mk_err take_initial(mk_serve *s, mk_str response, mk_event *ev)
{
    bool is_early = ops(s)->next_state(s->sasl) == MK_SASL_SEND;

    if (!mk_str_is(response, mk_str_z("="))) {
        ops(s)->hear(s->sasl, response);
    }
    if (ops(s)->heard(s->sasl) == MK_E_SYNTAX) {
        return refuse(s, ev, MK_E_SYNTAX, words(s)->not_base64);
    }
    /* RFC 4954 4: where the server begins the client may not */
    if (is_early && ops(s)->why(s->sasl) == MK_E_PROTOCOL) {
        return refuse(s, ev, MK_E_PROTOCOL, words(s)->no_initial);
    }
    return MK_E_AGAIN;
}

mk_err mk_serve_auth(mk_serve *s, mk_str mechanism, mk_str response,
                     mk_event *ev)
{
    mk_sasl_mechanism found = ops(s)->find(mechanism);
    const char *refusal = found == MK_SASL_NONE ? words(s)->no_mechanism
                                                : open_exchange(s, found);
    if (refusal != NULL) {
        return mk_serve_say(s, refusal);
    }
    return response.len > 0 ? take_initial(s, response, ev) : MK_E_AGAIN;
}
