/* SPDX-License-Identifier: MIT
 *
 * pop3_in_memory.c: what the two POP3 machines cost when messages of 100 KiB
 * are fetched with pipelined RETRs: the server, whose octets are copied to a
 * wire as a socket would, and the client, which is offered them where they
 * lie. Both beside memcpy of the same octets to the same wire, in turn in the
 * same run. It asserts that the messages arrive, and nothing about speed.
 */
#include <mailkit/pop3.h>
#include <mailkit/sasl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum {
    WIRE = 65536,
    MESSAGE = 102400,
    REPLY = MESSAGE + 4096,
    UNDER_WAY = 16, /* commands */
    MESSAGES = 512,
    ROUNDS = 9
};

/* Either one message again and again, which lies in a cache, or as many as
 * are fetched, which do not. */
static char *messages, *replies; /* to RETR, as they go over the wire */
static size_t kept, reply_len;
static char wire[WIRE];

static void fail(const char *what)
{
    printf("%s\n", what);
    exit(1);
}

static void expect(bool holds, const char *what)
{
    if (!holds) {
        fail(what);
    }
}

static const char *message_at(size_t i)
{
    return messages + i % kept * MESSAGE;
}

/* Lines of 78 octets and CRLF; each twentieth begins with a dot, if any. */
static void fill_one(char *message, char *reply, bool has_dots)
{
    reply_len = 5;
    memcpy(reply, "+OK\r\n", 5);
    for (size_t i = 0; i < MESSAGE; i++) {
        size_t column = i % 80;
        bool is_dot = has_dots && column == 0 && i / 80 % 20 == 0;
        message[i] = (char)(column == 78   ? '\r'
                            : column == 79 ? '\n'
                            : is_dot       ? '.'
                                           : (int)('a' + i % 26));
        if (is_dot) {
            reply[reply_len++] = '.';
        }
        reply[reply_len++] = message[i];
    }
    memcpy(reply + reply_len, ".\r\n", 3);
    reply_len += 3;
}

static void fill(size_t count, bool has_dots)
{
    kept = count;
    for (size_t i = 0; i < count; i++) {
        fill_one(messages + i * MESSAGE, replies + i * REPLY, has_dots);
    }
}

/* ---- the server ---------------------------------------------------------- */

static unsigned lent;
static unsigned given; /* messages that the server wanted no more of */

static void serve(mk_engine *e, const mk_event *ev)
{
    static const mk_str none = {NULL, 0};
    switch (ev->type) {
    case MK_EV_SASL:
        (void)mk_sasl_answer(e, ev->op, MK_ANSWER_YES, NULL);
        break;
    case MK_EV_POP3_OPEN:
        (void)mk_pop3_server_maildrop(e, ev->op, 1, MESSAGE);
        break;
    case MK_EV_WANTED:
        if ((ev->flags & MK_LAST) == 0) {
            (void)mk_body(e, ev->op, mk_str_of(message_at(lent++), MESSAGE),
                          true);
        } else {
            given++;
        }
        break;
    default:
        if ((ev->flags & MK_ASK) != 0) {
            (void)mk_reply(e, ev->op, MK_ANSWER_YES, none, none);
        }
    }
}

/* What is queued goes to the wire; how much that was. */
static size_t send_all(mk_engine *e)
{
    mk_str spans[16];
    size_t sum = 0;
    size_t n;
    while ((n = mk_out(e, 0, spans, 16)) > 0) {
        size_t at = 0;
        size_t moved = 0;
        for (size_t i = 0; i < n && at < WIRE; i++) {
            size_t len = spans[i].len < WIRE - at ? spans[i].len : WIRE - at;
            memcpy(wire + at, spans[i].ptr, len);
            at += len;
            moved += len;
        }
        __asm__ volatile("" : : "r"(wire) : "memory");
        (void)mk_out_sent(e, moved);
        sum += moved;
    }
    return sum;
}

