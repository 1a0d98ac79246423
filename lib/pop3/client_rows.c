/* SPDX-License-Identifier: MIT
 *
 * client_rows.c: the client's rows of what to say, what is expected and where
 * next (RFC 1939 4 to 7, RFC 2449 5, RFC 6856 2.1). CAPA is asked anew behind
 * TLS and behind the login (THREATS 32), UTF8 is said before the login, where
 * alone it is legal. QUIT deletes what is marked, so it is said when all that
 * was asked before has come to its end, and never by the machine itself while
 * a message is marked.
 */
#include "pop3/client_internal.h"

#include <string.h>

enum {
    command_max = 32, /* "TOP 2147483647 4294967295" CRLF */
    capa_rows_max = 1000
};

typedef struct client_row {
    void (*hear)(mk_pop3_client *, bool is_ok); /* of the machine's own */
    uint16_t patience;                          /* offset of the setting */
    uint8_t arguments;                          /* numbers to be said */
    uint8_t flow;    /* client_flow, behind +OK ... */
    bool is_listing; /* ... when all are asked for; else the line has it */
} client_row;

/* ---- the ring ------------------------------------------------------------ */

static client_entry *entry_at(const mk_pop3_client *c, unsigned i)
{
    return &c->ring[(c->head + i) % c->config->pipeline_max];
}

client_entry *mk_pop3_client_front(const mk_pop3_client *c)
{
    return entry_at(c, 0);
}

client_entry *mk_pop3_client_find(const mk_pop3_client *c, mk_op op)
{
    unsigned i;

    for (i = 0; i < c->count; i++) {
        if (entry_at(c, i)->op == op) {
            return entry_at(c, i);
        }
    }
    return NULL;
}

void mk_pop3_client_pop(mk_pop3_client *c)
{
    c->head = (uint8_t)((c->head + 1U) % c->config->pipeline_max);
    c->count--;
    c->passed = (uint8_t)(c->passed - (c->passed > 0 ? 1 : 0));
    c->has_reply = false;
    c->core.since_ms = c->core.now_ms;
}

void mk_pop3_client_push(mk_pop3_client *c, const client_entry *entry)
{
    if (c->count == 0) {
        c->core.since_ms = c->core.now_ms;
    }
    *entry_at(c, c->count) = *entry;
    c->count++;
}

void mk_pop3_client_begin(mk_pop3_client *c, client_state state,
                          mk_pop3_verb verb)
{
    client_entry entry = {0};

    if (c->core.is_finishing) {
        state = CLIENT_QUIT;
        verb = MK_POP3_VERB_QUIT;
        mk_client_login_close(&c->core);
        mk_pop3_client_forget_apop(c);
    }
    entry.verb = (uint8_t)verb;
    mk_client_move(&c->core, state);
    mk_pop3_client_push(c, &entry);
}

/* ---- where next: before the application's turn --------------------------- */

/* Nothing can be deleted before a login. */
void mk_pop3_client_quit_now(mk_client *core)
{
    mk_pop3_client *c = mk_pop3_client_of(core);

    mk_pop3_client_forget_apop(c);
    mk_pop3_client_begin(c, CLIENT_QUIT, MK_POP3_VERB_QUIT);
}

void mk_pop3_client_ask_capa(mk_pop3_client *c)
{
    c->capabilities = 0;
    c->core.mechanisms = 0;
    c->login_delay_s = 0;
    c->expire_days = MK_POP3_EXPIRE_NEVER;
    c->is_utf8_user = false;
    mk_pop3_client_begin(c, CLIENT_CAPA, MK_POP3_VERB_CAPA);
}

static void hear_greeting(mk_pop3_client *c, bool is_ok)
{
    if (is_ok) {
        mk_pop3_client_ask_capa(c);
        return;
    }
    mk_client_turn_away(&c->core, MK_E_REFUSED,
                        c->retry == MK_RETRY_NEVER ? MK_RETRY_NEVER
                                                   : MK_RETRY_LATER,
                        "the server does not serve us");
}

static void ready(mk_pop3_client *c)
{
    c->core.pending |= PENDING_READY;
    mk_client_move(&c->core, CLIENT_READY);
}

static void log_in(mk_pop3_client *c)
{
    if (c->config->sasl != NULL) {
        mk_pop3_client_login(c);
    } else {
        ready(c);
    }
}

