/* SPDX-License-Identifier: MIT
 *
 * dialogue.h: shows an SMTP dialogue on standard error as it happens, a line
 * each with C: or S: in front. Of the message only the first lines are shown,
 * and nothing of it reaches a terminal as it came.
 */
#ifndef MAILKIT_DIALOGUE_H
#define MAILKIT_DIALOGUE_H

#include <mailkit/engine.h>

typedef struct dialogue {
    void *tap[MK_TAP_NEED / sizeof(void *)];
    struct {
        char octets[512]; /* of the line not yet complete */
        size_t len;       /* clipped to octets */
        size_t size;      /* with what was clipped */
    } line[2];            /* the server's, ours */
    bool in_body;
    uint64_t body_lines;
    uint64_t body_bytes;
} dialogue;

/* Put it over an engine. */
mk_err dialogue_over(dialogue *d, mk_engine *inner, mk_engine **out_outer);

#endif
