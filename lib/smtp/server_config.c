/* SPDX-License-Identifier: MIT
 *
 * smtp/server_config.c: the server's settings, their defaults (the limits of
 * RFC 5321 4.5.3 and beyond), what memory they ask for, and opening. A limit
 * of 0 is refused: it never means unlimited.
 */
#include "smtp/extensions.h"
#include "smtp/server_internal.h"
#include "smtp/values.h"

#include "base/ascii.h"

#include <mailkit/date.h>
#include <mailkit/sasl.h>

#include <string.h>

enum { BLOCK = (sizeof(smtp_server) + 63) / 64 * 64 };

_Static_assert(sizeof(smtp_server) <= 376,
               "an idle session does not grow unnoticed");

_Static_assert(BLOCK + 1024 <= MK_SMTP_SERVER_NEED,
               "MK_SMTP_SERVER_NEED holds a server and its unit");

mk_err mk_smtp_server_config_init(mk_smtp_server_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->banner = mk_str_z("mailkit");
    c->text_bytes = 1024;
    c->asks = MK_SMTP_ASK_DEFAULT;
    c->extensions = MK_SMTP_EXTENSION_DEFAULT;
    c->bare = MK_SMTP_BARE_REJECT;
    c->line_max = 2048;
    c->discard_max = 64 * 1024;
    c->text_line_max = 64 * 1024;
    c->message_max = UINT64_C(25) * 1024 * 1024;
    c->excess_max = UINT64_C(1024) * 1024;
    c->recipients_max = 1000;
    c->messages_max = 1000;
    c->errors_max = 20;
    c->errors_soft = 10;
    c->delay_ms = 1000;
    c->junk_max = 100;
    c->command_ms = 300000;
    c->answer_ms = 300000;
    c->rate_min = 100;
    c->rate_after_ms = 60000;
    c->hurry_command_ms = 10000;
    c->hurry_errors_max = 1;
    c->hurry_junk_max = 1;
    c->tls = MK_TLS_POLICY_NONE;
    c->auth_failures_max = 3;
    c->auth_delay_ms = 2000;
    c->chunks_max = 65536;
    c->hold_max_s = 604800;
    return MK_OK;
}

static bool is_patient(const mk_smtp_server_config *c)
{
    return mk_serve_is_time(c->command_ms) && mk_serve_is_time(c->answer_ms) &&
           mk_serve_is_time(c->delay_ms) &&
           mk_serve_is_time(c->rate_after_ms) &&
           mk_serve_is_time(c->hurry_command_ms) &&
           mk_serve_is_time(c->auth_delay_ms) && c->auth_failures_max > 0 &&
           mk_serve_is_rate(c->rate_min);
}

static bool is_finite(const mk_smtp_server_config *c)
{
    return c->line_max >= 512 && c->discard_max > 0 &&
           c->text_line_max >= 1000 && c->message_max > 0 &&
           c->excess_max >= 64 && c->message_max <= UINT64_MAX / 2 &&
           c->excess_max <= UINT64_MAX / 4 && c->recipients_max >= 100 &&
           c->messages_max > 0 && c->errors_max > 0 && c->errors_soft > 0 &&
           c->junk_max > 0 && c->hurry_errors_max > 0 &&
           c->hurry_junk_max > 0 && c->chunks_max > 0;
}

/* RFC 3030 3: BINARYMIME needs CHUNKING. RFC 2033 5: LMTP has PIPELINING and
 * ENHANCEDSTATUSCODES. */
static bool is_complete(const mk_smtp_server_config *c)
{
    enum {
        BINARY = MK_SMTP_EXTENSION_BINARYMIME,
        CHUNKED = MK_SMTP_EXTENSION_CHUNKING,
        LMTP =
            MK_SMTP_EXTENSION_PIPELINING | MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES
    };
    return ((c->extensions & BINARY) == 0 || (c->extensions & CHUNKED) != 0) &&
           (!c->is_lmtp || (c->extensions & LMTP) == LMTP);
}

static mk_serve_space space_of(const mk_smtp_server_config *c)
{
    mk_serve_space space = {.block = BLOCK,
                            .units = c->units,
                            .text_bytes = c->text_bytes,
                            .sasl_units = c->sasl_units};
    if (c->sasl != NULL && c->sasl->ops != NULL) {
        space.ops = c->sasl->ops;
        space.login_bytes = c->sasl->ops->need(MK_SASL_MESSAGE_MAX);
    }
    return space;
}

/* What EHLO tells can be kept, and be told as RFC 3865 2, RFC 4865 3 and RFC
 * 6531 3.1 want it. */
