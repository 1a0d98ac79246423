/* SPDX-License-Identifier: MIT
 *
 * test_uv_matrix.c: THREATS 110: whatever an application does from within
 * whatever callback, nothing is used after it was freed, each session is
 * closed once, and nothing is left. Run under the address sanitizer.
 */
#include "uv_rig.h"

#include <unistd.h>

typedef enum action {
    DO_ABORT_SELF,
    DO_ABORT_OTHER,
    DO_WAKE_SELF,
    DO_WAKE_OTHER,
    DO_REPLY,
    DO_LATER,
    DO_FINISH,
    DO_STOP,
    DO_DRAIN,
    DO_CLOSE,
    DO_SUBMIT,
    DO_TIMER_SET,
    DO_TIMER_CLEAR,
    DO_IN_EOF,
    actions_max
} action;

typedef struct extra_job {
    mk_job job; /* first */
    int done;
} extra_job;

static rig_place chosen_place;
static action chosen_action;
static int acted;
static extra_job extra;
static mk_timer extra_timer;

static void extra_work(mk_job *job)
{
    (void)job;
}

static void extra_done(mk_job *job)
{
    ((extra_job *)job)->done++;
}

static void extra_fire(mk_timer *timer)
{
    (void)timer;
}

static session *other_than(rig *r, const session *s)
{
    session *o = r->sessions;

    while (o != NULL && (o == s || o->is_closed)) {
        o = o->after;
    }
    return o;
}

static void act_on_session(rig *r, session *s)
{
    mk_host *h = r->host;

    switch (chosen_action) {
    case DO_ABORT_SELF:
    case DO_ABORT_OTHER:
        h->abort(h->self, s->conn);
        break;
    case DO_WAKE_SELF:
    case DO_WAKE_OTHER:
        h->wake(h->self, s->conn);
        break;
    case DO_REPLY:
        (void)mk_reply(&s->line.base, s->op, MK_ANSWER_YES, mk_str_z(""),
                       mk_str_z("again"));
        break;
    case DO_LATER:
        (void)mk_later(&s->line.base, s->op);
        break;
    case DO_FINISH:
        mk_finish(&s->line.base, mk_str_z(""));
        break;
    case DO_IN_EOF:
        mk_in_eof(&s->line.base, MK_E_CUT);
        break;
    default:
        break;
    }
}

static void act_on_host(rig *r)
{
    mk_host *h = r->host;

    switch (chosen_action) {
    case DO_STOP:
        mk_uv_stop(h);
        break;
    case DO_DRAIN:
        mk_uv_drain(h);
        break;
    case DO_CLOSE:
        mk_uv_host_close(h);
        break;
    case DO_SUBMIT:
        extra.job.work = extra_work;
        extra.job.done = extra_done;
        extra.done = h->submit(h->self, &extra.job) == MK_OK ? 0 : 1;
        break;
    case DO_TIMER_SET:
        extra_timer.fire = extra_fire;
        h->timer_set(h->self, &extra_timer, h->now_ms(h->self));
        break;
    case DO_TIMER_CLEAR:
        h->timer_clear(h->self, &extra_timer);
        break;
    default:
        break;
    }
}

static void hook(rig *r, session *s, rig_place place)
{
    if (place != chosen_place || acted > 0) {
        return;
    }
    acted++;
    if (chosen_action == DO_ABORT_OTHER || chosen_action == DO_WAKE_OTHER) {
        s = other_than(r, s);
    }
    if (s != NULL) {
        act_on_session(r, s);
    }
    act_on_host(r);
}

static void say(int fd, const char *text)
{
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void some_turns(rig *r, int n)
{
    while (n-- > 0) {
        rig_turn(r);
    }
}

/* Turns until each session has done all that was said, or is gone. */
static void turn_until(rig *r, uint64_t consumed, bool is_put_off)
{
    bool is_done = false;
    int turns;

    for (turns = 0; !is_done && turns < 4000; turns++) {
        const session *s;

        rig_turn(r);
        is_done = true;
        for (s = r->sessions; s != NULL; s = s->after) {
            is_done =
                is_done && (s->is_closed || (s->line.consumed >= consumed &&
                                             s->line.is_put_off == is_put_off &&
                                             s->line.out_len == 0));
        }
    }
}

/* Two peers do whatever reaches all places. */
static void talk(rig *r)
{
    struct linger hard = {1, 0};
    int a = rig_connect(r);
    int b = rig_connect(r);

    some_turns(r, 2);
    say(a, "echo a\nlater\ntimer\n");
    say(b, "echo b\ntimer\nlater\n");
    turn_until(r, 19, false);
    say(a, "echo again\npart of a line");
    (void)shutdown(a, SHUT_WR);
    say(b, "hold\n");
    turn_until(r, 24, true);
    (void)setsockopt(b, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(b);
    some_turns(r, 3);
    close(a);
    some_turns(r, 2);
}

static void run_cell(rig_place place, action what)
{
    rig *r = malloc(sizeof *r);

    rig_init(r);
    r->config.discard_ms = 10;
    r->config.farewell_ms = 10;
    r->config.stop_grace_ms = 10;
    r->hook = hook;
    chosen_place = place;
    chosen_action = what;
    acted = 0;
    memset(&extra, 0, sizeof extra);
    extra.done = 1;
    memset(&extra_timer, 0, sizeof extra_timer);
    assert_int_equal(rig_start(r), MK_OK);
    talk(r);
    r->hook = NULL;
    if (chosen_action == DO_CLOSE) {
        r->host = NULL; /* its memory is gone, or on the way */
    } else {
        r->host->timer_clear(r->host->self, &extra_timer);
    }
    rig_close(r);
    free(r);
    assert_int_equal(acted, 1);
    assert_int_equal(extra.done, 1);
}

static void run_row(rig_place place)
{
    int what;

    for (what = 0; what < actions_max; what++) {
        run_cell(place, (action)what);
    }
}

static void sec_110_from_within_open(void **state)
{
    (void)state;
    run_row(AT_OPEN);
}

static void sec_110_from_within_a_question(void **state)
{
    (void)state;
    run_row(AT_LINE);
}

static void sec_110_from_within_a_fault(void **state)
{
    (void)state;
    run_row(AT_FAULT);
}

static void sec_110_from_within_a_withdrawal(void **state)
{
    (void)state;
    run_row(AT_WITHDRAWN);
}

static void sec_110_from_within_the_end_of_a_job(void **state)
{
    (void)state;
    run_row(AT_JOB_DONE);
}

static void sec_110_from_within_a_timer(void **state)
{
    (void)state;
    run_row(AT_TIMER);
}

static void sec_110_from_within_closed(void **state)
{
    (void)state;
    run_row(AT_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_110_from_within_open),
        cmocka_unit_test(sec_110_from_within_a_question),
        cmocka_unit_test(sec_110_from_within_a_fault),
        cmocka_unit_test(sec_110_from_within_a_withdrawal),
        cmocka_unit_test(sec_110_from_within_the_end_of_a_job),
        cmocka_unit_test(sec_110_from_within_a_timer),
        cmocka_unit_test(sec_110_from_within_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
