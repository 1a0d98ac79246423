/* SPDX-License-Identifier: MIT
 *
 * wire/outq.c: see outq.h. The queue is text[0], span 0, text[1], span 1,
 * text[2]; the texts lie one behind the other in the unit, in that order. A
 * line of a span that begins with a dot is shown in two pieces that overlap by
 * that dot: the first piece ends with it, the second begins with it, and so it
 * goes out twice (RFC 5321 4.5.2) without being copied. Before an LF that is
 * mended a piece is shown that is a CR and lies in no span.
 */
#include "wire/outq.h"
#include "wire/scan.h"

#include <string.h>

void mk_outq_init(mk_outq *q, mk_pool *pool, char *own, size_t own_bytes,
                  mk_outq_body *body)
{
    memset(q, 0, sizeof *q);
    q->pool = pool;
    q->unit = pool == NULL ? own : NULL;
    size_t bytes = pool == NULL ? own_bytes : pool->unit_bytes;
    q->unit_bytes = (uint16_t)(bytes < UINT16_MAX ? bytes : UINT16_MAX);
    q->body = body;
    if (body != NULL) {
        memset(body, 0, sizeof *body);
    }
}

/* Nothing is queued: rewind, and give the unit back, without what was said: it
 * may have been a password. While it is held neither is done, for a reply may
 * lie behind the tail that is not committed yet. */
static void give_unit(mk_outq *q)
{
    if (q->held) {
        return;
    }
    if (q->unit != NULL) {
        mk_wipe(q->unit, q->tail);
    }
    q->head = 0;
    q->tail = 0;
    if (q->pool != NULL) {
        mk_pool_give(q->pool, q->unit);
        q->unit = NULL;
    }
}

void mk_outq_fini(mk_outq *q)
{
    if (q->unit != NULL) {
        mk_wipe(q->unit, q->unit_bytes);
    }
    q->held = false;
    give_unit(q);
    memset(q->text, 0, sizeof q->text);
    if (q->body != NULL) {
        q->body->spans = 0;
        q->body->givens = 0;
    }
}

bool mk_outq_reserve(mk_outq *q, size_t n)
{
    if (q->unit == NULL) {
        q->unit = mk_pool_take(q->pool);
        if (q->unit == NULL) {
            return false;
        }
    }
    if (q->head == q->tail) {
        q->head = 0;
        q->tail = 0;
    }
    q->held = true;
    return (size_t)(q->unit_bytes - q->tail) >= n;
}

void mk_outq_release(mk_outq *q)
{
    q->held = false;
    if (q->head == q->tail && q->unit != NULL) {
        give_unit(q);
    }
}

mk_buf mk_outq_room(mk_outq *q)
{
    mk_buf b;
    if (q->unit == NULL) {
        mk_buf_init(&b, NULL, 0);
    } else {
        mk_buf_init(&b, q->unit + q->tail, (size_t)(q->unit_bytes - q->tail));
    }
    return b;
}

void mk_outq_commit(mk_outq *q, size_t n)
{
    unsigned at = q->body != NULL ? q->body->spans : 0;
    q->tail = (uint16_t)(q->tail + n);
    q->text[at] = (uint16_t)(q->text[at] + n);
}

bool mk_outq_repeat(mk_outq *q, size_t n)
{
    if (q->head == q->tail) {
        memmove(q->unit, q->unit + q->tail, n);
        q->head = 0;
        q->tail = 0;
    }
    if ((size_t)(q->unit_bytes - q->tail) < 2 * n) {
        return false;
    }
    memcpy(q->unit + q->tail + n, q->unit + q->tail, n);
    mk_outq_commit(q, n);
    return true;
}

void mk_outq_uncommit(mk_outq *q, size_t n)
{
    unsigned at = q->body != NULL ? q->body->spans : 0;
    q->tail = (uint16_t)(q->tail - n);
    q->text[at] = (uint16_t)(q->text[at] - n);
}

mk_err mk_outq_text(mk_outq *q, mk_str text)
{
    mk_buf b = mk_outq_room(q);
    if (mk_buf_add(&b, text) != MK_OK) {
        return MK_E_ROOM;
    }
    mk_outq_commit(q, b.len);
    return MK_OK;
}

