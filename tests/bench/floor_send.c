/* SPDX-License-Identifier: MIT
 *
 * floor_send.c: the least that a client can do, to measure others against: one
 * blocking socket, MAIL, RCPT and DATA in one write, the message in another,
 * and replies that are only counted. It does not begin a message before the
 * last one was answered.
 * Usage: floor_send PORT N SIZE MANY, as bench_smtp_send. Never a client.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE = 78, REPLIES = 65536 };

typedef struct line_reader {
    int fd;
    size_t have;
    char mem[REPLIES];
} line_reader;

/* Waits for so many replies; a line with '-' behind the code is not the last
 * of one. */
static bool hear(line_reader *r, unsigned replies)
{
    while (replies > 0) {
        char *feed = memchr(r->mem, '\n', r->have);
        if (feed != NULL) {
            size_t used = (size_t)(feed - r->mem) + 1;
            replies -= used > 4 && r->mem[3] == '-' ? 0 : 1;
            r->have -= used;
            memmove(r->mem, r->mem + used, r->have);
            continue;
        }
        ssize_t n = recv(r->fd, r->mem + r->have, sizeof r->mem - r->have, 0);
        if (n <= 0) {
            return false;
        }
        r->have += (size_t)n;
    }
    return true;
}

static bool say(int fd, const char *ptr, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, ptr, n, MSG_NOSIGNAL);
        if (sent < 0) {
            return false;
        }
        ptr += sent;
        n -= (size_t)sent;
    }
    return true;
}

static size_t make_message(char *text, size_t size)
{
    static const char header[] =
        "From: a@bench.test\r\nTo: b@bench.test\r\nSubject: x\r\n\r\n";
    size_t n = sizeof header - 1;
    memcpy(text, header, n);
    while (n < size) {
        memset(text + n, 'X', LINE);
        memcpy(text + n + LINE, "\r\n", 2);
        n += LINE + 2;
    }
    memcpy(text + n, ".\r\n", 3);
    return n + 3;
}

static bool converse(uint16_t port, const char *text, size_t n, uint64_t count)
{
    static const char envelope[] = "MAIL FROM:<a@bench.test>\r\n"
                                   "RCPT TO:<b@bench.test>\r\nDATA\r\n";
    static line_reader r;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    r.have = 0;
    r.fd = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool good =
        r.fd >= 0 &&
        setsockopt(r.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
        connect(r.fd, (struct sockaddr *)&to, sizeof to) == 0 && hear(&r, 1) &&
        say(r.fd, "EHLO localhost\r\n", 16) && hear(&r, 1);
    while (good && count > 0) {
        good = say(r.fd, envelope, sizeof envelope - 1) && hear(&r, 3) &&
               say(r.fd, text, n) && hear(&r, 1);
        count--;
    }
    good = good && say(r.fd, "QUIT\r\n", 6) && hear(&r, 1);
    if (r.fd >= 0) {
        close(r.fd);
    }
    return good;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        return 2;
    }
    uint16_t port = (uint16_t)strtoul(argv[1], NULL, 10);
    uint64_t count = strtoull(argv[2], NULL, 10);
    size_t size = strtoul(argv[3], NULL, 10);
    bool is_many = strcmp(argv[4], "1") == 0;
    char *text = malloc(size + 300);
    if (text == NULL) {
        return 1;
    }
    size_t n = make_message(text, size);
    bool good = true;
    for (uint64_t i = 0; good && i < (is_many ? 1 : count); i++) {
        good = converse(port, text, n, is_many ? count : 1);
    }
    free(text);
    return good ? 0 : 1;
}
