/* SPDX-License-Identifier: MIT
 *
 * test_delivery.c: messages through the whole chain into Maildirs, octet by
 * octet: trace fields, added fields, memory and disk, several mailboxes,
 * limits, dying peers, and every call and allocation failing in turn.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MESSAGE "Subject: x\r\n\r\nbody\r\n"
#define FILE_END "Subject: x\n\nbody\n"

static const char *skip_to(const char *z, const char *what)
{
    const char *at = strstr(z, what);
    assert_non_null(at);
    return at + strlen(what);
}

/* RFC 5321 4.4: Return-Path, then Received, then the message. */
static void trace_of_one_recipient(void **state)
{
    static house h;
    char want[600];
    char id[22] = "";
    (void)state;
    house_open(&h, &(house_plan){0});
    house_greet(&h);
    const char *reply = house_send(&h, "ann@MX.example", MESSAGE);
    begins(reply, "250 2.0.0 ");
    memcpy(id, reply + 10, 21);
    assert_string_equal(reply + 31, " delivered\r\n");
    snprintf(want, sizeof want,
             "Return-Path: <sender@example.org>\n"
             "Received: from client.example ([192.0.2.1])\n"
             "\tby mx.example (mailkit) with ESMTP\n"
             "\tid %s\n"
             "\tfor <ann@MX.example>;\n"
             "\tSat, 21 Nov 2026 20:10:10 +0000\n" FILE_END,
             id);
    assert_string_equal(house_file(&h, "mx.example", "ann"), want);
    assert_int_equal(test_vfs_count(h.t, TEST_VFS_SYNC), 1);
    assert_int_equal(test_vfs_count(h.t, TEST_VFS_RENAME), 1);
    snprintf(want, sizeof want,
             "id=%s from=<sender@example.org> to=<ann@MX.example> size=20 "
             "outcome=\"250 2.0.0 %s delivered\" delay=0ms "
             "peer=[192.0.2.1]:40000\n",
             id, id);
    assert_string_equal(text_c(&h.log), want);
    house_close(&h);
}

static void helo_null_sender_and_two_recipients(void **state)
{
    static house h;
    (void)state;
    house_open(&h, &(house_plan){0});
    assert_int_equal(fake_conn_open(&h.conn, &h.host, &h.service), MK_OK);
    house_says(&h, "HELO c.example\r\n");
    house_says(&h, "MAIL FROM:<>\r\n");
    house_says(&h, "RCPT TO:<ann@mx.example>\r\n");
    house_says(&h, "RCPT TO:<bob@other.example>\r\n");
    house_says(&h, "RCPT TO:<ANN@mx.example>\r\n");
    house_says(&h, "DATA\r\n");
    begins(house_says(&h, MESSAGE ".\r\n"), "250 2.0.0");
    const char *file = house_file(&h, "mx.example", "ann");
    begins(file, "Return-Path: <>\nReceived: from c.example (");
    skip_to(file, " with SMTP\n");
    assert_null(strstr(file, "\tfor "));
    assert_null(strstr(file, " \n")); /* no padding: it was in memory */
    assert_string_equal(skip_to(file, "+0000\n"), FILE_END);
    file = house_file(&h, "other.example", "bob");
    assert_string_equal(skip_to(file, "+0000\n"), FILE_END);
    /* three recipients, three records, two files */
    const char *log = skip_to(text_c(&h.log), "to=<ann@mx.example>");
    log = skip_to(log, "to=<bob@other.example>");
    skip_to(log, "to=<ANN@mx.example>");
    house_close(&h);
}

/* THREATS 27: what EHLO says neither ends a comment nor reaches a terminal. */
static const struct {
    const char *helo;
    const char *shown;
} hostile[] = {
    {"x\x1b[2J", NULL}, /* the engine refuses what is not printable */
    {"%n%n%s", "from [192.0.2.1] (HELO %n%n%s)\n"},
    {"a)b(c\\d", "from [192.0.2.1] (HELO a\\x29b\\x28c\\x5Cd)\n"},
    {"a_b.example", "from [192.0.2.1] (HELO a_b.example)\n"},
};

