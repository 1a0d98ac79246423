/* SPDX-License-Identifier: MIT
 *
 * settings.c: opens the engine of a performance with the settings of the
 * dialogue's @ lines. A key is a field of the config's name, with `client.`
 * or `server.` before it where both have one; what it does not know it
 * refuses, so that no setting is silently without effect.
 */
#include "play.h"

#include <stdlib.h>
#include <string.h>

const bit play_tls_policies[] = {
    {"none", MK_TLS_POLICY_NONE},
    {"may", MK_TLS_POLICY_MAY},
    {"encrypt", MK_TLS_POLICY_ENCRYPT},
    {"must", MK_TLS_POLICY_MUST},
    {NULL, 0},
};

_Static_assert(sizeof(mk_tls_policy) == 4, "set as a field of 4 octets");

/* ---- protocols ----------------------------------------------------------- */

static const protocol *const protocols[] = {
#ifdef CHAT_SMTP
    &play_smtp,
#endif
#ifdef CHAT_POP3
    &play_pop3,
#endif
};

const protocol *play_protocol(const chat *c)
{
    const char *end = strrchr(c->path, '/');
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        size_t n = strlen(protocols[i]->name);
        const char *folder = end != NULL ? end - n : NULL;
        if (folder > c->path && folder[-1] == '/' &&
            memcmp(folder, protocols[i]->name, n) == 0) {
            return protocols[i];
        }
    }
    return NULL;
}

const side *play_side(const protocol *it, chat_role role)
{
    return role == CHAT_SERVER ? it->server : it->client;
}

/* ---- one setting --------------------------------------------------------- */

static bool bits(const bit *table, const char *z, uint32_t *out)
{
    *out = 0;
    while (*z != '\0') {
        size_t n = strcspn(z, ",");
        const bit *b = table;
        while (b->name != NULL &&
               (strlen(b->name) != n || memcmp(b->name, z, n) != 0)) {
            b++;
        }
        if (b->name == NULL) {
            return false;
        }
        *out |= b->value;
        z += n + (z[n] == ',');
    }
    return true;
}

static const field *find(const side *s, const char *key, size_t n)
{
    for (const field *f = s->fields; f->key != NULL; f++) {
        if (strlen(f->key) == n && memcmp(f->key, key, n) == 0) {
            return f;
        }
    }
    return NULL;
}

static bool set_field(const field *f, void *config, const char *value)
{
    char *at = (char *)config + f->at;
    uint64_t number = strtoull(value, NULL, 10);
    uint32_t narrow = (uint32_t)number;
    mk_str view = mk_str_z(value);
    bool yes = strcmp(value, "yes") == 0;
    if (f->names != NULL && !bits(f->names, value, &narrow)) {
        return false;
    }
    if (f->width == 0) {
        memcpy(at, &view, sizeof view);
    } else if (f->width == 1) {
        memcpy(at, &yes, sizeof yes);
    } else if (f->width == 4) {
        memcpy(at, &narrow, sizeof narrow);
    } else {
        memcpy(at, &number, sizeof number);
    }
    return true;
}

/* a field of one role, in the config when that is the role performed */
static bool set_in(play *p, chat_role role, const char *key, size_t n,
                   const char *value)
{
    const side *s = play_side(p->protocol, role);
    const field *f = s == NULL ? NULL : find(s, key, n);
    return f != NULL && (p->role != role || set_field(f, &p->config, value));
}

static bool set_one(play *p, const chat_item *item)
{
    const char *key = item->text;
    size_t n = strcspn(key, " ");
    const char *value = key[n] == ' ' ? key + n + 1 : key + n;
    static const char *const others[] = {"chunks",   "pool", "sasl",
                                         "sasl_how", "user", "authzid",
                                         "password", "token"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strlen(others[i]) == n && memcmp(others[i], key, n) == 0) {
            return true;
        }
    }
    if (n > 7 && memcmp(key, "server.", 7) == 0) {
        return set_in(p, CHAT_SERVER, key + 7, n - 7, value);
    }
    if (n > 7 && memcmp(key, "client.", 7) == 0) {
        return set_in(p, CHAT_CLIENT, key + 7, n - 7, value);
    }
    bool server = (p->chat->roles & CHAT_SERVER) != 0 &&
                  set_in(p, CHAT_SERVER, key, n, value);
    bool client = (p->chat->roles & CHAT_CLIENT) != 0 &&
                  set_in(p, CHAT_CLIENT, key, n, value);
    return server || client;
}

/* ---- all of them --------------------------------------------------------- */

void play_point(play *p, size_t at, const void *pointer)
{
    if (at > 0) {
        memcpy((char *)&p->config + at, &pointer, sizeof pointer);
    }
}

static bool open_pool(play *p, const side *s)
{
    const char *how = chat_setting(p->chat, "pool");
    uint32_t unit;
    memcpy(&unit, (char *)&p->config + s->text_bytes_at, sizeof unit);
    if (mk_pool_init(&p->pool, mk_alloc_libc(), unit, 1) != MK_OK) {
        return false;
    }
    if (how != NULL && strcmp(how, "empty") == 0) {
        p->held_unit = mk_pool_take(&p->pool);
    }
    play_point(p, s->units_at, &p->pool);
    return true;
}

static bool configure(play *p, const side *s)
{
    if (s->init(&p->config) != MK_OK) {
        return false;
    }
    for (size_t i = 0; i < p->chat->setting_count; i++) {
        const chat_item *item = &p->chat->settings[i];
        if (!set_one(p, item)) {
            play_fail(p, item->line, "a setting", item->text);
            return false;
        }
    }
    return (!p->how.pool || open_pool(p, s)) && play_open_login(p);
}

bool play_open(play *p)
{
    const side *s = play_side(p->protocol, p->role);
    mk_err err = MK_E_ARG;
    if (configure(p, s)) {
        size_t need = s->need(&p->config);
        p->block = malloc(need);
        if (p->block != NULL) {
            err = s->open(&p->config, p->block, need, &p->engine);
        }
    }
    if (err != MK_OK) {
        play_fail(p, 1, "an engine", mk_err_name(err));
        return false;
    }
    rig_init(&p->rig, p->engine, p->how.feed ? 2304 : 0);
    return true;
}
