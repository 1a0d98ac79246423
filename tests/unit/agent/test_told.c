/* SPDX-License-Identifier: MIT
 *
 * test_told.c: XCLIENT, XFORWARD and CLIENTID: who may say them, whom stages,
 * log and trace see afterwards, what is forgotten when, and what never counts.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MESSAGE "Subject: x\r\n\r\nbody\r\n"

static house h;

/* ---- a stage that looks ----------------------------------------------------
 */

typedef struct looker {
    unsigned connects;
    mk_peer peer; /* at the last point */
    char login[400];
    char name[400];
    char forwarded[400];
    char client_id[400];
} looker;

static looker seen;

static void keep(mk_str s, char *out)
{
    size_t n = s.len < 399 ? s.len : 399;
    if (n > 0) {
        memcpy(out, s.ptr, n);
    }
    out[n] = '\0';
}

static void look(void *self, const mk_stage_call *call, mk_verdict *v)
{
    looker *l = self;
    (void)v;
    l->connects += call->point == MK_POINT_CONNECT;
    l->peer = *mk_session_peer(call->session);
    keep(mk_session_login(call->session), l->login);
    keep(mk_session_introduced(call->session)->name, l->name);
    keep(mk_session_forwarded(call->session)->addr, l->forwarded);
    keep(mk_session_client_id(call->session), l->client_id);
}

static bool is_trusted_answer;

static bool is_trusted(void *self, const mk_peer *peer)
{
    assert_ptr_equal(self, &seen);
    assert_int_equal(peer->family, 4);
    return is_trusted_answer;
}

static const char *network; /* NULL: none */
static bool has_callback;
static bool is_alone; /* those who are named are not trusted, too */

static void tune(house *x, mk_inbound_config *c)
{
    static mk_network trusted[3];
    static const char *const named[] = {"203.0.113.0/24", "2001:db8::/33"};
    x->smtp.extensions |=
        MK_SMTP_EXTENSION_XCLIENT | MK_SMTP_EXTENSION_XFORWARD;
    if (network != NULL) {
        assert_int_equal(mk_network_parse(mk_str_z(network), trusted), MK_OK);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(
                mk_network_parse(mk_str_z(named[i]), &trusted[i + 1]), MK_OK);
        }
        c->trusted = trusted;
        c->trusted_count = is_alone ? 1 : 3;
    }
    c->is_trusted = has_callback ? is_trusted : NULL;
    c->trusted_self = &seen;
}

/* The peer is 192.0.2.1. */
static const char *open_from(const char *trusted)
{
    network = trusted;
    memset(&seen, 0, sizeof seen);
    house_open(&h, &(house_plan){.tune = tune,
                                 .has_login = true,
                                 .is_offering = true,
                                 .before = {.name = "look",
                                            .self = &seen,
                                            .points = 127,
                                            .at = look}});
    assert_int_equal(fake_conn_open(&h.conn, &h.host, &h.service), MK_OK);
    house_work(&h);
    begins(house_heard(&h), "220");
    return house_says(&h, "EHLO proxy.example\r\n");
}