/* The octets that came of some commands. */
static size_t command(mk_engine *e, const char *lines)
{
    mk_str input = mk_str_z(lines);
    mk_event ev;
    size_t sum = 0;
    size_t moved;
    do {
        while (mk_step(e, 0, &input, &ev) == MK_OK) {
            serve(e, &ev);
        }
        moved = send_all(e);
        sum += moved;
    } while (moved > 0 || (mk_want(e) & MK_WANT_STEP) != 0);
    expect(input.len == 0, "a command is left over");
    return sum;
}

static uint64_t run_server(const mk_pop3_server_config *c)
{
    static uint64_t mem[(1 << 16) / 8];
    char lines[UNDER_WAY * 8 + 1];
    mk_engine *e;
    size_t sum = 0;
    expect(mk_pop3_server_open(c, mem, sizeof mem, &e) == MK_OK, "no server");
    (void)command(e, ""); /* the greeting */
    (void)command(e, "USER ann\r\nPASS secret\r\n");
    for (unsigned i = 0; i < UNDER_WAY; i++) {
        memcpy(lines + i * 8, "RETR 1\r\n", 9);
    }
    lent = given = 0;
    uint64_t began = bench_ns();
    for (unsigned i = 0; i < MESSAGES; i += UNDER_WAY) {
        sum += command(e, lines);
    }
    uint64_t ns = bench_ns() - began;
    expect(given == MESSAGES, "not all messages were given");
    expect(sum >= (reply_len - 5) * MESSAGES, "octets are missing");
    mk_close(e);
    return ns;
}

/* ---- the client ---------------------------------------------------------- */

typedef struct fetch {
    mk_engine *client;
    unsigned asked, heard, done;
    uint64_t octets;
} fetch;

static void ask(fetch *f)
{
    mk_op op;
    if (f->asked < MESSAGES &&
        mk_pop3_client_command(f->client, MK_POP3_VERB_RETR, 1, 0, &op) ==
            MK_OK) {
        f->asked++;
    }
}

static void take(fetch *f, const mk_event *ev)
{
    if (ev->type == MK_EV_POP3_READY) {
        for (unsigned i = 0; i < UNDER_WAY; i++) {
            ask(f);
        }
    } else if (ev->type == MK_EV_BODY) {
        f->octets += ev->data.len;
    } else if (ev->type == MK_EV_DONE) {
        expect(ev->err == MK_OK, "a message is missing");
        f->done++;
        ask(f);
    }
}

/* Offer octets where they lie, as many at once as a read gives. */
static void offer(fetch *f, const char *octets, size_t n)
{
    mk_event ev;
    size_t from = 0;
    for (size_t to = 0; to < n;) {
        to = n - to > WIRE ? to + WIRE : n;
        mk_str view = mk_str_of(octets + from, to - from);
        while (mk_step(f->client, 0, &view, &ev) == MK_OK) {
            take(f, &ev);
        }
        from = to - view.len;
    }
    expect(from == n, "octets are left over");
}

/* What a server says to the lines of the client. */
static void answer(fetch *f, const char *lines, size_t n)
{
    static const char capa[] = "+OK\r\nUSER\r\nPIPELINING\r\n.\r\n";
    for (size_t at = 0; at < n; at++) {
        if (lines[at] == 'R') {
            offer(f, replies + f->heard++ % kept * REPLY, reply_len);
        } else if (lines[at] == 'C') {
            offer(f, capa, sizeof capa - 1);
        } else {
            offer(f, "+OK\r\n", 5);
        }
        while (lines[at] != '\n') {
            at++;
        }
    }
}

static size_t hear(mk_engine *e, char *lines, size_t room)
{
    mk_str span;
    size_t n = 0;
    while (mk_out(e, 0, &span, 1) > 0 && span.len <= room - n) {
        memcpy(lines + n, span.ptr, span.len);
        n += span.len;
        (void)mk_out_sent(e, span.len);
    }
    return n;
}

