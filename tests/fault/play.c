/* SPDX-License-Identifier: MIT
 *
 * play.c: see play.h. The octets of a letter follow from its number and size,
 * so that a file tells by itself whether it is whole.
 */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *path;
    const char *address;
} boxes[] = {
    {"mx.example/ann", "ann@mx.example"},
    {"other.example/bob", "bob@other.example"},
    {"mx.example/carl", "carl@mx.example"},
};
#define BOXES 3u

/* clang-format off */
const scene play_scenes[] = {
    {.name = "small", .letters = {{300, ANN}}, .count = 1,
     .boxes_made = true},
    {.name = "small, new box", .letters = {{300, ANN}}, .count = 1},
    {.name = "spilled", .letters = {{12000, BOB}}, .count = 1,
     .boxes_made = true},
    {.name = "spilled, new boxes", .letters = {{9000, ANN | BOB}},
     .count = 1},
    {.name = "three boxes", .letters = {{600, ANN | BOB | CARL}}, .count = 1,
     .boxes_made = true},
    {.name = "three new boxes", .letters = {{600, ANN | BOB | CARL}},
     .count = 1},
    {.name = "one after the other",
     .letters = {{300, ANN}, {9000, BOB}, {700, ANN | CARL}}, .count = 3},
    {.name = "new/ was removed",
     .letters = {{300, ANN}, {310, ANN}}, .count = 2,
     .boxes_made = true, .new_gone = true},
    {.name = "batch in one box",
     .letters = {{300, ANN}, {310, ANN}, {320, ANN}, {330, ANN}, {340, ANN},
                 {350, ANN}, {360, ANN}, {370, ANN}},
     .count = 8, .together = true, .boxes_made = true},
    {.name = "batch in new boxes",
     .letters = {{300, ANN}, {310, BOB}, {6000, CARL}, {330, ANN | BOB},
                 {340, ANN}, {350, CARL}, {360, BOB}},
     .count = 7, .together = true},
};
/* clang-format on */
const size_t play_scene_count = sizeof play_scenes / sizeof play_scenes[0];

/* ---- letters ------------------------------------------------------------- */

const char *letter_mark(unsigned number)
{
    static char mark[32];
    (void)snprintf(mark, sizeof mark, "Message-ID: <%u@play>", number);
    return mark;
}

/* Made once; a letter of another size under that number is made anew. */
static struct {
    size_t bytes;
    text wire;
    text disk; /* undotted, LF */
} made[LETTERS_MAX];

static void letter_make(unsigned number, size_t bytes)
{
    text *wire = &made[number].wire;
    text *disk = &made[number].disk;
    bool fresh = true;
    if (made[number].bytes == bytes) {
        return;
    }
    made[number].bytes = bytes;
    text_clear(wire);
    text_z(wire, "Subject: a letter\r\n");
    text_z(wire, letter_mark(number));
    text_z(wire, "\r\n\r\n");
    for (unsigned line = 0; wire->len < bytes; line++) {
        text_z(wire, line % 5 == 4 ? "..line " : "line ");
        text_u64(wire, number * 100000 + line);
        text_z(wire, line % 7 == 6 ? "\r\n\r\n" : "\r\n");
    }
    text_clear(disk);
    for (const char *z = text_c(wire); *z != '\0'; z++) {
        if (*z != '\r' && !(fresh && *z == '.')) {
            text_add(disk, z, 1);
        }
        fresh = *z == '\n';
    }
}

const char *letter_wire(unsigned number, size_t bytes)
{
    letter_make(number, bytes);
    return text_c(&made[number].wire);
}

static mk_str letter_disk(unsigned number, size_t bytes)
{
    letter_make(number, bytes);
    return text_view(&made[number].disk);
}

static size_t letter_bytes(const scene *s, unsigned number)
{
    return number == LATER ? 300 : s->letters[number].bytes;
}

static unsigned letter_boxes(const scene *s, unsigned number)
{
    return number == LATER ? ANN | BOB | CARL : s->letters[number].boxes;
}

/* ---- sending ------------------------------------------------------------- */

/* The peer says a line; was it answered as wished? */
static bool says(mk_conn *c, const char *line, char wish)
{
    if (c->engine == NULL) {
        return false;
    }
    text_clear(&c->said);
    fake_conn_say(c, line);
    return text_c(&c->said)[0] == wish;
}

/* All its boxes, or none. */
static bool say_envelope(mk_conn *c, unsigned to)
{
    char line[128];
    if (!says(c, "EHLO a.example\r\n", '2') ||
        !says(c, "MAIL FROM:<sender@example.org>\r\n", '2')) {
        return false;
    }
    for (size_t b = 0; b < BOXES; b++) {
        (void)snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", boxes[b].address);
        if ((to & 1u << b) != 0 && !says(c, line, '2')) {
            return false;
        }
    }
    return says(c, "DATA\r\n", '3');
}

