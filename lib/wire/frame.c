/* SPDX-License-Identifier: MIT
 *
 * wire/frame.c: see frame.h. Law 4 rules every line here: what is told must
 * depend on the octets alone, never on how they were cut. Law 10: in a
 * dot-body only CRLF.CRLF ends (RFC 5321 2.3.8, 4.1.1.4, 4.5.2), a counted
 * text by its count (RFC 3030 2); a bare CR, a bare LF and a NUL are noted in
 * both and never end anything.
 */
#include "wire/frame.h"
#include "wire/scan.h"

#include <string.h>

void mk_framer_init(mk_framer *f, uint32_t line_max, uint32_t discard_max,
                    uint32_t text_line_max)
{
    memset(f, 0, sizeof *f);
    f->line_max = line_max;
    f->discard_max = discard_max;
    f->text_line_max = text_line_max;
    f->mode = FRAME_LINE;
}

void mk_framer_mode(mk_framer *f, frame_mode mode, uint64_t left)
{
    f->mode = (uint8_t)mode;
    f->left = left;
    f->scanned = 0;
    f->bol = true;
    f->ended = false;
    f->swallowing = false;
    if (mode != FRAME_LINE) { /* which may stand between parts of a text */
        f->column = 0;
        f->defects = 0;
    }
}

void mk_framer_text(mk_framer *f, uint64_t left, bool is_first, bool is_last)
{
    f->mode = FRAME_TEXT;
    f->left = left;
    f->scanned = 0;
    f->ended = false;
    f->last = is_last;
    if (is_first) {
        f->column = 0;
        f->defects = 0;
        f->cr = false;
    }
}

/* Take n octets off the front. */
static mk_str take(mk_framer *f, mk_str *io_in, size_t n)
{
    mk_str got = mk_str_of(io_in->ptr, n);
    io_in->ptr += n;
    io_in->len -= n;
    f->consumed += n;
    f->scanned = 0;
    return got;
}

static mk_err tell(frame_unit *out, frame_kind kind, mk_str data)
{
    out->kind = kind;
    out->bare = false;
    out->data = data;
    return MK_OK;
}

/* The rest of an over-long line. */
static mk_err swallow(mk_framer *f, mk_str *io_in, char end, frame_unit *out)
{
    uint64_t most = f->discard_max - f->left;
    size_t n = io_in->len < most ? io_in->len : (size_t)most;
    const char *hit = n > 0 ? memchr(io_in->ptr, end, n) : NULL;
    if (hit != NULL) {
        take(f, io_in, (size_t)(hit - io_in->ptr) + 1);
        f->swallowing = false;
        f->left = 0;
        return tell(out, FRAME_KIND_SWALLOWED, mk_str_of(NULL, 0));
    }
    if (n > 0) {
        take(f, io_in, n);
        f->left += n;
    }
    if (f->left == f->discard_max) {
        return tell(out, FRAME_KIND_FLOOD, mk_str_of(NULL, 0));
    }
    return MK_WAIT;
}

static mk_err next_line(mk_framer *f, mk_str *io_in, char end, frame_unit *out)
{
    if (f->swallowing) {
        return swallow(f, io_in, end, out);
    }
    size_t n = io_in->len < f->line_max ? io_in->len : f->line_max;
    size_t seen = f->scanned < n ? f->scanned : n;
    const char *hit =
        n > seen ? memchr(io_in->ptr + seen, end, n - seen) : NULL;
    if (hit == NULL) {
        if (n < f->line_max) {
            f->scanned = (uint32_t)n;
            return MK_WAIT;
        }
        f->swallowing = true;
        f->left = 0;
        return tell(out, FRAME_KIND_LONG, take(f, io_in, n));
    }
    mk_str line = take(f, io_in, (size_t)(hit - io_in->ptr) + 1);
    line.len--;
    tell(out, FRAME_KIND_LINE, line);
    if (end == '\n') {
        if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
            out->data.len--;
        } else {
            out->bare = true;
        }
    }
    return MK_OK;
}

/* A dot at the beginning of a line: the end of the body, or a stuffed dot to
 * drop, or too few octets to know. */
static mk_err leading_dot(mk_framer *f, mk_str *io_in, frame_unit *out)
{
    if (io_in->len < 2 || (io_in->ptr[1] == '\r' && io_in->len < 3)) {
        return MK_WAIT;
    }
    if (io_in->ptr[1] == '\r' && io_in->ptr[2] == '\n') {
        take(f, io_in, 3);
        return tell(out, FRAME_KIND_END, mk_str_of(NULL, 0));
    }
    take(f, io_in, 1);
    f->bol = false;
    return MK_E_AGAIN;
}

