/* SPDX-License-Identifier: MIT
 *
 * test_client_joined.c: what must go out together: the end of a body with all
 * that stands behind it (RFC 2920 3.1), so that neither Nagle nor a delayed
 * acknowledgement costs a round trip; and chunks (RFC 3030 2), which must
 * neither run ahead without bound nor be lost for want of a unit. How each ends
 * is in the dialogues client-2920-3.1-joined* and client-3030-2-*.
 */
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A message of which the body is due, to one recipient. */
static mk_op begin_message(desk *d, const char *keywords)
{
    mk_op op = 0;

    desk_ready(d, keywords);
    assert_int_equal(desk_send(d, "", "a@b.example", &op), MK_OK);
    desk_hear(d, strstr(keywords, "CHUNKING") != NULL
                     ? "250 ok\r\n250 ok\r\n"
                     : "250 ok\r\n250 ok\r\n354 ok\r\n");
    text_clear(&d->wire);
    text_clear(&d->events);
    d->is_slow = true;
    return op;
}

/* What one call of mk_out shows, spans joined. */
static void shown(desk *d, const char *octets, size_t spans_max)
{
    mk_str spans[8];
    text all = {0};
    size_t n = mk_out(d->engine, 0, spans, 8);
    size_t i;

    assert_true(n <= spans_max);
    for (i = 0; i < n; i++) {
        text_str(&all, spans[i]);
    }
    assert_string_equal(text_c(&all), octets);
    text_free(&all);
}

/* Body, dot and the whole next group are there for one writev. */
static void test_one_write_has_it_all(void **state)
{
    static const mk_str to = {"c@d.example", 11};
    mk_smtp_envelope next;
    mk_op op;
    mk_op next_op;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    op = begin_message(&d, "PIPELINING");
    mk_smtp_envelope_init(&next, sizeof next);
    next.forward_paths = &to;
    next.forward_count = 1;
    assert_int_equal(mk_smtp_client_send(d.engine, &next, &next_op), MK_E_BUSY);
    assert_int_equal(mk_body(d.engine, op, mk_str_z("one\r\n"), true), MK_OK);
    assert_int_equal(mk_smtp_client_send(d.engine, &next, &next_op), MK_OK);
    assert_int_not_equal(next_op, op);
    desk_run(&d);
    shown(&d, "one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n",
          2);
    desk_ack(&d, d.rig.queued.len);
    desk_run(&d);
    d.is_slow = false;
    text_clear(&d.events);
    desk_hear(&d, "250 ok\r\n250 ok\r\n250 ok\r\n354 ok\r\n");
    assert_non_null(strstr(text_c(&d.events), "DONE OK"));
    /* the first may be forgotten now, the second is whole */
    assert_int_equal(mk_body(d.engine, op, mk_str_z("x"), true), MK_E_STALE);
    assert_int_equal(mk_cancel(d.engine, op), MK_E_STALE);
    assert_int_equal(mk_body(d.engine, next_op, mk_str_z("two\r\n"), true),
                     MK_OK);
    text_clear(&d.wire);
    desk_run(&d);
    desk_said(&d, "two\r\n.\r\n");
    desk_hear(&d, "250 ok\r\n");
    assert_non_null(strstr(text_c(&d.events), "accepted=1"));
    desk_fini(&d);
}

/* Chunk, its line, RSET and the next group likewise. */
static void test_one_write_has_it_all_in_chunks(void **state)
{
    mk_op op;
    mk_op next_op;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    op = begin_message(&d, "PIPELINING\nCHUNKING");
    assert_int_equal(mk_body(d.engine, op, mk_str_z("one\r\n"), true), MK_OK);
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &next_op),
                     MK_OK);
    desk_run(&d);
    shown(&d,
          "BDAT 5 LAST\r\none\r\nRSET\r\nMAIL FROM:<>\r\n"
          "RCPT TO:<a@b.example>\r\n",
          3);
    desk_fini(&d);
}

