/* SPDX-License-Identifier: MIT
 *
 * test_maildrop.c: whole POP3 sessions over a Maildir (RFC 1939 3 to 7): what
 * is told, what is marked and what is removed, and that a session which breaks
 * off, however and wherever, removes nothing.
 */
#include "post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static post p;

#define assert_begins(text, begin)                                             \
    assert_memory_equal((text), (begin), strlen(begin))

static void open_with_mail(void)
{
    post_open(&p);
    post_put(&p, "new/1700000001.M1.h", "Subject: one\n\nfirst\n");
    post_put(&p, "cur/1700000002.M2.h,S=21,W=25:2,S",
             "Subject: two\n\n.dot\nx\n");
    post_put(&p, "new/1700000003.M3.h", "Subject: three\n\nno end");
    assert_int_equal(post_serve(&p), MK_OK);
    (void)post_dial(&p, 0);
}

static void log_in(void)
{
    assert_begins(post_login(&p), "+OK");
}

static void a_session(void **state)
{
    (void)state;
    open_with_mail();
    assert_begins(post_says(&p, "STAT\r\n"), "-ERR");
    assert_string_equal(post_login(&p), "+OK 3 messages (74 octets)\r\n");
    assert_string_equal(post_says(&p, "STAT\r\n"), "+OK 3 74\r\n");
    assert_string_equal(post_says(&p, "LIST\r\n"),
                        "+OK Sizes follow\r\n1 23\r\n2 25\r\n3 26\r\n.\r\n");
    assert_string_equal(post_says(&p, "LIST 2\r\n"), "+OK 2 25\r\n");
    assert_string_equal(post_says(&p, "UIDL\r\n"),
                        "+OK Unique-ids follow\r\n"
                        "1 1700000001.M1.h\r\n2 1700000002.M2.h,S=21,W=25\r\n"
                        "3 1700000003.M3.h\r\n.\r\n");
    assert_string_equal(post_says(&p, "UIDL 3\r\n"),
                        "+OK 3 1700000003.M3.h\r\n");
    assert_string_equal(post_says(&p, "RETR 2\r\n"),
                        "+OK Message follows\r\nSubject: two\r\n\r\n"
                        "..dot\r\nx\r\n.\r\n");
    assert_string_equal(post_says(&p, "RETR 3\r\n"),
                        "+OK Message follows\r\nSubject: three\r\n\r\n"
                        "no end\r\n.\r\n");
    assert_string_equal(
        post_says(&p, "TOP 2 1\r\n"),
        "+OK Top of message follows\r\nSubject: two\r\n\r\n..dot\r\n.\r\n");
    assert_int_equal(mk_maildrop_count(p.m), 1);
    assert_int_equal(mk_maildrop_free(p.m), MK_E_BUSY);
    assert_begins(post_says(&p, "QUIT\r\n"), "+OK");
    assert_true(p.conn->ended);
    fake_conn_close(p.conn, MK_OK);
    assert_non_null(strstr(text_c(&p.h.log), " mechanism=PLAIN tls=no"));
    assert_non_null(
        strstr(text_c(&p.h.log), "messages=3 retrieved=2 removed=0 size="));
    assert_non_null(strstr(text_c(&p.h.log), "closed by QUIT"));
    assert_true(post_has(&p, "new/1700000001.M1.h"));
    post_close(&p);
}

