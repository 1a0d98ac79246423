/* SPDX-License-Identifier: MIT
 *
 * store/maildir_list.c: a Maildir as one maildrop (RFC 1939 1): the names in
 * new/ and cur/ in the order of delivery, each with its unique id (7) and its
 * size on the wire (11). It moves nothing and keeps no UID files. Names in a
 * directory are hostile (THREATS 104): none is used as a path, and whatever
 * is no file of its own is no message. What other programs move meanwhile is
 * found again by its name.
 */
#include "base/ascii.h"
#include "store/internal.h"

#include <string.h>

#define BUFFER_BYTES 65536u
#define MESSAGES_MAX 10000000u
#define HASH_SHOWN 16u /* octets, two digits each */

/* ---- names --------------------------------------------------------------- */

/* What stays the same when a file is moved; 0: it is no message. */
static size_t key_length(const char *name, size_t n)
{
    mk_str s = mk_str_of(name, n);

    return n == 0 || n > MK_VFS_NAME_MAX || name[0] == '.' ||
                   mk_str_find(s, '/') < n
               ? 0
               : mk_str_find(s, ':');
}

static mk_str name_of(const mk_maildir_list *l, const mk_maildir_row *row)
{
    return mk_str_of(l->rows.names + row->at, row->name_len);
}

static mk_str key_of(const mk_maildir_list *l, const mk_maildir_row *row)
{
    return mk_str_sub(name_of(l, row), 0, row->key_len);
}

static mk_dir dir_of(const mk_maildir *box, mk_maildir_place place)
{
    return place == MK_MAILDIR_NEW ? box->dir_new : box->dir_cur;
}

/* ---- walks --------------------------------------------------------------- */

typedef mk_err name_fn(void *self, mk_maildir_place place, const char *name,
                       size_t n, size_t key_len);

/* MK_END: fn has seen enough. */
static mk_err walk_one(const mk_maildir *box, mk_maildir_place place,
                       name_fn *fn, void *self)
{
    const mk_vfs *vfs = box->vfs;
    mk_dir dir = dir_of(box, place);
    char name[MK_VFS_NAME_MAX + 1];
    mk_listing walk;
    mk_err seen = MK_OK;
    mk_err err;

    if (dir.id == MK_VFS_NONE) {
        return MK_OK;
    }
    err = vfs->list_open(vfs->self, dir, &walk);
    if (err != MK_OK) {
        return err;
    }
    while (seen == MK_OK &&
           (err = vfs->list_read(vfs->self, walk, name)) == MK_OK) {
        size_t n = strlen(name);
        size_t key_len = key_length(name, n);

        seen = key_len > 0 ? fn(self, place, name, n, key_len) : MK_OK;
    }
    vfs->list_close(vfs->self, walk);
    return seen != MK_OK ? seen : err == MK_END ? MK_OK : err;
}

/* new/ comes first: what goes from there to cur/ meanwhile is not missed. */
static mk_err walk_all(const mk_maildir *box, name_fn *fn, void *self)
{
    mk_err err = walk_one(box, MK_MAILDIR_NEW, fn, self);

    err = err == MK_OK ? walk_one(box, MK_MAILDIR_CUR, fn, self) : err;
    return err == MK_END ? MK_OK : err;
}

/* ---- finding again ------------------------------------------------------- */

mk_err mk_maildir_list_reach(mk_maildir_list *l, const mk_maildir *box,
                             mk_maildir_row *row, mk_maildir_act *act,
                             void *self)
{
    static const char *const seen[] = {":2,", ":2,S"};
    char name[MK_VFS_NAME_MAX + 1];
    mk_str key = key_of(l, row);
    mk_dir dir = dir_of(box, (mk_maildir_place)row->place);
    mk_err err = MK_E_NOENT;
    size_t i;

    if (dir.id != MK_VFS_NONE) {
        err = act(self, row, dir, name_of(l, row).ptr);
    }
    for (i = 0; i < 2 && err == MK_E_NOENT; i++) {
        mk_buf b;

        mk_buf_init(&b, name, sizeof name - 1);
        (void)mk_buf_add(&b, key);
        (void)mk_buf_add_z(&b, seen[i]);
        name[b.len] = '\0';
        if (!b.full && box->dir_cur.id != MK_VFS_NONE) {
            err = act(self, row, box->dir_cur, name);
        }
    }
    row->is_sought = err == MK_E_NOENT;
    return row->is_sought ? MK_OK : err;
}