static void sec_027_helo_in_received(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        static house h;
        char line[128];
        house_open(&h, &(house_plan){0});
        assert_int_equal(fake_conn_open(&h.conn, &h.host, &h.service), MK_OK);
        snprintf(line, sizeof line, "EHLO %s\r\n", hostile[i].helo);
        house_says(&h, line);
        const char *reply = house_send(&h, "ann@mx.example", MESSAGE);
        if (hostile[i].shown == NULL) {
            begins(reply, "503");
        } else {
            begins(reply, "250");
            skip_to(house_file(&h, "mx.example", "ann"), hostile[i].shown);
        }
        house_close(&h);
    }
}

/* ---- fields on top ------------------------------------------------------- */

static void add_after_the_body(void *self, const mk_stage_call *call,
                               mk_verdict *v)
{
    const char *value = self;
    (void)v;
    assert_int_equal(call->point, MK_POINT_END);
    assert_int_equal(
        mk_session_add_field(call->session, mk_str_z("X-First"), mk_str_z("1")),
        MK_OK);
    assert_int_equal(mk_session_add_field(call->session, mk_str_z("X-Score"),
                                          mk_str_z(value)),
                     MK_OK);
}

static char *big_message(size_t lines)
{
    static const char head[] = "Subject: big\r\n\r\n";
    char *m = malloc(sizeof head + lines * 64 + 1);
    assert_non_null(m);
    size_t n = sizeof head - 1;
    memcpy(m, head, sizeof head);
    for (size_t i = 0; i < lines; i++) {
        n += (size_t)snprintf(m + n, 64,
                              "line %06zu of a big message, "
                              "wide.\r\n",
                              i);
    }
    return m;
}

static void assert_is_lf_form(const char *file, const char *wire)
{
    for (; *wire != '\0'; wire++) {
        if (*wire != '\r') {
            assert_int_equal(*file, *wire);
            file++;
        }
    }
    assert_int_equal(*file, '\0');
}

static void fields_on_top_small_and_big(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 3000, 20000};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        static house h;
        static char value[] = "7.5\r\n\tsymbols=A,B";
        house_plan plan = {.between = {.name = "score",
                                       .self = value,
                                       .points = MK_POINT_BIT(MK_POINT_END),
                                       .at = add_after_the_body},
                           .message_memory = 20000};
        char *m = big_message(sizes[i]);
        house_open(&h, &plan);
        h.conn.chunk = 0;
        house_greet(&h);
        begins(house_send(&h, "ann@mx.example", m), "250");
        const char *file = house_file(&h, "mx.example", "ann");
        begins(file, "Return-Path: <sender@example.org>\n"
                     "X-Score: 7.5\n\tsymbols=A,B\n"
                     "X-First: 1\nReceived: from ");
        assert_is_lf_form(strstr(file, "Subject: big\n"), m);
        /* big ones went to disk as they came, small ones did not */
        assert_int_equal(h.host.submitted > 2, sizes[i] > 1000);
        free(m);
        house_close(&h);
    }
}

static const struct {
    const char *name;
    const char *value;
    mk_err want;
} fields[] = {
    {"X", "y", MK_OK},
    {"X", "", MK_OK},
    {"X", "a\r\n b", MK_OK},
    {"", "y", MK_E_ARG},
    {"X Y", "y", MK_E_ARG},
    {"X:", "y", MK_E_ARG},
    {"X\r\nY", "y", MK_E_ARG},
    {"X\x80", "y", MK_E_ARG},
    {"X", "a\r\nB: c", MK_E_CTL},
    {"X", "a\r\n\r\nbody", MK_E_CTL},
    {"X", "a\r\n \r\n b", MK_E_CTL},
    {"X", "a\r\n ", MK_E_CTL},
    {"X", "a\r\n", MK_E_CTL},
    {"X", "a\r", MK_E_CTL},
    {"X", "a\rb", MK_E_CTL},
    {"X", "a\nb", MK_E_CTL},
    {"X", "a\x1b[2J", MK_E_CTL},
    {"X", "\xc3\xa4", MK_E_CTL},
};

