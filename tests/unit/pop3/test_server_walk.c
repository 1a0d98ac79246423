/* SPDX-License-Identifier: MIT
 *
 * test_server_walk.c: random sessions against a reference: what RFC 1939 3 to 7
 * allows where, and what it changes, written down here anew as one small table
 * and a maildrop of four messages. Commands come one by one or in groups, cut
 * at random; the application says yes, no, later, nothing, or puts it off, and
 * lends in pieces of any size; octets are acknowledged in any pieces. TLS comes
 * in between. What is marked goes at QUIT and never otherwise (THREATS 81).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/pop3.h>
#include <mailkit/sasl.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

enum { MESSAGES = 4, GROUP = 4, SESSIONS = 1500, GROUPS = 24 };

static const char *const messages[MESSAGES + 1] = {
    NULL, "a: b\r\n\r\none\r\n.two\r\n..\r\n", ".a: b\r\n.\r\n\r\n.\r\n",
    "",   "only: header\r\nno: end",
};

/* ---- the reference ------------------------------------------------------- */

enum command {
    USER,
    PASS,
    PLAIN,
    MECHANISMS,
    CAPA,
    UTF8,
    LANG,
    LANG_BAD,
    STLS,
    STAT,
    STAT_ARG,
    LIST,
    LIST_ONE,
    UIDL,
    UIDL_ONE,
    RETR,
    TOP,
    TOP_BAD,
    DELE,
    RSET,
    NOOP,
    JUNK,
    EMPTY,
    COMMANDS
};

/* What becomes of it in a place. */
enum fate {
    NO_WAY, /* -ERR */
    FINE,   /* +OK */
    LINES,  /* +OK, and lines */
    ASKED,  /* the application decides */
    LOGIN,
    BORDER
};

static const struct {
    const char *line; /* "%" stands for a number from 0 to MESSAGES + 1 */
    uint32_t event;
    enum fate before; /* a login, and behind it */
    enum fate behind;
} reference[COMMANDS] = {
    /* clang-format off */
    [USER]       = {"USER ann\r\n",                  0,                FINE,   NO_WAY},
    [PASS]       = {"PASS pw d\r\n",                 0,                LOGIN,  NO_WAY}, /* behind USER */
    [PLAIN]      = {"AUTH PLAIN AGFubgBwdyBk\r\n",   0,                LOGIN,  NO_WAY},
    [MECHANISMS] = {"auth\r\n",                      0,                LINES,  NO_WAY},
    [CAPA]       = {"CAPA\r\n",                      0,                LINES,  LINES},
    [UTF8]       = {"UTF8\r\n",                      0,                FINE,   NO_WAY},
    [LANG]       = {"LANG\r\n",                      0,                LINES,  LINES},
    [LANG_BAD]   = {"LANG xx\r\n",                   0,                NO_WAY, NO_WAY},
    [STLS]       = {"STLS\r\n",                      0,                BORDER, NO_WAY}, /* once, not behind UTF8 */
    [STAT]       = {"STAT\r\n",                      MK_EV_POP3_STAT,  NO_WAY, ASKED},
    [STAT_ARG]   = {"STAT 1\r\n",                    0,                NO_WAY, NO_WAY},
    [LIST]       = {"LIST\r\n",                      MK_EV_POP3_LIST,  NO_WAY, ASKED},
    [LIST_ONE]   = {"LIST %\r\n",                    MK_EV_POP3_LIST,  NO_WAY, ASKED},
    [UIDL]       = {"UIDL\r\n",                      MK_EV_POP3_UIDL,  NO_WAY, ASKED},
    [UIDL_ONE]   = {"UIDL %\r\n",                    MK_EV_POP3_UIDL,  NO_WAY, ASKED},
    [RETR]       = {"RETR %\r\n",                    MK_EV_POP3_RETR,  NO_WAY, ASKED},
    [TOP]        = {"TOP % 1\r\n",                   MK_EV_POP3_TOP,   NO_WAY, ASKED},
    [TOP_BAD]    = {"TOP 1 -1\r\n",                  0,                NO_WAY, NO_WAY},
    [DELE]       = {"DELE %\r\n",                    MK_EV_POP3_DELE,  NO_WAY, ASKED},
    [RSET]       = {"RSET\r\n",                      MK_EV_POP3_RSET,  NO_WAY, ASKED},
    [NOOP]       = {"NOOP\r\n",                      0,                NO_WAY, FINE},
    [JUNK]       = {"XTND x\r\n",                    0,                NO_WAY, NO_WAY},
    [EMPTY]      = {"\r\n",                          0,                NO_WAY, NO_WAY},
    /* clang-format on */
};

