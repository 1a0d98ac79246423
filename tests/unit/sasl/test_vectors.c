/* SPDX-License-Identifier: MIT
 *
 * test_vectors.c: the examples of the RFCs, both roles: RFC 5802 5, RFC 7677
 * 3, RFC 2195 2, RFC 4616 4, RFC 7628 4, RFC 4505 3.
 */
#include "rig.h"

#include "sasl/internal.h"

static void assert_says(mk_sasl *s, const char *want)
{
    unsigned works = 0;

    assert_int_equal(rig_move(s, &works), MK_SASL_SEND);
    assert_int_equal(mk_sasl_message(s).len, strlen(want));
    assert_memory_equal(mk_sasl_message(s).ptr, want, strlen(want));
}

typedef struct vector {
    mk_sasl_mechanism mechanism;
    const char *first, *server_first, *final, *server_final;
} vector;

static const vector vectors[] = {
    {MK_SASL_SCRAM_SHA_1, "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
     "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
     "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
     "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
     "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    {MK_SASL_SCRAM_SHA_256, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
     "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
     "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
     "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
     "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
};

static size_t offset_of(const char *text, const char *part)
{
    const char *at = strstr(text, part);

    assert_non_null(at);
    return (size_t)(at - text) + strlen(part);
}

/* Put the example's first message in the place of ours: its nonce has
 * another length. */
static void plant_first(mk_sasl *s, const char *first)
{
    s->text.len = 0;
    assert_int_equal(mk_buf_add_z(&s->text, first), MK_OK);
    s->gs2_len = 3;
    s->nonce_at = offset_of(first, ",r=");
    s->nonce_len = strlen(first) - s->nonce_at;
    s->message = mk_buf_str(&s->text);
}

static void scram_of_a_client(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(vectors); i++) {
        const vector *v = &vectors[i];
        rig *r = rig_new();

        r->is_plain = true;
        r->client_config.is_clear_allowed = true;
        assert_int_equal(rig_open_client(r, v->mechanism), MK_OK);
        plant_first(r->client, v->first);
        assert_says(r->client, v->first);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
        assert_int_equal(rig_give(r->client, mk_str_z(v->server_first)),
                         MK_SASL_SEND);
        assert_true(mk_str_is(mk_sasl_message(r->client), mk_str_z(v->final)));
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
        assert_int_equal(rig_give(r->client, mk_str_z(v->server_final)),
                         MK_SASL_SEND);
        assert_int_equal(mk_sasl_message(r->client).len, 0);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_DONE);
        rig_free(r);
    }
}

/* RFC 5802 without anything planted: its nonce is 18 octets in base64. */
static void scram_first_message(void **state)
{
    unsigned char nonce[18];
    rig *r = rig_new();
    mk_buf b;

    (void)state;
    mk_buf_init(&b, nonce, sizeof nonce);
    assert_int_equal(mk_base64_parse(Z("fyko+d2lbbFgONRv9qkxdawL"), &b), MK_OK);
    r->planned = nonce;
    r->planned_len = sizeof nonce;
    r->is_plain = true;
    r->client_config.is_clear_allowed = true;
    assert_int_equal(rig_open_client(r, MK_SASL_SCRAM_SHA_1), MK_OK);
    assert_says(r->client, vectors[0].first);
    rig_free(r);
}

static void plant_server_first(mk_sasl *s, const vector *v)
{
    size_t start = strlen(v->first) + 1;

    s->text.len = start;
    assert_int_equal(mk_buf_add_z(&s->text, v->server_first), MK_OK);
    s->nonce_at = start + 2;
    s->nonce_len = offset_of(v->server_first, ",") - 3;
    s->message = mk_str_sub(mk_buf_str(&s->text), start, SIZE_MAX);
}

static void scram_of_a_server(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(vectors) * 2; i++) {
        const vector *v = &vectors[i / 2];
        mk_hash hash = i / 2 == 0 ? MK_HASH_SHA1 : MK_HASH_SHA256;
        unsigned char salt[32], stored[32], server[32];
        const char *at = strstr(v->server_first, ",s=") + 3;
        mk_sasl_keys keys = {0};
        rig *r = rig_new();
        mk_buf b;

        r->is_plain = true;
        r->server_config.is_keys_only = i % 2 == 1;
        mk_buf_init(&b, salt, sizeof salt);
        assert_int_equal(
            mk_base64_parse(mk_str_of(at, (size_t)(strchr(at, ',') - at)), &b),
            MK_OK);
        keys.salt = mk_buf_str(&b);
        keys.iterations = 4096;
        assert_int_equal(mk_sasl_keys_make(mk_crypto_mbedtls(), hash,
                                           Z("pencil"), keys.salt, 4096, stored,
                                           server),
                         MK_OK);
        keys.stored_key = mk_str_of((char *)stored, mk_hash_size(hash));
        keys.server_key = mk_str_of((char *)server, mk_hash_size(hash));
        assert_int_equal(rig_open_server(r, v->mechanism), MK_OK);
        assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
        assert_int_equal(rig_give(r->server, mk_str_z(v->first)), MK_SASL_ASK);
        assert_int_equal(mk_sasl_question(r->server)->kind, MK_SASL_ASK_KEYS);
        assert_true(mk_str_is(mk_sasl_question(r->server)->authcid, Z("user")));
        assert_int_equal(mk_sasl_question(r->server)->hash, hash);
        assert_int_equal(mk_sasl_resolve(r->server, MK_ANSWER_YES, &keys),
                         MK_OK);
        assert_int_equal(rig_move(r->server, &r->works[1]), MK_SASL_SEND);
        plant_server_first(r->server, v);
        assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
        assert_int_equal(rig_give(r->server, mk_str_z(v->final)), MK_SASL_SEND);
        assert_true(
            mk_str_is(mk_sasl_message(r->server), mk_str_z(v->server_final)));
        assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
        assert_int_equal(rig_give(r->server, mk_str_z("")), MK_SASL_DONE);
        assert_true(mk_str_is(mk_sasl_authcid(r->server), Z("user")));
        rig_free(r);
    }
}

