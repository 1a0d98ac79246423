/* SPDX-License-Identifier: MIT
 *
 * test_trust.c: trusted certificates from files: one file, a directory with
 * all kinds of things in it, the same certificate under several names, and
 * what is not there.
 */
#include "tls/internal.h"
#include "tls_rig.h"

#include <mailkit/disk.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static cert root;
static cert other;
static cert own;
static tls_rig r; /* large: not on the stack */
static char dir[64];

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int make(void **state)
{
    static const cert_spec spec = {.subject = "CN=root", .is_ca = true};
    static const cert_spec other_spec = {.subject = "CN=other", .is_ca = true};
    const cert_spec own_spec = {.names = "mx.example.org", .issuer = &root};
    (void)state;
    cert_make(&root, &spec);
    cert_make(&other, &other_spec);
    cert_make(&own, &own_spec);
    snprintf(dir, sizeof dir, "/tmp/mailkit-trust-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static const char *const names[] = {"a.pem", "b.pem",  "c.0",
                                    "both",  "README", "broken.pem"};

static int unmake(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(path_of(names[i]));
    }
    (void)rmdir(path_of("empty"));
    cert_free(&root);
    cert_free(&other);
    cert_free(&own);
    return rmdir(dir);
}

static size_t count(const mk_tls_context *x)
{
    size_t n = 0;
    for (const mbedtls_x509_crt *c = &x->trust; c != NULL; c = c->next) {
        n += c->raw.p != NULL;
    }
    return n;
}

static mk_tls_context *nobody_trusted(void)
{
    mk_tls_context *x = NULL;
    rig_init(&r, &own, NULL);
    assert_int_equal(mk_tls_context_new(&r.client.cc, &x), MK_OK);
    return x;
}

static void test_nothing_there(void **state)
{
    mk_tls_context *x = nobody_trusted();
    const mk_vfs *vfs = mk_vfs_posix();
    (void)state;
    put("README", "no certificate");
    put("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    assert_int_equal(mkdir(path_of("empty"), 0700), 0);
    assert_int_equal(mk_tls_trust_load(x, vfs, path_of("absent")), MK_E_NOENT);
    assert_int_equal(mk_tls_trust_load(x, vfs, path_of("empty")), MK_E_NOENT);
    assert_int_equal(mk_tls_trust_load(x, vfs, dir), MK_E_NOENT);
    assert_int_equal(mk_tls_trust_load(x, vfs, path_of("README")), MK_E_SYNTAX);
    assert_int_equal(mk_tls_trust_load(x, vfs, path_of("broken.pem")),
                     MK_E_SYNTAX);
    assert_int_equal(mk_tls_trust_load(x, vfs, ""), MK_E_ARG);
    assert_int_equal(mk_tls_trust_load(x, NULL, dir), MK_E_ARG);
    assert_int_equal(count(x), 0);
    assert_int_equal(mk_tls_context_free(x), MK_OK);
}

static void test_each_once(void **state)
{
    static char bundle[8192];
    mk_tls_context *x = nobody_trusted();
    const mk_vfs *vfs = mk_vfs_posix();
    (void)state;
    (void)cert_chain(bundle, sizeof bundle, &other, &root);
    put("a.pem", root.pem);
    assert_int_equal(mk_tls_trust_load(x, vfs, path_of("a.pem")), MK_OK);
    assert_int_equal(count(x), 1);
    put("b.pem", root.pem);
    put("c.0", other.pem);
    put("both", bundle);
    assert_int_equal(mk_tls_trust_load(x, vfs, dir), MK_OK);
    assert_int_equal(count(x), 2);
    assert_int_equal(mk_tls_trust_load(x, vfs, path_of("both")), MK_OK);
    assert_int_equal(count(x), 2);
    /* and it is trust */
    assert_int_equal(mk_tls_context_new(&r.server.cc, &r.server.context),
                     MK_OK);
    r.client.context = x;
    r.server.tc.is_implicit = r.client.tc.is_implicit = true;
    rig_connect(&r);
    rig_run(&r);
    assert_int_equal(r.client.line.tls_result, MK_OK);
    assert_true(r.client.line.tls->is_verified);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_each_once),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
