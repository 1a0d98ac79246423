/* SPDX-License-Identifier: MIT
 *
 * message.h: a whole message, read (RFC 5322, RFC 2045, RFC 2046), on two
 * levels. A parser takes octets cut anywhere and gives events: fields, parts,
 * runs of body in place. A view indexes a message that lies in memory: fields
 * and parts in one block of the caller's, and what a mail reader would show.
 * Neither copies a body, recurses or fails for what a message says: there is
 * always a tree, and what is odd is told as a defect (defect.h).
 */
#ifndef MAILKIT_MESSAGE_H
#define MAILKIT_MESSAGE_H

#include <mailkit/base.h>
#include <mailkit/charset.h>
#include <mailkit/codec.h>
#include <mailkit/defect.h>
#include <mailkit/header.h>

MK_EXTERN_C_BEGIN

/* ---- parts --------------------------------------------------------------- */

/** The number of no part. */
#define MK_PART_NONE UINT32_MAX

/** What a part is made of. */
typedef enum mk_part_kind {
    MK_PART_LEAF = 0,      /**< data */
    MK_PART_MULTIPART = 1, /**< parts between boundaries (RFC 2046 5.1) */
    MK_PART_MESSAGE = 2    /**< one message (RFC 2046 5.2.1, RFC 6532 3.7) */
} mk_part_kind;

/** Media types as far as structure and choice of parts depend on them. */
typedef enum mk_media {
    MK_MEDIA_OTHER = 0, /**< application/… and all unknown ones */
    MK_MEDIA_TEXT_PLAIN = 1,
    MK_MEDIA_TEXT_HTML = 2,
    MK_MEDIA_TEXT = 3, /**< another text/… */
    MK_MEDIA_IMAGE = 4,
    MK_MEDIA_AUDIO = 5,
    MK_MEDIA_VIDEO = 6,
    MK_MEDIA_MESSAGE_RFC822 = 7, /**< or message/global, message/news */
    MK_MEDIA_MESSAGE_PARTIAL = 8,
    MK_MEDIA_MESSAGE_EXTERNAL = 9,
    MK_MEDIA_MESSAGE = 10, /**< another message/… */
    MK_MEDIA_ALTERNATIVE = 11,
    MK_MEDIA_RELATED = 12,
    MK_MEDIA_DIGEST = 13,
    MK_MEDIA_MIXED = 14 /**< or another multipart/… */
} mk_media;

/** How a body is encoded for transfer (RFC 2045 6). */
typedef enum mk_encoding {
    MK_ENCODING_7BIT = 0,
    MK_ENCODING_8BIT = 1,
    MK_ENCODING_BINARY = 2,
    MK_ENCODING_QUOTED_PRINTABLE = 3,
    MK_ENCODING_BASE64 = 4,
    MK_ENCODING_UUENCODE = 5, /**< x-uuencode and its kin: no standard */
    MK_ENCODING_UNKNOWN = 6   /**< to be kept as it stands (RFC 2045 6.4) */
} mk_encoding;

/** Facts about a part. */
typedef enum mk_part_flag {
    MK_PART_DEFAULT_TYPE = 1, /**< no Content-Type that could be read */
    MK_PART_CLOSED = 2,       /**< multipart: its last delimiter was met */
    MK_PART_HIGH = 4,         /**< the body holds octets above 127 */
    MK_PART_NUL = 8,          /**< the body holds NULs */
    MK_PART_OPAQUE = 16,      /**< it has parts that were not looked for: a
                                   limit, no boundary, or an encoding */
    MK_PART_DIGEST = 32,      /**< it stands in a multipart/digest */
    MK_PART_NAMED = 64,       /**< a type or a disposition gives it a name */
    MK_PART_INLINE = 128,     /**< Content-Disposition: inline */
    MK_PART_ATTACHMENT = 256, /**< another disposition: attachment, as unknown
                                   ones are (RFC 2183 2.8) */
    MK_PART_FLOWED = 512,     /**< text/plain; format=flowed (RFC 3676 4) */
    MK_PART_DELSP = 1024      /**< likewise delsp=yes: the space that a line
                                   flows with is none of the text's (4.1) */
} mk_part_flag;

/** One part. The message itself is number 0, others follow in the order of
 *  their beginning. Offsets count from the first octet of the message. */
