/* SPDX-License-Identifier: MIT
 *
 * test_walk.c: a million random commands against a reference: what RFC 5321
 * 4.1.4 allows where, written down here anew as one small table that shares
 * nothing with the library's. Commands come one by one or in groups, cut at
 * random; the application says yes, no, later, or puts the answer off. TLS
 * comes in between and all is forgotten (RFC 3207 4.2), logins are had or not
 * (RFC 4954 4), bodies come by DATA or in chunks of any size (RFC 3030 2), and
 * each walk is walked by SMTP and by LMTP (RFC 2033 4). THREATS 7 and 13:
 * whatever was refused, no state is left half open, and no body is taken that
 * has no sender and recipient of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/sasl.h>
#include <mailkit/smtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "trace.h"

/* ---- the reference --------------------------------------------------------
 */

enum place {
    FRESH,
    IDLE,
    SENDER,
    TURNED_DOWN,
    RECIPIENTS,
    CHUNKS,
    SPOILT,
    PLACES
};

enum command {
    EHLO,
    HELO,
    MAIL,
    MAIL_BAD,
    RCPT,
    RCPT_BAD,
    RCPT_PARAM,
    DATA,
    DATA_ARG,
    RSET,
    NOOP,
    VRFY,
    EXPN,
    HELP,
    JUNK,
    EMPTY,
    STARTTLS,
    AUTH,
    CHUNK,
    CHUNK_ODD,
    CHUNK_LAST,
    BODY,
    COMMANDS
};

enum {
    ASK = -1,   /* the application decides */
    SILENCE = 0 /* no reply of its own */
};

static const struct {
    const char *line;
    uint32_t event; /* when it is asked */
    bool closes;    /* last in a group: its reply decides what follows */
    int code[PLACES];
} reference[COMMANDS] = {
    /* clang-format off */
    [EHLO]       = {"EHLO c.example\r\n", MK_EV_SMTP_HELO, true,  {ASK, ASK, ASK, ASK, ASK, ASK, ASK}},
    [HELO]       = {"HELO c.example\r\n", MK_EV_SMTP_HELO, true,  {ASK, ASK, ASK, ASK, ASK, ASK, ASK}},
    [MAIL]       = {"MAIL FROM:<a@b.example>\r\n", MK_EV_SMTP_MAIL, false, {503, ASK, 503, 503, 503, 503, 503}},
    [MAIL_BAD]   = {"MAIL FROM:<a@b@c>\r\n", 0, false, {503, 501, 503, 503, 503, 503, 503}},
    [RCPT]       = {"RCPT TO:<c@d.example>\r\n", MK_EV_SMTP_RCPT, false, {503, 503, ASK, ASK, ASK, 503, 503}},
    [RCPT_BAD]   = {"RCPT TO:<>\r\n", 0, false, {503, 503, 501, 501, 501, 503, 503}},
    [RCPT_PARAM] = {"RCPT TO:<c@d.example> A=B\r\n", 0, false, {503, 503, 555, 555, 555, 503, 503}},
    [DATA]       = {"DATA\r\n", MK_EV_SMTP_DATA, true, {503, 503, 503, 554, ASK, 503, 503}},
    [DATA_ARG]   = {"DATA x\r\n", 0, true, {503, 503, 501, 501, 501, 503, 503}},
    [RSET]       = {"RSET\r\n", 0, false, {250, 250, 250, 250, 250, 250, 250}},
    [NOOP]       = {"NOOP x\r\n", 0, false, {250, 250, 250, 250, 250, 250, 250}},
    [VRFY]       = {"VRFY x\r\n", MK_EV_SMTP_VRFY, false, {ASK, ASK, ASK, ASK, ASK, ASK, ASK}},
    [EXPN]       = {"EXPN x\r\n", MK_EV_SMTP_EXPN, false, {ASK, ASK, ASK, ASK, ASK, ASK, ASK}},
    [HELP]       = {"HELP\r\n", 0, false, {214, 214, 214, 214, 214, 214, 214}},
    [JUNK]       = {"XYZZY 1 LAST\r\n", 0, false, {500, 500, 500, 500, 500, 500, 500}},
    [EMPTY]      = {"\r\n", 0, false, {500, 500, 500, 500, 500, 500, 500}},
    [STARTTLS]   = {"STARTTLS\r\n", 0, true, {220, 220, 220, 220, 220, 220, 220}}, /* unless it is up */
    [AUTH]       = {"AUTH PLAIN AGEAYg==\r\n", MK_EV_SASL, true, {503, ASK, 503, 503, 503, 503, 503}}, /* once, behind EHLO */
    /* the octets that follow are drawn */
    [CHUNK]      = {"BDAT %u\r\n", MK_EV_SMTP_DATA, false, {503, 503, 503, 554, ASK, 250, 503}},
    [CHUNK_ODD]  = {"BDAT %u NEXT\r\n", 0, false, {503, 503, 503, 554, 501, 501, 503}},
    [CHUNK_LAST] = {"BDAT %u LAST\r\n", MK_EV_SMTP_DATA, false, {503, 503, 503, 554, ASK, ASK, 503}},
    [BODY]       = {"x\r\n..\r\n.\r\n", MK_EV_BODY, false, {0, 0, 0, 0, 0, 0, 0}},
    /* clang-format on */
};

