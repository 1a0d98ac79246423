/* SPDX-License-Identifier: MIT
 *
 * drop_rig.h: a Maildir below a test's directory, its listing, and a hook that
 * plays another program: it runs before the n-th call of a kind.
 */
#ifndef UNIT_STORE_DROP_RIG_H
#define UNIT_STORE_DROP_RIG_H

#include "test_vfs.h"

#include <mailkit/store.h>

typedef struct drop_rig {
    test_vfs *t;
    test_alloc a;
    int fds;
    mk_maildir_list_config c;
    mk_maildir box;
    mk_maildir_list *l; /* NULL: none */
    /* somebody else */
    test_vfs_op meddle_op; /* LIST_OPEN or OPEN */
    unsigned meddle_at;    /* 1 is the next; 0 never */
    void (*meddle)(const struct drop_rig *r);
} drop_rig;

/* For cmocka; *state is the rig. Closing fails when anything is left open. */
int drop_rig_open(void **state);
int drop_rig_close(void **state);

/* Write "new/NAME" or "cur/NAME". */
void drop_put(const drop_rig *r, const char *path, const char *octets);
void drop_move(const drop_rig *r, const char *path, const char *to);
bool drop_has(const drop_rig *r, const char *path);
/* Remove all messages, and the listing. */
void drop_clear(drop_rig *r);
/* Enter the box again and list it. */
mk_err drop_list(drop_rig *r);
void drop_forget(drop_rig *r);
/* The unique id of message i as a string; static. */
const char *drop_uid(const drop_rig *r, uint32_t i);
/* Read message i in pieces of max; the octets. Static. */
mk_err drop_read(const drop_rig *r, uint32_t i, size_t max, mk_str *out);

#endif
