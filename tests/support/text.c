/* SPDX-License-Identifier: MIT
 *
 * text.c: the growing octet string of the tests, and the C-escaped notation
 * that dialogues and traces share ("a\r\n" x3 "b"). Refuses nothing but a
 * malformed escape; memory running out ends the test.
 */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(text *t, const void *octets, size_t n)
{
    if (t->len + n + 1 > t->room) {
        size_t room = (t->len + n + 1) * 2;
        char *ptr = realloc(t->ptr, room);
        if (ptr == NULL) {
            fputs("out of memory\n", stderr);
            abort();
        }
        t->ptr = ptr;
        t->room = room;
    }
    if (n > 0) {
        memcpy(t->ptr + t->len, octets, n);
    }
    t->len += n;
    t->ptr[t->len] = '\0';
}

void text_z(text *t, const char *z)
{
    text_add(t, z, strlen(z));
}

void text_str(text *t, mk_str s)
{
    text_add(t, s.ptr, s.len);
}

void text_u64(text *t, uint64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    text_add(t, digits, (size_t)n);
}

static void add_escaped(text *t, unsigned char c)
{
    char hex[8];
    switch (c) {
    case '\r':
        text_z(t, "\\r");
        break;
    case '\n':
        text_z(t, "\\n");
        break;
    case '\t':
        text_z(t, "\\t");
        break;
    case '"':
        text_z(t, "\\\"");
        break;
    case '\\':
        text_z(t, "\\\\");
        break;
    default:
        if (c < 0x20 || c > 0x7E) {
            snprintf(hex, sizeof hex, "\\x%02X", (unsigned)c);
            text_z(t, hex);
        } else {
            text_add(t, &c, 1);
        }
    }
}

void text_quoted(text *t, mk_str s)
{
    text_z(t, "\"");
    for (size_t i = 0; i < s.len; i++) {
        add_escaped(t, (unsigned char)s.ptr[i]);
    }
    text_z(t, "\"");
}

void text_drop(text *t, size_t n)
{
    if (n == 0) {
        return;
    }
    if (n > t->len) {
        n = t->len;
    }
    memmove(t->ptr, t->ptr + n, t->len - n);
    t->len -= n;
    t->ptr[t->len] = '\0';
}

void text_clear(text *t)
{
    t->len = 0;
    if (t->ptr != NULL) {
        t->ptr[0] = '\0';
    }
}

void text_free(text *t)
{
    free(t->ptr);
    memset(t, 0, sizeof *t);
}

const char *text_c(const text *t)
{
    return t->ptr == NULL ? "" : t->ptr;
}

mk_str text_view(const text *t)
{
    return mk_str_of(t->ptr, t->len);
}

bool text_same(const text *a, const text *b)
{
    return a->len == b->len &&
           (a->len == 0 || memcmp(a->ptr, b->ptr, a->len) == 0);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

/* one escape behind the backslash at *io_z; false when malformed */
static bool escape(const char **io_z, char *out)
{
    const char *z = *io_z;
    static const char names[] = "rnt0\"\\";
    static const char values[] = "\r\n\t\0\"\\";
    if (*z == 'x') {
        int high = hex_value(z[1]);
        int low = high < 0 ? -1 : hex_value(z[2]);
        if (low < 0) {
            return false;
        }
        *out = (char)(unsigned char)(high * 16 + low);
        *io_z = z + 3;
        return true;
    }
    const char *at = *z == '\0' ? NULL : strchr(names, *z);
    if (at == NULL) {
        return false;
    }
    *out = values[at - names];
    *io_z = z + 1;
    return true;
}

static const char *one_quoted(text *t, const char **io_z)
{
    const char *z = *io_z + 1;
    while (*z != '"') {
        char c = *z;
        if (c == '\0') {
            return "no closing quote";
        }
        z++;
        if (c == '\\' && !escape(&z, &c)) {
            return "unknown escape";
        }
        text_add(t, &c, 1);
    }
    *io_z = z + 1;
    return NULL;
}

const char *text_unquote(text *t, const char **io_z)
{
    const char *z = *io_z;
    for (;;) {
        while (*z == ' ') {
            z++;
        }
        *io_z = z;
        if (*z != '"') {
            return NULL;
        }
        text one = {0};
        text_z(&one, "");
        const char *why = one_quoted(&one, &z);
        unsigned long times = 1;
        if (why == NULL && z[0] == 'x' && z[1] >= '0' && z[1] <= '9') {
            char *end;
            times = strtoul(z + 1, &end, 10);
            z = end;
        }
        while (why == NULL && times-- > 0) {
            text_add(t, one.ptr, one.len);
        }
        text_free(&one);
        if (why != NULL) {
            return why;
        }
    }
}
