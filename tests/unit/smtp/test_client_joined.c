/* SPDX-License-Identifier: MIT
 *
 * test_client_joined.c: what must go out together: the end of a body with all
 * that stands behind it (RFC 2920 3.1), so that neither Nagle nor a delayed
 * acknowledgement costs a round trip; and chunks (RFC 3030 2), which must
 * neither run ahead without bound nor be lost for want of a unit. How each ends
 * is in the dialogues client-2920-3.1-joined* and client-3030-2-*; what a
 * hostile server may say there (THREATS 14) is here.
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
    desk_hear(d, "250 ok\r\n");
    desk_hear(d, "250 ok\r\n");
    if (strstr(keywords, "CHUNKING") == NULL) {
        desk_hear(d, "354 ok\r\n");
    }
    text_clear(&d->wire);
    text_clear(&d->events);
    d->is_slow = true;
    return op;
}

/* A message with a body of one line, and the next one of the same envelope
 * joined to it; the desk's, to be ended. */
static void begin_joined(desk *d, size_t chunk, const char *keywords)
{
    mk_op next_op;

    desk_init(d, chunk);
    mk_op op = begin_message(d, keywords);
    assert_int_equal(mk_body(d->engine, op, mk_str_z("one\r\n"), true), MK_OK);
    assert_int_equal(mk_smtp_client_send(d->engine, &d->envelope, &next_op),
                     MK_OK);
    desk_run(d);
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
    desk d;

    (void)state;
    begin_joined(&d, 4096, "PIPELINING\nCHUNKING");
    shown(&d,
          "BDAT 5 LAST\r\none\r\nRSET\r\nMAIL FROM:<>\r\n"
          "RCPT TO:<a@b.example>\r\n",
          3);
    desk_fini(&d);
}

/* Replies are early by what the transport has taken, to the octet: the end was
 * sent, and of MAIL all but its LF. */
static void test_a_reply_to_what_is_not_all_sent(void **state)
{
    static const char end[] = "one\r\n.\r\n";
    static const char mail[] = "MAIL FROM:<>\r\n";
    desk d;

    (void)state;
    for (size_t missing = 0; missing < 2; missing++) {
        begin_joined(&d, 1, "PIPELINING");
        desk_ack(&d, sizeof end - 1 + sizeof mail - 1 - missing);
        desk_run(&d);
        desk_hear(&d, "250 taken\r\n");
        assert_non_null(strstr(text_c(&d.events), "DONE OK"));
        text_clear(&d.events);
        desk_hear(&d, "250 ok\r\n");
        desk_saw(&d, missing > 0 ? "FAULT E_EARLY" : "REPLY MAIL 250");
        assert_int_equal(d.is_over, missing > 0);
        desk_fini(&d);
    }
}

/* The end was sent, and what is joined to it was not: the message may have been
 * taken. One octet less, and it was not. */
static void test_a_cut_between_an_end_and_what_is_joined(void **state)
{
    static const char end[] = "one\r\n.\r\n";
    desk d;

    (void)state;
    for (size_t missing = 0; missing < 2; missing++) {
        begin_joined(&d, 1, "PIPELINING");
        desk_ack(&d, sizeof end - 1 - missing);
        desk_run(&d);
        mk_in_eof(d.engine, MK_OK);
        desk_run(&d);
        desk_saw(&d, missing > 0 ? "FAULT E_CUT retry=LATER"
                                 : "FAULT E_CUT retry=UNKNOWN");
        desk_saw(&d, "DONE E_CUT accepted=0");
        desk_saw(&d, "FAULT E_CUT retry=LATER");
        desk_saw(&d, "DONE E_CUT accepted=0");
        /* and what was shown stays put for whoever still writes it */
        assert_int_equal(mk_want(d.engine),
                         missing > 0 ? MK_WANT_ABORT
                                     : MK_WANT_CLOSE | MK_WANT_WRITE);
        desk_fini(&d);
    }
}

