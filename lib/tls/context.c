/* SPDX-License-Identifier: MIT
 *
 * tls/context.c: what the sessions of a loop share: own certificates and keys,
 * trust, tickets, and the settings of mbedTLS: TLS 1.2 and newer (RFC 8996),
 * ciphers with forward secrecy and authenticated encryption only (RFC 9325
 * 4.2), no renegotiation. Certificates may be replaced while sessions run.
 * It refuses an own certificate that no peer would take.
 */
#include "tls/session.h"

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include <string.h>

enum { EC_BITS_MIN = 256 };

/* RFC 9325 4.2.1 and 4.5. P-256 first: it costs the least, on both ends. */
#if MBEDTLS_VERSION_NUMBER < 0x03000000
static const mbedtls_ecp_group_id groups[] = {
    MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_CURVE25519,
    MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_SECP521R1,
    MBEDTLS_ECP_DP_BP256R1,   MBEDTLS_ECP_DP_BP384R1,
    MBEDTLS_ECP_DP_BP512R1,   MBEDTLS_ECP_DP_NONE,
};
#else
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
    MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_BP256R1,   MBEDTLS_SSL_IANA_TLS_GROUP_BP384R1,
    MBEDTLS_SSL_IANA_TLS_GROUP_BP512R1,   MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
};
#endif

/* RFC 9325 4.2, and those of TLS 1.3. */
static const int ciphers[] = {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    0,
};

mk_err mk_tls_error(int ret)
{
    switch (ret) {
    case 0:
        return MK_OK;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
    case MBEDTLS_ERR_X509_ALLOC_FAILED:
    case MBEDTLS_ERR_PK_ALLOC_FAILED:
        return MK_E_MEMORY;
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return MK_E_CUT;
    case MBEDTLS_ERR_X509_FATAL_ERROR:
        return MK_E_CERT_TRUST; /* a chain that is too long */
    default:
        return MK_E_TLS;
    }
}

