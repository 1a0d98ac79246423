/* SPDX-License-Identifier: MIT
 *
 * files.c: reads a settings or users file into memory, whole. It refuses what
 * cannot be read to its end, directories too, and what is larger than such a
 * file can sensibly be.
 */
#include "mailkitd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)64 * 1024 * 1024)

char *file_read(const char *option, const char *path, size_t *out_n)
{
    FILE *f = fopen(path, "rbe");
    size_t room = 65536;
    size_t n = 0;
    char *text = malloc(room);

    while (f != NULL && text != NULL) {
        n += fread(text + n, 1, room - 1 - n, f);
        if (n < room - 1 || room >= FILE_MAX) {
            break;
        }
        room *= 2;
        char *grown = realloc(text, room);
        if (grown == NULL) {
            free(text);
        }
        text = grown;
    }
    bool failed = f == NULL || text == NULL || ferror(f) || !feof(f);
    if (failed) {
        complain("--%s %s: %s", option, path,
                 f == NULL || ferror(f) ? strerror(errno) : "it is too large");
        free(text);
        text = NULL;
    }
    if (f != NULL) {
        fclose(f);
    }
    if (text != NULL) {
        text[n] = '\0';
    }
    *out_n = n;
    return text;
}