static void cram_md5(void **state)
{
    static const char challenge[] =
        "<1896.697170952@postoffice.reston.mci.net>";
    static const char answer[] = "tim b913a602c7eda7a495b4e6e7334d3890";
    rig *r = rig_new();

    (void)state;
    r->client_config.authcid = Z("tim");
    r->client_config.password = Z("tanstaaftanstaaf");
    assert_int_equal(rig_open_client(r, MK_SASL_CRAM_MD5), MK_OK);
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->client, Z(challenge)), MK_SASL_SEND);
    assert_true(mk_str_is(mk_sasl_message(r->client), Z(answer)));
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_DONE);

    r->password = "tanstaaftanstaaf";
    assert_int_equal(rig_open_server(r, MK_SASL_CRAM_MD5), MK_OK);
    r->server->text.len = 0;
    (void)mk_buf_add(&r->server->text, Z(challenge));
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_SEND);
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->server, Z(answer)), MK_SASL_ASK);
    assert_int_equal(rig_answer(r), MK_OK);
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_DONE);
    assert_true(mk_str_is(mk_sasl_authcid(r->server), Z("tim")));
    rig_free(r);
}

typedef struct one {
    mk_sasl_mechanism mechanism;
    const char *authzid, *authcid, *password, *token, *host;
    uint16_t port;
    mk_str message;
} one;

static const one ones[] = {
    {MK_SASL_PLAIN, "", "tim", "tanstaaftanstaaf", "", "", 0,
     MK_STR_INIT("\0tim\0tanstaaftanstaaf")},
    {MK_SASL_PLAIN, "Ursel", "Kurt", "xipj3plmq", "", "", 0,
     MK_STR_INIT("Ursel\0Kurt\0xipj3plmq")},
    {MK_SASL_OAUTHBEARER, "", "user@example.com", "",
     "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "server.example.com", 143,
     MK_STR_INIT("n,a=user@example.com,\1host=server.example.com\1port=143\1"
                 "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1")},
    {MK_SASL_XOAUTH2, "", "someuser@example.com", "",
     "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", "", 0,
     MK_STR_INIT("user=someuser@example.com\1auth=Bearer "
                 "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1")},
    {MK_SASL_ANONYMOUS, "", "sirhc", "", "", "", 0, MK_STR_INIT("sirhc")},
    {MK_SASL_ANONYMOUS, "", "", "", "", "", 0, MK_STR_INIT("")},
    {MK_SASL_EXTERNAL, "fred@example.com", "", "", "", "", 0,
     MK_STR_INIT("fred@example.com")},
    {MK_SASL_EXTERNAL, "", "", "", "", "", 0, MK_STR_INIT("")},
};

static void one_message(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(ones); i++) {
        const one *o = &ones[i];
        rig *r = rig_new();

        r->client_config.authzid = mk_str_z(o->authzid);
        r->client_config.authcid = mk_str_z(o->authcid);
        r->client_config.password = mk_str_z(o->password);
        r->client_config.token = mk_str_z(o->token);
        r->client_config.host = mk_str_z(o->host);
        r->client_config.port = o->port;
        r->password = o->password;
        rig_run(r, o->mechanism);
        assert_true(mk_str_is(rig_heard(r, 1), o->message));
        assert_int_equal(r->client_state, MK_SASL_DONE);
        assert_int_equal(r->server_state, MK_SASL_DONE);
        assert_true(mk_str_is(r->ask.authcid, mk_str_z(o->authcid)));
        assert_true(mk_str_is(r->ask.authzid, mk_str_z(o->authzid)));
        assert_true(
            mk_str_is(mk_sasl_authzid(r->server), mk_str_z(o->authzid)));
        rig_free(r);
    }
}

/* RFC 7628 4.3: the client asks with an empty auth=, and is told. */
static void oauth_that_fails(void **state)
{
    static const char error[] =
        "{\"status\":\"invalid_token\",\"scope\":\"example_scope\","
        "\"openid-configuration\":"
        "\"https://example.com/.well-known/openid-config\"}";
    rig *r = rig_new();

    (void)state;
    r->server_config.oauth_scope = Z("example_scope");
    r->server_config.oauth_configuration =
        Z("https://example.com/.well-known/openid-config");
    assert_int_equal(rig_open_server(r, MK_SASL_OAUTHBEARER), MK_OK);
    assert_int_equal(
        rig_give(r->server, Z("n,a=user@example.com,\1host=server.example.com\1"
                              "port=143\1auth=\1\1")),
        MK_SASL_SEND);
    assert_true(mk_str_is(mk_sasl_message(r->server), Z(error)));
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->server, Z("\1")), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->server), MK_E_AUTH);

    r->user = RIG_NOBODY;
    rig_run(r, MK_SASL_OAUTHBEARER);
    assert_true(mk_str_is(rig_heard(r, 2), Z(error)));
    assert_true(mk_str_is(rig_heard(r, 3), Z("\1")));
    assert_int_equal(mk_sasl_why(r->client), MK_E_AUTH);
    assert_int_equal(mk_sasl_why(r->server), MK_E_AUTH);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scram_of_a_client),
        cmocka_unit_test(scram_first_message),
        cmocka_unit_test(scram_of_a_server),
        cmocka_unit_test(cram_md5),
        cmocka_unit_test(one_message),
        cmocka_unit_test(oauth_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
