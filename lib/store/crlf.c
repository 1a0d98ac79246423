/* SPDX-License-Identifier: MIT
 *
 * store/crlf.c: line ends on disk (LF) into those on the wire (CRLF, RFC 5322
 * 2.1), the way back of lf.c: what is CRLF already stays so. Whole lines are
 * moved, in the memory that they were read into. A CR that no LF follows
 * passes as it is: it judges nothing.
 */
#include "store/internal.h"

#include <string.h>

/* The next line of the octets up to and without its LF; is a CR missing? */
static bool is_bare(const mk_crlf *s, const char *line, const char *lf)
{
    return lf > line ? lf[-1] != '\r' : !s->cr;
}

static void passed(mk_crlf *s, const char *end, bool is_lf)
{
    s->cr = !is_lf && end[-1] == '\r';
    s->line = !is_lf;
}

uint64_t mk_crlf_count(mk_crlf *s, mk_str disk)
{
    const char *at = disk.ptr;
    const char *end = at + disk.len;
    uint64_t added = 0;

    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));

        if (lf == NULL) {
            passed(s, end, false);
            break;
        }
        added += is_bare(s, at, lf) ? 1u : 0u;
        passed(s, lf, true);
        at = lf + 1;
    }
    return added;
}

size_t mk_crlf_spread(mk_crlf *s, char *at, size_t gap, size_t *io_n)
{
    const char *in = at + gap;
    const char *end = in + *io_n;
    char *out = at;

    while (in < end) {
        const char *lf = memchr(in, '\n', (size_t)(end - in));
        size_t run = (size_t)((lf != NULL ? lf : end) - in);
        bool bare = lf != NULL && is_bare(s, in, lf);

        if (run > 0) {
            passed(s, in + run, false);
            memmove(out, in, run);
            in += run;
            out += run;
        }
        if (lf == NULL || (bare && out == in)) {
            break; /* no room for the CR: the LF comes with the next input */
        }
        if (bare) {
            *out++ = '\r';
        }
        *out++ = '\n';
        passed(s, in++, true);
    }
    *io_n = (size_t)(in - (at + gap));
    return (size_t)(out - at);
}
