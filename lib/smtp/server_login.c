/* SPDX-License-Identifier: MIT
 *
 * smtp/server_login.c: AUTH (RFC 4954) around one SASL exchange, reached
 * through the table in its settings. The exchange lies in a unit that is lent
 * for the login alone. A line of it is decoded as it comes, in whatever pieces,
 * and may be longer than a command (RFC 4954 4: 12,288 octets); no secret is
 * kept here. Each failed login costs more time than the one before, and a few
 * cost the session (THREATS 51).
 */
#include "smtp/server_internal.h"

#include <mailkit/sasl.h>

#include <string.h>

enum { LOGIN_LINE_MAX = 12288 }; /* without CRLF */

static const mk_sasl_server_ops *ops(const smtp_server *s)
{
    return s->config->sasl->ops;
}

void mk_smtp_server_login_close(smtp_server *s)
{
    if (s->sasl != NULL) {
        ops(s)->close(s->sasl);
        if (s->config->sasl_units != NULL) {
            mk_pool_give(s->config->sasl_units, s->sasl);
        }
    }
    s->sasl = NULL;
    s->login = LOGIN_NONE;
}

/* ---- the end of an exchange ---------------------------------------------- */

/* The event of the end; what it shows lives in the exchange until the next
 * step. */
static void tell(smtp_server *s, mk_event *ev, mk_err why)
{
    mk_smtp_server_event(s, ev, MK_EV_SMTP_AUTH, MK_SMTP_VERB_AUTH);
    ev->err = why;
    s->of.smtp.event.mechanism = (uint32_t)ops(s)->which(s->sasl);
    s->of.smtp.event.argument = ops(s)->authcid(s->sasl);
    s->of.smtp.event.authzid = ops(s)->authzid(s->sasl);
    s->login = LOGIN_OVER;
    s->guard = true;
}

static mk_err refuse(smtp_server *s, mk_event *ev, mk_err why, const char *line)
{
    tell(s, ev, why);
    (void)mk_smtp_server_say(s, line);
    return MK_OK;
}

static uint64_t delay_ms(const smtp_server *s)
{
    return s->config->auth_delay_ms * s->failures;
}

/* The credentials are not good. The last of such replies is the 421 that
 * mk_smtp_server_login_limit says once the delay is over. */
static mk_err failed(smtp_server *s, mk_event *ev, mk_err why)
{
    s->failures = (uint16_t)(s->failures + (s->failures < UINT16_MAX));
    tell(s, ev, why);
    if (s->failures < s->config->auth_failures_max) {
        (void)mk_smtp_server_say_late(
            s, "535 5.7.8 Authentication credentials invalid", delay_ms(s));
    } else {
        mk_smtp_server_let_go_late(s, '5', delay_ms(s));
    }
    return MK_OK;
}

mk_err mk_smtp_server_login_limit(smtp_server *s, mk_event *ev)
{
    if (s->failures == 0 || s->failures < s->config->auth_failures_max) {
        return MK_E_AGAIN;
    }
    return mk_smtp_server_fault(s, ev, MK_E_LIMIT,
                                "421 4.7.0 Too many failed logins",
                                s->framer.consumed);
}

static mk_err succeeded(smtp_server *s, mk_event *ev)
{
    tell(s, ev, MK_OK);
    s->known = true;
    (void)mk_smtp_server_say(s, "235 2.7.0 Authentication successful");
    return MK_OK;
}

static mk_err ended(smtp_server *s, mk_event *ev)
{
    mk_err why = ops(s)->why(s->sasl);

    switch (why) {
    case MK_E_AGAIN: /* the application, or this end, could not tell */
    case MK_E_CRYPTO:
    case MK_E_ENTROPY:
    case MK_E_UNSUPPORTED:
        return refuse(s, ev, why, "454 4.7.0 Temporary authentication failure");
    default:
        return failed(s, ev, why);
    }
}

/* ---- what comes next ----------------------------------------------------- */

