/* SPDX-License-Identifier: MIT
 *
 * Fields of a header: names, values, places and defects in rows; look-ups;
 * unfolding; limits and the hostile families of THREATS 52, 53, 61, 62
 * and 67.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mailkit/header.h>

#include "show.h"

static void add(mk_buf *b, mk_str s)
{
    (void)mk_buf_add_escaped(b, s, SIZE_MAX);
}

/* The fields as one line; checks that they tile the header. */
static void show_fields(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_fields it;
    mk_field f;
    uint64_t at = 0;
    mk_fields_init(&it, text, defects);
    while (mk_fields_next(&it, &f)) {
        assert_true(f.offset == at);
        at += f.length;
        assert_true(it.at == at);
        assert_true(f.value.ptr == text.ptr + f.offset + f.value_at);
        add(b, f.name);
        (void)mk_buf_add_z(b, "=");
        add(b, f.value);
        (void)mk_buf_add_z(b, ";");
    }
    assert_false(mk_fields_next(&it, &f));
    (void)mk_buf_add_z(b, it.has_end ? "." : "!");
    (void)mk_buf_add_u64(b, it.at);
}

static const row plain[] = {
    {S("A: b\r\nC:d\r\n\r\nbody"), "A= b;C=d;.13", ""},
    {S("A: b\nC:d\n\nbody"), "A= b;C=d;.10", ""},
    {S("A: b\r\n c\r\n\td\r\nE: f\r\n\r\n"),
     "A= b\\x0D\\x0A c\\x0D\\x0A\\x09d;E= f;.22", ""},
    {S("A: b\n c\nE: f\n\n"), "A= b\\x0A c;E= f;.14", ""},
    {S("\r\nbody"), ".2", ""},
    {S("\nbody"), ".1", ""},
    {S("A:\r\n\r\n"), "A=;.6", ""},
    {S("A: b:c\r\n\r\n"), "A= b:c;.10", ""},
    {S("X-A_name-of.more-than-thirty-two-octets: v\r\n\r\n"),
     "X-A_name-of.more-than-thirty-two-octets= v;.46", ""},
    {S("A: gr\xC3\xBC\xC3\x9F\r\n\r\n"), "A= gr\\xC3\\xBC\\xC3\\x9F;.13", ""},
};

static const row odd[] = {
    {S(""), "!0", "header-no-end@0"},
    {S("A: b"), "A= b;!4", "header-no-end@4"},
    {S("A: b\r\n"), "A= b;!6", "header-no-end@6"},
    {S("A: b\r"), "A= b\\x0D;!5", "header-bare-cr@4 header-no-end@5"},
    {S("A: b\r\n\r"), "A= b;=\\x0D;!7",
     "header-no-colon@6 header-bare-cr@6 header-no-end@7"},
    {S("A \t: b\r\n\r\n"), "A= b;.10", "header-name-space@3"},
    {S(": b\r\n\r\n"), "= b;.7", "header-name-invalid@0"},
    {S("A B: c\r\n\r\n"), "A B= c;.10", "header-name-invalid@0"},
    {S("A\xFC: c\r\n\r\n"), "A\\xFC= c;.9",
     "header-name-invalid@0 header-8bit@1"},
    {S("A\x7F: c\r\n\r\n"), "A\\x7F= c;.9", "header-name-invalid@0"},
    {S("A: b\r\nno colon\r\nC: d\r\n\r\n"), "A= b;=no colon;C= d;.24",
     "header-no-colon@6"},
    {S("A: b\rC: d\r\n\r\n"), "A= b\\x0DC: d;.13", "header-bare-cr@4"},
    {S("A: b\r\nC: d\n\r\n"), "A= b;C= d;.13", "header-mixed-ends@10"},
    {S("A: b\nC: d\r\n\n"), "A= b;C= d;.12", "header-mixed-ends@10"},
    {S("A: b\r\n\nC: d\r\n\r\n"), "A= b;.7", "header-mixed-ends@6"},
    {S("A: b\n\r\nC: d\n\n"), "A= b;.7", "header-mixed-ends@6"},
    {S("A: b\r\n \r\n c\r\n\r\n"), "A= b\\x0D\\x0A \\x0D\\x0A c;.15",
     "header-white-line@6"},
    {S("A: \xC3\r\n\r\n"), "A= \\xC3;.8", "header-8bit@4"},
    {S("A: \xC3"), "A= \\xC3;!4", "header-8bit@4 header-no-end@4"},
    {S("From joe Mon Jan  1 10:00:00 2024\r\nA: b\r\n\r\n"),
     "=From joe Mon Jan  1 10:00:00 2024;A= b;.43", "header-from-line@0"},
    {S(">From joe 10:00:00\r\nA: b\r\n\r\n"), "=>From joe 10:00:00;A= b;.28",
     "header-from-line@0"},
    {S("From : a@b\r\n\r\n"), "From= a@b;.14", "header-name-space@5"},
    {S("Subject: a\r\nSubject: b\r\n\r\n"), "Subject= a;Subject= b;.26",
     "header-duplicate@12"},
    {S("Received: a\r\nReceived: b\r\n\r\n"), "Received= a;Received= b;.28",
     ""},
};

