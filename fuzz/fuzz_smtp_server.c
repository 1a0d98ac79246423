/* SPDX-License-Identifier: MIT
 *
 * fuzz_smtp_server.c: a hostile client and a random application against the
 * server machine. Every input is run whole, octet by octet and in pieces, and
 * must give the same events and replies (Law 4); no body may be accepted
 * without a MAIL and a RCPT of its own (THREATS 13); nobody is logged in
 * without a yes, no secret is taken in clear, and TLS forgets (THREATS 28, 32,
 * 41); no bare CR, LF or NUL goes out or reaches the application (Law 10);
 * every session comes to an end.
 */
#include <mailkit/sasl.h>
#include <mailkit/smtp.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { HEADER = 4 };

typedef struct session {
    fuzz_machine m; /* first */
    mk_smtp_server_config config;
    mk_sasl_server_config sasl;
    mk_tls_info tls;
    mk_random random;
    uint8_t drawn;
    mk_pool rooms;
    uint8_t policy;
    uint8_t body_policy;
    bool slow;     /* body octets were put off: cuts may show */
    bool spoilt;   /* this body was refused in the middle */
    mk_op waiting; /* put off */
    bool is_login; /* what was put off is one */
    bool is_shaking;
    /* the promises about TLS and logins */
    bool is_tls, is_known, was_yes;
    text body;
    /* the promise of THREATS 13 */
    bool mail;
    uint32_t accepted;
} session;

static mk_err fill(void *self, void *out, size_t n)
{
    uint8_t *drawn = self;
    for (size_t i = 0; i < n; i++) {
        ((unsigned char *)out)[i] = (unsigned char)((*drawn)++ * 37U);
    }
    return MK_OK;
}

static void configure_login(session *s, uint8_t flags)
{
    mk_sasl_server_config *c = &s->sasl;
    fuzz_promise(mk_sasl_server_config_init(c, sizeof *c) == MK_OK, "init");
    s->random.self = &s->drawn;
    s->random.fill = fill;
    c->crypto = &fuzz_toys;
    c->random = &s->random;
    c->mechanisms = MK_SASL_ALL;
    c->is_clear_allowed = (flags & 8) != 0;
    c->asks_keys = (flags & 16) != 0;
    c->hostname = s->config.hostname;
    c->pepper = mk_str_z("0123456789abcdef");
    c->iterations = 4096;
    s->tls.size = sizeof s->tls;
    s->tls.exporter = mk_str_z("FEDCBA9876543210FEDCBA9876543210");
    s->config.tls = (mk_tls_policy)(flags & 3);
    s->config.sasl = (flags & 4) != 0 ? c : NULL;
    s->config.is_auth_needed = s->config.sasl != NULL && (flags & 32) != 0;
    if ((flags & 128) != 0) {
        fuzz_promise(mk_pool_init(&s->rooms, mk_alloc_libc(),
                                  mk_sasl_need(1024), 1) == MK_OK,
                     "mk_pool_init");
        s->config.sasl_units = &s->rooms;
    }
}

static void configure(session *s, const uint8_t *header)
{
    mk_smtp_server_config *c = &s->config;
    uint8_t flags = header[0];
    fuzz_promise(mk_smtp_server_config_init(c, sizeof *c) == MK_OK, "init");
    c->hostname = mk_str_z("mx.example");
    c->extensions = MK_SMTP_EXTENSION_ALL & ~(uint32_t)(flags & 15);
    if ((flags & 16) != 0) {
        c->bare = MK_SMTP_BARE_NORMALIZE;
    }
    if ((flags & 32) != 0) {
        c->asks = MK_SMTP_ASK_ALL;
    }
    if ((flags & 64) != 0) {
        c->line_max = 512;
        c->discard_max = 300;
        c->text_line_max = 1000;
        c->message_max = 1500;
        c->excess_max = 200;
        c->recipients_max = 100;
        c->messages_max = 2;
        c->errors_max = 3;
        c->errors_soft = 2;
        c->junk_max = 4;
        c->rate_min = 1;
    }
    if ((flags & 128) != 0) {
        c->units = fuzz_machine_pool(&s->m);
    }
    s->policy = header[1];
    configure_login(s, header[3]);
}

/* the low bits of the policy, and on to the next */
static unsigned choose(session *s)
{
    unsigned p = s->policy & 7U;
    s->policy = (uint8_t)((s->policy >> 3) | (unsigned)(s->policy << 5));
    return p;
}

