/* SPDX-License-Identifier: MIT
 *
 * header.h: the header of a message in memory, read: its fields (RFC 5322 2.2,
 * 3.6), their values unfolded, and the structured values: addresses, dates,
 * message identifiers, encoded words, parameters, trace and list fields. All
 * of it gives views into the text that was given, or writes into a buffer of
 * the caller's; nothing allocates, nothing recurses, and nothing fails for
 * what the text says: what is odd is told in a list of defects (defect.h).
 */
#ifndef MAILKIT_HEADER_H
#define MAILKIT_HEADER_H

#include <mailkit/base.h>
#include <mailkit/charset.h>
#include <mailkit/date.h>
#include <mailkit/defect.h>

MK_EXTERN_C_BEGIN

/* Offsets. A call that reads a text tells the places of defects from the
 * start of that text; list->base is added. mk_fields counts from the start of
 * the block, so a caller who goes on to read a value sets base to
 * where that value begins in the message (field.offset + field.value_at). */

/* ---- names ----------------------------------------------------------------
 */

/* The fields that the library knows; columns: enumerator, name, how the value
 * is read, whether it may stand once only (RFC 5322 3.6, RFC 2045 3). Numbers
 * are stable and below 64. */
/* clang-format off */
#define MK_FIELD_TABLE(X) \
    X(RETURN_PATH,      1, "Return-Path",               PATH,      1) \
    X(RECEIVED,         2, "Received",                  RECEIVED,  0) \
    X(DELIVERED_TO,     3, "Delivered-To",              PATH,      0) \
    X(DATE,             4, "Date",                      DATE,      1) \
    X(FROM,             5, "From",                      ADDRESSES, 1) \
    X(SENDER,           6, "Sender",                    ADDRESSES, 1) \
    X(REPLY_TO,         7, "Reply-To",                  ADDRESSES, 1) \
    X(TO,               8, "To",                        ADDRESSES, 1) \
    X(CC,               9, "Cc",                        ADDRESSES, 1) \
    X(BCC,             10, "Bcc",                       ADDRESSES, 1) \
    X(MESSAGE_ID,      11, "Message-ID",                MSGIDS,    1) \
    X(IN_REPLY_TO,     12, "In-Reply-To",               MSGIDS,    1) \
    X(REFERENCES,      13, "References",                MSGIDS,    1) \
    X(SUBJECT,         14, "Subject",                   TEXT,      1) \
    X(COMMENTS,        15, "Comments",                  TEXT,      0) \
    X(KEYWORDS,        16, "Keywords",                  TEXT,      0) \
    X(RESENT_DATE,     17, "Resent-Date",               DATE,      0) \
    X(RESENT_FROM,     18, "Resent-From",               ADDRESSES, 0) \
    X(RESENT_SENDER,   19, "Resent-Sender",             ADDRESSES, 0) \
    X(RESENT_REPLY_TO, 20, "Resent-Reply-To",           ADDRESSES, 0) \
    X(RESENT_TO,       21, "Resent-To",                 ADDRESSES, 0) \
    X(RESENT_CC,       22, "Resent-Cc",                 ADDRESSES, 0) \
    X(RESENT_BCC,      23, "Resent-Bcc",                ADDRESSES, 0) \
    X(RESENT_MESSAGE_ID, 24, "Resent-Message-ID",       MSGIDS,    0) \
    X(MIME_VERSION,    25, "MIME-Version",              TOKEN,     1) \
    X(CONTENT_TYPE,    26, "Content-Type",              PARAMS,    1) \
    X(CONTENT_TRANSFER_ENCODING, 27, "Content-Transfer-Encoding", TOKEN, 1) \
    X(CONTENT_ID,      28, "Content-ID",                MSGIDS,    1) \
    X(CONTENT_DESCRIPTION, 29, "Content-Description",   TEXT,      1) \
    X(CONTENT_DISPOSITION, 30, "Content-Disposition",   PARAMS,    1) \
    X(CONTENT_LANGUAGE, 31, "Content-Language",         TOKEN,     1) \
    X(CONTENT_LOCATION, 32, "Content-Location",         TOKEN,     1) \
    X(CONTENT_MD5,     33, "Content-MD5",               TOKEN,     1) \
    X(LIST_ID,         34, "List-Id",                   LIST_ID,   1) \
    X(LIST_HELP,       35, "List-Help",                 LIST,      1) \
    X(LIST_SUBSCRIBE,  36, "List-Subscribe",            LIST,      1) \
    X(LIST_UNSUBSCRIBE, 37, "List-Unsubscribe",         LIST,      1) \
    X(LIST_POST,       38, "List-Post",                 LIST,      1) \
    X(LIST_OWNER,      39, "List-Owner",                LIST,      1) \
    X(LIST_ARCHIVE,    40, "List-Archive",              LIST,      1) \
    X(LIST_UNSUBSCRIBE_POST, 41, "List-Unsubscribe-Post", TOKEN,   1) \
    X(AUTHENTICATION_RESULTS, 42, "Authentication-Results", AUTH_RESULTS, 0) \
    X(DISPOSITION_NOTIFICATION_TO, 43, "Disposition-Notification-To", ADDRESSES, 1)
