/* SPDX-License-Identifier: MIT
 *
 * test_client_params.c: what an envelope may ask for beyond delivery, row by
 * row: what it needs of a server, what is said where it is offered, what is
 * left out where it is not, and what is refused before an octet is sent
 * (THREATS 16, 17).
 */
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPTIONS .size = sizeof(mk_smtp_mail_options)
#define RCPT_OPTIONS .size = sizeof(mk_smtp_rcpt_options)
#define X(name) MK_SMTP_EXTENSION_##name

static const char all[] = "PIPELINING\nSIZE\n8BITMIME\nDSN\nSMTPUTF8\n"
                          "AUTH PLAIN\nMT-PRIORITY\nDELIVERBY\n"
                          "FUTURERELEASE 604800 2030-01-01T00:00:00Z\n"
                          "NO-SOLICITING\nREQUIRETLS";

typedef struct row {
    mk_smtp_mail_options mail;
    const char *said; /* behind the path */
    uint32_t must, may;
} row;

/* clang-format off */
static const row good[] = {
    {{OPTIONS}, "", 0, 0},
    {{OPTIONS, .is_utf8 = true}, " SMTPUTF8", X(SMTPUTF8), 0},
    {{OPTIONS, .ret = MK_SMTP_RET_FULL}, " RET=FULL", 0, X(DSN)},
    {{OPTIONS, .ret = MK_SMTP_RET_HDRS}, " RET=HDRS", 0, X(DSN)},
    {{OPTIONS, .envid = MK_STR_INIT("QQ314159")}, " ENVID=QQ314159", 0, X(DSN)},
    {{OPTIONS, .envid = MK_STR_INIT("a b+c=d~")}, " ENVID=a+20b+2Bc+3Dd~", 0, X(DSN)},
    {{OPTIONS, .auth = MK_STR_INIT("<>")}, " AUTH=<>", 0, X(AUTH)},
    {{OPTIONS, .auth = MK_STR_INIT("e+mc2@b.example")}, " AUTH=e+2Bmc2@b.example", 0, X(AUTH)},
    {{OPTIONS, .is_utf8 = true, .auth = MK_STR_INIT("\xc3\xbc@b.example")},
     " SMTPUTF8 AUTH=+C3+BC@b.example", X(SMTPUTF8), X(AUTH)},
    {{OPTIONS, .has_priority = true, .priority = -9}, " MT-PRIORITY=-9", 0, X(MT_PRIORITY)},
    {{OPTIONS, .has_priority = true}, " MT-PRIORITY=0", 0, X(MT_PRIORITY)},
    {{OPTIONS, .has_priority = true, .priority = 9}, " MT-PRIORITY=9", 0, X(MT_PRIORITY)},
    {{OPTIONS, .by = MK_SMTP_BY_NOTIFY, .by_s = 120}, " BY=120;N", 0, X(DELIVERBY)},
    {{OPTIONS, .by = MK_SMTP_BY_NOTIFY, .by_s = -999999999, .is_by_traced = true},
     " BY=-999999999;NT", 0, X(DELIVERBY)},
    {{OPTIONS, .by = MK_SMTP_BY_RETURN, .by_s = 1, .is_by_traced = true}, " BY=1;RT", X(DELIVERBY), 0},
    {{OPTIONS, .hold_for_s = 604800}, " HOLDFOR=604800", X(FUTURERELEASE), 0},
    {{OPTIONS, .hold_until = MK_STR_INIT("2028-02-29T23:59:60Z")},
     " HOLDUNTIL=2028-02-29T23:59:60Z", X(FUTURERELEASE), 0},
    {{OPTIONS, .hold_until = MK_STR_INIT("2028-01-01T00:00:00.5+01:30")},
     " HOLDUNTIL=2028-01-01T00:00:00.5+01:30", X(FUTURERELEASE), 0},
    {{OPTIONS, .solicit = MK_STR_INIT("net.example:ADV,org.example_2-x:ADV:ADLT")},
     " SOLICIT=net.example:ADV,org.example_2-x:ADV:ADLT", 0, X(NO_SOLICITING)},
    {{OPTIONS, .is_utf8 = true, .ret = MK_SMTP_RET_FULL, .envid = MK_STR_INIT("x"),
      .has_priority = true, .priority = 3, .by = MK_SMTP_BY_NOTIFY, .by_s = 5, .hold_for_s = 1},
     " SMTPUTF8 RET=FULL ENVID=x MT-PRIORITY=3 BY=5;N HOLDFOR=1",
     X(SMTPUTF8) | X(FUTURERELEASE), X(DSN) | X(MT_PRIORITY) | X(DELIVERBY)},
};

