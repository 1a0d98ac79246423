/* SPDX-License-Identifier: MIT
 *
 * check.h: what the tests of crypto/ share: cmocka, comparison with a value
 * written in hexadecimal, and a filling that fails at the n-th call and
 * counts what is open.
 */
#ifndef MK_TESTS_CRYPTO_CHECK_H
#define MK_TESTS_CRYPTO_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/codec.h>
#include <mailkit/crypto.h>

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static inline void assert_hex(const unsigned char *value, size_t n,
                              const char *hex)
{
    unsigned char want[256];
    mk_str text = mk_str_z(hex);
    mk_hex_decoder d;
    mk_buf b;

    mk_hex_decoder_init(&d);
    mk_buf_init(&b, want, sizeof want);
    assert_int_equal(mk_hex_decode(&d, &text, &b), MK_WAIT);
    assert_int_equal(mk_hex_decode_finish(&d), MK_OK);
    assert_int_equal(b.len, n);
    assert_memory_equal(value, want, n);
}

#endif
