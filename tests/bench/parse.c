/* SPDX-License-Identifier: MIT
 *
 * parse.c: how fast mail is read. `headers`: From, To and Cc to addresses, Date
 * to a time, Subject to UTF-8, by the walk over fields. `tree`: an index of the
 * whole message. `decode`: the same, and every leaf out of its transfer
 * encoding, text on to UTF-8. `floor` finds the line ends with memchr.
 *
 *   bench_parse CORPUS headers|tree|decode|floor ROUNDS [MAX]
 *
 * A corpus is messages, each behind its length as four octets, the least first.
 * Nothing is allocated while messages are read. The best of the rounds is
 * printed, with a count of what was found; it asserts nothing about speed.
 * bench_pass is what an instruction count should be taken of.
 */
#include <mailkit/mailkit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

typedef struct corpus {
    char *text;
    mk_str *messages;
    size_t count, bytes;
} corpus;

/* Where results go, used again for each message. */
typedef struct desk {
    mk_buf text;
    void *block; /* of the view */
    size_t block_bytes;
} desk;

/* Each gives back a count of what it found. */
typedef size_t reader(mk_str message, desk *d);

static void empty(mk_buf *b)
{
    b->len = 0;
    b->full = false;
}

static size_t addresses(const mk_field *field)
{
    mk_addresses it;
    mk_address a;
    size_t found = 0;
    mk_addresses_init(&it, field->id, field->value, NULL);
    while (mk_addresses_next(&it, &a)) {
        found += a.kind == MK_ADDRESS_MAILBOX;
    }
    return found;
}

static size_t by_headers(mk_str message, desk *d)
{
    mk_fields it;
    mk_field field;
    mk_date date;
    size_t found = 0;
    mk_fields_init(&it, message, NULL);
    while (mk_fields_next(&it, &field)) {
        switch (field.id) {
        case MK_FIELD_FROM:
        case MK_FIELD_TO:
        case MK_FIELD_CC:
            found += addresses(&field);
            break;
        case MK_FIELD_DATE:
            found += mk_date_read(field.value, NULL, &date);
            break;
        case MK_FIELD_SUBJECT:
            empty(&d->text);
            (void)mk_words_decode(field.value, NULL, &d->text, NULL);
            found += d->text.len > 0;
            break;
        default:
            break;
        }
    }
    return found;
}

static size_t by_tree(mk_str message, desk *d)
{
    mk_view view;
    mk_err err = mk_view_open(message, NULL, d->block, d->block_bytes, &view);
    return err == MK_OK && !view.is_cut ? view.part_count : 0;
}

static bool is_text(const mk_part *p)
{
    return p->media == MK_MEDIA_TEXT_PLAIN || p->media == MK_MEDIA_TEXT_HTML ||
           p->media == MK_MEDIA_TEXT;
}

static size_t by_decode(mk_str message, desk *d)
{
    mk_view view;
    size_t found = 0;
    if (mk_view_open(message, NULL, d->block, d->block_bytes, &view) != MK_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < view.part_count; i++) {
        const mk_part *p = &view.parts[i].part;
        if (p->kind != MK_PART_LEAF) {
            continue;
        }
        empty(&d->text);
        if (is_text(p)) {
            (void)mk_view_text(&view, i, NULL, &d->text, NULL, NULL);
        } else {
            (void)mk_view_decode(&view, i, &d->text, NULL);
        }
        found += d->text.len;
    }
    return found;
}

static size_t by_floor(mk_str message, desk *d)
{
    const char *at = message.ptr;
    const char *end = at + message.len;
    size_t found = 0;
    (void)d;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        found++;
    }
    return found;
}

static const struct {
    const char *name;
    reader *fn;
    bool head; /* the header alone is read */
} modes[] = {
    {"headers", by_headers, true},
    {"tree", by_tree, false},
    {"decode", by_decode, false},
    {"floor", by_floor, false},
};
enum { MODES = sizeof modes / sizeof modes[0] };

__attribute__((noinline)) size_t bench_pass(const corpus *c, reader *fn,
                                            desk *d);
__attribute__((noinline)) size_t bench_pass(const corpus *c, reader *fn,
                                            desk *d)
{
    size_t found = 0;
    for (size_t i = 0; i < c->count; i++) {
        found += fn(c->messages[i], d);
    }
    return found;
}

