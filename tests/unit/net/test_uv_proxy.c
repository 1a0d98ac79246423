/* SPDX-License-Identifier: MIT
 *
 * test_uv_proxy.c: listeners behind proxies: a PROXY header at every cut, with
 * what is behind it; who is told and counted as the peer; headers that are
 * none, too long, or late; and what happens meanwhile to the host.
 */
#include "uv_rig.h"

#include <mailkit/proxy.h>

#include <unistd.h>

#define LIT(s) MK_STR_INIT(s)
#define SIG "\r\n\r\n\0\r\nQUIT\n"

typedef struct bed {
    rig rig; /* first: hooks are given it */
    mk_proxied proxied;
    mk_service inner; /* the rig's, which knows peers of 127.0.0.1 only */
    mk_peer peer;     /* the last one that a session was opened for */
    mk_peer refused_peer;
    mk_err refused_why;
    int refused;
    int asked;
    bool is_direct; /* nobody is a proxy */
} bed;

static bool is_proxy(void *self, const mk_peer *peer)
{
    bed *b = self;

    assert_int_equal(peer->family, 4);
    assert_int_equal(peer->address[0], 127);
    assert_int_equal(peer->own_port, b->rig.port);
    b->asked++;
    return !b->is_direct;
}

static mk_err on_open(void *self, mk_conn *conn, const mk_peer *peer,
                      struct mk_engine **out_engine, void **out_session,
                      mk_str *out_refusal)
{
    bed *b = self;
    mk_peer local = {.family = 4, .address = {127}, .port = 1};

    b->peer = *peer;
    local.own_address[0] = 127;
    local.own_port = b->rig.port;
    return b->inner.open(&b->rig, conn, &local, out_engine, out_session,
                         out_refusal);
}

static void on_refused(void *self, const mk_peer *peer, mk_err why)
{
    bed *b = self;

    b->refused++;
    b->refused_peer = *peer;
    b->refused_why = why;
}

static bed *make(void)
{
    bed *b = calloc(1, sizeof *b);
    rig *r = &b->rig;

    rig_init(r);
    rig_hurry(r);
    b->inner = r->service;
    b->proxied.self = b;
    b->proxied.is_proxy = is_proxy;
    b->proxied.header_ms = 5000;
    r->service.self = b;
    r->service.open = on_open;
    r->service.refused = on_refused;
    r->service.proxied = &b->proxied;
    return b;
}

static void end(bed *b)
{
    rig_close(&b->rig);
    free(b);
}

static void send_part(int fd, mk_str text, size_t start, size_t n)
{
    mk_str part = mk_str_sub(text, start, n);

    if (part.len > 0) {
        assert_int_equal(send(fd, part.ptr, part.len, MSG_NOSIGNAL), part.len);
    }
}

static void turns(rig *r, int n)
{
    while (n-- > 0) {
        rig_turn(r);
    }
}

static void until(rig *r, const int *count, int n)
{
    int left = 6000;

    while (*count < n) {
        assert_true(left-- > 0);
        rig_turn(r);
    }
}

/* ---- headers that are taken ---------------------------------------------- */

/* The octets behind the header are a line for the engine. */
static const struct {
    mk_str text;
    size_t header;
    uint8_t family;
    uint8_t first; /* of the address */
    uint16_t port;
} rows[] = {
    /* clang-format off */
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 4000 25\r\necho a\n"), 43, 4, 192, 4000},
    {LIT("PROXY TCP6 2001:db8::1 2001:db8::2 4000 25\r\necho a\n"), 44, 6, 0x20, 4000},
    {LIT("PROXY UNKNOWN\r\necho a\n"), 15, 0, 0, 0},
    {LIT(SIG "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\x0f\xa0\0\x19""echo a\n"), 28, 4, 192, 4000},
    {LIT(SIG "\x21\x11\0\x10\xc0\0\2\1\xc6\x33\x64\2\x0f\xa0\0\x19\4\0\1\n""echo a\n"), 32, 4, 192, 4000},
    {LIT(SIG "\x20\0\0\0""echo a\n"), 16, 4, 127, 1},
    {LIT(SIG "\x21\x31\0\4\n\n\n\n""echo a\n"), 20, 0, 0, 0}, /* a UNIX socket */
    /* clang-format on */
};