static mk_err challenge(smtp_server *s, mk_event *ev, mk_str message)
{
    mk_smtp_server_heard(s);
    if (mk_smtp_server_challenge(s, message) != MK_OK) {
        ops(s)->fail(s->sasl, MK_E_LIMIT);
        return ended(s, ev);
    }
    s->login = LOGIN_LINE;
    s->body_bytes = 0;
    s->guard = true;
    return MK_E_AGAIN;
}

static mk_err ask(smtp_server *s, mk_event *ev)
{
    memset(ev, 0, sizeof *ev);
    mk_smtp_server_next_op(s);
    s->question = QUESTION_ASKED;
    s->verb = MK_SMTP_VERB_AUTH;
    ev->type = MK_EV_SASL;
    ev->flags = MK_ASK;
    ev->op = s->op;
    ev->of.sasl = ops(s)->question(s->sasl);
    return MK_OK;
}

static mk_err move(smtp_server *s, mk_event *ev)
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
        return succeeded(s, ev);
    default:
        return ended(s, ev);
    }
}

void mk_smtp_server_login_unanswered(smtp_server *s)
{
    (void)ops(s)->resolve(s->sasl, MK_ANSWER_LATER, NULL);
    s->question = QUESTION_ANSWERED;
}

mk_err mk_smtp_server_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                                  const struct mk_sasl_keys *keys)
{
    smtp_server *s = (smtp_server *)(void *)e;
    bool is_waiting =
        s->question == QUESTION_ASKED || s->question == QUESTION_LATER;

    if (op != s->op || !is_waiting || s->verb != MK_SMTP_VERB_AUTH) {
        return MK_E_STALE;
    }
    mk_err err = ops(s)->resolve(s->sasl, answer, keys);
    if (err == MK_OK) {
        s->question = QUESTION_ANSWERED;
    }
    return err;
}

/* ---- a line of the exchange ---------------------------------------------- */

static const char not_base64[] = "501 5.5.2 Cannot decode that as base64";

static mk_err line_ended(smtp_server *s, mk_event *ev)
{
    bool is_cancel = s->login == LOGIN_STAR && s->body_bytes == 1;

    mk_smtp_server_heard(s);
    if (s->body_bytes > LOGIN_LINE_MAX) {
        ops(s)->fail(s->sasl, MK_E_LIMIT);
        return refuse(s, ev, MK_E_LIMIT, "500 5.5.6 Line too long");
    }
    if (is_cancel) {
        ops(s)->fail(s->sasl, MK_E_CANCELLED);
        return refuse(s, ev, MK_E_CANCELLED,
                      "501 5.7.0 Authentication cancelled");
    }
    (void)ops(s)->next_state(s->sasl); /* what was said has arrived */
    if (ops(s)->heard(s->sasl) == MK_E_SYNTAX) {
        return refuse(s, ev, MK_E_SYNTAX, not_base64);
    }
    s->login = LOGIN_MOVES;
    return MK_E_AGAIN;
}

static void consume(smtp_server *s, mk_str *io_in, size_t n)
{
    *io_in = mk_str_sub(*io_in, n, SIZE_MAX);
    s->framer.consumed += n;
}

/* A part of the line, without its end. */
static void hear(smtp_server *s, mk_str part)
{
    if (s->body_bytes == 0 && part.ptr[0] == '*') {
        s->login = LOGIN_STAR;
    }
    s->body_bytes += part.len;
    if (s->body_bytes <= LOGIN_LINE_MAX) {
        ops(s)->hear(s->sasl, part);
    }
}

