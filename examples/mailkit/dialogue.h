/* SPDX-License-Identifier: MIT
 *
 * dialogue.h: shows an SMTP dialogue on standard error as it happens, a line
 * each with C: or S: in front. Of the message only the first lines are shown,
 * of a login nothing that could be a secret; and nothing reaches a terminal as
 * it came.
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
    bool in_login;    /* AUTH was said */
    bool is_tls_next; /* STARTTLS was, and awaits its reply */
    uint64_t body_lines;
    uint64_t body_bytes;
} dialogue;

/* Put it over an engine. */
mk_err dialogue_over(dialogue *d, mk_engine *inner, mk_engine **out_outer);
/* What TLS came to. */
void dialogue_tls(const mk_tls_info *info, const char *host);

#endif
