/* SPDX-License-Identifier: MIT
 *
 * test_commit.c: the new file and the commit of a batch: order of syncs and
 * renames, every call failing in turn, names that exist, descriptors that
 * run out. What is visible in new/ is whole and was reported, always.
 */
#include "disk/internal.h"
#include "test_vfs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ITEMS_MAX 8u

typedef struct thing {
    mk_commit_item item; /* first */
    struct rig *r;
    unsigned number;
    unsigned prepared;  /* calls of prepare */
    unsigned tmp_taken; /* names that exist before one that does not */
    unsigned final_taken;
    mk_err namer_err;
} thing;

typedef struct rig {
    test_vfs *t;
    const mk_vfs *v;
    mk_dir tmp;
    mk_dir boxes[2];
    thing things[ITEMS_MAX];
    unsigned n;
    int fds;
} rig;

static mk_dir dir_at(const rig *r, const char *name)
{
    mk_dir d = {MK_VFS_NONE};

    assert_int_equal(r->v->dir_make(r->v->self, r->t->root_dir, name), MK_OK);
    assert_int_equal(r->v->dir_open(r->v->self, r->t->root_dir, name, &d),
                     MK_OK);
    return d;
}

static int set_up(void **state)
{
    static rig r;

    memset(&r, 0, sizeof r);
    r.fds = test_fd_count();
    r.t = test_vfs_open();
    r.v = &r.t->vfs;
    r.tmp = dir_at(&r, "tmp");
    r.boxes[0] = dir_at(&r, "new");
    r.boxes[1] = dir_at(&r, "other");
    test_vfs_reset(r.t);
    *state = &r;
    return 0;
}

static int tear_down(void **state)
{
    rig *r = *state;

    test_vfs_reset(r->t);
    r->v->dir_close(r->v->self, r->tmp);
    r->v->dir_close(r->v->self, r->boxes[0]);
    r->v->dir_close(r->v->self, r->boxes[1]);
    test_vfs_close(r->t);
    return test_fd_count() == r->fds ? 0 : -1;
}

static mk_err name_tmp(void *self, unsigned attempt, char *out)
{
    const thing *g = self;

    if (attempt < g->tmp_taken) {
        (void)snprintf(out, 256, "taken%u", attempt);
    } else {
        (void)snprintf(out, 256, "t%u", g->number);
    }
    return MK_OK;
}

static mk_err name_final(void *self, unsigned attempt, char *out)
{
    const thing *g = self;

    if (attempt < g->final_taken) {
        (void)snprintf(out, 256, "taken%u", attempt);
    } else {
        (void)snprintf(out, 256, "m%u", g->number);
    }
    return g->namer_err;
}

#define TEXT "one two three\nfour\n"

static mk_err prepare(mk_commit_item *item)
{
    thing *g = (thing *)item;
    mk_err err;

    g->prepared++;
    err = mk_disk_file_open(&item->file, g->r->v, g->r->tmp, name_tmp, g);
    if (err == MK_OK) {
        err = mk_disk_file_write(&item->file, 0, mk_str_z(TEXT));
    }
    if (err != MK_OK) {
        mk_disk_file_discard(&item->file);
    }
    return err;
}

/* n items, alternately for as many boxes. */
static mk_commit_item *batch(rig *r, unsigned n, unsigned boxes)
{
    unsigned i;

    r->n = n;
    for (i = 0; i < n; i++) {
        thing *g = &r->things[i];

        memset(g, 0, sizeof *g);
        mk_commit_item_init(&g->item);
        g->r = r;
        g->number = i;
        g->item.final_dir = r->boxes[i % boxes];
        g->item.namer = name_final;
        g->item.prepare = prepare;
        g->item.self = g;
        g->item.chain = i + 1 < n ? &r->things[i + 1].item : NULL;
    }
    return &r->things[0].item;
}

static const char *path_of(const thing *g)
{
    static char path[300];

    (void)snprintf(path, sizeof path, "%s/m%u",
                   g->item.final_dir.id == g->r->boxes[0].id ? "new" : "other",
                   g->number);
    return path;
}

/* G2: each item is whole and reported, or not there at all. Returns how many
 * are there. */
