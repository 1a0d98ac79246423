/* SPDX-License-Identifier: MIT
 *
 * smtp/server_peer.c: the verbs by which a peer says who it is, for whom it
 * speaks, or what it wants for another: XCLIENT and XFORWARD (Postfix's
 * XCLIENT_README and XFORWARD_README), CLIENTID (draft-storey-smtp-client-id),
 * ETRN (RFC 1985). Each is always asked: nothing here trusts anybody. What is
 * named is checked for its form, because a trusted peer repeats what a hostile
 * one said: no control character hides in xtext (THREATS 17), no text is
 * longer than a name, an address is one.
 */
#include "smtp/peer_fields.h"
#include "smtp/server_internal.h"

#include "base/ascii.h"

#include <string.h>

_Static_assert(sizeof(mk_smtp_client_info) + SERVE_TEXT_MAX + 24 <=
                   SERVER_REPLY_ROOM,
               "what is told lies beside the reply to it");

enum { PROTOCOL_MAX = 64, ID_TYPE_MAX = 16, ID_MAX = 128 };

static mk_err ask(smtp_server *s, mk_event *ev, mk_smtp_verb verb)
{
    return mk_serve_ask(&s->base, ev, (uint8_t)verb, SERVE_ASK);
}

static bool is_visible(mk_str text, size_t max)
{
    bool fine = text.len > 0 && text.len <= max;
    for (size_t i = 0; i < text.len; i++) {
        fine = fine && mk_is_vchar(mk_octet_at(text, i));
    }
    return fine;
}

/* ---- XCLIENT, XFORWARD --------------------------------------------------- */

static bool is_name(mk_str text)
{
    return is_visible(text, SMTP_PEER_VALUE_MAX);
}

/* "numerical IPv4 network address, IPv6 address prefixed with IPV6:" */
static bool is_address(mk_str text)
{
    mk_str tag = MK_STR_INIT("IPV6:");
    uint8_t room[16];
    bool is_v6 = mk_str_has_prefix_nocase(text, tag);

    return mk_address_parse(mk_str_sub(text, is_v6 ? tag.len : 0, SIZE_MAX),
                            room) == (is_v6 ? 6 : 4);
}

static bool is_port(mk_str text)
{
    uint64_t port;
    return text.len <= 5 && mk_str_u64(text, &port) == MK_OK &&
           port <= UINT16_MAX;
}

static bool is_protocol(mk_str text)
{
    return is_visible(text, PROTOCOL_MAX);
}

/* "either SMTP or ESMTP" */
static bool is_smtp(mk_str text)
{
    return mk_str_is_nocase(text, mk_str_z("SMTP")) ||
           mk_str_is_nocase(text, mk_str_z("ESMTP"));
}

/* What a user name may hold is not for here to say. */
static bool is_login(mk_str text)
{
    return text.len > 0;
}

static bool is_source(mk_str text)
{
    return mk_str_is_nocase(text, mk_str_z("LOCAL")) ||
           mk_str_is_nocase(text, mk_str_z("REMOTE"));
}

/* clang-format off */
/* in the order of mk_smtp_peer_fields */
static bool (*const checks[SMTP_PEER_FIELDS])(mk_str text) = {
    is_name, is_address, is_port, is_protocol, is_name,
    is_login, is_address, is_port, is_name, is_source,
};
/* clang-format on */

/* attribute-value = xtext / "[UNAVAILABLE]" / "[TEMPUNAVAIL]" */
static const char *take_value(mk_str value, uint32_t bit, bool is_xclient,
                              mk_smtp_client_info *out)
{
    static const char refusal[] = "501 5.5.4 Bad attribute value";
    char room[SMTP_PEER_VALUE_MAX];
    mk_buf plain;
    unsigned row = 0;
    bool is_unsure = bit == MK_SMTP_CLIENT_FIELD_NAME &&
                     mk_str_is_nocase(value, mk_str_z("[TEMPUNAVAIL]"));

    while (bit >> row != 1) {
        row++;
    }
    out->given |= bit;
    if (is_unsure || mk_str_is_nocase(value, mk_str_z("[UNAVAILABLE]"))) {
        out->unknown |= bit;
        out->unsure |= is_unsure ? bit : 0;
        return NULL;
    }
    mk_buf_init(&plain, room, sizeof room);
    if (value.len > SMTP_PEER_VALUE_MAX ||
        mk_smtp_xtext_parse(value, &plain) != MK_OK ||
        !checks[row](mk_buf_str(&plain)) ||
        (is_xclient && bit == MK_SMTP_CLIENT_FIELD_PROTO &&
         !is_smtp(mk_buf_str(&plain)))) {
        return refusal;
    }
    *(mk_str *)(void *)((char *)out + mk_smtp_peer_fields[row].at) = value;
    return NULL;
}

