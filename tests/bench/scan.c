/* SPDX-License-Identifier: MIT
 *
 * scan.c: how fast a body is looked through (wire/scan.h), beside memcpy and
 * memchr over the same octets in the same run. The lines are 78 octets long,
 * which is what mail looks like; a second pass has none but one, which shows
 * the bare loop. It asserts what was found, and nothing about speed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "wire/scan.h"

enum { SIZE = 16 << 20, ROUNDS = 16 };

static char *text, *other;

static void fill(size_t line)
{
    for (size_t i = 0; i < SIZE; i++) {
        size_t column = i % line;
        text[i] = column == line - 2 ? '\r' : column == line - 1 ? '\n' : 'x';
    }
}

static uint64_t by_memcpy(void)
{
    memcpy(other, text, SIZE);
    __asm__ volatile("" : : "r"(other) : "memory");
    return 0;
}

static uint64_t by_memchr(void)
{
    const char *at = text;
    uint64_t n = 0;
    while ((at = memchr(at, '\n', (size_t)(text + SIZE - at))) != NULL) {
        at++;
        n++;
    }
    return n;
}

static uint64_t by_special(void)
{
    uint64_t n = 0;
    for (size_t at = mk_scan_special(text, 0, SIZE); at < SIZE;
         at = mk_scan_special(text, at + 1, SIZE)) {
        n += text[at] == '\n';
    }
    return n;
}

static uint64_t by_dot_line(void)
{
    return mk_scan_dot_line(text, 0, SIZE) == SIZE ? 0 : 1;
}

static uint64_t by_text(void)
{
    scan_text state = {.cr = false, .bol = true, .dots = false};
    return mk_scan_text(mk_str_of(text, SIZE), &state) == MK_OK ? 0 : 1;
}

static const struct {
    const char *name;
    uint64_t (*fn)(void);
    bool counts; /* LF */
} rows[] = {{"memcpy", by_memcpy, false},
            {"memchr LF", by_memchr, true},
            {"mk_scan_special", by_special, true},
            {"mk_scan_dot_line", by_dot_line, false},
            {"mk_scan_text", by_text, false}};

int main(void)
{
    static const size_t lines[] = {80, SIZE};
    text = malloc(SIZE);
    other = calloc(1, SIZE);
    if (text == NULL || other == NULL) {
        return 1;
    }
    for (size_t l = 0; l < 2; l++) {
        double base = 0;
        fill(lines[l]);
        printf("lines of %zu octets\n", lines[l]);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            uint64_t want = rows[i].counts ? SIZE / lines[l] : 0;
            uint64_t began = bench_ns();
            for (unsigned r = 0; r < ROUNDS; r++) {
                if (rows[i].fn() != want) {
                    printf("%s found something else\n", rows[i].name);
                    return 1;
                }
            }
            double ns = (double)(bench_ns() - began) / ROUNDS;
            base = i == 0 ? ns : base;
            printf("  %-18s %8.2f GB/s %8.2f x memcpy\n", rows[i].name,
                   (double)SIZE / ns, ns / base);
        }
    }
    free(text);
    free(other);
    return 0;
}
