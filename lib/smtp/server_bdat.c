/* SPDX-License-Identifier: MIT
 *
 * smtp/server_bdat.c: BDAT (RFC 3030 2). The octets that it announces come at
 * once, so they are read whatever is to be said of it, and only then it is
 * said: nothing of a body is ever taken for a command. Behind an error a
 * transaction is over, and what is left of its chunks is discarded. A number
 * that is none, or that no machine counts to, ends the session, for nobody can
 * tell then where the next command begins; so do chunks without number.
 */
#include "smtp/server_internal.h"

/* Octets that nobody waits for. They are counted and timed like a body. */
static mk_err swallow(smtp_server *s, uint64_t octets, const char *refusal)
{
    bool is_open = mk_smtp_server_in_transaction(s);
    bool goes_on = is_open || s->state == SERVER_SPOILT;
    server_state behind = s->is_last ? SERVER_READY : SERVER_SPOILT;
    s->next = goes_on ? (uint8_t)behind : s->state;
    s->accepted = goes_on ? s->accepted : 0;
    s->dropped = is_open;
    s->chunked = true;
    s->refusal = REFUSAL_PLACE;
    s->of.chunk.octets = octets;
    s->of.chunk.refusal = refusal;
    mk_framer_mode(&s->base.framer, FRAME_COUNT, octets);
    mk_serve_flow_begin(&s->base, MK_SMTP_VERB_END);
    mk_smtp_server_move(s, SERVER_SWALLOW);
    return MK_E_AGAIN;
}

/* A chunk of the body begins. RFC 3030 2 wants text in lines, so that it is
 * judged as behind DATA; 3 lets octets of any kind be, when the sender said so
 * by BODY=BINARYMIME. */
static mk_err begin(smtp_server *s, uint64_t octets)
{
    mk_serve *base = &s->base;
    bool is_first = s->state != SERVER_CHUNKS;
    if (is_first) {
        mk_serve_flow_begin(base, MK_SMTP_VERB_END);
    }
    if (s->binary || s->refusal != REFUSAL_NONE) {
        mk_framer_mode(&base->framer, FRAME_COUNT, octets);
    } else {
        mk_framer_text(&base->framer, octets, is_first, s->is_last);
    }
    base->framer.repair = s->config->bare == MK_SMTP_BARE_NORMALIZE;
    s->chunked = true;
    s->of.chunk.octets = octets;
    mk_smtp_server_move(s, SERVER_DATA);
    return MK_E_AGAIN;
}

void mk_smtp_server_chunk_judged(smtp_server *s)
{
    (void)begin(s, s->of.smtp.event.size);
    if (s->base.answer != MK_ANSWER_YES) {
        mk_serve_flow_refuse(&s->base);
    }
}

/* The first chunk is asked about as DATA is. */
static mk_err ask(smtp_server *s, uint64_t octets, mk_event *ev)
{
    mk_smtp_server_event(s, ev, MK_EV_SMTP_DATA, MK_SMTP_VERB_BDAT);
    s->of.smtp.event.size = octets;
    return mk_smtp_server_ask(s, ev, MK_SMTP_ASK_DATA);
}

static mk_err take_chunk(smtp_server *s, uint64_t octets, bool is_odd,
                         mk_event *ev)
{
    bool is_first = s->state != SERVER_CHUNKS;
    uint64_t before = is_first ? 0 : s->base.flow_bytes;
    if (is_first) {
        s->refusal = REFUSAL_NONE;
        s->count = 0;
    }
    if (s->count++ >= s->config->chunks_max) {
        return mk_serve_fault(&s->base, ev, MK_E_COUNT,
                              "554 5.5.0 Too many chunks");
    }
    if (is_odd) {
        s->refusal = REFUSAL_SYNTAX;
    } else if (before > s->config->message_max ||
               octets > s->config->message_max - before) {
        s->refusal = REFUSAL_DECLARED;
    }
    return is_first && s->refusal == REFUSAL_NONE ? ask(s, octets, ev)
                                                  : begin(s, octets);
}

/* bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ]; chunk-size = 1*DIGIT;
 * end-marker = "LAST" */
mk_err mk_smtp_server_bdat(smtp_server *s, mk_str arg, const char *refusal,
                           mk_event *ev)
{
    mk_str size = mk_str_sub(arg, 0, mk_str_find(arg, ' '));
    mk_str marker = mk_str_sub(arg, size.len + 1, SIZE_MAX);
    bool has_marker = arg.len > size.len;
    uint64_t octets;
    mk_err err = mk_str_u64(size, &octets);
    if (err == MK_E_SYNTAX) {
        return mk_serve_fault(&s->base, ev, MK_E_SYNTAX,
                              "501 5.5.4 BDAT wants a number of octets");
    }
    if (err != MK_OK) {
        return mk_serve_fault(&s->base, ev, MK_E_SIZE,
                              "552 5.3.4 Message too big");
    }
    s->is_last = mk_str_is_nocase(marker, mk_str_z("LAST"));
    if (refusal != NULL) {
        return swallow(s, octets, refusal);
    }
    return take_chunk(s, octets, has_marker && !s->is_last, ev);
}

mk_err mk_smtp_server_chunk_end(smtp_server *s)
{
    char line[64];
    mk_buf b;
    mk_buf_init(&b, line, sizeof line - 1);
    (void)mk_buf_add_z(&b, "250 2.0.0 ");
    (void)mk_buf_add_u64(&b, s->of.chunk.octets);
    (void)mk_buf_add_z(&b, " octets received");
    line[b.len] = '\0';
    mk_smtp_server_move(s, SERVER_CHUNKS);
    return mk_serve_say(&s->base, line);
}
