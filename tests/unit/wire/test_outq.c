/* SPDX-License-Identifier: MIT
 *
 * test_outq.c: the output queue against a plain model that copies: texts and
 * lent bodies in order, stuffed (RFC 5321 4.5.2), acknowledged in pieces of
 * every size, looked at with every skip; and what the application may not
 * lend (Law 10). THREATS 4 and 6.
 */
#include "wire/outq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const bodies[] = {
    "",
    ".",
    "..",
    "a",
    ".\r\n",
    "..\r\n.\r\n",
    "\r\n.\r\n.",
    "a\r\n.b\r\n..\r\nc\r\n",
    "no dots\r\nat all\r\n",
    "dot. in. the middle.\r\n",
    "\r\n\r\n.\r\n\r\n.x",
    ".\r\n.\r\n.\r\n.\r\n.\r\n",
};
enum { BODIES = sizeof bodies / sizeof bodies[0] };

/* What must go out for a body in two spans. */
static size_t model(char *out, const char *a, const char *b)
{
    char all[128];
    size_t n = strlen(a) + strlen(b);
    memcpy(all, a, strlen(a));
    memcpy(all + strlen(a), b, strlen(b));
    size_t len = 0;
    memcpy(out, "DATA\r\n", 6);
    len = 6;
    for (size_t i = 0; i < n; i++) {
        if (all[i] == '.' && (i == 0 || all[i - 1] == '\n')) {
            out[len++] = '.';
        }
        out[len++] = all[i];
    }
    memcpy(out + len, "\r\n.\r\n", 5);
    return len + 5;
}

/* Everything shown behind `skip`, by at most `max` spans at once. */
static size_t shown(mk_outq *q, size_t skip, size_t max, char *out)
{
    size_t n = 0;
    for (;;) {
        mk_str spans[3];
        size_t k = mk_outq_spans(q, skip + n, spans, max);
        if (k == 0) {
            return n;
        }
        for (size_t i = 0; i < k; i++) {
            assert_true(spans[i].len > 0);
            memcpy(out + n, spans[i].ptr, spans[i].len);
            n += spans[i].len;
        }
    }
}

static void fill(mk_outq *q, const char *a, const char *b)
{
    assert_true(mk_outq_reserve(q, 16));
    assert_int_equal(mk_outq_text(q, mk_str_z("DATA\r\n")), MK_OK);
    mk_outq_body_begin(q, OUTQ_STRICT);
    assert_int_equal(mk_outq_body_add(q, mk_str_z(a), false), MK_OK);
    assert_int_equal(mk_outq_body_add(q, mk_str_z(b), true), MK_OK);
    assert_int_equal(mk_outq_body_add(q, mk_str_z("x"), true), MK_WAIT);
    assert_int_equal(mk_outq_text(q, mk_str_z("\r\n.\r\n")), MK_OK);
    mk_outq_release(q);
}

/* Acknowledge everything in steps; at each stop what is shown is the rest. */
static void drain(mk_outq *q, const char *want, size_t n, size_t by)
{
    size_t sent = 0;
    while (sent < n) {
        char got[256];
        size_t skip = (n - sent) / 2;
        assert_int_equal(shown(q, 0, 1 + sent % 3, got), n - sent);
        assert_memory_equal(got, want + sent, n - sent);
        assert_int_equal(shown(q, skip, 2, got), n - sent - skip);
        assert_memory_equal(got, want + sent + skip, n - sent - skip);
        assert_int_equal(mk_outq_sent(q, n - sent + 1), MK_E_ARG);
        size_t step = by < n - sent ? by : n - sent;
        assert_int_equal(mk_outq_sent(q, step), MK_OK);
        sent += step;
    }
    assert_true(mk_outq_is_empty(q));
}

static void sec_006_stuffing_is_lazy_and_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < BODIES * BODIES; i++) {
        const char *a = bodies[i / BODIES];
        const char *b = bodies[i % BODIES];
        char want[256];
        size_t n = model(want, a, b);
        assert_true(n <= 2 * (strlen(a) + strlen(b)) + 6 + 5);
        for (size_t by = 1; by <= n; by++) {
            mk_pool pool;
            mk_outq q;
            mk_outq_body body;
            assert_int_equal(mk_pool_init(&pool, mk_alloc_libc(), 64, 1),
                             MK_OK);
            mk_outq_init(&q, &pool, NULL, 0, &body);
            fill(&q, a, b);
            drain(&q, want, n, by);
            mk_str back;
            assert_true(mk_outq_body_given(&q, &back));
            assert_ptr_equal(back.ptr, a);
            assert_true(mk_outq_body_given(&q, &back));
            assert_ptr_equal(back.ptr, b);
            assert_false(mk_outq_body_given(&q, &back));
            assert_int_equal(pool.taken, 0);
            mk_outq_fini(&q);
            mk_pool_fini(&pool);
        }
    }
}

