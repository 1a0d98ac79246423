/* SPDX-License-Identifier: MIT
 *
 * test_smtp.c: both SMTP machines over real TLS, joined by pipes in memory
 * that carry any number of octets at a time: STARTTLS (RFC 3207) and TLS from
 * the first octet, logins within it (RFC 4954), and what may come between the
 * machines: clear text, rubbish, an end. Law 4: records may be cut at every
 * octet, and nothing looks different. THREATS 3, 28, 39, 41, 47.
 */
#include <mailkit/sasl.h>
#include <mailkit/smtp.h>
#include <mailkit/tls.h>

#include "text.h"
#include "tls_rig.h"
#include "trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PIPE_MAX = 65536 };

typedef struct end {
    mk_engine *engine; /* the outer one */
    mk_tls_context_config context_config;
    mk_tls_context *context;
    mk_tls_config tls;
    void *block;
    char in[PIPE_MAX]; /* what came from the other end */
    size_t in_len;
    text log;
    text wire; /* all that it sent */
    bool is_over;
} end;

typedef struct stage {
    end server;
    end client;
    mk_smtp_server_config server_config;
    mk_smtp_client_config client_config;
    mk_sasl_server_config server_sasl;
    mk_sasl_client_config client_sasl;
    mk_smtp_envelope envelope;
    mk_op op;
    size_t cut; /* octets moved at a time; 0: all */
    bool has_client;
    text body; /* that arrived */
} stage;

static stage s; /* large: not on the stack */

static const mk_str forward_path = MK_STR_INIT("rcpt@mx.example.org");
static const mk_str message =
    MK_STR_INIT("Subject: hello\r\n\r\n.dots\r\n..\r\nend\r\n");

/* ---- setting the stage --------------------------------------------------- */

static int64_t wall(void *self)
{
    (void)self;
    return 1700000000;
}

static mk_err fill(void *self, void *out, size_t n)
{
    return certs_random(self, out, n) == 0 ? MK_OK : MK_E_ENTROPY;
}

static const mk_random dice = {NULL, fill};

static void end_init(end *e, bool is_server)
{
    mk_tls_context_config *c = &e->context_config;
    assert_int_equal(mk_tls_context_config_init(c, sizeof *c), MK_OK);
    assert_int_equal(mk_tls_config_init(&e->tls, sizeof e->tls), MK_OK);
    c->alloc = mk_alloc_libc();
    c->random = &dice;
    c->wall_s = wall;
    c->is_server = is_server;
}

static void stage_init(void)
{
    memset(&s, 0, sizeof s);
    end_init(&s.server, true);
    end_init(&s.client, false);
    s.server.context_config.certificate = mk_str_z(rig_own.pem);
    s.server.context_config.key = mk_str_z(rig_own.key_pem);
    s.client.context_config.trust = mk_str_z(rig_root.pem);
    s.client.tls.server_name = mk_str_z("mx.example.org");
    mk_smtp_server_config_init(&s.server_config, sizeof s.server_config);
    mk_smtp_client_config_init(&s.client_config, sizeof s.client_config);
    mk_sasl_server_config_init(&s.server_sasl, sizeof s.server_sasl);
    mk_sasl_client_config_init(&s.client_sasl, sizeof s.client_sasl);
    s.server_config.hostname = mk_str_z("mx.example.org");
    s.client_config.hostname = mk_str_z("client.example");
    s.server_config.tls = MK_TLS_POLICY_ENCRYPT;
    s.server_config.is_auth_needed = true;
    s.client_config.tls = MK_TLS_POLICY_MUST;
    s.server_sasl.crypto = s.client_sasl.crypto = mk_crypto_mbedtls();
    s.server_sasl.random = s.client_sasl.random = &dice;
    s.server_sasl.pepper = mk_str_z("a pepper of some length");
    s.server_sasl.iterations = 4096;
    s.client_sasl.authcid = mk_str_z("ann");
    s.client_sasl.password = mk_str_z("secret");
    s.server_config.sasl = &s.server_sasl;
    s.client_config.sasl = &s.client_sasl;
}

static void end_open(end *e, mk_engine *inner)
{
    assert_int_equal(mk_tls_context_new(&e->context_config, &e->context),
                     MK_OK);
    e->tls.context = e->context;
    assert_int_equal(mk_tls_over(inner, &e->tls, &e->engine), MK_OK);
}

