/* SPDX-License-Identifier: MIT
 *
 * store/maildir_top.c: header fields made to fill a gap exactly, by white
 * space at the ends of the lines of Received: fields (RFC 5322 3.2.2 and
 * 3.6.7 allow it there). It refuses lines beyond 998 octets (2.1.1) and
 * fields that are not complete lines.
 */
#include <mailkit/store.h>

#include <string.h>

#define LINE_MAX_BYTES 998u

typedef struct field_line {
    mk_str text;   /* without CRLF */
    bool received; /* part of a Received: field */
} field_line;

/* Takes one line off the front; `io_line` remembers whether the field that a
 * folded line continues is a Received:. */
static mk_err line_take(mk_str *io_rest, field_line *io_line)
{
    size_t lf = mk_str_find(*io_rest, '\n');

    if (lf == io_rest->len || lf < 2 || io_rest->ptr[lf - 1] != '\r') {
        return MK_E_SYNTAX;
    }
    io_line->text = mk_str_sub(*io_rest, 0, lf - 1);
    if (io_line->text.ptr[0] != ' ' && io_line->text.ptr[0] != '\t') {
        io_line->received =
            mk_str_has_prefix_nocase(io_line->text, mk_str_z("Received:"));
    }
    *io_rest = mk_str_sub(*io_rest, lf + 1, SIZE_MAX);
    return MK_OK;
}

static size_t line_room(const field_line *line)
{
    if (!line->received || line->text.len >= LINE_MAX_BYTES) {
        return 0;
    }
    return LINE_MAX_BYTES - line->text.len;
}

static void spaces_add(mk_buf *out, size_t n)
{
    while (n-- > 0) {
        (void)mk_buf_add_c(out, ' ');
    }
}

/* How many spaces are wanted, if they can be had at all. */
static mk_err measure(mk_str top, size_t size, size_t *out_spaces)
{
    field_line line = {{NULL, 0}, false};
    size_t disk = 0;
    size_t room = 0;

    while (top.len > 0) {
        mk_err err = line_take(&top, &line);

        if (err != MK_OK) {
            return err;
        }
        disk += line.text.len + 1;
        room += line_room(&line);
    }
    if (disk > size || size - disk > room) {
        return MK_E_ROOM;
    }
    *out_spaces = size - disk;
    return MK_OK;
}

mk_err mk_maildir_top_pad(mk_str top, size_t size, mk_buf *out)
{
    field_line line = {{NULL, 0}, false};
    size_t spaces = 0;
    mk_err err = measure(top, size, &spaces);

    if (err != MK_OK) {
        return err;
    }
    if (out->full || top.len > out->max - out->len ||
        spaces > out->max - out->len - top.len) {
        return MK_E_ROOM;
    }
    while (top.len > 0) {
        size_t n;

        (void)line_take(&top, &line);
        n = line_room(&line) < spaces ? line_room(&line) : spaces;
        spaces -= n;
        (void)mk_buf_add(out, line.text);
        spaces_add(out, n);
        (void)mk_buf_add_z(out, "\r\n");
    }
    return MK_OK;
}
