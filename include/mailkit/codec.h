/* SPDX-License-Identifier: MIT
 *
 * codec.h: base64 (RFC 4648 §4, RFC 2045 §6.8), quoted-printable (RFC 2045
 * §6.7) and hexadecimal, each way, resumable at every octet of input and of
 * output. The states are small structs of the caller; nothing allocates, and
 * no text is judged by its character set.
 */
#ifndef MAILKIT_CODEC_H
#define MAILKIT_CODEC_H

#include <mailkit/base.h>

MK_EXTERN_C_BEGIN

/* All the streaming calls share one rule. They move io_in past what they
 * took, append to out, and return MK_WAIT when all of io_in was taken (give
 * more, or call ..._finish), or MK_E_ROOM when out has no octet of room left
 * for what comes now: empty out or take another, and call again with the
 * rest of io_in. MK_E_ROOM loses nothing and does not set out->full. A buffer
 * whose full is already set takes nothing. ..._finish is repeated in the same
 * way until it does not return MK_E_ROOM; then the state must be initialised
 * anew. */

/* ---- base64 ---------------------------------------------------------------
 */

/** How a base64 decoder takes octets outside the grammar. */
typedef enum mk_base64_mode {
    /** One clean text as in SASL: junk, line ends, wrong lengths and non-zero
     *  pad bits are errors (RFC 4648 §3.3, §3.5). */
    MK_BASE64_STRICT = 1,
    /** A MIME body: all is decoded that can be, line ends and white space are
     *  skipped, everything else wrong is skipped and counted. */
    MK_BASE64_MIME = 2
} mk_base64_mode;

/** A base64 decoder; only defects is for readers. */
typedef struct mk_base64_decoder {
    uint64_t defects; /**< MIME mode: faults passed over so far */
    uint32_t bits;
    uint8_t mode, place, state;
} mk_base64_decoder;

/** A base64 encoder; no field is for readers. */
typedef struct mk_base64_encoder {
    uint32_t bits;
    uint8_t bit_count, line_chars, column, place;
} mk_base64_encoder;

/** Start a base64 decoder.
 *
 * @param d     written.
 * @param mode  what to do with malformed input. */
MK_API void mk_base64_decoder_init(mk_base64_decoder *d, mk_base64_mode mode);

/** Decode what is there.
 *
 * At most three octets come out for four octets that went in. In strict mode
 * octets may have been appended before the error is found: throw them away.
 *
 * @param d      the decoder.
 * @param io_in  encoded octets, cut anywhere; moved past what was taken.
 * @param out    decoded octets are appended.
 * @return MK_WAIT; MK_E_ROOM; in strict mode MK_E_SYNTAX, with io_in at the
 *         octet that is wrong: it is the answer of every later call, too. */
MK_API mk_err mk_base64_decode(mk_base64_decoder *d, mk_str *io_in,
                               mk_buf *out);

/** Say that no more input follows.
 *
 * @param d  the decoder.
 * @return MK_OK; in strict mode MK_E_SYNTAX when the text is cut or was
 *         wrong before. In MIME mode a cut end is counted in d->defects. */
MK_API mk_err mk_base64_decode_finish(mk_base64_decoder *d);

/** Start a base64 encoder.
 *
 * @param e           written on success.
 * @param line_chars  0 for one line without end (SASL), or a multiple of 4 up
 *                    to 76 (RFC 2045 §6.8): CRLF is put between lines, none
 *                    behind the last.
 * @return MK_OK or MK_E_ARG. */
MK_API mk_err mk_base64_encoder_init(mk_base64_encoder *e, unsigned line_chars);

/** Encode what is there.
 *
 * @param e      the encoder.
 * @param io_in  any octets, cut anywhere; moved past what was taken.
 * @param out    encoded text is appended.
 * @return MK_WAIT or MK_E_ROOM. */
MK_API mk_err mk_base64_encode(mk_base64_encoder *e, mk_str *io_in,
                               mk_buf *out);

/** Write the last group with its padding.
 *
 * @param e    the encoder.
 * @param out  encoded text is appended.
 * @return MK_OK, or MK_E_ROOM: call again with room. */
MK_API mk_err mk_base64_encode_finish(mk_base64_encoder *e, mk_buf *out);

/** Decode one whole text in strict mode.
 *
 * @param text  base64 with its padding; empty gives nothing.
 * @param out   decoded octets are appended, or nothing on failure.
 * @return MK_OK; MK_E_SYNTAX; MK_E_ROOM with out->full set. */
MK_API mk_err mk_base64_parse(mk_str text, mk_buf *out);

/** Encode octets as one line of base64.
 *
 * @param octets  any octets.
 * @param out     4 * ceil(n / 3) characters are appended, or nothing.
 * @return MK_OK, or MK_E_ROOM with out->full set. */
MK_API mk_err mk_base64_format(mk_str octets, mk_buf *out);

/* ---- quoted-printable -----------------------------------------------------
 */

/** Undecided octets that a quoted-printable decoder may hold: white space
 *  that may turn out to end a line. */
#define MK_QP_HELD_MAX 80

