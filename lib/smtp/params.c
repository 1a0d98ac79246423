/* SPDX-License-Identifier: MIT
 *
 * smtp/params.c: see params.h: SIZE (RFC 1870), BODY (RFC 6152, 3030), AUTH
 * (RFC 4954), RET ENVID NOTIFY ORCPT (RFC 3461, 6533), SMTPUTF8 (RFC 6531),
 * REQUIRETLS (RFC 8689), MT-PRIORITY (RFC 6710), BY (RFC 2852), HOLDFOR
 * HOLDUNTIL (RFC 4865), SOLICIT (RFC 3865). A value is handed on as it stands
 * once it is known to be one; what it hides in xtext is looked at, and no
 * control character gets through (THREATS 17, 18).
 */
#include "smtp/params.h"
#include "smtp/values.h"

#include "base/ascii.h"
#include "base/utf8.h"

#include <mailkit/date.h>

enum {
    PARAMS_MAX = 4096, /* octets of them all, however long a line may be */
    ENVID_MAX = 100,   /* RFC 3461 4.4 */
    ORCPT_MAX = 500    /* RFC 3461 4.2 */
};

typedef const char *taker(smtp_params *p, mk_str value);

/* ---- MAIL -----------------------------------------------------------------
 */

/* SIZE: 1*20DIGIT (RFC 1870 3, 4). 0 means that no limit is stated. */
static const char *take_size(smtp_params *p, mk_str value)
{
    uint64_t size;
    mk_err err = value.len > 20 ? MK_E_SYNTAX : mk_str_u64(value, &size);
    if (err == MK_E_SYNTAX) {
        return "501 5.5.4 SIZE wants a number";
    }
    if (err != MK_OK || size > p->config->message_max) {
        return "552 5.3.4 Message too big";
    }
    p->event->size = size;
    return NULL;
}

/* body-value = "7BIT" / "8BITMIME" / "BINARYMIME" (RFC 6152 2, RFC 3030 3) */
static const char *take_body(smtp_params *p, mk_str value)
{
    static const struct {
        const char *name;
        uint32_t needs;
        mk_smtp_body body;
    } values[] = {
        {"7BIT", 0, MK_SMTP_BODY_7BIT},
        {"8BITMIME", 0, MK_SMTP_BODY_8BITMIME},
        {"BINARYMIME", MK_SMTP_EXTENSION_BINARYMIME, MK_SMTP_BODY_BINARYMIME},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (mk_str_is_nocase(value, mk_str_z(values[i].name)) &&
            (values[i].needs & ~p->offered) == 0) {
            p->event->body = values[i].body;
            return NULL;
        }
    }
    return "501 5.5.4 BODY of no such kind";
}

/* AUTH: xtext of a mailbox, or "<>" (RFC 4954 5); judged at the end, for
 * SMTPUTF8 may follow. */
static const char *take_auth(smtp_params *p, mk_str value)
{
    p->mail->auth = value;
    return NULL;
}

static bool is_auth(mk_str value, bool is_utf8)
{
    char room[256]; /* of a path (RFC 5321 4.5.3.1.3) */
    mk_buf plain;
    mk_smtp_path path;
    mk_buf_init(&plain, room, sizeof room);
    if (mk_smtp_xtext_parse(value, &plain) != MK_OK) {
        return false;
    }
    mk_str mailbox = mk_buf_str(&plain);
    return mk_str_is(mailbox, mk_str_z("<>")) ||
           (mk_smtp_mailbox_parse(mailbox, is_utf8, &path) == MK_OK &&
            (path.flags & MK_SMTP_PATH_NO_DOMAIN) == 0);
}

static const char *take_smtputf8(smtp_params *p, mk_str value)
{
    (void)value;
    p->mail->is_utf8 = true;
    return NULL;
}

static const char *take_requiretls(smtp_params *p, mk_str value)
{
    (void)value;
    p->mail->is_tls_required = true;
    return NULL;
}

