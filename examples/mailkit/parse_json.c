/* SPDX-License-Identifier: MIT
 *
 * parse_json.c: a message as one line of JSON (RFC 8259), of the schema that
 * mailkit(1) tells. Whatever the message says, what comes out is JSON and
 * UTF-8. It is written as it is found: nothing of it is kept.
 */
#include "parse.h"

#include "tool.h"

#include <inttypes.h>

static void key(const char *name)
{
    printf(",\"%s\":", name);
}

static void text(mk_str s)
{
    tool_print_json(stdout, s);
}

static void text_or_null(mk_str s)
{
    if (s.ptr == NULL) {
        fputs("null", stdout);
    } else {
        text(s);
    }
}

/* ---- the header ---------------------------------------------------------- */

static void headers(parsed *p)
{
    const mk_view_part *top = &p->view.parts[0];
    fputs("{\"headers\":[", stdout);
    for (uint32_t i = 0; i < top->field_count; i++) {
        const mk_field *f = &p->view.fields[top->first_field + i];
        p->defects.base = f->offset + f->value_at;
        fputs(i > 0 ? ",{\"name\":" : "{\"name\":", stdout);
        text(f->name);
        key("value");
        text(parse_words(p, f->value));
        printf(",\"raw_offset\":%" PRIu64 ",\"raw_length\":%zu}", f->offset,
               f->length);
    }
    putchar(']');
}

/* The name of a group stands at each of its mailboxes, and there may be many:
 * of a long one the beginning. */
enum { GROUP_BYTES = 256 };

typedef struct walk {
    mk_addresses it;
    char group[GROUP_BYTES]; /* that the walk is in */
    size_t group_bytes;
    bool is_first;
} walk;

static void enter_group(parsed *p, walk *w, const mk_address *a)
{
    mk_buf b;
    mk_buf_init(&b, w->group, sizeof w->group);
    (void)mk_address_name_decode(a, p->charsets, &b, NULL);
    w->group_bytes = b.len;
}

static void mailbox(parsed *p, const walk *w, const mk_address *a)
{
    mk_str name = parse_name(p, a);
    fputs("{\"name\":", stdout);
    text_or_null(name.len > 0 ? name : mk_str_of(NULL, 0));
    key("address");
    text(parse_spec(p, a));
    key("group");
    text_or_null(a->in_group ? mk_str_of(w->group, w->group_bytes)
                             : mk_str_of(NULL, 0));
    putchar('}');
}

/* The mailboxes of one field, with commas; at most so many in all. */
static void list_mailboxes(parsed *p, walk *w, uint32_t *io_most)
{
    mk_address a;
    while (mk_addresses_next(&w->it, &a)) {
        if (a.kind == MK_ADDRESS_GROUP) {
            enter_group(p, w, &a);
        } else if (a.kind == MK_ADDRESS_MAILBOX && *io_most > 0) {
            if (!w->is_first) {
                putchar(',');
            }
            w->is_first = false;
            (*io_most)--;
            mailbox(p, w, &a);
            parse_judge(p, &a);
        }
    }
}

/* Of all fields of this name: who shows the first only and who shows the last
 * only are both right (THREATS 61). */
static void mailboxes(parsed *p, mk_field_id id, uint32_t most)
{
    walk w = {.is_first = true};
    mk_str value;
    uint32_t at = 0;
    while (parse_next_value(p, id, &at, &value)) {
        mk_addresses_init(&w.it, id, value, &p->defects);
        list_mailboxes(p, &w, &most);
    }
}

static bool has_mailbox(parsed *p, mk_field_id id)
{
    mk_addresses it;
    mk_address a;
    mk_str value;
    uint32_t at = 0;
    bool found = false;
    while (!found && parse_next_value(p, id, &at, &value)) {
        mk_addresses_init(&it, id, value, NULL);
        while (!found && mk_addresses_next(&it, &a)) {
            found = a.kind == MK_ADDRESS_MAILBOX;
        }
    }
    return found;
}

