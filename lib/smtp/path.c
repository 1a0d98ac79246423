/* SPDX-License-Identifier: MIT
 *
 * smtp/path.c: reverse-path, forward-path and mailbox by the grammar of RFC
 * 5321 4.1.2 and 4.1.3, and host names by RFC 1123 2.1. Iterative, linear, and
 * strict: nothing may stand behind the mailbox, the local-part ends at the
 * one '@' outside quotes, and a source route is skipped (RFC 5321 appendix C).
 * Octets above 0x7F need SMTPUTF8 (RFC 6531 3.3), and are refused with their
 * own error without it, and as no UTF-8 with it: THREATS 25. All limits are in
 * octets.
 */
#include <mailkit/smtp.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "smtp/extensions.h"

enum { LOCAL_PART_MAX = 64, DOMAIN_MAX = 255, PATH_MAX_OCTETS = 256 };

typedef struct cursor {
    mk_str text;
    size_t at;
    bool is_utf8;  /* SMTPUTF8 */
    bool has_utf8; /* and it was needed */
} cursor;

static bool peek(const cursor *c, unsigned char want)
{
    return c->at < c->text.len && mk_octet_at(c->text, c->at) == want;
}

static bool skip(cursor *c, unsigned char want)
{
    if (!peek(c, want)) {
        return false;
    }
    c->at++;
    return true;
}

/* What is wrong at the cursor: an octet that SMTPUTF8 would allow, or not. */
static mk_err wrong(const cursor *c)
{
    bool high = c->at < c->text.len && mk_octet_at(c->text, c->at) >= 0x80;
    return high && !c->is_utf8 ? MK_E_UNSUPPORTED : MK_E_SYNTAX;
}

/* UTF8-non-ascii = UTF8-2 / UTF8-3 / UTF8-4 (RFC 6532 3.1); but for C1, which
 * no U-label holds and a terminal may obey */
static bool skip_utf8(cursor *c)
{
    uint32_t character = 0;
    if (!SMTP_HAS(SMTPUTF8) || !c->is_utf8) {
        return false;
    }
    size_t n = mk_utf8_at(mk_str_sub(c->text, c->at, SIZE_MAX), &character);
    if (n == 0 || character < 0xA0) {
        return false;
    }
    c->at += n;
    c->has_utf8 = true;
    return true;
}

static bool skip_atext(cursor *c)
{
    if (c->at < c->text.len && mk_is_atext(mk_octet_at(c->text, c->at))) {
        c->at++;
        return true;
    }
    return skip_utf8(c);
}

