/* SPDX-License-Identifier: MIT
 *
 * test_wheel.c: the timing wheel against a plain list as its model, and what
 * may happen from within a firing timer.
 */
#include "net/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { tick_ms = 1 << mk_net_wheel_shift, timers_max = 500 };

typedef struct probe {
    mk_timer timer; /* first */
    uint64_t due_ms;
    int fired;
    mk_timer *clears;
    mk_timer *sets;
    uint64_t sets_to_ms;
    mk_net_wheel *wheel;
} probe;

static void fire(mk_timer *t)
{
    probe *p = (probe *)t;

    p->fired++;
    if (p->clears != NULL) {
        mk_net_wheel_clear(p->wheel, p->clears);
    }
    if (p->sets != NULL) {
        mk_net_wheel_set(p->wheel, p->sets, p->sets_to_ms);
    }
}

static void arm(mk_net_wheel *w, probe *p, uint64_t due_ms)
{
    p->timer.fire = fire;
    p->wheel = w;
    p->due_ms = due_ms;
    mk_net_wheel_set(w, &p->timer, due_ms);
}

static void test_each_fires_once_and_in_time(void **state)
{
    static const uint64_t step_ms[] = {1, 7, 32, 33, 500, 40000, 200000};
    probe *p = calloc(timers_max, sizeof *p);
    mk_net_wheel *w = malloc(sizeof *w);
    uint32_t seed = 1;
    size_t s;
    size_t i;

    (void)state;
    for (s = 0; s < sizeof step_ms / sizeof step_ms[0]; s++) {
        uint64_t now = 123456;
        uint64_t end = now + 100000;

        memset(p, 0, timers_max * sizeof *p);
        mk_net_wheel_init(w, now);
        for (i = 0; i < timers_max; i++) {
            seed = seed * 1664525 + 1013904223;
            arm(w, &p[i], now + seed % 90000);
        }
        assert_int_equal(w->count, timers_max);
        while (now < end) {
            uint64_t expected = mk_net_wheel_next(w);

            now += step_ms[s];
            mk_net_wheel_advance(w, now);
            for (i = 0; i < timers_max; i++) {
                assert_true(p[i].fired == 0 || p[i].due_ms <= now);
                assert_true(p[i].fired == 1 || p[i].due_ms + tick_ms > now);
                /* what next says is early enough for all */
                assert_true(p[i].due_ms + tick_ms >= expected ||
                            p[i].fired == 1);
            }
        }
        assert_int_equal(w->count, 0);
        assert_true(mk_net_wheel_next(w) == MK_NEVER);
    }
    free(w);
    free(p);
}

static void test_clearing_and_moving(void **state)
{
    mk_net_wheel *w = malloc(sizeof *w);
    probe p[4];

    (void)state;
    memset(p, 0, sizeof p);
    mk_net_wheel_init(w, 0);
    mk_net_wheel_clear(w, &p[0].timer);
    arm(w, &p[0], 100);
    arm(w, &p[1], 100);
    arm(w, &p[2], 100);
    arm(w, &p[3], 100);
    mk_net_wheel_clear(w, &p[1].timer);
    mk_net_wheel_set(w, &p[2].timer, 5000);
    mk_net_wheel_set(w, &p[3].timer, MK_NEVER);
    mk_net_wheel_advance(w, 1000);
    assert_int_equal(p[0].fired, 1);
    assert_int_equal(p[1].fired, 0);
    assert_int_equal(p[2].fired, 0);
    assert_int_equal(p[3].fired, 0);
    assert_int_equal(w->count, 1);
    mk_net_wheel_advance(w, 6000);
    assert_int_equal(p[2].fired, 1);
    free(w);
}

static void test_the_past_fires_at_the_next_tick(void **state)
{
    mk_net_wheel *w = malloc(sizeof *w);
    probe p;

    (void)state;
    memset(&p, 0, sizeof p);
    mk_net_wheel_init(w, 100000);
    arm(w, &p, 5);
    assert_true(mk_net_wheel_next(w) <= 100000 + tick_ms);
    mk_net_wheel_advance(w, 100000 + tick_ms);
    assert_int_equal(p.fired, 1);
    mk_net_wheel_init(w, 0);
    arm(w, &p, 0);
    mk_net_wheel_advance(w, tick_ms);
    assert_int_equal(p.fired, 2);
    free(w);
}

/* Another round of the wheel passes through the same slot. */
static void test_later_rounds_are_passed_over(void **state)
{
    uint64_t round_ms = (uint64_t)tick_ms * mk_net_wheel_slots;
    mk_net_wheel *w = malloc(sizeof *w);
    probe p[2];

    (void)state;
    memset(p, 0, sizeof p);
    mk_net_wheel_init(w, 0);
    arm(w, &p[0], 10);
    arm(w, &p[1], 10 + 3 * round_ms);
    mk_net_wheel_advance(w, tick_ms);
    assert_int_equal(p[0].fired, 1);
    mk_net_wheel_advance(w, 3 * round_ms);
    assert_int_equal(p[1].fired, 0);
    mk_net_wheel_advance(w, 3 * round_ms + tick_ms);
    assert_int_equal(p[1].fired, 1);
    free(w);
}

static void sec_110_timers_change_each_other_while_firing(void **state)
{
    mk_net_wheel *w = malloc(sizeof *w);
    size_t victim;
    size_t actor;

    (void)state;
    for (actor = 0; actor < 3; actor++) {
        for (victim = 0; victim < 3; victim++) {
            probe p[3];
            size_t i;

            memset(p, 0, sizeof p);
            mk_net_wheel_init(w, 0);
            for (i = 0; i < 3; i++) {
                arm(w, &p[i], 10);
            }
            p[actor].clears = &p[victim].timer;
            p[actor].sets = &p[victim].timer;
            p[actor].sets_to_ms = 200;
            mk_net_wheel_advance(w, 64);
            /* last in is first out */
            assert_int_equal(p[victim].fired, victim >= actor);
            assert_int_equal(w->count, 1);
            p[actor].clears = NULL;
            p[actor].sets = NULL;
            mk_net_wheel_advance(w, 300);
            assert_int_equal(p[victim].fired, victim >= actor ? 2 : 1);
            assert_int_equal(w->count, 0);
        }
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fires_once_and_in_time),
        cmocka_unit_test(test_clearing_and_moving),
        cmocka_unit_test(test_the_past_fires_at_the_next_tick),
        cmocka_unit_test(test_later_rounds_are_passed_over),
        cmocka_unit_test(sec_110_timers_change_each_other_while_firing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
