/* SPDX-License-Identifier: MIT
 *
 * smtp/server_clock.c: the patience of the server. A request has one time for
 * all of it, the taking of its reply included, and no octet moves its end; a
 * block of body likewise, and over a whole body a least rate is kept (RFC 5321
 * 4.5.3.2.7, THREATS 113). Errors beyond a few delay their replies, and beyond
 * some more end the session (RFC 5321 7.3, THREATS 115). While room for peers
 * is short all of it shrinks. Time is an argument; nothing here reads a clock.
 */
#include "smtp/server_internal.h"

enum {
    STARVED_MS = 100, /* a pool without a free unit is asked again after this */
    /* A list may well name more recipients than are taken, and its client goes
     * on to DATA behind them (RFC 5321 4.5.3.1.10); not for ever. */
    TURNED_AWAY_MAX = 1000
};

uint32_t mk_smtp_server_limit(const smtp_server *s, uint32_t usual,
                              uint32_t hurried)
{
    return s->hurried && hurried < usual ? hurried : usual;
}

static uint64_t patience_ms(const smtp_server *s)
{
    uint64_t usual = s->config->command_ms;
    uint64_t hurried = s->config->hurry_command_ms;
    return s->hurried && hurried < usual ? hurried : usual;
}

void mk_smtp_server_tick(smtp_server *s, uint64_t now_ms)
{
    if (!s->begun) {
        s->begun = true;
        s->since_ms = now_ms;
    } else if (s->starved && s->out.unit == NULL) {
        s->body_since_ms += now_ms - s->now_ms; /* it is we who did not read */
    }
    s->now_ms = now_ms;
}

void mk_smtp_server_heard(smtp_server *s)
{
    /* Who has not taken the replies before does not get time for more. */
    if (mk_outq_is_empty(&s->out)) {
        s->since_ms = s->now_ms;
    }
}

/* ---- the application's time ---------------------------------------------- */

void mk_smtp_server_resume(smtp_server *s)
{
    if (s->due_ms != 0) {
        uint64_t began_ms = s->due_ms - s->config->answer_ms;
        s->since_ms += s->now_ms - began_ms;
        s->body_since_ms += s->now_ms - began_ms;
        s->due_ms = 0;
    }
}

void mk_smtp_server_put_off(smtp_server *s)
{
    mk_smtp_server_resume(s); /* put off again */
    s->due_ms = s->now_ms + s->config->answer_ms;
}

/* ---- delayed replies ----------------------------------------------------- */

static uint64_t delay_ms(const smtp_server *s, uint64_t wanted)
{
    uint32_t soft = s->config->errors_soft;
    uint64_t by_errors =
        s->errors < soft
            ? 0
            : s->config->delay_ms * (s->errors - soft + UINT64_C(1));
    /* a peer that waits as long as we would must not give up before us */
    uint64_t most = patience_ms(s) / 2;
    wanted = wanted > by_errors ? wanted : by_errors;
    return wanted < most ? wanted : most;
}

void mk_smtp_server_let_go_late(smtp_server *s, char first_digit,
                                uint64_t least_ms)
{
    bool is_error = first_digit == '5' ||
                    (first_digit == '4' && s->turned_away > TURNED_AWAY_MAX);
    s->errors += is_error && s->errors < UINT32_MAX ? 1 : 0;
    uint64_t wait_ms = is_error ? delay_ms(s, least_ms) : 0;
    if (wait_ms == 0) {
        mk_outq_commit(&s->out, s->pending);
        s->pending = 0;
        return;
    }
    s->question = QUESTION_DELAYED;
    s->due_ms = s->now_ms + wait_ms;
    s->since_ms += wait_ms; /* it is not the peer that waits too long */
}

void mk_smtp_server_let_go(smtp_server *s, char first_digit)
{
    mk_smtp_server_let_go_late(s, first_digit, 0);
}

bool mk_smtp_server_is_delay_over(const smtp_server *s)
{
    return s->now_ms >= s->due_ms || s->hurried || s->finishing || s->eof;
}

mk_err mk_smtp_server_delayed(smtp_server *s)
{
    if (!mk_smtp_server_is_delay_over(s)) {
        return MK_WAIT;
    }
    s->since_ms -= s->now_ms < s->due_ms ? s->due_ms - s->now_ms : 0;
    s->due_ms = 0;
    s->question = QUESTION_NONE;
    mk_outq_commit(&s->out, s->pending);
    s->pending = 0;
    return MK_E_AGAIN;
}

/* ---- the peer's time ----------------------------------------------------- */

/* The age that the octets of a body allow it. */
static uint64_t paid_ms(const smtp_server *s)
{
    uint64_t octets_max = UINT64_MAX / 2000;
    uint64_t octets = s->body_bytes < octets_max ? s->body_bytes : octets_max;
    return octets * 1000 / s->config->rate_min + 1;
}

void mk_smtp_server_earn(smtp_server *s)
{
    /* A fast beginning does not pay for hours: it makes the body older. (The
     * sums may wrap on the way; what comes out is a time.) */
    uint64_t most_ms = s->now_ms + patience_ms(s);
    if (s->body_since_ms + paid_ms(s) > most_ms) {
        s->body_since_ms = most_ms - paid_ms(s);
    }
}

/* When the body, if no octet more came, has been too slow as a whole. */
static uint64_t rate_due_ms(const smtp_server *s)
{
    uint64_t free_ms = s->config->rate_after_ms;
    uint64_t allowed_ms = paid_ms(s);
    return s->body_since_ms + (allowed_ms > free_ms ? allowed_ms : free_ms);
}

uint64_t mk_smtp_server_peer_due_ms(const smtp_server *s)
{
    uint64_t due_ms = s->since_ms + patience_ms(s);
    if (s->state == SERVER_DATA && rate_due_ms(s) < due_ms) {
        due_ms = rate_due_ms(s);
    }
    return due_ms;
}

uint64_t mk_smtp_server_deadline(const mk_engine *e)
{
    const smtp_server *s = (const smtp_server *)(const void *)e;
    bool waits = s->question == QUESTION_LATER ||
                 s->question == QUESTION_DELAYED || s->hold == HOLD_ON;
    if (s->state == SERVER_ENDED) {
        return MK_NEVER;
    }
    if (!s->begun) {
        return 0;
    }
    uint64_t due_ms = waits ? s->due_ms : mk_smtp_server_peer_due_ms(s);
    bool polls = s->starved && s->out.unit == NULL && !waits;
    return polls && s->now_ms + STARVED_MS < due_ms ? s->now_ms + STARVED_MS
                                                    : due_ms;
}

void mk_smtp_server_hurry(mk_engine *e, bool on)
{
    smtp_server *s = (smtp_server *)(void *)e;
    s->hurried = on;
}
