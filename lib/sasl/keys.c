/* SPDX-License-Identifier: MIT
 *
 * sasl/keys.c: stored keys (RFC 5802 3), made and as a line of text, ours and
 * the one of RFC 5803 3 without its name of a scheme. It refuses iterations
 * out of the range that the server takes, and values of a wrong length.
 */
#include "sasl/internal.h"

#include <mailkit/codec.h>

#include <string.h>

static bool is_count_good(uint64_t iterations)
{
    return iterations >= SASL_ITERATIONS_MIN &&
           iterations <= SASL_ITERATIONS_MAX;
}

static bool is_hash_good(mk_hash hash)
{
    return hash == MK_HASH_SHA1 || hash == MK_HASH_SHA256;
}

mk_err mk_sasl_keys_make(const mk_crypto *crypto, mk_hash hash, mk_str password,
                         mk_str salt, uint32_t iterations,
                         unsigned char *out_stored_key,
                         unsigned char *out_server_key)
{
    mk_sasl_derivation d;
    mk_sasl_secrets made;
    mk_err err;

    if (crypto == NULL || !is_hash_good(hash) || password.len == 0 ||
        password.len > MK_SASL_NAME_MAX || salt.len == 0 ||
        salt.len > SASL_SALT_MAX || !is_count_good(iterations)) {
        return MK_E_ARG;
    }
    err = mk_sasl_derive_begin(&d, crypto, hash, password, salt, iterations);
    if (err == MK_OK) {
        err = mk_sasl_derive_step(&d, UINT32_MAX, &made);
    }
    if (err == MK_OK) {
        memcpy(out_stored_key, made.stored_key, mk_hash_size(hash));
        memcpy(out_server_key, made.server_key, mk_hash_size(hash));
        mk_wipe(&made, sizeof made);
    }
    return err == MK_OK ? MK_OK : MK_E_CRYPTO;
}

mk_err mk_sasl_keys_format(const mk_sasl_keys *keys, mk_buf *out)
{
    size_t start = out->len;
    size_t n = keys->stored_key.len;

    if (keys->salt.len == 0 || keys->salt.len > SASL_SALT_MAX ||
        !is_count_good(keys->iterations) || keys->server_key.len != n ||
        (n != mk_hash_size(MK_HASH_SHA1) &&
         n != mk_hash_size(MK_HASH_SHA256))) {
        return MK_E_ARG;
    }
    (void)mk_buf_add_u64(out, keys->iterations);
    (void)mk_buf_add_c(out, '$');
    (void)mk_base64_format(keys->salt, out);
    (void)mk_buf_add_c(out, '$');
    (void)mk_base64_format(keys->stored_key, out);
    (void)mk_buf_add_c(out, '$');
    (void)mk_base64_format(keys->server_key, out);
    if (out->full) {
        out->len = start;
        return MK_E_ROOM;
    }
    return MK_OK;
}

/* The part before the separator c, moves past it; c = 0: all of it. */
static bool take_part(mk_str *io_text, char c, mk_str *out_part)
{
    size_t n = c == 0 ? io_text->len : mk_str_find(*io_text, (unsigned char)c);

    if (c != 0 && n == io_text->len) {
        return false;
    }
    *out_part = mk_str_sub(*io_text, 0, n);
    *io_text = mk_str_sub(*io_text, n + 1, SIZE_MAX);
    return true;
}

static mk_err decode(mk_str text, size_t min, size_t max, mk_buf *mem,
                     mk_str *out_octets)
{
    size_t start = mem->len;
    mk_err err = mk_base64_parse(text, mem);
    size_t n = mem->len - start;

    if (err != MK_OK) {
        return err;
    }
    if (n < min || n > max) {
        return MK_E_SYNTAX;
    }
    *out_octets = mk_str_of(mem->ptr + start, n);
    return MK_OK;
}

mk_err mk_sasl_keys_parse(mk_str text, mk_hash hash, void *mem, size_t n,
                          mk_sasl_keys *out_keys)
{
    static const char separators[2][3] = {{'$', '$', '$'}, {':', '$', ':'}};
    size_t size = mk_hash_size(hash);
    bool is_other = mk_str_find(text, ':') < text.len;
    const char *separator = separators[is_other ? 1 : 0];
    mk_str count, salt, stored, server;
    mk_sasl_keys keys = {0};
    uint64_t iterations;
    mk_buf room;
    mk_err err;

    if (!is_hash_good(hash) || !take_part(&text, separator[0], &count) ||
        !take_part(&text, separator[1], &salt) ||
        !take_part(&text, separator[2], &stored) ||
        !take_part(&text, 0, &server)) {
        return MK_E_SYNTAX;
    }
    err = mk_str_u64(count, &iterations);
    if (err == MK_E_SYNTAX || count.ptr[0] == '0') {
        return MK_E_SYNTAX;
    }
    if (err != MK_OK || !is_count_good(iterations)) {
        return MK_E_LIMIT;
    }
    keys.iterations = (uint32_t)iterations;
    mk_buf_init(&room, mem, n);
    err = decode(salt, 1, SASL_SALT_MAX, &room, &keys.salt);
    if (err == MK_OK) {
        err = decode(stored, size, size, &room, &keys.stored_key);
    }
    if (err == MK_OK) {
        err = decode(server, size, size, &room, &keys.server_key);
    }
    if (err == MK_OK) {
        *out_keys = keys;
    }
    return err;
}
