/* SPDX-License-Identifier: MIT
 *
 * test_unbinary.c: messages of BODY=BINARYMIME in a store of lines (RFC 3030
 * 3): binary parts come out as base64, cut anywhere, spilled or not; what
 * cannot be made lines is refused, for all time, and leaves nothing.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static house h;

static void tune(house *x, mk_inbound_config *c)
{
    (void)c;
    x->smtp.extensions |=
        MK_SMTP_EXTENSION_CHUNKING | MK_SMTP_EXTENSION_BINARYMIME;
}

static void open_binary(bool is_lmtp, size_t message_memory)
{
    house_open(&h, &(house_plan){.tune = tune,
                                 .is_lmtp = is_lmtp,
                                 .message_memory = message_memory});
    house_greet(&h);
}

static void begin(void)
{
    begins(house_says(&h, "MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n"),
           "250");
    begins(house_says(&h, "RCPT TO:<ann@mx.example>\r\n"), "250");
}

/* In one chunk; the reply, or the first of them. */
static const char *chunk(const char *octets, size_t n)
{
    char line[64];
    snprintf(line, sizeof line, "BDAT %zu LAST\r\n", n);
    fake_conn_say(&h.conn, line);
    fake_conn_say_n(&h.conn, octets, n);
    house_work(&h);
    return house_heard(&h);
}

#define HEAD                                                                   \
    "Content-Type: application/octet-stream\r\n"                               \
    "Content-Transfer-Encoding: binary\r\n\r\n"
#define OCTETS "\0\r\n.\r\n\n\xff\r"

static const char whole[] = HEAD OCTETS;

static const char mixed[] = "MIME-Version: 1.0\r\n"
                            "Content-Type: multipart/mixed; boundary=b\r\n"
                            "\r\n"
                            "--b\r\n"
                            "\r\n"
                            "text\r\n"
                            "--b\r\n" HEAD OCTETS "\r\n--b--\r\n";

static const struct {
    const char *octets;
    size_t n;
    const char *want; /* stands in the file */
} good[] = {
    {whole, sizeof whole - 1,
     "Content-Transfer-Encoding: base64\n\nAA0KLg0KCv8N\n"},
    {mixed, sizeof mixed - 1,
     "\n--b\n\ntext\n--b\nContent-Type: application/octet-stream\n"
     "Content-Transfer-Encoding: base64\n\nAA0KLg0KCv8N\n--b--\n"},
    {"Subject: x\r\n\r\nlines\r\n", 21, "Subject: x\n\nlines\n"},
};

static void binary_parts_become_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        for (size_t cut = 0; cut < 4; cut++) {
            open_binary(false, 0);
            begin();
            h.conn.chunk = cut;
            begins(chunk(good[i].octets, good[i].n), "250 2.0.0");
            const char *file = house_file(&h, "mx.example", "ann");
            assert_non_null(strstr(file, good[i].want));
            /* another message is as it was */
            begins(house_send(&h, "carl@mx.example", "Subject: x\r\n\r\n"),
                   "250 2.0.0");
            house_close(&h);
        }
    }
}

/* Binary octets in several chunks, larger than what is kept in memory. */
static void a_large_one_is_spilled(void **state)
{
    static char octets[100000];
    (void)state;
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = (char)(i * 7);
    }
    open_binary(false, 20000);
    begin();
    begins(house_says(&h, "RCPT TO:<bob@other.example>\r\n"), "250");
    char line[64];
    snprintf(line, sizeof line, "BDAT %zu\r\n", sizeof HEAD - 1);
    fake_conn_say(&h.conn, line);
    begins(house_says(&h, HEAD), "250");
    for (int i = 0; i < 3; i++) {
        fake_conn_say(&h.conn, "BDAT 100000\r\n");
        fake_conn_say_n(&h.conn, octets, sizeof octets);
        house_work(&h);
        begins(house_heard(&h), "250");
    }
    begins(house_says(&h, "BDAT 0 LAST\r\n"), "250 2.0.0");
    const char *file = house_file(&h, "mx.example", "ann");
    const char *body = strstr(file, "base64\n\n");
    assert_non_null(body);
    size_t chars = 0;
    for (const char *c = body + 8; *c != '\0'; c++) {
        chars += *c != '\n';
    }
    assert_int_equal(chars, 3 * sizeof octets / 3 * 4);
    assert_int_equal(house_count(&h, "other.example", "bob"), 1);
    house_close(&h);
}

