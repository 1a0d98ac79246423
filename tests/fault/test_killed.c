/* SPDX-License-Identifier: MIT
 *
 * test_killed.c: the process is killed behind every call of a delivery. What
 * it did is there, but not durable yet: the next process finds it, goes on,
 * and only then the power goes. And it may be killed again meanwhile.
 */
#include "play.h"
#include "power_cut.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct look {
    const scene *scene;
    const fake_disk *whole;
    told told;
    unsigned extra;
} look;

static char where[96];

static void judge(void *self, fake_disk *found)
{
    const look *l = self;
    play_judge(&found->now, &l->whole->now, l->scene, &l->told, l->extra);
    fake_disk_free(found);
}

/* The power goes at the end of what the second process did, and just behind
 * each of its reports. */
static void cut_at_reports(const fake_disk *d, size_t from, const scene *s,
                           unsigned extra)
{
    look l = {.scene = s, .whole = d, .extra = extra};
    for (size_t at = from; at <= d->count; at++) {
        if (at < d->count && d->ops[at - 1].kind != DISK_NOTE) {
            continue;
        }
        for (unsigned model = 0; model < CUT_MODELS; model++) {
            cut_plan plan = {.model = (cut_model)model,
                             .block = 4096,
                             .few = 3,
                             .samples = 1,
                             .seed = 2};
            play_told(d, at, &l.told);
            (void)power_cut(d, at, &plan, judge, &l);
        }
    }
}

static void fault_f01_killed_behind_every_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < play_scene_count; i++) {
        const scene *s = &play_scenes[i];
        told t;
        fake_disk *d = play_scene(s, &t);
        for (size_t at = 0; at <= d->count; at++) {
            if (at > 0 && !d->ops[at - 1].done) {
                continue;
            }
            (void)snprintf(where, sizeof where, "%s: call %zu", s->name, at);
            fake_disk *k = fake_disk_killed(d, at);
            play_told(k, at, &t);
            play_recover(k, s, &t, 1);
            if (s->count == 1 || at % 8 == 0) {
                cut_at_reports(k, at + 1, s, 1);
            }
            fake_disk_free(k);
        }
        fake_disk_free(d);
    }
}

/* The calls of the second process that change what is there. */
static bool is_change(const disk_op *op)
{
    return op->done && (op->kind == DISK_DIR_MAKE || op->kind == DISK_CREATE ||
                        op->kind == DISK_WRITE || op->kind == DISK_RENAME ||
                        op->kind == DISK_REMOVE);
}

static void killed_again(const fake_disk *first, size_t at, const scene *s)
{
    told t;
    fake_disk *k = fake_disk_killed(first, at);
    play_told(k, at, &t);
    play_recover(k, s, &t, 1);
    for (size_t then = at + 1; then <= k->count; then++) {
        if (!is_change(&k->ops[then - 1])) {
            continue;
        }
        fake_disk *kk = fake_disk_killed(k, then);
        play_told(kk, then, &t);
        t.yes[LATER] = false; /* it is sent once more */
        play_recover(kk, s, &t, 2);
        fake_disk_free(kk);
    }
    fake_disk_free(k);
}

static void fault_f02_killed_while_recovering(void **state)
{
    static const size_t which[] = {1, 3, 5, 6, 7};
    (void)state;
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) {
        const scene *s = &play_scenes[which[i]];
        told t;
        fake_disk *d = play_scene(s, &t);
        for (size_t at = 0; at <= d->count; at += 5) {
            (void)snprintf(where, sizeof where, "%s: call %zu", s->name, at);
            killed_again(d, at, s);
        }
        fake_disk_free(d);
    }
}

/* What a dead process left in tmp/ is kept while it may be somebody's. */
static void fault_f02_young_files_stay(void **state)
{
    const scene *s = &play_scenes[2];
    static house h;
    told t;
    (void)state;
    fake_disk *d = play_scene(s, &t);
    for (size_t at = 0; at <= d->count; at++) {
        fake_disk *k = fake_disk_killed(d, at);
        size_t left = play_tmp(&k->now, 1);
        k->time_s += 36 * 3600 - 1;
        memset(&t, 0, sizeof t);
        play_open(&h, k);
        play_letters(&h, k, s, 1, &t);
        house_close(&h);
        assert_true(t.yes[0]);
        assert_int_equal(play_tmp(&k->now, 1), left);
        fake_disk_free(k);
    }
    fake_disk_free(d);
}

static int say(void **state)
{
    (void)state;
    printf("last looked at: %s\n", where);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(fault_f01_killed_behind_every_call, say),
        cmocka_unit_test_teardown(fault_f02_killed_while_recovering, say),
        cmocka_unit_test(fault_f02_young_files_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
