/* SPDX-License-Identifier: MIT
 *
 * test_transfer.c: bodies out of their transfer encoding, and text to UTF-8, at
 * every way to cut input and output. THREATS 64 (each encoding cut at the end
 * of every buffer), 66 (never more octets out than in).
 */
#include "../base/pump.h"

#include <mailkit/message.h>

#define S(lit) MK_STR_INIT(lit)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define R "\xEF\xBF\xBD" /* U+FFFD */

typedef struct row {
    mk_encoding encoding;
    mk_str body;
    mk_str octets;
    uint64_t defects;
} row;

/* clang-format off */
static const row rows[] = {
    {MK_ENCODING_7BIT, S("as it\r\nstands\r\n"), S("as it\r\nstands\r\n"), 0},
    {MK_ENCODING_8BIT, S("\xE9\xFF"), S("\xE9\xFF"), 0},
    {MK_ENCODING_BINARY, S("\0\r\xFF\n"), S("\0\r\xFF\n"), 0},
    {MK_ENCODING_UNKNOWN, S("=41QUJD"), S("=41QUJD"), 0},
    {MK_ENCODING_7BIT, S(""), S(""), 0},
    {MK_ENCODING_BASE64, S("QUJD\r\nRA==\r\n"), S("ABCD"), 0},
    {MK_ENCODING_BASE64, S("QU!JD"), S("ABC"), 1},
    {MK_ENCODING_BASE64, S("QUJ"), S("AB"), 1},
    /* texts that were joined: each goes on behind the padding of the last */
    {MK_ENCODING_BASE64, S("QQ==\r\nQUJDQUJD\r\nQUJD\r\n"), S("AABCABCABC"), 1},
    {MK_ENCODING_BASE64, S("QQ=\r\nQUJDQUJD\r\nQUI=\nQUJD"), S("AABCABCABABC"),
     2},
    {MK_ENCODING_BASE64, S("Q\r\n=QUJD\r\n=\r\nQUJD\r\n"), S("ABCABC"), 2},
    {MK_ENCODING_QUOTED_PRINTABLE, S("caf=E9=\r\n!  \r\n"),
     S("caf\xE9!\r\n"), 0},
    {MK_ENCODING_QUOTED_PRINTABLE, S("a=4"), S("a=4"), 1},
    {MK_ENCODING_UUENCODE,
     S("begin 644 hello.txt\r\n&:&5L;&\\*\r\n`\r\nend\r\n"), S("hello\n"), 0},
    {MK_ENCODING_UUENCODE, S("begin 644 x\n#0V%T\n \nend\n"), S("Cat"), 0},
    {MK_ENCODING_UUENCODE,
     S("Here it is:\n\nbegin 600 a b\n#0V%T\n`\nend\nand another\n"
       "begin 644 x\n$0V%T<P``\n`\nend\n"), S("CatCats"), 0},
    {MK_ENCODING_UUENCODE, S("begin 644 x\n#0V%T and a checksum\n`\nend\n"),
     S("Cat"), 0},
    /* spaces at the end were lost */
    {MK_ENCODING_UUENCODE, S("begin 644 x\n#0V\n`\nend\n"), S("C"), 1},
    {MK_ENCODING_UUENCODE, S("begin 644 x\n#0V%T\n"), S("Cat"), 1},
    {MK_ENCODING_UUENCODE, S("begin 644 x\n#0\x7F%T\n`\nend\n"), S("@\x01t"),
     1},
    {MK_ENCODING_UUENCODE, S("begin 644 x\n\n\r\n#0V%T\nend\n"), S("Cat"), 0},
    {MK_ENCODING_UUENCODE, S("begin 644 x\n~~~\nbegin 644 y\n!00\n`\nend\n"),
     S("A"), 1},
    {MK_ENCODING_UUENCODE, S("no file\nbeginning\n begin 644 x\n#0V%T\n"),
     S(""), 0},
    {MK_ENCODING_UUENCODE, S("begin"), S(""), 0},
};
/* clang-format on */

static mk_err work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_transfer_decode(self, io_in, out);
}

static mk_err finish(void *self, mk_buf *out)
{
    return mk_transfer_decode_finish(self, out);
}

