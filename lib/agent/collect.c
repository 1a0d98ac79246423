/* SPDX-License-Identifier: MIT
 *
 * collect.c: the octets of a message while they are in memory, in chunks that
 * grow with it, and counted against the budget of all messages. Loop's thread,
 * but for mk_agent_collect_drop and mk_agent_collect_views_free after the job's
 * end.
 */
#include <string.h>

#include "delivery_internal.h"

#define CHUNK_FIRST 4096u
#define CHUNK_MAX 65536u

static chunk *chunk_new(message *m, size_t want)
{
    size_t size = m->last == NULL ? CHUNK_FIRST : m->last->max * 2;
    size = size > CHUNK_MAX ? CHUNK_MAX : size;
    size = size < want ? want : size;
    const mk_alloc *a = m->ld->c.alloc;
    /* not zeroed: what is read was written, and it is most of a message */
    chunk *c = a->get(a->self, sizeof *c + size);
    if (c == NULL) {
        return NULL;
    }
    c->after = NULL;
    c->len = 0;
    c->max = size;
    if (m->last != NULL) {
        m->last->after = c;
    } else {
        m->first = c;
    }
    m->last = c;
    m->pieces++;
    m->held += sizeof *c + size;
    m->ld->memory += sizeof *c + size;
    return c;
}

mk_err mk_agent_collect_add(message *m, mk_str octets)
{
    chunk *c = m->last;
    size_t room = c != NULL ? c->max - c->len : 0;
    size_t n = octets.len < room ? octets.len : room;
    size_t rest = octets.len - n;
    chunk *more = rest > 0 ? chunk_new(m, rest) : NULL;

    if (rest > 0 && more == NULL) {
        return MK_E_MEMORY;
    }
    if (n > 0) {
        memcpy(c->octets + c->len, octets.ptr, n);
        c->len += n;
    }
    if (rest > 0) {
        memcpy(more->octets, octets.ptr + n, rest);
        more->len = rest;
    }
    return MK_OK;
}

void mk_agent_collect_drop(message *m)
{
    while (m->first != NULL) {
        chunk *c = m->first;
        m->first = c->after;
        mk_alloc_put(m->ld->c.alloc, c, sizeof *c + c->max);
    }
    m->ld->memory -= m->held;
    m->held = 0;
    m->pieces = 0;
    m->last = NULL;
}

mk_err mk_agent_collect_views(message *m)
{
    size_t i = 0;
    if (m->pieces == 0) {
        return MK_OK;
    }
    m->views = mk_alloc_get(m->ld->c.alloc, m->pieces * sizeof *m->views);
    if (m->views == NULL) {
        return MK_E_MEMORY;
    }
    m->view_count = m->pieces;
    for (const chunk *c = m->first; c != NULL; c = c->after) {
        m->views[i++] = mk_str_of(c->octets, c->len);
    }
    return MK_OK;
}

void mk_agent_collect_views_free(message *m)
{
    mk_alloc_put(m->ld->c.alloc, m->views, m->view_count * sizeof *m->views);
    m->views = NULL;
    m->view_count = 0;
}
