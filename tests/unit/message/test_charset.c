/* SPDX-License-Identifier: MIT
 *
 * test_charset.c: labels, decoders and the repair of wrong labels, at every way
 * to cut input and output. THREATS 65 (UTF-8, UTF-7 and ISO-2022 cut at the end
 * of every buffer), 24 (high octets).
 */
#include "../base/pump.h"

#include <mailkit/charset.h>

#define S(lit) MK_STR_INIT(lit)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define R "\xEF\xBF\xBD" /* U+FFFD */

/* clang-format off */
static const struct {
    mk_str label;
    mk_charset charset;
} labels[] = {
    {S("us-ascii"), MK_CHARSET_US_ASCII},
    {S("US-ASCII"), MK_CHARSET_US_ASCII},
    {S("ANSI_X3.4-1968"), MK_CHARSET_US_ASCII},
    {S("utf-8"), MK_CHARSET_UTF_8},
    {S("UTF8"), MK_CHARSET_UTF_8},
    {S(" \"Utf-8\" "), MK_CHARSET_UTF_8},
    {S("unicode-1-1-utf-7"), MK_CHARSET_UTF_7},
    {S("iso-8859-1"), MK_CHARSET_ISO_8859_1},
    {S("ISO_8859-1:1987"), MK_CHARSET_ISO_8859_1},
    {S("Iso 8859 1"), MK_CHARSET_ISO_8859_1},
    {S("latin1"), MK_CHARSET_ISO_8859_1},
    {S("iso-8859-11"), MK_CHARSET_WINDOWS_874},
    {S("TIS-620"), MK_CHARSET_WINDOWS_874},
    {S("ISO-8859-8-I"), MK_CHARSET_ISO_8859_8},
    {S("cp-850"), MK_CHARSET_IBM850},
    {S("Windows-1252"), MK_CHARSET_WINDOWS_1252},
    {S("x-cp1251"), MK_CHARSET_WINDOWS_1251},
    {S("KOI8-R"), MK_CHARSET_KOI8_R},
    {S("gb2312"), MK_CHARSET_GB18030},
    {S("ks_c_5601-1987"), MK_CHARSET_EUC_KR},
    {S("x-sjis"), MK_CHARSET_SHIFT_JIS},
    {S("UTF-16LE"), MK_CHARSET_UTF_16LE},
    {S(""), MK_CHARSET_NONE},
    {S("0"), MK_CHARSET_NONE},
    {S("-"), MK_CHARSET_NONE},
    {S("utf-"), MK_CHARSET_NONE},
    {S("utf-88"), MK_CHARSET_NONE},
    {S("iso-8859-12"), MK_CHARSET_NONE},
    {S("iso-8859-1\xE9"), MK_CHARSET_ISO_8859_1},
    {S("x-unknown"), MK_CHARSET_NONE},
    {S("utf-8                                                          "),
     MK_CHARSET_UTF_8},
    {S("utf-8                                                           "
       " "), MK_CHARSET_NONE},
};

typedef struct row {
    mk_charset charset;
    mk_str octets;
    mk_str text;
    uint64_t defects;
} row;

