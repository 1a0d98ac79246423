/* SPDX-License-Identifier: MIT
 *
 * test_frame.c: the framer in every mode, whole and cut at every place. Rows
 * of DOT hold what stands on the wire, what must come out of it, and how many
 * octets are left when it ended. RFC 5321 2.3.8, 4.1.1.4, 4.5.2; THREATS 1,
 * 2, 3 and 10.
 */
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct got {
    char data[256];
    size_t n;
    size_t left;
    unsigned defects;
    size_t bare_at; /* octets told before the defect was */
    size_t long_at;
    bool ended;
    char kinds[32]; /* a letter for each unit that is not data */
} got;

static const char letters[] = "?LOSFDE";

static void note_defects(got *g, unsigned defects)
{
    unsigned fresh = defects & ~g->defects;
    g->bare_at = (fresh & FRAME_DEFECT_BARE) != 0 ? g->n : g->bare_at;
    g->long_at = (fresh & FRAME_DEFECT_LONG) != 0 ? g->n : g->long_at;
    g->defects = defects;
}

/* Feed `in` in pieces of `chunk` octets, each in memory of its own size. */
static void feed(mk_framer *f, const char *in, size_t n, size_t chunk, got *g)
{
    char *tail = malloc(1);
    size_t kept = 0;
    size_t at = 0;
    memset(g, 0, sizeof *g);
    while (at < n && !g->ended) {
        size_t more = n - at < chunk ? n - at : chunk;
        char *mem = malloc(kept + more);
        memcpy(mem, tail, kept);
        memcpy(mem + kept, in + at, more);
        at += more;
        free(tail);
        tail = mem;
        mk_str view = mk_str_of(mem, kept + more);
        frame_unit u;
        while (!g->ended && mk_framer_next(f, &view, &u) == MK_OK) {
            note_defects(g, f->defects);
            if (u.data.len > 0) {
                memcpy(g->data + g->n, u.data.ptr, u.data.len);
                g->n += u.data.len;
            }
            if (u.kind != FRAME_KIND_DATA) {
                size_t k = strlen(g->kinds);
                char letter = letters[u.kind];
                g->kinds[k] = u.bare ? (letter == 'L' ? 'b' : 's') : letter;
            }
            g->ended = u.kind == FRAME_KIND_END || u.kind == FRAME_KIND_FLOOD;
        }
        memmove(mem, view.ptr, view.len);
        kept = view.len;
        assert_true(g->ended || kept <= mk_framer_need(f));
    }
    note_defects(g, f->defects);
    g->left = kept + (n - at);
    free(tail);
}

typedef struct dot_row {
    const char *in;
    size_t n;
    const char *out;
    size_t left;
    bool ended;
    unsigned defects;
} dot_row;

#define IN(lit) lit, sizeof(lit) - 1

/* clang-format off */
static const dot_row dot_rows[] = {
    {IN(".\r\n"), "", 0, true, 0},
    {IN("a\r\n.\r\nMAIL"), "a\r\n", 4, true, 0},
    {IN("..\r\n.\r\n"), ".\r\n", 0, true, 0},
    {IN(".a\r\n.\r\n"), "a\r\n", 0, true, 0},
    {IN("\r\n..\r\n.\r\n"), "\r\n.\r\n", 0, true, 0},
    {IN("a.\r\nb\r\n.\r\n"), "a.\r\nb\r\n", 0, true, 0},
    {IN("a\r\n.b\r\n.\r\nx"), "a\r\nb\r\n", 1, true, 0},
    /* row 1: bare LF */
    {IN("a\n.\nb\r\n.\r\n"), "a", 0, true, FRAME_DEFECT_BARE},
    {IN("a\n.\r\nMAIL\r\n.\r\n"), "a", 0, true, FRAME_DEFECT_BARE},
    {IN("a\r\n.\nMAIL\r\n.\r\n"), "a\r\n", 0, true, FRAME_DEFECT_BARE},
    /* row 2: CR and NUL */
    {IN("a\n.\rM\r\n.\r\n"), "a", 0, true, FRAME_DEFECT_BARE},
    {IN("a\r.\nM\r\n.\r\n"), "a", 0, true, FRAME_DEFECT_BARE},
    {IN("a\r\n.\rM\r\n.\r\n"), "a\r\n", 0, true, FRAME_DEFECT_BARE},
    {IN("a\r.\rM\r\n.\r\n"), "a", 0, true, FRAME_DEFECT_BARE},
    {IN("a\r.\r\nM\r\n.\r\n"), "a", 0, true, FRAME_DEFECT_BARE},
    {IN("a\r\n.\r\r\nM\r\n.\r\n"), "a\r\n", 0, true, FRAME_DEFECT_BARE},
    {IN("a\r\r\n.\r\nM"), "a", 1, true, FRAME_DEFECT_BARE},
    {IN("a\r\n\0.\r\nM\r\n.\r\n"), "a\r\n", 0, true, FRAME_DEFECT_BARE},
    /* the end is not there */
    {IN("a\r\n."), "a\r\n", 1, false, 0},
    {IN("a\r\n.\r"), "a\r\n", 2, false, 0},
    {IN("a\r"), "a", 1, false, 0},
};
/* clang-format on */

