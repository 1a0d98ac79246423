/* SPDX-License-Identifier: MIT
 *
 * tls_halfmade.c: what a thousand handshakes that are begun and never ended
 * cost everybody else (THREATS 38). One loop serves clear lines at one port and
 * TLS at another; a child opens the thousand, and says lines. Figures are the
 * server's own time for a plain session, in rounds that take turns. It asserts
 * that all plain sessions are served, and that only so many handshakes are
 * held.
 */
#include <mailkit/tls.h>
#include <mailkit/uv.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "bench.h"
#include "certs.h"
#include "line_engine.h"

enum { HALVES = 1000, PLAIN = 400, LINES = 10, ROUNDS = 7, HELD = 100 };

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

/* ---- the server ---------------------------------------------------------- */

typedef struct session {
    line_engine line;
    mk_engine *engine;
} session;

static mk_tls_config tls;
static unsigned served;

static mk_err open_plain(void *self, mk_conn *conn, const mk_peer *peer,
                         mk_engine **out_engine, void **out_session,
                         mk_str *out_refusal)
{
    session *s = calloc(1, sizeof *s);
    mk_err err = MK_OK;
    (void)conn;
    (void)peer;
    (void)out_refusal;
    must(s != NULL, "memory");
    line_open(&s->line, "hello\r\n", 60000);
    s->engine = &s->line.base;
    if (self != NULL) {
        err = mk_tls_over(&s->line.base, self, &s->engine);
    }
    if (err != MK_OK) {
        free(s);
        return err;
    }
    *out_engine = s->engine;
    *out_session = s;
    return MK_OK;
}

static void on_event(void *self, const mk_event *event)
{
    session *s = self;
    if (event->type == EV_LINE) {
        (void)mk_reply(s->engine, event->op, MK_ANSWER_YES, mk_str_z(NULL),
                       event->data);
    }
}

static void on_closed(void *self, mk_err why)
{
    session *s = self;
    (void)why;
    served += s->engine == &s->line.base;
    mk_close(s->engine);
    free(s);
}

static const mk_service plain_service = {
    .open = open_plain, .event = on_event, .closed = on_closed};
static const mk_service tls_service = {
    .self = &tls, .open = open_plain, .event = on_event, .closed = on_closed};

/* ---- the child ----------------------------------------------------------- */

static int dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0,
         "connect");
    return fd;
}

static void hear_line(int fd)
{
    char c = '\0';
    while (c != '\n') {
        must(read(fd, &c, 1) == 1, "the server hangs up");
    }
}

static void say_lines(uint16_t port)
{
    int fd = dial(port);
    hear_line(fd);
    for (int i = 0; i < LINES; i++) {
        must(write(fd, "some words\r\n", 12) == 12, "write");
        hear_line(fd);
    }
    close(fd);
}

/* Both sides of a mark: the server notes its time, and answers. */
static void mark(int fd, char what)
{
    must(write(fd, &what, 1) == 1 && read(fd, &what, 1) == 1, "mark");
}

static void act(int fd, uint16_t plain, uint16_t secure)
{
    /* the head of a record of 512 octets, and the half of it */
    static char half[5 + 256] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    static int halves[HALVES];
    say_lines(plain);
    for (int round = 0; round < ROUNDS; round++) {
        for (int with = 0; with < 2; with++) {
            for (int i = 0; with == 1 && i < HALVES; i++) {
                halves[i] = dial(secure);
                (void)send(halves[i], half, sizeof half, MSG_NOSIGNAL);
            }
            mark(fd, 'h'); /* they are taken, or turned away */
            mark(fd, with == 1 ? 'b' : 'a');
            for (int i = 0; i < PLAIN; i++) {
                say_lines(plain);
            }
            mark(fd, with == 1 ? 'B' : 'A');
            for (int i = 0; with == 1 && i < HALVES; i++) {
                close(halves[i]);
            }
        }
    }
    mark(fd, 'q');
}

/* ---- marks --------------------------------------------------------------- */

