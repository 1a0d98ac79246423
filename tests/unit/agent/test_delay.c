/* SPDX-License-Identifier: MIT
 *
 * test_delay.c: the ready stage that makes peers wait: at each point, for whom,
 * what becomes of a peer that goes away meanwhile, and without memory.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static house h;
static mk_delay *delay;
static test_alloc memory;

/* The delay needs the house's host, which is made by then. */
static void tune(house *x, mk_inbound_config *c)
{
    static mk_stage stages[MK_STAGES_MAX];
    mk_delay_config d;
    assert_int_equal(mk_delay_config_init(&d, sizeof d), MK_OK);
    d.host = &x->host.host;
    d.alloc = &memory.alloc;
    for (uint32_t i = 0; i < MK_POINTS; i++) {
        d.ms[i] = i == MK_POINT_BODY || i == MK_POINT_ETRN ? 0 : 1000 + i;
    }
    assert_int_equal(mk_delay_new(&d, &delay), MK_OK);
    mk_delay_stage(delay, &stages[0]);
    memcpy(&stages[1], c->stages, c->stage_count * sizeof stages[0]);
    c->stages = stages;
    c->stage_count++;
}

static void open_slow(void)
{
    test_alloc_init(&memory);
    house_open(&h, &(house_plan){.tune = tune});
    assert_int_equal(fake_conn_open(&h.conn, &h.host, &h.service), MK_OK);
    house_work(&h);
}

static void close_slow(void)
{
    house_close(&h);
    assert_int_equal(mk_delay_count(delay), 0);
    mk_delay_free(delay);
    assert_int_equal(memory.out_count, 0);
    assert_null(h.host.timers);
}

static const struct {
    const char *says;
    uint64_t ms;
    const char *want;
} steps[] = {
    {"", 1000, "220"},
    {"EHLO a.example\r\n", 1001, "250"},
    {"VRFY ann\r\n", 1007, "252"},
    {"EXPN ann\r\n", 1008, "252"},
    {"MAIL FROM:<a@b.example>\r\n", 1002, "250 2.1.0"},
    {"RCPT TO:<ann@mx.example>\r\n", 1003, "250 2.1.5"},
    {"RCPT TO:<nobody@mx.example>\r\n", 1003, "550 5.1.1"},
    {"VRFY ann\r\n", 1007, "252"}, /* the transaction stays */
    {"DATA\r\n", 1004, "354"},
    {"Subject: x\r\n\r\nbody\r\n.\r\n", 1006, "250 2.0.0"},
};
#define STEPS (sizeof steps / sizeof steps[0])

static void each_point_waits_as_long_as_said(void **state)
{
    (void)state;
    open_slow();
    for (size_t i = 0; i < STEPS; i++) {
        begins(house_says(&h, steps[i].says), "");
        fake_host_pass(&h.host, steps[i].ms - 1);
        house_work(&h);
        assert_string_equal(house_heard(&h), "");
        assert_int_equal(mk_delay_count(delay), 1);
        fake_host_pass(&h.host, 1);
        house_work(&h);
        begins(house_heard(&h), steps[i].want);
        assert_int_equal(mk_delay_count(delay), 0);
    }
    assert_int_equal(house_count(&h, "mx.example", "ann"), 1);
    close_slow();
}

/* The session goes, its timer with it; but a message that was sent whole comes
 * to rest. */
static void who_goes_meanwhile_leaves_nothing(void **state)
{
    (void)state;
    for (size_t gone = 0; gone < STEPS; gone++) {
        open_slow();
        for (size_t i = 0; i <= gone; i++) {
            house_says(&h, steps[i].says);
            if (i < gone) {
                fake_host_pass(&h.host, steps[i].ms);
                house_work(&h);
            }
        }
        assert_int_equal(mk_delay_count(delay), 1);
        fake_conn_close(&h.conn, MK_E_CUT);
        bool is_sent = gone + 1 == STEPS;
        assert_int_equal(mk_delay_count(delay), is_sent);
        fake_host_pass(&h.host, 5000);
        fake_host_jobs(&h.host);
        assert_int_equal(mk_inbound_count(h.inbound), 0);
        assert_int_equal(house_count(&h, "mx.example", "ann"), is_sent);
        close_slow();
    }
}

/* Nobody is refused for it. */
static void fault_f25_without_memory_nobody_waits(void **state)
{
    (void)state;
    open_slow();
    fake_host_pass(&h.host, 1000);
    house_work(&h);
    begins(house_heard(&h), "220");
    memory.fail_at = memory.calls + 1;
    begins(house_says(&h, "EHLO a.example\r\n"), "250");
    assert_int_equal(mk_delay_count(delay), 0);
    close_slow();
}

static void what_is_no_setting(void **state)
{
    mk_delay_config c;
    mk_delay *d = NULL;
    fake_host host;
    (void)state;
    fake_host_init(&host);
    assert_int_equal(mk_delay_config_init(&c, sizeof c - 1), MK_E_ARG);
    assert_int_equal(mk_delay_config_init(&c, sizeof c), MK_OK);
    c.host = &host.host;
    c.alloc = mk_alloc_libc();
    assert_int_equal(mk_delay_new(&c, &d), MK_E_ARG); /* no wait at all */
    c.ms[MK_POINT_BODY] = 1;
    assert_int_equal(mk_delay_new(&c, &d), MK_E_ARG);
    c.ms[MK_POINT_BODY] = 0;
    c.ms[MK_POINT_ETRN] = 1;
    assert_int_equal(mk_delay_new(&c, &d), MK_E_ARG);
    c.ms[MK_POINT_ETRN] = 0;
    c.ms[MK_POINT_RCPT] = 1;
    c.host = NULL;
    assert_int_equal(mk_delay_new(&c, &d), MK_E_ARG);
    assert_null(d);
    mk_delay_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_point_waits_as_long_as_said),
        cmocka_unit_test(who_goes_meanwhile_leaves_nothing),
        cmocka_unit_test(fault_f25_without_memory_nobody_waits),
        cmocka_unit_test(what_is_no_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
