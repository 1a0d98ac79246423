/* SPDX-License-Identifier: MIT
 *
 * fetch.c: `mailkit fetch`: the messages of a POP3 maildrop into a Maildir (RFC
 * 1939). Commands go out as far ahead as the server allows. DELE is said of a
 * message only once it is on stable storage here, and takes effect at QUIT, so
 * that whatever breaks leaves each message here, there, or in both places.
 */
#include "fetch.h"

#include <mailkit/net.h>
#include <mailkit/pop3.h>

#include "dialogue.h"
#include "drop.h"
#include "inbox.h"
#include "progress.h"
#include "secure.h"
#include "seen.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 30000, COUNT_MAX = 1000000, SEEN_EVERY_MS = 10000 };

typedef struct fetching {
    fetch_options options;
    mk_pop3_client_config config;
    secure secure;
    mk_engine *engine; /* what the driver holds; closing it closes all */
    mk_poll poll;
    dialogue dialogue;
    inbox inbox;
    seen seen;
    drop drop;
    progress progress;
    unsigned under_way;   /* commands */
    uint32_t retr_next;   /* the message to be asked for next */
    uint32_t dele_next;   /* and to be deleted */
    uint32_t asked;       /* messages that were asked for */
    uint64_t body_bytes;  /* of the one that comes */
    uint64_t seen_ms;     /* when the ids were last written */
    bool is_planned;      /* listings are through */
    bool is_leaving;      /* QUIT was said, or will be by the engine */
    bool is_dele_refused; /* of one message or more */
    char refusal[512];    /* the server's last -ERR */
    size_t refusal_len;
    void *block; /* block_bytes octets */
    size_t block_bytes;
    char input[65536];
} fetching;

/* ---- what to say next ---------------------------------------------------- */

/* MK_OK: said; MK_WAIT: not now; else this session cannot go on. */
static mk_err say(fetching *f, mk_pop3_verb verb, uint32_t number)
{
    mk_op op;
    mk_err r = mk_pop3_client_command(f->engine, verb, number, 0, &op);

    f->under_way += r == MK_OK ? 1 : 0;
    return r == MK_E_BUSY ? MK_WAIT : r;
}

static void leave(fetching *f)
{
    f->is_leaving = true;
    if (say(f, MK_POP3_VERB_QUIT, 0) != MK_OK) {
        drop_break(&f->drop, TOOL_TEMPFAIL);
        mk_finish(f->engine, mk_str_of(NULL, 0));
    }
}

/* No further message is asked for. */
static void stop(fetching *f)
{
    f->retr_next = f->drop.count + 1;
}

/* The next DELE that may be said. MK_END: there is none for now. */
static mk_err say_dele(fetching *f)
{
    for (; f->dele_next <= f->drop.count; f->dele_next++) {
        drop_state state = f->drop.rows[f->dele_next - 1].state;
        if (state == DROP_FETCHED || state == DROP_SEEN) {
            mk_err r = say(f, MK_POP3_VERB_DELE, f->dele_next);
            f->dele_next += r == MK_OK ? 1 : 0;
            return r;
        }
        if (state == DROP_ASKED || state == DROP_HERE ||
            f->dele_next >= f->retr_next) {
            break;
        }
    }
    return MK_END;
}

static mk_err say_retr(fetching *f)
{
    mk_err r;

    while (f->retr_next <= f->drop.count &&
           f->drop.rows[f->retr_next - 1].state != DROP_LEFT) {
        f->retr_next++;
    }
    if (f->asked == f->options.count_max) {
        stop(f);
    }
    if (f->retr_next > f->drop.count) {
        return MK_END;
    }
    r = say(f, MK_POP3_VERB_RETR, f->retr_next);
    if (r == MK_OK) {
        f->drop.rows[f->retr_next - 1].state = DROP_ASKED;
        f->retr_next++;
        f->asked++;
    }
    return r;
}

static void settle(fetching *f);