/* What is told before the first defect. */
static void feed_to_defect(const dot_row *r, size_t chunk, got *g)
{
    mk_framer f;
    mk_framer_init(&f, 512, 100, 1000);
    mk_framer_mode(&f, FRAME_DOT, 0);
    feed(&f, r->in, r->n, chunk, g);
}

static void sec_001_sec_002_only_crlf_dot_crlf_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dot_rows / sizeof dot_rows[0]; i++) {
        const dot_row *r = &dot_rows[i];
        for (size_t chunk = 1; chunk <= r->n; chunk++) {
            got g;
            feed_to_defect(r, chunk, &g);
            assert_int_equal(g.ended, r->ended);
            assert_int_equal(g.defects, r->defects);
            assert_int_equal(g.left, r->left);
            size_t n = strlen(r->out);
            assert_true(g.n >= n);
            assert_memory_equal(g.data, r->out, n);
            if (r->defects == 0) {
                assert_int_equal(g.n, n);
            }
        }
    }
}

/* A run stops before the first defect, whatever the cut. */
static void sec_003_the_first_defect_is_told_at_its_octet(void **state)
{
    (void)state;
    static const char in[] = "good\r\nline\nbad\r\n.\r\n";
    for (size_t chunk = 1; chunk < sizeof in; chunk++) {
        mk_framer f;
        mk_framer_init(&f, 512, 100, 1000);
        mk_framer_mode(&f, FRAME_DOT, 0);
        size_t seen = 0;
        size_t from = 0;
        mk_str view = {in, 0};
        while (f.defects == 0) {
            from += chunk;
            size_t to = from < sizeof in - 1 ? from : sizeof in - 1;
            view.len = (size_t)(in + to - view.ptr);
            frame_unit u;
            while (mk_framer_next(&f, &view, &u) == MK_OK && f.defects == 0) {
                seen += u.data.len;
            }
        }
        assert_int_equal(seen, 10);
    }
}

/* What is refused is told all the same: whoever bounds what he swallows has to
 * see each octet of it. */
static void sec_116_octets_with_a_defect_are_told(void **state)
{
    (void)state;
    static const dot_row rows[] = {
        {IN("\n\n\n\r\n.\r\n"), "\n\n\n\r\n", 0, true, FRAME_DEFECT_BARE},
        {IN("a\r\rb\r\n.\r\n"), "a\r\rb\r\n", 0, true, FRAME_DEFECT_BARE},
        {IN("\r\n\n.\n"), "\r\n\n.\n", 0, false, FRAME_DEFECT_BARE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const dot_row *r = &rows[i];
        for (size_t chunk = 1; chunk <= r->n; chunk++) {
            got g;
            feed_to_defect(r, chunk, &g);
            assert_int_equal(g.ended, r->ended);
            assert_int_equal(g.defects, r->defects);
            assert_int_equal(g.n, strlen(r->out));
            assert_memory_equal(g.data, r->out, g.n);
        }
    }
}

static void repair_makes_lines_and_spaces(void **state)
{
    (void)state;
    static const char in[] = "a\n.\nb\rc\0d\r\n.\r\n";
    for (size_t chunk = 1; chunk < sizeof in; chunk++) {
        mk_framer f;
        got g;
        mk_framer_init(&f, 512, 100, 1000);
        mk_framer_mode(&f, FRAME_DOT, 0);
        f.repair = true;
        feed(&f, in, sizeof in - 1, chunk, &g);
        assert_int_equal(g.defects, 0);
        assert_true(g.ended);
        assert_int_equal(g.n, 13);
        assert_memory_equal(g.data, "a\r\n.\r\nb c d\r\n", 13);
    }
}

static void a_text_line_has_a_limit(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        unsigned defects;
    } rows[] = {
        {"12345678\r\n.\r\n", 0},
        {"123456789\r\n.\r\n", FRAME_DEFECT_LONG},
        {"1234567890\r\n.\r\n", FRAME_DEFECT_LONG},
        {"12345678901\r\n.\r\n", FRAME_DEFECT_LONG},
        {"1\r\n..345678\r\n.\r\n", 0},
        {"1\r\n..34567890\r\n.\r\n", FRAME_DEFECT_LONG},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t chunk = 1; chunk <= strlen(rows[i].in); chunk++) {
            mk_framer f;
            got g;
            mk_framer_init(&f, 512, 100, 10);
            mk_framer_mode(&f, FRAME_DOT, 0);
            feed(&f, rows[i].in, strlen(rows[i].in), chunk, &g);
            assert_true(g.ended);
            assert_int_equal(g.defects, rows[i].defects);
        }
    }
}

