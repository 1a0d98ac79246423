/* SPDX-License-Identifier: MIT
 *
 * Address lists in rows: what is read of each form of RFC 5322 3.4 and 4.4,
 * what is told of text that has none, names and plain forms; THREATS 21 to 23,
 * 58 to 60.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mailkit/header.h>

#include "show.h"

static void add_one(const mk_address *a, mk_buf *b)
{
    char mem[256];
    mk_buf name;
    mk_buf_init(&name, mem, sizeof mem);
    assert_int_equal(mk_address_name_decode(a, NULL, &name, NULL), MK_OK);
    if (a->kind == MK_ADDRESS_GROUP_END) {
        (void)mk_buf_add_z(b, "; ");
        return;
    }
    (void)mk_buf_add(b, mk_buf_str(&name));
    if (a->kind == MK_ADDRESS_GROUP) {
        (void)mk_buf_add_z(b, ": ");
        return;
    }
    (void)mk_buf_add_z(b, "<");
    assert_int_equal(mk_address_spec_format(a, b), MK_OK);
    (void)mk_buf_add_z(b, "> ");
}

static void show_list(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_addresses it;
    mk_address a;
    mk_addresses_init(&it, MK_FIELD_TO, text, defects);
    while (mk_addresses_next(&it, &a)) {
        assert_true(a.raw.len <= text.len && a.offset <= text.len);
        add_one(&a, b);
    }
    assert_false(mk_addresses_next(&it, &a));
    b->len -= b->len > 0 ? 1 : 0; /* the last space */
}

