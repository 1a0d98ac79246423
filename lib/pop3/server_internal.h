/* SPDX-License-Identifier: MIT
 *
 * pop3/server_internal.h: the server machine's state, shared by its files:
 * server.c (life, replies, answers, the one place that assigns the state),
 * server_verbs.c (the verb table and its handlers), server_capa.c (the replies
 * that are lists known beforehand), server_body.c (what is lent: lists,
 * messages, their tops), server_login.c (USER, PASS, APOP, AUTH) with
 * server_apop.c, server_config.c. RFC 1939 3 gives the states; what servers of
 * all protocols share is in wire/serve.h.
 */
#ifndef POP3_SERVER_INTERNAL_H
#define POP3_SERVER_INTERNAL_H

#include <mailkit/pop3.h>
#include <mailkit/sasl.h>

#include "pop3/server_cut.h"
#include "wire/serve.h"

enum {
    SERVER_LINE_MAX = 255,   /* of a command but AUTH, with CRLF: RFC 2449 4 */
    SERVER_STATUS_MAX = 512, /* of a status line, with CRLF: likewise */
    SERVER_CODE_MAX = 64,    /* of a response code, without brackets */
    SERVER_BANNER_MAX = 200,
    SERVER_STAMP = 8, /* random octets of the timestamp for APOP */
    /* Every reply fits: that to CAPA, and a status line. Room for one is
     * reserved before a command is read. */
    SERVER_REPLY_ROOM = 640
};

typedef enum server_state {
    SERVER_OPEN = 0, /* before the greeting */
    SERVER_AUTHORIZATION = 1,
    SERVER_OPENING = 2, /* logged in, and the maildrop is not open yet */
    SERVER_TRANSACTION = 3,
    SERVER_UPDATE = 4
} server_state;

/* What a question is about: its event, without MK_EV_POP3. */
typedef enum server_subject {
    SUBJECT_CONNECT = MK_EV_POP3_CONNECT - MK_EV_POP3,
    SUBJECT_OPEN = MK_EV_POP3_OPEN - MK_EV_POP3,
    SUBJECT_STAT = MK_EV_POP3_STAT - MK_EV_POP3,
    SUBJECT_LIST = MK_EV_POP3_LIST - MK_EV_POP3,
    SUBJECT_UIDL = MK_EV_POP3_UIDL - MK_EV_POP3,
    SUBJECT_RETR = MK_EV_POP3_RETR - MK_EV_POP3,
    SUBJECT_TOP = MK_EV_POP3_TOP - MK_EV_POP3,
    SUBJECT_DELE = MK_EV_POP3_DELE - MK_EV_POP3,
    SUBJECT_RSET = MK_EV_POP3_RSET - MK_EV_POP3,
    SUBJECT_UPDATE = MK_EV_POP3_UPDATE - MK_EV_POP3
} server_subject;

typedef struct pop3_server {
    mk_serve serve; /* first */
    const mk_pop3_server_config *config;
    mk_serve_stream stream;
    pop3_cut cut;
    mk_str cut_span;   /* the last span of a TOP, as it was lent */
    uint32_t count;    /* the highest message number */
    uint32_t number;   /* of the question; 0: of all */
    uint32_t commands; /* before a login */
    unsigned char stamp[SERVER_STAMP];
    char plain[3]; /* of PLAIN's message, not yet heard */
    uint8_t plain_bytes;
    uint8_t state;       /* server_state */
    uint8_t verb;        /* mk_pop3_verb the login under way began with */
    bool is_utf8 : 1;    /* the client said UTF8 */
    bool is_named : 1;   /* USER was said: PASS is awaited */
    bool is_stamped : 1; /* the greeting had a timestamp */
    bool is_telling : 1; /* the answer is not a bare YES */
    union {
        mk_pop3_event event;
        mk_fault fault;
    } of;
} pop3_server;

static inline pop3_server *pop3_server_of(mk_serve *s)
{
    return (pop3_server *)(void *)s;
}

static inline const pop3_server *pop3_server_const(const mk_serve *s)
{
    return (const pop3_server *)(const void *)s;
}

