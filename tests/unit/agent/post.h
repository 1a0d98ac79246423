/* SPDX-License-Identifier: MIT
 *
 * post.h: POP3 over the house of the tests: its users and its mail root, a
 * maildrop service, one or two connections. What is said is answered when all
 * jobs were run, unless a test runs them itself.
 */
#ifndef UNIT_AGENT_POST_H
#define UNIT_AGENT_POST_H

#include <mailkit/maildrop.h>

#include "house.h"

typedef struct post {
    house h;
    mk_pop3_server_config pop3;
    mk_maildrop_config c;
    mk_maildrop *m;
    mk_service service;
    mk_conn *conn; /* the one that is spoken to */
    mk_conn conns[3];
} post;

/* Open; then change p->c and p->pop3, and post_serve. */
void post_open(post *p);
mk_err post_serve(post *p);
/* As post_open, but an allocation may fail. */
mk_err post_try(post *p, unsigned fail_at);
/* Everything must be given back. */
void post_close(post *p);

/* A message in the box of ann@mx.example: "new/1700000000.M1.h". */
void post_put(const post *p, const char *path, const char *octets);
void post_put_n(const post *p, const char *path, const char *octets, size_t n);
bool post_has(const post *p, const char *path);

/* Connect conns[i], which is spoken to from now on; the greeting. */
const char *post_dial(post *p, size_t i);
/* Say; run jobs until nothing happens; what came. */
const char *post_says(post *p, const char *octets);
/* Say, and run no job. */
void post_mutters(post *p, const char *octets);
/* Run all jobs and step all connections. */
void post_work(post *p);
const char *post_heard(post *p);
/* USER and PASS of ann; the last line. */
const char *post_login(post *p);

#endif
