/* SPDX-License-Identifier: MIT
 *
 * client_verbs.c: what an application calls on a POP3 client: settings, open,
 * commands (RFC 1939 5 to 7). A command is looked at before it is put into the
 * ring, and a refused call leaves the engine as it was. Numbers are all that a
 * command takes from the application, so nothing can be smuggled into one
 * (Law 10).
 */
#include "pop3/client_internal.h"

#include <string.h>

enum {
    text_bytes_min = 1024,
    text_bytes_max = 65535,
    pipeline_most = 64,
    reply_line_min = 512, /* RFC 1939 3, RFC 2449 4 */
    number_max = 2147483647
};

mk_err mk_pop3_client_config_init(mk_pop3_client_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->text_bytes = 1024;
    c->capabilities = MK_POP3_CAPABILITY_DEFAULT;
    c->pipeline_max = 16;
    c->reply_line_max = 2048;
    c->reply_text_bytes = 512;
    c->rows_max = 1000000;
    c->message_max = 1073741824;
    c->greeting_ms = 60000;
    c->command_ms = 120000;
    c->quit_ms = 60000;
    c->tls_ms = 30000;
    c->answer_ms = 300000;
    c->rate_min = 100;
    c->rate_after_ms = 60000;
    c->sasl_message_max = 4096;
    return MK_OK;
}

static bool has_good_unit(const mk_pop3_client_config *c)
{
    size_t bytes = c->units != NULL ? c->units->unit_bytes : c->text_bytes;

    return bytes >= text_bytes_min &&
           (c->units != NULL || bytes <= text_bytes_max);
}

static size_t login_need(const mk_pop3_client_config *c)
{
    return c->sasl != NULL ? c->sasl->ops->need(c->sasl_message_max) : 0;
}

static bool has_good_login(const mk_pop3_client_config *c)
{
    bool has_apop = (c->capabilities & MK_POP3_CAPABILITY_APOP) != 0;

    if ((unsigned)c->tls > MK_TLS_POLICY_MUST) {
        return false;
    }
    return c->sasl == NULL || (c->sasl->ops != NULL && login_need(c) > 0 &&
                               (!has_apop || c->sasl->crypto != NULL));
}

static bool is_good_config(const mk_pop3_client_config *c)
{
    return c != NULL && c->size == sizeof *c && has_good_unit(c) &&
           c->pipeline_max > 0 && c->pipeline_max <= pipeline_most &&
           c->reply_line_max >= reply_line_min &&
           c->reply_text_bytes <= text_bytes_max && c->rows_max > 0 &&
           c->message_max > 0 && c->greeting_ms > 0 && c->command_ms > 0 &&
           c->quit_ms > 0 && c->tls_ms > 0 && c->answer_ms > 0 &&
           c->rate_min > 0 && c->rate_after_ms > 0 && has_good_login(c);
}

size_t mk_pop3_client_need(const mk_pop3_client_config *c)
{
    if (!is_good_config(c)) {
        return 0;
    }
    return sizeof(mk_pop3_client) + c->pipeline_max * sizeof(client_entry) +
           login_need(c) + (c->units != NULL ? 0 : c->text_bytes) +
           c->reply_text_bytes;
}

/* The block: the engine, its ring, a login, the unit, the text of a reply. */
static void place(mk_pop3_client *c)
{
    const mk_pop3_client_config *config = c->config;
    size_t unit = config->units != NULL ? 0 : config->text_bytes;
    char *at;

    c->ring = (client_entry *)(c + 1);
    c->core.login_room = c->ring + config->pipeline_max;
    c->core.login_bytes = login_need(config);
    if (config->sasl != NULL) {
        c->core.sasl = config->sasl->ops;
        c->core.sasl_config = config->sasl;
    }
    at = (char *)c->core.login_room + c->core.login_bytes;
    mk_outq_init(&c->core.out, config->units, at, unit, NULL);
    c->text = at + unit;
}

_Static_assert(sizeof(client_entry) % _Alignof(mk_pop3_client) == 0,
               "a login behind the ring would not be aligned");

