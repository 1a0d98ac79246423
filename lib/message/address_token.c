/* SPDX-License-Identifier: MIT
 *
 * message/address_token.c: tokens of structured fields: CFWS (RFC 5322 3.2.2,
 * 4.2), atoms (3.2.3), quoted strings (3.2.4, 4.1), dot-atoms, domains and
 * their literals (3.4.1, 4.4), each with its obsolete forms. Comments nest by
 * counting. Folds may end with LF alone, as stored files have them; a CR or
 * LF that folds nothing is invalid.
 */
#include "message/address.h"

void mk_token_invalid(token_reader *r)
{
    if ((r->flags & MK_ADDRESS_INVALID) == 0) {
        r->flags |= MK_ADDRESS_INVALID;
        r->invalid_at = r->at;
    }
}

/* [CR] LF before WSP; anything else is invalid and one octet long. */
static bool take_fold(token_reader *r)
{
    mk_str s = r->text;
    size_t feed = r->at + (s.ptr[r->at] == '\r' ? 1U : 0U);
    if (feed < s.len && s.ptr[feed] == '\n' && feed + 1 < s.len &&
        mk_is_wsp(mk_octet_at(s, feed + 1))) {
        r->at = feed + 1;
        return true;
    }
    mk_token_invalid(r);
    r->at++;
    return false;
}

/* obs-NO-WS-CTL and NUL outside of quoted pairs: ctext, qtext, dtext alike. */
static void take_text(token_reader *r, unsigned char c)
{
    if (c >= 0x80) {
        r->flags |= MK_ADDRESS_8BIT;
    } else if (c == '\0') {
        mk_token_invalid(r);
    } else if (mk_is_ctl(c) && c != '\t') {
        r->flags |= MK_ADDRESS_OBSOLETE;
    }
    r->at++;
}

/* quoted-pair = ("\" (VCHAR / WSP)) / obs-qp */
static void take_pair(token_reader *r)
{
    if (r->at + 1 >= r->text.len) {
        mk_token_invalid(r);
        r->at = r->text.len;
        return;
    }
    unsigned char c = mk_octet_at(r->text, r->at + 1);
    if (c >= 0x80) {
        r->flags |= MK_ADDRESS_8BIT;
    } else if (!mk_is_vchar(c) && !mk_is_wsp(c)) {
        r->flags |= MK_ADDRESS_OBSOLETE;
    }
    r->at += 2;
}

/* comment = "(" *([FWS] ccontent) [FWS] ")"; true when it has an end. */
static bool take_comment(token_reader *r)
{
    size_t depth = 0;
    r->flags |= MK_ADDRESS_COMMENTED;
    while (r->at < r->text.len) {
        unsigned char c = mk_octet_at(r->text, r->at);
        if (c == '\\') {
            take_pair(r);
        } else if (c == '\r' || c == '\n') {
            (void)take_fold(r);
        } else {
            depth += c == '(' ? 1U : 0U;
            depth -= c == ')' ? 1U : 0U;
            take_text(r, c);
            if (depth == 0) {
                return true;
            }
        }
    }
    mk_token_invalid(r);
    return false;
}

mk_str mk_token_comment(token_reader *r)
{
    size_t start = r->at + 1;
    bool closed = take_comment(r);
    return mk_str_sub(r->text, start, r->at - start - (closed ? 1 : 0));
}

bool mk_token_cfws_some(token_reader *r)
{
    size_t start = r->at;
    unsigned folds = 0;
    while (r->at < r->text.len) {
        unsigned char c = mk_octet_at(r->text, r->at);
        if (mk_is_wsp(c)) {
            r->at++;
        } else if (c == '(') {
            (void)take_comment(r);
            folds = 0;
        } else if (c == '\r' || c == '\n') {
            folds += take_fold(r) ? 1U : 0U;
            if (folds == 2) { /* obs-FWS: a line of white space alone */
                r->flags |= MK_ADDRESS_OBSOLETE;
            }
        } else {
            break;
        }
    }
    return r->at > start;
}

