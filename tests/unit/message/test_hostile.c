/* SPDX-License-Identifier: MIT
 *
 * test_hostile.c: messages made to cost much (THREATS 23, 52 to 56, 58, 59, 61,
 * 62, 65, 67, 68), each family by its own input and two siblings at least. All
 * readers go over each of them. Steps are counted (cost.h): twice the octets
 * may cost twice the steps, no octet more than STEPS_MAX, and what is odd is
 * told. A gibibyte passes in the memory of a mebibyte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cost.h"

enum {
    STEPS_MAX = 1000,
    SMALL = 24 << 10,
    LARGE = 150 << 10,
    NO_CODE = 0xFFFF
};

/* A message: head, then the piece until there are octets enough. */
typedef struct family {
    unsigned threat;
    const char *head, *piece;
    size_t piece_bytes; /* 0: up to the NUL */
    unsigned code;      /* told of the large one */
} family;

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define CHARSET(name) "Content-Type: text/plain; charset=" name "\r\n\r\n"

/* clang-format off */
static const family families[] = {
    {23, "From: ", "(", 0, MK_DEFECT_ADDR_INVALID},
    {23, "From: ", "<", 0, MK_DEFECT_ADDR_INVALID},
    {23, "From: ", "a:", 0, NO_CODE},
    {23, "From: ", "\"", 0, NO_CODE},
    {23, "From: ", "a.", 0, NO_CODE},
    {23, "From: ", "a@b,", 0, MK_DEFECT_ADDR_COUNT},
    {23, "From: ", "<@a,@b:", 0, MK_DEFECT_ADDR_INVALID},
    {52, "", "To: a@b\r\n", 0, MK_DEFECT_HEADER_COUNT},
    {52, "", "A:\n", 0, MK_DEFECT_HEADER_COUNT},
    {52, "", "Subject: x\r\n y\r\n", 0, MK_DEFECT_HEADER_COUNT},
    {53, "A: ", "\r\n x", 0, MK_DEFECT_HEADER_FIELD_SIZE},
    {53, "A: ", "x", 0, MK_DEFECT_HEADER_FIELD_SIZE},
    {53, "Subject:", "\r\n\t", 0, MK_DEFECT_HEADER_FIELD_SIZE},
    {53, "", "x", 0, MK_DEFECT_HEADER_NO_COLON},
    {54, "", MIXED "--b\r\n", 0, MK_DEFECT_MIME_DEPTH},
    {54, "", "Content-Type: message/rfc822\r\n\r\n", 0, MK_DEFECT_MIME_DEPTH},
    {54, "", "Content-Type: message/global\r\n\r\n" MIXED "--b\r\n", 0,
     MK_DEFECT_MIME_DEPTH},
    {55, MIXED, "--b\r\n\r\nx\r\n", 0, MK_DEFECT_MIME_COUNT},
    {55, MIXED, "--b\n", 0, MK_DEFECT_MIME_COUNT},
    {55, MIXED, "--bb\r\n", 0, MK_DEFECT_MIME_BOUNDARY_PREFIX},
    {55, MIXED "--b--\r\n", "--b--\r\n", 0, MK_DEFECT_MIME_AFTER_END},
    {55, MIXED, "\r\n--", 0, MK_DEFECT_MIME_NO_END},
    {56, "Content-Type: a/b;", "name*0*=;", 0, MK_DEFECT_PARAM_COUNT},
    {56, "Content-Type: a/b;", "n=a;", 0, MK_DEFECT_PARAM_COUNT},
    {56, "Content-Type: a/b;", "n*999999999*=x;", 0, MK_DEFECT_PARAM_SECTION},
    {56, "Content-Type: a/b;n*=", "%", 0, MK_DEFECT_PARAM_PERCENT},
    {56, "Content-Type: a/b;n=\"", "\\\"", 0, MK_DEFECT_PARAM_QUOTE_OPEN},
    {58, "From: ", "=?utf-8?Q?=00?= ", 0, MK_DEFECT_WORD_CONTROL},
    {58, "Subject: ", "=?utf-8?Q?=0A?=", 0, MK_DEFECT_WORD_CONTROL},
    {58, "From: ", "=?utf-8?b?YUBi?=@x,", 0, MK_DEFECT_ADDR_WORD_INSIDE},
    {59, "From: ", "=?x?q?a=40evil.com=3e?=@good.com, ", 0,
     MK_DEFECT_ADDR_WORD_INSIDE},
    {59, "Subject: ", "=?utf-8?q?", 0, NO_CODE},
    {59, "Subject: ", "=?", 0, NO_CODE},
    {59, "Subject: =?", "x", 0, NO_CODE},
    {59, "Subject: ", "=?utf-8?q?\?= ", 0, NO_CODE},
    {59, "Subject: ", "=?utf-8?b?4pi?= ", 0, MK_DEFECT_WORD_MALFORMED},
    {61, "", "From: a@x\r\n", 0, MK_DEFECT_HEADER_DUPLICATE},
    {61, "", "From : a@x\r\n", 0, MK_DEFECT_HEADER_NAME_SPACE},
    {61, " ", "From\r\n : a@x\r\n", 0, MK_DEFECT_HEADER_FIRST_SPACE},
    {61, "Sender: ", "a@x, b@y,", 0, MK_DEFECT_ADDR_SEVERAL},
    {61, "From: ", "a@x, b@y,", 0, MK_DEFECT_ADDR_SEVERAL},
    {62, " ", "x\r\n", 0, MK_DEFECT_HEADER_NO_COLON},
    {62, "", "\0: x\r\n", 6, MK_DEFECT_HEADER_NUL},
    {62, "", "\r", 0, MK_DEFECT_HEADER_BARE_CR},
    {62, "", ":\r\n", 0, MK_DEFECT_HEADER_NAME_INVALID},
    {65, CHARSET("utf-8"), "\xC3", 0, NO_CODE},
    {65, CHARSET("utf-7"), "+", 0, NO_CODE},
    {65, CHARSET("iso-2022-jp"), "\x1B$", 0, NO_CODE},
    {65, CHARSET("utf-16"), "\xD8", 0, NO_CODE},
    {68, "Date: ", "9", 0, MK_DEFECT_DATE_INVALID},
    {68, "Date: 1 Jul 2003 10:52:37 +", "9", 0, MK_DEFECT_DATE_ZONE},
    {68, "Date: ", "Mon, ", 0, MK_DEFECT_DATE_INVALID},
    {68, "Date: ", "(1)", 0, MK_DEFECT_DATE_INVALID},
    /* and what has no number: base subjects, identifiers, hops */
    {0, "Subject: ", "Re: ", 0, NO_CODE},
    {0, "Subject: ", "[x]", 0, NO_CODE},
    {0, "Subject: ", "[fwd:", 0, NO_CODE},
    {0, "Subject: a", "(fwd)", 0, NO_CODE},
    {0, "Subject: ", "re[a]", 0, NO_CODE},
    {0, "References: ", "<a@b>", 0, NO_CODE},
    {0, "References: ", "<", 0, NO_CODE},
    {0, "Received: ", "from a by b ", 0, NO_CODE},
    {0, "Authentication-Results: a;", "b=c d.e=f;", 0, NO_CODE},
    {0, "\r\n", "begin 644 x\r\n", 0, NO_CODE},
    {0, "\r\n", "=ybegin line=1 size=1 name=x\r\n", 0, NO_CODE},
    {0, "Content-Transfer-Encoding: quoted-printable\r\n\r\n", "= ", 0,
     NO_CODE},
    {0, "Content-Transfer-Encoding: quoted-printable\r\n\r\n", " ", 0, NO_CODE},
    {0, "Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=\t\t", 0,
     NO_CODE},
    {0, "Content-Transfer-Encoding: base64\r\n\r\n", "=", 0, NO_CODE},
    {0, "Content-Transfer-Encoding: x-uuencode\r\n\r\n", "begin 1 a\n", 0,
     NO_CODE},
};
/* clang-format on */

