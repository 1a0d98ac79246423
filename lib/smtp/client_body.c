/* SPDX-License-Identifier: MIT
 *
 * client_body.c: a body on its way: behind DATA with a final dot (RFC 5321
 * 4.1.1.4), or in chunks, one for each span that is lent (RFC 3030 2), and the
 * server's word on it, which LMTP gives for each recipient (RFC 2033 4.2). It
 * never sends a dot, or LAST, for a body that is not whole; behind a chunk that
 * was refused none is begun, and what lies half on the wire ends the session.
 */
#include "smtp/client_internal.h"

enum {
    chunks_ahead = 16, /* whose reply is due */
    chunk_line = 40    /* "BDAT 18446744073709551615 LAST" CRLF, and CRLF */
};

static bool is_binary(const mk_smtp_client *c)
{
    return c->talk.envelope->body == MK_SMTP_BODY_BINARYMIME;
}

/* ---- what is on its way -------------------------------------------------- */

bool mk_smtp_client_has_body(const mk_smtp_client *c)
{
    return c->core.state == CLIENT_BODY || c->core.state == CLIENT_END;
}

bool mk_smtp_client_has_end(const mk_smtp_client *c)
{
    return c->core.state == CLIENT_END &&
           (c->body.spans > 0 || mk_outq_lines(&c->core.out) > c->behind);
}

/* A chunk is sent when its octets are, and the line that leads it before. The
 * end has a reply for each recipient over LMTP (RFC 2033 4.2). */
bool mk_smtp_client_is_early(const mk_smtp_client *c)
{
    uint32_t unsent = mk_outq_lines(&c->core.out);

    if (mk_smtp_talk_is_chunked(&c->talk) && c->body.spans > 0) {
        unsent += c->body.spans - (c->is_padded ? 1U : 0U);
    }
    if (mk_smtp_client_has_end(c)) {
        unsent += c->ends - 1U;
    }
    return c->core.awaited <= unsent;
}

/* RFC 3030 4.2: without PIPELINING one at a time. */
static uint32_t chunks_max(const mk_smtp_client *c)
{
    return (c->offer.extensions & MK_SMTP_EXTENSION_PIPELINING) != 0
               ? chunks_ahead
               : 1;
}

/* Spans that may be lent when so many are given back and not yet told. */
static size_t room_beside(const mk_smtp_client *c, uint8_t givens)
{
    size_t room = mk_outq_body_room(&c->core.out) - givens;
    uint32_t max = chunks_max(c);
    uint32_t ahead = c->core.awaited < max ? max - c->core.awaited : 0;

    if (c->is_body_last || c->talk.is_stopped) {
        return 0;
    }
    return mk_smtp_talk_is_chunked(&c->talk) && ahead < room ? ahead : room;
}

size_t mk_smtp_client_body_room(const mk_smtp_client *c)
{
    return room_beside(c, c->body.givens);
}

/* Who has one block of memory lends it anew each time it comes back, and asks
 * no more: so it comes back when there is room for another, and nothing but
 * the first asks for one beside. */
bool mk_smtp_client_gives_back(const mk_smtp_client *c)
{
    return c->body.givens > 0 &&
           (c->is_body_last ||
            room_beside(c, (uint8_t)(c->body.givens - 1U)) > 0);
}

bool mk_smtp_client_is_ours(const mk_smtp_client *c)
{
    return c->core.state == CLIENT_READY ||
           (c->core.state == CLIENT_BODY && mk_outq_is_empty(&c->core.out) &&
            mk_smtp_client_body_room(c) > 0);
}

/* ---- what is lent -------------------------------------------------------- */

static void begin(mk_smtp_client *c, unsigned mode)
{
    mk_client_move(&c->core, CLIENT_BODY);
    if (c->config->mend == MK_SMTP_MEND_LF && mode != OUTQ_RAW) {
        mode |= OUTQ_MENDED;
    }
    mk_outq_body_begin(&c->core.out, (outq_mode)mode);
    c->core.pending |= PENDING_WANTED;
}

void mk_smtp_client_chunks(mk_smtp_client *c)
{
    begin(c, is_binary(c) ? OUTQ_RAW : OUTQ_UNSTUFFED);
}

void mk_smtp_client_end(mk_smtp_client *c)
{
    c->ends = mk_smtp_client_is_lmtp(c) ? c->accepted : 1;
    c->core.awaited += c->ends;
    mk_client_move(&c->core, CLIENT_END);
}

/* RFC 5321 4.1.1.4 holds for chunks too: a final line has its CRLF. */
static bool lacks_crlf(const mk_smtp_client *c, mk_str span)
{
    return !is_binary(c) &&
           !(span.len > 0 ? span.ptr[span.len - 1] == '\n' : c->body.bol);
}

static bool say_chunk(mk_smtp_client *c, uint64_t octets, bool last,
                      size_t *out_len)
{
    mk_buf b;

    if (!mk_outq_reserve(&c->core.out, chunk_line)) {
        c->core.is_starved = c->core.out.unit == NULL;
        c->is_short = true;
        return false;
    }
    b = mk_outq_room(&c->core.out);
    mk_buf_add_z(&b, "BDAT ");
    mk_buf_add_u64(&b, octets);
    mk_buf_add_z(&b, last ? " LAST\r\n" : "\r\n");
    mk_outq_commit(&c->core.out, b.len);
    *out_len = b.len;
    return true;
}

