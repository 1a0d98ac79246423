/* SPDX-License-Identifier: MIT
 *
 * test_delivery.c: a message into a Maildir, whole, streamed and copied:
 * contents, names, order of syncs, every call and every allocation failing
 * in turn. What is in new/ is whole, named by its sizes, and was reported.
 */
#include "test_vfs.h"

#include <mailkit/store.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TOP                                                                    \
    "Return-Path: <a@example.org>\r\n"                                         \
    "Received: from a.example (a.example [192.0.2.1])\r\n"                     \
    "\tby mx.example.org with ESMTP id 42\r\n"                                 \
    "\tfor <u@example.org>; Fri, 21 Nov 1997 09:55:06 -0600\r\n"
#define TOP_LF (sizeof(TOP) - 1 - 4) /* octets on disk */
#define BODY "Subject: x\r\n\r\none\r\n.dot\r\n\r\nlast\r\n"

typedef struct rig {
    test_vfs *t;
    test_alloc a;
    mk_maildir box;
    uint64_t seq;
    int fds;
} rig;

static int set_up(void **state)
{
    static rig r;

    memset(&r, 0, sizeof r);
    r.fds = test_fd_count();
    r.t = test_vfs_open();
    test_alloc_init(&r.a);
    if (mk_maildir_open(&r.t->vfs, r.t->root_dir, mk_str_z("d"), mk_str_z("u"),
                        &r.box) != MK_OK) {
        return -1;
    }
    test_vfs_reset(r.t);
    *state = &r;
    return 0;
}

static int tear_down(void **state)
{
    rig *r = *state;

    mk_maildir_close(&r->box);
    test_vfs_close(r->t);
    return r->a.out_count == 0 && r->a.out_bytes == 0 &&
                   test_fd_count() == r->fds
               ? 0
               : -1;
}

static mk_err fresh(rig *r, mk_delivery **out_delivery)
{
    mk_delivery_config c;

    mk_delivery_config_init(&c, sizeof c);
    c.alloc = &r->a.alloc;
    c.box = &r->box;
    c.stamp.wall_us = UINT64_C(1700000000000042);
    c.stamp.pid = 9;
    c.stamp.seq = r->seq++;
    c.stamp.random = r->seq * 77;
    c.stamp.host = mk_str_z("mx.example.org");
    return mk_delivery_new(&c, out_delivery);
}

static mk_err commit(rig *r, mk_delivery *d)
{
    mk_commit_item *item = mk_delivery_item(d);

    if (item == NULL) {
        return MK_E_STATE;
    }
    mk_commit(&r->t->vfs, item, MK_COMMIT_DURABLE);
    if (item->result == MK_OK) {
        test_vfs_report(r->t, item->final_name);
    }
    return item->result;
}

static const mk_str body_parts[] = {
    MK_STR_INIT("Subject: x\r"),
    MK_STR_INIT("\n\r\none\r\n.dot\r\n\r\n"),
    MK_STR_INIT(""),
    MK_STR_INIT("last\r\n"),
};

/* The three ways to the same message; a failure leaves nothing to free. */
static mk_err deliver_whole(rig *r)
{
    mk_delivery *d;
    mk_err err = fresh(r, &d);

    if (err != MK_OK) {
        return err;
    }
    err = mk_delivery_whole(d, mk_str_z(TOP), body_parts, 4);
    err = err != MK_OK ? err : commit(r, d);
    mk_delivery_free(d);
    return err;
}

static mk_err stream(mk_delivery *d, const char *top)
{
    mk_err err = mk_delivery_begin(d, mk_str_z(top));
    size_t i;

    for (i = 0; i < 4 && err == MK_OK; i++) {
        err = mk_delivery_add(d, body_parts[i]);
    }
    return err != MK_OK ? err : mk_delivery_end(d);
}

static mk_err deliver_stream(rig *r)
{
    mk_delivery *d;
    mk_err err = fresh(r, &d);

    if (err != MK_OK) {
        return err;
    }
    err = stream(d, TOP);
    err = err != MK_OK ? err : commit(r, d);
    mk_delivery_free(d);
    return err;
}

/* The original, whose fields are shorter, is given up, so that the box holds
 * the copy alone. */
