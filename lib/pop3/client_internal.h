/* SPDX-License-Identifier: MIT
 *
 * client_internal.h: the POP3 client machine, private to this folder. What is
 * to be said lies in a ring, in order: `said` of its entries are on their way,
 * and each status line answers the first of them (RFC 2449 6.6). The commands
 * of the machine itself, before the application's turn, are entries without
 * an operation. A reply that is more than a line flows: as rows or as a body.
 * The state is assigned by mk_client_move only.
 */
#ifndef POP3_CLIENT_INTERNAL_H
#define POP3_CLIENT_INTERNAL_H

#include <mailkit/pop3.h>
#include <mailkit/sasl.h>

#include "wire/client.h"

typedef enum client_state {
    CLIENT_OVER = CLIENT_BORDER_OVER,
    CLIENT_SHAKE = CLIENT_BORDER_SHAKE,
    CLIENT_GREETING = 2,
    CLIENT_CAPA = 3,
    CLIENT_STLS = 4,
    CLIENT_UTF8 = 5,
    CLIENT_LOGIN = 6, /* AUTH, APOP, or USER and PASS */
    CLIENT_READY = 7, /* the application's commands */
    CLIENT_QUIT = 8
} client_state;

typedef enum client_flow {
    FLOW_NONE = 0,
    FLOW_ROWS = 1,
    FLOW_BODY = 2
} client_flow;

typedef struct client_entry {
    mk_op op; /* 0: the machine's own */
    uint32_t number;
    uint32_t lines;
    uint8_t verb;
    bool is_said;
    bool is_dropped; /* nobody wants to know what comes of it */
} client_entry;

enum { CLIENT_UID_MAX = MK_POP3_UID_MAX, CLIENT_DIGEST = 16 };

typedef struct mk_pop3_client {
    mk_client core; /* its op stays 0: a fault is the session's */
    const mk_pop3_client_config *config;
    uint64_t off_ms; /* it was put off */
    /* what flows: */
    uint64_t flow_since_ms;
    uint64_t flow_from; /* octets of input consumed before it */
    uint64_t octets;    /* of the body */
    uint32_t rows;
    uint32_t row_number; /* the last */
    mk_err row_err;
    uint8_t flow; /* client_flow */
    /* the ring: */
    uint8_t head;
    uint8_t count;
    uint8_t passed; /* entries at its head that are said, or dropped */
    client_entry *ring;
    bool is_utf8; /* UTF8 was accepted */
    bool is_utf8_user;
    bool has_capa;  /* the server told what it offers */
    bool has_marks; /* messages are marked as deleted */
    bool has_fetched;
    bool is_quitting; /* QUIT is the last in the ring */
    bool is_put_off;
    bool is_resumed;
    mk_err outcome;  /* of the entry at the head, told by DONE */
    mk_err over_why; /* OVER: of all that is left in the ring */
    mk_op last_op;
    mk_op told; /* the last event was of its flow */
    /* what is offered, and allowed by the settings: */
    uint32_t capabilities;
    uint32_t login_delay_s;
    uint32_t expire_days;
    /* the login: */
    bool has_apop; /* the digest is made, or apop_err tells why not */
    mk_err apop_err;
    unsigned char digest[CLIENT_DIGEST];
    /* the reply: */
    char *text;      /* reply_text_bytes */
    mk_retry retry;  /* by its code */
    bool has_reply;  /* of the entry at the head */
    mk_op event_op;  /* of a pending REPLY or ROW */
    uint32_t number; /* of the same */
    mk_pop3_reply reply;
    mk_pop3_event event;
    char uid[CLIENT_UID_MAX];
} mk_pop3_client;

static inline mk_pop3_client *mk_pop3_client_of(mk_client *core)
{
    return (mk_pop3_client *)(void *)core;
}

extern const mk_client_kind mk_pop3_client_kind;

/* ---- client.c: the end of things ----------------------------------------- */