static void make(const family *f, size_t n, text *out)
{
    size_t bytes = f->piece_bytes > 0 ? f->piece_bytes : strlen(f->piece);
    text_z(out, f->head);
    while (out->len < n) {
        text_add(out, f->piece, bytes);
    }
}

static uint64_t measure(const family *f, size_t n, cost *out)
{
    text t = {0};
    make(f, n, &t);
    cost_of(text_view(&t), out);
    if (out->steps > STEPS_MAX * (uint64_t)t.len) {
        print_error("\"%s%s\"...: %u steps an octet\n", f->head, f->piece,
                    (unsigned)(out->steps / t.len));
    }
    assert_true(out->steps <= STEPS_MAX * (uint64_t)t.len);
    assert_true(out->events <= 4 * (uint64_t)t.len + 16);
    text_free(&t);
    return out->steps;
}

/* Twice as much at two sizes: where no limit cuts, and where one may. */
static void costs_twice(const family *f)
{
    static const size_t sizes[] = {SMALL, LARGE};
    cost c;
    for (size_t i = 0; i < 2; i++) {
        uint64_t once = measure(f, sizes[i], &c);
        uint64_t twice = measure(f, 2 * sizes[i], &c);
        if (twice > once * 2 + once / 5) {
            print_error("\"%s%s\"... at %zu: %u, then %u steps an octet\n",
                        f->head, f->piece, sizes[i],
                        (unsigned)(once / sizes[i]),
                        (unsigned)(twice / sizes[i] / 2));
        }
        assert_true(twice <= once * 2 + once / 5);
    }
    if (f->code != NO_CODE &&
        !mk_defects_has(&c.defects, (mk_defect_code)f->code)) {
        print_error("\"%s%s\"...: no %s\n", f->head, f->piece,
                    mk_defect_name(f->code));
    }
    assert_true(f->code == NO_CODE ||
                mk_defects_has(&c.defects, (mk_defect_code)f->code));
    assert_true(c.parts >= 1 && c.parts <= 10000);
}

