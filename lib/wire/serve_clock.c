/* SPDX-License-Identifier: MIT
 *
 * wire/serve_clock.c: the patience of a server. A request has one time for all
 * of it, the taking of its reply included, and no octet moves its end; a block
 * of body or stream likewise, and over a whole one a least rate is kept (RFC
 * 5321 4.5.3.2.7, THREATS 113). Errors beyond a few delay their replies (RFC
 * 5321 7.3, THREATS 115). What the application takes is not the peer's time.
 * Time is an argument; nothing here reads a clock.
 */
#include "wire/serve_internal.h"

enum {
    STARVED_MS = 100 /* a pool without a free unit is asked again after this */
};

uint64_t mk_serve_least(const mk_serve *s, uint64_t usual, uint64_t hurried)
{
    return s->hurried && hurried < usual ? hurried : usual;
}

void mk_serve_tick(mk_serve *s, uint64_t now_ms)
{
    if (!s->begun) {
        s->begun = true;
        s->since_ms = now_ms;
    } else if (s->starved && s->out.unit == NULL) {
        s->flow_since_ms += now_ms - s->now_ms; /* it is we who did not read */
    }
    s->now_ms = now_ms;
}

void mk_serve_heard(mk_serve *s)
{
    /* Who has not taken the replies before does not get time for more. */
    if (mk_outq_is_empty(&s->out)) {
        s->since_ms = s->now_ms;
    }
}

/* ---- the application's time ---------------------------------------------- */

void mk_serve_resume(mk_serve *s)
{
    if (s->due_ms != 0) {
        uint64_t began_ms = s->due_ms - mk_serve_limits_of(s).answer_ms;
        s->since_ms += s->now_ms - began_ms;
        s->flow_since_ms += s->now_ms - began_ms;
        s->due_ms = 0;
    }
}

void mk_serve_put_off(mk_serve *s)
{
    mk_serve_resume(s); /* put off again */
    s->due_ms = s->now_ms + mk_serve_limits_of(s).answer_ms;
}

/* ---- delayed replies ----------------------------------------------------- */

static uint64_t delay_ms(const mk_serve *s, uint64_t wanted)
{
    mk_serve_limits limits = mk_serve_limits_of(s);
    uint32_t soft = limits.errors_soft;
    uint64_t by_errors =
        s->errors < soft ? 0
                         : limits.delay_ms * (s->errors - soft + UINT64_C(1));
    /* a peer that waits as long as we would must not give up before us */
    uint64_t most = limits.peer_ms / 2;
    wanted = wanted > by_errors ? wanted : by_errors;
    return wanted < most ? wanted : most;
}

static void commit(mk_serve *s)
{
    mk_outq_commit(&s->out, s->pending);
    s->pending = 0;
    if (s->last_word) {
        mk_serve_end(s);
    }
}

void mk_serve_let_go_late(mk_serve *s, bool is_error, uint64_t least_ms)
{
    uint64_t wait_ms = 0;
    if (is_error && !s->last_word) {
        s->errors += s->errors < UINT32_MAX ? 1 : 0;
        wait_ms = delay_ms(s, least_ms);
    }
    if (wait_ms == 0) {
        commit(s);
        return;
    }
    s->question = SERVE_QUESTION_DELAYED;
    s->due_ms = s->now_ms + wait_ms;
    s->since_ms += wait_ms; /* it is not the peer that waits too long */
}

void mk_serve_let_go(mk_serve *s, bool is_error)
{
    mk_serve_let_go_late(s, is_error, 0);
}

bool mk_serve_is_delay_over(const mk_serve *s)
{
    return s->now_ms >= s->due_ms || s->hurried || s->finishing || s->eof;
}

mk_err mk_serve_delayed(mk_serve *s)
{
    if (!mk_serve_is_delay_over(s)) {
        return MK_WAIT;
    }
    s->since_ms -= s->now_ms < s->due_ms ? s->due_ms - s->now_ms : 0;
    s->due_ms = 0;
    s->question = SERVE_QUESTION_NONE;
    commit(s);
    return MK_E_AGAIN;
}

/* ---- the peer's time ----------------------------------------------------- */

/* The age that its octets allow a body or stream. */
static uint64_t paid_ms(const mk_serve *s, uint32_t rate_min)
{
    uint64_t octets_max = UINT64_MAX / 2000;
    uint64_t octets = s->flow_bytes < octets_max ? s->flow_bytes : octets_max;
    return octets * 1000 / rate_min + 1;
}

void mk_serve_flow_begin(mk_serve *s, uint8_t subject)
{
    mk_serve_next_op(s);
    s->flow_op = s->op;
    s->flow_subject = subject;
    s->flow_bytes = 0;
    s->flow_since_ms = s->now_ms;
    s->hold = SERVE_HOLD_NONE;
    s->flowing = true;
}

void mk_serve_earn(mk_serve *s, size_t octets)
{
    /* A fast beginning does not pay for hours: it makes the body older. (The
     * sums may wrap on the way; what comes out is a time.) */
    mk_serve_limits limits = mk_serve_limits_of(s);
    s->flow_bytes += octets;
    uint64_t paid = paid_ms(s, limits.rate_min);
    uint64_t most_ms = s->now_ms + limits.peer_ms;
    if (s->flow_since_ms + paid > most_ms) {
        s->flow_since_ms = most_ms - paid;
    }
}

/* When it, if no octet more came, has been too slow as a whole. */
static uint64_t rate_due_ms(const mk_serve *s, const mk_serve_limits *limits)
{
    uint64_t free_ms = limits->rate_after_ms;
    uint64_t allowed_ms = paid_ms(s, limits->rate_min);
    return s->flow_since_ms + (allowed_ms > free_ms ? allowed_ms : free_ms);
}

uint64_t mk_serve_peer_due_ms(const mk_serve *s)
{
    mk_serve_limits limits = mk_serve_limits_of(s);
    uint64_t due_ms = s->since_ms + limits.peer_ms;
    if (s->flowing || s->streaming) {
        uint64_t rate_ms = rate_due_ms(s, &limits);
        due_ms = rate_ms < due_ms ? rate_ms : due_ms;
    }
    return due_ms;
}

uint64_t mk_serve_deadline(const mk_engine *e)
{
    const mk_serve *s = (const mk_serve *)(const void *)e;
    bool waits = s->question == SERVE_QUESTION_LATER ||
                 s->question == SERVE_QUESTION_DELAYED ||
                 s->hold == SERVE_HOLD_ON || (s->streaming && s->due_ms != 0);
    if (s->ended) {
        return MK_NEVER;
    }
    if (!s->begun) {
        return 0;
    }
    uint64_t due_ms = waits ? s->due_ms : mk_serve_peer_due_ms(s);
    bool polls = s->starved && s->out.unit == NULL && !waits;
    return polls && s->now_ms + STARVED_MS < due_ms ? s->now_ms + STARVED_MS
                                                    : due_ms;
}
