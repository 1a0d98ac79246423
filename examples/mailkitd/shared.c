/* SPDX-License-Identifier: MIT
 *
 * shared.c: the limits of connections hold for the server, not for a worker.
 * Workers count in memory that they share: each writes its own row only, and
 * a count is the sum over rows. So there is no lock that a killed worker could
 * keep, and when a worker is gone, however it went, the master zeroes its row.
 *
 * A connection is counted first and then looked at, and uncounted when it was
 * one too many. All this is in one order that everybody sees (seq_cst), hence
 * of two workers at the edge the second sees the first: a limit is never
 * exceeded. Both may see each other and refuse: at the edge of a limit a place
 * may stay free for that moment.
 */
#include "mailkitd.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

/* Addresses are counted in two tables of the row, by two hashes with secret
 * keys; the smaller of both sums is taken for the address. It is never less
 * than the truth, and more only when both places are shared with others. The
 * tables have 64 places for each address that could reach its limit, so that a
 * server filled by such addresses takes a new one wrongly for full with a
 * chance of about 1 in 4096 (2^20 places at most: beyond 16384 such addresses
 * the chance grows). Without the keys nobody can choose addresses that collide.
 */

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "counts need no lock");

typedef _Atomic uint32_t count;

enum { TABLES = 2, PLACES_LEAST = 4096, PLACES_MOST = 1 << 20 };

struct shared {
    uint64_t keys[TABLES][2];
    size_t places;             /* of one table; a power of 2 */
    unsigned shift;            /* takes a 64-bit hash to a place */
    count totals[SHARED_ROWS]; /* connections of each row */
    count tables[];            /* row by row, TABLES of `places` each */
};

shared *shared_new(const settings *s)
{
    uint64_t full = s->max_connections / s->max_connections_per_address + 1;
    uint64_t keys[TABLES][2];
    size_t places = PLACES_LEAST;
    unsigned shift = 64 - 12;

    for (; places < 64 * full && places < PLACES_MOST; shift--) {
        places *= 2;
    }
    size_t n = sizeof(shared) + places * SHARED_ROWS * TABLES * sizeof(count);
    void *at = mmap(NULL, n, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED ||
        getrandom(keys, sizeof keys, 0) != (ssize_t)sizeof keys) {
        return NULL;
    }
    shared *all = at; /* zeroed, and only what is touched costs memory */
    memcpy(all->keys, keys, sizeof keys);
    all->places = places;
    all->shift = shift;
    return all;
}

/* Multiply, fold, multiply, take the highest bits: the fold breaks up
 * addresses in a row, which a product alone would lay out in a pattern. */
static size_t place_of(const shared *all, int table, uint64_t address)
{
    const uint64_t *key = all->keys[table];
    uint64_t hash = (address + key[1]) * (key[0] | 1);
    hash ^= hash >> 32;
    return (size_t)(hash * (key[1] | 1) >> all->shift);
}

static count *at_place(shared *all, size_t row, int table, size_t place)
{
    return &all->tables[(row * TABLES + (size_t)table) * all->places + place];
}

static uint64_t in_all(shared *all)
{
    uint64_t sum = 0;
    for (size_t row = 0; row < SHARED_ROWS; row++) {
        sum += atomic_load(&all->totals[row]);
    }
    return sum;
}

/* Rows without connections are not looked at, so that they cost no memory. */
static uint64_t at_address(shared *all, uint64_t address)
{
    uint64_t least = UINT64_MAX;
    for (int table = 0; table < TABLES; table++) {
        size_t place = place_of(all, table, address);
        uint64_t sum = 0;
        for (size_t row = 0; row < SHARED_ROWS; row++) {
            if (atomic_load(&all->totals[row]) != 0) {
                sum += atomic_load(at_place(all, row, table, place));
            }
        }
        least = sum < least ? sum : least;
    }
    return least;
}

/* 4 octets, or the first 8 of IPv6: no two peers of both kinds are the same
 * but 0.0.0.0, which nobody has, and ::1. */
static uint64_t address_of(uint8_t family, const uint8_t *octets)
{
    uint64_t address = 0;
    for (int i = 0; i < (family == 4 ? 4 : 8); i++) {
        address = address << 8 | octets[i];
    }
    return address;
}

/* ---- one worker ---------------------------------------------------------- */

/* A row is counted in all as long as anything in it is not 0. */
static void count_up(share *h, uint64_t address)
{
    atomic_fetch_add(&h->all->totals[h->row], 1);
    for (int table = 0; table < TABLES; table++) {
        size_t place = place_of(h->all, table, address);
        atomic_fetch_add(at_place(h->all, h->row, table, place), 1);
    }
}

static void count_down(share *h, uint64_t address)
{
    for (int table = 0; table < TABLES; table++) {
        size_t place = place_of(h->all, table, address);
        atomic_fetch_sub(at_place(h->all, h->row, table, place), 1);
    }
    atomic_fetch_sub(&h->all->totals[h->row], 1);
}

static mk_err take(void *self, uint8_t family, const uint8_t *octets)
{
    share *h = self;
    uint64_t address = address_of(family, octets);

    count_up(h, address);
    if (in_all(h->all) > h->max ||
        at_address(h->all, address) > h->max_per_address) {
        count_down(h, address);
        return MK_E_LIMIT;
    }
    return MK_OK;
}

static void give(void *self, uint8_t family, const uint8_t *octets)
{
    count_down(self, address_of(family, octets));
}

/* From nine tenths on, until a fifth of these is free again. */
static bool is_short(void *self)
{
    share *h = self;
    uint64_t mark = (h->max * 9 + 9) / 10;
    uint64_t sum = in_all(h->all);

    h->was_short =
        h->was_short ? sum > mark - ((mark - 1) / 5 + 1) : sum >= mark;
    return h->was_short;
}

void share_init(share *h, shared *all, size_t row, const settings *s)
{
    h->all = all;
    h->row = row;
    h->max = s->max_connections;
    h->max_per_address = s->max_connections_per_address;
    h->was_short = false;
    h->calls = (mk_uv_share){h, take, give, is_short};
}

void shared_forget(shared *all, size_t row)
{
    if (atomic_load(&all->totals[row]) == 0) {
        return;
    }
    for (int table = 0; table < TABLES; table++) {
        for (size_t place = 0; place < all->places; place++) {
            atomic_store(at_place(all, row, table, place), 0);
        }
    }
    atomic_store(&all->totals[row], 0);
}