static void what_is_marked(void **state)
{
    (void)state;
    open_with_mail();
    log_in();
    assert_begins(post_says(&p, "DELE 1\r\n"), "+OK");
    assert_begins(post_says(&p, "DELE 3\r\n"), "+OK");
    assert_begins(post_says(&p, "DELE 3\r\n"), "-ERR");
    assert_begins(post_says(&p, "RETR 3\r\n"), "-ERR");
    assert_begins(post_says(&p, "TOP 3 0\r\n"), "-ERR");
    assert_begins(post_says(&p, "LIST 1\r\n"), "-ERR");
    assert_begins(post_says(&p, "UIDL 1\r\n"), "-ERR");
    assert_string_equal(post_says(&p, "STAT\r\n"), "+OK 1 25\r\n");
    assert_string_equal(post_says(&p, "LIST\r\n"),
                        "+OK Sizes follow\r\n2 25\r\n.\r\n");
    assert_begins(post_says(&p, "RSET\r\n"), "+OK");
    assert_string_equal(post_says(&p, "STAT\r\n"), "+OK 3 74\r\n");
    assert_begins(post_says(&p, "DELE 2\r\n"), "+OK");
    assert_true(post_has(&p, "cur/1700000002.M2.h,S=21,W=25:2,S"));
    assert_string_equal(post_says(&p, "QUIT\r\n"), "+OK Bye\r\n");
    assert_false(post_has(&p, "cur/1700000002.M2.h,S=21,W=25:2,S"));
    assert_true(post_has(&p, "new/1700000001.M1.h"));
    assert_true(post_has(&p, "new/1700000003.M3.h"));
    fake_conn_close(p.conn, MK_OK);
    assert_non_null(strstr(text_c(&p.h.log), "removed=1"));
    post_close(&p);
}

/* RFC 1939 6: no deletion but by QUIT. */
static void who_does_not_quit_removes_nothing(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        open_with_mail();
        log_in();
        assert_begins(post_says(&p, "DELE 1\r\n"), "+OK");
        if (how == 0) {
            fake_conn_eof(p.conn);
        } else if (how == 1) {
            fake_conn_close(p.conn, MK_E_CUT);
        } else if (how == 2) {
            fake_host_pass(&p.h.host, p.pop3.idle_ms);
            fake_conn_run(p.conn);
        } else {
            mk_finish(p.conn->engine, mk_str_z(""));
            fake_conn_run(p.conn);
        }
        post_work(&p);
        fake_conn_close(p.conn, MK_E_CUT);
        assert_true(post_has(&p, "new/1700000001.M1.h"));
        assert_non_null(strstr(text_c(&p.h.log), "removed=0"));
        assert_null(strstr(text_c(&p.h.log), "closed by QUIT"));
        post_close(&p);
    }
}

static void sec_081_numbers(void **state)
{
    static const char *const wrong[] = {
        "RETR 0\r\n",  "RETR 4\r\n",   "RETR -1\r\n", "RETR 99999999999\r\n",
        "DELE 4\r\n",  "LIST 4\r\n",   "UIDL 0\r\n",  "TOP 1 -1\r\n",
        "TOP 4 1\r\n", "DELE 1 2\r\n",
    };
    (void)state;
    open_with_mail();
    p.pop3.errors_max = 100;
    p.pop3.errors_soft = 99;
    log_in();
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_begins(post_says(&p, wrong[i]), "-ERR");
    }
    assert_string_equal(post_says(&p, "STAT\r\n"), "+OK 3 74\r\n");
    post_close(&p);
}

/* Who has no Maildir yet has no mail, and gets none by asking. */
static void no_mail(void **state)
{
    (void)state;
    open_with_mail();
    (void)post_says(&p, "USER Bob@other.EXAMPLE\r\n");
    assert_string_equal(post_says(&p, "PASS secret\r\n"),
                        "+OK 0 messages (0 octets)\r\n");
    assert_string_equal(post_says(&p, "STAT\r\n"), "+OK 0 0\r\n");
    assert_string_equal(post_says(&p, "LIST\r\n"), "+OK Sizes follow\r\n.\r\n");
    assert_string_equal(post_says(&p, "UIDL\r\n"),
                        "+OK Unique-ids follow\r\n.\r\n");
    assert_begins(post_says(&p, "RETR 1\r\n"), "-ERR");
    assert_begins(post_says(&p, "RSET\r\n"), "+OK");
    assert_begins(post_says(&p, "QUIT\r\n"), "+OK");
    assert_int_equal(test_vfs_entries(p.h.t, "other.example"), -1);
    post_close(&p);
}