/* The body of the first line, byte-stuffed, as TOP shows it. */
static const char *const tops[MESSAGES + 1] = {
    NULL,
    "a: b\r\n\r\none\r\n.\r\n",
    "..a: b\r\n..\r\n\r\n..\r\n.\r\n",
    ".\r\n",
    "only: header\r\nno: end\r\n.\r\n",
};

static const char *const wholes[MESSAGES + 1] = {
    NULL,
    "a: b\r\n\r\none\r\n..two\r\n...\r\n.\r\n",
    "..a: b\r\n..\r\n\r\n..\r\n.\r\n",
    ".\r\n",
    "only: header\r\nno: end\r\n.\r\n",
};

enum verdict { YES, NO, DEFER, SILENT, VERDICTS };

/* A reply that must come; and the question before it, if there is one. */
typedef struct expected {
    uint32_t event;
    uint32_t number;
    enum command command;
    enum verdict verdict; /* of the question */
    enum verdict login;   /* of the exchange before OPEN */
    bool put_off;
    bool is_utf8;
    bool is_ok;
    bool is_any; /* lines whose content is not looked at */
    text line;   /* the status line, when its text matters */
    text body;   /* lines behind it with their end, or empty */
} expected;

typedef struct walk {
    uint64_t random;
    mk_pop3_server_config config;
    mk_sasl_server_config sasl;
    mk_tls_info tls;
    void *block;
    mk_engine *engine;
    rig rig;
    text out;
    text octets;
    /* the model */
    bool is_in; /* logged in, and the maildrop is open */
    bool is_named;
    bool is_utf8;
    bool is_tls;
    bool is_marked[MESSAGES + 1];
    /* what must come */
    expected list[GROUP];
    size_t count;
    size_t asked;
    bool is_tls_wanted;
    bool is_closed; /* the group may have no more commands */
    mk_op waiting;
    /* what is lent, or told */
    const char *lending;
    uint32_t row;
    char *lent[2];
    size_t lent_count;
    uint64_t updates;
    uint64_t logins;
    uint64_t crossings;
    uint64_t bodies;
} walk;

static uint32_t draw(walk *w, uint32_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 32) % below);
}

static uint64_t size_of(uint32_t number)
{
    return 100 + number;
}

static void add_row(text *to, const walk *w, enum command c, uint32_t number)
{
    (void)w;
    text_u64(to, number);
    if (c == UIDL || c == UIDL_ONE) {
        text_z(to, " uid-");
        text_u64(to, number);
    } else {
        text_z(to, " ");
        text_u64(to, size_of(number));
    }
    text_z(to, "\r\n");
}

static uint32_t left(const walk *w)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i <= MESSAGES; i++) {
        n += w->is_marked[i] ? 0 : 1;
    }
    return n;
}

static enum verdict verdict_of(walk *w)
{
    uint32_t dice = draw(w, 12);
    return dice < 9 ? YES : (enum verdict)(1 + dice % 3);
}

/* ---- the model ------------------------------------------------------------
 */

static void foresee_login(walk *w, expected *e)
{
    e->login = verdict_of(w);
    e->verdict = verdict_of(w);
    e->is_ok = e->login == YES && e->verdict == YES;
    e->event = MK_EV_POP3_OPEN;
    w->is_closed = e->login != YES;
    w->is_in = e->is_ok;
    w->logins += e->is_ok;
    if (e->is_ok) {
        memset(w->is_marked, 0, sizeof w->is_marked);
    }
}

