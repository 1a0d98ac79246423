/* SPDX-License-Identifier: MIT
 *
 * certs.h: certificates, keys and revocation lists made for one test run, good
 * ones and bad ones (THREATS 35). EC keys where the kind does not matter,
 * because they are made in no time.
 */
#ifndef SUPPORT_CERTS_H
#define SUPPORT_CERTS_H

#include <mailkit/base.h>

#include <mbedtls/x509_crt.h>

/* What a certificate shall be; all zero is a good one, signed by itself. */
typedef struct cert_spec {
    const char *subject; /* "CN=..."; NULL: CN=test */
    /* alternative names separated by spaces, "ip:" before an address; 0x01
     * stands for NUL */
    const char *names;
    const struct cert *issuer; /* NULL: itself */
    bool is_ca;
    unsigned rsa_bits;    /* 0: an EC key on P-256 */
    bool is_p192;         /* or on P-192 */
    bool is_sha1;         /* else SHA-256 */
    const char *since;    /* "20200101000000"; NULL: long ago */
    const char *until;    /* NULL: far away */
    bool is_for_clients;  /* extended key usage: clientAuth only */
    unsigned char serial; /* 0: 1 */
} cert_spec;

/* A certificate with its key, ready for a context. */
typedef struct cert {
    mbedtls_pk_context pk;
    mbedtls_x509_crt crt;
    char pem[4096];
    char key_pem[4096];
} cert;

void cert_make(cert *c, const cert_spec *spec);
void cert_free(cert *c);

/* Both PEM texts, one behind the other, for chains and bundles. */
mk_str cert_chain(char *room, size_t n, const cert *first, const cert *second);

/* A revocation list of an issuer with an EC key that names one serial and is
 * to be replaced at `until`, "491231235959Z". */
void crl_make(const cert *issuer, unsigned char serial, const char *until,
              char *out_pem, size_t n);

/* Octets for tests: always the same. */
int certs_random(void *self, unsigned char *out, size_t n);

#endif
