/* SPDX-License-Identifier: MIT
 *
 * talk.c: the client and the server of talk.h, driven in turns until nothing
 * moves. The server says yes to everything and keeps the last body; each span
 * is lent in memory of its own, freed when it is given back, so that ASan sees
 * whoever looks at it later. It refuses to go on for ever.
 */
#include "talk.h"

#include <stdlib.h>
#include <string.h>

uint32_t talk_draw(talk *t, uint32_t below)
{
    t->random ^= t->random << 13;
    t->random ^= t->random >> 7;
    t->random ^= t->random << 17;
    return (uint32_t)((t->random >> 32) % below);
}

void talk_init(talk *t, uint64_t seed)
{
    static const mk_str paths[] = {MK_STR_INIT("c@d.example")};
    memset(t, 0, sizeof *t);
    t->random = seed * 0x9E3779B97F4A7C15u + 1;
    t->unit = SIZE_MAX;
    t->piece = SIZE_MAX;
    t->messages = 1;
    t->paths = paths;
    if (mk_smtp_server_config_init(&t->server_config,
                                   sizeof t->server_config) != MK_OK ||
        mk_smtp_client_config_init(&t->client_config,
                                   sizeof t->client_config) != MK_OK ||
        mk_smtp_envelope_init(&t->envelope, sizeof t->envelope) != MK_OK) {
        abort();
    }
    t->server_config.hostname = mk_str_z("mx.example");
    t->client_config.hostname = mk_str_z("c.example");
    t->envelope.reverse_path = mk_str_z("a@b.example");
    t->envelope.forward_paths = paths;
    t->envelope.forward_count = 1;
}

static void open_both(talk *t)
{
    size_t n = mk_smtp_server_need(&t->server_config);
    size_t m = mk_smtp_client_need(&t->client_config);
    t->server_block = malloc(n);
    t->client_block = malloc(m);
    if (t->server_block == NULL || t->client_block == NULL ||
        mk_smtp_server_open(&t->server_config, t->server_block, n,
                            &t->server) != MK_OK ||
        mk_smtp_client_open(&t->client_config, t->client_block, m,
                            &t->client) != MK_OK) {
        abort();
    }
    rig_init(&t->server_rig, t->server, 0);
    rig_init(&t->client_rig, t->client, 0);
}

/* ---- the client -------------------------------------------------------------
 */

static void drop_span(talk *t, unsigned i)
{
    if (i < t->span_count) {
        free(t->spans[i]);
        t->spans[0] = t->spans[1];
        t->span_count--;
    }
}

static void lend(talk *t, uint64_t room)
{
    while (room-- > 0 && !t->sent_last && t->span_count < 2) {
        size_t left = t->body->len - t->lent;
        size_t n = t->piece < left ? t->piece : left;
        n = n > 1 ? 1 + talk_draw(t, (uint32_t)n) : n;
        char *span = malloc(n == 0 ? 1 : n);
        if (span == NULL) {
            abort();
        }
        if (n > 0) {
            memcpy(span, t->body->ptr + t->lent, n);
        }
        bool last = t->lent + n == t->body->len;
        if (mk_body(t->client, t->op, mk_str_of(span, n), last) != MK_OK) {
            free(span);
            return;
        }
        t->spans[t->span_count++] = span;
        t->lent += n;
        t->sent_last = last;
        if (last && t->joins && t->messages > 0 && t->next_op == 0 &&
            mk_smtp_client_send(t->client, &t->envelope, &t->next_op) ==
                MK_OK) {
            t->messages--;
        }
    }
}

static void next_verb(talk *t)
{
    t->lent = 0;
    t->sent_last = false;
    if (t->next_op != 0) {
        t->op = t->next_op;
        t->next_op = 0;
    } else if (t->messages > 0) {
        t->messages--;
        (void)mk_smtp_client_send(t->client, &t->envelope, &t->op);
    } else {
        (void)mk_smtp_client_quit(t->client, &t->op);
    }
}