static void stage_open(bool has_client)
{
    mk_engine *inner;
    size_t need = mk_smtp_server_need(&s.server_config);
    s.has_client = has_client;
    s.server.block = malloc(need);
    assert_int_equal(
        mk_smtp_server_open(&s.server_config, s.server.block, need, &inner),
        MK_OK);
    end_open(&s.server, inner);
    if (has_client) {
        need = mk_smtp_client_need(&s.client_config);
        s.client.block = malloc(need);
        assert_int_equal(
            mk_smtp_client_open(&s.client_config, s.client.block, need, &inner),
            MK_OK);
        end_open(&s.client, inner);
    }
}

static void end_close(end *e)
{
    mk_close(e->engine);
    if (e->context != NULL) {
        assert_int_equal(mk_tls_handshakes(e->context), 0);
        assert_int_equal(mk_tls_context_free(e->context), MK_OK);
    }
    free(e->block);
    text_free(&e->log);
    text_free(&e->wire);
}

static void stage_close(void)
{
    end_close(&s.server);
    end_close(&s.client);
    text_free(&s.body);
}

/* ---- the play ------------------------------------------------------------ */

static void on_server(const mk_event *ev)
{
    static const mk_sasl_keys keys = {.password = MK_STR_INIT("secret")};
    static const mk_str none = {NULL, 0};
    mk_engine *e = s.server.engine;
    if (ev->type == MK_EV_SASL) {
        const mk_sasl_ask *ask = ev->of.sasl;
        bool fine = mk_str_is(ask->authcid, mk_str_z("ann")) &&
                    (ask->kind == MK_SASL_ASK_KEYS ||
                     mk_str_is(ask->secret, mk_str_z("secret")));
        assert_int_equal(mk_sasl_answer(e, ev->op,
                                        fine ? MK_ANSWER_YES : MK_ANSWER_NO,
                                        &keys),
                         MK_OK);
    } else if ((ev->flags & MK_ASK) != 0) {
        assert_int_equal(mk_reply(e, ev->op, MK_ANSWER_YES, none, none), MK_OK);
    } else if (ev->type == MK_EV_BODY) {
        text_str(&s.body, ev->data);
    }
}

static void on_client(const mk_event *ev)
{
    mk_engine *e = s.client.engine;
    if (ev->type == MK_EV_SMTP_READY && s.op == 0) {
        mk_smtp_envelope_init(&s.envelope, sizeof s.envelope);
        s.envelope.reverse_path = mk_str_z("ann@client.example");
        s.envelope.forward_paths = &forward_path;
        s.envelope.forward_count = 1;
        assert_int_equal(mk_smtp_client_send(e, &s.envelope, &s.op), MK_OK);
    } else if (ev->type == MK_EV_WANTED && (ev->flags & MK_LAST) == 0 &&
               ev->data.ptr == NULL) {
        assert_int_equal(mk_body(e, s.op, message, true), MK_OK);
    } else if (ev->type == MK_EV_DONE && ev->op == s.op) {
        mk_op quit;
        assert_int_equal(mk_smtp_client_quit(e, &quit), MK_OK);
    }
}

static void note(end *e, const mk_event *ev)
{
    bool is_run = ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0;
    if (!is_run && ev->type != MK_EV_WANTED) {
        trace_event(&e->log, ev);
        text_z(&e->log, "\n");
    }
}

/* As a driver does: nothing is read that is not wanted, and who wants to step
 * steps before anything is read (Law 9). True when something happened. */
static bool step(end *e)
{
    bool reads = (mk_want(e->engine) & MK_WANT_READ) != 0;
    mk_str view = mk_str_of(e->in, reads ? e->in_len : 0);
    size_t offered = view.len;
    bool moved = false;
    mk_event ev;
    mk_err err;
    while ((err = mk_step(e->engine, 1000, &view, &ev)) == MK_OK) {
        note(e, &ev);
        (e == &s.server ? on_server : on_client)(&ev);
        moved = true;
    }
    size_t used = offered - view.len;
    memmove(e->in, e->in + used, e->in_len - used);
    e->in_len -= used;
    e->is_over = e->is_over || err == MK_END;
    return moved || used > 0 || (mk_want(e->engine) & MK_WANT_STEP) != 0;
}