static const row rows[] = {
    {MK_CHARSET_US_ASCII, S(""), S(""), 0},
    {MK_CHARSET_US_ASCII, S("plain \0 text\r\n"), S("plain \0 text\r\n"), 0},
    {MK_CHARSET_US_ASCII, S("caf\xE9 \x80\xFF"), S("caf" R " " R R), 3},
    {MK_CHARSET_ISO_8859_1, S("caf\xE9 \x80\x93q\x94"),
     S("caf\xC3\xA9 \xE2\x82\xAC\xE2\x80\x9Cq\xE2\x80\x9D"), 0},
    {MK_CHARSET_WINDOWS_1252, S("\x81\xFF"), S(R "\xC3\xBF"), 1},
    {MK_CHARSET_ISO_8859_2, S("\xB1\xE6\xEA\xB3\xF1\xF3\xB6\xBC\xBF"),
     S("\xC4\x85\xC4\x87\xC4\x99\xC5\x82\xC5\x84\xC3\xB3\xC5\x9B\xC5\xBA"
       "\xC5\xBC"), 0},
    {MK_CHARSET_ISO_8859_5, S("\xBF\xE0\xD8\xD2\xD5\xE2"),
     S("\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82"), 0},
    {MK_CHARSET_ISO_8859_9, S("\xFD\xF0"), S("\xC4\xB1\xC4\x9F"), 0},
    {MK_CHARSET_ISO_8859_15, S("\xA4\xBD"), S("\xE2\x82\xAC\xC5\x93"), 0},
    {MK_CHARSET_WINDOWS_1250, S("\x9C\xB9"), S("\xC5\x9B\xC4\x85"), 0},
    {MK_CHARSET_WINDOWS_1251, S("\xCF\xF0\xE8\xE2\xE5\xF2"),
     S("\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82"), 0},
    {MK_CHARSET_WINDOWS_1253, S("\xC1\xE1\xD2"), S("\xCE\x91\xCE\xB1" R), 1},
    {MK_CHARSET_KOI8_R, S("\xF0\xD2\xC9\xD7\xC5\xD4"),
     S("\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82"), 0},
    {MK_CHARSET_KOI8_U, S("\xA4\xA6"), S("\xD1\x94\xD1\x96"), 0},
    {MK_CHARSET_IBM866, S("\x8F\xE0"), S("\xD0\x9F\xD1\x80"), 0},
    {MK_CHARSET_IBM437, S("\x84\xE1"), S("\xC3\xA4\xC3\x9F"), 0},
    {MK_CHARSET_MACINTOSH, S("\x8A\xD0"), S("\xC3\xA4\xE2\x80\x93"), 0},
    {MK_CHARSET_WINDOWS_874, S("\xA1\x80"), S("\xE0\xB8\x81\xE2\x82\xAC"), 0},
    {MK_CHARSET_UTF_8, S("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"),
     S("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"), 0},
    {MK_CHARSET_UTF_8, S("\xEF\xBB\xBF" "x"), S("\xEF\xBB\xBF" "x"), 0},
    {MK_CHARSET_UTF_8, S("\xF4\x8F\xBF\xBF\xF4\x90\x80\x80"),
     S("\xF4\x8F\xBF\xBF" R R R R), 4},
    {MK_CHARSET_UTF_8, S("\xC0\xAF|\xE0\x80\xAF|\xF0\x80\x80\xAF"),
     S(R R "|" R R R "|" R R R R), 9},
    {MK_CHARSET_UTF_8, S("\xED\xA0\x80\xED\x9F\xBF"),
     S(R R R "\xED\x9F\xBF"), 3},
    {MK_CHARSET_UTF_8, S("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF"
                         "\x64"), S("a" R R R "b" R "c" R R "d"), 6},
    {MK_CHARSET_UTF_8, S("\xE2\x82"), S(R), 1},
    {MK_CHARSET_UTF_8, S("\xFF\xFE"), S(R R), 2},
    {MK_CHARSET_UTF_16, S("\0a\xD8\x3D\xDE\0"), S("a\xF0\x9F\x98\x80"), 0},
    {MK_CHARSET_UTF_16, S("\xFE\xFF\0a\xFE\xFF"), S("a\xEF\xBB\xBF"), 0},
    {MK_CHARSET_UTF_16, S("\xFF\xFE" "a\0\x3D\xD8\0\xDE"),
     S("a\xF0\x9F\x98\x80"), 0},
    {MK_CHARSET_UTF_16LE, S("a\0\x3D\xD8" "b\0"), S("a" R "b"), 1},
    {MK_CHARSET_UTF_16BE, S("\xDC\0\0b\xD8\0\xD8\0\xDC\0"),
     S(R "b" R "\xF0\x90\x80\x80"), 2},
    {MK_CHARSET_UTF_16BE, S("\0a\xD8\0"), S("a" R), 1},
    {MK_CHARSET_UTF_16BE, S("\0a\0"), S("a" R), 1},
    {MK_CHARSET_UTF_7, S("Hi Mom -+Jjo--!"), S("Hi Mom -\xE2\x98\xBA-!"), 0},
    {MK_CHARSET_UTF_7, S("A+ImIDkQ."), S("A\xE2\x89\xA2\xCE\x91."), 0},
    {MK_CHARSET_UTF_7, S("+ZeVnLIqe-"),
     S("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"), 0},
    {MK_CHARSET_UTF_7, S("1 +- 1"), S("1 + 1"), 0},
    {MK_CHARSET_UTF_7, S("+2D3eAA-"), S("\xF0\x9F\x98\x80"), 0},
    {MK_CHARSET_UTF_7, S("a+"), S("a" R), 1},
    {MK_CHARSET_UTF_7, S("a+!b"), S("a" R "!b"), 1},
    {MK_CHARSET_UTF_7, S("+2D0-x"), S(R "x"), 1},
    {MK_CHARSET_UTF_7, S("+2D0AYQ-x"), S(R "ax"), 1},
    {MK_CHARSET_UTF_7, S("+AG"), S(R), 1},
    {MK_CHARSET_UTF_7, S("+AGE-x"), S("ax"), 0},
    {MK_CHARSET_UTF_7, S("+AGEA-x"), S("a" R "x"), 1},
    {MK_CHARSET_UTF_7, S("+AGEA"), S("a" R), 1},
    {MK_CHARSET_UTF_7, S("+AA-x"), S(R "x"), 1},
    {MK_CHARSET_UTF_7, S("\xE9"), S(R), 1},
    {MK_CHARSET_NONE, S("a\xE9"), S("a" R), 1},
    {MK_CHARSET_SHIFT_JIS, S("a\x93\xFA"), S("a" R R), 2},
};
/* clang-format on */