void mk_outq_body_begin(mk_outq *q, unsigned mode)
{
    q->body->bol = true;
    q->body->cr = false;
    q->body->mode = (uint8_t)mode;
}

size_t mk_outq_body_room(const mk_outq *q)
{
    return (size_t)2 - q->body->spans;
}

size_t mk_outq_body_octets(const mk_outq *q, mk_str span)
{
    bool cr = q->body->cr;
    size_t n = span.len;
    if ((q->body->mode & OUTQ_MENDED) != 0) {
        for (size_t i = 0; i < span.len; i++) {
            n += span.ptr[i] == '\n' && !cr;
            cr = span.ptr[i] == '\r';
        }
    }
    return n;
}

mk_err mk_outq_body_add(mk_outq *q, mk_str span, bool last)
{
    mk_outq_body *b = q->body;
    if (b->spans + b->givens >= 2) {
        return MK_WAIT;
    }
    unsigned mode = b->mode;
    scan_text t = {.cr = b->cr,
                   .bol = b->bol,
                   .is_stored = (mode & OUTQ_STORED) != 0,
                   .is_mended = (mode & OUTQ_MENDED) != 0};
    mk_err err = (mode & OUTQ_RAW) != 0 ? MK_OK : mk_scan_text(span, &t);
    if (err != MK_OK || (last && t.cr && !t.is_stored)) {
        return MK_E_BARE;
    }
    outq_span *s = &b->span[b->spans++];
    s->ptr = span.ptr;
    s->len = span.len;
    s->pos = 0;
    s->bol = b->bol;
    s->cr = b->cr;
    s->dots = t.dots && (mode & OUTQ_UNSTUFFED) == 0;
    s->lfs = t.lfs;
    s->doubled = false;
    b->cr = t.cr;
    b->bol = t.bol;
    return mk_outq_sent(q, 0); /* an empty span may be through already */
}

bool mk_outq_body_given(mk_outq *q, mk_str *out_span)
{
    mk_outq_body *b = q->body;
    if (b->givens == 0) {
        return false;
    }
    *out_span = b->given[0];
    b->given[0] = b->given[1];
    b->givens--;
    return true;
}

bool mk_outq_is_empty(const mk_outq *q)
{
    return q->head == q->tail && (q->body == NULL || q->body->spans == 0);
}

uint32_t mk_outq_lines(const mk_outq *q)
{
    size_t at = (size_t)q->tail - q->text[q->body != NULL ? q->body->spans : 0];
    uint32_t lines = 0;
    for (; at < q->tail; at++) {
        lines += q->unit[at] == '\n';
    }
    return lines;
}

/* Is pos of a span the beginning of a line that starts with a dot? */
static bool dot_at(const outq_span *s, size_t pos)
{
    if (!s->dots || pos >= s->len || s->ptr[pos] != '.') {
        return false;
    }
    return pos == 0 ? s->bol : s->ptr[pos - 1] == '\n';
}

/* Is it an LF to be mended? */
static bool lf_at(const outq_span *s, size_t pos)
{
    if (!s->lfs || pos >= s->len || s->ptr[pos] != '\n') {
        return false;
    }
    return pos == 0 ? !s->cr : s->ptr[pos - 1] != '\r';
}

/* The first octet behind ptr[at] that something goes before, or end; what else
 * is irregular was let pass when the span was lent. */
static size_t next_stop(const outq_span *s, size_t at, size_t end)
{
    at = mk_scan_body(s->ptr, at, end);
    while (at < end && !(s->ptr[at] == '.' && s->dots) &&
           !(s->ptr[at] == '\n' && s->lfs)) {
        at += s->ptr[at] == '\r' ? 1 : 0;
        at = at < end ? mk_scan_body(s->ptr, at, end) : end;
    }
    return at;
}

/* The next piece at (pos, doubled), and the position behind it. It is asked for
 * often, so one without a stop has an end in sight. */