/* RET: "FULL" / "HDRS" (RFC 3461 4.3) */
static const char *take_ret(smtp_params *p, mk_str value)
{
    if (mk_str_is_nocase(value, mk_str_z("FULL"))) {
        p->mail->ret = MK_SMTP_RET_FULL;
    } else if (mk_str_is_nocase(value, mk_str_z("HDRS"))) {
        p->mail->ret = MK_SMTP_RET_HDRS;
    } else {
        return "501 5.5.4 RET wants FULL or HDRS";
    }
    return NULL;
}

/* RFC 3461 4.2, 4.4: "printable (graphic and white space) characters from the
 * US-ASCII repertoire" before they were encoded; the longest are 500 octets. */
static bool is_printable_xtext(mk_str value)
{
    char room[ORCPT_MAX];
    mk_buf plain;
    mk_buf_init(&plain, room, sizeof room);
    bool fine = mk_smtp_xtext_parse(value, &plain) == MK_OK;
    for (size_t i = 0; fine && i < plain.len; i++) {
        fine = mk_octet_at(mk_buf_str(&plain), i) < 0x80;
    }
    return fine;
}

static const char *take_envid(smtp_params *p, mk_str value)
{
    if (value.len > ENVID_MAX || !is_printable_xtext(value)) {
        return "501 5.5.4 ENVID wants xtext, 100 octets at most";
    }
    p->mail->envid = value;
    return NULL;
}

/* priority-value = (["-"] NZDIGIT) / "0" (RFC 6710 3) */
static const char *take_priority(smtp_params *p, mk_str value)
{
    bool is_negative = value.len > 0 && value.ptr[0] == '-';
    mk_str digit = mk_str_sub(value, is_negative ? 1 : 0, SIZE_MAX);
    int n = digit.len == 1 && mk_is_digit(mk_octet_at(digit, 0))
                ? digit.ptr[0] - '0'
                : -1;
    if (n < 0 || (n == 0 && is_negative)) {
        return "501 5.5.4 MT-PRIORITY wants -9 to 9";
    }
    p->mail->has_priority = true;
    p->mail->priority = (int8_t)(is_negative ? -n : n);
    return NULL;
}

/* by-time = ["-" / "+"] 1*9digit; false: it is none */
static bool read_by_time(mk_str text, int32_t *out_s)
{
    bool is_signed = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    bool is_negative = is_signed && text.ptr[0] == '-';
    mk_str digits = mk_str_sub(text, is_signed ? 1 : 0, SIZE_MAX);
    uint64_t n;
    if (digits.len > 9 || mk_str_u64(digits, &n) != MK_OK) {
        return false;
    }
    *out_s = is_negative ? -(int32_t)n : (int32_t)n;
    return true;
}

/* by-value = by-time ";" by-mode [by-trace]; by-mode = "N" / "R"; by-trace =
 * "T" (RFC 2852 4) */
static const char *take_by(smtp_params *p, mk_str value)
{
    mk_smtp_mail_options *o = p->mail;
    mk_str time = mk_str_sub(value, 0, mk_str_find(value, ';'));
    mk_str mode = mk_str_sub(value, time.len + 1, SIZE_MAX);
    char how = mode.len > 0 ? (char)mk_upper(mk_octet_at(mode, 0)) : '?';
    mk_str trace = mk_str_sub(mode, 1, SIZE_MAX);
    o->is_by_traced = mk_str_is_nocase(trace, mk_str_z("T"));
    o->by = how == 'N'   ? MK_SMTP_BY_NOTIFY
            : how == 'R' ? MK_SMTP_BY_RETURN
                         : MK_SMTP_BY_UNSTATED;
    if (!read_by_time(time, &o->by_s) || o->by == MK_SMTP_BY_UNSTATED ||
        (trace.len > 0 && !o->is_by_traced)) {
        return "501 5.5.4 BY wants seconds;N or ;R, and T or nothing";
    }
    if (o->by == MK_SMTP_BY_RETURN && o->by_s <= 0) {
        return "501 5.5.4 BY with R wants a time to come";
    }
    if (o->by == MK_SMTP_BY_RETURN &&
        (uint32_t)o->by_s < p->config->deliver_by_min_s) {
        return "555 5.5.4 BY is sooner than can be";
    }
    return NULL;
}

