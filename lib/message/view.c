/* SPDX-License-Identifier: MIT
 *
 * message/view.c: an index of a message in memory: the parser is run over it
 * once, and what it tells is kept as arrays in one block, parts and defects
 * growing from its front, fields from its back. Bodies stay where they are and
 * are decoded when asked for. It refuses nothing: what finds no room is
 * counted, and the index is a smaller one.
 */
#include "message/charset_internal.h"
#include "message/parse_internal.h"
#include "message/transfer_internal.h"
#include "message/view_internal.h"

#include <stdalign.h>
#include <string.h>

enum { BLOCK_ALIGN = alignof(max_align_t), DEFECTS = 64 };

/* The block: the budget, the list of defects, the parser, then parts from there
 * on and fields from the end down, until they meet. */
typedef struct builder {
    mk_message *parser;
    mk_str message;
    mk_view_part *parts;
    mk_field *fields; /* the last one met, which is the first in memory */
    size_t room;      /* octets between the two */
    uint64_t parts_met, fields_met;
    uint32_t part_count, field_count;
    uint32_t max_depth;
    mk_defects *defects;
    uint32_t *last; /* by depth: the part met last */
    bool is_cut;
} builder;

static size_t aligned(size_t n)
{
    return (n + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
}

/* The list of the parts met last. */
static size_t last_bytes(const mk_message_config *config)
{
    return ((size_t)mk_parse_settle(config).max_depth + 1) * sizeof(uint32_t);
}

/* What stands before the parts and fields. */
static size_t fixed(const mk_message_config *config)
{
    return aligned(sizeof(mk_budget)) + aligned(sizeof(mk_defects)) +
           aligned(DEFECTS * sizeof(mk_defect)) +
           aligned(mk_message_need(config)) + aligned(last_bytes(config));
}

static size_t least(size_t head)
{
    return head + aligned(sizeof(mk_view_part));
}

size_t mk_view_need(const mk_message_config *config)
{
    return least(fixed(config));
}

static void *take(char **io_at, size_t n)
{
    void *at = *io_at;
    *io_at += aligned(n);
    return at;
}

static bool make_room(builder *b, size_t n)
{
    if (b->is_cut || n > b->room) {
        b->is_cut = true;
        return false;
    }
    b->room -= n;
    return true;
}

static void add_part(builder *b, const mk_part *part)
{
    b->parts_met++;
    if (!make_room(b, sizeof(mk_view_part))) {
        return;
    }
    mk_view_part *p = &b->parts[b->part_count];
    memset(p, 0, sizeof *p);
    p->part = *part;
    p->first_field = b->field_count;
    p->sibling = MK_PART_NONE;
    p->first_child = MK_PART_NONE;
    uint32_t *last = &b->last[part->depth];
    if (part->parent != MK_PART_NONE) {
        mk_view_part *parent = &b->parts[part->parent];
        if (parent->first_child == MK_PART_NONE) {
            parent->first_child = part->number;
        } else {
            b->parts[*last].sibling = part->number;
        }
    }
    *last = part->number;
    b->part_count++;
}

static void add_field(builder *b, const mk_message_event *ev)
{
    b->fields_met++;
    if (ev->part->number >= b->part_count || !make_room(b, sizeof(mk_field))) {
        return;
    }
    b->fields--;
    *b->fields = ev->field;
    b->parts[ev->part->number].field_count++;
    b->field_count++;
}

static void add(builder *b, const mk_message_event *ev)
{
    switch (ev->type) {
    case MK_MESSAGE_PART:
        add_part(b, ev->part);
        break;
    case MK_MESSAGE_FIELD:
        add_field(b, ev);
        break;
    case MK_MESSAGE_PART_END: /* and each part ends */
        if (ev->part->number < b->part_count) {
            b->parts[ev->part->number].part = *ev->part;
        }
        break;
    case MK_MESSAGE_DEFECT:
        mk_defects_add(b->defects, (mk_defect_code)ev->defect.code,
                       ev->defect.offset, ev->defect.length);
        break;
    default:
        break;
    }
}

/* Fields were put down from the end: turn them round. */
static void turn(mk_field *fields, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        mk_field f = fields[i];
        fields[i] = fields[n - 1 - i];
        fields[n - 1 - i] = f;
    }
}

