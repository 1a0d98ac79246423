/* SPDX-License-Identifier: MIT
 *
 * pop3/server.c: what makes wire/serve.h a POP3 server (RFC 1939 3): its
 * words, its status lines with response codes (RFC 2449 8, RFC 3206), the
 * answers to its questions and what follows them, and the one function that
 * assigns the state. It knows no message and deletes none: what is marked goes
 * at QUIT, by the application, when MK_EV_POP3_UPDATE tells it, and never
 * otherwise.
 */
#include "pop3/server_internal.h"

#include "base/ascii.h"

#include <stddef.h>
#include <string.h>

const char mk_pop3_server_distrust[] = "-ERR A certificate to trust is needed";

static const mk_str none = {NULL, 0};

/* ---- state, events ------------------------------------------------------- */

void mk_pop3_server_move(pop3_server *s, server_state to)
{
    static const uint8_t legal[] = {
        [SERVER_OPEN] = 1 << SERVER_AUTHORIZATION,
        [SERVER_AUTHORIZATION] = 1 << SERVER_OPENING,
        [SERVER_OPENING] = 1 << SERVER_AUTHORIZATION | 1 << SERVER_TRANSACTION,
        [SERVER_TRANSACTION] = 1 << SERVER_UPDATE,
        [SERVER_UPDATE] = 0,
    };
    if ((legal[s->state] & (1U << to)) == 0) {
        mk_serve_break(&s->serve);
        return;
    }
    s->state = (uint8_t)to;
}

void mk_pop3_server_event(pop3_server *s, mk_event *ev, uint32_t type,
                          mk_pop3_verb verb)
{
    memset(ev, 0, sizeof *ev);
    memset(&s->of.event, 0, sizeof s->of.event);
    s->of.event.verb = verb;
    s->of.event.number = s->number;
    s->of.event.flags = s->is_utf8 ? MK_POP3_EVENT_UTF8 : 0;
    s->of.event.tls = s->serve.tls;
    ev->type = type;
    ev->of.pop3 = &s->of.event;
}

mk_err mk_pop3_server_ask(pop3_server *s, mk_event *ev, unsigned flags)
{
    return mk_serve_ask(&s->serve, ev, (uint8_t)(ev->type - MK_EV_POP3),
                        SERVE_ASK | flags);
}

/* ---- status lines -------------------------------------------------------- */

/* AUTH and SYS/… are RFC 3206's. */
static bool is_code_offered(const pop3_server *s, mk_str code)
{
    uint32_t needed = MK_POP3_CAPABILITY_RESP_CODES;

    if (mk_str_is_nocase(code, mk_str_z("AUTH")) ||
        mk_str_has_prefix_nocase(code, mk_str_z("SYS/"))) {
        needed |= MK_POP3_CAPABILITY_AUTH_RESP_CODE;
    }
    return code.len > 0 && (s->config->capabilities & needed) == needed;
}

/* single-line = status [SP text] CRLF; text = *schar / resp-code *CHAR */
static void format(const pop3_server *s, bool is_ok, mk_str code, mk_str text,
                   mk_buf *out)
{
    bool has_code = is_code_offered(s, code);

    (void)mk_buf_add_z(out, is_ok ? "+OK" : "-ERR");
    if (has_code) {
        (void)mk_buf_add_z(out, " [");
        (void)mk_buf_add(out, code);
        (void)mk_buf_add_c(out, ']');
    }
    while (!has_code && text.len > 0 && text.ptr[0] == '[') {
        text = mk_str_sub(text, 1, SIZE_MAX); /* it would be taken for a code */
    }
    if (text.len > 0) {
        (void)mk_buf_add_c(out, ' ');
        (void)mk_buf_add(out, mk_str_sub(text, 0, SERVE_TEXT_MAX));
    }
    (void)mk_buf_add_z(out, "\r\n");
}

/* greeting = "+OK" [resp-code] *gchar [timestamp] *gchar CRLF: without "<",
 * and the timestamp holds the host's name already. */
