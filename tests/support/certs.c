/* SPDX-License-Identifier: MIT
 *
 * certs.c: see certs.h. mbedTLS writes certificates; extensions it has no
 * call for, and revocation lists (RFC 5280 5.1), are written as DER here.
 */
#include "certs.h"

#include <mbedtls/asn1write.h>
#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A test that cannot make its certificates proves nothing. */
static void must(int ret, const char *what)
{
    if (ret < 0) {
        fprintf(stderr, "certs: %s: -0x%04x\n", what, (unsigned)-ret);
        abort();
    }
}

int certs_random(void *self, unsigned char *out, size_t n)
{
    static uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
    (void)self;
    for (size_t i = 0; i < n; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out[i] = (unsigned char)(state >> 32);
    }
    return 0;
}

static void key_make(cert *c, unsigned rsa_bits, mbedtls_ecp_group_id curve)
{
    mbedtls_pk_init(&c->pk);
    if (rsa_bits == 0) {
        must(mbedtls_pk_setup(&c->pk,
                              mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)),
             "pk");
        must(mbedtls_ecp_gen_key(curve, mbedtls_pk_ec(c->pk), certs_random,
                                 NULL),
             "ec key");
    } else {
        must(
            mbedtls_pk_setup(&c->pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)),
            "pk");
        must(mbedtls_rsa_gen_key(mbedtls_pk_rsa(c->pk), certs_random, NULL,
                                 rsa_bits, 65537),
             "rsa key");
    }
    must(mbedtls_pk_write_key_pem(&c->pk, (unsigned char *)c->key_pem,
                                  sizeof c->key_pem),
         "key pem");
}

/* ---- extensions ---------------------------------------------------------- */

/* One general name in front of *at. */
static void put_name(unsigned char **at, unsigned char *start, const char *name,
                     size_t n)
{
    unsigned char octets[256];
    unsigned char tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2;
    if (n > 3 && memcmp(name, "ip:", 3) == 0) {
        char z[64] = "";
        memcpy(z, name + 3, n - 3);
        tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7;
        n = strchr(z, ':') != NULL ? 16 : 4;
        inet_pton(n == 16 ? AF_INET6 : AF_INET, z, octets);
    } else {
        for (size_t i = 0; i < n; i++) {
            octets[i] = name[i] == 1 ? 0 : (unsigned char)name[i];
        }
    }
    must(mbedtls_asn1_write_raw_buffer(at, start, octets, n), "name");
    must(mbedtls_asn1_write_len(at, start, n), "name");
    must(mbedtls_asn1_write_tag(at, start, tag), "name");
}

static void put_names(mbedtls_x509write_cert *w, const char *names)
{
    unsigned char der[1024];
    unsigned char *at = der + sizeof der;
    const char *end = names + strlen(names);
    while (end > names) {
        const char *from = end;
        while (from > names && from[-1] != ' ') {
            from--;
        }
        put_name(&at, der, from, (size_t)(end - from));
        end = from > names ? from - 1 : from;
    }
    size_t n = (size_t)(der + sizeof der - at);
    must(mbedtls_asn1_write_len(&at, der, n), "names");
    must(mbedtls_asn1_write_tag(
             &at, der, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE),
         "names");
    n = (size_t)(der + sizeof der - at);
    must(mbedtls_x509write_crt_set_extension(
             w, MBEDTLS_OID_SUBJECT_ALT_NAME,
             MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, at, n),
         "names");
}

/* ExtKeyUsage of one purpose: id-kp-clientAuth. */
static void put_client_usage(mbedtls_x509write_cert *w)
{
    static const unsigned char der[] = {0x30, 0x0A, 0x06, 0x08, 0x2B, 0x06,
                                        0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
    must(mbedtls_x509write_crt_set_extension(
             w, MBEDTLS_OID_EXTENDED_KEY_USAGE,
             MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0, der,
             sizeof der),
         "usage");
}

static void put_serial(mbedtls_x509write_cert *w, unsigned char serial)
{
    serial = serial == 0 ? 1 : serial;
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    mbedtls_mpi n;
    mbedtls_mpi_init(&n);
    must(mbedtls_mpi_lset(&n, serial), "serial");
    must(mbedtls_x509write_crt_set_serial(w, &n), "serial");
    mbedtls_mpi_free(&n);
#else
    must(mbedtls_x509write_crt_set_serial_raw(w, &serial, 1), "serial");
#endif
}

/* ---- certificates ---------------------------------------------------------
 */

static void subject_of(const mbedtls_x509_crt *crt, char *out, size_t n)
{
    must(mbedtls_x509_dn_gets(out, n, &crt->subject), "subject");
}

void cert_make(cert *c, const cert_spec *spec)
{
    mbedtls_x509write_cert w;
    const char *subject = spec->subject != NULL ? spec->subject : "CN=test";
    char issuer[256];

    memset(c, 0, sizeof *c);
    key_make(c, spec->rsa_bits,
             spec->is_p192 ? MBEDTLS_ECP_DP_SECP192R1
                           : MBEDTLS_ECP_DP_SECP256R1);
    mbedtls_x509write_crt_init(&w);
    mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&w, spec->is_sha1 ? MBEDTLS_MD_SHA1
                                                       : MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&w, &c->pk);
    must(mbedtls_x509write_crt_set_subject_name(&w, subject), "subject");
    if (spec->issuer != NULL) {
        subject_of(&spec->issuer->crt, issuer, sizeof issuer);
        mbedtls_x509write_crt_set_issuer_key(
            &w, (mbedtls_pk_context *)(uintptr_t)&spec->issuer->pk);
        must(mbedtls_x509write_crt_set_issuer_name(&w, issuer), "issuer");
    } else {
        mbedtls_x509write_crt_set_issuer_key(&w, &c->pk);
        must(mbedtls_x509write_crt_set_issuer_name(&w, subject), "issuer");
    }
    put_serial(&w, spec->serial);
    must(mbedtls_x509write_crt_set_validity(
             &w, spec->since != NULL ? spec->since : "20200101000000",
             spec->until != NULL ? spec->until : "20491231235959"),
         "validity");
    must(mbedtls_x509write_crt_set_basic_constraints(&w, spec->is_ca, -1),
         "constraints");
    if (spec->names != NULL) {
        put_names(&w, spec->names);
    }
    if (spec->is_for_clients) {
        put_client_usage(&w);
    }
    must(mbedtls_x509write_crt_pem(&w, (unsigned char *)c->pem, sizeof c->pem,
                                   certs_random, NULL),
         "pem");
    mbedtls_x509write_crt_free(&w);
    mbedtls_x509_crt_init(&c->crt);
    must(mbedtls_x509_crt_parse(&c->crt, (unsigned char *)c->pem,
                                strlen(c->pem) + 1),
         "parse");
}

