/* SPDX-License-Identifier: MIT
 *
 * fuzz_smtp_client.c: a hostile server and a random application against the
 * client machine. Run whole, octet by octet and in pieces, it must tell and
 * say the same (Law 4). "Refused" is only told when a reply said so (THREATS
 * 14), and "taken" only when the dot was answered by 2xx for a recipient that
 * was; nothing with a bare CR or LF goes out (THREATS 4, 16).
 */
#include <mailkit/smtp.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { HEADER = 4 };

typedef struct session {
    fuzz_machine m; /* first */
    mk_smtp_client_config config;
    mk_smtp_envelope envelope;
    size_t piece;   /* of body, lent at once */
    uint8_t policy; /* which verb is next */
    mk_op op;
    mk_str body;
    size_t lent;
    bool last;
    bool slow; /* body is lent by a control only */
    uint64_t room;
    /* what the replies to this operation said */
    bool refusal;
    bool end_taken;
} session;

static const mk_str recipients[] = {MK_STR_INIT("c@d.example"),
                                    MK_STR_INIT("Postmaster"),
                                    MK_STR_INIT("\"e f\"@[192.0.2.1]")};

static const mk_str messages[] = {
    MK_STR_INIT("x\r\n"),
    MK_STR_INIT(""),
    MK_STR_INIT(".\r\n..\r\n.x\r\n\r\n.\r\n"),
    MK_STR_INIT("no line end"),
    MK_STR_INIT("\r\n\r\n.a\r\n"),
    MK_STR_INIT("a\n.\r\nMAIL FROM:<x@y>\r\n"),
    MK_STR_INIT("a\r"),
    MK_STR_INIT("a\0b\r\n"),
};

static void configure(session *s, const uint8_t *header)
{
    mk_smtp_client_config *c = &s->config;
    uint8_t flags = header[0];
    fuzz_promise(mk_smtp_client_config_init(c, sizeof *c) == MK_OK, "init");
    c->hostname = mk_str_z("c.example");
    c->extensions = MK_SMTP_EXTENSION_ALL & ~(uint32_t)(flags & 15);
    if ((flags & 16) != 0) {
        c->reply_line_max = 512;
        c->reply_lines_max = 3;
        c->reply_max = 600;
        c->reply_text_bytes = 10;
    }
    s->slow = (flags & 32) != 0;
    if ((flags & 128) != 0) {
        c->units = fuzz_machine_pool(&s->m);
    }
    fuzz_promise(mk_smtp_envelope_init(&s->envelope, sizeof s->envelope) ==
                     MK_OK,
                 "init");
    s->envelope.reverse_path = mk_str_z((flags & 64) != 0 ? "" : "a@b.example");
    s->envelope.forward_paths = recipients;
    s->envelope.forward_count = 1 + header[3] % 3;
    s->envelope.body = (mk_smtp_body)(header[3] / 3 % 3);
    s->body = messages[header[3] / 9 % 8];
    s->envelope.message_bytes = (header[3] & 128) != 0 ? s->body.len : 0;
    s->policy = header[1];
    s->piece = header[2] & 15U;
}

static void lend(session *s)
{
    while (s->room > 0 && !s->last) {
        size_t n = s->body.len - s->lent;
        n = s->piece > 0 && s->piece < n ? s->piece : n;
        bool last = s->lent + n == s->body.len;
        if (mk_body(s->m.engine, s->op, mk_str_sub(s->body, s->lent, n),
                    last) != MK_OK) {
            (void)mk_cancel(s->m.engine, s->op);
            return;
        }
        s->lent += n;
        s->last = last;
        s->room--;
    }
}