static void wrong_passwords(void **state)
{
    (void)state;
    open_with_mail();
    (void)post_says(&p, "USER ann\r\n");
    (void)post_says(&p, "PASS wrong\r\n");
    fake_host_pass(&p.h.host, 60000);
    fake_conn_run(p.conn);
    assert_begins(post_heard(&p), "-ERR");
    assert_non_null(strstr(text_c(&p.h.log), "login=<ann> mechanism=PLAIN"));
    assert_non_null(strstr(text_c(&p.h.log), "fault=E_AUTH"));
    assert_begins(post_says(&p, "STAT\r\n"), "-ERR");
    log_in();
    post_close(&p);
}

/* Two sessions, and a delivery meanwhile: each sees what it has opened. */
static void two_at_once(void **state)
{
    (void)state;
    open_with_mail();
    log_in();
    (void)post_dial(&p, 1);
    log_in();
    post_put(&p, "new/1700000004.M4.h", "new\n");
    assert_string_equal(post_says(&p, "STAT\r\n"), "+OK 3 74\r\n");
    assert_begins(post_says(&p, "DELE 1\r\n"), "+OK");
    assert_begins(post_says(&p, "DELE 2\r\n"), "+OK");
    assert_begins(post_says(&p, "QUIT\r\n"), "+OK");
    p.conn = &p.conns[0];
    assert_string_equal(post_says(&p, "RETR 1\r\n"),
                        "-ERR The message was removed meanwhile\r\n");
    assert_begins(post_says(&p, "DELE 1\r\n"), "+OK");
    assert_begins(post_says(&p, "DELE 3\r\n"), "+OK");
    assert_begins(post_says(&p, "QUIT\r\n"), "+OK");
    assert_false(post_has(&p, "new/1700000003.M3.h"));
    assert_true(post_has(&p, "new/1700000004.M4.h"));
    post_close(&p);
}

static void what_cannot_be_removed(void **state)
{
    (void)state;
    open_with_mail();
    log_in();
    assert_begins(post_says(&p, "DELE 1\r\n"), "+OK");
    assert_begins(post_says(&p, "DELE 2\r\n"), "+OK");
    test_vfs_reset(p.h.t);
    p.h.t->only_op = TEST_VFS_REMOVE;
    p.h.t->fail_at = 1;
    p.h.t->fail_err = MK_E_READONLY;
    assert_begins(post_says(&p, "QUIT\r\n"),
                  "-ERR Some messages were not removed");
    assert_true(post_has(&p, "new/1700000001.M1.h"));
    assert_false(post_has(&p, "cur/1700000002.M2.h,S=21,W=25:2,S"));
    fake_conn_close(p.conn, MK_OK);
    assert_non_null(strstr(text_c(&p.h.log), "removed=1"));
    assert_non_null(strstr(text_c(&p.h.log), "fault=E_READONLY"));
    post_close(&p);
}

/* A peer that is gone behind its QUIT has its messages removed, or not, but
 * what the job works with stays. */
static void gone_behind_quit(void **state)
{
    (void)state;
    for (int worked = 0; worked < 2; worked++) {
        open_with_mail();
        log_in();
        assert_begins(post_says(&p, "DELE 1\r\n"), "+OK");
        post_mutters(&p, "QUIT\r\n");
        if (worked) {
            assert_true(fake_host_work(&p.h.host));
        }
        fake_conn_close(p.conn, MK_E_CUT);
        assert_int_equal(mk_maildrop_count(p.m), 1);
        fake_host_jobs(&p.h.host);
        assert_int_equal(mk_maildrop_count(p.m), 0);
        assert_non_null(strstr(text_c(&p.h.log), "removed=1"));
        assert_false(post_has(&p, "new/1700000001.M1.h"));
        post_close(&p);
    }
}

/* ---- the maildrop cannot be opened ----------------------------------------
 */

