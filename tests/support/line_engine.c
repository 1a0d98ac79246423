/* SPDX-License-Identifier: MIT
 *
 * line_engine.c: see line_engine.h. The output is one flat buffer that moves
 * only when it is empty, so that its spans stay put until acknowledged.
 */
#include "line_engine.h"

#include <stdlib.h>
#include <string.h>

/* A real engine's memory is gone once it is closed. */
static const line_engine *line_seen(const mk_engine *e)
{
    const line_engine *l = (const line_engine *)e;

    if (l->closed > 0) {
        abort();
    }
    return l;
}

static line_engine *line_of(mk_engine *e)
{
    (void)line_seen(e);
    return (line_engine *)e;
}

static bool put(line_engine *l, const char *ptr, size_t n)
{
    if (l->out_len == 0) {
        l->out_start = 0;
    }
    if (l->out_start + l->out_len + n > line_out_max) {
        return false;
    }
    memcpy(l->out + l->out_start + l->out_len, ptr, n);
    l->out_len += n;
    return true;
}

bool line_send(line_engine *l, const char *text)
{
    return put(l, text, strlen(text));
}

static mk_err give_fault(line_engine *l, mk_event *out_event)
{
    l->is_told = true;
    l->fault.why = l->fault_why;
    l->fault.offset = l->consumed;
    out_event->type = MK_EV_FAULT;
    out_event->of.fault = &l->fault;
    l->is_closing = true;
    return MK_OK;
}

static mk_err end(line_engine *l)
{
    l->is_closing = true;
    l->is_ended = true;
    return MK_END;
}

static mk_err give_withdrawn(line_engine *l, mk_event *out_event)
{
    l->was_withdrawn = true;
    l->is_asking = false;
    l->is_put_off = false;
    out_event->type = MK_EV_WITHDRAWN;
    out_event->op = l->op;
    out_event->err = l->fault_why;
    return MK_OK;
}

static mk_err cut_line(line_engine *l, mk_str *io_in, mk_event *out_event)
{
    mk_str fresh = mk_str_sub(*io_in, l->scanned, SIZE_MAX);
    size_t at = l->scanned + mk_str_find(fresh, '\n');

    if (at == io_in->len) {
        l->scanned = at;
        if (at >= line_octets_max) {
            l->fault_why = MK_E_LINE;
            return give_fault(l, out_event);
        }
        if (l->is_eof) {
            if (at > 0) {
                l->fault_why = MK_E_CUT;
                return give_fault(l, out_event);
            }
            return end(l);
        }
        return MK_WAIT;
    }
    out_event->type = EV_LINE;
    out_event->op = ++l->op;
    out_event->data = mk_str_sub(*io_in, 0, at);
    if (at > 0 && io_in->ptr[at - 1] == '\r') {
        out_event->data.len--;
    }
    if (!l->is_client) {
        out_event->flags = MK_ASK;
        l->is_asking = true;
    }
    l->scanned = 0;
    l->consumed += at + 1;
    *io_in = mk_str_sub(*io_in, at + 1, SIZE_MAX);
    return MK_OK;
}

static bool is_out_low(const line_engine *l)
{
    return l->out_len == 0;
}

static mk_err line_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                        mk_event *out_event)
{
    line_engine *l = line_of(e);
    uint64_t before = l->consumed;
    mk_err r;

    memset(out_event, 0, sizeof *out_event);
    l->is_begun = true;
    if (l->is_told || l->is_ended) {
        return end(l);
    }
    if (l->idle_ms != 0 && l->deadline_ms == 0) {
        l->deadline_ms = now_ms + l->idle_ms;
    }
    if (l->is_eof && l->eof_why != MK_OK) {
        l->fault_why = l->eof_why;
        if (l->is_put_off) {
            return give_withdrawn(l, out_event);
        }
        return give_fault(l, out_event);
    }
    if (l->is_asking && !l->is_put_off && !l->is_answered) {
        l->is_asking = false;
        (void)line_send(l, "not answered\r\n");
    }
    if (l->is_asking) {
        if (l->deadline_ms != 0 && now_ms >= l->deadline_ms) {
            l->fault_why = MK_E_TIMEOUT;
            return give_withdrawn(l, out_event);
        }
        return MK_WAIT;
    }
    if (l->fault_why != MK_OK) {
        return give_fault(l, out_event);
    }
    if (l->is_finishing) {
        (void)line_send(l, "finished\r\n");
        return end(l);
    }
    if (l->is_aborting) {
        return MK_END;
    }
    if (l->is_tls_due && is_out_low(l)) {
        l->is_tls_due = false;
        l->is_tls_told = true;
        out_event->type = MK_EV_TLS_WANTED;
        return MK_OK;
    }
    if (l->is_tls_told || (!is_out_low(l) && !l->is_client)) {
        r = MK_WAIT;
    } else {
        r = cut_line(l, io_in, out_event);
    }
    if (r == MK_WAIT && l->deadline_ms != 0 && now_ms >= l->deadline_ms) {
        l->fault_why = MK_E_TIMEOUT;
        return give_fault(l, out_event);
    }
    if (l->consumed != before && l->idle_ms != 0) {
        l->deadline_ms = now_ms + l->idle_ms;
    }
    return r;
}