void mk_token_atom(token_reader *r)
{
    mk_str s = r->text;
    size_t at = r->at;
    for (;;) {
        while (at < s.len && mk_is_atext(mk_octet_at(s, at))) {
            at++;
        }
        if (at == s.len || mk_octet_at(s, at) < 0x80) {
            break;
        }
        r->flags |= MK_ADDRESS_8BIT;
        at++;
    }
    r->at = at;
}

bool mk_token_quoted(token_reader *r)
{
    r->at++;
    while (r->at < r->text.len) {
        unsigned char c = mk_octet_at(r->text, r->at);
        if (c == '"') {
            r->at++;
            return true;
        }
        if (c == '\\') {
            take_pair(r);
        } else if (c == '\r' || c == '\n') {
            (void)take_fold(r);
        } else {
            take_text(r, c);
        }
    }
    mk_token_invalid(r);
    return false;
}

void mk_token_literal(token_reader *r)
{
    r->at++;
    while (r->at < r->text.len) {
        unsigned char c = mk_octet_at(r->text, r->at);
        if (c == ']') {
            r->at++;
            return;
        }
        if (c == '[') {
            mk_token_invalid(r);
        }
        if (c == '\\') {
            r->flags |= MK_ADDRESS_OBSOLETE;
            take_pair(r);
        } else if (c == '\r' || c == '\n') {
            (void)take_fold(r);
        } else {
            take_text(r, c);
        }
    }
    mk_token_invalid(r);
}

static bool at_word_mark(const token_reader *r)
{
    return r->text.len - r->at > 1 && r->text.ptr[r->at] == '=' &&
           r->text.ptr[r->at + 1] == '?';
}

/* Atoms with dots, and CFWS around the dots in the obsolete form. */
static void take_labels(token_reader *r)
{
    for (;;) {
        if (!mk_token_is_atext(mk_token_peek(r))) {
            mk_token_invalid(r);
        }
        if (at_word_mark(r)) {
            r->flags |= MK_ADDRESS_WORD_INSIDE;
        }
        mk_token_atom(r);
        token_reader before = *r;
        bool spaced = mk_token_cfws(r);
        if (mk_token_peek(r) != '.') {
            *r = before;
            return;
        }
        r->at++;
        spaced |= mk_token_cfws(r);
        if (spaced) {
            r->flags |= MK_ADDRESS_OBSOLETE | MK_ADDRESS_SPACED;
        }
    }
}

mk_str mk_token_domain(token_reader *r)
{
    if (mk_token_cfws(r)) { /* 3.4.1: SHOULD NOT be next to the "@" */
        r->flags |= MK_ADDRESS_OBSOLETE;
    }
    size_t start = r->at;
    if (mk_token_peek(r) == '[') {
        r->flags |= MK_ADDRESS_LITERAL;
        mk_token_literal(r);
    } else {
        take_labels(r);
    }
    return mk_str_sub(r->text, start, r->at - start);
}

/* local-part = dot-atom / quoted-string / obs-local-part, and the last is
 * word *("." word) */
void mk_token_local_part(token_reader *r, size_t start, size_t end)
{
    token_reader in = {mk_str_sub(r->text, 0, end), start, 0, 0};
    unsigned words = 0;
    bool want_word = true;
    for (bool spaced = mk_token_cfws(&in); in.at < end;
         spaced = mk_token_cfws(&in)) {
        if (spaced && words > 0) {
            in.flags |= MK_ADDRESS_SPACED | MK_ADDRESS_OBSOLETE;
        }
        unsigned c = mk_token_peek(&in);
        if (c == '.') {
            if (want_word) {
                mk_token_invalid(&in);
            }
            want_word = true;
            in.at++;
            continue;
        }
        if (at_word_mark(&in)) {
            in.flags |= MK_ADDRESS_WORD_INSIDE;
        }
        if (c == '"') {
            in.flags |= MK_ADDRESS_QUOTED;
            (void)mk_token_quoted(&in);
        } else if (want_word && mk_token_is_atext(c)) {
            mk_token_atom(&in);
        } else {
            mk_token_invalid(&in);
            in.at++;
        }
        want_word = false;
        words++;
    }
    if (want_word) {
        mk_token_invalid(&in);
    }
    if (words > 1 && (in.flags & MK_ADDRESS_QUOTED) != 0) {
        in.flags |= MK_ADDRESS_OBSOLETE;
    }
    if ((in.flags & MK_ADDRESS_INVALID) != 0) {
        size_t at = r->at;
        r->at = in.invalid_at;
        mk_token_invalid(r);
        r->at = at;
    }
    r->flags |= in.flags;
}

