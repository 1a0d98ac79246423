/* SPDX-License-Identifier: MIT
 *
 * client_rows.c: the client's rows of what to send, what is expected and where
 * next (RFC 5321 4.1.1, 4.3.2), with the extensions SIZE (RFC 1870 6),
 * 8BITMIME (RFC 6152 3) and PIPELINING (RFC 2920 3.1). Replies are judged by
 * their first digit alone (4.3.2). It never sends DATA when no recipient can
 * be accepted any more, and never a dot that could deliver what nobody wants.
 */
#include "smtp/client_params.h"

#include <string.h>

typedef struct client_row {
    const char *word;
    void (*format)(const mk_smtp_client *, const client_talk *, mk_buf *);
    /* acts on the reply; first_digit is `good`, 4 or 5 */
    void (*hear)(mk_smtp_client *, unsigned first_digit);
    uint16_t patience; /* offset of the setting */
    uint8_t good;      /* first digit of "go on" */
} client_row;

/* ---- what to send -------------------------------------------------------- */

static void format_hello(const mk_smtp_client *c, const client_talk *t,
                         mk_buf *b)
{
    (void)t;
    mk_buf_add_c(b, ' ');
    mk_buf_add(b, c->config->hostname);
}

static void format_mail(const mk_smtp_client *c, const client_talk *t,
                        mk_buf *b)
{
    static const char *const bodies[] = {"", " BODY=7BIT", " BODY=8BITMIME",
                                         " BODY=BINARYMIME"};
    const mk_smtp_envelope *envelope = t->envelope;

    mk_buf_add(b, envelope->reverse_path);
    mk_buf_add_c(b, '>');
    if ((c->offer.extensions & MK_SMTP_EXTENSION_SIZE) != 0 &&
        envelope->message_bytes > 0) {
        mk_buf_add_z(b, " SIZE=");
        mk_buf_add_u64(b, envelope->message_bytes);
    }
    /* BINARYMIME was asked for and is offered, perhaps alone (RFC 3030 4.2). */
    if ((c->offer.extensions & MK_SMTP_EXTENSION_8BITMIME) != 0 ||
        envelope->body == MK_SMTP_BODY_BINARYMIME) {
        mk_buf_add_z(b, bodies[envelope->body]);
    }
    if (envelope->ops != NULL) {
        envelope->ops->mail(envelope, t->told, b);
    }
}

static void format_rcpt(const mk_smtp_client *c, const client_talk *t,
                        mk_buf *b)
{
    const mk_smtp_envelope *envelope = t->envelope;
    size_t index = t->sent - 1U;

    (void)c;
    mk_buf_add(b, envelope->forward_paths[index]);
    mk_buf_add_c(b, '>');
    if (envelope->ops != NULL) {
        envelope->ops->rcpt(envelope, index, t->told, b);
    }
}

/* RFC 5321 4.1.1.4: a final line without its CRLF is given one. */
static void format_end(const mk_smtp_client *c, const client_talk *t, mk_buf *b)
{
    (void)t;
    mk_buf_add_z(b, c->body.bol ? "." : "\r\n.");
}

/* ---- where next ---------------------------------------------------------- */

/* RFC 5321 3.8: the server closes whatever is under way. */
static void hear_refusal(mk_smtp_client *c)
{
    mk_smtp_client_fault(c, MK_E_REFUSED, MK_RETRY_LATER,
                         "the server closes the connection");
}

void mk_smtp_client_quit_now(mk_client *core)
{
    mk_smtp_client *c = mk_smtp_client_of(core);

    mk_smtp_client_done(c, core->fault.why); /* of an XCLIENT that led here */
    mk_smtp_client_begin(c, CLIENT_QUIT, MK_SMTP_VERB_QUIT);
}

static void refuse_session(mk_smtp_client *c, unsigned first_digit)
{
    mk_client_turn_away(&c->core, MK_E_REFUSED,
                        first_digit == 5 ? MK_RETRY_NEVER : MK_RETRY_LATER,
                        "the server does not serve us");
}

void mk_smtp_client_served(mk_client *core)
{
    mk_smtp_client *c = mk_smtp_client_of(core);

    if (core->sasl != NULL && !core->is_known) {
        mk_smtp_client_login(c);
    } else {
        core->pending |= PENDING_READY;
        mk_client_move(core, CLIENT_READY);
    }
}

