/* SPDX-License-Identifier: MIT
 *
 * client_internal.h: the SMTP client machine, private to this folder. Two
 * cursors walk over the places of a dialogue: `sent` counts commands queued,
 * `got` counts replies heard, and what lies between is outstanding (RFC 2920
 * 3.1: replies are matched by counting and by nothing else). A transaction has
 * the places MAIL, RCPT for each recipient, DATA or the chunks, the end of the
 * body, and perhaps RSET; all other dialogues have one. Behind the end of a
 * body the next message may have begun: its replies come behind, and it comes
 * to the front when this one is done. The state is assigned by mk_client_move
 * only.
 */
#ifndef SMTP_CLIENT_INTERNAL_H
#define SMTP_CLIENT_INTERNAL_H

#include <mailkit/sasl.h>
#include <mailkit/smtp.h>

#include "smtp/extensions.h"
#include "wire/client.h"

typedef enum client_state {
    CLIENT_OVER = CLIENT_BORDER_OVER,
    CLIENT_SHAKE = CLIENT_BORDER_SHAKE,
    CLIENT_GREETING = 2, /* the 220 is awaited */
    CLIENT_HELLO = 3,    /* EHLO, or HELO */
    CLIENT_READY = 4,    /* the application's turn */
    CLIENT_ENVELOPE = 5, /* MAIL, RCPT, DATA */
    CLIENT_BODY = 6,     /* 354 came, the final dot is not queued */
    CLIENT_END = 7,      /* the final dot is queued: delivery may happen */
    CLIENT_COMMAND = 8,  /* NOOP, RSET, VRFY, EXPN, HELP */
    CLIENT_RESET = 9,    /* RSET after a transaction that came to nothing */
    CLIENT_QUIT = 10,
    CLIENT_STARTTLS = 11, /* STARTTLS */
    CLIENT_AUTH = 12      /* AUTH, and all that follows until its end */
} client_state;

/* Collects the lines of one reply; the limits are those of the settings. */
typedef struct reply_reader {
    char *mem; /* text kept */
    uint32_t mem_max;
    uint32_t mem_len;
    uint32_t lines;
    uint32_t octets;
    uint32_t lines_max;
    uint32_t octets_max;
    bool is_done; /* the next line begins another reply */
    mk_smtp_reply reply;
} reply_reader;

/* One dialogue: a message, or a single command. */
typedef struct client_talk {
    const mk_smtp_envelope *envelope; /* of a message; borrowed until DONE */
    uint32_t told;   /* of what is offered, what the envelope needs */
    uint32_t sent;   /* places whose command is queued */
    uint32_t end;    /* place of the last chunk, when it is queued; or 0 */
    uint8_t verb;    /* mk_smtp_verb of its first place */
    bool is_chunked; /* by BDAT */
    bool is_stopped; /* nothing more is sent for it */
} client_talk;

enum { CLIENT_LMTP_MAX = 1024 }; /* recipients of a message over LMTP */

typedef struct mk_smtp_client {
    mk_client core; /* its op is under way, or its DONE is pending; 0: none */
    const mk_smtp_client_config *config;
    uint64_t spent_ms;     /* of the block under way, by the server, while it is
                            * the application's turn */
    uint64_t taken;        /* octets of that block */
    mk_err outcome;        /* of op, told by DONE */
    client_talk talk;      /* under way */
    uint32_t got;          /* places of it whose reply was heard */
    uint32_t accepted;     /* recipients */
    uint32_t ends;         /* replies due to the end of the body */
    uint32_t delivered;    /* recipients for which they were good */
    uint32_t taker;        /* LMTP: the recipient behind the last of them */
    unsigned char *takers; /* LMTP: a bit for each that was accepted */
    uint32_t behind;       /* commands queued behind the end of the body */
    uint32_t mails;        /* messages of this connection */
    bool is_padded;        /* the last chunk was given a CRLF */
    bool is_short;         /* there was no unit for a chunk's line */
    bool is_esmtp;         /* EHLO was accepted */
    bool is_mail_ok;       /* a transaction is open at the server */
    bool is_body_last;     /* the last span was lent */
    bool was_ours;         /* in the last step it was the application's turn */
    mk_op last_op;
    mk_op next_op; /* the message behind it, whose commands may be joined to
                    * the end of the body (RFC 2920 3.1); 0: none */
    client_talk next;
    uint64_t lent;    /* octets of body lent */
    uint64_t octets;  /* of the wire that they become, not counting dots that
                       * are doubled */
    smtp_offer offer; /* of the server, and allowed by the settings */
    mk_outq_body body;
    reply_reader reader;
    mk_smtp_event event;
} mk_smtp_client;

static inline mk_smtp_client *mk_smtp_client_of(mk_client *core)
{
    return (mk_smtp_client *)(void *)core;
}

