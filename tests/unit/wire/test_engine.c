/* SPDX-License-Identifier: MIT
 *
 * test_engine.c: the checks that every engine shares: NULL, CR, LF and NUL in
 * arguments (Law 10), whether a reply code has a form that the engine knows,
 * clipping, and the neutral answers of an engine with an empty table.
 */
#include "wire/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct spy {
    mk_engine base;
    int replies;
    char code[32];
    size_t text_len;
    size_t finish_len;
} spy;

static mk_err spy_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                       mk_event *out_event)
{
    (void)e;
    (void)now_ms;
    (void)io_in;
    (void)out_event;
    return MK_WAIT;
}

static mk_err spy_reply(mk_engine *e, mk_op op, mk_answer answer, mk_str code,
                        mk_str text)
{
    spy *s = (spy *)e;

    (void)op;
    (void)answer;
    s->replies++;
    if (code.len > 0) {
        memcpy(s->code, code.ptr, code.len);
    }
    s->code[code.len] = '\0';
    s->text_len = text.len;
    return MK_OK;
}

static void spy_finish(mk_engine *e, mk_str text)
{
    ((spy *)e)->finish_len = text.len;
}

static bool spy_is_code(mk_str code, mk_answer answer)
{
    return answer == MK_ANSWER_NO && mk_str_is(code, mk_str_z("IN-USE"));
}

static const mk_engine_ops spy_ops = {.step = spy_step,
                                      .reply = spy_reply,
                                      .is_code = spy_is_code,
                                      .finish = spy_finish};
static const mk_engine_ops bare_ops = {.step = spy_step};

/* What a code looks like is the engine's to say, but for CR, LF and NUL. */
static void test_reply_codes(void **state)
{
    static const struct {
        mk_answer answer;
        const char *code;
        mk_err want;
    } rows[] = {
        {MK_ANSWER_YES, "", MK_OK},      {MK_ANSWER_NO, "", MK_OK},
        {MK_ANSWER_NO, "IN-USE", MK_OK}, {MK_ANSWER_YES, "IN-USE", MK_E_ARG},
        {MK_ANSWER_NO, "550", MK_E_ARG}, {MK_ANSWER_NO, "IN-USE\r\n", MK_E_CTL},
        {(mk_answer)3, "", MK_E_ARG},    {(mk_answer)3, "IN-USE", MK_E_ARG},
    };
    spy s = {{&spy_ops}, 0, "", 0, 0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        s.replies = 0;
        assert_int_equal(mk_reply(&s.base, 1, rows[i].answer,
                                  mk_str_z(rows[i].code), mk_str_z("x")),
                         rows[i].want);
        assert_int_equal(s.replies, rows[i].want == MK_OK);
        if (rows[i].want == MK_OK) {
            assert_string_equal(s.code, rows[i].code);
        }
    }
}

/* Where an engine knows no code none may be given. */
static void test_reply_codes_unknown(void **state)
{
    static const mk_engine_ops ops = {.step = spy_step, .reply = spy_reply};
    spy s = {{&ops}, 0, "", 0, 0};

    (void)state;
    assert_int_equal(
        mk_reply(&s.base, 1, MK_ANSWER_NO, mk_str_z("IN-USE"), mk_str_z("")),
        MK_E_ARG);
    assert_int_equal(
        mk_reply(&s.base, 1, MK_ANSWER_NO, mk_str_z(""), mk_str_z("")), MK_OK);
    assert_int_equal(s.replies, 1);
}

static void test_reply_text(void **state)
{
    static const struct {
        const char *ptr;
        size_t len;
        mk_err want;
    } rows[] = {
        {"fine", 4, MK_OK},    {"a\rb", 3, MK_E_CTL}, {"a\nb", 3, MK_E_CTL},
        {"a\0b", 3, MK_E_CTL}, {"", 0, MK_OK},        {NULL, 0, MK_OK},
        {NULL, 1, MK_E_ARG},
    };
    char longer[500];
    spy s = {{&spy_ops}, 0, "", 0, 0};
    mk_str code = mk_str_of(NULL, 0);
    size_t i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mk_reply(&s.base, 1, MK_ANSWER_YES, code,
                                  mk_str_of(rows[i].ptr, rows[i].len)),
                         rows[i].want);
    }
    memset(longer, 'a', sizeof longer);
    for (i = 399; i <= 500; i += 1) {
        assert_int_equal(
            mk_reply(&s.base, 1, MK_ANSWER_YES, code, mk_str_of(longer, i)),
            MK_OK);
        assert_int_equal(s.text_len, i < 400 ? i : 400);
    }
    /* U+20AC in octets 399..401 falls whole */
    memcpy(longer + 399, "\xe2\x82\xac", 3);
    assert_int_equal(
        mk_reply(&s.base, 1, MK_ANSWER_YES, code, mk_str_of(longer, 500)),
        MK_OK);
    assert_int_equal(s.text_len, 399);
}

