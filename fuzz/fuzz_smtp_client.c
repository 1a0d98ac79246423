/* SPDX-License-Identifier: MIT
 *
 * fuzz_smtp_client.c: a hostile server and a random application against the
 * client machine. Run whole, octet by octet and in pieces, it must tell and
 * say the same (Law 4). "Refused" is only told when a reply said so (THREATS
 * 14), and "taken" only when the dot was answered by 2xx for a recipient that
 * was; nothing with a bare CR or LF goes out (THREATS 4, 16). A message may be
 * joined to the one before it, sent in chunks, or over LMTP.
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
    bool joins;
    bool lmtp;
    bool chunking; /* is offered */
    mk_op op;
    mk_op next_op; /* joined to it */
    mk_str body;
    size_t lent;
    bool last;
    bool slow; /* body is lent by a control only */
    uint64_t room;
    /* what the replies to this operation said */
    bool refusal;
    bool end_taken;
    bool faulted;
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
    s->envelope.body =
        (mk_smtp_body)((header[3] / 3 % 3) | (header[1] & 128 ? 1 : 0));
    s->body = messages[header[3] / 9 % 8];
    s->envelope.message_bytes = (header[3] & 128) != 0 ? s->body.len : 0;
    s->policy = header[1];
    s->piece = header[2] & 15U;
    s->lmtp = c->is_lmtp = (header[2] & 16) != 0;
    s->joins = (header[2] & 32) != 0;
    c->is_data_only = (header[2] & 64) != 0;
    c->mend = (header[2] & 128) != 0 ? MK_SMTP_MEND_LF : MK_SMTP_MEND_NEVER;
}

static void lend(session *s)
{
    bool binary = s->envelope.body == MK_SMTP_BODY_BINARYMIME;
    if (s->chunking && (binary || !s->config.is_data_only)) {
        s->m.is_counted = true;
    }
    while (s->room > 0 && !s->last) {
        size_t n = s->body.len - s->lent;
        n = s->piece > 0 && s->piece < n ? s->piece : n;
        bool last = s->lent + n == s->body.len;
        mk_err err =
            mk_body(s->m.engine, s->op, mk_str_sub(s->body, s->lent, n), last);
        if (err == MK_WAIT) { /* no unit: the room is told again */
            s->room = 0;
            return;
        }
        if (err != MK_OK) {
            (void)mk_cancel(s->m.engine, s->op);
            return;
        }
        s->lent += n;
        s->last = last;
        s->room--;
    }
    if (s->last && s->joins && s->next_op == 0) {
        (void)mk_smtp_client_send(s->m.engine, &s->envelope, &s->next_op);
    }
}

/* an operation comes to the front */
static void begin(session *s)
{
    s->refusal = s->faulted && s->refusal;
    s->end_taken = false;
    s->lent = 0;
    s->last = false;
    s->room = 0;
}

/* the application's next verb, by the policy */
static void next_verb(session *s)
{
    static const mk_smtp_verb verbs[] = {MK_SMTP_VERB_NOOP, MK_SMTP_VERB_RSET,
                                         MK_SMTP_VERB_VRFY, MK_SMTP_VERB_EXPN,
                                         MK_SMTP_VERB_HELP};
    unsigned p = s->policy & 7U;
    s->policy = (uint8_t)((s->policy >> 3) | (unsigned)(s->policy << 5));
    begin(s);
    if (p < 3) {
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
        s->end_taken = e->reply->code / 100 == 2 || (s->lmtp && s->end_taken);
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
    fuzz_promise(!sent || (s->end_taken && s->last),
                 "taken only by a 2xx to the dot");
    fuzz_promise(!sent || s->lmtp || ev->err == MK_OK, "taken is not an error");
    fuzz_promise(ev->op == s->op, "the operations end in their order");
    s->op = s->next_op;
    s->next_op = 0;
    if (s->op != 0) {
        begin(s);
    } else {
        next_verb(s);
    }
}

static void on_event(fuzz_machine *m, const mk_event *ev)
{
    session *s = (session *)(void *)m;
    if (ev->type == MK_EV_WANTED) {
        fuzz_promise(ev->op == s->op, "wanted for what is at the front");
        s->room = ev->size;
        if (!s->slow) {
            lend(s);
        }
        return;
    }
    trace_event(&s->m.trace, ev);
    text_z(&s->m.trace, "\n");
    if (ev->type == MK_EV_FAULT) {
        s->faulted = true;
        fuzz_promise(ev->of.fault->retry != MK_RETRY_UNKNOWN || s->last,
                     "what was not lent whole was not taken");
    } else if (ev->type == MK_EV_SMTP_REPLY) {
        on_reply(s, ev);
    } else if (ev->type == MK_EV_SMTP_READY) {
        s->chunking =
            (ev->of.smtp->extensions & MK_SMTP_EXTENSION_CHUNKING) != 0;
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

/* Where no DATA was said: whole lines, and behind BDAT as many octets as it
 * says, but for the last one of a session that broke off (RFC 3030 2). */
static void check_chunks(const session *s)
{
    mk_str out = text_view(&s->m.out);
    while (out.len > 0) {
        size_t n = mk_str_find(out, '\n') + 1;
        mk_str line = mk_str_sub(out, 0, n - 1);
        uint64_t octets = 0;
        if (n > out.len) {
            fuzz_promise(s->m.aborted, "whole lines");
            return;
        }
        fuzz_promise(line.len > 0 && line.ptr[line.len - 1] == '\r' &&
                         mk_str_find(line, '\r') == line.len - 1,
                     "a command without a bare CR");
        line.len--;
        if (mk_str_is(line, mk_str_z("DATA"))) {
            return;
        }
        if (mk_str_is(mk_str_sub(line, 0, 5), mk_str_z("BDAT "))) {
            line = mk_str_sub(line, 5, SIZE_MAX);
            fuzz_promise(mk_str_u64(mk_str_sub(line, 0, mk_str_find(line, ' ')),
                                    &octets) == MK_OK,
                         "a count");
        }
        fuzz_promise(octets <= out.len - n || s->m.aborted,
                     "as many octets as were promised");
        n = octets < out.len - n ? n + (size_t)octets : out.len;
        out = mk_str_sub(out, n, SIZE_MAX);
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
    if (s->m.is_counted) {
        check_chunks(s);
    }
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
