/* SPDX-License-Identifier: MIT
 *
 * smtp/extensions.c: the rows of extensions.h: PIPELINING (RFC 2920), SIZE
 * (RFC 1870), 8BITMIME (RFC 6152), ENHANCEDSTATUSCODES (RFC 2034), STARTTLS
 * (RFC 3207), AUTH (RFC 4954), and the loops over them. An extension that is
 * not offered has no parameters: they are answered 555 (RFC 5321 4.1.1.11).
 * Logic beyond a value's syntax does not live here.
 */
#include "smtp/extensions.h"

#include "base/ascii.h"

#include <mailkit/sasl.h>

/* SIZE: 1*20DIGIT (RFC 1870 3, 4). 0 means that no limit is stated. */
static const char *take_size(const mk_smtp_server_config *c, mk_str value,
                             mk_smtp_event *ev)
{
    uint64_t size;
    mk_err err = value.len > 20 ? MK_E_SYNTAX : mk_str_u64(value, &size);
    if (err == MK_E_SYNTAX) {
        return "501 5.5.4 SIZE wants a number";
    }
    if (err != MK_OK || size > c->message_max) {
        return "552 5.3.4 Message too big";
    }
    ev->size = size;
    return NULL;
}

static void print_size(const mk_smtp_server_config *c, const mk_tls_info *tls,
                       mk_buf *out)
{
    (void)tls;
    (void)mk_buf_add_c(out, ' ');
    (void)mk_buf_add_u64(out, c->message_max);
}

static void learn_size(mk_str value, smtp_offer *io)
{
    uint64_t size;
    if (mk_str_u64(value, &size) == MK_OK) {
        io->size_max = size;
    }
}

/* The mechanisms of this connection (RFC 4954 3), the strongest first. */
static void print_auth(const mk_smtp_server_config *c, const mk_tls_info *tls,
                       mk_buf *out)
{
    uint32_t offer = c->sasl->ops->offer(c->sasl, tls);
    for (uint32_t bit = MK_SASL_ALL / 2 + 1; bit > 0; bit >>= 1) {
        if ((offer & bit) != 0) {
            (void)mk_buf_add_c(out, ' ');
            (void)mk_buf_add_z(out, c->sasl->ops->name((mk_sasl_mechanism)bit));
        }
    }
}

static void learn_auth(mk_str value, smtp_offer *io)
{
    io->mechanisms = value;
}

/* BODY: 7BIT / 8BITMIME (RFC 6152 2). */
static const char *take_body(const mk_smtp_server_config *c, mk_str value,
                             mk_smtp_event *ev)
{
    (void)c;
    if (mk_str_is_nocase(value, mk_str_z("7BIT"))) {
        ev->body = MK_SMTP_BODY_7BIT;
        return NULL;
    }
    if (mk_str_is_nocase(value, mk_str_z("8BITMIME"))) {
        ev->body = MK_SMTP_BODY_8BITMIME;
        return NULL;
    }
    return "501 5.5.4 BODY wants 7BIT or 8BITMIME";
}

/* hexchar = "+" 2HEXDIG, of capitals: the two digits, or -1 */
static int hexchar(mk_str s)
{
    int high = s.len < 3 ? -1 : mk_hex_value(mk_octet_at(s, 1));
    int low = s.len < 3 ? -1 : mk_hex_value(mk_octet_at(s, 2));
    bool small = s.len >= 3 && (s.ptr[1] >= 'a' || s.ptr[2] >= 'a');
    return high < 0 || low < 0 || small ? -1 : high * 16 + low;
}

/* xtext = *( xchar / hexchar ); xchar is visible but for "+" and "=" (RFC 3461
 * 4). What it stands for is judged by who reads it. */
static mk_err decode_xtext(mk_str text, mk_buf *out)
{
    while (text.len > 0) {
        int c = text.ptr[0] == '+' ? hexchar(text) : mk_octet_at(text, 0);
        if (c < 0 || mk_buf_add_c(out, (char)c) != MK_OK) {
            return MK_E_SYNTAX;
        }
        text = mk_str_sub(text, text.ptr[0] == '+' ? 3 : 1, SIZE_MAX);
    }
    return MK_OK;
}

/* AUTH: xtext of a mailbox, or "<>" (RFC 4954 5). Who is named there is not
 * handed on: nobody here vouches for it. */
static const char *take_auth(const mk_smtp_server_config *c, mk_str value,
                             mk_smtp_event *ev)
{
    static const char refusal[] = "501 5.5.4 AUTH wants a mailbox";
    char room[256]; /* of a path (RFC 5321 4.5.3.1.3) */
    mk_buf plain;
    mk_smtp_path path;
    (void)c;
    (void)ev;
    mk_buf_init(&plain, room, sizeof room);
    if (decode_xtext(value, &plain) != MK_OK) {
        return refusal;
    }
    mk_str mailbox = mk_buf_str(&plain);
    bool fine = mk_str_is(mailbox, mk_str_z("<>")) ||
                (mk_smtp_mailbox_parse(mailbox, false, &path) == MK_OK &&
                 (path.flags & MK_SMTP_PATH_NO_DOMAIN) == 0);
    return fine ? NULL : refusal;
}

