/* SPDX-License-Identifier: MIT
 *
 * inbox.c: see inbox.h. The library's delivery does the work: tmp/, synced,
 * renamed to new/, the directory synced (docs/maildir.md). The path is the
 * user's own, so links in it are followed; the box itself must be theirs.
 */
#include "inbox.h"

#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SWEEP_AGE_S = 36 * 3600 };

static uint64_t wall_us(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The directory that the box is in, and its name there; in place. */
static const char *split(char *path, mk_str *out_name)
{
    size_t len = strlen(path);
    char *slash;

    while (len > 1 && path[len - 1] == '/') {
        path[--len] = '\0';
    }
    slash = strrchr(path, '/');
    *out_name = mk_str_z(slash == NULL ? path : slash + 1);
    if (slash == NULL) {
        return ".";
    }
    *slash = '\0';
    return slash == path ? "/" : path;
}

static mk_err open_box(inbox *i, char *path)
{
    const mk_vfs *vfs = mk_vfs_posix();
    mk_dir none = {MK_VFS_NONE};
    mk_dir parent;
    mk_str name;
    const char *above = split(path, &name);
    mk_err r = vfs->dir_open(vfs->self, none, above, &parent);

    if (r != MK_OK) {
        return r;
    }
    r = mk_maildir_open_at(vfs, parent, name, &i->box);
    vfs->dir_close(vfs->self, parent);
    return r;
}

int inbox_open(inbox *i, const char *path, const mk_random *random)
{
    char *full = realpath(path, NULL);
    mk_err r = MK_E_MEMORY;

    if (full == NULL) { /* to be made */
        full = strdup(path);
    }
    if (full != NULL) {
        r = open_box(i, full);
        free(full);
    }
    if (r != MK_OK) {
        return tool_fail(TOOL_CANTCREAT, path, mk_err_text(r));
    }
    if (gethostname(i->host, sizeof i->host) != 0) {
        i->host[0] = '\0';
    }
    i->host[sizeof i->host - 1] = '\0';
    i->random = random;
    i->stamp.pid = (uint32_t)getpid();
    i->stamp.host = mk_str_z(i->host);
    (void)mk_maildir_sweep(&i->box, wall_us() / 1000000, SWEEP_AGE_S, NULL);
    return TOOL_OK;
}

static mk_err begin(inbox *i)
{
    mk_delivery_config c;
    mk_err r;

    mk_delivery_config_init(&c, sizeof c);
    i->stamp.wall_us = wall_us();
    i->stamp.seq++;
    r = i->random->fill(i->random->self, (unsigned char *)&i->stamp.random,
                        sizeof i->stamp.random);
    c.alloc = mk_alloc_libc();
    c.box = &i->box;
    c.stamp = i->stamp;
    if (r == MK_OK) {
        r = mk_delivery_new(&c, &i->coming);
    }
    return r == MK_OK ? mk_delivery_begin(i->coming, mk_str_of(NULL, 0)) : r;
}

mk_err inbox_add(inbox *i, mk_str wire)
{
    mk_err r = i->coming == NULL ? begin(i) : MK_OK;

    if (r == MK_OK && wire.len > 0) {
        r = mk_delivery_add(i->coming, wire);
    }
    if (r != MK_OK) {
        inbox_drop(i);
    }
    return r;
}

mk_err inbox_end(inbox *i, uint32_t number)
{
    mk_err r = inbox_add(i, mk_str_of(NULL, 0)); /* it may be empty */

    if (r == MK_OK) {
        r = mk_delivery_end(i->coming);
    }
    if (r != MK_OK) {
        inbox_drop(i);
        return r;
    }
    i->batch[i->count].delivery = i->coming;
    i->batch[i->count].number = number;
    i->count++;
    i->coming = NULL;
    return MK_OK;
}

void inbox_drop(inbox *i)
{
    mk_delivery_free(i->coming);
    i->coming = NULL;
}

void inbox_settle(inbox *i, inbox_told *told, void *self)
{
    mk_commit_item *first = NULL;
    size_t k;

    for (k = i->count; k > 0; k--) {
        mk_commit_item *item = mk_delivery_item(i->batch[k - 1].delivery);
        item->chain = first;
        first = item;
    }
    mk_commit(mk_vfs_posix(), first, MK_COMMIT_DURABLE);
    for (k = 0; k < i->count; k++) {
        mk_delivery *d = i->batch[k].delivery;
        uint64_t wire = 0;
        mk_delivery_size(d, NULL, &wire);
        told(self, i->batch[k].number, mk_delivery_item(d)->result,
             mk_delivery_name(d), wire);
        mk_delivery_free(d);
    }
    i->count = 0;
}

void inbox_close(inbox *i)
{
    inbox_drop(i);
    while (i->count > 0) {
        mk_delivery_free(i->batch[--i->count].delivery);
    }
    mk_maildir_close(&i->box);
}
