/* SPDX-License-Identifier: MIT
 *
 * test_users_login.c: logins judged by a users file: who is who, what fits
 * which mechanism, passwords on workers that outlive whoever asked, and that
 * neither answers, nor work, nor memory given back tell anything about users
 * and secrets. THREATS 48, 50, 51.
 */
#include "login_rig.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static house h;
static login_rig rig;

/* ---- a filling that counts ------------------------------------------------
 */

static unsigned updates, finishes;

static mk_err counted_update(mk_hash_context *c, const void *ptr, size_t n)
{
    updates++;
    return mk_crypto_mbedtls()->hash_update(c, ptr, n);
}

static mk_err counted_finish(mk_hash_context *c, unsigned char *out_value)
{
    finishes++;
    return mk_crypto_mbedtls()->hash_finish(c, out_value);
}

static const mk_crypto *counting(void)
{
    static mk_crypto table;
    table = *mk_crypto_mbedtls();
    table.hash_update = counted_update;
    table.hash_finish = counted_finish;
    return &table;
}

/* ---- memory that is looked at when it is given back -----------------------
 */

static bool holds(const void *mem, size_t n, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= n; i++) {
        if (memcmp((const char *)mem + i, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static void *watch_get(void *self, size_t n)
{
    (void)self;
    return malloc(n);
}

static void watch_put(void *self, void *ptr, size_t n)
{
    (void)self;
    assert_false(ptr != NULL && holds(ptr, n, "xyzzy"));
    free(ptr);
}

static const mk_alloc watching = {NULL, watch_get, watch_put};

/* ---- a house --------------------------------------------------------------
 */

static house_plan plan_of(void)
{
    house_plan plan = {.wrap = login_rig_wrap,
                       .wrap_self = &rig,
                       .has_login = true,
                       .crypto = counting()};
    memset(&rig, 0, sizeof rig);
    return plan;
}

static void open_plan(const house_plan *plan)
{
    house_open(&h, plan);
    house_greet(&h);
}

static mk_sasl_ask question(mk_sasl_ask_kind kind, mk_sasl_mechanism mechanism,
                            const char *authcid, const char *authzid,
                            const char *secret)
{
    bool is_sha_1 = mechanism == MK_SASL_SCRAM_SHA_1;
    mk_sasl_ask q = {.kind = kind,
                     .mechanism = mechanism,
                     .authcid = mk_str_z(authcid),
                     .authzid = mk_str_z(authzid),
                     .secret = mk_str_z(secret),
                     .hash = is_sha_1 ? MK_HASH_SHA1 : MK_HASH_SHA256};
    if (mechanism == MK_SASL_CRAM_MD5) {
        q.hash = MK_HASH_MD5;
    }
    return q;
}

static void ask_password(const char *authcid, const char *authzid,
                         const char *secret)
{
    mk_sasl_ask q =
        question(MK_SASL_ASK_PASSWORD, MK_SASL_PLAIN, authcid, authzid, secret);
    login_rig_ask(&h.conn, &rig, &q);
}

static void ask_keys(mk_sasl_mechanism mechanism, const char *authcid,
                     const char *authzid)
{
    mk_sasl_ask q = question(MK_SASL_ASK_KEYS, mechanism, authcid, authzid, "");
    login_rig_ask(&h.conn, &rig, &q);
}

static void assert_login(const char *want)
{
    if (!mk_str_is(mk_session_login(h.conn.session), mk_str_z(want))) {
        fail_msg("not known as '%s'", want);
    }
}

/* ---- keys -----------------------------------------------------------------
 */

static const struct {
    const char *authcid, *authzid;
    mk_sasl_mechanism mechanism;
    const char *login; /* NULL: refused */
    const char *password;
    size_t key_bytes;
} keys_rows[] = {
    {"ann", "", MK_SASL_SCRAM_SHA_256, "ann@mx.example", "secret", 0},
    {"ANN", "", MK_SASL_SCRAM_SHA_1, "ann@mx.example", "secret", 0},
    {"Ann@MX.example", "", MK_SASL_CRAM_MD5, "ann@mx.example", "secret", 0},
    {"bob@other.example", "", MK_SASL_PLAIN, "bob@other.example", "secret", 0},
    {"carl", "", MK_SASL_SCRAM_SHA_256, "carl@mx.example", "", 32},
    {"carl", "", MK_SASL_SCRAM_SHA_256_PLUS, "carl@mx.example", "", 32},
    {"carl", "", MK_SASL_PLAIN, "carl@mx.example", "", 32},
    {"carl", "", MK_SASL_LOGIN, "carl@mx.example", "", 32},
    {"Dave@other.example", "", MK_SASL_SCRAM_SHA_1, "dave@other.example", "",
     20},
    {"dave@other.example", "", MK_SASL_PLAIN, "dave@other.example", "", 20},
    {"ann", "ann", MK_SASL_SCRAM_SHA_256, "ann@mx.example", "secret", 0},
    {"ann", "ANN@mx.EXAMPLE", MK_SASL_PLAIN, "ann@mx.example", "secret", 0},
    /* all of these are the same to the peer */
    {"bob", "", MK_SASL_SCRAM_SHA_256, NULL, "", 0},
    {"nobody", "", MK_SASL_SCRAM_SHA_256, NULL, "", 0},
    {"ann@other.example", "", MK_SASL_SCRAM_SHA_256, NULL, "", 0},
    {"ann@", "", MK_SASL_SCRAM_SHA_256, NULL, "", 0},
    {"ann@mx.example@mx.example", "", MK_SASL_SCRAM_SHA_256, NULL, "", 0},
    {"ann ", "", MK_SASL_SCRAM_SHA_256, NULL, "", 0},
    {"", "", MK_SASL_PLAIN, NULL, "", 0},
    {"carl", "", MK_SASL_SCRAM_SHA_1, NULL, "", 0},
    {"carl", "", MK_SASL_CRAM_MD5, NULL, "", 0},
    {"dave@other.example", "", MK_SASL_SCRAM_SHA_256, NULL, "", 0},
    {"dave@other.example", "", MK_SASL_CRAM_MD5, NULL, "", 0},
    {"ann", "carl", MK_SASL_SCRAM_SHA_256, NULL, "", 0},
    {"ann", "nobody", MK_SASL_PLAIN, NULL, "", 0},
    {"nobody", "ann", MK_SASL_PLAIN, NULL, "", 0},
};

static void sec_050_keys_and_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof keys_rows / sizeof keys_rows[0]; i++) {
        const bool is_good = keys_rows[i].login != NULL;
        house_plan plan = plan_of();
        open_plan(&plan);
        ask_keys(keys_rows[i].mechanism, keys_rows[i].authcid,
                 keys_rows[i].authzid);
        assert_int_equal(rig.answers, 1);
        assert_int_equal(rig.laters, 0);
        assert_int_equal(rig.has_keys, is_good);
        if (rig.answer != (is_good ? MK_ANSWER_YES : MK_ANSWER_NO)) {
            fail_msg("row %zu: answer %d", i, (int)rig.answer);
        }
        if (is_good) {
            assert_string_equal(rig.password, keys_rows[i].password);
            assert_int_equal(rig.keys.stored_key.len, keys_rows[i].key_bytes);
            assert_int_equal(rig.keys.server_key.len, keys_rows[i].key_bytes);
            assert_int_equal(rig.keys.salt.len,
                             keys_rows[i].key_bytes > 0 ? 16 : 0);
            assert_int_equal(rig.keys.iterations,
                             keys_rows[i].key_bytes > 0 ? 4096 : 0);
        }
        login_rig_end(&h.conn, is_good ? MK_OK : MK_E_AUTH,
                      keys_rows[i].authcid, keys_rows[i].mechanism);
        assert_login(is_good ? keys_rows[i].login : "");
        assert_null(strstr(text_c(&h.log), "secret"));
        house_close(&h);
    }
}

/* The stored keys are those of the password, byte for byte. */
static void keys_are_those_of_the_file(void **state)
{
    unsigned char stored[32], server[32];
    house_plan plan = plan_of();
    (void)state;
    open_plan(&plan);
    ask_keys(MK_SASL_SCRAM_SHA_256, "carl", "");
    assert_int_equal(mk_sasl_keys_make(mk_crypto_mbedtls(), MK_HASH_SHA256,
                                       mk_str_z("secret"), rig.keys.salt,
                                       rig.keys.iterations, stored, server),
                     MK_OK);
    assert_memory_equal(rig.keys.stored_key.ptr, stored, 32);
    assert_memory_equal(rig.keys.server_key.ptr, server, 32);
    house_close(&h);
}

/* What the settings do not take (a password, with is_keys_only) is refused
 * like all else, not left waiting. */
static void keys_that_are_not_taken(void **state)
{
    house_plan plan = plan_of();
    (void)state;
    open_plan(&plan);
    rig.answer_err = MK_E_ARG;
    ask_keys(MK_SASL_SCRAM_SHA_256, "ann", "");
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.answer, MK_ANSWER_NO);
    house_close(&h);
}

