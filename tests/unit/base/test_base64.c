/* SPDX-License-Identifier: MIT
 *
 * test_base64.c: RFC 4648 §4 and §10, RFC 2045 §6.8, at every way to cut
 * input and output. THREATS 64 (lengths, pads, ends of buffers), 24, 111.
 */
#include "pump.h"

#include <mailkit/codec.h>

typedef struct row {
    mk_str text;
    mk_str octets;
    uint64_t defects; /* strict rows: where it is wrong, or NO_PLACE */
} row;

#define NO_PLACE 999
#define S(lit) MK_STR_INIT(lit)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static mk_err decode_work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_base64_decode(self, io_in, out);
}

static mk_err decode_finish(void *self, mk_buf *out)
{
    (void)out;
    return mk_base64_decode_finish(self);
}

static mk_err encode_work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_base64_encode(self, io_in, out);
}

static mk_err encode_finish(void *self, mk_buf *out)
{
    return mk_base64_encode_finish(self, out);
}

/* Decode with pieces of step and room; the result is at most 3/4. */
static mk_err decode(mk_str text, mk_base64_mode mode, size_t step, size_t room,
                     mk_buf *all, size_t *out_at, uint64_t *out_defects)
{
    mk_base64_decoder d;
    codec c = {&d, decode_work, decode_finish};
    mk_err err;

    mk_base64_decoder_init(&d, mode);
    err = pump(&c, text, step, room, all, out_at);
    *out_defects = d.defects;
    assert_true(all->len <= 3 * (text.len / 4) + 3);
    assert_true(all->len <= text.len * 3 / 4);
    return err;
}

static void encode(mk_str octets, unsigned line_chars, size_t step, size_t room,
                   mk_buf *all)
{
    mk_base64_encoder e;
    codec c = {&e, encode_work, encode_finish};
    size_t at;

    assert_int_equal(mk_base64_encoder_init(&e, line_chars), MK_OK);
    assert_int_equal(pump(&c, octets, step, room, all, &at), MK_OK);
    assert_int_equal(at, octets.len);
}

static const row vectors[] = {
    {S(""), S(""), 0},
    {S("Zg=="), S("f"), 0},
    {S("Zm8="), S("fo"), 0},
    {S("Zm9v"), S("foo"), 0},
    {S("Zm9vYg=="), S("foob"), 0},
    {S("Zm9vYmE="), S("fooba"), 0},
    {S("Zm9vYmFy"), S("foobar"), 0},
    {S("AAECAwQFBgcICf/+/fw="), S("\0\1\2\3\4\5\6\7\10\11\xFF\xFE\xFD\xFC"), 0},
    {S("+/+/"), S("\xFB\xFF\xBF"), 0},
};

static void vectors_both_ways(void **state)
{
    size_t i, step, room;

    (void)state;
    for (i = 0; i < COUNT(vectors); i++) {
        for (step = 1; step < 6; step++) {
            for (room = 1; room < 6; room++) {
                char mem[64];
                uint64_t defects;
                size_t at;
                mk_buf all;

                mk_buf_init(&all, mem, sizeof mem);
                assert_int_equal(decode(vectors[i].text, MK_BASE64_STRICT, step,
                                        room, &all, &at, &defects),
                                 MK_OK);
                assert_str_equal(mk_buf_str(&all), vectors[i].octets);
                mk_buf_init(&all, mem, sizeof mem);
                encode(vectors[i].octets, 0, step, room, &all);
                assert_str_equal(mk_buf_str(&all), vectors[i].text);
            }
        }
    }
}

static const row strict_rows[] = {
    {S("="), S(""), 0},          {S("=="), S(""), 0},
    {S("===="), S(""), 0},       {S("Q="), S(""), 1},
    {S("Q==="), S(""), 1},       {S("Q"), S(""), NO_PLACE},
    {S("QQ"), S(""), NO_PLACE},  {S("QQ="), S(""), NO_PLACE},
    {S("QUI"), S(""), NO_PLACE}, {S("QQ==="), S(""), 4},
    {S("QUI=="), S(""), 4},      {S("QQ=Q"), S(""), 3},
    {S("QR=="), S(""), 2},       {S("QUJ="), S(""), 3},
    {S("QUI=QUJD"), S(""), 4},   {S("QUJD\r\n"), S(""), 4},
    {S("QU\nJD"), S(""), 2},     {S(" QUJD"), S(""), 0},
    {S("QU-_"), S(""), 2},       {S("QU\0JD"), S(""), 2},
    {S("QQ=\r="), S(""), 3},     {S("\x80QUJD"), S(""), 0},
    {S("QUJD\xFF"), S(""), 4},
};

