/* SPDX-License-Identifier: MIT
 *
 * hello.h: the own name that a client says in EHLO (RFC 5321 4.1.1.1): given on
 * the command line, or the system's. Nothing is asked of the DNS: a name that
 * others cannot find is the caller's affair.
 */
#ifndef MAILKIT_HELLO_H
#define MAILKIT_HELLO_H

#include <mailkit/engine.h>

enum { HELLO_ROOM = 256 };

/* Keep a name, NUL-ended; false: it is no host name and no address literal, or
 * one was kept before. */
bool hello_parse(char room[HELLO_ROOM], mk_str name);
/* When none was: the system's name if that will do, else "localhost". */
void hello_default(char room[HELLO_ROOM]);

#endif
