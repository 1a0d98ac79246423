/* SPDX-License-Identifier: MIT
 *
 * floor_epoll.c: the least that a server can do, to measure others against: it
 * says what smtp-source wants to hear, finds the dot that ends a message line
 * by line, and checks nothing. Without a directory one loop takes everything
 * and throws it away; with one each connection has a thread, and a message is
 * in tmp/, synced, in new/, and new/ synced before its 250.
 * Usage: floor_epoll PORT [DIRECTORY]; port 0 is any. Never a server.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 65536, NAME = 512, EVENTS = 256 };

typedef struct client {
    int fd;
    int file; /* of the message under way */
    bool in_body;
    unsigned long number; /* of the message */
    size_t len;
    char bytes[BUFFER];
} client;

static const char *directory; /* NULL: nothing is kept */
static int new_fd;
static atomic_ulong numbers;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void say(const client *c, const char *text)
{
    (void)!send(c->fd, text, strlen(text), MSG_NOSIGNAL);
}

static const char *path(char *out, const client *c, const char *box)
{
    (void)snprintf(out, NAME, "%s/%s/%lu", directory, box, c->number);
    return out;
}

static void body_begin(client *c)
{
    char name[NAME];
    c->in_body = true;
    if (directory != NULL) {
        c->number = atomic_fetch_add(&numbers, 1);
        c->file = open(path(name, c, "tmp"),
                       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
}

static void body_end(client *c)
{
    char from[NAME];
    char to[NAME];
    c->in_body = false;
    if (directory != NULL &&
        (fsync(c->file) != 0 || close(c->file) != 0 ||
         rename(path(from, c, "tmp"), path(to, c, "new")) != 0 ||
         fsync(new_fd) != 0)) {
        die("a message");
    }
}

/* Lines of a body up to its end; gives how much of n is done with. */
static size_t body(client *c, const char *at, size_t n)
{
    const char *from = at;
    const char *end = at + n;
    const char *lf;
    bool dot = false;
    while (!dot && (lf = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        dot = lf - from == 2 && from[0] == '.' && from[1] == '\r';
        from += dot ? 0 : lf + 1 - from;
    }
    size_t done = (size_t)(from - at);
    if (directory != NULL && done > 0 &&
        write(c->file, at, done) != (ssize_t)done) {
        die("write");
    }
    if (dot) {
        body_end(c);
        say(c, "250 ok\r\n");
        done += 3;
    }
    return done;
}

/* One command; false: the last. */
static bool command(client *c, const char *line)
{
    switch (line[0] | 0x20) {
    case 'd':
        body_begin(c);
        say(c, "354 go on\r\n");
        return true;
    case 'e':
        say(c, "250-floor\r\n250 PIPELINING\r\n");
        return true;
    case 'q':
        say(c, "221 bye\r\n");
        return false;
    default:
        say(c, "250 ok\r\n");
        return true;
    }
}

/* Read once, and do what can be done; false: it is over. */
static bool serve(client *c)
{
    ssize_t got = recv(c->fd, c->bytes + c->len, BUFFER - c->len, 0);
    size_t at = 0;
    if (got <= 0) {
        return false;
    }
    c->len += (size_t)got;
    while (at < c->len) {
        const char *from = c->bytes + at;
        size_t n = c->len - at;
        const char *lf = NULL;
        if (!c->in_body && (lf = memchr(from, '\n', n)) != NULL &&
            !command(c, from)) {
            return false;
        }
        size_t done = lf != NULL   ? (size_t)(lf + 1 - from)
                      : c->in_body ? body(c, from, n)
                                   : 0;
        if (done == 0) {
            break;
        }
        at += done;
    }
    c->len -= at;
    memmove(c->bytes, c->bytes + at, c->len);
    return c->len < BUFFER; /* no line is that long */
}

static void leave(client *c)
{
    (void)close(c->fd);
    free(c);
}

static void *thread(void *self)
{
    client *c = self;
    while (serve(c)) {
    }
    leave(c);
    return NULL;
}

static void welcome(int loop, int fd)
{
    client *c = malloc(sizeof *c);
    struct epoll_event event = {EPOLLIN, {.ptr = c}};
    pthread_t id;
    int on = 1;
    if (c == NULL) {
        die("memory");
    }
    memset(c, 0, offsetof(client, bytes));
    c->fd = fd;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    say(c, "220 floor ESMTP\r\n");
    if (directory == NULL) {
        (void)epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
    } else if (pthread_create(&id, NULL, thread, c) != 0) {
        die("thread");
    } else {
        (void)pthread_detach(id);
    }
}

static void keep_in(const char *name)
{
    char path_of[NAME];
    directory = name;
    (void)mkdir(name, 0700);
    (void)snprintf(path_of, sizeof path_of, "%s/tmp", name);
    (void)mkdir(path_of, 0700);
    (void)snprintf(path_of, sizeof path_of, "%s/new", name);
    (void)mkdir(path_of, 0700);
    new_fd = open(path_of, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (new_fd < 0) {
        die(path_of);
    }
}

static int listener(unsigned port)
{
    struct sockaddr_in me = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof me;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&me, len) != 0 ||
        listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&me, &len) != 0) {
        die("listen");
    }
    (void)printf("listening smtp 127.0.0.1:%u\nready\n", ntohs(me.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    struct epoll_event first = {EPOLLIN, {.ptr = NULL}};
    int loop = epoll_create1(EPOLL_CLOEXEC);
    if (argc < 2) {
        return 64;
    }
    if (argc > 2) {
        keep_in(argv[2]);
    }
    int door = listener((unsigned)strtoul(argv[1], NULL, 10));
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, door, &first) != 0) {
        die("epoll");
    }
    for (;;) {
        int n = epoll_wait(loop, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            client *c = events[i].data.ptr;
            int fd = c == NULL ? accept4(door, NULL, NULL, SOCK_CLOEXEC) : -1;
            if (fd >= 0) {
                welcome(loop, fd);
            } else if (c != NULL && !serve(c)) {
                leave(c);
            }
        }
    }
}
