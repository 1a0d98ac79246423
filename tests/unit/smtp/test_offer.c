/* SPDX-License-Identifier: MIT
 *
 * test_offer.c: what a server says to EHLO about its extensions, what a client
 * learns from such lines, which settings are refused, and that the reply fits
 * the room that is promised for it. RFC 5321 4.1.1.1; RFC 9422, 2852, 4865,
 * 3865, 6710.
 */
#include "smtp/extensions.h"
#include "smtp/peer_fields.h"

#include <mailkit/sasl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const mk_tls_info tls;

static void fill(mk_smtp_server_config *c)
{
    assert_int_equal(mk_smtp_server_config_init(c, sizeof *c), MK_OK);
    c->hostname = mk_str_z("mx.example");
    c->extensions = MK_SMTP_EXTENSION_ALL;
    c->line_max = 3072;
    c->hold_until_max = mk_str_z("2026-12-31T23:59:59Z");
    c->tls = MK_TLS_POLICY_MAY;
}

static mk_str print(const mk_smtp_server_config *c, uint32_t mask,
                    const mk_tls_info *info, char *room, size_t n)
{
    mk_buf b;
    mk_buf_init(&b, room, n);
    mk_smtp_extensions_print(c, mk_smtp_extensions_offer(c, info) & mask, info,
                             &b);
    assert_false(b.full);
    return mk_buf_str(&b);
}

static void names_and_bits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SMTP_EXTENSIONS; i++) {
        uint32_t bit = UINT32_C(1) << i;
        const char *name = mk_smtp_extension_name((mk_smtp_extension)bit);
        assert_string_not_equal(name, "?");
        assert_int_equal(mk_smtp_extension_find(mk_str_z(name)), bit);
    }
    assert_string_equal(mk_smtp_extension_name(MK_SMTP_EXTENSION_MT_PRIORITY),
                        "MT-PRIORITY");
    assert_string_equal(mk_smtp_extension_name(MK_SMTP_EXTENSION_CLIENTID),
                        "CLIENTID");
    assert_string_equal(mk_smtp_extension_name(MK_SMTP_EXTENSION_ALL), "?");
    assert_int_equal(mk_smtp_extension_find(mk_str_z("smtputf8")),
                     MK_SMTP_EXTENSION_SMTPUTF8);
    assert_int_equal(mk_smtp_extension_find(mk_str_z("X")), 0);
    assert_int_equal(mk_smtp_extension_find(mk_str_z("")), 0);
}

static void what_stands_behind_the_keyword(void **state)
{
    static const struct {
        uint32_t bit;
        const char *line;
    } rows[] = {
        {MK_SMTP_EXTENSION_CHUNKING, "250 CHUNKING\r\n"},
        {MK_SMTP_EXTENSION_BINARYMIME, "250 BINARYMIME\r\n"},
        {MK_SMTP_EXTENSION_DSN, "250 DSN\r\n"},
        {MK_SMTP_EXTENSION_SMTPUTF8, "250 SMTPUTF8\r\n"},
        {MK_SMTP_EXTENSION_LIMITS,
         "250 LIMITS MAILMAX=1000 RCPTMAX=999999\r\n"},
        {MK_SMTP_EXTENSION_REQUIRETLS, "250 REQUIRETLS\r\n"},
        {MK_SMTP_EXTENSION_MT_PRIORITY, "250 MT-PRIORITY MIXER\r\n"},
        {MK_SMTP_EXTENSION_DELIVERBY, "250 DELIVERBY 240\r\n"},
        {MK_SMTP_EXTENSION_FUTURERELEASE,
         "250 FUTURERELEASE 604800 2026-12-31T23:59:59Z\r\n"},
        {MK_SMTP_EXTENSION_ETRN, "250 ETRN\r\n"},
        {MK_SMTP_EXTENSION_NO_SOLICITING,
         "250 NO-SOLICITING net.example:ADV\r\n"},
        {MK_SMTP_EXTENSION_XCLIENT, "250 XCLIENT NAME ADDR PORT PROTO HELO "
                                    "LOGIN DESTADDR DESTPORT\r\n"},
        {MK_SMTP_EXTENSION_XFORWARD,
         "250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n"},
        {MK_SMTP_EXTENSION_CLIENTID, "250 CLIENTID\r\n"},
    };
    mk_smtp_server_config c;
    (void)state;
    fill(&c);
    c.recipients_max = 1000000;
    c.priority_profile = mk_str_z("MIXER");
    c.deliver_by_min_s = 240;
    c.solicit = mk_str_z("net.example:ADV");
    assert_true(mk_smtp_server_need(&c) > 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char room[256];
        mk_str got = print(&c, rows[i].bit, &tls, room, sizeof room);
        assert_int_equal(got.len, strlen(rows[i].line));
        assert_memory_equal(got.ptr, rows[i].line, got.len);
    }
}