static mk_err deliver_copy(rig *r)
{
    mk_delivery *a;
    mk_delivery *b = NULL;
    mk_err err = fresh(r, &a);

    if (err != MK_OK) {
        return err;
    }
    err = stream(a, "X-Old: 1\r\n");
    err = err != MK_OK ? err : fresh(r, &b);
    err = err != MK_OK ? err : mk_delivery_copy(b, a, mk_str_z(TOP));
    mk_delivery_abort(a);
    mk_delivery_free(a);
    err = err != MK_OK ? err : commit(r, b);
    mk_delivery_free(b);
    return err;
}

static mk_err (*const ways[])(rig *) = {deliver_whole, deliver_stream,
                                        deliver_copy};
#define WAYS (sizeof ways / sizeof ways[0])

/* Takes all CRs away. */
static size_t squeeze(const char *text, size_t n, char *out)
{
    size_t have = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        if (text[i] != '\r') {
            out[have++] = text[i];
        }
    }
    return have;
}

/* The only entry of new/ is the message, and its name tells its sizes. */
static void check_message(const rig *r)
{
    static char text[8192];
    char want[1024];
    char name[256];
    char path[300];
    mk_maildir_name m;
    size_t want_n;
    size_t lines = 0;
    long n;
    long i;

    memset(&m, 0, sizeof m);
    assert_true(test_vfs_only_entry(r->t, "d/u/new", name));
    assert_int_equal(mk_maildir_name_parse(mk_str_z(name), &m), MK_OK);
    (void)snprintf(path, sizeof path, "d/u/new/%s", name);
    n = test_vfs_contents(r->t, path, text, sizeof text);
    for (i = 0; i < n; i++) {
        lines += text[i] == '\n' ? 1u : 0u;
        assert_true(text[i] != '\r' && text[i] != '\0');
    }
    assert_true(m.has_disk_bytes && m.has_wire_bytes);
    assert_int_equal(m.disk_bytes, n);
    assert_int_equal(m.wire_bytes, (size_t)n + lines);
    want_n = squeeze(TOP BODY, sizeof(TOP BODY) - 1, want);
    assert_int_equal(n, want_n);
    assert_memory_equal(text, want, want_n);
}

static void clear_box(const rig *r)
{
    assert_true(test_vfs_clear(r->t, "d/u/tmp"));
    assert_true(test_vfs_clear(r->t, "d/u/new"));
}

/* ---- what comes to rest -------------------------------------------------- */

static void every_way_gives_the_message(void **state)
{
    rig *r = *state;
    size_t w;

    for (w = 0; w < WAYS; w++) {
        test_vfs_reset(r->t);
        assert_int_equal(ways[w](r), MK_OK);
        check_message(r);
        assert_true(test_vfs_is_durable(r->t));
        assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 0);
        clear_box(r);
    }
}

/* A small message costs what a bare delivery costs: create, write, sync,
 * close, open the directory, rename, sync it; the last step is the report. */
static void a_whole_message_is_seven_calls(void **state)
{
    rig *r = *state;

    assert_int_equal(deliver_whole(r), MK_OK);
    assert_int_equal(r->t->calls, 7);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_WRITE), 1);
    assert_int_equal(r->t->n, 8);
}

static void names_and_sizes_are_told(void **state)
{
    rig *r = *state;
    mk_delivery *d;
    uint64_t disk = 0;
    uint64_t wire = 0;
    int mark = 0;

    assert_int_equal(fresh(r, &d), MK_OK);
    assert_null(*mk_delivery_tag(d));
    *mk_delivery_tag(d) = &mark;
    assert_int_equal(mk_delivery_begin(d, mk_str_z("")), MK_OK);
    assert_int_equal(mk_delivery_add(d, mk_str_z("ab\r\ncd\r")), MK_OK);
    mk_delivery_size(d, &disk, &wire);
    assert_int_equal(disk, 6);
    assert_int_equal(wire, 7);
    assert_int_equal(mk_delivery_name(d).len, 0);
    assert_int_equal(mk_delivery_end(d), MK_OK);
    assert_ptr_equal(mk_delivery_of(mk_delivery_item(d)), d);
    assert_int_equal(commit(r, d), MK_OK);
    mk_delivery_size(d, &disk, NULL);
    mk_delivery_size(d, NULL, &wire);
    assert_int_equal(disk, 6);
    assert_int_equal(wire, 7);
    assert_true(
        mk_str_is(mk_delivery_name(d),
                  mk_str_z("1700000000.M42P9Q0R000000000000004d.mx.example.org"
                           ",S=6,W=7")));
    assert_ptr_equal(*mk_delivery_tag(d), &mark);
    mk_delivery_free(d);
}

