/* SPDX-License-Identifier: MIT
 *
 * test_readings.c: THREATS 63: one reading that counts, a mask of what is
 * ambiguous, and all the readings for who must see what any reader sees. Each
 * row hides "evil" from the first reading; some other one has it as all of the
 * decoded body of a part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <mailkit/message.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIXED "Content-Type: multipart/mixed; boundary="

enum { BLOCK = 64 * 1024 };

typedef struct seen {
    uint32_t readings; /* how many */
    bool at_first;     /* evil is in the first */
    bool in_any;
    uint32_t ambiguity; /* of the first */
} seen;

static bool is_evil(const mk_buf *b)
{
    return mk_str_is(mk_field_trim(mk_buf_str(b)), mk_str_z("evil"));
}

/* As octets, or as the text that a reader would show. */
static bool is_evil_part(const mk_view *v, uint32_t i)
{
    char mem[2][256];
    mk_buf octets, text;
    const mk_part *p = &v->parts[i].part;
    mk_buf_init(&octets, mem[0], sizeof mem[0]);
    mk_buf_init(&text, mem[1], sizeof mem[1]);
    (void)mk_view_decode(v, i, &octets, NULL);
    (void)mk_view_text(v, i, NULL, &text, NULL, NULL);
    if ((p->flags & MK_PART_FLOWED) != 0) {
        mk_flowed f;
        mk_str in = mk_buf_str(&text);
        char flowed[256];
        mk_buf out;
        mk_buf_init(&out, flowed, sizeof flowed);
        mk_flowed_init(&f, (p->flags & MK_PART_DELSP) != 0);
        assert_int_equal(mk_flowed_decode(&f, &in, &out), MK_WAIT);
        assert_int_equal(mk_flowed_decode_finish(&f, &out), MK_OK);
        return is_evil(&out);
    }
    return is_evil(&octets) || is_evil(&text);
}

static bool has_evil(const mk_view *v)
{
    bool found = false;
    for (uint32_t i = 0; i < v->part_count; i++) {
        found |= v->parts[i].part.kind == MK_PART_LEAF && is_evil_part(v, i);
    }
    return found;
}

static seen look(const char *message)
{
    seen s = {0};
    mk_message_config config;
    mk_readings it;
    mk_view v;
    uint32_t all = 0;
    void *block = malloc(BLOCK);
    assert_non_null(block);
    mk_message_config_init(&config, sizeof config);
    mk_readings_init(&it);
    assert_true(mk_readings_next(&it, NULL, &config.reading));
    assert_int_equal(config.reading, 0);
    do {
        bool is_first = s.readings == 0;
        assert_true(is_first == (config.reading == 0));
        assert_int_equal(
            mk_view_open(mk_str_z(message), &config, block, BLOCK, &v), MK_OK);
        assert_int_equal(v.reading, config.reading);
        bool evil = has_evil(&v);
        s.at_first |= is_first && evil;
        s.in_any |= evil;
        s.ambiguity |= is_first ? mk_defects_ambiguity(v.defects) : 0;
        s.readings++;
        all |= config.reading;
    } while (mk_readings_next(&it, &v, &config.reading));
    assert_true(s.readings <= 128);
    assert_true(s.readings > 1 || all == 0);
    assert_false(mk_readings_next(&it, &v, &config.reading));
    free(block);
    return s;
}