static void index_message(builder *b)
{
    mk_message_event ev;
    mk_str in = b->message;
    mk_message_in_eof(b->parser);
    while (mk_message_step(b->parser, &in, &ev) == MK_OK) {
        add(b, &ev);
    }
    turn(b->fields, b->field_count);
}

mk_err mk_view_open(mk_str message, const mk_message_config *config, void *mem,
                    size_t n, mk_view *out_view)
{
    builder b = {.message = message};
    char *at = mem;
    if (mem == NULL || (uintptr_t)mem % BLOCK_ALIGN != 0) {
        return MK_E_ARG;
    }
    size_t head = fixed(config);
    if (n < least(head)) {
        return MK_E_ROOM;
    }
    mk_budget *budget = take(&at, sizeof *budget);
    b.defects = take(&at, sizeof(mk_defects));
    mk_defects_init(b.defects, take(&at, DEFECTS * sizeof(mk_defect)), DEFECTS);
    size_t need = mk_message_need(config);
    mk_err err = mk_message_open(config, take(&at, need), need, &b.parser);
    if (err != MK_OK) {
        return err;
    }
    budget->left = b.parser->config.max_decoded_bytes;
    budget->whole = b.parser->config.budget;
    b.last = take(&at, last_bytes(config));
    b.room = (n - head) / BLOCK_ALIGN * BLOCK_ALIGN;
    b.parts = (mk_view_part *)(void *)at;
    b.fields = (mk_field *)(void *)(at + b.room);
    index_message(&b);
    mk_view_choose(b.parts, b.part_count);
    *out_view = (mk_view){
        .message = message,
        .parts = b.parts,
        .part_count = b.part_count,
        .fields = b.fields,
        .field_count = b.field_count,
        .defects = b.defects,
        .reading = b.parser->config.reading,
        .budget = budget,
        .need = head + aligned((size_t)b.parts_met * sizeof(mk_view_part) +
                               (size_t)b.fields_met * sizeof(mk_field)),
        .is_cut = b.is_cut};
    return MK_OK;
}

/* ---- looking ------------------------------------------------------------- */

const mk_field *mk_view_field(const mk_view *view, uint32_t part,
                              mk_field_id id)
{
    if (part >= view->part_count || id == MK_FIELD_OTHER) {
        return NULL;
    }
    const mk_view_part *p = &view->parts[part];
    for (uint32_t i = 0; i < p->field_count; i++) {
        const mk_field *f = &view->fields[p->first_field + i];
        if (f->id == id) {
            return f;
        }
    }
    return NULL;
}

static mk_str between(const mk_view *view, uint64_t from, uint64_t to)
{
    return mk_str_sub(view->message, (size_t)from, (size_t)(to - from));
}

mk_str mk_view_header(const mk_view *view, uint32_t part)
{
    if (part >= view->part_count) {
        return mk_str_of(NULL, 0);
    }
    const mk_part *p = &view->parts[part].part;
    return between(view, p->offset, p->body);
}

mk_str mk_view_body(const mk_view *view, uint32_t part)
{
    if (part >= view->part_count) {
        return mk_str_of(NULL, 0);
    }
    const mk_part *p = &view->parts[part].part;
    return between(view, p->body, p->end);
}

/* Parts stand in their parent's body, so that is never encoded. */
static mk_encoding encoding_of(const mk_view *view, uint32_t part)
{
    const mk_part *p = part < view->part_count ? &view->parts[part].part : NULL;
    return p == NULL || p->kind != MK_PART_LEAF ? MK_ENCODING_7BIT
                                                : (mk_encoding)p->encoding;
}

