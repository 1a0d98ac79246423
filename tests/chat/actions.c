/* SPDX-License-Identifier: MIT
 *
 * actions.c: what the application does in a dialogue, the A: lines. Answers
 * go to the op of the last event. Body is lent in pieces of the performance's
 * chunk size, each in memory of its own that is freed as soon as the engine
 * gives it back, so that ASan sees an engine which looks at it later.
 */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *play_copy(const char *ptr, size_t n)
{
    char *p = malloc(n == 0 ? 1 : n);
    if (p == NULL) {
        abort();
    }
    if (n > 0) {
        memcpy(p, ptr, n);
    }
    return p;
}

unsigned play_line(const play *p)
{
    size_t at = p->pos < p->chat->item_count ? p->pos : p->pos - 1;
    return p->chat->items[at].line;
}

/* ---- lending ---------------------------------------------------------------
 */

static mk_err lend_piece(play *p, size_t n, bool last)
{
    piece *one = &p->lent[p->lent_count];
    one->ptr = play_copy(p->body.ptr, n);
    one->len = n;
    one->op = p->verb_op;
    mk_err err = mk_body(p->engine, p->verb_op, mk_str_of(one->ptr, n), last);
    if (err != MK_OK) {
        free(one->ptr);
        return err;
    }
    p->lent_count++;
    text_drop(&p->body, n);
    return MK_OK;
}

void play_lend(play *p)
{
    if (p->protocol->lend != NULL) {
        p->protocol->lend(p);
    }
    while (p->body_open && p->body_room > 0 && p->lent_count < LENT_MAX &&
           p->rows.len == 0) {
        size_t n = p->body.len;
        if (p->how.chunk > 0 && p->how.chunk < n) {
            n = p->how.chunk;
        }
        if (n == 0 && !p->body_last) {
            return;
        }
        bool last = p->body_last && n == p->body.len;
        mk_err err = lend_piece(p, n, last);
        if (err != MK_OK) {
            play_fail(p, play_line(p), "mk_body takes it", mk_err_name(err));
            return;
        }
        p->body_room--;
        p->body_open = !last;
        if (last && p->protocol->lent != NULL) {
            p->protocol->lent(p);
        }
    }
}

static void give_back(play *p, const mk_event *ev)
{
    const piece *first = &p->lent[0];
    if (p->lent_count == 0 || first->ptr != ev->data.ptr ||
        first->len != ev->data.len || first->op != ev->op) {
        play_fail(p, play_line(p), "the span lent first", "another one");
        return;
    }
    free(p->lent[0].ptr);
    memmove(p->lent, p->lent + 1, (LENT_MAX - 1) * sizeof p->lent[0]);
    p->lent_count--;
}

void play_wanted(play *p, const mk_event *ev)
{
    bool given = ev->data.ptr != NULL;
    bool last = (ev->flags & MK_LAST) != 0;
    if (given) {
        give_back(p, ev);
    }
    if (ev->op != p->verb_op) {
        if (!given) { /* a server may be at the next question already */
            play_fail(p, play_line(p), "the op of the verb", "another one");
        }
        return;
    }
    if (last && p->lent_count > 0) {
        play_fail(p, play_line(p), "all spans given back", "some are not");
    }
    p->body_room = last ? 0 : (size_t)ev->size;
    if (last && p->body_open) { /* no more is needed */
        p->body_open = false;
        text_clear(&p->body);
    }
    play_lend(p);
}

void play_free_letter(letter *it)
{
    free(it->envelope);
    free(it->forward_paths);
    free(it->text);
    free(it->options);
    memset(it, 0, sizeof *it);
}

void play_give_back(play *p)
{
    for (size_t i = 0; i < p->lent_count; i++) {
        free(p->lent[i].ptr);
    }
    p->lent_count = 0;
    p->body_room = 0;
    p->body_open = false;
    text_clear(&p->body);
    text_clear(&p->rows);
    play_free_letter(&p->letter);
    if (p->next.envelope != NULL) { /* which comes to the front */
        p->letter = p->next;
        p->verb_op = p->next.op;
        memset(&p->next, 0, sizeof p->next);
    }
}

