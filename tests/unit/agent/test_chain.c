/* SPDX-License-Identifier: MIT
 *
 * test_chain.c: one stage at every point, doing everything a stage may do: it
 * passes, accepts, refuses, answers from inside its call, later, twice, never,
 * with nonsense; the session dies or times out meanwhile, or the stage itself
 * kills it. Law 5, THREATS 110.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef enum act {
    ACT_PASS,
    ACT_REFUSE,
    ACT_INSIDE_PASS, /* mk_stage_answer from inside the call */
    ACT_INSIDE_REFUSE,
    ACT_WAIT,
    ACT_NONSENSE,       /* a code that does not exist */
    ACT_ABORT_AND_PASS, /* the stage closes the connection */
    ACT_ABORT_AND_WAIT
} act;

typedef struct probe {
    mk_point point;
    act act;
    mk_ask ask;
    unsigned asked;
    unsigned withdrawn;
    unsigned resets;
    unsigned closed;
    mk_err why;
    mk_host *host;
    mk_conn *conn;
    mk_session *session;
    size_t octets; /* seen at BODY */
} probe;

static const mk_verdict verdict_pass = {.kind = MK_VERDICT_PASS};
static const mk_verdict verdict_refuse = {.kind = MK_VERDICT_REFUSE,
                                          .answer = MK_ANSWER_NO,
                                          .text = MK_STR_INIT("no thanks")};

static void probe_at(void *self, const mk_stage_call *call, mk_verdict *v)
{
    probe *p = self;
    p->session = call->session;
    if (call->point == MK_POINT_BODY) {
        p->octets += call->octets.len;
    }
    if (call->point != p->point) {
        return;
    }
    p->asked++;
    p->ask = call->ask;
    switch (p->act) {
    case ACT_PASS:
        break;
    case ACT_REFUSE:
        *v = verdict_refuse;
        break;
    case ACT_INSIDE_PASS:
    case ACT_INSIDE_REFUSE:
        assert_int_equal(mk_stage_answer(call->ask, p->act == ACT_INSIDE_PASS
                                                        ? &verdict_pass
                                                        : &verdict_refuse),
                         MK_OK);
        assert_int_equal(mk_stage_answer(call->ask, &verdict_refuse),
                         MK_E_STALE);
        v->kind = MK_VERDICT_WAIT;
        break;
    case ACT_WAIT:
        v->kind = MK_VERDICT_WAIT;
        break;
    case ACT_NONSENSE:
        *v = verdict_refuse;
        v->code = mk_str_z("25");
        break;
    case ACT_ABORT_AND_PASS:
        p->host->abort(p->host->self, p->conn);
        break;
    case ACT_ABORT_AND_WAIT:
        p->host->abort(p->host->self, p->conn);
        v->kind = MK_VERDICT_WAIT;
        break;
    }
}

static void probe_note(void *self, mk_session *s, uint32_t stage,
                       mk_stage_note note, mk_err why)
{
    probe *p = self;
    assert_int_equal(stage, 0);
    *mk_session_tag(s, stage) = p;
    p->withdrawn += note == MK_STAGE_WITHDRAWN;
    p->resets += note == MK_STAGE_RESET;
    p->closed += note == MK_STAGE_CLOSED;
    if (note == MK_STAGE_WITHDRAWN) {
        p->why = why;
        /* whatever it does when told changes nothing */
        assert_int_equal(mk_stage_answer(p->ask, &verdict_pass), MK_E_STALE);
    }
}

static house h;
static probe p;

static void open_with(mk_point point, act what)
{
    house_plan plan = {.before = {.name = "probe",
                                  .self = &p,
                                  .points = 127,
                                  .at = probe_at,
                                  .note = probe_note}};
    memset(&p, 0, sizeof p);
    p.point = point;
    p.act = what;
    house_open(&h, &plan);
    p.host = &h.host.host;
    p.conn = &h.conn;
}