static void other_kinds_are_refused(void **state)
{
    static const mk_sasl_ask_kind kinds[] = {MK_SASL_ASK_EXTERNAL,
                                             MK_SASL_ASK_ANONYMOUS};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        house_plan plan = plan_of();
        open_plan(&plan);
        mk_sasl_ask q =
            question(kinds[i], MK_SASL_EXTERNAL, "ann", "", "secret");
        login_rig_ask(&h.conn, &rig, &q);
        assert_int_equal(rig.answers, 1);
        assert_int_equal(rig.answer, MK_ANSWER_NO);
        house_close(&h);
    }
}

/* ---- tokens ---------------------------------------------------------------
 */

static const struct {
    const char *authcid, *authzid, *token, *login;
} token_rows[] = {
    {"eve", "", "t0ken", "eve@mx.example"},
    {"EVE@mx.example", "eve", "t0ken", "eve@mx.example"},
    {"eve", "", "t0keN", NULL},
    {"eve", "", "t0ke", NULL},
    {"eve", "", "t0ken1", NULL},
    {"eve", "", "", NULL},
    {"", "", "t0ken", NULL},
    {"eve", "ann", "t0ken", NULL},
    {"ann", "eve", "t0ken", NULL},
    {"nobody", "", "t0ken", NULL},
    /* a password is no token, whatever its user */
    {"ann", "", "secret", NULL},
};