/* Likewise of a chunk: its line is not enough. */
static void test_a_reply_to_a_chunk_that_is_not_all_sent(void **state)
{
    static const char chunk[] = "BDAT 5\r\none\r\n";
    mk_op op;
    desk d;

    (void)state;
    for (size_t missing = 0; missing < 2; missing++) {
        desk_init(&d, 1);
        op = begin_message(&d, "PIPELINING\nCHUNKING");
        assert_int_equal(mk_body(d.engine, op, mk_str_z("one\r\n"), false),
                         MK_OK);
        desk_run(&d);
        desk_ack(&d, sizeof chunk - 1 - missing);
        desk_run(&d);
        desk_hear(&d, "250 ok\r\n");
        desk_saw(&d, missing > 0 ? "FAULT E_EARLY" : "REPLY BDAT 250");
        desk_fini(&d);
    }
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

/* Who has one block of memory fills it whenever it is wanted, and asks no more:
 * never while it is lent, never without room. The replies come late: each while
 * the next but `ahead` is half sent, so that room comes before the block. */
static void lend_one_block(const char *keywords, unsigned ahead)
{
    static const char block[] = "a line\r\n";
    bool is_chunked = strstr(keywords, "CHUNKING") != NULL;
    unsigned replies = 0;
    unsigned lent = 0;
    mk_op op;
    desk d;

    desk_init(&d, 4096);
    op = begin_message(&d, keywords);
    assert_int_equal(d.wanted, 1);
    while (lent < 40) {
        assert_true(d.room >= 1);
        assert_int_equal(
            mk_body(d.engine, op, mk_str_of(block, sizeof block - 1), false),
            MK_OK);
        lent++;
        desk_run(&d);
        desk_ack(&d, d.rig.queued.len / 2);
        desk_run(&d);
        if (is_chunked && lent > replies + ahead) {
            desk_hear(&d, "250 ok\r\n");
            replies++;
        }
        assert_int_equal(d.wanted, lent); /* it is lent still */
        desk_ack(&d, d.rig.queued.len);
        desk_run(&d);
        while (is_chunked && d.wanted == lent) {
            assert_true(replies < lent);
            desk_hear(&d, "250 ok\r\n");
            replies++;
        }
        assert_int_equal(d.wanted, lent + 1);
    }
    assert_null(strstr(text_c(&d.events), "FAULT"));
    assert_int_equal(mk_body(d.engine, op, mk_str_z("end\r\n"), true), MK_OK);
    desk_run(&d);
    desk_ack(&d, d.rig.queued.len);
    desk_run(&d);
    assert_string_equal(text_c(&d.returned) + d.returned.len - 6, "end\r\n$");
    desk_fini(&d);
}

static void test_one_block_of_memory(void **state)
{
    static const unsigned ahead[] = {1, 15, 16, 100};

    (void)state;
    for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) {
        lend_one_block("PIPELINING\nCHUNKING", ahead[i]);
        lend_one_block("CHUNKING", ahead[i]);
    }
    lend_one_block("PIPELINING", 0);
}

/* What was lent for a message is back with its MK_EV_DONE, however that comes:
 * nothing of it is given back to the next message. The chunk before the refused
 * one has been taken, or there is none, or the last is refused. */
