/* SPDX-License-Identifier: MIT
 *
 * test_tiles.c: fields, bodies and what stands between parts lie side by side
 * and leave nothing out (RFC 5322 2.1, RFC 2046 5.1.1): a message put together
 * of the pieces of its view has the same octets. Over the messages of the
 * folders given, whole and cut short, and over those folders of other projects
 * that are there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailkit/envelope.h>

#include "text.h"

enum { CUT_BYTES = 2048, BLOCK = 1 << 16 };

typedef struct tiles {
    const mk_view *v;
    text out;
    const char *broken;
    uint32_t at; /* the part at hand */
} tiles;

static void promise(tiles *t, bool holds, const char *what)
{
    if (!holds && t->broken == NULL) {
        t->broken = what;
    }
}

static bool is_line_end(mk_str s)
{
    return mk_str_is(s, mk_str_z("\n")) || mk_str_is(s, mk_str_z("\r\n"));
}

/* A field of its name, its value and the octets around them. */
static void put_field(tiles *t, const mk_field *f)
{
    mk_str raw = mk_str_sub(t->v->message, f->offset, f->length);
    promise(t, f->offset == t->out.len, "a field begins where one ends");
    promise(t, f->value.ptr == raw.ptr + f->value_at, "the value's place");
    promise(t, f->value_at + f->value.len <= raw.len, "a value's end");
    if (t->broken != NULL) {
        return;
    }
    mk_str before = mk_str_sub(raw, 0, f->value_at);
    size_t name = f->name.len > 0 ? (size_t)(f->name.ptr - raw.ptr) : 0;
    promise(t, name + f->name.len <= before.len, "a name before the value");
    text_str(&t->out, mk_str_sub(before, 0, name));
    text_str(&t->out, f->name);
    text_str(&t->out, mk_str_sub(before, name + f->name.len, SIZE_MAX));
    text_str(&t->out, f->value);
    mk_str behind = mk_str_sub(raw, f->value_at + f->value.len, SIZE_MAX);
    promise(t, behind.len == 0 || is_line_end(behind),
            "a line end behind the value");
    text_str(&t->out, behind);
}

static void put_header(tiles *t)
{
    const mk_view_part *p = &t->v->parts[t->at];
    promise(t, p->part.offset == t->out.len, "a part begins where one ends");
    for (uint32_t i = 0; i < p->field_count && t->broken == NULL; i++) {
        put_field(t, &t->v->fields[p->first_field + i]);
    }
    mk_str blank = mk_str_sub(t->v->message, t->out.len,
                              (size_t)p->part.body - t->out.len);
    promise(t, p->part.body >= t->out.len, "fields end before the body");
    promise(t, blank.len == 0 || is_line_end(blank), "an empty line");
    text_str(&t->out, blank);
}

static void boundary_of(const tiles *t, uint32_t part, mk_buf *out)
{
    mk_param mem[MK_PARAM_COUNT_MAX];
    mk_params params;
    mk_structure s;
    mk_defects told;
    mk_defects_init(&told, NULL, 0);
    assert_int_equal(mk_structure_read(t->v, part, &s), MK_OK);
    mk_params_parse(s.params, mem, MK_PARAM_COUNT_MAX, &params, NULL);
    assert_int_equal(
        mk_params_decode(&params, mk_str_z("boundary"), NULL, out, &told),
        MK_OK);
    /* What was not read as octets cannot be looked for. */
    if (told.dropped > 0) {
        out->len = 0;
    }
}

/* Is there a line that begins with the boundary? */
static bool has_delimiter(mk_str gap, mk_str boundary)
{
    for (size_t at = 0; at < gap.len;) {
        mk_str line = mk_str_sub(gap, at, SIZE_MAX);
        mk_str rest = mk_str_sub(line, 2, SIZE_MAX);
        if (mk_str_is(mk_str_sub(line, 0, 2), mk_str_z("--")) &&
            mk_str_is(mk_str_sub(rest, 0, boundary.len), boundary)) {
            return true;
        }
        at += mk_str_find(line, '\n') + 1;
    }
    return false;
}

