/* SPDX-License-Identifier: MIT
 *
 * charset.h: character sets of mail to UTF-8 (RFC 3629). Built in are US-ASCII,
 * UTF-8, UTF-16 (RFC 2781), UTF-7 (RFC 2152) and the single-octet sets; those
 * of several octets (Shift_JIS, GB18030 …) come through a table of functions.
 * Labels are taken as mail has them: in any case, by many names, with odd
 * punctuation. It refuses to fail: what is not valid becomes U+FFFD and is
 * counted, and no label is believed against the evidence if the caller asks.
 */
#ifndef MAILKIT_CHARSET_H
#define MAILKIT_CHARSET_H

#include <mailkit/base.h>

MK_EXTERN_C_BEGIN

/** A character set. Windows sets stand in for the ISO ones that they extend
 *  (1252 for 8859-1, 1254 for 8859-9, 874 for 8859-11), since mail labels
 *  the one and sends the other. */
typedef enum mk_charset {
    MK_CHARSET_NONE = 0, /**< unknown */
    MK_CHARSET_US_ASCII = 1,
    MK_CHARSET_UTF_8 = 2,
    MK_CHARSET_UTF_16 = 3, /**< by its mark, else big-endian (RFC 2781 4.3) */
    MK_CHARSET_UTF_16BE = 4,
    MK_CHARSET_UTF_16LE = 5,
    MK_CHARSET_UTF_7 = 6,
    MK_CHARSET_ISO_8859_1 = 7,
    MK_CHARSET_ISO_8859_2 = 8,
    MK_CHARSET_ISO_8859_3 = 9,
    MK_CHARSET_ISO_8859_4 = 10,
    MK_CHARSET_ISO_8859_5 = 11,
    MK_CHARSET_ISO_8859_6 = 12,
    MK_CHARSET_ISO_8859_7 = 13,
    MK_CHARSET_ISO_8859_8 = 14,
    MK_CHARSET_ISO_8859_9 = 15,
    MK_CHARSET_ISO_8859_10 = 16,
    MK_CHARSET_ISO_8859_13 = 17,
    MK_CHARSET_ISO_8859_14 = 18,
    MK_CHARSET_ISO_8859_15 = 19,
    MK_CHARSET_ISO_8859_16 = 20,
    MK_CHARSET_WINDOWS_874 = 21,
    MK_CHARSET_WINDOWS_1250 = 22,
    MK_CHARSET_WINDOWS_1251 = 23,
    MK_CHARSET_WINDOWS_1252 = 24,
    MK_CHARSET_WINDOWS_1253 = 25,
    MK_CHARSET_WINDOWS_1254 = 26,
    MK_CHARSET_WINDOWS_1255 = 27,
    MK_CHARSET_WINDOWS_1256 = 28,
    MK_CHARSET_WINDOWS_1257 = 29,
    MK_CHARSET_WINDOWS_1258 = 30,
    MK_CHARSET_KOI8_R = 31,
    MK_CHARSET_KOI8_U = 32,
    MK_CHARSET_IBM437 = 33,
    MK_CHARSET_IBM850 = 34,
    MK_CHARSET_IBM852 = 35,
    MK_CHARSET_IBM866 = 36,
    MK_CHARSET_MACINTOSH = 37,
    MK_CHARSET_MAC_CYRILLIC = 38,
    MK_CHARSET_GB18030 = 39, /**< this one and those below need a table */
    MK_CHARSET_BIG5 = 40,
    MK_CHARSET_EUC_JP = 41,
    MK_CHARSET_ISO_2022_JP = 42,
    MK_CHARSET_SHIFT_JIS = 43,
    MK_CHARSET_EUC_KR = 44,
    MK_CHARSET_ISO_2022_KR = 45
} mk_charset;

/** How many there are, MK_CHARSET_NONE among them. */
#define MK_CHARSET_COUNT 46

/** The character set of a label (WHATWG Encoding 4.2, the IANA registry).
 *
 * Only letters and digits count, in either case: "ISO_8859-1", "iso8859-1" and
 * "Iso 8859 1" are the same.
 *
 * @param label  any octets; more than 64 of them name nothing.
 * @return the set, or MK_CHARSET_NONE. */
MK_API mk_charset mk_charset_parse(mk_str label);

/** The preferred MIME name of a character set.
 *
 * @param charset  any value.
 * @return "utf-8", "iso-8859-1" …, in lower case; empty when unknown. Static.
 */
MK_API mk_str mk_charset_name(mk_charset charset);

/* ---- sets from elsewhere ------------------------------------------------- */

/** Octets that a foreign decoder may leave undecided at the end of a piece. */
#define MK_CHARSET_HELD_MAX 8

/** Decoders for the sets that are not built in. */
typedef struct mk_charset_table {
    void *self;
    /** Begin to decode a set. @return MK_OK and the state of one decoder;
     *  MK_E_UNSUPPORTED; MK_E_MEMORY. */
    mk_err (*open)(void *self, mk_charset charset, void **out_state);
    /** Decode: move io_in past what was taken, append UTF-8 to out, whole
     *  characters only. @return MK_WAIT: all was taken but fewer than
     *  MK_CHARSET_HELD_MAX octets that may begin a character; MK_E_ROOM: the
     *  next character does not fit, out->full is not set; MK_E_SYNTAX: io_in
     *  is at an octet that begins no character. */
    mk_err (*decode)(void *self, void *state, mk_str *io_in, mk_buf *out);
    /** End what open began. */
    void (*close)(void *self, void *state);
} mk_charset_table;