/* clang-format on */

/** A field that the library knows. */
typedef enum mk_field_id {
    MK_FIELD_OTHER = 0,
#define MK_FIELD_ENUM(id, number, name, kind, once) MK_FIELD_##id = number,
    MK_FIELD_TABLE(MK_FIELD_ENUM)
#undef MK_FIELD_ENUM
} mk_field_id;

/** How the value of a field is read. */
typedef enum mk_field_kind {
    MK_FIELD_KIND_TEXT = 0,  /**< mk_words_decode; all unknown fields, too */
    MK_FIELD_KIND_TOKEN = 1, /**< structured, but by nothing here */
    MK_FIELD_KIND_ADDRESSES = 2,
    MK_FIELD_KIND_DATE = 3,
    MK_FIELD_KIND_MSGIDS = 4,
    MK_FIELD_KIND_PARAMS = 5,
    MK_FIELD_KIND_RECEIVED = 6,
    MK_FIELD_KIND_PATH = 7,
    MK_FIELD_KIND_LIST = 8,
    MK_FIELD_KIND_LIST_ID = 9,
    MK_FIELD_KIND_AUTH_RESULTS = 10
} mk_field_kind;

/** Which field a name is.
 *
 * @param name  octets, in any case.
 * @return the field, or MK_FIELD_OTHER. */
MK_API mk_field_id mk_field_id_of(mk_str name);

/** The name of a field as the RFCs write it.
 *
 * @param id  any value.
 * @return "Message-ID" …; empty for an unknown value. Static. */
MK_API mk_str mk_field_name(mk_field_id id);

/** How the value of a field is read.
 *
 * @param id  any value.
 * @return the kind; MK_FIELD_KIND_TEXT for unknown ones. */
MK_API mk_field_kind mk_field_kind_of(mk_field_id id);

/* ---- fields ---------------------------------------------------------------
 */

/** What one pass over a field saw. */
typedef enum mk_field_flag {
    MK_FIELD_FOLDED = 1, /**< the value has several lines */
    MK_FIELD_8BIT = 2,   /**< the field holds octets above 127 */
    MK_FIELD_CUT = 4     /**< the value was cut at max_field_bytes */
} mk_field_flag;

/** One field of a header: views into the block. */
typedef struct mk_field {
    mk_str name;     /**< without white space at its ends; empty when the line
                          has no colon, or is one of an mbox ("From …") */
    mk_str value;    /**< all behind the colon but the last line end: folded,
                          white space and all; the whole line without a name */
    uint64_t offset; /**< of the field's first octet in the block */
    size_t value_at; /**< octets from there to the value */
    size_t length;   /**< octets of the whole field with its line end */
    mk_field_id id;
    uint32_t flags; /**< mk_field_flag, or'ed */
} mk_field;

