/* SPDX-License-Identifier: MIT
 *
 * test_apop.c: APOP over several connections of one server (RFC 1939 7): each
 * greeting has a timestamp of its own, and a digest that was good for one is
 * good for no other (THREATS 40, 49). The application knows one password; what
 * is random here differs each time.
 */
#include <mailkit/pop3.h>
#include <mailkit/sasl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SITES = 3, STATUS = 512, DIGITS = 32 };

typedef struct world {
    mk_pop3_server_config config;
    mk_sasl_server_config sasl;
    mk_random random;
    uint64_t seed;
} world;

typedef struct site {
    uint64_t block[4096];
    mk_engine *engine;
    char greeting[STATUS];
    mk_err login; /* how it ended; MK_WAIT: it has not */
} site;

static mk_err fill(void *self, void *out, size_t n)
{
    world *w = self;
    for (size_t i = 0; i < n; i++) {
        w->seed = w->seed * 6364136223846793005U + 1442695040888963407U;
        ((unsigned char *)out)[i] = (unsigned char)(w->seed >> 56);
    }
    return MK_OK;
}

static void world_open(world *w)
{
    memset(w, 0, sizeof *w);
    w->seed = 1;
    w->random.self = w;
    w->random.fill = fill;
    assert_int_equal(mk_pop3_server_config_init(&w->config, sizeof w->config),
                     MK_OK);
    assert_int_equal(mk_sasl_server_config_init(&w->sasl, sizeof w->sasl),
                     MK_OK);
    w->sasl.crypto = mk_crypto_mbedtls();
    w->sasl.random = &w->random;
    w->sasl.mechanisms = MK_SASL_PLAIN;
    w->sasl.is_clear_allowed = true;
    w->config.hostname = mk_str_z("mx.example");
    w->config.sasl = &w->sasl;
    w->config.capabilities = MK_POP3_CAPABILITY_ALL;
}

static void answer(site *s, const mk_event *ev)
{
    static const mk_sasl_keys keys = {.password = MK_STR_INIT("tanstaaf")};
    if (ev->type == MK_EV_SASL) {
        assert_int_equal(
            mk_sasl_answer(s->engine, ev->op, MK_ANSWER_YES, &keys), MK_OK);
    } else if (ev->type == MK_EV_POP3_AUTH) {
        s->login = ev->err;
    } else if (ev->type == MK_EV_POP3_OPEN) {
        assert_int_equal(mk_pop3_server_maildrop(s->engine, ev->op, 0, 0),
                         MK_OK);
    }
}

/* Say it, and take what is said to it into `heard`. */
static void say(site *s, const char *octets, char *heard)
{
    mk_str input = mk_str_z(octets);
    mk_str span;
    mk_event ev;
    size_t n = 0;
    unsigned rest = 1000;
    do {
        while (mk_step(s->engine, 1000, &input, &ev) == MK_OK) {
            answer(s, &ev);
        }
        while (mk_out(s->engine, 0, &span, 1) > 0) {
            assert_true(n + span.len < STATUS);
            memcpy(heard + n, span.ptr, span.len);
            n += span.len;
            assert_int_equal(mk_out_sent(s->engine, span.len), MK_OK);
        }
        rest--;
    } while ((mk_want(s->engine) & MK_WANT_STEP) != 0 && rest > 0);
    heard[n] = '\0';
}

static void site_open(site *s, const world *w)
{
    memset(s, 0, sizeof *s);
    s->login = MK_WAIT;
    assert_int_equal(
        mk_pop3_server_open(&w->config, s->block, sizeof s->block, &s->engine),
        MK_OK);
    say(s, "", s->greeting);
}

static mk_str timestamp(const site *s)
{
    const char *begin = strchr(s->greeting, '<');
    const char *end = strchr(s->greeting, '>');
    assert_non_null(begin);
    assert_non_null(end);
    return mk_str_of(begin, (size_t)(end + 1 - begin));
}

/* APOP with the digest of this timestamp */
static void log_in(site *s, mk_str stamp)
{
    static const char hex[] = "0123456789abcdef";
    const mk_crypto *crypto = mk_crypto_mbedtls();
    mk_hash_context c;
    unsigned char value[MK_HASH_SIZE_MAX];
    char line[64] = "APOP mrose ";
    char heard[STATUS];
    size_t n = strlen(line);
    assert_int_equal(crypto->hash_init(&c, MK_HASH_MD5), MK_OK);
    assert_int_equal(crypto->hash_update(&c, stamp.ptr, stamp.len), MK_OK);
    assert_int_equal(crypto->hash_update(&c, "tanstaaf", 8), MK_OK);
    assert_int_equal(crypto->hash_finish(&c, value), MK_OK);
    crypto->hash_fini(&c);
    for (size_t i = 0; i < DIGITS; i++) {
        unsigned char octet = value[i / 2];
        line[n++] = hex[i % 2 == 0 ? octet >> 4 : octet & 15];
    }
    memcpy(line + n, "\r\n", 3);
    say(s, line, heard);
}

static void sec_040_a_timestamp_of_its_own(void **state)
{
    world w;
    site sites[SITES];
    (void)state;
    world_open(&w);
    for (size_t i = 0; i < SITES; i++) {
        site_open(&sites[i], &w);
        mk_str own = timestamp(&sites[i]);
        assert_true(mk_str_find(own, '@') < own.len);
        for (size_t k = 0; k < own.len; k++) {
            assert_true(own.ptr[k] > 0x20 && own.ptr[k] < 0x7F);
        }
        for (size_t k = 0; k < i; k++) {
            assert_false(mk_str_is(own, timestamp(&sites[k])));
        }
    }
    for (size_t i = 0; i < SITES; i++) {
        mk_close(sites[i].engine);
    }
}

static void sec_049_a_digest_is_of_one_connection(void **state)
{
    world w;
    site first;
    site second;
    site third;
    (void)state;
    world_open(&w);
    site_open(&first, &w);
    site_open(&second, &w);
    site_open(&third, &w);
    log_in(&first, timestamp(&first));
    assert_int_equal(first.login, MK_OK);
    log_in(&second, timestamp(&first)); /* heard on the wire, and said again */
    assert_int_equal(second.login, MK_E_AUTH);
    log_in(&third, mk_str_of(NULL, 0)); /* no timestamp at all */
    assert_int_equal(third.login, MK_E_AUTH);
    mk_close(first.engine);
    mk_close(second.engine);
    mk_close(third.engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_040_a_timestamp_of_its_own),
        cmocka_unit_test(sec_049_a_digest_is_of_one_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
