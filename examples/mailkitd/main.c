/* SPDX-License-Identifier: MIT
 *
 * main.c: mailkitd, a mail server on libmailkit: makes the world around it
 * what the rest of it takes for granted, and hands over to the master. Exit
 * codes are those of sysexits.h.
 */
#include "mailkitd.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Whoever started it may have closed one of the first three; it would be given
 * to the next socket or message, and lines of the log would go into that. */
static bool hold_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", O_RDWR | O_CLOEXEC) != fd) {
            return false;
        }
    }
    return true;
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    if (!hold_standard()) {
        return EX_OSERR;
    }
    signals_hold();
    umask(077);
    raise_descriptors();
    return master_run(argc, argv);
}