/** What mk_fields takes by default. */
#define MK_FIELD_COUNT_MAX 10000u
#define MK_FIELD_BYTES_MAX 262144u
#define MK_HEADER_BYTES_MAX 1048576u

/** A walk over the fields of a header; `at`, `has_end` and `seen` are for
 *  readers, the limits may be set behind mk_fields_init. */
typedef struct mk_fields {
    mk_str text;
    mk_defects *defects;
    size_t at;              /**< where the next field, in the end the body,
                                 begins */
    uint64_t seen;          /**< a bit for each mk_field_id met */
    size_t max_field_bytes; /**< a longer value is cut; MK_FIELD_BYTES_MAX */
    size_t max_bytes;       /**< a larger header is told of;
                                 MK_HEADER_BYTES_MAX */
    uint32_t max_count;     /**< fields behind it are passed over;
                                 MK_FIELD_COUNT_MAX */
    uint32_t count;         /**< fields met so far */
    bool lf;                /* lines end with LF alone */
    bool has_end;           /**< the empty line was met */
    bool done;
} mk_fields;

/** Begin to walk.
 *
 * @param it       written.
 * @param text     a message, a part or its header alone; lent while the walk
 *                 and what it gave are in use. Lines end with CRLF, or all of
 *                 them with LF as stored files have it.
 * @param defects  what is wrong is added; or NULL. */
MK_API void mk_fields_init(mk_fields *it, mk_str text, mk_defects *defects);

/** The next field.
 *
 * Each line that does not begin with white space begins a field, whether it
 * has a colon or not; only an empty line, or the end of text, ends the header.
 * White space before the colon is not part of the name (RFC 5322 4.5.8), nor
 * is it at the beginning of the first line.
 *
 * @param it         the walk.
 * @param out_field  written when there is one.
 * @return true; false at the end, with it->at where the body begins. */
MK_API bool mk_fields_next(mk_fields *it, mk_field *out_field);

/** The next field of a name.
 *
 * @param it         the walk; it goes on behind what is found.
 * @param name       in any case.
 * @param out_field  written when there is one.
 * @return true; false when the header ends before. */
MK_API bool mk_fields_find(mk_fields *it, mk_str name, mk_field *out_field);

/** Tell what a message must have and this one has not: Date and From.
 *
 * @param it  a walk that came to its end, over the header of a message; parts
 *            need neither. Adds MK_DEFECT_HEADER_MISSING for each, at the end
 *            of the header. RFC 5322 3.6. */
MK_API void mk_fields_check(const mk_fields *it);

/** A value without the white space and line ends around it.
 *
 * @param value  a value as mk_field has it.
 * @return a view into it. */
MK_API mk_str mk_field_trim(mk_str value);

/** Unfold a value (RFC 5322 2.2.3): line ends vanish.
 *
 * Whatever value holds, no CR, LF or NUL is written: those that are no part of
 * a line end become spaces.
 *
 * @param value  a value as mk_field has it.
 * @param out    what remains is appended, as much as fits.
 * @return MK_OK, or MK_E_ROOM with out->full set. */
MK_API mk_err mk_field_unfold(mk_str value, mk_buf *out);

/* ---- addresses ------------------------------------------------------------
 */

/** What an element of an address list is. */
typedef enum mk_address_kind {
    MK_ADDRESS_MAILBOX = 1,
    MK_ADDRESS_GROUP = 2,    /**< a group begins; only its name is set */
    MK_ADDRESS_GROUP_END = 3 /**< the group ends; nothing is set */
} mk_address_kind;

