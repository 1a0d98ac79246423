/* SPDX-License-Identifier: MIT
 *
 * base64.c: how fast base64 in lines (RFC 2045 §6.8) is decoded in each width
 * and by the decoder that sits on top, beside memcpy and a table four
 * characters at a time; and quoted-printable (§6.7) beside memcpy, memchr and
 * an automaton. The rows take turns in every round; medians are printed. It
 * asserts what comes out, and nothing about speed. With the name of a row, and
 * perhaps of a kind of text, it does that one only, once, for an instruction
 * count.
 */
#include <mailkit/codec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64_run.h"
#include "bench.h"

enum {
    LARGE = 57 * 175439, /* octets, whole lines when they are encoded */
    SMALL = 57 * 3509,
    WORK = 24000000, /* octets of text a round */
    ROUNDS = 9,
    CHUNK = 65536,
    NOT_HERE = 0 /* the processor has no such width */
};

typedef struct body {
    char *text; /* encoded */
    char *out;
    char *raw; /* what must come out */
    size_t n;
    size_t raw_n;
} body;

/* Each gives back how many octets came out. */
typedef size_t work(const body *b);

static size_t by_memcpy(const body *b)
{
    memcpy(b->out, b->text, b->n);
    __asm__ volatile("" : : "r"(b->out) : "memory");
    return b->raw_n;
}

/* What one writes first: a table, groups of four, what is no base64 skipped. */
static size_t by_table(const body *b)
{
    uint32_t bits = 0;
    size_t at = 0;
    unsigned place = 0;
    for (size_t i = 0; i < b->n; i++) {
        unsigned value = mk_base64_values[(unsigned char)b->text[i]];
        if (value > 63) {
            continue;
        }
        bits = bits << 6 | value;
        if (++place == 4) {
            b->out[at] = (char)(unsigned char)(bits >> 16);
            b->out[at + 1] = (char)(unsigned char)(bits >> 8);
            b->out[at + 2] = (char)(unsigned char)bits;
            at += 3;
            place = 0;
        }
    }
    return at;
}

static size_t ran(const body *b, base64_run (*run)(mk_str, char *, size_t))
{
    return run(mk_str_of(b->text, b->n), b->out, b->n).made;
}

static size_t by_run_4(const body *b)
{
    return ran(b, mk_base64_run_4);
}

#ifdef BASE64_RUN_HAS_AVX2
static size_t by_run_avx2(const body *b)
{
    return mk_base64_run_has_avx2() ? ran(b, mk_base64_run_avx2) : NOT_HERE;
}

static size_t by_run_avx512(const body *b)
{
    return mk_base64_run_has_avx512() ? ran(b, mk_base64_run_avx512) : NOT_HERE;
}
#endif

/* The decoder; text and room come in pieces of that many octets. */
static size_t decoded(const body *b, size_t piece)
{
    mk_base64_decoder d;
    mk_buf out;
    size_t made = 0;
    mk_base64_decoder_init(&d, MK_BASE64_MIME);
    for (size_t at = 0; at < b->n; at += piece) {
        mk_str in = mk_str_sub(mk_str_of(b->text, b->n), at, piece);
        do {
            mk_buf_init(&out, b->out + made, b->raw_n - made);
            if (out.max > piece) {
                out.max = piece;
            }
            if (mk_base64_decode(&d, &in, &out) < 0 && out.len == 0) {
                return 0;
            }
            made += out.len;
        } while (in.len > 0);
    }
    return mk_base64_decode_finish(&d) == MK_OK && d.defects == 0 ? made : 0;
}

static size_t by_decoder(const body *b)
{
    return decoded(b, b->n);
}

static size_t by_decoder_64k(const body *b)
{
    return decoded(b, CHUNK);
}

/* ---- quoted-printable ---- */

/* From "=" to "=", as if nothing else were to be looked at. */
static size_t by_memchr(const body *b)
{
    const char *end = b->text + b->n;
    const char *at = b->text;
    size_t found = 0;
    while (at < end && (at = memchr(at, '=', (size_t)(end - at))) != NULL) {
        found++;
        at++;
    }
    __asm__ volatile("" : : "r"(found) : "memory");
    return b->raw_n;
}

static unsigned hex_of(char c)
{
    return c >= 'A' ? (unsigned)(c - 'A') + 10U : (unsigned)(c - '0');
}