static void what_cannot_be_made_lines(void **state)
{
    static const struct {
        const char *octets;
        const char *want;
    } rows[] = {
        {"Subject: x\r\n\r\na\nb\r\n", "550 5.6.0"},
        {"Subject: x\r\n\r\na\rb\r\n", "550 5.6.0"},
        {"Subject: x\n\r\nab\r\n", "550 5.6.0"},
        {"Content-Type: multipart/signed; boundary=b; "
         "protocol=\"application/pgp-signature\"\r\n\r\n--b\r\n" HEAD
         "x\r\n--b--\r\n",
         "554 5.6.3"},
    };
    (void)state;
    for (int lmtp = 0; lmtp < 2; lmtp++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            open_binary(lmtp != 0, 0);
            begin();
            begins(chunk(rows[i].octets, strlen(rows[i].octets)), rows[i].want);
            assert_int_equal(house_count(&h, "mx.example", "ann"), 0);
            begins(house_send(&h, "ann@mx.example", "Subject: x\r\n\r\n"),
                   "250 2.0.0");
            house_close(&h);
        }
    }
}

static void fault_f25_no_memory_to_recode(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (unsigned n = 1; n < 12; n++) {
        open_binary(false, 0);
        begin();
        unsigned calls = h.a.calls;
        h.a.fail_at = calls + n;
        const char *said = chunk(whole, sizeof whole - 1);
        failed += said[0] != '2';
        begins(said, said[0] == '2' ? "250 2.0.0" : "452 4.3.0");
        assert_int_equal(house_count(&h, "mx.example", "ann"), said[0] == '2');
        h.a.fail_at = 0;
        begin();
        begins(chunk(whole, sizeof whole - 1), "250 2.0.0");
        house_close(&h);
    }
    assert_true(failed > 3);
}

/* What it takes is the transaction's alone. */
static void memory_is_given_back(void **state)
{
    (void)state;
    open_binary(false, 0);
    begin();
    size_t before = h.a.out_bytes;
    fake_conn_say(&h.conn, "BDAT 10000\r\nSubject: x\r\n");
    fake_conn_run(&h.conn);
    size_t taken = h.a.out_bytes - before;
    assert_true(taken > 65536 && taken < 512u * 1024);
    fake_conn_close(&h.conn, MK_E_CUT);
    assert_true(h.a.out_bytes < before);
    house_close(&h);
}

/* Only where somebody makes lines of it. */
static void it_is_offered_where_a_mailbox_is(void **state)
{
    (void)state;
    for (int without = 0; without < 2; without++) {
        house_open(
            &h, &(house_plan){.tune = tune, .has_no_delivery = without != 0});
        assert_int_equal(fake_conn_open(&h.conn, &h.host, &h.service), MK_OK);
        (void)house_heard(&h);
        const char *said = house_says(&h, "EHLO a.example\r\n");
        assert_int_equal(strstr(said, "BINARYMIME") != NULL, without == 0);
        assert_non_null(strstr(said, "CHUNKING"));
        house_close(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_parts_become_base64),
        cmocka_unit_test(a_large_one_is_spilled),
        cmocka_unit_test(what_cannot_be_made_lines),
        cmocka_unit_test(fault_f25_no_memory_to_recode),
        cmocka_unit_test(memory_is_given_back),
        cmocka_unit_test(it_is_offered_where_a_mailbox_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
