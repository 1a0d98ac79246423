/* SPDX-License-Identifier: MIT
 *
 * fuzz_message.c: any octets are a message. Its events are the same at every
 * size of piece (Law 4), keep within what was promised and tile the message;
 * a view of it has the same parts, each of which decodes within its bounds to
 * well-formed text; a block of any size holds the beginning of it; envelopes
 * and structures lie in it. Each reading of it is a tree of its own, recoding
 * says the same at every size of piece, and any character set gives UTF-8. The
 * last two octets of an input are settings, so that a message is an input as it
 * is.
 */
#include <mailkit/envelope.h>
#include <mailkit/message.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/unit/message/tree.h"
#include "fuzz.h"

static mk_message_config config_of(uint8_t settings)
{
    mk_message_config c;
    mk_message_config_init(&c, sizeof c);
    if ((settings & 1) != 0) {
        c.max_depth = 2 + (settings >> 1 & 3U);
        c.max_parts = 4 + (settings >> 3 & 3U);
        c.max_boundary_bytes = 3 + (settings >> 5 & 3U);
        c.max_fields = 3;
        c.max_field_bytes = 48;
        c.max_header_bytes = 90;
    }
    return c;
}

static void same_events(mk_str message, const mk_message_config *config,
                        uint8_t chunk)
{
    const size_t chunks[] = {1, 2, chunk};
    text whole = {0};
    const char *broken = tree_trace(message, config, 0, TREE_TEXT, &whole);
    fuzz_promise(broken == NULL, broken);
    for (size_t i = 0; i < 3; i++) {
        text cut = {0};
        broken = tree_trace(message, config, chunks[i], TREE_TEXT, &cut);
        fuzz_promise(broken == NULL, broken);
        fuzz_same(&whole, &cut, "the same events");
        text_free(&cut);
    }
    text_free(&whole);
}

static void look_at_text(const mk_view *v, uint32_t i, char *mem, size_t room)
{
    mk_charset_look look;
    mk_buf out;
    mk_charset charset;
    mk_buf_init(&out, mem, room);
    mk_err err =
        mk_view_text(v, i, mk_charset_table_iconv(), &out, &charset, NULL);
    fuzz_promise(err != MK_E_ROOM, "three octets for one");
    mk_charset_look_init(&look);
    mk_charset_look_at(&look, mk_buf_str(&out));
    fuzz_promise(look.faults == 0 && look.due == 0, "text is UTF-8");
}

static void within(const mk_view *v, mk_str part)
{
    fuzz_promise(part.ptr == NULL || part.len == 0 ||
                     (part.ptr >= v->message.ptr &&
                      part.ptr + part.len <= v->message.ptr + v->message.len),
                 "a view within the message");
}

/* As a wire has it: each line end is CRLF (RFC 9051 7.5.2). */
static void counts(const mk_view *v, uint32_t i, const mk_structure *s)
{
    mk_str body = mk_view_body(v, i);
    uint64_t lines = 0;
    uint64_t octets = body.len;
    for (size_t k = 0; k < body.len; k++) {
        bool feeds = body.ptr[k] == '\n';
        lines += feeds;
        octets += feeds && (k == 0 || body.ptr[k - 1] != '\r');
    }
    fuzz_promise(s->lines == lines && s->octets == octets, "lines, octets");
}

static void look_at_summary(const mk_view *v, uint32_t i)
{
    mk_envelope e;
    mk_structure s;
    mk_references r;
    mk_str id;
    fuzz_promise(mk_envelope_read(v, i, &e) == MK_OK, "an envelope");
    fuzz_promise(mk_structure_read(v, i, &s) == MK_OK, "a structure");
    const mk_str parts[] = {e.date,        e.subject,     e.author,  e.sender,
                            e.reply_to,    e.to,          e.cc,      e.bcc,
                            e.in_reply_to, e.message_id,  s.params,  s.id,
                            s.description, s.disposition, s.location};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        within(v, parts[k]);
    }
    fuzz_promise(s.type.len > 0 && s.subtype.len > 0, "a type");
    counts(v, i, &s);
    mk_references_init(&r, v, i);
    while (mk_references_next(&r, &id)) {
        within(v, id);
    }
}

