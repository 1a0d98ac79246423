/* SPDX-License-Identifier: MIT
 *
 * message/address_text.c: what is shown and written of an address: display
 * names and comments in UTF-8 (RFC 5322 3.2, RFC 2047 5), the local-part
 * without its quotes, the addr-spec in its plain form (3.4.1). Encoded words
 * are decoded in names and comments alone, never in an addr-spec (THREATS 58,
 * 59).
 */
#include "message/address.h"
#include "message/word.h"

/* quoted-string at the cursor; what is within. */
static mk_str take_quoted(token_reader *r)
{
    size_t start = r->at + 1;
    bool closed = mk_token_quoted(r);
    return mk_str_sub(r->text, start, r->at - start - (closed ? 1 : 0));
}

/* phrase = 1*word / obs-phrase; comments vanish, CFWS is one space. */
static void add_phrase(words *w, mk_str phrase)
{
    token_reader r = {phrase, 0, 0, 0};
    while (r.at < phrase.len) {
        size_t start = r.at;
        if (mk_token_cfws(&r)) {
            mk_words_space(w);
            continue;
        }
        if (mk_token_peek(&r) == '"') {
            mk_words_add(w, take_quoted(&r), WORDS_QUOTED);
            continue;
        }
        while (r.at < phrase.len && phrase.ptr[r.at] != '"' &&
               phrase.ptr[r.at] != '(') {
            r.at++;
        }
        mk_words_add(w, mk_str_sub(phrase, start, r.at - start),
                     WORDS_COLLAPSE);
    }
}

/* Where CFWS begins, its comments. */
static void add_comments(words *w, mk_str cfws)
{
    token_reader r = {cfws, 0, 0, 0};
    while (r.at < cfws.len) {
        size_t start = r.at;
        if (cfws.ptr[start] != '(') {
            r.at++;
            continue;
        }
        /* One comment at a time: they end where their depth is 0. */
        mk_str one = mk_token_comment(&r);
        mk_words_space(w);
        mk_words_add(w, mk_field_trim(one), WORDS_QUOTED | WORDS_COMMENT);
    }
}

mk_err mk_address_comments_decode(const mk_address *address,
                                  const mk_charset_table *table, mk_buf *out,
                                  mk_defects *defects)
{
    words w;
    token_reader r = {address->raw, 0, 0, 0};
    mk_words_begin(&w, address->raw, table, out, defects);
    while (r.at < r.text.len) {
        size_t start = r.at;
        if (mk_token_cfws(&r)) {
            add_comments(&w, mk_str_sub(r.text, start, r.at - start));
        } else if (mk_token_peek(&r) == '"') {
            (void)mk_token_quoted(&r);
        } else if (mk_token_peek(&r) == '[') {
            mk_token_literal(&r);
        } else {
            r.at++;
        }
    }
    return mk_words_end(&w);
}

mk_err mk_address_name_decode(const mk_address *address,
                              const mk_charset_table *table, mk_buf *out,
                              mk_defects *defects)
{
    words w;
    if (address->name.len == 0 &&
        (address->flags & MK_ADDRESS_COMMENTED) != 0) {
        return mk_address_comments_decode(address, table, out, defects);
    }
    mk_words_begin(&w, address->name, table, out, defects);
    add_phrase(&w, address->name);
    return mk_words_end(&w);
}

/* ---- the plain form ---- */

/* Where octets go: as they are, or as they are shown between quotes. */
typedef struct sink {
    mk_buf *out;
    words *quoted; /* or NULL */
} sink;

static void add_octet(sink *to, unsigned char c)
{
    const char text[2] = {'\\', (char)c};
    bool escape = c == '"' || c == '\\';
    if (to->quoted == NULL) {
        (void)mk_buf_add_c(to->out, (char)c);
    } else {
        (void)mk_words_put(to->quoted,
                           mk_str_sub(mk_str_of(text, 2), escape ? 0 : 1, 2));
    }
}