/** The system's iconv as a table.
 *
 * @return static; NULL when the library was built without it. */
MK_API const mk_charset_table *mk_charset_table_iconv(void);

/* ---- decoding ------------------------------------------------------------ */

/** A decoder to UTF-8; only defects is for readers. */
typedef struct mk_charset_decoder {
    uint64_t defects; /**< characters that became U+FFFD so far */
    const mk_charset_table *table;
    void *state;
    uint32_t bits;           /* UTF-7: not yet a unit; UTF-8: the character */
    uint16_t high;           /* UTF-16: a high surrogate that waits */
    uint8_t charset, kind;   /* what it is, how it is read */
    uint8_t mode, bit_count; /* UTF-7, UTF-16; UTF-8: octets due */
    uint8_t low, top;        /* UTF-8: what the next octet may be */
    uint8_t held_len, out_at, out_len;
    unsigned char held[MK_CHARSET_HELD_MAX];
    char out[16];
} mk_charset_decoder;

/** Start a decoder.
 *
 * Where memory is needed the table takes it, and mk_charset_decoder_fini gives
 * it back; the built-in sets need none.
 *
 * @param d        written, whatever is returned.
 * @param charset  what the octets are said to be.
 * @param table    for the sets that are not built in, or NULL; borrowed.
 * @return MK_OK; MK_E_UNSUPPORTED or MK_E_MEMORY: the decoder works as one of
 *         US-ASCII. */
MK_API mk_err mk_charset_decoder_init(mk_charset_decoder *d, mk_charset charset,
                                      const mk_charset_table *table);

/** Decode what is there.
 *
 * The rule of codec.h: MK_WAIT when all of io_in was taken, MK_E_ROOM when out
 * has no octet of room left; a character may be cut by the end of out and goes
 * on in the next. Each ill-formed sequence becomes one U+FFFD (maximal
 * subparts, Unicode 3.9). At most three octets come out for one that went in.
 *
 * @param d      the decoder.
 * @param io_in  octets, cut anywhere; moved past what was taken.
 * @param out    UTF-8 is appended.
 * @return MK_WAIT or MK_E_ROOM. */
MK_API mk_err mk_charset_decode(mk_charset_decoder *d, mk_str *io_in,
                                mk_buf *out);

/** Say that no more input follows: a cut character becomes U+FFFD.
 *
 * @param d    the decoder.
 * @param out  what was undecided is appended.
 * @return MK_OK, or MK_E_ROOM: call again with room. */
MK_API mk_err mk_charset_decode_finish(mk_charset_decoder *d, mk_buf *out);

/** Give back what the table took.
 *
 * @param d  a decoder that was started; may be given twice. */
MK_API void mk_charset_decoder_fini(mk_charset_decoder *d);

/** Decode one whole text.
 *
 * @param charset      what it is said to be.
 * @param table        for the sets that are not built in, or NULL.
 * @param octets       the text.
 * @param out          UTF-8 is appended, as much as fits.
 * @param out_defects  characters that became U+FFFD; may be NULL; written in
 *                     any case.
 * @return MK_OK; MK_E_ROOM with out->full set and whole characters appended;
 *         MK_E_UNSUPPORTED or MK_E_MEMORY: it was read as US-ASCII. */
MK_API mk_err mk_charset_convert(mk_charset charset,
                                 const mk_charset_table *table, mk_str octets,
                                 mk_buf *out, uint64_t *out_defects);

/* ---- labels that are wrong ----------------------------------------------- */

/** What octets look like, whatever their label says; fields are for readers. */
typedef struct mk_charset_look {
    uint64_t high;      /**< octets above 127 */
    uint64_t sequences; /**< characters of UTF-8 that have several octets */
    uint64_t clear;     /**< of them, those that no Latin text is by chance */
    uint64_t faults;    /**< ill-formed sequences, were it UTF-8 */
    uint32_t bits;
    uint8_t due, low, top;
} mk_charset_look;

/** Start to look.
 *
 * @param look  written. */
MK_API void mk_charset_look_init(mk_charset_look *look);

/** Look at what is there.
 *
 * @param look    the look so far.
 * @param octets  transfer-decoded octets, cut anywhere. */
MK_API void mk_charset_look_at(mk_charset_look *look, mk_str octets);

/** The character set that a reader should use (wrong-label repair).
 *
 * A label is overruled only when it cannot be true: eight-bit octets under
 * us-ascii or under no label are UTF-8 when they are well-formed, else
 * windows-1252; "utf-8" over text without one well-formed character of several
 * octets, but with ill-formed ones, is windows-1252; and well-formed UTF-8
 * under iso-8859-1 or windows-1252 is UTF-8, when it would be nonsense there:
 * letters with an accent that each have a sign behind them.
 *
 * @param look   all octets of the text were looked at.
 * @param label  what the text is said to be; MK_CHARSET_NONE for nothing.
 * @return label, or the set that repairs it. */
MK_API mk_charset mk_charset_look_choose(const mk_charset_look *look,
                                         mk_charset label);

MK_EXTERN_C_END
#endif
