/* SPDX-License-Identifier: MIT
 *
 * sources.c: how many connections each address has (THREATS 113: one peer
 * must not take them all). An IPv6 peer counts by its /64, the smallest part
 * that is given to one site (RFC 6177), because within it a peer may pick any
 * address. The table holds only addresses that are connected now.
 */
#include "net/uv_internal.h"

#include <string.h>

/* FNV-1a; the number of entries is bounded by max_connections, so that
 * chosen collisions gain little. */
static size_t slot_of(const uint8_t *key, size_t n)
{
    uint32_t h = UINT32_C(2166136261);
    size_t i;

    for (i = 0; i < n; i++) {
        h = (h ^ key[i]) * UINT32_C(16777619);
    }
    return (h ^ h >> 16) % mk_net_source_slots;
}

static size_t key_octets(const mk_peer *peer)
{
    return peer->family == 4 ? 4 : 8;
}

mk_err mk_net_source_add(mk_net_sources *s, const mk_peer *peer, size_t max,
                         mk_net_source **out_source)
{
    size_t n = key_octets(peer);
    mk_net_source **at = &s->slots[slot_of(peer->address, n)];
    mk_net_source *found = *at;

    while (found != NULL && (found->family != peer->family ||
                             memcmp(found->key, peer->address, n) != 0)) {
        found = found->after;
    }
    if (found == NULL) {
        found = mk_alloc_get(s->alloc, sizeof *found);
        if (found == NULL) {
            return MK_E_MEMORY;
        }
        found->family = peer->family;
        memcpy(found->key, peer->address, n);
        found->after = *at;
        *at = found;
    }
    if (found->count >= max) {
        return MK_E_LIMIT;
    }
    found->count++;
    *out_source = found;
    return MK_OK;
}

void mk_net_source_drop(mk_net_sources *s, mk_net_source *source)
{
    size_t n = source->family == 4 ? 4 : 8;
    mk_net_source **at = &s->slots[slot_of(source->key, n)];

    source->count--;
    if (source->count > 0) {
        return;
    }
    while (*at != source) {
        at = &(*at)->after;
    }
    *at = source->after;
    mk_alloc_put(s->alloc, source, sizeof *source);
}
