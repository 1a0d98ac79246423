/* SPDX-License-Identifier: MIT
 *
 * test_params.c: the parameters of MAIL and RCPT by rows: what each value
 * becomes, and the code that each refusal has; each row's octets in memory of
 * their own size. RFC 1870, 2852, 3030, 3461, 3865, 4865, 4954, 6152, 6531,
 * 6533, 6710, 8689. THREATS 17 (control characters in what is decoded), 18
 * (bounds), 25 (UTF-8 that is none).
 */
#include "smtp/params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAIL, RCPT, RCPT_UTF8 };

typedef struct reading {
    mk_smtp_server_config config;
    mk_smtp_event event;
    mk_smtp_mail_options mail;
    mk_smtp_rcpt_options rcpt;
} reading;

/* Read them with everything offered but what is not. The views are only good
 * within `mem`, which is the caller's to free. */
static const char *take(reading *r, int place, uint32_t without, const char *z,
                        char **out_mem)
{
    size_t n = strlen(z);
    memset(r, 0, sizeof *r);
    assert_int_equal(mk_smtp_server_config_init(&r->config, sizeof r->config),
                     MK_OK);
    r->config.deliver_by_min_s = 60;
    r->config.hold_max_s = 3600;
    r->config.hold_until_max = mk_str_z("2026-12-31T23:59:59Z");
    r->config.solicit = mk_str_z("net.example:ADV,org.example:ADV");
    r->config.message_max = 1000;
    smtp_params p = {
        .config = &r->config,
        .offered = MK_SMTP_EXTENSION_ALL & ~without,
        .is_utf8 = place == RCPT_UTF8,
        .event = &r->event,
        .mail = place == MAIL ? &r->mail : NULL,
        .rcpt = place == MAIL ? NULL : &r->rcpt,
    };
    *out_mem = malloc(n > 0 ? n : 1);
    memcpy(*out_mem, z, n);
    return mk_smtp_params_take(&p, mk_str_of(*out_mem, n));
}

typedef struct code_row {
    int place;
    const char *in;
    const char *code; /* what the reply begins with; NULL: taken */
} code_row;

