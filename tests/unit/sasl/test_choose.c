/* SPDX-License-Identifier: MIT
 *
 * test_choose.c: which mechanism where (THREATS 41, 45), what a server offers,
 * and the arguments of both openers: each refusal has its error and leaves
 * nothing behind.
 */
#include "rig.h"

enum {
    PASSWORDS = MK_SASL_LOGIN | MK_SASL_PLAIN | MK_SASL_CRAM_MD5 | RIG_SCRAM
};

/* what the connection is */
typedef enum channel { CLEAR, ENCRYPTED, VERIFIED, BOUND } channel;

typedef struct row {
    uint32_t offered, allowed;
    channel channel;
    bool is_clear_allowed, has_password, has_token;
    mk_sasl_mechanism want;
} row;

/* clang-format off */
static const row rows[] = {
    /* the strongest that is there */
    {MK_SASL_ALL, MK_SASL_ALL, BOUND, false, true, false, MK_SASL_EXTERNAL},
    {MK_SASL_ALL, PASSWORDS, BOUND, false, true, false, MK_SASL_SCRAM_SHA_256_PLUS},
    {MK_SASL_ALL, PASSWORDS, VERIFIED, false, true, false, MK_SASL_SCRAM_SHA_256},
    {PASSWORDS & ~RIG_SCRAM, PASSWORDS, VERIFIED, false, true, false, MK_SASL_CRAM_MD5},
    {MK_SASL_LOGIN | MK_SASL_PLAIN, PASSWORDS, VERIFIED, false, true, false, MK_SASL_PLAIN},
    {MK_SASL_LOGIN, PASSWORDS, VERIFIED, false, true, false, MK_SASL_LOGIN},
    {MK_SASL_SCRAM_SHA_1_PLUS | MK_SASL_SCRAM_SHA_256, PASSWORDS, BOUND, false, true, false, MK_SASL_SCRAM_SHA_1_PLUS},
    /* a token goes first, but only to those that take it */
    {MK_SASL_ALL, PASSWORDS | RIG_TOKEN, VERIFIED, false, true, true, MK_SASL_OAUTHBEARER},
    {MK_SASL_XOAUTH2 | MK_SASL_PLAIN, PASSWORDS | RIG_TOKEN, VERIFIED, false, true, true, MK_SASL_XOAUTH2},
    {MK_SASL_PLAIN, PASSWORDS | RIG_TOKEN, VERIFIED, false, true, true, MK_SASL_PLAIN},
    {MK_SASL_PLAIN, PASSWORDS | RIG_TOKEN, VERIFIED, false, false, true, MK_SASL_NONE},
    {MK_SASL_ALL, PASSWORDS | RIG_TOKEN, VERIFIED, false, false, false, MK_SASL_NONE},
    /* nothing offered, nothing allowed, nothing in common */
    {0, MK_SASL_ALL, VERIFIED, false, true, true, MK_SASL_NONE},
    {MK_SASL_ALL, 0, VERIFIED, false, true, true, MK_SASL_NONE},
    {MK_SASL_LOGIN, MK_SASL_ALL & ~MK_SASL_LOGIN, VERIFIED, false, true, true, MK_SASL_NONE},
    /* no secret over what is not verified, whatever the mechanism */
    {PASSWORDS | RIG_TOKEN, PASSWORDS | RIG_TOKEN, CLEAR, false, true, true, MK_SASL_NONE},
    {PASSWORDS | RIG_TOKEN, PASSWORDS | RIG_TOKEN, ENCRYPTED, false, true, true, MK_SASL_NONE},
    {PASSWORDS, PASSWORDS, CLEAR, true, true, false, MK_SASL_SCRAM_SHA_256},
    {MK_SASL_LOGIN, PASSWORDS, CLEAR, true, true, false, MK_SASL_LOGIN},
    {MK_SASL_LOGIN, PASSWORDS, CLEAR, false, true, false, MK_SASL_NONE},
    {MK_SASL_ANONYMOUS, MK_SASL_ALL, CLEAR, false, true, false, MK_SASL_ANONYMOUS},
    {MK_SASL_EXTERNAL, MK_SASL_ALL, CLEAR, true, true, true, MK_SASL_NONE},
};
/* clang-format on */