/* clang-format off */
static const smtp_extension extensions[] = {
    /* keyword              bit                                    print       learn       rfc */
    {"PIPELINING",          MK_SMTP_EXTENSION_PIPELINING,          NULL,       NULL,       "2920"},
    {"SIZE",                MK_SMTP_EXTENSION_SIZE,                print_size, learn_size, "1870"},
    {"8BITMIME",            MK_SMTP_EXTENSION_8BITMIME,            NULL,       NULL,       "6152"},
    {"ENHANCEDSTATUSCODES", MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES, NULL,       NULL,       "2034"},
    {"STARTTLS",            MK_SMTP_EXTENSION_STARTTLS,            NULL,       NULL,       "3207"},
    {"AUTH",                MK_SMTP_EXTENSION_AUTH,                print_auth, learn_auth, "4954"},
};

static const smtp_param params[] = {
    /* keyword  places           row  seen  take */
    {"SIZE",    SMTP_PARAM_MAIL, 1,   1,    take_size},
    {"BODY",    SMTP_PARAM_MAIL, 2,   2,    take_body},
    {"AUTH",    SMTP_PARAM_MAIL, 5,   4,    take_auth},
};
/* clang-format on */

enum {
    EXTENSIONS = sizeof extensions / sizeof extensions[0],
    PARAMS = sizeof params / sizeof params[0]
};

void mk_smtp_extensions_print(const mk_smtp_server_config *c, uint32_t offered,
                              const mk_tls_info *tls, mk_buf *out)
{
    size_t last = EXTENSIONS;
    for (size_t i = 0; i < EXTENSIONS; i++) {
        last = (extensions[i].bit & offered) != 0 ? i : last;
    }
    for (size_t i = 0; last < EXTENSIONS && i <= last; i++) {
        const smtp_extension *x = &extensions[i];
        if ((x->bit & offered) == 0) {
            continue;
        }
        (void)mk_buf_add_z(out, i == last ? "250 " : "250-");
        (void)mk_buf_add_z(out, x->keyword);
        if (x->print != NULL) {
            x->print(c, tls, out);
        }
        (void)mk_buf_add_z(out, "\r\n");
    }
}

/* ehlo-line = ehlo-keyword *( SP ehlo-param ), in any case (4.1.1.1) */
void mk_smtp_extensions_learn(mk_str line, uint32_t wanted, smtp_offer *io)
{
    mk_str keyword = mk_str_sub(line, 0, mk_str_find(line, ' '));
    for (size_t i = 0; i < EXTENSIONS; i++) {
        if ((extensions[i].bit & wanted) == 0 ||
            !mk_str_is_nocase(keyword, mk_str_z(extensions[i].keyword))) {
            continue;
        }
        io->extensions |= extensions[i].bit;
        if (extensions[i].learn != NULL) {
            extensions[i].learn(mk_str_sub(line, keyword.len + 1, SIZE_MAX),
                                io);
        }
    }
}

static const smtp_param *find_param(uint32_t offered, smtp_param_place place,
                                    mk_str keyword)
{
    for (size_t i = 0; i < PARAMS; i++) {
        const smtp_param *p = &params[i];
        if ((p->places & (unsigned)place) != 0 &&
            (extensions[p->extension].bit & offered) != 0 &&
            mk_str_is_nocase(keyword, mk_str_z(p->keyword))) {
            return p;
        }
    }
    return NULL;
}

/* esmtp-param = esmtp-keyword ["=" esmtp-value]; keyword = (ALPHA / DIGIT)
 * *(ALPHA / DIGIT / "-"); value = 1*(%d33-60 / %d62-126) */
static bool is_param(mk_str keyword, mk_str value, bool has_value)
{
    bool fine = keyword.len > 0 && keyword.ptr[0] != '-';
    for (size_t i = 0; i < keyword.len; i++) {
        unsigned char c = mk_octet_at(keyword, i);
        fine = fine && (mk_is_alnum(c) || c == '-');
    }
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = mk_octet_at(value, i);
        fine = fine && c > 32 && c < 127 && c != '=';
    }
    return fine && !(has_value && value.len == 0);
}

const char *mk_smtp_params_take(const mk_smtp_server_config *c,
                                uint32_t offered, smtp_param_place place,
                                mk_str rest, mk_smtp_event *ev)
{
    uint32_t seen = 0;
    while (rest.len > 0) {
        if (rest.ptr[0] != ' ') {
            return "501 5.5.4 Syntax error in parameters";
        }
        rest = mk_str_sub(rest, 1, SIZE_MAX);
        mk_str one = mk_str_sub(rest, 0, mk_str_find(rest, ' '));
        rest = mk_str_sub(rest, one.len, SIZE_MAX);
        if (one.len == 0) {
            continue; /* several spaces: tolerated */
        }
        size_t eq = mk_str_find(one, '=');
        mk_str value = mk_str_sub(one, eq + 1, SIZE_MAX);
        mk_str keyword = mk_str_sub(one, 0, eq);
        if (!is_param(keyword, value, eq < one.len)) {
            return "501 5.5.4 Syntax error in parameters";
        }
        const smtp_param *p = find_param(offered, place, keyword);
        if (p == NULL) {
            return "555 5.5.4 Parameter not recognized";
        }
        if ((seen & p->seen) != 0) {
            return "501 5.5.4 Parameter given twice";
        }
        seen |= p->seen;
        const char *refusal = p->take(c, value, ev);
        if (refusal != NULL) {
            return refusal;
        }
    }
    return NULL;
}