/* What the peer says, and how the last reply to it begins. */
static const struct {
    const char *says;
    const char *good;
    const char *refused;
} steps[] = {
    {NULL, "220 mx.example", "554"},
    {"EHLO a.example\r\n", "250", "550"},
    {"MAIL FROM:<a@b.example>\r\n", "250 2.1.0", "550 5.7.1"},
    {"RCPT TO:<ann@mx.example>\r\n", "250 2.1.5", "550 5.7.1"},
    {"DATA\r\n", "354", "554 5.7.1"},
    {"Subject: x\r\n\r\nbody\r\n", "", ""},
    {".\r\n", "250 2.0.0", "554 5.7.1"},
};
#define STEPS (sizeof steps / sizeof steps[0])

/* Say one step; the output since then. */
static const char *play(size_t i)
{
    if (steps[i].says == NULL) {
        assert_int_equal(fake_conn_open(&h.conn, &h.host, &h.service), MK_OK);
        house_work(&h);
        return house_heard(&h);
    }
    return house_says(&h, steps[i].says);
}

static void assert_begins(const char *z, const char *want)
{
    if (strncmp(z, want, strlen(want)) != 0 || (want[0] == '\0') != (*z == 0)) {
        fail_msg("'%s' does not begin with '%s'", z, want);
    }
}

static void play_up_to(size_t end)
{
    for (size_t i = 0; i < end; i++) {
        assert_begins(play(i), steps[i].good);
    }
}

static void play_rest(size_t begin)
{
    for (size_t i = begin; i < STEPS; i++) {
        assert_begins(play(i), steps[i].good);
    }
    const char *file = house_file(&h, "mx.example", "ann");
    assert_string_equal(strstr(file, "Subject"), "Subject: x\n\nbody\n");
}

/* A refusal at the point; the session takes a good message after it. */
static void assert_refused(size_t i, const char *heard)
{
    if (i == MK_POINT_BODY) {
        assert_begins(heard, "");
        heard = play(MK_POINT_END);
    }
    assert_begins(heard, steps[i == MK_POINT_BODY ? 6 : i].refused);
    assert_non_null(strstr(heard, "no thanks"));
    if (i != MK_POINT_CONNECT && i != MK_POINT_HELO) {
        assert_non_null(strstr(text_c(&h.log), "no thanks"));
    }
    assert_int_equal(house_count(&h, "mx.example", "ann"), 0);
    p.act = ACT_PASS;
    if (i != MK_POINT_CONNECT) {
        if (i == MK_POINT_DATA || i == MK_POINT_RCPT) {
            house_says(&h, "RSET\r\n");
        }
        play_rest(1);
        assert_true(p.resets >= (i > MK_POINT_HELO ? 2 : 1));
    }
}

static void close_all(void)
{
    fake_conn_close(&h.conn, MK_OK);
    assert_int_equal(p.closed, 1);
    assert_int_equal(mk_inbound_count(h.inbound), 0);
    assert_int_equal(mk_stage_answer(p.ask, &verdict_pass), MK_E_STALE);
    house_close(&h);
}

static void every_point_answered_at_once(void **state)
{
    static const act acts[] = {ACT_PASS, ACT_REFUSE, ACT_INSIDE_PASS,
                               ACT_INSIDE_REFUSE};
    (void)state;
    for (size_t i = 0; i < STEPS; i++) {
        for (size_t k = 0; k < 4; k++) {
            open_with((mk_point)i, acts[k]);
            play_up_to(i);
            if (acts[k] == ACT_PASS || acts[k] == ACT_INSIDE_PASS) {
                play_rest(i);
                assert_int_equal(p.octets, 20);
            } else {
                assert_refused(i, play(i));
            }
            assert_true(p.asked > 0);
            assert_int_equal(p.withdrawn, 0);
            close_all();
        }
    }
}

static void every_point_answered_later(void **state)
{
    (void)state;
    for (size_t i = 0; i < STEPS; i++) {
        for (int refuse = 0; refuse < 2; refuse++) {
            open_with((mk_point)i, ACT_WAIT);
            play_up_to(i);
            assert_begins(play(i), "");
            fake_conn_run(&h.conn);
            assert_begins(house_heard(&h), "");
            unsigned wakes = h.host.wakes;
            p.act = ACT_PASS;
            assert_int_equal(mk_stage_answer(p.ask, refuse ? &verdict_refuse
                                                           : &verdict_pass),
                             MK_OK);
            assert_int_equal(mk_stage_answer(p.ask, &verdict_pass), MK_E_STALE);
            house_work(&h);
            assert_true(h.host.wakes > wakes);
            const char *heard = house_heard(&h);
            if (refuse) {
                assert_refused(i, heard);
            } else {
                assert_begins(heard, steps[i].good);
                play_rest(i + 1);
            }
            assert_int_equal(p.withdrawn, 0);
            close_all();
        }
    }
}