static void try_fields(void *self, const mk_stage_call *call, mk_verdict *v)
{
    static char long_value[3000];
    mk_session *s = call->session;
    (void)v;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        size_t before = mk_session_fields(s).len;
        mk_err err = mk_session_add_field(s, mk_str_z(fields[i].name),
                                          mk_str_z(fields[i].value));
        assert_int_equal(err, fields[i].want);
        assert_true((mk_session_fields(s).len > before) == (err == MK_OK));
    }
    memset(long_value, 'x', sizeof long_value);
    assert_int_equal(
        mk_session_add_field(s, mk_str_z("X"), mk_str_of("a\0b", 3)), MK_E_CTL);
    assert_int_equal(
        mk_session_add_field(s, mk_str_z("X"), mk_str_of(long_value, 996)),
        MK_E_LINE);
    assert_int_equal(
        mk_session_add_field(s, mk_str_z("X"), mk_str_of(long_value, 995)),
        MK_OK);
    assert_int_equal(
        mk_session_add_field(s, mk_str_z("X"), mk_str_of(long_value, 990)),
        MK_OK);
    assert_int_equal(
        mk_session_add_field(s, mk_str_z("X"), mk_str_of(long_value, 990)),
        MK_E_LIMIT);
    *(bool *)self = true;
}

static void sec_027_added_fields_are_checked(void **state)
{
    static house h;
    static bool ran;
    house_plan plan = {.between = {.name = "fields",
                                   .self = &ran,
                                   .points = MK_POINT_BIT(MK_POINT_END),
                                   .at = try_fields},
                       .message_memory = 100};
    (void)state;
    house_open(&h, &plan);
    house_greet(&h);
    begins(house_send(&h, "ann@mx.example", MESSAGE), "250");
    assert_true(ran);
    const char *file = house_file(&h, "mx.example", "ann");
    assert_null(strstr(file, "\nB: c"));
    assert_string_equal(strstr(file, "Subject"), FILE_END);
    house_close(&h);
}

/* ---- limits -------------------------------------------------------------- */

static void send_hops(const char *field, unsigned n, const char *want)
{
    static house h;
    text m = {0};
    house_plan plan = {.errors_max = 200};
    for (size_t chunk = 0; chunk < 8; chunk += 3) {
        house_open(&h, &plan);
        house_greet(&h);
        text_clear(&m);
        for (unsigned i = 0; i < n; i++) {
            text_z(&m, field);
        }
        text_z(&m, "Subject: x\r\n\r\nReceived: in the body\r\n");
        h.conn.chunk = chunk;
        begins(house_send(&h, "ann@mx.example", text_c(&m)), want);
        assert_int_equal(house_count(&h, "mx.example", "ann"), want[0] == '2');
        skip_to(text_c(&h.log), want);
        /* the session goes on */
        begins(house_send(&h, "ann@mx.example", MESSAGE), "250");
        house_close(&h);
    }
    text_free(&m);
}

static void sec_118_received_fields_count_hops(void **state)
{
    (void)state;
    send_hops("Received: by a; date\r\n", 50, "250 2.0.0");
    send_hops("Received: by a; date\r\n", 51, "554 5.4.6");
    send_hops("rEcEiVeD \t: by a;\r\n\tdate\r\n", 51, "554 5.4.6");
    send_hops("X-Received: a\r\nReceivedX: b\r\nReceive: c\r\n", 60, "250");
}

