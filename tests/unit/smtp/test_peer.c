/* SPDX-License-Identifier: MIT
 *
 * test_peer.c: XCLIENT, XFORWARD, CLIENTID and ETRN beyond what a dialogue
 * shows: every octet as a value, lengths at their bounds (THREATS 17, 18), and
 * that what an event tells outlives being put off, though not in the session.
 */
#include "smtp/server_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NEED = 2048, LINE_MAX = 4096, NOW_MS = 1000 };

typedef struct site {
    mk_smtp_server_config config;
    uint64_t block[NEED / 8];
    mk_engine *engine;
    mk_tls_info tls;
    mk_event ev;   /* the last one */
    bool is_asked; /* there was a question */
    char line[LINE_MAX];
    char said[1024];
} site;

static void collect(site *t)
{
    size_t n = 0;
    mk_str span;
    while (mk_out(t->engine, 0, &span, 1) == 1) {
        assert_true(n + span.len < sizeof t->said);
        memcpy(t->said + n, span.ptr, span.len);
        n += span.len;
        assert_int_equal(mk_out_sent(t->engine, span.len), MK_OK);
    }
    t->said[n] = '\0';
}

/* Step until MK_WAIT, or a question. */
static void say(site *t, const char *octets, size_t n)
{
    mk_str view = mk_str_of(octets, n);
    t->is_asked = false;
    while (!t->is_asked && mk_step(t->engine, NOW_MS, &view, &t->ev) == MK_OK) {
        t->is_asked = (t->ev.flags & MK_ASK) != 0;
    }
    assert_int_equal(view.len, 0);
    collect(t);
}

static void say_z(site *t, const char *line)
{
    say(t, line, strlen(line));
}

static void begin(site *t, bool is_tls)
{
    memset(t, 0, sizeof *t);
    assert_int_equal(mk_smtp_server_config_init(&t->config, sizeof t->config),
                     MK_OK);
    t->config.hostname = mk_str_z("mx.example");
    t->config.asks = 0;
    t->config.line_max = LINE_MAX;
    t->config.tls = MK_TLS_POLICY_MAY;
    t->config.errors_max = UINT32_MAX;
    t->config.errors_soft = UINT32_MAX;
    t->config.extensions = MK_SMTP_EXTENSION_DEFAULT | MK_SMTP_EXTENSION_ETRN |
                           MK_SMTP_EXTENSION_XCLIENT |
                           MK_SMTP_EXTENSION_XFORWARD |
                           MK_SMTP_EXTENSION_CLIENTID;
    assert_true(mk_smtp_server_need(&t->config) <= sizeof t->block);
    assert_int_equal(
        mk_smtp_server_open(&t->config, t->block, sizeof t->block, &t->engine),
        MK_OK);
    if (is_tls) {
        assert_int_equal(mk_tls_done(t->engine, MK_OK, &t->tls), MK_OK);
    }
    say_z(t, "");
    say_z(t, "EHLO c.example\r\n");
}

/* "XCLIENT NAME=" value "\r\n": is it asked? It is refused for now then. */
static bool is_told(site *t, const char *prefix, const char *value, size_t n)
{
    size_t m = strlen(prefix);

    assert_true(m + n + 2 <= sizeof t->line);
    memcpy(t->line, prefix, m);
    memcpy(t->line + m, value, n);
    memcpy(t->line + m + n, "\r\n", 2);
    say(t, t->line, m + n + 2);
    if (!t->is_asked) {
        assert_memory_equal(t->said, "50", 2);
        return false;
    }
    assert_int_equal(mk_reply(t->engine, t->ev.op, MK_ANSWER_YES,
                              mk_str_z(NULL), mk_str_z(NULL)),
                     MK_OK);
    return true;
}