static bool is_offer_valid(const mk_smtp_server_config *c)
{
    enum { SECONDS_MAX = 999999999, SOLICIT_LINE = 3072 };
    uint32_t x = c->extensions;
    int64_t until;
    bool is_held = (x & MK_SMTP_EXTENSION_FUTURERELEASE) == 0 ||
                   (c->hold_max_s > 0 && c->hold_max_s <= SECONDS_MAX &&
                    mk_date_internet_parse(c->hold_until_max, &until) == MK_OK);
    bool is_solicited =
        (x & MK_SMTP_EXTENSION_NO_SOLICITING) == 0 ||
        (c->line_max >= SOLICIT_LINE &&
         (c->solicit.len == 0 || mk_smtp_is_solicit(c->solicit)));
    for (size_t i = 0; i < c->priority_profile.len; i++) {
        if (!mk_is_vchar(mk_octet_at(c->priority_profile, i))) {
            return false;
        }
    }
    return is_held && is_solicited && c->deliver_by_min_s <= SECONDS_MAX &&
           ((x & MK_SMTP_EXTENSION_SMTPUTF8) == 0 ||
            (x & MK_SMTP_EXTENSION_8BITMIME) != 0);
}

static bool is_valid(const mk_smtp_server_config *c)
{
    if (c->size != sizeof *c) {
        return false;
    }
    mk_serve_space space = space_of(c);
    size_t unit = c->units != NULL ? c->units->unit_bytes : c->text_bytes;
    return c->hostname.len > 0 && c->hostname.len <= 255 &&
           c->banner.len <= SERVE_TEXT_MAX / 2 &&
           mk_serve_space_is_valid(&space) &&
           unit >= mk_smtp_extensions_room(c) && is_offer_valid(c) &&
           (c->extensions & ~(uint32_t)MK_SMTP_EXTENSION_ALL) == 0 &&
           (unsigned)c->bare <= MK_SMTP_BARE_NORMALIZE && is_finite(c) &&
           is_complete(c) && is_patient(c) &&
           (unsigned)c->tls <= MK_TLS_POLICY_MUST &&
           (c->sasl != NULL ? c->sasl->ops != NULL : !c->is_auth_needed);
}

void mk_smtp_server_login(const mk_serve *base, mk_serve_room *out)
{
    mk_serve_space space = space_of(mk_smtp_server_at(base)->config);
    mk_serve_space_login(&space, base, out);
    out->config = mk_smtp_server_at(base)->config->sasl;
}

void mk_smtp_server_limits(const mk_serve *base, mk_serve_limits *out)
{
    const mk_smtp_server_config *c = mk_smtp_server_at(base)->config;
    out->peer_ms = mk_serve_least(base, c->command_ms, c->hurry_command_ms);
    out->answer_ms = c->answer_ms;
    out->delay_ms = c->delay_ms;
    out->auth_delay_ms = c->auth_delay_ms;
    out->rate_after_ms = c->rate_after_ms;
    out->rate_min = c->rate_min;
    out->errors_soft = c->errors_soft;
    out->errors_max =
        (uint32_t)mk_serve_least(base, c->errors_max, c->hurry_errors_max);
    out->auth_failures_max = c->auth_failures_max;
    out->is_lenient = c->bare == MK_SMTP_BARE_NORMALIZE;
}

size_t mk_smtp_server_need(const mk_smtp_server_config *c)
{
    if (c == NULL || !is_valid(c)) {
        return 0;
    }
    mk_serve_space space = space_of(c);
    return mk_serve_space_need(&space);
}

mk_err mk_smtp_server_open(const mk_smtp_server_config *c, void *mem, size_t n,
                           mk_engine **out_engine)
{
    if (c == NULL || mem == NULL || out_engine == NULL || !is_valid(c) ||
        (uintptr_t)mem % sizeof(uint64_t) != 0) {
        return MK_E_ARG;
    }
    if (mk_str_has_ctl(c->hostname) || mk_str_has_ctl(c->banner)) {
        return MK_E_CTL;
    }
    if (n < mk_smtp_server_need(c)) {
        return MK_E_ROOM;
    }
    smtp_server *s = mem;
    memset(s, 0, sizeof *s);
    s->config = c;
    mk_serve_init(&s->base, &mk_smtp_server_kind, c->units, (char *)mem + BLOCK,
                  c->text_bytes, NULL);
    mk_framer_init(&s->base.framer, c->line_max, c->discard_max,
                   c->text_line_max);
    *out_engine = &s->base.head;
    return MK_OK;
}
