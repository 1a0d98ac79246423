/* SPDX-License-Identifier: MIT
 *
 * str.c: borrowed views of octets. Comparison is by octet or by ASCII case;
 * numbers are read with a check of every step, so that no length of input
 * overflows (THREATS 111). It refuses signs, white space and empty numbers.
 */
#include "base/ascii.h"

#include <string.h>

mk_str mk_str_z(const char *z)
{
    return mk_str_of(z, z == NULL ? 0 : strlen(z));
}

bool mk_str_is(mk_str a, mk_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool mk_str_is_nocase(mk_str a, mk_str b)
{
    return a.len == b.len && mk_str_has_prefix_nocase(a, b);
}

bool mk_str_has_prefix_nocase(mk_str s, mk_str prefix)
{
    size_t i;

    if (s.len < prefix.len) {
        return false;
    }
    for (i = 0; i < prefix.len; i++) {
        if (mk_lower(mk_octet_at(s, i)) != mk_lower(mk_octet_at(prefix, i))) {
            return false;
        }
    }
    return true;
}

size_t mk_str_find(mk_str s, unsigned char c)
{
    const char *hit = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);

    return hit == NULL ? s.len : (size_t)(hit - s.ptr);
}

mk_str mk_str_sub(mk_str s, size_t start, size_t n)
{
    size_t left;

    if (start >= s.len) {
        return mk_str_of(s.len == 0 ? s.ptr : s.ptr + s.len, 0);
    }
    left = s.len - start;
    return mk_str_of(s.ptr + start, n < left ? n : left);
}

bool mk_str_has_ctl(mk_str s)
{
    return mk_str_find(s, '\r') < s.len || mk_str_find(s, '\n') < s.len ||
           mk_str_find(s, '\0') < s.len;
}

mk_err mk_str_u64(mk_str s, uint64_t *out_value)
{
    uint64_t value = 0;
    bool fits = true;
    size_t i;

    if (s.len == 0) {
        return MK_E_SYNTAX;
    }
    for (i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        uint64_t digit;

        if (!mk_is_digit(c)) {
            return MK_E_SYNTAX;
        }
        digit = (uint64_t)(c - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            fits = false;
        } else {
            value = value * 10 + digit;
        }
    }
    if (!fits) {
        return MK_E_OVERFLOW;
    }
    *out_value = value;
    return MK_OK;
}
