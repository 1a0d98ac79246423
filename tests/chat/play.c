/* SPDX-License-Identifier: MIT
 *
 * play.c: follows the script of a dialogue, turn by turn. A turn begins with
 * what the peer sends, or a move of the clock; within it every event must be
 * the next one written (runs of body data joined), and at its end the output
 * must be what is written and is acknowledged. Nothing may come that is not
 * written, and nothing written may be missing.
 */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ANY_BODY[] = "BODY \xE2\x80\xA6";

void play_fail(play *p, unsigned line, const char *expected, const char *got)
{
    if (p->failed) {
        return;
    }
    p->failed = true;
    fprintf(stderr,
            "%s:%u: (%s, chunk %zu%s%s%s)\n  expected %s\n  got      %s\n",
            p->chat->path, line, p->role == CHAT_SERVER ? "server" : "client",
            p->how.chunk, p->how.drip ? ", acknowledged byte-wise" : "",
            p->how.pool ? ", pool" : "", p->how.feed ? ", mk_feed" : "",
            expected, got);
}

static unsigned line_at(const play *p, size_t pos)
{
    if (pos < p->chat->item_count) {
        return p->chat->items[pos].line;
    }
    return p->chat->items[p->chat->item_count - 1].line;
}

static chat_kind kind_at(const play *p, size_t pos)
{
    return chat_kind_of(&p->chat->items[pos], p->role);
}

/* the next item of the turn that is neither output nor the other role's */
static const chat_item *next_item(play *p)
{
    while (p->pos < p->end) {
        chat_kind kind = kind_at(p, p->pos);
        if (kind != CHAT_SKIP && kind != CHAT_OUTPUT) {
            return &p->chat->items[p->pos];
        }
        p->pos++;
    }
    return NULL;
}

static void note(play *p, const char *line)
{
    text_z(&p->trace, line);
    text_z(&p->trace, "\n");
}

/* the A: lines directly behind an E: */
static void act_behind(play *p)
{
    while (p->pos < p->end && !p->failed) {
        chat_kind kind = kind_at(p, p->pos);
        if (kind == CHAT_ACTION) {
            play_act(p, &p->chat->items[p->pos]);
        } else if (kind != CHAT_SKIP) {
            return;
        }
        p->pos++;
    }
}

static void match(play *p, const char *got)
{
    const chat_item *item = next_item(p);
    note(p, got);
    if (item == NULL || kind_at(p, p->pos) != CHAT_EVENT) {
        play_fail(p, line_at(p, item == NULL ? p->end : p->pos),
                  "no event here", got);
        return;
    }
    if (!trace_fits(item->text, got)) {
        play_fail(p, item->line, item->text, got);
        return;
    }
    p->pos++;
    act_behind(p);
}

static void flush_run(play *p)
{
    if (p->in_run && !p->run_any) {
        text line = {0};
        text_z(&line, "BODY ");
        text_quoted(&line, text_view(&p->run));
        match(p, text_c(&line));
        text_free(&line);
    }
    p->in_run = false;
    p->run_any = false;
    text_clear(&p->run);
}

static void on_body(play *p, const mk_event *ev)
{
    if (ev->op != p->body_op) { /* another body */
        p->body_op = ev->op;
        p->body_at = 0;
    }
    if (ev->offset != p->body_at || ev->data.len == 0) {
        play_fail(p, line_at(p, p->pos), "body octets in sequence",
                  "a gap, or an empty run");
    }
    p->body_at += ev->data.len;
    if (p->in_run && p->run_any) {
        return;
    }
    const chat_item *item = next_item(p);
    p->in_run = true;
    if (item != NULL && strcmp(item->text, ANY_BODY) == 0) {
        p->run_any = true;
        match(p, ANY_BODY);
        return;
    }
    text_str(&p->run, ev->data);
}

