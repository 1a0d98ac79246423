/* SPDX-License-Identifier: MIT
 *
 * test_commit_shared.c: commits at the same time into a directory that they
 * reach through the same handle: a loss that one of them is told of, the
 * others must be told of too (THREATS G5: what nobody is told of would be
 * acknowledged).
 */
#include "lost_sync.h"
#include "test_vfs.h"

#include <mailkit/disk.h>

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ITEMS 4u

typedef struct thing {
    mk_commit_item item; /* first */
    struct rig *r;
    unsigned number;
} thing;

typedef struct rig {
    test_vfs *t; /* for its directory only */
    lost_sync l;
    mk_dir tmp;
    mk_dir box;
    mk_dir other;
    thing first[ITEMS];
    thing second[ITEMS];
    unsigned second_count;
    unsigned spared; /* of the second lane, the item for the other box */
    int fds;
} rig;

static mk_dir dir_at(rig *r, const char *name)
{
    const mk_vfs *v = &r->l.vfs;
    mk_dir d = {MK_VFS_NONE};
    assert_int_equal(v->dir_make(v->self, r->t->root_dir, name), MK_OK);
    assert_int_equal(v->dir_open(v->self, r->t->root_dir, name, &d), MK_OK);
    return d;
}

static int set_up(void **state)
{
    static rig r;
    memset(&r, 0, sizeof r);
    r.fds = test_fd_count();
    r.t = test_vfs_open();
    lost_sync_init(&r.l, r.t->root);
    r.tmp = dir_at(&r, "tmp");
    r.box = dir_at(&r, "new");
    r.other = dir_at(&r, "other");
    lost_sync_init(&r.l, test_vfs_path(r.t, "new"));
    r.spared = ITEMS;
    *state = &r;
    return 0;
}

static int tear_down(void **state)
{
    rig *r = *state;
    r->l.vfs.dir_close(NULL, r->tmp);
    r->l.vfs.dir_close(NULL, r->box);
    r->l.vfs.dir_close(NULL, r->other);
    test_vfs_close(r->t);
    return test_fd_count() == r->fds ? 0 : -1;
}

static mk_err name(void *self, unsigned attempt, char *out)
{
    const thing *g = self;
    (void)snprintf(out, 256, "m%u-%u", g->number, attempt);
    return MK_OK;
}

static mk_err prepare(mk_commit_item *item)
{
    thing *g = (thing *)item;
    return mk_disk_file_open(&item->file, &g->r->l.vfs, g->r->tmp, name, g);
}

static mk_commit_item *batch(rig *r, thing *things, unsigned n, unsigned from)
{
    for (unsigned i = 0; i < n; i++) {
        thing *g = &things[i];
        mk_commit_item_init(&g->item);
        g->r = r;
        g->number = from + i;
        g->item.final_dir = r->box;
        g->item.namer = name;
        g->item.prepare = prepare;
        g->item.self = g;
        g->item.chain = i + 1 < n ? &things[i + 1].item : NULL;
    }
    return &things[0].item;
}

static void second_lane(void *self)
{
    rig *r = self;
    mk_commit_item *items = batch(r, r->second, r->second_count, 100);
    if (r->spared < r->second_count) {
        r->second[r->spared].item.final_dir = r->other;
    }
    mk_commit(&r->l.vfs, items, MK_COMMIT_DURABLE);
}

/* Both lanes rename into the box, the first one's sync is told that names were
 * lost, then the second one's sync is made. */
static void two_lanes(rig *r, unsigned first, unsigned second)
{
    r->second_count = second;
    r->l.self = r;
    r->l.meanwhile = second_lane;
    mk_commit(&r->l.vfs, batch(r, r->first, first, 0), MK_COMMIT_DURABLE);
    assert_int_equal(r->l.lost, 1);
}

static void all_failed(const thing *things, unsigned n, unsigned spared)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(things[i].item.result, i == spared ? MK_OK : MK_E_IO);
        assert_int_equal(things[i].item.final_name[0] != '\0', i == spared);
    }
}

static void fault_f10_the_other_lane_is_told_too(void **state)
{
    rig *r = *state;
    two_lanes(r, 1, 1);
    all_failed(r->first, 1, ITEMS);
    all_failed(r->second, 1, ITEMS);
    assert_int_equal(r->l.good, 0);
    assert_int_equal(test_vfs_entries(r->t, "new"), 0);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
}

/* All of a batch, but not what went to another directory. */
static void fault_f10_all_of_the_other_batch_are_told(void **state)
{
    rig *r = *state;
    r->spared = 2;
    two_lanes(r, 3, ITEMS);
    all_failed(r->first, 3, ITEMS);
    all_failed(r->second, ITEMS, 2);
    assert_int_equal(test_vfs_entries(r->t, "new"), 0);
    assert_int_equal(test_vfs_entries(r->t, "other"), 1);
}

/* What is renamed after the loss was told is not concerned. */
static void fault_f10_who_comes_later_is_not(void **state)
{
    rig *r = *state;
    two_lanes(r, 1, 1);
    mk_commit(&r->l.vfs, batch(r, r->first, 2, 200), MK_COMMIT_DURABLE);
    assert_int_equal(r->first[0].item.result, MK_OK);
    assert_int_equal(r->first[1].item.result, MK_OK);
    assert_int_equal(r->l.good, 1);
    assert_int_equal(test_vfs_entries(r->t, "new"), 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(fault_f10_the_other_lane_is_told_too),
        T(fault_f10_all_of_the_other_batch_are_told),
        T(fault_f10_who_comes_later_is_not),
    };
    return cmocka_run_group_tests_name("disk/commit_shared", tests, NULL, NULL);
}
