/* SPDX-License-Identifier: MIT
 *
 * test_reply.c: replies line by line (RFC 5321 4.2.1) and the enhanced status
 * code in front of their text (RFC 2034 4, RFC 3463 2), which is taken off
 * only when it is well-formed and agrees with the reply's first digit.
 */
#include "smtp/client_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct row {
    const char *lines[3];
    unsigned code;
    const char *enhanced; /* "" when there is none */
    const char *text;
    bool clipped;
} row;

/* clang-format off */
static const row rows[] = {
    {{"250"},                       250, "",        "", false},
    {{"250 "},                      250, "",        "", false},
    {{"250-", "250"},               250, "",        "\n", false},
    {{"250 ok"},                    250, "",        "ok", false},
    {{"290 odd"},                   290, "",        "odd", false},
    {{"250 2.1.5 ok"},              250, "2.1.5",   "ok", false},
    {{"250 2.1.5"},                 250, "2.1.5",   "", false},
    {{"250 2.1.5 "},                250, "2.1.5",   "", false},
    {{"250 2.1.5x"},                250, "",        "2.1.5x", false},
    {{"250 2.1.5\tok"},             250, "",        "2.1.5\tok", false},
    {{"250 2.1"},                   250, "",        "2.1", false},
    {{"250 2.1."},                  250, "",        "2.1.", false},
    {{"250 2..5 x"},                250, "",        "2..5 x", false},
    {{"250 4.1.5 x"},               250, "",        "4.1.5 x", false},
    {{"550 2.1.5 x"},               550, "",        "2.1.5 x", false},
    {{"354 3.1.5 x"},               354, "",        "3.1.5 x", false},
    {{"550 5.01.5 x"},              550, "",        "5.01.5 x", false},
    {{"550 5.1.00 x"},              550, "",        "5.1.00 x", false},
    {{"550 5.0.0 x"},               550, "5.0.0",   "x", false},
    {{"550 5.7.509 x"},             550, "5.7.255", "x", false},
    {{"550 5.1234.1 x"},            550, "",        "5.1234.1 x", false},
    {{"550 5.1.1234 x"},            550, "",        "5.1.1234 x", false},
    {{"550 55.1.1 x"},              550, "",        "55.1.1 x", false},
    {{"550-5.1.1 a", "550 5.1.1 b"}, 550, "5.1.1",  "a\nb", false},
    {{"550-5.1.1 a", "550 5.2.2 b"}, 550, "5.1.1",  "a\nb", false},
    {{"550-a", "550 5.2.2 b"},      550, "5.2.2",   "a\nb", false},
    {{"250 12345678901234567890"},  250, "",        "1234567890123456", true},
    {{"250-123456789012345", "250 a"}, 250, "",     "123456789012345\n", true},
    {{"250-1234567890123456", "250"}, 250, "",      "1234567890123456", true},
    {{"250 1234567890123456"},      250, "",        "1234567890123456", false},
};
/* clang-format on */

static void test_replies(void **state)
{
    char mem[16];
    reply_reader r = {mem, sizeof mem, 0, 0, 0, 128, 65536, false, {0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char enhanced[32];
        mk_buf b;
        for (size_t k = 0; k < 3 && rows[i].lines[k] != NULL; k++) {
            assert_int_equal(
                mk_smtp_reply_add(&r, mk_str_z(rows[i].lines[k]), true), MK_OK);
        }
        assert_true(r.is_done);
        assert_int_equal(r.reply.code, rows[i].code);
        mk_buf_init(&b, enhanced, sizeof enhanced - 1);
        for (size_t k = 0; k < 3 && r.reply.has_enhanced; k++) {
            mk_buf_add_z(&b, k > 0 ? "." : "");
            mk_buf_add_u64(&b, r.reply.enhanced[k]);
        }
        enhanced[b.len] = '\0';
        assert_string_equal(enhanced, rows[i].enhanced);
        assert_int_equal(r.reply.text.len, strlen(rows[i].text));
        if (r.reply.text.len > 0) {
            assert_memory_equal(r.reply.text.ptr, rows[i].text,
                                r.reply.text.len);
        }
        assert_int_equal(r.reply.clipped, rows[i].clipped);
    }
}

/* RFC 2034 4: there is none in the greeting and the reply to EHLO. */
static void test_not_where_it_has_no_place(void **state)
{
    char mem[16];
    reply_reader r = {mem, sizeof mem, 0, 0, 0, 128, 65536, false, {0}};

    (void)state;
    assert_int_equal(mk_smtp_reply_add(&r, mk_str_z("220 2.0.0 x"), false),
                     MK_OK);
    assert_false(r.reply.has_enhanced);
    assert_int_equal(r.reply.text.len, 7);
}

static void test_no_text_is_kept(void **state)
{
    reply_reader r = {NULL, 0, 0, 0, 0, 128, 65536, false, {0}};

    (void)state;
    assert_int_equal(mk_smtp_reply_add(&r, mk_str_z("550-5.1.1 x"), true),
                     MK_OK);
    assert_int_equal(mk_smtp_reply_add(&r, mk_str_z("550 5.1.1 x"), true),
                     MK_OK);
    assert_true(r.is_done && r.reply.has_enhanced && r.reply.clipped);
    assert_int_equal(r.reply.text.len, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_not_where_it_has_no_place),
        cmocka_unit_test(test_no_text_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
