/* SPDX-License-Identifier: MIT
 *
 * test_messages.c: what a server takes and refuses of PLAIN, LOGIN, CRAM-MD5,
 * the OAuth ones, EXTERNAL and ANONYMOUS (THREATS 42, 43, 48), and what their
 * clients say to a server that talks on.
 */
#include "rig.h"

#include <mailkit/codec.h>

typedef struct row {
    mk_sasl_mechanism mechanism;
    mk_str message;
    mk_err want; /* MK_OK: a question */
    const char *authzid, *authcid;
    mk_str secret;
} row;

#define S(lit) MK_STR_INIT(lit)
#define NONE                                                                   \
    {                                                                          \
        NULL, 0                                                                \
    }
#define HEX32 "0123456789abcdef0123456789ABCDEF"

/* clang-format off */
static const row rows[] = {
    /* THREATS 43: the fields of PLAIN */
    {MK_SASL_PLAIN, S("\0a\0b"), MK_OK, "", "a", S("b")},
    {MK_SASL_PLAIN, S("z\0a\0b"), MK_OK, "z", "a", S("b")},
    {MK_SASL_PLAIN, S("\0a\0 \t\xFF"), MK_OK, "", "a", S(" \t\xFF")},
    {MK_SASL_PLAIN, S(""), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\0"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\0b"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("z\0\0b"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0a\0"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("a\0b"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("a\0b\0c\0d"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0a\0b\0"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0a\0\0b"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0a\rb\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\x7F\0a\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\xED\xA0\x80\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\xE0\x80\xAF\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\xF4\x90\x80\x80\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\xF0\x8F\xBF\xBF\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\xF5\x80\x80\x80\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\xC1\xBF\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\xC2\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\xC2\x85\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\x80\0c"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_PLAIN, S("\0\xEF\xBF\xBF\xC2\xA0\xF4\x8F\xBF\xBF\0c"), MK_OK, "", "\xEF\xBF\xBF\xC2\xA0\xF4\x8F\xBF\xBF", S("c")},
    {MK_SASL_PLAIN, S("\0\xEE\x80\x80\xED\x9F\xBF\0c"), MK_OK, "", "\xEE\x80\x80\xED\x9F\xBF", S("c")},
    /* THREATS 48: names are octets and a length, nothing is expanded */
    {MK_SASL_PLAIN, S("%u\0%{x}\0%d"), MK_OK, "%u", "%{x}", S("%d")},
    {MK_SASL_PLAIN, S("\0' OR 1--\0x' OR 'x"), MK_OK, "", "' OR 1--", S("x' OR 'x")},
    {MK_SASL_PLAIN, S("\0*)(uid=*\0${x}"), MK_OK, "", "*)(uid=*", S("${x}")},
    /* CRAM-MD5 */
    {MK_SASL_CRAM_MD5, S("tim " HEX32), MK_OK, "", "tim", NONE},
    {MK_SASL_CRAM_MD5, S("tim tom " HEX32), MK_OK, "", "tim tom", NONE},
    {MK_SASL_CRAM_MD5, S(""), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_CRAM_MD5, S("tim"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_CRAM_MD5, S(HEX32), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_CRAM_MD5, S(" " HEX32), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_CRAM_MD5, S("tim" HEX32), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_CRAM_MD5, S("tim " HEX32 "0"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_CRAM_MD5, S("tim 0123456789abcdef0123456789ABCDE"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_CRAM_MD5, S("tim 0123456789abcdef0123456789ABCDEg"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_CRAM_MD5, S("t\nm " HEX32), MK_E_SYNTAX, "", "", NONE},
    /* XOAUTH2 */
    {MK_SASL_XOAUTH2, S("user=a\1auth=Bearer b\1\1"), MK_OK, "", "a", S("b")},
    {MK_SASL_XOAUTH2, S("user=a\1auth=bearer b\1\1"), MK_OK, "", "a", S("b")},
    {MK_SASL_XOAUTH2, S("user=a=b\1auth=Bearer b==\1\1"), MK_OK, "", "a=b", S("b==")},
    {MK_SASL_XOAUTH2, S(""), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_XOAUTH2, S("user=\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_XOAUTH2, S("auth=Bearer b\1user=a\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_XOAUTH2, S("user=a\1auth=Bearer b\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_XOAUTH2, S("user=a\1auth=Bearer b\1\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_XOAUTH2, S("user=a\1auth=Bearer b\1\1x"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_XOAUTH2, S("user=a\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_XOAUTH2, S("user=a\1auth=Bearer b\1auth=Bearer c\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_XOAUTH2, S("user=a\1auth=\1auth=Bearer c\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_XOAUTH2, S("user=a\1auth=Bearer \0b\1\1"), MK_E_SYNTAX, "", "", NONE},
    /* OAUTHBEARER */
    {MK_SASL_OAUTHBEARER, S("n,a=a,\1auth=Bearer b\1\1"), MK_OK, "", "a", S("b")},
    {MK_SASL_OAUTHBEARER, S("y,,\1auth=Bearer b\1\1"), MK_OK, "", "", S("b")},
    {MK_SASL_OAUTHBEARER, S("n,a==2C=3D,\1host=h\1port=1\1x=\1auth=Bearer b\1\1"), MK_OK, "", ",=", S("b")},
    {MK_SASL_OAUTHBEARER, S("p=x,,\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n,\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n,,auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n,a=,\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n,b=x,\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n,a==2c,\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n,,\1=x\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n,,\1x\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n,,\1x1=2\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n,,\1x=\x80\1auth=Bearer b\1\1"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("n"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_OAUTHBEARER, S("\1"), MK_E_SYNTAX, "", "", NONE},
    /* EXTERNAL, ANONYMOUS */
    {MK_SASL_EXTERNAL, S(""), MK_OK, "", "", NONE},
    {MK_SASL_EXTERNAL, S("fred"), MK_OK, "fred", "", NONE},
    {MK_SASL_EXTERNAL, S("fr\0d"), MK_E_SYNTAX, "", "", NONE},
    {MK_SASL_ANONYMOUS, S(""), MK_OK, "", "", NONE},
    {MK_SASL_ANONYMOUS, S("a@b"), MK_OK, "", "a@b", NONE},
    {MK_SASL_ANONYMOUS, S("a\r\nb"), MK_E_SYNTAX, "", "", NONE},
};
/* clang-format on */

/* The message as it stands on a line, in parts of `cut` octets. */
static mk_sasl_state hear(mk_sasl *s, mk_str message, size_t cut)
{
    char line[8192];
    mk_buf base64;
    unsigned works = 0;
    size_t at;

    mk_buf_init(&base64, line, sizeof line);
    assert_int_equal(mk_base64_format(message, &base64), MK_OK);
    for (at = 0; at < base64.len; at += cut < base64.len ? cut : base64.len) {
        mk_sasl_hear(s, mk_str_sub(mk_buf_str(&base64), at, cut));
    }
    mk_err err = mk_sasl_heard(s);
    assert_true(err == MK_OK || err == MK_E_LIMIT);
    return rig_move(s, &works);
}

static void check_row(const row *w, size_t cut)
{
    rig *r = rig_new();
    const mk_sasl_ask *ask;
    mk_sasl_state got;
    char *exact = malloc(w->message.len + 1);
    unsigned works = 0;

    assert_non_null(exact);
    memcpy(exact, w->message.ptr, w->message.len);
    assert_int_equal(rig_open_server(r, w->mechanism), MK_OK);
    if (rig_move(r->server, &works) == MK_SASL_SEND) {
        assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
    }
    mk_str message = mk_str_of(exact, w->message.len);
    got =
        cut == 0 ? rig_give(r->server, message) : hear(r->server, message, cut);
    free(exact);
    assert_int_equal(got, w->want == MK_OK ? MK_SASL_ASK : MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->server), w->want);
    ask = mk_sasl_question(r->server);
    if (w->want == MK_OK) {
        assert_true(mk_str_is(ask->authcid, mk_str_z(w->authcid)));
        assert_true(mk_str_is(ask->authzid, mk_str_z(w->authzid)));
        assert_true(mk_str_is(ask->secret, w->secret));
    } else {
        assert_null(ask);
    }
    rig_free(r);
}

static void check_rows(uint32_t mechanisms)
{
    static const size_t cuts[] = {0, 1, 3, 4, SIZE_MAX};
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        if ((rows[i].mechanism & mechanisms) != 0) {
            for (size_t c = 0; c < COUNT(cuts); c++) {
                check_row(&rows[i], cuts[c]);
            }
        }
    }
}

static void sec_043_fields_of_plain(void **state)
{
    (void)state;
    check_rows(MK_SASL_PLAIN);
}

static void sec_048_names_are_octets(void **state)
{
    (void)state;
    check_rows(MK_SASL_ALL & ~MK_SASL_PLAIN);
}

/* A token that is none asks what the error says (RFC 7628 4.3). */
static void no_bearer_token(void **state)
{
    static const mk_str messages[] = {
        S("n,,\1auth=\1\1"), S("n,,\1auth=Basic eDp5\1\1"),
        S("n,,\1auth=Bearer \1\1"), S("n,,\1auth=Bearer a b\1\1")};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(messages); i++) {
        rig *r = rig_new();

        r->server_config.oauth_scope = Z("a\"b\\c\n");
        assert_int_equal(rig_open_server(r, MK_SASL_OAUTHBEARER), MK_OK);
        assert_int_equal(rig_give(r->server, messages[i]), MK_SASL_SEND);
        assert_true(mk_str_is(mk_sasl_message(r->server),
                              Z("{\"status\":\"invalid_token\",\"scope\":"
                                "\"a\\\"b\\\\c\\u000A\"}")));
        assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
        assert_int_equal(rig_give(r->server, Z("")), MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->server), MK_E_AUTH);
        rig_free(r);
    }
}

static void login_takes_two(void **state)
{
    static const struct {
        mk_str name, password;
        mk_err want;
    } pairs[] = {
        {S("a"), S("b"), MK_OK},         {S(""), S("b"), MK_E_SYNTAX},
        {S("a\0"), S("b"), MK_E_SYNTAX}, {S("a"), S(""), MK_E_SYNTAX},
        {S("a"), S("b\0"), MK_E_SYNTAX}, {S("\xFF"), S("b"), MK_E_SYNTAX},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(pairs); i++) {
        rig *r = rig_new();
        mk_sasl_state got;

        assert_int_equal(rig_open_server(r, MK_SASL_LOGIN), MK_OK);
        got = rig_give(r->server, pairs[i].name);
        if (got == MK_SASL_SEND) {
            assert_int_equal(mk_sasl_next(r->server), MK_SASL_TAKE);
            got = rig_give(r->server, pairs[i].password);
        }
        assert_int_equal(got,
                         pairs[i].want == MK_OK ? MK_SASL_ASK : MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->server), pairs[i].want);
        rig_free(r);
    }
}

/* Lengths, at the border and beyond it. */
static void sec_042_lengths(void **state)
{
    static const mk_sasl_mechanism all[] = ALL_MECHANISMS;
    char *big = malloc(13312);
    size_t i;

    (void)state;
    assert_non_null(big);
    memset(big, 'A', 13312);
    for (i = 0; i < COUNT(all); i++) {
        rig *r = rig_new();
        unsigned works = 0;

        assert_int_equal(rig_open_server(r, all[i]), MK_OK);
        (void)rig_move(r->server, &works);
        (void)mk_sasl_next(r->server);
        assert_int_equal(rig_give(r->server, mk_str_of(big, 13312)),
                         MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->server), MK_E_LIMIT);
        assert_int_equal(rig_open_server(r, all[i]), MK_OK);
        (void)rig_move(r->server, &works);
        (void)mk_sasl_next(r->server);
        assert_int_equal(rig_give(r->server, mk_str_of(big, 1025)),
                         MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->server), MK_E_LIMIT);
        rig_free(r);
    }
    free(big);
}

static void sec_042_lengths_of_fields(void **state)
{
    char message[600] = {0};
    size_t n;

    (void)state;
    for (n = 254; n < 258; n++) {
        rig *r = rig_new();

        memset(message + 1, 'a', n);
        message[n + 1] = 0;
        message[n + 2] = 'p';
        assert_int_equal(rig_open_server(r, MK_SASL_PLAIN), MK_OK);
        assert_int_equal(rig_give(r->server, mk_str_of(message, n + 3)),
                         n <= 255 ? MK_SASL_ASK : MK_SASL_FAILED);
        memset(message, 0, sizeof message);
        message[1] = 'a';
        memset(message + 3, 'p', n);
        assert_int_equal(rig_open_server(r, MK_SASL_PLAIN), MK_OK);
        assert_int_equal(rig_give(r->server, mk_str_of(message, n + 3)),
                         n <= 255 ? MK_SASL_ASK : MK_SASL_FAILED);
        if (n > 255) {
            assert_int_equal(mk_sasl_why(r->server), MK_E_LIMIT);
        }
        rig_free(r);
    }
}

/* A token as long as the largest block allows, and one octet more. */
static void sec_042_the_longest_token(void **state)
{
    enum { FRAME = 21, MAX = MK_SASL_MESSAGE_MAX - FRAME };
    char *token = malloc(MAX + 1);
    size_t n = mk_sasl_need(MK_SASL_MESSAGE_MAX);
    void *mem[2] = {malloc(n), malloc(n)};
    rig *r = rig_new();
    mk_sasl *client = NULL, *server = NULL;

    (void)state;
    assert_non_null(token);
    memset(token, 't', MAX + 1);
    r->client_config.authcid = Z("u");
    r->client_config.token = mk_str_of(token, MAX);
    assert_int_equal(mk_sasl_client_open(&r->client_config, MK_SASL_XOAUTH2,
                                         MK_SASL_ALL, &r->tls, mem[0], n,
                                         &client),
                     MK_OK);
    assert_int_equal(mk_sasl_server_open(&r->server_config, MK_SASL_XOAUTH2,
                                         &r->tls, mem[1], n, &server),
                     MK_OK);
    assert_int_equal(mk_sasl_next(client), MK_SASL_SEND);
    assert_int_equal(mk_sasl_message(client).len, MK_SASL_MESSAGE_MAX);
    assert_int_equal(rig_give(server, mk_sasl_message(client)), MK_SASL_ASK);
    assert_true(
        mk_str_is(mk_sasl_question(server)->secret, r->client_config.token));
    r->client_config.token.len++;
    assert_int_equal(mk_sasl_client_open(&r->client_config, MK_SASL_XOAUTH2,
                                         MK_SASL_ALL, &r->tls, mem[0], n,
                                         &client),
                     MK_E_LIMIT);
    mk_sasl_close(server);
    free(mem[0]);
    free(mem[1]);
    free(token);
    rig_free(r);
}

/* The server wants more of a client that has said all. */
static void sec_044_one_challenge_too_many(void **state)
{
    static const mk_sasl_mechanism ones[] = {MK_SASL_PLAIN, MK_SASL_EXTERNAL,
                                             MK_SASL_ANONYMOUS};
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(ones); i++) {
        rig *r = rig_new();

        assert_int_equal(rig_open_client(r, ones[i]), MK_OK);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_SEND);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_DONE);
        assert_int_equal(rig_give(r->client, Z("more")), MK_SASL_FAILED);
        assert_int_equal(mk_sasl_why(r->client), MK_E_PROTOCOL);
        assert_int_equal(mk_sasl_take(r->client, Z("more")), MK_E_STATE);
        rig_free(r);
    }
}

static void sec_044_a_third_prompt(void **state)
{
    rig *r = rig_new();

    (void)state;
    assert_int_equal(rig_open_client(r, MK_SASL_LOGIN), MK_OK);
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->client, Z("Password:")), MK_SASL_SEND);
    assert_true(mk_str_is(mk_sasl_message(r->client), Z("user")));
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_TAKE);
    assert_int_equal(rig_give(r->client, Z("")), MK_SASL_SEND);
    assert_true(mk_str_is(mk_sasl_message(r->client), Z("pencil")));
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_DONE);
    assert_int_equal(rig_give(r->client, Z("")), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->client), MK_E_PROTOCOL);
    assert_int_equal(rig_open_client(r, MK_SASL_CRAM_MD5), MK_OK);
    assert_int_equal(rig_give(r->client, Z("")), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->client), MK_E_SYNTAX);
    rig_free(r);
}

