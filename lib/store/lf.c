/* SPDX-License-Identifier: MIT
 *
 * store/lf.c: wire line ends (CRLF, RFC 5322 2.1) into those on disk (LF) in
 * one pass that copies whole lines and may be cut at every octet; and the
 * buffer that turns the pieces into few writes. A CR that no LF follows and
 * an LF that no CR precedes pass as they are: it judges nothing.
 */
#include "store/internal.h"

#include <string.h>

/* Copies up to and with the first LF, dropping the CR before it. A CR at the
 * end of the window is held back. Returns octets written. */
static size_t line_copy(mk_lf *s, mk_str *io_in, size_t window, char *out)
{
    const char *lf = memchr(io_in->ptr, '\n', window);
    size_t n = lf == NULL ? window : (size_t)(lf - io_in->ptr);
    size_t kept = n > 0 && io_in->ptr[n - 1] == '\r' ? n - 1 : n;

    memcpy(out, io_in->ptr, kept);
    if (lf == NULL) {
        s->cr = kept < n;
    } else {
        out[kept++] = '\n';
        s->lines++;
        n++;
    }
    io_in->ptr += n;
    io_in->len -= n;
    return kept;
}

size_t mk_lf_convert(mk_lf *s, mk_str *io_in, char *out, size_t max)
{
    size_t have = 0;

    while (io_in->len > 0 && have < max) {
        size_t window = max - have;

        if (s->cr) {
            s->cr = false;
            if (io_in->ptr[0] != '\n') {
                out[have++] = '\r';
                continue;
            }
        }
        if (window > io_in->len) {
            window = io_in->len;
        }
        have += line_copy(s, io_in, window, out + have);
    }
    return have;
}

size_t mk_lf_end(mk_lf *s, char *out)
{
    if (!s->cr) {
        return 0;
    }
    s->cr = false;
    out[0] = '\r';
    return 1;
}

static mk_err write_out(mk_lf_writer *w)
{
    mk_err err = mk_disk_file_write(w->file, w->at, mk_str_of(w->buf, w->len));

    if (err == MK_OK) {
        w->at += w->len;
        w->len = 0;
    }
    return err;
}

mk_err mk_lf_writer_add(mk_lf_writer *w, mk_str wire)
{
    for (;;) {
        mk_err err;

        w->len +=
            mk_lf_convert(&w->lf, &wire, w->buf + w->len, w->max - w->len);
        if (wire.len == 0) {
            return MK_OK;
        }
        err = write_out(w);
        if (err != MK_OK) {
            return err;
        }
    }
}

mk_err mk_lf_writer_end(mk_lf_writer *w)
{
    /* A CR held back was counted in the room of the call that took it. */
    w->len += mk_lf_end(&w->lf, w->buf + w->len);
    return write_out(w);
}