/* 1*( SP attribute-name "=" attribute-value ); NULL, or the reply */
static const char *take_all(mk_str arg, bool is_xclient,
                            mk_smtp_client_info *out)
{
    uint32_t known = is_xclient ? SMTP_PEER_XCLIENT : SMTP_PEER_XFORWARD;
    const char *refusal = NULL;
    while (arg.len > 0 && refusal == NULL) {
        mk_str one = mk_str_sub(arg, 0, mk_str_find(arg, ' '));
        arg = mk_str_sub(arg, one.len + 1, SIZE_MAX);
        if (one.len == 0) {
            continue; /* several spaces: tolerated, as at MAIL */
        }
        size_t eq = mk_str_find(one, '=');
        uint32_t bit = known & mk_smtp_peer_field_bit(mk_str_sub(one, 0, eq));
        if (bit == 0) {
            return "501 5.5.4 Attribute not recognized";
        }
        if ((out->given & bit) != 0) {
            return "501 5.5.4 Attribute given twice";
        }
        refusal =
            take_value(mk_str_sub(one, eq + 1, SIZE_MAX), bit, is_xclient, out);
    }
    return refusal == NULL && out->given == 0 ? "501 5.5.4 NAME=value is wanted"
                                              : refusal;
}

/* Will the peer that is named count as logged in? A login is its peer's: it
 * does not pass to an address that is named later, nor over the border of TLS.
 * One by AUTH was the speaker's own. */
static bool is_vouched(const smtp_server *s, const mk_smtp_client_info *info)
{
    enum { OWNER = MK_SMTP_CLIENT_FIELD_LOGIN | MK_SMTP_CLIENT_FIELD_ADDR };

    return (s->vouched && s->base.known && (info->given & OWNER) == 0) ||
           info->login.len > 0;
}

static mk_err speak_for(smtp_server *s, mk_str arg, mk_event *ev, uint32_t type,
                        mk_smtp_verb verb)
{
    mk_smtp_client_info *info = mk_serve_aside(&s->base, sizeof *info);
    memset(info, 0, sizeof *info);
    const char *refusal = take_all(arg, verb == MK_SMTP_VERB_XCLIENT, info);
    if (refusal != NULL) {
        return mk_serve_say(&s->base, refusal);
    }
    s->vouching = is_vouched(s, info);
    mk_smtp_server_event(s, ev, type, verb);
    s->of.smtp.event.client = info;
    return ask(s, ev, verb);
}

mk_err mk_smtp_server_xclient(smtp_server *s, mk_str arg, mk_event *ev)
{
    return speak_for(s, arg, ev, MK_EV_SMTP_XCLIENT, MK_SMTP_VERB_XCLIENT);
}

mk_err mk_smtp_server_xforward(smtp_server *s, mk_str arg, mk_event *ev)
{
    return speak_for(s, arg, ev, MK_EV_SMTP_XFORWARD, MK_SMTP_VERB_XFORWARD);
}

void mk_smtp_server_introduced(smtp_server *s)
{
    s->vouched = s->vouching;
    s->base.known = s->vouched;
    s->base.heard = false;
    s->esmtp = false;
    s->forwarded = false;
    s->identified = false;
    mk_smtp_server_move(s, SERVER_OPEN);
}

/* ---- CLIENTID ------------------------------------------------------------ */

/* ALPHA / DIGIT / "-" / "_" */
static bool is_id_type(mk_str type)
{
    bool fine = type.len > 0 && type.len <= ID_TYPE_MAX;
    for (size_t i = 0; i < type.len; i++) {
        unsigned char c = mk_octet_at(type, i);
        fine = fine && (mk_is_alnum(c) || c == '-' || c == '_');
    }
    return fine;
}

/* "CLIENTID" SP type SP token, once, before anything that it could help to
 * judge. In clear it is not offered, and so not known. */
mk_err mk_smtp_server_clientid(smtp_server *s, mk_str arg, mk_event *ev)
{
    mk_str type = mk_str_sub(arg, 0, mk_str_find(arg, ' '));
    mk_str token = mk_str_sub(arg, type.len + 1, SIZE_MAX);

    if (!s->esmtp) {
        return mk_serve_say(&s->base, "503 5.5.1 EHLO first");
    }
    if (s->identified || s->base.known || s->messages > 0) {
        return mk_serve_say(&s->base, "503 5.5.1 It is too late for that");
    }
    if (!is_id_type(type) || !is_visible(token, ID_MAX)) {
        return mk_serve_say(&s->base, "501 5.5.4 Type and token are wanted");
    }
    mk_smtp_server_event(s, ev, MK_EV_SMTP_CLIENTID, MK_SMTP_VERB_CLIENTID);
    s->of.smtp.event.argument = arg;
    return ask(s, ev, MK_SMTP_VERB_CLIENTID);
}

/* ---- ETRN ---------------------------------------------------------------- */

/* RFC 1985 5: "ETRN" SP [ "@" / "#" ] node: "@" asks for its subdomains, too,
 * "#" names a queue as the server likes. */
mk_err mk_smtp_server_etrn(smtp_server *s, mk_str arg, mk_event *ev)
{
    bool is_marked = arg.len > 0 && (arg.ptr[0] == '@' || arg.ptr[0] == '#');
    mk_str node = mk_str_sub(arg, is_marked ? 1 : 0, SIZE_MAX);
    bool is_queue = is_marked && arg.ptr[0] == '#';

    if (is_queue ? !is_name(node) : !mk_smtp_is_host_name(node)) {
        return mk_serve_say(&s->base, "501 5.5.4 A domain is wanted");
    }
    mk_smtp_server_event(s, ev, MK_EV_SMTP_ETRN, MK_SMTP_VERB_ETRN);
    s->of.smtp.event.argument = arg;
    return ask(s, ev, MK_SMTP_VERB_ETRN);
}
