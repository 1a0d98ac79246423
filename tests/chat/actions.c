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

static char *copy(const char *ptr, size_t n)
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

static unsigned line_of(const play *p)
{
    size_t at = p->pos < p->chat->item_count ? p->pos : p->pos - 1;
    return p->chat->items[at].line;
}

/* ---- lending ---------------------------------------------------------------
 */

static mk_err lend_piece(play *p, size_t n, bool last)
{
    piece *one = &p->lent[p->lent_count];
    one->ptr = copy(p->body.ptr, n);
    one->len = n;
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
    while (p->body_open && p->body_room > 0 && p->lent_count < LENT_MAX) {
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
            play_fail(p, line_of(p), "mk_body takes it", mk_err_name(err));
            return;
        }
        p->body_room--;
        p->body_open = !last;
    }
}

static void give_back(play *p, const mk_str *span)
{
    if (p->lent_count == 0 || p->lent[0].ptr != span->ptr ||
        p->lent[0].len != span->len) {
        play_fail(p, line_of(p), "the span lent first", "another one");
        return;
    }
    free(p->lent[0].ptr);
    memmove(p->lent, p->lent + 1, (LENT_MAX - 1) * sizeof p->lent[0]);
    p->lent_count--;
}

void play_wanted(play *p, const mk_event *ev)
{
    if (ev->op != p->verb_op) {
        play_fail(p, line_of(p), "the op of the verb", "another one");
    }
    if (ev->data.ptr != NULL) {
        give_back(p, &ev->data);
    }
    if ((ev->flags & MK_LAST) != 0 && p->lent_count > 0) {
        play_fail(p, line_of(p), "all spans given back", "some are not");
    }
    p->body_room = (ev->flags & MK_LAST) != 0 ? 0 : (size_t)ev->size;
    play_lend(p);
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
    free(p->envelope);
    free(p->forward_paths);
    free(p->envelope_text);
    p->envelope = NULL;
    p->forward_paths = NULL;
    p->envelope_text = NULL;
}

