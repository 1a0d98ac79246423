/* SPDX-License-Identifier: MIT
 *
 * octets.h: eight octets in a word, looked at together, for machines without
 * wider registers. What is found of an octet is told by its high bit; the order
 * of the octets is the caller's, by how the word was loaded. It reads no
 * memory, and no octet is compared as anything but unsigned.
 */
#ifndef MK_BASE_OCTETS_H
#define MK_BASE_OCTETS_H

#include <mailkit/base.h>

#define MK_OCTETS_ONES UINT64_C(0x0101010101010101)
#define MK_OCTETS_LOW (MK_OCTETS_ONES * 0x7f)
#define MK_OCTETS_HIGH (MK_OCTETS_ONES * 0x80)

/* The word whose octets are all c. */
static inline uint64_t mk_octets_of(unsigned char c)
{
    return MK_OCTETS_ONES * c;
}

/* The high bit of each octet is set but where the octet is NUL; the other bits
 * mean nothing. */
static inline uint64_t mk_octets_any(uint64_t w)
{
    return ((w & MK_OCTETS_LOW) + MK_OCTETS_LOW) | w;
}

/* Zero when all are printable US-ASCII other than c; else the lowest bit that
 * is set belongs to the lowest octet that is not: below it there was neither a
 * borrow nor a carry. */
static inline uint64_t mk_octets_odd(uint64_t w, unsigned char c)
{
    uint64_t same = w ^ mk_octets_of(c);
    uint64_t odd = w | (w - mk_octets_of(' ')) | (w + MK_OCTETS_ONES) |
                   ((same - MK_OCTETS_ONES) & ~same);
    return odd & MK_OCTETS_HIGH;
}

#endif
