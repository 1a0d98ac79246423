/* SPDX-License-Identifier: MIT
 *
 * smtp/server.c: what is SMTP's own in a server that stands on wire/serve.h:
 * what replies look like (RFC 5321 4.2, enhanced codes of RFC 2034 and 3463),
 * its words, the greeting (RFC 5321 4.3.1), and the one function that assigns
 * the state. What the verbs do is in server_verbs.c.
 */
#include "smtp/server_internal.h"

#include "smtp/extensions.h"

#include "base/ascii.h"

#include <stddef.h>
#include <string.h>

enum {
    /* A list may well name more recipients than are taken, and its client goes
     * on to DATA behind them (RFC 5321 4.5.3.1.10); not for ever. */
    TURNED_AWAY_MAX = 1000
};

/* ---- state and events ---------------------------------------------------- */

void mk_smtp_server_move(smtp_server *s, server_state to)
{
    enum {
        DROPS = 1 << SERVER_READY,
        SPOILS = 1 << SERVER_SPOILT,
        DISCARDS = 1 << SERVER_SWALLOW,
        FORGETS = 1 << SERVER_GREETED, /* TLS is up (RFC 3207 4.2) */
        ANEW = 1 << SERVER_OPEN,       /* XCLIENT */
        FLOWS = 1 << SERVER_DATA | 1 << SERVER_CHUNKS | 1 << SERVER_SWALLOW,
        RESTS = 1 << SERVER_GREETED | 1 << SERVER_READY | 1 << SERVER_TURNED |
                1 << SERVER_SPOILT
    };
    static const uint16_t legal[] = {
        /* clang-format off */
        [SERVER_OPEN]     = 1 << SERVER_GREETED | 1 << SERVER_TURNED,
        [SERVER_GREETED]  = DROPS | DISCARDS | ANEW,
        [SERVER_READY]    = DROPS | DISCARDS | FORGETS | ANEW | 1 << SERVER_MAIL,
        [SERVER_MAIL]     = DROPS | DISCARDS | FORGETS | 1 << SERVER_RCPT,
        [SERVER_RCPT]     = DROPS | DISCARDS | FORGETS | 1 << SERVER_RCPT | 1 << SERVER_DATA,
        [SERVER_DATA]     = DROPS | SPOILS | 1 << SERVER_CHUNKS | 1 << SERVER_DELIVERY,
        [SERVER_TURNED]   = DISCARDS,
        [SERVER_CHUNKS]   = DROPS | FORGETS | 1 << SERVER_DATA,
        [SERVER_SPOILT]   = DROPS | DISCARDS | FORGETS,
        [SERVER_SWALLOW]  = DROPS | SPOILS | 1 << SERVER_GREETED | 1 << SERVER_TURNED | 1 << SERVER_DELIVERY,
        [SERVER_DELIVERY] = DROPS,
        /* clang-format on */
    };
    if ((legal[s->state] & (1U << to)) == 0) {
        mk_serve_break(&s->base);
        return;
    }
    s->state = (uint8_t)to;
    s->base.flowing = mk_smtp_server_is_in(s, FLOWS);
    s->base.at_rest = mk_smtp_server_is_in(s, RESTS);
    s->base.owing = to == SERVER_DELIVERY;
}

void mk_smtp_server_event(smtp_server *s, mk_event *ev, uint32_t type,
                          mk_smtp_verb verb)
{
    memset(ev, 0, sizeof *ev);
    memset(&s->of.smtp, 0, sizeof s->of.smtp);
    s->of.smtp.event.verb = verb;
    /* only RESET still tells of a transaction that is over */
    bool counts = type == MK_EV_SMTP_RESET ||
                  mk_smtp_server_in_transaction(s) || s->state == SERVER_DATA ||
                  s->state == SERVER_DELIVERY;
    s->of.smtp.event.accepted = counts ? s->accepted : 0;
    s->of.smtp.event.flags = s->esmtp ? MK_SMTP_EVENT_ESMTP : 0;
    s->of.smtp.event.tls = s->base.tls;
    ev->type = type;
    ev->of.smtp = &s->of.smtp.event;
}

