/* SPDX-License-Identifier: MIT
 *
 * test_client.c: what a dialogue cannot say of the POP3 client: its settings,
 * calls out of place, floods (THREATS 82), hashes and randomness that fail,
 * and secrets that do not stay behind.
 */
#include "../crypto/failing.h"

#include "client_desk.h"

#include <stdio.h>
#include <string.h>

#define PIPED "PIPELINING\r\nTOP\r\nUIDL\r\n"

/* ---- settings ------------------------------------------------------------ */

static void test_settings(void **state)
{
    static const size_t fields[] = {
        offsetof(mk_pop3_client_config, greeting_ms),
        offsetof(mk_pop3_client_config, command_ms),
        offsetof(mk_pop3_client_config, quit_ms),
        offsetof(mk_pop3_client_config, tls_ms),
        offsetof(mk_pop3_client_config, answer_ms),
        offsetof(mk_pop3_client_config, rate_after_ms),
        offsetof(mk_pop3_client_config, message_max),
    };
    static const struct {
        size_t at;
        uint32_t bad, good;
    } numbers[] = {
        {offsetof(mk_pop3_client_config, text_bytes), 1023, 1024},
        {offsetof(mk_pop3_client_config, text_bytes), 65536, 65535},
        {offsetof(mk_pop3_client_config, pipeline_max), 0, 1},
        {offsetof(mk_pop3_client_config, pipeline_max), 65, 64},
        {offsetof(mk_pop3_client_config, reply_line_max), 511, 512},
        {offsetof(mk_pop3_client_config, reply_text_bytes), 65536, 0},
        {offsetof(mk_pop3_client_config, rows_max), 0, 1},
        {offsetof(mk_pop3_client_config, rate_min), 0, 1},
        {offsetof(mk_pop3_client_config, sasl_message_max), 1023, 1024},
        {offsetof(mk_pop3_client_config, tls), 4, 3},
    };
    static const uint64_t zero = 0;
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        desk_init(&d, 1);
        memcpy((char *)&d.config + fields[i], &zero, sizeof zero);
        assert_int_equal(mk_pop3_client_need(&d.config), 0);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        desk_init(&d, 1);
        memcpy((char *)&d.config + numbers[i].at, &numbers[i].bad, 4);
        assert_int_equal(mk_pop3_client_need(&d.config), 0);
        memcpy((char *)&d.config + numbers[i].at, &numbers[i].good, 4);
        assert_true(mk_pop3_client_need(&d.config) > 0);
    }
    assert_int_equal(mk_pop3_client_config_init(&d.config, 1), MK_E_ARG);
    assert_int_equal(mk_pop3_client_config_init(NULL, sizeof d.config),
                     MK_E_ARG);
}

static void test_settings_of_a_login(void **state)
{
    size_t without;
    desk d;

    (void)state;
    desk_init(&d, 1);
    without = mk_pop3_client_need(&d.config) - mk_sasl_need(4096);
    d.config.sasl = NULL;
    assert_int_equal(mk_pop3_client_need(&d.config), without);
    d.config.sasl = &d.login;
    d.login.crypto = NULL;
    assert_true(mk_pop3_client_need(&d.config) > 0);
    d.config.capabilities |= MK_POP3_CAPABILITY_APOP; /* needs MD5 */
    assert_int_equal(mk_pop3_client_need(&d.config), 0);
    d.config.capabilities = 0;
    d.login.ops = NULL;
    assert_int_equal(mk_pop3_client_need(&d.config), 0);
}

static void test_open(void **state)
{
    uint64_t room[2048];
    mk_engine *e = NULL;
    size_t need;
    desk d;

    (void)state;
    desk_init(&d, 1);
    need = mk_pop3_client_need(&d.config);
    assert_true(need <= sizeof room);
    assert_int_equal(mk_pop3_client_open(&d.config, room, need - 1, &e),
                     MK_E_ROOM);
    assert_int_equal(mk_pop3_client_open(&d.config, (char *)room + 1, need, &e),
                     MK_E_ARG);
    assert_int_equal(mk_pop3_client_open(&d.config, NULL, need, &e), MK_E_ARG);
    assert_int_equal(mk_pop3_client_open(&d.config, room, need, NULL),
                     MK_E_ARG);
    assert_null(e);
    assert_int_equal(mk_pop3_client_open(&d.config, room, need, &e), MK_OK);
    mk_close(e);
}

