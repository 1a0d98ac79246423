/* SPDX-License-Identifier: MIT
 *
 * inbox.h: the Maildir that fetched messages go to. A message arrives in
 * pieces, and is settled together with others: only then is it on stable
 * storage and visible, which is what whoever deletes it elsewhere waits for.
 */
#ifndef MAILKIT_INBOX_H
#define MAILKIT_INBOX_H

#include <mailkit/crypto.h>
#include <mailkit/store.h>

enum { INBOX_BATCH_MAX = 16 };

typedef struct inbox {
    mk_maildir box;
    mk_maildir_stamp stamp;
    const mk_random *random; /* borrowed */
    mk_delivery *coming;     /* the message that arrives; NULL: none */
    struct {
        mk_delivery *delivery;
        uint32_t number;
    } batch[INBOX_BATCH_MAX];
    size_t count;
    char host[256];
} inbox;

/* What became of a message: why, its file's name, its size with CRLF. */
typedef void inbox_told(void *self, uint32_t number, mk_err why, mk_str name,
                        uint64_t wire_bytes);

/* Open the Maildir, making what is missing, and remove what dead deliveries
 * have left there. TOOL_OK; else it was complained, and this is how to leave.
 * inbox_close in any case; i is zeroed before. */
int inbox_open(inbox *i, const char *path, const mk_random *random);
/* Octets of the message that arrives; the first ones begin it. After an error
 * it is gone. */
mk_err inbox_add(inbox *i, mk_str wire);
/* It is complete, under a number of the caller's; the batch has room. */
mk_err inbox_end(inbox *i, uint32_t number);
/* It is not wanted after all; nothing of it is left. */
void inbox_drop(inbox *i);
/* Put all that is complete on stable storage, and tell of each. */
void inbox_settle(inbox *i, inbox_told *told, void *self);
void inbox_close(inbox *i);

#endif