static void threat(unsigned number)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (families[i].threat == number) {
            costs_twice(&families[i]);
            count++;
        }
    }
    assert_true(count >= 3);
}

static void sec_023_addresses_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(23);
}

static void sec_052_fields_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(52);
}

static void sec_053_a_field_costs_twice_for_twice(void **state)
{
    (void)state;
    threat(53);
}

static void sec_054_nesting_costs_twice_for_twice(void **state)
{
    (void)state;
    threat(54);
}

static void sec_055_parts_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(55);
}

static void sec_056_pieces_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(56);
}

static void sec_058_controls_in_words_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(58);
}

static void sec_059_words_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(59);
}

static void sec_061_authors_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(61);
}

static void sec_062_odd_starts_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(62);
}

static void sec_065_charsets_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(65);
}

static void sec_068_dates_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(68);
}

static void others_cost_twice_for_twice(void **state)
{
    (void)state;
    threat(0);
}

/* Values with an end, which makes of what stands before it one word, one
 * comment, one value: their insides are looked through once, too. */
static void sec_059_what_has_an_end_costs_twice_for_twice(void **state)
{
    static const struct {
        const char *head, *piece, *tail;
    } rows[] = {
        {"Subject: =?utf-8?q?", " ", "?="},
        {"Subject: =?utf-8?q?", "\t", "?= =?utf-8?q?a?="},
        {"Subject: =?utf-8?q?", "\r", "?="},
        {"Subject: =?utf-8?q?", "\r\n ", "?="},
        {"Subject: =?utf-8?b?", " ", "?="},
        {"Subject: =?utf-8?q?", "=", "?="},
        {"From: (", "=?utf-8?q?a?= (", ") <a@b>"},
        {"From: \"", "=?utf-8?q?  ?=", "\" <a@b>"},
        {"From: a@[", " ", "]"},
        {"Content-Type: a/b; n=\"", "=?utf-8?q? ", "?=\""},
        {"Received: from a (", "helo=[", "]) by b"},
        {"Received: from a (", "[", "[1.2.3.4]) by b"},
        {"References: <", "\"a", ">"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t steps[2];
        for (size_t k = 0; k < 2; k++) {
            text t = {0};
            cost c;
            text_z(&t, rows[i].head);
            while (t.len < (k + 1) * SMALL) {
                text_z(&t, rows[i].piece);
            }
            text_z(&t, rows[i].tail);
            text_z(&t, "\r\n\r\n");
            cost_of(text_view(&t), &c);
            steps[k] = c.steps;
            text_free(&t);
        }
        if (steps[1] > steps[0] * 2 + steps[0] / 5) {
            print_error("\"%s%s\"...: %u, then %u steps\n", rows[i].head,
                        rows[i].piece, (unsigned)steps[0], (unsigned)steps[1]);
        }
        assert_true(steps[1] <= steps[0] * 2 + steps[0] / 5);
    }
}

/* Law 4: an octet at a time costs what it costs, not what came before it. */
static void sec_053_octets_one_by_one_cost_twice_for_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        uint64_t steps[2];
        for (size_t k = 0; k < 2; k++) {
            text t = {0};
            make(&families[i], (k + 1) * (SMALL / 2), &t);
            steps[k] = cost_of_pieces(text_view(&t), 1);
            text_free(&t);
        }
        if (steps[1] > steps[0] * 2 + steps[0] / 5) {
            print_error("\"%s%s\"...: %u, then %u steps\n", families[i].head,
                        families[i].piece, (unsigned)steps[0],
                        (unsigned)steps[1]);
        }
        assert_true(steps[1] <= steps[0] * 2 + steps[0] / 5);
    }
}