static void sec_006_a_body_is_parted_anywhere(void **state)
{
    (void)state;
    static const char whole[] = "..\r\n.a\r\n\r\n.\r\nb.\r\n.";
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        char a[sizeof whole] = {0};
        char want[256];
        memcpy(a, whole, cut);
        size_t n = model(want, a, whole + cut);
        for (size_t by = 1; by <= n; by++) {
            char unit[64];
            mk_outq q;
            mk_outq_body body;
            mk_outq_init(&q, NULL, unit, sizeof unit, &body);
            fill(&q, a, whole + cut);
            drain(&q, want, n, by);
            mk_outq_fini(&q);
        }
    }
}

/* Far apart dots: a piece is looked for so far and no further, and what
 * stands at the end of sight is neither lost nor told twice. */
static void sec_006_dots_beyond_the_end_of_sight(void **state)
{
    (void)state;
    enum { SIGHT = 65536, SIZE = 3 * SIGHT };
    char *text = malloc(SIZE);
    char *want = malloc(SIZE + 8);
    for (size_t dot = SIGHT - 4; dot < SIGHT + 4; dot++) {
        char unit[8];
        mk_outq q;
        mk_outq_body body;
        mk_str piece;
        size_t at = 0;
        memset(text, 'x', SIZE);
        memcpy(text + dot - 2, "\r\n.", 3);
        memcpy(text + SIZE - 5, "\r\n.\r\n", 5);
        memcpy(want, text, dot);
        want[dot] = '.';
        memcpy(want + dot + 1, text + dot, SIZE - dot - 3);
        memcpy(want + SIZE - 2, "..\r\n", 4);
        mk_outq_init(&q, NULL, unit, sizeof unit, &body);
        mk_outq_body_begin(&q, OUTQ_STRICT);
        assert_int_equal(mk_outq_body_add(&q, mk_str_of(text, SIZE), true),
                         MK_OK);
        while (mk_outq_spans(&q, 0, &piece, 1) > 0) {
            size_t n = piece.len < 40001 ? piece.len : 40001;
            assert_true(piece.len <= SIGHT + 1);
            assert_true(at + n <= SIZE + 2);
            assert_memory_equal(piece.ptr, want + at, n);
            assert_int_equal(mk_outq_sent(&q, n), MK_OK);
            at += n;
        }
        assert_int_equal(at, SIZE + 2);
        mk_outq_fini(&q);
    }
    free(text);
    free(want);
}

static void sec_004_bare_octets_are_not_lent(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        bool last;
        mk_err want;
    } rows[] = {
        {"a\n.\r\nMAIL FROM:<x@y>\r\n", NULL, true, MK_E_BARE},
        {"a\r.\r\n", NULL, true, MK_E_BARE},
        {"a\r", NULL, true, MK_E_BARE},
        {"a\r", "b", true, MK_E_BARE},
        {"a\r", "", true, MK_E_BARE},
        {"a\r", "\nb\r\n", true, MK_OK},
        {"a", "\nb", true, MK_E_BARE},
        {"a\r\n", "\n", true, MK_E_BARE},
        {"a\r\n", ".\r\n", true, MK_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char unit[64];
        mk_outq q;
        mk_outq_body body;
        mk_outq_init(&q, NULL, unit, sizeof unit, &body);
        mk_outq_body_begin(&q, OUTQ_STRICT);
        mk_err err = mk_outq_body_add(&q, mk_str_z(rows[i].first),
                                      rows[i].second == NULL && rows[i].last);
        if (rows[i].second != NULL) {
            assert_int_equal(err, MK_OK);
            err = mk_outq_body_add(&q, mk_str_z(rows[i].second), rows[i].last);
        }
        assert_int_equal(err, rows[i].want);
        mk_outq_fini(&q);
    }
    char unit[64];
    mk_outq q;
    mk_outq_body body;
    mk_outq_init(&q, NULL, unit, sizeof unit, &body);
    mk_outq_body_begin(&q, OUTQ_STRICT);
    assert_int_equal(mk_outq_body_add(&q, mk_str_of("a\0b", 3), true),
                     MK_E_BARE);
    /* nothing changed: the span that is fit still goes */
    assert_int_equal(mk_outq_body_room(&q), 2);
    assert_int_equal(mk_outq_body_add(&q, mk_str_z(".a"), true), MK_OK);
    mk_str span;
    assert_int_equal(mk_outq_spans(&q, 0, &span, 1), 1);
    mk_outq_fini(&q);
}

/* What goes out of a stored body in pieces of every size, and what must. */
static void stored(const char *in, size_t n, const char *want, size_t wants)
{
    for (size_t cut = 0; cut <= n; cut++) {
        for (size_t by = 1; by <= wants; by++) {
            char unit[8];
            char got[256];
            mk_outq q;
            mk_outq_body body;
            mk_outq_init(&q, NULL, unit, sizeof unit, &body);
            mk_outq_body_begin(&q, OUTQ_STORED);
            assert_int_equal(mk_outq_body_add(&q, mk_str_of(in, cut), false),
                             MK_OK);
            mk_str back;
            (void)mk_outq_body_given(&q, &back); /* it may be empty */
            assert_int_equal(
                mk_outq_body_add(&q, mk_str_of(in + cut, n - cut), true),
                MK_OK);
            assert_int_equal(shown(&q, 0, 3, got), wants);
            assert_memory_equal(got, want, wants);
            drain(&q, want, wants, by);
            mk_outq_fini(&q);
        }
    }
}