static void on_event(play *p, const mk_event *ev)
{
    bool last = (ev->flags & MK_LAST) != 0;
    p->events++;
    p->op = ev->op != 0 ? ev->op : p->op;
    if (p->role == CHAT_SERVER && (ev->flags & MK_ASK) != 0) {
        p->verb_op = ev->op;
        p->is_yes = false;
    }
    if (ev->type == MK_EV_BODY && !last) {
        on_body(p, ev);
        return;
    }
    flush_run(p);
    p->op = ev->op != 0 ? ev->op : p->op;
    if (ev->type == MK_EV_WANTED) {
        play_wanted(p, ev);
        return;
    }
    if (ev->type == MK_EV_BODY && ev->data.len != 0) {
        play_fail(p, line_at(p, p->pos), "no octets in the last body event",
                  "some");
    }
    if (ev->type == MK_EV_DONE) {
        play_give_back(p);
    }
    p->tls_wanted = ev->type == MK_EV_TLS_WANTED;
    text line = {0};
    p->protocol->trace(&line, ev);
    match(p, text_c(&line));
    text_free(&line);
}

static void step_all(play *p)
{
    mk_event ev;
    memset(&ev, 0, sizeof ev);
    mk_err err = MK_OK;
    unsigned limit = 4000000;
    unsigned slices = p->has_login ? 1000 : 0; /* work comes in slices */
    while (!p->failed && !p->rig.ended && limit-- > 0) {
        err = rig_step(&p->rig, &ev);
        bool more = err == MK_WAIT && slices > 0 &&
                    (mk_want(p->engine) & MK_WANT_STEP) != 0;
        if (err == MK_OK) {
            on_event(p, &ev);
        } else if (!more) {
            break;
        }
        slices -= more ? 1 : 0;
    }
    rig_rest(&p->rig);
    if (limit == 0) {
        play_fail(p, line_at(p, p->pos), "an end of the events", "none");
    }
    if (err == MK_WAIT && (mk_want(p->engine) & MK_WANT_STEP) != 0) {
        play_fail(p, line_at(p, p->pos), "no MK_WANT_STEP after MK_WAIT",
                  "a spinning engine");
    }
    if (p->rig.broken != NULL) {
        play_fail(p, line_at(p, p->pos), "the contract held", p->rig.broken);
    }
}

/* offer what is pending; true when some was taken */
static bool pump(play *p)
{
    bool some = false;
    while (p->pending.len > 0 && !p->rig.ended && !p->failed) {
        size_t n = p->pending.len;
        if (p->how.chunk > 0 && p->how.chunk < n) {
            n = p->how.chunk;
        }
        n = rig_push(&p->rig, p->pending.ptr, n);
        text_drop(&p->pending, n);
        if (n == 0) {
            rig_rest(&p->rig);
            break;
        }
        if (p->pending.len == 0 && p->eof) {
            mk_in_eof(p->engine, p->eof_why);
            p->eof = false;
        }
        some = true;
        step_all(p);
    }
    if (p->pending.len == 0 && p->eof) {
        mk_in_eof(p->engine, p->eof_why);
        p->eof = false;
        some = true;
        step_all(p);
    }
    return some;
}

/* A driver steps when it is asked to: what a step then brings must have been
 * announced by MK_WANT_STEP. */
static void step_as_wanted(play *p)
{
    bool wanted = (mk_want(p->engine) & MK_WANT_STEP) != 0;
    bool ended = p->rig.ended;
    size_t events = p->events;
    rig_look(&p->rig, &p->out);
    size_t out = p->out.len;
    step_all(p);
    rig_look(&p->rig, &p->out);
    if (!wanted &&
        (p->events > events || p->out.len > out || p->rig.ended != ended)) {
        play_fail(p, line_at(p, p->pos), "MK_WANT_STEP before it",
                  "a step that nobody was asked for");
    }
}

/* acknowledge what is queued; true when there was any */
static bool acknowledge(play *p)
{
    rig_look(&p->rig, &p->out);
    bool some = p->rig.queued.len > 0 && !p->deaf;
    while (p->rig.queued.len > 0 && !p->failed && !p->deaf) {
        rig_ack(&p->rig, p->how.drip ? 1 : p->rig.queued.len);
        step_as_wanted(p);
    }
    return some;
}

