/* SPDX-License-Identifier: MIT
 *
 * engine_to_engine.c: both SMTP machines talk to each other in memory: no
 * socket, no thread, no clock, no heap. It shows the whole contract of
 * engine.h: step until WAIT, answer what is asked, carry bytes, acknowledge.
 * Usage: engine_to_engine   (prints the dialogue and what was delivered)
 */
#include <mailkit/smtp.h>

#include <stdio.h>
#include <string.h>

enum { WIRE = 4096 };

/* One direction of the wire: bytes sent and not yet consumed. */
typedef struct wire {
    char bytes[WIRE];
    size_t n;
} wire;

static const char message[] = "From: Ann <ann@client.example>\r\n"
                              "Subject: hello\r\n\r\n"
                              "A line.\r\n.A line that begins with a dot.\r\n";

/* Carry what one engine has to say to the other one's input. */
static size_t carry(mk_engine *sender, wire *to, const char *who)
{
    mk_str span;
    size_t sum = 0;
    while (mk_out(sender, 0, &span, 1) == 1 && span.len <= WIRE - to->n) {
        printf("%s %.*s%s", who, (int)span.len, span.ptr,
               span.ptr[span.len - 1] == '\n' ? "" : "~\n");
        memcpy(to->bytes + to->n, span.ptr, span.len);
        to->n += span.len;
        sum += span.len;
        (void)mk_out_sent(sender, span.len);
    }
    return sum;
}

/* The server's application: everybody at server.example is known. */
static void serve(mk_engine *server, const mk_event *ev)
{
    static const mk_str none = {NULL, 0};
    if (ev->type == MK_EV_BODY && ev->data.len > 0) {
        printf("   delivered: %.*s", (int)ev->data.len, ev->data.ptr);
    }
    if ((ev->flags & MK_ASK) == 0) {
        return;
    }
    bool known =
        ev->type != MK_EV_SMTP_RCPT ||
        mk_str_is_nocase(ev->of.smtp->path->domain, mk_str_z("server.example"));
    (void)mk_reply(server, ev->op, known ? MK_ANSWER_YES : MK_ANSWER_NO, none,
                   none);
}

/* The client's application: one message to two recipients, then QUIT. */
static void send_it(mk_engine *client, const mk_event *ev)
{
    static mk_str to[2];
    static mk_smtp_envelope envelope;
    static mk_op sending;
    mk_op op;
    switch (ev->type) {
    case MK_EV_SMTP_READY:
        to[0] = mk_str_z("bob@server.example");
        to[1] = mk_str_z("eve@elsewhere.example");
        (void)mk_smtp_envelope_init(&envelope, sizeof envelope);
        envelope.reverse_path = mk_str_z("ann@client.example");
        envelope.forward_paths = to;
        envelope.forward_count = 2;
        (void)mk_smtp_client_send(client, &envelope, &sending);
        break;
    case MK_EV_WANTED:
        if ((ev->flags & MK_LAST) == 0) {
            (void)mk_body(client, ev->op, mk_str_z(message), true);
        }
        break;
    case MK_EV_DONE:
        if (ev->op == sending) {
            printf("   outcome: %s, %u of 2 recipients\n", mk_err_text(ev->err),
                   (unsigned)ev->of.smtp->accepted);
            (void)mk_smtp_client_quit(client, &op);
        }
        break;
    default:
        break;
    }
}

/* Step until WAIT; keep what was not consumed. */
static bool run(mk_engine *e, wire *input,
                void (*application)(mk_engine *, const mk_event *))
{
    mk_str view = mk_str_of(input->bytes, input->n);
    mk_event ev;
    mk_err err;
    while ((err = mk_step(e, 0, &view, &ev)) == MK_OK) {
        application(e, &ev);
    }
    memmove(input->bytes, view.ptr, view.len);
    input->n = view.len;
    return err == MK_END;
}

int main(void)
{
    static uint64_t server_mem[MK_SMTP_SERVER_NEED / 8];
    static uint64_t client_mem[MK_SMTP_CLIENT_NEED / 8];
    static wire to_server, to_client;
    mk_smtp_server_config sc;
    mk_smtp_client_config cc;
    mk_engine *server, *client;
    (void)mk_smtp_server_config_init(&sc, sizeof sc);
    (void)mk_smtp_client_config_init(&cc, sizeof cc);
    sc.hostname = mk_str_z("mx.server.example");
    cc.hostname = mk_str_z("client.example");
    if (mk_smtp_server_open(&sc, server_mem, sizeof server_mem, &server) < 0 ||
        mk_smtp_client_open(&cc, client_mem, sizeof client_mem, &client) < 0) {
        return 1;
    }
    bool server_over, client_over;
    size_t moved;
    do {
        server_over = run(server, &to_server, serve);
        client_over = run(client, &to_client, send_it);
        moved = carry(server, &to_client, "S:");
        moved += carry(client, &to_server, "C:");
    } while (moved > 0);
    mk_close(server);
    mk_close(client);
    return server_over && client_over ? 0 : 1;
}