static unsigned check_items(const rig *r)
{
    unsigned stored = 0;
    unsigned i;

    for (i = 0; i < r->n; i++) {
        const thing *g = &r->things[i];
        char back[64];
        long n = test_vfs_contents(r->t, path_of(g), back, sizeof back);

        if (n != -1) {
            assert_int_equal(n, sizeof TEXT - 1);
            assert_memory_equal(back, TEXT, sizeof TEXT - 1);
        }
        if (g->item.result == MK_OK) {
            assert_int_not_equal(n, -1);
            test_vfs_report(r->t, g->item.final_name);
            stored++;
        } else {
            assert_int_equal(g->item.final_name[0], '\0');
        }
        assert_int_equal(g->item.file.file.id, MK_VFS_NONE);
        assert_false(g->item.file.present);
    }
    return stored;
}

/* ---- the new file -------------------------------------------------------- */

static void file_refuses_calls_out_of_order(void **state)
{
    rig *r = *state;
    thing g;
    mk_disk_file f;
    char text[8];
    size_t n = 0;

    memset(&g, 0, sizeof g);
    mk_disk_file_init(&f);
    assert_int_equal(mk_disk_file_write(&f, 0, mk_str_z("x")), MK_E_STATE);
    assert_int_equal(mk_disk_file_read(&f, 0, text, 8, &n), MK_E_STATE);
    mk_disk_file_discard(&f);
    assert_int_equal(mk_disk_file_open(&f, r->v, r->tmp, name_tmp, &g), MK_OK);
    assert_int_equal(mk_disk_file_open(&f, r->v, r->tmp, name_tmp, &g),
                     MK_E_STATE);
    assert_int_equal(mk_disk_file_write(&f, 4, mk_str_z("efgh")), MK_OK);
    assert_int_equal(f.end, 8);
    assert_int_equal(mk_disk_file_write(&f, 0, mk_str_z("abcd")), MK_OK);
    assert_int_equal(f.end, 8);
    assert_int_equal(mk_disk_file_read(&f, 2, text, 8, &n), MK_OK);
    assert_int_equal(n, 6);
    assert_memory_equal(text, "cdefgh", 6);
    mk_disk_file_discard(&f);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
    mk_disk_file_discard(&f);
}

static mk_err no_name(void *self, unsigned attempt, char *out)
{
    (void)self;
    (void)attempt;
    (void)out;
    return MK_E_LIMIT;
}

static void file_without_a_name_is_not_made(void **state)
{
    rig *r = *state;
    mk_disk_file f;

    mk_disk_file_init(&f);
    assert_int_equal(mk_disk_file_open(&f, r->v, r->tmp, no_name, NULL),
                     MK_E_LIMIT);
    assert_int_equal(r->t->n, 0);
}

/* G5: whatever fails, the file is gone, and not synced again. */
static void fault_f10_file_cannot_be_settled(void **state)
{
    static const test_vfs_op ops[] = {TEST_VFS_SYNC, TEST_VFS_CLOSE};
    rig *r = *state;
    size_t i;

    for (i = 0; i < 2; i++) {
        thing *g = (thing *)batch(r, 1, 1);

        assert_int_equal(prepare(&g->item), MK_OK);
        test_vfs_reset(r->t);
        r->t->only_op = (int)ops[i];
        r->t->fail_at = 1;
        assert_int_equal(mk_disk_file_settle(&g->item.file, MK_COMMIT_DURABLE),
                         MK_E_IO);
        assert_int_equal(r->t->calls, 1);
        assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
        assert_int_equal(mk_disk_file_settle(&g->item.file, MK_COMMIT_DURABLE),
                         MK_E_STATE);
    }
}

static void file_is_settled_once(void **state)
{
    rig *r = *state;
    thing *g = (thing *)batch(r, 1, 1);

    assert_int_equal(prepare(&g->item), MK_OK);
    assert_int_equal(mk_disk_file_settle(&g->item.file, MK_COMMIT_RELAXED),
                     MK_OK);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_SYNC), 0);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 1);
    assert_int_equal(mk_disk_file_settle(&g->item.file, MK_COMMIT_DURABLE),
                     MK_OK);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_CLOSE), 1);
    mk_disk_file_discard(&g->item.file);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
}

