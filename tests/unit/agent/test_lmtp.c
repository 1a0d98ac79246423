/* SPDX-License-Identifier: MIT
 *
 * test_lmtp.c: the end of a message answered for each recipient (RFC 2033 4.2):
 * what fails for one mailbox fails for no other, nothing is said before it is
 * true, and nothing is delivered twice.
 */
#include "house.h"

#include <mailkit/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BODY "Subject: x\r\n\r\nbody\r\n"

/* Three mailboxes. */
static const struct {
    const char *address;
    const char *domain;
    const char *user;
} who[] = {{"ann@mx.example", "mx.example", "ann"},
           {"bob@other.example", "other.example", "bob"},
           {"carl@mx.example", "mx.example", "carl"}};
#define WHO 3u

static house h;

/* The n-th line. */
static const char *line_of(const char *said, unsigned n)
{
    for (; n > 0 && said != NULL; n--) {
        said = strstr(said, "\r\n");
        said = said != NULL ? said + 2 : NULL;
    }
    assert_non_null(said);
    return said;
}

static unsigned lines(const char *said)
{
    unsigned n = 0;
    for (; (said = strstr(said, "\r\n")) != NULL; said += 2) {
        n++;
    }
    return n;
}

static void open_lmtp(size_t message_memory)
{
    house_open(
        &h, &(house_plan){.is_lmtp = true, .message_memory = message_memory});
    house_greet(&h);
}

/* MAIL, RCPT for all from `first` on, DATA. */
static void begin(unsigned first)
{
    char line[128];
    begins(house_says(&h, "MAIL FROM:<a@b.example>\r\n"), "250");
    for (unsigned i = 0; i < WHO; i++) {
        snprintf(line, sizeof line, "RCPT TO:<%s>\r\n",
                 who[(first + i) % WHO].address);
        begins(house_says(&h, line), "250 2.1.5");
    }
    begins(house_says(&h, "DATA\r\n"), "354");
}

/* A file stands where a mailbox should. */
static void spoil(unsigned i)
{
    char path[128];
    (void)mkdir(test_vfs_path(h.t, who[i].domain), 0700);
    snprintf(path, sizeof path, "%s/%s", who[i].domain, who[i].user);
    test_vfs_put(h.t, path, "x", 1);
}

static void mend(unsigned i)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", who[i].domain, who[i].user);
    assert_int_equal(unlink(test_vfs_path(h.t, path)), 0);
}

static int count(unsigned i)
{
    return house_count(&h, who[i].domain, who[i].user);
}

static void say_body(bool is_big)
{
    fake_conn_say(&h.conn, "Subject: x\r\n\r\n");
    for (int i = 0; i < (is_big ? 2000 : 1); i++) {
        fake_conn_say(&h.conn, "a line of the message of the test\r\n");
        if (is_big && i % 100 == 0) {
            house_work(&h);
        }
    }
}

static void one_bad_mailbox_keeps_it_from_nobody(void **state)
{
    (void)state;
    for (unsigned bad = 0; bad < WHO; bad++) {
        for (unsigned first = 0; first < WHO; first++) {
            for (int big = 0; big < 2; big++) {
                open_lmtp(20000);
                spoil(bad);
                begin(first);
                say_body(big != 0);
                const char *said = house_says(&h, ".\r\n");
                assert_int_equal(lines(said), WHO);
                for (unsigned i = 0; i < WHO; i++) {
                    unsigned box = (first + i) % WHO;
                    begins(line_of(said, i),
                           box == bad ? "451 4.3.0" : "250 2.0.0 ");
                    assert_int_equal(count(box), box == bad ? 0 : 1);
                }
                assert_non_null(strstr(text_c(&h.log), "outcome=\"451 4.3.0"));
                assert_non_null(strstr(text_c(&h.log), "outcome=\"250 2.0.0"));
                /* the retry, for the one that failed, doubles nothing */
                mend(bad);
                begins(house_send(&h, who[bad].address, BODY), "250 2.0.0");
                for (unsigned i = 0; i < WHO; i++) {
                    assert_int_equal(count(i), 1);
                }
                house_close(&h);
            }
        }
    }
}

