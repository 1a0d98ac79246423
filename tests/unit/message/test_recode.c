/* SPDX-License-Identifier: MIT
 *
 * test_recode.c: binary parts become base64 on the way (RFC 3030 3, RFC 2045
 * 6), at every way to cut input and with little room for output. What is not
 * binary comes out as it went in, or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <mailkit/message.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define S(lit) MK_STR_INIT(lit)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef struct row {
    mk_str in;
    mk_str out;
    mk_err err; /* MK_END, or why not */
} row;

#define TYPE "MIME-Version: 1.0\r\nContent-Type: "
#define CTE "Content-Transfer-Encoding: "
#define BINARY CTE "binary\r\n"
#define BASE64 CTE "base64\r\n"
#define MIXED TYPE "multipart/mixed; boundary=b\r\n"

/* clang-format off */
static const row rows[] = {
    /* nothing is binary: octet for octet */
    {S(""), S(""), MK_END},
    {S("a: b\r\n\r\nbody\r\n"), S("a: b\r\n\r\nbody\r\n"), MK_END},
    {S("a: b\r\n\r\n"), S("a: b\r\n\r\n"), MK_END},
    {S("a: b\r\n"), S("a: b\r\n"), MK_END},
    {S(CTE "8bit\r\n\r\n\xE9\r\n"), S(CTE "8bit\r\n\r\n\xE9\r\n"), MK_END},
    {S(CTE "base64\r\n\r\nQQ==\r\n"), S(CTE "base64\r\n\r\nQQ==\r\n"), MK_END},
    {S(MIXED "\r\npre\r\n--b\r\n\r\none\r\n--b \r\n\r\ntwo\r\n--b--\r\nepi\r\n"),
     S(MIXED "\r\npre\r\n--b\r\n\r\none\r\n--b \r\n\r\ntwo\r\n--b--\r\nepi\r\n"), MK_END},
    /* a last line without its end is given one */
    {S("a: b\r\n\r\nbody"), S("a: b\r\n\r\nbody\r\n"), MK_END},
    /* the message itself */
    {S(BINARY "a: b\r\n\r\n\0\r\n\n\xFF"), S("a: b\r\n" BASE64 "\r\nAA0KCv8=\r\n"), MK_END},
    {S(CTE " (what) BiNaRy (else)\r\n\r\nA"), S(BASE64 "\r\nQQ==\r\n"), MK_END},
    {S(CTE "\r\n binary\r\n\r\nABC"), S(BASE64 "\r\nQUJD\r\n"), MK_END},
    {S(BINARY "\r\n"), S(BASE64 "\r\n"), MK_END},
    {S(BINARY), S(BASE64), MK_END},
    {S("a: b\r\n" BINARY), S("a: b\r\n" BASE64), MK_END},
    {S(BINARY "a: b"), S("a: b\r\n" BASE64), MK_END},
    {S(BINARY BINARY "\r\nA"), S(BASE64 "\r\nQQ==\r\n"), MK_END},
    /* lines of 76 */
    {S(BINARY "\r\n0123456789012345678901234567890123456789012345678901234567890"),
     S(BASE64 "\r\nMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2"
       "\r\nNzg5MA==\r\n"), MK_END},
    /* a part of several; the line end before a delimiter is the delimiter's */
    {S(MIXED BINARY "\r\n--b\r\n" BINARY "\r\n\r\r\n--b\r\n\r\ntext\r\n--b\r\n" BINARY
       "Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1A\n\r\n--b--\r\n"),
     S(MIXED CTE "8bit\r\n\r\n--b\r\n" BASE64 "\r\nDQ==\r\n--b\r\n\r\ntext\r\n--b\r\n"
       "Content-Type: image/png\r\n" BASE64 "\r\niVBORw0KGgo=\r\n--b--\r\n"), MK_END},
    {S(MIXED "\r\n--b\r\n" BINARY "\r\n\r\n--b--\r\n"),
     S(MIXED "\r\n--b\r\n" BASE64 "\r\n\r\n--b--\r\n"), MK_END},
    {S(MIXED "\r\n--b\r\n" BINARY "\r\n--b--\r\n"),
     S(MIXED "\r\n--b\r\n" BASE64 "\r\n--b--\r\n"), MK_END},
    {S(MIXED "\r\n--b\r\n" BINARY "--b--\r\n"),
     S(MIXED "\r\n--b\r\n" BASE64 "--b--\r\n"), MK_END},
    {S(MIXED "\r\n--b\r\n" BINARY "\r\nA\r\n-\r\n--c\r\n--b"),
     S(MIXED "\r\n--b\r\n" BASE64 "\r\nQQ0KLQ0KLS1j\r\n--b\r\n"), MK_END},
    {S(MIXED "\r\n--b\r\n" BINARY "\r\nno end\r"),
     S(MIXED "\r\n--b\r\n" BASE64 "\r\nbm8gZW5kDQ==\r\n"), MK_END},
    /* the body before it, and that behind, are none of its own */
    {S(MIXED "\r\n--b\r\n" BINARY "\r\nA\r\n--b--\r\nepilogue\r\n"),
     S(MIXED "\r\n--b\r\n" BASE64 "\r\nQQ==\r\n--b--\r\nepilogue\r\n"), MK_END},
    /* a message within */
    {S(TYPE "message/rfc822\r\n" BINARY "\r\nSubject: s\r\n" BINARY "\r\n\0"),
     S(TYPE "message/rfc822\r\n" CTE "8bit\r\n\r\nSubject: s\r\n" BASE64 "\r\nAA==\r\n"), MK_END},
    /* bare octets outside of what is binary */
    {S("a: b\r\n\r\na\nb\r\n"), S(""), MK_E_BARE},
    {S("a: b\r\n\r\na\rb\r\n"), S(""), MK_E_BARE},
    {S("a: b\r\n\r\na\0b\r\n"), S(""), MK_E_BARE},
    {S("a: b\r\n\r\nb\r"), S(""), MK_E_BARE},
    {S("a: b\n\nb\n"), S(""), MK_E_BARE},
    {S("\n"), S(""), MK_E_BARE},
    {S(MIXED "\r\n--b\r\n" BINARY "\r\nA\n--b--\r\n"), S(""), MK_E_BARE},
    {S(MIXED "\r\n--b\r\n" BINARY "\r\nA\r\n--b\r\n\r\n\n\r\n--b--\r\n"), S(""), MK_E_BARE},
    {S(MIXED BINARY "\r\npre\0\r\n--b--\r\n"), S(""), MK_E_BARE},
    /* it says two things */
    {S(BINARY CTE "8bit\r\n\r\nA"), S(""), MK_E_SYNTAX},
    {S(BINARY CTE "base64\r\n\r\nQQ=="), S(""), MK_E_SYNTAX},
    /* of two that say the same once the first counts */
    {S(CTE "8bit\r\n" BINARY "\r\nA\r\n"), S(CTE "8bit\r\n\r\nA\r\n"), MK_END},
    /* what is signed, or only a part, is not touched */
    {S(TYPE "multipart/signed; boundary=b\r\n\r\n--b\r\n" BINARY "\r\nA\r\n--b--\r\n"), S(""), MK_E_UNSUPPORTED},
    {S(TYPE "Multipart/Signed; boundary=b\r\n" BINARY "\r\n--b\r\n\r\nA\r\n--b--\r\n"), S(""), MK_E_UNSUPPORTED},
    {S(TYPE "multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Type: message/rfc822\r\n\r\n" BINARY "\r\nA\r\n--s--\r\n"), S(""), MK_E_UNSUPPORTED},
    {S(TYPE "message/partial; number=1; id=a\r\n" BINARY "\r\nA\r\n"), S(""), MK_E_UNSUPPORTED},
    {S(TYPE "multipart/mixed\r\n" BINARY "\r\n--b\r\n\r\nA\r\n--b--\r\n"), S(""), MK_E_UNSUPPORTED},
    {S(TYPE "multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nA\r\n--b--\r\n"),
     S(TYPE "multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nA\r\n--b--\r\n"), MK_END},
    {S(TYPE "multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nA\r\n--b\r\n" BINARY "\r\nA\r\n--b--\r\n"), S(""), MK_E_UNSUPPORTED},
    /* each part has its own label */
    {S(MIXED "\r\n--b\r\n" CTE "8bit\r\n\r\nA\r\n--b\r\n" BINARY "\r\nA\r\n--b--\r\n"),
     S(MIXED "\r\n--b\r\n" CTE "8bit\r\n\r\nA\r\n--b\r\n" BASE64 "\r\nQQ==\r\n--b--\r\n"), MK_END},
    /* but what stands beside it is */
    {S(MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nA\r\n--s--\r\n"
       "\r\n--b\r\n" BINARY "\r\nA\r\n--b--\r\n"),
     S(MIXED "\r\n--b\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nA\r\n--s--\r\n"
       "\r\n--b\r\n" BASE64 "\r\nQQ==\r\n--b--\r\n"), MK_END},
};
/* clang-format on */