/* Bigger than every buffer, in pieces of odd sizes. */
static void big_messages_stream_and_copy(void **state)
{
    static char wire[300000];
    static char disk[300000];
    static char back[400000];
    rig *r = *state;
    mk_delivery *a;
    mk_delivery *b;
    mk_str in = mk_str_of(wire, sizeof wire);
    char path[300];
    char name[256];
    size_t n = 0;
    size_t i;

    for (i = 0; i < sizeof wire; i++) {
        size_t at = i % 78;

        wire[i] = (char)(at == 76 ? '\r' : at == 77 ? '\n' : 'a' + i % 26);
        if (wire[i] != '\r' || i + 1 == sizeof wire) {
            disk[n++] = wire[i];
        }
    }
    assert_int_equal(fresh(r, &a), MK_OK);
    assert_int_equal(fresh(r, &b), MK_OK);
    assert_int_equal(mk_delivery_begin(a, mk_str_z("X: y\r\n")), MK_OK);
    for (i = 1; in.len > 0; i = i * 7 % 10007) {
        assert_int_equal(mk_delivery_add(a, mk_str_sub(in, 0, i)), MK_OK);
        in = mk_str_sub(in, i, SIZE_MAX);
    }
    assert_int_equal(mk_delivery_end(a), MK_OK);
    r->t->chunk = 5000; /* F12: short reads and writes in the copy */
    assert_int_equal(mk_delivery_copy(b, a, mk_str_z(TOP)), MK_OK);
    mk_delivery_free(a);
    assert_int_equal(commit(r, b), MK_OK);
    assert_true(test_vfs_only_entry(r->t, "d/u/new", name));
    (void)snprintf(path, sizeof path, "d/u/new/%s", name);
    assert_int_equal(test_vfs_contents(r->t, path, back, sizeof back),
                     TOP_LF + n);
    assert_memory_equal(back + TOP_LF, disk, n);
    mk_delivery_free(b);

    /* the same given whole, more than one buffer long */
    clear_box(r);
    assert_int_equal(fresh(r, &a), MK_OK);
    in = mk_str_of(wire, sizeof wire);
    assert_int_equal(mk_delivery_whole(a, mk_str_z(""), &in, 1), MK_OK);
    assert_int_equal(commit(r, a), MK_OK);
    assert_true(test_vfs_only_entry(r->t, "d/u/new", name));
    (void)snprintf(path, sizeof path, "d/u/new/%s", name);
    assert_int_equal(test_vfs_contents(r->t, path, back, sizeof back), n);
    assert_memory_equal(back, disk, n);
    mk_delivery_free(a);
}

/* Each recipient has a file of its own. */
static void copies_are_no_hard_links(void **state)
{
    rig *r = *state;
    mk_delivery *d[3];
    struct stat st;
    size_t i;

    for (i = 0; i < 3; i++) {
        char path[300];

        assert_int_equal(fresh(r, &d[i]), MK_OK);
        assert_int_equal(i == 0
                             ? stream(d[0], TOP)
                             : mk_delivery_copy(d[i], d[i - 1], mk_str_z(TOP)),
                         MK_OK);
        if (i > 0) {
            mk_delivery_item(d[i - 1])->chain = mk_delivery_item(d[i]);
        }
        (void)snprintf(path, sizeof path, "d/u/tmp");
        assert_int_equal(test_vfs_entries(r->t, path), i + 1);
    }
    mk_commit(&r->t->vfs, mk_delivery_item(d[0]), MK_COMMIT_DURABLE);
    assert_int_equal(test_vfs_entries(r->t, "d/u/new"), 3);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SYNC), 1);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_LINK), 0);
    for (i = 0; i < 3; i++) {
        char path[300];

        assert_int_equal(mk_delivery_item(d[i])->result, MK_OK);
        (void)snprintf(path, sizeof path, "d/u/new/%s",
                       mk_delivery_name(d[i]).ptr);
        assert_int_equal(stat(test_vfs_path(r->t, path), &st), 0);
        assert_int_equal(st.st_nlink, 1);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(remove(test_vfs_path(r->t, path)), 0);
        mk_delivery_free(d[i]);
    }
}

