/* SPDX-License-Identifier: MIT
 *
 * test_client_talk.c: the POP3 client and our own server in one memory, through
 * transports that cut anywhere (Law 4). What lies in the maildrop arrives
 * octet for octet; QUIT deletes what was marked and nothing else does; whatever
 * the application does on whatever event of the client, the talk comes to an
 * end and nothing is touched after its life (THREATS 110).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/pop3.h>
#include <mailkit/sasl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "text.h"

enum { MESSAGES = 24, TURNS = 2000000 };

typedef struct talk {
    mk_pop3_server_config server_config;
    mk_sasl_server_config server_login;
    mk_pop3_client_config client_config;
    mk_sasl_client_config client_login;
    mk_random random;
    mk_engine *server, *client;
    char *server_block, *client_block;
    rig server_rig, client_rig;
    text to_server, to_client; /* on their way */
    uint64_t dice;
    uint32_t piece; /* octets that the transport moves at once, at most */
    uint32_t span;  /* octets lent at once, at most */
    /* the maildrop */
    text message[MESSAGES];
    bool is_marked[MESSAGES], is_deleted[MESSAGES];
    mk_pop3_verb rows; /* being given */
    uint32_t row;
    size_t lent;
    uint32_t number;
    /* the client's application */
    text got[MESSAGES];
    uint32_t next; /* to be fetched */
    uint32_t uids, sizes, wrong;
    uint64_t octets;
    bool is_keep, is_asked, is_quit;
    mk_err quit_outcome;
    mk_err fault;
    /* the matrix */
    int action;
    unsigned at, seen;
    bool is_closed;
} talk;

static uint32_t draw(talk *t, uint32_t below)
{
    t->dice = t->dice * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(t->dice >> 33) % below;
}

static mk_err fill(void *self, void *out, size_t n)
{
    (void)self;
    memset(out, 0x33, n);
    return MK_OK;
}

/* Lines of all lengths, with dots where they hurt. */
static void write_message(talk *t, text *m, unsigned number)
{
    static const char *const bits[] = {".\r\n",  "..\r\n", "\r\n",    ".a\r\n",
                                       "a.\r\n", "text ",  "\xff\xfe"};

    text_z(m, "Subject: ");
    text_u64(m, number);
    text_z(m, "\r\n\r\n");
    for (unsigned i = draw(t, 60); i > 0; i--) {
        text_z(m, bits[draw(t, 7)]);
    }
    text_z(m, "end\r\n");
}

/* ---- the server's application -------------------------------------------- */

static const mk_str none = {NULL, 0};

static void give_rows(talk *t, mk_op op)
{
    char uid[24];
    mk_err err = MK_OK;

    while (err == MK_OK && t->row < MESSAGES) {
        (void)snprintf(uid, sizeof uid, "../%u", t->row);
        err =
            t->rows == MK_POP3_VERB_LIST
                ? mk_pop3_server_size(t->server, op, t->row + 1,
                                      t->message[t->row].len)
                : mk_pop3_server_uid(t->server, op, t->row + 1, mk_str_z(uid));
        t->row += err == MK_OK;
    }
    if (err == MK_OK) {
        t->row++; /* the end is told once */
        (void)mk_body(t->server, op, none, true);
    }
}

static void lend(talk *t, mk_op op)
{
    const text *m = &t->message[t->number - 1];
    size_t left = m->len - t->lent;
    size_t n = 1 + draw(t, t->span);
    mk_str span = mk_str_of(m->ptr + t->lent, n < left ? n : left);

    if (mk_body(t->server, op, span, n >= left) == MK_OK) {
        t->lent += span.len;
    }
}

static void on_wanted(talk *t, const mk_event *ev)
{
    if ((ev->flags & MK_LAST) != 0) {
        return;
    }
    if (t->rows == MK_POP3_VERB_NONE) {
        lend(t, ev->op);
    } else if (t->row <= MESSAGES) {
        give_rows(t, ev->op);
    }
}