/* The answer comes after the session died: only at END does it still count. */
static void every_point_and_a_dead_session(void **state)
{
    (void)state;
    for (size_t i = 0; i < STEPS; i++) {
        for (int how = 0; how < 3; how++) {
            open_with((mk_point)i, ACT_WAIT);
            play_up_to(i);
            play(i);
            if (how > 0) {
                fake_conn_eof(&h.conn);
            }
            if (how != 1 || i == MK_POINT_END) {
                fake_conn_close(&h.conn, MK_E_NET);
            }
            bool is_end = i == MK_POINT_END;
            assert_int_equal(p.withdrawn, !is_end);
            assert_int_equal(p.closed, how != 1 && !is_end);
            assert_int_equal(mk_stage_answer(p.ask, &verdict_pass),
                             is_end ? MK_OK : MK_E_STALE);
            fake_host_jobs(&h.host);
            assert_int_equal(house_count(&h, "mx.example", "ann"), is_end);
            fake_conn_close(&h.conn, MK_E_NET);
            assert_int_equal(p.closed, 1);
            close_all();
        }
    }
}

/* It never answers: the engine's time passes, and the session goes on. */
static void every_point_and_a_timeout(void **state)
{
    (void)state;
    for (size_t i = 1; i < STEPS; i++) {
        open_with((mk_point)i, ACT_WAIT);
        play_up_to(i);
        play(i);
        h.host.now_ms += 300001;
        fake_conn_run(&h.conn);
        assert_int_equal(p.withdrawn, 1);
        assert_int_equal(p.why, MK_E_TIMEOUT);
        assert_non_null(strstr(text_c(&h.log), "outcome=\"451"));
        const char *heard = house_heard(&h);
        if (i == MK_POINT_BODY && !h.conn.ended) {
            heard = play(MK_POINT_END);
        }
        assert_true(heard[0] == '4');
        assert_int_equal(mk_stage_answer(p.ask, &verdict_pass), MK_E_STALE);
        p.act = ACT_PASS;
        if (!h.conn.ended) {
            house_says(&h, "RSET\r\n");
            play_rest(1);
        }
        close_all();
    }
}

/* The octets that a stage waits with cannot be kept for the next one. */
static void fault_f25_body_cannot_be_kept(void **state)
{
    (void)state;
    open_with(MK_POINT_BODY, ACT_WAIT);
    play_up_to(5);
    h.a.fail_at = h.a.calls + 1;
    play(5);
    assert_int_equal(p.withdrawn, 1);
    assert_int_equal(mk_stage_answer(p.ask, &verdict_pass), MK_E_STALE);
    assert_begins(play(6), "452 4.3.0");
    p.act = ACT_PASS;
    play_rest(2);
    close_all();
}

/* Law 4: the same octets one by one. */
static void every_octet_alone(void **state)
{
    (void)state;
    open_with(MK_POINT_BODY, ACT_PASS);
    play_up_to(2);
    h.conn.chunk = 1;
    play_rest(2);
    assert_int_equal(p.octets, 20);
    close_all();
}

static void sec_110_stage_kills_its_own_session(void **state)
{
    (void)state;
    for (size_t i = 0; i < STEPS; i++) {
        for (int wait = 0; wait < 2; wait++) {
            open_with((mk_point)i,
                      wait ? ACT_ABORT_AND_WAIT : ACT_ABORT_AND_PASS);
            play_up_to(i);
            play(i);
            assert_true(h.conn.aborted);
            fake_host_jobs(&h.host);
            if (i == MK_POINT_END) {
                mk_stage_answer(p.ask, &verdict_pass);
                fake_host_jobs(&h.host);
                assert_int_equal(house_count(&h, "mx.example", "ann"), 1);
            }
            assert_int_equal(p.closed, 1);
            close_all();
        }
    }
}

