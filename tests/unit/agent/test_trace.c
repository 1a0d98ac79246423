/* SPDX-License-Identifier: MIT
 *
 * test_trace.c: addresses as literals, ids, trace fields at their longest,
 * log lines from hostile octets, and the header scanner at every cut.
 */
#include "agent/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void addresses(void **state)
{
    static const struct {
        uint8_t family;
        uint8_t address[16];
        const char *want;
    } rows[] = {
        {4, {192, 0, 2, 1}, "[192.0.2.1]"},
        {4, {0, 0, 0, 0}, "[0.0.0.0]"},
        {4, {255, 255, 255, 255}, "[255.255.255.255]"},
        {6, {0}, "[IPv6:::]"},
        {6, {[15] = 1}, "[IPv6:::1]"},
        {6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, "[IPv6:2001:db8::1]"},
        {6, {0x20, 0x01}, "[IPv6:2001::]"},
        /* RFC 5952 4.2.2: one zero group stays; 4.2.3: the first longest */
        {6,
         {0, 1, 0, 0, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8},
         "[IPv6:1:0:3:4:5:6:7:8]"},
        {6,
         {0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8},
         "[IPv6:1:0:0:4::8]"},
        {6,
         {0, 1, 0, 0, 0, 0, 0, 4, 0, 5, 0, 0, 0, 0, 0, 8},
         "[IPv6:1::4:5:0:0:8]"},
        {6,
         {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xff, 0xff},
         "[IPv6:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]"},
        {0, {0}, "unknown"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char mem[64];
        mk_buf b;
        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(mk_address_format(rows[i].family, rows[i].address, &b),
                         MK_OK);
        assert_true(mk_str_is(mk_buf_str(&b), mk_str_z(rows[i].want)));
        mk_buf_init(&b, mem, strlen(rows[i].want) - 1);
        assert_int_equal(mk_address_format(rows[i].family, rows[i].address, &b),
                         MK_E_ROOM);
    }
}

static void ids(void **state)
{
    static const struct {
        uint64_t us, seq;
        uint32_t random;
        const char *want;
    } rows[] = {
        {0, 0, 0, "AAAAAAAAAAAAAAAAAAAAA"},
        {1, 2, 3, "AAAAAAAAAABAAACAAAAAD"},
        {31, 32, 33, "AAAAAAAAAA7AABAAAAABB"},
        {UINT64_MAX, UINT64_MAX, UINT32_MAX, "777777777777777777777"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[ID_BYTES];
        mk_agent_id_format(rows[i].us, rows[i].seq, rows[i].random, out);
        assert_memory_equal(out, rows[i].want, ID_BYTES);
    }
}

/* The longest of everything fits, and no line is beyond 998 octets. */
static void longest_trace_fits(void **state)
{
    static char name[256];
    static char path[257];
    static char out_mem[TRACE_MAX + FIXES_MAX];
    static char fixes[FIXES_MAX + 1];
    mk_peer peer = {.family = 6};
    mk_tls_info tls = {.version = mk_str_of(name, 255),
                       .cipher = mk_str_of(name, 255)};
    mk_buf out;
    (void)state;
    memset(name, 'n', 255);
    memset(path, 'p', 256);
    memset(fixes, 'f', FIXES_MAX - 2);
    memcpy(fixes + FIXES_MAX - 2, "\r\n", 3);
    memset(peer.address, 0xff, 16);
    for (int valid = 0; valid < 2; valid++) {
        trace_info t = {.reverse_path = mk_str_z(path),
                        .helo = mk_str_z(name),
                        .helo_valid = valid != 0,
                        .esmtp = true,
                        .is_tls = true,
                        .is_logged_in = true,
                        .tls = &tls,
                        .peer = &peer,
                        .hostname = mk_str_z(name),
                        .id = mk_str_z("777777777777777777777"),
                        .forward_path = mk_str_z(path),
                        .is_lmtp = true,
                        .is_utf8 = true,
                        .has_priority = true,
                        .priority = -9,
                        .peer_name = mk_str_z(name),
                        .fixes = mk_str_z(fixes),
                        .wall_s = 253402300799};
        memset(name, valid ? 'n' : ')', 255);
        for (size_t i = 63; i < 255; i += 64) {
            name[i] = valid ? '.' : ')'; /* a host name as long as may be */
        }
        t.hostname = mk_str_z(path);
        t.hostname.len = 255;
        mk_buf_init(&out, out_mem, sizeof out_mem);
        assert_int_equal(mk_agent_trace_format(&t, &out), MK_OK);
        size_t line = 0;
        for (size_t i = 0; i < out.len; i++) {
            line = out.ptr[i] == '\n' ? 0 : line + 1;
            assert_true(line <= 999);
            unsigned char c = (unsigned char)out.ptr[i];
            assert_true((c >= 0x20 && c <= 0x7e) || c == '\t' || c == '\r' ||
                        c == '\n');
        }
        assert_memory_equal(out.ptr + out.len - 2, "\r\n", 2);
        /* a clock beyond the calendar gives a date all the same */
        t.wall_s = INT64_MAX;
        mk_buf_init(&out, out_mem, sizeof out_mem);
        assert_int_equal(mk_agent_trace_format(&t, &out), MK_OK);
        mk_buf_init(&out, out_mem, 100);
        assert_int_equal(mk_agent_trace_format(&t, &out), MK_E_ROOM);
    }
}

/* RFC 3848; RFC 6531 4.3 for the names that begin with UTF8. */
static void names_of_protocols(void **state)
{
    static const struct {
        bool esmtp, lmtp, utf8, tls, login;
        const char *want;
    } rows[] = {
        {false, false, false, false, false, "SMTP"},
        {false, false, false, true, true, "SMTP"}, /* HELO has no such name */
        {true, false, false, false, false, "ESMTP"},
        {true, false, false, true, false, "ESMTPS"},
        {true, false, false, false, true, "ESMTPA"},
        {true, false, false, true, true, "ESMTPSA"},
        {true, true, false, false, false, "LMTP"},
        {false, true, false, true, false, "LMTPS"},
        {true, true, false, false, true, "LMTPA"},
        {true, true, false, true, true, "LMTPSA"},
        {true, false, true, false, false, "UTF8SMTP"},
        {true, false, true, true, false, "UTF8SMTPS"},
        {true, false, true, false, true, "UTF8SMTPA"},
        {true, false, true, true, true, "UTF8SMTPSA"},
        {true, true, true, false, false, "UTF8LMTP"},
        {true, true, true, true, false, "UTF8LMTPS"},
        {true, true, true, false, true, "UTF8LMTPA"},
        {true, true, true, true, true, "UTF8LMTPSA"},
    };
    static const mk_peer peer = {.family = 4, .address = {192, 0, 2, 7}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char mem[TRACE_MAX + 1];
        char want[64];
        mk_buf b;
        const trace_info t = {.helo = mk_str_z("a.example"),
                              .helo_valid = true,
                              .esmtp = rows[i].esmtp,
                              .is_lmtp = rows[i].lmtp,
                              .is_utf8 = rows[i].utf8,
                              .is_tls = rows[i].tls,
                              .is_logged_in = rows[i].login,
                              .peer = &peer,
                              .hostname = mk_str_z("mx.example"),
                              .id = mk_str_z("X")};
        mk_buf_init(&b, mem, TRACE_MAX);
        assert_int_equal(mk_agent_trace_format(&t, &b), MK_OK);
        mem[b.len] = '\0';
        snprintf(want, sizeof want, " (mailkit) with %s\r\n\tid X;",
                 rows[i].want);
        assert_non_null(strstr(mem, want));
    }
}

/* Without SMTPUTF8 there is no octet above 0x7F; a priority of 0 was asked
 * for too; a name that is none is not shown. */
static void clauses(void **state)
{
    static const mk_peer peer = {.family = 4, .address = {192, 0, 2, 7}};
    char mem[TRACE_MAX + 1];
    mk_buf b;
    trace_info t = {.reverse_path = mk_str_z("\xc3\xbc@b.example"),
                    .forward_path = mk_str_z("\xc3\xbc@mx.example"),
                    .helo = mk_str_z("a.example"),
                    .helo_valid = true,
                    .peer = &peer,
                    .peer_name = mk_str_z("no) name"),
                    .has_priority = true,
                    .hostname = mk_str_z("mx.example"),
                    .id = mk_str_z("X")};
    (void)state;
    mk_buf_init(&b, mem, TRACE_MAX);
    assert_int_equal(mk_agent_trace_format(&t, &b), MK_OK);
    mem[b.len] = '\0';
    assert_non_null(strstr(mem, "Return-Path: <?\?@b.example>\r\n"));
    assert_non_null(strstr(mem, "for <?\?@mx.example>\r\n\tpriority 0;"));
    assert_non_null(strstr(mem, "from a.example ([192.0.2.7])"));
    t.is_utf8 = true;
    t.peer_name = mk_str_z("c.example");
    t.fixes = mk_str_z("Date: x\r\n");
    t.priority = 9;
    mk_buf_init(&b, mem, TRACE_MAX);
    assert_int_equal(mk_agent_trace_format(&t, &b), MK_OK);
    mem[b.len] = '\0';
    assert_non_null(strstr(mem, "<\xc3\xbc@b.example>"));
    assert_non_null(strstr(mem, "\tpriority 9;"));
    assert_non_null(strstr(mem, "from a.example (c.example [192.0.2.7])"));
    assert_string_equal(mem + b.len - 16, "+0000\r\nDate: x\r\n");
}

static const mk_peer somebody = {
    .family = 4, .address = {192, 0, 2, 7}, .port = 1025};

static void log_lines(void **state)
{
    static const struct {
        mk_log_record record;
        const char *want;
    } rows[] = {
        {{.kind = MK_LOG_MESSAGE,
          .id = MK_STR_INIT("ID"),
          .reverse_path = MK_STR_INIT("a@b"),
          .forward_path = MK_STR_INIT("c@d"),
          .helo = MK_STR_INIT("e"),
          .size = 7,
          .code = MK_STR_INIT("250 2.0.0"),
          .text = MK_STR_INIT("ok"),
          .delay_ms = 9,
          .peer = &somebody},
         "id=ID from=<a@b> to=<c@d> size=7 outcome=\"250 2.0.0 ok\" "
         "delay=9ms peer=[192.0.2.7]:1025"},
        {{.kind = MK_LOG_REFUSED,
          .forward_path = MK_STR_INIT("c@d"),
          .helo = MK_STR_INIT("x\x1b[2J\r\nid=fake"),
          .stage = "policy",
          .code = MK_STR_INIT("550 5.7.1"),
          .peer = &somebody},
         "id=- from=<> to=<c@d> size=0 outcome=\"550 5.7.1\" delay=0ms "
         "peer=[192.0.2.7]:1025 helo=\"x\\x1B[2J\\x0D\\x0Aid=fake\" "
         "by=policy"},
        {{.kind = MK_LOG_FAULT,
          .id = MK_STR_INIT("ID"),
          .text = MK_STR_INIT("cut"),
          .err = MK_E_CUT},
         "id=ID from=<> to=<> size=0 outcome=\"cut\" delay=0ms fault=E_CUT"},
        {{.kind = MK_LOG_LOGIN,
          .text = MK_STR_INIT("logged in"),
          .peer = &somebody,
          .login = MK_STR_INIT("ann@mx.example"),
          .mechanism = "SCRAM-SHA-256",
          .is_tls = true},
         "id=- from=<> to=<> size=0 outcome=\"logged in\" delay=0ms "
         "peer=[192.0.2.7]:1025 login=<ann@mx.example> "
         "mechanism=SCRAM-SHA-256 tls=yes"},
        {{.kind = MK_LOG_LOGIN,
          .text = MK_STR_INIT("authentication failed"),
          .login = MK_STR_INIT("x> mechanism=y"),
          .err = MK_E_AUTH},
         "id=- from=<> to=<> size=0 outcome=\"authentication failed\" "
         "delay=0ms login=<x\\x3E mechanism=y> mechanism=- tls=no "
         "fault=E_AUTH"},
        {{.kind = MK_LOG_MESSAGE,
          .id = MK_STR_INIT("ID"),
          .login = MK_STR_INIT("ann@mx.example"),
          .is_tls = true},
         "id=ID from=<> to=<> size=0 outcome=\"\" delay=0ms "
         "login=<ann@mx.example>"},
        {{.kind = MK_LOG_LATE, .id = MK_STR_INIT("ID")},
         "id=ID from=<> to=<> size=0 outcome=\"\" delay=0ms late=yes"},
        {{.kind = MK_LOG_MESSAGE,
          .id = MK_STR_INIT("I"),
          .reverse_path = MK_STR_INIT("\"a> to=<b\\\"@x"),
          .forward_path = MK_STR_INIT("%n%s\x80"),
          .text = MK_STR_INIT("\" delay=1")},
         "id=I from=<\\x22a\\x3E to=\\x3Cb\\x5C\\x22@x> to=<%n%s\\x80> size=0 "
         "outcome=\"\\x22 delay=1\" delay=0ms"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char mem[4096];
        mk_buf b;
        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(mk_log_format(&rows[i].record, &b), MK_OK);
        mem[b.len] = '\0';
        assert_string_equal(mem, rows[i].want);
    }
}

/* MK_LOG_LINE_MAX is always enough, and never too few without saying so. */
static void sec_027_longest_log_line(void **state)
{
    static char hostile[5000];
    static char mem[MK_LOG_LINE_MAX];
    mk_buf b;
    (void)state;
    memset(hostile, 0x1b, sizeof hostile);
    mk_str all = mk_str_of(hostile, sizeof hostile);
    mk_log_record r = {.kind = MK_LOG_REFUSED,
                       .id = mk_str_of(hostile, 21),
                       .reverse_path = mk_str_of(hostile, 256),
                       .forward_path = mk_str_of(hostile, 256),
                       .helo = mk_str_of(hostile, 255),
                       .stage = "policy",
                       .size = UINT64_MAX,
                       .code = mk_str_z("550 5.7.1"),
                       .text = mk_str_of(hostile, 160),
                       .delay_ms = UINT64_MAX,
                       .peer = &somebody};
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_log_format(&r, &b), MK_OK);
    assert_null(memchr(mem, 0x1b, b.len));
    r.id = r.code = r.text = r.helo = r.reverse_path = r.forward_path = all;
    r.login = r.client_id = all;
    const mk_smtp_client_info info = {
        .given = 1, .addr = all, .name = all, .helo = all, .ident = all};
    const mk_peer far = {.family = 6};
    r.forwarded = &info;
    r.via = &far;
    hostile[sizeof hostile - 1] = '\0';
    r.stage = hostile;
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_log_format(&r, &b), MK_OK);
    assert_null(memchr(mem, 0x1b, b.len));
    mk_buf_init(&b, mem, 4096);
    assert_int_equal(mk_log_format(&r, &b), MK_E_ROOM);
}

static const struct {
    const char *text;
    uint32_t fields, hops;
    uint64_t bytes;
    bool done;
    uint8_t found; /* beside Received: */
} headers[] = {
    {"", 0, 0, 0, false, 0},
    {"\r\nReceived: x\r\n", 0, 0, 2, true, 0},
    {"Received: x\r\n\r\nReceived: y\r\n", 1, 1, 15, true, 0},
    {"RECEIVED:\r\nreceived  : y\r\nReceived\t:z\r\n", 3, 3, 39, false, 0},
    {"Receive: a\r\nReceivedd: b\r\nXReceived: c\r\n", 3, 0, 40, false, 0},
    {"Subject: a\r\n Received: folded\r\n\tReceived: too\r\nA: b\r\n", 2, 0, 53,
     false, 0},
    {"no field\r\nReceived: x\r\n", 0, 0, 4, true, 0},
    {"A: b\r\nno-field\r\nReceived: x\r\n", 1, 0, 15, true, 0},
    {"From a@b Sat 20:10:00\r\nReceived: x\r\n", 0, 0, 6, true, 0},
    {":x\r\nReceived: x\r\n", 0, 0, 1, true, 0},
    {"A\x80: b\r\nReceived: x\r\n", 0, 0, 2, true, 0},
    {"Date: x\r\nFROM : y\r\n", 2, 0, 19, false, HEADER_DATE | HEADER_FROM},
    {"message-id:x\r\n", 1, 0, 14, false, HEADER_MESSAGE_ID},
    {"Message-I: x\r\nDat: x\r\nFro: x\r\n", 3, 0, 30, false, 0},
    {"Message-IDs: x\r\nDates: x\r\nFroms: x\r\n", 3, 0, 36, false, 0},
    {"X: Date: x\r\n Date: x\r\n", 1, 0, 22, false, 0},
};

static void header_scanner_cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        mk_str all = mk_str_z(headers[i].text);
        for (size_t piece = 1; piece <= all.len + 1; piece++) {
            header_scan h = {0};
            for (size_t at = 0; at < all.len; at += piece) {
                mk_agent_header_scan_add(&h, mk_str_sub(all, at, piece));
            }
            if (h.fields != headers[i].fields || h.hops != headers[i].hops ||
                h.done != headers[i].done || h.bytes != headers[i].bytes ||
                (h.found & ~HEADER_RECEIVED) != headers[i].found) {
                fail_msg("'%s' in pieces of %zu: %u fields, %u hops, %u octets",
                         headers[i].text, piece, (unsigned)h.fields,
                         (unsigned)h.hops, (unsigned)h.bytes);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(ids),
        cmocka_unit_test(longest_trace_fits),
        cmocka_unit_test(names_of_protocols),
        cmocka_unit_test(clauses),
        cmocka_unit_test(log_lines),
        cmocka_unit_test(sec_027_longest_log_line),
        cmocka_unit_test(header_scanner_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
