/* SPDX-License-Identifier: MIT
 *
 * secret.h: a password or token: from a file, from what a command prints, or
 * from whoever sits at the terminal. It is never an argument of a command
 * line, where everybody on the machine can read it, and is wiped after use.
 */
#ifndef MAILKIT_SECRET_H
#define MAILKIT_SECRET_H

#include <mailkit/base.h>

enum { SECRET_MAX = 8192 }; /* tokens are long */

typedef struct secret {
    char octets[SECRET_MAX];
    size_t len;
} secret;

/* The first line of a file, or of what a command prints; without its end. A
 * command is split at blanks and run without a shell. TOOL_OK; else it was
 * complained, this is how to leave, and nothing is kept. */
int secret_read_file(secret *s, const char *path);
int secret_run_command(secret *s, const char *command);
/* One line of standard input; from a terminal without echo, asked for twice. */
int secret_ask(secret *s);
void secret_wipe(secret *s);

#endif