/** What an address is made of, and what is odd in it. */
typedef enum mk_address_flag {
    MK_ADDRESS_QUOTED = 1,        /**< the local-part has a quoted string */
    MK_ADDRESS_LITERAL = 2,       /**< the domain is a literal, in brackets */
    MK_ADDRESS_ANGLE = 4,         /**< it stood in angle brackets */
    MK_ADDRESS_SPACED = 8,        /**< CFWS within local-part or domain */
    MK_ADDRESS_COMMENTED = 16,    /**< there are comments in or behind it */
    MK_ADDRESS_8BIT = 32,         /**< octets above 127 (RFC 6532) */
    MK_ADDRESS_OBSOLETE = 64,     /**< MK_DEFECT_ADDR_OBSOLETE was told */
    MK_ADDRESS_INVALID = 128,     /**< MK_DEFECT_ADDR_INVALID was told */
    MK_ADDRESS_NOT_5321 = 256,    /**< MK_DEFECT_ADDR_NOT_5321 was told */
    MK_ADDRESS_LONG = 512,        /**< MK_DEFECT_ADDR_LONG was told */
    MK_ADDRESS_WORD_INSIDE = 1024 /**< MK_DEFECT_ADDR_WORD_INSIDE was told */
} mk_address_flag;

/** One element of an address list: views into the text, as they stand. */
typedef struct mk_address {
    mk_address_kind kind;
    mk_str raw;        /**< all of it with its comments */
    mk_str name;       /**< the phrase before the address; empty if none */
    mk_str route;      /**< an obsolete source route, without its colon */
    mk_str local_part; /**< quotes and all, without CFWS at its ends */
    mk_str domain;     /**< likewise; empty when there is none */
    uint64_t offset;   /**< of raw in the text */
    uint32_t flags;    /**< mk_address_flag, or'ed */
    bool in_group;
} mk_address;

/** What mk_addresses takes by default. */
#define MK_ADDRESS_COUNT_MAX 10240u

/** A walk over an address list; the limit may be set behind
 *  mk_addresses_init. */
typedef struct mk_addresses {
    mk_str text;
    mk_defects *defects;
    size_t at;
    uint32_t max_count; /**< elements but the end of a group that they leave
                             open; MK_ADDRESS_COUNT_MAX */
    uint32_t count;     /**< elements met so far */
    uint32_t mailboxes; /**< mailboxes met so far */
    mk_field_id id;
    bool in_group, behind, done;
} mk_addresses;

/** Begin to walk over an address list.
 *
 * @param it       written.
 * @param id       the field it stands in, for what may be empty (Bcc) and what
 *                 should be one mailbox (From, Sender); else MK_FIELD_OTHER.
 * @param text     the value, folded as it is; lent while the walk and what it
 *                 gave are in use.
 * @param defects  what is wrong is added, each code once an element; or
 *                 NULL. */
MK_API void mk_addresses_init(mk_addresses *it, mk_field_id id, mk_str text,
                              mk_defects *defects);

/** The next mailbox, or the begin or end of a group.
 *
 * All of RFC 5322 3.4 and 4.4 is read: comments and folds anywhere, obsolete
 * phrases, routes, local-parts and domains, empty elements; and RFC 6532.
 * Text that no form yields is MK_DEFECT_ADDR_INVALID and read as well as can
 * be: missing commas, brackets and domains, junk behind an address. A group is
 * always ended, where max_count stops the walk, too; one in another is
 * dissolved in it. Encoded words are never looked into for addresses.
 *
 * @param it           the walk.
 * @param out_address  written when there is one.
 * @return true; false at the end. */
MK_API bool mk_addresses_next(mk_addresses *it, mk_address *out_address);

/** The display name in UTF-8.
 *
 * The phrase with quotes and comments taken off, white space made one space,
 * and encoded words decoded as mk_words_decode does, in quoted strings, too.
 * When a mailbox has no phrase its comments stand in (RFC 822 3.4.3).
 *
 * @param address  what mk_addresses_next gave.
 * @param table    for character sets that are not built in, or NULL.
 * @param out      UTF-8 is appended, as much as fits; nothing if no name.
 * @param defects  of the group WORD, from the beginning of the name (or of raw
 *                 for comments); or NULL.
 * @return MK_OK, or MK_E_ROOM with out->full set. */