void cert_free(cert *c)
{
    mbedtls_x509_crt_free(&c->crt);
    mbedtls_pk_free(&c->pk);
}

mk_str cert_chain(char *room, size_t n, const cert *first, const cert *second)
{
    int len = snprintf(room, n, "%s%s", first->pem, second->pem);
    must(len < 0 || (size_t)len >= n ? -1 : 0, "chain");
    return mk_str_of(room, (size_t)len);
}

/* ---- revocation lists ------------------------------------------------------
 */

static void wrap(unsigned char **at, unsigned char *start,
                 const unsigned char *end, unsigned char tag)
{
    must(mbedtls_asn1_write_len(at, start, (size_t)(end - *at)), "len");
    must(mbedtls_asn1_write_tag(at, start, tag), "tag");
}

static void put_time(unsigned char **at, unsigned char *start, const char *time)
{
    const unsigned char *end = *at;
    must(mbedtls_asn1_write_raw_buffer(at, start, (const unsigned char *)time,
                                       strlen(time)),
         "time");
    wrap(at, start, end, MBEDTLS_ASN1_UTC_TIME);
}

static void put_algorithm(unsigned char **at, unsigned char *start)
{
    /* ecdsa-with-SHA256 (RFC 5758 3.2) */
    static const unsigned char der[] = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
                                        0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
    must(mbedtls_asn1_write_raw_buffer(at, start, der, sizeof der), "alg");
}

void crl_make(const cert *issuer, unsigned char serial, const char *until,
              char *out_pem, size_t n)
{
    enum { SEQUENCE = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE };
    unsigned char der[2048];
    unsigned char hash[32];
    unsigned char sig[256];
    unsigned char list[1024];
    size_t sig_n = 0;
    size_t pem_n = 0;
    unsigned char *at = list + sizeof list;
    const unsigned char *end = at;

    /* tbsCertList, from its end to its beginning */
    put_time(&at, list, "200101000000Z");
    must(mbedtls_asn1_write_raw_buffer(&at, list, &serial, 1), "serial");
    must(mbedtls_asn1_write_len(&at, list, 1), "serial");
    must(mbedtls_asn1_write_tag(&at, list, MBEDTLS_ASN1_INTEGER), "serial");
    wrap(&at, list, end, SEQUENCE);
    wrap(&at, list, end, SEQUENCE);
    put_time(&at, list, until);
    put_time(&at, list, "200101000000Z");
    must(mbedtls_asn1_write_raw_buffer(&at, list, issuer->crt.subject_raw.p,
                                       issuer->crt.subject_raw.len),
         "issuer");
    put_algorithm(&at, list);
    must(mbedtls_asn1_write_int(&at, list, 1), "version");
    wrap(&at, list, end, SEQUENCE);

    size_t list_n = (size_t)(end - at);
    must(mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), at, list_n,
                    hash),
         "hash");
    mbedtls_pk_context *pk = (mbedtls_pk_context *)(uintptr_t)&issuer->pk;
#if MBEDTLS_VERSION_NUMBER < 0x03000000
    must(mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, hash, sizeof hash, sig, &sig_n,
                         certs_random, NULL),
#else
    must(mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, hash, sizeof hash, sig,
                         sizeof sig, &sig_n, certs_random, NULL),
#endif
         "sign");

    unsigned char *out = der + sizeof der;
    end = out;
    must(mbedtls_asn1_write_bitstring(&out, der, sig, sig_n * 8), "sig");
    put_algorithm(&out, der);
    must(mbedtls_asn1_write_raw_buffer(&out, der, at, list_n), "list");
    wrap(&out, der, end, SEQUENCE);
    must(mbedtls_pem_write_buffer(
             "-----BEGIN X509 CRL-----\n", "-----END X509 CRL-----\n", out,
             (size_t)(end - out), (unsigned char *)out_pem, n, &pem_n),
         "crl pem");
}
