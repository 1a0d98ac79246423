/* SPDX-License-Identifier: MIT
 *
 * sink_uv.c: an SMTP server (RFC 5321) on libuv that takes every message and
 * throws it away, to show the three calls of a service: open an engine for a
 * connection, answer what it asks, close it. It keeps and relays nothing.
 * Usage: sink_uv [IPV4-ADDRESS:]PORT; port 0 is any.
 */
#include <mailkit/smtp.h>
#include <mailkit/uv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

typedef struct sink {
    mk_smtp_server_config smtp; /* shared by all connections */
    mk_host *host;
    size_t need; /* octets an engine needs */
} sink;

/* A connection came: an engine in one block, which is the session as well. */
static mk_err sink_open(void *self, mk_conn *conn, const mk_peer *peer,
                        mk_engine **out_engine, void **out_session,
                        mk_str *out_refusal)
{
    sink *s = self;
    void *mem = malloc(s->need);
    mk_err r = mk_smtp_server_open(&s->smtp, mem, s->need, out_engine);

    (void)conn;
    (void)peer;
    if (r != MK_OK) {
        free(mem);
        *out_refusal = mk_str_z("421 4.3.2 no memory\r\n");
    }
    *out_session = mem;
    return r;
}

/* The engine tells and asks. What is asked (MAIL, RCPT and the end of the
 * message) is answered with yes; octets of the body are in event->data. */
static void sink_event(void *session, const mk_event *event)
{
    if ((event->flags & MK_ASK) != 0) {
        (void)mk_reply(session, event->op, MK_ANSWER_YES, mk_str_z(""),
                       mk_str_z(""));
    }
}

static void sink_closed(void *session, mk_err why)
{
    (void)why;
    mk_close(session);
    free(session);
}

/* No new connections, 421 to those that are there; then uv_run returns. */
static void on_term(uv_signal_t *handle, int number)
{
    (void)number;
    mk_uv_stop(handle->data);
}

static mk_err sink_listen(sink *s, mk_service *service, char *arg)
{
    char *colon = strrchr(arg, ':');
    const char *address = colon == NULL ? "127.0.0.1" : arg;
    uint64_t number;
    uint16_t port;
    mk_err r = mk_str_u64(mk_str_z(colon == NULL ? arg : colon + 1), &number);

    if (r != MK_OK || number > 65535) {
        return MK_E_ARG;
    }
    if (colon != NULL) {
        *colon = '\0';
    }
    r = mk_uv_listen(s->host, address, (uint16_t)number, service, &port);
    if (r == MK_OK) {
        (void)printf("listening smtp %s:%u\nready\n", address, (unsigned)port);
        (void)fflush(stdout);
    }
    return r;
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_signal_t term;
    mk_uv_config config;
    sink s;
    mk_service service = {
        .self = &s,
        .open = sink_open,
        .event = sink_event,
        .closed = sink_closed,
        .busy = MK_STR_INIT("421 4.3.2 too many connections\r\n")};
    mk_err r;

    (void)mk_uv_config_init(&config, sizeof config);
    config.max_per_address = config.max_connections;
    r = argc == 2 ? mk_uv_host_open(loop, &config, &s.host) : MK_E_ARG;
    if (r == MK_OK) {
        (void)mk_smtp_server_config_init(&s.smtp, sizeof s.smtp);
        s.smtp.hostname = mk_str_z("sink.example");
        s.smtp.units = mk_uv_host_units(s.host);
        s.smtp.messages_max = UINT32_MAX; /* a sink is never tired */
        s.need = mk_smtp_server_need(&s.smtp);
        r = sink_listen(&s, &service, argv[1]);
    }
    if (r != MK_OK) {
        (void)fprintf(stderr, "sink_uv [ADDRESS:]PORT: %s\n", mk_err_text(r));
        return 64;
    }
    (void)uv_signal_init(loop, &term);
    term.data = s.host;
    (void)uv_signal_start(&term, on_term, SIGTERM);
    uv_unref((uv_handle_t *)&term);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    mk_uv_host_close(s.host);
    return uv_run(loop, UV_RUN_DEFAULT); /* the last handles go: 0 */
}
