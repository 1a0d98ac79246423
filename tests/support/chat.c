/* SPDX-License-Identifier: MIT
 *
 * chat.c: the reader of .chat dialogues. Every line is a tag, a colon and a
 * text; `#` lines are comments, the first of which tells what the file
 * proves. Refuses unknown tags, a file without that line, and a file in which
 * nothing is said.
 */
#include "chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ELLIPSIS[] = "\xE2\x80\xA6";

static bool complain(const chat *c, unsigned line, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", c->path, line, what);
    return false;
}

static char *copy_z(const char *z, size_t n)
{
    text t = {0};
    text_add(&t, z, n);
    return t.ptr;
}

static chat_item *grow(chat_item **list, size_t *count)
{
    chat_item *bigger = realloc(*list, (*count + 1) * sizeof **list);
    if (bigger == NULL) {
        fputs("out of memory\n", stderr);
        abort();
    }
    *list = bigger;
    memset(&bigger[*count], 0, sizeof *bigger);
    return &bigger[(*count)++];
}

static bool set_role(chat *c, const char *value, unsigned line)
{
    if (strcmp(value, "server") == 0) {
        c->roles = CHAT_SERVER;
    } else if (strcmp(value, "client") == 0) {
        c->roles = CHAT_CLIENT;
    } else if (strcmp(value, "both") == 0) {
        c->roles = CHAT_SERVER | CHAT_CLIENT;
    } else {
        return complain(c, line, "@ role is server, client or both");
    }
    return true;
}

static bool add_setting(chat *c, const char *z, size_t n, unsigned line)
{
    if (n > 5 && memcmp(z, "role ", 5) == 0) {
        char *value = copy_z(z + 5, n - 5);
        bool fine = set_role(c, value, line);
        free(value);
        return fine;
    }
    chat_item *item = grow(&c->settings, &c->setting_count);
    item->line = line;
    item->text = copy_z(z, n);
    return true;
}

static bool known_tag(const char *tag)
{
    static const char *const tags[] = {"C",  "S",  "L",  "E",  "A",  "ES",
                                       "AS", "EC", "AC", "LS", "LC", "T",
                                       "P",  "D",  "X",  "O",  "OS", "OC"};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (strcmp(tag, tags[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool add_item(chat *c, const char *z, size_t n, unsigned line)
{
    const char *colon = memchr(z, ':', n < 4 ? n : 4);
    size_t width = colon == NULL ? 0 : (size_t)(colon - z);
    if (n > 4 && memcmp(z, "TLS ", 4) == 0) {
        chat_item *tls = grow(&c->items, &c->item_count);
        memcpy(tls->tag, z, 3);
        tls->line = line;
        tls->text = copy_z(z + 4, n - 4);
        return true;
    }
    if (width == 0 || width > 2) {
        return complain(c, line, "no tag and colon");
    }
    chat_item *item = grow(&c->items, &c->item_count);
    memcpy(item->tag, z, width);
    item->line = line;
    z += width + 1;
    n -= width + 1;
    if (n > 0 && *z == ' ') {
        z++;
        n--;
    }
    bool spoken = item->tag[0] == 'S' || item->tag[0] == 'C';
    if (spoken && n >= 3 && memcmp(z + n - 3, ELLIPSIS, 3) == 0) {
        item->tail = true;
        n -= 3;
    }
    item->text = copy_z(z, n);
    if (!known_tag(item->tag)) {
        return complain(c, line, "unknown tag");
    }
    if (item->tag[0] == 'L' || item->tag[0] == 'O') {
        const char *at = item->text;
        const char *why = text_unquote(&item->octets, &at);
        if (why == NULL && *at != '\0') {
            why = "something behind the octets";
        }
        return why == NULL || complain(c, line, why);
    }
    return true;
}

static bool add_line(chat *c, const char *z, size_t n, unsigned line)
{
    if (line == 1) {
        if (n < 3 || z[0] != '#') {
            return complain(c, 1, "the first line tells what is proved: # …");
        }
        c->what = copy_z(z + 2, n - 2);
        return true;
    }
    if (n == 0 || z[0] == '#') {
        return true;
    }
    if (z[0] == '@') {
        return n > 2 ? add_setting(c, z + 2, n - 2, line)
                     : complain(c, line, "@ key value");
    }
    return add_item(c, z, n, line);
}

static bool read_file(const char *path, text *out)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return false;
    }
    char block[4096];
    size_t n;
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        text_add(out, block, n);
    }
    fclose(f);
    return true;
}

bool chat_load(chat *c, const char *path)
{
    memset(c, 0, sizeof *c);
    c->path = path;
    text all = {0};
    bool fine = read_file(path, &all);
    unsigned line = 1;
    for (size_t at = 0; fine && at < all.len; line++) {
        const char *end = memchr(all.ptr + at, '\n', all.len - at);
        size_t n = end == NULL ? all.len - at : (size_t)(end - all.ptr) - at;
        fine = add_line(c, all.ptr + at, n, line);
        at += n + 1;
    }
    text_free(&all);
    if (fine && (c->roles == 0 || c->item_count == 0)) {
        fine = complain(c, line, "no @ role, or nothing is said");
    }
    return fine;
}

void chat_free(chat *c)
{
    for (size_t i = 0; i < c->setting_count; i++) {
        free(c->settings[i].text);
    }
    for (size_t i = 0; i < c->item_count; i++) {
        free(c->items[i].text);
        text_free(&c->items[i].octets);
    }
    free(c->settings);
    free(c->items);
    free(c->what);
}

chat_kind chat_kind_of(const chat_item *item, chat_role role)
{
    char first = item->tag[0];
    char whose = item->tag[1];
    char mine = role == CHAT_SERVER ? 'S' : 'C';
    if (strcmp(item->tag, "TLS") == 0) {
        return CHAT_TLS;
    }
    if (whose != '\0' && whose != mine) {
        return CHAT_SKIP;
    }
    switch (first) {
    case 'C':
    case 'S':
        return first == mine ? CHAT_OUTPUT : CHAT_INPUT;
    case 'L':
        return CHAT_INPUT;
    case 'O':
        return CHAT_OUTPUT;
    case 'E':
        return CHAT_EVENT;
    case 'A':
        return CHAT_ACTION;
    case 'T':
        return CHAT_CLOCK;
    case 'P':
        return CHAT_PEER;
    case 'D':
        return CHAT_DUE;
    default:
        return CHAT_END;
    }
}

void chat_octets(const chat_item *item, text *out)
{
    if (item->tag[0] == 'L') {
        text_str(out, text_view(&item->octets));
    } else {
        text_z(out, item->text);
        text_z(out, "\r\n");
    }
}

const char *chat_setting(const chat *c, const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < c->setting_count; i++) {
        const char *z = c->settings[i].text;
        if (strncmp(z, key, n) == 0 && (z[n] == ' ' || z[n] == '\0')) {
            return z[n] == ' ' ? z + n + 1 : z + n;
        }
    }
    return NULL;
}
