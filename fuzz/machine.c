/* SPDX-License-Identifier: MIT
 *
 * machine.c: what the targets of the protocol machines share (fuzz.h): octets
 * offered in pieces, acknowledgements, the clock, the end. It looks after the
 * promises that hold for every engine: it takes what it is offered or waits, a
 * step at its deadline gets it on, it ends, and nothing bare goes out.
 */
#include "fuzz.h"

#include <stdlib.h>

mk_pool *fuzz_machine_pool(fuzz_machine *m)
{
    fuzz_promise(mk_pool_init(&m->pool, mk_alloc_libc(), 1024, 1) == MK_OK,
                 "mk_pool_init");
    m->has_pool = true;
    return &m->pool;
}

static bool is_working(const fuzz_machine *m, unsigned slices)
{
    fuzz_promise(slices < 10000, "work comes to its end");
    return (mk_want(m->engine) & MK_WANT_STEP) != 0;
}

static void step_all(fuzz_machine *m)
{
    mk_event ev;
    mk_err err = MK_OK;
    unsigned slices = 0; /* of long work: it goes on when asked to */
    while (!m->rig.ended && (err == MK_OK || is_working(m, slices++))) {
        err = rig_step(&m->rig, &ev);
        if (err == MK_OK) {
            m->on_event(m, &ev);
        }
    }
    if (m->rig.ended && (mk_want(m->engine) & MK_WANT_ABORT) != 0) {
        m->aborted = true;
        text_clear(&m->rig.queued); /* what is queued is dropped */
    }
    fuzz_promise(m->rig.broken == NULL,
                 m->rig.broken != NULL ? m->rig.broken : "");
}

static void offer(fuzz_machine *m, mk_str octets)
{
    while (octets.len > 0 && !m->rig.ended) {
        size_t n =
            m->chunk > 0 && m->chunk < octets.len ? m->chunk : octets.len;
        rig_push(&m->rig, octets.ptr, n);
        octets = mk_str_sub(octets, n, SIZE_MAX);
        m->unread = octets.len;
        step_all(m);
    }
    m->unread = 0;
}

static void acknowledge_some(fuzz_machine *m, size_t n)
{
    rig_look(&m->rig, &m->out);
    n = n < m->rig.queued.len ? n : m->rig.queued.len;
    if (n > 0) {
        rig_ack(&m->rig, n);
        step_all(m);
    }
}

/* until nothing is queued any more: a step may queue anew */
static void acknowledge(fuzz_machine *m)
{
    for (unsigned i = 0; i < 1000; i++) {
        acknowledge_some(m, SIZE_MAX);
        if (m->rig.queued.len == 0) {
            return;
        }
    }
}

static void to_deadline(fuzz_machine *m)
{
    uint64_t due_ms = mk_deadline(m->engine);
    if (due_ms == MK_NEVER || m->rig.ended) {
        return;
    }
    m->rig.now_ms = due_ms > m->rig.now_ms ? due_ms : m->rig.now_ms;
    step_all(m);
    fuzz_promise(m->rig.ended || mk_deadline(m->engine) > m->rig.now_ms ||
                     (mk_want(m->engine) & MK_WANT_STEP) != 0,
                 "a step at the deadline gets it on");
}

static void control(fuzz_machine *m, fuzz_control what, uint8_t n)
{
    switch (what) {
    case FUZZ_TURN:
        acknowledge(m);
        break;
    case FUZZ_SOME:
        acknowledge_some(m, n);
        break;
    case FUZZ_CLOCK:
        m->rig.now_ms += n * (uint64_t)4000;
        break;
    case FUZZ_DUE:
        to_deadline(m);
        break;
    case FUZZ_EOF:
        mk_in_eof(m->engine, MK_OK);
        break;
    case FUZZ_CUT:
        mk_in_eof(m->engine, MK_E_CUT);
        break;
    case FUZZ_FINISH:
        mk_finish(m->engine, mk_str_z("bye"));
        break;
    case FUZZ_HURRY:
        mk_hurry(m->engine, n % 2 != 0);
        break;
    case FUZZ_LITERAL:
        return;
    default:
        m->on_control(m, what, n);
        break;
    }
    step_all(m);
}

/* Every session ends: by eof, or by its deadlines. */
static void run_out(fuzz_machine *m)
{
    mk_in_eof(m->engine, MK_OK);
    for (unsigned i = 0; i < 400 && !m->rig.ended; i++) {
        step_all(m);
        acknowledge(m);
        if (i > 200) {
            to_deadline(m);
        }
    }
    fuzz_promise(m->rig.ended, "a session ends");
    acknowledge(m);
    if (m->is_counted) {
        return;
    }
    fuzz_promise(m->aborted || fuzz_is_clean(text_view(&m->out), false),
                 "what goes out is whole lines");
    fuzz_promise(fuzz_is_clean(text_view(&m->out), true),
                 "nothing bare goes out");
}

void fuzz_machine_perform(fuzz_machine *m, const uint8_t *script, size_t size)
{
    fuzz_control what;
    uint8_t n;
    rig_init(&m->rig, m->engine, 0);
    m->script = (fuzz_script){script, size, false};
    step_all(m);
    do {
        offer(m, fuzz_octets(&m->script));
    } while (fuzz_next(&m->script, &what, &n) &&
             (control(m, what, n), !m->rig.ended));
    run_out(m);
}

void fuzz_machine_close(fuzz_machine *m)
{
    mk_close(m->engine);
    rig_fini(&m->rig);
    if (m->has_pool) {
        fuzz_promise(m->pool.taken == 0, "the unit comes back");
        mk_pool_fini(&m->pool);
    }
    free(m->block);
    text_free(&m->trace);
    text_free(&m->out);
}
