/* SPDX-License-Identifier: MIT
 *
 * test_maildrop_stream.c: messages on their way to a POP3 client: pieces, and
 * what is left of them when the peer, the file, memory or a worker fails; other
 * octets than ASCII in headers (RFC 6856 2.1); and whole sessions with every
 * call and every allocation failing in turn.
 */
#include "post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static post p;

#define assert_begins(text, begin)                                             \
    assert_memory_equal((text), (begin), strlen(begin))

#define LINE "a line of sixty-three octets, and dots to stuff on some lines.\n"
#define LINES 4096u /* a quarter of a megabyte */

static char *big;
static size_t big_bytes;

static int make_big(void **state)
{
    (void)state;
    big_bytes = LINES * (sizeof LINE - 1);
    big = malloc(big_bytes + 1);
    if (big == NULL) {
        return -1;
    }
    for (size_t i = 0; i < LINES; i++) {
        memcpy(big + i * (sizeof LINE - 1), LINE, sizeof LINE);
        if (i % 7 == 0) {
            big[i * (sizeof LINE - 1)] = '.';
        }
    }
    memcpy(big, "Subject: big\n\n", 14);
    return 0;
}

static int free_big(void **state)
{
    (void)state;
    free(big);
    return 0;
}

/* What a client should get of it: lines stuffed and ended, then the dot. */
static bool is_big(const char *got)
{
    static const char ok[] = "+OK Message follows\r\n";
    const char *at = got + sizeof ok - 1;
    if (strncmp(got, ok, sizeof ok - 1) != 0) {
        return false;
    }
    for (size_t i = 0; i < big_bytes;) {
        const char *lf = memchr(big + i, '\n', big_bytes - i);
        size_t n = (size_t)(lf - (big + i));
        if (big[i] == '.' && *at++ != '.') {
            return false;
        }
        if (memcmp(at, big + i, n) != 0 || memcmp(at + n, "\r\n", 2) != 0) {
            return false;
        }
        at += n + 2;
        i += n + 1;
    }
    return strcmp(at, ".\r\n") == 0;
}

static void open_with_big(size_t chunk)
{
    post_open(&p);
    p.c.chunk_bytes = chunk;
    post_put_n(&p, "new/1.big", big, big_bytes);
    post_put(&p, "new/2.small", "Subject: small\n\nx\n");
    assert_int_equal(post_serve(&p), MK_OK);
    (void)post_dial(&p, 0);
    assert_begins(post_login(&p), "+OK 2");
}

/* ---- pieces -------------------------------------------------------------- */

static void two_pieces_at_most(void **state)
{
    static const size_t chunks[] = {1024, 1025, 5000, 65536, 1u << 22};
    (void)state;
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        open_with_big(chunks[i]);
        size_t idle = mk_maildrop_memory(p.m);
        size_t most = 0;
        post_mutters(&p, "RETR 1\r\n");
        while (fake_host_job(&p.h.host)) {
            size_t now = mk_maildrop_memory(p.m);
            most = now > most ? now : most;
            fake_conn_run(p.conn);
        }
        assert_true(is_big(post_heard(&p)));
        if (chunks[i] < big_bytes) {
            assert_int_equal(most - idle, 2 * chunks[i]);
        }
        assert_int_equal(mk_maildrop_memory(p.m), idle);
        /* a small message takes little */
        post_mutters(&p, "RETR 2\r\n");
        assert_true(mk_maildrop_memory(p.m) - idle < 512);
        post_work(&p);
        assert_begins(post_heard(&p), "+OK Message follows\r\nSubject: small");
        assert_int_equal(mk_maildrop_memory(p.m), idle);
        assert_begins(post_says(&p, "QUIT\r\n"), "+OK");
        post_close(&p);
    }
}

