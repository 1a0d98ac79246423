/* SPDX-License-Identifier: MIT
 *
 * test_feed.c: the keeper of tails (Law 4): the same lines come out however
 * the bytes are cut, what is kept finds a home, small tails leave the large
 * units, and without a unit nothing is read.
 */
#include <mailkit/feed.h>

#include "line_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { small_bytes = 128, large_bytes = 1024, scratch_bytes = 1024 };

typedef struct rig {
    line_engine line;
    mk_pool units;
    mk_pool holds;
    mk_feed feed;
    char scratch[scratch_bytes];
    char seen[4096];
    size_t seen_len;
} rig;

static void rig_open(rig *r, size_t units, size_t holds)
{
    line_open(&r->line, NULL, 0);
    r->seen_len = 0;
    assert_int_equal(
        mk_pool_init(&r->units, mk_alloc_libc(), small_bytes, units), MK_OK);
    assert_int_equal(mk_pool_init(&r->holds, mk_alloc_libc(), large_bytes,
                                  holds == 0 ? 1 : holds),
                     MK_OK);
    mk_feed_init(&r->feed, &r->line.base, &r->units,
                 holds == 0 ? NULL : &r->holds);
}

static void rig_close(rig *r)
{
    mk_feed_fini(&r->feed);
    assert_int_equal(r->units.taken, 0);
    assert_int_equal(r->holds.taken, 0);
    assert_int_equal(mk_feed_held(&r->feed), 0);
    mk_pool_fini(&r->units);
    mk_pool_fini(&r->holds);
}

static mk_err step_all(rig *r)
{
    mk_event ev;
    mk_err err;

    while ((err = mk_feed_step(&r->feed, 1, &ev)) == MK_OK) {
        assert_int_equal(ev.type, EV_LINE);
        memcpy(r->seen + r->seen_len, ev.data.ptr, ev.data.len);
        r->seen_len += ev.data.len;
        r->seen[r->seen_len++] = '|';
    }
    return err;
}

/* As a driver does it; returns how many octets were taken. */
static size_t turn(rig *r, const char *bytes, size_t n)
{
    char *at = NULL;
    size_t room = mk_feed_room(&r->feed, r->scratch, scratch_bytes, &at);

    n = n < room ? n : room;
    if (n > 0) {
        memcpy(at, bytes, n);
    }
    mk_feed_got(&r->feed, n);
    assert_int_equal(step_all(r), MK_WAIT);
    assert_int_equal(mk_feed_keep(&r->feed), MK_OK);
    /* another connection uses the scratch */
    memset(r->scratch, '!', sizeof r->scratch);
    return n;
}

static const char dialogue[] = "one\r\ntwo two\r\n\r\nthree\nfour "
                               "0123456789012345678901234567890123456789\r\n"
                               "last\r\n";

static void test_any_cut_gives_the_same_lines(void **state)
{
    static const size_t holds[] = {0, 2};
    rig *whole = malloc(sizeof *whole);
    rig *r = malloc(sizeof *r);
    size_t len = sizeof dialogue - 1;
    size_t h;
    size_t chunk;
    size_t at;

    (void)state;
    for (h = 0; h < 2; h++) {
        rig_open(whole, 2, holds[h]);
        assert_int_equal(turn(whole, dialogue, len), len);
        for (chunk = 1; chunk <= len; chunk++) {
            rig_open(r, 2, holds[h]);
            for (at = 0; at < len; at += chunk) {
                size_t n = chunk < len - at ? chunk : len - at;

                assert_int_equal(turn(r, dialogue + at, n), n);
            }
            assert_int_equal(r->seen_len, whole->seen_len);
            assert_memory_equal(r->seen, whole->seen, whole->seen_len);
            assert_int_equal(r->units.taken, 0);
            rig_close(r);
        }
        rig_close(whole);
    }
    free(whole);
    free(r);
}

static void test_an_idle_feed_keeps_nothing(void **state)
{
    rig *r = malloc(sizeof *r);

    (void)state;
    rig_open(r, 2, 2);
    turn(r, "par", 3);
    assert_int_equal(r->units.taken, 1);
    assert_int_equal(r->holds.taken, 0);
    assert_int_equal(mk_feed_held(&r->feed), 3);
    turn(r, "tial\r\n", 6);
    assert_int_equal(r->units.taken, 0);
    assert_int_equal(r->holds.taken, 0);
    assert_int_equal(r->seen_len, 8);
    assert_memory_equal(r->seen, "partial|", 8);
    rig_close(r);
    free(r);
}

static void test_pieces_of_one_turn_lie_together(void **state)
{
    rig *r = malloc(sizeof *r);
    char *at = NULL;

    (void)state;
    rig_open(r, 2, 2);
    assert_true(mk_feed_room(&r->feed, r->scratch, scratch_bytes, &at) > 3);
    memcpy(at, "x\na", 3);
    mk_feed_got(&r->feed, 3);
    assert_int_equal(step_all(r), MK_WAIT);
    assert_true(mk_feed_room(&r->feed, r->scratch, scratch_bytes, &at) > 2);
    assert_ptr_equal(at, r->scratch + 1);
    memcpy(at, "b\n", 2);
    mk_feed_got(&r->feed, 2);
    assert_int_equal(step_all(r), MK_WAIT);
    assert_int_equal(mk_feed_keep(&r->feed), MK_OK);
    assert_memory_equal(r->seen, "x|ab|", 5);
    rig_close(r);
    free(r);
}

