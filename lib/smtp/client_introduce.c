/* SPDX-License-Identifier: MIT
 *
 * smtp/client_introduce.c: XCLIENT and XFORWARD, by which a client that the
 * server trusts tells for whom it speaks. They are in no RFC; their attributes
 * are in peer_fields.h, and only those are said that the server named. A line
 * is never longer than any other command's (RFC 5321 4.5.3.1.4).
 */
#include "smtp/client_internal.h"
#include "smtp/peer_fields.h"

#include <string.h>

/* of XFORWARD, its blank and the CRLF taken from the line */
enum { attributes_max = 512 - 11 };

static mk_err add_attribute(mk_buf *out, const char *word, mk_str value)
{
    size_t at;

    if (mk_str_has_ctl(value)) {
        return MK_E_CTL;
    }
    if (value.len == 0) {
        return MK_E_ARG;
    }
    mk_buf_add_z(out, out->len > 0 ? " " : "");
    mk_buf_add_z(out, word);
    mk_buf_add_c(out, '=');
    at = out->len;
    mk_smtp_xtext_format(value, out);
    return out->full || out->len - at > SMTP_PEER_VALUE_MAX ? MK_E_LIMIT
                                                            : MK_OK;
}

/* All that is told is looked at, be it said or not. Only of XCLIENT's NAME it
 * can be said that it is unknown for now. */
static mk_err add_attributes(const mk_smtp_client_info *client, uint32_t named,
                             uint32_t unsure, mk_buf *out)
{
    char unsaid[attributes_max];
    mk_err r = MK_OK;
    unsigned i;

    for (i = 0; r == MK_OK && i < SMTP_PEER_FIELDS; i++) {
        const smtp_peer_field *field = &mk_smtp_peer_fields[i];
        uint32_t bit = UINT32_C(1) << i;
        mk_buf nowhere;
        mk_str value;

        if ((client->given & bit) == 0) {
            continue;
        }
        memcpy(&value, (const char *)client + field->at, sizeof value);
        if ((client->unknown & bit) != 0) {
            value = mk_str_z((unsure & bit) != 0 ? "[TEMPUNAVAIL]"
                                                 : "[UNAVAILABLE]");
        }
        mk_buf_init(&nowhere, unsaid, sizeof unsaid);
        r = add_attribute((named & bit) != 0 ? out : &nowhere, field->word,
                          value);
    }
    return r;
}

mk_err mk_smtp_client_introduce(mk_engine *e, mk_smtp_verb verb,
                                const mk_smtp_client_info *client,
                                mk_op *out_op)
{
    bool is_xclient = verb == MK_SMTP_VERB_XCLIENT;
    uint32_t all = is_xclient ? SMTP_PEER_XCLIENT : SMTP_PEER_XFORWARD;
    char room[attributes_max];
    mk_smtp_client *c;
    uint32_t named;
    uint32_t unsure;
    mk_buf b;
    mk_err r = mk_smtp_client_find_ready(e, out_op, false, &c);

    if (r != MK_OK) {
        return r;
    }
    if ((!is_xclient && verb != MK_SMTP_VERB_XFORWARD) || client == NULL ||
        client->given == 0 || (client->given & ~all) != 0) {
        return MK_E_ARG;
    }
    named = is_xclient ? c->offer.xclient : c->offer.xforward;
    unsure = is_xclient ? client->unsure & MK_SMTP_CLIENT_FIELD_NAME : 0;
    mk_buf_init(&b, room, sizeof room);
    r = add_attributes(client, named, unsure, &b);
    if (r == MK_OK && b.len == 0) {
        r = MK_E_UNSUPPORTED;
    }
    return r == MK_OK
               ? mk_smtp_client_command_begin(c, verb, mk_buf_str(&b), out_op)
               : r;
}
