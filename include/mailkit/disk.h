/* SPDX-License-Identifier: MIT
 *
 * disk.h: durable files over mk_vfs: the POSIX filling of the table, a file
 * that is written under a temporary name, and the commit that makes a batch
 * of such files durable and visible at once (docs/maildir.md).
 * The order is always: contents synced, renamed, directory synced, reported.
 * It refuses to replace anything, to sync a file again after a failed sync,
 * and to call a file stored when any of these steps failed.
 */
#ifndef MAILKIT_DISK_H
#define MAILKIT_DISK_H

#include <mailkit/base.h>
#include <mailkit/host.h>
#include <mailkit/vfs.h>

MK_EXTERN_C_BEGIN

/** Names tried before MK_E_EXISTS is reported (THREATS F16). */
#define MK_DISK_TRIES 10u

/** The POSIX filling of mk_vfs: openat and its family.
 *
 * Uses renameat2(RENAME_NOREPLACE) where the kernel and the file system have
 * it, else link and unlink. Safe to use from any thread.
 *
 * @return static, never NULL. */
MK_API const mk_vfs *mk_vfs_posix(void);

/* ---- a file that is not visible yet -------------------------------------- */

/** Makes a name: one component into MK_VFS_NAME_MAX + 1 octets.
 *
 * Called with attempt 0, and with 1, 2 … when the name before existed; each
 * attempt must give another name.
 *
 * @return MK_OK, or an error that ends the work. */
typedef mk_err (*mk_disk_namer)(void *self, unsigned attempt, char *out_name);

/** A new file under a temporary name. Treat the fields as read-only. */
typedef struct mk_disk_file {
    const mk_vfs *vfs;
    mk_dir dir;   /**< where the temporary name is; borrowed; MK_VFS_NONE: not
                       within reach now, the name then stays for the sweep */
    mk_file file; /**< id MK_VFS_NONE when not open */
    bool present; /**< the temporary name exists and is ours to remove */
    uint64_t end; /**< highest offset written */
    char name[MK_VFS_NAME_MAX + 1];
} mk_disk_file;

/** Set a file to "nothing there"; needed before any other call.
 *
 * @param f  written. */
MK_API void mk_disk_file_init(mk_disk_file *f);

/** Create the file under a new temporary name.
 *
 * @param f      initialised, nothing there.
 * @param vfs    table; borrowed until the file is committed or discarded.
 * @param dir    directory for the temporary name; borrowed likewise.
 * @param namer  makes up to MK_DISK_TRIES names.
 * @param self   handed to namer.
 * @return MK_OK; MK_E_STATE when something is there already; MK_E_EXISTS
 *         when every name was taken; else what the table or namer said. On
 *         failure nothing is there. */
MK_API mk_err mk_disk_file_open(mk_disk_file *f, const mk_vfs *vfs, mk_dir dir,
                                mk_disk_namer namer, void *self);

/** Write all of a view at a position, in as many calls as it takes.
 *
 * @param f       open.
 * @param offset  octets from the start; may lie beyond the end.
 * @param data    any octets; empty is fine.
 * @return MK_OK; MK_E_STATE when it is not open; else the table's error, and
 *         then the file should be discarded. */
MK_API mk_err mk_disk_file_write(mk_disk_file *f, uint64_t offset, mk_str data);

/** Read up to max octets at a position.
 *
 * @param f         open.
 * @param offset    octets from the start.
 * @param out       memory of max octets.
 * @param max       1 or more.
 * @param out_read  octets read: less than max at the end of the file only.
 * @return MK_OK; MK_E_STATE when it is not open; or the table's error. */
MK_API mk_err mk_disk_file_read(const mk_disk_file *f, uint64_t offset,
                                void *out, size_t max, size_t *out_read);

/** How safe a commit is. */
typedef enum mk_commit_mode {
    MK_COMMIT_DURABLE = 0, /**< survives a power cut; the default */
    MK_COMMIT_RELAXED = 1  /**< no syncs: atomic, but a crash may lose it */
} mk_commit_mode;

/** Put the contents on stable storage and close; the temporary name stays.
 *
 * @param f     written; closed already by this call is fine.
 * @param mode  MK_COMMIT_RELAXED: no sync.
 * @return MK_OK; MK_E_STATE when nothing is there; else the error of sync or
 *         close: then it was discarded, and is never synced again. */
MK_API mk_err mk_disk_file_settle(mk_disk_file *f, mk_commit_mode mode);

/** Close the file if it is open and remove its temporary name.
 *
 * @param f  initialised; afterwards nothing is there. When the name cannot be
 *           removed it stays in the temporary directory, invisible, until a
 *           sweep takes it (THREATS G4). */
MK_API void mk_disk_file_discard(mk_disk_file *f);

/* ---- group commit -------------------------------------------------------- */

/** One file of a batch: from its temporary name to its final one.
 *
 * The memory is the caller's and stays until `done` (or, with mk_commit,
 * until that returns). Fill it after mk_commit_item_init. */
