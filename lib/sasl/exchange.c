/* SPDX-License-Identifier: MIT
 *
 * sasl/exchange.c: the life of an exchange, the same for both roles and all
 * mechanisms (RFC 4422 3): who has the word, the step after a message, the
 * end. It knows no mechanism; what a message means is told by the row.
 * Secrets are wiped by the first call after the end, and by mk_sasl_close.
 */
#include "sasl/internal.h"

#include <string.h>

size_t mk_sasl_need(size_t message_max)
{
    if (message_max < SASL_MESSAGE_MIN || message_max > MK_SASL_MESSAGE_MAX) {
        return 0;
    }
    return sizeof(struct mk_sasl) + SASL_MARGIN + message_max;
}

void mk_sasl_end(mk_sasl *s, mk_err why)
{
    s->state = why == MK_OK ? MK_SASL_DONE : MK_SASL_FAILED;
    s->why = why;
}

static void forget(mk_sasl *s)
{
    mk_pbkdf2_fini(&s->work.derivation.pbkdf2);
    mk_wipe(&s->work, sizeof s->work);
    mk_wipe(s->text.ptr, s->text.max);
    s->text.len = 0;
    s->message = mk_str_of(NULL, 0);
    s->ask.secret = s->message;
}

mk_err mk_sasl_place(void *mem, size_t n, mk_sasl **out_sasl)
{
    mk_sasl *s = mem;

    if (mem == NULL || (uintptr_t)mem % _Alignof(struct mk_sasl) != 0) {
        return MK_E_ARG;
    }
    if (n < mk_sasl_need(SASL_MESSAGE_MIN)) {
        return MK_E_ROOM;
    }
    if (n > mk_sasl_need(MK_SASL_MESSAGE_MAX)) {
        n = mk_sasl_need(MK_SASL_MESSAGE_MAX);
    }
    memset(s, 0, sizeof *s);
    mk_buf_init(&s->text, (char *)mem + sizeof *s, n - sizeof *s);
    s->message_max = s->text.max - SASL_MARGIN;
    s->state = MK_SASL_TAKE;
    *out_sasl = s;
    return MK_OK;
}

mk_err mk_sasl_start(mk_sasl *s)
{
    mk_err err = s->row->begin == NULL ? MK_OK : s->row->begin(s);

    if (err != MK_OK) {
        mk_sasl_close(s);
    }
    return err;
}

mk_err mk_sasl_send(mk_sasl *s, mk_str message, mk_sasl_state after)
{
    if (message.len > s->message_max) {
        return MK_E_LIMIT;
    }
    s->message = message;
    s->said = 0;
    s->state = MK_SASL_SEND;
    s->after = after;
    s->is_told = false;
    return MK_OK;
}

mk_err mk_sasl_text_fits(const mk_sasl *s)
{
    return s->text.full ? MK_E_LIMIT : MK_OK;
}

mk_err mk_sasl_keep(mk_sasl *s, mk_str octets)
{
    mk_buf *b = &s->text;

    if (b->full || octets.len > b->max - b->len) {
        b->full = true;
        return MK_E_LIMIT;
    }
    if (octets.len > 0) {
        memmove(b->ptr + b->len, octets.ptr, octets.len);
        b->len += octets.len;
    }
    return MK_OK;
}

mk_str mk_sasl_text_from(const mk_sasl *s, size_t start)
{
    return mk_str_sub(mk_buf_str(&s->text), start, SIZE_MAX);
}

mk_sasl_state mk_sasl_next(mk_sasl *s)
{
    if (s->state == MK_SASL_SEND && s->is_told) {
        s->state = s->after;
    } else if (s->state == MK_SASL_WORK) {
        mk_err err = s->row->work(s);

        if (err != MK_OK && err != MK_WAIT) {
            mk_sasl_end(s, err);
        }
    }
    s->is_told = s->state == MK_SASL_SEND;
    if (s->state == MK_SASL_DONE || s->state == MK_SASL_FAILED) {
        forget(s);
    }
    return s->state;
}

mk_str mk_sasl_message(const mk_sasl *s)
{
    return s->state == MK_SASL_SEND ? s->message : mk_str_of(NULL, 0);
}