static void test_finish_ignores_what_would_break_the_line(void **state)
{
    spy s = {{&spy_ops}, 0, "", 0, 99};

    (void)state;
    mk_finish(&s.base, mk_str_z("going down"));
    assert_int_equal(s.finish_len, 10);
    mk_finish(&s.base, mk_str_z("going\r\n250 up"));
    assert_int_equal(s.finish_len, 0);
    mk_finish(NULL, mk_str_z("x"));
}

static void test_null_is_an_argument_error(void **state)
{
    mk_str none = mk_str_of(NULL, 0);
    mk_str bad = mk_str_of(NULL, 1);
    spy s = {{&spy_ops}, 0, "", 0, 0};
    mk_event ev;

    (void)state;
    assert_int_equal(mk_step(NULL, 0, &none, &ev), MK_E_ARG);
    assert_int_equal(mk_step(&s.base, 0, NULL, &ev), MK_E_ARG);
    assert_int_equal(mk_step(&s.base, 0, &none, NULL), MK_E_ARG);
    assert_int_equal(mk_step(&s.base, 0, &bad, &ev), MK_E_ARG);
    assert_int_equal(mk_step(&s.base, 0, &none, &ev), MK_WAIT);
    assert_int_equal(mk_out_sent(NULL, 0), MK_E_ARG);
    assert_int_equal(mk_reply(NULL, 1, MK_ANSWER_YES, none, none), MK_E_ARG);
    assert_int_equal(mk_later(NULL, 1), MK_E_ARG);
    assert_int_equal(mk_cancel(NULL, 1), MK_E_ARG);
    assert_int_equal(mk_body(NULL, 1, none, true), MK_E_ARG);
    assert_int_equal(mk_body(&s.base, 1, bad, true), MK_E_ARG);
    assert_int_equal(mk_tls_begin(NULL, 0), MK_E_ARG);
    assert_int_equal(mk_tls_done(NULL, MK_OK, NULL), MK_E_ARG);
    assert_int_equal(mk_tls_done(&s.base, MK_WAIT, NULL), MK_E_ARG);
    assert_int_equal(mk_in_max(NULL), 0);
    assert_int_equal(mk_want(NULL), 0);
    assert_true(mk_deadline(NULL) == MK_NEVER);
    mk_in_eof(NULL, MK_OK);
    mk_close(NULL);
}

static void test_an_empty_table_is_neutral(void **state)
{
    mk_engine e = {&bare_ops};
    mk_str none = mk_str_of(NULL, 0);
    mk_str span;
    mk_tls_info tls = {.size = sizeof tls};

    (void)state;
    assert_int_equal(mk_in_max(&e), 0);
    assert_int_equal(mk_out(&e, 0, &span, 1), 0);
    assert_int_equal(mk_out_sent(&e, 0), MK_OK);
    assert_int_equal(mk_out_sent(&e, 1), MK_E_ARG);
    assert_int_equal(mk_want(&e), 0);
    assert_true(mk_deadline(&e) == MK_NEVER);
    assert_int_equal(mk_reply(&e, 1, MK_ANSWER_YES, none, none), MK_E_STALE);
    assert_int_equal(mk_later(&e, 1), MK_E_STALE);
    assert_int_equal(mk_cancel(&e, 1), MK_E_STALE);
    assert_int_equal(mk_body(&e, 1, none, true), MK_E_STALE);
    assert_int_equal(mk_tls_begin(&e, 0), MK_E_STATE);
    assert_int_equal(mk_tls_done(&e, MK_OK, &tls), MK_E_STATE);
    assert_int_equal(mk_tls_done(&e, MK_E_TLS, NULL), MK_E_STATE);
    assert_int_equal(mk_tls_done(&e, MK_OK, NULL), MK_E_ARG);
    mk_in_eof(&e, MK_OK);
    mk_finish(&e, none);
    mk_close(&e);
    assert_null(mk_wire_heart(&e, &spy_ops));
    assert_ptr_equal(mk_wire_heart(&e, &bare_ops), &e);
    assert_null(mk_wire_heart(NULL, &bare_ops));
}

static void test_op_zero_is_never_waiting(void **state)
{
    spy s = {{&spy_ops}, 0, "", 0, 0};
    mk_str none = mk_str_of(NULL, 0);

    (void)state;
    assert_int_equal(mk_reply(&s.base, 0, MK_ANSWER_YES, none, none),
                     MK_E_STALE);
    assert_int_equal(s.replies, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_codes),
        cmocka_unit_test(test_reply_codes_unknown),
        cmocka_unit_test(test_reply_text),
        cmocka_unit_test(test_finish_ignores_what_would_break_the_line),
        cmocka_unit_test(test_null_is_an_argument_error),
        cmocka_unit_test(test_an_empty_table_is_neutral),
        cmocka_unit_test(test_op_zero_is_never_waiting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
