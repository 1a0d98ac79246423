/* SPDX-License-Identifier: MIT
 *
 * message/flowed.c: text of format=flowed as paragraphs (RFC 3676 4). A line
 * that ends with a space goes on in the next one when that is quoted as deeply
 * and is no signature's "-- "; quote marks are counted before the space that
 * stuffs a line is taken off, and that before the line is asked whether it
 * flows (4.4, 4.5). Resumable at each octet of input and of output; no line is
 * kept, however long. It refuses to wrap: a paragraph is one line.
 */
#include "base/codec_internal.h"

#include <mailkit/message.h>
#include <string.h>

enum {
    BEGIN,     /* at the beginning of a line, or among its quote marks */
    SIGNATURE, /* in what may be "-- " */
    LINE,
    DONE
};

static const char signature[] = "-- ";

enum { SIGNATURE_LEN = 3 };

void mk_flowed_init(mk_flowed *d, bool is_delsp)
{
    memset(d, 0, sizeof *d);
    d->is_delsp = is_delsp;
}

/* ---- what is decided and not yet written -------------------------------- */

static void owe(mk_flowed *d, const char *ptr, size_t n)
{
    memcpy(d->owed + d->owed_len, ptr, n);
    d->owed_len = (uint8_t)(d->owed_len + n);
}

static void owe_end(mk_flowed *d, unsigned length)
{
    owe(d, length == 2 ? "\r\n" : "\n", length);
}

/* A line end, quote marks, then text, in this order; false: no room. */
static bool pay(mk_flowed *d, mk_buf *out)
{
    size_t room = codec_room(out);
    while (room > 0 && (d->owed_marks > 0 || d->owed_at < d->owed_len)) {
        bool is_mark = d->owed_marks > 0 && d->owed_at == d->marks_at;
        out->ptr[out->len] = is_mark ? '>' : d->owed[d->owed_at];
        out->len++;
        room--;
        d->owed_marks -= is_mark;
        d->owed_at = (uint8_t)(d->owed_at + !is_mark);
    }
    if (d->owed_marks > 0 || d->owed_at < d->owed_len) {
        return false;
    }
    d->owed_at = 0;
    d->owed_len = 0;
    return true;
}

/* ---- lines --------------------------------------------------------------- */

/* Its beginning is known: does the line go on with the one before? */
static void begin_text(mk_flowed *d, bool is_signature)
{
    bool joins = d->is_flowing && !is_signature && d->marks == d->depth;
    if (!joins) {
        if (d->is_flowing) {
            owe_end(d, d->end_len);
        }
        d->marks_at = d->owed_len;
        d->owed_marks = d->marks;
        if (d->is_stuffed && d->marks > 0) {
            owe(d, " ", 1);
        }
    }
    d->depth = d->marks;
    d->is_flowing = false;
    d->state = LINE;
}

/* It was none: the octets that looked like one are text. */
static void begin_line(mk_flowed *d)
{
    bool has_space = d->seen == SIGNATURE_LEN;
    begin_text(d, false);
    owe(d, signature, has_space ? SIGNATURE_LEN - 1U : d->seen);
    d->has_space = has_space;
}

static void end_line(mk_flowed *d)
{
    d->end_len = d->has_cr ? 2 : 1;
    d->is_flowing = d->has_space;
    if (d->has_space && !d->is_delsp) {
        owe(d, " ", 1);
    }
    if (!d->has_space) {
        owe_end(d, d->end_len);
    }
    d->has_space = false;
    d->has_cr = false;
    d->marks = 0;
    d->seen = 0;
    d->is_stuffed = false;
    d->state = BEGIN;
}

/* Quote marks, then the space that stuffs; true: the octet was taken. */
static bool at_begin(mk_flowed *d, char c)
{
    if (c == '>') {
        d->marks++;
        return true;
    }
    d->state = SIGNATURE;
    d->is_stuffed = c == ' ';
    return d->is_stuffed;
}

static bool at_signature(mk_flowed *d, char c)
{
    if (d->seen < SIGNATURE_LEN && c == signature[d->seen]) {
        d->seen++;
        return true;
    }
    if (d->seen == SIGNATURE_LEN && c == '\r' && !d->has_cr) {
        d->has_cr = true;
        return true;
    }
    if (d->seen == SIGNATURE_LEN && c == '\n') {
        begin_text(d, true);
        owe(d, signature, SIGNATURE_LEN);
        end_line(d);
        return true;
    }
    begin_line(d);
    return false;
}

/* What was held back at the end of a line that goes on. */
static void release(mk_flowed *d)
{
    if (d->has_space) {
        owe(d, " ", 1);
    }
    if (d->has_cr) {
        owe(d, "\r", 1);
    }
    d->has_space = false;
    d->has_cr = false;
}

static void at_line(mk_flowed *d, char c)
{
    if (c == '\n') {
        end_line(d);
        return;
    }
    if (c == '\r' && !d->has_cr) {
        d->has_cr = true;
        return;
    }
    release(d);
    d->has_space = c == ' ';
    d->has_cr = c == '\r';
    if (!d->has_space && !d->has_cr) {
        owe(d, &c, 1);
    }
}

/* Octets that mean nothing go through at once. */
static void copy_run(mk_flowed *d, mk_str *io_in, mk_buf *out)
{
    size_t room = codec_room(out);
    size_t most = io_in->len < room ? io_in->len : room;
    size_t n = 0;
    if (d->state != LINE || d->has_space || d->has_cr) {
        return;
    }
    while (n < most && io_in->ptr[n] != ' ' && io_in->ptr[n] != '\r' &&
           io_in->ptr[n] != '\n') {
        n++;
    }
    if (n > 0) {
        memcpy(out->ptr + out->len, io_in->ptr, n);
        out->len += n;
        codec_skip(io_in, n);
    }
}

mk_err mk_flowed_decode(mk_flowed *d, mk_str *io_in, mk_buf *out)
{
    for (;;) {
        if (!pay(d, out)) {
            return MK_E_ROOM;
        }
        copy_run(d, io_in, out);
        if (io_in->len == 0) {
            return MK_WAIT;
        }
        char c = io_in->ptr[0];
        bool taken = true;
        if (d->state == BEGIN) {
            taken = at_begin(d, c);
        } else if (d->state == SIGNATURE) {
            taken = at_signature(d, c);
        } else {
            at_line(d, c);
        }
        codec_skip(io_in, taken ? 1 : 0);
    }
}

mk_err mk_flowed_decode_finish(mk_flowed *d, mk_buf *out)
{
    for (;;) {
        if (!pay(d, out)) {
            return MK_E_ROOM;
        }
        if (d->state == DONE) {
            return MK_OK;
        }
        bool is_empty = d->state == BEGIN && d->marks == 0;
        if (is_empty && d->is_flowing) {
            owe_end(d, d->end_len);
        } else if (d->state == SIGNATURE && d->seen == SIGNATURE_LEN &&
                   !d->has_cr) {
            begin_text(d, true);
            owe(d, signature, SIGNATURE_LEN);
        } else if (!is_empty && d->state != LINE) {
            begin_line(d);
            continue;
        } else {
            release(d);
        }
        d->state = DONE;
    }
}
