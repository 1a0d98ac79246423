/* SPDX-License-Identifier: MIT
 *
 * scan.c: how fast a body is looked through (wire/scan.h) in each width, and
 * cut and unstuffed by the framer, beside memcpy, memchr line by line and an
 * automaton over the same octets. The rows take turns in every round; medians
 * are printed. It asserts what was found, and nothing about speed. With the
 * name of a row it does that one only, once, for an instruction count.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "wire/frame.h"
#include "wire/scan.h"

enum { LARGE = 33 << 20, SMALL = 400000, ROUNDS = 9, CHUNK = 65536 };

typedef struct body {
    char *text; /* regular, but for the dots of dotted bodies */
    char *other;
    size_t n;
    size_t lines;
    size_t dots; /* lines that begin with one, at the end of the body none */
} body;

/* Each gives back how often it found what it looks for. */
typedef size_t look(const body *b);

static size_t by_memcpy(const body *b)
{
    memcpy(b->other, b->text, b->n);
    __asm__ volatile("" : : "r"(b->other) : "memory");
    return b->lines;
}

static size_t by_memchr(const body *b)
{
    const char *end = b->text + b->n;
    size_t lines = 0;
    for (const char *at = b->text; at < end; lines++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL || at[-1] != '\r') {
            break;
        }
        at++;
    }
    return lines;
}

/* What one writes first: an octet, a state, the next octet. */
static size_t by_automaton(const body *b)
{
    enum { TEXT, CR, LF } before = LF;
    size_t lines = 0;
    for (size_t i = 0; i < b->n; i++) {
        char c = b->text[i];
        if ((c == '\n') != (before == CR) || c == '\0') {
            return 0;
        }
        lines += c == '\n';
        before = c == '\n' ? LF : c == '\r' ? CR : TEXT;
    }
    return lines;
}

/* Through the body, from dot to dot. */
static size_t scanned(const body *b,
                      size_t (*scan)(const char *, size_t, size_t))
{
    size_t dots = 0;
    size_t at = scan(b->text, 0, b->n);
    while (at < b->n && b->text[at] == '.') {
        dots++;
        at = scan(b->text, at, b->n);
    }
    return at == b->n && dots == b->dots ? b->lines : 0;
}

static size_t by_8(const body *b)
{
    return scanned(b, mk_scan_body_8);
}

#ifdef SCAN_HAS_16
static size_t by_16(const body *b)
{
    return scanned(b, mk_scan_body_16);
}
#endif

#ifdef SCAN_HAS_AVX2
static size_t by_avx2(const body *b)
{
    return mk_scan_has_avx2() ? scanned(b, mk_scan_body_avx2) : b->lines;
}
#endif

static size_t by_text(const body *b)
{
    scan_text state = {.cr = false, .bol = true, .dots = false};
    bool fits = mk_scan_text(mk_str_of(b->text, b->n), &state) == MK_OK;
    return fits && state.dots == (b->dots > 0) ? b->lines : 0;
}

/* The framer over a body that comes in pieces; what it tells is counted, or
 * copied to where it belongs. */
static size_t framed(const body *b, bool copies)
{
    mk_framer f;
    frame_unit unit;
    size_t told = 0;
    mk_str view = mk_str_of(b->text, 0);
    mk_framer_init(&f, 512, 512, 65536);
    mk_framer_mode(&f, FRAME_DOT, 0);
    for (size_t at = 0; at < b->n;) {
        at = b->n - at < CHUNK ? b->n : at + CHUNK;
        view.len = (size_t)(b->text + at - view.ptr);
        while (mk_framer_next(&f, &view, &unit) == MK_OK) {
            if (copies) {
                memcpy(b->other + told, unit.data.ptr, unit.data.len);
            }
            told += unit.data.len;
        }
    }
    return told == b->n - b->dots && f.defects == 0 ? b->lines : 0;
}

static size_t by_framer(const body *b)
{
    return framed(b, false);
}