static void client_event(talk *t, const mk_event *ev)
{
    switch (ev->type) {
    case MK_EV_SMTP_READY:
        next_verb(t);
        break;
    case MK_EV_WANTED:
        if (ev->data.ptr != NULL && t->span_count > 0 &&
            ev->data.ptr == t->spans[0]) {
            drop_span(t, 0);
        }
        lend(t, ev->size);
        break;
    case MK_EV_DONE:
        while (t->span_count > 0) {
            drop_span(t, 0);
        }
        if (ev->op == t->op && ev->of.smtp != NULL) {
            t->outcome = t->lent > 0 || t->sent_last ? ev->err : t->outcome;
            next_verb(t);
        }
        break;
    default:
        break;
    }
}

/* ---- the server ---------------------------------------------------------- */

static void server_event(talk *t, const mk_event *ev)
{
    static const mk_str none = {NULL, 0};
    if (ev->type == MK_EV_SMTP_MAIL) {
        text_clear(&t->arrived);
    }
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) == 0) {
        text_str(&t->arrived, ev->data);
    }
    if (ev->type == MK_EV_BODY && (ev->flags & MK_LAST) != 0) {
        t->accepted++;
    }
    if ((ev->flags & MK_ASK) != 0) {
        (void)mk_reply(t->server, ev->op, MK_ANSWER_YES, none, none);
    }
}

/* ---- the wire ------------------------------------------------------------ */

static bool step_all(talk *t, rig *r, bool server)
{
    mk_event ev;
    bool some = false;
    while (!r->ended && rig_step(r, &ev) == MK_OK) {
        some = true;
        if (t->on_event != NULL && t->on_event(t, server, &ev)) {
            if (r->engine == NULL) {
                r->ended = true; /* closed by the test */
            }
            continue;
        }
        if (server) {
            server_event(t, &ev);
        } else {
            client_event(t, &ev);
        }
    }
    return some;
}

static bool carry(talk *t, rig *out, rig *in, bool from_client)
{
    mk_str span;
    if (out->engine == NULL || mk_out(out->engine, 0, &span, 1) == 0) {
        return false;
    }
    size_t n = span.len < t->unit ? span.len : t->unit;
    if (!in->ended) {
        rig_push(in, span.ptr, n);
    }
    t->client_octets += from_client ? n : 0;
    return mk_out_sent(out->engine, n) == MK_OK;
}

/* who has ended tells the other */
static bool hang_up(rig *gone, rig *left)
{
    if (!gone->ended || left->ended || left->engine == NULL) {
        return false;
    }
    mk_in_eof(left->engine, MK_OK);
    return true;
}

static bool tick(talk *t)
{
    uint64_t a = t->server_rig.ended ? MK_NEVER : mk_deadline(t->server);
    uint64_t b = t->client_rig.ended ? MK_NEVER : mk_deadline(t->client);
    uint64_t due = a < b ? a : b;
    if (due == MK_NEVER) {
        return false;
    }
    t->server_rig.now_ms = due;
    t->client_rig.now_ms = due;
    return true;
}

bool talk_run(talk *t)
{
    open_both(t);
    rig *s = &t->server_rig;
    rig *c = &t->client_rig;
    unsigned idle = 0;
    bool told = false;
    while (idle < 8) {
        bool some = step_all(t, s, true);
        some = step_all(t, c, false) || some;
        some = carry(t, c, s, true) || some;
        some = carry(t, s, c, false) || some;
        if (some) {
            idle = 0;
            continue;
        }
        if (s->ended && c->ended) {
            return true;
        }
        if (!told && (hang_up(s, c) || hang_up(c, s))) {
            told = true;
        } else {
            tick(t);
        }
        idle++;
    }
    return s->ended && c->ended;
}

void talk_fini(talk *t)
{
    while (t->span_count > 0) {
        drop_span(t, 0);
    }
    if (t->server_rig.engine != NULL) {
        mk_close(t->server);
    }
    if (t->client_rig.engine != NULL) {
        mk_close(t->client);
    }
    rig_fini(&t->server_rig);
    rig_fini(&t->client_rig);
    free(t->server_block);
    free(t->client_block);
    text_free(&t->arrived);
}