static void nonsense_is_refused_for_now(void **state)
{
    (void)state;
    for (size_t i = 1; i < STEPS; i++) {
        open_with((mk_point)i, ACT_NONSENSE);
        play_up_to(i);
        const char *heard = play(i);
        if (i == MK_POINT_BODY) {
            heard = play(MK_POINT_END);
        }
        assert_begins(heard, "451");
        close_all();
    }
}

/* Late answers are checked and may be tried again. */
static void late_answers_are_checked(void **state)
{
    static const struct {
        mk_verdict verdict;
        mk_err want;
    } rows[] = {
        {{.kind = MK_VERDICT_WAIT}, MK_E_ARG},
        {{.kind = MK_VERDICT_REFUSE}, MK_E_ARG},
        {{.kind = MK_VERDICT_REFUSE,
          .answer = MK_ANSWER_NO,
          .code = MK_STR_INIT("450 4.7.1")},
         MK_E_ARG},
        {{.kind = MK_VERDICT_REFUSE,
          .answer = MK_ANSWER_NO,
          .code = MK_STR_INIT("5x0")},
         MK_E_ARG},
        {{.kind = MK_VERDICT_REFUSE,
          .answer = MK_ANSWER_NO,
          .text = MK_STR_INIT("a\r\n250 ok")},
         MK_E_CTL},
        {{.kind = MK_VERDICT_ACCEPT, .text = MK_STR_INIT("a\nb")}, MK_E_CTL},
    };
    mk_ask wrong;
    (void)state;
    open_with(MK_POINT_MAIL, ACT_WAIT);
    play_up_to(2);
    play(2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mk_stage_answer(p.ask, &rows[i].verdict),
                         rows[i].want);
    }
    wrong = p.ask;
    wrong.number += UINT64_C(1) << 32;
    assert_int_equal(mk_stage_answer(wrong, &verdict_pass), MK_E_STALE);
    wrong = p.ask;
    wrong.number += 1000;
    assert_int_equal(mk_stage_answer(wrong, &verdict_pass), MK_E_STALE);
    wrong.asker = NULL;
    assert_int_equal(mk_stage_answer(wrong, &verdict_pass), MK_E_STALE);
    assert_int_equal(mk_directory_answer(p.ask, MK_DIRECTORY_FOUND,
                                         mk_str_z("ann"), mk_str_z("x")),
                     MK_E_STALE);
    assert_begins(house_heard(&h), "");
    mk_verdict accept = {.kind = MK_VERDICT_ACCEPT,
                         .text = MK_STR_INIT("welcome")};
    assert_int_equal(mk_stage_answer(p.ask, &accept), MK_OK);
    house_work(&h);
    assert_begins(house_heard(&h), "250 2.1.0 welcome");
    play_rest(3);
    close_all();
}

/* ---- no stage takes it --------------------------------------------------- */

static void accept_at(void *self, const mk_stage_call *call, mk_verdict *v)
{
    if (call->point == *(mk_point *)self) {
        v->kind = MK_VERDICT_ACCEPT;
    }
}

/* Accepting at RCPT without a mailbox ends in a refusal, not in a 250. */
static void nobody_takes_the_message(void **state)
{
    static mk_point point = MK_POINT_RCPT;
    house_plan plan = {.before = {.name = "yes",
                                  .self = &point,
                                  .points = MK_POINT_BIT(MK_POINT_RCPT),
                                  .at = accept_at}};
    (void)state;
    house_open(&h, &plan);
    house_greet(&h);
    assert_begins(house_send(&h, "x@elsewhere.example", "\r\n"), "451 4.3.5");
    house_close(&h);
}

/* Accepts each second run of the body: at once, from inside the call, later. */
typedef struct accepter {
    act how;
    unsigned runs;
    mk_ask ask;
} accepter;

static const mk_verdict verdict_accept = {.kind = MK_VERDICT_ACCEPT};

static void accept_run(void *self, const mk_stage_call *call, mk_verdict *v)
{
    accepter *a = self;
    if (a->runs++ % 2 != 0) {
        return;
    }
    a->ask = call->ask;
    v->kind = a->how == ACT_PASS ? MK_VERDICT_ACCEPT : MK_VERDICT_WAIT;
    if (a->how == ACT_INSIDE_PASS) {
        assert_int_equal(mk_stage_answer(a->ask, &verdict_accept), MK_OK);
    }
}

