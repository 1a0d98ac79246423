/* SPDX-License-Identifier: MIT
 *
 * test_crlf.c: LF to CRLF in place, cut at every octet and with every gap,
 * and the count of it; what our deliveries write comes back as it was.
 */
#include "store/internal.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *disk;
    const char *wire; /* without the end of a last line that has none */
    bool line;        /* which it is to get */
} rows[] = {
    {"", "", false},
    {"a", "a", true},
    {"\n", "\r\n", false},
    {"a\nb\n", "a\r\nb\r\n", false},
    {"\n\n\n", "\r\n\r\n\r\n", false},
    {"no end", "no end", true},
    {"end in CR\r", "end in CR\r", true},
    {"bare\rCR\n", "bare\rCR\r\n", false},
    {"is one\r\n", "is one\r\n", false},
    {"one\r\nother\nboth\r\n", "one\r\nother\r\nboth\r\n", false},
    {"two\r\r\n", "two\r\r\n", false},
    {"\r", "\r", true},
    {"\r\n", "\r\n", false},
    {"\r\n\n\r\r\n", "\r\n\r\n\r\r\n", false},
    {"8-bit \xff\xfe\n", "8-bit \xff\xfe\r\n", false},
};

/* Offers `chunk` octets at a time behind gaps of `gap` octets. */
static void check(size_t row, size_t chunk, size_t gap)
{
    mk_str disk = mk_str_z(rows[row].disk);
    mk_str want = mk_str_z(rows[row].wire);
    mk_crlf s = {false, false};
    char out[128];
    size_t have = 0;

    while (disk.len > 0) {
        mk_str piece = mk_str_sub(disk, 0, chunk);
        size_t used = piece.len;
        char mem[128];
        size_t n;

        memcpy(mem + gap, piece.ptr, piece.len);
        n = mk_crlf_spread(&s, mem, gap, &used);
        assert_true(used > 0 && used <= piece.len);
        assert_true(n >= used && n <= used + gap);
        assert_true(used == piece.len || n == used + gap);
        assert_true(have + n <= sizeof out);
        memcpy(out + have, mem, n);
        have += n;
        disk = mk_str_sub(disk, used, SIZE_MAX);
    }
    assert_int_equal(have, want.len);
    assert_memory_equal(out, want.ptr, want.len);
    assert_int_equal(s.line, rows[row].line);
}

static void cut_anywhere(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t chunk;
        size_t gap;

        for (chunk = 1; chunk <= strlen(rows[i].disk) + 1; chunk++) {
            for (gap = 1; gap < 12; gap++) {
                check(i, chunk, gap);
            }
        }
    }
}

static void counted_the_same(void **state)
{
    size_t i;
    size_t chunk;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (chunk = 1; chunk <= strlen(rows[i].disk) + 1; chunk++) {
            mk_str disk = mk_str_z(rows[i].disk);
            mk_crlf s = {false, false};
            uint64_t n = disk.len;

            while (disk.len > 0) {
                n += mk_crlf_count(&s, mk_str_sub(disk, 0, chunk));
                disk = mk_str_sub(disk, chunk, SIZE_MAX);
            }
            assert_int_equal(n, strlen(rows[i].wire));
            assert_int_equal(s.line, rows[i].line);
        }
    }
}

/* NUL is an octet as any other. */
static void nul_stays(void **state)
{
    char mem[16] = "..a\0\nb\0";
    size_t used = 5;
    mk_crlf s = {false, false};

    (void)state;
    assert_int_equal(mk_crlf_spread(&s, mem, 2, &used), 6);
    assert_int_equal(used, 5);
    assert_memory_equal(mem, "a\0\r\nb\0", 6);
    assert_true(s.line);
}

/* Wire, disk, wire: but for a CR in front of a CRLF, which no server of ours
 * lets in. */
static void comes_back(void **state)
{
    static const char wire[] = "From: a\r\n\r\nline\r\nbare\rCR\r\n.\r\n\r\n";
    char disk[64];
    char out[128];
    mk_lf lf = {false, 0};
    mk_crlf crlf = {false, false};
    mk_str in = mk_str_z(wire);
    size_t n;
    size_t used;

    (void)state;
    n = mk_lf_convert(&lf, &in, disk, sizeof disk);
    assert_int_equal(in.len, 0);
    memcpy(out + 40, disk, n);
    used = n;
    n = mk_crlf_spread(&crlf, out, 40, &used);
    assert_int_equal(n, sizeof wire - 1);
    assert_memory_equal(out, wire, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(counted_the_same),
        cmocka_unit_test(nul_stays),
        cmocka_unit_test(comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
