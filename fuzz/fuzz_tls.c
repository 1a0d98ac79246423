/* SPDX-License-Identifier: MIT
 *
 * fuzz_tls.c: TLS over the smallest engine. The first octet of the input says
 * who is hostile: the peer of a server, the peer of a client, or somebody
 * between two honest ends, who cuts, changes and drops what passes, while one
 * of them may also send what only TLS knows (warnings, a new handshake). What
 * leaves once TLS is wanted is records and nothing else; what arrives is what
 * was said, up to an end that says so; every session ends, and nothing of it
 * stays. Keys are made once, and sessions mostly resumed, so that it is quick.
 */
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "fuzz.h"
#include "line_engine.h"
#include "tls/session.h"

enum { HEADER = 4, INPUT_MAX = 4096, SAID_MAX = 16384, PIPE_MAX = 262144 };

/* ---- made once ----------------------------------------------------------- */

static cert root, own;
static mk_tls_context *server_context, *client_context;
static mk_tls_ticket *kept;
static uint64_t drawn; /* the generator begins anew with each input */
static size_t live;    /* octets that contexts and sessions hold */

static void *counted_get(void *self, size_t n)
{
    (void)self;
    live += n;
    return malloc(n);
}

static void counted_put(void *self, void *p, size_t n)
{
    (void)self;
    live -= n;
    free(p);
}

static mk_err fill(void *self, void *out, size_t n)
{
    (void)self;
    for (size_t i = 0; i < n; i++) {
        drawn = drawn * UINT64_C(6364136223846793005) + 1442695040888963407U;
        ((unsigned char *)out)[i] = (unsigned char)(drawn >> 40);
    }
    return MK_OK;
}

static int64_t wall(void *self)
{
    (void)self;
    return 1700000000;
}

static const mk_alloc counted = {NULL, counted_get, counted_put};
static const mk_random toy = {NULL, fill};

static mk_tls_context *context(bool is_server)
{
    mk_tls_context_config c;
    mk_tls_context *x = NULL;
    (void)mk_tls_context_config_init(&c, sizeof c);
    c.alloc = &counted;
    c.random = &toy;
    c.wall_s = wall;
    c.is_server = is_server;
    c.certificate = mk_str_z(is_server ? own.pem : NULL);
    c.key = mk_str_z(is_server ? own.key_pem : NULL);
    c.trust = mk_str_z(root.pem);
    fuzz_promise(mk_tls_context_new(&c, &x) == MK_OK, "a context");
    return x;
}

/* ---- one end ------------------------------------------------------------- */

typedef struct end {
    line_engine line;
    mk_engine *outer;
    mk_tls_config config;
    char *in; /* of the exact size */
    size_t in_len;
    size_t record; /* octets of its output up to the next record */
    unsigned char head[5];
    size_t head_len;
    const struct end *peer; /* whose words are heard; NULL: anybody's */
    char said[SAID_MAX];
    size_t said_len;
    uint64_t heard;
    mk_err why; /* of its fault */
    bool is_over, is_aborted;
} end;

static uint64_t now_ms;

static session *session_of(const end *e)
{
    return (session *)(void *)e->outer;
}

static void end_open(end *e, mk_tls_context *x, const uint8_t *header)
{
    memset(e, 0, sizeof *e);
    (void)mk_tls_config_init(&e->config, sizeof e->config);
    e->config.context = x;
    e->config.is_implicit = (header[0] & 4) != 0;
    e->config.policy =
        (header[2] & 1) != 0 ? MK_TLS_POLICY_MUST : MK_TLS_POLICY_ENCRYPT;
    e->config.server_name =
        mk_str_z((header[2] & 6) == 6 ? "192.0.2.25" : "mx.example.org");
    e->config.ticket =
        x == client_context && (header[0] & 8) == 0 ? &kept : NULL;
    line_open(&e->line, x == server_context ? "hello\r\n" : NULL,
              (header[2] & 8) != 0 ? 20000 : 0);
    e->line.repeat = 1 + (header[2] >> 4);
    fuzz_promise(mk_tls_over(&e->line.base, &e->config, &e->outer) == MK_OK,
                 "a session");
}

static void end_close(end *e)
{
    mk_close(e->outer);
    free(e->in);
}

/* What the peer said is heard as it was, and in its order. */
static void hear(end *e, const mk_event *ev)
{
    const end *p = e->peer;
    if (p != NULL && session_of(e)->phase != PHASE_CLEAR) {
        fuzz_promise(
            e->heard + ev->data.len <= p->said_len &&
                memcmp(p->said + e->heard, ev->data.ptr, ev->data.len) == 0,
            "what arrives is what was said");
    }
    e->heard = e->line.consumed;
}