static void what_may_be_empty(void **state)
{
    char room[256];
    mk_smtp_server_config c;
    uint32_t bits = MK_SMTP_EXTENSION_MT_PRIORITY |
                    MK_SMTP_EXTENSION_DELIVERBY |
                    MK_SMTP_EXTENSION_NO_SOLICITING;
    (void)state;
    fill(&c);
    assert_true(mk_str_is(
        print(&c, bits, NULL, room, sizeof room),
        mk_str_z("250-MT-PRIORITY\r\n250-DELIVERBY\r\n250 NO-SOLICITING\r\n")));
    assert_int_equal(print(&c, 0, NULL, room, sizeof room).len, 0);
}

static void some_are_for_tls_alone(void **state)
{
    mk_smtp_server_config c;
    uint32_t behind = MK_SMTP_EXTENSION_REQUIRETLS | MK_SMTP_EXTENSION_CLIENTID;
    uint32_t before = MK_SMTP_EXTENSION_STARTTLS;
    uint32_t login = MK_SMTP_EXTENSION_AUTH; /* there is no `sasl` */
    (void)state;
    fill(&c);
    assert_int_equal(mk_smtp_extensions_offer(&c, NULL),
                     MK_SMTP_EXTENSION_ALL & ~(behind | login));
    assert_int_equal(mk_smtp_extensions_offer(&c, &tls),
                     MK_SMTP_EXTENSION_ALL & ~(before | login));
}

static void settings_that_cannot_be_told_are_refused(void **state)
{
    mk_smtp_server_config c;
    mk_pool pool;
    char long_text[512];
    (void)state;
    memset(long_text, 'x', sizeof long_text);
#define REFUSED(change)                                                        \
    fill(&c);                                                                  \
    assert_true(mk_smtp_server_need(&c) > 0);                                  \
    change;                                                                    \
    assert_int_equal(mk_smtp_server_need(&c), 0)
    REFUSED(c.hold_until_max = mk_str_of(NULL, 0));
    REFUSED(c.hold_until_max = mk_str_z("tomorrow"));
    REFUSED(c.hold_until_max = mk_str_z("2026-12-31T23:59:59Z\r\n"));
    REFUSED(c.hold_max_s = 0);
    REFUSED(c.hold_max_s = 1000000000);
    REFUSED(c.deliver_by_min_s = 1000000000);
    REFUSED(c.line_max = 3071);
    REFUSED(c.solicit = mk_str_z("a b"));
    REFUSED(c.solicit = mk_str_z("a\r\n250 X"));
    REFUSED(c.priority_profile = mk_str_z("a b"));
    REFUSED(c.priority_profile = mk_str_z("a\n"));
    REFUSED(c.extensions &= ~(uint32_t)MK_SMTP_EXTENSION_8BITMIME);
    REFUSED(c.solicit = mk_str_of(long_text, sizeof long_text));
    REFUSED(c.priority_profile = mk_str_of(long_text, sizeof long_text));
#undef REFUSED
    fill(&c);
    c.solicit = mk_str_of(long_text, sizeof long_text);
    c.text_bytes = 2048;
    assert_true(mk_smtp_server_need(&c) > 0);
    assert_int_equal(mk_pool_init(&pool, mk_alloc_libc(), 1024, 1), MK_OK);
    c.units = &pool;
    assert_int_equal(mk_smtp_server_need(&c), 0);
    mk_pool_fini(&pool);
    /* what is not offered need not be told */
    fill(&c);
    c.extensions = MK_SMTP_EXTENSION_DEFAULT;
    c.hold_until_max = mk_str_of(NULL, 0);
    c.line_max = 512;
    assert_true(mk_smtp_server_need(&c) > 0);
}