void mk_pop3_client_served(mk_client *core)
{
    mk_pop3_client *c = mk_pop3_client_of(core);

    if (core->is_known) {
        mk_pop3_client_forget_apop(c);
        mk_pop3_client_ask_capa(c);
    } else if (c->config->is_utf8 && !c->is_utf8 &&
               (c->capabilities & MK_POP3_CAPABILITY_UTF8) != 0) {
        mk_pop3_client_begin(c, CLIENT_UTF8, MK_POP3_VERB_UTF8);
    } else {
        log_in(c);
    }
}

/* The server's greeting is forgotten too. */
void mk_pop3_client_shaken(mk_client *core)
{
    mk_pop3_client *c = mk_pop3_client_of(core);

    mk_pop3_client_forget_apop(c);
    if (core->state == CLIENT_SHAKE) {
        mk_pop3_client_ask_capa(c);
    }
}

/* RFC 2595 4 */
static void hear_stls(mk_pop3_client *c, bool is_ok)
{
    if (is_ok) {
        mk_client_shake(&c->core);
    } else {
        mk_client_stay_clear(&c->core, "the server refuses STLS");
    }
}

/* A server without CAPA is asked for the optional commands when they are
 * needed (RFC 2449 5). */
static void hear_capa(mk_pop3_client *c, bool is_ok)
{
    c->has_capa = is_ok;
    if (!is_ok) {
        c->capabilities = c->config->capabilities &
                          (MK_POP3_CAPABILITY_USER | MK_POP3_CAPABILITY_TOP |
                           MK_POP3_CAPABILITY_UIDL);
    }
    if (c->core.is_known) {
        ready(c);
    } else if (c->core.tls != NULL || c->config->tls == MK_TLS_POLICY_NONE) {
        mk_pop3_client_served(&c->core);
    } else if ((c->capabilities & MK_POP3_CAPABILITY_STLS) != 0) {
        mk_pop3_client_begin(c, CLIENT_STLS, MK_POP3_VERB_STLS);
    } else {
        mk_client_stay_clear(&c->core, "the server does not offer STLS");
    }
}

static void hear_utf8(mk_pop3_client *c, bool is_ok)
{
    c->is_utf8 = is_ok;
    log_in(c);
}

/* ---- where next: commands ------------------------------------------------ */

static void malformed(mk_pop3_client *c, mk_err why)
{
    mk_pop3_client_fault(c, why, MK_RETRY_LATER, "a malformed listing");
}

static void tell_row(mk_pop3_client *c, mk_pop3_verb verb,
                     const client_number *row)
{
    const client_entry *front = mk_pop3_client_front(c);

    c->event_op = front->op;
    c->number = row->number;
    c->event.verb = verb;
    c->event.octets = row->octets;
    c->row_err =
        verb == MK_POP3_VERB_UIDL && row->uid.len == 0 ? MK_E_SYNTAX : MK_OK;
    if (row->uid.len > 0) {
        memcpy(c->uid, row->uid.ptr, row->uid.len);
    }
    c->event.argument = mk_str_of(c->uid, row->uid.len);
    if (!front->is_dropped) {
        c->core.pending |= PENDING_ROW;
    }
}

static mk_err parse_row(mk_pop3_verb verb, mk_str text, client_number *out)
{
    return verb == MK_POP3_VERB_LIST ? mk_pop3_parse_size(text, out)
                                     : mk_pop3_parse_uid(text, out);
}

/* "+OK" SP number SP octets, or the unique-id. */
static mk_err hear_one(mk_pop3_client *c, const client_entry *entry,
                       mk_str text)
{
    client_number row = {0};
    mk_err err = parse_row((mk_pop3_verb)entry->verb, text, &row);

    if (err == MK_OK && row.number != entry->number) {
        err = MK_E_PROTOCOL;
    }
    if (err == MK_OK) {
        tell_row(c, (mk_pop3_verb)entry->verb, &row);
    }
    return err;
}

/* What an +OK means. */
static mk_err take_effect(mk_pop3_client *c, const client_entry *entry,
                          mk_str text)
{
    switch ((mk_pop3_verb)entry->verb) {
    case MK_POP3_VERB_STAT:
        return mk_pop3_parse_stat(text, &c->event.count, &c->event.octets);
    case MK_POP3_VERB_LIST:
    case MK_POP3_VERB_UIDL:
        return hear_one(c, entry, text);
    case MK_POP3_VERB_DELE:
        c->has_marks = true;
        break;
    case MK_POP3_VERB_RSET:
        c->has_marks = false;
        break;
    default:
        break;
    }
    return MK_OK;
}

