/* SPDX-License-Identifier: MIT
 *
 * parse_tree.c: a message for people: who wrote it, its parts as a tree, and
 * what is odd in it. Nothing of it is a command to a terminal, or turns the
 * order of its text; nothing is meant for other programs (that is the JSON).
 */
#include "parse.h"

#include "tool.h"

#include <inttypes.h>

static void summary(parsed *p)
{
    static const mk_field_id ids[] = {MK_FIELD_FROM,    MK_FIELD_TO,
                                      MK_FIELD_CC,      MK_FIELD_DATE,
                                      MK_FIELD_SUBJECT, MK_FIELD_MESSAGE_ID};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const mk_field *f = mk_view_field(&p->view, 0, ids[i]);
        if (f == NULL) {
            continue;
        }
        p->defects.base = f->offset + f->value_at;
        fputs("  ", stdout);
        tool_print_escaped(stdout, f->name);
        fputs(": ", stdout);
        tool_print_text(stdout, parse_words(p, f->value));
        putchar('\n');
    }
}

/* Defects of what JSON shows one by one are those of the values here, too. */
static void judge(parsed *p)
{
    static const mk_field_id lists[] = {MK_FIELD_FROM,     MK_FIELD_SENDER,
                                        MK_FIELD_REPLY_TO, MK_FIELD_TO,
                                        MK_FIELD_CC,       MK_FIELD_BCC};
    mk_addresses it;
    mk_address a;
    mk_str value;
    mk_date d;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        uint32_t at = 0;
        while (parse_next_value(p, lists[i], &at, &value)) {
            mk_addresses_init(&it, lists[i], value, &p->defects);
            while (mk_addresses_next(&it, &a)) {
                parse_judge(p, &a);
            }
        }
    }
    if (parse_value(p, MK_FIELD_DATE, &value)) {
        (void)mk_date_read(value, &p->defects, &d);
    }
}

static void part(parsed *p, uint32_t number)
{
    const mk_view_part *v = &p->view.parts[number];
    mk_structure s;
    mk_str name;
    (void)mk_structure_read(&p->view, number, &s);
    printf("  %*s%" PRIu32 " ",
           (int)(v->part.depth < 40 ? v->part.depth : 40) * 2, "", number);
    tool_print_escaped(stdout, s.type);
    putchar('/');
    tool_print_escaped(stdout, s.subtype);
    printf(", %s, %" PRIu64 " octets", parse_encoding(&v->part),
           v->part.end - v->part.body);
    if (v->part.charset != MK_CHARSET_NONE) {
        fputs(", ", stdout);
        tool_print_text(stdout, mk_charset_name((mk_charset)v->part.charset));
    }
    name = parse_filename(p, number);
    if (name.ptr != NULL) {
        fputs(", \"", stdout);
        tool_print_text(stdout, name);
        putchar('"');
    }
    fputs((v->uses & MK_USE_TEXT) != 0 ? " [text]" : "", stdout);
    fputs((v->uses & MK_USE_HTML) != 0 ? " [html]" : "", stdout);
    fputs((v->uses & MK_USE_ATTACHMENT) != 0 ? " [attachment]" : "", stdout);
    putchar('\n');
}

static void defects_of(const mk_defects *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        printf("  ! %s at %" PRIu64 ": %s\n",
               mk_defect_name(list->items[i].code), list->items[i].offset,
               mk_defect_text(list->items[i].code));
    }
    if (list->dropped > 0) {
        printf("  ! and %" PRIu64 " more\n", list->dropped);
    }
}

void parse_print_tree(parsed *p)
{
    tool_print_escaped(stdout, mk_str_z(p->path));
    putchar('\n');
    summary(p);
    judge(p);
    for (uint32_t i = 0; i < p->view.part_count; i++) {
        part(p, i);
    }
    defects_of(p->view.defects);
    defects_of(&p->defects);
}
