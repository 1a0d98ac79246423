/* SPDX-License-Identifier: MIT
 *
 * message/parse_type.c: what the fields of a header say about the structure of
 * the body: Content-Type (RFC 2045 5.1), Content-Transfer-Encoding (6.1) and
 * MIME-Version. The first field of a name counts, and is told when there are
 * two (THREATS 63). It reads no other field and refuses none.
 */
#include "base/ascii.h"
#include "message/parse_internal.h"

#include <string.h>

#define S(lit) MK_STR_INIT(lit)

/* clang-format off */
static const struct {
    mk_str name;
    uint8_t media;
} medias[] = {
    {S("text/plain"),            MK_MEDIA_TEXT_PLAIN},
    {S("text"),                  MK_MEDIA_TEXT_PLAIN}, /* RFC 1049, before MIME */
    {S("text/html"),             MK_MEDIA_TEXT_HTML},
    {S("message/rfc822"),        MK_MEDIA_MESSAGE_RFC822},
    {S("message/global"),        MK_MEDIA_MESSAGE_RFC822},
    {S("message/news"),          MK_MEDIA_MESSAGE_RFC822},
    {S("message/partial"),       MK_MEDIA_MESSAGE_PARTIAL},
    {S("message/external-body"), MK_MEDIA_MESSAGE_EXTERNAL},
    {S("multipart/alternative"), MK_MEDIA_ALTERNATIVE},
    {S("multipart/related"),     MK_MEDIA_RELATED},
    {S("multipart/digest"),      MK_MEDIA_DIGEST},
    {S("multipart"),             MK_MEDIA_MIXED},
}, families[] = {
    {S("text/"),      MK_MEDIA_TEXT},
    {S("image/"),     MK_MEDIA_IMAGE},
    {S("audio/"),     MK_MEDIA_AUDIO},
    {S("video/"),     MK_MEDIA_VIDEO},
    {S("message/"),   MK_MEDIA_MESSAGE},
    {S("multipart/"), MK_MEDIA_MIXED},
};