static mk_str piece(const outq_span *s, size_t *io_pos, bool *io_doubled)
{
    enum { SIGHT = 65536 };
    size_t at = *io_pos;
    size_t to = s->len;
    bool dot = false;
    if (!*io_doubled && (dot_at(s, at) || lf_at(s, at))) {
        *io_doubled = true;
        return mk_str_of(s->ptr[at] == '.' ? s->ptr + at : "\r", 1);
    }
    if (s->dots || s->lfs) {
        size_t end = to - at > SIGHT ? at + SIGHT : to;
        to = next_stop(s, at, end);
        dot = to < end && s->ptr[to] == '.';
    }
    *io_pos = to;
    *io_doubled = dot;
    return mk_str_of(s->ptr + at, to - at + (dot ? 1 : 0));
}

typedef struct show {
    size_t skip;
    mk_str *spans;
    size_t max;
    size_t n;
} show;

static void show_piece(show *v, mk_str p)
{
    if (p.len <= v->skip) {
        v->skip -= p.len;
        return;
    }
    p.ptr += v->skip;
    p.len -= v->skip;
    v->skip = 0;
    v->spans[v->n++] = p;
}

static void show_span(show *v, const outq_span *s)
{
    size_t pos = s->pos;
    bool doubled = s->doubled;
    while (pos < s->len && v->n < v->max) {
        show_piece(v, piece(s, &pos, &doubled));
    }
}

size_t mk_outq_spans(mk_outq *q, size_t skip, mk_str *out_spans, size_t max)
{
    show v = {skip, out_spans, max, 0};
    size_t at = q->head;
    unsigned spans = q->body != NULL ? q->body->spans : 0;
    for (unsigned i = 0; i <= spans && v.n < v.max; i++) {
        if (q->text[i] > 0) {
            show_piece(&v, mk_str_of(q->unit + at, q->text[i]));
            at += q->text[i];
        }
        if (i < spans && v.n < v.max) {
            show_span(&v, &q->body->span[i]);
        }
    }
    return v.n;
}

/* Acknowledge up to n octets of a span; gives what is left of n. */
static size_t span_sent(outq_span *s, size_t n)
{
    while (n > 0 && s->pos < s->len) {
        size_t pos = s->pos;
        bool doubled = s->doubled;
        mk_str p = piece(s, &pos, &doubled);
        if (n < p.len) {
            s->pos += n;
            s->doubled = false;
            return 0;
        }
        n -= p.len;
        s->pos = pos;
        s->doubled = doubled;
    }
    return n;
}

/* Span 0 is through: the text behind it comes to the front. */
static void span_done(mk_outq *q)
{
    mk_outq_body *b = q->body;
    b->given[b->givens++] = mk_str_of(b->span[0].ptr, b->span[0].len);
    b->span[0] = b->span[1];
    b->spans--;
    q->text[0] = q->text[1];
    q->text[1] = q->text[2];
    q->text[2] = 0;
}

/* Octets of a span that are not acknowledged, but at least n is enough. */
static size_t span_queued(const outq_span *s, size_t n)
{
    size_t sum = 0;
    size_t pos = s->pos;
    bool doubled = s->doubled;
    while (sum < n && pos < s->len) {
        sum += piece(s, &pos, &doubled).len;
    }
    return sum;
}

/* Are n octets queued? Asked before anything changes. */
static bool has_queued(const mk_outq *q, size_t n)
{
    unsigned spans = q->body != NULL ? q->body->spans : 0;
    size_t sum = 0;
    for (unsigned i = 0; i <= spans && sum < n; i++) {
        sum += q->text[i];
        if (i < spans && sum < n) {
            sum += span_queued(&q->body->span[i], n - sum);
        }
    }
    return sum >= n;
}

mk_err mk_outq_sent(mk_outq *q, size_t n)
{
    if (!has_queued(q, n)) {
        return MK_E_ARG;
    }
    for (;;) {
        size_t t = n < q->text[0] ? n : q->text[0];
        q->text[0] = (uint16_t)(q->text[0] - t);
        q->head = (uint16_t)(q->head + t);
        n -= t;
        if (q->text[0] > 0 || q->body == NULL || q->body->spans == 0) {
            break;
        }
        n = span_sent(&q->body->span[0], n);
        if (q->body->span[0].pos < q->body->span[0].len) {
            break;
        }
        span_done(q);
    }
    if (q->head == q->tail && q->unit != NULL) {
        give_unit(q);
    }
    return MK_OK;
}
