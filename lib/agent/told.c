/* SPDX-License-Identifier: MIT
 *
 * told.c: what is told in a session of somebody: by XCLIENT whom a trusted peer
 * speaks for, and who is the session's peer from then on; by XFORWARD where a
 * message came from, for the record alone; by CLIENTID what device it is. Who
 * may say the first two is decided when the connection comes, and again by who
 * the peer is when its address was told. Attributes add up over commands. An
 * address that is none is refused, since everything behind would judge by it.
 */
#include <stddef.h>
#include <string.h>

#include "base/ascii.h"
#include "internal.h"

/* In the order of their bits. */
static const size_t fields[] = {
    offsetof(mk_smtp_client_info, name),
    offsetof(mk_smtp_client_info, addr),
    offsetof(mk_smtp_client_info, port),
    offsetof(mk_smtp_client_info, proto),
    offsetof(mk_smtp_client_info, helo),
    offsetof(mk_smtp_client_info, login),
    offsetof(mk_smtp_client_info, dest_addr),
    offsetof(mk_smtp_client_info, dest_port),
    offsetof(mk_smtp_client_info, ident),
    offsetof(mk_smtp_client_info, source),
};
#define FIELDS (sizeof fields / sizeof fields[0])

static const mk_smtp_client_info nothing;

static mk_str *field_of(mk_smtp_client_info *info, size_t i)
{
    return (mk_str *)(void *)((char *)info + fields[i]);
}

static mk_str text_of(const mk_smtp_client_info *info, size_t i)
{
    return *(const mk_str *)(const void *)((const char *)info + fields[i]);
}

/* ---- copies -------------------------------------------------------------- */

static void info_free(const mk_alloc *a, told_info *info)
{
    if (info != NULL) {
        mk_alloc_put(a, info, info->bytes);
    }
}

/* One field: told anew, or as it was. Plain text is never longer than xtext. */
static mk_err field_merge(mk_smtp_client_info *to, size_t i,
                          const mk_smtp_client_info *old,
                          const mk_smtp_client_info *given, mk_buf *room)
{
    uint32_t bit = UINT32_C(1) << i;
    bool is_new = (given->given & bit) != 0;
    const mk_smtp_client_info *source = is_new ? given : old;
    size_t begin = room->len;
    mk_err err = MK_OK;

    to->given |= source->given & bit;
    to->unknown |= source->unknown & bit;
    to->unsure |= source->unsure & bit;
    if ((to->given & bit) == 0 || (to->unknown & bit) != 0) {
        return MK_OK;
    }
    if (is_new) {
        err = mk_smtp_xtext_parse(text_of(given, i), room);
    } else {
        mk_buf_add(room, text_of(old, i));
    }
    *field_of(to, i) = mk_str_of(room->ptr + begin, room->len - begin);
    return err;
}

/* What was told before and what is told now. MK_E_SYNTAX, MK_E_CTL: no xtext;
 * MK_E_MEMORY. */
static mk_err info_merge(const mk_alloc *a, const told_info *before,
                         const mk_smtp_client_info *given, told_info **out_info)
{
    const mk_smtp_client_info *old = before != NULL ? &before->pub : &nothing;
    size_t texts = 1;
    mk_err err = MK_OK;
    mk_buf room;

    for (size_t i = 0; i < FIELDS; i++) {
        texts += text_of(old, i).len + text_of(given, i).len;
    }
    told_info *info = mk_alloc_get(a, sizeof *info + texts);
    if (info == NULL) {
        return MK_E_MEMORY;
    }
    info->bytes = sizeof *info + texts;
    mk_buf_init(&room, info + 1, texts);
    for (size_t i = 0; i < FIELDS && err == MK_OK; i++) {
        err = field_merge(&info->pub, i, old, given, &room);
    }
    if (err != MK_OK) {
        info_free(a, info);
        return err;
    }
    *out_info = info;
    return MK_OK;
}

static told *told_of(mk_session *s)
{
    if (s->told == NULL) {
        s->told = mk_alloc_get(s->in->c.alloc, sizeof *s->told);
    }
    return s->told;
}

void mk_agent_told_forget_forward(mk_session *s)
{
    if (s->told != NULL) {
        info_free(s->in->c.alloc, s->told->forwarded);
        s->told->forwarded = NULL;
    }
}