/* False: it came no further than to a refusal. */
static bool say_letter(mk_conn *c, const scene *s, unsigned number)
{
    if (!say_envelope(c, letter_boxes(s, number))) {
        return false;
    }
    text_clear(&c->said);
    fake_conn_say(c, letter_wire(number, letter_bytes(s, number)));
    fake_conn_say(c, ".\r\n");
    return true;
}

static void hear(mk_conn *c, fake_disk *d, unsigned number, told *t)
{
    if (t->yes[number] || t->no[number] || c->said.len == 0) {
        return;
    }
    const char *said = text_c(&c->said);
    if (said[0] == '2') {
        t->yes[number] = true;
        fake_disk_note(d, letter_mark(number));
    } else {
        t->no[number] = true;
        (void)snprintf(t->reply[number], sizeof t->reply[0], "%.60s", said);
    }
}

static void run(house *h, fake_disk *d, mk_conn *conns, unsigned want, told *t)
{
    do {
        for (unsigned i = 0; i < LETTERS_MAX; i++) {
            if ((want & 1u << i) != 0) {
                fake_conn_run(&conns[i]);
                hear(&conns[i], d, i, t);
            }
        }
    } while (fake_host_job(&h->host));
}

void play_letters(house *h, fake_disk *d, const scene *s, unsigned want,
                  told *io_told)
{
    static mk_conn conns[LETTERS_MAX];
    unsigned open = 0;
    for (unsigned i = 0; i < LETTERS_MAX; i++) {
        if ((want & 1u << i) == 0) {
            continue;
        }
        io_told->no[i] = false;
        if (fake_conn_open(&conns[i], &h->host, &h->service) != MK_OK ||
            !say_letter(&conns[i], s, i)) {
            io_told->no[i] = true;
            (void)snprintf(io_told->reply[i], sizeof io_told->reply[0], "%.60s",
                           text_c(&conns[i].said));
            fake_conn_fini(&conns[i]);
            continue;
        }
        open |= 1u << i;
        if (!s->together) {
            run(h, d, conns, open, io_told);
        }
    }
    run(h, d, conns, open, io_told);
    for (unsigned i = 0; i < LETTERS_MAX; i++) {
        if ((open & 1u << i) != 0) {
            assert_true(io_told->yes[i] || io_told->no[i]);
            fake_conn_fini(&conns[i]);
        }
    }
}

void play_open(house *h, fake_disk *d)
{
    house_open(h, &(house_plan){.message_memory = PLAY_MEMORY,
                                .disk = &d->vfs,
                                .root = d->root});
    h->host.wall_s = (int64_t)d->time_s;
}

static void make_box(disk_image *i, const char *domain, const char *user,
                     bool has_new)
{
    static const char *const inside[] = {"tmp", "cur", "new"};
    int at = 0;
    for (int k = 0; k < 2; k++) {
        const char *name = k == 0 ? domain : user;
        int node = disk_image_find(i, at, name);
        if (node < 0) {
            node = (int)i->count;
            (void)disk_image_node(i, node, true);
            disk_image_enter(i, at, name, node);
        }
        at = node;
    }
    for (int k = 0; k < (has_new ? 3 : 2); k++) {
        int node = (int)i->count;
        (void)disk_image_node(i, node, true);
        disk_image_enter(i, at, inside[k], node);
    }
}

fake_disk *play_disk(const scene *s)
{
    disk_image image;
    disk_image_init(&image);
    if (s->boxes_made) {
        make_box(&image, "mx.example", "ann", !s->new_gone);
        make_box(&image, "other.example", "bob", !s->new_gone);
        make_box(&image, "mx.example", "carl", !s->new_gone);
    }
    return fake_disk_of(&image);
}

fake_disk *play_scene(const scene *s, told *out_told)
{
    static house h;
    fake_disk *d = play_disk(s);
    memset(out_told, 0, sizeof *out_told);
    play_open(&h, d);
    play_letters(&h, d, s, (1u << s->count) - 1, out_told);
    house_close(&h);
    assert_int_equal(d->open_count, 0);
    return d;
}

/* ---- what is there ------------------------------------------------------- */

static const disk_node *node_at(const disk_image *i, unsigned box,
                                const char *below)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", boxes[box].path, below);
    int node = disk_image_at(i, path);
    return node < 0 ? NULL : &i->nodes[node];
}

