/* SPDX-License-Identifier: MIT
 *
 * disk/posix.c: the POSIX filling of mk_vfs: openat(2) and its family, one
 * table from errno to mk_err. Handles are descriptors (a listing is a DIR).
 * Interrupted calls are repeated here, close(2) never is, since Linux has
 * freed the descriptor by then (THREATS F13). It refuses to follow links
 * below an open directory and to replace a name. It installs no signal
 * handler: who sets RLIMIT_FSIZE ignores SIGXFSZ, to get MK_E_FBIG (F20).
 */
#include "disk/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* clang-format off */
static const struct {
    int number;
    mk_err err;
} errors[] = {
    {ENOSPC,       MK_E_SPACE},       {EDQUOT,       MK_E_SPACE},
    {EFBIG,        MK_E_FBIG},        {EOVERFLOW,    MK_E_FBIG},
    {EMFILE,       MK_E_FILES},       {ENFILE,       MK_E_FILES},
    {EROFS,        MK_E_READONLY},    {EXDEV,        MK_E_CROSSDEV},
    {EEXIST,       MK_E_EXISTS},      {ENOTEMPTY,    MK_E_EXISTS},
    {ENOENT,       MK_E_NOENT},       {EACCES,       MK_E_ACCESS},
    {EPERM,        MK_E_ACCESS},      {ENOTDIR,      MK_E_KIND},
    {ELOOP,        MK_E_KIND},        {EISDIR,       MK_E_KIND},
    {ENXIO,        MK_E_KIND},        {EMLINK,       MK_E_COUNT},
    {ENOMEM,       MK_E_MEMORY},      {ENAMETOOLONG, MK_E_LIMIT},
    {EAGAIN,       MK_E_AGAIN},       {EOPNOTSUPP,   MK_E_UNSUPPORTED},
    {ENOSYS,       MK_E_UNSUPPORTED},
};
/* clang-format on */

mk_err mk_disk_err(int number)
{
    size_t i;

    for (i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].number == number) {
            return errors[i].err;
        }
    }
    return MK_E_IO;
}

static mk_err last_err(void)
{
    return mk_disk_err(errno);
}

static bool interrupted(long long result)
{
    return result < 0 && errno == EINTR;
}

static mk_err err_of(long long result)
{
    return result < 0 ? last_err() : MK_OK;
}

static int open_retry(int at, const char *name, int flags)
{
    int fd;

    do {
        fd = openat(at, name, flags | O_CLOEXEC | O_NOCTTY, 0600);
    } while (interrupted(fd));
    return fd;
}

/* ---- directories --------------------------------------------------------- */

static mk_err dir_open(void *self, mk_dir at, const char *name, mk_dir *out_dir)
{
    bool path = at.id == MK_VFS_NONE;
    int fd;

    (void)self;
    fd = open_retry(path ? AT_FDCWD : (int)at.id, name,
                    O_RDONLY | O_DIRECTORY | (path ? 0 : O_NOFOLLOW));
    if (fd < 0) {
        return last_err();
    }
    out_dir->id = fd;
    return MK_OK;
}

static void dir_close(void *self, mk_dir dir)
{
    (void)self;
    (void)close((int)dir.id);
}

static mk_err dir_make(void *self, mk_dir at, const char *name)
{
    int n;

    (void)self;
    do {
        n = mkdirat((int)at.id, name, 0700);
    } while (interrupted(n));
    return err_of(n);
}

static mk_err sync_fd(int fd)
{
    int n;

    do {
        n = fsync(fd);
    } while (interrupted(n));
    return err_of(n);
}

static mk_err dir_sync(void *self, mk_dir dir)
{
    (void)self;
    return sync_fd((int)dir.id);
}