/* What stands up to `to` in a part around others. */
static void put_gap(tiles *t, uint32_t part, uint64_t to, bool is_last)
{
    const mk_part *p = &t->v->parts[part].part;
    char mem[1024];
    mk_buf boundary;
    promise(t, to >= t->out.len && to <= t->v->message.len, "parts in order");
    if (t->broken != NULL) {
        return;
    }
    mk_str gap = mk_str_sub(t->v->message, t->out.len, to - t->out.len);
    if (p->kind == MK_PART_MULTIPART) {
        mk_buf_init(&boundary, mem, sizeof mem);
        boundary_of(t, part, &boundary);
        bool must = !is_last || (p->flags & MK_PART_CLOSED) != 0;
        promise(t, !must || has_delimiter(gap, mk_buf_str(&boundary)),
                "a delimiter");
    } else {
        promise(t, gap.len == 0, "a message is all that a part holds");
    }
    text_str(&t->out, gap);
}

/* The part at hand and those around it end, up to the parent of the next. */
static void end_parts(tiles *t, uint32_t next_depth)
{
    uint32_t i = t->at;
    while (i != MK_PART_NONE && t->v->parts[i].part.depth >= next_depth) {
        const mk_part *p = &t->v->parts[i].part;
        if (p->kind == MK_PART_LEAF) {
            text_str(&t->out, mk_view_body(t->v, i));
        } else {
            put_gap(t, i, p->end, true);
        }
        promise(t, t->out.len == p->end, "a part ends where it says");
        i = p->parent;
    }
}

static const char *put_together(const mk_view *v, text *out)
{
    tiles t = {.v = v};
    for (uint32_t i = 0; i < v->part_count && t.broken == NULL; i++) {
        const mk_part *p = &v->parts[i].part;
        if (i > 0) {
            if (p->parent != t.at) {
                end_parts(&t, p->depth);
            }
            put_gap(&t, p->parent, p->offset, false);
        }
        t.at = i;
        put_header(&t);
    }
    end_parts(&t, 0);
    *out = t.out;
    return t.broken;
}

/* ---- over files ---------------------------------------------------------- */

static unsigned files, failed;

static void check(const char *path, mk_str message)
{
    mk_message_config config;
    mk_view v;
    text out = {0};
    size_t size = BLOCK;
    void *block = malloc(size);
    mk_message_config_init(&config, sizeof config);
    assert_int_equal(mk_view_open(message, &config, block, size, &v), MK_OK);
    if (v.is_cut) {
        size = v.need;
        free(block);
        block = malloc(size);
        assert_int_equal(mk_view_open(message, &config, block, size, &v),
                         MK_OK);
    }
    const char *broken = put_together(&v, &out);
    if (broken != NULL || !mk_str_is(text_view(&out), message)) {
        print_error("%s (%zu octets): %s at %zu\n", path, message.len,
                    broken != NULL ? broken : "other octets", out.len);
        failed++;
    }
    text_free(&out);
    free(block);
}

static int visit(const char *path, const struct stat *st, int what,
                 struct FTW *ftw)
{
    const char *dot = strrchr(path + ftw->base, '.');
    (void)st;
    if (what != FTW_F || dot == NULL ||
        (strcmp(dot, ".eml") != 0 && strcmp(dot, ".msg") != 0)) {
        return 0;
    }
    text t = {0};
    char buf[4096];
    size_t n;
    FILE *f = fopen(path, "rbe");
    assert_non_null(f);
    while ((n = fread(buf, 1, sizeof buf, f)) > 0) {
        text_add(&t, buf, n);
    }
    assert_int_equal(fclose(f), 0);
    files++;
    for (size_t len = t.len; failed < 20; len--) {
        /* of its own size, so that a sanitizer sees one octet too far */
        char *exact = malloc(len + 1);
        memcpy(exact + 1, t.ptr != NULL ? t.ptr : "", len);
        check(path, mk_str_of(exact + 1, len));
        free(exact);
        if (len == 0 || t.len > CUT_BYTES) {
            break;
        }
    }
    text_free(&t);
    return 0;
}

static char **folders;

static void pieces_make_the_message(void **state)
{
    (void)state;
    assert_int_equal(nftw(folders[0], visit, 16, FTW_PHYS), 0);
    assert_true(files > 30);
    for (char **folder = folders + 1; *folder != NULL; folder++) {
        if (nftw(*folder, visit, 16, 0) != 0) {
            print_message("skipped: %s is not there\n", *folder);
        }
    }
    print_message("%u messages\n", files);
    assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_make_the_message),
    };
    assert_true(argc > 1);
    folders = argv + 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