static void set_channel(rig *r, channel c)
{
    r->is_plain = c == CLEAR;
    r->tls.is_verified = c >= VERIFIED;
    if (c != BOUND) {
        r->tls.exporter = Z("");
        r->tls.end_point = Z("");
    }
}

static void sec_041_the_choice(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(rows); i++) {
        const row *w = &rows[i];
        rig *r = rig_new();

        set_channel(r, w->channel);
        r->client_config.mechanisms = w->allowed;
        r->client_config.is_clear_allowed = w->is_clear_allowed;
        if (!w->has_password) {
            r->client_config.password = Z("");
        }
        if (!w->has_token) {
            r->client_config.token = Z("");
        }
        assert_int_equal(mk_sasl_client_choose(&r->client_config, w->offered,
                                               r->is_plain ? NULL : &r->tls),
                         w->want);
        rig_free(r);
    }
}

/* What is not chosen cannot be opened either. */
static void sec_041_the_opener_agrees(void **state)
{
    static const mk_sasl_mechanism all[] = ALL_MECHANISMS;
    static const channel channels[] = {CLEAR, ENCRYPTED, VERIFIED, BOUND};
    size_t i, k;
    unsigned clear;

    (void)state;
    for (i = 0; i < COUNT(all); i++) {
        for (k = 0; k < COUNT(channels); k++) {
            for (clear = 0; clear < 2; clear++) {
                rig *r = rig_new();
                bool is_chosen;
                mk_err err;

                set_channel(r, channels[k]);
                r->client_config.is_clear_allowed = clear == 1;
                r->offered = all[i];
                is_chosen = mk_sasl_client_choose(
                                &r->client_config, all[i],
                                r->is_plain ? NULL : &r->tls) == all[i];
                err = rig_open_client(r, all[i]);
                assert_int_equal(err == MK_OK, is_chosen);
                assert_true(err == MK_OK || err == MK_E_CLEARTEXT ||
                            err == MK_E_UNSUPPORTED);
                rig_free(r);
            }
        }
    }
}

static void sec_041_the_server_offers_no_clear_secret(void **state)
{
    rig *r = rig_new();
    const mk_sasl_server_config *c = &r->server_config;

    (void)state;
    assert_int_equal(mk_sasl_server_offer(c, &r->server_tls), MK_SASL_ALL);
    assert_int_equal(mk_sasl_server_offer(c, NULL),
                     MK_SASL_SCRAM_SHA_1 | MK_SASL_SCRAM_SHA_256 |
                         MK_SASL_CRAM_MD5 | MK_SASL_ANONYMOUS);
    r->is_plain = true;
    assert_int_equal(rig_open_server(r, MK_SASL_LOGIN), MK_E_CLEARTEXT);
    assert_int_equal(rig_open_server(r, MK_SASL_PLAIN), MK_E_CLEARTEXT);
    assert_int_equal(rig_open_server(r, MK_SASL_XOAUTH2), MK_E_CLEARTEXT);
    assert_int_equal(rig_open_server(r, MK_SASL_OAUTHBEARER), MK_E_CLEARTEXT);
    assert_int_equal(rig_open_server(r, MK_SASL_EXTERNAL), MK_E_UNSUPPORTED);
    assert_int_equal(rig_open_server(r, MK_SASL_SCRAM_SHA_1_PLUS),
                     MK_E_UNSUPPORTED);
    r->server_config.is_clear_allowed = true;
    assert_int_equal(mk_sasl_server_offer(c, NULL),
                     MK_SASL_ALL & ~(RIG_PLUS | MK_SASL_EXTERNAL));
    r->server_config.mechanisms = MK_SASL_PLAIN;
    assert_int_equal(mk_sasl_server_offer(c, NULL), MK_SASL_PLAIN);
    assert_int_equal(rig_open_server(r, MK_SASL_LOGIN), MK_E_UNSUPPORTED);
    r->is_plain = false;
    r->server_config.mechanisms = MK_SASL_EXTERNAL | RIG_PLUS;
    r->server_tls.is_verified = false;
    r->server_tls.exporter = Z("");
    assert_int_equal(mk_sasl_server_offer(c, &r->server_tls), RIG_PLUS);
    r->server_tls.end_point = Z("");
    assert_int_equal(mk_sasl_server_offer(c, &r->server_tls), 0);
    rig_free(r);
}