/* What one writes first; it believes the text. */
static size_t by_octet(const body *b)
{
    size_t at = 0;
    for (size_t i = 0; i < b->n;) {
        if (b->text[i] != '=') {
            b->out[at++] = b->text[i++];
        } else if (b->text[i + 1] == '\r') {
            i += 3;
        } else {
            unsigned c = hex_of(b->text[i + 1]) << 4 | hex_of(b->text[i + 2]);
            b->out[at++] = (char)(unsigned char)c;
            i += 3;
        }
    }
    return at;
}

static size_t by_qp(const body *b)
{
    mk_qp_decoder d;
    mk_buf out;
    mk_str in = mk_str_of(b->text, b->n);
    mk_qp_decoder_init(&d);
    mk_buf_init(&out, b->out, b->raw_n);
    if (mk_qp_decode(&d, &in, &out) != MK_WAIT ||
        mk_qp_decode_finish(&d, &out) != MK_OK || d.defects != 0) {
        return 0;
    }
    return out.len;
}

typedef struct row {
    const char *name;
    work *fn;
    bool decodes;
} row;

static const row base64_rows[] = {
    {"memcpy", by_memcpy, false},
    {"table", by_table, true},
    {"run-4", by_run_4, true},
#ifdef BASE64_RUN_HAS_AVX2
    {"run-avx2", by_run_avx2, true},
    {"run-avx512", by_run_avx512, true},
#endif
    {"decoder", by_decoder, true},
    {"decoder-64k", by_decoder_64k, true},
    {NULL, NULL, false},
};

/* The wide ones alone leave short lines. */
static const row varied_rows[] = {
    {"memcpy", by_memcpy, false},
    {"table", by_table, true},
    {"run-4", by_run_4, true},
    {"decoder", by_decoder, true},
    {"decoder-64k", by_decoder_64k, true},
    {NULL, NULL, false},
};

static const row qp_rows[] = {
    {"memcpy", by_memcpy, false}, {"memchr", by_memchr, false},
    {"octets", by_octet, true},   {"qp", by_qp, true},
    {NULL, NULL, false},
};
enum { ROWS_MAX = sizeof base64_rows / sizeof base64_rows[0] };

typedef enum form {
    FORM_CRLF,   /* 76 columns, CRLF */
    FORM_LF,     /* 76 columns, LF */
    FORM_VARIED, /* 4 to 76 columns, CRLF */
    FORM_PLAIN,  /* words, soft breaks, each 200th octet encoded */
    FORM_MIXED,  /* the same, each 20th */
    FORM_HEAVY   /* the same, each octet */
} form;

static const struct {
    const char *name;
    form form;
    size_t raw;
    const row *rows;
} kinds[] = {
    {"13.7 MB, base64 in lines of 76", FORM_CRLF, LARGE, base64_rows},
    {"270 kB, base64 in lines of 76", FORM_CRLF, SMALL, base64_rows},
    {"270 kB, base64 in lines of 76, LF", FORM_LF, SMALL, base64_rows},
    {"300 kB, base64 in lines of 4 to 76", FORM_VARIED, SMALL, varied_rows},
    {"10 MB, quoted-printable, plain", FORM_PLAIN, LARGE, qp_rows},
    {"200 kB, quoted-printable, plain", FORM_PLAIN, SMALL, qp_rows},
    {"220 kB, quoted-printable, mixed", FORM_MIXED, SMALL, qp_rows},
    {"600 kB, quoted-printable, =XX", FORM_HEAVY, SMALL, qp_rows},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16;
}

static void fill_base64(body *b, form f)
{
    uint32_t seed = 1;
    size_t at = 0;
    mk_buf out;
    mk_buf_init(&out, b->text, 4 * LARGE);
    for (size_t i = 0; i < b->raw_n; i++) {
        b->raw[i] = (char)(unsigned char)next(&seed);
    }
    while (at < b->raw_n) {
        size_t line = f == FORM_VARIED ? next(&seed) % 19 * 3 + 3 : 57;
        mk_str octets = mk_str_sub(mk_str_of(b->raw, b->raw_n), at, line);
        mk_base64_format(octets, &out);
        mk_buf_add_z(&out, f == FORM_LF ? "\n" : "\r\n");
        at += octets.len;
    }
    b->n = out.len;
}

