/* SPDX-License-Identifier: MIT
 *
 * lost_sync.h: real directories of which one loses names, as Linux tells of it:
 * the sync of a directory reports a loss once to each handle that was open
 * then, and the next sync through that handle says that all is well. It is
 * lost while two lanes sync the directory at the same time. One thread only:
 * the second lane runs inside the first one's sync.
 */
#ifndef SUPPORT_LOST_SYNC_H
#define SUPPORT_LOST_SYNC_H

#include <mailkit/vfs.h>

#define LOST_SYNC_HANDLES 1024

typedef struct lost_sync {
    mk_vfs vfs;                    /* hand out &l->vfs */
    uint64_t watched;              /* inode of the directory */
    void (*meanwhile)(void *self); /* the other lane; run once */
    void *self;
    unsigned depth;
    intptr_t outer; /* the handle of the first lane's sync */
    unsigned lost;
    unsigned told[LOST_SYNC_HANDLES]; /* of how many losses, by descriptor */
    unsigned good; /* syncs of the watched directory that were believed */
} lost_sync;

/* path: of the directory that will lose names. */
void lost_sync_init(lost_sync *l, const char *path);

#endif