static void sec_064_strict_refuses(void **state)
{
    size_t i, step, room;

    (void)state;
    for (i = 0; i < COUNT(strict_rows); i++) {
        for (step = 1; step < 6; step++) {
            for (room = 1; room < 4; room++) {
                const row *r = &strict_rows[i];
                size_t want = r->defects == NO_PLACE ? r->text.len : r->defects;
                char mem[64];
                uint64_t defects;
                size_t at;
                mk_buf all;

                mk_buf_init(&all, mem, sizeof mem);
                assert_int_equal(decode(r->text, MK_BASE64_STRICT, step, room,
                                        &all, &at, &defects),
                                 MK_E_SYNTAX);
                assert_int_equal(at, want);
            }
        }
    }
}

static const row mime_rows[] = {
    {S(""), S(""), 0},
    {S("QUJD"), S("ABC"), 0},
    {S("QU\r\nJD\r\n"), S("ABC"), 0},
    {S("Q U\tJ D\n"), S("ABC"), 0},
    {S("QQ\r\n=\r\n=\r\n"), S("A"), 0},
    {S("QQ"), S("A"), 1},
    {S("QQ="), S("A"), 1},
    {S("QQ=\r"), S("A"), 1},
    {S("QUI"), S("AB"), 1},
    {S("Q"), S(""), 1},
    {S("="), S(""), 1},
    {S("=\r"), S(""), 1},
    {S("=4"), S(""), 2},
    {S("=GG"), S("\x18"), 2},
    {S("Q==="), S(""), 3},
    {S("Q=QUJD"), S("ABC"), 1},
    {S("QR=="), S("A"), 1},
    {S("QUJ="), S("AB"), 1},
    {S("QQ==="), S("A"), 1},
    {S("QQ==QQ=="), S("AA"), 1},
    {S("QQ=QUJD"), S("AABC"), 1},
    {S("QQ=QUJD="), S("AABC"), 2},
    {S("Q*U-JD"), S("ABC"), 2},
    {S("QU\0JD"), S("ABC"), 1},
    {S("\x80Q\xFFUJD\xC3"), S("ABC"), 3},
    {S("\xEF\xBB\xBFQUJD"), S("ABC"), 3},
};

static void sec_064_mime_passes_over(void **state)
{
    size_t i, step, room;

    (void)state;
    for (i = 0; i < COUNT(mime_rows); i++) {
        for (step = 1; step < 6; step++) {
            for (room = 1; room < 4; room++) {
                const row *r = &mime_rows[i];
                char mem[64];
                uint64_t defects;
                size_t at;
                mk_buf all;

                mk_buf_init(&all, mem, sizeof mem);
                assert_int_equal(decode(r->text, MK_BASE64_MIME, step, room,
                                        &all, &at, &defects),
                                 MK_OK);
                assert_str_equal(mk_buf_str(&all), r->octets);
                assert_true(defects == r->defects);
            }
        }
    }
}

/* n characters of the alphabet ('A', all bits zero) and pads "=". */
static void check_length(size_t n, size_t pads, size_t step, size_t room)
{
    char text[16], mem[64];
    size_t over = n % 4;
    bool right = over != 1 && pads == (4 - over) % 4;
    uint64_t defects;
    size_t at;
    mk_buf all;

    memset(text, 'A', n);
    memset(text + n, '=', pads);
    mk_buf_init(&all, mem, sizeof mem);
    assert_int_equal(decode(mk_str_of(text, n + pads), MK_BASE64_STRICT, step,
                            room, &all, &at, &defects),
                     right ? MK_OK : MK_E_SYNTAX);
    mk_buf_init(&all, mem, sizeof mem);
    assert_int_equal(decode(mk_str_of(text, n + pads), MK_BASE64_MIME, step,
                            room, &all, &at, &defects),
                     MK_OK);
    assert_int_equal(all.len, n / 4 * 3 + (over > 1 ? over - 1 : 0));
    assert_int_equal(defects > 0, !right);
}