/* The defaults are the safe ones. */
static void sec_041_defaults(void **state)
{
    mk_sasl_client_config c;
    mk_sasl_server_config s;

    (void)state;
    assert_int_equal(mk_sasl_client_config_init(&c, sizeof c), MK_OK);
    assert_int_equal(mk_sasl_server_config_init(&s, sizeof s), MK_OK);
    assert_false(c.is_clear_allowed);
    assert_false(s.is_clear_allowed);
    assert_int_equal(c.mechanisms,
                     MK_SASL_ALL & ~(MK_SASL_EXTERNAL | MK_SASL_ANONYMOUS));
    assert_int_equal(s.mechanisms, MK_SASL_PLAIN | MK_SASL_LOGIN | RIG_SCRAM);
    assert_int_equal(c.iterations_min, 4096);
    assert_int_equal(c.iterations_max, 1000000);
    assert_int_equal(s.iterations, 10000);
    assert_int_equal(mk_sasl_client_config_init(&c, sizeof c - 1), MK_E_ARG);
    assert_int_equal(mk_sasl_server_config_init(&s, 0), MK_E_ARG);
    assert_int_equal(mk_sasl_client_config_init(NULL, sizeof c), MK_E_ARG);
    assert_int_equal(mk_sasl_server_config_init(NULL, sizeof s), MK_E_ARG);
}

/* Not implemented, by policy. */
static void sec_045_no_such_mechanism(void **state)
{
    rig *r = rig_new();

    (void)state;
    assert_int_equal(mk_sasl_parse(Z("NTLM DIGEST-MD5 GSSAPI GSS-SPNEGO SPA "
                                     "KERBEROS_V4 APOP CRAM-SHA1")),
                     0);
    assert_int_equal(mk_sasl_find(Z("NTLM")), MK_SASL_NONE);
    assert_int_equal(rig_open_client(r, MK_SASL_NONE), MK_E_ARG);
    assert_int_equal(rig_open_server(r, MK_SASL_NONE), MK_E_ARG);
    assert_int_equal(rig_open_server(r, (mk_sasl_mechanism)2048), MK_E_ARG);
    assert_int_equal(rig_open_server(r, (mk_sasl_mechanism)6), MK_E_ARG);
    rig_free(r);
}

static void memory_is_checked(void **state)
{
    rig *r = rig_new();
    size_t n = mk_sasl_need(1024);
    char *mem = r->memory[0];
    mk_sasl *s = NULL;

    (void)state;
    assert_int_equal(mk_sasl_need(1023), 0);
    assert_int_equal(mk_sasl_need(MK_SASL_MESSAGE_MAX + 1), 0);
    assert_int_equal(mk_sasl_need(MK_SASL_MESSAGE_MAX), n + 8192);
    assert_true(n < 4096);
    assert_int_equal(mk_sasl_client_open(&r->client_config, MK_SASL_PLAIN, 0,
                                         &r->tls, mem, n - 1, &s),
                     MK_E_ROOM);
    assert_int_equal(mk_sasl_client_open(&r->client_config, MK_SASL_PLAIN, 0,
                                         &r->tls, NULL, n, &s),
                     MK_E_ARG);
    assert_int_equal(mk_sasl_client_open(&r->client_config, MK_SASL_PLAIN, 0,
                                         &r->tls, mem + 1, n, &s),
                     MK_E_ARG);
    assert_int_equal(
        mk_sasl_client_open(NULL, MK_SASL_PLAIN, 0, &r->tls, mem, n, &s),
        MK_E_ARG);
    assert_int_equal(mk_sasl_server_open(&r->server_config, MK_SASL_PLAIN,
                                         &r->tls, mem, n - 1, &s),
                     MK_E_ROOM);
    assert_int_equal(mk_sasl_server_open(&r->server_config, MK_SASL_PLAIN,
                                         &r->tls, mem + 1, n, &s),
                     MK_E_ARG);
    assert_int_equal(
        mk_sasl_server_open(NULL, MK_SASL_PLAIN, &r->tls, mem, n, &s),
        MK_E_ARG);
    assert_null(s);
    mk_sasl_close(NULL);
    rig_free(r);
}