/* Its directory was closed meanwhile: the name is the sweep's. */
static void file_out_of_reach_is_left(void **state)
{
    rig *r = *state;
    thing *g = (thing *)batch(r, 1, 1);

    assert_int_equal(prepare(&g->item), MK_OK);
    assert_int_equal(mk_disk_file_settle(&g->item.file, MK_COMMIT_DURABLE),
                     MK_OK);
    g->item.file.dir.id = MK_VFS_NONE;
    test_vfs_reset(r->t);
    mk_disk_file_discard(&g->item.file);
    assert_int_equal(r->t->n, 0);
    assert_false(g->item.file.present);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 1);
}

static mk_err no_progress(void *self, mk_file f, uint64_t at, mk_str data,
                          size_t *out)
{
    (void)self;
    (void)f;
    (void)at;
    *out = data.len == 3 ? 0 : data.len + 1;
    return MK_OK;
}

/* A table that takes nothing, or more than was offered, must not hang us. */
static void fault_f14_no_progress_is_an_error(void **state)
{
    rig *r = *state;
    mk_vfs bad = *r->v;
    mk_disk_file f;
    thing g;

    memset(&g, 0, sizeof g);
    bad.file_write = no_progress;
    mk_disk_file_init(&f);
    assert_int_equal(mk_disk_file_open(&f, &bad, r->tmp, name_tmp, &g), MK_OK);
    assert_int_equal(mk_disk_file_write(&f, 0, mk_str_z("abc")), MK_E_IO);
    assert_int_equal(mk_disk_file_write(&f, 0, mk_str_z("abcd")), MK_E_IO);
    mk_disk_file_discard(&f);
}

static void fault_f12_short_writes_of_every_size(void **state)
{
    rig *r = *state;
    size_t chunk;

    for (chunk = 1; chunk < sizeof TEXT; chunk++) {
        test_vfs_reset(r->t);
        r->t->chunk = chunk;
        mk_commit(r->v, batch(r, 1, 1), MK_COMMIT_DURABLE);
        assert_int_equal(check_items(r), 1);
        assert_int_equal(test_vfs_count(r->t, TEST_VFS_WRITE),
                         (sizeof TEXT - 2) / chunk + 1);
        assert_int_equal(r->v->entry_remove(r->v->self, r->boxes[0], "m0"),
                         MK_OK);
    }
}

/* ---- the commit ---------------------------------------------------------- */

/* F3, F4, F5: contents synced before the rename, the directory after it and
 * before the report: what a power cut may undo was not acknowledged. */
static void fault_f05_order_of_syncs(void **state)
{
    rig *r = *state;

    mk_commit(r->v, batch(r, 1, 1), MK_COMMIT_DURABLE);
    assert_int_equal(check_items(r), 1);
    assert_true(test_vfs_is_durable(r->t));
    /* exactly what a bare delivery costs, and no call more */
    assert_int_equal(r->t->n, 8);
    assert_int_equal(r->t->trace[0].op, TEST_VFS_CREATE);
    assert_int_equal(r->t->trace[1].op, TEST_VFS_WRITE);
    assert_int_equal(r->t->trace[2].op, TEST_VFS_SYNC);
    assert_int_equal(r->t->trace[3].op, TEST_VFS_CLOSE);
    assert_int_equal(r->t->trace[4].op, TEST_VFS_DIR_OPEN);
    assert_int_equal(r->t->trace[4].dir, r->boxes[0].id);
    assert_int_equal(r->t->trace[5].op, TEST_VFS_RENAME);
    assert_int_equal(r->t->trace[6].op, TEST_VFS_DIR_SYNC);
    assert_int_equal(r->t->trace[6].dir, r->boxes[0].id);
}

static void fault_f04_order_in_a_batch(void **state)
{
    rig *r = *state;

    mk_commit(r->v, batch(r, ITEMS_MAX, 2), MK_COMMIT_DURABLE);
    assert_int_equal(check_items(r), ITEMS_MAX);
    assert_true(test_vfs_is_durable(r->t));
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_SYNC), ITEMS_MAX);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_FLUSH), ITEMS_MAX);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 2);
    assert_int_equal(test_vfs_entries(r->t, "new"), ITEMS_MAX / 2);
    assert_int_equal(test_vfs_entries(r->t, "other"), ITEMS_MAX / 2);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
}

/* The check that the tests above lean on sees each missing or misplaced
 * sync. */