static const row plain[] = {
    {S("joe@example.org"), "<joe@example.org>", ""},
    {S(" Joe <joe@example.org> "), "Joe<joe@example.org>", ""},
    {S("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
     "Mary Smith<mary@x.test> <jdoe@example.org> Who?<one@y.test>", ""},
    {S("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <big@example.net>"),
     "<boss@nil.test> Giant; \"Big\" Box<big@example.net>", ""},
    {S("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"),
     "A Group: Ed Jones<c@a.test> <joe@where.test> John<jdoe@one.test> ;", ""},
    {S("Undisclosed recipients:;"), "Undisclosed recipients: ;", ""},
    {S("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"),
     "Pete<pete@silly.test>", "addr-obsolete@0"},
    {S("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public."
       "example>,\r\n     joe@example.org,\r\n  John <jdoe@one.test> (my dear "
       "friend); (the end of the group)"),
     "A Group: Chris Jones<c@public.example> <joe@example.org> "
     "John<jdoe@one.test> ;",
     "addr-obsolete@28"},
    {S("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;"),
     "Hidden recipients: ;", ""},
    {S("joe@example.org (Joe Doe)"), "Joe Doe<joe@example.org>", ""},
    {S("a@b.example, (Joe Doe)\r\n joe@example.org"),
     "<a@b.example> Joe Doe<joe@example.org>", ""},
    {S("\"a b\"@example.org"), "<\"a b\"@example.org>", ""},
    {S("\"ab\"@example.org"), "<ab@example.org>", ""},
    {S("joe@[192.0.2.1]"), "<joe@[192.0.2.1]>", ""},
    {S("joe@[192.\r\n 0.2.1\t]"), "<joe@[192.0.2.1]>", "addr-not-5321@0"},
    {S("joe@[a\\ b c]"), "<joe@[a\\ bc]>", "addr-obsolete@0 addr-not-5321@0"},
    {S("joe@example.org (Joe =?utf-8?q?D=C3=B6?= (=?utf-8?q?=C3=A4?=))"),
     "Joe D\xC3\xB6 (\xC3\xA4)<joe@example.org>", ""},
    {S("joe@[IPv6:2001:db8::1]"), "<joe@[IPv6:2001:db8::1]>", ""},
    {S("J\xC3\xB6 <j\xC3\xB6@b\xC3\xBC.example>"),
     "J\xC3\xB6<j\xC3\xB6@b\xC3\xBC.example>", ""},
    {S("=?utf-8?q?J=C3=B6?= =?utf-8?q?rg?= X <j@example.org>"),
     "J\xC3\xB6rg X<j@example.org>", ""},
    {S("joe@example.org,\n\tann@example.org"),
     "<joe@example.org> <ann@example.org>", ""},
};

static const row obsolete[] = {
    {S("Joe Q. Public <john.q.public@example.com>"),
     "Joe Q. Public<john.q.public@example.com>", "addr-obsolete@0"},
    {S("Mary Smith <@node.test,@b.test:mary@example.net>, , jdoe@test  . "
       "example"),
     "Mary Smith<mary@example.net> <jdoe@test.example>",
     "addr-obsolete@0 addr-obsolete@52"},
    {S("a . b @example.org"), "<a.b@example.org>", "addr-obsolete@0"},
    {S("\"a\".b@example.org"), "<a.b@example.org>", "addr-obsolete@0"},
    {S("John Doe <jdoe@machine(comment).  example>"),
     "John Doe<jdoe@machine.example>", "addr-obsolete@0"},
    {S("Mary Smith\r\n    \r\n\t<mary@example.net>"),
     "Mary Smith<mary@example.net>", "addr-obsolete@0"},
    {S(",joe@example.org,"), "<joe@example.org>",
     "addr-obsolete@1 addr-obsolete@16"},
    {S("joe@[a\\\x07]"), "<joe@[a\\\xEF\xBF\xBD]>",
     "addr-obsolete@0 addr-not-5321@0"},
    {S("joe@a/b.example"), "<joe@a/b.example>", "addr-not-5321@0"},
    {S("joe@-a.example"), "<joe@-a.example>", "addr-not-5321@0"},
    {S("joe@a-.example"), "<joe@a-.example>", "addr-not-5321@0"},
    {S("joe@a.example-"), "<joe@a.example->", "addr-not-5321@0"},
    {S("joe@[IPv6:1:2:3:4:5:6:7::]"), "<joe@[IPv6:1:2:3:4:5:6:7::]>",
     "addr-not-5321@0"},
    {S("joe@[IPv6:1:2:3:4:5:6::]"), "<joe@[IPv6:1:2:3:4:5:6::]>", ""},
    {S("\"a\\\x07\"@b.example"), "<\"a\xEF\xBF\xBD\"@b.example>",
     "addr-obsolete@0 addr-not-5321@0"},
    {S("\"a\\ \"@b.example"), "<\"a \"@b.example>", ""},
    {S("\"a\\\\b\\\"\"@c.example"), "<\"a\\\\b\\\"\"@c.example>", ""},
    {S("\"a\tb\"@c.example"), "<\"a\tb\"@c.example>", "addr-not-5321@0"},
};

static const row broken[] = {
    {S(""), "", "addr-invalid@0"},
    {S("(only this)"), "", "addr-invalid@11"},
    {S("Joe Doe"), "Joe Doe<>", "addr-invalid@7"},
    {S("joe"), "<joe>", "addr-invalid@3"},
    {S("a@b c@d"), "<a@b> <c@d>", "addr-invalid@4"},
    {S("<a@b> <c@d>"), "<a@b> <c@d>", "addr-invalid@6"},
    {S("Joe <a@b> Ann <c@d>"), "Joe<a@b> Ann<c@d>", "addr-invalid@10"},
    {S("a@b.example <a@b.example>"), "a@b.example<a@b.example>",
     "addr-invalid@12"},
    {S("<a@b> Joe Doe"), "Joe Doe<a@b>", "addr-invalid@13"},
    {S("Joe <a@b"), "Joe<a@b>", "addr-invalid@8"},
    {S("Joe <a@b, c@d>"), "Joe<a@b> <c@d>", "addr-invalid@8 addr-invalid@13"},
    {S("Joe a@b"), "Joe<a@b>", "addr-invalid@7"},
    {S("Joe <a b@c>"), "Joe<a b@c>", "addr-invalid@8"},
    {S("<>"), "<>", "addr-invalid@1"},
    {S("<joe>"), "<joe>", "addr-invalid@4"},
    {S("\"open <a@b>"), "<\"open <a@b>>", "addr-invalid@11"},
    {S("(open a@b"), "", "addr-invalid@9"},
    {S("a@[1.2.3.4"), "<a@[1.2.3.4>", "addr-invalid@10"},
    {S("a@b; c@d"), "<a@b> <c@d>", "addr-invalid@4"},
    {S("G: a@b, c@d"), "G: <a@b> <c@d> ;", "addr-invalid@11"},
    {S("G: a@b, H: c@d;, e@f;"), "G: <a@b> <c@d> ; <e@f>",
     "addr-invalid@10 addr-invalid@21"},
    {S("G: a@b; H: c@d; e@f"), "G: <a@b> ; H: <c@d> ; <e@f>",
     "addr-invalid@8 addr-invalid@16"},
    {S(".a@b"), "<.a@b>", "addr-invalid@0"},
    {S("\"a\\"), "<\"a\\>", "addr-invalid@2"},
    {S("a (b\\"), "b<a>", "addr-invalid@4"},
    {S("\"a\0b\"@c"),
     "<\"a\xEF\xBF\xBD"
     "b\"@c>",
     "addr-invalid@2"},
    {S("a@[b[c]"), "<a@[b[c]>", "addr-invalid@4"},
    {S(". a <b@c>"), ". a<b@c>", "addr-invalid@4"},
    {S(":a@b;"), "<a@b>", "addr-invalid@1 addr-invalid@5"},
    {S("a..b@c"), "<a..b@c>", "addr-invalid@2"},
    {S("a.@b"), "<a.@b>", "addr-invalid@2"},
    {S("a@.b"), "<a@.b>", "addr-invalid@2"},
    {S("a@b."), "<a@b.>", "addr-invalid@4"},
    {S("a@b\r\n"), "<a@b>", "addr-invalid@3"},
    {S("j\xF6@b.example"), "<j\xEF\xBF\xBD@b.example>", "addr-invalid@12"},
    {S("\"\xC3\"@b.example"), "<\"\xEF\xBF\xBD\"@b.example>",
     "addr-invalid@13"},
    {S("J\xF6 <j@b.example>"), "J\xC3\xB6<j@b.example>", ""},
    {S("a@\x01"), "<a>", "addr-invalid@2"},
    {S("<http://www.host.example/list,x>"),
     "<http://www.host.example/list> <x>>", "addr-invalid@5 addr-invalid@31"},
};

static const row trailing[] = {
    {S("<aaa@bbb.com>ccc@ddd.com"), "<aaa@bbb.com> <ccc@ddd.com>",
     "addr-invalid@13"},
    {S("a@b@c"), "<a@b>", "addr-invalid@3"},
    {S("a@b(c@d)"), "c@d<a@b>", ""},
    {S("a@b)c@d"), "<a@b>", "addr-invalid@3"},
};

static const row quoted_at[] = {
    {S("\"user@evil.com x\"@good.com"), "<\"user@evil.com x\"@good.com>", ""},
    {S("\"a>,b\" <c@d>"), "a>,b<c@d>", ""},
    {S("\"x@y\" <\"u@v\"@good.com>"), "x@y<\"u@v\"@good.com>", ""},
};

static const row words_inside[] = {
    {S("=?x?q?a=40evil.com=3e?=@good.com"),
     "<=?x?q?a=40evil.com=3e?=@good.com>", "addr-word-inside@0"},
    {S("=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?="
       "@mailsploit.com"),
     "<=?utf-8?b?cG90dXNAd2hpdGVob3VzZS5nb3Y=?==?utf-8?Q?=00?=@mailsploit.com>",
     "addr-word-inside@0"},
    {S("Joe <a@=?utf-8?q?evil?=>"), "Joe<a@=?utf-8?q?evil?=>",
     "addr-not-5321@0 addr-word-inside@0"},
    {S("=?utf-8?q?a=40b=3E=2C?= <c@d>"), "a@b>,<c@d>", ""},
};

static void every_form_is_read(void **state)
{
    (void)state;
    CHECK(plain, show_list);
}

static void obsolete_forms_are_read_and_told(void **state)
{
    (void)state;
    CHECK(obsolete, show_list);
}

static void text_of_no_form_is_read_as_well_as_can_be(void **state)
{
    (void)state;
    CHECK(broken, show_list);
}

static void sec_021_the_domain_stands_behind_the_last_unquoted_at(void **state)
{
    (void)state;
    CHECK(quoted_at, show_list);
}

static void sec_022_what_stands_behind_an_address_is_told(void **state)
{
    (void)state;
    CHECK(trailing, show_list);
}

static void sec_059_no_address_from_encoded_words(void **state)
{
    (void)state;
    CHECK(words_inside, show_list);
}

/* THREATS 23: work that is not linear would not end here. */
static void sec_023_floods_are_linear_and_counted(void **state)
{
    static const char *const pieces[] = {
        "(",     "<", ";", "a,", "a:", "\"", "a@b ", "<a ",
        "a<b> ", "@", ".", "\\", "[",  "()", "<@a,"};
    (void)state;
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        enum { COUNT = 300000 };
        size_t n = strlen(pieces[p]);
        char *text = malloc(COUNT * n);
        mk_defect found[4];
        mk_defects list;
        mk_addresses it;
        mk_address a;
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(text + i * n, pieces[p], n);
        }
        mk_defects_init(&list, found, 4);
        mk_addresses_init(&it, MK_FIELD_TO, mk_str_of(text, COUNT * n), &list);
        uint32_t given = 0;
        while (mk_addresses_next(&it, &a)) {
            given++;
        }
        assert_true(given <= MK_ADDRESS_COUNT_MAX);
        assert_true(given < MK_ADDRESS_COUNT_MAX ||
                    mk_defects_has(&list, MK_DEFECT_ADDR_COUNT));
        it.max_count = UINT32_MAX;
        mk_addresses_init(&it, MK_FIELD_TO, mk_str_of(text, COUNT * n), NULL);
        it.max_count = UINT32_MAX;
        while (mk_addresses_next(&it, &a)) {
        }
        free(text);
    }
}

