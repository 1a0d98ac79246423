/* SPDX-License-Identifier: MIT
 *
 * notify.c: tells the service manager how far things are: one datagram to the
 * socket that NOTIFY_SOCKET names, as sd_notify(3) documents it. Nobody there,
 * or nobody listening, is no error.
 */
#include "mailkitd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify(const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path != NULL ? strlen(path) : 0;

    if (n < 2 || n >= sizeof to.sun_path || (*path != '/' && *path != '@')) {
        return;
    }
    memcpy(to.sun_path, path, n);
    if (*path == '@') {
        to.sun_path[0] = '\0'; /* a name that is no file, unix(7) */
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                     (const struct sockaddr *)&to,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
        (void)close(fd);
    }
}
