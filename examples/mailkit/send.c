/* SPDX-License-Identifier: MIT
 *
 * send.c: `mailkit send`: messages to one server by SMTP (RFC 5321 3.3) or LMTP
 * (RFC 2033), and what became of them. A message goes out in blocks while it
 * is read; when it cannot be read to its end, or holds what SMTP cannot carry,
 * the session ends without the final dot and nothing is delivered. With
 * PIPELINING a message begins once the one before is read, so that two at most
 * are under way. A session that brought a message to its end is followed by
 * another one for those that it left.
 */
#include "send.h"

#include <mailkit/net.h>
#include <mailkit/smtp.h>

#include "dialogue.h"
#include "message.h"
#include "secure.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MS = 30000,
    UNDER_WAY_MAX = 2,
    LMTP_RECIPIENTS = 1000 /* of one message, each with a reply to it */
};

typedef struct sending {
    send_options options;
    mk_smtp_client_config config;
    int code;
    place next;   /* what is to begin */
    size_t begun; /* messages; the i-th lies in messages[i % …] */
    size_t told;  /* those whose outcome was printed */
    message messages[UNDER_WAY_MAX];
    /* of the session: */
    errand errand;
    secure secure;
    mk_poll poll;
    dialogue dialogue;
    void *block; /* block_bytes octets */
    size_t block_bytes;
    size_t first;   /* its first message */
    bool is_useful; /* it brought a message to its end, whatever end */
    mk_op introduction;
    bool is_introduced;
    uint32_t mail_max; /* messages that it may have; 0: any number */
    char input[8192];
} sending;

static message *at(sending *s, size_t i)
{
    return &s->messages[i % UNDER_WAY_MAX];
}

static bool has_more(const sending *s)
{
    return s->next.file < s->options.file_count;
}

static void say(const sending *s, const char *what, mk_str text)
{
    fprintf(stderr, "mailkit: %s: %s", s->options.target.host, what);
    tool_print_escaped(stderr, text);
    fputc('\n', stderr);
}

/* ---- the session --------------------------------------------------------- */

static void session_break(sending *s, mk_retry retry, mk_str why, int code)
{
    breakage *b = &s->errand.breakage;

    if (!b->is_there) {
        b->is_there = true;
        b->retry = retry;
        b->code = code;
        b->text_len = why.len < sizeof b->text ? why.len : sizeof b->text;
        memcpy(b->text, why.ptr, b->text_len);
    }
}

/* Another message can begin: none is under way, or one that the next may be
 * joined to (RFC 2920 3.1). */
static bool may_begin(sending *s)
{
    return !s->errand.breakage.is_there && has_more(s) &&
           (s->mail_max == 0 || s->begun - s->first < s->mail_max) &&
           (s->told == s->begun ||
            (s->begun - s->told < UNDER_WAY_MAX &&
             at(s, s->begun - 1)->is_lent &&
             (s->errand.offered & MK_SMTP_EXTENSION_PIPELINING) != 0));
}

/* What became of the first that was not told. */
static void tell(sending *s)
{
    int code = message_close(at(s, s->told++), &s->errand);
    s->code = outcome_worse(s->code, code);
}

static void go_on(sending *s)
{
    bool has_begun = true;

    while (has_begun) {
        while (s->told < s->begun && at(s, s->told)->is_over) {
            tell(s);
        }
        has_begun = may_begin(s);
        if (has_begun) {
            message_begin(at(s, s->begun++), &s->errand, &s->next);
        }
    }
    if (s->told == s->begun) {
        mk_finish(s->errand.engine, mk_str_of(NULL, 0));
    }
}

/* What was asked for and is of no use here. */
static void tell_missing(const sending *s)
{
    mk_smtp_envelope envelope;
    uint32_t must = 0;
    uint32_t may = 0;

    message_envelope(&s->errand, &envelope);
    (void)mk_smtp_envelope_needs(&envelope, &must, &may);
    for (may &= ~s->errand.offered; may != 0; may &= may - 1) {
        say(s, "the server does not offer and was not asked for ",
            mk_str_z(asks_extension_name(may)));
    }
}

static void start(sending *s)
{
    secure_forget(&s->secure);
    if (s->begun == 0) {
        tell_missing(s);
    }
    go_on(s);
}