static void a_trap_is_no_maildrop(void **state)
{
    char path[512];
    (void)state;
    open_with_mail();
    snprintf(path, sizeof path, "%s",
             test_vfs_path(p.h.t, "mx.example/ann/cur"));
    assert_int_equal(chmod(path, 0703), 0);
    (void)post_says(&p, "USER ann\r\n");
    assert_begins(post_says(&p, "PASS secret\r\n"), "-ERR [SYS/PERM]");
    assert_non_null(strstr(text_c(&p.h.log), "fault=E_ACCESS"));
    assert_begins(post_says(&p, "STAT\r\n"), "-ERR");
    assert_int_equal(chmod(path, 0700), 0);
    log_in();
    post_close(&p);
}

typedef struct judge {
    const char *name;
} judge;

static void check(void *self, const mk_sasl_ask *question, mk_ask ask)
{
    const judge *j = self;
    (void)question;
    (void)mk_login_answer(ask, MK_ANSWER_YES, NULL, mk_str_z(j->name));
}

static void sec_104_logins_that_are_paths(void **state)
{
    static const char *const names[] = {
        "ann",           "@mx.example",  "ann@",   "../x@mx.example",
        "ann@../mx",     ".@mx.example", "ann@..", "a/b@mx.example",
        "ann@mx.example"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        judge j = {names[i]};
        const mk_authenticator all = {&j, check, NULL};
        post_open(&p);
        p.c.authenticator = &all;
        assert_int_equal(post_serve(&p), MK_OK);
        (void)post_dial(&p, 0);
        const char *reply = post_login(&p);
        if (i + 1 == COUNT(names)) {
            assert_begins(reply, "+OK");
        } else {
            assert_begins(reply, "-ERR [SYS/PERM]");
        }
        post_close(&p);
    }
}

static void nobody_judges(void **state)
{
    (void)state;
    post_open(&p);
    p.c.authenticator = NULL;
    assert_int_equal(post_serve(&p), MK_OK);
    (void)post_dial(&p, 0);
    assert_begins(post_login(&p), "-ERR [SYS/TEMP]");
    post_close(&p);
}

/* ---- opening takes its time -----------------------------------------------
 */

static void login_muttered(size_t i)
{
    (void)post_dial(&p, i);
    post_mutters(&p, "USER ann\r\nPASS secret\r\n");
    assert_true(fake_host_job(&p.h.host)); /* the password */
    fake_conn_run(p.conn);
}

static void few_are_opened_at_once(void **state)
{
    (void)state;
    for (int leaves = 0; leaves < 2; leaves++) {
        post_open(&p);
        p.c.openings_max = 1;
        assert_int_equal(post_serve(&p), MK_OK);
        /* the first is being opened, two wait */
        (void)post_dial(&p, 0);
        post_mutters(&p, "USER ann\r\nPASS secret\r\n");
        (void)post_dial(&p, 1);
        post_mutters(&p, "USER ann\r\nPASS secret\r\n");
        (void)post_dial(&p, 2);
        post_mutters(&p, "USER ann\r\nPASS secret\r\n");
        unsigned before = p.h.host.submitted;
        for (int i = 0; i < 3; i++) {
            assert_true(fake_host_job(&p.h.host));
        }
        for (size_t i = 0; i < 3; i++) {
            fake_conn_run(&p.conns[i]);
        }
        assert_int_equal(p.h.host.submitted, before + 1);
        if (leaves) {
            fake_conn_close(&p.conns[1], MK_E_CUT);
        }
        post_work(&p);
        assert_int_equal(p.h.host.submitted, before + 3 - (unsigned)leaves);
        for (size_t i = 0; i < 3; i++) {
            p.conn = &p.conns[i];
            if (i != 1 || !leaves) {
                assert_non_null(strstr(post_heard(&p), "+OK 0 messages"));
            }
        }
        post_close(&p);
    }
}

