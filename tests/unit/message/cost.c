/* SPDX-License-Identifier: MIT
 *
 * cost.c: see cost.h. The library is built with -fsanitize-coverage=trace-pc,
 * which calls the counter below at each basic block, and linked with --wrap for
 * the functions that go over octets unseen by it. This file is not.
 */
#include "cost.h"

#include <mailkit/envelope.h>
#include <mailkit/header.h>

#include <stdlib.h>
#include <string.h>

static uint64_t steps;

uint64_t cost_steps(void)
{
    return steps;
}

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

void *__real_memcpy(void *to, const void *from, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n)
{
    steps += n;
    return __real_memcpy(to, from, n);
}

void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n)
{
    steps += n;
    return __real_memmove(to, from, n);
}

void *__real_memset(void *to, int octet, size_t n);
void *__wrap_memset(void *to, int octet, size_t n);
void *__wrap_memset(void *to, int octet, size_t n)
{
    steps += n;
    return __real_memset(to, octet, n);
}

int __real_memcmp(const void *a, const void *b, size_t n);
int __wrap_memcmp(const void *a, const void *b, size_t n);
int __wrap_memcmp(const void *a, const void *b, size_t n)
{
    steps += n;
    return __real_memcmp(a, b, n);
}

void *__real_memchr(const void *s, int octet, size_t n);
void *__wrap_memchr(const void *s, int octet, size_t n);
void *__wrap_memchr(const void *s, int octet, size_t n)
{
    char *found = __real_memchr(s, octet, n);
    steps += found == NULL ? n : (size_t)(found - (const char *)s) + 1;
    return found;
}

/* ---- every way to read --------------------------------------------------- */

static void saw(cost *c, const mk_defects *list)
{
    c->told += list->count + list->dropped;
    for (size_t i = 0; i < MK_DEFECT_GROUPS; i++) {
        c->defects.seen[i] |= list->seen[i];
    }
}

/* What is left, and the next piece behind it. */
static void add_piece(mk_str message, size_t piece, mk_str *io_in)
{
    size_t there = (size_t)(io_in->ptr + io_in->len - message.ptr);
    size_t more = message.len - there;
    io_in->len += more < piece ? more : piece;
}

static bool is_all(mk_str message, mk_str in)
{
    return in.ptr + in.len == message.ptr + message.len;
}

static uint64_t stream(mk_str message, size_t piece)
{
    size_t need = mk_message_need(NULL);
    void *block = malloc(need);
    mk_message *m = NULL;
    mk_message_event ev;
    uint64_t events = 0;
    mk_err err = mk_message_open(NULL, block, need, &m);
    mk_str in = {message.ptr, 0};
    while (err == MK_OK || err == MK_WAIT) {
        if (err == MK_WAIT) {
            add_piece(message, piece, &in);
        }
        if (is_all(message, in)) {
            mk_message_in_eof(m);
        }
        err = mk_message_step(m, &in, &ev);
        events += err == MK_OK ? 1 : 0;
    }
    free(block);
    return events;
}

static void recode(mk_str message, size_t piece)
{
    char mem[4096];
    size_t need = mk_recode_need(NULL);
    void *block = malloc(need);
    mk_recode *r = NULL;
    mk_err err = mk_recode_open(NULL, block, need, &r);
    mk_str in = {message.ptr, 0};
    while (err == MK_OK || err == MK_WAIT || err == MK_E_ROOM) {
        mk_buf out;
        if (err == MK_WAIT) {
            add_piece(message, piece, &in);
        }
        if (is_all(message, in)) {
            mk_recode_in_eof(r);
        }
        mk_buf_init(&out, mem, sizeof mem);
        err = mk_recode_step(r, &in, &out);
    }
    free(block);
}

uint64_t cost_of_pieces(mk_str message, size_t piece)
{
    uint64_t before = steps;
    (void)stream(message, piece);
    recode(message, piece);
    return steps - before;
}

static void fresh(mk_buf *b)
{
    mk_buf_init(b, b->ptr, b->max);
}

