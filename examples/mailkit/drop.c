/* SPDX-License-Identifier: MIT
 *
 * drop.c: see drop.h. What a server has said is escaped before it is printed.
 * Messages that nothing was done with are only counted. An id is remembered
 * while its message is here and may still be on the server, not longer.
 */
#include "drop.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool drop_make(drop *d, uint32_t count, uint64_t octets)
{
    d->rows = calloc(count, sizeof *d->rows);
    d->count = d->rows != NULL ? count : 0;
    d->octets = octets;
    return d->rows != NULL;
}

void drop_fini(drop *d)
{
    uint32_t i;

    for (i = 0; i < d->count; i++) {
        free(d->rows[i].text);
    }
    free(d->rows);
    d->rows = NULL;
    d->count = 0;
}

typedef struct named {
    mk_str id; /* first, for tool_by_octets */
    uint32_t row;
} named;

bool drop_find_twins(drop *d)
{
    named *ids = calloc((size_t)d->count + 1, sizeof *ids);
    uint32_t i;

    if (ids == NULL) {
        return false;
    }
    for (i = 0; i < d->count; i++) {
        ids[i] = (named){mk_str_of(d->rows[i].uid, d->rows[i].uid_len), i};
    }
    qsort(ids, d->count, sizeof *ids, tool_by_octets);
    for (i = 1; i < d->count; i++) {
        if (tool_by_octets(&ids[i - 1], &ids[i]) == 0) {
            d->rows[ids[i - 1].row].is_twin = true;
            d->rows[ids[i].row].is_twin = true;
        }
    }
    free(ids);
    return true;
}

void drop_set(drop *d, uint32_t number, drop_state state, mk_str text)
{
    drop_row *row = &d->rows[number - 1];

    row->state = state;
    free(row->text);
    row->text_len = 0;
    row->text = text.len > 0 ? malloc(text.len) : NULL;
    if (row->text != NULL) {
        memcpy(row->text, text.ptr, text.len);
        row->text_len = text.len;
    }
}

void drop_break(drop *d, int code)
{
    d->broken = d->broken == 0 ? code : d->broken;
}

static bool is_gone(const drop *d, const drop_row *row)
{
    return row->is_marked && d->is_updated;
}

/* NULL: not worth a line. */
static const char *verdict(const drop *d, const drop_row *row)
{
    switch (row->state) {
    case DROP_FETCHED:
        return is_gone(d, row) ? "fetched" : "kept";
    case DROP_SEEN:
        return is_gone(d, row) ? "deleted" : NULL;
    case DROP_LARGE:
        return "large";
    case DROP_FAILED:
        return "failed";
    default:
        return NULL;
    }
}

static mk_str uid_of(const drop_row *row)
{
    return row->uid_len > 0 ? mk_str_of(row->uid, row->uid_len) : mk_str_z("-");
}

static void print_line(const drop *d, const drop_row *row)
{
    tool_print_escaped(stdout, uid_of(row));
    printf("\t%" PRIu64 "\t%s\t", row->octets, verdict(d, row));
    tool_print_escaped(stdout, row->text_len > 0
                                   ? mk_str_of(row->text, row->text_len)
                                   : mk_str_z("-"));
    putchar('\n');
}

static void print_object(const drop *d, const drop_row *row, bool is_first)
{
    fputs(is_first ? "\n    {\"uid\": " : ",\n    {\"uid\": ", stdout);
    if (row->uid_len > 0) {
        tool_print_json(stdout, uid_of(row));
    } else {
        fputs("null", stdout);
    }
    printf(", \"octets\": %" PRIu64 ", \"verdict\": \"%s\", \"text\": ",
           row->octets, verdict(d, row));
    tool_print_json(stdout, mk_str_of(row->text, row->text_len));
    putchar('}');
}

static void print_head(const drop *d, int code, const uint32_t *counts)
{
    uint32_t gone = 0;
    uint32_t i;

    for (i = 0; i < d->count; i++) {
        gone += is_gone(d, &d->rows[i]) ? 1 : 0;
    }
    printf("{\"exit\": %d, \"found\": %" PRIu32 ", \"fetched\": %" PRIu32
           ", \"deleted\": %" PRIu32 ", \"seen\": %" PRIu32
           ", \"large\": %" PRIu32 ", \"failed\": %" PRIu32
           ", \"left\": %" PRIu32 ", \"tls\": ",
           code, d->count, counts[DROP_FETCHED], gone, counts[DROP_SEEN],
           counts[DROP_LARGE], counts[DROP_FAILED],
           counts[DROP_LEFT] + counts[DROP_ASKED] + counts[DROP_HERE]);
    tool_print_session(d->tls, d->login);
    fputs(", \"messages\": [", stdout);
}

static int exit_code(const drop *d, const uint32_t *counts)
{
    return d->broken != 0                           ? d->broken
           : !d->is_over || counts[DROP_FAILED] > 0 ? TOOL_TEMPFAIL
                                                    : TOOL_OK;
}

int drop_print(const drop *d, bool is_json)
{
    uint32_t counts[DROP_STATES] = {0};
    bool is_first = true;
    uint32_t i;
    int code;

    for (i = 0; i < d->count; i++) {
        counts[d->rows[i].state]++;
    }
    code = exit_code(d, counts);
    if (is_json) {
        print_head(d, code, counts);
    }
    for (i = 0; i < d->count; i++) {
        const drop_row *row = &d->rows[i];
        if (verdict(d, row) == NULL) {
            continue;
        }
        if (is_json) {
            print_object(d, row, is_first);
        } else {
            print_line(d, row);
        }
        is_first = false;
    }
    if (is_json) {
        fputs("\n]}\n", stdout);
    }
    return tool_close_output(code);
}

void drop_put_ids(const void *self, FILE *to)
{
    const drop *d = self;
    uint32_t i;

    for (i = 0; i < d->count; i++) {
        const drop_row *row = &d->rows[i];
        bool is_here = row->state == DROP_FETCHED || row->state == DROP_SEEN;
        if (is_here && row->uid_len > 0 && !row->is_twin && !is_gone(d, row)) {
            fwrite(row->uid, 1, row->uid_len, to);
            putc('\n', to);
        }
    }
}
