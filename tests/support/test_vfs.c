/* SPDX-License-Identifier: MIT
 *
 * test_vfs.c: see test_vfs.h. Failing a call means that it is not made at
 * all, but for close, where the descriptor is gone in any case.
 */
#include "test_vfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <mailkit/disk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    abort();
}

static test_vfs_step *note(test_vfs *t, test_vfs_op op, mk_dir dir,
                           const char *name)
{
    test_vfs_step *s;

    if (t->n == TEST_VFS_TRACE_MAX) {
        die("trace is full");
    }
    s = &t->trace[t->n++];
    memset(s, 0, sizeof *s);
    s->op = op;
    s->dir = dir.id;
    size_t len = strnlen(name, sizeof s->name - 1);
    memcpy(s->name, name, len);
    return s;
}

/* One call that can fail: counted, and failed when it is its turn. */
static mk_err turn(test_vfs *t, test_vfs_op op)
{
    if (t->only_op >= 0 && t->only_op != (int)op) {
        return MK_OK;
    }
    t->calls++;
    if (t->fail_at == 0 || t->calls < t->fail_at ||
        (t->calls > t->fail_at && !t->fail_on)) {
        return MK_OK;
    }
    if (t->calls == t->fail_at) {
        t->failed = op;
    }
    return t->fail_err;
}

static const mk_dir no_dir = {-1};

static void check_handle(intptr_t id)
{
    if (id < 0 || id >= TEST_VFS_HANDLES_MAX) {
        die("handle");
    }
}

static const char *file_name(const test_vfs *t, mk_file f)
{
    check_handle(f.id);
    return t->files[f.id];
}

/* Notes the step and makes the call unless it is its turn to fail. */
#define RUN(step, op, call)                                                    \
    do {                                                                       \
        (step)->err = turn(t, (op));                                           \
        if ((step)->err == MK_OK) {                                            \
            (step)->err = (call);                                              \
        }                                                                      \
        return (step)->err;                                                    \
    } while (0)

/* The trace knows a directory by the handle that it was opened by first. */
static mk_err again(test_vfs *t, mk_err err, mk_dir at, const char *name,
                    mk_dir out)
{
    if (err == MK_OK) {
        check_handle(out.id);
        t->again[out.id] = strcmp(name, ".") == 0 ? at.id : out.id;
    }
    return err;
}

static mk_err dir_open(void *self, mk_dir at, const char *name, mk_dir *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_DIR_OPEN, at, name);

    RUN(s, s->op,
        again(t, t->under->dir_open(t->under->self, at, name, out), at, name,
              *out));
}

static void dir_close(void *self, mk_dir dir)
{
    test_vfs *t = self;

    t->under->dir_close(t->under->self, dir);
}

static mk_err dir_make(void *self, mk_dir at, const char *name)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_DIR_MAKE, at, name);

    RUN(s, s->op, t->under->dir_make(t->under->self, at, name));
}

static mk_err dir_sync(void *self, mk_dir dir)
{
    test_vfs *t = self;
    test_vfs_step *s =
        note(t, TEST_VFS_DIR_SYNC, (mk_dir){t->again[dir.id]}, "");

    RUN(s, s->op, t->under->dir_sync(t->under->self, dir));
}

static mk_err dir_stat(void *self, mk_dir dir, mk_vfs_stat *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_DIR_STAT, dir, "");

    RUN(s, s->op, t->under->dir_stat(t->under->self, dir, out));
}

static mk_err space_of(test_vfs *t, mk_dir dir, mk_vfs_space *out)
{
    if (t->space.bytes != 0) {
        *out = t->space;
        return MK_OK;
    }
    return t->under->dir_space(t->under->self, dir, out);
}

static mk_err dir_space(void *self, mk_dir dir, mk_vfs_space *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_DIR_SPACE, dir, "");

    RUN(s, s->op, space_of(t, dir, out));
}

static mk_err list_open(void *self, mk_dir dir, mk_listing *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_LIST_OPEN, dir, "");

    RUN(s, s->op, t->under->list_open(t->under->self, dir, out));
}

static mk_err list_read(void *self, mk_listing l, char *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_LIST_READ, no_dir, "");

    RUN(s, s->op, t->under->list_read(t->under->self, l, out));
}

static void list_close(void *self, mk_listing l)
{
    test_vfs *t = self;

    t->under->list_close(t->under->self, l);
}

static mk_err named(test_vfs *t, mk_err err, const char *name, mk_file f)
{
    if (err == MK_OK) {
        check_handle(f.id);
        (void)snprintf(t->files[f.id], sizeof t->files[0], "%s", name);
    }
    return err;
}

static mk_err file_create(void *self, mk_dir at, const char *name, mk_file *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_CREATE, at, name);

    RUN(s, s->op,
        named(t, t->under->file_create(t->under->self, at, name, out), name,
              *out));
}