static const row from_rows[] = {
    {S("From: a@x\r\nFrom: b@x\r\n\r\n"), "From= a@x;From= b@x;.24",
     "header-duplicate@11"},
    {S(" From: a@x\r\nFrom: b@x\r\n\r\n"), "From= a@x;From= b@x;.25",
     "header-first-space@0 header-duplicate@12"},
    {S("From : a@x\r\nFROM: b@x\r\n\r\n"), "From= a@x;FROM= b@x;.25",
     "header-name-space@5 header-duplicate@12"},
    {S("From\r\n : a@x\r\nX: b\r\n\r\n"), "From= a@x;X= b;.22",
     "header-name-space@7"},
};

static const row start_rows[] = {
    {S(" x\r\nA: b\r\n\r\n"), "= x;A= b;.12",
     "header-no-colon@0 header-first-space@0"},
    {S("\tReceived: a\r\nA: b\r\n\r\n"), "Received= a;A= b;.22",
     "header-first-space@0"},
    {S("hello\r\nReceived: a\r\n\r\n"), "=hello;Received= a;.22",
     "header-no-colon@0"},
    {S("Rec\0eived: a\r\n\r\n"), "Rec\\x00eived= a;.16",
     "header-name-invalid@0 header-nul@3"},
    {S("A: b\r\n\r\nReceived: c\r\n\r\n"), "A= b;.8", ""},
};

static void fields_are_views_that_tile_the_header(void **state)
{
    (void)state;
    CHECK(plain, show_fields);
}

static void what_is_odd_is_read_and_told(void **state)
{
    (void)state;
    CHECK(odd, show_fields);
}

static void sec_061_every_from_is_given(void **state)
{
    (void)state;
    CHECK(from_rows, show_fields);
}

static void sec_062_odd_starts_are_never_merged(void **state)
{
    (void)state;
    CHECK(start_rows, show_fields);
}

/* THREATS 52: its own row, the same field, and fields of one octet. */
static void sec_052_many_fields_are_counted_not_kept(void **state)
{
    static const char *const lines[] = {"To: a@b\r\n", "To: a@b\r\n x\r\n",
                                        "a\n"};
    (void)state;
    for (size_t r = 0; r < 3; r++) {
        enum { COUNT = 500000 };
        size_t n = strlen(lines[r]);
        char *text = malloc(COUNT * n);
        mk_fields it;
        mk_field f;
        mk_defect found[8];
        mk_defects list;
        uint32_t given = 0;
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(text + i * n, lines[r], n);
        }
        mk_defects_init(&list, found, 8);
        mk_fields_init(&it, mk_str_of(text, COUNT * n), &list);
        while (mk_fields_next(&it, &f)) {
            given++;
        }
        assert_int_equal(given, MK_FIELD_COUNT_MAX);
        assert_int_equal(it.count, COUNT);
        assert_int_equal(it.at, COUNT * n);
        assert_true(mk_defects_has(&list, MK_DEFECT_HEADER_COUNT));
        assert_true(list.count + list.dropped <= 2 * MK_FIELD_COUNT_MAX + 3);
        mk_fields_init(&it, mk_str_of(text, COUNT * n), &list);
        it.max_count = 3;
        for (given = 0; mk_fields_next(&it, &f); given++) {
        }
        assert_int_equal(given, 3);
        free(text);
    }
}

/* THREATS 53: folds of one letter, of white space alone, and one line. */
static void sec_053_one_large_field_is_cut_and_told(void **state)
{
    static const char *const pieces[] = {"\r\n x", "\r\n ", "xxxx"};
    (void)state;
    for (size_t r = 0; r < 3; r++) {
        enum { COUNT = 500000 };
        size_t n = strlen(pieces[r]);
        char *text = malloc(2 + COUNT * n);
        char *mem = malloc(2 + COUNT * n);
        mk_fields it;
        mk_field f;
        mk_defect found[8];
        mk_defects list;
        mk_buf b;
        memcpy(text, "A:", 2);
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(text + 2 + i * n, pieces[r], n);
        }
        mk_defects_init(&list, found, 8);
        mk_fields_init(&it, mk_str_of(text, 2 + COUNT * n), &list);
        assert_true(mk_fields_next(&it, &f));
        assert_int_equal(f.value.len, MK_FIELD_BYTES_MAX);
        assert_int_equal(f.length, 2 + COUNT * n);
        assert_true((f.flags & MK_FIELD_CUT) != 0);
        assert_false(mk_fields_next(&it, &f));
        assert_true(mk_defects_has(&list, MK_DEFECT_HEADER_FIELD_SIZE));
        assert_true(mk_defects_has(&list, MK_DEFECT_HEADER_SIZE));
        mk_buf_init(&b, mem, 2 + COUNT * n);
        assert_int_equal(mk_field_unfold(f.value, &b), MK_OK);
        assert_true(b.len <= f.value.len);
        assert_null(memchr(mem, '\n', b.len));
        free(mem);
        free(text);
    }
}