/* What stands for an octet counts, and a line that repair ends is over. */
static void a_repaired_line_has_the_limit_too(void **state)
{
    static const struct {
        const char *in;
        size_t long_at; /* 0: nowhere */
    } rows[] = {
        {"abc\ndef\r\n.\r\n", 0},
        {"abcd\ne\r\n.\r\n", 4},
        {"abc\ndefgh\n.\r\n\r\n.\r\n", 10},
        {"a\rbc\n\r\n.\r\n", 4},
        {"\r\rabc\r\n.\r\n", 5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t chunk = 1; chunk <= strlen(rows[i].in); chunk++) {
            mk_framer f;
            got g;
            mk_framer_init(&f, 512, 100, 5);
            mk_framer_mode(&f, FRAME_DOT, 0);
            f.repair = true;
            feed(&f, rows[i].in, strlen(rows[i].in), chunk, &g);
            assert_true(g.ended);
            assert_int_equal(g.defects,
                             rows[i].long_at > 0 ? FRAME_DEFECT_LONG : 0);
            assert_int_equal(g.long_at, rows[i].long_at);
        }
    }
}

/* The dot-body once more, an octet at a time and all of it at hand. */
static void by_octet(const char *in, size_t n, size_t max, got *g)
{
    size_t column = 0;
    bool bol = true;
    memset(g, 0, sizeof *g);
    for (size_t i = 0; i < n && !g->ended; i++) {
        bool cr = in[i] == '\r';
        bool crlf = cr && i + 1 < n && in[i + 1] == '\n';
        if (bol && in[i] == '.') {
            bol = false;
            cr = i + 1 < n && in[i + 1] == '\r';
            g->ended = cr && i + 2 < n && in[i + 2] == '\n';
            if (i + 1 == n || (cr && i + 2 == n)) {
                return; /* nobody can know yet */
            }
            continue;
        }
        if ((g->defects & FRAME_DEFECT_LONG) == 0 &&
            column + (crlf ? 2 : 1) > max) {
            note_defects(g, g->defects | FRAME_DEFECT_LONG);
        }
        if (cr && i + 1 == n) {
            return;
        }
        if (!crlf && (cr || in[i] == '\n' || in[i] == '\0')) {
            note_defects(g, g->defects | FRAME_DEFECT_BARE);
        }
        g->data[g->n++] = in[i];
        column++;
        bol = crlf;
        if (crlf) {
            g->data[g->n++] = in[++i];
            column = 0;
        }
    }
}

static void sec_001_sec_010_the_framer_agrees_with_an_automaton(void **state)
{
    static const char *const words[] = {
        "\r\n", ".", "x", "\r\n.", "\r", "\n", "", "abc", "a longer word"};
    uint32_t seed = 7;
    (void)state;
    for (size_t round = 0; round < 10000; round++) {
        char in[200] = {0};
        size_t n = 0;
        size_t kinds = round % 5 == 0 ? 9 : 4;
        size_t max = 2 + round % 61;
        while (n < 20 + round % 150) {
            seed = seed * 1103515245U + 12345U;
            size_t k = (seed >> 16) % (kinds + 4);
            const char *word = words[k < kinds ? k : 8 - k % 2];
            memcpy(in + n, word, strlen(word));
            n += word[0] == '\0' ? 1 : strlen(word);
        }
        for (size_t chunk = n; chunk > 0; chunk /= 3) {
            mk_framer f;
            got want;
            got g;
            by_octet(in, n, max, &want);
            mk_framer_init(&f, 512, 100, (uint32_t)max);
            mk_framer_mode(&f, FRAME_DOT, 0);
            feed(&f, in, n, chunk, &g);
            assert_int_equal(g.ended, want.ended);
            assert_int_equal(g.defects, want.defects);
            assert_int_equal(g.bare_at, want.bare_at);
            assert_int_equal(g.long_at, want.long_at);
            assert_int_equal(g.n, want.n);
            assert_memory_equal(g.data, want.data, want.n);
        }
    }
}