/* what the application says, and the default code of the library's rows */
enum verdict { YES, NO, DEFER, SILENT, VERDICTS };

static int code_of(enum command c, enum verdict v)
{
    static const int no[COMMANDS] = {
        [EHLO] = 550, [HELO] = 550,  [MAIL] = 550,       [RCPT] = 550,
        [DATA] = 554, [VRFY] = 550,  [EXPN] = 550,       [BODY] = 554,
        [AUTH] = 535, [CHUNK] = 554, [CHUNK_LAST] = 554,
    };
    if (v == NO) {
        return no[c];
    }
    if (v != YES) {
        return c == AUTH ? 454 : 451;
    }
    if (c == AUTH) {
        return 235;
    }
    return c == DATA ? 354 : c == VRFY || c == EXPN ? 252 : 250;
}

/* ---- the walk ---------------------------------------------------------------
 */

typedef struct expected {
    uint32_t event; /* 0: none is asked */
    enum verdict verdict;
    bool put_off;
    int code;
    bool reset; /* MK_EV_SMTP_RESET comes */
} expected;

enum { GROUP = 4, EXPECTED = 1024, OCTETS = 40 };

typedef struct walk {
    uint64_t random;
    bool is_lmtp;
    int verdict; /* of all that is asked; or ASK: drawn */
    mk_smtp_server_config config;
    mk_sasl_server_config sasl;
    mk_tls_info tls;
    void *block;
    mk_engine *engine;
    rig rig;
    text out;
    text octets;
    /* the model */
    enum place place;
    bool esmtp;
    bool in_body;
    bool is_tls;
    bool is_known;
    uint32_t accepted;
    uint64_t body; /* octets of the chunks */
    uint64_t messages;
    uint64_t chunked; /* of these */
    uint64_t logins;  /* had, and handshakes made */
    uint64_t crossings;
    /* what must come */
    expected list[EXPECTED];
    uint64_t bodies[GROUP]; /* octets of those that must end */
    size_t ended, ends;
    size_t count;
    size_t asked; /* next of the list to be asked */
    size_t resets;
    bool tls_wanted;
    mk_op waiting;
    bool is_taken;
    uint64_t taken; /* messages that the application said yes to */
} walk;

static uint32_t draw(walk *w, uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 32) % below);
}

static enum verdict verdict_of(walk *w)
{
    uint32_t dice = draw(w, 16);
    if (w->verdict != ASK) {
        return (enum verdict)w->verdict;
    }
    return dice < 11 ? YES : (enum verdict)(1 + dice % 3);
}

static expected *expect(walk *w, uint32_t event, int code)
{
    assert_true(w->count < EXPECTED);
    expected *e = &w->list[w->count++];
    memset(e, 0, sizeof *e);
    e->event = event;
    e->code = code;
    return e;
}

/* Something is asked about a command; gives the answer. */
static enum verdict ask(walk *w, enum command c, uint32_t event)
{
    enum verdict v = verdict_of(w);
    expected *e = expect(w, event, code_of(c, v));
    e->verdict = v;
    e->put_off = v != SILENT && w->verdict == ASK && draw(w, 8) == 0;
    return v;
}

static bool is_open(const walk *w)
{
    return w->place >= SENDER && w->place <= CHUNKS;
}

/* The end of a body is asked about: once, or for each recipient. */
static void end(walk *w, uint64_t octets, bool is_chunked)
{
    uint32_t event = w->is_lmtp ? MK_EV_SMTP_DELIVERED : MK_EV_BODY;
    uint32_t times = w->is_lmtp ? w->accepted : 1;
    bool is_taken = false;
    assert_true(w->accepted > 0);
    while (times-- > 0) {
        is_taken = ask(w, BODY, event) == YES || is_taken;
    }
    w->bodies[w->ends++] = octets;
    w->messages += is_taken ? 1 : 0;
    w->chunked += is_taken && is_chunked ? 1 : 0;
    w->place = IDLE;
    w->in_body = false;
}

