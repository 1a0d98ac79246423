/* SPDX-License-Identifier: MIT
 *
 * test_envelope.c: what IMAP tells of a message (RFC 9051 7.5.2), base subjects
 * and references (RFC 5256 2.1, 3) in rows. An envelope and a body structure
 * are written as IMAP would, near enough to be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mailkit/envelope.h>

#include "show.h"

static char view_mem[1 << 17];

static void open_view(mk_str text, mk_view *out)
{
    assert_int_equal(mk_view_open(text, NULL, view_mem, sizeof view_mem, out),
                     MK_OK);
    assert_false(out->is_cut);
}

static void add(mk_buf *b, mk_str s)
{
    if (s.ptr == NULL) {
        (void)mk_buf_add_z(b, "-");
    } else {
        (void)mk_buf_add_c(b, '"');
        (void)mk_buf_add_escaped(b, s, SIZE_MAX);
        (void)mk_buf_add_c(b, '"');
    }
    (void)mk_buf_add_c(b, ' ');
}

/* ---- envelopes ---- */

static void show_envelope(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_view v;
    mk_envelope e;
    (void)defects;
    open_view(text, &v);
    assert_int_equal(mk_envelope_read(&v, v.part_count, &e), MK_E_NOENT);
    assert_int_equal(mk_envelope_read(&v, v.part_count - 1, &e), MK_OK);
    const mk_str all[] = {e.date,        e.subject,   e.author, e.sender,
                          e.reply_to,    e.to,        e.cc,     e.bcc,
                          e.in_reply_to, e.message_id};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        add(b, all[i]);
    }
    b->len--;
}

/* clang-format off */
static const row envelopes[] = {
    {S("a: b\r\n\r\n"), "- - - - - - - - - -", ""},
    {S("Date: d\r\nSubject: s\r\nFrom: f\r\nSender: e\r\nReply-To: r\r\nTo: t\r\nCc: c\r\n"
       "Bcc: b\r\nIn-Reply-To: <i>\r\nMessage-ID: <m>\r\n\r\n"),
     "\"d\" \"s\" \"f\" \"e\" \"r\" \"t\" \"c\" \"b\" \"<i>\" \"<m>\"", ""},
    /* the defaults; empty is as absent, but not for texts */
    {S("From: f\r\n\r\n"), "- - \"f\" \"f\" \"f\" - - - - -", ""},
    {S("From: f\r\nSender: \r\nReply-To:\r\n \r\nTo:\r\nSubject:\r\n\r\n"),
     "- \"\" \"f\" \"f\" \"f\" - - - - -", ""},
    {S("From:\r\nSender: s\r\n\r\n"), "- - - \"s\" - - - - - -", ""},
    /* the first of a name; folds stay */
    {S("Subject: one\r\n two\r\nSubject: three\r\n\r\n"),
     "- \"one\\x0D\\x0A two\" - - - - - - - -", ""},
    /* the message within */
    {S("Subject: out\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"
       "Subject: in\r\nFrom: f\r\n\r\n"),
     "- \"in\" \"f\" \"f\" \"f\" - - - - -", ""},
};

/* ---- body structures ---- */

static void show_structures(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_view v;
    mk_structure s;
    (void)defects;
    open_view(text, &v);
    assert_int_equal(mk_structure_read(&v, v.part_count, &s), MK_E_NOENT);
    for (uint32_t i = 0; i < v.part_count; i++) {
        assert_int_equal(mk_structure_read(&v, i, &s), MK_OK);
        assert_ptr_equal(s.part, &v.parts[i]);
        const mk_str all[] = {s.type, s.subtype, s.params, s.id, s.description, s.encoding,
                              s.md5, s.disposition, s.language, s.location};
        (void)mk_buf_add_c(b, '(');
        for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
            add(b, all[k]);
        }
        (void)mk_buf_add_u64(b, s.octets);
        (void)mk_buf_add_c(b, ' ');
        (void)mk_buf_add_u64(b, s.lines);
        if (s.message != MK_PART_NONE) {
            (void)mk_buf_add_z(b, " of ");
            (void)mk_buf_add_u64(b, s.message);
        }
        (void)mk_buf_add_c(b, ')');
    }
}

#define MIME "MIME-Version: 1.0\r\n"

