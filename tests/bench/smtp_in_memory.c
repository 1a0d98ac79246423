/* SPDX-License-Identifier: MIT
 *
 * smtp_in_memory.c: how fast the two SMTP machines talk when nothing stands
 * between them but one copy of the octets: messages a second and nanoseconds
 * an octet for small, middle and large messages, beside memcpy of the same
 * octets. It asserts that the messages arrive, and nothing about speed.
 */
#include <mailkit/smtp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { WIRE = 65536, LARGEST = 4 << 20 };

typedef struct wire {
    char bytes[WIRE];
    size_t n;
} wire;

typedef struct bench {
    mk_engine *server, *client;
    wire to_server, to_client;
    mk_str message;
    mk_str recipient;
    mk_smtp_envelope envelope;
    uint64_t octets;   /* of body that the server saw */
    unsigned wanted;   /* messages to send */
    unsigned sent;     /* messages taken */
    unsigned accepted; /* messages that the server said yes to */
    bool is_ready;
} bench;

static char text[LARGEST];
static const size_t sizes[] = {300, 4096, 65536, LARGEST};

/* Lines of 78 octets and CRLF; each twentieth begins with a dot. */
static void fill(void)
{
    for (size_t i = 0; i < LARGEST; i++) {
        size_t column = i % 80;
        bool is_dot = column == 0 && i / 80 % 20 == 0;
        text[i] = (char)(column == 78   ? '\r'
                         : column == 79 ? '\n'
                         : is_dot       ? '.'
                                        : (int)('a' + i % 26));
    }
}

static void serve(bench *b, const mk_event *ev)
{
    static const mk_str none = {NULL, 0};
    if (ev->type == MK_EV_BODY) {
        b->octets += ev->data.len;
        b->accepted += (ev->flags & MK_LAST) != 0;
    }
    if ((ev->flags & MK_ASK) != 0) {
        (void)mk_reply(b->server, ev->op, MK_ANSWER_YES, none, none);
    }
}

static void next_message(bench *b)
{
    mk_op op;
    if (b->sent == b->wanted) {
        (void)mk_smtp_client_quit(b->client, &op);
    } else {
        (void)mk_smtp_client_send(b->client, &b->envelope, &op);
    }
}

static void send_it(bench *b, const mk_event *ev)
{
    if (ev->type == MK_EV_SMTP_READY) {
        b->is_ready = true;
        next_message(b);
    } else if (ev->type == MK_EV_WANTED && (ev->flags & MK_LAST) == 0) {
        (void)mk_body(b->client, ev->op, b->message, true);
    } else if (ev->type == MK_EV_DONE && b->is_ready && b->sent < b->wanted) {
        if (ev->err != MK_OK) {
            printf("message %u: %s\n", b->sent, mk_err_text(ev->err));
            exit(1);
        }
        b->sent++;
        next_message(b);
    }
}

static bool run(bench *b, mk_engine *e, wire *input,
                void (*application)(bench *, const mk_event *))
{
    mk_str view = mk_str_of(input->bytes, input->n);
    mk_event ev;
    mk_err err;
    while ((err = mk_step(e, 0, &view, &ev)) == MK_OK) {
        application(b, &ev);
    }
    memmove(input->bytes, view.ptr, view.len);
    input->n = view.len;
    return err == MK_END;
}

static size_t carry(mk_engine *sender, wire *to)
{
    mk_str spans[16];
    size_t sum = 0;
    size_t n;
    while (to->n < WIRE && (n = mk_out(sender, 0, spans, 16)) > 0) {
        size_t moved = 0;
        for (size_t i = 0; i < n && to->n < WIRE; i++) {
            size_t room = WIRE - to->n;
            size_t len = spans[i].len < room ? spans[i].len : room;
            memcpy(to->bytes + to->n, spans[i].ptr, len);
            to->n += len;
            moved += len;
        }
        (void)mk_out_sent(sender, moved);
        sum += moved;
    }
    return sum;
}

/* One session; the nanoseconds it took. */
static uint64_t session(bench *b, const mk_smtp_server_config *sc,
                        const mk_smtp_client_config *cc)
{
    static uint64_t server_mem[MK_SMTP_SERVER_NEED / 8];
    static uint64_t client_mem[MK_SMTP_CLIENT_NEED / 8];
    uint64_t began = bench_ns();
    size_t moved;
    if (mk_smtp_server_open(sc, server_mem, sizeof server_mem, &b->server) ||
        mk_smtp_client_open(cc, client_mem, sizeof client_mem, &b->client)) {
        printf("the machines do not open\n");
        exit(1);
    }
    do {
        (void)run(b, b->server, &b->to_server, serve);
        (void)run(b, b->client, &b->to_client, send_it);
        moved = carry(b->server, &b->to_client);
        moved += carry(b->client, &b->to_server);
    } while (moved > 0);
    mk_close(b->server);
    mk_close(b->client);
    return bench_ns() - began;
}

/* The same octets, copied in pieces of the wire's size. */
static uint64_t copy(size_t size, unsigned times, wire *to)
{
    uint64_t began = bench_ns();
    for (unsigned i = 0; i < times; i++) {
        for (size_t at = 0; at < size; at += WIRE) {
            size_t n = size - at < WIRE ? size - at : WIRE;
            memcpy(to->bytes, text + at, n);
            __asm__ volatile("" : : "r"(to->bytes) : "memory");
        }
    }
    return bench_ns() - began;
}

int main(void)
{
    static bench b;
    mk_smtp_server_config sc;
    mk_smtp_client_config cc;
    (void)mk_smtp_server_config_init(&sc, sizeof sc);
    (void)mk_smtp_client_config_init(&cc, sizeof cc);
    sc.hostname = mk_str_z("mx.example");
    sc.messages_max = UINT32_MAX;
    cc.hostname = mk_str_z("client.example");
    fill();
    printf("%10s %12s %12s %10s %10s\n", "octets", "messages/s", "ns/message",
           "ns/octet", "x memcpy");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned times = (unsigned)((256u << 20) / (sizes[i] + 8192));
        memset(&b, 0, sizeof b);
        b.wanted = times;
        /* whole lines only */
        b.message = mk_str_of(text, sizes[i] - sizes[i] % 80);
        b.recipient = mk_str_z("bob@mx.example");
        (void)mk_smtp_envelope_init(&b.envelope, sizeof b.envelope);
        b.envelope.reverse_path = mk_str_z("ann@client.example");
        b.envelope.forward_paths = &b.recipient;
        b.envelope.forward_count = 1;
        uint64_t ns = session(&b, &sc, &cc);
        uint64_t base = copy(b.message.len, times, &b.to_server);
        if (b.sent != times || b.accepted != times ||
            b.octets != (uint64_t)times * b.message.len) {
            printf("%u of %u messages arrived\n", b.accepted, times);
            return 1;
        }
        double per = (double)ns / times;
        printf("%10zu %12.0f %12.0f %10.3f %10.1f\n", b.message.len, 1e9 / per,
               per, per / (double)b.message.len,
               (double)ns / (double)(base ? base : 1));
    }
    return 0;
}