static void only_who_is_trusted_may(void **state)
{
    static const struct {
        const char *network;
        bool callback;
        bool may;
    } rows[] = {
        {NULL, false, false},
        {"192.0.2.0/24", false, true},
        {"192.0.2.1", false, true},
        {"192.0.2.2/31", false, false},
        {"2001:db8::/32", false, false},
        {NULL, true, true},
        {"2001:db8::/32", true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        has_callback = rows[i].callback;
        is_trusted_answer = true;
        const char *said = open_from(rows[i].network);
        (rows[i].may ? has : has_not)(said, "XCLIENT");
        (rows[i].may ? has : has_not)(said, "XFORWARD");
        begins(house_says(&h, "XFORWARD ADDR=203.0.113.9\r\n"),
               rows[i].may ? "250" : "5");
        begins(house_says(&h, "XCLIENT ADDR=203.0.113.9\r\n"),
               rows[i].may ? "220" : "5");
        assert_int_equal(seen.connects, rows[i].may ? 2 : 1);
        assert_int_equal(seen.peer.address[0], rows[i].may ? 203 : 192);
        house_close(&h);
    }
    has_callback = false;
}

/* Who is named may name others when it is trusted itself, and not because it
 * came through one who is. */
static void sec_026_who_is_named_names_nobody(void **state)
{
    static const struct {
        const char *named;
        bool may;
    } rows[] = {
        {"XCLIENT NAME=mail.client.example\r\n", true}, /* no address yet */
        {"XCLIENT ADDR=192.0.2.77\r\n", true},
        {"XCLIENT ADDR=203.0.113.9\r\n", false},
        {"XCLIENT ADDR=IPV6:2001:db8::9 NAME=a.example\r\n", false},
        {"XCLIENT ADDR=[UNAVAILABLE]\r\n", false},
    };
    (void)state;
    is_alone = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool may = rows[i].may;
        has(open_from("192.0.2.0/24"), "XCLIENT");
        begins(house_says(&h, rows[i].named), "220");
        const char *said = house_says(&h, "EHLO client.example\r\n");
        begins(said, "250");
        (may ? has : has_not)(said, "XCLIENT");
        (may ? has : has_not)(said, "XFORWARD");
        has(said, "PIPELINING");
        begins(house_says(&h, "XFORWARD ADDR=198.51.100.9\r\n"),
               may ? "250" : "5");
        begins(house_says(&h, "XCLIENT LOGIN=boss\r\n"), may ? "220" : "5");
        assert_string_equal(seen.login, may ? "boss" : "");
        begins(house_says(&h, "XCLIENT ADDR=192.0.2.1\r\n"), may ? "220" : "5");
        house_close(&h);
    }
    is_alone = false;
}

static void the_named_peer_is_the_peer(void **state)
{
    (void)state;
    open_from("192.0.2.0/24");
    begins(house_says(&h, "XCLIENT NAME=mail.client.example ADDR=IPV6:2001:"
                          "db8::9 PORT=4711 HELO=x.example LOGIN=ann@mx."
                          "example\r\n"),
           "220");
    assert_int_equal(seen.peer.family, 6);
    assert_int_equal(seen.peer.port, 4711);
    assert_int_equal(seen.peer.own_address[0], 0); /* another family's */
    assert_string_equal(seen.login, "ann@mx.example");
    assert_string_equal(seen.name, "mail.client.example");
    has(house_says(&h, "EHLO other.example\r\n"), "250");
    begins(house_send(&h, "ann@mx.example", MESSAGE), "250 2.0.0");
    const char *file = house_file(&h, "mx.example", "ann");
    has(file, "Received: from other.example (mail.client.example "
              "[IPv6:2001:db8::9])\n");
    has(file, "with ESMTPA\n");
    has(text_c(&h.log), "peer=[IPv6:2001:db8::9]:4711 login=<ann@mx.example> "
                        "via=[192.0.2.1]");
    /* what a second one does not name stays */
    begins(house_says(&h, "XCLIENT NAME=b.example\r\n"), "220");
    assert_string_equal(seen.name, "b.example");
    assert_int_equal(seen.peer.family, 6);
    begins(house_says(&h, "XCLIENT LOGIN=[UNAVAILABLE]\r\n"), "220");
    assert_string_equal(seen.login, "");
    house_close(&h);
}

/* The trusted one's own address never stands for one that was not told. */
static void an_address_that_is_not_told_is_none(void **state)
{
    static const char *const rows[] = {
        "XCLIENT ADDR=[UNAVAILABLE]\r\n",
        "XCLIENT NAME=a.example\r\n",
        "XCLIENT ADDR=[UNAVAILABLE] PORT=25 DESTADDR=192.0.2.9\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static const uint8_t none[16];
        open_from("192.0.2.0/24");
        begins(house_says(&h, rows[i]), "220");
        assert_int_equal(seen.peer.family, 0);
        assert_memory_equal(seen.peer.address, none, 16);
        assert_memory_equal(seen.peer.own_address, none, 16);
        house_close(&h);
    }
}

