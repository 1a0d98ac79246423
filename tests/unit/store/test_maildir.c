/* SPDX-License-Identifier: MIT
 *
 * test_maildir.c: opening and making a box with every call failing in turn,
 * traps in its place, and the sweep of tmp/.
 */
#include "lost_sync.h"
#include "test_vfs.h"

#include <mailkit/store.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct rig {
    test_vfs *t;
    int fds;
} rig;

static int set_up(void **state)
{
    static rig r;

    r.fds = test_fd_count();
    r.t = test_vfs_open();
    *state = &r;
    return 0;
}

static int tear_down(void **state)
{
    const rig *r = *state;

    test_vfs_close(r->t);
    return test_fd_count() == r->fds ? 0 : -1;
}

static mk_err open_box(const rig *r, mk_maildir *out_box)
{
    return mk_maildir_open(&r->t->vfs, r->t->root_dir, mk_str_z("d"),
                           mk_str_z("u"), out_box);
}

static void wipe(const rig *r)
{
    static const char *const paths[] = {"d/u/tmp", "d/u/new", "d/u/cur", "d/u",
                                        "d"};
    size_t i;

    for (i = 0; i < 5; i++) {
        (void)remove(test_vfs_path(r->t, paths[i]));
    }
}

static bool has_mode(const rig *r, const char *path, unsigned mode)
{
    struct stat st;

    return stat(test_vfs_path(r->t, path), &st) == 0 && S_ISDIR(st.st_mode) &&
           (st.st_mode & 0777) == mode;
}

static void what_is_missing_is_made(void **state)
{
    const rig *r = *state;
    mk_maildir box;
    mode_t was = umask(0);

    assert_int_equal(open_box(r, &box), MK_OK);
    (void)umask(was);
    mk_maildir_close(&box);
    mk_maildir_close(&box); /* twice is fine */
    assert_null(box.vfs);
    assert_true(has_mode(r, "d", 0700));
    assert_true(has_mode(r, "d/u", 0700));
    assert_true(has_mode(r, "d/u/tmp", 0700));
    assert_true(has_mode(r, "d/u/new", 0700));
    assert_true(has_mode(r, "d/u/cur", 0700));
    assert_int_equal(test_vfs_entries(r->t, "d/u"), 3);

    /* the second time nothing is made and nothing synced */
    test_vfs_reset(r->t);
    assert_int_equal(open_box(r, &box), MK_OK);
    mk_maildir_close(&box);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_MAKE), 0);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 0);
}

/* A box that stands alone, below a directory of any name. */
static void a_box_of_its_own(void **state)
{
    static const char *const wrong[] = {"", ".", "..", "a/b", "/a", "a\n"};
    const rig *r = *state;
    mk_maildir box;
    size_t i;

    assert_int_equal(
        mk_maildir_open_at(&r->t->vfs, r->t->root_dir, mk_str_z(".Mail"), &box),
        MK_OK);
    mk_maildir_close(&box);
    assert_true(has_mode(r, ".Mail", 0700));
    assert_int_equal(test_vfs_entries(r->t, ".Mail"), 3);
    /* itself and what it is in, before tmp/ was made, and itself behind it */
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 3);
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(mk_maildir_open_at(&r->t->vfs, r->t->root_dir,
                                            mk_str_z(wrong[i]), &box),
                         MK_E_ARG);
    }
    assert_int_equal(mk_maildir_open_at(&r->t->vfs, r->t->root_dir,
                                        mk_str_of("a\0b", 3), &box),
                     MK_E_ARG);
    for (i = 0; i < 3; i++) {
        static const char *const paths[] = {".Mail/tmp", ".Mail/new",
                                            ".Mail/cur"};
        assert_int_equal(remove(test_vfs_path(r->t, paths[i])), 0);
    }
    assert_int_equal(remove(test_vfs_path(r->t, ".Mail")), 0);
}

