/* SPDX-License-Identifier: MIT
 *
 * client_desk.h: a POP3 client on a desk, with the test as its peer, its
 * application and its clock. What the peer says is offered in pieces of `chunk`
 * octets through the rig; every event becomes a line, bodies are joined, every
 * octet of output is kept until the test has compared it.
 */
#ifndef UNIT_POP3_CLIENT_DESK_H
#define UNIT_POP3_CLIENT_DESK_H

#include <mailkit/pop3.h>
#include <mailkit/sasl.h>

#include "rig.h"
#include "text.h"

typedef struct desk {
    mk_pop3_client_config config;
    mk_sasl_client_config login;
    mk_random random;
    mk_err random_err;
    char *block;
    mk_engine *engine;
    rig rig;
    text events; /* lines not yet compared, of events but MK_EV_BODY */
    text body;   /* of all messages, one behind the other */
    text wire;   /* output not yet compared */
    size_t chunk;
    unsigned rows, dones;
    mk_op op; /* of the last event */
    mk_err outcome;
    mk_fault fault; /* the last; why is MK_OK: none */
    bool is_ready;
    bool is_over;
} desk;

/* ann with the password "secret", in clear, by USER and PASS. */
void desk_init(desk *d, size_t chunk);
void desk_open(desk *d);
void desk_fini(desk *d);

void desk_run(desk *d);
void desk_hear(desk *d, const char *octets, size_t n); /* the peer says */
void desk_hear_z(desk *d, const char *z);
void desk_wait(desk *d, uint64_t ms); /* the clock moves */

/* Greeted and logged in; caps are the lines of CAPA, each with its CRLF. */
void desk_ready(desk *d, const char *caps);
/* A command must be taken. */
mk_op desk_ask(desk *d, mk_pop3_verb verb, uint32_t number, uint32_t lines);
/* The output since the last look is exactly this. */
void desk_said(desk *d, const char *octets);
/* Is it among the events that were not cleared? */
bool desk_saw(const desk *d, const char *part);
void desk_clear(desk *d);

#endif