void mk_agent_told_free(mk_session *s)
{
    if (s->told != NULL) {
        info_free(s->in->c.alloc, s->told->introduced);
        info_free(s->in->c.alloc, s->told->forwarded);
        mk_alloc_put(s->in->c.alloc, s->told, sizeof *s->told);
    }
}

static void refuse(mk_session *s, const mk_event *ev, mk_err err)
{
    bool later = err == MK_E_MEMORY;
    mk_reply(s->engine, ev->op, later ? MK_ANSWER_LATER : MK_ANSWER_NO,
             mk_str_z(later ? "451 4.3.0" : "501 5.5.4"),
             mk_str_z(later ? "out of memory" : "a value is malformed"));
}

static void say_yes(mk_session *s, const mk_event *ev)
{
    mk_reply(s->engine, ev->op, MK_ANSWER_YES, mk_str_z(NULL), mk_str_z(NULL));
}

/* ---- XCLIENT ------------------------------------------------------------- */

/* An address, "IPV6:" in front of some; 0: unknown. */
static mk_err address_of(mk_str text, uint8_t *out_family, uint8_t *out_address)
{
    static const mk_str tag = MK_STR_INIT("IPV6:");
    bool is_tagged = mk_str_is_nocase(mk_str_sub(text, 0, tag.len), tag);
    mk_str bare = mk_str_sub(text, is_tagged ? tag.len : 0, SIZE_MAX);

    *out_family = 0;
    if (text.len == 0) {
        return MK_OK;
    }
    *out_family = mk_address_parse(bare, out_address);
    return *out_family == 0 || (is_tagged && *out_family != 6) ? MK_E_SYNTAX
                                                               : MK_OK;
}

static mk_err port_of(mk_str text, uint16_t *out_port)
{
    uint64_t value = 0;
    if (text.len > 0 &&
        (mk_str_u64(text, &value) != MK_OK || value > UINT16_MAX)) {
        return MK_E_SYNTAX;
    }
    *out_port = (uint16_t)value;
    return MK_OK;
}

static mk_err login_check(mk_str login)
{
    if (login.len > MK_LOGIN_MAX) {
        return MK_E_LIMIT;
    }
    for (size_t i = 0; i < login.len; i++) {
        unsigned char c = mk_octet_at(login, i);
        if (c < 0x20 || c == 0x7F) {
            return MK_E_CTL;
        }
    }
    return MK_OK;
}

/* The peer that is named. As long as its address was not told it has none: the
 * trusted one's own must never stand for it. */
static mk_err peer_of(const mk_smtp_client_info *info, const mk_peer *via,
                      mk_peer *out_peer)
{
    mk_peer p = *via;
    uint8_t own[16] = {0};
    uint8_t family = 0;
    mk_err err = login_check(info->login);

    memset(p.address, 0, sizeof p.address);
    if (err == MK_OK) {
        err = address_of(info->addr, &p.family, p.address);
    }
    if (err == MK_OK) {
        err = port_of(info->port, &p.port);
    }
    if (err == MK_OK) {
        err = address_of(info->dest_addr, &family, own);
    }
    if (err == MK_OK && info->dest_port.len > 0) {
        err = port_of(info->dest_port, &p.own_port);
    }
    if (p.family != via->family || family != 0) {
        /* two families cannot stand in one peer */
        memset(p.own_address, 0, sizeof p.own_address);
    }
    if (family != 0 && family == p.family) {
        memcpy(p.own_address, own, sizeof own);
    }
    *out_peer = p;
    return err;
}

static void login_drop(mk_smtp_client_info *info)
{
    info->given &= ~(uint32_t)MK_SMTP_CLIENT_FIELD_LOGIN;
    info->unknown &= ~(uint32_t)MK_SMTP_CLIENT_FIELD_LOGIN;
    info->login = mk_str_of(NULL, 0);
}

/* A login is that of the peer that was named with it (ADR 0012). */
static void login_pass_on(mk_smtp_client_info *info, uint32_t given)
{
    if ((given & MK_SMTP_CLIENT_FIELD_ADDR) != 0 &&
        (given & MK_SMTP_CLIENT_FIELD_LOGIN) == 0) {
        login_drop(info);
    }
}