static void what_is_malformed_changes_nothing(void **state)
{
    static const char *const rows[] = {
        "XCLIENT ADDR=203.0.113\r\n",
        "XCLIENT ADDR=IPV6:203.0.113.9\r\n",
        "XCLIENT ADDR=2001:db8::1\r\n",
        "XCLIENT ADDR=203.0.113.9 PORT=65536\r\n",
        "XCLIENT ADDR=203.0.113.9 PORT=-1\r\n",
        "XCLIENT ADDR=203.0.113.9 LOGIN=a+0D+0Ab\r\n",
        "XCLIENT ADDR=203.0.113.9 NAME=a+00b\r\n",
        "XCLIENT ADDR=203.0.113.9 IDENT=x\r\n",
        "XCLIENT\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_from("192.0.2.0/24");
        begins(house_says(&h, rows[i]), "501");
        begins(house_says(&h, "MAIL FROM:<>\r\n"), "250");
        assert_int_equal(seen.peer.address[0], 192);
        assert_int_equal(seen.connects, 1);
        house_close(&h);
    }
}

static void tell_tls(void)
{
    static const mk_tls_info info = {.size = sizeof info};
    const mk_smtp_event told = {.tls = &info};
    const mk_event ev = {.type = MK_EV_SMTP_TLS, .of.smtp = &told};
    h.service.event(h.conn.session, &ev);
}

/* A login passes to nobody else, and not over the start of TLS; who the peer
 * is does. */
static void a_login_is_that_of_the_named_peer(void **state)
{
    (void)state;
    open_from("192.0.2.0/24");
    begins(house_says(&h, "XCLIENT ADDR=203.0.113.9 LOGIN=ann\r\n"), "220");
    assert_string_equal(seen.login, "ann");
    begins(house_says(&h, "XCLIENT NAME=a.example\r\n"), "220");
    assert_string_equal(seen.login, "ann");
    begins(house_says(&h, "XCLIENT ADDR=203.0.113.10\r\n"), "220");
    assert_string_equal(seen.login, "");
    begins(house_says(&h, "XCLIENT LOGIN=bob\r\n"), "220");
    assert_string_equal(seen.login, "bob");
    assert_int_equal(seen.peer.address[3], 10);
    tell_tls();
    (void)house_says(&h, "EHLO a.example\r\n");
    assert_string_equal(seen.login, "");
    assert_int_equal(seen.peer.address[3], 10);
    house_close(&h);
}

/* The login of before, the greeting and what was forwarded are another's. */
static void the_session_begins_anew(void **state)
{
    (void)state;
    open_from("192.0.2.0/24");
    begins(house_says(&h, "XFORWARD ADDR=198.51.100.1\r\n"), "250");
    begins(house_says(&h, "XCLIENT ADDR=203.0.113.9\r\n"), "220");
    assert_string_equal(seen.forwarded, "");
    begins(house_says(&h, "MAIL FROM:<>\r\n"), "503");
    house_close(&h);
}

static void what_was_forwarded_is_for_one_message(void **state)
{
    (void)state;
    open_from("192.0.2.0/24");
    begins(house_says(&h, "XFORWARD NAME=a.example ADDR=198.51.100.1\r\n"),
           "250");
    begins(house_says(&h, "XFORWARD HELO=b.example IDENT=4711\r\n"), "250");
    begins(house_send(&h, "ann@mx.example", MESSAGE), "250 2.0.0");
    assert_string_equal(seen.forwarded, "198.51.100.1");
    assert_int_equal(seen.peer.address[0], 192); /* nothing is judged by it */
    has(text_c(&h.log), " orig=\"198.51.100.1\" orig-name=\"a.example\" ");
    has(text_c(&h.log), " orig-id=\"4711\"\n");
    text_clear(&h.log);
    begins(house_send(&h, "ann@mx.example", MESSAGE), "250 2.0.0");
    assert_string_equal(seen.forwarded, "");
    has_not(text_c(&h.log), "orig");
    begins(house_says(&h, "XFORWARD ADDR=198.51.100.1\r\n"), "250");
    has(house_says(&h, "EHLO again.example\r\n"), "250");
    begins(house_says(&h, "MAIL FROM:<>\r\n"), "250");
    assert_string_equal(seen.forwarded, "");
    house_close(&h);
}