/* The next piece is read while one is on its way; no third. */
static void reads_ahead_by_one(void **state)
{
    (void)state;
    open_with_big(1024);
    mk_engine *e = p.conn->engine;
    mk_event ev;
    text_add(&p.conn->input, "RETR 1\r\n", 8);
    mk_str in = text_view(&p.conn->input);
    for (;;) { /* a peer that takes nothing */
        mk_err err = mk_step(e, p.h.host.now_ms, &in, &ev);
        if (err == MK_OK) {
            p.service.event(p.conn->session, &ev);
        } else if (!fake_host_job(&p.h.host)) {
            break;
        }
    }
    text_clear(&p.conn->input);
    assert_int_equal(test_vfs_count(p.h.t, TEST_VFS_READ), 1 + 4 + 2);
    post_work(&p);
    assert_true(is_big(post_heard(&p)));
    post_close(&p);
}

/* Step until the engine has room, which is told to nobody. */
static mk_event wanted(void)
{
    mk_event ev = {0};
    mk_str nothing = {NULL, 0};
    while (ev.type != MK_EV_WANTED) {
        assert_int_equal(
            mk_step(p.conn->engine, p.h.host.now_ms, &nothing, &ev), MK_OK);
    }
    return ev;
}

/* An engine may have room for two pieces only when both are there, or when the
 * second, the last, is just being read: the first is not the last. */
static void the_last_is_the_last(void **state)
{
    static char message[1501];
    (void)state;
    for (int is_done = 0; is_done < 2; is_done++) {
        post_open(&p);
        p.c.chunk_bytes = 1024;
        memset(message, 'x', 1499);
        message[1499] = '\n';
        post_put(&p, "new/1", message);
        assert_int_equal(post_serve(&p), MK_OK);
        (void)post_dial(&p, 0);
        assert_begins(post_login(&p), "+OK 1");
        post_mutters(&p, "RETR 1\r\n");
        assert_true(fake_host_job(&p.h.host));
        mk_event ev = wanted();
        ev.size = 0;
        p.service.event(p.conn->session, &ev);
        assert_true(fake_host_work(&p.h.host));
        if (is_done) {
            assert_true(fake_host_job(&p.h.host));
        }
        ev.size = 2;
        p.service.event(p.conn->session, &ev);
        post_work(&p);
        const char *got = post_heard(&p);
        assert_begins(got, "+OK Message follows\r\nx");
        assert_int_equal(strlen(got), 21 + 1501 + 3);
        assert_begins(post_says(&p, "NOOP\r\n"), "+OK");
        post_close(&p);
    }
}

static void one_behind_the_other(void **state)
{
    (void)state;
    open_with_big(4096);
    const char *got = post_says(&p, "RETR 2\r\nTOP 1 0\r\nRETR 2\r\nSTAT\r\n"
                                    "TOP 1 1\r\nQUIT\r\n");
    assert_string_equal(
        got, "+OK Message follows\r\nSubject: small\r\n\r\nx\r\n.\r\n"
             "+OK Top of message follows\r\nSubject: big\r\n\r\n.\r\n"
             "+OK Message follows\r\nSubject: small\r\n\r\nx\r\n.\r\n"
             "+OK 2 262167\r\n"
             "+OK Top of message follows\r\nSubject: big\r\n\r\n"
             "y-three octets, and dots to stuff on some lines.\r\n.\r\n"
             "+OK Bye\r\n");
    fake_conn_close(p.conn, MK_OK);
    assert_non_null(strstr(text_c(&p.h.log), "retrieved=2 removed=0"));
    post_close(&p);
}

/* TOP ends early, while a worker still reads: what is said next waits. */
static void top_ends_while_it_is_read(void **state)
{
    static const char *const next[] = {"RETR 2\r\n", "QUIT\r\n", "TOP 1 0\r\n"};
    static const char *const want[] = {
        "+OK Message follows\r\nSubject: small", "+OK Bye",
        "+OK Top of message follows\r\nSubject: big"};
    (void)state;
    for (int how = 0; how < 6; how++) {
        open_with_big(1024);
        assert_begins(post_says(&p, "DELE 2\r\n"), "+OK");
        if (how % 3 == 0) {
            assert_begins(post_says(&p, "RSET\r\n"), "+OK");
        }
        post_mutters(&p, "TOP 1 0\r\n");
        assert_true(fake_host_job(&p.h.host)); /* the first piece */
        fake_conn_run(p.conn);
        assert_begins(post_heard(&p), "+OK Top");
        assert_non_null(p.h.host.first); /* the second is being read */
        post_mutters(&p, next[how % 3]);
        assert_string_equal(post_heard(&p), "");
        if (how >= 3) { /* the peer is gone meanwhile */
            fake_conn_close(p.conn, MK_E_CUT);
            fake_host_jobs(&p.h.host);
            assert_true(post_has(&p, "new/2.small"));
        } else {
            post_work(&p);
            assert_begins(post_heard(&p), want[how]);
            assert_int_equal(post_has(&p, "new/2.small"), how != 1);
        }
        post_close(&p);
    }
}

