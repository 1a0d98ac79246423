/* SPDX-License-Identifier: MIT
 *
 * test_talk.c: client and server in one memory. Whatever body goes in comes
 * out, through transports of 1 to 64 octets (THREATS 6); whatever the
 * application does on whatever event, nothing is touched after its life
 * (THREATS 110); what is sent on leaves as it came (THREATS 5); and a whole
 * session runs on a small stack (THREATS 112).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "talk.h"

/* ---- how they talk ------------------------------------------------------- */

enum manner {
    PLAIN,
    JOINED,
    CHUNKS,
    CHUNKS_JOINED,
    LMTP,
    LMTP_CHUNKS,
    MANNERS
};

static void behave(talk *t, enum manner how)
{
    t->joins = how == JOINED || how == CHUNKS_JOINED || how == LMTP_CHUNKS;
    t->server_config.is_lmtp = how >= LMTP;
    t->client_config.is_lmtp = how >= LMTP;
    if (how == CHUNKS || how == CHUNKS_JOINED || how == LMTP_CHUNKS) {
        t->server_config.extensions |= MK_SMTP_EXTENSION_CHUNKING;
    }
}

/* ---- THREATS 6 ----------------------------------------------------------- */

static void comes_out(const text *body, size_t unit, size_t piece,
                      uint64_t seed)
{
    talk *t = malloc(sizeof *t);
    assert_non_null(t);
    talk_init(t, seed);
    t->unit = unit;
    t->piece = piece;
    t->body = body;
    assert_true(talk_run(t));
    assert_null(t->server_rig.broken);
    assert_null(t->client_rig.broken);
    assert_int_equal(t->outcome, MK_OK);
    assert_int_equal(t->accepted, 1);
    bool whole =
        body->len == 0 ||
        (body->len >= 2 && memcmp(body->ptr + body->len - 2, "\r\n", 2) == 0);
    assert_int_equal(t->arrived.len, body->len + (whole ? 0 : 2));
    assert_memory_equal(text_c(&t->arrived), text_c(body), body->len);
    static const char rest[] = "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\n"
                               "RCPT TO:<c@d.example>\r\nDATA\r\nQUIT\r\n";
    assert_true(t->client_octets <= 2 * body->len + 5 + (sizeof rest - 1));
    talk_fini(t);
    free(t);
}

/* A talk of pieces of any size, to its good end: up to `most` messages, all
 * taken. The caller's, to be ended. */
static talk *talk_through(const text *body, enum manner how, uint64_t seed,
                          uint32_t most)
{
    talk *t = malloc(sizeof *t);
    assert_non_null(t);
    talk_init(t, seed);
    t->unit = 1 + talk_draw(t, 64);
    t->piece = 1 + talk_draw(t, 20);
    t->messages = 1 + talk_draw(t, most);
    unsigned messages = t->messages;
    t->body = body;
    behave(t, how);
    assert_true(talk_run(t));
    assert_null(t->server_rig.broken);
    assert_null(t->client_rig.broken);
    assert_int_equal(t->outcome, MK_OK);
    assert_int_equal(t->accepted, messages);
    return t;
}

/* However they talk, as many messages as were sent arrive, and the last one is
 * what it was. */
static void all_come_out(const text *body, enum manner how, uint64_t seed)
{
    talk *t = talk_through(body, how, seed, 4);
    assert_true(t->arrived.len == body->len || t->arrived.len == body->len + 2);
    assert_memory_equal(text_c(&t->arrived), text_c(body), body->len);
    talk_fini(t);
    free(t);
}

static void sec_006_dots_through_tiny_transports(void **state)
{
    static const size_t units[] = {1, 2, 3, 7, 64};
    text body = {0};
    (void)state;
    text_z(&body, "\r\n");
    for (unsigned i = 0; i < 3000; i++) {
        text_z(&body, ".\r\n");
    }
    for (size_t i = 0; i < 5; i++) {
        comes_out(&body, units[i], units[4 - i], i);
    }
    text_free(&body);
}

static void sec_006_a_hundred_thousand_dots(void **state)
{
    text body = {0};
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        text_z(&body, "\r\n.");
    }
    comes_out(&body, 64, 4096, 6);
    text_free(&body);
}

static void sec_006_random_bodies(void **state)
{
    static const char *const bits[] = {"\r\n",  ".",    "..", "a",   "\r\n.",
                                       ".\r\n", "\xFF", " ",  "text"};
    (void)state;
    talk dice = {0};
    dice.random = 42;
    for (unsigned i = 0; i < 2000; i++) {
        text body = {0};
        text_z(&body, "");
        for (uint32_t n = talk_draw(&dice, 60); n > 0; n--) {
            text_z(&body, bits[talk_draw(&dice, 9)]);
        }
        comes_out(&body, 1 + talk_draw(&dice, 64), 1 + talk_draw(&dice, 20), i);
        all_come_out(&body, (enum manner)(i % MANNERS), i);
        text_free(&body);
    }
}