static void header_limits(void **state)
{
    static house h;
    house_plan plan = {.fields_max = 10, .header_max = 400};
    text m = {0};
    (void)state;
    house_open(&h, &plan);
    house_greet(&h);
    for (unsigned i = 0; i < 11; i++) {
        text_z(&m, "A: b\r\n");
    }
    text_z(&m, "\r\n");
    begins(house_send(&h, "ann@mx.example", text_c(&m)), "554 5.6.0");
    text_clear(&m);
    text_z(&m, "A: b\r\n");
    for (unsigned i = 0; i < 40; i++) {
        text_z(&m, " 0123456789\r\n");
    }
    begins(house_send(&h, "ann@mx.example", text_c(&m)), "552 5.3.4");
    text_clear(&m);
    text_z(&m, "\r\n");
    for (unsigned i = 0; i < 40; i++) {
        text_z(&m, "0123456789\r\n");
    }
    begins(house_send(&h, "ann@mx.example", text_c(&m)), "250");
    text_free(&m);
    house_close(&h);
}

/* SIZE=10, then more than the limit: refused, logged, nothing on disk. */
static void sec_116_size_lies(void **state)
{
    static const unsigned lines[] = {400, 2000, 9000};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        static house h;
        house_plan plan = {.message_max = 10000, .message_memory = 4000};
        char *m = big_message(lines[i]);
        house_open(&h, &plan);
        house_greet(&h);
        house_says(&h, "MAIL FROM:<a@b.example> SIZE=10\r\n");
        house_says(&h, "RCPT TO:<ann@mx.example>\r\n");
        house_says(&h, "DATA\r\n");
        fake_conn_say(&h.conn, m);
        begins(house_says(&h, ".\r\n"), "552 5.3.4");
        skip_to(text_c(&h.log), "to=<ann@mx.example>");
        skip_to(text_c(&h.log), "552 5.3.4");
        assert_int_equal(house_count(&h, "mx.example", "ann"), 0);
        free(m);
        house_close(&h);
    }
}

/* ---- peers that die, answers that come too late -------------------------- */

static void begin(house *h, const char *message)
{
    house_greet(h);
    house_says(h, "MAIL FROM:<a@b.example>\r\n");
    house_says(h, "RCPT TO:<ann@mx.example>\r\n");
    house_says(h, "DATA\r\n");
    fake_conn_say(&h->conn, message);
}

/* Law 5: a peer that dies after the final dot withdraws nothing. */
static void dead_after_the_dot_is_delivered(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        static house h;
        house_open(&h, &(house_plan){0});
        begin(&h, MESSAGE ".\r\n");
        if (how == 1) {
            fake_host_work(&h.host);
        }
        if (how == 2) {
            fake_conn_eof(&h.conn);
        }
        fake_conn_close(&h.conn, MK_E_NET);
        assert_int_equal(mk_inbound_count(h.inbound), 1);
        assert_int_equal(mk_inbound_free(h.inbound), MK_E_BUSY);
        assert_int_equal(mk_local_delivery_free(h.delivery), MK_E_BUSY);
        fake_host_jobs(&h.host);
        assert_int_equal(mk_inbound_count(h.inbound), 0);
        assert_int_equal(house_count(&h, "mx.example", "ann"), 1);
        skip_to(text_c(&h.log), "outcome=\"250 2.0.0");
        house_close(&h);
    }
}

static void dead_before_the_dot_leaves_nothing(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        static house h;
        char *m = big_message(how < 2 ? 2 : 3000);
        house_open(&h, &(house_plan){.message_memory = 20000});
        begin(&h, m);
        if (how == 3) {
            fake_host_work(&h.host);
        }
        fake_conn_close(&h.conn, MK_E_NET);
        fake_host_jobs(&h.host);
        assert_int_equal(mk_inbound_count(h.inbound), 0);
        assert_int_equal(mk_local_delivery_count(h.delivery), 0);
        assert_int_equal(house_count(&h, "mx.example", "ann"), 0);
        free(m);
        house_close(&h);
    }
}

