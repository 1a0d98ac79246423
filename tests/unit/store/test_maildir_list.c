/* SPDX-License-Identifier: MIT
 *
 * test_maildir_list.c: a Maildir as a maildrop: the order, sizes and unique ids
 * of its messages, hostile names, more messages than are listed, files that
 * move meanwhile, and every call and allocation failing in turn.
 */
#include "drop_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const mk_maildir_list_info *info(const drop_rig *r)
{
    return mk_maildir_list_info_of(r->l);
}

/* ---- entering ------------------------------------------------------------ */

static void what_is_not_there_is_empty(void **state)
{
    static const char *const gone[] = {"d/u/tmp", "d/u/new", "d/u/cur", "d/u",
                                       "d"};
    drop_rig *r = *state;
    size_t i;

    for (i = 0; i < COUNT(gone); i++) {
        assert_int_equal(rmdir(test_vfs_path(r->t, gone[i])), 0);
        test_vfs_reset(r->t);
        assert_int_equal(drop_list(r), MK_OK);
        assert_int_equal(info(r)->count, 0);
        assert_int_equal(info(r)->wire_bytes, 0);
        assert_int_equal(r->box.dir_tmp.id, MK_VFS_NONE);
        assert_int_equal(test_vfs_count(r->t, TEST_VFS_DIR_MAKE), 0);
    }
}

static void sec_104_names_that_leave(void **state)
{
    static const char *const names[] = {"", ".", "..", "../d", "a/b", "a\nb"};
    drop_rig *r = *state;
    size_t i;

    for (i = 0; i < COUNT(names); i++) {
        mk_str name = mk_str_z(names[i]);

        assert_true(mk_maildir_enter(&r->t->vfs, r->t->root_dir, name,
                                     mk_str_z("u"), &r->box) < 0);
        assert_true(mk_maildir_enter(&r->t->vfs, r->t->root_dir, mk_str_z("d"),
                                     name, &r->box) < 0);
        assert_null(r->box.vfs);
    }
}

static void sec_104_a_trap_is_not_entered(void **state)
{
    static const char *const places[] = {"d/u/new", "d/u/cur", "d/u", "d"};
    drop_rig *r = *state;
    size_t i;

    assert_int_equal(mkdir(test_vfs_path(r->t, "evil"), 0700), 0);
    assert_int_equal(rmdir(test_vfs_path(r->t, "d/u/tmp")), 0);
    for (i = 0; i < COUNT(places); i++) {
        char path[256];

        (void)snprintf(path, sizeof path, "%s", test_vfs_path(r->t, places[i]));
        assert_int_equal(chmod(path, 0703), 0);
        assert_int_equal(drop_list(r), MK_E_ACCESS);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(symlink(test_vfs_path(r->t, "evil"), path), 0);
        assert_int_equal(drop_list(r), MK_E_KIND);
        assert_int_equal(unlink(path), 0);
    }
}

/* ---- order --------------------------------------------------------------- */

static void in_the_order_of_delivery(void **state)
{
    static const char *const ordered[] = {
        "new/-",
        "cur/999.M1P1.h:2,S",
        "new/1700000000.M5P9.h,S=1,W=1",
        "cur/1700000000.M05P9.h,S=1,W=1:2,",
        "cur/1700000000.M50P1.h:2,S",
        "new/1700000000.M999999P1.h",
        "new/1700000001.M1P1Q9.h",
        "cur/1700000001.M1P1Q10.h:2,",
        "new/18446744073709551616.M1.h",
        "cur/99999999999999999999999999999999999999.M1.h:2,",
        "new/no time stamp",
        "new/z",
    };
    drop_rig *r = *state;
    size_t i;

    for (i = 0; i < COUNT(ordered); i++) {
        drop_put(r, ordered[i * 5 % COUNT(ordered)], "x\n");
    }
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(info(r)->count, COUNT(ordered));
    for (i = 0; i < COUNT(ordered); i++) {
        const char *name = ordered[i] + 4;
        size_t n = strcspn(name, ":");

        if (strchr(name, ' ') == NULL) {
            assert_memory_equal(drop_uid(r, (uint32_t)i), name, n);
            assert_int_equal(strlen(drop_uid(r, (uint32_t)i)), n);
        }
    }
}