static void foresee_lines(const walk *w, expected *e)
{
    for (uint32_t i = 1; i <= MESSAGES; i++) {
        if (!w->is_marked[i]) {
            add_row(&e->body, w, e->command, i);
        }
    }
    text_z(&e->body, ".\r\n");
}

/* The application has said yes. */
static void foresee_yes(walk *w, expected *e)
{
    switch (e->command) {
    case STAT:
        text_z(&e->line, "+OK ");
        text_u64(&e->line, left(w));
        text_z(&e->line, " 7\r\n");
        break;
    case LIST_ONE:
    case UIDL_ONE:
        text_z(&e->line, "+OK ");
        add_row(&e->line, w, e->command, e->number);
        break;
    case LIST:
    case UIDL:
        foresee_lines(w, e);
        break;
    case RETR:
        text_z(&e->body, wholes[e->number]);
        break;
    case TOP:
        text_z(&e->body, tops[e->number]);
        break;
    case DELE:
        w->is_marked[e->number] = true;
        break;
    case RSET:
        memset(w->is_marked, 0, sizeof w->is_marked);
        break;
    default:
        break;
    }
}

static void foresee_question(walk *w, expected *e)
{
    bool is_about = strchr(reference[e->command].line, '%') != NULL;
    if (is_about && (e->number == 0 || e->number > MESSAGES)) {
        return; /* -ERR, and nobody is asked */
    }
    e->event = reference[e->command].event;
    e->number = is_about ? e->number : 0;
    e->verdict = verdict_of(w);
    if (is_about && w->is_marked[e->number]) {
        e->verdict = NO; /* "may NOT refer to a message marked as deleted" */
    }
    e->put_off = e->verdict != SILENT && draw(w, 6) == 0;
    e->is_ok = e->verdict == YES;
    if (e->is_ok) {
        foresee_yes(w, e);
    }
}

static void say(walk *w, const char *line, uint32_t number)
{
    for (; *line != '\0'; line++) {
        if (*line == '%') {
            text_u64(&w->octets, number);
        } else {
            text_add(&w->octets, line, 1);
        }
    }
}

static void foresee(walk *w, enum command c)
{
    expected *e = &w->list[w->count++];
    enum fate fate = w->is_in ? reference[c].behind : reference[c].before;
    bool was_named = w->is_named;
    memset(e, 0, sizeof *e);
    e->command = c;
    e->number = draw(w, MESSAGES + 2);
    e->is_utf8 = w->is_utf8;
    w->is_named = false;
    say(w, reference[c].line, e->number);
    if (fate == FINE || fate == LINES) {
        e->is_ok = true;
        e->is_any = fate == LINES;
        w->is_named = c == USER;
        w->is_utf8 = w->is_utf8 || c == UTF8;
    } else if (fate == LOGIN && (c != PASS || was_named)) {
        foresee_login(w, e);
    } else if (fate == BORDER && !w->is_tls && !w->is_utf8) {
        e->is_ok = true;
        w->is_tls = true;
        w->is_closed = true;
    } else if (fate == ASKED) {
        foresee_question(w, e);
    }
}

/* ---- the application ------------------------------------------------------
 */

static void answer_yes(walk *w, mk_op op, const expected *e)
{
    static const mk_str none = {NULL, 0};
    char uid[16] = "uid-?";
    mk_err err;
    if (e->event == MK_EV_POP3_OPEN) {
        err = mk_pop3_server_maildrop(w->engine, op, MESSAGES, 7);
    } else if (e->command == STAT) {
        size_t n = (size_t)(w->list[w->asked - 1].line.ptr[4] - '0');
        err = mk_pop3_server_maildrop(w->engine, op, (uint32_t)n, 7);
    } else if (e->command == LIST_ONE) {
        err = mk_pop3_server_size(w->engine, op, e->number, size_of(e->number));
    } else if (e->command == UIDL_ONE) {
        uid[4] = (char)('0' + e->number);
        err = mk_pop3_server_uid(w->engine, op, e->number, mk_str_z(uid));
    } else {
        err = mk_reply(w->engine, op, MK_ANSWER_YES, none, none);
    }
    assert_int_equal(err, MK_OK);
    w->row = 1;
    w->lending = e->number <= MESSAGES ? messages[e->number] : NULL;
}

