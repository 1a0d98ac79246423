/* SPDX-License-Identifier: MIT
 *
 * test_qp.c: quoted-printable (RFC 2045 §6.7) and hexadecimal, at every way
 * to cut input and output. THREATS 64 (`=`, `=\r`, `=4`, `=GG` at the end of
 * every buffer), 24 (high octets).
 */
#include "pump.h"

#include <mailkit/codec.h>

#define S(lit) MK_STR_INIT(lit)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef struct row {
    mk_str text;
    mk_str octets;
    uint64_t defects;
} row;

static mk_err decode_work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_qp_decode(self, io_in, out);
}

static mk_err decode_finish(void *self, mk_buf *out)
{
    return mk_qp_decode_finish(self, out);
}

static mk_err encode_work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_qp_encode(self, io_in, out);
}

static mk_err encode_finish(void *self, mk_buf *out)
{
    return mk_qp_encode_finish(self, out);
}

static uint64_t decode(mk_str text, size_t step, size_t room, mk_buf *all)
{
    mk_qp_decoder d;
    codec c = {&d, decode_work, decode_finish};
    size_t at;

    mk_qp_decoder_init(&d);
    assert_int_equal(pump(&c, text, step, room, all, &at), MK_OK);
    assert_int_equal(at, text.len);
    assert_true(all->len <= text.len);
    return d.defects;
}

static void encode(mk_str octets, mk_qp_mode mode, size_t step, size_t room,
                   mk_buf *all)
{
    mk_qp_encoder e;
    codec c = {&e, encode_work, encode_finish};
    size_t at;

    mk_qp_encoder_init(&e, mode);
    assert_int_equal(pump(&c, octets, step, room, all, &at), MK_OK);
    assert_int_equal(at, octets.len);
}

static void check_decoding(const row *rows, size_t count)
{
    size_t i, step, room;

    for (i = 0; i < count; i++) {
        for (step = 1; step < 7; step++) {
            for (room = 1; room < 5; room++) {
                char mem[64];
                mk_buf all;

                mk_buf_init(&all, mem, sizeof mem);
                assert_true(decode(rows[i].text, step, room, &all) ==
                            rows[i].defects);
                assert_str_equal(mk_buf_str(&all), rows[i].octets);
            }
        }
    }
}

static void text_is_decoded(void **state)
{
    static const row rows[] = {
        {S(""), S(""), 0},
        {S("abc"), S("abc"), 0},
        {S("a=3Db"), S("a=b"), 0},
        {S("=E4=F6=00"), S("\xE4\xF6\0"), 0},
        {S("a=\r\nb"), S("ab"), 0},
        {S("a=\nb"), S("ab"), 0},
        {S("a= \t\r\nb"), S("ab"), 0},
        {S("a =\r\n b"), S("a  b"), 0},
        {S("a\r\nb\r\n"), S("a\r\nb\r\n"), 0},
        {S("a\n\nb\n"), S("a\n\nb\n"), 0},
        {S("a \t\r\nb"), S("a\r\nb"), 0},
        {S("a \nb"), S("a\nb"), 0},
        {S("a \t"), S("a"), 0},
        {S(" a\tb"), S(" a\tb"), 0},
        {S("a=20\r\n"), S("a \r\n"), 0},
        {S("a=0D=0Ab"), S("a\r\nb"), 0},
    };

    (void)state;
    check_decoding(rows, COUNT(rows));
}

static void sec_064_malformed_is_passed_on(void **state)
{
    static const row rows[] = {
        {S("a="), S("a"), 1},
        {S("a=\r"), S("a"), 1},
        {S("a= "), S("a"), 1},
        {S("a=4"), S("a=4"), 1},
        {S("=GG"), S("=GG"), 1},
        {S("=4G"), S("=4G"), 1},
        {S("==41"), S("=A"), 1},
        {S("==="), S("=="), 3},
        {S("=4=41"), S("=4A"), 1},
        {S("=4\r\n"), S("=4\r\n"), 1},
        {S("=4\nb"), S("=4\nb"), 1},
        {S("=4 1"), S("=4 1"), 1},
        {S("= x"), S("= x"), 1},
        {S("= 41"), S("= 41"), 1},
        {S("=\rb"), S("=\rb"), 1},
        {S("=\r\r\nb"), S("=\r\r\nb"), 1},
        {S("=a="), S("=a"), 2},
        {S("=e4"), S("\xE4"), 1},
        {S("=a0"), S("\xA0"), 1},
        {S("=0a"), S("\n"), 1},
        {S("=Ef"), S("\xEF"), 1},
        {S("a\rb"), S("a\rb"), 1},
        {S("a \rb"), S("a \rb"), 1},
        {S("a\r"), S("a\r"), 1},
        {S("a\r\r\n"), S("a\r\r\n"), 1},
        {S("a\0\x01\x7F"), S("a\0\x01\x7F"), 3},
    };

    (void)state;
    check_decoding(rows, COUNT(rows));
}

