/* SPDX-License-Identifier: MIT
 *
 * smtp_send.c: the SMTP client over mk_poll as a load:
 *     bench_smtp_send PORT N SIZE MANY
 * sends N messages of SIZE octets to 127.0.0.1:PORT, over one connection when
 * MANY is 1, else over one each. A message is one span; the next one is sent as
 * soon as the body of this one is lent, so that its commands go out behind the
 * final dot (RFC 2920 3.1). Ends with 1 unless each was accepted.
 */
#include <mailkit/net.h>
#include <mailkit/smtp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 78 };

typedef struct load {
    mk_smtp_client_config config;
    mk_smtp_envelope envelope;
    mk_str message;
    uint64_t begun, done; /* messages, over all connections */
    uint64_t target;      /* of this connection */
    uint16_t port;
} load;

static uint64_t engine_block[MK_SMTP_CLIENT_NEED / 8];
static char input[65536];

static mk_str make_message(size_t size)
{
    static const char header[] =
        "From: a@bench.test\r\nTo: b@bench.test\r\nSubject: x\r\n\r\n";
    char *text = malloc(size + sizeof header + LINE + 2);
    size_t n = sizeof header - 1;
    if (text == NULL) {
        exit(1);
    }
    memcpy(text, header, n);
    while (n < size) {
        memset(text + n, 'X', LINE);
        memcpy(text + n + LINE, "\r\n", 2);
        n += LINE + 2;
    }
    return mk_str_of(text, n);
}

/* Ends the session when there is nothing more to send on it. */
static bool send_next(load *l, mk_engine *e)
{
    mk_op op;
    if (l->begun == l->target) {
        mk_finish(e, mk_str_z(NULL));
        return true;
    }
    l->begun++;
    return mk_smtp_client_send(e, &l->envelope, &op) == MK_OK;
}

static bool handle(load *l, mk_engine *e, const mk_event *ev)
{
    switch (ev->type) {
    case MK_EV_SMTP_READY:
        return send_next(l, e);
    case MK_EV_WANTED:
        /* the second time it is there to be given back */
        return (ev->flags & MK_LAST) != 0 || ev->size == 0 ||
               (mk_body(e, ev->op, l->message, true) == MK_OK &&
                send_next(l, e));
    case MK_EV_DONE:
        l->done += ev->err == MK_OK ? 1 : 0;
        return ev->err == MK_OK;
    default:
        return true;
    }
}

static bool converse(load *l)
{
    mk_engine *e;
    mk_event ev;
    mk_poll p;
    int fd;
    bool good = true;
    if (mk_smtp_client_open(&l->config, engine_block, sizeof engine_block,
                            &e) != MK_OK ||
        mk_poll_connect("127.0.0.1", l->port, 30000, &fd) != MK_OK ||
        mk_poll_open(&p, fd, e, input, sizeof input) != MK_OK) {
        return false;
    }
    while (good && mk_poll_next(&p, &ev) == MK_OK) {
        good = handle(l, e, &ev);
    }
    mk_poll_close(&p);
    mk_close(e);
    return good && l->done == l->target;
}

int main(int argc, char **argv)
{
    static load l;
    static mk_str recipient;
    bool good = argc == 5;
    if (!good) {
        return 2;
    }
    uint64_t count = strtoull(argv[2], NULL, 10);
    bool is_many = strcmp(argv[4], "1") == 0;
    l.port = (uint16_t)strtoul(argv[1], NULL, 10);
    l.message = make_message(strtoul(argv[3], NULL, 10));
    recipient = mk_str_z("b@bench.test");
    mk_smtp_client_config_init(&l.config, sizeof l.config);
    l.config.hostname = mk_str_z("localhost");
    mk_smtp_envelope_init(&l.envelope, sizeof l.envelope);
    l.envelope.reverse_path = mk_str_z("a@bench.test");
    l.envelope.forward_paths = &recipient;
    l.envelope.forward_count = 1;
    while (good && l.done < count) {
        l.target = is_many ? count : l.done + 1;
        good = converse(&l);
    }
    free((void *)(uintptr_t)l.message.ptr);
    return good ? 0 : 1;
}