/* HOLDFOR: %x31-39 *8DIGIT (RFC 4865 3, 5) */
static const char *take_hold_for(smtp_params *p, mk_str value)
{
    uint64_t n = 0;
    if (p->mail->hold_until.len > 0) {
        return "501 5.5.4 HOLDFOR or HOLDUNTIL, not both";
    }
    if (value.len > 9 || value.ptr[0] == '0' ||
        mk_str_u64(value, &n) != MK_OK) {
        return "501 5.5.4 HOLDFOR wants seconds";
    }
    if (n > p->config->hold_max_s) {
        return "501 5.5.4 HOLDFOR is longer than is offered";
    }
    p->mail->hold_for_s = (uint32_t)n;
    return NULL;
}

static const char *take_hold_until(smtp_params *p, mk_str value)
{
    int64_t until = 0;
    int64_t last = 0;
    if (p->mail->hold_for_s > 0) {
        return "501 5.5.4 HOLDFOR or HOLDUNTIL, not both";
    }
    if (mk_date_internet_parse(value, &until) != MK_OK) {
        return "501 5.5.4 HOLDUNTIL wants a date and time";
    }
    if (mk_date_internet_parse(p->config->hold_until_max, &last) != MK_OK ||
        until > last) {
        return "501 5.5.4 HOLDUNTIL is later than is offered";
    }
    p->mail->hold_until = value;
    return NULL;
}

/* Is one of these keywords among those? */
static bool has_common(mk_str these, mk_str those)
{
    while (these.len > 0) {
        mk_str one = mk_str_sub(these, 0, mk_str_find(these, ','));
        these = mk_str_sub(these, one.len + 1, SIZE_MAX);
        for (mk_str rest = those; rest.len > 0;) {
            mk_str other = mk_str_sub(rest, 0, mk_str_find(rest, ','));
            rest = mk_str_sub(rest, other.len + 1, SIZE_MAX);
            if (mk_str_is_nocase(one, other)) {
                return true;
            }
        }
    }
    return false;
}

/* Who was told that these are not wanted sent them all the same (RFC 3865
 * 2.4). */
static const char *take_solicit(smtp_params *p, mk_str value)
{
    if (!mk_smtp_is_solicit(value)) {
        return "501 5.5.4 SOLICIT wants keywords";
    }
    if (has_common(value, p->config->solicit)) {
        return "550 5.7.1 Solicitation of this class is not wanted";
    }
    p->mail->solicit = value;
    return NULL;
}

/* ---- RCPT -----------------------------------------------------------------
 */

/* notify-esmtp-value = "NEVER" / 1#notify-list-element (RFC 3461 4.1) */
static const char *take_notify(smtp_params *p, mk_str value)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } words[] = {
        {"NEVER", MK_SMTP_NOTIFY_NEVER},
        {"SUCCESS", MK_SMTP_NOTIFY_SUCCESS},
        {"FAILURE", MK_SMTP_NOTIFY_FAILURE},
        {"DELAY", MK_SMTP_NOTIFY_DELAY},
    };
    static const char refusal[] =
        "501 5.5.4 NOTIFY wants NEVER, or of SUCCESS,FAILURE,DELAY";
    for (size_t at = 0; at <= value.len;) {
        mk_str rest = mk_str_sub(value, at, SIZE_MAX);
        mk_str one = mk_str_sub(rest, 0, mk_str_find(rest, ','));
        uint32_t bit = 0;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            bit |= mk_str_is_nocase(one, mk_str_z(words[i].word)) ? words[i].bit
                                                                  : 0;
        }
        if (bit == 0) {
            return refusal;
        }
        p->rcpt->notify |= bit;
        at += one.len + 1;
    }
    bool is_never = (p->rcpt->notify & MK_SMTP_NOTIFY_NEVER) != 0;
    return is_never && p->rcpt->notify != MK_SMTP_NOTIFY_NEVER ? refusal : NULL;
}

/* EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}" (RFC 6533 3): octets of it, or
 * 0. HEXPOINT has no needless zeros and stands for no surrogate; of ASCII it
 * may be what has a meaning in xtext, but here no control character. */