/* ---- faults -------------------------------------------------------------- */

/* F8, F10, F15, F18, F20: the n-th call fails, once or for ever: never a
 * half message in new/, the temporary file removed if removing works. */
static void fault_f08_every_call_fails(void **state)
{
    static const mk_err errs[] = {MK_E_IO, MK_E_SPACE, MK_E_FILES,
                                  MK_E_READONLY, MK_E_FBIG};
    rig *r = *state;
    size_t w;
    size_t e;
    int on;

    for (w = 0; w < WAYS; w++) {
        for (e = 0; e < sizeof errs / sizeof errs[0]; e++) {
            for (on = 0; on < 2; on++) {
                mk_err err = MK_OK;
                unsigned n = 0;

                do {
                    int seen;

                    test_vfs_reset(r->t);
                    r->t->fail_at = ++n;
                    r->t->fail_on = on == 1;
                    r->t->fail_err = errs[e];
                    err = ways[w](r);
                    seen = test_vfs_entries(r->t, "d/u/new");
                    if (err == MK_OK || seen > 0) {
                        check_message(r); /* whole, if there */
                    }
                    if (err == MK_OK) {
                        assert_int_equal(seen, 1);
                        assert_true(test_vfs_is_durable(r->t));
                        /* only what discards the original may fail
                         * unnoticed */
                        assert_true(r->t->calls < n || w == 2);
                    } else {
                        assert_int_equal(err, errs[e]);
                        assert_true(on == 1 || seen == 0);
                    }
                    if (on == 0 && r->t->failed != TEST_VFS_REMOVE) {
                        assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 0);
                    }
                    while (test_vfs_entries(r->t, "d/u/tmp") > 1) {
                        uint64_t removed;

                        test_vfs_reset(r->t);
                        assert_int_equal(
                            mk_maildir_sweep(&r->box, UINT64_MAX, 0, &removed),
                            MK_OK);
                        assert_true(removed > 1);
                    }
                    clear_box(r);
                } while (err != MK_OK || r->t->calls >= n);
                assert_true(n > 6);
            }
        }
    }
}

/* F25: every allocation fails in turn. */
static void fault_f25_every_allocation_fails(void **state)
{
    rig *r = *state;
    size_t w;

    for (w = 0; w < WAYS; w++) {
        unsigned n = 0;
        mk_err err;

        do {
            r->a.calls = 0;
            r->a.fail_at = ++n;
            err = ways[w](r);
            if (err != MK_OK) {
                assert_int_equal(err, MK_E_MEMORY);
                assert_int_equal(test_vfs_entries(r->t, "d/u/new"), 0);
            }
            assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 0);
            assert_int_equal(r->a.out_count, 0);
        } while (err != MK_OK);
        assert_true(n > 2);
        clear_box(r);
    }
}

static void fault_f12_short_io_of_every_size(void **state)
{
    rig *r = *state;
    size_t chunk;
    size_t w;

    for (chunk = 1; chunk < 60; chunk += chunk < 8 ? 1 : 17) {
        for (w = 0; w < WAYS; w++) {
            test_vfs_reset(r->t);
            r->t->chunk = chunk;
            assert_int_equal(ways[w](r), MK_OK);
            check_message(r);
            assert_true(test_vfs_is_durable(r->t));
            clear_box(r);
        }
    }
}

static mk_err taken(void *self, mk_dir at, const char *name, mk_dir to,
                    const char *to_name)
{
    static char before[256];
    test_vfs *t = self;

    assert_string_not_equal(before, to_name); /* each try is another name */
    (void)snprintf(before, sizeof before, "%s", to_name);
    return ++t->fail_at <= t->calls
               ? MK_E_EXISTS
               : t->under->entry_rename(NULL, at, name, to, to_name);
}