/* What is no base64, or more than there is room for, fails the exchange; a
 * message of which nothing was heard is an empty one. */
static void sec_042_heard_in_base64(void **state)
{
    static const char *const wrong[] = {
        "=", "A", "AA", "AAA", "AA=A", "AAAA=", "AB==", "A A=", "AAAA\n", "*",
    };

    (void)state;
    for (size_t i = 0; i <= COUNT(wrong); i++) {
        rig *r = rig_new();
        assert_int_equal(rig_open_server(r, MK_SASL_EXTERNAL), MK_OK);
        if (i < COUNT(wrong)) {
            mk_sasl_hear(r->server, mk_str_z(wrong[i]));
            assert_int_equal(mk_sasl_heard(r->server), MK_E_SYNTAX);
            assert_int_equal(mk_sasl_why(r->server), MK_E_SYNTAX);
        } else {
            assert_int_equal(mk_sasl_heard(r->server), MK_OK);
            assert_int_equal(mk_sasl_next(r->server), MK_SASL_ASK);
        }
        rig_free(r);
    }
    rig *r = rig_new();
    assert_int_equal(rig_open_server(r, MK_SASL_PLAIN), MK_OK);
    for (size_t i = 0; i < 1000; i++) { /* the rig's rooms are small */
        mk_sasl_hear(r->server, mk_str_z("AAAA"));
    }
    assert_int_equal(mk_sasl_heard(r->server), MK_E_LIMIT);
    assert_int_equal(mk_sasl_why(r->server), MK_E_LIMIT);
    rig_free(r);
}