/* ---- calls out of place -------------------------------------------------- */

static void test_commands(void **state)
{
    static const struct {
        mk_pop3_verb verb;
        uint32_t number, lines;
        mk_err err;
    } rows[] = {
        {MK_POP3_VERB_STAT, 1, 0, MK_E_ARG},
        {MK_POP3_VERB_RETR, 0, 0, MK_E_ARG},
        {MK_POP3_VERB_RETR, 1, 1, MK_E_ARG},
        {MK_POP3_VERB_RETR, 2147483648U, 0, MK_E_ARG},
        {MK_POP3_VERB_TOP, 0, 1, MK_E_ARG},
        {MK_POP3_VERB_DELE, 0, 0, MK_E_ARG},
        {MK_POP3_VERB_LIST, 0, 1, MK_E_ARG},
        {MK_POP3_VERB_NOOP, 1, 0, MK_E_ARG},
        {MK_POP3_VERB_USER, 0, 0, MK_E_ARG},
        {MK_POP3_VERB_AUTH, 0, 0, MK_E_ARG},
        {MK_POP3_VERB_NONE, 0, 0, MK_E_ARG},
        {(mk_pop3_verb)19, 0, 0, MK_E_ARG},
        {(mk_pop3_verb)-1, 0, 0, MK_E_ARG},
        {MK_POP3_VERB_UIDL, 0, 0, MK_E_UNSUPPORTED},
        {MK_POP3_VERB_TOP, 1, 0, MK_E_UNSUPPORTED},
    };
    mk_op op = 7;
    desk d;

    (void)state;
    desk_init(&d, 100);
    desk_ready(&d, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mk_pop3_client_command(d.engine, rows[i].verb,
                                                rows[i].number, rows[i].lines,
                                                &op),
                         rows[i].err);
    }
    assert_int_equal(
        mk_pop3_client_command(d.engine, MK_POP3_VERB_NOOP, 0, 0, NULL),
        MK_E_ARG);
    assert_int_equal(mk_pop3_client_command(NULL, MK_POP3_VERB_NOOP, 0, 0, &op),
                     MK_E_STATE);
    assert_int_equal(op, 7);
    desk_run(&d);
    desk_said(&d, "");
    desk_fini(&d);
}

static void test_calls_before_ready(void **state)
{
    mk_op op;
    mk_str none = mk_str_of(NULL, 0);
    desk d;

    (void)state;
    desk_init(&d, 100);
    desk_open(&d);
    assert_int_equal(
        mk_pop3_client_command(d.engine, MK_POP3_VERB_NOOP, 0, 0, &op),
        MK_E_STATE);
    assert_int_equal(mk_tls_begin(d.engine, 0), MK_E_STATE);
    assert_int_equal(mk_cancel(d.engine, 1), MK_E_STALE);
    assert_int_equal(mk_later(d.engine, 1), MK_E_STALE);
    assert_int_equal(mk_reply(d.engine, 1, MK_ANSWER_YES, none, none),
                     MK_E_STALE);
    desk_fini(&d);
}

/* A QUIT that was said cannot be taken back. */
static void test_cancel_quit(void **state)
{
    mk_op op;
    desk d;

    (void)state;
    desk_init(&d, 100);
    desk_ready(&d, PIPED);
    op = desk_ask(&d, MK_POP3_VERB_QUIT, 0, 0);
    desk_said(&d, "QUIT\r\n");
    assert_int_equal(mk_cancel(d.engine, op), MK_E_STALE);
    desk_hear_z(&d, "+OK\r\n");
    assert_int_equal(d.outcome, MK_OK);
    desk_fini(&d);
}

/* Of what was said only the end is told; a mark that was made stays, so that
 * mk_finish does not say QUIT. */