static void sec_050_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof token_rows / sizeof token_rows[0]; i++) {
        const char *login = token_rows[i].login;
        house_plan plan = plan_of();
        plan.users = "ann:{PLAIN}secret\neve:{BEARER}t0ken\n";
        open_plan(&plan);
        mk_sasl_ask q = question(MK_SASL_ASK_TOKEN, MK_SASL_OAUTHBEARER,
                                 token_rows[i].authcid, token_rows[i].authzid,
                                 token_rows[i].token);
        finishes = 0;
        login_rig_ask(&h.conn, &rig, &q);
        assert_int_equal(rig.answers, 1);
        if (rig.answer != (login != NULL ? MK_ANSWER_YES : MK_ANSWER_NO)) {
            fail_msg("row %zu: answer %d", i, (int)rig.answer);
        }
        assert_int_equal(finishes, 2); /* the same work for all */
        login_rig_end(&h.conn, login != NULL ? MK_OK : MK_E_AUTH,
                      token_rows[i].authcid, MK_SASL_OAUTHBEARER);
        assert_login(login != NULL ? login : "");
        assert_null(strstr(text_c(&h.log), "t0ken"));
        house_close(&h);
    }
}

/* Nor is a token a password. */
static void tokens_log_in_by_nothing_else(void **state)
{
    static const mk_sasl_mechanism mechanisms[] = {
        MK_SASL_PLAIN, MK_SASL_LOGIN, MK_SASL_CRAM_MD5, MK_SASL_SCRAM_SHA_1,
        MK_SASL_SCRAM_SHA_256};
    (void)state;
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        house_plan plan = plan_of();
        plan.users = "eve:{BEARER}t0ken\n";
        open_plan(&plan);
        ask_keys(mechanisms[i], "eve", "");
        assert_int_equal(rig.answer, MK_ANSWER_NO);
        ask_password("eve", "", "t0ken");
        fake_host_jobs(&h.host);
        assert_int_equal(rig.answer, MK_ANSWER_NO);
        house_close(&h);
    }
}

/* ---- passwords ------------------------------------------------------------
 */

#define LONG_50 "12345678901234567890123456789012345678901234567890"
#define LONG_255 LONG_50 LONG_50 LONG_50 LONG_50 LONG_50 "12345"

static const char odd_users[] = "blank:{PLAIN}secret  \n"
                                "colon:{PLAIN}a:b:c\n"
                                "format:{PLAIN}x:maildir:maildir\r\n"
                                "hash:{PLAIN}#x\n"
                                "long:{PLAIN}" LONG_255 "\n"
                                "utf:{PLAIN}p\xc3\xa4ss\n";