static uint32_t offer_all(const mk_sasl_server_config *c,
                          const mk_tls_info *info)
{
    (void)c;
    (void)info;
    return MK_SASL_ALL;
}

/* All rows with the longest of everything, and the first line. */
static void the_reply_to_ehlo_fits_its_room(void **state)
{
    mk_smtp_server_config c;
    mk_sasl_server_config sasl;
    mk_sasl_server_ops ops;
    char name[255];
    char room[2048];
    (void)state;
    memset(name, 'x', sizeof name);
    fill(&c);
    assert_int_equal(mk_sasl_server_config_init(&sasl, sizeof sasl), MK_OK);
    ops = *sasl.ops;
    ops.offer = offer_all;
    sasl.ops = &ops;
    c.sasl = &sasl;
    c.hostname = mk_str_of(name, sizeof name);
    c.message_max = UINT64_MAX / 2;
    c.recipients_max = UINT32_MAX;
    c.messages_max = UINT32_MAX;
    c.deliver_by_min_s = 999999999;
    c.hold_max_s = 999999999;
    c.hold_until_max = mk_str_z("2026-12-31T23:59:59.999999999+00:00");
    c.priority_profile = mk_str_z("STANAG4406");
    c.solicit = mk_str_z("net.example:ADV");
    size_t n = print(&c, MK_SMTP_EXTENSION_ALL, NULL, room, sizeof room).len;
    size_t behind =
        print(&c, MK_SMTP_EXTENSION_ALL, &tls, room, sizeof room).len;
    n = (n > behind ? n : behind) + sizeof name + 6;
    assert_in_range(n, 0, mk_smtp_extensions_room(&c));
    assert_in_range(mk_smtp_extensions_room(&c), 0, 1024);
}

typedef struct learnt {
    const char *line;
    smtp_offer offer;
} learnt;

static void check_learnt(const learnt *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        smtp_offer offer;
        memset(&offer, 0, sizeof offer);
        mk_smtp_extensions_learn(
            mk_str_z(rows[i].line),
            MK_SMTP_EXTENSION_ALL & ~(uint32_t)MK_SMTP_EXTENSION_DSN, &offer);
        assert_memory_equal(&offer, &rows[i].offer, sizeof offer);
    }
}