static void sec_024_high_octets_pass(void **state)
{
    int c;
    size_t place;

    (void)state;
    for (c = 128; c < 256; c++) {
        for (place = 0; place < 7; place++) {
            char text[] = "= =4 \r\n", mem[16];
            mk_buf all;

            text[place] = (char)(unsigned char)c;
            mk_buf_init(&all, mem, sizeof mem);
            assert_true(decode(mk_str_of(text, 7), 1, 1, &all) > 0);
            assert_true(mk_str_find(mk_buf_str(&all), (unsigned char)c) <
                        all.len);
        }
    }
}

static void sec_064_white_space_without_end(void **state)
{
    static const struct {
        const char *tail;
        size_t spaces, kept;
        uint64_t defects;
    } rows[] = {
        {"x", MK_QP_HELD_MAX, MK_QP_HELD_MAX, 0},
        {"\r\n", MK_QP_HELD_MAX - 1, 0, 0},
        {"\n", MK_QP_HELD_MAX, 0, 0},
        {"\r\n", MK_QP_HELD_MAX, MK_QP_HELD_MAX, 1},
        {"x", MK_QP_HELD_MAX + 1, MK_QP_HELD_MAX + 1, 1},
        {"x", 200, 200, 2},
        {"", 200, 160, 2},
        {"\r\n", 200, 160, 2},
    };
    char text[256], mem[256];
    size_t i, step;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        for (step = 1; step < 300; step += 37) {
            size_t tail = strlen(rows[i].tail);
            size_t n = rows[i].spaces;
            mk_buf all;

            memset(text, ' ', n);
            memcpy(text + n, rows[i].tail, tail);
            mk_buf_init(&all, mem, sizeof mem);
            assert_true(decode(mk_str_of(text, n + tail), step, step, &all) ==
                        rows[i].defects);
            assert_int_equal(all.len, rows[i].kept + tail);
        }
    }
}

/* "=", white space and a line end: a soft line break while it can be held,
 * and text with a hard one when it cannot. */
static void sec_064_padding_without_end(void **state)
{
    static const struct {
        size_t spaces, kept;
        uint64_t defects;
    } rows[] = {
        {MK_QP_HELD_MAX - 1, 0, 0},
        {MK_QP_HELD_MAX, MK_QP_HELD_MAX + 1, 1},
        {MK_QP_HELD_MAX + 1, MK_QP_HELD_MAX + 1, 1},
    };
    char text[256], mem[256];
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        mk_buf all;

        memset(text, ' ', sizeof text);
        text[0] = '=';
        text[1 + rows[i].spaces] = '\n';
        mk_buf_init(&all, mem, sizeof mem);
        assert_true(decode(mk_str_of(text, rows[i].spaces + 2), 5, 3, &all) ==
                    rows[i].defects);
        assert_int_equal(all.len, rows[i].kept);
    }
}

static void the_end_may_come_without_room(void **state)
{
    mk_str in = MK_STR_INIT("\xFF\xFE ");
    mk_qp_encoder e;
    char mem[16];
    mk_buf none, b;

    (void)state;
    mk_buf_init(&none, NULL, 0);
    mk_buf_init(&b, mem, sizeof mem);
    mk_qp_encoder_init(&e, MK_QP_TEXT);
    assert_int_equal(mk_qp_encode(&e, &in, &none), MK_E_ROOM);
    assert_int_equal(mk_qp_encode(&e, &in, &none), MK_E_ROOM);
    assert_int_equal(in.len, 2);
    assert_int_equal(mk_qp_encode_finish(&e, &none), MK_E_ROOM);
    assert_int_equal(mk_qp_encode(&e, &in, &b), MK_WAIT);
    assert_int_equal(mk_qp_encode_finish(&e, &none), MK_E_ROOM);
    assert_int_equal(mk_qp_encode_finish(&e, &none), MK_E_ROOM);
    assert_int_equal(mk_qp_encode_finish(&e, &b), MK_OK);
    assert_str_equal(mk_buf_str(&b), mk_str_z("=FF=FE=20"));
}

