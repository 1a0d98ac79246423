/* SPDX-License-Identifier: MIT
 *
 * smtp/server_internal.h: the server machine's state, shared by its files. It
 * stands on wire/serve.h, which does what all servers do. server.c (what SMTP's
 * replies look like, the one place that assigns the state), server_verbs.c (the
 * verb table and its handlers), server_body.c (the body), server_bdat.c (BDAT),
 * server_lmtp.c (a reply for each recipient), server_peer.c (who it is, and for
 * whom), server_tls.c (STARTTLS),
 * server_login.c (AUTH), server_config.c (settings, opening).
 * RFC 5321 4.1.4 and RFC 3030 2 give the states.
 */
#ifndef SMTP_SERVER_INTERNAL_H
#define SMTP_SERVER_INTERNAL_H

#include <mailkit/smtp.h>

#include "wire/serve.h"

/* Every reply fits: EHLO's with a host name of 255 octets, and 400 octets of
 * the application's text. Room for one is reserved before a unit is read. */
enum { SERVER_REPLY_ROOM = 640 };

typedef enum server_state {
    SERVER_OPEN = 0,    /* before the greeting */
    SERVER_GREETED = 1, /* HELO or EHLO is due */
    SERVER_READY = 2,   /* no transaction */
    SERVER_MAIL = 3,    /* a sender, no recipient accepted */
    SERVER_RCPT = 4,    /* recipients */
    SERVER_DATA = 5,    /* the body flows, or its end is being judged */
    SERVER_TURNED = 6,  /* greeted with 554: only QUIT (RFC 5321 3.1) */
    /* RFC 3030 2: */
    SERVER_CHUNKS = 7,   /* between the chunks of a body */
    SERVER_SPOILT = 8,   /* a chunk was refused: nothing goes on but by RSET, or
                          * by the last chunk of them */
    SERVER_SWALLOW = 9,  /* octets of a chunk that nobody waits for */
    SERVER_DELIVERY = 10 /* RFC 2033 4.2: a reply for each recipient */
} server_state;

/* Why the body under way is only swallowed. The application's own refusal
 * outranks them: then its reply is pending. */
typedef enum server_refusal {
    REFUSAL_NONE = 0,
    REFUSAL_SIZE = 1, /* what is within the limit is told; else nothing is */
    REFUSAL_LINE = 2,
    REFUSAL_BARE = 3,
    REFUSAL_DECLARED = 4, /* the chunk goes beyond the limit */
    REFUSAL_SYNTAX = 5,   /* of BDAT, but its octets are counted */
    REFUSAL_PLACE = 6     /* no chunk may come here: see of.chunk.refusal */
} server_refusal;

typedef struct smtp_server {
    mk_serve base; /* first */
    const mk_smtp_server_config *config;
    uint32_t accepted;    /* recipients of this transaction */
    uint32_t turned_away; /* recipients of it that were refused */
    uint32_t messages;
    uint32_t junk;  /* idle commands since a message came to rest */
    uint32_t count; /* BDAT commands of this message; then recipients that heard
                     * what became of it */
    uint32_t withdrawn;  /* extensions that are offered no more */
    uint8_t state;       /* server_state */
    uint8_t next;        /* server_state behind SERVER_SWALLOW */
    uint8_t refusal;     /* server_refusal */
    bool utf8 : 1;       /* SMTPUTF8 */
    bool esmtp : 1;      /* EHLO or LHLO, not HELO */
    bool dropped : 1;    /* a transaction ended by what ends none: to be told */
    bool forwarded : 1;  /* XFORWARD told of a transaction to come */
    bool binary : 1;     /* BODY=BINARYMIME */
    bool chunked : 1;    /* the body comes by BDAT */
    bool is_last : 1;    /* and this is its last chunk */
    bool is_taken : 1;   /* LMTP: some recipient has the message */
    bool vouched : 1;    /* XCLIENT named a login */
    bool vouching : 1;   /* the one under way leaves one */
    bool identified : 1; /* CLIENTID was accepted */
    union {
        struct {
            uint64_t octets;     /* of the chunk */
            const char *refusal; /* REFUSAL_PLACE: its reply */
        } chunk;                 /* while it flows: no event is there then */
        struct {
            mk_smtp_event event;
        } smtp;
        mk_fault fault;
    } of;
} smtp_server;

/* What an event of MAIL or RCPT points to. It lies behind the room for the
 * reply (mk_serve_aside): an idle session has none of it. */
typedef struct server_envelope {
    mk_smtp_path path;
    union {
        mk_smtp_mail_options mail;
        mk_smtp_rcpt_options rcpt;
    } of;
} server_envelope;

static inline smtp_server *mk_smtp_server_of(mk_serve *base)
{
    return (smtp_server *)(void *)base;
}

static inline const smtp_server *mk_smtp_server_at(const mk_serve *base)
{
    return (const smtp_server *)(const void *)base;
}

static inline bool mk_smtp_server_is_in(const smtp_server *s, unsigned states)
{
    return (states & (1U << s->state)) != 0;
}

