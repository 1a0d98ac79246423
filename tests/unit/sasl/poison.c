/* SPDX-License-Identifier: MIT
 *
 * poison.c: no branch and no address depends on a secret (THREATS 50). Run
 * under valgrind, every secret is marked as undefined memory, so that memcheck
 * reports each decision that is made of it; then PLAIN, CRAM-MD5 and SCRAM run
 * through both roles. Marked as known again are what goes over the wire (its
 * text form is looked up in tables) and the results of mk_equal_ct, of which a
 * login consists. The linker puts the wrappers below in their places.
 * Usage: poison [leak]; "leak" branches on a secret, and must be reported.
 */
#include <mailkit/codec.h>
#include <mailkit/sasl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAS_MEMCHECK
#include <valgrind/memcheck.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_MAKE_MEM_UNDEFINED(p, n) (void)(n)
#define VALGRIND_MAKE_MEM_DEFINED(p, n) (void)(n)
#endif

enum { BLOCK = 8192, SKIPPED = 77 };

bool __real_mk_equal_ct(const void *a, const void *b, size_t n);
bool __wrap_mk_equal_ct(const void *a, const void *b, size_t n);
mk_err __real_mk_base64_format(mk_str octets, mk_buf *out);
mk_err __wrap_mk_base64_format(mk_str octets, mk_buf *out);
mk_err __real_mk_hex_encode(mk_hex_encoder *e, mk_str *io_in, mk_buf *out);
mk_err __wrap_mk_hex_encode(mk_hex_encoder *e, mk_str *io_in, mk_buf *out);

bool __wrap_mk_equal_ct(const void *a, const void *b, size_t n)
{
    bool is_equal = __real_mk_equal_ct(a, b, n);

    VALGRIND_MAKE_MEM_DEFINED(&is_equal, sizeof is_equal);
    return is_equal;
}

mk_err __wrap_mk_base64_format(mk_str octets, mk_buf *out)
{
    VALGRIND_MAKE_MEM_DEFINED(octets.ptr, octets.len);
    return __real_mk_base64_format(octets, out);
}

mk_err __wrap_mk_hex_encode(mk_hex_encoder *e, mk_str *io_in, mk_buf *out)
{
    VALGRIND_MAKE_MEM_DEFINED(io_in->ptr, io_in->len);
    return __real_mk_hex_encode(e, io_in, out);
}

static mk_err fill(void *self, void *out, size_t n)
{
    unsigned char *at = out;
    unsigned *drawn = self;

    for (; n > 0; n--) {
        *at++ = (unsigned char)((*drawn)++ * 37U);
    }
    return MK_OK;
}

/* What the server knows: two ways of it, or nobody. */
typedef enum knowledge { PASSWORD, KEYS, NOBODY } knowledge;

typedef struct play {
    mk_sasl_client_config client_config;
    mk_sasl_server_config server_config;
    mk_random random;
    unsigned drawn;
    mk_tls_info tls;
    char given[8], known[8], pepper[16];
    unsigned char stored[32], server_key[32];
    mk_sasl *client, *server;
    uint64_t room[2][BLOCK / sizeof(uint64_t)];
} play;

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "poison: %s\n", what);
        exit(1);
    }
}

static void answer(play *p, knowledge what)
{
    const mk_sasl_ask *ask = mk_sasl_question(p->server);
    mk_hash hash = ask->hash;
    mk_sasl_keys keys = {0};
    bool is_good;

    if (what == NOBODY) {
        must(mk_sasl_resolve(p->server, MK_ANSWER_NO, NULL) == MK_OK, "no");
        return;
    }
    if (ask->kind == MK_SASL_ASK_PASSWORD) {
        is_good =
            ask->secret.len == 6 && mk_equal_ct(ask->secret.ptr, p->known, 6);
        must(mk_sasl_resolve(p->server, is_good ? MK_ANSWER_YES : MK_ANSWER_NO,
                             NULL) == MK_OK,
             "verdict");
        return;
    }
    keys.password = mk_str_of(p->known, 6);
    if (what == KEYS && hash != MK_HASH_MD5) {
        keys.salt = mk_str_z("salt of 16 octet");
        keys.iterations = 4096;
        must(mk_sasl_keys_make(mk_crypto_mbedtls(), hash, keys.password,
                               keys.salt, 4096, p->stored,
                               p->server_key) == MK_OK,
             "keys");
        keys.password.len = 0;
        keys.stored_key = mk_str_of((char *)p->stored, mk_hash_size(hash));
        keys.server_key = mk_str_of((char *)p->server_key, mk_hash_size(hash));
    }
    must(mk_sasl_resolve(p->server, MK_ANSWER_YES, &keys) == MK_OK, "keys");
}