/* The disk hangs until the answer's time has passed: what is not on its way
 * to be visible is given up, the rest comes to rest late. */
static const struct {
    bool two;      /* mailboxes: their files are written first */
    unsigned jobs; /* run before the time passes */
    bool late;
} hangs[] = {
    {false, 0, true},
    {true, 0, false},
    {true, 1, true},
};

static void too_late_is_told_and_logged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hangs / sizeof hangs[0]; i++) {
        static house h;
        house_open(&h, &(house_plan){0});
        house_greet(&h);
        house_says(&h, "MAIL FROM:<a@b.example>\r\n");
        house_says(&h, "RCPT TO:<ann@mx.example>\r\n");
        if (hangs[i].two) {
            house_says(&h, "RCPT TO:<carl@mx.example>\r\n");
        }
        house_says(&h, "DATA\r\n");
        fake_conn_say(&h.conn, MESSAGE ".\r\n");
        for (unsigned n = 0; n < hangs[i].jobs; n++) {
            assert_true(fake_host_job(&h.host));
        }
        h.host.now_ms += 300001;
        fake_conn_run(&h.conn);
        begins(house_heard(&h), "451");
        skip_to(text_c(&h.log), "outcome=\"451");
        fake_host_jobs(&h.host);
        assert_int_equal(house_count(&h, "mx.example", "ann"), hangs[i].late);
        assert_int_equal(house_count(&h, "mx.example", "carl"),
                         hangs[i].late && hangs[i].two);
        assert_int_equal(strstr(text_c(&h.log), " late=yes") != NULL,
                         hangs[i].late);
        house_close(&h);
    }
}

static void session_goes_on_with_the_next_message(void **state)
{
    static house h;
    (void)state;
    house_open(&h, &(house_plan){0});
    house_greet(&h);
    for (int i = 1; i <= 5; i++) {
        begins(house_send(&h, "ann@mx.example", MESSAGE), "250");
        assert_int_equal(house_count(&h, "mx.example", "ann"), i);
    }
    assert_int_equal(test_vfs_count(h.t, TEST_VFS_SYNC), 5);
    /* one trip to a worker each, and the mailbox was opened once */
    assert_int_equal(h.host.submitted, 5);
    assert_int_equal(test_vfs_count(h.t, TEST_VFS_LIST_OPEN), 1);
    begins(house_says(&h, "QUIT\r\n"), "221");
    house_close(&h);
}

/* Forty peers end their messages for one box before any job has run. */
static void many_peers_one_mailbox(void **state)
{
    enum { PEERS = 40 };
    static house h;
    static mk_conn peers[PEERS];
    (void)state;
    house_open(&h, &(house_plan){0});
    for (int i = 0; i < PEERS; i++) {
        mk_conn *c = &peers[i];
        assert_int_equal(fake_conn_open(c, &h.host, &h.service), MK_OK);
        fake_conn_say(c, "EHLO a.example\r\n");
        fake_conn_say(c, "MAIL FROM:<a@b.example>\r\n"
                         "RCPT TO:<ann@mx.example>\r\nDATA\r\n");
        text_clear(&c->said);
        fake_conn_say(c, MESSAGE ".\r\n");
        assert_int_equal(c->said.len, 0);
    }
    assert_int_equal(mk_local_delivery_count(h.delivery), PEERS);
    fake_host_jobs(&h.host);
    for (int i = 0; i < PEERS; i++) {
        fake_conn_run(&peers[i]);
        begins(text_c(&peers[i].said), "250 2.0.0");
        fake_conn_fini(&peers[i]);
    }
    assert_int_equal(house_count(&h, "mx.example", "ann"), PEERS);
    house_close(&h);
}