/* RFC 2033 4.1: LHLO, and nothing else. */
static void say_hello(mk_smtp_client *c)
{
    mk_smtp_client_begin(c, CLIENT_HELLO,
                         mk_smtp_client_is_lmtp(c) ? MK_SMTP_VERB_LHLO
                                                   : MK_SMTP_VERB_EHLO);
}

void mk_smtp_client_shaken(mk_client *core)
{
    mk_smtp_client *c = mk_smtp_client_of(core);

    core->mechanisms = 0;
    memset(&c->offer, 0, sizeof c->offer);
    c->is_esmtp = false;
    if (core->state == CLIENT_SHAKE) {
        say_hello(c);
    }
}

/* HELO is through. */
static void greeted(mk_smtp_client *c)
{
    if (c->core.tls != NULL || c->config->tls == MK_TLS_POLICY_NONE) {
        mk_smtp_client_served(&c->core);
    } else if ((c->offer.extensions & MK_SMTP_EXTENSION_STARTTLS) != 0) {
        mk_smtp_client_begin(c, CLIENT_STARTTLS, MK_SMTP_VERB_STARTTLS);
    } else {
        mk_client_stay_clear(&c->core, "the server does not offer STARTTLS");
    }
}

/* RFC 3207 4 */
static void hear_starttls(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit == 2) {
        mk_client_shake(&c->core);
    } else {
        mk_client_stay_clear(&c->core, "the server refuses STARTTLS");
    }
}

static void hear_greeting(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit != 2) {
        refuse_session(c, first_digit);
    } else if (c->core.is_finishing) {
        mk_smtp_client_quit_now(&c->core);
    } else {
        say_hello(c);
    }
}

static void hear_ehlo(mk_smtp_client *c, unsigned first_digit)
{
    uint16_t code = c->reader.reply.code;

    if (first_digit == 2) {
        c->is_esmtp = true;
        greeted(c);
        return;
    }
    memset(&c->offer, 0, sizeof c->offer);
    if (!mk_smtp_client_is_lmtp(c) &&
        (code == 500 || code == 501 || code == 502 || code == 504 ||
         code == 550)) {
        mk_smtp_client_begin(c, CLIENT_HELLO, MK_SMTP_VERB_HELO);
    } else {
        refuse_session(c, first_digit);
    }
}

static void hear_helo(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit != 2) {
        refuse_session(c, first_digit);
        return;
    }
    greeted(c);
}

static void hear_mail(mk_smtp_client *c, unsigned first_digit)
{
    c->is_mail_ok = first_digit == 2;
    c->talk.is_stopped = c->talk.is_stopped || first_digit != 2;
}

static void hear_rcpt(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit != 2) {
        return;
    }
    if (!c->is_mail_ok) {
        /* Then whose recipient is it? Nobody may say what a dot would do. */
        mk_smtp_client_fault(c, MK_E_PROTOCOL, MK_RETRY_LATER,
                             "RCPT was accepted although MAIL was refused");
        return;
    }
    c->accepted++;
    if (mk_smtp_client_is_lmtp(c)) {
        c->takers[c->event.index / 8] |=
            (unsigned char)(1U << (c->event.index % 8));
    }
}

static void hear_command(mk_smtp_client *c, unsigned first_digit)
{
    mk_err outcome = first_digit == 2 ? MK_OK : MK_E_REFUSED;

    if (c->core.state == CLIENT_RESET || c->core.state == CLIENT_END) {
        /* Whoever cannot forget a transaction gets no other one; one that is
         * joined would be refused, or delivered, for what is left of this. */
        if (first_digit != 2 && c->next_op != 0) {
            mk_smtp_client_fault(c, MK_E_REFUSED, MK_RETRY_LATER,
                                 "the server cannot forget a transaction");
            return;
        }
        c->core.is_finishing = c->core.is_finishing || first_digit != 2;
        outcome = c->outcome;
    } else if (c->outcome == MK_E_CANCELLED) {
        outcome = MK_E_CANCELLED;
    }
    mk_client_move(&c->core, CLIENT_READY);
    mk_smtp_client_done(c, outcome);
}

#ifndef MK_NO_SMTP_EXTENSIONS
/* The session begins anew, for another peer; the reply is the greeting. */
static void hear_xclient(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit != 2) {
        hear_command(c, first_digit);
        return;
    }
    c->core.is_known = false;
    mk_smtp_client_shaken(&c->core);
    say_hello(c);
}
#endif

static void hear_quit(mk_smtp_client *c, unsigned first_digit)
{
    (void)first_digit;
    mk_smtp_client_done(c, MK_OK);
    mk_smtp_client_over(c);
}