mk_err mk_pop3_client_open(const mk_pop3_client_config *c, void *mem, size_t n,
                           mk_engine **out_engine)
{
    static const client_entry greeting = {.verb = MK_POP3_VERB_CONNECT,
                                          .is_said = true};
    mk_pop3_client *client = mem;
    size_t need = mk_pop3_client_need(c);

    if (need == 0 || mem == NULL || out_engine == NULL ||
        (uintptr_t)mem % _Alignof(mk_pop3_client) != 0) {
        return MK_E_ARG;
    }
    if (n < need) {
        return MK_E_ROOM;
    }
    memset(client, 0, sizeof *client);
    client->core.head.ops = &mk_pop3_client_kind.ops;
    client->core.policy = (uint8_t)c->tls;
    client->config = c;
    place(client);
    /* A line of a message may be as long as it likes. */
    mk_framer_init(&client->core.framer, c->reply_line_max, c->reply_line_max,
                   UINT32_MAX);
    client->core.state = CLIENT_GREETING;
    mk_pop3_client_push(client, &greeting);
    client->passed = 1;
    client->core.awaited = 1; /* the greeting comes unbidden */
    *out_engine = &client->core.head;
    return MK_OK;
}

/* ---- commands ------------------------------------------------------------ */

typedef struct command_form {
    bool is_known;
    bool has_number;
    bool may_be_all; /* number 0 */
    bool has_lines;
    uint16_t capability; /* that tells of it */
} command_form;

/* clang-format off */
static const command_form forms[] = {
    [MK_POP3_VERB_STAT] = {true, false, false, false, 0},
    [MK_POP3_VERB_LIST] = {true, true,  true,  false, 0},
    [MK_POP3_VERB_UIDL] = {true, true,  true,  false, MK_POP3_CAPABILITY_UIDL},
    [MK_POP3_VERB_RETR] = {true, true,  false, false, 0},
    [MK_POP3_VERB_TOP]  = {true, true,  false, true,  MK_POP3_CAPABILITY_TOP},
    [MK_POP3_VERB_DELE] = {true, true,  false, false, 0},
    [MK_POP3_VERB_NOOP] = {true, false, false, false, 0},
    [MK_POP3_VERB_RSET] = {true, false, false, false, 0},
    [MK_POP3_VERB_QUIT] = {true, false, false, false, 0},
};
/* clang-format on */

static mk_err check_numbers(const command_form *form, uint32_t number,
                            uint32_t lines)
{
    bool is_good = form->has_number ? number <= number_max &&
                                          (number > 0 || form->may_be_all)
                                    : number == 0;

    return is_good && (form->has_lines || lines == 0) ? MK_OK : MK_E_ARG;
}

static mk_err check_command(const mk_pop3_client *c, mk_pop3_verb verb,
                            uint32_t number, uint32_t lines)
{
    const command_form *form = &forms[verb];
    mk_err err = check_numbers(form, number, lines);

    if (err != MK_OK) {
        return err;
    }
    if (c->core.state != CLIENT_READY ||
        (c->core.pending & PENDING_READY) != 0 || c->core.is_finishing ||
        c->is_quitting || (!c->core.is_known && verb != MK_POP3_VERB_QUIT)) {
        return MK_E_STATE;
    }
    if (form->capability != 0 && (c->capabilities & form->capability) == 0) {
        return MK_E_UNSUPPORTED;
    }
    return c->count == c->config->pipeline_max ? MK_E_BUSY : MK_OK;
}

static mk_op new_op(mk_pop3_client *c)
{
    c->last_op++;
    if (c->last_op == 0) {
        c->last_op = 1;
    }
    return c->last_op;
}

mk_err mk_pop3_client_command(mk_engine *e, mk_pop3_verb verb, uint32_t number,
                              uint32_t lines, mk_op *out_op)
{
    mk_pop3_client *c =
        (mk_pop3_client *)(void *)mk_wire_heart(e, &mk_pop3_client_kind.ops);
    client_entry entry = {0};
    mk_err err;

    if (out_op == NULL || (unsigned)verb >= sizeof forms / sizeof forms[0] ||
        !forms[verb].is_known) {
        return MK_E_ARG;
    }
    if (c == NULL) {
        return MK_E_STATE;
    }
    err = check_command(c, verb, number, lines);
    if (err != MK_OK) {
        return err;
    }
    entry.op = new_op(c);
    entry.verb = (uint8_t)verb;
    entry.number = number;
    entry.lines = lines;
    mk_pop3_client_push(c, &entry);
    c->is_quitting = verb == MK_POP3_VERB_QUIT;
    c->core.is_stirred = true;
    *out_op = entry.op;
    return MK_OK;
}