static void format_greeting(const pop3_server *s, mk_str text, mk_buf *out)
{
    char mem[SERVER_STATUS_MAX];
    mk_buf stamp;
    size_t room;

    mk_buf_init(&stamp, mem, sizeof mem);
    (void)mk_buf_add_z(out, "+OK ");
    if (s->is_stamped) {
        (void)mk_buf_add_c(&stamp, ' ');
        mk_pop3_apop_stamp(s->stamp, s->config->hostname, &stamp);
    } else {
        (void)mk_buf_add(out, s->config->hostname);
        (void)mk_buf_add_c(out, ' ');
    }
    (void)mk_buf_add_z(&stamp, "\r\n");
    (void)mk_buf_add_z(out, "POP3 ");
    room = SERVER_STATUS_MAX - out->len - stamp.len;
    text = text.len > 0 ? text : s->config->banner;
    text = mk_str_sub(text, 0, mk_str_find(text, '<'));
    (void)mk_buf_add(out, mk_str_sub(text, 0, room));
    (void)mk_buf_add(out, mk_buf_str(&stamp));
}

/* Split "-ERR [SYS/TEMP] Try again later". */
static void split(const char *line, mk_str *out_code, mk_str *out_text)
{
    mk_str all = mk_str_z(line);
    mk_str text = mk_str_sub(all, mk_str_find(all, ' ') + 1, SIZE_MAX);
    mk_str code = none;

    if (text.len > 0 && text.ptr[0] == '[') {
        size_t end = mk_str_find(text, ']');
        code = mk_str_sub(text, 1, end - 1);
        text = mk_str_sub(text, end + 2, SIZE_MAX);
    }
    *out_code = code;
    *out_text = text;
}

static bool fixed(const mk_serve *serve, const char *line, mk_str text,
                  mk_buf *out, mk_fault *fault)
{
    const pop3_server *s = pop3_server_const(serve);
    bool is_ok = line[0] == '+';
    mk_str code;
    mk_str own;

    split(line, &code, &own);
    format(s, is_ok, code, text.len > 0 ? text : own, out);
    mk_pop3_server_rows(s, line, out);
    if (fault != NULL) {
        fault->code = code;
        fault->text = own;
    }
    return !is_ok && !mk_str_is(code, mk_str_z("SYS/TEMP"));
}

/* resp-code = "[" resp-level *("/" resp-level) "]" */
static bool is_code(mk_str code, mk_answer answer)
{
    bool is_level = false;

    (void)answer;
    for (size_t i = 0; i < code.len; i++) {
        unsigned char c = mk_octet_at(code, i);
        bool is_slash = c == '/';

        if (!mk_is_vchar(c) || c == '[' || c == ']' ||
            (is_slash && !is_level)) {
            return false;
        }
        is_level = !is_slash;
    }
    return is_level && code.len <= SERVER_CODE_MAX;
}

/* ---- answers ------------------------------------------------------------- */

static const char *default_reply(uint8_t subject, mk_answer answer)
{
    static const struct {
        uint8_t subject;
        const char *yes, *no;
    } rows[] = {
        /* clang-format off */
        {SUBJECT_CONNECT, "+OK",                                  "-ERR [SYS/PERM] No POP3 service here"},
        {SUBJECT_OPEN,    "+OK",                                  "-ERR [SYS/PERM] Cannot open the maildrop"},
        {SUBJECT_STAT,    "+OK",                                  "-ERR Refused"},
        {SUBJECT_LIST,    "+OK Sizes follow",                     "-ERR No such message"},
        {SUBJECT_UIDL,    "+OK Unique-ids follow",                "-ERR No such message"},
        {SUBJECT_RETR,    "+OK Message follows",                  "-ERR No such message"},
        {SUBJECT_TOP,     "+OK Top of message follows",           "-ERR No such message"},
        {SUBJECT_DELE,    "+OK Marked as deleted",                "-ERR No such message"},
        {SUBJECT_RSET,    "+OK Nothing is marked as deleted",     "-ERR Refused"},
        {SUBJECT_UPDATE,  "+OK Bye",                              "-ERR Some messages were not removed"},
        /* clang-format on */
    };
    size_t i = 0;

    while (i + 1 < sizeof rows / sizeof rows[0] && rows[i].subject != subject) {
        i++;
    }
    if (answer == MK_ANSWER_LATER) {
        return "-ERR [SYS/TEMP] Try again later";
    }
    return answer == MK_ANSWER_YES ? rows[i].yes : rows[i].no;
}