static void check_encoding(mk_qp_mode mode, const row *rows, size_t count)
{
    size_t i, step, room;

    for (i = 0; i < count; i++) {
        for (step = 1; step < 5; step++) {
            for (room = 1; room < 5; room++) {
                char mem[200];
                mk_buf all;

                mk_buf_init(&all, mem, sizeof mem);
                encode(rows[i].octets, mode, step, room, &all);
                assert_str_equal(mk_buf_str(&all), rows[i].text);
            }
        }
    }
}

static void text_is_encoded(void **state)
{
    static const row rows[] = {
        {S(""), S(""), 0},
        {S("a=3Db"), S("a=b"), 0},
        {S("a b"), S("a b"), 0},
        {S("a=20\r\n"), S("a \r\n"), 0},
        {S("a =09\r\n"), S("a \t\r\n"), 0},
        {S("a=09"), S("a\t"), 0},
        {S("a\r\nb\r\n"), S("a\r\nb\r\n"), 0},
        {S("a=0Ab"), S("a\nb"), 0},
        {S("a=0Db"), S("a\rb"), 0},
        {S("a=0D"), S("a\r"), 0},
        {S("=0D\r\n"), S("\r\r\n"), 0},
        {S("a=20=0Db"), S("a \rb"), 0},
        {S("=E4=00=7F"), S("\xE4\0\x7F"), 0},
    };

    (void)state;
    check_encoding(MK_QP_TEXT, rows, COUNT(rows));
}

static void octets_are_encoded(void **state)
{
    static const row rows[] = {
        {S("a=0D=0Ab"), S("a\r\nb"), 0},
        {S("a=20=0D=0A"), S("a \r\n"), 0},
        {S("=FF=20"), S("\xFF "), 0},
    };

    (void)state;
    check_encoding(MK_QP_BINARY, rows, COUNT(rows));
}

/* RFC 2045 §6.7 (5): 76 characters a line, the "=" included; and (3). */
static void check_lines(mk_str text)
{
    size_t column = 0, i;

    for (i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\r') {
            assert_true(column <= 76);
            assert_int_equal(text.ptr[i + 1], '\n');
            assert_true(i == 0 ||
                        (text.ptr[i - 1] != ' ' && text.ptr[i - 1] != '\t'));
            column = 0;
            i++;
            continue;
        }
        assert_true((c >= 32 && c < 127) || c == '\t');
        column++;
    }
    assert_true(column <= 76);
}

static void long_lines_are_cut(void **state)
{
    char octets[80], mem[300], want[90];
    size_t n;

    (void)state;
    memset(octets, 'a', sizeof octets);
    memset(want, 'a', sizeof want);
    for (n = 70; n <= 80; n++) {
        mk_buf all;

        mk_buf_init(&all, mem, sizeof mem);
        encode(mk_str_of(octets, n), MK_QP_TEXT, 7, 3, &all);
        assert_int_equal(all.len, n + (n > 75 ? 3 : 0));
        check_lines(mk_buf_str(&all));
        if (n > 75) {
            assert_memory_equal(all.ptr + 75, "=\r\n", 3);
        }
        assert_memory_equal(all.ptr, want, 75 < n ? 75 : n);
    }
}

/* All that was encoded comes back, whatever it was. */
static void what_goes_in_comes_out(void **state)
{
    static const unsigned char common[] = "a \t\r\n=\xE4.";
    char octets[400], mem[1600], back[1600];
    uint32_t seed = 1;
    size_t round, i;

    (void)state;
    for (round = 0; round < 200; round++) {
        mk_qp_mode mode = round % 2 ? MK_QP_TEXT : MK_QP_BINARY;
        mk_str in = mk_str_of(octets, round * 2);
        mk_buf all, again;

        for (i = 0; i < sizeof octets; i++) {
            seed = seed * 1664525U + 1013904223U;
            octets[i] = (char)common[(seed >> 24) % (sizeof common - 1)];
        }
        mk_buf_init(&all, mem, sizeof mem);
        encode(in, mode, round % 5 + 1, round % 4 + 1, &all);
        check_lines(mk_buf_str(&all));
        mk_buf_init(&again, back, sizeof back);
        assert_true(decode(mk_buf_str(&all), round % 3 + 1, 1, &again) == 0);
        assert_str_equal(mk_buf_str(&again), in);
    }
}