static void hear_command(mk_pop3_client *c, bool is_ok, mk_str text)
{
    const client_entry *front = mk_pop3_client_front(c);
    mk_err err = is_ok ? take_effect(c, front, text) : MK_OK;

    if (err != MK_OK) {
        malformed(c, err);
        return;
    }
    mk_pop3_client_done(c, is_ok ? MK_OK : MK_E_REFUSED);
    if (front->verb == MK_POP3_VERB_QUIT) {
        mk_pop3_client_over(c, MK_OK);
    }
}

static void hear_quit(mk_pop3_client *c, bool is_ok)
{
    (void)is_ok;
    mk_pop3_client_over(c, MK_OK);
}

/* ---- the table ----------------------------------------------------------- */

/* clang-format off */
#define MS(field) offsetof(mk_pop3_client_config, field)
static const client_row rows[] = {
    [MK_POP3_VERB_CONNECT] = {hear_greeting, MS(greeting_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_USER]    = {mk_pop3_client_hear_user, MS(command_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_PASS]    = {mk_pop3_client_hear_secret, MS(command_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_APOP]    = {mk_pop3_client_hear_secret, MS(command_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_AUTH]    = {mk_pop3_client_hear_auth, MS(command_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_STLS]    = {hear_stls, MS(tls_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_CAPA]    = {hear_capa, MS(command_ms), 0, FLOW_ROWS, false},
    [MK_POP3_VERB_UTF8]    = {hear_utf8, MS(command_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_STAT]    = {NULL, MS(command_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_LIST]    = {NULL, MS(command_ms), 1, FLOW_ROWS, true},
    [MK_POP3_VERB_UIDL]    = {NULL, MS(command_ms), 1, FLOW_ROWS, true},
    [MK_POP3_VERB_RETR]    = {NULL, MS(command_ms), 1, FLOW_BODY, false},
    [MK_POP3_VERB_TOP]     = {NULL, MS(command_ms), 2, FLOW_BODY, false},
    [MK_POP3_VERB_DELE]    = {NULL, MS(command_ms), 1, FLOW_NONE, false},
    [MK_POP3_VERB_NOOP]    = {NULL, MS(command_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_RSET]    = {NULL, MS(command_ms), 0, FLOW_NONE, false},
    [MK_POP3_VERB_QUIT]    = {hear_quit, MS(quit_ms), 0, FLOW_NONE, false},
};
#undef MS
/* clang-format on */

uint64_t mk_pop3_client_patience_ms(const mk_pop3_client *c)
{
    uint64_t ms;

    if (c->core.state == CLIENT_SHAKE) {
        return c->config->tls_ms;
    }
    if (c->count == 0 || c->is_put_off) {
        return c->config->answer_ms;
    }
    memcpy(&ms,
           (const char *)c->config +
               rows[mk_pop3_client_front(c)->verb].patience,
           sizeof ms);
    return ms;
}

/* ---- what is said -------------------------------------------------------- */

static mk_err say(mk_pop3_client *c, client_entry *entry)
{
    unsigned arguments = rows[entry->verb].arguments;
    mk_buf b;

    if (!mk_outq_reserve(&c->core.out, command_max)) {
        c->core.is_starved = c->core.out.unit == NULL;
        mk_outq_release(&c->core.out);
        return MK_WAIT;
    }
    b = mk_outq_room(&c->core.out);
    mk_buf_add_z(&b, mk_pop3_verb_name((mk_pop3_verb)entry->verb));
    if (arguments > 0 && entry->number > 0) {
        mk_buf_add_c(&b, ' ');
        mk_buf_add_u64(&b, entry->number);
    }
    if (arguments > 1) {
        mk_buf_add_c(&b, ' ');
        mk_buf_add_u64(&b, entry->lines);
    }
    mk_buf_add_z(&b, "\r\n");
    mk_outq_commit(&c->core.out, b.len);
    mk_outq_release(&c->core.out);
    entry->is_said = true;
    c->passed++;
    c->core.awaited++;
    return MK_OK;
}

/* RFC 2449 6.6. QUIT waits until it is alone: what was asked before it may yet
 * fail, and then nothing is to be deleted. */
static bool may_say(const mk_pop3_client *c)
{
    if (c->passed == c->count || c->core.state == CLIENT_GREETING ||
        c->core.state == CLIENT_LOGIN) {
        return false;
    }
    return c->passed == 0 ||
           ((c->capabilities & MK_POP3_CAPABILITY_PIPELINING) != 0 &&
            entry_at(c, c->passed)->verb != MK_POP3_VERB_QUIT);
}

/* The end, as mk_finish wants it: QUIT, unless it would delete something that
 * nobody asked to delete for good. A server that keeps nothing (RFC 2449 6.7:
 * EXPIRE 0) takes a message that was fetched for a marked one. */
static void finish(mk_pop3_client *c)
{
    if (c->has_marks || (c->has_fetched && c->expire_days == 0)) {
        mk_pop3_client_over(c, MK_OK);
    } else {
        mk_pop3_client_begin(c, CLIENT_QUIT, MK_POP3_VERB_QUIT);
    }
}

void mk_pop3_client_advance(mk_pop3_client *c)
{
    c->core.is_starved = false; /* until somebody wants a unit again */
    if (c->core.state == CLIENT_READY && c->count == 0 &&
        c->core.is_finishing) {
        finish(c);
    }
    if (c->core.state == CLIENT_LOGIN) {
        mk_pop3_client_login_advance(c);
    }
    while (may_say(c)) {
        client_entry *entry = entry_at(c, c->passed);

        if (entry->is_dropped) {
            c->passed++;
        } else if (say(c, entry) != MK_OK) {
            break;
        } else if (entry->verb == MK_POP3_VERB_QUIT &&
                   c->core.state == CLIENT_READY) {
            mk_client_move(&c->core, CLIENT_QUIT);
        }
    }
    if (c->passed > 0 && c->core.state == CLIENT_READY &&
        !mk_pop3_client_front(c)->is_said) {
        mk_pop3_client_done(c, MK_E_CANCELLED);
    }
}

/* ---- what is heard ------------------------------------------------------- */

static void begin_flow(mk_pop3_client *c, const client_row *row)
{
    c->flow = row->flow;
    c->flow_since_ms = c->core.now_ms;
    c->flow_from = c->core.framer.consumed;
    c->octets = 0;
    c->rows = 0;
    c->row_number = 0;
    mk_framer_mode(&c->core.framer,
                   row->flow == FLOW_BODY ? FRAME_DOT : FRAME_LINE, 0);
}

void mk_pop3_client_hear(mk_pop3_client *c, bool is_ok, mk_str text)
{
    client_entry *front = mk_pop3_client_front(c);
    const client_row *row = &rows[front->verb];

    memset(&c->event, 0, sizeof c->event);
    c->event.verb = (mk_pop3_verb)front->verb;
    c->number = front->number;
    c->event_op = front->op;
    c->has_reply = true;
    if (!front->is_dropped) {
        c->core.pending |= PENDING_REPLY;
    }
    if (is_ok && row->flow != FLOW_NONE &&
        (!row->is_listing || front->number == 0)) {
        c->has_fetched = c->has_fetched || front->verb == MK_POP3_VERB_RETR;
        begin_flow(c, row);
        return;
    }
    c->core.awaited--;
    if (front->op != 0) {
        hear_command(c, is_ok, text);
    } else {
        mk_pop3_client_pop(c);
        row->hear(c, is_ok);
    }
}

void mk_pop3_client_hear_row(mk_pop3_client *c, mk_str line)
{
    mk_pop3_verb verb = (mk_pop3_verb)mk_pop3_client_front(c)->verb;
    uint32_t max =
        verb == MK_POP3_VERB_CAPA ? capa_rows_max : c->config->rows_max;
    client_number row = {0};
    mk_err err = MK_OK;

    if (c->rows == max) {
        mk_pop3_client_fault(c, MK_E_COUNT, MK_RETRY_LATER,
                             "a listing of too many lines");
        return;
    }
    c->rows++;
    if (verb == MK_POP3_VERB_CAPA) {
        mk_pop3_client_learn(c, line);
        return;
    }
    err = parse_row(verb, line, &row);
    if (err == MK_OK && row.number <= c->row_number) {
        err = MK_E_PROTOCOL; /* once, and in order */
    }
    if (err != MK_OK) {
        malformed(c, err);
        return;
    }
    c->row_number = row.number;
    tell_row(c, verb, &row);
}

void mk_pop3_client_hear_end(mk_pop3_client *c)
{
    client_entry *front = mk_pop3_client_front(c);

    c->flow = FLOW_NONE;
    c->core.awaited--;
    mk_framer_mode(&c->core.framer, FRAME_LINE, 0);
    if (front->op != 0) {
        mk_pop3_client_done(c, MK_OK);
    } else {
        void (*hear)(mk_pop3_client *, bool) = rows[front->verb].hear;

        mk_pop3_client_pop(c);
        hear(c, true);
    }
}
