/* SPDX-License-Identifier: MIT
 *
 * progress.c: see progress.h. It counts octets that the transport has taken,
 * not those that were read; it knows no terminal but for CR and blanks, and
 * shows nothing before a mebibyte or a score of messages has gone.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BIG = 1024 * 1024, MANY = 20, EVERY_MS = 200 };

void progress_init(progress *p, const char *what, uint64_t total,
                   uint32_t messages)
{
    memset(p, 0, sizeof *p);
    p->what = what;
    p->total = total;
    p->messages = messages;
    p->is_on = isatty(STDERR_FILENO) == 1 &&
               (total == 0 || total > BIG || messages > MANY);
}

static double mebibytes(uint64_t octets)
{
    return (double)octets / (1024.0 * 1024.0);
}

void progress_add(progress *p, uint64_t octets, uint64_t now_ms)
{
    p->done += octets;
    if (!p->is_on || (p->done < BIG && p->message < MANY) ||
        now_ms - p->shown_ms < EVERY_MS) {
        return;
    }
    p->shown_ms = now_ms;
    p->is_dirty = true;
    fputc('\r', stderr);
    if (p->messages > 0) {
        fprintf(stderr, "%" PRIu32 " of %" PRIu32 " messages, ", p->message,
                p->messages);
    } else if (p->total == 0) {
        fprintf(stderr, "%" PRIu32 " messages, ", p->message);
    }
    if (p->total > 0) {
        fprintf(stderr, "%.1f of %.1f MiB %s (%u %%) ", mebibytes(p->done),
                mebibytes(p->total), p->what,
                (unsigned)(p->done * 100 / p->total));
    } else {
        fprintf(stderr, "%.1f MiB %s ", mebibytes(p->done), p->what);
    }
    fflush(stderr);
}

void progress_end(progress *p)
{
    if (p->is_dirty) {
        fprintf(stderr, "\r%64s\r", "");
        p->is_dirty = false;
    }
}