/* As much as may be said now; at the end of all, QUIT. */
static void go_on(fetching *f)
{
    mk_err r = MK_OK;

    while (f->is_planned && !f->is_leaving) {
        r = say_dele(f);
        if (r == MK_END) {
            r = say_retr(f);
        }
        if (r == MK_END && f->under_way == 0 && f->inbox.count > 0) {
            settle(f);
        } else if (r != MK_OK) {
            break;
        }
    }
    if (r < 0 || (r == MK_WAIT && f->under_way == 0)) {
        f->is_leaving = true;
        drop_break(&f->drop, TOOL_TEMPFAIL);
        mk_finish(f->engine, mk_str_of(NULL, 0));
    } else if (r == MK_END && f->under_way == 0) {
        leave(f);
    }
}

/* ---- messages ------------------------------------------------------------ */

static void fail(fetching *f, uint32_t number, mk_err why)
{
    drop_set(&f->drop, number, DROP_FAILED, mk_str_z(mk_err_text(why)));
    if (f->drop.broken == 0) {
        tool_fail(0, f->options.into, mk_err_text(why));
    }
    drop_break(&f->drop, TOOL_IOERR);
    stop(f);
}

static void told(void *self, uint32_t number, mk_err why, mk_str name,
                 uint64_t wire_bytes)
{
    fetching *f = self;

    if (why != MK_OK) {
        fail(f, number, why);
        return;
    }
    f->drop.rows[number - 1].octets = wire_bytes;
    drop_set(&f->drop, number, DROP_FETCHED, name);
}

static void write_seen(fetching *f)
{
    if (f->drop.is_listed) {
        int code = seen_write(&f->seen, drop_put_ids, &f->drop);
        if (code != TOOL_OK) {
            drop_break(&f->drop, code);
        }
    }
}

static void settle(fetching *f)
{
    uint64_t now_ms = mk_poll_now_ms();

    inbox_settle(&f->inbox, told, f);
    if (now_ms - f->seen_ms >= SEEN_EVERY_MS) {
        f->seen_ms = now_ms;
        write_seen(f);
    }
}

static void take_body(fetching *f, const mk_event *ev)
{
    uint32_t number = ev->of.pop3->number;
    mk_err r;

    if (f->drop.rows[number - 1].state != DROP_ASKED) {
        return; /* it is not wanted any more */
    }
    f->body_bytes += ev->data.len;
    progress_add(&f->progress, ev->data.len, mk_poll_now_ms());
    if (f->body_bytes > f->options.message_max) {
        inbox_drop(&f->inbox);
        drop_set(&f->drop, number, DROP_LARGE, mk_str_of(NULL, 0));
        (void)mk_cancel(f->engine, ev->op);
        return;
    }
    r = inbox_add(&f->inbox, ev->data);
    if (r != MK_OK) {
        fail(f, number, r);
        (void)mk_cancel(f->engine, ev->op);
    }
}

static void end_message(fetching *f, const mk_event *ev)
{
    const mk_pop3_event *event = ev->of.pop3;
    drop_row *row = &f->drop.rows[event->number - 1];
    mk_err r;

    f->body_bytes = 0;
    f->progress.message++;
    if (row->state != DROP_ASKED) {
        return;
    }
    if (ev->err == MK_OK) {
        row->state = DROP_HERE;
        r = inbox_end(&f->inbox, event->number);
        if (r != MK_OK) {
            fail(f, event->number, r);
        } else if (f->inbox.count == INBOX_BATCH_MAX) {
            settle(f);
        }
        return;
    }
    inbox_drop(&f->inbox);
    if (ev->err == MK_E_REFUSED) {
        drop_set(&f->drop, event->number, DROP_FAILED, event->reply->text);
    } else {
        row->state = DROP_LEFT;
    }
}

/* ---- listings ------------------------------------------------------------ */

