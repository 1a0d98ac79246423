/* SPDX-License-Identifier: MIT
 *
 * test_scram.c: SCRAM between hostile ends: iteration counts (THREATS 46),
 * nonces, channel binding, signatures, order of attributes (THREATS 47), both
 * roles. RFC 5802 5, 6, 7 and 9.
 */
#include "rig.h"

/* Changes that are made to a message on its way: `from` becomes `to`, at its
 * first place. */
typedef struct change {
    unsigned number; /* of the message: 1 client-first … 4 server-final */
    const char *text_from, *text_to;
    bool is_client_hurt; /* it is the client that must fail */
    mk_err want;
} change;

static const change *changing;

static void replace(rig *r, unsigned n, rig_said *said)
{
    char *at;
    size_t from_len, to_len, tail;

    (void)r;
    if (changing == NULL || n != changing->number) {
        return;
    }
    from_len = strlen(changing->text_from);
    to_len = strlen(changing->text_to);
    said->octets[said->len] = 0;
    at = strstr(said->octets, changing->text_from);
    assert_non_null(at);
    tail = said->len - (size_t)(at - said->octets) - from_len;
    memmove(at + to_len, at + from_len, tail);
    memcpy(at, changing->text_to, to_len);
    said->len += to_len - from_len;
}

/* clang-format off */
static const change changes[] = {
    /* THREATS 47: the client's nonce must come back, longer */
    {2, "r=", "r=x", true, MK_E_PROTOCOL},
    {2, "r=ACV", "r=ACW", true, MK_E_PROTOCOL},
    {2, ",s=", "\x7F,s=", true, MK_E_PROTOCOL},
    {2, ",s=", "\xC3\xA4,s=", true, MK_E_PROTOCOL},
    {2, ",s=", " ,s=", true, MK_E_PROTOCOL},
    /* the server's must come back as it was */
    {3, "r=", "r=x", false, MK_E_PROTOCOL},
    {3, ",p=", "x,p=", false, MK_E_PROTOCOL},
    /* c= says what the first message said */
    {3, "c=biws", "c=eSws", false, MK_E_PROTOCOL},
    {3, "c=biws", "c=biw", false, MK_E_PROTOCOL},
    {3, "c=biws", "c=", false, MK_E_PROTOCOL},
    {3, "c=biws,", "", false, MK_E_PROTOCOL},
    {3, "c=biws", "c=biwsAAAA", false, MK_E_PROTOCOL},
    {1, "n,,", "y,,", false, MK_E_PROTOCOL},
    /* the order of attributes, and what is not there */
    {1, "n,,", "n,", false, MK_E_SYNTAX},
    {1, "n,,", "x,,", false, MK_E_SYNTAX},
    {1, "n,,", "N,,", false, MK_E_SYNTAX},
    {1, "n,,", "nn,,", false, MK_E_SYNTAX},
    {1, "n,,", "n,x=y,", false, MK_E_SYNTAX},
    {1, "n,,", "n,a=,", false, MK_E_SYNTAX},
    {1, "n,,", "p=tls-exporter,,", false, MK_E_PROTOCOL},
    {1, "n,,", "F,n,,", false, MK_E_SYNTAX},
    {1, "n=user,", "", false, MK_E_SYNTAX},
    {1, "n=user", "n=", false, MK_E_SYNTAX},
    {1, "n=user", "n=us=2Dr", false, MK_E_SYNTAX},
    {1, "n=user", "n=us=3dr", false, MK_E_SYNTAX},
    {1, "n=user", "n=user=", false, MK_E_SYNTAX},
    {1, "n=user", "n=us\xFFr", false, MK_E_SYNTAX},
    {1, "n=user", "n=us\nr", false, MK_E_SYNTAX},
    {1, "n=user", "m=x,n=user", false, MK_E_SYNTAX},
    {1, "r=", "r= ", false, MK_E_SYNTAX},
    {1, "n=user,r=", "n=user,x=", false, MK_E_SYNTAX},
    {2, "r=", "m=x,r=", true, MK_E_SYNTAX},
    {2, "r=", "R=", true, MK_E_SYNTAX},
    {2, ",s=", ",x=", true, MK_E_SYNTAX},
    {2, ",s=", ",s==", true, MK_E_SYNTAX},
    {2, ",s=", ",s=A", true, MK_E_SYNTAX},
    {2, ",i=", ",i=4096,i=", true, MK_E_SYNTAX},
    {2, ",i=", ",x=y,i=", true, MK_E_SYNTAX},
    {2, ",i=4096", ",i=4096,", true, MK_E_SYNTAX},
    {2, ",i=4096", ",i=4096,m=x", true, MK_E_SYNTAX},
    {2, ",i=4096", "", true, MK_E_SYNTAX},
    {3, ",p=", ",m=x,p=", false, MK_E_SYNTAX},
    {3, ",p=", ",p=AAAA,p=", false, MK_E_SYNTAX},
    {3, ",p=", ",x=,p=", false, MK_E_SYNTAX},
    {3, ",p=", ",,p=", false, MK_E_SYNTAX},
    {3, ",p=", ",p==", false, MK_E_SYNTAX},
    {3, ",p=", ",p=AAAA", false, MK_E_SYNTAX},
    {3, "=", "=", false, MK_OK},
    /* the signature must be there, and right */
    {4, "v=", "v=AAAA", true, MK_E_SYNTAX},
    {4, "v=", "x=", true, MK_E_SYNTAX},
    {4, "v=", "x=y,v=", true, MK_E_SYNTAX},
    {4, "v=", "", true, MK_E_SYNTAX},
    /* what is not known behind its place is passed over; the proof covers it */
    {1, "n=user,", "n=user,", false, MK_OK},
    {4, "=", "=", true, MK_OK},
};

