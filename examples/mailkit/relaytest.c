/* SPDX-License-Identifier: MIT
 *
 * relaytest.c: `mailkit relaytest`: does a server carry mail of strangers to
 * strangers (RFC 2505 2.1, RFC 5321 7.9)? Each case of relaytest_cases.c is a
 * transaction of its own, ended by RSET, and a few of them are a connection, so
 * that a server which counts refusals serves them all. No message is sent
 * unless --data says so. A 2yz is open, a 5yz closed, and nothing else decides.
 */
#include "relaytest.h"

#include <mailkit/date.h>
#include <mailkit/net.h>
#include <mailkit/smtp.h>

#include "dialogue.h"
#include "relaytest_cases.h"
#include "secure.h"
#include "tool.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { CONNECT_MS = 30000, CASES_OF_A_CONNECTION = 8, RELAY_OPEN = 1 };

typedef enum verdict { UNDECIDED, CLOSED, OPEN } verdict;
static const char *const verdict_words[] = {"undecided", "closed", "open"};

typedef struct relaytest {
    relaytest_options options;
    mk_smtp_client_config config;
    secure secure;
    dialogue dialogue;
    mk_engine *engine; /* what the driver holds; closing it closes all */
    mk_poll poll;
    void *block; /* block_bytes octets */
    size_t block_bytes;
    char input[8192];
    relay_names names;
    char name[256];
    char address[128];
    /* the case under way: */
    size_t at;
    bool is_settled;
    mk_smtp_envelope envelope;
    mk_op op;
    mk_buf sender;
    mk_buf recipient;
    mk_str forward;
    char paths[2][512];
    char message[2048];
    /* of the connection, and of all: */
    bool is_ready;
    bool is_broken;
    unsigned settled_here;
    size_t counts[3]; /* by verdict */
    int broken;       /* how to leave, when no more can be tried */
} relaytest;

/* ---- what is told -------------------------------------------------------- */

static void print_row(const relaytest *t, verdict v, const mk_smtp_reply *reply)
{
    printf("%s\t", verdict_words[v]);
    if (reply->code > 0) {
        printf("%u\t", reply->code);
    } else {
        fputs("-\t", stdout);
    }
    if (reply->has_enhanced) {
        printf("%u.%u.%u\t<", reply->enhanced[0], reply->enhanced[1],
               reply->enhanced[2]);
    } else {
        fputs("-\t<", stdout);
    }
    tool_print_escaped(stdout, mk_buf_str(&t->sender));
    fputs(">\t<", stdout);
    tool_print_escaped(stdout, mk_buf_str(&t->recipient));
    fputs(">\t", stdout);
    tool_print_escaped(stdout, reply->text);
    putchar('\n');
}

static void print_object(const relaytest *t, verdict v,
                         const mk_smtp_reply *reply)
{
    printf("%s\n  {\"verdict\": \"%s\", \"code\": ", t->at > 0 ? "," : "",
           verdict_words[v]);
    if (reply->code > 0) {
        printf("%u", reply->code);
    } else {
        fputs("null", stdout);
    }
    fputs(", \"enhanced\": ", stdout);
    if (reply->has_enhanced) {
        printf("\"%u.%u.%u\"", reply->enhanced[0], reply->enhanced[1],
               reply->enhanced[2]);
    } else {
        fputs("null", stdout);
    }
    fputs(", \"sender\": ", stdout);
    tool_print_json(stdout, mk_buf_str(&t->sender));
    fputs(", \"recipient\": ", stdout);
    tool_print_json(stdout, mk_buf_str(&t->recipient));
    fputs(", \"text\": ", stdout);
    tool_print_json(stdout, reply->text);
    putchar('}');
}

static void settle(relaytest *t, verdict v, const mk_smtp_reply *reply)
{
    if (t->options.is_json) {
        print_object(t, v, reply);
    } else {
        print_row(t, v, reply);
    }
    t->counts[v]++;
    t->settled_here++;
    t->at++;
    t->is_settled = true;
}

