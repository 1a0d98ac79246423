/* SPDX-License-Identifier: MIT
 *
 * store/delivery.c: one message into one Maildir. A small one is given whole
 * and written by the commit itself, in one write; a big one is streamed
 * behind its header fields, and copied from the file in tmp/ for further
 * boxes or when the fields turn out to be others. It refuses calls out of
 * order, and after an error everything but abort and free.
 */
#include "store/internal.h"

#include <string.h>

#define BUFFER_MAX 65536u
#define STREAM_BUFFER 32768u
#define HOST_KEPT 96u

typedef enum delivery_state {
    STATE_FRESH,
    STATE_WHOLE,  /* the commit writes it */
    STATE_STREAM, /* begun */
    STATE_READY,  /* written */
    STATE_BROKEN  /* only abort and free are left */
} delivery_state;

struct mk_delivery {
    mk_commit_item item; /* first: mk_delivery_of */
    delivery_state state;
    const mk_alloc *alloc;
    const mk_maildir *box;
    mk_maildir_stamp stamp;
    uint64_t free_bytes_min;
    uint64_t free_inodes_min;
    unsigned attempt; /* the one that gave the temporary name */
    void *tag;
    mk_str top;         /* whole: borrowed */
    const mk_str *body; /* whole: borrowed */
    size_t body_n;
    uint64_t top_bytes; /* stream: octets of the fields in the file */
    uint64_t top_lines; /* stream: LFs of these */
    uint64_t lines;     /* LFs in the file */
    mk_lf_writer w;     /* stream: w.buf is ours while begun */
    char host[HOST_KEPT];
};

/* ---- names --------------------------------------------------------------- */

static mk_err name_tmp(void *self, unsigned attempt, char *out_name)
{
    mk_delivery *d = self;

    d->attempt = attempt;
    (void)mk_maildir_name_format(&d->stamp, attempt, out_name);
    return MK_OK;
}

static mk_err name_final(void *self, unsigned attempt, char *out_name)
{
    const mk_delivery *d = self;
    mk_buf b;

    mk_buf_init(&b, out_name, MK_VFS_NAME_MAX);
    b.len = mk_maildir_name_format(&d->stamp, d->attempt + attempt, out_name);
    (void)mk_buf_add_z(&b, ",S=");
    (void)mk_buf_add_u64(&b, d->item.file.end);
    (void)mk_buf_add_z(&b, ",W=");
    (void)mk_buf_add_u64(&b, d->item.file.end + d->lines);
    out_name[b.len] = '\0';
    return b.full ? MK_E_LIMIT : MK_OK;
}

/* ---- the file ------------------------------------------------------------ */

static mk_err space_check(const mk_delivery *d)
{
    const mk_vfs *vfs = d->box->vfs;
    mk_vfs_space space;
    mk_err err;

    if (d->free_bytes_min == 0 && d->free_inodes_min == 0) {
        return MK_OK;
    }
    err = vfs->dir_space(vfs->self, d->box->dir_tmp, &space);
    if (err != MK_OK) {
        return err;
    }
    return space.bytes < d->free_bytes_min || space.inodes < d->free_inodes_min
               ? MK_E_SPACE
               : MK_OK;
}

/* The box may have been opened, or opened anew, since the last look. */
static void box_look(mk_delivery *d)
{
    d->item.file.dir = d->box->dir_tmp;
    d->item.final_dir = d->box->dir_new;
}

static mk_err file_make(mk_delivery *d)
{
    mk_err err;

    if (d->box->vfs == NULL) {
        return MK_E_STATE;
    }
    err = space_check(d);
    if (err != MK_OK) {
        return err;
    }
    box_look(d);
    return mk_disk_file_open(&d->item.file, d->box->vfs, d->box->dir_tmp,
                             name_tmp, d);
}

static mk_err writer_init(mk_delivery *d, size_t buffer_bytes)
{
    memset(&d->w, 0, sizeof d->w);
    /* not zeroed: only what was written to it is read */
    d->w.buf = d->alloc->get(d->alloc->self, buffer_bytes);
    if (d->w.buf == NULL) {
        return MK_E_MEMORY;
    }
    d->w.file = &d->item.file;
    d->w.max = buffer_bytes;
    return MK_OK;
}