int mk_tls_random(void *context, unsigned char *out, size_t n)
{
    const mk_tls_context *x = context;
    return x->random.fill(x->random.self, out, n) == MK_OK
               ? 0
               : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* ---- PEM ----------------------------------------------------------------- */

/* mbedTLS wants PEM with a NUL behind it. */
static char *pem_copy(const mk_alloc *a, mk_str pem)
{
    char *z = mk_alloc_get(a, pem.len + 1);
    if (z != NULL) {
        memcpy(z, pem.ptr, pem.len);
        z[pem.len] = '\0';
    }
    return z;
}

static void pem_drop(const mk_alloc *a, char *z, mk_str pem)
{
    mk_wipe(z, pem.len);
    mk_alloc_put(a, z, pem.len + 1);
}

static mk_err parsed(int ret)
{
    mk_err err = mk_tls_error(ret < 0 ? ret : 0);
    return err == MK_E_TLS ? MK_E_SYNTAX : err;
}

mk_err mk_tls_chain_parse(const mk_alloc *alloc, mk_str pem, bool all,
                          mbedtls_x509_crt *chain)
{
    char *z = pem.len > 0 ? pem_copy(alloc, pem) : NULL;
    if (z == NULL) {
        return pem.len > 0 ? MK_E_MEMORY : MK_E_SYNTAX;
    }
    /* above 0: so many of them are not understood, the others are there */
    int ret = mbedtls_x509_crt_parse(chain, (unsigned char *)z, pem.len + 1);
    pem_drop(alloc, z, pem);
    return all && ret > 0 ? MK_E_SYNTAX : parsed(ret);
}

static mk_err revoked_parse(mk_tls_context *x, mk_str pem)
{
    char *z = pem_copy(x->c.alloc, pem);
    if (z == NULL) {
        return MK_E_MEMORY;
    }
    int ret =
        mbedtls_x509_crl_parse(&x->revoked, (unsigned char *)z, pem.len + 1);
    pem_drop(x->c.alloc, z, pem);
    return parsed(ret);
}

static mk_err key_parse(mk_tls_context *x, mk_str pem, mbedtls_pk_context *key)
{
    char *z = pem.len > 0 ? pem_copy(x->c.alloc, pem) : NULL;
    if (z == NULL) {
        return pem.len > 0 ? MK_E_MEMORY : MK_E_SYNTAX;
    }
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    int ret =
        mbedtls_pk_parse_key(key, (unsigned char *)z, pem.len + 1, NULL, 0);
#else
    int ret = mbedtls_pk_parse_key(key, (unsigned char *)z, pem.len + 1, NULL,
                                   0, mk_tls_random, x);
#endif
    pem_drop(x->c.alloc, z, pem);
    return parsed(ret);
}

/* ---- own certificates ---------------------------------------------------- */

static void own_free(mk_tls_context *x, own_cert *own)
{
    mbedtls_x509_crt_free(&own->crt);
    mbedtls_pk_free(&own->key);
    mk_alloc_put(x->c.alloc, own, sizeof *own);
}

/* Would a peer that checks take it at all? */
static mk_err own_check(mk_tls_context *x, own_cert *own)
{
    uint32_t flags = 0;
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    int ret = mbedtls_pk_check_pair(&own->crt.pk, &own->key);
#else
    int ret = mbedtls_pk_check_pair(&own->crt.pk, &own->key, mk_tls_random, x);
#endif
    if (ret != 0) {
        return MK_E_AUTH;
    }
    bool is_rsa = mbedtls_pk_get_type(&own->crt.pk) == MBEDTLS_PK_RSA;
    if (mbedtls_pk_get_bitlen(&own->crt.pk) <
        (is_rsa ? x->c.key_bits_min : EC_BITS_MIN)) {
        return MK_E_CERT_WEAK;
    }
    if (mbedtls_x509_crt_check_extended_key_usage(
            &own->crt,
            x->c.is_server ? MBEDTLS_OID_SERVER_AUTH : MBEDTLS_OID_CLIENT_AUTH,
            MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0) {
        flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
    }
    mk_tls_flags_amend(&own->crt, 0, x->c.wall_s(x->c.wall_self),
                       mk_str_of(NULL, 0), NULL, &flags);
    return mk_tls_verdict(flags);
}

static mk_err own_new(mk_tls_context *x, mk_str certificate, mk_str key,
                      own_cert **out_own)
{
    own_cert *own = mk_alloc_get(x->c.alloc, sizeof *own);
    if (own == NULL) {
        return MK_E_MEMORY;
    }
    mbedtls_x509_crt_init(&own->crt);
    mbedtls_pk_init(&own->key);
    mk_err err = mk_tls_chain_parse(x->c.alloc, certificate, true, &own->crt);
    err = err == MK_OK ? key_parse(x, key, &own->key) : err;
    err = err == MK_OK ? own_check(x, own) : err;
    if (err != MK_OK) {
        own_free(x, own);
        return err;
    }
    *out_own = own;
    return MK_OK;
}

/* ---- the keyring --------------------------------------------------------- */

keyring *mk_tls_keyring_hold(mk_tls_context *context)
{
    context->ring->refs++;
    return context->ring;
}

static void ring_free(keyring *ring)
{
    mk_tls_context *x = ring->context;
    mbedtls_ssl_config_free(&ring->conf);
    mbedtls_ssl_ticket_free(&ring->tickets);
    while (ring->certs != NULL) {
        own_cert *own = ring->certs;
        ring->certs = own->after;
        own_free(x, own);
    }
    mk_alloc_put(x->c.alloc, ring, sizeof *ring);
}

void mk_tls_keyring_drop(keyring *ring)
{
    if (--ring->refs == 0) {
        ring_free(ring);
    }
}

/* By the name that the peer asked for (RFC 6066 3); the first for all others.
 * Nothing is kept of names but in the session (THREATS 38). */
static int on_server_name(void *self, mbedtls_ssl_context *ssl,
                          const unsigned char *name, size_t n)
{
    const keyring *ring = self;
    const session *s = ssl->MBEDTLS_PRIVATE(p_bio);
    mk_str wanted = mk_str_of((const char *)name, n);

    if (mk_tls_is_server_name(wanted)) {
        mk_tls_info_name(s->state, wanted);
    }
    for (own_cert *own = ring->certs; own != NULL; own = own->after) {
        if (mk_tls_certificate_covers(&own->crt, wanted)) {
            s->state->shown = own;
            return mbedtls_ssl_set_hs_own_cert(ssl, &own->crt, &own->key);
        }
    }
    return 0;
}

static int auth_mode(const mk_tls_context *x)
{
    /* what a bad certificate means is decided in session.c */
    bool asks = !x->c.is_server || x->c.ask != MK_TLS_ASK_NEVER;
    return asks ? MBEDTLS_SSL_VERIFY_OPTIONAL : MBEDTLS_SSL_VERIFY_NONE;
}

/* A client that had to show a certificate has to show it again: its ticket
 * would outlive it, and one of TLS 1.3 does not hold it. */
static int tickets_fill(keyring *ring)
{
    mk_tls_context *x = ring->context;
    if (!x->c.is_server || x->c.ticket_lifetime_s == 0 ||
        x->c.ask != MK_TLS_ASK_NEVER) {
        return 0;
    }
    mbedtls_ssl_conf_session_tickets_cb(&ring->conf, mbedtls_ssl_ticket_write,
                                        mbedtls_ssl_ticket_parse,
                                        &ring->tickets);
    return mbedtls_ssl_ticket_setup(&ring->tickets, mk_tls_random, x,
                                    MBEDTLS_CIPHER_AES_256_GCM,
                                    x->c.ticket_lifetime_s);
}

static mk_err ring_fill(keyring *ring)
{
    mk_tls_context *x = ring->context;
    mbedtls_ssl_config *conf = &ring->conf;
    int ret = mbedtls_ssl_config_defaults(
        conf, x->c.is_server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
        MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret == 0 && ring->certs != NULL) {
        ret = mbedtls_ssl_conf_own_cert(conf, &ring->certs->crt,
                                        &ring->certs->key);
    }
    ret = ret == 0 ? tickets_fill(ring) : ret;
    if (ret != 0) {
        return mk_tls_error(ret);
    }
#if MBEDTLS_VERSION_NUMBER < 0x03020000
    mbedtls_ssl_conf_curves(conf, groups);
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,
                                 MBEDTLS_SSL_MINOR_VERSION_3);
#else
    mbedtls_ssl_conf_groups(conf, groups);
    mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
#endif
    mbedtls_ssl_conf_ciphersuites(conf, ciphers);
    mbedtls_ssl_conf_rng(conf, mk_tls_random, x);
    mbedtls_ssl_conf_authmode(conf, auth_mode(x));
    mbedtls_ssl_conf_cert_profile(conf, &x->profile);
    mbedtls_ssl_conf_ca_chain(conf, &x->trust, &x->revoked);
#if MBEDTLS_VERSION_NUMBER >= 0x03060100
    if (!x->c.is_server) {
        mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
            conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    }
#endif
    if (x->c.is_server) {
        mbedtls_ssl_conf_sni(conf, on_server_name, ring);
    }
    return MK_OK;
}

static mk_err ring_new(mk_tls_context *x, mk_str certificate, mk_str key,
                       keyring **out_ring)
{
    keyring *ring = mk_alloc_get(x->c.alloc, sizeof *ring);
    mk_err err = MK_OK;
    if (ring == NULL) {
        return MK_E_MEMORY;
    }
    ring->context = x;
    ring->refs = 1;
    mbedtls_ssl_config_init(&ring->conf);
    mbedtls_ssl_ticket_init(&ring->tickets);
    if (certificate.len > 0 || x->c.is_server) {
        err = own_new(x, certificate, key, &ring->certs);
    }
    err = err == MK_OK ? ring_fill(ring) : err;
    if (err != MK_OK) {
        ring_free(ring);
        return err;
    }
    *out_ring = ring;
    return MK_OK;
}

mk_err mk_tls_certificate_set(mk_tls_context *context, mk_str certificate,
                              mk_str key)
{
    keyring *ring;
    if (context == NULL) {
        return MK_E_ARG;
    }
    mk_err err = ring_new(context, certificate, key, &ring);
    if (err != MK_OK) {
        return err;
    }
    keyring *old = context->ring;
    context->ring = ring;
    mk_tls_keyring_drop(old);
    return MK_OK;
}

mk_err mk_tls_certificate_add(mk_tls_context *context, mk_str certificate,
                              mk_str key)
{
    if (context == NULL || !context->c.is_server) {
        return MK_E_ARG;
    }
    own_cert **end = &context->ring->certs;
    while (*end != NULL) {
        end = &(*end)->after;
    }
    return own_new(context, certificate, key, end);
}

/* ---- the context --------------------------------------------------------- */

mk_err mk_tls_context_config_init(mk_tls_context_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->key_bits_min = 2048;
    c->ticket_lifetime_s = 86400;
    c->handshakes_max = 100;
    c->handshake_ms = 30000;
    return MK_OK;
}

static bool is_whole(const mk_tls_context_config *c)
{
    return c != NULL && c->size == sizeof *c && c->alloc != NULL &&
           c->wall_s != NULL && c->key_bits_min >= 1024 &&
           c->handshakes_max > 0 && c->handshake_ms > 0 &&
           c->ticket_lifetime_s <= 7 * 86400 &&
           (unsigned)c->ask <= MK_TLS_ASK_NEEDED &&
           (c->certificate.len > 0) == (c->key.len > 0) &&
           (!c->is_server || c->certificate.len > 0);
}

static mk_err random_open(mk_tls_context *x)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    if (x->c.random != NULL) {
        x->random = *x->c.random;
        return MK_OK;
    }
    x->random_bytes = crypto->random_need();
    x->random_mem = mk_alloc_get(x->c.alloc, x->random_bytes);
    if (x->random_mem == NULL) {
        return MK_E_MEMORY;
    }
    mk_err err =
        crypto->random_open(x->random_mem, x->random_bytes, &x->random);
    if (err != MK_OK) {
        mk_alloc_put(x->c.alloc, x->random_mem, x->random_bytes);
        x->random_mem = NULL;
    }
    return err;
}

