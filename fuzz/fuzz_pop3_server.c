/* SPDX-License-Identifier: MIT
 *
 * fuzz_pop3_server.c: a hostile client and a random application with a small
 * maildrop against the server machine. Run whole, octet by octet and in
 * pieces it must tell and say the same (Law 4); nothing is asked of a maildrop
 * that nobody has logged in to and opened, no number is beyond it, its marks
 * count at QUIT only and once (THREATS 81); what RETR and TOP say is what was
 * lent, cut and stuffed as a simple model of both does it.
 */
#include <mailkit/pop3.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { HEADER = 4, MESSAGES = 6 };

/* The last is not legal on the wire: it is not taken, and cancelled. */
static const mk_str messages[MESSAGES] = {
    MK_STR_INIT("From: a\r\n\r\none\r\n.\r\n..two\r\n\r\n.three\r\nfour\r\n"),
    MK_STR_INIT(""),
    MK_STR_INIT("\r\n.\r\n"),
    MK_STR_INIT(".x: y\r\n.z"),
    MK_STR_INIT("a: b\r\n\r\n\r\n\r\nno line end"),
    MK_STR_INIT("a\n.\r\n"),
};

typedef struct session {
    fuzz_server s; /* first */
    mk_pop3_server_config config;
    size_t piece; /* of a message, lent at once */
    /* the maildrop */
    bool is_open, is_over;
    uint32_t count;
    bool is_marked[MESSAGES];
    /* the question that is answered with more than a line */
    mk_op op;
    mk_pop3_event_type type;
    uint32_t number, lines;
    size_t lent;
    uint64_t room;
    bool said_yes, last, slow;
    bool cancels; /* in the middle of the next message */
    text expected;
    size_t seen; /* of what was said: up to the last message */
} session;

static void configure(session *s, const uint8_t *header)
{
    mk_pop3_server_config *c = &s->config;
    uint8_t flags = header[0];
    fuzz_promise(mk_pop3_server_config_init(c, sizeof *c) == MK_OK, "init");
    c->hostname = mk_str_z("mx.example");
    c->capabilities =
        (flags & 64) != 0 ? MK_POP3_CAPABILITY_ALL : MK_POP3_CAPABILITY_DEFAULT;
    c->capabilities &= ~((flags & 1U) * MK_POP3_CAPABILITY_TOP) &
                       ~((flags & 2U) / 2 * MK_POP3_CAPABILITY_UIDL) &
                       ~((flags & 4U) / 4 * MK_POP3_CAPABILITY_PIPELINING) &
                       ~((flags & 8U) / 8 * MK_POP3_CAPABILITY_RESP_CODES);
    if ((flags & 16) != 0) {
        c->line_max = 255;
        c->discard_max = 300;
        c->errors_max = 4;
        c->errors_soft = 2;
        c->junk_max = 6;
        c->login_delay_s = 60;
        c->expire_days = 30;
        c->auth_failures_max = 2;
    }
    c->asks_connect = (flags & 32) != 0;
    if ((flags & 128) != 0) {
        c->units = fuzz_machine_pool(&s->s.m);
    }
    fuzz_server_configure(&s->s, header[3], c->hostname);
    s->s.policy = header[1];
    s->piece = header[2] & 15U;
    s->count = header[2] >> 5U;
    s->count = s->count < MESSAGES ? s->count : MESSAGES;
    c->tls = s->s.tls_policy;
    c->sasl = &s->s.sasl;
    if ((header[3] & 4) != 0) {
        s->s.sasl.mechanisms = MK_SASL_SCRAM_SHA_256 | MK_SASL_CRAM_MD5;
    }
    c->sasl_units = s->s.has_rooms ? &s->s.rooms : NULL;
}

/* ---- the model of RETR and TOP ------------------------------------------- */

static size_t line_end(mk_str s, size_t at)
{
    while (at < s.len && s.ptr[at] != '\n') {
        at++;
    }
    return at < s.len ? at + 1 : at;
}

/* a message, or its header and `lines` of its body, as it goes over the wire */
static void expect_message(session *s)
{
    mk_str m = messages[s->number - 1];
    uint64_t left = s->type == MK_EV_POP3_TOP ? s->lines : UINT64_MAX;
    bool in_body = false;
    text_clear(&s->expected);
    for (size_t at = 0; at < m.len && (!in_body || left > 0);) {
        size_t next = line_end(m, at);
        mk_str line = mk_str_sub(m, at, next - at);
        left -= in_body;
        in_body = in_body || mk_str_is(line, mk_str_z("\r\n"));
        if (line.ptr[0] == '.') {
            text_z(&s->expected, ".");
        }
        text_str(&s->expected, line);
        if (line.ptr[line.len - 1] != '\n') {
            text_z(&s->expected, "\r\n");
        }
        at = next;
    }
    text_z(&s->expected, ".\r\n");
}

