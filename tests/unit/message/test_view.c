/* SPDX-License-Identifier: MIT
 *
 * test_view.c: the index of a message in memory: its parts and fields, decoded
 * bodies and their budgets, and blocks of every size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seen.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char mixed[] = "From: ann@example.org\r\n"
                            "Subject: files\r\n"
                            "Subject: again\r\n"
                            "MIME-Version: 1.0\r\n"
                            "Content-Type: multipart/mixed; boundary=b\r\n"
                            "\r\n"
                            "preamble\r\n"
                            "--b\r\n"
                            "Content-Type: text/plain; charset=us-ascii\r\n"
                            "Content-Transfer-Encoding: quoted-printable\r\n"
                            "\r\n"
                            "caf=C3=A9\r\n"
                            "two\r\n"
                            "--b\r\n"
                            "Content-Type: message/rfc822\r\n"
                            "\r\n"
                            "Subject: inner\r\n"
                            "\r\n"
                            "inner text\r\n"
                            "--b\r\n"
                            "Content-Type: application/pdf\r\n"
                            "Content-Transfer-Encoding: base64\r\n"
                            "\r\n"
                            "JVBERi0x\r\n"
                            "LjQK\r\n"
                            "--b--\r\n"
                            "epilogue\r\n";

static void indexes_parts_and_fields(void **state)
{
    mk_str message = mk_str_z(mixed);
    seen s = look(message);
    const mk_view *v = &s.v;
    (void)state;
    assert_int_equal(v->part_count, 5);
    assert_int_equal(v->field_count, 5 + 2 + 1 + 1 + 2);
    assert_int_equal(v->parts[0].first_child, 1);
    assert_int_equal(v->parts[1].sibling, 2);
    assert_int_equal(v->parts[2].sibling, 4);
    assert_int_equal(v->parts[2].first_child, 3);
    assert_int_equal(v->parts[3].part.parent, 2);
    assert_int_equal(v->parts[3].sibling, MK_PART_NONE);
    assert_int_equal(v->parts[4].sibling, MK_PART_NONE);
    assert_int_equal(v->parts[4].part.parent, 0);
    assert_int_equal(v->parts[1].part.lines, 1);
    assert_int_equal(v->parts[2].part.lines, 2);
    assert_view(mk_view_header(v, 3), "Subject: inner\r\n\r\n");
    assert_view(mk_view_body(v, 3), "inner text");
    assert_view(mk_view_body(v, 2), "Subject: inner\r\n\r\ninner text");
    assert_view(mk_view_body(v, 5), "");
    assert_view(mk_view_header(v, MK_PART_NONE), "");
    assert_view(mk_field_trim(mk_view_field(v, 0, MK_FIELD_SUBJECT)->value),
                "files");
    assert_view(mk_field_trim(mk_view_field(v, 3, MK_FIELD_SUBJECT)->value),
                "inner");
    assert_null(mk_view_field(v, 1, MK_FIELD_SUBJECT));
    assert_null(mk_view_field(v, 0, MK_FIELD_OTHER));
    assert_null(mk_view_field(v, 9, MK_FIELD_SUBJECT));
    assert_true(mk_defects_has(v->defects, MK_DEFECT_HEADER_DUPLICATE));
    for (uint32_t i = 0; i < v->field_count; i++) {
        const mk_field *f = &v->fields[i];
        assert_true(f->name.ptr == message.ptr + f->offset);
        assert_true(i == 0 || f->offset > v->fields[i - 1].offset);
    }
    free(s.block);
}

/* RFC 3676 4: parameters of text/plain alone. */
static void text_says_that_it_flows(void **state)
{
    enum { BOTH = MK_PART_FLOWED | MK_PART_DELSP };
    static const struct {
        const char *type;
        unsigned flags;
    } rows[] = {
        {"text/plain; format=flowed", MK_PART_FLOWED},
        {"Text/Plain; charset=utf-8; FORMAT=\"Flowed\"", MK_PART_FLOWED},
        {"text/plain; delsp=yes; format=flowed", BOTH},
        {"text/plain; delsp=\"Y\\es\"; format=flowed", BOTH},
        {"text/plain; delsp=no; format=flowed", MK_PART_FLOWED},
        {"text/plain; delsp=yes", 0},
        {"text/plain; format=fixed; delsp=yes", 0},
        {"text/plain; format=flowedandmorethanfits", 0},
        {"text/html; format=flowed", 0},
        {"text/plain", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char mem[128];
        (void)snprintf(mem, sizeof mem, "Content-Type: %s\r\n\r\n",
                       rows[i].type);
        seen s = look(mk_str_z(mem));
        assert_int_equal(s.v.parts[0].part.flags & BOTH, rows[i].flags);
        free(s.block);
    }
}

/* RFC 2045 5.2: what names no type, or none that fits, is the default. */
static void types_that_cannot_be_read_are_the_default(void **state)
{
    static const struct {
        const char *start;
        size_t fill; /* octets behind it */
        bool is_default;
    } rows[] = {
        {"text/x", 100, false}, {"text/x", 154, false}, {"text/x", 155, true},
        {"text/x", 999, true},  {"x", 200, true},       {"audio/x", 153, false},
        {"audio/x", 154, true}, {"text", 0, false},     {"multipart", 0, false},
        {"image", 0, true},     {"", 0, true},          {"/x", 0, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        text t = {0};
        text_z(&t, "Content-Type: ");
        text_z(&t, rows[i].start);
        for (size_t k = 0; k < rows[i].fill; k++) {
            text_z(&t, "y");
        }
        text_z(&t, "\r\n\r\nx");
        seen s = look(text_view(&t));
        const mk_part *p = &s.v.parts[0].part;
        bool is_default = (p->flags & MK_PART_DEFAULT_TYPE) != 0;
        assert_int_equal(is_default, rows[i].is_default);
        assert_true(!is_default || p->media == MK_MEDIA_TEXT_PLAIN);
        free(s.block);
        text_free(&t);
    }
}

/* THREATS 63: of fields that stand twice the first counts, or the last. */
static void sec_063_the_last_counts_when_asked(void **state)
{
    static const struct {
        const char *head;
        unsigned first, last;
    } rows[] = {
        {"Content-Disposition: inline\r\nContent-Disposition: attachment",
         MK_PART_INLINE, MK_PART_ATTACHMENT},
        {"Content-Disposition: attachment\r\nContent-Disposition: inline",
         MK_PART_ATTACHMENT, MK_PART_INLINE},
        {"Content-Disposition: inline; filename=x\r\n"
         "Content-Disposition: inline",
         MK_PART_INLINE | MK_PART_NAMED, MK_PART_INLINE},
        {"Content-Type: text/plain; name=x\r\nContent-Type: text/plain",
         MK_PART_NAMED, 0},
        {"Content-Type: text/plain\r\nContent-Type: text/plain; name=x", 0,
         MK_PART_NAMED},
        {"Content-Type: text/plain; name=x\r\nContent-Disposition: inline",
         MK_PART_INLINE | MK_PART_NAMED, MK_PART_INLINE | MK_PART_NAMED},
        {"Content-Type: text/plain; format=flowed\r\nContent-Type: text/plain",
         MK_PART_FLOWED, 0},
        {"Content-Type: text/plain; format=flowed; delsp=yes\r\n"
         "Content-Type: text/plain; format=flowed",
         MK_PART_FLOWED | MK_PART_DELSP, MK_PART_FLOWED},
        {"Content-Type: text/plain; format=fixed; format=flowed", 0,
         MK_PART_FLOWED},
        {"Content-Type: text/plain; format=flowed; delsp=yes\r\n"
         "Content-Type: text/html",
         MK_PART_FLOWED | MK_PART_DELSP, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (unsigned k = 0; k < 2; k++) {
            mk_message_config c;
            text t = {0};
            text_z(&t, rows[i].head);
            text_z(&t, "\r\n\r\nx");
            mk_message_config_init(&c, sizeof c);
            c.reading = k == 0 ? 0 : MK_READING_LAST;
            seen s = look_by(text_view(&t), &c);
            assert_int_equal(s.v.parts[0].part.flags &
                                 ~(unsigned)MK_PART_DEFAULT_TYPE,
                             k == 0 ? rows[i].first : rows[i].last);
            free(s.block);
            text_free(&t);
        }
    }
}

static void decodes_when_asked(void **state)
{
    char mem[64];
    mk_buf out;
    mk_charset charset = MK_CHARSET_NONE;
    uint64_t defects = 9;
    seen s = look(mk_str_z(mixed));
    (void)state;
    mk_buf_init(&out, mem, sizeof mem);
    assert_int_equal(mk_view_decode(&s.v, 4, &out, &defects), MK_OK);
    assert_view(mk_buf_str(&out), "%PDF-1.4\n");
    assert_int_equal(defects, 0);
    assert_int_equal(mk_view_decoded_length(&s.v, 4), 9);
    assert_int_equal(mk_view_decoded_length(&s.v, 1), 10);
    assert_int_equal(mk_view_decoded_length(&s.v, 9), 0);
    mk_buf_init(&out, mem, sizeof mem);
    /* us-ascii cannot be: it is UTF-8. */
    assert_int_equal(mk_view_text(&s.v, 1, NULL, &out, &charset, NULL), MK_OK);
    assert_view(mk_buf_str(&out), "caf\xC3\xA9\r\ntwo");
    assert_int_equal(charset, MK_CHARSET_UTF_8);
    mk_buf_init(&out, mem, 5);
    assert_int_equal(mk_view_decode(&s.v, 4, &out, NULL), MK_E_ROOM);
    assert_true(out.full);
    assert_view(mk_buf_str(&out), "%PDF-");
    mk_buf_init(&out, mem, 4);
    assert_int_equal(mk_view_text(&s.v, 1, NULL, &out, NULL, NULL), MK_E_ROOM);
    assert_true(out.full);
    free(s.block);
}

/* THREATS 63: who stops at what is no base64 has less text, and perhaps of
 * another character set. */
static void sec_063_text_stops_where_octets_do(void **state)
{
    static const struct {
        const char *label, *body, *text;
        mk_charset charset;
    } rows[] = {
        {"utf-8", "ZXZpbA==!ZXZpbA==", "evil", MK_CHARSET_UTF_8},
        {"utf-16be", "AGEAYg==!AGM=", "ab", MK_CHARSET_UTF_16BE},
        {"us-ascii", "6Q==!w6k=", "\xC3\xA9", MK_CHARSET_WINDOWS_1252},
        {"us-ascii", "w6k=!6Q==", "\xC3\xA9", MK_CHARSET_UTF_8},
        {"us-ascii", "YQ==!6Q==", "a", MK_CHARSET_US_ASCII},
    };
    mk_message_config c;
    (void)state;
    mk_message_config_init(&c, sizeof c);
    c.reading = MK_READING_STOP;
    for (size_t i = 0; i < COUNT(rows); i++) {
        text t = {0};
        char mem[64];
        mk_buf out;
        mk_charset charset = MK_CHARSET_NONE;
        text_z(&t, "Content-Type: text/plain; charset=");
        text_z(&t, rows[i].label);
        text_z(&t, "\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        text_z(&t, rows[i].body);
        seen s = look_by(text_view(&t), &c);
        mk_buf_init(&out, mem, sizeof mem);
        assert_int_equal(mk_view_text(&s.v, 0, NULL, &out, &charset, NULL),
                         MK_OK);
        assert_view(mk_buf_str(&out), rows[i].text);
        assert_int_equal(charset, rows[i].charset);
        text_free(&t);
        free(s.block);
    }
}

/* RFC 2045 6.4: what holds parts has no encoding, whatever it says. */
static void parts_stand_as_they_are(void **state)
{
    static const char *const heads[] = {
        "Content-Type: multipart/mixed; boundary=b\r\n",
        "Content-Type: multipart/digest; boundary=b\r\n",
        "Content-Type: multipart/x; boundary=b\r\nSubject: x\r\n"};
    static const char body[] = "QUJD\r\n--b\r\n\r\nQUJD\r\n--b--\r\n";
    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        text t = {0};
        char mem[64];
        mk_buf out;
        text_z(&t, heads[i]);
        text_z(&t, "Content-Transfer-Encoding: base64\r\n\r\n");
        text_z(&t, body);
        seen s = look(text_view(&t));
        mk_buf_init(&out, mem, sizeof mem);
        assert_true(s.v.part_count >= 2);
        assert_int_equal(mk_view_decode(&s.v, 0, &out, NULL), MK_OK);
        assert_view(mk_buf_str(&out), body);
        assert_int_equal(mk_view_decoded_length(&s.v, 0), sizeof body - 1);
        text_free(&t);
        free(s.block);
    }
}

/* Labels are believed as far as they can be. */
static void reads_text_as_what_it_can_be(void **state)
{
    static const struct {
        const char *label, *body, *text;
        mk_charset charset;
    } rows[] = {
        {"", "plain", "plain", MK_CHARSET_US_ASCII},
        {"us-ascii", "plain", "plain", MK_CHARSET_US_ASCII},
        {"us-ascii", "", "", MK_CHARSET_US_ASCII},
        {"utf-8", "plain", "plain", MK_CHARSET_UTF_8},
        {"utf-8", "caf\xC3\xA9", "caf\xC3\xA9", MK_CHARSET_UTF_8},
        {"us-ascii", "caf\xC3\xA9", "caf\xC3\xA9", MK_CHARSET_UTF_8},
        {"", "caf\xC3\xA9", "caf\xC3\xA9", MK_CHARSET_UTF_8},
        {"", "caf\xE9", "caf\xC3\xA9", MK_CHARSET_WINDOWS_1252},
        {"us-ascii", "caf\xE9!", "caf\xC3\xA9!", MK_CHARSET_WINDOWS_1252},
        {"utf-8", "caf\xE9!", "caf\xC3\xA9!", MK_CHARSET_WINDOWS_1252},
        {"utf-8", "\xC3\xA9\xE9!", "\xC3\xA9\xEF\xBF\xBD!", MK_CHARSET_UTF_8},
        {"iso-8859-1", "plain", "plain", MK_CHARSET_ISO_8859_1},
        {"iso-8859-1", "\xC3\xA9", "\xC3\xA9", MK_CHARSET_UTF_8},
        {"iso-8859-1", "\xE9!", "\xC3\xA9!", MK_CHARSET_ISO_8859_1},
        {"iso-8859-1", "\xDC\xBB", "\xC3\x9C\xC2\xBB", MK_CHARSET_ISO_8859_1},
        {"koi8-r", "\xF0", "\xD0\x9F", MK_CHARSET_KOI8_R},
        {"x-unknown", "\xC3\xA9", "\xC3\xA9", MK_CHARSET_UTF_8},
        /* 64 octets of a label name a set, of a longer one the first do not */
        {"utf-8.........................................................x",
         "\xC3\xA9\xE9!", "\xC3\x83\xC2\xA9\xC3\xA9!", MK_CHARSET_WINDOWS_1252},
        {"utf-8...........................................................",
         "\xC3\xA9\xE9!", "\xC3\xA9\xEF\xBF\xBD!", MK_CHARSET_UTF_8},
        {"utf-8...........................................................x",
         "\xC3\xA9\xE9!", "\xC3\x83\xC2\xA9\xC3\xA9!", MK_CHARSET_WINDOWS_1252},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        text t = {0};
        char mem[64];
        mk_buf out;
        mk_charset charset = MK_CHARSET_NONE;
        text_z(&t, "Content-Type: text/plain");
        text_z(&t, rows[i].label[0] != '\0' ? "; charset=" : "");
        text_z(&t, rows[i].label);
        text_z(&t, "\r\n\r\n");
        text_z(&t, rows[i].body);
        seen s = look(text_view(&t));
        mk_buf_init(&out, mem, sizeof mem);
        (void)mk_buf_add_z(&out, "before");
        assert_int_equal(mk_view_text(&s.v, 0, NULL, &out, &charset, NULL),
                         MK_OK);
        assert_view(mk_str_sub(mk_buf_str(&out), 6, SIZE_MAX), rows[i].text);
        assert_int_equal(charset, rows[i].charset);
        text_free(&t);
        free(s.block);
    }
}

/* What the octets do not bear is told where the body begins. */
static void tells_of_wrong_charsets(void **state)
{
    static const struct {
        const char *label, *body;
        mk_defect_code code; /* 0: nothing */
        bool by_structure;
    } rows[] = {
        {"utf-8", "caf\xC3\xA9", (mk_defect_code)0, false},
        {"koi8-r", "\xF0", (mk_defect_code)0, false},
        {"utf-8", "caf\xE9!", MK_DEFECT_CHARSET_WRONG, false},
        {"us-ascii", "caf\xE9!", MK_DEFECT_CHARSET_WRONG, false},
        {"iso-8859-1", "caf\xC3\xA9", MK_DEFECT_CHARSET_WRONG, false},
        {"utf-8", "\xC3\xA9\xE9!", MK_DEFECT_CHARSET_MALFORMED, false},
        {"utf-16", "a", MK_DEFECT_CHARSET_MALFORMED, false},
        {"big5", "a", MK_DEFECT_CHARSET_UNKNOWN, false},
        {"x-unknown", "a", MK_DEFECT_CHARSET_UNKNOWN, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        text t = {0};
        char mem[64];
        mk_buf out;
        mk_defects told;
        mk_defect found[4];
        text_z(&t, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=");
        text_z(&t, rows[i].label);
        text_z(&t, "\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
        uint64_t at = t.len;
        text_z(&t, rows[i].body);
        seen s = look(text_view(&t));
        mk_buf_init(&out, mem, sizeof mem);
        mk_defects_init(&told, found, 4);
        (void)mk_view_text(&s.v, 0, NULL, &out, NULL, &told);
        bool has = rows[i].code != 0;
        assert_int_equal(told.count, has && !rows[i].by_structure);
        assert_int_equal(s.v.defects->count, rows[i].by_structure);
        if (has) {
            const mk_defect *d =
                rows[i].by_structure ? &s.v.defects->items[0] : &found[0];
            assert_int_equal(d->code, rows[i].code);
            assert_true(rows[i].by_structure || d->offset == at);
        }
        text_free(&t);
        free(s.block);
    }
}

/* ---- budgets ------------------------------------------------------------- */

static const char bomb[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                           "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                           "AAAAAAAAAAAAAAAA\r\n"
                           "--b\r\n\r\n0123456789\r\n--b--\r\n";

/* Of one message: its parts have one budget, each octet counts once. */
static void sec_066_a_message_has_a_budget(void **state)
{
    mk_message_config config;
    char mem[64];
    mk_buf out;
    (void)state;
    mk_message_config_init(&config, sizeof config);
    assert_true(config.max_decoded_bytes == 268435456);
    config.max_decoded_bytes = 15;
    seen s = look_by(mk_str_z(bomb), &config);
    mk_buf_init(&out, mem, sizeof mem);
    assert_int_equal(mk_view_decode(&s.v, 1, &out, NULL), MK_OK);
    assert_int_equal(out.len, 12);
    assert_int_equal(s.v.budget->left, 3);
    assert_int_equal(mk_view_decode(&s.v, 2, &out, NULL), MK_E_LIMIT);
    assert_int_equal(out.len, 15);
    assert_false(out.full);
    assert_int_equal(mk_view_text(&s.v, 2, NULL, &out, NULL, NULL), MK_E_LIMIT);
    assert_int_equal(out.len, 15);
    assert_int_equal(mk_view_decoded_length(&s.v, 2), 10);
    s.v.budget->left = 10;
    assert_int_equal(mk_view_text(&s.v, 2, NULL, &out, NULL, NULL), MK_OK);
    assert_int_equal(out.len, 25);
    config.max_decoded_bytes = 0;
    assert_int_equal(
        mk_view_open(mk_str_z(bomb), &config, s.block, BLOCK, &s.v), MK_E_ARG);
    free(s.block);
}

/* Of all messages: what one has taken another lacks. */
static void sec_066_messages_share_a_budget(void **state)
{
    mk_message_config config;
    mk_budget all = {30, NULL};
    char mem[64];
    mk_buf out;
    (void)state;
    mk_message_config_init(&config, sizeof config);
    config.budget = &all;
    for (size_t i = 0; i < 4; i++) {
        seen s = look_by(mk_str_z(bomb), &config);
        mk_buf_init(&out, mem, sizeof mem);
        assert_int_equal(mk_view_decode(&s.v, 1, &out, NULL),
                         i < 2 ? MK_OK : MK_E_LIMIT);
        assert_int_equal(out.len, i < 2 ? 12 : i == 2 ? 6 : 0);
        free(s.block);
    }
    assert_int_equal(all.left, 0);
}

/* A reading that was thrown away costs nothing. */
static void sec_066_only_what_is_given_counts(void **state)
{
    mk_message_config config;
    char mem[64];
    mk_buf out;
    (void)state;
    mk_message_config_init(&config, sizeof config);
    config.max_decoded_bytes = 5;
    seen s = look_by(
        mk_str_z("Content-Type: text/plain; charset=utf-8\r\n\r\ncaf\xE9!"),
        &config);
    mk_buf_init(&out, mem, sizeof mem);
    assert_int_equal(mk_view_text(&s.v, 0, NULL, &out, NULL, NULL), MK_OK);
    assert_view(mk_buf_str(&out), "caf\xC3\xA9!");
    assert_int_equal(s.v.budget->left, 0);
    free(s.block);
}

/* ---- blocks -------------------------------------------------------------- */

/* In a block of any size there is a tree, the beginning of the whole one. */
static void a_small_block_holds_the_beginning(void **state)
{
    mk_str message = mk_str_z(mixed);
    seen whole = look(message);
    size_t least = mk_view_need(NULL);
    uint32_t fields = 0;
    uint32_t parts = 0;
    (void)state;
    assert_true(whole.v.need > least && whole.v.need < BLOCK);
    for (size_t n = least - 8; n <= whole.v.need; n += 3) {
        void *block = malloc(n);
        mk_view v;
        mk_err err = mk_view_open(message, NULL, block, n, &v);
        assert_int_equal(err, n < least ? MK_E_ROOM : MK_OK);
        if (err == MK_OK) {
            assert_int_equal(v.need, whole.v.need);
            assert_int_equal(v.is_cut, n < whole.v.need);
            assert_true(v.part_count >= parts && v.part_count >= 1);
            assert_true(v.field_count >= fields);
            parts = v.part_count;
            fields = v.field_count;
            assert_memory_equal(v.fields, whole.v.fields,
                                fields * sizeof *v.fields);
            for (uint32_t i = 0; i < parts; i++) {
                assert_memory_equal(&v.parts[i].part, &whole.v.parts[i].part,
                                    sizeof(mk_part));
            }
        }
        free(block);
    }
    assert_int_equal(parts, whole.v.part_count);
    assert_int_equal(fields, whole.v.field_count);
    free(whole.block);
}

static void refuses_misuse(void **state)
{
    mk_message_config c;
    mk_view v;
    char *block = malloc(BLOCK + 8);
    mk_str message = mk_str_z("a: b\r\n");
    (void)state;
    mk_message_config_init(&c, sizeof c);
    assert_int_equal(mk_view_open(message, NULL, NULL, BLOCK, &v), MK_E_ARG);
    assert_int_equal(mk_view_open(message, NULL, block + 4, BLOCK, &v),
                     MK_E_ARG);
    c.max_parts = 0;
    assert_int_equal(mk_view_open(message, &c, block, BLOCK, &v), MK_E_ARG);
    free(block);
}

/* Whoever knows of no limit, or of the first ones, gets the others. */
static void a_shorter_config_is_enough(void **state)
{
    static const size_t sizes[] = {offsetof(mk_message_config, max_depth),
                                   offsetof(mk_message_config, max_parts),
                                   offsetof(mk_message_config, budget)};
    mk_message_config whole;
    (void)state;
    mk_message_config_init(&whole, sizeof whole);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        mk_message_config *c = malloc(sizes[i]);
        mk_view v;
        mk_message_config_init(c, sizes[i]);
        size_t need = mk_view_need(c);
        assert_int_equal(need, mk_view_need(&whole));
        void *block = malloc(need);
        assert_int_equal(mk_view_open(mk_str_z(mixed), c, block, need, &v),
                         MK_OK);
        assert_true(v.budget->left == whole.max_decoded_bytes);
        assert_int_equal(v.part_count, 1);
        free(block);
        free(c);
    }
}

/* What was decoded and found no room costs nothing, but for one character that
 * is under way. */
static void sec_066_what_found_no_room_is_not_counted(void **state)
{
    static const char message[] =
        "Content-Type: text/plain; charset=koi8-r\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n8PDw8PDw8PDw8PDw8PDw8A==";
    char mem[64];
    (void)state;
    for (size_t room = 0; room < 40; room++) {
        seen s = look(mk_str_z(message));
        mk_buf out;
        mk_buf_init(&out, mem, room);
        assert_int_equal(mk_view_text(&s.v, 0, NULL, &out, NULL, NULL),
                         room < 32 ? MK_E_ROOM : MK_OK);
        uint64_t taken = ((uint64_t)1 << 28) - s.v.budget->left;
        assert_int_equal(out.len, room < 32 ? room : 32);
        assert_true(taken >= (out.len + 1) / 2 && taken <= out.len / 2 + 1);
        free(s.block);
    }
}

/* Nowhere to put it: as much as fits is nothing. */
static void decodes_into_nothing(void **state)
{
    seen s = look(mk_str_z(mixed));
    mk_buf none;
    (void)state;
    for (uint32_t i = 0; i < s.v.part_count; i++) {
        mk_buf_init(&none, NULL, 0);
        assert_int_equal(mk_view_decode(&s.v, i, &none, NULL), MK_E_ROOM);
        assert_true(none.full);
        mk_buf_init(&none, NULL, 0);
        assert_int_equal(mk_view_text(&s.v, i, NULL, &none, NULL, NULL),
                         MK_E_ROOM);
        assert_true(none.full);
    }
    free(s.block);
}

static void nothing_is_a_message_too(void **state)
{
    seen s = look(mk_str_of(NULL, 0));
    char mem[4];
    mk_buf out;
    (void)state;
    assert_int_equal(s.v.part_count, 1);
    assert_int_equal(s.v.field_count, 0);
    assert_int_equal(s.v.parts[0].uses, MK_USE_TEXT | MK_USE_HTML);
    mk_buf_init(&out, mem, sizeof mem);
    assert_int_equal(mk_view_text(&s.v, 0, NULL, &out, NULL, NULL), MK_OK);
    assert_int_equal(out.len, 0);
    free(s.block);
}

/* 10,000 parts in one level and the deepest tree that is allowed. */
static void sec_055_many_parts_are_indexed(void **state)
{
    enum { PARTS = 9000 };
    text t = {0};
    mk_view v;
    (void)state;
    text_z(&t, "Content-Type: multipart/alternative; boundary=b\r\n\r\n");
    for (size_t i = 0; i < PARTS; i++) {
        text_z(&t, "--b\r\nContent-Type: text/html\r\n\r\nx\r\n");
    }
    size_t room = (size_t)4 << 20;
    void *block = malloc(room);
    assert_int_equal(mk_view_open(text_view(&t), NULL, block, room, &v), MK_OK);
    assert_false(v.is_cut);
    assert_int_equal(v.part_count, PARTS + 1);
    assert_int_equal(v.field_count, PARTS + 1);
    assert_int_equal(v.parts[PARTS].uses, MK_USE_TEXT | MK_USE_HTML);
    assert_true(mk_defects_has(v.defects, MK_DEFECT_MIME_NO_END));
    free(block);
    text_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexes_parts_and_fields),
        cmocka_unit_test(text_says_that_it_flows),
        cmocka_unit_test(types_that_cannot_be_read_are_the_default),
        cmocka_unit_test(sec_063_the_last_counts_when_asked),
        cmocka_unit_test(decodes_when_asked),
        cmocka_unit_test(sec_063_text_stops_where_octets_do),
        cmocka_unit_test(parts_stand_as_they_are),
        cmocka_unit_test(reads_text_as_what_it_can_be),
        cmocka_unit_test(tells_of_wrong_charsets),
        cmocka_unit_test(sec_066_a_message_has_a_budget),
        cmocka_unit_test(sec_066_messages_share_a_budget),
        cmocka_unit_test(sec_066_only_what_is_given_counts),
        cmocka_unit_test(a_small_block_holds_the_beginning),
        cmocka_unit_test(refuses_misuse),
        cmocka_unit_test(a_shorter_config_is_enough),
        cmocka_unit_test(sec_066_what_found_no_room_is_not_counted),
        cmocka_unit_test(decodes_into_nothing),
        cmocka_unit_test(nothing_is_a_message_too),
        cmocka_unit_test(sec_055_many_parts_are_indexed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