/* G2: no stage can keep a part of the message from the others. */
static void accepting_octets_hides_none(void **state)
{
    static const act ways[] = {ACT_PASS, ACT_INSIDE_PASS, ACT_WAIT};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        accepter a = {.how = ways[i]};
        house_plan plan = {.before = {.name = "eager",
                                      .self = &a,
                                      .points = MK_POINT_BIT(MK_POINT_BODY),
                                      .at = accept_run}};
        house_open(&h, &plan);
        house_greet(&h);
        for (size_t step = 2; step < MK_POINT_END; step++) {
            assert_begins(play(step), steps[step].good);
            if (a.runs > 0 && a.how == ACT_WAIT) {
                assert_int_equal(mk_stage_answer(a.ask, &verdict_accept),
                                 MK_OK);
                house_work(&h);
            }
        }
        play_rest(MK_POINT_END);
        assert_true(a.runs > 0);
        house_close(&h);
    }
}

/* Everybody passes: that is no acceptance. */
static void passing_is_not_accepting(void **state)
{
    static mk_point point = MK_POINT_RCPT;
    house_plan plan = {
        .before = {.name = "pass", .self = &p, .points = 127, .at = probe_at},
        .has_no_policy = true,
        .has_no_delivery = true};
    (void)state;
    memset(&p, 0, sizeof p);
    house_open(&h, &plan);
    house_greet(&h);
    assert_begins(house_send(&h, "ann@mx.example", "\r\n"), "550 5.7.1");
    house_close(&h);

    plan.before.self = &point;
    plan.before.at = accept_at;
    house_open(&h, &plan);
    house_greet(&h);
    assert_begins(house_send(&h, "ann@mx.example", "\r\n"), "451 4.3.0");
    assert_non_null(strstr(text_c(&h.log), "nobody took the message"));
    house_close(&h);
}

static mk_err no_entropy(void *self, void *out, size_t n)
{
    (void)self;
    (void)out;
    (void)n;
    return MK_E_ENTROPY;
}

static void no_randomness_is_refused_for_now(void **state)
{
    static const mk_random none = {NULL, no_entropy};
    (void)state;
    house_open(&h, &(house_plan){.random = &none});
    house_greet(&h);
    assert_begins(house_send(&h, "ann@mx.example", "\r\n"), "451 4.3.0");
    assert_begins(house_says(&h, "NOOP\r\n"), "250");
    house_close(&h);
}

/* What a stage may do with a session, and when. */
static void look_at_session(void *self, const mk_stage_call *call,
                            mk_verdict *v)
{
    mk_session *s = call->session;
    mk_str domain = MK_STR_INIT("d.example");
    mk_str user = MK_STR_INIT("u");
    bool in_rcpt = call->point == MK_POINT_RCPT;
    bool in_mail = call->point >= MK_POINT_MAIL;
    (void)v;
    *(unsigned *)self |= MK_POINT_BIT(call->point);
    assert_int_equal(mk_session_peer(s)->port, 40000);
    assert_int_equal(mk_session_helo(s).len > 0,
                     call->point > MK_POINT_CONNECT);
    assert_int_equal(mk_session_id(s).len, in_mail ? 21 : 0);
    assert_int_equal(mk_session_reverse_path(s).len, in_mail ? 18 : 0);
    assert_int_equal(mk_session_recipient_count(s),
                     call->point > MK_POINT_RCPT);
    assert_int_equal(mk_session_recipients(s) != NULL,
                     call->point > MK_POINT_RCPT);
    assert_int_equal(mk_session_recipient(s) != NULL, in_rcpt);
    assert_int_equal(mk_session_set_box(s, domain, user),
                     in_rcpt ? MK_OK : MK_E_STATE);
    assert_int_equal(mk_session_set_box(s, domain, mk_str_z("..")),
                     in_rcpt ? MK_E_ARG : MK_E_STATE);
    assert_int_equal(mk_session_set_box(s, mk_str_z("a/b"), user),
                     in_rcpt ? MK_E_ARG : MK_E_STATE);
    assert_int_equal(mk_session_add_field(s, user, user),
                     in_mail ? MK_OK : MK_E_STATE);
    assert_int_equal(mk_session_fields(s).len > 0, in_mail);
    bool at_end = call->point == MK_POINT_END;
    assert_int_equal(mk_session_size(s), call->point >= MK_POINT_BODY ? 20 : 0);
    assert_int_equal(mk_session_field_count(s),
                     call->point >= MK_POINT_BODY ? 1 : 0);
    if (in_rcpt) {
        const mk_recipient *r = mk_session_recipient(s);
        assert_true(mk_str_is(r->mailbox, mk_str_z("\"a n\"@mx.example")));
        assert_true(mk_str_is(r->local_part, mk_str_z("\"a n\"")));
        assert_true(mk_str_is(r->domain, mk_str_z("mx.example")));
        assert_true(mk_str_is(r->box_domain, domain));
        assert_true(mk_str_is(r->box_user, user));
        assert_int_equal(r->flags, MK_SMTP_PATH_QUOTED | MK_SMTP_PATH_ROUTE);
    }
    if (at_end) {
        assert_null(mk_session_recipients(s)->after);
    }
}