MK_API mk_err mk_address_name_decode(const mk_address *address,
                                     const mk_charset_table *table, mk_buf *out,
                                     mk_defects *defects);

/** All comments of an address in UTF-8, a space between two.
 *
 * @param address  what mk_addresses_next gave.
 * @param table    for character sets that are not built in, or NULL.
 * @param out      UTF-8 is appended, as much as fits.
 * @param defects  of the group WORD, from the beginning of raw; or NULL.
 * @return MK_OK, or MK_E_ROOM with out->full set. RFC 5322 3.2.2. */
MK_API mk_err mk_address_comments_decode(const mk_address *address,
                                         const mk_charset_table *table,
                                         mk_buf *out, mk_defects *defects);

/** The local-part as it is meant: without quotes, escapes and CFWS.
 *
 * It may hold any octet; two addresses are of the same mailbox only if these
 * are the same.
 *
 * @param address  what mk_addresses_next gave.
 * @param out      the octets are appended.
 * @return MK_OK, or MK_E_ROOM with out->full set. RFC 5322 3.4.1. */
MK_API mk_err mk_address_local_part(const mk_address *address, mk_buf *out);

/** The addr-spec in its plain form: "local-part@domain".
 *
 * Without route, comments and white space; the local-part is quoted only if it
 * must be. What is not valid is given as it stands, but always as UTF-8: octets
 * that are none, and controls but HTAB, become U+FFFD.
 *
 * @param address  what mk_addresses_next gave.
 * @param out      the text is appended; without "@" when there is no domain.
 * @return MK_OK, or MK_E_ROOM with out->full set. RFC 5322 3.4.1. */
MK_API mk_err mk_address_spec_format(const mk_address *address, mk_buf *out);

/** Does a name that is shown deceive (RFC 7960 is silent; THREATS 60)?
 *
 * Tells MK_DEFECT_ADDR_IN_NAME when the name looks like an address other than
 * the one it stands for, MK_DEFECT_ADDR_BIDI for characters that turn the
 * direction of text, MK_DEFECT_ADDR_MIXED_SCRIPT for Latin with Cyrillic or
 * Greek letters in one word, MK_DEFECT_ADDR_CONFUSABLE for look-alikes of
 * ASCII signs. It is a hint for readers, not a judgement.
 *
 * @param name     the name as it is shown, in UTF-8.
 * @param address  the addr-spec as mk_address_spec_format gives it.
 * @param defects  what was found is added at offset 0; or NULL.
 * @return true when something was found. */
MK_API bool mk_address_is_deceptive(mk_str name, mk_str address,
                                    mk_defects *defects);

/* ---- parameters -----------------------------------------------------------
 */

/** What a piece of a parameter is. */
typedef enum mk_param_flag {
    MK_PARAM_QUOTED = 1,   /**< the value stood in quotes; escapes are in it */
    MK_PARAM_EXTENDED = 2, /**< the name ended with "*" (RFC 2231 4) */
    MK_PARAM_FIRST = 4     /**< the first piece of its name in the list */
} mk_param_flag;

/** The section of a parameter that has none. */
#define MK_PARAM_WHOLE UINT32_MAX

/** One piece of a parameter: views into the value. */
typedef struct mk_param {
    mk_str name;      /**< without section and "*" */
    mk_str value;     /**< as it stands, without its quotes */
    uint32_t section; /**< of a continuation (RFC 2231 3), or MK_PARAM_WHOLE */
    uint32_t flags;   /**< mk_param_flag, or'ed */
} mk_param;

/** How many pieces are looked at. */
#define MK_PARAM_COUNT_MAX 128u

/** A type with its parameters. */
typedef struct mk_params {
    mk_str text;    /**< what was parsed */
    mk_str type;    /**< before the "/", or the disposition; may be empty */
    mk_str subtype; /**< behind the "/"; empty when there is none */
    mk_param *items;
    uint32_t count;
    uint32_t max;
} mk_params;