static mk_err file_open(void *self, mk_dir at, const char *name, mk_file *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_OPEN, at, name);

    RUN(s, s->op,
        named(t, t->under->file_open(t->under->self, at, name, out), name,
              *out));
}

static mk_err file_write(void *self, mk_file f, uint64_t offset, mk_str data,
                         size_t *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_WRITE, no_dir, file_name(t, f));

    if (t->chunk != 0 && data.len > t->chunk) {
        data.len = t->chunk;
    }
    RUN(s, s->op, t->under->file_write(t->under->self, f, offset, data, out));
}

static mk_err file_read(void *self, mk_file f, uint64_t offset, void *mem,
                        size_t max, size_t *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_READ, no_dir, file_name(t, f));

    if (t->chunk != 0 && max > t->chunk) {
        max = t->chunk;
    }
    RUN(s, s->op,
        t->under->file_read(t->under->self, f, offset, mem, max, out));
}

static void file_flush(void *self, mk_file f)
{
    test_vfs *t = self;

    (void)note(t, TEST_VFS_FLUSH, no_dir, file_name(t, f));
    t->under->file_flush(t->under->self, f);
}

static mk_err file_sync(void *self, mk_file f)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_SYNC, no_dir, file_name(t, f));

    RUN(s, s->op, t->under->file_sync(t->under->self, f));
}

static mk_err file_close(void *self, mk_file f)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_CLOSE, no_dir, file_name(t, f));
    mk_err err = t->under->file_close(t->under->self, f);

    RUN(s, s->op, err);
}

static mk_err file_stat(void *self, mk_file f, mk_vfs_stat *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_STAT, no_dir, file_name(t, f));

    RUN(s, s->op, t->under->file_stat(t->under->self, f, out));
}

static mk_err entry_stat(void *self, mk_dir at, const char *name,
                         mk_vfs_stat *out)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_ENTRY_STAT, at, name);

    RUN(s, s->op, t->under->entry_stat(t->under->self, at, name, out));
}

static mk_err entry_rename(void *self, mk_dir at, const char *name, mk_dir to,
                           const char *to_name)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_RENAME, to, name);

    (void)snprintf(s->to_name, sizeof s->to_name, "%s", to_name);
    RUN(s, s->op,
        t->under->entry_rename(t->under->self, at, name, to, to_name));
}

static mk_err entry_link(void *self, mk_dir at, const char *name, mk_dir to,
                         const char *to_name)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_LINK, to, name);

    (void)snprintf(s->to_name, sizeof s->to_name, "%s", to_name);
    RUN(s, s->op, t->under->entry_link(t->under->self, at, name, to, to_name));
}

static mk_err entry_remove(void *self, mk_dir at, const char *name)
{
    test_vfs *t = self;
    test_vfs_step *s = note(t, TEST_VFS_REMOVE, at, name);

    RUN(s, s->op, t->under->entry_remove(t->under->self, at, name));
}

static const mk_vfs table = {
    .size = sizeof(mk_vfs),
    .dir_open = dir_open,
    .dir_close = dir_close,
    .dir_make = dir_make,
    .dir_sync = dir_sync,
    .dir_stat = dir_stat,
    .dir_space = dir_space,
    .list_open = list_open,
    .list_read = list_read,
    .list_close = list_close,
    .file_create = file_create,
    .file_open = file_open,
    .file_write = file_write,
    .file_read = file_read,
    .file_flush = file_flush,
    .file_sync = file_sync,
    .file_close = file_close,
    .file_stat = file_stat,
    .entry_stat = entry_stat,
    .entry_rename = entry_rename,
    .entry_link = entry_link,
    .entry_remove = entry_remove,
};

