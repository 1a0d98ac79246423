/* SPDX-License-Identifier: MIT
 *
 * tls/session.h: one session over one engine. What is only needed once TLS
 * was asked for lies in `state`, so that a connection that stays in clear
 * costs little.
 */
#ifndef TLS_SESSION_H
#define TLS_SESSION_H

#include "tls/internal.h"
#include "wire/pass.h"

typedef enum phase {
    PHASE_CLEAR = 0, /* all passes as it is */
    PHASE_SHAKE = 1, /* the inner engine waits */
    PHASE_OPEN = 2,
    PHASE_DEAD = 3 /* nothing comes in or goes out any more */
} phase;

typedef struct state {
    mbedtls_ssl_context ssl; /* first */
    keyring *ring;
    const own_cert *shown; /* server: by SNI, or the default */
    mk_str in;             /* what was offered, within a call only */
    char *plain;           /* decrypted; lent while there is some */
    size_t plain_at, plain_len, plain_room;
    char *out; /* encrypted, not yet sent; lent likewise */
    size_t out_at, out_len;
    mk_tls_info info;
    char name[256];
    char subject[256];
    unsigned char end_point[64];
    unsigned char exporter[32];
    bool is_full;     /* certificates were shown: not resumed */
    bool is_offered;  /* a ticket: without it nothing can be resumed */
    bool is_told_eof; /* the inner engine knows that no more comes */
    bool is_notified; /* our close_notify is queued */
    bool is_blocked;  /* mbedTLS waits for room in `out` */
    bool is_counted;  /* among the handshakes under way */
} state;

typedef struct session {
    mk_engine base; /* first */
    mk_engine *inner;
    const mk_tls_config *config;
    mk_tls_context *context;
    state *state;
    uint64_t due_ms; /* of the handshake; 0: not begun */
    uint8_t phase;
    bool is_eof;
    mk_err eof_why;
} session;

/* info.c: the name that a client sends or a server was sent, clipped; and the
 * rest once the handshake is through: `verify` is set before. */
void mk_tls_info_name(state *t, mk_str name);
void mk_tls_info_fill(session *s);

/* ticket.c: offer what is kept; keep what was given. */
void mk_tls_ticket_offer(session *s);
void mk_tls_ticket_keep(session *s);

#endif