/* ---- a client's lines ---------------------------------------------------- */

/* What the client's next line holds, through rooms of `room` octets. */
static void say_line(mk_sasl *s, size_t room, mk_buf *line)
{
    bool is_all = false;
    char piece[64];
    mk_buf b;

    while (!is_all) {
        mk_buf_init(&b, piece, room);
        is_all = mk_sasl_say(s, &b);
        assert_false(b.full);
        assert_true(is_all || b.len + 4 > room);
        assert_int_equal(mk_buf_add(line, mk_buf_str(&b)), MK_OK);
    }
}

/* One line, or an answer; false: nothing moves any more. */
static bool exchange_line(rig *r, size_t cut)
{
    char octets[8192];
    mk_buf line;
    unsigned works = 0;

    mk_buf_init(&line, octets, sizeof octets);
    if (r->server_state == MK_SASL_ASK) {
        assert_int_equal(rig_answer(r), MK_OK);
        r->server_state = rig_move(r->server, &works);
    } else if (r->client_state == MK_SASL_SEND &&
               r->server_state == MK_SASL_TAKE) {
        say_line(r->client, cut + 3, &line);
        r->client_state = rig_move(r->client, &works);
        mk_sasl_hear(r->server, mk_buf_str(&line));
        assert_int_equal(mk_sasl_heard(r->server), MK_OK);
        r->server_state = rig_move(r->server, &works);
    } else if (r->server_state == MK_SASL_SEND &&
               r->client_state == MK_SASL_TAKE) {
        r->client_state = hear(r->client, mk_sasl_message(r->server), cut);
        r->server_state = rig_move(r->server, &works);
    } else {
        return false;
    }
    return true;
}