typedef struct mk_commit_item {
    mk_disk_file file; /**< written or settled, or empty: `prepare` will */
    mk_dir final_dir;  /**< borrowed */
    /** Makes the final name; called on the worker with `self`. */
    mk_disk_namer namer;
    /** Optional first step on the worker, for a `file` that is not open: it
     *  opens and writes it, or, when that was settled before, may set its
     *  `dir` and `final_dir` anew. On an error it leaves nothing open. It is
     *  called again after it has returned MK_E_FILES. */
    mk_err (*prepare)(struct mk_commit_item *item);
    /** Called by a mk_commit_queue, on the loop's thread, once and last:
     *  `result` is set and the memory is the caller's again. */
    void (*done)(struct mk_commit_item *item);
    void *self;      /**< the caller's */
    mk_err result;   /**< MK_OK: durable and visible as `final_name` */
    bool renamed;    /**< internal */
    mk_dir sync_dir; /**< internal */
    struct mk_commit_item *chain; /**< next of a batch; NULL at the end */
    char final_name[MK_VFS_NAME_MAX + 1];
} mk_commit_item;

/** Set an item to "nothing there".
 *
 * @param item  written. */
MK_API void mk_commit_item_init(mk_commit_item *item);

/** The first half of mk_commit: contents on stable storage, files closed.
 *
 * Nothing is visible yet; mk_commit on the same items does the rest, and
 * whoever gives them up instead discards each `file`. So a message of many
 * mailboxes is complete everywhere before the first name is made, and takes
 * no descriptor meanwhile. Blocks, meant for a worker.
 *
 * @param vfs    the table of all items.
 * @param items  list linked by `chain`, NULL-terminated; NULL is fine.
 * @param mode   as for mk_commit.
 *
 * Afterwards each item's `result` is MK_OK, or the error of the step that
 * failed, and then nothing of it is left. */
MK_API void mk_commit_contents(const mk_vfs *vfs, mk_commit_item *items,
                               mk_commit_mode mode);

/** Make a batch of files durable and visible; blocks, meant for a worker.
 *
 * Prepares each item that asks for it, syncs every file, closes it, renames
 * it without replacing (a taken name is made anew, MK_DISK_TRIES times), and
 * syncs each distinct directory once, through a handle of its own, so that
 * several commits may share `final_dir`. Items do not depend on each other.
 * When descriptors run out, what is open is committed first.
 *
 * @param vfs    the table of all items.
 * @param items  list linked by `chain`, NULL-terminated; NULL is fine.
 * @param mode   MK_COMMIT_DURABLE or MK_COMMIT_RELAXED.
 *
 * Afterwards each item's `result` is MK_OK, or the error of the step that
 * failed; a failed item left neither its temporary nor its final name,
 * unless removing failed as well. `done` is not called. */
MK_API void mk_commit(const mk_vfs *vfs, mk_commit_item *items,
                      mk_commit_mode mode);

/** Settings of a commit queue; start with mk_commit_queue_config_init. */
typedef struct mk_commit_queue_config {
    size_t size; /**< sizeof(mk_commit_queue_config), set by init */
    const mk_vfs *vfs;
    const mk_alloc *alloc;
    /** Run job->work on a worker, then job->done on the loop's thread, never
     *  inside this call. On an error neither is called. As mk_host.submit. */
    mk_err (*submit)(void *self, mk_job *job);
    void *submit_self;
    unsigned lanes;     /**< batches under way at once; default 4, 1 to 64 */
    unsigned batch_max; /**< items a batch; default 64, 1 to 1024 */
    mk_commit_mode mode;
} mk_commit_queue_config;

/** Collects items while batches run and turns them into the next batches.
 *
 * Used on one thread only (the loop's). */
typedef struct mk_commit_queue mk_commit_queue;

/** Set a config to its defaults.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller. */
MK_API void mk_commit_queue_config_init(mk_commit_queue_config *c, size_t size);

/** Make a queue.
 *
 * @param c          copied; vfs, alloc and submit are needed and stay
 *                   borrowed for the queue's life.
 * @param out_queue  written on success; free it by mk_commit_queue_free.
 * @return MK_OK; MK_E_ARG when something is missing or out of range;
 *         MK_E_MEMORY. */
MK_API mk_err mk_commit_queue_new(const mk_commit_queue_config *c,
                                  mk_commit_queue **out_queue);

/** Hand over one item; a free lane starts at once, else it waits its turn.
 *
 * @param q     the queue.
 * @param item  filled, `done` set; the queue's until `done` is called.
 * @return MK_OK: `done` will be called, later, on the loop's thread;
 *         MK_E_ARG when the item is incomplete; or the error of submit when
 *         no worker could be had and none is under way: then the item is the
 *         caller's still and `done` is not called. */
MK_API mk_err mk_commit_queue_add(mk_commit_queue *q, mk_commit_item *item);

/** Items handed over whose `done` was not called yet.
 *
 * @param q  the queue.
 * @return 0 when idle. */
MK_API size_t mk_commit_queue_count(const mk_commit_queue *q);

/** Free a queue that is idle.
 *
 * @param q  NULL is fine.
 * @return MK_OK; MK_E_BUSY when items are under way: nothing was changed. */
MK_API mk_err mk_commit_queue_free(mk_commit_queue *q);

MK_EXTERN_C_END
#endif
