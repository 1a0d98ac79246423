/* SPDX-License-Identifier: MIT
 *
 * message/transfer_uu.c: uuencode (POSIX.1-2017, uudecode), which mail used
 * before MIME: "begin 644 name", lines that begin with their length, a line of
 * length 0, "end". Each character completes at most one octet, as in base64.c.
 * It reads neither the mode nor the name, and gives no octet beyond a line's
 * length.
 */
#include "base/codec_internal.h"
#include "message/transfer_internal.h"

/* mk_transfer.state */
enum {
    UU_OUTSIDE, /* at the beginning of a line outside of a file */
    UU_PASS,    /* in a line that does not count, outside */
    UU_HEAD,    /* in the rest of a begin line */
    UU_LENGTH,  /* at the beginning of a line of a file */
    UU_DATA,    /* in its characters */
    UU_TAIL     /* behind them, up to the line end */
};

static const char begin[] = "begin ";

void mk_uu_init(mk_transfer *t)
{
    t->state = UU_OUTSIDE;
}

/* A line begins a file when its first characters are those of begin. */
static void look_outside(mk_transfer *t, unsigned char c)
{
    if (c == '\n') {
        t->state = UU_OUTSIDE;
        t->place = 0;
    } else if (t->state == UU_OUTSIDE && c == (unsigned char)begin[t->place]) {
        t->place++;
        if (t->place == sizeof begin - 1) {
            t->state = UU_HEAD;
        }
    } else {
        t->state = UU_PASS;
    }
}

/* The length in octets: "M" is 45, "`" or a space is 0. */
static void take_length(mk_transfer *t, unsigned char c)
{
    t->place = 0;
    if (c == '\r' || c == '\n') {
        return; /* an empty line between two */
    }
    if (c < ' ' || c > '`') {
        /* "end", or what should not be here. */
        t->defects += c == 'e' ? 0 : 1;
        t->state = UU_PASS;
        return;
    }
    t->due = (uint8_t)((c - ' ') & 63);
    t->state = t->due > 0 ? UU_DATA : UU_TAIL;
}

static mk_err take_data(mk_transfer *t, unsigned char c, mk_buf *out)
{
    unsigned value = (unsigned)(c - ' ') & 63U;
    if (c == '\r') {
        return MK_WAIT;
    }
    if (c == '\n') {
        /* Spaces at the end of a line, which are zeros, were lost. */
        t->defects++;
        t->state = UU_LENGTH;
        return MK_WAIT;
    }
    if (t->place > 0 && codec_room(out) == 0) {
        return MK_E_ROOM;
    }
    if (c < ' ' || c > '`') {
        t->defects++;
        value = 0;
    }
    t->bits = (t->bits << 6 | value) & 0xFFFFU;
    if (t->place > 0) {
        codec_put(out, t->bits >> (6 - 2 * t->place));
        t->due--;
    }
    t->place = (uint8_t)((t->place + 1) & 3);
    t->state = t->due > 0 ? UU_DATA : UU_TAIL;
    return MK_WAIT;
}

static mk_err take(mk_transfer *t, unsigned char c, mk_buf *out)
{
    switch (t->state) {
    case UU_OUTSIDE:
    case UU_PASS:
        look_outside(t, c);
        return MK_WAIT;
    case UU_LENGTH:
        take_length(t, c);
        return MK_WAIT;
    case UU_DATA:
        return take_data(t, c, out);
    default:
        t->state = c == '\n' ? UU_LENGTH : t->state;
        return MK_WAIT;
    }
}

mk_err mk_uu_decode(mk_transfer *t, mk_str *io_in, mk_buf *out)
{
    while (io_in->len > 0) {
        if (take(t, mk_octet_at(*io_in, 0), out) != MK_WAIT) {
            return MK_E_ROOM;
        }
        codec_skip(io_in, 1);
    }
    return MK_WAIT;
}

void mk_uu_finish(mk_transfer *t)
{
    t->defects += t->state >= UU_HEAD ? 1 : 0;
    t->state = UU_OUTSIDE;
}