static const struct {
    const char *users, *authcid, *secret, *login;
} password_rows[] = {
    {NULL, "ann", "secret", "ann@mx.example"},
    {NULL, "BOB@other.example", "secret", "bob@other.example"},
    {NULL, "carl", "secret", "carl@mx.example"},
    {NULL, "dave@other.example", "secret", "dave@other.example"},
    {NULL, "ann", "Secret", NULL},
    {NULL, "ann", "secre", NULL},
    {NULL, "ann", "secrets", NULL},
    {NULL, "ann", "s", NULL},
    {NULL, "carl", "secreT", NULL},
    {NULL, "dave@other.example", "secreT", NULL},
    {NULL, "bob", "secret", NULL},
    {NULL, "nobody", "secret", NULL},
    {odd_users, "blank", "secret  ", "blank@mx.example"},
    {odd_users, "blank", "secret", NULL},
    {odd_users, "colon", "a:b:c", "colon@mx.example"},
    {odd_users, "colon", "a:b", NULL},
    {odd_users, "format", "x:maildir", "format@mx.example"},
    {odd_users, "format", "x", NULL},
    {odd_users, "hash", "#x", "hash@mx.example"},
    {odd_users, "long", LONG_255, "long@mx.example"},
    {odd_users, "long", LONG_50, NULL},
    {odd_users, "utf", "p\xc3\xa4ss", "utf@mx.example"},
    {odd_users, "utf", "pass", NULL},
};

static void passwords_on_a_worker(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof password_rows / sizeof password_rows[0];
         i++) {
        const bool is_good = password_rows[i].login != NULL;
        house_plan plan = plan_of();
        plan.users = password_rows[i].users;
        open_plan(&plan);
        ask_password(password_rows[i].authcid, "", password_rows[i].secret);
        assert_int_equal(rig.answers, 0); /* the loop is not held up */
        assert_int_equal(rig.laters, 1);
        assert_int_equal(mk_users_login_count(h.login), 1);
        assert_int_equal(fake_host_jobs(&h.host), 1);
        assert_int_equal(mk_users_login_count(h.login), 0);
        assert_int_equal(rig.answers, 1);
        if (rig.answer != (is_good ? MK_ANSWER_YES : MK_ANSWER_NO)) {
            fail_msg("row %zu: answer %d", i, (int)rig.answer);
        }
        assert_false(rig.has_keys);
        assert_int_equal(h.host.wakes, 1);
        login_rig_end(&h.conn, is_good ? MK_OK : MK_E_AUTH,
                      password_rows[i].authcid, MK_SASL_PLAIN);
        assert_login(is_good ? password_rows[i].login : "");
        house_close(&h);
    }
}

/* Known or not, right or wrong, by password or by keys, as oneself or not: the
 * same number of hashes is made, and none of them on the loop. */
static void sec_050_the_same_work_for_all(void **state)
{
    static const struct {
        const char *authcid, *authzid, *secret;
    } rows[] = {
        {"ann", "", "secret"},     {"ann", "", "wrong"},
        {"ann", "", "s"},          {"ann", "", "secre"},
        {"nobody", "", "secret"},  {"' OR 1--", "", "secret"},
        {"carl", "", "secret"},    {"carl", "", "wrong"},
        {"ann", "carl", "secret"}, {"nobody", "ann", "secret"},
    };
    unsigned want_updates = 0;
    unsigned want_finishes = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        house_plan plan = plan_of();
        open_plan(&plan);
        updates = finishes = 0;
        ask_password(rows[i].authcid, rows[i].authzid, rows[i].secret);
        assert_int_equal(updates, 0);
        fake_host_jobs(&h.host);
        assert_true(finishes > 2 * 4096);
        if (i == 0) {
            want_updates = updates;
            want_finishes = finishes;
        }
        assert_int_equal(updates, want_updates);
        assert_int_equal(finishes, want_finishes);
        house_close(&h);
    }
}

