/* SPDX-License-Identifier: MIT
 *
 * fuzz_sasl.c: SASL exchanges of both roles. The input's first octet chooses
 * the mechanism, the second who is hostile: the client, the server, or
 * somebody between two honest ends, who changes octets. The hashes are quick
 * toys, so that thousands of iterations cost nothing. Nobody gets in without
 * an answer YES, no client of SCRAM believes a server that does not know the
 * password, no changed SCRAM succeeds, and an end stays an end.
 */
#include <mailkit/sasl.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum {
    HEADER = 4,
    MESSAGE_MAX = 1024,
    SCRAM = MK_SASL_SCRAM_SHA_1 | MK_SASL_SCRAM_SHA_256 |
            MK_SASL_SCRAM_SHA_1_PLUS | MK_SASL_SCRAM_SHA_256_PLUS
};

static mk_err fill(void *self, void *out, size_t n)
{
    uint8_t *drawn = self;
    for (size_t i = 0; i < n; i++) {
        ((unsigned char *)out)[i] = (unsigned char)((*drawn)++ * 37U);
    }
    return MK_OK;
}

/* ---- a play -------------------------------------------------------------- */

typedef struct play {
    mk_sasl_mechanism mechanism;
    mk_sasl_client_config client_config;
    mk_sasl_server_config server_config;
    mk_random random;
    mk_tls_info tls;
    uint8_t drawn, policy;
    bool was_yes;
    mk_sasl *client, *server;
    void *mem[2];
} play;

static mk_str octets(const char *z)
{
    return mk_str_z(z);
}

static void set_up(play *p, const uint8_t *header)
{
    memset(p, 0, sizeof *p);
    p->mechanism = (mk_sasl_mechanism)(1 << header[0] % 11);
    p->policy = header[2];
    p->random.self = &p->drawn;
    p->random.fill = fill;
    p->tls.is_verified = true;
    if ((header[3] & 1) != 0) {
        p->tls.exporter = octets("FEDCBA9876543210FEDCBA9876543210");
    }
    p->tls.end_point = octets("0123456789abcdef0123456789abcdef");
    (void)mk_sasl_client_config_init(&p->client_config,
                                     sizeof p->client_config);
    (void)mk_sasl_server_config_init(&p->server_config,
                                     sizeof p->server_config);
    p->client_config.crypto = &fuzz_toys;
    p->client_config.random = &p->random;
    p->client_config.mechanisms = MK_SASL_ALL;
    p->client_config.authcid = octets((header[3] & 2) != 0 ? "u,=" : "user");
    p->client_config.authzid = octets((header[3] & 4) != 0 ? "as" : "");
    p->client_config.password = octets("pencil");
    p->client_config.token = octets("dG9rZW4=");
    p->client_config.host = octets((header[3] & 8) != 0 ? "h" : "");
    p->client_config.port = (uint16_t)(header[3] >> 4);
    p->client_config.iterations_max = 20000;
    p->server_config.crypto = &fuzz_toys;
    p->server_config.random = &p->random;
    p->server_config.mechanisms = MK_SASL_ALL;
    p->server_config.hostname = octets("mx.example");
    p->server_config.pepper = octets("sixteen octets..");
    p->server_config.iterations = 4096;
    p->server_config.asks_keys = (header[3] & 16) != 0;
    p->server_config.is_keys_only = (header[2] & 7) == 4;
    p->server_config.oauth_scope = octets((header[3] & 32) != 0 ? "a\"" : "");
    p->mem[0] = malloc(mk_sasl_need(MESSAGE_MAX));
    p->mem[1] = malloc(mk_sasl_need(MESSAGE_MAX));
    fuzz_promise(p->mem[0] != NULL && p->mem[1] != NULL, "memory");
}

static void tear_down(play *p)
{
    mk_sasl_close(p->client);
    mk_sasl_close(p->server);
    free(p->mem[0]);
    free(p->mem[1]);
}

static void open_client(play *p)
{
    fuzz_promise(mk_sasl_client_open(
                     &p->client_config, p->mechanism, MK_SASL_ALL, &p->tls,
                     p->mem[0], mk_sasl_need(MESSAGE_MAX), &p->client) == MK_OK,
                 "the client opens");
}

static void open_server(play *p)
{
    fuzz_promise(mk_sasl_server_open(&p->server_config, p->mechanism, &p->tls,
                                     p->mem[1], mk_sasl_need(MESSAGE_MAX),
                                     &p->server) == MK_OK,
                 "the server opens");
}

static void is_name(mk_str name)
{
    fuzz_promise(name.len <= MK_SASL_NAME_MAX, "a name of legal length");
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        fuzz_promise(c >= 0x20 && c != 0x7F, "a name without controls");
    }
}

static void answer(play *p)
{
    static const char salt[] = "a salt of sixteen";
    const mk_sasl_ask *ask = mk_sasl_question(p->server);
    unsigned char stored[32], server[32];
    mk_sasl_keys keys = {.password = octets("pencil")};
    mk_answer yes = MK_ANSWER_YES;
    is_name(ask->authcid);
    is_name(ask->authzid);
    fuzz_promise(mk_str_find(ask->secret, 0) == ask->secret.len, "no NUL");
    if ((p->policy & 3) > 1) {
        yes = (p->policy & 3) == 2 ? MK_ANSWER_LATER : MK_ANSWER_NO;
    } else if (ask->kind == MK_SASL_ASK_KEYS && ask->hash != MK_HASH_MD5 &&
               ((p->policy & 4) != 0 || p->server_config.is_keys_only)) {
        size_t n = mk_hash_size(ask->hash);
        keys.salt = octets(salt);
        keys.iterations = 4096;
        (void)mk_sasl_keys_make(&fuzz_toys, ask->hash, keys.password, keys.salt,
                                4096, stored, server);
        keys.password.len = 0;
        keys.stored_key = mk_str_of((const char *)stored, n);
        keys.server_key = mk_str_of((const char *)server, n);
    } else if (ask->kind == MK_SASL_ASK_PASSWORD &&
               !mk_str_is(ask->secret, keys.password)) {
        yes = MK_ANSWER_NO;
    }
    p->was_yes = yes == MK_ANSWER_YES;
    fuzz_promise(mk_sasl_resolve(p->server, yes, &keys) == MK_OK, "answers");
}