/* what was expected is among what was said since */
static void check_message(session *s)
{
    rig_look(&s->s.m.rig, &s->s.m.out);
    mk_str out = text_view(&s->s.m.out);
    mk_str want = text_view(&s->expected);
    for (size_t at = s->seen; at + want.len <= out.len; at++) {
        if (mk_str_is(mk_str_sub(out, at, want.len), want)) {
            s->seen = at + want.len;
            return;
        }
    }
    fuzz_promise(false, "a message goes out as it was lent");
}

/* ---- the application ----------------------------------------------------- */

static void lend_message(session *s)
{
    mk_str m = messages[s->number - 1];
    while (s->room > 0 && !s->last) {
        size_t n = m.len - s->lent;
        n = s->piece > 0 && s->piece < n ? s->piece : n;
        bool last = s->lent + n == m.len;
        mk_err err = s->cancels && s->lent > 0
                         ? MK_E_CANCELLED
                         : mk_body(s->s.m.engine, s->op,
                                   mk_str_sub(m, s->lent, n), last);
        if (err != MK_OK) {
            fuzz_promise(err == MK_E_BARE || err == MK_E_CANCELLED,
                         "a span is taken when one is wanted");
            (void)mk_cancel(s->s.m.engine, s->op);
            s->room = 0;
            s->said_yes = false;
            return;
        }
        s->lent += n;
        s->last = last;
        s->room--;
    }
}

static mk_err tell(session *s, uint32_t number)
{
    static const mk_str uids[] = {MK_STR_INIT("!"), MK_STR_INIT("../../x"),
                                  MK_STR_INIT("0123456789012345678901234567890"
                                              "12345678901234567890123456789012"
                                              "3456789")};
    if (s->type == MK_EV_POP3_UIDL) {
        return mk_pop3_server_uid(s->s.m.engine, s->op, number,
                                  uids[number % 3]);
    }
    return mk_pop3_server_size(s->s.m.engine, s->op, number,
                               messages[number - 1].len);
}

/* rows of a listing, as many as there is room for */
static void tell_rows(session *s)
{
    while (s->room > 0 && !s->last) {
        mk_err err = MK_OK;
        if (s->lent == s->count) {
            err = mk_body(s->s.m.engine, s->op, mk_str_of(NULL, 0), true);
            s->last = err == MK_OK;
        } else {
            bool marked = s->is_marked[s->lent];
            err = marked ? MK_OK : tell(s, (uint32_t)s->lent + 1);
            s->lent += err == MK_OK;
        }
        s->room = err == MK_OK ? s->room : 0;
        fuzz_promise(err == MK_OK || err == MK_WAIT, "a row is taken");
    }
}

static void give(session *s)
{
    if (s->said_yes && s->number > 0) {
        lend_message(s);
    } else if (s->said_yes) {
        tell_rows(s);
    }
}

static mk_err answer_maildrop(session *s)
{
    uint32_t count = 0;
    uint64_t octets = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        count += !s->is_marked[i];
        octets += s->is_marked[i] ? 0 : messages[i].len;
    }
    return mk_pop3_server_maildrop(s->s.m.engine, s->op, count, octets);
}

/* YES, in the way that the question wants it */
static void answer_yes(session *s)
{
    static const mk_str none = {NULL, 0};
    bool *mark = s->number > 0 ? &s->is_marked[s->number - 1] : NULL;
    mk_answer answer = MK_ANSWER_YES;
    mk_err err = MK_OK;
    if (mark != NULL && *mark) {
        answer = MK_ANSWER_NO; /* deleted: there is no such message */
    } else if (s->type == MK_EV_POP3_OPEN || s->type == MK_EV_POP3_STAT) {
        err = answer_maildrop(s);
        fuzz_promise(err == MK_OK, "a maildrop is taken");
        s->is_open = true;
        return;
    } else if (s->type == MK_EV_POP3_DELE) {
        *mark = true;
    } else if (s->type == MK_EV_POP3_RSET) {
        memset(s->is_marked, 0, sizeof s->is_marked);
    } else if ((s->type == MK_EV_POP3_LIST || s->type == MK_EV_POP3_UIDL) &&
               s->number > 0) {
        fuzz_promise(tell(s, s->number) == MK_OK, "one row is taken");
        return;
    }
    err = mk_reply(s->s.m.engine, s->op, answer, none, none);
    fuzz_promise(err == MK_OK, "yes is taken");
    s->said_yes = answer == MK_ANSWER_YES;
    if (s->said_yes && s->number > 0) {
        expect_message(s);
    }
}

static void answer(session *s)
{
    static const mk_str codes[] = {MK_STR_INIT("IN-USE"),
                                   MK_STR_INIT("SYS/PERM"),
                                   MK_STR_INIT("LOGIN-DELAY"), MK_STR_INIT("")};
    unsigned p = fuzz_server_choose(&s->s);
    mk_engine *e = s->s.m.engine;
    if (p < 4) {
        answer_yes(s);
    } else if (p == 4) {
        (void)mk_reply(e, s->op, MK_ANSWER_NO, codes[s->s.policy % 4],
                       mk_str_z("refused"));
    } else if (p == 5) {
        (void)mk_reply(e, s->op, MK_ANSWER_LATER, codes[s->s.policy % 4],
                       codes[3]);
    } else if (p == 6 && mk_later(e, s->op) == MK_OK) {
        s->s.waiting = s->op;
    } /* 7: forgotten */
}

