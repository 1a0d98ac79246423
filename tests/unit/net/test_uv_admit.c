/* SPDX-License-Identifier: MIT
 *
 * test_uv_admit.c: who is let in: sockets of somebody else, the count that
 * hosts share, what is told of those turned away (THREATS 114), and the word
 * to hurry when room runs short (THREATS 113).
 */
#include "uv_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- a socket of somebody else ------------------------------------------- */

/* Blocking and without TCP_NODELAY, as a parent process may leave it. */
static int bind_somewhere(int family, bool is_listening)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int both = 0;

    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both);
    }
    if (fd >= 0 &&
        bind(fd,
             family == AF_INET ? (struct sockaddr *)&v4
                               : (struct sockaddr *)&v6,
             family == AF_INET ? sizeof v4 : sizeof v6) == 0 &&
        (!is_listening || listen(fd, 8) == 0)) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static void open_host(rig *r)
{
    assert_int_equal(mk_uv_host_open(&r->loop, &r->config, &r->host), MK_OK);
}

static void test_a_socket_of_somebody_else_is_served(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        rig *r = rig_new();
        int fd = bind_somewhere(families[i], true);
        int one = 0;
        socklen_t size = sizeof one;
        int client;

        if (fd < 0) { /* a machine without IPv6 */
            assert_int_equal(families[i], AF_INET6);
            open_host(r);
            rig_free(r);
            continue;
        }
        open_host(r);
        assert_int_equal(mk_uv_listen_fd(r->host, fd, &r->service, &r->port),
                         MK_OK);
        assert_int_not_equal(r->port, 0);
        assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, &size),
                         0);
        assert_int_equal(one, 1);
        /* the rig's service looks for an IPv4 peer, at both */
        client = rig_connect(r);
        rig_expect(r, client, "hello\r\n");
        rig_send(client, "echo a\n");
        rig_expect(r, client, "a\r\n");
        close(client);
        mk_uv_stop(r->host);
        rig_expect_closed(r, 1);
        assert_true(fcntl(fd, F_GETFD) >= 0);
        client = rig_connect(r); /* it still listens, for its owner */
        close(client);
        close(fd);
        rig_free(r);
    }
}

static void test_several_hosts_accept_from_one_socket(void **state)
{
    rig *r[2];
    int fd = bind_somewhere(AF_INET, true);
    int client[6];
    int turns = 0;
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        r[i] = rig_new();
        open_host(r[i]);
        assert_int_equal(
            mk_uv_listen_fd(r[i]->host, fd, &r[i]->service, &r[i]->port),
            MK_OK);
    }
    assert_int_equal(r[0]->port, r[1]->port);
    for (i = 0; i < 6; i++) {
        client[i] = rig_connect(r[0]);
    }
    while (r[0]->opened + r[1]->opened < 6) {
        rig_turn(r[turns % 2]);
        assert_true(turns++ < 1000);
    }
    /* one at a time: a burst does not all go to who is first */
    assert_int_equal(r[0]->opened, 3);
    for (i = 0; i < 6; i++) {
        close(client[i]);
    }
    rig_expect_closed(r[0], 3);
    rig_expect_closed(r[1], 3);
    /* one leaves and the other serves on */
    mk_uv_stop(r[0]->host);
    rig_turn(r[0]);
    client[0] = rig_connect(r[1]);
    rig_expect(r[1], client[0], "hello\r\n");
    close(client[0]);
    rig_free(r[1]);
    rig_free(r[0]);
    close(fd);
}

static void test_what_does_not_listen_is_no_listener(void **state)
{
    rig *r = rig_new();
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    int pair[2];
    int fds[7];
    size_t i;

    (void)state;
    open_host(r);
    fds[0] = -1;
    assert_int_equal(pipe(pair), 0);
    fds[1] = pair[0];
    fds[2] = pair[1];
    fds[3] = socket(AF_INET, SOCK_DGRAM, 0);
    fds[4] = bind_somewhere(AF_INET, false);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fds[5] = pair[0];
    fds[6] = socket(AF_UNIX, SOCK_STREAM, 0);
    /* the kernel chooses a name */
    assert_int_equal(
        bind(fds[6], (struct sockaddr *)&local, sizeof local.sun_family), 0);
    assert_int_equal(listen(fds[6], 1), 0);
    for (i = 0; i < 7; i++) {
        r->port = 7;
        assert_int_equal(
            mk_uv_listen_fd(r->host, fds[i], &r->service, &r->port), MK_E_ARG);
        assert_int_equal(r->port, 7);
        assert_true(fds[i] < 0 || close(fds[i]) == 0);
    }
    close(pair[1]);
    fds[0] = bind_somewhere(AF_INET, true);
    assert_int_equal(mk_uv_listen_fd(r->host, fds[0], NULL, NULL), MK_E_ARG);
    r->fail_at = r->calls + 1;
    assert_int_equal(mk_uv_listen_fd(r->host, fds[0], &r->service, NULL),
                     MK_E_MEMORY);
    /* once is enough */
    assert_int_equal(mk_uv_listen_fd(r->host, fds[0], &r->service, NULL),
                     MK_OK);
    assert_int_equal(mk_uv_listen_fd(r->host, fds[0], &r->service, NULL),
                     MK_E_NET);
    mk_uv_stop(r->host);
    assert_int_equal(mk_uv_listen_fd(r->host, fds[0], &r->service, NULL),
                     MK_E_SHUTDOWN);
    assert_int_equal(close(fds[0]), 0);
    rig_free(r);
}