static void writer_drop(mk_delivery *d)
{
    mk_alloc_put(d->alloc, d->w.buf, d->w.max);
    d->w.buf = NULL;
}

/* ---- whole --------------------------------------------------------------- */

/* Octets for a buffer that takes the message in one write if it is small. */
static size_t whole_buffer(const mk_delivery *d)
{
    size_t sum = 2;
    size_t i;

    if (mk_size_add(sum, d->top.len, &sum) != MK_OK) {
        return BUFFER_MAX;
    }
    for (i = 0; i < d->body_n && sum < BUFFER_MAX; i++) {
        if (mk_size_add(sum, d->body[i].len, &sum) != MK_OK) {
            return BUFFER_MAX;
        }
    }
    return sum < BUFFER_MAX ? sum : BUFFER_MAX;
}

static mk_err whole_write(mk_delivery *d)
{
    mk_err err = mk_lf_writer_add(&d->w, d->top);
    size_t i;

    for (i = 0; i < d->body_n && err == MK_OK; i++) {
        err = mk_lf_writer_add(&d->w, d->body[i]);
    }
    if (err == MK_OK) {
        err = mk_lf_writer_end(&d->w);
    }
    d->lines = d->w.lf.lines;
    return err;
}

static mk_err whole_make(mk_delivery *d)
{
    mk_err err = writer_init(d, whole_buffer(d));

    if (err != MK_OK) {
        return err;
    }
    err = file_make(d);
    if (err == MK_OK) {
        err = whole_write(d);
    }
    writer_drop(d);
    if (err != MK_OK) {
        mk_disk_file_discard(&d->item.file);
    }
    return err;
}

/* Runs on the worker as the first step of the commit. */
static mk_err prepare(mk_commit_item *item)
{
    mk_delivery *d = (mk_delivery *)item;

    if (!item->file.present) {
        return d->state == STATE_WHOLE ? whole_make(d) : MK_E_STATE;
    }
    if (d->box->vfs == NULL) {
        return MK_E_STATE;
    }
    box_look(d);
    return MK_OK;
}

mk_err mk_delivery_whole(mk_delivery *d, mk_str top, const mk_str *body,
                         size_t n)
{
    if (d->state != STATE_FRESH) {
        return MK_E_STATE;
    }
    d->top = top;
    d->body = body;
    d->body_n = n;
    d->state = STATE_WHOLE;
    return MK_OK;
}

/* ---- streamed ------------------------------------------------------------ */

static mk_err broken(mk_delivery *d, mk_err err)
{
    mk_delivery_abort(d);
    return err;
}

mk_err mk_delivery_begin(mk_delivery *d, mk_str top)
{
    mk_err err;

    if (d->state != STATE_FRESH) {
        return MK_E_STATE;
    }
    if (top.len > 0 && top.ptr[top.len - 1] != '\n') {
        return MK_E_SYNTAX;
    }
    err = writer_init(d, STREAM_BUFFER);
    if (err != MK_OK) {
        return err;
    }
    err = file_make(d);
    if (err != MK_OK) {
        writer_drop(d);
        return err;
    }
    d->state = STATE_STREAM;
    err = mk_lf_writer_add(&d->w, top);
    d->top_bytes = d->w.at + d->w.len;
    d->top_lines = d->w.lf.lines;
    return err == MK_OK ? MK_OK : broken(d, err);
}

mk_err mk_delivery_add(mk_delivery *d, mk_str wire)
{
    mk_err err;

    if (d->state != STATE_STREAM) {
        return MK_E_STATE;
    }
    err = mk_lf_writer_add(&d->w, wire);
    return err == MK_OK ? MK_OK : broken(d, err);
}

mk_err mk_delivery_end(mk_delivery *d)
{
    mk_err err;

    if (d->state != STATE_STREAM) {
        return MK_E_STATE;
    }
    err = mk_lf_writer_end(&d->w);
    if (err != MK_OK) {
        return broken(d, err);
    }
    d->lines = d->w.lf.lines;
    writer_drop(d);
    d->state = STATE_READY;
    return MK_OK;
}

/* ---- copies -------------------------------------------------------------- */

