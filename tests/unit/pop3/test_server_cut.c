/* SPDX-License-Identifier: MIT
 *
 * test_server_cut.c: where TOP ends (RFC 1939 7), against a reference that
 * sees the whole message, for every number of lines and every cut in two and
 * in single octets.
 */
#include "pop3/server_cut.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const messages[] = {
    "",
    "a: b",
    "a: b\r\n",
    "a: b\r",
    "a: b\r\n\r\n",
    "a: b\r\n\r",
    "\r\n",
    "\r\n\r\n",
    "\r\n\r\n\r\nx",
    "\r\nno header\r\n",
    "a: b\r\n\r\none",
    "a: b\r\n\r\none\r\n",
    "a: b\r\nc: d\r\n\r\none\r\n\r\nthree\r\nfour",
    "a: b\r\n \r\nfolded\r\n\r\none\r\ntwo\r\n",
    "a: b\r\r\n\r\r\n\r\none\r\n",
    "a: b\r\n\rx\r\n\r\none\r\n",
    "a: b\n\none\ntwo\n",
    "a: b\r\n.\r\n\r\n.\r\n..\r\n.\r\n",
};

/* The length of what is shown: line by line over the whole of it. */
static size_t shown(const char *z, uint32_t lines, bool *out_over)
{
    const char *at = z;
    bool in_body = false;

    *out_over = false;
    for (;;) {
        const char *lf = strchr(at, '\n');
        if (lf == NULL) {
            return strlen(z);
        }
        bool is_empty = lf == at || (lf == at + 1 && *at == '\r');
        at = lf + 1;
        if (in_body) {
            lines--;
        }
        in_body = in_body || is_empty;
        if (in_body && lines == 0) {
            *out_over = true;
            return (size_t)(at - z);
        }
    }
}

/* Feed it in pieces of n octets, the first of `first`. */
static size_t cut_in(const char *z, uint32_t lines, size_t first, size_t n,
                     bool *out_over)
{
    pop3_cut c;
    mk_str rest = mk_str_z(z);
    size_t sum = 0;

    mk_pop3_cut_begin(&c, lines);
    while (rest.len > 0) {
        mk_str piece = mk_str_sub(rest, 0, first > 0 ? first : n);
        size_t took = mk_pop3_cut_take(&c, piece);
        assert_true(took <= piece.len);
        assert_true(c.is_over || took == piece.len);
        sum += took;
        rest = mk_str_sub(rest, piece.len, SIZE_MAX);
        first = 0;
    }
    *out_over = c.is_over;
    return sum;
}

static void rfc1939_7_top_is_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        const char *z = messages[i];
        for (uint32_t lines = 0; lines < 6; lines++) {
            bool over;
            bool got;
            size_t want = shown(z, lines, &over);
            for (size_t first = 0; first <= strlen(z); first++) {
                assert_int_equal(cut_in(z, lines, first, SIZE_MAX, &got), want);
                assert_int_equal(got, over);
            }
            assert_int_equal(cut_in(z, lines, 0, 1, &got), want);
            assert_int_equal(got, over);
            assert_int_equal(cut_in(z, lines, 0, 3, &got), want);
            assert_int_equal(got, over);
        }
    }
}

/* What is offered behind the end is not looked at. */
static void rfc1939_7_nothing_is_shown_behind_the_end(void **state)
{
    pop3_cut c;

    (void)state;
    mk_pop3_cut_begin(&c, 0);
    assert_int_equal(mk_pop3_cut_take(&c, mk_str_z("a: b\r\n\r\nx\r\n")), 8);
    assert_true(c.is_over);
    assert_int_equal(mk_pop3_cut_take(&c, mk_str_z("y\r\n")), 0);
    assert_int_equal(mk_pop3_cut_take(&c, mk_str_of(NULL, 0)), 0);
    mk_pop3_cut_begin(&c, UINT32_MAX);
    assert_int_equal(mk_pop3_cut_take(&c, mk_str_z("\r\nx\r\n")), 5);
    assert_false(c.is_over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc1939_7_top_is_cut_anywhere),
        cmocka_unit_test(rfc1939_7_nothing_is_shown_behind_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
