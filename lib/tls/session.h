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

enum {
    MK_TLS_RECORD_MAX = 16384,
    /* mbedTLS may have alerts to send at any time, and loses what is written
     * behind one that could not leave: output of the inner engine never takes
     * the last of the room */
    MK_TLS_ALERT_ROOM = 512,
    MK_TLS_OUT_ROOM = MK_TLS_RECORD_MAX + 512 + MK_TLS_ALERT_ROOM
};

typedef struct tls_state {
    mbedtls_ssl_context ssl; /* first */
    keyring *ring;
    const own_cert *shown; /* server: by SNI, or the default */
    mk_str in;             /* what was offered, within a call only */
    char *plain;           /* decrypted; lent while there is some */
    size_t plain_at, plain_len, plain_room;
    size_t plain_top; /* octets that were ever written there */
    char *out;        /* encrypted, not yet sent; lent likewise */
    size_t out_at, out_len;
    mk_tls_info info;
    int64_t valid_to_s; /* of the peer's certificates, the first to expire */
    mk_err offered;     /* client: what its ticket's certificate was worth */
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
} tls_state;

typedef struct session {
    mk_engine base; /* first */
    mk_engine *inner;
    const mk_tls_config *config;
    mk_tls_context *context;
    tls_state *state;
    uint64_t since_ms; /* of the handshake */
    uint8_t phase;
    bool is_begun;   /* since_ms is set */
    bool is_hurried; /* mk_hurry */
    bool is_due;     /* the inner engine was told something outside a step */
    bool is_eof;
    mk_err eof_why;
} session;

/* handshake.c: its deadline, how it begins (on failure there is no state), how
 * it goes on (MK_E_AGAIN: look at the phase), and what it leaves behind. */
uint64_t mk_tls_due_ms(const session *s);
mk_err mk_tls_shake_begin(session *s);
void mk_tls_shake_start(session *s, mk_str *io_in, uint64_t now_ms);
mk_err mk_tls_shake(session *s, mk_str *io_in, uint64_t now_ms, mk_event *ev);
void mk_tls_state_free(session *s);

/* records.c: where mbedTLS reads and writes; the way in, the way out. */
int mk_tls_bio_recv(void *self, unsigned char *buf, size_t n);
int mk_tls_bio_send(void *self, const unsigned char *buf, size_t n);
mk_err mk_tls_converse(session *s, mk_str *io_in, uint64_t now_ms,
                       mk_event *ev);
void mk_tls_pump(session *s);
void mk_tls_out_give(session *s);
void mk_tls_plain_give(session *s);

/* info.c: the name that a client sends or a server was sent, clipped; and the
 * rest once the handshake is through: `verify` is set before. */
void mk_tls_info_name(tls_state *t, mk_str name);
void mk_tls_info_fill(session *s);

/* ticket.c: offer what is kept; keep what was given. */
void mk_tls_ticket_offer(session *s);
void mk_tls_ticket_keep(session *s);

#endif