static const struct {
    mk_str name;
    uint8_t encoding;
} encodings[] = {
    {S("7bit"),             MK_ENCODING_7BIT},
    {S("7-bit"),            MK_ENCODING_7BIT},
    {S("8bit"),             MK_ENCODING_8BIT},
    {S("8-bit"),            MK_ENCODING_8BIT},
    {S("binary"),           MK_ENCODING_BINARY},
    {S("quoted-printable"), MK_ENCODING_QUOTED_PRINTABLE},
    {S("base64"),           MK_ENCODING_BASE64},
    {S("x-uuencode"),       MK_ENCODING_UUENCODE},
    {S("x-uue"),            MK_ENCODING_UUENCODE},
    {S("uuencode"),         MK_ENCODING_UUENCODE},
    {S("uue"),              MK_ENCODING_UUENCODE},
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

mk_media mk_mime_media(mk_str type)
{
    for (size_t i = 0; i < COUNT(medias); i++) {
        if (mk_str_is_nocase(type, medias[i].name)) {
            return (mk_media)medias[i].media;
        }
    }
    for (size_t i = 0; i < COUNT(families); i++) {
        if (mk_str_has_prefix_nocase(type, families[i].name)) {
            return (mk_media)families[i].media;
        }
    }
    return MK_MEDIA_OTHER;
}

mk_encoding mk_mime_encoding(mk_str token)
{
    for (size_t i = 0; i < COUNT(encodings); i++) {
        if (mk_str_is_nocase(token, encodings[i].name)) {
            return (mk_encoding)encodings[i].encoding;
        }
    }
    return MK_ENCODING_UNKNOWN;
}

void mk_mime_begin(mime_facts *facts)
{
    facts->media = MK_MEDIA_TEXT_PLAIN;
    facts->encoding = MK_ENCODING_7BIT;
    facts->charset = MK_CHARSET_NONE;
    facts->has_type = false;
    facts->has_encoding = false;
    facts->has_version = false;
    facts->type_failed = false;
    facts->has_boundary = false;
    facts->type_len = 0;
    facts->label_len = 0;
    facts->boundary_len = 0;
}

/* ---- a cursor over a value ------------------------------------------------
 */

typedef struct cursor {
    mk_str in;
    size_t at;
} cursor;

static unsigned char peek(const cursor *c)
{
    return c->at < c->in.len ? mk_octet_at(c->in, c->at) : 0;
}

static bool is_space(unsigned char c)
{
    return mk_is_wsp(c) || c == '\r' || c == '\n';
}

/* CFWS = comments that may nest, folding white space (RFC 5322 3.2.2). */
static void skip_cfws(cursor *c)
{
    size_t depth = 0;
    while (c->at < c->in.len) {
        unsigned char octet = peek(c);
        if (depth > 0 && octet == '\\') {
            c->at++;
        } else if (octet == '(') {
            depth++;
        } else if (depth > 0 && octet == ')') {
            depth--;
        } else if (depth == 0 && !is_space(octet)) {
            return;
        }
        c->at++;
    }
    c->at = c->in.len;
}

/* Up to white space or one of the octets of `stops`. */
static mk_str take_token(cursor *c, mk_str stops)
{
    size_t start = c->at;
    while (c->at < c->in.len && !is_space(peek(c)) &&
           mk_str_find(stops, peek(c)) == stops.len) {
        c->at++;
    }
    return mk_str_sub(c->in, start, c->at - start);
}

/* quoted-string of RFC 5322 3.2.4, or what stands up to the semicolon. */
static mk_err take_value(cursor *c, mk_buf *out)
{
    static const mk_str stops = S(";(");
    if (peek(c) != '"') {
        return mk_buf_add(out, take_token(c, stops));
    }
    for (c->at++; c->at < c->in.len && peek(c) != '"'; c->at++) {
        if (peek(c) == '\\' && c->at + 1 < c->in.len) {
            c->at++;
        } else if (peek(c) == '\r' || peek(c) == '\n') {
            continue;
        }
        (void)mk_buf_add_c(out, (char)peek(c));
    }
    c->at += c->at < c->in.len ? 1 : 0;
    return out->full ? MK_E_ROOM : MK_OK;
}

/* type "/" subtype *(";" parameter) */
static void read_type(mime_facts *f, mk_str value)
{
    static const mk_str stops = S(";(/");
    static const mk_str name_stops = S(";=(");
    cursor c = {value, 0};
    mk_buf type;
    mk_buf_init(&type, f->type, sizeof f->type);
    skip_cfws(&c);
    (void)mk_buf_add(&type, take_token(&c, stops));
    skip_cfws(&c);
    if (peek(&c) == '/') {
        c.at++;
        skip_cfws(&c);
        (void)mk_buf_add_c(&type, '/');
        (void)mk_buf_add(&type, take_token(&c, stops));
    }
    f->type_len = (uint16_t)type.len;
    f->media = (uint8_t)mk_mime_media(mk_buf_str(&type));
    f->type_failed = type.len == 0 || type.full ||
                     (mk_str_find(mk_buf_str(&type), '/') >= type.len - 1 &&
                      f->media == MK_MEDIA_OTHER);
    while (c.at < c.in.len) {
        mk_buf out;
        char rest[8];
        skip_cfws(&c);
        if (peek(&c) == ';') {
            c.at++;
            continue;
        }
        mk_str name = take_token(&c, name_stops);
        skip_cfws(&c);
        if (peek(&c) != '=') {
            c.at += name.len == 0 ? 1 : 0;
            continue;
        }
        c.at++;
        skip_cfws(&c);
        if (mk_str_is_nocase(name, mk_str_z("boundary")) && !f->has_boundary) {
            mk_buf_init(&out, f->boundary, sizeof f->boundary);
            f->has_boundary = true;
            /* One too long for the buffer is beyond every limit. */
            f->boundary_len =
                take_value(&c, &out) == MK_OK ? (uint16_t)out.len : UINT16_MAX;
        } else if (mk_str_is_nocase(name, mk_str_z("charset")) &&
                   f->label_len == 0) {
            mk_buf_init(&out, f->label, sizeof f->label);
            (void)take_value(&c, &out);
            f->label_len = (uint16_t)out.len;
            f->charset = (uint8_t)mk_charset_parse(mk_buf_str(&out));
        } else {
            mk_buf_init(&out, rest, 0);
            (void)take_value(&c, &out);
        }
    }
}

static void read_encoding(mime_facts *f, mk_str value)
{
    static const mk_str stops = S(";(");
    cursor c = {value, 0};
    skip_cfws(&c);
    f->encoding = (uint8_t)mk_mime_encoding(take_token(&c, stops));
}

void mk_mime_learn(mime_facts *facts, const mk_field *field,
                   mk_defects *defects)
{
    switch (field->id) {
    case MK_FIELD_CONTENT_TYPE:
        if (!facts->has_type) {
            facts->has_type = true;
            read_type(facts, field->value);
        }
        break;
    case MK_FIELD_CONTENT_TRANSFER_ENCODING:
        if (!facts->has_encoding) {
            facts->has_encoding = true;
            read_encoding(facts, field->value);
            if (facts->encoding == MK_ENCODING_UNKNOWN) {
                mk_defects_add(defects, MK_DEFECT_TRANSFER_UNKNOWN, 0,
                               field->length);
            }
        }
        break;
    case MK_FIELD_MIME_VERSION:
        facts->has_version = true;
        break;
    default:
        break;
    }
}