/* ---- the corpus ---------------------------------------------------------- */

static char *read_file(const char *path, size_t *out_n)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long n = -1;
    if (f == NULL) {
        return NULL;
    }
    if (fseek(f, 0, SEEK_END) == 0) {
        n = ftell(f);
    }
    if (n > 0 && fseek(f, 0, SEEK_SET) == 0) {
        text = malloc((size_t)n);
    }
    if (text != NULL && fread(text, 1, (size_t)n, f) != (size_t)n) {
        free(text);
        text = NULL;
    }
    fclose(f);
    *out_n = (size_t)n;
    return text;
}

static size_t length_at(const char *text)
{
    size_t n = 0;
    for (size_t i = 4; i > 0; i--) {
        n = n << 8 | (unsigned char)text[i - 1];
    }
    return n;
}

static mk_str head_of(mk_str message)
{
    mk_fields it;
    mk_field field;
    mk_fields_init(&it, message, NULL);
    while (mk_fields_next(&it, &field)) {
    }
    return mk_str_sub(message, 0, it.at);
}

static bool load(corpus *c, const char *path, size_t max, bool head)
{
    size_t n = 0;
    c->text = read_file(path, &n);
    c->messages = calloc(n / 4 + 1, sizeof *c->messages);
    if (c->text == NULL || c->messages == NULL) {
        return false;
    }
    for (size_t at = 0; n - at >= 4 && c->count < max;) {
        size_t length = length_at(c->text + at);
        if (length > n - at - 4) {
            return false;
        }
        mk_str m = mk_str_of(c->text + at + 4, length);
        c->messages[c->count] = head ? head_of(m) : m;
        c->bytes += c->messages[c->count].len;
        c->count++;
        at += 4 + length;
    }
    return c->count > 0;
}

/* Room for the largest: a character of one octet can have three in UTF-8, and
 * a field and what it needs in the index are hardly ever alike in size. */
static bool make_desk(desk *d, const corpus *c)
{
    size_t largest = 0;
    for (size_t i = 0; i < c->count; i++) {
        size_t n = c->messages[i].len;
        largest = n > largest ? n : largest;
    }
    char *room = malloc(3 * largest + 1);
    d->block_bytes = mk_view_need(NULL) + 4 * largest + (1 << 20);
    d->block = malloc(d->block_bytes);
    if (room != NULL) {
        mk_buf_init(&d->text, room, 3 * largest + 1);
    }
    return room != NULL && d->block != NULL;
}

static void run(const corpus *c, size_t mode, unsigned long rounds, desk *d)
{
    uint64_t best = UINT64_MAX;
    size_t found = 0;
    for (unsigned long r = 0; r < rounds; r++) {
        uint64_t began = bench_ns();
        found = bench_pass(c, modes[mode].fn, d);
        uint64_t took = bench_ns() - began;
        best = took < best ? took : best;
    }
    double s = (double)(best > 0 ? best : 1) / 1e9;
    printf("%s %zu msgs %zu bytes count %zu MB/s %.1f msgs/s %.0f\n",
           modes[mode].name, c->count, c->bytes, found,
           (double)c->bytes / s / 1e6, (double)c->count / s);
}

int main(int argc, char **argv)
{
    corpus c = {0};
    desk d = {0};
    size_t mode = 0;
    while (argc > 3 && mode < MODES && strcmp(argv[2], modes[mode].name) != 0) {
        mode++;
    }
    if (argc < 4 || mode == MODES) {
        fprintf(stderr,
                "usage: %s CORPUS headers|tree|decode|floor ROUNDS "
                "[MAX]\n",
                argv[0]);
        return 2;
    }
    size_t max = argc > 4 ? strtoul(argv[4], NULL, 10) : SIZE_MAX;
    unsigned long rounds = strtoul(argv[3], NULL, 10);
    bool good = load(&c, argv[1], max, modes[mode].head) && make_desk(&d, &c);
    if (good) {
        run(&c, mode, rounds > 0 ? rounds : 1, &d);
    }
    free(d.text.ptr);
    free(d.block);
    free(c.messages);
    free(c.text);
    return good ? 0 : 1;
}