/* STAT is answered. */
static void begin(fetching *f, const mk_pop3_event *event)
{
    uint32_t count = event->count < COUNT_MAX ? event->count : COUNT_MAX;

    if (count > 0 && !drop_make(&f->drop, count, event->octets)) {
        drop_break(&f->drop, tool_fail(TOOL_OSERR, "fetch", "out of memory"));
    }
    if (f->drop.count == 0 || say(f, MK_POP3_VERB_LIST, 0) != MK_OK) {
        f->drop.is_listed = count == 0;
        leave(f);
    }
}

static void plan(fetching *f)
{
    uint64_t octets = 0;
    uint32_t messages = 0;
    uint32_t i;

    if (f->options.seen != NULL && !f->drop.is_listed) {
        drop_break(&f->drop, tool_fail(TOOL_UNAVAILABLE, f->options.target.host,
                                       "no unique-ids, which --seen needs"));
        leave(f);
        return;
    }
    if (!drop_find_twins(&f->drop)) {
        drop_break(&f->drop, tool_fail(TOOL_OSERR, "fetch", "out of memory"));
        leave(f);
        return;
    }
    for (i = 0; i < f->drop.count; i++) {
        drop_row *row = &f->drop.rows[i];
        if (!row->is_twin &&
            seen_has(&f->seen, mk_str_of(row->uid, row->uid_len))) {
            row->state = DROP_SEEN;
        } else if (row->octets > f->options.message_max) {
            row->state = DROP_LARGE;
        } else if (messages < f->options.count_max) {
            octets += row->octets;
            messages++;
        }
    }
    progress_init(&f->progress, "fetched", octets, messages);
    f->retr_next = 1;
    f->dele_next = f->options.is_keep ? f->drop.count + 1 : 1;
    f->seen_ms = mk_poll_now_ms();
    f->is_planned = true;
}

/* LIST is. */
static void list_ids(fetching *f)
{
    mk_err r = say(f, MK_POP3_VERB_UIDL, 0);

    if (r == MK_E_UNSUPPORTED) {
        plan(f);
    } else if (r != MK_OK) {
        leave(f);
    }
}

static void take_row(fetching *f, const mk_event *ev)
{
    const mk_pop3_event *event = ev->of.pop3;
    drop_row *row;

    if (event->number == 0 || event->number > f->drop.count) {
        return; /* came meanwhile, or is beyond what is taken at once */
    }
    row = &f->drop.rows[event->number - 1];
    if (ev->type == MK_EV_POP3_SIZE) {
        row->octets = event->octets;
    } else if (event->argument.len <= sizeof row->uid) {
        memcpy(row->uid, event->argument.ptr, event->argument.len);
        row->uid_len = (uint8_t)event->argument.len;
    }
}

/* ---- the session --------------------------------------------------------- */

static void complain(const fetching *f, mk_str why)
{
    fprintf(stderr, "mailkit: %s: ", f->options.target.host);
    tool_print_escaped(stderr, why);
    if (f->refusal_len > 0) {
        fputs(": ", stderr);
        tool_print_escaped(stderr, mk_str_of(f->refusal, f->refusal_len));
    }
    fputc('\n', stderr);
}

static void done(fetching *f, const mk_event *ev)
{
    const mk_pop3_event *event = ev->of.pop3;

    f->under_way--;
    switch (event->verb) {
    case MK_POP3_VERB_STAT:
        if (ev->err == MK_OK) {
            begin(f, event);
        } else if (ev->err == MK_E_REFUSED) {
            complain(f, mk_str_z("the maildrop is not shown"));
            drop_break(&f->drop, TOOL_UNAVAILABLE);
            leave(f);
        }
        break;
    case MK_POP3_VERB_LIST:
        list_ids(f);
        break;
    case MK_POP3_VERB_UIDL:
        f->drop.is_listed = ev->err == MK_OK;
        plan(f);
        break;
    case MK_POP3_VERB_RETR:
        end_message(f, ev);
        break;
    case MK_POP3_VERB_DELE:
        f->drop.rows[event->number - 1].is_marked = ev->err == MK_OK;
        f->is_dele_refused = f->is_dele_refused || ev->err == MK_E_REFUSED;
        break;
    case MK_POP3_VERB_QUIT:
        f->drop.is_over = ev->err == MK_OK || ev->err == MK_E_REFUSED;
        f->drop.is_updated = ev->err == MK_OK;
        break;
    default:
        break;
    }
}

