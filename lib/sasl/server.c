/* SPDX-License-Identifier: MIT
 *
 * sasl/server.c: the server's table of mechanisms, what is offered where, the
 * opening of an exchange, and the question to the application with its answer
 * (RFC 4422 3). It judges no secret by itself and knows no user; an answer NO
 * takes the same way through the row as YES does.
 */
#include "sasl/internal.h"

/* clang-format off */
static const mk_sasl_row rows[] = {
    {MK_SASL_EXTERNAL,           0,              NULL,                       mk_sasl_server_external_take,  NULL,                      MK_SASL_ASK_EXTERNAL,  mk_sasl_server_verdict},
    {MK_SASL_OAUTHBEARER,        0,              NULL,                       mk_sasl_server_bearer_take,    NULL,                      MK_SASL_ASK_TOKEN,     mk_sasl_server_token_resolve},
    {MK_SASL_XOAUTH2,            0,              NULL,                       mk_sasl_server_xoauth2_take,   NULL,                      MK_SASL_ASK_TOKEN,     mk_sasl_server_token_resolve},
    {MK_SASL_SCRAM_SHA_256_PLUS, MK_HASH_SHA256, NULL,                       mk_sasl_server_scram_take,     mk_sasl_server_scram_work, MK_SASL_ASK_KEYS,      mk_sasl_server_scram_resolve},
    {MK_SASL_SCRAM_SHA_1_PLUS,   MK_HASH_SHA1,   NULL,                       mk_sasl_server_scram_take,     mk_sasl_server_scram_work, MK_SASL_ASK_KEYS,      mk_sasl_server_scram_resolve},
    {MK_SASL_SCRAM_SHA_256,      MK_HASH_SHA256, NULL,                       mk_sasl_server_scram_take,     mk_sasl_server_scram_work, MK_SASL_ASK_KEYS,      mk_sasl_server_scram_resolve},
    {MK_SASL_SCRAM_SHA_1,        MK_HASH_SHA1,   NULL,                       mk_sasl_server_scram_take,     mk_sasl_server_scram_work, MK_SASL_ASK_KEYS,      mk_sasl_server_scram_resolve},
    {MK_SASL_CRAM_MD5,           MK_HASH_MD5,    mk_sasl_server_cram_begin,  mk_sasl_server_cram_take,      NULL,                      MK_SASL_ASK_KEYS,      mk_sasl_server_cram_resolve},
    {MK_SASL_PLAIN,              MK_HASH_SHA256, NULL,                       mk_sasl_server_plain_take,     mk_sasl_server_plain_work, MK_SASL_ASK_PASSWORD,  mk_sasl_server_plain_resolve},
    {MK_SASL_LOGIN,              MK_HASH_SHA256, mk_sasl_server_login_begin, mk_sasl_server_login_take,     mk_sasl_server_plain_work, MK_SASL_ASK_PASSWORD,  mk_sasl_server_plain_resolve},
    {MK_SASL_ANONYMOUS,          0,              NULL,                       mk_sasl_server_anonymous_take, NULL,                      MK_SASL_ASK_ANONYMOUS, mk_sasl_server_verdict},
};
/* clang-format on */

static const mk_sasl_server_ops ops = {
    .name = mk_sasl_name,
    .find = mk_sasl_find,
    .need = mk_sasl_need,
    .offer = mk_sasl_server_offer,
    .open = mk_sasl_server_open,
    .next_state = mk_sasl_next,
    .message = mk_sasl_message,
    .hear = mk_sasl_hear,
    .heard = mk_sasl_heard,
    .fail = mk_sasl_fail,
    .why = mk_sasl_why,
    .which = mk_sasl_which,
    .question = mk_sasl_question,
    .resolve = mk_sasl_resolve,
    .authcid = mk_sasl_authcid,
    .authzid = mk_sasl_authzid,
    .close = mk_sasl_close,
};

mk_err mk_sasl_server_config_init(mk_sasl_server_config *c, size_t size)
{
    static const mk_sasl_server_config defaults = {
        .size = sizeof defaults,
        .ops = &ops,
        .mechanisms = MK_SASL_PLAIN | MK_SASL_LOGIN | SASL_SCRAM,
        .iterations = 10000,
        .slice_iterations = 2000,
    };

    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    *c = defaults;
    return MK_OK;
}

uint32_t mk_sasl_server_offer(const mk_sasl_server_config *c,
                              const mk_tls_info *tls)
{
    uint32_t offer = c->mechanisms & MK_SASL_ALL;

    if (tls == NULL && !c->is_clear_allowed) {
        offer &= ~(uint32_t)MK_SASL_CLEAR;
    }
    if (tls == NULL || (tls->exporter.len == 0 && tls->end_point.len == 0)) {
        offer &= ~(uint32_t)SASL_PLUS;
    }
    if (tls == NULL || !tls->is_verified) {
        offer &= ~(uint32_t)MK_SASL_EXTERNAL;
    }
    return offer;
}

static mk_err judge(const mk_sasl_server_config *c, uint32_t mechanism,
                    const mk_tls_info *tls)
{
    if ((mk_sasl_server_offer(c, tls) & mechanism) != 0) {
        return MK_OK;
    }
    return tls == NULL && (c->mechanisms & mechanism & MK_SASL_CLEAR) != 0
               ? MK_E_CLEARTEXT
               : MK_E_UNSUPPORTED;
}