static void answer(end *e, const mk_event *ev)
{
    bool tls = mk_str_is(ev->data, mk_str_z("STARTTLS")) &&
               session_of(e)->phase == PHASE_CLEAR;
    e->line.is_tls_due = tls;
    e->line.repeat = tls ? 1 : e->line.repeat; /* no clear text behind it */
    (void)mk_reply(e->outer, ev->op, MK_ANSWER_YES, mk_str_z(NULL),
                   tls ? mk_str_z("go") : ev->data);
}

static void step(end *e)
{
    mk_event ev;
    mk_err err = MK_WAIT;
    mk_str view = mk_str_of(e->in, e->in_len);
    for (unsigned rounds = 0; !e->is_over; rounds++) {
        fuzz_promise(rounds < 10000, "steps come to an end");
        err = mk_step(e->outer, now_ms, &view, &ev);
        e->is_over = err == MK_END;
        fuzz_promise(err >= MK_OK, "no misuse");
        if (err == MK_OK && ev.type == MK_EV_FAULT) {
            e->why = ev.of.fault->why;
        } else if (err == MK_OK && ev.type == EV_LINE) {
            hear(e, &ev);
            if ((ev.flags & MK_ASK) != 0) {
                answer(e, &ev);
            } else if (mk_str_is(ev.data, mk_str_z("go")) &&
                       session_of(e)->phase == PHASE_CLEAR) {
                e->line.is_tls_due = true;
            }
        }
        if (err == MK_WAIT && (mk_want(e->outer) & MK_WANT_STEP) == 0) {
            break;
        }
    }
    e->is_aborted = e->is_aborted || (mk_want(e->outer) & MK_WANT_ABORT) != 0;
    char *rest = malloc(view.len + 1);
    if (view.len > 0) {
        memcpy(rest, view.ptr, view.len);
    }
    free(e->in);
    e->in = rest;
    e->in_len = view.len;
}

static void offer(end *e, const char *ptr, size_t n)
{
    char *all = malloc(e->in_len + n + 1);
    if (e->in_len > 0) {
        memcpy(all, e->in, e->in_len);
    }
    if (n > 0) {
        memcpy(all + e->in_len, ptr, n);
    }
    free(e->in);
    e->in = all;
    e->in_len += n;
    fuzz_promise(e->in_len < PIPE_MAX, "input is taken");
    step(e);
}

/* Octets that leave behind the wish for TLS: whole records (RFC 8446 5.1). */
static void look(end *e, mk_str span)
{
    for (size_t i = 0; i < span.len; i++) {
        if (e->record > 0) {
            e->record--;
            continue;
        }
        e->head[e->head_len++] = (unsigned char)span.ptr[i];
        if (e->head_len == 5) {
            size_t n = (size_t)e->head[3] << 8 | e->head[4];
            fuzz_promise(e->head[0] >= 20 && e->head[0] <= 23 &&
                             e->head[1] == 3 && e->head[2] <= 4 &&
                             n <= MK_TLS_RECORD_MAX + 2048,
                         "records leave, and nothing in clear");
            e->record = n;
            e->head_len = 0;
        }
    }
}

/* Acknowledges up to `most` octets; they are copied to `to` unless NULL. */
static size_t take(end *e, size_t most, char *to)
{
    mk_str span;
    if (e->is_aborted || mk_out(e->outer, 0, &span, 1) == 0) {
        return 0;
    }
    span = mk_str_sub(span, 0, most);
    if (session_of(e)->phase != PHASE_CLEAR) {
        look(e, span);
    }
    if (to != NULL) {
        memcpy(to, span.ptr, span.len);
    }
    fuzz_promise(mk_out_sent(e->outer, span.len) == MK_OK, "out_sent");
    return span.len;
}

static void to_deadline(end *e)
{
    uint64_t due_ms = mk_deadline(e->outer);
    if (due_ms == MK_NEVER || e->is_over) {
        return;
    }
    now_ms = due_ms > now_ms ? due_ms : now_ms;
    step(e);
    fuzz_promise(e->is_over || mk_deadline(e->outer) > now_ms,
                 "a step at the deadline gets it on");
}