/* RFC 9422 3, 4 */
static void a_client_learns_limits(void **state)
{
    static const learnt rows[] = {
        {"limits MAILMAX=5 RCPTMAX=20 RCPTDOMAINMAX=1",
         {.extensions = MK_SMTP_EXTENSION_LIMITS,
          .mail_max = 5,
          .rcpt_max = 20,
          .rcpt_domain_max = 1}},
        {"LIMITS RCPTMAX=x MAILMAX=99999999999 FUTURE",
         {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        /* a value that is none is passed over; six digits, without zeros */
        {"LIMITS MAILMAX=999999 RCPTMAX=1000000 X_-9=;x",
         {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        {"LIMITS MAILMAX=999999 RCPTMAX=1000000 X_-9=a=b FUTURE",
         {.extensions = MK_SMTP_EXTENSION_LIMITS, .mail_max = 999999}},
        {"LIMITS MAILMAX=05 RCPTMAX=0 RCPTDOMAINMAX=7 ",
         {.extensions = MK_SMTP_EXTENSION_LIMITS, .rcpt_domain_max = 7}},
        {"LIMITS RCPTMAX RCPTMAXX=3 MAILMA=3",
         {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        /* what is no limit at all spoils all of them */
        {"LIMITS MAILMAX=5 RCPTMAX=", {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        {"LIMITS MAILMAX=5 =6", {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        {"LIMITS =6 MAILMAX=5", {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        {"LIMITS MAILMAX=5  RCPTMAX=6",
         {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        {"LIMITS MAILMAX=5\tRCPTMAX=6",
         {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        {"LIMITS MAILMAX=5 RCPT.MAX=6",
         {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        {"LIMITS MAILMAX=5 RCPTMAX=\xC3\xA9",
         {.extensions = MK_SMTP_EXTENSION_LIMITS}},
        {"LIMITS", {.extensions = MK_SMTP_EXTENSION_LIMITS}},
    };
    (void)state;
    check_learnt(rows, sizeof rows / sizeof rows[0]);
}

static void a_client_learns(void **state)
{
    static const learnt rows[] = {
        {"DELIVERBY 240",
         {.extensions = MK_SMTP_EXTENSION_DELIVERBY, .deliver_by_min_s = 240}},
        {"DELIVERBY 240,x-more",
         {.extensions = MK_SMTP_EXTENSION_DELIVERBY, .deliver_by_min_s = 240}},
        {"DELIVERBY 240 x-more",
         {.extensions = MK_SMTP_EXTENSION_DELIVERBY, .deliver_by_min_s = 240}},
        {"DELIVERBY ,240", {.extensions = MK_SMTP_EXTENSION_DELIVERBY}},
        {"DELIVERBY 240x", {.extensions = MK_SMTP_EXTENSION_DELIVERBY}},
        {"DELIVERBY", {.extensions = MK_SMTP_EXTENSION_DELIVERBY}},
        {"FUTURERELEASE 604800 2026-12-31T23:59:59Z",
         {.extensions = MK_SMTP_EXTENSION_FUTURERELEASE,
          .hold_for_max_s = 604800,
          .hold_until_max_s = 1798761599}},
        {"FUTURERELEASE 1 2027-01-01T00:59:59+01:00",
         {.extensions = MK_SMTP_EXTENSION_FUTURERELEASE,
          .hold_for_max_s = 1,
          .hold_until_max_s = 1798761599}},
        {"FUTURERELEASE 1 2026-12-31t23:59:59.25z more",
         {.extensions = MK_SMTP_EXTENSION_FUTURERELEASE,
          .hold_for_max_s = 1,
          .hold_until_max_s = 1798761599}},
        {"FUTURERELEASE 1 1798761599",
         {.extensions = MK_SMTP_EXTENSION_FUTURERELEASE,
          .hold_for_max_s = 1,
          .hold_until_max_s = INT64_MAX}},
        {"FUTURERELEASE",
         {.extensions = MK_SMTP_EXTENSION_FUTURERELEASE,
          .hold_until_max_s = INT64_MAX}},
        {"XCLIENT NAME ADDR login",
         {.extensions = MK_SMTP_EXTENSION_XCLIENT, .xclient = 1 + 2 + 32}},
        {"XFORWARD SOURCE",
         {.extensions = MK_SMTP_EXTENSION_XFORWARD, .xforward = 512}},
        {"SIZE 10", {.extensions = MK_SMTP_EXTENSION_SIZE, .size_max = 10}},
        {"SIZE", {.extensions = MK_SMTP_EXTENSION_SIZE}},
        {"SMTPUTF8 what", {.extensions = MK_SMTP_EXTENSION_SMTPUTF8}},
        {"XFOO", {0}},
        {"", {0}},
        {"DSN", {0}}, /* it is not wanted */
    };
    (void)state;
    check_learnt(rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_bits),
        cmocka_unit_test(what_stands_behind_the_keyword),
        cmocka_unit_test(what_may_be_empty),
        cmocka_unit_test(some_are_for_tls_alone),
        cmocka_unit_test(settings_that_cannot_be_told_are_refused),
        cmocka_unit_test(the_reply_to_ehlo_fits_its_room),
        cmocka_unit_test(a_client_learns),
        cmocka_unit_test(a_client_learns_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