typedef struct search {
    mk_maildir_list *l;
    const mk_maildir *box;
    mk_maildir_act *act;
    void *self;
    size_t left; /* that are sought */
} search;

static mk_err search_name(void *self, mk_maildir_place place, const char *name,
                          size_t n, size_t key_len)
{
    search *s = self;
    mk_maildir_row *row =
        mk_maildir_rows_find(&s->l->rows, mk_str_of(name, key_len));
    mk_err err;

    (void)n;
    if (row == NULL || !row->is_sought) {
        return MK_OK;
    }
    err = s->act(s->self, row, dir_of(s->box, place), name);
    row->is_sought = err == MK_E_NOENT;
    if (err == MK_OK && --s->left == 0) {
        return MK_END;
    }
    return row->is_sought ? MK_OK : err;
}

mk_err mk_maildir_list_seek(mk_maildir_list *l, const mk_maildir *box,
                            mk_maildir_act *act, void *self)
{
    search s = {l, box, act, self, 0};
    size_t i;

    for (i = 0; i < l->rows.count; i++) {
        s.left += l->rows.items[i].is_sought ? 1u : 0u;
    }
    return walk_all(box, search_name, &s);
}

/* ---- sizes --------------------------------------------------------------- */

typedef struct sizes {
    mk_maildir_list *l;
    const mk_vfs *vfs;
    char *buf; /* BUFFER_BYTES */
} sizes;

/* Reads the file as far as it was long. */
static mk_err count(const sizes *s, mk_file file, uint64_t size_bytes,
                    uint64_t *out_wire)
{
    mk_crlf crlf = {false, false};
    uint64_t at = 0;
    size_t n = 1;

    while (n > 0 && at < size_bytes) {
        uint64_t left = size_bytes - at;
        size_t max = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
        mk_err err = s->vfs->file_read(s->vfs->self, file, at, s->buf, max, &n);

        if (err != MK_OK) {
            return err;
        }
        *out_wire += n + mk_crlf_count(&crlf, mk_str_of(s->buf, n));
        at += n;
    }
    *out_wire += crlf.line ? 2u : 0u; /* the last line gets its end */
    return MK_OK;
}

/* A name tells the truth when its ",S=" does, as far as can be seen; it leaves
 * out only the end of a last line that has none. */
static mk_err size_of(const sizes *s, mk_file file, mk_str name,
                      uint64_t *out_wire)
{
    mk_maildir_name m;
    mk_vfs_stat st;
    char last = '\n';
    size_t n = 0;
    mk_err err = s->vfs->file_stat(s->vfs->self, file, &st);

    *out_wire = 0;
    if (err != MK_OK) {
        return err;
    }
    /* W below S wraps, and is more than S as well */
    if (mk_maildir_name_parse(name, &m) != MK_OK || !m.has_disk_bytes ||
        !m.has_wire_bytes || m.disk_bytes != st.size_bytes ||
        m.wire_bytes - m.disk_bytes > m.disk_bytes) {
        return count(s, file, st.size_bytes, out_wire);
    }
    if (st.size_bytes > 0) {
        err = s->vfs->file_read(s->vfs->self, file, st.size_bytes - 1, &last, 1,
                                &n);
    }
    *out_wire = m.wire_bytes + (last != '\n' ? 2u : 0u);
    return err;
}

static mk_err size_act(void *self, mk_maildir_row *row, mk_dir dir,
                       const char *name)
{
    const sizes *s = self;
    mk_file file;
    mk_err err = s->vfs->file_open(s->vfs->self, dir, name, &file);

    if (err == MK_OK) {
        err = size_of(s, file, mk_str_z(name), &row->wire_bytes);
        (void)s->vfs->file_close(s->vfs->self, file);
    }
    if (err == MK_OK || err == MK_E_NOENT || err == MK_E_FILES ||
        err == MK_E_MEMORY) {
        return err;
    }
    row->is_dropped = true; /* one bad file shall not keep the others away */
    s->l->info.unreadable += err != MK_E_KIND ? 1u : 0u;
    return MK_OK;
}

static void keep_messages(mk_maildir_list *l)
{
    mk_maildir_rows *r = &l->rows;
    size_t kept = 0;
    size_t i;

    for (i = 0; i < r->count; i++) {
        if (!r->items[i].is_sought && !r->items[i].is_dropped) {
            l->info.wire_bytes += r->items[i].wire_bytes;
            r->items[kept++] = r->items[i];
        }
    }
    r->count = kept;
    l->info.count = (uint32_t)kept;
    l->info.memory_bytes =
        sizeof *l + r->room * sizeof *r->items + r->names_room;
}