static uint64_t times_clipped(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static mk_err dir_space(void *self, mk_dir dir, mk_vfs_space *out_space)
{
    struct statvfs v;
    int n;

    (void)self;
    do {
        n = fstatvfs((int)dir.id, &v);
    } while (interrupted(n));
    if (n < 0) {
        return last_err();
    }
    out_space->bytes = times_clipped(v.f_bavail, v.f_frsize);
    out_space->inodes = v.f_files == 0 ? UINT64_MAX : v.f_favail;
    return MK_OK;
}

/* ---- what things are ----------------------------------------------------- */

static mk_vfs_kind kind_of(mode_t mode)
{
    if (S_ISREG(mode)) {
        return MK_VFS_KIND_FILE;
    }
    if (S_ISDIR(mode)) {
        return MK_VFS_KIND_DIR;
    }
    return S_ISLNK(mode) ? MK_VFS_KIND_LINK : MK_VFS_KIND_OTHER;
}

static void stat_fill(const struct stat *st, mk_vfs_stat *out_stat)
{
    out_stat->kind = kind_of(st->st_mode);
    out_stat->own = st->st_uid == geteuid();
    out_stat->others_write = (st->st_mode & S_IWOTH) != 0;
    out_stat->links = st->st_nlink;
    out_stat->size_bytes = st->st_size < 0 ? 0 : (uint64_t)st->st_size;
    out_stat->modified_s = st->st_mtime < 0 ? 0 : (uint64_t)st->st_mtime;
}

static mk_err stat_fd(int fd, mk_vfs_stat *out_stat)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        return last_err();
    }
    stat_fill(&st, out_stat);
    return MK_OK;
}

static mk_err dir_stat(void *self, mk_dir dir, mk_vfs_stat *out_stat)
{
    (void)self;
    return stat_fd((int)dir.id, out_stat);
}

static mk_err file_stat(void *self, mk_file file, mk_vfs_stat *out_stat)
{
    (void)self;
    return stat_fd((int)file.id, out_stat);
}

static mk_err entry_stat(void *self, mk_dir at, const char *name,
                         mk_vfs_stat *out_stat)
{
    struct stat st;
    int n;

    (void)self;
    do {
        n = fstatat((int)at.id, name, &st, AT_SYMLINK_NOFOLLOW);
    } while (interrupted(n));
    if (n < 0) {
        return last_err();
    }
    stat_fill(&st, out_stat);
    return MK_OK;
}

/* ---- listings ------------------------------------------------------------ */

static mk_err list_open(void *self, mk_dir dir, mk_listing *out_listing)
{
    DIR *d;
    int fd;

    (void)self;
    fd = open_retry((int)dir.id, ".", O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return last_err();
    }
    d = fdopendir(fd);
    if (d == NULL) {
        mk_err err = last_err();

        (void)close(fd);
        return err;
    }
    out_listing->id = (intptr_t)d;
    return MK_OK;
}

static mk_err list_read(void *self, mk_listing listing, char *out_name)
{
    const struct dirent *e;
    size_t n;

    (void)self;
    do {
        errno = 0;
        e = readdir((DIR *)listing.id);
        if (e == NULL && errno != EINTR) {
            return errno == 0 ? MK_END : last_err();
        }
    } while (e == NULL || strcmp(e->d_name, ".") == 0 ||
             strcmp(e->d_name, "..") == 0);
    n = strlen(e->d_name);
    if (n > MK_VFS_NAME_MAX) {
        return MK_E_LIMIT;
    }
    memcpy(out_name, e->d_name, n + 1);
    return MK_OK;
}

static void list_close(void *self, mk_listing listing)
{
    (void)self;
    (void)closedir((DIR *)listing.id);
}

/* ---- files --------------------------------------------------------------- */

