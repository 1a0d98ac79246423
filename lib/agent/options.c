/* SPDX-License-Identifier: MIT
 *
 * options.c: what parameters of MAIL and RCPT ask for, copied from the
 * engine's views in one block with its texts, where anything was asked at all;
 * else a constant stands for it. Texts stay as the engine gives them, and are
 * as long as a line may be. RFC 3461, 2852, 4865, 6531, 6710, 8689, 3865. It
 * decides nothing.
 */
#include <stddef.h>
#include <string.h>

#include <mailkit/date.h>

#include "internal.h"

const mk_smtp_mail_options mk_agent_mail_nothing = {
    .size = sizeof mk_agent_mail_nothing};
const mk_smtp_rcpt_options mk_agent_rcpt_nothing = {
    .size = sizeof mk_agent_rcpt_nothing};

/* ---- copies -------------------------------------------------------------- */

static const size_t mail_texts[] = {
    offsetof(mk_smtp_mail_options, envid),
    offsetof(mk_smtp_mail_options, auth),
    offsetof(mk_smtp_mail_options, hold_until),
    offsetof(mk_smtp_mail_options, solicit),
};

static const size_t rcpt_texts[] = {
    offsetof(mk_smtp_rcpt_options, orcpt_type),
    offsetof(mk_smtp_rcpt_options, orcpt),
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static mk_str *text_at(void *options, size_t at)
{
    return (mk_str *)(void *)((char *)options + at);
}

static size_t texts_len(const void *options, const size_t *at, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += ((const mk_str *)(const void *)((const char *)options + at[i]))
                 ->len;
    }
    return n;
}

/* Texts go to `to`, and the views follow them. */
static void texts_move(void *options, const size_t *at, size_t count, char *to)
{
    for (size_t i = 0; i < count; i++) {
        mk_str *text = text_at(options, at[i]);
        if (text->len > 0) {
            memcpy(to, text->ptr, text->len);
            text->ptr = to;
            to += text->len;
        }
    }
}

static bool is_mail_nothing(const mk_smtp_mail_options *o)
{
    return !o->is_utf8 && !o->is_tls_required &&
           o->ret == MK_SMTP_RET_UNSTATED && !o->has_priority &&
           o->by == MK_SMTP_BY_UNSTATED && o->hold_for_s == 0 &&
           texts_len(o, mail_texts, COUNT(mail_texts)) == 0;
}

mk_err mk_agent_mail_options_copy(const mk_alloc *a,
                                  const mk_smtp_mail_options *given,
                                  mail_options **out_options)
{
    *out_options = NULL;
    if (given == NULL || is_mail_nothing(given)) {
        return MK_OK;
    }
    size_t bytes =
        sizeof(mail_options) + texts_len(given, mail_texts, COUNT(mail_texts));
    mail_options *o = mk_alloc_get(a, bytes);
    if (o == NULL) {
        return MK_E_MEMORY;
    }
    o->pub = *given;
    o->bytes = bytes;
    texts_move(&o->pub, mail_texts, COUNT(mail_texts), (char *)(o + 1));
    *out_options = o;
    return MK_OK;
}

void mk_agent_mail_options_free(const mk_alloc *a, mail_options *o)
{
    if (o != NULL) {
        mk_alloc_put(a, o, o->bytes);
    }
}

size_t mk_agent_rcpt_options_bytes(const mk_smtp_rcpt_options *given)
{
    if (given == NULL) {
        return 0;
    }
    size_t texts = texts_len(given, rcpt_texts, COUNT(rcpt_texts));
    bool nothing = given->notify == MK_SMTP_NOTIFY_UNSTATED && texts == 0;
    return nothing ? 0 : sizeof *given + texts;
}

const mk_smtp_rcpt_options *
mk_agent_rcpt_options_copy(const mk_smtp_rcpt_options *given, void *mem)
{
    mk_smtp_rcpt_options *o = mem;
    *o = *given;
    texts_move(o, rcpt_texts, COUNT(rcpt_texts), (char *)(o + 1));
    return o;
}

/* ---- what stages see ----------------------------------------------------- */

const mk_smtp_mail_options *mk_session_options(const mk_session *s)
{
    return s->tx != NULL && s->tx->options != NULL ? &s->tx->options->pub
                                                   : &mk_agent_mail_nothing;
}

mk_smtp_body mk_session_body(const mk_session *s)
{
    return s->tx != NULL ? (mk_smtp_body)s->tx->body : MK_SMTP_BODY_UNSTATED;
}

uint64_t mk_session_size_stated(const mk_session *s)
{
    return s->tx != NULL ? s->tx->size_stated : 0;
}

/* When MAIL came, on the wall clock. */
static int64_t began_s(const mk_session *s)
{
    const mk_host *h = s->in->c.host;
    uint64_t age_ms = h->now_ms(h->self) - s->tx->began_ms;
    return h->wall_s(h->self, NULL) - (int64_t)(age_ms / 1000);
}

int64_t mk_session_hold_until_s(const mk_session *s)
{
    const mk_smtp_mail_options *o = mk_session_options(s);
    if (o->hold_for_s > 0) {
        return began_s(s) + (int64_t)o->hold_for_s;
    }
    int64_t until_s = 0;
    (void)mk_date_internet_parse(o->hold_until, &until_s);
    return until_s;
}

int64_t mk_session_deliver_by_s(const mk_session *s)
{
    const mk_smtp_mail_options *o = mk_session_options(s);
    return o->by != MK_SMTP_BY_UNSTATED ? began_s(s) + o->by_s : 0;
}
