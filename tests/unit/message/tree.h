/* SPDX-License-Identifier: MIT
 *
 * tree.h: a parser driven over a message cut into pieces, and what it told as
 * lines of text: the same lines at every size of piece, or Law 4 is broken.
 */
#ifndef TESTS_MESSAGE_TREE_H
#define TESTS_MESSAGE_TREE_H

#include "text.h"

#include <mailkit/message.h>

/* What a leaf, preamble or epilogue holds is told as text when TREE_TEXT. */
enum { TREE_LENGTHS = 0, TREE_TEXT = 1 };

/* Parse message in pieces of chunk octets (0: at once), each in memory of its
 * own size; append what happened. NULL, or what promise was broken. */
const char *tree_trace(mk_str message, const mk_message_config *config,
                       size_t chunk, int how, text *out);

#endif
