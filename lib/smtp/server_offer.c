/* SPDX-License-Identifier: MIT
 *
 * smtp/server_offer.c: what a server says to EHLO (RFC 5321 4.1.1.1): which of
 * the settings' extensions that were not withdrawn, with what behind their
 * keywords, and how long that is at most. It offers nothing whose condition is
 * not met.
 */
#include "smtp/extensions.h"
#include "smtp/peer_fields.h"
#include "smtp/server_internal.h"

#include <mailkit/sasl.h>

/* ---- which ----------------------------------------------------------------
 */

uint32_t mk_smtp_extensions_offer(const mk_smtp_server_config *c,
                                  const mk_tls_info *tls)
{
    uint32_t offer = c->extensions;
    bool is_late = c->tls >= MK_TLS_POLICY_ENCRYPT && tls == NULL;

    if (tls == NULL) {
        offer &= ~(uint32_t)(MK_SMTP_EXTENSION_REQUIRETLS |
                             MK_SMTP_EXTENSION_CLIENTID);
    }
    if (c->tls == MK_TLS_POLICY_NONE || tls != NULL) {
        offer &= ~(uint32_t)MK_SMTP_EXTENSION_STARTTLS;
    }
    if (c->sasl == NULL || is_late || c->sasl->ops->offer(c->sasl, tls) == 0) {
        offer &= ~(uint32_t)MK_SMTP_EXTENSION_AUTH;
    }
    return offer;
}

uint32_t mk_smtp_server_offer(const smtp_server *s)
{
    return mk_smtp_extensions_offer(s->config, s->base.tls) & ~s->withdrawn;
}

void mk_smtp_server_withdraw(mk_engine *e, uint32_t extensions)
{
    smtp_server *s = (smtp_server *)(void *)e;

    s->withdrawn |= extensions;
}

/* ---- what stands behind the keyword -------------------------------------- */

static void print_number(uint64_t number, mk_buf *out)
{
    (void)mk_buf_add_c(out, ' ');
    (void)mk_buf_add_u64(out, number);
}

static void print_text(mk_str text, mk_buf *out)
{
    if (text.len > 0) {
        (void)mk_buf_add_c(out, ' ');
        (void)mk_buf_add(out, text);
    }
}

static void print_size(const mk_smtp_server_config *c, const mk_tls_info *tls,
                       mk_buf *out)
{
    (void)tls;
    print_number(c->message_max, out);
}

/* The mechanisms of this connection (RFC 4954 3), the strongest first. */
static void print_auth(const mk_smtp_server_config *c, const mk_tls_info *tls,
                       mk_buf *out)
{
    uint32_t offer = c->sasl->ops->offer(c->sasl, tls);
    for (uint32_t bit = MK_SASL_ALL / 2 + 1; bit > 0; bit >>= 1) {
        if ((offer & bit) != 0) {
            print_text(mk_str_z(c->sasl->ops->name((mk_sasl_mechanism)bit)),
                       out);
        }
    }
}

/* RFC 9422 4: values have six digits at most. */
static void print_limits(const mk_smtp_server_config *c, const mk_tls_info *tls,
                         mk_buf *out)
{
    enum { MOST = 999999 };
    (void)tls;
    (void)mk_buf_add_z(out, " MAILMAX=");
    (void)mk_buf_add_u64(out, c->messages_max < MOST ? c->messages_max : MOST);
    (void)mk_buf_add_z(out, " RCPTMAX=");
    (void)mk_buf_add_u64(out,
                         c->recipients_max < MOST ? c->recipients_max : MOST);
}

static void print_priority(const mk_smtp_server_config *c,
                           const mk_tls_info *tls, mk_buf *out)
{
    (void)tls;
    print_text(c->priority_profile, out);
}

static void print_deliver_by(const mk_smtp_server_config *c,
                             const mk_tls_info *tls, mk_buf *out)
{
    (void)tls;
    if (c->deliver_by_min_s > 0) {
        print_number(c->deliver_by_min_s, out);
    }
}

/* FUTURERELEASE max-future-release-interval max-future-release-date-time */
static void print_future_release(const mk_smtp_server_config *c,
                                 const mk_tls_info *tls, mk_buf *out)
{
    (void)tls;
    print_number(c->hold_max_s, out);
    print_text(c->hold_until_max, out);
}

static void print_solicit(const mk_smtp_server_config *c,
                          const mk_tls_info *tls, mk_buf *out)
{
    (void)tls;
    print_text(c->solicit, out);
}

static void print_fields(uint32_t bits, mk_buf *out)
{
    for (unsigned i = 0; i < SMTP_PEER_FIELDS; i++) {
        if ((bits & (UINT32_C(1) << i)) != 0) {
            print_text(mk_str_z(mk_smtp_peer_fields[i].word), out);
        }
    }
}

static void print_xclient(const mk_smtp_server_config *c,
                          const mk_tls_info *tls, mk_buf *out)
{
    (void)c;
    (void)tls;
    print_fields(SMTP_PEER_XCLIENT, out);
}

static void print_xforward(const mk_smtp_server_config *c,
                           const mk_tls_info *tls, mk_buf *out)
{
    (void)c;
    (void)tls;
    print_fields(SMTP_PEER_XFORWARD, out);
}

static const struct {
    uint32_t bit;
    void (*print)(const mk_smtp_server_config *c, const mk_tls_info *tls,
                  mk_buf *out);
} rows[] = {
    /* clang-format off */
    {MK_SMTP_EXTENSION_SIZE,          print_size},
    {MK_SMTP_EXTENSION_AUTH,          print_auth},
    {MK_SMTP_EXTENSION_LIMITS,        print_limits},
    {MK_SMTP_EXTENSION_MT_PRIORITY,   print_priority},
    {MK_SMTP_EXTENSION_DELIVERBY,     print_deliver_by},
    {MK_SMTP_EXTENSION_FUTURERELEASE, print_future_release},
    {MK_SMTP_EXTENSION_NO_SOLICITING, print_solicit},
    {MK_SMTP_EXTENSION_XCLIENT,       print_xclient},
    {MK_SMTP_EXTENSION_XFORWARD,      print_xforward},
    /* clang-format on */
};

/* ---- the lines ------------------------------------------------------------
 */

static void print_line(const mk_smtp_server_config *c, unsigned row,
                       const mk_tls_info *tls, mk_buf *out)
{
    (void)mk_buf_add_z(out, mk_smtp_keywords[row]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].bit == UINT32_C(1) << row) {
            rows[i].print(c, tls, out);
        }
    }
    (void)mk_buf_add_z(out, "\r\n");
}

void mk_smtp_extensions_print(const mk_smtp_server_config *c, uint32_t offered,
                              const mk_tls_info *tls, mk_buf *out)
{
    for (unsigned i = 0; offered != 0; i++) {
        uint32_t bit = UINT32_C(1) << i;
        if ((offered & bit) != 0) {
            offered &= ~bit;
            (void)mk_buf_add_z(out, offered == 0 ? "250 " : "250-");
            print_line(c, i, tls, out);
        }
    }
}

size_t mk_smtp_extensions_room(const mk_smtp_server_config *c)
{
    enum { FIXED = 640 }; /* all rows, all mechanisms, the longest numbers */
    return FIXED + c->hostname.len + c->priority_profile.len +
           c->hold_until_max.len + c->solicit.len;
}
