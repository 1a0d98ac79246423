/* SPDX-License-Identifier: MIT
 *
 * test_login.c: logins and TLS as a service's sessions see them: questions
 * answered at once, late, twice, never and after the end; what TLS and HELO
 * forget; engines put over engines; senders and relaying of who has logged in.
 * THREATS 48, 49, 51 at the service; RFC 3207 4.2, RFC 4954 4.
 */
#include "login_rig.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static house h;
static login_rig rig;
static login_judge judge;

static void assert_begins(const char *z, const char *want)
{
    if (strncmp(z, want, strlen(want)) != 0) {
        fail_msg("'%s' does not begin with '%s'", z, want);
    }
}

static void assert_logged(const char *part)
{
    if (strstr(text_c(&h.log), part) == NULL) {
        fail_msg("'%s' is not in '%s'", part, text_c(&h.log));
    }
}

static house_plan plan_of(login_act act, const char *login)
{
    house_plan plan = {.wrap = login_rig_wrap, .wrap_self = &rig};
    memset(&rig, 0, sizeof rig);
    memset(&judge, 0, sizeof judge);
    judge.act = act;
    judge.login = login;
    judge.conn = &h.conn;
    login_judge_fill(&judge, &plan.authenticator);
    return plan;
}

static void open_with(login_act act, const char *login)
{
    house_plan plan = plan_of(act, login);
    house_open(&h, &plan);
    house_greet(&h);
}

static mk_sasl_ask password_of(const char *authcid)
{
    mk_sasl_ask q = {.kind = MK_SASL_ASK_PASSWORD,
                     .mechanism = MK_SASL_PLAIN,
                     .authcid = mk_str_z(authcid),
                     .secret = mk_str_z("hunter2"),
                     .hash = MK_HASH_SHA256};
    return q;
}

static void ask(const char *authcid)
{
    mk_sasl_ask q = password_of(authcid);
    login_rig_ask(&h.conn, &rig, &q);
}

static void log_in(const char *login)
{
    judge.act = LOGIN_YES;
    judge.login = login;
    ask("x");
    login_rig_end(&h.conn, MK_OK, "x", MK_SASL_PLAIN);
}

static mk_str login(void)
{
    return mk_session_login(h.conn.session);
}

static void assert_login(const char *want)
{
    assert_true(mk_str_is(login(), mk_str_z(want)));
}

/* ---- questions and answers ----------------------------------------------- */

