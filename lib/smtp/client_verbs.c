/* SPDX-License-Identifier: MIT
 *
 * client_verbs.c: what an application calls on an SMTP client: settings, open,
 * send, the small commands, QUIT. Every argument is looked at before the first
 * octet is queued (Law 10, THREATS 16): a path must be a mailbox by RFC 5321
 * 4.1.2, sizes must fit what the server offers (RFC 1870 6.1), and a refused
 * call leaves the engine as it was.
 */
#include "smtp/client_params.h"

#include <string.h>

enum {
    forward_count_max = 100000,
    command_line_max = 512, /* RFC 5321 4.5.3.1.4, with CRLF */
    text_bytes_min = 1024,
    text_bytes_max = 65535,
    path_max = 256,      /* RFC 5321 4.5.3.1.3, with its brackets */
    reply_line_min = 512 /* RFC 5321 4.5.3.1.5 */
};

mk_err mk_smtp_client_config_init(mk_smtp_client_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->text_bytes = 1024;
    c->extensions = MK_SMTP_EXTENSION_ALL;
    c->reply_line_max = 2048;
    c->reply_lines_max = 128;
    c->reply_max = 65536;
    c->reply_text_bytes = 1024;
    c->greeting_ms = 300000;
    c->command_ms = 300000;
    c->data_ms = 120000;
    c->block_ms = 180000;
    c->block_bytes = 16384;
    c->end_ms = 600000;
    c->quit_ms = 5000;
    c->tls_ms = 30000;
    c->sasl_message_max = 4096;
    c->answer_ms = 300000;
    return MK_OK;
}

mk_err mk_smtp_envelope_init(mk_smtp_envelope *envelope, size_t size)
{
    if (envelope == NULL || size != sizeof *envelope) {
        return MK_E_ARG;
    }
    memset(envelope, 0, sizeof *envelope);
    envelope->size = size;
    return MK_OK;
}

static bool has_good_unit(const mk_smtp_client_config *c)
{
    size_t bytes = c->units != NULL ? c->units->unit_bytes : c->text_bytes;

    return bytes >= text_bytes_min &&
           (c->units != NULL || bytes <= text_bytes_max);
}

static size_t login_need(const mk_smtp_client_config *c)
{
#ifdef MK_NO_SASL
    (void)c;
    return 0;
#else
    return c->sasl != NULL ? c->sasl->ops->need(c->sasl_message_max) : 0;
#endif
}

static bool has_good_login(const mk_smtp_client_config *c)
{
    return (unsigned)c->tls <= MK_TLS_POLICY_MUST &&
           (c->sasl == NULL || (c->sasl->ops != NULL && login_need(c) > 0));
}

static mk_err check_config(const mk_smtp_client_config *c)
{
    if (c == NULL || c->size != sizeof *c || c->hostname.len == 0 ||
        !has_good_unit(c) || c->reply_line_max < reply_line_min ||
        c->reply_lines_max == 0 || c->reply_max < c->reply_line_max ||
        c->reply_text_bytes > text_bytes_max || c->greeting_ms == 0 ||
        c->command_ms == 0 || c->data_ms == 0 || c->block_ms == 0 ||
        c->block_bytes == 0 || c->end_ms == 0 || c->quit_ms == 0 ||
        c->tls_ms == 0 || c->answer_ms == 0 ||
        (unsigned)c->mend > MK_SMTP_MEND_LF || (c->is_lmtp && !SMTP_HAS_LMTP) ||
        !has_good_login(c)) {
        return MK_E_ARG;
    }
    if (mk_str_has_ctl(c->hostname)) {
        return MK_E_CTL;
    }
    return mk_smtp_is_host_name(c->hostname) ? MK_OK : MK_E_ARG;
}

size_t mk_smtp_client_need(const mk_smtp_client_config *c)
{
    size_t unit;

    if (check_config(c) != MK_OK) {
        return 0;
    }
    unit = c->units != NULL ? 0 : c->text_bytes;
    return sizeof(mk_smtp_client) + login_need(c) + unit + c->reply_text_bytes +
           (SMTP_HAS_LMTP && c->is_lmtp ? CLIENT_LMTP_MAX / 8 : 0);
}

_Static_assert(sizeof(mk_smtp_client) + 1024 + 1024 <= MK_SMTP_CLIENT_NEED,
               "MK_SMTP_CLIENT_NEED is too small");