static void test_all_by_lines(void **state)
{
    static const mk_sasl_mechanism all[] = ALL_MECHANISMS;
    unsigned works = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        for (size_t cut = 1; cut < 60; cut += 29) {
            rig *r = rig_new();
            assert_int_equal(rig_open_server(r, all[i]), MK_OK);
            assert_int_equal(rig_open_client(r, all[i]), MK_OK);
            r->client_state = rig_move(r->client, &works);
            r->server_state = rig_move(r->server, &works);
            while (exchange_line(r, cut)) {
            }
            assert_int_equal(r->client_state, MK_SASL_DONE);
            assert_int_equal(r->server_state, MK_SASL_DONE);
            rig_free(r);
        }
    }
}

/* An empty challenge asks for the initial response; another one is out of its
 * turn, and the line that follows calls it off. */
static void sec_044_challenge_before_the_response(void **state)
{
    char octets[8];
    mk_buf line;
    rig *r = rig_new();

    (void)state;
    assert_int_equal(rig_open_client(r, MK_SASL_PLAIN), MK_OK);
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_SEND);
    assert_int_equal(mk_sasl_heard(r->client), MK_OK);
    assert_true(mk_str_is(mk_sasl_message(r->client), Z("\0user\0pencil")));
    mk_sasl_hear(r->client, Z("AAAA"));
    assert_int_equal(mk_sasl_heard(r->client), MK_E_PROTOCOL);
    assert_int_equal(mk_sasl_next(r->client), MK_SASL_FAILED);
    assert_int_equal(mk_sasl_why(r->client), MK_E_PROTOCOL);
    mk_buf_init(&line, octets, sizeof octets);
    assert_true(mk_sasl_say(r->client, &line));
    assert_true(mk_str_is(mk_buf_str(&line), Z("*")));
    rig_free(r);
}

