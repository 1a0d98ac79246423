/* SPDX-License-Identifier: MIT
 *
 * test_uv_talk.c: conversations through the libuv host: any cut of the bytes,
 * put-off answers, both kinds of end, and stopping.
 */
#include "uv_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static rig *start(void)
{
    rig *r = malloc(sizeof *r);

    rig_init(r);
    r->config.discard_ms = 100;
    r->config.farewell_ms = 100;
    r->config.stop_grace_ms = 100;
    assert_int_equal(rig_start(r), MK_OK);
    return r;
}

static void end(rig *r)
{
    rig_close(r);
    free(r);
}

static void test_any_cut_gives_the_same_replies(void **state)
{
    static const char said[] = "echo one\r\nlater\necho two words\ntimer\r\n"
                               "silent\necho last\r\n";
    static const char heard[] = "hello\r\none\r\nworked\r\ntwo words\r\n"
                                "fired\r\nnot answered\r\nlast\r\n";
    static const size_t chunks[] = {1, 2, 3, 5, 8, 13, 21, sizeof said - 1};
    rig *r = start();
    size_t i;

    (void)state;
    for (i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        int fd = rig_connect(r);
        size_t at;

        for (at = 0; at < sizeof said - 1; at += chunks[i]) {
            size_t n = sizeof said - 1 - at;

            n = n < chunks[i] ? n : chunks[i];
            assert_int_equal(send(fd, said + at, n, 0), n);
            rig_turn(r);
        }
        rig_expect(r, fd, heard);
        assert_int_equal(mk_uv_host_sessions(r->host), 1);
        close(fd);
        rig_expect_closed(r, (int)i + 1);
        assert_int_equal(r->why, MK_OK);
    }
    /* an idle host has nothing on loan */
    assert_int_equal(mk_uv_host_units(r->host)->taken, 0);
    end(r);
}

static void test_half_close_still_gets_its_replies(void **state)
{
    rig *r = start();
    int fd = rig_connect(r);

    (void)state;
    rig_send(fd, "echo a\nlater\necho b\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    rig_expect(r, fd, "hello\r\na\r\nworked\r\nb\r\n");
    assert_int_equal(rig_expect_end(r, fd), 0);
    rig_expect_closed(r, 1);
    assert_int_equal(r->why, MK_OK);
    close(fd);
    end(r);
}

static void test_cut_in_the_middle_of_a_line(void **state)
{
    rig *r = start();
    int fd = rig_connect(r);

    (void)state;
    rig_send(fd, "echo a\necho b");
    rig_expect(r, fd, "hello\r\na\r\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_int_equal(rig_expect_end(r, fd), 0);
    rig_expect_closed(r, 1);
    assert_int_equal(r->why, MK_E_CUT);
    close(fd);
    end(r);
}

static void reset(int fd)
{
    struct linger hard = {1, 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard),
                     0);
    close(fd);
}

static void test_a_reset_is_noticed_at_any_time(void **state)
{
    static const char *const before[] = {"", "echo a", "hold\n",
                                         "hold\necho b\n", "later\n"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof before / sizeof before[0]; i++) {
        rig *r = start();
        int fd = rig_connect(r);

        rig_expect(r, fd, "hello\r\n");
        rig_send(fd, before[i]);
        rig_turn(r);
        rig_turn(r);
        reset(fd);
        rig_expect_closed(r, 1);
        assert_int_equal(r->why, MK_E_NET);
        if (strcmp(before[i], "later\n") != 0) { /* the worker may be first */
            assert_int_equal(r->sessions->line.was_withdrawn,
                             strncmp(before[i], "hold", 4) == 0);
        }
        end(r);
    }
}

/* Law 11: input behind the end is read, so that no reset eats the reply. */
static void test_the_last_reply_survives_input_behind_it(void **state)
{
    static const struct {
        size_t behind;
        bool is_late;
    } rows[] = {{0, false}, {30000, false}, {60000, false}, {30000, true}};
    char *junk = calloc(1, 60000);
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig *r = start();
        int fd = rig_connect(r);

        rig_expect(r, fd, "hello\r\n");
        rig_send(fd, "quit\n");
        if (rows[i].is_late) {
            rig_turn(r);
            rig_turn(r);
        }
        assert_int_equal(send(fd, junk, rows[i].behind, 0), rows[i].behind);
        rig_turn(r);
        rig_expect(r, fd, "bye\r\nfinished\r\n");
        assert_int_equal(rig_expect_end(r, fd), 0);
        assert_int_equal(r->closed, 1);
        assert_int_equal(r->why, MK_OK);
        close(fd);
        end(r);
    }
    free(junk);
}

