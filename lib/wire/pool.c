/* SPDX-License-Identifier: MIT
 *
 * pool.c: a bounded pool of equal units. Units come into being when first
 * needed, from an allocator or cut from the caller's memory, and wait linked
 * through their own first word when unused. A pool never holds more than its
 * maximum, gives nothing back to the allocator before its end, and is not for
 * two threads.
 */
#include <mailkit/engine.h>

#include <string.h>

enum { unit_bytes_min = 64, unit_bytes_max = 1024 * 1024 };

static bool has_good_unit(size_t unit_bytes)
{
    return unit_bytes >= unit_bytes_min && unit_bytes <= unit_bytes_max;
}

mk_err mk_pool_init(mk_pool *pool, const mk_alloc *alloc, size_t unit_bytes,
                    size_t max)
{
    if (pool == NULL || alloc == NULL || max == 0 ||
        !has_good_unit(unit_bytes)) {
        return MK_E_ARG;
    }
    memset(pool, 0, sizeof *pool);
    pool->alloc = alloc;
    pool->unit_bytes = unit_bytes;
    pool->max = max;
    return MK_OK;
}

mk_err mk_pool_init_mem(mk_pool *pool, void *mem, size_t n, size_t unit_bytes)
{
    if (pool == NULL || mem == NULL || !has_good_unit(unit_bytes) ||
        unit_bytes % sizeof(void *) != 0 ||
        (uintptr_t)mem % sizeof(void *) != 0) {
        return MK_E_ARG;
    }
    if (n < unit_bytes) {
        return MK_E_ROOM;
    }
    memset(pool, 0, sizeof *pool);
    pool->mem = mem;
    pool->unit_bytes = unit_bytes;
    pool->max = n / unit_bytes;
    return MK_OK;
}

void mk_pool_fini(mk_pool *pool)
{
    void *unit;

    while (pool->alloc != NULL && pool->unused != NULL) {
        unit = pool->unused;
        memcpy(&pool->unused, unit, sizeof pool->unused);
        mk_alloc_put(pool->alloc, unit, pool->unit_bytes);
    }
    memset(pool, 0, sizeof *pool);
}

static void *make(mk_pool *pool)
{
    void *unit;

    if (pool->made == pool->max) {
        return NULL;
    }
    unit = pool->mem != NULL ? pool->mem + pool->made * pool->unit_bytes
                             : mk_alloc_get(pool->alloc, pool->unit_bytes);
    if (unit != NULL) {
        pool->made++;
    }
    return unit;
}

void *mk_pool_take(mk_pool *pool)
{
    void *unit = pool->unused;

    if (unit != NULL) {
        memcpy(&pool->unused, unit, sizeof pool->unused);
    } else {
        unit = make(pool);
    }
    if (unit != NULL) {
        pool->taken++;
    }
    return unit;
}

void mk_pool_give(mk_pool *pool, void *unit)
{
    if (unit == NULL) {
        return;
    }
    memcpy(unit, &pool->unused, sizeof pool->unused);
    pool->unused = unit;
    pool->taken--;
}