/* F16: names in new/ that exist are never replaced; ten are tried. */
static void fault_f16_final_name_exists(void **state)
{
    rig *r = *state;
    unsigned n;

    for (n = 0; n <= 10; n++) {
        mk_delivery *d;
        mk_vfs was = r->t->vfs;

        test_vfs_reset(r->t);
        r->t->vfs.entry_rename = taken;
        r->t->only_op = TEST_VFS_LINK; /* counters serve taken() alone */
        r->t->calls = n;
        assert_int_equal(fresh(r, &d), MK_OK);
        assert_int_equal(mk_delivery_whole(d, mk_str_z(TOP), body_parts, 4),
                         MK_OK);
        assert_int_equal(commit(r, d), n < 10 ? MK_OK : MK_E_EXISTS);
        r->t->vfs = was;
        if (n < 10) {
            check_message(r);
        }
        mk_delivery_free(d);
        assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 0);
        clear_box(r);
    }
}

/* The names that a delivery will try are taken by links to a victim. */
static void sec_104_temporary_name_is_guessed(void **state)
{
    rig *r = *state;
    mk_maildir_stamp stamp = {UINT64_C(1700000000000042), 0, 77, 9,
                              MK_STR_INIT("mx.example.org")};
    mk_delivery *d;
    char back[8];
    unsigned i;

    test_vfs_put(r->t, "victim", "v", 1);
    for (i = 0; i < 10; i++) {
        char path[300] = "d/u/tmp/";

        (void)mk_maildir_name_format(&stamp, i, path + 8);
        assert_int_equal(symlink(i % 2 == 0 ? "../../../victim" : "nowhere",
                                 test_vfs_path(r->t, path)),
                         0);
        assert_int_equal(fresh(r, &d), MK_OK);
        r->seq = 0; /* the same stamp again */
        assert_int_equal(mk_delivery_begin(d, mk_str_z("")),
                         i < 9 ? MK_OK : MK_E_EXISTS);
        mk_delivery_free(d);
    }
    assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 10);
    assert_int_equal(test_vfs_contents(r->t, "victim", back, 8), 1);
    assert_int_equal(test_vfs_entries(r->t, "d/u/new"), 0);
}

/* The directories are held open: who swaps the path for a link to elsewhere
 * in the middle of a delivery gets nothing there. */
static void sec_104_directory_swapped_midway(void **state)
{
    rig *r = *state;
    mk_delivery *d;
    char from_path[256];

    assert_int_equal(fresh(r, &d), MK_OK);
    assert_int_equal(mk_delivery_begin(d, mk_str_z(TOP)), MK_OK);
    assert_int_equal(mkdir(test_vfs_path(r->t, "evil"), 0700), 0);
    (void)snprintf(from_path, sizeof from_path, "%s",
                   test_vfs_path(r->t, "d/u"));
    assert_int_equal(rename(from_path, test_vfs_path(r->t, "d/v")), 0);
    assert_int_equal(symlink("../evil", from_path), 0);
    assert_int_equal(mk_delivery_add(d, mk_str_z(BODY)), MK_OK);
    assert_int_equal(mk_delivery_end(d), MK_OK);
    assert_int_equal(commit(r, d), MK_OK);
    assert_int_equal(test_vfs_entries(r->t, "evil"), 0);
    assert_int_equal(test_vfs_entries(r->t, "d/v/new"), 1);
    mk_delivery_free(d);
}

static void fault_f08_space_is_checked_before(void **state)
{
    static const struct {
        uint64_t bytes_min;
        uint64_t inodes_min;
        mk_err err;
    } rows[] = {
        {0, 0, MK_OK},          {1000, 0, MK_OK},       {1001, 0, MK_E_SPACE},
        {0, 50, MK_OK},         {0, 51, MK_E_SPACE},    {1000, 50, MK_OK},
        {1000, 51, MK_E_SPACE}, {1001, 50, MK_E_SPACE},
    };
    rig *r = *state;
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_delivery_config c;
        mk_delivery *d;

        mk_delivery_config_init(&c, sizeof c);
        c.alloc = &r->a.alloc;
        c.box = &r->box;
        c.stamp.seq = i;
        c.free_bytes_min = rows[i].bytes_min;
        c.free_inodes_min = rows[i].inodes_min;
        test_vfs_reset(r->t);
        r->t->space.bytes = 1000;
        r->t->space.inodes = 50;
        assert_int_equal(mk_delivery_new(&c, &d), MK_OK);
        assert_int_equal(mk_delivery_begin(d, mk_str_z("")), rows[i].err);
        mk_delivery_free(d);
        assert_int_equal(mk_delivery_new(&c, &d), MK_OK);
        assert_int_equal(mk_delivery_whole(d, mk_str_z(TOP), body_parts, 4),
                         MK_OK);
        assert_int_equal(commit(r, d), rows[i].err);
        mk_delivery_free(d);
        assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_SPACE),
                         rows[i].bytes_min + rows[i].inodes_min > 0 ? 2 : 0);
        clear_box(r);
    }
}

