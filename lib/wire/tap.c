/* SPDX-License-Identifier: MIT
 *
 * tap.c: an engine over an engine that tells what passes, in the order in
 * which it passes: input when it was consumed, output when the transport has
 * taken it. It changes nothing, keeps nothing and copies nothing; what it
 * tells may hold passwords, so that hiding them is its listener's business.
 */
#include "wire/pass.h"

typedef struct tap {
    mk_engine base;
    mk_engine *inner;
    mk_tap_fn *fn;
    void *self;
} tap;

_Static_assert(sizeof(tap) <= MK_TAP_NEED, "MK_TAP_NEED is too small");

static tap *tap_of(mk_engine *e)
{
    return (tap *)e;
}

static mk_engine *tap_inner(mk_engine *e)
{
    return tap_of(e)->inner;
}

static mk_err tap_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                       mk_event *out_event)
{
    const tap *t = tap_of(e);
    mk_str before = *io_in;
    mk_err r = mk_step(t->inner, now_ms, io_in, out_event);

    if (io_in->len < before.len) {
        t->fn(t->self, false, mk_str_sub(before, 0, before.len - io_in->len));
    }
    return r;
}

static void tap_in_eof(mk_engine *e, mk_err why)
{
    mk_in_eof(tap_inner(e), why);
}

static size_t tap_in_max(const mk_engine *e)
{
    return mk_in_max(((const tap *)e)->inner);
}

static size_t tap_out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max)
{
    return mk_out(tap_inner(e), skip, out_spans, max);
}

/* Walks the first n octets of the queue. Returns how many are there; tells
 * them when asked to. */
static size_t walk(const tap *t, size_t n, bool tell)
{
    size_t done = 0;
    mk_str span;

    while (done < n && mk_out(t->inner, done, &span, 1) == 1) {
        span = mk_str_sub(span, 0, n - done);
        if (span.len == 0) {
            break;
        }
        if (tell) {
            t->fn(t->self, true, span);
        }
        done += span.len;
    }
    return done;
}

/* The spans are gone once they are acknowledged, so they are told before; but
 * only when the acknowledgement is going to be taken. */
static mk_err tap_out_sent(mk_engine *e, size_t n)
{
    const tap *t = tap_of(e);

    if (walk(t, n, false) == n) {
        walk(t, n, true);
    }
    return mk_out_sent(t->inner, n);
}

static unsigned tap_want(const mk_engine *e)
{
    return mk_want(((const tap *)e)->inner);
}

static uint64_t tap_deadline(const mk_engine *e)
{
    return mk_deadline(((const tap *)e)->inner);
}

static mk_err tap_tls_begin(mk_engine *e, size_t held)
{
    return mk_tls_begin(tap_inner(e), held);
}

static mk_err tap_tls_done(mk_engine *e, mk_err result,
                           const struct mk_tls_info *info)
{
    return mk_tls_done(tap_inner(e), result, info);
}

static void tap_close(mk_engine *e)
{
    mk_close(tap_inner(e));
    tap_of(e)->inner = NULL;
}

static const mk_engine_ops tap_ops = {
    .step = tap_step,
    .in_eof = tap_in_eof,
    .in_max = tap_in_max,
    .out = tap_out,
    .out_sent = tap_out_sent,
    .want = tap_want,
    .deadline = tap_deadline,
    .tls_begin = tap_tls_begin,
    .tls_done = tap_tls_done,
    .close = tap_close,
    .inner = tap_inner,
    .hurry = mk_wire_pass_hurry,
    MK_WIRE_PASS,
};

mk_err mk_tap_over(mk_engine *inner, mk_tap_fn *fn, void *self, void *mem,
                   size_t n, mk_engine **out_outer)
{
    tap *t = mem;

    if (inner == NULL || fn == NULL || mem == NULL || out_outer == NULL ||
        (uintptr_t)mem % _Alignof(tap) != 0) {
        return MK_E_ARG;
    }
    if (n < sizeof *t) {
        return MK_E_ROOM;
    }
    t->base.ops = &tap_ops;
    t->inner = inner;
    t->fn = fn;
    t->self = self;
    *out_outer = &t->base;
    return MK_OK;
}
