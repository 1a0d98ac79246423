/* SPDX-License-Identifier: MIT
 *
 * smtp/xtext.c: xtext, in which parameters of MAIL and RCPT hold any octets
 * (RFC 3461 4). Only capitals are digits. What hides a control character is
 * refused: whoever writes it into a file or a notice would begin a line of
 * somebody else's (THREATS 17).
 */
#include <mailkit/smtp.h>

#include "base/ascii.h"

/* xchar = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for
 * "+" and "=" */
static bool is_xchar(unsigned char c)
{
    return mk_is_vchar(c) && c != '+' && c != '=';
}

/* hexchar = ASCII "+" immediately followed by two upper case hexadecimal
 * digits; what it stands for, or -1 */
static int hexchar(mk_str s)
{
    if (s.len < 3 || s.ptr[0] != '+' || s.ptr[1] >= 'a' || s.ptr[2] >= 'a') {
        return -1;
    }
    int high = mk_hex_value(mk_octet_at(s, 1));
    int low = mk_hex_value(mk_octet_at(s, 2));
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* xtext = *( xchar / hexchar ) */
static mk_err parse(mk_str text, mk_buf *out)
{
    while (text.len > 0) {
        bool is_plain = is_xchar(mk_octet_at(text, 0));
        int c = is_plain ? mk_octet_at(text, 0) : hexchar(text);
        if (c < 0) {
            return MK_E_SYNTAX;
        }
        if (mk_is_ctl((unsigned char)c)) {
            return MK_E_CTL;
        }
        if (mk_buf_add_c(out, (char)(unsigned char)c) != MK_OK) {
            return MK_E_ROOM;
        }
        text = mk_str_sub(text, is_plain ? 1 : 3, SIZE_MAX);
    }
    return MK_OK;
}

mk_err mk_smtp_xtext_parse(mk_str text, mk_buf *out)
{
    size_t start = out->len;
    mk_err err = parse(text, out);
    if (err != MK_OK) {
        out->len = start;
    }
    return err;
}

mk_err mk_smtp_xtext_format(mk_str plain, mk_buf *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < plain.len; i++) {
        unsigned char c = mk_octet_at(plain, i);
        char hex[3] = {'+', mk_hex_digit((unsigned)c >> 4), mk_hex_digit(c)};
        (void)(is_xchar(c) ? mk_buf_add_c(out, (char)c)
                           : mk_buf_add(out, mk_str_of(hex, sizeof hex)));
    }
    if (out->full) {
        out->len = start;
        return MK_E_ROOM;
    }
    return MK_OK;
}
