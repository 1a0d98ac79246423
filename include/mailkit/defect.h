/* SPDX-License-Identifier: MIT
 *
 * defect.h: what is wrong with a message, as a list. Reading mail never fails:
 * it yields a result plus defects, each with a code and the place of what is
 * odd. The codes are one table, grouped by origin; the list lives in memory
 * of the caller's and counts what it could not hold. It judges nothing: whom a
 * defect matters to is the reader's business.
 */
#ifndef MAILKIT_DEFECT_H
#define MAILKIT_DEFECT_H

#include <mailkit/base.h>

MK_EXTERN_C_BEGIN

/** Where a defect comes from; 32 codes at most to each. */
typedef enum mk_defect_group {
    MK_DEFECT_GROUP_HEADER = 0,
    MK_DEFECT_GROUP_ADDRESS = 1,
    MK_DEFECT_GROUP_DATE = 2,
    MK_DEFECT_GROUP_WORD = 3,
    MK_DEFECT_GROUP_PARAM = 4,
    MK_DEFECT_GROUP_MIME = 5,
    MK_DEFECT_GROUP_TRANSFER = 6,
    MK_DEFECT_GROUP_CHARSET = 7,
    MK_DEFECT_GROUPS = 8
} mk_defect_group;

/** How much a defect says. */
typedef enum mk_defect_weight {
    MK_DEFECT_MILD = 1, /**< some RFC yields it, or everybody reads it alike */
    MK_DEFECT_BAD = 2,  /**< no RFC yields it; the reading is a repair */
    MK_DEFECT_AMBIGUOUS = 3 /**< readers differ: what one sees another does
                                 not */
} mk_defect_weight;

/* Columns: name, group, number in the group, weight, short name, text. Short
 * names and numbers are stable; new rows are added at the end of a group. The
 * table is the only list: the enum and the texts are made from it. */
