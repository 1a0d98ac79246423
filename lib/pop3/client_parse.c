/* SPDX-License-Identifier: MIT
 *
 * client_parse.c: what a server says, read: status lines and response codes
 * (RFC 1939 3, RFC 2449 3 and 8), listings (RFC 1939 5 and 7), the timestamp of
 * a greeting (7), capabilities (RFC 2449 6, RFC 2595 4, RFC 3206, RFC 6856).
 * Strict where a number or a name is trusted later: no sign, no number that
 * does not fit, no unique-id beyond RFC 1939 7, no timestamp that is not a
 * message-id in ASCII (THREATS 40, 82); text is let pass as it is.
 */
#include "pop3/client_internal.h"

#include "base/ascii.h"

enum { number_max = 2147483647 };

bool mk_pop3_parse_status(mk_str line, bool *out_is_ok, mk_str *out_text)
{
    size_t n;

    if (mk_str_is(mk_str_sub(line, 0, 3), mk_str_z("+OK"))) {
        n = 3;
    } else if (mk_str_is(mk_str_sub(line, 0, 4), mk_str_z("-ERR"))) {
        n = 4;
    } else {
        return false;
    }
    if (line.len > n && mk_is_alnum(mk_octet_at(line, n))) {
        return false;
    }
    *out_is_ok = n == 3;
    n += line.len > n && mk_is_wsp(mk_octet_at(line, n)) ? 1 : 0;
    *out_text = mk_str_sub(line, n, SIZE_MAX);
    return true;
}

/* resp-code = "[" resp-level *("/" resp-level) "]"; resp-level = 1*rchar */
mk_str mk_pop3_parse_code(mk_str *io_text)
{
    mk_str text = *io_text;
    size_t n = 1;

    if (text.len < 3 || text.ptr[0] != '[') {
        return mk_str_of(NULL, 0);
    }
    while (n < text.len && mk_is_vchar(mk_octet_at(text, n)) &&
           text.ptr[n] != ']') {
        n++;
    }
    if (n == 1 || n == text.len || text.ptr[n] != ']') {
        return mk_str_of(NULL, 0);
    }
    *io_text = mk_str_sub(text, n + 1, SIZE_MAX);
    if (io_text->len > 0 && io_text->ptr[0] == ' ') {
        *io_text = mk_str_sub(*io_text, 1, SIZE_MAX);
    }
    return mk_str_sub(text, 1, n - 1);
}

/* ---- numbers ------------------------------------------------------------- */

/* The next word, and the spaces behind it. */
static mk_str next_word(mk_str *io_text)
{
    size_t n = mk_str_find(*io_text, ' ');
    mk_str word = mk_str_sub(*io_text, 0, n);

    while (n < io_text->len && io_text->ptr[n] == ' ') {
        n++;
    }
    *io_text = mk_str_sub(*io_text, n, SIZE_MAX);
    return word;
}

static mk_err next_number(mk_str *io_text, uint64_t min, uint64_t max,
                          uint64_t *out_value)
{
    uint64_t value;
    mk_err err = mk_str_u64(next_word(io_text), &value);

    if (err != MK_OK) {
        return err;
    }
    if (value < min || value > max) {
        return value < min ? MK_E_SYNTAX : MK_E_OVERFLOW;
    }
    *out_value = value;
    return MK_OK;
}

/* "+OK" SP count SP octets, and perhaps more, which RFC 1939 5 discourages */
mk_err mk_pop3_parse_stat(mk_str text, uint32_t *out_count,
                          uint64_t *out_octets)
{
    uint64_t count;
    mk_err err = next_number(&text, 0, number_max, &count);

    if (err == MK_OK) {
        err = next_number(&text, 0, UINT64_MAX, out_octets);
    }
    if (err == MK_OK) {
        *out_count = (uint32_t)count;
    }
    return err;
}

static mk_err parse_listed(mk_str *io_text, client_number *out)
{
    uint64_t number;
    mk_err err = next_number(io_text, 1, number_max, &number);

    if (err == MK_OK) {
        out->number = (uint32_t)number;
    }
    return err;
}

mk_err mk_pop3_parse_size(mk_str text, client_number *out)
{
    mk_err err = parse_listed(&text, out);

    return err == MK_OK ? next_number(&text, 0, UINT64_MAX, &out->octets) : err;
}

/* "one to 70 characters in the range 0x21 to 0x7E" */
mk_err mk_pop3_parse_uid(mk_str text, client_number *out)
{
    mk_err err = parse_listed(&text, out);
    bool is_good = text.len <= MK_POP3_UID_MAX;
    size_t i;

    for (i = 0; is_good && i < text.len; i++) {
        is_good = mk_is_vchar(mk_octet_at(text, i));
    }
    out->uid = mk_str_sub(text, 0, is_good ? SIZE_MAX : 0);
    return err;
}

/* ---- the timestamp ------------------------------------------------------- */