/* The two lines of the log differ in nothing but the name. */
static void sec_050_the_same_record_for_all(void **state)
{
    static const char *const names[] = {"ann", "nob", "%{x"};
    char lines[3][512];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        house_plan plan = plan_of();
        open_plan(&plan);
        ask_password(names[i], "", "wrong");
        fake_host_jobs(&h.host);
        login_rig_end(&h.conn, MK_E_AUTH, names[i], MK_SASL_PLAIN);
        snprintf(lines[i], sizeof lines[i], "%s", text_c(&h.log));
        char *name = strstr(lines[i], names[i]);
        assert_non_null(name);
        memcpy(name, "xxx", 3);
        assert_string_equal(lines[i], lines[0]);
        house_close(&h);
    }
}

/* Names are octets for the table of users too. */
static void sec_048_names_find_nobody(void **state)
{
    static const mk_str names[] = {
        MK_STR_INIT("%{x}"),        MK_STR_INIT("' OR 1--"),
        MK_STR_INIT("*)(uid=*"),    MK_STR_INIT("ann\0"),
        MK_STR_INIT("\0ann"),       MK_STR_INIT("ann\n"),
        MK_STR_INIT("ann\x01"),     MK_STR_INIT("a*"),
        MK_STR_INIT("./ann"),       MK_STR_INIT("../mx.example/ann"),
        MK_STR_INIT("${run{id}}"),  MK_STR_INIT("ann:{PLAIN}secret"),
        MK_STR_INIT("@mx.example"), MK_STR_INIT("@"),
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof names / sizeof names[0]; i++) {
        mk_sasl_ask q = question(MK_SASL_ASK_KEYS, MK_SASL_PLAIN, "", "", "");
        house_plan plan = plan_of();
        q.authcid = names[i / 2];
        if (i % 2 == 0) {
            q.kind = MK_SASL_ASK_PASSWORD;
            q.secret = mk_str_z("secret");
        }
        open_plan(&plan);
        login_rig_ask(&h.conn, &rig, &q);
        fake_host_jobs(&h.host);
        assert_int_equal(rig.answers, 1);
        assert_true(rig.answer != MK_ANSWER_YES);
        house_close(&h);
    }
}

/* ---- workers and the end ---------------------------------------------------
 */

static void jobs_outlive_their_session(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        house_plan plan = plan_of();
        open_plan(&plan);
        ask_password("ann", "", "secret");
        if (how == 1) {
            assert_true(fake_host_work(&h.host)); /* in the middle of it */
        }
        if (how == 2) {
            login_rig_withdraw(&h.conn, &rig, MK_E_TIMEOUT);
        } else {
            fake_conn_fini(&h.conn);
        }
        assert_int_equal(mk_users_login_count(h.login), 1);
        assert_int_equal(mk_users_login_free(h.login), MK_E_BUSY);
        if (how == 3) {
            assert_int_equal(mk_inbound_free(h.inbound), MK_OK);
            h.inbound = NULL; /* the answer has nowhere to go at all */
        }
        assert_int_equal(fake_host_jobs(&h.host), 1);
        assert_int_equal(mk_users_login_count(h.login), 0);
        assert_int_equal(rig.answers, 0);
        house_close(&h);
    }
}

/* Peers that ask and go leave no more behind than jobs_max. */
static void sec_051_jobs_are_bounded(void **state)
{
    enum { JOBS = 5 };
    house_plan plan = plan_of();
    plan.login_jobs = JOBS;
    (void)state;
    open_plan(&plan);
    for (unsigned i = 0; i < 100; i++) {
        bool is_room = i < JOBS;
        rig.answers = 0;
        ask_password("ann", "", "wrong");
        assert_int_equal(rig.answers, is_room ? 0 : 1);
        if (is_room) {
            login_rig_withdraw(&h.conn, &rig, MK_E_CUT);
        } else {
            assert_int_equal(rig.answer, MK_ANSWER_LATER);
        }
        assert_int_equal(mk_users_login_count(h.login), is_room ? i + 1 : JOBS);
    }
    assert_int_equal(fake_host_jobs(&h.host), JOBS);
    rig.answers = 0;
    ask_password("ann", "", "secret");
    fake_host_jobs(&h.host);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.answer, MK_ANSWER_YES);
    house_close(&h);
}

static void no_worker_is_no_verdict(void **state)
{
    house_plan plan = plan_of();
    (void)state;
    open_plan(&plan);
    h.host.fail_submit_at = 1;
    ask_password("ann", "", "secret");
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.answer, MK_ANSWER_LATER);
    assert_int_equal(mk_users_login_count(h.login), 0);
    house_close(&h);
}