/* As itself, and as a hexchar, behind one that may stand anywhere. */
static void check_octet(const char *prefix, unsigned octet, bool as_text)
{
    char value[8];
    site t;
    bool is_x = octet > 32 && octet < 127 && octet != '+' && octet != '=';

    begin(&t, false);
    value[0] = 'a';
    value[1] = (char)(unsigned char)octet;
    if (octet != '\r' && octet != '\n' && octet != 0 && octet != ' ' &&
        octet != '\t') {
        assert_int_equal(is_told(&t, prefix, value, 2), is_x);
        mk_close(t.engine);
        begin(&t, false);
    }
    (void)snprintf(value, sizeof value, "a+%02X", octet);
    assert_int_equal(is_told(&t, prefix, value, 4),
                     as_text ? octet >= 32 && octet != 127
                             : octet > 32 && octet < 127);
    mk_close(t.engine);
}

/* THREATS 17: no control character hides in xtext, nor a blank or an octet
 * above 0x7E where a name stands. */
static void sec_017_each_octet_of_a_value(void **state)
{
    static const struct {
        const char *prefix;
        bool as_text;
    } rows[] = {
        {"XCLIENT NAME=", false},   {"XCLIENT HELO=", false},
        {"XCLIENT LOGIN=", true},   {"XFORWARD NAME=", false},
        {"XFORWARD IDENT=", false}, {"XFORWARD PROTO=", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned octet = 0; octet < 256; octet++) {
            check_octet(rows[i].prefix, octet, rows[i].as_text);
        }
    }
}

/* THREATS 18: 255 octets as they are written, and not one more; of a protocol's
 * name 64 as they are meant. */
static void sec_018_lengths_of_values(void **state)
{
    static const struct {
        const char *prefix;
        size_t max;
        size_t hexchars_max;
    } rows[] = {
        {"XCLIENT NAME=", 255, 85},  {"XCLIENT HELO=", 255, 85},
        {"XCLIENT LOGIN=", 255, 85}, {"XFORWARD NAME=", 255, 85},
        {"XFORWARD HELO=", 255, 85}, {"XFORWARD IDENT=", 255, 85},
        {"XFORWARD PROTO=", 64, 64}, {"ETRN #", 255, 0},
    };
    char value[3 * 256];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t n = rows[i].max; n <= rows[i].max + 1; n++) {
            site t;
            begin(&t, false);
            memset(value, 'x', n);
            assert_int_equal(is_told(&t, rows[i].prefix, value, n),
                             n == rows[i].max);
            mk_close(t.engine);
        }
        for (size_t n = rows[i].hexchars_max;
             n > 0 && n <= rows[i].hexchars_max + 1; n++) {
            site t;
            begin(&t, false);
            for (size_t k = 0; k < n; k++) {
                memcpy(value + 3 * k, "+41", 3);
            }
            assert_int_equal(is_told(&t, rows[i].prefix, value, 3 * n),
                             n == rows[i].hexchars_max);
            mk_close(t.engine);
        }
    }
}

/* THREATS 18: many attributes, cut-off values, and lines of nothing but them.
 */
static void sec_018_many_and_odd_attributes(void **state)
{
    static const char *const odd[] = {
        "=",
        "==",
        "NAME==",
        "NAME=+",
        "NAME=+4",
        "NAME=+4g",
        "NAME=+4a",
        "=NAME",
        "NA ME=a",
        "NAME =a",
        "NAMES=a",
        "NAM=a",
        "ADDR=",
        "ADDR=IPV6:",
        "ADDR=IPV6",
        "ADDR=1.2.3.4.5",
        "ADDR=01.2.3.4",
        "ADDR=IPV6:1::2::3",
        "ADDR=IPV6:fe80::1+25eth0",
        "PORT=+30+30",
        "PORT=-1",
        "PORT=99999",
        "PORT=4294967296",
        "PORT=",
        "PROTO=",
        "PROTO=ESMTPS",
        "LOGIN=",
        "DESTPORT=x",
        "NAME=[UNAVAILABLE",
        "PORT=UNAVAILABLE]",
        "ADDR=[UNAVAILABLE]x",
        "NAME=a NAME=[UNAVAILABLE]",
    };
    char many[3000];
    size_t n = 0;
    site t;
    (void)state;
    begin(&t, false);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        bool is_fine = strcmp(odd[i], "PORT=+30+30") == 0 || /* "00" */
                       strcmp(odd[i], "NAME=[UNAVAILABLE") == 0;
        if (is_told(&t, "XCLIENT ", odd[i], strlen(odd[i])) != is_fine) {
            fail_msg("%s", odd[i]);
        }
        if (is_fine) { /* it began anew */
            mk_close(t.engine);
            begin(&t, false);
        }
    }
    while (n + 7 < sizeof many) {
        memcpy(many + n, "NAME=a ", 7);
        n += 7;
    }
    assert_false(is_told(&t, "XCLIENT ", many, n));
    assert_false(is_told(&t, "XFORWARD ", many, n));
    memset(many, ' ', sizeof many);
    assert_false(is_told(&t, "XCLIENT ", many, sizeof many));
    mk_close(t.engine);
}