/* ---- server.c ------------------------------------------------------------ */

extern const mk_serve_kind mk_pop3_server_kind;
extern const char mk_pop3_server_distrust[];

/* The only place that assigns the state; an illegal move ends the session. */
void mk_pop3_server_move(pop3_server *s, server_state to);

/* Prepare *ev as an event of this type about this verb. */
void mk_pop3_server_event(pop3_server *s, mk_event *ev, uint32_t type,
                          mk_pop3_verb verb);

/* Give it as a question that is asked. Gives MK_OK. */
mk_err mk_pop3_server_ask(pop3_server *s, mk_event *ev, unsigned flags);

/* ---- server_verbs.c ------------------------------------------------------ */

/* Handle a command line. MK_OK: *ev was given; MK_E_AGAIN: go on. */
mk_err mk_pop3_server_line(mk_serve *serve, mk_str line, mk_event *ev);

/* ---- server_capa.c ------------------------------------------------------- */

extern const char mk_pop3_server_capa[];
extern const char mk_pop3_server_languages[];
extern const char mk_pop3_server_mechanisms[];

/* What of the settings' capabilities this connection is offered. */
uint32_t mk_pop3_server_offer(const pop3_server *s);

/* The rows behind one of these replies; nothing behind others. */
void mk_pop3_server_rows(const pop3_server *s, const char *line, mk_buf *out);

/* ---- server_body.c ------------------------------------------------------- */

/* The question was answered with YES: what follows the status line. */
void mk_pop3_server_body_begin(pop3_server *s);

/* Was YES said to such a question, and the next step will begin? */
bool mk_pop3_server_is_ahead(const pop3_server *s, mk_op op);

/* Go on with it. */
mk_err mk_pop3_server_body_next(pop3_server *s, mk_event *ev);

/* mk_cancel, also before the next step begins it. */
mk_err mk_pop3_server_cancel(mk_engine *e, mk_op op);

/* mk_body: spans of a message, or the end of rows. */
mk_err mk_pop3_server_body(mk_engine *e, mk_op op, mk_str span, bool last);

/* ---- server_login.c ------------------------------------------------------ */

mk_err mk_pop3_server_user(pop3_server *s, mk_str arg, mk_event *ev);
mk_err mk_pop3_server_pass(pop3_server *s, mk_str arg, mk_event *ev);
mk_err mk_pop3_server_apop(pop3_server *s, mk_str arg, mk_event *ev);
mk_err mk_pop3_server_auth(pop3_server *s, mk_str arg, mk_event *ev);

/* Another command than PASS follows USER. */
void mk_pop3_server_forget_name(pop3_server *s);

/* The exchange ended: give the event. */
void mk_pop3_server_logged(mk_serve *serve, mk_err why, mk_event *ev);

/* Who is logged in, as MK_EV_POP3_AUTH told: ask for the maildrop. */
mk_err mk_pop3_server_open_maildrop(pop3_server *s, mk_event *ev);

/* May APOP be used now? */
bool mk_pop3_server_is_apop(const pop3_server *s);

/* ---- server_apop.c ------------------------------------------------------- */

/* APOP as an exchange: its one message is "name digest", not base64. */
extern const mk_sasl_server_ops mk_pop3_apop_ops;

/* Is this the argument of APOP, name SP digest? */
bool mk_pop3_apop_is_argument(mk_str arg);

/* Append the timestamp, "<" … "@" hostname ">". */
void mk_pop3_apop_stamp(const unsigned char stamp[SERVER_STAMP],
                        mk_str hostname, mk_buf *out);

/* What the digest of an exchange just begun is made of, besides the password;
 * hostname is borrowed for its life. */
void mk_pop3_apop_expect(mk_sasl *exchange,
                         const unsigned char stamp[SERVER_STAMP],
                         mk_str hostname);

/* ---- server_config.c ----------------------------------------------------- */

/* Where a login takes place. */
void mk_pop3_server_room(const mk_serve *serve, mk_serve_room *out);

#endif