mk_err mk_smtp_server_ask(smtp_server *s, mk_event *ev, mk_smtp_ask ask)
{
    bool is_asked = (s->config->asks & (uint32_t)ask) != 0;
    bool is_end = ask == MK_SMTP_ASK_END; /* all was said: nothing withdraws */

    return mk_serve_ask(&s->base, ev, (uint8_t)s->of.smtp.event.verb,
                        (is_asked ? (unsigned)SERVE_ASK : 0) |
                            (is_end ? (unsigned)SERVE_LASTING : 0));
}

/* ---- replies ------------------------------------------------------------- */

/* RFC 3463 2: status-code = class "." subject "." detail, where the last two
 * are 1*3digit "without leading zero digits". The class is looked at by the
 * caller. */
static bool is_enhanced_code(mk_str s)
{
    size_t i = 1;
    size_t part;
    size_t start;

    for (part = 0; part < 2; part++) {
        if (i >= s.len || s.ptr[i] != '.') {
            return false;
        }
        i++;
        for (start = i; i < s.len && mk_is_digit(mk_octet_at(s, i)); i++) {
        }
        if (i == start || i - start > 3 ||
            (s.ptr[start] == '0' && i - start > 1)) {
            return false;
        }
    }
    return i == s.len;
}

/* RFC 5321 4.2: Reply-code = %x32-35 %x30-35 %x30-39. RFC 3463 2: the class
 * of the enhanced code is the first digit. */
static bool is_code(mk_str code, mk_answer answer)
{
    static const char first_digit[] = {'2', '4', '5'};

    if (code.len < 3 || code.ptr[0] != first_digit[answer] ||
        code.ptr[1] < '0' || code.ptr[1] > '5' ||
        !mk_is_digit(mk_octet_at(code, 2))) {
        return false;
    }
    if (code.len == 3) {
        return true;
    }
    return code.len > 4 && code.ptr[3] == ' ' &&
           code.ptr[4] == first_digit[answer] &&
           is_enhanced_code(mk_str_sub(code, 4, SIZE_MAX));
}

/* Split "250 2.1.0 Ok" into "250 2.1.0" and "Ok". */
static void split_line(const char *line, mk_str *out_code, mk_str *out_text)
{
    mk_str all = mk_str_z(line);
    size_t n = mk_str_find(all, ' ');
    mk_str second = mk_str_sub(all, n + 1, SIZE_MAX);
    size_t m = mk_str_find(second, ' ');
    if (mk_str_find(mk_str_sub(second, 0, m), '.') < m) {
        n += 1 + m;
    }
    *out_code = mk_str_sub(all, 0, n);
    *out_text = mk_str_sub(all, n + 1, SIZE_MAX);
}

static bool is_hello(mk_smtp_verb verb)
{
    return verb == MK_SMTP_VERB_HELO || verb == MK_SMTP_VERB_EHLO ||
           verb == MK_SMTP_VERB_LHLO;
}

/* Enhanced codes go into all replies but those to HELO, EHLO and the greeting
 * (RFC 2034 4), and 3xx ones, which have none. */
static bool is_enhanced(mk_smtp_verb verb, mk_str code)
{
    return verb != MK_SMTP_VERB_CONNECT && !is_hello(verb) &&
           code.ptr[0] != '3';
}

/* One reply line. */
static void compose(const smtp_server *s, bool enhanced, mk_str code,
                    mk_str text, mk_buf *out)
{
    bool offered =
        (s->config->extensions & MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES) != 0;
    (void)mk_buf_add(out, mk_str_sub(code, 0, 3));
    if (offered && enhanced) {
        (void)mk_buf_add_c(out, ' ');
        if (code.len > 4) {
            (void)mk_buf_add(out, mk_str_sub(code, 4, SIZE_MAX));
        } else {
            (void)mk_buf_add_c(out, code.ptr[0]);
            (void)mk_buf_add_z(out, ".0.0");
        }
    }
    (void)mk_buf_add_c(out, ' ');
    (void)mk_buf_add(out, mk_str_sub(text, 0, SERVE_TEXT_MAX));
    (void)mk_buf_add_z(out, "\r\n");
}