/* ---- the share ----------------------------------------------------------- */

typedef struct count {
    size_t taken;
    size_t max;
    size_t asked;
    bool is_short;
} count;

static mk_err count_take(void *self, uint8_t family, const uint8_t *address)
{
    count *s = self;

    assert_int_equal(family, 4);
    assert_int_equal(address[0], 127);
    if (s->taken == s->max) {
        return MK_E_LIMIT;
    }
    s->taken++;
    return MK_OK;
}

static void count_give(void *self, uint8_t family, const uint8_t *address)
{
    count *s = self;

    assert_int_equal(family, 4);
    assert_int_equal(address[0], 127);
    assert_true(s->taken > 0);
    s->taken--;
}

static bool count_is_short(void *self)
{
    ((count *)self)->asked++;
    return ((count *)self)->is_short;
}

static void share_with(rig *r, count *s, mk_uv_share *out_share)
{
    out_share->self = s;
    out_share->take = count_take;
    out_share->give = count_give;
    out_share->is_short = count_is_short;
    r->config.share = out_share;
}

static void test_a_share_is_whole(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        rig *r = rig_new();
        count s = {0};
        mk_uv_share share;

        share_with(r, &s, &share);
        share.take = i == 0 ? NULL : share.take;
        share.give = i == 1 ? NULL : share.give;
        share.is_short = i == 2 ? NULL : share.is_short;
        assert_int_equal(mk_uv_host_open(&r->loop, &r->config, &r->host),
                         MK_E_ARG);
        r->config.share = NULL;
        r->config.hurry_percent = i == 1 ? 101 : 0;
        assert_int_equal(mk_uv_host_open(&r->loop, &r->config, &r->host),
                         MK_E_ARG);
        r->config.hurry_percent = 100;
        open_host(r);
        rig_free(r);
    }
}

/* Two hosts count in one place; every way to end gives back once. */
static void sec_114_a_share_bounds_all_hosts(void **state)
{
    static const char *const ways[] = {"quit\n", "reset\n", "abort\n",
                                       "echo a", "later\n", ""};
    rig *r[2];
    count s = {0};
    mk_uv_share share;
    int fd[3];
    size_t i;

    (void)state;
    s.max = 2;
    for (i = 0; i < 2; i++) {
        r[i] = rig_new();
        share_with(r[i], &s, &share);
        assert_int_equal(rig_start(r[i]), MK_OK);
    }
    for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        fd[0] = rig_connect(r[0]);
        rig_expect(r[0], fd[0], "hello\r\n");
        fd[1] = rig_connect(r[1]);
        rig_expect(r[1], fd[1], "hello\r\n");
        fd[2] = rig_connect(r[i % 2]);
        rig_expect(r[i % 2], fd[2], "busy\r\n");
        assert_int_equal(r[i % 2]->refused_why, MK_E_LIMIT);
        assert_int_equal(s.taken, 2);
        close(fd[2]);
        rig_send(fd[0], ways[i]);
        rig_turn(r[0]);
        rig_turn(r[0]);
        close(fd[0]);
        close(fd[1]);
        rig_expect_closed(r[0], (int)i + 1);
        rig_expect_closed(r[1], (int)i + 1);
        while (s.taken > 0) { /* discarding ends */
            rig_turn(r[0]);
            rig_turn(r[1]);
        }
    }
    rig_free(r[1]);
    rig_free(r[0]);
    assert_int_equal(s.taken, 0);
}

