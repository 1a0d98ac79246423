/* SPDX-License-Identifier: MIT
 *
 * message/auth_results.c: Authentication-Results (RFC 8601 2.2), item after
 * item, views into the text. It reads what is written and believes nothing:
 * whose name it bears and whether that can be (5) is for the caller to know.
 */
#include "message/address.h"

static void tell(mk_auth_results *it, size_t at)
{
    if (!it->told) {
        it->told = true;
        mk_defects_add(it->defects, MK_DEFECT_HEADER_AUTH_RESULTS, at, 0);
    }
}

/* value = token / quoted-string, and pvalue, which has "@", "." and "/": up to
 * CFWS, ";" or one of `stops`. */
static mk_str take_value(token_reader *r, const char *stops)
{
    size_t start = r->at;
    if (mk_token_peek(r) == '"') {
        bool closed = mk_token_quoted(r);
        mk_str inside = mk_str_sub(r->text, start + 1,
                                   r->at - start - 1 - (closed ? 1 : 0));
        if (mk_token_peek(r) != '@') {
            return inside;
        }
    }
    for (;;) {
        unsigned c = mk_token_peek(r);
        if (c == TOKEN_END || mk_token_is_space(c) || c == ';' || c == '(' ||
            c == '"' ||
            mk_str_find(mk_str_z(stops), (unsigned char)c) <
                mk_str_z(stops).len) {
            return mk_str_sub(r->text, start, r->at - start);
        }
        r->at++;
    }
}

static bool skip(token_reader *r, unsigned want)
{
    (void)mk_token_cfws(r);
    if (mk_token_peek(r) != want) {
        return false;
    }
    r->at++;
    (void)mk_token_cfws(r);
    return true;
}

static bool is_version(mk_str s)
{
    size_t at = 0;
    while (at < s.len && mk_is_digit(mk_octet_at(s, at))) {
        at++;
    }
    return at == s.len;
}

/* Quotes and comments without end, and octets that none may hold. */
static void tell_tokens(mk_auth_results *it, const token_reader *r)
{
    if ((r->flags & MK_ADDRESS_INVALID) != 0) {
        tell(it, r->invalid_at);
    }
}

/* authserv-id [CFWS authres-version] */
void mk_auth_results_init(mk_auth_results *it, mk_str text, mk_defects *defects)
{
    token_reader r = {text, 0, 0, 0};
    *it = (mk_auth_results){.text = text, .defects = defects};
    (void)mk_token_cfws(&r);
    it->server = take_value(&r, "");
    (void)mk_token_cfws(&r);
    it->version = take_value(&r, "");
    (void)mk_token_cfws(&r);
    it->at = r.at;
    tell_tokens(it, &r);
    if (it->server.len == 0 || !is_version(it->version) || r.at == text.len ||
        text.ptr[r.at] != ';') {
        tell(it, r.at);
    }
}

/* method ["/" version] "=" result; false for "none" and what is no result. */
static bool read_result(mk_auth_results *it, token_reader *r)
{
    size_t start = r->at;
    it->method = take_value(r, "/=");
    it->method_version = mk_str_of(NULL, 0);
    if (skip(r, '/')) {
        it->method_version = take_value(r, "=");
    }
    if (skip(r, '=')) {
        it->result = take_value(r, "");
        if (it->method.len > 0 && it->result.len > 0) {
            return true;
        }
    } else if (it->method.len == 0 ||
               mk_str_is_nocase(it->method, mk_str_z("none"))) {
        return false;
    }
    it->result = mk_str_of(NULL, 0);
    tell(it, start);
    return false;
}

/* reasonspec = "reason" "=" value; propspec = ptype "." property "=" pvalue */
static bool read_more(mk_auth_results *it, token_reader *r, mk_auth_item *out)
{
    size_t start = r->at;
    out->ptype = take_value(r, ".=");
    if (skip(r, '.')) {
        out->kind = MK_AUTH_ITEM_PROPERTY;
        out->property = take_value(r, "=");
    } else {
        out->kind = MK_AUTH_ITEM_REASON;
    }
    bool is_reason = mk_str_is_nocase(out->ptype, mk_str_z("reason"));
    if (skip(r, '=')) {
        out->value = take_value(r, "");
        if (out->kind == MK_AUTH_ITEM_REASON ? is_reason : out->ptype.len > 0) {
            return true;
        }
    }
    r->at += r->at == start ? 1U : 0U;
    tell(it, start);
    return false;
}

static void finish(mk_auth_results *it, const token_reader *r,
                   mk_auth_item *item, mk_auth_item *out)
{
    it->at = r->at;
    item->method = it->method;
    item->version = it->method_version;
    item->result = it->result;
    if (item->kind == MK_AUTH_ITEM_REASON) {
        item->ptype = mk_str_of(NULL, 0);
    }
    *out = *item;
}

bool mk_auth_results_next(mk_auth_results *it, mk_auth_item *out_item)
{
    token_reader r = {it->text, it->at, 0, 0};
    mk_auth_item item;
    for (;;) {
        item = (mk_auth_item){.kind = MK_AUTH_ITEM_RESULT};
        (void)mk_token_cfws(&r);
        if (r.at >= r.text.len) {
            it->at = r.at;
            tell_tokens(it, &r);
            return false;
        }
        if (skip(&r, ';')) {
            it->result = mk_str_of(NULL, 0);
            if (read_result(it, &r)) {
                break;
            }
        } else if (it->result.len > 0) {
            if (read_more(it, &r, &item)) {
                break;
            }
        } else {
            tell(it, r.at);
            r.at++;
        }
    }
    tell_tokens(it, &r);
    finish(it, &r, &item, out_item);
    return true;
}