enum { LITTLE = 64, ALL = 1 << 16 };

/* Offers `cut` octets more each time that more are wanted. */
static mk_err recode(const mk_message_config *config, mk_str in, size_t cut,
                     size_t room, mk_buf *all)
{
    size_t n = mk_recode_need(config);
    void *mem = malloc(n);
    char *little = malloc(room);
    mk_str shown = mk_str_of(in.ptr, 0);
    mk_recode *r;
    assert_int_equal(mk_recode_open(config, mem, n, &r), MK_OK);
    for (;;) {
        mk_buf out;
        mk_buf_init(&out, little, room);
        mk_err err = mk_recode_step(r, &shown, &out);
        assert_int_equal(mk_buf_add(all, mk_buf_str(&out)), MK_OK);
        size_t left = (size_t)(in.ptr + in.len - shown.ptr) - shown.len;
        if (err == MK_WAIT && left > 0) {
            shown.len += left < cut ? left : cut;
        } else if (err == MK_WAIT) {
            mk_recode_in_eof(r);
        } else if (err != MK_E_ROOM) {
            assert_int_equal(mk_recode_step(r, &shown, &out), err);
            free(little);
            free(mem);
            return err;
        } else {
            assert_true(out.len > 0);
        }
    }
}

static void each_row_at_each_cut(void **state)
{
    static const size_t cuts[] = {1, 2, 3, 5, 16, ALL};
    static const size_t rooms[] = {LITTLE, LITTLE + 1, 77, ALL};
    static char mem[ALL];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t k = 0; k < COUNT(cuts) * COUNT(rooms); k++) {
            size_t cut = cuts[k / COUNT(rooms)];
            size_t room = rooms[k % COUNT(rooms)];
            mk_buf all;
            mk_buf_init(&all, mem, sizeof mem);
            mk_err err = recode(NULL, rows[i].in, cut, room, &all);
            if (err != rows[i].err ||
                (err == MK_END && !mk_str_is(mk_buf_str(&all), rows[i].out))) {
                fail_msg("row %zu, cut %zu, room %zu: %d\n%.*s", i, cut, room,
                         err, (int)all.len, all.ptr);
            }
        }
    }
}

