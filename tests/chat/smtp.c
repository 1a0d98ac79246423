/* SPDX-License-Identifier: MIT
 *
 * smtp.c: what dialogues of SMTP have of their own: the settings of both
 * machines, the envelope of a message and the verbs that take none. An
 * envelope is kept until it is given back, as the client borrows it.
 */
#include "play.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings ------------------------------------------------------------ */

static const bit asks[] = {
    {"connect", MK_SMTP_ASK_CONNECT},
    {"helo", MK_SMTP_ASK_HELO},
    {"mail", MK_SMTP_ASK_MAIL},
    {"rcpt", MK_SMTP_ASK_RCPT},
    {"data", MK_SMTP_ASK_DATA},
    {"end", MK_SMTP_ASK_END},
    {"vrfy", MK_SMTP_ASK_VRFY},
    {"expn", MK_SMTP_ASK_EXPN},
    {"all", MK_SMTP_ASK_ALL},
    {"default", MK_SMTP_ASK_DEFAULT},
    {"none", 0},
    {NULL, 0},
};

static const bit extensions[] = {
    {"PIPELINING", MK_SMTP_EXTENSION_PIPELINING},
    {"SIZE", MK_SMTP_EXTENSION_SIZE},
    {"8BITMIME", MK_SMTP_EXTENSION_8BITMIME},
    {"ENHANCEDSTATUSCODES", MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES},
    {"STARTTLS", MK_SMTP_EXTENSION_STARTTLS},
    {"AUTH", MK_SMTP_EXTENSION_AUTH},
    {"CHUNKING", MK_SMTP_EXTENSION_CHUNKING},
    {"BINARYMIME", MK_SMTP_EXTENSION_BINARYMIME},
    {"DSN", MK_SMTP_EXTENSION_DSN},
    {"SMTPUTF8", MK_SMTP_EXTENSION_SMTPUTF8},
    {"LIMITS", MK_SMTP_EXTENSION_LIMITS},
    {"REQUIRETLS", MK_SMTP_EXTENSION_REQUIRETLS},
    {"MT-PRIORITY", MK_SMTP_EXTENSION_MT_PRIORITY},
    {"DELIVERBY", MK_SMTP_EXTENSION_DELIVERBY},
    {"FUTURERELEASE", MK_SMTP_EXTENSION_FUTURERELEASE},
    {"ETRN", MK_SMTP_EXTENSION_ETRN},
    {"NO-SOLICITING", MK_SMTP_EXTENSION_NO_SOLICITING},
    {"XCLIENT", MK_SMTP_EXTENSION_XCLIENT},
    {"XFORWARD", MK_SMTP_EXTENSION_XFORWARD},
    {"CLIENTID", MK_SMTP_EXTENSION_CLIENTID},
    {"default", MK_SMTP_EXTENSION_DEFAULT},
    {"all", MK_SMTP_EXTENSION_ALL},
    {"none", 0},
    {NULL, 0},
};

static const bit bares[] = {
    {"reject", MK_SMTP_BARE_REJECT},
    {"normalize", MK_SMTP_BARE_NORMALIZE},
    {NULL, 0},
};

static const bit mends[] = {
    {"never", MK_SMTP_MEND_NEVER},
    {"lf", MK_SMTP_MEND_LF},
    {NULL, 0},
};

/* clang-format off */
#define S(f, w, n) {#f, offsetof(mk_smtp_server_config, f), w, n}
#define C(f, w, n) {#f, offsetof(mk_smtp_client_config, f), w, n}

static const field server_fields[] = {
    S(hostname, 0, NULL),         S(banner, 0, NULL),
    S(text_bytes, 4, NULL),       S(line_max, 4, NULL),
    S(discard_max, 4, NULL),      S(text_line_max, 4, NULL),
    S(message_max, 8, NULL),      S(excess_max, 8, NULL),
    S(recipients_max, 4, NULL),   S(messages_max, 4, NULL),
    S(errors_max, 4, NULL),       S(junk_max, 4, NULL),
    S(command_ms, 8, NULL),       S(answer_ms, 8, NULL),
    S(errors_soft, 4, NULL),      S(delay_ms, 8, NULL),
    S(rate_min, 4, NULL),         S(rate_after_ms, 8, NULL),
    S(hurry_command_ms, 8, NULL), S(hurry_errors_max, 4, NULL),
    S(hurry_junk_max, 4, NULL),   S(is_auth_needed, 1, NULL),
    S(auth_failures_max, 4, NULL), S(auth_delay_ms, 8, NULL),
    S(asks, 4, asks),             S(extensions, 4, extensions),
    S(bare, 4, bares),            S(tls, 4, play_tls_policies),
    S(is_lmtp, 1, NULL),          S(chunks_max, 4, NULL),
    S(deliver_by_min_s, 4, NULL), S(hold_max_s, 4, NULL),
    S(hold_until_max, 0, NULL),   S(priority_profile, 0, NULL),
    S(solicit, 0, NULL),          {NULL, 0, 0, NULL},
};