/* The engine does not wait for ever; what comes too late is nobody's. */
static void opened_too_late(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        open_with_mail();
        fake_conn_fini(p.conn);
        login_muttered(0);
        (void)post_heard(&p);
        if (how > 0) {
            assert_true(fake_host_work(&p.h.host));
        }
        fake_host_pass(&p.h.host, p.pop3.answer_ms);
        fake_conn_run(p.conn);
        assert_begins(post_heard(&p), "-ERR [SYS/TEMP]");
        if (how == 2) { /* another login, while the first is still at it */
            post_mutters(&p, "USER bob@other.example\r\nPASS secret\r\n");
        }
        post_work(&p);
        if (how == 2) {
            assert_non_null(strstr(post_heard(&p), "+OK 0 messages"));
        } else {
            assert_string_equal(post_heard(&p), "");
            assert_int_equal(mk_maildrop_memory(p.m), 0);
            assert_begins(post_says(&p, "STAT\r\n"), "-ERR");
            log_in();
            assert_begins(post_says(&p, "STAT\r\n"), "+OK 3");
        }
        post_close(&p);
    }
}

static void gone_while_it_is_opened(void **state)
{
    (void)state;
    for (int worked = 0; worked < 2; worked++) {
        open_with_mail();
        fake_conn_fini(p.conn);
        login_muttered(0);
        if (worked) {
            assert_true(fake_host_work(&p.h.host));
        }
        fake_conn_close(p.conn, MK_E_CUT);
        assert_int_equal(mk_maildrop_count(p.m), 1);
        post_close(&p);
    }
}

/* ---- TLS, doors, settings --------------------------------------------------
 */

static void tls_forgets_a_login(void **state)
{
    static const mk_tls_info info = {.size = sizeof info};
    mk_pop3_event of = {.verb = MK_POP3_VERB_STLS, .tls = &info};
    mk_event ev = {.type = MK_EV_POP3_TLS, .of.pop3 = &of};
    (void)state;
    open_with_mail();
    mk_fault fault = {.why = MK_E_LINE};
    mk_event broken = {.type = MK_EV_FAULT, .of.fault = &fault};
    p.service.event(p.conn->session, &ev);
    log_in();
    assert_non_null(strstr(text_c(&p.h.log), "tls=yes"));
    text_clear(&p.h.log);
    p.service.event(p.conn->session, &ev);
    p.service.event(p.conn->session, &broken);
    assert_non_null(strstr(text_c(&p.h.log), "fault=E_LINE"));
    assert_null(strstr(text_c(&p.h.log), "login="));
    post_close(&p);
}

static void asked_at_the_door(void **state)
{
    (void)state;
    post_open(&p);
    p.pop3.asks_connect = true;
    assert_int_equal(post_serve(&p), MK_OK);
    assert_begins(post_dial(&p, 0), "+OK mx.example");
    post_close(&p);
}

static mk_err no_wrap(void *self, mk_engine *inner, mk_engine **out_outer)
{
    (void)self;
    (void)inner;
    (void)out_outer;
    return MK_E_MEMORY;
}

static void turned_away(void **state)
{
    (void)state;
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        post_open(&p);
        p.c.wrap = no_wrap;
        p.c.is_tls_implicit = is_tls != 0;
        assert_int_equal(post_serve(&p), MK_OK);
        assert_int_equal(fake_conn_open(&p.conns[0], &p.h.host, &p.service),
                         MK_E_MEMORY);
        assert_int_equal(p.conns[0].refusal.len == 0, is_tls);
        assert_int_equal(p.service.busy.len == 0, is_tls);
        if (!is_tls) {
            assert_begins(p.conns[0].refusal.ptr, "-ERR [SYS/TEMP] ");
            assert_begins(p.service.busy.ptr, "-ERR [SYS/TEMP] ");
        }
        assert_non_null(strstr(text_c(&p.h.log), "fault=E_MEMORY"));
        assert_int_equal(mk_maildrop_count(p.m), 0);
        post_close(&p);
    }
}