mk_err mk_smtp_client_open(const mk_smtp_client_config *c, void *mem, size_t n,
                           mk_engine **out_engine)
{
    mk_smtp_client *client = mem;
    mk_err r = check_config(c);
    size_t unit;
    char *at;

    if (r != MK_OK) {
        return r;
    }
    if (mem == NULL || out_engine == NULL ||
        (uintptr_t)mem % _Alignof(mk_smtp_client) != 0) {
        return MK_E_ARG;
    }
    if (n < mk_smtp_client_need(c)) {
        return MK_E_ROOM;
    }
    memset(client, 0, sizeof *client);
    unit = c->units != NULL ? 0 : c->text_bytes;
    client->core.head.ops = &mk_smtp_client_kind.ops;
    client->config = c;
    client->core.policy = (uint8_t)c->tls;
    client->core.login_room = client + 1;
    client->core.login_bytes = login_need(c);
    if (c->sasl != NULL) {
        client->core.sasl = c->sasl->ops;
        client->core.sasl_config = c->sasl;
    }
    at = (char *)mem + sizeof *client + client->core.login_bytes;
    client->reader.mem = at + unit;
    client->reader.mem_max = c->reply_text_bytes;
    if (SMTP_HAS_LMTP && c->is_lmtp) {
        client->takers = (unsigned char *)at + unit + c->reply_text_bytes;
    }
    client->reader.lines_max = c->reply_lines_max;
    client->reader.octets_max = c->reply_max;
    mk_framer_init(&client->core.framer, c->reply_line_max, c->reply_line_max,
                   c->reply_line_max);
    mk_outq_init(&client->core.out, c->units, at, unit, &client->body);
    client->core.state = CLIENT_GREETING;
    client->talk.verb = MK_SMTP_VERB_CONNECT;
    client->talk.sent = 1; /* the greeting comes unbidden */
    client->core.awaited = 1;
    *out_engine = &client->core.head;
    return MK_OK;
}

/* The message under way lacks nothing but what the server says of it. */
static bool may_join(const mk_smtp_client *c)
{
    return c->is_body_last && c->next_op == 0 && c->core.state != CLIENT_OVER;
}

mk_err mk_smtp_client_find_ready(mk_engine *e, const mk_op *out_op,
                                 bool is_message, mk_smtp_client **out_c)
{
    mk_smtp_client *c =
        (mk_smtp_client *)(void *)mk_wire_heart(e, &mk_smtp_client_kind.ops);

    if (out_op == NULL) {
        return MK_E_ARG;
    }
    if (c == NULL) {
        return MK_E_STATE;
    }
    if (c->core.op != 0 && !(is_message && may_join(c))) {
        return MK_E_BUSY;
    }
    if (c->core.is_finishing ||
        (c->core.op == 0 &&
         (c->core.state != CLIENT_READY || c->core.pending != 0))) {
        return MK_E_STATE;
    }
    *out_c = c;
    return MK_OK;
}

static mk_op next_number(mk_smtp_client *c)
{
    c->last_op++;
    if (c->last_op == 0) {
        c->last_op = 1;
    }
    c->core.is_stirred = true;
    return c->last_op;
}

static mk_op new_op(mk_smtp_client *c)
{
    c->core.op = next_number(c);
    c->outcome = MK_OK;
    c->accepted = 0;
    c->delivered = 0;
    c->is_body_last = false;
    c->talk.told = 0;
    c->talk.is_stopped = false;
    return c->core.op;
}

/* What is_odd_path lets pass ends neither the path nor the line (Law 10). */
static bool is_odd_path(mk_str text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char o = (unsigned char)text.ptr[i];

        if (o <= ' ' || o > '~' || o == '<' || o == '>') {
            return false;
        }
    }
    return text.len > 0 && text.len <= path_max - (sizeof "<>" - 1);
}

/* RFC 5321 4.1.1.3: a mailbox; Postmaster without a domain is a recipient and
 * never a sender. UTF-8 is a matter of the envelope (RFC 6531 3.2). */
