/* SPDX-License-Identifier: MIT
 *
 * tls_rig.h: two line engines under TLS, joined by pipes in memory that carry
 * any number of octets at a time, with a clock of their own. What happened is
 * kept as text, so that runs can be compared.
 */
#ifndef TLS_RIG_H
#define TLS_RIG_H

#include <mailkit/tls.h>

#include "certs.h"
#include "line_engine.h"

enum { rig_log_max = 4096, rig_pipe_max = 262144 };

typedef struct tls_side {
    line_engine line;
    mk_engine *outer;
    mk_tls_context_config cc;
    mk_tls_context *context;
    mk_tls_config tc;
    char in[rig_pipe_max]; /* what came from the other side */
    size_t in_len;
    uint64_t taken; /* octets that the other side has read of ours */
    bool is_over;
    bool is_shut; /* the other side has closed */
    char log[rig_log_max];
    size_t log_len;
} tls_side;

typedef struct tls_rig {
    tls_side server;
    tls_side client;
    uint64_t now_ms;
    size_t cut;         /* octets moved at a time; 0: all */
    int64_t wall_s;     /* of both contexts */
    uint64_t cut_after; /* the server's stream breaks after so many; 0: never */
} tls_rig;

/* An allocator that counts, and fails once. */
typedef struct rig_heap {
    size_t live; /* octets */
    size_t calls;
    size_t fail_at; /* the call; 0: never */
} rig_heap;

mk_alloc rig_heap_table(rig_heap *h);

/* An authority and a certificate of it for mx.example.org: there between
 * rig_make and rig_unmake, which are the fixtures of a group of tests. */
extern cert rig_root;
extern cert rig_own;
int rig_make(void **state);
int rig_unmake(void **state);

/* A server with this certificate and a client that trusts `trust`. Contexts
 * are made by rig_open, so that their settings may be changed between. */
void rig_init(tls_rig *r, const cert *own, const cert *trust);
/* Contexts and engines. */
void rig_open(tls_rig *r);
/* All of it: the server shows rig_own, the client trusts rig_root. */
void rig_open_both(tls_rig *r, bool is_implicit);
/* Only the engines, over contexts that stay. */
void rig_connect(tls_rig *r);
/* One side alone looks at what it has. */
void rig_step(tls_rig *r, tls_side *s);
/* Until nothing moves. */
void rig_run(tls_rig *r);
/* The client asks for a line of its own and the server answers it. */
void rig_say(tls_rig *r, const char *text);
/* STARTTLS in clear, up to the end of the handshake. */
void rig_starttls(tls_rig *r);
/* An orderly end begun by the client. */
void rig_quit(tls_rig *r);
/* The engines; the contexts stay. */
void rig_hang_up(tls_rig *r);
void rig_close(tls_rig *r);

#endif