/** Read Content-Type, Content-Disposition and what is alike (RFC 2045 5.1, RFC
 *  2183 2, RFC 2231).
 *
 * Read with a defect: no or too many semicolons, values that should be quoted,
 * quotes without end, comments, a missing type. Values are not decoded here.
 *
 * @param value       the value, folded as it is; lent while out_params is in
 *                    use.
 * @param mem         room for the pieces; the caller's, in use likewise.
 * @param max         pieces in mem; at most MK_PARAM_COUNT_MAX are used.
 * @param out_params  written.
 * @param defects     what is wrong is added, each code once; or NULL. */
MK_API void mk_params_parse(mk_str value, mk_param *mem, uint32_t max,
                            mk_params *out_params, mk_defects *defects);

/** Has a parameter of this name a value?
 *
 * @param params  what mk_params_parse gave.
 * @param name    in any case. */
MK_API bool mk_params_has(const mk_params *params, mk_str name);

/** The value of a parameter in UTF-8.
 *
 * An extended value ("name*") goes before continuations ("name*0"), these
 * before the plain one; of two alike the first counts. Continuations are joined
 * in the order of their numbers, gaps or not. Encoded words in a plain value
 * are decoded, against RFC 2047 5, because mail has them. Controls become
 * U+FFFD. Whatever could be read otherwise is told.
 *
 * @param params   what mk_params_parse gave.
 * @param name     in any case.
 * @param table    for character sets that are not built in, or NULL.
 * @param out      UTF-8 is appended, as much as fits.
 * @param defects  of the groups PARAM and WORD; or NULL.
 * @return MK_OK; MK_E_NOENT when there is no such parameter; MK_E_ROOM with
 *         out->full set. RFC 2231 3, 4; RFC 5987 3.2. */
MK_API mk_err mk_params_decode(const mk_params *params, mk_str name,
                               const mk_charset_table *table, mk_buf *out,
                               mk_defects *defects);

/** The language that an extended value is said to be in.
 *
 * @param params  what mk_params_parse gave.
 * @param name    in any case.
 * @return a view; empty when none is told. RFC 2231 4. */
MK_API mk_str mk_params_language(const mk_params *params, mk_str name);

/* ---- dates ----------------------------------------------------------------
 */

/** Read a date, however it is written.
 *
 * What mk_date_parse takes, and what mail has beside: names in full, no comma,
 * the order of asctime, ISO 8601, numbers for months, points in the time, AM
 * and PM, zones such as "GMT+2" or "+02:00", text behind the zone. It is
 * rewritten and parsed again, and told as repaired. A month and a day that
 * could be either are not guessed at: the day comes first.
 *
 * @param value     a value as mk_field has it.
 * @param defects   of the group DATE; or NULL.
 * @param out_date  written when a date was read.
 * @return true; false, with MK_DEFECT_DATE_INVALID told, when there is none.
 *         RFC 5322 3.3, 4.3. */
MK_API bool mk_date_read(mk_str value, mk_defects *defects, mk_date *out_date);

/* ---- message identifiers ---------------------------------------------------
 */

/** A walk over message identifiers; no field is for readers. */
typedef struct mk_msgids {
    mk_str text;
    mk_defects *defects;
    size_t at;
    bool bare;
} mk_msgids;

/** Begin to walk over Message-ID, In-Reply-To, References or Content-ID.
 *
 * @param it       written.
 * @param text     the value, folded as it is; lent while the walk and what it
 *                 gave are in use.
 * @param defects  MK_DEFECT_HEADER_MSGID and _MSGID_OBSOLETE; or NULL. */
MK_API void mk_msgids_init(mk_msgids *it, mk_str text, mk_defects *defects);

/** The next identifier.
 *
 * Phrases between identifiers (RFC 5322 4.5.4) are passed over. When the text
 * has no "<" at all, its words with an "@" are taken, or its only word.
 *
 * @param it      the walk.
 * @param out_id  written when there is one: a view without "<" and ">", as it
 *                stands.
 * @return true; false at the end. RFC 5322 3.6.4. */
