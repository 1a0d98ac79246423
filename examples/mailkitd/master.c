/* SPDX-License-Identifier: MIT
 *
 * master.c: looks after the workers and never reads an octet of a peer. A
 * worker that dies is replaced. SIGHUP opens the settings again; when they are
 * good and a new generation of workers serves, the old one accepts nobody more
 * and ends with its last session. The start is such a change too, from
 * nothing. SIGTERM and SIGINT end sessions in order, the second time at once.
 *
 * Signals are blocked but while it waits; their handlers only count. So no
 * call is ever interrupted, and none is forked into.
 */
#include "crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

typedef struct master {
    int argc;
    char **argv;
    site *now, *next; /* next: while its workers start */
    uint64_t now_generation, next_generation, last_generation;
    crew crew;
    int stops; /* signals obeyed */
    bool wants_reload;
    int code;
} master;

/* ---- signals ------------------------------------------------------------- */

static volatile sig_atomic_t stops_told;
static volatile sig_atomic_t reload_told;
static sigset_t while_waiting;

static void on_signal(int number)
{
    if (number == SIGHUP) {
        reload_told = 1;
    } else if (number != SIGCHLD && stops_told < 2) {
        stops_told++;
    }
}

void signals_hold(void)
{
    static const int heard[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGALRM, SIGUSR1, SIGUSR2};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;

    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof heard / sizeof heard[0]; i++) {
        sigaddset(&blocked, heard[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &blocked, &while_waiting);
    action.sa_mask = blocked;
    for (size_t i = 0; i < sizeof heard / sizeof heard[0]; i++) {
        (void)sigaction(heard[i], &action, NULL);
        sigdelset(&while_waiting, heard[i]);
    }
    action.sa_handler = SIG_IGN;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        (void)sigaction(ignored[i], &action, NULL);
    }
}

/* ---- generations --------------------------------------------------------- */

/* Takes the site over. */
static void generation_start(master *m, site *t)
{
    uint64_t missing = t->s.workers;

    m->next = t;
    m->next_generation = ++m->last_generation;
    for (size_t i = 0; i < SHARED_ROWS && missing > 0; i++) {
        worker *w = &m->crew.places[i];
        if (w->generation == 0) {
            w->generation = m->next_generation;
            crew_start(&m->crew, w, t, m->now);
            missing--;
        }
    }
}

/* A worker of the next generation ended before all of them served: leave
 * things as they were. At the start that is nothing. */
static void give_up(master *m, int code)
{
    site *t = m->next;

    crew_drain(&m->crew, m->next_generation, t->s.drain_time_s);
    m->next = NULL;
    m->next_generation = 0;
    site_close(t, m->now);
    if (m->now == NULL) {
        m->code = code;
        stops_told = stops_told == 0 ? 1 : stops_told;
    } else {
        complain("no reload: new workers do not start");
        notify("READY=1");
    }
}

static void tell_stdout(const char *line)
{
    puts(line);
}

static void tell_ready(const site *t)
{
    char state[64];

    listeners_show(&t->listeners, NULL, tell_stdout);
    puts("ready");
    fflush(stdout);
    log_line("ready");
    if (geteuid() == 0) {
        log_line("running as root: --user NAME gives root up");
    }
    snprintf(state, sizeof state, "READY=1\nMAINPID=%ld", (long)getpid());
    notify(state);
}

/* All workers of the next generation serve. */
static void take_over(master *m)
{
    site *old = m->now;
    uint64_t generation = m->now_generation;

    m->now = m->next;
    m->now_generation = m->next_generation;
    m->next = NULL;
    m->next_generation = 0;
    if (old == NULL) {
        tell_ready(m->now);
        return;
    }
    log_open(m->now->s.use_syslog);
    listeners_show(&m->now->listeners, &old->listeners, log_line);
    log_line("reloaded");
    crew_drain(&m->crew, generation, m->now->s.drain_time_s);
    site_close(old, m->now);
    notify("READY=1");
}

static void reload(master *m)
{
    char state[96];
    site *t;

    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)clock_ms() * 1000);
    notify(state);
    if (site_open(m->argc, m->argv, NULL, m->now, &t) >= 0) {
        complain("no reload: the settings stay as they were");
        notify("READY=1");
    } else if (crew_room(&m->crew) < t->s.workers) {
        complain("no reload: too many old workers still have sessions");
        site_close(t, m->now);
        notify("READY=1");
    } else {
        generation_start(m, t);
    }
}