static void settle_without_reply(relaytest *t, const char *why)
{
    mk_smtp_reply none = {0, {0}, false, mk_str_z(why), false};

    settle(t, UNDECIDED, &none);
}

static int conclude(const relaytest *t)
{
    size_t left = relay_case_count - t->at;
    size_t open = t->counts[OPEN];
    size_t undecided = t->counts[UNDECIDED] + left;
    int code = open > 0        ? RELAY_OPEN
               : t->broken > 0 ? t->broken
               : undecided > 0 ? TOOL_TEMPFAIL
                               : TOOL_OK;

    if (t->options.is_json) {
        printf("\n ],\n \"exit\": %d, \"open\": %zu, \"closed\": %zu, "
               "\"undecided\": %zu}\n",
               code, open, t->counts[CLOSED], undecided);
    } else if (open > 0) {
        printf("open relay: %zu of %zu cases accepted\n", open,
               relay_case_count);
    } else if (undecided > 0) {
        printf("undecided: %zu of %zu cases\n", undecided, relay_case_count);
    } else {
        printf("closed: %zu of %zu cases refused\n", t->counts[CLOSED],
               relay_case_count);
    }
    return tool_close_output(code);
}

/* ---- a case -------------------------------------------------------------- */

/* Nothing of it is secret: it says by which case it came. */
static mk_str compose(relaytest *t)
{
    mk_buf b;

    mk_buf_init(&b, t->message, sizeof t->message);
    mk_buf_add_z(&b, "Date: ");
    (void)mk_date_format((int64_t)time(NULL), 0, &b);
    mk_buf_add_z(&b, "\r\nFrom: <");
    mk_buf_add(&b, t->options.recipient);
    mk_buf_add_z(&b, ">\r\nTo: <");
    mk_buf_add(&b, t->options.recipient);
    mk_buf_add_z(&b, ">\r\nSubject: relay test of ");
    mk_buf_add(&b, t->names.name);
    mk_buf_add_z(&b, "\r\n\r\nMAIL FROM:<");
    mk_buf_add(&b, mk_buf_str(&t->sender));
    mk_buf_add_z(&b, ">\r\nRCPT TO:<");
    mk_buf_add(&b, mk_buf_str(&t->recipient));
    mk_buf_add_z(&b, ">\r\n");
    return mk_buf_str(&b);
}

static mk_err offer(relaytest *t)
{
    const relay_case *row = &relay_cases[t->at];

    mk_buf_init(&t->sender, t->paths[0], sizeof t->paths[0]);
    mk_buf_init(&t->recipient, t->paths[1], sizeof t->paths[1]);
    t->is_settled = false;
    if (!relay_path(row->sender, &t->names, &t->sender) ||
        !relay_path(row->recipient, &t->names, &t->recipient)) {
        return MK_E_LIMIT;
    }
    t->forward = mk_buf_str(&t->recipient);
    (void)mk_smtp_envelope_init(&t->envelope, sizeof t->envelope);
    t->envelope.reverse_path = mk_buf_str(&t->sender);
    t->envelope.forward_paths = &t->forward;
    t->envelope.forward_count = 1;
    t->envelope.is_odd_path = true;
    return mk_smtp_client_send(t->engine, &t->envelope, &t->op);
}

/* The next one, or the end of the connection. */
static void proceed(relaytest *t)
{
    while (!t->is_broken && t->at < relay_case_count &&
           t->settled_here < CASES_OF_A_CONNECTION) {
        mk_err r = offer(t);

        if (r == MK_OK) {
            return;
        }
        settle_without_reply(t, mk_err_text(r)); /* too long: names vary */
    }
    mk_finish(t->engine, mk_str_of(NULL, 0));
}

