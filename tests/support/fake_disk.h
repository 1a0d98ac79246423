/* SPDX-License-Identifier: MIT
 *
 * fake_disk.h: a file system in memory under mk_vfs that remembers every call
 * in order, so that power_cut.h can tell what a crash may leave of it. The
 * n-th call can be failed, before or after it took effect; reads and writes
 * shortened; room, files and descriptors limited. Nothing is ever given back
 * to the world: a handle is used once, so that one used after its close is
 * seen. It aborts when memory is out. One thread only.
 */
#ifndef SUPPORT_FAKE_DISK_H
#define SUPPORT_FAKE_DISK_H

#include <mailkit/vfs.h>

/* ---- what is there ------------------------------------------------------- */

typedef struct disk_entry {
    char *name;
    int node;
} disk_entry;

typedef struct disk_node {
    bool is_there; /* its number is in use */
    bool is_dir;
    char *octets; /* a file's */
    size_t len;
    disk_entry *entries; /* a directory's */
    size_t count;
    uint64_t links;
    uint64_t modified_s;
} disk_node;

/* Nodes by number; 0 is the root. */
typedef struct disk_image {
    disk_node *nodes;
    size_t count;
} disk_image;

void disk_image_init(disk_image *i); /* an empty root */
void disk_image_fini(disk_image *i);
void disk_image_copy(disk_image *to, const disk_image *from); /* to: unset */
/* The node of that number, made when it is not there. */
disk_node *disk_image_node(disk_image *i, int number, bool is_dir);
void disk_image_enter(disk_image *i, int dir, const char *name, int node);
void disk_image_leave(disk_image *i, int dir, const char *name);
/* Grow or shrink; what is new holds the octet. */
void disk_image_resize(disk_image *i, int node, size_t len, char octet);
/* The node of a name in a directory, or of "a/b/c" below the root; -1. */
int disk_image_find(const disk_image *i, int dir, const char *name);
int disk_image_at(const disk_image *i, const char *path);

/* ---- what was done ------------------------------------------------------- */

typedef enum disk_kind {
    DISK_DIR_OPEN,
    DISK_DIR_MAKE,
    DISK_DIR_SYNC,
    DISK_DIR_STAT,
    DISK_DIR_SPACE,
    DISK_LIST_OPEN,
    DISK_LIST_READ,
    DISK_CREATE,
    DISK_OPEN,
    DISK_WRITE,
    DISK_READ,
    DISK_SYNC,
    DISK_CLOSE,
    DISK_STAT,
    DISK_ENTRY_STAT,
    DISK_RENAME,
    DISK_LINK,
    DISK_REMOVE,
    DISK_NOTE, /* put there by fake_disk_note */
    DISK_KINDS
} disk_kind;

typedef struct disk_op {
    disk_kind kind;
    mk_err err;      /* what was returned */
    bool done;       /* it took effect, whatever was returned */
    int node;        /* what it was about; -1: nothing */
    int dir;         /* where its name is; -1: it has none */
    int to_dir;      /* rename, link */
    intptr_t handle; /* used or made; -1 */
    uint64_t offset; /* write */
    uint64_t time_s;
    char *octets; /* write */
    size_t len;
    char *name; /* a note's text too */
    char *to_name;
} disk_op;

typedef struct disk_handle {
    int node;
    bool is_open;
    bool is_listing;
    size_t next; /* listing: the entry to come */
} disk_handle;

typedef struct fake_disk {
    mk_vfs vfs; /* hand out &d->vfs */
    mk_dir root;
    disk_image base; /* what was durable when it was made */
    disk_image now;
    disk_op *ops;
    size_t count;
    disk_handle *handles;
    size_t handle_count;
    size_t open_count;  /* the root is not counted */
    const char *broken; /* how the table was misused, if it was */
    uint64_t time_s;    /* the clock of what is written */
    /* what goes wrong; all off after fake_disk_heal */
    unsigned calls;    /* that can fail, so far */
    unsigned fail_at;  /* 1 is the first; 0 never */
    unsigned fail_for; /* how many from there on; 0 for ever */
    bool fail_after;   /* the call takes effect and then fails */
    mk_err fail_err;
    int fail_kind;     /* count and fail only this disk_kind; -1 all */
    size_t chunk;      /* most octets of a read or write; 0 all */
    size_t room_bytes; /* of all files; SIZE_MAX no limit */
    size_t room_nodes;
    bool room_lies;     /* dir_space tells of plenty */
    size_t size_max;    /* of one file */
    size_t handles_max; /* open at once */
} fake_disk;

fake_disk *fake_disk_new(void);
/* One whose base is an image, which it takes. */
fake_disk *fake_disk_of(disk_image *image);
/* What is there when the process is killed behind its first `at` calls: all
 * they did, though not all is durable yet. */
fake_disk *fake_disk_killed(const fake_disk *d, size_t at);
void fake_disk_free(fake_disk *d);
/* Stop failing, count from 0. */
void fake_disk_heal(fake_disk *d);
/* A message was reported as stored: the one whose files hold this text. */
void fake_disk_note(fake_disk *d, const char *text);
/* Calls of a kind that took effect. */
unsigned fake_disk_count(const fake_disk *d, disk_kind kind);
/* Is text somewhere in the file? */
bool disk_node_has(const disk_node *n, const char *text);

/* The first thing that is out of order in what was done, or NULL:
 * - a file moved to another directory before its contents were synced, or
 *   written after that, or whose sync or close had failed;
 * - a file synced again after a sync of it had failed (THREATS G5);
 * - a note none of whose files was moved before; or before which the
 *   directory of one, or the parent of a directory made above it, was not
 *   synced.
 * Static text. */
const char *fake_disk_disorder(const fake_disk *d);

#endif
