/* SPDX-License-Identifier: MIT
 *
 * fake_disk.c: the table over an image in memory. Each call is noted first
 * and judged after: whether it fails, then what it does.
 */
#include "fake_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *ptr, size_t n, size_t size)
{
    ptr = realloc(ptr, (n > 0 ? n : 1) * size);
    if (ptr == NULL) {
        abort();
    }
    return ptr;
}

static char *copied(const char *from, size_t n)
{
    char *to = grown(NULL, n + 1, 1);
    if (n > 0) {
        memcpy(to, from, n);
    }
    to[n] = '\0';
    return to;
}

/* ---- images -------------------------------------------------------------- */

void disk_image_init(disk_image *i)
{
    memset(i, 0, sizeof *i);
    (void)disk_image_node(i, 0, true);
}

void disk_image_fini(disk_image *i)
{
    for (size_t n = 0; n < i->count; n++) {
        disk_node *node = &i->nodes[n];
        for (size_t e = 0; e < node->count; e++) {
            free(node->entries[e].name);
        }
        free(node->entries);
        free(node->octets);
    }
    free(i->nodes);
    memset(i, 0, sizeof *i);
}

void disk_image_copy(disk_image *to, const disk_image *from)
{
    to->nodes = grown(NULL, from->count, sizeof *to->nodes);
    to->count = from->count;
    for (size_t n = 0; n < from->count; n++) {
        disk_node *node = &to->nodes[n];
        *node = from->nodes[n];
        if (node->octets != NULL) {
            node->octets = copied(node->octets, node->len);
        }
        node->entries = grown(NULL, node->count, sizeof *node->entries);
        for (size_t e = 0; e < node->count; e++) {
            const disk_entry *was = &from->nodes[n].entries[e];
            node->entries[e].node = was->node;
            node->entries[e].name = copied(was->name, strlen(was->name));
        }
    }
}

disk_node *disk_image_node(disk_image *i, int number, bool is_dir)
{
    size_t n = (size_t)number;
    if (n >= i->count) {
        i->nodes = grown(i->nodes, n + 1, sizeof *i->nodes);
        memset(i->nodes + i->count, 0, (n + 1 - i->count) * sizeof *i->nodes);
        i->count = n + 1;
    }
    if (!i->nodes[n].is_there) {
        i->nodes[n].is_there = true;
        i->nodes[n].is_dir = is_dir;
    }
    return &i->nodes[n];
}

static disk_entry *entry_of(const disk_image *i, int dir, const char *name)
{
    const disk_node *d = &i->nodes[dir];
    for (size_t e = 0; e < d->count; e++) {
        if (strcmp(d->entries[e].name, name) == 0) {
            return &d->entries[e];
        }
    }
    return NULL;
}

void disk_image_enter(disk_image *i, int dir, const char *name, int node)
{
    disk_image_leave(i, dir, name);
    disk_node *d = &i->nodes[dir];
    d->entries = grown(d->entries, d->count + 1, sizeof *d->entries);
    d->entries[d->count].name = copied(name, strlen(name));
    d->entries[d->count].node = node;
    d->count++;
    i->nodes[node].links++;
}

void disk_image_leave(disk_image *i, int dir, const char *name)
{
    disk_node *d = &i->nodes[dir];
    disk_entry *e = entry_of(i, dir, name);
    if (e != NULL) {
        size_t at = (size_t)(e - d->entries);
        i->nodes[e->node].links--;
        free(e->name);
        d->count--;
        memmove(e, e + 1, (d->count - at) * sizeof *e);
    }
}

void disk_image_resize(disk_image *i, int node, size_t len, char octet)
{
    disk_node *n = &i->nodes[node];
    n->octets = grown(n->octets, len + 1, 1);
    if (len > n->len) {
        memset(n->octets + n->len, octet, len - n->len);
    }
    n->octets[len] = '\0';
    n->len = len;
}

int disk_image_find(const disk_image *i, int dir, const char *name)
{
    const disk_entry *e = entry_of(i, dir, name);
    return e != NULL ? e->node : -1;
}

