/* SPDX-License-Identifier: MIT
 *
 * Types and parameters in rows: RFC 2045 5.1, RFC 2183, RFC 2231 and what real
 * mail makes of them; THREATS 56 and 63.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mailkit/header.h>

#include "show.h"

static void show_params(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_param mem[MK_PARAM_COUNT_MAX];
    mk_params p;
    mk_params_parse(text, mem, MK_PARAM_COUNT_MAX, &p, defects);
    (void)mk_buf_add(b, p.type);
    (void)mk_buf_add_z(b, "/");
    (void)mk_buf_add(b, p.subtype);
    for (uint32_t i = 0; i < p.count; i++) {
        if ((mem[i].flags & MK_PARAM_FIRST) == 0) {
            continue;
        }
        (void)mk_buf_add_z(b, "; ");
        (void)mk_buf_add(b, mem[i].name);
        mk_str language = mk_params_language(&p, mem[i].name);
        if (language.len > 0) {
            (void)mk_buf_add_z(b, "'");
            (void)mk_buf_add(b, language);
        }
        (void)mk_buf_add_z(b, "=");
        assert_true(mk_params_has(&p, mem[i].name));
        assert_int_equal(mk_params_decode(&p, mem[i].name, NULL, b, defects),
                         MK_OK);
    }
    assert_int_equal(mk_params_decode(&p, mk_str_z("none"), NULL, b, NULL),
                     MK_E_NOENT);
}

static const row plain[] = {
    {S("audio/basic"), "audio/basic", ""},
    {S(" text / plain ; charset = us-ascii "), "text/plain; charset=us-ascii",
     ""},
    {S("attachment; filename=genome.jpeg;\r\n size=7"),
     "attachment/; filename=genome.jpeg; size=7", ""},
    {S("text/plain; charset=\"us-ascii\"; format=flowed"),
     "text/plain; charset=us-ascii; format=flowed", ""},
    {S("text/plain; charset=us-ascii (Plain text)"),
     "text/plain; charset=us-ascii", ""},
    {S("multipart/mixed; boundary=\"foo\r\n bar\""),
     "multipart/mixed; boundary=foo bar", ""},
    {S("inline; filename=\"  a \\\"b\\\" \\\\c.  \""),
     "inline/; filename=  a \"b\" \\c.  ", ""},
    {S("application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun"),
     "application/x-stuff; title'en-us=This is ***fun", ""},
    {S("a/b; title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n "
       "title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n title*2=\"isn't it!\""),
     "a/b; title'en=This is even more ***fun*** isn't it!", ""},
    {S("a/b; n*1=b; n*0=a; n*2=c"), "a/b; n=abc", ""},
    {S("a/b; n*0*=UTF-8''%E2%82; n*1*=%AC"), "a/b; n=\xE2\x82\xAC", ""},
    {S("a/b; n*=iso-8859-1''%E4"), "a/b; n=\xC3\xA4", ""},
    {S("a/b; n=\"a b\"; n*=utf-8''a%20b"), "a/b; n=a b", ""},
    {S("a/b; n*0=\"a\"; n*1=\"b\"; n=ab"), "a/b; n=ab", ""},
};

static const row odd[] = {
    {S(""), "/", "param-type@0"},
    {S(";x=y"), "/; x=y", "param-type@0"},
    {S("/plain"), "/plain", "param-type@0"},
    {S("text/"), "text/", "param-type@0"},
    {S("text/plain/x"), "text/plain/x", "param-type@0"},
    {S("text/plain;;; x=y;"), "text/plain; x=y", ""},
    {S("(a) text (b) / (c) plain (d); x=y"), "text/plain; x=y",
     "param-comment@4"},
    {S("a/b x=y z=\"1\" w=2"), "a/b; x=y; z=1; w=2", "param-no-semicolon@4"},
    {S("a/b; name=two words.txt"), "a/b; name=two words.txt",
     "param-unquoted@10"},
    {S("a/b; boundary=a:b=c"), "a/b; boundary=a:b=c", "param-unquoted@14"},
    {S("a/b; n=\"open; x=y"), "a/b; n=open; x=y", "param-quote-open@7"},
    {S("a/b; n=\"x\"junk; m=1"), "a/b; n=x; m=1", "param-invalid@10"},
    {S("a/b; n; =v; m=1"), "a/b; m=1", "param-invalid@5"},
    {S("a/b; n="), "a/b; n=", "param-invalid@5"},
    {S("a/b; n=\xE4"), "a/b; n=\xC3\xA4", "param-8bit@0 word-8bit@7"},
    {S("a/b; n=\"=?utf-8?q?=C3=A4?=.png\""), "a/b; n=\xC3\xA4.png",
     "word-joined@8 word-quoted@8 param-word@8"},
    {S("a/b; n==?utf-8?q?=C3=A4?="), "a/b; n=\xC3\xA4",
     "param-unquoted@7 param-word@7"},
    {S("a/b; n*=utf-8''a%zz%4"), "a/b; n=a%zz%4", "param-percent@8"},
    {S("a/b; n*=x-none''%C3%A4"), "a/b; n=\xC3\xA4", "param-charset@8"},
    {S("a/b; n*=%C3%A4"), "a/b; n=\xC3\xA4", "param-charset@8"},
    {S("a/b; n*=utf-8''%E4"), "a/b; n=\xC3\xA4", "param-malformed@8"},
    {S("a/b; n*=utf-8''%0D%0Aa%00"),
     "a/b; n=\xEF\xBF\xBD\xEF\xBF\xBD"
     "a\xEF\xBF\xBD",
     "param-control@8"},
    {S("a/b; n*=\"utf-8''%41\""), "a/b; n=A", ""},
    {S("a/b; n=\"x\0y\""), "a/b; n=x\xEF\xBF\xBDy", "param-control@8"},
    {S("a/b; n=\"x\x1By\""), "a/b; n=x\xEF\xBF\xBDy", "param-control@8"},
    {S("a/b; n=\"=?utf-8?q?ab\""), "a/b; n==?utf-8?q?ab", "word-invalid@8"},
    {S("a/b; n=\"a\r\n\tb\\\\\""), "a/b; n=a\tb\\", ""},
};

static const row pieces[] = {
    {S("a/b; n*0=a; n*2=c"), "a/b; n=ac", "param-gap@16"},
    {S("a/b; n*1=b"), "a/b; n=b", "param-gap@9"},
    {S("a/b; n*0=a; n*1*=b%25"), "a/b; n=ab%", "param-charset@9"},
    {S("a/b; n*0=a; n*0=b; n*1=c"), "a/b; n=ac", "param-duplicate@12"},
    {S("a/b; n*999999999*=x; m=1"), "a/b; m=1",
     "param-section@5 param-invalid@5"},
    {S("a/b; *0=x; *=y; m=1"), "a/b; m=1", "param-invalid@5 param-section@11"},
    {S("a/b; n*0=a; n*1=b; n*1*=utf-8''c"), "a/b; n=ab", "param-duplicate@19"},
    {S("a/b; n*01=x; m=1"), "a/b; m=1", "param-section@5 param-invalid@5"},
    {S("a/b; n*x=1; m=1"), "a/b; m=1", "param-section@5 param-invalid@5"},
    {S("a/b; n=a; n=b"), "a/b; n=a", "param-duplicate@10"},
    {S("a/b; n=a; n*=utf-8''b"), "a/b; n=b", "param-both-forms@13"},
    {S("a/b; n*=utf-8''b; n=a"), "a/b; n=b", "param-both-forms@8"},
    {S("a/b; n=a; n*0=b; n*1=c"), "a/b; n=bc", "param-both-forms@14"},
    {S("a/b; n=bcd; n*0=b; n*1=c"), "a/b; n=bc", "param-both-forms@16"},
    {S("a/b; n=b; n*0=b; n*1=c"), "a/b; n=bc", "param-both-forms@14"},
    {S("a/b; n=\"b\\c\"; n*0=b; n*1=c"), "a/b; n=bc", ""},
    {S("a/b; n*=utf-8''w; n*0=w"), "a/b; n=w", "param-both-forms@8"},
    {S("a/b; n*0=\"\xE2\x82\"; n*1=\"\xAC\""), "a/b; n=\xE2\x82\xAC",
     "param-8bit@0"},
    {S("a/b; n*0=\"\xE4\"; n*1=\"\xF6\""), "a/b; n=\xC3\xA4\xC3\xB6",
     "param-8bit@0 word-8bit@10"},
    {S("a/b; n*=utf-8''w; n*0=b"), "a/b; n=w", "param-both-forms@8"},
};

static void types_and_parameters_are_read(void **state)
{
    (void)state;
    CHECK(plain, show_params);
}

static void sec_063_what_may_be_read_otherwise_is_told(void **state)
{
    (void)state;
    CHECK(odd, show_params);
}

static void sec_056_pieces_out_of_order_are_one_value(void **state)
{
    (void)state;
    CHECK(pieces, show_params);
}

/* THREATS 56: pieces without end are counted, and work stays linear. */
static void sec_056_floods_of_pieces_are_cut(void **state)
{
    static const char *const floods[] = {
        "name*0*=;", "n=a;", ";", "a b ", "\"", "(", "n*1=\"\";", "x "};
    (void)state;
    for (size_t f = 0; f < sizeof floods / sizeof floods[0]; f++) {
        enum { COUNT = 300000 };
        size_t n = strlen(floods[f]);
        char *text = malloc(4 + COUNT * n);
        char *mem = malloc(3 * (4 + COUNT * n));
        mk_param items[MK_PARAM_COUNT_MAX];
        mk_params p;
        mk_defect found[4];
        mk_defects list;
        mk_buf b;
        memcpy(text, "a/b;", 4);
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(text + 4 + i * n, floods[f], n);
        }
        mk_defects_init(&list, found, 4);
        mk_params_parse(mk_str_of(text, 4 + COUNT * n), items,
                        MK_PARAM_COUNT_MAX, &p, &list);
        assert_true(p.count <= MK_PARAM_COUNT_MAX);
        assert_true(p.count < MK_PARAM_COUNT_MAX ||
                    mk_defects_has(&list, MK_DEFECT_PARAM_COUNT));
        mk_buf_init(&b, mem, 3 * (4 + COUNT * n));
        for (uint32_t i = 0; i < p.count; i++) {
            assert_int_equal(
                mk_params_decode(&p, items[i].name, NULL, &b, NULL), MK_OK);
        }
        free(mem);
        free(text);
    }
}