static void answer(walk *w, mk_op op, const expected *e)
{
    static const mk_str none = {NULL, 0};
    if (e->verdict == YES) {
        answer_yes(w, op, e);
    } else if (e->verdict != SILENT) {
        assert_int_equal(
            mk_reply(w->engine, op,
                     e->verdict == NO ? MK_ANSWER_NO : MK_ANSWER_LATER, none,
                     none),
            MK_OK);
    }
}

static void judge(walk *w, mk_op op, const expected *e)
{
    static const mk_answer answers[] = {MK_ANSWER_YES, MK_ANSWER_NO,
                                        MK_ANSWER_LATER};
    if (e->login != SILENT) {
        assert_int_equal(mk_sasl_answer(w->engine, op, answers[e->login], NULL),
                         MK_OK);
    }
}

static expected *next_asked(walk *w)
{
    while (w->asked < w->count && w->list[w->asked].event == 0) {
        w->asked++;
    }
    assert_true(w->asked < w->count);
    return &w->list[w->asked];
}

/* Rows of those that the expected list has. */
static void tell_rows(walk *w, mk_op op, const expected *e)
{
    static const mk_str none = {NULL, 0};
    char uid[16] = "uid-?";
    for (; w->row <= MESSAGES; w->row++) {
        text row = {0};
        add_row(&row, w, e->command, w->row);
        bool is_there = strstr(text_c((text *)&e->body), text_c(&row)) != NULL;
        text_free(&row);
        if (!is_there) {
            continue;
        }
        uid[4] = (char)('0' + w->row);
        mk_err err =
            e->command == LIST
                ? mk_pop3_server_size(w->engine, op, w->row, size_of(w->row))
                : mk_pop3_server_uid(w->engine, op, w->row, mk_str_z(uid));
        assert_int_equal(err, MK_OK); /* four of them fit any unit */
    }
    assert_int_equal(mk_body(w->engine, op, none, true), MK_OK);
}

/* True: there may be another one. */
static bool lend_piece(walk *w, mk_op op)
{
    size_t n = strlen(w->lending);
    size_t piece = n == 0 ? 0 : draw(w, (uint32_t)n + 1);
    bool is_last = piece == n && draw(w, 2) == 0;
    char *copy = malloc(piece + 1);
    assert_non_null(copy);
    memcpy(copy, w->lending, piece);
    mk_err err = mk_body(w->engine, op, mk_str_of(copy, piece), is_last);
    if (err == MK_WAIT) { /* a TOP has enough */
        free(copy);
        return false;
    }
    assert_int_equal(err, MK_OK);
    assert_true(w->lent_count < 2);
    w->lent[w->lent_count++] = copy;
    w->lending += piece;
    return !is_last && draw(w, 2) == 0;
}

static void on_wanted(walk *w, const mk_event *ev)
{
    const expected *e = &w->list[w->asked - 1];
    if (ev->data.ptr != NULL && w->lent_count > 0) {
        assert_ptr_equal(ev->data.ptr, w->lent[0]);
        free(w->lent[0]);
        w->lent[0] = w->lent[1];
        w->lent_count--;
    }
    if ((ev->flags & MK_LAST) != 0) {
        assert_int_equal(w->lent_count, 0);
        w->bodies++;
    } else if (e->command == LIST || e->command == UIDL) {
        tell_rows(w, ev->op, e);
    } else {
        for (uint64_t i = 0; i < ev->size && lend_piece(w, ev->op); i++) {
        }
    }
}