/* ---- what SMTP can carry ---- */

enum { LOCAL_MAX = 64, LABEL_MAX = 63, DOMAIN_MAX = 255, ADDRESS_MAX = 254 };

/* RFC 5321 4.1.3: "::" stands for two groups at least. */
static bool is_ipv6(mk_str text)
{
    uint8_t unused[16];
    size_t groups = 0;
    bool gap = false;
    if (mk_address_parse(text, unused) != 6) {
        return false;
    }
    while (text.len > 0) {
        mk_str part = mk_str_sub(text, 0, mk_str_find(text, ':'));
        text = mk_str_sub(text, part.len + 1, SIZE_MAX);
        gap |= text.len > 0 && text.ptr[0] == ':';
        groups += part.len > 0 ? 1U : 0U;
        groups += mk_str_find(part, '.') < part.len ? 1U : 0U;
    }
    return !gap || groups <= 6;
}

static bool is_smtp_literal(mk_str domain)
{
    uint8_t unused[16];
    mk_str text = mk_str_sub(domain, 1, domain.len - 2);
    mk_str tag = MK_STR_INIT("IPv6:");
    return mk_str_has_prefix_nocase(text, tag)
               ? is_ipv6(mk_str_sub(text, tag.len, SIZE_MAX))
               : mk_address_parse(text, unused) == 4;
}

/* sub-domain = Let-dig [Ldh-str], and U-labels (RFC 6531 3.3). */
static uint32_t judge_domain(mk_str s)
{
    uint32_t flags = 0;
    size_t start = 0;
    for (size_t i = 0; i <= s.len; i++) {
        unsigned char c = i < s.len ? mk_octet_at(s, i) : '.';
        if (mk_is_alnum(c)) {
            continue;
        }
        if (c == '.') {
            bool bad = i == start || s.ptr[start] == '-' || s.ptr[i - 1] == '-';
            flags |= bad ? (unsigned)MK_ADDRESS_NOT_5321 : 0U;
            flags |= i - start > LABEL_MAX ? (unsigned)MK_ADDRESS_LONG : 0U;
            start = i + 1;
        } else if (c != '-' && c < 0x80) {
            flags |= MK_ADDRESS_NOT_5321;
        }
    }
    return flags;
}

/* QcontentSMTP has no controls, not even HTAB. */
static bool is_smtp_quoted(mk_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (mk_is_ctl(mk_octet_at(s, i))) {
            return false;
        }
    }
    return true;
}

uint32_t mk_address_judge(mk_str local_part, mk_str domain, uint32_t flags)
{
    uint32_t found = 0;
    if ((flags & MK_ADDRESS_SPACED) != 0) {
        return 0; /* has lengths of its own when it is written plainly */
    }
    if ((flags & MK_ADDRESS_LITERAL) != 0) {
        found = is_smtp_literal(domain) ? 0U : (unsigned)MK_ADDRESS_NOT_5321;
    } else {
        found = judge_domain(domain);
    }
    if ((flags & MK_ADDRESS_QUOTED) != 0 && !is_smtp_quoted(local_part)) {
        found |= MK_ADDRESS_NOT_5321;
    }
    if (local_part.len > LOCAL_MAX || domain.len > DOMAIN_MAX ||
        local_part.len + 1 + domain.len > ADDRESS_MAX) {
        found |= MK_ADDRESS_LONG;
    }
    return found;
}
