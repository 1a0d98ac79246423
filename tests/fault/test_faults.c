/* SPDX-License-Identifier: MIT
 *
 * test_faults.c: every call of a delivery fails in turn, once, for ever, or
 * after it took effect, with each error of the rows F8 to F20; every
 * allocation (F25); reads and writes are short (F12); room, files and
 * descriptors end in the middle. The session goes on, the peer is told the
 * row's reply, what was told yes survives a power cut, and nothing is left.
 */
#include "disk/internal.h"
#include "play.h"
#include "power_cut.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct row {
    int number; /* errno */
    const char *reply;
} row;

typedef struct how {
    const char *name;
    unsigned times; /* 0: for ever */
    bool after;     /* the call takes effect all the same */
} how;

static const how ways[] = {
    {"once", 1, false}, {"for ever", 0, false}, {"once, done", 1, true}};

static char where[128];
static house h;

/* ---- what must hold after a fault ---------------------------------------- */

typedef struct look {
    const scene *scene;
    const fake_disk *whole;
    const told *told;
} look;

static void judge(void *self, fake_disk *found)
{
    const look *l = self;
    play_judge(&found->now, &l->whole->now, l->scene, l->told, 1);
    fake_disk_free(found);
}

static void cut_at_end(const fake_disk *d, const scene *s, const told *t)
{
    look l = {s, d, t};
    cut_plan plan = {.model = CUT_ANYTHING,
                     .block = 512,
                     .few = 2,
                     .samples = 1,
                     .seed = d->count};
    (void)power_cut(d, d->count, &plan, judge, &l);
    plan.model = CUT_ORDERED;
    (void)power_cut(d, d->count, &plan, judge, &l);
}

static void check_replies(const scene *s, const told *t, const char *reply)
{
    for (unsigned k = 0; k < s->count; k++) {
        if (t->no[k] && strncmp(t->reply[k], reply, strlen(reply)) != 0) {
            fail_msg("%s: letter %u: %s", where, k, t->reply[k]);
        }
    }
}

/* All is well again: the same server takes a letter, and what it left is
 * swept by the next. extra: letters that were told no and are there. */
static void goes_on(fake_disk *d, const scene *s, told *t, unsigned extra)
{
    assert_null(fake_disk_disorder(d));
    play_judge(&d->now, NULL, s, t, extra);
    cut_at_end(d, s, t);
    fake_disk_heal(d);
    play_letters(&h, d, s, 1u << LATER, t);
    assert_true(t->yes[LATER]);
    house_close(&h);
    assert_int_equal(d->open_count, 0);
    play_judge(&d->now, NULL, s, t, extra);
    t->yes[LATER] = false; /* sent once more */
    play_recover(d, s, t, 1);
}

/* Copies of a letter that was refused: none, but where other boxes than the
 * one that failed have it already. */
static unsigned extra_of(const scene *s)
{
    unsigned extra = 0;
    for (size_t k = 0; k < s->count; k++) {
        unsigned to = s->letters[k].boxes;
        extra = (to & (to - 1)) != 0 ? 1 : extra;
    }
    return extra;
}

/* One session in which the n-th call fails; false when there are fewer. */
static bool fails_at(const scene *s, unsigned n, const row *r, const how *w,
                     int kind)
{
    told t = {0};
    fake_disk *d = play_disk(s);
    (void)snprintf(where, sizeof where, "%s: call %u, %s, %s", s->name, n,
                   strerror(r->number), w->name);
    play_open(&h, d);
    d->fail_at = n;
    d->fail_for = w->times;
    d->fail_after = w->after;
    d->fail_err = mk_disk_err(r->number);
    d->fail_kind = kind;
    play_letters(&h, d, s, (1u << s->count) - 1, &t);
    bool hit = d->calls >= n;
    check_replies(s, &t, r->reply);
    bool clean = w->times == 1 && !w->after;
    for (unsigned b = 0; b < 3 && clean; b++) {
        assert_int_equal(play_tmp(&d->now, b), 0);
    }
    goes_on(d, s, &t, clean ? extra_of(s) : 1);
    fake_disk_free(d);
    return hit;
}

/* Every call of that kind (-1: of any) in the scenes of the mask. */
static void all_calls_fail(const row *rows, size_t count, int kind,
                           unsigned scenes)
{
    unsigned all = 0;
    for (size_t i = 0; i < play_scene_count; i++) {
        for (size_t r = 0; r < count && (scenes & 1u << i) != 0; r++) {
            for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
                unsigned n = 1;
                while (fails_at(&play_scenes[i], n, &rows[r], &ways[w], kind)) {
                    n++;
                }
                all += n - 1;
            }
        }
    }
    assert_true(all > 0);
}