static mk_err work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_charset_decode(self, io_in, out);
}

static mk_err finish(void *self, mk_buf *out)
{
    return mk_charset_decode_finish(self, out);
}

static uint64_t decode(mk_charset charset, const mk_charset_table *table,
                       mk_str octets, size_t step, size_t room, mk_buf *all)
{
    mk_charset_decoder d;
    codec c = {&d, work, finish};
    size_t at;

    (void)mk_charset_decoder_init(&d, charset, table);
    assert_int_equal(pump(&c, octets, step, room, all, &at), MK_OK);
    assert_int_equal(at, octets.len);
    mk_charset_decoder_fini(&d);
    mk_charset_decoder_fini(&d);
    return d.defects;
}

static void check_row(const row *r, const mk_charset_table *table)
{
    char mem[512];
    uint64_t defects = 99;
    mk_buf all;

    for (size_t step = 1; step <= r->octets.len + 1; step++) {
        for (size_t room = 1; room < 20; room++) {
            mk_buf_init(&all, mem, sizeof mem);
            assert_int_equal(
                decode(r->charset, table, r->octets, step, room, &all),
                r->defects);
            assert_str_equal(mk_buf_str(&all), r->text);
        }
    }
    mk_buf_init(&all, mem, sizeof mem);
    (void)mk_charset_convert(r->charset, table, r->octets, &all, &defects);
    assert_str_equal(mk_buf_str(&all), r->text);
    assert_int_equal(defects, r->defects);
}

static void names_sets_by_label(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(labels); i++) {
        assert_int_equal(mk_charset_parse(labels[i].label), labels[i].charset);
    }
}

static void every_name_is_a_label(void **state)
{
    (void)state;
    for (int i = 1; i < MK_CHARSET_COUNT; i++) {
        mk_str name = mk_charset_name((mk_charset)i);
        assert_true(name.len > 2);
        assert_int_equal(mk_charset_parse(name), i);
    }
    assert_int_equal(mk_charset_name(MK_CHARSET_NONE).len, 0);
    assert_int_equal(mk_charset_name((mk_charset)MK_CHARSET_COUNT).len, 0);
    assert_int_equal(mk_charset_name((mk_charset)-1).len, 0);
}

static void sec_065_decodes_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        check_row(&rows[i], NULL);
    }
}

