/* SPDX-License-Identifier: MIT
 *
 * runner.c: performs a .chat dialogue in every manner: input cut to every
 * size up to the longest group (1 to 64, then powers of two), output
 * acknowledged whole and octet by octet, with the text unit in the block and
 * in a pool of one, offered straight and through mk_feed. Every performance
 * must follow the script, and all must see the very same (Law 4).
 * Usage: runner FILE.chat ...
 */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void play_fini(play *p)
{
    play_give_back(p);
    play_free_letter(&p->letter);
    free(p->join);
    if (p->engine != NULL) {
        mk_close(p->engine);
        rig_fini(&p->rig);
    }
    if (p->how.pool) {
        mk_pool_give(&p->pool, p->held_unit);
        if (p->pool.taken != 0) {
            play_fail(p, 1, "all units given back after mk_close", "one kept");
        }
        mk_pool_fini(&p->pool);
    }
    if (p->has_rooms) {
        mk_pool_give(&p->rooms, p->held_room);
        if (p->rooms.taken != 0) {
            play_fail(p, 1, "the room of a login given back", "it is kept");
        }
        mk_pool_fini(&p->rooms);
    }
    free(p->block);
    text_free(&p->pending);
    text_free(&p->out);
    text_free(&p->all_out);
    text_free(&p->trace);
    text_free(&p->run);
    text_free(&p->body);
    text_free(&p->rows);
    text_free(&p->last_words);
}

/* what the first performance saw; all others must see the same */
typedef struct seen {
    bool some;
    text trace;
    text out;
} seen;

/* the first line in which two traces differ */
static void show_difference(play *p, const text *first, const text *now)
{
    size_t i = 0;
    size_t start = 0;
    while (i < first->len && i < now->len && first->ptr[i] == now->ptr[i]) {
        start = first->ptr[i] == '\n' ? i + 1 : start;
        i++;
    }
    text a = {0};
    text b = {0};
    mk_str tail = mk_str_sub(text_view(first), start, SIZE_MAX);
    text_quoted(&a, mk_str_sub(tail, 0, mk_str_find(tail, '\n')));
    tail = mk_str_sub(text_view(now), start, SIZE_MAX);
    text_quoted(&b, mk_str_sub(tail, 0, mk_str_find(tail, '\n')));
    play_fail(p, 1, text_c(&a), text_c(&b));
    text_free(&a);
    text_free(&b);
}

static bool perform(const chat *c, chat_role role, manner how, seen *s)
{
    play p;
    memset(&p, 0, sizeof p);
    p.chat = c;
    p.role = role;
    p.protocol = play_protocol(c);
    p.how = how;
    bool fine = play_run(&p);
    if (fine && s->some) {
        if (!text_same(&s->trace, &p.trace)) {
            show_difference(&p, &s->trace, &p.trace);
        } else if (!text_same(&s->out, &p.all_out)) {
            show_difference(&p, &s->out, &p.all_out);
        }
    } else if (fine) {
        text_str(&s->trace, text_view(&p.trace));
        text_str(&s->out, text_view(&p.all_out));
        s->some = true;
    }
    play_fini(&p);
    return fine && !p.failed;
}

/* the longest group of input, or piece of body lent */
static size_t longest(const chat *c, chat_role role)
{
    size_t most = 1;
    text group = {0};
    for (size_t i = 0; i < c->item_count; i++) {
        const chat_item *item = &c->items[i];
        chat_kind kind = chat_kind_of(item, role);
        if (kind == CHAT_INPUT) {
            chat_octets(item, &group);
        } else if (kind == CHAT_ACTION &&
                   strncmp(item->text, "body ", 5) == 0) {
            const char *z = item->text + 5;
            text_clear(&group);
            text_unquote(&group, &z);
        } else if (kind != CHAT_SKIP) {
            text_clear(&group);
        }
        most = group.len > most ? group.len : most;
    }
    text_free(&group);
    return most;
}

static bool one_size(const chat *c, chat_role role, size_t chunk, seen *s)
{
    static const manner manners[] = {
        {0, false, false, false}, {0, true, false, false},
        {0, false, true, false},  {0, false, false, true},
        {0, true, true, true},
    };
    const char *pool = chat_setting(c, "pool");
    for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
        manner how = manners[i];
        how.chunk = chunk;
        if (pool != NULL && !how.pool) {
            continue; /* `@ pool`: a pool is part of the story */
        }
        if (!perform(c, role, how, s)) {
            return false;
        }
    }
    return true;
}

static bool all_sizes(const chat *c, chat_role role)
{
    size_t most = longest(c, role);
    seen s = {0};
    const char *listed = chat_setting(c, "chunks");
    bool fine = one_size(c, role, 0, &s);
    if (listed != NULL) {
        while (fine && *listed != '\0') {
            char *end;
            size_t chunk = strtoul(listed, &end, 10);
            fine = end != listed && one_size(c, role, chunk, &s);
            listed = *end == ' ' ? end + 1 : end;
        }
    } else {
        for (size_t n = 1; fine && n <= most; n = n < 64 ? n + 1 : n * 2) {
            fine = one_size(c, role, n, &s);
        }
    }
    text_free(&s.trace);
    text_free(&s.out);
    return fine;
}

/* What this build cannot perform is skipped, not passed. */
static void skip(const char *what)
{
    printf("skip: no %s in this build\n", what);
    exit(77);
}

static bool run_file(const char *path)
{
    static const chat_role roles[] = {CHAT_SERVER, CHAT_CLIENT};
    chat c;
    bool fine = chat_load(&c, path);
    const protocol *it = fine ? play_protocol(&c) : NULL;
    if (fine && it == NULL) {
        skip("such protocol");
    }
#ifndef CHAT_SASL
    if (fine && (it->sasl != NULL || chat_setting(&c, "sasl") != NULL)) {
        skip("SASL");
    }
#endif
    for (size_t i = 0; fine && i < sizeof roles / sizeof roles[0]; i++) {
        if ((c.roles & roles[i]) == 0) {
            continue;
        }
        if (play_side(it, roles[i]) == NULL) {
            skip("such machine");
        }
        fine = all_sizes(&c, roles[i]);
    }
    chat_free(&c);
    return fine;
}

int main(int argc, char **argv)
{
    int bad = argc < 2;
    for (int i = 1; i < argc; i++) {
        bool fine = run_file(argv[i]);
        printf("%s %s\n", fine ? "ok  " : "FAIL", argv[i]);
        bad += fine ? 0 : 1;
    }
    return bad == 0 ? 0 : 1;
}