/* body "…" [last]; with an expected error it is lent whole, at once */
static mk_err act_body(play *p, const char *z, mk_err expected)
{
    const char *why = text_unquote(&p->body, &z);
    bool last = strcmp(z, "last") == 0;
    if (why != NULL || (*z != '\0' && !last)) {
        play_fail(p, line_of(p), "body \"…\" [last]", why ? why : z);
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

/* ---- verbs -----------------------------------------------------------------
 */

/* the value of key in the line, its escapes made octets in *io_room */
static mk_str value_of(const char *z, const char *key, char **io_room)
{
    const char *at = strstr(z, key);
    text quoted = {0};
    text value = {0};
    char *room = *io_room;
    if (at == NULL) {
        return mk_str_of(NULL, 0);
    }
    at += strlen(key);
    text_z(&quoted, "\"");
    text_add(&quoted, at, strcspn(at, " "));
    text_z(&quoted, "\"");
    at = text_c(&quoted);
    text_unquote(&value, &at);
    size_t n = value.len;
    if (n > 0) {
        memcpy(room, value.ptr, n);
    }
    *io_room = room + n;
    text_free(&quoted);
    text_free(&value);
    return mk_str_of(room, n);
}

static void fill_recipients(play *p, mk_str list)
{
    size_t count = 0;
    p->forward_paths = calloc(list.len + 1, sizeof *p->forward_paths);
    if (p->forward_paths == NULL) {
        abort();
    }
    while (list.len > 0) {
        size_t n = mk_str_find(list, ',');
        p->forward_paths[count++] = mk_str_of(list.ptr, n);
        list = mk_str_sub(list, n + 1, SIZE_MAX);
    }
    p->envelope->forward_paths = p->forward_paths;
    p->envelope->forward_count = count;
}

static mk_smtp_body body_named(mk_str name)
{
    if (mk_str_is(name, mk_str_z("8BITMIME"))) {
        return MK_SMTP_BODY_8BITMIME;
    }
    return mk_str_is(name, mk_str_z("7BIT")) ? MK_SMTP_BODY_7BIT
                                             : MK_SMTP_BODY_UNSTATED;
}

/* `send from=… to=a@b,c@d [size=N] [body=8BITMIME]`, with escapes */
static mk_err act_send(play *p, const char *z)
{
    char *room;
    mk_smtp_envelope *envelope = malloc(sizeof *envelope);
    if (p->envelope != NULL) { /* one is under way: it must be refused */
        free(envelope);
        return mk_smtp_client_send(p->engine, p->envelope, &p->verb_op);
    }
    room = p->envelope_text = malloc(strlen(z) + 1);
    if (envelope == NULL || room == NULL ||
        mk_smtp_envelope_init(envelope, sizeof *envelope) != MK_OK) {
        abort();
    }
    p->envelope = envelope;
    envelope->reverse_path = value_of(z, "from=", &room);
    fill_recipients(p, value_of(z, "to=", &room));
    mk_str size = value_of(z, "size=", &room);
    if (size.len > 0) {
        mk_str_u64(size, &envelope->message_bytes);
    }
    envelope->body = body_named(value_of(z, "body=", &room));
    mk_err err = mk_smtp_client_send(p->engine, envelope, &p->verb_op);
    if (err != MK_OK) {
        play_give_back(p);
    }
    return err;
}

static mk_err act_command(play *p, mk_smtp_verb verb, const char *z)
{
    text argument = {0};
    mk_str view = mk_str_z(z);
    if (*z == '"') {
        if (text_unquote(&argument, &z) != NULL) {
            play_fail(p, line_of(p), "one quoted argument", z);
        }
        view = text_view(&argument);
    }
    char *fresh = copy(view.ptr, view.len);
    mk_err err = mk_smtp_client_command(
        p->engine, verb, mk_str_of(fresh, view.len), &p->verb_op);
    free(fresh); /* borrowed for the call */
    text_free(&argument);
    return err;
}

/* ---- answers ---------------------------------------------------------------
 */

static bool is_code(const char *z, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((z[i] < '0' || z[i] > '9') && z[i] != '.') {
            return false;
        }
    }
    return n > 0;
}

/* [ddd [d.d.d]] text */
static mk_err act_answer(play *p, mk_answer answer, const char *z)
{
    size_t n = strcspn(z, " ");
    size_t code = 0;
    if (is_code(z, n)) {
        code = n;
        size_t more = z[n] == ' ' ? strcspn(z + n + 1, " ") : 0;
        if (is_code(z + n + 1, more)) {
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
    char *fresh_code = copy(z, code);
    char *fresh_text = copy(line.ptr, line.len);
    mk_err err = mk_reply(p->engine, p->op, answer, mk_str_of(fresh_code, code),
                          mk_str_of(fresh_text, line.len));
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
static mk_err act_wrong_ops(play *p)
{
    static const mk_str none = {NULL, 0};
    const mk_op wrong[] = {0, p->op + 1, p->op - 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        mk_op op = wrong[i];
        if (mk_reply(p->engine, op, MK_ANSWER_NO, none, none) != MK_E_STALE ||
            mk_later(p->engine, op) != MK_E_STALE ||
            mk_cancel(p->engine, op + 1000) != MK_E_STALE ||
            mk_body(p->engine, op + 1000, none, true) != MK_E_STALE) {
            play_fail(p, line_of(p), "MK_E_STALE", "something else");
        }
    }
    return MK_OK;
}

static mk_err act_pool(play *p, const char *z)
{
    if (!p->how.pool) {
        play_fail(p, line_of(p), "a performance with a pool", "none");
    } else if (strcmp(z, "idle") == 0) {
        if (p->pool.taken != 0) {
            play_fail(p, line_of(p), "all units in the pool", "one is out");
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
    if (p->server.sasl_units == NULL) {
        play_fail(p, line_of(p), "a performance with a pool", "none");
    } else if (strcmp(z, "idle") == 0) {
        if (p->rooms.taken != 0) {
            play_fail(p, line_of(p), "all rooms in the pool", "one is out");
        }
    } else if (strcmp(z, "take") == 0) {
        p->held_room = mk_pool_take(&p->rooms);
    } else {
        mk_pool_give(&p->rooms, p->held_room);
        p->held_room = NULL;
    }
    return MK_OK;
}

static mk_err perform(play *p, const char *word, size_t n, const char *rest,
                      mk_err expected)
{
    static const struct {
        const char *word;
        mk_smtp_verb verb;
    } commands[] = {{"noop", MK_SMTP_VERB_NOOP}, {"rset", MK_SMTP_VERB_RSET},
                    {"vrfy", MK_SMTP_VERB_VRFY}, {"expn", MK_SMTP_VERB_EXPN},
                    {"help", MK_SMTP_VERB_HELP}, {"ehlo", MK_SMTP_VERB_EHLO}};
    mk_str w = mk_str_of(word, n);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (mk_str_is(w, mk_str_z(commands[i].word))) {
            return act_command(p, commands[i].verb, rest);
        }
    }
    if (mk_str_is(w, mk_str_z("yes"))) {
        return act_answer(p, MK_ANSWER_YES, rest);
    }
    if (mk_str_is(w, mk_str_z("no"))) {
        return act_answer(p, MK_ANSWER_NO, rest);
    }
    if (mk_str_is(w, mk_str_z("defer"))) {
        return act_answer(p, MK_ANSWER_LATER, rest);
    }
    if (mk_str_is(w, mk_str_z("later"))) {
        return mk_later(p->engine, p->op);
    }
    if (mk_str_is(w, mk_str_z("send"))) {
        return act_send(p, rest);
    }
    if (mk_str_is(w, mk_str_z("body"))) {
        return act_body(p, rest, expected);
    }
    if (mk_str_is(w, mk_str_z("quit"))) {
        return mk_smtp_client_quit(p->engine, &p->verb_op);
    }
    if (mk_str_is(w, mk_str_z("cancel"))) {
        return mk_cancel(p->engine, p->verb_op);
    }
    if (mk_str_is(w, mk_str_z("finish"))) {
        return act_finish(p, rest);
    }
    if (mk_str_is(w, mk_str_z("login"))) {
        return play_login(p, rest);
    }
    if (mk_str_is(w, mk_str_z("room"))) {
        return act_room(p, rest);
    }
    if (mk_str_is(w, mk_str_z("pool"))) {
        return act_pool(p, rest);
    }
    if (mk_str_is(w, mk_str_z("hurry")) || mk_str_is(w, mk_str_z("calm"))) {
        mk_hurry(p->engine, word[0] == 'h');
        return MK_OK;
    }
    if (mk_str_is(w, mk_str_z("deaf")) || mk_str_is(w, mk_str_z("hear"))) {
        p->deaf = word[0] == 'd';
        return MK_OK;
    }
    if (mk_str_is(w, mk_str_z("wrong"))) {
        return act_wrong_ops(p);
    }
    play_fail(p, line_of(p), "a known action", word);
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
    char *line = copy(z, len + 1);
    line[len] = '\0';
    size_t n = strcspn(line, " ");
    const char *rest = line[n] == ' ' ? line + n + 1 : line + n;
    mk_err err = perform(p, line, n, rest, expected);
    if (err != expected) {
        play_fail(p, item->line, mk_err_name(expected), mk_err_name(err));
    }
    free(line);
}