/* ---- THREATS 5 ----------------------------------------------------------- */

/* One message in, one out: what the server gave is in `arrived`. */
static void hop(const text *body, enum manner how, uint64_t seed, text *arrived)
{
    talk *t = talk_through(body, how, seed, 1);
    text_str(arrived, text_view(&t->arrived));
    talk_fini(t);
    free(t);
}

/* From server to client to server, each with a trace field put on top: it is
 * one message, and below these fields the same octets. */
static void sec_005_what_is_sent_on_leaves_as_it_came(void **state)
{
    static const char trace[] = "Received: from a.example by b.example;\r\n"
                                "\tMon, 2 Jan 2006 15:04:05 -0700\r\n";
    static const char *const bodies[] = {
        "",
        "\r\n",
        ".\r\n",
        "..\r\n.\r\n",
        "From a@b.example Mon Jan  2 15:04:05 2006\r\n",
        ">From a\r\nFrom b\r\n",
        "no header, no gap\r\n",
        "Subject: no gap\r\nbody\r\n",
        "Subject: header alone\r\n",
        " begins with white space\r\n",
        "\r\n\r\n.\r\n\r\n",
        "Subject: s\r\n\r\n.\r\nMAIL FROM:<x@y.example>\r\n",
        "Subject: s\r\n\r\nQUIT\r\nBDAT 5 LAST\r\n",
        "Received: cut\r\n",
        "Subject: \xE9\r\n\r\n\xFF\r\n",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof bodies / sizeof bodies[0] * MANNERS; i++) {
        const char *body = bodies[i / MANNERS];
        enum manner first = (enum manner)(i % MANNERS);
        for (int how = PLAIN; how < MANNERS; how++) {
            text one = {0};
            text two = {0};
            text three = {0};
            text_z(&one, trace);
            text_z(&one, body);
            hop(&one, first, i, &two);
            assert_string_equal(text_c(&two), text_c(&one));
            text_clear(&one);
            text_z(&one, trace);
            text_str(&one, text_view(&two));
            hop(&one, (enum manner)how, i + 1, &three);
            assert_string_equal(text_c(&three), text_c(&one));
            text_free(&one);
            text_free(&two);
            text_free(&three);
        }
    }
}

/* ---- THREATS 110 --------------------------------------------------------- */

enum action {
    CLOSE,
    FINISH,
    HANG_UP,
    BREAK,
    YES,
    NO,
    DEFER,
    PUT_OFF,
    CANCEL,
    BODY,
    SEND,
    QUIT,
    NOOP,
    TELL_LIES,
    ACTIONS
};

typedef struct plan {
    unsigned at; /* the event to act on */
    enum action action;
    bool server;
    unsigned seen;
} plan;

static void act(talk *t, bool server, mk_engine *e, mk_op op, enum action a)
{
    static const mk_str none = {NULL, 0};
    static const mk_str line = MK_STR_INIT("x\r\n");
    static const mk_tls_info tls = {.size = sizeof tls};
    mk_op other;
    mk_str view = none;
    switch (a) {
    case CLOSE:
        mk_close(e);
        (server ? &t->server_rig : &t->client_rig)->engine = NULL;
        break;
    case FINISH:
        mk_finish(e, none);
        break;
    case HANG_UP:
        mk_in_eof(e, MK_OK);
        break;
    case BREAK:
        mk_in_eof(e, MK_E_NET);
        break;
    case YES:
    case NO:
    case DEFER:
        (void)mk_reply(e, op,
                       a == YES  ? MK_ANSWER_YES
                       : a == NO ? MK_ANSWER_NO
                                 : MK_ANSWER_LATER,
                       none, none);
        (void)mk_reply(e, op, MK_ANSWER_YES, none, none);
        break;
    case PUT_OFF:
        (void)mk_later(e, op);
        (void)mk_later(e, op);
        break;
    case CANCEL:
        (void)mk_cancel(e, op);
        (void)mk_cancel(e, op);
        break;
    case BODY:
        (void)mk_body(e, op, line, false);
        (void)mk_body(e, op, line, true);
        break;
    case SEND:
        (void)mk_smtp_client_send(e, &t->envelope, &other);
        break;
    case QUIT:
        (void)mk_smtp_client_quit(e, &other);
        break;
    case NOOP:
        (void)mk_smtp_client_command(e, MK_SMTP_VERB_NOOP, none, &other);
        break;
    default:
        (void)mk_out_sent(e, 1000000);
        (void)mk_tls_begin(e, 1);
        (void)mk_tls_done(e, MK_OK, &tls);
        (void)mk_out(e, 1000000, &view, 1);
        break;
    }
}