static void answered(walk *w, enum command c, enum verdict v)
{
    bool yes = v == YES;
    switch (c) {
    case EHLO:
    case HELO:
        w->list[w->count - 1].reset = is_open(w) && yes;
        w->esmtp = yes ? c == EHLO : w->esmtp;
        w->place = yes ? IDLE : w->place;
        break;
    case MAIL:
        w->place = yes ? SENDER : w->place;
        w->accepted = yes ? 0 : w->accepted;
        break;
    case RCPT:
        w->accepted += yes ? 1 : 0;
        w->place = w->accepted > 0 ? RECIPIENTS : TURNED_DOWN;
        break;
    case DATA:
        w->in_body = yes;
        break;
    case AUTH:
        w->is_known = yes;
        w->logins += yes;
        break;
    default:
        break;
    }
}

/* The code of a command here, or ASK. */
static int code_now(const walk *w, enum command c)
{
    bool is_chunk = c >= CHUNK && c <= CHUNK_LAST;
    bool is_late = (c == STARTTLS && w->is_tls) ||
                   (c == AUTH && (w->is_known || !w->esmtp));
    if (w->is_lmtp && c == HELO) {
        return 500;
    }
    if (w->is_lmtp && w->place == TURNED_DOWN && (c == DATA || is_chunk)) {
        return 503;
    }
    if (is_late || (is_chunk && !w->esmtp)) {
        return 503;
    }
    return reference[c].code[w->place];
}

/* A chunk of so many octets. They are a text that goes on from the chunk
 * before, and if they were taken for commands that would show. */
static void chunk(walk *w, enum command c)
{
    static const char body[] = "QUIT\r\n";
    bool is_last = c == CHUNK_LAST;
    bool was_spoilt = w->place == SPOILT;
    uint32_t n = draw(w, 4) == 0 ? 0 : draw(w, OCTETS);
    uint64_t at = w->place == CHUNKS ? w->body : 0;
    int code = code_now(w, c);
    char line[40];
    n += is_last && (at + n) % 6 == 5 ? 1 : 0; /* no CR at the end */
    (void)snprintf(line, sizeof line, reference[c].line, n);
    text_z(&w->octets, line);
    for (uint32_t i = 0; i < n; i++) {
        text_add(&w->octets, body + (at + i) % 6, 1);
    }
    if (code == ASK && w->place == RECIPIENTS) {
        code = SILENCE;
        if (ask(w, c, MK_EV_SMTP_DATA) == YES) {
            w->list[w->count - 1].code = SILENCE;
            code = is_last ? ASK : 250;
        }
    }
    if (code == ASK || code == 250) {
        w->body = at + n;
        w->place = CHUNKS;
        if (is_last) {
            end(w, w->body, true);
        } else {
            (void)expect(w, 0, 250);
        }
        return;
    }
    /* what is refused ends what there was; over LMTP each recipient hears of
     * the last chunk, and nobody where there is none */
    bool is_each = w->is_lmtp && is_last && w->esmtp;
    uint32_t heirs = was_spoilt ? w->accepted : 0;
    bool is_unheard = is_each && heirs == 0;
    uint32_t times = is_each && heirs > 0 ? heirs : 1;
    bool resets = is_open(w);
    if (code == SILENCE) {
        expected *e = &w->list[w->count - 1];
        e->reset = true;
        resets = false;
        code = e->code;
        times = w->is_lmtp && is_last ? w->accepted - 1 : 0;
    } else if (is_unheard) {
        code = SILENCE;
    }
    for (; times > 0; times--, resets = false) {
        expect(w, 0, code)->reset = resets;
    }
    if (is_open(w) || was_spoilt) {
        w->place = is_last ? IDLE : SPOILT;
    }
}

/* move the model by one command and note what must come */
static void foresee(walk *w, enum command c)
{
    int code = code_now(w, c);
    if (c >= CHUNK && c <= CHUNK_LAST) {
        chunk(w, c);
        return;
    }
    text_z(&w->octets,
           c == EHLO && w->is_lmtp ? "LHLO c.example\r\n" : reference[c].line);
    if (c == BODY) {
        end(w, 6, false);
    } else if (code == ASK) {
        answered(w, c, ask(w, c, reference[c].event));
    } else {
        expected *e = expect(w, 0, code);
        if (code == 220) {
            e->reset = is_open(w);
            w->is_tls = true;
            w->esmtp = w->is_known = false;
            w->place = FRESH;
        } else if (c == RSET) {
            e->reset = is_open(w);
            w->place = w->place == FRESH ? FRESH : IDLE;
        } else if (w->place == SENDER && (c == RCPT_BAD || c == RCPT_PARAM)) {
            w->place = TURNED_DOWN;
        }
    }
}

