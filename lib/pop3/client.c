/* SPDX-License-Identifier: MIT
 *
 * client.c: the POP3 client as an engine (RFC 1939 3, RFC 2449 4). Here are the
 * step, what is read, the deadlines and the one function that assigns the
 * state; what is said and what it leads to is in client_rows.c. A reply counts
 * only when its command was acknowledged as sent; all that a server sends has a
 * bound (THREATS 82, 113). When a session breaks nothing more is said: a QUIT
 * that was queued would delete what is marked.
 */
#include "pop3/client_internal.h"

#include <string.h>

static mk_pop3_client *client_of(mk_engine *e)
{
    return (mk_pop3_client *)(void *)e;
}

static const mk_pop3_client *const_client_of(const mk_client *core)
{
    return (const mk_pop3_client *)(const void *)core;
}

/* Where each state may lead to, a bit each. */
/* clang-format off */
#define TO(s) (1U << CLIENT_##s)
static const uint16_t moves[] = {
    [CLIENT_GREETING] = TO(CAPA) | TO(QUIT) | TO(OVER),
    [CLIENT_CAPA]     = TO(STLS) | TO(UTF8) | TO(LOGIN) | TO(READY) |
                        TO(QUIT) | TO(OVER),
    [CLIENT_STLS]     = TO(SHAKE) | TO(UTF8) | TO(LOGIN) | TO(READY) |
                        TO(QUIT) | TO(OVER),
    [CLIENT_SHAKE]    = TO(CAPA) | TO(QUIT) | TO(OVER),
    [CLIENT_UTF8]     = TO(LOGIN) | TO(READY) | TO(QUIT) | TO(OVER),
    [CLIENT_LOGIN]    = TO(LOGIN) | TO(CAPA) | TO(QUIT) | TO(OVER),
    [CLIENT_READY]    = TO(QUIT) | TO(OVER),
    [CLIENT_QUIT]     = TO(OVER),
    [CLIENT_OVER]     = 0,
};
#undef TO
/* clang-format on */

void mk_pop3_client_done(mk_pop3_client *c, mk_err outcome)
{
    c->outcome = outcome;
    c->core.pending |= PENDING_DONE;
}

void mk_pop3_client_over(mk_pop3_client *c, mk_err why)
{
    /* What is still queued may be QUIT. */
    c->core.is_abort = c->core.is_abort || !mk_outq_is_empty(&c->core.out);
    mk_outq_fini(&c->core.out);
    mk_client_login_close(&c->core);
    mk_pop3_client_forget_apop(c);
    c->core.pending &= (uint8_t) ~(PENDING_READY | PENDING_TLS);
    c->over_why = why;
    c->is_put_off = false;
    mk_client_move(&c->core, CLIENT_OVER);
}

/* Whether a QUIT that was said has deleted what was marked nobody knows. */
void mk_pop3_client_fault(mk_pop3_client *c, mk_err why, mk_retry retry,
                          const char *text)
{
    bool is_quit = c->core.state == CLIENT_QUIT;

    if (is_quit && !c->has_marks) {
        mk_pop3_client_over(c, MK_OK);
        return;
    }
    mk_client_blame(&c->core, why, is_quit ? MK_RETRY_UNKNOWN : retry, text);
    mk_pop3_client_over(c, why);
}

static bool client_is_idle(const mk_client *core)
{
    return core->state == CLIENT_READY && const_client_of(core)->count == 0;
}

/* ---- events -------------------------------------------------------------- */

static void show(mk_pop3_client *c, mk_event *ev, uint32_t number,
                 const mk_pop3_reply *reply)
{
    c->event.number = number;
    c->event.reply = reply;
    c->event.tls = c->core.tls;
    c->event.flags = c->is_utf8 ? MK_POP3_EVENT_UTF8 : 0;
    c->event.mechanism = 0;
    ev->of.pop3 = &c->event;
}

