/* SPDX-License-Identifier: MIT
 *
 * test_client_corpus.c: what real servers said, through the client: replies of
 * Gmail's POP3 and of a server with UTF8 and LANG, some of them broken on
 * purpose, out of the unit tests of MailKit (UnitTests/Net/Pop3/Resources of
 * github.com/jstedfast/MailKit, MIT), which lie beside this repository in
 * shared/corpora/client-mailkit as the SOURCE there says: stored with LF, to be
 * turned to CRLF. Without them the test is skipped.
 */
#include "client_desk.h"
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct row {
    const char *file;
    mk_pop3_verb verb;
    uint32_t number;  /* of the first command */
    unsigned count;   /* of commands, pipelined */
    mk_err outcome;   /* of the last; a negative one is a fault */
    unsigned rows;    /* SIZE and UID */
    const char *told; /* among the events */
} row;

/* clang-format off */
static const row rows[] = {
    {"stat", MK_POP3_VERB_STAT, 0, 1, MK_OK, 0, "count=3 octets=221409"},
    {"list", MK_POP3_VERB_LIST, 0, 1, MK_OK, 3, "SIZE 3 1026"},
    {"list1", MK_POP3_VERB_LIST, 1, 1, MK_OK, 1, "SIZE 1 1024"},
    {"list2", MK_POP3_VERB_LIST, 2, 1, MK_OK, 1, "SIZE 2 1025"},
    {"list3", MK_POP3_VERB_LIST, 3, 1, MK_OK, 1, "SIZE 3 1026"},
    {"list3", MK_POP3_VERB_LIST, 2, 1, MK_E_PROTOCOL, 0, "FAULT E_PROTOCOL"},
    {"uidl", MK_POP3_VERB_UIDL, 0, 1, MK_OK, 3, "UID 3 103"},
    {"uidl1", MK_POP3_VERB_UIDL, 1, 1, MK_OK, 1, "UID 1 101"},
    {"uidl2", MK_POP3_VERB_UIDL, 2, 1, MK_OK, 1, "UID 2 102"},
    {"uidl3", MK_POP3_VERB_UIDL, 3, 1, MK_OK, 1, "UID 3 103"},
    {"uidl-error1", MK_POP3_VERB_UIDL, 0, 1, MK_OK, 3, "UID 3 E_SYNTAX"},
    {"uidl-error2", MK_POP3_VERB_UIDL, 0, 1, MK_OK, 3, "UID 4 103"},
    {"uidl1-error1", MK_POP3_VERB_UIDL, 1, 1, MK_OK, 1, "UID 1 E_SYNTAX"},
    {"uidl1-error2", MK_POP3_VERB_UIDL, 1, 1, MK_E_PROTOCOL, 0, "FAULT E_PROTOCOL"},
    {"retr1", MK_POP3_VERB_RETR, 1, 1, MK_OK, 0, "DONE OK RETR"},
    {"retr123", MK_POP3_VERB_RETR, 1, 3, MK_OK, 0, "DONE OK RETR"},
    {"retr1-parse-error", MK_POP3_VERB_RETR, 1, 1, MK_OK, 0, "DONE OK RETR"},
    {"top", MK_POP3_VERB_TOP, 1, 1, MK_OK, 0, "DONE OK TOP"},
    {"top123", MK_POP3_VERB_TOP, 1, 3, MK_OK, 0, "DONE OK TOP"},
    {"dele", MK_POP3_VERB_DELE, 1, 1, MK_OK, 0, "DONE OK DELE"},
    {"dele123", MK_POP3_VERB_DELE, 1, 3, MK_OK, 0, "DONE OK DELE"},
    {"rset", MK_POP3_VERB_RSET, 0, 1, MK_OK, 0, "DONE OK RSET"},
    {"noop", MK_POP3_VERB_NOOP, 0, 1, MK_OK, 0, "DONE OK NOOP"},
    {"quit", MK_POP3_VERB_QUIT, 0, 1, MK_OK, 0, "DONE OK QUIT"},
};
/* clang-format on */

static bool load(const char *name, text *out)
{
    char path[128];

    (void)snprintf(path, sizeof path, "client-mailkit/pop3/%s.txt", name);
    return corpus_load(path, out);
}

static void say(desk *d, const char *name)
{
    text octets = {0};

    assert_true(load(name, &octets));
    desk_hear(d, octets.ptr, octets.len);
    text_free(&octets);
}

