/* SPDX-License-Identifier: MIT
 *
 * pop3/server_capa.c: the replies that are lists known beforehand: CAPA (RFC
 * 2449 5, 6), the mechanisms to an AUTH without argument (older than RFC 5034,
 * and still asked), the languages (RFC 6856 3.2), of which there is one. What
 * is offered depends on the settings and on TLS, not on the state (RFC 2449 5).
 */
#include "pop3/server_internal.h"

const char mk_pop3_server_capa[] = "+OK Capabilities follow";
const char mk_pop3_server_languages[] = "+OK Languages follow";
const char mk_pop3_server_mechanisms[] = "+OK Mechanisms follow";

/* The mechanisms of this connection: none while encryption is awaited. */
static uint32_t mechanisms(const pop3_server *s)
{
    const mk_pop3_server_config *c = s->config;
    bool is_late = c->tls >= MK_TLS_POLICY_ENCRYPT && s->serve.tls == NULL;

    return is_late ? 0 : c->sasl->ops->offer(c->sasl, s->serve.tls);
}

uint32_t mk_pop3_server_offer(const pop3_server *s)
{
    const mk_pop3_server_config *c = s->config;
    uint32_t offer = c->capabilities & ~(uint32_t)MK_POP3_CAPABILITY_APOP;
    uint32_t logins = mechanisms(s);

    if (c->tls == MK_TLS_POLICY_NONE || s->serve.tls != NULL) {
        offer &= ~(uint32_t)MK_POP3_CAPABILITY_STLS;
    }
    if (logins == 0) {
        offer &= ~(uint32_t)MK_POP3_CAPABILITY_SASL;
    }
    if ((logins & MK_SASL_PLAIN) == 0) {
        offer &= ~(uint32_t)MK_POP3_CAPABILITY_USER;
    }
    if (c->login_delay_s == 0) {
        offer &= ~(uint32_t)MK_POP3_CAPABILITY_LOGIN_DELAY;
    }
    return offer;
}

/* The strongest first. */
static void print_mechanisms(const pop3_server *s, const char *before,
                             const char *behind, mk_buf *out)
{
    uint32_t offer = mechanisms(s);

    for (uint32_t bit = MK_SASL_ALL / 2 + 1; bit > 0; bit >>= 1) {
        if ((offer & bit) != 0) {
            mk_sasl_mechanism one = (mk_sasl_mechanism)bit;

            (void)mk_buf_add_z(out, before);
            (void)mk_buf_add_z(out, s->config->sasl->ops->name(one));
            (void)mk_buf_add_z(out, behind);
        }
    }
}

static void print_sasl(const pop3_server *s, mk_buf *out)
{
    print_mechanisms(s, " ", "", out);
}

static void print_delay(const pop3_server *s, mk_buf *out)
{
    (void)mk_buf_add_c(out, ' ');
    (void)mk_buf_add_u64(out, s->config->login_delay_s);
}

static void print_expire(const pop3_server *s, mk_buf *out)
{
    (void)mk_buf_add_c(out, ' ');
    if (s->config->expire_days == MK_POP3_EXPIRE_NEVER) {
        (void)mk_buf_add_z(out, "NEVER");
    } else {
        (void)mk_buf_add_u64(out, s->config->expire_days);
    }
}

static void print_banner(const pop3_server *s, mk_buf *out)
{
    (void)mk_buf_add_c(out, ' ');
    (void)mk_buf_add(out, s->config->banner);
}

/* Names and passwords in UTF-8 too (RFC 6856 2.2). */
static void print_utf8(const pop3_server *s, mk_buf *out)
{
    (void)s;
    (void)mk_buf_add_z(out, " USER");
}

static void print_capabilities(const pop3_server *s, mk_buf *out)
{
    static const struct {
        uint32_t bit;
        const char *tag;
        void (*print)(const pop3_server *s, mk_buf *out); /* its parameters */
        const char *rfc;
    } rows[] = {
        /* clang-format off */
        {MK_POP3_CAPABILITY_TOP,            "TOP",            NULL,         "2449 6.1"},
        {MK_POP3_CAPABILITY_USER,           "USER",           NULL,         "2449 6.2"},
        {MK_POP3_CAPABILITY_SASL,           "SASL",           print_sasl,   "2449 6.3"},
        {MK_POP3_CAPABILITY_RESP_CODES,     "RESP-CODES",     NULL,         "2449 6.4"},
        {MK_POP3_CAPABILITY_AUTH_RESP_CODE, "AUTH-RESP-CODE", NULL,         "3206 6"},
        {MK_POP3_CAPABILITY_LOGIN_DELAY,    "LOGIN-DELAY",    print_delay,  "2449 6.5"},
        {MK_POP3_CAPABILITY_PIPELINING,     "PIPELINING",     NULL,         "2449 6.6"},
        {MK_POP3_CAPABILITY_EXPIRE,         "EXPIRE",         print_expire, "2449 6.7"},
        {MK_POP3_CAPABILITY_UIDL,           "UIDL",           NULL,         "2449 6.8"},
        {MK_POP3_CAPABILITY_STLS,           "STLS",           NULL,         "2595 4"},
        {MK_POP3_CAPABILITY_UTF8,           "UTF8",           print_utf8,   "6856 2"},
        {MK_POP3_CAPABILITY_LANG,           "LANG",           NULL,         "6856 3"},
        {MK_POP3_CAPABILITY_IMPLEMENTATION, "IMPLEMENTATION", print_banner, "2449 6.9"},
        /* clang-format on */
    };
    uint32_t offer = mk_pop3_server_offer(s);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((offer & rows[i].bit) != 0) {
            (void)mk_buf_add_z(out, rows[i].tag);
            if (rows[i].print != NULL) {
                rows[i].print(s, out);
            }
            (void)mk_buf_add_z(out, "\r\n");
        }
    }
}

void mk_pop3_server_rows(const pop3_server *s, const char *line, mk_buf *out)
{
    if (line == mk_pop3_server_capa) {
        print_capabilities(s, out);
    } else if (line == mk_pop3_server_mechanisms) {
        print_mechanisms(s, "", "\r\n", out);
    } else if (line == mk_pop3_server_languages) {
        (void)mk_buf_add_z(out, "en English\r\n");
    } else {
        return;
    }
    (void)mk_buf_add_z(out, ".\r\n");
}
