/* SPDX-License-Identifier: MIT
 *
 * store/maildir_rows.c: the rows of a listing: collecting names of any number
 * and length, their order by delivery, and finding one by its key. Two arrays
 * in all, so that a hundred thousand messages cost some ten megabytes. The
 * order depends on names alone and sorting takes no stack and no more time for
 * names that somebody chose.
 */
#include "base/ascii.h"
#include "store/internal.h"

#include <string.h>

#define ROWS_FIRST 64u
#define NAMES_FIRST 4096u

/* ---- order --------------------------------------------------------------- */

static size_t digits(mk_str s, size_t from)
{
    size_t n = 0;

    while (from + n < s.len && mk_is_digit(mk_octet_at(s, from + n))) {
        n++;
    }
    return n;
}

static size_t zeros(mk_str s, size_t from, size_t n)
{
    size_t z = 0;

    while (z < n && s.ptr[from + z] == '0') {
        z++;
    }
    return z;
}

/* Compares the numbers that begin at both, and passes over them. */
static int number_compare(mk_str a, size_t *io_i, mk_str b, size_t *io_j)
{
    size_t i = *io_i + zeros(a, *io_i, digits(a, *io_i));
    size_t j = *io_j + zeros(b, *io_j, digits(b, *io_j));
    size_t n = digits(a, i);
    size_t m = digits(b, j);

    *io_i = i + n;
    *io_j = j + m;
    return n != m ? (n < m ? -1 : 1) : memcmp(a.ptr + i, b.ptr + j, n);
}

/* Seconds come first in a name, so this is the order of delivery. */
static int key_compare(mk_str a, mk_str b)
{
    size_t i = 0;
    size_t j = 0;
    int order = 0;

    while (order == 0 && i < a.len && j < b.len) {
        unsigned char c = mk_octet_at(a, i);
        unsigned char d = mk_octet_at(b, j);

        if (mk_is_digit(c) && mk_is_digit(d)) {
            order = number_compare(a, &i, b, &j);
        } else {
            order = (int)c - (int)d;
            i++;
            j++;
        }
    }
    if (order == 0 && (i < a.len || j < b.len)) {
        order = i < a.len ? 1 : -1;
    }
    /* the same but for leading zeros */
    if (order == 0 && a.len == b.len) {
        order = memcmp(a.ptr, b.ptr, a.len);
    }
    return order != 0 || a.len == b.len ? order : (a.len < b.len ? -1 : 1);
}

static mk_str key_of(const mk_maildir_rows *r, const mk_maildir_row *row)
{
    return mk_str_of(r->names + row->at, row->key_len);
}

static bool is_before(const mk_maildir_rows *r, size_t i, size_t j)
{
    return key_compare(key_of(r, &r->items[i]), key_of(r, &r->items[j])) < 0;
}

static void swap(mk_maildir_rows *r, size_t i, size_t j)
{
    mk_maildir_row row = r->items[i];

    r->items[i] = r->items[j];
    r->items[j] = row;
}

static void sift(mk_maildir_rows *r, size_t i, size_t n)
{
    while (2 * i + 1 < n) {
        size_t child = 2 * i + 1;

        if (child + 1 < n && is_before(r, child, child + 1)) {
            child++;
        }
        if (!is_before(r, i, child)) {
            return;
        }
        swap(r, i, child);
        i = child;
    }
}

/* A heap sort: no worst case, no memory. */
static void sort(mk_maildir_rows *r)
{
    size_t i;

    for (i = r->count / 2; i-- > 0;) {
        sift(r, i, r->count);
    }
    for (i = r->count; i-- > 1;) {
        swap(r, 0, i);
        sift(r, 0, i);
    }
}

static void unite(mk_maildir_rows *r)
{
    size_t kept = 0;
    size_t i;

    for (i = 0; i < r->count; i++) {
        if (kept == 0 || !mk_str_is(key_of(r, &r->items[kept - 1]),
                                    key_of(r, &r->items[i]))) {
            r->items[kept++] = r->items[i];
        }
    }
    r->count = kept;
}