/* What the server says in the place of its signature. */
static const struct { mk_str message; mk_err want; } finals[] = {
    {MK_STR_INIT(""), MK_E_SYNTAX},
    {MK_STR_INIT("v="), MK_E_SYNTAX},
    {MK_STR_INIT("v=AAAA"), MK_E_SYNTAX},
    {MK_STR_INIT("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), MK_E_PROTOCOL},
    {MK_STR_INIT("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,m=x"), MK_E_SYNTAX},
    {MK_STR_INIT("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), MK_E_SYNTAX},
    {MK_STR_INIT("e=invalid-proof"), MK_E_AUTH},
    {MK_STR_INIT("e=unknown-user"), MK_E_AUTH},
    {MK_STR_INIT("e=channel-bindings-dont-match"), MK_E_PROTOCOL},
    {MK_STR_INIT("e=other-error"), MK_E_PROTOCOL},
    {MK_STR_INIT("e="), MK_E_SYNTAX},
};
/* clang-format on */

static rig *plain_rig(void)
{
    rig *r = rig_new();

    r->is_plain = true;
    r->client_config.is_clear_allowed = true;
    r->server_config.is_keys_only = true;
    r->user = RIG_KEYS;
    r->tamper = replace;
    return r;
}

static void run_change(const change *c)
{
    rig *r = plain_rig();
    bool is_yflag = strcmp(c->text_to, "y,,") == 0;

    if (is_yflag) { /* a server that can bind, and said so */
        r->is_plain = false;
        r->client_config.mechanisms &= ~(uint32_t)RIG_PLUS;
    }
    changing = c;
    rig_run(r, MK_SASL_SCRAM_SHA_256);
    changing = NULL;
    if (c->want == MK_OK) {
        assert_int_equal(r->client_state, MK_SASL_DONE);
        assert_int_equal(r->server_state, MK_SASL_DONE);
    } else {
        assert_int_not_equal(r->client_state, MK_SASL_DONE);
        assert_int_not_equal(r->server_state, MK_SASL_DONE);
        assert_int_equal(mk_sasl_why(c->is_client_hurt ? r->client : r->server),
                         c->want);
        assert_int_equal(r->said_count, c->number);
    }
    rig_free(r);
}

static void sec_047_changed_on_the_way(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(changes); i++) {
        run_change(&changes[i]);
    }
}

/* Every octet of every message, flipped: never DONE at both ends. */
static unsigned flip_number;
static size_t flip_at;
static bool is_flipped;

static void flip(rig *r, unsigned n, rig_said *said)
{
    (void)r;
    if (n == flip_number && flip_at < said->len) {
        said->octets[flip_at] = (char)(said->octets[flip_at] ^ 1);
        is_flipped = true;
    }
}

static void sec_047_every_octet_counts(void **state)
{
    (void)state;
    for (flip_number = 1; flip_number <= 4; flip_number++) {
        flip_at = 0;
        do {
            rig *r = plain_rig();

            is_flipped = false;
            r->tamper = flip;
            r->user = RIG_KEYS;
            r->password = "pencil";
            rig_run(r, MK_SASL_SCRAM_SHA_256);
            assert_int_equal(r->client_state == MK_SASL_DONE &&
                                 r->server_state == MK_SASL_DONE,
                             !is_flipped);
            rig_free(r);
            flip_at++;
        } while (is_flipped);
        assert_true(flip_at > 36);
    }
}

static void say_final(rig *r, mk_str message, mk_err want)
{
    unsigned works = 0;

    assert_int_equal(rig_open_client(r, MK_SASL_SCRAM_SHA_256), MK_OK);
    assert_int_equal(rig_open_server(r, MK_SASL_SCRAM_SHA_256), MK_OK);
    assert_int_equal(rig_move(r->client, &works), MK_SASL_SEND);
    assert_int_equal(rig_give(r->server, mk_sasl_message(r->client)),
                     MK_SASL_ASK);
    assert_int_equal(rig_answer(r), MK_OK);
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_SEND);
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->client, mk_sasl_message(r->server)),
                     MK_SASL_SEND);
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->client, message), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->client), want);
    works = 0;
}