/* An idle session and its engine are small (Law 6). */
static void idle_session_is_small(void **state)
{
    mk_pool units;
    mk_pool logins;
    (void)state;
    post_open(&p);
    assert_int_equal(mk_pool_init(&units, mk_alloc_libc(), 2048, 4), MK_OK);
    assert_int_equal(
        mk_pool_init(&logins, mk_alloc_libc(), mk_sasl_need(1024), 4), MK_OK);
    p.pop3.units = &units;
    p.pop3.sasl_units = &logins;
    assert_int_equal(post_serve(&p), MK_OK);
    size_t before = p.h.a.out_bytes;
    (void)post_dial(&p, 0);
    size_t cost = p.h.a.out_bytes - before;
    if (cost > 900) {
        fail_msg("an idle session takes %zu octets", cost);
    }
    log_in();
    size_t opened = p.h.a.out_bytes - before;
    if (opened > 1450) {
        fail_msg("an idle session with a maildrop takes %zu octets", opened);
    }
    post_close(&p);
    mk_pool_fini(&units);
    mk_pool_fini(&logins);
}

static void settings_are_looked_at(void **state)
{
    mk_maildrop *m;
    (void)state;
    post_open(&p);
    assert_int_equal(mk_maildrop_config_init(&p.c, 3), MK_E_ARG);
    assert_int_equal(mk_maildrop_config_init(NULL, sizeof p.c), MK_E_ARG);
    for (int i = 0; i < 15; i++) {
        const mk_authenticator none = {NULL, NULL, NULL};
        mk_maildrop_config c = p.c;
        mk_pop3_server_config pop3 = p.pop3;
        c.pop3 = &pop3;
        switch (i) {
        case 0:
            c.size = 1;
            break;
        case 1:
            c.host = NULL;
            break;
        case 2:
            c.alloc = NULL;
            break;
        case 3:
            c.crypto = NULL;
            break;
        case 4:
            c.vfs = NULL;
            break;
        case 5:
            c.root.id = MK_VFS_NONE;
            break;
        case 6:
            c.pop3 = NULL;
            break;
        case 7:
            c.messages_max = 0;
            break;
        case 8:
            c.messages_max = 10000001;
            break;
        case 9:
            c.chunk_bytes = 1023;
            break;
        case 10:
            c.memory_max = 0;
            break;
        case 11:
            c.openings_max = 0;
            break;
        case 12:
            c.authenticator = &none;
            break;
        case 13:
            c.is_tls_implicit = true;
            break;
        default:
            pop3.tls = MK_TLS_POLICY_MAY;
            break;
        }
        assert_int_equal(mk_maildrop_new(&c, &m), MK_E_ARG);
    }
    p.pop3.hostname = mk_str_z("");
    assert_int_equal(mk_maildrop_new(&p.c, &m), MK_E_ARG);
    assert_int_equal(mk_maildrop_new(NULL, &m), MK_E_ARG);
    assert_int_equal(mk_maildrop_new(&p.c, NULL), MK_E_ARG);
    assert_int_equal(mk_maildrop_free(NULL), MK_OK);
    post_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session),
        cmocka_unit_test(what_is_marked),
        cmocka_unit_test(who_does_not_quit_removes_nothing),
        cmocka_unit_test(sec_081_numbers),
        cmocka_unit_test(no_mail),
        cmocka_unit_test(wrong_passwords),
        cmocka_unit_test(two_at_once),
        cmocka_unit_test(what_cannot_be_removed),
        cmocka_unit_test(gone_behind_quit),
        cmocka_unit_test(a_trap_is_no_maildrop),
        cmocka_unit_test(sec_104_logins_that_are_paths),
        cmocka_unit_test(nobody_judges),
        cmocka_unit_test(few_are_opened_at_once),
        cmocka_unit_test(opened_too_late),
        cmocka_unit_test(gone_while_it_is_opened),
        cmocka_unit_test(tls_forgets_a_login),
        cmocka_unit_test(asked_at_the_door),
        cmocka_unit_test(turned_away),
        cmocka_unit_test(idle_session_is_small),
        cmocka_unit_test(settings_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