static mk_err broken_finish(mk_hash_context *c, unsigned char *out_value)
{
    (void)c;
    (void)out_value;
    return MK_E_CRYPTO;
}

/* A filling that fails is no wrong password. */
static void no_crypto_is_no_verdict(void **state)
{
    static mk_crypto broken;
    house_plan plan = plan_of();
    (void)state;
    broken = *mk_crypto_mbedtls();
    broken.hash_finish = broken_finish;
    plan.crypto = &broken;
    open_plan(&plan);
    ask_password("ann", "", "secret");
    fake_host_jobs(&h.host);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.answer, MK_ANSWER_LATER);
    house_close(&h);
}

static void each_allocation_fails(void **state)
{
    (void)state;
    for (unsigned at = 1;; at++) {
        house_plan plan = plan_of();
        if (house_try(&h, &plan, at) != MK_OK) {
            continue;
        }
        if (fake_conn_open(&h.conn, &h.host, &h.service) == MK_OK) {
            house_says(&h, "EHLO client.example\r\n");
            ask_password("ann", "", "secret");
            fake_host_jobs(&h.host);
            assert_int_equal(rig.answers, 1);
            bool is_good = rig.answer == MK_ANSWER_YES;
            assert_true(is_good || rig.answer == MK_ANSWER_LATER);
            login_rig_end(&h.conn, is_good ? MK_OK : MK_E_AGAIN, "ann",
                          MK_SASL_PLAIN);
            assert_login(is_good ? "ann@mx.example" : "");
        }
        bool over = h.a.calls < at;
        house_close(&h);
        if (over) {
            break;
        }
    }
}

static void settings_that_cannot_work(void **state)
{
    house_plan plan = plan_of();
    (void)state;
    house_open(&h, &plan);
    for (int i = 0; i < 8; i++) {
        mk_users_login_config c;
        mk_users_login *l = NULL;
        mk_sasl_server_config sasl = h.sasl;
        assert_int_equal(mk_users_login_config_init(&c, sizeof c - 1),
                         MK_E_ARG);
        assert_int_equal(mk_users_login_config_init(&c, sizeof c), MK_OK);
        c.host = i == 1 ? NULL : &h.host.host;
        c.alloc = i == 2 ? NULL : &h.a.alloc;
        c.users = i == 3 ? NULL : h.users;
        c.sasl = i == 4 ? NULL : &sasl;
        c.jobs_max = i == 5 ? 0 : 1;
        sasl.pepper.len = i == 6 ? 15 : 16;
        sasl.crypto = i == 7 ? NULL : sasl.crypto;
        assert_int_equal(mk_users_login_new(&c, &l), i == 0 ? MK_OK : MK_E_ARG);
        assert_int_equal(mk_users_login_free(l), MK_OK);
    }
    house_close(&h);
}

/* ---- secrets ---------------------------------------------------------------
 */

static const mk_str own[] = {MK_STR_INIT("mx.example")};

static void secrets_are_wiped(void **state)
{
    static const char *const files[] = {
        "ann:{PLAIN}xyzzy\n",
        "ann:{PLAIN}xyzzy\nbob:{NONE}x\n", /* refused half-way */
        "ann:{PLAIN}xyzzy\nann:{PLAIN}xyzzy\n",
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        mk_users *users = NULL;
        mk_users_fault fault;
        mk_err err = mk_users_parse(&watching, mk_str_z(files[i]), own, 1,
                                    &users, &fault);
        assert_int_equal(err == MK_OK, i == 0);
        assert_null(strstr(fault.text, "xyzzy"));
        mk_users_free(users);
    }
}