static const struct {
    mk_smtp_mail_options mail;
    mk_err want;
} bad[] = {
    {{.size = 1}, MK_E_ARG},
    {{OPTIONS, .ret = (mk_smtp_ret)3}, MK_E_ARG},
    {{OPTIONS, .has_priority = true, .priority = -10}, MK_E_ARG},
    {{OPTIONS, .has_priority = true, .priority = 10}, MK_E_ARG},
    {{OPTIONS, .by = (mk_smtp_by)3, .by_s = 1}, MK_E_ARG},
    {{OPTIONS, .by = MK_SMTP_BY_RETURN, .by_s = 0}, MK_E_ARG},
    {{OPTIONS, .by = MK_SMTP_BY_RETURN, .by_s = -1}, MK_E_ARG},
    {{OPTIONS, .by = MK_SMTP_BY_NOTIFY, .by_s = 1000000000}, MK_E_ARG},
    {{OPTIONS, .by = MK_SMTP_BY_NOTIFY, .by_s = -1000000000}, MK_E_ARG},
    {{OPTIONS, .hold_for_s = 1000000000}, MK_E_ARG},
    {{OPTIONS, .hold_for_s = 1, .hold_until = MK_STR_INIT("2028-01-01T00:00:00Z")}, MK_E_ARG},
    {{OPTIONS, .hold_until = MK_STR_INIT("2028-01-01T00:00:00")}, MK_E_SYNTAX},
    {{OPTIONS, .hold_until = MK_STR_INIT("2028-01-01T00:00:00.12345678901234567890Z")}, MK_E_LIMIT},
    {{OPTIONS, .hold_until = MK_STR_INIT("2028-1x-01T00:00:00Z")}, MK_E_SYNTAX},
    {{OPTIONS, .hold_until = MK_STR_INIT("2027-02-29T00:00:00Z")}, MK_E_SYNTAX},
    {{OPTIONS, .hold_until = MK_STR_INIT("2028-01-01T24:00:00Z")}, MK_E_SYNTAX},
    {{OPTIONS, .hold_until = MK_STR_INIT("2028-01-01 00:00:00Z")}, MK_E_SYNTAX},
    {{OPTIONS, .envid = MK_STR_INIT("\t")}, MK_E_SYNTAX},
    {{OPTIONS, .envid = MK_STR_INIT("\x7f")}, MK_E_SYNTAX},
    {{OPTIONS, .envid = MK_STR_INIT("\xc3\xbc")}, MK_E_SYNTAX},
    {{OPTIONS, .auth = MK_STR_INIT("a")}, MK_E_SYNTAX},
    {{OPTIONS, .auth = MK_STR_INIT("<a@b.example>")}, MK_E_SYNTAX},
    {{OPTIONS, .auth = MK_STR_INIT("postmaster")}, MK_E_SYNTAX},
    {{OPTIONS, .auth = MK_STR_INIT("\xc3\xbc@b.example")}, MK_E_UNSUPPORTED},
    {{OPTIONS, .solicit = MK_STR_INIT(",")}, MK_E_SYNTAX},
    {{OPTIONS, .solicit = MK_STR_INIT("a,")}, MK_E_SYNTAX},
    {{OPTIONS, .solicit = MK_STR_INIT("a,,b")}, MK_E_SYNTAX},
    {{OPTIONS, .solicit = MK_STR_INIT("9a")}, MK_E_SYNTAX},
    {{OPTIONS, .solicit = MK_STR_INIT("a b")}, MK_E_SYNTAX},
    {{OPTIONS, .solicit = MK_STR_INIT("a=b")}, MK_E_SYNTAX},
    {{OPTIONS, .envid = MK_STR_INIT("x\r\nRCPT TO:<v@w>")}, MK_E_CTL},
    {{OPTIONS, .envid = MK_STR_INIT("\n")}, MK_E_CTL},
    {{OPTIONS, .envid = MK_STR_INIT("a\0b")}, MK_E_CTL},
    {{OPTIONS, .auth = MK_STR_INIT("a@b.example\r\nDATA")}, MK_E_CTL},
    {{OPTIONS, .auth = MK_STR_INIT("\"a\nb\"@c.example")}, MK_E_CTL},
    {{OPTIONS, .auth = MK_STR_INIT("\0")}, MK_E_CTL},
    {{OPTIONS, .hold_until = MK_STR_INIT("2028-01-01T00:00:00\n")}, MK_E_CTL},
    {{OPTIONS, .hold_until = MK_STR_INIT("\r")}, MK_E_CTL},
    {{OPTIONS, .hold_until = MK_STR_INIT("2028-01-01T00:00:00\0")}, MK_E_CTL},
    {{OPTIONS, .solicit = MK_STR_INIT("a\r\nQUIT")}, MK_E_CTL},
    {{OPTIONS, .solicit = MK_STR_INIT("a,\nb")}, MK_E_CTL},
    {{OPTIONS, .solicit = MK_STR_INIT("a\0b")}, MK_E_CTL},
};

