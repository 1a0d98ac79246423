/* SPDX-License-Identifier: MIT
 *
 * fuzz_smtp_server.c: a hostile client and a random application against the
 * server machine. Every input is run whole, octet by octet and in pieces, and
 * must give the same events and replies (Law 4); no body may be accepted
 * without a MAIL and a RCPT of its own (THREATS 13); no bare CR, LF or NUL
 * goes out or reaches the application (Law 10); every session comes to an end.
 */
#include <mailkit/smtp.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { HEADER = 4 };

typedef struct session {
    mk_smtp_server_config config;
    mk_pool pool;
    void *block;
    mk_engine *engine;
    rig rig;
    size_t chunk;
    fuzz_script script;
    uint8_t policy;
    uint8_t body_policy;
    bool slow;     /* body octets were put off: cuts may show */
    bool spoilt;   /* this body was refused in the middle */
    mk_op waiting; /* put off */
    mk_op asked;
    text trace;
    text body;
    text out;
    /* the promise of THREATS 13 */
    bool mail;
    uint32_t accepted;
} session;

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
        c->junk_max = 4;
    }
    if ((flags & 128) != 0) {
        fuzz_promise(mk_pool_init(&s->pool, mk_alloc_libc(), 1024, 1) == MK_OK,
                     "mk_pool_init");
        c->units = &s->pool;
    }
    s->policy = header[1];
}

/* the verdict for the next question, from the low bits of the policy */
static void answer(session *s, mk_op op)
{
    static const mk_str none = {NULL, 0};
    static const mk_str codes[] = {MK_STR_INIT("250"), MK_STR_INIT("550 5.7.1"),
                                   MK_STR_INIT("421 4.3.2"), MK_STR_INIT("")};
    unsigned p = s->policy & 7U;
    s->policy = (uint8_t)((s->policy >> 3) | (unsigned)(s->policy << 5));
    if (p < 4) {
        (void)mk_reply(s->engine, op, MK_ANSWER_YES, none, none);
    } else if (p == 4) {
        (void)mk_reply(s->engine, op, MK_ANSWER_NO, codes[1],
                       mk_str_z("refused"));
    } else if (p == 5) {
        (void)mk_reply(s->engine, op, MK_ANSWER_LATER, codes[2], none);
    } else if (p == 6 && mk_later(s->engine, op) == MK_OK) {
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
        (void)mk_reply(s->engine, ev->op, MK_ANSWER_NO, none, none);
    } else if (s->body_policy == 2) {
        s->body_policy = 0;
        s->slow = true;
        (void)mk_later(s->engine, ev->op);
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
        text_z(&s->trace, "BODY ");
        text_quoted(&s->trace, text_view(&s->body));
        text_z(&s->trace, "\n");
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

static void on_event(session *s, const mk_event *ev)
{
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0) {
        on_body(s, ev);
        return;
    }
    flush_body(s);
    keep_envelope(s, ev);
    trace_event(&s->trace, ev);
    text_z(&s->trace, "\n");
    if ((ev->flags & MK_ASK) != 0) {
        answer(s, ev->op);
    }
}

static void step_all(session *s)
{
    mk_event ev;
    while (!s->rig.ended && rig_step(&s->rig, &ev) == MK_OK) {
        on_event(s, &ev);
    }
    fuzz_promise(s->rig.broken == NULL,
                 s->rig.broken != NULL ? s->rig.broken : "");
}

static void offer(session *s, mk_str octets)
{
    while (octets.len > 0 && !s->rig.ended) {
        size_t n =
            s->chunk > 0 && s->chunk < octets.len ? s->chunk : octets.len;
        rig_push(&s->rig, octets.ptr, n);
        octets = mk_str_sub(octets, n, SIZE_MAX);
        step_all(s);
    }
}

static void acknowledge(session *s, size_t n)
{
    rig_look(&s->rig, &s->out);
    n = n < s->rig.queued.len ? n : s->rig.queued.len;
    if (n > 0) {
        rig_ack(&s->rig, n);
        step_all(s);
    }
}

static void control(session *s, fuzz_control what, uint8_t n)
{
    uint64_t due = mk_deadline(s->engine);
    switch (what) {
    case FUZZ_TURN:
        acknowledge(s, SIZE_MAX);
        break;
    case FUZZ_SOME:
        acknowledge(s, n);
        break;
    case FUZZ_CLOCK:
        s->rig.now_ms += n * (uint64_t)4000;
        break;
    case FUZZ_DUE:
        s->rig.now_ms =
            due != MK_NEVER && due > s->rig.now_ms ? due : s->rig.now_ms;
        break;
    case FUZZ_EOF:
        mk_in_eof(s->engine, MK_OK);
        break;
    case FUZZ_CUT:
        mk_in_eof(s->engine, MK_E_CUT);
        break;
    case FUZZ_FINISH:
        mk_finish(s->engine, mk_str_z("bye"));
        break;
    case FUZZ_POLICY:
        s->policy = n;
        break;
    case FUZZ_ANSWER:
        if (s->waiting != 0) {
            mk_op op = s->waiting;
            s->waiting = 0;
            answer(s, op);
        }
        break;
    case FUZZ_BODY:
        s->body_policy = n % 3;
        break;
    default:
        (void)mk_cancel(s->engine, 1);
        break;
    }
    if (what != FUZZ_LITERAL) {
        step_all(s);
    }
}

/* Every session ends: by eof, or by its deadlines. */
static void run_out(session *s)
{
    mk_in_eof(s->engine, MK_OK);
    for (unsigned i = 0; i < 400 && !s->rig.ended; i++) {
        step_all(s);
        acknowledge(s, SIZE_MAX);
        uint64_t due = mk_deadline(s->engine);
        if (i > 200 && due != MK_NEVER && due > s->rig.now_ms) {
            s->rig.now_ms = due;
        }
    }
    fuzz_promise(s->rig.ended, "a session ends");
    acknowledge(s, SIZE_MAX);
    fuzz_promise(fuzz_is_clean(text_view(&s->out), false),
                 "replies are whole lines");
}

static void run(session *s, const uint8_t *data, size_t size, size_t chunk)
{
    memset(s, 0, sizeof *s);
    configure(s, data);
    size_t need = mk_smtp_server_need(&s->config);
    s->block = malloc(need);
    fuzz_promise(mk_smtp_server_open(&s->config, s->block, need, &s->engine) ==
                     MK_OK,
                 "open");
    rig_init(&s->rig, s->engine, 0);
    s->chunk = chunk;
    s->script = (fuzz_script){data + HEADER, size - HEADER, false};
    step_all(s);
    fuzz_control what;
    uint8_t n;
    do {
        offer(s, fuzz_octets(&s->script));
    } while (fuzz_next(&s->script, &what, &n) &&
             (control(s, what, n), !s->rig.ended));
    run_out(s);
    flush_body(s);
    text_z(&s->trace,
           (mk_want(s->engine) & MK_WANT_ABORT) != 0 ? "abort" : "close");
}

static void close_session(session *s)
{
    mk_close(s->engine);
    rig_fini(&s->rig);
    if (s->config.units != NULL) {
        fuzz_promise(s->pool.taken == 0, "the unit comes back");
        mk_pool_fini(&s->pool);
    }
    free(s->block);
    text_free(&s->trace);
    text_free(&s->body);
    text_free(&s->out);
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
            fuzz_same(&whole.trace, &cut.trace, "the same events (Law 4)");
            fuzz_same(&whole.out, &cut.out, "the same replies (Law 4)");
        }
        close_session(&cut);
    }
    close_session(&whole);
    return 0;
}