static void sec_047_the_last_word(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(finals); i++) {
        rig *r = plain_rig();

        say_final(r, finals[i].message, finals[i].want);
        rig_free(r);
    }
}

/* A server that knows nothing cannot make a client believe: success without
 * the signature leaves it at TAKE. */
static void sec_047_success_without_a_signature(void **state)
{
    rig *r = plain_rig();
    unsigned works = 0;

    (void)state;
    r->password = "another";
    rig_run(r, MK_SASL_SCRAM_SHA_256);
    assert_int_equal(r->said_count, 3);
    assert_int_equal(rig_open_client(r, MK_SASL_SCRAM_SHA_256), MK_OK);
    assert_int_equal(rig_move(r->client, &works), MK_SASL_SEND);
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
    rig_free(r);
}

/* What a client binds to must be what the server has. */
static void sec_047_another_channel(void **state)
{
    static const mk_sasl_mechanism plus[] = {MK_SASL_SCRAM_SHA_1_PLUS,
                                             MK_SASL_SCRAM_SHA_256_PLUS};
    size_t i;
    unsigned k;

    (void)state;
    for (i = 0; i < COUNT(plus); i++) {
        for (k = 0; k < 3; k++) {
            rig *r = rig_new();

            if (k == 0) { /* somebody sits in between */
                r->server_tls.exporter = Z("FEDCBA9876543210FEDCBA9876543211");
            } else if (k == 1) {
                r->tls.exporter = Z("");
                r->server_tls.end_point = Z("0123");
            } else { /* a type that the server has nothing for */
                r->server_tls.exporter = Z("");
            }
            rig_run(r, plus[i]);
            assert_int_equal(mk_sasl_why(r->server), MK_E_PROTOCOL);
            assert_int_not_equal(r->client_state, MK_SASL_DONE);
            rig_free(r);
        }
    }
}

/* RFC 5802 6: -PLUS struck from the list is found out. */
static void sec_047_plus_struck_from_the_list(void **state)
{
    rig *r = rig_new();

    (void)state;
    r->offered = MK_SASL_SCRAM_SHA_256;
    rig_run(r, MK_SASL_SCRAM_SHA_256);
    assert_true(mk_str_has_prefix_nocase(rig_heard(r, 1), Z("y,,")));
    assert_int_equal(mk_sasl_why(r->server), MK_E_PROTOCOL);
    /* who has seen it and does not want it says n */
    r->offered = 0;
    r->client_config.mechanisms &= ~(uint32_t)RIG_PLUS;
    rig_run(r, MK_SASL_SCRAM_SHA_256);
    assert_true(mk_str_has_prefix_nocase(rig_heard(r, 1), Z("n,,")));
    assert_int_equal(r->server_state, MK_SASL_DONE);
    /* a server that cannot believes the y */
    r->client_config.mechanisms = MK_SASL_ALL;
    r->server_config.mechanisms &= ~(uint32_t)RIG_PLUS;
    rig_run(r, MK_SASL_SCRAM_SHA_256);
    assert_true(mk_str_has_prefix_nocase(rig_heard(r, 1), Z("y,,")));
    assert_int_equal(r->server_state, MK_SASL_DONE);
    assert_int_equal(r->client_state, MK_SASL_DONE);
    rig_free(r);
}

