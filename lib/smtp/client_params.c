/* SPDX-License-Identifier: MIT
 *
 * smtp/client_params.c: what a client may ask of a server for a message and
 * for its recipients, a row for each parameter of MAIL and RCPT: SMTPUTF8 (RFC
 * 6531), REQUIRETLS (RFC 8689), DSN (RFC 3461, RFC 6533 3), AUTH (RFC 4954 5),
 * MT-PRIORITY (RFC 6710), BY (RFC 2852), HOLDFOR and HOLDUNTIL (RFC 4865),
 * SOLICIT (RFC 3865). A value is checked by writing it into the room that its
 * RFC gives to it. Nothing that holds CR, LF or NUL is written, not even as
 * xtext (THREATS 16, 17).
 */
#include "smtp/client_params.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "smtp/values.h"

#include <mailkit/date.h>

#include <string.h>

enum {
    word_room = 1024,
    time_max = 999999999, /* 1*9DIGIT (RFC 2852 4, RFC 4865) */
    priority_max = 9,     /* RFC 6710 3 */
    line_room = 56        /* MAIL FROM:<> SIZE=20DIGIT BODY=BINARYMIME CRLF */
};

/* What is asked, of the message or of one recipient. */
typedef struct asked {
    const mk_smtp_mail_options *mail;
    const mk_smtp_rcpt_options *rcpt;
} asked;

typedef struct param {
    uint32_t bit;  /* mk_smtp_extension that it belongs to */
    uint16_t room; /* octets that a line grows by, with the blank before it */
    /* Write it, or nothing when it is not asked for. */
    mk_err (*say)(const asked *a, mk_buf *out);
} param;

static const mk_smtp_mail_options no_mail = {.size = sizeof no_mail};

/* ---- values -------------------------------------------------------------- */

/* Printable US-ASCII, as a delivery status can hold (RFC 3461 4.2, 4.4). */
static mk_err check_printable(mk_str s)
{
    if (mk_str_has_ctl(s)) {
        return MK_E_CTL;
    }
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        if (c < 0x20 || c > 0x7E) {
            return MK_E_SYNTAX;
        }
    }
    return MK_OK;
}

static mk_err say_text(const char *keyword, mk_str value, mk_buf *out)
{
    if (value.len == 0) {
        return MK_OK;
    }
    mk_buf_add_z(out, keyword);
    mk_buf_add(out, value);
    return MK_OK;
}

/* ---- parameters of MAIL -------------------------------------------------- */

static mk_err say_utf8(const asked *a, mk_buf *out)
{
    mk_buf_add_z(out, a->mail->is_utf8 ? " SMTPUTF8" : "");
    return MK_OK;
}

static mk_err say_require_tls(const asked *a, mk_buf *out)
{
    mk_buf_add_z(out, a->mail->is_tls_required ? " REQUIRETLS" : "");
    return MK_OK;
}

static mk_err say_ret(const asked *a, mk_buf *out)
{
    static const char *const words[] = {"", " RET=FULL", " RET=HDRS"};
    if ((unsigned)a->mail->ret > MK_SMTP_RET_HDRS) {
        return MK_E_ARG;
    }
    mk_buf_add_z(out, words[a->mail->ret]);
    return MK_OK;
}

static mk_err say_envid(const asked *a, mk_buf *out)
{
    mk_str envid = a->mail->envid;
    if (envid.len > 0) {
        mk_buf_add_z(out, " ENVID=");
        mk_smtp_xtext_format(envid, out);
    }
    return check_printable(envid);
}

/* AUTH=<> or a mailbox, as xtext (RFC 4954 5) */
static mk_err say_auth(const asked *a, mk_buf *out)
{
    mk_str auth = a->mail->auth;
    mk_smtp_path path;
    mk_err err = MK_OK;
    if (auth.len == 0) {
        return MK_OK;
    }
    mk_buf_add_z(out, " AUTH=");
    mk_smtp_xtext_format(auth, out);
    if (mk_str_has_ctl(auth)) {
        return MK_E_CTL;
    }
    if (!mk_str_is(auth, mk_str_z("<>"))) {
        err = mk_smtp_mailbox_parse(auth, a->mail->is_utf8, &path);
        if (err == MK_OK && (path.flags & MK_SMTP_PATH_NO_DOMAIN) != 0) {
            err = MK_E_SYNTAX;
        }
    }
    return err;
}

