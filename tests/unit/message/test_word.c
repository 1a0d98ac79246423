/* SPDX-License-Identifier: MIT
 *
 * Encoded words, decoded in rows (RFC 2047 8 and real mail) and encoded; what
 * was encoded decodes to itself; THREATS 57, 58 and 59.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mailkit/header.h>

#include "show.h"

static void show_words(mk_str text, mk_defects *defects, mk_buf *b)
{
    assert_int_equal(mk_words_decode(text, NULL, b, defects), MK_OK);
    assert_true(b->len <= 3 * text.len);
}

static const row rfc_2047_8[] = {
    {S("(=?ISO-8859-1?Q?a?=)"), "(a)", "word-joined@1"},
    {S("=?ISO-8859-1?Q?a?= b"), "a b", ""},
    {S("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), "ab", ""},
    {S("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?="), "ab", ""},
    {S("=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?="), "ab", ""},
    {S("=?ISO-8859-1?Q?a_b?="), "a b", ""},
    {S("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?="), "a b", ""},
    {S("=?US-ASCII?Q?Keith_Moore?="), "Keith Moore", ""},
    {S("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?="), "Keld J\xC3\xB8rn Simonsen",
     ""},
    {S("=?ISO-8859-1?Q?Andr=E9?= Pirard"), "Andr\xC3\xA9 Pirard", ""},
    {S(" =?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
       "     =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?="),
     "If you can read this you understand the example.", ""},
    {S("=?US-ASCII*EN?Q?Keith?="), "Keith", ""}, /* RFC 2231 5 */
};