static void sessions_tell_what_is_known(void **state)
{
    static unsigned seen;
    house_plan plan = {.before = {.name = "look",
                                  .self = &seen,
                                  .points = 127,
                                  .at = look_at_session},
                       .has_no_policy = true};
    (void)state;
    house_open(&h, &plan);
    house_greet(&h);
    assert_begins(house_send(&h, "@r.example:\"a n\"@mx.example",
                             "Subject: x\r\n\r\nbody\r\n"),
                  "250 2.0.0");
    assert_int_equal(seen, 127);
    assert_int_equal(house_count(&h, "d.example", "u"), 1);
    house_close(&h);
}

static void delivery_alone_relays_for_nobody(void **state)
{
    house_plan plan = {.has_no_policy = true};
    (void)state;
    house_open(&h, &plan);
    house_greet(&h);
    assert_begins(house_send(&h, "ann@mx.example", "\r\n"), "550 5.7.1");
    assert_begins(house_says(&h, "RSET\r\n"), "250");
    assert_begins(house_send(&h, "x@elsewhere.example", "\r\n"), "550 5.7.1");
    house_close(&h);
}

static void configs_are_checked(void **state)
{
    mk_inbound_config c;
    mk_inbound *in;
    mk_stage stage = {.name = "none"};
    mk_smtp_server_config smtp;
    fake_host host;
    (void)state;
    fake_host_init(&host);
    assert_int_equal(mk_smtp_server_config_init(&smtp, sizeof smtp), MK_OK);
    assert_int_equal(mk_inbound_config_init(&c, sizeof c - 1), MK_E_ARG);
    assert_int_equal(mk_inbound_config_init(&c, sizeof c), MK_OK);
    assert_int_equal(c.hops_max, 50);
    assert_int_equal(c.fields_max, 1000);
    assert_int_equal(c.header_bytes_max, 1048576);
    assert_int_equal(mk_inbound_new(&c, &in), MK_E_ARG);
    c.host = &host.host;
    c.alloc = mk_alloc_libc();
    c.random = fake_random();
    c.smtp = &smtp;
    c.stages = &stage;
    c.stage_count = 1;
    assert_int_equal(mk_inbound_new(&c, &in), MK_E_ARG); /* no function */
    stage.at = probe_at;
    assert_int_equal(mk_inbound_new(&c, &in), MK_E_ARG); /* no hostname */
    smtp.hostname = mk_str_z("mx.example");
    c.hops_max = 0;
    assert_int_equal(mk_inbound_new(&c, &in), MK_E_ARG);
    c.hops_max = 1;
    c.stage_count = MK_STAGES_MAX + 1;
    assert_int_equal(mk_inbound_new(&c, &in), MK_E_ARG);
    c.stage_count = 1;
    assert_int_equal(mk_inbound_new(&c, &in), MK_OK);
    assert_int_equal(mk_inbound_free(in), MK_OK);
    assert_int_equal(mk_inbound_free(NULL), MK_OK);
}