#define ROWS(rows) rows, sizeof(rows) / sizeof(rows)[0]
/* of play_scenes: a small letter, one that is spilled to two new boxes, one
 * for three boxes, two where new/ was removed, seven at once */
#define SMALL (1u << 0 | 1u << 1)
#define SPILLED (1u << 3)
#define THREE (1u << 4)
#define GONE (1u << 7)
#define BATCH (1u << 9)

/* ---- errors of calls ----------------------------------------------------- */

static void fault_f08_no_space_at_any_call(void **state)
{
    static const row rows[] = {{ENOSPC, "452 4.3.1"}, {EDQUOT, "452 4.3.1"}};
    (void)state;
    all_calls_fail(rows, 1, -1, SMALL | SPILLED | THREE | GONE | BATCH);
    all_calls_fail(rows + 1, 1, -1, SPILLED);
}

static void fault_f10_io_errors_at_any_call(void **state)
{
    static const row rows[] = {
        {EIO, "451 4.3.0"}, {ESTALE, "451 4.3.0"}, {EREMOTEIO, "451 4.3.0"}};
    (void)state;
    all_calls_fail(rows, 1, -1, SMALL | SPILLED | THREE | GONE | BATCH);
    all_calls_fail(rows + 1, 2, -1, SMALL);
    all_calls_fail(rows + 1, 2, DISK_SYNC, SPILLED);
    all_calls_fail(rows + 1, 2, DISK_DIR_SYNC, SPILLED);
}

/* A letter that stays in memory and takes several writes. */
static void fault_f10_one_write_of_many_fails(void **state)
{
    static const scene s = {.name = "large",
                            .letters = {{200000, ANN}},
                            .count = 1,
                            .boxes_made = true};
    bool hit = true;
    (void)state;
    for (unsigned n = 1; hit; n++) {
        told t = {0};
        fake_disk *d = play_disk(&s);
        house_open(&h, &(house_plan){.message_memory = 1000000,
                                     .disk = &d->vfs,
                                     .root = d->root});
        h.host.wall_s = (int64_t)d->time_s;
        d->fail_at = n;
        d->fail_kind = DISK_WRITE;
        play_letters(&h, d, &s, 1, &t);
        hit = d->calls >= n;
        assert_true(hit || n > 3);
        assert_int_equal(t.yes[0], !hit);
        goes_on(d, &s, &t, 0);
        fake_disk_free(d);
    }
}

static void fault_f14_not_blocking_is_an_error(void **state)
{
    static const row rows[] = {{EAGAIN, "451 4.3.0"},
                               {EINPROGRESS, "451 4.3.0"},
                               {EBUSY, "451 4.3.0"}};
    (void)state;
    all_calls_fail(ROWS(rows), DISK_WRITE, SMALL | SPILLED | THREE);
    all_calls_fail(ROWS(rows), DISK_READ, SPILLED);
}

static void fault_f15_no_descriptors_at_any_open(void **state)
{
    static const row rows[] = {
        {EMFILE, "451 4.3.0"}, {ENFILE, "451 4.3.0"}, {ENOMEM, "452 4.3.0"}};
    (void)state;
    all_calls_fail(ROWS(rows), DISK_DIR_OPEN, SMALL | SPILLED | BATCH);
    all_calls_fail(ROWS(rows), DISK_CREATE, SMALL | SPILLED | BATCH);
    all_calls_fail(ROWS(rows), DISK_LIST_OPEN, SMALL | THREE);
}

static void fault_f17_rename_is_refused(void **state)
{
    static const row rows[] = {{EXDEV, "451 4.3.0"},  {EPERM, "451 4.3.0"},
                               {ENOENT, "451 4.3.0"}, {ENOTDIR, "451 4.3.0"},
                               {EMLINK, "451 4.3.0"}, {ENOSPC, "452 4.3.1"}};
    (void)state;
    all_calls_fail(ROWS(rows), DISK_RENAME, SMALL | SPILLED | THREE);
    all_calls_fail(rows, 1, DISK_RENAME, BATCH);
}

static void fault_f18_read_only_at_any_call(void **state)
{
    static const row rows[] = {
        {EROFS, "451 4.3.0"}, {EACCES, "451 4.3.0"}, {ENOENT, "451 4.3.0"}};
    (void)state;
    all_calls_fail(ROWS(rows), -1, SMALL | SPILLED);
}

