/* SPDX-License-Identifier: MIT
 *
 * test_verify.c: names (RFC 9525 6.3) and the certificates of THREATS 34 to
 * 36, each over a whole handshake: with MUST each fails with its own error and
 * no octet of the inner engines passes; with ENCRYPT the session is up and
 * told as not verified. Two of them no server of ours would show; how a client
 * takes them is tried with servers of others.
 */
#include "tls/internal.h"
#include "tls_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- names --------------------------------------------------------------- */

static const struct {
    const char *pattern;
    const char *name;
    bool covers;
} patterns[] = {
    {"mx.example.org", "mx.example.org", true},
    {"MX.Example.ORG", "mx.example.org", true},
    {"mx.example.org.", "mx.example.org", true},
    {"mx.example.org", "mx.example.org.", true},
    {"*.example.org", "mx.example.org", true},
    {"*.example.org", "MX.EXAMPLE.ORG", true},
    {"*.example.org", "a.mx.example.org", false},
    {"*.example.org", "example.org", false},
    {"*.example.org", ".example.org", false},
    {"*.org", "example.org", false},
    {"*.com", "example.com", false},
    {"*", "localhost", false},
    {"*.", "localhost.", false},
    {"m*.example.org", "mx.example.org", false},
    {"*x.example.org", "mx.example.org", false},
    {"mx.*.org", "mx.example.org", false},
    {"*.*.org", "mx.example.org", false},
    {"mx.example.org\1.evil.com", "mx.example.org", false},
    {"mx.example.or", "mx.example.org", false},
    {"", "", false},
    {"mx.example.org", "", false},
    {".", ".", false},
    {"mx..example.org", "mx..example.org", false},
    {"xn--bcher-kva.example", "xn--bcher-kva.example", true},
};

static void sec_034_patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        char text[64];
        size_t n = strlen(patterns[i].pattern);
        memcpy(text, patterns[i].pattern, n);
        for (size_t k = 0; k < n; k++) {
            text[k] = text[k] == 1 ? '\0' : text[k];
        }
        if (mk_tls_pattern_covers(mk_str_of(text, n),
                                  mk_str_z(patterns[i].name)) !=
            patterns[i].covers) {
            fail_msg("%s for %s", patterns[i].pattern, patterns[i].name);
        }
    }
}