typedef struct mk_part {
    uint32_t number;
    uint32_t parent;  /**< MK_PART_NONE for the message itself */
    uint32_t depth;   /**< 0 for the message itself */
    uint32_t flags;   /**< mk_part_flag, or'ed */
    uint8_t kind;     /**< a mk_part_kind */
    uint8_t media;    /**< a mk_media */
    uint8_t encoding; /**< a mk_encoding */
    uint8_t charset;  /**< a mk_charset: what the label says */
    uint64_t offset;  /**< of its header */
    uint64_t body;    /**< of its body: behind the empty line */
    uint64_t end;     /**< behind its body; the line end before a delimiter is
                           the delimiter's (RFC 2046 5.1.1) */
    uint64_t lines;   /**< line ends within the body */
} mk_part;

/* ---- the parser ---------------------------------------------------------- */

/** A parser of one message, in a block of the caller's. */
typedef struct mk_message mk_message;

/** How others read what is ambiguous (THREATS 63); none of these is how the
 *  library reads it when it is not asked to. */
typedef enum mk_reading {
    MK_READING_LAST = 1,   /**< of fields and parameters that stand twice the
                                last counts, not the first */
    MK_READING_PLAIN = 2,  /**< a type that stands twice or must be repaired,
                                or an encoding around parts: the body is data */
    MK_READING_STRICT = 4, /**< a delimiter has a line of its own: with white
                                space or text behind it is data */
    MK_READING_LOOSE = 8,  /**< what begins with a boundary is a delimiter,
                                whatever follows, behind the last one, too */
    MK_READING_OUTER = 16, /**< of equal boundaries the outermost counts */
    MK_READING_SHORT = 32, /**< a line that does not begin with a name and its
                                colon, or is of white space alone, ends the
                                header */
    MK_READING_STOP = 64,  /**< what is no base64 ends a body, and is not
                                passed over; of a view alone */
    MK_READING_TRIM = 128  /**< white space at the end of a boundary is none of
                                it; likewise with MK_READING_LOOSE */
} mk_reading;

/** How many decoded octets may still be given, of one message or of many; to be
 *  set anew by whoever lends it. */
typedef struct mk_budget {
    uint64_t left;           /**< octets */
    struct mk_budget *whole; /**< what it is a part of, as that of a message is
                                  of all; or NULL */
} mk_budget;

/** What limits a parser, or a view; mk_message_config_init fills it. */
typedef struct mk_message_config {
    size_t size;                 /**< sizeof(mk_message_config) */
    uint32_t max_depth;          /**< parts within parts; 100 */
    uint32_t max_parts;          /**< in all; 10,000 */
    uint32_t max_boundary_bytes; /**< 256 (RFC 2046 5.1.1 allows 70) */
    uint32_t max_fields;         /**< of one header; 10,000 */
    uint32_t max_field_bytes;    /**< of one field; 262,144 */
    uint32_t max_header_bytes;   /**< of one header; 1,048,576 */
    uint32_t reading;            /**< mk_reading, or'ed; 0 */
    uint64_t max_decoded_bytes;  /**< of all that a view decodes; 268,435,456 */
    mk_budget *budget;           /**< of several views in all, lent to each; or
                                      NULL */
} mk_message_config;

/** The defaults.
 *
 * @param config  written.
 * @param size    sizeof(mk_message_config) as the caller knows it. */
MK_API void mk_message_config_init(mk_message_config *config, size_t size);

/** What an event of a parser is. */
typedef enum mk_message_event_type {
    MK_MESSAGE_PART = 1,  /**< a part begins: its number, parent and depth are
                               known; for number 0, too */
    MK_MESSAGE_FIELD = 2, /**< a field of its header */
    MK_MESSAGE_BODY = 3,  /**< its header ended: all of `part` but end, lines
                               and the flags of the body is known */
    MK_MESSAGE_DATA = 4,  /**< a run of its body as it stands, in place */
    MK_MESSAGE_PREAMBLE = 5, /**< a run before the first delimiter */
    MK_MESSAGE_EPILOGUE = 6, /**< a run behind the last delimiter */
    MK_MESSAGE_PART_END = 7, /**< it ended, and all of `part` is known */
    MK_MESSAGE_DEFECT = 8,   /**< what is odd */
    MK_MESSAGE_END = 9       /**< nothing follows but MK_END */
} mk_message_event_type;

