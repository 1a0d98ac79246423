/* SPDX-License-Identifier: MIT
 *
 * test_crew.c: how long the place of a dead worker waits for the next: ever
 * longer while they die at once, never longer than half a minute, and not at
 * all when one had served (docs/adr/0008-workers.md).
 */
#include "crew.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What crew.c calls beside; nothing here comes so far. */
int server_run(const site *t, int link, share *h)
{
    (void)t;
    (void)link;
    (void)h;
    return 1;
}

void site_close(site *t, const site *but)
{
    (void)t;
    (void)but;
}

void complain(const char *format, ...)
{
    (void)format;
}

static uint64_t next_pause_ms(worker *w)
{
    w->since_ms = clock_ms();
    crew_start_later(w);
    assert_in_range(w->due_ms - w->since_ms, w->pause_ms, w->pause_ms + 4000);
    return w->pause_ms;
}

static void test_pauses_grow(void **state)
{
    worker w = {.generation = 1, .link = -1};

    (void)state;
    for (uint64_t want_ms = 100; want_ms < 30000; want_ms *= 2) {
        assert_int_equal(next_pause_ms(&w), want_ms);
    }
}

static void test_a_pause_has_an_end(void **state)
{
    worker w = {.generation = 1, .link = -1};

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_in_range(next_pause_ms(&w), 100, 30000);
    }
    assert_int_equal(w.pause_ms, 30000);
}

static void test_who_served_is_followed_at_once(void **state)
{
    worker w = {.generation = 1, .link = -1};

    (void)state;
    assert_int_equal(next_pause_ms(&w), 100);
    w.since_ms = clock_ms() - 5000;
    crew_start_later(&w);
    assert_int_equal(w.pause_ms, 0);
    assert_true(w.due_ms <= clock_ms());
    assert_int_equal(next_pause_ms(&w), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses_grow),
        cmocka_unit_test(test_a_pause_has_an_end),
        cmocka_unit_test(test_who_served_is_followed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
