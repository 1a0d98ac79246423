/* SPDX-License-Identifier: MIT
 *
 * asks.c: open questions by number (Law 5). Whoever was asked may answer when
 * the session is gone, and its memory somebody else's: a number says which
 * place it was and for the how manieth time that was used, so that such an
 * answer is stale and hits nobody. Places come back only to be used again.
 */
#include <string.h>

#include "internal.h"

#define NO_SLOT UINT32_MAX

void mk_agent_asker_init(mk_asker *a, const mk_alloc *alloc)
{
    memset(a, 0, sizeof *a);
    a->alloc = alloc;
    a->unused = NO_SLOT;
}

void mk_agent_asker_fini(mk_asker *a)
{
    mk_alloc_put(a->alloc, a->slots, a->count * sizeof *a->slots);
}

static mk_err grow(mk_asker *a)
{
    uint32_t n = a->count == 0 ? 16 : a->count * 2;
    ask_slot *grown = mk_alloc_get(a->alloc, n * sizeof *grown);
    if (grown == NULL) {
        return MK_E_MEMORY;
    }
    if (a->count > 0) {
        memcpy(grown, a->slots, a->count * sizeof *grown);
        mk_alloc_put(a->alloc, a->slots, a->count * sizeof *grown);
    }
    for (uint32_t i = a->count; i < n; i++) {
        grown[i].unused = i + 1 < n ? i + 1 : NO_SLOT;
    }
    a->unused = a->count;
    a->count = n;
    a->slots = grown;
    return MK_OK;
}

mk_err mk_agent_ask_take(mk_asker *a, ask_kind kind, void *owner,
                         uint32_t *out_slot)
{
    if (a->unused == NO_SLOT && grow(a) != MK_OK) {
        return MK_E_MEMORY;
    }
    ask_slot *q = &a->slots[a->unused];
    *out_slot = a->unused;
    a->unused = q->unused;
    q->owner = owner;
    q->kind = (uint8_t)kind;
    return MK_OK;
}

void mk_agent_ask_give(mk_asker *a, uint32_t slot)
{
    ask_slot *q = &a->slots[slot];
    q->owner = NULL;
    q->kind = ASK_FREE;
    q->turn++;
    q->unused = a->unused;
    a->unused = slot;
}

mk_ask mk_agent_ask_now(mk_asker *a, uint32_t slot)
{
    mk_ask ask = {a, (uint64_t)a->slots[slot].turn << 32 | slot};
    return ask;
}

mk_ask mk_agent_ask_next(mk_asker *a, uint32_t slot)
{
    a->slots[slot].turn++;
    return mk_agent_ask_now(a, slot);
}

void *mk_agent_ask_find(mk_ask ask, ask_kind kind)
{
    const mk_asker *a = ask.asker;
    uint32_t i = (uint32_t)(ask.number & UINT32_MAX);
    if (a == NULL || i >= a->count || a->slots[i].kind != kind ||
        a->slots[i].turn != ask.number >> 32) {
        return NULL;
    }
    return a->slots[i].owner;
}