/* ---- sizes --------------------------------------------------------------- */

static void sizes_are_those_of_the_wire(void **state)
{
    static const struct {
        const char *path;
        const char *octets;
        uint64_t wire;
        bool is_read; /* all of it */
    } rows[] = {
        {"new/1", "a\nb\n", 6, true},
        {"new/1,S=4,W=6", "a\nb\n", 6, false},
        {"cur/1,S=4,W=6:2,S", "a\nb\n", 6, false},
        {"new/1,S=3,W=4", "a\nb", 6, false}, /* the end of its last line */
        {"new/1", "a\nb", 6, true},
        {"new/1,S=5,W=6", "a\nb\n", 6, true}, /* S lies, so W may */
        {"new/1,W=9", "a\nb\n", 6, true},     /* S is missing */
        {"new/1,S=4", "a\nb\n", 6, true},     /* S is not the wire's size */
        {"new/1,S=4,W=3", "a\nb\n", 6, true}, /* cannot be */
        {"new/1,S=4,W=9", "a\nb\n", 6, true}, /* likewise */
        {"new/1,S=4,W=99999999999999999999", "a\nb\n", 6, true},
        {"new/1", "a\r\nb\r\n", 6, true}, /* CRLF on disk */
        {"new/1", "a\r\nb\n", 6, true},
        {"new/1", "a\rb\n", 5, true},
        {"new/1", "", 0, true},
        {"new/1,S=0,W=0", "", 0, false},
        {"new/,S=2", "a\n", 3, true},
    };
    drop_rig *r = *state;
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        mk_str wire;

        drop_clear(r);
        drop_put(r, rows[i].path, rows[i].octets);
        test_vfs_reset(r->t);
        assert_int_equal(drop_list(r), MK_OK);
        assert_int_equal(info(r)->count, 1);
        assert_int_equal(mk_maildir_list_size(r->l, 0), rows[i].wire);
        assert_int_equal(info(r)->wire_bytes, rows[i].wire);
        assert_int_equal(mk_maildir_list_size(r->l, 1), 0);
        /* and that is what reading it gives */
        assert_int_equal(drop_read(r, 0, 64, &wire), MK_OK);
        assert_int_equal(wire.len, rows[i].wire);
    }
}

/* A name that tells its size spares reading a large file. */
static void a_name_spares_reading(void **state)
{
    static char octets[200001];
    drop_rig *r = *state;

    memset(octets, 'x', sizeof octets - 2);
    octets[sizeof octets - 2] = '\n';
    drop_put(r, "new/1,S=200000,W=200001", octets);
    test_vfs_reset(r->t);
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(mk_maildir_list_size(r->l, 0), 200001);
    assert_int_equal(test_vfs_count(r->t, TEST_VFS_READ), 1);
    drop_move(r, "new/1,S=200000,W=200001", "new/1");
    test_vfs_reset(r->t);
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(mk_maildir_list_size(r->l, 0), 200001);
    assert_true(test_vfs_count(r->t, TEST_VFS_READ) >= 4);
}

/* ---- unique ids ---------------------------------------------------------- */

#define X70                                                                    \
    "1234567890123456789012345678901234567890123456789012345678901234567890"

static void ids_are_names_or_hashes(void **state)
{
    static const struct {
        const char *path;
        const char *key;
        bool is_hash;
    } rows[] = {
        {"new/1700000000.M1P1.h,S=4,W=6", "1700000000.M1P1.h,S=4,W=6", false},
        {"cur/1700000000.M1P1.h:2,RS", "1700000000.M1P1.h", false},
        {"cur/1:1,odd", "1", false},
        {"new/" X70, X70, false},
        {"cur/" X70 ":2,S", X70, false},
        {"new/" X70 "1", X70 "1", true},
        {"new/a b", "a b", true},
        {"cur/a\nb:2,", "a\nb", true},
        {"new/\x7f", "\x7f", true},
        {"new/\xff\xfe", "\xff\xfe", true},
        {"new/!~", "!~", false},
    };
    drop_rig *r = *state;
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        unsigned char hash[MK_HASH_SIZE_MAX];
        char hex[33];
        size_t k;

        drop_clear(r);
        drop_put(r, rows[i].path, "x\n");
        assert_int_equal(drop_list(r), MK_OK);
        assert_int_equal(info(r)->count, 1);
        assert_int_equal(mk_hash_once(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                      mk_str_z(rows[i].key), hash),
                         MK_OK);
        for (k = 0; k < 16; k++) {
            (void)snprintf(hex + 2 * k, 3, "%02X", hash[k]);
        }
        assert_string_equal(drop_uid(r, 0),
                            rows[i].is_hash ? hex : rows[i].key);
    }
}