static void compose_hello(const smtp_server *s, mk_smtp_verb verb, mk_buf *out)
{
    mk_buf rows = *out;
    (void)mk_buf_add_z(out, "250-");
    (void)mk_buf_add(out, s->config->hostname);
    (void)mk_buf_add_z(out, "\r\n");
    size_t first = out->len;
    if (verb != MK_SMTP_VERB_HELO) {
        mk_smtp_extensions_print(s->config, mk_smtp_server_offer(s),
                                 s->base.tls, out);
    }
    if (out->len == first) {
        out->ptr[rows.len + 3] = ' ';
    }
}

static void compose_greeting(const smtp_server *s, mk_str text, mk_buf *out)
{
    (void)mk_buf_add_z(out, "220 ");
    (void)mk_buf_add(out, s->config->hostname);
    (void)mk_buf_add_z(out, s->config->is_lmtp ? " LMTP " : " ESMTP ");
    (void)mk_buf_add(out, text.len > 0 ? mk_str_sub(text, 0, SERVE_TEXT_MAX)
                                       : s->config->banner);
    (void)mk_buf_add_z(out, "\r\n");
}

/* Is a reply with this digit about an error of the peer? */
static bool is_error(const smtp_server *s, char first_digit)
{
    return first_digit == '5' ||
           (first_digit == '4' && s->turned_away > TURNED_AWAY_MAX);
}

static bool fixed(const mk_serve *base, const char *line, mk_str text,
                  mk_buf *out, mk_fault *fault)
{
    const smtp_server *s = mk_smtp_server_at(base);
    mk_str code;
    mk_str own;
    split_line(line, &code, &own);
    if (fault != NULL) {
        fault->code = code;
        fault->text = own;
    }
    compose(s, code.len > 3, code, text.len > 0 ? text : own, out);
    return is_error(s, line[0]);
}

/* What follows these on the wire is told by the code itself, so that a yes
 * has one code only (RFC 5321 4.3.2). */
static bool is_other_code(mk_smtp_verb verb, mk_answer answer, mk_str code)
{
    bool is_fixed = verb == MK_SMTP_VERB_CONNECT || is_hello(verb) ||
                    verb == MK_SMTP_VERB_DATA || verb == MK_SMTP_VERB_BDAT;
    if (!is_fixed || answer != MK_ANSWER_YES || code.len == 0) {
        return false;
    }
    mk_str own = mk_str_z(mk_smtp_server_default(verb, MK_ANSWER_YES));
    return !mk_str_is(mk_str_sub(code, 0, 3), mk_str_sub(own, 0, 3));
}

static mk_err compose_answer(mk_serve *base, mk_answer answer, mk_str code,
                             mk_str text, mk_buf *out)
{
    const smtp_server *s = mk_smtp_server_at(base);
    mk_smtp_verb verb = (mk_smtp_verb)base->subject;
    mk_str own_code;
    mk_str own_text;
    if (is_other_code(verb, answer, code)) {
        return MK_E_ARG;
    }
    split_line(mk_smtp_server_default(verb, answer), &own_code, &own_text);
    code = code.len > 0 ? code : own_code;
    if (answer == MK_ANSWER_YES &&
        (verb == MK_SMTP_VERB_BDAT || verb == MK_SMTP_VERB_XCLIENT)) {
        return MK_OK; /* the octets of the chunk, or a greeting, come first */
    }
    if (answer == MK_ANSWER_YES && verb == MK_SMTP_VERB_CONNECT) {
        compose_greeting(s, text, out);
    } else if (answer == MK_ANSWER_YES && is_hello(verb)) {
        compose_hello(s, verb, out);
    } else {
        compose(s, is_enhanced(verb, code), code,
                text.len > 0 ? text : own_text, out);
    }
    base->last_word = mk_str_is(mk_str_sub(code, 0, 3), mk_str_z("421"));
    return MK_OK;
}

static mk_err apply(mk_serve *base, mk_event *ev)
{
    static const char digits[] = {'2', '4', '5'};
    smtp_server *s = mk_smtp_server_of(base);
    if (base->subject == MK_SMTP_VERB_BDAT) { /* its reply waits */
        mk_smtp_server_chunk_judged(s);
        return MK_E_AGAIN;
    }
    /* that a message is refused is no error of the dialogue */
    bool is_end = base->subject == MK_SMTP_VERB_END;
    mk_smtp_server_answered(s);
    mk_serve_let_go(base, !is_end && is_error(s, digits[base->answer]));
    if (!s->dropped) {
        return MK_E_AGAIN;
    }
    s->dropped = false;
    mk_smtp_server_event(s, ev, MK_EV_SMTP_RESET, (mk_smtp_verb)base->subject);
    return MK_OK;
}

