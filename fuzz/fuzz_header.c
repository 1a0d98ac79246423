/* SPDX-License-Identifier: MIT
 *
 * fuzz_header.c: the values of header fields, read from any octets: views stay
 * within the text and move on, fields tile the header, what is shown is UTF-8
 * without controls, a valid address written plainly is the same address when
 * it is read again, and what is encoded decodes to itself. Also base subjects,
 * text that flows and labels of character sets.
 */
#include <mailkit/envelope.h>
#include <mailkit/header.h>
#include <mailkit/message.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { DEFECTS = 16 };

typedef enum kind {
    FIELDS,
    ADDRESSES,
    WORDS,
    ENCODE,
    PHRASE,
    PARAMS,
    DATE,
    MSGIDS,
    PATH,
    RECEIVED,
    RESULTS,
    URIS,
    LIST_ID,
    SUBJECT,
    FLOWED,
    LABEL,
    KINDS
} kind;

typedef struct run {
    mk_str in;
    mk_defect room[DEFECTS];
    mk_defects defects;
    char *mem; /* three octets for one, and some */
    size_t max;
    mk_buf out;
} run;

static void within(const run *r, mk_str part)
{
    fuzz_promise(part.len == 0 ||
                     (part.ptr >= r->in.ptr &&
                      part.ptr + part.len <= r->in.ptr + r->in.len),
                 "a view within the text");
}

/* UTF-8 without controls but HTAB. */
static void is_shown(mk_str s)
{
    uint64_t faults = 0;
    char *mem = malloc(s.len * 3 + 1);
    mk_buf b;
    mk_buf_init(&b, mem, s.len * 3 + 1);
    (void)mk_charset_convert(MK_CHARSET_UTF_8, NULL, s, &b, &faults);
    fuzz_promise(faults == 0, "UTF-8");
    free(mem);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        fuzz_promise((c >= 0x20 || c == '\t') && c != 0x7F, "no control");
    }
}

static mk_buf *fresh(run *r)
{
    mk_buf_init(&r->out, r->mem, r->max);
    return &r->out;
}

static void fields(run *r)
{
    mk_fields it;
    mk_field f, again;
    uint64_t at = 0;
    mk_fields_init(&it, r->in, &r->defects);
    while (mk_fields_next(&it, &f)) {
        fuzz_promise(f.offset == at && f.length > 0, "fields that tile");
        at += f.length;
        within(r, f.name);
        within(r, f.value);
        within(r, mk_field_trim(f.value));
        fuzz_promise(mk_field_unfold(f.value, fresh(r)) == MK_OK, "room");
        fuzz_promise(!mk_str_has_ctl(mk_buf_str(&r->out)), "one line");
        if (f.id != MK_FIELD_OTHER) {
            fuzz_promise(mk_str_is_nocase(f.name, mk_field_name(f.id)),
                         "the name that is known");
        }
    }
    fuzz_promise(it.at <= r->in.len && it.at >= at, "the body behind it");
    mk_fields_init(&it, r->in, NULL);
    it.max_count = 2;
    it.max_field_bytes = 8;
    while (mk_fields_next(&it, &again)) {
        fuzz_promise(again.value.len <= 8, "a value that is cut");
    }
}

/* Written plainly and read again. */
static void same_address(const run *r, const mk_address *a)
{
    mk_addresses it;
    mk_address b;
    char *mem = malloc(4 * r->in.len + 8);
    mk_buf out, one, two;
    size_t half = 2 * r->in.len + 4;
    mk_buf_init(&one, mem, half);
    mk_buf_init(&two, mem + half, half);
    out = r->out;
    mk_addresses_init(&it, MK_FIELD_TO, mk_buf_str(&out), NULL);
    fuzz_promise(mk_addresses_next(&it, &b), "an address again");
    fuzz_promise((b.flags & (MK_ADDRESS_INVALID | MK_ADDRESS_SPACED)) == 0,
                 "a plain one");
    (void)mk_address_local_part(a, &one);
    (void)mk_address_local_part(&b, &two);
    fuzz_promise(mk_str_is(mk_buf_str(&one), mk_buf_str(&two)),
                 "the same local-part");
    fuzz_promise(!mk_addresses_next(&it, &b), "one address alone");
    free(mem);
}