/* the application's next verb, by the policy */
static void next_verb(session *s)
{
    static const mk_smtp_verb verbs[] = {MK_SMTP_VERB_NOOP, MK_SMTP_VERB_RSET,
                                         MK_SMTP_VERB_VRFY, MK_SMTP_VERB_EXPN,
                                         MK_SMTP_VERB_HELP};
    unsigned p = s->policy & 7U;
    s->policy = (uint8_t)((s->policy >> 3) | (unsigned)(s->policy << 5));
    s->refusal = false;
    s->end_taken = false;
    if (p < 3) {
        s->lent = 0;
        s->last = false;
        s->room = 0;
        if (mk_smtp_client_send(s->m.engine, &s->envelope, &s->op) == MK_OK) {
            return;
        }
        s->envelope.body = MK_SMTP_BODY_UNSTATED;
        s->envelope.message_bytes = 0;
        (void)mk_smtp_client_send(s->m.engine, &s->envelope, &s->op);
    } else if (p < 7) {
        mk_smtp_verb verb = verbs[(p - 3 + s->policy) % 5];
        bool bare = verb == MK_SMTP_VERB_RSET || verb == MK_SMTP_VERB_HELP;
        (void)mk_smtp_client_command(s->m.engine, verb,
                                     mk_str_z(bare ? "" : "word"), &s->op);
    } else {
        (void)mk_smtp_client_quit(s->m.engine, &s->op);
    }
}

static void on_reply(session *s, const mk_event *ev)
{
    const mk_smtp_event *e = ev->of.smtp;
    s->refusal = s->refusal || e->reply->code >= 400;
    if (e->verb == MK_SMTP_VERB_END) {
        s->end_taken = e->reply->code / 100 == 2;
    }
    fuzz_promise(e->reply->code >= 200 && e->reply->code <= 599,
                 "a code from 200 to 599");
    fuzz_promise(e->accepted <= s->envelope.forward_count,
                 "no more accepted than asked for");
}

static void on_done(session *s, const mk_event *ev)
{
    fuzz_promise(ev->err != MK_E_REFUSED || s->refusal,
                 "refused only by a reply");
    bool sent = ev->of.smtp->accepted > 0;
    fuzz_promise(!sent || (ev->err == MK_OK && s->end_taken && s->last),
                 "taken only by a 2xx to the dot");
    if (ev->op == s->op) {
        s->op = 0;
        next_verb(s);
    }
}

static void on_event(fuzz_machine *m, const mk_event *ev)
{
    session *s = (session *)(void *)m;
    if (ev->type == MK_EV_WANTED) {
        s->room = ev->size;
        if (!s->slow) {
            lend(s);
        }
        return;
    }
    trace_event(&s->m.trace, ev);
    text_z(&s->m.trace, "\n");
    if (ev->type == MK_EV_SMTP_REPLY) {
        on_reply(s, ev);
    } else if (ev->type == MK_EV_SMTP_READY) {
        next_verb(s);
    } else if (ev->type == MK_EV_DONE) {
        on_done(s, ev);
    }
}

static void on_control(fuzz_machine *m, fuzz_control what, uint8_t n)
{
    session *s = (session *)(void *)m;
    if (what == FUZZ_POLICY) {
        s->policy = n;
    } else if (what == FUZZ_ANSWER) {
        lend(s);
    } else if (what == FUZZ_CANCEL) {
        (void)mk_cancel(m->engine, s->op);
    }
}

static void run(session *s, const uint8_t *data, size_t size, size_t chunk)
{
    memset(s, 0, sizeof *s);
    configure(s, data);
    size_t need = mk_smtp_client_need(&s->config);
    s->m.on_event = on_event;
    s->m.on_control = on_control;
    s->m.chunk = chunk;
    s->m.block = malloc(need);
    fuzz_promise(mk_smtp_client_open(&s->config, s->m.block, need,
                                     &s->m.engine) == MK_OK,
                 "open");
    fuzz_machine_perform(&s->m, data + HEADER, size - HEADER);
    text_z(&s->m.trace, s->m.aborted ? "abort" : "close");
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
        fuzz_same(&whole.m.trace, &cut.m.trace, "the same events (Law 4)");
        if (!whole.m.aborted && !cut.m.aborted) {
            fuzz_same(&whole.m.out, &cut.m.out, "the same octets (Law 4)");
        }
        fuzz_machine_close(&cut.m);
    }
    fuzz_machine_close(&whole.m);
    return 0;
}
