/* SPDX-License-Identifier: MIT
 *
 * smtp/server_internal.h: the server machine's state, shared by its files:
 * server.c (life, step, questions, the one place that assigns the state),
 * server_verbs.c (the verb table and its handlers), server_body.c (DATA),
 * server_clock.c (patience: deadlines, rates, delays), server_tls.c (the
 * border between clear and TLS), server_login.c (AUTH).
 * RFC 5321 4.1.4 gives the states.
 */
#ifndef SMTP_SERVER_INTERNAL_H
#define SMTP_SERVER_INTERNAL_H

#include <mailkit/smtp.h>

#include "wire/engine.h"
#include "wire/frame.h"
#include "wire/outq.h"

/* Every reply fits: EHLO's with a host name of 255 octets, and 400 octets of
 * the application's text. Room for one is reserved before a unit is read. */
enum { SERVER_REPLY_ROOM = 640, SERVER_TEXT_MAX = 400 };

typedef enum server_state {
    SERVER_OPEN = 0,    /* before the greeting */
    SERVER_GREETED = 1, /* HELO or EHLO is due */
    SERVER_READY = 2,   /* no transaction */
    SERVER_MAIL = 3,    /* a sender, no recipient accepted */
    SERVER_RCPT = 4,    /* recipients */
    SERVER_DATA = 5,    /* the body flows, or its end is being judged */
    SERVER_TURNED = 6,  /* greeted with 554: only QUIT (RFC 5321 3.1) */
    SERVER_ENDED = 7    /* nothing is read any more */
} server_state;

typedef enum server_question {
    QUESTION_NONE = 0,
    QUESTION_AUTO = 1,     /* not asked: accepted by the next step */
    QUESTION_ASKED = 2,    /* the event was given */
    QUESTION_LATER = 3,    /* put off */
    QUESTION_ANSWERED = 4, /* the reply lies behind the output's tail */
    QUESTION_DELAYED = 5   /* it lies there because there were many errors */
} server_question;

/* Have body octets been put off? */
typedef enum server_hold {
    HOLD_NONE = 0,
    HOLD_ON = 1,  /* nothing is read, the answer's time runs */
    HOLD_OVER = 2 /* answered: by the next step the peer's time runs anew */
} server_hold;

/* Why the body under way is only swallowed. */
typedef enum server_refusal {
    REFUSAL_NONE = 0,
    REFUSAL_ANSWER = 1, /* by the application; its reply is waiting */
    REFUSAL_SIZE = 2,
    REFUSAL_LINE = 3,
    REFUSAL_BARE = 4
} server_refusal;

/* How far STARTTLS, or TLS from the first octet, has come (Law 9). */
typedef enum server_border {
    BORDER_NONE = 0,    /* in clear; or behind it, when s->tls is set */
    BORDER_AHEAD = 1,   /* 220 is on its way */
    BORDER_ASKED = 2,   /* MK_EV_TLS_WANTED was given */
    BORDER_SHAKING = 3, /* mk_tls_begin came */
    BORDER_SPOILT = 4,  /* with clear octets */
    BORDER_FAILED = 5,  /* no TLS, and not a word in clear: eof_why has it */
    BORDER_PASSED = 6   /* TLS is up: what was said before is forgotten */
} server_border;

/* Where a login is (RFC 4954). */
typedef enum server_login {
    LOGIN_NONE = 0,
    LOGIN_MOVES = 1, /* the exchange has something to do */
    LOGIN_LINE = 2,  /* 334 was said: a line is awaited */
    LOGIN_STAR = 3,  /* and begins with "*" */
    LOGIN_OVER = 4   /* told; the next step gives the exchange back */
} server_login;

