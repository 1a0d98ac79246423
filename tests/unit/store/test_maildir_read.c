/* SPDX-License-Identifier: MIT
 *
 * test_maildir_read.c: a message in pieces of any size is what the listing
 * said, wherever its file went meanwhile; and messages removed at the end,
 * with every call failing in turn: each is there or gone, and counted so.
 */
#include "drop_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- reading ------------------------------------------------------------- */

/* What it should become, made octet for octet. */
static size_t reference(const char *disk, size_t n, char *out)
{
    size_t have = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        if (disk[i] == '\n' && (i == 0 || disk[i - 1] != '\r')) {
            out[have++] = '\r';
        }
        out[have++] = disk[i];
    }
    if (n > 0 && disk[n - 1] != '\n') {
        out[have++] = '\r';
        out[have++] = '\n';
    }
    return have;
}

static void short_reads(drop_rig *r, const char *want, size_t whole)
{
    mk_str wire;

    test_vfs_reset(r->t);
    r->t->chunk = 23;
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(mk_maildir_list_size(r->l, 0), whole);
    assert_int_equal(drop_read(r, 0, 300, &wire), MK_OK);
    assert_int_equal(wire.len, whole);
    assert_memory_equal(wire.ptr, want, whole);
}

static void pieces_of_any_size(void **state)
{
    static const char *const kinds[] = {"\n",
                                        "x\n",
                                        "xx\r\n",
                                        "\r\n\n",
                                        "\r",
                                        "x",
                                        "a line as they are, mostly\n"};
    static char disk[20001];
    static char want[60001];
    drop_rig *r = *state;
    size_t k;
    size_t max;

    for (k = 0; k < 2 * COUNT(kinds); k++) {
        const char *unit = kinds[k / 2];
        size_t n = 0;
        size_t whole;

        while (n + strlen(unit) < sizeof disk - 1) {
            memcpy(disk + n, unit, strlen(unit));
            n += strlen(unit);
        }
        if (k % 2 == 1) {
            disk[n++] = '.'; /* a last line without an end */
        }
        disk[n] = '\0';
        whole = reference(disk, n, want);
        drop_clear(r);
        drop_put(r, "new/1", disk);
        assert_int_equal(drop_list(r), MK_OK);
        assert_int_equal(mk_maildir_list_size(r->l, 0), whole);
        for (max = 64; max < 70000; max = max * 3 / 2 + 1) {
            mk_str wire;

            test_vfs_reset(r->t);
            assert_int_equal(drop_read(r, 0, max, &wire), MK_OK);
            assert_int_equal(wire.len, whole);
            assert_memory_equal(wire.ptr, want, whole);
        }
        short_reads(r, want, whole);
        test_vfs_reset(r->t);
    }
}

/* Pieces are filled: 64 KiB of memory make some 60 KiB of message. */
static void pieces_are_filled(void **state)
{
    static char disk[1 << 19];
    static char piece[1 << 16];
    drop_rig *r = *state;
    mk_maildir_reader reader;
    bool is_last = false;
    unsigned reads = 0;
    size_t i;

    for (i = 0; i + 1 < sizeof disk; i++) {
        disk[i] = i % 72 == 71 ? '\n' : 'x';
    }
    drop_put(r, "new/1", disk);
    assert_int_equal(drop_list(r), MK_OK);
    test_vfs_reset(r->t);
    assert_int_equal(mk_maildir_reader_open(&reader, r->l, &r->box, 0), MK_OK);
    while (!is_last) {
        size_t n;

        assert_int_equal(
            mk_maildir_reader_read(&reader, piece, sizeof piece, &n, &is_last),
            MK_OK);
        assert_true(is_last || n > sizeof piece * 3 / 4);
        reads++;
    }
    mk_maildir_reader_close(&reader);
    assert_true(reads <= 9);
    assert_true(test_vfs_count(r->t, TEST_VFS_READ) <= 9);
}

/* Lines that are half line ends are not read over and over. */
static void short_lines_are_read_at_once(void **state)
{
    static char disk[200001];
    drop_rig *r = *state;
    mk_str wire;

    memset(disk, '\n', sizeof disk - 1);
    drop_put(r, "new/1", disk);
    assert_int_equal(drop_list(r), MK_OK);
    test_vfs_reset(r->t);
    assert_int_equal(drop_read(r, 0, 65536, &wire), MK_OK);
    assert_int_equal(wire.len, 400000);
    assert_true(test_vfs_count(r->t, TEST_VFS_READ) < 25);
}

static void nothing_is_a_message_too(void **state)
{
    drop_rig *r = *state;
    mk_str wire;

    drop_put(r, "new/1", "");
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(drop_read(r, 0, 64, &wire), MK_OK);
    assert_int_equal(wire.len, 0);
    assert_int_equal(drop_read(r, 1, 64, &wire), MK_E_ARG);
}

