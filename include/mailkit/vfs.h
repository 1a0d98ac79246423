/* SPDX-License-Identifier: MIT
 *
 * vfs.h: the only door to files (Law 2): a table of functions over handles
 * to directories and files. disk.h gives the POSIX filling; tests and small
 * systems bring their own. Every name is one component below an open
 * directory, so a directory that is swapped for another meanwhile misleads
 * nobody (THREATS 104). It refuses to replace a file that exists, to follow
 * a symbolic link, and to hide an error: each failure is one mk_err.
 */
#ifndef MAILKIT_VFS_H
#define MAILKIT_VFS_H

#include <mailkit/base.h>

MK_EXTERN_C_BEGIN

/** An open directory: a value of the filling's own, compared by `id`. */
typedef struct mk_dir {
    intptr_t id; /**< a descriptor or a pointer; -1 is no directory */
} mk_dir;

/** An open file: a value of the filling's own. */
typedef struct mk_file {
    intptr_t id; /**< a descriptor or a pointer; -1 is no file */
} mk_file;

/** A walk through the names of a directory. */
typedef struct mk_listing {
    intptr_t id; /**< -1 is no listing */
} mk_listing;

/** No handle: the start of an absolute path for dir_open; what a closed
 *  handle is set to. */
#define MK_VFS_NONE (-1)

/** The longest name of a directory entry, in octets without the NUL. */
#define MK_VFS_NAME_MAX 255

/** What a directory entry is. */
typedef enum mk_vfs_kind {
    MK_VFS_KIND_FILE = 1, /**< a regular file */
    MK_VFS_KIND_DIR = 2,
    MK_VFS_KIND_LINK = 3, /**< a symbolic link itself, not its target */
    MK_VFS_KIND_OTHER = 4 /**< FIFO, socket, device */
} mk_vfs_kind;

/** What is known about a file or directory. */
typedef struct mk_vfs_stat {
    mk_vfs_kind kind;
    bool own;          /**< owned by the user that this process acts as */
    bool others_write; /**< others than owner and group may write to it */
    uint64_t links;    /**< hard links */
    uint64_t size_bytes;
    uint64_t modified_s; /**< last change of the contents, seconds UTC */
} mk_vfs_stat;

/** What a file system has left for this user. */
typedef struct mk_vfs_space {
    uint64_t bytes;  /**< free octets */
    uint64_t inodes; /**< free files; UINT64_MAX when there is no such limit */
} mk_vfs_space;

/** The table through which all files are reached.
 *
 * Common to all members: the first argument is `self`; a name is one
 * component, NUL-terminated, 1 to MK_VFS_NAME_MAX octets, without '/' and
 * neither "." nor ".." (dir_open and file_open also take a path when `at` is
 * none); the return is MK_OK, or an error that changed nothing unless said
 * otherwise. Interrupted calls are repeated inside (THREATS F13). Members may
 * be called from several threads at once, though not on one file at once.
 * Descriptors are never inherited by other programs.
 *
 * Errors: MK_E_SPACE (also quota), MK_E_FBIG, MK_E_FILES, MK_E_READONLY,
 * MK_E_CROSSDEV, MK_E_EXISTS, MK_E_NOENT, MK_E_ACCESS, MK_E_KIND (a link, a
 * FIFO, not a directory …), MK_E_MEMORY, MK_E_COUNT (too many links),
 * MK_E_LIMIT (the name is too long), MK_E_AGAIN, MK_E_UNSUPPORTED, and
 * MK_E_IO for all else. */
typedef struct mk_vfs {
    size_t size; /**< sizeof(mk_vfs) as compiled by who fills it */
    void *self;

    /** Open a directory; a symbolic link of that name is refused. `at` with id
     *  MK_VFS_NONE: `name` is the operator's path, absolute or relative to
     *  the process, and links in it are followed. The name "." opens `at` once
     *  more: a handle that is told of losses (dir_sync) by itself. */
    mk_err (*dir_open)(void *self, mk_dir at, const char *name,
                       mk_dir *out_dir);
    /** Close a directory; cannot fail. */
    void (*dir_close)(void *self, mk_dir dir);
    /** Make a directory that only its owner may enter (0700). */
    mk_err (*dir_make)(void *self, mk_dir at, const char *name);
    /** Put the directory's entries on stable storage. That some were lost is
     *  told once to each handle which was open then (THREATS G5): success
     *  vouches only for names made since the handle was opened, and only if
     *  no call on it failed. */
    mk_err (*dir_sync)(void *self, mk_dir dir);
    /** What the open directory is. */
    mk_err (*dir_stat)(void *self, mk_dir dir, mk_vfs_stat *out_stat);
    /** What the directory's file system has left. */
    mk_err (*dir_space)(void *self, mk_dir dir, mk_vfs_space *out_space);

    /** Start walking through a directory's names. */
    mk_err (*list_open)(void *self, mk_dir dir, mk_listing *out_listing);
    /** One more name, without "." and ".."; `out_name` has
     *  MK_VFS_NAME_MAX + 1 octets. MK_END when there are no more. */
    mk_err (*list_read)(void *self, mk_listing listing, char *out_name);
    /** End the walk; cannot fail. */
    void (*list_close)(void *self, mk_listing listing);

    /** Make a file that was not there (not even as a dangling link), 0600,
     *  open for reading and writing. */
    mk_err (*file_create)(void *self, mk_dir at, const char *name,
                          mk_file *out_file);
    /** Open a regular file for reading; anything else is MK_E_KIND, and
     *  opening a FIFO does not block. `at` with id MK_VFS_NONE: the operator's
     *  path, as for dir_open. */
    mk_err (*file_open)(void *self, mk_dir at, const char *name,
                        mk_file *out_file);
    /** Write at a position; 1 to data.len octets are taken and counted.
     *  data.len is at least 1. */
    mk_err (*file_write)(void *self, mk_file file, uint64_t offset, mk_str data,
                         size_t *out_written);
    /** Read at a position; *out_read is 0 at the end of the file only. */
    mk_err (*file_read)(void *self, mk_file file, uint64_t offset, void *out,
                        size_t max, size_t *out_read);
    /** Start writing the file out without waiting: a hint that lets the
     *  syncs of many files share one journal flush. It promises nothing and
     *  cannot fail; it may be empty. */
    void (*file_flush)(void *self, mk_file file);
    /** Put contents and size on stable storage. After a failure the file
     *  must be given up: a second call on it may lie (THREATS G5). */
    mk_err (*file_sync)(void *self, mk_file file);
    /** Close; the handle is gone whatever is returned (never repeated). */
    mk_err (*file_close)(void *self, mk_file file);
    /** What the open file is. */
    mk_err (*file_stat)(void *self, mk_file file, mk_vfs_stat *out_stat);

    /** What an entry is; a symbolic link is not followed. */
    mk_err (*entry_stat)(void *self, mk_dir at, const char *name,
                         mk_vfs_stat *out_stat);
    /** Move an entry to a name that does not exist yet; MK_E_EXISTS when it
     *  does, and then both are as before. */
    mk_err (*entry_rename)(void *self, mk_dir at, const char *name, mk_dir to,
                           const char *to_name);
    /** Give a file a second name that does not exist yet. */
    mk_err (*entry_link)(void *self, mk_dir at, const char *name, mk_dir to,
                         const char *to_name);
    /** Remove a name (of a file, not of a directory). */
    mk_err (*entry_remove)(void *self, mk_dir at, const char *name);
} mk_vfs;

MK_EXTERN_C_END
#endif