static void ids_of_nobody(void **state)
{
    drop_rig *r = *state;
    char mem[4];
    mk_buf b;

    drop_put(r, "new/12345", "x\n");
    assert_int_equal(drop_list(r), MK_OK);
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_maildir_list_uid(r->l, 1, &b), MK_E_ARG);
    assert_int_equal(mk_maildir_list_uid(r->l, 0, &b), MK_E_ROOM);
}

/* ---- hostile names ------------------------------------------------------- */

static void sec_104_what_is_no_message(void **state)
{
    drop_rig *r = *state;
    char path[512];

    drop_put(r, "new/1", "x\n");
    drop_put(r, "cur/.hidden:2,S", "x\n");
    drop_put(r, "cur/:2,S", "x\n");
    (void)snprintf(path, sizeof path, "%s", test_vfs_path(r->t, "d/u/new/2"));
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s", test_vfs_path(r->t, "d/u/new/3"));
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)snprintf(path, sizeof path, "%s", test_vfs_path(r->t, "d/u/new/4"));
    assert_int_equal(symlink("1", path), 0);
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(info(r)->count, 1);
    assert_int_equal(info(r)->unreadable, 0);
    assert_string_equal(drop_uid(r, 0), "1");
}

static unsigned fake_names;

/* A table that gives names which no directory can hold. */
static mk_err fake_list_read(void *self, mk_listing l, char *out)
{
    static const char *const names[] = {"../x", "a/b", "/abs", "",
                                        ".",    "..",  ":/",   "a/:2,S"};
    (void)self;
    (void)l;
    if (fake_names >= COUNT(names)) {
        return MK_END;
    }
    memcpy(out, names[fake_names], strlen(names[fake_names]) + 1);
    fake_names++;
    return MK_OK;
}

static void sec_104_names_that_are_paths(void **state)
{
    drop_rig *r = *state;
    size_t i;

    fake_names = 0;
    r->t->vfs.list_read = fake_list_read;
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(info(r)->count, 0);
    for (i = 0; i < r->t->n; i++) { /* not even tried */
        assert_int_not_equal(r->t->trace[i].op, TEST_VFS_OPEN);
    }
}

/* 255 octets: there is no room for flags behind it. */
static void sec_104_the_longest_name(void **state)
{
    drop_rig *r = *state;
    char path[300] = "new/";
    mk_str wire;

    memset(path + 4, 'n', 255);
    drop_put(r, path, "x\n");
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(info(r)->count, 1);
    assert_int_equal(strlen(drop_uid(r, 0)), 32);
    assert_int_equal(drop_read(r, 0, 64, &wire), MK_OK);
    drop_move(r, path, "tmp/x");
    assert_int_equal(drop_read(r, 0, 64, &wire), MK_E_NOENT);
}

/* ---- many ---------------------------------------------------------------- */

static void the_oldest_are_listed(void **state)
{
    drop_rig *r = *state;
    unsigned total;
    unsigned max;
    unsigned i;

    for (total = 1; total <= 40; total += 13) {
        drop_clear(r);
        for (i = 0; i < total; i++) {
            char path[32];

            (void)snprintf(path, sizeof path, "%s/%u%s",
                           i % 3 == 0 ? "cur" : "new", 1000 + i * 11 % total,
                           i % 3 == 0 ? ":2,S" : "");
            drop_put(r, path, "x\n");
        }
        for (max = 1; max <= total + 1; max++) {
            unsigned want = max < total ? max : total;

            test_vfs_reset(r->t);
            r->c.messages_max = max;
            assert_int_equal(drop_list(r), MK_OK);
            assert_int_equal(info(r)->count, want);
            assert_int_equal(info(r)->left_out, total - want);
            assert_int_equal(info(r)->wire_bytes, want * 3);
            for (i = 0; i < want; i++) {
                char uid[16];

                (void)snprintf(uid, sizeof uid, "%u", 1000 + i);
                assert_string_equal(drop_uid(r, i), uid);
            }
        }
    }
}

