/* SPDX-License-Identifier: MIT
 *
 * desk.h: a client engine on a desk, with the test as its peer, its
 * application and its clock. What the peer says is offered in pieces of
 * `chunk` octets through the rig; every event becomes a line, every octet of
 * output is kept until the test has compared it.
 */
#ifndef UNIT_SMTP_DESK_H
#define UNIT_SMTP_DESK_H

#include <mailkit/smtp.h>

#include "rig.h"
#include "text.h"

typedef struct desk {
    mk_smtp_client_config config;
    mk_smtp_envelope envelope;
    mk_str paths[8];
    char *block;
    mk_engine *engine;
    rig rig;
    text events; /* lines not yet compared */
    text wire;   /* output not yet compared */
    size_t chunk;
    bool is_slow; /* the test acknowledges by itself */
    unsigned wanted;
    uint64_t room;  /* of the last MK_EV_WANTED */
    text returned;  /* spans given back, with a bar behind each */
    bool is_over;   /* MK_END was told */
    mk_retry retry; /* of the last fault */
} desk;

/* desk_ready plays a greeting and EHLO: "" gives EHLO without a keyword, else
 * lines such as "PIPELINING\nSIZE 1000". */
void desk_init(desk *d, size_t chunk);
void desk_open(desk *d);
void desk_ready(desk *d, const char *keywords);
void desk_fini(desk *d);

void desk_hear(desk *d, const char *octets); /* the peer says */
void desk_run(desk *d);
void desk_ack(desk *d, size_t n);
void desk_wait(desk *d, uint64_t ms); /* the clock moves */

/* Send to the recipients named (blank-separated). */
mk_err desk_send(desk *d, const char *sender, const char *recipients,
                 mk_op *out_op);

/* The output since the last look is exactly this. */
void desk_said(desk *d, const char *octets);
/* The next event fits this line; desk_quiet: there is none. */
void desk_saw(desk *d, const char *line);
void desk_quiet(desk *d);

#endif
