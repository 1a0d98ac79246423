/* SPDX-License-Identifier: MIT
 *
 * asks.c: see asks.h. Words and numbers are looked at here; what the library
 * knows better (an RFC 3339 date, how long an ENVID may be) is left to
 * mk_smtp_envelope_needs, before a connection is made.
 */
#include "asks.h"

#include <stddef.h>
#include <string.h>

void asks_init(asks *a)
{
    memset(a, 0, sizeof *a);
    a->mail.size = sizeof a->mail;
    a->rcpt.size = sizeof a->rcpt;
}

static bool parse_number(mk_str s, int32_t least, int32_t most, int32_t *out)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t value = 0;

    if (mk_str_u64(mk_str_sub(s, is_negative, SIZE_MAX), &value) != MK_OK ||
        value > INT32_MAX) {
        return false;
    }
    *out = is_negative ? -(int32_t)value : (int32_t)value;
    return *out >= least && *out <= most;
}

static bool parse_ret(mk_smtp_mail_options *m, mk_str s)
{
    bool is_first = m->ret == MK_SMTP_RET_UNSTATED;

    m->ret = mk_str_is_nocase(s, mk_str_z("full"))   ? MK_SMTP_RET_FULL
             : mk_str_is_nocase(s, mk_str_z("hdrs")) ? MK_SMTP_RET_HDRS
                                                     : MK_SMTP_RET_UNSTATED;
    return is_first && m->ret != MK_SMTP_RET_UNSTATED;
}

/* The word up to the next `c`; it and `c` are cut off. */
static mk_str next_word(mk_str *io_s, unsigned char c)
{
    size_t at = mk_str_find(*io_s, c);
    mk_str word = mk_str_sub(*io_s, 0, at);

    *io_s = mk_str_sub(*io_s, at + 1, SIZE_MAX);
    return word;
}

static bool parse_notify(mk_smtp_rcpt_options *r, mk_str s)
{
    static const char *const words[] = {"never", "success", "failure", "delay"};
    bool is_first = r->notify == MK_SMTP_NOTIFY_UNSTATED;
    bool is_known = s.len > 0 && s.ptr[s.len - 1] != ',';
    size_t i;

    while (s.len > 0 && is_known) {
        mk_str word = next_word(&s, ',');
        for (i = 0; i < 4 && !mk_str_is_nocase(word, mk_str_z(words[i]));) {
            i++;
        }
        is_known = i < 4;
        r->notify |= 1u << i;
    }
    return is_first && is_known &&
           ((r->notify & MK_SMTP_NOTIFY_NEVER) == 0 ||
            r->notify == MK_SMTP_NOTIFY_NEVER);
}

/* SECONDS[;R|N][T], as on the wire (RFC 2852 4). */
static bool parse_by(mk_smtp_mail_options *m, mk_str s)
{
    static const struct {
        const char *word;
        mk_smtp_by by;
        bool is_traced;
    } modes[] = {
        {"", MK_SMTP_BY_NOTIFY, false},  {"N", MK_SMTP_BY_NOTIFY, false},
        {"NT", MK_SMTP_BY_NOTIFY, true}, {"R", MK_SMTP_BY_RETURN, false},
        {"RT", MK_SMTP_BY_RETURN, true},
    };
    bool is_first = m->by == MK_SMTP_BY_UNSTATED;
    mk_str seconds = next_word(&s, ';');
    size_t i;

    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (mk_str_is_nocase(s, mk_str_z(modes[i].word))) {
            m->by = modes[i].by;
            m->is_by_traced = modes[i].is_traced;
        }
    }
    return is_first && m->by != MK_SMTP_BY_UNSTATED &&
           parse_number(seconds, m->by == MK_SMTP_BY_RETURN ? 1 : -999999999,
                        999999999, &m->by_s);
}

static bool parse_priority(mk_smtp_mail_options *m, mk_str s)
{
    bool is_first = !m->has_priority;
    int32_t n = 0;

    m->has_priority = parse_number(s, -9, 9, &n);
    m->priority = (int8_t)n;
    return is_first && m->has_priority;
}

static bool parse_hold_for(mk_smtp_mail_options *m, mk_str s)
{
    bool is_first = m->hold_for_s == 0 && m->hold_until.len == 0;
    int32_t n = 0;

    if (!is_first || !parse_number(s, 1, 999999999, &n)) {
        return false;
    }
    m->hold_for_s = (uint32_t)n;
    return true;
}

static bool parse_text(mk_str *to, mk_str s)
{
    bool is_first = to->len == 0;

    *to = s;
    return is_first && s.len > 0;
}

static bool parse_attribute(mk_smtp_client_info *c, mk_str word)
{
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        {"NAME", offsetof(mk_smtp_client_info, name)},
        {"ADDR", offsetof(mk_smtp_client_info, addr)},
        {"PORT", offsetof(mk_smtp_client_info, port)},
        {"PROTO", offsetof(mk_smtp_client_info, proto)},
        {"HELO", offsetof(mk_smtp_client_info, helo)},
        {"LOGIN", offsetof(mk_smtp_client_info, login)},
        {"DESTADDR", offsetof(mk_smtp_client_info, dest_addr)},
        {"DESTPORT", offsetof(mk_smtp_client_info, dest_port)},
    };
    mk_str name = next_word(&word, '=');
    uint32_t i = 0;

    while (i < sizeof fields / sizeof *fields &&
           !mk_str_is_nocase(name, mk_str_z(fields[i].name))) {
        i++;
    }
    if (i == sizeof fields / sizeof *fields || (c->given & 1u << i) != 0 ||
        word.len == 0) {
        return false;
    }
    c->given |= 1u << i;
    if (mk_str_is_nocase(word, mk_str_z("[UNAVAILABLE]"))) {
        c->unknown |= 1u << i;
    } else {
        memcpy((char *)c + fields[i].offset, &word, sizeof word);
    }
    return true;
}

static bool parse_xclient(mk_smtp_client_info *c, mk_str s)
{
    bool is_good = c->given == 0;

    while (s.len > 0 && is_good) {
        mk_str word = next_word(&s, ' ');
        is_good = word.len == 0 || parse_attribute(c, word);
    }
    return is_good && c->given != 0;
}

bool asks_parse_option(asks *a, int option, const char *z)
{
    mk_smtp_mail_options *m = &a->mail;
    mk_str s = mk_str_z(z != NULL ? z : "");

    switch (option) {
    case ASKS_OPTION_UTF8:
        m->is_utf8 = true;
        return true;
    case ASKS_OPTION_RET:
        return parse_ret(m, s);
    case ASKS_OPTION_NOTIFY:
        return parse_notify(&a->rcpt, s);
    case ASKS_OPTION_ENVID:
        return parse_text(&m->envid, s);
    case ASKS_OPTION_TLS:
        m->is_tls_required = true;
        return true;
    case ASKS_OPTION_PRIORITY:
        return parse_priority(m, s);
    case ASKS_OPTION_BY:
        return parse_by(m, s);
    case ASKS_OPTION_HOLD_FOR:
        return parse_hold_for(m, s);
    case ASKS_OPTION_HOLD_UNTIL:
        return m->hold_for_s == 0 && parse_text(&m->hold_until, s);
    case ASKS_OPTION_XCLIENT:
        return parse_xclient(&a->client, s);
    default:
        return false;
    }
}

const char *asks_extension_name(uint32_t extensions)
{
    return mk_smtp_extension_name(extensions & (~extensions + 1));
}
