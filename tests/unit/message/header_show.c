/* SPDX-License-Identifier: MIT
 *
 * header_show.c: reads values of fields from stdin, a line each, "KIND HEX",
 * and answers each with a line of JSON, so that corpora.py can hold what is
 * read against what other people's test sets expect.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailkit/codec.h>
#include <mailkit/header.h>

static void put(mk_str s)
{
    putchar('"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static char room[1 << 20];

static void show_addresses(mk_str value, mk_defects *defects)
{
    mk_addresses it;
    mk_address a;
    const char *comma = "";
    mk_addresses_init(&it, MK_FIELD_OTHER, value, defects);
    printf("\"list\": [");
    while (mk_addresses_next(&it, &a)) {
        mk_buf name, comments, spec;
        mk_buf_init(&name, room, sizeof room / 4);
        mk_buf_init(&comments, room + sizeof room / 4, sizeof room / 4);
        mk_buf_init(&spec, room + sizeof room / 2, sizeof room / 4);
        mk_address only = a;
        only.flags &= ~(unsigned)MK_ADDRESS_COMMENTED;
        (void)mk_address_name_decode(&only, mk_charset_table_iconv(), &name,
                                     NULL);
        (void)mk_address_comments_decode(&a, mk_charset_table_iconv(),
                                         &comments, NULL);
        (void)mk_address_spec_format(&a, &spec);
        printf("%s{\"kind\": %d, \"name\": ", comma, (int)a.kind);
        put(mk_buf_str(&name));
        printf(", \"comments\": ");
        put(mk_buf_str(&comments));
        printf(", \"address\": ");
        put(mk_buf_str(&spec));
        printf(", \"route\": ");
        put(a.route);
        printf("}");
        comma = ", ";
    }
    printf("]");
}

static void show_params(mk_str value, mk_defects *defects)
{
    mk_param items[MK_PARAM_COUNT_MAX];
    mk_params p;
    const char *comma = "";
    mk_params_parse(value, items, MK_PARAM_COUNT_MAX, &p, defects);
    printf("\"type\": ");
    put(p.type);
    printf(", \"subtype\": ");
    put(p.subtype);
    printf(", \"params\": [");
    for (uint32_t i = 0; i < p.count; i++) {
        mk_buf b;
        if ((items[i].flags & MK_PARAM_FIRST) == 0) {
            continue;
        }
        mk_buf_init(&b, room, sizeof room);
        (void)mk_params_decode(&p, items[i].name, mk_charset_table_iconv(), &b,
                               defects);
        printf("%s[", comma);
        put(items[i].name);
        printf(", ");
        put(mk_params_language(&p, items[i].name));
        printf(", ");
        put(mk_buf_str(&b));
        printf("]");
        comma = ", ";
    }
    printf("]");
}

static void show_date(mk_str value, mk_defects *defects)
{
    mk_date d;
    if (mk_date_read(value, defects, &d)) {
        printf("\"utc\": %lld, \"zone\": %d", (long long)d.utc_s,
               (int)d.zone_minutes);
    } else {
        printf("\"utc\": null");
    }
}

static void show_ids(mk_str value, mk_defects *defects)
{
    mk_msgids it;
    mk_str id;
    const char *comma = "";
    mk_msgids_init(&it, value, defects);
    printf("\"ids\": [");
    while (mk_msgids_next(&it, &id)) {
        printf("%s", comma);
        put(id);
        comma = ", ";
    }
    printf("]");
}

static void show(const char *kind, mk_str text)
{
    mk_defect found[64];
    mk_defects list;
    mk_fields it;
    mk_field f = {.value = text};
    mk_defects_init(&list, found, 64);
    if (strcmp(kind, "address") != 0) {
        mk_fields_init(&it, text, NULL);
        (void)mk_fields_next(&it, &f);
    }
    printf("{");
    if (strcmp(kind, "words") == 0) {
        mk_buf b;
        mk_buf_init(&b, room, sizeof room);
        (void)mk_words_decode(f.value, mk_charset_table_iconv(), &b, &list);
        printf("\"text\": ");
        put(mk_buf_str(&b));
    } else if (strcmp(kind, "params") == 0) {
        show_params(f.value, &list);
    } else if (strcmp(kind, "date") == 0) {
        show_date(f.value, &list);
    } else if (strcmp(kind, "ids") == 0) {
        show_ids(f.value, &list);
    } else {
        show_addresses(f.value, &list);
    }
    printf(", \"defects\": [");
    for (uint32_t i = 0; i < list.count; i++) {
        printf("%s\"%s\"", i > 0 ? ", " : "", mk_defect_name(found[i].code));
    }
    printf("]}\n");
}

int main(void)
{
    static char line[1 << 20];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *space = strchr(line, ' ');
        if (space == NULL) {
            return 1;
        }
        *space = '\0';
        size_t n = strcspn(space + 1, "\n");
        char *text = malloc(n / 2 + 1);
        mk_hex_decoder hex;
        mk_buf b;
        mk_str in = mk_str_of(space + 1, n);
        mk_hex_decoder_init(&hex);
        mk_buf_init(&b, text, n / 2);
        if (mk_hex_decode(&hex, &in, &b) != MK_WAIT) {
            return 1;
        }
        show(line, mk_buf_str(&b));
        free(text);
    }
    return 0;
}