/* What a peer may send behind the end is bounded, in octets and in time. */
static void test_discarding_is_bounded(void **state)
{
    char *junk = calloc(1, 16384);
    rig *r = start();
    int fd = rig_connect(r);
    size_t sent = 0;
    int turns = 0;

    (void)state;
    r->config.discard_ms = 60000;
    rig_send(fd, "quit\n");
    rig_expect(r, fd, "hello\r\nbye\r\nfinished\r\n");
    while (send(fd, junk, 16384, MSG_NOSIGNAL) > 0 || errno == EAGAIN) {
        sent += 16384;
        rig_turn(r);
        assert_true(turns++ < 1000);
    }
    assert_true(sent >= 65536);
    close(fd);
    /* never closing is no way to stay either */
    r->config.discard_ms = 50;
    fd = rig_connect(r);
    rig_send(fd, "quit\n");
    assert_int_equal(rig_expect_end(r, fd), 0);
    for (turns = 0; mk_net_host_of(r->host)->conn_count > 0; turns++) {
        rig_turn(r);
        assert_true(turns < 1000);
    }
    close(fd);
    free(junk);
    end(r);
}

static void test_abort_resets(void **state)
{
    static const char *const how[] = {"reset\n", "abort\necho a\n"};
    static const mk_err why[] = {MK_E_PROTOCOL, MK_E_CANCELLED};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        rig *r = start();
        int fd = rig_connect(r);

        rig_expect(r, fd, "hello\r\n");
        rig_send(fd, how[i]);
        assert_int_equal(rig_expect_end(r, fd), ECONNRESET);
        assert_int_equal(r->closed, 1);
        assert_int_equal(r->why, why[i]);
        assert_int_equal(r->lines, 1);
        close(fd);
        end(r);
    }
}

static void test_stop_finishes_in_order(void **state)
{
    rig *r = start();
    int idle = rig_connect(r);
    int busy = rig_connect(r);
    int stuck = rig_connect(r);
    int turns = 0;

    (void)state;
    r->idle_ms = 300000; /* a timer that must not outlive its connection */
    rig_expect(r, idle, "hello\r\n");
    rig_expect(r, busy, "hello\r\n");
    rig_expect(r, stuck, "hello\r\n");
    rig_send(busy, "timer\n");
    rig_send(stuck, "hold\n");
    rig_turn(r);
    rig_turn(r);
    mk_uv_stop(r->host);
    mk_uv_stop(r->host);
    rig_expect(r, idle, "finished\r\n");
    rig_expect(r, busy, "fired\r\nfinished\r\n");
    assert_int_equal(rig_expect_end(r, idle), 0);
    assert_int_equal(rig_expect_end(r, busy), 0);
    close(idle);
    close(busy);
    assert_int_equal(rig_expect_end(r, stuck), ECONNRESET);
    close(stuck);
    assert_int_equal(r->closed, 3);
    assert_int_equal(r->why, MK_E_SHUTDOWN);
    assert_int_equal(mk_uv_listen(r->host, "127.0.0.1", 0, &r->service, NULL),
                     MK_E_SHUTDOWN);
    /* nothing keeps the loop alive now */
    while (uv_run(&r->loop, UV_RUN_NOWAIT) != 0) {
        assert_true(turns++ < 1000);
    }
    end(r);
}

/* At the end of the grace who waits for our answer has longer, who does not
 * read has not. */