static void test_cancel_what_was_said(void **state)
{
    mk_op ops[3];
    desk d;

    (void)state;
    desk_init(&d, 3);
    desk_ready(&d, PIPED);
    ops[0] = desk_ask(&d, MK_POP3_VERB_RETR, 1, 0);
    ops[1] = desk_ask(&d, MK_POP3_VERB_LIST, 0, 0);
    ops[2] = desk_ask(&d, MK_POP3_VERB_DELE, 2, 0);
    desk_said(&d, "RETR 1\r\nLIST\r\nDELE 2\r\n");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(mk_cancel(d.engine, ops[i]), MK_OK);
    }
    desk_hear_z(&d, "+OK\r\none\r\n.\r\n+OK\r\n1 5\r\n.\r\n+OK\r\n");
    assert_int_equal(d.dones, 3);
    assert_int_equal(d.outcome, MK_E_CANCELLED);
    assert_int_equal(d.rows + d.body.len, 0);
    assert_false(desk_saw(&d, "REPLY"));
    assert_false(desk_saw(&d, "END"));
    mk_finish(d.engine, mk_str_of(NULL, 0));
    desk_run(&d);
    assert_true(d.is_over);
    desk_said(&d, "");
    desk_fini(&d);
}

/* Without a login QUIT is all that can be said. */
static void test_no_login(void **state)
{
    mk_op op;
    desk d;

    (void)state;
    desk_init(&d, 100);
    d.config.sasl = NULL;
    desk_open(&d);
    desk_hear_z(&d, "+OK\r\n+OK early\r\n");
    assert_int_equal(d.fault.why, MK_E_EARLY);
    text_clear(&d.wire);
    desk_fini(&d);

    desk_init(&d, 100);
    d.config.sasl = NULL;
    desk_open(&d);
    desk_hear_z(&d, "+OK\r\n");
    desk_hear_z(&d, "+OK\r\nUSER\r\n.\r\n");
    assert_true(d.is_ready);
    assert_int_equal(
        mk_pop3_client_command(d.engine, MK_POP3_VERB_STAT, 0, 0, &op),
        MK_E_STATE);
    desk_ask(&d, MK_POP3_VERB_QUIT, 0, 0);
    desk_said(&d, "CAPA\r\nQUIT\r\n");
    desk_hear_z(&d, "+OK bye\r\n");
    assert_true(d.is_over);
    assert_int_equal(d.outcome, MK_OK);
    desk_fini(&d);
}

/* ---- floods -------------------------------------------------------------- */

typedef struct flood {
    const char *head, *unit;
    unsigned units;
    mk_pop3_verb verb; /* NONE: instead of the greeting */
    mk_err why;
} flood;

/* However much a server sends, it meets a limit. */
static void sec_082_floods(void **state)
{
    static const flood floods[] = {
        {"+OK ", "banner", 20000, MK_POP3_VERB_NONE, MK_E_LINE},
        {"", "<", 20000, MK_POP3_VERB_NONE, MK_E_LINE},
        {"+OK\r\n", "1 1\r\n", 3, MK_POP3_VERB_LIST, MK_E_PROTOCOL},
        {"+OK\r\n1 ", "9", 5000, MK_POP3_VERB_LIST, MK_E_LINE},
        {"+OK\r\n1 ", "u", 5000, MK_POP3_VERB_UIDL, MK_E_LINE},
        {"+OK\r\n", "a line of a message\r\n", 20000, MK_POP3_VERB_RETR,
         MK_E_SIZE},
        {"+OK\r\n", "x", 200000, MK_POP3_VERB_RETR, MK_E_SIZE},
        {"+OK\r\n", "\n", 200000, MK_POP3_VERB_TOP, MK_E_SIZE},
        {"+OK\r\n", "..\r\n", 100000, MK_POP3_VERB_TOP, MK_E_SIZE},
        {"+OK ", "1", 100, MK_POP3_VERB_STAT, MK_OK},
        {"+OK ", "text ", 20000, MK_POP3_VERB_NOOP, MK_E_LINE},
    };
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
        const flood *f = &floods[i];

        desk_init(&d, 4096);
        d.config.message_max = 100000;
        if (f->verb == MK_POP3_VERB_NONE) {
            desk_open(&d);
        } else {
            desk_ready(&d, PIPED);
            bool is_numbered =
                f->verb == MK_POP3_VERB_RETR || f->verb == MK_POP3_VERB_TOP;
            desk_ask(&d, f->verb, is_numbered ? 1 : 0, 0);
        }
        text_clear(&d.wire);
        desk_hear_z(&d, f->head);
        for (unsigned n = 0; n < f->units && !d.is_over; n++) {
            desk_hear_z(&d, f->unit);
        }
        assert_int_equal(d.fault.why, f->why);
        assert_true(d.body.len <= 100000);
        desk_said(&d, "");
        desk_fini(&d);
    }
}

