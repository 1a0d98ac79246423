/* SPDX-License-Identifier: MIT
 *
 * test_outq_mend.c: bodies whose bare LFs are mended (RFC 5321 2.3.8), against
 * a plain model that copies: every body of up to seven octets of those that
 * matter, in two spans cut anywhere, with dots doubled and counted ones, shown
 * with every skip and acknowledged in pieces. Never a bare CR or LF comes out
 * (THREATS 4).
 */
#include "wire/outq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LONGEST = 7, ROOM = 4 * LONGEST };

static const char octets[] = {'a', '\r', '\n', '.'};
static const unsigned modes[] = {OUTQ_MENDED, OUTQ_MENDED | OUTQ_UNSTUFFED};
enum { MODES = sizeof modes / sizeof modes[0] };

/* What must come out, or false when it may not be lent. */
static bool model(const char *body, size_t n, unsigned mode, char *out,
                  size_t *out_len)
{
    char before = '\n';
    *out_len = 0;
    for (size_t i = 0; i < n; i++) {
        char c = body[i];
        if (before == '\r' && c != '\n') {
            return false;
        }
        if (c == '\n' && before != '\r') {
            out[(*out_len)++] = '\r';
        }
        if (c == '.' && before == '\n' && (mode & OUTQ_UNSTUFFED) == 0) {
            out[(*out_len)++] = '.';
        }
        out[(*out_len)++] = c;
        before = c;
    }
    return before != '\r';
}

/* All that is shown behind `skip`. */
static size_t shown(mk_outq *q, size_t skip, char *out)
{
    size_t n = 0;
    for (;;) {
        mk_str spans[2];
        size_t k = mk_outq_spans(q, skip + n, spans, 2);
        if (k == 0) {
            return n;
        }
        for (size_t i = 0; i < k; i++) {
            assert_true(spans[i].len > 0);
            assert_true(n + spans[i].len <= ROOM);
            memcpy(out + n, spans[i].ptr, spans[i].len);
            n += spans[i].len;
        }
    }
}

static void look(mk_outq *q, const char *want, size_t n)
{
    char got[ROOM];
    for (size_t skip = 0; skip <= n; skip++) {
        assert_int_equal(shown(q, skip, got), n - skip);
        assert_memory_equal(got, want + skip, n - skip);
    }
}

static void acknowledge(mk_outq *q, const char *want, size_t n, size_t step)
{
    while (n > 0) {
        size_t k = step < n ? step : n;
        assert_int_equal(mk_outq_sent(q, n + 1), MK_E_ARG);
        assert_int_equal(mk_outq_sent(q, k), MK_OK);
        want += k;
        n -= k;
        look(q, want, n);
    }
    assert_true(mk_outq_is_empty(q));
}

/* Lend it in two spans; their octets are counted as each is lent. */
static bool lend(mk_outq *q, const char *body, size_t n, size_t cut,
                 size_t *out_octets)
{
    mk_str first = mk_str_of(body, cut);
    mk_str second = mk_str_of(body + cut, n - cut);
    *out_octets = mk_outq_body_octets(q, first);
    if (mk_outq_body_add(q, first, false) != MK_OK) {
        return false;
    }
    *out_octets += mk_outq_body_octets(q, second);
    return mk_outq_body_add(q, second, true) == MK_OK;
}

static void play(const char *body, size_t n, size_t cut, unsigned mode,
                 size_t step)
{
    char unit[16];
    char want[ROOM];
    size_t len;
    size_t counted;
    mk_outq q;
    mk_outq_body b;
    bool fit = model(body, n, mode, want, &len);
    mk_outq_init(&q, NULL, unit, sizeof unit, &b);
    mk_outq_body_begin(&q, mode);
    assert_int_equal(lend(&q, body, n, cut, &counted), fit);
    if (fit) {
        if ((mode & OUTQ_UNSTUFFED) != 0) {
            assert_int_equal(counted, len);
        }
        assert_int_equal(b.bol, n == 0 || body[n - 1] == '\n');
        look(&q, want, len);
        acknowledge(&q, want, len, step);
    }
    mk_outq_fini(&q);
}

static size_t spell(size_t number, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = octets[number % 4];
        number /= 4;
    }
    return number;
}

static void sec_004_bare_lf_is_mended_at_every_cut(void **state)
{
    (void)state;
    for (size_t n = 0; n <= LONGEST; n++) {
        char body[LONGEST];
        for (size_t number = 0; spell(number, n, body) == 0; number++) {
            for (size_t cut = 0; cut <= n; cut++) {
                for (size_t mode = 0; mode < MODES; mode++) {
                    play(body, n, cut, modes[mode], 1 + number % 3);
                }
            }
            if (n == 0) {
                break;
            }
        }
    }
}

/* Beyond what one look takes in, where an LF is the first of the next. */
static void sec_004_bare_lf_in_a_long_span(void **state)
{
    enum { LONG = 200000 };
    char *body = malloc(LONG);
    char *want = malloc(LONG + 16);
    (void)state;
    assert_non_null(body);
    assert_non_null(want);
    for (size_t at = 65534; at < 65540; at++) {
        char unit[16];
        mk_outq q;
        mk_outq_body b;
        size_t n = 0;
        memset(body, 'x', LONG);
        memcpy(body + at, "\n.\r\n.", 5);
        memset(want, 'x', LONG + 16);
        memcpy(want + at, "\r\n..\r\n..", 8);
        mk_outq_init(&q, NULL, unit, sizeof unit, &b);
        mk_outq_body_begin(&q, OUTQ_MENDED);
        assert_int_equal(mk_outq_body_add(&q, mk_str_of(body, LONG), true),
                         MK_OK);
        while (!mk_outq_is_empty(&q)) {
            mk_str span;
            assert_int_equal(mk_outq_spans(&q, 0, &span, 1), 1);
            assert_memory_equal(span.ptr, want + n, span.len);
            n += span.len;
            assert_int_equal(mk_outq_sent(&q, span.len), MK_OK);
        }
        assert_int_equal(n, LONG + 3);
    }
    free(body);
    free(want);
}

static void sec_004_nul_is_not_mended(void **state)
{
    static const char *const bodies[] = {"\0a", "a\0", "\n\0"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        mk_outq q;
        mk_outq_body b;
        mk_outq_init(&q, NULL, NULL, 0, &b);
        mk_outq_body_begin(&q, OUTQ_MENDED);
        assert_int_equal(mk_outq_body_add(&q, mk_str_of(bodies[i], 2), true),
                         MK_E_BARE);
        assert_true(mk_outq_is_empty(&q));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_004_bare_lf_is_mended_at_every_cut),
        cmocka_unit_test(sec_004_bare_lf_in_a_long_span),
        cmocka_unit_test(sec_004_nul_is_not_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