/* body "…" [last]; with an expected error it is lent whole, at once */
static mk_err act_body(play *p, const char *z, mk_err expected)
{
    const char *why = text_unquote(&p->body, &z);
    bool last = strcmp(z, "last") == 0;
    if (why != NULL || (*z != '\0' && !last)) {
        play_fail(p, play_line(p), "body \"…\" [last]", why ? why : z);
        return MK_E_ARG;
    }
    p->body_last = last;
    p->body_open = true;
    if (expected != MK_OK) {
        mk_err err = lend_piece(p, p->body.len, last);
        text_clear(&p->body);
        p->body_open = false;
        return err;
    }
    play_lend(p);
    return MK_OK;
}

/* ---- answers ---------------------------------------------------------------
 */

/* [code [more of it]] text */
static mk_err act_answer(play *p, mk_answer answer, const char *z)
{
    bool (*is_code)(const char *, size_t) = p->protocol->is_code;
    size_t n = strcspn(z, " ");
    size_t code = 0;
    if (is_code(z, n)) {
        code = n;
        size_t more = z[n] == ' ' ? strcspn(z + n + 1, " ") : 0;
        if (more > 0 && is_code(z + n + 1, more)) {
            code = n + 1 + more;
        }
    }
    const char *rest = z + code + (z[code] == ' ' && code > 0);
    text line = {0};
    text_z(&line, "");
    if (*rest == '"') {
        text_unquote(&line, &rest);
    } else {
        text_z(&line, rest);
    }
    char *fresh_code = play_copy(z, code);
    char *fresh_text = play_copy(line.ptr, line.len);
    mk_err err = mk_reply(p->engine, p->op, answer, mk_str_of(fresh_code, code),
                          mk_str_of(fresh_text, line.len));
    p->is_yes = p->is_yes || (err == MK_OK && answer == MK_ANSWER_YES);
    free(fresh_code); /* both are copied */
    free(fresh_text);
    text_free(&line);
    return err;
}

/* borrowed until MK_END: kept by the performance */
static mk_err act_finish(play *p, const char *z)
{
    text_clear(&p->last_words);
    if (*z == '"') {
        text_unquote(&p->last_words, &z);
    } else {
        text_z(&p->last_words, z);
    }
    mk_finish(p->engine, text_view(&p->last_words));
    return MK_OK;
}

/* answers to what was never asked are all stale */
static mk_err act_wrong_ops(play *p, const char *z)
{
    (void)z;
    static const mk_str none = {NULL, 0};
    const mk_op wrong[] = {0, p->op + 1, p->op - 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mk_op op = wrong[i];
        if (mk_reply(p->engine, op, MK_ANSWER_NO, none, none) != MK_E_STALE ||
            mk_later(p->engine, op) != MK_E_STALE ||
            mk_cancel(p->engine, op + 1000) != MK_E_STALE ||
            mk_body(p->engine, op + 1000, none, true) != MK_E_STALE ||
            (p->protocol->refuses != NULL && !p->protocol->refuses(p, op))) {
            play_fail(p, play_line(p), "MK_E_STALE", "something else");
        }
    }
    return MK_OK;
}

static mk_err act_pool(play *p, const char *z)
{
    if (!p->how.pool) {
        play_fail(p, play_line(p), "a performance with a pool", "none");
    } else if (strcmp(z, "idle") == 0) {
        if (p->pool.taken != 0) {
            play_fail(p, play_line(p), "all units in the pool", "one is out");
        }
    } else if (strcmp(z, "take") == 0) {
        p->held_unit = mk_pool_take(&p->pool);
    } else {
        mk_pool_give(&p->pool, p->held_unit);
        p->held_unit = NULL;
    }
    return MK_OK;
}