/* clang-format off */
#define MK_DEFECT_TABLE(X) \
    /* the header block: RFC 5322 2.2, 4.5 */ \
    X(HEADER_NAME_SPACE,    HEADER, 0, AMBIGUOUS, "header-name-space", "white space before the colon") \
    X(HEADER_NO_COLON,      HEADER, 1, AMBIGUOUS, "header-no-colon", "a line of the header without a colon") \
    X(HEADER_NAME_INVALID,  HEADER, 2, AMBIGUOUS, "header-name-invalid", "a field name that is empty or holds an octet that none may") \
    X(HEADER_FIRST_SPACE,   HEADER, 3, AMBIGUOUS, "header-first-space", "the header begins with white space") \
    X(HEADER_FROM_LINE,     HEADER, 4, MILD,      "header-from-line", "a line of an mbox among the fields") \
    X(HEADER_MIXED_ENDS,    HEADER, 5, MILD,      "header-mixed-ends", "lines that end with CRLF and lines that end with LF alone") \
    X(HEADER_BARE_CR,       HEADER, 6, AMBIGUOUS, "header-bare-cr", "a CR that no LF follows") \
    X(HEADER_NUL,           HEADER, 7, AMBIGUOUS, "header-nul", "a NUL") \
    X(HEADER_8BIT,          HEADER, 8, MILD,      "header-8bit", "octets above 127 that are no UTF-8") \
    X(HEADER_NO_END,        HEADER, 9, MILD,      "header-no-end", "no empty line ends the header") \
    X(HEADER_WHITE_LINE,    HEADER, 10, AMBIGUOUS,"header-white-line", "a line of white space alone") \
    X(HEADER_LONG_LINE,     HEADER, 11, MILD,     "header-long-line", "a line of more than 998 octets") \
    X(HEADER_FIELD_SIZE,    HEADER, 12, BAD,      "header-field-size", "a field larger than the limit") \
    X(HEADER_SIZE,          HEADER, 13, BAD,      "header-size", "a header larger than the limit") \
    X(HEADER_COUNT,         HEADER, 14, BAD,      "header-count", "more fields than the limit") \
    X(HEADER_DUPLICATE,     HEADER, 15, AMBIGUOUS,"header-duplicate", "a field that may stand once stands twice") \
    X(HEADER_MISSING,       HEADER, 16, MILD,     "header-missing", "a field that must stand is missing") \
    X(HEADER_MSGID,         HEADER, 18, BAD,      "header-msgid", "a message identifier that no form yields") \
    X(HEADER_MSGID_OBSOLETE,HEADER, 19, MILD,     "header-msgid-obsolete", "a message identifier or a phrase among them in an obsolete form") \
    X(HEADER_RECEIVED,      HEADER, 20, MILD,     "header-received", "a trace field beyond the grammar") \
    X(HEADER_PATH,          HEADER, 21, BAD,      "header-path", "a path that no form yields") \
    X(HEADER_LIST,          HEADER, 22, BAD,      "header-list", "a list field that no form yields") \
    X(HEADER_AUTH_RESULTS,  HEADER, 23, BAD,      "header-auth-results", "authentication results that no form yields") \
    /* addresses: RFC 5322 3.4, 4.4; RFC 5321 4.1.2 */ \
    X(ADDR_INVALID,         ADDRESS, 0, BAD,      "addr-invalid", "text that no form of an address yields") \
    X(ADDR_OBSOLETE,        ADDRESS, 1, MILD,     "addr-obsolete", "an obsolete form of an address") \
    X(ADDR_NOT_5321,        ADDRESS, 2, MILD,     "addr-not-5321", "an address that SMTP cannot carry") \
    X(ADDR_LONG,            ADDRESS, 3, MILD,     "addr-long", "an address or a part longer than SMTP allows") \
    X(ADDR_WORD_INSIDE,     ADDRESS, 4, AMBIGUOUS,"addr-word-inside", "an encoded word within an address, taken as it stands") \
    X(ADDR_SEVERAL,         ADDRESS, 5, AMBIGUOUS,"addr-several", "several addresses where one belongs") \
    X(ADDR_COUNT,           ADDRESS, 6, BAD,      "addr-count", "more addresses than the limit") \
    X(ADDR_IN_NAME,         ADDRESS, 7, AMBIGUOUS,"addr-in-name", "a display name that looks like another address") \
    X(ADDR_BIDI,            ADDRESS, 8, AMBIGUOUS,"addr-bidi", "a character that changes the direction of text") \
    X(ADDR_MIXED_SCRIPT,    ADDRESS, 9, AMBIGUOUS,"addr-mixed-script", "letters of several scripts in one label") \
    X(ADDR_CONFUSABLE,      ADDRESS, 10, AMBIGUOUS,"addr-confusable", "a character that looks like one of ASCII") \
    /* dates: RFC 5322 3.3, 4.3 */ \
    X(DATE_INVALID,         DATE, 0, BAD,         "date-invalid", "no date can be read") \
    X(DATE_OBSOLETE,        DATE, 1, MILD,        "date-obsolete", "a short year or a zone by name") \
    X(DATE_WEEKDAY,         DATE, 2, MILD,        "date-weekday", "the day of the week is another one's") \
    X(DATE_LOOSE,           DATE, 3, MILD,        "date-loose", "a form that no RFC yields and everybody reads alike") \
    X(DATE_ZONE,            DATE, 4, BAD,         "date-zone", "a zone out of range") \
    X(DATE_REPAIRED,        DATE, 5, BAD,         "date-repaired", "a date of another order or with parts out of range") \
    /* encoded words: RFC 2047 */ \
    X(WORD_INVALID,         WORD, 0, BAD,         "word-invalid", "an encoded word that cannot be decoded, shown as it stands") \
    X(WORD_CHARSET,         WORD, 1, BAD,         "word-charset", "an encoded word in an unknown character set") \
    X(WORD_MALFORMED,       WORD, 2, BAD,         "word-malformed", "an encoded word whose octets are not of its character set") \
    X(WORD_ENCODING,        WORD, 3, BAD,         "word-encoding", "an encoded word with junk in its base64 or quoted-printable") \
    X(WORD_SPLIT,           WORD, 4, MILD,        "word-split", "a character split between two encoded words") \
    X(WORD_LONG,            WORD, 5, MILD,        "word-long", "an encoded word longer than 75 octets") \
    X(WORD_JOINED,          WORD, 6, AMBIGUOUS,   "word-joined", "an encoded word without white space around it") \
    X(WORD_CONTROL,         WORD, 7, AMBIGUOUS,   "word-control", "a control character from an encoded word, replaced") \
    X(WORD_QUOTED,          WORD, 8, AMBIGUOUS,   "word-quoted", "an encoded word within a quoted string") \
    X(WORD_SPACE,           WORD, 9, AMBIGUOUS,   "word-space", "white space within an encoded word") \
    X(WORD_8BIT,            WORD, 10, MILD,       "word-8bit", "octets above 127 without an encoded word") \
    /* parameters: RFC 2045 5.1, RFC 2231, RFC 5987 */ \
    X(PARAM_INVALID,        PARAM, 0, BAD,        "param-invalid", "text that no parameter yields") \
    X(PARAM_DUPLICATE,      PARAM, 1, AMBIGUOUS,  "param-duplicate", "a parameter stands twice") \
    X(PARAM_BOTH_FORMS,     PARAM, 2, AMBIGUOUS,  "param-both-forms", "a parameter stands plain and extended with other values") \
    X(PARAM_GAP,            PARAM, 3, AMBIGUOUS,  "param-gap", "a section of a parameter is missing or twice") \
    X(PARAM_COUNT,          PARAM, 4, BAD,        "param-count", "more parameters than the limit") \
    X(PARAM_CHARSET,        PARAM, 5, BAD,        "param-charset", "a parameter in an unknown character set") \
    X(PARAM_MALFORMED,      PARAM, 6, BAD,        "param-malformed", "a parameter whose octets are not of its character set") \
    X(PARAM_PERCENT,        PARAM, 7, BAD,        "param-percent", "a percent sign without two digits behind it") \
    X(PARAM_UNQUOTED,       PARAM, 8, AMBIGUOUS,  "param-unquoted", "a value that should be quoted") \
    X(PARAM_QUOTE_OPEN,     PARAM, 9, AMBIGUOUS,  "param-quote-open", "a quoted value without its end") \
    X(PARAM_WORD,           PARAM, 10, MILD,      "param-word", "an encoded word as a parameter") \
    X(PARAM_TYPE,           PARAM, 11, BAD,       "param-type", "no type where one belongs") \
    X(PARAM_COMMENT,        PARAM, 12, AMBIGUOUS, "param-comment", "a comment within a type") \
    X(PARAM_8BIT,           PARAM, 13, MILD,      "param-8bit", "octets above 127 in a parameter") \
    X(PARAM_NO_SEMICOLON,   PARAM, 14, AMBIGUOUS, "param-no-semicolon", "no semicolon between parameters") \
    X(PARAM_SECTION,        PARAM, 15, BAD,       "param-section", "the number of a section is malformed or too large") \
    X(PARAM_CONTROL,        PARAM, 16, AMBIGUOUS, "param-control", "a control character in a parameter, replaced") \
    /* structure: RFC 2045, RFC 2046 */ \
    X(MIME_NO_VERSION,      MIME, 0, MILD,        "mime-no-version", "MIME fields without MIME-Version") \
    X(MIME_NO_BOUNDARY,     MIME, 1, BAD,         "mime-no-boundary", "a multipart without a boundary, taken as data") \
    X(MIME_LONG_BOUNDARY,   MIME, 2, BAD,         "mime-long-boundary", "a boundary beyond the limit; its multipart is taken as data") \
    X(MIME_NO_END,          MIME, 3, AMBIGUOUS,   "mime-no-end", "a multipart without its last delimiter") \
    X(MIME_BOUNDARY_TAIL,   MIME, 4, AMBIGUOUS,   "mime-boundary-tail", "text behind a delimiter on its line") \
    X(MIME_BOUNDARY_PREFIX, MIME, 5, AMBIGUOUS,   "mime-boundary-prefix", "a line that begins with a boundary and goes on, taken as data") \
    X(MIME_AFTER_END,       MIME, 6, AMBIGUOUS,   "mime-after-end", "a delimiter behind the last one of its multipart, taken as data") \
    X(MIME_ENCODED_PARTS,   MIME, 7, AMBIGUOUS,   "mime-encoded-parts", "a multipart or a message with a transfer encoding that none may have") \
    X(MIME_DEPTH,           MIME, 8, BAD,         "mime-depth", "parts nested deeper than the limit, taken as data") \
    X(MIME_COUNT,           MIME, 9, BAD,         "mime-count", "more parts than the limit; the rest is taken as data") \
    X(MIME_NUL,             MIME, 10, AMBIGUOUS,  "mime-nul", "a NUL in a body that is not binary") \
    X(MIME_8BIT,            MIME, 11, MILD,       "mime-8bit", "octets above 127 in a body that should have none") \
    X(MIME_UUENCODE,        MIME, 12, MILD,       "mime-uuencode", "a file in uuencode within text") \
    X(MIME_YENC,            MIME, 13, MILD,       "mime-yenc", "a file in yEnc within text") \
    X(MIME_BOUNDARY_SPACE,  MIME, 14, AMBIGUOUS,  "mime-boundary-space", "a boundary that ends with white space") \
    X(MIME_PADDING,         MIME, 15, AMBIGUOUS,  "mime-padding", "white space behind a delimiter on its line") \
    X(MIME_BOUNDARY_SAME,   MIME, 16, AMBIGUOUS,  "mime-boundary-same", "the boundary of a multipart around it") \
    /* transfer encodings: RFC 2045 6 */ \
    X(TRANSFER_UNKNOWN,     TRANSFER, 0, BAD,     "transfer-unknown", "an unknown transfer encoding") \
    X(TRANSFER_MALFORMED,   TRANSFER, 1, AMBIGUOUS, "transfer-malformed", "junk within base64, quoted-printable or uuencode") \
    X(TRANSFER_BUDGET,      TRANSFER, 2, BAD,     "transfer-budget", "more decoded octets than the budget, not given") \
    /* character sets */ \
    X(CHARSET_UNKNOWN,      CHARSET, 0, BAD,      "charset-unknown", "an unknown character set") \
    X(CHARSET_MALFORMED,    CHARSET, 1, BAD,      "charset-malformed", "octets that are not of the character set") \
    X(CHARSET_WRONG,        CHARSET, 2, MILD,     "charset-wrong", "a character set that cannot be the one of its label")