static void look_at_part(const mk_view *v, uint32_t i)
{
    const mk_view_part *p = &v->parts[i];
    mk_str body = mk_view_body(v, i);
    size_t room = body.len * 3 + 1;
    char *mem = malloc(room);
    mk_buf out;
    fuzz_promise(p->part.number == i, "parts are numbered");
    fuzz_promise(p->part.offset <= p->part.body &&
                     p->part.body <= p->part.end &&
                     p->part.end <= v->message.len,
                 "a part lies in the message");
    fuzz_promise(i == 0 || p->part.parent < i, "parents come first");
    fuzz_promise((p->part.kind == MK_PART_MULTIPART) == (p->uses == 0),
                 "all that is shown is in a list");
    fuzz_promise(p->first_field + p->field_count <= v->field_count,
                 "its fields");
    look_at_summary(v, i);
    mk_buf_init(&out, mem, body.len);
    fuzz_promise(mk_view_decode(v, i, &out, NULL) == MK_OK,
                 "no more comes out than went in");
    fuzz_promise(mk_view_decoded_length(v, i) == out.len, "the same length");
    look_at_text(v, i, mem, room);
    free(mem);
}

/* In pieces of so many octets, into so much room at once. */
static mk_err recode(mk_str message, const mk_message_config *config,
                     size_t chunk, size_t room, text *out)
{
    size_t need = mk_recode_need(config);
    void *block = malloc(need);
    char *mem = malloc(room);
    size_t there = 0;
    mk_recode *r = NULL;
    mk_err err = mk_recode_open(config, block, need, &r);
    mk_str in = mk_str_sub(message, 0, 0);
    fuzz_promise(err == MK_OK, "it opens");
    do {
        mk_buf b;
        if (err == MK_WAIT) {
            size_t more = message.len - there;
            there += more < chunk ? more : chunk;
        }
        in.len = (size_t)(message.ptr + there - in.ptr);
        if (there == message.len) {
            mk_recode_in_eof(r);
        }
        mk_buf_init(&b, mem, room);
        err = mk_recode_step(r, &in, &b);
        text_str(out, mk_buf_str(&b));
    } while (err == MK_WAIT || err == MK_E_ROOM);
    fuzz_promise(err != MK_END || in.len == 0, "all of it");
    free(mem);
    free(block);
    return err;
}

static void same_recoded(mk_str message, const mk_message_config *config,
                         uint8_t chunk)
{
    text whole = {0};
    text cut = {0};
    mk_err err = recode(message, config, SIZE_MAX, 4096, &whole);
    fuzz_promise(recode(message, config, chunk + 1U, 64, &cut) == err,
                 "the same end");
    if (err == MK_END) {
        fuzz_same(&whole, &cut, "the same octets");
        text_clear(&cut);
        /* a line end may have been added, beyond a limit */
        err = recode(text_view(&whole), config, SIZE_MAX, 4096, &cut);
        fuzz_promise(err == MK_END || err == MK_E_LIMIT, "recoded again");
        if (err == MK_END) {
            fuzz_same(&whole, &cut, "it is recoded once");
        }
    }
    text_free(&cut);
    text_free(&whole);
}

/* A leaf as text, decoded at once and in pieces into little room. */
static void text_of(const mk_view *v, uint32_t i, size_t chunk, size_t room,
                    text *out)
{
    const mk_part *p = &v->parts[i].part;
    mk_str rest = mk_view_body(v, i);
    mk_text_decoder d;
    char *mem = malloc(room);
    mk_err err =
        mk_text_decoder_init(&d, (mk_encoding)p->encoding,
                             (mk_charset)p->charset, mk_charset_table_iconv());
    fuzz_promise(err == MK_OK || err == MK_E_UNSUPPORTED, "it starts");
    do {
        mk_buf b;
        mk_str piece = mk_str_sub(rest, 0, chunk);
        mk_buf_init(&b, mem, room);
        err = piece.len > 0 ? mk_text_decode(&d, &piece, &b)
                            : mk_text_decode_finish(&d, &b);
        rest = mk_str_sub(rest, (size_t)(piece.ptr - rest.ptr), SIZE_MAX);
        text_str(out, mk_buf_str(&b));
    } while (rest.len > 0 || err != MK_OK);
    mk_text_decoder_fini(&d);
    free(mem);
}