static size_t embedded_character(mk_str s)
{
    enum { DIGITS_MAX = 6 };
    size_t end = mk_str_find(s, '}');
    uint32_t c = 0;
    if (s.len < 3 || s.ptr[1] != 'x' || s.ptr[2] != '{' || end == s.len ||
        end < 3 + 2 || end > 3 + DIGITS_MAX ||
        (end > 3 + 2 && s.ptr[3] == '0')) {
        return 0;
    }
    for (size_t i = 3; i < end; i++) {
        int digit = mk_hex_value(mk_octet_at(s, i));
        if (digit < 0) {
            return 0;
        }
        c = c << 4 | (uint32_t)digit;
    }
    bool is_special = c == ' ' || c == '+' || c == '=' || c == '\\';
    bool is_surrogate = c >= 0xD800 && c < 0xE000;
    bool is_beyond = c >= 0xA0 && c <= 0x10FFFF && !is_surrogate;
    return is_special || is_beyond ? end + 1 : 0;
}

/* utf-8-addr-unitext = 1*(QUCHAR / EmbeddedUnicodeChar) (RFC 6533 3); that
 * octets above 0x7F are UTF-8, and may stand here, was looked at before */
static bool is_unitext(mk_str s)
{
    bool fine = s.len > 0;
    while (fine && s.len > 0) {
        unsigned char c = mk_octet_at(s, 0);
        size_t n = c == '\\' ? embedded_character(s) : 1;
        fine = n > 0 && c != '+' && c != '=';
        s = mk_str_sub(s, n, SIZE_MAX);
    }
    return fine;
}

static bool is_ascii(mk_str s)
{
    size_t i = 0;
    while (i < s.len && mk_octet_at(s, i) < 0x80) {
        i++;
    }
    return i == s.len;
}

/* original-recipient-address = addr-type ";" xtext; addr-type = atom (RFC 3461
 * 4.2). Of the type utf-8 it is no xtext (RFC 6533 3). */
static const char *take_orcpt(smtp_params *p, mk_str value)
{
    mk_str type = mk_str_sub(value, 0, mk_str_find(value, ';'));
    mk_str address = mk_str_sub(value, type.len + 1, SIZE_MAX);
    bool is_utf8 = mk_str_is_nocase(type, mk_str_z("utf-8"));
    bool fine = type.len > 0 && type.len < value.len && value.len <= ORCPT_MAX;
    for (size_t i = 0; i < type.len; i++) {
        fine = fine && mk_is_atext(mk_octet_at(type, i));
    }
    if (!fine ||
        !(is_utf8 ? is_unitext(address) : is_printable_xtext(address))) {
        return "501 5.5.4 ORCPT wants a type;and an address";
    }
    p->rcpt->orcpt_type = type;
    p->rcpt->orcpt = address;
    return NULL;
}

/* ---- the table ------------------------------------------------------------
 */

typedef enum param_place { OF_MAIL = 1, OF_RCPT = 2 } param_place;

typedef struct smtp_param {
    char keyword[12];
    uint8_t place;      /* param_place */
    bool has_value;     /* it must have one; else it must have none */
    uint32_t extension; /* mk_smtp_extension, or-ed: one of these is offered */
    taker *take;
} smtp_param;

/* clang-format off */
static const smtp_param rows[] = {
    /* keyword      place    value  extension                              take */
    {"SIZE",        OF_MAIL, true,  MK_SMTP_EXTENSION_SIZE,                take_size},
    {"BODY",        OF_MAIL, true,  MK_SMTP_EXTENSION_8BITMIME | MK_SMTP_EXTENSION_BINARYMIME, take_body},
    {"AUTH",        OF_MAIL, true,  MK_SMTP_EXTENSION_AUTH,                take_auth},
    {"RET",         OF_MAIL, true,  MK_SMTP_EXTENSION_DSN,                 take_ret},
    {"ENVID",       OF_MAIL, true,  MK_SMTP_EXTENSION_DSN,                 take_envid},
    {"SMTPUTF8",    OF_MAIL, false, MK_SMTP_EXTENSION_SMTPUTF8,            take_smtputf8},
    {"REQUIRETLS",  OF_MAIL, false, MK_SMTP_EXTENSION_REQUIRETLS,          take_requiretls},
    {"MT-PRIORITY", OF_MAIL, true,  MK_SMTP_EXTENSION_MT_PRIORITY,         take_priority},
    {"BY",          OF_MAIL, true,  MK_SMTP_EXTENSION_DELIVERBY,           take_by},
    {"HOLDFOR",     OF_MAIL, true,  MK_SMTP_EXTENSION_FUTURERELEASE,       take_hold_for},
    {"HOLDUNTIL",   OF_MAIL, true,  MK_SMTP_EXTENSION_FUTURERELEASE,       take_hold_until},
    {"SOLICIT",     OF_MAIL, true,  MK_SMTP_EXTENSION_NO_SOLICITING,       take_solicit},
    {"NOTIFY",      OF_RCPT, true,  MK_SMTP_EXTENSION_DSN,                 take_notify},
    {"ORCPT",       OF_RCPT, true,  MK_SMTP_EXTENSION_DSN,                 take_orcpt},
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof rows[0] };