static mk_err lend_chunk(mk_smtp_client *c, mk_str span, uint64_t octets,
                         bool last)
{
    bool is_padded = last && lacks_crlf(c, span);
    size_t line;
    mk_err r = MK_WAIT;

    if (mk_smtp_client_body_room(c) > 0 &&
        say_chunk(c, octets + (is_padded ? 2 : 0), last, &line)) {
        r = mk_outq_body_add(&c->core.out, span, last);
        if (r != MK_OK) {
            mk_outq_uncommit(&c->core.out, line);
        } else if (is_padded) {
            (void)mk_outq_text(&c->core.out, mk_str_z("\r\n"));
        }
    }
    mk_outq_release(&c->core.out);
    if (r != MK_OK) {
        return r;
    }
    c->is_short = false;
    c->talk.sent++;
    c->is_padded = is_padded;
    if (last) {
        c->talk.end = c->talk.sent - 1;
        mk_smtp_client_end(c);
    } else {
        c->core.awaited++;
    }
    return MK_OK;
}

mk_err mk_smtp_client_body(mk_engine *e, mk_op op, mk_str span, bool last)
{
    mk_smtp_client *c = (mk_smtp_client *)(void *)e;
    uint64_t octets;
    mk_err r;

    if (op != c->core.op || c->core.state != CLIENT_BODY || c->is_body_last ||
        c->talk.is_stopped) {
        return MK_E_STALE;
    }
    octets = mk_outq_body_octets(&c->core.out, span);
    if (c->talk.envelope->message_bytes > 0 &&
        octets > c->talk.envelope->message_bytes - c->octets) {
        return MK_E_SIZE;
    }
    r = mk_smtp_talk_is_chunked(&c->talk)
            ? lend_chunk(c, span, octets, last)
            : mk_outq_body_add(&c->core.out, span, last);
    if (r == MK_OK) {
        c->lent += span.len;
        c->octets += octets;
        c->is_body_last = last;
        c->core.is_stirred = true;
    }
    return r;
}

void mk_smtp_client_body_again(mk_smtp_client *c)
{
    if (!mk_outq_reserve(&c->core.out, chunk_line)) {
        c->core.is_starved = c->core.out.unit == NULL;
    } else {
        c->is_short = false;
        c->core.pending |= PENDING_WANTED;
    }
    mk_outq_release(&c->core.out);
}

/* ---- what is heard ------------------------------------------------------- */

void mk_smtp_client_hear_data(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit != 3) {
        c->talk.is_stopped = true;
    } else if (c->accepted == 0 && mk_smtp_client_is_lmtp(c)) {
        /* How many replies would a dot have? RFC 2033 4.2: 503 is due. */
        mk_smtp_client_fault(c, MK_E_PROTOCOL, MK_RETRY_LATER,
                             "DATA was accepted without a recipient");
    } else if (c->accepted == 0) {
        /* RFC 2920 3.1: all were refused, and still 354: a single dot. */
        begin(c, OUTQ_STRICT);
        c->core.pending &= (uint8_t)~PENDING_WANTED;
        c->is_body_last = true;
    } else if (c->talk.is_stopped) {
        /* Cancelled, and a dot would deliver an empty message. */
        begin(c, OUTQ_STRICT);
        mk_smtp_client_done(c, c->outcome);
        mk_smtp_client_over(c);
    } else {
        begin(c, OUTQ_STRICT);
    }
}

void mk_smtp_client_hear_chunk(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit == 2) {
        return;
    }
    c->talk.is_stopped = true;
    c->is_short = false; /* nothing is wanted any more */
    if (!mk_outq_is_empty(&c->core.out)) {
        mk_smtp_client_fault(c, MK_E_REFUSED,
                             first_digit == 5 ? MK_RETRY_NEVER : MK_RETRY_LATER,
                             "a chunk is refused, with another on its way");
    }
}

uint32_t mk_smtp_client_next_taken(mk_smtp_client *c)
{
    const uint8_t *bits = (const uint8_t *)c->takers;

    while (c->taker < CLIENT_LMTP_MAX &&
           (bits[c->taker / 8] & (1U << (c->taker % 8))) == 0) {
        c->taker++;
    }
    return c->taker++;
}

void mk_smtp_client_hear_end(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit == 2 && mk_smtp_talk_is_chunked(&c->talk) &&
        c->talk.is_stopped) {
        mk_smtp_client_fault(c, MK_E_PROTOCOL, MK_RETRY_LATER,
                             "the end is taken although a chunk was refused");
        return;
    }
    if (first_digit == 2) {
        c->delivered += mk_smtp_client_is_lmtp(c) ? 1 : c->accepted;
    }
    c->ends--;
    if (c->ends > 0) {
        return;
    }
    if (c->delivered > 0) {
        c->outcome = MK_OK;
    }
    /* RFC 3030 2: a failure leaves behind what must be reset; then RSET stands
     * behind the end already, or is due. */
    if (!mk_smtp_talk_is_chunked(&c->talk) ||
        (c->delivered > 0 && c->talk.sent == c->talk.end + 1)) {
        mk_client_move(&c->core, CLIENT_READY);
        mk_smtp_client_done(c, c->outcome);
    }
}