static void room_for_few_pieces_is_used(void **state)
{
    mk_param items[2];
    mk_params p;
    mk_defect found[4];
    mk_defects list;
    char mem[4];
    mk_buf b;
    (void)state;
    mk_defects_init(&list, found, 4);
    mk_params_parse(mk_str_z("a/b; c=d; e=f; g=h"), items, 2, &p, &list);
    assert_int_equal(p.count, 2);
    assert_true(mk_params_has(&p, mk_str_z("E")));
    assert_false(mk_params_has(&p, mk_str_z("g")));
    assert_true(mk_defects_has(&list, MK_DEFECT_PARAM_COUNT));
    mk_params_parse(mk_str_z("a/b; c=\"d\xC3\xA4g\""), items, 2, &p, NULL);
    mk_buf_init(&b, mem, 2);
    assert_int_equal(mk_params_decode(&p, mk_str_z("c"), NULL, &b, NULL),
                     MK_E_ROOM);
    assert_int_equal(b.len, 1);
    mk_params_parse(mk_str_z("a/b; c=d"), NULL, 0, &p, NULL);
    assert_int_equal(p.count, 0);
}

/* THREATS 56: no more than MK_PARAM_COUNT_MAX, however much room there is. */
static void sec_056_much_room_is_not_used(void **state)
{
    mk_param items[2 * MK_PARAM_COUNT_MAX];
    char text[4 + 2 * MK_PARAM_COUNT_MAX * 4];
    mk_params p;
    mk_defects list;
    mk_buf b;
    (void)state;
    mk_buf_init(&b, text, sizeof text);
    (void)mk_buf_add_z(&b, "a/b;");
    while (mk_buf_add_z(&b, "n=a;") == MK_OK) {
    }
    mk_defects_init(&list, NULL, 0);
    mk_params_parse(mk_buf_str(&b), items, 2 * MK_PARAM_COUNT_MAX, &p, &list);
    assert_int_equal(p.count, MK_PARAM_COUNT_MAX);
    assert_true(mk_defects_has(&list, MK_DEFECT_PARAM_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_parameters_are_read),
        cmocka_unit_test(sec_063_what_may_be_read_otherwise_is_told),
        cmocka_unit_test(sec_056_pieces_out_of_order_are_one_value),
        cmocka_unit_test(sec_056_floods_of_pieces_are_cut),
        cmocka_unit_test(room_for_few_pieces_is_used),
        cmocka_unit_test(sec_056_much_room_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
