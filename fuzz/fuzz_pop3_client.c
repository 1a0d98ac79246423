/* SPDX-License-Identifier: MIT
 *
 * fuzz_pop3_client.c: a hostile server and a random application against the
 * client machine. Run whole, octet by octet and in pieces it must tell and say
 * the same (Law 4); every command ends once and in its turn, "refused" only by
 * -ERR and well only by +OK; rows, unique-ids and messages keep their bounds
 * (THREATS 82); no secret goes out in clear (THREATS 30), nothing bare, and
 * nothing behind QUIT.
 */
#include <mailkit/pop3.h>
#include <mailkit/sasl.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { HEADER = 4, UNDER_WAY = 64 };

typedef struct session {
    fuzz_machine m; /* first */
    mk_pop3_client_config config;
    mk_sasl_client_config sasl;
    mk_tls_info tls;
    mk_random random;
    uint8_t drawn;
    bool is_tls;     /* a handshake ran */
    uint8_t policy;  /* which verb is next */
    uint8_t flow;    /* what is done with the next run of body, or row */
    bool is_flowing; /* not stopped by mk_later */
    bool slow;       /* flow was stopped: cuts may show */
    mk_op stopped;
    bool is_ready, has_quit;
    /* commands under way, in order */
    mk_op ops[UNDER_WAY];
    uint32_t first, count;
    /* the first of them */
    bool is_told, is_ok;
    uint64_t octets;
    uint32_t rows;
    text body;
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
    mk_sasl_client_config *c = &s->sasl;
    fuzz_promise(mk_sasl_client_config_init(c, sizeof *c) == MK_OK, "init");
    s->random.self = &s->drawn;
    s->random.fill = fill;
    c->crypto = &fuzz_toys;
    c->random = &s->random;
    c->authcid = mk_str_z("ann");
    c->password = mk_str_z("pass word");
    c->is_clear_allowed = (flags & 4) != 0;
    c->iterations_max = 20000;
    if ((flags & 8) != 0) {
        c->mechanisms = MK_SASL_PLAIN | MK_SASL_LOGIN | MK_SASL_CRAM_MD5;
    }
    s->tls.size = sizeof s->tls;
    s->tls.is_verified = (flags & 16) != 0;
    s->tls.verify = s->tls.is_verified ? MK_OK : MK_E_CERT_NONE;
    s->config.tls = (mk_tls_policy)(flags & 3);
    s->config.sasl = (flags & 32) != 0 ? NULL : c;
}

static void configure(session *s, const uint8_t *header)
{
    mk_pop3_client_config *c = &s->config;
    uint8_t flags = header[0];
    fuzz_promise(mk_pop3_client_config_init(c, sizeof *c) == MK_OK, "init");
    if ((flags & 1) != 0) {
        c->capabilities = MK_POP3_CAPABILITY_ALL;
    }
    if ((flags & 2) != 0) {
        c->capabilities &= ~(uint32_t)(MK_POP3_CAPABILITY_PIPELINING |
                                       MK_POP3_CAPABILITY_SASL);
    }
    if ((flags & 4) != 0) {
        c->capabilities &= ~(uint32_t)MK_POP3_CAPABILITY_USER;
    }
    c->is_utf8 = (flags & 8) != 0;
    if ((flags & 16) != 0) {
        c->reply_line_max = 512;
        c->reply_text_bytes = 10;
        c->rows_max = 5;
        c->message_max = 100;
        c->sasl_message_max = 1024;
    }
    c->pipeline_max = (flags & 32) != 0 ? 3 : 16;
    if ((flags & 128) != 0) {
        c->units = fuzz_machine_pool(&s->m);
    }
    s->policy = header[1];
    s->is_flowing = true;
    configure_login(s, header[3]);
}

/* ---- the application's verbs --------------------------------------------- */