/* The octets of a part are the same before and after. */
static void octets_come_back(void **state)
{
    static const char head[] = MIXED "\r\n--b\r\n" BINARY "\r\n";
    static const char tail[] = "\r\n--b--\r\n";
    static char in[9000];
    static char mem[ALL];
    static char view_mem[ALL];
    static char plain[9000];
    (void)state;
    for (size_t n = 0; n < 8000; n = n * 2 + 1) {
        mk_buf whole, all, decoded;
        mk_buf_init(&whole, in, sizeof in);
        assert_int_equal(mk_buf_add_z(&whole, head), MK_OK);
        for (size_t i = 0; i < n; i++) {
            /* no '-', so that nothing in it is a delimiter */
            unsigned char c = (unsigned char)(i * 167 + i / 251);
            (void)mk_buf_add_c(&whole, (char)(c == '-' ? 0 : c));
        }
        assert_int_equal(mk_buf_add_z(&whole, tail), MK_OK);
        mk_buf_init(&all, mem, sizeof mem);
        assert_int_equal(recode(NULL, mk_buf_str(&whole), 113, LITTLE, &all),
                         MK_END);
        mk_view v;
        assert_int_equal(
            mk_view_open(mk_buf_str(&all), NULL, view_mem, sizeof view_mem, &v),
            MK_OK);
        assert_int_equal(v.part_count, 2);
        assert_int_equal(v.defects->count, 0);
        const mk_part *p = &v.parts[1].part;
        assert_int_equal(p->encoding, MK_ENCODING_BASE64);
        mk_transfer t;
        mk_transfer_init(&t, MK_ENCODING_BASE64);
        mk_buf_init(&decoded, plain, sizeof plain);
        mk_str body = mk_str_of(mem + p->body, (size_t)(p->end - p->body));
        assert_int_equal(mk_transfer_decode(&t, &body, &decoded), MK_WAIT);
        assert_int_equal(mk_transfer_decode_finish(&t, &decoded), MK_OK);
        assert_int_equal(t.defects, 0);
        assert_true(mk_str_is(mk_buf_str(&decoded),
                              mk_str_of(in + sizeof head - 1, n)));
    }
}