static mk_err check_mailbox(mk_str text, bool is_sender, bool may_be_odd,
                            uint32_t *io_must)
{
    mk_smtp_path path;
    mk_err r;

    if (text.ptr == NULL) {
        return MK_E_SYNTAX;
    }
    if (mk_str_has_ctl(text)) {
        return MK_E_CTL;
    }
    if (may_be_odd && is_odd_path(text)) {
        return MK_OK;
    }
    r = mk_smtp_mailbox_parse(text, true, &path);
    if (r != MK_OK) {
        return r;
    }
    if ((path.flags & MK_SMTP_PATH_UTF8) != 0) {
        *io_must |= MK_SMTP_EXTENSION_SMTPUTF8;
    }
    return is_sender && (path.flags & MK_SMTP_PATH_NO_DOMAIN) != 0 ? MK_E_SYNTAX
                                                                   : MK_OK;
}

static mk_err check_paths(const mk_smtp_envelope *envelope, uint32_t *io_must)
{
    bool may_be_odd = envelope->is_odd_path;
    mk_err r = MK_OK;
    size_t i;

    if (envelope->reverse_path.len > 0) {
        r = check_mailbox(envelope->reverse_path, true, may_be_odd, io_must);
    }
    for (i = 0; r == MK_OK && i < envelope->forward_count; i++) {
        r = check_mailbox(envelope->forward_paths[i], false, may_be_odd,
                          io_must);
    }
    return r;
}

static mk_err check_form(const mk_smtp_envelope *envelope)
{
    if (envelope == NULL || envelope->size != sizeof *envelope ||
        (unsigned)envelope->body > MK_SMTP_BODY_BINARYMIME ||
        (envelope->ops == NULL &&
         (envelope->mail != NULL || envelope->rcpts != NULL))) {
        return MK_E_ARG;
    }
    if (envelope->forward_count == 0 ||
        envelope->forward_count > forward_count_max) {
        return MK_E_COUNT;
    }
    return envelope->forward_paths != NULL ? MK_OK : MK_E_ARG;
}

mk_err mk_smtp_envelope_needs(const mk_smtp_envelope *envelope,
                              uint32_t *out_must, uint32_t *out_may)
{
    /* RFC 6152 3; RFC 3030 3, where DATA cannot end what is binary */
    static const uint8_t of_body[] = {0, 0, MK_SMTP_EXTENSION_8BITMIME,
                                      MK_SMTP_EXTENSION_BINARYMIME |
                                          MK_SMTP_EXTENSION_CHUNKING};
    uint32_t must;
    uint32_t may = 0;
    mk_err r = check_form(envelope);

    if (r != MK_OK) {
        return r;
    }
    must = of_body[envelope->body];
    r = check_paths(envelope, &must);
    if (r == MK_OK && envelope->ops != NULL) {
        r = envelope->ops->check(envelope, &must, &may);
    }
    if (r == MK_OK) {
        *out_must = must;
        *out_may = may;
    }
    return r;
}

/* Does this server take it? */
static mk_err check_offer(const mk_smtp_client *c,
                          const mk_smtp_envelope *envelope, uint32_t must,
                          uint32_t told)
{
    bool is_utf8 = envelope->mail != NULL && envelope->mail->is_utf8;

    if ((c->offer.rcpt_max > 0 &&
         envelope->forward_count > c->offer.rcpt_max) ||
        (c->offer.mail_max > 0 && c->mails >= c->offer.mail_max) ||
        (mk_smtp_client_is_lmtp(c) &&
         envelope->forward_count > CLIENT_LMTP_MAX)) {
        return MK_E_COUNT; /* RFC 9422 4 */
    }
    if (c->offer.size_max > 0 && envelope->message_bytes > c->offer.size_max) {
        return MK_E_SIZE;
    }
    if ((must & ~c->offer.extensions) != 0 ||
        ((must & MK_SMTP_EXTENSION_SMTPUTF8) != 0 && !is_utf8)) {
        return MK_E_UNSUPPORTED;
    }
    return envelope->ops != NULL ? envelope->ops->fit(c, envelope, told)
                                 : MK_OK;
}

static bool is_chunked(const mk_smtp_client *c,
                       const mk_smtp_envelope *envelope)
{
    return (c->offer.extensions & MK_SMTP_EXTENSION_CHUNKING) != 0 &&
           (!c->config->is_data_only ||
            envelope->body == MK_SMTP_BODY_BINARYMIME);
}