/* A unit that is too small for the group is filled again as it empties. */
static void test_a_group_in_parts(void **state)
{
    mk_str paths[64];
    char names[64][80];
    mk_smtp_envelope next;
    size_t lines = 0;
    const char *at;
    mk_op op;
    mk_op next_op;
    desk d;
    size_t i;

    (void)state;
    desk_init(&d, 4096);
    op = begin_message(&d, "PIPELINING");
    for (i = 0; i < 64; i++) {
        snprintf(names[i], sizeof names[i],
                 "recipient%02u@a-name-that-is-rather-long.example",
                 (unsigned)i);
        paths[i] = mk_str_z(names[i]);
    }
    mk_smtp_envelope_init(&next, sizeof next);
    next.forward_paths = paths;
    next.forward_count = 64;
    assert_int_equal(mk_body(d.engine, op, mk_str_z("one\r\n"), true), MK_OK);
    assert_int_equal(mk_smtp_client_send(d.engine, &next, &next_op), MK_OK);
    d.is_slow = false;
    desk_run(&d);
    for (at = text_c(&d.wire); (at = strstr(at, "RCPT TO:<")) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, 64);
    assert_non_null(strstr(text_c(&d.wire), ">\r\nDATA\r\n"));
    desk_fini(&d);
}

/* Chunks of one octet: no more than 16 are ahead of their replies, and for each
 * reply one more may be lent. */
static void test_chunks_ahead(void **state)
{
    mk_op op;
    desk d;
    size_t n = 0;

    (void)state;
    desk_init(&d, 4096);
    op = begin_message(&d, "PIPELINING\nCHUNKING");
    d.is_slow = false;
    while (n < 100 && mk_body(d.engine, op, mk_str_z("x"), false) == MK_OK) {
        n++;
        desk_run(&d);
    }
    assert_int_equal(n, 16);
    text_clear(&d.events);
    d.room = 0;
    desk_hear(&d, "250 ok\r\n");
    assert_int_equal(d.room, 1);
    assert_int_equal(mk_body(d.engine, op, mk_str_z("x"), false), MK_OK);
    assert_int_equal(mk_body(d.engine, op, mk_str_z("x"), false), MK_WAIT);
    desk_run(&d);
    while (n-- > 0) {
        desk_hear(&d, "250 ok\r\n");
    }
    assert_null(strstr(text_c(&d.events), "FAULT"));
    desk_fini(&d);
}

/* No unit is free for a chunk's line: nothing changes, and the room is told
 * again when there is one. */
static void test_no_unit_for_a_chunk(void **state)
{
    uint64_t mem[2 * 1024 / 8];
    mk_pool pool;
    void *held;
    mk_op op;
    desk d;

    (void)state;
    desk_init(&d, 4096);
    assert_int_equal(mk_pool_init_mem(&pool, mem, sizeof mem, 1024), MK_OK);
    d.config.units = &pool;
    op = begin_message(&d, "PIPELINING\nCHUNKING");
    d.is_slow = false;
    held = mk_pool_take(&pool);
    while (pool.taken < 2) {
        (void)mk_pool_take(&pool);
    }
    assert_int_equal(mk_body(d.engine, op, mk_str_z("x\r\n"), true), MK_WAIT);
    desk_run(&d);
    desk_said(&d, "");
    assert_true(mk_deadline(d.engine) <= d.rig.now_ms + 1000);
    mk_pool_give(&pool, held);
    d.room = 0;
    desk_wait(&d, 1000);
    assert_int_equal(d.room, 2);
    assert_int_equal(mk_body(d.engine, op, mk_str_z("x\r\n"), true), MK_OK);
    desk_run(&d);
    desk_said(&d, "BDAT 3 LAST\r\nx\r\n");
    desk_fini(&d);
}

/* RFC 2033 says nothing of a bound; the block has one. */
static void test_recipients_over_lmtp(void **state)
{
    static mk_str paths[1025];
    desk d;
    size_t plain;
    size_t i;
    mk_op op = 0;

    (void)state;
    desk_init(&d, 4096);
    plain = mk_smtp_client_need(&d.config);
    d.config.is_lmtp = true;
    assert_int_equal(mk_smtp_client_need(&d.config), plain + 128);
    desk_open(&d);
    desk_hear(&d, "220 ready\r\n");
    desk_hear(&d, "250-mx\r\n250 PIPELINING\r\n");
    for (i = 0; i < 1025; i++) {
        paths[i] = mk_str_z("a@b.example");
    }
    mk_smtp_envelope_init(&d.envelope, sizeof d.envelope);
    d.envelope.forward_paths = paths;
    d.envelope.forward_count = 1025;
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op),
                     MK_E_COUNT);
    d.envelope.forward_count = 1024;
    assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &op), MK_OK);
    desk_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_write_has_it_all),
        cmocka_unit_test(test_one_write_has_it_all_in_chunks),
        cmocka_unit_test(test_a_group_in_parts),
        cmocka_unit_test(test_chunks_ahead),
        cmocka_unit_test(test_no_unit_for_a_chunk),
        cmocka_unit_test(test_recipients_over_lmtp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