static void answer(talk *t, const mk_event *ev)
{
    const mk_pop3_event *e = ev->of.pop3;
    uint64_t octets = 0;
    uint32_t i;

    t->rows = MK_POP3_VERB_NONE;
    for (i = 0; i < MESSAGES; i++) {
        octets += t->message[i].len;
    }
    switch (ev->type) {
    case MK_EV_POP3_OPEN:
    case MK_EV_POP3_STAT:
        (void)mk_pop3_server_maildrop(t->server, ev->op, MESSAGES, octets);
        return;
    case MK_EV_POP3_LIST:
    case MK_EV_POP3_UIDL:
        t->rows = e->verb;
        t->row = 0;
        break;
    case MK_EV_POP3_RETR:
    case MK_EV_POP3_TOP:
        t->number = e->number;
        t->lent = 0;
        break;
    case MK_EV_POP3_DELE:
        t->is_marked[e->number - 1] = true;
        break;
    case MK_EV_POP3_RSET:
        memset(t->is_marked, 0, sizeof t->is_marked);
        break;
    case MK_EV_POP3_UPDATE:
        memcpy(t->is_deleted, t->is_marked, sizeof t->is_deleted);
        break;
    default:
        break;
    }
    (void)mk_reply(t->server, ev->op, MK_ANSWER_YES, none, none);
}

static void on_server(talk *t, const mk_event *ev)
{
    if (ev->type == MK_EV_SASL) {
        (void)mk_sasl_answer(t->server, ev->op, MK_ANSWER_YES, NULL);
    } else if (ev->type == MK_EV_WANTED) {
        on_wanted(t, ev);
    } else if ((ev->flags & MK_ASK) != 0) {
        answer(t, ev);
    }
}

/* ---- the client's application -------------------------------------------- */

static bool ask(talk *t, mk_pop3_verb verb, uint32_t number)
{
    mk_op op;

    return mk_pop3_client_command(t->client, verb, number, 0, &op) == MK_OK;
}

/* As many commands as are taken; all that is fetched is marked. */
static void ask_on(talk *t)
{
    while (t->next < 2 * MESSAGES) {
        uint32_t number = t->next / 2 + 1;
        bool is_dele = t->next % 2 == 1;

        if (!is_dele || !t->is_keep) {
            if (!ask(t, is_dele ? MK_POP3_VERB_DELE : MK_POP3_VERB_RETR,
                     number)) {
                return;
            }
        }
        t->next++;
    }
    t->is_quit = t->is_quit || ask(t, MK_POP3_VERB_QUIT, 0);
}

static void check_uid(talk *t, const mk_event *ev)
{
    char uid[24];

    (void)snprintf(uid, sizeof uid, "../%u", ev->of.pop3->number - 1);
    t->wrong +=
        ev->err != MK_OK || !mk_str_is(ev->of.pop3->argument, mk_str_z(uid));
    t->uids++;
}

static void on_client(talk *t, const mk_event *ev)
{
    const mk_pop3_event *e = ev->of.pop3;

    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0) {
        t->wrong += ev->offset != t->got[e->number - 1].len;
        text_str(&t->got[e->number - 1], ev->data);
    } else if (ev->type == MK_EV_BODY) {
        t->wrong += ev->size != t->got[e->number - 1].len;
    } else if (ev->type == MK_EV_POP3_UID) {
        check_uid(t, ev);
    } else if (ev->type == MK_EV_POP3_SIZE) {
        t->wrong += e->octets != t->message[e->number - 1].len;
        t->sizes++;
    } else if (ev->type == MK_EV_FAULT) {
        t->fault = ev->err;
    } else if (ev->type == MK_EV_DONE && e->verb == MK_POP3_VERB_QUIT) {
        t->quit_outcome = ev->err;
    } else if (ev->type == MK_EV_DONE && e->verb == MK_POP3_VERB_STAT) {
        t->octets = e->octets;
    }
    if (ev->type == MK_EV_POP3_READY) {
        (void)ask(t, MK_POP3_VERB_STAT, 0);
        (void)ask(t, MK_POP3_VERB_UIDL, 0);
        (void)ask(t, MK_POP3_VERB_LIST, 0);
    }
    if (ev->type == MK_EV_POP3_READY || ev->type == MK_EV_DONE) {
        ask_on(t);
    }
}

/* ---- the matrix ---------------------------------------------------------- */

enum {
    CLOSE,
    FINISH,
    HANG_UP,
    YES,
    NO,
    PUT_OFF,
    PUT_OFF_AND_ON,
    CANCEL,
    CANCEL_ALL,
    ASK_MORE,
    LIES,
    ACTIONS
};

