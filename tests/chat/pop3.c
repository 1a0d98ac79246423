/* SPDX-License-Identifier: MIT
 *
 * pop3.c: what dialogues of POP3 have of their own: the settings of both
 * machines, the maildrop that a server's application tells of, and the
 * client's nine commands. Rows of a listing are kept as text and told when
 * MK_EV_WANTED has room for them.
 */
#include "play.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings ------------------------------------------------------------ */

static const bit capabilities[] = {
    {"TOP", MK_POP3_CAPABILITY_TOP},
    {"USER", MK_POP3_CAPABILITY_USER},
    {"SASL", MK_POP3_CAPABILITY_SASL},
    {"RESP-CODES", MK_POP3_CAPABILITY_RESP_CODES},
    {"LOGIN-DELAY", MK_POP3_CAPABILITY_LOGIN_DELAY},
    {"PIPELINING", MK_POP3_CAPABILITY_PIPELINING},
    {"EXPIRE", MK_POP3_CAPABILITY_EXPIRE},
    {"UIDL", MK_POP3_CAPABILITY_UIDL},
    {"IMPLEMENTATION", MK_POP3_CAPABILITY_IMPLEMENTATION},
    {"STLS", MK_POP3_CAPABILITY_STLS},
    {"AUTH-RESP-CODE", MK_POP3_CAPABILITY_AUTH_RESP_CODE},
    {"UTF8", MK_POP3_CAPABILITY_UTF8},
    {"LANG", MK_POP3_CAPABILITY_LANG},
    {"APOP", MK_POP3_CAPABILITY_APOP},
    {"all", MK_POP3_CAPABILITY_ALL},
    {"default", MK_POP3_CAPABILITY_DEFAULT},
    {"none", 0},
    {NULL, 0},
};

/* clang-format off */
#define S(f, w, n) {#f, offsetof(mk_pop3_server_config, f), w, n}
#define C(f, w, n) {#f, offsetof(mk_pop3_client_config, f), w, n}

#ifdef CHAT_POP3_SERVER
static const field server_fields[] = {
    S(hostname, 0, NULL),         S(banner, 0, NULL),
    S(text_bytes, 4, NULL),       S(capabilities, 4, capabilities),
    S(expire_days, 4, NULL),      S(login_delay_s, 4, NULL),
    S(asks_connect, 1, NULL),     S(line_max, 4, NULL),
    S(discard_max, 4, NULL),      S(errors_max, 4, NULL),
    S(errors_soft, 4, NULL),      S(delay_ms, 8, NULL),
    S(junk_max, 4, NULL),         S(login_ms, 8, NULL),
    S(idle_ms, 8, NULL),          S(answer_ms, 8, NULL),
    S(hurry_login_ms, 8, NULL),   S(hurry_idle_ms, 8, NULL),
    S(hurry_errors_max, 4, NULL), S(tls, 4, play_tls_policies),
    S(auth_failures_max, 4, NULL), S(auth_delay_ms, 8, NULL),
    {NULL, 0, 0, NULL},
};
#endif

#ifdef CHAT_POP3_CLIENT
static const field client_fields[] = {
    C(text_bytes, 4, NULL),       C(capabilities, 4, capabilities),
    C(is_utf8, 1, NULL),          C(pipeline_max, 4, NULL),
    C(reply_line_max, 4, NULL),   C(reply_text_bytes, 4, NULL),
    C(rows_max, 4, NULL),         C(message_max, 8, NULL),
    C(greeting_ms, 8, NULL),      C(command_ms, 8, NULL),
    C(quit_ms, 8, NULL),          C(tls_ms, 8, NULL),
    C(answer_ms, 8, NULL),        C(rate_min, 4, NULL),
    C(rate_after_ms, 8, NULL),    C(sasl_message_max, 4, NULL),
    C(tls, 4, play_tls_policies), {NULL, 0, 0, NULL},
};
#endif

#undef S
#undef C
/* clang-format on */

/* ---- the server's application -------------------------------------------- */

#ifdef CHAT_POP3_SERVER

static mk_err server_init(void *config)
{
    mk_pop3_server_config *c = config;
    mk_err err = mk_pop3_server_config_init(c, sizeof *c);
    c->hostname = mk_str_z("mx.example");
    return err;
}

static size_t server_need(const void *config)
{
    return mk_pop3_server_need(config);
}

static mk_err server_open(const void *config, void *mem, size_t n,
                          mk_engine **out_engine)
{
    return mk_pop3_server_open(config, mem, n, out_engine);
}