/* Copies what lies behind the fields: LF form is copied as it is. */
static mk_err body_copy(mk_delivery *d, const mk_delivery *source)
{
    uint64_t at = source->top_bytes;
    size_t n = d->w.max;
    mk_err err = mk_lf_writer_end(&d->w); /* its buffer is free now */

    while (err == MK_OK && n == d->w.max) {
        err = mk_disk_file_read(&source->item.file, at, d->w.buf, d->w.max, &n);
        if (err == MK_OK) {
            err = mk_disk_file_write(&d->item.file, d->item.file.end,
                                     mk_str_of(d->w.buf, n));
            at += n;
        }
    }
    if (err == MK_OK && at != source->item.file.end) {
        err = MK_E_IO; /* not what was written: somebody else did */
    }
    return err;
}

mk_err mk_delivery_copy(mk_delivery *d, const mk_delivery *source, mk_str top)
{
    mk_err err;

    if (d->state != STATE_FRESH || source->state != STATE_READY ||
        source->item.file.file.id == MK_VFS_NONE) {
        return MK_E_STATE;
    }
    err = mk_delivery_begin(d, top);
    if (err != MK_OK) {
        return err;
    }
    err = body_copy(d, source);
    if (err != MK_OK) {
        return broken(d, err);
    }
    d->lines = d->top_lines + source->lines - source->top_lines;
    writer_drop(d);
    d->state = STATE_READY;
    return MK_OK;
}

/* ---- life ---------------------------------------------------------------- */

void mk_delivery_config_init(mk_delivery_config *c, size_t size)
{
    memset(c, 0, size < sizeof *c ? size : sizeof *c);
    c->size = size;
}

mk_err mk_delivery_new(const mk_delivery_config *c, mk_delivery **out_delivery)
{
    mk_delivery *d;
    mk_str host = mk_str_sub(c->stamp.host, 0, HOST_KEPT);

    if (c->size < sizeof *c || c->alloc == NULL || c->box == NULL) {
        return MK_E_ARG;
    }
    d = mk_alloc_get(c->alloc, sizeof *d);
    if (d == NULL) {
        return MK_E_MEMORY;
    }
    mk_commit_item_init(&d->item);
    d->item.prepare = prepare;
    d->item.namer = name_final;
    d->item.self = d;
    d->item.result = MK_E_STATE;
    d->alloc = c->alloc;
    d->box = c->box;
    d->stamp = c->stamp;
    d->free_bytes_min = c->free_bytes_min;
    d->free_inodes_min = c->free_inodes_min;
    if (host.len > 0) {
        memcpy(d->host, host.ptr, host.len);
    }
    d->stamp.host = mk_str_of(d->host, host.len);
    *out_delivery = d;
    return MK_OK;
}

mk_commit_item *mk_delivery_item(mk_delivery *d)
{
    return d->state == STATE_WHOLE || d->state == STATE_READY ? &d->item : NULL;
}

mk_delivery *mk_delivery_of(const mk_commit_item *item)
{
    return item->self;
}

void **mk_delivery_tag(mk_delivery *d)
{
    return &d->tag;
}

void mk_delivery_size(const mk_delivery *d, uint64_t *out_disk_bytes,
                      uint64_t *out_wire_bytes)
{
    uint64_t lines = d->state == STATE_STREAM ? d->w.lf.lines : d->lines;
    uint64_t disk = d->item.file.end;

    if (d->state == STATE_STREAM) {
        disk = d->w.at + d->w.len + (d->w.lf.cr ? 1 : 0);
    }
    if (out_disk_bytes != NULL) {
        *out_disk_bytes = disk;
    }
    if (out_wire_bytes != NULL) {
        *out_wire_bytes = disk + lines;
    }
}

mk_str mk_delivery_name(const mk_delivery *d)
{
    return mk_str_z(d->item.final_name);
}

void mk_delivery_park(mk_delivery *d)
{
    d->item.file.dir.id = MK_VFS_NONE;
    d->item.final_dir.id = MK_VFS_NONE;
}

void mk_delivery_abort(mk_delivery *d)
{
    writer_drop(d);
    if (d->item.file.present && d->item.file.dir.id == MK_VFS_NONE &&
        d->box->vfs != NULL) {
        box_look(d);
    }
    mk_disk_file_discard(&d->item.file);
    d->state = STATE_BROKEN;
}

void mk_delivery_free(mk_delivery *d)
{
    if (d == NULL) {
        return;
    }
    mk_delivery_abort(d);
    mk_alloc_put(d->alloc, d, sizeof *d);
}
