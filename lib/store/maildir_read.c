/* SPDX-License-Identifier: MIT
 *
 * store/maildir_read.c: a message of a listing, given out in the form of the
 * wire (CRLF line ends, RFC 5322 2.1) in pieces as large as the caller's
 * memory, and messages removed at the end of a session (RFC 1939 6). It reads
 * no further than the file was long when it was opened, so that one that
 * somebody goes on writing has an end.
 */
#include "store/internal.h"

#include <string.h>

/* ---- reading ------------------------------------------------------------- */

typedef struct opening {
    const mk_vfs *vfs;
    mk_file file;
} opening;

static mk_err open_act(void *self, mk_maildir_row *row, mk_dir dir,
                       const char *name)
{
    opening *o = self;

    (void)row;
    return o->vfs->file_open(o->vfs->self, dir, name, &o->file);
}

mk_err mk_maildir_reader_open(mk_maildir_reader *out_reader, mk_maildir_list *l,
                              const mk_maildir *box, uint32_t i)
{
    mk_maildir_reader r;
    opening o = {box->vfs, {MK_VFS_NONE}};
    mk_maildir_row *row;
    mk_vfs_stat st;
    mk_err err;

    if (i >= l->rows.count || box->vfs == NULL) {
        return MK_E_ARG;
    }
    row = &l->rows.items[i];
    err = mk_maildir_list_reach(l, box, row, open_act, &o);
    if (err == MK_OK && row->is_sought) {
        err = mk_maildir_list_seek(l, box, open_act, &o);
        err = err == MK_OK && row->is_sought ? MK_E_NOENT : err;
        row->is_sought = false;
    }
    if (err != MK_OK) {
        return err;
    }
    err = o.vfs->file_stat(o.vfs->self, o.file, &st);
    if (err != MK_OK) {
        (void)o.vfs->file_close(o.vfs->self, o.file);
        return err;
    }
    memset(&r, 0, sizeof r);
    r.vfs = o.vfs;
    r.file = o.file;
    r.size_bytes = st.size_bytes;
    *out_reader = r;
    return MK_OK;
}

/* Reads behind a gap for the CRs that lines of common lengths need, and
 * moves the octets to the front. */
static mk_err read_some(mk_maildir_reader *r, char *out, size_t room,
                        size_t *out_wrote)
{
    mk_crlf crlf = {r->has_cr, r->is_open_line};
    uint64_t left = r->size_bytes - r->at;
    size_t want = room - (r->is_dense ? room / 2 : room / 16 + 1);
    size_t n = 0;
    size_t used;
    mk_err err;

    want = want < left ? want : (size_t)left;
    err = r->vfs->file_read(r->vfs->self, r->file, r->at, out + room - want,
                            want, &n);
    if (err != MK_OK) {
        return err;
    }
    used = n;
    *out_wrote = mk_crlf_spread(&crlf, out, room - want, &used);
    r->is_dense = used < n;
    r->at += used;
    r->has_cr = crlf.cr;
    r->is_open_line = crlf.line;
    return n > 0 ? MK_OK : MK_E_CUT;
}

mk_err mk_maildir_reader_read(mk_maildir_reader *r, char *out, size_t max,
                              size_t *out_n, bool *out_is_last)
{
    size_t n = 0;

    if (r->vfs == NULL || max < 64) {
        return MK_E_ARG;
    }
    while (r->at < r->size_bytes && (n == 0 || max - n >= max / 4)) {
        size_t wrote = 0;
        mk_err err = read_some(r, out + n, max - n, &wrote);

        if (err != MK_OK) {
            return err;
        }
        n += wrote;
    }
    if (r->at == r->size_bytes && r->is_open_line && max - n >= 2) {
        out[n++] = '\r';
        out[n++] = '\n';
        r->is_open_line = false;
    }
    *out_n = n;
    *out_is_last = r->at == r->size_bytes && !r->is_open_line;
    return MK_OK;
}

void mk_maildir_reader_close(mk_maildir_reader *r)
{
    if (r->vfs != NULL) {
        (void)r->vfs->file_close(r->vfs->self, r->file);
        r->vfs = NULL;
    }
}

/* ---- removing ------------------------------------------------------------ */

typedef struct removal {
    const mk_maildir *box;
    mk_maildir_removed *done;
    bool touched[2]; /* by mk_maildir_place */
    mk_err first;
} removal;

static void note(removal *x, mk_err err)
{
    x->first = x->first == MK_OK ? err : x->first;
}

static mk_err remove_act(void *self, mk_maildir_row *row, mk_dir dir,
                         const char *name)
{
    removal *x = self;
    const mk_vfs *vfs = x->box->vfs;
    mk_err err = vfs->entry_remove(vfs->self, dir, name);

    (void)row;
    if (err == MK_OK) {
        x->done->removed++;
        x->touched[dir.id == x->box->dir_cur.id ? MK_MAILDIR_CUR
                                                : MK_MAILDIR_NEW] = true;
    } else if (err != MK_E_NOENT) {
        x->done->failed++;
        note(x, err);
    }
    return err == MK_E_NOENT ? err : MK_OK;
}

static bool is_marked(const unsigned char *marks, size_t i)
{
    return (marks[i / 8] >> i % 8 & 1) != 0;
}

/* What was not found is gone; unless the search itself broke off. */
static void sort_out(mk_maildir_list *l, removal *x, mk_err err)
{
    size_t i;

    for (i = 0; i < l->rows.count; i++) {
        if (l->rows.items[i].is_sought) {
            l->rows.items[i].is_sought = false;
            x->done->gone += err == MK_OK ? 1u : 0u;
            x->done->failed += err == MK_OK ? 0u : 1u;
        }
    }
    note(x, err);
}

mk_err mk_maildir_list_remove(mk_maildir_list *l, const mk_maildir *box,
                              const unsigned char *marks,
                              mk_maildir_removed *out_removed)
{
    removal x = {box, out_removed, {false, false}, MK_OK};
    const mk_dir dirs[2] = {box->dir_new, box->dir_cur};
    bool is_any_sought = false;
    size_t i;

    memset(out_removed, 0, sizeof *out_removed);
    for (i = 0; i < l->rows.count; i++) {
        mk_maildir_row *row = &l->rows.items[i];

        if (is_marked(marks, i)) {
            (void)mk_maildir_list_reach(l, box, row, remove_act, &x);
            is_any_sought = is_any_sought || row->is_sought;
        }
    }
    if (is_any_sought) {
        sort_out(l, &x, mk_maildir_list_seek(l, box, remove_act, &x));
    }
    for (i = 0; i < 2; i++) {
        if (x.touched[i]) {
            note(&x, box->vfs->dir_sync(box->vfs->self, dirs[i]));
        }
    }
    return x.first;
}
