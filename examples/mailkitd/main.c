/* SPDX-License-Identifier: MIT
 *
 * main.c: mailkitd, a mail server on libmailkit: reads its settings, takes as
 * many descriptors as it may have, and runs until a signal. Exit codes are
 * those of sysexits.h.
 */
#include "mailkitd.h"

#include <sys/resource.h>
#include <sys/stat.h>

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
    static settings s;
    int code = settings_read(&s, argc, argv);

    if (code < 0) {
        umask(077);
        raise_descriptors();
        code = server_run(&s);
    }
    settings_free(&s);
    return code;
}