static void answered_at_once(void **state)
{
    static const struct {
        login_act act;
        mk_answer answer;
        const char *login;
    } rows[] = {
        {LOGIN_YES, MK_ANSWER_YES, "ann@mx.example"},
        {LOGIN_NO, MK_ANSWER_NO, ""},
        {LOGIN_LATER, MK_ANSWER_LATER, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_good = rows[i].act == LOGIN_YES;
        open_with(rows[i].act, "ann@mx.example");
        ask("Ann");
        assert_int_equal(rig.answers, 1);
        assert_int_equal(rig.answer, rows[i].answer);
        assert_int_equal(rig.laters, 0);
        assert_int_equal(h.host.wakes, 0);
        assert_login(""); /* not before the engine tells */
        login_rig_end(&h.conn, is_good ? MK_OK : MK_E_AUTH, "Ann",
                      MK_SASL_PLAIN);
        assert_login(rows[i].login);
        house_close(&h);
        assert_int_equal(judge.withdrawn, 0);
        assert_int_equal(rig.closed, 1);
    }
}

static void answered_late(void **state)
{
    (void)state;
    open_with(LOGIN_WAIT, NULL);
    ask("ann");
    assert_int_equal(rig.laters, 1);
    assert_int_equal(rig.answers, 0);
    assert_int_equal(mk_login_answer(judge.ask, MK_ANSWER_YES, NULL,
                                     mk_str_z("ann@mx.example")),
                     MK_OK);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(h.host.wakes, 1);
    assert_int_equal(
        mk_login_answer(judge.ask, MK_ANSWER_NO, NULL, mk_str_z(NULL)),
        MK_E_STALE);
    login_rig_end(&h.conn, MK_OK, "ann", MK_SASL_PLAIN);
    assert_login("ann@mx.example");
    house_close(&h);
}

/* Nonsense changes nothing: the right answer is taken after it. */
static void answers_that_are_not_taken(void **state)
{
    static char longest[MK_LOGIN_MAX + 2];
    const mk_verdict pass = {.kind = MK_VERDICT_PASS};
    mk_ask ask_now;
    (void)state;
    memset(longest, 'a', MK_LOGIN_MAX + 1);
    open_with(LOGIN_WAIT, NULL);
    ask("ann");
    ask_now = judge.ask;
    const struct {
        mk_str login;
        mk_err want;
    } rows[] = {
        {mk_str_z(""), MK_E_ARG},
        {mk_str_z(longest), MK_E_ARG},
        {mk_str_z("a@b\r\nRCPT"), MK_E_CTL},
        {mk_str_of("a\0b", 3), MK_E_CTL},
        {mk_str_z("a\x7f"), MK_E_CTL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(
            mk_login_answer(ask_now, MK_ANSWER_YES, NULL, rows[i].login),
            rows[i].want);
    }
    rig.answer_err = MK_E_ARG;
    assert_int_equal(
        mk_login_answer(ask_now, MK_ANSWER_YES, NULL, mk_str_z("a@b")),
        MK_E_ARG);
    /* a login is not a stage's question, nor a directory's */
    assert_int_equal(mk_stage_answer(ask_now, &pass), MK_E_STALE);
    assert_int_equal(mk_directory_answer(ask_now, MK_DIRECTORY_UNKNOWN,
                                         mk_str_z(""), mk_str_z("")),
                     MK_E_STALE);
    assert_int_equal(rig.answers, 0);
    longest[MK_LOGIN_MAX] = '\0';
    assert_int_equal(
        mk_login_answer(ask_now, MK_ANSWER_YES, NULL, mk_str_z(longest)),
        MK_OK);
    login_rig_end(&h.conn, MK_OK, "ann", MK_SASL_PLAIN);
    assert_login(longest);
    house_close(&h);
}

static void withdrawn_once(void **state)
{
    (void)state;
    for (int how = 0; how < 5; how++) {
        open_with(how == 3   ? LOGIN_ABORT
                  : how == 4 ? LOGIN_ABORT_NOW
                             : LOGIN_WAIT,
                  NULL);
        rig.later_err = how == 2 ? MK_E_STALE : MK_OK;
        ask("ann");
        if (how == 0) {
            login_rig_withdraw(&h.conn, &rig, MK_E_TIMEOUT);
        } else if (how == 1) {
            fake_conn_close(&h.conn, MK_E_CUT);
        }
        assert_int_equal(judge.withdrawn, 1);
        assert_int_equal(mk_login_answer(judge.ask, MK_ANSWER_YES, NULL,
                                         mk_str_z("ann@mx.example")),
                         MK_E_STALE);
        assert_int_equal(rig.answers, 0);
        house_close(&h);
        assert_int_equal(judge.withdrawn, 1);
    }
}

/* The engine gives it up in the moment in which it is answered. */
static void stale_at_the_engine(void **state)
{
    (void)state;
    open_with(LOGIN_WAIT, NULL);
    ask("ann");
    rig.answer_err = MK_E_STALE;
    assert_int_equal(mk_login_answer(judge.ask, MK_ANSWER_YES, NULL,
                                     mk_str_z("ann@mx.example")),
                     MK_E_STALE);
    login_rig_withdraw(&h.conn, &rig, MK_E_TIMEOUT);
    assert_int_equal(judge.withdrawn, 0);
    login_rig_end(&h.conn, MK_E_TIMEOUT, "ann", MK_SASL_PLAIN);
    assert_login("");
    house_close(&h);
}

static void nobody_judges(void **state)
{
    (void)state;
    house_plan plan = plan_of(LOGIN_YES, "a@b");
    plan.authenticator.check = NULL;
    house_open(&h, &plan);
    house_greet(&h);
    ask("ann");
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.answer, MK_ANSWER_LATER);
    login_rig_end(&h.conn, MK_E_AGAIN, "ann", MK_SASL_PLAIN);
    assert_login("");
    assert_logged("outcome=\"temporarily unavailable\"");
    house_close(&h);
}

/* An exchange that failed after the keys were given logs nobody in, nor does
 * one that the engine calls good without ever having asked. */
static void the_name_counts_when_the_exchange_succeeds(void **state)
{
    (void)state;
    open_with(LOGIN_YES, "ann@mx.example");
    ask("ann");
    login_rig_end(&h.conn, MK_E_AUTH, "ann", MK_SASL_SCRAM_SHA_256);
    assert_login("");
    login_rig_end(&h.conn, MK_OK, "ann", MK_SASL_SCRAM_SHA_256);
    assert_login("");
    judge.act = LOGIN_NO;
    ask("bob");
    login_rig_end(&h.conn, MK_OK, "bob", MK_SASL_SCRAM_SHA_256);
    assert_login("");
    judge.act = LOGIN_YES;
    ask("ann"); /* an end that is never told */
    judge.act = LOGIN_NO;
    ask("bob");
    login_rig_end(&h.conn, MK_OK, "bob", MK_SASL_SCRAM_SHA_256);
    assert_login("");
    assert_null(strstr(text_c(&h.log), "logged in"));
    house_close(&h);
}

static void memory_for_the_name_runs_out(void **state)
{
    (void)state;
    open_with(LOGIN_WAIT, NULL);
    ask("ann");
    h.a.fail_at = h.a.calls + 1;
    assert_int_equal(mk_login_answer(judge.ask, MK_ANSWER_YES, NULL,
                                     mk_str_z("ann@mx.example")),
                     MK_E_MEMORY);
    assert_int_equal(rig.answer, MK_ANSWER_LATER);
    assert_int_equal(
        mk_login_answer(judge.ask, MK_ANSWER_NO, NULL, mk_str_z("")),
        MK_E_STALE);
    login_rig_end(&h.conn, MK_E_AGAIN, "ann", MK_SASL_PLAIN);
    assert_login("");
    house_close(&h);
}

/* ---- threats --------------------------------------------------------------
 */

/* The octets arrive as they are, and no log line is torn or expanded. */
static void sec_048_names_are_octets(void **state)
{
    static const struct {
        mk_str name;
        const char *logged;
    } rows[] = {
        {MK_STR_INIT("%{x}"), "login=<%{x}>"},
        {MK_STR_INIT("' OR 1--"), "login=<' OR 1-->"},
        {MK_STR_INIT("*)(uid=*"), "login=<*)(uid=*>"},
        {MK_STR_INIT("${run{id}}"), "login=<${run{id}}>"},
        {MK_STR_INIT("ann\0@mx.example"), "login=<ann\\x00@mx.example>"},
        {MK_STR_INIT("ann\r\nid=1"), "login=<ann\\x0D\\x0Aid=1>"},
        {MK_STR_INIT("ann> outcome=\"logged in"),
         "login=<ann\\x3E outcome=\\x22logged in>"},
        {MK_STR_INIT("%s%n%n"), "login=<%s%n%n>"},
        {MK_STR_INIT("../ann"), "login=<../ann>"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_sasl_ask q = password_of("");
        mk_smtp_event what = {.verb = MK_SMTP_VERB_AUTH,
                              .argument = rows[i].name,
                              .mechanism = MK_SASL_PLAIN};
        mk_event ev = {
            .type = MK_EV_SMTP_AUTH, .err = MK_E_AUTH, .of.smtp = &what};
        open_with(LOGIN_NO, NULL);
        q.authcid = rows[i].name;
        login_rig_ask(&h.conn, &rig, &q);
        assert_true(mk_str_is(judge.authcid, rows[i].name));
        h.service.event(h.conn.session, &ev);
        char want[128];
        snprintf(want, sizeof want, " %s mechanism=PLAIN", rows[i].logged);
        assert_logged(want);
        house_close(&h);
    }
}

/* An answer belongs to its question: neither an earlier one, nor one of
 * another session, nor one whose place another session has now. */
static void sec_049_answers_are_not_mixed_up(void **state)
{
    static login_rig second;
    mk_conn conn;
    mk_ask anns, bobs;
    mk_sasl_ask bob = password_of("bob");
    (void)state;
    memset(&second, 0, sizeof second);
    open_with(LOGIN_WAIT, NULL);
    rig.other = &second;
    assert_int_equal(fake_conn_open(&conn, &h.host, &h.service), MK_OK);
    ask("x");
    anns = judge.ask;
    assert_int_equal(mk_login_answer(anns, MK_ANSWER_NO, NULL, mk_str_z("")),
                     MK_OK);
    login_rig_end(&h.conn, MK_E_AUTH, "x", MK_SASL_CRAM_MD5);
    ask("ann");
    assert_int_equal(
        mk_login_answer(anns, MK_ANSWER_YES, NULL, mk_str_z("x@mx.example")),
        MK_E_STALE);
    anns = judge.ask;
    login_rig_ask(&conn, &second, &bob);
    bobs = judge.ask;
    assert_int_equal(mk_login_answer(bobs, MK_ANSWER_YES, NULL,
                                     mk_str_z("bob@other.example")),
                     MK_OK);
    assert_int_equal(second.answers, 1);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(
        mk_login_answer(anns, MK_ANSWER_YES, NULL, mk_str_z("ann@mx.example")),
        MK_OK);
    login_rig_end(&conn, MK_OK, "bob", MK_SASL_CRAM_MD5);
    login_rig_end(&h.conn, MK_OK, "ann", MK_SASL_CRAM_MD5);
    assert_login("ann@mx.example");
    assert_true(mk_str_is(mk_session_login(conn.session),
                          mk_str_z("bob@other.example")));
    fake_conn_fini(&conn);
    house_close(&h);
}

/* A place in the table that another session has now. */
static void sec_049_answers_of_another_life(void **state)
{
    mk_ask old;
    (void)state;
    open_with(LOGIN_WAIT, NULL);
    ask("ann");
    old = judge.ask;
    fake_conn_fini(&h.conn);
    house_greet(&h);
    ask("carl");
    assert_int_equal(
        mk_login_answer(old, MK_ANSWER_YES, NULL, mk_str_z("ann@mx.example")),
        MK_E_STALE);
    assert_int_equal(rig.answers, 0);
    house_close(&h);
}

/* Each guess is a record with who and from where: what counts them listens
 * there. Nothing grows with their number. */
static void sec_051_guesses_are_told(void **state)
{
    enum { GUESSES = 1000 };
    (void)state;
    open_with(LOGIN_NO, NULL);
    size_t held = h.a.out_bytes;
    for (unsigned i = 0; i < GUESSES; i++) {
        ask("ann");
        login_rig_end(&h.conn, MK_E_AUTH, "ann", MK_SASL_LOGIN);
    }
    assert_int_equal(judge.asked, GUESSES);
    assert_int_equal(h.a.out_bytes, held);
    static const char line[] =
        "outcome=\"authentication failed\" delay=0ms peer=[192.0.2.1]:40000 "
        "helo=\"client.example\" login=<ann> mechanism=LOGIN tls=no "
        "fault=E_AUTH\n";
    unsigned lines = 0;
    const char *at = text_c(&h.log);
    while ((at = strstr(at, line)) != NULL) {
        at += sizeof line - 1;
        lines++;
    }
    assert_int_equal(lines, GUESSES);
    assert_null(strstr(text_c(&h.log), "hunter2"));
    house_close(&h);
}

static void sec_051_connections_that_guess(void **state)
{
    static const char *const names[] = {"ann", "root", ""};
    (void)state;
    open_with(LOGIN_NO, NULL);
    for (unsigned i = 0; i < 100; i++) {
        fake_conn_fini(&h.conn);
        text_clear(&h.log);
        house_greet(&h);
        ask(names[i % 3]);
        /* a failure as the engine tells it has no name */
        login_rig_end(&h.conn, MK_E_AUTH, "", MK_SASL_PLAIN);
        assert_logged("peer=[192.0.2.1]:40000");
        assert_logged(i % 3 == 0   ? " login=<ann> "
                      : i % 3 == 1 ? " login=<root> "
                                   : " login=<> ");
        text_clear(&h.log);
        login_rig_end(&h.conn, MK_E_SYNTAX, "", MK_SASL_PLAIN);
        assert_logged(" login=<> ");
    }
    house_close(&h);
}

/* ---- TLS ------------------------------------------------------------------
 */

static const mk_tls_info info = {
    .size = sizeof info,
    .version = MK_STR_INIT("TLSv1.3"),
    .cipher = MK_STR_INIT("TLS1-3-AES-256-GCM-SHA384"),
};

/* RFC 3207 4.2; what the listener told is kept. */
static void tls_forgets_what_was_said_before(void **state)
{
    (void)state;
    open_with(LOGIN_YES, NULL);
    assert_null(mk_session_tls(h.conn.session));
    log_in("ann@mx.example");
    assert_begins(house_says(&h, "MAIL FROM:<a@b.example>\r\n"), "250");
    login_rig_tls(&h.conn, &info);
    assert_ptr_equal(mk_session_tls(h.conn.session), &info);
    assert_login("");
    assert_int_equal(mk_session_helo(h.conn.session).len, 0);
    assert_int_equal(mk_session_flags(h.conn.session), 0);
    assert_int_equal(mk_session_id(h.conn.session).len, 0);
    assert_int_equal(mk_session_peer(h.conn.session)->port, 40000);
    house_says(&h, "RSET\r\n");
    house_says(&h, "EHLO client.example\r\n");
    assert_begins(house_send(&h, "ann@mx.example", "\r\n"), "250");
    assert_non_null(strstr(house_file(&h, "mx.example", "ann"), "ESMTPS\n"));
    log_in("bob@other.example");
    house_says(&h, "EHLO again.example\r\n");
    assert_login("bob@other.example");
    assert_ptr_equal(mk_session_tls(h.conn.session), &info);
    login_rig_end(&h.conn, MK_E_AUTH, "x", MK_SASL_PLAIN);
    assert_logged("login=<bob@other.example> mechanism=PLAIN tls=yes\n");
    house_close(&h);
}

static void received_tells_tls_and_login(void **state)
{
    static const struct {
        bool tls, login;
        const char *hello, *want;
    } rows[] = {
        {false, false, "EHLO", " (mailkit) with ESMTP\n\tid "},
        {true, false, "EHLO",
         " (mailkit) with ESMTPS\n\t(TLSv1.3 "
         "TLS1-3-AES-256-GCM-SHA384)\n\tid "},
        {false, true, "EHLO", " (mailkit) with ESMTPA\n\tid "},
        {true, true, "EHLO",
         " (mailkit) with ESMTPSA\n\t(TLSv1.3 TLS1-3-AES-256-GCM-SHA384)\n"
         "\tid "},
        {true, false, "HELO",
         " (mailkit) with SMTP\n\t(TLSv1.3 TLS1-3-AES-256-GCM-SHA384)\n\tid "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[64];
        open_with(LOGIN_YES, NULL);
        if (rows[i].tls) {
            login_rig_tls(&h.conn, &info);
        }
        snprintf(line, sizeof line, "%s client.example\r\n", rows[i].hello);
        assert_begins(house_says(&h, line), "250");
        if (rows[i].login) {
            log_in("bob@other.example");
        }
        assert_begins(house_send(&h, "ann@mx.example", "Subject: x\r\n\r\n"),
                      "250 2.0.0");
        const char *file = house_file(&h, "mx.example", "ann");
        if (strstr(file, rows[i].want) == NULL) {
            fail_msg("'%s' is not in '%s'", rows[i].want, file);
        }
        assert_null(strstr(file, "bob"));
        house_close(&h);
    }
}

static mk_stage_call last_call;

static void wait_at_end(void *self, const mk_stage_call *call, mk_verdict *v)
{
    (void)self;
    last_call = *call;
    v->kind = MK_VERDICT_WAIT;
}

/* The connection is gone while the message still comes to rest: it came over
 * TLS all the same, and the engine's info is not looked at. */
static void tls_is_told_of_a_peer_that_is_gone(void **state)
{
    const mk_verdict pass = {.kind = MK_VERDICT_PASS};
    house_plan plan = plan_of(LOGIN_YES, NULL);
    mk_tls_info *gone = malloc(sizeof *gone);
    (void)state;
    plan.before.name = "wait";
    plan.before.at = wait_at_end;
    plan.before.points = MK_POINT_BIT(MK_POINT_END);
    house_open(&h, &plan);
    house_greet(&h);
    assert_non_null(gone);
    *gone = info;
    login_rig_tls(&h.conn, gone);
    house_says(&h, "EHLO client.example\r\n");
    log_in("ann@mx.example");
    assert_string_equal(house_send(&h, "ann@mx.example", "\r\n"), "");
    fake_conn_close(&h.conn, MK_E_CUT);
    free(gone);
    assert_null(mk_session_tls(last_call.session));
    assert_int_equal(
        mk_session_add_field(last_call.session, mk_str_z("X"), mk_str_z("y")),
        MK_OK); /* so that the fields on top are made anew */
    assert_int_equal(mk_stage_answer(last_call.ask, &pass), MK_OK);
    fake_host_jobs(&h.host);
    assert_non_null(
        strstr(house_file(&h, "mx.example", "ann"), "with ESMTPSA\n"));
    house_close(&h);
}

static void wrap_that_fails(void **state)
{
    (void)state;
    for (int implicit = 0; implicit < 2; implicit++) {
        house_plan plan = plan_of(LOGIN_YES, "a@b");
        plan.is_tls_implicit = implicit != 0;
        rig.wrap_err = MK_E_LIMIT;
        house_open(&h, &plan);
        assert_int_equal(fake_conn_open(&h.conn, &h.host, &h.service),
                         MK_E_LIMIT);
        assert_int_equal(mk_inbound_count(h.inbound), 0);
        assert_begins(h.conn.refusal.len > 0 ? h.conn.refusal.ptr : "",
                      implicit ? "" : "421 4.3.0 ");
        assert_int_equal(h.conn.refusal.len == 0, implicit);
        assert_int_equal(h.service.busy.len == 0, implicit);
        assert_logged(implicit ? "outcome=\"a configured limit was reached\""
                               : "outcome=\"421 a configured limit");
        rig.wrap_err = MK_OK;
        house_greet(&h);
        house_close(&h);
    }
}

static void settings_that_cannot_work(void **state)
{
    (void)state;
    house_plan plan = plan_of(LOGIN_YES, "a@b");
    house_open(&h, &plan);
    mk_stage stage;
    mk_local_policy_stage(h.policy, &stage);
    for (int i = 0; i < 4; i++) {
        mk_inbound_config c;
        mk_inbound *in = NULL;
        mk_authenticator none = {0};
        mk_smtp_server_config smtp = h.smtp;
        mk_inbound_config_init(&c, sizeof c);
        c.host = &h.host.host;
        c.alloc = &h.a.alloc;
        c.random = fake_random();
        c.smtp = &smtp;
        c.stages = &stage;
        c.stage_count = 1;
        c.authenticator = i == 1 ? &none : NULL;
        c.is_tls_implicit = i == 2;
        smtp.tls = i == 3 ? MK_TLS_POLICY_MAY : MK_TLS_POLICY_NONE;
        assert_int_equal(mk_inbound_new(&c, &in), i == 0 ? MK_OK : MK_E_ARG);
        assert_int_equal(mk_inbound_free(in), MK_OK);
    }
    house_close(&h);
}

/* ---- who has logged in ------------------------------------------------------
 */

static void senders_of_who_has_logged_in(void **state)
{
    static const struct {
        const char *login, *path, *want;
    } rows[] = {
        {"ann@mx.example", "<ann@mx.example>", "250"},
        {"ann@mx.example", "<Ann@MX.Example>", "250"},
        {"ann@mx.example", "<\"a\\nn\"@mx.example>", "250"},
        {"ann@mx.example", "<>", "250"},
        {"ann@mx.example", "<carl@mx.example>", "553 5.7.1"},
        {"ann@mx.example", "<ann@other.example>", "553 5.7.1"},
        {"ann@mx.example", "<nobody@mx.example>", "553 5.7.1"},
        {"ann@mx.example", "<ann@elsewhere.example>", "553 5.7.1"},
        {"ann@mx.example", "<ann%mx.example@mx.example>", "553 5.7.1"},
        {"ann@mx.example", "<annx@mx.example>", "553 5.7.1"},
        {"ann@mx.example", "<an@mx.example>", "553 5.7.1"},
        {"ann@mx.example", "<ann@[192.0.2.1]>", "553 5.7.1"},
        {"bob@other.example", "<BOB@other.example>", "250"},
        {"bob@other.example", "<ann@mx.example>", "553 5.7.1"},
        /* postmaster and abuse are carl's here */
        {"carl@mx.example", "<postmaster@other.example>", "250"},
        {"carl@mx.example", "<Abuse@mx.example>", "250"},
        {"ann@mx.example", "<postmaster@mx.example>", "553 5.7.1"},
        {"ann", "<ann@mx.example>", "553 5.7.1"},
        {"", "<carl@mx.example>", "250"},
        {"", "<ann@elsewhere.example>", "250"},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        bool is_checked = i % 2 == 0;
        size_t n = i / 2;
        char line[300];
        house_plan plan = plan_of(LOGIN_YES, NULL);
        plan.is_sender_checked = is_checked;
        plan.postmaster = "carl";
        house_open(&h, &plan);
        house_greet(&h);
        if (rows[n].login[0] != '\0') {
            log_in(rows[n].login);
        }
        snprintf(line, sizeof line, "MAIL FROM:%s\r\n", rows[n].path);
        const char *heard = house_says(&h, line);
        const char *want = is_checked ? rows[n].want : "250";
        if (strncmp(heard, want, strlen(want)) != 0) {
            fail_msg("%s as %s: '%s'", rows[n].login, rows[n].path, heard);
        }
        house_close(&h);
    }
}

static mk_ask lookup_ask;

static void lookup_later(void *self, mk_str user, mk_str domain, mk_ask a)
{
    (void)self;
    (void)user;
    (void)domain;
    lookup_ask = a;
}

/* An alias of the directory's counts; one that cannot tell is no refusal for
 * good. */
static void senders_by_a_late_directory(void **state)
{
    static const struct {
        mk_directory_result result;
        const char *user, *want;
    } rows[] = {
        {MK_DIRECTORY_FOUND, "ann", "250"},
        {MK_DIRECTORY_FOUND, "carl", "553 5.7.1"},
        {MK_DIRECTORY_UNKNOWN, "", "553 5.7.1"},
        {MK_DIRECTORY_FAILED, "", "451 4.3.0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        house_plan plan = plan_of(LOGIN_YES, NULL);
        plan.is_sender_checked = true;
        plan.directory.lookup = lookup_later;
        house_open(&h, &plan);
        house_greet(&h);
        log_in("ann@mx.example");
        assert_string_equal(house_says(&h, "MAIL FROM:<sales@mx.example>\r\n"),
                            "");
        assert_int_equal(mk_directory_answer(lookup_ask, rows[i].result,
                                             mk_str_z(rows[i].user),
                                             mk_str_z("mx.example")),
                         MK_OK);
        fake_conn_run(&h.conn);
        assert_begins(house_heard(&h), rows[i].want);
        house_close(&h);
    }
}

static void relaying_is_told_apart(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        open_with(LOGIN_YES, NULL);
        if (known) {
            log_in("ann@mx.example");
        }
        house_says(&h, "MAIL FROM:<ann@mx.example>\r\n");
        assert_string_equal(
            house_says(&h, "RCPT TO:<u@v.example>\r\n"),
            known ? "550 5.7.1 relaying to other domains is not available "
                    "here\r\n"
                  : "550 5.7.1 relaying is not permitted\r\n");
        assert_begins(house_says(&h, "RCPT TO:<ann@mx.example>\r\n"), "250");
        text_clear(&h.log);
        house_says(&h, "DATA\r\n");
        house_says(&h, ".\r\n");
        assert_int_equal(
            strstr(text_c(&h.log), " login=<ann@mx.example>") != NULL, known);
        house_close(&h);
    }
}

/* ---- memory ---------------------------------------------------------------
 */

/* Each allocation of a session with TLS, a login and a message fails once:
 * everything is given back, and nobody is logged in who was not answered. */
static void each_allocation_fails(void **state)
{
    (void)state;
    for (unsigned at = 1;; at++) {
        house_plan plan = plan_of(LOGIN_WAIT, NULL);
        plan.is_sender_checked = true;
        if (house_try(&h, &plan, at) != MK_OK) {
            continue;
        }
        if (fake_conn_open(&h.conn, &h.host, &h.service) == MK_OK) {
            login_rig_tls(&h.conn, &info);
            house_says(&h, "EHLO client.example\r\n");
            unsigned asked = judge.asked;
            ask("ann");
            mk_err err = mk_login_answer(judge.ask, MK_ANSWER_YES, NULL,
                                         mk_str_z("ann@mx.example"));
            assert_true(err == MK_OK || err == MK_E_MEMORY ||
                        (err == MK_E_STALE && judge.asked == asked));
            login_rig_end(&h.conn, err == MK_OK ? MK_OK : MK_E_AGAIN, "ann",
                          MK_SASL_PLAIN);
            assert_login(err == MK_OK ? "ann@mx.example" : "");
            house_says(&h, "MAIL FROM:<ann@mx.example>\r\n");
            house_says(&h, "RCPT TO:<ann@mx.example>\r\n");
        }
        bool over = h.a.calls < at;
        house_close(&h);
        if (over) {
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered_at_once),
        cmocka_unit_test(answered_late),
        cmocka_unit_test(answers_that_are_not_taken),
        cmocka_unit_test(withdrawn_once),
        cmocka_unit_test(stale_at_the_engine),
        cmocka_unit_test(nobody_judges),
        cmocka_unit_test(the_name_counts_when_the_exchange_succeeds),
        cmocka_unit_test(memory_for_the_name_runs_out),
        cmocka_unit_test(sec_048_names_are_octets),
        cmocka_unit_test(sec_049_answers_are_not_mixed_up),
        cmocka_unit_test(sec_049_answers_of_another_life),
        cmocka_unit_test(sec_051_guesses_are_told),
        cmocka_unit_test(sec_051_connections_that_guess),
        cmocka_unit_test(tls_forgets_what_was_said_before),
        cmocka_unit_test(received_tells_tls_and_login),
        cmocka_unit_test(tls_is_told_of_a_peer_that_is_gone),
        cmocka_unit_test(wrap_that_fails),
        cmocka_unit_test(settings_that_cannot_work),
        cmocka_unit_test(senders_of_who_has_logged_in),
        cmocka_unit_test(senders_by_a_late_directory),
        cmocka_unit_test(relaying_is_told_apart),
        cmocka_unit_test(each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