static void sec_064_all_lengths_and_pads(void **state)
{
    size_t n, pads, step, room;

    (void)state;
    for (n = 0; n <= 9; n++) {
        for (pads = 0; pads <= 5; pads++) {
            for (step = 1; step <= 5; step++) {
                for (room = 1; room <= 3; room++) {
                    check_length(n, pads, step, room);
                }
            }
        }
    }
}

static void sec_024_high_octets_everywhere(void **state)
{
    size_t place;
    int c;

    (void)state;
    for (c = 128; c < 256; c++) {
        for (place = 0; place < 8; place++) {
            char text[] = "QUJDQQ==", mem[16];
            uint64_t defects;
            size_t at;
            mk_buf all;

            text[place] = (char)(unsigned char)c;
            mk_buf_init(&all, mem, sizeof mem);
            assert_int_equal(decode(mk_str_of(text, 8), MK_BASE64_STRICT, 8, 8,
                                    &all, &at, &defects),
                             MK_E_SYNTAX);
            assert_int_equal(at, place);
            mk_buf_init(&all, mem, sizeof mem);
            assert_int_equal(decode(mk_str_of(text, 8), MK_BASE64_MIME, 8, 8,
                                    &all, &at, &defects),
                             MK_OK);
            assert_true(defects > 0);
        }
    }
}

static void lines_are_cut_where_told(void **state)
{
    static const struct {
        size_t octets;
        unsigned line_chars;
        size_t length;
    } rows[] = {
        {57, 76, 76}, {58, 76, 82},  {114, 76, 154}, {115, 76, 160},
        {3, 4, 4},    {4, 4, 10},    {9, 4, 16},     {0, 76, 0},
        {57, 0, 76},  {300, 0, 400}, {1, 76, 4},
    };
    char octets[300], mem[512], back[512];
    size_t i, k, step;

    (void)state;
    for (i = 0; i < sizeof octets; i++) {
        octets[i] = (char)(unsigned char)(i * 7);
    }
    for (i = 0; i < COUNT(rows); i++) {
        for (step = 1; step < 4; step++) {
            mk_str in = mk_str_of(octets, rows[i].octets);
            size_t width = rows[i].line_chars;
            uint64_t defects;
            size_t at;
            mk_buf all, again;

            mk_buf_init(&all, mem, sizeof mem);
            encode(in, rows[i].line_chars, step, step, &all);
            assert_int_equal(all.len, rows[i].length);
            for (k = width; width > 0 && k < all.len; k += width + 2) {
                assert_memory_equal(all.ptr + k, "\r\n", 2);
            }
            mk_buf_init(&again, back, sizeof back);
            assert_int_equal(decode(mk_buf_str(&all), MK_BASE64_MIME, step, 1,
                                    &again, &at, &defects),
                             MK_OK);
            assert_str_equal(mk_buf_str(&again), in);
            assert_true(defects == 0);
        }
    }
}

static void line_lengths_are_checked(void **state)
{
    mk_base64_encoder e;

    (void)state;
    assert_int_equal(mk_base64_encoder_init(&e, 80), MK_E_ARG);
    assert_int_equal(mk_base64_encoder_init(&e, 75), MK_E_ARG);
    assert_int_equal(mk_base64_encoder_init(&e, 4), MK_OK);
}