static void check_peer(const bed *b, size_t row)
{
    assert_int_equal(b->peer.family, rows[row].family);
    assert_int_equal(b->peer.address[0], rows[row].first);
    if (rows[row].first == 127) { /* the connection's own */
        assert_int_not_equal(b->peer.port, 0);
        assert_int_equal(b->peer.own_port, b->rig.port);
    } else {
        assert_int_equal(b->peer.port, rows[row].port);
        assert_int_equal(b->peer.own_port,
                         rows[row].port != 0 ? 25 : b->rig.port);
    }
}

static void test_a_header_at_every_cut(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    size_t i;
    size_t cut;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (cut = 0; cut <= rows[i].text.len; cut++) {
            int opened = r->opened;
            int fd = rig_connect(r);

            send_part(fd, rows[i].text, 0, cut);
            turns(r, 3);
            assert_int_equal(r->opened - opened, cut >= rows[i].header);
            send_part(fd, rows[i].text, cut, SIZE_MAX);
            rig_expect(r, fd, "hello\r\na\r\n");
            check_peer(b, i);
            close(fd);
            rig_expect_closed(r, r->opened);
        }
    }
    assert_int_equal(b->refused, 0);
    assert_int_equal(b->asked, r->opened);
    end(b);
}

static void test_a_header_octet_by_octet(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    size_t i;
    size_t n;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int fd = rig_connect(r);

        for (n = 0; n < rows[i].text.len; n++) {
            send_part(fd, rows[i].text, n, 1);
            turns(r, 2);
        }
        rig_expect(r, fd, "hello\r\na\r\n");
        check_peer(b, i);
        close(fd);
    }
    end(b);
}

/* Whatever fills the buffer behind the header is the engine's, and so is the
 * end of the input. */
static void test_what_is_behind_the_header_is_not_lost(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    int fd;
    int i;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    fd = rig_connect(r);
    send_part(fd, rows[0].text, 0, rows[0].header);
    for (i = 0; i < 200; i++) {
        rig_send(fd, "echo 123456789\n");
    }
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    rig_expect(r, fd, "hello\r\n");
    for (i = 0; i < 200; i++) {
        rig_expect(r, fd, "123456789\r\n");
    }
    assert_int_equal(rig_expect_end(r, fd), 0);
    rig_expect_closed(r, 1);
    close(fd);
    end(b);
}

/* Extensions as long as they can be, in pieces, and the octets behind them. */
static void test_long_extensions_are_dropped(void **state)
{
    static const struct {
        const char *head;
        size_t head_bytes;
        size_t rest;
    } long_ones[] = {
        {SIG "\x21\x11\2\x09\xc0\0\2\1\xc6\x33\x64\2\x0f\xa0\0\x19", 28,
         0x209 - 12},
        {SIG "\x21\x11\xff\xff\xc0\0\2\1\xc6\x33\x64\2\x0f\xa0\0\x19", 28,
         0xffff - 12},
        {SIG "\x20\0\x10\0", 16, 0x1000},
    };
    static char text[28 + 0xffff];
    bed *b = make();
    rig *r = &b->rig;
    size_t i;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    for (i = 0; i < sizeof long_ones / sizeof long_ones[0]; i++) {
        size_t n = long_ones[i].head_bytes + long_ones[i].rest;
        size_t at = 0;
        int opened = r->opened;
        int fd = rig_connect(r);

        memset(text, '\n', sizeof text); /* a line each, for the engine */
        memcpy(text, long_ones[i].head, long_ones[i].head_bytes);
        while (at < n) {
            size_t piece = n - at < 5000 ? n - at : 5000;
            assert_int_equal(r->opened, opened);
            send_part(fd, mk_str_of(text, n), at, piece);
            turns(r, 8);
            at += piece;
        }
        rig_send(fd, "echo a\n");
        rig_expect(r, fd, "hello\r\na\r\n");
        assert_int_equal(b->peer.address[0], i < 2 ? 192 : 127);
        close(fd);
        rig_expect_closed(r, r->opened);
    }
    assert_int_equal(b->refused, 0);
    end(b);
}