static const struct {
    const char *what;
    const char *message;
    uint32_t ambiguity;
} rows[] = {
    {"another type",
     "Content-Type: text/plain\r\n" MIXED "b\r\n\r\n--b\r\n\r\nevil\r\n--b--",
     MK_AMBIGUITY_FIELD},
    {"the type that was first is what others drop",
     MIXED "b\r\nContent-Type: text/plain\r\n\r\nevil", MK_AMBIGUITY_FIELD},
    {"another encoding",
     "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64"
     "\r\n\r\nZXZpbA==",
     MK_AMBIGUITY_FIELD},
    {"another boundary", MIXED "a; boundary=b\r\n\r\n--b\r\n\r\nevil\r\n--b--",
     MK_AMBIGUITY_PARAM},
    {"another boundary, in another field",
     MIXED "a\r\n" MIXED "b\r\n\r\n--b\r\n\r\nevil\r\n--b--",
     MK_AMBIGUITY_FIELD},
    {"another boundary in sections",
     MIXED "\"\"; boundary*0=a; boundary*0=b\r\n\r\n--b\r\n\r\nevil\r\n--b--",
     MK_AMBIGUITY_PARAM},
    {"another character set",
     "Content-Type: text/plain; charset=utf-8; charset=utf-7\r\n\r\n"
     "+AGUAdgBpAGw-",
     MK_AMBIGUITY_PARAM},
    {"another character set, in another field",
     "Content-Type: text/plain; charset=utf-7\r\n"
     "Content-Type: text/plain; charset=utf-16be\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\nAGUAdgBpAGw=",
     MK_AMBIGUITY_FIELD},
    {"another format",
     "Content-Type: text/plain; format=fixed; delsp=yes; format=flowed\r\n\r\n"
     "ev \r\nil\r\n",
     MK_AMBIGUITY_PARAM},
    {"another delsp",
     "Content-Type: text/plain; format=flowed; delsp=no; delsp=yes\r\n\r\n"
     "ev \r\nil\r\n",
     MK_AMBIGUITY_PARAM},
    {"a comment in the type",
     "Content-Type: multipart(x)/mixed; boundary=b\r\n\r\nevil",
     MK_AMBIGUITY_PARAM},
    {"a comment behind the type",
     MIXED "b (x)\r\nContent-Type: multipart/mixed (x); boundary=b\r\n\r\nevil",
     MK_AMBIGUITY_FIELD},
    {"no semicolon", "Content-Type: multipart/mixed boundary=b\r\n\r\nevil",
     MK_AMBIGUITY_PARAM},
    {"a type of one word", "Content-Type: multipart; boundary=b\r\n\r\nevil",
     0},
    {"white space behind the boundary of the parameter",
     MIXED "\"b \"\r\n\r\n--b\r\n\r\nevil\r\n--b--", MK_AMBIGUITY_PARTS},
    {"white space behind the boundary, and lines that begin with it",
     MIXED "\"_ \"\r\n\r\n--_\r\nContent-Transfer-Encoding: base64\r\n\r\n"
           "ZXZp\r\n--_!\r\nbA==\r\n--_--",
     MK_AMBIGUITY_PARTS},
    {"white space behind a delimiter",
     MIXED "a\r\n\r\n--a\r\n" MIXED "b\r\n\r\n--a \r\n\r\n--b\r\n\r\n"
           "evil\r\n--b--\r\n--a--\r\n",
     MK_AMBIGUITY_PARTS},
    {"text behind a delimiter",
     MIXED "a\r\n\r\n--a\r\n" MIXED "b\r\n\r\n--a -- x\r\n\r\n--b\r\n\r\n"
           "evil\r\n--b--\r\n--a--\r\n",
     MK_AMBIGUITY_PARTS},
    {"a delimiter that goes on",
     MIXED "b\r\n\r\n--b\r\n\r\nx\r\n--bc\r\n\r\nevil\r\n--b--",
     MK_AMBIGUITY_PARTS},
    {"a delimiter behind the last one",
     MIXED "b\r\n\r\n--b--\r\n--b\r\n\r\nevil\r\n--b--", MK_AMBIGUITY_PARTS},
    {"one boundary for two",
     MIXED "b\r\n\r\n--b\r\nContent-Type: multipart/digest; boundary=b\r\n"
           "\r\n--b\r\n\r\nevil\r\n--b--\r\n",
     MK_AMBIGUITY_PARTS},
    {"an encoding around parts",
     MIXED "b\r\nContent-Transfer-Encoding: base64\r\n\r\nZXZpbA==",
     MK_AMBIGUITY_ENCODING},
    {"a line that is no field", "A: b\r\nevil\r\n", MK_AMBIGUITY_HEADER},
    {"white space before a colon",
     "Content-Transfer-Encoding: base64\r\nZXZp :bA==\r\n",
     MK_AMBIGUITY_HEADER},
    {"a name that is none",
     "Content-Transfer-Encoding: base64\r\n\x7FZXZp:bA==\r\n",
     MK_AMBIGUITY_HEADER},
    {"a white line",
     "Content-Transfer-Encoding: base64\r\n \t\r\nZXZp:bA==\r\n",
     MK_AMBIGUITY_HEADER},
    {"what is no base64",
     "Content-Transfer-Encoding: base64\r\n\r\nZXZpbA!AAAA", 0},
    {"padding within base64",
     "Content-Transfer-Encoding: base64\r\n\r\nZXZpbA==AAAA", 0},
    {"two of them at once",
     MIXED "a; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--b\r\n"
           "Content-Transfer-Encoding: base64\r\n\r\nZXZpbA==ZXZpbA\r\n--b--",
     MK_AMBIGUITY_PARAM},
    {"three, each seen by the one before",
     MIXED "a; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--bc\r\n" MIXED
           "d\r\n\r\n--d\r\nContent-Transfer-Encoding: base64\r\n\r\n"
           "ZXZpbA!ZXZpbA\r\n--d--\r\n--b--",
     MK_AMBIGUITY_PARAM},
};

static void sec_063_some_reading_has_it(void **state)
{
    int failed = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        seen s = look(rows[i].message);
        if (s.at_first || !s.in_any ||
            (s.ambiguity & rows[i].ambiguity) != rows[i].ambiguity) {
            print_error("%s: first %d, any %d of %u, mask %x\n", rows[i].what,
                        s.at_first, s.in_any, (unsigned)s.readings,
                        (unsigned)s.ambiguity);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static void sec_063_plain_mail_has_one_reading(void **state)
{
    static const char *const plain[] = {
        "",
        "Subject: x\r\n\r\nevil\r\n",
        "Subject: x\r\nSubject: y\r\n\r\nx\r\n--\r\nme\r\n",
        MIXED "b\r\n\r\n--b\r\n\r\nevil\r\n--b--\r\nepilogue",
        "Content-Transfer-Encoding: base64\r\n\r\nZXZp\r\nbA==\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ=e9\r\n",
        "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n~\r\n",
        MIXED "b\r\n\r\n--b\r\n" MIXED "bb\r\n\r\n--bb\r\n\r\nevil\r\n"
              "--bb--\r\n--b--\r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(plain); i++) {
        seen s = look(plain[i]);
        if (i != 2) {
            assert_int_equal(s.readings, 1);
            assert_int_equal(s.ambiguity, 0);
        }
    }
}

/* All that can be odd at once; bounded, and each reading once. */
static void sec_063_readings_are_bounded(void **state)
{
    static const char worst[] =
        "junk\r\nContent-Type: text\r\n" MIXED "b; boundary=\"b \"\r\n"
        "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64"
        "\r\n\r\n--b \r\n" MIXED "b\r\n\r\n--b x\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nZX!!pb\r\n--bb\r\n--b--\r\n"
        "--b\r\n\r\n--b--\r\n";
    (void)state;
    seen s = look(worst);
    assert_int_equal(s.readings, 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_063_some_reading_has_it),
        cmocka_unit_test(sec_063_plain_mail_has_one_reading),
        cmocka_unit_test(sec_063_readings_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