static void act(talk *t, mk_op op)
{
    mk_engine *e = t->client;
    mk_str view = none;

    switch (t->action) {
    case CLOSE:
        mk_close(e);
        t->is_closed = true;
        break;
    case FINISH:
        mk_finish(e, none);
        break;
    case HANG_UP:
        mk_in_eof(e, MK_E_NET);
        break;
    case YES:
    case NO:
        (void)mk_reply(e, op, t->action == YES ? MK_ANSWER_YES : MK_ANSWER_NO,
                       none, none);
        break;
    case PUT_OFF:
        (void)mk_later(e, op);
        break;
    case PUT_OFF_AND_ON:
        (void)mk_later(e, op);
        (void)mk_later(e, op);
        (void)mk_reply(e, op, MK_ANSWER_LATER, none, none);
        break;
    case CANCEL:
        (void)mk_cancel(e, op);
        (void)mk_cancel(e, op);
        break;
    case CANCEL_ALL:
        for (mk_op i = 1; i < 100; i++) {
            (void)mk_cancel(e, i);
        }
        break;
    case ASK_MORE:
        (void)ask(t, MK_POP3_VERB_RSET, 0);
        (void)ask(t, MK_POP3_VERB_QUIT, 0);
        (void)ask(t, MK_POP3_VERB_NOOP, 0);
        break;
    default:
        (void)mk_out_sent(e, 1000000);
        (void)mk_tls_begin(e, 1);
        (void)mk_tls_done(e, MK_E_TLS, NULL);
        (void)mk_body(e, op, none, true);
        (void)mk_out(e, 1000000, &view, 1);
        break;
    }
}

/* ---- the transport ------------------------------------------------------- */

static void talk_init(talk *t, uint64_t seed)
{
    unsigned i;

    memset(t, 0, sizeof *t);
    t->dice = seed;
    t->piece = 64;
    t->span = 200;
    t->action = -1;
    t->quit_outcome = MK_E_STATE;
    t->random.fill = fill;
    for (i = 0; i < MESSAGES; i++) {
        write_message(t, &t->message[i], i);
        text_z(&t->got[i], "");
    }
    (void)mk_pop3_server_config_init(&t->server_config,
                                     sizeof t->server_config);
    (void)mk_sasl_server_config_init(&t->server_login, sizeof t->server_login);
    (void)mk_pop3_client_config_init(&t->client_config,
                                     sizeof t->client_config);
    (void)mk_sasl_client_config_init(&t->client_login, sizeof t->client_login);
    t->server_login.is_clear_allowed = true;
    t->server_login.mechanisms = MK_SASL_PLAIN;
    t->server_config.hostname = mk_str_z("pop.example");
    t->server_config.sasl = &t->server_login;
    t->client_login.is_clear_allowed = true;
    t->client_login.random = &t->random;
    t->client_login.authcid = mk_str_z("ann");
    t->client_login.password = mk_str_z("secret");
    t->client_config.sasl = &t->client_login;
}

static void talk_open(talk *t)
{
    size_t n = mk_pop3_server_need(&t->server_config);

    t->server_block = malloc(n);
    assert_int_equal(
        mk_pop3_server_open(&t->server_config, t->server_block, n, &t->server),
        MK_OK);
    n = mk_pop3_client_need(&t->client_config);
    t->client_block = malloc(n);
    assert_int_equal(
        mk_pop3_client_open(&t->client_config, t->client_block, n, &t->client),
        MK_OK);
    rig_init(&t->server_rig, t->server, 0);
    rig_init(&t->client_rig, t->client, 0);
}

static void talk_fini(talk *t)
{
    unsigned i;

    if (!t->is_closed) {
        assert_null(t->client_rig.broken);
        mk_close(t->client);
    }
    assert_null(t->server_rig.broken);
    mk_close(t->server);
    rig_fini(&t->server_rig);
    rig_fini(&t->client_rig);
    free(t->server_block);
    free(t->client_block);
    text_free(&t->to_server);
    text_free(&t->to_client);
    for (i = 0; i < MESSAGES; i++) {
        text_free(&t->message[i]);
        text_free(&t->got[i]);
    }
}

/* Take what an end says; put a piece of what is on its way into the other. */
static void move(talk *t, rig *source, rig *sink, text *way)
{
    unsigned want = mk_want(source->engine);
    uint32_t n;

    if ((want & MK_WANT_ABORT) != 0) {
        text_clear(&source->queued);
    }
    rig_look(source, way);
    rig_ack(source, source->queued.len);
    n = 1 + draw(t, t->piece);
    n = n < way->len ? n : (uint32_t)way->len;
    if (sink->ended) {
        text_clear(way);
    } else if (n > 0) {
        rig_push(sink, way->ptr, n);
        text_drop(way, n);
    }
    if (source->ended && way->len == 0 && !sink->ended) {
        mk_in_eof(sink->engine, MK_OK);
    }
}