static const row real[] = {
    {S(""), "", ""},
    {S("  plain text \r\n"), "plain text", ""},
    {S("two\r\n  lines"), "two  lines", ""},
    {S("a =?utf-8?q?=C3=A4?= b"), "a \xC3\xA4 b", ""},
    {S("=?utf-8?q?a=c3=a4?="), "a\xC3\xA4", ""},
    {S("=?UTF-8?B?w6Q=?="), "\xC3\xA4", ""},
    {S("=?UTF-8?B?w6Q?="), "\xC3\xA4", "word-encoding@0"},
    {S("=?UTF-8?Q?=C3?= =?UTF-8?Q?=A4?="), "\xC3\xA4", "word-split@16"},
    {S("=?UTF-8?B?4oI=?=\n =?utf-8?b?rA==?="), "\xE2\x82\xAC", "word-split@18"},
    {S("=?UTF-8?Q?=C3?= =?ISO-8859-1?Q?=A4?="), "\xC3\x83\xC2\xA4",
     "word-malformed@0"},
    {S("=?UTF-8?Q?=E4?="), "\xC3\xA4", "word-malformed@0"},
    {S("=?US-ASCII?Q?=C3=A4?="), "\xC3\xA4", "word-malformed@0"},
    {S("=?x-none?Q?=C3=A4?="), "\xC3\xA4", "word-charset@2"},
    {S("=?shift_jis?B?g2U=?= =?shift_jis?B?g2U=?="),
     "=?shift_jis?B?g2U=?= =?shift_jis?B?g2U=?=", "word-charset@2"},
    {S("=?shift_jis?b?\xA5?="),
     "=?shift_jis?b?\xC2\xA5?=", "word-encoding@0 word-charset@2 word-8bit@0"},
    {S("=?utf-8?q?what is?="), "what is", "word-space@0"},
    {S("=?utf-8?q?what\r\n _is?="), "what is", "word-space@0"},
    {S("=?utf-8?b?aGVs\r\n bG8=?="), "hello", "word-space@0"},
    {S("[x]=?utf-8?q?y?="), "[x]y", "word-joined@3"},
    /* of a row each word is looked at */
    {S("=?utf-8?q?a?= =?utf-8?q?b?=x"), "abx", "word-joined@14"},
    {S("=?utf-8?q?a?= =?utf-8?q?b c?="), "ab c", "word-space@14"},
    {S("=?utf-8?q?a?= =?utf-8?b?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWF"
       "hYWFhYWFhYWFhYWFh?="),
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "word-long@14"},
    {S("=?utf-8?q?a  \t b?="), "a    b", "word-space@0"},
    {S("=?utf-8?q?a \r b?="), "a   b", "word-space@0"},
    /* line ends that fold nothing, beside words as within text */
    {S("a\r=?utf-8?q?b?="), "a b", ""},
    {S("=?utf-8?q?b?=\na"), "b a", ""},
    {S("a\r\n=?utf-8?q?b?="), "a b", ""},
    {S("a\r\r\n =?utf-8?q?b?="), "a  b", ""},
    {S("=?utf-8?q?a?==?utf-8?q?b?="), "ab", "word-joined@0"},
    {S("=?utf-8?q?=?="), "=", "word-encoding@0"},
    {S("=?utf-8?q?=4?="), "=4", "word-encoding@0"},
    {S("=?utf-8?q?=ZZ?="), "=ZZ", "word-encoding@0"},
    {S("=?utf-8?q?a?b?="), "a?b", ""},
    {S("=?utf-8?Q?\?= x"), "x", ""},
    {S("="), "=", ""},
    {S("=?"), "=?", "word-invalid@0"},
    {S("=?utf-8"), "=?utf-8", "word-invalid@0"},
    {S("=?utf-8?"), "=?utf-8?", "word-invalid@0"},
    {S("=?utf-8?q"), "=?utf-8?q", "word-invalid@0"},
    {S("=?utf-8?q?"), "=?utf-8?q?", "word-invalid@0"},
    {S("=?utf-8?q?="), "=?utf-8?q?=", "word-invalid@0"},
    {S("=?utf-8?q?open"), "=?utf-8?q?open", "word-invalid@0"},
    {S("=?utf-8?x?a?="), "=?utf-8?x?a?=", "word-invalid@0"},
    {S("=?\?q?a?="), "=?\?q?a?=", "word-invalid@0"},
    {S("=?utf-8?q?a =?utf-8?q?b?="), "=?utf-8?q?a b", "word-invalid@0"},
    {S("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F", ""},
    {S("gr\xFC\xDF"), "gr\xC3\xBC\xC3\x9F", "word-8bit@0"},
    {S("a\rb\0c\nd"),
     "a b\xEF\xBF\xBD"
     "c d",
     ""},
    {S("bell \x07 esc \x1B[2J c1 \xC2\x9B"),
     "bell \xEF\xBF\xBD esc \xEF\xBF\xBD[2J c1 \xEF\xBF\xBD", ""},
    {S("=?utf-8?q?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
       "aaaaaaaaaaaaaaaaaaaa?="),
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaa",
     "word-long@0"},
};

static const row spoof[] = {
    {S("=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?="
       "@mailsploit.com"),
     "potus@whitehouse.gov\xEF\xBF\xBD@mailsploit.com",
     "word-joined@0 word-control@0"},
    {S("=?utf-8?Q?=0A?="), "\xEF\xBF\xBD", "word-control@0"},
    {S("=?utf-8?Q?x=0D=0ABcc:_v=40y?="),
     "x\xEF\xBF\xBD\xEF\xBF\xBD"
     "Bcc: v@y",
     "word-control@0"},
    {S("=?utf-8?b?GwA=?= =?iso-8859-1?q?=7F=80=9B?="),
     "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xE2\x82\xAC\xE2\x80\xBA",
     "word-control@0"},
    {S("=?utf-8?q?=C2=9B?="), "\xEF\xBF\xBD", "word-control@0"},
    {S("=?utf-7?q?+AAo-?="), "\xEF\xBF\xBD", "word-control@0"},
};

static void the_examples_of_the_rfc(void **state)
{
    (void)state;
    CHECK(rfc_2047_8, show_words);
}

static void words_of_real_mail(void **state)
{
    (void)state;
    CHECK(real, show_words);
}

static void sec_058_no_control_comes_out(void **state)
{
    (void)state;
    CHECK(spoof, show_words);
}

/* Candidates without end, words without a character, a label of 10 KiB: work
 * that is not linear would not end here. */
static void sec_059_floods_of_words_are_linear(void **state)
{
    static const char *const pieces[] = {
        "=?utf-8?q?",     "=?utf-8?q?\?=",
        "=?utf-8?q?\?= ", "=?shift_jis?b?QQ==?= ",
        "=?utf-8?q?=?",   "=?x?q?\xFF\r\n "};
    (void)state;
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        enum { COUNT = 200000 };
        size_t n = strlen(pieces[p]);
        char *text = malloc(COUNT * n);
        char *mem = malloc(3 * COUNT * n);
        mk_defect found[4];
        mk_defects list;
        mk_buf b;
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(text + i * n, pieces[p], n);
        }
        mk_buf_init(&b, mem, 3 * COUNT * n);
        mk_defects_init(&list, found, 4);
        assert_int_equal(
            mk_words_decode(mk_str_of(text, COUNT * n), NULL, &b, &list),
            MK_OK);
        assert_true(list.dropped == 0);
        mk_buf_init(&b, mem, 7);
        (void)mk_words_decode(mk_str_of(text, COUNT * n), NULL, &b, NULL);
        free(mem);
        free(text);
    }
    char label[10240 + 8] = "=?";
    char mem[3 * sizeof label];
    mk_buf b;
    memset(label + 2, 'x', 10240);
    memcpy(label + 10242, "?q?a?=", 6);
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(
        mk_words_decode(mk_str_of(label, sizeof label), NULL, &b, NULL), MK_OK);
    assert_true(mk_str_is(mk_buf_str(&b), mk_str_of(label, sizeof label)));
}