/* clang-format off */
#define MS(field) offsetof(mk_smtp_client_config, field)
static const client_row rows[] = {
    [MK_SMTP_VERB_CONNECT] = {NULL,         NULL,         hear_greeting,
                              MS(greeting_ms), 2},
    [MK_SMTP_VERB_HELO]    = {"HELO",       format_hello, hear_helo,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_EHLO]    = {"EHLO",       format_hello, hear_ehlo,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_MAIL]    = {"MAIL FROM:<", format_mail, hear_mail,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_RCPT]    = {"RCPT TO:<",  format_rcpt,  hear_rcpt,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_DATA]    = {"DATA",       NULL, mk_smtp_client_hear_data,
                              MS(data_ms), 3},
    [MK_SMTP_VERB_END]     = {"",           format_end, mk_smtp_client_hear_end,
                              MS(end_ms), 2},
    [MK_SMTP_VERB_RSET]    = {"RSET",       NULL,         hear_command,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_NOOP]    = {"NOOP",       NULL,         hear_command,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_QUIT]    = {"QUIT",       NULL,         hear_quit,
                              MS(quit_ms), 2},
    [MK_SMTP_VERB_VRFY]    = {"VRFY",       NULL,         hear_command,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_EXPN]    = {"EXPN",       NULL,         hear_command,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_HELP]    = {"HELP",       NULL,         hear_command,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_STARTTLS] = {"STARTTLS",  NULL,         hear_starttls,
                              MS(tls_ms), 2},
#ifndef MK_NO_SMTP_EXTENSIONS
    [MK_SMTP_VERB_LHLO]    = {"LHLO",       format_hello, hear_ehlo,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_BDAT]    = {NULL,         NULL, mk_smtp_client_hear_chunk,
                              MS(block_ms), 2},
    [MK_SMTP_VERB_ETRN]    = {"ETRN",       NULL,         hear_command,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_XCLIENT] = {"XCLIENT",    NULL,         hear_xclient,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_XFORWARD] = {"XFORWARD",  NULL,         hear_command,
                              MS(command_ms), 2},
    [MK_SMTP_VERB_CLIENTID] = {"CLIENTID",  NULL,         hear_command,
                              MS(command_ms), 2},
#endif
#ifndef MK_NO_SASL
    [MK_SMTP_VERB_AUTH]    = {NULL,         NULL, mk_smtp_client_hear_auth,
                              MS(command_ms), 2},
#endif
};
#undef MS
/* clang-format on */

mk_smtp_verb mk_smtp_client_verb_at(const client_talk *t, uint32_t place)
{
    size_t recipients;

    if (t->verb != MK_SMTP_VERB_MAIL || place == 0) {
        return (mk_smtp_verb)t->verb;
    }
    recipients = t->envelope != NULL ? t->envelope->forward_count : 0;
    if (place <= recipients) {
        return MK_SMTP_VERB_RCPT;
    }
    if (!mk_smtp_talk_is_chunked(t)) {
        return place == recipients + 1 ? MK_SMTP_VERB_DATA : MK_SMTP_VERB_END;
    }
    if (t->end == 0 || place < t->end) {
        return MK_SMTP_VERB_BDAT;
    }
    return place == t->end ? MK_SMTP_VERB_END : MK_SMTP_VERB_RSET;
}

uint64_t mk_smtp_client_patience_ms(const mk_smtp_client *c)
{
    uint32_t place = c->talk.sent > c->got ? c->got : c->talk.sent;
    uint64_t ms;

    if (c->core.state == CLIENT_BODY ? !mk_outq_is_empty(&c->core.out)
                                     : mk_smtp_client_has_end(c)) {
        return c->config->block_ms;
    }
    if (mk_smtp_client_is_ours(c)) {
        return c->config->answer_ms;
    }
    memcpy(&ms,
           (const char *)c->config +
               rows[mk_smtp_client_verb_at(&c->talk, place)].patience,
           sizeof ms);
    return ms;
}

void mk_smtp_client_begin(mk_smtp_client *c, client_state state,
                          mk_smtp_verb verb)
{
    mk_client_move(&c->core, state);
    c->talk.verb = (uint8_t)verb;
    c->talk.sent = 0;
    c->got = 0;
    c->core.awaited = 0;
}

