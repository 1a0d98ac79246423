/* SPDX-License-Identifier: MIT
 *
 * settings.c: opens the engine of a performance with the settings of the
 * dialogue's @ lines. A key is a field of the config's name, with `client.`
 * or `server.` before it where both have one; what it does not know it
 * refuses, so that no setting is silently without effect.
 */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct field {
    const char *key;
    size_t at;
    unsigned width; /* 4 or 8 octets; 1: bool, yes; 0: mk_str */
} field;

#define S(f, w)                                                                \
    {                                                                          \
#f, offsetof(mk_smtp_server_config, f), w                              \
    }
#define C(f, w)                                                                \
    {                                                                          \
#f, offsetof(mk_smtp_client_config, f), w                              \
    }

static const field server_fields[] = {
    S(hostname, 0),
    S(banner, 0),
    S(text_bytes, 4),
    S(line_max, 4),
    S(discard_max, 4),
    S(text_line_max, 4),
    S(message_max, 8),
    S(excess_max, 8),
    S(recipients_max, 4),
    S(messages_max, 4),
    S(errors_max, 4),
    S(junk_max, 4),
    S(command_ms, 8),
    S(answer_ms, 8),
    S(errors_soft, 4),
    S(delay_ms, 8),
    S(rate_min, 4),
    S(rate_after_ms, 8),
    S(hurry_command_ms, 8),
    S(hurry_errors_max, 4),
    S(hurry_junk_max, 4),
    S(is_auth_needed, 1),
    S(auth_failures_max, 4),
    S(auth_delay_ms, 8),
    {NULL, 0, 0},
};

static const field client_fields[] = {
    C(hostname, 0),        C(text_bytes, 4),  C(reply_line_max, 4),
    C(reply_lines_max, 4), C(reply_max, 4),   C(reply_text_bytes, 4),
    C(greeting_ms, 8),     C(command_ms, 8),  C(data_ms, 8),
    C(block_ms, 8),        C(block_bytes, 4), C(end_ms, 8),
    C(quit_ms, 8),         C(answer_ms, 8),   C(tls_ms, 8),
    {NULL, 0, 0},
};

#undef S
#undef C

typedef struct bit {
    const char *name;
    uint32_t value;
} bit;