/* A character that two pieces of the work share is not cut either. */
static void whole_characters_fill_a_long_buffer(void **state)
{
    char text[600], mem[600];
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        size_t n = shift;
        memset(text, 'a', shift);
        while (n + 3 <= sizeof text) {
            memcpy(text + n, "\xE2\x82\xAC", 3);
            n += 3;
        }
        for (size_t max = 0; max < n; max++) {
            mk_buf b;
            mk_buf_init(&b, mem, max);
            assert_int_equal(
                mk_words_decode(mk_str_of(text, n), NULL, &b, NULL), MK_E_ROOM);
            size_t whole = max < shift ? max : max - (max - shift) % 3;
            assert_int_equal(b.len, whole);
            assert_memory_equal(mem, text, whole);
        }
    }
}

static void whole_characters_fill_a_short_buffer(void **state)
{
    static const char text[] = "a\xC3\xA4 =?utf-8?b?4oKs4oKs?=";
    static const size_t ends[] = {0, 1, 1, 3, 4, 4, 4, 7, 7, 7, 10};
    (void)state;
    for (size_t max = 0; max <= 10; max++) {
        char *mem = malloc(max + 1);
        mk_buf b;
        mk_buf_init(&b, mem, max);
        mk_err err = mk_words_decode(mk_str_z(text), NULL, &b, NULL);
        assert_int_equal(err, max < 10 ? MK_E_ROOM : MK_OK);
        assert_int_equal(b.len, ends[max]);
        free(mem);
    }
}

/* ---- encoding ---- */