static void sec_010_lines_and_their_limit(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *data, *kinds;
        size_t left;
    } rows[] = {
        {"abc\r\nd\r\n", "abcd", "LL", 0},
        {"abc\nd", "abc", "b", 1},
        {"\r\n\n", "", "Lb", 0},
        {"12345678\r\n", "12345678", "L", 0},
        /* of one that is too long, what makes it so */
        {"123456789\r\nx\r\n", "123456789\rx", "OSL", 0},
        {"12345678901234\r\nx\r\n", "1234567890x", "OSL", 0},
        {"1234567890123456789012345", "1234567890", "OF", 0},
        {"12345678901234567890\r\nx", "1234567890", "OF", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t chunk = 1; chunk <= strlen(rows[i].in); chunk++) {
            mk_framer f;
            got g;
            mk_framer_init(&f, 10, i == 6 ? 15 : 10, 1000);
            feed(&f, rows[i].in, strlen(rows[i].in), chunk, &g);
            assert_string_equal(g.kinds, rows[i].kinds);
            assert_int_equal(g.left, rows[i].left);
            assert_int_equal(g.n, strlen(rows[i].data));
            assert_memory_equal(g.data, rows[i].data, g.n);
        }
    }
}

/* Of a login's lines: eight octets are handed out and ten more swallowed; the
 * end of the line tells which it was. A CR belongs to the end only where LF
 * follows it. */
static void a_line_in_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *data, *kinds;
        size_t left;
    } rows[] = {
        {"abc\r\n", "abc", "L", 0},
        {"\r\n", "", "L", 0},
        {"\n", "", "b", 0},
        {"abc\n", "abc", "b", 0},
        {"a\rb\r\n", "a\rb", "L", 0},
        {"a\r\r\n", "a\r", "L", 0},
        {"abc", "abc", "", 0},
        {"abc\r", "abc", "", 1},
        {"12345678\r\n", "12345678", "L", 0},
        {"123456789\r\n", "12345678", "S", 0},
        {"123456789\n", "12345678", "s", 0},
        {"12345678abcdefghi\r\n", "12345678", "S", 0},
        {"12345678abcdefghij", "12345678", "F", 0},
        {"12345678abcdefghijk\r\n", "12345678", "F", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = strlen(rows[i].in);
        for (size_t chunk = 1; chunk <= n; chunk++) {
            mk_framer f;
            got g;
            mk_framer_init(&f, 512, 10, 1000);
            mk_framer_mode(&f, FRAME_PIECES, 8);
            feed(&f, rows[i].in, n, chunk, &g);
            assert_string_equal(g.kinds, rows[i].kinds);
            assert_int_equal(g.left, rows[i].left);
            assert_int_equal(g.n, strlen(rows[i].data));
            assert_memory_equal(g.data, rows[i].data, g.n);
            assert_int_equal(f.left, 8 - g.n);
            assert_int_equal(f.consumed,
                             rows[i].kinds[0] == 'F' ? 18 : n - rows[i].left);
        }
    }
}

static void counted_literal_nul_and_eof(void **state)
{
    (void)state;
    mk_framer f;
    got g;
    for (size_t chunk = 1; chunk <= 9; chunk++) {
        mk_framer_init(&f, 10, 10, 1000);
        mk_framer_mode(&f, FRAME_COUNT, 5);
        feed(&f, "12\0\n5rest", 9, chunk, &g);
        assert_true(g.ended);
        assert_int_equal(g.n, 5);
        assert_int_equal(g.left, 4);
        mk_framer_mode(&f, FRAME_LITERAL, 3);
        feed(&f, "abcd", 4, chunk, &g);
        assert_int_equal(g.n, 3);
        assert_int_equal(g.left, 1);
        mk_framer_mode(&f, FRAME_NUL, 0);
        feed(&f, "one\0two\r\n\0", 10, chunk, &g);
        assert_string_equal(g.kinds, "LL");
        assert_memory_equal(g.data, "onetwo\r\n", 8);
        mk_framer_mode(&f, FRAME_EOF, 0);
        feed(&f, "\r\n.\r\n\0x", 7, chunk, &g);
        assert_int_equal(g.n, 7);
        assert_false(g.ended);
    }
    mk_framer_mode(&f, FRAME_COUNT, 0);
    frame_unit u;
    mk_str none = {NULL, 0};
    assert_int_equal(mk_framer_next(&f, &none, &u), MK_OK);
    assert_int_equal(u.kind, FRAME_KIND_END);
    assert_int_equal(mk_framer_next(&f, &none, &u), MK_WAIT);
}