/* A server that has had enough of us is asked again on a new connection. */
static void judge(relaytest *t, const mk_smtp_reply *reply)
{
    unsigned digit = reply->code / 100U;

    if (!t->is_settled && (reply->code != 421 || t->settled_here == 0)) {
        settle(t, digit == 2 ? OPEN : digit == 5 ? CLOSED : UNDECIDED, reply);
    }
}

/* The first word behind the 220 (RFC 5321 4.2). */
static void learn_name(relaytest *t, mk_str text)
{
    mk_str word = mk_str_sub(text, 0, mk_str_find(text, ' '));

    if (t->names.name.len == 0 && word.len < sizeof t->name &&
        mk_smtp_is_host_name(word)) {
        memcpy(t->name, word.ptr, word.len);
        t->names.name = mk_str_of(t->name, word.len);
    }
}

static void hear(relaytest *t, const mk_smtp_event *event)
{
    const mk_smtp_reply *reply = event->reply;
    bool is_yes = reply->code < 300;

    switch (event->verb) {
    case MK_SMTP_VERB_CONNECT:
        learn_name(t, reply->text);
        break;
    case MK_SMTP_VERB_MAIL:
        if (!is_yes) {
            judge(t, reply);
        }
        break;
    case MK_SMTP_VERB_RCPT:
        if (!is_yes || !t->options.is_data) {
            judge(t, reply);
            (void)mk_cancel(t->engine, t->op);
        }
        break;
    case MK_SMTP_VERB_DATA:
        if (reply->code >= 400) {
            judge(t, reply);
        }
        break;
    case MK_SMTP_VERB_END:
        judge(t, reply);
        break;
    default:
        break;
    }
}

/* ---- a connection -------------------------------------------------------- */

static void stop(relaytest *t, int code, const char *why)
{
    t->broken = tool_fail(code, t->options.target.host, why);
}

static void begin(relaytest *t)
{
    t->is_ready = true;
    if (t->names.name.len == 0) {
        stop(t, TOOL_PROTOCOL, "does not tell its name; see --their-name");
        mk_finish(t->engine, mk_str_of(NULL, 0));
        return;
    }
    proceed(t);
}

/* Within a case the next connection takes it up; before one nothing helps. */
static void fault(relaytest *t, const mk_fault *f)
{
    t->is_broken = true;
    if (!t->is_ready) {
        fprintf(stderr, "mailkit: %s: ", t->options.target.host);
        tool_print_escaped(stderr, f->text);
        fputc('\n', stderr);
        t->broken = target_exit_code(f->why, f->retry, false);
    }
}

static void handle(relaytest *t, const mk_event *ev)
{
    switch (ev->type) {
    case MK_EV_SMTP_REPLY:
        hear(t, ev->of.smtp);
        break;
    case MK_EV_SMTP_READY:
        begin(t);
        break;
    case MK_EV_WANTED:
        if ((ev->flags & MK_LAST) == 0) {
            (void)mk_body(t->engine, t->op, compose(t), true);
        }
        break;
    case MK_EV_FAULT:
        fault(t, ev->of.fault);
        break;
    case MK_EV_DONE:
        if (t->is_settled) {
            proceed(t);
        } else {
            mk_finish(t->engine, mk_str_of(NULL, 0));
        }
        break;
    default:
        break;
    }
}

/* The server's address as it stands in a path (RFC 5321 4.1.3). */
static bool learn_address(relaytest *t, int fd)
{
    struct sockaddr_storage peer = {0};
    socklen_t n = sizeof peer;
    char text[64];
    mk_buf b;

    if (getpeername(fd, (struct sockaddr *)&peer, &n) != 0 ||
        getnameinfo((struct sockaddr *)&peer, n, text, sizeof text, NULL, 0,
                    NI_NUMERICHOST) != 0) {
        return false;
    }
    text[strcspn(text, "%")] = '\0'; /* the scope of a link */
    mk_buf_init(&b, t->address, sizeof t->address);
    mk_buf_add_z(&b, peer.ss_family == AF_INET6 ? "[IPv6:" : "[");
    mk_buf_add_z(&b, text);
    mk_buf_add_c(&b, ']');
    t->names.address = mk_buf_str(&b);
    return true;
}

