/* SPDX-License-Identifier: MIT
 *
 * test_parse.c: the limits of the parser and the hostile families that they
 * answer: fields without number or end (THREATS 52, 53), parts within parts
 * (54), parts and boundaries without number (55), pieces that nobody puts
 * together (66). That trees are
 * right is test_golden's to show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "summary.h"

/* ---- opening ------------------------------------------------------------- */

static void opens_in_what_it_asked_for(void **state)
{
    mk_message_config c;
    mk_message *m = NULL;
    (void)state;
    mk_message_config_init(&c, sizeof c);
    size_t need = mk_message_need(NULL);
    assert_int_equal(need, mk_message_need(&c));
    assert_true(need < 32 * 1024);
    char *block = malloc(need + 8);
    assert_int_equal(mk_message_open(&c, block, need - 1, &m), MK_E_ROOM);
    assert_int_equal(mk_message_open(&c, NULL, need, &m), MK_E_ARG);
    assert_int_equal(mk_message_open(&c, block + 1, need, &m), MK_E_ARG);
    assert_null(m);
    assert_int_equal(mk_message_open(&c, block, need, &m), MK_OK);
    assert_true(mk_message_in_max(m) >= c.max_field_bytes);
    c.max_depth = 32;
    assert_true(mk_message_need(&c) < 12 * 1024);
    free(block);
}

static void refuses_limits_of_no_sense(void **state)
{
    mk_message *m = NULL;
    size_t room = mk_message_need(NULL);
    void *block = malloc(room);
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        mk_message_config c = small();
        uint32_t *limits[] = {&c.max_depth,          &c.max_parts,
                              &c.max_boundary_bytes, &c.max_fields,
                              &c.max_field_bytes,    &c.max_header_bytes};
        if (i < 6) {
            *limits[i] = 0;
        } else if (i == 6) {
            c.max_boundary_bytes = 4096;
        } else {
            c.max_depth = UINT32_MAX;
        }
        assert_int_equal(mk_message_open(&c, block, room, &m), MK_E_ARG);
        assert_null(m);
    }
    free(block);
}

/* An older caller knows fewer limits. */
static void a_shorter_config_keeps_the_rest(void **state)
{
    mk_message_config c;
    (void)state;
    mk_message_config_init(&c, offsetof(mk_message_config, max_parts));
    c.max_depth = 7;
    mk_message_config full;
    mk_message_config_init(&full, sizeof full);
    full.max_depth = 7;
    assert_int_equal(mk_message_need(&c), mk_message_need(&full));
}

/* ---- fields -------------------------------------------------------------- */

static void sec_052_fields_without_number(void **state)
{
    text t = {0};
    (void)state;
    repeat(&t, "To: a@b\r\n", 500000);
    text_z(&t, "\r\nbody\r\n");
    summary s = parse(&t, NULL);
    assert_int_equal(s.fields, 10000);
    assert_true(has(&s, MK_DEFECT_HEADER_COUNT));
    assert_int_equal(s.data, 6);
    assert_int_equal(s.parts, 1);
    text_free(&t);
}

static void sec_052_a_small_limit_of_fields(void **state)
{
    mk_message_config c = small();
    text t = {0};
    (void)state;
    repeat(&t, "To: a@b\r\n", 4);
    text_z(&t, "\r\n");
    summary s = parse(&t, &c);
    assert_int_equal(s.fields, 4);
    assert_false(has(&s, MK_DEFECT_HEADER_COUNT));
    text_clear(&t);
    repeat(&t, "To: a@b\r\n", 5);
    text_z(&t, "Content-Type: text/html\r\n\r\nx");
    s = parse(&t, &c);
    assert_int_equal(s.fields, 4);
    assert_true(has(&s, MK_DEFECT_HEADER_COUNT));
    same_at_any_cut(&t, &c);
    text_free(&t);
}

static void sec_053_a_header_of_any_size(void **state)
{
    mk_message_config c = small();
    text t = {0};
    (void)state;
    repeat(&t, "Received: by a.example.org ...\r\n", 3);
    text_z(&t, "A: b\r\nC: d\r\n\r\nbody");
    summary s = parse(&t, &c);
    assert_int_equal(s.fields, 3);
    assert_true(has(&s, MK_DEFECT_HEADER_SIZE));
    assert_int_equal(s.data, 4);
    same_at_any_cut(&t, &c);
    text_free(&t);
}