/* What a text is, octet by octet: what stands for it, and is it regular? */
static bool judge(const char *in, size_t n, char *out, size_t *out_n)
{
    bool regular = true;
    *out_n = 0;
    for (size_t i = 0; i < n; i++) {
        bool pair = in[i] == '\r' && i + 1 < n && in[i + 1] == '\n';
        bool stray = !pair && (in[i] == '\r' || in[i] == '\n' || in[i] == '\0');
        regular = regular && !stray;
        if (pair || (stray && in[i] == '\n')) {
            out[(*out_n)++] = '\r';
            out[(*out_n)++] = '\n';
        } else {
            out[(*out_n)++] = stray ? ' ' : in[i];
        }
        i += pair ? 1 : 0;
    }
    return regular;
}

/* One part, in pieces, and nothing behind it. */
static void feed_part(mk_framer *f, const char *in, size_t n, size_t chunk,
                      got *g)
{
    size_t at = 0;
    size_t kept = 0;
    frame_unit u = {FRAME_KIND_DATA, false, {NULL, 0}};
    mk_str view = mk_str_of(in, 0);
    while (u.kind != FRAME_KIND_END) {
        mk_err err = mk_framer_next(f, &view, &u);
        if (err == MK_OK) {
            for (size_t i = 0; i < u.data.len; i++) {
                g->data[g->n++] = u.data.ptr[i];
            }
            continue;
        }
        assert_true(at < n);
        kept = view.len;
        assert_true(kept < mk_framer_need(f));
        size_t more = n - at < chunk ? n - at : chunk;
        view = mk_str_of(in + at - kept, kept + more);
        at += more;
    }
    assert_int_equal(view.len, 0);
    assert_int_equal(at, n);
    assert_int_equal(mk_framer_next(f, &view, &u), MK_WAIT);
}

/* RFC 3030 2: parted anywhere, with a line between, it is the same text. */
static void sec_001_sec_003_a_text_in_parts(void **state)
{
    enum { N = 5, ALL = 3125 };
    static const char letters5[] = {'a', '\r', '\n', '\0', '.'};
    (void)state;
    for (unsigned k = 0; k < ALL * (N + 1) * 4; k++) {
        char in[N];
        char want[2 * N];
        size_t want_n;
        size_t cut = k / 4 % (N + 1);
        bool repair = (k & 1) != 0;
        size_t chunk = (k & 2) != 0 ? 1 : N;
        unsigned which = k / 4 / (N + 1);
        for (size_t i = 0; i < N; i++, which /= 5) {
            in[i] = letters5[which % 5];
        }
        bool regular = judge(in, N, want, &want_n);
        mk_framer f;
        got g;
        got line;
        memset(&g, 0, sizeof g);
        mk_framer_init(&f, 512, 100, 1000);
        f.repair = repair;
        mk_framer_text(&f, cut, true, false);
        feed_part(&f, in, cut, chunk, &g);
        mk_framer_mode(&f, FRAME_LINE, 0);
        feed(&f, "NOOP\r\n", 6, chunk, &line);
        assert_int_equal(line.n, 4);
        mk_framer_text(&f, N - cut, false, true);
        feed_part(&f, in + cut, N - cut, chunk, &g);
        assert_int_equal(f.consumed, N + 6);
        assert_int_equal(f.defects, regular || repair ? 0 : FRAME_DEFECT_BARE);
        if (regular || repair) {
            assert_int_equal(g.n, want_n);
            assert_memory_equal(g.data, want, want_n);
        } else {
            assert_int_equal(g.n, N); /* all are told, so all are counted */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_001_sec_002_only_crlf_dot_crlf_ends),
        cmocka_unit_test(sec_003_the_first_defect_is_told_at_its_octet),
        cmocka_unit_test(sec_116_octets_with_a_defect_are_told),
        cmocka_unit_test(repair_makes_lines_and_spaces),
        cmocka_unit_test(a_text_line_has_a_limit),
        cmocka_unit_test(a_repaired_line_has_the_limit_too),
        cmocka_unit_test(sec_001_sec_010_the_framer_agrees_with_an_automaton),
        cmocka_unit_test(sec_010_lines_and_their_limit),
        cmocka_unit_test(a_line_in_pieces),
        cmocka_unit_test(counted_literal_nul_and_eof),
        cmocka_unit_test(sec_001_sec_003_a_text_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