static void memory_is_told(void **state)
{
    drop_rig *r = *state;
    char path[64];
    unsigned i;

    for (i = 0; i < 300; i++) {
        (void)snprintf(path, sizeof path, "new/17000%05u.M1P1Q1R0.host", i);
        drop_put(r, path, "x\n");
    }
    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(r->a.out_bytes, info(r)->memory_bytes);
    assert_true(info(r)->memory_bytes < 300 * 100);
}

/* ---- somebody else is at work -------------------------------------------- */

static void seen(const drop_rig *r)
{
    drop_move(r, "new/1", "cur/1:2,");
}

static void flagged(const drop_rig *r)
{
    drop_move(r, "cur/2:2,S", "cur/2:2,DFRST");
}

static void expunged(const drop_rig *r)
{
    assert_int_equal(unlink(test_vfs_path(r->t, "d/u/cur/2:2,S")), 0);
}

static void what_moves_is_listed_once(void **state)
{
    static const struct {
        void (*meddle)(const drop_rig *r);
        test_vfs_op op;
        unsigned at;
        unsigned count;
        const char *uids[3];
    } rows[] = {
        /* between the walks of new/ and cur/ */
        {seen, TEST_VFS_LIST_OPEN, 2, 3, {"1", "2", "3"}},
        {flagged, TEST_VFS_LIST_OPEN, 2, 3, {"1", "2", "3"}},
        {expunged, TEST_VFS_LIST_OPEN, 2, 2, {"1", "3"}},
        /* between walk and size */
        {seen, TEST_VFS_OPEN, 1, 3, {"1", "2", "3"}},
        {flagged, TEST_VFS_OPEN, 1, 3, {"1", "2", "3"}},
        {expunged, TEST_VFS_OPEN, 1, 2, {"1", "3"}},
    };
    drop_rig *r = *state;
    size_t i;
    uint32_t k;

    for (i = 0; i < COUNT(rows); i++) {
        drop_clear(r);
        drop_put(r, "new/1", "a\n");
        drop_put(r, "cur/2:2,S", "bb\n");
        drop_put(r, "new/3", "ccc\n");
        r->meddle = rows[i].meddle;
        r->meddle_op = rows[i].op;
        r->meddle_at = rows[i].at;
        assert_int_equal(drop_list(r), MK_OK);
        assert_int_equal(r->meddle_at, 0);
        assert_int_equal(info(r)->count, rows[i].count);
        assert_int_equal(info(r)->left_out, 0);
        for (k = 0; k < rows[i].count; k++) {
            assert_string_equal(drop_uid(r, k), rows[i].uids[k]);
            assert_int_equal(mk_maildir_list_size(r->l, k),
                             rows[i].uids[k][0] - '0' + 2);
        }
    }
}

/* ---- failures ------------------------------------------------------------ */

/* Some files make the listing fail; what is wrong with one only, leaves it
 * out. */
static void fault_f18_every_call_fails(void **state)
{
    static const mk_err errs[] = {MK_E_IO, MK_E_FILES, MK_E_ACCESS,
                                  MK_E_MEMORY};
    drop_rig *r = *state;
    size_t e;
    unsigned n;

    drop_put(r, "new/1,S=2,W=3", "x\n");
    drop_put(r, "cur/2:2,S", "x\n");
    for (e = 0; e < COUNT(errs); e++) {
        unsigned refused = 0;
        unsigned left_out = 0;

        for (n = 1;; n++) {
            mk_err err;
            bool is_over;

            test_vfs_reset(r->t);
            r->t->fail_at = n;
            r->t->fail_err = errs[e];
            err = drop_list(r);
            is_over = r->t->calls < n;
            r->t->fail_at = 0;
            if (err != MK_OK) {
                assert_int_equal(err, errs[e]);
                refused++;
            } else {
                assert_int_equal(info(r)->count + info(r)->unreadable, 2);
                left_out += info(r)->unreadable;
            }
            if (is_over) {
                assert_int_equal(err, MK_OK);
                break;
            }
        }
        assert_true(refused >= 10); /* ways, walks */
        assert_int_equal(left_out,
                         errs[e] == MK_E_FILES || errs[e] == MK_E_MEMORY
                             ? 0
                             : 6); /* open, stat, read of each */
    }
}