static void read_addresses(mk_str value, mk_buf *b, mk_defects *told)
{
    mk_addresses it;
    mk_address a;
    mk_addresses_init(&it, MK_FIELD_FROM, value, told);
    while (mk_addresses_next(&it, &a)) {
        fresh(b);
        (void)mk_address_name_decode(&a, NULL, b, told);
        (void)mk_address_is_deceptive(mk_buf_str(b), a.raw, told);
        fresh(b);
        (void)mk_address_comments_decode(&a, NULL, b, told);
        (void)mk_address_spec_format(&a, b);
    }
}

static void read_params(mk_str value, mk_buf *b, mk_defects *told)
{
    mk_param items[MK_PARAM_COUNT_MAX];
    mk_params p;
    mk_params_parse(value, items, MK_PARAM_COUNT_MAX, &p, told);
    for (uint32_t i = 0; i < p.count; i++) {
        if ((items[i].flags & MK_PARAM_FIRST) != 0) {
            fresh(b);
            (void)mk_params_decode(&p, items[i].name, NULL, b, told);
        }
    }
}

static void read_lists(mk_str value, mk_buf *b, mk_defects *told)
{
    mk_msgids ids;
    mk_auth_results results;
    mk_auth_item item;
    mk_list_uris uris;
    mk_str one, name;
    mk_msgids_init(&ids, value, told);
    while (mk_msgids_next(&ids, &one)) {
        fresh(b);
        (void)mk_msgid_format(one, b);
    }
    mk_auth_results_init(&results, value, told);
    while (mk_auth_results_next(&results, &item)) {
    }
    mk_list_uris_init(&uris, value, told);
    while (mk_list_uris_next(&uris, &one)) {
    }
    (void)mk_list_id_read(value, told, &name, &one);
}

static void read_field(mk_str value, mk_buf *b, mk_defects *told)
{
    mk_date date;
    mk_received hop;
    mk_address path;
    bool is_reply;
    read_addresses(value, b, told);
    read_params(value, b, told);
    read_lists(value, b, told);
    fresh(b);
    (void)mk_words_decode(value, NULL, b, told);
    fresh(b);
    (void)mk_subject_base(value, NULL, b, &is_reply);
    fresh(b);
    (void)mk_field_unfold(value, b);
    (void)mk_date_read(value, told, &date);
    (void)mk_received_read(value, told, &hop);
    (void)mk_path_read(value, told, &path);
}

static void read_part(const mk_view *v, uint32_t part, mk_buf *b)
{
    mk_structure structure;
    mk_envelope envelope;
    mk_references references;
    mk_str id;
    (void)mk_structure_read(v, part, &structure);
    (void)mk_envelope_read(v, part, &envelope);
    mk_references_init(&references, v, part);
    while (mk_references_next(&references, &id)) {
    }
    if (v->parts[part].part.kind == MK_PART_LEAF) {
        (void)mk_view_decoded_length(v, part);
        fresh(b);
        (void)mk_view_text(v, part, NULL, b, NULL, NULL);
    }
}

static void view(mk_str message, cost *c, mk_buf *b)
{
    size_t need = mk_view_need(NULL);
    void *block = NULL;
    mk_view v;
    for (int i = 0; i < 2; i++) {
        free(block);
        block = malloc(need);
        (void)mk_view_open(message, NULL, block, need, &v);
        need = v.need;
    }
    mk_defects told;
    mk_defects_init(&told, NULL, 0);
    for (uint32_t i = 0; i < v.field_count; i++) {
        read_field(v.fields[i].value, b, &told);
    }
    for (uint32_t i = 0; i < v.part_count; i++) {
        read_part(&v, i, b);
    }
    c->parts = v.part_count;
    c->fields = v.field_count;
    saw(c, v.defects);
    saw(c, &told);
    free(block);
}

void cost_of(mk_str message, cost *out)
{
    size_t room = 3 * message.len + 64;
    char *mem = malloc(room);
    mk_buf b;
    memset(out, 0, sizeof *out);
    mk_buf_init(&b, mem, room);
    uint64_t before = steps;
    out->events = stream(message, 1024);
    recode(message, 1024);
    view(message, out, &b);
    out->steps = steps - before;
    free(mem);
}
