/* SPDX-License-Identifier: MIT
 *
 * power_cut.h: what a power cut may leave of a fake_disk: of all that was
 * done before it and not synced, any part that a file system may have written
 * out. A file's sync holds for its contents and length, not for its name; a
 * directory's for the names in it. Few unsynced parts are tried in every
 * combination, many by a sample that is the same each time.
 */
#ifndef SUPPORT_POWER_CUT_H
#define SUPPORT_POWER_CUT_H

#include "fake_disk.h"

typedef enum cut_model {
    /* ext4, data=ordered: names in order; a length never before the octets
     * below it, though later than a name; each sync writes all names out */
    CUT_ORDERED,
    /* names and lengths in order, octets when they please: zeros till then */
    CUT_METADATA_FIRST,
    /* no order at all: both names after a rename, or none; garbage inside */
    CUT_ANYTHING,
    CUT_MODELS
} cut_model;

typedef struct cut_plan {
    cut_model model;
    size_t block;     /* octets that are written out together: 512, 4096 */
    unsigned few;     /* unsynced parts of which all combinations are tried */
    unsigned samples; /* taken at random of more, besides the extremes */
    uint64_t seed;
} cut_plan;

/* One legal state; found belongs to the callee. */
typedef void (*cut_look)(void *self, fake_disk *found);

/* Cut the power behind the first `at` calls; returns the states shown. */
unsigned power_cut(const fake_disk *d, size_t at, const cut_plan *plan,
                   cut_look look, void *self);

#endif