static void answer(walk *w, mk_op op, const expected *e)
{
    enum verdict v = e->verdict;
    static const mk_answer answers[] = {MK_ANSWER_YES, MK_ANSWER_NO,
                                        MK_ANSWER_LATER};
    mk_str none = {NULL, 0};
    if (v != SILENT && e->event == MK_EV_SASL) {
        assert_int_equal(mk_sasl_answer(w->engine, op, answers[v], NULL),
                         MK_OK);
    } else if (v != SILENT) {
        assert_int_equal(mk_reply(w->engine, op, answers[v], none, none),
                         MK_OK);
    }
}

static void on_event(walk *w, const mk_event *ev)
{
    if (ev->type == MK_EV_SMTP_RESET) {
        assert_true(w->resets > 0);
        w->resets--;
        return;
    }
    bool is_told = ev->type == MK_EV_SMTP_AUTH || ev->type == MK_EV_SMTP_TLS;
    bool is_end = ev->type == MK_EV_BODY && (ev->flags & MK_LAST) != 0;
    if (is_told || (ev->type == MK_EV_BODY && !is_end)) {
        return;
    }
    if (ev->type == MK_EV_TLS_WANTED) {
        w->tls_wanted = true;
        return;
    }
    if (is_end) {
        assert_true(w->ended < w->ends);
        assert_int_equal(ev->size, w->bodies[w->ended++]);
        assert_true(ev->of.smtp->accepted > 0);
        assert_int_equal((ev->flags & MK_ASK) != 0, !w->is_lmtp);
        if (w->is_lmtp) {
            return;
        }
    }
    assert_true((ev->flags & MK_ASK) != 0);
    while (w->asked < w->count && w->list[w->asked].event == 0) {
        w->asked++;
    }
    assert_true(w->asked < w->count);
    const expected *e = &w->list[w->asked++];
    assert_int_equal(ev->type, e->event);
    if (is_end || ev->type == MK_EV_SMTP_DELIVERED) {
        const mk_smtp_event *told = ev->of.smtp;
        w->is_taken = (told->index > 0 && w->is_taken) || e->verdict == YES;
        bool is_all = !w->is_lmtp || told->index + 1 == told->accepted;
        w->taken += w->is_taken && is_all ? 1 : 0;
    }
    if (e->put_off) {
        assert_int_equal(mk_later(w->engine, ev->op), MK_OK);
        w->waiting = ev->op;
    } else {
        answer(w, ev->op, e);
    }
}

static void step_all(walk *w)
{
    mk_event ev;
    for (;;) {
        mk_err err;
        while ((err = rig_step(&w->rig, &ev)) == MK_OK) {
            on_event(w, &ev);
        }
        assert_int_equal(err, MK_WAIT);
        if (w->waiting == 0) {
            return;
        }
        answer(w, w->waiting, &w->list[w->asked - 1]);
        w->waiting = 0;
    }
}

/* the code of the reply that begins at *io_at, which is moved behind it */
static int next_code(walk *w, size_t *io_at)
{
    for (;;) {
        size_t at = *io_at;
        assert_true(at + 5 < w->out.len);
        const char *line = w->out.ptr + at;
        const char *end = strstr(line, "\r\n");
        assert_non_null(end);
        *io_at = (size_t)(end - w->out.ptr) + 2;
        if (line[3] == ' ') {
            return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
        }
    }
}

static void cross(walk *w)
{
    w->tls_wanted = false;
    w->crossings++;
    assert_int_equal(mk_tls_begin(w->engine, rig_held(&w->rig)), MK_OK);
    assert_int_equal(mk_tls_done(w->engine, MK_OK, &w->tls), MK_OK);
    step_all(w);
}

