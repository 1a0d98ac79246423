/* SPDX-License-Identifier: MIT
 *
 * sasl/client.c: the client's table of mechanisms, what each needs, the choice
 * among them (RFC 4422 3.3, THREATS 41) and the opening of an exchange. A
 * secret goes only to a server that TLS has verified, whatever the mechanism,
 * unless the application says otherwise. It never tries a second mechanism.
 */
#include "sasl/internal.h"

/* clang-format off */
/* the strongest first; as server.c */
static const mk_sasl_row rows[] = {
    {MK_SASL_EXTERNAL,           0,              mk_sasl_client_external_begin,  NULL,                      NULL,                      0, NULL},
    {MK_SASL_OAUTHBEARER,        0,              mk_sasl_client_bearer_begin,    mk_sasl_client_token_take, NULL,                      0, NULL},
    {MK_SASL_XOAUTH2,            0,              mk_sasl_client_xoauth2_begin,   mk_sasl_client_token_take, NULL,                      0, NULL},
    {MK_SASL_SCRAM_SHA_256_PLUS, MK_HASH_SHA256, mk_sasl_client_scram_begin,     mk_sasl_client_scram_take, mk_sasl_client_scram_work, 0, NULL},
    {MK_SASL_SCRAM_SHA_1_PLUS,   MK_HASH_SHA1,   mk_sasl_client_scram_begin,     mk_sasl_client_scram_take, mk_sasl_client_scram_work, 0, NULL},
    {MK_SASL_SCRAM_SHA_256,      MK_HASH_SHA256, mk_sasl_client_scram_begin,     mk_sasl_client_scram_take, mk_sasl_client_scram_work, 0, NULL},
    {MK_SASL_SCRAM_SHA_1,        MK_HASH_SHA1,   mk_sasl_client_scram_begin,     mk_sasl_client_scram_take, mk_sasl_client_scram_work, 0, NULL},
    {MK_SASL_CRAM_MD5,           MK_HASH_MD5,    NULL,                           mk_sasl_client_cram_take,  NULL,                      0, NULL},
    {MK_SASL_PLAIN,              0,              mk_sasl_client_plain_begin,     NULL,                      NULL,                      0, NULL},
    {MK_SASL_LOGIN,              0,              NULL,                           mk_sasl_client_login_take, NULL,                      0, NULL},
    {MK_SASL_ANONYMOUS,          0,              mk_sasl_client_anonymous_begin, NULL,                      NULL,                      0, NULL},
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof rows[0] };

static const mk_sasl_client_ops ops = {
    .name = mk_sasl_name,
    .parse = mk_sasl_parse,
    .need = mk_sasl_need,
    .choose = mk_sasl_client_choose,
    .open = mk_sasl_client_open,
    .next_state = mk_sasl_next,
    .message = mk_sasl_message,
    .say = mk_sasl_say,
    .hear = mk_sasl_hear,
    .heard = mk_sasl_heard,
    .fail = mk_sasl_fail,
    .why = mk_sasl_why,
    .close = mk_sasl_close,
};

mk_err mk_sasl_client_config_init(mk_sasl_client_config *c, size_t size)
{
    static const mk_sasl_client_config defaults = {
        .size = sizeof defaults,
        .ops = &ops,
        .mechanisms = MK_SASL_ALL & ~(MK_SASL_ANONYMOUS | MK_SASL_EXTERNAL),
        .iterations_min = SASL_ITERATIONS_MIN,
        .iterations_max = SASL_ITERATIONS_MAX,
        .slice_iterations = 2000,
    };

    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    *c = defaults;
    return MK_OK;
}

static bool has_binding(const mk_tls_info *tls)
{
    return tls != NULL && (tls->exporter.len > 0 || tls->end_point.len > 0);
}