test_vfs *test_vfs_open(void)
{
    test_vfs *t = calloc(1, sizeof *t);
    mk_dir none = {MK_VFS_NONE};

    if (t == NULL) {
        die("calloc");
    }
    t->vfs = table;
    t->vfs.self = t;
    t->under = mk_vfs_posix();
    (void)snprintf(t->root, sizeof t->root, "/tmp/mk-test-XXXXXX");
    if (mkdtemp(t->root) == NULL ||
        t->under->dir_open(t->under->self, none, t->root, &t->root_dir) !=
            MK_OK) {
        die("mkdtemp");
    }
    test_vfs_reset(t);
    return t;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void test_vfs_close(test_vfs *t)
{
    t->under->dir_close(t->under->self, t->root_dir);
    (void)nftw(t->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(t);
}

void test_vfs_reset(test_vfs *t)
{
    t->calls = 0;
    t->fail_at = 0;
    t->fail_on = false;
    t->fail_err = MK_E_IO;
    t->only_op = -1;
    t->chunk = 0;
    t->space.bytes = 0;
    t->n = 0;
}

void test_vfs_report(test_vfs *t, const char *name)
{
    (void)note(t, TEST_VFS_REPORTED, no_dir, name);
}

unsigned test_vfs_count(const test_vfs *t, test_vfs_op op)
{
    unsigned n = 0;
    size_t i;

    for (i = 0; i < t->n; i++) {
        n += t->trace[i].op == op && t->trace[i].err == MK_OK ? 1u : 0u;
    }
    return n;
}

/* Follows one reported name backwards through what must precede it. */
static bool step_is_durable(const test_vfs *t, size_t reported)
{
    const char *final = t->trace[reported].name;
    const char *tmp = NULL;
    intptr_t dir = -1;
    bool dir_synced = false;
    bool synced = false;
    size_t i = reported;

    while (i-- > 0) {
        const test_vfs_step *s = &t->trace[i];

        if (s->err != MK_OK) {
            continue;
        }
        if (tmp == NULL && s->op == TEST_VFS_RENAME &&
            strcmp(s->to_name, final) == 0) {
            size_t k;

            tmp = s->name;
            dir = s->dir;
            for (k = i; k < reported; k++) {
                dir_synced =
                    dir_synced ||
                    (t->trace[k].op == TEST_VFS_DIR_SYNC &&
                     t->trace[k].err == MK_OK && t->trace[k].dir == dir);
            }
        } else if (tmp != NULL && strcmp(s->name, tmp) == 0) {
            if (s->op == TEST_VFS_SYNC) {
                synced = true;
            } else if (s->op == TEST_VFS_WRITE && !synced) {
                return false;
            }
        }
    }
    return tmp != NULL && synced && dir_synced;
}

bool test_vfs_is_durable(const test_vfs *t)
{
    bool any = false;
    size_t i;

    for (i = 0; i < t->n; i++) {
        if (t->trace[i].op == TEST_VFS_REPORTED) {
            any = true;
            if (!step_is_durable(t, i)) {
                return false;
            }
        }
    }
    return any;
}

const char *test_vfs_path(const test_vfs *t, const char *path)
{
    static char full[1024];

    (void)snprintf(full, sizeof full, "%s/%s", t->root, path);
    return full;
}

int test_vfs_entries(const test_vfs *t, const char *path)
{
    DIR *d = opendir(test_vfs_path(t, path));
    const struct dirent *e;
    int n = 0;

    if (d == NULL) {
        return -1;
    }
    while ((e = readdir(d)) != NULL) {
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    (void)closedir(d);
    return n;
}

bool test_vfs_only_entry(const test_vfs *t, const char *path, char out[256])
{
    DIR *d = opendir(test_vfs_path(t, path));
    const struct dirent *e;
    int n = 0;

    if (d == NULL) {
        return false;
    }
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            (void)snprintf(out, 256, "%s", e->d_name);
            n++;
        }
    }
    (void)closedir(d);
    return n == 1;
}

bool test_vfs_clear(const test_vfs *t, const char *path)
{
    DIR *d = opendir(test_vfs_path(t, path));
    const struct dirent *e;
    bool good = d != NULL;

    while (good && (e = readdir(d)) != NULL) {
        good = e->d_name[0] == '.' || unlinkat(dirfd(d), e->d_name, 0) == 0;
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return good && test_vfs_entries(t, path) == 0;
}

long test_vfs_contents(const test_vfs *t, const char *path, void *out,
                       size_t max)
{
    int fd = open(test_vfs_path(t, path), O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return -1;
    }
    n = read(fd, out, max);
    (void)close(fd);
    return (long)n;
}

void test_vfs_put(const test_vfs *t, const char *path, const void *data,
                  size_t n)
{
    int fd = open(test_vfs_path(t, path), O_CREAT | O_TRUNC | O_WRONLY, 0600);

    if (fd < 0 || write(fd, data, n) != (ssize_t)n) {
        die(path);
    }
    (void)close(fd);
}

int test_fd_count(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    if (d == NULL) {
        die("/proc/self/fd");
    }
    while (readdir(d) != NULL) {
        n++;
    }
    (void)closedir(d);
    return n;
}

static void *alloc_get(void *self, size_t n)
{
    test_alloc *a = self;
    void *p;

    a->calls++;
    if (a->calls == a->fail_at) {
        return NULL;
    }
    p = malloc(n);
    if (p != NULL) {
        a->out_count++;
        a->out_bytes += n;
    }
    return p;
}

static void alloc_put(void *self, void *ptr, size_t n)
{
    test_alloc *a = self;

    if (ptr != NULL) {
        a->out_count--;
        a->out_bytes -= n;
    }
    free(ptr);
}

void test_alloc_init(test_alloc *a)
{
    memset(a, 0, sizeof *a);
    a->alloc.self = a;
    a->alloc.get = alloc_get;
    a->alloc.put = alloc_put;
}