/* Some questions want more than a yes. */
static bool wants_more(const pop3_server *s)
{
    bool is_listing =
        s->serve.subject == SUBJECT_LIST || s->serve.subject == SUBJECT_UIDL;

    return s->serve.subject == SUBJECT_OPEN ||
           s->serve.subject == SUBJECT_STAT || (is_listing && s->number > 0);
}

static mk_err compose(mk_serve *serve, mk_answer answer, mk_str code,
                      mk_str text, mk_buf *out)
{
    pop3_server *s = pop3_server_of(serve);
    bool is_yes = answer == MK_ANSWER_YES;
    mk_str own_code;
    mk_str own_text;

    if (is_yes && wants_more(s) && !s->is_telling) {
        return MK_E_ARG;
    }
    serve->last_word = serve->subject == SUBJECT_UPDATE ||
                       (serve->subject == SUBJECT_CONNECT && !is_yes);
    if (is_yes && serve->subject == SUBJECT_CONNECT) {
        format_greeting(s, text, out);
        return MK_OK;
    }
    split(default_reply(serve->subject, answer), &own_code, &own_text);
    format(s, is_yes, code.len > 0 ? code : own_code,
           text.len > 0 ? text : own_text, out);
    return MK_OK;
}

static void opened(pop3_server *s)
{
    bool is_yes = s->serve.answer == MK_ANSWER_YES;

    mk_serve_login_close(&s->serve);
    s->serve.known = is_yes;
    mk_pop3_server_move(s, is_yes ? SERVER_TRANSACTION : SERVER_AUTHORIZATION);
}

/* That something is refused by the application is no error of the dialogue: a
 * maildrop may hold many messages that cannot be had. */
static mk_err apply(mk_serve *serve, mk_event *ev)
{
    pop3_server *s = pop3_server_of(serve);
    bool is_yes = serve->answer == MK_ANSWER_YES;

    (void)ev;
    if (serve->subject == SUBJECT_CONNECT && is_yes) {
        mk_pop3_server_move(s, SERVER_AUTHORIZATION);
    } else if (serve->subject == SUBJECT_OPEN) {
        opened(s);
    }
    mk_serve_let_go(serve, false);
    if (is_yes) {
        mk_pop3_server_body_begin(s);
    }
    return MK_E_AGAIN;
}

/* Is the application asked this, under this number? */
static bool is_asked(const pop3_server *s, mk_op op)
{
    return op != 0 && op == s->serve.op &&
           (s->serve.question == SERVE_QUESTION_ASKED ||
            s->serve.question == SERVE_QUESTION_LATER);
}

/* Answer YES with a text that others read. */
static mk_err tell(pop3_server *s, mk_op op, const mk_buf *text)
{
    mk_err err;

    s->is_telling = true;
    err = mk_serve_reply(&s->serve.head, op, MK_ANSWER_YES, none,
                         mk_buf_str(text));
    s->is_telling = false;
    return err;
}

mk_err mk_pop3_server_maildrop(mk_engine *e, mk_op op, uint32_t count,
                               uint64_t octets)
{
    mk_engine *heart = mk_wire_heart(e, &mk_pop3_server_kind.ops);
    pop3_server *s = (pop3_server *)(void *)heart;
    bool is_open, is_stat;
    char mem[64];
    mk_buf text;
    mk_err err;

    if (heart == NULL) {
        return MK_E_ARG;
    }
    if (!is_asked(s, op)) {
        return MK_E_STALE;
    }
    is_open = s->serve.subject == SUBJECT_OPEN;
    is_stat = s->serve.subject == SUBJECT_STAT;
    if (!(is_open && count <= INT32_MAX) && !(is_stat && count <= s->count)) {
        return MK_E_ARG;
    }
    mk_buf_init(&text, mem, sizeof mem);
    (void)mk_buf_add_u64(&text, count);
    (void)mk_buf_add_z(&text, !is_open     ? " "
                              : count == 1 ? " message ("
                                           : " messages (");
    (void)mk_buf_add_u64(&text, octets);
    (void)mk_buf_add_z(&text, is_open ? " octets)" : "");
    err = tell(s, op, &text);
    if (err == MK_OK && is_open) {
        s->count = count;
    }
    return err;
}