static void test_stop_waits_for_what_is_owed(void **state)
{
    rig *r = start();
    int small = 1024;
    int owed = rig_connect(r);
    int forgotten = rig_connect(r);
    int deaf = rig_connect(r);
    int over = rig_connect(r);
    session *s;
    uint64_t begin;
    int turns = 0;

    (void)state;
    r->config.farewell_ms = 60000;
    r->config.discard_ms = 60000;
    r->config.stop_answer_ms = 600;
    rig_expect(r, owed, "hello\r\n");
    rig_expect(r, forgotten, "hello\r\n");
    rig_expect(r, deaf, "hello\r\n");
    rig_expect(r, over, "hello\r\n");
    rig_send(over, "quit\n"); /* and it does not close */
    rig_expect_closed(r, 1);
    (void)setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    while (!r->sessions->after->conn->is_blocked) { /* last first */
        (void)send(deaf, "big\nbig\nbig\n", 12, MSG_NOSIGNAL);
        rig_turn(r);
        assert_true(turns++ < 4000);
    }
    rig_send(owed, "hold\n");
    rig_send(forgotten, "hold\n");
    turns = r->lines;
    while (r->lines < turns + 2) {
        rig_turn(r);
    }
    mk_uv_stop(r->host);
    begin = uv_hrtime();
    rig_expect_closed(r, 2);
    assert_int_equal(r->why, MK_E_SHUTDOWN);
    assert_true(r->sessions->after->is_closed);
    s = r->sessions->after->after->after; /* who came first */
    assert_int_equal(mk_reply(&s->line.base, s->op, MK_ANSWER_YES, mk_str_z(""),
                              mk_str_z("at rest")),
                     MK_OK);
    r->host->wake(r->host->self, s->conn);
    rig_expect(r, owed, "at rest\r\nfinished\r\n");
    assert_int_equal(r->closed, 3);
    assert_int_equal(r->why, MK_OK);
    rig_expect_closed(r, 4);
    assert_int_equal(r->why, MK_E_SHUTDOWN);
    assert_true(uv_hrtime() - begin >= UINT64_C(600000000));
    close(owed);
    close(forgotten);
    close(deaf);
    close(over);
    end(r);
}

static void test_drain_lets_sessions_go_on(void **state)
{
    rig *r = start();
    int fd = rig_connect(r);
    int turns = 0;

    (void)state;
    rig_expect(r, fd, "hello\r\n");
    mk_uv_drain(r->host);
    mk_uv_drain(r->host);
    rig_send(fd, "echo one\nlater\necho two\n");
    rig_expect(r, fd, "one\r\nworked\r\ntwo\r\n");
    assert_int_equal(mk_uv_listen(r->host, "127.0.0.1", 0, &r->service, NULL),
                     MK_OK);
    mk_uv_drain(r->host);
    close(fd);
    /* nothing keeps the loop alive once the session is gone */
    while (uv_run(&r->loop, UV_RUN_NOWAIT) != 0) {
        assert_true(turns++ < 1000);
        rig_turn(r);
    }
    assert_int_equal(r->closed, 1);
    assert_int_equal(r->why, MK_OK);
    end(r);
}

static void stop_host(rig *r, session *s, rig_place place)
{
    (void)s;
    if (place == AT_OPEN) {
        mk_uv_stop(r->host);
    }
}

static void test_who_comes_while_stopping_is_finished_too(void **state)
{
    rig *r = start();
    int fd = rig_connect(r);

    (void)state;
    r->hook = stop_host;
    r->config.stop_grace_ms = 60000;
    rig_expect(r, fd, "hello\r\nfinished\r\n");
    assert_int_equal(rig_expect_end(r, fd), 0);
    close(fd);
    end(r);
}

/* The connection is in the queue of the next turn when its handle closes. */
static void abort_then_wake(rig *r, session *s, rig_place place)
{
    if (place == AT_LINE) {
        r->host->abort(r->host->self, s->conn);
    } else if (place == AT_CLOSED) {
        r->host->wake(r->host->self, s->conn);
        r->host->abort(r->host->self, s->conn);
    }
}

static void sec_110_waking_what_is_being_freed(void **state)
{
    static const char *const said[] = {"echo a\n", "timer\n", "quit\n"};
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        rig *r = start();
        int fd = rig_connect(r);

        r->hook = abort_then_wake;
        rig_expect(r, fd, "hello\r\n");
        rig_send(fd, said[i]);
        rig_expect_closed(r, 1);
        /* and once more from the queue: a call from outside any event */
        r->hook = NULL;
        close(fd);
        fd = rig_connect(r);
        rig_expect(r, fd, "hello\r\n");
        r->hook = abort_then_wake;
        r->host->abort(r->host->self, r->sessions->conn);
        rig_expect_closed(r, 2);
        rig_turn(r);
        rig_turn(r);
        close(fd);
        end(r);
    }
}

static int connect_hasty(rig *r)
{
    int one = 1;
    int fd = rig_connect(r);

    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one),
                     0);
    return fd;
}

/* Asks for more than the kernel takes and waits until the host is stuck. */
static size_t fill_up(rig *r, int fd)
{
    size_t asked = 0;
    int turns = 0;

    while (r->sessions == NULL || !r->sessions->conn->is_blocked) {
        if (r->sessions != NULL && r->sessions->line.consumed == asked * 4) {
            rig_send(fd, "big\n");
            asked++;
        }
        (void)uv_run(&r->loop, UV_RUN_NOWAIT);
        assert_true(turns++ < 20000);
    }
    return asked;
}