static void answer_login(session *s, mk_op op)
{
    static const mk_sasl_keys keys = {.password = MK_STR_INIT("secret")};
    unsigned p = choose(s);
    s->is_login = true;
    if (p < 4) {
        s->was_yes = true;
        (void)mk_sasl_answer(s->m.engine, op, MK_ANSWER_YES, &keys);
    } else if (p < 6) {
        (void)mk_sasl_answer(s->m.engine, op,
                             p == 4 ? MK_ANSWER_NO : MK_ANSWER_LATER, NULL);
    } else if (p == 6 && mk_later(s->m.engine, op) == MK_OK) {
        s->waiting = op;
    } /* 7: forgotten */
}

/* The handshake is begun; it ends now, or when the script says so. */
static void shake(session *s)
{
    unsigned p = choose(s);
    s->tls.is_verified = p < 2;
    s->tls.verify = p < 2 ? MK_OK : MK_E_CERT_NONE;
    fuzz_promise(rig_held(&s->m.rig) == 0, "nothing is held at the border");
    fuzz_promise(mk_tls_begin(s->m.engine, p == 6) == MK_OK, "mk_tls_begin");
    s->is_shaking = p == 7;
    if (p < 6) {
        fuzz_promise(mk_tls_done(s->m.engine, p == 5 ? MK_E_TLS : MK_OK,
                                 p == 5 ? NULL : &s->tls) == MK_OK,
                     "mk_tls_done");
    }
}

/* the verdict for the next question */
static void answer(session *s, mk_op op)
{
    static const mk_str none = {NULL, 0};
    static const mk_str codes[] = {MK_STR_INIT("250"), MK_STR_INIT("550 5.7.1"),
                                   MK_STR_INIT("421 4.3.2"), MK_STR_INIT("")};
    unsigned p = choose(s);
    s->is_login = false;
    if (p < 4) {
        (void)mk_reply(s->m.engine, op, MK_ANSWER_YES, none, none);
    } else if (p == 4) {
        (void)mk_reply(s->m.engine, op, MK_ANSWER_NO, codes[1],
                       mk_str_z("refused"));
    } else if (p == 5) {
        (void)mk_reply(s->m.engine, op, MK_ANSWER_LATER, codes[2], none);
    } else if (p == 6 && mk_later(s->m.engine, op) == MK_OK) {
        s->waiting = op;
    } /* 7: forgotten */
}

static void on_body(session *s, const mk_event *ev)
{
    static const mk_str none = {NULL, 0};
    fuzz_promise(ev->data.len > 0, "body events have octets");
    if (s->body_policy == 1) {
        s->spoilt = true;
        s->body_policy = 0;
        (void)mk_reply(s->m.engine, ev->op, MK_ANSWER_NO, none, none);
    } else if (s->body_policy == 2) {
        s->body_policy = 0;
        s->slow = true;
        (void)mk_later(s->m.engine, ev->op);
        s->waiting = ev->op;
    }
    if (!s->spoilt) {
        text_str(&s->body, ev->data);
    }
}

static void flush_body(session *s)
{
    if (s->body.len > 0 && !s->spoilt) {
        fuzz_promise(fuzz_is_clean(text_view(&s->body), true),
                     "a body without bare CR, LF or NUL");
        text_z(&s->m.trace, "BODY ");
        text_quoted(&s->m.trace, text_view(&s->body));
        text_z(&s->m.trace, "\n");
    }
    text_clear(&s->body);
    s->spoilt = false;
}

/* Which envelope stands: told by what was said yes to, and by nothing else. */
static void keep_envelope(session *s, const mk_event *ev)
{
    switch (ev->type) {
    case MK_EV_SMTP_RESET:
        s->mail = false;
        s->accepted = 0;
        break;
    case MK_EV_SMTP_MAIL:
        fuzz_promise(!s->mail, "no MAIL within a transaction");
        fuzz_promise(s->is_known || !s->config.is_auth_needed,
                     "no MAIL before the login that is needed");
        fuzz_promise(s->is_tls || s->config.tls < MK_TLS_POLICY_ENCRYPT,
                     "no MAIL in clear where TLS is needed");
        fuzz_promise(s->tls.is_verified || s->config.tls < MK_TLS_POLICY_MUST,
                     "no MAIL of a peer that must be verified");
        break;
    case MK_EV_SMTP_RCPT:
        break;
    case MK_EV_SMTP_DATA:
    case MK_EV_BODY:
        fuzz_promise(ev->of.smtp->accepted > 0, "a body has a recipient");
        break;
    default:
        break;
    }
}