static void an_empty_message(void **state)
{
    (void)state;
    post_open(&p);
    post_put(&p, "new/1", "");
    assert_int_equal(post_serve(&p), MK_OK);
    (void)post_dial(&p, 0);
    assert_begins(post_login(&p), "+OK 1");
    assert_string_equal(post_says(&p, "RETR 1\r\n"),
                        "+OK Message follows\r\n.\r\n");
    assert_string_equal(post_says(&p, "TOP 1 5\r\n"),
                        "+OK Top of message follows\r\n.\r\n");
    post_close(&p);
}

/* Bare octets stay as they are: they are somebody's mail (Law 10). */
static void bare_octets(void **state)
{
    static const char odd[] = "a\rb\0c\n\r\n.\r.\n";
    static const char want[] =
        "+OK Message follows\r\na\rb\0c\r\n\r\n..\r.\r\n.\r\n";
    (void)state;
    post_open(&p);
    post_put_n(&p, "new/1", odd, sizeof odd - 1);
    assert_int_equal(post_serve(&p), MK_OK);
    (void)post_dial(&p, 0);
    assert_begins(post_login(&p), "+OK 1");
    fake_conn_say(p.conn, "RETR 1\r\n");
    post_work(&p);
    assert_int_equal(p.conn->said.len, sizeof want - 1);
    assert_memory_equal(text_c(&p.conn->said), want, sizeof want - 1);
    post_close(&p);
}

/* ---- what breaks --------------------------------------------------------- */

/* A message that cannot be read on never looks whole (Law 11). */
static void law11_a_message_that_breaks_off(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        open_with_big(1024);
        post_mutters(&p, "RETR 1\r\n");
        assert_true(fake_host_job(&p.h.host));
        fake_conn_run(p.conn);
        if (how == 0) {
            post_put(&p, "new/1.big", "short");
        } else if (how == 1) {
            test_vfs_reset(p.h.t);
            p.h.t->only_op = TEST_VFS_READ;
            p.h.t->fail_at = 2;
            p.h.t->fail_err = MK_E_IO;
        } else {
            p.h.host.fail_submit_at = 1;
        }
        post_work(&p);
        assert_true(p.conn->ended);
        const char *got = post_heard(&p);
        assert_begins(got, "+OK Message follows");
        assert_null(strstr(got, "\r\n.\r\n"));
        fake_conn_close(p.conn, MK_E_CANCELLED);
        assert_null(strstr(text_c(&p.h.log), "closed by QUIT"));
        assert_non_null(strstr(text_c(&p.h.log), "retrieved=0"));
        post_close(&p);
    }
}

static void gone_on_the_way(void **state)
{
    (void)state;
    for (unsigned jobs = 0; jobs < 6; jobs++) {
        for (int worked = 0; worked < 2; worked++) {
            open_with_big(1024);
            post_mutters(&p, "RETR 1\r\n");
            for (unsigned i = 0; i < jobs; i++) {
                assert_true(fake_host_job(&p.h.host));
                fake_conn_run(p.conn);
            }
            if (worked) {
                assert_true(fake_host_work(&p.h.host));
            }
            fake_conn_close(p.conn, MK_E_CUT);
            assert_int_equal(mk_maildrop_count(p.m), 1);
            fake_host_jobs(&p.h.host);
            assert_int_equal(mk_maildrop_count(p.m), 0);
            post_close(&p); /* looks for memory and descriptors */
        }
    }
}

