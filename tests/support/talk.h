/* SPDX-License-Identifier: MIT
 *
 * talk.h: both machines in one memory: a client sends messages to a server
 * over a wire that moves at most `unit` octets at a time. The test gives the
 * body and how it is lent, says what the server answers, and may act on every
 * event. Nothing here knows how the machines work.
 */
#ifndef SUPPORT_TALK_H
#define SUPPORT_TALK_H

#include <mailkit/smtp.h>

#include "rig.h"
#include "text.h"

typedef struct talk talk;

/* Called on every event of either machine, before the talk acts on it. True:
 * the test has acted, the talk shall not. */
typedef bool talk_event_fn(talk *t, bool server, const mk_event *ev);

struct talk {
    mk_smtp_server_config server_config;
    mk_smtp_client_config client_config;
    mk_smtp_envelope envelope;
    const mk_str *paths;
    mk_engine *server;
    mk_engine *client;
    void *server_block;
    void *client_block;
    rig server_rig;
    rig client_rig;
    uint64_t random;
    size_t unit;  /* octets moved at once */
    size_t piece; /* octets lent at once, at most; drawn from 1 to that */
    talk_event_fn *on_event;
    void *self;
    /* client */
    mk_op op;
    bool joins;       /* the next message is sent when a last span was lent */
    mk_op next_op;    /* of it; 0: none */
    const text *body; /* to be sent */
    size_t lent;
    char *spans[2]; /* lent: freed when given back */
    unsigned span_count;
    unsigned messages; /* still to be sent */
    bool sent_last;
    mk_err outcome;
    uint64_t client_octets;
    /* server */
    text arrived; /* body of the last message */
    unsigned accepted;
};

/* Opens both with the configs' defaults (change them before talk_run). */
void talk_init(talk *t, uint64_t seed);
/* Sends t->body t->messages times, then QUIT, until both have ended. False
 * when they did not come to an end. */
bool talk_run(talk *t);
void talk_fini(talk *t);
uint32_t talk_draw(talk *t, uint32_t below);

#endif
