/* SPDX-License-Identifier: MIT
 *
 * log.c: a record of what happened as one line of "name=value" pairs. Every
 * octet of a peer's is hostile here (THREATS 27): what is not printable ASCII,
 * and what ends a value, is written as \xHH, so that no line can be forged and
 * no terminal obeys. It decides nothing about where lines go.
 */
#include "base/ascii.h"
#include "internal.h"

/* Four paths, a text and eight words, each octet as \xHH: below
 * MK_LOG_LINE_MAX. */
#define PATH_SHOWN 320u
#define TEXT_SHOWN 400u
#define WORD_SHOWN 64u

static void add(mk_buf *out, mk_str s, size_t max)
{
    for (size_t i = 0; i < s.len && i < max; i++) {
        unsigned char c = mk_octet_at(s, i);
        bool plain = (mk_is_vchar(c) || c == ' ') && c != '"' && c != '<' &&
                     c != '>' && c != '\\';
        if (plain) {
            mk_buf_add_c(out, (char)c);
        } else {
            mk_buf_add_z(out, "\\x");
            mk_buf_add_c(out, mk_hex_digit(c >> 4));
            mk_buf_add_c(out, mk_hex_digit(c));
        }
    }
    if (s.len > max) {
        mk_buf_add_z(out, "...");
    }
}

static void add_path(mk_buf *out, const char *name, mk_str path)
{
    mk_buf_add_z(out, name);
    add(out, path, PATH_SHOWN);
    mk_buf_add_c(out, '>');
}

/* outcome="250 2.0.0 text" */
static void add_outcome(mk_buf *out, const mk_log_record *r)
{
    mk_buf_add_z(out, " outcome=\"");
    add(out, r->code, WORD_SHOWN);
    if (r->code.len > 0 && r->text.len > 0) {
        mk_buf_add_c(out, ' ');
    }
    add(out, r->text, TEXT_SHOWN);
    mk_buf_add_c(out, '"');
}

static void add_peer(mk_buf *out, const mk_log_record *r)
{
    if (r->peer != NULL) {
        mk_buf_add_z(out, " peer=");
        mk_address_format(r->peer->family, r->peer->address, out);
        mk_buf_add_c(out, ':');
        mk_buf_add_u64(out, r->peer->port);
    }
    if (r->helo.len > 0 && r->kind != MK_LOG_MESSAGE) {
        mk_buf_add_z(out, " helo=\"");
        add(out, r->helo, PATH_SHOWN);
        mk_buf_add_c(out, '"');
    }
}

static void add_word(mk_buf *out, const char *name, mk_str word)
{
    if (word.len > 0) {
        mk_buf_add_z(out, name);
        mk_buf_add_c(out, '"');
        add(out, word, WORD_SHOWN);
        mk_buf_add_c(out, '"');
    }
}

/* What was told of others, or of the device. */
static void add_told(mk_buf *out, const mk_log_record *r)
{
    const mk_smtp_client_info *f = r->forwarded;
    if (r->via != NULL) {
        mk_buf_add_z(out, " via=");
        mk_address_format(r->via->family, r->via->address, out);
    }
    if (f != NULL && f->given != 0) {
        add_word(out, " orig=", f->addr);
        add_word(out, " orig-name=", f->name);
        add_word(out, " orig-helo=", f->helo);
        add_word(out, " orig-id=", f->ident);
    }
    add_word(out, " client-id=", r->client_id);
}

static void add_login(mk_buf *out, const mk_log_record *r)
{
    if (r->login.len > 0 || r->kind == MK_LOG_LOGIN) {
        add_path(out, " login=<", r->login);
    }
    if (r->kind == MK_LOG_LOGIN) {
        mk_str mechanism = mk_str_z(r->mechanism);
        mk_buf_add_z(out, " mechanism=");
        add(out, mechanism.len > 0 ? mechanism : mk_str_z("-"), WORD_SHOWN);
        mk_buf_add_z(out, r->is_tls ? " tls=yes" : " tls=no");
    }
}

static void add_number(mk_buf *out, const char *name, uint64_t value)
{
    mk_buf_add_z(out, name);
    mk_buf_add_u64(out, value);
}

static void add_maildrop(mk_buf *out, const mk_log_record *r)
{
    add_number(out, "messages=", r->messages);
    add_number(out, " retrieved=", r->retrieved);
    add_number(out, " removed=", r->removed);
    if (r->left_out > 0) {
        add_number(out, " left-out=", r->left_out);
    }
}

static void add_message(mk_buf *out, const mk_log_record *r)
{
    mk_buf_add_z(out, "id=");
    add(out, r->id.len > 0 ? r->id : mk_str_z("-"), WORD_SHOWN);
    add_path(out, " from=<", r->reverse_path);
    add_path(out, " to=<", r->forward_path);
}

mk_err mk_log_format(const mk_log_record *r, mk_buf *out)
{
    if (r->kind == MK_LOG_MAILDROP) {
        add_maildrop(out, r);
    } else {
        add_message(out, r);
    }
    add_number(out, " size=", r->size);
    add_outcome(out, r);
    mk_buf_add_z(out, " delay=");
    mk_buf_add_u64(out, r->delay_ms);
    mk_buf_add_z(out, "ms");
    add_peer(out, r);
    add_login(out, r);
    add_told(out, r);
    bool ends = r->kind == MK_LOG_LOGIN || r->kind == MK_LOG_MAILDROP;
    bool failed = ends && r->err != MK_OK;
    if (r->kind == MK_LOG_FAULT || failed) {
        mk_buf_add_z(out, " fault=");
        mk_buf_add_z(out, mk_err_name(r->err));
    } else if (r->kind == MK_LOG_LATE) {
        mk_buf_add_z(out, " late=yes");
    }
    if (r->kind == MK_LOG_REFUSED && r->stage != NULL) {
        mk_buf_add_z(out, " by=");
        add(out, mk_str_z(r->stage), WORD_SHOWN);
    }
    return out->full ? MK_E_ROOM : MK_OK;
}