/* Controls within a quoted string or a literal are shown, not written; folds
 * are neither. */
static bool is_writable(mk_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 || c == 0x7F) && strchr("\t\r\n", c) == NULL) {
            return false;
        }
        if (c == '\\' && i + 1 < s.len && (unsigned char)s.ptr[i + 1] < 0x20) {
            return false;
        }
        if (c == 0xC2 && i + 1 < s.len && (unsigned char)s.ptr[i + 1] < 0xA0) {
            return false;
        }
    }
    return true;
}

static void addresses(run *r, uint8_t id)
{
    mk_addresses it;
    mk_address a;
    int depth = 0;
    mk_addresses_init(&it, (mk_field_id)id, r->in, &r->defects);
    while (mk_addresses_next(&it, &a)) {
        within(r, a.raw);
        within(r, a.name);
        within(r, a.route);
        within(r, a.local_part);
        within(r, a.domain);
        depth += a.kind == MK_ADDRESS_GROUP ? 1 : 0;
        depth -= a.kind == MK_ADDRESS_GROUP_END ? 1 : 0;
        fuzz_promise(depth == 0 || depth == 1, "groups that end");
        (void)mk_address_name_decode(&a, NULL, fresh(r), NULL);
        is_shown(mk_buf_str(&r->out));
        (void)mk_address_comments_decode(&a, NULL, fresh(r), NULL);
        is_shown(mk_buf_str(&r->out));
        fuzz_promise(mk_address_spec_format(&a, fresh(r)) == MK_OK, "room");
        is_shown(mk_buf_str(&r->out));
        (void)mk_address_is_deceptive(a.name, mk_buf_str(&r->out), NULL);
        if (a.kind == MK_ADDRESS_MAILBOX && is_writable(a.local_part) &&
            is_writable(a.domain) && (a.flags & MK_ADDRESS_INVALID) == 0) {
            same_address(r, &a);
        }
    }
    fuzz_promise(depth == 0, "groups that end");
}

/* Folded or not, it is the same text; NUL and white space within words aside.
 */
static void unfolded(const run *r)
{
    char *mem = malloc(5 * r->in.len + 8);
    mk_buf flat, again;
    mk_buf_init(&flat, mem, r->in.len + 1);
    mk_buf_init(&again, mem + r->in.len + 1, 4 * r->in.len + 4);
    (void)mk_field_unfold(r->in, &flat);
    (void)mk_words_decode(mk_buf_str(&flat), NULL, &again, NULL);
    fuzz_promise(memchr(r->in.ptr, 0, r->in.len) != NULL ||
                     mk_defects_has(&r->defects, MK_DEFECT_WORD_SPACE) ||
                     mk_str_is(mk_buf_str(&again), mk_buf_str(&r->out)),
                 "the same text unfolded");
    free(mem);
}

static void words(run *r, size_t room)
{
    char mem[64];
    mk_buf few;
    fuzz_promise(mk_words_decode(r->in, NULL, fresh(r), &r->defects) == MK_OK,
                 "room");
    is_shown(mk_buf_str(&r->out));
    unfolded(r);
    mk_buf_init(&few, mem, room % sizeof mem);
    (void)mk_words_decode(r->in, NULL, &few, NULL);
    is_shown(mk_buf_str(&few));
    fuzz_promise(mk_str_is(mk_buf_str(&few),
                           mk_str_sub(mk_buf_str(&r->out), 0, few.len)),
                 "a beginning");
}

/* RFC 5322 2.1.1: no line of more than 998 octets. */
static void short_lines(mk_str s, size_t column)
{
    while (s.len > 0) {
        size_t n = mk_str_find(s, '\n');
        fuzz_promise(column + n <= 999, "a line that is short enough");
        s = mk_str_sub(s, n + 1, SIZE_MAX);
        column = 0;
    }
}