/* Any octets of any set come out as well-formed UTF-8, three octets for one. */
static void sec_065_output_is_well_formed(void **state)
{
    char octets[512];
    char mem[3 * sizeof octets];
    uint32_t seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof octets; i++) {
        seed = seed * 1103515245U + 12345U;
        octets[i] = i < 256 ? (char)(unsigned char)i
                            : (char)(unsigned char)(seed >> 24);
    }
    for (int i = 0; i < MK_CHARSET_COUNT; i++) {
        mk_charset_look look;
        mk_buf out;
        uint64_t defects;

        mk_buf_init(&out, mem, sizeof mem);
        (void)mk_charset_convert((mk_charset)i, mk_charset_table_iconv(),
                                 mk_str_of(octets, sizeof octets), &out,
                                 &defects);
        assert_false(out.full);
        mk_charset_look_init(&look);
        mk_charset_look_at(&look, mk_buf_str(&out));
        assert_int_equal(look.faults, 0);
        assert_int_equal(look.due, 0);
        assert_true(look.sequences > 0);
    }
}

static void sec_065_escape_sequences_cut(void **state)
{
    const mk_charset_table *table = mk_charset_table_iconv();
    /* clang-format off */
    static const row foreign[] = {
        {MK_CHARSET_ISO_2022_JP, S("a\x1B$B$3$s\x1B(Bb"),
         S("a\xE3\x81\x93\xE3\x82\x93" "b"), 0},
        {MK_CHARSET_SHIFT_JIS, S("\x93\xFA\x96{x"),
         S("\xE6\x97\xA5\xE6\x9C\xAC" "x"), 0},
        {MK_CHARSET_EUC_JP, S("\xC6\xFC\xCB\xDC"),
         S("\xE6\x97\xA5\xE6\x9C\xAC"), 0},
        {MK_CHARSET_GB18030, S("\xC4\xE3\xBA\xC3 \x81\x30\x89\x38"),
         S("\xE4\xBD\xA0\xE5\xA5\xBD \xC3\x9F"), 0},
        {MK_CHARSET_BIG5, S("\xA7\x41\xA6\x6E"),
         S("\xE4\xBD\xA0\xE5\xA5\xBD"), 0},
        {MK_CHARSET_EUC_KR, S("\xBE\xC8\xB3\xE7"),
         S("\xEC\x95\x88\xEB\x85\x95"), 0},
        {MK_CHARSET_SHIFT_JIS, S("\xFF" "a"), S(R "a"), 1},
        {MK_CHARSET_EUC_KR, S("ab\xBE"), S("ab" R), 1},
    };
    /* clang-format on */

    (void)state;
    if (table == NULL) {
        skip();
    }
    for (size_t i = 0; i < COUNT(foreign); i++) {
        check_row(&foreign[i], table);
    }
}

/* A table that behaves as badly as one may. */
static int opened;

static mk_err bad_open(void *self, mk_charset charset, void **out_state)
{
    (void)self;
    *out_state = &opened;
    if (charset == MK_CHARSET_BIG5) {
        return MK_E_MEMORY;
    }
    opened++;
    return MK_OK;
}

static mk_err bad_decode(void *self, void *state, mk_str *io_in, mk_buf *out)
{
    (void)self;
    (void)state;
    (void)out;
    (void)io_in;
    return MK_E_ROOM;
}

static mk_err lazy_decode(void *self, void *state, mk_str *io_in, mk_buf *out)
{
    (void)self;
    (void)state;
    (void)out;
    (void)io_in;
    return MK_WAIT;
}

static void bad_close(void *self, void *state)
{
    (void)self;
    assert_ptr_equal(state, &opened);
    opened--;
}

static void a_stuck_table_is_a_fault(void **state)
{
    static const mk_charset_table bad = {NULL, bad_open, bad_decode, bad_close};
    static const mk_charset_table lazy = {NULL, bad_open, lazy_decode,
                                          bad_close};
    static const row stuck = {MK_CHARSET_EUC_JP, S("abcdefghijkl"),
                              S(R R R R R R R R R R R R), 12};
    char mem[64];
    mk_buf out;

    (void)state;
    check_row(&stuck, &bad);
    check_row(&stuck, &lazy);
    assert_int_equal(opened, 0);
    mk_buf_init(&out, mem, sizeof mem);
    assert_int_equal(mk_charset_convert(MK_CHARSET_BIG5, &bad,
                                        mk_str_of("a\xE9", 2), &out, NULL),
                     MK_E_MEMORY);
    assert_str_equal(mk_buf_str(&out), mk_str_z("a" R));
    assert_int_equal(opened, 0);
}