/* One octet more at a time, in each reading that looks for other ends. */
static uint64_t one_by_one(mk_str message, uint32_t reading)
{
    mk_message_config c;
    mk_message_event ev;
    mk_message *m;
    mk_message_config_init(&c, sizeof c);
    c.reading = reading;
    size_t need = mk_message_need(&c);
    void *mem = malloc(need);
    assert_int_equal(mk_message_open(&c, mem, need, &m), MK_OK);
    mk_str in = mk_str_sub(message, 0, 0);
    uint64_t before = cost_steps();
    mk_err err = MK_WAIT;
    for (size_t at = 1; err != MK_END; at++) {
        in.len = (size_t)(message.ptr + at - in.ptr);
        if (at == message.len) {
            mk_message_in_eof(m);
        }
        do {
            err = mk_message_step(m, &in, &ev);
        } while (err == MK_OK);
    }
    uint64_t steps = cost_steps() - before;
    free(mem);
    return steps;
}

static void sec_063_readings_one_by_one_cost_twice_for_twice(void **state)
{
    static const char *const pieces[] = {" ",   "\t",   " x\r\n",
                                         " \r", "--b ", "\r\n--b \t"};
    static const char *const heads[] = {"A: b\r\n", " ", MIXED,
                                        MIXED "--b\r\n"};
    (void)state;
    for (size_t i = 0; i < 24; i++) {
        for (uint32_t reading = 1; reading < 256; reading *= 2) {
            uint64_t steps[2];
            for (size_t k = 0; k < 2; k++) {
                text t = {0};
                text_z(&t, heads[i % 4]);
                while (t.len < (k + 1) * (SMALL / 4)) {
                    text_z(&t, pieces[i / 4]);
                }
                steps[k] = one_by_one(text_view(&t), reading);
                text_free(&t);
            }
            assert_true(steps[1] <= steps[0] * 2 + steps[0] / 5);
        }
    }
}

/* Decoded into little room again and again, or at once: base64 that stops, and
 * white space that may end a line. */
static void sec_064_room_does_not_make_it_dear(void **state)
{
    static const struct {
        const char *piece;
        mk_encoding encoding;
        size_t room;
    } rows[] = {
        {"QUJD", MK_ENCODING_BASE64, 8},
        {"QUJD\r\n", MK_ENCODING_BASE64, 8},
        {" ", MK_ENCODING_BASE64, 8},
        {"=", MK_ENCODING_BASE64, 8},
        {" ", MK_ENCODING_QUOTED_PRINTABLE, 4 * SMALL},
        {"\t ", MK_ENCODING_QUOTED_PRINTABLE, 4 * SMALL},
        {" ", MK_ENCODING_QUOTED_PRINTABLE, 8},
    };
    char *mem = malloc(4 * SMALL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t steps[2];
        for (size_t k = 0; k < 2; k++) {
            text t = {0};
            mk_transfer d;
            while (t.len < (k + 1) * SMALL) {
                text_z(&t, rows[i].piece);
            }
            mk_str in = text_view(&t);
            mk_transfer_init(&d, rows[i].encoding);
            d.stops = true;
            uint64_t before = cost_steps();
            mk_err err = MK_E_ROOM;
            while (err == MK_E_ROOM) {
                mk_buf out;
                mk_buf_init(&out, mem, rows[i].room);
                err = mk_transfer_decode(&d, &in, &out);
            }
            steps[k] = cost_steps() - before;
            text_free(&t);
        }
        assert_true(steps[1] <= steps[0] * 2 + steps[0] / 5);
    }
    free(mem);
}

