/* SPDX-License-Identifier: MIT
 *
 * test_uv_limits.c: what is bounded: descriptors (THREATS 109, F15),
 * connections, memory at every allocation, and the patience with peers that
 * trickle or do not read (THREATS 113).
 */
#include "uv_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- descriptors --------------------------------------------------------- */

/* The limit is set to what is open now, so that the next one fails. */
static void close_the_door(struct rlimit *out_old)
{
    struct rlimit now;
    int next = dup(0);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, out_old), 0);
    now = *out_old;
    now.rlim_cur = (rlim_t)next;
    close(next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
}

static int open_client(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    return fd;
}

static void connect_client(const rig *r, int fd)
{
    struct sockaddr_in to;

    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons(r->port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ||
                errno == EINPROGRESS);
}

static bool is_listening(rig *r)
{
    return uv_is_active(
        (uv_handle_t *)&mk_net_host_of(r->host)->listeners->poll);
}

static void fault_f15_accept_without_descriptors_sheds_the_peer(void **state)
{
    rig *r = rig_new();
    struct rlimit old;
    int fd[3];
    int extra;
    size_t i;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    for (i = 0; i < 3; i++) {
        fd[i] = open_client();
    }
    close_the_door(&old);
    for (i = 0; i < 3; i++) {
        connect_client(r, fd[i]);
    }
    for (i = 0; i < 3; i++) {
        rig_expect(r, fd[i], "busy\r\n");
        assert_int_equal(rig_expect_end(r, fd[i]), 0);
    }
    assert_int_equal(r->opened, 0);
    assert_int_equal(r->refused, 3);
    assert_int_equal(r->refused_why, MK_E_FILES);
    assert_int_not_equal(r->refused_peer.port, 0);
    assert_true(is_listening(r));
    assert_true(mk_net_host_of(r->host)->reserve_fd >= 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    for (i = 0; i < 3; i++) {
        close(fd[i]);
    }
    extra = rig_connect(r);
    rig_expect(r, extra, "hello\r\n");
    close(extra);
    rig_free(r);
}

static void fault_f15_without_a_reserve_the_listener_rests(void **state)
{
    rig *r = rig_new();
    struct rlimit none;
    struct rlimit old;
    int turns = 0;
    int fd;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    fd = open_client();
    close_the_door(&old);
    /* somebody else took the reserve while it was given up */
    close(mk_net_host_of(r->host)->reserve_fd);
    mk_net_host_of(r->host)->reserve_fd = -1;
    none = old;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    connect_client(r, fd);
    while (is_listening(r)) {
        rig_turn(r);
        assert_true(turns++ < 1000);
    }
    /* it sleeps: no busy loop */
    assert_true(uv_backend_timeout(&r->loop) > 10);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    rig_expect(r, fd, "hello\r\n");
    assert_true(is_listening(r));
    close(fd);
    rig_free(r);
}

static void fault_f15_open_says_so(void **state)
{
    rig *r = rig_new();
    struct rlimit old;

    (void)state;
    close_the_door(&old);
    assert_int_equal(mk_uv_host_open(&r->loop, &r->config, &r->host),
                     MK_E_FILES);
    assert_int_equal(r->live, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(rig_start(r), MK_OK);
    close_the_door(&old);
    assert_int_equal(mk_uv_listen(r->host, "127.0.0.1", 0, &r->service, NULL),
                     MK_E_FILES);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    rig_free(r);
}

/* rig_close compares the descriptors before and after. */
static void sec_109_descriptors_are_even_after_each_way_to_end(void **state)
{
    static const char *const ways[] = {
        "quit\n",  "reset\n", "abort\n", "echo a", "hold\n",
        "later\n", "timer\n", "big\n",   "",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        rig *r = rig_new();
        int fd;

        assert_int_equal(rig_start(r), MK_OK);
        fd = rig_connect(r);
        rig_expect(r, fd, "hello\r\n");
        rig_send(fd, ways[i]);
        rig_turn(r);
        rig_turn(r);
        close(fd);
        rig_free(r);
    }
}

static void sec_109_what_is_accepted_is_close_on_exec(void **state)
{
    rig *r = rig_new();
    bool was_open[1024];
    int is_hasty = 0;
    socklen_t len = sizeof is_hasty;
    int fd;
    int other;

    (void)state;
    for (other = 0; other < 1024; other++) {
        was_open[other] = fcntl(other, F_GETFD) >= 0;
    }
    assert_int_equal(rig_start(r), MK_OK);
    fd = rig_connect(r);
    rig_expect(r, fd, "hello\r\n");
    for (other = 0; other < 1024; other++) {
        int flags = fcntl(other, F_GETFD);

        assert_true(was_open[other] || flags < 0 || (flags & FD_CLOEXEC) != 0);
    }
    /* small replies do not wait for acknowledgements (RFC 9293 3.7.4) */
    assert_int_equal(getsockopt(r->sessions->conn->fd, IPPROTO_TCP, TCP_NODELAY,
                                &is_hasty, &len),
                     0);
    assert_int_equal(is_hasty, 1);
    close(fd);
    rig_free(r);
}

static void sec_109_clients_that_vanish_leave_nothing(void **state)
{
    rig *r = rig_new();
    int n;
    int before;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    before = rig_count_fds();
    for (n = 1; n <= 40; n++) {
        struct linger hard = {1, 0};
        int fd = rig_connect(r);

        if (n % 2 == 0) {
            (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        if (n % 3 == 0) {
            rig_turn(r);
        }
        close(fd);
    }
    for (n = 0; mk_net_host_of(r->host)->conn_count > 0 || n < 5; n++) {
        rig_turn(r);
        assert_true(n < 2000);
    }
    assert_int_equal(rig_count_fds(), before);
    rig_free(r);
}

/* ---- connections --------------------------------------------------------- */

/* EPIPE when a reset came behind the end. */
static int error_of(int fd)
{
    int error = -1;
    socklen_t size = sizeof error;

    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    return error;
}

static void test_connections_are_bounded(void **state)
{
    static const struct {
        size_t all;
        size_t one_address;
    } rows[] = {{2, 50}, {50, 2}, {2, 2}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig *r = rig_new();
        int a;
        int b;
        int c;

        r->config.max_connections = rows[i].all;
        r->config.max_per_address = rows[i].one_address;
        assert_int_equal(rig_start(r), MK_OK);
        a = rig_connect(r);
        b = rig_connect(r);
        c = rig_connect(r);
        rig_send(c, "early\r\n"); /* must not turn the end into a reset */
        rig_expect(r, a, "hello\r\n");
        rig_expect(r, b, "hello\r\n");
        rig_expect(r, c, "busy\r\n");
        assert_int_equal(rig_expect_end(r, c), 0);
        assert_int_equal(error_of(c), 0);
        close(c);
        assert_int_equal(r->opened, 2);
        close(a);
        rig_expect_closed(r, 1);
        rig_turn(r);
        c = rig_connect(r);
        rig_expect(r, c, "hello\r\n");
        close(b);
        close(c);
        rig_free(r);
    }
}

static void test_a_service_may_refuse(void **state)
{
    static const char *const texts[] = {"421 no\r\n", NULL};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        rig *r = rig_new();
        int fd;

        r->refuse = MK_E_LIMIT;
        r->refusal = texts[i];
        assert_int_equal(rig_start(r), MK_OK);
        fd = rig_connect(r);
        rig_send(fd, "early\r\n");
        rig_expect(r, fd, texts[i] == NULL ? "" : texts[i]);
        (void)rig_expect_end(r, fd);
        assert_int_equal(r->closed, 0);
        close(fd);
        rig_free(r);
    }
}

static void peer_of(mk_peer *p, uint8_t family, uint8_t n, uint8_t low)
{
    memset(p, 0, sizeof *p);
    p->family = family;
    p->address[family == 4 ? 3 : 7] = n;
    p->address[family == 4 ? 4 : 15] = low;
}

static void sec_113_an_address_is_counted_with_its_network(void **state)
{
    rig *r = rig_new();
    mk_net_sources *s = calloc(1, sizeof *s);
    mk_net_source *held[600];
    mk_net_source *more = NULL;
    mk_peer p;
    int n;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    s->alloc = &r->alloc;
    for (n = 0; n < 600; n++) {
        peer_of(&p, n < 300 ? 4 : 6, (uint8_t)(n % 150), (uint8_t)n);
        assert_int_equal(mk_net_source_add(s, &p, 2, &held[n]), MK_OK);
    }
    for (n = 0; n < 300; n++) {
        peer_of(&p, n < 150 ? 4 : 6, (uint8_t)(n % 150), 99);
        assert_int_equal(mk_net_source_add(s, &p, 2, &more), MK_E_LIMIT);
    }
    for (n = 599; n >= 0; n--) {
        mk_net_source_drop(s, held[n]);
    }
    for (n = 0; n < mk_net_source_slots; n++) {
        assert_null(s->slots[n]);
    }
    free(s);
    rig_free(r);
}

/* 32.1.13.184 is not 2001:db8::/32, wherever both lie in the table. */
static void sec_113_families_are_counted_apart(void **state)
{
    static const uint8_t octets[] = {0x20, 0x01, 0x0d, 0xb8};
    mk_net_sources *s = calloc(1, sizeof *s);
    mk_net_source *v4 = NULL;
    mk_net_source *v6 = NULL;
    mk_peer four;
    mk_peer six;
    int n;

    (void)state;
    s->alloc = mk_alloc_libc();
    peer_of(&four, 4, 0, 0);
    memcpy(four.address, octets, sizeof octets);
    for (n = 0; n < 8 * mk_net_source_slots; n++) {
        peer_of(&six, 6, (uint8_t)n, 1);
        memcpy(six.address, octets, sizeof octets);
        six.address[6] = (uint8_t)(n >> 8);
        assert_int_equal(mk_net_source_add(s, &six, 1, &v6), MK_OK);
        assert_int_equal(mk_net_source_add(s, &four, 1, &v4), MK_OK);
        mk_net_source_drop(s, v4);
        mk_net_source_drop(s, v6);
    }
    free(s);
}

/* ---- patience ------------------------------------------------------------ */

static void sec_113_trickling_does_not_renew_the_deadline(void **state)
{
    static const char *const drips[] = {"e", "", "echo a\ne"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof drips / sizeof drips[0]; i++) {
        rig *r = rig_new();
        uint64_t start;
        int fd;

        r->idle_ms = 150;
        assert_int_equal(rig_start(r), MK_OK);
        fd = rig_connect(r);
        rig_expect(r, fd, "hello\r\n");
        start = uv_hrtime();
        rig_send(fd, drips[i]);
        while (r->closed == 0) {
            int turns;

            /* slow enough that 128 octets do not come in time */
            for (turns = 0; turns < 4; turns++) {
                rig_turn(r);
            }
            if (drips[i][0] != '\0') {
                (void)send(fd, "e", 1, MSG_NOSIGNAL);
            }
            assert_true(uv_hrtime() - start < UINT64_C(5000000000));
        }
        assert_true(uv_hrtime() - start > UINT64_C(50000000));
        assert_int_equal(r->why, MK_E_TIMEOUT);
        close(fd);
        rig_free(r);
    }
}

static void sec_113_who_does_not_read_is_bounded(void **state)
{
    static const char *const asks[] = {"big\n", "big\nbig\nbig\n",
                                       "big\necho a\nlater\n"};
    int small = 1024;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        rig *r = rig_new();
        size_t before;
        int turns = 0;
        int fd;

        r->idle_ms = 200;
        assert_int_equal(rig_start(r), MK_OK);
        fd = open_client();
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        connect_client(r, fd);
        rig_expect(r, fd, "hello\r\n");
        before = r->live;
        while (r->closed == 0) {
            (void)send(fd, asks[i], strlen(asks[i]), MSG_NOSIGNAL);
            rig_turn(r);
            /* two units of the pool and a job: no more, however long */
            assert_true(r->live <= before + 4);
            assert_true(turns++ < 4000);
        }
        assert_int_equal(r->why, MK_E_TIMEOUT);
        close(fd);
        rig_free(r);
    }
}

/* ---- memory -------------------------------------------------------------- */

static void all_of_it(rig *r)
{
    int fd[2] = {rig_connect(r), rig_connect(r)};
    char junk[1024];
    int turns;
    size_t i;

    for (i = 0; i < 2; i++) {
        (void)send(fd[i], "echo a\nlater\necho b\npart", 25, MSG_NOSIGNAL);
        rig_turn(r);
        (void)send(fd[i], "ly\nlater\n", 9, MSG_NOSIGNAL);
    }
    for (turns = 0; turns < 12; turns++) {
        rig_turn(r);
    }
    for (i = 0; i < 2; i++) {
        while (recv(fd[i], junk, sizeof junk, 0) > 0) {
        }
        close(fd[i]);
    }
}

static void test_every_allocation_may_fail(void **state)
{
    size_t n;
    size_t calls = SIZE_MAX;

    (void)state;
    for (n = 1; n <= calls + 1; n++) {
        rig *r = rig_new();

        r->fail_at = n;
        if (rig_start(r) == MK_OK) {
            all_of_it(r);
        } else {
            assert_true(n < 4);
        }
        calls = r->calls;
        rig_free(r);
    }
    assert_true(calls >= 8);
}

static void test_without_units_reading_waits(void **state)
{
    rig *r = rig_new();
    void *unit;
    int fd;
    int turns;

    (void)state;
    r->config.max_units = 1;
    assert_int_equal(rig_start(r), MK_OK);
    mk_net_host_of(r->host)->holds.max = 0;
    unit = mk_pool_take(mk_uv_host_units(r->host));
    fd = rig_connect(r);
    rig_expect(r, fd, "hello\r\n");
    rig_send(fd, "echo a\n");
    for (turns = 0; turns < 20; turns++) {
        rig_turn(r);
    }
    /* nothing is read, and the loop sleeps */
    assert_true(r->sessions->line.consumed == 0);
    assert_true(uv_backend_timeout(&r->loop) > 0);
    mk_pool_give(mk_uv_host_units(r->host), unit);
    rig_expect(r, fd, "a\r\n");
    close(fd);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fault_f15_accept_without_descriptors_sheds_the_peer),
        cmocka_unit_test(fault_f15_without_a_reserve_the_listener_rests),
        cmocka_unit_test(fault_f15_open_says_so),
        cmocka_unit_test(sec_109_descriptors_are_even_after_each_way_to_end),
        cmocka_unit_test(sec_109_what_is_accepted_is_close_on_exec),
        cmocka_unit_test(sec_109_clients_that_vanish_leave_nothing),
        cmocka_unit_test(test_connections_are_bounded),
        cmocka_unit_test(test_a_service_may_refuse),
        cmocka_unit_test(sec_113_an_address_is_counted_with_its_network),
        cmocka_unit_test(sec_113_families_are_counted_apart),
        cmocka_unit_test(sec_113_trickling_does_not_renew_the_deadline),
        cmocka_unit_test(sec_113_who_does_not_read_is_bounded),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_without_units_reading_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