static const struct {
    const char *name, *address, *defects;
} shown[] = {
    {"Joe Doe", "joe@example.org", ""},
    {"joe@example.org", "joe@example.org", ""},
    {"JOE@example.org (Joe)", "joe@example.org", ""},
    {"ceo@bank.com", "x@evil.example", "addr-in-name@0"},
    {"<ceo@bank.com> via", "x@evil.example", "addr-in-name@0"},
    {"@ me", "x@evil.example", ""},
    {"'joe@example.org'", "joe@example.org", ""},
    {"Write to joe@example.org.", "joe@example.org", ""},
    {"'ceo@bank.com'", "x@evil.example", "addr-in-name@0"},
    {"'joe@example.org", "o'joe@example.org", "addr-in-name@0"},
    {"joe@example.org'", "joe@example.org", ""},
    {"'joe@example.org", "'joe@example.org", ""},
    {"@bank.com", "x@y.example", ""},
    {"\xC3\xE2\x80\xAE", "x@y.example", "addr-bidi@0"},
    {"ceo@bank.com", "'ceo@bank.com", "addr-in-name@0"},
    {"a \xE2\x80\xAE gnp.exe", "x@y.example", "addr-bidi@0"},
    {"x", "x@\xD0\xB0pple.com", "addr-mixed-script@0"},
    {"\xD0\xA1\xD0\xB0\xD1\x88\xD0\xB0", "sasha@y.example", ""},
    {"P\xD0\xB0ypal", "x@y.example", "addr-mixed-script@0"},
    {"ceo\xEF\xBC\xA0"
     "bank.com",
     "x@y.example", "addr-confusable@0"},
    {"c\xE2\x80\x8B"
     "eo",
     "x@y.example", "addr-confusable@0"},
};