/** One event. All that it points to lives until the next mk_message_step. */
typedef struct mk_message_event {
    uint32_t type;       /**< a mk_message_event_type */
    const mk_part *part; /**< the part that it belongs to; NULL at the end */
    uint64_t offset;     /**< where in the message */
    mk_str data;       /**< FIELD: all its octets; DATA, PREAMBLE, EPILOGUE: the
                            run */
    mk_field field;    /**< FIELD: offset counts from the message's start */
    mk_defect defect;  /**< DEFECT: likewise */
    mk_str media_type; /**< BODY: "text/plain" as written, or the default */
    mk_str charset_label; /**< BODY: as written; empty when there is none */
    mk_str boundary;      /**< BODY: of a multipart */
} mk_message_event;

/** The octets that a parser needs.
 *
 * @param config  the limits; NULL for the defaults.
 * @return octets; 19 KiB by default, 8 KiB with a max_depth of 32. */
MK_API size_t mk_message_need(const mk_message_config *config);

/** Begin to parse.
 *
 * @param config       the limits, copied; NULL for the defaults.
 * @param mem          memory aligned for any type; the caller's, in use until
 *                     he lets the parser be: there is nothing to close.
 * @param n            octets of mem.
 * @param out_message  written on success.
 * @return MK_OK; MK_E_ROOM when n is less than mk_message_need; MK_E_ARG when
 *         a limit is 0 or of no sense. */
MK_API mk_err mk_message_open(const mk_message_config *config, void *mem,
                              size_t n, mk_message **out_message);

/** Advance by at most one event.
 *
 * Fields are consumed whole, bodies in runs, the beginning of a line that may
 * be a delimiter is left. What is left must be offered again, contiguous, with
 * more octets behind it. The same octets give the same events however they are
 * cut, but for the lengths of runs.
 *
 * A line is a delimiter when it begins with "--", the boundary, and then white
 * space, a line end or "--" and one of these (RFC 2046 5.1.1); of several
 * boundaries the longest counts, of equal ones the innermost.
 *
 * @param message    the parser.
 * @param io_in      the unconsumed octets; advanced by what was consumed.
 * @param out_event  written when MK_OK is returned.
 * @return MK_OK: an event was written; MK_WAIT: nothing until there are more
 *         octets, or mk_message_in_eof; MK_END: the message is over. */
MK_API mk_err mk_message_step(mk_message *message, mk_str *io_in,
                              mk_message_event *out_event);

/** Tell that no more octets come than are offered in the next steps.
 *
 * @param message  the parser. */
MK_API void mk_message_in_eof(mk_message *message);

/** The most octets that a parser may need contiguous at once.
 *
 * @param message  the parser.
 * @return octets: a little more than max_field_bytes. */
MK_API size_t mk_message_in_max(const mk_message *message);

/* ---- bodies decoded ------------------------------------------------------ */

/** A decoder of a body's transfer encoding; defects and is_cut are for
 *  readers. */
typedef struct mk_transfer {
    uint64_t defects; /**< faults passed over so far */
    uint8_t encoding, state, due, place;
    bool stops;  /**< what is no base64 ends the body (MK_READING_STOP); false,
                      and may be set behind mk_transfer_init */
    bool is_cut; /**< the budget was spent: octets were dropped */
    uint32_t bits;
    mk_budget *budget; /**< what may come out, lent; NULL for as much as went
                            in, and may be set behind mk_transfer_init */
    union {
        mk_base64_decoder base64;
        mk_qp_decoder qp;
    } of;
} mk_transfer;

/** Start to decode.
 *
 * @param t         written.
 * @param encoding  of the body; an unknown one gives it as it stands. */
MK_API void mk_transfer_init(mk_transfer *t, mk_encoding encoding);

/** Decode what is there.
 *
 * The rule of codec.h. Never fails on input and never gives more octets than
 * went in. Of uuencode only the files count, one behind the other: the text
 * around them is passed over. When the budget is spent what would come out is
 * dropped. It never unpacks what it decoded, nor puts pieces together.
 *
 * @param t      the decoder.
 * @param io_in  octets of a body, cut anywhere; moved past what was taken.
 * @param out    decoded octets are appended.
 * @return MK_WAIT or MK_E_ROOM. RFC 2045 6. */
MK_API mk_err mk_transfer_decode(mk_transfer *t, mk_str *io_in, mk_buf *out);