static size_t step_find(const test_vfs *t, test_vfs_op op, const char *name)
{
    size_t i;

    for (i = 0; i < t->n; i++) {
        if (t->trace[i].op == op && strcmp(t->trace[i].name, name) == 0 &&
            t->trace[i].err == MK_OK) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* F5 for directories: tmp/ is made after all others were synced into their
 * parents, so no mail can come to rest in a box that a power cut removes. */
static void fault_f05_tmp_comes_last(void **state)
{
    static const char *const missing[] = {"", "d/u/tmp", "d/u/new", "d/u/cur"};
    const rig *r = *state;
    size_t i;

    for (i = 0; i < 4; i++) {
        mk_maildir box;
        size_t made;
        size_t k;
        unsigned syncs = 0;

        if (i == 0) {
            wipe(r);
        } else {
            assert_int_equal(remove(test_vfs_path(r->t, missing[i])), 0);
        }
        test_vfs_reset(r->t);
        assert_int_equal(open_box(r, &box), MK_OK);
        mk_maildir_close(&box);
        made =
            step_find(r->t, TEST_VFS_DIR_MAKE, i < 2 ? "tmp" : missing[i] + 4);
        assert_int_not_equal(made, SIZE_MAX);
        for (k = 0; k < r->t->n; k++) {
            bool after = k > made;

            if (r->t->trace[k].op == TEST_VFS_DIR_SYNC) {
                syncs += (i < 2) != after ? 1u : 0u;
            }
            if (r->t->trace[k].op == TEST_VFS_DIR_MAKE && i < 2) {
                assert_false(after);
            }
        }
        assert_true(syncs >= 3); /* user, domain, root */
        assert_int_equal(r->t->trace[r->t->n - 1].op, TEST_VFS_DIR_SYNC);
    }
}

static void fault_f18_every_call_fails(void **state)
{
    static const mk_err errs[] = {MK_E_IO, MK_E_SPACE, MK_E_FILES,
                                  MK_E_READONLY};
    const rig *r = *state;
    unsigned round;
    size_t e;

    for (round = 0; round < 4; round++) {
        for (e = 0; e < 4; e++) {
            mk_maildir box;
            mk_err err;
            unsigned n = 0;
            int fds = test_fd_count();

            do {
                n++;
                if (round < 2) { /* a box to make; else one to open */
                    wipe(r);
                }
                memset(&box, 0x55, sizeof box);
                test_vfs_reset(r->t);
                r->t->fail_at = n;
                r->t->fail_on = round % 2 == 1;
                r->t->fail_err = errs[e];
                err = open_box(r, &box);
                if (err == MK_OK) {
                    mk_maildir_close(&box);
                } else {
                    assert_int_equal(err, errs[e]);
                    assert_int_equal(test_fd_count(), fds);
                }
            } while (err != MK_OK);
            assert_true(r->t->calls < n);
            assert_true(n > 8);
            /* and whatever was left half-made is finished */
            test_vfs_reset(r->t);
            assert_int_equal(open_box(r, &box), MK_OK);
            mk_maildir_close(&box);
        }
    }
}

/* G4: what lies in tmp/ while the rest is made stays for the sweep. */
static void tmp_comes_back_as_it_was(void **state)
{
    static const char *const gone[] = {"d/u/new", "d/u/cur"};
    const rig *r = *state;
    size_t i;

    for (i = 0; i < 2; i++) {
        mk_maildir box;

        assert_int_equal(open_box(r, &box), MK_OK);
        mk_maildir_close(&box);
        test_vfs_put(r->t, "d/u/tmp/left", "x", 1);
        assert_int_equal(remove(test_vfs_path(r->t, gone[i])), 0);
        assert_int_equal(open_box(r, &box), MK_OK);
        mk_maildir_close(&box);
        assert_int_equal(test_vfs_entries(r->t, "d/u"), 3);
        assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 1);
    }
}

/* Somebody else has set tmp/ aside already, to make the same new/. */
static void two_may_mend_it(void **state)
{
    const rig *r = *state;
    mk_maildir box;

    assert_int_equal(open_box(r, &box), MK_OK);
    mk_maildir_close(&box);
    assert_int_equal(remove(test_vfs_path(r->t, "d/u/new")), 0);
    test_vfs_reset(r->t);
    r->t->only_op = TEST_VFS_RENAME;
    r->t->fail_at = 1;
    r->t->fail_err = MK_E_NOENT;
    assert_int_equal(open_box(r, &box), MK_OK);
    mk_maildir_close(&box);
    assert_int_equal(test_vfs_entries(r->t, "d/u"), 3);
}

/* Somebody else makes the same box at the same time. */
static void two_may_make_it(void **state)
{
    const rig *r = *state;
    mk_maildir box;

    r->t->only_op = TEST_VFS_DIR_OPEN;
    r->t->fail_at = 2; /* the first is the root */
    r->t->fail_err = MK_E_NOENT;
    assert_int_equal(mkdir(test_vfs_path(r->t, "d"), 0700), 0);
    assert_int_equal(open_box(r, &box), MK_OK);
    mk_maildir_close(&box);
}

typedef struct other_lane {
    lost_sync l;
    mk_dir root;
    const char *domain;
    mk_err err;
} other_lane;

static mk_err open_at(const other_lane *o, const char *domain)
{
    mk_maildir box;
    mk_err err = mk_maildir_open(&o->l.vfs, o->root, mk_str_z(domain),
                                 mk_str_z("u"), &box);

    if (err == MK_OK) {
        mk_maildir_close(&box);
    }
    return err;
}

static void open_meanwhile(void *self)
{
    other_lane *o = self;

    o->err = open_at(o, o->domain);
}

/* Two lanes make a box at the same time, and the root, or a domain that both
 * have, loses names: neither may think that its box is durable (G5). */
static void fault_f10_what_two_make_is_lost(void **state)
{
    static const char *const lost[] = {"", "d", "d/u"};
    static const char *const second[] = {"e", "d", "d"};
    const rig *r = *state;
    static other_lane o;
    size_t i;

    for (i = 0; i < 3; i++) {
        wipe(r);
        (void)mkdir(test_vfs_path(r->t, "d"), 0700);
        (void)mkdir(test_vfs_path(r->t, "d/u"), 0700);
        lost_sync_init(&o.l, test_vfs_path(r->t, lost[i]));
        o.root = r->t->root_dir;
        o.domain = second[i];
        o.l.self = &o;
        o.l.meanwhile = open_meanwhile;
        assert_int_equal(open_at(&o, "d"), MK_E_IO);
        assert_int_equal(o.err, MK_E_IO);
        assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), -1);
    }
}