static void sec_034_server_names(void **state)
{
    static const char *const good[] = {"mx.example.org", "localhost",
                                       "127.0.0.1",      "::1",
                                       "2001:db8::25",   "a_b.example.org"};
    static const char *const bad[] = {
        "",     "a b", "a\r\nb", "-\x80.org", "a/b",
        "a..b", ".",   ".a",     "[::1]",     "user@host"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(mk_tls_is_server_name(mk_str_z(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(mk_tls_is_server_name(mk_str_z(bad[i])));
    }
    char label[65];
    memset(label, 'a', 64);
    assert_true(mk_tls_is_server_name(mk_str_of(label, 63)));
    assert_false(mk_tls_is_server_name(mk_str_of(label, 64)));
}

/* ---- certificates -------------------------------------------------------- */

typedef struct row {
    const char *what;
    cert_spec spec; /* issuer is filled in: the root */
    enum { BY_ROOT, BY_ITSELF, BY_STRANGER } by;
    const char *name; /* asked for; NULL: mx.example.org */
    mk_err verdict;
    bool is_revoked;
    bool is_not_shown; /* no server of ours takes it for its own */
} row;

#define NAME .names = "mx.example.org"

static const row rows[] = {
    {.what = "good", .spec = {NAME}, .verdict = MK_OK},
    {.what = "good, among others",
     .spec = {.names = "a.example.org mx.example.org ip:192.0.2.1"},
     .verdict = MK_OK},
    {.what = "wildcard", .spec = {.names = "*.example.org"}, .verdict = MK_OK},
    {.what = "address",
     .spec = {.names = "ip:192.0.2.25"},
     .name = "192.0.2.25",
     .verdict = MK_OK},
    {.what = "address of 16 octets",
     .spec = {.names = "ip:2001:db8::25"},
     .name = "2001:db8:0::25",
     .verdict = MK_OK},
    {.what = "another name",
     .spec = {.names = "mx.example.com"},
     .verdict = MK_E_CERT_NAME},
    {.what = "another address",
     .spec = {.names = "ip:192.0.2.26"},
     .name = "192.0.2.25",
     .verdict = MK_E_CERT_NAME},
    {.what = "an address as a name",
     .spec = {.names = "192.0.2.25"},
     .name = "192.0.2.25",
     .verdict = MK_E_CERT_NAME},
    {.what = "an address in the common name",
     .spec = {.subject = "CN=192.0.2.25"},
     .name = "192.0.2.25",
     .verdict = MK_E_CERT_NAME},
    {.what = "only a common name",
     .spec = {.subject = "CN=mx.example.org"},
     .verdict = MK_E_CERT_NAME},
    {.what = "expired",
     .spec = {NAME, .until = "20230101000000"},
     .verdict = MK_E_CERT_TIME},
    {.what = "not yet valid",
     .spec = {NAME, .since = "20240101000000"},
     .verdict = MK_E_CERT_TIME},
    {.what = "signed by itself",
     .spec = {NAME},
     .by = BY_ITSELF,
     .verdict = MK_E_CERT_TRUST},
    {.what = "unknown authority",
     .spec = {NAME},
     .by = BY_STRANGER,
     .verdict = MK_E_CERT_TRUST},
    {.what = "for clients only",
     .spec = {NAME, .is_for_clients = true},
     .is_not_shown = true,
     .verdict = MK_E_CERT_USE},
    {.what = "*.com",
     .spec = {.names = "*.com"},
     .name = "example.com",
     .verdict = MK_E_CERT_NAME},
    {.what = "a star in the middle",
     .spec = {.names = "mx.*.org m*.example.org"},
     .verdict = MK_E_CERT_NAME},
    {.what = "NUL in the name",
     .spec = {.names = "mx.example.org\1.evil.example"},
     .verdict = MK_E_CERT_NAME},
    {.what = "NUL behind the name",
     .spec = {.names = "mx.example.org\1"},
     .verdict = MK_E_CERT_NAME},
#if MBEDTLS_VERSION_NUMBER < 0x03000000 /* 3.x uses none so short */
    {.what = "RSA of 512 bits",
     .spec = {NAME, .rsa_bits = 512},
     .is_not_shown = true,
     .verdict = MK_E_CERT_WEAK},
    {.what = "RSA of 1,024 bits",
     .spec = {NAME, .rsa_bits = 1024},
     .verdict = MK_E_CERT_WEAK},
#endif
    {.what = "RSA of 1,536 bits",
     .spec = {NAME, .rsa_bits = 1536},
     .verdict = MK_E_CERT_WEAK},
    {.what = "EC of 192 bits",
     .spec = {NAME, .is_p192 = true},
     .is_not_shown = true,
     .verdict = MK_E_CERT_WEAK},
    {.what = "SHA-1",
     .spec = {NAME, .is_sha1 = true},
     .verdict = MK_E_CERT_WEAK},
    {.what = "revoked",
     .spec = {NAME, .serial = 7},
     .is_revoked = true,
     .verdict = MK_E_CERT_REVOKED},
    {.what = "another one is revoked",
     .spec = {NAME, .serial = 8},
     .is_revoked = true,
     .verdict = MK_OK},
};

static cert root;
static cert stranger;
static char revoked[2048];

static int make_roots(void **state)
{
    static const cert_spec spec = {.subject = "CN=root", .is_ca = true};
    static const cert_spec other = {.subject = "CN=stranger", .is_ca = true};
    (void)state;
    cert_make(&root, &spec);
    cert_make(&stranger, &other);
    crl_make(&root, 7, "491231235959Z", revoked, sizeof revoked);
    return 0;
}

static int free_roots(void **state)
{
    (void)state;
    cert_free(&root);
    cert_free(&stranger);
    return 0;
}

/* A server that would refuse its own bad certificate still shows it: its
 * clock stands where the certificate is good, and it minds no bits. */
static void show(tls_rig *r, const row *w, const cert *own)
{
    rig_init(r, own, &root);
    r->server.cc.key_bits_min = 1024;
    r->client.cc.revoked = mk_str_z(w->is_revoked ? revoked : NULL);
    if (w->name != NULL) {
        r->client.tc.server_name = mk_str_z(w->name);
    }
    r->server.tc.is_implicit = r->client.tc.is_implicit = true;
}

static int64_t other_wall(void *self)
{
    return *(int64_t *)self;
}

static void check_row(const row *w, mk_tls_policy policy)
{
    static tls_rig r;
    static cert own;
    static int64_t good_time;
    cert_spec spec = w->spec;
    bool must = policy == MK_TLS_POLICY_MUST && w->verdict != MK_OK;

    spec.issuer = w->by == BY_ROOT       ? &root
                  : w->by == BY_STRANGER ? &stranger
                                         : NULL;
    cert_make(&own, &spec);
    show(&r, w, &own);
    good_time = spec.until != NULL   ? 1600000000
                : spec.since != NULL ? 1710000000
                                     : r.wall_s;
    r.server.cc.wall_s = other_wall;
    r.server.cc.wall_self = &good_time;
    r.client.tc.policy = policy;
    if (w->is_not_shown) {
        assert_int_equal(mk_tls_context_new(&r.server.cc, &r.server.context),
                         w->verdict);
        cert_free(&own);
        return;
    }
    rig_open(&r);
    rig_run(&r);
    if (r.client.line.tls_result != (must ? w->verdict : MK_OK)) {
        fail_msg("%s: %s", w->what, mk_err_name(r.client.line.tls_result));
    }
    assert_int_equal(r.client.line.tls_calls, 1);
    if (must) {
        assert_string_not_equal(r.client.log, "");
        assert_null(strstr(r.client.log, "hello"));
        assert_null(strstr(r.server.log, "1000"));
    } else {
        assert_int_equal(r.client.line.tls->verify, w->verdict);
        assert_int_equal(r.client.line.tls->is_verified, w->verdict == MK_OK);
        assert_non_null(strstr(r.client.log, "hello"));
    }
    rig_close(&r);
    cert_free(&own);
}

static void sec_035_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&rows[i], MK_TLS_POLICY_MUST);
    }
}