static void test_nothing_of_a_refused_message_is_kept(void **state)
{
    static const struct {
        const char *keywords;
        unsigned taken;
        bool last;
    } rows[] = {{"CHUNKING", 0, false},
                {"CHUNKING", 1, false},
                {"CHUNKING", 1, true},
                {"PIPELINING\nCHUNKING", 0, false},
                {"PIPELINING\nCHUNKING", 15, false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mk_op op;
        desk d;

        desk_init(&d, 4096);
        op = begin_message(&d, rows[i].keywords);
        d.is_slow = false;
        for (unsigned n = 0; n <= rows[i].taken; n++) {
            bool last = rows[i].last && n == rows[i].taken;
            assert_int_equal(mk_body(d.engine, op, mk_str_z("old\r\n"), last),
                             MK_OK);
            desk_run(&d);
            desk_hear(&d, n < rows[i].taken ? "250 ok\r\n" : "550 no\r\n");
        }
        desk_hear(&d, "250 reset\r\n");
        assert_non_null(strstr(text_c(&d.events), "DONE E_REFUSED"));
        text_clear(&d.returned);
        assert_int_equal(desk_send(&d, "", "a@b.example", &op), MK_OK);
        d.wanted = 0;
        desk_hear(&d, "250 ok\r\n");
        desk_hear(&d, "250 ok\r\n");
        assert_string_equal(text_c(&d.returned), "");
        assert_int_equal(d.wanted, 1);
        assert_true(d.room >= 1);
        desk_fini(&d);
    }
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

/* There was no unit, and what was offered is taken when it is offered again: no
 * room is told that is not there, nor the end a second time. */
static void test_a_unit_for_a_chunk_at_last(void **state)
{
    static const struct {
        const char *keywords;
        bool last;
        unsigned wanted; /* in all, the first one and the one behind it */
    } rows[] = {{"CHUNKING", true, 1},
                {"CHUNKING", false, 0},
                {"PIPELINING\nCHUNKING", true, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t mem[1024 / 8];
        mk_str span = mk_str_z("x\r\n");
        mk_pool pool;
        void *held;
        mk_op op;
        desk d;

        desk_init(&d, 4096);
        assert_int_equal(mk_pool_init_mem(&pool, mem, sizeof mem, 1024), MK_OK);
        d.config.units = &pool;
        op = begin_message(&d, rows[i].keywords);
        d.is_slow = false;
        held = mk_pool_take(&pool);
        assert_int_equal(mk_body(d.engine, op, span, rows[i].last), MK_WAIT);
        mk_pool_give(&pool, held);
        assert_int_equal(mk_body(d.engine, op, span, rows[i].last), MK_OK);
        d.wanted = 0;
        desk_run(&d);
        assert_int_equal(d.wanted, rows[i].wanted);
        assert_string_equal(text_c(&d.returned), rows[i].last ? "x\r\n$" : "");
        desk_fini(&d);
    }
}

/* Nor is any where nothing may be lent any more: a chunk before it is refused
 * while there is no unit. */
static void test_no_unit_for_a_chunk_and_a_refusal(void **state)
{
    (void)state;
    uint64_t mem[1024 / 8];
    mk_pool pool;
    void *held;
    mk_op op;
    desk d;

    desk_init(&d, 4096);
    assert_int_equal(mk_pool_init_mem(&pool, mem, sizeof mem, 1024), MK_OK);
    d.config.units = &pool;
    op = begin_message(&d, "PIPELINING\nCHUNKING");
    d.is_slow = false;
    assert_int_equal(mk_body(d.engine, op, mk_str_z("x\r\n"), false), MK_OK);
    desk_run(&d);
    held = mk_pool_take(&pool);
    assert_non_null(held);
    assert_int_equal(mk_body(d.engine, op, mk_str_z("y\r\n"), false), MK_WAIT);
    d.wanted = 0;
    desk_hear(&d, "550 no\r\n");
    mk_pool_give(&pool, held);
    desk_wait(&d, 1000);
    assert_int_equal(d.wanted, 0);
    desk_hear(&d, "250 reset\r\n");
    assert_non_null(strstr(text_c(&d.events), "DONE E_REFUSED"));
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

/* ---- hostile replies ----------------------------------------------------- */

/* Where a reply is due to something that delivers, with more behind it. */
typedef struct place {
    const char *keywords;
    bool is_lmtp;
    const char *before; /* replies that come first */
    bool is_last;       /* the end of the body is out */
} place;

static const place places[] = {
    {"PIPELINING", false, "", true},
    {"PIPELINING\nCHUNKING", false, "", true},
    {"PIPELINING\nCHUNKING", false, "", false},
    {"PIPELINING", true, "250 stored\r\n", true},
};

static const char *const malformed[] = {
    "250-\r\n550 b\r\n",  "25\r\n",     "2500 ok\r\n",  "250ok\r\n",
    "999 no\r\n",         "55O no\r\n", "-550 no\r\n",  "550\nno\r\n",
    "550-a\r\n551 b\r\n", "354 go\r\n", "150 wait\r\n", " 550 no\r\n",
};

static mk_op begin_at(desk *d, const place *at)
{
    mk_op op = 0;

    desk_init(d, 1);
    d->config.is_lmtp = at->is_lmtp;
    desk_open(d);
    desk_hear(d, "220 ready\r\n");
    desk_hear(d, strchr(at->keywords, '\n') != NULL
                     ? "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
                     : "250-mx\r\n250 PIPELINING\r\n");
    assert_int_equal(desk_send(d, "", "a@b.example c@d.example", &op), MK_OK);
    desk_hear(d, "250 ok\r\n250 ok\r\n250 ok\r\n");
    if (strchr(at->keywords, '\n') == NULL) {
        desk_hear(d, "354 go\r\n");
    }
    return op;
}

/* It is a fault, for the next message too; nobody is told of a refusal, and
 * only what was sent whole may have been taken. */
static void play_malformed(const place *at, const char *reply)
{
    mk_op next_op = 0;
    desk d;
    mk_op op = begin_at(&d, at);
    size_t faults = 0;
    const char *line;

    assert_int_equal(mk_body(d.engine, op, mk_str_z("x\r\n"), at->is_last),
                     MK_OK);
    if (at->is_last) {
        assert_int_equal(mk_smtp_client_send(d.engine, &d.envelope, &next_op),
                         MK_OK);
    }
    desk_run(&d);
    desk_hear(&d, at->before);
    text_clear(&d.events);
    desk_hear(&d, reply);
    assert_true(d.is_over);
    line = text_c(&d.events);
    assert_non_null(
        strstr(line, at->is_last ? "retry=UNKNOWN" : "retry=LATER"));
    assert_null(strstr(line, "E_REFUSED"));
    assert_null(strstr(line, "DONE OK"));
    assert_null(strstr(line, "retry=NEVER"));
    for (; (line = strstr(line, "FAULT")) != NULL; line++) {
        faults++;
    }
    assert_int_equal(faults, at->is_last ? 2 : 1);
    assert_int_equal(d.retry, MK_RETRY_LATER); /* the last one */
    desk_fini(&d);
}

static void sec_014_a_malformed_reply_where_it_delivers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (size_t k = 0; k < sizeof malformed / sizeof *malformed; k++) {
            play_malformed(&places[i], malformed[k]);
        }
    }
}

/* Too few octets of a reply, and the end. */
static void sec_014_half_a_reply_where_it_delivers(void **state)
{
    static const char *const halves[] = {"250", "550 no", "250-a\r\n",
                                         "550 no\r"};

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (size_t k = 0; k < sizeof halves / sizeof *halves; k++) {
            desk d;
            mk_op op = begin_at(&d, &places[i]);

            mk_body(d.engine, op, mk_str_z("x\r\n"), places[i].is_last);
            desk_run(&d);
            desk_hear(&d, places[i].before);
            text_clear(&d.events);
            desk_hear(&d, halves[k]);
            mk_in_eof(d.engine, MK_OK);
            desk_run(&d);
            assert_non_null(strstr(text_c(&d.events), "FAULT E_CUT"));
            assert_null(strstr(text_c(&d.events), "REPLY"));
            assert_null(strstr(text_c(&d.events), "E_REFUSED"));
            assert_int_equal(d.retry, places[i].is_last ? MK_RETRY_UNKNOWN
                                                        : MK_RETRY_LATER);
            desk_fini(&d);
        }
    }
}

/* Lines without end behind an end of body. */
static void sec_014_a_reply_without_end_where_it_delivers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        desk d;
        mk_op op = begin_at(&d, &places[i]);

        mk_body(d.engine, op, mk_str_z("x\r\n"), places[i].is_last);
        desk_run(&d);
        desk_hear(&d, places[i].before);
        text_clear(&d.events);
        for (unsigned n = 0; n < 200 && !d.is_over; n++) {
            desk_hear(&d, "250-more\r\n");
        }
        assert_true(d.is_over);
        assert_null(strstr(text_c(&d.events), "REPLY"));
        assert_null(strstr(text_c(&d.events), "DONE OK"));
        desk_fini(&d);
    }
}