/* ---- the machine --------------------------------------------------------- */

static mk_err greet(smtp_server *s, mk_event *ev)
{
    s->base.guard = true;
    mk_err err = mk_smtp_server_distrust(s, ev);
    if (err != MK_E_AGAIN) {
        return err;
    }
    mk_smtp_server_event(s, ev, MK_EV_SMTP_CONNECT, MK_SMTP_VERB_CONNECT);
    return mk_smtp_server_ask(s, ev, MK_SMTP_ASK_CONNECT);
}

/* The reply to EHLO and LHLO is longer than others; what might be one is not
 * read before there is room for it. */
static mk_err room_for_hello(smtp_server *s, mk_str in, mk_event *ev)
{
    unsigned char first = in.len > 0 ? mk_upper(mk_octet_at(in, 0)) : 0;
    if (first != 'E' && first != 'L') {
        return MK_E_AGAIN;
    }
    return mk_serve_make_room(&s->base, mk_smtp_extensions_room(s->config), in,
                              ev);
}

static mk_err turn(mk_serve *base, mk_str *io_in, mk_event *ev)
{
    smtp_server *s = mk_smtp_server_of(base);
    mk_err err;
    switch ((server_state)s->state) {
    case SERVER_OPEN:
        return greet(s, ev);
    case SERVER_DATA:
    case SERVER_SWALLOW:
        return mk_smtp_server_body(s, io_in, ev);
    case SERVER_DELIVERY:
        return mk_smtp_server_deliver(s, *io_in, ev);
    default:
        err = room_for_hello(s, *io_in, ev);
        return err != MK_E_AGAIN ? err : mk_serve_read(base, io_in, ev);
    }
}

static void close_server(mk_engine *e)
{
    smtp_server *s = (smtp_server *)(void *)e;
    mk_serve_close(&s->base);
    mk_wipe(s, sizeof *s);
}

static const mk_serve_words words = {
    .foreign = "554 5.7.0 This is an SMTP server",
    .early = "554 5.5.0 You talk too soon",
    .timeout = "421 4.4.2 Timeout, closing",
    .finish = "421 4.3.2 Service shutting down",
    .bare = "500 5.5.2 Bare CR, LF or NUL in command",
    .control = "500 5.5.2 CR or NUL in command",
    .too_long = "500 5.5.2 Line too long",
    .flood = "421 4.7.0 Line too long, closing",
    .errors = "421 4.7.0 Too many errors",
    /* RFC 4954 4, 6 */
    .challenge = "334 ",
    .wrong = "535 5.7.8 Authentication credentials invalid",
    .unsure = "454 4.7.0 Temporary authentication failure",
    .cancelled = "501 5.7.0 Authentication cancelled",
    .not_base64 = "501 5.5.2 Cannot decode that as base64",
    .message_long = "500 5.5.6 Line too long",
    .no_initial = "501 5.7.0 No initial response is allowed",
    .failures = "421 4.7.0 Too many failed logins",
    .no_room = "454 4.3.0 No room for a login now",
    .in_clear = "538 5.7.11 Encryption is required for this mechanism",
    .no_mechanism = "504 5.5.4 Mechanism not supported",
};

const mk_serve_kind mk_smtp_server_kind = {
    .ops = {MK_SERVE_OPS, .is_code = is_code, .close = close_server},
    .words = &words,
    .reply_room = SERVER_REPLY_ROOM,
    .fault = offsetof(smtp_server, of.fault),
    .limits = mk_smtp_server_limits,
    .turn = turn,
    .line = mk_smtp_server_line,
    .leads_octets = mk_smtp_server_leads_octets,
    .fixed = fixed,
    .compose = compose_answer,
    .apply = apply,
    .secured = mk_smtp_server_secured,
    .login = mk_smtp_server_login,
    .logged = mk_smtp_server_logged,
};