/** Say that no more input follows.
 *
 * @param t    the decoder.
 * @param out  what was undecided is appended.
 * @return MK_OK, or MK_E_ROOM: call again with room. */
MK_API mk_err mk_transfer_decode_finish(mk_transfer *t, mk_buf *out);

/** A decoder of text: a transfer encoding and a character set at once; only
 *  `transfer.defects` and `charset.defects` are for readers. */
typedef struct mk_text_decoder {
    mk_transfer transfer;
    mk_charset_decoder charset;
    uint32_t at, len; /* of what is between the two */
    bool ended;
    char between[512];
} mk_text_decoder;

/** Start to decode text.
 *
 * @param d         written, whatever is returned.
 * @param encoding  of the body.
 * @param charset   of the text; MK_CHARSET_NONE is read as US-ASCII.
 * @param table     for the sets that are not built in, or NULL; borrowed.
 * @return as mk_charset_decoder_init. */
MK_API mk_err mk_text_decoder_init(mk_text_decoder *d, mk_encoding encoding,
                                   mk_charset charset,
                                   const mk_charset_table *table);

/** Decode what is there; the rule of codec.h.
 *
 * @param d      the decoder.
 * @param io_in  octets of a body, cut anywhere; moved past what was taken.
 * @param out    UTF-8 is appended.
 * @return MK_WAIT or MK_E_ROOM. */
MK_API mk_err mk_text_decode(mk_text_decoder *d, mk_str *io_in, mk_buf *out);

/** Say that no more input follows.
 *
 * @param d    the decoder.
 * @param out  what was undecided is appended.
 * @return MK_OK, or MK_E_ROOM: call again with room. */
MK_API mk_err mk_text_decode_finish(mk_text_decoder *d, mk_buf *out);

/** Give back what the table took.
 *
 * @param d  a decoder that was started; may be given twice. */
MK_API void mk_text_decoder_fini(mk_text_decoder *d);

/* ---- text that flows ------------------------------------------------------
 */

/** A decoder of format=flowed; no field is for readers. */
typedef struct mk_flowed {
    uint64_t marks; /* quote marks of this line */
    uint64_t depth; /* those of the paragraph */
    uint64_t owed_marks;
    uint8_t state, seen;
    uint8_t end_len; /* octets of the line end that may be soft */
    uint8_t owed_at, owed_len, marks_at;
    bool is_delsp, is_stuffed, is_flowing, has_space, has_cr;
    char owed[12];
} mk_flowed;

/** Start to decode.
 *
 * @param d         written.
 * @param is_delsp  delsp=yes: the space that a line flows with is taken off
 *                  (MK_PART_DELSP). */
MK_API void mk_flowed_init(mk_flowed *d, bool is_delsp);

/** Join the lines of each paragraph.
 *
 * The rule of codec.h. A line that ends with a space goes on in the next one
 * when that has as many quote marks and is no "-- " of a signature; the marks
 * of that one, and the space that a line is stuffed with, are taken off. At
 * the beginning of a paragraph the marks stay, and the space behind them. Line
 * ends are CRLF, or LF as stored files have it. Never fails on input and never
 * gives more octets than went in.
 *
 * @param d      the decoder.
 * @param io_in  text of which US-ASCII is a part, such as UTF-8, cut anywhere;
 *               moved past what was taken.
 * @param out    text is appended.
 * @return MK_WAIT or MK_E_ROOM. RFC 3676 4. */
MK_API mk_err mk_flowed_decode(mk_flowed *d, mk_str *io_in, mk_buf *out);

/** Say that no more input follows.
 *
 * @param d    the decoder.
 * @param out  what was undecided is appended.
 * @return MK_OK, or MK_E_ROOM: call again with room. */
MK_API mk_err mk_flowed_decode_finish(mk_flowed *d, mk_buf *out);

/* ---- binary parts recoded -------------------------------------------------
 */

/** Turns a message with binary parts (RFC 3030) into one of lines: what is
 *  labelled `binary` becomes base64, all else is copied octet for octet. */
typedef struct mk_recode mk_recode;

/** The octets that recoding needs.
 *
 * @param config  the limits; NULL for the defaults.
 * @return octets. */
MK_API size_t mk_recode_need(const mk_message_config *config);