/* Move until it is the peer's turn or all is over. */
static mk_sasl_state move(play *p, mk_sasl *s)
{
    mk_sasl_state state = mk_sasl_next(s);
    while (state == MK_SASL_WORK || state == MK_SASL_ASK) {
        if (state == MK_SASL_ASK) {
            answer(p);
        }
        state = mk_sasl_next(s);
    }
    fuzz_promise(mk_sasl_message(s).len <= MESSAGE_MAX, "a legal message");
    fuzz_promise((state == MK_SASL_FAILED) == (mk_sasl_why(s) != MK_OK),
                 "a reason for failure, and only for that");
    return state;
}

static void is_over(play *p, mk_sasl *s, mk_sasl_state state)
{
    bool is_client = s == p->client;
    fuzz_promise(mk_sasl_next(s) == state, "an end is an end");
    if (state == MK_SASL_FAILED || !is_client) {
        fuzz_promise(mk_sasl_take(s, octets("x")) == MK_E_STATE, "it is deaf");
    }
    if (state == MK_SASL_DONE && !is_client) {
        fuzz_promise(p->was_yes, "nobody comes in without a YES");
        is_name(mk_sasl_authcid(s));
    }
}

/* The octets of the script up to a turn are one message. */
static void hostile(play *p, mk_sasl *s, fuzz_script *script)
{
    text message = {0};
    mk_sasl_state state = move(p, s);
    text_z(&message, "");
    for (bool more = true; more;) {
        fuzz_control control = FUZZ_TURN;
        uint8_t n = 0;
        mk_str run = fuzz_octets(script);
        text_add(&message, run.ptr, run.len);
        more = fuzz_next(script, &control, &n);
        if (control == FUZZ_LITERAL) {
            continue;
        }
        if (control == FUZZ_POLICY) {
            p->policy = n;
        } else if (control == FUZZ_CANCEL) {
            mk_sasl_fail(s, MK_E_CANCELLED);
        } else {
            if (state == MK_SASL_SEND) {
                state = move(p, s);
            }
            char *exact = malloc(message.len + 1);
            memcpy(exact, message.ptr, message.len);
            (void)mk_sasl_take(s, mk_str_of(exact, message.len));
            free(exact);
            text_free(&message);
            message = (text){0};
            text_z(&message, "");
        }
        state = move(p, s);
    }
    text_free(&message);
    if (state == MK_SASL_DONE || state == MK_SASL_FAILED) {
        is_over(p, s, state);
    }
    if (s == p->client && (p->mechanism & SCRAM) != 0) {
        fuzz_promise(state != MK_SASL_DONE, "no belief without a proof");
    }
}

/* Two honest ends: triples of the script change octet `at` of message `n`. */
typedef struct changer {
    const uint8_t *at;
    size_t left;
    bool changed;
    unsigned count;
} changer;

static void pass(changer *c, mk_sasl *from, mk_sasl *to)
{
    mk_str message = mk_sasl_message(from);
    char *exact = malloc(message.len + 1);
    if (message.len > 0) {
        memcpy(exact, message.ptr, message.len);
    }
    c->count++;
    for (size_t i = 0; i + 3 <= c->left; i += 3) {
        if (c->at[i] == c->count && c->at[i + 1] < message.len &&
            c->at[i + 2] != 0) {
            exact[c->at[i + 1]] =
                (char)((unsigned char)exact[c->at[i + 1]] ^ c->at[i + 2]);
        }
    }
    /* Changes of one octet may undo each other, but in their message only. */
    c->changed |= !mk_str_is(mk_str_of(exact, message.len), message);
    (void)mk_sasl_take(to, mk_str_of(exact, message.len));
    free(exact);
}

static void between(play *p, changer *c)
{
    mk_sasl_state mine, theirs;
    for (;;) {
        mine = move(p, p->client);
        theirs = move(p, p->server);
        if (c->changed && (p->mechanism & SCRAM) != 0) {
            fuzz_promise(mine != MK_SASL_DONE || theirs != MK_SASL_DONE,
                         "what was changed does not pass");
        }
        if (mine == MK_SASL_SEND && theirs == MK_SASL_TAKE) {
            pass(c, p->client, p->server);
        } else if (theirs == MK_SASL_SEND &&
                   (mine == MK_SASL_TAKE || mine == MK_SASL_DONE)) {
            pass(c, p->server, p->client);
        } else {
            break;
        }
    }
    if (!c->changed && (p->policy & 3) < 2) {
        fuzz_promise(mine == MK_SASL_DONE && theirs == MK_SASL_DONE,
                     "honest ends agree");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    play p;
    if (size < HEADER || size > 4096) {
        return 0;
    }
    fuzz_script script = {.at = data + HEADER, .left = size - HEADER};
    changer c = {.at = data + HEADER, .left = size - HEADER};
    set_up(&p, data);
    if (data[1] % 3 == 0) {
        open_server(&p);
        hostile(&p, p.server, &script);
    } else if (data[1] % 3 == 1) {
        open_client(&p);
        hostile(&p, p.client, &script);
    } else {
        open_server(&p);
        open_client(&p);
        between(&p, &c);
    }
    tear_down(&p);
    return 0;
}
