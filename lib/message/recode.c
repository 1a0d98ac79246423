/* SPDX-License-Identifier: MIT
 *
 * message/recode.c: binary parts become base64 on the way, so that a message
 * of RFC 3030 fits where lines count (RFC 2045 6.2, 6.8; RFC 3030 3). The
 * parser says what the octets at the front are, and they are then copied,
 * encoded or left out, as room comes; nothing of a body is held. What is signed
 * is never changed (RFC 1847 2.1), and what is not binary must be lines.
 */
#include "base/ascii.h"
#include "message/parse_internal.h"

#include <stdalign.h>

/* What is done with the octets at the front. */
typedef enum recode_mode {
    RECODE_COPY = 0,
    RECODE_ENCODE = 1,
    RECODE_DROP = 2
} recode_mode;

enum { LINE_CHARS = 76 };

struct mk_recode {
    mk_message *message;
    mk_base64_encoder encoder;
    size_t left;         /* octets at the front that the parser has passed */
    const char *due;     /* a line that goes out before them, or NULL */
    uint32_t signed_by;  /* the part that signs what is under way, or none */
    mk_err failed;       /* the answer of every later call */
    uint8_t mode;        /* recode_mode of `left` */
    uint8_t last;        /* octet that was copied */
    bool is_at_line_end; /* what went out last was CRLF */
    bool is_binary;      /* the data of this part is to be encoded */
    bool has_encoder;    /* and some of it was */
    bool has_other;      /* this header says that it is not binary */
    bool is_ended;       /* the parser has nothing more */
};

static size_t head_bytes(void)
{
    size_t unit = alignof(max_align_t);
    return (sizeof(mk_recode) + unit - 1) / unit * unit;
}

size_t mk_recode_need(const mk_message_config *config)
{
    return head_bytes() + mk_message_need(config);
}

mk_err mk_recode_open(const mk_message_config *config, void *mem, size_t n,
                      mk_recode **out_recode)
{
    static const mk_recode fresh = {.signed_by = MK_PART_NONE,
                                    .is_at_line_end = true};
    mk_recode *r = mem;
    mk_message *message;
    if (mem == NULL || (uintptr_t)mem % alignof(max_align_t) != 0) {
        return MK_E_ARG;
    }
    if (n < head_bytes()) {
        return MK_E_ROOM;
    }
    mk_err err = mk_message_open(config, (char *)mem + head_bytes(),
                                 n - head_bytes(), &message);
    if (err == MK_OK) {
        *r = fresh;
        r->message = message;
        *out_recode = r;
    }
    return err;
}

void mk_recode_in_eof(mk_recode *recode)
{
    mk_message_in_eof(recode->message);
}

size_t mk_recode_in_max(const mk_recode *recode)
{
    return mk_message_in_max(recode->message);
}

/* ---- what the parser finds ----------------------------------------------- */

/* A field that says "binary" is left out, and said anew where the header ends
 * and it is known of what. */
static void take_field(mk_recode *r, const mk_field *field)
{
    if (field->id != MK_FIELD_CONTENT_TRANSFER_ENCODING) {
        return;
    }
    if (mk_mime_encoding(field->value) == MK_ENCODING_BINARY) {
        r->mode = RECODE_DROP;
    } else {
        r->has_other = true;
    }
}

/* The header of a part that says it is binary has ended. */
static mk_err take_binary(mk_recode *r, const mk_part *part, mk_str type)
{
    bool is_leaf = part->kind == MK_PART_LEAF;
    if (r->has_other) {
        return MK_E_SYNTAX; /* it says both */
    }
    if (r->signed_by != MK_PART_NONE || (part->flags & MK_PART_OPAQUE) != 0 ||
        mk_str_is_nocase(type, mk_str_z("multipart/signed")) ||
        mk_str_is_nocase(type, mk_str_z("message/partial"))) {
        return MK_E_UNSUPPORTED;
    }
    r->due = is_leaf ? "Content-Transfer-Encoding: base64\r\n"
                     : "Content-Transfer-Encoding: 8bit\r\n";
    r->is_binary = is_leaf;
    return is_leaf ? mk_base64_encoder_init(&r->encoder, LINE_CHARS) : MK_OK;
}

static mk_err take_body(mk_recode *r, const mk_message_event *ev)
{
    mk_err err = MK_OK;
    r->is_binary = false;
    if (ev->part->encoding == MK_ENCODING_BINARY) {
        err = take_binary(r, ev->part, ev->media_type);
    }
    if (r->signed_by == MK_PART_NONE &&
        mk_str_is_nocase(ev->media_type, mk_str_z("multipart/signed"))) {
        r->signed_by = ev->part->number;
    }
    r->has_other = false;
    return err;
}

/* A limit of the parser means that a part may be there which it does not see,
 * and others do. */
static mk_err take_defect(const mk_defect *defect)
{
    switch (defect->code) {
    case MK_DEFECT_HEADER_COUNT:
    case MK_DEFECT_HEADER_SIZE:
    case MK_DEFECT_HEADER_FIELD_SIZE:
    case MK_DEFECT_MIME_COUNT:
    case MK_DEFECT_MIME_DEPTH:
    case MK_DEFECT_MIME_LONG_BOUNDARY:
        return MK_E_LIMIT;
    default:
        return MK_OK;
    }
}