static void perform(walk *w)
{
    size_t at = 0;
    while (at < w->octets.len) {
        size_t left = w->octets.len - at;
        size_t n = 1 + draw(w, (uint32_t)left);
        rig_push(&w->rig, w->octets.ptr + at, n);
        at += n;
        step_all(w);
    }
    do { /* a login is asked about once the replies before it are taken */
        rig_look(&w->rig, &w->out);
        rig_ack(&w->rig, w->rig.queued.len);
        step_all(w);
        rig_look(&w->rig, &w->out);
    } while (w->rig.queued.len > 0);
    if (w->tls_wanted) {
        cross(w);
    }
    assert_null(w->rig.broken);
    at = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (w->list[i].code != SILENCE) {
            assert_int_equal(next_code(w, &at), w->list[i].code);
        }
    }
    assert_int_equal(w->ended, w->ends);
    assert_int_equal(at, w->out.len);
    assert_int_equal(w->resets, 0);
    text_clear(&w->out);
    text_clear(&w->octets);
}

/* any command at all, or, as often, the one that leads on */
static enum command next_command(walk *w)
{
    static const enum command onward[PLACES][2] = {
        {EHLO, EHLO},  {MAIL, MAIL},        {RCPT, RCPT},      {RCPT, RCPT},
        {DATA, CHUNK}, {CHUNK, CHUNK_LAST}, {RSET, CHUNK_LAST}};
    return draw(w, 2) == 0 ? onward[w->place][draw(w, 2)]
                           : (enum command)draw(w, BODY);
}

static void begin_group(walk *w)
{
    w->count = w->asked = 0;
    w->ends = w->ended = 0;
}

static void perform_group(walk *w)
{
    for (size_t i = 0; i < w->count; i++) {
        w->resets += w->list[i].reset;
    }
    perform(w);
}

static size_t one_group(walk *w)
{
    size_t commands = 0;
    begin_group(w);
    if (w->in_body) {
        foresee(w, BODY);
        commands++;
    } else {
        enum command c;
        do {
            c = next_command(w);
            foresee(w, c);
            commands++;
        } while (!reference[c].closes && w->esmtp && commands < GROUP &&
                 draw(w, 4) != 0);
    }
    perform_group(w);
    return commands;
}

static void one_command(walk *w, enum command c, int verdict)
{
    w->verdict = verdict;
    begin_group(w);
    foresee(w, c);
    perform_group(w);
    w->verdict = ASK;
}

/* Replies to failed logins are delayed; a hurried server does not. */
static void configure(walk *w)
{
    mk_smtp_server_config *c = &w->config;
    assert_int_equal(mk_smtp_server_config_init(c, sizeof *c), MK_OK);
    assert_int_equal(mk_sasl_server_config_init(&w->sasl, sizeof w->sasl),
                     MK_OK);
    w->sasl.mechanisms = MK_SASL_PLAIN;
    w->sasl.is_clear_allowed = true;
    c->sasl = &w->sasl;
    c->tls = MK_TLS_POLICY_MAY;
    c->hostname = mk_str_z("mx.example");
    c->extensions |= MK_SMTP_EXTENSION_CHUNKING;
    c->is_lmtp = w->is_lmtp;
    c->asks = MK_SMTP_ASK_ALL & ~(uint32_t)MK_SMTP_ASK_CONNECT;
    c->errors_max = c->hurry_errors_max = UINT32_MAX;
    c->errors_soft = UINT32_MAX;
    c->junk_max = c->hurry_junk_max = UINT32_MAX;
    c->messages_max = UINT32_MAX;
    c->auth_failures_max = UINT32_MAX;
}

static void open_session(walk *w)
{
    size_t need = mk_smtp_server_need(&w->config);
    w->place = FRESH;
    w->esmtp = w->in_body = w->is_tls = w->is_known = false;
    w->block = malloc(need);
    assert_non_null(w->block);
    assert_int_equal(
        mk_smtp_server_open(&w->config, w->block, need, &w->engine), MK_OK);
    mk_hurry(w->engine, true);
    rig_init(&w->rig, w->engine, 0);
    mk_event ev;
    assert_int_equal(rig_step(&w->rig, &ev), MK_OK); /* CONNECT */
    assert_int_equal(rig_step(&w->rig, &ev), MK_WAIT);
    rig_look(&w->rig, &w->out);
    rig_ack(&w->rig, w->rig.queued.len);
    text_clear(&w->out);
}

static void close_session(walk *w)
{
    mk_close(w->engine);
    rig_fini(&w->rig);
    free(w->block);
}

static void open_walk(walk *w, uint64_t seed, bool is_lmtp)
{
    memset(w, 0, sizeof *w);
    w->random = seed;
    w->verdict = ASK;
    w->is_lmtp = is_lmtp;
    configure(w);
    open_session(w);
}

