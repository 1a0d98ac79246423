/* SPDX-License-Identifier: MIT
 *
 * drop_rig.c: the Maildir is d/u below the root of a test_vfs.
 */
#include "drop_rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static drop_rig rig;
static mk_vfs under;

static void meddle(test_vfs_op op)
{
    if (op == rig.meddle_op && rig.meddle_at > 0 && --rig.meddle_at == 0) {
        rig.meddle(&rig);
    }
}

static mk_err list_open(void *self, mk_dir dir, mk_listing *out)
{
    meddle(TEST_VFS_LIST_OPEN);
    return under.list_open(self, dir, out);
}

static mk_err file_open(void *self, mk_dir at, const char *name, mk_file *out)
{
    meddle(TEST_VFS_OPEN);
    return under.file_open(self, at, name, out);
}

int drop_rig_open(void **state)
{
    static const char *const dirs[] = {"d", "d/u", "d/u/new", "d/u/cur",
                                       "d/u/tmp"};
    size_t i;

    memset(&rig, 0, sizeof rig);
    rig.fds = test_fd_count();
    rig.t = test_vfs_open();
    under = rig.t->vfs;
    rig.t->vfs.list_open = list_open;
    rig.t->vfs.file_open = file_open;
    test_alloc_init(&rig.a);
    (void)mk_maildir_list_config_init(&rig.c, sizeof rig.c);
    rig.c.alloc = &rig.a.alloc;
    rig.c.crypto = mk_crypto_mbedtls();
    for (i = 0; i < 5; i++) {
        if (mkdir(test_vfs_path(rig.t, dirs[i]), 0700) != 0) {
            return -1;
        }
    }
    *state = &rig;
    return 0;
}

int drop_rig_close(void **state)
{
    drop_rig *r = *state;

    drop_forget(r);
    test_vfs_close(r->t);
    return test_fd_count() == r->fds && r->a.out_count == 0 ? 0 : -1;
}

static const char *at(const drop_rig *r, const char *path)
{
    char whole[512];

    assert_true(strlen(path) < sizeof whole - 5);
    (void)snprintf(whole, sizeof whole, "d/u/%.500s", path);
    return test_vfs_path(r->t, whole);
}

void drop_put(const drop_rig *r, const char *path, const char *octets)
{
    FILE *f = fopen(at(r, path), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(octets, 1, strlen(octets), f), strlen(octets));
    assert_int_equal(fclose(f), 0);
}

void drop_move(const drop_rig *r, const char *path, const char *to)
{
    char name[1024];

    (void)snprintf(name, sizeof name, "%s", at(r, path));
    assert_int_equal(rename(name, at(r, to)), 0);
}

bool drop_has(const drop_rig *r, const char *path)
{
    struct stat st;

    return lstat(at(r, path), &st) == 0;
}

static void empty(const drop_rig *r, const char *dir)
{
    char path[1024];
    DIR *d = opendir(at(r, dir));
    const struct dirent *e;

    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            assert_int_equal(remove(at(r, path)), 0);
        }
    }
    (void)closedir(d);
}

void drop_clear(drop_rig *r)
{
    drop_forget(r);
    empty(r, "new");
    empty(r, "cur");
}

void drop_forget(drop_rig *r)
{
    mk_maildir_list_close(r->l);
    r->l = NULL;
    mk_maildir_close(&r->box);
}

mk_err drop_list(drop_rig *r)
{
    mk_err err;

    drop_forget(r);
    err = mk_maildir_enter(&r->t->vfs, r->t->root_dir, mk_str_z("d"),
                           mk_str_z("u"), &r->box);
    return err == MK_OK ? mk_maildir_list_open(&r->c, &r->box, &r->l) : err;
}

const char *drop_uid(const drop_rig *r, uint32_t i)
{
    static char uid[MK_MAILDIR_UID_MAX + 1];
    mk_buf b;

    mk_buf_init(&b, uid, MK_MAILDIR_UID_MAX);
    assert_int_equal(mk_maildir_list_uid(r->l, i, &b), MK_OK);
    uid[b.len] = '\0';
    return uid;
}

mk_err drop_read(const drop_rig *r, uint32_t i, size_t max, mk_str *out)
{
    static char all[1 << 20];
    mk_maildir_reader reader;
    size_t have = 0;
    bool is_last = false;
    mk_err err = mk_maildir_reader_open(&reader, r->l, &r->box, i);

    if (err != MK_OK) {
        return err;
    }
    while (err == MK_OK && !is_last) {
        char *piece = malloc(max); /* ASan sees its end */
        size_t n = 0;

        assert_non_null(piece);
        err = mk_maildir_reader_read(&reader, piece, max, &n, &is_last);
        assert_true(err != MK_OK || is_last || n > 0);
        assert_true(n <= max && have + n <= sizeof all);
        memcpy(all + have, piece, n);
        have += n;
        free(piece);
    }
    mk_maildir_reader_close(&reader);
    mk_maildir_reader_close(&reader); /* twice is fine */
    *out = mk_str_of(all, have);
    return err;
}