/* Tell about one message: the answer to a question, or a row. */
static mk_err tell_row(pop3_server *s, mk_op op, server_subject subject,
                       uint32_t number, mk_buf *row)
{
    bool is_about = op != 0 && op == s->serve.op && s->serve.subject == subject;

    if (is_about && s->serve.streaming) {
        (void)mk_buf_add_z(row, "\r\n");
        return number > 0 && number <= s->count
                   ? mk_serve_stream_row(&s->serve, op, mk_buf_str(row))
                   : MK_E_ARG;
    }
    if (is_about && mk_pop3_server_is_ahead(s, op)) {
        return MK_WAIT; /* the status line comes first */
    }
    if (!is_asked(s, op)) {
        return MK_E_STALE;
    }
    return is_about && number > 0 && number == s->number ? tell(s, op, row)
                                                         : MK_E_ARG;
}

mk_err mk_pop3_server_size(mk_engine *e, mk_op op, uint32_t number,
                           uint64_t octets)
{
    mk_engine *heart = mk_wire_heart(e, &mk_pop3_server_kind.ops);
    char mem[64];
    mk_buf row;

    if (heart == NULL) {
        return MK_E_ARG;
    }
    mk_buf_init(&row, mem, sizeof mem);
    (void)mk_buf_add_u64(&row, number);
    (void)mk_buf_add_c(&row, ' ');
    (void)mk_buf_add_u64(&row, octets);
    return tell_row((pop3_server *)(void *)heart, op, SUBJECT_LIST, number,
                    &row);
}

/* unique-id = 1*70(%x21-7E) */
static bool is_uid(mk_str uid)
{
    bool is_good = uid.len > 0 && uid.len <= MK_POP3_UID_MAX;

    for (size_t i = 0; is_good && i < uid.len; i++) {
        is_good = mk_is_vchar(mk_octet_at(uid, i));
    }
    return is_good;
}

mk_err mk_pop3_server_uid(mk_engine *e, mk_op op, uint32_t number, mk_str uid)
{
    mk_engine *heart = mk_wire_heart(e, &mk_pop3_server_kind.ops);
    char mem[16 + MK_POP3_UID_MAX];
    mk_buf row;

    if (heart == NULL || !is_uid(uid)) {
        return MK_E_ARG;
    }
    mk_buf_init(&row, mem, sizeof mem);
    (void)mk_buf_add_u64(&row, number);
    (void)mk_buf_add_c(&row, ' ');
    (void)mk_buf_add(&row, uid);
    return tell_row((pop3_server *)(void *)heart, op, SUBJECT_UIDL, number,
                    &row);
}

/* ---- the table ----------------------------------------------------------- */

static void limits(const mk_serve *serve, mk_serve_limits *out)
{
    const pop3_server *s = pop3_server_const(serve);
    const mk_pop3_server_config *c = s->config;
    bool is_known = s->state >= SERVER_TRANSACTION;

    out->peer_ms = is_known
                       ? mk_serve_least(serve, c->idle_ms, c->hurry_idle_ms)
                       : mk_serve_least(serve, c->login_ms, c->hurry_login_ms);
    out->answer_ms = c->answer_ms;
    out->delay_ms = c->delay_ms;
    out->auth_delay_ms = c->auth_delay_ms;
    out->rate_after_ms = c->rate_after_ms;
    out->rate_min = c->rate_min;
    out->errors_soft = c->errors_soft;
    out->errors_max =
        (uint32_t)mk_serve_least(serve, c->errors_max, c->hurry_errors_max);
    out->auth_failures_max = c->auth_failures_max;
    out->is_lenient = true;
}