/** Begin to recode.
 *
 * @param config      the limits, copied; NULL for the defaults.
 * @param mem         memory aligned for any type; the caller's, in use until
 *                    he lets it be: there is nothing to close.
 * @param n           octets of mem.
 * @param out_recode  written on success.
 * @return as mk_message_open. */
MK_API mk_err mk_recode_open(const mk_message_config *config, void *mem,
                             size_t n, mk_recode **out_recode);

/** Go on.
 *
 * A part labelled binary is labelled base64 where its header ends, or 8bit when
 * it holds others (RFC 2045 6.4). What comes out ends with CRLF.
 *
 * @param recode  from mk_recode_open.
 * @param io_in   the unconsumed octets; advanced by what was consumed. What is
 *                left must be offered again, contiguous, with more behind it.
 * @param out     what comes out is appended; at least 64 octets of room.
 * @return MK_WAIT: nothing until there are more octets, or mk_recode_in_eof;
 *         MK_E_ROOM: again with room; MK_END: that was all; or why it cannot
 *         be, for ever: MK_E_BARE: a bare CR, a bare LF or a NUL in what is
 *         not binary; MK_E_UNSUPPORTED: it is signed (RFC 1847 2.1), partial,
 *         or of parts that are not found; MK_E_SYNTAX: a part is labelled
 *         twice; MK_E_LIMIT: beyond a limit of the config. */
MK_API mk_err mk_recode_step(mk_recode *recode, mk_str *io_in, mk_buf *out);

/** Tell that no more octets come than are offered in the next steps.
 *
 * @param recode  from mk_recode_open. */
MK_API void mk_recode_in_eof(mk_recode *recode);

/** The most octets that it may need contiguous at once.
 *
 * @param recode  from mk_recode_open.
 * @return octets: a little more than max_field_bytes. */
MK_API size_t mk_recode_in_max(const mk_recode *recode);

/* ---- the view ------------------------------------------------------------ */

/** What a part is to a mail reader (RFC 8621 4.1.4). */
typedef enum mk_use {
    MK_USE_TEXT = 1,      /**< shown by a reader of plain text */
    MK_USE_HTML = 2,      /**< shown by a reader of HTML */
    MK_USE_ATTACHMENT = 4 /**< listed beside it */
} mk_use;

/** A part of a view. */
typedef struct mk_view_part {
    mk_part part;
    uint32_t first_field; /**< of its header */
    uint32_t field_count;
    uint32_t sibling;     /**< the next part of the same parent, or none */
    uint32_t first_child; /**< or MK_PART_NONE */
    uint32_t uses;        /**< mk_use, or'ed */
} mk_view_part;

/** An index of a message that lies in memory; for readers. All of it is views
 *  into the message and arrays in the block. */
typedef struct mk_view {
    mk_str message;
    const mk_view_part *parts; /**< in the order of their beginning */
    uint32_t part_count;
    const mk_field *fields; /**< of all parts, in their order */
    uint32_t field_count;
    const mk_defects *defects; /**< what is odd in structure and fields */
    uint32_t reading;          /**< as configured */
    mk_budget *budget;         /**< for mk_view_decode and mk_view_text; in the
                                    block */
    size_t need;               /**< octets of block that hold all of it */
    bool is_cut;               /**< the block held less: parts and fields
                                    behind the last are missing */
} mk_view;

/** The least octets of a block; what is beyond holds parts and fields, some 100
 *  octets each.
 *
 * @param config  the limits; NULL for the defaults.
 * @return octets. */
MK_API size_t mk_view_need(const mk_message_config *config);

/** Look at a message.
 *
 * There is always a tree: when the block is too small for all of it, is_cut is
 * set and `need` says how large it would have to be.
 *
 * @param message   the whole of it, lent while the view is in use; lines end
 *                  with CRLF, or with LF as stored files have it.
 * @param config    the limits; NULL for the defaults.
 * @param mem       memory aligned for any type; the caller's, in use as long
 *                  as the view: there is nothing to close.
 * @param n         octets of mem.
 * @param out_view  written on success.
 * @return MK_OK; MK_E_ROOM when n is less than mk_view_need; MK_E_ARG as
 *         mk_message_open. */
MK_API mk_err mk_view_open(mk_str message, const mk_message_config *config,
                           void *mem, size_t n, mk_view *out_view);

