/* SPDX-License-Identifier: MIT
 *
 * message/list.c: the fields of mailing lists: URIs in angle brackets with
 * commas and comments (RFC 2369 2), NO of List-Post (3.4), and the identifier
 * of List-Id (RFC 2919 3). Views only; no URI is taken apart or believed.
 */
#include "message/address.h"

static void tell(mk_defects *defects, size_t at, size_t n)
{
    mk_defects_add(defects, MK_DEFECT_HEADER_LIST, at, n);
}

/* "<" … ">" at the cursor; false when it has no end. */
static bool take_angle(token_reader *r, mk_str *out)
{
    size_t start = r->at + 1;
    mk_str rest = mk_str_sub(r->text, start, SIZE_MAX);
    size_t n = mk_str_find(rest, '>');
    *out = mk_field_trim(mk_str_sub(rest, 0, n));
    r->at = start + n + (n < rest.len ? 1U : 0U);
    return n < rest.len;
}

void mk_list_uris_init(mk_list_uris *it, mk_str text, mk_defects *defects)
{
    token_reader r = {text, 0, 0, 0};
    *it = (mk_list_uris){.text = text, .defects = defects};
    (void)mk_token_cfws(&r);
    size_t start = r.at;
    mk_token_atom(&r);
    mk_str word = mk_str_sub(text, start, r.at - start);
    (void)mk_token_cfws(&r);
    if (mk_str_is_nocase(word, mk_str_z("NO")) && r.at == text.len) {
        it->is_no = true;
        it->at = text.len;
    }
}

bool mk_list_uris_next(mk_list_uris *it, mk_str *out_uri)
{
    token_reader r = {it->text, it->at, 0, 0};
    size_t junk = SIZE_MAX;
    for (;;) {
        (void)mk_token_cfws(&r);
        unsigned c = mk_token_peek(&r);
        if (c == '<' || c == TOKEN_END) {
            break;
        }
        junk = c != ',' && junk == SIZE_MAX ? r.at : junk;
        r.at++;
    }
    if (junk != SIZE_MAX) {
        tell(it->defects, junk, 0);
    }
    bool found = r.at < r.text.len;
    if (found) {
        size_t start = r.at;
        if (!take_angle(&r, out_uri)) {
            tell(it->defects, start, 1);
        }
    }
    it->at = r.at;
    return found;
}

/* list-id-header = "List-ID:" [phrase] "<" list-id ">" CRLF */
bool mk_list_id_read(mk_str value, mk_defects *defects, mk_str *out_name,
                     mk_str *out_id)
{
    token_reader r = {value, 0, 0, 0};
    mk_str all = mk_field_trim(value);
    if (all.len == 0) {
        return false;
    }
    while (r.at < value.len && value.ptr[r.at] != '<') {
        if (value.ptr[r.at] == '"') {
            (void)mk_token_quoted(&r);
        } else if (!mk_token_cfws(&r)) {
            r.at++;
        }
    }
    *out_name = mk_field_trim(mk_str_sub(value, 0, r.at));
    if (r.at == value.len) { /* the identifier alone */
        *out_id = *out_name;
        *out_name = mk_str_sub(value, 0, 0);
        tell(defects, 0, value.len);
    } else if (!take_angle(&r, out_id)) {
        tell(defects, r.at, 0);
    }
    return true;
}
