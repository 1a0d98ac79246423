/* SPDX-License-Identifier: MIT
 *
 * test_scan.c: the scanner in each of its widths against an automaton that
 * knows one octet at a time: every alignment, every length up to 200, every
 * octet that matters at every place, and no octet read behind the last, for
 * there the page ends. RFC 5321 2.3.8, 4.5.2; THREATS 1, 2 and 4.
 */
#include "wire/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONGEST = 200, ALIGNMENTS = 64, PAGE = 65536 };

typedef size_t scanner(const char *ptr, size_t at, size_t n);

static const struct {
    const char *name;
    scanner *scan;
    bool is_avx2;
} widths[] = {
    {"chosen", mk_scan_body, false},
    {"8", mk_scan_body_8, false},
#ifdef SCAN_HAS_16
    {"16", mk_scan_body_16, false},
#endif
#ifdef SCAN_HAS_AVX2
    {"avx2", mk_scan_body_avx2, true},
#endif
};

/* Every octet that is looked for, its neighbours, and itself with the high
 * bit, which must not be taken for it. */
static const char octets[] = {
    '\0',       1,          '\t', '\n',       '\v',      '\f', '\r',
    14,         '-',        '.',  '/',        'x',       127,  (char)0x80,
    (char)0x8a, (char)0x8d, ' ',  (char)0xae, (char)0xff};

/* The end of a page; behind it nothing may be touched. */
static char *end_of_page;

static int map_page(void **state)
{
    char *page = mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    if (page == MAP_FAILED || mprotect(page + PAGE, PAGE, PROT_NONE) != 0) {
        return -1;
    }
    end_of_page = page + PAGE;
    return 0;
}

static int unmap_page(void **state)
{
    (void)state;
    return munmap(end_of_page - PAGE, (size_t)2 * PAGE);
}

/* The automaton: what stood before is one of four things. */
static size_t by_octet(const char *ptr, size_t at, size_t n)
{
    enum { TEXT, CR, LF } before = TEXT;
    before = ptr[at] == '\r' ? CR : ptr[at] == '\n' ? LF : TEXT;
    for (size_t i = at + 1; i < n; i++) {
        switch (ptr[i]) {
        case '\n':
            if (before != CR) {
                return i;
            }
            before = LF;
            continue;
        case '\0':
            return before == CR ? i - 1 : i;
        case '.':
            if (before != TEXT) {
                return before == CR ? i - 1 : i;
            }
            continue;
        default:
            if (before == CR) {
                return i - 1;
            }
            before = ptr[i] == '\r' ? CR : TEXT;
        }
    }
    return before == CR ? n - 1 : n;
}

static void agree(const char *ptr, size_t at, size_t n)
{
    size_t want = by_octet(ptr, at, n);
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
#ifdef SCAN_HAS_AVX2
        if (widths[i].is_avx2 && !mk_scan_has_avx2()) {
            continue;
        }
#endif
        size_t got = widths[i].scan(ptr, at, n);
        if (got != want) {
            fail_msg("width %s: %zu octets from %zu: %zu, not %zu",
                     widths[i].name, n, at, got, want);
        }
    }
}

/* Lines of `line` octets, as mail has them. */
static void fill(char *ptr, size_t n, size_t line)
{
    for (size_t i = 0; i < n; i++) {
        size_t column = i % line;
        ptr[i] = (char)(column == line - 2   ? '\r'
                        : column == line - 1 ? '\n'
                                             : 'a' + (int)(i % 26));
    }
}

/* All that one octet may do, alone and behind each of those that matter. */
static void with_each_octet_at(char *ptr, size_t place, size_t n)
{
    static const char before[] = {'x', '\r', '\n', '.'};
    char was[2] = {place > 0 ? ptr[place - 1] : '\0', ptr[place]};
    for (size_t i = 0; i < sizeof octets; i++) {
        ptr[place] = octets[i];
        agree(ptr, 0, n);
        for (size_t k = 0; place > 0 && k < sizeof before; k++) {
            ptr[place - 1] = before[k];
            agree(ptr, 0, n);
            ptr[place - 1] = was[0];
        }
    }
    ptr[place] = was[1];
}

static void sec_001_sec_002_every_octet_at_every_place(void **state)
{
    (void)state;
    for (size_t n = 1; n <= LONGEST; n++) {
        char *ptr = end_of_page - n; /* every alignment comes by */
        fill(ptr, n, 26);
        for (size_t place = 0; place < n; place++) {
            with_each_octet_at(ptr, place, n);
        }
    }
}