typedef struct clerk {
    uv_poll_t poll; /* first */
    mk_host *host;
    uint64_t began;
    uint64_t took[2][ROUNDS];
    unsigned round[2];
    size_t held; /* handshakes, the most */
    bool is_over;
} clerk;

static void on_mark(uv_poll_t *poll, int status, int events)
{
    clerk *k = (clerk *)poll;
    int fd = -1;
    char what = 'q';
    (void)status;
    (void)events;
    (void)uv_fileno((uv_handle_t *)poll, &fd);
    (void)!read(fd, &what, 1);
    int with = what == 'b' || what == 'B';
    size_t now = mk_tls_handshakes(tls.context);
    k->held = now > k->held ? now : k->held;
    if (what == 'a' || what == 'b') {
        k->began = bench_ns();
    } else if (what == 'A' || what == 'B') {
        k->took[with][k->round[with]++] = bench_ns() - k->began;
    } else if (what == 'q') {
        k->is_over = true;
        uv_close((uv_handle_t *)poll, NULL);
        mk_uv_host_close(k->host);
    }
    (void)!write(fd, &what, 1);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void tell(const clerk *k)
{
    double ratio[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        ratio[i] = (double)k->took[1][i] / (double)k->took[0][i];
        printf("round %d: %.1f us a plain session, %.1f us beside %d "
               "half-made handshakes\n",
               i, (double)k->took[0][i] / PLAIN / 1000.0,
               (double)k->took[1][i] / PLAIN / 1000.0, HALVES);
    }
    qsort(ratio, ROUNDS, sizeof ratio[0], by_value);
    printf("ratio %.3f, handshakes held at once: %zu\n", ratio[ROUNDS / 2],
           k->held);
}

static int64_t wall(void *self)
{
    (void)self;
    return 1700000000;
}

static void tls_open(void)
{
    static cert own;
    const cert_spec spec = {.names = "mx.example.org"};
    mk_tls_context_config c;
    cert_make(&own, &spec);
    (void)mk_tls_context_config_init(&c, sizeof c);
    c.alloc = mk_alloc_libc();
    c.wall_s = wall;
    c.is_server = true;
    c.certificate = mk_str_z(own.pem);
    c.key = mk_str_z(own.key_pem);
    c.handshakes_max = HELD;
    (void)mk_tls_config_init(&tls, sizeof tls);
    tls.is_implicit = true;
    must(mk_tls_context_new(&c, &tls.context) == MK_OK, "context");
    cert_free(&own);
}

int main(void)
{
    static clerk k;
    struct rlimit files = {4096, 4096};
    uv_loop_t loop;
    mk_uv_config config;
    uint16_t plain;
    uint16_t secure;
    int fds[2];
    int status = 1;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    tls_open();
    (void)mk_uv_config_init(&config, sizeof config);
    config.max_connections = 3000;
    config.max_per_address = 3000;
    must(uv_loop_init(&loop) == 0 &&
             mk_uv_host_open(&loop, &config, &k.host) == MK_OK &&
             mk_uv_listen(k.host, "127.0.0.1", 0, &plain_service, &plain) ==
                 MK_OK &&
             mk_uv_listen(k.host, "127.0.0.1", 0, &tls_service, &secure) ==
                 MK_OK &&
             socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0,
         "no host");
    pid_t child = fork();
    if (child == 0) {
        act(fds[1], plain, secure);
        _exit(0);
    }
    must(child > 0 && uv_poll_init(&loop, &k.poll, fds[0]) == 0 &&
             uv_poll_start(&k.poll, UV_READABLE, on_mark) == 0,
         "no child");
    close(fds[1]);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)waitpid(child, &status, 0);
    must(status == 0 && k.is_over && k.round[1] == ROUNDS, "it broke off");
    must(served == 1 + 2 * ROUNDS * PLAIN, "not all were served");
    must(k.held > 0 && k.held <= HELD, "too many handshakes, or none");
    must(uv_loop_close(&loop) == 0 && mk_tls_context_free(tls.context) == MK_OK,
         "something is left");
    tell(&k);
    return 0;
}
