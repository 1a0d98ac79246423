/* SPDX-License-Identifier: MIT
 *
 * message/address.h: the tokens of structured fields (RFC 5322 3.2, 4.1) over
 * text in memory: comments and folds, atoms, quoted strings, domains. What is
 * odd is kept as mk_address_flag, with the place of the first that is invalid.
 * Shared by addresses, message identifiers and trace fields.
 */
#ifndef MESSAGE_ADDRESS_H
#define MESSAGE_ADDRESS_H

#include "base/ascii.h"

#include <mailkit/header.h>

typedef struct token_reader {
    mk_str text;
    size_t at;
    size_t invalid_at;
    uint32_t flags; /* mk_address_flag */
} token_reader;

enum { TOKEN_END = 256 };

/* The octet at the cursor, or TOKEN_END. */
static inline unsigned mk_token_peek(const token_reader *r)
{
    return r->at < r->text.len ? mk_octet_at(r->text, r->at) : TOKEN_END;
}

/* atext, or what RFC 6532 3.2 adds to it. */
static inline bool mk_token_is_atext(unsigned c)
{
    return c < TOKEN_END && (c >= 0x80 || mk_is_atext((unsigned char)c));
}

/* WSP, CR or LF. */
static inline bool mk_token_is_space(unsigned c)
{
    return c < TOKEN_END && mk_is_space((unsigned char)c);
}

void mk_token_invalid(token_reader *r);

/* CFWS, where some may begin. */
bool mk_token_cfws_some(token_reader *r);

/* [CFWS]; true when there was some. */
static inline bool mk_token_cfws(token_reader *r)
{
    unsigned c = mk_token_peek(r);
    return (c <= ' ' || c == '(') && mk_token_cfws_some(r);
}

/* comment at the cursor, which is a "("; what is within. */
mk_str mk_token_comment(token_reader *r);

/* 1*atext at the cursor. */
void mk_token_atom(token_reader *r);

/* quoted-string at the cursor, which is a DQUOTE; true when it has an end. */
bool mk_token_quoted(token_reader *r);

/* domain-literal at the cursor, which is a "[". */
void mk_token_literal(token_reader *r);

/* [CFWS] domain, without the CFWS behind it. */
mk_str mk_token_domain(token_reader *r);

/* Judge the view [start, end) of r->text as a local-part. */
void mk_token_local_part(token_reader *r, size_t start, size_t end);

/* What SMTP says of an addr-spec: MK_ADDRESS_NOT_5321, MK_ADDRESS_LONG. */
uint32_t mk_address_judge(mk_str local_part, mk_str domain, uint32_t flags);

#endif
