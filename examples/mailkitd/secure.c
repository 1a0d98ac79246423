/* SPDX-License-Identifier: MIT
 *
 * secure.c: TLS and logins (RFC 3207, 4954, 8314). The master looks whether
 * certificates and keys are good and chooses the mechanisms; each worker makes
 * what its sessions share, after its fork, so that no two have the same random
 * numbers. Secrets are compared inside the exchange, in slices, with the same
 * work for all (THREATS 50). It refuses to let a login through in clear, but
 * with --allow-clear-auth. Builds without TLS have secure_none.c instead.
 */
#include "mailkitd.h"

#include <mailkit/tls.h>

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#define OAUTH (MK_SASL_XOAUTH2 | MK_SASL_OAUTHBEARER)
#define SCRAM_SHA_1 (MK_SASL_SCRAM_SHA_1 | MK_SASL_SCRAM_SHA_1_PLUS)
#define SCRAM_SHA_256 (MK_SASL_SCRAM_SHA_256 | MK_SASL_SCRAM_SHA_256_PLUS)

struct secure {
    const site *site;
    mk_tls_context *context; /* NULL: no certificate */
    mk_tls_config starttls, implicit;
    mk_sasl_server_config sasl;
    mk_pool units; /* of logins under way */
    mk_users_login *login;
    mk_authenticator authenticator;
};

/* ---- certificates -------------------------------------------------------- */

static int64_t wall_s(void *self)
{
    const int64_t *when = self;
    return *when;
}

static mk_err context_new(const certificates *all, size_t i, size_t handshakes,
                          mk_tls_context **out)
{
    mk_tls_context_config c;
    mk_tls_context_config_init(&c, sizeof c);
    c.alloc = mk_alloc_libc();
    c.is_server = true;
    c.certificate = all->items[i].chain;
    c.key = all->items[i].key;
    c.handshakes_max = (uint32_t)handshakes;
    c.wall_s = wall_s;
    c.wall_self = (void *)(uintptr_t)&all->looked_at_s;
    return mk_tls_context_new(&c, out);
}

static const char *why_not(mk_err err)
{
    switch (err) {
    case MK_E_SYNTAX:
        return "the certificate or its key cannot be understood";
    case MK_E_AUTH:
        return "the key is not that of the first certificate in the file";
    case MK_E_CERT_WEAK:
        return "its key or signature is weaker than peers accept";
    case MK_E_CERT_TIME:
        return "it has expired, or is not valid yet";
    case MK_E_CERT_USE:
        return "it is not one for servers";
    default:
        return mk_err_text(err);
    }
}

int secure_certificates_check(const settings *s, certificates *io_all)
{
    int code = -1;

    io_all->looked_at_s = (int64_t)time(NULL);
    for (size_t i = 0; i < io_all->count; i++) {
        mk_tls_context *context = NULL;
        mk_err err = context_new(io_all, i, 1, &context);
        (void)mk_tls_context_free(context);
        if (err != MK_OK) {
            complain("--tls-cert %s: %s", s->tls_cert.items[i], why_not(err));
            code = EX_CONFIG;
        }
    }
    return code;
}

/* ---- mechanisms ---------------------------------------------------------- */

/* A client takes the strongest and does not try another: what one user's
 * secret cannot serve is not offered to all. */
static uint32_t served_to_all(uint32_t kinds)
{
    const uint32_t bearer = MK_USERS_KIND_BEARER;
    uint32_t m = MK_SASL_PLAIN | MK_SASL_LOGIN;

    if ((kinds & MK_USERS_KIND_SCRAM_SHA_1) == 0) {
        m |= SCRAM_SHA_256;
    }
    if ((kinds & MK_USERS_KIND_SCRAM_SHA_256) == 0) {
        m |= SCRAM_SHA_1;
    }
    if ((kinds & ~bearer) == MK_USERS_KIND_PLAIN) {
        m |= MK_SASL_CRAM_MD5;
    }
    if (kinds == bearer) {
        m = 0;
    }
    return (kinds & bearer) != 0 ? m | OAUTH : m;
}

uint32_t secure_mechanism(const char *name)
{
    return (uint32_t)mk_sasl_find(mk_str_z(name)) &
           (OAUTH | SCRAM_SHA_1 | SCRAM_SHA_256 | MK_SASL_PLAIN |
            MK_SASL_LOGIN | MK_SASL_CRAM_MD5);
}