static const row structures[] = {
    {S("a: b\r\n\r\none\r\ntwo\r\n"),
     "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 10 2)", ""},
    /* line ends count as on the wire */
    {S("a: b\n\none\ntwo\n"), "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 10 2)", ""},
    {S("a: b\n\nno end"), "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 6 0)", ""},
    {S("a: b\n\n\n"), "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 2 1)", ""},
    /* each of them, when they are not alike */
    {S("a: b\r\n\r\none\r\ntwo\n"),
     "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 10 2)", ""},
    {S("a: b\n\none\ntwo\r\n"),
     "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 10 2)", ""},
    {S("a: b\n\n\n\n\r\n\r\r\n\nx\r"),
     "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 13 5)", ""},
    {S(MIME "Content-Type: Text/Html; charset=utf-8\r\nContent-ID: <i>\r\nContent-Description: what\r\n"
       "Content-Transfer-Encoding: (really) Base64\r\nContent-MD5: Q2hlY2s=\r\n"
       "Content-Disposition: inline; filename=f\r\nContent-Language: en, de\r\nContent-Location: http://x/\r\n\r\nQQ==\r\n"),
     "(\"Text\" \"Html\" \"Text/Html; charset=utf-8\" \"<i>\" \"what\" \"Base64\" \"Q2hlY2s=\""
     " \"inline; filename=f\" \"en, de\" \"http://x/\" 6 1)", ""},
    /* a type that cannot be read is the default */
    {S(MIME "Content-Type: ;;\r\n\r\n"), "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 0 0)", ""},
    {S(MIME "Content-Transfer-Encoding:\r\n\r\n"), "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 0 0)", ""},
    {S(MIME "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: s\r\n\r\nx\r\n--b--\r\n"),
     "(\"multipart\" \"digest\" \"multipart/digest; boundary=b\" - - \"7BIT\" - - - - 31 6)"
     "(\"MESSAGE\" \"RFC822\" - - - \"7BIT\" - - - - 15 2 of 2)"
     "(\"TEXT\" \"PLAIN\" - - - \"7BIT\" - - - - 1 0)", ""},
};

/* ---- base subjects ---- */

static void show_base(mk_str text, mk_defects *defects, mk_buf *b)
{
    bool is_reply;
    (void)defects;
    (void)mk_buf_add_z(b, "|"); /* what is there stays */
    assert_int_equal(mk_subject_base(text, NULL, b, &is_reply), MK_OK);
    assert_int_equal(mk_subject_base(mk_str_z(""), NULL, b, NULL), MK_OK);
    (void)mk_buf_add_z(b, is_reply ? "|re" : "|");
}

static const row subjects[] = {
    {S("test"), "|test|", ""},
    {S(""), "||", ""},
    {S(" \t"), "||", ""},
    {S("a \t b\r\n  c"), "|a b c|", ""},
    {S("Re: a"), "|a|re", ""},
    {S("RE : a"), "|a|re", ""},
    {S("fw:fwd:Re:a"), "|a|re", ""},
    {S("Re"), "|Re|", ""},
    {S("Re:"), "||re", ""},
    {S("Reply: a"), "|Reply: a|", ""},
    {S("fwx: a"), "|fwx: a|", ""},
    {S("Re[2]: a"), "|a|re", ""},
    {S("Re [x] : a"), "|a|re", ""},
    {S("Re[x a"), "|Re[x a|", ""},
    {S("[list] a"), "|a|", ""},
    {S("[list] Re: a"), "|a|re", ""},
    {S("Re: [list] a"), "|a|re", ""},
    {S("[a] [b][c] Re: [d]e"), "|e|re", ""},
    {S("[list]"), "|[list]|", ""},
    {S("[a][list]"), "|[list]|", ""},
    {S("[a] Re: [list]"), "|[list]|re", ""},
    {S("[a[b] c"), "|[a[b] c|", ""},
    {S("a (fwd)"), "|a|re", ""},
    {S("a (FWD) (fwd)  "), "|a|re", ""},
    {S("(fwd)"), "||re", ""},
    {S("[fwd: a]"), "|a|re", ""},
    {S("[Fwd: [list] Re: a (fwd)]"), "|a|re", ""},
    {S("[fwd: [fwd: a]]"), "|a|re", ""},
    {S("Re: [fwd: a] (fwd)"), "|a|re", ""},
    {S("[fwd: a] b"), "|b|", ""},
    {S("[fwd:]"), "||re", ""},
    {S("[fwd:"), "|[fwd:|", ""},
    {S("=?utf-8?q?Re:_caf=C3=A9?="), "|caf\xC3\xA9|re", ""},
    {S("=?utf-8?q?Re?=: a"), "|a|re", ""},
};

/* ---- identifiers ---- */

static void show_refs(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_view v;
    mk_references it;
    mk_str id;
    (void)defects;
    open_view(text, &v);
    mk_references_init(&it, &v, 0);
    while (mk_references_next(&it, &id)) {
        (void)mk_buf_add_c(b, '<');
        assert_int_equal(mk_msgid_format(id, b), MK_OK);
        (void)mk_buf_add_c(b, '>');
    }
    assert_false(mk_references_next(&it, &id));
    mk_references_init(&it, &v, v.part_count);
    assert_false(mk_references_next(&it, &id));
}