/* What means the same for every end; false: not one of these. */
static bool control(end *e, fuzz_control what, uint8_t n)
{
    switch (what) {
    case FUZZ_CLOCK:
        now_ms += n * (uint64_t)400;
        break;
    case FUZZ_DUE:
        to_deadline(e);
        break;
    case FUZZ_EOF:
        mk_in_eof(e->outer, MK_OK);
        break;
    case FUZZ_CUT:
        mk_in_eof(e->outer, MK_E_NET);
        break;
    case FUZZ_FINISH:
        mk_finish(e->outer, mk_str_z("bye"));
        break;
    case FUZZ_HURRY:
        mk_hurry(e->outer, n % 2 != 0);
        break;
    default:
        return false;
    }
    step(e);
    return true;
}

/* It ends once its peer is gone. */
static void run_out(end *e)
{
    mk_in_eof(e->outer, MK_OK);
    for (unsigned i = 0; i < 100 && !e->is_over; i++) {
        step(e);
        while (take(e, SIZE_MAX, NULL) > 0) {
            step(e);
        }
        if (i > 50) {
            to_deadline(e);
        }
    }
    fuzz_promise(e->is_over, "a session ends");
    while (take(e, SIZE_MAX, NULL) > 0) {
    }
    fuzz_promise(e->is_aborted || (e->record == 0 && e->head_len == 0),
                 "records leave whole");
    fuzz_promise(e->line.tls_calls <= 1, "TLS is told of once");
}

/* ---- a hostile peer ------------------------------------------------------ */

static void hostile(end *e, fuzz_script *script, uint8_t chunk)
{
    fuzz_control what;
    uint8_t n;
    step(e);
    do {
        mk_str run = fuzz_octets(script);
        while (run.len > 0 && !e->is_over) {
            size_t some = chunk > 0 && chunk < run.len ? chunk : run.len;
            offer(e, run.ptr, some);
            run = mk_str_sub(run, some, SIZE_MAX);
        }
        if (!fuzz_next(script, &what, &n)) {
            break;
        }
        if (what == FUZZ_TURN || what == FUZZ_SOME) {
            while (take(e, what == FUZZ_SOME ? n : SIZE_MAX, NULL) > 0 &&
                   what == FUZZ_TURN) {
                step(e);
            }
            step(e);
        } else if (what == FUZZ_BODY) {
            (void)line_send(&e->line, "secret secret secret secret\r\n");
            step(e);
        } else {
            (void)control(e, what, n);
        }
    } while (!e->is_over);
    fuzz_promise(e->line.tls == NULL, "nobody guesses a handshake");
    run_out(e);
}

/* ---- somebody between ---------------------------------------------------- */

typedef struct between {
    end server, client;
    size_t cut;       /* octets moved at a time */
    uint8_t flip;     /* change one of the next octets */
    bool is_touched;  /* something was changed or cut */
    bool is_impolite; /* an end did what only TLS allows */
    char moving[MK_TLS_OUT_ROOM];
} between;

static bool carry(between *b, end *from, end *to)
{
    size_t n = take(from, b->cut, b->moving);
    if (n == 0) {
        return false;
    }
    if (b->flip != 0) {
        b->moving[b->flip * 7U % n] ^= (char)(1 + b->flip % 5);
        b->flip = 0;
        b->is_touched = true;
    }
    step(from);
    offer(to, b->moving, n);
    return true;
}

static void settle(between *b, unsigned rounds)
{
    bool moved = true;
    for (unsigned i = 0; moved && i < rounds; i++) {
        moved = carry(b, &b->client, &b->server);
        moved = carry(b, &b->server, &b->client) || moved;
    }
}

static void say(end *e, mk_str words)
{
    words = mk_str_sub(words, 0, SAID_MAX - e->said_len);
    char z[512];
    while (words.len > 0) {
        size_t n = words.len < sizeof z - 1 ? words.len : sizeof z - 1;
        for (size_t i = 0; i < n; i++) { /* line_send wants no NUL */
            z[i] = (char)(words.ptr[i] != '\0' ? words.ptr[i] : '0');
        }
        z[n] = '\0';
        if (!line_send(&e->line, z)) {
            return;
        }
        memcpy(e->said + e->said_len, z, n);
        e->said_len += n;
        words = mk_str_sub(words, n, SIZE_MAX);
    }
}

/* What a real peer may send inside of TLS beside its words. */
static void be_impolite(between *b, uint8_t n)
{
    session *s = session_of(&b->client);
    if (s->phase != PHASE_OPEN || s->state->out_len > 0) {
        return; /* the queue has room for it */
    }
    b->is_impolite = true;
    if (n % 4 == 0) {
        (void)mbedtls_ssl_close_notify(&s->state->ssl);
        return;
    }
    for (unsigned i = 0; i < n % 8U; i++) {
        (void)mbedtls_ssl_send_alert_message(
            &s->state->ssl, MBEDTLS_SSL_ALERT_LEVEL_WARNING,
            n % 2 != 0 ? MBEDTLS_SSL_ALERT_MSG_NO_RENEGOTIATION : n);
    }
}