static void keep_session(session *s, const mk_event *ev)
{
    bool is_good = ev->err == MK_OK;
    if (ev->type == MK_EV_SMTP_TLS) {
        fuzz_promise(!s->is_tls, "TLS comes once");
        s->is_tls = true;
        s->is_known = false;
    } else if (ev->type == MK_EV_SASL) {
        bool is_clear = (ev->of.sasl->mechanism & MK_SASL_CLEAR) != 0;
        fuzz_promise(!is_clear || s->is_tls || s->sasl.is_clear_allowed,
                     "no secret is taken in clear");
        s->was_yes = false;
    } else if (ev->type == MK_EV_SMTP_AUTH) {
        fuzz_promise(!is_good || (s->was_yes && !s->is_known),
                     "who is let in was answered yes, and once");
        s->is_known = s->is_known || is_good;
    }
}

static void on_event(fuzz_machine *m, const mk_event *ev)
{
    session *s = (session *)(void *)m;
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0) {
        on_body(s, ev);
        return;
    }
    flush_body(s);
    keep_envelope(s, ev);
    keep_session(s, ev);
    trace_event(&s->m.trace, ev);
    text_z(&s->m.trace, "\n");
    if (ev->type == MK_EV_TLS_WANTED) {
        shake(s);
    } else if (ev->type == MK_EV_SASL) {
        answer_login(s, ev->op);
    } else if ((ev->flags & MK_ASK) != 0) {
        answer(s, ev->op);
    }
}

static void on_control(fuzz_machine *m, fuzz_control what, uint8_t n)
{
    session *s = (session *)(void *)m;
    mk_op op = s->waiting;
    if (what == FUZZ_POLICY) {
        s->policy = n;
    } else if (what == FUZZ_BODY) {
        s->body_policy = n % 3;
    } else if (what == FUZZ_CANCEL) {
        (void)mk_cancel(m->engine, 1);
    } else if (what == FUZZ_ANSWER && s->is_shaking) {
        s->is_shaking = false;
        (void)mk_tls_done(m->engine, MK_OK, &s->tls);
    } else if (what == FUZZ_ANSWER && op != 0) {
        s->waiting = 0;
        if (s->is_login) {
            answer_login(s, op);
        } else {
            answer(s, op);
        }
    }
}

static void run(session *s, const uint8_t *data, size_t size, size_t chunk)
{
    memset(s, 0, sizeof *s);
    configure(s, data);
    size_t need = mk_smtp_server_need(&s->config);
    s->m.on_event = on_event;
    s->m.on_control = on_control;
    s->m.chunk = chunk;
    s->m.block = malloc(need);
    fuzz_promise(mk_smtp_server_open(&s->config, s->m.block, need,
                                     &s->m.engine) == MK_OK,
                 "open");
    if ((data[3] & 64) != 0) {
        fuzz_promise(mk_tls_done(s->m.engine, MK_OK, &s->tls) == MK_OK,
                     "TLS from the first octet");
    }
    fuzz_machine_perform(&s->m, data + HEADER, size - HEADER);
    flush_body(s);
    text_z(&s->m.trace, s->m.aborted ? "abort" : "close");
}

static void close_session(session *s)
{
    fuzz_machine_close(&s->m);
    if (s->config.sasl_units != NULL) {
        fuzz_promise(s->rooms.taken == 0, "the room of a login comes back");
        mk_pool_fini(&s->rooms);
    }
    text_free(&s->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static session whole;
    static session cut;
    if (size < HEADER) {
        return 0;
    }
    run(&whole, data, size, 0);
    size_t chunks[] = {1, data[2]};
    for (size_t i = 0; i < 2; i++) {
        run(&cut, data, size, chunks[i]);
        if (!whole.slow && !cut.slow) {
            fuzz_same(&whole.m.trace, &cut.m.trace, "the same events (Law 4)");
            fuzz_same(&whole.m.out, &cut.m.out, "the same replies (Law 4)");
        }
        close_session(&cut);
    }
    close_session(&whole);
    return 0;
}
