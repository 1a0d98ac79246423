/* SPDX-License-Identifier: MIT
 *
 * tls/verify.c: is the peer who it should be? Names and addresses of a
 * certificate (RFC 9525, RFC 5280 4.2.1.6), its dates by the caller's clock,
 * and the many flags of mbedTLS as one error. mbedTLS 2.28 knows no iPAddress
 * and takes "*.com" for good, so that names are judged here alone. It refuses
 * the common name as a place for host names.
 */
#include "tls/internal.h"

#include <string.h>

enum { SAN_DNS = 2, SAN_ADDRESS = 7, SAN_TAG_MASK = 0x1F };

/* ---- names --------------------------------------------------------------- */

static bool is_name_octet(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_';
}

mk_str mk_tls_without_dot(mk_str name)
{
    bool dot = name.len > 1 && name.ptr[name.len - 1] == '.';
    return mk_str_sub(name, 0, name.len - (dot ? 1 : 0));
}

/* Labels of 1 to 63 octets, with dots between them. */
static bool is_host_name(mk_str name)
{
    size_t label = 0;
    if (name.len == 0 || name.len > 253) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c == '.' ? label == 0 : !is_name_octet(c) || label == 63) {
            return false;
        }
        label = c == '.' ? 0 : label + 1;
    }
    return label > 0;
}

bool mk_tls_pattern_covers(mk_str pattern, mk_str name)
{
    pattern = mk_tls_without_dot(pattern);
    name = mk_tls_without_dot(name);
    if (!is_host_name(name)) {
        return false;
    }
    if (pattern.len < 2 || pattern.ptr[0] != '*' || pattern.ptr[1] != '.') {
        return is_host_name(pattern) && mk_str_is_nocase(pattern, name);
    }
    mk_str rest = mk_str_sub(pattern, 2, SIZE_MAX);
    mk_str above = mk_str_sub(name, mk_str_find(name, '.') + 1, SIZE_MAX);
    return is_host_name(rest) && mk_str_find(rest, '.') < rest.len &&
           mk_str_is_nocase(rest, above);
}

bool mk_tls_is_address(mk_str name)
{
    uint8_t octets[16];
    return mk_address_parse(name, octets) > 0;
}

bool mk_tls_is_server_name(mk_str name)
{
    return mk_tls_is_address(name) || is_host_name(mk_tls_without_dot(name));
}

bool mk_tls_certificate_covers(const mbedtls_x509_crt *crt, mk_str name)
{
    const mbedtls_x509_sequence *san = &crt->subject_alt_names;
    uint8_t address[16];
    uint8_t family = mk_address_parse(name, address);
    size_t octets = family == 0 ? 0 : family == 4 ? 4 : 16;

    for (; san != NULL && san->buf.p != NULL; san = san->next) {
        int kind = san->buf.tag & SAN_TAG_MASK;
        mk_str value = mk_str_of((const char *)san->buf.p, san->buf.len);
        if (kind == SAN_ADDRESS && octets > 0 && value.len == octets &&
            memcmp(value.ptr, address, octets) == 0) {
            return true;
        }
        if (kind == SAN_DNS && octets == 0 &&
            mk_tls_pattern_covers(value, name)) {
            return true;
        }
    }
    return false;
}

/* ---- dates --------------------------------------------------------------- */

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t days_of(const mbedtls_x509_time *t)
{
    int64_t y = t->year - (t->mon <= 2 ? 1 : 0);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (t->mon + (t->mon > 2 ? -3 : 9)) + 2) / 5 + t->day;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719469;
}

int64_t mk_tls_seconds(const mbedtls_x509_time *t)
{
    return ((days_of(t) * 24 + t->hour) * 60 + t->min) * 60 + t->sec;
}

/* ---- the verdict --------------------------------------------------------- */

static bool is_same(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
    return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* The lists that speak of this certificate. One without an end has one in the
 * year 0 (RFC 5280 5.1.2.5 demands it). */
static uint32_t list_dates(const mbedtls_x509_crt *crt, int64_t now_s,
                           const mbedtls_x509_crl *list)
{
    uint32_t flags = 0;
    for (; list != NULL && list->raw.p != NULL; list = list->next) {
        if (!is_same(&list->issuer_raw, &crt->issuer_raw) ||
            is_same(&crt->subject_raw, &crt->issuer_raw)) {
            continue;
        }
        if (now_s > mk_tls_seconds(&list->next_update)) {
            flags |= MBEDTLS_X509_BADCRL_EXPIRED;
        }
        if (now_s < mk_tls_seconds(&list->this_update)) {
            flags |= MBEDTLS_X509_BADCRL_FUTURE;
        }
    }
    return flags;
}

void mk_tls_flags_amend(const mbedtls_x509_crt *crt, int depth, int64_t now_s,
                        mk_str name, const mbedtls_x509_crl *revoked,
                        uint32_t *io_flags)
{
    uint32_t flags = *io_flags;
    flags &=
        ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE |
                    MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE);
    flags |= list_dates(crt, now_s, revoked);
    if (now_s > mk_tls_seconds(&crt->valid_to)) {
        flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    }
    if (now_s < mk_tls_seconds(&crt->valid_from)) {
        flags |= MBEDTLS_X509_BADCERT_FUTURE;
    }
    if (depth == 0) {
        flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
        if (name.len > 0 && !mk_tls_certificate_covers(crt, name)) {
            flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
        }
    }
    *io_flags = flags;
}

mk_err mk_tls_verdict(uint32_t flags)
{
    /* the first that is set is told: what is worse comes first */
    static const struct {
        uint32_t flags;
        mk_err err;
    } rows[] = {
        /* clang-format off */
        {MBEDTLS_X509_BADCERT_MISSING | MBEDTLS_X509_BADCERT_SKIP_VERIFY,
         MK_E_CERT_NONE},
        {MBEDTLS_X509_BADCERT_REVOKED, MK_E_CERT_REVOKED},
        {MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCRL_NOT_TRUSTED |
         MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE |
         MBEDTLS_X509_BADCRL_BAD_MD | MBEDTLS_X509_BADCRL_BAD_PK |
         MBEDTLS_X509_BADCRL_BAD_KEY, MK_E_CERT_TRUST},
        {MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
         MBEDTLS_X509_BADCERT_BAD_KEY, MK_E_CERT_WEAK},
        {MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE,
         MK_E_CERT_TIME},
        {MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
         MBEDTLS_X509_BADCERT_NS_CERT_TYPE, MK_E_CERT_USE},
        {MBEDTLS_X509_BADCERT_CN_MISMATCH, MK_E_CERT_NAME},
        /* clang-format on */
    };
    if (flags == 0) {
        return MK_OK;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (flags != UINT32_MAX && (flags & rows[i].flags) != 0) {
            return rows[i].err;
        }
    }
    return MK_E_CERT_TRUST; /* a flag of a later mbedTLS, or no verdict */
}