static void every_length_at_every_alignment(void **state)
{
    (void)state;
    for (size_t align = 0; align < ALIGNMENTS; align++) {
        for (size_t n = 1; n <= LONGEST; n++) {
            char *ptr = end_of_page - PAGE + align;
            fill(ptr, n, 2 + (align + n) % 80);
            agree(ptr, 0, n);
            agree(ptr, n / 2, n);
            with_each_octet_at(ptr, (align * 7 + n / 3) % n, n);
            /* what stands beyond the end is nothing to it */
            ptr[n] = '\n';
            agree(ptr, n - 1, n);
        }
    }
}

static void sec_004_octets_by_chance(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (size_t round = 0; round < 20000; round++) {
        size_t n = 1 + round % (2 * LONGEST);
        char *ptr = end_of_page - n;
        size_t rare = 1 + round % 97;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245U + 12345U;
            ptr[i] = 'x';
            if ((seed >> 8) % rare == 0) {
                ptr[i] = octets[(seed >> 16) % sizeof octets];
            } else if ((seed >> 8) % 31 == 0 && i > 0) {
                ptr[i - 1] = '\r';
                ptr[i] = '\n';
            }
        }
        /* from what was found to the next, as those do that call it */
        for (size_t at = 0; at < n; at++) {
            agree(ptr, at, n);
            at = by_octet(ptr, at, n);
        }
    }
}

static void judge(const char *text, size_t n, size_t cut, bool is_stored,
                  bool fits, bool has_dots)
{
    scan_text t = {.bol = true, .dots = true, .is_stored = is_stored};
    mk_err err = mk_scan_text(mk_str_of(text, cut), &t);
    bool dots = err == MK_OK && t.dots;
    if (err == MK_OK) {
        err = mk_scan_text(mk_str_of(text + cut, n - cut), &t);
        dots = dots || t.dots;
    }
    assert_int_equal(err, fits ? MK_OK : MK_E_BARE);
    if (fits) {
        assert_int_equal(dots, has_dots);
    }
}

static void text_is_judged_the_same_in_two_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        bool fits, dots;
        bool is_stored; /* fits there, when it does not fit otherwise */
    } rows[] = {
#define TEXT(lit) lit, sizeof(lit) - 1
        {TEXT(""), true, false, false},
        {TEXT("a"), true, false, false},
        {TEXT("."), true, true, false},
        {TEXT("a.\r\n"), true, false, false},
        {TEXT("a\r\n.b\r\n"), true, true, false},
        {TEXT(".a\r\n..\r\n.\r\n\r\n"), true, true, false},
        {TEXT("\r\n\r\n.\r\n"), true, true, false},
        {TEXT("a\n"), false, false, false},
        {TEXT("\n"), false, false, false},
        {TEXT("a\rb"), false, false, true},
        {TEXT("\r\r\n"), false, false, true},
        {TEXT("\r\r\n.\r\n"), false, true, true},
        {TEXT("\r.\r\n"), false, false, true},
        {TEXT("a\r\r\r.\0\0.\r\n\0.\r\n"), false, false, true},
        {TEXT("a\r\r\r.\0\0.\r\n.\0\r\n"), false, true, true},
        {TEXT("\0.\r\n\r.\n"), false, false, false},
        {TEXT("\r\0\n.\r\n"), false, false, false},
        {TEXT("a\r\n\n"), false, false, false},
        {TEXT("a\0b"), false, false, true},
        {TEXT("\0"), false, false, true},
        {TEXT("\r\0"), false, false, true},
        {TEXT("\r\n.\n"), false, false, false},
        {TEXT("a line that is longer than thirty-two octets\r\n.\r\n"), true,
         true, false},
        {TEXT("a line that is longer than thirty-two octets\n.\r\n"), false,
         false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t cut = 0; cut <= rows[i].n; cut++) {
            judge(rows[i].text, rows[i].n, cut, false, rows[i].fits,
                  rows[i].dots);
            judge(rows[i].text, rows[i].n, cut, true,
                  rows[i].fits || rows[i].is_stored, rows[i].dots);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_001_sec_002_every_octet_at_every_place),
        cmocka_unit_test(every_length_at_every_alignment),
        cmocka_unit_test(sec_004_octets_by_chance),
        cmocka_unit_test(text_is_judged_the_same_in_two_pieces),
    };
    return cmocka_run_group_tests(tests, map_page, unmap_page);
}