static void line_in_eof(mk_engine *e, mk_err why)
{
    if (!line_of(e)->is_eof) {
        line_of(e)->is_eof = true;
        line_of(e)->eof_why = why;
    }
}

static size_t line_in_max(const mk_engine *e)
{
    (void)e;
    return line_octets_max;
}

static size_t line_out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max)
{
    const line_engine *l = line_of(e);
    size_t half = l->out_len / 2;
    size_t n = 0;

    if (skip < half && n < max) {
        out_spans[n++] = mk_str_of(l->out + l->out_start + skip, half - skip);
        skip = half;
    }
    if (skip >= half && skip < l->out_len && n < max) {
        out_spans[n++] =
            mk_str_of(l->out + l->out_start + skip, l->out_len - skip);
    }
    return n;
}

static mk_err line_out_sent(mk_engine *e, size_t n)
{
    line_engine *l = line_of(e);

    if (n > l->out_len) {
        return MK_E_ARG;
    }
    memset(l->out + l->out_start, '#', n);
    l->out_start += n;
    l->out_len -= n;
    return MK_OK;
}

static unsigned line_want(const mk_engine *e)
{
    const line_engine *l = line_seen(e);
    unsigned want = l->out_len > 0 ? MK_WANT_WRITE : 0;

    if (l->is_aborting) {
        return MK_WANT_ABORT;
    }
    if (l->is_closing) {
        return want | MK_WANT_CLOSE;
    }
    return l->is_asking || l->is_tls_told ? want : want | MK_WANT_READ;
}

static uint64_t line_deadline(const mk_engine *e)
{
    const line_engine *l = line_seen(e);

    return l->deadline_ms == 0 || l->is_ended ? MK_NEVER : l->deadline_ms;
}

static mk_err line_reply(mk_engine *e, mk_op op, mk_answer answer, mk_str code,
                         mk_str text)
{
    line_engine *l = line_of(e);
    size_t i;

    (void)answer;
    (void)code;
    if (!l->is_asking || op != l->op) {
        return MK_E_STALE;
    }
    l->is_asking = false;
    l->is_put_off = false;
    for (i = 0; i < l->repeat; i++) {
        if (!put(l, text.ptr, text.len) || !line_send(l, "\r\n")) {
            break;
        }
    }
    return MK_OK;
}

static mk_err line_later(mk_engine *e, mk_op op)
{
    line_engine *l = line_of(e);

    if (!l->is_asking || op != l->op) {
        return MK_E_STALE;
    }
    l->is_put_off = true;
    return MK_OK;
}

static mk_err line_tls_begin(mk_engine *e, size_t held)
{
    line_engine *l = line_of(e);

    if (!l->is_tls_told) {
        return MK_E_STATE;
    }
    l->fault_why = held > 0 ? MK_E_CLEARTEXT : MK_OK;
    return MK_OK;
}

static mk_err line_tls_done(mk_engine *e, mk_err result,
                            const mk_tls_info *info)
{
    line_engine *l = line_of(e);

    if (l->is_begun && !l->is_tls_told) {
        return MK_E_STATE;
    }
    l->tls_calls++;
    l->tls_result = result;
    l->tls = info;
    l->is_tls_told = false;
    l->fault_why = result;
    return MK_OK;
}

static void line_finish(mk_engine *e, mk_str text)
{
    (void)text;
    line_of(e)->is_finishing = true;
}

static void line_hurry(mk_engine *e, bool on)
{
    line_engine *l = line_of(e);

    l->hurries++;
    l->is_hurried = on;
    if (on && l->deadline_ms != 0) {
        l->deadline_ms -= l->idle_ms - l->idle_ms / 10;
    }
}

static bool line_is_code(mk_str code, mk_answer answer)
{
    (void)answer;
    return code.len == 3;
}

static void line_close(mk_engine *e)
{
    line_of(e)->closed++;
}

static const mk_engine_ops line_ops = {
    .step = line_step,
    .in_eof = line_in_eof,
    .in_max = line_in_max,
    .out = line_out,
    .out_sent = line_out_sent,
    .want = line_want,
    .deadline = line_deadline,
    .reply = line_reply,
    .is_code = line_is_code,
    .later = line_later,
    .tls_begin = line_tls_begin,
    .tls_done = line_tls_done,
    .finish = line_finish,
    .hurry = line_hurry,
    .close = line_close,
};

void line_open(line_engine *l, const char *greeting, uint64_t idle_ms)
{
    memset(l, 0, sizeof *l);
    l->base.ops = &line_ops;
    l->idle_ms = idle_ms;
    l->repeat = 1;
    l->is_client = greeting == NULL;
    if (greeting != NULL) {
        (void)line_send(l, greeting);
    }
}