/* RSET ends what was told of a message that never began. */
static void what_was_forwarded_ends_with_rset(void **state)
{
    (void)state;
    open_from("192.0.2.0/24");
    begins(house_says(&h, "XFORWARD ADDR=198.51.100.1\r\n"), "250");
    begins(house_says(&h, "RSET\r\n"), "250");
    begins(house_says(&h, "XFORWARD NAME=a.example\r\n"), "250");
    begins(house_send(&h, "ann@mx.example", MESSAGE), "250 2.0.0");
    assert_string_equal(seen.forwarded, "");
    has(text_c(&h.log), " orig-name=\"a.example\"");
    text_clear(&h.log);
    begins(house_says(&h, "XFORWARD ADDR=198.51.100.1\r\n"), "250");
    begins(house_says(&h, "MAIL FROM:<>\r\n"), "250");
    assert_string_equal(seen.forwarded, "198.51.100.1");
    begins(house_says(&h, "RSET\r\n"), "250");
    begins(house_send(&h, "ann@mx.example", MESSAGE), "250 2.0.0");
    has_not(text_c(&h.log), "orig");
    house_close(&h);
}

/* A message that was submitted there has no client, whatever is told of one,
 * in whatever order; the message itself may have a name and a source. */
static void what_was_forwarded_of_no_client(void **state)
{
    static const struct {
        const char *says[3];
        const char *has;
        const char *has_not;
    } rows[] = {
        {{"NAME=a.example IDENT=4711 ADDR=[UNAVAILABLE]", "HELO=b.example"},
         " orig-id=\"4711\"",
         ".example\" orig"},
        {{"ADDR=[UNAVAILABLE] NAME=a.example", "IDENT=4711"},
         " orig-id=\"4711\"",
         "orig-name"},
        {{"ADDR=[unavailable] NAME=a.example", "ADDR=198.51.100.1"},
         " orig=\"198.51.100.1\" orig-name=\"a.example\"",
         "orig-id"},
        {{"ADDR=198.51.100.1 NAME=a.example", "ADDR=[UNAVAILABLE]"},
         " size=",
         "orig"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_from("192.0.2.0/24");
        for (size_t k = 0; rows[i].says[k] != NULL; k++) {
            char line[200];
            (void)snprintf(line, sizeof line, "XFORWARD %s\r\n",
                           rows[i].says[k]);
            begins(house_says(&h, line), "250");
        }
        begins(house_send(&h, "ann@mx.example", MESSAGE), "250 2.0.0");
        has(text_c(&h.log), rows[i].has);
        has_not(text_c(&h.log), rows[i].has_not);
        house_close(&h);
    }
}

static void fault_f25_no_memory_to_keep_it(void **state)
{
    static const char *const rows[] = {"XCLIENT ADDR=203.0.113.9\r\n",
                                       "XFORWARD ADDR=203.0.113.9\r\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (unsigned n = 1; n <= 2; n++) {
            open_from("192.0.2.0/24");
            h.a.fail_at = h.a.calls + n;
            begins(house_says(&h, rows[i]), "451 4.3.0");
            h.a.fail_at = 0;
            assert_int_equal(seen.peer.address[0], 192);
            begins(house_says(&h, rows[i]), i == 0 ? "220" : "250");
            house_close(&h);
        }
    }
}

/* ---- CLIENTID ------------------------------------------------------------ */

static char auth_id[300];
static mk_peer auth_peer;
static mk_ask auth_ask;