static mk_err sizes_find(mk_maildir_list *l, const mk_maildir *box)
{
    sizes s = {l, box->vfs, NULL};
    bool is_any_sought = false;
    mk_err err = MK_OK;
    size_t i;

    s.buf = l->c.alloc->get(l->c.alloc->self, BUFFER_BYTES);
    if (s.buf == NULL) {
        return MK_E_MEMORY;
    }
    for (i = 0; i < l->rows.count && err == MK_OK; i++) {
        err = mk_maildir_list_reach(l, box, &l->rows.items[i], size_act, &s);
        is_any_sought = is_any_sought || l->rows.items[i].is_sought;
    }
    if (err == MK_OK && is_any_sought) {
        err = mk_maildir_list_seek(l, box, size_act, &s);
    }
    mk_alloc_put(l->c.alloc, s.buf, BUFFER_BYTES);
    return err;
}

/* ---- the listing --------------------------------------------------------- */

mk_err mk_maildir_list_config_init(mk_maildir_list_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->messages_max = 100000;
    return MK_OK;
}

/* Keeps the oldest; twice as many are collected before the others go. */
static mk_err cut(mk_maildir_list *l)
{
    return mk_maildir_rows_settle(l->c.alloc, &l->rows, l->c.messages_max,
                                  &l->info.left_out);
}

static mk_err collect(void *self, mk_maildir_place place, const char *name,
                      size_t n, size_t key_len)
{
    mk_maildir_list *l = self;
    mk_err err = mk_maildir_rows_add(l->c.alloc, &l->rows, place,
                                     mk_str_of(name, n), key_len);

    return err == MK_OK && l->rows.count / 2 >= l->c.messages_max ? cut(l)
                                                                  : err;
}

mk_err mk_maildir_list_open(const mk_maildir_list_config *c,
                            const mk_maildir *box, mk_maildir_list **out_list)
{
    mk_maildir_list *l;
    mk_err err;

    if (c == NULL || c->size != sizeof *c || c->alloc == NULL ||
        c->crypto == NULL || c->messages_max == 0 ||
        c->messages_max > MESSAGES_MAX || box == NULL || box->vfs == NULL) {
        return MK_E_ARG;
    }
    l = mk_alloc_get(c->alloc, sizeof *l);
    if (l == NULL) {
        return MK_E_MEMORY;
    }
    l->c = *c;
    err = walk_all(box, collect, l);
    if (err == MK_OK) {
        err = cut(l);
    }
    if (err == MK_OK && l->rows.count > 0) {
        err = sizes_find(l, box);
    }
    if (err != MK_OK) {
        mk_maildir_list_close(l);
        return err;
    }
    keep_messages(l);
    *out_list = l;
    return MK_OK;
}

void mk_maildir_list_close(mk_maildir_list *l)
{
    if (l != NULL) {
        const mk_alloc *a = l->c.alloc;

        mk_maildir_rows_free(a, &l->rows);
        mk_alloc_put(a, l, sizeof *l);
    }
}

const mk_maildir_list_info *mk_maildir_list_info_of(const mk_maildir_list *l)
{
    return &l->info;
}

uint64_t mk_maildir_list_size(const mk_maildir_list *l, uint32_t i)
{
    return i < l->rows.count ? l->rows.items[i].wire_bytes : 0;
}

/* One or more octets in the range 0x21 to 0x7E (RFC 1939 7) */
static bool is_uid(mk_str s)
{
    size_t i;

    for (i = 0; i < s.len && mk_is_vchar(mk_octet_at(s, i)); i++) {
    }
    return s.len > 0 && i == s.len && s.len <= MK_MAILDIR_UID_MAX;
}

mk_err mk_maildir_list_uid(const mk_maildir_list *l, uint32_t i, mk_buf *io_out)
{
    unsigned char hash[MK_HASH_SIZE_MAX];
    mk_str key;
    mk_err err;
    size_t k;

    if (i >= l->rows.count) {
        return MK_E_ARG;
    }
    key = key_of(l, &l->rows.items[i]);
    if (is_uid(key)) {
        return mk_buf_add(io_out, key);
    }
    err = mk_hash_once(l->c.crypto, MK_HASH_SHA256, key, hash);
    for (k = 0; k < HASH_SHOWN && err == MK_OK; k++) {
        (void)mk_buf_add_c(io_out, mk_hex_digit(hash[k] >> 4));
        err = mk_buf_add_c(io_out, mk_hex_digit(hash[k] & 15));
    }
    return err;
}