static void sec_064_decodes_cut_anywhere(void **state)
{
    char mem[256];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t step = 1; step <= rows[i].body.len + 1; step++) {
            for (size_t room = 1; room < 20; room++) {
                mk_transfer t;
                codec c = {&t, work, finish};
                mk_buf all;
                size_t at;
                mk_buf_init(&all, mem, sizeof mem);
                mk_transfer_init(&t, rows[i].encoding);
                assert_int_equal(pump(&c, rows[i].body, step, room, &all, &at),
                                 MK_OK);
                assert_int_equal(at, rows[i].body.len);
                assert_str_equal(mk_buf_str(&all), rows[i].octets);
                assert_int_equal(t.defects, rows[i].defects);
            }
        }
    }
}

/* Any octets, in any encoding: never more come out than went in. */
static void sec_066_no_encoding_unpacks(void **state)
{
    static const char letters[] = "begin 64\n\r`MQ=09 zend\xFF\0+/";
    char in[4096];
    char mem[4096];
    uint32_t seed = 7;
    (void)state;
    for (size_t round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof in; i++) {
            seed = seed * 1103515245U + 12345U;
            in[i] = letters[(seed >> 16) % sizeof letters];
        }
        for (int e = 0; e <= MK_ENCODING_UNKNOWN; e++) {
            mk_transfer t;
            mk_buf out;
            mk_str view = mk_str_of(in, sizeof in);
            mk_buf_init(&out, mem, sizeof mem);
            mk_transfer_init(&t, (mk_encoding)e);
            assert_int_equal(mk_transfer_decode(&t, &view, &out), MK_WAIT);
            assert_int_equal(mk_transfer_decode_finish(&t, &out), MK_OK);
        }
    }
}

/* What would come out beyond the budget is dropped, wherever it is cut. */
static void sec_066_a_budget_ends_it(void **state)
{
    char mem[256];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (uint64_t left = 0; left <= rows[i].octets.len + 1; left++) {
            for (size_t step = 1; step <= rows[i].body.len + 1; step++) {
                for (size_t room = 1; room < 12; room++) {
                    mk_transfer t;
                    /* the least of the two counts */
                    bool is_own = room % 2 != 0;
                    mk_budget whole = {is_own ? left + 100 : left, NULL};
                    mk_budget own = {is_own ? left : UINT64_MAX, &whole};
                    codec c = {&t, work, finish};
                    mk_buf all;
                    size_t at;
                    mk_buf_init(&all, mem, sizeof mem);
                    mk_transfer_init(&t, rows[i].encoding);
                    t.budget = &own;
                    assert_int_equal(
                        pump(&c, rows[i].body, step, room, &all, &at), MK_OK);
                    assert_int_equal(at, rows[i].body.len);
                    assert_str_equal(mk_buf_str(&all),
                                     mk_str_sub(rows[i].octets, 0, left));
                    assert_int_equal(t.is_cut, left < rows[i].octets.len);
                    assert_int_equal(t.defects, rows[i].defects);
                    assert_true((is_own ? own.left : whole.left) ==
                                left - all.len);
                }
            }
        }
    }
}

/* What is no base64 ends a body for some (THREATS 63). */
static void sec_063_some_stop_at_junk(void **state)
{
    static const struct {
        mk_str body, octets;
    } stops[] = {
        {S("QUJD\r\n RA==\r\n"), S("ABCD")},
        {S("QUJD!RUZH"), S("ABC")},
        {S("QUI=QUJD"), S("AB")},
        {S("QQ==\r\n=\r\n-- \r\nfooter"), S("A")},
        {S("QUJD\r\n-- \r\nQUJD"), S("ABC")},
        {S("!QUJD"), S("")},
        {S(""), S("")},
    };
    char mem[64];
    (void)state;
    for (size_t i = 0; i < COUNT(stops); i++) {
        for (size_t step = 1; step <= stops[i].body.len + 1; step++) {
            for (size_t room = 1; room < 12; room++) {
                mk_transfer t;
                codec c = {&t, work, finish};
                mk_buf all;
                size_t at;
                mk_buf_init(&all, mem, sizeof mem);
                mk_transfer_init(&t, MK_ENCODING_BASE64);
                t.stops = true;
                assert_int_equal(pump(&c, stops[i].body, step, room, &all, &at),
                                 MK_OK);
                assert_int_equal(at, stops[i].body.len);
                assert_str_equal(mk_buf_str(&all), stops[i].octets);
            }
        }
    }
}

