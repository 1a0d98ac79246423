/* SPDX-License-Identifier: MIT
 *
 * script.c: the octets of a fuzz input as a script, see fuzz.h. Any octets
 * are a valid script: an unknown control is a turn, a missing number is 0.
 * The promises that all targets check stand here too.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_promise(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "broken promise: %s\n", what);
        abort();
    }
}

bool fuzz_is_clean(mk_str s, bool open)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\0' || (c == '\n' && (i == 0 || s.ptr[i - 1] != '\r'))) {
            return false;
        }
        if (c == '\r' && i + 1 == s.len) {
            return open;
        }
        if (c == '\r' && s.ptr[i + 1] != '\n') {
            return false;
        }
    }
    return true;
}

void fuzz_same(const text *a, const text *b, const char *what)
{
    if (!text_same(a, b)) {
        fprintf(stderr, "---- one\n%s\n---- other\n%s\n", text_c(a), text_c(b));
        fuzz_promise(false, what);
    }
}

static uint8_t take(fuzz_script *s)
{
    uint8_t c = 0;
    if (s->left > 0) {
        c = *s->at++;
        s->left--;
    }
    return c;
}

mk_str fuzz_octets(fuzz_script *s)
{
    size_t n = 0;
    if (s->literal) {
        s->literal = false;
        n = 1;
    }
    while (n < s->left && s->at[n] != 0xFF) {
        n++;
    }
    mk_str run = mk_str_of((const char *)s->at, n);
    s->at += n;
    s->left -= n;
    return run;
}

bool fuzz_next(fuzz_script *s, fuzz_control *out, uint8_t *out_n)
{
    static const struct {
        char letter;
        fuzz_control control;
        bool number;
    } table[] = {
        {'S', FUZZ_SOME, true},    {'C', FUZZ_CLOCK, true},
        {'D', FUZZ_DUE, false},    {'E', FUZZ_EOF, false},
        {'X', FUZZ_CUT, false},    {'F', FUZZ_FINISH, false},
        {'P', FUZZ_POLICY, true},  {'A', FUZZ_ANSWER, false},
        {'K', FUZZ_CANCEL, false}, {'B', FUZZ_BODY, true},
        {'H', FUZZ_HURRY, true},
    };
    if (s->left == 0) {
        return false;
    }
    (void)take(s); /* 0xFF */
    *out = FUZZ_TURN;
    *out_n = 0;
    if (s->left > 0 && s->at[0] == 0xFF) {
        s->literal = true;
        *out = FUZZ_LITERAL;
        return true;
    }
    char letter = (char)take(s);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].letter == letter) {
            *out = table[i].control;
            *out_n = table[i].number ? take(s) : 0;
        }
    }
    return true;
}