/* The host's own limits come first, and a service's no gives back. */
static void sec_114_who_is_not_served_does_not_count(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        rig *r = rig_new();
        count s = {0};
        mk_uv_share share;
        int fd[2];

        s.max = 9;
        share_with(r, &s, &share);
        r->config.max_connections = i == 0 ? 1 : 9;
        r->config.max_per_address = i == 1 ? 1 : 9;
        assert_int_equal(rig_start(r), MK_OK);
        fd[0] = rig_connect(r);
        rig_expect(r, fd[0], "hello\r\n");
        r->refuse = i == 2 ? MK_E_BUSY : MK_OK;
        r->fail_at = i == 3 ? r->calls + 1 : 0;
        fd[1] = rig_connect(r);
        (void)rig_expect_end(r, fd[1]);
        while (s.taken > 1) {
            rig_turn(r);
        }
        assert_int_equal(s.taken, 1);
        assert_int_equal(r->refused, i == 2 ? 0 : 1);
        close(fd[0]);
        close(fd[1]);
        rig_free(r);
        assert_int_equal(s.taken, 0);
    }
}

/* ---- those turned away --------------------------------------------------- */

static void sec_114_each_peer_turned_away_is_told(void **state)
{
    static const struct {
        size_t all;
        size_t one_address;
        bool is_heard; /* somebody wants to know */
    } rows[] = {{5, 50, true}, {50, 5, true}, {5, 50, false}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig *r = rig_new();
        int fd[50];
        int n;

        r->config.max_connections = rows[i].all;
        r->config.max_per_address = rows[i].one_address;
        if (!rows[i].is_heard) {
            r->service.refused = NULL;
        }
        assert_int_equal(rig_start(r), MK_OK);
        for (n = 0; n < 50; n++) {
            fd[n] = rig_connect(r);
        }
        for (n = 0; n < 50; n++) {
            rig_expect(r, fd[n], n < 5 ? "hello\r\n" : "busy\r\n");
        }
        assert_int_equal(r->opened, 5);
        assert_int_equal(r->refused, rows[i].is_heard ? 45 : 0);
        if (rows[i].is_heard) {
            assert_int_equal(r->refused_why, MK_E_LIMIT);
            assert_int_not_equal(r->refused_peer.port, 0);
        }
        for (n = 0; n < 50; n++) {
            close(fd[n]);
        }
        rig_free(r);
    }
}

static void stop_it(void *self, const mk_peer *peer, mk_err why)
{
    (void)peer;
    (void)why;
    mk_uv_stop(((rig *)self)->host);
}

static void test_a_host_may_be_stopped_when_told(void **state)
{
    rig *r = rig_new();
    int fd[2];

    (void)state;
    r->config.max_connections = 1;
    r->service.refused = stop_it;
    assert_int_equal(rig_start(r), MK_OK);
    fd[0] = rig_connect(r);
    fd[1] = rig_connect(r);
    rig_expect(r, fd[0], "hello\r\nfinished\r\n");
    rig_expect(r, fd[1], "busy\r\n");
    close(fd[0]);
    close(fd[1]);
    rig_free(r);
}

/* ---- hurry --------------------------------------------------------------- */

static size_t count_hurried(const rig *r, bool on)
{
    const session *s = r->sessions;
    size_t n = 0;

    for (; s != NULL; s = s->after) {
        n += !s->is_closed && s->line.is_hurried == on;
    }
    return n;
}

/* What an engine is told is looked at again at once. */
static void sec_113_all_hurry_when_room_is_short(void **state)
{
    static const struct {
        size_t max;
        uint32_t percent;
        int mark;    /* from there on */
        int relaxed; /* as many are left when it ends */
    } rows[] = {{10, 90, 9, 7}, {20, 50, 10, 8}, {2, 1, 1, 0}, {6, 100, 6, 4}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig *r = rig_new();
        const session *s;
        int fd[20];
        int n;
        int left;

        r->config.max_connections = rows[i].max;
        r->config.hurry_percent = rows[i].percent;
        assert_int_equal(rig_start(r), MK_OK);
        for (n = 0; n < (int)rows[i].max; n++) {
            fd[n] = rig_connect(r);
            rig_expect(r, fd[n], "hello\r\n");
            assert_int_equal(count_hurried(r, n + 1 >= rows[i].mark), n + 1);
        }
        /* none of them has a deadline, and nobody else wants to be woken */
        rig_turn(r);
        rig_turn(r);
        assert_int_equal(uv_backend_timeout(&r->loop), -1);
        for (left = n - 1; left >= 0; left--) {
            close(fd[left]);
            rig_expect_closed(r, n - left);
            rig_turn(r);
            assert_int_equal(count_hurried(r, left > rows[i].relaxed), left);
        }
        /* nobody was told twice the same */
        for (s = r->sessions; s != NULL; s = s->after) {
            assert_true(s->line.hurries <= 2);
        }
        rig_free(r);
    }
}