mk_err mk_smtp_client_send(mk_engine *e, const mk_smtp_envelope *envelope,
                           mk_op *out_op)
{
    uint32_t must;
    uint32_t may;
    mk_smtp_client *c = NULL;
    mk_err r = mk_smtp_client_find_ready(e, out_op, true, &c);

    if (r == MK_OK) {
        r = mk_smtp_envelope_needs(envelope, &must, &may);
    }
    if (r == MK_OK) {
        may = (must | may) & c->offer.extensions;
        r = check_offer(c, envelope, must, may);
    }
    if (r != MK_OK) {
        return r;
    }
    c->next_op = next_number(c);
    c->next.envelope = envelope;
    c->next.told = may;
    c->next.verb = MK_SMTP_VERB_MAIL;
    c->next.is_chunked = is_chunked(c, envelope);
    c->mails++;
    *out_op = c->next_op;
    if (c->core.op == 0) {
        mk_smtp_client_go_on(c);
    }
    return MK_OK;
}

/* "type token" */
static bool is_client_id(mk_str argument)
{
    size_t n = mk_str_find(argument, ' ');

    return n > 0 && n + 1 < argument.len;
}

static mk_err check_argument(mk_smtp_verb verb, mk_str argument)
{
    size_t room = command_line_max - (sizeof " \r\n" - 1) -
                  mk_str_z(mk_smtp_verb_name(verb)).len;
    bool is_fit;

    if (argument.ptr == NULL && argument.len > 0) {
        return MK_E_ARG;
    }
    switch (verb) {
    case MK_SMTP_VERB_NOOP:
    case MK_SMTP_VERB_HELP:
        is_fit = true;
        break;
    case MK_SMTP_VERB_RSET:
        is_fit = argument.len == 0;
        break;
    case MK_SMTP_VERB_CLIENTID:
        is_fit = is_client_id(argument);
        break;
    default:
        is_fit = argument.len > 0 &&
                 (verb == MK_SMTP_VERB_VRFY || verb == MK_SMTP_VERB_EXPN ||
                  verb == MK_SMTP_VERB_ETRN);
        break;
    }
    if (!is_fit) {
        return MK_E_ARG;
    }
    if (mk_str_has_ctl(argument)) {
        return MK_E_CTL;
    }
    return argument.len > room ? MK_E_LIMIT : MK_OK;
}

/* RFC 1985 4; and who a client is is nobody's business on the way. */
static mk_err check_command(const mk_smtp_client *c, mk_smtp_verb verb)
{
    uint32_t need = verb == MK_SMTP_VERB_ETRN ? MK_SMTP_EXTENSION_ETRN : 0;

    if (verb == MK_SMTP_VERB_CLIENTID) {
        need = MK_SMTP_EXTENSION_CLIENTID;
    }
    if ((need & ~c->offer.extensions) != 0) {
        return MK_E_UNSUPPORTED;
    }
    return verb == MK_SMTP_VERB_CLIENTID && c->core.tls == NULL ? MK_E_CLEARTEXT
                                                                : MK_OK;
}

mk_err mk_smtp_client_command_begin(mk_smtp_client *c, mk_smtp_verb verb,
                                    mk_str argument, mk_op *out_op)
{
    mk_err r;

    mk_smtp_client_begin(c, CLIENT_COMMAND, verb);
    r = mk_smtp_client_say(c, argument);
    if (r != MK_OK) {
        mk_client_move(&c->core, CLIENT_READY);
        return r;
    }
    *out_op = new_op(c);
    return MK_OK;
}

mk_err mk_smtp_client_command(mk_engine *e, mk_smtp_verb verb, mk_str argument,
                              mk_op *out_op)
{
    mk_smtp_client *c;
    mk_err r = mk_smtp_client_find_ready(e, out_op, false, &c);

    if (r == MK_OK) {
        r = check_argument(verb, argument);
    }
    if (r == MK_OK) {
        r = check_command(c, verb);
    }
    return r == MK_OK ? mk_smtp_client_command_begin(c, verb, argument, out_op)
                      : r;
}

mk_err mk_smtp_client_quit(mk_engine *e, mk_op *out_op)
{
    mk_smtp_client *c;
    mk_err r = mk_smtp_client_find_ready(e, out_op, false, &c);

    if (r == MK_OK) {
        mk_smtp_client_quit_now(&c->core);
        *out_op = new_op(c);
    }
    return r;
}