/** A quoted-printable decoder; only defects is for readers. */
typedef struct mk_qp_decoder {
    uint64_t defects; /**< faults passed over so far */
    uint8_t held_len, flush_at, flushing;
    char held[MK_QP_HELD_MAX];
} mk_qp_decoder;

/** Whether line ends of the input are line ends of the text. */
typedef enum mk_qp_mode {
    MK_QP_TEXT = 1,  /**< CRLF stays a line end; a bare CR or LF is encoded */
    MK_QP_BINARY = 2 /**< every CR and LF is encoded (RFC 2045 §6.7 (4)) */
} mk_qp_mode;

/** A quoted-printable encoder; no field is for readers. */
typedef struct mk_qp_encoder {
    uint8_t mode, column, has_held, queue_len, queue_at;
    unsigned char held;
    char queue[6];
} mk_qp_encoder;

/** Start a quoted-printable decoder.
 *
 * @param d  written. */
MK_API void mk_qp_decoder_init(mk_qp_decoder *d);

/** Decode what is there.
 *
 * Never fails on input. Line ends (CRLF, or LF as stored files have it) are
 * kept as they are, white space before them is removed, soft line breaks
 * vanish. Passed on as they stand and counted as defects: "=" that no two
 * hexadecimal digits follow, a bare CR, control octets, octets above 126, and
 * more white space in a row than MK_QP_HELD_MAX. Lower-case digits are decoded
 * and counted. Never more octets come out than went in.
 *
 * @param d      the decoder.
 * @param io_in  encoded octets, cut anywhere; moved past what was taken.
 * @param out    decoded octets are appended.
 * @return MK_WAIT or MK_E_ROOM. RFC 2045 §6.7. */
MK_API mk_err mk_qp_decode(mk_qp_decoder *d, mk_str *io_in, mk_buf *out);

/** Say that no more input follows.
 *
 * White space at the end is removed; a cut soft line break is dropped and a
 * cut "=4" is passed on, each counted as a defect.
 *
 * @param d    the decoder.
 * @param out  what was undecided is appended.
 * @return MK_OK, or MK_E_ROOM: call again with room. */
MK_API mk_err mk_qp_decode_finish(mk_qp_decoder *d, mk_buf *out);

/** Start a quoted-printable encoder.
 *
 * @param e     written.
 * @param mode  what CRLF means. */
MK_API void mk_qp_encoder_init(mk_qp_encoder *e, mk_qp_mode mode);

/** Encode what is there.
 *
 * Lines have at most 76 characters before CRLF; white space never ends one.
 *
 * @param e      the encoder.
 * @param io_in  any octets, cut anywhere; moved past what was taken.
 * @param out    encoded text is appended.
 * @return MK_WAIT or MK_E_ROOM. RFC 2045 §6.7. */
MK_API mk_err mk_qp_encode(mk_qp_encoder *e, mk_str *io_in, mk_buf *out);

/** Write what was undecided; no line end is added.
 *
 * @param e    the encoder.
 * @param out  encoded text is appended.
 * @return MK_OK, or MK_E_ROOM: call again with room. */
MK_API mk_err mk_qp_encode_finish(mk_qp_encoder *e, mk_buf *out);

/* ---- hexadecimal ----------------------------------------------------------
 */

/** A hexadecimal decoder; no field is for readers. */
typedef struct mk_hex_decoder {
    uint8_t high, has_high, failed;
} mk_hex_decoder;

/** A hexadecimal encoder; no field is for readers. */
typedef struct mk_hex_encoder {
    uint8_t upper, low, has_low;
} mk_hex_encoder;

/** Start a hexadecimal decoder.
 *
 * @param d  written. */
MK_API void mk_hex_decoder_init(mk_hex_decoder *d);

/** Decode pairs of hexadecimal digits of either case and nothing else.
 *
 * @param d      the decoder.
 * @param io_in  digits, cut anywhere; moved past what was taken.
 * @param out    decoded octets are appended.
 * @return MK_WAIT; MK_E_ROOM; MK_E_SYNTAX with io_in at the octet that is
 *         wrong: it is the answer of every later call, too. */
MK_API mk_err mk_hex_decode(mk_hex_decoder *d, mk_str *io_in, mk_buf *out);

/** Say that no more input follows.
 *
 * @param d  the decoder.
 * @return MK_OK; MK_E_SYNTAX when half an octet is left or it failed before. */
MK_API mk_err mk_hex_decode_finish(mk_hex_decoder *d);

/** Start a hexadecimal encoder.
 *
 * @param e      written.
 * @param upper  true for A-F, false for a-f. */
MK_API void mk_hex_encoder_init(mk_hex_encoder *e, bool upper);

/** Encode each octet as two hexadecimal digits.
 *
 * There is no finish: MK_WAIT means that all digits were written.
 *
 * @param e      the encoder.
 * @param io_in  any octets, cut anywhere; moved past what was taken.
 * @param out    digits are appended.
 * @return MK_WAIT or MK_E_ROOM. */
MK_API mk_err mk_hex_encode(mk_hex_encoder *e, mk_str *io_in, mk_buf *out);

MK_EXTERN_C_END
#endif
