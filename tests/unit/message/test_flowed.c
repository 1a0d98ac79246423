/* SPDX-License-Identifier: MIT
 *
 * test_flowed.c: format=flowed (RFC 3676), every row at every way to cut input
 * and output; and that no octets at all make it give more than it took.
 */
#include "../base/pump.h"

#include <mailkit/message.h>

#define S(lit) MK_STR_INIT(lit)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef struct row {
    mk_str text;
    mk_str want;
    mk_str delsp; /* what delsp=yes gives; ptr NULL: the same */
} row;

#define SAME                                                                   \
    {                                                                          \
        NULL, 0                                                                \
    }

/* clang-format off */
static const row rows[] = {
    {S(""), S(""), SAME},
    {S("a"), S("a"), SAME},
    {S("a\r\n"), S("a\r\n"), SAME},
    {S("a\r\n\r\nb\r\n"), S("a\r\n\r\nb\r\n"), SAME},
    /* 4.1: a line that ends with a space goes on */
    {S("a \r\nb\r\n"), S("a b\r\n"), S("ab\r\n")},
    {S("a \nb \nc\nd\n"), S("a b c\nd\n"), S("abc\nd\n")},
    {S("a  \r\nb\r\n"), S("a  b\r\n"), S("a b\r\n")},
    {S("a\t\r\nb\r\n"), S("a\t\r\nb\r\n"), SAME},
    {S("a \r\n\r\nb\r\n"), S("a \r\nb\r\n"), S("a\r\nb\r\n")},
    /* a paragraph may end where the text ends */
    {S("a \r\n"), S("a \r\n"), S("a\r\n")},
    {S("a "), S("a "), SAME},
    {S("a \r"), S("a \r"), SAME},
    /* a CR alone is no line end */
    {S("a \rb \r\r\nc\r"), S("a \rb \r\r\nc\r"), SAME},
    /* 4.3: what ends with a space and is a signature's */
    {S("a\r\n-- \r\nme\r\n"), S("a\r\n-- \r\nme\r\n"), SAME},
    {S("a \r\n-- \r\nme \r\ntoo\r\n"), S("a \r\n-- \r\nme too\r\n"),
     S("a\r\n-- \r\nmetoo\r\n")},
    {S("-- \nme\n"), S("-- \nme\n"), SAME},
    {S("-- "), S("-- "), SAME},
    {S("--"), S("--"), SAME},
    {S("-- \r"), S("-- \r"), SAME},
    {S("-- \rx\r\n"), S("-- \rx\r\n"), SAME},
    {S("--  \r\nx\r\n"), S("--  x\r\n"), S("-- x\r\n")},
    {S("-- a \r\nb\r\n"), S("-- a b\r\n"), S("-- ab\r\n")},
    {S("--- \r\nx\r\n"), S("--- x\r\n"), S("---x\r\n")},
    {S("- \r\nx\r\n"), S("- x\r\n"), S("-x\r\n")},
    {S("> -- \r\n> me\r\n"), S("> -- \r\n> me\r\n"), SAME},
    {S(">a \r\n>-- \r\n>me\r\n"), S(">a \r\n>-- \r\n>me\r\n"),
     S(">a\r\n>-- \r\n>me\r\n")},
    {S(" -- \r\nx\r\n"), S("-- \r\nx\r\n"), SAME},
    /* 4.4: stuffed, so that it is no quote and no "From " */
    {S(" From a\r\n >b\r\n  c\r\n"), S("From a\r\n>b\r\n c\r\n"), SAME},
    {S(" \r\nx\r\n"), S("\r\nx\r\n"), SAME},
    {S("  \r\nx\r\n"), S(" x\r\n"), S("x\r\n")},
    {S("a \r\n b\r\n"), S("a b\r\n"), S("ab\r\n")},
    /* 4.5: marks are counted first, and another depth ends a paragraph */
    {S("> a \r\n> b\r\n"), S("> a b\r\n"), S("> ab\r\n")},
    {S(">a \r\n> b\r\n>>c\r\n"), S(">a b\r\n>>c\r\n"), S(">ab\r\n>>c\r\n")},
    {S("> a \r\n>> b\r\n"), S("> a \r\n>> b\r\n"), S("> a\r\n>> b\r\n")},
    {S(">> a \r\nb\r\n"), S(">> a \r\nb\r\n"), S(">> a\r\nb\r\n")},
    {S("> > a \r\n> > b\r\n"), S("> > a > b\r\n"), S("> > a> b\r\n")},
    {S(">\r\n>\r\na\r\n"), S(">\r\n>\r\na\r\n"), SAME},
    {S("> \r\n> a\r\n"), S("> \r\n> a\r\n"), SAME},
    {S("a \r\n>\r\nb\r\n"), S("a \r\n>\r\nb\r\n"), S("a\r\n>\r\nb\r\n")},
    {S(">>>"), S(">>>"), SAME},
    {S(">> "), S(">> "), SAME},
    {S("a \r\n>>"), S("a \r\n>>"), S("a\r\n>>")},
    /* octets of any kind */
    {S("\0 \r\n\xFF\xC3\xA9 \n\xA9"), S("\0 \xFF\xC3\xA9 \xA9"),
     S("\0\xFF\xC3\xA9\xA9")},
    /* 4.5, the tale of the quotes, with marks of several depths */
    {S(">>>Take some more tea. \r\n>>I've had nothing yet, \r\n"
       ">>so I can't take more.\r\n>You mean you can't take less. \r\n"
       "Nobody asked \r\nyour opinion.\r\n"),
     S(">>>Take some more tea. \r\n>>I've had nothing yet, "
       "so I can't take more.\r\n>You mean you can't take less. \r\n"
       "Nobody asked your opinion.\r\n"),
     S(">>>Take some more tea.\r\n>>I've had nothing yet,"
       "so I can't take more.\r\n>You mean you can't take less.\r\n"
       "Nobody askedyour opinion.\r\n")},
};
/* clang-format on */

