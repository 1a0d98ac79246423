/* SPDX-License-Identifier: MIT
 *
 * test_tap.c: a tap tells exactly what was consumed and acknowledged, in
 * order, and hides nothing of the engine under it.
 */
#include "line_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct log {
    char text[512];
    size_t len;
} log;

static void tell(void *self, bool outgoing, mk_str octets)
{
    log *t = self;

    if (t->len == 0 || t->text[0] == '\0') {
        t->len = 0;
    }
    t->text[t->len++] = outgoing ? '>' : '<';
    memcpy(t->text + t->len, octets.ptr, octets.len);
    t->len += octets.len;
    t->text[t->len] = '\0';
}

static mk_engine *over(line_engine *line, log *t, void *mem)
{
    mk_engine *outer = NULL;

    t->len = 0;
    t->text[0] = '\0';
    assert_int_equal(
        mk_tap_over(&line->base, tell, t, mem, MK_TAP_NEED, &outer), MK_OK);
    return outer;
}

static void test_what_passes_is_told_in_order(void **state)
{
    void *mem[MK_TAP_NEED / sizeof(void *)];
    line_engine line;
    mk_event ev;
    log t;
    mk_engine *e = over(&line, &t, mem);
    mk_str in = mk_str_z("one\r\ntw");

    (void)state;
    line_open(&line, "hello\r\n", 0);
    assert_int_equal(mk_step(e, 1, &in, &ev), MK_WAIT);
    assert_string_equal(t.text, "");
    assert_int_equal(mk_out_sent(e, 3), MK_OK);
    assert_string_equal(t.text, ">hel");
    t.len = 0;
    /* the queue is now "lo\r\n", given in two spans */
    assert_int_equal(mk_out_sent(e, 5), MK_E_ARG);
    assert_int_equal(t.len, 0);
    assert_int_equal(mk_out_sent(e, 4), MK_OK);
    assert_string_equal(t.text, ">lo>\r\n");
    t.len = 0;
    assert_int_equal(mk_step(e, 1, &in, &ev), MK_OK);
    assert_string_equal(t.text, "<one\r\n");
    assert_int_equal(
        mk_reply(e, ev.op, MK_ANSWER_YES, mk_str_z("250"), mk_str_z("two")),
        MK_OK);
    t.len = 0;
    assert_int_equal(mk_step(e, 1, &in, &ev), MK_WAIT);
    assert_int_equal(t.len, 0);
    assert_int_equal(in.len, 2);
}

static void test_the_inner_engine_shows_through(void **state)
{
    void *mem[MK_TAP_NEED / sizeof(void *)];
    line_engine line;
    mk_event ev;
    log t;
    mk_engine *e = over(&line, &t, mem);
    mk_str in = mk_str_z("ask\n");
    mk_str span;
    mk_tls_info tls = {.size = sizeof tls};

    (void)state;
    line_open(&line, "", 500);
    assert_int_equal(mk_in_max(e), line_octets_max);
    assert_int_equal(mk_want(e), MK_WANT_READ);
    assert_int_equal(mk_step(e, 7, &in, &ev), MK_OK);
    assert_int_equal(mk_deadline(e), 507);
    assert_int_equal(mk_later(e, ev.op), MK_OK);
    assert_int_equal(mk_step(e, 7, &in, &ev), MK_WAIT);
    assert_int_equal(mk_want(e), 0);
    assert_int_equal(
        mk_reply(e, line.op + 1, MK_ANSWER_NO, mk_str_z(""), mk_str_z("")),
        MK_E_STALE);
    assert_int_equal(mk_cancel(e, 1), MK_E_STALE);
    assert_int_equal(mk_body(e, 1, mk_str_z("x"), true), MK_E_STALE);
    assert_int_equal(mk_tls_begin(e, 0), MK_E_STATE);
    assert_int_equal(mk_tls_done(e, MK_OK, &tls), MK_E_STATE);
    assert_int_equal(
        mk_reply(e, line.op, MK_ANSWER_NO, mk_str_z(""), mk_str_z("no")),
        MK_OK);
    assert_int_equal(mk_out(e, 1, &span, 1), 1);
    mk_in_eof(e, MK_E_NET);
    assert_true(line.is_eof);
    mk_hurry(e, true);
    assert_true(line.is_hurried);
    mk_hurry(e, false);
    assert_false(line.is_hurried);
    mk_finish(e, mk_str_z("bye"));
    assert_true(line.is_finishing);
    assert_ptr_equal(mk_wire_heart(e, line.base.ops), &line.base);
    mk_close(e);
    assert_int_equal(line.closed, 1);
}

static void test_arguments(void **state)
{
    void *mem[MK_TAP_NEED / sizeof(void *) + 1];
    line_engine line;
    mk_engine *outer = NULL;
    log t;

    (void)state;
    line_open(&line, "", 0);
    assert_int_equal(mk_tap_over(NULL, tell, &t, mem, sizeof mem, &outer),
                     MK_E_ARG);
    assert_int_equal(mk_tap_over(&line.base, NULL, &t, mem, sizeof mem, &outer),
                     MK_E_ARG);
    assert_int_equal(
        mk_tap_over(&line.base, tell, &t, NULL, sizeof mem, &outer), MK_E_ARG);
    assert_int_equal(
        mk_tap_over(&line.base, tell, &t, (char *)mem + 1, MK_TAP_NEED, &outer),
        MK_E_ARG);
    assert_int_equal(mk_tap_over(&line.base, tell, &t, mem, 8, &outer),
                     MK_E_ROOM);
    assert_null(outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_passes_is_told_in_order),
        cmocka_unit_test(test_the_inner_engine_shows_through),
        cmocka_unit_test(test_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
