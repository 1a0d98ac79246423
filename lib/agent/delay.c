/* SPDX-License-Identifier: MIT
 *
 * delay.c: a ready stage that waits and passes (THREATS 51; RFC 2505 2.13):
 * one timer of the host for each session that waits, and memory only while it
 * does. It judges nobody, and bounds nothing: the host bounds connections, the
 * engine the time of an answer.
 */
#include <string.h>

#include "internal.h"

struct mk_delay {
    mk_delay_config c;
    size_t waiting;
};

/* One session that waits. */
typedef struct pause {
    mk_timer timer; /* first */
    mk_delay *delay;
    mk_ask ask;
    void **tag; /* where the session keeps this */
} pause;

static void pause_free(pause *p)
{
    mk_delay *d = p->delay;
    *p->tag = NULL;
    d->waiting--;
    mk_alloc_put(d->c.alloc, p, sizeof *p);
}

static void fire(mk_timer *timer)
{
    static const mk_verdict pass = {.kind = MK_VERDICT_PASS};
    pause *p = (pause *)(void *)timer;
    mk_ask ask = p->ask;

    pause_free(p);
    (void)mk_stage_answer(ask, &pass);
}

/* Without memory nobody waits: a peer is not refused for it. */
static void at(void *self, const mk_stage_call *call, mk_verdict *io_verdict)
{
    mk_delay *d = self;
    const mk_host *h = d->c.host;
    uint64_t ms = d->c.ms[call->point];

    if (ms == 0 ||
        (!d->c.is_for_all && mk_session_login(call->session).len > 0)) {
        return;
    }
    pause *p = mk_alloc_get(d->c.alloc, sizeof *p);
    if (p == NULL) {
        return;
    }
    p->timer.fire = fire;
    p->delay = d;
    p->ask = call->ask;
    p->tag = mk_session_tag(call->session, call->stage);
    *p->tag = p;
    d->waiting++;
    h->timer_set(h->self, &p->timer, h->now_ms(h->self) + ms);
    io_verdict->kind = MK_VERDICT_WAIT;
}

static void note(void *self, mk_session *s, uint32_t stage, mk_stage_note what,
                 mk_err why)
{
    mk_delay *d = self;
    pause *p = *mk_session_tag(s, stage);

    (void)what;
    (void)why;
    if (p != NULL) {
        d->c.host->timer_clear(d->c.host->self, &p->timer);
        pause_free(p);
    }
}

void mk_delay_stage(mk_delay *d, mk_stage *out_stage)
{
    memset(out_stage, 0, sizeof *out_stage);
    out_stage->name = "delay";
    out_stage->self = d;
    for (uint32_t i = 0; i < MK_POINTS; i++) {
        out_stage->points |=
            d->c.ms[i] > 0 && i != MK_POINT_ETRN ? MK_POINT_BIT(i) : 0;
    }
    out_stage->at = at;
    out_stage->note = note;
}

/* ---- its life ------------------------------------------------------------ */

mk_err mk_delay_config_init(mk_delay_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    return MK_OK;
}

mk_err mk_delay_new(const mk_delay_config *c, mk_delay **out_delay)
{
    uint64_t all = 0;
    if (c == NULL || c->size != sizeof *c || c->host == NULL ||
        c->alloc == NULL || c->ms[MK_POINT_BODY] > 0 ||
        c->ms[MK_POINT_ETRN] > 0) {
        return MK_E_ARG;
    }
    for (uint32_t i = 0; i < MK_POINTS; i++) {
        all |= c->ms[i];
    }
    if (all == 0) {
        return MK_E_ARG;
    }
    mk_delay *d = mk_alloc_get(c->alloc, sizeof *d);
    if (d == NULL) {
        return MK_E_MEMORY;
    }
    d->c = *c;
    *out_delay = d;
    return MK_OK;
}

size_t mk_delay_count(const mk_delay *d)
{
    return d->waiting;
}

void mk_delay_free(mk_delay *d)
{
    if (d != NULL) {
        mk_alloc_put(d->c.alloc, d, sizeof *d);
    }
}
