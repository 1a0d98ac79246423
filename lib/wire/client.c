/* SPDX-License-Identifier: MIT
 *
 * wire/client.c: see client.h. Lines are counted where they lie, so that no
 * machine keeps a list of what it said; whoever has a body on its way does not
 * ask, for the lines of that are no commands.
 */
#include "wire/client.h"

uint32_t mk_client_lines(mk_outq *q, size_t n)
{
    uint32_t lines = 0;
    size_t done = 0;
    size_t i;
    mk_str span;

    while (done < n && mk_outq_spans(q, done, &span, 1) == 1) {
        span = mk_str_sub(span, 0, n - done);
        for (i = 0; i < span.len; i++) {
            lines += span.ptr[i] == '\n';
        }
        done += span.len;
    }
    return lines;
}
