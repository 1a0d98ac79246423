/* SPDX-License-Identifier: MIT
 *
 * send.c: `mailkit send`: one message to one server, and what became of it
 * (RFC 5321 3.3). The message goes out in blocks while it is read; when it
 * cannot be read to its end, or holds what SMTP cannot carry, the session ends
 * without the final dot and nothing is delivered.
 */
#include "send.h"

#include <mailkit/net.h>
#include <mailkit/smtp.h>

#include "dialogue.h"
#include "outcome.h"
#include "progress.h"
#include "secure.h"
#include "source.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 30000 };

typedef struct sending {
    send_options options;
    mk_smtp_client_config config;
    mk_smtp_envelope envelope;
    secure secure;
    mk_engine *engine; /* what the driver holds; closing it closes all */
    mk_poll poll;
    outcome outcome;
    progress progress;
    mk_op op;
    mk_err unfit; /* why the message could not be given in full */
    dialogue dialogue;
    void *block; /* block_bytes octets */
    size_t block_bytes;
    char input[8192];
    source source;
} sending;

/* What stands between us and a safe session is said on standard error too: it
 * is not about the recipients. */
static void fault(sending *s, const mk_fault *f)
{
    unsigned reply = s->outcome.session.code;
    int code = target_exit_code(f->why, f->retry, reply >= 400 && reply < 500);
    mk_retry retry = code == TOOL_NOPERM ? MK_RETRY_NEVER : f->retry;
    mk_str text = f->text;

    if (target_is_certificate(f->why) || f->why == MK_E_TLS) {
        text = mk_str_z(mk_err_text(f->why));
    }
    if (code == TOOL_NOPERM || target_is_certificate(f->why) ||
        f->why == MK_E_TLS || f->why == MK_E_CLEARTEXT) {
        fprintf(stderr, "mailkit: %s: ", s->options.target.host);
        tool_print_escaped(stderr, text);
        fputc('\n', stderr);
    }
    outcome_break(&s->outcome, retry, text, code);
}

static void lend(sending *s, size_t room)
{
    mk_str span;
    bool is_last = false;
    mk_err r = MK_OK;

    while (r == MK_OK && room > 0 && !is_last) {
        r = source_read(&s->source, &span, &is_last);
        if (r == MK_OK) {
            r = mk_body(s->engine, s->op, span, is_last);
        }
        room--;
    }
    if (r != MK_OK) {
        s->unfit = r;
        (void)mk_cancel(s->engine, s->op);
    }
}

static void fail_before(sending *s, mk_err why)
{
    const char *text = mk_err_text(why);
    int code = TOOL_UNAVAILABLE;

    if (why == MK_E_SIZE) {
        text = "the message is larger than the server takes";
    } else if (why == MK_E_UNSUPPORTED) {
        text = "the message holds 8-bit octets, and the server takes 7-bit "
               "messages only";
    } else {
        code = TOOL_USAGE;
    }
    outcome_break(&s->outcome, MK_RETRY_NEVER, mk_str_z(text), code);
    mk_finish(s->engine, mk_str_of(NULL, 0));
}

static void begin(sending *s)
{
    mk_err r;

    if (s->source.is_scanned && s->source.has_8bit) {
        s->envelope.body = MK_SMTP_BODY_8BITMIME;
    }
    r = mk_smtp_client_send(s->engine, &s->envelope, &s->op);
    if (r != MK_OK) {
        fail_before(s, r);
    }
}

static void finish(sending *s, const mk_event *ev)
{
    if (s->unfit != MK_OK) {
        outcome_break(&s->outcome, MK_RETRY_NEVER,
                      mk_str_z(mk_err_text(s->unfit)),
                      s->unfit == MK_E_BARE ? TOOL_DATAERR : TOOL_NOINPUT);
    } else if (ev->err != MK_OK) {
        outcome_break(&s->outcome, MK_RETRY_LATER,
                      mk_str_z(mk_err_text(ev->err)), TOOL_TEMPFAIL);
    }
    mk_finish(s->engine, mk_str_of(NULL, 0));
}

/* The session is as safe as it will be. */
static void learn(sending *s, const mk_smtp_event *event)
{
    if (event->tls != NULL && s->outcome.tls == NULL) {
        s->outcome.tls = event->tls;
        if (s->options.is_dialogue) {
            dialogue_tls(event->tls, s->options.target.host);
        }
    }
    if (event->verb == MK_SMTP_VERB_AUTH && event->reply->code < 300) {
        s->outcome.login = secure_mechanism(event->mechanism);
    }
}