static void step_client(talk *t)
{
    mk_event ev;

    while (!t->is_closed && rig_step(&t->client_rig, &ev) == MK_OK) {
        on_client(t, &ev);
        if (t->action >= 0 && t->seen++ == t->at) {
            act(t, ev.op);
        }
    }
}

static void step_server(talk *t)
{
    mk_event ev;

    while (rig_step(&t->server_rig, &ev) == MK_OK) {
        on_server(t, &ev);
    }
}

static bool is_quiet(const talk *t)
{
    return t->to_client.len == 0 && t->to_server.len == 0 &&
           (mk_want(t->server) & (MK_WANT_STEP | MK_WANT_WRITE)) == 0 &&
           (mk_want(t->client) & (MK_WANT_STEP | MK_WANT_WRITE)) == 0;
}

/* True when both came to an end. When nothing moves the clock does. */
static bool talk_run(talk *t)
{
    unsigned turns;

    talk_open(t);
    for (turns = 0; turns < TURNS; turns++) {
        step_server(t);
        step_client(t);
        if (t->is_closed) {
            return true;
        }
        if (t->client_rig.ended && t->server_rig.ended) {
            return true;
        }
        move(t, &t->server_rig, &t->client_rig, &t->to_client);
        move(t, &t->client_rig, &t->server_rig, &t->to_server);
        if (is_quiet(t)) {
            t->client_rig.now_ms += 1000;
            t->server_rig.now_ms += 1000;
        }
    }
    return false;
}

/* ---- tests --------------------------------------------------------------- */

static void all_arrived(const talk *t)
{
    unsigned i;
    uint64_t octets = 0;

    assert_int_equal(t->fault, MK_OK);
    assert_int_equal(t->wrong, 0);
    assert_int_equal(t->uids, MESSAGES);
    assert_int_equal(t->sizes, MESSAGES);
    assert_int_equal(t->quit_outcome, MK_OK);
    for (i = 0; i < MESSAGES; i++) {
        assert_true(text_same(&t->message[i], &t->got[i]));
        assert_int_equal(t->is_deleted[i], !t->is_keep);
        octets += t->message[i].len;
    }
    assert_int_equal(t->octets, octets);
}

static void test_all_arrives(void **state)
{
    static const uint32_t pieces[] = {1, 2, 3, 7, 64, 5000};
    static const uint32_t windows[] = {3, 4, 16, 64};

    (void)state;
    for (unsigned i = 0; i < 24; i++) {
        talk *t = malloc(sizeof *t);

        assert_non_null(t);
        talk_init(t, i);
        t->piece = pieces[i % 6];
        t->span = pieces[(i + 3) % 6];
        t->client_config.pipeline_max = windows[i % 4];
        t->is_keep = i % 2 == 0;
        if (i % 5 == 0) {
            t->server_config.capabilities &=
                ~(uint32_t)MK_POP3_CAPABILITY_PIPELINING;
        }
        if (i % 7 == 0) {
            t->client_config.capabilities &=
                ~(uint32_t)MK_POP3_CAPABILITY_SASL; /* USER and PASS */
        }
        assert_true(talk_run(t));
        all_arrived(t);
        talk_fini(t);
        free(t);
    }
}

/* Each action on each event: the talk ends, by itself or by its deadlines, and
 * only the client's own QUIT deletes. */
static void sec_110_anything_on_any_event(void **state)
{
    (void)state;
    for (int action = CLOSE; action < ACTIONS; action++) {
        for (unsigned at = 0; at < 100; at += 1 + at / 20) {
            talk *t = malloc(sizeof *t);
            bool is_any = false;

            assert_non_null(t);
            talk_init(t, at);
            t->piece = 200;
            t->action = action;
            t->at = at;
            assert_true(talk_run(t));
            for (unsigned i = 0; i < MESSAGES; i++) {
                is_any = is_any || t->is_deleted[i];
            }
            assert_true(!is_any || t->is_quit || action == ASK_MORE);
            talk_fini(t);
            free(t);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_arrives),
        cmocka_unit_test(sec_110_anything_on_any_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
