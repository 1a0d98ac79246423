/* SPDX-License-Identifier: MIT
 *
 * test_parse_odd.c: messages that two readers read in two ways (THREATS 63),
 * octets that an encoding does not allow (RFC 2045 2.7 to 2.9), and files that
 * stand within text.
 */
#include "summary.h"

/* ---- two readings -------------------------------------------------------- */

static void sec_063_each_ambiguity_is_told(void **state)
{
    static const struct {
        const char *text;
        mk_defect_code code;
    } rows[] = {
        {"Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\n",
         MK_DEFECT_HEADER_DUPLICATE},
        {"Content-Transfer-Encoding: 7bit\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\n",
         MK_DEFECT_HEADER_DUPLICATE},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n",
         MK_DEFECT_MIME_NO_END},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b x\r\n\r\n",
         MK_DEFECT_MIME_BOUNDARY_TAIL},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--x\r\n\r\n",
         MK_DEFECT_MIME_BOUNDARY_PREFIX},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n--b\r\n",
         MK_DEFECT_MIME_AFTER_END},
        {"Content-Type: multipart/mixed; boundary=b\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\n--b--\r\n",
         MK_DEFECT_MIME_ENCODED_PARTS},
        {"Content-Type: multipart/mixed; boundary=\"b \"\r\n\r\n",
         MK_DEFECT_MIME_BOUNDARY_SPACE},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b \t\r\n\r\n",
         MK_DEFECT_MIME_PADDING},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b-- \r\n",
         MK_DEFECT_MIME_PADDING},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
         "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
         MK_DEFECT_MIME_BOUNDARY_SAME},
        {"A: b\r\n\r\n\0", MK_DEFECT_MIME_NUL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text t = {0};
        text_z(&t, rows[i].text);
        if (rows[i].code == MK_DEFECT_MIME_NUL) {
            text_add(&t, "", 1);
        }
        summary s = parse(&t, NULL);
        assert_true(has(&s, rows[i].code));
        assert_int_equal(mk_defects_worst(&s.seen), MK_DEFECT_AMBIGUOUS);
        text_free(&t);
    }
}

/* A boundary that goes on is none, though it is longer than one that ends. */
static void sec_063_the_longest_that_ends_counts(void **state)
{
    static const struct {
        const char *outer, *inner, *line;
        uint32_t depth, parts;
    } rows[] = {
        {"b c", "b", "--b cX", 2, 4},  {"b c", "b", "--b c", 2, 4},
        {"b c", "b", "--b c--", 2, 3}, {"b", "b c", "--b cX", 2, 4},
        {"b", "b c", "--bX", 2, 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text t = {0};
        const char *pieces[] = {
            "Content-Type: multipart/mixed; boundary=\"",
            rows[i].outer,
            "\"\r\n\r\n--",
            rows[i].outer,
            "\r\nContent-Type: multipart/mixed; boundary=\"",
            rows[i].inner,
            "\"\r\n\r\n--",
            rows[i].inner,
            "\r\n\r\nx\r\n",
            rows[i].line,
            "\r\n\r\ny"};
        for (size_t k = 0; k < sizeof pieces / sizeof pieces[0]; k++) {
            text_z(&t, pieces[k]);
        }
        summary s = parse(&t, NULL);
        assert_int_equal(s.depth, rows[i].depth);
        assert_int_equal(s.parts, rows[i].parts);
        same_at_any_cut(&t, NULL);
        text_free(&t);
    }
}

/* MK_READING_SHORT, part by part: what one header began with is forgotten. */
static void sec_063_a_header_may_end_at_any_odd_line(void **state)
{
    static const struct {
        const char *message;
        uint32_t fields;
        size_t data;
    } rows[] = {
        {"A: b\r\n \r\nx", 1, 1},
        {"A: b\r\n \t\nx", 1, 1},
        {"A: b\r\n c\r\n\t\r\nx", 1, 1},
        {" A: b\r\n\r\nx", 0, 10},
        {"A : b\r\n\r\nx", 0, 10},
        {"From a@b Mon\r\nA: b\r\n\r\nx", 2, 1},
        {"From: a\r\nFrom b\r\n\r\nx", 2, 1},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n a\r\n"
         "--b\r\nB\r\n\r\nx",
         1, 2 + 6},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n \t a\r\n"
         "--b\r\nB:c\r\n\r\nx",
         2, 4 + 1},
    };
    mk_message_config c;
    (void)state;
    mk_message_config_init(&c, sizeof c);
    c.reading = MK_READING_SHORT;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text t = {0};
        text_z(&t, rows[i].message);
        summary s = parse(&t, &c);
        assert_int_equal(s.fields, rows[i].fields);
        assert_int_equal(s.data, rows[i].data);
        same_at_any_cut(&t, &c);
        text_free(&t);
    }
}

/* White space behind a delimiter is padding (RFC 2046 5.1.1), and told once:
 * not all readers know. */
static void sec_063_padding_is_read(void **state)
{
    text t = {0};
    (void)state;
    text_z(&t, "MIME-Version: 1.0\r\n"
               "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
               "--b \t \r\n\r\nx\r\n--b-- \r\n");
    summary s = parse(&t, NULL);
    assert_int_equal(s.defects, 1);
    assert_true(has(&s, MK_DEFECT_MIME_PADDING));
    assert_int_equal(s.parts, 2);
    text_free(&t);
}