/* one row, or the answer about one: "size N OCTETS", "uid N TEXT" */
static mk_err tell(play *p, bool is_uid, uint32_t number, mk_str value)
{
    uint64_t octets = 0;
    if (is_uid) {
        char *fresh = play_copy(value.ptr, value.len);
        mk_err err = mk_pop3_server_uid(p->engine, p->verb_op, number,
                                        mk_str_of(fresh, value.len));
        free(fresh); /* copied */
        return err;
    }
    mk_str_u64(value, &octets);
    return mk_pop3_server_size(p->engine, p->verb_op, number, octets);
}

static void keep_row(play *p, bool is_uid, uint32_t number, mk_str value)
{
    text_z(&p->rows, is_uid ? "u" : "s");
    text_u64(&p->rows, number);
    text_z(&p->rows, " ");
    text_u64(&p->rows, value.len);
    text_z(&p->rows, " ");
    text_str(&p->rows, value);
}

/* The first row that is kept, told; a row is "s" or "u", its number, its
 * value's length and its value. MK_WAIT: it is kept. */
static mk_err tell_first(play *p)
{
    char *end;
    uint32_t number = (uint32_t)strtoul(p->rows.ptr + 1, &end, 10);
    size_t n = strtoul(end, &end, 10);
    mk_err err = tell(p, p->rows.ptr[0] == 'u', number, mk_str_of(end + 1, n));
    if (err != MK_WAIT) {
        text_drop(&p->rows, (size_t)(end + 1 - p->rows.ptr) + n);
    }
    return err;
}

static void lend(play *p)
{
    while (p->body_room > 0 && p->rows.len > 0) {
        mk_err err = tell_first(p);
        if (err == MK_WAIT) {
            p->body_room = 0;
        } else if (err != MK_OK) {
            play_fail(p, play_line(p), "a row is taken", mk_err_name(err));
        }
    }
}

/* told at once, or kept while rows are told before it, or none is wanted */
static mk_err tell_or_keep(play *p, bool is_uid, uint32_t number, mk_str value)
{
    bool first = p->rows.len == 0 && (!p->is_yes || p->body_room > 0);
    mk_err err = first ? tell(p, is_uid, number, value) : MK_WAIT;
    if (err != MK_WAIT || !p->is_yes) {
        return err;
    }
    p->body_room = first ? 0 : p->body_room;
    keep_row(p, is_uid, number, value);
    return MK_OK;
}

/* `uid N[-M] TEXT`: of a range each has its number behind the text */
static mk_err act_row(play *p, bool is_uid, const char *z)
{
    char *end;
    text value = {0};
    uint32_t first = (uint32_t)strtoul(z, &end, 10);
    bool many = *end == '-';
    uint32_t last = many ? (uint32_t)strtoul(end + 1, &end, 10) : first;
    const char *rest = *end == ' ' ? end + 1 : end;
    mk_err err = MK_OK;
    if (*rest == '"') {
        text_unquote(&value, &rest);
    } else {
        text_z(&value, rest);
    }
    for (uint32_t i = first; err == MK_OK && i <= last; i++) {
        text one = {0};
        text_str(&one, text_view(&value));
        if (many && is_uid) {
            text_u64(&one, i);
        }
        err = tell_or_keep(p, is_uid, i, text_view(&one));
        text_free(&one);
    }
    text_free(&value);
    return err;
}

static mk_err act_maildrop(play *p, const char *z)
{
    char *end;
    uint32_t count = (uint32_t)strtoul(z, &end, 10);
    return mk_pop3_server_maildrop(p->engine, p->verb_op, count,
                                   strtoull(end, NULL, 10));
}

static bool server_act(play *p, mk_str word, const char *rest, mk_err *out_err)
{
    bool is_uid = mk_str_is(word, mk_str_z("uid"));
    if (mk_str_is(word, mk_str_z("maildrop"))) {
        *out_err = act_maildrop(p, rest);
    } else if (is_uid || mk_str_is(word, mk_str_z("size"))) {
        *out_err = act_row(p, is_uid, rest);
    } else if (mk_str_is(word, mk_str_z("last"))) {
        p->body_last = true;
        p->body_open = true;
        play_lend(p);
    } else {
        return false;
    }
    return true;
}

