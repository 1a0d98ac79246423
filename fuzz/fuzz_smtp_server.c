/* SPDX-License-Identifier: MIT
 *
 * fuzz_smtp_server.c: a hostile client and a random application against the
 * server machine. Every input is run whole, octet by octet and in pieces, and
 * must give the same events and replies (Law 4); no body may be accepted
 * without a MAIL and a RCPT of its own (THREATS 7, 13), and over LMTP each of
 * these is asked about; nobody is logged in without a yes, no secret is taken
 * in clear, and TLS forgets (THREATS 28, 32, 41); no bare CR, LF or NUL goes
 * out or reaches the application (Law 10); every session comes to an end.
 */
#include <mailkit/smtp.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { HEADER = 4 };

typedef struct session {
    fuzz_server s; /* first */
    mk_smtp_server_config config;
    uint8_t body_policy;
    bool slow;   /* body octets were put off: cuts may show */
    bool spoilt; /* this body was refused in the middle */
    bool utf8;   /* this transaction said SMTPUTF8 */
    bool binary; /* BODY=BINARYMIME: it may hold anything (RFC 3030 3) */
    text body;
    /* the promise of THREATS 13 */
    bool mail;
    uint32_t accepted;
    uint32_t due; /* LMTP: recipients to be asked about */
    uint32_t told;
    bool is_anew;  /* XCLIENT may have been answered yes: CONNECT may come */
    bool vouching; /* then a login is named for the peer */
    bool vouched;
} session;

static void configure_login(session *s, uint8_t flags)
{
    fuzz_server_configure(&s->s, flags, s->config.hostname);
    s->config.tls = s->s.tls_policy;
    s->config.sasl = (flags & 4) != 0 ? &s->s.sasl : NULL;
    s->config.is_auth_needed = s->config.sasl != NULL && (flags & 32) != 0;
    s->config.sasl_units = s->s.has_rooms ? &s->s.rooms : NULL;
}

/* All but some, and what these need (RFC 6531 3.1, RFC 3865 2, RFC 4865 4). */
static void offer(mk_smtp_server_config *c, uint8_t flags)
{
    c->extensions = MK_SMTP_EXTENSION_ALL & ~(uint32_t)(flags & 15);
    if ((c->extensions & MK_SMTP_EXTENSION_8BITMIME) == 0) {
        c->extensions &= ~(uint32_t)MK_SMTP_EXTENSION_SMTPUTF8;
    }
    c->line_max = 3072;
    c->hold_until_max = mk_str_z("2030-01-01T00:00:00Z");
    c->solicit = mk_str_z("org.example:ADV");
}

static void configure(session *s, const uint8_t *header)
{
    mk_smtp_server_config *c = &s->config;
    uint8_t flags = header[0];
    fuzz_promise(mk_smtp_server_config_init(c, sizeof *c) == MK_OK, "init");
    c->hostname = mk_str_z("mx.example");
    offer(c, flags);
    c->is_lmtp = (flags & 15) == MK_SMTP_EXTENSION_8BITMIME;
    if ((flags & 16) != 0) {
        c->bare = MK_SMTP_BARE_NORMALIZE;
    }
    if ((flags & 32) != 0) {
        c->asks = MK_SMTP_ASK_ALL;
    }
    if ((flags & 64) != 0) {
        c->line_max = 512;
        c->extensions &= ~(uint32_t)MK_SMTP_EXTENSION_NO_SOLICITING;
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
        c->chunks_max = 3;
    }
    if ((flags & 128) != 0) {
        c->units = fuzz_machine_pool(&s->s.m);
    }
    s->s.policy = header[1];
    configure_login(s, header[3]);
}

/* the verdict for the next question */
static void answer(session *s, mk_op op)
{
    static const mk_str none = {NULL, 0};
    static const mk_str codes[] = {MK_STR_INIT("250"), MK_STR_INIT("550 5.7.1"),
                                   MK_STR_INIT("421 4.3.2"), MK_STR_INIT("")};
    unsigned p = fuzz_server_choose(&s->s);
    if (p < 4) {
        (void)mk_reply(s->s.m.engine, op, MK_ANSWER_YES, none, none);
    } else if (p == 4) {
        (void)mk_reply(s->s.m.engine, op, MK_ANSWER_NO, codes[1],
                       mk_str_z("refused"));
    } else if (p == 5) {
        (void)mk_reply(s->s.m.engine, op, MK_ANSWER_LATER, codes[2], none);
    } else if (p == 6 && mk_later(s->s.m.engine, op) == MK_OK) {
        s->s.waiting = op;
    } /* 7: forgotten */
}