static void encode(run *r, size_t column, mk_words_place place)
{
    size_t max = 8 * r->in.len + 64;
    char *mem = malloc(2 * max);
    mk_buf b, back;
    mk_buf_init(&b, mem, max);
    mk_buf_init(&back, mem + max, max);
    if (mk_words_encode(r->in, column, place, &b) == MK_OK) {
        mk_addresses it;
        mk_address a;
        fuzz_promise(fuzz_is_clean(mk_buf_str(&b), false), "whole line ends");
        short_lines(mk_buf_str(&b), column);
        if (place == MK_WORDS_PHRASE && r->in.len > 0) {
            (void)mk_buf_add_z(&b, " <x@y>");
            mk_addresses_init(&it, MK_FIELD_TO, mk_buf_str(&b), NULL);
            fuzz_promise(mk_addresses_next(&it, &a) &&
                             (a.flags & MK_ADDRESS_INVALID) == 0,
                         "a phrase");
            (void)mk_address_name_decode(&a, NULL, &back, NULL);
        } else {
            (void)mk_words_decode(mk_buf_str(&b), NULL, &back, NULL);
        }
        fuzz_promise(mk_str_is(mk_buf_str(&back), r->in), "the same text");
    } else {
        fuzz_promise(b.len == 0, "nothing on failure");
    }
    free(mem);
}

static void params(run *r, uint32_t max)
{
    mk_param items[MK_PARAM_COUNT_MAX];
    mk_params p;
    mk_params_parse(r->in, items, max % (MK_PARAM_COUNT_MAX + 1), &p,
                    &r->defects);
    within(r, p.type);
    within(r, p.subtype);
    for (uint32_t i = 0; i < p.count; i++) {
        within(r, items[i].name);
        within(r, items[i].value);
        fuzz_promise(mk_params_has(&p, items[i].name), "a value");
        within(r, mk_params_language(&p, items[i].name));
        fuzz_promise(mk_params_decode(&p, items[i].name, NULL, fresh(r),
                                      &r->defects) == MK_OK,
                     "room");
        is_shown(mk_buf_str(&r->out));
    }
}

static void date(run *r)
{
    mk_date d, again;
    if (mk_date_read(r->in, &r->defects, &d)) {
        /* A leap second may end the last year. */
        if (mk_date_format(d.utc_s, d.zone_minutes, fresh(r)) == MK_OK) {
            fuzz_promise(mk_date_read(mk_buf_str(&r->out), NULL, &again) &&
                             again.utc_s == d.utc_s,
                         "the same date");
        }
    }
}

static void msgids(run *r)
{
    mk_msgids it;
    mk_str id;
    mk_msgids_init(&it, r->in, &r->defects);
    while (mk_msgids_next(&it, &id)) {
        within(r, id);
        fuzz_promise(id.len > 0, "an identifier");
        fuzz_promise(mk_msgid_format(id, fresh(r)) == MK_OK, "room");
        fuzz_promise(r->out.len <= 3 * id.len, "its short form");
    }
}

static void trace(run *r, kind k)
{
    mk_address a;
    mk_received got;
    if (k == PATH) {
        if (mk_path_read(r->in, &r->defects, &a)) {
            within(r, a.local_part);
            within(r, a.domain);
        }
        return;
    }
    (void)mk_received_read(r->in, &r->defects, &got);
    mk_str parts[] = {got.from_domain, got.from_info, got.by_domain,
                      got.by_info,     got.link,      got.protocol,
                      got.id,          got.for_path};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        within(r, parts[i]);
    }
}

static void results(run *r)
{
    mk_auth_results it;
    mk_auth_item i;
    mk_auth_results_init(&it, r->in, &r->defects);
    within(r, it.server);
    while (mk_auth_results_next(&it, &i)) {
        within(r, i.value);
        within(r, i.property);
        fuzz_promise(i.method.len > 0 && i.result.len > 0, "of a result");
    }
}

