/* SPDX-License-Identifier: MIT
 *
 * chat.h: reads a .chat dialogue (tests/chat/README.md has the notation) into
 * a list of items, and tells what an item is for one of the two roles. The
 * lines themselves are interpreted by the runner.
 */
#ifndef SUPPORT_CHAT_H
#define SUPPORT_CHAT_H

#include "text.h"

typedef enum chat_role { CHAT_SERVER = 1, CHAT_CLIENT = 2 } chat_role;

typedef enum chat_kind {
    CHAT_SKIP,   /* of the other role */
    CHAT_INPUT,  /* octets from the peer */
    CHAT_OUTPUT, /* a line, or octets (O), to the peer */
    CHAT_EVENT,
    CHAT_ACTION,
    CHAT_CLOCK,
    CHAT_PEER, /* how the peer's octets end */
    CHAT_TLS,  /* the handshake */
    CHAT_DUE,  /* what mk_deadline says */
    CHAT_END
} chat_kind;

typedef struct chat_item {
    char tag[4]; /* "C", "S", "ES" … */
    unsigned line;
    bool tail;   /* ended by an ellipsis, which was cut off */
    char *text;  /* the line behind the tag */
    text octets; /* of L and O */
} chat_item;

typedef struct chat {
    const char *path;
    char *what;          /* the first line */
    unsigned roles;      /* chat_role, or-ed */
    chat_item *settings; /* tag "@", text "key value" */
    size_t setting_count;
    chat_item *items;
    size_t item_count;
} chat;

/* Reads the file; complains on stderr and gives false when it cannot. */
bool chat_load(chat *c, const char *path);
void chat_free(chat *c);
chat_kind chat_kind_of(const chat_item *item, chat_role role);
/* Append an input item's octets as they go over the wire. */
void chat_octets(const chat_item *item, text *out);
/* The value of a setting, or NULL. */
const char *chat_setting(const chat *c, const char *key);

#endif