/* The row of a keyword; ROWS: there is none. */
static size_t find_row(const smtp_params *p, mk_str keyword)
{
    param_place place = p->mail != NULL ? OF_MAIL : OF_RCPT;
    size_t i = 0;
    while (i < ROWS &&
           !(rows[i].place == place && (rows[i].extension & p->offered) != 0 &&
             mk_str_is_nocase(keyword, mk_str_z(rows[i].keyword)))) {
        i++;
    }
    return i;
}

/* esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-") */
static bool is_keyword(mk_str s)
{
    bool fine = s.len > 0 && s.ptr[0] != '-';
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        fine = fine && (mk_is_alnum(c) || c == '-');
    }
    return fine;
}

/* esmtp-value = 1*(%d33-60 / %d62-126), and UTF8-non-ascii (RFC 6531 3.3) */
static bool is_value(mk_str s, bool is_utf8)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        if (c < 0x80 && (!mk_is_vchar(c) || c == '=')) {
            return false;
        }
    }
    return s.len > 0 && (is_ascii(s) || (is_utf8 && mk_is_utf8(s)));
}

/* esmtp-param = esmtp-keyword ["=" esmtp-value] */
static const char *take_one(smtp_params *p, mk_str one, uint32_t *io_seen)
{
    size_t eq = mk_str_find(one, '=');
    mk_str keyword = mk_str_sub(one, 0, eq);
    mk_str value = mk_str_sub(one, eq + 1, SIZE_MAX);
    bool has_value = eq < one.len;
    if (!is_keyword(keyword) || (has_value && !is_value(value, p->is_utf8))) {
        return "501 5.5.4 Syntax error in parameters";
    }
    size_t i = find_row(p, keyword);
    if (i == ROWS) {
        return "555 5.5.4 Parameter not recognized";
    }
    if ((*io_seen & UINT32_C(1) << i) != 0) {
        return "501 5.5.4 Parameter given twice";
    }
    *io_seen |= UINT32_C(1) << i;
    if (has_value != rows[i].has_value) {
        return has_value ? "501 5.5.4 Parameter takes no value"
                         : "501 5.5.4 Parameter wants a value";
    }
    return rows[i].take(p, value);
}

const char *mk_smtp_params_take(smtp_params *p, mk_str rest)
{
    const char *refusal = NULL;
    uint32_t seen = 0;
    if (rest.len > PARAMS_MAX) {
        return "500 5.5.2 Parameters too long";
    }
    while (rest.len > 0 && refusal == NULL) {
        if (rest.ptr[0] != ' ') {
            return "501 5.5.4 Syntax error in parameters";
        }
        rest = mk_str_sub(rest, 1, SIZE_MAX);
        mk_str one = mk_str_sub(rest, 0, mk_str_find(rest, ' '));
        rest = mk_str_sub(rest, one.len, SIZE_MAX);
        if (one.len > 0) { /* several spaces: tolerated */
            refusal = take_one(p, one, &seen);
        }
    }
    if (refusal == NULL && p->mail != NULL && p->mail->auth.len > 0 &&
        !is_auth(p->mail->auth, p->mail->is_utf8)) {
        refusal = "501 5.5.4 AUTH wants a mailbox";
    }
    return refusal;
}