static mk_err take_event(mk_recode *r, const mk_message_event *ev)
{
    switch (ev->type) {
    case MK_MESSAGE_FIELD:
        take_field(r, &ev->field);
        return MK_OK;
    case MK_MESSAGE_BODY:
        return take_body(r, ev);
    case MK_MESSAGE_DATA:
        r->mode = r->is_binary ? RECODE_ENCODE : RECODE_COPY;
        r->has_encoder = r->is_binary;
        return MK_OK;
    case MK_MESSAGE_PART_END:
        if (ev->part->number == r->signed_by) {
            r->signed_by = MK_PART_NONE;
        }
        return MK_OK;
    case MK_MESSAGE_DEFECT:
        return take_defect(&ev->defect);
    default:
        return MK_OK;
    }
}

/* ---- what goes out ------------------------------------------------------- */

/* Of text only lines are let through: an octet is judged with the one before
 * it. */
static bool is_line_octet(unsigned char before, unsigned char c)
{
    return c != 0 && (c == '\n') == (before == '\r');
}

static mk_err copy(mk_recode *r, mk_str *io_in, mk_buf *out)
{
    size_t room = out->max - out->len;
    mk_str run = mk_str_sub(*io_in, 0, r->left < room ? r->left : room);
    for (size_t i = 0; i < run.len; i++) {
        unsigned char c = mk_octet_at(run, i);
        if (!is_line_octet(r->last, c)) {
            return MK_E_BARE;
        }
        r->last = c;
    }
    (void)mk_buf_add(out, run);
    r->is_at_line_end = run.len > 0 ? r->last == '\n' : r->is_at_line_end;
    r->left -= run.len;
    *io_in = mk_str_sub(*io_in, run.len, SIZE_MAX);
    return r->left > 0 ? MK_E_ROOM : MK_OK;
}

static mk_err encode(mk_recode *r, mk_str *io_in, mk_buf *out)
{
    mk_str front = mk_str_sub(*io_in, 0, r->left);
    mk_err err = mk_base64_encode(&r->encoder, &front, out);
    *io_in = mk_str_sub(*io_in, r->left - front.len, SIZE_MAX);
    r->left = front.len;
    r->is_at_line_end = false;
    return err == MK_WAIT ? MK_OK : err;
}

/* Whatever is not its data ends a part that is being encoded. */
static mk_err end_part(mk_recode *r, mk_buf *out)
{
    mk_err err = mk_base64_encode_finish(&r->encoder, out);
    r->has_encoder = err != MK_OK;
    return err;
}

/* The header's last line may have had no end. */
static mk_err put_due(mk_recode *r, mk_buf *out)
{
    mk_err err = r->is_at_line_end ? MK_OK : mk_buf_add_z(out, "\r\n");
    r->is_at_line_end = err == MK_OK;
    if (err == MK_OK && r->due != NULL) {
        err = mk_buf_add_z(out, r->due);
        r->due = err == MK_OK ? NULL : r->due;
    }
    return err;
}

static mk_err put(mk_recode *r, mk_str *io_in, mk_buf *out)
{
    switch ((recode_mode)r->mode) {
    case RECODE_ENCODE:
        return encode(r, io_in, out);
    case RECODE_DROP:
        *io_in = mk_str_sub(*io_in, r->left, SIZE_MAX);
        r->left = 0;
        return MK_OK;
    default:
        return copy(r, io_in, out);
    }
}

/* ---- the step ------------------------------------------------------------ */

/* Ask the parser what is at the front. MK_OK: it said. */
static mk_err look(mk_recode *r, mk_str in)
{
    mk_message_event ev = {0};
    mk_str ahead = in;
    mk_err err = mk_message_step(r->message, &ahead, &ev);
    r->left = in.len - ahead.len;
    r->mode = RECODE_COPY;
    if (err == MK_OK) {
        return take_event(r, &ev);
    }
    r->is_ended = err == MK_END;
    return err == MK_END || (err == MK_WAIT && r->left > 0) ? MK_OK : err;
}

/* A leaf that was encoded to the end of the message has no line end of its
 * own, and a binary one need not have had any. */
static mk_err end_message(mk_recode *r, mk_buf *out)
{
    if (r->last == '\r') {
        return MK_E_BARE;
    }
    mk_err err = put_due(r, out);
    return err == MK_OK ? MK_END : err;
}

static mk_err advance_once(mk_recode *r, mk_str *io_in, mk_buf *out)
{
    bool is_over = r->left > 0 ? r->mode != RECODE_ENCODE : r->is_ended;
    if (r->due != NULL) {
        return put_due(r, out);
    }
    if (r->has_encoder && is_over) {
        return end_part(r, out);
    }
    if (r->left > 0) {
        return put(r, io_in, out);
    }
    return r->is_ended ? end_message(r, out) : look(r, *io_in);
}

mk_err mk_recode_step(mk_recode *recode, mk_str *io_in, mk_buf *out)
{
    if (recode->failed == MK_OK) {
        mk_err err;
        do {
            err = advance_once(recode, io_in, out);
        } while (err == MK_OK);
        if (err == MK_WAIT || err == MK_E_ROOM) {
            return err;
        }
        recode->failed = err;
    }
    return recode->failed;
}