static void addresses(parsed *p)
{
    static const struct {
        const char *name;
        mk_field_id id;
    } lists[] = {
        {"from", MK_FIELD_FROM},
        {"to", MK_FIELD_TO},
        {"cc", MK_FIELD_CC},
        {"bcc", MK_FIELD_BCC},
        {"reply_to", MK_FIELD_REPLY_TO},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        key(lists[i].name);
        putchar('[');
        mailboxes(p, lists[i].id, UINT32_MAX);
        putchar(']');
    }
    key("sender");
    if (has_mailbox(p, MK_FIELD_SENDER)) {
        mailboxes(p, MK_FIELD_SENDER, 1);
    } else {
        fputs("null", stdout);
    }
}

static void identifiers(parsed *p, const char *name, mk_field_id id,
                        bool is_list)
{
    mk_msgids it;
    mk_str value;
    mk_str one;
    uint32_t count = 0;
    uint32_t at = 0;
    key(name);
    fputs(is_list ? "[" : "", stdout);
    while (parse_next_value(p, id, &at, &value)) {
        mk_msgids_init(&it, value, &p->defects);
        while (mk_msgids_next(&it, &one)) {
            if (count > 0 && is_list) {
                putchar(',');
            }
            if (count == 0 || is_list) {
                text(one);
            }
            count++;
        }
    }
    fputs(is_list ? "]" : count == 0 ? "null" : "", stdout);
}

static void subject_and_date(parsed *p)
{
    mk_str value;
    mk_str s = mk_str_of(NULL, 0);
    mk_date d;
    if (parse_value(p, MK_FIELD_SUBJECT, &value)) {
        s = parse_words(p, value);
    }
    key("subject");
    text_or_null(s);
    key("date");
    if (parse_value(p, MK_FIELD_DATE, &value) &&
        mk_date_read(value, &p->defects, &d)) {
        printf("{\"unix\":%" PRId64 ",\"offset_minutes\":%" PRId32 "}", d.utc_s,
               d.zone_minutes);
    } else {
        fputs("null", stdout);
    }
}

/* ---- the parts ----------------------------------------------------------- */

/* The keys differ: in lower case (RFC 2045 5.1), and a name that is not UTF-8,
 * which might become that of another, is left out. */
static void params_of(parsed *p, mk_str value)
{
    mk_param mem[MK_PARAM_COUNT_MAX];
    mk_params params;
    bool is_first = true;
    mk_params_parse(value, mem, MK_PARAM_COUNT_MAX, &params, NULL);
    for (uint32_t i = 0; i < params.count; i++) {
        if ((mem[i].flags & MK_PARAM_FIRST) == 0 ||
            !tool_is_utf8(mem[i].name)) {
            continue;
        }
        fputs(is_first ? "" : ",", stdout);
        is_first = false;
        text(parse_lower(p, mem[i].name));
        putchar(':');
        text(parse_param(p, &params, mem[i].name));
    }
}

static void type_of(parsed *p, const mk_structure *s)
{
    putchar('"');
    tool_print_json_text(stdout, parse_lower(p, s->type));
    putchar('/');
    tool_print_json_text(stdout, parse_lower(p, s->subtype));
    putchar('"');
}

/* null, "inline", "attachment" … */
static void disposition_of(parsed *p, mk_str value)
{
    mk_params params;
    if (value.ptr == NULL) {
        fputs("null", stdout);
        return;
    }
    mk_params_parse(value, NULL, 0, &params, NULL);
    text(parse_lower(p, params.type));
}

static void digest(parsed *p, uint32_t part)
{
    parse_digest d = {.is_cut = true};
    if (p->view.parts[part].part.kind == MK_PART_LEAF) {
        parse_decode(p, part, &d);
    }
    if (d.is_cut) {
        fputs(",\"decoded_length\":null,\"sha256\":null", stdout);
        return;
    }
    printf(",\"decoded_length\":%" PRIu64 ",\"sha256\":", d.length);
    if (!d.has_hash) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (size_t i = 0; i < mk_hash_size(MK_HASH_SHA256); i++) {
        printf("%02x", d.hash[i]);
    }
    putchar('"');
}