static void fields_are_found_by_name(void **state)
{
    mk_fields it;
    mk_field f;
    mk_str text = mk_str_z("To: a\r\nReceived: 1\r\nto: b\r\n\r\nTo: c\r\n");
    (void)state;
    mk_fields_init(&it, text, NULL);
    assert_true(mk_fields_find(&it, mk_str_z("TO"), &f));
    assert_true(mk_str_is(mk_field_trim(f.value), mk_str_z("a")));
    assert_true(mk_fields_find(&it, mk_str_z("TO"), &f));
    assert_true(mk_str_is(mk_field_trim(f.value), mk_str_z("b")));
    assert_int_equal(f.id, MK_FIELD_TO);
    assert_false(mk_fields_find(&it, mk_str_z("TO"), &f));
    assert_int_equal(it.at, 29);
}

/* THREATS 67: 1e5 names alike but for two octets, of the length of a known
 * one, of one letter, and all the same: each field is looked at once. */
static void sec_067_names_have_no_hash_to_collide_in(void **state)
{
    static const char *const lines[] = {"XXcei\x41\x41: a\n", "X: aaaaaaa\n",
                                        "Subject: a\n"};
    (void)state;
    for (size_t r = 0; r < 3; r++) {
        enum { COUNT = 100000 };
        size_t n = strlen(lines[r]);
        char *text = malloc(COUNT * n + 6);
        mk_fields it;
        mk_field f;
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(text + i * n, lines[r], n);
            text[i * n] = r == 0 ? (char)('A' + i % 26) : text[i * n];
            text[i * n + 1] =
                r == 0 ? (char)('A' + i / 26 % 26) : text[i * n + 1];
        }
        memcpy(text + COUNT * n, "To: z\n", 6);
        mk_fields_init(&it, mk_str_of(text, COUNT * n + 6), NULL);
        it.max_count = UINT32_MAX;
        assert_true(mk_fields_find(&it, mk_str_z("to"), &f));
        assert_int_equal(f.offset, COUNT * n);
        assert_int_equal(it.count, COUNT + 1);
        free(text);
    }
}

/* RFC 5322 2.1.1: 998 octets without the line end, whatever it is. */
static void lines_are_long_behind_998_octets(void **state)
{
    static const char *const ends[] = {"\r\n", "\n", ""};
    (void)state;
    for (size_t e = 0; e < 3; e++) {
        for (size_t n = 996; n < 1003; n++) {
            for (int folded = 0; folded < 2; folded++) {
                char text[2100];
                mk_buf b;
                mk_fields it;
                mk_field f;
                mk_defects list;
                mk_buf_init(&b, text, sizeof text);
                mk_defects_init(&list, NULL, 0);
                (void)mk_buf_add_z(&b, folded != 0 ? "A:" : "");
                (void)mk_buf_add_z(&b, folded == 0 ? "A:"
                                       : e == 1    ? "\n "
                                                   : "\r\n ");
                for (size_t i = folded != 0 ? 1 : 2; i < n; i++) {
                    (void)mk_buf_add_c(&b, 'x');
                }
                (void)mk_buf_add_z(&b, ends[e]);
                mk_fields_init(&it, mk_buf_str(&b), &list);
                assert_true(mk_fields_next(&it, &f));
                assert_int_equal(
                    mk_defects_has(&list, MK_DEFECT_HEADER_LONG_LINE), n > 998);
            }
        }
    }
}

/* No count wraps, and a limit that is all of its type is none. */
static void counts_stop_at_their_end(void **state)
{
    mk_fields it;
    mk_field f;
    (void)state;
    mk_fields_init(&it, mk_str_z("A:b\nC:d\n\n"), NULL);
    it.count = UINT32_MAX;
    assert_false(mk_fields_next(&it, &f));
    assert_int_equal(it.at, 9);
    mk_fields_init(&it, mk_str_z("A:b\nC:d\n\n"), NULL);
    it.count = it.max_count = UINT32_MAX;
    assert_true(mk_fields_next(&it, &f));
    assert_true(mk_fields_next(&it, &f));
    assert_int_equal(it.count, UINT32_MAX);
}

