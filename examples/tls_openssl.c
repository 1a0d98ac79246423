/* SPDX-License-Identifier: MIT
 *
 * tls_openssl.c: OpenSSL in the place of mk_tls_over: STARTTLS by a client
 * engine, with memory BIOs, so that it fits any loop. An engine knows of TLS
 * what mk_tls_begin and mk_tls_done tell it, and not who does it.
 *     tls_openssl NAME PORT TRUST.pem SENDER RECIPIENT <message-with-CRLF
 * returns 0 when a verified server took the message. */
#include <mailkit/net.h> /* for connecting, and its clock */
#include <mailkit/smtp.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static uint64_t engine_block[MK_SMTP_CLIENT_NEED / 8];
static char body[16384];

typedef struct session {
    mk_engine *e;
    int fd;
    SSL *ssl; /* NULL: still in clear */
    bool is_shaking;
    mk_tls_info info;
    char mem[8192]; /* clear octets for the engine */
    size_t len;
} session;

static void shake(session *s)
{
    int r = SSL_do_handshake(s->ssl);
    long verdict = SSL_get_verify_result(s->ssl);
    mk_err err = verdict == X509_V_ERR_HOSTNAME_MISMATCH ? MK_E_CERT_NAME
                 : verdict != X509_V_OK                  ? MK_E_CERT_TRUST
                 : r != 1                                ? MK_E_TLS
                                                         : MK_OK;

    if (r != 1 && SSL_get_error(s->ssl, r) == SSL_ERROR_WANT_READ) {
        return;
    }
    s->is_shaking = false;
    s->info.size = sizeof s->info;
    s->info.is_verified = err == MK_OK;
    s->info.version = mk_str_z(SSL_get_version(s->ssl));
    s->info.cipher = mk_str_z(SSL_get_cipher(s->ssl));
    mk_tls_done(s->e, err, err == MK_OK ? &s->info : NULL);
}