static const row refs[] = {
    {S("a: b\r\n\r\n"), "", ""},
    {S("References: <a@x> <b@x>\r\n\r\n"), "<a@x><b@x>", ""},
    {S("References: <a@x>\r\n\t<b@x>\r\nIn-Reply-To: <c@x>\r\n\r\n"), "<a@x><b@x>", ""},
    {S("In-Reply-To: <c@x> <d@x>\r\n\r\n"), "<c@x>", ""},
    {S("In-Reply-To: message of Monday <c@x> from joe@x\r\n\r\n"), "<c@x>", ""},
    {S("References: \r\nIn-Reply-To: <c@x>\r\n\r\n"), "<c@x>", ""},
    /* RFC 5256 3: one identifier, however quoted */
    {S("References: <\"01KF8\"@xxx.yyy.com> <01KF8@xxx.yyy.com>\r\n\r\n"),
     "<01KF8@xxx.yyy.com><01KF8@xxx.yyy.com>", ""},
    {S("References: <\"a\\b\"@x> <\"a b\"@x> <a . b @ x>\r\n\r\n"),
     "<ab@x><\"a b\"@x><a.b@x>", ""},
    {S("References: <no-at>\r\n\r\n"), "<no-at>", ""},
};
/* clang-format on */

static void envelopes_are_read(void **state)
{
    (void)state;
    CHECK(envelopes, show_envelope);
}

static void structures_are_read(void **state)
{
    (void)state;
    CHECK(structures, show_structures);
}

/* A block that holds a part and none of its fields: nothing is known of its
 * type but what the part says, and there is one. */
static void structures_without_fields_have_a_type(void **state)
{
    static const struct {
        const char *message, *type, *subtype;
    } heads[] = {
        {"Content-Type: text/html\r\n\r\n", "TEXT", "HTML"},
        {"Content-Type: text/x-y\r\n\r\n", "TEXT", "PLAIN"},
        {"Content-Type: image/png\r\n\r\n", "APPLICATION", "OCTET-STREAM"},
        {"Content-Type: message/global\r\n\r\n", "MESSAGE", "RFC822"},
        {"Content-Type: multipart/signed; boundary=b\r\n\r\n", "MULTIPART",
         "MIXED"},
        {"Content-Type: multipart/digest; boundary=b\r\n\r\n", "MULTIPART",
         "MIXED"},
        {"Subject: x\r\n\r\n", "TEXT", "PLAIN"},
    };
    size_t least = mk_view_need(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        mk_view v;
        mk_structure s;
        assert_int_equal(
            mk_view_open(mk_str_z(heads[i].message), NULL, view_mem, least, &v),
            MK_OK);
        assert_true(v.is_cut);
        assert_int_equal(v.field_count, 0);
        assert_int_equal(mk_structure_read(&v, 0, &s), MK_OK);
        assert_true(mk_str_is(s.type, mk_str_z(heads[i].type)));
        assert_true(mk_str_is(s.subtype, mk_str_z(heads[i].subtype)));
        assert_null(s.params.ptr);
    }
}

static void base_subjects_are_found(void **state)
{
    (void)state;
    CHECK(subjects, show_base);
}

static void references_are_found(void **state)
{
    (void)state;
    CHECK(refs, show_refs);
}

/* Rows of blobs, of leaders, of forwards: work that is not linear would not
 * end here. */
static void floods_are_linear(void **state)
{
    static const struct {
        const char *piece, *end;
    } floods[] = {{"[a]", ""},     {"[a]", "x"}, {"Re:", "x"},
                  {"[fwd:", "x"},  {"[", "x"},   {"(fwd)", ""},
                  {"[a]Re:", ""},  {"Re", ":"},  {"[fwd:x]", ""},
                  {"re [b]", ":x"}};
    (void)state;
    for (size_t f = 0; f < sizeof floods / sizeof floods[0]; f++) {
        enum { COUNT = 300000 };
        size_t n = strlen(floods[f].piece);
        char *text = malloc(COUNT * (n + 1) + 8);
        char *mem = malloc(3 * (COUNT * (n + 1) + 8));
        mk_buf in, out;
        assert_non_null(text);
        mk_buf_init(&in, text, COUNT * (n + 1) + 8);
        mk_buf_init(&out, mem, 3 * (COUNT * (n + 1) + 8));
        for (size_t i = 0; i < COUNT; i++) {
            (void)mk_buf_add_z(&in, floods[f].piece);
        }
        (void)mk_buf_add_z(&in, floods[f].end);
        for (size_t i = 0; strcmp(floods[f].piece, "[fwd:") == 0 && i < COUNT;
             i++) {
            (void)mk_buf_add_c(&in, ']');
        }
        assert_int_equal(mk_subject_base(mk_buf_str(&in), NULL, &out, NULL),
                         MK_OK);
        free(mem);
        free(text);
    }
}

static void no_room_changes_nothing(void **state)
{
    char mem[4];
    mk_buf out;
    (void)state;
    mk_buf_init(&out, mem, sizeof mem);
    assert_int_equal(mk_buf_add_z(&out, "ab"), MK_OK);
    assert_int_equal(mk_subject_base(mk_str_z("Re: long"), NULL, &out, NULL),
                     MK_E_ROOM);
    assert_int_equal(out.len, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes_are_read),
        cmocka_unit_test(structures_are_read),
        cmocka_unit_test(structures_without_fields_have_a_type),
        cmocka_unit_test(base_subjects_are_found),
        cmocka_unit_test(references_are_found),
        cmocka_unit_test(floods_are_linear),
        cmocka_unit_test(no_room_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