static void handle(sending *s, const mk_event *ev)
{
    switch (ev->type) {
    case MK_EV_SMTP_REPLY:
        outcome_reply(&s->outcome, ev->of.smtp);
        learn(s, ev->of.smtp);
        break;
    case MK_EV_SMTP_READY:
        secure_forget(&s->secure);
        begin(s);
        break;
    case MK_EV_WANTED:
        progress_add(&s->progress, ev->data.len, mk_poll_now_ms());
        if ((ev->flags & MK_LAST) == 0) {
            lend(s, (size_t)ev->size);
        }
        break;
    case MK_EV_FAULT:
        secure_forget(&s->secure);
        fault(s, ev->of.fault);
        break;
    case MK_EV_DONE:
        finish(s, ev);
        break;
    default:
        break;
    }
}

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
    r = mk_smtp_client_open(&s->config, s->block, s->block_bytes, &s->engine);
    if (r == MK_OK && s->options.is_dialogue) {
        inner = s->engine;
        r = dialogue_over(&s->dialogue, &dialogue_smtp, inner, &s->engine);
    }
    if (r == MK_OK) {
        inner = s->engine;
        r = secure_over(&s->secure, inner, &s->engine);
    }
    return r;
}

static void close_engine(sending *s)
{
    mk_close(s->engine);
    if (s->block != NULL) {
        mk_wipe(s->block, s->block_bytes);
    }
    free(s->block);
    secure_close(&s->secure);
}

static bool connect_server(sending *s)
{
    int fd = -1;
    mk_err r = mk_poll_connect(s->options.target.host, s->options.target.port,
                               CONNECT_MS, &fd);

    if (r == MK_OK) {
        r = mk_poll_open(&s->poll, fd, s->engine, s->input, sizeof s->input);
    }
    if (r != MK_OK) {
        outcome_break(&s->outcome, MK_RETRY_LATER, mk_str_z(mk_err_text(r)),
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
    progress_end(&s->progress);
    outcome_break(&s->outcome, MK_RETRY_LATER, mk_str_z("the connection ended"),
                  TOOL_TEMPFAIL);
}

/* Source and settings are there. */
static int send_over(sending *s)
{
    mk_err r = open_engine(s);

    if (r != MK_OK) {
        return tool_fail(
            r == MK_E_CTL ? TOOL_USAGE : TOOL_OSERR, s->options.target.host,
            r == MK_E_CTL ? "not a name to verify" : mk_err_text(r));
    }
    if (!outcome_init(&s->outcome, s->options.recipients,
                      s->options.recipient_count)) {
        return tool_fail(TOOL_OSERR, "send", "out of memory");
    }
    if (connect_server(s)) {
        converse(s);
    }
    return outcome_print(&s->outcome, s->options.is_json);
}

static int send_file(sending *s)
{
    mk_err r = source_open(&s->source, s->options.file);
    int code;

    if (r != MK_OK) {
        return tool_fail(r == MK_E_BARE ? TOOL_DATAERR : TOOL_NOINPUT,
                         s->options.file, mk_err_text(r));
    }
    (void)mk_smtp_envelope_init(&s->envelope, sizeof s->envelope);
    s->envelope.reverse_path = s->options.sender;
    s->envelope.forward_paths = s->options.recipients;
    s->envelope.forward_count = s->options.recipient_count;
    s->envelope.message_bytes = s->source.wire_bytes;
    progress_init(&s->progress, "sent", s->source.wire_bytes, 0);
    (void)mk_smtp_client_config_init(&s->config, sizeof s->config);
    s->config.hostname = mk_str_z(s->options.hostname);
    code = secure_open(&s->secure, &s->options.target);
    s->config.tls = s->secure.policy;
    s->config.sasl = s->secure.login;
    if (s->secure.message_max > 0) {
        s->config.sasl_message_max = s->secure.message_max;
    }
    if (code == TOOL_OK) {
        code = send_over(s);
    }
    close_engine(s);
    outcome_fini(&s->outcome);
    source_close(&s->source);
    return code;
}

int tool_send(int argc, char **argv)
{
    sending *s = calloc(1, sizeof *s);
    int code = TOOL_OSERR;

    if (s == NULL) {
        return tool_fail(TOOL_OSERR, "send", "out of memory");
    }
    if (send_options_parse(&s->options, argc, argv, &code) == MK_OK) {
        code = send_file(s);
    }
    send_options_fini(&s->options);
    free(s);
    return code;
}