static void check(void *self, const mk_sasl_ask *question, mk_ask ask)
{
    (void)self;
    (void)question;
    keep(mk_login_client_id(ask), auth_id);
    auth_peer = *mk_login_peer(ask);
    auth_ask = ask;
    assert_int_equal(mk_login_answer(ask, MK_ANSWER_NO, NULL, mk_str_z("")),
                     MK_OK);
}

/* The machine takes it behind TLS only: here the service is told by hand. */
static void tell_id(const char *id)
{
    const mk_smtp_event told = {.verb = MK_SMTP_VERB_CLIENTID,
                                .argument = mk_str_z(id)};
    const mk_event ev = {
        .type = MK_EV_SMTP_CLIENTID, .flags = MK_ASK, .of.smtp = &told};
    h.service.event(h.conn.session, &ev);
}

static void the_device_is_known(void **state)
{
    char id[300];
    (void)state;
    house_open(&h, &(house_plan){.is_offering = true,
                                 .authenticator = {.check = check},
                                 .before = {.name = "look",
                                            .self = &seen,
                                            .points = 127,
                                            .at = look}});
    house_greet(&h);
    tell_id("UUID 1-2-3");
    begins(house_says(&h, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n"), "");
    fake_host_pass(&h.host, h.smtp.auth_delay_ms);
    house_work(&h);
    begins(house_heard(&h), "535");
    assert_string_equal(auth_id, "UUID 1-2-3");
    assert_int_equal(auth_peer.address[0], 192);
    assert_null(mk_login_peer(auth_ask)); /* it is answered */
    assert_int_equal(mk_login_client_id(auth_ask).len, 0);
    has(text_c(&h.log), " client-id=\"UUID 1-2-3\" fault=");
    tell_id("UUID \"<\n");
    begins(house_says(&h, "MAIL FROM:<>\r\n"), "250");
    assert_string_equal(seen.client_id, "UUID \"<\n");
    begins(house_says(&h, "RCPT TO:<x@y.example>\r\n"), "550");
    has(text_c(&h.log), " client-id=\"UUID \\x22\\x3C\\x0A\"");
    memset(id, 'x', sizeof id);
    id[256] = '\0';
    tell_id(id); /* longer than any may be: the one of before stays */
    begins(house_says(&h, "RSET\r\nMAIL FROM:<>\r\n"), "250");
    assert_string_equal(seen.client_id, "UUID \"<\n");
    house_close(&h);
}

/* What was told of a device is not told of another peer's. */
static void a_device_is_not_that_of_who_is_named_later(void **state)
{
    static const struct {
        const char *line, *reply, *id;
    } rows[] = {
        {"XCLIENT ADDR=192.0.2.9\r\n", "220", ""},
        {"XCLIENT PORT=4711\r\n", "220", ""},
        {"XCLIENT ADDR=x\r\n", "501", "UUID 1-2-3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_from("192.0.2.0/24");
        tell_id("UUID 1-2-3");
        begins(house_says(&h, rows[i].line), rows[i].reply);
        begins(house_says(&h, "EHLO x.example\r\n"), "250");
        begins(house_says(&h, "MAIL FROM:<>\r\n"), "250");
        assert_string_equal(seen.client_id, rows[i].id);
        house_close(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_who_is_trusted_may),
        cmocka_unit_test(sec_026_who_is_named_names_nobody),
        cmocka_unit_test(the_named_peer_is_the_peer),
        cmocka_unit_test(an_address_that_is_not_told_is_none),
        cmocka_unit_test(what_is_malformed_changes_nothing),
        cmocka_unit_test(a_login_is_that_of_the_named_peer),
        cmocka_unit_test(the_session_begins_anew),
        cmocka_unit_test(what_was_forwarded_is_for_one_message),
        cmocka_unit_test(what_was_forwarded_ends_with_rset),
        cmocka_unit_test(what_was_forwarded_of_no_client),
        cmocka_unit_test(fault_f25_no_memory_to_keep_it),
        cmocka_unit_test(the_device_is_known),
        cmocka_unit_test(a_device_is_not_that_of_who_is_named_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