static mk_err say(mk_smtp_client *c, client_talk *t, mk_str argument)
{
    const client_row *row = &rows[mk_smtp_client_verb_at(t, t->sent)];
    bool has_room = mk_outq_reserve(&c->core.out, 1);
    mk_buf b = mk_outq_room(&c->core.out);

    c->core.is_starved = c->core.out.unit == NULL;
    mk_buf_add_z(&b, row->word);
    if (row->format != NULL) {
        row->format(c, t, &b);
    }
    if (argument.len > 0) {
        mk_buf_add_c(&b, ' ');
        mk_buf_add(&b, argument);
    }
    mk_buf_add_z(&b, "\r\n");
    if (!has_room || b.full) {
        mk_outq_release(&c->core.out);
        return MK_WAIT;
    }
    mk_outq_commit(&c->core.out, b.len);
    mk_outq_release(&c->core.out);
    t->sent++;
    if (c->core.state == CLIENT_BODY) {
        mk_smtp_client_end(c);
    } else {
        c->core.awaited++;
        c->behind += c->core.state == CLIENT_END;
    }
    return MK_OK;
}

mk_err mk_smtp_client_say(mk_smtp_client *c, mk_str argument)
{
    return say(c, &c->talk, argument);
}

/* RFC 2920 3.1: MAIL and RCPT anywhere in a group, DATA as the last. Without
 * the extension one at a time. */
static bool may_say_of_envelope(const mk_smtp_client *c, const client_talk *t)
{
    bool is_idle = c->core.awaited == 0;
    bool may_group =
        is_idle || (c->offer.extensions & MK_SMTP_EXTENSION_PIPELINING) != 0;

    if (t->is_stopped) {
        return false;
    }
    switch (mk_smtp_client_verb_at(t, t->sent)) {
    case MK_SMTP_VERB_MAIL:
    case MK_SMTP_VERB_RCPT:
        return may_group;
    case MK_SMTP_VERB_DATA:
        /* While replies are outstanding one recipient may yet be accepted. */
        return may_group && (c->accepted > 0 || !is_idle);
    default:
        return false;
    }
}

static bool may_say(const mk_smtp_client *c)
{
    switch ((client_state)c->core.state) {
    case CLIENT_HELLO:
    case CLIENT_STARTTLS:
    case CLIENT_COMMAND:
    case CLIENT_RESET:
    case CLIENT_QUIT:
        return c->talk.sent == 0;
    case CLIENT_ENVELOPE:
        return may_say_of_envelope(c, &c->talk);
    case CLIENT_BODY:
        return c->is_body_last;
    case CLIENT_GREETING:
    case CLIENT_READY:
    case CLIENT_END:
    case CLIENT_OVER:
    case CLIENT_SHAKE:
    case CLIENT_AUTH: /* more than one line may be due: client_login.c */
        break;
    }
    return false;
}

/* RFC 2920 3.1: MAIL may stand behind the final dot. */
static bool may_say_next(const mk_smtp_client *c)
{
    return c->core.state == CLIENT_END && c->next_op != 0 &&
           may_say_of_envelope(c, &c->next);
}

/* RFC 3030 2: whatever fails in chunks must be reset before anything else is
 * said; a RSET that was not needed costs no time there. */
static client_talk *behind_end(mk_smtp_client *c)
{
    return mk_smtp_talk_is_chunked(&c->talk) && c->talk.sent == c->talk.end + 1
               ? &c->talk
               : &c->next;
}

/* All replies are there and there is nothing more to say: it came to nothing.
 * RFC 5321 4.1.1.5: RSET lets the server forget what it holds. */
static void conclude(mk_smtp_client *c)
{
    if (c->is_mail_ok) {
        mk_smtp_client_begin(c, CLIENT_RESET, MK_SMTP_VERB_RSET);
        return;
    }
    mk_client_move(&c->core, CLIENT_READY);
    mk_smtp_client_done(c, c->outcome);
}

/* No reply is due, and nothing can be said. */
static void settle(mk_smtp_client *c)
{
    bool is_next =
        mk_smtp_talk_is_chunked(&c->talk) &&
        mk_smtp_client_verb_at(&c->talk, c->talk.sent) == MK_SMTP_VERB_BDAT;

    if (c->core.state == CLIENT_ENVELOPE && is_next && c->accepted > 0 &&
        !c->talk.is_stopped) {
        mk_smtp_client_chunks(c);
    } else if (c->core.state == CLIENT_ENVELOPE ||
               (mk_smtp_client_has_body(c) &&
                mk_smtp_talk_is_chunked(&c->talk) &&
                (c->talk.is_stopped || c->core.state == CLIENT_END))) {
        conclude(c);
    }
}