typedef struct rcpt_row {
    mk_smtp_rcpt_options rcpt;
    bool is_utf8;
    mk_err want;
    const char *said;
} rcpt_row;

static const rcpt_row rcpts[] = {
    {{RCPT_OPTIONS}, false, MK_OK, ""},
    {{RCPT_OPTIONS, .notify = MK_SMTP_NOTIFY_NEVER}, false, MK_OK, " NOTIFY=NEVER"},
    {{RCPT_OPTIONS, .notify = MK_SMTP_NOTIFY_DELAY}, false, MK_OK, " NOTIFY=DELAY"},
    {{RCPT_OPTIONS, .notify = 2 | 4 | 8}, false, MK_OK, " NOTIFY=SUCCESS,FAILURE,DELAY"},
    {{RCPT_OPTIONS, .notify = 1 | 4}, false, MK_E_ARG, NULL},
    {{RCPT_OPTIONS, .notify = 16}, false, MK_E_ARG, NULL},
    {{.size = 0}, false, MK_E_ARG, NULL},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("rfc822"), .orcpt = MK_STR_INIT("Dana+x=y@ivory.example")},
     false, MK_OK, " ORCPT=rfc822;Dana+2Bx+3Dy@ivory.example"},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("X-400"), .orcpt = MK_STR_INIT("/G=A/S=B C/")},
     false, MK_OK, " ORCPT=X-400;/G+3DA/S+3DB+20C/"},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("utf-8"), .orcpt = MK_STR_INIT("\xc3\xbc \\+=\xe2\x82\xac\xf0\x9f\x93\xa7@b.example")},
     false, MK_OK, " ORCPT=utf-8;\\x{FC}\\x{20}\\x{5C}\\x{2B}\\x{3D}\\x{20AC}\\x{1F4E7}@b.example"},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("UTF-8"), .orcpt = MK_STR_INIT("\xf4\x8f\xbf\xbf")},
     false, MK_OK, " ORCPT=UTF-8;\\x{10FFFF}"},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("utf-8"), .orcpt = MK_STR_INIT("\xc3\xbc x@b.example")},
     true, MK_OK, " ORCPT=utf-8;\xc3\xbc\\x{20}x@b.example"},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("utf-8"), .orcpt = MK_STR_INIT("\xc3")}, true, MK_E_SYNTAX, NULL},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("utf-8"), .orcpt = MK_STR_INIT("a\x7f")}, true, MK_E_SYNTAX, NULL},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("rfc822"), .orcpt = MK_STR_INIT("\xc3\xbc@b")}, true, MK_E_SYNTAX, NULL},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("rfc822")}, false, MK_E_SYNTAX, NULL},
    {{RCPT_OPTIONS, .orcpt = MK_STR_INIT("a@b")}, false, MK_E_SYNTAX, NULL},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("a;b"), .orcpt = MK_STR_INIT("a@b")}, false, MK_E_SYNTAX, NULL},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("rfc822"), .orcpt = MK_STR_INIT("x\ny")}, false, MK_E_CTL, NULL},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("utf-8"), .orcpt = MK_STR_INIT("x\ry")}, false, MK_E_CTL, NULL},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("rfc822"), .orcpt = MK_STR_INIT("x\0y")}, false, MK_E_CTL, NULL},
    {{RCPT_OPTIONS, .orcpt_type = MK_STR_INIT("rfc822\r\n"), .orcpt = MK_STR_INIT("a@b")}, false, MK_E_CTL, NULL},
};
/* clang-format on */

