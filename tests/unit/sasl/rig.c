/* SPDX-License-Identifier: MIT
 *
 * rig.c: see rig.h. Blocks are of the exact size that mk_sasl_need names, on
 * the heap, so that ASan sees a step beside them.
 */
#include "rig.h"

static const char end_point[] = "0123456789abcdef0123456789abcdef";
static const char exporter[] = "FEDCBA9876543210FEDCBA9876543210";

static mk_err fill(void *self, void *out, size_t n)
{
    rig *r = self;
    unsigned char *at = out;

    if (r->random_fails > 0 && --r->random_fails == 0) {
        return MK_E_ENTROPY;
    }
    for (; n > 0; n--) {
        if (r->planned_len > 0) {
            *at++ = *r->planned++;
            r->planned_len--;
        } else {
            *at++ = (unsigned char)(r->drawn++ * 37U);
        }
    }
    return MK_OK;
}

rig *rig_new(void)
{
    rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    assert_int_equal(
        mk_sasl_client_config_init(&r->client_config, sizeof r->client_config),
        MK_OK);
    assert_int_equal(
        mk_sasl_server_config_init(&r->server_config, sizeof r->server_config),
        MK_OK);
    r->random.self = r;
    r->random.fill = fill;
    r->client_config.crypto = mk_crypto_mbedtls();
    r->client_config.random = &r->random;
    r->client_config.authcid = Z("user");
    r->client_config.password = Z("pencil");
    r->client_config.token = Z("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
    r->client_config.mechanisms = MK_SASL_ALL;
    r->server_config.crypto = mk_crypto_mbedtls();
    r->server_config.random = &r->random;
    r->server_config.mechanisms = MK_SASL_ALL;
    r->server_config.hostname = Z("mx.example.com");
    r->server_config.pepper = Z("sixteen octets..");
    r->server_config.iterations = 4096;
    r->tls.size = sizeof r->tls;
    r->tls.is_verified = true;
    r->tls.end_point = Z(end_point);
    r->tls.exporter = Z(exporter);
    r->server_tls = r->tls;
    r->user = RIG_PASSWORD;
    r->password = "pencil";
    r->salt_len = 16;
    r->iterations = 4096;
    r->memory[0] = calloc(1, mk_sasl_need(1024));
    r->memory[1] = calloc(1, mk_sasl_need(1024));
    assert_non_null(r->memory[0]);
    assert_non_null(r->memory[1]);
    return r;
}

static void close_both(rig *r)
{
    mk_sasl_close(r->client);
    mk_sasl_close(r->server);
    r->client = NULL;
    r->server = NULL;
}

void rig_free(rig *r)
{
    close_both(r);
    free(r->memory[0]);
    free(r->memory[1]);
    free(r);
}

mk_err rig_open_client(rig *r, mk_sasl_mechanism m)
{
    uint32_t offered = r->offered;

    mk_sasl_close(r->client);
    r->client = NULL;
    if (offered == 0) {
        offered = mk_sasl_server_offer(&r->server_config,
                                       r->is_plain ? NULL : &r->server_tls);
    }
    return mk_sasl_client_open(&r->client_config, m, offered,
                               r->is_plain ? NULL : &r->tls, r->memory[0],
                               mk_sasl_need(1024), &r->client);
}

mk_err rig_open_server(rig *r, mk_sasl_mechanism m)
{
    mk_sasl_close(r->server);
    r->server = NULL;
    return mk_sasl_server_open(&r->server_config, m,
                               r->is_plain ? NULL : &r->server_tls,
                               r->memory[1], mk_sasl_need(1024), &r->server);
}

static mk_str copy(char *room, mk_str s)
{
    assert_true(s.len <= RIG_MESSAGE_MAX);
    if (s.len > 0) {
        memcpy(room, s.ptr, s.len);
    }
    return mk_str_of(room, s.len);
}

static mk_err answer_keys(rig *r)
{
    static const char salt[] = "\x41\x25\xc2\x47\xe4\x3a\xb1\xe9\x3c\x6d\xff"
                               "\x76 and more";
    mk_hash hash = r->ask.hash == MK_HASH_SHA1 ? MK_HASH_SHA1 : MK_HASH_SHA256;
    unsigned char stored[32], server[32];
    mk_sasl_keys keys = {0};

    keys.salt = mk_str_of(salt, r->salt_len);
    keys.iterations = r->iterations;
    assert_int_equal(mk_sasl_keys_make(mk_crypto_mbedtls(), hash,
                                       mk_str_z(r->password), keys.salt,
                                       keys.iterations, stored, server),
                     MK_OK);
    keys.stored_key = mk_str_of((const char *)stored, mk_hash_size(hash));
    keys.server_key = mk_str_of((const char *)server, mk_hash_size(hash));
    memcpy(r->stored, stored, sizeof r->stored);
    return mk_sasl_resolve(r->server, MK_ANSWER_YES, &keys);
}

/* An application that is asked for a verdict compares by itself. */
static mk_err answer_verdict(rig *r)
{
    bool is_good = true;

    if (r->ask.kind == MK_SASL_ASK_PASSWORD) {
        is_good =
            r->ask.secret.len == strlen(r->password) &&
            mk_equal_ct(r->ask.secret.ptr, r->password, r->ask.secret.len);
    }
    return mk_sasl_resolve(r->server, is_good ? MK_ANSWER_YES : MK_ANSWER_NO,
                           NULL);
}

mk_err rig_answer(rig *r)
{
    const mk_sasl_ask *ask = mk_sasl_question(r->server);
    mk_sasl_keys keys = {0};

    assert_non_null(ask);
    r->ask = *ask;
    r->ask.authcid = copy(r->ask_octets[0], ask->authcid);
    r->ask.authzid = copy(r->ask_octets[1], ask->authzid);
    r->ask.secret = copy(r->ask_octets[2], ask->secret);
    r->asked++;
    keys.password = mk_str_z(r->password);
    if (r->user == RIG_NOBODY) {
        return mk_sasl_resolve(r->server, MK_ANSWER_NO, NULL);
    }
    if (r->user == RIG_LATER) {
        return mk_sasl_resolve(r->server, MK_ANSWER_LATER, NULL);
    }
    if (ask->kind != MK_SASL_ASK_KEYS) {
        return answer_verdict(r);
    }
    if (r->user == RIG_KEYS && ask->hash != MK_HASH_MD5) {
        return answer_keys(r);
    }
    return mk_sasl_resolve(r->server, MK_ANSWER_YES, &keys);
}

mk_sasl_state rig_move(mk_sasl *s, unsigned *io_works)
{
    mk_sasl_state state = mk_sasl_next(s);

    while (state == MK_SASL_WORK) {
        (*io_works)++;
        assert_true(*io_works < 2000);
        state = mk_sasl_next(s);
    }
    return state;
}

mk_sasl_state rig_give(mk_sasl *s, mk_str message)
{
    unsigned works = 0;

    assert_int_equal(mk_sasl_take(s, message), MK_OK);
    return rig_move(s, &works);
}

/* One end's message to the other, which must be waiting for it. The exact
 * copy on the heap is gone when the call is over. */
static void pass(rig *r, bool is_client)
{
    mk_sasl *sender = is_client ? r->client : r->server;
    mk_sasl *taker = is_client ? r->server : r->client;
    mk_str message = mk_sasl_message(sender);
    rig_said *said = &r->said[r->said_count];
    char *exact;

    assert_true(r->said_count < RIG_SAID_MAX);
    r->said_count++;
    said->is_client = is_client;
    said->len = copy(said->octets, message).len;
    if (r->tamper != NULL) {
        r->tamper(r, r->said_count, said);
    }
    exact = malloc(said->len + 1);
    assert_non_null(exact);
    memcpy(exact, said->octets, said->len);
    assert_int_equal(mk_sasl_take(taker, mk_str_of(exact, said->len)), MK_OK);
    memset(exact, 0xEE, said->len);
    free(exact);
}

static bool is_over(mk_sasl_state state)
{
    return state == MK_SASL_DONE || state == MK_SASL_FAILED;
}

void rig_run(rig *r, mk_sasl_mechanism m)
{
    r->said_count = 0;
    r->asked = 0;
    r->works[0] = 0;
    r->works[1] = 0;
    assert_int_equal(rig_open_server(r, m), MK_OK);
    assert_int_equal(rig_open_client(r, m), MK_OK);
    for (;;) {
        r->client_state = rig_move(r->client, &r->works[0]);
        r->server_state = rig_move(r->server, &r->works[1]);
        if (r->server_state == MK_SASL_ASK) {
            assert_int_equal(rig_answer(r), MK_OK);
        } else if (r->client_state == MK_SASL_SEND &&
                   r->server_state == MK_SASL_TAKE) {
            pass(r, true);
        } else if (r->server_state == MK_SASL_SEND &&
                   (r->client_state == MK_SASL_TAKE ||
                    r->client_state == MK_SASL_DONE)) {
            pass(r, false);
        } else if (r->server_state == MK_SASL_FAILED &&
                   r->client_state != MK_SASL_FAILED) {
            mk_sasl_fail(r->client, MK_E_AUTH);
        } else if (r->client_state == MK_SASL_FAILED &&
                   !is_over(r->server_state)) {
            mk_sasl_fail(r->server, MK_E_CANCELLED);
        } else {
            break;
        }
    }
}

mk_str rig_heard(const rig *r, unsigned n)
{
    assert_true(n > 0 && n <= r->said_count);
    return mk_str_of(r->said[n - 1].octets, r->said[n - 1].len);
}

bool rig_holds(const rig *r, int end, mk_str secret)
{
    const char *mem = r->memory[end];
    size_t n = mk_sasl_need(1024);
    size_t i;

    for (i = 0; i + secret.len <= n; i++) {
        if (memcmp(mem + i, secret.ptr, secret.len) == 0) {
            return true;
        }
    }
    return false;
}