/* the pool that a login's room comes from */
static mk_err act_room(play *p, const char *z)
{
    if (!p->has_rooms) {
        play_fail(p, play_line(p), "a performance with a pool", "none");
    } else if (strcmp(z, "idle") == 0) {
        if (p->rooms.taken != 0) {
            play_fail(p, play_line(p), "all rooms in the pool", "one is out");
        }
    } else if (strcmp(z, "take") == 0) {
        p->held_room = mk_pool_take(&p->rooms);
    } else {
        mk_pool_give(&p->rooms, p->held_room);
        p->held_room = NULL;
    }
    return MK_OK;
}

static mk_err act_yes(play *p, const char *z)
{
    return act_answer(p, MK_ANSWER_YES, z);
}

static mk_err act_no(play *p, const char *z)
{
    return act_answer(p, MK_ANSWER_NO, z);
}

static mk_err act_defer(play *p, const char *z)
{
    return act_answer(p, MK_ANSWER_LATER, z);
}

static mk_err act_later(play *p, const char *z)
{
    (void)z;
    return mk_later(p->engine, p->op);
}

/* the last verb, or the N-th of the client */
static mk_err act_cancel(play *p, const char *z)
{
    size_t n = (size_t)strtoul(z, NULL, 10);
    return mk_cancel(p->engine,
                     n > 0 && n <= p->op_count ? p->ops[n - 1] : p->verb_op);
}

static mk_err act_hurry(play *p, const char *z)
{
    (void)z;
    mk_hurry(p->engine, true);
    return MK_OK;
}

static mk_err act_calm(play *p, const char *z)
{
    (void)z;
    mk_hurry(p->engine, false);
    return MK_OK;
}

static mk_err act_deaf(play *p, const char *z)
{
    (void)z;
    p->deaf = true;
    return MK_OK;
}

static mk_err act_hear(play *p, const char *z)
{
    (void)z;
    p->deaf = false;
    return MK_OK;
}

static const struct {
    const char *word;
    mk_err (*act)(play *p, const char *rest);
} actions[] = {
    {"yes", act_yes},      {"no", act_no},           {"defer", act_defer},
    {"later", act_later},  {"cancel", act_cancel},   {"finish", act_finish},
    {"login", play_login}, {"room", act_room},       {"pool", act_pool},
    {"hurry", act_hurry},  {"calm", act_calm},       {"deaf", act_deaf},
    {"hear", act_hear},    {"wrong", act_wrong_ops},
};

static mk_err perform(play *p, const char *word, size_t n, const char *rest,
                      mk_err expected)
{
    mk_str w = mk_str_of(word, n);
    mk_err err = MK_OK;
    if (p->protocol->act(p, w, rest, &err)) {
        return err;
    }
    if (mk_str_is(w, mk_str_z("body"))) {
        return act_body(p, rest, expected);
    }
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (mk_str_is(w, mk_str_z(actions[i].word))) {
            return actions[i].act(p, rest);
        }
    }
    play_fail(p, play_line(p), "a known action", word);
    return MK_OK;
}

void play_act(play *p, const chat_item *item)
{
    const char *z = item->text;
    const char *arrow = strstr(z, " -> ");
    size_t len = arrow == NULL ? strlen(z) : (size_t)(arrow - z);
    mk_err expected = MK_OK;
    if (arrow != NULL &&
        !trace_err_named(arrow + 4, strlen(arrow + 4), &expected)) {
        play_fail(p, item->line, "an error's name", arrow + 4);
    }
    char *line = play_copy(z, len + 1);
    line[len] = '\0';
    size_t n = strcspn(line, " ");
    const char *rest = line[n] == ' ' ? line + n + 1 : line + n;
    mk_err err = perform(p, line, n, rest, expected);
    if (err != expected) {
        play_fail(p, item->line, mk_err_name(expected), mk_err_name(err));
    }
    free(line);
}