static void fill(desk *d, const mk_smtp_mail_options *mail,
                 const mk_smtp_rcpt_options *rcpt)
{
    assert_int_equal(mk_smtp_envelope_init(&d->envelope, sizeof d->envelope),
                     MK_OK);
    d->envelope.reverse_path = mk_str_z("a@b.example");
    d->paths[0] = mk_str_z("c@d.example");
    d->envelope.forward_paths = d->paths;
    d->envelope.forward_count = 1;
    assert_int_equal(mk_smtp_envelope_ask(&d->envelope, mail, rcpt), MK_OK);
}

/* It is refused, and nothing was said. */
static void refuse(desk *d, mk_err want)
{
    mk_op op = 77;
    assert_int_equal(mk_smtp_client_send(d->engine, &d->envelope, &op), want);
    assert_int_equal(op, 77);
    desk_run(d);
    desk_said(d, "");
    desk_quiet(d);
}

static void accept(desk *d, const char *mail, const char *rcpt)
{
    mk_op op = 0;
    text want = {0};
    text_z(&want, "MAIL FROM:<a@b.example>");
    text_z(&want, mail);
    text_z(&want, "\r\nRCPT TO:<c@d.example>");
    text_z(&want, rcpt);
    text_z(&want, "\r\nDATA\r\n");
    assert_int_equal(mk_smtp_client_send(d->engine, &d->envelope, &op), MK_OK);
    desk_run(d);
    desk_said(d, text_c(&want));
    text_free(&want);
}

/* The outcome tells what the server was told. */
static void expect_told(desk *d, uint32_t told)
{
    mk_event ev = {0};
    mk_str in = mk_str_z("550 no\r\n503 no\r\n503 no\r\n");
    do {
        assert_int_equal(mk_step(d->engine, d->rig.now_ms, &in, &ev), MK_OK);
    } while (ev.type != MK_EV_DONE);
    assert_int_equal(ev.of.smtp->extensions, told);
}

static void test_needs(void **state)
{
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint32_t must = 77;
        uint32_t may = 77;
        fill(&d, &good[i].mail, NULL);
        assert_int_equal(mk_smtp_envelope_needs(&d.envelope, &must, &may),
                         MK_OK);
        assert_int_equal(must, good[i].must);
        assert_int_equal(may, good[i].may);
    }
}

static void test_needs_of_body_and_paths(void **state)
{
    static const struct {
        mk_smtp_body body;
        const char *sender, *recipient;
        uint32_t must;
    } rows[] = {
        {MK_SMTP_BODY_7BIT, "", "a@b", 0},
        {MK_SMTP_BODY_8BITMIME, "", "a@b", X(8BITMIME)},
        {MK_SMTP_BODY_BINARYMIME, "", "a@b", X(BINARYMIME) | X(CHUNKING)},
        {MK_SMTP_BODY_UNSTATED, "\xc3\xbc@b", "a@b", X(SMTPUTF8)},
        {MK_SMTP_BODY_UNSTATED, "", "a@\xc3\xbc.example", X(SMTPUTF8)},
    };
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t must = 77;
        uint32_t may = 77;
        fill(&d, NULL, NULL);
        d.envelope.body = rows[i].body;
        d.envelope.reverse_path = mk_str_z(rows[i].sender);
        d.paths[0] = mk_str_z(rows[i].recipient);
        assert_int_equal(mk_smtp_envelope_needs(&d.envelope, &must, &may),
                         MK_OK);
        assert_int_equal(must, rows[i].must);
        assert_int_equal(may, 0);
    }
}

static void test_said_where_offered(void **state)
{
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        desk_init(&d, 4096);
        desk_ready(&d, all);
        fill(&d, &good[i].mail, NULL);
        accept(&d, good[i].said, "");
        expect_told(&d, good[i].must | good[i].may);
        desk_fini(&d);
    }
}

