/* SPDX-License-Identifier: MIT
 *
 * desk.c: see desk.h. The engine's block has exactly the size that it asks
 * for, so that ASan sees the first octet beyond it; after each run the
 * promises of the contract that the rig watches must have held.
 */
#include "desk.h"

#include "trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void desk_init(desk *d, size_t chunk)
{
    memset(d, 0, sizeof *d);
    d->chunk = chunk;
    assert_int_equal(mk_smtp_client_config_init(&d->config, sizeof d->config),
                     MK_OK);
    d->config.hostname = mk_str_z("me.example");
}

void desk_open(desk *d)
{
    size_t need = mk_smtp_client_need(&d->config);

    assert_true(need > 0);
    d->block = malloc(need);
    assert_non_null(d->block);
    assert_int_equal(
        mk_smtp_client_open(&d->config, d->block, need, &d->engine), MK_OK);
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
    text_free(&d->wire);
    text_free(&d->returned);
}

static void note(desk *d, const mk_event *ev)
{
    if (ev->type == MK_EV_WANTED) {
        d->wanted++;
        d->room = ev->size;
        if (ev->data.len > 0) {
            text_str(&d->returned, ev->data);
            text_z(&d->returned, (ev->flags & MK_LAST) != 0 ? "$" : "|");
        }
        return;
    }
    if (ev->type == MK_EV_FAULT) {
        d->retry = ev->of.fault->retry;
        assert_int_equal(ev->err, ev->of.fault->why);
        assert_true(ev->of.fault->text.len > 0);
    }
    trace_event(&d->events, ev);
    text_z(&d->events, "\n");
}

void desk_ack(desk *d, size_t n)
{
    rig_look(&d->rig, &d->wire);
    rig_ack(&d->rig, n);
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
        if (!d->is_slow) {
            rig_ack(&d->rig, d->rig.queued.len);
        }
    } while (r != MK_END && (mk_want(d->engine) & MK_WANT_STEP) != 0);
    assert_null(d->rig.broken);
}

void desk_hear(desk *d, const char *octets)
{
    size_t left = strlen(octets);

    while (left > 0) {
        size_t n = d->chunk < left ? d->chunk : left;
        rig_push(&d->rig, octets, n);
        octets += n;
        left -= n;
        desk_run(d);
    }
}

void desk_wait(desk *d, uint64_t ms)
{
    d->rig.now_ms += ms;
    desk_run(d);
}

void desk_ready(desk *d, const char *keywords)
{
    desk_open(d);
    desk_hear(d, "220 mx.example ready\r\n");
    desk_said(d, "EHLO me.example\r\n");
    desk_saw(d, "REPLY greeting 220");
    desk_hear(d, "250-mx.example\r\n");
    while (*keywords != '\0') {
        size_t n = strcspn(keywords, "\n");
        text line = {0};
        text_z(&line, "250-");
        text_add(&line, keywords, n);
        text_z(&line, "\r\n");
        desk_hear(d, text_c(&line));
        text_free(&line);
        keywords += n + (keywords[n] == '\n');
    }
    desk_hear(d, "250 HELP\r\n");
    desk_saw(d, "REPLY EHLO 250");
    text_clear(&d->events); /* READY */
}

mk_err desk_send(desk *d, const char *sender, const char *recipients,
                 mk_op *out_op)
{
    uint64_t bytes = d->envelope.message_bytes;
    mk_smtp_body body = d->envelope.body;
    mk_err r;

    assert_int_equal(mk_smtp_envelope_init(&d->envelope, sizeof d->envelope),
                     MK_OK);
    d->envelope.message_bytes = bytes;
    d->envelope.body = body;
    d->envelope.reverse_path = mk_str_z(sender);
    d->envelope.forward_paths = d->paths;
    while (*recipients != '\0') {
        size_t n = strcspn(recipients, " ");
        d->paths[d->envelope.forward_count++] = mk_str_of(recipients, n);
        recipients += n + (recipients[n] == ' ');
    }
    r = mk_smtp_client_send(d->engine, &d->envelope, out_op);
    if (r == MK_OK) {
        desk_run(d);
    }
    return r;
}

void desk_said(desk *d, const char *octets)
{
    assert_string_equal(text_c(&d->wire), octets);
    assert_int_equal(d->wire.len, strlen(octets));
    text_clear(&d->wire);
}

void desk_saw(desk *d, const char *line)
{
    size_t n = strcspn(text_c(&d->events), "\n");
    text got = {0};

    text_add(&got, text_c(&d->events), n);
    if (!trace_fits(line, text_c(&got))) {
        fail_msg("expected event %s, got %s", line, text_c(&got));
    }
    text_free(&got);
    text_drop(&d->events, n + (n < d->events.len));
}

void desk_quiet(desk *d)
{
    assert_string_equal(text_c(&d->events), "");
}