/* THREATS 54, 55: a part that is not seen is not let through. */
static void beyond_limits_is_refused(void **state)
{
    static const char within[] =
        MIXED "\r\n--b\r\n" BINARY "\r\nA\r\n--b--\r\n";
    static const char longer[] = "a: bcdefghijklmnopqrstuvwxyz0123456789\r\n"
                                 "\r\nA\r\n";
    static const struct {
        size_t offset;
        uint32_t max;
        mk_str in;
    } limits[] = {
        {offsetof(mk_message_config, max_depth), 1,
         S(MIXED "\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
                 "--c\r\n\r\nA\r\n--c--\r\n--b--\r\n")},
        {offsetof(mk_message_config, max_parts), 1, S(within)},
        {offsetof(mk_message_config, max_boundary_bytes), 4,
         S(TYPE
           "multipart/mixed; boundary=long-beyond-70-with-the-store-of-100-"
           "levels-of-this-very-message\r\n\r\nA\r\n")},
        {offsetof(mk_message_config, max_fields), 1, S(within)},
        {offsetof(mk_message_config, max_field_bytes), 20, S(longer)},
        {offsetof(mk_message_config, max_header_bytes), 20, S(longer)},
    };
    static char mem[ALL];
    (void)state;
    for (size_t i = 0; i < COUNT(limits); i++) {
        mk_message_config c;
        mk_buf all;
        mk_message_config_init(&c, sizeof c);
        memcpy((char *)&c + limits[i].offset, &limits[i].max,
               sizeof limits[i].max);
        for (size_t cut = 1; cut < 100; cut += 49) {
            mk_buf_init(&all, mem, sizeof mem);
            assert_int_equal(recode(&c, limits[i].in, cut, LITTLE, &all),
                             MK_E_LIMIT);
        }
    }
}

static void opens_in_what_it_needs(void **state)
{
    size_t n = mk_recode_need(NULL);
    char *mem = malloc(n + 1);
    mk_recode *r = NULL;
    (void)state;
    assert_int_equal(mk_recode_open(NULL, mem, n - 1, &r), MK_E_ROOM);
    assert_int_equal(mk_recode_open(NULL, mem, 8, &r), MK_E_ROOM);
    assert_int_equal(mk_recode_open(NULL, mem + 1, n, &r), MK_E_ARG);
    assert_int_equal(mk_recode_open(NULL, NULL, n, &r), MK_E_ARG);
    assert_null(r);
    assert_int_equal(mk_recode_open(NULL, mem, n, &r), MK_OK);
    assert_true(mk_recode_in_max(r) > MK_FIELD_BYTES_MAX);
    free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_at_each_cut),
        cmocka_unit_test(octets_come_back),
        cmocka_unit_test(beyond_limits_is_refused),
        cmocka_unit_test(opens_in_what_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