int disk_image_at(const disk_image *i, const char *path)
{
    int at = 0;
    while (at >= 0 && *path != '\0') {
        char name[MK_VFS_NAME_MAX + 1];
        size_t n = strcspn(path, "/");
        memcpy(name, path, n);
        name[n] = '\0';
        at = i->nodes[at].is_dir ? disk_image_find(i, at, name) : -1;
        path += path[n] == '/' ? n + 1 : n;
    }
    return at;
}

bool disk_node_has(const disk_node *n, const char *text)
{
    return n->octets != NULL && memmem(n->octets, n->len, text, strlen(text));
}

/* ---- calls --------------------------------------------------------------- */

static disk_op *op_new(fake_disk *d, disk_kind kind)
{
    if ((d->count & (d->count + 1)) == 0 || d->ops == NULL) {
        d->ops = grown(d->ops, (d->count + 1) * 2, sizeof *d->ops);
    }
    disk_op *op = &d->ops[d->count++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    op->node = -1;
    op->dir = -1;
    op->to_dir = -1;
    op->handle = -1;
    op->time_s = d->time_s;
    return op;
}

static disk_handle *handle_of(fake_disk *d, intptr_t id, bool is_listing)
{
    if (id < 0 || (size_t)id >= d->handle_count || !d->handles[id].is_open ||
        d->handles[id].is_listing != is_listing) {
        d->broken = "a handle that is not open was used";
        return NULL;
    }
    return &d->handles[id];
}

/* The node behind a handle; -1 and MK_E_IO when there is none. */
static int node_by(fake_disk *d, intptr_t id, bool is_dir)
{
    const disk_handle *h = handle_of(d, id, false);
    if (h != NULL && d->now.nodes[h->node].is_dir != is_dir) {
        d->broken = "a handle of another kind was used";
        return -1;
    }
    return h != NULL ? h->node : -1;
}

static disk_op *op_on(fake_disk *d, disk_kind kind, intptr_t id, bool is_dir)
{
    int node = node_by(d, id, is_dir);
    disk_op *op = op_new(d, kind);
    op->handle = id;
    op->node = node;
    op->err = node < 0 ? MK_E_IO : MK_OK;
    return op;
}

static disk_op *op_at(fake_disk *d, disk_kind kind, mk_dir at, const char *name)
{
    int dir = node_by(d, at.id, true);
    disk_op *op = op_new(d, kind);
    op->dir = dir;
    op->name = copied(name, strlen(name));
    op->err = op->dir < 0 ? MK_E_IO : MK_OK;
    if (op->dir >= 0) {
        op->node = disk_image_find(&d->now, op->dir, name);
    }
    return op;
}

/* Is it this call's turn to fail? */
static bool is_turn(fake_disk *d, disk_kind kind)
{
    if (d->fail_kind >= 0 && d->fail_kind != (int)kind) {
        return false;
    }
    d->calls++;
    return d->fail_at != 0 && d->calls >= d->fail_at &&
           (d->fail_for == 0 || d->calls - d->fail_at < d->fail_for);
}

/* May the call go on? When it fails in the end, op->err is set. */
static bool goes(fake_disk *d, disk_op *op)
{
    if (op->err != MK_OK) {
        return false;
    }
    if (is_turn(d, op->kind)) {
        op->err = d->fail_err;
        return d->fail_after;
    }
    return true;
}

/* The rest of a call that went on: what it would return by itself. */
static mk_err came(disk_op *op, mk_err err)
{
    op->done = err == MK_OK;
    op->err = op->err != MK_OK ? op->err : err;
    return op->err;
}

static mk_err handle_new(fake_disk *d, int node, bool is_listing, intptr_t *out)
{
    if (d->open_count >= d->handles_max) {
        return MK_E_FILES;
    }
    d->handles = grown(d->handles, d->handle_count + 1, sizeof *d->handles);
    d->handles[d->handle_count] = (disk_handle){node, true, is_listing, 0};
    *out = (intptr_t)d->handle_count++;
    d->open_count++;
    return MK_OK;
}

static void handle_end(fake_disk *d, intptr_t id, bool is_listing)
{
    disk_handle *h = handle_of(d, id, is_listing);
    if (h != NULL) {
        h->is_open = false;
        d->open_count--;
    }
}

/* A failed open gives no handle, even when it took effect. */
static mk_err opened(fake_disk *d, disk_op *op, intptr_t *out)
{
    intptr_t id = -1;
    mk_err err = handle_new(d, op->node, op->kind == DISK_LIST_OPEN, &id);
    if (err == MK_OK && op->err != MK_OK) {
        handle_end(d, id, op->kind == DISK_LIST_OPEN);
    }
    err = came(op, err);
    op->handle = id;
    if (err == MK_OK) {
        *out = id;
    }
    return err;
}

static mk_err dir_open(void *self, mk_dir at, const char *name, mk_dir *out)
{
    fake_disk *d = self;
    disk_op *op = op_at(d, DISK_DIR_OPEN, at, name);
    op->node = strcmp(name, ".") == 0 ? op->dir : op->node;
    if (!goes(d, op)) {
        return op->err;
    }
    if (op->node < 0 || !d->now.nodes[op->node].is_dir) {
        return came(op, op->node < 0 ? MK_E_NOENT : MK_E_KIND);
    }
    return opened(d, op, &out->id);
}

static void dir_close(void *self, mk_dir dir)
{
    handle_end(self, dir.id, false);
}

static size_t nodes_linked(const fake_disk *d, size_t *out_bytes)
{
    size_t n = 0;
    *out_bytes = 0;
    for (size_t i = 0; i < d->now.count; i++) {
        if (d->now.nodes[i].links > 0) {
            n++;
            *out_bytes += d->now.nodes[i].len;
        }
    }
    return n;
}

/* A new node under the name of op. */
static mk_err make(fake_disk *d, disk_op *op, bool is_dir)
{
    size_t bytes;
    if (op->node >= 0) {
        return MK_E_EXISTS;
    }
    if (nodes_linked(d, &bytes) >= d->room_nodes) {
        return MK_E_SPACE;
    }
    op->node = (int)d->now.count;
    disk_image_node(&d->now, op->node, is_dir)->modified_s = d->time_s;
    disk_image_enter(&d->now, op->dir, op->name, op->node);
    return MK_OK;
}

static mk_err dir_make(void *self, mk_dir at, const char *name)
{
    fake_disk *d = self;
    disk_op *op = op_at(d, DISK_DIR_MAKE, at, name);
    return goes(d, op) ? came(op, make(d, op, true)) : op->err;
}

static mk_err dir_sync(void *self, mk_dir dir)
{
    fake_disk *d = self;
    disk_op *op = op_on(d, DISK_DIR_SYNC, dir.id, true);
    return goes(d, op) ? came(op, MK_OK) : op->err;
}

static void stat_fill(const disk_node *n, mk_vfs_stat *out)
{
    out->kind = n->is_dir ? MK_VFS_KIND_DIR : MK_VFS_KIND_FILE;
    out->own = true;
    out->others_write = false;
    out->links = n->links;
    out->size_bytes = n->len;
    out->modified_s = n->modified_s;
}

static mk_err stat_of(fake_disk *d, disk_op *op, mk_vfs_stat *out)
{
    if (!goes(d, op)) {
        return op->err;
    }
    if (op->node < 0) {
        return came(op, MK_E_NOENT);
    }
    stat_fill(&d->now.nodes[op->node], out);
    return came(op, MK_OK);
}

static mk_err dir_stat(void *self, mk_dir dir, mk_vfs_stat *out)
{
    return stat_of(self, op_on(self, DISK_DIR_STAT, dir.id, true), out);
}

static mk_err dir_space(void *self, mk_dir dir, mk_vfs_space *out)
{
    fake_disk *d = self;
    disk_op *op = op_on(d, DISK_DIR_SPACE, dir.id, true);
    size_t bytes;
    if (!goes(d, op)) {
        return op->err;
    }
    size_t nodes = nodes_linked(d, &bytes);
    if (d->room_lies) {
        out->bytes = UINT64_MAX;
        out->inodes = UINT64_MAX;
        return came(op, MK_OK);
    }
    out->bytes = d->room_bytes > bytes ? d->room_bytes - bytes : 0;
    out->inodes = d->room_nodes > nodes ? d->room_nodes - nodes : 0;
    return came(op, MK_OK);
}

static mk_err list_open(void *self, mk_dir dir, mk_listing *out)
{
    fake_disk *d = self;
    disk_op *op = op_on(d, DISK_LIST_OPEN, dir.id, true);
    return goes(d, op) ? opened(d, op, &out->id) : op->err;
}

static mk_err list_read(void *self, mk_listing l, char *out)
{
    fake_disk *d = self;
    disk_op *op = op_new(d, DISK_LIST_READ);
    disk_handle *h = handle_of(d, l.id, true);
    op->handle = l.id;
    op->node = h != NULL ? h->node : -1;
    op->err = h == NULL ? MK_E_IO : MK_OK;
    if (h == NULL || !goes(d, op)) {
        return op->err;
    }
    const disk_node *n = &d->now.nodes[h->node];
    if (h->next >= n->count) {
        return came(op, MK_END);
    }
    (void)snprintf(out, MK_VFS_NAME_MAX + 1, "%s", n->entries[h->next++].name);
    return came(op, MK_OK);
}

static void list_close(void *self, mk_listing l)
{
    handle_end(self, l.id, true);
}

static mk_err file_create(void *self, mk_dir at, const char *name, mk_file *out)
{
    fake_disk *d = self;
    disk_op *op = op_at(d, DISK_CREATE, at, name);
    if (!goes(d, op)) {
        return op->err;
    }
    mk_err err =
        d->open_count >= d->handles_max ? MK_E_FILES : make(d, op, false);
    return err == MK_OK ? opened(d, op, &out->id) : came(op, err);
}

static mk_err file_open(void *self, mk_dir at, const char *name, mk_file *out)
{
    fake_disk *d = self;
    disk_op *op = op_at(d, DISK_OPEN, at, name);
    if (!goes(d, op)) {
        return op->err;
    }
    if (op->node < 0 || d->now.nodes[op->node].is_dir) {
        return came(op, op->node < 0 ? MK_E_NOENT : MK_E_KIND);
    }
    return opened(d, op, &out->id);
}

/* How many octets of a write the disk takes; 0 and the error: none. */
static size_t taken(const fake_disk *d, const disk_node *n, uint64_t offset,
                    size_t want, mk_err *out_err)
{
    size_t bytes;
    (void)nodes_linked(d, &bytes);
    size_t grow_max = d->room_bytes > bytes ? d->room_bytes - bytes : 0;
    size_t end = grow_max < SIZE_MAX - n->len ? n->len + grow_max : SIZE_MAX;
    *out_err = MK_E_SPACE;
    if (d->size_max < end) {
        end = d->size_max;
        *out_err = MK_E_FBIG;
    }
    size_t room = end > offset ? end - (size_t)offset : 0;
    if (d->chunk != 0 && want > d->chunk) {
        want = d->chunk;
    }
    return want < room ? want : room;
}

static mk_err file_write(void *self, mk_file f, uint64_t offset, mk_str data,
                         size_t *out)
{
    fake_disk *d = self;
    disk_op *op = op_on(d, DISK_WRITE, f.id, false);
    mk_err err;
    if (!goes(d, op)) {
        return op->err;
    }
    disk_node *n = &d->now.nodes[op->node];
    size_t len = taken(d, n, offset, data.len, &err);
    if (len == 0) {
        return came(op, err);
    }
    op->offset = offset;
    op->len = len;
    op->octets = copied(data.ptr, len);
    if (offset + len > n->len) {
        disk_image_resize(&d->now, op->node, (size_t)offset + len, '\0');
    }
    memcpy(n->octets + offset, data.ptr, len);
    n->modified_s = d->time_s;
    *out = len;
    return came(op, MK_OK);
}

static mk_err file_read(void *self, mk_file f, uint64_t offset, void *out,
                        size_t max, size_t *out_read)
{
    fake_disk *d = self;
    disk_op *op = op_on(d, DISK_READ, f.id, false);
    if (!goes(d, op)) {
        return op->err;
    }
    const disk_node *n = &d->now.nodes[op->node];
    size_t len = offset < n->len ? n->len - (size_t)offset : 0;
    len = len < max ? len : max;
    len = d->chunk != 0 && len > d->chunk ? d->chunk : len;
    if (len > 0) {
        memcpy(out, n->octets + offset, len);
    }
    *out_read = len;
    return came(op, MK_OK);
}

static void file_flush(void *self, mk_file f)
{
    (void)node_by(self, f.id, false); /* promises nothing */
}

static mk_err file_sync(void *self, mk_file f)
{
    fake_disk *d = self;
    disk_op *op = op_on(d, DISK_SYNC, f.id, false);
    return goes(d, op) ? came(op, MK_OK) : op->err;
}

static mk_err file_close(void *self, mk_file f)
{
    fake_disk *d = self;
    disk_op *op = op_on(d, DISK_CLOSE, f.id, false);
    handle_end(d, f.id, false); /* gone, whatever is returned */
    return goes(d, op) ? came(op, MK_OK) : op->err;
}

static mk_err file_stat(void *self, mk_file f, mk_vfs_stat *out)
{
    return stat_of(self, op_on(self, DISK_STAT, f.id, false), out);
}

static mk_err entry_stat(void *self, mk_dir at, const char *name,
                         mk_vfs_stat *out)
{
    return stat_of(self, op_at(self, DISK_ENTRY_STAT, at, name), out);
}

static disk_op *op_to(fake_disk *d, disk_op *op, mk_dir to, const char *to_name)
{
    op->to_name = copied(to_name, strlen(to_name));
    op->to_dir = node_by(d, to.id, true);
    op->err = op->to_dir < 0 ? MK_E_IO : op->err;
    return op;
}

/* A walk misses nothing because something else is removed behind it. */
static void name_end(fake_disk *d, const disk_op *op)
{
    const disk_node *n = &d->now.nodes[op->dir];
    const disk_entry *e = entry_of(&d->now, op->dir, op->name);
    for (size_t h = 0; h < d->handle_count; h++) {
        disk_handle *walk = &d->handles[h];
        if (walk->is_listing && walk->is_open && walk->node == op->dir &&
            walk->next > (size_t)(e - n->entries)) {
            walk->next--;
        }
    }
    disk_image_leave(&d->now, op->dir, op->name);
}

static mk_err second_name(fake_disk *d, disk_op *op)
{
    if (op->node < 0) {
        return MK_E_NOENT;
    }
    if (disk_image_find(&d->now, op->to_dir, op->to_name) >= 0) {
        return MK_E_EXISTS;
    }
    disk_image_enter(&d->now, op->to_dir, op->to_name, op->node);
    return MK_OK;
}

static mk_err entry_rename(void *self, mk_dir at, const char *name, mk_dir to,
                           const char *to_name)
{
    fake_disk *d = self;
    disk_op *op = op_to(d, op_at(d, DISK_RENAME, at, name), to, to_name);
    if (!goes(d, op)) {
        return op->err;
    }
    mk_err err = second_name(d, op);
    if (err == MK_OK) {
        name_end(d, op);
    }
    return came(op, err);
}

static mk_err entry_link(void *self, mk_dir at, const char *name, mk_dir to,
                         const char *to_name)
{
    fake_disk *d = self;
    disk_op *op = op_to(d, op_at(d, DISK_LINK, at, name), to, to_name);
    return goes(d, op) ? came(op, second_name(d, op)) : op->err;
}

static mk_err entry_remove(void *self, mk_dir at, const char *name)
{
    fake_disk *d = self;
    disk_op *op = op_at(d, DISK_REMOVE, at, name);
    if (!goes(d, op)) {
        return op->err;
    }
    if (op->node < 0 || d->now.nodes[op->node].is_dir) {
        return came(op, op->node < 0 ? MK_E_NOENT : MK_E_KIND);
    }
    name_end(d, op);
    return came(op, MK_OK);
}

static const mk_vfs table = {
    .size = sizeof(mk_vfs),
    .dir_open = dir_open,
    .dir_close = dir_close,
    .dir_make = dir_make,
    .dir_sync = dir_sync,
    .dir_stat = dir_stat,
    .dir_space = dir_space,
    .list_open = list_open,
    .list_read = list_read,
    .list_close = list_close,
    .file_create = file_create,
    .file_open = file_open,
    .file_write = file_write,
    .file_read = file_read,
    .file_flush = file_flush,
    .file_sync = file_sync,
    .file_close = file_close,
    .file_stat = file_stat,
    .entry_stat = entry_stat,
    .entry_rename = entry_rename,
    .entry_link = entry_link,
    .entry_remove = entry_remove,
};

/* ---- the disk ------------------------------------------------------------ */

fake_disk *fake_disk_of(disk_image *image)
{
    fake_disk *d = grown(NULL, 1, sizeof *d);
    memset(d, 0, sizeof *d);
    d->vfs = table;
    d->vfs.self = d;
    d->base = *image;
    memset(image, 0, sizeof *image);
    disk_image_copy(&d->now, &d->base);
    d->handles_max = 1;
    (void)handle_new(d, 0, false, &d->root.id);
    d->open_count = 0;
    d->time_s = 1795291810;
    fake_disk_heal(d);
    return d;
}

fake_disk *fake_disk_new(void)
{
    disk_image image;
    disk_image_init(&image);
    return fake_disk_of(&image);
}

/* Does to the image what a call did. */
static void redo(disk_image *now, const disk_op *op)
{
    if (op->kind == DISK_DIR_MAKE || op->kind == DISK_CREATE) {
        disk_image_node(now, op->node, op->kind == DISK_DIR_MAKE)->modified_s =
            op->time_s;
        disk_image_enter(now, op->dir, op->name, op->node);
    } else if (op->kind == DISK_RENAME || op->kind == DISK_LINK) {
        disk_image_enter(now, op->to_dir, op->to_name, op->node);
    } else if (op->kind == DISK_WRITE) {
        if (op->offset + op->len > now->nodes[op->node].len) {
            disk_image_resize(now, op->node, (size_t)op->offset + op->len,
                              '\0');
        }
        memcpy(now->nodes[op->node].octets + op->offset, op->octets, op->len);
        now->nodes[op->node].modified_s = op->time_s;
    }
    if (op->kind == DISK_RENAME || op->kind == DISK_REMOVE) {
        disk_image_leave(now, op->dir, op->name);
    }
}

fake_disk *fake_disk_killed(const fake_disk *d, size_t at)
{
    disk_image image;
    disk_image_copy(&image, &d->base);
    fake_disk *k = fake_disk_of(&image);
    k->time_s = d->time_s;
    for (size_t i = 0; i < at; i++) {
        const disk_op *from = &d->ops[i];
        disk_op *op = op_new(k, from->kind);
        *op = *from;
        op->handle = -1;
        op->octets = op->octets ? copied(op->octets, op->len) : NULL;
        op->name = op->name ? copied(op->name, strlen(op->name)) : NULL;
        op->to_name =
            op->to_name ? copied(op->to_name, strlen(op->to_name)) : NULL;
        if (op->done) {
            redo(&k->now, op);
        }
    }
    return k;
}

void fake_disk_free(fake_disk *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < d->count; i++) {
        free(d->ops[i].octets);
        free(d->ops[i].name);
        free(d->ops[i].to_name);
    }
    free(d->ops);
    free(d->handles);
    disk_image_fini(&d->base);
    disk_image_fini(&d->now);
    free(d);
}

void fake_disk_heal(fake_disk *d)
{
    d->calls = 0;
    d->fail_at = 0;
    d->fail_for = 1;
    d->fail_after = false;
    d->fail_err = MK_E_IO;
    d->fail_kind = -1;
    d->chunk = 0;
    d->room_bytes = SIZE_MAX;
    d->room_nodes = SIZE_MAX;
    d->room_lies = false;
    d->size_max = SIZE_MAX;
    d->handles_max = SIZE_MAX;
}

void fake_disk_note(fake_disk *d, const char *text)
{
    disk_op *op = op_new(d, DISK_NOTE);
    op->name = copied(text, strlen(text));
    op->done = true;
}

unsigned fake_disk_count(const fake_disk *d, disk_kind kind)
{
    unsigned n = 0;
    for (size_t i = 0; i < d->count; i++) {
        n += d->ops[i].kind == kind && d->ops[i].done;
    }
    return n;
}