int secure_logins_open(const settings *s, const mk_users *users,
                       const certificates *all, logins *out)
{
    static const mk_str none = {NULL, 0};
    uint32_t kinds = mk_users_kinds(users);

    out->mechanisms = s->auth.count == 0 ? served_to_all(kinds) : 0;
    for (size_t i = 0; i < s->auth.count; i++) {
        out->mechanisms |= secure_mechanism(s->auth.items[i]);
    }
    out->has_keys_only = (kinds & MK_USERS_KIND_PLAIN) == 0;
    mk_err err =
        mk_users_pepper(users, mk_crypto_mbedtls(),
                        all->count > 0 ? all->items[0].key : none, out->pepper);
    if (err != MK_OK) {
        complain("--users: no logins: %s", mk_err_text(err));
        return EX_OSERR;
    }
    return -1;
}

/* ---- what the sessions of a worker share ----------------------------------
 */

/* Half of all connections may be on their way to TLS: it takes as many to keep
 * others out of TLS as to keep half of all out. */
static mk_err tls_open(secure *w)
{
    const certificates *all = &w->site->certificates;
    size_t handshakes = (size_t)w->site->s.max_connections / 2 + 1;
    mk_err err = context_new(all, 0, handshakes, &w->context);

    for (size_t i = 1; i < all->count && err == MK_OK; i++) {
        err = mk_tls_certificate_add(w->context, all->items[i].chain,
                                     all->items[i].key);
    }
    mk_tls_config_init(&w->starttls, sizeof w->starttls);
    w->starttls.context = w->context;
    w->implicit = w->starttls;
    w->implicit.is_implicit = true;
    return err;
}

static mk_err logins_open(secure *w, const mk_host *host,
                          const mk_random *random)
{
    const logins *l = &w->site->logins;
    mk_users_login_config c;
    bool has_tokens = (l->mechanisms & OAUTH) != 0;

    mk_sasl_server_config_init(&w->sasl, sizeof w->sasl);
    w->sasl.crypto = mk_crypto_mbedtls();
    w->sasl.random = random;
    w->sasl.mechanisms = l->mechanisms;
    w->sasl.is_clear_allowed = w->site->s.allow_clear_auth;
    w->sasl.asks_keys = true;
    w->sasl.is_keys_only = l->has_keys_only;
    w->sasl.hostname = mk_str_z(w->site->s.hostname);
    w->sasl.pepper = mk_str_of((const char *)l->pepper, sizeof l->pepper);
    mk_users_login_config_init(&c, sizeof c);
    c.host = host;
    c.alloc = mk_alloc_libc();
    c.users = w->site->users;
    c.sasl = &w->sasl;
    mk_err err =
        mk_pool_init(&w->units, mk_alloc_libc(),
                     mk_sasl_need(has_tokens ? MK_SASL_MESSAGE_MAX : 1024),
                     (size_t)w->site->s.max_connections);
    err = err == MK_OK ? mk_users_login_new(&c, &w->login) : err;
    if (err == MK_OK) {
        mk_users_login_authenticator(w->login, &w->authenticator);
    }
    return err;
}

mk_err secure_new(const site *t, const mk_host *host, const mk_random *random,
                  secure **out)
{
    secure *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return MK_E_MEMORY;
    }
    w->site = t;
    mk_err err = t->certificates.count > 0 ? tls_open(w) : MK_OK;
    if (err == MK_OK && t->has_logins) {
        err = logins_open(w, host, random);
    }
    if (err != MK_OK) {
        (void)secure_free(w);
        return err;
    }
    *out = w;
    return MK_OK;
}

mk_err secure_free(secure *w)
{
    mk_err err = w != NULL ? mk_users_login_free(w->login) : MK_OK;
    if (w == NULL || err != MK_OK) {
        return err;
    }
    mk_pool_fini(&w->units);
    err = mk_tls_context_free(w->context);
    free(w);
    return err;
}

/* ---- one protocol -------------------------------------------------------- */

static mk_err wrap(void *self, mk_engine *inner, mk_engine **out_outer)
{
    return mk_tls_over(inner, self, out_outer);
}

/* What a login brings, and the login itself, go in clear only if told so. */
static mk_tls_policy policy_of(const secure *w, const protocol *p)
{
    bool is_clear_fine = p->login == LOGIN_NEVER || w->site->s.allow_clear_auth;
    return w->context == NULL ? MK_TLS_POLICY_NONE
           : p->is_tls        ? MK_TLS_POLICY_ENCRYPT
           : is_clear_fine    ? MK_TLS_POLICY_MAY
                              : MK_TLS_POLICY_ENCRYPT;
}

void secure_serve(secure *w, const protocol *p, security *out)
{
    memset(out, 0, sizeof *out);
    out->tls = policy_of(w, p);
    if (w->context != NULL) {
        out->wrap = wrap;
        out->wrap_self = p->is_tls ? &w->implicit : &w->starttls;
        out->is_tls_implicit = p->is_tls;
    }
    if (p->login != LOGIN_NEVER) {
        out->sasl = &w->sasl;
        out->sasl_units = &w->units;
        out->authenticator = &w->authenticator;
        out->crypto = mk_crypto_mbedtls();
    }
}