#define CURVE(name) MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_##name)

/* SHA-256 and better; RSA as long as asked for; curves of 256 bits at least. */
static void profile_fill(mk_tls_context *x)
{
    x->profile = mbedtls_x509_crt_profile_default;
    x->profile.allowed_mds = MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) |
                             MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
                             MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512);
    x->profile.allowed_curves = CURVE(SECP256R1) | CURVE(SECP384R1) |
                                CURVE(SECP521R1) | CURVE(BP256R1) |
                                CURVE(BP384R1) | CURVE(BP512R1);
    x->profile.rsa_min_bitlen = x->c.key_bits_min;
}

static mk_err context_fill(mk_tls_context *x, const mk_tls_context_config *c)
{
    mk_err err = random_open(x);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    if (err == MK_OK && psa_crypto_init() != PSA_SUCCESS) {
        err = MK_E_CRYPTO;
    }
#endif
    if (err == MK_OK && c->trust.len > 0) {
        err = mk_tls_chain_parse(c->alloc, c->trust, false, &x->trust);
    }
    if (err == MK_OK && c->revoked.len > 0) {
        err = revoked_parse(x, c->revoked);
    }
    profile_fill(x);
    return err == MK_OK ? ring_new(x, c->certificate, c->key, &x->ring) : err;
}