static void introduce(sending *s)
{
    mk_err r =
        mk_smtp_client_introduce(s->errand.engine, MK_SMTP_VERB_XCLIENT,
                                 &s->options.asks.client, &s->introduction);

    s->is_introduced = true;
    if (r != MK_OK) {
        session_break(s, MK_RETRY_NEVER,
                      mk_str_z(r == MK_E_UNSUPPORTED
                                   ? "the server does not offer XCLIENT"
                                   : mk_err_text(r)),
                      r == MK_E_UNSUPPORTED ? TOOL_UNAVAILABLE : TOOL_USAGE);
        go_on(s);
    }
}

static void introduced(sending *s, mk_err why)
{
    bool is_passing = s->errand.session.last.code < 500;

    if (why != MK_OK) {
        session_break(s, is_passing ? MK_RETRY_LATER : MK_RETRY_NEVER,
                      mk_str_z(mk_err_text(why)),
                      is_passing ? TOOL_TEMPFAIL : TOOL_UNAVAILABLE);
    }
    start(s);
}

/* The session is as safe as it will be. */
static void learn(sending *s, const mk_smtp_event *event)
{
    if (event->tls != NULL && s->errand.session.tls == NULL) {
        s->errand.session.tls = event->tls;
        if (s->options.is_dialogue) {
            dialogue_tls(event->tls, s->options.target.host);
        }
    }
    if (event->verb == MK_SMTP_VERB_AUTH && event->reply->code < 300) {
        s->errand.session.login = secure_mechanism(event->mechanism);
    }
}

/* The session ended before anything of it was lent, but was of use to another:
 * the next session may bring it to its end. */
static bool is_left(const sending *s, const message *m)
{
    return s->errand.breakage.is_there && !m->is_read && !m->is_over &&
           s->errand.breakage.retry != MK_RETRY_NEVER && s->is_useful;
}

/* The message of an operation, or NULL. */
static message *find(sending *s, mk_op op)
{
    for (size_t i = s->told; i < s->begun; i++) {
        if (!at(s, i)->is_over && at(s, i)->op == op) {
            return at(s, i);
        }
    }
    return NULL;
}

/* ---- events -------------------------------------------------------------- */

/* What stands between us and a safe session is said on standard error too: it
 * is not about the recipients. */
static void on_fault(sending *s, const mk_event *ev)
{
    const mk_fault *f = ev->of.fault;
    message *m = find(s, ev->op);
    unsigned reply = s->errand.session.last.code;
    int code = target_exit_code(f->why, f->retry, reply >= 400 && reply < 500);
    mk_retry retry = code == TOOL_NOPERM ? MK_RETRY_NEVER : f->retry;
    mk_str text = f->text;

    secure_forget(&s->secure);
    if (target_is_certificate(f->why) || f->why == MK_E_TLS) {
        text = mk_str_z(mk_err_text(f->why));
    }
    if (code == TOOL_NOPERM || target_is_certificate(f->why) ||
        f->why == MK_E_TLS || f->why == MK_E_CLEARTEXT) {
        say(s, "", text);
    }
    if (m != NULL) {
        m->is_faulty = true;
        m->retry = retry;
    }
    session_break(s, retry, text, code);
}

static void on_reply(sending *s, const mk_smtp_event *event)
{
    if (!outcome_session_reply(&s->errand.session, event) &&
        s->told < s->begun) {
        outcome_reply(&at(s, s->told)->outcome, event);
    }
    learn(s, event);
}

static void on_ready(sending *s, const mk_smtp_event *event)
{
    s->errand.offered = event->extensions;
    s->mail_max = event->mail_max;
    s->errand.rcpt_max = event->rcpt_max;
    if (s->options.is_lmtp &&
        (s->errand.rcpt_max == 0 || s->errand.rcpt_max > LMTP_RECIPIENTS)) {
        s->errand.rcpt_max = LMTP_RECIPIENTS;
    }
    if (s->options.asks.client.given == 0) {
        start(s);
    } else if (!s->is_introduced) {
        introduce(s);
    }
}