static void sec_104_box_is_a_trap(void **state)
{
    /* what stands where a directory should be, and what opening it gives */
    static const char *const places[] = {"d", "d/u", "d/u/tmp", "d/u/new",
                                         "d/u/cur"};
    const rig *r = *state;
    size_t i;
    int kind;

    assert_int_equal(mkdir(test_vfs_path(r->t, "evil"), 0700), 0);
    for (i = 0; i < 5; i++) {
        for (kind = 0; kind < 4; kind++) {
            mk_maildir box;
            char path[256];
            mk_err want = MK_E_KIND;

            wipe(r);
            if (i > 0) {
                (void)mkdir(test_vfs_path(r->t, "d"), 0700);
            }
            if (i > 1) {
                (void)mkdir(test_vfs_path(r->t, "d/u"), 0700);
            }
            (void)snprintf(path, sizeof path, "%s",
                           test_vfs_path(r->t, places[i]));
            if (kind == 0) {
                assert_int_equal(symlink(test_vfs_path(r->t, "evil"), path), 0);
            } else if (kind == 1) {
                assert_int_equal(mkfifo(path, 0600), 0);
            } else if (kind == 2) {
                test_vfs_put(r->t, places[i], "", 0);
            } else { /* anybody may write to it */
                assert_int_equal(mkdir(path, 0700), 0);
                assert_int_equal(chmod(path, 0703), 0);
                want = MK_E_ACCESS;
            }
            assert_int_equal(open_box(r, &box), want);
            assert_int_equal(test_vfs_entries(r->t, "evil"), 0);
            assert_int_equal(remove(path), 0);
        }
    }
}

static mk_err foreign(void *self, mk_dir dir, mk_vfs_stat *out_stat)
{
    test_vfs *t = self;
    mk_err err = t->under->dir_stat(NULL, dir, out_stat);

    out_stat->own = ++t->calls != t->fail_at;
    return err;
}

static void sec_104_box_of_somebody_else(void **state)
{
    const rig *r = *state;
    unsigned n;

    for (n = 1; n <= 5; n++) {
        mk_maildir box;
        mk_vfs v = r->t->vfs;

        v.dir_stat = foreign;
        test_vfs_reset(r->t);
        r->t->only_op = TEST_VFS_STAT; /* calls counts in foreign() alone */
        r->t->fail_at = n;
        assert_int_equal(mk_maildir_open(&v, r->t->root_dir, mk_str_z("d"),
                                         mk_str_z("u"), &box),
                         MK_E_ACCESS);
    }
}