/* An idle session and its engine are small (Law 6). */
static void idle_session_is_small(void **state)
{
    (void)state;
    mk_pool units;
    open_with(MK_POINT_CONNECT, ACT_PASS);
    assert_int_equal(mk_pool_init(&units, mk_alloc_libc(), 1024, 4), MK_OK);
    h.smtp.units = &units;
    mk_inbound_config c;
    mk_inbound *in;
    mk_stage stages[3];
    mk_local_policy_stage(h.policy, &stages[0]);
    mk_local_delivery_stage(h.delivery, &stages[1]);
    assert_int_equal(mk_inbound_config_init(&c, sizeof c), MK_OK);
    c.host = &h.host.host;
    c.alloc = &h.a.alloc;
    c.random = fake_random();
    c.smtp = &h.smtp;
    c.stages = stages;
    c.stage_count = 2;
    assert_int_equal(mk_inbound_new(&c, &in), MK_OK);
    mk_service service;
    mk_conn first;
    mk_conn conn;
    mk_inbound_service(in, &service);
    assert_int_equal(fake_conn_open(&first, &h.host, &service), MK_OK);
    size_t before = h.a.out_bytes;
    assert_int_equal(fake_conn_open(&conn, &h.host, &service), MK_OK);
    fake_conn_say(&conn, "EHLO a.example\r\n");
    size_t cost = h.a.out_bytes - before;
    if (cost > 704) {
        fail_msg("an idle session takes %zu octets", cost);
    }
    fake_conn_fini(&conn);
    fake_conn_fini(&first);
    assert_int_equal(mk_inbound_free(in), MK_OK);
    mk_pool_fini(&units);
    house_close(&h);
}

/* Whom the host turned away is in the log, once each. */
static void sec_114_who_is_turned_away_is_named(void **state)
{
    static const struct {
        mk_peer peer;
        mk_err why;
        const char *line;
    } rows[] = {
        {{.family = 4, .address = {192, 0, 2, 7}, .port = 4711},
         MK_E_LIMIT,
         "id=- from=<> to=<> size=0 outcome=\"421 a configured limit was "
         "reached\" delay=0ms "
         "peer=[192.0.2.7]:4711 fault=E_LIMIT\n"},
        {{.family = 6, .address = {0x20, 1, 0xd, 0xb8}, .port = 1},
         MK_E_FILES,
         "id=- from=<> to=<> size=0 outcome=\"421 no file descriptors left\" "
         "delay=0ms peer=[IPv6:2001:db8::]:1 fault=E_FILES\n"},
        {{.family = 0},
         MK_E_MEMORY,
         "id=- from=<> to=<> size=0 outcome=\"421 out of memory\" delay=0ms "
         "peer=unknown:0 fault=E_MEMORY\n"},
    };
    (void)state;
    open_with(MK_POINT_CONNECT, ACT_PASS);
    assert_memory_equal(h.service.busy.ptr, "421 4.3.2 ", 10);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text_clear(&h.log);
        h.service.refused(h.service.self, &rows[i].peer, rows[i].why);
        assert_string_equal(text_c(&h.log), rows[i].line);
    }
    house_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_answered_at_once),
        cmocka_unit_test(every_point_answered_later),
        cmocka_unit_test(every_point_and_a_dead_session),
        cmocka_unit_test(every_point_and_a_timeout),
        cmocka_unit_test(fault_f25_body_cannot_be_kept),
        cmocka_unit_test(every_octet_alone),
        cmocka_unit_test(sec_110_stage_kills_its_own_session),
        cmocka_unit_test(nonsense_is_refused_for_now),
        cmocka_unit_test(late_answers_are_checked),
        cmocka_unit_test(nobody_takes_the_message),
        cmocka_unit_test(accepting_octets_hides_none),
        cmocka_unit_test(passing_is_not_accepting),
        cmocka_unit_test(no_randomness_is_refused_for_now),
        cmocka_unit_test(sessions_tell_what_is_known),
        cmocka_unit_test(delivery_alone_relays_for_nobody),
        cmocka_unit_test(configs_are_checked),
        cmocka_unit_test(idle_session_is_small),
        cmocka_unit_test(sec_114_who_is_turned_away_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
