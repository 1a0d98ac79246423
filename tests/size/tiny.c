/* SPDX-License-Identifier: MIT
 *
 * tiny.c: the smallest program that sends a message: the SMTP client, the
 * poll driver, standard input as the body, and nothing else. size.sh builds
 * it to tell what the client costs an appliance; it is no example.
 */
#include <mailkit/net.h>
#include <mailkit/smtp.h>

#include <unistd.h>

static uint64_t block[MK_SMTP_CLIENT_NEED / 8];
static char input[2048];
static char body[2048];

static void lend(mk_engine *e, mk_op op)
{
    ssize_t n = read(STDIN_FILENO, body, sizeof body);

    if (n < 0 || mk_body(e, op, mk_str_of(body, (size_t)n), n == 0) != MK_OK) {
        mk_cancel(e, op);
    }
}

static mk_err converse(mk_engine *e, mk_poll *p,
                       const mk_smtp_envelope *envelope)
{
    mk_err outcome = MK_E_CUT;
    mk_event ev;
    mk_op op;

    while (mk_poll_next(p, &ev) == MK_OK) {
        if (ev.type == MK_EV_SMTP_READY) {
            outcome = mk_smtp_client_send(e, envelope, &op);
            mk_finish(e, mk_str_of(NULL, 0));
        } else if (ev.type == MK_EV_WANTED && (ev.flags & MK_LAST) == 0) {
            lend(e, ev.op);
        } else if (ev.type == MK_EV_DONE) {
            outcome = ev.err;
        }
    }
    return outcome;
}

int main(int argc, char **argv)
{
    mk_smtp_client_config config;
    mk_smtp_envelope envelope;
    mk_str recipient;
    mk_engine *e;
    mk_poll p;
    int fd;

    if (argc != 4) {
        return 2;
    }
    mk_smtp_client_config_init(&config, sizeof config);
    config.hostname = mk_str_of("localhost", 9);
    mk_smtp_envelope_init(&envelope, sizeof envelope);
    recipient = mk_str_z(argv[3]);
    envelope.reverse_path = mk_str_z(argv[2]);
    envelope.forward_paths = &recipient;
    envelope.forward_count = 1;
    if (mk_smtp_client_open(&config, block, sizeof block, &e) != MK_OK ||
        mk_poll_connect(argv[1], 25, 30000, &fd) != MK_OK ||
        mk_poll_open(&p, fd, e, input, sizeof input) != MK_OK) {
        return 2;
    }
    return converse(e, &p, &envelope) != MK_OK;
}