static const field client_fields[] = {
    C(hostname, 0, NULL),         C(text_bytes, 4, NULL),
    C(reply_line_max, 4, NULL),   C(reply_lines_max, 4, NULL),
    C(reply_max, 4, NULL),        C(reply_text_bytes, 4, NULL),
    C(greeting_ms, 8, NULL),      C(command_ms, 8, NULL),
    C(data_ms, 8, NULL),          C(block_ms, 8, NULL),
    C(block_bytes, 4, NULL),      C(end_ms, 8, NULL),
    C(quit_ms, 8, NULL),          C(answer_ms, 8, NULL),
    C(tls_ms, 8, NULL),           C(extensions, 4, extensions),
    C(tls, 4, play_tls_policies),
    C(mend, 4, mends),            C(is_lmtp, 1, NULL),
    C(is_data_only, 1, NULL),     {NULL, 0, 0, NULL},
};

#undef S
#undef C
/* clang-format on */

static mk_err server_init(void *config)
{
    mk_smtp_server_config *c = config;
    mk_err err = mk_smtp_server_config_init(c, sizeof *c);
    c->hostname = mk_str_z("mx.example");
    return err;
}

static size_t server_need(const void *config)
{
    return mk_smtp_server_need(config);
}

static mk_err server_open(const void *config, void *mem, size_t n,
                          mk_engine **out_engine)
{
    return mk_smtp_server_open(config, mem, n, out_engine);
}

static mk_err client_init(void *config)
{
    mk_smtp_client_config *c = config;
    mk_err err = mk_smtp_client_config_init(c, sizeof *c);
    c->hostname = mk_str_z("client.example");
    return err;
}

static size_t client_need(const void *config)
{
    return mk_smtp_client_need(config);
}

static mk_err client_open(const void *config, void *mem, size_t n,
                          mk_engine **out_engine)
{
    return mk_smtp_client_open(config, mem, n, out_engine);
}

/* ---- actions ------------------------------------------------------------- */

mk_str play_value(const char *z, const char *key, char **io_room)
{
    const char *at = strstr(z, key);
    text quoted = {0};
    text value = {0};
    char *room = *io_room;
    if (at == NULL) {
        return mk_str_of(NULL, 0);
    }
    at += strlen(key);
    text_z(&quoted, "\"");
    text_add(&quoted, at, strcspn(at, " "));
    text_z(&quoted, "\"");
    at = text_c(&quoted);
    text_unquote(&value, &at);
    size_t n = value.len;
    if (n > 0) {
        memcpy(room, value.ptr, n);
    }
    *io_room = room + n;
    text_free(&quoted);
    text_free(&value);
    return mk_str_of(room, n);
}

static void fill_recipients(letter *it, mk_str list)
{
    size_t count = 0;
    it->forward_paths = calloc(list.len + 1, sizeof *it->forward_paths);
    if (it->forward_paths == NULL) {
        abort();
    }
    while (list.len > 0) {
        size_t n = mk_str_find(list, ',');
        it->forward_paths[count++] = mk_str_of(list.ptr, n);
        list = mk_str_sub(list, n + 1, SIZE_MAX);
    }
    it->envelope->forward_paths = it->forward_paths;
    it->envelope->forward_count = count;
}

static mk_smtp_body body_named(mk_str name)
{
    if (mk_str_is(name, mk_str_z("8BITMIME"))) {
        return MK_SMTP_BODY_8BITMIME;
    }
    if (mk_str_is(name, mk_str_z("BINARYMIME"))) {
        return MK_SMTP_BODY_BINARYMIME;
    }
    return mk_str_is(name, mk_str_z("7BIT")) ? MK_SMTP_BODY_7BIT
                                             : MK_SMTP_BODY_UNSTATED;
}

/* `from=… to=a@b,c@d [size=N] [body=8BITMIME]` and what it asks for, with
 * escapes */
static void write_letter(letter *it, const char *z)
{
    char *room = it->text = malloc(2 * strlen(z) + 1);
    mk_smtp_envelope *envelope = it->envelope = malloc(sizeof *envelope);
    if (envelope == NULL || room == NULL ||
        mk_smtp_envelope_init(envelope, sizeof *envelope) != MK_OK) {
        abort();
    }
    envelope->reverse_path = play_value(z, "from=", &room);
    fill_recipients(it, play_value(z, "to=", &room));
    mk_str size = play_value(z, "size=", &room);
    if (size.len > 0) {
        mk_str_u64(size, &envelope->message_bytes);
    }
    envelope->body = body_named(play_value(z, "body=", &room));
    play_ask(it, z, &room);
}

