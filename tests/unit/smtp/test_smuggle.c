/* SPDX-License-Identifier: MIT
 *
 * test_smuggle.c: every look-alike of the end of data (THREATS 1 and 2), cut
 * at every point and at every two points: the events and replies must be the
 * same (THREATS 3, Law 4), nothing but CRLF.CRLF may end the message, and
 * none ever yields a second one (Law 10).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/smtp.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"
#include "trace.h"

#define SMUGGLED "MAIL FROM:<x@y.example>\r\n"

static const struct {
    const char *octets;
    size_t n;
} rows[] = {
#define ROW(lit)                                                               \
    {                                                                          \
        lit, sizeof(lit) - 1                                                   \
    }
    /* THREATS 1 */
    ROW("a\n.\n" SMUGGLED),
    ROW("a\n.\r\n" SMUGGLED),
    ROW("a\r\n.\n" SMUGGLED),
    ROW(".\n" SMUGGLED),
    ROW("\n.\r\n" SMUGGLED),
    ROW("a\n.\n\r\n" SMUGGLED),
    /* THREATS 2 */
    ROW("a\n.\r" SMUGGLED),
    ROW("a\r.\n" SMUGGLED),
    ROW("a\r.\r" SMUGGLED),
    ROW("a\r.\r\n" SMUGGLED),
    ROW("a\r\n.\r" SMUGGLED),
    ROW("a\r\n.\r\r\n" SMUGGLED),
    ROW("a\r\r\n.\r\r\n" SMUGGLED),
    ROW("a\r\n\0.\r\n" SMUGGLED),
    ROW("a\r\n.\0\r\n" SMUGGLED),
    ROW("a\r\0\n.\r\n" SMUGGLED),
    ROW("\0\r\n" SMUGGLED),
#undef ROW
};

typedef struct probe {
    mk_smtp_server_config config;
    char block[MK_SMTP_SERVER_NEED];
    mk_engine *engine;
    rig rig;
    text events;
    text body;
    text out;
    unsigned mails;
    unsigned ends;
} probe;

static void on_event(probe *p, const mk_event *ev)
{
    static const mk_str none = {NULL, 0};
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0) {
        text_str(&p->body, ev->data);
        return;
    }
    p->mails += ev->type == MK_EV_SMTP_MAIL;
    p->ends += ev->type == MK_EV_BODY;
    trace_event(&p->events, ev);
    text_z(&p->events, "\n");
    if ((ev->flags & MK_ASK) != 0) {
        assert_int_equal(mk_reply(p->engine, ev->op, MK_ANSWER_YES, none, none),
                         MK_OK);
    }
}

static void offer(probe *p, const char *octets, size_t n)
{
    mk_event ev;
    rig_push(&p->rig, octets, n);
    while (rig_step(&p->rig, &ev) == MK_OK) {
        on_event(p, &ev);
    }
}

static void acknowledge(probe *p)
{
    rig_look(&p->rig, &p->out);
    rig_ack(&p->rig, p->rig.queued.len);
}

static void open_probe(probe *p, mk_smtp_bare bare)
{
    static const char *const groups[] = {
        "", "EHLO c.example\r\n",
        "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"};
    memset(p, 0, sizeof *p);
    assert_int_equal(mk_smtp_server_config_init(&p->config, sizeof p->config),
                     MK_OK);
    p->config.hostname = mk_str_z("mx.example");
    p->config.bare = bare;
    assert_int_equal(
        mk_smtp_server_open(&p->config, p->block, sizeof p->block, &p->engine),
        MK_OK);
    rig_init(&p->rig, p->engine, 0);
    for (size_t i = 0; i < 3; i++) {
        offer(p, groups[i], strlen(groups[i]));
        acknowledge(p);
    }
    text_clear(&p->events);
    text_clear(&p->out);
}

static void close_probe(probe *p)
{
    mk_close(p->engine);
    rig_fini(&p->rig);
    text_free(&p->events);
    text_free(&p->body);
    text_free(&p->out);
}

