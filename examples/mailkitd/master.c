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
#include "mailkitd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* Before a worker is replaced that lived less than STEADY_MS; doubled each
 * time, so that what dies at its start does not become a storm of forks. */
enum { STEADY_MS = 5000, PAUSE_LEAST_MS = 100, PAUSE_MOST_MS = 30000 };

typedef struct worker {
    pid_t pid;           /* 0: none now */
    int link;            /* to it; -1 */
    uint64_t generation; /* 0: nobody's place */
    bool is_ready;
    uint64_t since_ms;
    uint64_t pause_ms;
    uint64_t due_ms; /* no pid: start it; of an old generation: end it */
} worker;

typedef struct master {
    int argc;
    char **argv;
    site *now, *next; /* next: while its workers start */
    uint64_t now_generation, next_generation, last_generation;
    shared *shared;
    worker workers[SHARED_ROWS]; /* a worker's place is its row */
    int stops;                   /* signals obeyed */
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

/* ---- workers ------------------------------------------------------------- */

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void say(const worker *w, char order)
{
    if (w->link >= 0) {
        (void)send(w->link, &order, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static bool is_old(const master *m, const worker *w)
{
    return w->generation != 0 && w->generation != m->now_generation &&
           w->generation != m->next_generation;
}

static void due_for_restart(worker *w)
{
    uint64_t now = now_ms();
    if (now - w->since_ms >= STEADY_MS) {
        w->pause_ms = 0;
    } else if (w->pause_ms == 0) {
        w->pause_ms = PAUSE_LEAST_MS;
    } else if (w->pause_ms < PAUSE_MOST_MS) {
        w->pause_ms *= 2;
    }
    w->due_ms = now + w->pause_ms;
}

/* In the new process. It may not hold the master's ends of other links, whose
 * workers would not see that the master is gone, nor listeners of a site that
 * it does not serve. */
static void be_worker(master *m, size_t row, const site *t, int link)
{
    site *other = t == m->now ? m->next : m->now;
    share h;

    if (other != NULL) {
        site_close(other, t);
    }
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        if (m->workers[i].link >= 0) {
            (void)close(m->workers[i].link);
        }
    }
    share_init(&h, m->shared, row, &t->s);
    exit(server_run(t, link, &h));
}

static void start(master *m, worker *w, const site *t)
{
    int ends[2];
    pid_t pid = -1;

    w->since_ms = now_ms();
    w->is_ready = false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   ends) == 0) {
        pid = fork();
        if (pid == 0) {
            (void)close(ends[0]);
            be_worker(m, (size_t)(w - m->workers), t, ends[1]);
        }
        (void)close(ends[1]);
        if (pid < 0) {
            (void)close(ends[0]);
        }
    }
    if (pid < 0) {
        complain("a worker cannot be started: %s", strerror(errno));
        due_for_restart(w);
        return;
    }
    w->pid = pid;
    w->link = ends[0];
    w->due_ms = MK_NEVER;
}

static void retire(worker *w)
{
    memset(w, 0, sizeof *w);
    w->link = -1;
}

/* ---- generations --------------------------------------------------------- */

/* Its workers accept nobody more and have some time to end. */
static void drain(master *m, uint64_t generation, uint64_t time_s)
{
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        worker *w = &m->workers[i];
        if (w->generation == generation && w->pid != 0) {
            say(w, SAY_DRAIN);
            w->due_ms = now_ms() + time_s * 1000;
        } else if (w->generation == generation) {
            retire(w);
        }
    }
}

static void stop(master *m, char order)
{
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        say(&m->workers[i], order);
        if (m->workers[i].pid == 0) {
            retire(&m->workers[i]);
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

/* A worker of the next generation ended before all of them served: leave
 * things as they were. At the start that is nothing. */
static void give_up(master *m, int code)
{
    uint64_t generation = m->next_generation;
    site *t = m->next;

    m->next = NULL;
    m->next_generation = 0;
    drain(m, generation, t->s.drain_time_s);
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
    drain(m, generation, m->now->s.drain_time_s);
    site_close(old, m->now);
    notify("READY=1");
}

static bool is_next_ready(const master *m)
{
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        const worker *w = &m->workers[i];
        if (w->generation == m->next_generation && !w->is_ready) {
            return false;
        }
    }
    return true;
}

static bool has_room(const master *m, uint64_t workers)
{
    uint64_t room = 0;
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        room += m->workers[i].generation == 0;
    }
    return room >= workers;
}