typedef struct smtp_server {
    mk_engine head; /* first */
    const mk_smtp_server_config *config;
    const mk_tls_info *tls; /* NULL: in clear */
    struct mk_sasl *sasl;   /* at the beginning of its room; NULL: no login */
    mk_framer framer;
    mk_outq out;
    uint64_t now_ms;
    uint64_t since_ms;      /* the request, or block of body, under way began;
                             * moved on by what was not the peer's time */
    uint64_t body_since_ms; /* likewise, of this body as a whole */
    uint64_t due_ms;     /* of the answer, or of the delayed reply; 0: none */
    uint64_t body_bytes; /* of this body, unstuffed; of a line of a login */
    mk_str finish_text;
    mk_err eof_why;
    mk_op op;
    uint32_t accepted;    /* recipients of this transaction */
    uint32_t turned_away; /* recipients of it that were refused */
    uint32_t messages;
    uint32_t errors;   /* since a message came to rest, */
    uint32_t junk;     /* likewise */
    uint16_t pending;  /* octets of the reply behind the output's tail */
    uint16_t failures; /* logins of this connection that failed */
    uint8_t state;     /* server_state */
    uint8_t question;  /* server_question */
    uint8_t answer;    /* mk_answer */
    uint8_t verb;      /* mk_smtp_verb the question is about */
    uint8_t refusal;   /* server_refusal */
    uint8_t hold;      /* server_hold */
    uint8_t border;    /* server_border */
    uint8_t login;     /* server_login */
    /* bits, for there are thousands of idle sessions */
    bool begun : 1; /* the clock of the peer runs */
    bool hurried : 1;
    bool esmtp : 1;
    bool known : 1;     /* logged in */
    bool dropped : 1;   /* HELO ended a transaction: to be told */
    bool guard : 1;     /* the reply on its way must be acknowledged first */
    bool starved : 1;   /* no unit or no room for a reply */
    bool last_word : 1; /* the pending reply ends the session (421) */
    bool eof : 1;
    bool finishing : 1;
    bool cut_off : 1; /* the end is not orderly: the output cannot go out */
    union {
        struct {
            mk_smtp_event event;
            mk_smtp_path path;
        } smtp;
        mk_fault fault;
    } of;
} smtp_server;

/* ---- server.c ---------------------------------------------------------------
 */

extern const mk_engine_ops mk_smtp_server_ops;

/* The only place that assigns the state; an illegal move ends the session. */
void mk_smtp_server_move(smtp_server *s, server_state to);

/* Queue a reply, "250 2.0.0 text": the enhanced code, if it stands there, goes
 * out only when ENHANCEDSTATUSCODES is offered. A 5xx is an error of the peer,
 * and delayed when there were many. Gives MK_E_AGAIN, so that a handler may
 * return it. */
mk_err mk_smtp_server_say(smtp_server *s, const char *line);

/* The same for a 5xx that is always delayed, by so much at least. */
mk_err mk_smtp_server_say_late(smtp_server *s, const char *line,
                               uint64_t least_ms);

/* Queue "334 ", the message in base64; MK_E_ROOM: it is too long. */
mk_err mk_smtp_server_challenge(smtp_server *s, mk_str message);

/* Prepare *ev as an event of this type about this verb. */
void mk_smtp_server_event(smtp_server *s, mk_event *ev, uint32_t type,
                          mk_smtp_verb verb);

/* Give the event as a question: asked, or accepted by the next step. */
mk_err mk_smtp_server_ask(smtp_server *s, mk_event *ev, mk_smtp_ask ask);

/* The peer is at fault: say `line` (NULL: nothing), end, give MK_EV_FAULT. */
mk_err mk_smtp_server_fault(smtp_server *s, mk_event *ev, mk_err why,
                            const char *line, uint64_t offset);

/* There is nothing to do; is there anything to end? */
mk_err mk_smtp_server_idle(smtp_server *s, mk_str in, mk_event *ev);

/* A number for the next question. */
void mk_smtp_server_next_op(smtp_server *s);

/* End in order, after what is queued. */
void mk_smtp_server_end(smtp_server *s);

/* ---- server_clock.c ---------------------------------------------------------
 */

/* A limit of the settings, or the smaller one of a hurried service. */
uint32_t mk_smtp_server_limit(const smtp_server *s, uint32_t usual,
                              uint32_t hurried);

/* A step begins. */
void mk_smtp_server_tick(smtp_server *s, uint64_t now_ms);

