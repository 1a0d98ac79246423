/* SPDX-License-Identifier: MIT
 *
 * files.c: reads a file of settings, users or keys into memory, whole, and
 * leaves no other copy of it there. It refuses what cannot be read to its end,
 * directories too, and what is larger than such a file can sensibly be.
 */
#include "mailkitd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_FIRST ((size_t)64 * 1024)
#define FILE_MAX ((size_t)64 * 1024 * 1024)

static bool grow(char **io_text, size_t n, size_t room)
{
    char *grown = malloc(room);
    if (grown != NULL && n > 0) {
        memcpy(grown, *io_text, n);
        mk_wipe(*io_text, n);
    }
    if (grown != NULL) {
        free(*io_text);
        *io_text = grown;
    }
    return grown != NULL;
}

/* 0 at the end of the file, else what is wrong. One octet stays free. */
static int read_all(int fd, char **io_text, size_t *io_n)
{
    for (size_t room = 0;;) {
        if (*io_n + 1 >= room) {
            room = room == 0 ? FILE_FIRST : 2 * room;
            if (room > FILE_MAX || !grow(io_text, *io_n, room)) {
                return room > FILE_MAX ? EFBIG : ENOMEM;
            }
        }
        ssize_t got = read(fd, *io_text + *io_n, room - 1 - *io_n);
        if (got == 0) {
            return 0;
        }
        if (got < 0 && errno != EINTR) {
            return errno;
        }
        *io_n += got > 0 ? (size_t)got : 0;
    }
}

bool file_read(const char *option, const char *path, mk_str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *text = NULL;
    size_t n = 0;
    int error = fd < 0 ? errno : read_all(fd, &text, &n);

    if (fd >= 0) {
        (void)close(fd);
    }
    *out = mk_str_of(text, n);
    if (error != 0 || text == NULL) {
        complain("--%s %s: %s", option, path,
                 error == EFBIG ? "it is too large" : strerror(error));
        file_wipe(out);
        return false;
    }
    text[n] = '\0';
    return true;
}

void file_wipe(mk_str *io_text)
{
    char *text = (char *)(uintptr_t)io_text->ptr;
    if (text != NULL) {
        mk_wipe(text, io_text->len);
        free(text);
    }
    *io_text = mk_str_of(NULL, 0);
}
