/* SPDX-License-Identifier: MIT
 *
 * test_posix.c: the POSIX filling of mk_vfs against a real directory, with
 * the system calls below it interrupted, shortened or failed by doubles that
 * this program defines in place of the C library's.
 */
#include "disk/internal.h"
#include "test_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

/* ---- doubles ------------------------------------------------------------- */

static struct {
    const char *call; /* which double fails; NULL none */
    int number;       /* errno */
    unsigned times;   /* how often from now on */
    unsigned calls;   /* how often the call was made since */
    size_t chunk;     /* most octets of a read or write */
} inject;

static void inject_set(const char *call, int number, unsigned times)
{
    memset(&inject, 0, sizeof inject);
    inject.call = call;
    inject.number = number;
    inject.times = times;
}

static bool hit(const char *call)
{
    if (inject.call == NULL || strcmp(inject.call, call) != 0) {
        return false;
    }
    inject.calls++;
    if (inject.times == 0) {
        return false;
    }
    inject.times--;
    errno = inject.number;
    return true;
}

static size_t clip(size_t n)
{
    return inject.chunk != 0 && n > inject.chunk ? inject.chunk : n;
}

int openat(int at, const char *path, int flags, ...)
{
    va_list ap;
    unsigned mode;

    va_start(ap, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    return hit("openat") ? -1 : (int)syscall(SYS_openat, at, path, flags, mode);
}

int mkdirat(int at, const char *path, mode_t mode)
{
    return hit("mkdirat") ? -1 : (int)syscall(SYS_mkdirat, at, path, mode);
}

int fsync(int fd)
{
    return hit("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    return hit("pwrite") ? -1 : syscall(SYS_pwrite64, fd, data, clip(n), at);
}

ssize_t pread(int fd, void *out, size_t n, off_t at)
{
    return hit("pread") ? -1 : syscall(SYS_pread64, fd, out, clip(n), at);
}

int close(int fd)
{
    int n = (int)syscall(SYS_close, fd);

    return hit("close") ? -1 : n;
}

int linkat(int at, const char *a, int to, const char *b, int flags)
{
    return hit("linkat") ? -1 : (int)syscall(SYS_linkat, at, a, to, b, flags);
}

int unlinkat(int at, const char *path, int flags)
{
    return hit("unlinkat") ? -1 : (int)syscall(SYS_unlinkat, at, path, flags);
}

int renameat2(int at, const char *a, int to, const char *b, unsigned flags)
{
    return hit("renameat2") ? -1
                            : (int)syscall(SYS_renameat2, at, a, to, b, flags);
}

int fstatat(int at, const char *restrict path, struct stat *restrict st,
            int flags)
{
    return hit("fstatat") ? -1
                          : (int)syscall(SYS_newfstatat, at, path, st, flags);
}

int fstatvfs(int fd, struct statvfs *out)
{
    struct statfs fs;

    if (hit("fstatvfs") || fstatfs(fd, &fs) != 0) {
        return -1;
    }
    memset(out, 0, sizeof *out);
    out->f_frsize = (unsigned long)fs.f_frsize;
    out->f_bavail = fs.f_bavail;
    out->f_files = fs.f_files;
    out->f_favail = fs.f_ffree;
    return 0;
}

/* ---- the rig ------------------------------------------------------------- */

typedef struct rig {
    test_vfs *t;
    const mk_vfs *v;
    mk_dir root;
    int fds;
} rig;

static int set_up(void **state)
{
    static rig r;

    inject_set(NULL, 0, 0);
    r.fds = test_fd_count();
    r.t = test_vfs_open();
    r.v = mk_vfs_posix();
    r.root = r.t->root_dir;
    *state = &r;
    return 0;
}

/* THREATS 109: as many descriptors after each test as before it. */
static int tear_down(void **state)
{
    const rig *r = *state;

    inject_set(NULL, 0, 0);
    test_vfs_close(r->t);
    return test_fd_count() == r->fds ? 0 : -1;
}

static mk_err write_all(const rig *r, mk_file f, uint64_t at, const char *z)
{
    mk_str s = mk_str_z(z);

    while (s.len > 0) {
        size_t n = 0;
        mk_err err = r->v->file_write(NULL, f, at, s, &n);

        if (err != MK_OK) {
            return err;
        }
        at += n;
        s = mk_str_sub(s, n, SIZE_MAX);
    }
    return MK_OK;
}

/* Every member of the table once; the first error ends it. */
static mk_err all_calls(const rig *r)
{
    char name[MK_VFS_NAME_MAX + 1];
    char text[16];
    mk_vfs_space space;
    mk_vfs_stat st;
    mk_listing walk;
    mk_dir dir;
    mk_file f;
    size_t n;
    mk_err err;

    if ((err = r->v->dir_make(NULL, r->root, "sub")) != MK_OK ||
        (err = r->v->dir_open(NULL, r->root, "sub", &dir)) != MK_OK) {
        return err;
    }
    if ((err = r->v->file_create(NULL, dir, "a", &f)) == MK_OK) {
        mk_err closed;

        err = write_all(r, f, 0, "hello");
        err = err != MK_OK ? err : r->v->file_read(NULL, f, 0, text, 16, &n);
        err = err != MK_OK ? err : r->v->file_stat(NULL, f, &st);
        err = err != MK_OK ? err : r->v->file_sync(NULL, f);
        closed = r->v->file_close(NULL, f);
        err = err != MK_OK ? err : closed;
    }
    err = err != MK_OK ? err : r->v->entry_rename(NULL, dir, "a", dir, "b");
    err = err != MK_OK ? err : r->v->entry_link(NULL, dir, "b", dir, "c");
    err = err != MK_OK ? err : r->v->entry_remove(NULL, dir, "c");
    err = err != MK_OK ? err : r->v->entry_stat(NULL, dir, "b", &st);
    err = err != MK_OK ? err : r->v->dir_sync(NULL, dir);
    err = err != MK_OK ? err : r->v->dir_space(NULL, dir, &space);
    if (err == MK_OK && (err = r->v->list_open(NULL, dir, &walk)) == MK_OK) {
        err = r->v->list_read(NULL, walk, name);
        r->v->list_close(NULL, walk);
    }
    r->v->dir_close(NULL, dir);
    return err;
}

static void all_calls_undo(const rig *r)
{
    inject_set(NULL, 0, 0);
    (void)unlink(test_vfs_path(r->t, "sub/a"));
    (void)unlink(test_vfs_path(r->t, "sub/b"));
    (void)unlink(test_vfs_path(r->t, "sub/c"));
    (void)rmdir(test_vfs_path(r->t, "sub"));
}

static const char *const calls[] = {
    "openat", "mkdirat",  "fsync",     "pwrite",  "pread",
    "linkat", "unlinkat", "renameat2", "fstatat", "fstatvfs"};
#define CALLS (sizeof calls / sizeof calls[0])

/* ---- tests --------------------------------------------------------------- */

static void errno_table(void **state)
{
    static const struct {
        int number;
        mk_err err;
    } rows[] = {
        {0, MK_E_IO},           {EIO, MK_E_IO},
        {EINVAL, MK_E_IO},      {ESTALE, MK_E_IO},
        {ENOSPC, MK_E_SPACE},   {EDQUOT, MK_E_SPACE},
        {EFBIG, MK_E_FBIG},     {EMFILE, MK_E_FILES},
        {ENFILE, MK_E_FILES},   {EROFS, MK_E_READONLY},
        {EXDEV, MK_E_CROSSDEV}, {EEXIST, MK_E_EXISTS},
        {ENOENT, MK_E_NOENT},   {EACCES, MK_E_ACCESS},
        {EPERM, MK_E_ACCESS},   {ENOTDIR, MK_E_KIND},
        {ELOOP, MK_E_KIND},     {EISDIR, MK_E_KIND},
        {EMLINK, MK_E_COUNT},   {ENOMEM, MK_E_MEMORY},
        {EAGAIN, MK_E_AGAIN},   {ENAMETOOLONG, MK_E_LIMIT},
        {12345, MK_E_IO},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mk_disk_err(rows[i].number), rows[i].err);
    }
}

static void fault_f13_eintr_once_and_storms(void **state)
{
    static const unsigned storms[] = {1, 2, 1000};
    const rig *r = *state;
    size_t i;
    size_t k;

    for (i = 0; i < CALLS; i++) {
        for (k = 0; k < 3; k++) {
            inject_set(calls[i], EINTR, storms[k]);
            assert_int_equal(all_calls(r), MK_OK);
            assert_int_equal(inject.times, 0);
            assert_true(inject.calls > storms[k]);
            all_calls_undo(r);
        }
    }
}

/* On Linux the descriptor is gone when close says EINTR; another thread may
 * have it already. */
static void fault_f13_close_is_not_repeated(void **state)
{
    const rig *r = *state;
    mk_file f;

    assert_int_equal(r->v->file_create(NULL, r->root, "a", &f), MK_OK);
    inject_set("close", EINTR, 1);
    assert_int_equal(r->v->file_close(NULL, f), MK_OK);
    assert_int_equal(inject.calls, 1);
    assert_int_equal(r->v->file_create(NULL, r->root, "b", &f), MK_OK);
    inject_set("close", EIO, 1);
    assert_int_equal(r->v->file_close(NULL, f), MK_E_IO);
    assert_int_equal(inject.calls, 1);
}

/* F8, F10, F14, F15, F17, F18: every call with every errno, and no call is
 * tried again, so that EAGAIN by mistake does not spin. */
static void fault_f14_errors_come_through_once(void **state)
{
    static const int numbers[] = {EIO,    ENOSPC, EDQUOT, EAGAIN, EMFILE,
                                  ENFILE, EROFS,  EACCES, EXDEV,  ESTALE};
    const rig *r = *state;
    size_t i;
    size_t k;

    for (i = 0; i < CALLS; i++) {
        for (k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            inject_set(calls[i], numbers[k], 1);
            assert_int_equal(all_calls(r), mk_disk_err(numbers[k]));
            assert_int_equal(inject.calls, 1);
            all_calls_undo(r);
        }
    }
}

static void fault_f12_short_reads_and_writes(void **state)
{
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    const rig *r = *state;
    size_t chunk;

    for (chunk = 1; chunk < sizeof text; chunk++) {
        char back[64];
        mk_file f;
        size_t n = 0;
        size_t got = 0;

        inject_set(NULL, 0, 0);
        inject.chunk = chunk;
        assert_int_equal(r->v->file_create(NULL, r->root, "a", &f), MK_OK);
        assert_int_equal(write_all(r, f, 0, text), MK_OK);
        do {
            assert_int_equal(r->v->file_read(NULL, f, got, back + got,
                                             sizeof back - got, &n),
                             MK_OK);
            got += n;
        } while (n > 0);
        assert_int_equal(got, sizeof text - 1);
        assert_memory_equal(back, text, got);
        assert_int_equal(r->v->file_close(NULL, f), MK_OK);
        assert_int_equal(r->v->entry_remove(NULL, r->root, "a"), MK_OK);
    }
}

static void fault_f16_rename_never_replaces(void **state)
{
    /* with renameat2, and with kernels or file systems that lack it */
    static const int numbers[] = {0, ENOSYS, EINVAL};
    const rig *r = *state;
    char back[16];
    size_t i;

    for (i = 0; i < 3; i++) {
        test_vfs_put(r->t, "a", "new", 3);
        test_vfs_put(r->t, "b", "old", 3);
        if (numbers[i] != 0) {
            inject_set("renameat2", numbers[i], 9);
        }
        assert_int_equal(r->v->entry_rename(NULL, r->root, "a", r->root, "b"),
                         MK_E_EXISTS);
        assert_int_equal(test_vfs_contents(r->t, "a", back, 16), 3);
        assert_memory_equal(back, "new", 3);
        assert_int_equal(test_vfs_contents(r->t, "b", back, 16), 3);
        assert_memory_equal(back, "old", 3);
        assert_int_equal(r->v->entry_rename(NULL, r->root, "a", r->root, "c"),
                         MK_OK);
        assert_int_equal(test_vfs_contents(r->t, "a", back, 16), -1);
        assert_int_equal(test_vfs_contents(r->t, "c", back, 16), 3);
        assert_int_equal(r->v->entry_remove(NULL, r->root, "c"), MK_OK);
        inject_set(NULL, 0, 0);
    }
}

static void fault_f17_rename_by_link_undoes_itself(void **state)
{
    const rig *r = *state;
    int fd = (int)r->root.id;
    char back[16];

    test_vfs_put(r->t, "a", "new", 3);
    inject_set("unlinkat", EPERM, 1);
    assert_int_equal(mk_disk_rename_by_link(fd, "a", fd, "b"), MK_E_ACCESS);
    assert_int_equal(inject.calls, 2);
    assert_int_equal(test_vfs_contents(r->t, "a", back, 16), 3);
    assert_int_equal(test_vfs_contents(r->t, "b", back, 16), -1);
    inject_set("linkat", EMLINK, 1);
    assert_int_equal(mk_disk_rename_by_link(fd, "a", fd, "b"), MK_E_COUNT);
    assert_int_equal(mk_disk_rename_by_link(fd, "x", fd, "b"), MK_E_NOENT);
}

static void fault_f20_file_size_limit(void **state)
{
    const rig *r = *state;
    struct rlimit was;
    struct rlimit low;
    mk_file f;
    size_t n = 0;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    low = was;
    low.rlim_cur = 4;
    assert_int_equal(r->v->file_create(NULL, r->root, "a", &f), MK_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    assert_int_equal(r->v->file_write(NULL, f, 0, mk_str_z("123456"), &n),
                     MK_OK);
    assert_int_equal(n, 4);
    assert_int_equal(r->v->file_write(NULL, f, 4, mk_str_z("56"), &n),
                     MK_E_FBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(r->v->file_write(NULL, f, UINT64_MAX, mk_str_z("x"), &n),
                     MK_E_FBIG);
    assert_int_equal(r->v->file_read(NULL, f, UINT64_MAX, &low, 1, &n),
                     MK_E_FBIG);
    assert_int_equal(r->v->file_close(NULL, f), MK_OK);
}

static void sec_104_what_belongs_to_others(void **state)
{
    const rig *r = *state;
    mk_dir none = {MK_VFS_NONE};
    mk_vfs_stat st;
    mk_dir dir;

    test_vfs_put(r->t, "mine", "m", 1);
    assert_int_equal(r->v->entry_stat(NULL, r->root, "mine", &st), MK_OK);
    assert_true(st.own);
    if (geteuid() == 0) {
        assert_int_equal(chown(test_vfs_path(r->t, "mine"), 1, 1), 0);
        assert_int_equal(r->v->entry_stat(NULL, r->root, "mine", &st), MK_OK);
        assert_false(st.own);
    } else {
        assert_int_equal(r->v->dir_open(NULL, none, "/", &dir), MK_OK);
        assert_int_equal(r->v->dir_stat(NULL, dir, &st), MK_OK);
        r->v->dir_close(NULL, dir);
        assert_false(st.own);
    }
}

static void sec_104_create_over_a_trap(void **state)
{
    const rig *r = *state;
    mk_file f = {-1};
    char back[8];

    /* a link to a file, a dangling link, a FIFO, a file, a directory */
    test_vfs_put(r->t, "victim", "v", 1);
    assert_int_equal(symlink("victim", test_vfs_path(r->t, "link")), 0);
    assert_int_equal(symlink("nowhere", test_vfs_path(r->t, "dangling")), 0);
    assert_int_equal(mkfifo(test_vfs_path(r->t, "fifo"), 0600), 0);
    assert_int_equal(mkdir(test_vfs_path(r->t, "dir"), 0700), 0);
    assert_int_equal(r->v->file_create(NULL, r->root, "link", &f), MK_E_EXISTS);
    assert_int_equal(r->v->file_create(NULL, r->root, "dangling", &f),
                     MK_E_EXISTS);
    assert_int_equal(r->v->file_create(NULL, r->root, "fifo", &f), MK_E_EXISTS);
    assert_int_equal(r->v->file_create(NULL, r->root, "victim", &f),
                     MK_E_EXISTS);
    assert_int_equal(r->v->file_create(NULL, r->root, "dir", &f), MK_E_EXISTS);
    assert_int_equal(f.id, -1);
    assert_int_equal(test_vfs_contents(r->t, "victim", back, 8), 1);
    assert_int_equal(test_vfs_contents(r->t, "nowhere", back, 8), -1);
}

static void sec_104_open_what_is_no_file(void **state)
{
    const rig *r = *state;
    mk_file f;
    mk_dir d;

    test_vfs_put(r->t, "file", "v", 1);
    assert_int_equal(symlink("file", test_vfs_path(r->t, "link")), 0);
    assert_int_equal(symlink(".", test_vfs_path(r->t, "dirlink")), 0);
    assert_int_equal(mkfifo(test_vfs_path(r->t, "fifo"), 0600), 0);
    assert_int_equal(mkdir(test_vfs_path(r->t, "dir"), 0700), 0);
    assert_int_equal(r->v->file_open(NULL, r->root, "link", &f), MK_E_KIND);
    assert_int_equal(r->v->file_open(NULL, r->root, "fifo", &f), MK_E_KIND);
    assert_int_equal(r->v->file_open(NULL, r->root, "dir", &f), MK_E_KIND);
    assert_int_equal(r->v->file_open(NULL, r->root, "none", &f), MK_E_NOENT);
    assert_int_equal(r->v->dir_open(NULL, r->root, "dirlink", &d), MK_E_KIND);
    assert_int_equal(r->v->dir_open(NULL, r->root, "fifo", &d), MK_E_KIND);
    assert_int_equal(r->v->dir_open(NULL, r->root, "file", &d), MK_E_KIND);
    assert_int_equal(r->v->dir_open(NULL, r->root, "none", &d), MK_E_NOENT);
    assert_int_equal(r->v->file_open(NULL, r->root, "file", &f), MK_OK);
    assert_int_equal(r->v->file_close(NULL, f), MK_OK);
}

static void sec_109_nothing_is_inherited(void **state)
{
    const rig *r = *state;
    struct stat st;
    mk_dir d;
    mk_file f;
    mk_file g;

    assert_int_equal(r->v->dir_make(NULL, r->root, "dir"), MK_OK);
    assert_int_equal(r->v->dir_open(NULL, r->root, "dir", &d), MK_OK);
    assert_int_equal(r->v->file_create(NULL, d, "f", &f), MK_OK);
    assert_int_equal(r->v->file_open(NULL, d, "f", &g), MK_OK);
    assert_true((fcntl((int)d.id, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl((int)f.id, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl((int)g.id, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(fstat((int)f.id, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(fstat((int)d.id, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(r->v->file_close(NULL, f), MK_OK);
    assert_int_equal(r->v->file_close(NULL, g), MK_OK);
    r->v->dir_close(NULL, d);
}

static void fault_f15_no_descriptors(void **state)
{
    const rig *r = *state;
    struct rlimit was;
    struct rlimit low;
    mk_listing walk;
    mk_file f;
    mk_dir d;

    test_vfs_put(r->t, "file", "v", 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    low = was;
    low.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(r->v->file_create(NULL, r->root, "a", &f), MK_E_FILES);
    assert_int_equal(r->v->file_open(NULL, r->root, "file", &f), MK_E_FILES);
    assert_int_equal(r->v->dir_open(NULL, r->root, "file", &d), MK_E_FILES);
    assert_int_equal(r->v->list_open(NULL, r->root, &walk), MK_E_FILES);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_int_equal(test_vfs_entries(r->t, "."), 1);
}

static void stat_tells_what_it_is(void **state)
{
    const rig *r = *state;
    mk_vfs_space space;
    mk_vfs_stat st;

    test_vfs_put(r->t, "file", "12345", 5);
    assert_int_equal(symlink("file", test_vfs_path(r->t, "link")), 0);
    assert_int_equal(mkfifo(test_vfs_path(r->t, "fifo"), 0600), 0);
    assert_int_equal(r->v->entry_link(NULL, r->root, "file", r->root, "two"),
                     MK_OK);
    assert_int_equal(r->v->entry_stat(NULL, r->root, "file", &st), MK_OK);
    assert_int_equal(st.kind, MK_VFS_KIND_FILE);
    assert_true(st.own);
    assert_false(st.others_write);
    assert_int_equal(st.links, 2);
    assert_int_equal(st.size_bytes, 5);
    assert_true(st.modified_s > 1700000000);
    assert_int_equal(r->v->entry_stat(NULL, r->root, "link", &st), MK_OK);
    assert_int_equal(st.kind, MK_VFS_KIND_LINK);
    assert_int_equal(r->v->entry_stat(NULL, r->root, "fifo", &st), MK_OK);
    assert_int_equal(st.kind, MK_VFS_KIND_OTHER);
    assert_int_equal(r->v->dir_stat(NULL, r->root, &st), MK_OK);
    assert_int_equal(st.kind, MK_VFS_KIND_DIR);
    assert_int_equal(chmod(test_vfs_path(r->t, "."), 0702), 0);
    assert_int_equal(r->v->dir_stat(NULL, r->root, &st), MK_OK);
    assert_true(st.others_write);
    assert_int_equal(r->v->dir_space(NULL, r->root, &space), MK_OK);
    assert_true(space.bytes > 0 && space.inodes > 0);
}

static void listing_walks_every_name(void **state)
{
    const rig *r = *state;
    char name[MK_VFS_NAME_MAX + 1];
    char longest[256];
    mk_listing walk;
    unsigned seen = 0;
    int i;

    memset(longest, 'x', 255);
    longest[255] = '\0';
    test_vfs_put(r->t, longest, "", 0);
    for (i = 0; i < 99; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        test_vfs_put(r->t, name, "", 0);
    }
    assert_int_equal(r->v->list_open(NULL, r->root, &walk), MK_OK);
    while (r->v->list_read(NULL, walk, name) == MK_OK) {
        assert_true(name[0] == 'n' || strcmp(name, longest) == 0);
        seen++;
    }
    assert_int_equal(r->v->list_read(NULL, walk, name), MK_END);
    r->v->list_close(NULL, walk);
    assert_int_equal(seen, 100);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(errno_table),
        T(fault_f13_eintr_once_and_storms),
        T(fault_f13_close_is_not_repeated),
        T(fault_f14_errors_come_through_once),
        T(fault_f12_short_reads_and_writes),
        T(fault_f15_no_descriptors),
        T(fault_f16_rename_never_replaces),
        T(fault_f17_rename_by_link_undoes_itself),
        T(fault_f20_file_size_limit),
        T(sec_104_create_over_a_trap),
        T(sec_104_what_belongs_to_others),
        T(sec_104_open_what_is_no_file),
        T(sec_109_nothing_is_inherited),
        T(stat_tells_what_it_is),
        T(listing_walks_every_name),
    };

    return cmocka_run_group_tests_name("disk/posix", tests, NULL, NULL);
}