static void on_wanted(sending *s, const mk_event *ev)
{
    message *m = find(s, ev->op);

    if (m == NULL) {
        return;
    }
    progress_add(&m->progress, ev->data.len, mk_poll_now_ms());
    if ((ev->flags & MK_LAST) == 0) {
        message_lend(m, &s->errand, (size_t)ev->size);
    }
    if (m->is_lent) {
        go_on(s);
    }
}

static void on_done(sending *s, const mk_event *ev)
{
    message *m = find(s, ev->op);

    if (s->is_introduced && ev->op == s->introduction) {
        introduced(s, ev->err);
        return;
    }
    if (m == NULL || is_left(s, m)) {
        return;
    }
    s->is_useful = s->is_useful || !s->errand.breakage.is_there;
    if (m->unfit != MK_OK) { /* in the middle of it, there is no way on */
        session_break(s, MK_RETRY_LATER, mk_str_z("the connection ended"),
                      TOOL_TEMPFAIL);
    }
    message_finish(m, &s->errand, ev->err);
    go_on(s);
}

static void handle(sending *s, const mk_event *ev)
{
    switch (ev->type) {
    case MK_EV_SMTP_REPLY:
        on_reply(s, ev->of.smtp);
        break;
    case MK_EV_SMTP_READY:
        on_ready(s, ev->of.smtp);
        break;
    case MK_EV_WANTED:
        on_wanted(s, ev);
        break;
    case MK_EV_FAULT:
        on_fault(s, ev);
        break;
    case MK_EV_DONE:
        on_done(s, ev);
        break;
    default:
        break;
    }
}

/* ---- its life ------------------------------------------------------------ */

/* The client, what shows the dialogue, and TLS around both. */
static mk_err open_engine(sending *s)
{
    mk_engine *inner = NULL;
    mk_err r;

    s->block_bytes = mk_smtp_client_need(&s->config);
    s->block = calloc(1, s->block_bytes);
    if (s->block == NULL) {
        return MK_E_MEMORY;
    }
    r = mk_smtp_client_open(&s->config, s->block, s->block_bytes,
                            &s->errand.engine);
    if (r == MK_OK && s->options.is_dialogue) {
        inner = s->errand.engine;
        r = dialogue_over(&s->dialogue, &dialogue_smtp, inner,
                          &s->errand.engine);
    }
    if (r == MK_OK) {
        inner = s->errand.engine;
        r = secure_over(&s->secure, inner, &s->errand.engine);
    }
    return r;
}

/* TOOL_OK; else it was complained. */
static int session_open(sending *s)
{
    int code = secure_open(&s->secure, &s->options.target);
    mk_err r;

    if (code != TOOL_OK) {
        return code;
    }
    s->config.tls = s->secure.policy;
    s->config.sasl = s->secure.login;
    if (s->secure.message_max > 0) {
        s->config.sasl_message_max = s->secure.message_max;
    }
    r = open_engine(s);
    if (r != MK_OK) {
        return tool_fail(
            r == MK_E_CTL ? TOOL_USAGE : TOOL_OSERR, s->options.target.host,
            r == MK_E_CTL ? "not a name to verify" : mk_err_text(r));
    }
    return TOOL_OK;
}

static bool connect_server(sending *s)
{
    int fd = -1;
    mk_err r = target_connect(&s->options.target, CONNECT_MS, &fd);

    if (r == MK_OK) {
        r = mk_poll_open(&s->poll, fd, s->errand.engine, s->input,
                         sizeof s->input);
    }
    if (r != MK_OK) {
        session_break(s, MK_RETRY_LATER, mk_str_z(mk_err_text(r)),
                      r == MK_E_NAME ? TOOL_NOHOST : TOOL_TEMPFAIL);
        tool_fail(0, s->options.target.host, mk_err_text(r));
    }
    return r == MK_OK;
}

static void converse(sending *s)
{
    mk_event ev;

    while (mk_poll_next(&s->poll, &ev) == MK_OK) {
        handle(s, &ev);
    }
    mk_poll_close(&s->poll);
    session_break(s, MK_RETRY_LATER, mk_str_z("the connection ended"),
                  TOOL_TEMPFAIL);
    while (s->told < s->begun && !is_left(s, at(s, s->told))) {
        message_finish(at(s, s->told), &s->errand, MK_OK);
        tell(s);
    }
    while (s->begun > s->told) {
        message *m = at(s, --s->begun);
        s->next = m->place;
        message_drop(m);
    }
}