static void test_what_is_told_lasts_while_put_off(void **state)
{
    const mk_smtp_client_info *info;
    uint32_t all = 1 + 2 + 4 + 8 + 16 + 32 + 64 + 128;
    site t;
    mk_op op;
    (void)state;
    begin(&t, false);
    say_z(&t, "XCLIENT NAME=[TEMPUNAVAIL] ADDR=IPV6:2001:db8::1 PORT=1 "
              "PROTO=ESMTP HELO=h LOGIN=l DESTADDR=192.0.2.1 DESTPORT=2\r\n");
    assert_true(t.is_asked);
    assert_int_equal(t.ev.type, MK_EV_SMTP_XCLIENT);
    info = t.ev.of.smtp->client;
    assert_int_equal(info->given, all);
    assert_int_equal(info->unknown, MK_SMTP_CLIENT_FIELD_NAME);
    assert_int_equal(info->unsure, MK_SMTP_CLIENT_FIELD_NAME);
    assert_int_equal(info->name.len, 0);
    assert_true(mk_str_is(info->addr, mk_str_z("IPV6:2001:db8::1")));
    assert_true(mk_str_is(info->dest_port, mk_str_z("2")));
    assert_int_equal(info->ident.len, 0);
    op = t.ev.op;
    assert_int_equal(mk_later(t.engine, op), MK_OK);
    say_z(&t, "");
    assert_string_equal(t.said, "");
    assert_int_equal(mk_want(t.engine) & MK_WANT_READ, 0);
    assert_int_equal(
        mk_reply(t.engine, op, MK_ANSWER_YES, mk_str_z(NULL), mk_str_z(NULL)),
        MK_OK);
    say_z(&t, "");
    assert_string_equal(t.said, "220 mx.example ESMTP mailkit\r\n");
    assert_int_equal(
        mk_reply(t.engine, op, MK_ANSWER_YES, mk_str_z(NULL), mk_str_z(NULL)),
        MK_E_STALE);
    mk_close(t.engine);
}

/* A second greeting is one: who talks before it is to be caught at it, by the
 * first octet, and nothing is read behind that (THREATS 11). */
static void sec_011_early_talk_at_the_second_greeting(void **state)
{
    static const char *const rows[] = {"", "X", "EHLO a.example\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_str early = mk_str_z(rows[i]);
        mk_str empty = {NULL, 0};
        site t;
        begin(&t, false);
        t.config.asks = MK_SMTP_ASK_CONNECT;
        say_z(&t, "XCLIENT ADDR=192.0.2.1\r\n");
        assert_int_equal(
            mk_reply(t.engine, t.ev.op, MK_ANSWER_YES, empty, empty), MK_OK);
        say_z(&t, "");
        assert_int_equal(t.ev.type, MK_EV_SMTP_CONNECT);
        assert_int_equal(mk_later(t.engine, t.ev.op), MK_OK);
        mk_op op = t.ev.op;
        assert_int_equal(mk_want(t.engine), MK_WANT_READ);
        assert_int_equal(mk_step(t.engine, NOW_MS, &early, &t.ev), MK_WAIT);
        assert_int_equal(early.len, strlen(rows[i])); /* it is kept */
        assert_int_equal(mk_want(t.engine),
                         early.len > 0 ? 0 : (int)MK_WANT_READ);
        assert_int_equal(mk_reply(t.engine, op, MK_ANSWER_YES, empty, empty),
                         MK_OK);
        mk_err err = mk_step(t.engine, NOW_MS, &early, &t.ev);
        if (early.len == 0) {
            assert_int_equal(err, MK_WAIT);
        } else {
            assert_int_equal(err, MK_OK);
            assert_int_equal(t.ev.type, MK_EV_FAULT);
            assert_int_equal(t.ev.err, MK_E_EARLY);
        }
        mk_close(t.engine);
    }
}