static void act(end *e)
{
    while (step(e)) {
    }
}

static bool move(end *a, end *b)
{
    mk_str span;
    if (mk_out(a->engine, 0, &span, 1) == 0) {
        return false;
    }
    size_t n = s.cut > 0 && s.cut < span.len ? s.cut : span.len;
    text_add(&a->wire, span.ptr, n);
    assert_true(b->in_len + n <= PIPE_MAX);
    memcpy(b->in + b->in_len, span.ptr, n);
    b->in_len += n;
    assert_int_equal(mk_out_sent(a->engine, n), MK_OK);
    return true;
}

static void run(void)
{
    bool moved = true;
    while (moved) {
        act(&s.server);
        moved = move(&s.server, &s.client);
        if (s.has_client) {
            act(&s.server);
            act(&s.client);
            moved = move(&s.client, &s.server) || moved;
        }
    }
}

/* The other end is this test. */
static void say(const char *octets, size_t n)
{
    assert_true(s.server.in_len + n <= PIPE_MAX);
    memcpy(s.server.in + s.server.in_len, octets, n);
    s.server.in_len += n;
    run();
}

static bool saw(const end *e, const char *word)
{
    return strstr(text_c((text *)(uintptr_t)&e->log), word) != NULL;
}

/* ---- in order ------------------------------------------------------------ */

static void whole_session(size_t cut, bool is_implicit, uint32_t mechanism,
                          text *out_log)
{
    stage_init();
    s.cut = cut;
    s.server.tls.is_implicit = s.client.tls.is_implicit = is_implicit;
    s.server_config.tls =
        is_implicit ? MK_TLS_POLICY_NONE : s.server_config.tls;
    s.client_config.tls =
        is_implicit ? MK_TLS_POLICY_NONE : s.client_config.tls;
    s.server_sasl.mechanisms = mechanism;
    s.client_sasl.mechanisms = mechanism;
    stage_open(true);
    run();
    assert_true(s.server.is_over && s.client.is_over);
    assert_true(saw(&s.server, "AUTH OK"));
    assert_true(saw(&s.server, "QUIT"));
    assert_true(saw(&s.client, "DONE OK"));
    assert_true(mk_str_is(text_view(&s.body), message));
    text_clear(out_log);
    text_str(out_log, text_view(&s.server.log));
    text_str(out_log, text_view(&s.client.log));
    stage_close();
}

static void sec_003_sessions_cut_anywhere(void **state)
{
    text whole = {0};
    text other = {0};
    (void)state;
    for (int implicit = 0; implicit < 2; implicit++) {
        whole_session(0, implicit != 0, MK_SASL_PLAIN, &whole);
        for (size_t cut = 1; cut < 60; cut += cut < 8 ? 1 : 17) {
            whole_session(cut, implicit != 0, MK_SASL_PLAIN, &other);
            assert_string_equal(text_c(&other), text_c(&whole));
        }
    }
    text_free(&whole);
    text_free(&other);
}

/* THREATS 47: what binds the login to the channel is the channel's own. */
static void sec_047_each_mechanism(void **state)
{
    static const uint32_t mechanisms[] = {
        MK_SASL_LOGIN,         MK_SASL_PLAIN,
        MK_SASL_SCRAM_SHA_1,   MK_SASL_SCRAM_SHA_256_PLUS,
        MK_SASL_SCRAM_SHA_256, MK_SASL_SCRAM_SHA_1_PLUS,
    };
    text log = {0};
    (void)state;
    for (size_t i = 0; i < sizeof mechanisms / sizeof mechanisms[0]; i++) {
        whole_session(0, i % 2 != 0, mechanisms[i], &log);
    }
    text_free(&log);
}

/* THREATS 41: neither side shows a secret before TLS; the offer comes with
 * it. */
static void sec_041_nothing_secret_in_clear(void **state)
{
    (void)state;
    stage_init();
    stage_open(true);
    run();
    assert_true(saw(&s.server, "AUTH OK"));
    const char *server_wire = text_c(&s.server.wire);
    const char *client_wire = text_c(&s.client.wire);
    assert_null(strstr(server_wire, "AUTH"));
    assert_non_null(strstr(server_wire, "STARTTLS"));
    assert_null(strstr(client_wire, "AUTH"));
    assert_null(strstr(client_wire, "MAIL"));
    stage_close();
}