static mk_err greet(pop3_server *s, mk_event *ev)
{
    const mk_pop3_server_config *c = s->config;
    mk_err trust = mk_serve_trust(&s->serve, c->tls);

    s->serve.guard = true;
    if (trust != MK_OK) {
        return mk_serve_fault(&s->serve, ev, trust, mk_pop3_server_distrust);
    }
    /* Behind STLS there is no second greeting. */
    s->is_stamped = (c->capabilities & MK_POP3_CAPABILITY_APOP) != 0 &&
                    (s->serve.tls != NULL || c->sasl->is_clear_allowed);
    mk_pop3_server_event(s, ev, MK_EV_POP3_CONNECT, MK_POP3_VERB_CONNECT);
    return mk_serve_ask(&s->serve, ev, SUBJECT_CONNECT,
                        c->asks_connect ? SERVE_ASK : 0);
}

static mk_err turn(mk_serve *serve, mk_str *io_in, mk_event *ev)
{
    pop3_server *s = pop3_server_of(serve);

    if (s->state == SERVER_OPEN) {
        return greet(s, ev);
    }
    if (s->state == SERVER_OPENING) {
        return mk_pop3_server_open_maildrop(s, ev);
    }
    if (serve->streaming) {
        return mk_pop3_server_body_next(s, ev);
    }
    return mk_serve_read(serve, io_in, ev);
}

/* RFC 2595 4: what was said in clear is forgotten: a name went with STLS, and
 * UTF8 does not come before it. */
static mk_err secured(mk_serve *serve, mk_event *ev)
{
    mk_serve_crossed(serve);
    mk_pop3_server_event(pop3_server_of(serve), ev, MK_EV_POP3_TLS,
                         MK_POP3_VERB_STLS);
    return MK_OK;
}

static void close_server(mk_engine *e)
{
    pop3_server *s = (pop3_server *)(void *)e;

    mk_serve_close(&s->serve);
    mk_wipe(s, sizeof *s);
}

static const mk_serve_words words = {
    .foreign = "-ERR This is a POP3 server",
    .early = "-ERR You talk too soon",
    .timeout = NULL, /* RFC 1939 3: "without … sending any response" */
    .finish = "-ERR [SYS/TEMP] Service shutting down",
    .bare = NULL, /* nothing of the kind ends a session: see limits */
    .control = "-ERR CR or NUL in command",
    .too_long = "-ERR Line too long",
    .flood = "-ERR Line too long, closing",
    .errors = "-ERR Too many errors",
    .challenge = "+ ",
    .wrong = "-ERR [AUTH] Authentication failed",
    .unsure = "-ERR [SYS/TEMP] Authentication is not possible now",
    .cancelled = "-ERR Authentication cancelled",
    .not_base64 = "-ERR Cannot decode that as base64",
    .message_long = "-ERR Line too long",
    .no_initial = "-ERR No initial response is allowed",
    .failures = "-ERR [AUTH] Too many failed logins",
    .no_room = "-ERR [SYS/TEMP] No room for a login now",
    .in_clear = "-ERR Encryption is required",
    .no_mechanism = "-ERR Mechanism not supported",
};

const mk_serve_kind mk_pop3_server_kind = {
    .ops = {MK_SERVE_CALLS, .out_sent = mk_serve_stream_sent,
            .cancel = mk_pop3_server_cancel, .body = mk_pop3_server_body,
            .is_code = is_code, .close = close_server},
    .words = &words,
    .reply_room = SERVER_REPLY_ROOM,
    .fault = offsetof(pop3_server, of.fault),
    .limits = limits,
    .turn = turn,
    .line = mk_pop3_server_line,
    .fixed = fixed,
    .compose = compose,
    .apply = apply,
    .secured = secured,
    .login = mk_pop3_server_room,
    .logged = mk_pop3_server_logged,
};
