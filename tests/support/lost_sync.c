/* SPDX-License-Identifier: MIT
 *
 * lost_sync.c: see lost_sync.h. Nothing is really synced: what was lost is
 * only told.
 */
#include "lost_sync.h"

#include <mailkit/disk.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void die(const char *what)
{
    perror(what);
    abort();
}

/* Nobody waits to be told of an older loss: a new handle knows of all. */
static mk_err dir_open(void *self, mk_dir at, const char *name, mk_dir *out)
{
    lost_sync *l = self;
    mk_err err = mk_vfs_posix()->dir_open(NULL, at, name, out);

    if (err == MK_OK) {
        if (out->id >= LOST_SYNC_HANDLES) {
            die("descriptor");
        }
        l->told[out->id] = l->lost;
    }
    return err;
}

static bool is_watched(const lost_sync *l, mk_dir dir)
{
    struct stat st;

    if (fstat((int)dir.id, &st) < 0) {
        die("fstat");
    }
    return st.st_ino == l->watched;
}

static mk_err tell(lost_sync *l, mk_dir dir)
{
    bool news = l->told[dir.id] < l->lost;

    l->told[dir.id] = l->lost;
    l->good += news ? 0u : 1u;
    return news ? MK_E_IO : MK_OK;
}

static mk_err dir_sync(void *self, mk_dir dir)
{
    lost_sync *l = self;
    void (*meanwhile)(void *) = l->meanwhile;

    if (!is_watched(l, dir)) {
        return MK_OK;
    }
    if (l->depth == 1 && l->lost == 0) {
        l->lost = 1; /* what both have renamed; the first is told of it */
        l->told[l->outer] = 1;
    }
    if (l->depth == 0 && meanwhile != NULL) {
        l->meanwhile = NULL;
        l->outer = dir.id;
        l->depth = 1;
        meanwhile(l->self);
        l->depth = 0;
        return l->lost > 0 ? MK_E_IO : tell(l, dir);
    }
    return tell(l, dir);
}

static mk_err file_sync(void *self, mk_file file)
{
    (void)self;
    return file.id == MK_VFS_NONE ? MK_E_IO : MK_OK;
}

void lost_sync_init(lost_sync *l, const char *path)
{
    struct stat st;

    memset(l, 0, sizeof *l);
    if (stat(path, &st) < 0) {
        die(path);
    }
    l->watched = st.st_ino;
    l->vfs = *mk_vfs_posix();
    l->vfs.self = l;
    l->vfs.dir_open = dir_open;
    l->vfs.dir_sync = dir_sync;
    l->vfs.file_sync = file_sync;
}