static void add_signed(mk_buf *out, int32_t value)
{
    if (value < 0) {
        mk_buf_add_c(out, '-');
    }
    mk_buf_add_u64(out,
                   value < 0 ? (uint64_t) - (int64_t)value : (uint64_t)value);
}

static mk_err say_priority(const asked *a, mk_buf *out)
{
    int8_t priority = a->mail->priority;
    if (!a->mail->has_priority) {
        return MK_OK;
    }
    if (priority < -priority_max || priority > priority_max) {
        return MK_E_ARG;
    }
    mk_buf_add_z(out, " MT-PRIORITY=");
    add_signed(out, priority);
    return MK_OK;
}

/* by-time ";" by-mode [by-trace]; what is returned must have some time left
 * (RFC 2852 4). */
static mk_err say_by(const asked *a, mk_buf *out)
{
    const mk_smtp_mail_options *m = a->mail;
    if (m->by == MK_SMTP_BY_UNSTATED) {
        return MK_OK;
    }
    if ((unsigned)m->by > MK_SMTP_BY_RETURN || m->by_s < -time_max ||
        m->by_s > time_max || (m->by == MK_SMTP_BY_RETURN && m->by_s <= 0)) {
        return MK_E_ARG;
    }
    mk_buf_add_z(out, " BY=");
    add_signed(out, m->by_s);
    mk_buf_add_z(out, m->by == MK_SMTP_BY_RETURN ? ";R" : ";N");
    mk_buf_add_z(out, m->is_by_traced ? "T" : "");
    return MK_OK;
}

static mk_err say_hold(const asked *a, mk_buf *out)
{
    const mk_smtp_mail_options *m = a->mail;
    int64_t unused;
    if (m->hold_until.len > 0) {
        say_text(" HOLDUNTIL=", m->hold_until, out);
        if (m->hold_for_s > 0) {
            return MK_E_ARG; /* one of both */
        }
        return mk_str_has_ctl(m->hold_until)
                   ? MK_E_CTL
                   : mk_date_internet_parse(m->hold_until, &unused);
    }
    if (m->hold_for_s > 0) {
        mk_buf_add_z(out, " HOLDFOR=");
        mk_buf_add_u64(out, m->hold_for_s);
    }
    return m->hold_for_s > time_max ? MK_E_ARG : MK_OK;
}

static mk_err say_solicit(const asked *a, mk_buf *out)
{
    mk_str words = a->mail->solicit;
    say_text(" SOLICIT=", words, out);
    if (mk_str_has_ctl(words)) {
        return MK_E_CTL;
    }
    return words.len == 0 || out->full || mk_smtp_is_solicit(words)
               ? MK_OK
               : MK_E_SYNTAX;
}

/* ---- parameters of RCPT -------------------------------------------------- */

static mk_err say_notify(const asked *a, mk_buf *out)
{
    static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
    uint32_t notify = a->rcpt->notify;
    char sign = '=';
    if (notify > 15 || ((notify & MK_SMTP_NOTIFY_NEVER) != 0 &&
                        notify != MK_SMTP_NOTIFY_NEVER)) {
        return MK_E_ARG;
    }
    mk_buf_add_z(out, notify != 0 ? " NOTIFY" : "");
    for (unsigned i = 0; i < 4; i++) {
        if ((notify >> i & 1) != 0) {
            mk_buf_add_c(out, sign);
            mk_buf_add_z(out, words[i]);
            sign = ',';
        }
    }
    return MK_OK;
}

/* EmbeddedUnicodeChar = "\x{" HEXPOINT "}" */
static void add_embedded(mk_buf *out, uint32_t character)
{
    int shift = character > 0xFFFFF ? 20 : 4;
    mk_buf_add_z(out, "\\x{");
    while (shift < 16 && character >> (shift + 4) != 0) {
        shift += 4;
    }
    for (; shift >= 0; shift -= 4) {
        mk_buf_add_c(out, "0123456789ABCDEF"[character >> shift & 15]);
    }
    mk_buf_add_c(out, '}');
}

/* utf-8-enc-addr: what is no QCHAR is embedded, but where the server takes
 * UTF-8 that stands as it is (RFC 6533 3). */