/* Is there what the mechanism needs? And may it be used here? */
static mk_err judge(const mk_sasl_client_config *c, uint32_t mechanism,
                    const mk_tls_info *tls)
{
    bool is_safe = c->is_clear_allowed || (tls != NULL && tls->is_verified);

    if ((c->mechanisms & mechanism) == 0 ||
        ((mechanism & SASL_TOKEN) != 0 && c->token.len == 0) ||
        ((mechanism & SASL_PASSWORD) != 0 && c->password.len == 0) ||
        ((mechanism & SASL_PLUS) != 0 && !has_binding(tls)) ||
        (mechanism == MK_SASL_EXTERNAL && tls == NULL)) {
        return MK_E_UNSUPPORTED;
    }
    return is_safe || (mechanism & (SASL_TOKEN | SASL_PASSWORD)) == 0
               ? MK_OK
               : MK_E_CLEARTEXT;
}

mk_sasl_mechanism mk_sasl_client_choose(const mk_sasl_client_config *c,
                                        uint32_t offered,
                                        const mk_tls_info *tls)
{
    size_t i;

    for (i = 0; i < ROWS; i++) {
        uint32_t mechanism = (uint32_t)rows[i].mechanism;

        if ((offered & mechanism) != 0 && judge(c, mechanism, tls) == MK_OK) {
            return rows[i].mechanism;
        }
    }
    return MK_SASL_NONE;
}

/* Empty names are legal where nobody must be named. */
static mk_err check_name(mk_str name, bool may_be_empty)
{
    mk_err err = mk_sasl_check_name(name);

    if (name.len == 0 && may_be_empty) {
        return MK_OK;
    }
    return err == MK_E_SYNTAX ? MK_E_ARG : err;
}

static mk_err check_secret(const mk_sasl_client_config *c, uint32_t mechanism)
{
    if ((mechanism & SASL_PASSWORD) != 0) {
        if (c->password.len > MK_SASL_NAME_MAX) {
            return MK_E_LIMIT;
        }
        return mk_sasl_has_nul(c->password) ? MK_E_CTL : MK_OK;
    }
    if ((mechanism & SASL_TOKEN) != 0 &&
        (!mk_sasl_is_visible(c->token) ||
         (c->host.len > 0 && !mk_sasl_is_visible(c->host)))) {
        return MK_E_CTL;
    }
    return MK_OK;
}

static mk_err check_config(const mk_sasl_client_config *c, uint32_t mechanism)
{
    bool is_named = (mechanism & (SASL_PASSWORD | MK_SASL_XOAUTH2)) != 0;
    mk_err err;

    if (c->slice_iterations == 0 || c->iterations_min == 0 ||
        c->iterations_max < c->iterations_min ||
        ((mechanism & (SASL_SCRAM | MK_SASL_CRAM_MD5)) != 0 &&
         c->crypto == NULL) ||
        ((mechanism & SASL_SCRAM) != 0 && c->random == NULL)) {
        return MK_E_ARG;
    }
    err = check_name(c->authcid, !is_named);
    if (err == MK_OK) {
        err = check_name(c->authzid, true);
    }
    return err == MK_OK ? check_secret(c, mechanism) : err;
}

static const mk_sasl_row *find(mk_sasl_mechanism mechanism)
{
    size_t i;

    for (i = 0; i < ROWS; i++) {
        if (rows[i].mechanism == mechanism) {
            return &rows[i];
        }
    }
    return NULL;
}

mk_err mk_sasl_client_open(const mk_sasl_client_config *c,
                           mk_sasl_mechanism mechanism, uint32_t offered,
                           const mk_tls_info *tls, void *mem, size_t n,
                           mk_sasl **out_sasl)
{
    const mk_sasl_row *row = find(mechanism);
    mk_sasl *s;
    mk_err err;

    if (c == NULL || out_sasl == NULL || row == NULL || c->size != sizeof *c) {
        return MK_E_ARG;
    }
    err = judge(c, (uint32_t)mechanism, tls);
    if (err == MK_OK) {
        err = check_config(c, (uint32_t)mechanism);
    }
    if (err == MK_OK) {
        err = mk_sasl_place(mem, n, &s);
    }
    if (err != MK_OK) {
        return err;
    }
    s->row = row;
    s->client = c;
    s->crypto = c->crypto;
    s->random = c->random;
    s->slice = c->slice_iterations;
    s->tls = tls;
    s->offered = offered;
    err = mk_sasl_start(s);
    if (err == MK_OK) {
        *out_sasl = s;
    }
    return err;
}