static void every_allocation_fails(void **state)
{
    drop_rig *r = *state;
    char path[300];
    unsigned i;
    unsigned n;

    for (i = 0; i < 140; i++) {
        (void)snprintf(path, sizeof path, "new/%u.%0100u", i, i);
        drop_put(r, path, "x\n");
    }
    r->c.messages_max = 40;
    for (n = 1;; n++) {
        mk_err err;

        drop_forget(r);
        r->a.calls = 0;
        r->a.fail_at = n;
        err = drop_list(r);
        if (r->a.calls < n) {
            assert_int_equal(err, MK_OK);
            break;
        }
        assert_int_equal(err, MK_E_MEMORY);
        assert_int_equal(r->a.out_count, 0);
    }
    assert_true(n > 10);
    r->a.fail_at = 0;
}

static mk_err no_hash(mk_hash_context *c, mk_hash hash)
{
    (void)c;
    (void)hash;
    return MK_E_CRYPTO;
}

static void no_hash_no_id(void **state)
{
    drop_rig *r = *state;
    mk_crypto broken = *mk_crypto_mbedtls();
    char mem[80];
    mk_buf b;

    broken.hash_init = no_hash;
    r->c.crypto = &broken;
    drop_put(r, "new/a b", "x\n");
    assert_int_equal(drop_list(r), MK_OK);
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_maildir_list_uid(r->l, 0, &b), MK_E_CRYPTO);
    drop_forget(r);
}

static void settings_are_looked_at(void **state)
{
    drop_rig *r = *state;
    mk_maildir_list_config c;
    mk_maildir closed = {NULL, {-1}, {-1}, {-1}};
    mk_maildir_list *l;

    assert_int_equal(drop_list(r), MK_OK);
    assert_int_equal(mk_maildir_list_config_init(&c, 1), MK_E_ARG);
    assert_int_equal(mk_maildir_list_config_init(NULL, sizeof c), MK_E_ARG);
    assert_int_equal(mk_maildir_list_config_init(&c, sizeof c), MK_OK);
    assert_int_equal(c.messages_max, 100000);
    assert_int_equal(mk_maildir_list_open(&c, &r->box, &l), MK_E_ARG);
    c = r->c;
    c.crypto = NULL;
    assert_int_equal(mk_maildir_list_open(&c, &r->box, &l), MK_E_ARG);
    c = r->c;
    c.messages_max = 0;
    assert_int_equal(mk_maildir_list_open(&c, &r->box, &l), MK_E_ARG);
    c.messages_max = 10000001;
    assert_int_equal(mk_maildir_list_open(&c, &r->box, &l), MK_E_ARG);
    assert_int_equal(mk_maildir_list_open(&r->c, &closed, &l), MK_E_ARG);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, drop_rig_open, drop_rig_close)
    const struct CMUnitTest tests[] = {
        T(what_is_not_there_is_empty),
        T(sec_104_names_that_leave),
        T(sec_104_a_trap_is_not_entered),
        T(in_the_order_of_delivery),
        T(sizes_are_those_of_the_wire),
        T(a_name_spares_reading),
        T(ids_are_names_or_hashes),
        T(ids_of_nobody),
        T(sec_104_what_is_no_message),
        T(sec_104_names_that_are_paths),
        T(sec_104_the_longest_name),
        T(the_oldest_are_listed),
        T(memory_is_told),
        T(what_moves_is_listed_once),
        T(fault_f18_every_call_fails),
        T(every_allocation_fails),
        T(no_hash_no_id),
        T(settings_are_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