static void sec_060_names_that_deceive_are_told(void **state)
{
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        mk_defect found[8];
        mk_defects list;
        char line[128];
        mk_defects_init(&list, found, 8);
        bool deceives = mk_address_is_deceptive(
            mk_str_z(shown[i].name), mk_str_z(shown[i].address), &list);
        assert_int_equal(deceives, shown[i].defects[0] != '\0');
        failed += show_differs(i, show_defects(&list, line, sizeof line),
                               shown[i].defects);
    }
    assert_int_equal(failed, 0);
}

static void fields_say_what_may_be_empty_or_several(void **state)
{
    static const struct {
        mk_field_id id;
        const char *text, *defects;
    } rows[] = {
        {MK_FIELD_BCC, "", ""},
        {MK_FIELD_RESENT_BCC, " (nobody) ", ""},
        {MK_FIELD_TO, "", "addr-invalid@0"},
        {MK_FIELD_FROM, "a@x, b@y, c@z", "addr-several@5"},
        {MK_FIELD_SENDER, "a@x, b@y", "addr-several@5"},
        {MK_FIELD_FROM, "a@x", ""},
        {MK_FIELD_TO, "a@x, b@y", ""},
        {(mk_field_id)4711, "a@x, b@y", ""},
    };
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_defect found[8];
        mk_defects list;
        mk_addresses it;
        mk_address a;
        char line[128];
        mk_defects_init(&list, found, 8);
        mk_addresses_init(&it, rows[i].id, mk_str_z(rows[i].text), &list);
        while (mk_addresses_next(&it, &a)) {
        }
        failed += show_differs(i, show_defects(&list, line, sizeof line),
                               rows[i].defects);
    }
    assert_int_equal(failed, 0);
}