static void sec_082_endless_rows(void **state)
{
    char row[32];
    desk d;

    (void)state;
    for (int v = 0; v < 2; v++) {
        desk_init(&d, 4096);
        d.config.rows_max = 1000;
        desk_ready(&d, PIPED);
        desk_ask(&d, v == 0 ? MK_POP3_VERB_LIST : MK_POP3_VERB_UIDL, 0, 0);
        desk_hear_z(&d, "+OK\r\n");
        for (unsigned n = 1; n <= 5000 && !d.is_over; n++) {
            (void)snprintf(row, sizeof row, "%u 7\r\n", n);
            desk_hear_z(&d, row);
        }
        assert_int_equal(d.fault.why, MK_E_COUNT);
        assert_int_equal(d.rows, 1000);
        assert_int_equal(d.outcome, MK_E_COUNT);
        text_clear(&d.wire);
        desk_fini(&d);
    }
}

/* CAPA is bounded by itself, wherever it is asked. */
static void sec_082_endless_capa(void **state)
{
    desk d;

    (void)state;
    desk_init(&d, 4096);
    desk_open(&d);
    desk_hear_z(&d, "+OK\r\n");
    desk_hear_z(&d, "+OK\r\n");
    for (unsigned n = 0; n < 2000 && !d.is_over; n++) {
        desk_hear_z(&d, "SASL PLAIN\r\n");
    }
    assert_int_equal(d.fault.why, MK_E_COUNT);
    text_clear(&d.wire);
    desk_fini(&d);
}

/* Octets of all kinds at each state: a fault or a wait, and never more output
 * than a server may make a client say. */
static void sec_082_noise(void **state)
{
    static const char *const bits[] = {
        "+OK",  "-ERR",    "+ ",   "\r\n", "\n",   ".\r\n",   "..\r\n",
        " ",    "1",       "0",    "-1 2", "[",    "]",       "<a@b>",
        "SASL", "PLAIN",   "USER", "\xff", "STLS", "3 4",     "=",
        "AAAA", "+OK\r\n", "UIDL", "\r",   "220 ", "* OK\r\n"};
    uint64_t dice = 82;
    desk d;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        desk_init(&d, 1 + i % 7);
        d.login.mechanisms = i % 2 == 0 ? MK_SASL_ALL : MK_SASL_PLAIN;
        d.config.capabilities = MK_POP3_CAPABILITY_ALL;
        if (i % 3 == 0) {
            desk_ready(&d, PIPED);
            desk_ask(&d, MK_POP3_VERB_LIST, 0, 0);
            desk_ask(&d, MK_POP3_VERB_RETR, 1, 0);
            desk_ask(&d, MK_POP3_VERB_QUIT, 0, 0);
        } else {
            desk_open(&d);
            desk_hear_z(&d, i % 3 == 1 ? "+OK <a.b@c.d>\r\n" : "");
        }
        for (unsigned n = 0; n < 40; n++) {
            dice = dice * 6364136223846793005U + 1442695040888963407U;
            desk_hear_z(&d,
                        bits[(dice >> 33) % (sizeof bits / sizeof bits[0])]);
        }
        mk_in_eof(d.engine, MK_OK);
        desk_run(&d);
        assert_true(d.is_over);
        assert_true(d.wire.len < 4096);
        desk_fini(&d);
    }
}

/* ---- what fails ---------------------------------------------------------- */