void mk_agent_told_forget_login(mk_session *s)
{
    if (s->told != NULL && s->told->introduced != NULL) {
        login_drop(&s->told->introduced->pub);
    }
}

void mk_agent_told_client(mk_session *s, const mk_event *ev)
{
    const mk_alloc *a = s->in->c.alloc;
    told *t = told_of(s);
    told_info *info = NULL;
    mk_peer peer;
    mk_err err = t == NULL
                     ? MK_E_MEMORY
                     : info_merge(a, t->introduced, ev->of.smtp->client, &info);

    if (err == MK_OK) {
        login_pass_on(&info->pub, ev->of.smtp->client->given);
        err = peer_of(&info->pub, t->is_introduced ? &t->via : &s->peer, &peer);
    }
    if (err != MK_OK) {
        info_free(a, info);
        refuse(s, ev, err);
        return;
    }
    if (!t->is_introduced) {
        t->via = s->peer;
        t->is_introduced = true;
    }
    info_free(a, t->introduced);
    t->introduced = info;
    t->client_id_bytes = 0; /* it was of who spoke before */
    s->peer = peer;
    if ((info->pub.given & MK_SMTP_CLIENT_FIELD_ADDR) != 0) {
        mk_agent_inbound_judge_anew(s);
    }
    mk_agent_inbound_begin_anew(s);
    say_yes(s, ev);
}

const mk_smtp_client_info *mk_session_introduced(const mk_session *s)
{
    return s->told != NULL && s->told->introduced != NULL
               ? &s->told->introduced->pub
               : &nothing;
}

/* ---- XFORWARD ------------------------------------------------------------ */

/* A message whose ADDR is [UNAVAILABLE] was submitted there: then "the SMTP
 * server should ignore other client attributes". They stay, for the next
 * command may name another ADDR. */
static mk_smtp_client_info record_of(const mk_smtp_client_info *all)
{
    enum {
        NO_CLIENTS = MK_SMTP_CLIENT_FIELD_ADDR | MK_SMTP_CLIENT_FIELD_IDENT |
                     MK_SMTP_CLIENT_FIELD_SOURCE
    };
    mk_smtp_client_info record = *all;

    if ((all->unknown & MK_SMTP_CLIENT_FIELD_ADDR) == 0) {
        return record;
    }
    record.given &= NO_CLIENTS;
    record.unknown &= NO_CLIENTS;
    record.unsure &= NO_CLIENTS;
    for (size_t i = 0; i < FIELDS; i++) {
        if ((NO_CLIENTS >> i & 1U) == 0) {
            *field_of(&record, i) = mk_str_of(NULL, 0);
        }
    }
    return record;
}

void mk_agent_told_forward(mk_session *s, const mk_event *ev)
{
    told *t = told_of(s);
    told_info *info = NULL;
    mk_err err = t == NULL ? MK_E_MEMORY
                           : info_merge(s->in->c.alloc, t->forwarded,
                                        ev->of.smtp->client, &info);
    if (err != MK_OK) {
        refuse(s, ev, err);
        return;
    }
    info_free(s->in->c.alloc, t->forwarded);
    t->forwarded = info;
    t->record = record_of(&info->pub);
    say_yes(s, ev);
}

const mk_smtp_client_info *mk_session_forwarded(const mk_session *s)
{
    return s->told != NULL && s->told->forwarded != NULL ? &s->told->record
                                                         : &nothing;
}

/* ---- CLIENTID ------------------------------------------------------------ */

void mk_agent_told_id(mk_session *s, const mk_event *ev)
{
    mk_str id = ev->of.smtp->argument;
    told *t = told_of(s);

    if (t == NULL) {
        refuse(s, ev, MK_E_MEMORY);
    } else if (id.len == 0 || id.len > sizeof t->client_id) {
        refuse(s, ev, MK_E_LIMIT);
    } else {
        memcpy(t->client_id, id.ptr, id.len);
        t->client_id_bytes = (uint8_t)id.len;
        say_yes(s, ev);
    }
}

mk_str mk_session_client_id(const mk_session *s)
{
    return s->told != NULL
               ? mk_str_of(s->told->client_id, s->told->client_id_bytes)
               : mk_str_z(NULL);
}