static void all_bad_is_told_to_each(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        open_lmtp(20000);
        for (unsigned i = 0; i < WHO; i++) {
            spoil(i);
        }
        begin(0);
        say_body(big != 0);
        const char *said = house_says(&h, ".\r\n");
        assert_int_equal(lines(said), WHO);
        for (unsigned i = 0; i < WHO; i++) {
            begins(line_of(said, i), "451 4.3.0");
            mend(i);
        }
        begin(0);
        assert_int_equal(lines(house_says(&h, BODY ".\r\n")), WHO);
        house_close(&h);
    }
}

/* SMTP has one reply: none gets it. */
static void smtp_stays_all_or_nothing(void **state)
{
    (void)state;
    house_open(&h, &(house_plan){0});
    house_greet(&h);
    spoil(1);
    begin(0);
    const char *said = house_says(&h, BODY ".\r\n");
    assert_int_equal(lines(said), 1);
    begins(said, "451 4.3.0");
    assert_int_equal(count(0) + count(2), 0);
    house_close(&h);
}

static void one_mailbox_of_two_names_gets_one_copy(void **state)
{
    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        open_lmtp(0);
        if (bad != 0) {
            spoil(0);
        }
        begins(house_says(&h, "MAIL FROM:<>\r\n"), "250");
        begins(house_says(&h, "RCPT TO:<ann@mx.example>\r\n"), "250");
        begins(house_says(&h, "RCPT TO:<carl@mx.example>\r\n"), "250");
        begins(house_says(&h, "RCPT TO:<\"Ann\"@mx.example>\r\n"), "250");
        begins(house_says(&h, "DATA\r\n"), "354");
        const char *said = house_says(&h, BODY ".\r\n");
        begins(line_of(said, 0), bad != 0 ? "451 4.3.0" : "250 2.0.0");
        begins(line_of(said, 1), "250 2.0.0");
        begins(line_of(said, 2), bad != 0 ? "451 4.3.0" : "250 2.0.0");
        assert_int_equal(count(0), bad == 0);
        assert_int_equal(count(2), 1);
        house_close(&h);
    }
}

/* ---- the disk ------------------------------------------------------------ */

static void sweep_all(void)
{
    mk_maildir box;
    for (size_t i = 0; i < WHO; i++) {
        if (mk_maildir_open(&h.t->vfs, h.t->root_dir, mk_str_z(who[i].domain),
                            mk_str_z(who[i].user), &box) == MK_OK) {
            mk_maildir_sweep(&box, UINT32_MAX * (uint64_t)2, 0, NULL);
            mk_maildir_close(&box);
        }
    }
}

/* The n-th call fails, once or from then on; false: n is beyond the last. */
static bool disk_fails_at(unsigned n, mk_err err, bool is_on, bool is_big,
                          unsigned *io_split)
{
    unsigned good = 0;
    open_lmtp(20000);
    begin(0);
    test_vfs_reset(h.t);
    h.t->fail_at = n;
    h.t->fail_on = is_on;
    h.t->fail_err = err;
    say_body(is_big);
    const char *said = house_says(&h, ".\r\n");
    bool failed = h.t->calls >= n;
    h.t->fail_at = 0;
    assert_int_equal(lines(said), WHO);
    for (unsigned i = 0; i < WHO; i++) {
        const char *reply = line_of(said, i);
        if (reply[0] == '2') {
            assert_int_equal(count(i), 1);
            good++;
        } else {
            begins(reply, err == MK_E_SPACE ? "452 4.3.1" : "451 4.3.0");
        }
    }
    *io_split += good > 0 && good < WHO;
    begin(0);
    assert_int_equal(lines(house_says(&h, BODY ".\r\n")), WHO);
    fake_conn_fini(&h.conn);
    memset(&h.conn, 0, sizeof h.conn);
    sweep_all();
    house_close(&h);
    return failed;
}

static void fault_f08_f10_every_disk_call_of_lmtp(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        unsigned split = 0;
        unsigned n = 1;
        while (disk_fails_at(n, (kind & 1) != 0 ? MK_E_SPACE : MK_E_IO,
                             (kind & 2) != 0, n % 2 == 0, &split)) {
            n++;
            assert_true(n < 300);
        }
        assert_true(n > 10);
        if ((kind & 2) == 0) {
            assert_true(split > 3); /* some got it, and others not */
        }
    }
}