/* clang-format off */
static const code_row codes[] = {
    {MAIL, "",                                  NULL},
    {MAIL, " ",                                 NULL},
    {MAIL, "  SIZE=1   BODY=7BIT ",             NULL},
    {MAIL, "SIZE=1",                            "501 5.5.4"},
    {MAIL, "\tSIZE=1",                          "501 5.5.4"},
    {MAIL, " FOO",                              "555 5.5.4"},
    {MAIL, " FOO=bar",                          "555 5.5.4"},
    {MAIL, " SIZ=1",                            "555 5.5.4"},
    {MAIL, " SIZEE=1",                          "555 5.5.4"},
    {MAIL, " NOTIFY=NEVER",                     "555 5.5.4"},
    {MAIL, " ORCPT=rfc822;a",                   "555 5.5.4"},
    {RCPT, " RET=FULL",                         "555 5.5.4"},
    {RCPT, " SIZE=1",                           "555 5.5.4"},
    {RCPT, " SMTPUTF8",                         "555 5.5.4"},
    {RCPT, " AUTH=<>",                          "555 5.5.4"},
    /* sec_018: keywords and values that are none */
    {MAIL, " =",                                "501 5.5.4"},
    {MAIL, " =1",                               "501 5.5.4"},
    {MAIL, " -SIZE=1",                          "501 5.5.4"},
    {MAIL, " SI_ZE=1",                          "501 5.5.4"},
    {MAIL, " SIZE=",                            "501 5.5.4"},
    {MAIL, " SIZE=1=2",                         "501 5.5.4"},
    {MAIL, " SIZE",                             "501 5.5.4"},
    {MAIL, " S\xC3\xBC=1",                      "501 5.5.4"},
    {MAIL, " SIZE=\xC3\xBC",                    "501 5.5.4"},
    {MAIL, " FOO=\x7F",                         "501 5.5.4"},
    /* SIZE */
    {MAIL, " SIZE=1000",                        NULL},
    {MAIL, " size=0",                           NULL},
    {MAIL, " SIZE=1001",                        "552 5.3.4"},
    {MAIL, " SIZE=18446744073709551616",        "552 5.3.4"},
    {MAIL, " SIZE=184467440737095516160",       "501 5.5.4"},
    {MAIL, " SIZE=0x10",                        "501 5.5.4"},
    {MAIL, " SIZE=-1",                          "501 5.5.4"},
    {MAIL, " SIZE=1 SIZE=1",                    "501 5.5.4"},
    /* BODY */
    {MAIL, " BODY=8bitmime",                    NULL},
    {MAIL, " BODY=BinaryMime",                  NULL},
    {MAIL, " BODY=8BIT",                        "501 5.5.4"},
    {MAIL, " BODY=BINARYMIM",                   "501 5.5.4"},
    {MAIL, " BODY",                             "501 5.5.4"},
    {MAIL, " BODY=7BIT BODY=7BIT",              "501 5.5.4"},
    /* AUTH (RFC 4954 5) */
    {MAIL, " AUTH=<>",                          NULL},
    {MAIL, " AUTH=a+2Bb@c.example",             NULL},
    {MAIL, " AUTH=e+3Dmc2@example.com",         NULL},
    {MAIL, " AUTH=a",                           "501 5.5.4"},
    {MAIL, " AUTH=postmaster",                  "501 5.5.4"},
    {MAIL, " AUTH=+",                           "501 5.5.4"},
    {MAIL, " AUTH=+4",                          "501 5.5.4"},
    {MAIL, " AUTH=+GG",                         "501 5.5.4"},
    {MAIL, " AUTH=a+0Ab@c",                     "501 5.5.4"},
    {MAIL, " AUTH=a@b+0D+0A",                   "501 5.5.4"},
    {MAIL, " AUTH=+00@b",                       "501 5.5.4"},
    {MAIL, " AUTH=+C3+BC@x",                    "501 5.5.4"},
    {MAIL, " AUTH=+C3+BC@x SMTPUTF8",           NULL},
    {MAIL, " SMTPUTF8 AUTH=+C3+BC@x",           NULL},
    {MAIL, " SMTPUTF8 AUTH=+C3@x",              "501 5.5.4"},
    {MAIL, " SMTPUTF8 AUTH=+C0+AE@x",           "501 5.5.4"},
    {MAIL, " SMTPUTF8 AUTH=+ED+A0+80@x",        "501 5.5.4"},
    /* SMTPUTF8, REQUIRETLS: no value */
    {MAIL, " smtputf8",                         NULL},
    {MAIL, " SMTPUTF8=1",                       "501 5.5.4"},
    {MAIL, " SMTPUTF8=",                        "501 5.5.4"},
    {MAIL, " SMTPUTF8 SMTPUTF8",                "501 5.5.4"},
    {MAIL, " REQUIRETLS",                       NULL},
    {MAIL, " REQUIRETLS=yes",                   "501 5.5.4"},
    {MAIL, " REQUIRETLS REQUIRETLS",            "501 5.5.4"},
    /* RET, ENVID (RFC 3461 4.3, 4.4) */
    {MAIL, " RET=full",                         NULL},
    {MAIL, " RET=Hdrs",                         NULL},
    {MAIL, " RET=HDR",                          "501 5.5.4"},
    {MAIL, " RET",                              "501 5.5.4"},
    {MAIL, " RET=FULL RET=FULL",                "501 5.5.4"},
    {MAIL, " ENVID=QQ314159",                   NULL},
    {MAIL, " ENVID=a+20b+3D",                   NULL},
    {MAIL, " ENVID=",                           "501 5.5.4"},
    {MAIL, " ENVID",                            "501 5.5.4"},
    {MAIL, " ENVID=a+0Ab",                      "501 5.5.4"},
    {MAIL, " ENVID=a+0D+0AMAIL",                "501 5.5.4"},
    {MAIL, " ENVID=+7F",                        "501 5.5.4"},
    {MAIL, " ENVID=+80",                        "501 5.5.4"},
    {MAIL, " ENVID=+2b",                        "501 5.5.4"},
    {MAIL, " ENVID=+",                          "501 5.5.4"},
    {MAIL, " ENVID=a ENVID=b",                  "501 5.5.4"},
    /* MT-PRIORITY (RFC 6710 3) */
    {MAIL, " MT-PRIORITY=0",                    NULL},
    {MAIL, " MT-PRIORITY=9",                    NULL},
    {MAIL, " MT-PRIORITY=-9",                   NULL},
    {MAIL, " MT-PRIORITY=10",                   "501 5.5.4"},
    {MAIL, " MT-PRIORITY=+1",                   "501 5.5.4"},
    {MAIL, " MT-PRIORITY=-0",                   "501 5.5.4"},
    {MAIL, " MT-PRIORITY=-",                    "501 5.5.4"},
    {MAIL, " MT-PRIORITY=x",                    "501 5.5.4"},
    {MAIL, " MT-PRIORITY=1 MT-PRIORITY=1",      "501 5.5.4"},
    /* BY (RFC 2852 4) */
    {MAIL, " BY=120;R",                         NULL},
    {MAIL, " BY=60;rt",                         NULL},
    {MAIL, " BY=-999999999;N",                  NULL},
    {MAIL, " BY=+999999999;NT",                 NULL},
    {MAIL, " BY=0;N",                           NULL},
    {MAIL, " BY=0;R",                           "501 5.5.4"},
    {MAIL, " BY=-1;R",                          "501 5.5.4"},
    {MAIL, " BY=59;R",                          "555 5.5.4"},
    {MAIL, " BY=1000000000;N",                  "501 5.5.4"},
    {MAIL, " BY=120",                           "501 5.5.4"},
    {MAIL, " BY=120;",                          "501 5.5.4"},
    {MAIL, " BY=;R",                            "501 5.5.4"},
    {MAIL, " BY=-;N",                           "501 5.5.4"},
    {MAIL, " BY=--1;N",                         "501 5.5.4"},
    {MAIL, " BY=120;X",                         "501 5.5.4"},
    {MAIL, " BY=120;RX",                        "501 5.5.4"},
    {MAIL, " BY=120;RTT",                       "501 5.5.4"},
    {MAIL, " BY=120;R BY=120;R",                "501 5.5.4"},
    /* HOLDFOR, HOLDUNTIL (RFC 4865) */
    {MAIL, " HOLDFOR=1",                        NULL},
    {MAIL, " HOLDFOR=3600",                     NULL},
    {MAIL, " HOLDFOR=3601",                     "501 5.5.4"},
    {MAIL, " HOLDFOR=0",                        "501 5.5.4"},
    {MAIL, " HOLDFOR=01",                       "501 5.5.4"},
    {MAIL, " HOLDFOR=-1",                       "501 5.5.4"},
    {MAIL, " HOLDFOR=1000000000",               "501 5.5.4"},
    {MAIL, " HOLDUNTIL=2026-12-31T23:59:59Z",   NULL},
    {MAIL, " HOLDUNTIL=2027-01-01T00:59:59+01:00", NULL},
    {MAIL, " HOLDUNTIL=2027-01-01T00:00:00Z",   "501 5.5.4"},
    {MAIL, " HOLDUNTIL=2026-12-31T23:59:59-00:01", "501 5.5.4"},
    {MAIL, " HOLDUNTIL=2026-02-29T00:00:00Z",   "501 5.5.4"},
    {MAIL, " HOLDUNTIL=2026-12-31",             "501 5.5.4"},
    {MAIL, " HOLDUNTIL=tomorrow",               "501 5.5.4"},
    {MAIL, " HOLDFOR=1 HOLDUNTIL=2026-12-01T00:00:00Z", "501 5.5.4"},
    {MAIL, " HOLDUNTIL=2026-12-01T00:00:00Z HOLDFOR=1", "501 5.5.4"},
    {MAIL, " HOLDFOR=1 HOLDFOR=1",              "501 5.5.4"},
    /* SOLICIT (RFC 3865 2.2, 2.3) */
    {MAIL, " SOLICIT=com.example:ADV",          NULL},
    {MAIL, " SOLICIT=a,b-c.d_e:9",              NULL},
    {MAIL, " SOLICIT=9a",                       "501 5.5.4"},
    {MAIL, " SOLICIT=a,",                       "501 5.5.4"},
    {MAIL, " SOLICIT=,a",                       "501 5.5.4"},
    {MAIL, " SOLICIT=a;b",                      "501 5.5.4"},
    {MAIL, " SOLICIT=org.example:adv",          "550 5.7.1"},
    {MAIL, " SOLICIT=a,net.example:ADV",        "550 5.7.1"},
    {MAIL, " SOLICIT=a SOLICIT=a",              "501 5.5.4"},
    /* NOTIFY (RFC 3461 4.1) */
    {RCPT, " NOTIFY=never",                     NULL},
    {RCPT, " NOTIFY=SUCCESS,FAILURE,DELAY",     NULL},
    {RCPT, " NOTIFY=NEVER,SUCCESS",             "501 5.5.4"},
    {RCPT, " NOTIFY=DELAY,NEVER",               "501 5.5.4"},
    {RCPT, " NOTIFY=SUCCESS,",                  "501 5.5.4"},
    {RCPT, " NOTIFY=,SUCCESS",                  "501 5.5.4"},
    {RCPT, " NOTIFY=SUCCES",                    "501 5.5.4"},
    {RCPT, " NOTIFY",                           "501 5.5.4"},
    {RCPT, " NOTIFY=NEVER NOTIFY=NEVER",        "501 5.5.4"},
    /* ORCPT (RFC 3461 4.2) */
    {RCPT, " ORCPT=rfc822;a@b.example",         NULL},
    {RCPT, " ORCPT=rfc822;a+2Bb+20c@d",         NULL},
    {RCPT, " ORCPT=x400;;c+3Dus;x",             NULL},
    {RCPT, " ORCPT=rfc822;",                    NULL},
    {RCPT, " ORCPT=rfc822",                     "501 5.5.4"},
    {RCPT, " ORCPT=;a@b",                       "501 5.5.4"},
    {RCPT, " ORCPT=\"",                         "501 5.5.4"},
    {RCPT, " ORCPT=rfc822;a+0Ab",               "501 5.5.4"},
    {RCPT, " ORCPT=rfc822;x+0D+0Ay",            "501 5.5.4"},
    {RCPT, " ORCPT=rfc822;+00",                 "501 5.5.4"},
    {RCPT, " ORCPT=rfc822;+C3+BC",              "501 5.5.4"},
    {RCPT, " ORCPT=rfc822;+4",                  "501 5.5.4"},
    {RCPT, " ORCPT=rf(c;a",                     "501 5.5.4"},
    {RCPT, " ORCPT=rfc822;a ORCPT=rfc822;a",    "501 5.5.4"},
    {RCPT, " ORCPT=rfc822;\xC3\xBC",            "501 5.5.4"},
    {RCPT_UTF8, " ORCPT=rfc822;\xC3\xBC",       "501 5.5.4"},
    /* of the type utf-8 (RFC 6533 3) */
    {RCPT, " ORCPT=utf-8;a@b.example",          NULL},
    {RCPT, " ORCPT=UTF-8;\\x{FC}@x\\x{20}\\x{2B}\\x{3D}\\x{5C}", NULL},
    {RCPT, " ORCPT=utf-8;\\x{10FFFF}",          NULL},
    {RCPT, " ORCPT=utf-8;\\x{1F4EC}@b",         NULL},
    {RCPT, " ORCPT=utf-8;\xC3\xBC@x",           "501 5.5.4"},
    {RCPT_UTF8, " ORCPT=utf-8;\xC3\xBC@x",      NULL},
    {RCPT_UTF8, " ORCPT=utf-8;\xC3@x",          "501 5.5.4"},
    {RCPT_UTF8, " ORCPT=utf-8;\xC0\xAE@x",      "501 5.5.4"},
    {RCPT_UTF8, " ORCPT=utf-8;\xED\xA0\x80@x",  "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;",                     "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;a+2Bb",                "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\",                   "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x",                  "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{",                 "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{}",                "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{F}",               "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{FC",               "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\y{FC}",              "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{GG}",              "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{00FC}",            "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{41}",              "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{D800}",            "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{DFFF}",            "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{110000}",          "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{1000000}",         "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{0A}",              "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{0D}",              "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{7F}",              "501 5.5.4"},
    {RCPT, " ORCPT=utf-8;\\x{9B}",              "501 5.5.4"},
};
/* clang-format on */

static void sec_017_sec_018_sec_025_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        reading r;
        char *mem;
        const char *want = codes[i].code;
        const char *got = take(&r, codes[i].place, 0, codes[i].in, &mem);
        bool same = want == NULL
                        ? got == NULL
                        : got != NULL && strncmp(got, want, strlen(want)) == 0;
        if (!same) {
            fail_msg("\"%s\": %s", codes[i].in, got != NULL ? got : "taken");
        }
        free(mem);
    }
}

/* What is not offered is not known (RFC 5321 4.1.1.11). */
static void without_its_extension_it_is_555(void **state)
{
    static const struct {
        int place;
        const char *in;
        uint32_t extension;
    } rows[] = {
        {MAIL, " SIZE=1", MK_SMTP_EXTENSION_SIZE},
        {MAIL, " BODY=7BIT",
         MK_SMTP_EXTENSION_8BITMIME | MK_SMTP_EXTENSION_BINARYMIME},
        {MAIL, " AUTH=<>", MK_SMTP_EXTENSION_AUTH},
        {MAIL, " RET=FULL", MK_SMTP_EXTENSION_DSN},
        {MAIL, " ENVID=x", MK_SMTP_EXTENSION_DSN},
        {RCPT, " NOTIFY=NEVER", MK_SMTP_EXTENSION_DSN},
        {RCPT, " ORCPT=rfc822;x", MK_SMTP_EXTENSION_DSN},
        {MAIL, " SMTPUTF8", MK_SMTP_EXTENSION_SMTPUTF8},
        {MAIL, " REQUIRETLS", MK_SMTP_EXTENSION_REQUIRETLS},
        {MAIL, " MT-PRIORITY=1", MK_SMTP_EXTENSION_MT_PRIORITY},
        {MAIL, " BY=120;R", MK_SMTP_EXTENSION_DELIVERBY},
        {MAIL, " HOLDFOR=1", MK_SMTP_EXTENSION_FUTURERELEASE},
        {MAIL, " HOLDUNTIL=2026-12-01T00:00:00Z",
         MK_SMTP_EXTENSION_FUTURERELEASE},
        {MAIL, " SOLICIT=a", MK_SMTP_EXTENSION_NO_SOLICITING},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        reading r;
        char *mem;
        assert_null(take(&r, rows[i].place, 0, rows[i].in, &mem));
        free(mem);
        const char *got =
            take(&r, rows[i].place, rows[i].extension, rows[i].in, &mem);
        assert_non_null(got);
        assert_int_equal(strncmp(got, "555 5.5.4", 9), 0);
        free(mem);
    }
    reading r;
    char *mem;
    const char *got =
        take(&r, MAIL, MK_SMTP_EXTENSION_BINARYMIME, " BODY=BINARYMIME", &mem);
    assert_int_equal(strncmp(got, "501", 3), 0);
    free(mem);
}

static bool is(mk_str s, const char *z)
{
    return mk_str_is(s, mk_str_z(z));
}

static void all_of_mail_is_taken(void **state)
{
    reading r;
    char *mem;
    (void)state;
    assert_null(take(&r, MAIL, 0,
                     " SIZE=999 BODY=BINARYMIME AUTH=a+2Bb@c RET=HDRS"
                     " ENVID=a+20b SMTPUTF8 REQUIRETLS MT-PRIORITY=-7"
                     " BY=-120;NT HOLDFOR=30 SOLICIT=com.example:ADV,x",
                     &mem));
    assert_int_equal(r.event.size, 999);
    assert_int_equal(r.event.body, MK_SMTP_BODY_BINARYMIME);
    assert_true(is(r.mail.auth, "a+2Bb@c"));
    assert_int_equal(r.mail.ret, MK_SMTP_RET_HDRS);
    assert_true(is(r.mail.envid, "a+20b"));
    assert_true(r.mail.is_utf8);
    assert_true(r.mail.is_tls_required);
    assert_true(r.mail.has_priority);
    assert_int_equal(r.mail.priority, -7);
    assert_int_equal(r.mail.by, MK_SMTP_BY_NOTIFY);
    assert_int_equal(r.mail.by_s, -120);
    assert_true(r.mail.is_by_traced);
    assert_int_equal(r.mail.hold_for_s, 30);
    assert_true(is(r.mail.solicit, "com.example:ADV,x"));
    assert_true(is(r.mail.hold_until, ""));
    free(mem);
    assert_null(take(&r, MAIL, 0,
                     " RET=FULL BY=999999999;R MT-PRIORITY=0"
                     " HOLDUNTIL=2026-12-01T00:00:00Z",
                     &mem));
    assert_int_equal(r.mail.ret, MK_SMTP_RET_FULL);
    assert_int_equal(r.mail.by, MK_SMTP_BY_RETURN);
    assert_int_equal(r.mail.by_s, 999999999);
    assert_false(r.mail.is_by_traced);
    assert_true(r.mail.has_priority);
    assert_int_equal(r.mail.priority, 0);
    assert_true(is(r.mail.hold_until, "2026-12-01T00:00:00Z"));
    free(mem);
}

static void nothing_asked_is_nothing_told(void **state)
{
    static const mk_smtp_mail_options none;
    reading r;
    char *mem;
    (void)state;
    assert_null(take(&r, MAIL, 0, "", &mem));
    assert_memory_equal(&r.mail, &none, sizeof none);
    assert_int_equal(r.event.body, MK_SMTP_BODY_UNSTATED);
    free(mem);
}

static void all_of_rcpt_is_taken(void **state)
{
    static const struct {
        const char *in;
        uint32_t notify;
        const char *type, *address;
    } rows[] = {
        {"", 0, "", ""},
        {" NOTIFY=NEVER", MK_SMTP_NOTIFY_NEVER, "", ""},
        {" NOTIFY=SUCCESS", MK_SMTP_NOTIFY_SUCCESS, "", ""},
        {" NOTIFY=failure,DELAY", MK_SMTP_NOTIFY_FAILURE | MK_SMTP_NOTIFY_DELAY,
         "", ""},
        {" NOTIFY=DELAY,DELAY", MK_SMTP_NOTIFY_DELAY, "", ""},
        {" ORCPT=rfc822;a+2Bb@c NOTIFY=SUCCESS", MK_SMTP_NOTIFY_SUCCESS,
         "rfc822", "a+2Bb@c"},
        {" ORCPT=utf-8;\\x{FC}@x", 0, "utf-8", "\\x{FC}@x"},
        {" ORCPT=X;;", 0, "X", ";"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        reading r;
        char *mem;
        assert_null(take(&r, RCPT, 0, rows[i].in, &mem));
        assert_int_equal(r.rcpt.notify, rows[i].notify);
        assert_true(is(r.rcpt.orcpt_type, rows[i].type));
        assert_true(is(r.rcpt.orcpt, rows[i].address));
        free(mem);
    }
}

/* One below, at, one above. */
static void sec_018_lengths(void **state)
{
    static const struct {
        int place;
        const char *start, *fill;
        size_t at;      /* octets of the value, or of all, that still fit */
        size_t counted; /* octets of start that count */
        const char *code;
    } rows[] = {
        {MAIL, " ENVID=", "x", 100, 0, "501"},
        {MAIL, " ENVID=", "+2B", 99, 0, "501"},
        {RCPT, " ORCPT=rfc822;", "x", 500, 7, "501"},
        {RCPT, " ORCPT=utf-8;", "x", 500, 6, "501"},
        {MAIL, " SOLICIT=", "x", 1000, 0, "501"},
        {MAIL, "", " ", 4096, 0, "500"},
        {RCPT, "", " ", 4096, 0, "500"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t step = strlen(rows[i].fill);
        for (size_t n = rows[i].at - step; n <= rows[i].at + step; n += step) {
            char z[5000];
            reading r;
            char *mem;
            size_t len = strlen(rows[i].start);
            memcpy(z, rows[i].start, len);
            for (size_t k = rows[i].counted; k < n; k += step) {
                memcpy(z + len, rows[i].fill, step);
                len += step;
            }
            z[len] = '\0';
            const char *got = take(&r, rows[i].place, 0, z, &mem);
            if (n <= rows[i].at) {
                assert_null(got);
            } else {
                assert_non_null(got);
                assert_int_equal(strncmp(got, rows[i].code, 3), 0);
            }
            free(mem);
        }
    }
}

/* The same parameter a thousand times costs a look each. */
static void sec_018_a_thousand_parameters(void **state)
{
    char z[4096];
    reading r;
    char *mem;
    size_t len = 0;
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        memcpy(z + len, " a=b", 4);
        len += 4;
    }
    z[len] = '\0';
    const char *got = take(&r, MAIL, 0, z, &mem);
    assert_int_equal(strncmp(got, "555", 3), 0);
    free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_017_sec_018_sec_025_values),
        cmocka_unit_test(without_its_extension_it_is_555),
        cmocka_unit_test(all_of_mail_is_taken),
        cmocka_unit_test(nothing_asked_is_nothing_told),
        cmocka_unit_test(all_of_rcpt_is_taken),
        cmocka_unit_test(sec_018_lengths),
        cmocka_unit_test(sec_018_a_thousand_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