/* RFC 5321 4.5.3.1 and RFC 1035 2.3.4: at each length, and one beyond. */
static void sec_021_lengths_are_those_of_smtp(void **state)
{
    static const struct {
        size_t local, label, labels; /* labels of so many octets, with a dot */
        bool is_long;
    } rows[] = {
        {64, 1, 1, false},  {65, 1, 1, true},   {1, 63, 1, false},
        {1, 64, 1, true},   {10, 60, 4, false}, {64, 62, 3, false},
        {64, 47, 4, true},  {60, 47, 4, false}, {61, 47, 4, false},
        {62, 47, 4, false}, {63, 47, 4, true},  {1, 62, 4, false},
        {1, 63, 4, true},   {1, 50, 5, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[600];
        mk_buf b;
        mk_addresses it;
        mk_address a;
        mk_buf_init(&b, text, sizeof text);
        for (size_t k = 0; k < rows[i].local; k++) {
            (void)mk_buf_add_c(&b, 'a');
        }
        for (size_t k = 0; k < rows[i].labels; k++) {
            (void)mk_buf_add_c(&b, k == 0 ? '@' : '.');
            for (size_t n = 0; n < rows[i].label; n++) {
                (void)mk_buf_add_c(&b, 'b');
            }
        }
        mk_addresses_init(&it, MK_FIELD_TO, mk_buf_str(&b), NULL);
        assert_true(mk_addresses_next(&it, &a));
        assert_int_equal((a.flags & MK_ADDRESS_LONG) != 0, rows[i].is_long);
    }
}

/* What stands in a route is not said of the address. */
static void routes_leave_no_flags(void **state)
{
    mk_addresses it;
    mk_address a;
    (void)state;
    mk_addresses_init(&it, MK_FIELD_TO,
                      mk_str_z("<@[192.0.2.1],@b . c:a@b.example>"), NULL);
    assert_true(mk_addresses_next(&it, &a));
    assert_int_equal(a.flags, MK_ADDRESS_ANGLE | MK_ADDRESS_OBSOLETE);
    assert_true(mk_str_is(a.route, mk_str_z("@[192.0.2.1],@b . c")));
    mk_addresses_init(&it, MK_FIELD_TO, mk_str_z("<@[b:a@b.example>"), NULL);
    assert_true(mk_addresses_next(&it, &a));
    assert_true((a.flags & MK_ADDRESS_INVALID) != 0);
}

static void parts_are_views_and_flags(void **state)
{
    mk_addresses it;
    mk_address a;
    char mem[64];
    mk_buf b;
    mk_str text = mk_str_z("G: \"A\" <@r:\"b \\\"c\"@[192.0.2.1]> (d);");
    (void)state;
    mk_addresses_init(&it, MK_FIELD_TO, text, NULL);
    assert_true(mk_addresses_next(&it, &a));
    assert_int_equal(a.kind, MK_ADDRESS_GROUP);
    assert_false(a.in_group);
    assert_true(mk_addresses_next(&it, &a));
    assert_true(a.in_group);
    assert_true(mk_str_is(a.name, mk_str_z("\"A\"")));
    assert_true(mk_str_is(a.route, mk_str_z("@r")));
    assert_true(mk_str_is(a.local_part, mk_str_z("\"b \\\"c\"")));
    assert_true(mk_str_is(a.domain, mk_str_z("[192.0.2.1]")));
    assert_int_equal(a.flags, MK_ADDRESS_QUOTED | MK_ADDRESS_LITERAL |
                                  MK_ADDRESS_ANGLE | MK_ADDRESS_COMMENTED |
                                  MK_ADDRESS_OBSOLETE);
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_address_local_part(&a, &b), MK_OK);
    assert_true(mk_str_is(mk_buf_str(&b), mk_str_z("b \"c")));
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_address_comments_decode(&a, NULL, &b, NULL), MK_OK);
    assert_true(mk_str_is(mk_buf_str(&b), mk_str_z("d")));
    mk_buf_init(&b, mem, 3);
    assert_int_equal(mk_address_spec_format(&a, &b), MK_E_ROOM);
    assert_true(mk_addresses_next(&it, &a));
    assert_int_equal(a.kind, MK_ADDRESS_GROUP_END);
    assert_false(mk_addresses_next(&it, &a));
}