/* Takes the site over. */
static void generation_start(master *m, site *t)
{
    uint64_t missing = t->s.workers;

    m->next = t;
    m->next_generation = ++m->last_generation;
    for (size_t i = 0; i < SHARED_ROWS && missing > 0; i++) {
        worker *w = &m->workers[i];
        if (w->generation == 0) {
            w->generation = m->next_generation;
            start(m, w, t);
            missing--;
        }
    }
}

static void reload(master *m)
{
    char state[96];
    site *t;

    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu",
             (unsigned long long)now_ms() * 1000);
    notify(state);
    if (site_open(m->argc, m->argv, NULL, m->now, &t) >= 0) {
        complain("no reload: the settings stay as they were");
        notify("READY=1");
    } else if (!has_room(m, t->s.workers)) {
        complain("no reload: too many old workers still have sessions");
        site_close(t, m->now);
        notify("READY=1");
    } else {
        generation_start(m, t);
    }
}

/* ---- what happens -------------------------------------------------------- */

static void log_end(const worker *w, int status)
{
    if (WIFSIGNALED(status)) {
        complain("worker %ld was ended by signal %d", (long)w->pid,
                 WTERMSIG(status));
    } else {
        complain("worker %ld ended with code %d", (long)w->pid,
                 WEXITSTATUS(status));
    }
}

static void on_end(master *m, worker *w, int status)
{
    bool was_next = m->next != NULL && w->generation == m->next_generation;
    bool was_now = m->now != NULL && w->generation == m->now_generation;

    if (status != 0 || (m->stops == 0 && (was_now || was_next))) {
        log_end(w, status);
    }
    shared_forget(m->shared, (size_t)(w - m->workers));
    (void)close(w->link);
    w->link = -1;
    w->pid = 0;
    if (m->stops == 0 && was_now) {
        due_for_restart(w);
        return;
    }
    retire(w);
    if (m->stops == 0 && was_next) {
        give_up(m, WIFEXITED(status) && WEXITSTATUS(status) != 0
                       ? WEXITSTATUS(status)
                       : EX_OSERR);
    }
}

static void reap(master *m)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < SHARED_ROWS; i++) {
            if (m->workers[i].pid == pid) {
                on_end(m, &m->workers[i], status);
                break;
            }
        }
    }
}

static void hear(worker *w)
{
    char said[4];
    ssize_t n =
        w->link >= 0 ? recv(w->link, said, sizeof said, MSG_DONTWAIT) : 0;
    w->is_ready = w->is_ready || (n > 0 && said[0] == SAY_READY);
}

/* What was put off: a worker to start, or one to end. */
static void do_due(master *m, worker *w)
{
    if (w->generation == 0 || w->due_ms > now_ms()) {
        return;
    }
    if (w->pid != 0 && is_old(m, w)) {
        w->due_ms = MK_NEVER;
        say(w, SAY_STOP);
    } else if (w->pid == 0) {
        start(m, w, w->generation == m->now_generation ? m->now : m->next);
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
    if (reload_told) {
        reload_told = 0;
        m->wants_reload = true;
    }
    if (m->stops == 0 && m->next != NULL && is_next_ready(m)) {
        take_over(m);
    }
    if (m->stops == 0 && m->wants_reload && m->next == NULL) {
        m->wants_reload = false;
        reload(m);
    }
}

/* Until a signal, a worker's word, or the next that is due. */
static void await(master *m)
{
    struct pollfd links[SHARED_ROWS];
    uint64_t due = MK_NEVER;
    uint64_t now = now_ms();
    nfds_t n = 0;

    for (size_t i = 0; i < SHARED_ROWS; i++) {
        const worker *w = &m->workers[i];
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
    (void)ppoll(links, n, due == MK_NEVER ? NULL : &left, &while_waiting);
}

static bool is_over(const master *m)
{
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        if (m->workers[i].pid != 0) {
            return false;
        }
    }
    return m->stops > 0;
}

static void look_after(master *m)
{
    for (obey(m); !is_over(m); obey(m)) {
        await(m);
        reap(m);
        for (size_t i = 0; i < SHARED_ROWS; i++) {
            hear(&m->workers[i]);
            do_due(m, &m->workers[i]);
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
    for (size_t i = 0; i < SHARED_ROWS; i++) {
        retire(&m.workers[i]);
    }
    m.shared = shared_new(&t->s);
    if (m.shared == NULL) {
        complain("out of memory");
        site_close(t, NULL);
        return EX_OSERR;
    }
    log_open(t->s.use_syslog);
    generation_start(&m, t);
    look_after(&m);
    log_line("stopped");
    if (m.now != NULL) {
        site_close(m.now, NULL);
    }
    return m.code;
}