/* A put-off answer stops the engine: all that was read must be kept. */
static void test_what_waits_is_held_whole(void **state)
{
    rig *r = malloc(sizeof *r);
    char bytes[scratch_bytes];
    char *at = NULL;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bytes; i++) {
        bytes[i] = i % 64 == 63 ? '\n' : (char)('a' + i % 23);
    }
    rig_open(r, 1, 1);
    r->line.is_asking = true;
    r->line.is_put_off = true;
    assert_int_equal(turn(r, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(r->holds.taken, 1);
    assert_int_equal(r->units.taken, 0);
    assert_int_equal(mk_feed_held(&r->feed), sizeof bytes);
    /* full: nothing more is read, nothing is lost */
    assert_int_equal(mk_feed_room(&r->feed, r->scratch, scratch_bytes, &at), 0);
    r->line.is_asking = false;
    assert_int_equal(step_all(r), MK_WAIT);
    assert_int_equal(mk_feed_keep(&r->feed), MK_OK);
    assert_int_equal(r->holds.taken, 0);
    assert_int_equal(r->seen_len, sizeof bytes);
    for (i = 0; i < sizeof bytes; i++) {
        assert_int_equal(r->seen[i], bytes[i] == '\n' ? '|' : bytes[i]);
    }
    rig_close(r);
    free(r);
}

static void test_a_small_tail_leaves_the_large_unit(void **state)
{
    rig *r = malloc(sizeof *r);
    char bytes[300];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    bytes[99] = bytes[199] = '\n';
    rig_open(r, 1, 1);
    r->line.is_asking = true;
    r->line.is_put_off = true;
    turn(r, bytes, sizeof bytes);
    assert_int_equal(r->holds.taken, 1);
    r->line.is_asking = false;
    assert_int_equal(step_all(r), MK_WAIT);
    assert_int_equal(mk_feed_keep(&r->feed), MK_OK);
    assert_int_equal(r->holds.taken, 0);
    assert_int_equal(r->units.taken, 1);
    assert_int_equal(mk_feed_held(&r->feed), 100);
    turn(r, "\n", 1);
    assert_int_equal(r->seen_len, 99 + 1 + 99 + 1 + 100 + 1);
    rig_close(r);
    free(r);
}

static void test_room_is_what_can_be_kept(void **state)
{
    rig *r = malloc(sizeof *r);
    char *at = NULL;
    void *unit;
    void *hold;

    (void)state;
    rig_open(r, 1, 1);
    hold = mk_pool_take(&r->holds);
    assert_int_equal(mk_feed_room(&r->feed, r->scratch, scratch_bytes, &at),
                     small_bytes);
    assert_int_equal(mk_feed_keep(&r->feed), MK_OK);
    unit = mk_pool_take(&r->units);
    assert_int_equal(mk_feed_room(&r->feed, r->scratch, scratch_bytes, &at), 0);
    mk_pool_give(&r->holds, hold);
    assert_int_equal(mk_feed_room(&r->feed, r->scratch, scratch_bytes, &at),
                     large_bytes);
    memcpy(at, "abc", 3);
    mk_feed_got(&r->feed, 3);
    /* no small unit: the tail stays in the large one */
    assert_int_equal(mk_feed_keep(&r->feed), MK_OK);
    assert_int_equal(r->holds.taken, 1);
    assert_int_equal(mk_feed_room(&r->feed, r->scratch, scratch_bytes, &at),
                     large_bytes - 3);
    assert_memory_equal(r->scratch, "abc", 3);
    mk_pool_give(&r->units, unit);
    rig_close(r);
    free(r);
}

static void test_what_was_kept_is_wiped(void **state)
{
    rig *r = malloc(sizeof *r);
    char *unit;

    (void)state;
    rig_open(r, 1, 0);
    turn(r, "AUTH PLAIN AHUAc2VjcmV0", 23);
    unit = r->feed.unit;
    assert_memory_equal(unit, "AUTH PLAIN AHUAc2VjcmV0", 23);
    turn(r, "\n", 1);
    /* the first word links the free units */
    assert_memory_equal(unit + sizeof(void *), "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                        15);
    rig_close(r);
    free(r);
}

static void test_without_a_unit_keep_says_so(void **state)
{
    rig *r = malloc(sizeof *r);
    void *unit;

    (void)state;
    rig_open(r, 1, 0);
    unit = mk_pool_take(&r->units);
    r->feed.view = mk_str_z("not read by way of room");
    assert_int_equal(mk_feed_keep(&r->feed), MK_E_MEMORY);
    mk_pool_give(&r->units, unit);
    assert_int_equal(mk_feed_keep(&r->feed), MK_OK);
    assert_int_equal(mk_feed_held(&r->feed), 23);
    rig_close(r);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_cut_gives_the_same_lines),
        cmocka_unit_test(test_an_idle_feed_keeps_nothing),
        cmocka_unit_test(test_pieces_of_one_turn_lie_together),
        cmocka_unit_test(test_what_waits_is_held_whole),
        cmocka_unit_test(test_a_small_tail_leaves_the_large_unit),
        cmocka_unit_test(test_room_is_what_can_be_kept),
        cmocka_unit_test(test_what_was_kept_is_wiped),
        cmocka_unit_test(test_without_a_unit_keep_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