/* The client, what shows the dialogue, and TLS around both. */
static mk_err open_engine(relaytest *t)
{
    mk_engine *inner = NULL;
    mk_err r =
        mk_smtp_client_open(&t->config, t->block, t->block_bytes, &t->engine);

    if (r == MK_OK && t->options.is_dialogue) {
        inner = t->engine;
        r = dialogue_over(&t->dialogue, &dialogue_smtp, inner, &t->engine);
    }
    if (r == MK_OK) {
        inner = t->engine;
        r = secure_over(&t->secure, inner, &t->engine);
    }
    return r;
}

static void converse(relaytest *t)
{
    mk_event ev;

    while (mk_poll_next(&t->poll, &ev) == MK_OK) {
        handle(t, &ev);
    }
    mk_poll_close(&t->poll);
    if (!t->is_ready && t->broken == 0) {
        stop(t, TOOL_TEMPFAIL, "the connection ended");
    } else if (t->broken == 0 && t->settled_here == 0) {
        settle_without_reply(t, "the connection ended");
    }
}

static void connect_once(relaytest *t)
{
    int fd = -1;
    mk_err r = open_engine(t);

    t->is_ready = false;
    t->is_broken = false;
    t->settled_here = 0;
    if (r == MK_OK) {
        r = mk_poll_connect(t->options.target.host, t->options.target.port,
                            CONNECT_MS, &fd);
    }
    if (r == MK_OK && !learn_address(t, fd)) {
        r = MK_E_NET;
    }
    if (r == MK_OK) {
        r = mk_poll_open(&t->poll, fd, t->engine, t->input, sizeof t->input);
    }
    if (r == MK_OK) {
        converse(t);
    } else {
        stop(t,
             r == MK_E_NAME     ? TOOL_NOHOST
             : r == MK_E_CTL    ? TOOL_USAGE
             : r == MK_E_MEMORY ? TOOL_OSERR
                                : TOOL_TEMPFAIL,
             mk_err_text(r));
    }
    mk_close(t->engine);
    t->engine = NULL;
}

/* ---- all ----------------------------------------------------------------- */

static int test_server(relaytest *t)
{
    int code = secure_open(&t->secure, &t->options.target);

    (void)mk_smtp_client_config_init(&t->config, sizeof t->config);
    t->config.hostname = mk_str_z(t->options.hostname);
    t->config.tls = t->secure.policy;
    /* One word at a time: DATA is not said before RCPT was judged. */
    t->config.extensions &= ~(uint32_t)MK_SMTP_EXTENSION_PIPELINING;
    t->config.is_data_only = true;
    t->block_bytes = mk_smtp_client_need(&t->config);
    t->block = calloc(1, t->block_bytes);
    if (code == TOOL_OK && t->block == NULL) {
        code = tool_fail(TOOL_OSERR, "relaytest", "out of memory");
    }
    if (code != TOOL_OK) {
        return code;
    }
    t->names = (relay_names){t->options.sender, t->options.recipient,
                             t->options.user,   t->options.victim,
                             t->options.name,   mk_str_of(NULL, 0)};
    if (t->options.is_json) {
        fputs("{\"cases\": [", stdout);
    }
    while (t->at < relay_case_count && t->broken == 0) {
        connect_once(t);
    }
    return conclude(t);
}

int tool_relaytest(int argc, char **argv)
{
    relaytest *t = calloc(1, sizeof *t);
    int code = TOOL_OSERR;

    if (t == NULL) {
        return tool_fail(TOOL_OSERR, "relaytest", "out of memory");
    }
    if (relaytest_options_parse(&t->options, argc, argv, &code) == MK_OK) {
        code = test_server(t);
    }
    secure_close(&t->secure);
    free(t->block);
    free(t);
    return code;
}