/* Dot-string = Atom *("." Atom) */
static mk_err dot_string(cursor *c)
{
    do {
        size_t start = c->at;
        while (skip_atext(c)) {
        }
        if (c->at == start) {
            return wrong(c);
        }
    } while (skip(c, '.'));
    return MK_OK;
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE; an empty one is refused. */
static mk_err quoted_string(cursor *c)
{
    size_t start = ++c->at;
    while (c->at < c->text.len) {
        unsigned char o = mk_octet_at(c->text, c->at);
        if (o == '"') {
            c->at++;
            return c->at - 1 > start ? MK_OK : MK_E_SYNTAX;
        }
        if (skip_utf8(c)) {
            continue;
        }
        if (o == '\\' && c->at + 1 < c->text.len) {
            c->at++;
            o = mk_octet_at(c->text, c->at);
        } else if (o == '\\') {
            return MK_E_SYNTAX;
        }
        if (o < 32 || o > 126) {
            return wrong(c);
        }
        c->at++;
    }
    return MK_E_SYNTAX;
}

/* The underscore, which real domains carry, passes too when `lax`. */
static bool skip_ldh(cursor *c, bool lax)
{
    unsigned char o =
        c->at < c->text.len ? mk_octet_at(c->text, c->at) : (unsigned char)0;
    if (mk_is_alnum(o) || o == '-' || (lax && o == '_')) {
        c->at++;
        return true;
    }
    return skip_utf8(c);
}

/* Domain = sub-domain *("." sub-domain); sub-domain = Let-dig [Ldh-str] /
 * U-label, which is longer in UTF-8 than the 63 octets of its A-label may be
 * (RFC 5890 4.2) */
static mk_err domain_name(cursor *c, bool lax)
{
    do {
        size_t start = c->at;
        bool had_utf8 = c->has_utf8;
        c->has_utf8 = false;
        while (skip_ldh(c, lax)) {
        }
        size_t n = c->at - start;
        bool is_long = n > 63 && !c->has_utf8;
        c->has_utf8 = c->has_utf8 || had_utf8;
        if (n == 0) {
            return wrong(c);
        }
        if (is_long) {
            return MK_E_LIMIT;
        }
        if (mk_octet_at(c->text, start) == '-' ||
            mk_octet_at(c->text, c->at - 1) == '-') {
            return MK_E_SYNTAX;
        }
    } while (skip(c, '.'));
    return MK_OK;
}

/* IPv4-address-literal = Snum 3("." Snum), Snum 0 to 255 */
static bool is_ipv4(mk_str s)
{
    unsigned parts = 0;
    size_t at = 0;
    while (at <= s.len) {
        size_t n = mk_str_find(mk_str_sub(s, at, SIZE_MAX), '.');
        uint64_t value;
        if (n > 3 || mk_str_u64(mk_str_sub(s, at, n), &value) != MK_OK ||
            value > 255) {
            return false;
        }
        parts++;
        at += n + 1;
    }
    return parts == 4;
}

/* IPv6-addr (RFC 4291 2.2): eight groups, or fewer around one "::"; the last
 * two groups may be an IPv4 address. */
static bool is_ipv6(mk_str s)
{
    unsigned groups = 0;
    bool gap = false;
    size_t at = 0;
    if (s.len >= 2 && s.ptr[0] == ':' && s.ptr[1] == ':') {
        gap = true;
        at = 2;
    }
    while (at < s.len) {
        mk_str rest = mk_str_sub(s, at, SIZE_MAX);
        size_t n = mk_str_find(rest, ':');
        if (n == rest.len && is_ipv4(rest)) {
            groups += 2;
            break;
        }
        for (size_t i = 0; i < n; i++) {
            if (!mk_is_hex(mk_octet_at(rest, i))) {
                return false;
            }
        }
        if (n == 0 || n > 4) {
            return false;
        }
        groups++;
        at += n;
        if (at == s.len) {
            break;
        }
        at++; /* the colon; another one makes the gap */
        if (at < s.len && s.ptr[at] == ':') {
            if (gap) {
                return false;
            }
            gap = true;
            at++;
        } else if (at == s.len) {
            return false;
        }
    }
    return gap ? groups <= 7 : groups == 8;
}

/* address-literal = "[" ( IPv4 / "IPv6:" IPv6-addr ) "]" */
static mk_err address_literal(cursor *c)
{
    mk_str rest = mk_str_sub(c->text, c->at + 1, SIZE_MAX);
    size_t n = mk_str_find(rest, ']');
    mk_str inside = mk_str_sub(rest, 0, n);
    if (n == rest.len) {
        return MK_E_SYNTAX;
    }
    bool fine = mk_str_has_prefix_nocase(inside, mk_str_z("IPv6:"))
                    ? is_ipv6(mk_str_sub(inside, 5, SIZE_MAX))
                    : is_ipv4(inside);
    if (!fine) {
        return MK_E_SYNTAX;
    }
    c->at += n + 2;
    return MK_OK;
}

static mk_err domain_or_literal(cursor *c, mk_smtp_path *p)
{
    size_t start = c->at;
    mk_err err;
    if (peek(c, '[')) {
        p->flags |= MK_SMTP_PATH_LITERAL;
        err = address_literal(c);
    } else {
        err = domain_name(c, true);
    }
    p->domain = mk_str_sub(c->text, start, c->at - start);
    if (err == MK_OK && p->domain.len > DOMAIN_MAX) {
        err = MK_E_LIMIT;
    }
    return err;
}

/* Mailbox = Local-part "@" ( Domain / address-literal ), or postmaster, which
 * stands without a route as without a domain */
static mk_err mailbox(cursor *c, mk_smtp_path *p)
{
    size_t start = c->at;
    mk_err err;
    if (peek(c, '"')) {
        p->flags |= MK_SMTP_PATH_QUOTED;
        err = quoted_string(c);
    } else {
        err = dot_string(c);
    }
    if (err != MK_OK) {
        return err;
    }
    p->local_part = mk_str_sub(c->text, start, c->at - start);
    if (p->local_part.len > LOCAL_PART_MAX) {
        return MK_E_LIMIT;
    }
    if (p->local_part.ptr[0] == '-') {
        p->flags |= MK_SMTP_PATH_DASH;
    }
    if (skip(c, '@')) {
        err = domain_or_literal(c, p);
    } else if ((p->flags & MK_SMTP_PATH_ROUTE) == 0 &&
               mk_str_is_nocase(p->local_part, mk_str_z("postmaster"))) {
        p->flags |= MK_SMTP_PATH_NO_DOMAIN;
    } else {
        err = wrong(c);
    }
    p->mailbox = mk_str_sub(c->text, start, c->at - start);
    return err;
}

/* A-d-l ":" = At-domain *("," At-domain) ":" */
static mk_err source_route(cursor *c, mk_smtp_path *p)
{
    while (skip(c, '@')) {
        mk_err err = domain_or_literal(c, p);
        if (err != MK_OK) {
            return err;
        }
        if (skip(c, ':')) {
            p->flags = MK_SMTP_PATH_ROUTE;
            return MK_OK;
        }
        if (!skip(c, ',')) {
            return wrong(c);
        }
    }
    return wrong(c);
}

mk_err mk_smtp_path_parse(mk_str text, bool is_utf8, mk_smtp_path *out_path,
                          size_t *out_used)
{
    cursor c = {text, 0, is_utf8, false};
    mk_smtp_path p = {{NULL, 0}, {NULL, 0}, {NULL, 0}, 0};
    mk_err err = MK_OK;
    if (!skip(&c, '<')) {
        return wrong(&c);
    }
    if (skip(&c, '>')) {
        p.flags = MK_SMTP_PATH_NULL;
        *out_path = p;
        *out_used = c.at;
        return MK_OK;
    }
    if (peek(&c, '@')) {
        err = source_route(&c, &p);
    }
    if (err == MK_OK) {
        err = mailbox(&c, &p);
    }
    if (err == MK_OK && !skip(&c, '>')) {
        err = wrong(&c);
    }
    if (err == MK_OK && c.at > PATH_MAX_OCTETS) {
        err = MK_E_LIMIT;
    }
    if (err == MK_OK) {
        p.flags |= c.has_utf8 ? (uint32_t)MK_SMTP_PATH_UTF8 : 0;
        *out_path = p;
        *out_used = c.at;
    }
    return err;
}

mk_err mk_smtp_mailbox_parse(mk_str text, bool is_utf8, mk_smtp_path *out_path)
{
    cursor c = {text, 0, is_utf8, false};
    mk_smtp_path p = {{NULL, 0}, {NULL, 0}, {NULL, 0}, 0};
    mk_err err = mailbox(&c, &p);
    if (err == MK_OK && c.at < text.len) {
        err = wrong(&c);
    }
    if (err == MK_OK && text.len > PATH_MAX_OCTETS - 2) {
        err = MK_E_LIMIT;
    }
    if (err == MK_OK) {
        p.flags |= c.has_utf8 ? (uint32_t)MK_SMTP_PATH_UTF8 : 0;
        *out_path = p;
    }
    return err;
}

mk_err mk_smtp_local_part_plain(const mk_smtp_path *path, mk_buf *out)
{
    mk_str s = path->local_part;
    if ((path->flags & MK_SMTP_PATH_QUOTED) == 0) {
        return mk_buf_add(out, s);
    }
    mk_err err = MK_OK;
    for (size_t i = 1; i + 1 < s.len && err == MK_OK; i++) {
        if (s.ptr[i] == '\\') {
            i++;
        }
        err = mk_buf_add_c(out, s.ptr[i]);
    }
    return err;
}

bool mk_smtp_is_host_name(mk_str name)
{
    cursor c = {name, 0, false, false};
    mk_err err = peek(&c, '[') ? address_literal(&c) : domain_name(&c, false);
    return err == MK_OK && c.at == name.len && name.len <= DOMAIN_MAX;
}
