/* SPDX-License-Identifier: MIT
 *
 * message/param.c: a type and its parameters, cut into pieces (RFC 2045 5.1,
 * RFC 2183 2; names with sections and "*" by RFC 2231 3, 4). One pass, views
 * only, at most MK_PARAM_COUNT_MAX pieces (THREATS 56). What two readers would
 * cut differently is told (THREATS 63); nothing is decoded here.
 */
#include "message/address.h"

enum { SECTION_MAX = 9999 };

typedef struct reader {
    token_reader r;
    mk_defects *defects;
    uint32_t told; /* codes of the group PARAM */
} reader;

static void tell(reader *p, mk_defect_code code, size_t at)
{
    uint32_t bit = UINT32_C(1) << (unsigned)code % 32;
    if ((p->told & bit) == 0) {
        p->told |= bit;
        mk_defects_add(p->defects, code, at, 0);
    }
}

/* CFWS; line ends that fold nothing are white space, too. */
static bool skip_space(reader *p)
{
    return mk_token_cfws(&p->r);
}

/* token = 1*<any CHAR except SPACE, CTLs, or tspecials>, and 8-bit octets. */
static bool is_token(unsigned c)
{
    return c < TOKEN_END && (c >= 0x80 || mk_is_token((unsigned char)c));
}

/* Octets of US-ASCII of a token at the front. */
static size_t token_run(mk_str s)
{
    size_t n = 0;
    while (n < s.len && mk_is_token(mk_octet_at(s, n))) {
        n++;
    }
    return n;
}

/* What stands up to white space, ";" or one of `stops`; no token is. */
static mk_str take_run(reader *p, const char *stops)
{
    size_t start = p->r.at;
    for (;;) {
        p->r.at += token_run(mk_str_sub(p->r.text, p->r.at, SIZE_MAX));
        unsigned c = mk_token_peek(&p->r);
        if (c == TOKEN_END || mk_token_is_space(c) || c == ';' ||
            mk_str_find(mk_str_z(stops), (unsigned char)c) <
                mk_str_z(stops).len) {
            return mk_str_sub(p->r.text, start, p->r.at - start);
        }
        p->r.flags |= c >= 0x80 ? (unsigned)MK_ADDRESS_8BIT : 0U;
        p->r.at++;
    }
}

static bool is_token_run(mk_str s)
{
    for (size_t i = token_run(s); i < s.len; i++) {
        if (!is_token(mk_octet_at(s, i))) {
            return false;
        }
    }
    return s.len > 0;
}

/* type ["/" subtype] */
static void read_type(reader *p, mk_params *out)
{
    (void)skip_space(p);
    size_t start = p->r.at;
    bool commented = (p->r.flags & MK_ADDRESS_COMMENTED) != 0;
    out->type = take_run(p, "/(");
    (void)skip_space(p);
    if (mk_token_peek(&p->r) == '/') {
        p->r.at++;
        (void)skip_space(p);
        out->subtype = take_run(p, "(");
        if (!is_token_run(out->subtype)) {
            tell(p, MK_DEFECT_PARAM_TYPE, start);
        }
        (void)skip_space(p);
    }
    commented |= (p->r.flags & MK_ADDRESS_COMMENTED) != 0;
    if (!is_token_run(out->type)) {
        tell(p, MK_DEFECT_PARAM_TYPE, start);
    }
    if (commented) {
        tell(p, MK_DEFECT_PARAM_COMMENT, start);
    }
}

/* Do a name and its "=" begin here? */
static bool begins_param(const reader *p)
{
    reader ahead = *p;
    ahead.defects = NULL;
    if (!is_token(mk_token_peek(&ahead.r))) {
        return false;
    }
    while (is_token(mk_token_peek(&ahead.r))) {
        ahead.r.at++;
    }
    return mk_token_peek(&ahead.r) == '=';
}

/* name, name*, name*1 or name*1* */
static bool read_name(reader *p, mk_str name, mk_param *out)
{
    size_t star;
    out->section = MK_PARAM_WHOLE;
    if (name.len > 1 && name.ptr[name.len - 1] == '*') {
        out->flags |= MK_PARAM_EXTENDED;
        name.len--;
    }
    star = mk_str_find(name, '*');
    out->name = mk_str_sub(name, 0, star);
    if (star < name.len) {
        uint64_t number;
        mk_str digits = mk_str_sub(name, star + 1, SIZE_MAX);
        bool zero = digits.len > 1 && digits.ptr[0] == '0';
        if (zero || mk_str_u64(digits, &number) != MK_OK ||
            number > SECTION_MAX) {
            tell(p, MK_DEFECT_PARAM_SECTION,
                 (size_t)(name.ptr - p->r.text.ptr));
            return false;
        }
        out->section = (uint32_t)number;
    }
    return out->name.len > 0;
}