static void talk(play *p, knowledge what)
{
    for (;;) {
        mk_sasl_state c = mk_sasl_next(p->client);
        mk_sasl_state s = mk_sasl_next(p->server);

        while (c == MK_SASL_WORK) {
            c = mk_sasl_next(p->client);
        }
        while (s == MK_SASL_WORK) {
            s = mk_sasl_next(p->server);
        }
        if (s == MK_SASL_ASK) {
            answer(p, what);
        } else if (c == MK_SASL_SEND && s == MK_SASL_TAKE) {
            (void)mk_sasl_take(p->server, mk_sasl_message(p->client));
        } else if (s == MK_SASL_SEND && c == MK_SASL_TAKE) {
            (void)mk_sasl_take(p->client, mk_sasl_message(p->server));
        } else {
            return;
        }
    }
}

static void set_up(play *p, bool is_right)
{
    memset(p, 0, sizeof *p);
    memcpy(p->given, is_right ? "pencil" : "pencik", 6);
    memcpy(p->known, "pencil", 6);
    memcpy(p->pepper, "sixteen octets..", 16);
    VALGRIND_MAKE_MEM_UNDEFINED(p->given, 6);
    VALGRIND_MAKE_MEM_UNDEFINED(p->known, 6);
    VALGRIND_MAKE_MEM_UNDEFINED(p->pepper, 16);
    p->random.self = &p->drawn;
    p->random.fill = fill;
    p->tls.is_verified = true;
    p->tls.exporter = mk_str_z("FEDCBA9876543210FEDCBA9876543210");
    (void)mk_sasl_client_config_init(&p->client_config,
                                     sizeof p->client_config);
    (void)mk_sasl_server_config_init(&p->server_config,
                                     sizeof p->server_config);
    p->client_config.crypto = mk_crypto_mbedtls();
    p->client_config.random = &p->random;
    p->client_config.authcid = mk_str_z("user");
    p->client_config.password = mk_str_of(p->given, 6);
    p->server_config.crypto = mk_crypto_mbedtls();
    p->server_config.random = &p->random;
    p->server_config.mechanisms = MK_SASL_ALL;
    p->server_config.hostname = mk_str_z("mx.example.com");
    p->server_config.pepper = mk_str_of(p->pepper, 16);
    p->server_config.iterations = 4096;
}

static void run(play *p, mk_sasl_mechanism m, knowledge what, bool is_right,
                bool asks_keys)
{
    bool is_good;

    set_up(p, is_right);
    p->server_config.asks_keys = asks_keys;
    must(mk_sasl_server_open(&p->server_config, m, &p->tls, p->room[1], BLOCK,
                             &p->server) == MK_OK,
         "server");
    must(mk_sasl_client_open(&p->client_config, m, MK_SASL_ALL, &p->tls,
                             p->room[0], BLOCK, &p->client) == MK_OK,
         "client");
    talk(p, what);
    is_good = mk_sasl_next(p->server) == MK_SASL_DONE;
    must(is_good == (is_right && what != NOBODY), "the verdict");
    mk_sasl_close(p->client);
    mk_sasl_close(p->server);
}

static void leak(play *p)
{
    set_up(p, true);
    if (p->given[0] == 'p') {
        puts("leaked");
    }
}

int main(int argc, char **argv)
{
    static const mk_sasl_mechanism mechanisms[] = {
        MK_SASL_PLAIN, MK_SASL_LOGIN, MK_SASL_CRAM_MD5, MK_SASL_SCRAM_SHA_1,
        MK_SASL_SCRAM_SHA_256_PLUS};
    static play p;
    size_t i;
    unsigned k;

    if (!RUNNING_ON_VALGRIND) {
        puts("skipped: not under valgrind");
        return SKIPPED;
    }
    if (argc > 1 && strcmp(argv[1], "leak") == 0) {
        leak(&p);
        return 0;
    }
    for (i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        for (k = 0; k < 12; k++) {
            run(&p, mechanisms[i], (knowledge)(k % 3), k % 6 < 3, k >= 6);
        }
    }
    puts("no branch on a secret");
    return 0;
}