static void sec_064_whole_texts(void **state)
{
    char mem[8] = "........";
    mk_buf b;

    (void)state;
    mk_buf_init(&b, mem, 5);
    assert_int_equal(mk_buf_add_z(&b, "ab"), MK_OK);
    assert_int_equal(mk_base64_parse(mk_str_z("QUJE"), &b), MK_OK);
    assert_str_equal(mk_buf_str(&b), mk_str_z("abABD"));
    assert_int_equal(mk_base64_parse(mk_str_z(""), &b), MK_OK);
    assert_int_equal(mk_base64_parse(mk_str_z("QQ=="), &b), MK_E_ROOM);
    assert_true(b.full);
    assert_int_equal(b.len, 5);
    mk_buf_init(&b, mem, 8);
    assert_int_equal(mk_base64_parse(mk_str_z("QUJEQQ"), &b), MK_E_SYNTAX);
    assert_int_equal(b.len, 0);
    assert_false(b.full);
    /* Nothing of a refused secret stays. */
    assert_memory_equal(mem, "\0\0\0\0", 4);
    assert_int_equal(mk_base64_format(mk_str_z("ABCA"), &b), MK_OK);
    assert_str_equal(mk_buf_str(&b), mk_str_z("QUJDQQ=="));
    mk_buf_init(&b, mem, 7);
    assert_int_equal(mk_base64_format(mk_str_z("ABCA"), &b), MK_E_ROOM);
    assert_true(b.full);
    assert_int_equal(b.len, 0);
}

static void sec_111_lengths_that_cannot_fit(void **state)
{
    static const size_t lengths[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX - 1,
                                     2147483648U, 4294967295U};
    char mem[16];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(lengths); i++) {
        mk_buf b;

        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(mk_base64_format(mk_str_of("x", lengths[i]), &b),
                         MK_E_ROOM);
        assert_int_equal(b.len, 0);
    }
}

static void sec_064_a_failure_stays(void **state)
{
    mk_str bad = MK_STR_INIT("*");
    mk_str good = MK_STR_INIT("QUJD");
    mk_str none = mk_str_of(NULL, 0);
    mk_base64_decoder d;
    char mem[8];
    mk_buf b;

    (void)state;
    mk_buf_init(&b, mem, sizeof mem);
    mk_base64_decoder_init(&d, MK_BASE64_STRICT);
    assert_int_equal(mk_base64_decode(&d, &bad, &b), MK_E_SYNTAX);
    assert_int_equal(mk_base64_decode(&d, &good, &b), MK_E_SYNTAX);
    assert_int_equal(good.len, 4);
    assert_int_equal(mk_base64_decode(&d, &none, &b), MK_E_SYNTAX);
    assert_int_equal(mk_base64_decode_finish(&d), MK_E_SYNTAX);
    assert_int_equal(b.len, 0);
}

static void the_end_may_come_without_room(void **state)
{
    mk_str in = MK_STR_INIT("\xFF");
    mk_base64_encoder e;
    char mem[8];
    mk_buf none, b;

    (void)state;
    mk_buf_init(&none, NULL, 0);
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_base64_encoder_init(&e, 0), MK_OK);
    assert_int_equal(mk_base64_encode(&e, &in, &none), MK_E_ROOM);
    assert_int_equal(mk_base64_encode_finish(&e, &none), MK_E_ROOM);
    assert_int_equal(mk_base64_encode_finish(&e, &b), MK_OK);
    assert_str_equal(mk_buf_str(&b), mk_str_z("/w=="));
}

static void a_spoilt_buffer_takes_nothing(void **state)
{
    mk_str in = MK_STR_INIT("QUJD");
    mk_base64_decoder d;
    char mem[8];
    mk_buf b;

    (void)state;
    mk_buf_init(&b, mem, sizeof mem);
    b.full = true;
    mk_base64_decoder_init(&d, MK_BASE64_STRICT);
    assert_int_equal(mk_base64_decode(&d, &in, &b), MK_E_ROOM);
    assert_int_equal(in.len, 3);
    assert_int_equal(b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_both_ways),
        cmocka_unit_test(sec_064_strict_refuses),
        cmocka_unit_test(sec_064_mime_passes_over),
        cmocka_unit_test(sec_064_all_lengths_and_pads),
        cmocka_unit_test(sec_024_high_octets_everywhere),
        cmocka_unit_test(lines_are_cut_where_told),
        cmocka_unit_test(line_lengths_are_checked),
        cmocka_unit_test(sec_064_whole_texts),
        cmocka_unit_test(sec_111_lengths_that_cannot_fit),
        cmocka_unit_test(sec_064_a_failure_stays),
        cmocka_unit_test(the_end_may_come_without_room),
        cmocka_unit_test(a_spoilt_buffer_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