static mk_err hex_work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_hex_decode(self, io_in, out);
}

static mk_err hex_finish(void *self, mk_buf *out)
{
    (void)out;
    return mk_hex_decode_finish(self);
}

static mk_err unhex_work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_hex_encode(self, io_in, out);
}

static mk_err unhex_finish(void *self, mk_buf *out)
{
    (void)self;
    (void)out;
    return MK_OK;
}

static void hex_is_decoded(void **state)
{
    static const struct {
        mk_str text, octets;
        mk_err err;
        size_t at;
    } rows[] = {
        {S(""), S(""), MK_OK, 0},
        {S("00ff7FAb"), S("\0\xFF\x7F\xAB"), MK_OK, 8},
        {S("0"), S(""), MK_E_SYNTAX, 1},
        {S("0g"), S(""), MK_E_SYNTAX, 1},
        {S("00 11"), S("\0"), MK_E_SYNTAX, 2},
        {S("0x11"), S(""), MK_E_SYNTAX, 1},
        {S("1\xB1"), S(""), MK_E_SYNTAX, 1},
    };
    size_t i, step;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        for (step = 1; step < 4; step++) {
            mk_hex_decoder d;
            codec c = {&d, hex_work, hex_finish};
            char mem[16];
            size_t at;
            mk_buf all;

            mk_hex_decoder_init(&d);
            mk_buf_init(&all, mem, sizeof mem);
            assert_int_equal(pump(&c, rows[i].text, step, 1, &all, &at),
                             rows[i].err);
            assert_int_equal(at, rows[i].at);
            assert_str_equal(mk_buf_str(&all), rows[i].octets);
            assert_int_equal(mk_hex_decode_finish(&d), rows[i].err);
            if (rows[i].err != MK_OK && rows[i].at < rows[i].text.len) {
                mk_str more = MK_STR_INIT("11");

                assert_int_equal(mk_hex_decode(&d, &more, &all), MK_E_SYNTAX);
                assert_int_equal(more.len, 2);
            }
        }
    }
}

static void hex_is_encoded(void **state)
{
    size_t step, room, upper;

    (void)state;
    for (upper = 0; upper < 2; upper++) {
        for (step = 1; step < 4; step++) {
            for (room = 1; room < 4; room++) {
                mk_hex_encoder e;
                codec c = {&e, unhex_work, unhex_finish};
                char mem[16];
                size_t at;
                mk_buf all;

                mk_hex_encoder_init(&e, upper == 1);
                mk_buf_init(&all, mem, sizeof mem);
                assert_int_equal(pump(&c, mk_str_of("\0\xFE\xA0\x5b", 4), step,
                                      room, &all, &at),
                                 MK_OK);
                assert_str_equal(mk_buf_str(&all),
                                 mk_str_z(upper ? "00FEA05B" : "00fea05b"));
            }
        }
    }
}

/* Runs are copied many octets at a time: two odd octets at any places of a
 * longer text mean the same as one octet after the other. */
static void sec_064_runs_are_as_their_octets(void **state)
{
    static const char odd[] = " \t=\r\n\0\x1F\x7F\x80\xFF<>~!";
    enum { TEXT = 26 };
    char text[TEXT];
    char mem[2][2 * TEXT];

    (void)state;
    for (size_t a = 0; a < TEXT; a++) {
        for (size_t b = a; b < a + 10 && b < TEXT; b++) {
            for (size_t k = 0; k < sizeof odd * sizeof odd; k++) {
                mk_buf whole;
                mk_buf cut;

                memset(text, 'x', TEXT);
                text[a] = odd[k / sizeof odd];
                text[b] = odd[k % sizeof odd];
                mk_buf_init(&whole, mem[0], sizeof mem[0]);
                mk_buf_init(&cut, mem[1], sizeof mem[1]);
                assert_int_equal(
                    decode(mk_str_of(text, TEXT), TEXT, 2 * TEXT, &whole),
                    decode(mk_str_of(text, TEXT), 1, 1, &cut));
                assert_str_equal(mk_buf_str(&whole), mk_buf_str(&cut));
            }
        }
    }
}

/* The same octets, cut in two, mean the same as one after the other; each
 * part lies in memory of its size. */
