/* SPDX-License-Identifier: MIT
 *
 * tls/internal.h: what the files of tls/ share, and the differences between
 * mbedTLS 2.28 and 3.x in one place: context.c (keys, certificates, settings
 * of mbedTLS), trust.c (files of trusted certificates), verify.c (names,
 * dates, and what a verdict is called); session.h has the engine.
 */
#ifndef TLS_INTERNAL_H
#define TLS_INTERNAL_H

#include <mailkit/crypto.h>
#include <mailkit/tls.h>

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>

#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define MBEDTLS_PRIVATE(member) member
#define mk_tls_is_shaken(ssl) ((ssl)->state == MBEDTLS_SSL_HANDSHAKE_OVER)
#else
#define mk_tls_is_shaken(ssl) (mbedtls_ssl_is_handshake_over(ssl) != 0)
#endif

/* An own certificate with its chain. */
typedef struct own_cert {
    struct own_cert *after;
    mbedtls_x509_crt crt;
    mbedtls_pk_context key;
} own_cert;

/* The settings of mbedTLS with the own certificates. Replaced as a whole when
 * those change; lives while a session or the context holds it. */
typedef struct keyring {
    size_t refs;
    mk_tls_context *context;
    mbedtls_ssl_config conf;
    own_cert *certs; /* the first is the default */
    /* a ticket resumes what was shown with these certificates */
    mbedtls_ssl_ticket_context tickets;
} keyring;

struct mk_tls_context {
    mk_tls_context_config c; /* its views are empty */
    mk_random random;
    void *random_mem; /* when the generator is our own */
    size_t random_bytes;
    mbedtls_x509_crt trust;
    mbedtls_x509_crl revoked;
    mbedtls_x509_crt_profile profile;
    keyring *ring;
    size_t sessions;
    size_t handshakes;
};

struct mk_tls_ticket {
    const mk_alloc *alloc;
    const mk_tls_context *context; /* compared only */
    mbedtls_ssl_session session;
    mk_err verify; /* what came of the certificates when they were seen */
    int64_t valid_to_s;
    size_t name_len;
    char name[256]; /* whom the ticket is for */
};

/* ---- context.c -------------------------------------------------------------
 */

keyring *mk_tls_keyring_hold(mk_tls_context *context);
void mk_tls_keyring_drop(keyring *ring);

/* What an error of mbedTLS means to a caller of ours. */
mk_err mk_tls_error(int ret);

/* Parse PEM certificates into a chain: all of them, or those that are
 * understood. */
mk_err mk_tls_chain_parse(const mk_alloc *alloc, mk_str pem, bool all,
                          mbedtls_x509_crt *chain);

/* Octets from the context's generator, as mbedTLS calls for them. */
int mk_tls_random(void *context, unsigned char *out, size_t n);

/* ---- verify.c --------------------------------------------------------------
 */

/* A dNSName of a certificate against a host name (RFC 9525 6.3): a wildcard is
 * the whole leftmost label, stands for one label, and at least two follow. */
bool mk_tls_pattern_covers(mk_str pattern, mk_str name);

/* Is the certificate for this name or address literal? Only its alternative
 * names count (RFC 9525 6.1). */
bool mk_tls_certificate_covers(const mbedtls_x509_crt *crt, mk_str name);

/* Is it a name or address that could be verified at all? */
bool mk_tls_is_server_name(mk_str name);
/* A host name without the dot that may stand behind it. */
mk_str mk_tls_without_dot(mk_str name);
/* Is it an address literal? */
bool mk_tls_is_address(mk_str name);

/* Seconds since 1970. */
int64_t mk_tls_seconds(const mbedtls_x509_time *t);

/* Judges one certificate of a chain for mbedTLS: adds or takes away what the
 * own clock and name say, also of the revocation lists. name is empty when
 * there is none to verify, revoked NULL when there are no lists. */
void mk_tls_flags_amend(const mbedtls_x509_crt *crt, int depth, int64_t now_s,
                        mk_str name, const mbedtls_x509_crl *revoked,
                        uint32_t *io_flags);

/* The verdict of mbedTLS as one error. */
mk_err mk_tls_verdict(uint32_t flags);

#endif