static void passwords_of_jobs_are_wiped(void **state)
{
    static const char *const tries[] = {"xyzzy", "xyzzy!", "xyzz"};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        fake_host host;
        mk_users *users;
        mk_users_fault fault;
        mk_users_login_config c;
        mk_users_login *l;
        mk_authenticator a;
        mk_sasl_server_config sasl;
        mk_ask nobody = {NULL, 0};
        mk_sasl_ask q = question(MK_SASL_ASK_PASSWORD, MK_SASL_PLAIN, "ann", "",
                                 tries[i % 3]);
        fake_host_init(&host);
        assert_int_equal(mk_users_parse(&watching, mk_str_z("ann:{PLAIN}xyzzy"),
                                        own, 1, &users, &fault),
                         MK_OK);
        mk_sasl_server_config_init(&sasl, sizeof sasl);
        sasl.crypto = mk_crypto_mbedtls();
        sasl.pepper = mk_str_z("sixteen octets..");
        mk_users_login_config_init(&c, sizeof c);
        c.host = &host.host;
        c.alloc = &watching;
        c.users = users;
        c.sasl = &sasl;
        assert_int_equal(mk_users_login_new(&c, &l), MK_OK);
        mk_users_login_authenticator(l, &a);
        host.fail_submit_at = i >= 3 ? 1 : 0;
        a.check(a.self, &q, nobody);
        fake_host_jobs(&host);
        assert_int_equal(mk_users_login_free(l), MK_OK);
        mk_users_free(users);
    }
}

static void pepper_of(const char *file, const char *key, unsigned char *out)
{
    mk_users *users;
    mk_users_fault fault;
    assert_int_equal(
        mk_users_parse(mk_alloc_libc(), mk_str_z(file), own, 1, &users, &fault),
        MK_OK);
    assert_int_equal(mk_users_pepper(users, counting(), mk_str_z(key), out),
                     MK_OK);
    mk_users_free(users);
}

static void peppers(void **state)
{
    static const char *const rows[][2] = {
        {"ann:{PLAIN}x\nbob:{PLAIN}y\n", ""},
        {"ann:{PLAIN}x\nbob:{PLAIN}z\n", ""},
        {"ann:{PLAIN}x\nbo:{PLAIN}y\n", ""},
        {"ann:{PLAIN}xy\nbob:{PLAIN}y\n", ""},
        {"ann:{PLAIN}x\n", ""},
        {"", ""},
        {"ann:{PLAIN}x\nbob:{PLAIN}y\n", "key"},
        {"ann:{PLAIN}x\nbob:{PLAIN}y\n", "kex"},
        {"", "key"},
        /* parts that run into each other, whichever user comes first */
        {"a:{PLAIN}x\nb:{PLAIN}y\n", ""},
        {"a:{PLAIN}xbmx.exampley\n", ""},
        {"b:{PLAIN}yamx.examplex\n", ""},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    unsigned char made[ROWS][32];
    unsigned char again[32];
    (void)state;
    finishes = 0;
    for (size_t i = 0; i < ROWS; i++) {
        pepper_of(rows[i][0], rows[i][1], made[i]);
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(made[i], made[k], 32);
        }
    }
    pepper_of("# a comment\nANN:{plain}x\r\nbob@MX.example:{PLAIN}y:maildir",
              "key", again);
    assert_memory_equal(again, made[6], 32);
    assert_true(finishes > ROWS * 100000u); /* a guess has its price */
}

static void a_pepper_that_fails(void **state)
{
    mk_crypto broken = *mk_crypto_mbedtls();
    unsigned char out[32] = {7};
    house_plan plan = plan_of();
    (void)state;
    broken.hash_finish = broken_finish;
    house_open(&h, &plan);
    assert_int_equal(mk_users_pepper(h.users, &broken, mk_str_z("key"), out),
                     MK_E_CRYPTO);
    assert_int_equal(out[0], 7);
    house_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_050_keys_and_refusals),
        cmocka_unit_test(keys_are_those_of_the_file),
        cmocka_unit_test(keys_that_are_not_taken),
        cmocka_unit_test(other_kinds_are_refused),
        cmocka_unit_test(sec_050_tokens),
        cmocka_unit_test(tokens_log_in_by_nothing_else),
        cmocka_unit_test(passwords_on_a_worker),
        cmocka_unit_test(sec_050_the_same_work_for_all),
        cmocka_unit_test(sec_050_the_same_record_for_all),
        cmocka_unit_test(sec_048_names_find_nobody),
        cmocka_unit_test(jobs_outlive_their_session),
        cmocka_unit_test(sec_051_jobs_are_bounded),
        cmocka_unit_test(no_worker_is_no_verdict),
        cmocka_unit_test(no_crypto_is_no_verdict),
        cmocka_unit_test(each_allocation_fails),
        cmocka_unit_test(settings_that_cannot_work),
        cmocka_unit_test(secrets_are_wiped),
        cmocka_unit_test(passwords_of_jobs_are_wiped),
        cmocka_unit_test(peppers),
        cmocka_unit_test(a_pepper_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