static void what_a_message_must_have_is_missed(void **state)
{
    static const struct {
        const char *text, *defects;
    } rows[] = {
        {"From: a@b\n\n", "header-missing@11"},
        {"To: a@b\nDate: x\n\n", "header-missing@17"},
        {"\n", "header-missing@1 header-missing@1"},
        {"Date: x\nfrom: a@b\n\n", ""},
    };
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_defect found[4];
        mk_defects list;
        mk_fields it;
        mk_field f;
        char line[128];
        mk_defects_init(&list, found, 4);
        mk_fields_init(&it, mk_str_z(rows[i].text), &list);
        while (mk_fields_next(&it, &f)) {
        }
        mk_fields_check(&it);
        failed += show_differs(i, show_defects(&list, line, sizeof line),
                               rows[i].defects);
    }
    assert_int_equal(failed, 0);
}

static void every_known_name_is_known(void **state)
{
    (void)state;
    int known = 0;
#define KNOWN(id, number, text, kind, once)                                    \
    assert_int_equal(mk_field_id_of(mk_str_z(text)), MK_FIELD_##id);           \
    assert_true(mk_str_is(mk_field_name(MK_FIELD_##id), mk_str_z(text)));      \
    assert_int_equal(mk_field_kind_of(MK_FIELD_##id), MK_FIELD_KIND_##kind);   \
    known++;
    MK_FIELD_TABLE(KNOWN)
    assert_int_equal(known, 43);
    assert_int_equal(mk_field_id_of(mk_str_z("mEsSaGe-Id")),
                     MK_FIELD_MESSAGE_ID);
    assert_int_equal(mk_field_id_of(mk_str_z("")), MK_FIELD_OTHER);
    assert_int_equal(mk_field_id_of(mk_str_z("Dato")), MK_FIELD_OTHER);
    assert_int_equal(mk_field_id_of(mk_str_z("A-name-longer-than-all-of-them")),
                     MK_FIELD_OTHER);
    assert_int_equal(mk_field_name((mk_field_id)63).len, 0);
    assert_int_equal(mk_field_kind_of((mk_field_id)63), MK_FIELD_KIND_TEXT);
}

static void unfolding_leaves_no_line_end(void **state)
{
    static const struct {
        const char *raw;
        size_t n;
        const char *text;
    } rows[] = {
        {S(" a\r\n b"), " a b"},     {S("a\n\tb\n c"), "a\tb c"},
        {S("a\r\n \r\n b"), "a  b"}, {S("a\rb\0c"), "a b c"},
        {S("a\nb"), "a b"},          {S("a\r\n"), "a"},
        {S("a\r\r\n b"), "a  b"},    {S(""), ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char mem[32];
        mk_buf b;
        mk_buf_init(&b, mem, sizeof mem - 1);
        assert_int_equal(mk_field_unfold(mk_str_of(rows[i].raw, rows[i].n), &b),
                         MK_OK);
        mem[b.len] = '\0';
        assert_string_equal(mem, rows[i].text);
        mk_buf_init(&b, mem, strlen(rows[i].text));
        assert_int_equal(mk_field_unfold(mk_str_of(rows[i].raw, rows[i].n), &b),
                         MK_OK);
        for (size_t room = 0; room < strlen(rows[i].text); room++) {
            mk_buf_init(&b, mem, room);
            assert_int_equal(
                mk_field_unfold(mk_str_of(rows[i].raw, rows[i].n), &b),
                MK_E_ROOM);
            assert_true(b.full);
            assert_int_equal(b.len, room);
            assert_memory_equal(mem, rows[i].text, room);
        }
    }
    assert_true(
        mk_str_is(mk_field_trim(mk_str_z(" \r\n a b\t\n")), mk_str_z("a b")));
    assert_int_equal(mk_field_trim(mk_str_z(" \r\n ")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_views_that_tile_the_header),
        cmocka_unit_test(what_is_odd_is_read_and_told),
        cmocka_unit_test(sec_061_every_from_is_given),
        cmocka_unit_test(sec_062_odd_starts_are_never_merged),
        cmocka_unit_test(sec_052_many_fields_are_counted_not_kept),
        cmocka_unit_test(sec_053_one_large_field_is_cut_and_told),
        cmocka_unit_test(fields_are_found_by_name),
        cmocka_unit_test(sec_067_names_have_no_hash_to_collide_in),
        cmocka_unit_test(lines_are_long_behind_998_octets),
        cmocka_unit_test(counts_stop_at_their_end),
        cmocka_unit_test(what_a_message_must_have_is_missed),
        cmocka_unit_test(every_known_name_is_known),
        cmocka_unit_test(unfolding_leaves_no_line_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
