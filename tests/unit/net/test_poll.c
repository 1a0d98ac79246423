/* SPDX-License-Identifier: MIT
 *
 * test_poll.c: the poll(2) driver against a bare socket, one thread: what the
 * other end says is in the kernel before the driver looks. The last test puts
 * the driver against the libuv host in a thread.
 */
#include "uv_rig.h"

#include <mailkit/net.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct pair {
    line_engine line;
    mk_poll poll;
    char mem[line_octets_max];
    int peer; /* the bare end */
    int last; /* what its last recv gave */
    int fds;
} pair;

/* Two ends of a TCP connection over loopback: resets are real there. */
static void connect_pair(int *out_a, int *out_b)
{
    struct sockaddr_in to;
    socklen_t len = sizeof to;
    int door = socket(AF_INET, SOCK_STREAM, 0);

    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(door, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(door, 1), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&to, &len), 0);
    assert_int_equal(
        mk_poll_connect("127.0.0.1", ntohs(to.sin_port), 5000, out_a), MK_OK);
    *out_b = accept(door, NULL, NULL);
    assert_true(*out_b >= 0);
    close(door);
}

static pair *make(const char *greeting, uint64_t idle_ms)
{
    pair *p = calloc(1, sizeof *p);
    int fd = -1;

    p->fds = rig_count_fds();
    connect_pair(&fd, &p->peer);
    line_open(&p->line, greeting, idle_ms);
    assert_int_equal(
        mk_poll_open(&p->poll, fd, &p->line.base, p->mem, sizeof p->mem),
        MK_OK);
    return p;
}

static void end(pair *p)
{
    mk_poll_close(&p->poll);
    mk_poll_close(&p->poll);
    if (p->peer >= 0) {
        close(p->peer);
    }
    assert_int_equal(rig_count_fds(), p->fds);
    free(p);
}

static void expect_line(pair *p, const char *text)
{
    mk_event ev;

    assert_int_equal(mk_poll_next(&p->poll, &ev), MK_OK);
    assert_int_equal(ev.type, EV_LINE);
    assert_true(mk_str_is(ev.data, mk_str_z(text)));
}

static void expect_fault(pair *p, mk_err why)
{
    mk_event ev;

    assert_int_equal(mk_poll_next(&p->poll, &ev), MK_OK);
    assert_int_equal(ev.type, MK_EV_FAULT);
    assert_int_equal(ev.of.fault->why, why);
}

static void expect_end(pair *p)
{
    mk_event ev;

    assert_int_equal(mk_poll_next(&p->poll, &ev), MK_END);
    assert_int_equal(p->poll.fd, -1);
    assert_int_equal(mk_poll_next(&p->poll, &ev), MK_END);
}

static void expect_heard(pair *p, const char *text)
{
    char got[256];
    size_t n = strlen(text);

    assert_int_equal(recv(p->peer, got, n, MSG_WAITALL), n);
    assert_memory_equal(got, text, n);
}

/* The buffer is as small as it may be, so tails move to its front. */
static void test_lines_through_the_smallest_buffer(void **state)
{
    pair *p = make(NULL, 0);
    char text[64];
    int n;

    (void)state;
    rig_send(p->peer, "first\r\n");
    expect_line(p, "first");
    for (n = 0; n < 200; n++) {
        memset(text, 'a' + n % 26, 60);
        text[n % 60] = '\n';
        text[60] = '\n';
        text[61] = '\0';
        rig_send(p->peer, text);
        text[n % 60] = '\0';
        expect_line(p, text);
        text[60] = '\0';
        expect_line(p, text + n % 60 + 1);
    }
    assert_int_equal(mk_poll_held(&p->poll), 0);
    end(p);
}

static void test_what_is_queued_leaves_before_waiting(void **state)
{
    pair *p = make(NULL, 0);

    (void)state;
    assert_true(line_send(&p->line, "EHLO x\r\n"));
    rig_send(p->peer, "220 hi\r\n250 x");
    expect_line(p, "220 hi");
    assert_int_equal(mk_poll_held(&p->poll), 5);
    rig_send(p->peer, "\r\n");
    expect_line(p, "250 x");
    expect_heard(p, "EHLO x\r\n");
    end(p);
}

static void test_the_ends_of_the_peer(void **state)
{
    static const struct {
        const char *said;
        mk_err why; /* MK_OK: no fault */
    } rows[] = {{"", MK_OK}, {"half", MK_E_CUT}};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        pair *p = make(NULL, 0);

        rig_send(p->peer, rows[i].said);
        close(p->peer);
        p->peer = -1;
        if (rows[i].why != MK_OK) {
            expect_fault(p, rows[i].why);
        }
        expect_end(p);
        end(p);
    }
}