/* What may explain an end that follows. */
static void keep_refusal(fetching *f, mk_pop3_verb verb,
                         const mk_pop3_reply *reply)
{
    bool is_of_session = verb <= MK_POP3_VERB_STLS ||
                         verb == MK_POP3_VERB_STAT || verb == MK_POP3_VERB_QUIT;
    mk_str text = mk_str_sub(reply->text, 0, sizeof f->refusal);

    f->refusal_len = !reply->is_ok && is_of_session ? text.len : 0;
    if (f->refusal_len > 0) {
        memcpy(f->refusal, text.ptr, text.len);
    }
}

/* The session is as safe as it will be. */
static void learn(fetching *f, const mk_pop3_event *event)
{
    const mk_pop3_reply *reply = event->reply;

    if (event->tls != NULL && f->drop.tls == NULL) {
        f->drop.tls = event->tls;
        if (f->options.is_dialogue) {
            dialogue_tls(event->tls, f->options.target.host);
        }
    }
    if (reply == NULL) {
        return;
    }
    keep_refusal(f, event->verb, reply);
    if (!reply->is_ok) {
        return;
    }
    if (event->verb == MK_POP3_VERB_AUTH) {
        f->drop.login = secure_mechanism(event->mechanism);
    } else if (event->verb == MK_POP3_VERB_PASS) {
        f->drop.login = "USER";
    } else if (event->verb == MK_POP3_VERB_APOP) {
        f->drop.login = "APOP";
    }
}

static void fault(fetching *f, const mk_fault *fault)
{
    mk_str text = fault->text;

    if (target_is_certificate(fault->why) || fault->why == MK_E_TLS ||
        text.len == 0) {
        text = mk_str_z(mk_err_text(fault->why));
    }
    f->is_leaving = true;
    progress_end(&f->progress);
    complain(f, text);
    drop_break(&f->drop, target_exit_code(fault->why, fault->retry,
                                          fault->retry == MK_RETRY_LATER));
}

static void handle(fetching *f, const mk_event *ev)
{
    switch (ev->type) {
    case MK_EV_POP3_REPLY:
        learn(f, ev->of.pop3);
        break;
    case MK_EV_POP3_READY:
        secure_forget(&f->secure);
        learn(f, ev->of.pop3);
        if (say(f, MK_POP3_VERB_STAT, 0) != MK_OK) {
            leave(f);
        }
        break;
    case MK_EV_POP3_SIZE:
    case MK_EV_POP3_UID:
        take_row(f, ev);
        break;
    case MK_EV_BODY:
        take_body(f, ev);
        break;
    case MK_EV_DONE:
        done(f, ev);
        break;
    case MK_EV_FAULT:
        secure_forget(&f->secure);
        fault(f, ev->of.fault);
        break;
    default:
        break;
    }
}

/* The client, what shows the dialogue, and TLS around both. */
static mk_err open_engine(fetching *f)
{
    mk_engine *inner = NULL;
    mk_err r;

    f->block_bytes = mk_pop3_client_need(&f->config);
    f->block = f->block_bytes > 0 ? calloc(1, f->block_bytes) : NULL;
    if (f->block == NULL) {
        return MK_E_MEMORY;
    }
    r = mk_pop3_client_open(&f->config, f->block, f->block_bytes, &f->engine);
    if (r == MK_OK && f->options.is_dialogue) {
        inner = f->engine;
        r = dialogue_over(&f->dialogue, &dialogue_pop3, inner, &f->engine);
    }
    if (r == MK_OK) {
        inner = f->engine;
        r = secure_over(&f->secure, inner, &f->engine);
    }
    return r;
}

