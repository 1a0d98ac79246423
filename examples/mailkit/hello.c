/* SPDX-License-Identifier: MIT
 *
 * hello.c: see hello.h. What is no host name by RFC 1123 2.1 and no address
 * literal by RFC 5321 4.1.3 is never said: a name on the command line is
 * refused for it, the system's is passed over.
 */
#include "hello.h"

#include <mailkit/smtp.h>

#include <string.h>
#include <unistd.h>

bool hello_parse(char room[HELLO_ROOM], mk_str name)
{
    if (room[0] != '\0' || name.len >= HELLO_ROOM ||
        !mk_smtp_is_host_name(name)) {
        return false;
    }
    memcpy(room, name.ptr, name.len);
    room[name.len] = '\0';
    return true;
}

void hello_default(char room[HELLO_ROOM])
{
    char name[HELLO_ROOM];

    if (gethostname(name, sizeof name) == 0) {
        name[sizeof name - 1] = '\0';
        (void)hello_parse(room, mk_str_z(name));
    }
    if (room[0] == '\0') {
        (void)hello_parse(room, mk_str_z("localhost"));
    }
}
