/* SPDX-License-Identifier: MIT
 *
 * play.h: letters through a whole server onto a fake_disk, and the promise of
 * docs/maildir.md (THREATS part 2, G1 to G5 and G8) held against what is on
 * it. A letter is known by its number, whichever server it went through.
 */
#ifndef FAULT_PLAY_H
#define FAULT_PLAY_H

#include "fake_disk.h"
#include "house.h"

#define LETTERS_MAX 12u
#define LATER 10u /* the letter that is sent when all is well again */

enum { ANN = 1, BOB = 2, CARL = 4 };

typedef struct letter {
    size_t bytes;   /* about, on the wire */
    unsigned boxes; /* ANN | BOB … */
} letter;

typedef struct scene {
    const char *name;
    letter letters[LETTERS_MAX];
    size_t count;
    bool together;   /* all are sent before one comes to rest */
    bool boxes_made; /* and durable, before it begins */
    bool new_gone;   /* but somebody has removed their new/ */
} scene;

extern const scene play_scenes[];
extern const size_t play_scene_count;

/* What the peer was told of each letter. */
typedef struct told {
    bool yes[LETTERS_MAX];
    bool no[LETTERS_MAX];
    char reply[LETTERS_MAX][64]; /* of the last no */
} told;

/* The message memory of the servers: larger letters go to tmp/ early. */
#define PLAY_MEMORY 8192u

/* The octets on the wire without the final dot; static, by number. */
const char *letter_wire(unsigned number, size_t bytes);
/* The line that only this letter has. */
const char *letter_mark(unsigned number);

/* Send those letters of the scene that `want` has bits for, each on a
 * connection of its own; io_told learns the answers, the disk the notes. */
void play_letters(house *h, fake_disk *d, const scene *s, unsigned want,
                  told *io_told);
/* The server on this disk, at this time. */
void play_open(house *h, fake_disk *d);
/* A fresh disk and a server on it, all letters, and the server gone. */
fake_disk *play_scene(const scene *s, told *out_told);
/* The disk that a scene begins with. */
fake_disk *play_disk(const scene *s);

/* Copies of a letter in new/ of a box; each whole, or the test fails. ref: the
 * disk whose files these are, equal octet by octet; may be NULL. */
unsigned play_copies(const disk_image *i, const disk_image *ref, unsigned box,
                     const scene *s, unsigned number);
/* Files in tmp/ of a box. */
size_t play_tmp(const disk_image *i, unsigned box);

/* G1 to G3: what was told yes is there once; what was not, `extra` times at
 * most; and nothing that is not whole. */
void play_judge(const disk_image *i, const disk_image *ref, const scene *s,
                const told *t, unsigned extra);
/* A server comes up on what was found, 37 hours later: the sender tries again
 * what it was not told yes for, and sends one letter more. Then all is there,
 * once too often at most for each crash while its sender waited, and nothing is
 * left in tmp/ (G3, G4, G8). */
void play_recover(fake_disk *found, const scene *s, const told *t,
                  unsigned crashes);
/* What the notes of the first `at` calls say. */
void play_told(const fake_disk *d, size_t at, told *out_told);

#endif
