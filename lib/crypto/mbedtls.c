/* SPDX-License-Identifier: MIT
 *
 * mbedtls.c: the crypto table filled by mbedTLS (2.28 and 3.x): MD5 (RFC
 * 1321), SHA-1 (RFC 3174), SHA-256 and SHA-512 (RFC 6234), and a CTR_DRBG
 * seeded by its entropy collector, in the caller's memory. A hash that the
 * mbedTLS at hand was built without is MK_E_UNSUPPORTED. No mbedTLS type
 * or error leaves this file, and nothing is registered globally.
 */
#include <mailkit/crypto.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/md5.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>
#include <mbedtls/version.h>

#include <string.h>

/* 2.28 has the checked functions under a suffix; 3.0 gave it up. */
#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define CHECKED(name) name##_ret
#else
#define CHECKED(name) name
#endif

typedef union any_context {
    mbedtls_md5_context md5;
    mbedtls_sha1_context sha1;
    mbedtls_sha256_context sha256;
    mbedtls_sha512_context sha512;
} any_context;

_Static_assert(sizeof(any_context) <= MK_HASH_CONTEXT_SIZE,
               "MK_HASH_CONTEXT_SIZE is too small for this mbedTLS");
_Static_assert(_Alignof(any_context) <= _Alignof(mk_hash_context),
               "mk_hash_context is not aligned enough for this mbedTLS");

static any_context *context_of(mk_hash_context *c)
{
    return (any_context *)(void *)c->room.octets;
}

static mk_err result_of(int mbedtls_result)
{
    return mbedtls_result == 0 ? MK_OK : MK_E_CRYPTO;
}