/* clang-format on */

/** What is wrong; made from the table, 32 numbers to a group. */
typedef enum mk_defect_code {
#define MK_DEFECT_ENUM(name, group, number, weight, id, text)                  \
    MK_DEFECT_##name = MK_DEFECT_GROUP_##group * 32 + number,
    MK_DEFECT_TABLE(MK_DEFECT_ENUM)
#undef MK_DEFECT_ENUM
} mk_defect_code;

/** What of a message is read in several ways; a bit each. */
typedef enum mk_ambiguity {
    MK_AMBIGUITY_HEADER = 1,   /**< which lines are fields */
    MK_AMBIGUITY_FIELD = 2,    /**< which of several fields counts */
    MK_AMBIGUITY_ADDRESS = 4,  /**< whom an address means */
    MK_AMBIGUITY_TEXT = 8,     /**< what encoded words say */
    MK_AMBIGUITY_PARAM = 16,   /**< the type, the boundary, a file's name */
    MK_AMBIGUITY_PARTS = 32,   /**< where parts begin and end */
    MK_AMBIGUITY_ENCODING = 64 /**< which octets a body stands for */
} mk_ambiguity;

/** One defect and its place. */
typedef struct mk_defect {
    uint16_t code;   /**< a mk_defect_code */
    uint16_t weight; /**< a mk_defect_weight, from the table */
    uint32_t length; /**< octets it extends over; 0 for a point */
    uint64_t offset; /**< octets from the start of what was read */
} mk_defect;

