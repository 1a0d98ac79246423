/* SPDX-License-Identifier: MIT
 *
 * server_site.h: a POP3 server with its pools in the test's own memory, where
 * it can be looked at, and a driver that steps only when it is told to.
 */
#ifndef UNIT_POP3_SERVER_SITE_H
#define UNIT_POP3_SERVER_SITE_H

#include "pop3/server_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SITE_BLOCK = 768, SITE_UNIT = 1024, SITE_ROOM = 4096 };

typedef struct site {
    mk_pop3_server_config config;
    mk_sasl_server_config sasl;
    mk_random random;
    mk_pool units;
    mk_pool rooms;
    uint64_t unit[SITE_UNIT / 8];
    uint64_t room[SITE_ROOM / 8];
    uint64_t block[SITE_BLOCK / 8];
    mk_engine *engine;
    mk_event ev;
    uint64_t now_ms;
    mk_err random_err;
} site;

/* Settings with PLAIN in clear; change them before site_start. */
void site_open(site *t);
void site_start(site *t);
void site_close(site *t); /* all is given back */

/* Open it, greet, log in as ann, and open a maildrop. */
void site_log_in(site *t, uint32_t count);

pop3_server *site_server(site *t);

/* Step once over octets that are consumed in full. */
mk_err site_say(site *t, const char *octets);
mk_err site_step(site *t);
void site_expect(site *t, uint32_t type);

/* The transport takes everything; gives how much that was. */
size_t site_acknowledge(site *t);

/* All that is queued, as one string. */
const char *site_queued(site *t);

/* A question that is answered YES; and up to its first MK_EV_WANTED. */
mk_op site_begin(site *t, const char *command);
mk_op site_begin_body(site *t, const char *command, uint64_t spans);

#endif