static bool memory_fails_at(unsigned n, bool is_big)
{
    open_lmtp(20000);
    begin(0);
    h.a.fail_at = h.a.calls + n;
    unsigned calls = h.a.calls;
    say_body(is_big);
    const char *said = house_says(&h, ".\r\n");
    bool failed = h.a.calls >= calls + n;
    h.a.fail_at = 0;
    assert_int_equal(lines(said), WHO);
    for (unsigned i = 0; i < WHO; i++) {
        const char *reply = line_of(said, i);
        assert_int_equal(count(i), reply[0] == '2');
        assert_true(reply[0] == '2' || reply[0] == '4');
    }
    house_close(&h);
    return failed;
}

static void fault_f25_every_allocation_of_lmtp(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        unsigned n = 1;
        while (memory_fails_at(n, big != 0)) {
            n++;
            assert_true(n < 100);
        }
        assert_true(n > 5);
    }
}

/* ---- a stage decides for single ones --------------------------------------
 */

typedef struct judge {
    unsigned calls;
    mk_err other_session;
} judge;

static void judge_at(void *self, const mk_stage_call *call, mk_verdict *v)
{
    static const mk_verdict full = {.kind = MK_VERDICT_REFUSE,
                                    .answer = MK_ANSWER_NO,
                                    .code = MK_STR_INIT("552 5.2.2"),
                                    .text = MK_STR_INIT("mailbox full")};
    static const mk_verdict bad[] = {
        {.kind = MK_VERDICT_WAIT},
        {.kind = MK_VERDICT_PASS},
        {.kind = MK_VERDICT_REFUSE, .answer = MK_ANSWER_YES},
        {.kind = MK_VERDICT_ACCEPT, .code = MK_STR_INIT("550 5.1.1")},
        {.kind = MK_VERDICT_ACCEPT, .code = MK_STR_INIT("250 2.0")},
        {.kind = MK_VERDICT_ACCEPT, .code = MK_STR_INIT("250 2.0.0000")},
        {.kind = MK_VERDICT_ACCEPT, .code = MK_STR_INIT("250-2.0.0")},
        /* which the engine would not say: nobody would be told */
        {.kind = MK_VERDICT_ACCEPT, .code = MK_STR_INIT("250 2.01.5")},
        {.kind = MK_VERDICT_ACCEPT, .code = MK_STR_INIT("250 2.1.05")},
        {.kind = MK_VERDICT_ACCEPT, .code = MK_STR_INIT("250 2.00.0")},
    };
    judge *j = self;
    const mk_recipient *r = mk_session_recipients(call->session);
    mk_verdict cut = full;

    (void)v;
    j->calls++;
    if (!mk_session_is_lmtp(call->session)) {
        j->other_session = mk_session_set_outcome(call->session, r, &full);
        return;
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(mk_session_set_outcome(call->session, r, &bad[i]),
                         MK_E_ARG);
    }
    cut.text = mk_str_z("a\r\nb");
    assert_int_equal(mk_session_set_outcome(call->session, r, &cut), MK_E_CTL);
    assert_int_equal(mk_session_set_outcome(call->session, NULL, &full),
                     MK_E_ARG);
    assert_int_equal(mk_session_set_outcome(call->session, r->after, &full),
                     MK_OK);
}

static void a_stage_answers_for_one(void **state)
{
    judge j = {0};
    (void)state;
    for (int lmtp = 0; lmtp < 2; lmtp++) {
        house_open(
            &h, &(house_plan){.is_lmtp = lmtp != 0,
                              .between = {.name = "judge",
                                          .self = &j,
                                          .points = MK_POINT_BIT(MK_POINT_END),
                                          .at = judge_at}});
        house_greet(&h);
        begin(0);
        const char *said = house_says(&h, BODY ".\r\n");
        begins(line_of(said, 0), "250 2.0.0");
        assert_int_equal(lines(said), lmtp != 0 ? WHO : 1);
        if (lmtp != 0) {
            begins(line_of(said, 1), "552 5.2.2 mailbox full");
            begins(line_of(said, 2), "250 2.0.0");
            assert_non_null(strstr(text_c(&h.log), "outcome=\"552 5.2.2"));
        }
        house_close(&h);
    }
    assert_int_equal(j.calls, 2);
    assert_int_equal(j.other_session, MK_E_STATE);
}

