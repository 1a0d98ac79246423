/* SPDX-License-Identifier: MIT
 *
 * test_stream.c: messages longer than 32 bits can count (THREATS 111): one
 * block of memory is offered again and again, and every count must be right
 * to the octet, on both sides of the limit. Lines without end are cut off
 * after a bounded number of octets however many are offered (THREATS 10).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/smtp.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 20 };

#define GIB ((uint64_t)1 << 30)

typedef struct stream {
    mk_smtp_server_config config;
    char mem[MK_SMTP_SERVER_NEED];
    mk_engine *engine;
    char *block;
    uint64_t body;  /* octets in body events */
    uint64_t size;  /* told at the end */
    uint64_t taken; /* octets consumed */
    mk_err fault;
    uint64_t fault_at;
    bool ended;
    char reply[80]; /* the last output, cut off */
} stream;

static void on_event(stream *s, const mk_event *ev)
{
    static const mk_str none = {NULL, 0};
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0) {
        assert_true(ev->offset == s->body);
        s->body += ev->data.len;
    } else if (ev->type == MK_EV_BODY) {
        s->size = ev->size;
    } else if (ev->type == MK_EV_FAULT) {
        s->fault = ev->of.fault->why;
        s->fault_at = ev->of.fault->offset;
    }
    if ((ev->flags & MK_ASK) != 0) {
        assert_int_equal(mk_reply(s->engine, ev->op, MK_ANSWER_YES, none, none),
                         MK_OK);
    }
}

static void drain(stream *s)
{
    mk_str span;
    memset(s->reply, 0, sizeof s->reply);
    while (mk_out(s->engine, 0, &span, 1) == 1) {
        size_t n =
            span.len < sizeof s->reply - 1 ? span.len : sizeof s->reply - 1;
        memcpy(s->reply, span.ptr, n);
        assert_int_equal(mk_out_sent(s->engine, span.len), MK_OK);
    }
}

/* offer octets once; all must be consumed, unless the session ended */
static void offer(stream *s, const char *octets, size_t n)
{
    mk_event ev;
    mk_err err;
    mk_str view = mk_str_of(octets, n);
    while ((err = mk_step(s->engine, 1000, &view, &ev)) == MK_OK) {
        on_event(s, &ev);
    }
    s->ended = err == MK_END;
    s->taken += n - view.len;
    assert_true(view.len == 0 || s->ended);
    drain(s);
}

static void open_stream(stream *s, uint64_t message_max)
{
    memset(s, 0, sizeof *s);
    s->block = malloc(BLOCK);
    assert_non_null(s->block);
    assert_int_equal(mk_smtp_server_config_init(&s->config, sizeof s->config),
                     MK_OK);
    s->config.hostname = mk_str_z("mx.example");
    s->config.message_max = message_max;
    assert_int_equal(
        mk_smtp_server_open(&s->config, s->mem, sizeof s->mem, &s->engine),
        MK_OK);
    offer(s, "", 0);
}

