/* SPDX-License-Identifier: MIT
 *
 * test_policy.c: who may receive here. Relaying in all of its forms (THREATS
 * 26, RFC 2505), local-parts that mean something to a shell or another mailer
 * (THREATS 19), the mailboxes that must be there (RFC 5321 4.5.1), and
 * directories that answer late, badly or never.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static house h;

static void assert_begins(const char *z, const char *want)
{
    if (strncmp(z, want, strlen(want)) != 0) {
        fail_msg("'%s' does not begin with '%s'", z, want);
    }
}

static void open_house(const house_plan *plan)
{
    house_open(&h, plan);
    house_greet(&h);
    assert_begins(house_says(&h, "MAIL FROM:<a@b.example>\r\n"), "250");
}

/* the reply to one RCPT of a fresh house */
static void expect(const char *path, const char *want)
{
    char line[1024];
    open_house(&(house_plan){.errors_max = 100});
    snprintf(line, sizeof line, "RCPT TO:%s\r\n", path);
    const char *heard = house_says(&h, line);
    if (strncmp(heard, want, strlen(want)) != 0) {
        fail_msg("%s: '%s', not '%s'", path, heard, want);
    }
    house_close(&h);
}

static void sec_026_nothing_is_relayed(void **state)
{
    static const char *const rows[][2] = {
        {"<u@v.example>", "550 5.7.1"},
        {"<u%v.example@mx.example>", "550 5.7.1"},
        {"<v.example!u@mx.example>", "550 5.7.1"},
        {"<\"u@v.example\"@mx.example>", "550 5.7.1"},
        {"<@mx.example:u@v.example>", "550 5.7.1"},
        {"<@mx.example,@other.example:u@v.example>", "550 5.7.1"},
        {"<u@v.example@mx.example>", "501"},
        {"<u@[192.0.2.1]>", "550 5.7.1"},
        {"<ann@[127.0.0.1]>", "550 5.7.1"},
        {"<ann@[IPv6:::1]>", "550 5.7.1"},
        {"<\"u%v.example\">", "501"},
        {"<u%v.example>", "501"},
        {"<u@mx.example.>", "5"},
        {"<ann@mx.example.evil.example>", "550 5.7.1"},
        {"<ann@evil.mx.example>", "550 5.7.1"},
        {"<ann@x.example>", "550 5.7.1"},
        {"<\"ann\\@v.example\"@mx.example>", "550 5.7.1"},
        {"<\"ann%v\"@mx.example>", "550 5.7.1"},
        {"<ann!@mx.example>", "550 5.7.1"},
        /* a source route is stripped, then its end is judged */
        {"<@v.example:ann@mx.example>", "250 2.1.5"},
        {"<@v.example,@w.example:ANN@MX.EXAMPLE>", "250 2.1.5"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i][0], rows[i][1]);
    }
}

static void sec_019_local_parts_are_octets(void **state)
{
    static const char *const rows[][2] = {
        {"<;sleep 66;@mx.example>", "501"},
        {"<\";sleep 66;\"@mx.example>", "550 5.1.1"},
        {"<${run{id}}@mx.example>", "550 5.1.1"},
        {"<|cmd@mx.example>", "550 5.1.1"},
        {"<-oQ/tmp@mx.example>", "550 5.1.1"},
        {"<-d@mx.example>", "550 5.1.1"},
        {"<../../etc/passwd@mx.example>", "5"},
        {"<\"../ann\"@mx.example>", "550 5.1.1"},
        {"<\".\"@mx.example>", "550 5.1.1"},
        {"<\"\"@mx.example>", "501"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i][0], rows[i][1]);
    }
}