/* dot-atom = 1*atext *("." 1*atext) */
static bool is_dot_atom(mk_str s)
{
    bool was_dot = true;
    size_t i;

    for (i = 0; i < s.len; i++) {
        bool is_dot = s.ptr[i] == '.';

        if (is_dot ? was_dot : !mk_is_atext(mk_octet_at(s, i))) {
            return false;
        }
        was_dot = is_dot;
    }
    return !was_dot;
}

/* domain-literal = "[" *dtext "]" */
static bool is_literal(mk_str s)
{
    size_t i;

    if (s.len < 3 || s.ptr[0] != '[' || s.ptr[s.len - 1] != ']') {
        return false;
    }
    for (i = 1; i < s.len - 1; i++) {
        unsigned char octet = mk_octet_at(s, i);

        if (!mk_is_vchar(octet) || octet == '[' || octet == ']' ||
            octet == '\\') {
            return false;
        }
    }
    return true;
}

/* msg-id = "<" local-part "@" domain ">". A quoted local part would let a
 * server choose many octets more of what is hashed with the password. */
mk_str mk_pop3_parse_timestamp(mk_str text)
{
    size_t begin = mk_str_find(text, '<');
    mk_str rest = mk_str_sub(text, begin, SIZE_MAX);
    mk_str id = mk_str_sub(rest, 0, mk_str_find(rest, '>') + 1);
    mk_str inner = mk_str_sub(id, 1, id.len < 2 ? 0 : id.len - 2);
    size_t at = mk_str_find(inner, '@');
    mk_str domain = mk_str_sub(inner, at + 1, SIZE_MAX);

    if (id.len == 0 || id.ptr[id.len - 1] != '>' ||
        !is_dot_atom(mk_str_sub(inner, 0, at)) ||
        (!is_dot_atom(domain) && !is_literal(domain))) {
        return mk_str_of(NULL, 0);
    }
    return id;
}

/* ---- CAPA ---------------------------------------------------------------- */

static void learn_sasl(mk_pop3_client *c, mk_str words)
{
    if (c->config->sasl != NULL) {
        c->core.mechanisms |= c->config->sasl->ops->parse(words);
    }
}

static uint32_t seconds_or(mk_str word, uint32_t other)
{
    uint64_t value;
    mk_err err = mk_str_u64(word, &value);

    if (err == MK_E_SYNTAX) {
        return other;
    }
    return err == MK_OK && value < UINT32_MAX ? (uint32_t)value
                                              : UINT32_MAX - 1;
}

static void learn_delay(mk_pop3_client *c, mk_str words)
{
    c->login_delay_s = seconds_or(next_word(&words), 0);
}

/* Days, or "NEVER" */
static void learn_expire(mk_pop3_client *c, mk_str words)
{
    c->expire_days = seconds_or(next_word(&words), MK_POP3_EXPIRE_NEVER);
}

static void learn_utf8(mk_pop3_client *c, mk_str words)
{
    c->is_utf8_user = mk_str_is_nocase(next_word(&words), mk_str_z("USER"));
}

void mk_pop3_client_learn(mk_pop3_client *c, mk_str line)
{
    static const struct {
        const char *tag;
        uint32_t bit;
        void (*learn)(mk_pop3_client *, mk_str words);
    } tags[] = {
        {"TOP", MK_POP3_CAPABILITY_TOP, NULL},
        {"USER", MK_POP3_CAPABILITY_USER, NULL},
        {"SASL", MK_POP3_CAPABILITY_SASL, learn_sasl},
        {"RESP-CODES", MK_POP3_CAPABILITY_RESP_CODES, NULL},
        {"LOGIN-DELAY", MK_POP3_CAPABILITY_LOGIN_DELAY, learn_delay},
        {"PIPELINING", MK_POP3_CAPABILITY_PIPELINING, NULL},
        {"EXPIRE", MK_POP3_CAPABILITY_EXPIRE, learn_expire},
        {"UIDL", MK_POP3_CAPABILITY_UIDL, NULL},
        {"IMPLEMENTATION", MK_POP3_CAPABILITY_IMPLEMENTATION, NULL},
        {"STLS", MK_POP3_CAPABILITY_STLS, NULL},
        {"AUTH-RESP-CODE", MK_POP3_CAPABILITY_AUTH_RESP_CODE, NULL},
        {"UTF8", MK_POP3_CAPABILITY_UTF8, learn_utf8},
        {"LANG", MK_POP3_CAPABILITY_LANG, NULL},
    };
    mk_str tag = next_word(&line);
    size_t i;

    for (i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if ((c->config->capabilities & tags[i].bit) != 0 &&
            mk_str_is_nocase(tag, mk_str_z(tags[i].tag))) {
            c->capabilities |= tags[i].bit;
            if (tags[i].learn != NULL) {
                tags[i].learn(c, line);
            }
        }
    }
}