static void test_who_is_no_proxy_needs_no_header(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    int fd;

    (void)state;
    b->is_direct = true;
    assert_int_equal(rig_start(r), MK_OK);
    fd = rig_connect(r);
    rig_expect(r, fd, "hello\r\n");
    assert_int_equal(b->peer.address[0], 127);
    rig_send(fd, "echo a\n");
    rig_expect(r, fd, "a\r\n");
    rig_send(fd, "PROXY UNKNOWN\r\n"); /* a line as any other */
    until(r, &r->lines, 2);
    assert_int_equal(r->opened, 1);
    close(fd);
    end(b);
}

/* ---- headers that are not ------------------------------------------------ */

static void test_what_is_no_header_is_closed_without_a_word(void **state)
{
    static const struct {
        mk_str text;
        mk_err why;
        bool ends; /* the peer's side is shut */
    } bad[] = {
        /* clang-format off */
        {LIT("EHLO a\r\n"), MK_E_CROSS, false},
        {LIT("\x16\3\1\0\xa5"), MK_E_CROSS, false},
        {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 4000 25 \r\necho a\n"), MK_E_SYNTAX, false},
        {LIT("PROXY UNKNOWN\necho a\n"), MK_E_SYNTAX, false},
        {LIT(SIG "\x21\x11\0\x0b\xc0\0\2\1\xc6\x33\x64\2\x0f\xa0\0\x19"), MK_E_SYNTAX, false},
        {LIT(SIG "\x21\x11\xff\xff\xc0\0\2\1\xc6\x33\x64\2\x0f\xa0\0\x19"), MK_E_CUT, true},
        {LIT("PROXY UNKNOWN 34567890123456789012345678901234567890123456789012345678901234567890"
             "123456789012345678901234567890"), MK_E_SIZE, false},
        {LIT("PROXY TCP4 192.0.2.1"), MK_E_CUT, true},
        {LIT(""), MK_E_CUT, true},
        /* clang-format on */
    };
    bed *b = make();
    rig *r = &b->rig;
    size_t i;

    (void)state;
    r->service.busy = mk_str_z("busy\r\n");
    assert_int_equal(rig_start(r), MK_OK);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int fd = rig_connect(r);
        char waste[8];

        send_part(fd, bad[i].text, 0, SIZE_MAX);
        if (bad[i].ends) {
            assert_int_equal(shutdown(fd, SHUT_WR), 0);
        }
        until(r, &b->refused, (int)i + 1);
        turns(r, 3);
        assert_true(recv(fd, waste, sizeof waste, 0) <= 0);
        (void)rig_expect_end(r, fd);
        assert_int_equal(b->refused, i + 1);
        assert_int_equal(b->refused_why, bad[i].why);
        assert_int_equal(b->refused_peer.address[0], 127);
        assert_int_equal(r->opened, 0);
        assert_int_equal(r->host != NULL ? mk_uv_host_sessions(r->host) : 1, 0);
        close(fd);
    }
    end(b);
}

static void test_a_header_has_a_time_for_all_of_it(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    int silent;
    int slow;
    size_t n = 0;

    (void)state;
    b->proxied.header_ms = 60;
    assert_int_equal(rig_start(r), MK_OK);
    silent = rig_connect(r);
    slow = rig_connect(r);
    /* no octet moves the deadline */
    while (b->refused < 2) {
        assert_true(n < rows[1].header);
        if (send(slow, rows[1].text.ptr + n, 1, MSG_NOSIGNAL) == 1) {
            n++;
        }
        turns(r, 6);
    }
    assert_int_equal(b->refused_why, MK_E_TIMEOUT);
    assert_int_equal(r->opened, 0);
    (void)rig_expect_end(r, silent);
    (void)rig_expect_end(r, slow);
    close(silent);
    close(slow);
    end(b);
}