static bool is_identity(const mk_view *view, uint32_t part)
{
    return encoding_of(view, part) <= MK_ENCODING_BINARY;
}

mk_err mk_view_decode(const mk_view *view, uint32_t part, mk_buf *out,
                      uint64_t *out_defects)
{
    mk_transfer t;
    mk_str in = mk_view_body(view, part);
    mk_transfer_init(&t, encoding_of(view, part));
    t.stops = (view->reading & MK_READING_STOP) != 0;
    t.budget = view->budget;
    mk_err err = mk_transfer_decode(&t, &in, out);
    if (err == MK_WAIT) {
        err = mk_transfer_decode_finish(&t, out);
    }
    out->full |= err == MK_E_ROOM;
    if (out_defects != NULL) {
        *out_defects = t.defects;
    }
    return err == MK_OK && t.is_cut ? MK_E_LIMIT : err;
}

/* Decode for what it says, not for the octets. */
static uint64_t look_through(const mk_view *view, uint32_t part,
                             mk_charset_look *look, uint64_t *out_faults)
{
    mk_transfer t;
    char mem[2048];
    uint64_t length = 0;
    mk_err err;
    mk_str in = mk_view_body(view, part);
    *out_faults = 0;
    if (is_identity(view, part)) {
        if (look != NULL) {
            mk_charset_look_at(look, in);
        }
        return in.len;
    }
    mk_transfer_init(&t, encoding_of(view, part));
    t.stops = (view->reading & MK_READING_STOP) != 0;
    do {
        mk_buf out;
        mk_buf_init(&out, mem, sizeof mem);
        err = mk_transfer_decode(&t, &in, &out);
        if (err == MK_WAIT) {
            err = mk_transfer_decode_finish(&t, &out);
        }
        length += out.len;
        if (look != NULL) {
            mk_charset_look_at(look, mk_buf_str(&out));
        }
    } while (err == MK_E_ROOM);
    *out_faults = t.defects;
    return length;
}

uint64_t mk_view_faults(const mk_view *view, uint32_t part)
{
    uint64_t faults;
    (void)look_through(view, part, NULL, &faults);
    return faults;
}

uint64_t mk_view_decoded_length(const mk_view *view, uint32_t part)
{
    uint64_t faults;
    return look_through(view, part, NULL, &faults);
}

static mk_charset label_of(const mk_view *view, uint32_t part)
{
    return part < view->part_count ? (mk_charset)view->parts[part].part.charset
                                   : MK_CHARSET_NONE;
}

static mk_err decode_text(const mk_view *view, uint32_t part,
                          mk_charset charset, const mk_charset_table *table,
                          mk_buf *out, uint64_t *out_defects)
{
    mk_text_decoder d;
    mk_str in = mk_view_body(view, part);
    mk_err begun =
        mk_text_decoder_init(&d, encoding_of(view, part), charset, table);
    d.transfer.stops = (view->reading & MK_READING_STOP) != 0;
    d.transfer.budget = view->budget;
    mk_err err = mk_text_decode(&d, &in, out);
    if (err == MK_WAIT) {
        err = mk_text_decode_finish(&d, out);
    }
    mk_text_decoder_fini(&d);
    mk_budget_give_back(view->budget, d.len - d.at);
    *out_defects = d.charset.defects;
    if (err == MK_OK && d.transfer.is_cut) {
        return MK_E_LIMIT;
    }
    return err != MK_OK ? err : begun;
}

static bool is_latin(mk_charset label)
{
    return label == MK_CHARSET_ISO_8859_1 || label == MK_CHARSET_WINDOWS_1252;
}

/* What text that is well-formed UTF-8 was, by its label. */
static mk_charset choose(mk_str text, bool is_ascii, mk_charset label)
{
    mk_charset_look look;
    if (is_ascii) {
        return label == MK_CHARSET_NONE ? MK_CHARSET_US_ASCII : label;
    }
    if (!is_latin(label)) {
        return MK_CHARSET_UTF_8;
    }
    mk_charset_look_init(&look);
    mk_charset_look_at(&look, text);
    return mk_charset_look_choose(&look, label);
}