/* The -PLUS mechanism with no binding, and the other way round. */
static void sec_047_flags_and_mechanisms(void **state)
{
    static const struct {
        mk_sasl_mechanism mechanism;
        mk_str message;
        mk_err want;
    } firsts[] = {
        {MK_SASL_SCRAM_SHA_256_PLUS, MK_STR_INIT("n,,n=u,r=x"), MK_E_PROTOCOL},
        {MK_SASL_SCRAM_SHA_256_PLUS, MK_STR_INIT("y,,n=u,r=x"), MK_E_PROTOCOL},
        {MK_SASL_SCRAM_SHA_256_PLUS, MK_STR_INIT("p=tls-unique,,n=u,r=x"),
         MK_E_PROTOCOL},
        {MK_SASL_SCRAM_SHA_256_PLUS, MK_STR_INIT("p=,,n=u,r=x"), MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256_PLUS, MK_STR_INIT("p=tls-exporter,n=u,r=x"),
         MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256_PLUS, MK_STR_INIT("p=tls-exporter"),
         MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256_PLUS, MK_STR_INIT("p=tls-exporter,,n=u,r=x"),
         MK_OK},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("p=tls-exporter,,n=u,r=x"),
         MK_E_PROTOCOL},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("n,,n=u,r=x,y=z,Z=="), MK_OK},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("n,,n=u,r=x,y=z,"), MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("n,,n=u,r=x,1=z"), MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("n,,n=u,r=x,y=\0"), MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("n,,n=u,r="), MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("n,,n=u"), MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("n,,"), MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("n,"), MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT("n"), MK_E_SYNTAX},
        {MK_SASL_SCRAM_SHA_256, MK_STR_INIT(""), MK_E_SYNTAX},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(firsts); i++) {
        rig *r = rig_new();

        assert_int_equal(rig_open_server(r, firsts[i].mechanism), MK_OK);
        assert_int_equal(rig_give(r->server, firsts[i].message),
                         firsts[i].want == MK_OK ? MK_SASL_ASK
                                                 : MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->server), firsts[i].want);
        rig_free(r);
    }
}

/* Extensions that a proof covers are taken, by both ends. */
static void add_extension(rig *r, unsigned n, rig_said *said)
{
    (void)r;
    if (n == 4) {
        memcpy(said->octets + said->len, ",x=y", 4);
        said->len += 4;
    }
}

static void unknown_extensions_are_passed_over(void **state)
{
    rig *r = plain_rig();

    (void)state;
    r->tamper = add_extension;
    rig_run(r, MK_SASL_SCRAM_SHA_256);
    assert_int_equal(r->client_state, MK_SASL_DONE);
    assert_int_equal(r->server_state, MK_SASL_DONE);
    rig_free(r);
}

/* ---- THREATS 46 ---------------------------------------------------------- */

static void sec_046_iteration_counts(void **state)
{
    static const struct {
        const char *count;
        mk_err want;
    } counts[] = {
        {"1", MK_E_LIMIT},
        {"0", MK_E_SYNTAX},
        {"4095", MK_E_LIMIT},
        {"4096", MK_OK},
        {"1000000", MK_OK},
        {"1000001", MK_E_LIMIT},
        {"4294967295", MK_E_LIMIT},
        {"4294967296", MK_E_LIMIT},
        {"4294971392", MK_E_LIMIT},
        {"18446744073709551616", MK_E_LIMIT},
        {"99999999999999999999999999999", MK_E_LIMIT},
        {"+4096", MK_E_SYNTAX},
        {"4096x", MK_E_SYNTAX},
        {"04096", MK_E_SYNTAX},
        {" 4096", MK_E_SYNTAX},
        {"-4096", MK_E_SYNTAX},
        {"0x1000", MK_E_SYNTAX},
        {"4096.0", MK_E_SYNTAX},
        {"4e4", MK_E_SYNTAX},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(counts); i++) {
        rig *r = plain_rig();
        char first[256];
        mk_sasl_state got;
        mk_str nonce;

        r->client_config.slice_iterations = 1;
        assert_int_equal(rig_open_client(r, MK_SASL_SCRAM_SHA_256), MK_OK);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_SEND);
        nonce = mk_str_sub(mk_sasl_message(r->client), 12, SIZE_MAX);
        snprintf(first, sizeof first, "r=%.*sserver,s=c2FsdA==,i=%s",
                 (int)nonce.len, nonce.ptr, counts[i].count);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
        assert_int_equal(mk_sasl_take(r->client, mk_str_z(first)), MK_OK);
        /* no work before the count is judged */
        got = mk_sasl_next(r->client);
        assert_int_equal(got, counts[i].want == MK_OK ? MK_SASL_WORK
                                                      : MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->client), counts[i].want);
        rig_free(r);
    }
}

