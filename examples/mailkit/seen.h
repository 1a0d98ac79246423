/* SPDX-License-Identifier: MIT
 *
 * seen.h: the unique-ids of messages that were fetched before: a file with the
 * account in its first line and an id in each further one. Ids are compared
 * and never anything else (THREATS 82). The file is replaced as a whole or
 * stays as it was; one of another account, or that is damaged, is refused, for
 * what it names may be deleted on the server.
 */
#ifndef MAILKIT_SEEN_H
#define MAILKIT_SEEN_H

#include <mailkit/base.h>

#include <stdio.h>

typedef struct seen {
    const char *path; /* NULL: nothing is remembered */
    const char *user;
    const char *host;
    char *text;  /* the file, owned */
    mk_str *ids; /* in order; into text */
    size_t count;
} seen;

/* Read it; one that is not there is empty. TOOL_OK; else it was complained,
 * and this is how to leave. s is zeroed before; seen_close in any case. */
int seen_open(seen *s, const char *path, const char *user, const char *host);
bool seen_has(const seen *s, mk_str id);
/* Replace it by what put writes, an id a line, durably. TOOL_OK or as above. */
int seen_write(const seen *s, void (*put)(const void *self, FILE *to),
               const void *self);
void seen_close(seen *s);

#endif
