/* SPDX-License-Identifier: MIT
 *
 * wire/scan.c: see scan.h. A word is tested for octets below 14 (NUL, TAB, LF,
 * CR and a few others) by carry arithmetic; only then single octets are
 * looked at. RFC 5321 2.3.8 says which of them may stand where. It does not
 * decide what a stray one means.
 */
#include "wire/scan.h"

#include <string.h>

static bool is_special(char c)
{
    return c == '\r' || c == '\n' || c == '\0';
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ONES 0x0101010101010101U
/* The lowest set bit of the result marks the first octet below n. */
static uint64_t octets_below(uint64_t w, unsigned n)
{
    return (w - ONES * n) & ~w & (ONES * 0x80);
}

/* Skip octets that are surely not special. */
static size_t skip_words(const char *ptr, size_t at, size_t n)
{
    while (n - at >= 8) {
        uint64_t w;
        memcpy(&w, ptr + at, 8);
        uint64_t hit = octets_below(w, 14);
        if (hit != 0) {
            return at + (size_t)(__builtin_ctzll(hit) / 8);
        }
        at += 8;
    }
    return at;
}
#else
static size_t skip_words(const char *ptr, size_t at, size_t n)
{
    (void)ptr;
    (void)n;
    return at;
}
#endif

size_t mk_scan_special(const char *ptr, size_t at, size_t n)
{
    while (at < n) {
        at = skip_words(ptr, at, n);
        /* the candidate, or the last few octets */
        size_t stop = n - at < 8 ? n : at + 1;
        for (; at < stop; at++) {
            if (is_special(ptr[at])) {
                return at;
            }
        }
    }
    return n;
}

size_t mk_scan_dot_line(const char *ptr, size_t at, size_t n)
{
    while (at < n) {
        const char *lf = memchr(ptr + at, '\n', n - at);
        if (lf == NULL) {
            return n;
        }
        at = (size_t)(lf - ptr) + 1;
        if (at < n && ptr[at] == '.') {
            return at;
        }
    }
    return n;
}

mk_err mk_scan_text(mk_str span, scan_text *io)
{
    scan_text t = {io->cr, io->bol, false};
    size_t at = 0;
    if (span.len == 0) {
        io->dots = false;
        return MK_OK;
    }
    if (t.cr) {
        if (span.ptr[0] != '\n') {
            return MK_E_BARE;
        }
        t.cr = false;
        t.bol = true;
        at = 1;
    }
    while (at < span.len) {
        if (t.bol && span.ptr[at] == '.') {
            t.dots = true;
        }
        size_t hit = mk_scan_special(span.ptr, at, span.len);
        t.bol = false;
        if (hit == span.len) {
            break;
        }
        if (span.ptr[hit] != '\r') {
            return MK_E_BARE;
        }
        if (hit + 1 == span.len) {
            t.cr = true;
            break;
        }
        if (span.ptr[hit + 1] != '\n') {
            return MK_E_BARE;
        }
        t.bol = true;
        at = hit + 2;
    }
    *io = t;
    return MK_OK;
}
