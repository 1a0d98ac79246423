/* SPDX-License-Identifier: MIT
 *
 * test_extensions.c: what service extensions ask for and what comes of it: they
 * are offered only where somebody honours them; stages see what was asked, for
 * as long as the transaction lives; by-times, holding times, priorities, ETRN
 * and addresses in UTF-8 have their effect.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MESSAGE "Subject: x\r\n\r\nbody\r\n"
#define UE "\xc3\xbc" /* U+00FC */

static house h;

/* All that there is, as far as the service lets it. */
static void tune(house *x, mk_inbound_config *c)
{
    (void)c;
    x->smtp.extensions = MK_SMTP_EXTENSION_ALL;
    x->smtp.line_max = 4096;
    x->smtp.text_bytes = 4096;
    x->smtp.hold_until_max = mk_str_z("2027-01-01T00:00:00Z");
    x->smtp.solicit = mk_str_z("net.example:ADV");
}

/* ---- a stage that honours -------------------------------------------------
 */

typedef struct keeper {
    int64_t hold_until_s;
    int64_t deliver_by_s;
    mk_smtp_mail_options options;
    mk_smtp_body body;
    uint64_t size_stated;
    char envid[200];
    char auth[200];
    char solicit[200];
    unsigned rcpts;
    uint32_t notify[4];
    char orcpt[4][200];
    char etrn[200];
    mk_verdict verdict; /* to ETRN */
    mk_ask ask;
} keeper;

static keeper k;

static void keep(mk_str s, char *out)
{
    assert_true(s.len < 200);
    if (s.len > 0) {
        memcpy(out, s.ptr, s.len);
    }
    out[s.len] = '\0';
}

static void look_at_rcpts(const mk_session *s)
{
    const mk_recipient *r = mk_session_recipients(s);
    for (k.rcpts = 0; r != NULL; r = r->after, k.rcpts++) {
        k.notify[k.rcpts] = r->options->notify;
        keep(r->options->orcpt, k.orcpt[k.rcpts]);
    }
}

static void keeper_at(void *self, const mk_stage_call *call, mk_verdict *v)
{
    const mk_session *s = call->session;
    (void)self;
    if (call->point == MK_POINT_ETRN) {
        keep(call->octets, k.etrn);
        k.ask = call->ask;
        *v = k.verdict;
        return;
    }
    k.options = *mk_session_options(s);
    k.body = mk_session_body(s);
    k.size_stated = mk_session_size_stated(s);
    k.hold_until_s = mk_session_hold_until_s(s);
    k.deliver_by_s = mk_session_deliver_by_s(s);
    keep(k.options.envid, k.envid);
    keep(k.options.auth, k.auth);
    keep(k.options.solicit, k.solicit);
    look_at_rcpts(s);
}

static const mk_stage honest = {
    .name = "keeper",
    .points = MK_POINT_BIT(MK_POINT_MAIL) | MK_POINT_BIT(MK_POINT_END) |
              MK_POINT_BIT(MK_POINT_ETRN),
    .at = keeper_at,
    .honours = MK_SMTP_EXTENSION_DSN | MK_SMTP_EXTENSION_FUTURERELEASE,
};

static const char *open_with(const mk_stage *before)
{
    house_plan plan = {.tune = tune, .is_offering = true};
    memset(&k, 0, sizeof k);
    if (before != NULL) {
        plan.before = *before;
    }
    house_open(&h, &plan);
    assert_int_equal(fake_conn_open(&h.conn, &h.host, &h.service), MK_OK);
    begins(house_heard(&h), "220");
    return house_says(&h, "EHLO a.example\r\n");
}

/* ---- offers -------------------------------------------------------------- */

static void what_nobody_honours_is_not_offered(void **state)
{
    static const char *const needy[] = {"DSN", "FUTURERELEASE", "ETRN"};
    static const char *const always[] = {"SMTPUTF8", "MT-PRIORITY", "DELIVERBY",
                                         "NO-SOLICITING", "CHUNKING"};
    static const char *const never[] = {"XCLIENT", "XFORWARD", "REQUIRETLS",
                                        "CLIENTID"};
    (void)state;
    for (int honoured = 0; honoured < 2; honoured++) {
        const char *said = open_with(honoured != 0 ? &honest : NULL);
        for (size_t i = 0; i < 3; i++) {
            (honoured != 0 ? has : has_not)(said, needy[i]);
        }
        for (size_t i = 0; i < 5; i++) {
            has(said, always[i]);
        }
        for (size_t i = 0; i < 4; i++) {
            has_not(said, never[i]);
        }
        begins(house_says(&h, "MAIL FROM:<> RET=HDRS\r\n"),
               honoured != 0 ? "250" : "555");
        begins(house_says(&h, "RSET\r\nETRN @b.example\r\n") + 14,
               honoured != 0 ? "459 4.7.1" : "50");
        house_close(&h);
    }
}