static bool on_event(talk *t, bool server, const mk_event *ev)
{
    plan *p = t->self;
    if (server != p->server || p->seen++ != p->at) {
        return false;
    }
    act(t, server, server ? t->server : t->client, ev->op, p->action);
    return true;
}

/* Each action on each event; the talk must come to an end, by itself or by
 * its deadlines. */
static void matrix(bool server, enum manner how)
{
    text body = {0};
    text_z(&body, "one\r\n.two\r\n");
    for (int a = CLOSE; a < ACTIONS; a++) {
        for (unsigned at = 0; at < 40; at++) {
            plan p = {at, (enum action)a, server, 0};
            talk *t = malloc(sizeof *t);
            assert_non_null(t);
            talk_init(t, at);
            t->server_config.asks = MK_SMTP_ASK_ALL;
            t->body = &body;
            t->piece = 4;
            t->messages = 3;
            behave(t, how);
            t->self = &p;
            t->on_event = on_event;
            assert_true(talk_run(t));
            talk_fini(t);
            free(t);
        }
    }
    text_free(&body);
}

static void sec_110_anything_on_any_event_of_the_server(void **state)
{
    (void)state;
    for (int how = PLAIN; how < MANNERS; how++) {
        matrix(true, (enum manner)how);
    }
}

static void sec_110_anything_on_any_event_of_the_client(void **state)
{
    (void)state;
    for (int how = PLAIN; how < MANNERS; how++) {
        matrix(false, (enum manner)how);
    }
}

/* The span lent lies in the peer's own memory, the envelope goes with DONE:
 * closing with all of it still lent touches none of it. */
static void sec_110_close_while_everything_is_lent(void **state)
{
    text body = {0};
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        text_z(&body, "a line of text\r\n");
    }
    for (unsigned at = 0; at < 30; at++) {
        plan p = {at, CLOSE, false, 0};
        talk *t = malloc(sizeof *t);
        assert_non_null(t);
        talk_init(t, at);
        t->body = &body;
        t->unit = 100;
        t->piece = 500;
        t->self = &p;
        t->on_event = on_event;
        assert_true(talk_run(t));
        talk_fini(t);
        free(t);
    }
    text_free(&body);
}

/* ---- THREATS 112 --------------------------------------------------------- */

enum { STACK = 65536 };

static void *whole_session(void *arg)
{
    talk *t = arg;
    return talk_run(t) ? t : NULL;
}

static void on_small_stack(talk *t)
{
    pthread_attr_t attr;
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, STACK), 0);
    assert_int_equal(pthread_create(&thread, &attr, whole_session, t), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    pthread_attr_destroy(&attr);
    assert_ptr_equal(result, t);
    assert_int_equal(t->outcome, MK_OK);
}

static void small_stack(const text *body, size_t unit, unsigned messages)
{
    talk *t = malloc(sizeof *t);
    assert_non_null(t);
    talk_init(t, 112);
    t->body = body;
    t->unit = unit;
    t->messages = messages;
    on_small_stack(t);
    assert_int_equal(t->accepted, messages);
    talk_fini(t);
    free(t);
}

static void sec_112_a_session_on_a_small_stack(void **state)
{
    text body = {0};
    (void)state;
    text_z(&body, "Subject: x\r\n\r\n.\r\n");
    small_stack(&body, SIZE_MAX, 1);
    text_free(&body);
}

static void sec_112_a_long_body_on_a_small_stack(void **state)
{
    text body = {0};
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        text_z(&body, ".a line of text\r\n");
    }
    small_stack(&body, 1000, 1);
    text_free(&body);
}

static void sec_112_many_messages_on_a_small_stack(void **state)
{
    text body = {0};
    (void)state;
    text_z(&body, "x\r\n");
    small_stack(&body, 1, 200);
    text_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_006_dots_through_tiny_transports),
        cmocka_unit_test(sec_006_a_hundred_thousand_dots),
        cmocka_unit_test(sec_006_random_bodies),
        cmocka_unit_test(sec_005_what_is_sent_on_leaves_as_it_came),
        cmocka_unit_test(sec_110_anything_on_any_event_of_the_server),
        cmocka_unit_test(sec_110_anything_on_any_event_of_the_client),
        cmocka_unit_test(sec_110_close_while_everything_is_lent),
        cmocka_unit_test(sec_112_a_session_on_a_small_stack),
        cmocka_unit_test(sec_112_a_long_body_on_a_small_stack),
        cmocka_unit_test(sec_112_many_messages_on_a_small_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