static size_t by_framer_copy(const body *b)
{
    return framed(b, true);
}

static const struct {
    const char *name;
    look *fn;
} rows[] = {
    {"memcpy", by_memcpy},
    {"memchr-by-line", by_memchr},
    {"automaton", by_automaton},
    {"scan-8", by_8},
#ifdef SCAN_HAS_16
    {"scan-16", by_16},
#endif
#ifdef SCAN_HAS_AVX2
    {"scan-avx2", by_avx2},
#endif
    {"outgoing", by_text},
    {"framer", by_framer},
    {"framer-and-copy", by_framer_copy},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* Lines of 80 octets with their end; with `varied` of 2 to 80, as mail has
 * them. Each twentieth begins with a dot when there shall be dots. */
static void fill(body *b, size_t n, bool varied, bool dotted)
{
    uint32_t seed = 1;
    size_t at = 0;
    b->lines = 0;
    b->dots = 0;
    while (n - at >= 160) {
        seed = seed * 1103515245U + 12345U;
        size_t line = varied ? (seed >> 16) % 79 : 78;
        memset(b->text + at, 'a' + (int)(b->lines % 26), line);
        if (dotted && line > 1 && b->lines > 0 && b->lines % 20 == 0) {
            b->text[at] = '.';
            b->dots++;
        }
        memcpy(b->text + at + line, "\r\n", 2);
        at += line + 2;
        b->lines++;
    }
    b->n = at;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nanoseconds of each row, the median of interleaved rounds. */
static bool measure(const body *b, double *out_ns)
{
    static double ns[ROWS][ROUNDS];
    size_t times = LARGE / b->n;
    for (size_t r = 0; r < ROUNDS; r++) {
        for (size_t i = 0; i < ROWS; i++) {
            uint64_t began = bench_ns();
            for (size_t k = 0; k < times; k++) {
                if (rows[i].fn(b) != b->lines) {
                    printf("%s found something else\n", rows[i].name);
                    return false;
                }
            }
            ns[i][r] = (double)(bench_ns() - began) / (double)times;
        }
    }
    for (size_t i = 0; i < ROWS; i++) {
        qsort(ns[i], ROUNDS, sizeof ns[i][0], by_size);
        out_ns[i] = ns[i][ROUNDS / 2];
    }
    return true;
}

static const struct {
    const char *name;
    size_t n;
    bool varied, dotted;
} kinds[] = {
    {"33 MB, lines of 80", LARGE, false, false},
    {"33 MB, lines of 2 to 80", LARGE, true, false},
    {"33 MB, lines of 80, dots", LARGE, false, true},
    {"400 kB, lines of 80", SMALL, false, false},
    {"400 kB, lines of 2 to 80, dots", SMALL, true, true},
};

static int print_all(body *b)
{
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        double ns[ROWS];
        fill(b, kinds[k].n, kinds[k].varied, kinds[k].dotted);
        if (!measure(b, ns)) {
            return 1;
        }
        printf("%s\n", kinds[k].name);
        for (size_t i = 0; i < ROWS; i++) {
            printf("  %-16s %8.2f GB/s %8.2f x memcpy %8.2f x memchr\n",
                   rows[i].name, (double)b->n / ns[i], ns[0] / ns[i],
                   ns[1] / ns[i]);
        }
    }
    return 0;
}

static int run_one(body *b, const char *name)
{
    fill(b, SMALL, true, true);
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            printf("%s: %zu octets\n", name, b->n);
            return rows[i].fn(b) != b->lines;
        }
    }
    return 2;
}

int main(int argc, char **argv)
{
    body b = {malloc(LARGE), calloc(1, LARGE), 0, 0, 0};
    int code = 1;
    if (b.text != NULL && b.other != NULL) {
        code = argc > 1 ? run_one(&b, argv[1]) : print_all(&b);
    }
    free(b.text);
    free(b.other);
    return code;
}