/* ---- memory -------------------------------------------------------------- */

/* Makes room for `need` units of an array; doubles. */
static mk_err grow(const mk_alloc *a, void **io_mem, size_t *io_room,
                   size_t used, size_t need, size_t unit, size_t first)
{
    size_t room = *io_room > 0 ? *io_room : first;
    void *mem;

    if (need <= *io_room) {
        return MK_OK;
    }
    while (room < need) {
        room *= 2;
    }
    mem = a->get(a->self, room * unit);
    if (mem == NULL) {
        return MK_E_MEMORY;
    }
    if (used > 0) {
        memcpy(mem, *io_mem, used * unit);
    }
    mk_alloc_put(a, *io_mem, *io_room * unit);
    *io_mem = mem;
    *io_room = room;
    return MK_OK;
}

mk_err mk_maildir_rows_add(const mk_alloc *a, mk_maildir_rows *r,
                           mk_maildir_place place, mk_str name, size_t key_len)
{
    mk_maildir_row row = {0};
    void *items = r->items;
    void *names = r->names;
    mk_err err = grow(a, &items, &r->room, r->count, r->count + 1,
                      sizeof *r->items, ROWS_FIRST);

    r->items = items;
    if (err == MK_OK) {
        err = grow(a, &names, &r->names_room, r->names_len,
                   r->names_len + name.len + 1, 1, NAMES_FIRST);
        r->names = names;
    }
    if (err != MK_OK) {
        return err;
    }
    row.at = r->names_len;
    row.key_len = (uint8_t)key_len;
    row.name_len = (uint8_t)name.len;
    row.place = (uint8_t)place;
    memcpy(r->names + row.at, name.ptr, name.len);
    r->names[row.at + name.len] = '\0';
    r->names_len += name.len + 1;
    r->items[r->count++] = row;
    return MK_OK;
}

void mk_maildir_rows_free(const mk_alloc *a, mk_maildir_rows *r)
{
    mk_alloc_put(a, r->items, r->room * sizeof *r->items);
    mk_alloc_put(a, r->names, r->names_room);
    memset(r, 0, sizeof *r);
}

mk_err mk_maildir_rows_settle(const mk_alloc *a, mk_maildir_rows *r, size_t max,
                              uint64_t *io_left_out)
{
    mk_maildir_rows small = {0};
    mk_err err = MK_OK;
    size_t i;

    sort(r);
    unite(r);
    if (r->count > max) {
        *io_left_out += r->count - max;
        r->count = max;
    }
    if (r->count > 0) {
        small.items = a->get(a->self, r->count * sizeof *small.items);
        small.room = small.items != NULL ? r->count : 0;
        for (i = 0; i < r->count; i++) {
            small.names_room += r->items[i].name_len + 1u;
        }
        small.names = a->get(a->self, small.names_room);
        err = small.items == NULL || small.names == NULL ? MK_E_MEMORY : MK_OK;
    }
    for (i = 0; i < r->count && err == MK_OK; i++) {
        mk_maildir_row *row = &small.items[small.count++];

        *row = r->items[i];
        row->at = small.names_len;
        memcpy(small.names + row->at, r->names + r->items[i].at,
               row->name_len + 1u);
        small.names_len += row->name_len + 1u;
    }
    if (err != MK_OK) {
        mk_maildir_rows_free(a, &small);
        return err;
    }
    mk_maildir_rows_free(a, r);
    *r = small;
    return MK_OK;
}

mk_maildir_row *mk_maildir_rows_find(const mk_maildir_rows *r, mk_str key)
{
    size_t from = 0;
    size_t to = r->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = key_compare(key, key_of(r, &r->items[middle]));

        if (order == 0) {
            return &r->items[middle];
        }
        if (order < 0) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return NULL;
}