/* What was told of words in comments: they may stand there (RFC 2047 5 (2)). */
static void words_in_comments_are_told_for_what_they_are(void **state)
{
    static const struct {
        const char *text, *defects;
    } rows[] = {
        {"a@b (=?utf-8?q?c?=)", ""},
        {"a@b (c (=?utf-8?q?d?=) e)", ""},
        {"a@b (x=?utf-8?q?c?=)", "word-joined@6"},
        {"\"=?utf-8?q?c?=\" <a@b>", "word-quoted@1"},
        {"(=?utf-8?q?c?=)x(=?utf-8?q?d?=y) <a@b>", ""},
    };
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char mem[64], line[128];
        mk_buf b;
        mk_defect found[8];
        mk_defects list;
        mk_addresses it;
        mk_address a;
        mk_defects_init(&list, found, 8);
        mk_buf_init(&b, mem, sizeof mem);
        mk_addresses_init(&it, MK_FIELD_TO, mk_str_z(rows[i].text), NULL);
        assert_true(mk_addresses_next(&it, &a));
        assert_int_equal(mk_address_name_decode(&a, NULL, &b, &list), MK_OK);
        failed += show_differs(i, show_defects(&list, line, sizeof line),
                               rows[i].defects);
    }
    assert_int_equal(failed, 0);
}

/* Where max_count stops the walk an open group is ended all the same. */
static void groups_end_where_the_count_does(void **state)
{
    static const char *const texts[] = {"G: a@b, c@d, e@f;", "G: a@b", "G:;",
                                        "a@b, G: c@d;, e@f"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (uint32_t max = 0; max < 6; max++) {
            mk_addresses it;
            mk_address a;
            uint32_t given = 0, groups = 0, ends = 0;
            mk_addresses_init(&it, MK_FIELD_TO, mk_str_z(texts[i]), NULL);
            it.max_count = max;
            while (mk_addresses_next(&it, &a)) {
                given++;
                groups += a.kind == MK_ADDRESS_GROUP ? 1 : 0;
                ends += a.kind == MK_ADDRESS_GROUP_END ? 1 : 0;
            }
            assert_int_equal(groups, ends);
            assert_true(given <= max + ends);
            assert_true(it.count <= max);
            assert_false(mk_addresses_next(&it, &a));
        }
    }
}

