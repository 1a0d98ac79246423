/* SPDX-License-Identifier: MIT
 *
 * wire/frame.h: cuts a byte stream into units, in all modes that mail needs.
 * The framer keeps no bytes, only how far it has looked, so that feeding byte
 * by byte stays linear. It decides what ends a unit, and nothing else: what a
 * defect means is the machine's to say. RFC 5321 2.3.8 and 4.5.2 (dot-body),
 * RFC 1939 3, RFC 9051 2.2 and 4.3 (lines and literals), RFC 3030 2 and 3
 * (counted, as text or as octets).
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <mailkit/base.h>

typedef enum frame_mode {
    FRAME_LINE = 0,    /* to CRLF */
    FRAME_NUL = 1,     /* to NUL (clamd's z replies) */
    FRAME_DOT = 2,     /* to CRLF.CRLF, unstuffed */
    FRAME_COUNT = 3,   /* `left` octets, then FRAME_END */
    FRAME_LITERAL = 4, /* `left` octets, then the line goes on */
    FRAME_EOF = 5,     /* to the end of the stream */
    FRAME_PIECES = 6,  /* a line as it comes: DATA, `left` octets at most, then
                        * LINE without data, or SWALLOWED when it was longer */
    FRAME_TEXT = 7     /* COUNT, but it is a part of a text, judged as DOT does;
                        * lines go on from one part to the next */
} frame_mode;

typedef enum frame_kind {
    FRAME_KIND_LINE = 1,      /* data without its end; look at `bare` */
    FRAME_KIND_LONG = 2,      /* a line reached its limit: data is its
                               * beginning, the rest will be swallowed */
    FRAME_KIND_SWALLOWED = 3, /* the over-long line ended */
    FRAME_KIND_FLOOD = 4,     /* discard_max was swallowed without an end */
    FRAME_KIND_DATA = 5,      /* a run of body */
    FRAME_KIND_END = 6        /* the body is complete */
} frame_kind;

/* What was wrong with a dot-body or a text, or-ed. */
typedef enum frame_defect {
    FRAME_DEFECT_BARE = 1, /* a bare CR, a bare LF or a NUL */
    FRAME_DEFECT_LONG = 2  /* a line beyond text_line_max */
} frame_defect;

typedef struct frame_unit {
    frame_kind kind;
    bool bare;   /* LINE, SWALLOWED in PIECES: it ended with LF alone */
    mk_str data; /* into the input, or static (a repair) */
} frame_unit;

typedef struct mk_framer {
    uint64_t consumed;      /* octets of input consumed in all */
    uint64_t left;          /* COUNT, LITERAL, TEXT: octets to come; PIECES:
                             * that may come; LINE: swallowed */
    uint32_t line_max;      /* of a line with its end */
    uint32_t discard_max;   /* of an over-long line */
    uint32_t text_line_max; /* of a line of a body with its end */
    uint32_t scanned;       /* of the unit that is not complete */
    uint32_t column;        /* DOT, TEXT: octets of this line; PIECES:
                             * swallowed */
    uint8_t mode;           /* frame_mode */
    uint8_t defects;        /* DOT, TEXT: frame_defect, or-ed, since it began */
    bool bol;               /* DOT: at the beginning of a line */
    bool swallowing : 1;    /* LINE: behind a LONG */
    bool repair : 1;        /* DOT, TEXT: replace bare octets (see smtp.h) */
    bool ended : 1;         /* COUNT, LITERAL, TEXT: the END was told */
    bool cr : 1;            /* TEXT: a part ended with a CR, not yet told */
    bool last : 1;          /* TEXT: no part comes behind this one */
} mk_framer;

/* Start in line mode with the limits given; zeroes the rest. */
void mk_framer_init(mk_framer *f, uint32_t line_max, uint32_t discard_max,
                    uint32_t text_line_max);

/* Change the mode, between units. left is for COUNT, LITERAL and PIECES. */
void mk_framer_mode(mk_framer *f, frame_mode mode, uint64_t left);

/* A part of a text, of so many octets; is_first: the text begins. Between parts
 * there may be LINE. */
void mk_framer_text(mk_framer *f, uint64_t left, bool is_first, bool is_last);

/* Cut the next unit off the front of *io_in. MK_OK and *out, or MK_WAIT: more
 * bytes are needed (what is left is at most mk_framer_need octets). In DOT and
 * TEXT a run stops before an octet with a defect when the defect is new, so
 * that data up to it is told the same however the input is cut. */
mk_err mk_framer_next(mk_framer *f, mk_str *io_in, frame_unit *out);

/* mk_framer_next for those who are never in another mode than line: what the
 * other modes need is not linked then. */
mk_err mk_framer_line(mk_framer *f, mk_str *io_in, frame_unit *out);

/* The most octets it may need at once now. */
size_t mk_framer_need(const mk_framer *f);

#endif
