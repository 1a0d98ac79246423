/* SPDX-License-Identifier: MIT
 *
 * tls/info.c: what is told of a session once its handshake is through: how it
 * is protected, who the peer is and whether that was verified, and the data
 * that binds a login to it: tls-server-end-point (RFC 5929 4.1), and
 * tls-exporter (RFC 9266 2) where mbedTLS can export keys. It gives no
 * tls-unique, which is not safe with resumed sessions of TLS 1.2 (RFC 7627).
 */
#include "tls/session.h"

#include <mbedtls/md.h>

#include <string.h>

/* The hash of the certificate by its own signature's algorithm, but never
 * weaker than SHA-256. */
static size_t end_point(const mbedtls_x509_crt *crt, unsigned char *out)
{
    mbedtls_md_type_t md = crt->MBEDTLS_PRIVATE(sig_md);
    if (md == MBEDTLS_MD_MD5 || md == MBEDTLS_MD_SHA1) {
        md = MBEDTLS_MD_SHA256;
    }
    const mbedtls_md_info_t *info = mbedtls_md_info_from_type(md);
    if (info == NULL || mbedtls_md(info, crt->raw.p, crt->raw.len, out) != 0) {
        return 0;
    }
    return mbedtls_md_get_size(info);
}

/* TLS 1.2 would also need its extended master secret, of which mbedTLS does
 * not tell (RFC 9266 4.2). */
static size_t exporter(const mbedtls_ssl_context *ssl, unsigned char *out,
                       size_t n)
{
#if defined(MBEDTLS_SSL_KEYING_MATERIAL_EXPORT) &&                             \
    defined(MBEDTLS_SSL_PROTO_TLS1_3)
    static const char label[] = "EXPORTER-Channel-Binding";
    if (mbedtls_ssl_get_version_number(ssl) == MBEDTLS_SSL_VERSION_TLS1_3 &&
        mbedtls_ssl_export_keying_material(
            (mbedtls_ssl_context *)(uintptr_t)ssl, out, n, label,
            sizeof label - 1, (const unsigned char *)"", 0, 1) == 0) {
        return n;
    }
#endif
    (void)ssl;
    (void)out;
    (void)n;
    return 0;
}

static size_t subject_of(const mbedtls_x509_crt *crt, char *out, size_t n)
{
    int len = mbedtls_x509_dn_gets(out, n, &crt->subject);
    return len > 0 ? (size_t)len : 0;
}

void mk_tls_info_name(tls_state *t, mk_str name)
{
    name = mk_str_sub(name, 0, sizeof t->name - 1);
    if (name.len > 0) {
        memcpy(t->name, name.ptr, name.len);
    }
    t->name[name.len] = '\0';
    t->info.server_name = mk_str_of(t->name, name.len);
}

void mk_tls_info_fill(session *s)
{
    tls_state *t = s->state;
    const mbedtls_x509_crt *peer = mbedtls_ssl_get_peer_cert(&t->ssl);
    const mbedtls_x509_crt *server =
        s->context->c.is_server ? &t->shown->crt : peer;
    size_t n = 0;

    t->info.size = sizeof t->info;
    t->info.is_verified = t->info.verify == MK_OK;
    t->info.version = mk_str_z(mbedtls_ssl_get_version(&t->ssl));
    t->info.cipher = mk_str_z(mbedtls_ssl_get_ciphersuite(&t->ssl));
    if (peer != NULL) {
        n = subject_of(peer, t->subject, sizeof t->subject);
        t->info.peer_subject = mk_str_of(t->subject, n);
    }
    n = server != NULL ? end_point(server, t->end_point) : 0;
    t->info.end_point = mk_str_of((const char *)t->end_point, n);
    n = exporter(&t->ssl, t->exporter, sizeof t->exporter);
    t->info.exporter = mk_str_of((const char *)t->exporter, n);
}