static bool holds(const void *mem, size_t n, const char *what)
{
    size_t len = strlen(what);

    for (size_t i = 0; i + len <= n; i++) {
        if (memcmp((const char *)mem + i, what, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Each hash call of a login fails in turn; no other way is tried (THREATS
 * 41). */
static void sec_041_a_hash_fails(void **state)
{
    static const struct {
        uint32_t capabilities, mechanisms;
        const char *greeting, *caps, *challenge;
    } ways[] = {
        {MK_POP3_CAPABILITY_ALL, MK_SASL_PLAIN, "+OK <a.b@c.d>\r\n",
         "+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n", ""},
        {MK_POP3_CAPABILITY_DEFAULT, MK_SASL_CRAM_MD5 | MK_SASL_PLAIN,
         "+OK\r\n", "+OK\r\nUSER\r\nSASL PLAIN CRAM-MD5\r\n.\r\n",
         "+ PGEuYkBjLmQ+\r\n"},
    };
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        for (int n = 1; n <= 3; n++) {
            desk_init(&d, 100);
            d.login.crypto = &failing_table;
            d.login.mechanisms = ways[i].mechanisms;
            d.config.capabilities = ways[i].capabilities;
            failing_calls = n;
            desk_open(&d);
            desk_hear_z(&d, ways[i].greeting);
            desk_hear_z(&d, ways[i].caps);
            desk_hear_z(&d, ways[i].challenge);
            if (i == 1) {
                desk_said(&d, "CAPA\r\nAUTH CRAM-MD5\r\n*\r\n");
                desk_hear_z(&d, "-ERR as you like\r\n");
                desk_said(&d, "QUIT\r\n");
            } else {
                desk_said(&d, "CAPA\r\nQUIT\r\n");
            }
            assert_int_equal(d.fault.why, MK_E_CRYPTO);
            assert_int_equal(failing_opened, 0);
            desk_fini(&d);
        }
    }
    failing_calls = 0;
}

static void test_no_entropy(void **state)
{
    desk d;

    (void)state;
    desk_init(&d, 100);
    d.random_err = MK_E_ENTROPY;
    desk_open(&d);
    desk_hear_z(&d, "+OK\r\n");
    desk_hear_z(&d, "+OK\r\nUSER\r\nSASL PLAIN SCRAM-SHA-256\r\n.\r\n");
    desk_said(&d, "CAPA\r\nQUIT\r\n");
    assert_int_equal(d.fault.why, MK_E_ENTROPY);
    desk_fini(&d);
}

/* Law 10: what would end a line is never put into one. */
static void test_secrets_that_are_no_argument(void **state)
{
    static const struct {
        mk_str name, password;
        mk_err why;
    } rows[] = {
        {MK_STR_INIT("ann"), MK_STR_INIT("a\r\nDELE 1"), MK_E_CTL},
        {MK_STR_INIT("ann"), MK_STR_INIT("a\nb"), MK_E_CTL},
        {MK_STR_INIT("ann"), MK_STR_INIT("a\0b"), MK_E_CTL},
        {MK_STR_INIT("an\rn"), MK_STR_INIT("ab"), MK_E_CTL},
        {MK_STR_INIT(""), MK_STR_INIT("ab"), MK_E_ARG},
        {MK_STR_INIT("ann"), MK_STR_INIT("p\xc3\xa4ss"), MK_E_UNSUPPORTED},
    };
    desk d;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        desk_init(&d, 100);
        d.login.authcid = rows[i].name;
        d.login.password = rows[i].password;
        desk_open(&d);
        desk_hear_z(&d, "+OK\r\n");
        desk_hear_z(&d, "+OK\r\nUSER\r\n.\r\n");
        desk_said(&d, "CAPA\r\nQUIT\r\n");
        assert_int_equal(d.fault.why, rows[i].why);
        desk_fini(&d);
    }
}

/* A name to act as can be told by AUTH only. */
static void test_authzid_needs_auth(void **state)
{
    desk d;

    (void)state;
    desk_init(&d, 100);
    d.login.authzid = mk_str_z("bob");
    d.config.capabilities = MK_POP3_CAPABILITY_ALL;
    desk_open(&d);
    desk_hear_z(&d, "+OK <a.b@c.d>\r\n");
    desk_hear_z(&d, "+OK\r\nUSER\r\n.\r\n");
    assert_int_equal(d.fault.why, MK_E_UNSUPPORTED);
    desk_said(&d, "CAPA\r\nQUIT\r\n");
    desk_fini(&d);
}

/* Neither the password nor what was made of it stays in the block. */
static void test_secrets_are_wiped(void **state)
{
    static const char digest[] = "APOP ann ";
    size_t need;
    desk d;

    (void)state;
    desk_init(&d, 100);
    desk_ready(&d, PIPED);
    need = mk_pop3_client_need(&d.config);
    assert_false(holds(d.block, need, "secret"));
    desk_fini(&d);

    desk_init(&d, 100);
    d.config.capabilities = MK_POP3_CAPABILITY_ALL;
    desk_open(&d);
    desk_hear_z(&d, "+OK <1896.697170952@dbc.mtview.ca.us>\r\n");
    text_clear(&d.wire);
    desk_hear_z(&d, "+OK\r\n.\r\n");
    assert_int_equal(d.wire.len, sizeof digest - 1 + 32 + 2);
    assert_memory_equal(text_c(&d.wire), digest, sizeof digest - 1);
    assert_false(holds(d.block, mk_pop3_client_need(&d.config), digest));
    desk_fini(&d);
}

/* Nor what an exchange has made, when the session breaks in its middle. */
static void test_a_broken_login_is_wiped(void **state)
{
    size_t need;
    desk d;

    (void)state;
    desk_init(&d, 100);
    desk_open(&d);
    desk_hear_z(&d, "+OK\r\n");
    desk_hear_z(&d, "+OK\r\nSASL SCRAM-SHA-256\r\n.\r\n");
    need = mk_pop3_client_need(&d.config);
    assert_true(holds(d.block, need, "n=ann,r="));
    mk_in_eof(d.engine, MK_OK);
    desk_run(&d);
    assert_int_equal(d.fault.why, MK_E_CUT);
    assert_false(holds(d.block, need, "n=ann,r="));
    desk_fini(&d);
}

static void test_the_digest_is_wiped(void **state)
{
    /* of test_apop_example */
    static const char digest[] = "\xc4\xc9\x33\x4b\xac\x56\x0e\xcc\x97\x9e"
                                 "\x58";
    size_t need;
    desk d;

    (void)state;
    desk_init(&d, 100);
    d.login.password = mk_str_z("tanstaaf");
    d.config.capabilities = MK_POP3_CAPABILITY_ALL;
    desk_open(&d);
    desk_hear_z(&d, "+OK <1896.697170952@dbc.mtview.ca.us>\r\n");
    need = mk_pop3_client_need(&d.config);
    assert_true(holds(d.block, need, digest));
    desk_hear_z(&d, "-ERR what\r\n");
    desk_hear_z(&d, "+OK\r\n");
    assert_false(holds(d.block, need, digest));
    desk_fini(&d);
}

/* RFC 1939 7: the example's timestamp and secret give the example's digest. */
static void test_apop_example(void **state)
{
    desk d;

    (void)state;
    desk_init(&d, 1);
    d.login.authcid = mk_str_z("mrose");
    d.login.password = mk_str_z("tanstaaf");
    d.config.capabilities = MK_POP3_CAPABILITY_ALL;
    desk_open(&d);
    desk_hear_z(&d, "+OK POP3 server ready "
                    "<1896.697170952@dbc.mtview.ca.us>\r\n");
    desk_hear_z(&d, "-ERR what\r\n");
    desk_said(&d, "CAPA\r\nAPOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n");
    desk_hear_z(&d, "+OK maildrop has 1 message (369 octets)\r\n");
    desk_hear_z(&d, "-ERR what\r\n");
    assert_true(d.is_ready);
    desk_said(&d, "CAPA\r\n");
    desk_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_settings_of_a_login),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_calls_before_ready),
        cmocka_unit_test(test_cancel_quit),
        cmocka_unit_test(test_cancel_what_was_said),
        cmocka_unit_test(test_no_login),
        cmocka_unit_test(sec_082_floods),
        cmocka_unit_test(sec_082_endless_rows),
        cmocka_unit_test(sec_082_endless_capa),
        cmocka_unit_test(sec_082_noise),
        cmocka_unit_test(sec_041_a_hash_fails),
        cmocka_unit_test(test_no_entropy),
        cmocka_unit_test(test_secrets_that_are_no_argument),
        cmocka_unit_test(test_authzid_needs_auth),
        cmocka_unit_test(test_secrets_are_wiped),
        cmocka_unit_test(test_a_broken_login_is_wiped),
        cmocka_unit_test(test_the_digest_is_wiped),
        cmocka_unit_test(test_apop_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