static const struct {
    const char *text;
    size_t column;
    mk_words_place place;
    const char *want;
} encoded[] = {
    {"", 0, MK_WORDS_TEXT, ""},
    {"plain text", 9, MK_WORDS_TEXT, "plain text"},
    {"gr\xC3\xBC\xC3\x9F dich", 9, MK_WORDS_TEXT, "=?UTF-8?B?Z3LDvMOf?= dich"},
    {"a \xC3\xA4 b", 9, MK_WORDS_TEXT, "a =?UTF-8?B?w6Q=?= b"},
    {"lorem ipsum \xC3\xA4", 0, MK_WORDS_TEXT, "lorem ipsum =?UTF-8?B?w6Q=?="},
    {"donaudampfschiff\xC3\xA4", 0, MK_WORDS_TEXT,
     "=?UTF-8?Q?donaudampfschiff=C3=A4?="},
    {"\xC3\xA4 \xC3\xB6", 0, MK_WORDS_TEXT, "=?UTF-8?B?w6Qgw7Y=?="},
    {" lead", 0, MK_WORDS_TEXT, "=?UTF-8?Q?_lead?="},
    {"trail ", 0, MK_WORDS_TEXT, "=?UTF-8?Q?trail_?="},
    {" ", 0, MK_WORDS_TEXT, "=?UTF-8?Q?_?="},
    {"a =?utf-8?q?b?=", 0, MK_WORDS_TEXT, "a =?UTF-8?B?PT91dGYtOD9xP2I/PQ==?="},
    {"", 0, MK_WORDS_PHRASE, ""},
    {"Joe Doe", 0, MK_WORDS_PHRASE, "Joe Doe"},
    {"Joe Q. Doe", 0, MK_WORDS_PHRASE, "\"Joe Q. Doe\""},
    {"a\"b\\c", 0, MK_WORDS_PHRASE, "\"a\\\"b\\\\c\""},
    {"a  b", 0, MK_WORDS_PHRASE, "\"a  b\""},
    {"J\xC3\xB6 Doe", 0, MK_WORDS_PHRASE, "=?UTF-8?Q?J=C3=B6_Doe?="},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     9, MK_WORDS_TEXT,
     "\r\n aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaa"},
    {"a                                b", 0, MK_WORDS_TEXT,
     "a                                b"},
    {"a                                 b c", 0, MK_WORDS_TEXT,
     "=?UTF-8?Q?a_________________________________b?= c"},
    {"a.                                 b", 0, MK_WORDS_PHRASE,
     "=?UTF-8?Q?a=2E_________________________________b?="},
    {"x. \"\"\"\"\"\"\"\"\"\"", 60, MK_WORDS_PHRASE,
     "\"x.\r\n \\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\""},
    {"one two three four five six seven eight nine ten eleven twelve thirteen "
     "fourteen",
     9, MK_WORDS_TEXT,
     "one two three four five six seven eight nine ten eleven twelve\r\n"
     " thirteen fourteen"},
};

static void text_is_encoded(void **state)
{
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof encoded / sizeof encoded[0]; i++) {
        char mem[256];
        mk_buf b;
        mk_buf_init(&b, mem, sizeof mem - 1);
        assert_int_equal(mk_words_encode(mk_str_z(encoded[i].text),
                                         encoded[i].column, encoded[i].place,
                                         &b),
                         MK_OK);
        mem[b.len] = '\0';
        failed += show_differs(i, mem, encoded[i].want);
        size_t want_n = b.len;
        mk_buf_init(&b, mem, want_n);
        assert_int_equal(mk_words_encode(mk_str_z(encoded[i].text),
                                         encoded[i].column, encoded[i].place,
                                         &b),
                         MK_OK);
        if (b.max > 0) {
            mk_buf_init(&b, mem, b.max - 1);
            assert_int_equal(mk_words_encode(mk_str_z(encoded[i].text),
                                             encoded[i].column,
                                             encoded[i].place, &b),
                             MK_E_ROOM);
            assert_int_equal(b.len, 0);
        }
    }
    assert_int_equal(failed, 0);
}

