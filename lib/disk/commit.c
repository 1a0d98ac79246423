/* SPDX-License-Identifier: MIT
 *
 * disk/commit.c: one batch of new files made durable and visible together:
 * all contents synced, all renamed, each directory synced once (THREATS part
 * 2, reference path d to g). Whatever the step, an item that fails leaves no
 * name behind. It refuses to rename a file whose sync or close failed, to
 * sync such a file again, and to believe a sync of a directory through a
 * handle that another lane may have synced: a loss is told once to each (G5).
 */
#include "disk/internal.h"

#include <string.h>

void mk_commit_item_init(mk_commit_item *item)
{
    memset(item, 0, sizeof *item);
    mk_disk_file_init(&item->file);
    item->final_dir.id = MK_VFS_NONE;
    item->sync_dir.id = MK_VFS_NONE;
}

static void fail(mk_commit_item *item, mk_err err)
{
    item->result = err;
    item->final_name[0] = '\0';
    mk_disk_file_discard(&item->file);
}

static mk_err prepare(mk_commit_item *item)
{
    if (item->file.file.id != MK_VFS_NONE) {
        return MK_OK;
    }
    return item->prepare != NULL ? item->prepare(item) : MK_OK;
}

/* Prepares items until the list or the descriptors end; returns the first
 * that must wait. The hint pays only when several syncs can share a flush. */
static mk_commit_item *prepare_wave(const mk_vfs *vfs, mk_commit_item *first,
                                    mk_commit_mode mode)
{
    bool hint = mode == MK_COMMIT_DURABLE && first->chain != NULL;
    mk_commit_item *item;
    size_t ready = 0;

    for (item = first; item != NULL; item = item->chain) {
        mk_err err = prepare(item);

        if (err == MK_E_FILES && ready > 0) {
            return item;
        }
        item->result = err;
        item->renamed = false;
        if (err != MK_OK) {
            fail(item, err);
            continue;
        }
        ready++;
        if (hint && item->file.file.id != MK_VFS_NONE) {
            vfs->file_flush(vfs->self, item->file.file);
        }
    }
    return NULL;
}

/* As many items as descriptors allow: prepared, synced, closed. Returns the
 * first that must wait. */
static mk_commit_item *settle_wave(const mk_vfs *vfs, mk_commit_item *first,
                                   mk_commit_mode mode)
{
    mk_commit_item *stop = prepare_wave(vfs, first, mode);
    mk_commit_item *item;

    for (item = first; item != stop; item = item->chain) {
        if (item->result == MK_OK) {
            mk_err err = mk_disk_file_settle(&item->file, mode);

            if (err != MK_OK) {
                fail(item, err);
            }
        }
    }
    return stop;
}

void mk_commit_contents(const mk_vfs *vfs, mk_commit_item *items,
                        mk_commit_mode mode)
{
    while (items != NULL) {
        items = settle_wave(vfs, items, mode);
    }
}

/* The first item of a directory opens it once more, before any of them is
 * renamed: final_dir may serve other lanes at the same time, and what their
 * syncs were told of a loss ours would not be told again. */
static mk_err dir_watch(const mk_vfs *vfs, const mk_commit_item *first,
                        mk_commit_item *item)
{
    for (; first != item; first = first->chain) {
        if (first->sync_dir.id != MK_VFS_NONE &&
            first->final_dir.id == item->final_dir.id) {
            return MK_OK;
        }
    }
    return vfs->dir_open(vfs->self, item->final_dir, ".", &item->sync_dir);
}

static void rename_item(const mk_vfs *vfs, mk_commit_item *item)
{
    mk_err err = MK_E_EXISTS;
    unsigned attempt;

    for (attempt = 0; attempt < MK_DISK_TRIES && err == MK_E_EXISTS;
         attempt++) {
        err = item->namer(item->self, attempt, item->final_name);
        if (err != MK_OK) {
            break;
        }
        err = vfs->entry_rename(vfs->self, item->file.dir, item->file.name,
                                item->final_dir, item->final_name);
    }
    if (err != MK_OK) {
        fail(item, err);
        return;
    }
    item->file.present = false;
    item->renamed = true;
}

/* The sender will be told to try again, so the copy that is already visible
 * but perhaps not durable goes (G3: no second one). */
static void take_back(const mk_vfs *vfs, mk_commit_item *item, mk_err err)
{
    (void)vfs->entry_remove(vfs->self, item->final_dir, item->final_name);
    fail(item, err);
}

/* The directory of an item that watches it, for all items of that directory. */
static void sync_dir(const mk_vfs *vfs, mk_commit_item *item,
                     const mk_commit_item *stop)
{
    mk_err err = vfs->dir_sync(vfs->self, item->sync_dir);
    mk_commit_item *same;

    vfs->dir_close(vfs->self, item->sync_dir);
    item->sync_dir.id = MK_VFS_NONE;
    for (same = item; same != stop && err != MK_OK; same = same->chain) {
        if (same->renamed && same->final_dir.id == item->final_dir.id) {
            take_back(vfs, same, err);
        }
    }
}

static void rename_all(const mk_vfs *vfs, mk_commit_item *first,
                       const mk_commit_item *stop, mk_commit_mode mode)
{
    mk_commit_item *item;

    for (item = first; item != stop; item = item->chain) {
        mk_err err = item->result;

        if (err == MK_OK && mode == MK_COMMIT_DURABLE) {
            err = dir_watch(vfs, first, item);
        }
        if (err == MK_OK) {
            rename_item(vfs, item);
        } else if (item->result == MK_OK) {
            fail(item, err);
        }
    }
}

void mk_commit(const mk_vfs *vfs, mk_commit_item *items, mk_commit_mode mode)
{
    while (items != NULL) {
        mk_commit_item *stop = settle_wave(vfs, items, mode);
        mk_commit_item *item;

        rename_all(vfs, items, stop, mode);
        for (item = items; item != stop; item = item->chain) {
            if (item->sync_dir.id != MK_VFS_NONE) {
                sync_dir(vfs, item, stop);
            }
        }
        items = stop;
    }
}