static const bit ask_bits[] = {
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

static const bit extension_bits[] = {
    {"PIPELINING", MK_SMTP_EXTENSION_PIPELINING},
    {"SIZE", MK_SMTP_EXTENSION_SIZE},
    {"8BITMIME", MK_SMTP_EXTENSION_8BITMIME},
    {"ENHANCEDSTATUSCODES", MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES},
    {"STARTTLS", MK_SMTP_EXTENSION_STARTTLS},
    {"AUTH", MK_SMTP_EXTENSION_AUTH},
    {"all", MK_SMTP_EXTENSION_ALL},
    {"none", 0},
    {NULL, 0},
};

static bool bits(const bit *table, const char *z, uint32_t *out)
{
    *out = 0;
    while (*z != '\0') {
        size_t n = strcspn(z, ",");
        const bit *b = table;
        while (b->name != NULL &&
               (strlen(b->name) != n || memcmp(b->name, z, n) != 0)) {
            b++;
        }
        if (b->name == NULL) {
            return false;
        }
        *out |= b->value;
        z += n + (z[n] == ',');
    }
    return true;
}

static bool set_field(const field *table, void *config, const char *key,
                      size_t n, const char *value)
{
    for (const field *f = table; f->key != NULL; f++) {
        if (strlen(f->key) != n || memcmp(f->key, key, n) != 0) {
            continue;
        }
        char *at = (char *)config + f->at;
        uint64_t number = strtoull(value, NULL, 10);
        uint32_t narrow = (uint32_t)number;
        mk_str view = mk_str_z(value);
        bool yes = strcmp(value, "yes") == 0;
        if (f->width == 0) {
            memcpy(at, &view, sizeof view);
        } else if (f->width == 1) {
            memcpy(at, &yes, sizeof yes);
        } else if (f->width == 4) {
            memcpy(at, &narrow, sizeof narrow);
        } else {
            memcpy(at, &number, sizeof number);
        }
        return true;
    }
    return false;
}

static bool is_key(const char *key, size_t n, const char *name)
{
    return strlen(name) == n && memcmp(name, key, n) == 0;
}

static const bit tls_policies[] = {
    {"none", MK_TLS_POLICY_NONE},
    {"may", MK_TLS_POLICY_MAY},
    {"encrypt", MK_TLS_POLICY_ENCRYPT},
    {"must", MK_TLS_POLICY_MUST},
    {NULL, 0},
};

static bool set_tls(const char *value, mk_tls_policy *out)
{
    uint32_t policy;
    bool known = bits(tls_policies, value, &policy);
    *out = (mk_tls_policy)policy;
    return known;
}

static bool set_server(play *p, const char *key, size_t n, const char *value)
{
    if (is_key(key, n, "asks")) {
        return bits(ask_bits, value, &p->server.asks);
    }
    if (is_key(key, n, "extensions")) {
        return bits(extension_bits, value, &p->server.extensions);
    }
    if (is_key(key, n, "tls")) {
        return set_tls(value, &p->server.tls);
    }
    if (is_key(key, n, "bare")) {
        bool normalize = strcmp(value, "normalize") == 0;
        p->server.bare =
            normalize ? MK_SMTP_BARE_NORMALIZE : MK_SMTP_BARE_REJECT;
        return normalize || strcmp(value, "reject") == 0;
    }
    return set_field(server_fields, &p->server, key, n, value);
}

static bool set_client(play *p, const char *key, size_t n, const char *value)
{
    if (is_key(key, n, "extensions")) {
        return bits(extension_bits, value, &p->client.extensions);
    }
    if (is_key(key, n, "tls")) {
        return set_tls(value, &p->client.tls);
    }
    return set_field(client_fields, &p->client, key, n, value);
}

static bool set_one(play *p, const chat_item *item)
{
    const char *key = item->text;
    size_t n = strcspn(key, " ");
    const char *value = key[n] == ' ' ? key + n + 1 : key + n;
    static const char *const others[] = {"chunks",   "pool", "sasl",
                                         "sasl_how", "user", "authzid",
                                         "password", "token"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (is_key(key, n, others[i])) {
            return true;
        }
    }
    if (n > 7 && memcmp(key, "server.", 7) == 0) {
        return set_server(p, key + 7, n - 7, value);
    }
    if (n > 7 && memcmp(key, "client.", 7) == 0) {
        return set_client(p, key + 7, n - 7, value);
    }
    bool server =
        (p->chat->roles & CHAT_SERVER) != 0 && set_server(p, key, n, value);
    bool client =
        (p->chat->roles & CHAT_CLIENT) != 0 && set_client(p, key, n, value);
    return server || client;
}

static bool configure(play *p)
{
    if (mk_smtp_server_config_init(&p->server, sizeof p->server) != MK_OK ||
        mk_smtp_client_config_init(&p->client, sizeof p->client) != MK_OK) {
        return false;
    }
    p->server.hostname = mk_str_z("mx.example");
    p->client.hostname = mk_str_z("client.example");
    for (size_t i = 0; i < p->chat->setting_count; i++) {
        const chat_item *item = &p->chat->settings[i];
        if (!set_one(p, item)) {
            play_fail(p, item->line, "a setting", item->text);
            return false;
        }
    }
    if (p->how.pool) {
        uint32_t unit = p->role == CHAT_SERVER ? p->server.text_bytes
                                               : p->client.text_bytes;
        if (mk_pool_init(&p->pool, mk_alloc_libc(), unit, 1) != MK_OK) {
            return false;
        }
        if (strcmp(chat_setting(p->chat, "pool") == NULL
                       ? ""
                       : chat_setting(p->chat, "pool"),
                   "empty") == 0) {
            p->held_unit = mk_pool_take(&p->pool);
        }
        p->server.units = &p->pool;
        p->client.units = &p->pool;
    }
    return play_open_login(p);
}

bool play_open(play *p)
{
    mk_err err = MK_E_ARG;
    if (configure(p)) {
        bool server = p->role == CHAT_SERVER;
        size_t need = server ? mk_smtp_server_need(&p->server)
                             : mk_smtp_client_need(&p->client);
        p->block = malloc(need);
        if (server && p->block != NULL) {
            err = mk_smtp_server_open(&p->server, p->block, need, &p->engine);
        } else if (p->block != NULL) {
            err = mk_smtp_client_open(&p->client, p->block, need, &p->engine);
        }
    }
    if (err != MK_OK) {
        play_fail(p, 1, "an engine", mk_err_name(err));
        return false;
    }
    rig_init(&p->rig, p->engine, p->how.feed ? 2304 : 0);
    return true;
}