/* A challenge that fills what is left, behind the longest names. */
static void sec_042_the_longest_challenge(void **state)
{
    static char name[MK_SASL_NAME_MAX + 1];
    static char message[RIG_MESSAGE_MAX];
    bool was_taken = false;

    (void)state;
    memset(name, 'n', MK_SASL_NAME_MAX);
    for (size_t pad = 1; pad < 1400; pad += 9) {
        rig *r = rig_new();
        mk_sasl_state end;
        r->client_config.authcid = mk_str_z(name);
        assert_int_equal(rig_open_client(r, MK_SASL_SCRAM_SHA_256), MK_OK);
        assert_int_equal(mk_sasl_next(r->client), MK_SASL_SEND);
        mk_str first = mk_sasl_message(r->client);
        size_t at = first.len - 24;
        int n = snprintf(message, sizeof message, "r=%.24s%0*d,s=AAAA,i=4096",
                         first.ptr + at, (int)pad, 0);
        (void)mk_sasl_next(r->client);
        end = hear(r->client, mk_str_of(message, (size_t)n), 50);
        assert_true(end == MK_SASL_SEND ||
                    mk_sasl_why(r->client) == MK_E_LIMIT);
        was_taken = was_taken || end == MK_SASL_SEND;
        assert_true(end == MK_SASL_SEND || pad > 200);
        rig_free(r);
    }
    assert_true(was_taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_042_lengths),
        cmocka_unit_test(sec_042_lengths_of_fields),
        cmocka_unit_test(sec_042_the_longest_token),
        cmocka_unit_test(sec_042_heard_in_base64),
        cmocka_unit_test(sec_042_the_longest_challenge),
        cmocka_unit_test(sec_043_fields_of_plain),
        cmocka_unit_test(sec_044_one_challenge_too_many),
        cmocka_unit_test(sec_044_a_third_prompt),
        cmocka_unit_test(sec_044_challenge_before_the_response),
        cmocka_unit_test(sec_048_names_are_octets),
        cmocka_unit_test(no_bearer_token),
        cmocka_unit_test(login_takes_two),
        cmocka_unit_test(test_all_by_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