static void test_left_out_or_refused_where_not_offered(void **state)
{
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        desk_init(&d, 4096);
        desk_ready(&d, "PIPELINING");
        fill(&d, &good[i].mail, NULL);
        if (good[i].must != 0) {
            refuse(&d, MK_E_UNSUPPORTED);
        } else {
            accept(&d, "", "");
            expect_told(&d, 0);
        }
        desk_fini(&d);
    }
}

static void sec_016_options_are_looked_at_first(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, all);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint32_t must = 77;
        uint32_t may = 77;
        fill(&d, &bad[i].mail, NULL);
        assert_int_equal(mk_smtp_envelope_needs(&d.envelope, &must, &may),
                         bad[i].want);
        assert_int_equal(must, 77);
        assert_int_equal(may, 77);
        refuse(&d, bad[i].want);
    }
    desk_fini(&d);
}

/* Also where the server would never be told. */
static void sec_017_options_that_are_not_offered(void **state)
{
    desk d;
    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, "PIPELINING");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fill(&d, &bad[i].mail, NULL);
        refuse(&d, bad[i].want);
    }
    for (size_t i = 0; i < sizeof rcpts / sizeof *rcpts; i++) {
        if (rcpts[i].want != MK_OK) {
            fill(&d, NULL, &rcpts[i].rcpt);
            refuse(&d, rcpts[i].want);
        }
    }
    desk_fini(&d);
}

static void sec_017_options_of_a_recipient(void **state)
{
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof rcpts / sizeof *rcpts; i++) {
        mk_smtp_mail_options mail = {OPTIONS, .is_utf8 = rcpts[i].is_utf8};
        desk_init(&d, 4096);
        desk_ready(&d, all);
        fill(&d, rcpts[i].is_utf8 ? &mail : NULL, &rcpts[i].rcpt);
        if (rcpts[i].want != MK_OK) {
            refuse(&d, rcpts[i].want);
        } else {
            accept(&d, rcpts[i].is_utf8 ? " SMTPUTF8" : "", rcpts[i].said);
        }
        desk_fini(&d);
    }
}

/* Each recipient has its own, and one that is bad refuses all. */
static void test_options_of_several_recipients(void **state)
{
    mk_smtp_rcpt_options two[] = {
        {RCPT_OPTIONS, .notify = MK_SMTP_NOTIFY_NEVER},
        {RCPT_OPTIONS, .notify = MK_SMTP_NOTIFY_SUCCESS},
    };
    mk_op op = 0;
    desk d;
    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, all);
    fill(&d, NULL, two);
    d.paths[1] = mk_str_z("e@f.example");
    d.envelope.forward_count = 2;
    two[1].notify = 3;
    refuse(&d, MK_E_ARG);
    two[1].notify = MK_SMTP_NOTIFY_SUCCESS;
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op), MK_OK);
    desk_run(&d);
    desk_said(&d, "MAIL FROM:<a@b.example>\r\n"
                  "RCPT TO:<c@d.example> NOTIFY=NEVER\r\n"
                  "RCPT TO:<e@f.example> NOTIFY=SUCCESS\r\nDATA\r\n");
    desk_fini(&d);
}

/* ---- lengths ------------------------------------------------------------- */

static char many[2048];

static mk_str of(char c, size_t n)
{
    memset(many, c, sizeof many);
    return mk_str_of(many, n);
}

static mk_err needs_of(const mk_smtp_mail_options *mail,
                       const mk_smtp_rcpt_options *rcpt)
{
    uint32_t must;
    uint32_t may;
    desk d;
    fill(&d, mail, rcpt);
    return mk_smtp_envelope_needs(&d.envelope, &must, &may);
}

