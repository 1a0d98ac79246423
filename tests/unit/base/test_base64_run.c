/* SPDX-License-Identifier: MIT
 *
 * test_base64_run.c: lines of base64 at once, in each width, against the same
 * text one octet after the other: every octet at every place of lines that are
 * taken together, lines of every length and end, every length of text at every
 * alignment, every room and cut, in memory of exactly its size. THREATS 64.
 */
#include "pump.h"

#include <mailkit/codec.h>

#include "base/base64_run.h"

enum { MAX = 2048 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* One octet at a time no line is ever whole. */
static size_t plainly(mk_str in, char *out, uint64_t *out_defects)
{
    mk_base64_decoder d;
    mk_buf b;
    mk_base64_decoder_init(&d, MK_BASE64_MIME);
    mk_buf_init(&b, out, MAX);
    for (size_t i = 0; i < in.len; i++) {
        mk_str one = mk_str_sub(in, i, 1);
        assert_int_equal(mk_base64_decode(&d, &one, &b), MK_WAIT);
    }
    assert_int_equal(mk_base64_decode_finish(&d), MK_OK);
    *out_defects = d.defects;
    return b.len;
}

typedef base64_run width(mk_str in, char *out, size_t room);

/* What was taken gives what was made. */
static base64_run check_width(width *w, mk_str in, size_t room)
{
    char want[MAX];
    uint64_t defects;
    char *out = malloc(room);
    base64_run r = w(in, out, room);
    assert_true(r.taken <= in.len && r.made <= room);
    size_t n = plainly(mk_str_sub(in, 0, r.taken), want, &defects);
    assert_int_equal(r.made, n);
    assert_int_equal(defects, 0);
    assert_memory_equal(out, want, n);
    free(out);
    return r;
}

/* How much each takes; what the processor lacks, as much as the first. */
typedef struct widths {
    size_t by_4, avx2, avx512;
} widths;

static widths check_run(mk_str in, size_t room)
{
    size_t all = check_width(mk_base64_run, in, room).taken;
    widths w = {check_width(mk_base64_run_4, in, room).taken, all, all};
    assert_int_equal(w.by_4, all);
#ifdef BASE64_RUN_HAS_AVX2
    if (mk_base64_run_has_avx2()) {
        w.avx2 = check_width(mk_base64_run_avx2, in, room).taken;
    }
    if (mk_base64_run_has_avx512()) {
        w.avx512 = check_width(mk_base64_run_avx512, in, room).taken;
    }
#endif
    assert_true(w.avx2 <= all && w.avx512 <= all);
    return w;
}

/* The whole decoder gives the same as octet by octet, cut in two, with room
 * for three octets for each four that were begun (THREATS 64). */
static void check_decoder_cut(mk_str in, size_t cut)
{
    char want[MAX];
    uint64_t defects;
    size_t n = plainly(in, want, &defects);
    size_t room = (in.len + 3) / 4 * 3;
    char *have = malloc(room);
    mk_base64_decoder d;
    mk_buf b;
    mk_str first = mk_str_sub(in, 0, cut);
    mk_str rest = mk_str_sub(in, cut, SIZE_MAX);
    mk_base64_decoder_init(&d, MK_BASE64_MIME);
    mk_buf_init(&b, have, room);
    assert_int_equal(mk_base64_decode(&d, &first, &b), MK_WAIT);
    assert_int_equal(mk_base64_decode(&d, &rest, &b), MK_WAIT);
    assert_int_equal(mk_base64_decode_finish(&d), MK_OK);
    assert_int_equal(b.len, n);
    assert_memory_equal(have, want, n);
    assert_int_equal(d.defects, defects);
    free(have);
}

static void check_decoder(mk_str in)
{
    check_decoder_cut(in, 0);
}

static size_t fill(char *text, size_t lines, size_t chars, const char *end)
{
    size_t n = 0;
    for (size_t i = 0; i < lines; i++) {
        for (size_t k = 0; k < chars; k++) {
            text[n] = alphabet[(n * 7 + i) % 64];
            n++;
        }
        memcpy(text + n, end, strlen(end));
        n += strlen(end);
    }
    return n;
}

/* In memory that ends where the text does. */
static widths check_at(const char *text, size_t n, size_t room, size_t place)
{
    char *exact = malloc(place + n);
    memcpy(exact + place, text, n);
    widths w = check_run(mk_str_of(exact + place, n), room);
    free(exact);
    return w;
}

static widths check(const char *text, size_t n, size_t room)
{
    return check_at(text, n, room, 1);
}

/* Five lines, of which the widest takes four at once. */
static void sec_064_every_octet_at_every_place(void **state)
{
    char text[MAX];
    size_t n = fill(text, 5, 76, "\r\n");
    (void)state;
    for (size_t place = 0; place < 5 * 78; place++) {
        char right = text[place];
        for (unsigned c = 0; c < 256; c += place < 78 ? 1 : 7) {
            text[place] = (char)(unsigned char)c;
            check(text, n, MAX);
        }
        text[place] = '-';
        check_decoder(mk_str_of(text, n));
        text[place] = right;
    }
}

static void lines_of_every_length(void **state)
{
    static const char *const ends[] = {"\r\n", "\n", "", "\r", " \r\n"};
    char text[MAX];
    (void)state;
    for (size_t chars = 0; chars < 200; chars++) {
        for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++) {
            size_t n = fill(text, 9, chars, ends[e]);
            widths w = check(text, n, MAX);
            if (chars % 4 == 0 && e < 3) {
                assert_int_equal(w.by_4, chars > 0 ? n : 0);
                assert_true(chars < 32 || e == 2 || w.avx2 == n);
                assert_true(chars < 64 || e == 2 || w.avx512 == n);
            }
            check_decoder(mk_str_of(text, n));
        }
    }
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16;
}

