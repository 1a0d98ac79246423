/* SPDX-License-Identifier: MIT
 *
 * test_lf.c: CRLF to LF, cut at every octet and into every room, against a
 * reference that looks at the whole text.
 */
#include "store/internal.h"
#include "test_vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *wire;
    const char *disk;
    unsigned lines;
} rows[] = {
    {"", "", 0},
    {"a", "a", 0},
    {"\r\n", "\n", 1},
    {"a\r\nb\r\n", "a\nb\n", 2},
    {"\r\n\r\n\r\n", "\n\n\n", 3},
    {"no end", "no end", 0},
    {"end in CR\r", "end in CR\r", 0},
    {"bare\rCR\r\n", "bare\rCR\n", 1},
    {"bare\nLF\r\n", "bare\nLF\n", 2},
    {"two\r\r\n", "two\r\n", 1},
    {"\r\r\r", "\r\r\r", 0},
    {"\r\r\n\r", "\r\n\r", 1},
    {"\n\r\n\r", "\n\n\r", 2},
    {"8-bit \xff\xfe\r\n", "8-bit \xff\xfe\n", 1},
};

/* Feeds `chunk` octets at a time into rooms of `room` octets. */
static void check(size_t row, size_t chunk, size_t room)
{
    mk_str wire = mk_str_z(rows[row].wire);
    mk_str want = mk_str_z(rows[row].disk);
    char out[64];
    size_t have = 0;
    mk_lf s = {false, 0};

    while (wire.len > 0) {
        mk_str piece = mk_str_sub(wire, 0, chunk);

        wire = mk_str_sub(wire, chunk, SIZE_MAX);
        while (piece.len > 0) {
            size_t before = piece.len;
            size_t n = mk_lf_convert(&s, &piece, out + have, room);

            assert_true(n <= room);
            assert_true(n > 0 || piece.len < before);
            have += n;
        }
    }
    have += mk_lf_end(&s, out + have);
    assert_false(s.cr);
    assert_int_equal(have, want.len);
    assert_memory_equal(out, want.ptr, want.len);
    assert_int_equal(s.lines, rows[row].lines);
}

static void cut_anywhere(void **state)
{
    size_t i;
    size_t chunk;
    size_t room;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (chunk = 1; chunk <= strlen(rows[i].wire) + 1; chunk++) {
            for (room = 2; room < 20; room++) {
                check(i, chunk, room);
            }
        }
    }
}

/* A NUL is an octet like others; the judging was done before. */
static void nul_passes(void **state)
{
    mk_str in = mk_str_of("a\0b\r\n", 5);
    char out[8];
    mk_lf s = {false, 0};

    (void)state;
    assert_int_equal(mk_lf_convert(&s, &in, out, 8), 4);
    assert_memory_equal(out, "a\0b\n", 4);
}

static mk_err name(void *self, unsigned attempt, char *out)
{
    (void)self;
    (void)snprintf(out, 256, "f%u", attempt);
    return MK_OK;
}

/* The writer with buffers of every size gives the same file. */
static void writer_of_every_size(void **state)
{
    static const char wire[] = "one\r\ntwo\rthree\nfour\r\n\r\nfive\r";
    static const char disk[] = "one\ntwo\rthree\nfour\n\nfive\r";
    test_vfs *t = test_vfs_open();
    size_t max;
    size_t chunk;

    (void)state;
    for (max = 2; max < 40; max++) {
        for (chunk = 1; chunk < 40; chunk += 3) {
            mk_str in = mk_str_of(wire, sizeof wire - 1);
            mk_lf_writer w;
            mk_disk_file f;
            char *buf = malloc(max); /* so that an overrun is seen */
            char back[64];
            size_t n = 0;

            assert_non_null(buf);
            memset(&w, 0, sizeof w);
            mk_disk_file_init(&f);
            assert_int_equal(
                mk_disk_file_open(&f, &t->vfs, t->root_dir, name, NULL), MK_OK);
            w.file = &f;
            w.buf = buf;
            w.max = max;
            w.at = 3;
            while (in.len > 0) {
                assert_int_equal(mk_lf_writer_add(&w, mk_str_sub(in, 0, chunk)),
                                 MK_OK);
                in = mk_str_sub(in, chunk, SIZE_MAX);
            }
            assert_int_equal(mk_lf_writer_end(&w), MK_OK);
            assert_int_equal(f.end, 3 + sizeof disk - 1);
            assert_int_equal(w.at, f.end);
            assert_int_equal(w.lf.lines, 4);
            assert_int_equal(mk_disk_file_read(&f, 3, back, 64, &n), MK_OK);
            assert_int_equal(n, sizeof disk - 1);
            assert_memory_equal(back, disk, n);
            mk_disk_file_discard(&f);
            free(buf);
        }
        test_vfs_reset(t);
    }
    test_vfs_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(nul_passes),
        cmocka_unit_test(writer_of_every_size),
    };

    return cmocka_run_group_tests_name("store/lf", tests, NULL, NULL);
}