static void begin_body(stream *s)
{
    static const char *const groups[] = {
        "EHLO c.example\r\n",
        "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"};
    for (size_t i = 0; i < 2; i++) {
        offer(s, groups[i], strlen(groups[i]));
    }
    for (size_t i = 0; i < BLOCK; i++) {
        s->block[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
    }
}

static void close_stream(stream *s)
{
    mk_close(s->engine);
    free(s->block);
    free(s);
}

static stream *new_stream(uint64_t message_max)
{
    stream *s = malloc(sizeof *s);
    assert_non_null(s);
    open_stream(s, message_max);
    return s;
}

/* send octets in blocks, then the end of data */
static void send_body(stream *s, uint64_t octets)
{
    begin_body(s);
    while (octets > 0 && !s->ended) {
        size_t n = octets < BLOCK ? (size_t)octets : BLOCK;
        offer(s, s->block + BLOCK - n, n);
        octets -= n;
    }
    if (!s->ended) {
        offer(s, ".\r\n", 3);
    }
}

static void sec_111_five_gib_are_counted(void **state)
{
    (void)state;
    stream *s = new_stream(5 * GIB);
    send_body(s, 5 * GIB);
    assert_true(s->body == 5 * GIB);
    assert_true(s->size == 5 * GIB);
    assert_memory_equal(s->reply, "250 2.0.0 ", 10);
    assert_false(s->ended);
    close_stream(s);
}

static void sec_111_a_limit_beyond_32_bits_holds(void **state)
{
    (void)state;
    stream *s = new_stream(4 * GIB + 63);
    send_body(s, 4 * GIB + 64);
    assert_true(s->body == 4 * GIB + 63);
    assert_memory_equal(s->reply, "552 5.3.4 ", 10);
    assert_false(s->ended);
    close_stream(s);
}

static void sec_111_size_parameter_at_the_widths(void **state)
{
    static const struct {
        const char *mail;
        const char *reply;
    } rows[] = {
        {"MAIL FROM:<> SIZE=2147483648\r\n", "250"},
        {"MAIL FROM:<> SIZE=4294967296\r\n", "250"},
        {"MAIL FROM:<> SIZE=4294967297\r\n", "552"},
        {"MAIL FROM:<> SIZE=9223372036854775807\r\n", "552"},
        {"MAIL FROM:<> SIZE=18446744073709551615\r\n", "552"},
        {"MAIL FROM:<> SIZE=18446744073709551616\r\n", "552"},
        {"MAIL FROM:<> SIZE=99999999999999999999\r\n", "552"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        stream *s = new_stream(4 * GIB);
        offer(s, "EHLO c.example\r\n", 16);
        offer(s, rows[i].mail, strlen(rows[i].mail));
        assert_memory_equal(s->reply, rows[i].reply, 3);
        close_stream(s);
    }
}

/* the whole block is offered, a bounded part of it is consumed */
static void endless(stream *s, char c, uint64_t most)
{
    memset(s->block, c, BLOCK);
    while (!s->ended) {
        offer(s, s->block, BLOCK);
        assert_true(s->taken <= most);
    }
}

static void sec_010_a_gib_without_a_line_end(void **state)
{
    (void)state;
    stream *s = new_stream(GIB);
    offer(s, "EHLO ", 0);
    endless(s, 'A', 2048 + 65536);
    assert_int_equal(s->fault, MK_E_LINE);
    assert_true(s->fault_at == 2048 + 65536);
    close_stream(s);
}

static void sec_010_a_body_without_a_line_end(void **state)
{
    (void)state;
    stream *s = new_stream(8 * BLOCK);
    begin_body(s);
    endless(s, 'A', 11 * BLOCK);
    assert_int_equal(s->fault, MK_E_SIZE);
    assert_true(s->body <= 65536);
    close_stream(s);
}

static void sec_010_a_body_of_bare_cr(void **state)
{
    (void)state;
    stream *s = new_stream(8 * BLOCK);
    begin_body(s);
    for (unsigned i = 0; i < 64 && !s->ended; i++) {
        memset(s->block, '\r', BLOCK);
        mk_event ev;
        mk_str view = mk_str_of(s->block, BLOCK);
        mk_err err;
        while ((err = mk_step(s->engine, 1000, &view, &ev)) == MK_OK) {
            on_event(s, &ev);
        }
        s->ended = err == MK_END;
        assert_true(view.len <= 4 || s->ended);
    }
    assert_true(s->ended); /* swallowed, but not for ever */
    close_stream(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_010_a_gib_without_a_line_end),
        cmocka_unit_test(sec_010_a_body_without_a_line_end),
        cmocka_unit_test(sec_010_a_body_of_bare_cr),
        cmocka_unit_test(sec_111_size_parameter_at_the_widths),
        cmocka_unit_test(sec_111_a_limit_beyond_32_bits_holds),
        cmocka_unit_test(sec_111_five_gib_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