/* RFC 3461 4.2, 4.4, 5.4; RFC 4954 3; RFC 3865 2.2 */
static void sec_018_texts_have_their_length(void **state)
{
    mk_smtp_mail_options mail = {OPTIONS};
    mk_smtp_rcpt_options rcpt = {RCPT_OPTIONS};
    (void)state;
    mail.envid = of('x', 100);
    assert_int_equal(needs_of(&mail, NULL), MK_OK);
    mail.envid.len++;
    assert_int_equal(needs_of(&mail, NULL), MK_E_LIMIT);
    mail.envid = of('+', 34);
    assert_int_equal(needs_of(&mail, NULL), MK_E_LIMIT);
    mail.envid = of('+', 33);
    assert_int_equal(needs_of(&mail, NULL), MK_OK);
    mail.envid.len = 0;

    mail.solicit = of('x', 1000);
    assert_int_equal(needs_of(&mail, NULL), MK_OK);
    mail.solicit.len++;
    assert_int_equal(needs_of(&mail, NULL), MK_E_LIMIT);

    rcpt.orcpt_type = mk_str_z("rfc822");
    rcpt.orcpt = of('x', 500 - (sizeof "ORCPT=rfc822;" - 1));
    assert_int_equal(needs_of(NULL, &rcpt), MK_OK);
    rcpt.orcpt.len++;
    assert_int_equal(needs_of(NULL, &rcpt), MK_E_LIMIT);

    /* the local-part +...+ would be a mailbox, but not in 500 octets */
    memset(many, '+', 64);
    for (size_t i = 64; i < 254; i++) {
        many[i] = i == 64 ? '@' : (i - 65) % 60 == 59 ? '.' : 'b';
    }
    mail.solicit.len = 0;
    mail.auth = mk_str_of(many, 254);
    assert_int_equal(needs_of(&mail, NULL), MK_OK);
    mail.auth.len = 300;
    assert_int_equal(needs_of(&mail, NULL), MK_E_LIMIT);
}

/* A line of MAIL goes out of one unit of text. */
static void test_a_line_fits_into_the_unit(void **state)
{
    /* what stands around the path and the keywords, at its longest */
    const size_t rest = sizeof "MAIL FROM:<> SIZE=18446744073709551615 "
                               "BODY=BINARYMIME SOLICIT=\r\n" -
                        1;
    mk_smtp_mail_options mail = {OPTIONS};
    mk_op op = 0;
    desk d;
    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, all);
    fill(&d, &mail, NULL);
    mail.solicit = of('x', 1024 - rest - d.envelope.reverse_path.len + 1);
    refuse(&d, MK_E_LIMIT);
    mail.solicit.len--;
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op), MK_OK);
    desk_fini(&d);

    /* where it is not said it takes no room */
    desk_init(&d, 4096);
    desk_ready(&d, "PIPELINING");
    fill(&d, &mail, NULL);
    mail.solicit.len = 1000;
    accept(&d, "", "");
    desk_fini(&d);
}

/* ---- what the server told of its limits ---------------------------------- */

static void test_times_that_the_server_does_not_take(void **state)
{
    static const struct {
        const char *keywords;
        mk_smtp_mail_options mail;
        mk_err want;
    } rows[] = {
        {"DELIVERBY 120",
         {OPTIONS, .by = MK_SMTP_BY_RETURN, .by_s = 119},
         MK_E_LIMIT},
        {"DELIVERBY 120",
         {OPTIONS, .by = MK_SMTP_BY_RETURN, .by_s = 120},
         MK_OK},
        {"DELIVERBY 120", {OPTIONS, .by = MK_SMTP_BY_NOTIFY, .by_s = 1}, MK_OK},
        {"DELIVERBY", {OPTIONS, .by = MK_SMTP_BY_RETURN, .by_s = 1}, MK_OK},
        {"FUTURERELEASE 3600 2030-01-01T00:00:00Z",
         {OPTIONS, .hold_for_s = 3600},
         MK_OK},
        {"FUTURERELEASE 3600 2030-01-01T00:00:00Z",
         {OPTIONS, .hold_for_s = 3601},
         MK_E_LIMIT},
        {"FUTURERELEASE 3600 2030-01-01T00:00:00Z",
         {OPTIONS, .hold_until = MK_STR_INIT("2030-01-01T00:00:00Z")},
         MK_OK},
        {"FUTURERELEASE 3600 2030-01-01T00:00:00Z",
         {OPTIONS, .hold_until = MK_STR_INIT("2030-01-01T00:00:01Z")},
         MK_E_LIMIT},
        {"FUTURERELEASE 3600 2030-01-01T00:00:00Z",
         {OPTIONS, .hold_until = MK_STR_INIT("2030-01-01T02:00:00+02:00")},
         MK_OK},
        {"FUTURERELEASE 3600 2030-01-01T00:00:00Z",
         {OPTIONS, .hold_until = MK_STR_INIT("2029-12-31T23:30:00-01:00")},
         MK_E_LIMIT},
        {"FUTURERELEASE 3600 2030-01-01T02:00:00+02:00",
         {OPTIONS, .hold_until = MK_STR_INIT("2030-01-01T00:00:01Z")},
         MK_E_LIMIT},
        {"FUTURERELEASE 3600 2030-01-01T02:00:00+02:00",
         {OPTIONS, .hold_until = MK_STR_INIT("2030-01-01T00:00:00Z")},
         MK_OK},
        {"FUTURERELEASE 3600 2030", /* not compared */
         {OPTIONS, .hold_until = MK_STR_INIT("2030-01-01T00:00:01Z")},
         MK_OK},
    };
    desk d;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mk_op op = 0;
        desk_init(&d, 4096);
        desk_ready(&d, rows[i].keywords);
        fill(&d, &rows[i].mail, NULL);
        if (rows[i].want == MK_OK) {
            assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op),
                             MK_OK);
        } else {
            refuse(&d, rows[i].want);
        }
        desk_fini(&d);
    }
}