/* Whatever compares a password needs the pepper: it stands in for those that
 * are not known. */
static bool is_config_good(const mk_sasl_server_config *c, uint32_t mechanism)
{
    bool is_asking_keys = (mechanism & (SASL_SCRAM | MK_SASL_CRAM_MD5)) != 0 ||
                          ((mechanism & SASL_PASSWORD) != 0 && c->asks_keys);

    if (!is_asking_keys) {
        return true;
    }
    if ((mechanism & (SASL_SCRAM | MK_SASL_CRAM_MD5)) != 0 &&
        c->random == NULL) {
        return false;
    }
    if (mechanism == MK_SASL_CRAM_MD5 && !mk_sasl_is_visible(c->hostname)) {
        return false;
    }
    return c->crypto != NULL && c->pepper.len >= SASL_PEPPER_MIN &&
           c->slice_iterations > 0 && c->iterations >= SASL_ITERATIONS_MIN &&
           c->iterations <= SASL_ITERATIONS_MAX;
}

static const mk_sasl_row *find(mk_sasl_mechanism mechanism)
{
    size_t i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].mechanism == mechanism) {
            return &rows[i];
        }
    }
    return NULL;
}

mk_err mk_sasl_server_open(const mk_sasl_server_config *c,
                           mk_sasl_mechanism mechanism, const mk_tls_info *tls,
                           void *mem, size_t n, mk_sasl **out_sasl)
{
    const mk_sasl_row *row = find(mechanism);
    mk_sasl *s;
    mk_err err;

    if (c == NULL || out_sasl == NULL || row == NULL || c->size != sizeof *c) {
        return MK_E_ARG;
    }
    err = judge(c, (uint32_t)mechanism, tls);
    if (err == MK_OK && !is_config_good(c, (uint32_t)mechanism)) {
        err = MK_E_ARG;
    }
    if (err == MK_OK) {
        err = mk_sasl_place(mem, n, &s);
    }
    if (err != MK_OK) {
        return err;
    }
    s->row = row;
    s->server = c;
    s->crypto = c->crypto;
    s->random = c->random;
    s->slice = c->slice_iterations;
    s->tls = tls;
    err = mk_sasl_start(s);
    if (err == MK_OK) {
        *out_sasl = s;
    }
    return err;
}

mk_err mk_sasl_ask_now(mk_sasl *s)
{
    s->ask.kind = s->row->ask;
    if (s->ask.kind == MK_SASL_ASK_PASSWORD && s->server->asks_keys) {
        s->ask.kind = MK_SASL_ASK_KEYS;
        s->ask.secret = mk_str_of(NULL, 0);
    }
    s->ask.mechanism = s->row->mechanism;
    s->ask.hash = s->row->hash;
    s->ask.tls = s->tls;
    s->state = MK_SASL_ASK;
    return MK_OK;
}

const mk_sasl_ask *mk_sasl_question(const mk_sasl *s)
{
    return s->state == MK_SASL_ASK ? &s->ask : NULL;
}

/* Do stored keys have a hash that this mechanism can use? */
static bool is_length_good(const mk_sasl *s, size_t n)
{
    if ((s->row->mechanism & SASL_SCRAM) != 0) {
        return n == mk_hash_size(s->row->hash);
    }
    return s->row->mechanism != MK_SASL_CRAM_MD5 &&
           (n == mk_hash_size(MK_HASH_SHA256) ||
            n == mk_hash_size(MK_HASH_SHA1));
}

static bool is_keys_good(const mk_sasl *s, const mk_sasl_keys *keys)
{
    if (keys == NULL) {
        return false;
    }
    if (keys->password.len > 0) {
        return keys->password.len <= MK_SASL_NAME_MAX &&
               !(s->server->is_keys_only &&
                 (s->row->mechanism & SASL_SCRAM) != 0);
    }
    return is_length_good(s, keys->stored_key.len) &&
           keys->server_key.len == keys->stored_key.len && keys->salt.len > 0 &&
           keys->salt.len <= SASL_SALT_MAX &&
           keys->iterations >= SASL_ITERATIONS_MIN &&
           keys->iterations <= SASL_ITERATIONS_MAX;
}

mk_err mk_sasl_resolve(mk_sasl *s, mk_answer answer, const mk_sasl_keys *keys)
{
    bool is_yes = answer == MK_ANSWER_YES;
    mk_err err;

    if (s->state != MK_SASL_ASK) {
        return MK_E_STATE;
    }
    if ((unsigned)answer > MK_ANSWER_NO ||
        (is_yes && s->ask.kind == MK_SASL_ASK_KEYS && !is_keys_good(s, keys))) {
        return MK_E_ARG;
    }
    if (answer == MK_ANSWER_LATER) {
        err = MK_E_AGAIN;
    } else {
        err = s->row->resolve(s, is_yes, is_yes ? keys : NULL);
    }
    if (err != MK_OK) {
        mk_sasl_end(s, err);
    }
    return MK_OK;
}

mk_str mk_sasl_authcid(const mk_sasl *s)
{
    bool is_done = s->server != NULL && s->state == MK_SASL_DONE;

    return is_done ? s->ask.authcid : mk_str_of(NULL, 0);
}

mk_str mk_sasl_authzid(const mk_sasl *s)
{
    bool is_done = s->server != NULL && s->state == MK_SASL_DONE;

    return is_done ? s->ask.authzid : mk_str_of(NULL, 0);
}