/* A request, or a block of body, is complete: the time for the next begins. */
void mk_smtp_server_heard(smtp_server *s);

/* Octets of body came: what they are worth for its rate. */
void mk_smtp_server_earn(smtp_server *s);

/* The application's time begins; ends. It is not the peer's. */
void mk_smtp_server_put_off(smtp_server *s);
void mk_smtp_server_resume(smtp_server *s);

/* The reply behind the output's tail goes out: at once, or after a delay when
 * it tells of an error of the peer and there were many. A 5xx does, and a 4xx
 * behind very many refused recipients. */
void mk_smtp_server_let_go(smtp_server *s, char first_digit);

/* The same, but an error waits for so long at least. */
void mk_smtp_server_let_go_late(smtp_server *s, char first_digit,
                                uint64_t least_ms);

/* A delayed reply: MK_WAIT, or MK_E_AGAIN when it is on its way. */
mk_err mk_smtp_server_delayed(smtp_server *s);
bool mk_smtp_server_is_delay_over(const smtp_server *s);

/* When the peer has been too slow, and when the next step is due. */
uint64_t mk_smtp_server_peer_due_ms(const smtp_server *s);
uint64_t mk_smtp_server_deadline(const mk_engine *e);

void mk_smtp_server_hurry(mk_engine *e, bool on);

/* ---- server_tls.c -----------------------------------------------------------
 */

/* What of the settings' extensions this connection is offered. */
uint32_t mk_smtp_server_offer(const smtp_server *s);

/* The peer has what MK_TLS_POLICY_MUST asks for, or need not. */
bool mk_smtp_server_is_trusted(const smtp_server *s);
mk_err mk_smtp_server_distrust(smtp_server *s, mk_event *ev);

mk_err mk_smtp_server_starttls(smtp_server *s, mk_str arg, mk_event *ev);

/* At the border: nothing is read, and nothing is said. */
mk_err mk_smtp_server_cross(smtp_server *s, mk_str in, mk_event *ev);
unsigned mk_smtp_server_border_want(const smtp_server *s);

mk_err mk_smtp_server_tls_begin(mk_engine *e, size_t held);
mk_err mk_smtp_server_tls_done(mk_engine *e, mk_err result,
                               const mk_tls_info *info);

/* ---- server_login.c ---------------------------------------------------------
 */

mk_err mk_smtp_server_auth(smtp_server *s, mk_str arg, mk_event *ev);

/* Go on with the login: read a line of it, or do what comes next. */
mk_err mk_smtp_server_login(smtp_server *s, mk_str *io_in, mk_event *ev);

/* The application did not tell, or too late. */
void mk_smtp_server_login_unanswered(smtp_server *s);
mk_err mk_smtp_server_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                                  const struct mk_sasl_keys *keys);

/* Too many failed: MK_EV_FAULT, else MK_E_AGAIN. */
mk_err mk_smtp_server_login_limit(smtp_server *s, mk_event *ev);

/* The room for one: a unit, or what lies in the block. NULL: none is free. */
void *mk_smtp_server_login_room(smtp_server *s, size_t *out_n);

/* Wipe the exchange and give its room back. */
void mk_smtp_server_login_close(smtp_server *s);

/* ---- server_verbs.c ---------------------------------------------------------
 */

/* Handle a command line. MK_OK: *ev was given; MK_E_AGAIN: go on. */
mk_err mk_smtp_server_line(smtp_server *s, mk_str line, mk_event *ev);

/* The default reply of a verb, by answer. */
const char *mk_smtp_server_default(mk_smtp_verb verb, mk_answer answer);

/* What follows an answer. */
void mk_smtp_server_apply(smtp_server *s);

/* ---- server_body.c ----------------------------------------------------------
 */

/* 354 was queued: the body begins. */
void mk_smtp_server_body_begin(smtp_server *s);

/* Read body. MK_OK, MK_WAIT or MK_E_AGAIN. */
mk_err mk_smtp_server_body(smtp_server *s, mk_str *io_in, mk_event *ev);

#endif