static mk_err say_utf8_address(mk_str s, bool is_utf8, mk_buf *out)
{
    while (s.len > 0) {
        uint32_t character;
        size_t n = mk_utf8_at(s, &character);
        if (n == 0 || character < 0x20 || character == 0x7F) {
            return MK_E_SYNTAX;
        }
        if (character < 0x80 ? strchr(" +=\\", (int)character) == NULL
                             : is_utf8) {
            mk_buf_add(out, mk_str_sub(s, 0, n));
        } else {
            add_embedded(out, character);
        }
        s = mk_str_sub(s, n, SIZE_MAX);
    }
    return MK_OK;
}

/* addr-type = atom (RFC 3461 4.2), of what needs no xtext */
static bool is_type(mk_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = mk_octet_at(s, i);
        if (!mk_is_alnum(c) && c != '-' && c != '_' && c != '.') {
            return false;
        }
    }
    return s.len > 0;
}

static mk_err say_orcpt(const asked *a, mk_buf *out)
{
    mk_str type = a->rcpt->orcpt_type;
    mk_str orcpt = a->rcpt->orcpt;
    if (type.len == 0 && orcpt.len == 0) {
        return MK_OK;
    }
    if (mk_str_has_ctl(type) || mk_str_has_ctl(orcpt)) {
        return MK_E_CTL;
    }
    if (!is_type(type) || orcpt.len == 0) {
        return MK_E_SYNTAX;
    }
    mk_buf_add_z(out, " ORCPT=");
    mk_buf_add(out, type);
    mk_buf_add_c(out, ';');
    if (mk_str_is_nocase(type, mk_str_z("utf-8"))) {
        return say_utf8_address(orcpt, a->mail->is_utf8, out);
    }
    mk_smtp_xtext_format(orcpt, out);
    return check_printable(orcpt);
}

/* ---- the rows ------------------------------------------------------------ */

/* clang-format off */
static const param mail_params[] = {
    {MK_SMTP_EXTENSION_SMTPUTF8,      10,   say_utf8},        /* 3.1 (5) */
    {MK_SMTP_EXTENSION_REQUIRETLS,    11,   say_require_tls}, /* 2 (5) */
    {MK_SMTP_EXTENSION_DSN,           9,    say_ret},         /* 5.4 */
    {MK_SMTP_EXTENSION_DSN,           107,  say_envid},       /* 4.4, 5.4 */
    {MK_SMTP_EXTENSION_AUTH,          500,  say_auth},        /* 3 */
    {MK_SMTP_EXTENSION_MT_PRIORITY,   15,   say_priority},
    {MK_SMTP_EXTENSION_DELIVERBY,     17,   say_by},
    {MK_SMTP_EXTENSION_FUTURERELEASE, 51,   say_hold},
    {MK_SMTP_EXTENSION_NO_SOLICITING, 1009, say_solicit},     /* 2.2 */
};

static const param rcpt_params[] = {
    {MK_SMTP_EXTENSION_DSN,           29,   say_notify},      /* 5.4 */
    {MK_SMTP_EXTENSION_DSN,           501,  say_orcpt},       /* 4.2, 5.4 */
};
/* clang-format on */

enum {
    MAIL_PARAMS = sizeof mail_params / sizeof mail_params[0],
    RCPT_PARAMS = sizeof rcpt_params / sizeof rcpt_params[0]
};

/* Write each into its own room; the bits and the octets of those that are asked
 * for are added, of extensions that are in `told`. */
static mk_err check_rows(const param *rows, size_t n, const asked *a,
                         uint32_t told, uint32_t *io_bits, size_t *io_octets)
{
    char room[word_room];
    for (size_t i = 0; i < n; i++) {
        mk_buf b;
        mk_buf_init(&b, room, rows[i].room);
        mk_err err = rows[i].say(a, &b);
        if (err != MK_OK || b.full) {
            return err != MK_OK ? err : MK_E_LIMIT;
        }
        if (b.len > 0 && (rows[i].bit & told) != 0) {
            *io_bits |= rows[i].bit;
            *io_octets += b.len;
        }
    }
    return MK_OK;
}

static asked asked_of(const mk_smtp_envelope *envelope, size_t index)
{
    asked a = {envelope->mail != NULL ? envelope->mail : &no_mail,
               envelope->rcpts != NULL ? &envelope->rcpts[index] : NULL};
    return a;
}

