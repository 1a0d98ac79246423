/* SPDX-License-Identifier: MIT
 *
 * smtp/client_offer.c: what a client learns from a line of the reply to EHLO
 * (RFC 5321 4.1.1.1). A value that makes no sense is as if it were not told
 * (RFC 9422 3); the extension itself is offered all the same.
 */
#include "smtp/extensions.h"
#include "smtp/peer_fields.h"

#include "base/ascii.h"

#include <mailkit/date.h>

#include <stddef.h>

/* The next word of a line. */
static mk_str next_word(mk_str *io_line)
{
    mk_str word = mk_str_sub(*io_line, 0, mk_str_find(*io_line, ' '));
    *io_line = mk_str_sub(*io_line, word.len + 1, SIZE_MAX);
    return word;
}

static void learn_size(mk_str value, smtp_offer *io)
{
    uint64_t size;
    if (mk_str_u64(value, &size) == MK_OK) {
        io->size_max = size;
    }
}

static void learn_auth(mk_str value, smtp_offer *io)
{
    io->mechanisms = value;
}

#ifndef MK_NO_SMTP_EXTENSIONS
static void learn_number(mk_str value, uint32_t *out)
{
    uint64_t number;
    if (mk_str_u64(value, &number) == MK_OK && number <= UINT32_MAX) {
        *out = (uint32_t)number;
    }
}

/* A name of letters, digits, "-" and "_"; and "=" with visible octets but ";"
 * behind it, or nothing (RFC 9422 3). */
static bool is_limit(mk_str name, mk_str one)
{
    bool fine = name.len > 0 && name.len + 1 != one.len;
    for (size_t i = 0; i < one.len; i++) {
        unsigned char c = mk_octet_at(one, i);
        fine = fine && (i < name.len ? mk_is_alnum(c) || c == '-' || c == '_'
                                     : mk_is_vchar(c) && c != ';');
    }
    return fine;
}

/* %x31-39 0*5DIGIT (RFC 9422 4); any other is as if it were not told. */
static void learn_limit(mk_str name, mk_str value, smtp_offer *io)
{
    static const struct {
        const char *name;
        size_t at;
    } limits[] = {
        {"MAILMAX", offsetof(smtp_offer, mail_max)},
        {"RCPTMAX", offsetof(smtp_offer, rcpt_max)},
        {"RCPTDOMAINMAX", offsetof(smtp_offer, rcpt_domain_max)},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (mk_str_is_nocase(name, mk_str_z(limits[i].name)) &&
            value.len <= 6 && mk_octet_at(value, 0) != '0') {
            learn_number(value,
                         (uint32_t *)(void *)((char *)io + limits[i].at));
        }
    }
}

/* Limits with a blank between each. One that cannot be read spoils the line,
 * for nobody knows what it was to say. */
static void learn_limits(mk_str value, smtp_offer *io)
{
    smtp_offer told = *io;
    while (value.len > 0) {
        mk_str one = next_word(&value);
        mk_str name = mk_str_sub(one, 0, mk_str_find(one, '='));
        if (!is_limit(name, one)) {
            return;
        }
        if (name.len < one.len) {
            learn_limit(name, mk_str_sub(one, name.len + 1, SIZE_MAX), &told);
        }
    }
    *io = told;
}

/* min-by-time *( "," extension-token ) (RFC 2852 3) */
static void learn_deliver_by(mk_str value, smtp_offer *io)
{
    mk_str least = next_word(&value);
    learn_number(mk_str_sub(least, 0, mk_str_find(least, ',')),
                 &io->deliver_by_min_s);
}

/* max-future-release-interval SP max-future-release-date-time, which is any
 * date-time of RFC 3339 5.6 (RFC 4865 4, its erratum 2040). */
static void learn_future_release(mk_str value, smtp_offer *io)
{
    learn_number(next_word(&value), &io->hold_for_max_s);
    if (mk_date_internet_parse(next_word(&value), &io->hold_until_max_s) !=
        MK_OK) {
        io->hold_until_max_s = INT64_MAX;
    }
}

static void learn_xclient(mk_str value, smtp_offer *io)
{
    io->xclient = mk_smtp_peer_field_bits(value);
}

static void learn_xforward(mk_str value, smtp_offer *io)
{
    io->xforward = mk_smtp_peer_field_bits(value);
}
#endif

static const struct {
    uint32_t bit;
    void (*learn)(mk_str value, smtp_offer *io);
} rows[] = {
    /* clang-format off */
    {MK_SMTP_EXTENSION_SIZE,          learn_size},
    {MK_SMTP_EXTENSION_AUTH,          learn_auth},
#ifndef MK_NO_SMTP_EXTENSIONS
    {MK_SMTP_EXTENSION_LIMITS,        learn_limits},
    {MK_SMTP_EXTENSION_DELIVERBY,     learn_deliver_by},
    {MK_SMTP_EXTENSION_FUTURERELEASE, learn_future_release},
    {MK_SMTP_EXTENSION_XCLIENT,       learn_xclient},
    {MK_SMTP_EXTENSION_XFORWARD,      learn_xforward},
#endif
    /* clang-format on */
};

/* ehlo-line = ehlo-keyword *( SP ehlo-param ), in any case (4.1.1.1) */
void mk_smtp_extensions_learn(mk_str line, uint32_t wanted, smtp_offer *io)
{
    uint32_t bit = mk_smtp_extension_find(next_word(&line)) & wanted;
    io->extensions |= bit;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].bit == bit) {
            rows[i].learn(line, io);
        }
    }
}
