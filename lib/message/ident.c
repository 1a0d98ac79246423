/* SPDX-License-Identifier: MIT
 *
 * message/ident.c: message identifiers (RFC 5322 3.6.4, 4.5.4) of Message-ID,
 * In-Reply-To, References and Content-ID, and paths of Return-Path and
 * Delivered-To (3.6.7). Views as they stand, one pass. An identifier is judged
 * as an address is, for that is its obsolete grammar; it is never changed.
 */
#include "message/address.h"

void mk_msgids_init(mk_msgids *it, mk_str text, mk_defects *defects)
{
    *it = (mk_msgids){.text = text,
                      .defects = defects,
                      .bare = mk_str_find(text, '<') == text.len};
}

static void tell(const mk_msgids *it, mk_defect_code code, mk_str where)
{
    mk_defects_add(it->defects, code, (uint64_t)(where.ptr - it->text.ptr),
                   where.len);
}

/* id-left "@" id-right, whose obsolete forms are local-part and domain. */
static void judge(const mk_msgids *it, mk_str id)
{
    size_t at = id.len;
    while (at > 0 && id.ptr[at - 1] != '@') {
        at--;
    }
    token_reader r = {id, at, 0, 0};
    if (at == 0) {
        tell(it, MK_DEFECT_HEADER_MSGID, id);
        return;
    }
    mk_token_local_part(&r, 0, at - 1);
    (void)mk_token_domain(&r);
    (void)mk_token_cfws(&r);
    if (r.at < id.len || (r.flags & MK_ADDRESS_INVALID) != 0) {
        tell(it, MK_DEFECT_HEADER_MSGID, id);
    } else if ((r.flags & (MK_ADDRESS_OBSOLETE | MK_ADDRESS_QUOTED |
                           MK_ADDRESS_COMMENTED)) != 0) {
        tell(it, MK_DEFECT_HEADER_MSGID_OBSOLETE, id);
    }
}

/* Words between identifiers: obs-in-reply-to, obs-references. */
static void skip_phrase(mk_msgids *it, token_reader *r)
{
    size_t start = r->at;
    while (r->at < r->text.len && r->text.ptr[r->at] != '<') {
        if (r->text.ptr[r->at] == '"') {
            (void)mk_token_quoted(r);
        } else if (!mk_token_cfws(r)) {
            r->at++;
        }
    }
    tell(it, MK_DEFECT_HEADER_MSGID_OBSOLETE,
         mk_str_sub(r->text, start, r->at - start));
}

/* To ">", or to what shows that it is missing. */
static bool take_angle(mk_msgids *it, token_reader *r, mk_str *out_id)
{
    size_t start = ++r->at;
    while (r->at < r->text.len && r->text.ptr[r->at] != '>' &&
           r->text.ptr[r->at] != '<') {
        r->at++;
    }
    *out_id = mk_field_trim(mk_str_sub(r->text, start, r->at - start));
    bool closed = mk_token_peek(r) == '>';
    r->at += closed ? 1U : 0U;
    if (!closed || out_id->len == 0) {
        tell(it, MK_DEFECT_HEADER_MSGID, *out_id);
    } else {
        judge(it, *out_id);
    }
    return out_id->len > 0;
}

/* Without any "<": words with an "@", or the only word. */
static bool take_bare(mk_msgids *it, mk_str *out_id)
{
    mk_str all = mk_field_trim(it->text);
    while (it->at < it->text.len) {
        size_t start = it->at;
        while (it->at < it->text.len &&
               mk_is_vchar(mk_octet_at(it->text, it->at))) {
            it->at++;
        }
        mk_str word = mk_str_sub(it->text, start, it->at - start);
        it->at += it->at < it->text.len ? 1U : 0U;
        if (word.len > 0 &&
            (word.len == all.len || mk_str_find(word, '@') < word.len)) {
            tell(it, MK_DEFECT_HEADER_MSGID, word);
            *out_id = word;
            return true;
        }
    }
    return false;
}

bool mk_msgids_next(mk_msgids *it, mk_str *out_id)
{
    mk_str id;
    if (it->bare) {
        return take_bare(it, out_id);
    }
    token_reader r = {it->text, it->at, 0, 0};
    bool found = false;
    while (!found) {
        (void)mk_token_cfws(&r);
        unsigned c = mk_token_peek(&r);
        if (c == TOKEN_END) {
            break;
        }
        if (c == '<') {
            found = take_angle(it, &r, &id);
        } else {
            skip_phrase(it, &r);
        }
    }
    it->at = r.at;
    if (found) {
        *out_id = id;
    }
    return found;
}

/* path = angle-addr / ([CFWS] "<" [CFWS] ">" [CFWS]); Delivered-To has no
 * brackets. */
bool mk_path_read(mk_str value, mk_defects *defects, mk_address *out_address)
{
    mk_addresses it;
    mk_address found, more;
    token_reader r = {value, 0, 0, 0};
    (void)mk_token_cfws(&r);
    size_t start = r.at;
    if (mk_token_peek(&r) == '<') {
        r.at++;
        (void)mk_token_cfws(&r);
        if (mk_token_peek(&r) == '>') {
            r.at++;
            *out_address =
                (mk_address){.kind = MK_ADDRESS_MAILBOX,
                             .raw = mk_str_sub(value, start, r.at - start),
                             .offset = start,
                             .flags = MK_ADDRESS_ANGLE};
            (void)mk_token_cfws(&r);
            if (r.at < value.len) {
                mk_defects_add(defects, MK_DEFECT_HEADER_PATH, r.at, 0);
            }
            return true;
        }
    }
    mk_addresses_init(&it, MK_FIELD_RETURN_PATH, value, NULL);
    bool any = mk_addresses_next(&it, &found);
    while (any && found.kind != MK_ADDRESS_MAILBOX) {
        any = mk_addresses_next(&it, &found); /* a group is no null path */
    }
    if (!any || found.name.len > 0 || (found.flags & MK_ADDRESS_INVALID) != 0 ||
        mk_addresses_next(&it, &more)) {
        mk_defects_add(defects, MK_DEFECT_HEADER_PATH, start,
                       value.len - start);
    }
    if (any) {
        *out_address = found;
    }
    return any;
}