static mk_err check(const mk_smtp_envelope *envelope, uint32_t *io_must,
                    uint32_t *io_may)
{
    asked a = asked_of(envelope, 0);
    size_t rcpts = envelope->rcpts != NULL ? envelope->forward_count : 0;
    uint32_t bits = 0;
    uint32_t musts = MK_SMTP_EXTENSION_SMTPUTF8 | MK_SMTP_EXTENSION_REQUIRETLS |
                     MK_SMTP_EXTENSION_FUTURERELEASE;
    size_t octets = 0;
    if (a.mail->size != sizeof *a.mail) {
        return MK_E_ARG;
    }
    mk_err err = check_rows(mail_params, MAIL_PARAMS, &a, MK_SMTP_EXTENSION_ALL,
                            &bits, &octets);
    for (size_t i = 0; err == MK_OK && i < rcpts; i++) {
        a.rcpt = &envelope->rcpts[i];
        err = a.rcpt->size != sizeof *a.rcpt
                  ? MK_E_ARG
                  : check_rows(rcpt_params, RCPT_PARAMS, &a,
                               MK_SMTP_EXTENSION_ALL, &bits, &octets);
    }
    if (a.mail->by == MK_SMTP_BY_RETURN) {
        musts |= MK_SMTP_EXTENSION_DELIVERBY;
    }
    *io_must |= bits & musts;
    *io_may |= bits & ~musts;
    return err;
}

/* RFC 8689 2: in a session with TLS, and with a server that is who it should
 * be. */
static mk_err check_tls(const mk_smtp_client *c)
{
    if (c->core.tls == NULL) {
        return MK_E_CLEARTEXT;
    }
    if (c->core.tls->is_verified) {
        return MK_OK;
    }
    return c->core.tls->verify != MK_OK ? c->core.tls->verify : MK_E_CERT_NONE;
}

/* RFC 2852 3: the least time for what is returned; RFC 4865 3: how long it
 * holds a message. */
static bool is_in_time(const smtp_offer *offer, const mk_smtp_mail_options *m)
{
    int64_t until_s;
    if (m->by == MK_SMTP_BY_RETURN &&
        m->by_s < (int64_t)offer->deliver_by_min_s) {
        return false;
    }
    if (offer->hold_for_max_s > 0 && m->hold_for_s > offer->hold_for_max_s) {
        return false;
    }
    return mk_date_internet_parse(m->hold_until, &until_s) != MK_OK ||
           until_s <= offer->hold_until_max_s;
}

static mk_err fit(const mk_smtp_client *c, const mk_smtp_envelope *envelope,
                  uint32_t told)
{
    asked a = asked_of(envelope, 0);
    uint32_t bits = 0;
    size_t octets = 0;
    mk_err err = a.mail->is_tls_required ? check_tls(c) : MK_OK;
    if (err != MK_OK) {
        return err;
    }
    check_rows(mail_params, MAIL_PARAMS, &a, told, &bits, &octets);
    octets += line_room + envelope->reverse_path.len;
    return octets > c->core.out.unit_bytes || !is_in_time(&c->offer, a.mail)
               ? MK_E_LIMIT
               : MK_OK;
}

static void say_rows(const param *rows, size_t n, const asked *a, uint32_t told,
                     mk_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if ((rows[i].bit & told) != 0) {
            rows[i].say(a, out);
        }
    }
}

static void say_mail(const mk_smtp_envelope *envelope, uint32_t told,
                     mk_buf *out)
{
    asked a = asked_of(envelope, 0);
    say_rows(mail_params, MAIL_PARAMS, &a, told, out);
}

static void say_rcpt(const mk_smtp_envelope *envelope, size_t index,
                     uint32_t told, mk_buf *out)
{
    asked a = asked_of(envelope, index);
    if (a.rcpt != NULL) {
        say_rows(rcpt_params, RCPT_PARAMS, &a, told, out);
    }
}

static const struct mk_smtp_envelope_ops ops = {check, fit, say_mail, say_rcpt};

mk_err mk_smtp_envelope_ask(mk_smtp_envelope *envelope,
                            const mk_smtp_mail_options *mail,
                            const mk_smtp_rcpt_options *rcpts)
{
    if (envelope == NULL || envelope->size != sizeof *envelope) {
        return MK_E_ARG;
    }
    envelope->mail = mail;
    envelope->rcpts = rcpts;
    envelope->ops = mail != NULL || rcpts != NULL ? &ops : NULL;
    return MK_OK;
}
