/* SPDX-License-Identifier: MIT
 *
 * wire/client.h: what the clients of all protocols share, as serve.h is for
 * servers. A machine begins with struct mk_client, and its table of calls with
 * struct mk_client_kind, the little in which protocols differ. Here are the
 * turns of a step, the end of input, the moves between states, the border of
 * TLS (Law 9, client_tls.c) and the login (client_login.c). A reply is early
 * until its command was acknowledged as sent (Law 4). It knows no verb and no
 * form of a reply. A machine may look at everything here, and assigns only what
 * is marked =.
 */
#ifndef WIRE_CLIENT_H
#define WIRE_CLIENT_H

#include "wire/engine.h"
#include "wire/frame.h"
#include "wire/outq.h"

/* The states that all machines have; their own are behind these. */
typedef enum client_border {
    CLIENT_BORDER_OVER = 0,
    CLIENT_BORDER_SHAKE = 1 /* TLS begins: nothing is read or said */
} client_border;

/* Events not yet told, in the order in which they are told. */
typedef enum client_pending {
    PENDING_REPLY = 1,
    PENDING_ROW = 2,
    PENDING_FAULT = 4,
    PENDING_TLS = 8,
    PENDING_DONE = 16,
    PENDING_READY = 32,
    PENDING_WANTED = 64
} client_pending;

typedef struct mk_client {
    mk_engine head; /* first; its table begins a mk_client_kind */
    /* What is looked at often stands in front: code for it is shorter. */
    uint64_t now_ms;   /* of the last step */
    uint64_t since_ms; /* = the running deadline began */
    mk_op op;          /* = to which a fault belongs */
    uint32_t awaited;  /* = commands queued whose reply was not heard */
    uint8_t state;
    uint8_t pending;     /* = client_pending, or-ed */
    uint8_t policy;      /* = mk_tls_policy */
    uint8_t login_state; /* mk_sasl_state; FAILED: say "*" */
    bool is_begun;       /* mk_step was called */
    bool is_early;       /* = octets came that nothing had asked for */
    bool is_finishing;   /* = end at the next legal point */
    bool is_stirred;     /* = something happened: step */
    bool is_starved;     /* = no unit was free */
    bool is_abort;       /* = OVER: by a reset */
    bool has_eof;
    bool is_known;      /* = logged in */
    bool is_login_said; /* AUTH was */
    bool is_cancelling; /* "*" was said */
    bool is_cut;        /* a line of the login is queued in part */
    mk_err eof_why;     /* see has_eof */
    mk_framer framer;
    mk_outq out;
    const mk_tls_info *tls; /* NULL: in clear */
    mk_fault fault;
    const mk_sasl_client_ops *sasl;                  /* = NULL: no login */
    const struct mk_sasl_client_config *sasl_config; /* = */
    void *login_room;                                /* = of login_bytes */
    size_t login_bytes;                              /* = */
    mk_sasl *login;                                  /* while it is under way */
    uint32_t mechanisms;                             /* = offered */
    uint32_t mechanism;                              /* = chosen */
} mk_client;

typedef struct mk_client_kind {
    mk_engine_ops ops;     /* first: MK_CLIENT_OPS, and the machine's own */
    const uint16_t *moves; /* where each state may lead to, a bit each */
    uint16_t auth_max;     /* octets of a command line with its end: an AUTH
                            * that is longer goes without initial response */

    /* A step begins. False: nothing is to be done in it. */
    bool (*begin)(mk_client *);
    /* Tell `which`, a client_pending but FAULT and TLS; 0: nothing is pending,
     * is there anything else? *ev is zero but for its offset. */
    bool (*tell)(mk_client *, unsigned which, mk_event *ev);
    /* Queue what may be said now; conclude what has come to its end. */
    void (*advance)(mk_client *);
    /* MK_OK: *ev was given; MK_E_AGAIN: something was consumed; MK_WAIT. */
    mk_err (*read)(mk_client *, mk_str *io_in, mk_event *ev);
    uint64_t (*due_ms)(const mk_client *);
    /* due_ms has passed. */
    void (*late)(mk_client *);
    /* Nothing is under way. */
    bool (*is_idle)(const mk_client *);
    /* The server is at fault: all is over. */
    void (*fault)(mk_client *, mk_err why, mk_retry retry, const char *text);
    /* Say QUIT: a fault was told, but the server may be told good bye. */
    void (*quit)(mk_client *);
    /* TLS is up: forget what was said before and, in SHAKE, begin anew. */
    void (*shaken)(mk_client *);
    /* A safe channel is there, or not wanted; or a login, when is_known. */
    void (*served)(mk_client *);
} mk_client_kind;