/* ---- what stages see ----------------------------------------------------- */

static void what_was_asked_is_seen_while_it_lasts(void **state)
{
    (void)state;
    open_with(&honest);
    begins(house_says(&h, "MAIL FROM:<a@b.example> SIZE=1234 BODY=8BITMIME "
                          "RET=HDRS ENVID=QQ+2B1 AUTH=<> MT-PRIORITY=-3 "
                          "BY=120;NT SOLICIT=org.example:X SMTPUTF8\r\n"),
           "250");
    begins(house_says(&h, "RCPT TO:<ann@mx.example> NOTIFY=SUCCESS,DELAY "
                          "ORCPT=rfc822;Ann+2B@mx.example\r\n"),
           "250");
    begins(house_says(&h, "RCPT TO:<carl@mx.example>\r\n"), "250");
    begins(house_says(&h, "RCPT TO:<bob@other.example> NOTIFY=NEVER\r\n"),
           "250");
    begins(house_says(&h, "DATA\r\n"), "354");
    begins(house_says(&h, MESSAGE ".\r\n"), "250 2.0.0");
    assert_int_equal(k.size_stated, 1234);
    assert_int_equal(k.body, MK_SMTP_BODY_8BITMIME);
    assert_int_equal(k.options.ret, MK_SMTP_RET_HDRS);
    assert_string_equal(k.envid, "QQ+2B1");
    assert_string_equal(k.auth, "<>");
    assert_string_equal(k.solicit, "org.example:X");
    assert_true(k.options.has_priority && k.options.priority == -3);
    assert_true(k.options.is_utf8 && k.options.is_by_traced);
    assert_int_equal(k.options.by, MK_SMTP_BY_NOTIFY);
    assert_int_equal(k.deliver_by_s, h.host.wall_s + 120);
    assert_int_equal(k.rcpts, 3);
    assert_int_equal(k.notify[0],
                     MK_SMTP_NOTIFY_SUCCESS | MK_SMTP_NOTIFY_DELAY);
    assert_string_equal(k.orcpt[0], "Ann+2B@mx.example");
    assert_int_equal(k.notify[1], MK_SMTP_NOTIFY_UNSTATED);
    assert_string_equal(k.orcpt[1], "");
    assert_int_equal(k.notify[2], MK_SMTP_NOTIFY_NEVER);
    has(house_file(&h, "mx.example", "ann"), "with UTF8SMTP\n");
    has(house_file(&h, "mx.example", "ann"), "\n\tpriority -3;\n");
    /* the next message asks for nothing */
    begins(house_says(&h, "MAIL FROM:<a@b.example>\r\n"), "250");
    assert_string_equal(k.envid, "");
    assert_false(k.options.is_utf8 || k.options.has_priority);
    assert_int_equal(k.options.by, MK_SMTP_BY_UNSTATED);
    assert_int_equal(k.hold_until_s + k.deliver_by_s, 0);
    assert_int_equal(k.size_stated, 0);
    house_close(&h);
}

/* Where nothing is asked nothing more is taken. */
static void memory_grows_only_where_something_is_asked(void **state)
{
    static const char *const mail[] = {"MAIL FROM:<a@b.example>\r\n",
                                       "MAIL FROM:<a@b.example> RET=FULL\r\n"};
    static const char *const rcpt[] = {
        "RCPT TO:<ann@mx.example>\r\n",
        "RCPT TO:<ann@mx.example> NOTIFY=NEVER\r\n"};
    size_t bytes[2][2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        open_with(&honest);
        size_t begin = h.a.out_bytes;
        begins(house_says(&h, mail[i]), "250");
        bytes[i][0] = h.a.out_bytes - begin;
        begin = h.a.out_bytes;
        begins(house_says(&h, rcpt[i]), "250");
        bytes[i][1] = h.a.out_bytes - begin;
        house_close(&h);
    }
    assert_true(bytes[1][0] > bytes[0][0]);
    assert_int_equal(bytes[1][1] - bytes[0][1], sizeof(mk_smtp_rcpt_options));
}

static void fault_f25_no_memory_for_options(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        open_with(&honest);
        h.a.fail_at = h.a.calls + n;
        begins(house_says(&h, "MAIL FROM:<a@b.example> ENVID=x\r\n"),
               "452 4.3.0");
        h.a.fail_at = 0;
        begins(house_says(&h, "MAIL FROM:<a@b.example> ENVID=x\r\n"), "250");
        assert_string_equal(k.envid, "x");
        house_close(&h);
    }
}

/* ---- times --------------------------------------------------------------- */