static size_t drain(rig *r, int fd, size_t max)
{
    static char waste[65536];
    size_t seen = 0;
    int turns = 0;
    ssize_t got;

    while (seen < max && turns++ < 20000) {
        (void)uv_run(&r->loop, UV_RUN_NOWAIT);
        got = recv(fd, waste, sizeof waste, 0);
        if (got > 0) {
            seen += (size_t)got;
        } else if (got == 0 || errno != EAGAIN) {
            break;
        } else {
            (void)usleep(200);
        }
    }
    return seen;
}

static void test_a_slow_reader_gets_all_of_it(void **state)
{
    rig *r = start();
    int fd = connect_hasty(r);
    size_t asked = fill_up(r, fd);
    size_t all = 7 + asked * 64 * 102;

    (void)state;
    assert_int_equal(drain(r, fd, all), all);
    close(fd);
    end(r);
}

static void test_a_farewell_waits_for_a_slow_reader(void **state)
{
    rig *r = start();
    int turns = 0;
    int fd;

    (void)state;
    r->idle_ms = 100;
    r->config.farewell_ms = 60000;
    fd = connect_hasty(r);
    (void)fill_up(r, fd);
    while (!r->sessions->line.is_closing) {
        rig_turn(r);
        assert_true(turns++ < 4000);
    }
    rig_turn(r);
    rig_turn(r);
    assert_int_equal(r->closed, 0);
    (void)drain(r, fd, SIZE_MAX);
    assert_int_equal(rig_expect_end(r, fd), 0);
    assert_int_equal(r->closed, 1);
    assert_int_equal(r->why, MK_E_TIMEOUT);
    close(fd);
    end(r);
}

static void test_what_listen_refuses(void **state)
{
    rig *r = start();
    mk_service empty;
    uint16_t port = 7;

    (void)state;
    memset(&empty, 0, sizeof empty);
    assert_int_equal(mk_uv_listen(r->host, "localhost", 0, &r->service, &port),
                     MK_E_ARG);
    assert_int_equal(mk_uv_listen(r->host, "127.0.0.1", 0, &empty, &port),
                     MK_E_ARG);
    assert_int_equal(
        mk_uv_listen(r->host, "127.0.0.1", r->port, &r->service, &port),
        MK_E_EXISTS);
    assert_int_equal(mk_uv_listen(r->host, "192.0.2.1", 0, &r->service, &port),
                     MK_E_UNREACHABLE);
    assert_int_equal(port, 7);
    end(r);
}

static void test_what_open_refuses(void **state)
{
    rig *r = malloc(sizeof *r);
    mk_uv_config good;

    (void)state;
    rig_init(r);
    good = r->config;
    assert_int_equal(mk_uv_config_init(&r->config, sizeof r->config - 1),
                     MK_E_ARG);
    r->config.max_connections = 0;
    assert_int_equal(rig_start(r), MK_E_ARG);
    r->config = good;
    r->config.scratch_bytes = 100;
    assert_int_equal(rig_start(r), MK_E_ARG);
    r->config = good;
    r->config.unit_bytes = 32;
    assert_int_equal(rig_start(r), MK_E_ARG);
    r->config = good;
    r->config.max_holds = 0;
    assert_int_equal(rig_start(r), MK_E_ARG);
    r->config = good;
    assert_int_equal(rig_start(r), MK_OK);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_gives_the_same_replies),
        cmocka_unit_test(test_half_close_still_gets_its_replies),
        cmocka_unit_test(test_cut_in_the_middle_of_a_line),
        cmocka_unit_test(test_a_reset_is_noticed_at_any_time),
        cmocka_unit_test(test_the_last_reply_survives_input_behind_it),
        cmocka_unit_test(test_discarding_is_bounded),
        cmocka_unit_test(test_abort_resets),
        cmocka_unit_test(test_stop_finishes_in_order),
        cmocka_unit_test(test_stop_waits_for_what_is_owed),
        cmocka_unit_test(test_drain_lets_sessions_go_on),
        cmocka_unit_test(test_who_comes_while_stopping_is_finished_too),
        cmocka_unit_test(sec_110_waking_what_is_being_freed),
        cmocka_unit_test(test_a_slow_reader_gets_all_of_it),
        cmocka_unit_test(test_a_farewell_waits_for_a_slow_reader),
        cmocka_unit_test(test_what_listen_refuses),
        cmocka_unit_test(test_what_open_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
