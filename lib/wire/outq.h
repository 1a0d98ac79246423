/* SPDX-License-Identifier: MIT
 *
 * wire/outq.h: the output side of an engine as segments: text in one small
 * unit (of the block or on loan from a pool), and at most two body spans lent
 * by the application, dot-stuffed and mended lazily by splitting, never by
 * copying (RFC 5321 4.5.2, 2.3.8). What mk_outq_spans shows stays put until
 * acknowledged. It refuses text beyond its unit, and in bodies what their mode
 * does.
 */
#ifndef WIRE_OUTQ_H
#define WIRE_OUTQ_H

#include <mailkit/engine.h>

/* What a body may hold, and what becomes of it; or-ed. */
typedef enum outq_mode {
    OUTQ_STRICT = 0,   /* lines, dot-stuffed; no bare CR, LF or NUL (Law 10) */
    OUTQ_STORED = 1,   /* CR and NUL pass: what other programs put into a
                        * mailbox must be had out of it again. A bare LF does
                        * not, where a lenient peer might see a line end and the
                        * octets behind it as the end of the reply */
    OUTQ_RAW = 2,      /* octets, counted by whoever asked for them */
    OUTQ_MENDED = 4,   /* a bare LF is given its CR on the way out */
    OUTQ_UNSTUFFED = 8 /* no dot is doubled: the lines are counted (BDAT) */
} outq_mode;

typedef struct outq_span {
    const char *ptr;
    size_t len;
    size_t pos;   /* source octets acknowledged */
    bool bol;     /* it begins at the beginning of a line */
    bool cr;      /* a CR stands before it */
    bool dots;    /* some line of it begins with a dot: stuff */
    bool lfs;     /* some LF of it is bare: mend */
    bool doubled; /* what goes before the octet at pos, the first of two dots
                   * or the CR of an LF, is acknowledged */
} outq_span;

/* The part only engines with bodies carry. */
typedef struct mk_outq_body {
    outq_span span[2];
    mk_str given[2]; /* acknowledged in full, not yet collected */
    uint8_t spans;
    uint8_t givens;
    bool bol; /* the body so far ended with CRLF (true at its start) */
    bool cr; /* the body so far ended with a CR; strict: whose LF must follow */
    uint8_t mode; /* outq_mode, or-ed */
} mk_outq_body;

typedef struct mk_outq {
    mk_pool *pool;      /* NULL: the unit is in the block */
    char *unit;         /* NULL: none on loan */
    mk_outq_body *body; /* NULL: text only */
    uint16_t unit_bytes;
    uint16_t head;    /* octets of the unit acknowledged */
    uint16_t tail;    /* octets of the unit written */
    uint16_t text[3]; /* octets before span 0, between, behind span 1 */
    bool held;        /* keep the unit although nothing is queued */
} mk_outq;

/* own: the unit in the block when pool is NULL. */
void mk_outq_init(mk_outq *q, mk_pool *pool, char *own, size_t own_bytes,
                  mk_outq_body *body);
/* Give the unit back; forget everything. */
void mk_outq_fini(mk_outq *q);

/* Make sure of a unit with n octets of room, and hold it. What lies behind the
 * tail uncommitted is forgotten. */
bool mk_outq_reserve(mk_outq *q, size_t n);
/* Hold no longer: an empty unit goes back to the pool. */
void mk_outq_release(mk_outq *q);
/* The room behind what is queued, to format into; n octets of it become
 * output by mk_outq_commit. */
mk_buf mk_outq_room(mk_outq *q);
void mk_outq_commit(mk_outq *q, size_t n);
/* Take the last n octets of it back, as if they had not been committed. */
void mk_outq_uncommit(mk_outq *q, size_t n);
/* The same n octets again: what becomes output also stays behind it. False: no
 * room, nothing changed; where nothing is queued twice n octets are enough. */
bool mk_outq_repeat(mk_outq *q, size_t n);
/* Queue a copy of text. MK_E_ROOM changes nothing. */
mk_err mk_outq_text(mk_outq *q, mk_str text);

/* A new body begins. */
void mk_outq_body_begin(mk_outq *q, unsigned mode);
/* Octets of the wire that a span would become if it were lent now, not counting
 * dots that are doubled. */
size_t mk_outq_body_octets(const mk_outq *q, mk_str span);
/* Lend a span. MK_OK, MK_WAIT (two are lent), MK_E_BARE. */
mk_err mk_outq_body_add(mk_outq *q, mk_str span, bool last);
/* May spans be lent, and how many? */
size_t mk_outq_body_room(const mk_outq *q);
/* Collect the next span given back; false when there is none. */
bool mk_outq_body_given(mk_outq *q, mk_str *out_span);

bool mk_outq_is_empty(const mk_outq *q);
/* Lines that end in the text behind all spans, and are not acknowledged. */
uint32_t mk_outq_lines(const mk_outq *q);
size_t mk_outq_spans(mk_outq *q, size_t skip, mk_str *out_spans, size_t max);
mk_err mk_outq_sent(mk_outq *q, size_t n);

#endif