static void who_is_known(void **state)
{
    static const char *const rows[][2] = {
        {"<ann@mx.example>", "250 2.1.5"},
        {"<Ann@MX.example>", "250 2.1.5"},
        {"<\"ann\"@mx.example>", "250 2.1.5"},
        {"<\"a\\nn\"@mx.example>", "250 2.1.5"},
        {"<BOB@OTHER.EXAMPLE>", "250 2.1.5"},
        {"<carl@mx.example>", "250 2.1.5"},
        {"<bob@mx.example>", "550 5.1.1"},
        {"<ann@other.example>", "550 5.1.1"},
        {"<annx@mx.example>", "550 5.1.1"},
        {"<an@mx.example>", "550 5.1.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i][0], rows[i][1]);
    }
}

/* Which box does it end in? */
static void deliver(const house_plan *plan, const char *path,
                    const char *domain, const char *user)
{
    char line[300];
    open_house(plan);
    snprintf(line, sizeof line, "RCPT TO:%s\r\n", path);
    assert_begins(house_says(&h, line), "250 2.1.5");
    house_says(&h, "DATA\r\n");
    assert_begins(house_says(&h, "Subject: x\r\n\r\n.\r\n"), "250 2.0.0");
    assert_int_equal(house_count(&h, domain, user), 1);
    house_close(&h);
}

static void postmaster_and_abuse_are_always_there(void **state)
{
    static const char *const paths[] = {
        "<postmaster>",
        "<POSTmaster>",
        "<postmaster@mx.example>",
        "<PostMaster@Other.Example>",
        "<abuse@mx.example>",
        "<ABUSE@other.example>",
        "<\"postmaster\"@mx.example>",
    };
    house_plan ann = {.postmaster = "Ann"};
    house_plan bob = {.postmaster = "bob@OTHER.example"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        deliver(&(house_plan){0}, paths[i], "mx.example", "postmaster");
        deliver(&ann, paths[i], "mx.example", "ann");
        deliver(&bob, paths[i], "other.example", "bob");
    }
    expect("<postmaster@elsewhere.example>", "550 5.7.1");
    expect("<abuse>", "501");
}

/* ---- directories of another kind ----------------------------------------- */

typedef struct slow_directory {
    mk_ask ask;
    unsigned lookups;
    unsigned withdrawn;
    char user[65];
    char domain[256];
} slow_directory;

static void slow_lookup(void *self, mk_str user, mk_str domain, mk_ask ask)
{
    slow_directory *d = self;
    d->ask = ask;
    d->lookups++;
    snprintf(d->user, sizeof d->user, "%.*s", (int)user.len, user.ptr);
    snprintf(d->domain, sizeof d->domain, "%.*s", (int)domain.len, domain.ptr);
}

static void slow_withdrawn(void *self, mk_ask ask)
{
    slow_directory *d = self;
    assert_int_equal(ask.number, d->ask.number);
    d->withdrawn++;
}

static slow_directory slow;

static void open_slow(const char *path)
{
    char line[300];
    memset(&slow, 0, sizeof slow);
    open_house(&(house_plan){.directory = {.self = &slow,
                                           .lookup = slow_lookup,
                                           .withdrawn = slow_withdrawn}});
    snprintf(line, sizeof line, "RCPT TO:%s\r\n", path);
    assert_string_equal(house_says(&h, line), "");
    assert_int_equal(slow.lookups, 1);
}

static void directory_answers_later(void **state)
{
    mk_str ann = MK_STR_INIT("ann");
    mk_str domain = MK_STR_INIT("mx.example");
    mk_str none = {NULL, 0};
    (void)state;
    open_slow("<\"A\\nn\"@MX.Example>");
    assert_string_equal(slow.user, "ann");
    assert_string_equal(slow.domain, "mx.example");
    /* names that leave the mail root are refused, and may be corrected */
    assert_int_equal(mk_directory_answer(slow.ask, MK_DIRECTORY_FOUND,
                                         mk_str_z("../x"), domain),
                     MK_E_ARG);
    assert_int_equal(
        mk_directory_answer(slow.ask, MK_DIRECTORY_FOUND, ann, mk_str_z("..")),
        MK_E_ARG);
    assert_int_equal(mk_directory_answer(slow.ask, MK_DIRECTORY_FOUND,
                                         mk_str_of("a\0b", 3), domain),
                     MK_E_CTL);
    assert_int_equal(
        mk_directory_answer(slow.ask, MK_DIRECTORY_FOUND, ann, domain), MK_OK);
    assert_int_equal(
        mk_directory_answer(slow.ask, MK_DIRECTORY_FOUND, ann, domain),
        MK_E_STALE);
    house_work(&h);
    assert_begins(house_heard(&h), "250 2.1.5");
    house_close(&h);

    open_slow("<x@mx.example>");
    assert_int_equal(
        mk_directory_answer(slow.ask, MK_DIRECTORY_UNKNOWN, none, none), MK_OK);
    house_work(&h);
    assert_begins(house_heard(&h), "550 5.1.1");
    house_close(&h);

    open_slow("<x@mx.example>");
    assert_int_equal(
        mk_directory_answer(slow.ask, MK_DIRECTORY_FAILED, none, none), MK_OK);
    house_work(&h);
    assert_begins(house_heard(&h), "451 4.3.0");
    house_close(&h);
}

/* A directory that is down does not close the postmaster's box. */
static void postmaster_without_a_directory(void **state)
{
    mk_str none = {NULL, 0};
    (void)state;
    open_slow("<postmaster>");
    assert_string_equal(slow.domain, "mx.example");
    assert_int_equal(
        mk_directory_answer(slow.ask, MK_DIRECTORY_FAILED, none, none), MK_OK);
    house_work(&h);
    assert_begins(house_heard(&h), "250 2.1.5");
    house_close(&h);
}

static void directory_is_told_of_the_end(void **state)
{
    mk_str none = {NULL, 0};
    (void)state;
    open_slow("<ann@mx.example>");
    fake_conn_close(&h.conn, MK_E_NET);
    assert_int_equal(slow.withdrawn, 1);
    assert_int_equal(
        mk_directory_answer(slow.ask, MK_DIRECTORY_UNKNOWN, none, none),
        MK_E_STALE);
    house_close(&h);

    open_slow("<ann@mx.example>");
    h.host.now_ms += 300001;
    fake_conn_run(&h.conn);
    assert_begins(house_heard(&h), "451");
    assert_int_equal(slow.withdrawn, 1);
    /* the next recipient is asked anew, and the old answer is stale */
    mk_ask old = slow.ask;
    assert_string_equal(house_says(&h, "RCPT TO:<bob@mx.example>\r\n"), "");
    assert_int_equal(slow.lookups, 2);
    assert_int_equal(mk_directory_answer(old, MK_DIRECTORY_UNKNOWN, none, none),
                     MK_E_STALE);
    assert_int_equal(
        mk_directory_answer(slow.ask, MK_DIRECTORY_UNKNOWN, none, none), MK_OK);
    house_work(&h);
    assert_begins(house_heard(&h), "550 5.1.1");
    house_close(&h);
}

/* ---- its settings -------------------------------------------------------- */

static void configs_are_checked(void **state)
{
    static const struct {
        const char *domain;
        const char *postmaster;
        mk_err want;
    } rows[] = {
        {"mx.example", "postmaster", MK_OK},
        {"mx.example", "ann@mx.example", MK_OK},
        {"", "postmaster", MK_E_ARG},
        {"../x", "postmaster", MK_E_ARG},
        {"a/b", "postmaster", MK_E_ARG},
        {"a\nb", "postmaster", MK_E_CTL},
        {"mx.example", "", MK_E_ARG},
        {"mx.example", "@x", MK_E_ARG},
        {"mx.example", "x@", MK_E_ARG},
        {"mx.example", "../x", MK_E_ARG},
        {"mx.example", "x@..", MK_E_ARG},
    };
    mk_local_policy_config c;
    mk_local_policy *p;
    mk_directory d = {.self = &slow, .lookup = slow_lookup};
    (void)state;
    assert_int_equal(mk_local_policy_config_init(&c, sizeof c + 1), MK_E_ARG);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_str domain = mk_str_z(rows[i].domain);
        assert_int_equal(mk_local_policy_config_init(&c, sizeof c), MK_OK);
        c.alloc = mk_alloc_libc();
        c.domains = &domain;
        c.domain_count = 1;
        c.directory = &d;
        c.postmaster = mk_str_z(rows[i].postmaster);
        assert_int_equal(mk_local_policy_new(&c, &p), rows[i].want);
        if (rows[i].want == MK_OK) {
            mk_local_policy_free(p);
        }
    }
    c.directory = NULL;
    assert_int_equal(mk_local_policy_new(&c, &p), MK_E_ARG);
    mk_local_policy_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_026_nothing_is_relayed),
        cmocka_unit_test(sec_019_local_parts_are_octets),
        cmocka_unit_test(who_is_known),
        cmocka_unit_test(postmaster_and_abuse_are_always_there),
        cmocka_unit_test(directory_answers_later),
        cmocka_unit_test(postmaster_without_a_directory),
        cmocka_unit_test(directory_is_told_of_the_end),
        cmocka_unit_test(configs_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