static void fault_f03_the_check_sees_a_missing_sync(void **state)
{
    rig *r = *state;
    test_vfs_step kept;
    size_t i;

    mk_commit(r->v, batch(r, 1, 1), MK_COMMIT_RELAXED);
    assert_int_equal(check_items(r), 1);
    assert_false(test_vfs_is_durable(r->t));
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_SYNC), 0);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 0);

    assert_int_equal(r->v->entry_remove(r->v->self, r->boxes[0], "m0"), MK_OK);
    test_vfs_reset(r->t);
    assert_false(test_vfs_is_durable(r->t)); /* nothing was reported */
    mk_commit(r->v, batch(r, 1, 1), MK_COMMIT_DURABLE);
    assert_int_equal(check_items(r), 1);
    assert_true(test_vfs_is_durable(r->t));
    for (i = 2; i < 7; i++) {
        bool is_open_or_close = i == 3 || i == 4;
        kept = r->t->trace[i];
        r->t->trace[i].err = MK_E_IO;
        assert_int_equal(test_vfs_is_durable(r->t), is_open_or_close);
        r->t->trace[i] = kept;
    }
    kept = r->t->trace[2]; /* synced before it was written */
    r->t->trace[2] = r->t->trace[1];
    r->t->trace[1] = kept;
    assert_false(test_vfs_is_durable(r->t));
}

static const mk_err errs[] = {MK_E_IO, MK_E_SPACE, MK_E_FILES, MK_E_READONLY};

/* F8, F10, F15, F18: the n-th call fails, once or with all after it. */
static void fail_everywhere(rig *r, unsigned items, bool fail_on)
{
    size_t e;

    for (e = 0; e < sizeof errs / sizeof errs[0]; e++) {
        unsigned n = 1;
        unsigned stored = 0;
        unsigned wanted = 0;

        while (wanted == 0) {
            unsigned i;

            test_vfs_reset(r->t);
            r->t->fail_at = n;
            r->t->fail_on = fail_on;
            r->t->fail_err = errs[e];
            mk_commit(r->v, batch(r, items, 2), MK_COMMIT_DURABLE);
            stored = check_items(r);
            if (r->t->calls < n) {
                wanted = items; /* past the last call: all is well */
            }
            for (i = 0; i < items; i++) {
                mk_err got = r->things[i].item.result;

                assert_true(got == MK_OK || got == errs[e]);
                if (items == 1) { /* no step may fail unnoticed */
                    assert_int_equal(got, wanted == 0 ? errs[e] : MK_OK);
                }
            }
            r->t->fail_at = 0;
            if (stored > 0) {
                assert_true(test_vfs_is_durable(r->t));
            }
            if (!fail_on) {
                assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
                assert_int_equal(test_vfs_entries(r->t, "new") +
                                     test_vfs_entries(r->t, "other"),
                                 stored);
            }
            for (i = 0; i < items; i++) { /* clean for the next round */
                (void)remove(test_vfs_path(r->t, path_of(&r->things[i])));
            }
            while (test_vfs_entries(r->t, "tmp") > 0) {
                char name[256];
                char path[300];

                for (i = 0; i < items; i++) {
                    (void)snprintf(path, sizeof path, "tmp/t%u", i);
                    (void)remove(test_vfs_path(r->t, path));
                }
                assert_false(test_vfs_only_entry(r->t, "tmp", name));
            }
            n++;
        }
        assert_int_equal(stored, items);
        assert_true(n > 6 * items);
    }
}

static void fault_f08_every_call_fails_once(void **state)
{
    fail_everywhere(*state, 1, false);
    fail_everywhere(*state, 3, false);
}

static void fault_f10_every_call_fails_for_ever(void **state)
{
    fail_everywhere(*state, 1, true);
    fail_everywhere(*state, 3, true);
}

/* G5: after a failed sync the file is given up, never synced again. */
static void fault_f10_no_second_sync(void **state)
{
    rig *r = *state;
    size_t i;
    unsigned syncs = 0;

    r->t->only_op = TEST_VFS_SYNC;
    r->t->fail_at = 2;
    mk_commit(r->v, batch(r, 3, 1), MK_COMMIT_DURABLE);
    assert_int_equal(check_items(r), 2);
    assert_int_equal(r->things[1].item.result, MK_E_IO);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
    for (i = 0; i < r->t->n; i++) {
        if (strcmp(r->t->trace[i].name, "t1") == 0) {
            syncs += r->t->trace[i].op == TEST_VFS_SYNC ? 1u : 0u;
            assert_int_not_equal(r->t->trace[i].op, TEST_VFS_RENAME);
        }
    }
    assert_int_equal(syncs, 1);
}

