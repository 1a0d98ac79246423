/* SPDX-License-Identifier: MIT
 *
 * pop3/server_apop.c: APOP (RFC 1939 7) as an exchange with the calls of a SASL
 * one, so that its question, its delay and its end are those of every login. It
 * asks for KEYS with MD5, where only a password will do, and compares by itself
 * in constant time; somebody who is not known costs the same work. Names are
 * printable ASCII: for others RFC 6856 2.2 asks for SASLprep, which is not
 * applied here. The digest is 32 digits in lower case.
 */
#include "pop3/server_internal.h"

#include <mailkit/codec.h>

#include "base/ascii.h"

#include <string.h>

enum { DIGEST_BYTES = 16, DIGEST_DIGITS = 2 * DIGEST_BYTES };

typedef struct apop {
    mk_sasl_ask ask;
    const mk_sasl_server_config *config;
    mk_str hostname;
    mk_err why;
    uint8_t state; /* mk_sasl_state */
    unsigned char stamp[SERVER_STAMP];
    char digest[DIGEST_DIGITS];
    char name[MK_SASL_NAME_MAX];
} apop;

_Static_assert(sizeof(apop) <= 1024, "it fits the room of any login");

static apop *of(mk_sasl *s)
{
    return (apop *)(void *)s;
}

static const apop *of_const(const mk_sasl *s)
{
    return (const apop *)(const void *)s;
}

/* The digest has no space; a name may. */
static void split(mk_str arg, mk_str *out_name, mk_str *out_digest)
{
    size_t n = arg.len < DIGEST_DIGITS + 1 ? 0 : arg.len - DIGEST_DIGITS - 1;

    *out_name = mk_str_sub(arg, 0, n);
    *out_digest = mk_str_sub(arg, n + 1, SIZE_MAX);
}

bool mk_pop3_apop_is_argument(mk_str arg)
{
    mk_str name;
    mk_str digest;
    bool is_good;

    split(arg, &name, &digest);
    is_good = name.len > 0 && name.len <= MK_SASL_NAME_MAX &&
              arg.ptr[name.len] == ' ';
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = mk_octet_at(name, i);
        is_good = is_good && (mk_is_vchar(c) || c == ' ');
    }
    for (size_t i = 0; i < digest.len; i++) {
        unsigned char c = mk_octet_at(digest, i);
        is_good = is_good && mk_is_hex(c) && mk_lower(c) == c;
    }
    return is_good;
}

void mk_pop3_apop_stamp(const unsigned char stamp[SERVER_STAMP],
                        mk_str hostname, mk_buf *out)
{
    mk_hex_encoder hex;
    mk_str octets = mk_str_of((const char *)stamp, SERVER_STAMP);

    mk_hex_encoder_init(&hex, false);
    (void)mk_buf_add_c(out, '<');
    (void)mk_hex_encode(&hex, &octets, out);
    (void)mk_buf_add_c(out, '@');
    (void)mk_buf_add(out, hostname);
    (void)mk_buf_add_c(out, '>');
}

void mk_pop3_apop_expect(mk_sasl *exchange,
                         const unsigned char stamp[SERVER_STAMP],
                         mk_str hostname)
{
    memcpy(of(exchange)->stamp, stamp, SERVER_STAMP);
    of(exchange)->hostname = hostname;
}

/* MD5 of the timestamp and the password behind it, in hexadecimal. */
static mk_err make_digest(const apop *a, mk_str password, mk_buf *out)
{
    char mem[2 + 2 * SERVER_STAMP + 1 + 255];
    unsigned char value[DIGEST_BYTES];
    mk_hash_context hash;
    mk_hex_encoder hex;
    const mk_crypto *crypto = a->config->crypto;
    mk_buf stamp;
    mk_err err = crypto->hash_init(&hash, MK_HASH_MD5);

    if (err != MK_OK) {
        return err;
    }
    mk_buf_init(&stamp, mem, sizeof mem);
    mk_pop3_apop_stamp(a->stamp, a->hostname, &stamp);
    err = crypto->hash_update(&hash, stamp.ptr, stamp.len);
    if (err == MK_OK) {
        err = crypto->hash_update(&hash, password.ptr, password.len);
    }
    if (err == MK_OK) {
        err = crypto->hash_finish(&hash, value);
    }
    crypto->hash_fini(&hash);
    if (err == MK_OK) {
        mk_str octets = mk_str_of((const char *)value, sizeof value);
        mk_hex_encoder_init(&hex, false);
        (void)mk_hex_encode(&hex, &octets, out);
    }
    mk_wipe(value, sizeof value);
    return err;
}

