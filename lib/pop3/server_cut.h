/* SPDX-License-Identifier: MIT
 *
 * pop3/server_cut.h: where TOP ends in a message that is lent in spans: behind
 * its header, the empty line, and so many lines of its body (RFC 1939 7). It
 * keeps no octet of it; an empty line may be cut anywhere.
 */
#ifndef POP3_SERVER_CUT_H
#define POP3_SERVER_CUT_H

#include <mailkit/base.h>

typedef struct pop3_cut {
    uint32_t left; /* lines of the body that are still to be shown */
    bool in_body;  /* the empty line was seen */
    bool has_cr;   /* this line so far is a CR alone */
    bool has_text; /* it has something else */
    bool is_over;  /* no octet more is needed */
} pop3_cut;

/* A message begins, of which `lines` of the body are shown. */
void mk_pop3_cut_begin(pop3_cut *c, uint32_t lines);

/* How many octets of the next span are shown: all of them unless it ends in
 * there, then is_over is set. */
size_t mk_pop3_cut_take(pop3_cut *c, mk_str span);

#endif