static void on_body(session *s, const mk_event *ev)
{
    static const mk_str none = {NULL, 0};
    fuzz_promise(ev->data.len > 0, "body events have octets");
    if (s->body_policy == 1) {
        s->spoilt = true;
        s->body_policy = 0;
        (void)mk_reply(s->s.m.engine, ev->op, MK_ANSWER_NO, none, none);
    } else if (s->body_policy == 2) {
        s->body_policy = 0;
        s->slow = true;
        (void)mk_later(s->s.m.engine, ev->op);
        s->s.waiting = ev->op;
    }
    if (!s->spoilt) {
        text_str(&s->body, ev->data);
    }
}

static void flush_body(session *s)
{
    if (s->body.len > 0 && !s->spoilt) {
        fuzz_promise(s->binary || fuzz_is_clean(text_view(&s->body), true),
                     "a body without bare CR, LF or NUL");
        text_z(&s->s.m.trace, "BODY ");
        text_quoted(&s->s.m.trace, text_view(&s->body));
        text_z(&s->s.m.trace, "\n");
    }
    text_clear(&s->body);
    s->spoilt = false;
}

/* What is told of a peer has its form, whatever it says (THREATS 17). */
static void check_told(const mk_smtp_client_info *c)
{
    const mk_str texts[] = {c->name,  c->addr,  c->port,      c->proto,
                            c->helo,  c->login, c->dest_addr, c->dest_port,
                            c->ident, c->source};
    char room[255];
    mk_buf plain;
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bool is_told = (c->given & ~c->unknown & 1U << i) != 0;
        mk_buf_init(&plain, room, sizeof room);
        fuzz_promise(is_told == (texts[i].len > 0), "what is told has a text");
        fuzz_promise(mk_smtp_xtext_parse(texts[i], &plain) == MK_OK,
                     "of 255 octets, without control characters");
    }
    fuzz_promise((c->unsure & ~c->unknown) == 0 &&
                     (c->unknown & ~c->given) == 0 && c->given != 0,
                 "what is unknown was given");
}

/* A login passes to nobody who is named later. */
static void keep_peer(session *s, const mk_event *ev)
{
    enum { OWNER = MK_SMTP_CLIENT_FIELD_ADDR | MK_SMTP_CLIENT_FIELD_LOGIN };
    const mk_smtp_client_info *c = ev->of.smtp->client;
    if (ev->type == MK_EV_SMTP_CONNECT) {
        fuzz_promise(s->is_anew, "a session begins once, or by XCLIENT");
        s->is_anew = false;
        s->vouched = s->vouching;
        s->s.is_known = s->vouched;
        return;
    }
    check_told(c);
    if (ev->type == MK_EV_SMTP_XCLIENT) {
        bool is_kept = s->vouched && s->s.is_known && (c->given & OWNER) == 0;
        s->is_anew = true;
        s->vouching = is_kept || c->login.len > 0;
    }
}

/* Does it decode to text without control characters, UTF-8 at most
 * (THREATS 17, 25)? */
static bool is_safe_xtext(mk_str value)
{
    char room[2048];
    mk_buf plain;
    mk_buf_init(&plain, room, sizeof room);
    return mk_smtp_xtext_parse(value, &plain) == MK_OK;
}

static void look_at_mail(const session *s, const mk_smtp_event *e)
{
    const mk_smtp_mail_options *o = e->mail;
    fuzz_promise(o != NULL && e->rcpt == NULL, "MAIL has its options");
    fuzz_promise(o->is_utf8 || (e->path->flags & MK_SMTP_PATH_UTF8) == 0,
                 "no path in UTF-8 without SMTPUTF8");
    fuzz_promise(o->envid.len <= 100 && is_safe_xtext(o->envid), "an ENVID");
    fuzz_promise(is_safe_xtext(o->auth), "an AUTH");
    fuzz_promise(o->hold_for_s == 0 || o->hold_until.len == 0,
                 "HOLDFOR or HOLDUNTIL");
    fuzz_promise(o->hold_for_s <= s->config.hold_max_s, "a HOLDFOR");
    fuzz_promise(o->by != MK_SMTP_BY_RETURN || o->by_s > 0, "a BY");
    fuzz_promise(o->priority >= -9 && o->priority <= 9, "an MT-PRIORITY");
    fuzz_promise(!o->is_tls_required || s->s.is_tls, "no REQUIRETLS in clear");
}

static void look_at_rcpt(const session *s, const mk_smtp_event *e)
{
    const mk_smtp_rcpt_options *o = e->rcpt;
    fuzz_promise(o != NULL && e->mail == NULL, "RCPT has its options");
    fuzz_promise(s->utf8 || (e->path->flags & MK_SMTP_PATH_UTF8) == 0,
                 "no recipient in UTF-8 without SMTPUTF8");
    fuzz_promise((o->notify & MK_SMTP_NOTIFY_NEVER) == 0 ||
                     o->notify == MK_SMTP_NOTIFY_NEVER,
                 "NEVER stands alone");
    fuzz_promise(mk_str_is_nocase(o->orcpt_type, mk_str_z("utf-8")) ||
                     is_safe_xtext(o->orcpt),
                 "an ORCPT");
    fuzz_promise(!mk_str_has_ctl(o->orcpt), "an ORCPT of one line");
}

