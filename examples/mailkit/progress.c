/* SPDX-License-Identifier: MIT
 *
 * progress.c: see progress.h. It counts octets that the transport has taken,
 * not those that were read; it knows no terminal but for CR and blanks, and
 * shows nothing before a mebibyte has gone.
 */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BIG = 1024 * 1024, EVERY_MS = 200 };

void progress_init(progress *p, uint64_t total)
{
    memset(p, 0, sizeof *p);
    p->total = total;
    p->is_on = isatty(STDERR_FILENO) == 1 && (total == 0 || total > BIG);
}

static double mebibytes(uint64_t octets)
{
    return (double)octets / (1024.0 * 1024.0);
}

void progress_add(progress *p, uint64_t octets, uint64_t now_ms)
{
    p->done += octets;
    if (!p->is_on || p->done < BIG || now_ms - p->shown_ms < EVERY_MS) {
        return;
    }
    p->shown_ms = now_ms;
    p->is_dirty = true;
    if (p->total > 0) {
        fprintf(stderr, "\r%.1f of %.1f MiB sent (%u %%) ", mebibytes(p->done),
                mebibytes(p->total), (unsigned)(p->done * 100 / p->total));
    } else {
        fprintf(stderr, "\r%.1f MiB sent ", mebibytes(p->done));
    }
    fflush(stderr);
}

void progress_end(progress *p)
{
    if (p->is_dirty) {
        fprintf(stderr, "\r%40s\r", "");
        p->is_dirty = false;
    }
}