/* RFC 2045 2.7 to 2.9: what a body may hold by its encoding; what stands
 * around parts nobody reads. */
static void octets_are_judged_by_the_encoding(void **state)
{
    static const struct {
        const char *head, *body;
        size_t body_len;
        bool high, nul;
    } rows[] = {
        {"A: b", "\xE9", 1, true, false},
        {"A: b", "\0", 1, false, true},
        {"Content-Transfer-Encoding: 8bit", "\xE9\0", 2, false, true},
        {"Content-Transfer-Encoding: binary", "\xE9\0", 2, false, false},
        {"Content-Transfer-Encoding: base64", "\xE9\0", 2, true, true},
        {"Content-Transfer-Encoding: x-unknown", "\xE9\0", 2, true, true},
        {"Content-Type: multipart/mixed; boundary=b", "\xE9\r\n--b--", 8, false,
         false},
        {"Content-Type: multipart/mixed; boundary=b", "--b--\r\n\xE9", 8, false,
         false},
        {"Content-Type: multipart/mixed", "\xE9", 1, true, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text t = {0};
        text_z(&t, rows[i].head);
        text_z(&t, "\r\n\r\n");
        text_add(&t, rows[i].body, rows[i].body_len);
        summary s = parse(&t, NULL);
        assert_int_equal(has(&s, MK_DEFECT_MIME_8BIT), rows[i].high);
        assert_int_equal(has(&s, MK_DEFECT_MIME_NUL), rows[i].nul);
        text_free(&t);
    }
}

/* ---- files within text --------------------------------------------------- */

/* "begin", a mode and a name, at the beginning of a line of text. */
static void files_in_text_are_told(void **state)
{
    static const struct {
        const char *line;
        mk_defect_code code; /* 0: none */
    } rows[] = {
        {"begin 644 x\n", MK_DEFECT_MIME_UUENCODE},
        {"begin 0755 a name\n", MK_DEFECT_MIME_UUENCODE},
        {"begin 600 ", MK_DEFECT_MIME_UUENCODE},
        {"begin 644\n", (mk_defect_code)0},
        {"begin 644", (mk_defect_code)0},
        {"begin 1999 was a good year\n", (mk_defect_code)0},
        {"begin 64 x\n", (mk_defect_code)0},
        {"begin 00644 x\n", (mk_defect_code)0},
        {"begin 644x\n", (mk_defect_code)0},
        {"begin  644 x\n", (mk_defect_code)0},
        {" begin 644 x\n", (mk_defect_code)0},
        {"Begin 644 x\n", (mk_defect_code)0},
        {"=ybegin line=128 size=1 name=x\n", MK_DEFECT_MIME_YENC},
        {"=ybegin ", MK_DEFECT_MIME_YENC},
        {"=ybegin", (mk_defect_code)0},
        {"=ybeginning\n", (mk_defect_code)0},
        {" =ybegin line=1\n", (mk_defect_code)0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned first = 0; first < 2; first++) {
            text t = {0};
            text_z(&t, first == 1 ? "A: b\r\n\r\n" : "A: b\r\n\r\nb=-\r\n");
            text_z(&t, rows[i].line);
            summary s = parse(&t, NULL);
            assert_int_equal(s.defects, rows[i].code != 0);
            assert_true(rows[i].code == 0 || has(&s, rows[i].code));
            same_at_any_cut(&t, NULL);
            text_free(&t);
        }
    }
}

/* What is no text holds none, and what is encoded holds it elsewhere. */
static void files_are_looked_for_in_text_alone(void **state)
{
    static const struct {
        const char *head;
        bool is_told;
    } rows[] = {
        {"Content-Type: text/html", true},
        {"Content-Type: text/x-y\r\nContent-Transfer-Encoding: 8bit", true},
        {"Content-Type: application/octet-stream", false},
        {"Content-Type: image/png", false},
        {"Content-Type: message/partial", false},
        {"Content-Type: multipart/mixed; boundary=b", false},
        {"Content-Transfer-Encoding: base64", false},
        {"Content-Transfer-Encoding: quoted-printable", false},
        {"Content-Transfer-Encoding: x-uuencode", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text t = {0};
        text_z(&t, rows[i].head);
        text_z(&t, "\r\n\r\nbegin 644 x\r\nline\r\n=ybegin line=1\r\n");
        summary s = parse(&t, NULL);
        assert_int_equal(has(&s, MK_DEFECT_MIME_UUENCODE), rows[i].is_told);
        assert_true(rows[i].is_told || !has(&s, MK_DEFECT_MIME_YENC));
        text_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_063_each_ambiguity_is_told),
        cmocka_unit_test(sec_063_the_longest_that_ends_counts),
        cmocka_unit_test(sec_063_a_header_may_end_at_any_odd_line),
        cmocka_unit_test(sec_063_padding_is_read),
        cmocka_unit_test(octets_are_judged_by_the_encoding),
        cmocka_unit_test(files_in_text_are_told),
        cmocka_unit_test(files_are_looked_for_in_text_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