/* The content of a quoted string without folds and its "\". */
static void add_quoted(mk_str s, sink *to)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        if (c == '\\' && i + 1 < s.len) {
            i++;
            add_octet(to, mk_octet_at(s, i));
        } else if (c != '\r' && c != '\n') {
            add_octet(to, c);
        }
    }
}

static void add_local_part(mk_str local, sink to)
{
    token_reader r = {local, 0, 0, 0};
    while (r.at < local.len) {
        size_t start = r.at;
        if (mk_token_cfws(&r)) {
            continue;
        }
        if (mk_token_peek(&r) == '"') {
            add_quoted(take_quoted(&r), &to);
        } else {
            add_octet(&to, mk_octet_at(local, start));
            r.at++;
        }
    }
}

/* Must it be quoted? Only if it is no dot-atom without its quotes. */
static bool is_dot_atom(mk_str s)
{
    bool atom = false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        if (c == '.' ? !atom : !mk_token_is_atext(c)) {
            return false;
        }
        atom = c != '.';
    }
    return atom;
}

mk_err mk_address_local_part(const mk_address *address, mk_buf *out)
{
    add_local_part(address->local_part, (sink){out, NULL});
    return out->full ? MK_E_ROOM : MK_OK;
}

/* What may hold octets of no form: they become U+FFFD. */
static void add_shown(mk_str s, mk_buf *out)
{
    words w;
    mk_charset_decoder d;
    mk_words_begin(&w, s, NULL, out, NULL);
    (void)mk_charset_decoder_init(&d, MK_CHARSET_UTF_8, NULL);
    (void)mk_words_octets(&w, &d, s, false);
    (void)mk_words_octets(&w, &d, mk_str_of(NULL, 0), true);
    mk_charset_decoder_fini(&d);
}

/* domain-literal = "[" *([FWS] dtext) [FWS] "]": FWS means nothing, and is no
 * white space where it is quoted. */
static void add_literal(mk_str literal, mk_buf *out)
{
    size_t start = 0;
    for (size_t at = 0; at < literal.len; at++) {
        if (literal.ptr[at] == '\\') {
            at++;
        } else if (mk_is_space(mk_octet_at(literal, at))) {
            add_shown(mk_str_sub(literal, start, at - start), out);
            start = at + 1;
        }
    }
    add_shown(mk_str_sub(literal, start, SIZE_MAX), out);
}

/* Without the CFWS between labels. */
static void add_domain(mk_str domain, mk_buf *out)
{
    token_reader r = {domain, 0, 0, 0};
    while (r.at < domain.len) {
        size_t start = r.at;
        if (mk_token_cfws(&r)) {
            continue;
        }
        do {
            r.at++;
        } while (r.at < domain.len && mk_octet_at(domain, r.at) > ' ' &&
                 domain.ptr[r.at] != '(');
        add_shown(mk_str_sub(domain, start, r.at - start), out);
    }
}

/* A valid local-part, quoted if it must be. */
static void add_plain(mk_str local, mk_buf *out)
{
    words w;
    size_t start = out->len;
    add_local_part(local, (sink){out, NULL});
    if (is_dot_atom(mk_str_sub(mk_buf_str(out), start, SIZE_MAX))) {
        return;
    }
    out->len = start;
    (void)mk_buf_add_c(out, '"');
    mk_words_begin(&w, local, NULL, out, NULL);
    add_local_part(local, (sink){out, &w});
    (void)mk_buf_add_c(out, '"');
}

mk_err mk_address_spec_format(const mk_address *address, mk_buf *out)
{
    mk_str local = address->local_part;
    if ((address->flags & MK_ADDRESS_INVALID) != 0 || local.len == 0) {
        add_shown(local, out);
    } else {
        add_plain(local, out);
    }
    if (address->domain.len > 0) {
        (void)mk_buf_add_c(out, '@');
        (address->domain.ptr[0] == '[' ? add_literal
                                       : add_domain)(address->domain, out);
    }
    return out->full ? MK_E_ROOM : MK_OK;
}