/* Where a CR is the last octet it stays, until what follows it is there. */
static mk_err read_line(smtp_server *s, mk_str *io_in, mk_event *ev)
{
    uint64_t most = (uint64_t)LOGIN_LINE_MAX + s->config->discard_max;
    size_t end = mk_str_find(*io_in, '\n');
    bool is_whole = end < io_in->len;
    bool has_cr = end > 0 && io_in->ptr[end - 1] == '\r';
    size_t n = end - (has_cr ? 1 : 0);

    if (n > most - s->body_bytes) {
        n = (size_t)(most - s->body_bytes);
        is_whole = false;
    }
    if (n > 0) {
        hear(s, mk_str_sub(*io_in, 0, n));
        consume(s, io_in, n);
    }
    if (s->body_bytes == most) {
        return mk_smtp_server_fault(s, ev, MK_E_LINE,
                                    "421 4.7.0 Line too long, closing",
                                    s->framer.consumed);
    }
    if (!is_whole) {
        mk_outq_release(&s->out);
        return mk_smtp_server_idle(s, *io_in, ev);
    }
    consume(s, io_in, has_cr ? 2 : 1);
    if (!has_cr && s->config->bare == MK_SMTP_BARE_REJECT) {
        return mk_smtp_server_fault(s, ev, MK_E_BARE,
                                    "500 5.5.2 Bare CR, LF or NUL in command",
                                    s->framer.consumed);
    }
    return line_ended(s, ev);
}

mk_err mk_smtp_server_login(smtp_server *s, mk_str *io_in, mk_event *ev)
{
    return s->login == LOGIN_MOVES ? move(s, ev) : read_line(s, io_in, ev);
}

/* ---- the verb ------------------------------------------------------------ */

/* The exchange, or what is said instead of one. */
static const char *open_exchange(smtp_server *s, mk_sasl_mechanism mechanism)
{
    size_t n;
    void *room = mk_smtp_server_login_room(s, &n);

    if (room == NULL) {
        return "454 4.3.0 No room for a login now";
    }
    mk_err err =
        ops(s)->open(s->config->sasl, mechanism, s->tls, room, n, &s->sasl);
    if (err != MK_OK && s->config->sasl_units != NULL) {
        mk_pool_give(s->config->sasl_units, room);
    }
    switch (err) {
    case MK_OK:
        return NULL;
    case MK_E_CLEARTEXT:
        return "538 5.7.11 Encryption is required for this mechanism";
    case MK_E_UNSUPPORTED:
        return "504 5.5.4 Mechanism not supported";
    default:
        return "454 4.7.0 Temporary authentication failure";
    }
}

/* initial-response = base64 / "=" */
static mk_err take_initial(smtp_server *s, mk_str response, mk_event *ev)
{
    bool is_early = ops(s)->next_state(s->sasl) == MK_SASL_SEND;

    if (!mk_str_is(response, mk_str_z("="))) {
        ops(s)->hear(s->sasl, response);
    }
    if (ops(s)->heard(s->sasl) == MK_E_SYNTAX) {
        return refuse(s, ev, MK_E_SYNTAX, not_base64);
    }
    /* RFC 4954 4: where the server begins the client may not */
    if (is_early && ops(s)->why(s->sasl) == MK_E_PROTOCOL) {
        return refuse(s, ev, MK_E_PROTOCOL,
                      "501 5.7.0 No initial response is allowed");
    }
    return MK_E_AGAIN;
}

/* "AUTH" SP sasl-mech [SP initial-response] */
mk_err mk_smtp_server_auth(smtp_server *s, mk_str arg, mk_event *ev)
{
    mk_str name = mk_str_sub(arg, 0, mk_str_find(arg, ' '));
    mk_str response = mk_str_sub(arg, name.len + 1, SIZE_MAX);

    if (!s->esmtp || s->known) {
        return mk_smtp_server_say(s, s->known
                                         ? "503 5.5.1 Authenticated already"
                                         : "503 5.5.1 EHLO first");
    }
    if (name.len == 0) {
        return mk_smtp_server_say(s, "501 5.5.4 A mechanism is wanted");
    }
    mk_sasl_mechanism mechanism = ops(s)->find(name);
    const char *refusal = mechanism == MK_SASL_NONE
                              ? "504 5.5.4 Mechanism not supported"
                              : open_exchange(s, mechanism);
    if (refusal != NULL) {
        return mk_smtp_server_say(s, refusal);
    }
    s->login = LOGIN_MOVES;
    return response.len > 0 ? take_initial(s, response, ev) : MK_E_AGAIN;
}