static uint64_t run_client(const mk_pop3_client_config *c)
{
    static uint64_t mem[(1 << 16) / 8];
    static char lines[4096];
    fetch f = {NULL, 0, 0, 0, 0};
    expect(mk_pop3_client_open(c, mem, sizeof mem, &f.client) == MK_OK,
           "no client");
    uint64_t began = bench_ns();
    offer(&f, "+OK\r\n", 5);
    for (size_t n = 1; n > 0 && f.done < MESSAGES;) {
        n = hear(f.client, lines, sizeof lines);
        answer(&f, lines, n);
    }
    uint64_t ns = bench_ns() - began;
    expect(f.done == MESSAGES, "not all messages came");
    expect(f.octets == (uint64_t)MESSAGE * MESSAGES, "octets are missing");
    mk_close(f.client);
    return ns;
}

/* ---- beside memcpy ------------------------------------------------------- */

static uint64_t run_copy(void)
{
    uint64_t began = bench_ns();
    for (unsigned i = 0; i < MESSAGES; i++) {
        for (size_t at = 0; at < MESSAGE; at += WIRE) {
            size_t n = MESSAGE - at < WIRE ? MESSAGE - at : WIRE;
            memcpy(wire, message_at(i) + at, n);
            __asm__ volatile("" : : "r"(wire) : "memory");
        }
    }
    return bench_ns() - began;
}

static void lower(uint64_t *io_best, uint64_t ns)
{
    *io_best = ns < *io_best ? ns : *io_best;
}

static void row(const char *what, uint64_t ns, uint64_t copy)
{
    double octets = (double)MESSAGE * MESSAGES;
    printf("%-28s %12.0f %10.3f %10.2f\n", what, MESSAGES * 1e9 / (double)ns,
           (double)ns / octets, (double)copy / (double)ns);
}

static void measure(const char *server, const char *client,
                    const mk_pop3_server_config *sc,
                    const mk_pop3_client_config *cc, size_t count, bool dots)
{
    uint64_t best[3] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    fill(count, dots);
    for (unsigned i = 0; i < ROUNDS; i++) {
        lower(&best[0], run_server(sc));
        lower(&best[1], run_copy());
        lower(&best[2], run_client(cc));
    }
    row(server, best[0], best[1]);
    row(client, best[2], best[1]);
}

static mk_err no_random(void *self, void *out, size_t n)
{
    (void)self;
    memset(out, 0, n);
    return MK_OK;
}

int main(void)
{
    static const mk_random random = {NULL, no_random};
    mk_sasl_server_config ss;
    mk_sasl_client_config cs;
    mk_pop3_server_config sc;
    mk_pop3_client_config cc;
    (void)mk_sasl_server_config_init(&ss, sizeof ss);
    (void)mk_sasl_client_config_init(&cs, sizeof cs);
    (void)mk_pop3_server_config_init(&sc, sizeof sc);
    (void)mk_pop3_client_config_init(&cc, sizeof cc);
    ss.mechanisms = cs.mechanisms = MK_SASL_PLAIN;
    ss.is_clear_allowed = cs.is_clear_allowed = true;
    ss.crypto = cs.crypto = mk_crypto_mbedtls();
    ss.random = cs.random = &random;
    cs.authcid = mk_str_z("ann");
    cs.password = mk_str_z("secret");
    sc.hostname = mk_str_z("mx.example");
    sc.sasl = &ss;
    cc.sasl = &cs;
    messages = malloc((size_t)MESSAGES * MESSAGE);
    replies = malloc((size_t)MESSAGES * REPLY);
    expect(messages != NULL && replies != NULL, "no memory");
    printf("%-28s %12s %10s %10s\n", "RETR of 100 KiB", "messages/s",
           "ns/octet", "of memcpy");
    measure("server, one again and again", "client, one again and again", &sc,
            &cc, 1, false);
    measure("server, many", "client, many", &sc, &cc, MESSAGES, false);
    measure("server, many with dots", "client, many with dots", &sc, &cc,
            MESSAGES, true);
    free(messages);
    free(replies);
    return 0;
}