static void session_close(sending *s)
{
    mk_close(s->errand.engine);
    if (s->block != NULL) {
        mk_wipe(s->block, s->block_bytes);
    }
    free(s->block);
    secure_close(&s->secure);
    s->errand.engine = NULL;
    s->block = NULL;
    memset(&s->secure, 0, sizeof s->secure);
    s->errand.session.tls = NULL;
}

/* Forget what the session before was. */
static void session_begin(sending *s)
{
    outcome_session_fini(&s->errand.session);
    memset(&s->errand.session, 0, sizeof s->errand.session);
    memset(&s->errand.breakage, 0, sizeof s->errand.breakage);
    s->errand.session.is_lmtp = s->options.is_lmtp;
    s->first = s->begun;
    s->is_useful = false;
    s->introduction = 0;
    s->is_introduced = false;
}

static int send_files(sending *s)
{
    int code;

    do {
        session_begin(s);
        code = session_open(s);
        if (code == TOOL_OK && connect_server(s)) {
            converse(s);
        }
        session_close(s);
    } while (code == TOOL_OK && s->is_useful && has_more(s) &&
             s->errand.breakage.retry != MK_RETRY_NEVER);
    while (code == TOOL_OK && has_more(s)) {
        message *m = at(s, s->begun++);
        if (message_init(m, &s->errand, &s->next)) {
            message_finish(m, &s->errand, MK_OK);
        }
        tell(s);
    }
    return outcome_worse(s->code, code);
}

/* Every file can be read and, as far as that can be told, sent. The first
 * stays open. */
static int check_files(sending *s)
{
    size_t i;

    for (i = 0; i < s->options.file_count; i++) {
        source *one = &at(s, i > 0)->source;
        mk_err r = source_open(one, s->options.files[i]);
        if (r != MK_OK) {
            return tool_fail(r == MK_E_BARE ? TOOL_DATAERR : TOOL_NOINPUT,
                             s->options.files[i], mk_err_text(r));
        }
        if (i > 0) {
            source_close(one);
            one->name = NULL;
        }
    }
    return TOOL_OK;
}

/* What is asked of each recipient, and an envelope that can be sent. */
static int check_envelope(sending *s)
{
    const send_options *o = &s->options;
    mk_smtp_envelope envelope;
    uint32_t must = 0;
    uint32_t may = 0;
    mk_err r;
    size_t i;

    if (o->asks.rcpt.notify != MK_SMTP_NOTIFY_UNSTATED) {
        s->errand.rcpts = calloc(o->recipient_count, sizeof *s->errand.rcpts);
        if (s->errand.rcpts == NULL) {
            return tool_fail(TOOL_OSERR, "send", "out of memory");
        }
        for (i = 0; i < o->recipient_count; i++) {
            s->errand.rcpts[i] = o->asks.rcpt;
        }
    }
    message_envelope(&s->errand, &envelope);
    r = mk_smtp_envelope_needs(&envelope, &must, &may);
    return r == MK_OK ? TOOL_OK
                      : tool_fail(TOOL_USAGE, "send: what is asked for",
                                  mk_err_text(r));
}

static int send_all(sending *s)
{
    int code = check_envelope(s);

    (void)mk_smtp_client_config_init(&s->config, sizeof s->config);
    s->config.hostname = mk_str_z(s->options.hostname);
    s->config.is_lmtp = s->options.is_lmtp;
    s->config.is_data_only = s->options.is_data_only;
    code = code == TOOL_OK ? check_files(s) : code;
    code = code == TOOL_OK ? send_files(s) : code;
    source_close(&at(s, 0)->source);
    outcome_session_fini(&s->errand.session);
    free(s->errand.rcpts);
    return code;
}

int tool_send(int argc, char **argv)
{
    sending *s = calloc(1, sizeof *s);
    int code = TOOL_OSERR;

    if (s == NULL) {
        return tool_fail(TOOL_OSERR, "send", "out of memory");
    }
    s->errand.options = &s->options;
    if (send_options_parse(&s->options, argc, argv, &code) == MK_OK) {
        code = send_all(s);
    }
    send_options_fini(&s->options);
    free(s);
    return code;
}