static mk_err file_create(void *self, mk_dir at, const char *name,
                          mk_file *out_file)
{
    int fd;

    (void)self;
    fd = open_retry((int)at.id, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (fd < 0) {
        return last_err();
    }
    out_file->id = fd;
    return MK_OK;
}

static mk_err file_open(void *self, mk_dir at, const char *name,
                        mk_file *out_file)
{
    mk_vfs_stat st = {.kind = MK_VFS_KIND_OTHER};
    mk_err err;
    /* O_NONBLOCK: a FIFO must not hold us until somebody writes to it. */
    bool path = at.id == MK_VFS_NONE;
    int fd = open_retry(path ? AT_FDCWD : (int)at.id, name,
                        O_RDONLY | O_NONBLOCK | (path ? 0 : O_NOFOLLOW));

    (void)self;
    if (fd < 0) {
        return last_err();
    }
    err = stat_fd(fd, &st);
    if (err == MK_OK && st.kind != MK_VFS_KIND_FILE) {
        err = MK_E_KIND;
    }
    if (err != MK_OK) {
        (void)close(fd);
        return err;
    }
    out_file->id = fd;
    return MK_OK;
}

static mk_err file_write(void *self, mk_file file, uint64_t offset, mk_str data,
                         size_t *out_written)
{
    ssize_t n;

    (void)self;
    if (offset > INT64_MAX - data.len) {
        return MK_E_FBIG;
    }
    do {
        n = pwrite((int)file.id, data.ptr, data.len, (off_t)offset);
    } while (interrupted(n));
    if (n <= 0) {
        return n < 0 ? last_err() : MK_E_IO;
    }
    *out_written = (size_t)n;
    return MK_OK;
}

static mk_err file_read(void *self, mk_file file, uint64_t offset, void *out,
                        size_t max, size_t *out_read)
{
    ssize_t n;

    (void)self;
    if (offset > INT64_MAX) {
        return MK_E_FBIG;
    }
    do {
        n = pread((int)file.id, out, max, (off_t)offset);
    } while (interrupted(n));
    if (n < 0) {
        return last_err();
    }
    *out_read = (size_t)n;
    return MK_OK;
}

static void file_flush(void *self, mk_file file)
{
    (void)self;
#ifdef SYNC_FILE_RANGE_WRITE
    /* A hint: whatever goes wrong here, fsync reports. */
    (void)sync_file_range((int)file.id, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
    (void)file;
#endif
}

static mk_err file_sync(void *self, mk_file file)
{
    (void)self;
    return sync_fd((int)file.id);
}

static mk_err file_close(void *self, mk_file file)
{
    int n;

    (void)self;
    n = close((int)file.id);
    return interrupted(n) ? MK_OK : err_of(n);
}

/* ---- names --------------------------------------------------------------- */

static int link_retry(int at, const char *name, int to, const char *to_name)
{
    int n;

    do {
        n = linkat(at, name, to, to_name, 0);
    } while (interrupted(n));
    return n;
}

static int remove_retry(int at, const char *name)
{
    int n;

    do {
        n = unlinkat(at, name, 0);
    } while (interrupted(n));
    return n;
}

mk_err mk_disk_rename_by_link(int at, const char *name, int to,
                              const char *to_name)
{
    if (link_retry(at, name, to, to_name) < 0) {
        return last_err();
    }
    if (remove_retry(at, name) < 0) {
        mk_err err = last_err();

        (void)remove_retry(to, to_name);
        return err;
    }
    return MK_OK;
}

static mk_err entry_rename(void *self, mk_dir at, const char *name, mk_dir to,
                           const char *to_name)
{
    (void)self;
#ifdef RENAME_NOREPLACE
    {
        int n;

        do {
            n = renameat2((int)at.id, name, (int)to.id, to_name,
                          RENAME_NOREPLACE);
        } while (interrupted(n));
        if (n == 0 || (errno != ENOSYS && errno != EINVAL)) {
            return err_of(n);
        }
    }
#endif
    return mk_disk_rename_by_link((int)at.id, name, (int)to.id, to_name);
}

static mk_err entry_link(void *self, mk_dir at, const char *name, mk_dir to,
                         const char *to_name)
{
    (void)self;
    return err_of(link_retry((int)at.id, name, (int)to.id, to_name));
}

static mk_err entry_remove(void *self, mk_dir at, const char *name)
{
    (void)self;
    return err_of(remove_retry((int)at.id, name));
}

/* clang-format off */
static const mk_vfs posix = {
    .size         = sizeof(mk_vfs),
    .self         = NULL,
    .dir_open     = dir_open,
    .dir_close    = dir_close,
    .dir_make     = dir_make,
    .dir_sync     = dir_sync,
    .dir_stat     = dir_stat,
    .dir_space    = dir_space,
    .list_open    = list_open,
    .list_read    = list_read,
    .list_close   = list_close,
    .file_create  = file_create,
    .file_open    = file_open,
    .file_write   = file_write,
    .file_read    = file_read,
    .file_flush   = file_flush,
    .file_sync    = file_sync,
    .file_close   = file_close,
    .file_stat    = file_stat,
    .entry_stat   = entry_stat,
    .entry_rename = entry_rename,
    .entry_link   = entry_link,
    .entry_remove = entry_remove,
};
/* clang-format on */

const mk_vfs *mk_vfs_posix(void)
{
    return &posix;
}