/* A file system that cannot tell what it has left gets nothing. */
static void fault_f10_space_cannot_be_asked(void **state)
{
    rig *r = *state;
    mk_delivery_config c;
    mk_delivery *d;

    mk_delivery_config_init(&c, sizeof c);
    c.alloc = &r->a.alloc;
    c.box = &r->box;
    c.free_bytes_min = 1;
    r->t->only_op = TEST_VFS_DIR_SPACE;
    r->t->fail_at = 1;
    assert_int_equal(mk_delivery_new(&c, &d), MK_OK);
    assert_int_equal(mk_delivery_begin(d, mk_str_z("")), MK_E_IO);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_CREATE), 0);
    assert_int_equal(mk_delivery_begin(d, mk_str_z("")),
                     MK_OK); /* still fresh */
    mk_delivery_free(d);
}

/* ---- order --------------------------------------------------------------- */

static void calls_out_of_order_are_refused(void **state)
{
    rig *r = *state;
    mk_delivery *a;
    mk_delivery *b;
    mk_delivery *w;

    assert_int_equal(fresh(r, &a), MK_OK);
    assert_int_equal(fresh(r, &b), MK_OK);
    assert_int_equal(fresh(r, &w), MK_OK);
    assert_null(mk_delivery_item(a));
    assert_int_equal(mk_delivery_add(a, mk_str_z("x")), MK_E_STATE);
    assert_int_equal(mk_delivery_end(a), MK_E_STATE);
    assert_int_equal(mk_delivery_copy(b, a, mk_str_z("")), MK_E_STATE);
    assert_int_equal(mk_delivery_begin(a, mk_str_z("Received: x")),
                     MK_E_SYNTAX);
    assert_int_equal(mk_delivery_begin(a, mk_str_z(TOP)), MK_OK);
    assert_null(mk_delivery_item(a));
    assert_int_equal(mk_delivery_begin(a, mk_str_z(TOP)), MK_E_STATE);
    assert_int_equal(mk_delivery_whole(a, mk_str_z(""), NULL, 0), MK_E_STATE);
    assert_int_equal(mk_delivery_copy(b, a, mk_str_z("")), MK_E_STATE);
    assert_int_equal(mk_delivery_copy(a, b, mk_str_z("")), MK_E_STATE);

    assert_int_equal(mk_delivery_add(a, mk_str_z(BODY)), MK_OK);
    assert_int_equal(mk_delivery_end(a), MK_OK);
    assert_int_equal(mk_delivery_add(a, mk_str_z("x")), MK_E_STATE);
    assert_int_equal(mk_delivery_end(a), MK_E_STATE);
    /* what could not be begun may be tried again */
    assert_int_equal(mk_delivery_copy(b, a, mk_str_z("Received: x")),
                     MK_E_SYNTAX);
    r->a.fail_at = r->a.calls + 1;
    assert_int_equal(mk_delivery_copy(b, a, mk_str_z(TOP)), MK_E_MEMORY);
    assert_int_equal(mk_delivery_copy(b, a, mk_str_z(TOP)), MK_OK);
    assert_int_equal(mk_delivery_copy(b, a, mk_str_z(TOP)), MK_E_STATE);

    assert_int_equal(mk_delivery_whole(w, mk_str_z(""), NULL, 0), MK_OK);
    assert_int_equal(mk_delivery_copy(b, w, mk_str_z(TOP)), MK_E_STATE);
    assert_int_equal(mk_delivery_begin(w, mk_str_z("")), MK_E_STATE);
    assert_int_equal(commit(r, w), MK_OK); /* an empty message is one too */

    assert_int_equal(commit(r, a), MK_OK);
    mk_delivery_abort(b);
    assert_null(mk_delivery_item(b));
    assert_int_equal(mk_delivery_add(b, mk_str_z("x")), MK_E_STATE);
    assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 0);
    assert_int_equal(test_vfs_entries(r->t, "d/u/new"), 2);
    mk_delivery_free(a);
    mk_delivery_free(b);
    mk_delivery_free(w);
    mk_delivery_free(NULL);
}

