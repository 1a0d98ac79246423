/* SPDX-License-Identifier: MIT
 *
 * secure.c: see secure.h. Trust comes from --tls-trust or from the system's
 * store (RFC 5280 6.1.1 d); that there is none is an error before anything is
 * sent, but where certificates do not matter (--tls may). The secret lies in
 * one place, which is wiped once the login is over.
 */
#include "secure.h"

#include <mailkit/disk.h>

#include "tool.h"

#include <stdlib.h>
#include <time.h>

static int64_t wall_s(void *self)
{
    (void)self;
    return (int64_t)time(NULL);
}

/* ---- TLS ----------------------------------------------------------------- */

static int trust_file(secure *s, const char *name)
{
    char *path = realpath(name, NULL);
    mk_err r = path == NULL
                   ? MK_E_NOENT
                   : mk_tls_trust_load(s->context, mk_vfs_posix(), path);

    free(path);
    return r == MK_OK ? TOOL_OK
                      : tool_fail(TOOL_NOINPUT, name,
                                  r == MK_E_NOENT || r == MK_E_SYNTAX
                                      ? "no certificates in PEM there"
                                      : mk_err_text(r));
}

static int trust_system(secure *s)
{
    mk_err r = mk_tls_trust_load_system(s->context, mk_vfs_posix());

    return r == MK_OK ? TOOL_OK
                      : tool_fail(TOOL_NOINPUT, "the system's certificates",
                                  "not found; see --tls-trust");
}

static int open_tls(secure *s, const target *t)
{
    mk_tls_context_config config;
    mk_err r;

    (void)mk_tls_context_config_init(&config, sizeof config);
    config.alloc = mk_alloc_libc();
    config.wall_s = wall_s;
    r = mk_tls_context_new(&config, &s->context);
    if (r != MK_OK) {
        return tool_fail(TOOL_OSERR, "TLS", mk_err_text(r));
    }
    (void)mk_tls_config_init(&s->tls, sizeof s->tls);
    s->tls.context = s->context;
    s->tls.is_implicit = t->tls == TARGET_TLS_IMPLICIT;
    s->tls.server_name = mk_str_z(t->host);
    s->tls.policy =
        t->tls == TARGET_TLS_MAY ? MK_TLS_POLICY_MAY : MK_TLS_POLICY_MUST;
    s->policy = s->tls.policy;
    if (t->trust != NULL) {
        return trust_file(s, t->trust);
    }
    return t->tls == TARGET_TLS_MAY ? TOOL_OK : trust_system(s);
}

mk_err secure_over(secure *s, mk_engine *inner, mk_engine **out_outer)
{
    if (s->context == NULL) {
        *out_outer = inner;
        return MK_OK;
    }
    return mk_tls_over(inner, &s->tls, out_outer);
}

/* ---- login --------------------------------------------------------------- */

static int open_random(secure *s)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    size_t n = crypto->random_need();
    mk_err r = MK_E_MEMORY;

    s->generator = malloc(n);
    if (s->generator != NULL) {
        r = crypto->random_open(s->generator, n, &s->random);
    }
    if (r == MK_OK) {
        return TOOL_OK;
    }
    free(s->generator);
    s->generator = NULL;
    return tool_fail(TOOL_OSERR, "randomness", mk_err_text(r));
}

static int read_secret(secure *s, const target *t)
{
    const char *from = t->password_file;
    int code;

    if (from != NULL) {
        code = secret_read_file(&s->secret, from);
    } else {
        from = t->password_command;
        code = secret_run_command(&s->secret, from);
    }
    if (code == TOOL_OK && !t->is_oauth && s->secret.len > MK_SASL_NAME_MAX) {
        code = tool_fail(TOOL_NOINPUT, from, "a password has 255 octets");
    }
    return code;
}

static int open_login(secure *s, const target *t)
{
    mk_str given;
    int code = read_secret(s, t);

    if (code == TOOL_OK) {
        code = open_random(s);
    }
    given = mk_str_of(s->secret.octets, s->secret.len);
    (void)mk_sasl_client_config_init(&s->sasl, sizeof s->sasl);
    s->sasl.crypto = mk_crypto_mbedtls();
    s->sasl.random = &s->random;
    s->sasl.authcid = t->user;
    s->sasl.host = mk_str_z(t->host);
    s->sasl.port = t->port;
    s->sasl.is_clear_allowed = t->is_clear_allowed;
    if (t->mechanisms != 0) {
        s->sasl.mechanisms = t->mechanisms;
    }
    if (t->is_oauth) {
        s->sasl.token = given;
        s->message_max = MK_SASL_MESSAGE_MAX;
    } else {
        s->sasl.password = given;
    }
    s->login = &s->sasl;
    return code;
}

int secure_open(secure *s, const target *t)
{
    int code = TOOL_OK;

    if (t->tls != TARGET_TLS_NONE) {
        code = open_tls(s, t);
    }
    if (code == TOOL_OK && t->user.len > 0) {
        code = open_login(s, t);
    }
    return code;
}

const char *secure_mechanism(uint32_t mechanism)
{
    return mk_sasl_name((mk_sasl_mechanism)mechanism);
}

void secure_forget(secure *s)
{
    secret_wipe(&s->secret);
}

void secure_close(secure *s)
{
    secure_forget(s);
    if (s->generator != NULL) {
        mk_crypto_mbedtls()->random_close(&s->random);
        free(s->generator);
        s->generator = NULL;
    }
    (void)mk_tls_context_free(s->context);
    s->context = NULL;
}