static void on_event(walk *w, const mk_event *ev)
{
    if (ev->type == MK_EV_WANTED) {
        on_wanted(w, ev);
        return;
    }
    if (ev->type == MK_EV_TLS_WANTED) {
        w->is_tls_wanted = true;
        return;
    }
    if (ev->type == MK_EV_POP3_AUTH) {
        const expected *e = &w->list[w->asked];
        assert_int_equal(ev->err == MK_OK, e->login == YES);
        w->asked += e->login != YES;
        return;
    }
    if (ev->type == MK_EV_POP3_TLS || ev->type == MK_EV_POP3_CONNECT) {
        return;
    }
    assert_true((ev->flags & MK_ASK) != 0);
    expected *e = next_asked(w);
    if (ev->type == MK_EV_SASL) {
        assert_int_equal(e->event, MK_EV_POP3_OPEN);
        assert_true(mk_str_is(ev->of.sasl->secret, mk_str_z("pw d")));
        judge(w, ev->op, e);
        return;
    }
    assert_int_equal(ev->type, e->event);
    assert_int_equal(ev->of.pop3->flags, e->is_utf8 ? MK_POP3_EVENT_UTF8 : 0);
    if (e->event != MK_EV_POP3_OPEN) {
        assert_int_equal(ev->of.pop3->number, e->number);
    }
    w->asked++;
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
        assert_null(w->rig.broken);
        if (w->waiting == 0) {
            return;
        }
        answer(w, w->waiting, &w->list[w->asked - 1]);
        w->waiting = 0;
    }
}

/* ---- what came ------------------------------------------------------------
 */

/* The text up to and with the next end, from *io_at on. */
static mk_str next_part(const walk *w, size_t *io_at, const char *end)
{
    const char *begin = w->out.ptr + *io_at;
    const char *stop = strstr(begin, end);
    assert_non_null(stop);
    mk_str part = mk_str_of(begin, (size_t)(stop - begin) + strlen(end));
    *io_at += part.len;
    return part;
}

static void compare(walk *w)
{
    size_t at = 0;
    text_z(&w->out, "");
    for (size_t i = 0; i < w->count; i++) {
        expected *e = &w->list[i];
        mk_str line = next_part(w, &at, "\r\n");
        assert_true(mk_str_has_prefix_nocase(
            line, mk_str_z(e->is_ok ? "+OK" : "-ERR")));
        if (e->line.len > 0) {
            assert_true(mk_str_is(line, text_view(&e->line)));
        }
        if (e->is_any) {
            (void)next_part(w, &at, "\r\n.\r\n");
        }
        mk_str body = mk_str_of(w->out.ptr + at, e->body.len);
        assert_true(at + e->body.len <= w->out.len);
        assert_true(mk_str_is(body, text_view(&e->body)));
        at += e->body.len;
        text_free(&e->line);
        text_free(&e->body);
    }
    assert_int_equal(at, w->out.len);
    assert_int_equal(w->lent_count, 0);
}

/* Acknowledge some of what is there. */
static void take_some(walk *w)
{
    rig_look(&w->rig, &w->out);
    if (w->rig.queued.len > 0) {
        rig_ack(&w->rig, 1 + draw(w, (uint32_t)w->rig.queued.len));
    }
}

static void cross(walk *w)
{
    w->is_tls_wanted = false;
    w->crossings++;
    assert_int_equal(mk_tls_begin(w->engine, rig_held(&w->rig)), MK_OK);
    assert_int_equal(mk_tls_done(w->engine, MK_OK, &w->tls), MK_OK);
    step_all(w);
}

static void settle(walk *w)
{
    for (;;) {
        step_all(w);
        take_some(w);
        if (w->is_tls_wanted) {
            cross(w);
        }
        unsigned want = mk_want(w->engine);
        if (w->rig.queued.len > 0 || (want & MK_WANT_STEP) != 0) {
            continue;
        }
        if ((want & MK_WANT_READ) != 0) {
            return;
        }
        w->rig.now_ms = mk_deadline(w->engine); /* a delayed reply */
    }
}