static void sec_057_line_ends_are_refused(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        mk_err err;
    } rows[] = {
        {S("x\r\nBcc: v@y"), MK_E_CTL}, {S("x\ny"), MK_E_CTL},
        {S("x\ry"), MK_E_CTL},          {S("x\0y"), MK_E_CTL},
        {S("x\x1B[2J"), MK_E_SYNTAX},   {S("x\xFF"), MK_E_SYNTAX},
        {S("x\xC3"), MK_E_SYNTAX},      {S("x\x7F"), MK_E_SYNTAX},
        {S("x\xC2\x80"), MK_E_SYNTAX},  {S("\xC2\x9By"), MK_E_SYNTAX},
    };
    char mem[64];
    mk_buf b;
    (void)state;
    mk_buf_init(&b, mem, sizeof mem);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int place = MK_WORDS_TEXT; place <= MK_WORDS_PHRASE; place++) {
            assert_int_equal(mk_words_encode(mk_str_of(rows[i].text, rows[i].n),
                                             0, (mk_words_place)place, &b),
                             rows[i].err);
            assert_int_equal(b.len, 0);
        }
    }
    assert_int_equal(mk_words_encode(mk_str_z("x"), 0, (mk_words_place)7, &b),
                     MK_E_ARG);
}

/* An encoded word, of 75 octets at most and of whole characters. */
static void look_at_word(mk_str s)
{
    char mem[80];
    mk_buf b;
    mk_defect found[2];
    mk_defects list;
    mk_defects_init(&list, found, 2);
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_words_decode(s, NULL, &b, &list), MK_OK);
    assert_int_equal(list.count, 0);
}

/* A line: longer than 76 octets only with one plain word. */
static void look_at_line(mk_str s, size_t column)
{
    mk_str rest = mk_field_trim(s);
    if (rest.len > 0 && rest.ptr[0] == '"') { /* and white space in quotes */
        rest = mk_field_trim(mk_str_sub(rest, 1, SIZE_MAX));
    }
    bool one = mk_str_find(rest, ' ') == rest.len &&
               mk_str_find(rest, '\t') == rest.len;
    assert_true(column + s.len <= 76 ||
                (one && column <= 1 && rest.len > 76 - 34));
    assert_true(column + s.len <= 998);
    while (rest.len > 0) {
        mk_str word = mk_str_sub(rest, 0, mk_str_find(rest, ' '));
        if (mk_str_has_prefix_nocase(word, mk_str_z("=?UTF-8?"))) {
            look_at_word(word);
        }
        rest = mk_str_sub(rest, word.len + 1, SIZE_MAX);
    }
}

/* Lines, each folded before white space; the text comes back. */
static void look_at_lines(mk_str s, size_t column)
{
    while (s.len > 0) {
        size_t n = mk_str_find(s, '\n');
        size_t end = n < s.len ? n - 1 : n;
        look_at_line(mk_str_sub(s, 0, end), column);
        column = 0;
        assert_true(n == s.len ||
                    (s.ptr[n - 1] == '\r' &&
                     (s.ptr[n + 1] == ' ' || s.ptr[n + 1] == '\t')));
        s = mk_str_sub(s, n + 1, SIZE_MAX);
    }
}

static uint32_t draw(uint64_t *io_seed, uint32_t below)
{
    *io_seed = *io_seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)(*io_seed >> 33) % below;
}

/* Words, gaps and signs in any order, one of them over and over now and then.
 */
static void make_text(uint64_t *io_seed, size_t n, mk_buf *b)
{
    static const char *const atoms[] = {
        "a",  " ",  "\t", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "=?", "?=", "\"", "\\",       "hello",        "=",
        "_",  ",",  "."};
    while (b->len < n) {
        const char *atom = atoms[draw(io_seed, 15)];
        uint32_t times = draw(io_seed, 20) == 0 ? draw(io_seed, 1200) : 1;
        for (; times > 0 && !b->full; times--) {
            (void)mk_buf_add_z(b, atom);
        }
    }
}

