/* SPDX-License-Identifier: MIT
 *
 * sasl/text.c: names on the wire: strict UTF-8 (RFC 3629 4) without control
 * characters (C0, DEL, C1), saslname with its two escapes (RFC 5802 5.1), the
 * identity in a gs2-header (RFC 5801 4). SASLprep (RFC 4013) is not applied:
 * for ASCII without controls it changes nothing; other UTF-8 is taken as it is
 * spelt. It refuses overlong forms, surrogates, and every escape but two.
 */
#include "sasl/internal.h"

#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"

/* C0, DEL and C1 */
static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

mk_err mk_sasl_check_name(mk_str name)
{
    if (name.len == 0) {
        return MK_E_SYNTAX;
    }
    if (name.len > MK_SASL_NAME_MAX) {
        return MK_E_LIMIT;
    }
    while (name.len > 0) {
        uint32_t character;
        size_t n = mk_utf8_at(name, &character);

        if (n == 0) {
            return MK_E_SYNTAX;
        }
        if (is_control(character)) {
            return MK_E_CTL;
        }
        name = mk_str_sub(name, n, SIZE_MAX);
    }
    return MK_OK;
}

mk_err mk_sasl_keep_name(mk_str name, char *room, mk_str *out_name)
{
    mk_err err = mk_sasl_check_name(name);

    if (err != MK_OK) {
        return err == MK_E_LIMIT ? err : MK_E_SYNTAX;
    }
    memmove(room, name.ptr, name.len);
    *out_name = mk_str_of(room, name.len);
    return MK_OK;
}

bool mk_sasl_is_visible(mk_str s)
{
    size_t i = 0;

    while (i < s.len && mk_is_vchar(mk_octet_at(s, i))) {
        i++;
    }
    return i == s.len && i > 0;
}

/* No branch on an octet: the lowest bit of (c - 1) >> 8 is 1 for 0 alone. */
bool mk_sasl_has_nul(mk_str secret)
{
    static const unsigned char none = 0;
    unsigned char found = 0;
    size_t i;

    for (i = 0; i < secret.len; i++) {
        unsigned before = (unsigned)mk_octet_at(secret, i) - 1U;

        found = (unsigned char)(found | (before >> 8 & 1U));
    }
    return !mk_equal_ct(&found, &none, 1);
}

mk_err mk_sasl_escape(mk_buf *out, mk_str name)
{
    size_t i;

    for (i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c == ',') {
            (void)mk_buf_add_z(out, "=2C");
        } else if (c == '=') {
            (void)mk_buf_add_z(out, "=3D");
        } else {
            (void)mk_buf_add_c(out, c);
        }
    }
    return out->full ? MK_E_ROOM : MK_OK;
}

/* saslname = 1*(value-safe-char / "=2C" / "=3D") */
mk_err mk_sasl_unescape(mk_str escaped, char *room, mk_str *out_name)
{
    static const mk_str comma = MK_STR_INIT("=2C");
    static const mk_str equals = MK_STR_INIT("=3D");
    mk_buf name;

    mk_buf_init(&name, room, MK_SASL_NAME_MAX);
    while (escaped.len > 0) {
        mk_str head = mk_str_sub(escaped, 0, 3);
        char c = escaped.ptr[0];

        if (mk_str_is(head, comma)) {
            c = ',';
        } else if (mk_str_is(head, equals)) {
            c = '=';
        } else if (c == '=' || c == ',') {
            return MK_E_SYNTAX;
        } else {
            head.len = 1;
        }
        if (mk_buf_add_c(&name, c) != MK_OK) {
            return MK_E_LIMIT;
        }
        escaped = mk_str_sub(escaped, head.len, SIZE_MAX);
    }
    return mk_sasl_keep_name(mk_buf_str(&name), room, out_name);
}

mk_err mk_sasl_gs2_authzid(mk_str *io_in, char *room, mk_str *out_name)
{
    size_t n = mk_str_find(*io_in, ',');
    mk_str part = mk_str_sub(*io_in, 0, n);
    mk_err err = MK_OK;

    if (n == io_in->len) {
        return MK_E_SYNTAX;
    }
    if (n > 0) {
        if (n < 2 || part.ptr[0] != 'a' || part.ptr[1] != '=') {
            return MK_E_SYNTAX;
        }
        err = mk_sasl_unescape(mk_str_sub(part, 2, SIZE_MAX), room, out_name);
    }
    if (err == MK_OK) {
        *io_in = mk_str_sub(*io_in, n + 1, SIZE_MAX);
    }
    return err;
}
