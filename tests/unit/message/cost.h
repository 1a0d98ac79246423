/* SPDX-License-Identifier: MIT
 *
 * cost.h: what it costs to read a message in every way that there is, counted
 * and not timed: each basic block that is entered and each octet that a
 * function of the C library goes over is one step.
 */
#ifndef TESTS_MESSAGE_COST_H
#define TESTS_MESSAGE_COST_H

#include "text.h"

#include <mailkit/message.h>

typedef struct cost {
    uint64_t steps;
    uint64_t events;    /* of the parser */
    uint32_t parts;     /* of the view */
    uint32_t fields;    /* likewise */
    uint64_t told;      /* defects, kept or not */
    mk_defects defects; /* those of parser, view and readers: what was seen */
} cost;

/* The steps so far. */
uint64_t cost_steps(void);

/* Parse, view, read every field in every way, decode every part, recode. */
void cost_of(mk_str message, cost *out);

/* Parse and recode in pieces of so many octets; what is left of one is offered
 * again with the next. The steps. */
uint64_t cost_of_pieces(mk_str message, size_t piece);

#endif