/* Text of n octets with lines of 76, of something else, or of both; junk now
 * and then, or never. */
static void fill_wildly(char *text, size_t n, uint32_t *seed)
{
    static const char junk[] = "=-_ \t\r\n\0\x80\xFF@[`{:,./?";
    size_t line = next(seed) % 4 != 0 ? 76 : next(seed) % 100;
    unsigned calm = next(seed) % 3 == 0 ? 0 : 20 + next(seed) % 400;
    size_t column = 0;
    for (size_t i = 0; i < n; i++) {
        text[i] = alphabet[next(seed) % 64];
        if (column >= line) {
            text[i] = column == line ? '\r' : '\n';
        }
        column = column > line ? 0 : column + 1;
        if (calm != 0 && next(seed) % calm == 0) {
            text[i] = junk[next(seed) % (sizeof junk - 1)];
        }
    }
}

static void sec_064_every_length_and_alignment(void **state)
{
    char text[MAX];
    uint32_t seed = 64;
    (void)state;
    for (size_t n = 0; n <= 400; n++) {
        for (size_t place = 0; place < 64; place++) {
            fill_wildly(text, n, &seed);
            check_at(text, n, n / 4 * 3 + next(&seed) % 40, place);
        }
    }
}

static void sec_064_every_length_and_cut(void **state)
{
    char text[MAX];
    uint32_t seed = 46;
    (void)state;
    for (size_t n = 0; n <= 300; n++) {
        fill_wildly(text, n, &seed);
        for (size_t cut = 0; cut <= n; cut++) {
            check_decoder_cut(mk_str_of(text, n), cut);
        }
    }
}

static void sec_064_every_room_and_cut(void **state)
{
    char text[MAX];
    size_t n = fill(text, 5, 76, "\r\n");
    (void)state;
    for (size_t room = 0; room < 320; room++) {
        check(text, n, room);
    }
    for (size_t cut = 0; cut <= n; cut++) {
        check(text, cut, MAX);
        check(text + cut, n - cut, MAX);
        check_decoder(mk_str_of(text + cut, n - cut));
    }
}

/* Lines of changing lengths, padding and joined texts. */
static void lines_that_change(void **state)
{
    uint32_t seed = 5;
    char text[MAX];
    (void)state;
    for (size_t round = 0; round < 2000; round++) {
        size_t n = 0;
        while (n < 800) {
            size_t chars = next(&seed) % 25 * 4;
            n += fill(text + n, 1 + (seed >> 24) % 3, chars,
                      (seed & 0x100) != 0 ? "\r\n" : "\n");
            if ((seed >> 20) % 5 == 0) {
                memcpy(text + n, "QQ==\r\n", 6);
                n += 6;
            }
        }
        check(text, n, MAX);
        check_decoder(mk_str_of(text, n));
    }
}

/* What has no line end in sight is not looked through for each octet of
 * room: as many steps as there are octets, or this takes minutes. */
static void a_line_without_end_is_linear(void **state)
{
    enum { SIZE = 4 << 20 };
    char *text = malloc(SIZE);
    mk_base64_decoder d;
    size_t made = 0;
    mk_err err;
    (void)state;
    memset(text, 'A', SIZE);
    text[0] = '!';
    mk_str in = mk_str_of(text, SIZE);
    mk_base64_decoder_init(&d, MK_BASE64_MIME);
    do {
        char mem[5];
        mk_buf b;
        mk_buf_init(&b, mem, sizeof mem);
        err = mk_base64_decode(&d, &in, &b);
        made += b.len;
    } while (err == MK_E_ROOM);
    assert_int_equal(err, MK_WAIT);
    assert_int_equal(made, (SIZE - 1) / 4 * 3 + 2);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_064_every_octet_at_every_place),
        cmocka_unit_test(lines_of_every_length),
        cmocka_unit_test(sec_064_every_length_and_alignment),
        cmocka_unit_test(sec_064_every_length_and_cut),
        cmocka_unit_test(sec_064_every_room_and_cut),
        cmocka_unit_test(lines_that_change),
        cmocka_unit_test(a_line_without_end_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