/* The answer took too long: the question is withdrawn, the worker goes on. */
static void asked_in_vain(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        open_with_big(1024);
        size_t idle = mk_maildrop_memory(p.m);
        post_mutters(&p, "RETR 1\r\n");
        if (how % 2 == 1) {
            assert_true(fake_host_work(&p.h.host));
        }
        for (int i = 0; i <= how / 2; i++) {
            fake_host_pass(&p.h.host, p.pop3.answer_ms);
            fake_conn_run(p.conn);
            assert_begins(post_heard(&p), "-ERR [SYS/TEMP]");
            if (i < how / 2) { /* the next one waits, in vain too */
                post_mutters(&p, "RETR 2\r\n");
            }
        }
        if (how >= 2) {
            post_work(&p);
            assert_int_equal(mk_maildrop_memory(p.m), idle);
        }
        post_mutters(&p, "RETR 2\r\n"); /* waits for the first */
        post_work(&p);
        assert_begins(post_heard(&p), "+OK Message follows\r\nSubject: small");
        post_close(&p);
    }
}

static void memory_is_bounded(void **state)
{
    (void)state;
    open_with_big(65536);
    size_t idle = mk_maildrop_memory(p.m);
    post_close(&p);
    for (int how = 0; how < 3; how++) {
        post_open(&p);
        post_put_n(&p, "new/1.big", big, big_bytes);
        post_put(&p, "new/2.small", "Subject: small\n\nx\n");
        p.c.memory_max = how == 0 ? idle - 1 : idle + (how == 1 ? 300 : 131072);
        assert_int_equal(post_serve(&p), MK_OK);
        (void)post_dial(&p, 0);
        const char *reply = post_login(&p);
        if (how == 0) {
            assert_begins(reply, "-ERR [SYS/TEMP]");
        } else {
            assert_begins(post_says(&p, "RETR 2\r\n"), "+OK");
            const char *got = post_says(&p, "RETR 1\r\n");
            if (how == 1) {
                assert_begins(got, "-ERR [SYS/TEMP]");
            } else {
                assert_true(is_big(got));
            }
        }
        assert_begins(post_says(&p, "QUIT\r\n"), "+OK");
        post_close(&p);
    }
}

/* ---- other octets than ASCII ----------------------------------------------
 */

static void headers_beyond_ascii(void **state)
{
    enum { LONG = 3000 };
    static char octets[LONG + 64];
    (void)state;
    for (int row = 0; row < 8; row++) {
        bool is_offered = row != 0;
        bool is_said = row == 1;
        bool as_is = row == 2;
        bool is_long = row == 3;
        bool in_body = row == 4 || row == 5;
        bool is_good = !is_offered || is_said || as_is || in_body || row == 6;
        post_open(&p);
        if (is_offered) {
            p.pop3.capabilities |= MK_POP3_CAPABILITY_UTF8;
        }
        p.c.is_utf8_as_is = as_is;
        p.c.chunk_bytes = 1024;
        size_t n = 0;
        if (is_long || row >= 5) { /* the header is longer than a piece */
            for (; n + 60 < LONG; n += 60) {
                memset(octets + n, 'x', 59);
                memcpy(octets + n, "X: ", 3);
                octets[n + 59] = '\n';
            }
        }
        const char *rest = in_body    ? "S: x\n\nb\xc3\xb6"
                                        "dy\n"
                           : row == 6 ? "S: x\n\nbody\n"
                           : row == 7 ? "S: no body \xff"
                                      : "S: \xc3\xb6\n\nbody\n";
        memcpy(octets + n, rest, strlen(rest));
        post_put_n(&p, "new/1", octets, n + strlen(rest));
        assert_int_equal(post_serve(&p), MK_OK);
        (void)post_dial(&p, 0);
        if (is_said) {
            assert_begins(post_says(&p, "UTF8\r\n"), "+OK");
        }
        assert_begins(post_login(&p), "+OK 1");
        for (int top = 0; top < 2; top++) {
            const char *got = post_says(&p, top ? "TOP 1 9\r\n" : "RETR 1\r\n");
            if (is_good) {
                assert_begins(got, "+OK");
                assert_non_null(strstr(got, "\r\n.\r\n"));
                assert_int_equal(strstr(got, "\r\n")[2], octets[0]);
            } else {
                assert_begins(got, "-ERR [UTF8] ");
            }
        }
        post_close(&p);
    }
}