static void until_when_it_is_held(void **state)
{
    static const struct {
        const char *asked;
        int64_t until_s; /* from now on; 0 with no time */
        int64_t at_s;
    } rows[] = {
        {"HOLDFOR=86400", 86400, 0},
        {"HOLDFOR=1", 1, 0},
        /* 2026-11-22T00:00:00Z, written with an offset too */
        {"HOLDUNTIL=2026-11-22T00:00:00Z", 0, 1795305600},
        {"HOLDUNTIL=2026-11-22T02:30:00+02:30", 0, 1795305600},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[200];
        open_with(&honest);
        snprintf(line, sizeof line, "MAIL FROM:<a@b.example> %s\r\n",
                 rows[i].asked);
        begins(house_says(&h, line), "250");
        int64_t want =
            rows[i].at_s > 0 ? rows[i].at_s : h.host.wall_s + rows[i].until_s;
        assert_int_equal(k.hold_until_s, want);
        /* it does not move with the clock */
        begins(house_says(&h, "RCPT TO:<ann@mx.example>\r\nDATA\r\n"), "250");
        fake_host_pass(&h.host, 30000);
        begins(house_says(&h, MESSAGE ".\r\n"), "250 2.0.0");
        assert_int_equal(k.hold_until_s, want);
        house_close(&h);
    }
}

static void a_message_that_is_late(void **state)
{
    static const struct {
        const char *asked;
        uint64_t pass_ms;
        const char *want;
    } rows[] = {
        {"BY=20;R", 19999, "250 2.0.0"}, {"BY=20;R", 20000, "554 5.4.7"},
        {"BY=1;RT", 5000, "554 5.4.7"},  {"BY=20;N", 21000, "250 2.0.0"},
        {"BY=-5;N", 0, "250 2.0.0"},     {"BY=20;NT", 19999, "250 2.0.0"},
    };
    (void)state;
    for (int lmtp = 0; lmtp < 2; lmtp++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            char line[200];
            house_open(&h, &(house_plan){.tune = tune, .is_lmtp = lmtp != 0});
            house_greet(&h);
            snprintf(line, sizeof line, "MAIL FROM:<a@b.example> %s\r\n",
                     rows[i].asked);
            begins(house_says(&h, line), "250");
            begins(house_says(&h, "RCPT TO:<ann@mx.example>\r\n"), "250");
            begins(house_says(&h, "RCPT TO:<carl@mx.example>\r\n"), "250");
            begins(house_says(&h, "DATA\r\n"), "354");
            fake_host_pass(&h.host, rows[i].pass_ms);
            const char *said = house_says(&h, MESSAGE ".\r\n");
            begins(said, rows[i].want);
            if (lmtp != 0) {
                begins(strstr(said, "\r\n") + 2, rows[i].want);
            }
            assert_int_equal(house_count(&h, "mx.example", "ann"),
                             rows[i].want[0] == '2');
            has(text_c(&h.log), rows[i].want);
            house_close(&h);
        }
    }
}

/* ---- ETRN ---------------------------------------------------------------- */

