/* SPDX-License-Identifier: MIT
 *
 * crypto.h: hashes (MD5 RFC 1321, SHA-1 RFC 3174, SHA-2 RFC 6234) and
 * randomness behind a table of functions, so that any library or chip can
 * fill it; HMAC (RFC 2104) and PBKDF2 (RFC 8018 §5.2) are built on the table
 * and need nothing else. mbedTLS is the supplied filling. All state is the
 * caller's; there are no globals.
 */
#ifndef MAILKIT_CRYPTO_H
#define MAILKIT_CRYPTO_H

#include <mailkit/base.h>

MK_EXTERN_C_BEGIN

/* ---- the table ------------------------------------------------------------
 */

/** The hashes of mail protocols. */
typedef enum mk_hash {
    MK_HASH_MD5 = 1,    /**< APOP, CRAM-MD5 only; broken for signatures */
    MK_HASH_SHA1 = 2,   /**< SCRAM-SHA-1 and old DKIM keys only */
    MK_HASH_SHA256 = 3, /**< the default everywhere */
    MK_HASH_SHA512 = 4
} mk_hash;

/** Octets of the longest hash value. */
#define MK_HASH_SIZE_MAX 64

/** Octets of room that a filling may use for one running hash. */
#define MK_HASH_CONTEXT_SIZE 256

/** A running hash; what is in it belongs to the filling. */
typedef struct mk_hash_context {
    mk_hash hash;
    union {
        uint64_t align;
        void *align_ptr;
        unsigned char octets[MK_HASH_CONTEXT_SIZE];
    } room;
} mk_hash_context;

/** The functions of a filling.
 *
 * Growth rule: functions are added at the end only, never moved or changed.
 * A filling sets size to sizeof(mk_crypto) as it was compiled; whoever calls
 * a function that was added later asks MK_CRYPTO_HAS first. A const table
 * without state: it may be shared by threads. */
typedef struct mk_crypto {
    size_t size; /**< octets of the table */
    /** Start. @return MK_OK; MK_E_UNSUPPORTED for a hash it has not got;
     *  MK_E_CRYPTO. The context then needs hash_fini, except on failure. */
    mk_err (*hash_init)(mk_hash_context *c, mk_hash hash);
    /** Take octets; ptr may be NULL when n is 0. @return MK_OK or
     *  MK_E_CRYPTO. */
    mk_err (*hash_update)(mk_hash_context *c, const void *ptr, size_t n);
    /** Write mk_hash_size octets; the context then only takes hash_fini.
     *  @return MK_OK or MK_E_CRYPTO. */
    mk_err (*hash_finish)(mk_hash_context *c, unsigned char *out_value);
    /** Make of a context not in use a second one in the same state. */
    void (*hash_copy)(mk_hash_context *out_copy, const mk_hash_context *c);
    /** Wipe and give up, at any time after hash_init. */
    void (*hash_fini)(mk_hash_context *c);
    /** Octets that random_open needs. */
    size_t (*random_need)(void);
    /** Open a generator seeded from the system, in the caller's memory. One
     *  thread at a time may use it; after a fork each process opens its own.
     *  @return MK_OK; MK_E_ROOM; MK_E_ARG for memory not aligned as for any
     *  type; MK_E_ENTROPY when the system gave no seed. */
    mk_err (*random_open)(void *mem, size_t n, mk_random *out_random);
    /** Wipe it; the memory is the caller's again. */
    void (*random_close)(mk_random *r);
} mk_crypto;

/** Has this filling a function that was added to the table later? */
#define MK_CRYPTO_HAS(c, member)                                               \
    ((c)->size >= offsetof(mk_crypto, member) + sizeof((c)->member) &&         \
     (c)->member != NULL)

/** The filling by mbedTLS.
 *
 * @return static, never NULL. Only in builds with the crypto option. */
MK_API const mk_crypto *mk_crypto_mbedtls(void);

/** The length of a hash value.
 *
 * @param hash  one of mk_hash.
 * @return 16, 20, 32 or 64 octets; 0 for an unknown hash. */
MK_API size_t mk_hash_size(mk_hash hash);

/** The block length of a hash, as HMAC needs it.
 *
 * @param hash  one of mk_hash.
 * @return 64 or 128 octets; 0 for an unknown hash. */
MK_API size_t mk_hash_block_size(mk_hash hash);

/** Hash one view.
 *
 * @param crypto     the filling.
 * @param hash       one of mk_hash.
 * @param data       any octets.
 * @param out_value  mk_hash_size(hash) octets, written on success only.
 * @return MK_OK, MK_E_UNSUPPORTED or MK_E_CRYPTO. */