static void test_a_reset_raises_no_signal(void **state)
{
    struct linger hard = {1, 0};
    pair *p = make(NULL, 0);

    (void)state;
    assert_true(line_send(&p->line, "EHLO x\r\n"));
    (void)setsockopt(p->peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(p->peer);
    p->peer = -1;
    expect_fault(p, MK_E_NET);
    expect_end(p);
    end(p);
}

/* A local socket answers a write with EPIPE and SIGPIPE at once. */
static void test_a_broken_pipe_raises_no_signal(void **state)
{
    pair *p = calloc(1, sizeof *p);
    int fds = rig_count_fds();
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    line_open(&p->line, NULL, 0);
    p->peer = -1;
    p->fds = fds;
    assert_int_equal(
        mk_poll_open(&p->poll, ends[0], &p->line.base, p->mem, sizeof p->mem),
        MK_OK);
    assert_true(line_send(&p->line, "EHLO x\r\n"));
    close(ends[1]);
    expect_fault(p, MK_E_NET);
    expect_end(p);
    end(p);
}

static void test_the_deadline_is_kept(void **state)
{
    pair *p = make(NULL, 60);
    uint64_t start = mk_poll_now_ms();

    (void)state;
    expect_fault(p, MK_E_TIMEOUT);
    assert_true(mk_poll_now_ms() - start >= 60);
    rig_send(p->peer, "late\r\n");
    close(p->peer);
    p->peer = -1;
    expect_end(p);
    end(p);
}

static void test_waiting_for_the_caller_alone_does_not_block(void **state)
{
    pair *p = make("hello\r\n", 0);
    mk_event ev;

    (void)state;
    rig_send(p->peer, "ask\r\nnext\r\n");
    expect_line(p, "ask");
    assert_int_equal(mk_later(&p->line.base, p->line.op), MK_OK);
    assert_int_equal(mk_poll_next(&p->poll, &ev), MK_WAIT);
    assert_int_equal(mk_reply(&p->line.base, p->line.op, MK_ANSWER_YES,
                              mk_str_z("250"), mk_str_z("done")),
                     MK_OK);
    expect_line(p, "next");
    expect_heard(p, "hello\r\ndone\r\n");
    end(p);
}

static void test_abort_resets(void **state)
{
    pair *p = make("hello\r\n", 0);
    char c;

    (void)state;
    rig_send(p->peer, "x\r\n");
    expect_line(p, "x");
    expect_heard(p, "hello\r\n");
    p->line.is_aborting = true;
    p->line.is_answered = true;
    p->line.is_asking = false;
    expect_end(p);
    assert_int_equal(recv(p->peer, &c, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    end(p);
}

static void *read_and_close(void *arg)
{
    pair *p = arg;
    char got[8192];

    do {
        p->last = (int)recv(p->peer, got, sizeof got, 0);
    } while (p->last > 0);
    close(p->peer);
    p->peer = -1;
    return NULL;
}

/* Law 11: junk behind the end does not eat the farewell. */
static void test_the_end_is_orderly(void **state)
{
    static const size_t behind[] = {0, 3, 40000};
    static char junk[40000];
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        pair *p = make("hello\r\n", 0);
        pthread_t thread;

        rig_send(p->peer, "x\r\n");
        expect_line(p, "x");
        expect_heard(p, "hello\r\n");
        (void)mk_reply(&p->line.base, p->line.op, MK_ANSWER_YES, mk_str_z(""),
                       mk_str_z("y"));
        mk_finish(&p->line.base, mk_str_z(""));
        assert_int_equal(send(p->peer, junk, behind[i], 0), behind[i]);
        /* the other end reads all of it, then closes */
        assert_int_equal(pthread_create(&thread, NULL, read_and_close, p), 0);
        expect_end(p);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(p->last, 0);
        end(p);
    }
}

/* A peer that neither reads to the end nor closes holds us two seconds at
 * most; a flood ends it sooner. */
static void test_a_flood_behind_the_end_is_cut(void **state)
{
    static char junk[16384];
    pair *p = make("", 0);
    uint64_t start = mk_poll_now_ms();

    (void)state;
    mk_finish(&p->line.base, mk_str_z(""));
    assert_int_equal(fcntl(p->peer, F_SETFL, O_NONBLOCK), 0);
    while (send(p->peer, junk, sizeof junk, MSG_NOSIGNAL) > 0) {
    }
    expect_end(p);
    assert_true(mk_poll_now_ms() - start < 1900);
    end(p);
}

static void test_arguments(void **state)
{
    char mem[line_octets_max];
    line_engine line;
    mk_poll poll;
    mk_event ev;
    int fd = 7;
    int door;
    struct sockaddr_in to;
    socklen_t len = sizeof to;

    (void)state;
    line_open(&line, NULL, 0);
    assert_int_equal(mk_poll_open(NULL, 0, &line.base, mem, sizeof mem),
                     MK_E_ARG);
    assert_int_equal(mk_poll_open(&poll, 0, NULL, mem, sizeof mem), MK_E_ARG);
    assert_int_equal(mk_poll_open(&poll, 0, &line.base, NULL, 9), MK_E_ARG);
    assert_int_equal(
        mk_poll_open(&poll, 0, &line.base, mem, line_octets_max - 1),
        MK_E_ROOM);
    assert_int_equal(mk_poll_open(&poll, 999, &line.base, mem, sizeof mem),
                     MK_E_NET);
    assert_int_equal(mk_poll_next(NULL, &ev), MK_E_ARG);
    assert_int_equal(mk_poll_connect(NULL, 25, 10, &fd), MK_E_ARG);
    assert_int_equal(mk_poll_connect("127.0.0.1", 0, 10, &fd), MK_E_ARG);
    /* a port that was just closed */
    door = socket(AF_INET, SOCK_STREAM, 0);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(door, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&to, &len), 0);
    assert_int_equal(
        mk_poll_connect("127.0.0.1", ntohs(to.sin_port), 1000, &fd),
        MK_E_UNREACHABLE);
    assert_int_equal(fd, 7);
    close(door);
}

/* A door whose queue is full drops what else knocks. */
static void test_connecting_times_out(void **state)
{
    struct sockaddr_in to;
    socklen_t len = sizeof to;
    int door = socket(AF_INET, SOCK_STREAM, 0);
    int fd[8];
    int n = 0;
    int extra = -1;
    uint64_t start;

    (void)state;
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(door, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(door, 0), 0);
    assert_int_equal(getsockname(door, (struct sockaddr *)&to, &len), 0);
    do {
        start = mk_poll_now_ms();
        assert_true(n < 8);
        if (mk_poll_connect("127.0.0.1", ntohs(to.sin_port), 80, &fd[n]) !=
            MK_OK) {
            break;
        }
        n++;
    } while (true);
    assert_true(mk_poll_now_ms() - start >= 80);
    assert_int_equal(
        mk_poll_connect("127.0.0.1", ntohs(to.sin_port), 20, &extra),
        MK_E_TIMEOUT);
    while (n > 0) {
        close(fd[--n]);
    }
    close(door);
}

/* ---- against the host ---------------------------------------------------- */

typedef struct hosted {
    rig *rig;
    uv_async_t stop;
} hosted;

static void on_stop(uv_async_t *async)
{
    mk_uv_stop(((hosted *)async->data)->rig->host);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run_loop(void *arg)
{
    (void)uv_run(&((hosted *)arg)->rig->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void test_the_driver_against_the_host(void **state)
{
    static const char *const said[] = {"echo a\r\n", "later\r\n", "timer\r\n",
                                       "silent\r\n", "quit\r\n"};
    static const char *const heard[] = {
        "hello", "a", "worked", "fired", "not answered", "bye", "finished"};
    hosted h;
    pthread_t thread;
    pair *p = calloc(1, sizeof *p);
    size_t i;
    int fd = -1;

    (void)state;
    h.rig = malloc(sizeof *h.rig);
    rig_init(h.rig);
    assert_int_equal(rig_start(h.rig), MK_OK);
    assert_int_equal(uv_async_init(&h.rig->loop, &h.stop, on_stop), 0);
    h.stop.data = &h;
    assert_int_equal(pthread_create(&thread, NULL, run_loop, &h), 0);
    assert_int_equal(mk_poll_connect("127.0.0.1", h.rig->port, 5000, &fd),
                     MK_OK);
    line_open(&p->line, NULL, 0);
    p->peer = -1;
    p->fds = rig_count_fds() - 1;
    assert_int_equal(
        mk_poll_open(&p->poll, fd, &p->line.base, p->mem, sizeof p->mem),
        MK_OK);
    for (i = 0; i < sizeof said / sizeof said[0]; i++) {
        assert_true(line_send(&p->line, said[i]));
    }
    for (i = 0; i < sizeof heard / sizeof heard[0]; i++) {
        expect_line(p, heard[i]);
    }
    expect_end(p);
    assert_int_equal(uv_async_send(&h.stop), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    rig_close(h.rig);
    free(h.rig);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_through_the_smallest_buffer),
        cmocka_unit_test(test_what_is_queued_leaves_before_waiting),
        cmocka_unit_test(test_the_ends_of_the_peer),
        cmocka_unit_test(test_a_reset_raises_no_signal),
        cmocka_unit_test(test_a_broken_pipe_raises_no_signal),
        cmocka_unit_test(test_the_deadline_is_kept),
        cmocka_unit_test(test_waiting_for_the_caller_alone_does_not_block),
        cmocka_unit_test(test_abort_resets),
        cmocka_unit_test(test_the_end_is_orderly),
        cmocka_unit_test(test_a_flood_behind_the_end_is_cut),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_connecting_times_out),
        cmocka_unit_test(test_the_driver_against_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