/* 100 boundaries that are open, each the beginning of the next, and lines that
 * begin with the longest: what a line costs is not their number. */
static void sec_055_open_boundaries_cost_nothing_more(void **state)
{
    static const int opens[] = {1, 99};
    uint64_t steps[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        text t = {0};
        cost c;
        for (int k = opens[i]; k > 0; k--) {
            text_z(&t, "Content-Type: multipart/mixed; boundary=");
            for (int x = 0; x < k + 100; x++) {
                text_z(&t, "x");
            }
            text_z(&t, "\r\n\r\n--");
            for (int x = 0; x < k + 100; x++) {
                text_z(&t, "x");
            }
            text_z(&t, "\r\n");
        }
        size_t head = t.len;
        cost_of(text_view(&t), &c);
        uint64_t before = c.steps;
        while (t.len < head + LARGE) {
            text_z(&t, "--xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
        }
        cost_of(text_view(&t), &c);
        steps[i] = c.steps - before;
        text_free(&t);
    }
    assert_true(steps[1] < 16 * steps[0]);
}

/* Names that share length, first and last octet with known ones, or collide in
 * sums, cost no more than names at random (THREATS 67). */
static uint64_t names(const char *const *list, size_t count)
{
    text t = {0};
    cost c;
    for (size_t i = 0; i < 9000; i++) {
        text_z(&t, list[i % count]);
        text_z(&t, ": x\r\n");
    }
    uint64_t before = cost_steps();
    cost_of(text_view(&t), &c);
    uint64_t steps = (cost_steps() - before) / t.len;
    text_free(&t);
    return steps;
}

static void sec_067_names_that_collide_cost_no_more(void **state)
{
    static const char *const plain[] = {"Qzjwkx", "Lorem", "X-Ipsum", "Dolor"};
    static const char *const colliding[][4] = {
        {"Xubject", "Subjecx", "Sxbject", "Subxect"},
        {"AaAaAaBB", "AaBBAaAa", "BBAaAaAa", "AaAaBBAa"},
        {"Content-Typx", "Content-Txpe", "Content-Tyxe", "Contenx-Type"},
    };
    (void)state;
    uint64_t base = names(plain, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_true(names(colliding[i], 4) <= 2 * base);
    }
}

/* ---- a gibibyte ---------------------------------------------------------- */

static long peak_kib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

typedef struct watch {
    uint64_t events, fields;
    bool is_cut, is_told;
} watch;

/* All of a piece is taken: of a field without end nothing is left. */
static void offer(mk_message *m, mk_str in, watch *w)
{
    mk_message_event ev;
    while (mk_message_step(m, &in, &ev) == MK_OK) {
        w->events++;
        if (ev.type == MK_MESSAGE_FIELD) {
            w->fields++;
            w->is_cut = (ev.field.flags & MK_FIELD_CUT) != 0;
        }
        if (ev.type == MK_MESSAGE_DEFECT) {
            w->is_told |= ev.defect.code == MK_DEFECT_HEADER_FIELD_SIZE;
        }
    }
    assert_int_equal(in.len, 0);
}

/* The same mebibyte over and over, in one field. */
static void gibibyte(const char *piece, uint64_t octets)
{
    text block = {0};
    text first = {0};
    watch w = {0};
    mk_message *m = NULL;
    size_t need = mk_message_need(NULL);
    void *mem = malloc(need);
    while (block.len < 1 << 20) {
        text_z(&block, piece);
    }
    text_z(&first, "Subject: y");
    text_str(&first, text_view(&block));
    assert_int_equal(mk_message_open(NULL, mem, need, &m), MK_OK);
    long before = peak_kib();
    offer(m, text_view(&first), &w);
    for (uint64_t at = first.len; at < octets; at += block.len) {
        offer(m, text_view(&block), &w);
    }
    mk_message_in_eof(m);
    offer(m, mk_str_z("z\r\n\r\nbody"), &w);
    assert_int_equal(w.fields, 1);
    assert_true(w.is_cut && w.is_told);
    assert_true(w.events < 16);
    assert_true(peak_kib() - before < 1024);
    text_free(&first);
    text_free(&block);
    free(mem);
}

static void sec_053_a_gibibyte_in_one_field(void **state)
{
    (void)state;
    gibibyte("x", (uint64_t)1 << 30);
}

/* Offsets and counts beyond what 32 bits hold. */
static void bodies_go_beyond_four_gibibytes(void **state)
{
    enum { MEBIBYTES = 4200 };
    text block = {0};
    mk_message *m = NULL;
    mk_message_event ev;
    mk_part end = {.number = 9};
    size_t need = mk_message_need(NULL);
    void *mem = malloc(need);
    (void)state;
    while (block.len < 1 << 20) {
        text_z(&block, "\n\n\n\n\n\n\n.");
    }
    assert_int_equal(mk_message_open(NULL, mem, need, &m), MK_OK);
    mk_str in = mk_str_z(MIXED "--b\r\n\r\n");
    for (size_t i = 0; i <= MEBIBYTES; i++) {
        while (mk_message_step(m, &in, &ev) == MK_OK) {
        }
        assert_int_equal(in.len, 0);
        in = text_view(&block);
    }
    in = mk_str_z("\r\n--b\r\nA: b\r\n\r\nx");
    mk_message_in_eof(m);
    uint64_t field_at = 0;
    while (mk_message_step(m, &in, &ev) == MK_OK) {
        if (ev.type == MK_MESSAGE_PART_END && ev.part->number == 1) {
            end = *ev.part;
        }
        field_at = ev.type == MK_MESSAGE_FIELD ? ev.field.offset : field_at;
    }
    uint64_t octets = (uint64_t)MEBIBYTES << 20;
    assert_true(end.end - end.body == octets);
    assert_true(end.lines == octets / 8 * 7);
    assert_true(field_at == end.end + 7);
    text_free(&block);
    free(mem);
}

static void sec_053_a_hundred_million_folds(void **state)
{
    uint64_t folds = getenv("MAILKIT_FULL") != NULL ? 100000000 : 10000000;
    (void)state;
    gibibyte("\r\n x", 4 * folds);
    gibibyte("\n ", 2 * folds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_023_addresses_cost_twice_for_twice),
        cmocka_unit_test(sec_052_fields_cost_twice_for_twice),
        cmocka_unit_test(sec_053_a_field_costs_twice_for_twice),
        cmocka_unit_test(sec_054_nesting_costs_twice_for_twice),
        cmocka_unit_test(sec_055_parts_cost_twice_for_twice),
        cmocka_unit_test(sec_056_pieces_cost_twice_for_twice),
        cmocka_unit_test(sec_058_controls_in_words_cost_twice_for_twice),
        cmocka_unit_test(sec_059_words_cost_twice_for_twice),
        cmocka_unit_test(sec_061_authors_cost_twice_for_twice),
        cmocka_unit_test(sec_062_odd_starts_cost_twice_for_twice),
        cmocka_unit_test(sec_065_charsets_cost_twice_for_twice),
        cmocka_unit_test(sec_068_dates_cost_twice_for_twice),
        cmocka_unit_test(others_cost_twice_for_twice),
        cmocka_unit_test(sec_059_what_has_an_end_costs_twice_for_twice),
        cmocka_unit_test(sec_053_octets_one_by_one_cost_twice_for_twice),
        cmocka_unit_test(sec_063_readings_one_by_one_cost_twice_for_twice),
        cmocka_unit_test(sec_064_room_does_not_make_it_dear),
        cmocka_unit_test(sec_055_open_boundaries_cost_nothing_more),
        cmocka_unit_test(sec_067_names_that_collide_cost_no_more),
        cmocka_unit_test(sec_053_a_gibibyte_in_one_field),
        cmocka_unit_test(sec_053_a_hundred_million_folds),
        cmocka_unit_test(bodies_go_beyond_four_gibibytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