static mk_err work(void *self, mk_str *io_in, mk_buf *out)
{
    return mk_flowed_decode(self, io_in, out);
}

static mk_err finish(void *self, mk_buf *out)
{
    return mk_flowed_decode_finish(self, out);
}

static int check(size_t i, bool is_delsp, size_t step, size_t room)
{
    char mem[512];
    const row *r = &rows[i];
    mk_str want = is_delsp && r->delsp.ptr != NULL ? r->delsp : r->want;
    mk_flowed d;
    codec c = {&d, work, finish};
    mk_buf all;
    size_t at;
    mk_buf_init(&all, mem, sizeof mem);
    mk_flowed_init(&d, is_delsp);
    assert_int_equal(pump(&c, r->text, step, room, &all, &at), MK_OK);
    assert_int_equal(at, r->text.len);
    if (mk_str_is(mk_buf_str(&all), want)) {
        return 0;
    }
    print_error("row %zu, delsp %d, in %zu, out %zu: %.*s\n", i, is_delsp, step,
                room, (int)all.len, mem);
    return 1;
}

static void joins_lines_cut_anywhere(void **state)
{
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t step = 1; step <= rows[i].text.len + 1; step++) {
            for (size_t room = 1; room < 10; room++) {
                failed += check(i, false, step, room);
                failed += check(i, true, step, room);
            }
        }
    }
    assert_int_equal(failed, 0);
}

/* One line without end, of marks or of text, is held nowhere. */
static void lines_have_no_limit(void **state)
{
    static const char pieces[][3] = {">>", "> ", "a ", "aa", "--"};
    char in[4096];
    char mem[4096];
    (void)state;
    for (size_t i = 0; i < COUNT(pieces); i++) {
        mk_flowed d;
        size_t went = 0;
        mk_buf out;
        mk_flowed_init(&d, false);
        for (size_t at = 0; at < sizeof in; at += 2) {
            memcpy(in + at, pieces[i], 2);
        }
        for (size_t round = 0; round < 64; round++) {
            mk_str view = mk_str_of(in, sizeof in);
            mk_buf_init(&out, mem, sizeof mem);
            assert_int_equal(mk_flowed_decode(&d, &view, &out), MK_WAIT);
            went += out.len;
        }
        mk_err err;
        do {
            mk_buf_init(&out, mem, sizeof mem);
            err = mk_flowed_decode_finish(&d, &out);
            went += out.len;
        } while (err == MK_E_ROOM);
        assert_int_equal(went, 64 * sizeof in);
    }
}

/* Any octets: never more come out than went in, at any point. */
static void never_gives_more_than_it_took(void **state)
{
    static const char letters[] = {' ', '>', '-', '\r', '\n', 'a'};
    char in[256];
    char mem[256];
    uint32_t seed = 7;
    (void)state;
    for (size_t round = 0; round < 20000; round++) {
        mk_flowed d;
        mk_buf out;
        for (size_t i = 0; i < sizeof in; i++) {
            seed = seed * 1103515245U + 12345U;
            in[i] = letters[(seed >> 16) % sizeof letters];
        }
        mk_str view = mk_str_of(in, round % sizeof in);
        mk_buf_init(&out, mem, view.len);
        mk_flowed_init(&d, round % 2 == 0);
        assert_int_equal(mk_flowed_decode(&d, &view, &out), MK_WAIT);
        assert_int_equal(mk_flowed_decode_finish(&d, &out), MK_OK);
        assert_int_equal(mk_flowed_decode_finish(&d, &out), MK_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_lines_cut_anywhere),
        cmocka_unit_test(lines_have_no_limit),
        cmocka_unit_test(never_gives_more_than_it_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