/* What is valid is the same mailbox when its plain form is read again. */
static void plain_forms_are_read_to_the_same(void **state)
{
    static const char *const parts[] = {
        "a", ".", " ",       "\r\n ",    "(c)", "\"", "\"b\"",       "\\",
        "[", "]", "1.2.3.4", "\xC3\xA4", "@",   "\t", "\"d \\\"e\"", "@f.g"};
    uint64_t seed = 3;
    uint32_t valid = 0;
    (void)state;
    for (int round = 0; round < 60000; round++) {
        char text[700], mem[2000], one[700], two[700];
        mk_buf t, spec, x, y;
        mk_addresses it;
        mk_address a, b;
        mk_buf_init(&t, text, sizeof text);
        for (uint32_t i = 0; i < 10; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
            uint32_t k = (uint32_t)(seed >> 33);
            for (uint32_t n = k / 16 % 64 == 0 ? 60 : 1; n > 0; n--) {
                (void)mk_buf_add_z(&t, parts[k % 16]);
            }
        }
        mk_addresses_init(&it, MK_FIELD_TO, mk_buf_str(&t), NULL);
        if (!mk_addresses_next(&it, &a) || a.domain.len == 0 ||
            (a.flags & MK_ADDRESS_INVALID) != 0) {
            continue;
        }
        valid++;
        mk_buf_init(&spec, mem, sizeof mem);
        assert_int_equal(mk_address_spec_format(&a, &spec), MK_OK);
        assert_false(mk_str_has_ctl(mk_buf_str(&spec)));
        mk_addresses_init(&it, MK_FIELD_TO, mk_buf_str(&spec), NULL);
        assert_true(mk_addresses_next(&it, &b));
        assert_int_equal(b.flags & (MK_ADDRESS_INVALID | MK_ADDRESS_SPACED |
                                    MK_ADDRESS_COMMENTED),
                         0);
        mk_buf_init(&x, one, sizeof one);
        mk_buf_init(&y, two, sizeof two);
        assert_int_equal(mk_address_local_part(&a, &x), MK_OK);
        assert_int_equal(mk_address_local_part(&b, &y), MK_OK);
        assert_true(mk_str_is(mk_buf_str(&x), mk_buf_str(&y)));
        assert_false(mk_addresses_next(&it, &b));
    }
    assert_true(valid > 500);
}

static void what_was_encoded_is_the_name_again(void **state)
{
    static const char *const names[] = {
        "Joe",           "Joe Q. Doe",     "a\"b\\c",
        "J\xC3\xB6 Doe", "<x@y>, z",       "a  b",
        "=?utf-8?q?x?=", "comma, (paren)", " lead and trail "};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char mem[256], back[256];
        mk_buf b, n;
        mk_addresses it;
        mk_address a;
        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(
            mk_words_encode(mk_str_z(names[i]), 6, MK_WORDS_PHRASE, &b), MK_OK);
        (void)mk_buf_add_z(&b, " <x@example.org>");
        mk_addresses_init(&it, MK_FIELD_TO, mk_buf_str(&b), NULL);
        assert_true(mk_addresses_next(&it, &a));
        mk_buf_init(&n, back, sizeof back - 1);
        assert_int_equal(mk_address_name_decode(&a, NULL, &n, NULL), MK_OK);
        back[n.len] = '\0';
        assert_string_equal(back, names[i]);
        assert_int_equal(a.flags & MK_ADDRESS_INVALID, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(obsolete_forms_are_read_and_told),
        cmocka_unit_test(text_of_no_form_is_read_as_well_as_can_be),
        cmocka_unit_test(sec_021_the_domain_stands_behind_the_last_unquoted_at),
        cmocka_unit_test(sec_022_what_stands_behind_an_address_is_told),
        cmocka_unit_test(sec_059_no_address_from_encoded_words),
        cmocka_unit_test(sec_023_floods_are_linear_and_counted),
        cmocka_unit_test(sec_060_names_that_deceive_are_told),
        cmocka_unit_test(fields_say_what_may_be_empty_or_several),
        cmocka_unit_test(sec_021_lengths_are_those_of_smtp),
        cmocka_unit_test(routes_leave_no_flags),
        cmocka_unit_test(parts_are_views_and_flags),
        cmocka_unit_test(what_was_encoded_is_the_name_again),
        cmocka_unit_test(words_in_comments_are_told_for_what_they_are),
        cmocka_unit_test(groups_end_where_the_count_does),
        cmocka_unit_test(plain_forms_are_read_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