static void converts_whole_characters(void **state)
{
    static const mk_str text = S("ab\xE2\x82\xAC\xC3\xA9");
    char mem[16];

    (void)state;
    for (size_t room = 0; room <= text.len; room++) {
        size_t fits = room < 2 ? room : room < 5 ? 2 : room < 7 ? 5 : 7;
        mk_buf out;

        mk_buf_init(&out, mem, room);
        assert_int_equal(
            mk_charset_convert(MK_CHARSET_UTF_8, NULL, text, &out, NULL),
            room < text.len ? MK_E_ROOM : MK_OK);
        assert_int_equal(out.full, room < text.len);
        assert_int_equal(out.len, fits);
    }
}

/* clang-format off */
static const struct {
    mk_str octets;
    mk_charset label;
    mk_charset chosen;
} looks[] = {
    {S("plain"), MK_CHARSET_NONE, MK_CHARSET_US_ASCII},
    {S("plain"), MK_CHARSET_ISO_8859_2, MK_CHARSET_ISO_8859_2},
    {S("caf\xC3\xA9"), MK_CHARSET_NONE, MK_CHARSET_UTF_8},
    {S("caf\xC3\xA9"), MK_CHARSET_US_ASCII, MK_CHARSET_UTF_8},
    {S("caf\xE9"), MK_CHARSET_US_ASCII, MK_CHARSET_WINDOWS_1252},
    {S("caf\xE9 x"), MK_CHARSET_NONE, MK_CHARSET_WINDOWS_1252},
    {S("caf\xC3"), MK_CHARSET_NONE, MK_CHARSET_WINDOWS_1252},
    {S("caf\xE9 x"), MK_CHARSET_UTF_8, MK_CHARSET_WINDOWS_1252},
    {S("caf\xC3\xA9\xE9 x"), MK_CHARSET_UTF_8, MK_CHARSET_UTF_8},
    {S("caf\xC3\xA9"), MK_CHARSET_ISO_8859_1, MK_CHARSET_UTF_8},
    {S("\xE2\x80\x99tis"), MK_CHARSET_WINDOWS_1252, MK_CHARSET_UTF_8},
    {S("caf\xC3\xA9"), MK_CHARSET_ISO_8859_15, MK_CHARSET_ISO_8859_15},
    {S("caf\xE9 \xC3\xA9"), MK_CHARSET_ISO_8859_1, MK_CHARSET_ISO_8859_1},
    {S("\xABMEN\xDC\xBB"), MK_CHARSET_ISO_8859_1, MK_CHARSET_ISO_8859_1},
    {S("MEN\xDC\xBB"), MK_CHARSET_ISO_8859_1, MK_CHARSET_ISO_8859_1},
    {S("\xD0\x94\xD0\xB0!"), MK_CHARSET_ISO_8859_1, MK_CHARSET_ISO_8859_1},
    {S("\xD0\x94\xD0\xB0\xD1\x83"), MK_CHARSET_ISO_8859_1,
     MK_CHARSET_UTF_8},
    {S("\xC3(\xE2\x82(\xF0\x9F\x98("), MK_CHARSET_UTF_8,
     MK_CHARSET_WINDOWS_1252},
};
/* clang-format on */

static void repairs_wrong_labels(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(looks); i++) {
        for (size_t step = 1; step <= looks[i].octets.len; step++) {
            mk_charset_look look;

            mk_charset_look_init(&look);
            for (size_t at = 0; at < looks[i].octets.len; at += step) {
                mk_charset_look_at(&look,
                                   mk_str_sub(looks[i].octets, at, step));
            }
            assert_int_equal(mk_charset_look_choose(&look, looks[i].label),
                             looks[i].chosen);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_sets_by_label),
        cmocka_unit_test(every_name_is_a_label),
        cmocka_unit_test(sec_065_decodes_cut_anywhere),
        cmocka_unit_test(sec_065_output_is_well_formed),
        cmocka_unit_test(sec_065_escape_sequences_cut),
        cmocka_unit_test(a_stuck_table_is_a_fault),
        cmocka_unit_test(converts_whole_characters),
        cmocka_unit_test(repairs_wrong_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
