/* SPDX-License-Identifier: MIT
 *
 * server_site.c: see server_site.h.
 */
#include "server_site.h"

#include <string.h>

enum { NOW_MS = 1000 };

static mk_err fill(void *self, void *out, size_t n)
{
    site *t = self;
    memset(out, 0x5a, n);
    return t->random_err;
}

void site_open(site *t)
{
    memset(t, 0, sizeof *t);
    t->now_ms = NOW_MS;
    t->random.self = t;
    t->random.fill = fill;
    assert_int_equal(
        mk_pool_init_mem(&t->units, t->unit, sizeof t->unit, SITE_UNIT), MK_OK);
    assert_int_equal(
        mk_pool_init_mem(&t->rooms, t->room, sizeof t->room, SITE_ROOM), MK_OK);
    assert_int_equal(mk_pop3_server_config_init(&t->config, sizeof t->config),
                     MK_OK);
    assert_int_equal(mk_sasl_server_config_init(&t->sasl, sizeof t->sasl),
                     MK_OK);
    t->sasl.mechanisms = MK_SASL_PLAIN | MK_SASL_LOGIN;
    t->sasl.is_clear_allowed = true;
    t->config.hostname = mk_str_z("mx.example");
    t->config.units = &t->units;
    t->config.sasl = &t->sasl;
    t->config.sasl_units = &t->rooms;
}

void site_start(site *t)
{
    assert_int_equal(
        mk_pop3_server_open(&t->config, t->block, sizeof t->block, &t->engine),
        MK_OK);
}

void site_close(site *t)
{
    mk_close(t->engine);
    assert_int_equal(t->units.taken, 0);
    assert_int_equal(t->rooms.taken, 0);
}

pop3_server *site_server(site *t)
{
    return (pop3_server *)(void *)t->engine;
}

mk_err site_say(site *t, const char *octets)
{
    mk_str view = mk_str_z(octets);
    mk_err err = mk_step(t->engine, t->now_ms, &view, &t->ev);
    assert_int_equal(view.len, 0);
    return err;
}

mk_err site_step(site *t)
{
    return site_say(t, "");
}

size_t site_acknowledge(site *t)
{
    mk_str span;
    size_t sum = 0;
    while (mk_out(t->engine, 0, &span, 1) == 1) {
        sum += span.len;
        assert_int_equal(mk_out_sent(t->engine, span.len), MK_OK);
    }
    return sum;
}

const char *site_queued(site *t)
{
    static char text[2048];
    mk_buf b;
    mk_str span;
    mk_buf_init(&b, text, sizeof text - 1);
    while (mk_out(t->engine, b.len, &span, 1) == 1) {
        assert_int_equal(mk_buf_add(&b, span), MK_OK);
    }
    text[b.len] = '\0';
    return text;
}

void site_expect(site *t, uint32_t type)
{
    assert_int_equal(t->ev.type, type);
}

void site_log_in(site *t, uint32_t count)
{
    site_start(t);
    assert_int_equal(site_step(t), MK_OK); /* CONNECT */
    assert_int_equal(site_step(t), MK_WAIT);
    site_acknowledge(t);
    assert_int_equal(site_say(t, "USER ann\r\n"), MK_WAIT);
    site_acknowledge(t);
    assert_int_equal(site_say(t, "PASS hunter2hunter2\r\n"), MK_OK);
    site_expect(t, MK_EV_SASL);
    assert_int_equal(mk_sasl_answer(t->engine, t->ev.op, MK_ANSWER_YES, NULL),
                     MK_OK);
    assert_int_equal(site_step(t), MK_OK);
    site_expect(t, MK_EV_POP3_AUTH);
    assert_int_equal(site_step(t), MK_OK);
    site_expect(t, MK_EV_POP3_OPEN);
    assert_int_equal(mk_pop3_server_maildrop(t->engine, t->ev.op, count, 1),
                     MK_OK);
    assert_int_equal(site_step(t), MK_WAIT);
    site_acknowledge(t);
}

mk_op site_begin(site *t, const char *command)
{
    static const mk_str none = {NULL, 0};
    assert_int_equal(site_say(t, command), MK_OK);
    mk_op op = t->ev.op;
    assert_int_equal(mk_reply(t->engine, op, MK_ANSWER_YES, none, none), MK_OK);
    assert_true((mk_want(t->engine) & MK_WANT_STEP) != 0);
    return op;
}

mk_op site_begin_body(site *t, const char *command, uint64_t spans)
{
    mk_op op = site_begin(t, command);
    assert_int_equal(site_step(t), MK_OK);
    site_expect(t, MK_EV_WANTED);
    assert_int_equal(t->ev.op, op);
    assert_int_equal(t->ev.size, spans);
    assert_null(t->ev.data.ptr);
    return op;
}