static void read_back(mk_str value, mk_words_place place, mk_buf *out)
{
    char mem[20000];
    mk_buf line;
    mk_addresses it;
    mk_address a;
    if (place == MK_WORDS_TEXT || value.len == 0) {
        assert_int_equal(mk_words_decode(value, NULL, out, NULL), MK_OK);
        return;
    }
    mk_buf_init(&line, mem, sizeof mem);
    (void)mk_buf_add(&line, value);
    assert_int_equal(mk_buf_add_z(&line, " <x@y>"), MK_OK);
    mk_addresses_init(&it, MK_FIELD_TO, mk_buf_str(&line), NULL);
    assert_true(mk_addresses_next(&it, &a));
    assert_int_equal(a.flags & (MK_ADDRESS_INVALID | MK_ADDRESS_OBSOLETE), 0);
    assert_int_equal(mk_address_name_decode(&a, NULL, out, NULL), MK_OK);
    assert_false(mk_addresses_next(&it, &a));
}

static void what_was_encoded_decodes_to_itself(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (uint32_t round = 0; round < 4000; round++) {
        char text[2600], mem[20000], back[3000];
        mk_buf t, b, d;
        mk_buf_init(&t, text, sizeof text - 1);
        make_text(&seed, round % 400, &t);
        t.full = false;
        size_t column = round % 90;
        mk_words_place place = round % 2 == 0 ? MK_WORDS_TEXT : MK_WORDS_PHRASE;
        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(mk_words_encode(mk_buf_str(&t), column, place, &b),
                         MK_OK);
        mk_buf_init(&d, back, sizeof back - 1);
        read_back(mk_buf_str(&b), place, &d);
        back[d.len] = text[t.len] = '\0';
        assert_string_equal(back, text);
        look_at_lines(mk_buf_str(&b), column < 76 ? column : 76);
    }
}

/* A value says the same folded and unfolded, whatever is in it. */
static void folds_say_nothing(void **state)
{
    static const char *const atoms[] = {"a",
                                        " ",
                                        "\t",
                                        "\r",
                                        "\n",
                                        "\r\n ",
                                        "\n\t",
                                        "\r\n",
                                        "\xC3",
                                        "\xA4",
                                        "\xFF",
                                        "=?utf-8?q?=C3=A4?=",
                                        "=?utf-8?b?w6Q=?=",
                                        "=?x?q?a?=",
                                        "=?",
                                        "?=",
                                        "\\"};
    uint64_t seed = 11;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[200], flat[200], one[600], two[600];
        mk_buf t, f, a, b;
        mk_buf_init(&t, text, sizeof text);
        for (uint32_t n = draw(&seed, 8); n > 0; n--) {
            (void)mk_buf_add_z(&t, atoms[draw(&seed, 17)]);
        }
        mk_buf_init(&f, flat, sizeof flat);
        mk_buf_init(&a, one, sizeof one);
        mk_buf_init(&b, two, sizeof two);
        assert_int_equal(mk_field_unfold(mk_buf_str(&t), &f), MK_OK);
        assert_int_equal(mk_words_decode(mk_buf_str(&t), NULL, &a, NULL),
                         MK_OK);
        assert_int_equal(mk_words_decode(mk_buf_str(&f), NULL, &b, NULL),
                         MK_OK);
        if (!mk_str_is(mk_buf_str(&a), mk_buf_str(&b))) {
            print_message("%.*s\n", (int)t.len, text);
        }
        assert_true(mk_str_is(mk_buf_str(&a), mk_buf_str(&b)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc),
        cmocka_unit_test(words_of_real_mail),
        cmocka_unit_test(sec_058_no_control_comes_out),
        cmocka_unit_test(sec_059_floods_of_words_are_linear),
        cmocka_unit_test(whole_characters_fill_a_short_buffer),
        cmocka_unit_test(whole_characters_fill_a_long_buffer),
        cmocka_unit_test(text_is_encoded),
        cmocka_unit_test(sec_057_line_ends_are_refused),
        cmocka_unit_test(what_was_encoded_decodes_to_itself),
        cmocka_unit_test(folds_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