/* What may be asked, and of what. */
static void keep_maildrop(session *s, const mk_event *ev)
{
    const mk_pop3_event *e = ev->of.pop3;
    uint32_t type = ev->type;
    if (type == MK_EV_POP3_OPEN) {
        fuzz_promise(s->s.is_known, "a maildrop is opened behind a login");
        fuzz_promise(s->s.is_tls || s->config.tls < MK_TLS_POLICY_ENCRYPT,
                     "no login in clear where TLS is needed");
        fuzz_promise(!s->is_open, "a maildrop is opened once");
    } else if (type > MK_EV_POP3_OPEN && type <= MK_EV_POP3_UPDATE) {
        fuzz_promise(s->is_open && !s->is_over, "the maildrop is open");
        fuzz_promise(e->number <= s->count, "no number beyond the maildrop");
        s->is_over = type == MK_EV_POP3_UPDATE;
    }
    if (type >= MK_EV_POP3_RETR && type <= MK_EV_POP3_DELE) {
        fuzz_promise(e->number > 0, "messages count from 1");
    }
}

static void on_wanted(session *s, const mk_event *ev)
{
    bool last = (ev->flags & MK_LAST) != 0;
    fuzz_promise(ev->op == s->op || ev->data.ptr != NULL,
                 "rows and spans are wanted of who was asked");
    if (ev->op != s->op) {
        return;
    }
    s->room = last ? 0 : ev->size;
    if (last) { /* TOP may have had enough of it */
        fuzz_promise(s->last || s->type == MK_EV_POP3_TOP,
                     "a message is read to its end");
        s->last = true;
    }
    if (!s->slow) {
        give(s);
    }
}

static void on_event(fuzz_machine *m, const mk_event *ev)
{
    session *s = (session *)(void *)m;
    if (ev->type == MK_EV_WANTED) {
        on_wanted(s, ev);
        return;
    }
    if (ev->type == MK_EV_SASL && !s->is_open) {
        s->s.is_known = false; /* OPEN was refused: another login may come */
    }
    fuzz_server_see(&s->s, ev, MK_EV_POP3_TLS, MK_EV_POP3_AUTH);
    keep_maildrop(s, ev);
    trace_pop3_event(&m->trace, ev);
    text_z(&m->trace, "\n");
    if (ev->type == MK_EV_WITHDRAWN) {
        s->said_yes = false;
        s->s.waiting = 0;
    }
    if (fuzz_server_answer(&s->s, ev) || (ev->flags & MK_ASK) == 0) {
        return;
    }
    if (s->said_yes && s->last && s->number > 0) {
        check_message(s); /* the next question: it is out */
    }
    s->op = ev->op;
    s->type = (mk_pop3_event_type)ev->type;
    s->number = ev->of.pop3->number;
    s->lines = ev->of.pop3->lines;
    s->lent = 0;
    s->room = 0;
    s->said_yes = s->last = false;
    answer(s);
}

static void on_control(fuzz_machine *m, fuzz_control what, uint8_t n)
{
    session *s = (session *)(void *)m;
    if (what == FUZZ_POLICY) {
        s->s.policy = n;
    } else if (what == FUZZ_BODY) {
        s->slow = n % 3 == 1;
        s->cancels = n % 3 == 2;
    } else if (what == FUZZ_CANCEL) {
        (void)mk_cancel(m->engine, s->op);
    } else if (what == FUZZ_ANSWER) {
        if (fuzz_server_resume(&s->s) != 0) {
            answer(s);
        }
        give(s);
    }
}

static void run(session *s, const uint8_t *data, size_t size, size_t chunk)
{
    memset(s, 0, sizeof *s);
    configure(s, data);
    size_t need = mk_pop3_server_need(&s->config);
    s->s.m.on_event = on_event;
    s->s.m.on_control = on_control;
    s->s.m.chunk = chunk;
    s->s.m.block = malloc(need);
    fuzz_promise(mk_pop3_server_open(&s->config, s->s.m.block, need,
                                     &s->s.m.engine) == MK_OK,
                 "open");
    fuzz_server_begin(&s->s, data[3]);
    fuzz_machine_perform(&s->s.m, data + HEADER, size - HEADER);
    text_z(&s->s.m.trace, s->s.m.aborted ? "abort" : "close");
}

static void close_session(session *s)
{
    fuzz_server_close(&s->s);
    text_free(&s->expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static session whole;
    static session cut;
    if (size < HEADER) {
        return 0;
    }
    run(&whole, data, size, 0);
    size_t chunks[] = {1, data[2]};
    for (size_t i = 0; i < 2; i++) {
        run(&cut, data, size, chunks[i]);
        fuzz_same(&whole.s.m.trace, &cut.s.m.trace, "the same events (Law 4)");
        if (!whole.s.m.aborted && !cut.s.m.aborted) {
            fuzz_same(&whole.s.m.out, &cut.s.m.out, "the same replies (Law 4)");
        }
        close_session(&cut);
    }
    close_session(&whole);
    return 0;
}