/* The sizes in the name are those of the file. */
static void check_name(const disk_node *n, const char *name)
{
    mk_maildir_name parts;
    uint64_t lines = 0;
    for (size_t i = 0; i < n->len; i++) {
        lines += n->octets[i] == '\n';
    }
    assert_int_equal(mk_maildir_name_parse(mk_str_z(name), &parts), MK_OK);
    assert_true(parts.has_disk_bytes && parts.has_wire_bytes);
    assert_int_equal(parts.disk_bytes, n->len);
    assert_int_equal(parts.wire_bytes, n->len + lines);
}

static void check_whole(const disk_node *n, const disk_image *ref, int node,
                        mk_str octets)
{
    static const char top[] = "Return-Path: <sender@example.org>\nReceived: ";
    assert_false(n->is_dir);
    assert_true(n->len > sizeof top + octets.len);
    assert_memory_equal(n->octets, top, sizeof top - 1);
    assert_memory_equal(n->octets + n->len - octets.len, octets.ptr,
                        octets.len);
    if (ref != NULL && (size_t)node < ref->count && ref->nodes[node].is_there) {
        assert_int_equal(n->len, ref->nodes[node].len);
        assert_memory_equal(n->octets, ref->nodes[node].octets, n->len);
    }
}

unsigned play_copies(const disk_image *i, const disk_image *ref, unsigned box,
                     const scene *s, unsigned number)
{
    const disk_node *d = node_at(i, box, "new");
    unsigned found = 0;
    for (size_t e = 0; d != NULL && e < d->count; e++) {
        const disk_node *n = &i->nodes[d->entries[e].node];
        if (disk_node_has(n, letter_mark(number))) {
            found++;
            check_whole(n, ref, d->entries[e].node,
                        letter_disk(number, letter_bytes(s, number)));
            check_name(n, d->entries[e].name);
        }
    }
    return found;
}

size_t play_tmp(const disk_image *i, unsigned box)
{
    const disk_node *d = node_at(i, box, "tmp");
    return d == NULL ? 0 : d->count;
}

void play_judge(const disk_image *i, const disk_image *ref, const scene *s,
                const told *t, unsigned extra)
{
    for (unsigned b = 0; b < BOXES; b++) {
        const disk_node *d = node_at(i, b, "new");
        size_t known = 0;
        for (unsigned k = 0; k < LETTERS_MAX; k++) {
            if (k >= s->count && k != LATER) {
                continue;
            }
            unsigned n = play_copies(i, ref, b, s, k);
            if ((letter_boxes(s, k) & 1u << b) == 0) {
                assert_int_equal(n, 0);
            } else if (t->yes[k]) {
                assert_true(n >= 1);
                assert_true(n <= 1 + extra);
            } else {
                assert_true(n <= extra);
            }
            known += n;
        }
        /* each is one of the letters: none without its beginning */
        assert_int_equal(d == NULL ? 0 : d->count, known);
    }
}

void play_told(const fake_disk *d, size_t at, told *out_told)
{
    memset(out_told, 0, sizeof *out_told);
    for (size_t i = 0; i < at; i++) {
        for (unsigned k = 0; k < LETTERS_MAX; k++) {
            if (d->ops[i].kind == DISK_NOTE &&
                strcmp(d->ops[i].name, letter_mark(k)) == 0) {
                out_told->yes[k] = true;
            }
        }
    }
}

static void check_recovered(const fake_disk *d, const scene *s, const told *was,
                            const told *now, unsigned crashes)
{
    for (unsigned k = 0; k < LETTERS_MAX; k++) {
        if (now->no[k]) {
            fail_msg("letter %u is refused: %s", k, now->reply[k]);
        }
        for (unsigned b = 0; b < BOXES && now->yes[k]; b++) {
            unsigned n = play_copies(&d->now, NULL, b, s, k);
            if ((letter_boxes(s, k) & 1u << b) == 0) {
                assert_int_equal(n, 0);
            } else {
                assert_in_range(n, 1,
                                was->yes[k] ? crashes : 1 + crashes); /* G3 */
            }
        }
    }
    for (unsigned b = 0; b < BOXES; b++) {
        assert_int_equal(play_tmp(&d->now, b), 0); /* G4 */
    }
}

void play_recover(fake_disk *found, const scene *s, const told *t,
                  unsigned crashes)
{
    static house h;
    told now = {0};
    unsigned want = 1u << LATER;
    for (unsigned k = 0; k < s->count; k++) {
        want |= t->yes[k] ? 0 : 1u << k;
        now.yes[k] = t->yes[k];
    }
    found->time_s += 37 * 3600;
    play_open(&h, found);
    play_letters(&h, found, s, want, &now);
    house_close(&h);
    assert_int_equal(found->open_count, 0);
    check_recovered(found, s, t, &now, crashes);
    assert_null(fake_disk_disorder(found));
}