static void etrn_is_a_stages_to_answer(void **state)
{
    static const struct {
        mk_verdict verdict;
        const char *want;
    } rows[] = {
        {{.kind = MK_VERDICT_PASS}, "459 4.7.1"},
        {{.kind = MK_VERDICT_ACCEPT}, "250"},
        {{.kind = MK_VERDICT_ACCEPT,
          .code = MK_STR_INIT("253 2.0.0"),
          .text = MK_STR_INIT("3 messages wait")},
         "253 2.0.0 3 messages wait"},
        {{.kind = MK_VERDICT_REFUSE, .answer = MK_ANSWER_LATER}, "458 4.3.0"},
        {{.kind = MK_VERDICT_REFUSE,
          .answer = MK_ANSWER_LATER,
          .code = MK_STR_INIT("459 4.7.1")},
         "459 4.7.1"},
        {{.kind = MK_VERDICT_REFUSE, .answer = MK_ANSWER_NO}, "459"},
        {{.kind = MK_VERDICT_WAIT}, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_with(&honest);
        k.verdict = rows[i].verdict;
        begins(house_says(&h, "ETRN @b.example\r\n"), rows[i].want);
        assert_string_equal(k.etrn, "@b.example");
        if (rows[i].want[0] == '\0') {
            assert_int_equal(mk_stage_answer(k.ask, &rows[2].verdict), MK_OK);
            begins(house_says(&h, ""), "253 2.0.0 3 messages wait");
        }
        begins(house_send(&h, "ann@mx.example", MESSAGE), "250 2.0.0");
        house_close(&h);
    }
}

/* ---- UTF-8 --------------------------------------------------------------- */

static void tune_domains(house *x, mk_inbound_config *c)
{
    (void)c;
    x->smtp.extensions |= MK_SMTP_EXTENSION_SMTPUTF8;
}

static void addresses_in_utf8(void **state)
{
    static const struct {
        const char *mail;
        const char *rcpt;
        const char *want;
    } rows[] = {
        {"<a@b.example> SMTPUTF8", "<gr" UE "n@mx.example>", "250 2.1.5"},
        {"<a@b.example> SMTPUTF8", "<Gr" UE "N@MX.example>", "250 2.1.5"},
        {"<a@b.example> SMTPUTF8", "<\"gr" UE "n\"@mx.example>", "250 2.1.5"},
        {"<" UE "@b.example> SMTPUTF8", "<gr" UE "n@mx.example>", "250 2.1.5"},
        /* U+00DC is another letter, and so is u with U+0308 */
        {"<a@b.example> SMTPUTF8", "<gr\xc3\x9cn@mx.example>", "550 5.1.1"},
        {"<a@b.example> SMTPUTF8", "<gru\xcc\x88n@mx.example>", "550 5.1.1"},
        {"<a@b.example> SMTPUTF8", "<gr\xc3@mx.example>", "501"},
        {"<a@b.example> SMTPUTF8", "<gr" UE "n@v" UE ".example>", "550 5.7.1"},
        {"<a@b.example>", "<gr" UE "n@mx.example>", "553 5.6.7"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[300];
        house_open(&h, &(house_plan){.tune = tune_domains,
                                     .users = "gr" UE "n:"
                                              "{PLAIN}x\n"});
        house_greet(&h);
        snprintf(line, sizeof line, "MAIL FROM:%s\r\n", rows[i].mail);
        begins(house_says(&h, line), "250");
        snprintf(line, sizeof line, "RCPT TO:%s\r\n", rows[i].rcpt);
        begins(house_says(&h, line), rows[i].want);
        if (rows[i].want[0] == '2') {
            begins(house_says(&h, "DATA\r\n"), "354");
            begins(house_says(&h, MESSAGE ".\r\n"), "250 2.0.0");
            const char *file = house_file(&h, "mx.example", "gr" UE "n");
            has(file, rows[i].mail[1] == 'a' ? "Return-Path: <a@b.example>\n"
                                             : "Return-Path: <" UE
                                               "@b.example>\n");
            has(file, "with UTF8SMTP\n\tid ");
            has(text_c(&h.log), "\\xC3\\xBC");
            has_not(text_c(&h.log), UE);
        }
        house_close(&h);
    }
}

/* A domain of one's own may be given, and asked for, in both spellings; the
 * mailbox is in the one that was given. */
static void domains_in_utf8(void **state)
{
    static const char *const spelt[] = {"b" UE "cher.example",
                                        "xn--bcher-kva.example"};
    static const char *const asked[] = {
        "ann@b" UE "cher.example", "ANN@B" UE "CHER.Example",
        "ann@xn--bcher-kva.example", "ann@XN--Bcher-KVA.example"};
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        char users[200];
        char line[200];
        const char *own = spelt[i / 4];
        snprintf(users, sizeof users, "ann@%s:{PLAIN}x\n", spelt[i % 2]);
        house_open(&h, &(house_plan){.tune = tune_domains,
                                     .users = users,
                                     .second_domain = own});
        house_greet(&h);
        begins(house_says(&h, "MAIL FROM:<> SMTPUTF8\r\n"), "250");
        snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", asked[i % 4]);
        begins(house_says(&h, line), "250 2.1.5");
        begins(house_says(&h, "DATA\r\n"), "354");
        begins(house_says(&h, MESSAGE ".\r\n"), "250 2.0.0");
        assert_int_equal(house_count(&h, own, "ann"), 1);
        house_close(&h);
    }
}

static void names_that_no_user_has(void **state)
{
    static const char *const files[] = {
        "a\xc2\x85z:{PLAIN}x\n",     /* NEL, a control of C1 */
        "a\xc3z:{PLAIN}x\n",         /* cut short */
        "a\xc0\xaf:{PLAIN}x\n",      /* an overlong '/' */
        "a\xed\xa0\x80z:{PLAIN}x\n", /* a surrogate */
        "a b:{PLAIN}x\n",
    };
    static const mk_str domain = MK_STR_INIT("mx.example");
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        mk_users *users;
        mk_users_fault fault;
        assert_int_equal(mk_users_parse(mk_alloc_libc(), mk_str_z(files[i]),
                                        &domain, 1, &users, &fault),
                         MK_E_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_honours_is_not_offered),
        cmocka_unit_test(what_was_asked_is_seen_while_it_lasts),
        cmocka_unit_test(memory_grows_only_where_something_is_asked),
        cmocka_unit_test(fault_f25_no_memory_for_options),
        cmocka_unit_test(until_when_it_is_held),
        cmocka_unit_test(a_message_that_is_late),
        cmocka_unit_test(etrn_is_a_stages_to_answer),
        cmocka_unit_test(addresses_in_utf8),
        cmocka_unit_test(domains_in_utf8),
        cmocka_unit_test(names_that_no_user_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