typedef struct fault_row {
    mk_sasl_mechanism mechanism;
    const char *what;
    mk_err want;
} fault_row;

/* clang-format off */
static const fault_row client_faults[] = {
    {MK_SASL_PLAIN, "no name", MK_E_ARG},
    {MK_SASL_LOGIN, "name not UTF-8", MK_E_ARG},
    {MK_SASL_SCRAM_SHA_256, "name with NUL", MK_E_CTL},
    {MK_SASL_XOAUTH2, "name with ^A", MK_E_CTL},
    {MK_SASL_PLAIN, "authzid with NUL", MK_E_CTL},
    {MK_SASL_CRAM_MD5, "long name", MK_E_LIMIT},
    {MK_SASL_PLAIN, "password with NUL", MK_E_CTL},
    {MK_SASL_PLAIN, "long password", MK_E_LIMIT},
    {MK_SASL_PLAIN, "no password", MK_E_UNSUPPORTED},
    {MK_SASL_XOAUTH2, "no token", MK_E_UNSUPPORTED},
    {MK_SASL_XOAUTH2, "token with CR", MK_E_CTL},
    {MK_SASL_OAUTHBEARER, "token with ^A", MK_E_CTL},
    {MK_SASL_OAUTHBEARER, "long token", MK_E_LIMIT},
    {MK_SASL_OAUTHBEARER, "host with ^A", MK_E_CTL},
    {MK_SASL_SCRAM_SHA_1, "no crypto", MK_E_ARG},
    {MK_SASL_SCRAM_SHA_1, "no random", MK_E_ARG},
    {MK_SASL_SCRAM_SHA_1, "random fails", MK_E_ENTROPY},
    {MK_SASL_SCRAM_SHA_1, "no slice", MK_E_ARG},
    {MK_SASL_SCRAM_SHA_1, "min above max", MK_E_ARG},
    {MK_SASL_SCRAM_SHA_1, "min 0", MK_E_ARG},
    {MK_SASL_SCRAM_SHA_1, "all commas", MK_E_LIMIT},
    {MK_SASL_PLAIN, "not allowed", MK_E_UNSUPPORTED},
    {MK_SASL_PLAIN, "size", MK_E_ARG},
};
/* clang-format on */

static char long_token[2000], long_name[256], commas[255];

static void break_client(mk_sasl_client_config *c, const char *what)
{
    const struct {
        const char *what;
        mk_str *field;
        mk_str value;
    } views[] = {
        {"no name", &c->authcid, Z("")},
        {"name not UTF-8", &c->authcid, Z("a\xC0\xAF")},
        {"name with NUL", &c->authcid, Z("a\0b")},
        {"name with ^A", &c->authcid, Z("a\1b")},
        {"authzid with NUL", &c->authzid, Z("a\0b")},
        {"long name", &c->authcid, mk_str_of(long_name, 256)},
        {"password with NUL", &c->password, Z("pencil\0")},
        {"long password", &c->password, mk_str_of(long_name, 256)},
        {"no password", &c->password, Z("")},
        {"no token", &c->token, Z("")},
        {"token with CR", &c->token, Z("a\rb")},
        {"token with ^A", &c->token, Z("a\1b")},
        {"long token", &c->token, mk_str_of(long_token, sizeof long_token)},
        {"host with ^A", &c->host, Z("h\1b")},
        {"all commas", &c->authcid, mk_str_of(commas, sizeof commas)},
        {"all commas", &c->authzid, mk_str_of(commas, sizeof commas)},
    };
    size_t i;

    for (i = 0; i < COUNT(views); i++) {
        if (strcmp(views[i].what, what) == 0) {
            *views[i].field = views[i].value;
        }
    }
}

static void break_client_more(rig *r, const char *what)
{
    mk_sasl_client_config *c = &r->client_config;

    break_client(c, what);
    if (strcmp(what, "no crypto") == 0) {
        c->crypto = NULL;
    } else if (strcmp(what, "no random") == 0) {
        c->random = NULL;
    } else if (strcmp(what, "random fails") == 0) {
        r->random_fails = 1;
    } else if (strcmp(what, "no slice") == 0) {
        c->slice_iterations = 0;
    } else if (strcmp(what, "min above max") == 0) {
        c->iterations_max = c->iterations_min - 1;
    } else if (strcmp(what, "min 0") == 0) {
        c->iterations_min = 0;
    } else if (strcmp(what, "not allowed") == 0) {
        c->mechanisms = MK_SASL_ALL & ~MK_SASL_PLAIN;
    } else if (strcmp(what, "size") == 0) {
        c->size--;
    }
}