static void same_texts(const mk_view *v, uint8_t chunk)
{
    for (uint32_t i = 0; i < v->part_count; i++) {
        text whole = {0};
        text cut = {0};
        if (v->parts[i].part.kind == MK_PART_LEAF) {
            text_of(v, i, SIZE_MAX, 4096, &whole);
            text_of(v, i, chunk + 1U, 8, &cut);
            fuzz_same(&whole, &cut, "the same text");
        }
        text_free(&whole);
        text_free(&cut);
    }
}

/* The parts of a use, each once and in what it is a part of. */
static void walk_uses(const mk_view *v)
{
    for (unsigned use = MK_USE_TEXT; use <= MK_USE_ATTACHMENT; use *= 2) {
        uint32_t steps = 0;
        uint32_t i = MK_PART_NONE;
        while ((i = mk_view_next(v, 0, (mk_use)use, i)) != MK_PART_NONE) {
            fuzz_promise(i < v->part_count && (v->parts[i].uses & use) != 0,
                         "a part of that use");
            within(v, mk_view_header(v, i));
            steps++;
        }
        fuzz_promise(steps <= v->part_count, "each once");
    }
}

static void look_at(mk_str message, const mk_message_config *config,
                    uint8_t chunk)
{
    mk_view v;
    size_t least = mk_view_need(config);
    size_t n = least;
    for (unsigned round = 0; round < 2; round++) {
        void *block = malloc(n);
        fuzz_promise(mk_view_open(message, config, block, n, &v) == MK_OK,
                     "there is always a tree");
        fuzz_promise(v.part_count >= 1, "of one part at least");
        fuzz_promise(v.is_cut == (v.need > n), "need is enough and tight");
        for (uint32_t i = 0; i < v.part_count && !v.is_cut; i++) {
            look_at_part(&v, i);
        }
        if (!v.is_cut) {
            same_texts(&v, chunk);
            walk_uses(&v);
        }
        n = v.need;
        free(block);
    }
    fuzz_promise(!v.is_cut, "need is enough");
}

/* Each reading is a tree that a view finds, too; the walk ends. */
static void all_readings(mk_str message, const mk_message_config *limits)
{
    mk_readings it;
    mk_message_config config = *limits;
    size_t need = mk_view_need(&config);
    void *block = NULL;
    mk_view v;
    unsigned count = 0;
    mk_readings_init(&it);
    while (mk_readings_next(&it, count > 0 ? &v : NULL, &config.reading)) {
        for (unsigned round = 0; round < 2; round++) {
            free(block);
            block = malloc(need);
            fuzz_promise(mk_view_open(message, &config, block, need, &v) ==
                                 MK_OK &&
                             v.part_count >= 1,
                         "a tree for each reading");
            need = v.need > need ? v.need : need;
        }
        count++;
        if (count % 8 == 2) {
            text one = {0};
            text two = {0};
            (void)tree_trace(message, &config, 0, TREE_LENGTHS, &one);
            (void)tree_trace(message, &config, 3, TREE_LENGTHS, &two);
            fuzz_same(&one, &two, "the same events of a reading");
            text_free(&one);
            text_free(&two);
        }
    }
    fuzz_promise(count >= 1 && count <= 128, "so many readings");
    free(block);
}

static void as_text(mk_str octets, mk_charset charset)
{
    size_t room = 3 * octets.len + 8;
    char *mem = malloc(room);
    mk_charset_look look;
    mk_buf out;
    uint64_t faults;
    mk_buf_init(&out, mem, room);
    (void)mk_charset_convert(charset, mk_charset_table_iconv(), octets, &out,
                             &faults);
    fuzz_promise(!out.full, "three octets for one");
    mk_charset_look_init(&look);
    mk_charset_look_at(&look, mk_buf_str(&out));
    fuzz_promise(look.faults == 0 && look.due == 0, "text is UTF-8");
    free(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t settings = size > 1 ? data[size - 1] : 0;
    uint8_t chunk = size > 1 ? data[size - 2] : 0;
    mk_message_config config = config_of(settings);
    mk_str message = mk_str_of((const char *)data, size);
    same_events(message, &config, chunk);
    look_at(message, &config, chunk);
    same_recoded(message, &config, chunk);
    all_readings(message, &config);
    as_text(message, (mk_charset)(settings % MK_CHARSET_COUNT));
    return 0;
}
