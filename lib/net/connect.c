/* SPDX-License-Identifier: MIT
 *
 * connect.c: a TCP connection by name or address for the poll driver. It lies
 * apart from poll.c so that a program which brings its own sockets does not
 * link the system's resolver. All addresses share one timeout, each an equal
 * part of what is left: an address that drops what it gets (IPv6 without a
 * route back is common) must not use up the time of the next one.
 */
#include <mailkit/net.h>

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Waits for a connection under way; EINTR does not prolong it. */
static mk_err await_connect(int fd, uint64_t until_ms)
{
    struct pollfd pfd = {fd, POLLOUT, 0};
    int error = 0;
    socklen_t len = sizeof error;
    uint64_t now;
    int n;

    do {
        now = mk_poll_now_ms();
        n = poll(&pfd, 1, now < until_ms ? (int)(until_ms - now) : 0);
    } while (n < 0 && errno == EINTR);
    if (n == 0) {
        return MK_E_TIMEOUT;
    }
    if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ||
        error != 0) {
        return MK_E_UNREACHABLE;
    }
    return MK_OK;
}

static mk_err try_address(const struct addrinfo *ai, uint64_t until_ms,
                          int *out_fd)
{
    mk_err r = MK_OK;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    ai->ai_protocol);

    if (fd < 0) {
        return errno == EMFILE || errno == ENFILE ? MK_E_FILES
                                                  : MK_E_UNREACHABLE;
    }
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
        r = errno == EINPROGRESS || errno == EINTR ? await_connect(fd, until_ms)
                                                   : MK_E_UNREACHABLE;
    }
    if (r != MK_OK) {
        (void)close(fd);
        return r;
    }
    *out_fd = fd;
    return MK_OK;
}

/* Until when an address is tried that has others behind it. */
static uint64_t part_of(const struct addrinfo *ai, uint64_t until_ms)
{
    uint64_t now = mk_poll_now_ms();
    unsigned left = 0;

    for (; ai != NULL; ai = ai->ai_next) {
        left++;
    }
    return now < until_ms ? now + (until_ms - now) / left : now;
}

/* Decimal digits of a port, for getaddrinfo. */
static char *format_port(uint16_t port, char *end)
{
    *--end = '\0';
    do {
        *--end = (char)('0' + port % 10);
        port = (uint16_t)(port / 10);
    } while (port > 0);
    return end;
}

mk_err mk_poll_connect(const char *name, uint16_t port, uint32_t timeout_ms,
                       int *out_fd)
{
    uint64_t until_ms = mk_poll_now_ms() + timeout_ms;
    struct addrinfo hints;
    struct addrinfo *list = NULL;
    const struct addrinfo *ai;
    char digits[6];
    mk_err r = MK_E_UNREACHABLE;

    if (name == NULL || port == 0 || out_fd == NULL || timeout_ms > INT32_MAX) {
        return MK_E_ARG;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    if (getaddrinfo(name, format_port(port, digits + sizeof digits), &hints,
                    &list) != 0) {
        return MK_E_NAME;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        r = try_address(ai, part_of(ai, until_ms), out_fd);
        if (r == MK_OK || r == MK_E_FILES) {
            break;
        }
    }
    freeaddrinfo(list);
    return r;
}
