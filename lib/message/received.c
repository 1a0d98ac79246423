/* SPDX-License-Identifier: MIT
 *
 * message/received.c: trace fields (RFC 5321 4.4, RFC 5322 3.6.7): FROM, BY,
 * VIA, WITH, ID, FOR and TLS (RFC 8314 4.3) with the comments behind them, and
 * the date behind the last semicolon. Clauses of others are passed over.
 * Nothing here is proof but what the own server wrote; the first of a clause
 * counts.
 */
#include "message/address.h"

enum {
    WORD_FROM,
    WORD_BY,
    WORD_VIA,
    WORD_WITH,
    WORD_ID,
    WORD_FOR,
    WORD_TLS,
    WORDS
};

/* A word as it stands: up to CFWS or ";", quotes and brackets whole. */
static mk_str take_word(token_reader *r)
{
    size_t start = r->at;
    for (;;) {
        unsigned c = mk_token_peek(r);
        if (c == TOKEN_END || mk_token_is_space(c) || c == '(') {
            return mk_str_sub(r->text, start, r->at - start);
        }
        if (c == '"') {
            (void)mk_token_quoted(r);
        } else if (c == '[') {
            mk_token_literal(r);
        } else {
            r->at++;
        }
    }
}

static int clause_of(mk_str word)
{
    static const char names[WORDS][5] = {"from", "by",  "via", "with",
                                         "id",   "for", "tls"};
    for (int i = 0; i < WORDS; i++) {
        if (mk_str_is_nocase(word, mk_str_z(names[i]))) {
            return i;
        }
    }
    return WORDS;
}

/* CFWS; the first comment is kept when one is wanted. */
static void take_info(token_reader *r, mk_str *out_info)
{
    while (r->at < r->text.len) {
        unsigned c = mk_token_peek(r);
        if (c == '(') {
            mk_str info = mk_token_comment(r);
            if (out_info != NULL && out_info->ptr == NULL) {
                *out_info = info;
            }
        } else if (mk_token_is_space(c)) {
            r->at++;
        } else {
            return;
        }
    }
}

/* The semicolon before the date: the last outside of comments and quotes. */
static size_t find_date(mk_str text)
{
    token_reader r = {text, 0, 0, 0};
    size_t found = text.len;
    while (r.at < text.len) {
        unsigned c = mk_token_peek(&r);
        if (c == '(') {
            (void)mk_token_comment(&r);
        } else if (c == '"') {
            (void)mk_token_quoted(&r);
        } else {
            found = c == ';' ? r.at : found;
            r.at++;
        }
    }
    return found;
}

/* Does what the client said of itself stand before the literal at `at`, as in
 * "helo=[192.0.2.1]" and "HELO [192.0.2.1]"? */
static bool is_said(mk_str s, size_t at)
{
    size_t end = at;
    while (end > 0 && mk_is_space(mk_octet_at(s, end - 1))) {
        end--;
    }
    mk_str word = mk_str_sub(s, end < 4 ? 0 : end - 4, end < 4 ? end : 4);
    return (at > 0 && s.ptr[at - 1] == '=') ||
           mk_str_is_nocase(word, mk_str_z("HELO")) ||
           mk_str_is_nocase(word, mk_str_z("EHLO"));
}

/* TCP-info = address-literal / ( Domain FWS address-literal ), and
 * address-literal = "[" ( IPv4 / "IPv6:" IPv6 ) "]"; the first that is one. */
static bool find_address(mk_str s, mk_received *out)
{
    mk_str tag = MK_STR_INIT("IPv6:");
    size_t at = 0;
    for (;;) {
        at += mk_str_find(mk_str_sub(s, at, SIZE_MAX), '[');
        size_t n = mk_str_find(mk_str_sub(s, at, SIZE_MAX), ']');
        if (at + n >= s.len) {
            return false;
        }
        mk_str text = mk_str_sub(s, at + 1, n - 1);
        if (mk_str_has_prefix_nocase(text, tag)) {
            text = mk_str_sub(text, tag.len, SIZE_MAX);
        }
        out->family = is_said(s, at) ? 0 : mk_address_parse(text, out->address);
        if (out->family != 0) {
            return true;
        }
        at += n;
    }
}

static mk_str without_angles(mk_str s)
{
    bool angles = s.len > 1 && s.ptr[0] == '<' && s.ptr[s.len - 1] == '>';
    return angles ? mk_str_sub(s, 1, s.len - 2) : s;
}

/* From-domain By-domain Opt-info; false when something else stands there. */
static bool read_clauses(mk_str text, mk_received *out)
{
    mk_str *const values[WORDS] = {
        &out->from_domain, &out->by_domain, &out->link, &out->protocol,
        &out->id,          &out->for_path,  &out->tls};
    token_reader r = {text, 0, 0, 0};
    bool clean = true;
    take_info(&r, NULL);
    while (r.at < text.len) {
        mk_str word = take_word(&r);
        int clause = clause_of(word);
        take_info(&r, NULL);
        if (clause == WORDS) {
            clean = false;
            r.at += word.len == 0 ? 1U : 0U;
            continue;
        }
        token_reader ahead = r;
        mk_str value = take_word(&ahead);
        /* "with TLS" is a protocol to some. */
        if (value.len == 0 || clause_of(value) < WORD_TLS) {
            clean = false;
            continue;
        }
        r = ahead;
        mk_str *info = clause == WORD_FROM ? &out->from_info
                       : clause == WORD_BY ? &out->by_info
                                           : NULL;
        bool again = values[clause]->len > 0;
        clean = clean && !again;
        take_info(&r, again ? NULL : info);
        if (!again) {
            *values[clause] = value;
        }
    }
    out->for_path = without_angles(out->for_path);
    return clean && out->from_domain.len > 0 && out->by_domain.len > 0;
}

bool mk_received_read(mk_str value, mk_defects *defects,
                      mk_received *out_received)
{
    mk_received got = {.has_date = false};
    size_t end = find_date(value);
    bool clean = read_clauses(mk_str_sub(value, 0, end), &got);
    if (!find_address(got.from_info, &got)) {
        (void)find_address(got.from_domain, &got);
    }
    if (end < value.len) {
        uint64_t base = defects != NULL ? defects->base : 0;
        if (defects != NULL) {
            defects->base += end + 1;
        }
        got.has_date = mk_date_read(mk_str_sub(value, end + 1, SIZE_MAX),
                                    defects, &got.date);
        if (defects != NULL) {
            defects->base = base;
        }
    }
    if (!clean || end == value.len) {
        mk_defects_add(defects, MK_DEFECT_HEADER_RECEIVED, 0, value.len);
    }
    *out_received = got;
    return got.has_date || got.from_domain.len > 0 || got.by_domain.len > 0 ||
           got.link.len > 0 || got.protocol.len > 0 || got.id.len > 0 ||
           got.for_path.len > 0 || got.tls.len > 0;
}
