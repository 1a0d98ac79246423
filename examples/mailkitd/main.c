/* SPDX-License-Identifier: MIT
 *
 * main.c: mailkitd, a mail server on libmailkit: takes as many descriptors as
 * it may have, and hands over to the master. Exit codes are those of
 * sysexits.h.
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
    signals_hold();
    umask(077);
    raise_descriptors();
    return master_run(argc, argv);
}