/* An octet, taken already, that may not stand where it does. It is told like
 * others, or what stands for it, so that whoever counts a body misses nothing.
 */
static mk_err stray(mk_framer *f, mk_str told, frame_unit *out)
{
    bool ends = f->repair && told.ptr[0] == '\n';
    /* Even what becomes the end of a line is never the place where a dot
     * would end the body. */
    f->bol = false;
    if (!f->repair) {
        f->defects |= FRAME_DEFECT_BARE;
    } else {
        told = ends ? mk_str_of("\r\n", 2) : mk_str_of(" ", 1);
    }
    if (told.len > f->text_line_max - f->column) {
        f->defects |= FRAME_DEFECT_LONG;
    } else {
        f->column += (uint32_t)told.len;
    }
    f->column = ends ? 0 : f->column;
    return tell(out, FRAME_KIND_DATA, told);
}

/* The index behind the last LF in [at, n), or at. */
static size_t line_begin(const char *ptr, size_t at, size_t n)
{
    while (n > at && ptr[n - 1] != '\n') {
        n--;
    }
    return n;
}

/* How many of n regular octets stand before the one with which a line gets too
 * long; the column behind them is noted, a line that is too long fills it. The
 * CRLF counts, and is not parted. Only the ends of lines are looked for that
 * are the last within reach, so it costs nothing while lines are short. */
static size_t within_lines(mk_framer *f, const char *ptr, size_t n)
{
    size_t begin = 0;
    size_t room = f->text_line_max - f->column;
    while (n - begin > room) {
        size_t next = line_begin(ptr, begin, begin + room);
        if (next == begin) {
            n = begin + room;
            f->column = f->text_line_max;
            return n > 0 && ptr[n - 1] == '\r' ? n - 1 : n;
        }
        begin = next;
        room = f->text_line_max;
    }
    size_t last = line_begin(ptr, begin, n);
    f->column = last == 0 ? f->column + (uint32_t)n : (uint32_t)(n - last);
    return n;
}

/* How far the run at the front goes: to the first octet that may not stand
 * where it does, may end the body, or makes a line too long. */
static size_t run_length(mk_framer *f, mk_str in)
{
    if (in.ptr[0] == '\n' || in.ptr[0] == '\0') {
        return 0;
    }
    size_t n = mk_scan_body(in.ptr, 0, in.len);
    return (f->defects & FRAME_DEFECT_LONG) == 0 ? within_lines(f, in.ptr, n)
                                                 : n;
}

static mk_err next_dot(mk_framer *f, mk_str *io_in, frame_unit *out)
{
    for (;;) {
        if (io_in->len == 0) {
            return MK_WAIT;
        }
        if (f->bol && io_in->ptr[0] == '.') {
            mk_err err = leading_dot(f, io_in, out);
            if (err != MK_E_AGAIN) {
                return err;
            }
            continue;
        }
        size_t n = run_length(f, *io_in);
        if (n > 0) {
            f->bol = io_in->ptr[n - 1] == '\n';
            return tell(out, FRAME_KIND_DATA, take(f, io_in, n));
        }
        if ((f->defects & FRAME_DEFECT_LONG) == 0 &&
            f->column == f->text_line_max) {
            f->defects |= FRAME_DEFECT_LONG;
            continue;
        }
        if (io_in->ptr[0] == '\r' && io_in->len == 1) {
            return MK_WAIT;
        }
        return stray(f, take(f, io_in, 1), out);
    }
}

/* All octets of it came. */
static mk_err end_counted(mk_framer *f, frame_unit *out)
{
    if (f->ended) {
        return MK_WAIT;
    }
    f->ended = true;
    return tell(out, FRAME_KIND_END, mk_str_of(NULL, 0));
}

static mk_err next_counted(mk_framer *f, mk_str *io_in, frame_unit *out)
{
    if (f->left == 0) {
        return end_counted(f, out);
    }
    if (io_in->len == 0) {
        return MK_WAIT;
    }
    size_t n = io_in->len < f->left ? io_in->len : (size_t)f->left;
    f->left -= n;
    return tell(out, FRAME_KIND_DATA, take(f, io_in, n));
}

