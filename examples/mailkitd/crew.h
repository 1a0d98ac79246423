/* SPDX-License-Identifier: MIT
 *
 * crew.h: the workers as the master sees them: places that hold a process or
 * wait for one, each with a link to it. What becomes of them is decided in
 * master.c.
 */
#ifndef MAILKITD_CREW_H
#define MAILKITD_CREW_H

#include "mailkitd.h"

#include <signal.h>
#include <sys/types.h>

typedef struct worker {
    pid_t pid;           /* 0: none now */
    int link;            /* to it; -1 */
    uint64_t generation; /* of settings; 0: nobody's place */
    bool is_ready;
    uint64_t since_ms;
    uint64_t pause_ms; /* before it was started */
    uint64_t due_ms;   /* no pid: start it; of an old generation: end it */
} worker;

typedef struct crew {
    shared *shared;
    worker places[SHARED_ROWS]; /* a worker's place is its row */
} crew;

/* The monotonic clock. */
uint64_t clock_ms(void);

/* All places are nobody's. */
void crew_init(crew *c, shared *all);
/* How many places are nobody's. */
uint64_t crew_room(const crew *c);
bool crew_is_gone(const crew *c);
/* All of this generation serve. */
bool crew_is_ready(const crew *c, uint64_t generation);
/* A process for this place, at once or, when none can be had, later. It
 * serves t, and closes `other` (NULL: there is none). */
void crew_start(crew *c, worker *w, const site *t, site *other);
/* Another one, at once or after a pause that grows. */
void crew_start_later(worker *w);
/* What the worker said is heard, without waiting. */
void crew_hear(worker *w);
void crew_say(const worker *w, char order);
/* All of this generation accept nobody more, and are due in some time. */
void crew_drain(crew *c, uint64_t generation, uint64_t time_s);
/* The place of a process that ended, and how; its pid is for the caller to
 * take away. NULL: none has. */
worker *crew_reap(crew *c, int *out_status);
/* The place is nobody's again. */
void crew_leave(worker *w);
/* Until a worker says something, something is due, or a signal that the mask
 * lets through. */
void crew_await(const crew *c, const sigset_t *mask);

#endif