/* The messages in the octets of replies, line by line. */
static void bodies_of(const text *octets, text *out)
{
    bool is_status = true;
    size_t at = 0;

    text_z(out, "");
    while (at < octets->len) {
        const char *line = octets->ptr + at;
        size_t n = (size_t)(strchr(line, '\n') - line) + 1;

        if (!is_status && n == 3 && line[0] == '.') {
            is_status = true;
        } else if (is_status) {
            is_status = false;
        } else {
            text_add(out, line + (line[0] == '.'), n - (line[0] == '.'));
        }
        at += n;
    }
}

/* As Gmail begins: SASL, then other capabilities behind the login. */
static void begin(desk *d, size_t chunk)
{
    desk_init(d, chunk);
    desk_open(d);
    say(d, "gmail/greeting");
    desk_said(d, "CAPA\r\n");
    say(d, "gmail/capa1");
    desk_said(d, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
    say(d, "gmail/auth");
    desk_said(d, "CAPA\r\n");
    say(d, "gmail/capa2");
    assert_true(desk_saw(d, "READY TOP USER RESP-CODES LOGIN-DELAY PIPELINING "
                            "EXPIRE UIDL"));
    assert_true(desk_saw(d, "login_delay=300 expire=0"));
    desk_clear(d);
}

static void check_bodies(const desk *d, const text *octets)
{
    text want = {0};

    bodies_of(octets, &want);
    assert_int_equal(d->body.len, want.len);
    assert_memory_equal(d->body.ptr, want.ptr, want.len);
    text_free(&want);
}

static void check(const row *r, size_t chunk)
{
    text octets = {0};
    char name[64];
    desk d;

    begin(&d, chunk);
    for (unsigned i = 0; i < r->count; i++) {
        desk_ask(&d, r->verb, r->number + i, 0);
    }
    (void)snprintf(name, sizeof name, "gmail/%s", r->file);
    assert_true(load(name, &octets));
    desk_hear(&d, octets.ptr, octets.len);
    assert_int_equal(d.dones, r->count);
    assert_int_equal(d.outcome, r->outcome);
    assert_int_equal(d.fault.why, r->outcome);
    assert_int_equal(d.rows, r->rows);
    assert_true(desk_saw(&d, r->told));
    if (r->verb == MK_POP3_VERB_RETR || r->verb == MK_POP3_VERB_TOP) {
        check_bodies(&d, &octets);
    }
    text_free(&octets);
    desk_fini(&d);
}

static void test_gmail(void **state)
{
    static const size_t chunks[] = {1, 3, 64, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < 4; k++) {
            check(&rows[i], chunks[k]);
        }
    }
}

static void test_lang(void **state)
{
    desk d;

    (void)state;
    desk_init(&d, 5);
    d.config.is_utf8 = true;
    desk_open(&d);
    say(&d, "lang/greeting");
    say(&d, "lang/capa1");
    desk_said(&d, "CAPA\r\nUTF8\r\n");
    say(&d, "lang/utf8");
    desk_said(&d, "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
    say(&d, "lang/auth");
    say(&d, "lang/capa2");
    assert_true(desk_saw(&d, "utf8=1"));
    assert_true(desk_saw(&d, " LANG"));
    desk_ask(&d, MK_POP3_VERB_STAT, 0, 0);
    say(&d, "lang/stat");
    assert_true(desk_saw(&d, "count=3 octets=221409"));
    desk_ask(&d, MK_POP3_VERB_QUIT, 0, 0);
    say(&d, "lang/quit");
    assert_true(d.is_over);
    assert_int_equal(d.fault.why, MK_OK);
    desk_fini(&d);
}

/* Greetings that are a status and nothing else. */
static void test_common(void **state)
{
    desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    say(&d, "common/ok-greeting");
    desk_said(&d, "CAPA\r\n");
    desk_fini(&d);
    desk_init(&d, 1);
    desk_open(&d);
    say(&d, "common/err-greeting");
    desk_said(&d, "QUIT\r\n");
    assert_int_equal(d.fault.why, MK_E_REFUSED);
    desk_fini(&d);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gmail),
        cmocka_unit_test(test_lang),
        cmocka_unit_test(test_common),
    };
    text probe = {0};
    bool is_there;

    corpus_init(argc, argv);
    is_there = load("gmail/greeting", &probe);
    text_free(&probe);
    if (!is_there) {
        puts("skipped: no corpora");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