static void sec_104_names_that_leave_the_root(void **state)
{
    static const mk_str bad[] = {
        MK_STR_INIT(".."),  MK_STR_INIT("."),    MK_STR_INIT(""),
        MK_STR_INIT("a/b"), MK_STR_INIT("a\0b"), MK_STR_INIT("../evil"),
    };
    const rig *r = *state;
    mk_maildir box;
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_not_equal(mk_maildir_open(&r->t->vfs, r->t->root_dir, bad[i],
                                             mk_str_z("u"), &box),
                             MK_OK);
        assert_int_not_equal(mk_maildir_open(&r->t->vfs, r->t->root_dir,
                                             mk_str_z("d"), bad[i], &box),
                             MK_OK);
    }
    assert_int_equal(r->t->n, 0);
}

/* G4: what dead deliveries left goes after its time, nothing else does. */
static void sweep_takes_the_old(void **state)
{
    const rig *r = *state;
    uint64_t removed = 99;
    mk_maildir box;
    mk_vfs_stat st;

    assert_int_equal(open_box(r, &box), MK_OK);
    test_vfs_put(r->t, "d/u/tmp/a", "x", 1);
    test_vfs_put(r->t, "d/u/tmp/b", "x", 1);
    test_vfs_put(r->t, "d/u/new/c", "x", 1);
    assert_int_equal(mkdir(test_vfs_path(r->t, "d/u/tmp/dir"), 0700), 0);
    assert_int_equal(symlink("../new/c", test_vfs_path(r->t, "d/u/tmp/l")), 0);
    assert_int_equal(r->t->vfs.entry_stat(r->t, box.dir_tmp, "a", &st), MK_OK);

    assert_int_equal(
        mk_maildir_sweep(&box, st.modified_s + 129600, 129600, &removed),
        MK_OK);
    assert_int_equal(removed, 0);
    assert_int_equal(mk_maildir_sweep(&box, 5, 129600, &removed), MK_OK);
    assert_int_equal(removed, 0); /* a clock that says 1970 removes nothing */

    /* the walk goes on after an error */
    test_vfs_reset(r->t);
    r->t->only_op = TEST_VFS_REMOVE;
    r->t->fail_at = 1;
    assert_int_equal(
        mk_maildir_sweep(&box, st.modified_s + 200000, 129600, &removed),
        MK_E_IO);
    assert_int_equal(removed, 1);
    test_vfs_reset(r->t);
    assert_int_equal(
        mk_maildir_sweep(&box, st.modified_s + 200000, 129600, NULL), MK_OK);
    assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 2); /* dir, link */
    assert_int_equal(test_vfs_entries(r->t, "d/u/new"), 1);
    mk_maildir_close(&box);
}

static void fault_f18_sweep_fails_anywhere(void **state)
{
    const rig *r = *state;
    mk_maildir box;
    unsigned n = 0;
    mk_err err;

    assert_int_equal(open_box(r, &box), MK_OK);
    do {
        uint64_t removed = 0;
        int fds = test_fd_count();

        n++;
        test_vfs_put(r->t, "d/u/tmp/a", "x", 1);
        test_vfs_put(r->t, "d/u/tmp/b", "x", 1);
        test_vfs_reset(r->t);
        r->t->fail_at = n;
        err = mk_maildir_sweep(&box, UINT64_MAX, 0, &removed);
        assert_true(err == MK_OK || err == MK_E_IO);
        assert_int_equal(test_fd_count(), fds);
        assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 2 - (int)removed);
    } while (err != MK_OK);
    assert_true(n > 7);
    mk_maildir_close(&box);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_missing_is_made),
        T(a_box_of_its_own),
        T(fault_f05_tmp_comes_last),
        T(fault_f18_every_call_fails),
        T(two_may_make_it),
        T(fault_f10_what_two_make_is_lost),
        T(two_may_mend_it),
        T(tmp_comes_back_as_it_was),
        T(sec_104_box_is_a_trap),
        T(sec_104_box_of_somebody_else),
        T(sec_104_names_that_leave_the_root),
        T(sweep_takes_the_old),
        T(fault_f18_sweep_fails_anywhere),
    };

    return cmocka_run_group_tests_name("store/maildir", tests, NULL, NULL);
}