static void fault_f20_too_large_at_any_write(void **state)
{
    static const row rows[] = {{EFBIG, "452 4.3.1"}, {EOVERFLOW, "452 4.3.1"}};
    (void)state;
    all_calls_fail(ROWS(rows), DISK_WRITE, SMALL | SPILLED | THREE);
}

/* After a failed sync the next letter asks through a new descriptor: what was
 * lost then is reported once to each that was open (G5). */
static void fault_f10_directory_is_opened_anew(void **state)
{
    static const scene s = {.name = "two in one box",
                            .letters = {{300, ANN}, {310, ANN}},
                            .count = 2,
                            .boxes_made = true};
    intptr_t failed = -1;
    unsigned good = 0;
    told t = {0};
    (void)state;
    fake_disk *d = play_disk(&s);
    play_open(&h, d);
    d->fail_at = 1;
    d->fail_kind = DISK_DIR_SYNC;
    play_letters(&h, d, &s, 3, &t);
    assert_true(t.no[0] && t.yes[1]);
    for (size_t i = 0; i < d->count; i++) {
        const disk_op *op = &d->ops[i];
        if (op->kind == DISK_DIR_SYNC) {
            failed = op->err != MK_OK ? op->handle : failed;
            good += op->err == MK_OK && op->handle != failed;
        }
    }
    assert_int_not_equal(failed, -1);
    assert_int_equal(good, 1);
    goes_on(d, &s, &t, 0);
    fake_disk_free(d);
}

/* A box that is open and vanishes is opened anew, once; F18. */
static void fault_f18_open_box_vanishes(void **state)
{
    static const scene s = {.name = "two in one box",
                            .letters = {{300, ANN}, {310, ANN}},
                            .count = 2,
                            .boxes_made = true};
    static const disk_kind kinds[] = {DISK_CREATE, DISK_RENAME};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        for (unsigned times = 1; times <= 2; times++) {
            told t = {0};
            fake_disk *d = play_disk(&s);
            play_open(&h, d);
            play_letters(&h, d, &s, 1, &t);
            d->calls = 0;
            d->fail_at = 1;
            d->fail_for = times;
            d->fail_err = MK_E_NOENT;
            d->fail_kind = (int)kinds[k];
            play_letters(&h, d, &s, 2, &t);
            assert_true(t.yes[0]);
            assert_int_equal(t.yes[1], times == 1);
            goes_on(d, &s, &t, 0);
            fake_disk_free(d);
        }
    }
}

/* ---- names --------------------------------------------------------------- */

/* Nine names are taken: the tenth is used. Ten: it is refused. */
static void names_taken(const scene *s, disk_kind kind, unsigned times)
{
    told t = {0};
    fake_disk *d = play_disk(s);
    play_open(&h, d);
    d->fail_at = 1;
    d->fail_for = times;
    d->fail_err = MK_E_EXISTS;
    d->fail_kind = (int)kind;
    play_letters(&h, d, s, (1u << s->count) - 1, &t);
    for (unsigned k = 0; k < s->count; k++) {
        assert_int_equal(t.yes[k], times > 0);
    }
    check_replies(s, &t, "451 4.3.0");
    goes_on(d, s, &t, extra_of(s));
    fake_disk_free(d);
}

static void fault_f16_names_are_taken(void **state)
{
    static const disk_kind kinds[] = {DISK_CREATE, DISK_RENAME};
    static const size_t which[] = {0, 3, 4};
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < 3; i++) {
            names_taken(&play_scenes[which[i]], kinds[k], 1);
            names_taken(&play_scenes[which[i]], kinds[k], 9);
            names_taken(&play_scenes[which[i]], kinds[k], 0);
        }
    }
}

/* ---- short and little ---------------------------------------------------- */

static void fault_f12_short_reads_and_writes(void **state)
{
    static const size_t chunks[] = {1, 7, 511, 512, 4095};
    (void)state;
    for (size_t i = 0; i < play_scene_count; i++) {
        for (size_t c = 0; c < sizeof chunks / sizeof chunks[0]; c++) {
            const scene *s = &play_scenes[i];
            told t = {0};
            fake_disk *d = play_disk(s);
            (void)snprintf(where, sizeof where, "%s: %zu", s->name, chunks[c]);
            play_open(&h, d);
            d->chunk = chunks[c];
            play_letters(&h, d, s, (1u << s->count) - 1, &t);
            for (unsigned k = 0; k < s->count; k++) {
                assert_true(t.yes[k]);
            }
            goes_on(d, s, &t, extra_of(s));
            fake_disk_free(d);
        }
    }
}