/* RFC 1939 3: a message that another program stored goes out as it is, but for
 * the dots; a bare LF would be a line end to some, and is never lent. */
static void sec_004_stored_bodies(void **state)
{
    (void)state;
#define ROW(in, want) stored(in, sizeof(in) - 1, want, sizeof(want) - 1)
    ROW("a\rb\r\n", "a\rb\r\n");
    ROW("a\0b\r\n", "a\0b\r\n");
    ROW("\r.\r\n", "\r.\r\n");
    ROW("\r\r\n.\r\n", "\r\r\n..\r\n");
    ROW("a\0\r\n.\r\r\n..\0", "a\0\r\n..\r\r\n...\0");
    ROW(".\r\0.\r\n.\r", "..\r\0.\r\n..\r");
    ROW("\0\0\r\r.\r\n\0.\r\n.x", "\0\0\r\r.\r\n\0.\r\n..x");
#undef ROW
    static const char *const refused[] = {"a\n", "\n", "a\r\n\n.\r\n",
                                          "a\r\r\n\n", "\r.\n.\r\n"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char unit[8];
        mk_outq q;
        mk_outq_body body;
        mk_outq_init(&q, NULL, unit, sizeof unit, &body);
        mk_outq_body_begin(&q, OUTQ_STORED);
        assert_int_equal(mk_outq_body_add(&q, mk_str_z(refused[i]), true),
                         MK_E_BARE);
        assert_true(mk_outq_is_empty(&q));
        mk_outq_fini(&q);
    }
}

/* What is counted is not looked at. */
static void raw_bodies_go_out_as_they_are(void **state)
{
    static const char in[] = ".\n\r.\0\n.\r\n.\r\n\r";
    char unit[8];
    char got[64];
    mk_outq q;
    mk_outq_body body;
    (void)state;
    mk_outq_init(&q, NULL, unit, sizeof unit, &body);
    mk_outq_body_begin(&q, OUTQ_RAW);
    assert_int_equal(mk_outq_body_add(&q, mk_str_of(in, 4), false), MK_OK);
    assert_int_equal(
        mk_outq_body_add(&q, mk_str_of(in + 4, sizeof in - 5), true), MK_OK);
    assert_int_equal(shown(&q, 0, 3, got), sizeof in - 1);
    assert_memory_equal(got, in, sizeof in - 1);
    drain(&q, in, sizeof in - 1, 3);
    /* and the next body is strict again */
    mk_str back;
    assert_true(mk_outq_body_given(&q, &back));
    assert_true(mk_outq_body_given(&q, &back));
    mk_outq_body_begin(&q, OUTQ_STRICT);
    assert_int_equal(mk_outq_body_add(&q, mk_str_z("\r"), true), MK_E_BARE);
    mk_outq_fini(&q);
}

static void a_held_unit_keeps_what_lies_behind_the_tail(void **state)
{
    (void)state;
    mk_pool pool;
    mk_outq q;
    assert_int_equal(mk_pool_init(&pool, mk_alloc_libc(), 64, 1), MK_OK);
    mk_outq_init(&q, &pool, NULL, 0, NULL);
    assert_true(mk_outq_reserve(&q, 64));
    assert_int_equal(mk_outq_text(&q, mk_str_z("one")), MK_OK);
    mk_buf b = mk_outq_room(&q);
    assert_int_equal(mk_buf_add_z(&b, "two"), MK_OK);
    assert_int_equal(mk_outq_sent(&q, 3), MK_OK);
    assert_true(mk_outq_is_empty(&q));
    mk_outq_commit(&q, 3);
    mk_str span;
    assert_int_equal(mk_outq_spans(&q, 0, &span, 1), 1);
    assert_true(mk_str_is(span, mk_str_z("two")));
    assert_false(mk_outq_reserve(&q, 61));
    assert_int_equal(mk_outq_sent(&q, 3), MK_OK);
    assert_true(mk_outq_reserve(&q, 64));
    static const char long_text[65] = "too long";
    assert_int_equal(mk_outq_text(&q, mk_str_of(long_text, sizeof long_text)),
                     MK_E_ROOM);
    mk_outq_release(&q);
    assert_int_equal(pool.taken, 0);
    /* an empty pool is told */
    void *unit = mk_pool_take(&pool);
    assert_false(mk_outq_reserve(&q, 1));
    mk_pool_give(&pool, unit);
    mk_outq_fini(&q);
    mk_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_006_stuffing_is_lazy_and_right),
        cmocka_unit_test(sec_006_a_body_is_parted_anywhere),
        cmocka_unit_test(sec_006_dots_beyond_the_end_of_sight),
        cmocka_unit_test(sec_004_bare_octets_are_not_lent),
        cmocka_unit_test(sec_004_stored_bodies),
        cmocka_unit_test(raw_bodies_go_out_as_they_are),
        cmocka_unit_test(a_held_unit_keeps_what_lies_behind_the_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