/* Is there a sender, and no end of its body yet? */
static inline bool mk_smtp_server_in_transaction(const smtp_server *s)
{
    return mk_smtp_server_is_in(s, 1U << SERVER_MAIL | 1U << SERVER_RCPT |
                                       1U << SERVER_CHUNKS);
}

/* May the peer go on without waiting for replies (RFC 2920)? */
static inline bool mk_smtp_server_is_pipelining(const smtp_server *s)
{
    return s->esmtp &&
           (s->config->extensions & MK_SMTP_EXTENSION_PIPELINING) != 0;
}

/* ---- server.c ---------------------------------------------------------------
 */

extern const mk_serve_kind mk_smtp_server_kind;

/* The only place that assigns the state; an illegal move ends the session. */
void mk_smtp_server_move(smtp_server *s, server_state to);

/* Prepare *ev as an event of this type about this verb. */
void mk_smtp_server_event(smtp_server *s, mk_event *ev, uint32_t type,
                          mk_smtp_verb verb);

/* Give the event as a question: asked, or accepted by the next step. */
mk_err mk_smtp_server_ask(smtp_server *s, mk_event *ev, mk_smtp_ask ask);

/* ---- server_config.c --------------------------------------------------------
 */

void mk_smtp_server_limits(const mk_serve *base, mk_serve_limits *out);
void mk_smtp_server_login(const mk_serve *base, mk_serve_room *out);

/* ---- server_tls.c -----------------------------------------------------------
 */

/* What of the settings' extensions this connection is offered. */
uint32_t mk_smtp_server_offer(const smtp_server *s);

/* MK_E_AGAIN: the peer has what MK_TLS_POLICY_MUST asks for, or need not; else
 * it is told that it has not. */
mk_err mk_smtp_server_distrust(smtp_server *s, mk_event *ev);

mk_err mk_smtp_server_starttls(smtp_server *s, mk_str arg, mk_event *ev);
mk_err mk_smtp_server_secured(mk_serve *base, mk_event *ev);

/* ---- server_login.c ---------------------------------------------------------
 */

mk_err mk_smtp_server_auth(smtp_server *s, mk_str arg, mk_event *ev);
void mk_smtp_server_logged(mk_serve *base, mk_err why, mk_event *ev);

/* ---- server_verbs.c ---------------------------------------------------------
 */

/* Handle a command line. MK_OK: *ev was given; MK_E_AGAIN: go on. */
mk_err mk_smtp_server_line(mk_serve *base, mk_str line, mk_event *ev);

/* Do octets follow the line that begins so? BDAT is offered, and named. */
bool mk_smtp_server_leads_octets(const mk_serve *base, mk_str line);

/* The default reply of a verb, by answer. */
const char *mk_smtp_server_default(mk_smtp_verb verb, mk_answer answer);

/* What the answer to a question makes of the session. */
void mk_smtp_server_answered(smtp_server *s);

/* A message came to rest, or was refused behind its end. */
void mk_smtp_server_judged(smtp_server *s, bool is_taken);

/* ---- server_body.c ----------------------------------------------------------
 */

/* 354 was queued: the body begins. */
void mk_smtp_server_body_begin(smtp_server *s);

/* Read body. MK_OK, MK_WAIT or MK_E_AGAIN. */
mk_err mk_smtp_server_body(smtp_server *s, mk_str *io_in, mk_event *ev);

/* The reply behind the tail is the last word on a body that was refused. */
mk_err mk_smtp_server_refused(smtp_server *s, mk_event *ev);

/* ---- server_bdat.c ----------------------------------------------------------
 */

/* A chunk is announced; refusal: the reply of who may not, or NULL. */
mk_err mk_smtp_server_bdat(smtp_server *s, mk_str arg, const char *refusal,
                           mk_event *ev);

/* The question about the first chunk was answered: its octets come. */
void mk_smtp_server_chunk_judged(smtp_server *s);

/* The octets of a chunk came, and others follow. */
mk_err mk_smtp_server_chunk_end(smtp_server *s);

/* ---- server_peer.c ----------------------------------------------------------
 */

mk_err mk_smtp_server_etrn(smtp_server *s, mk_str arg, mk_event *ev);
mk_err mk_smtp_server_xclient(smtp_server *s, mk_str arg, mk_event *ev);
mk_err mk_smtp_server_xforward(smtp_server *s, mk_str arg, mk_event *ev);
mk_err mk_smtp_server_clientid(smtp_server *s, mk_str arg, mk_event *ev);

/* XCLIENT was accepted: it is another peer's session. */
void mk_smtp_server_introduced(smtp_server *s);

/* ---- server_lmtp.c ----------------------------------------------------------
 */

/* The body ended, and each recipient is to hear what becomes of it: each is
 * asked about, or hears the reply behind the output's tail. */
void mk_smtp_server_deliver_begin(smtp_server *s);
mk_err mk_smtp_server_deliver(smtp_server *s, mk_str in, mk_event *ev);

/* One of them was answered. */
void mk_smtp_server_delivered(smtp_server *s);

#endif