/* A nonce that comes back as it was, or shorter. */
static void sec_047_nonce_not_extended(void **state)
{
    size_t less;

    (void)state;
    for (less = 0; less < 3; less++) {
        rig *r = plain_rig();
        char first[256];
        mk_str nonce;

        assert_int_equal(rig_open_client(r, MK_SASL_SCRAM_SHA_256), MK_OK);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_SEND);
        nonce = mk_str_sub(mk_sasl_message(r->client), 12, SIZE_MAX);
        snprintf(first, sizeof first, "r=%.*s,s=c2FsdA==,i=4096",
                 (int)(nonce.len - less), nonce.ptr);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
        assert_int_equal(rig_give(r->client, mk_str_z(first)), MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->client), MK_E_PROTOCOL);
        rig_free(r);
    }
}

static void add_last_word(rig *r, unsigned n, rig_said *said)
{
    (void)r;
    if (n == 5) {
        said->octets[said->len++] = 'x';
    }
}

/* Behind the server's signature the client has nothing to say. */
static void sec_047_a_word_too_many(void **state)
{
    rig *r = plain_rig();

    (void)state;
    r->tamper = add_last_word;
    rig_run(r, MK_SASL_SCRAM_SHA_256);
    assert_int_equal(r->said_count, 5);
    assert_int_equal(mk_sasl_why(r->server), MK_E_SYNTAX);
    rig_free(r);
}

static void sec_046_salts(void **state)
{
    static const struct {
        unsigned chars;
        mk_err want;
    } salts[] = {{0, MK_E_SYNTAX},
                 {4, MK_OK},
                 {168, MK_OK},
                 {172, MK_E_LIMIT},
                 {600, MK_E_LIMIT}};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(salts); i++) {
        rig *r = plain_rig();
        char first[900];
        mk_str nonce;
        size_t n;

        assert_int_equal(rig_open_client(r, MK_SASL_SCRAM_SHA_256), MK_OK);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_SEND);
        nonce = mk_str_sub(mk_sasl_message(r->client), 12, SIZE_MAX);
        n = (size_t)snprintf(first, sizeof first,
                             "r=%.*sserver,s=", (int)nonce.len, nonce.ptr);
        memset(first + n, 'A', salts[i].chars);
        memcpy(first + n + salts[i].chars, ",i=4096", 8);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
        assert_int_equal(mk_sasl_take(r->client, mk_str_z(first)), MK_OK);
        assert_int_equal(mk_sasl_next(r->client), salts[i].want == MK_OK
                                                      ? MK_SASL_WORK
                                                      : MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->client), salts[i].want);
        rig_free(r);
    }
}

/* The client's own limits are kept, whoever set them. */
static void sec_046_own_limits(void **state)
{
    rig *r = plain_rig();

    (void)state;
    r->server_config.iterations = 10000;
    r->iterations = 10000;
    r->client_config.iterations_max = 9999;
    rig_run(r, MK_SASL_SCRAM_SHA_1);
    assert_int_equal(mk_sasl_why(r->client), MK_E_LIMIT);
    assert_int_equal(r->works[0], 0);
    r->client_config.iterations_max = 10000;
    r->client_config.iterations_min = 10000;
    rig_run(r, MK_SASL_SCRAM_SHA_1);
    assert_int_equal(r->client_state, MK_SASL_DONE);
    r->client_config.iterations_max = 20000;
    r->client_config.iterations_min = 10001;
    rig_run(r, MK_SASL_SCRAM_SHA_1);
    assert_int_equal(mk_sasl_why(r->client), MK_E_LIMIT);
    rig_free(r);
}