static void close_walk(walk *w)
{
    close_session(w);
    text_free(&w->out);
    text_free(&w->octets);
}

static void sec_007_sec_013_random_walks_against_the_reference(void **state)
{
    (void)state;
    walk *w = malloc(sizeof *w);
    assert_non_null(w);
    size_t steps = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        open_walk(w, seed * 0x9E3779B97F4A7C15u, seed % 2 == 0);
        size_t end = steps + 50000;
        while (steps < end) {
            steps += one_group(w);
            if (w->is_tls && draw(w, 50) == 0) { /* TLS comes once only */
                close_session(w);
                open_session(w);
            }
        }
        assert_int_equal(w->messages, w->taken);
        /* the walks do get somewhere */
        assert_true(w->messages > 500 && w->chunked > 200);
        assert_true(w->logins > 100 && w->crossings > 50);
        close_walk(w);
    }
    assert_true(steps >= 1000000);
    free(w);
}

/* Every command in every place, each way to answer, from a fresh session: the
 * table once through, without luck. */
static void reach(walk *w, enum place place)
{
    static const struct {
        enum command command;
        enum verdict verdict;
    } path[PLACES][4] = {
        [FRESH] = {{COMMANDS, YES}},
        [IDLE] = {{EHLO, YES}, {COMMANDS, YES}},
        [SENDER] = {{EHLO, YES}, {MAIL, YES}, {COMMANDS, YES}},
        [TURNED_DOWN] = {{EHLO, YES}, {MAIL, YES}, {RCPT, NO}, {COMMANDS, YES}},
        [RECIPIENTS] = {{EHLO, YES}, {MAIL, YES}, {RCPT, YES}, {COMMANDS, YES}},
        [CHUNKS] = {{EHLO, YES}, {MAIL, YES}, {RCPT, YES}, {CHUNK, YES}},
        [SPOILT] = {{EHLO, YES}, {MAIL, YES}, {RCPT, YES}, {CHUNK_ODD, YES}},
    };
    for (size_t i = 0; i < 4 && path[place][i].command != COMMANDS; i++) {
        one_command(w, path[place][i].command, (int)path[place][i].verdict);
    }
    assert_int_equal(w->place, place);
}

static void sec_007_sec_013_each_command_in_each_place(void **state)
{
    (void)state;
    walk *w = malloc(sizeof *w);
    assert_non_null(w);
    for (int place = FRESH; place < PLACES; place++) {
        for (int c = EHLO; c < BODY; c++) {
            for (int v = YES; v < 2 * VERDICTS; v++) {
                open_walk(w, 1, v >= VERDICTS);
                reach(w, (enum place)place);
                one_command(w, (enum command)c, v % VERDICTS);
                close_walk(w);
            }
        }
    }
    free(w);
}

/* What was refused at its end leaves nothing: no body is ever accepted
 * without a MAIL and an accepted RCPT of its own. */
static void sec_007_sec_013_no_body_without_its_own_envelope(void **state)
{
    static const enum command then[][9] = {
        {DATA, BODY, DATA, RCPT, DATA, MAIL, DATA, RCPT, DATA},
        {CHUNK_LAST, CHUNK_LAST, CHUNK, RCPT, CHUNK_LAST, MAIL, CHUNK, RCPT,
         CHUNK_LAST},
        {CHUNK, DATA, CHUNK_LAST, CHUNK_LAST, DATA, MAIL, CHUNK_LAST, RCPT,
         CHUNK},
        {CHUNK, RSET, CHUNK_LAST, MAIL, RCPT, CHUNK_ODD, RCPT, DATA,
         CHUNK_LAST},
    };
    (void)state;
    walk *w = malloc(sizeof *w);
    assert_non_null(w);
    for (int v = YES; v < 2 * VERDICTS; v++) {
        for (size_t k = 0; k < sizeof then / sizeof then[0]; k++) {
            open_walk(w, 7, v >= VERDICTS);
            reach(w, RECIPIENTS);
            for (size_t i = 0; i < sizeof then[k] / sizeof then[k][0]; i++) {
                enum command c = then[k][i];
                bool is_end = c == BODY || c == CHUNK_LAST;
                if (c != BODY || w->in_body) {
                    one_command(w, c, is_end ? v % VERDICTS : (int)YES);
                }
            }
            close_walk(w);
        }
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_007_sec_013_each_command_in_each_place),
        cmocka_unit_test(sec_007_sec_013_no_body_without_its_own_envelope),
        cmocka_unit_test(sec_007_sec_013_random_walks_against_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
