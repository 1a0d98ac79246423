/* SPDX-License-Identifier: MIT
 *
 * message/parse_internal.h: the parser of messages from inside. parse.c is the
 * machine, parse_config.c its limits, parse_boundary.c keeps the boundaries of
 * the open multiparts and finds delimiters, parse_type.c reads the fields that
 * the structure depends on. The open parts
 * are a stack; the boundaries lie behind it, one after the other.
 */
#ifndef MESSAGE_PARSE_INTERNAL_H
#define MESSAGE_PARSE_INTERNAL_H

#include "message/parse_scan.h"

#include <mailkit/message.h>

/* What the fields of a header say about the body. */
enum { MIME_TYPE_MAX = 160, MIME_LABEL_MAX = 64, MIME_BOUNDARY_MAX = 1024 };

typedef struct mime_facts {
    uint8_t media, encoding, charset;
    bool has_type, has_encoding, has_version;
    bool type_failed; /* there is a Content-Type that names no type */
    bool has_boundary;
    bool has_disposition, is_inline, is_attachment;
    bool is_named, is_file_named; /* by the type, by the disposition */
    bool is_flowed, is_delsp;     /* RFC 3676 4 */
    uint8_t reading;              /* of the config; mk_mime_begin leaves it */
    uint16_t type_len, label_len, boundary_len;
    char type[MIME_TYPE_MAX];
    char label[MIME_LABEL_MAX];
    char boundary[MIME_BOUNDARY_MAX];
} mime_facts;

/* The facts before any field was seen. */
void mk_mime_begin(mime_facts *facts);
/* Learn from a field of those that tell of the body. */
void mk_mime_learn(mime_facts *facts, const mk_field *field,
                   mk_defects *defects);
/* Of the value of a Content-Transfer-Encoding. */
mk_encoding mk_mime_encoding(mk_str value);
mk_media mk_mime_media(mk_str type);

/* ---- the stack ----------------------------------------------------------- */

typedef struct level {
    mk_part part;
    uint64_t lines_before; /* the parser's count where the body began */
    uint32_t boundary_at;  /* in the store of boundaries */
    uint32_t boundary_len; /* 0 when it is no multipart */
    uint64_t boundary_tag; /* its first octets, of eight */
    uint64_t tag_mask;     /* which of the eight these are */
    bool has_parts;        /* a delimiter was met */
    bool uu_told;
} level;

typedef enum delimiter_kind {
    DELIMITER_NOT,
    DELIMITER_NEED,     /* more octets are needed to tell */
    DELIMITER_NEXT,     /* a part follows */
    DELIMITER_LAST,     /* the multipart is closed */
    DELIMITER_PREFIX,   /* no delimiter, but it begins with a boundary */
    DELIMITER_CLOSED,   /* no more: its multipart was closed */
    DELIMITER_UUENCODE, /* no delimiter: an encoded file begins */
    DELIMITER_YENC      /* likewise */
} delimiter_kind;

typedef struct delimiter {
    delimiter_kind kind;
    uint32_t level; /* of the multipart */
    size_t length;  /* octets from "--" on to the rest of the line */
} delimiter;

typedef enum parse_state {
    PARSE_BEGIN,  /* a part is to be announced */
    PARSE_HEADER, /* at the beginning of a field */
    PARSE_SKIP,   /* in the rest of a field that was too long */
    PARSE_FACTS,  /* the header ended: its body is to be announced */
    PARSE_BODY,   /* in a leaf, a preamble or an epilogue */
    PARSE_CLOSE,  /* parts above `target` are to be closed */
    PARSE_LINE,   /* in the rest of a delimiter's line */
    PARSE_LAST,   /* all is closed */
    PARSE_DONE
} parse_state;

enum { PARSE_DEFECTS = 24 };

struct mk_message {
    mk_message_config config;
    parse_state state;
    bool eof;
    bool bol;        /* at the beginning of a line of a body */
    bool is_last;    /* the delimiter closes its multipart */
    bool junk_told;  /* about the rest of this delimiter's line */
    bool overflowed; /* this header is beyond a limit */
    bool prefix_told, closed_told, parts_told, padding_told;
    uint64_t offset;    /* octets consumed */
    uint64_t lines;     /* line ends consumed since the first body */
    uint64_t cut_at;    /* where the line end before a delimiter began */
    uint64_t cut_lines; /* line ends before that */
    size_t scanned;     /* octets of a field that hold no end of it */
    size_t white;       /* octets of white space at its front */
    uint32_t depth;     /* levels in use */
    uint32_t target;    /* the level that a delimiter belongs to */
    uint32_t parts;     /* announced so far */
    uint32_t longest;   /* boundary among the open ones */
    uint32_t store_len; /* octets of boundaries */
    uint32_t store_max;
    uint32_t drained;   /* defects told */
    mk_part ended;      /* what a PART_END points to */
    uint64_t header_at; /* where this header began */
    mk_fields fields;   /* of this header */
    mk_defects defects;
    level *levels;
    char *store;
    /* From here on nothing counts before it was written. */
    mk_defect room[PARSE_DEFECTS];
    mime_facts facts;
};

/* What was given, and the defaults for what was not. */
mk_message_config mk_parse_settle(const mk_message_config *config);
/* Are all limits of sense? */
bool mk_parse_allows(const mk_message_config *config);
/* Octets for the boundaries of all levels. */
size_t mk_parse_store_max(const mk_message_config *config);

/* A defect, at an offset in the message. */
void mk_parse_tell(mk_message *m, mk_defect_code code, uint64_t at, size_t n);

/* Keep the boundary that the facts name; false when there is none or no room
 * for it. */
bool mk_parse_keep_boundary(mk_message *m, level *l);
/* The level above the top is left. */
void mk_parse_forget_boundary(mk_message *m, const level *l);
/* What is the line at ptr[0], which begins with '-', of n octets offered? */
delimiter mk_parse_delimiter(const mk_message *m, const char *ptr, size_t n);
/* Likewise, whatever it begins with. */
delimiter mk_parse_line(const mk_message *m, const char *ptr, size_t n);

struct field_span;

/* ---- other readings ------------------------------------------------------ */

/* Is this one asked for? */
bool mk_parse_reads(const mk_message *m, mk_reading reading);
/* What stands behind a boundary; DELIMITER_NOT: as everywhere. */
delimiter_kind mk_parse_behind(const mk_message *m, const char *ptr, size_t n,
                               size_t *out_length);
/* Octets of a line of white space alone at in.ptr[0], which is there; 0: there
 * is none; SIZE_MAX: it cannot be told yet. */
size_t mk_parse_white(mk_message *m, mk_str in);
/* MK_READING_SHORT: cut the field before a white line; true: the header ends
 * before it. */
bool mk_parse_short(const mk_message *m, mk_str in, struct field_span *io_span);

#endif