/* Neither is where it is not built in. */
static inline bool mk_smtp_talk_is_chunked(const client_talk *t)
{
    return SMTP_HAS(CHUNKING) && t->is_chunked;
}

static inline bool mk_smtp_client_is_lmtp(const mk_smtp_client *c)
{
    return SMTP_HAS_LMTP && c->config->is_lmtp;
}

extern const mk_client_kind mk_smtp_client_kind;

/* client_rows.c: what to send, what is expected, where next. */
mk_smtp_verb mk_smtp_client_verb_at(const client_talk *t, uint32_t place);
uint64_t mk_smtp_client_patience_ms(const mk_smtp_client *c);
void mk_smtp_client_begin(mk_smtp_client *c, client_state state,
                          mk_smtp_verb verb);
/* The message behind comes to the front. */
void mk_smtp_client_go_on(mk_smtp_client *c);
/* Queue the command of the place `sent`. MK_OK, or MK_WAIT: no room now. */
mk_err mk_smtp_client_say(mk_smtp_client *c, mk_str argument);
/* Queue what may be sent now; conclude what has come to its end. */
void mk_smtp_client_advance(mk_smtp_client *c);
/* Act on the reply in the reader, which answers the place `got`. */
void mk_smtp_client_hear(mk_smtp_client *c);
/* Take notice of one line of an EHLO reply. */
void mk_smtp_client_hear_line(mk_smtp_client *c, mk_str line);

/* client_body.c: is some of a body, or of its end, still here? */
bool mk_smtp_client_has_body(const mk_smtp_client *c);
bool mk_smtp_client_has_end(const mk_smtp_client *c);
/* Is a reply that comes now one to what was not sent? */
bool mk_smtp_client_is_early(const mk_smtp_client *c);
/* Is it the application that we wait for? */
bool mk_smtp_client_is_ours(const mk_smtp_client *c);
/* Spans that may be lent. */
size_t mk_smtp_client_body_room(const mk_smtp_client *c);
bool mk_smtp_client_gives_back(const mk_smtp_client *c);
mk_err mk_smtp_client_body(mk_engine *e, mk_op op, mk_str span, bool last);
/* There was no room for a chunk: is there now? */
void mk_smtp_client_body_again(mk_smtp_client *c);
/* Begin a body in chunks. */
void mk_smtp_client_chunks(mk_smtp_client *c);
/* The end is queued. */
void mk_smtp_client_end(mk_smtp_client *c);
void mk_smtp_client_hear_data(mk_smtp_client *c, unsigned first_digit);
void mk_smtp_client_hear_chunk(mk_smtp_client *c, unsigned first_digit);
void mk_smtp_client_hear_end(mk_smtp_client *c, unsigned first_digit);
/* LMTP: the recipient to which the next reply to the end belongs. */
uint32_t mk_smtp_client_next_taken(mk_smtp_client *c);

/* client.c: the end of things. */
void mk_smtp_client_done(mk_smtp_client *c, mk_err outcome);
void mk_smtp_client_over(mk_smtp_client *c);
void mk_smtp_client_fault(mk_smtp_client *c, mk_err why, mk_retry retry,
                          const char *text);

/* client_verbs.c: the client in e, when it is the application's turn. */
mk_err mk_smtp_client_find_ready(mk_engine *e, const mk_op *out_op,
                                 bool is_message, mk_smtp_client **out_c);
/* Say a command that is a dialogue of its own. */
mk_err mk_smtp_client_command_begin(mk_smtp_client *c, mk_smtp_verb verb,
                                    mk_str argument, mk_op *out_op);

/* client_rows.c, for the table: see mk_client_kind. */
void mk_smtp_client_quit_now(mk_client *core);
void mk_smtp_client_shaken(mk_client *core);
void mk_smtp_client_served(mk_client *core);

/* client_login.c (RFC 4954). A build without sasl/ has none of it, and settings
 * that ask for a login are refused. */
#ifndef MK_NO_SASL
void mk_smtp_client_login(mk_smtp_client *c);
/* A line of a reply to AUTH; then the whole reply. */
void mk_smtp_client_login_line(mk_smtp_client *c, mk_str line);
void mk_smtp_client_hear_auth(mk_smtp_client *c, unsigned first_digit);
#else
static inline void mk_smtp_client_login(mk_smtp_client *c)
{
    (void)c;
}
static inline void mk_smtp_client_login_line(mk_smtp_client *c, mk_str line)
{
    (void)c;
    (void)line;
}
#endif

/* reply_parse.c: RFC 5321 4.2 and RFC 2034 4. */
/* Take one line without its CRLF. MK_OK, or why it is a fault. */
mk_err mk_smtp_reply_add(reply_reader *r, mk_str line, bool is_enhanced);

#endif