/** A list of defects in the caller's memory.
 *
 * What does not fit is counted, not kept; `seen` has a bit for every code met,
 * kept or not. Every call that takes a list takes NULL for "do not tell". */
typedef struct mk_defects {
    mk_defect *items; /**< the first `count` are written */
    uint32_t count;   /**< defects kept */
    uint32_t max;     /**< room in items */
    uint64_t dropped; /**< defects met that found no room */
    uint64_t base;    /**< added to every offset: where the text that is read
                           now begins in the message; the caller's to set */
    uint32_t seen[MK_DEFECT_GROUPS]; /**< bit code % 32 of word code / 32 */
} mk_defects;

/** Start an empty list.
 *
 * @param list  written.
 * @param mem   room for max defects; owned by the caller and outlives list;
 *              NULL when max is 0.
 * @param max   defects; 0 keeps none, and still sees and counts. */
MK_API void mk_defects_init(mk_defects *list, mk_defect *mem, uint32_t max);

/** Add a defect.
 *
 * @param list    the list; NULL does nothing.
 * @param code    what is wrong.
 * @param offset  octets from list->base.
 * @param length  octets; more than UINT32_MAX is kept as that. */
MK_API void mk_defects_add(mk_defects *list, mk_defect_code code,
                           uint64_t offset, uint64_t length);

/** Was this code met, kept or not?
 *
 * @param list  the list; NULL has none.
 * @param code  what is asked for.
 * @return true when it was. */
MK_API bool mk_defects_has(const mk_defects *list, mk_defect_code code);

/** The heaviest weight met.
 *
 * @param list  the list; NULL has none.
 * @return a mk_defect_weight, or 0 when nothing was met. */
MK_API unsigned mk_defects_worst(const mk_defects *list);

/** What is ambiguous in what was met.
 *
 * @param list  the list; NULL has none.
 * @return mk_ambiguity, or'ed; 0 exactly when mk_defects_worst is less than
 *         MK_DEFECT_AMBIGUOUS. */
MK_API uint32_t mk_defects_ambiguity(const mk_defects *list);

/** The stable short name of a code, for logs, JSON and tests.
 *
 * @param code  any value.
 * @return "addr-invalid" …; "?" for an unknown value. Static. */
MK_API const char *mk_defect_name(unsigned code);

/** One plain English phrase for a code.
 *
 * @param code  any value.
 * @return static text without a final full stop; "unknown defect" when code is
 *         not in the table. */
MK_API const char *mk_defect_text(unsigned code);

MK_EXTERN_C_END
#endif