static void perform(walk *w)
{
    size_t at = 0;
    while (at < w->octets.len) {
        size_t n = 1 + draw(w, (uint32_t)(w->octets.len - at));
        rig_push(&w->rig, w->octets.ptr + at, n);
        at += n;
        step_all(w);
        if (draw(w, 2) == 0) {
            take_some(w);
        }
    }
    settle(w);
    compare(w);
    text_clear(&w->octets);
    text_clear(&w->out);
    w->count = 0;
    w->asked = 0;
    w->is_closed = false;
}

/* ---- a session ------------------------------------------------------------
 */

static void session_begin(walk *w)
{
    assert_int_equal(mk_pop3_server_open(&w->config, w->block,
                                         mk_pop3_server_need(&w->config),
                                         &w->engine),
                     MK_OK);
    rig_init(&w->rig, w->engine, 0);
    w->is_in = w->is_named = w->is_utf8 = w->is_tls = false;
    settle(w);
    text_clear(&w->out);
}

/* By QUIT, or without: only one of them may bring UPDATE. */
static void session_end(walk *w)
{
    static const mk_str none = {NULL, 0};
    mk_event ev;
    mk_err err;
    uint64_t updates = 0;
    bool is_quit = draw(w, 2) == 0;
    if (is_quit) {
        rig_push(&w->rig, "QUIT\r\n", 6);
    } else {
        mk_in_eof(w->engine, draw(w, 2) == 0 ? MK_OK : MK_E_NET);
    }
    while ((err = rig_step(&w->rig, &ev)) == MK_OK) {
        if (ev.type == MK_EV_POP3_UPDATE) {
            updates++;
            assert_int_equal(
                mk_reply(w->engine, ev.op, MK_ANSWER_YES, none, none), MK_OK);
        } else {
            assert_int_equal(ev.type, MK_EV_FAULT);
            assert_false(is_quit);
        }
    }
    assert_int_equal(err, MK_END);
    assert_int_equal(updates, is_quit && w->is_in ? 1 : 0);
    w->updates += updates;
    mk_close(w->engine);
    rig_fini(&w->rig);
}

static void walk_init(walk *w)
{
    memset(w, 0, sizeof *w);
    w->random = 0x9E3779B97F4A7C15u;
    w->tls.size = sizeof w->tls;
    assert_int_equal(mk_pop3_server_config_init(&w->config, sizeof w->config),
                     MK_OK);
    assert_int_equal(mk_sasl_server_config_init(&w->sasl, sizeof w->sasl),
                     MK_OK);
    w->sasl.mechanisms = MK_SASL_PLAIN;
    w->sasl.is_clear_allowed = true;
    w->config.sasl = &w->sasl;
    w->config.hostname = mk_str_z("mx.example");
    w->config.tls = MK_TLS_POLICY_MAY;
    w->config.errors_max = w->config.errors_soft = UINT32_MAX;
    w->config.junk_max = w->config.auth_failures_max = UINT32_MAX;
    w->config.auth_delay_ms = 1;
    w->block = malloc(mk_pop3_server_need(&w->config));
    assert_non_null(w->block);
}

static void sec_081_a_walk_agrees_with_the_reference(void **state)
{
    walk w;
    (void)state;
    walk_init(&w);
    for (unsigned i = 0; i < SESSIONS; i++) {
        session_begin(&w);
        for (unsigned group = 0; group < GROUPS; group++) {
            uint32_t n = 1 + draw(&w, GROUP);
            while (w.count < n && !w.is_closed) {
                foresee(&w, (enum command)draw(&w, COMMANDS));
            }
            perform(&w);
        }
        session_end(&w);
    }
    assert_true(w.logins > SESSIONS / 2);
    assert_true(w.updates > SESSIONS / 4);
    assert_true(w.crossings > SESSIONS / 8);
    assert_true(w.bodies > SESSIONS);
    free(w.block);
    text_free(&w.out);
    text_free(&w.octets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_081_a_walk_agrees_with_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