static void tell_reply(mk_pop3_client *c, mk_event *ev)
{
    ev->type = MK_EV_POP3_REPLY;
    ev->op = c->event_op;
    show(c, ev, c->number, &c->reply);
    if (c->event.verb == MK_POP3_VERB_NONE) {
        ev->flags = MK_UNASKED;
    } else if (c->event.verb == MK_POP3_VERB_AUTH ||
               c->event.verb == MK_POP3_VERB_PASS) {
        c->event.mechanism = c->core.mechanism;
    }
}

static void tell_row(mk_pop3_client *c, mk_event *ev)
{
    bool is_size = c->event.verb == MK_POP3_VERB_LIST;

    ev->type = is_size ? MK_EV_POP3_SIZE : MK_EV_POP3_UID;
    ev->op = c->event_op;
    ev->err = c->row_err;
    show(c, ev, c->number, NULL);
    c->told = ev->op;
}

static void tell_done(mk_pop3_client *c, mk_event *ev)
{
    const client_entry *front = mk_pop3_client_front(c);

    ev->type = MK_EV_DONE;
    ev->op = front->op;
    ev->err = front->is_dropped ? MK_E_CANCELLED : c->outcome;
    c->event.verb = (mk_pop3_verb)front->verb;
    if (front->verb != MK_POP3_VERB_STAT) {
        c->event.octets = 0;
    }
    c->event.argument = mk_str_of(NULL, 0);
    show(c, ev, front->number, c->has_reply ? &c->reply : NULL);
    mk_pop3_client_pop(c);
}

static void tell_ready(mk_pop3_client *c, mk_event *ev)
{
    ev->type = MK_EV_POP3_READY;
    memset(&c->event, 0, sizeof c->event);
    show(c, ev, 0, NULL);
    c->event.capabilities = c->capabilities;
    c->event.mechanism = c->core.mechanisms;
    c->event.login_delay_s = c->login_delay_s;
    c->event.expire_days = c->expire_days;
}

/* It is over: the operations that are left end with it, each in its turn. */
static bool tell_left(mk_pop3_client *c, mk_event *ev)
{
    while (c->count > 0 && mk_pop3_client_front(c)->op == 0) {
        mk_pop3_client_pop(c);
    }
    if (c->count == 0) {
        return false;
    }
    c->outcome = c->over_why;
    tell_done(c, ev);
    return true;
}

static bool client_tell(mk_client *core, unsigned which, mk_event *ev)
{
    mk_pop3_client *c = mk_pop3_client_of(core);

    if (which == PENDING_REPLY) {
        tell_reply(c, ev);
    } else if (which == PENDING_ROW) {
        tell_row(c, ev);
    } else if (which == PENDING_DONE) {
        tell_done(c, ev);
    } else if (which == PENDING_READY) {
        tell_ready(c, ev);
    } else {
        return core->state == CLIENT_OVER && tell_left(c, ev);
    }
    return true;
}

/* ---- lines --------------------------------------------------------------- */

static void bad_reply(mk_pop3_client *c, mk_err why, const char *text)
{
    mk_pop3_client_fault(c, why, MK_RETRY_LATER, text);
}

/* What a response code says of another try (RFC 2449 8.1, RFC 3206 4, 5). */
static mk_retry retry_of(mk_str code)
{
    static const struct {
        const char *code;
        mk_retry retry;
    } known[] = {
        {"LOGIN-DELAY", MK_RETRY_LATER}, {"IN-USE", MK_RETRY_LATER},
        {"SYS/TEMP", MK_RETRY_LATER},    {"SYS/PERM", MK_RETRY_NEVER},
        {"AUTH", MK_RETRY_NEVER},
    };
    size_t i;

    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (mk_str_is_nocase(code, mk_str_z(known[i].code))) {
            return known[i].retry;
        }
    }
    return MK_RETRY_NOW; /* nothing */
}

/* The text without its code, as far as it is kept: *io_text is what is not
 * kept, whole. */
