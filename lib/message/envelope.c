/* SPDX-License-Identifier: MIT
 *
 * message/envelope.c: envelopes and body structures over a view (RFC 9051
 * 7.5.2), and what a message refers to (RFC 5256 3). Nothing is copied but an
 * identifier that is brought to its one form.
 */
#include <mailkit/envelope.h>

#include "message/address.h"
#include "message/field_scan.h"

static const mk_str none = {NULL, 0};

/* The value of the first field of this name. */
static mk_str value_of(const mk_view *view, uint32_t part, mk_field_id id)
{
    const mk_field *f = mk_view_field(view, part, id);
    return f == NULL ? none : mk_field_trim(f->value);
}

/* Present but empty is as good as absent. */
static mk_str addresses_of(const mk_view *view, uint32_t part, mk_field_id id,
                           mk_str otherwise)
{
    mk_str value = value_of(view, part, id);
    return value.len > 0 ? value : otherwise;
}

mk_err mk_envelope_read(const mk_view *view, uint32_t part,
                        mk_envelope *out_envelope)
{
    mk_envelope e;
    if (part >= view->part_count) {
        return MK_E_NOENT;
    }
    e.date = value_of(view, part, MK_FIELD_DATE);
    e.subject = value_of(view, part, MK_FIELD_SUBJECT);
    e.author = addresses_of(view, part, MK_FIELD_FROM, none);
    e.sender = addresses_of(view, part, MK_FIELD_SENDER, e.author);
    e.reply_to = addresses_of(view, part, MK_FIELD_REPLY_TO, e.author);
    e.to = addresses_of(view, part, MK_FIELD_TO, none);
    e.cc = addresses_of(view, part, MK_FIELD_CC, none);
    e.bcc = addresses_of(view, part, MK_FIELD_BCC, none);
    e.in_reply_to = value_of(view, part, MK_FIELD_IN_REPLY_TO);
    e.message_id = value_of(view, part, MK_FIELD_MESSAGE_ID);
    *out_envelope = e;
    return MK_OK;
}

/* ---- body structure ------------------------------------------------------ */

/* What can be said of a type that is not there to be read; "text" alone and
 * "multipart" alone mail had before MIME. */
static void default_type(const mk_part *p, mk_str *type, mk_str *subtype)
{
    bool is_text = p->media <= MK_MEDIA_TEXT && p->media != MK_MEDIA_OTHER;
    bool is_multipart = p->media >= MK_MEDIA_ALTERNATIVE;
    bool is_message = p->media == MK_MEDIA_MESSAGE_RFC822;
    *type = mk_str_z(is_text        ? "TEXT"
                     : is_multipart ? "MULTIPART"
                     : is_message   ? "MESSAGE"
                                    : "APPLICATION");
    *subtype = mk_str_z(p->media == MK_MEDIA_TEXT_HTML ? "HTML"
                        : is_text                      ? "PLAIN"
                        : is_multipart                 ? "MIXED"
                        : is_message                   ? "RFC822"
                                                       : "OCTET-STREAM");
}

static void read_type(const mk_view *view, uint32_t part, mk_structure *s)
{
    const mk_part *p = &view->parts[part].part;
    mk_params params;
    default_type(p, &s->type, &s->subtype);
    if ((p->flags & MK_PART_DEFAULT_TYPE) != 0) {
        return;
    }
    s->params = value_of(view, part, MK_FIELD_CONTENT_TYPE);
    mk_params_parse(s->params, NULL, 0, &params, NULL);
    if (params.type.len > 0) {
        s->type = params.type;
        s->subtype = params.subtype.len > 0 ? params.subtype : s->subtype;
    }
}

static void read_encoding(const mk_view *view, uint32_t part, mk_structure *s)
{
    mk_params params;
    mk_str value = value_of(view, part, MK_FIELD_CONTENT_TRANSFER_ENCODING);
    mk_params_parse(value, NULL, 0, &params, NULL);
    s->encoding = params.type.len > 0 ? params.type : mk_str_z("7BIT");
}

/* The lines that end with LF alone, as stored files have them; perhaps not
 * all of them do. */
static uint64_t bare_ends(mk_str body)
{
    uint64_t count = 0;
    for (size_t at = 0; at < body.len; at++) {
        at += mk_str_find(mk_str_sub(body, at, SIZE_MAX), '\n');
        count += at < body.len && (at == 0 || body.ptr[at - 1] != '\r');
    }
    return count;
}

mk_err mk_structure_read(const mk_view *view, uint32_t part,
                         mk_structure *out_structure)
{
    mk_structure s = {0};
    if (part >= view->part_count) {
        return MK_E_NOENT;
    }
    s.part = &view->parts[part];
    const mk_part *p = &s.part->part;
    read_type(view, part, &s);
    read_encoding(view, part, &s);
    s.id = value_of(view, part, MK_FIELD_CONTENT_ID);
    s.description = value_of(view, part, MK_FIELD_CONTENT_DESCRIPTION);
    s.md5 = value_of(view, part, MK_FIELD_CONTENT_MD5);
    s.disposition = value_of(view, part, MK_FIELD_CONTENT_DISPOSITION);
    s.language = value_of(view, part, MK_FIELD_CONTENT_LANGUAGE);
    s.location = value_of(view, part, MK_FIELD_CONTENT_LOCATION);
    s.octets = p->end - p->body;
    s.octets += bare_ends(mk_view_body(view, part));
    s.lines = p->lines;
    s.message = p->kind == MK_PART_MESSAGE ? s.part->first_child : MK_PART_NONE;
    *out_structure = s;
    return MK_OK;
}

/* ---- what it refers to --------------------------------------------------- */

/* An identifier has the obsolete grammar of an address (RFC 5322 4.5.4), and
 * so its one form. */
mk_err mk_msgid_format(mk_str id, mk_buf *out)
{
    size_t at = id.len;
    while (at > 0 && id.ptr[at - 1] != '@') {
        at--;
    }
    token_reader r = {id, at, 0, 0};
    if (at > 0) {
        mk_token_local_part(&r, 0, at - 1);
    }
    bool is_odd = at == 0 || (r.flags & MK_ADDRESS_INVALID) != 0;
    mk_address a = {.local_part = is_odd ? id : mk_str_sub(id, 0, at - 1),
                    .domain = is_odd ? none : mk_str_sub(id, at, SIZE_MAX),
                    .flags = is_odd ? (uint32_t)MK_ADDRESS_INVALID : 0};
    return mk_address_spec_format(&a, out);
}

void mk_references_init(mk_references *it, const mk_view *view, uint32_t part)
{
    mk_str id;
    mk_msgids_init(&it->ids, value_of(view, part, MK_FIELD_REFERENCES), NULL);
    it->done = false;
    it->only_first = !mk_msgids_next(&it->ids, &id);
    mk_msgids_init(
        &it->ids,
        value_of(view, part,
                 it->only_first ? MK_FIELD_IN_REPLY_TO : MK_FIELD_REFERENCES),
        NULL);
}

bool mk_references_next(mk_references *it, mk_str *out_id)
{
    if (it->done || !mk_msgids_next(&it->ids, out_id)) {
        return false;
    }
    it->done = it->only_first;
    return true;
}