typedef enum limit { ROOM, NODES, SIZE, HANDLES } limit;

/* One session in which something is short; true when all was told yes. */
static bool limited(const scene *s, limit l, size_t max, const char *reply)
{
    told t = {0};
    fake_disk *d = play_disk(s);
    bool all = true;
    (void)snprintf(where, sizeof where, "%s: limit %d: %zu", s->name, (int)l,
                   max);
    play_open(&h, d);
    d->room_lies = true;
    d->room_bytes = l == ROOM ? max : SIZE_MAX;
    d->room_nodes = l == NODES ? max : SIZE_MAX;
    d->size_max = l == SIZE ? max : SIZE_MAX;
    d->handles_max = l == HANDLES ? max : SIZE_MAX;
    play_letters(&h, d, s, (1u << s->count) - 1, &t);
    for (unsigned k = 0; k < s->count; k++) {
        all = all && t.yes[k];
    }
    check_replies(s, &t, reply);
    for (unsigned b = 0; b < 3; b++) {
        assert_int_equal(play_tmp(&d->now, b), 0);
    }
    goes_on(d, s, &t, extra_of(s));
    fake_disk_free(d);
    return all;
}

static void limits(limit l, size_t step, const char *reply)
{
    for (size_t i = 0; i < play_scene_count; i++) {
        size_t n = 0;
        while (!limited(&play_scenes[i], l, n * step, reply)) {
            n++;
            assert_true(n < 300);
        }
        assert_true(n > 0);
    }
}

static void fault_f08_room_ends_in_the_middle(void **state)
{
    (void)state;
    limits(ROOM, 701, "452 4.3.1");
    limits(NODES, 1, "452 4.3.1");
}

static void fault_f20_size_limit_in_the_middle(void **state)
{
    (void)state;
    limits(SIZE, 701, "452 4.3.1");
}

static void fault_f15_descriptors_end_in_the_middle(void **state)
{
    (void)state;
    limits(HANDLES, 1, "451 4.3.0");
}

/* ---- memory -------------------------------------------------------------- */

static bool memory_fails_at(const scene *s, unsigned n)
{
    told t = {0};
    fake_disk *d = play_disk(s);
    house_plan plan = {
        .message_memory = PLAY_MEMORY, .disk = &d->vfs, .root = d->root};
    (void)snprintf(where, sizeof where, "%s: allocation %u", s->name, n);
    if (house_try(&h, &plan, n) != MK_OK) {
        fake_disk_free(d);
        return true;
    }
    play_letters(&h, d, s, (1u << s->count) - 1, &t);
    for (unsigned k = 0; k < s->count; k++) {
        /* by the engine's words, ours, or those of who has no session left;
         * or nothing, when there was no room for words */
        const char *reply = t.reply[k];
        assert_true(t.yes[k] || reply[0] == '\0' || reply[0] == '4');
    }
    bool hit = h.a.calls >= n;
    h.a.fail_at = 0;
    goes_on(d, s, &t, extra_of(s));
    fake_disk_free(d);
    return hit;
}

static void fault_f25_every_allocation_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < play_scene_count; i++) {
        unsigned n = 1;
        while (memory_fails_at(&play_scenes[i], n)) {
            n++;
            assert_true(n < 1000);
        }
        assert_true(n > 15);
    }
}

static int say(void **state)
{
    (void)state;
    printf("last looked at: %s\n", where);
    return 0;
}

int main(void)
{
#define TEST(t) cmocka_unit_test_teardown(t, say)
    const struct CMUnitTest tests[] = {
        TEST(fault_f08_no_space_at_any_call),
        TEST(fault_f08_room_ends_in_the_middle),
        TEST(fault_f10_io_errors_at_any_call),
        TEST(fault_f10_directory_is_opened_anew),
        TEST(fault_f10_one_write_of_many_fails),
        TEST(fault_f12_short_reads_and_writes),
        TEST(fault_f14_not_blocking_is_an_error),
        TEST(fault_f15_no_descriptors_at_any_open),
        TEST(fault_f15_descriptors_end_in_the_middle),
        TEST(fault_f16_names_are_taken),
        TEST(fault_f17_rename_is_refused),
        TEST(fault_f18_read_only_at_any_call),
        TEST(fault_f18_open_box_vanishes),
        TEST(fault_f20_too_large_at_any_write),
        TEST(fault_f20_size_limit_in_the_middle),
        TEST(fault_f25_every_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
