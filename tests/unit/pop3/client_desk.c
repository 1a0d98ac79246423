/* SPDX-License-Identifier: MIT
 *
 * client_desk.c: see client_desk.h. The engine's block has exactly the size
 * that it asks for, so that ASan sees the first octet beyond it; after each run
 * the promises of the contract that the rig watches must have held.
 */
#include "client_desk.h"

#include "trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static mk_err fill(void *self, void *out, size_t n)
{
    memset(out, 0x5a, n);
    return ((desk *)self)->random_err;
}

void desk_init(desk *d, size_t chunk)
{
    memset(d, 0, sizeof *d);
    d->chunk = chunk;
    assert_int_equal(mk_pop3_client_config_init(&d->config, sizeof d->config),
                     MK_OK);
    assert_int_equal(mk_sasl_client_config_init(&d->login, sizeof d->login),
                     MK_OK);
    d->random.self = d;
    d->random.fill = fill;
    d->login.random = &d->random;
    d->login.crypto = mk_crypto_mbedtls();
    d->login.authcid = mk_str_z("ann");
    d->login.password = mk_str_z("secret");
    d->login.is_clear_allowed = true;
    d->config.sasl = &d->login;
}

void desk_open(desk *d)
{
    size_t need = mk_pop3_client_need(&d->config);

    assert_true(need > 0);
    d->block = malloc(need);
    assert_non_null(d->block);
    assert_int_equal(
        mk_pop3_client_open(&d->config, d->block, need, &d->engine), MK_OK);
    rig_init(&d->rig, d->engine, 0);
    desk_run(d);
}

void desk_fini(desk *d)
{
    assert_null(d->rig.broken);
    mk_close(d->engine);
    rig_fini(&d->rig);
    free(d->block);
    text_free(&d->events);
    text_free(&d->body);
    text_free(&d->wire);
}

static void note(desk *d, const mk_event *ev)
{
    d->op = ev->op;
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0) {
        text_str(&d->body, ev->data);
        return;
    }
    if (ev->type == MK_EV_FAULT) {
        d->fault = *ev->of.fault;
        assert_int_equal(ev->err, ev->of.fault->why);
        assert_true(ev->of.fault->text.len > 0);
    }
    if (ev->type == MK_EV_DONE) {
        d->dones++;
        d->outcome = ev->err;
    }
    d->is_ready = d->is_ready || ev->type == MK_EV_POP3_READY;
    if (ev->type == MK_EV_POP3_SIZE || ev->type == MK_EV_POP3_UID) {
        d->rows++;
    }
    trace_pop3_event(&d->events, ev);
    text_z(&d->events, "\n");
}

void desk_run(desk *d)
{
    mk_event ev;
    mk_err r;

    do {
        while ((r = rig_step(&d->rig, &ev)) == MK_OK) {
            note(d, &ev);
        }
        d->is_over = d->is_over || r == MK_END;
        if ((mk_want(d->engine) & MK_WANT_ABORT) != 0) {
            text_clear(&d->rig.queued);
        }
        rig_look(&d->rig, &d->wire);
        rig_ack(&d->rig, d->rig.queued.len);
    } while (r != MK_END && (mk_want(d->engine) & MK_WANT_STEP) != 0);
    assert_null(d->rig.broken);
}

void desk_hear(desk *d, const char *octets, size_t n)
{
    while (n > 0 && !d->is_over) {
        size_t part = d->chunk < n ? d->chunk : n;

        rig_push(&d->rig, octets, part);
        octets += part;
        n -= part;
        desk_run(d);
    }
}

void desk_hear_z(desk *d, const char *z)
{
    desk_hear(d, z, strlen(z));
}

void desk_wait(desk *d, uint64_t ms)
{
    d->rig.now_ms += ms;
    desk_run(d);
}

void desk_ready(desk *d, const char *caps)
{
    desk_open(d);
    desk_hear_z(d, "+OK POP3\r\n");
    desk_said(d, "CAPA\r\n");
    desk_hear_z(d, "+OK\r\nUSER\r\n.\r\n");
    desk_said(d, "USER ann\r\n");
    desk_hear_z(d, "+OK\r\n");
    desk_said(d, "PASS secret\r\n");
    desk_hear_z(d, "+OK\r\n");
    desk_said(d, "CAPA\r\n");
    desk_hear_z(d, "+OK\r\n");
    desk_hear_z(d, caps);
    desk_hear_z(d, ".\r\n");
    assert_true(d->is_ready);
    desk_clear(d);
}

mk_op desk_ask(desk *d, mk_pop3_verb verb, uint32_t number, uint32_t lines)
{
    mk_op op = 0;

    assert_int_equal(
        mk_pop3_client_command(d->engine, verb, number, lines, &op), MK_OK);
    assert_int_not_equal(op, 0);
    desk_run(d);
    return op;
}

void desk_said(desk *d, const char *octets)
{
    assert_string_equal(text_c(&d->wire), octets);
    text_clear(&d->wire);
}

bool desk_saw(const desk *d, const char *part)
{
    return strstr(text_c(&d->events), part) != NULL;
}

void desk_clear(desk *d)
{
    text_clear(&d->events);
    text_clear(&d->body);
}