static void interfere(between *b, fuzz_control what, uint8_t n)
{
    end *e = n % 2 == 0 ? &b->client : &b->server;
    switch (what) {
    case FUZZ_TURN:
        settle(b, 1000);
        break;
    case FUZZ_SOME:
        b->cut = n == 0 ? SIZE_MAX : n;
        settle(b, 1);
        break;
    case FUZZ_BODY:
        b->flip = n;
        break;
    case FUZZ_POLICY:
        be_impolite(b, n);
        break;
    case FUZZ_ANSWER:
        b->client.line.is_closing = true;
        break;
    case FUZZ_CANCEL: /* octets are lost */
        b->is_touched = take(e, SIZE_MAX, NULL) > 0 || b->is_touched;
        break;
    case FUZZ_LITERAL:
        break;
    default:
        b->is_touched = true;
        b->server.peer = what == FUZZ_FINISH ? NULL : b->server.peer;
        (void)control(what == FUZZ_DUE ? &b->server : e, what, n);
        break;
    }
}

static void meddle(between *b, fuzz_script *script, const uint8_t *header)
{
    fuzz_control what;
    uint8_t n;
    b->cut = header[1] == 0 ? SIZE_MAX : header[1];
    b->server.peer = &b->client;
    step(&b->server);
    step(&b->client);
    if (!b->client.config.is_implicit) {
        say(&b->client, mk_str_z("STARTTLS\r\n"));
        settle(b, header[3]);
    }
    do {
        mk_str words = fuzz_octets(script);
        if (b->client.config.is_implicit ||
            session_of(&b->client)->phase == PHASE_OPEN) {
            say(&b->client, words);
        }
        if (!fuzz_next(script, &what, &n)) {
            break;
        }
        interfere(b, what, n);
    } while (!b->server.is_over && !b->client.is_over);
    settle(b, 100000);
    if (!b->is_touched && !b->is_impolite && b->flip == 0) {
        fuzz_promise(b->client.line.tls_result == MK_OK ||
                         b->client.config.policy == MK_TLS_POLICY_MUST,
                     "honest ends agree");
    }
    if (b->is_touched && b->server.line.tls != NULL && b->server.line.is_eof &&
        !b->client.line.is_closing && !b->is_impolite) {
        fuzz_promise(b->server.line.eof_why != MK_OK,
                     "nobody else ends a session in order");
    }
    run_out(&b->server);
    run_out(&b->client);
}

/* ---- the target ---------------------------------------------------------- */

static void free_once(void)
{
    mk_tls_ticket_free(kept);
    kept = NULL;
    fuzz_promise(mk_tls_context_free(server_context) == MK_OK &&
                     mk_tls_context_free(client_context) == MK_OK,
                 "no session is left");
    fuzz_promise(live == 0, "nothing is left");
    cert_free(&own);
    cert_free(&root);
}

static void make_once(void)
{
    static const cert_spec root_spec = {.subject = "CN=root", .is_ca = true};
    const cert_spec own_spec = {.names = "mx.example.org", .issuer = &root};
    if (server_context == NULL) {
        cert_make(&root, &root_spec);
        cert_make(&own, &own_spec);
        server_context = context(true);
        client_context = context(false);
        (void)atexit(free_once);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static between b;
    if (size < HEADER || size > INPUT_MAX) {
        return 0;
    }
    make_once();
    fuzz_script script = {.at = data + HEADER, .left = size - HEADER};
    drawn = 1;
    now_ms = 1000;
    memset(&b, 0, sizeof b);
    if (data[0] % 4 == 0) {
        end_open(&b.server, server_context, data);
        hostile(&b.server, &script, data[1]);
        end_close(&b.server);
    } else if (data[0] % 4 == 1) {
        end_open(&b.client, client_context, data);
        hostile(&b.client, &script, data[1]);
        end_close(&b.client);
    } else {
        end_open(&b.server, server_context, data);
        end_open(&b.client, client_context, data);
        meddle(&b, &script, data);
        end_close(&b.server);
        end_close(&b.client);
    }
    fuzz_promise(mk_tls_handshakes(server_context) == 0 &&
                     mk_tls_handshakes(client_context) == 0,
                 "no handshake is left");
    return 0;
}