/* act and acknowledge until nothing moves */
static void settle(play *p)
{
    bool moved = true;
    while (moved && !p->failed) {
        const chat_item *item;
        moved = false;
        while ((item = next_item(p)) != NULL && !p->failed &&
               kind_at(p, p->pos) == CHAT_ACTION) {
            flush_run(p);
            if (next_item(p) != item) {
                break; /* the run was an event written before */
            }
            play_act(p, item);
            p->pos++;
            if (strncmp(item->text, "pool ", 5) == 0) {
                step_all(p); /* nobody tells the engine: its deadline does */
            } else {
                step_as_wanted(p);
            }
            moved = true;
        }
        moved = acknowledge(p) || moved;
        moved = pump(p) || moved;
    }
    flush_run(p);
}

/* ---- what is compared at the end of a turn ------------------------------- */

/* the octets of the output, from *io_at on, that an item stands for, and does
 * it fit them? */
static bool fits(const chat_item *item, mk_str out, size_t *io_at)
{
    mk_str rest = mk_str_sub(out, *io_at, SIZE_MAX);
    if (item->tag[0] == 'O') {
        mk_str want = text_view(&item->octets);
        *io_at += want.len;
        return mk_str_is(mk_str_sub(rest, 0, want.len), want);
    }
    mk_str want = mk_str_z(item->text);
    size_t n = 0;
    while (n < rest.len &&
           !mk_str_is(mk_str_sub(rest, n, 2), mk_str_z("\r\n"))) {
        n++;
    }
    *io_at += n + 2;
    return n < rest.len && (item->tail ? n >= want.len : n == want.len) &&
           mk_str_is(mk_str_sub(rest, 0, want.len), want);
}

static void show(play *p, unsigned line, const char *expected, mk_str got)
{
    text shown = {0};
    text_quoted(&shown, mk_str_sub(got, 0, 2000));
    play_fail(p, line, expected, text_c(&shown));
    text_free(&shown);
}

static void compare_output(play *p, size_t begin)
{
    size_t at = 0;
    unsigned line = line_at(p, begin);
    mk_str out = text_view(&p->out);
    for (size_t i = begin; i < p->end && !p->failed; i++) {
        const chat_item *item = &p->chat->items[i];
        size_t start = at;
        if (kind_at(p, i) != CHAT_OUTPUT) {
            continue;
        }
        line = item->line;
        if (!fits(item, out, &at)) {
            show(p, line, item->text, mk_str_sub(out, start, SIZE_MAX));
        }
    }
    if (!p->failed && at < out.len) {
        show(p, line, "no more output", mk_str_sub(out, at, SIZE_MAX));
    }
    text_str(&p->all_out, out);
    text_clear(&p->out);
}

static void compare_due(play *p, const chat_item *item)
{
    uint64_t due = mk_deadline(p->engine);
    char got[64];
    char want[64];
    if (due == MK_NEVER) {
        snprintf(got, sizeof got, "never");
    } else {
        snprintf(got, sizeof got, "+%lld",
                 (long long)due - (long long)p->rig.now_ms);
    }
    snprintf(want, sizeof want, "%s", item->text);
    if (strcmp(want, got) != 0) {
        play_fail(p, item->line, want, got);
    }
}

static void compare_end(play *p, const char *how, unsigned line)
{
    unsigned want = mk_want(p->engine);
    const char *got = "open";
    if (p->rig.ended) {
        got = (want & MK_WANT_ABORT) != 0   ? "abort"
              : (want & MK_WANT_CLOSE) != 0 ? "close"
                                            : "ended without a wish";
    } else if ((want & (MK_WANT_ABORT | MK_WANT_CLOSE)) != 0) {
        got = "a wish to close before MK_END";
    }
    if (strcmp(how, got) != 0) {
        play_fail(p, line, how, got);
    }
    if (p->rig.ended && !p->deaf && p->how.pool &&
        p->pool.taken > (p->held_unit != NULL)) {
        play_fail(p, line, "the unit given back at the end", "one kept");
    }
    if (p->rig.ended && !p->failed) {
        mk_event ev;
        mk_str none = {NULL, 0};
        mk_str spans[1];
        if (mk_step(p->engine, p->rig.now_ms, &none, &ev) != MK_END ||
            (!p->deaf && mk_out(p->engine, 0, spans, 1) != 0)) {
            play_fail(p, line, "MK_END for good", "something after it");
        }
    }
}

