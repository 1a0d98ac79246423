/* SPDX-License-Identifier: MIT
 *
 * disk/file.c: a new file under a temporary name: created exclusively under
 * one of ten names, written in loops over short writes (THREATS F12, F16),
 * or discarded without a trace. It refuses to open twice and to write when
 * nothing is open.
 */
#include "disk/internal.h"

#include <string.h>

void mk_disk_file_init(mk_disk_file *f)
{
    memset(f, 0, sizeof *f);
    f->dir.id = MK_VFS_NONE;
    f->file.id = MK_VFS_NONE;
}

mk_err mk_disk_file_open(mk_disk_file *f, const mk_vfs *vfs, mk_dir dir,
                         mk_disk_namer namer, void *self)
{
    mk_err err = MK_E_EXISTS;
    unsigned attempt;

    if (f->present || f->file.id != MK_VFS_NONE) {
        return MK_E_STATE;
    }
    for (attempt = 0; attempt < MK_DISK_TRIES && err == MK_E_EXISTS;
         attempt++) {
        err = namer(self, attempt, f->name);
        if (err != MK_OK) {
            return err;
        }
        err = vfs->file_create(vfs->self, dir, f->name, &f->file);
    }
    if (err != MK_OK) {
        f->file.id = MK_VFS_NONE;
        return err;
    }
    f->vfs = vfs;
    f->dir = dir;
    f->present = true;
    f->end = 0;
    return MK_OK;
}

mk_err mk_disk_file_write(mk_disk_file *f, uint64_t offset, mk_str data)
{
    if (f->file.id == MK_VFS_NONE) {
        return MK_E_STATE;
    }
    while (data.len > 0) {
        size_t n = 0;
        mk_err err =
            f->vfs->file_write(f->vfs->self, f->file, offset, data, &n);

        if (err != MK_OK) {
            return err;
        }
        if (n == 0 || n > data.len) {
            return MK_E_IO; /* no progress must not become a spin (F14) */
        }
        data = mk_str_sub(data, n, SIZE_MAX);
        offset += n;
        if (offset > f->end) {
            f->end = offset;
        }
    }
    return MK_OK;
}

mk_err mk_disk_file_read(const mk_disk_file *f, uint64_t offset, void *out,
                         size_t max, size_t *out_read)
{
    size_t have = 0;

    if (f->file.id == MK_VFS_NONE) {
        return MK_E_STATE;
    }
    while (have < max) {
        size_t n = 0;
        mk_err err =
            f->vfs->file_read(f->vfs->self, f->file, offset + have,
                              (unsigned char *)out + have, max - have, &n);

        if (err != MK_OK) {
            return err;
        }
        if (n == 0) {
            break;
        }
        have += n;
    }
    *out_read = have;
    return MK_OK;
}

mk_err mk_disk_file_settle(mk_disk_file *f, mk_commit_mode mode)
{
    mk_err err = MK_OK;
    mk_err closed;

    if (!f->present) {
        return MK_E_STATE;
    }
    if (f->file.id == MK_VFS_NONE) {
        return MK_OK;
    }
    if (mode == MK_COMMIT_DURABLE) {
        err = f->vfs->file_sync(f->vfs->self, f->file);
    }
    closed = f->vfs->file_close(f->vfs->self, f->file);
    f->file.id = MK_VFS_NONE;
    err = err == MK_OK ? closed : err;
    if (err != MK_OK) {
        mk_disk_file_discard(f);
    }
    return err;
}

void mk_disk_file_discard(mk_disk_file *f)
{
    if (f->file.id != MK_VFS_NONE) {
        (void)f->vfs->file_close(f->vfs->self, f->file);
        f->file.id = MK_VFS_NONE;
    }
    if (f->present && f->dir.id != MK_VFS_NONE) {
        (void)f->vfs->entry_remove(f->vfs->self, f->dir, f->name);
    }
    f->present = false;
}