/* The limit is one octet more than fits, and all around it. */
static void sec_053_a_field_of_any_size(void **state)
{
    mk_message_config c = small();
    (void)state;
    for (size_t n = 30; n < 50; n++) {
        static const char *const ends[] = {"\r\n", "\n", "\r\n \r\n", ""};
        for (size_t e = 0; e < 4; e++) {
            text t = {0};
            text_z(&t, "A: ");
            repeat(&t, "x", n - 3);
            text_z(&t, ends[e]);
            size_t length = t.len;
            text_z(&t, e < 3 ? "B: c\r\n\r\nbody" : "");
            summary s = parse(&t, &c);
            assert_int_equal(s.fields, e < 3 ? 2 : 1);
            assert_int_equal(has(&s, MK_DEFECT_HEADER_FIELD_SIZE),
                             length > c.max_field_bytes);
            same_at_any_cut(&t, &c);
            text_free(&t);
        }
    }
}

/* The empty line ends the header, whatever its end; not all see it so. */
static void empty_lines_of_another_end_are_told(void **state)
{
    static const struct {
        const char *message;
        bool is_mixed;
    } rows[] = {
        {"A: b\r\n\r\nx", false}, {"A: b\n\nx", false}, {"A: b\r\n\nx", true},
        {"A: b\n\r\nx", true},    {"\nx", false},       {"\r\nx", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text t = {0};
        text_z(&t, rows[i].message);
        summary s = parse(&t, NULL);
        assert_int_equal(has(&s, MK_DEFECT_HEADER_MIXED_ENDS),
                         rows[i].is_mixed);
        assert_int_equal(s.data, 1);
        same_at_any_cut(&t, NULL);
        text_free(&t);
    }
}

/* A header beyond a limit says nothing of the one behind it. */
static void sec_053_each_header_has_its_limits(void **state)
{
    mk_message_config c = small();
    text t = {0};
    (void)state;
    c.max_field_bytes = 60;
    text_z(&t, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n");
    repeat(&t, "A: b\r\n", 9);
    text_z(&t, "\r\nx\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nC: d\r\n");
    summary s = parse(&t, &c);
    assert_true(has(&s, MK_DEFECT_HEADER_COUNT));
    assert_int_equal(s.parts, 4);
    assert_int_equal(s.fields, 1 + 4 + 1 + 1);
    same_at_any_cut(&t, &c);
    text_free(&t);
}

/* What must be offered at once is bounded when all limits are the least. */
static void little_is_kept_within_little_limits(void **state)
{
    static const char *const bodies[] = {
        "x\r\nbegin 0644 y\r\n", "x\r\nbegin 0644", "begin 075",
        "x\r\n=ybegin line=1",   "\r\n\r\n--x",     "\r"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        mk_message_config c = small();
        text t = {0};
        c.max_depth = 1;
        c.max_parts = 1;
        c.max_boundary_bytes = 1;
        c.max_fields = 1;
        c.max_field_bytes = 1;
        c.max_header_bytes = 1;
        text_z(&t, "\r\n");
        text_z(&t, bodies[i]);
        same_at_any_cut(&t, &c);
        text_free(&t);
    }
}

/* A field of 64 MiB, folded or not, in constant memory: of a field without end
 * no more is ever kept than before. */
static void endless_field(const char *piece, size_t piece_len)
{
    enum { PIECES = 64 };
    text block = {0};
    feeder f;
    mk_err err;
    mk_str rest;
    while (block.len < 1 << 20) {
        text_add(&block, piece, piece_len);
    }
    begin(&f, NULL);
    text first = {0};
    text_z(&first, "Subject: x");
    text_str(&first, text_view(&block));
    rest = offer(&f, text_view(&first), &err);
    for (size_t i = 0; i < PIECES; i++) {
        assert_int_equal(err, MK_WAIT);
        assert_true(rest.len < 2);
        rest = offer(&f, text_view(&block), &err);
    }
    rest = offer(&f, mk_str_z("\r\n\r\nbody"), &err);
    summary s = end(&f, rest);
    assert_int_equal(s.fields, 1);
    assert_true(has(&s, MK_DEFECT_HEADER_FIELD_SIZE));
    assert_int_equal(s.data, 4);
    text_free(&first);
    text_free(&block);
}

static void sec_053_a_field_without_end(void **state)
{
    (void)state;
    endless_field("xxxxxxxxxxxxxxxx", 16);
    endless_field("\r\n x", 4);
}

/* ---- parts --------------------------------------------------------------- */

static void nested_multiparts(text *out, size_t n)
{
    text t = {0};
    for (size_t i = 0; i < n; i++) {
        text_z(&t, "Content-Type: multipart/mixed; boundary=b");
        text_u64(&t, i);
        text_z(&t, "\r\n\r\n--b");
        text_u64(&t, i);
        text_z(&t, "\r\n");
    }
    text_z(&t, "\r\nthe innermost");
    *out = t;
}

static void sec_054_ten_thousand_multiparts(void **state)
{
    text t = {0};
    (void)state;
    nested_multiparts(&t, 10000);
    summary s = parse(&t, NULL);
    assert_int_equal(s.depth, 100);
    assert_int_equal(s.parts, 101);
    assert_true(has(&s, MK_DEFECT_MIME_DEPTH));
    assert_true(has(&s, MK_DEFECT_MIME_NO_END));
    text_free(&t);
    nested_multiparts(&t, 120);
    same_at_any_cut(&t, NULL);
    text_free(&t);
}

static void sec_054_ten_thousand_messages(void **state)
{
    text t = {0};
    (void)state;
    repeat(&t, "Content-Type: message/rfc822\r\n\r\n", 10000);
    summary s = parse(&t, NULL);
    assert_int_equal(s.depth, 100);
    assert_int_equal(s.parts, 101);
    assert_true(has(&s, MK_DEFECT_MIME_DEPTH));
    text_free(&t);
}

static void sec_054_a_small_limit_of_depth(void **state)
{
    mk_message_config c = small();
    text t = {0};
    (void)state;
    repeat(&t, "Content-Type: message/global\r\n\r\n", 4);
    summary s = parse(&t, &c);
    assert_int_equal(s.depth, 3);
    assert_true(has(&s, MK_DEFECT_MIME_DEPTH));
    same_at_any_cut(&t, &c);
    text_drop(&t, 32);
    s = parse(&t, &c);
    assert_int_equal(s.depth, 3);
    assert_false(has(&s, MK_DEFECT_MIME_DEPTH));
    text_free(&t);
}

static void sec_055_a_million_parts(void **state)
{
    text t = {0};
    (void)state;
    text_z(&t, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    repeat(&t, "--b\r\n\r\nx\r\n", 1000000);
    text_z(&t, "--b--\r\n");
    summary s = parse(&t, NULL);
    assert_int_equal(s.parts, 10000);
    assert_true(has(&s, MK_DEFECT_MIME_COUNT));
    assert_true(s.defects < 10);
    text_free(&t);
}

static void sec_055_parts_of_nothing(void **state)
{
    text t = {0};
    mk_message_config c = small();
    (void)state;
    c.max_field_bytes = 99;
    text_z(&t, "Content-Type: multipart/digest; boundary=b\r\n\r\n");
    repeat(&t, "--b\n", 10000);
    summary s = parse(&t, &c);
    assert_int_equal(s.parts, 6);
    assert_true(has(&s, MK_DEFECT_MIME_COUNT));
    same_at_any_cut(&t, &c);
    text_free(&t);
}

/* 5,000 boundaries, each the beginning of the next. */
static void sec_055_boundaries_within_boundaries(void **state)
{
    text t = {0};
    (void)state;
    for (size_t i = 1; i <= 5000; i++) {
        text_z(&t, "Content-Type: multipart/mixed; boundary=\"");
        repeat(&t, "x", i);
        text_z(&t, "\"\r\n\r\n--");
        repeat(&t, "x", i);
        text_z(&t, "\r\n");
    }
    summary s = parse(&t, NULL);
    assert_int_equal(s.parts, 101);
    text_free(&t);
    /* As many as may be open, in the order that is worst. */
    for (size_t i = 99; i > 0; i--) {
        text_z(&t, "Content-Type: multipart/mixed; boundary=\"");
        repeat(&t, "x", i);
        text_z(&t, "\"\r\n\r\n--");
        repeat(&t, "x", i);
        text_z(&t, "\r\n");
    }
    text_z(&t, "\r\n");
    repeat(&t, "--xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-\r\n", 999);
    text_z(&t, "--x--\r\n");
    s = parse(&t, NULL);
    assert_int_equal(s.parts, 100);
    assert_true(has(&s, MK_DEFECT_MIME_BOUNDARY_PREFIX));
    assert_true(has(&s, MK_DEFECT_MIME_NO_END));
    assert_true(s.defects < 210);
    text_free(&t);
}

static void sec_055_a_boundary_of_any_size(void **state)
{
    static const size_t sizes[] = {1, 70, 256, 257, 1023, 1025, 1 << 20};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        text t = {0};
        text_z(&t, "Content-Type: multipart/mixed; boundary=\"");
        repeat(&t, "y", sizes[i]);
        text_z(&t, "\"\r\n\r\n--");
        repeat(&t, "y", sizes[i]);
        text_z(&t, "\r\n\r\ntext");
        summary s = parse(&t, NULL);
        assert_int_equal(s.parts, sizes[i] <= 256 ? 2 : 1);
        assert_int_equal(has(&s, MK_DEFECT_MIME_LONG_BOUNDARY), sizes[i] > 256);
        text_free(&t);
    }
}

/* Of a boundary beyond all limits nothing counts, not even its beginning; one
 * may be folded and have escapes. */
static void sec_055_boundaries_are_whole_or_none(void **state)
{
    static const struct {
        const char *start, *end, *line;
        size_t fill;
        uint32_t parts;
    } rows[] = {
        {"", "", "", 1024, 2},      {"", "", "", 1025, 1},
        {"", "z", "", 1024, 1},     {"a\r\n ", "", "a ", 4, 2},
        {"a\n\t", "", "a\t", 4, 2}, {"a\\\"\\", "", "a\"", 4, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_message_config c;
        text t = {0};
        mk_message_config_init(&c, sizeof c);
        c.max_boundary_bytes = 1024;
        text_z(&t, "Content-Type: multipart/mixed; boundary=\"");
        text_z(&t, rows[i].start);
        repeat(&t, "y", rows[i].fill);
        text_z(&t, rows[i].end);
        text_z(&t, "\"\r\n\r\n--");
        text_z(&t, rows[i].line);
        repeat(&t, "y", rows[i].fill);
        text_z(&t, "\r\n\r\ntext");
        summary s = parse(&t, &c);
        assert_int_equal(s.parts, rows[i].parts);
        assert_int_equal(has(&s, MK_DEFECT_MIME_LONG_BOUNDARY),
                         rows[i].parts == 1);
        same_at_any_cut(&t, &c);
        text_free(&t);
    }
}

/* The store of boundaries is full before the stack is. */
static void sec_055_long_boundaries_add_up(void **state)
{
    mk_message_config c = small();
    text t = {0};
    (void)state;
    c.max_depth = 2;
    c.max_boundary_bytes = 150;
    c.max_field_bytes = 400;
    c.max_header_bytes = 500;
    for (char b = 'a'; b < 'd'; b++) {
        char z[2] = {b, 0};
        text_z(&t, "Content-Type: multipart/mixed; boundary=\"");
        repeat(&t, z, 149);
        text_z(&t, "\"\r\n\r\n--");
        repeat(&t, z, 149);
        text_z(&t, "\r\n");
    }
    summary s = parse(&t, &c);
    assert_int_equal(s.parts, 2);
    assert_true(has(&s, MK_DEFECT_MIME_LONG_BOUNDARY));
    same_at_any_cut(&t, &c);
    text_free(&t);
}

/* A store that parts left is there for those that come. */
static void boundaries_are_forgotten_with_their_parts(void **state)
{
    text t = {0};
    (void)state;
    text_z(&t, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (size_t i = 0; i < 500; i++) {
        text_z(&t, "--b\r\nContent-Type: multipart/mixed; boundary=\"");
        repeat(&t, "z", 200);
        text_z(&t, "\"\r\n\r\n--");
        repeat(&t, "z", 200);
        text_z(&t, "--\r\n");
    }
    text_z(&t, "--b--\r\n");
    summary s = parse(&t, NULL);
    assert_int_equal(s.parts, 501);
    assert_false(has(&s, MK_DEFECT_MIME_LONG_BOUNDARY));
    assert_int_equal(s.defects, 1);
    text_free(&t);
}

/* ---- bombs --------------------------------------------------------------- */

static void sec_066_pieces_are_data(void **state)
{
    text t = {0};
    (void)state;
    text_z(&t, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    repeat(&t,
           "--b\r\nContent-Type: message/partial; id=x; number=1; total=2"
           "\r\n\r\nContent-Type: message/rfc822\r\n\r\n",
           9000);
    text_z(&t, "--b--\r\n");
    summary s = parse(&t, NULL);
    assert_int_equal(s.parts, 9001);
    assert_int_equal(s.depth, 1);
    assert_false(has(&s, MK_DEFECT_MIME_COUNT));
    text_free(&t);
}

/* A body without end passes through: nothing is kept, unpacked or decoded. */
static void body_passes(const char *type, const char *piece)
{
    text block = {0};
    feeder f;
    mk_err err;
    begin(&f, NULL);
    text head = {0};
    text_z(&head, type);
    text_z(&head, "\r\n\r\n");
    mk_str rest = offer(&f, text_view(&head), &err);
    assert_int_equal(rest.len, 0);
    repeat(&block, piece, (1 << 20) / strlen(piece));
    for (size_t i = 0; i < 256; i++) {
        rest = offer(&f, text_view(&block), &err);
        assert_int_equal(err, MK_WAIT);
        assert_true(rest.len <= 2);
        f.sum.data += rest.len; /* a line end, lost between the pieces here */
    }
    summary s = end(&f, mk_str_z(""));
    assert_int_equal(s.data, 256 * block.len);
    assert_int_equal(s.parts, 1);
    text_free(&head);
    text_free(&block);
}

static void sec_066_bodies_are_not_kept(void **state)
{
    (void)state;
    body_passes("Content-Transfer-Encoding: base64", "AAAAAAAAAAAAAAAA");
    body_passes("Content-Type: application/zip",
                "PK\x03\x04 zip within zip within zip\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_in_what_it_asked_for),
        cmocka_unit_test(refuses_limits_of_no_sense),
        cmocka_unit_test(a_shorter_config_keeps_the_rest),
        cmocka_unit_test(sec_052_fields_without_number),
        cmocka_unit_test(sec_052_a_small_limit_of_fields),
        cmocka_unit_test(sec_053_a_header_of_any_size),
        cmocka_unit_test(sec_053_a_field_of_any_size),
        cmocka_unit_test(empty_lines_of_another_end_are_told),
        cmocka_unit_test(sec_053_each_header_has_its_limits),
        cmocka_unit_test(little_is_kept_within_little_limits),
        cmocka_unit_test(sec_053_a_field_without_end),
        cmocka_unit_test(sec_054_ten_thousand_multiparts),
        cmocka_unit_test(sec_054_ten_thousand_messages),
        cmocka_unit_test(sec_054_a_small_limit_of_depth),
        cmocka_unit_test(sec_055_a_million_parts),
        cmocka_unit_test(sec_055_parts_of_nothing),
        cmocka_unit_test(sec_055_boundaries_within_boundaries),
        cmocka_unit_test(sec_055_a_boundary_of_any_size),
        cmocka_unit_test(sec_055_boundaries_are_whole_or_none),
        cmocka_unit_test(sec_055_long_boundaries_add_up),
        cmocka_unit_test(boundaries_are_forgotten_with_their_parts),
        cmocka_unit_test(sec_066_pieces_are_data),
        cmocka_unit_test(sec_066_bodies_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