static void end(apop *a, mk_err why)
{
    a->why = why;
    a->state = why == MK_OK ? MK_SASL_DONE : MK_SASL_FAILED;
    mk_wipe(a->digest, sizeof a->digest);
}

/* ---- the calls ----------------------------------------------------------- */

static mk_sasl_mechanism find(mk_str name)
{
    (void)name;
    return MK_SASL_CRAM_MD5; /* the nearest: any but none will do */
}

static mk_err begin(const mk_sasl_server_config *c, mk_sasl_mechanism mechanism,
                    const mk_tls_info *tls, void *mem, size_t n,
                    mk_sasl **out_sasl)
{
    apop *a = mem;

    (void)mechanism;
    if (n < sizeof *a) {
        return MK_E_ROOM;
    }
    memset(a, 0, sizeof *a);
    a->config = c;
    a->state = MK_SASL_TAKE;
    a->ask.kind = MK_SASL_ASK_KEYS;
    a->ask.mechanism = MK_SASL_NONE;
    a->ask.hash = MK_HASH_MD5;
    a->ask.tls = tls;
    *out_sasl = mem;
    return MK_OK;
}

static mk_sasl_state next_state(mk_sasl *s)
{
    return (mk_sasl_state)of(s)->state;
}

static mk_str message(const mk_sasl *s)
{
    (void)s;
    return mk_str_of(NULL, 0);
}

static void hear(mk_sasl *s, mk_str argument)
{
    apop *a = of(s);
    mk_str name;
    mk_str digest;

    split(argument, &name, &digest);
    memcpy(a->name, name.ptr, name.len);
    memcpy(a->digest, digest.ptr, digest.len);
    a->ask.authcid = mk_str_of(a->name, name.len);
    a->state = MK_SASL_ASK;
}

static mk_err heard(mk_sasl *s)
{
    (void)s;
    return MK_OK;
}

static void fail(mk_sasl *s, mk_err why)
{
    end(of(s), why);
}

static mk_err why_not(const mk_sasl *s)
{
    return of_const(s)->why;
}

static mk_sasl_mechanism which(const mk_sasl *s)
{
    (void)s;
    return MK_SASL_NONE;
}

static const mk_sasl_ask *question(const mk_sasl *s)
{
    return of_const(s)->state == MK_SASL_ASK ? &of_const(s)->ask : NULL;
}

static mk_err resolve(mk_sasl *s, mk_answer answer, const mk_sasl_keys *keys)
{
    static const mk_str nobody = MK_STR_INIT("as much work");
    apop *a = of(s);
    char mem[DIGEST_DIGITS] = {0};
    bool is_yes = answer == MK_ANSWER_YES;
    mk_buf made;
    mk_err err;

    if (is_yes && (keys == NULL || keys->password.len == 0 ||
                   keys->password.len > MK_SASL_NAME_MAX)) {
        return MK_E_ARG;
    }
    if (answer == MK_ANSWER_LATER) {
        end(a, MK_E_AGAIN);
        return MK_OK;
    }
    mk_buf_init(&made, mem, sizeof mem);
    err = make_digest(a, is_yes ? keys->password : nobody, &made);
    if (err == MK_OK) {
        bool is_same = mk_equal_ct(a->digest, mem, sizeof mem);
        err = is_same && is_yes ? MK_OK : MK_E_AUTH;
    }
    mk_wipe(mem, sizeof mem);
    end(a, err);
    return MK_OK;
}

static mk_str authcid(const mk_sasl *s)
{
    const apop *a = of_const(s);
    return a->state == MK_SASL_DONE ? a->ask.authcid : mk_str_of(NULL, 0);
}

static mk_str authzid(const mk_sasl *s)
{
    (void)s;
    return mk_str_of(NULL, 0);
}

static void close_exchange(mk_sasl *s)
{
    mk_wipe(of(s), sizeof(apop));
}

const mk_sasl_server_ops mk_pop3_apop_ops = {
    .find = find,
    .open = begin,
    .next_state = next_state,
    .message = message,
    .hear = hear,
    .heard = heard,
    .fail = fail,
    .why = why_not,
    .which = which,
    .question = question,
    .resolve = resolve,
    .authcid = authcid,
    .authzid = authzid,
    .close = close_exchange,
};