static void context_drop(mk_tls_context *x)
{
    const mk_alloc *a = x->c.alloc;
    if (x->ring != NULL) {
        ring_free(x->ring);
    }
    mbedtls_x509_crl_free(&x->revoked);
    mbedtls_x509_crt_free(&x->trust);
    if (x->random_mem != NULL) {
        mk_crypto_mbedtls()->random_close(&x->random);
        mk_alloc_put(a, x->random_mem, x->random_bytes);
    }
    mk_alloc_put(a, x, sizeof *x);
}

mk_err mk_tls_context_new(const mk_tls_context_config *c,
                          mk_tls_context **out_context)
{
    static const mk_str none = {NULL, 0};
    if (!is_whole(c) || out_context == NULL) {
        return MK_E_ARG;
    }
    mk_tls_context *x = mk_alloc_get(c->alloc, sizeof *x);
    if (x == NULL) {
        return MK_E_MEMORY;
    }
    x->c = *c;
    x->c.certificate = x->c.key = x->c.trust = x->c.revoked = none;
    mbedtls_x509_crt_init(&x->trust);
    mbedtls_x509_crl_init(&x->revoked);
    mk_err err = context_fill(x, c);
    if (err != MK_OK) {
        context_drop(x);
        return err;
    }
    *out_context = x;
    return MK_OK;
}

size_t mk_tls_handshakes(const mk_tls_context *context)
{
    return context->handshakes;
}

mk_err mk_tls_context_free(mk_tls_context *context)
{
    if (context == NULL) {
        return MK_OK;
    }
    if (context->sessions > 0) {
        return MK_E_BUSY;
    }
    context_drop(context);
    return MK_OK;
}