static void part_of(parsed *p, uint32_t number)
{
    const mk_part *part = &p->view.parts[number].part;
    mk_charset charset = (mk_charset)part->charset;
    mk_structure s;
    (void)mk_structure_read(&p->view, number, &s);
    printf("{\"number\":%" PRIu32 ",\"type\":", number);
    type_of(p, &s);
    key("params");
    putchar('{');
    p->defects.base = s.params.ptr == NULL
                          ? 0
                          : (uint64_t)(s.params.ptr - p->view.message.ptr);
    params_of(p, s.params);
    putchar('}');
    key("disposition");
    disposition_of(p, s.disposition);
    key("filename");
    text_or_null(parse_filename(p, number));
    printf(",\"encoding\":\"%s\",\"charset\":", parse_encoding(part));
    text_or_null(charset == MK_CHARSET_NONE ? mk_str_of(NULL, 0)
                                            : mk_charset_name(charset));
    printf(",\"offset\":%" PRIu64 ",\"length\":%" PRIu64, part->body,
           part->end - part->body);
    digest(p, number);
    fputs(",\"children\":[", stdout);
}

/* They stand in the order of their beginning: a tree without recursion. */
static void parts(parsed *p)
{
    uint32_t depth = 0;
    key("parts");
    for (uint32_t i = 0; i < p->view.part_count; i++) {
        uint32_t own = p->view.parts[i].part.depth;
        for (uint32_t k = own; i > 0 && k <= depth; k++) {
            fputs("]}", stdout);
        }
        fputs(i > 0 && own <= depth ? "," : "", stdout);
        depth = own;
        part_of(p, i);
    }
    for (uint32_t k = 0; k <= depth; k++) {
        fputs("]}", stdout);
    }
}

/* The parts of a use and media type, one behind the other. */
static void body(parsed *p, const char *name, mk_use use, mk_media media)
{
    uint32_t i = MK_PART_NONE;
    bool is_open = false;
    key(name);
    while ((i = mk_view_next(&p->view, 0, use, i)) != MK_PART_NONE) {
        if (p->view.parts[i].part.media == media) {
            fputs(is_open ? "" : "\"", stdout);
            is_open = true;
            tool_print_json_text(stdout, parse_text(p, i));
        }
    }
    fputs(is_open ? "\"" : "null", stdout);
}

static void attachments(parsed *p)
{
    uint32_t i = MK_PART_NONE;
    bool is_first = true;
    key("attachments");
    putchar('[');
    while ((i = mk_view_next(&p->view, 0, MK_USE_ATTACHMENT, i)) !=
           MK_PART_NONE) {
        mk_structure s;
        (void)mk_structure_read(&p->view, i, &s);
        printf("%s{\"number\":%" PRIu32 ",\"type\":", is_first ? "" : ",", i);
        is_first = false;
        type_of(p, &s);
        key("filename");
        text_or_null(parse_filename(p, i));
        putchar('}');
    }
    putchar(']');
}

/* ---- what is odd --------------------------------------------------------- */

static void defects_of(const mk_defects *list, bool *io_is_first)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const mk_defect *d = &list->items[i];
        printf("%s{\"code\":\"%s\",\"offset\":%" PRIu64 ",\"detail\":",
               *io_is_first ? "" : ",", mk_defect_name(d->code), d->offset);
        *io_is_first = false;
        text(mk_str_z(mk_defect_text(d->code)));
        putchar('}');
    }
}

void parse_print_json(parsed *p)
{
    bool is_first = true;
    uint64_t budget = p->view.budget->left;
    headers(p);
    addresses(p);
    subject_and_date(p);
    identifiers(p, "message_id", MK_FIELD_MESSAGE_ID, false);
    identifiers(p, "in_reply_to", MK_FIELD_IN_REPLY_TO, true);
    identifiers(p, "references", MK_FIELD_REFERENCES, true);
    parts(p);
    /* texts were counted there: here they do not count once more */
    p->view.budget->left = budget;
    body(p, "text_body", MK_USE_TEXT, MK_MEDIA_TEXT_PLAIN);
    body(p, "html_body", MK_USE_HTML, MK_MEDIA_TEXT_HTML);
    attachments(p);
    key("defects");
    putchar('[');
    defects_of(p->view.defects, &is_first);
    defects_of(&p->defects, &is_first);
    printf("],\"defects_dropped\":%" PRIu64 ",\"path\":",
           p->view.defects->dropped + p->defects.dropped);
    text(mk_str_z(p->path));
    fputs("}\n", stdout);
}