static bool say(session *s, unsigned what)
{
    static const struct {
        mk_pop3_verb verb;
        uint32_t number, lines;
    } commands[] = {
        {MK_POP3_VERB_STAT, 0, 0}, {MK_POP3_VERB_LIST, 0, 0},
        {MK_POP3_VERB_UIDL, 0, 0}, {MK_POP3_VERB_RETR, 1, 0},
        {MK_POP3_VERB_TOP, 2, 3},  {MK_POP3_VERB_DELE, 2, 0},
        {MK_POP3_VERB_LIST, 3, 0}, {MK_POP3_VERB_UIDL, 4294967295U, 0},
        {MK_POP3_VERB_NOOP, 0, 0}, {MK_POP3_VERB_RSET, 0, 0},
        {MK_POP3_VERB_RETR, 2, 0}, {MK_POP3_VERB_QUIT, 0, 0},
    };
    mk_op op = 0;
    size_t i = what % (sizeof commands / sizeof commands[0]);
    mk_err err =
        mk_pop3_client_command(s->m.engine, commands[i].verb,
                               commands[i].number, commands[i].lines, &op);
    if (err != MK_OK) {
        return false;
    }
    fuzz_promise(s->is_ready && !s->has_quit, "no verb but between");
    fuzz_promise(s->count < UNDER_WAY && s->count < s->config.pipeline_max,
                 "no more under way than allowed");
    s->has_quit = commands[i].verb == MK_POP3_VERB_QUIT;
    s->ops[(s->first + s->count) % UNDER_WAY] = op;
    s->count++;
    return true;
}

/* one or more of them, by the policy */
static void next_verbs(session *s)
{
    unsigned p = s->policy & 15U;
    s->policy = (uint8_t)((s->policy >> 4) | (unsigned)(s->policy << 4));
    for (unsigned i = 0; i <= p % 4; i++) {
        if (!say(s, p + i * 5)) {
            (void)say(s, 8);
        }
    }
}

/* ---- what it is told ----------------------------------------------------- */

static void flush_body(session *s)
{
    if (s->body.len > 0) {
        text_z(&s->m.trace, "BODY ");
        text_quoted(&s->m.trace, text_view(&s->body));
        text_z(&s->m.trace, "\n");
    }
    text_clear(&s->body);
}

static void of_the_first(session *s, const mk_event *ev)
{
    fuzz_promise(s->count > 0 && ev->op == s->ops[s->first % UNDER_WAY],
                 "commands are answered in their order");
}

/* Stop, drop or go on, at a run of body or a row. */
static void control_flow(session *s, mk_op op)
{
    static const mk_str none = {NULL, 0};
    if (s->flow == 1 && mk_later(s->m.engine, op) == MK_OK) {
        s->slow = true;
        s->stopped = op;
        s->is_flowing = false;
    } else if (s->flow == 2) {
        s->slow = true;
        (void)mk_reply(s->m.engine, op, MK_ANSWER_NO, none, none);
    }
    s->flow = 0;
}

static void on_body(session *s, const mk_event *ev)
{
    of_the_first(s, ev);
    fuzz_promise(s->is_flowing, "nothing comes while it is stopped");
    fuzz_promise(ev->data.len > 0, "body events have octets");
    fuzz_promise(ev->offset == s->octets, "a body comes in sequence");
    s->octets += ev->data.len;
    fuzz_promise(s->octets <= s->config.message_max, "a message has an end");
    text_str(&s->body, ev->data);
    control_flow(s, ev->op);
}

static void on_row(session *s, const mk_event *ev)
{
    const mk_pop3_event *e = ev->of.pop3;
    of_the_first(s, ev);
    fuzz_promise(++s->rows <= s->config.rows_max, "a listing has an end");
    fuzz_promise(e->number > 0, "messages count from 1");
    if (ev->type == MK_EV_POP3_UID) {
        mk_str uid = e->argument;
        fuzz_promise((uid.len == 0) == (ev->err != MK_OK), "a uid, or none");
        fuzz_promise(uid.len <= MK_POP3_UID_MAX, "a short uid");
        for (size_t i = 0; i < uid.len; i++) {
            fuzz_promise(uid.ptr[i] > 0x20 && uid.ptr[i] < 0x7F,
                         "a visible uid");
        }
    }
    control_flow(s, ev->op);
}

static void on_reply(session *s, const mk_event *ev)
{
    const mk_pop3_event *e = ev->of.pop3;
    fuzz_promise(e->reply->text.len <= s->config.reply_text_bytes,
                 "no more text is kept than told");
    if (ev->op != 0) {
        of_the_first(s, ev);
        fuzz_promise(!s->is_told, "one status line a command");
        s->is_told = true;
        s->is_ok = e->reply->is_ok;
    }
}

static void on_done(session *s, const mk_event *ev)
{
    of_the_first(s, ev);
    /* who is gone at QUIT and had nothing to delete is gone well */
    bool is_quit = ev->of.pop3->verb == MK_POP3_VERB_QUIT;
    fuzz_promise(ev->err != MK_OK || is_quit || (s->is_told && s->is_ok),
                 "well only by +OK");
    fuzz_promise(ev->err != MK_E_REFUSED || (s->is_told && !s->is_ok),
                 "refused only by -ERR");
    s->first++;
    s->count--;
    s->is_told = s->is_ok = false;
    s->octets = s->rows = 0;
    s->is_flowing = true;
    s->stopped = 0;
    if (s->count == 0) {
        next_verbs(s);
    }
}

