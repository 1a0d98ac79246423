/* SPDX-License-Identifier: MIT
 *
 * fuzz_framer.c: the framer in all its modes against a reference that sees
 * the whole stream at once: where a dot-body ends and what it holds without
 * its stuffing (RFC 5321 4.5.2), where a line ends. Cut in any way it must
 * tell the same units (Law 4) and leave no more than it said it needs.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/frame.h"

enum { HEADER = 4, MODES = FRAME_TEXT + 1 };

typedef struct seen {
    text units;
    text data;
    uint64_t consumed;
    size_t left;
    unsigned defects;
    bool ended;
} seen;

static void note(seen *s, const mk_framer *f, const frame_unit *u)
{
    if (u->kind == FRAME_KIND_DATA) {
        fuzz_promise(u->data.len > 0, "a run has octets");
        text_str(&s->data, u->data);
        return;
    }
    text_z(&s->units, "unit ");
    text_u64(&s->units, (uint64_t)u->kind);
    text_z(&s->units, u->bare ? " bare at " : " at ");
    text_u64(&s->units, f->consumed);
    text_quoted(&s->units, text_view(&s->data));
    text_quoted(&s->units, u->data);
    text_z(&s->units, "\n");
    text_clear(&s->data);
    s->ended = u->kind == FRAME_KIND_END || u->kind == FRAME_KIND_FLOOD;
}

static void run(seen *s, const uint8_t *data, size_t size, size_t chunk)
{
    static const uint32_t lines[] = {16, 64, 512, 2};
    mk_framer f;
    frame_unit u;
    text held = {0};
    frame_mode mode = (frame_mode)(data[0] % MODES);
    memset(s, 0, sizeof *s);
    text_z(&s->data, "");
    mk_framer_init(&f, lines[data[1] & 3], lines[(data[1] >> 2) & 3],
                   lines[(data[1] >> 4) & 3]);
    if (mode == FRAME_TEXT) {
        mk_framer_text(&f, data[3], true, false); /* the first of two parts */
    } else {
        mk_framer_mode(&f, mode, data[3]);
    }
    bool is_last = mode != FRAME_TEXT;
    uint8_t left = data[3];
    f.repair = (data[1] & 64) != 0;
    data += HEADER;
    size -= HEADER;
    do {
        size_t n = chunk > 0 && chunk < size ? chunk : size;
        text_add(&held, data, n);
        data += n;
        size -= n;
        char *exact = malloc(held.len);
        if (held.len > 0) {
            memcpy(exact, held.ptr, held.len);
        }
        mk_str in = mk_str_of(exact, held.len);
        while (!s->ended && mk_framer_next(&f, &in, &u) == MK_OK) {
            note(s, &f, &u);
            if (s->ended && !is_last) {
                mk_framer_text(&f, left, false, true);
                is_last = true;
                s->ended = false;
            }
        }
        fuzz_promise(s->ended || in.len <= mk_framer_need(&f),
                     "no more is left than is needed");
        text_drop(&held, held.len - in.len);
        free(exact);
    } while (size > 0 && !s->ended);
    s->consumed = f.consumed;
    s->defects = f.defects;
    s->left = held.len;
    text_free(&held);
}

/* A dot-body as a whole: what is it, and where is its end? The reference
 * takes no part in repairing: it looks at clean streams only. */
static void check_dot(const uint8_t *data, size_t size, const seen *s)
{
    text plain = {0};
    bool bol = true;
    bool found = false;
    const char *z = (const char *)data;
    text_z(&plain, "");
    for (size_t i = 0; i < size && !found; i++) {
        bool pair = z[i] == '\r' && i + 1 < size && z[i + 1] == '\n';
        if (z[i] == '\0' || z[i] == '\n' || (z[i] == '\r' && !pair)) {
            text_free(&plain);
            return;
        }
        if (bol && z[i] == '.') {
            found = size - i >= 3 && memcmp(z + i, ".\r\n", 3) == 0;
            bol = false;
            continue;
        }
        text_add(&plain, z + i, pair ? 2 : 1);
        i += pair ? 1 : 0;
        bol = pair;
    }
    fuzz_promise(found == s->ended, "the end is where CRLF.CRLF is");
    if (found) {
        fuzz_promise((s->defects & FRAME_DEFECT_BARE) == 0, "it was clean");
        text quoted = {0};
        text_quoted(&quoted, text_view(&plain));
        fuzz_promise(strstr(text_c(&s->units), text_c(&quoted)) != NULL,
                     "the body without its stuffing");
        text_free(&quoted);
    }
    text_free(&plain);
}

static void free_seen(seen *s)
{
    text_free(&s->units);
    text_free(&s->data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    seen whole;
    seen cut;
    if (size < HEADER) {
        return 0;
    }
    run(&whole, data, size, 0);
    size_t chunks[] = {1, data[2]};
    for (size_t i = 0; i < 2; i++) {
        run(&cut, data, size, chunks[i]);
        fuzz_same(&whole.units, &cut.units, "the same units (Law 4)");
        fuzz_same(&whole.data, &cut.data, "the same data (Law 4)");
        fuzz_promise(whole.consumed == cut.consumed, "the same consumed");
        fuzz_promise(whole.defects == cut.defects, "the same defects");
        free_seen(&cut);
    }
    if (data[0] % MODES == FRAME_DOT) {
        if ((data[1] & 64) != 0) {
            fuzz_promise(fuzz_is_clean(text_view(&whole.data), true),
                         "repaired is clean");
        }
        check_dot(data + HEADER, size - HEADER, &whole);
    }
    free_seen(&whole);
    return 0;
}
