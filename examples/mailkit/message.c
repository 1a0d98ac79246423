/* SPDX-License-Identifier: MIT
 *
 * message.c: see message.h. The size and the need of 8BITMIME are told of a
 * file that could be read twice, and of a pipe not. A message that the server
 * cannot take is over before a line of it is said.
 */
#include "message.h"

#include "asks.h"
#include "tool.h"

#include <string.h>

void message_envelope(const errand *e, mk_smtp_envelope *out)
{
    (void)mk_smtp_envelope_init(out, sizeof *out);
    out->reverse_path = e->options->sender;
    out->forward_paths = e->options->recipients;
    out->forward_count = e->options->recipient_count;
    (void)mk_smtp_envelope_ask(out, &e->options->asks.mail, e->rcpts);
}

bool message_init(message *m, const errand *e, place *io_place)
{
    const send_options *o = e->options;

    memset(m, 0, offsetof(message, source));
    m->place = *io_place;
    m->count = o->recipient_count - m->place.rcpt;
    if (e->rcpt_max != 0 && m->count > e->rcpt_max) {
        m->count = e->rcpt_max;
        io_place->rcpt += m->count;
    } else {
        *io_place = (place){m->place.file + 1, 0};
    }
    if (!outcome_init(&m->outcome, &e->session, o->recipients + m->place.rcpt,
                      m->count)) {
        (void)tool_fail(TOOL_OSERR, "send", "out of memory");
        m->is_over = true;
        return false;
    }
    m->outcome.file = o->file_count > 1 ? o->files[m->place.file] : NULL;
    return true;
}

/* It is over before it began. */
static mk_err fail(message *m, mk_err why, const char *text, int code)
{
    m->is_over = true;
    outcome_break(&m->outcome, MK_RETRY_NEVER, mk_str_z(text), code);
    return why;
}

/* The file was found good before; it may have changed. */
static mk_err open_file(message *m, const errand *e)
{
    const char *file = e->options->files[m->place.file];
    mk_err r = MK_OK;

    if (m->place.rcpt > 0 && strcmp(file, "-") == 0) {
        return fail(m, MK_E_COUNT,
                    "the server takes fewer recipients at once, and standard "
                    "input can be read once",
                    TOOL_UNAVAILABLE);
    }
    if (m->source.name != file) {
        r = source_open(&m->source, file);
    }
    if (r != MK_OK) {
        return fail(m, r, mk_err_text(r),
                    r == MK_E_BARE ? TOOL_DATAERR : TOOL_NOINPUT);
    }
    message_envelope(e, &m->envelope);
    m->envelope.forward_paths += m->place.rcpt;
    m->envelope.forward_count = m->count;
    (void)mk_smtp_envelope_ask(&m->envelope, &e->options->asks.mail,
                               e->rcpts != NULL ? e->rcpts + m->place.rcpt
                                                : NULL);
    if (m->source.is_scanned && m->source.has_8bit) {
        m->envelope.body = MK_SMTP_BODY_8BITMIME;
    }
    m->envelope.message_bytes = m->source.wire_bytes;
    progress_init(&m->progress, "sent", m->source.wire_bytes, 0);
    return MK_OK;
}

static mk_err refuse(message *m, const errand *e, mk_err why)
{
    char text[96];
    uint32_t must = 0;
    uint32_t may = 0;

    (void)mk_smtp_envelope_needs(&m->envelope, &must, &may);
    must &= ~e->offered;
    if (why == MK_E_SIZE) {
        return fail(m, why, "the message is larger than the server takes",
                    TOOL_UNAVAILABLE);
    }
    if (why != MK_E_UNSUPPORTED) {
        return fail(m, why, mk_err_text(why), TOOL_USAGE);
    }
    snprintf(text, sizeof text, "the server does not offer %s%s",
             asks_extension_name(must),
             must == MK_SMTP_EXTENSION_8BITMIME
                 ? ", and the message holds 8-bit octets"
                 : "");
    return fail(m, why, text, TOOL_UNAVAILABLE);
}

void message_begin(message *m, const errand *e, place *io_place)
{
    if (message_init(m, e, io_place) && open_file(m, e) == MK_OK) {
        mk_err r = mk_smtp_client_send(e->engine, &m->envelope, &m->op);
        if (r != MK_OK) {
            (void)refuse(m, e, r);
        }
    }
}

void message_lend(message *m, const errand *e, size_t room)
{
    mk_err r = MK_OK;

    while (r == MK_OK && room > 0 && !m->is_lent) {
        if (!m->has_span) {
            m->is_read = true;
            r = source_read(&m->source, &m->span, &m->is_last_span);
            m->has_span = r == MK_OK;
        }
        if (m->has_span) {
            r = mk_body(e->engine, m->op, m->span, m->is_last_span);
        }
        if (r == MK_OK) {
            m->has_span = false;
            m->is_lent = m->is_last_span;
        }
        room--;
    }
    /* MK_WAIT: no room now; it is offered again when more is wanted */
    if (r != MK_OK && r != MK_WAIT) {
        m->unfit = r;
        (void)mk_cancel(e->engine, m->op);
    }
}

/* Whether a message was taken can be unknown of the one alone that was told
 * so. */
static void settle_broken(message *m, const breakage *b)
{
    mk_retry retry = m->is_faulty                   ? m->retry
                     : b->retry == MK_RETRY_UNKNOWN ? MK_RETRY_LATER
                                                    : b->retry;

    outcome_break(&m->outcome, retry, mk_str_of(b->text, b->text_len), b->code);
}

void message_finish(message *m, const errand *e, mk_err why)
{
    if (m->is_over) {
        return;
    }
    m->is_over = true;
    if (m->unfit != MK_OK) {
        outcome_break(&m->outcome, MK_RETRY_NEVER,
                      mk_str_z(mk_err_text(m->unfit)),
                      m->unfit == MK_E_BARE ? TOOL_DATAERR : TOOL_NOINPUT);
    } else if (e->breakage.is_there) {
        settle_broken(m, &e->breakage);
    } else if (why != MK_OK) {
        outcome_break(&m->outcome, MK_RETRY_LATER, mk_str_z(mk_err_text(why)),
                      TOOL_TEMPFAIL);
    }
}

void message_drop(message *m)
{
    progress_end(&m->progress);
    outcome_fini(&m->outcome);
    source_close(&m->source);
    m->source.name = NULL;
}

int message_close(message *m, const errand *e)
{
    int code = m->outcome.answers == NULL
                   ? TOOL_OSERR
                   : outcome_print(&m->outcome, e->options->is_json);

    message_drop(m);
    return code;
}