static void fill_qp(body *b, form f)
{
    unsigned each = f == FORM_HEAVY ? 1 : f == FORM_MIXED ? 20 : 200;
    uint32_t seed = 1;
    mk_qp_encoder e;
    mk_buf out;
    mk_str in = mk_str_of(b->raw, b->raw_n);
    mk_buf_init(&out, b->text, 4 * LARGE);
    mk_qp_encoder_init(&e, MK_QP_TEXT);
    for (size_t i = 0; i < b->raw_n; i++) {
        unsigned c = next(&seed);
        b->raw[i] = c % 6 == 0 ? ' ' : (char)(unsigned char)('a' + c % 26);
        if (c % each == 1 % each) {
            b->raw[i] = (char)(unsigned char)(128 + c % 128);
        }
        if (f != FORM_HEAVY && i % 200 == 199) {
            memcpy(b->raw + i - 2, ".\r\n", 3);
        }
    }
    mk_qp_encode(&e, &in, &out);
    mk_qp_encode_finish(&e, &out);
    b->n = out.len;
}

static void fill(body *b, form f, size_t raw_n)
{
    b->raw_n = raw_n;
    if (f < FORM_PLAIN) {
        fill_base64(b, f);
    } else {
        fill_qp(b, f);
    }
}

/* Does the row give what was encoded? */
static bool is_right(const body *b, const row *r)
{
    memset(b->out, 0, b->raw_n);
    size_t made = r->fn(b);
    if (made == NOT_HERE && strstr(r->name, "avx") != NULL) {
        return true;
    }
    return made == b->raw_n &&
           (!r->decodes || memcmp(b->out, b->raw, b->raw_n) == 0);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nanoseconds of each row, the median of interleaved rounds. */
static void measure(const body *b, const row *rows, double *out_ns)
{
    static double ns[ROWS_MAX][ROUNDS];
    size_t times = WORK / b->n + 1;
    for (size_t r = 0; r < ROUNDS; r++) {
        for (size_t i = 0; rows[i].name != NULL; i++) {
            uint64_t began = bench_ns();
            for (size_t k = 0; k < times; k++) {
                rows[i].fn(b);
            }
            ns[i][r] = (double)(bench_ns() - began) / (double)times;
        }
    }
    for (size_t i = 0; rows[i].name != NULL; i++) {
        qsort(ns[i], ROUNDS, sizeof ns[i][0], by_size);
        out_ns[i] = ns[i][ROUNDS / 2];
    }
}

static int print_all(body *b)
{
    for (size_t k = 0; k < KINDS; k++) {
        const row *rows = kinds[k].rows;
        double ns[ROWS_MAX];
        fill(b, kinds[k].form, kinds[k].raw);
        for (size_t i = 0; rows[i].name != NULL; i++) {
            if (!is_right(b, &rows[i])) {
                printf("%s gave something else\n", rows[i].name);
                return 1;
            }
        }
        measure(b, rows, ns);
        printf("%s\n", kinds[k].name);
        for (size_t i = 0; rows[i].name != NULL; i++) {
            if (rows[i].fn(b) != NOT_HERE) {
                printf("  %-16s %8.3f GB/s %8.2f x memcpy %8.2f x %s\n",
                       rows[i].name, (double)b->n / ns[i], ns[0] / ns[i],
                       ns[rows == qp_rows ? 2 : 1] / ns[i],
                       rows[rows == qp_rows ? 2 : 1].name);
            }
        }
    }
    return 0;
}

/* NAME of a row, and which kind of text, 1 to KINDS. */
static int run_one(body *b, const char *name, const char *kind)
{
    size_t k = kind != NULL ? (size_t)strtoul(kind, NULL, 10) - 1 : 1;
    if (k >= KINDS) {
        return 2;
    }
    const row *rows = kinds[k].rows;
    fill(b, kinds[k].form, kinds[k].raw);
    for (size_t i = 0; rows[i].name != NULL; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            printf("%s: %s, %zu octets\n", kinds[k].name, name, b->n);
            return !is_right(b, &rows[i]);
        }
    }
    return 2;
}

int main(int argc, char **argv)
{
    body b = {malloc(4 * LARGE), malloc(4 * LARGE), malloc(LARGE), 0, 0};
    int code = 1;
    if (b.text != NULL && b.out != NULL && b.raw != NULL) {
        memset(b.out, 1, 4 * LARGE);
        code = argc > 1 ? run_one(&b, argv[1], argc > 2 ? argv[2] : NULL)
                        : print_all(&b);
    }
    free(b.text);
    free(b.out);
    free(b.raw);
    return code;
}