static void sec_036_encrypted_is_not_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&rows[i], MK_TLS_POLICY_ENCRYPT);
    }
    check_row(&rows[5], MK_TLS_POLICY_MAY);
}

/* Nine authorities between the root and the server: more than is followed. */
static void sec_035_deep_chain(void **state)
{
    enum { depth = 10 };
    static cert chain[depth];
    static char bundle[depth * 1024];
    static tls_rig r;
    const cert *issuer = &root;
    size_t n = 0;
    (void)state;
    for (size_t i = depth; i-- > 0;) {
        cert_spec spec = {.subject = i == 0 ? "CN=leaf" : "CN=between",
                          .is_ca = i > 0,
                          .names = i == 0 ? "mx.example.org" : NULL,
                          .issuer = issuer};
        char subject[32] = "CN=between0";
        subject[10] = (char)('0' + i);
        spec.subject = i == 0 ? "CN=leaf" : subject;
        cert_make(&chain[i], &spec);
        issuer = &chain[i];
    }
    for (size_t i = 0; i < depth; i++) {
        size_t len = strlen(chain[i].pem);
        assert_true(n + len < sizeof bundle);
        memcpy(bundle + n, chain[i].pem, len + 1);
        n += len;
    }
    rig_init(&r, &chain[0], &root);
    r.server.cc.certificate = mk_str_z(bundle);
    r.server.tc.is_implicit = r.client.tc.is_implicit = true;
    rig_open(&r);
    rig_run(&r);
    assert_int_equal(r.client.line.tls_result, MK_E_CERT_TRUST);
    assert_null(strstr(r.client.log, "hello"));
    rig_close(&r);
    for (size_t i = 0; i < depth; i++) {
        cert_free(&chain[i]);
    }
}

/* A client has to say whom it wants (THREATS 34). */
static void sec_034_name_is_mandatory(void **state)
{
    static tls_rig r;
    mk_engine *e = NULL;
    (void)state;
    rig_init(&r, &root, &root);
    r.server.cc.wall_s = r.client.cc.wall_s;
    assert_int_equal(mk_tls_context_new(&r.client.cc, &r.client.context),
                     MK_OK);
    line_open(&r.client.line, NULL, 0);
    r.client.tc.context = r.client.context;
    r.client.tc.server_name = mk_str_z(NULL);
    for (int policy = MK_TLS_POLICY_NONE; policy <= MK_TLS_POLICY_MUST;
         policy++) {
        r.client.tc.policy = (mk_tls_policy)policy;
        assert_int_equal(mk_tls_over(&r.client.line.base, &r.client.tc, &e),
                         MK_E_ARG);
    }
    r.client.tc.server_name = mk_str_z("not a name");
    assert_int_equal(mk_tls_over(&r.client.line.base, &r.client.tc, &e),
                     MK_E_CTL);
    assert_null(e);
    assert_int_equal(r.client.line.closed, 0);
    assert_int_equal(mk_tls_context_free(r.client.context), MK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_034_patterns),
        cmocka_unit_test(sec_034_server_names),
        cmocka_unit_test(sec_034_name_is_mandatory),
        cmocka_unit_test(sec_035_certificates),
        cmocka_unit_test(sec_035_deep_chain),
        cmocka_unit_test(sec_036_encrypted_is_not_verified),
    };
    return cmocka_run_group_tests(tests, make_roots, free_roots);
}
