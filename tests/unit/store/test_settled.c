/* SPDX-License-Identifier: MIT
 *
 * test_settled.c: deliveries whose contents are on stable storage before any
 * name is visible: they wait without a descriptor while their box is closed,
 * are committed by name, or given up.
 */
#include "test_vfs.h"

#include <mailkit/store.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOP "Return-Path: <a@example.org>\r\n"

typedef struct rig {
    test_vfs *t;
    test_alloc a;
    mk_maildir box;
    uint64_t seq;
} rig;

static const mk_str parts[] = {
    MK_STR_INIT("Subject: x\r\n"),
    MK_STR_INIT("\r\nbody\r\n"),
};

static mk_err box_open(rig *r)
{
    return mk_maildir_open(&r->t->vfs, r->t->root_dir, mk_str_z("d"),
                           mk_str_z("u"), &r->box);
}

static int set_up(void **state)
{
    static rig r;

    memset(&r, 0, sizeof r);
    r.t = test_vfs_open();
    test_alloc_init(&r.a);
    *state = &r;
    return box_open(&r) == MK_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    rig *r = *state;

    mk_maildir_close(&r->box);
    test_vfs_close(r->t);
    return r->a.out_count == 0 ? 0 : -1;
}

static mk_err fresh(rig *r, mk_delivery **out_delivery)
{
    mk_delivery_config c;

    mk_delivery_config_init(&c, sizeof c);
    c.alloc = &r->a.alloc;
    c.box = &r->box;
    c.stamp.seq = r->seq++;
    return mk_delivery_new(&c, out_delivery);
}

static mk_err stream(mk_delivery *d)
{
    mk_err err = mk_delivery_begin(d, mk_str_z(TOP));

    err = err == MK_OK ? mk_delivery_add(d, parts[0]) : err;
    err = err == MK_OK ? mk_delivery_add(d, parts[1]) : err;
    return err == MK_OK ? mk_delivery_end(d) : err;
}

static mk_err commit(rig *r, mk_delivery *d)
{
    mk_commit_item *item = mk_delivery_item(d);

    mk_commit(&r->t->vfs, item, MK_COMMIT_DURABLE);
    if (item->result == MK_OK) {
        test_vfs_report(r->t, item->final_name);
    }
    return item->result;
}

static void clear(const rig *r)
{
    assert_true(test_vfs_clear(r->t, "d/u/tmp"));
    assert_true(test_vfs_clear(r->t, "d/u/new"));
}

/* Settled files wait without a descriptor, while their box is closed; nothing
 * is visible, and the rest is a rename and a directory sync. */
static void settled_files_wait_in_a_closed_box(void **state)
{
    rig *r = *state;
    size_t w;

    for (w = 0; w < 2; w++) {
        mk_delivery *d;
        int fds = test_fd_count();

        test_vfs_reset(r->t);
        assert_int_equal(fresh(r, &d), MK_OK);
        assert_int_equal(w == 0 ? mk_delivery_whole(d, mk_str_z(TOP), parts, 2)
                                : stream(d),
                         MK_OK);
        mk_commit_contents(&r->t->vfs, mk_delivery_item(d), MK_COMMIT_DURABLE);
        assert_int_equal(mk_delivery_item(d)->result, MK_OK);
        assert_int_equal(test_fd_count(), fds);
        assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 1);
        assert_int_equal(test_vfs_entries(r->t, "d/u/new"), 0);
        assert_int_equal(test_vfs_count(r->t, TEST_VFS_SYNC), 1);
        mk_delivery_park(d);
        mk_maildir_close(&r->box);
        assert_int_equal(box_open(r), MK_OK);
        assert_int_equal(commit(r, d), MK_OK);
        assert_int_equal(test_vfs_entries(r->t, "d/u/new"), 1);
        assert_int_equal(test_vfs_count(r->t, TEST_VFS_SYNC), 1);
        assert_int_equal(test_vfs_count(r->t, TEST_VFS_WRITE), 1);
        assert_true(test_vfs_is_durable(r->t));
        mk_delivery_free(d);
        clear(r);
    }
}

/* Given up while it waits: removed if the box is open again, else it is the
 * sweep's; never a name looked for in a directory that is closed. */
static void settled_files_are_given_up(void **state)
{
    rig *r = *state;
    int how;

    for (how = 0; how < 3; how++) {
        mk_delivery *d;

        assert_int_equal(fresh(r, &d), MK_OK);
        assert_int_equal(stream(d), MK_OK);
        mk_commit_contents(&r->t->vfs, mk_delivery_item(d), MK_COMMIT_DURABLE);
        if (how > 0) {
            mk_delivery_park(d);
            mk_maildir_close(&r->box);
        }
        if (how == 2) { /* not open when the commit wants it */
            test_vfs_reset(r->t);
            assert_int_equal(commit(r, d), MK_E_STATE);
            assert_int_equal(r->t->calls, 0);
        }
        if (how > 0) {
            assert_int_equal(box_open(r), MK_OK);
        }
        mk_delivery_free(d);
        assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), how == 2);
        assert_int_equal(test_vfs_entries(r->t, "d/u/new"), 0);
    }
    clear(r);
}

/* G5: a file whose sync failed is gone, and never synced again. */
static void fault_f10_contents_fail(void **state)
{
    static const test_vfs_op ops[] = {TEST_VFS_WRITE, TEST_VFS_SYNC,
                                      TEST_VFS_CLOSE};
    rig *r = *state;
    size_t i;

    for (i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        mk_delivery *d;

        test_vfs_reset(r->t);
        r->t->only_op = (int)ops[i];
        r->t->fail_at = 1;
        assert_int_equal(fresh(r, &d), MK_OK);
        assert_int_equal(mk_delivery_whole(d, mk_str_z(TOP), parts, 2), MK_OK);
        mk_commit_contents(&r->t->vfs, mk_delivery_item(d), MK_COMMIT_DURABLE);
        assert_int_equal(mk_delivery_item(d)->result, MK_E_IO);
        assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 0);
        assert_int_equal(
            mk_disk_file_settle(&mk_delivery_item(d)->file, MK_COMMIT_DURABLE),
            MK_E_STATE);
        mk_delivery_free(d);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(settled_files_wait_in_a_closed_box),
        T(settled_files_are_given_up),
        T(fault_f10_contents_fail),
    };

    return cmocka_run_group_tests_name("store/settled", tests, NULL, NULL);
}
