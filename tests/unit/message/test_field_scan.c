/* SPDX-License-Identifier: MIT
 *
 * The scan of a field: every width says the same as a plain loop, for every
 * length, at every alignment, with each octet that matters at each place, and
 * reads nothing beyond the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message/field_scan.h"

static void plain(const char *p, size_t n, bool lf, field_span *out)
{
    bool high = false, odd = false, closed = false, folded = false;
    bool white = false, bad_name = false;
    out->end = n;
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n;
        unsigned char c = (unsigned char)p[i];
        unsigned char b = i > 0 ? (unsigned char)p[i - 1] : 'x';
        high |= c > 127;
        odd |= c == 0 || (c == '\r' && (last || lf || p[i + 1] != '\n')) ||
               (c == '\n' && b != '\r' && !lf);
        if (c == '\n') {
            if (last || (p[i + 1] != ' ' && p[i + 1] != '\t')) {
                out->end = i + 1;
                closed = true;
                break;
            }
            folded = true;
            size_t j = i + 1;
            while (j < n && (p[j] == ' ' || p[j] == '\t')) {
                j++;
            }
            white |= j == n || p[j] == '\r' || p[j] == '\n';
        }
    }
    for (out->colon = 0; out->colon < out->end && p[out->colon] != ':';
         out->colon++) {
        unsigned char c = (unsigned char)p[out->colon];
        bad_name |= c < 33 || c > 126;
    }
    out->flags = (closed ? (unsigned)SPAN_CLOSED : 0) |
                 (folded ? (unsigned)SPAN_FOLDED : 0) |
                 (white ? (unsigned)SPAN_WHITE : 0) |
                 (high ? (unsigned)SPAN_HIGH : 0) |
                 (bad_name ? (unsigned)SPAN_BAD_NAME : 0) |
                 (odd ? (unsigned)SPAN_ODD : 0);
}

static void compare(const char *p, size_t n, bool lf)
{
    field_span want, got;
    plain(p, n, lf, &want);
    for (int width = 0; width < 3; width++) {
        memset(&got, 0xA5, sizeof got);
        if (width == 0) {
            mk_field_scan(p, n, lf, &got);
        } else if (width == 1) {
            mk_field_scan_8(p, n, lf, &got);
        } else {
#ifdef FIELD_SCAN_HAS_AVX2
            if (mk_field_scan_has_avx2()) {
                mk_field_scan_avx2(p, n, lf, &got);
                goto look;
            }
#endif
            continue;
        }
#ifdef FIELD_SCAN_HAS_AVX2
    look:
#endif
        assert_int_equal(got.end, want.end);
        assert_int_equal(got.colon, want.colon);
        assert_int_equal(got.flags, want.flags);
    }
}

/* Each pair of octets that matter at each place of each length. */
static void each_octet_at_each_place(void **state)
{
    static const char octets[] = {'\n', '\r', '\0', ':', ' ', '\x80', '\x7f'};
    (void)state;
    for (size_t n = 1; n <= 100; n++) {
        char *p = malloc(n);
        for (size_t at = 0; at < n; at++) {
            for (size_t a = 0; a < sizeof octets; a++) {
                for (size_t b = 0; b < sizeof octets; b++) {
                    memset(p, 'a', n);
                    p[at] = octets[a];
                    if (at + 1 < n) {
                        p[at + 1] = octets[b];
                    }
                    compare(p, n, false);
                    compare(p, n, true);
                }
            }
        }
        free(p);
    }
}

static void random_text_at_each_alignment(void **state)
{
    static const char octets[] = "ab:\r\n \t\r\n\xE9x-\0y\r\n z";
    uint64_t seed = 42;
    (void)state;
    for (int round = 0; round < 4000; round++) {
        size_t shift = (size_t)round % 32;
        size_t n = 1 + (size_t)round % 150;
        char *mem = malloc(shift + n);
        for (size_t i = 0; i < n; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
            size_t pick = (size_t)(seed >> 33);
            mem[shift + i] =
                pick % 5 != 0 ? 'n' : octets[pick / 5 % (sizeof octets - 1)];
        }
        compare(mem + shift, n, round % 2 == 0);
        free(mem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_octet_at_each_place),
        cmocka_unit_test(random_text_at_each_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