/* RFC 8689 2: TLS with a verified server; the sessions that have it are
 * dialogues. */
static void test_require_tls_in_clear(void **state)
{
    static const mk_smtp_mail_options mail = {OPTIONS, .is_tls_required = true};
    desk d;
    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, all);
    fill(&d, &mail, NULL);
    refuse(&d, MK_E_CLEARTEXT);
    desk_fini(&d);
}

static void test_utf8_in_a_path_needs_to_be_said(void **state)
{
    static const mk_smtp_mail_options mail = {OPTIONS, .is_utf8 = true};
    mk_op op = 0;
    desk d;
    (void)state;
    desk_init(&d, 4096);
    desk_ready(&d, all);
    fill(&d, NULL, NULL);
    d.paths[0] = mk_str_z("\xc3\xbc@d.example");
    refuse(&d, MK_E_UNSUPPORTED);
    assert_int_equal(mk_smtp_envelope_ask(&d.envelope, &mail, NULL), MK_OK);
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op), MK_OK);
    desk_run(&d);
    desk_said(&d, "MAIL FROM:<a@b.example> SMTPUTF8\r\n"
                  "RCPT TO:<\xc3\xbc@d.example>\r\nDATA\r\n");
    desk_fini(&d);
}

static void test_options_without_the_call(void **state)
{
    static const mk_smtp_mail_options mail = {OPTIONS, .is_utf8 = true};
    static const mk_smtp_rcpt_options rcpt = {RCPT_OPTIONS};
    mk_smtp_envelope none = {0};
    uint32_t must;
    uint32_t may;
    desk d;
    (void)state;
    assert_int_equal(mk_smtp_envelope_ask(&none, NULL, NULL), MK_E_ARG);
    assert_int_equal(mk_smtp_envelope_ask(NULL, NULL, NULL), MK_E_ARG);
    assert_int_equal(mk_smtp_envelope_needs(NULL, &must, &may), MK_E_ARG);
    fill(&d, NULL, NULL);
    d.envelope.mail = &mail;
    assert_int_equal(mk_smtp_envelope_needs(&d.envelope, &must, &may),
                     MK_E_ARG);
    fill(&d, &mail, &rcpt);
    fill(&d, NULL, NULL); /* asked for no more */
    assert_int_equal(mk_smtp_envelope_needs(&d.envelope, &must, &may), MK_OK);
    assert_int_equal(must, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_needs_of_body_and_paths),
        cmocka_unit_test(test_said_where_offered),
        cmocka_unit_test(test_left_out_or_refused_where_not_offered),
        cmocka_unit_test(sec_016_options_are_looked_at_first),
        cmocka_unit_test(sec_017_options_that_are_not_offered),
        cmocka_unit_test(sec_017_options_of_a_recipient),
        cmocka_unit_test(test_options_of_several_recipients),
        cmocka_unit_test(sec_018_texts_have_their_length),
        cmocka_unit_test(test_a_line_fits_into_the_unit),
        cmocka_unit_test(test_times_that_the_server_does_not_take),
        cmocka_unit_test(test_require_tls_in_clear),
        cmocka_unit_test(test_utf8_in_a_path_needs_to_be_said),
        cmocka_unit_test(test_options_without_the_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
