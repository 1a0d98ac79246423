/* SPDX-License-Identifier: MIT
 *
 * message/parse_type.c: what the fields of a header say about the structure of
 * the body: Content-Type (RFC 2045 5.1), Content-Transfer-Encoding (6.1) and
 * MIME-Version. The first field of a name counts, and is told when there are
 * two (THREATS 63), unless another reading is asked for. It reads no other
 * field and refuses none.
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
    char first =
        (char)(type.len > 0 ? mk_lower(mk_octet_at(type, 0)) : (unsigned)0);
    for (size_t i = 0; i < COUNT(medias); i++) {
        if (medias[i].name.ptr[0] == first &&
            mk_str_is_nocase(type, medias[i].name)) {
            return (mk_media)medias[i].media;
        }
    }
    for (size_t i = 0; i < COUNT(families); i++) {
        if (families[i].name.ptr[0] == first &&
            mk_str_has_prefix_nocase(type, families[i].name)) {
            return (mk_media)families[i].media;
        }
    }
    return MK_MEDIA_OTHER;
}

/* A mechanism is a token; comments around it are white space. */
mk_encoding mk_mime_encoding(mk_str value)
{
    mk_params params;
    mk_params_parse(value, NULL, 0, &params, NULL);
    for (size_t i = 0; i < COUNT(encodings); i++) {
        if (mk_str_is_nocase(params.type, encodings[i].name)) {
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
    facts->has_disposition = false;
    facts->is_inline = false;
    facts->is_attachment = false;
    facts->is_named = false;
    facts->is_file_named = false;
    facts->is_flowed = false;
    facts->is_delsp = false;
    facts->type_len = 0;
    facts->label_len = 0;
    facts->boundary_len = 0;
}

/* ---- Content-Type ---------------------------------------------------------
 */

/* A type of one word names no type, but for two that mail had before MIME. */
static void read_media(mime_facts *f, const mk_params *params,
                       mk_defects *defects)
{
    mk_buf type;
    mk_buf_init(&type, f->type, sizeof f->type);
    (void)mk_buf_add(&type, params->type);
    if (params->subtype.len > 0) {
        (void)mk_buf_add_c(&type, '/');
        (void)mk_buf_add(&type, params->subtype);
    }
    f->type_len = (uint16_t)type.len;
    f->media = (uint8_t)mk_mime_media(mk_buf_str(&type));
    if (params->type.len > 0 && params->subtype.ptr == NULL) {
        mk_defects_add(defects, MK_DEFECT_PARAM_TYPE, 0, params->type.len);
    }
    f->type_failed = params->type.len == 0 || type.full ||
                     (params->subtype.len == 0 && f->media == MK_MEDIA_OTHER);
}

static bool is_plain(const mk_param *param)
{
    mk_str s = param->value;
    return (param->flags & MK_PARAM_QUOTED) == 0 ||
           (mk_str_find(s, '\\') == s.len && !mk_str_has_ctl(s));
}

/* A value as it stands, without the escapes and folds of a quoted string. */
static mk_err unquote(const mk_param *param, mk_buf *out)
{
    if (is_plain(param) && param->value.len <= out->max - out->len) {
        return mk_buf_add(out, param->value);
    }
    for (size_t i = 0; i < param->value.len; i++) {
        unsigned char c = mk_octet_at(param->value, i);
        if ((param->flags & MK_PARAM_QUOTED) != 0) {
            if (c == '\r' || c == '\n') {
                continue;
            }
            if (c == '\\' && i + 1 < param->value.len) {
                i++;
                c = mk_octet_at(param->value, i);
            }
        }
        (void)mk_buf_add_c(out, (char)c);
    }
    return out->full ? MK_E_ROOM : MK_OK;
}

static bool takes_last(const mime_facts *f)
{
    return (f->reading & MK_READING_LAST) != 0;
}

/* Cut a value into parameters. The first of a name counts, and when the last is
 * wanted they stand the other way round. */
static void read_params(const mime_facts *f, mk_str value, mk_param *mem,
                        mk_params *out, mk_defects *defects)
{
    mk_params_parse(value, mem, MK_PARAM_COUNT_MAX, out, defects);
    for (uint32_t i = 0; takes_last(f) && i < out->count / 2; i++) {
        mk_param one = mem[i];
        mem[i] = mem[out->count - 1 - i];
        mem[out->count - 1 - i] = one;
    }
}

/* A value as octets. A boundary is compared with lines, so nothing may be
 * decoded but what RFC 2231 coded. */
static mk_err read_value(const mk_params *params, mk_str name, mk_buf *out,
                         mk_defects *defects)
{
    const mk_param *found = NULL;
    bool is_coded = false;
    for (uint32_t i = 0; i < params->count; i++) {
        const mk_param *p = &params->items[i];
        if (mk_str_is_nocase(p->name, name)) {
            is_coded |= p->section != MK_PARAM_WHOLE ||
                        (p->flags & MK_PARAM_EXTENDED) != 0;
            found = found == NULL ? p : found;
        }
    }
    if (found == NULL) {
        return MK_E_NOENT;
    }
    return is_coded ? mk_params_decode(params, name, NULL, out, defects)
                    : unquote(found, out);
}

static void read_boundary(mime_facts *f, const mk_params *params,
                          mk_defects *defects)
{
    static const mk_str name = S("boundary");
    mk_buf out;
    mk_buf_init(&out, f->boundary, sizeof f->boundary);
    mk_err err = read_value(params, name, &out, defects);
    f->has_boundary = err != MK_E_NOENT;
    /* One too long for the buffer is beyond every limit. */
    f->boundary_len = err == MK_OK ? (uint16_t)out.len : UINT16_MAX;
}

static bool is_named(const mk_params *params)
{
    static const mk_str name = S("name");
    static const mk_str filename = S("filename");
    return mk_params_has(params, name) || mk_params_has(params, filename);
}

static bool has_value(const mk_params *params, mk_str name, mk_str wanted)
{
    char mem[16];
    mk_buf out;
    mk_buf_init(&out, mem, sizeof mem);
    return read_value(params, name, &out, NULL) == MK_OK &&
           mk_str_is_nocase(mk_buf_str(&out), wanted);
}

static void read_format(mime_facts *f, const mk_params *params)
{
    static const mk_str format = S("format");
    static const mk_str flowed = S("flowed");
    static const mk_str delsp = S("delsp");
    static const mk_str yes = S("yes");
    f->is_flowed = has_value(params, format, flowed);
    f->is_delsp = f->is_flowed && has_value(params, delsp, yes);
}

/* Was anything told since `from` that two readers may read in two ways? */
static bool is_repaired(const mk_defects *defects, uint32_t from)
{
    bool found = false;
    for (uint32_t i = from; i < defects->count; i++) {
        found |= defects->items[i].weight == MK_DEFECT_AMBIGUOUS ||
                 defects->items[i].code == MK_DEFECT_PARAM_TYPE;
    }
    return found;
}

static void read_type(mime_facts *f, mk_str value, mk_defects *defects)
{
    static const mk_str charset = S("charset");
    mk_param mem[MK_PARAM_COUNT_MAX];
    mk_params params;
    mk_buf label;
    uint32_t told = defects->count;
    read_params(f, value, mem, &params, defects);
    read_media(f, &params, defects);
    if ((f->reading & MK_READING_PLAIN) != 0 && is_repaired(defects, told)) {
        f->type_failed = true;
        return;
    }
    if (f->media >= MK_MEDIA_ALTERNATIVE) {
        read_boundary(f, &params, defects);
    } else if (f->media == MK_MEDIA_TEXT_PLAIN) {
        read_format(f, &params);
    }
    mk_buf_init(&label, f->label, sizeof f->label);
    mk_err err = read_value(&params, charset, &label, NULL);
    f->label_len = (uint16_t)label.len;
    /* the beginning of a label is none */
    f->charset = (uint8_t)(err == MK_OK ? mk_charset_parse(mk_buf_str(&label))
                                        : MK_CHARSET_NONE);
    if (f->charset == MK_CHARSET_NONE && label.len > 0 &&
        f->media >= MK_MEDIA_TEXT_PLAIN && f->media <= MK_MEDIA_TEXT) {
        mk_defects_add(defects, MK_DEFECT_CHARSET_UNKNOWN, 0, params.text.len);
    }
    f->is_named = is_named(&params);
}

/* disposition := "inline" / "attachment" / extension-token (RFC 2183 2) */
static void read_disposition(mime_facts *f, mk_str value, mk_defects *defects)
{
    static const mk_str inline_type = S("inline");
    mk_param mem[MK_PARAM_COUNT_MAX];
    mk_params params;
    read_params(f, value, mem, &params, defects);
    f->is_inline = mk_str_is_nocase(params.type, inline_type);
    f->is_attachment = params.type.len > 0 && !f->is_inline;
    f->is_file_named = is_named(&params);
}

/* The second time. */
static void type_again(mime_facts *f, const mk_field *field,
                       mk_defects *defects)
{
    if ((f->reading & MK_READING_PLAIN) != 0) {
        f->type_failed = true;
    } else if (takes_last(f)) {
        f->is_flowed = false;
        f->is_delsp = false;
        read_type(f, field->value, defects);
    }
}

static void learn(mime_facts *facts, const mk_field *field, mk_defects *defects)
{
    switch (field->id) {
    case MK_FIELD_CONTENT_TYPE:
        if (facts->has_type) {
            type_again(facts, field, defects);
        } else {
            facts->has_type = true;
            read_type(facts, field->value, defects);
        }
        break;
    case MK_FIELD_CONTENT_DISPOSITION:
        if (!facts->has_disposition || takes_last(facts)) {
            facts->has_disposition = true;
            read_disposition(facts, field->value, defects);
        }
        break;
    case MK_FIELD_CONTENT_TRANSFER_ENCODING:
        if (!facts->has_encoding || takes_last(facts)) {
            facts->has_encoding = true;
            facts->encoding = (uint8_t)mk_mime_encoding(field->value);
            if (facts->encoding == MK_ENCODING_UNKNOWN) {
                mk_defects_add(defects, MK_DEFECT_TRANSFER_UNKNOWN, 0,
                               field->value.len);
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

void mk_mime_learn(mime_facts *facts, const mk_field *field,
                   mk_defects *defects)
{
    uint64_t base = defects->base;
    defects->base += field->value_at;
    learn(facts, field, defects);
    defects->base = base;
}