/* A message without an octet is a message (RFC 5321 4.1.1.4). */
static void empty_message(void **state)
{
    static house h;
    (void)state;
    house_open(&h, &(house_plan){0});
    house_greet(&h);
    begins(house_send(&h, "ann@mx.example", ""), "250 2.0.0");
    begins(skip_to(house_file(&h, "mx.example", "ann"), "+0000\n"), "");
    house_says(&h, "MAIL FROM:<>\r\n");
    house_says(&h, "RCPT TO:<ann@mx.example>\r\n");
    house_says(&h, "DATA\r\n");
    h.a.fail_at = h.a.calls + 1;
    begins(house_says(&h, ".\r\n"), "452 4.3.0");
    house_close(&h);
}

/* ---- everything fails in turn -------------------------------------------- */

static const struct {
    mk_err err;
    const char *want;
} failures[] = {
    {MK_E_SPACE, "452 4.3.1"},    {MK_E_FBIG, "452 4.3.1"},
    {MK_E_IO, "451 4.3.0"},       {MK_E_FILES, "451 4.3.0"},
    {MK_E_READONLY, "451 4.3.0"}, {MK_E_ACCESS, "451 4.3.0"},
};

/* One message with the n-th call failing; false: n is beyond the last. */
static bool disk_fails_at(unsigned n, size_t row, bool big, bool two)
{
    static house h;
    char *m = big_message(big ? 1500 : 3);
    house_open(&h, &(house_plan){.message_memory = 20000});
    begin(&h, "");
    if (two) {
        house_says(&h, ".\r\nMAIL FROM:<a@b.example>\r\n");
        house_says(&h, "RCPT TO:<ann@mx.example>\r\n");
        house_says(&h, "RCPT TO:<bob@other.example>\r\n");
        house_says(&h, "DATA\r\n");
    }
    int before = house_count(&h, "mx.example", "ann");
    test_vfs_reset(h.t);
    h.t->fail_at = n;
    h.t->fail_on = true;
    h.t->fail_err = failures[row].err;
    fake_conn_say(&h.conn, m);
    const char *reply = house_says(&h, ".\r\n");
    bool failed = h.t->calls >= n;
    int there = house_count(&h, "mx.example", "ann") - before;
    if (reply[0] == '2') {
        assert_int_equal(there, 1);
    } else {
        assert_true(failed);
        begins(reply, failures[row].want);
        skip_to(text_c(&h.log), failures[row].want);
    }
    h.t->fail_at = 0;
    /* the daemon lives: the next message comes to rest */
    begins(house_send(&h, "ann@mx.example", MESSAGE), "250");
    free(m);
    fake_conn_fini(&h.conn);
    memset(&h.conn, 0, sizeof h.conn);
    /* what could not be removed while the disk failed is the sweep's */
    mk_maildir box;
    static const char *const boxes[][2] = {{"mx.example", "ann"},
                                           {"other.example", "bob"}};
    for (size_t i = 0; i < 2; i++) {
        if (mk_maildir_open(&h.t->vfs, h.t->root_dir, mk_str_z(boxes[i][0]),
                            mk_str_z(boxes[i][1]), &box) == MK_OK) {
            mk_maildir_sweep(&box, UINT32_MAX * (uint64_t)2, 0, NULL);
            mk_maildir_close(&box);
        }
    }
    house_close(&h);
    return failed;
}

static void fault_f08_f10_f15_f18_f20_every_disk_call(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof failures / sizeof failures[0]; row++) {
        /* every shape of message for one error of each class */
        bool all =
            failures[row].err == MK_E_SPACE || failures[row].err == MK_E_IO;
        for (int kind = 0; kind < (all ? 4 : 1); kind++) {
            unsigned n = 1;
            while (disk_fails_at(n, row, (kind & 1) != 0, (kind & 2) != 0)) {
                n++;
                assert_true(n < 300);
            }
            assert_true(n > 10);
        }
    }
}

