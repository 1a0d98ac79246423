/* SPDX-License-Identifier: MIT
 *
 * ascii.h: classes of octets by the grammars of RFC 5234 appendix B.1, RFC
 * 5322 §3.2.3 and RFC 2045 §5.1, without a locale. Every function takes an
 * unsigned char, so that an octet 0x80 to 0xFF is never a negative index
 * (THREATS 24): it belongs to no class here. Callers convert a char explicitly,
 * by mk_octet_at or a cast. It refuses to know of UTF-8 (RFC 6531): who allows
 * it says `|| c >= 0x80` where the grammar does.
 */
#ifndef MK_BASE_ASCII_H
#define MK_BASE_ASCII_H

#include <mailkit/base.h>

enum {
    MK_CLASS_DIGIT = 1,  /* 0-9 */
    MK_CLASS_ALPHA = 2,  /* A-Z a-z */
    MK_CLASS_HEX = 4,    /* 0-9 A-F a-f */
    MK_CLASS_ATEXT = 8,  /* RFC 5322 §3.2.3, also RFC 5321 §4.1.2 Atom */
    MK_CLASS_VCHAR = 16, /* %x21-7E */
    MK_CLASS_WSP = 32,   /* SP HTAB */
    MK_CLASS_CTL = 64,   /* %x00-1F %x7F */
    MK_CLASS_TOKEN = 128 /* RFC 2045 §5.1: VCHAR but tspecials */
};

/* One octet of classes for each octet value; in ascii.c. */
extern const unsigned char mk_ascii_classes[256];

static inline unsigned char mk_octet_at(mk_str s, size_t i)
{
    return (unsigned char)s.ptr[i];
}

static inline bool mk_ascii_is(unsigned char c, unsigned classes)
{
    return (mk_ascii_classes[c] & classes) != 0;
}

static inline bool mk_is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static inline bool mk_is_alpha(unsigned char c)
{
    return mk_ascii_is(c, MK_CLASS_ALPHA);
}

static inline bool mk_is_alnum(unsigned char c)
{
    return mk_ascii_is(c, MK_CLASS_ALPHA | MK_CLASS_DIGIT);
}

static inline bool mk_is_hex(unsigned char c)
{
    return mk_ascii_is(c, MK_CLASS_HEX);
}

static inline bool mk_is_atext(unsigned char c)
{
    return mk_ascii_is(c, MK_CLASS_ATEXT);
}

static inline bool mk_is_vchar(unsigned char c)
{
    return mk_ascii_is(c, MK_CLASS_VCHAR);
}

static inline bool mk_is_wsp(unsigned char c)
{
    return c == ' ' || c == '\t';
}

/* What unfolding and trimming take for white space: WSP and line ends. */
static inline bool mk_is_space(unsigned char c)
{
    return mk_is_wsp(c) || c == '\r' || c == '\n';
}

static inline bool mk_is_token(unsigned char c)
{
    return mk_ascii_is(c, MK_CLASS_TOKEN);
}

static inline bool mk_is_ctl(unsigned char c)
{
    return mk_ascii_is(c, MK_CLASS_CTL);
}

static inline unsigned char mk_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static inline unsigned char mk_upper(unsigned char c)
{
    return c >= 'a' && c <= 'z' ? (unsigned char)(c - ('a' - 'A')) : c;
}

/* 0 to 15, or -1 when c is not a hexadecimal digit of either case. */
static inline int mk_hex_value(unsigned char c)
{
    if (mk_is_digit(c)) {
        return c - '0';
    }
    c = mk_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0123456789ABCDEF"[nibble & 15]; the case that RFC 2045 §6.7 demands. */
static inline char mk_hex_digit(unsigned nibble)
{
    nibble &= 15U;
    return (char)(nibble < 10 ? '0' + (int)nibble : 'A' + (int)nibble - 10);
}

#endif