static void misuse_of_a_reader(void **state)
{
    drop_rig *r = *state;
    mk_maildir_reader reader;
    char piece[64];
    size_t n;
    bool is_last;

    drop_put(r, "new/1", "x\n");
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(mk_maildir_reader_open(&reader, r->l, &r->box, 0), MK_OK);
    assert_int_equal(mk_maildir_reader_read(&reader, piece, 63, &n, &is_last),
                     MK_E_ARG);
    mk_maildir_reader_close(&reader);
    assert_int_equal(mk_maildir_reader_read(&reader, piece, 64, &n, &is_last),
                     MK_E_ARG);
}

static void found_wherever_it_went(void **state)
{
    static const struct {
        const char *was;
        const char *is;
        unsigned walks;
    } rows[] = {
        {"new/7", "cur/7:2,", 0},       {"new/7", "cur/7:2,S", 0},
        {"new/7", "cur/7:2,FRS", 2},    {"cur/7:2,", "cur/7:2,S", 0},
        {"cur/7:2,S", "cur/7:2,RS", 2}, {"cur/7:2,S", "new/7", 1},
    };
    drop_rig *r = *state;
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        mk_str wire;

        drop_clear(r);
        drop_put(r, "new/70", "other\n");
        drop_put(r, "cur/6:2,", "other\n");
        drop_put(r, rows[i].was, "seven\n");
        assert_int_equal(drop_list(r), MK_OK);
        drop_move(r, rows[i].was, rows[i].is);
        test_vfs_reset(r->t);
        assert_int_equal(drop_read(r, 1, 64, &wire), MK_OK);
        assert_int_equal(wire.len, 7);
        assert_memory_equal(wire.ptr, "seven\r\n", 7);
        assert_int_equal(test_vfs_count(r->t, TEST_VFS_LIST_OPEN),
                         rows[i].walks);
    }
}

static void told_when_it_is_gone(void **state)
{
    drop_rig *r = *state;
    mk_str wire;

    drop_put(r, "new/1", "x\n");
    drop_put(r, "new/2", "y\n");
    assert_int_equal(drop_list(r), MK_OK);
    drop_move(r, "new/1", "tmp/1");
    assert_int_equal(drop_read(r, 0, 64, &wire), MK_E_NOENT);
    assert_int_equal(drop_read(r, 1, 64, &wire), MK_OK);
    drop_move(r, "tmp/1", "new/1");
    assert_int_equal(drop_read(r, 0, 64, &wire), MK_OK);
}

/* A file that is put in its place is another matter than a trap. */
static void sec_104_a_trap_in_its_place(void **state)
{
    drop_rig *r = *state;
    char path[256];
    mk_str wire;

    drop_put(r, "new/1", "x\n");
    assert_int_equal(drop_list(r), MK_OK);
    drop_move(r, "new/1", "tmp/1");
    (void)snprintf(path, sizeof path, "%s", test_vfs_path(r->t, "d/u/new/1"));
    assert_int_equal(symlink("../tmp/1", path), 0);
    assert_int_equal(drop_read(r, 0, 64, &wire), MK_E_KIND);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(drop_read(r, 0, 64, &wire), MK_E_KIND);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(drop_read(r, 0, 64, &wire), MK_E_KIND);
}

/* One that somebody writes to has the length it had; one that was cut short is
 * no whole message. */
static void files_that_change(void **state)
{
    drop_rig *r = *state;
    mk_maildir_reader reader;
    char piece[64];
    bool is_last;
    size_t n;

    drop_put(r, "new/1", "whole\n");
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(mk_maildir_reader_open(&reader, r->l, &r->box, 0), MK_OK);
    drop_put(r, "new/1", "whole\nand more\n");
    assert_int_equal(
        mk_maildir_reader_read(&reader, piece, sizeof piece, &n, &is_last),
        MK_OK);
    assert_true(is_last);
    assert_int_equal(n, 7);
    mk_maildir_reader_close(&reader);
    assert_int_equal(mk_maildir_reader_open(&reader, r->l, &r->box, 0), MK_OK);
    drop_put(r, "new/1", "wh");
    assert_int_equal(
        mk_maildir_reader_read(&reader, piece, sizeof piece, &n, &is_last),
        MK_E_CUT);
    mk_maildir_reader_close(&reader);
}

static void fault_f18_every_call_of_reading_fails(void **state)
{
    drop_rig *r = *state;
    unsigned n;
    mk_err err = MK_E_IO;

    drop_put(r, "cur/1:2,S", "x\n");
    for (n = 1; err != MK_OK; n++) {
        mk_str wire;

        test_vfs_reset(r->t);
        assert_int_equal(drop_list(r), MK_OK);
        drop_move(r, "cur/1:2,S", "cur/1:2,FRS");
        test_vfs_reset(r->t);
        r->t->fail_at = n;
        r->t->fail_err = MK_E_IO;
        err = drop_read(r, 0, 64, &wire);
        assert_true(err == MK_OK || err == MK_E_IO);
        drop_move(r, "cur/1:2,FRS", "cur/1:2,S");
    }
    assert_true(n > 8);
}