static bool server_refuses(play *p, mk_op op)
{
    mk_str uid = mk_str_z("x");
    return mk_pop3_server_maildrop(p->engine, op, 1, 1) == MK_E_STALE &&
           mk_pop3_server_size(p->engine, op, 1, 1) == MK_E_STALE &&
           mk_pop3_server_uid(p->engine, op, 1, uid) == MK_E_STALE;
}

static const side server = {
    .fields = server_fields,
    .units_at = offsetof(mk_pop3_server_config, units),
    .text_bytes_at = offsetof(mk_pop3_server_config, text_bytes),
    .sasl_at = offsetof(mk_pop3_server_config, sasl),
    .sasl_units_at = offsetof(mk_pop3_server_config, sasl_units),
    .init = server_init,
    .need = server_need,
    .open = server_open,
};

#endif

/* ---- the client's application -------------------------------------------- */

#ifdef CHAT_POP3_CLIENT

static mk_err client_init(void *config)
{
    mk_pop3_client_config *c = config;
    return mk_pop3_client_config_init(c, sizeof *c);
}

static size_t client_need(const void *config)
{
    return mk_pop3_client_need(config);
}

static mk_err client_open(const void *config, void *mem, size_t n,
                          mk_engine **out_engine)
{
    return mk_pop3_client_open(config, mem, n, out_engine);
}

static mk_err act_command(play *p, mk_pop3_verb verb, const char *z)
{
    char *end;
    mk_op op;
    uint32_t number = (uint32_t)strtoul(z, &end, 10);
    uint32_t lines = (uint32_t)strtoul(end, NULL, 10);
    mk_err err = mk_pop3_client_command(p->engine, verb, number, lines, &op);
    if (err == MK_OK) {
        p->verb_op = op;
        p->ops[p->op_count % OPS_MAX] = op;
        p->op_count++;
    }
    return err;
}

static bool client_act(play *p, mk_str word, const char *rest, mk_err *out_err)
{
    static const mk_str none = {NULL, 0};
    static const struct {
        const char *word;
        mk_pop3_verb verb;
    } commands[] = {{"stat", MK_POP3_VERB_STAT}, {"list", MK_POP3_VERB_LIST},
                    {"uidl", MK_POP3_VERB_UIDL}, {"retr", MK_POP3_VERB_RETR},
                    {"top", MK_POP3_VERB_TOP},   {"dele", MK_POP3_VERB_DELE},
                    {"noop", MK_POP3_VERB_NOOP}, {"rset", MK_POP3_VERB_RSET},
                    {"quit", MK_POP3_VERB_QUIT}, {"capa", MK_POP3_VERB_CAPA}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (mk_str_is(word, mk_str_z(commands[i].word))) {
            *out_err = act_command(p, commands[i].verb, rest);
            return true;
        }
    }
    bool drop = mk_str_is(word, mk_str_z("drop"));
    if (!drop && !mk_str_is(word, mk_str_z("resume"))) {
        return false;
    }
    *out_err = mk_reply(p->engine, p->op, drop ? MK_ANSWER_NO : MK_ANSWER_YES,
                        none, none);
    return true;
}

static const side client = {
    .fields = client_fields,
    .units_at = offsetof(mk_pop3_client_config, units),
    .text_bytes_at = offsetof(mk_pop3_client_config, text_bytes),
    .sasl_at = offsetof(mk_pop3_client_config, sasl),
    .init = client_init,
    .need = client_need,
    .open = client_open,
};

#endif

/* ---- the protocol -------------------------------------------------------- */

/* "IN-USE", "SYS/TEMP": long enough not to be a word of a text */
static bool is_code(const char *z, size_t n)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/";
    return n >= 4 && strspn(z, set) >= n;
}

static bool act(play *p, mk_str word, const char *rest, mk_err *out_err)
{
#ifdef CHAT_POP3_SERVER
    if (p->role == CHAT_SERVER) {
        return server_act(p, word, rest, out_err);
    }
#endif
#ifdef CHAT_POP3_CLIENT
    if (p->role == CHAT_CLIENT) {
        return client_act(p, word, rest, out_err);
    }
#endif
    (void)p, (void)word, (void)rest, (void)out_err;
    return false;
}

const protocol play_pop3 = {
    .name = "pop3",
    .sasl = "PLAIN",
    .sasl_how = "clear",
#ifdef CHAT_POP3_SERVER
    .server = &server,
    .lend = lend,
    .refuses = server_refuses,
#endif
#ifdef CHAT_POP3_CLIENT
    .client = &client,
#endif
    .trace = trace_pop3_event,
    .is_code = is_code,
    .act = act,
};
