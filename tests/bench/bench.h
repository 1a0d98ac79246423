/* SPDX-License-Identifier: MIT
 *
 * bench.h: a stopwatch for benchmarks that runs while this process does, so
 * that others on the machine disturb it less. They print figures and ratios
 * to something known that ran in the same process; they assert nothing about
 * speed, since machines differ.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds of the processor that this process has had. */
static inline uint64_t bench_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