static void check_two_parts(mk_str text, size_t cut)
{
    char mem[2][256];
    mk_qp_decoder d;
    mk_buf whole;
    mk_buf cut_in_two;
    mk_buf_init(&whole, mem[0], sizeof mem[0]);
    uint64_t defects = decode(text, 1, 1, &whole);
    mk_buf_init(&cut_in_two, mem[1], text.len);
    mk_qp_decoder_init(&d);
    for (size_t i = 0; i < 2; i++) {
        mk_str part =
            mk_str_sub(text, i == 0 ? 0 : cut, i == 0 ? cut : text.len - cut);
        char *exact = malloc(part.len);
        memcpy(exact, part.ptr, part.len);
        mk_str view = mk_str_of(exact, part.len);
        assert_int_equal(mk_qp_decode(&d, &view, &cut_in_two), MK_WAIT);
        free(exact);
    }
    assert_int_equal(mk_qp_decode_finish(&d, &cut_in_two), MK_OK);
    assert_int_equal(d.defects, defects);
    assert_str_equal(mk_buf_str(&cut_in_two), mk_buf_str(&whole));
}

/* What waits for more, where a buffer ends behind runs of any length. */
static void sec_064_tails_at_every_buffer_end(void **state)
{
    static const mk_str tails[] = {
        S("="),   S("=\r"),   S("=4"),     S("=GG"), S("=4G"), S("=C3="),
        S(" "),   S(" \t "),  S("\r"),     S(" \r"), S("= "),  S("= \r"),
        S("=\n"), S("=\r\n"), S("=C3=A4"), S("=c3"), S("\t="), S("\xFF"),
    };
    static const mk_str more[] = {
        S(""),  S("\n"),  S("\r\n"), S("1"), S("41"), S("xyz"),
        S("="), S(" \n"), S(" x"),   S("G"), S("\r"), S("=41=42"),
    };
    char text[128];
    (void)state;
    for (size_t run = 0; run < 40; run++) {
        for (size_t t = 0; t < COUNT(tails); t++) {
            for (size_t m = 0; m < COUNT(more); m++) {
                mk_buf b;
                mk_buf_init(&b, text, sizeof text);
                memset(text, 'x', run);
                b.len = run;
                assert_int_equal(mk_buf_add(&b, tails[t]), MK_OK);
                size_t cut = b.len;
                assert_int_equal(mk_buf_add(&b, more[m]), MK_OK);
                check_two_parts(mk_buf_str(&b), cut);
            }
        }
    }
}

/* Anything, in pieces of any size of input and of room. */
static void sec_064_any_octets_in_any_pieces(void **state)
{
    static const char odd[] = "  \t==\r\n\r\n4AFGaf09\0\x7F\x80\xFF";
    char text[120];
    char mem[2][128];
    uint32_t seed = 64;
    (void)state;
    for (size_t round = 0; round < 20000; round++) {
        size_t n = round % sizeof text;
        unsigned calm = 1 + (unsigned)(round / sizeof text) % 12;
        mk_buf whole;
        mk_buf cut;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245U + 12345U;
            text[i] = odd[(seed >> 20) % (sizeof odd - 1)];
            if ((seed >> 16) % calm != 0) {
                text[i] = (char)(unsigned char)('a' + (seed >> 20) % 26);
            }
        }
        mk_buf_init(&whole, mem[0], sizeof mem[0]);
        mk_buf_init(&cut, mem[1], sizeof mem[1]);
        uint64_t defects = decode(mk_str_of(text, n), 1, 1, &cut);
        assert_int_equal(
            decode(mk_str_of(text, n), 1 + round % 97, 1 + round % 41, &whole),
            defects);
        assert_str_equal(mk_buf_str(&whole), mk_buf_str(&cut));
        check_two_parts(mk_str_of(text, n), n / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_064_runs_are_as_their_octets),
        cmocka_unit_test(sec_064_tails_at_every_buffer_end),
        cmocka_unit_test(sec_064_any_octets_in_any_pieces),
        cmocka_unit_test(text_is_decoded),
        cmocka_unit_test(sec_064_malformed_is_passed_on),
        cmocka_unit_test(sec_024_high_octets_pass),
        cmocka_unit_test(sec_064_white_space_without_end),
        cmocka_unit_test(sec_064_padding_without_end),
        cmocka_unit_test(the_end_may_come_without_room),
        cmocka_unit_test(text_is_encoded),
        cmocka_unit_test(octets_are_encoded),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(hex_is_decoded),
        cmocka_unit_test(hex_is_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
