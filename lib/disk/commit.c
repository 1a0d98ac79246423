/* SPDX-License-Identifier: MIT
 *
 * disk/commit.c: one batch of new files made durable and visible together:
 * all contents synced, all renamed, each directory synced once (THREATS part
 * 2, reference path d to g). Whatever the step, an item that fails leaves no
 * name behind. It refuses to rename a file whose sync or close failed and to
 * sync such a file again (G5).
 */
#include "disk/internal.h"

#include <string.h>

void mk_commit_item_init(mk_commit_item *item)
{
    memset(item, 0, sizeof *item);
    mk_disk_file_init(&item->file);
    item->final_dir.id = MK_VFS_NONE;
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
    if (item->prepare != NULL) {
        return item->prepare(item);
    }
    return item->file.present ? MK_OK : MK_E_STATE;
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
        item->dir_synced = false;
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

static void sync_dirs(const mk_vfs *vfs, mk_commit_item *first,
                      const mk_commit_item *stop)
{
    mk_commit_item *item;
    mk_commit_item *same;

    for (item = first; item != stop; item = item->chain) {
        mk_err err;

        if (!item->renamed || item->dir_synced) {
            continue;
        }
        err = vfs->dir_sync(vfs->self, item->final_dir);
        for (same = item; same != stop; same = same->chain) {
            if (!same->renamed || same->final_dir.id != item->final_dir.id) {
                continue;
            }
            same->dir_synced = true;
            if (err != MK_OK) {
                take_back(vfs, same, err);
            }
        }
    }
}

void mk_commit(const mk_vfs *vfs, mk_commit_item *items, mk_commit_mode mode)
{
    while (items != NULL) {
        mk_commit_item *stop = settle_wave(vfs, items, mode);
        mk_commit_item *item;

        for (item = items; item != stop; item = item->chain) {
            if (item->result == MK_OK) {
                rename_item(vfs, item);
            }
        }
        if (mode == MK_COMMIT_DURABLE) {
            sync_dirs(vfs, items, stop);
        }
        items = stop;
    }
}