/* ---- ends ---------------------------------------------------------------- */

static void refused_as_a_whole_is_told_to_each(void **state)
{
    (void)state;
    house_open(&h, &(house_plan){.is_lmtp = true, .hops_max = 1});
    house_greet(&h);
    begin(0);
    const char *said =
        house_says(&h, "Received: a\r\nReceived: b\r\n\r\nx\r\n.\r\n");
    assert_int_equal(lines(said), WHO);
    for (unsigned i = 0; i < WHO; i++) {
        begins(line_of(said, i), "554 5.4.6");
        assert_int_equal(count(i), 0);
    }
    begins(house_send(&h, "ann@mx.example", BODY), "250");
    house_close(&h);
}

static void dead_after_the_dot_is_delivered(void **state)
{
    (void)state;
    open_lmtp(0);
    begin(0);
    fake_conn_say(&h.conn, BODY ".\r\n");
    fake_conn_close(&h.conn, MK_E_CUT);
    assert_int_equal(mk_inbound_count(h.inbound), 1);
    fake_host_jobs(&h.host);
    for (unsigned i = 0; i < WHO; i++) {
        assert_int_equal(count(i), 1);
    }
    assert_int_equal(mk_inbound_count(h.inbound), 0);
    house_close(&h);
}

static void too_late_is_told_to_each(void **state)
{
    (void)state;
    open_lmtp(0);
    begin(0);
    fake_conn_say(&h.conn, BODY ".\r\n");
    fake_host_pass(&h.host, h.smtp.answer_ms);
    fake_conn_run(&h.conn);
    const char *said = house_heard(&h);
    assert_int_equal(lines(said), WHO);
    for (unsigned i = 0; i < WHO; i++) {
        begins(line_of(said, i), "451");
    }
    begins(house_says(&h, "NOOP\r\n"), "250");
    for (unsigned i = 0; i < WHO; i++) {
        assert_int_equal(count(i), 0); /* nothing was committed yet */
    }
    house_close(&h);
}

static void the_next_message_may_be_pipelined(void **state)
{
    (void)state;
    open_lmtp(0);
    begin(1);
    const char *said =
        house_says(&h, BODY ".\r\nMAIL FROM:<>\r\nRCPT TO:<ann@mx.example>\r\n"
                            "DATA\r\n");
    assert_int_equal(lines(said), WHO + 3);
    begins(line_of(said, 2), "250 2.0.0");
    begins(line_of(said, 5), "354");
    begins(house_says(&h, BODY ".\r\n"), "250 2.0.0");
    assert_int_equal(count(0), 2);
    house_close(&h);
}

static void no_recipient_no_reply(void **state)
{
    (void)state;
    open_lmtp(0);
    begins(house_says(&h, "MAIL FROM:<>\r\n"), "250");
    begins(house_says(&h, "RCPT TO:<nobody@mx.example>\r\n"), "550");
    begins(house_says(&h, "DATA\r\n"), "503");
    begins(house_says(&h, "EHLO a.example\r\n"), "500");
    house_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_bad_mailbox_keeps_it_from_nobody),
        cmocka_unit_test(all_bad_is_told_to_each),
        cmocka_unit_test(smtp_stays_all_or_nothing),
        cmocka_unit_test(one_mailbox_of_two_names_gets_one_copy),
        cmocka_unit_test(fault_f08_f10_every_disk_call_of_lmtp),
        cmocka_unit_test(fault_f25_every_allocation_of_lmtp),
        cmocka_unit_test(a_stage_answers_for_one),
        cmocka_unit_test(refused_as_a_whole_is_told_to_each),
        cmocka_unit_test(dead_after_the_dot_is_delivered),
        cmocka_unit_test(too_late_is_told_to_each),
        cmocka_unit_test(the_next_message_may_be_pipelined),
        cmocka_unit_test(no_recipient_no_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