/* ---- removing ------------------------------------------------------------ */

static const char *const paths[] = {"new/1", "cur/2:2,", "new/3", "cur/4:2,S",
                                    "new/5"};

static void fill(drop_rig *r)
{
    size_t i;

    drop_clear(r);
    for (i = 0; i < COUNT(paths); i++) {
        drop_put(r, paths[i], "x\n");
    }
    test_vfs_reset(r->t);
    assert_int_equal(drop_list(r), MK_OK);
    test_vfs_reset(r->t);
}

static unsigned there(const drop_rig *r)
{
    return (unsigned)(test_vfs_entries(r->t, "d/u/new") +
                      test_vfs_entries(r->t, "d/u/cur"));
}

static void what_is_marked_goes(void **state)
{
    drop_rig *r = *state;
    unsigned marks;
    size_t i;

    for (marks = 0; marks < 32; marks++) {
        const unsigned char octet = (unsigned char)marks;
        mk_maildir_removed done;
        unsigned wanted = 0;
        unsigned dirs;

        fill(r);
        assert_int_equal(mk_maildir_list_remove(r->l, &r->box, &octet, &done),
                         MK_OK);
        for (i = 0; i < COUNT(paths); i++) {
            bool is_marked = (marks >> i & 1) != 0;

            wanted += is_marked ? 1u : 0u;
            assert_int_equal(drop_has(r, paths[i]), !is_marked);
        }
        assert_int_equal(done.removed, wanted);
        assert_int_equal(done.gone, 0);
        assert_int_equal(done.failed, 0);
        dirs = ((marks & 0x15) != 0 ? 1u : 0u) + ((marks & 0xa) != 0 ? 1u : 0u);
        assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), dirs);
        if (dirs > 0) { /* and that comes last */
            assert_int_equal(r->t->trace[r->t->n - 1].op, TEST_VFS_DIR_SYNC);
        }
    }
}

/* All of them moved: one walk finds them, however many they are. */
static void what_moved_goes_too(void **state)
{
    const unsigned char marks = 0x1f;
    drop_rig *r = *state;
    mk_maildir_removed done;

    fill(r);
    drop_move(r, "new/1", "cur/1:2,F");
    drop_move(r, "cur/2:2,", "cur/2:2,FS");
    drop_move(r, "new/3", "cur/3:2,");
    drop_move(r, "cur/4:2,S", "new/4");
    assert_int_equal(unlink(test_vfs_path(r->t, "d/u/new/5")), 0);
    assert_int_equal(mk_maildir_list_remove(r->l, &r->box, &marks, &done),
                     MK_OK);
    assert_int_equal(done.removed, 4);
    assert_int_equal(done.gone, 1);
    assert_int_equal(done.failed, 0);
    assert_int_equal(there(r), 0);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_LIST_OPEN), 2);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 2);
    /* a second time there is nothing left to do */
    assert_int_equal(mk_maildir_list_remove(r->l, &r->box, &marks, &done),
                     MK_OK);
    assert_int_equal(done.gone, 5);
}

static void fault_f18_every_call_of_removing_fails(void **state)
{
    static const mk_err errs[] = {MK_E_IO, MK_E_READONLY, MK_E_ACCESS};
    const unsigned char marks = 0x1f;
    drop_rig *r = *state;
    unsigned round;

    for (round = 0; round < 2 * COUNT(errs); round++) {
        mk_err err = MK_E_IO;
        unsigned n;

        for (n = 1; err != MK_OK; n++) {
            mk_maildir_removed done;

            fill(r);
            drop_move(r, "new/1", "cur/1:2,F");
            drop_move(r, "cur/2:2,", "cur/2:2,FS");
            test_vfs_reset(r->t);
            r->t->fail_at = n;
            r->t->fail_on = round % 2 == 1;
            r->t->fail_err = errs[round / 2];
            err = mk_maildir_list_remove(r->l, &r->box, &marks, &done);
            assert_true(err == MK_OK || err == errs[round / 2]);
            /* what is counted is so; of what failed nothing is lost */
            assert_int_equal(done.removed + done.failed + done.gone, 5);
            assert_int_equal(done.failed, there(r));
            assert_true(done.failed == 0 || err != MK_OK);
        }
        assert_true(n > 10);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, drop_rig_open, drop_rig_close)
    const struct CMUnitTest tests[] = {
        T(pieces_of_any_size),
        T(pieces_are_filled),
        T(short_lines_are_read_at_once),
        T(nothing_is_a_message_too),
        T(misuse_of_a_reader),
        T(found_wherever_it_went),
        T(told_when_it_is_gone),
        T(sec_104_a_trap_in_its_place),
        T(files_that_change),
        T(fault_f18_every_call_of_reading_fails),
        T(what_is_marked_goes),
        T(what_moved_goes_too),
        T(fault_f18_every_call_of_removing_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