static void keep(mk_pop3_client *c, bool is_ok, mk_str *io_text)
{
    size_t max = c->config->reply_text_bytes;
    size_t n = io_text->len < max ? io_text->len : max;
    mk_str kept = mk_str_of(c->text, n);

    if (n > 0) {
        memcpy(c->text, io_text->ptr, n);
    }
    c->reply.is_ok = is_ok;
    c->reply.clipped = n < io_text->len;
    c->reply.code = mk_pop3_parse_code(&kept);
    c->reply.text = kept;
    c->retry = retry_of(mk_pop3_parse_code(io_text));
}

/* Nothing had asked for it: some servers say why they close. What is under way
 * was not heard, so none of it was refused. */
static void take_unasked(mk_pop3_client *c, bool is_ok)
{
    if (!is_ok && c->core.state == CLIENT_READY) {
        memset(&c->event, 0, sizeof c->event);
        c->number = 0;
        c->event_op = 0;
        c->core.pending |= PENDING_REPLY;
        mk_client_blame(&c->core, MK_E_REFUSED, MK_RETRY_LATER,
                        "the server breaks it off");
        mk_pop3_client_over(c, MK_E_CUT);
    } else if (c->core.awaited > 0) {
        bad_reply(c, MK_E_EARLY, "a reply before its command was sent");
    } else {
        bad_reply(c, MK_E_PROTOCOL, "a reply that nothing had asked for");
    }
}

/* continue-req = "+" SP [base64] CRLF (RFC 5034 7); some leave out the space */
static bool is_challenge(mk_str line)
{
    return mk_str_is(mk_str_sub(line, 0, 2), mk_str_z("+ ")) ||
           mk_str_is(line, mk_str_z("+"));
}

static void take_challenge(mk_pop3_client *c, mk_str base64)
{
    if (c->core.is_early) {
        take_unasked(c, true);
    } else {
        mk_pop3_client_hear_challenge(c, base64);
    }
}

static void take_status(mk_pop3_client *c, mk_str line)
{
    bool is_ok;
    mk_str text;

    c->core.since_ms = c->core.now_ms;
    if (c->core.login != NULL && is_challenge(line)) {
        take_challenge(c, mk_str_sub(line, 2, SIZE_MAX));
        return;
    }
    if (!mk_pop3_parse_status(line, &is_ok, &text)) {
        bad_reply(c, MK_E_SYNTAX, "a malformed reply");
        return;
    }
    if (c->core.state == CLIENT_GREETING && is_ok && !c->core.is_early) {
        mk_pop3_client_greet_apop(c, text);
    }
    keep(c, is_ok, &text);
    if (c->core.is_early) {
        take_unasked(c, is_ok);
    } else {
        mk_pop3_client_hear(c, is_ok, text);
    }
}

static void take_row(mk_pop3_client *c, mk_str line)
{
    c->core.since_ms = c->core.now_ms;
    if (mk_str_is(line, mk_str_z("."))) {
        mk_pop3_client_hear_end(c);
    } else {
        mk_pop3_client_hear_row(
            c, mk_str_sub(line, line.len > 0 && line.ptr[0] == '.', SIZE_MAX));
    }
}

static mk_err read_line(mk_pop3_client *c, mk_str *io_in)
{
    frame_unit unit;

    if (mk_framer_line(&c->core.framer, io_in, &unit) != MK_OK) {
        return MK_WAIT;
    }
    if (unit.kind != FRAME_KIND_LINE) {
        bad_reply(c, MK_E_LINE, "a line beyond the limit");
    } else if (unit.bare || mk_str_has_ctl(unit.data)) {
        bad_reply(c, MK_E_BARE, "a bare CR, a bare LF or a NUL in a reply");
    } else if (c->flow == FLOW_ROWS) {
        take_row(c, unit.data);
    } else {
        take_status(c, unit.data);
    }
    return MK_E_AGAIN;
}

/* ---- a message ----------------------------------------------------------- */