/* MK_EV_TLS_WANTED: nothing in clear may be left over (Law 9). */
static void begin(session *s, SSL_CTX *ctx, const char *name)
{
    if (mk_tls_begin(s->e, s->len) != MK_OK || s->len > 0) {
        return; /* MK_EV_FAULT follows */
    }
    s->ssl = SSL_new(ctx);
    SSL_set_bio(s->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_tlsext_host_name(s->ssl, name);
    SSL_set1_host(s->ssl, name); /* or it would take anybody */
    SSL_set_connect_state(s->ssl);
    s->is_shaking = true;
    shake(s); /* it is we who begin */
}

/* What came, in clear; false when there is nothing without more octets. */
static bool open_sealed(session *s)
{
    int got;

    if (s->is_shaking) {
        shake(s);
    }
    if (s->ssl == NULL || s->is_shaking || s->len == sizeof s->mem) {
        return false;
    }
    ERR_clear_error(); /* SSL_get_error looks there */
    got = SSL_read(s->ssl, s->mem + s->len, (int)(sizeof s->mem - s->len));
    if (got > 0) {
        s->len += (size_t)got;
        return true;
    }
    switch (SSL_get_error(s->ssl, got)) {
    case SSL_ERROR_ZERO_RETURN:
        mk_in_eof(s->e, MK_OK); /* close_notify: the end is orderly */
        break;
    case SSL_ERROR_WANT_READ:
        break;
    default:
        mk_in_eof(s->e, MK_E_TLS);
        break;
    }
    return false;
}

static void flush(session *s)
{
    mk_str span;
    char *sealed;

    while (!s->is_shaking && mk_out(s->e, 0, &span, 1) > 0) {
        if (s->ssl == NULL) {
            (void)send(s->fd, span.ptr, span.len, MSG_NOSIGNAL);
        } else if (SSL_write(s->ssl, span.ptr, (int)span.len) <= 0) {
            break;
        }
        mk_out_sent(s->e, span.len);
    }
    if (s->ssl != NULL) {
        BIO *out = SSL_get_wbio(s->ssl);
        long n = BIO_get_mem_data(out, &sealed);
        (void)send(s->fd, sealed, n > 0 ? (size_t)n : 0, MSG_NOSIGNAL);
        (void)BIO_reset(out);
    }
}

/* Wait for octets, or the engine's deadline, about. */
static void receive(session *s)
{
    char room[4096];
    struct pollfd pfd = {s->fd, POLLIN, 0};
    bool is_due = mk_deadline(s->e) <= mk_poll_now_ms() + 1000;
    ssize_t n;

    if ((mk_want(s->e) & MK_WANT_STEP) != 0 ||
        poll(&pfd, 1, is_due ? 1 : 1000) != 1) {
        return; /* a second late is soon enough here */
    }
    if (s->ssl != NULL) {
        n = recv(s->fd, room, sizeof room, 0);
        BIO_write(SSL_get_rbio(s->ssl), room, n > 0 ? (int)n : 0);
    } else {
        n = recv(s->fd, s->mem + s->len, sizeof s->mem - s->len, 0);
        s->len += n > 0 ? (size_t)n : 0;
    }
    if (n == 0) {
        mk_in_eof(s->e, s->ssl != NULL ? MK_E_CUT : MK_OK);
    }
}

/* One block at a time: it is ours again when the next event wants more. */
static void lend(mk_engine *e, mk_op op)
{
    size_t n = fread(body, 1, sizeof body, stdin);

    if (ferror(stdin) || mk_body(e, op, mk_str_of(body, n), feof(stdin) != 0)) {
        mk_cancel(e, op); /* ends the session without the final dot */
    }
}

static mk_err converse(session *s, SSL_CTX *ctx, char **argv)
{
    mk_str recipient = mk_str_z(argv[5]);
    mk_smtp_envelope envelope;
    mk_err outcome = MK_E_CUT;
    mk_event ev;
    mk_op op;

    mk_smtp_envelope_init(&envelope, sizeof envelope);
    envelope.reverse_path = mk_str_z(argv[4]);
    envelope.forward_paths = &recipient;
    envelope.forward_count = 1;
    for (;;) {
        bool has_more = open_sealed(s);
        mk_str view = mk_str_of(s->mem, s->len);
        mk_err r;
        while ((r = mk_step(s->e, mk_poll_now_ms(), &view, &ev)) == MK_OK) {
            s->len = view.len;
            if (ev.type == MK_EV_TLS_WANTED) {
                begin(s, ctx, argv[1]);
            } else if (ev.type == MK_EV_SMTP_READY) {
                outcome = mk_smtp_client_send(s->e, &envelope, &op);
                mk_finish(s->e, mk_str_z(NULL)); /* QUIT behind it */
            } else if (ev.type == MK_EV_WANTED && (ev.flags & MK_LAST) == 0) {
                lend(s->e, ev.op);
            } else if (ev.type == MK_EV_DONE || ev.type == MK_EV_FAULT) {
                outcome = ev.err;
            }
        }
        memmove(s->mem, view.ptr, view.len);
        s->len = view.len;
        flush(s);
        if (r == MK_END || (mk_want(s->e) & MK_WANT_ABORT) != 0) {
            return outcome;
        }
        if (!has_more) {
            receive(s);
        }
    }
}

int main(int argc, char **argv)
{
    static session s;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    mk_smtp_client_config config;
    mk_err outcome;

    mk_smtp_client_config_init(&config, sizeof config);
    config.hostname = mk_str_z("localhost");
    config.tls = MK_TLS_POLICY_MUST;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (argc != 6 || SSL_CTX_load_verify_locations(ctx, argv[3], NULL) != 1 ||
        mk_smtp_client_open(&config, engine_block, sizeof engine_block, &s.e) ||
        mk_poll_connect(argv[1], (uint16_t)strtoul(argv[2], NULL, 10), 30000,
                        &s.fd)) {
        return 2;
    }
    (void)fcntl(s.fd, F_SETFL, 0); /* so that send takes all */
    outcome = converse(&s, ctx, argv);
    if (s.ssl != NULL && !s.is_shaking) {
        SSL_shutdown(s.ssl);
        flush(&s);
    }
    mk_close(s.e);
    SSL_free(s.ssl);
    SSL_CTX_free(ctx);
    printf("%s\n", mk_err_text(outcome));
    return outcome != MK_OK;
}