/* The four hashes differ in names and in one argument of starts only. */
#define DEFINE_HASH(name, start_args)                                          \
    static mk_err name##_start(any_context *a)                                 \
    {                                                                          \
        mbedtls_##name##_init(&a->name);                                       \
        return result_of(CHECKED(mbedtls_##name##_starts) start_args);         \
    }                                                                          \
    static mk_err name##_add(any_context *a, const unsigned char *ptr,         \
                             size_t n)                                         \
    {                                                                          \
        return result_of(CHECKED(mbedtls_##name##_update)(&a->name, ptr, n));  \
    }                                                                          \
    static mk_err name##_end(any_context *a, unsigned char *out_value)         \
    {                                                                          \
        return result_of(                                                      \
            CHECKED(mbedtls_##name##_finish)(&a->name, out_value));            \
    }                                                                          \
    static void name##_clone(any_context *out_copy, const any_context *a)      \
    {                                                                          \
        mbedtls_##name##_init(&out_copy->name);                                \
        mbedtls_##name##_clone(&out_copy->name, &a->name);                     \
    }                                                                          \
    static void name##_free(any_context *a)                                    \
    {                                                                          \
        mbedtls_##name##_free(&a->name);                                       \
    }

#ifdef MBEDTLS_MD5_C
DEFINE_HASH(md5, (&a->md5))
#endif
#ifdef MBEDTLS_SHA1_C
DEFINE_HASH(sha1, (&a->sha1))
#endif
#ifdef MBEDTLS_SHA256_C
DEFINE_HASH(sha256, (&a->sha256, 0))
#endif
#ifdef MBEDTLS_SHA512_C
DEFINE_HASH(sha512, (&a->sha512, 0))
#endif

typedef struct hash_row {
    mk_hash hash;
    mk_err (*start)(any_context *a);
    mk_err (*add)(any_context *a, const unsigned char *ptr, size_t n);
    mk_err (*end)(any_context *a, unsigned char *out_value);
    void (*clone)(any_context *out_copy, const any_context *a);
    void (*free)(any_context *a);
} hash_row;

#define HASH_ROW(id, name)                                                     \
    {                                                                          \
        id, name##_start, name##_add, name##_end, name##_clone, name##_free    \
    }

static const hash_row hash_rows[] = {
#ifdef MBEDTLS_MD5_C
    HASH_ROW(MK_HASH_MD5, md5),
#endif
#ifdef MBEDTLS_SHA1_C
    HASH_ROW(MK_HASH_SHA1, sha1),
#endif
#ifdef MBEDTLS_SHA256_C
    HASH_ROW(MK_HASH_SHA256, sha256),
#endif
#ifdef MBEDTLS_SHA512_C
    HASH_ROW(MK_HASH_SHA512, sha512),
#endif
};

static const hash_row *row_of(mk_hash hash)
{
    size_t i;

    for (i = 0; i < sizeof hash_rows / sizeof hash_rows[0]; i++) {
        if (hash_rows[i].hash == hash) {
            return &hash_rows[i];
        }
    }
    return NULL;
}

static mk_err hash_init(mk_hash_context *c, mk_hash hash)
{
    const hash_row *row = row_of(hash);
    mk_err err;

    if (row == NULL) {
        return MK_E_UNSUPPORTED;
    }
    c->hash = hash;
    err = row->start(context_of(c));
    if (err != MK_OK) {
        row->free(context_of(c));
    }
    return err;
}

static mk_err hash_update(mk_hash_context *c, const void *ptr, size_t n)
{
    return n == 0 ? MK_OK : row_of(c->hash)->add(context_of(c), ptr, n);
}

static mk_err hash_finish(mk_hash_context *c, unsigned char *out_value)
{
    return row_of(c->hash)->end(context_of(c), out_value);
}

static void hash_copy(mk_hash_context *out_copy, const mk_hash_context *c)
{
    const void *octets = c->room.octets;

    out_copy->hash = c->hash;
    row_of(c->hash)->clone(context_of(out_copy), octets);
}

static void hash_fini(mk_hash_context *c)
{
    const hash_row *row = row_of(c->hash);

    if (row != NULL) {
        row->free(context_of(c));
    }
    mk_wipe(c, sizeof *c);
}

typedef struct generator {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context drbg;
} generator;

static size_t random_need(void)
{
    return sizeof(generator);
}

static mk_err random_fill(void *self, void *out, size_t n)
{
    generator *g = self;
    unsigned char *at = out;

    while (n > 0) {
        size_t part = n;

        if (part > MBEDTLS_CTR_DRBG_MAX_REQUEST) {
            part = MBEDTLS_CTR_DRBG_MAX_REQUEST;
        }
        if (mbedtls_ctr_drbg_random(&g->drbg, at, part) != 0) {
            return MK_E_ENTROPY;
        }
        at += part;
        n -= part;
    }
    return MK_OK;
}

static void close_generator(generator *g)
{
    mbedtls_ctr_drbg_free(&g->drbg);
    mbedtls_entropy_free(&g->entropy);
    mk_wipe(g, sizeof *g);
}

static mk_err random_open(void *mem, size_t n, mk_random *out_random)
{
    static const unsigned char purpose[] = "libmailkit";
    generator *g = mem;

    if (mem == NULL || (uintptr_t)mem % _Alignof(generator) != 0) {
        return MK_E_ARG;
    }
    if (n < sizeof *g) {
        return MK_E_ROOM;
    }
    mbedtls_entropy_init(&g->entropy);
    mbedtls_ctr_drbg_init(&g->drbg);
    if (mbedtls_ctr_drbg_seed(&g->drbg, mbedtls_entropy_func, &g->entropy,
                              purpose, sizeof purpose - 1) != 0) {
        close_generator(g);
        return MK_E_ENTROPY;
    }
    out_random->self = g;
    out_random->fill = random_fill;
    return MK_OK;
}

static void random_close(mk_random *r)
{
    if (r->self != NULL) {
        close_generator(r->self);
        r->self = NULL;
    }
}

const mk_crypto *mk_crypto_mbedtls(void)
{
    static const mk_crypto table = {
        .size = sizeof(mk_crypto),
        .hash_init = hash_init,
        .hash_update = hash_update,
        .hash_finish = hash_finish,
        .hash_copy = hash_copy,
        .hash_fini = hash_fini,
        .random_need = random_need,
        .random_open = random_open,
        .random_close = random_close,
    };

    return &table;
}