static bool tell_body(mk_pop3_client *c, mk_str data, uint32_t flags,
                      mk_event *ev)
{
    const client_entry *front = mk_pop3_client_front(c);

    if (front->is_dropped) {
        return false;
    }
    memset(ev, 0, sizeof *ev);
    ev->type = MK_EV_BODY;
    ev->op = front->op;
    ev->flags = flags;
    ev->data = data;
    ev->offset = c->octets - data.len;
    ev->size = c->octets;
    show(c, ev, front->number, NULL);
    c->told = front->op;
    return true;
}

/* What a message holds is nothing to refuse it for (Law 10): bare CR and LF
 * end nothing and are told like other octets. */
static bool take_body(mk_pop3_client *c, mk_str data, mk_event *ev)
{
    uint64_t room = c->config->message_max - c->octets;
    bool is_told = false;
    mk_str part =
        mk_str_sub(data, 0, data.len < room ? data.len : (size_t)room);

    c->core.since_ms = c->core.now_ms;
    c->octets += part.len;
    if (part.len > 0) {
        is_told = tell_body(c, part, 0, ev);
    }
    if (part.len < data.len) {
        mk_pop3_client_fault(c, MK_E_SIZE, MK_RETRY_NEVER,
                             "a message beyond the limit");
        c->core.fault.offset -= data.len - part.len; /* however it was cut */
    }
    return is_told;
}

static bool take_body_end(mk_pop3_client *c, mk_event *ev)
{
    mk_pop3_client_hear_end(c);
    return tell_body(c, mk_str_of(NULL, 0), MK_LAST, ev);
}

/* ---- input --------------------------------------------------------------- */

static mk_err client_read(mk_client *core, mk_str *io_in, mk_event *ev)
{
    mk_pop3_client *c = mk_pop3_client_of(core);
    frame_unit unit;
    bool is_told;

    if (io_in->len > 0 && mk_client_is_early(core)) {
        core->is_early = true;
    }
    if (c->flow != FLOW_BODY) {
        return read_line(c, io_in);
    }
    if (mk_framer_next(&core->framer, io_in, &unit) != MK_OK) {
        return MK_WAIT;
    }
    is_told = unit.kind == FRAME_KIND_END ? take_body_end(c, ev)
                                          : take_body(c, unit.data, ev);
    return is_told ? MK_OK : MK_E_AGAIN;
}

/* ---- time ---------------------------------------------------------------- */

/* When what flows has been slower than it may be, over all of it. */
static uint64_t rate_due_ms(const mk_pop3_client *c)
{
    uint64_t octets = c->core.framer.consumed - c->flow_from;
    uint64_t rate = c->config->rate_min;
    uint64_t ms = octets / rate * 1000 + octets % rate * 1000 / rate + 1;

    return mk_client_later_ms(c->flow_since_ms, ms > c->config->rate_after_ms
                                                    ? ms
                                                    : c->config->rate_after_ms);
}

static uint64_t client_due_ms(const mk_client *core)
{
    const mk_pop3_client *c = const_client_of(core);
    uint64_t from = c->is_put_off ? c->off_ms : core->since_ms;
    uint64_t due = mk_client_later_ms(from, mk_pop3_client_patience_ms(c));
    uint64_t rate_due = MK_NEVER;

    if (c->flow != FLOW_NONE && !c->is_put_off) {
        rate_due = rate_due_ms(c);
    }
    return due < rate_due ? due : rate_due;
}

static void client_late(mk_client *core)
{
    mk_pop3_client *c = mk_pop3_client_of(core);
    bool is_ours = client_is_idle(core) || c->is_put_off;

    mk_pop3_client_fault(c, MK_E_TIMEOUT,
                         is_ours ? MK_RETRY_NOW : MK_RETRY_LATER,
                         is_ours ? "the application did not go on in time"
                                 : "the server did not reply in time");
}

/* The server's time stood still. */
static void resume(mk_pop3_client *c)
{
    uint64_t ms = c->core.now_ms - c->off_ms;

    c->is_resumed = false;
    c->core.since_ms += ms;
    c->flow_since_ms += ms;
}

/* ---- the contract -------------------------------------------------------- */