static void note_op(play *p, mk_op op)
{
    p->ops[p->op_count % OPS_MAX] = op;
    p->op_count++;
}

/* `send …`; where a message is under way it is the next one */
static mk_err act_send(play *p, const char *z)
{
    bool is_first = p->letter.envelope == NULL;
    letter it = {0};
    write_letter(&it, z);
    mk_err err = mk_smtp_client_send(p->engine, it.envelope, &it.op);
    if (err != MK_OK) {
        play_free_letter(&it);
        return err;
    }
    note_op(p, it.op);
    *(is_first ? &p->letter : &p->next) = it;
    p->verb_op = is_first ? it.op : p->verb_op;
    return MK_OK;
}

/* The next message waits until the last span of this one was lent, which may
 * be lent in many pieces. */
static void join_now(play *p)
{
    char *z = p->join;
    p->join = NULL;
    if (z != NULL && act_send(p, z) != MK_OK) {
        play_fail(p, play_line(p), "the next message may be sent", z);
    }
    free(z);
}

static mk_err act_join(play *p, const char *z)
{
    p->join = play_copy(z, strlen(z) + 1);
    if (!p->body_open) {
        join_now(p);
    }
    return MK_OK;
}

static mk_err act_command(play *p, mk_smtp_verb verb, const char *z)
{
    text argument = {0};
    mk_str view = mk_str_z(z);
    if (*z == '"') {
        if (text_unquote(&argument, &z) != NULL) {
            play_fail(p, play_line(p), "one quoted argument", z);
        }
        view = text_view(&argument);
    }
    char *fresh = play_copy(view.ptr, view.len);
    mk_err err = mk_smtp_client_command(
        p->engine, verb, mk_str_of(fresh, view.len), &p->verb_op);
    free(fresh); /* borrowed for the call */
    text_free(&argument);
    return err;
}

static bool is_code(const char *z, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((z[i] < '0' || z[i] > '9') && z[i] != '.') {
            return false;
        }
    }
    return n > 0;
}

static bool act(play *p, mk_str word, const char *rest, mk_err *out_err)
{
    static const struct {
        const char *word;
        mk_smtp_verb verb;
    } commands[] = {
        {"noop", MK_SMTP_VERB_NOOP}, {"rset", MK_SMTP_VERB_RSET},
        {"vrfy", MK_SMTP_VERB_VRFY}, {"expn", MK_SMTP_VERB_EXPN},
        {"help", MK_SMTP_VERB_HELP}, {"ehlo", MK_SMTP_VERB_EHLO},
        {"etrn", MK_SMTP_VERB_ETRN}, {"clientid", MK_SMTP_VERB_CLIENTID}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (mk_str_is(word, mk_str_z(commands[i].word))) {
            *out_err = act_command(p, commands[i].verb, rest);
            return true;
        }
    }
    if (mk_str_is(word, mk_str_z("send"))) {
        *out_err = act_send(p, rest);
        return true;
    }
    if (mk_str_is(word, mk_str_z("xclient")) ||
        mk_str_is(word, mk_str_z("xforward"))) {
        *out_err = play_introduce(
            p, word.len == 7 ? MK_SMTP_VERB_XCLIENT : MK_SMTP_VERB_XFORWARD,
            rest);
        return true;
    }
    if (mk_str_is(word, mk_str_z("join"))) {
        *out_err = act_join(p, rest);
        return true;
    }
    if (mk_str_is(word, mk_str_z("quit"))) {
        *out_err = mk_smtp_client_quit(p->engine, &p->verb_op);
        return true;
    }
    return false;
}

static const side server = {
    .fields = server_fields,
    .units_at = offsetof(mk_smtp_server_config, units),
    .text_bytes_at = offsetof(mk_smtp_server_config, text_bytes),
    .sasl_at = offsetof(mk_smtp_server_config, sasl),
    .sasl_units_at = offsetof(mk_smtp_server_config, sasl_units),
    .init = server_init,
    .need = server_need,
    .open = server_open,
};

static const side client = {
    .fields = client_fields,
    .units_at = offsetof(mk_smtp_client_config, units),
    .text_bytes_at = offsetof(mk_smtp_client_config, text_bytes),
    .sasl_at = offsetof(mk_smtp_client_config, sasl),
    .init = client_init,
    .need = client_need,
    .open = client_open,
};

const protocol play_smtp = {
    .name = "smtp",
    .server = &server,
    .client = &client,
    .trace = trace_event,
    .is_code = is_code,
    .act = act,
    .lent = join_now,
};