static void test_the_time_of_a_header_is_not_that_of_a_session(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    int fd;

    (void)state;
    b->proxied.header_ms = 30;
    assert_int_equal(rig_start(r), MK_OK);
    fd = rig_connect(r);
    send_part(fd, rows[0].text, 0, rows[0].header);
    rig_expect(r, fd, "hello\r\n");
    turns(r, 100);
    (void)usleep(40000);
    turns(r, 10);
    rig_send(fd, "echo still\n");
    rig_expect(r, fd, "still\r\n");
    close(fd);
    end(b);
}

static void test_settings_without_a_time_or_a_word_are_refused(void **state)
{
    static const uint32_t times[] = {0, 60001};
    bed *b = make();
    rig *r = &b->rig;
    size_t i;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    for (i = 0; i < 2; i++) {
        b->proxied.header_ms = times[i];
        assert_int_equal(
            mk_uv_listen(r->host, "127.0.0.1", 0, &r->service, NULL), MK_E_ARG);
    }
    b->proxied.header_ms = 60000;
    b->proxied.is_proxy = NULL;
    assert_int_equal(mk_uv_listen(r->host, "127.0.0.1", 0, &r->service, NULL),
                     MK_E_ARG);
    end(b);
}

/* ---- who counts ---------------------------------------------------------- */

static int connect_as(rig *r, const char *header)
{
    int fd = rig_connect(r);

    rig_send(fd, header);
    return fd;
}

/* THREATS 113: one peer must not take all connections, nor may a proxy be
 * taken for the one that has them all. */
static void sec_113_the_peer_behind_the_proxy_is_counted(void **state)
{
    static const char one[] = "PROXY TCP4 192.0.2.1 192.0.2.9 1 25\r\n";
    static const char other[] = "PROXY TCP4 192.0.2.2 192.0.2.9 1 25\r\n";
    bed *b = make();
    rig *r = &b->rig;
    int fd[6];
    size_t i;

    (void)state;
    r->config.max_per_address = 2;
    assert_int_equal(rig_start(r), MK_OK);
    for (i = 0; i < 4; i++) {
        fd[i] = connect_as(r, i < 2 ? one : other);
        rig_expect(r, fd[i], "hello\r\n");
    }
    fd[4] = connect_as(r, one);
    rig_expect(r, fd[4], "busy\r\n");
    (void)rig_expect_end(r, fd[4]);
    assert_int_equal(b->refused, 1);
    assert_int_equal(b->refused_why, MK_E_LIMIT);
    assert_int_equal(b->refused_peer.address[3], 1);
    assert_int_equal(b->refused_peer.address[0], 192);
    /* once one is gone there is room for it again */
    close(fd[0]);
    rig_expect_closed(r, 1);
    fd[5] = connect_as(r, one);
    rig_expect(r, fd[5], "hello\r\n");
    for (i = 1; i < 6; i++) {
        close(fd[i]);
    }
    end(b);
}

/* IPv4 in IPv6 is counted as IPv4, an IPv6 peer by its /64, and those of whom
 * nothing is known are one. */