MK_API mk_err mk_hash_once(const mk_crypto *crypto, mk_hash hash, mk_str data,
                           unsigned char *out_value);

/** Compare secrets in a time that depends on n alone.
 *
 * @param a,b  memory of n octets each; may be NULL when n is 0.
 * @param n    octets.
 * @return true when all octets are equal. */
MK_API bool mk_equal_ct(const void *a, const void *b, size_t n);

/* ---- HMAC -----------------------------------------------------------------
 */

/** A running HMAC. */
typedef struct mk_hmac {
    const mk_crypto *crypto;
    mk_hash_context inner, outer;
} mk_hmac;

/** Start an HMAC.
 *
 * @param h       written on success; needs mk_hmac_fini then.
 * @param crypto  the filling; outlives h.
 * @param hash    one of mk_hash.
 * @param key     any length; not needed after the call.
 * @return MK_OK, MK_E_UNSUPPORTED or MK_E_CRYPTO. RFC 2104. */
MK_API mk_err mk_hmac_init(mk_hmac *h, const mk_crypto *crypto, mk_hash hash,
                           mk_str key);

/** Take octets.
 *
 * @param h     the HMAC.
 * @param data  any octets.
 * @return MK_OK or MK_E_CRYPTO. */
MK_API mk_err mk_hmac_update(mk_hmac *h, mk_str data);

/** Write the value; then only mk_hmac_fini is allowed.
 *
 * @param h          the HMAC.
 * @param out_value  mk_hash_size octets, undefined on failure.
 * @return MK_OK or MK_E_CRYPTO. */
MK_API mk_err mk_hmac_finish(mk_hmac *h, unsigned char *out_value);

/** Make a second HMAC in the same state, so that one key is set up once.
 *
 * @param h         the HMAC; stays as it is.
 * @param out_copy  written; needs mk_hmac_fini of its own. */
MK_API void mk_hmac_copy(const mk_hmac *h, mk_hmac *out_copy);

/** Wipe an HMAC; fine again on one that was wiped.
 *
 * @param h  the HMAC, after a successful mk_hmac_init. */
MK_API void mk_hmac_fini(mk_hmac *h);

/** The HMAC of one view.
 *
 * @param crypto     the filling.
 * @param hash       one of mk_hash.
 * @param key        any length.
 * @param data       any octets.
 * @param out_value  mk_hash_size(hash) octets, written on success only.
 * @return MK_OK, MK_E_UNSUPPORTED or MK_E_CRYPTO. */
MK_API mk_err mk_hmac_once(const mk_crypto *crypto, mk_hash hash, mk_str key,
                           mk_str data, unsigned char *out_value);

/* ---- PBKDF2 ---------------------------------------------------------------
 */

/** A key derivation that can be done in slices, so that an event loop is
 *  never held up by 100000 iterations. No field is for readers. */
typedef struct mk_pbkdf2 {
    mk_hmac keyed;
    mk_str salt;
    mk_hash hash;
    uint32_t iterations, iteration, block;
    unsigned char *key;
    size_t key_len, done;
    unsigned char u[MK_HASH_SIZE_MAX], t[MK_HASH_SIZE_MAX];
    bool is_open;
} mk_pbkdf2;

/** Start a derivation.
 *
 * @param p           written on success; needs mk_pbkdf2_fini then.
 * @param crypto      the filling; outlives p.
 * @param hash        the hash of the HMAC.
 * @param password    not needed after the call.
 * @param salt        borrowed until the derivation is over.
 * @param iterations  1 or more.
 * @param out_key     where the key is written, as it comes; borrowed.
 * @param key_len     octets of it, 1 to 65536.
 * @return MK_OK, MK_E_ARG, MK_E_UNSUPPORTED or MK_E_CRYPTO. RFC 8018 §5.2. */
MK_API mk_err mk_pbkdf2_init(mk_pbkdf2 *p, const mk_crypto *crypto,
                             mk_hash hash, mk_str password, mk_str salt,
                             uint32_t iterations, unsigned char *out_key,
                             size_t key_len);

/** Go on with it.
 *
 * @param p       the derivation.
 * @param budget  HMACs to compute at most, 1 or more.
 * @return MK_OK when the key is complete; MK_WAIT when more slices are
 *         needed; MK_E_ARG for a budget of 0; MK_E_STATE after an error or
 *         mk_pbkdf2_fini; MK_E_CRYPTO: the key is wiped. */
MK_API mk_err mk_pbkdf2_step(mk_pbkdf2 *p, uint32_t budget);

/** Wipe the state, but not a finished key; an unfinished one is wiped.
 *
 * @param p  the derivation, at any time after a successful init. */
MK_API void mk_pbkdf2_fini(mk_pbkdf2 *p);

MK_EXTERN_C_END
#endif