void mk_smtp_client_go_on(mk_smtp_client *c)
{
    mk_client *core = &c->core;

    core->op = c->next_op;
    c->talk = c->next;
    c->next_op = 0;
    memset(&c->next, 0, sizeof c->next);
    c->got = 0;
    c->accepted = 0;
    c->delivered = 0;
    c->ends = 0;
    c->behind = 0;
    c->taker = 0;
    if (mk_smtp_client_is_lmtp(c)) {
        memset(c->takers, 0, CLIENT_LMTP_MAX / 8);
    }
    c->is_padded = false;
    c->is_short = false;
    c->lent = 0;
    c->octets = 0;
    c->is_mail_ok = false;
    c->is_body_last = false;
    if (core->state != CLIENT_OVER) {
        /* refused until the server takes it */
        c->outcome = c->talk.is_stopped ? MK_E_CANCELLED : MK_E_REFUSED;
        mk_client_move(core, CLIENT_ENVELOPE);
        return;
    }
    /* Whatever became of the one before it, this one was never taken. */
    if (c->talk.is_stopped) {
        c->outcome = MK_E_CANCELLED;
    } else if (core->fault.why != MK_OK) {
        c->outcome = core->fault.why == MK_E_REFUSED ? MK_E_CUT /* not this */
                                                     : core->fault.why;
        core->fault.retry =
            core->fault.retry == MK_RETRY_NOW ? MK_RETRY_NOW : MK_RETRY_LATER;
        core->pending |= PENDING_FAULT;
    }
    core->pending |= PENDING_DONE;
}

void mk_smtp_client_advance(mk_smtp_client *c)
{
    c->core.is_starved = false; /* until somebody wants a unit again */
    if (c->core.state == CLIENT_READY && c->core.is_finishing) {
        mk_smtp_client_quit_now(&c->core);
    }
    if (c->core.awaited == 0 && !may_say(c)) {
        settle(c);
    }
    if (SMTP_HAS(CHUNKING) && c->is_short) {
        mk_smtp_client_body_again(c);
    }
    if (c->core.state == CLIENT_AUTH) {
        mk_client_login_advance(&c->core);
    }
    while (may_say(c)) {
        if (say(c, &c->talk, mk_str_of(NULL, 0)) != MK_OK) {
            return;
        }
    }
    while (may_say_next(c)) {
        if (say(c, behind_end(c), mk_str_of(NULL, 0)) != MK_OK) {
            return;
        }
    }
}

void mk_smtp_client_hear(mk_smtp_client *c)
{
    mk_smtp_verb verb = mk_smtp_client_verb_at(&c->talk, c->got);
    const client_row *row = &rows[verb];
    unsigned first_digit = c->reader.reply.code / 100U;

    memset(&c->event, 0, sizeof c->event);
    c->event.verb = verb;
    if (verb == MK_SMTP_VERB_RCPT) {
        c->event.index = c->got - 1;
    } else if (verb == MK_SMTP_VERB_END && mk_smtp_client_is_lmtp(c)) {
        c->event.index = mk_smtp_client_next_taken(c);
    }
    c->core.pending |= PENDING_REPLY;
    c->got += verb != MK_SMTP_VERB_END || c->ends == 1;
    c->core.awaited--;
    if (c->reader.reply.code == 421 && verb != MK_SMTP_VERB_QUIT) {
        hear_refusal(c);
    } else if (first_digit >= 4 || first_digit == row->good ||
               (first_digit == 3 && verb == MK_SMTP_VERB_AUTH) ||
               verb == MK_SMTP_VERB_QUIT) {
        row->hear(c, first_digit);
    } else {
        mk_smtp_client_fault(c, MK_E_PROTOCOL, MK_RETRY_LATER,
                             "a reply of a class that answers nothing");
    }
    c->event.accepted = c->accepted;
}

/* A line of the reply to EHLO; the first one is a greeting only. */
void mk_smtp_client_hear_line(mk_smtp_client *c, mk_str line)
{
    if (c->reader.lines > 1) {
        c->offer.mechanisms = mk_str_of(NULL, 0); /* of another line */
        mk_smtp_extensions_learn(mk_str_sub(line, 4, SIZE_MAX),
                                 c->config->extensions, &c->offer);
        if (c->offer.mechanisms.len > 0 && c->core.sasl != NULL) {
            c->core.mechanisms |= c->core.sasl->parse(c->offer.mechanisms);
        }
    }
}