/* ---- turns ----------------------------------------------------------------
 */

static void move_clock(play *p, const chat_item *item)
{
    const char *z = item->text;
    uint64_t due = mk_deadline(p->engine);
    if (z[0] == '+') {
        p->rig.now_ms += strtoull(z + 1, NULL, 10);
    } else if (strncmp(z, "deadline", 8) == 0 && due != MK_NEVER) {
        p->rig.now_ms = due - strtoull(z[8] == '-' ? z + 9 : "0", NULL, 10);
    } else {
        play_fail(p, item->line, "+N, deadline or deadline-N, and a deadline",
                  z);
    }
}

static void peer_ends(play *p, const chat_item *item)
{
    p->eof = true;
    if (strcmp(item->text, "eof") == 0) {
        p->eof_why = MK_OK;
    } else if (!trace_err_named(item->text, strlen(item->text), &p->eof_why)) {
        play_fail(p, item->line, "eof or an error's name", item->text);
    }
}

/* take the items that open a turn; the rest of it is left at p->pos */
static void open_turn(play *p)
{
    for (; p->pos < p->end; p->pos++) {
        const chat_item *item = &p->chat->items[p->pos];
        switch (kind_at(p, p->pos)) {
        case CHAT_INPUT:
            chat_octets(item, &p->pending);
            break;
        case CHAT_CLOCK:
            move_clock(p, item);
            break;
        case CHAT_PEER:
            peer_ends(p, item);
            break;
        case CHAT_TLS:
            play_tls(p, item);
            break;
        case CHAT_SKIP:
            break;
        default:
            return;
        }
    }
}

static bool opens_turn(chat_kind kind)
{
    return kind == CHAT_INPUT || kind == CHAT_CLOCK || kind == CHAT_PEER ||
           kind == CHAT_TLS;
}

/* where the turn that begins at `begin` ends */
static size_t end_of_turn(const play *p, size_t begin)
{
    bool opened = false;
    size_t i = begin;
    for (; i < p->chat->item_count; i++) {
        chat_kind kind = kind_at(p, i);
        if (kind == CHAT_SKIP) {
            continue;
        }
        if (opens_turn(kind) && opened) {
            break;
        }
        bool alone = kind == CHAT_CLOCK || kind == CHAT_TLS;
        if (alone && i > begin) {
            break; /* the clock moves on its own, and so does TLS */
        }
        opened = opened || !opens_turn(kind);
    }
    return i;
}

/* D: and X: are looked at when all before them has happened */
static void closing_items(play *p)
{
    const chat_item *item;
    while (!p->failed && (item = next_item(p)) != NULL) {
        chat_kind kind = kind_at(p, p->pos);
        if (kind == CHAT_DUE) {
            compare_due(p, item);
        } else if (kind == CHAT_END) {
            compare_end(p, item->text, item->line);
        } else {
            play_fail(p, item->line, item->text, "nothing happened");
        }
        p->pos++;
    }
}

static void play_turn(play *p)
{
    size_t begin = p->pos;
    p->end = end_of_turn(p, begin);
    open_turn(p);
    if (p->pending.len == 0 || !opens_turn(kind_at(p, begin))) {
        step_all(p);
    }
    pump(p);
    settle(p);
    if (!p->failed) {
        compare_output(p, begin);
    }
    closing_items(p);
    p->pos = p->end;
}

bool play_run(play *p)
{
    if (!play_open(p)) {
        return false;
    }
    bool told = false;
    while (p->pos < p->chat->item_count && !p->failed) {
        play_turn(p);
    }
    for (size_t i = 0; i < p->chat->item_count; i++) {
        told = told || p->chat->items[i].tag[0] == 'X';
    }
    if (!told && !p->failed) {
        compare_end(p, "open", line_at(p, p->chat->item_count));
    }
    return !p->failed;
}