/* clang-format off */
static const struct {
    mk_encoding encoding;
    mk_charset charset;
    mk_str body;
    mk_str text;
    mk_err begun;
} texts[] = {
    {MK_ENCODING_QUOTED_PRINTABLE, MK_CHARSET_ISO_8859_1, S("caf=E9=20=\r\n!"),
     S("caf\xC3\xA9 !"), MK_OK},
    {MK_ENCODING_BASE64, MK_CHARSET_UTF_8, S("Y2Fmw6kh"), S("caf\xC3\xA9!"),
     MK_OK},
    {MK_ENCODING_BASE64, MK_CHARSET_UTF_16LE, S("YQDpAA=="), S("a\xC3\xA9"),
     MK_OK},
    {MK_ENCODING_8BIT, MK_CHARSET_KOI8_R, S("\xF0"), S("\xD0\x9F"), MK_OK},
    {MK_ENCODING_7BIT, MK_CHARSET_NONE, S("a\xE9"), S("a" R), MK_OK},
    {MK_ENCODING_7BIT, MK_CHARSET_UTF_8, S("a\xE2\x82"), S("a" R), MK_OK},
    {MK_ENCODING_QUOTED_PRINTABLE, MK_CHARSET_UTF_8, S("a=E2=8"),
     S("a" R "=8"), MK_OK},
    {MK_ENCODING_8BIT, MK_CHARSET_BIG5, S("\xA7\x41"), S(R "A"),
     MK_E_UNSUPPORTED},
};
/* clang-format on */

static mk_err text_work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_text_decode(self, io_in, out);
}

static mk_err text_finish(void *self, mk_buf *out)
{
    return mk_text_decode_finish(self, out);
}

static void sec_065_text_cut_anywhere(void **state)
{
    char mem[256];
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t step = 1; step <= texts[i].body.len + 1; step++) {
            for (size_t room = 1; room < 12; room++) {
                mk_text_decoder d;
                codec c = {&d, text_work, text_finish};
                mk_buf all;
                size_t at;
                mk_buf_init(&all, mem, sizeof mem);
                assert_int_equal(mk_text_decoder_init(&d, texts[i].encoding,
                                                      texts[i].charset, NULL),
                                 texts[i].begun);
                assert_int_equal(pump(&c, texts[i].body, step, room, &all, &at),
                                 MK_OK);
                assert_str_equal(mk_buf_str(&all), texts[i].text);
                mk_text_decoder_fini(&d);
                mk_text_decoder_fini(&d);
            }
        }
    }
}

/* More than fits between the two decoders. */
static void long_texts_flow(void **state)
{
    enum { N = 5000 };
    static char in[3 * N];
    static char mem[2 * N];
    mk_text_decoder d;
    mk_buf out;
    (void)state;
    for (size_t i = 0; i < N; i++) {
        memcpy(in + 3 * i, "=E9", 3);
    }
    mk_str view = mk_str_of(in, sizeof in);
    mk_buf_init(&out, mem, sizeof mem);
    assert_int_equal(mk_text_decoder_init(&d, MK_ENCODING_QUOTED_PRINTABLE,
                                          MK_CHARSET_ISO_8859_1, NULL),
                     MK_OK);
    assert_int_equal(mk_text_decode(&d, &view, &out), MK_WAIT);
    assert_int_equal(mk_text_decode_finish(&d, &out), MK_OK);
    assert_int_equal(out.len, 2 * N);
    for (size_t i = 0; i < N; i++) {
        assert_memory_equal(mem + 2 * i, "\xC3\xA9", 2);
    }
    mk_text_decoder_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_064_decodes_cut_anywhere),
        cmocka_unit_test(sec_066_no_encoding_unpacks),
        cmocka_unit_test(sec_066_a_budget_ends_it),
        cmocka_unit_test(sec_063_some_stop_at_junk),
        cmocka_unit_test(sec_065_text_cut_anywhere),
        cmocka_unit_test(long_texts_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