/* Who is gone and only read from still has a place, but no engine. */
static void sec_113_only_engines_hurry(void **state)
{
    rig *r = rig_new();
    int fd[2];

    (void)state;
    r->config.max_connections = 2;
    r->config.discard_ms = 60000;
    assert_int_equal(rig_start(r), MK_OK);
    fd[0] = rig_connect(r);
    rig_expect(r, fd[0], "hello\r\n");
    rig_send(fd[0], "quit\n");
    rig_expect(r, fd[0], "bye\r\nfinished\r\n");
    rig_expect_closed(r, 1);
    fd[1] = rig_connect(r);
    rig_expect(r, fd[1], "hello\r\n");
    assert_int_equal(count_hurried(r, true), 1);
    assert_int_equal(r->sessions->after->line.hurries, 0);
    close(fd[0]);
    close(fd[1]);
    rig_free(r);
}

static void sec_113_hurry_brings_deadlines_nearer(void **state)
{
    rig *r = rig_new();
    uint64_t start;
    int fd[2];

    (void)state;
    r->idle_ms = 20000;
    r->config.max_connections = 2;
    assert_int_equal(rig_start(r), MK_OK);
    fd[0] = rig_connect(r);
    rig_expect(r, fd[0], "hello\r\n");
    r->idle_ms = 0; /* the second has no deadline */
    start = uv_hrtime();
    fd[1] = rig_connect(r);
    rig_expect(r, fd[1], "hello\r\n");
    rig_expect_closed(r, 1);
    assert_true(uv_hrtime() - start < UINT64_C(8000000000));
    assert_int_equal(r->why, MK_E_TIMEOUT);
    while (count_hurried(r, false) < 1) {
        rig_turn(r); /* until nothing is read from the first any more */
    }
    close(fd[0]);
    close(fd[1]);
    rig_free(r);
}

static void turn_until(rig *r, const count *s, size_t asked)
{
    int turns;

    for (turns = 0; s->asked < asked; turns++) {
        rig_turn(r);
        assert_true(turns < 12000);
    }
}

/* The share is asked once a second, and only while there is somebody. */
static void sec_113_a_share_makes_all_hurry(void **state)
{
    rig *r = rig_new();
    count s = {0};
    mk_uv_share share;
    uint64_t start;
    size_t asked;
    int fd[2];

    (void)state;
    s.max = 9;
    share_with(r, &s, &share);
    assert_int_equal(rig_start(r), MK_OK);
    rig_turn(r);
    assert_int_equal(uv_backend_timeout(&r->loop), -1);
    fd[0] = rig_connect(r);
    rig_expect(r, fd[0], "hello\r\n");
    assert_int_equal(count_hurried(r, false), 1);
    s.is_short = true;
    asked = s.asked;
    turn_until(r, &s, asked + 1);
    assert_int_equal(count_hurried(r, true), 1);
    /* its word that room is back is taken at the next second only */
    s.is_short = false;
    start = uv_hrtime();
    fd[1] = rig_connect(r);
    rig_expect(r, fd[1], "hello\r\n");
    assert_true(count_hurried(r, true) == 2 ||
                uv_hrtime() - start > UINT64_C(900000000));
    turn_until(r, &s, asked + 2);
    assert_int_equal(count_hurried(r, false), 2);
    s.is_short = true;
    close(fd[1]);
    rig_expect_closed(r, 1);
    rig_turn(r);
    assert_int_equal(count_hurried(r, true), 1); /* told as one went */
    close(fd[0]);
    rig_expect_closed(r, 2);
    rig_turn(r);
    assert_int_equal(uv_backend_timeout(&r->loop), -1);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_socket_of_somebody_else_is_served),
        cmocka_unit_test(test_several_hosts_accept_from_one_socket),
        cmocka_unit_test(test_what_does_not_listen_is_no_listener),
        cmocka_unit_test(test_a_share_is_whole),
        cmocka_unit_test(sec_114_a_share_bounds_all_hosts),
        cmocka_unit_test(sec_114_who_is_not_served_does_not_count),
        cmocka_unit_test(sec_114_each_peer_turned_away_is_told),
        cmocka_unit_test(test_a_host_may_be_stopped_when_told),
        cmocka_unit_test(sec_113_all_hurry_when_room_is_short),
        cmocka_unit_test(sec_113_only_engines_hurry),
        cmocka_unit_test(sec_113_hurry_brings_deadlines_nearer),
        cmocka_unit_test(sec_113_a_share_makes_all_hurry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
