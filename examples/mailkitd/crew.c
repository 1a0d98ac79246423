/* SPDX-License-Identifier: MIT
 *
 * crew.c: workers as processes: started by fork, heard and told through a
 * socketpair each, waited for when they end. A place whose worker died at once
 * waits ever longer for the next, so that what dies at its start does not
 * become a storm of forks.
 */
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Who lived less than STEADY_MS died at once. */
enum { STEADY_MS = 5000, PAUSE_LEAST_MS = 100, PAUSE_MOST_MS = 30000 };

uint64_t clock_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- places -------------------------------------------------------------- */

void crew_leave(worker *w)
{
    memset(w, 0, sizeof *w);
    w->link = -1;
}

void crew_init(crew *c, shared *all)
{
    c->shared = all;
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        crew_leave(&c->places[i]);
    }
}

uint64_t crew_room(const crew *c)
{
    uint64_t room = 0;
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        room += c->places[i].generation == 0;
    }
    return room;
}

bool crew_is_gone(const crew *c)
{
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        if (c->places[i].pid != 0) {
            return false;
        }
    }
    return true;
}

bool crew_is_ready(const crew *c, uint64_t generation)
{
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        const worker *w = &c->places[i];
        if (w->generation == generation && !w->is_ready) {
            return false;
        }
    }
    return true;
}

/* ---- from start to end --------------------------------------------------- */

/* In the new process. It may not hold the master's ends of other links, whose
 * workers would not see that the master is gone, nor listeners of a site that
 * it does not serve. */
static void be_worker(crew *c, size_t row, const site *t, site *other, int link)
{
    share h;

    if (other != NULL) {
        site_close(other, t);
    }
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        if (c->places[i].link >= 0) {
            (void)close(c->places[i].link);
        }
    }
    share_init(&h, c->shared, row, &t->s);
    exit(server_run(t, link, &h));
}

void crew_start_later(worker *w)
{
    uint64_t now = clock_ms();
    if (now - w->since_ms >= STEADY_MS) {
        w->pause_ms = 0;
    } else if (w->pause_ms == 0) {
        w->pause_ms = PAUSE_LEAST_MS;
    } else {
        w->pause_ms *= 2;
        w->pause_ms = w->pause_ms < PAUSE_MOST_MS ? w->pause_ms : PAUSE_MOST_MS;
    }
    w->due_ms = now + w->pause_ms;
}

void crew_start(crew *c, worker *w, const site *t, site *other)
{
    int ends[2];
    pid_t pid = -1;

    w->since_ms = clock_ms();
    w->is_ready = false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   ends) == 0) {
        pid = fork();
        if (pid == 0) {
            (void)close(ends[0]);
            be_worker(c, (size_t)(w - c->places), t, other, ends[1]);
        }
        (void)close(ends[1]);
        if (pid < 0) {
            (void)close(ends[0]);
        }
    }
    if (pid < 0) {
        complain("a worker cannot be started: %s", strerror(errno));
        crew_start_later(w);
        return;
    }
    w->pid = pid;
    w->link = ends[0];
    w->due_ms = MK_NEVER;
}

worker *crew_reap(crew *c, int *out_status)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < SHARED_ROWS; i++) {
            worker *w = &c->places[i];
            if (w->pid == pid) {
                shared_forget(c->shared, i);
                (void)close(w->link);
                w->link = -1;
                *out_status = status;
                return w;
            }
        }
    }
    return NULL;
}

/* ---- talk ---------------------------------------------------------------- */

void crew_hear(worker *w)
{
    char said[4];
    ssize_t n =
        w->link >= 0 ? recv(w->link, said, sizeof said, MSG_DONTWAIT) : 0;
    w->is_ready = w->is_ready || (n > 0 && said[0] == SAY_READY);
}

void crew_say(const worker *w, char order)
{
    if (w->link >= 0) {
        (void)send(w->link, &order, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

void crew_drain(crew *c, uint64_t generation, uint64_t time_s)
{
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        worker *w = &c->places[i];
        if (w->generation == generation && w->pid != 0) {
            crew_say(w, SAY_DRAIN);
            w->due_ms = clock_ms() + time_s * 1000;
        } else if (w->generation == generation) {
            crew_leave(w);
        }
    }
}

void crew_await(const crew *c, const sigset_t *mask)
{
    struct pollfd links[SHARED_ROWS];
    uint64_t due = MK_NEVER;
    uint64_t now = clock_ms();
    nfds_t n = 0;

    for (size_t i = 0; i < SHARED_ROWS; i++) {
        const worker *w = &c->places[i];
        if (w->link >= 0 && !w->is_ready) {
            links[n++] = (struct pollfd){.fd = w->link, .events = POLLIN};
        }
        if (w->generation != 0 && w->due_ms < due) {
            due = w->due_ms;
        }
    }
    uint64_t left_ms = due > now ? due - now : 0;
    struct timespec left = {.tv_sec = (time_t)(left_ms / 1000),
                            .tv_nsec = (long)(left_ms % 1000 * 1000000)};
    (void)ppoll(links, n, due == MK_NEVER ? NULL : &left, mask);
}
