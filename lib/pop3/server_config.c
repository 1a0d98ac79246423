/* SPDX-License-Identifier: MIT
 *
 * pop3/server_config.c: the server's settings, their defaults (RFC 1939 3 gives
 * the ten minutes), what memory they ask for, and opening. A limit of 0 is
 * refused: it never means unlimited.
 */
#include "pop3/server_internal.h"

#include "base/ascii.h"

#include <string.h>

enum { BLOCK = (sizeof(pop3_server) + 63) / 64 * 64 };

_Static_assert(sizeof(pop3_server) <= 512,
               "an idle session does not grow unnoticed");

_Static_assert(BLOCK + 1024 <= MK_POP3_SERVER_NEED,
               "MK_POP3_SERVER_NEED holds a server and its unit");

mk_err mk_pop3_server_config_init(mk_pop3_server_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->banner = mk_str_z("mailkit");
    c->text_bytes = 1024;
    c->capabilities = MK_POP3_CAPABILITY_DEFAULT;
    c->expire_days = MK_POP3_EXPIRE_NEVER;
    c->line_max = 2048;
    c->discard_max = 64 * 1024;
    c->errors_max = 20;
    c->errors_soft = 10;
    c->delay_ms = 1000;
    c->junk_max = 100;
    c->login_ms = 180000;
    c->idle_ms = 600000;
    c->answer_ms = 300000;
    c->rate_min = 100;
    c->rate_after_ms = 60000;
    c->hurry_login_ms = 10000;
    c->hurry_idle_ms = 60000;
    c->hurry_errors_max = 1;
    c->tls = MK_TLS_POLICY_NONE;
    c->auth_failures_max = 3;
    c->auth_delay_ms = 2000;
    return MK_OK;
}

static bool is_patient(const mk_pop3_server_config *c)
{
    return mk_serve_is_time(c->login_ms) && mk_serve_is_time(c->idle_ms) &&
           mk_serve_is_time(c->answer_ms) && mk_serve_is_time(c->delay_ms) &&
           mk_serve_is_time(c->hurry_login_ms) &&
           mk_serve_is_time(c->hurry_idle_ms) &&
           mk_serve_is_time(c->auth_delay_ms) &&
           mk_serve_is_time(c->rate_after_ms) && mk_serve_is_rate(c->rate_min);
}

static bool is_finite(const mk_pop3_server_config *c)
{
    return c->line_max >= SERVER_LINE_MAX && c->discard_max > 0 &&
           c->errors_max > 0 && c->errors_soft > 0 && c->junk_max > 0 &&
           c->hurry_errors_max > 0 && c->auth_failures_max > 0;
}

static bool is_login_valid(const mk_pop3_server_config *c)
{
    bool is_apop = (c->capabilities & MK_POP3_CAPABILITY_APOP) != 0;

    return c->sasl != NULL && c->sasl->ops != NULL &&
           (!is_apop || (c->sasl->crypto != NULL && c->sasl->random != NULL));
}

static mk_serve_space space_of(const mk_pop3_server_config *c)
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

static bool is_valid(const mk_pop3_server_config *c)
{
    if (c->size != sizeof *c) {
        return false;
    }
    mk_serve_space space = space_of(c);

    return c->hostname.len > 0 && c->hostname.len <= 255 &&
           c->banner.len <= SERVER_BANNER_MAX &&
           mk_serve_space_is_valid(&space) &&
           (c->capabilities & ~(uint32_t)MK_POP3_CAPABILITY_ALL) == 0 &&
           (unsigned)c->tls <= MK_TLS_POLICY_MUST && is_finite(c) &&
           is_patient(c) && is_login_valid(c);
}

/* It becomes part of the timestamp, which is a msg-id (THREATS 40). */
static bool is_id_right(mk_str hostname)
{
    bool is_good = true;

    for (size_t i = 0; i < hostname.len; i++) {
        unsigned char c = mk_octet_at(hostname, i);
        is_good = is_good && mk_is_vchar(c) && c != '<' && c != '>' && c != '@';
    }
    return is_good;
}

void mk_pop3_server_room(const mk_serve *serve, mk_serve_room *out)
{
    const pop3_server *s = pop3_server_const(serve);
    mk_serve_space space = space_of(s->config);

    mk_serve_space_login(&space, serve, out);
    out->config = s->config->sasl;
    if (s->verb == MK_POP3_VERB_APOP) {
        out->ops = &mk_pop3_apop_ops;
    }
}

size_t mk_pop3_server_need(const mk_pop3_server_config *c)
{
    if (c == NULL || !is_valid(c)) {
        return 0;
    }
    mk_serve_space space = space_of(c);
    return mk_serve_space_need(&space);
}

static mk_err open_in(const mk_pop3_server_config *c, pop3_server *s)
{
    bool is_apop = (c->capabilities & MK_POP3_CAPABILITY_APOP) != 0;

    memset(s, 0, sizeof *s);
    s->config = c;
    mk_serve_init(&s->serve, &mk_pop3_server_kind, c->units, (char *)s + BLOCK,
                  c->text_bytes, &s->stream);
    s->serve.at_rest = true; /* between commands it may always leave */
    mk_framer_init(&s->serve.framer, c->line_max, c->discard_max, 0);
    return is_apop ? c->sasl->random->fill(c->sasl->random->self, s->stamp,
                                           sizeof s->stamp)
                   : MK_OK;
}

mk_err mk_pop3_server_open(const mk_pop3_server_config *c, void *mem, size_t n,
                           mk_engine **out_engine)
{
    pop3_server *s = mem;
    mk_err err;

    if (c == NULL || mem == NULL || out_engine == NULL || !is_valid(c) ||
        (uintptr_t)mem % sizeof(uint64_t) != 0) {
        return MK_E_ARG;
    }
    if (mk_str_has_ctl(c->hostname) || mk_str_has_ctl(c->banner) ||
        ((c->capabilities & MK_POP3_CAPABILITY_APOP) != 0 &&
         !is_id_right(c->hostname))) {
        return MK_E_CTL;
    }
    if (n < mk_pop3_server_need(c)) {
        return MK_E_ROOM;
    }
    err = open_in(c, s);
    if (err == MK_OK) {
        *out_engine = &s->serve.head;
    }
    return err;
}