static void sec_113_all_ways_to_tell_a_peer_count(void **state)
{
    static const char *const headers[][2] = {
        {"PROXY TCP4 192.0.2.1 192.0.2.9 1 25\r\n",
         "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.9 1 25\r\n"},
        {"PROXY TCP6 2001:db8::1 ::1 1 25\r\n",
         "PROXY TCP6 2001:db8::2 ::1 1 25\r\n"},
        {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN x\r\n"},
    };
    bed *b = make();
    rig *r = &b->rig;
    int fd[6];
    size_t i;

    (void)state;
    r->config.max_per_address = 1;
    assert_int_equal(rig_start(r), MK_OK);
    for (i = 0; i < 3; i++) {
        fd[2 * i] = connect_as(r, headers[i][0]);
        rig_expect(r, fd[2 * i], "hello\r\n");
        fd[2 * i + 1] = connect_as(r, headers[i][1]);
        rig_expect(r, fd[2 * i + 1], "busy\r\n");
    }
    for (i = 0; i < 6; i++) {
        close(fd[i]);
    }
    end(b);
}

/* Those that have not told yet count in all, though for no address. */
static void sec_113_silent_proxies_are_bounded(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    int fd[4];
    size_t i;

    (void)state;
    r->config.max_connections = 3;
    r->config.max_per_address = 1;
    assert_int_equal(rig_start(r), MK_OK);
    for (i = 0; i < 3; i++) {
        fd[i] = rig_connect(r);
        turns(r, 2);
    }
    assert_int_equal(b->refused, 0);
    fd[3] = rig_connect(r);
    rig_expect(r, fd[3], "busy\r\n");
    assert_int_equal(b->refused_why, MK_E_LIMIT);
    close(fd[3]);
    rig_send(fd[0], "PROXY UNKNOWN\r\n");
    rig_expect(r, fd[0], "hello\r\n");
    for (i = 0; i < 3; i++) {
        close(fd[i]);
    }
    end(b);
}

typedef struct counter {
    int taken;
    int given;
    uint8_t last[4];
} counter;

static mk_err take(void *self, uint8_t family, const uint8_t *address)
{
    counter *c = self;

    assert_int_equal(family, 4);
    memcpy(c->last, address, 4);
    c->taken++;
    return MK_OK;
}

static void give(void *self, uint8_t family, const uint8_t *address)
{
    counter *c = self;

    assert_int_equal(family, 4);
    assert_memory_equal(address, c->last, 4);
    c->given++;
}

static bool is_short(void *self)
{
    (void)self;
    return false;
}

static void test_a_share_hears_of_the_peer_alone(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    counter c = {0, 0, {0}};
    mk_uv_share share = {&c, take, give, is_short};
    int fd;

    (void)state;
    r->config.share = &share;
    assert_int_equal(rig_start(r), MK_OK);
    fd = rig_connect(r);
    rig_send(fd, "X");
    (void)rig_expect_end(r, fd);
    close(fd);
    assert_int_equal(c.taken, 0);
    fd = connect_as(r, "PROXY TCP4 192.0.2.7 192.0.2.9 1 25\r\n");
    rig_expect(r, fd, "hello\r\n");
    assert_int_equal(c.taken, 1);
    assert_int_equal(c.last[3], 7);
    close(fd);
    rig_expect_closed(r, 1);
    turns(r, 3);
    assert_int_equal(c.given, 1);
    end(b);
}

/* ---- what happens meanwhile ---------------------------------------------- */

static void test_the_listener_may_be_gone_when_the_header_comes(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    int fd;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    fd = rig_connect(r);
    turns(r, 3);
    assert_int_equal(b->asked, 1);
    mk_uv_drain(r->host);
    turns(r, 3);
    send_part(fd, rows[0].text, 0, SIZE_MAX);
    rig_expect(r, fd, "hello\r\na\r\n");
    close(fd);
    end(b);
}

static void test_a_host_that_stops_waits_no_longer_than_it_said(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    int fd[2];

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    fd[0] = rig_connect(r);
    fd[1] = rig_connect(r);
    turns(r, 3);
    mk_uv_stop(r->host);
    /* who tells in time hears what others hear */
    send_part(fd[0], rows[0].text, 0, rows[0].header);
    rig_expect(r, fd[0], "hello\r\nfinished\r\n");
    (void)rig_expect_end(r, fd[1]); /* long before 5 s */
    close(fd[0]);
    close(fd[1]);
    end(b);
}

static void test_a_host_is_closed_meanwhile(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    int fd = -1;

    (void)state;
    assert_int_equal(rig_start(r), MK_OK);
    fd = rig_connect(r);
    send_part(fd, rows[0].text, 0, 10);
    turns(r, 3);
    mk_uv_host_close(r->host);
    close(fd);
    end(b); /* which checks that nothing is left */
}

static void close_host(void *self, const mk_peer *peer, mk_err why)
{
    on_refused(self, peer, why);
    mk_uv_host_close(((bed *)self)->rig.host);
}

/* THREATS 110 */
static void sec_110_a_host_is_closed_by_who_is_told(void **state)
{
    static const char *const texts[] = {
        "X", "PROXY TCP4 192.0.2.1 192.0.2.9 1 25\r\n"};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        bed *b = make();
        rig *r = &b->rig;
        int fd[2];

        r->config.max_per_address = 1;
        r->service.refused = close_host;
        assert_int_equal(rig_start(r), MK_OK);
        fd[0] = connect_as(r, texts[1]);
        rig_expect(r, fd[0], "hello\r\n");
        fd[1] = connect_as(r, texts[i]);
        until(r, &b->refused, 1);
        close(fd[0]);
        close(fd[1]);
        end(b);
    }
}

