/* SPDX-License-Identifier: MIT
 *
 * login.c: TLS and logins in a dialogue: the TLS line, the @ settings of SASL
 * for both roles, and what the application answers to a login. Nothing here
 * is random: the same dialogue has the same challenges each time.
 */
#include "play.h"

#include <stdlib.h>
#include <string.h>

/* ---- TLS -------------------------------------------------------------------
 */

static bool has_word(const char *z, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = z; (at = strstr(at, word)) != NULL; at += n) {
        if ((at == z || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

static void describe(play *p, const char *z)
{
    mk_tls_info *info = &p->tls;
    memset(info, 0, sizeof *info);
    info->size = sizeof *info;
    info->is_verified = has_word(z, "verified");
    info->is_resumed = has_word(z, "resumed");
    info->verify = info->is_verified ? MK_OK : MK_E_CERT_NONE;
    info->version = mk_str_z("TLSv1.3");
    info->cipher = mk_str_z("TLS1-3-AES-256-GCM-SHA384");
    if (has_word(z, "end_point")) {
        info->end_point = mk_str_z("0123456789abcdef0123456789abcdef");
    }
    if (has_word(z, "exporter")) {
        info->exporter = mk_str_z("fedcba9876543210fedcba9876543210");
    }
}

/* `held`: the driver has clear octets and says so. `ok [words]`, `fail ERROR`:
 * what came of it; for TLS from the first octet nothing begins it. */
void play_tls(play *p, const chat_item *item)
{
    const char *z = item->text;
    mk_err result = MK_OK;
    mk_err err = MK_OK;
    bool held = strcmp(z, "held") == 0;
    if (p->tls_wanted) {
        size_t n = rig_held(&p->rig) + p->pending.len;
        err = mk_tls_begin(p->engine, held ? n + 1 : n);
        p->tls_wanted = false;
    }
    if (err == MK_OK && strncmp(z, "ok", 2) == 0) {
        describe(p, z);
        err = mk_tls_done(p->engine, MK_OK, &p->tls);
    } else if (strncmp(z, "fail ", 5) == 0 &&
               trace_err_named(z + 5, strlen(z + 5), &result)) {
        err = err == MK_OK ? mk_tls_done(p->engine, result, NULL) : err;
    } else if (!held) {
        play_fail(p, item->line, "TLS ok, fail ERROR or held", z);
    }
    if (err != MK_OK) {
        play_fail(p, item->line, "TLS is begun and done", mk_err_name(err));
    }
}

/* ---- SASL ------------------------------------------------------------------
 */

#ifdef CHAT_SASL

static mk_err count_up(void *self, void *out, size_t n)
{
    unsigned char *octets = out;
    (void)self;
    for (size_t i = 0; i < n; i++) {
        octets[i] = (unsigned char)(i * 7 + 1);
    }
    return MK_OK;
}

static const mk_random counting = {NULL, count_up};

static uint32_t mechanisms(const char *z)
{
    uint32_t bits = 0;
    while (*z != '\0') {
        size_t n = strcspn(z, ",");
        bits |= (uint32_t)mk_sasl_find(mk_str_of(z, n));
        z += n + (z[n] == ',');
    }
    return bits;
}

static void open_server(play *p, const char *list, const char *how)
{
    const side *s = play_side(p->protocol, CHAT_SERVER);
    mk_sasl_server_config *c = &p->server_sasl;
    if (mk_sasl_server_config_init(c, sizeof *c) != MK_OK) {
        abort();
    }
    c->crypto = mk_crypto_mbedtls();
    c->random = &counting;
    c->mechanisms = mechanisms(list);
    c->is_clear_allowed = has_word(how, "clear");
    c->asks_keys = has_word(how, "keys");
    c->hostname = mk_str_z("mx.example");
    c->pepper = mk_str_z("a pepper of some length");
    c->iterations = 4096;
    play_point(p, s->sasl_at, c);
    if (p->how.pool &&
        mk_pool_init(
            &p->rooms, mk_alloc_libc(),
            mk_sasl_need(has_word(how, "small") ? 1024 : MK_SASL_MESSAGE_MAX),
            1) == MK_OK) {
        play_point(p, s->sasl_units_at, &p->rooms);
        p->has_rooms = true;
    }
}

static const char *setting(const play *p, const char *key, const char *other)
{
    const char *z = chat_setting(p->chat, key);
    return z == NULL ? other : z;
}

static void open_client(play *p, const char *list, const char *how)
{
    mk_sasl_client_config *c = &p->client_sasl;
    if (mk_sasl_client_config_init(c, sizeof *c) != MK_OK) {
        abort();
    }
    c->crypto = mk_crypto_mbedtls();
    c->random = &counting;
    c->mechanisms = mechanisms(list);
    c->is_clear_allowed = has_word(how, "clear");
    c->authcid = mk_str_z(setting(p, "user", "ann"));
    c->authzid = mk_str_z(setting(p, "authzid", ""));
    c->password = mk_str_z(setting(p, "password", "secret"));
    c->token = mk_str_z(setting(p, "token", ""));
    play_point(p, play_side(p->protocol, CHAT_CLIENT)->sasl_at, c);
}

bool play_open_login(play *p)
{
    const char *list = setting(p, "sasl", p->protocol->sasl);
    const char *usual =
        chat_setting(p->chat, "sasl") == NULL ? p->protocol->sasl_how : NULL;
    const char *how = setting(p, "sasl_how", usual == NULL ? "" : usual);
    if (list == NULL || strcmp(list, "none") == 0) {
        return true;
    }
    p->has_login = true;
    if (p->role == CHAT_SERVER) {
        open_server(p, list, how);
    } else {
        open_client(p, list, how);
    }
    return true;
}

/* `login yes|no|defer [PASSWORD]`: the password is what is known of the user,
 * where keys are asked for */
mk_err play_login(play *p, const char *z)
{
    static const struct {
        const char *word;
        mk_answer answer;
    } answers[] = {{"yes", MK_ANSWER_YES},
                   {"no", MK_ANSWER_NO},
                   {"defer", MK_ANSWER_LATER}};
    mk_sasl_keys keys;
    size_t n = strcspn(z, " ");
    memset(&keys, 0, sizeof keys);
    keys.password = mk_str_z(z[n] == ' ' ? z + n + 1 : "");
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (strncmp(answers[i].word, z, n) == 0) {
            return mk_sasl_answer(p->engine, p->op, answers[i].answer,
                                  keys.password.len > 0 ? &keys : NULL);
        }
    }
    return MK_E_ARG;
}

#else

bool play_open_login(play *p)
{
    return chat_setting(p->chat, "sasl") == NULL;
}

mk_err play_login(play *p, const char *z)
{
    (void)p;
    (void)z;
    return MK_E_UNSUPPORTED;
}

#endif
