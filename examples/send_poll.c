/* SPDX-License-Identifier: MIT
 *
 * send_poll.c: send one message over one blocking connection; a whole mail
 * client on a page. No heap: engine, input and a block of body are static.
 *     send_poll HOST PORT SENDER RECIPIENT <message-with-CRLF-line-ends
 * prints each reply of the server; returns 0 when the message was taken. */
#include <mailkit/net.h>
#include <mailkit/smtp.h>

#include <stdio.h>
#include <stdlib.h>

static uint64_t engine_block[MK_SMTP_CLIENT_NEED / 8];
static char input[4096];
static char body[16384];

static void show(const mk_event *ev)
{
    const mk_smtp_reply *reply = ev->of.smtp->reply;
    char line[256];
    mk_buf b;

    mk_buf_init(&b, line, sizeof line);
    mk_buf_add_escaped(&b, reply->text, 60); /* the server may be hostile */
    printf("%s: %u %.*s\n", mk_smtp_verb_name(ev->of.smtp->verb),
           (unsigned)reply->code, (int)b.len, b.ptr);
}

/* One block at a time: it is ours again when the next event wants more. */
static void lend(mk_engine *e, mk_op op)
{
    size_t n = fread(body, 1, sizeof body, stdin);

    if (ferror(stdin) || mk_body(e, op, mk_str_of(body, n), feof(stdin) != 0)) {
        mk_cancel(e, op); /* ends the session without the final dot */
    }
}

int main(int argc, char **argv)
{
    mk_smtp_client_config config;
    mk_smtp_envelope envelope;
    mk_err outcome = MK_E_CUT; /* until we know better */
    mk_str recipient = mk_str_z(argc > 4 ? argv[4] : NULL);
    mk_engine *e;
    mk_event ev;
    mk_poll p;
    mk_op op;
    int fd;

    mk_smtp_client_config_init(&config, sizeof config);
    config.hostname = mk_str_z("localhost");
    mk_smtp_envelope_init(&envelope, sizeof envelope);
    envelope.reverse_path = mk_str_z(argc > 3 ? argv[3] : NULL);
    envelope.forward_paths = &recipient;
    envelope.forward_count = 1;
    if (argc != 5 ||
        mk_smtp_client_open(&config, engine_block, sizeof engine_block, &e) ||
        mk_poll_connect(argv[1], (uint16_t)strtoul(argv[2], NULL, 10), 30000,
                        &fd) ||
        mk_poll_open(&p, fd, e, input, sizeof input)) {
        return 2;
    }
    while (mk_poll_next(&p, &ev) == MK_OK) {
        if (ev.type == MK_EV_SMTP_READY) {
            outcome = mk_smtp_client_send(e, &envelope, &op);
            mk_finish(e, mk_str_z(NULL)); /* QUIT when that is through */
        } else if (ev.type == MK_EV_WANTED && (ev.flags & MK_LAST) == 0) {
            lend(e, ev.op);
        } else if (ev.type == MK_EV_SMTP_REPLY) {
            show(&ev);
        } else if (ev.type == MK_EV_DONE) {
            outcome = ev.err;
        }
    }
    mk_close(e);
    printf("%s\n", mk_err_text(outcome));
    return outcome != MK_OK;
}