MK_API bool mk_msgids_next(mk_msgids *it, mk_str *out_id);

/* ---- trace ----------------------------------------------------------------
 */

/** Read Return-Path or Delivered-To.
 *
 * @param value        a value as mk_field has it.
 * @param defects      MK_DEFECT_HEADER_PATH for what is no path; or NULL.
 * @param out_address  written when something was read; for the null path "<>"
 *                     local_part and domain are empty.
 * @return true; false when there is nothing. RFC 5322 3.6.7. */
MK_API bool mk_path_read(mk_str value, mk_defects *defects,
                         mk_address *out_address);

/** One hop: the clauses of a Received field, as they stand; those that are
 *  missing are empty. */
typedef struct mk_received {
    mk_str from_domain; /**< what the client called itself */
    mk_str from_info;   /**< the comment behind: what the server saw of it */
    mk_str by_domain;
    mk_str by_info;
    mk_str link;     /**< VIA: TCP … */
    mk_str protocol; /**< WITH: ESMTPS … */
    mk_str id;
    mk_str for_path;     /**< without its brackets */
    mk_str tls;          /**< the cipher suite (RFC 8314 4.3) */
    uint8_t address[16]; /**< of the client, 4 or 16 octets */
    uint8_t family;      /**< 4 or 6; 0 when it is not told */
    bool has_date;
    mk_date date; /**< when has_date */
} mk_received;

/** Read a Received field.
 *
 * The clauses may stand in any order; words that are none are passed over. The
 * address is the one in brackets that the server wrote, in the comment behind
 * the name or instead of it: nothing else of the line is any proof.
 *
 * @param value         a value as mk_field has it.
 * @param defects       MK_DEFECT_HEADER_RECEIVED when it is beyond the grammar,
 *                      and those of its date; or NULL.
 * @param out_received  written.
 * @return true when a clause or a date was read. RFC 5321 4.4, RFC 8314 4.3. */
MK_API bool mk_received_read(mk_str value, mk_defects *defects,
                             mk_received *out_received);

/** What an item of authentication results is. */
typedef enum mk_auth_item_kind {
    MK_AUTH_ITEM_RESULT = 1,  /**< method, version, result */
    MK_AUTH_ITEM_REASON = 2,  /**< value, of the result before */
    MK_AUTH_ITEM_PROPERTY = 3 /**< ptype, property, value, likewise */
} mk_auth_item_kind;

/** One item of authentication results: views, values without their quotes. */
typedef struct mk_auth_item {
    mk_auth_item_kind kind;
    mk_str method;   /**< "dkim"; in every kind */
    mk_str version;  /**< of the method; mostly empty */
    mk_str result;   /**< "pass" …; in every kind */
    mk_str ptype;    /**< "header" of header.d=example.org */
    mk_str property; /**< "d" */
    mk_str value;    /**< "example.org" */
} mk_auth_item;

/** A walk over authentication results; server and version are for readers. */
typedef struct mk_auth_results {
    mk_str text;
    mk_defects *defects;
    mk_str server;  /**< authserv-id, as it stands, without quotes */
    mk_str version; /**< of the header; empty is 1 */
    mk_str method, method_version, result;
    size_t at;
    bool told;
} mk_auth_results;

/** Begin to walk over Authentication-Results.
 *
 * Whoever believes one must know its server and have removed what others wrote
 * in its name (RFC 8601 5); this only reads.
 *
 * @param it       written, with server and version set.
 * @param text     the value; lent while the walk and what it gave are in use.
 * @param defects  MK_DEFECT_HEADER_AUTH_RESULTS, once; or NULL. */
MK_API void mk_auth_results_init(mk_auth_results *it, mk_str text,
                                 mk_defects *defects);

/** The next item.
 *
 * @param it        the walk.
 * @param out_item  written when there is one.
 * @return true; false at the end, at once for "none". RFC 8601 2.2. */