/* The sender will try again: what was already visible is taken back. */
static void fault_f10_directory_sync_fails(void **state)
{
    rig *r = *state;

    r->t->only_op = TEST_VFS_DIR_SYNC;
    r->t->fail_at = 1;
    mk_commit(r->v, batch(r, 4, 2), MK_COMMIT_DURABLE);
    assert_int_equal(check_items(r), 2);
    assert_int_equal(r->things[0].item.result, MK_E_IO);
    assert_int_equal(r->things[1].item.result, MK_OK);
    assert_int_equal(test_vfs_entries(r->t, "new"), 0);
    assert_int_equal(test_vfs_entries(r->t, "other"), 2);
}

/* What had failed before keeps its own error, and nothing of it is removed. */
static void fault_f10_directory_sync_fails_for_the_rest(void **state)
{
    rig *r = *state;
    mk_commit_item *items = batch(r, 3, 1);

    r->things[1].namer_err = MK_E_LIMIT;
    r->t->only_op = TEST_VFS_DIR_SYNC;
    r->t->fail_at = 1;
    mk_commit(r->v, items, MK_COMMIT_DURABLE);
    assert_int_equal(check_items(r), 0);
    assert_int_equal(r->things[0].item.result, MK_E_IO);
    assert_int_equal(r->things[1].item.result, MK_E_LIMIT);
    assert_int_equal(r->things[2].item.result, MK_E_IO);
    /* two final names, and a temporary one */
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_REMOVE), 3);
}

static void fault_f16_names_that_exist(void **state)
{
    rig *r = *state;
    char path[32];
    char back[8];
    unsigned i;

    for (i = 0; i < MK_DISK_TRIES; i++) {
        (void)snprintf(path, sizeof path, "tmp/taken%u", i);
        test_vfs_put(r->t, path, "x", 1);
        (void)snprintf(path, sizeof path, "new/taken%u", i);
        test_vfs_put(r->t, path, "x", 1);
    }
    for (i = 1; i <= MK_DISK_TRIES; i++) {
        mk_err want = i < MK_DISK_TRIES ? MK_OK : MK_E_EXISTS;
        mk_commit_item *item = batch(r, 2, 1);

        r->things[0].tmp_taken = i;
        r->things[1].final_taken = i;
        mk_commit(r->v, item, MK_COMMIT_DURABLE);
        assert_int_equal(check_items(r), want == MK_OK ? 2 : 0);
        assert_int_equal(r->things[0].item.result, want);
        assert_int_equal(r->things[1].item.result, want);
        (void)remove(test_vfs_path(r->t, "new/m0"));
        (void)remove(test_vfs_path(r->t, "new/m1"));
    }
    assert_int_equal(test_vfs_entries(r->t, "tmp"), MK_DISK_TRIES);
    assert_int_equal(test_vfs_entries(r->t, "new"), MK_DISK_TRIES);
    assert_int_equal(test_vfs_contents(r->t, "new/taken3", back, 8), 1);
}

/* When descriptors run out in the middle, what is open is committed first
 * and the rest follows. */
static void fault_f15_descriptors_run_out(void **state)
{
    rig *r = *state;
    unsigned n;

    for (n = 2; n <= ITEMS_MAX; n++) {
        unsigned i;

        test_vfs_reset(r->t);
        r->t->only_op = TEST_VFS_CREATE;
        r->t->fail_at = n;
        r->t->fail_err = MK_E_FILES;
        mk_commit(r->v, batch(r, ITEMS_MAX, 1), MK_COMMIT_DURABLE);
        assert_int_equal(check_items(r), ITEMS_MAX);
        assert_true(test_vfs_is_durable(r->t));
        assert_int_equal(r->things[n - 1].prepared, 2);
        assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 2);
        for (i = 0; i < ITEMS_MAX; i++) {
            (void)remove(test_vfs_path(r->t, path_of(&r->things[i])));
        }
    }
    /* none at all: an error, not a loop */
    test_vfs_reset(r->t);
    r->t->only_op = TEST_VFS_CREATE;
    r->t->fail_at = 1;
    r->t->fail_on = true;
    r->t->fail_err = MK_E_FILES;
    mk_commit(r->v, batch(r, ITEMS_MAX, 1), MK_COMMIT_DURABLE);
    assert_int_equal(check_items(r), 0);
    assert_int_equal(r->things[ITEMS_MAX - 1].item.result, MK_E_FILES);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
}