/* The part before ended with a CR: is it the end of a line? */
static mk_err told_cr(mk_framer *f, mk_str *io_in, frame_unit *out)
{
    f->cr = false;
    if (f->left == 0 || io_in->ptr[0] != '\n') {
        return stray(f, mk_str_of("\r", 1), out);
    }
    take(f, io_in, 1);
    f->left--;
    if (f->text_line_max - f->column < 2) {
        f->defects |= FRAME_DEFECT_LONG;
    }
    f->column = 0;
    return tell(out, FRAME_KIND_DATA, mk_str_of("\r\n", 2));
}

/* Where a CR is the last octet of a part it is told with what the next part
 * begins with (RFC 3030 2: a text may be parted anywhere). */
static mk_err next_text(mk_framer *f, mk_str *io_in, frame_unit *out)
{
    if (f->left == 0 && !(f->cr && f->last)) {
        return end_counted(f, out);
    }
    if (f->left > 0 && io_in->len == 0) {
        return MK_WAIT;
    }
    if (f->cr) {
        return told_cr(f, io_in, out);
    }
    size_t n = io_in->len < f->left ? io_in->len : (size_t)f->left;
    mk_str part = mk_str_of(io_in->ptr, n);
    f->bol = false; /* no dot is anything */
    mk_err err = next_dot(f, &part, out);
    if (err != MK_OK && part.len == f->left) { /* a CR */
        take(f, &part, 1);
        f->cr = true;
    }
    size_t used = n - part.len;
    if (used > 0) { /* an empty view may have no address to add to */
        f->left -= used;
        io_in->ptr += used;
        io_in->len -= used;
    }
    if (!f->cr) {
        return err;
    }
    return f->last ? told_cr(f, io_in, out) : end_counted(f, out);
}

/* A part of a line of any length. Where a CR is the last octet it stays, until
 * what follows it is there. */
static mk_err next_piece(mk_framer *f, mk_str *io_in, frame_unit *out)
{
    size_t end = mk_str_find(*io_in, '\n');
    bool has_cr = end > 0 && io_in->ptr[end - 1] == '\r';
    size_t n = end - (has_cr ? 1 : 0);
    if (n > 0 && f->left > 0) {
        n = n < f->left ? n : (size_t)f->left;
        f->left -= n;
        return tell(out, FRAME_KIND_DATA, take(f, io_in, n));
    }
    if (n > 0) {
        size_t most = f->discard_max - f->column;
        n = n < most ? n : most;
        take(f, io_in, n);
        f->column += (uint32_t)n;
        return f->column < f->discard_max
                   ? MK_E_AGAIN
                   : tell(out, FRAME_KIND_FLOOD, mk_str_of(NULL, 0));
    }
    if (end == io_in->len) {
        return MK_WAIT;
    }
    take(f, io_in, has_cr ? 2 : 1);
    tell(out, f->column > 0 ? FRAME_KIND_SWALLOWED : FRAME_KIND_LINE,
         mk_str_of(NULL, 0));
    out->bare = !has_cr;
    return MK_OK;
}

mk_err mk_framer_line(mk_framer *f, mk_str *io_in, frame_unit *out)
{
    return next_line(f, io_in, '\n', out);
}

mk_err mk_framer_next(mk_framer *f, mk_str *io_in, frame_unit *out)
{
    switch ((frame_mode)f->mode) {
    case FRAME_LINE:
        return mk_framer_line(f, io_in, out);
    case FRAME_NUL:
        return next_line(f, io_in, '\0', out);
    case FRAME_DOT:
        return next_dot(f, io_in, out);
    case FRAME_COUNT:
    case FRAME_LITERAL:
        return next_counted(f, io_in, out);
    case FRAME_TEXT:
        return next_text(f, io_in, out);
    case FRAME_PIECES: {
        mk_err err;
        do {
            err = next_piece(f, io_in, out);
        } while (err == MK_E_AGAIN);
        return err;
    }
    case FRAME_EOF:
        break;
    }
    if (io_in->len == 0) {
        return MK_WAIT;
    }
    return tell(out, FRAME_KIND_DATA, take(f, io_in, io_in->len));
}

size_t mk_framer_need(const mk_framer *f)
{
    switch ((frame_mode)f->mode) {
    case FRAME_LINE:
    case FRAME_NUL:
        return f->swallowing ? 1 : f->line_max;
    case FRAME_DOT:
        return 3;
    case FRAME_PIECES:
    case FRAME_TEXT:
        return 2;
    case FRAME_COUNT:
    case FRAME_LITERAL:
    case FRAME_EOF:
        break;
    }
    return 1;
}