/* As long as a server may keep a peer waiting; then it is refused for now. */
static void test_an_answer_that_never_comes(void **state)
{
    site t;
    mk_str none = {NULL, 0};
    (void)state;
    begin(&t, false);
    say_z(&t, "XFORWARD NAME=a\r\n");
    assert_true(t.is_asked);
    assert_int_equal(mk_later(t.engine, t.ev.op), MK_OK);
    assert_int_equal(mk_deadline(t.engine), NOW_MS + t.config.answer_ms);
    assert_int_equal(
        mk_step(t.engine, NOW_MS + t.config.answer_ms, &none, &t.ev), MK_OK);
    assert_int_equal(t.ev.type, MK_EV_WITHDRAWN);
    assert_int_equal(
        mk_step(t.engine, NOW_MS + t.config.answer_ms, &none, &t.ev), MK_WAIT);
    collect(&t);
    assert_string_equal(t.said, "451 4.3.0 Try again later\r\n");
    mk_close(t.engine);
}

static void test_bounds_of_a_client_id(void **state)
{
    char value[200];
    (void)state;
    for (size_t type = 0; type <= 17; type++) {
        for (size_t token = 0; token <= 129; token += token == 1 ? 127 : 1) {
            site t;
            begin(&t, true);
            memset(value, 'a', sizeof value);
            value[type] = ' ';
            assert_int_equal(is_told(&t, "CLIENTID ", value, type + 1 + token),
                             type > 0 && type <= 16 && token > 0 &&
                                 token <= 128);
            mk_close(t.engine);
        }
    }
}

/* 2xx of an application stands, and no other class: the code of XCLIENT is
 * that of the greeting. */
static void test_codes_of_answers(void **state)
{
    static const struct {
        mk_answer answer;
        const char *code;
        mk_err err;
    } rows[] = {
        {MK_ANSWER_YES, "253 2.0.0", MK_OK},
        {MK_ANSWER_YES, "459 4.7.1", MK_E_ARG},
        {MK_ANSWER_LATER, "458 4.3.0", MK_OK},
        {MK_ANSWER_LATER, "459 4.7.1", MK_OK},
        {MK_ANSWER_NO, "459 4.7.1", MK_E_ARG},
        {MK_ANSWER_NO, "550 5.7.1", MK_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        site t;
        begin(&t, false);
        say_z(&t, "ETRN example.org\r\n");
        assert_int_equal(mk_reply(t.engine, t.ev.op, rows[i].answer,
                                  mk_str_z(rows[i].code), mk_str_z("text")),
                         rows[i].err);
        say_z(&t, "");
        assert_memory_equal(t.said, rows[i].err == MK_OK ? rows[i].code : "458",
                            3);
        mk_close(t.engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_017_each_octet_of_a_value),
        cmocka_unit_test(sec_018_lengths_of_values),
        cmocka_unit_test(sec_018_many_and_odd_attributes),
        cmocka_unit_test(test_what_is_told_lasts_while_put_off),
        cmocka_unit_test(sec_011_early_talk_at_the_second_greeting),
        cmocka_unit_test(test_an_answer_that_never_comes),
        cmocka_unit_test(test_bounds_of_a_client_id),
        cmocka_unit_test(test_codes_of_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
