/* SPDX-License-Identifier: MIT
 *
 * test_power_cut.c: the power goes at every call of a delivery, on three kinds
 * of file systems; and the process dies there, comes up again, and then the
 * power goes. Each state that may be found is judged, and recovered from.
 */
#include "play.h"
#include "power_cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct look {
    const scene *scene;
    const fake_disk *whole;
    told told;      /* before the cut */
    unsigned every; /* recover from one state of so many */
    unsigned seen;
    unsigned recovered;
} look;

static char where[96];

/* A failing assertion says where. */
static void say_where(const look *l, const char *how, cut_model model,
                      size_t at)
{
    static const char *const models[] = {"in order", "names first", "anything"};
    (void)snprintf(where, sizeof where, "%s: %s, %s, call %zu", l->scene->name,
                   how, models[model], at);
}

static void judge(void *self, fake_disk *found)
{
    look *l = self;
    play_judge(&found->now, &l->whole->now, l->scene, &l->told, 1);
    if (l->seen++ % l->every == 0) {
        play_recover(found, l->scene, &l->told, 1);
        l->recovered++;
    }
    fake_disk_free(found);
}

static unsigned cut_everywhere(const scene *s, cut_model model)
{
    told t;
    fake_disk *d = play_scene(s, &t);
    look l = {.scene = s, .whole = d, .every = s->count > 1 ? 9 : 3};
    cut_plan plan = {.model = model,
                     .block = model == CUT_ANYTHING ? 512 : 4096,
                     .few = 5,
                     .samples = 6,
                     .seed = 1};
    for (size_t k = 0; k < s->count; k++) {
        assert_true(t.yes[k]);
    }
    assert_null(fake_disk_disorder(d));
    for (size_t at = 0; at <= d->count; at++) {
        if (at < d->count && !d->ops[at].done) {
            continue;
        }
        play_told(d, at, &l.told);
        say_where(&l, "cut", model, at);
        (void)power_cut(d, at, &plan, judge, &l);
    }
    fake_disk_free(d);
    return l.seen;
}

static void all_scenes(cut_model model)
{
    for (size_t i = 0; i < play_scene_count; i++) {
        unsigned n = cut_everywhere(&play_scenes[i], model);
        assert_true(n > 20);
    }
}

static void fault_f03_unsynced_data_is_lost(void **state)
{
    (void)state;
    all_scenes(CUT_ORDERED);
}

static void fault_f04_names_before_data(void **state)
{
    (void)state;
    all_scenes(CUT_METADATA_FIRST);
}

static void fault_f05_anything_may_be_lost(void **state)
{
    (void)state;
    all_scenes(CUT_ANYTHING);
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
        cmocka_unit_test_teardown(fault_f03_unsynced_data_is_lost, say),
        cmocka_unit_test_teardown(fault_f04_names_before_data, say),
        cmocka_unit_test_teardown(fault_f05_anything_may_be_lost, say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