/* ---- everything fails -----------------------------------------------------
 */

/* A session with all there is; how far it came is not asked, but what came is
 * right, and what is gone was told so. */
static void play(void)
{
    (void)post_dial(&p, 0);
    if (p.conn->engine == NULL) {
        return;
    }
    (void)post_login(&p);
    (void)post_says(&p, "STAT\r\nLIST\r\nUIDL\r\n");
    const char *got = post_says(&p, "RETR 1\r\n");
    /* a file that cannot be read is left out: then the other is the first */
    if (strstr(got, "\r\n.\r\n") != NULL) {
        assert_true(is_big(got) || strstr(got, "Subject: small") != NULL);
    }
    (void)post_says(&p, "TOP 1 1\r\n");
    const char *marked = post_says(&p, "DELE 2\r\n");
    bool is_marked = strncmp(marked, "+OK", 3) == 0;
    const char *bye = post_says(&p, "QUIT\r\n");
    bool is_over = strncmp(bye, "+OK", 3) == 0;
    if (!is_marked) {
        assert_true(post_has(&p, "new/2.small"));
    } else if (is_over) {
        assert_false(post_has(&p, "new/2.small"));
    }
    assert_true(post_has(&p, "new/1.big"));
    fake_conn_close(p.conn, MK_OK);
}

static bool set_up(unsigned fail_at)
{
    if (post_try(&p, fail_at) != MK_OK) {
        return false;
    }
    p.c.chunk_bytes = 8192;
    post_put_n(&p, "new/1.big", big, big_bytes);
    post_put(&p, "new/2.small", "Subject: small\n\nx\n");
    return true;
}

static void fault_f18_every_call_fails(void **state)
{
    static const mk_err errs[] = {MK_E_IO, MK_E_FILES};
    (void)state;
    for (unsigned round = 0; round < 4; round++) {
        bool is_over = false;
        for (unsigned n = 1; !is_over; n++) {
            assert_true(set_up(0));
            assert_int_equal(post_serve(&p), MK_OK);
            test_vfs_reset(p.h.t);
            p.h.t->fail_at = n;
            p.h.t->fail_on = round % 2 == 1;
            p.h.t->fail_err = errs[round / 2];
            play();
            is_over = p.h.t->calls < n;
            post_close(&p);
        }
    }
}

static void every_allocation_fails(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        if (!set_up(n)) {
            continue; /* the house itself */
        }
        mk_err err = post_serve(&p);
        assert_true(err == MK_OK || err == MK_E_MEMORY);
        if (err == MK_OK) {
            play();
        }
        bool is_over = p.h.a.calls < n;
        post_close(&p);
        if (is_over) {
            break;
        }
    }
}

static void every_job_is_refused(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 60; n++) {
        assert_true(set_up(0));
        assert_int_equal(post_serve(&p), MK_OK);
        p.h.host.fail_submit_at = n;
        play();
        p.h.host.fail_submit_at = 0;
        post_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_pieces_at_most),
        cmocka_unit_test(reads_ahead_by_one),
        cmocka_unit_test(the_last_is_the_last),
        cmocka_unit_test(one_behind_the_other),
        cmocka_unit_test(top_ends_while_it_is_read),
        cmocka_unit_test(an_empty_message),
        cmocka_unit_test(bare_octets),
        cmocka_unit_test(law11_a_message_that_breaks_off),
        cmocka_unit_test(gone_on_the_way),
        cmocka_unit_test(asked_in_vain),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(headers_beyond_ascii),
        cmocka_unit_test(fault_f18_every_call_fails),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(every_job_is_refused),
    };
    return cmocka_run_group_tests(tests, make_big, free_big);
}