/* ---- client.c -------------------------------------------------------------*/

/* The one function that assigns the state. */
void mk_client_move(mk_client *c, unsigned state);
/* A fault is to be told. */
void mk_client_blame(mk_client *c, mk_err why, mk_retry retry,
                     const char *text);
/* No session, but QUIT is said. */
void mk_client_turn_away(mk_client *c, mk_err why, mk_retry retry,
                         const char *text);
/* Is any reply that comes now one that nothing had asked for? */
bool mk_client_is_early(const mk_client *c);
/* since_ms + ms, or MK_NEVER */
uint64_t mk_client_later_ms(uint64_t since_ms, uint64_t ms);

/* ---- client_tls.c ---------------------------------------------------------*/

/* The server gave its go-ahead. */
void mk_client_shake(mk_client *c);
/* There is no TLS: what does the policy say? */
void mk_client_stay_clear(mk_client *c, const char *text);

/* ---- client_login.c -------------------------------------------------------*/

#ifndef MK_NO_SASL
/* Begin the exchange of the mechanism chosen. */
mk_err mk_client_login_open(mk_client *c);
/* Queue a line, or its next piece: words, and what the mechanism has to say.
 * True: its end is queued. */
bool mk_client_login_say(mk_client *c, mk_str words, bool has_message);
/* Go on as far as it goes without a reply. */
void mk_client_login_advance(mk_client *c);
/* A challenge, in base64. */
void mk_client_login_hear(mk_client *c, mk_str base64);
/* The server's last word. */
void mk_client_login_heard(mk_client *c, bool is_good, mk_retry retry);
/* Wipe the exchange, if there is one; then turn away. */
void mk_client_login_close(mk_client *c);
void mk_client_login_end(mk_client *c, mk_err why, mk_retry retry,
                         const char *text);
#else
static inline void mk_client_login_advance(mk_client *c)
{
    (void)c;
}
static inline void mk_client_login_close(mk_client *c)
{
    (void)c;
}
#endif

/* ---- the table ------------------------------------------------------------*/

mk_err mk_client_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                      mk_event *out_event);
void mk_client_in_eof(mk_engine *e, mk_err why);
size_t mk_client_in_max(const mk_engine *e);
size_t mk_client_out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max);
mk_err mk_client_out_sent(mk_engine *e, size_t n);
unsigned mk_client_want(const mk_engine *e);
uint64_t mk_client_deadline(const mk_engine *e);
mk_err mk_client_tls_begin(mk_engine *e, size_t held);
mk_err mk_client_tls_done(mk_engine *e, mk_err result, const mk_tls_info *info);
void mk_client_finish(mk_engine *e, mk_str text);
void mk_client_close(mk_engine *e);

/* clang-format off */
/* for .ops; .out_sent, .want and .close may be a machine's own */
#define MK_CLIENT_OPS                                                          \
    .step = mk_client_step,                                                    \
    .in_eof = mk_client_in_eof,                                                \
    .in_max = mk_client_in_max,                                                \
    .out = mk_client_out,                                                      \
    .deadline = mk_client_deadline,                                            \
    .tls_begin = mk_client_tls_begin,                                          \
    .tls_done = mk_client_tls_done,                                            \
    .finish = mk_client_finish
/* clang-format on */

static inline const mk_client_kind *mk_client_kind_of(const mk_client *c)
{
    return (const mk_client_kind *)(const void *)c->head.ops;
}

#endif