static void test_an_open_that_fails_behind_a_header(void **state)
{
    bed *b = make();
    rig *r = &b->rig;
    int fd;

    (void)state;
    r->refuse = MK_E_LIMIT;
    r->refusal = "421 no\r\n";
    assert_int_equal(rig_start(r), MK_OK);
    fd = connect_as(r, "PROXY UNKNOWN\r\n");
    rig_expect(r, fd, "421 no\r\n");
    (void)rig_expect_end(r, fd);
    assert_int_equal(r->opened, 0);
    close(fd);
    end(b);
}

/* Each allocation fails in turn; what was refused is told, nothing is left. */
static void test_without_memory_for_a_header(void **state)
{
    size_t n;
    bool is_served = false;

    (void)state;
    for (n = 1; !is_served; n++) {
        bed *b = make();
        rig *r = &b->rig;
        int fd;
        int i;

        assert_true(n < 20);
        assert_int_equal(rig_start(r), MK_OK);
        r->fail_at = r->calls + n;
        fd = connect_as(r, "PROXY UNKNOWN\r\necho a\n");
        for (i = 0; i < 200 && b->refused + r->lines == 0; i++) {
            rig_turn(r);
        }
        is_served = r->lines > 0;
        if (!is_served) {
            assert_int_equal(b->refused_why, MK_E_MEMORY);
        }
        close(fd);
        end(b);
    }
    assert_true(n > 3); /* the connection, its header, its address */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_header_at_every_cut),
        cmocka_unit_test(test_a_header_octet_by_octet),
        cmocka_unit_test(test_what_is_behind_the_header_is_not_lost),
        cmocka_unit_test(test_long_extensions_are_dropped),
        cmocka_unit_test(test_who_is_no_proxy_needs_no_header),
        cmocka_unit_test(test_what_is_no_header_is_closed_without_a_word),
        cmocka_unit_test(test_a_header_has_a_time_for_all_of_it),
        cmocka_unit_test(test_the_time_of_a_header_is_not_that_of_a_session),
        cmocka_unit_test(test_settings_without_a_time_or_a_word_are_refused),
        cmocka_unit_test(sec_113_the_peer_behind_the_proxy_is_counted),
        cmocka_unit_test(sec_113_all_ways_to_tell_a_peer_count),
        cmocka_unit_test(sec_113_silent_proxies_are_bounded),
        cmocka_unit_test(test_a_share_hears_of_the_peer_alone),
        cmocka_unit_test(test_the_listener_may_be_gone_when_the_header_comes),
        cmocka_unit_test(test_a_host_that_stops_waits_no_longer_than_it_said),
        cmocka_unit_test(test_a_host_is_closed_meanwhile),
        cmocka_unit_test(sec_110_a_host_is_closed_by_who_is_told),
        cmocka_unit_test(test_an_open_that_fails_behind_a_header),
        cmocka_unit_test(test_without_memory_for_a_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