/* One session with the n-th allocation failing. */
static bool memory_fails_at(unsigned n, bool big)
{
    static house h;
    char *m = big_message(big ? 1500 : 3);
    mk_err err = house_try(&h, &(house_plan){.message_memory = 20000}, n);
    if (err == MK_OK) {
        err = fake_conn_open(&h.conn, &h.host, &h.service);
        if (err != MK_OK) {
            assert_int_equal(err, MK_E_MEMORY);
            begins(h.conn.refusal.ptr, "421 ");
            assert_int_equal(fake_conn_open(&h.conn, &h.host, &h.service),
                             MK_OK);
        }
        house_says(&h, "EHLO a.example\r\n");
        house_says(&h, "EHLO a.example\r\n");
        const char *reply = house_send(&h, "ann@mx.example", m);
        assert_true(reply[0] == '2' || memcmp(reply, "452", 3) == 0);
        int there = house_count(&h, "mx.example", "ann");
        assert_int_equal(there, reply[0] == '2');
        bool failed = h.a.calls >= n;
        h.a.fail_at = 0;
        house_says(&h, "RSET\r\n");
        begins(house_send(&h, "ann@mx.example", MESSAGE), "250");
        assert_int_equal(house_count(&h, "mx.example", "ann"), there + 1);
        house_close(&h);
        free(m);
        return failed;
    }
    assert_int_equal(err, MK_E_MEMORY);
    free(m);
    return true;
}

static void fault_f25_every_allocation(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        unsigned n = 1;
        while (memory_fails_at(n, big != 0)) {
            n++;
            assert_true(n < 300);
        }
        assert_true(n > 15);
    }
}

/* No worker can be had at one of the submits. */
static void no_worker_is_a_refusal(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 6; n++) {
        for (int big = 0; big < 2; big++) {
            static house h;
            char *m = big_message(big ? 1500 : 3);
            house_open(&h, &(house_plan){.message_memory = 20000});
            house_greet(&h);
            h.host.fail_submit_at = n;
            const char *reply = house_send(&h, "ann@mx.example", m);
            assert_true(reply[0] == '2' || reply[0] == '4');
            assert_int_equal(house_count(&h, "mx.example", "ann"),
                             reply[0] == '2');
            assert_true(n > 1 || reply[0] == '4');
            free(m);
            house_close(&h);
        }
    }
}

/* The budget of all messages: beyond it they go to disk earlier. */
static void memory_budget_spills(void **state)
{
    static house h;
    char *m = big_message(500);
    (void)state;
    house_open(&h, &(house_plan){.memory = 10000});
    house_greet(&h);
    begins(house_send(&h, "ann@mx.example", m), "250");
    assert_true(h.host.submitted > 2);
    assert_is_lf_form(
        strstr(house_file(&h, "mx.example", "ann"), "Subject: big\n"), m);
    free(m);
    house_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trace_of_one_recipient),
        cmocka_unit_test(helo_null_sender_and_two_recipients),
        cmocka_unit_test(sec_027_helo_in_received),
        cmocka_unit_test(fields_on_top_small_and_big),
        cmocka_unit_test(sec_027_added_fields_are_checked),
        cmocka_unit_test(sec_118_received_fields_count_hops),
        cmocka_unit_test(header_limits),
        cmocka_unit_test(sec_116_size_lies),
        cmocka_unit_test(dead_after_the_dot_is_delivered),
        cmocka_unit_test(dead_before_the_dot_leaves_nothing),
        cmocka_unit_test(too_late_is_told_and_logged),
        cmocka_unit_test(session_goes_on_with_the_next_message),
        cmocka_unit_test(many_peers_one_mailbox),
        cmocka_unit_test(empty_message),
        cmocka_unit_test(fault_f08_f10_f15_f18_f20_every_disk_call),
        cmocka_unit_test(fault_f25_every_allocation),
        cmocka_unit_test(no_worker_is_a_refusal),
        cmocka_unit_test(memory_budget_spills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