static void the_client_refuses(void **state)
{
    size_t i;

    (void)state;
    memset(long_token, 't', sizeof long_token);
    memset(long_name, 'n', sizeof long_name);
    memset(commas, ',', sizeof commas);
    for (i = 0; i < COUNT(client_faults); i++) {
        rig *r = rig_new();

        assert_int_equal(rig_open_client(r, client_faults[i].mechanism), MK_OK);
        break_client_more(r, client_faults[i].what);
        assert_int_equal(rig_open_client(r, client_faults[i].mechanism),
                         client_faults[i].want);
        assert_null(r->client);
        rig_free(r);
    }
}

static void the_server_refuses(void **state)
{
    static const mk_sasl_mechanism askers[] = {
        MK_SASL_SCRAM_SHA_256, MK_SASL_CRAM_MD5, MK_SASL_PLAIN, MK_SASL_LOGIN};
    size_t i;
    unsigned k;

    (void)state;
    for (i = 0; i < COUNT(askers); i++) {
        for (k = 0; k < 7; k++) {
            rig *r = rig_new();
            mk_sasl_server_config *c = &r->server_config;

            c->asks_keys = true;
            assert_int_equal(rig_open_server(r, askers[i]), MK_OK);
            c->pepper = k == 0 ? Z("fifteen octets.") : c->pepper;
            c->crypto = k == 1 ? NULL : c->crypto;
            c->slice_iterations = k == 2 ? 0 : c->slice_iterations;
            c->iterations = k == 3 ? 4095 : k == 4 ? 1000001 : c->iterations;
            c->size = k == 5 ? 8 : c->size;
            c->mechanisms =
                k == 6 ? c->mechanisms & ~(uint32_t)askers[i] : c->mechanisms;
            assert_int_equal(rig_open_server(r, askers[i]),
                             k == 6 ? MK_E_UNSUPPORTED : MK_E_ARG);
            assert_null(r->server);
            rig_free(r);
        }
    }
}

static void the_server_of_cram_refuses(void **state)
{
    char host[1600];
    rig *r = rig_new();

    (void)state;
    memset(host, 'h', sizeof host);
    r->server_config.hostname = Z("");
    assert_int_equal(rig_open_server(r, MK_SASL_CRAM_MD5), MK_E_ARG);
    r->server_config.hostname = Z("a b");
    assert_int_equal(rig_open_server(r, MK_SASL_CRAM_MD5), MK_E_ARG);
    r->server_config.hostname = mk_str_of(host, sizeof host);
    assert_int_equal(rig_open_server(r, MK_SASL_CRAM_MD5), MK_E_LIMIT);
    r->server_config.hostname = mk_str_of(host, 1000);
    assert_int_equal(rig_open_server(r, MK_SASL_CRAM_MD5), MK_E_LIMIT);
    r->server_config.hostname = Z("h");
    r->server_config.random = NULL;
    assert_int_equal(rig_open_server(r, MK_SASL_CRAM_MD5), MK_E_ARG);
    assert_int_equal(rig_open_server(r, MK_SASL_SCRAM_SHA_1), MK_E_ARG);
    r->server_config.random = &r->random;
    r->random_fails = 1;
    assert_int_equal(rig_open_server(r, MK_SASL_CRAM_MD5), MK_E_ENTROPY);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_041_the_choice),
        cmocka_unit_test(sec_041_the_opener_agrees),
        cmocka_unit_test(sec_041_the_server_offers_no_clear_secret),
        cmocka_unit_test(sec_041_defaults),
        cmocka_unit_test(sec_045_no_such_mechanism),
        cmocka_unit_test(memory_is_checked),
        cmocka_unit_test(the_client_refuses),
        cmocka_unit_test(the_server_refuses),
        cmocka_unit_test(the_server_of_cram_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
