/* SPDX-License-Identifier: MIT
 *
 * store/internal.h: what the files of store/ share: the converter from CRLF
 * to LF, the buffered writer over it, the way back, and the rows of a listing.
 * Nothing here is for other folders; it sees octets and names only, no
 * protocol and no clock.
 */
#ifndef MK_STORE_INTERNAL_H
#define MK_STORE_INTERNAL_H

#include <mailkit/store.h>

/** Turns CRLF into LF; other octets pass. Zeroed is the start. */
typedef struct mk_lf {
    bool cr;        /**< a CR is held back: its LF may come */
    uint64_t lines; /**< LFs written */
} mk_lf;

/** Convert as much as fits.
 *
 * @param s      state between calls; cut anywhere.
 * @param io_in  consumed from its front.
 * @param out    memory of max octets, not overlapping the input.
 * @param max    octets, 2 or more, so that a call always makes progress.
 * @return octets written; while io_in is not empty afterwards, call again
 *         with more room. */
size_t mk_lf_convert(mk_lf *s, mk_str *io_in, char *out, size_t max);

/** End the stream: a CR held back is written.
 *
 * @param s    the state; the next stream may start.
 * @param out  memory of 1 octet.
 * @return 0 or 1 octets. */
size_t mk_lf_end(mk_lf *s, char *out);

/** A buffer between the converter and a file. */
typedef struct mk_lf_writer {
    mk_disk_file *file;
    char *buf;
    size_t max;  /**< octets of buf, 2 or more */
    size_t len;  /**< octets in buf, not written yet */
    uint64_t at; /**< where the buffer goes in the file */
    mk_lf lf;
} mk_lf_writer;

/** Convert a view into the buffer, writing it out whenever it is full.
 *
 * @return MK_OK, or the error of the write. */
mk_err mk_lf_writer_add(mk_lf_writer *w, mk_str wire);

/** Write out what is left, a CR held back included.
 *
 * @return MK_OK, or the error of the write. */
mk_err mk_lf_writer_end(mk_lf_writer *w);

/* ---- crlf.c: the way back ------------------------------------------------ */

/** Turns LF into CRLF; CRLF and other octets pass. Zeroed is the start. */
typedef struct mk_crlf {
    bool cr;   /**< the last octet was a CR */
    bool line; /**< the last octet was not an LF */
} mk_crlf;

/** The CRs that these octets get.
 *
 * @param s     state between calls; cut anywhere.
 * @param disk  octets of the file.
 * @return how many are put before LFs. */
uint64_t mk_crlf_count(mk_crlf *s, mk_str disk);

/** Convert in place: the output begins where the gap does.
 *
 * @param s     state between calls; cut anywhere.
 * @param at    `gap` octets of room, then the input.
 * @param gap   octets, 1 or more; each CR takes one of it.
 * @param io_n  octets of input; set to those that were converted: fewer when
 *              the gap was used up.
 * @return octets of output, from `at` on. */
size_t mk_crlf_spread(mk_crlf *s, char *at, size_t gap, size_t *io_n);

/* ---- maildir_list.c: rows ------------------------------------------------ */

/** Where a file was seen. */
typedef enum mk_maildir_place {
    MK_MAILDIR_NEW = 0,
    MK_MAILDIR_CUR = 1
} mk_maildir_place;

/** A message. Its key is what stands before ':' in its file's name. */
typedef struct mk_maildir_row {
    uint64_t wire_bytes;
    size_t at; /**< its name, NUL-terminated, in `names` */
    uint8_t key_len;
    uint8_t name_len;
    uint8_t place;   /**< mk_maildir_place */
    bool is_sought;  /**< it was not where it had been seen */
    bool is_dropped; /**< while listing: it is no message */
} mk_maildir_row;

/** Rows and names, either array in memory of its own. */
typedef struct mk_maildir_rows {
    mk_maildir_row *items;
    size_t count;
    size_t room;
    char *names;
    size_t names_len;
    size_t names_room;
} mk_maildir_rows;

struct mk_maildir_list {
    mk_maildir_list_config c;
    mk_maildir_list_info info;
    mk_maildir_rows rows; /**< in order, no two with the same key */
};

/** What is done with a message where it is found.
 *
 * @return MK_OK: done, in whatever way; MK_E_NOENT: it is not there; other
 *         errors end the whole work. */
typedef mk_err mk_maildir_act(void *self, mk_maildir_row *row, mk_dir dir,
                              const char *name);

/** Do it with one message. One that is not where it was seen, nor where it
 *  would most likely be moved to, is marked as sought.
 *
 * @return MK_OK; or the error that ends the work. */
mk_err mk_maildir_list_reach(mk_maildir_list *l, const mk_maildir *box,
                             mk_maildir_row *row, mk_maildir_act *act,
                             void *self);

/** Look once through the box for all that is sought; those that are still
 *  sought behind it are not there.
 *
 * @return MK_OK; or the error that ends the work. */
mk_err mk_maildir_list_seek(mk_maildir_list *l, const mk_maildir *box,
                            mk_maildir_act *act, void *self);

/** Add a name; its row is not in order yet. */
mk_err mk_maildir_rows_add(const mk_alloc *a, mk_maildir_rows *r,
                           mk_maildir_place place, mk_str name, size_t key_len);
/** Bring rows in order, one for each key, and keep the first `max`; into
 *  memory that is just as large as needed. Those that are not kept are added
 *  to *io_left_out. */
mk_err mk_maildir_rows_settle(const mk_alloc *a, mk_maildir_rows *r, size_t max,
                              uint64_t *io_left_out);
/** The row of a key among ordered ones, or NULL. */
mk_maildir_row *mk_maildir_rows_find(const mk_maildir_rows *r, mk_str key);
void mk_maildir_rows_free(const mk_alloc *a, mk_maildir_rows *r);

#endif