/* ---- what happens -------------------------------------------------------- */

static void log_end(pid_t pid, int status)
{
    if (WIFSIGNALED(status)) {
        complain("worker %ld was ended by signal %d", (long)pid,
                 WTERMSIG(status));
    } else {
        complain("worker %ld ended with code %d", (long)pid,
                 WEXITSTATUS(status));
    }
}

static void on_end(master *m, worker *w, int status)
{
    bool was_next = m->next != NULL && w->generation == m->next_generation;
    bool was_now = m->now != NULL && w->generation == m->now_generation;

    if (status != 0 || (m->stops == 0 && (was_now || was_next))) {
        log_end(w->pid, status);
    }
    w->pid = 0;
    if (m->stops == 0 && was_now) {
        crew_start_later(w);
        return;
    }
    crew_leave(w);
    if (m->stops == 0 && was_next) {
        give_up(m, WIFEXITED(status) && WEXITSTATUS(status) != 0
                       ? WEXITSTATUS(status)
                       : EX_OSERR);
    }
}

/* What was put off: a worker to start, or one to end. */
static void do_due(master *m, worker *w)
{
    bool is_now = w->generation == m->now_generation;
    bool is_next = w->generation == m->next_generation;

    if (w->generation == 0 || w->due_ms > clock_ms()) {
        return;
    }
    if (w->pid == 0) {
        crew_start(&m->crew, w, is_now ? m->now : m->next,
                   is_now ? m->next : m->now);
    } else if (!is_now && !is_next) {
        w->due_ms = MK_NEVER;
        crew_say(w, SAY_STOP);
    }
}

static void stop(master *m, char order)
{
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        worker *w = &m->crew.places[i];
        crew_say(w, order);
        if (w->pid == 0) {
            crew_leave(w);
        }
    }
    if (m->next != NULL) {
        site_close(m->next, m->now);
        m->next = NULL;
    }
    if (m->now != NULL) {
        listeners_drop(&m->now->listeners, NULL);
    }
}

static void obey(master *m)
{
    while (m->stops < stops_told) {
        static const char orders[] = {SAY_STOP, SAY_ABORT};
        log_line(m->stops == 0 ? "stopping" : "stopping at once");
        notify("STOPPING=1");
        stop(m, orders[m->stops++]);
    }
    m->wants_reload = m->wants_reload || reload_told;
    reload_told = 0;
    if (m->stops == 0 && m->next != NULL &&
        crew_is_ready(&m->crew, m->next_generation)) {
        take_over(m);
    }
    if (m->stops == 0 && m->wants_reload && m->next == NULL) {
        m->wants_reload = false;
        reload(m);
    }
}

static void look_after(master *m)
{
    for (obey(m); m->stops == 0 || !crew_is_gone(&m->crew); obey(m)) {
        worker *w;
        int status;

        crew_await(&m->crew, &while_waiting);
        while ((w = crew_reap(&m->crew, &status)) != NULL) {
            on_end(m, w, status);
        }
        for (size_t i = 0; i < SHARED_ROWS; i++) {
            crew_hear(&m->crew.places[i]);
            do_due(m, &m->crew.places[i]);
        }
    }
}

int master_run(int argc, char **argv)
{
    static master m;
    listeners given;
    site *t = NULL;

    m.argc = argc;
    m.argv = argv;
    int code = listeners_given(&given);
    code = code < 0 ? site_open(argc, argv, &given, NULL, &t) : code;
    free(given.items);
    if (code < 0 && t->s.check) {
        site_close(t, NULL);
        return EX_OK;
    }
    if (code >= 0) {
        return code;
    }
    shared *all = shared_new(&t->s);
    if (all == NULL) {
        complain("out of memory");
        site_close(t, NULL);
        return EX_OSERR;
    }
    crew_init(&m.crew, all);
    log_open(t->s.use_syslog);
    generation_start(&m, t);
    look_after(&m);
    log_line("stopped");
    if (m.now != NULL) {
        site_close(m.now, NULL);
    }
    return m.code;
}
