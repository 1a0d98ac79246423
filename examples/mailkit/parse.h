/* SPDX-License-Identifier: MIT
 *
 * parse.h: a message that `mailkit parse` has read, and the two ways to print
 * it. What is printed is decoded to UTF-8 through one growing room, so that a
 * run over many messages takes no more than its largest one.
 */
#ifndef MAILKIT_PARSE_H
#define MAILKIT_PARSE_H

#include <mailkit/crypto.h>
#include <mailkit/envelope.h>
#include <mailkit/message.h>

enum { PARSED_DEFECTS = 64 };

typedef struct parsed {
    const char *path;
    mk_view view;
    const mk_charset_table *charsets; /* or NULL */
    const mk_crypto *crypto;          /* or NULL: no hashes */
    mk_defects defects;               /* of values, as far as they were read */
    mk_defect found[PARSED_DEFECTS];
    uint32_t told; /* of them that differ */
    char *room;
    size_t room_bytes;
    bool lacks_memory; /* some value was not given for that */
} parsed;

/* The value of a field of the message, and where its defects are told from;
 * false when there is none. */
bool parse_value(parsed *p, mk_field_id id, mk_str *out_value);
/* Likewise the next one of that name; *io_at is 0 before the first. */
bool parse_next_value(parsed *p, mk_field_id id, uint32_t *io_at,
                      mk_str *out_value);

/* Values in the room, until the next one is asked for; ptr is NULL when there
 * is none, or no memory for it, which is noted. Unstructured text, an address's
 * name or spec. */
mk_str parse_words(parsed *p, mk_str value);
mk_str parse_name(parsed *p, const mk_address *a);
mk_str parse_spec(parsed *p, const mk_address *a);
/* A parameter. */
mk_str parse_param(parsed *p, const mk_params *params, mk_str name);
/* The name of a part: its disposition's filename, else its type's name. */
mk_str parse_filename(parsed *p, uint32_t part);
/* A token in lower case. */
mk_str parse_lower(parsed *p, mk_str token);
/* A part's text. */
mk_str parse_text(parsed *p, uint32_t part);

/* Tell what is deceptive in how the address of a value is shown. */
void parse_judge(parsed *p, const mk_address *a);

/* What a body is without its transfer encoding; its faults are told. */
typedef struct parse_digest {
    uint64_t length;
    unsigned char hash[MK_HASH_SIZE_MAX];
    bool has_hash;
    bool is_cut; /* it was beyond the budget */
} parse_digest;
void parse_decode(parsed *p, uint32_t part, parse_digest *out);

/* "base64" …, as the field should say it. */
const char *parse_encoding(const mk_part *part);

/* Print on standard output. */
void parse_print_json(parsed *p); /* one line */
void parse_print_tree(parsed *p);

#endif