static bool client_begin(mk_client *core)
{
    mk_pop3_client *c = mk_pop3_client_of(core);

    if (c->is_put_off) {
        if (core->now_ms < client_due_ms(core)) {
            return false;
        }
        client_late(core);
    }
    if (c->is_resumed) {
        resume(c);
    }
    c->told = 0;
    return true;
}

static void client_fault(mk_client *core, mk_err why, mk_retry retry,
                         const char *text)
{
    mk_pop3_client_fault(mk_pop3_client_of(core), why, retry, text);
}

static void client_advance(mk_client *core)
{
    mk_pop3_client_advance(mk_pop3_client_of(core));
}

static unsigned client_want(const mk_engine *e)
{
    const mk_pop3_client *c = (const mk_pop3_client *)(const void *)e;

    if (c->is_put_off) {
        return mk_outq_is_empty(&c->core.out) ? 0 : MK_WANT_WRITE;
    }
    return mk_client_want(e) |
           (c->core.state == CLIENT_OVER && c->count > 0 ? MK_WANT_STEP : 0);
}

static void go_on(mk_pop3_client *c)
{
    c->is_resumed = c->is_resumed || c->is_put_off;
    c->is_put_off = false;
    c->core.is_stirred = true;
}

/* Is it what flows, or whose last octet or row was just told? */
static bool is_flowing(const mk_pop3_client *c, mk_op op)
{
    return c->core.state != CLIENT_OVER && c->count > 0 &&
           op == mk_pop3_client_front(c)->op &&
           (c->flow != FLOW_NONE || op == c->told);
}

static mk_err client_later(mk_engine *e, mk_op op)
{
    mk_pop3_client *c = client_of(e);

    if (!is_flowing(c, op)) {
        return MK_E_STALE;
    }
    if (!c->is_put_off) {
        c->is_put_off = true;
        c->off_ms = c->core.now_ms;
    }
    return MK_OK;
}

static mk_err client_reply(mk_engine *e, mk_op op, mk_answer answer,
                           mk_str code, mk_str text)
{
    mk_pop3_client *c = client_of(e);

    (void)code; /* a client has nobody to tell them */
    (void)text;
    if (!is_flowing(c, op)) {
        return MK_E_STALE;
    }
    if (answer != MK_ANSWER_YES) {
        mk_pop3_client_front(c)->is_dropped = true;
    }
    go_on(c);
    return MK_OK;
}

static mk_err client_cancel(mk_engine *e, mk_op op)
{
    mk_pop3_client *c = client_of(e);
    client_entry *entry = op == 0 || c->core.state == CLIENT_OVER
                              ? NULL
                              : mk_pop3_client_find(c, op);

    if (entry == NULL || entry->is_dropped ||
        (entry->verb == MK_POP3_VERB_QUIT && entry->is_said)) {
        return MK_E_STALE;
    }
    entry->is_dropped = true;
    if (entry->verb == MK_POP3_VERB_QUIT) {
        c->is_quitting = false;
    }
    if (entry == mk_pop3_client_front(c)) {
        go_on(c);
    }
    c->core.is_stirred = true;
    return MK_OK;
}

static void client_close(mk_engine *e)
{
    mk_pop3_client *c = client_of(e);

    mk_pop3_client_forget_apop(c);
    c->count = 0;
    mk_client_close(e);
}

const mk_client_kind mk_pop3_client_kind = {
    .ops = {MK_CLIENT_OPS, .out_sent = mk_client_out_sent, .want = client_want,
            .reply = client_reply, .later = client_later,
            .cancel = client_cancel, .close = client_close},
    .moves = moves,
    .auth_max = 255, /* RFC 2449 4 */
    .begin = client_begin,
    .tell = client_tell,
    .advance = client_advance,
    .read = client_read,
    .due_ms = client_due_ms,
    .late = client_late,
    .is_idle = client_is_idle,
    .fault = client_fault,
    .quit = mk_pop3_client_quit_now,
    .shaken = mk_pop3_client_shaken,
    .served = mk_pop3_client_served,
};