/* RFC 4954 4: an initial response where the server begins is an error; but
 * LOGIN, which no RFC describes, is used with one. */
static mk_err judge_turn(const mk_sasl *s)
{
    switch (s->state) {
    case MK_SASL_TAKE:
        return MK_OK;
    case MK_SASL_SEND:
        if (s->client != NULL || s->turn > 0) {
            return MK_E_STATE;
        }
        return s->row->mechanism == MK_SASL_LOGIN ? MK_OK : MK_E_PROTOCOL;
    case MK_SASL_DONE:
        if (s->client == NULL) {
            return MK_E_STATE;
        }
        return (s->row->mechanism & SASL_TOKEN) != 0 ? MK_OK : MK_E_PROTOCOL;
    default:
        return MK_E_STATE;
    }
}

mk_err mk_sasl_take(mk_sasl *s, mk_str message)
{
    mk_err err = judge_turn(s);

    if (err == MK_E_STATE) {
        return err;
    }
    if (err == MK_OK && message.len > s->message_max) {
        err = MK_E_LIMIT;
    }
    if (err == MK_OK) {
        err = s->row->take(s, message);
        s->turn++;
    }
    if (err != MK_OK) {
        mk_sasl_end(s, err);
    }
    return MK_OK;
}

bool mk_sasl_say(mk_sasl *s, mk_buf *out)
{
    size_t groups = (out->max - out->len) / 4;
    mk_str rest = mk_str_sub(mk_sasl_message(s), s->said, SIZE_MAX);
    mk_str piece = mk_str_sub(rest, 0, groups * 3);

    if (s->state == MK_SASL_FAILED) {
        return mk_buf_add_c(out, '*') == MK_OK;
    }
    (void)mk_base64_format(piece, out);
    s->said += piece.len;
    return piece.len == rest.len;
}

/* A server's first message may need all the room. Those that follow another
 * come to lie far enough from the text for what is written while they are
 * read. */
static void begin_hearing(mk_sasl *s)
{
    size_t at = s->text.len;
    size_t room = s->text.max - at;

    if (s->turn > 0 || s->client != NULL) {
        at += room / 2;
        room -= room / 2;
    }
    mk_base64_decoder_init(&s->decoder, MK_BASE64_STRICT);
    mk_buf_init(&s->incoming, s->text.ptr + at, room);
    s->defect = MK_OK;
    s->is_hearing = true;
}

void mk_sasl_hear(mk_sasl *s, mk_str base64)
{
    mk_err err;

    if (!s->is_hearing) {
        begin_hearing(s);
    }
    err = mk_base64_decode(&s->decoder, &base64, &s->incoming);
    if (s->defect == MK_OK && err != MK_WAIT) {
        s->defect = err == MK_E_ROOM ? MK_E_LIMIT : err;
    }
}

mk_err mk_sasl_heard(mk_sasl *s)
{
    mk_str none = {NULL, 0};

    mk_sasl_hear(s, none);
    s->is_hearing = false;
    if (s->defect == MK_OK) {
        s->defect = mk_base64_decode_finish(&s->decoder);
    }
    if (s->defect == MK_OK && s->client != NULL && s->state == MK_SASL_SEND) {
        if (s->incoming.len == 0) {
            return MK_OK;
        }
        s->defect = MK_E_PROTOCOL;
    }
    if (s->defect != MK_OK) {
        mk_sasl_fail(s, s->defect);
        return s->defect;
    }
    return mk_sasl_take(s, mk_buf_str(&s->incoming));
}

void mk_sasl_fail(mk_sasl *s, mk_err why)
{
    if (s->state != MK_SASL_FAILED) {
        mk_sasl_end(s, why < 0 ? why : MK_E_CANCELLED);
        forget(s);
    }
}

mk_err mk_sasl_why(const mk_sasl *s)
{
    return s->state == MK_SASL_FAILED ? s->why : MK_OK;
}

mk_sasl_mechanism mk_sasl_which(const mk_sasl *s)
{
    return s->row->mechanism;
}

void mk_sasl_close(mk_sasl *s)
{
    if (s != NULL) {
        forget(s);
        mk_wipe(s, sizeof *s);
    }
}
