/* SPDX-License-Identifier: MIT
 *
 * fuzz_message.c: any octets are a message. Its events are the same at every
 * size of piece (Law 4), keep within what was promised and tile the message;
 * a view of it has the same parts, each of which decodes within its bounds to
 * well-formed text; a block of any size holds the beginning of it. The last
 * two octets of an input are settings, so that a message is an input as it is.
 */
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
    mk_buf_init(&out, mem, body.len);
    fuzz_promise(mk_view_decode(v, i, &out, NULL) == MK_OK,
                 "no more comes out than went in");
    fuzz_promise(mk_view_decoded_length(v, i) == out.len, "the same length");
    look_at_text(v, i, mem, room);
    free(mem);
}

static void look_at(mk_str message, const mk_message_config *config)
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
        n = v.need;
        free(block);
    }
    fuzz_promise(!v.is_cut, "need is enough");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t settings = size > 1 ? data[size - 1] : 0;
    uint8_t chunk = size > 1 ? data[size - 2] : 0;
    mk_message_config config = config_of(settings);
    mk_str message = mk_str_of((const char *)data, size);
    same_events(message, &config, chunk);
    look_at(message, &config);
    return 0;
}