static void namer_errors_end_the_work(void **state)
{
    rig *r = *state;
    mk_commit_item *item = batch(r, 2, 1);

    r->things[0].namer_err = MK_E_LIMIT;
    r->things[1].item.prepare = NULL; /* and nothing was written either */
    mk_commit(r->v, item, MK_COMMIT_DURABLE);
    assert_int_equal(check_items(r), 0);
    assert_int_equal(r->things[0].item.result, MK_E_LIMIT);
    assert_int_equal(r->things[1].item.result, MK_E_STATE);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
    mk_commit(r->v, NULL, MK_COMMIT_DURABLE);
}

/* Neither a file nor a way to make one. */
static void an_item_without_a_file_is_refused(void **state)
{
    rig *r = *state;
    mk_commit_item *items = batch(r, 2, 1);

    r->things[0].item.prepare = NULL;
    mk_commit(r->v, items, MK_COMMIT_DURABLE);
    assert_int_equal(r->things[0].item.result, MK_E_STATE);
    assert_string_equal(r->things[0].item.final_name, "");
    assert_int_equal(r->things[1].item.result, MK_OK);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_RENAME), 1);
    assert_int_equal(test_vfs_entries(r->t, "new"), 1);
}

static mk_err prepare_fails(mk_commit_item *item)
{
    (void)item;
    return MK_E_READONLY;
}

/* The contents are durable, then the box cannot be reached any more. */
static void contents_first_then_refused(void **state)
{
    rig *r = *state;
    mk_commit_item *items = batch(r, 2, 1);

    mk_commit_contents(r->v, items, MK_COMMIT_DURABLE);
    assert_int_equal(r->things[0].item.result, MK_OK);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_SYNC), 2);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_CLOSE), 2);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 0);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 2);
    assert_int_equal(test_vfs_entries(r->t, "new"), 0);

    r->things[0].item.prepare = prepare_fails;
    r->things[1].item.prepare = NULL;
    mk_commit(r->v, items, MK_COMMIT_DURABLE);
    assert_int_equal(r->things[0].item.result, MK_E_READONLY);
    assert_int_equal(r->things[1].item.result, MK_OK);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_SYNC), 2);
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 0);
    assert_int_equal(test_vfs_entries(r->t, "new"), 1);
}

static void sec_104_trap_at_the_temporary_name(void **state)
{
    rig *r = *state;
    char back[8];

    test_vfs_put(r->t, "victim", "v", 1);
    assert_int_equal(symlink("../victim", test_vfs_path(r->t, "tmp/t0")), 0);
    mk_commit(r->v, batch(r, 1, 1), MK_COMMIT_DURABLE);
    assert_int_equal(check_items(r), 0);
    assert_int_equal(r->things[0].item.result, MK_E_EXISTS);
    assert_int_equal(test_vfs_contents(r->t, "victim", back, 8), 1);
    /* the trap is not ours to remove */
    assert_int_equal(test_vfs_entries(r->t, "tmp"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(file_refuses_calls_out_of_order),
        T(file_without_a_name_is_not_made),
        T(fault_f14_no_progress_is_an_error),
        T(fault_f12_short_writes_of_every_size),
        T(fault_f05_order_of_syncs),
        T(fault_f04_order_in_a_batch),
        T(fault_f03_the_check_sees_a_missing_sync),
        T(fault_f08_every_call_fails_once),
        T(fault_f10_every_call_fails_for_ever),
        T(fault_f10_no_second_sync),
        T(fault_f10_directory_sync_fails),
        T(fault_f10_directory_sync_fails_for_the_rest),
        T(fault_f16_names_that_exist),
        T(fault_f15_descriptors_run_out),
        T(namer_errors_end_the_work),
        T(an_item_without_a_file_is_refused),
        T(contents_first_then_refused),
        T(fault_f10_file_cannot_be_settled),
        T(file_is_settled_once),
        T(file_out_of_reach_is_left),
        T(sec_104_trap_at_the_temporary_name),
    };

    return cmocka_run_group_tests_name("disk/commit", tests, NULL, NULL);
}