/* A label that may be overruled is most often true or harmless: when the text
 * is well-formed UTF-8 one pass has shown it. */
static bool is_utf8(const mk_view *view, uint32_t part, mk_charset label,
                    mk_buf *out, mk_charset *out_charset)
{
    uint64_t defects;
    uint64_t left = view->budget->left;
    size_t start = out->len;
    mk_err err = decode_text(view, part, MK_CHARSET_UTF_8, NULL, out, &defects);
    size_t n = out->len - start;
    if (err == MK_OK && defects == 0) {
        mk_str text = mk_str_sub(mk_buf_str(out), start, n);
        bool is_ascii = n == 0 || mk_ascii_run(text.ptr, n) == n;
        *out_charset = choose(text, is_ascii, label);
        if (is_ascii || *out_charset == MK_CHARSET_UTF_8) {
            return true;
        }
    }
    out->len = start;
    mk_budget_give_back(view->budget, left - view->budget->left);
    return false;
}

/* Seen when it was parsed. */
static bool is_high(const mk_view *view, uint32_t part)
{
    return part < view->part_count &&
           (view->parts[part].part.flags & MK_PART_HIGH) != 0;
}

static void tell_charset(mk_charset label, mk_charset charset, mk_err err,
                         uint64_t faults, uint64_t at, mk_defects *defects)
{
    if (err == MK_E_UNSUPPORTED || err == MK_E_MEMORY) {
        mk_defects_add(defects, MK_DEFECT_CHARSET_UNKNOWN, at, 0);
    } else if (faults > 0) {
        mk_defects_add(defects, MK_DEFECT_CHARSET_MALFORMED, at, 0);
    }
    if (label != MK_CHARSET_NONE && charset != label) {
        mk_defects_add(defects, MK_DEFECT_CHARSET_WRONG, at, 0);
    }
}

mk_err mk_view_text(const mk_view *view, uint32_t part,
                    const mk_charset_table *table, mk_buf *out,
                    mk_charset *out_charset, mk_defects *defects)
{
    mk_charset label = label_of(view, part);
    mk_charset charset = label;
    mk_err err = MK_OK;
    uint64_t faults = 0;
    bool may_be_wrong = label <= MK_CHARSET_UTF_8 || is_latin(label);
    bool is_plain = is_latin(label) && is_identity(view, part);
    if (!may_be_wrong || is_plain ||
        !is_utf8(view, part, label, out, &charset)) {
        if (may_be_wrong && (!is_plain || is_high(view, part))) {
            mk_charset_look look;
            mk_charset_look_init(&look);
            (void)look_through(view, part, &look, &faults);
            charset = mk_charset_look_choose(&look, label);
        }
        err = decode_text(view, part, charset, table, out, &faults);
        out->full |= err == MK_E_ROOM;
    }
    tell_charset(label, charset, err, faults,
                 part < view->part_count ? view->parts[part].part.body : 0,
                 defects);
    if (out_charset != NULL) {
        *out_charset = charset;
    }
    return err;
}

uint32_t mk_view_next(const mk_view *view, uint32_t root, mk_use wanted,
                      uint32_t after)
{
    uint32_t i = after == MK_PART_NONE ? root : after;
    if (i >= view->part_count || root > i) {
        return MK_PART_NONE;
    }
    uint32_t depth = view->parts[root].part.depth;
    if (after != MK_PART_NONE) {
        i = mk_view_step(view->parts, view->part_count, i);
    }
    while (i < view->part_count &&
           (i == root || view->parts[i].part.depth > depth)) {
        if ((view->parts[i].uses & (uint32_t)wanted) != 0) {
            return i;
        }
        i = mk_view_step(view->parts, view->part_count, i);
    }
    return MK_PART_NONE;
}