/* A word for each recipient over LMTP, of an end that is not all sent: neither
 * is it good, nor may the first be taken for delivered (RFC 2033 4.2). */
static void sec_014_a_word_over_lmtp_before_the_end(void **state)
{
    static const struct {
        const char *keywords;
        const char *body;
        const char *wire;
    } rows[] = {
        {"PIPELINING", "x\r\n", "x\r\n.\r\n"},
        {"PIPELINING", "x", "x\r\n.\r\n"},
        {"PIPELINING\nCHUNKING", "x\r\n", "BDAT 3 LAST\r\nx\r\n"},
        {"PIPELINING\nCHUNKING", "x", "BDAT 3 LAST\r\nx\r\n"},
        {"PIPELINING\nCHUNKING", "", "BDAT 0 LAST\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t all = strlen(rows[i].wire);

        for (size_t sent = 0; sent <= all; sent++) {
            place at = {rows[i].keywords, true, "", true};
            desk d;
            mk_op op = begin_at(&d, &at);

            text_clear(&d.wire);
            d.is_slow = true;
            assert_int_equal(
                mk_body(d.engine, op, mk_str_z(rows[i].body), true), MK_OK);
            desk_run(&d);
            assert_int_equal(d.rig.queued.len, all);
            desk_ack(&d, sent);
            desk_run(&d);
            text_clear(&d.events);
            desk_hear(&d, "250 stored\r\n");
            assert_int_equal(d.is_over, sent < all);
            if (sent < all) {
                assert_null(strstr(text_c(&d.events), "REPLY"));
                assert_non_null(strstr(text_c(&d.events), "FAULT E_EARLY"));
                assert_non_null(strstr(text_c(&d.events), "accepted=0"));
                assert_int_equal(d.retry, MK_RETRY_LATER);
            }
            text_clear(&d.events);
            desk_fini(&d);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_write_has_it_all),
        cmocka_unit_test(test_one_write_has_it_all_in_chunks),
        cmocka_unit_test(test_a_reply_to_what_is_not_all_sent),
        cmocka_unit_test(test_a_cut_between_an_end_and_what_is_joined),
        cmocka_unit_test(test_a_reply_to_a_chunk_that_is_not_all_sent),
        cmocka_unit_test(test_a_group_in_parts),
        cmocka_unit_test(test_chunks_ahead),
        cmocka_unit_test(test_one_block_of_memory),
        cmocka_unit_test(test_nothing_of_a_refused_message_is_kept),
        cmocka_unit_test(test_no_unit_for_a_chunk),
        cmocka_unit_test(test_a_unit_for_a_chunk_at_last),
        cmocka_unit_test(test_no_unit_for_a_chunk_and_a_refusal),
        cmocka_unit_test(test_recipients_over_lmtp),
        cmocka_unit_test(sec_014_a_malformed_reply_where_it_delivers),
        cmocka_unit_test(sec_014_half_a_reply_where_it_delivers),
        cmocka_unit_test(sec_014_a_reply_without_end_where_it_delivers),
        cmocka_unit_test(sec_014_a_word_over_lmtp_before_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