static void after_an_error_only_the_end_is_left(void **state)
{
    rig *r = *state;
    static char much[100000];
    mk_delivery *d;

    assert_int_equal(fresh(r, &d), MK_OK);
    assert_int_equal(mk_delivery_begin(d, mk_str_z(TOP)), MK_OK);
    r->t->only_op = TEST_VFS_WRITE;
    r->t->fail_at = r->t->calls + 1;
    r->t->fail_err = MK_E_SPACE;
    assert_int_equal(mk_delivery_add(d, mk_str_of(much, sizeof much)),
                     MK_E_SPACE);
    assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 0);
    assert_int_equal(mk_delivery_add(d, mk_str_z("x")), MK_E_STATE);
    assert_int_equal(mk_delivery_end(d), MK_E_STATE);
    assert_int_equal(mk_delivery_begin(d, mk_str_z(TOP)), MK_E_STATE);
    assert_null(mk_delivery_item(d));
    mk_delivery_free(d);
}

/* A file in tmp/ that somebody cut is not copied as if it were whole. */
static void a_cut_source_is_not_copied(void **state)
{
    rig *r = *state;
    mk_delivery *a;
    mk_delivery *b;
    char name[256];
    char path[300];

    assert_int_equal(fresh(r, &a), MK_OK);
    assert_int_equal(fresh(r, &b), MK_OK);
    assert_int_equal(stream(a, TOP), MK_OK);
    assert_true(test_vfs_only_entry(r->t, "d/u/tmp", name));
    (void)snprintf(path, sizeof path, "d/u/tmp/%s", name);
    assert_int_equal(truncate(test_vfs_path(r->t, path), TOP_LF + 3), 0);
    assert_int_equal(mk_delivery_copy(b, a, mk_str_z(TOP)), MK_E_IO);
    assert_null(mk_delivery_item(b));
    assert_int_equal(test_vfs_entries(r->t, "d/u/tmp"), 1);
    mk_delivery_free(a);
    mk_delivery_free(b);
}

static void configs_are_checked(void **state)
{
    rig *r = *state;
    mk_maildir closed = {NULL, {-1}, {-1}, {-1}};
    mk_delivery_config good;
    mk_delivery_config c;
    mk_delivery *d = NULL;

    mk_delivery_config_init(&good, sizeof good);
    good.alloc = &r->a.alloc;
    good.box = &r->box;
    c = good;
    c.size = 1;
    assert_int_equal(mk_delivery_new(&c, &d), MK_E_ARG);
    c = good;
    c.alloc = NULL;
    assert_int_equal(mk_delivery_new(&c, &d), MK_E_ARG);
    c = good;
    c.box = NULL;
    assert_int_equal(mk_delivery_new(&c, &d), MK_E_ARG);
    assert_null(d);
    c.box = &closed; /* it may be opened later, but before it is needed */
    assert_int_equal(mk_delivery_new(&c, &d), MK_OK);
    assert_int_equal(mk_delivery_begin(d, mk_str_z("")), MK_E_STATE);
    assert_int_equal(mk_delivery_whole(d, mk_str_z(""), NULL, 0), MK_OK);
    assert_int_equal(commit(r, d), MK_E_STATE);
    mk_delivery_free(d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_way_gives_the_message),
        T(a_whole_message_is_seven_calls),
        T(names_and_sizes_are_told),
        T(big_messages_stream_and_copy),
        T(copies_are_no_hard_links),
        T(fault_f08_every_call_fails),
        T(fault_f08_space_is_checked_before),
        T(fault_f10_space_cannot_be_asked),
        T(fault_f12_short_io_of_every_size),
        T(fault_f16_final_name_exists),
        T(fault_f25_every_allocation_fails),
        T(sec_104_temporary_name_is_guessed),
        T(sec_104_directory_swapped_midway),
        T(calls_out_of_order_are_refused),
        T(after_an_error_only_the_end_is_left),
        T(a_cut_source_is_not_copied),
        T(configs_are_checked),
    };

    return cmocka_run_group_tests_name("store/delivery", tests, NULL, NULL);
}