/* The entry at the head came to its end. */
void mk_pop3_client_done(mk_pop3_client *c, mk_err outcome);
void mk_pop3_client_over(mk_pop3_client *c, mk_err why);
void mk_pop3_client_fault(mk_pop3_client *c, mk_err why, mk_retry retry,
                          const char *text);

/* ---- client_rows.c: what to say, what is expected, where next ------------ */

client_entry *mk_pop3_client_front(const mk_pop3_client *c);
/* The entry of an operation, or NULL. */
client_entry *mk_pop3_client_find(const mk_pop3_client *c, mk_op op);
void mk_pop3_client_pop(mk_pop3_client *c);
/* Put a command behind the others. */
void mk_pop3_client_push(mk_pop3_client *c, const client_entry *entry);
/* Go to a state in which the machine itself says something. */
void mk_pop3_client_begin(mk_pop3_client *c, client_state state,
                          mk_pop3_verb verb);
uint64_t mk_pop3_client_patience_ms(const mk_pop3_client *c);
/* Say what may be said now. */
void mk_pop3_client_advance(mk_pop3_client *c);
/* Act on a status line, which answers the entry at the head. */
void mk_pop3_client_hear(mk_pop3_client *c, bool is_ok, mk_str text);
/* A row, without its end and its byte-stuffing. */
void mk_pop3_client_hear_row(mk_pop3_client *c, mk_str line);
/* All rows, or the whole body, are there. */
void mk_pop3_client_hear_end(mk_pop3_client *c);
/* What is offered is asked, and what was told before forgotten. */
void mk_pop3_client_ask_capa(mk_pop3_client *c);
/* For the table: see mk_client_kind. */
void mk_pop3_client_quit_now(mk_client *core);
void mk_pop3_client_shaken(mk_client *core);
void mk_pop3_client_served(mk_client *core);

/* ---- client_parse.c ------------------------------------------------------ */

typedef struct client_number {
    uint32_t number;
    uint64_t octets;
    mk_str uid;
} client_number;

/* status [SP text]; false: it is none. */
bool mk_pop3_parse_status(mk_str line, bool *out_is_ok, mk_str *out_text);
/* resp-code, without brackets; empty: there is none. Moves past it. */
mk_str mk_pop3_parse_code(mk_str *io_text);
/* The two numbers of STAT, a scan listing, a unique-id listing. */
mk_err mk_pop3_parse_stat(mk_str text, uint32_t *out_count,
                          uint64_t *out_octets);
mk_err mk_pop3_parse_size(mk_str text, client_number *out);
/* MK_OK and an empty uid: what stands there is no unique-id. */
mk_err mk_pop3_parse_uid(mk_str text, client_number *out);
/* The message-id of a greeting, with its brackets; empty: none that is good. */
mk_str mk_pop3_parse_timestamp(mk_str text);
/* Take notice of a line of CAPA. */
void mk_pop3_client_learn(mk_pop3_client *c, mk_str line);

/* ---- client_login.c (RFC 5034, RFC 1939 4 and 7) ------------------------- */

void mk_pop3_client_login(mk_pop3_client *c);
/* Go on as far as it goes without a reply. */
void mk_pop3_client_login_advance(mk_pop3_client *c);
/* "+" SP base64 */
void mk_pop3_client_hear_challenge(mk_pop3_client *c, mk_str base64);
void mk_pop3_client_hear_auth(mk_pop3_client *c, bool is_ok);
void mk_pop3_client_hear_user(mk_pop3_client *c, bool is_ok);
void mk_pop3_client_hear_secret(mk_pop3_client *c, bool is_ok);
/* The greeting's timestamp may serve for APOP. */
void mk_pop3_client_greet_apop(mk_pop3_client *c, mk_str text);
/* Wipe its digest. */
void mk_pop3_client_forget_apop(mk_pop3_client *c);

#endif