static void shake(session *s)
{
    bool is_good = (s->policy & 1) == 0;
    size_t held = rig_held(&s->m.rig) + s->m.unread;
    fuzz_promise(mk_tls_begin(s->m.engine, held) == MK_OK, "mk_tls_begin");
    if (held > 0) {
        return; /* that was the end */
    }
    fuzz_promise(mk_tls_done(s->m.engine, is_good ? MK_OK : MK_E_TLS,
                             is_good ? &s->tls : NULL) == MK_OK,
                 "mk_tls_done");
    s->is_tls = is_good;
}

static void on_event(fuzz_machine *m, const mk_event *ev)
{
    session *s = (session *)(void *)m;
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0) {
        on_body(s, ev);
        return;
    }
    flush_body(s);
    trace_pop3_event(&s->m.trace, ev);
    text_z(&s->m.trace, "\n");
    if (ev->type == MK_EV_POP3_REPLY) {
        on_reply(s, ev);
    } else if (ev->type == MK_EV_POP3_SIZE || ev->type == MK_EV_POP3_UID) {
        on_row(s, ev);
    } else if (ev->type == MK_EV_TLS_WANTED) {
        shake(s);
    } else if (ev->type == MK_EV_POP3_READY) {
        fuzz_promise(s->is_tls || s->config.tls < MK_TLS_POLICY_ENCRYPT,
                     "not ready in clear where TLS is needed");
        s->is_ready = true;
        next_verbs(s);
    } else if (ev->type == MK_EV_DONE) {
        on_done(s, ev);
    }
}

static void on_control(fuzz_machine *m, fuzz_control what, uint8_t n)
{
    static const mk_str none = {NULL, 0};
    session *s = (session *)(void *)m;
    if (what == FUZZ_POLICY) {
        s->policy = n;
    } else if (what == FUZZ_BODY) {
        s->flow = n % 3;
    } else if (what == FUZZ_CANCEL && s->count > 0) {
        s->slow = true; /* what was seen of it depends on the cut */
        (void)mk_cancel(m->engine, s->ops[(s->first + n) % UNDER_WAY]);
    } else if (what == FUZZ_ANSWER && s->stopped != 0) {
        s->is_flowing = true;
        (void)mk_reply(m->engine, s->stopped, MK_ANSWER_YES, none, none);
        s->stopped = 0;
    }
}

/* ---- one session --------------------------------------------------------- */

/* "pass word" in the clear, and in base64 as PLAIN says it */
static void check_secret(const session *s)
{
    const char *out = text_c(&s->m.out);
    fuzz_promise(s->sasl.is_clear_allowed ||
                     (s->is_tls && s->tls.is_verified) ||
                     (strstr(out, "pass word") == NULL &&
                      strstr(out, "AGFubgBwYXNzIHdvcmQ") == NULL),
                 "no secret but to a verified peer");
}

static void run(session *s, const uint8_t *data, size_t size, size_t chunk)
{
    memset(s, 0, sizeof *s);
    configure(s, data);
    size_t need = mk_pop3_client_need(&s->config);
    s->m.on_event = on_event;
    s->m.on_control = on_control;
    s->m.chunk = chunk;
    s->m.block = malloc(need);
    fuzz_promise(mk_pop3_client_open(&s->config, s->m.block, need,
                                     &s->m.engine) == MK_OK,
                 "open");
    if ((data[3] & 64) != 0) {
        fuzz_promise(mk_tls_done(s->m.engine, MK_OK, &s->tls) == MK_OK,
                     "TLS from the first octet");
        s->is_tls = true;
    }
    fuzz_machine_perform(&s->m, data + HEADER, size - HEADER);
    flush_body(s);
    check_secret(s);
    text_z(&s->m.trace, s->m.aborted ? "abort" : "close");
}

static void close_session(session *s)
{
    fuzz_machine_close(&s->m);
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
        }
        if (!whole.slow && !cut.slow && !whole.m.aborted && !cut.m.aborted) {
            fuzz_same(&whole.m.out, &cut.m.out, "the same octets (Law 4)");
        }
        close_session(&cut);
    }
    close_session(&whole);
    return 0;
}