static void close_engine(fetching *f)
{
    mk_close(f->engine);
    if (f->block != NULL) {
        mk_wipe(f->block, f->block_bytes);
    }
    free(f->block);
    secure_close(&f->secure);
}

static bool connect_server(fetching *f)
{
    const target *t = &f->options.target;
    int fd = -1;
    mk_err r = mk_poll_connect(t->host, t->port, CONNECT_MS, &fd);

    if (r == MK_OK) {
        r = mk_poll_open(&f->poll, fd, f->engine, f->input, sizeof f->input);
    }
    if (r != MK_OK) {
        drop_break(&f->drop, r == MK_E_NAME ? TOOL_NOHOST : TOOL_TEMPFAIL);
        tool_fail(0, t->host, mk_err_text(r));
    }
    return r == MK_OK;
}

/* Whatever ends it, what came in full is kept. */
static void converse(fetching *f)
{
    mk_event ev;

    while (mk_poll_next(&f->poll, &ev) == MK_OK) {
        handle(f, &ev);
        go_on(f);
    }
    mk_poll_close(&f->poll);
    progress_end(&f->progress);
    inbox_drop(&f->inbox);
    settle(f);
    if (!f->drop.is_over && f->drop.broken == 0) {
        complain(f, mk_str_z("the connection ended"));
    } else if (f->drop.is_over && (!f->drop.is_updated || f->is_dele_refused)) {
        complain(f, mk_str_z("not all was deleted"));
        drop_break(&f->drop, TOOL_TEMPFAIL);
    }
    write_seen(f);
}

static void settings_init(fetching *f)
{
    const fetch_options *o = &f->options;
    mk_pop3_client_config *c = &f->config;

    (void)mk_pop3_client_config_init(c, sizeof *c);
    if (o->message_max > c->message_max / 2) {
        c->message_max = o->message_max * 2; /* so that larger ones pass by */
    }
    if (o->is_apop) {
        c->capabilities |= MK_POP3_CAPABILITY_APOP;
        f->secure.sasl.mechanisms = MK_SASL_NONE;
    }
    c->tls = f->secure.policy;
    c->sasl = f->secure.login;
    if (f->secure.message_max > 0) {
        c->sasl_message_max = f->secure.message_max;
    }
}

/* The mailbox and the file of ids, before anything is said. */
static int open_files(fetching *f)
{
    const fetch_options *o = &f->options;
    int code = seen_open(&f->seen, o->seen, o->target.user.ptr, o->target.host);

    return code == TOOL_OK ? inbox_open(&f->inbox, o->into, &f->secure.random)
                           : code;
}

static int fetch(fetching *f)
{
    int code = secure_open(&f->secure, &f->options.target);
    mk_err r;

    if (code == TOOL_OK) {
        code = open_files(f);
    }
    if (code != TOOL_OK) {
        return code;
    }
    settings_init(f);
    r = open_engine(f);
    if (r != MK_OK) {
        return tool_fail(
            r == MK_E_CTL ? TOOL_USAGE : TOOL_OSERR, f->options.target.host,
            r == MK_E_CTL ? "not a name to verify" : mk_err_text(r));
    }
    if (connect_server(f)) {
        converse(f);
    }
    return drop_print(&f->drop, f->options.is_json);
}

int tool_fetch(int argc, char **argv)
{
    fetching *f = calloc(1, sizeof *f);
    int code = TOOL_OSERR;

    if (f == NULL) {
        return tool_fail(TOOL_OSERR, "fetch", "out of memory");
    }
    if (fetch_options_parse(&f->options, argc, argv, &code) == MK_OK) {
        code = fetch(f);
    }
    close_engine(f);
    inbox_close(&f->inbox);
    seen_close(&f->seen);
    drop_fini(&f->drop);
    free(f);
    return code;
}
