/* SPDX-License-Identifier: MIT
 *
 * toys.c: a hash that mixes well, costs nothing and is worth nothing, so that
 * thousands of iterations are done at once where logins are fuzzed. All the
 * names of hashes stand for it, each with an outcome of its own.
 */
#include "fuzz.h"

#include <string.h>

typedef struct toy {
    uint64_t sum, count;
} toy;

static toy *toy_of(mk_hash_context *c)
{
    return (toy *)(void *)c->room.octets;
}

static mk_err toy_init(mk_hash_context *c, mk_hash hash)
{
    c->hash = hash;
    toy_of(c)->sum = 0xCBF29CE484222325U + (uint64_t)hash;
    toy_of(c)->count = 0;
    return MK_OK;
}

static mk_err toy_update(mk_hash_context *c, const void *ptr, size_t n)
{
    const unsigned char *at = ptr;
    toy *t = toy_of(c);
    for (size_t i = 0; i < n; i++) {
        t->sum = (t->sum ^ at[i]) * 0x100000001B3U;
        t->sum ^= t->sum >> 29;
    }
    t->count += n;
    return MK_OK;
}

static mk_err toy_finish(mk_hash_context *c, unsigned char *out_value)
{
    toy *t = toy_of(c);
    for (size_t i = 0; i < mk_hash_size(c->hash); i++) {
        t->sum = (t->sum + t->count + i) * 0x9E3779B97F4A7C15U;
        t->sum ^= t->sum >> 31;
        out_value[i] = (unsigned char)(t->sum >> 24);
    }
    return MK_OK;
}

static void toy_copy(mk_hash_context *out_copy, const mk_hash_context *c)
{
    out_copy->hash = c->hash;
    memcpy(out_copy->room.octets, c->room.octets, sizeof(toy));
}

static void toy_fini(mk_hash_context *c)
{
    (void)c;
}

const mk_crypto fuzz_toys = {
    .size = sizeof fuzz_toys,
    .hash_init = toy_init,
    .hash_update = toy_update,
    .hash_finish = toy_finish,
    .hash_copy = toy_copy,
    .hash_fini = toy_fini,
};
