/* SPDX-License-Identifier: MIT
 *
 * show_tree.c: what parser and view say of the message on standard input, as
 * lines that scripts compare with what others say of it (corpora.py):
 *
 *     type NUMBER TYPE
 *     part NUMBER PARENT KIND OFFSET BODY END USES
 *     field NUMBER OFFSET NAME-LENGTH VALUE-OFFSET VALUE-LENGTH
 *     run NUMBER preamble|epilogue OFFSET LENGTH
 *     octets NUMBER HEX       the body of a leaf, transfer-decoded
 *     text NUMBER HEX         of text, in UTF-8
 *     defect NAME OFFSET
 */
#include <mailkit/message.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

enum { BLOCK = 16 << 20 };

static void read_all(text *in)
{
    char buf[65536];
    size_t n;
    while ((n = fread(buf, 1, sizeof buf, stdin)) > 0) {
        text_add(in, buf, n);
    }
}

static void print_hex(const char *word, uint32_t number, mk_str s)
{
    printf("%s %u ", word, (unsigned)number);
    for (size_t i = 0; i < s.len; i++) {
        printf("%02x", (unsigned)(unsigned char)s.ptr[i]);
    }
    printf("\n");
}

static void print_field(const mk_message_event *ev)
{
    printf("field %u %llu %zu %llu %zu\n", (unsigned)ev->part->number,
           (unsigned long long)ev->offset, ev->field.name.len,
           (unsigned long long)(ev->offset + ev->field.value_at),
           ev->field.value.len);
}

static void print_event(const mk_message_event *ev)
{
    switch (ev->type) {
    case MK_MESSAGE_FIELD:
        print_field(ev);
        break;
    case MK_MESSAGE_BODY:
        printf("type %u %.*s\n", (unsigned)ev->part->number,
               (int)ev->media_type.len, ev->media_type.ptr);
        break;
    case MK_MESSAGE_PREAMBLE:
    case MK_MESSAGE_EPILOGUE:
        printf("run %u %s %llu %zu\n", (unsigned)ev->part->number,
               ev->type == MK_MESSAGE_PREAMBLE ? "preamble" : "epilogue",
               (unsigned long long)ev->offset, ev->data.len);
        break;
    case MK_MESSAGE_DEFECT:
        printf("defect %s %llu\n", mk_defect_name(ev->defect.code),
               (unsigned long long)ev->defect.offset);
        break;
    default:
        break;
    }
}

static void print_events(mk_str in, const mk_message_config *config,
                         void *block)
{
    mk_message *m;
    mk_message_event ev;
    if (mk_message_open(config, block, BLOCK, &m) != MK_OK) {
        exit(1);
    }
    mk_message_in_eof(m);
    while (mk_message_step(m, &in, &ev) == MK_OK) {
        print_event(&ev);
    }
}

static void print_part(const mk_view *v, uint32_t i, char *mem, size_t room)
{
    static const char *const kinds[] = {"leaf", "multipart", "message"};
    const mk_view_part *p = &v->parts[i];
    mk_buf out;
    printf("part %u %ld %s %llu %llu %llu %u\n", (unsigned)i,
           p->part.parent == MK_PART_NONE ? -1L : (long)p->part.parent,
           kinds[p->part.kind], (unsigned long long)p->part.offset,
           (unsigned long long)p->part.body, (unsigned long long)p->part.end,
           (unsigned)p->uses);
    if (p->part.kind != MK_PART_LEAF) {
        return;
    }
    mk_buf_init(&out, mem, room);
    (void)mk_view_decode(v, i, &out, NULL);
    print_hex("octets", i, mk_buf_str(&out));
    if (p->part.media >= MK_MEDIA_TEXT_PLAIN &&
        p->part.media <= MK_MEDIA_TEXT) {
        mk_buf_init(&out, mem, room);
        (void)mk_view_text(v, i, mk_charset_table_iconv(), &out, NULL, NULL);
        print_hex("text", i, mk_buf_str(&out));
    }
}

int main(void)
{
    text in = {0};
    mk_message_config config;
    mk_view v;
    void *block = malloc(BLOCK);
    read_all(&in);
    size_t room = in.len * 3 + 1;
    char *mem = malloc(room);
    if (block == NULL || mem == NULL) {
        return 1;
    }
    /* One of the suites has a boundary of 700 octets. */
    mk_message_config_init(&config, sizeof config);
    config.max_boundary_bytes = 1024;
    print_events(text_view(&in), &config, block);
    if (mk_view_open(text_view(&in), &config, block, BLOCK, &v) != MK_OK) {
        return 1;
    }
    for (uint32_t i = 0; i < v.part_count; i++) {
        print_part(&v, i, mem, room);
    }
    free(mem);
    free(block);
    text_free(&in);
    return 0;
}