MK_API bool mk_auth_results_next(mk_auth_results *it, mk_auth_item *out_item);

/* ---- lists ----------------------------------------------------------------
 */

/** A walk over List-Help, List-Unsubscribe and their like. */
typedef struct mk_list_uris {
    mk_str text;
    mk_defects *defects;
    size_t at;
    bool is_no; /**< the value is NO (List-Post); for readers */
} mk_list_uris;

/** Begin to walk over the URIs of a list field.
 *
 * @param it       written, with is_no set.
 * @param text     the value; lent while the walk and what it gave are in use.
 * @param defects  MK_DEFECT_HEADER_LIST for what is no URI in brackets; or
 *                 NULL. */
MK_API void mk_list_uris_init(mk_list_uris *it, mk_str text,
                              mk_defects *defects);

/** The next URI, in the order of preference.
 *
 * @param it       the walk.
 * @param out_uri  written when there is one: a view of what stands in
 *                 brackets; white space within means nothing.
 * @return true; false at the end. RFC 2369 2. */
MK_API bool mk_list_uris_next(mk_list_uris *it, mk_str *out_uri);

/** Read List-Id.
 *
 * @param value     a value as mk_field has it.
 * @param defects   MK_DEFECT_HEADER_LIST when it has no brackets; or NULL.
 * @param out_name  the phrase before the identifier, as it stands.
 * @param out_id    what stands in brackets.
 * @return true, both written; false when it is empty. RFC 2919 3. */
MK_API bool mk_list_id_read(mk_str value, mk_defects *defects, mk_str *out_name,
                            mk_str *out_id);

/* ---- encoded words --------------------------------------------------------
 */

/** Decode unstructured text to UTF-8 (RFC 2047, RFC 6532).
 *
 * The value is unfolded and trimmed. White space between encoded words is
 * dropped, a character split between two of one character set is whole again,
 * and wrong labels are repaired (mk_charset_look_choose). Raw octets above 127
 * that are no UTF-8 are read as windows-1252. What cannot be decoded stays as
 * it is. Controls come out as U+FFFD, but for HTAB; CR and LF never do.
 *
 * @param value    a value as mk_field has it.
 * @param table    for character sets that are not built in, or NULL.
 * @param out      valid UTF-8 is appended, as many whole characters as fit;
 *                 at most three octets for one of value.
 * @param defects  or NULL; each code is told once.
 * @return MK_OK, or MK_E_ROOM with out->full set. */
MK_API mk_err mk_words_decode(mk_str value, const mk_charset_table *table,
                              mk_buf *out, mk_defects *defects);

/** Where text is to stand. */
typedef enum mk_words_place {
    MK_WORDS_TEXT = 1,  /**< an unstructured value (Subject) */
    MK_WORDS_PHRASE = 2 /**< a phrase (a display name) */
} mk_words_place;

/** Encode UTF-8 for a header (RFC 2047 5), folded at 76 columns.
 *
 * ASCII words stay as they are, if need be as a quoted string in a phrase;
 * others become encoded words of at most 75 octets and of whole characters, by
 * Q or by base64 as is shorter. A line is longer than 76 columns only for
 * one plain word that is, of at most 900 octets. mk_words_decode gives the text
 * back. Nothing is written for an empty text.
 *
 * @param utf8    the text; of controls, C0 and C1, only HTAB is taken.
 * @param column  octets that stand on the line already ("Subject: " is 9).
 * @param place   where it is to stand.
 * @param out     the text is appended, or nothing on failure.
 * @return MK_OK; MK_E_CTL when it holds CR, LF or NUL; MK_E_SYNTAX when it is
 *         no UTF-8 or holds another control; MK_E_ARG for an unknown place;
 *         MK_E_ROOM with out->full set. */
MK_API mk_err mk_words_encode(mk_str utf8, size_t column, mk_words_place place,
                              mk_buf *out);

MK_EXTERN_C_END
#endif