/* Over LMTP each recipient of a body is asked about, in order, and nothing else
 * happens meanwhile (RFC 2033 4.2). */
static void keep_deliveries(session *s, const mk_event *ev)
{
    if (ev->type == MK_EV_SMTP_DELIVERED) {
        fuzz_promise(s->told < s->due && ev->of.smtp->index == s->told,
                     "each recipient is asked about in its turn");
        fuzz_promise((ev->flags & MK_ASK) != 0, "and asked");
        s->told++;
    } else if (ev->type == MK_EV_BODY) {
        fuzz_promise(s->told == s->due, "all of the body before");
        s->due = s->config.is_lmtp ? ev->of.smtp->accepted : 0;
        s->told = 0;
    } else if (ev->type != MK_EV_WITHDRAWN && ev->type != MK_EV_FAULT) {
        fuzz_promise(s->told == s->due, "nobody is left out");
    }
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
        look_at_mail(s, ev->of.smtp);
        s->binary = ev->of.smtp->body == MK_SMTP_BODY_BINARYMIME;
        s->utf8 = ev->of.smtp->mail->is_utf8;
        fuzz_promise(s->s.is_known || !s->config.is_auth_needed,
                     "no MAIL before the login that is needed");
        fuzz_promise(s->s.is_tls || s->config.tls < MK_TLS_POLICY_ENCRYPT,
                     "no MAIL in clear where TLS is needed");
        fuzz_promise(s->s.tls.is_verified || s->config.tls < MK_TLS_POLICY_MUST,
                     "no MAIL of a peer that must be verified");
        break;
    case MK_EV_SMTP_RCPT:
        look_at_rcpt(s, ev->of.smtp);
        break;
    case MK_EV_SMTP_DATA:
    case MK_EV_BODY:
        fuzz_promise(ev->of.smtp->accepted > 0, "a body has a recipient");
        break;
    default:
        break;
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
    if (ev->type == MK_EV_SMTP_CONNECT || ev->type == MK_EV_SMTP_XCLIENT ||
        ev->type == MK_EV_SMTP_XFORWARD) {
        keep_peer(s, ev);
    }
    keep_envelope(s, ev);
    keep_deliveries(s, ev);
    fuzz_server_see(&s->s, ev, MK_EV_SMTP_TLS, MK_EV_SMTP_AUTH);
    trace_event(&s->s.m.trace, ev);
    text_z(&s->s.m.trace, "\n");
    if (!fuzz_server_answer(&s->s, ev) && (ev->flags & MK_ASK) != 0) {
        answer(s, ev->op);
    }
}

static void on_control(fuzz_machine *m, fuzz_control what, uint8_t n)
{
    session *s = (session *)(void *)m;
    if (what == FUZZ_POLICY) {
        s->s.policy = n;
    } else if (what == FUZZ_BODY) {
        s->body_policy = n % 3;
    } else if (what == FUZZ_CANCEL) {
        (void)mk_cancel(m->engine, 1);
    } else if (what == FUZZ_ANSWER) {
        mk_op op = fuzz_server_resume(&s->s);
        if (op != 0) {
            answer(s, op);
        }
    }
}

static void run(session *s, const uint8_t *data, size_t size, size_t chunk)
{
    memset(s, 0, sizeof *s);
    configure(s, data);
    size_t need = mk_smtp_server_need(&s->config);
    s->is_anew = true;
    s->s.m.on_event = on_event;
    s->s.m.on_control = on_control;
    s->s.m.chunk = chunk;
    s->s.m.block = malloc(need);
    fuzz_promise(mk_smtp_server_open(&s->config, s->s.m.block, need,
                                     &s->s.m.engine) == MK_OK,
                 "open");
    fuzz_server_begin(&s->s, data[3]);
    fuzz_machine_perform(&s->s.m, data + HEADER, size - HEADER);
    flush_body(s);
    text_z(&s->s.m.trace, s->s.m.aborted ? "abort" : "close");
}

static void close_session(session *s)
{
    fuzz_server_close(&s->s);
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
            fuzz_same(&whole.s.m.trace, &cut.s.m.trace,
                      "the same events (Law 4)");
            fuzz_same(&whole.s.m.out, &cut.s.m.out, "the same replies (Law 4)");
        }
        close_session(&cut);
    }
    close_session(&whole);
    return 0;
}