/* A server does not take keys that are too cheap or too dear, and none of a
 * wrong length; nothing changes then. */
static void sec_046_keys_of_the_application(void **state)
{
    static const char octets[256];
    static const struct {
        size_t password, salt, stored, server;
        uint32_t iterations;
        mk_err want;
    } keys[] = {
        {0, 16, 32, 32, 4096, MK_OK},     {0, 16, 32, 32, 4095, MK_E_ARG},
        {0, 16, 32, 32, 0, MK_E_ARG},     {0, 16, 32, 32, 1000001, MK_E_ARG},
        {0, 0, 32, 32, 4096, MK_E_ARG},   {0, 129, 32, 32, 4096, MK_E_ARG},
        {0, 128, 32, 32, 1000000, MK_OK}, {0, 16, 31, 31, 4096, MK_E_ARG},
        {0, 16, 20, 20, 4096, MK_E_ARG},  {0, 16, 32, 20, 4096, MK_E_ARG},
        {0, 16, 0, 0, 4096, MK_E_ARG},    {256, 0, 0, 0, 0, MK_E_ARG},
        {255, 0, 0, 0, 0, MK_OK},         {0, 0, 0, 0, 0, MK_E_ARG},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(keys); i++) {
        rig *r = plain_rig();
        mk_sasl_keys k = {0};

        r->server_config.is_keys_only = false;
        k.password = mk_str_of(octets, keys[i].password);
        k.salt = mk_str_of(octets, keys[i].salt);
        k.stored_key = mk_str_of(octets, keys[i].stored);
        k.server_key = mk_str_of(octets, keys[i].server);
        k.iterations = keys[i].iterations;
        assert_int_equal(rig_open_server(r, MK_SASL_SCRAM_SHA_256), MK_OK);
        assert_int_equal(mk_sasl_resolve(r->server, MK_ANSWER_YES, &k),
                         MK_E_STATE);
        assert_int_equal(rig_give(r->server, Z("n,,n=u,r=x")), MK_SASL_ASK);
        assert_int_equal(mk_sasl_resolve(r->server, MK_ANSWER_YES, NULL),
                         MK_E_ARG);
        assert_int_equal(mk_sasl_resolve(r->server, (mk_answer)3, &k),
                         MK_E_ARG);
        assert_int_equal(mk_sasl_resolve(r->server, MK_ANSWER_YES, &k),
                         keys[i].want);
        assert_int_equal(mk_sasl_question(r->server) != NULL,
                         keys[i].want != MK_OK);
        rig_free(r);
    }
}

/* A password where the settings promise keys only would stand out. */
static void sec_050_a_promise_is_kept(void **state)
{
    rig *r = plain_rig();
    mk_sasl_keys k = {0};

    (void)state;
    k.password = Z("pencil");
    assert_int_equal(rig_open_server(r, MK_SASL_SCRAM_SHA_256), MK_OK);
    assert_int_equal(rig_give(r->server, Z("n,,n=u,r=x")), MK_SASL_ASK);
    assert_int_equal(mk_sasl_resolve(r->server, MK_ANSWER_YES, &k), MK_E_ARG);
    assert_int_equal(mk_sasl_resolve(r->server, MK_ANSWER_NO, NULL), MK_OK);
    assert_int_equal(mk_sasl_next(r->server), MK_SASL_SEND);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_046_iteration_counts),
        cmocka_unit_test(sec_046_salts),
        cmocka_unit_test(sec_046_own_limits),
        cmocka_unit_test(sec_046_keys_of_the_application),
        cmocka_unit_test(sec_047_changed_on_the_way),
        cmocka_unit_test(sec_047_every_octet_counts),
        cmocka_unit_test(sec_047_nonce_not_extended),
        cmocka_unit_test(sec_047_a_word_too_many),
        cmocka_unit_test(sec_047_the_last_word),
        cmocka_unit_test(sec_047_success_without_a_signature),
        cmocka_unit_test(sec_047_another_channel),
        cmocka_unit_test(sec_047_plus_struck_from_the_list),
        cmocka_unit_test(sec_047_flags_and_mechanisms),
        cmocka_unit_test(sec_050_a_promise_is_kept),
        cmocka_unit_test(unknown_extensions_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