/* ---- what comes between -------------------------------------------------- */

static void until_starttls(void)
{
    stage_init();
    stage_open(false);
    run();
    say("EHLO c.example\r\n", 16);
}

/* Is the 220 the last that went out, and the session over? */
static void is_silent(const char *fault)
{
    static const char last[] = "220 2.0.0 Ready to start TLS\r\n";
    size_t n = sizeof last - 1;
    assert_true(s.server.is_over);
    assert_true(saw(&s.server, fault));
    assert_false(saw(&s.server, "SASL"));
    assert_true(s.server.wire.len >= n);
    assert_memory_equal(s.server.wire.ptr + s.server.wire.len - n, last, n);
    stage_close();
}

static void sec_028_commands_behind_starttls(void **state)
{
    static const char clear[] = "STARTTLS\r\nEHLO x\r\nAUTH PLAIN AGEAYg==\r\n";
    static const char hello[] = "STARTTLS\r\n\x16\x03\x01\x02";
    (void)state;
    until_starttls();
    say(clear, sizeof clear - 1);
    is_silent("FAULT E_CLEARTEXT");
    until_starttls();
    say(hello, sizeof hello - 1);
    is_silent("FAULT E_CLEARTEXT");
}

/* Behind the 220 clear text is no handshake. */
static void sec_028_clear_text_for_a_handshake(void **state)
{
    (void)state;
    until_starttls();
    say("STARTTLS\r\n", 10);
    say("EHLO x\r\nMAIL FROM:<a@b.example>\r\n", 33);
    mk_str span;
    assert_true(s.server.is_over && saw(&s.server, "FAULT E_"));
    assert_false(saw(&s.server, "MAIL"));
    assert_int_equal(mk_out(s.server.engine, 0, &span, 1), 0);
    assert_null(strstr(text_c(&s.server.wire), "554 "));
    stage_close();
}

/* The client is gone, in order or not, before TLS is up: not a word. */
static void sec_028_gone_instead_of_a_handshake(void **state)
{
    (void)state;
    until_starttls();
    say("STARTTLS\r\n", 10);
    mk_in_eof(s.server.engine, MK_E_NET);
    run();
    is_silent("FAULT E_NET");
}

/* THREATS 39: an end of the stream that TLS does not vouch for is a cut. */
static void sec_039_an_end_without_close_notify(void **state)
{
    (void)state;
    stage_init();
    s.server.tls.is_implicit = s.client.tls.is_implicit = true;
    s.server_config.tls = s.client_config.tls = MK_TLS_POLICY_NONE;
    s.server_sasl.mechanisms = s.client_sasl.mechanisms = MK_SASL_PLAIN;
    stage_open(true);
    while (!saw(&s.server, "AUTH OK")) {
        act(&s.server);
        (void)move(&s.server, &s.client);
        act(&s.server);
        act(&s.client);
        (void)move(&s.client, &s.server);
    }
    mk_in_eof(s.server.engine, MK_OK);
    act(&s.server);
    assert_true(s.server.is_over && saw(&s.server, "FAULT E_CUT"));
    stage_close();
}

/* The server asks for a certificate that this client has not. */
static void a_certificate_is_missing(void **state)
{
    (void)state;
    stage_init();
    s.server_config.tls = MK_TLS_POLICY_MUST;
    stage_open(true);
    run();
    assert_true(s.server.is_over && s.client.is_over);
    assert_true(saw(&s.server, "FAULT E_CERT_NONE"));
    assert_true(saw(&s.client, "REPLY EHLO 554"));
    assert_false(saw(&s.server, "MAIL"));
    stage_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_003_sessions_cut_anywhere),
        cmocka_unit_test(sec_047_each_mechanism),
        cmocka_unit_test(sec_041_nothing_secret_in_clear),
        cmocka_unit_test(sec_028_commands_behind_starttls),
        cmocka_unit_test(sec_028_clear_text_for_a_handshake),
        cmocka_unit_test(sec_028_gone_instead_of_a_handshake),
        cmocka_unit_test(sec_039_an_end_without_close_notify),
        cmocka_unit_test(a_certificate_is_missing),
    };
    return cmocka_run_group_tests(tests, rig_make, rig_unmake);
}