static void read_quoted(reader *p, mk_param *out)
{
    size_t start = p->r.at + 1;
    bool closed = mk_token_quoted(&p->r);
    if (!closed) {
        tell(p, MK_DEFECT_PARAM_QUOTE_OPEN, start - 1);
    }
    out->flags |= MK_PARAM_QUOTED;
    out->value =
        mk_str_sub(p->r.text, start, p->r.at - start - (closed ? 1 : 0));
}

/* A token, or all up to ";" that is not the next parameter. */
static void read_bare(reader *p, mk_param *out)
{
    size_t start = p->r.at;
    size_t end;
    for (;;) {
        mk_str run = take_run(p, "(");
        if (!is_token_run(run) && p->r.at > start) {
            tell(p, MK_DEFECT_PARAM_UNQUOTED, start);
        }
        end = p->r.at;
        bool spaced = skip_space(p);
        unsigned c = mk_token_peek(&p->r);
        if (c == ';' || c == TOKEN_END || (spaced && begins_param(p))) {
            break;
        }
        tell(p, MK_DEFECT_PARAM_UNQUOTED, start);
        if (!spaced) {
            p->r.at++;
        }
    }
    out->value = mk_str_sub(p->r.text, start, end - start);
}

static void keep(reader *p, mk_params *out, const mk_param *one)
{
    uint32_t max =
        out->max < MK_PARAM_COUNT_MAX ? out->max : MK_PARAM_COUNT_MAX;
    if (out->count == max) {
        tell(p, MK_DEFECT_PARAM_COUNT, p->r.at);
        return;
    }
    mk_param *to = &out->items[out->count];
    *to = *one;
    to->flags |= MK_PARAM_FIRST;
    for (uint32_t i = 0; i < out->count; i++) {
        const mk_param *other = &out->items[i];
        if (!mk_str_is_nocase(other->name, one->name)) {
            continue;
        }
        to->flags &= ~(unsigned)MK_PARAM_FIRST;
        if (other->section == one->section &&
            (one->section != MK_PARAM_WHOLE ||
             ((other->flags ^ one->flags) & MK_PARAM_EXTENDED) == 0)) {
            tell(p, MK_DEFECT_PARAM_DUPLICATE,
                 (size_t)(one->name.ptr - p->r.text.ptr));
        }
    }
    out->count++;
}

/* attribute "=" value, with the cursor at the attribute. */
static void read_param(reader *p, mk_params *out)
{
    mk_param one = {.flags = 0};
    size_t start = p->r.at;
    mk_str name = take_run(p, "=(\"");
    (void)skip_space(p);
    if (mk_token_peek(&p->r) != '=') {
        tell(p, MK_DEFECT_PARAM_INVALID, start);
        p->r.at += p->r.at == start ? 1U : 0U;
        return;
    }
    p->r.at++;
    (void)skip_space(p);
    bool named = is_token_run(name) && read_name(p, name, &one);
    if (mk_token_peek(&p->r) == '"') {
        read_quoted(p, &one);
        bool spaced = skip_space(p);
        unsigned c = mk_token_peek(&p->r);
        if (c != ';' && c != TOKEN_END && !(spaced && begins_param(p))) {
            mk_param junk = {.flags = 0};
            tell(p, MK_DEFECT_PARAM_INVALID, p->r.at);
            read_bare(p, &junk);
        }
    } else {
        read_bare(p, &one);
        if (one.value.len == 0) {
            tell(p, MK_DEFECT_PARAM_INVALID, start);
        }
    }
    if (named) {
        keep(p, out, &one);
    } else {
        tell(p, MK_DEFECT_PARAM_INVALID, start);
    }
}

void mk_params_parse(mk_str value, mk_param *mem, uint32_t max,
                     mk_params *out_params, mk_defects *defects)
{
    reader p = {{value, 0, 0, 0}, defects, 0};
    *out_params = (mk_params){.text = value, .items = mem, .max = max};
    read_type(&p, out_params);
    bool separated = false;
    while ((p.told >> MK_DEFECT_PARAM_COUNT % 32 & 1U) == 0) {
        (void)skip_space(&p);
        unsigned c = mk_token_peek(&p.r);
        if (c == TOKEN_END) {
            break;
        }
        if (c == ';') {
            separated = true;
            p.r.at++;
            continue;
        }
        if (!separated) {
            tell(&p, MK_DEFECT_PARAM_NO_SEMICOLON, p.r.at);
        }
        separated = false;
        read_param(&p, out_params);
    }
    if ((p.r.flags & MK_ADDRESS_8BIT) != 0) {
        tell(&p, MK_DEFECT_PARAM_8BIT, 0);
    }
}
