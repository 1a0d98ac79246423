/* SPDX-License-Identifier: MIT
 *
 * test_parse_scan.c: the scan of bodies in each width against one octet after
 * the other, on every short text of the octets that matter, at every place of
 * long ones, and at every alignment, in memory of exactly its size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "message/parse_scan.h"

static const parse_firsts firsts[] = {{'-', 'b', '='}, {'-', '-', '-'}};

/* What parse_scan.h says, word for word. */
static size_t plainly(const char *ptr, size_t at, size_t n, parse_firsts f,
                      parse_seen *io)
{
    for (size_t i = at; i < n; i++) {
        char c = ptr[i];
        if (i > at && ptr[i - 1] == '\n' &&
            (c == f.a || c == f.b || c == f.c)) {
            return i;
        }
        io->lines += c == '\n';
        io->high |= (unsigned char)c >= 0x80;
        io->nul |= c == '\0';
    }
    return n;
}

typedef size_t (*width)(const char *ptr, size_t at, size_t n, parse_firsts f,
                        parse_seen *io);

static void agree(width w, const char *ptr, size_t at, size_t n)
{
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        parse_seen want = {3, false, false};
        parse_seen have = want;
        size_t end = plainly(ptr, at, n, firsts[i], &want);
        assert_int_equal(w(ptr, at, n, firsts[i], &have), end);
        assert_int_equal(have.lines, want.lines);
        assert_int_equal(have.high, want.high);
        assert_int_equal(have.nul, want.nul);
    }
}

static void all_agree(const char *ptr, size_t at, size_t n)
{
    agree(mk_parse_scan, ptr, at, n);
    agree(mk_parse_scan_8, ptr, at, n);
#ifdef PARSE_SCAN_HAS_AVX2
    if (mk_parse_scan_has_avx2()) {
        agree(mk_parse_scan_avx2, ptr, at, n);
    }
#endif
}

/* Seven octets of six kinds, within and across words. */
static void every_short_text(void **state)
{
    static const char kinds[] = {'\n', '-', 'b', 'x', '\0', '\xFF'};
    enum { PLACES = 6, TEXT = 64 };
    (void)state;
    for (size_t start = 0; start <= 40; start += 5) {
        char *text = malloc(TEXT);
        for (size_t code = 0; code < 6 * 6 * 6 * 6 * 6 * 6; code++) {
            size_t rest = code;
            memset(text, 'x', TEXT);
            for (size_t i = 0; i < PLACES; i++) {
                text[start + i] = kinds[rest % 6];
                rest /= 6;
            }
            all_agree(text, 0, TEXT);
        }
        free(text);
    }
}

static void every_alignment_and_length(void **state)
{
    (void)state;
    for (size_t n = 0; n < 140; n++) {
        char *text = malloc(n + 1);
        memset(text, 'x', n + 1);
        for (size_t at = 0; at <= n; at++) {
            all_agree(text + 1, at, n);
        }
        for (size_t hit = 1; hit < n; hit++) {
            memset(text, 'x', n + 1);
            text[hit] = '\n';
            text[hit + 1] = '=';
            for (size_t at = 0; at < 34 && at <= n; at++) {
                all_agree(text + 1, at, n);
            }
        }
        free(text);
    }
}

static void noise(void **state)
{
    static const char letters[] = "\n\n\nxxxxxxxxx-b=\r\0\x80";
    uint32_t seed = 11;
    (void)state;
    for (size_t round = 0; round < 3000; round++) {
        size_t n = round % 300;
        char *text = malloc(n + 1);
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245U + 12345U;
            text[i] = letters[(seed >> 16) % sizeof letters];
        }
        for (size_t at = 0; at <= n; at += 1 + n / 7) {
            all_agree(text, at, n);
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_text),
        cmocka_unit_test(every_alignment_and_length),
        cmocka_unit_test(noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
