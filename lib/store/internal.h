/* SPDX-License-Identifier: MIT
 *
 * store/internal.h: what the files of store/ share: the converter from CRLF
 * to LF and the buffered writer over it. Nothing here is for other folders;
 * it sees octets of a message only, no protocol and no clock.
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

#endif
