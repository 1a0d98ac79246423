/* SPDX-License-Identifier: MIT
 *
 * progress.h: how far a long transfer has come, on one line of standard error
 * and only when that is a terminal and there is much to do. It is rewritten a
 * few times a second and wiped at the end.
 */
#ifndef MAILKIT_PROGRESS_H
#define MAILKIT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    uint64_t total; /* octets; 0: not known */
    uint64_t done;
    uint32_t messages; /* in all; 0: not told */
    uint32_t message;  /* the one at hand */
    const char *what;  /* "sent" */
    uint64_t shown_ms;
    bool is_on; /* a terminal looks */
    bool is_dirty;
} progress;

void progress_init(progress *p, const char *what, uint64_t total,
                   uint32_t messages);
void progress_add(progress *p, uint64_t octets, uint64_t now_ms);
void progress_end(progress *p);

#endif
