/* SPDX-License-Identifier: MIT
 *
 * test_client_mend.c: a client that mends bare LFs (RFC 5321 2.3.8), behind
 * DATA and in chunks (RFC 3030 2): every body of up to four octets of those
 * that matter, in two spans cut anywhere. What a server makes of the wire is
 * the mended body, and no bare CR or LF is on it (THREATS 4).
 */
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LONGEST = 4 };

static const char octets[] = {'a', '\r', '\n', '.'};

/* What the server must have, a final CRLF included; false: it is refused. */
static bool model(const char *body, size_t n, text *out)
{
    char before = '\n';
    for (size_t i = 0; i < n; i++) {
        if (before == '\r' && body[i] != '\n') {
            return false;
        }
        if (body[i] == '\n' && before != '\r') {
            text_z(out, "\r");
        }
        text_add(out, &body[i], 1);
        before = body[i];
    }
    if (before != '\n') {
        text_z(out, "\r\n");
    }
    return before != '\r';
}

static void assert_no_bare(const char *wire, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool has_cr = i > 0 && wire[i - 1] == '\r';
        bool has_lf = i + 1 < n && wire[i + 1] == '\n';
        assert_true(wire[i] != '\n' || has_cr);
        assert_true(wire[i] != '\r' || has_lf);
    }
}

/* Lines up to the dot, without the dots that were doubled. */
static void read_lines(const text *wire, text *out)
{
    const char *at = text_c(wire);
    assert_no_bare(at, wire->len);
    while (strcmp(at, ".\r\n") != 0) {
        const char *end = strstr(at, "\r\n");
        assert_non_null(end);
        at += *at == '.';
        text_add(out, at, (size_t)(end + 2 - at));
        at = end + 2;
    }
}

/* Chunks up to the last. */
static void read_chunks(const text *wire, text *out)
{
    const char *at = text_c(wire);
    const char *end = at + wire->len;
    bool is_last = false;
    while (!is_last) {
        char *behind;
        size_t n;
        assert_memory_equal(at, "BDAT ", 5);
        n = strtoul(at + 5, &behind, 10);
        is_last = strncmp(behind, " LAST", 5) == 0;
        at = behind + (is_last ? 5 : 0);
        assert_memory_equal(at, "\r\n", 2);
        at += 2;
        assert_true(n <= (size_t)(end - at));
        text_add(out, at, n);
        at += n;
    }
    assert_ptr_equal(at, end);
    assert_no_bare(out->ptr, out->len);
}

static mk_op begin(desk *d, bool is_chunked, uint64_t message_bytes)
{
    mk_op op = 0;
    desk_init(d, 4096);
    d->config.mend = MK_SMTP_MEND_LF;
    desk_ready(d, is_chunked ? "CHUNKING" : "");
    d->envelope.message_bytes = message_bytes;
    assert_int_equal(desk_send(d, "", "a@b.example", &op), MK_OK);
    desk_hear(d, "250 ok\r\n");
    desk_hear(d, "250 ok\r\n");
    if (!is_chunked) {
        desk_hear(d, "354 go\r\n");
    }
    text_clear(&d->wire);
    return op;
}

static mk_err lend(desk *d, mk_op op, bool is_chunked, const char *body,
                   size_t n, size_t cut)
{
    mk_err r = mk_body(d->engine, op, mk_str_of(body, cut), false);
    if (r == MK_OK) {
        desk_run(d);
        if (is_chunked) {
            desk_hear(d, "250 ok\r\n");
        }
        r = mk_body(d->engine, op, mk_str_of(body + cut, n - cut), true);
        desk_run(d);
    }
    return r;
}

static void play(const char *body, size_t n, size_t cut, bool is_chunked)
{
    text want = {0};
    text got = {0};
    desk d;
    bool fit = model(body, n, &want);
    mk_op op = begin(&d, is_chunked, 0);
    assert_int_equal(lend(&d, op, is_chunked, body, n, cut),
                     fit ? MK_OK : MK_E_BARE);
    if (fit) {
        (is_chunked ? read_chunks : read_lines)(&d.wire, &got);
        assert_int_equal(got.len, want.len);
        assert_memory_equal(got.ptr, want.ptr, want.len);
        text_clear(&d.events);
        desk_hear(&d, "250 queued\r\n");
        desk_saw(&d, "REPLY end of data 250");
        desk_saw(&d, "DONE OK accepted=1");
    }
    text_free(&want);
    text_free(&got);
    desk_fini(&d);
}

/* The body of a number, of n octets; 0 when there is one. */
static size_t spell(size_t number, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = octets[number % 4];
        number /= 4;
    }
    return number;
}

static void play_all(bool is_chunked)
{
    for (size_t n = 1; n <= LONGEST; n++) {
        char body[LONGEST];
        for (size_t number = 0; spell(number, n, body) == 0; number++) {
            for (size_t cut = 0; cut <= n; cut++) {
                play(body, n, cut, is_chunked);
            }
        }
    }
}

static void sec_004_mended_behind_data(void **state)
{
    (void)state;
    play_all(false);
}

static void sec_004_mended_in_chunks(void **state)
{
    (void)state;
    play_all(true);
}

/* The bound that was told with SIZE counts what is on the wire. */
static void sec_004_mended_within_its_size(void **state)
{
    static const char body[] = "a\nb\r\nc\n"; /* 9 octets of the wire */
    (void)state;
    for (size_t cut = 0; cut < sizeof body; cut++) {
        for (int is_chunked = 0; is_chunked < 2; is_chunked++) {
            desk d;
            mk_op op = begin(&d, is_chunked != 0, 9);
            assert_int_equal(
                lend(&d, op, is_chunked != 0, body, sizeof body - 1, cut),
                MK_OK);
            desk_fini(&d);
            op = begin(&d, is_chunked != 0, 8);
            assert_int_equal(
                lend(&d, op, is_chunked != 0, body, sizeof body - 1, cut),
                MK_E_SIZE);
            desk_fini(&d);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_004_mended_behind_data),
        cmocka_unit_test(sec_004_mended_in_chunks),
        cmocka_unit_test(sec_004_mended_within_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