static void lists(run *r, kind k)
{
    mk_list_uris it;
    mk_str name, id;
    if (k == LIST_ID) {
        if (mk_list_id_read(r->in, &r->defects, &name, &id)) {
            within(r, name);
            within(r, id);
        }
        return;
    }
    mk_list_uris_init(&it, r->in, &r->defects);
    while (mk_list_uris_next(&it, &id)) {
        within(r, id);
    }
}

static void subject(run *r)
{
    bool is_reply;
    fuzz_promise(mk_subject_base(r->in, NULL, fresh(r), &is_reply) == MK_OK,
                 "room");
    is_shown(mk_buf_str(&r->out));
}

/* In pieces of so many octets, as little room at once. */
static void flow(run *r, bool is_delsp, size_t chunk, text *out)
{
    mk_flowed d;
    mk_str rest = r->in;
    mk_err err = MK_WAIT;
    mk_flowed_init(&d, is_delsp);
    while (rest.len > 0 || err != MK_OK) {
        char mem[16];
        mk_buf b;
        mk_str piece = mk_str_sub(rest, 0, chunk);
        mk_buf_init(&b, mem, chunk < sizeof mem ? chunk : sizeof mem);
        err = piece.len > 0 ? mk_flowed_decode(&d, &piece, &b)
                            : mk_flowed_decode_finish(&d, &b);
        rest = mk_str_sub(rest, (size_t)(piece.ptr - rest.ptr), SIZE_MAX);
        text_str(out, mk_buf_str(&b));
    }
}

static void flowed(run *r, uint8_t setting)
{
    text whole = {0};
    text cut = {0};
    flow(r, (setting & 1) != 0, SIZE_MAX, &whole);
    flow(r, (setting & 1) != 0, 1U + setting / 2U, &cut);
    fuzz_same(&whole, &cut, "the same paragraphs");
    fuzz_promise(whole.len <= r->in.len, "no more than went in");
    text_free(&whole);
    text_free(&cut);
}

static void label(const run *r)
{
    mk_charset c = mk_charset_parse(r->in);
    fuzz_promise(c == MK_CHARSET_NONE ||
                     mk_charset_parse(mk_charset_name(c)) == c,
                 "the name of a set is a label of it");
}

static void read_value(run *r, kind k, uint8_t setting)
{
    switch (k) {
    case FIELDS:
        fields(r);
        break;
    case ADDRESSES:
        addresses(r, setting);
        break;
    case WORDS:
        words(r, setting);
        break;
    case ENCODE:
    case PHRASE:
        encode(r, setting, k == ENCODE ? MK_WORDS_TEXT : MK_WORDS_PHRASE);
        break;
    case PARAMS:
        params(r, setting);
        break;
    case DATE:
        date(r);
        break;
    case MSGIDS:
        msgids(r);
        break;
    case PATH:
    case RECEIVED:
        trace(r, k);
        break;
    case RESULTS:
        results(r);
        break;
    case SUBJECT:
        subject(r);
        break;
    case FLOWED:
        flowed(r, setting);
        break;
    case LABEL:
        label(r);
        break;
    default:
        lists(r, k);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run r = {.max = 3 * size + 64};
    if (size < 2) {
        return 0;
    }
    /* The exact size, so that a step beyond it is seen. */
    char *octets = malloc(size - 2 + (size == 2));
    memcpy(octets, data + 2, size - 2);
    r.in = mk_str_of(octets, size - 2);
    r.mem = malloc(r.max);
    mk_defects_init(&r.defects, r.room, DEFECTS);
    read_value(&r, (kind)(data[0] % KINDS), data[1]);
    for (uint32_t i = 0; i < r.defects.count; i++) {
        fuzz_promise(r.room[i].offset <= r.in.len, "a place in the octets");
        fuzz_promise(mk_defect_name(r.room[i].code)[0] != '?', "a known code");
    }
    free(r.mem);
    free(octets);
    return 0;
}