/** The first field of a part's header that has a name.
 *
 * @param view  the view.
 * @param part  the number of a part.
 * @param id    the field; MK_FIELD_OTHER finds nothing.
 * @return the field; NULL when there is none. */
MK_API const mk_field *mk_view_field(const mk_view *view, uint32_t part,
                                     mk_field_id id);

/** The octets of a part's header, with the empty line.
 *
 * @param view  the view.
 * @param part  the number of a part; beyond the last it is empty.
 * @return a view into the message. */
MK_API mk_str mk_view_header(const mk_view *view, uint32_t part);

/** The octets of a part's body as they stand.
 *
 * @param view  the view.
 * @param part  the number of a part; beyond the last it is empty.
 * @return a view into the message. */
MK_API mk_str mk_view_body(const mk_view *view, uint32_t part);

/** Decode a part's body from its transfer encoding.
 *
 * @param view         the view.
 * @param part         the number of a part; of one with parts the body is
 *                     given as it stands.
 * @param out          the octets are appended, as much as fits.
 * @param out_defects  faults passed over; may be NULL; written in any case.
 * @return MK_OK; MK_E_ROOM with out->full set; MK_E_LIMIT: the budget is spent,
 *         what it allowed was appended. */
MK_API mk_err mk_view_decode(const mk_view *view, uint32_t part, mk_buf *out,
                             uint64_t *out_defects);

/** How many octets mk_view_decode gives, by decoding without keeping.
 *
 * @param view  the view.
 * @param part  the number of a part.
 * @return octets. */
MK_API uint64_t mk_view_decoded_length(const mk_view *view, uint32_t part);

/** A part's text in UTF-8, of the character set that its octets can be of
 *  (mk_charset_look_choose), line ends as they stand.
 *
 * @param view         the view.
 * @param part         the number of a part.
 * @param table        for the sets that are not built in, or NULL.
 * @param out          UTF-8 is appended, as much as fits.
 * @param out_charset  the set it was read as; may be NULL; written in any
 *                     case.
 * @param defects      of the group CHARSET, from the message's beginning; or
 *                     NULL.
 * @return MK_OK, or MK_E_ROOM with out->full set; MK_E_LIMIT as
 *         mk_view_decode; MK_E_UNSUPPORTED or MK_E_MEMORY: it was read as
 *         US-ASCII. */
MK_API mk_err mk_view_text(const mk_view *view, uint32_t part,
                           const mk_charset_table *table, mk_buf *out,
                           mk_charset *out_charset, mk_defects *defects);

/** The next part of a use, in the order in which it is shown.
 *
 * A message within the message is one part of it, an attachment; its own parts
 * have their uses in it.
 *
 * @param view    the view.
 * @param root    0; or, for a message within, the only child of the part that
 *                holds it.
 * @param wanted  one mk_use.
 * @param after   the number of the one before; MK_PART_NONE for the first.
 * @return the number of a part; MK_PART_NONE when there is none. */
MK_API uint32_t mk_view_next(const mk_view *view, uint32_t root, mk_use wanted,
                             uint32_t after);

/* ---- all readings --------------------------------------------------------
 */

/** A walk over the readings of a message; no field is for readers. */
typedef struct mk_readings {
    uint64_t done[4]; /* a bit for each reading that was given */
    uint32_t mask;    /* of those that make a difference */
} mk_readings;

/** Begin to walk.
 *
 * @param it  written. */
MK_API void mk_readings_init(mk_readings *it);

/** The next way in which some reader may read a message.
 *
 * For who looks for what some other program will see: open a view by each
 * reading (mk_message_config.reading) and look at all parts of each. The first
 * is 0, how the library reads it; a message that is not ambiguous has no
 * other. Which can differ is told by the defects of the views, and by what
 * stands in their base64. When a multipart has no end, or no boundary, some
 * take its body for text: that is mk_view_body of it, in each view. Readers
 * that take a CR alone for a line end are not among them: such a message is
 * best refused (MK_DEFECT_HEADER_BARE_CR).
 *
 * @param it           the walk.
 * @param view         a view by the reading that was given last; NULL before
 *                     the first.
 * @param out_reading  written when there is one: mk_reading, or'ed.
 * @return true; false at the end, after at most 128. */
MK_API bool mk_readings_next(mk_readings *it, const mk_view *view,
                             uint32_t *out_reading);

MK_EXTERN_C_END
#endif