/* the row and a true end, cut at two points */
static void run_cut(probe *p, const text *all, size_t one, size_t two,
                    mk_smtp_bare bare)
{
    open_probe(p, bare);
    offer(p, all->ptr, one);
    offer(p, all->ptr + one, two - one);
    offer(p, all->ptr + two, all->len - two);
    acknowledge(p);
    offer(p, "", 0);
    acknowledge(p);
    assert_null(p->rig.broken);
    assert_int_equal(p->mails, 1);
}

static void each_cut(const text *all, mk_smtp_bare bare, probe *first)
{
    probe *p = malloc(sizeof *p);
    assert_non_null(p);
    for (size_t one = 0; one <= all->len; one++) {
        for (size_t two = one; two <= all->len; two++) {
            run_cut(p, all, one, two, bare);
            assert_string_equal(text_c(&p->events), text_c(&first->events));
            assert_string_equal(text_c(&p->out), text_c(&first->out));
            assert_true(text_same(&p->body, &first->body));
            assert_int_equal(p->rig.ended, first->rig.ended);
            close_probe(p);
        }
    }
    free(p);
}

static void each_row(mk_smtp_bare bare, void (*check)(probe *))
{
    probe *first = malloc(sizeof *first);
    assert_non_null(first);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text all = {0};
        text_add(&all, rows[i].octets, rows[i].n);
        text_z(&all, "b\r\n.\r\n");
        run_cut(first, &all, 0, 0, bare);
        check(first);
        each_cut(&all, bare, first);
        close_probe(first);
        text_free(&all);
    }
    free(first);
}

static void is_rejected(probe *p)
{
    assert_int_equal(p->ends, 0);
    assert_true(p->rig.ended);
    assert_memory_equal(text_c(&p->out), "550 5.5.2 ", 10);
}

static void sec_003_rejected_alike_at_every_cut(void **state)
{
    (void)state;
    each_row(MK_SMTP_BARE_REJECT, is_rejected);
}

/* repaired: one message, whose octets hold no bare CR, LF or NUL any more */
static void is_repaired(probe *p)
{
    assert_int_equal(p->ends, 1);
    assert_false(p->rig.ended);
    assert_memory_equal(text_c(&p->out), "250 2.0.0 ", 10);
    for (size_t i = 0; i < p->body.len; i++) {
        char c = p->body.ptr[i];
        assert_true(c != '\0');
        assert_true(c != '\n' || (i > 0 && p->body.ptr[i - 1] == '\r'));
        assert_true(c != '\r' ||
                    (i + 1 < p->body.len && p->body.ptr[i + 1] == '\n'));
    }
    assert_non_null(strstr(text_c(&p->body), "MAIL FROM:<x@y.example>"));
}

static void sec_003_repaired_alike_at_every_cut(void **state)
{
    (void)state;
    each_row(MK_SMTP_BARE_NORMALIZE, is_repaired);
}

/* what is whole passes whole, wherever it is cut: the siblings without fault */
static void sec_003_clean_bodies_alike_at_every_cut(void **state)
{
    static const char *const clean[][2] = {
        {"a\r\n..\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
        {".\r\n", ""},
        {"..\r\n\r\n.x\r\n..x\r\n\r\n.\r\n", ".\r\n\r\nx\r\n.x\r\n\r\n"},
    };
    (void)state;
    probe *p = malloc(sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < 3; i++) {
        text all = {0};
        text_z(&all, clean[i][0]);
        for (size_t one = 0; one <= all.len; one++) {
            for (size_t two = one; two <= all.len; two++) {
                run_cut(p, &all, one, two, MK_SMTP_BARE_REJECT);
                assert_int_equal(p->ends, 1);
                assert_string_equal(text_c(&p->body), clean[i][1]);
                close_probe(p);
            }
        }
        text_free(&all);
    }
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_003_rejected_alike_at_every_cut),
        cmocka_unit_test(sec_003_repaired_alike_at_every_cut),
        cmocka_unit_test(sec_003_clean_bodies_alike_at_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
