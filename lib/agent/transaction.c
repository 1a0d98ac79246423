/* SPDX-License-Identifier: MIT
 *
 * transaction.c: what is kept from MAIL to the end of a message: the
 * reverse-path, the recipients and their mailboxes, and the header fields
 * that stages put on top (RFC 5321 3.3, RFC 5322 2.2, 3.6.8). All of it is
 * copied from the engine's views and bounded. It refuses a field name or
 * value that could end a line early (THREATS 27, Law 10).
 */
#include <string.h>

#include "base/ascii.h"
#include "internal.h"

#define FIELD_NAME_MAX 76u
#define LINE_MAX 998u

char *mk_agent_copy(const mk_alloc *a, mk_str s, size_t n)
{
    char *copy = mk_alloc_get(a, n);
    if (copy != NULL && s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    return copy;
}

/* ---- its life ---------------------------------------------------------------
 */

static mk_err new_id(mk_inbound *in, char *out_id)
{
    const mk_host *h = in->c.host;
    uint32_t us = 0;
    uint32_t random;
    int64_t wall = h->wall_s(h->self, &us);
    mk_err err = in->c.random->fill(in->c.random->self, &random, sizeof random);
    if (err == MK_OK) {
        uint64_t now = (wall < 0 ? 0 : (uint64_t)wall) * 1000000 + us;
        mk_agent_id_format(now, in->seq++, random, out_id);
    }
    return err;
}

mk_err mk_agent_transaction_new(mk_session *s, const mk_smtp_event *mail)
{
    const mk_alloc *a = s->in->c.alloc;
    const mk_host *h = s->in->c.host;
    mk_str reverse_path = mail->path->mailbox;
    transaction *t = mk_alloc_get(a, sizeof *t);
    if (t == NULL) {
        return MK_E_MEMORY;
    }
    t->size_stated = mail->size;
    t->body = (uint8_t)mail->body;
    mk_err err = new_id(s->in, t->id);
    if (err == MK_OK) {
        err = mk_agent_mail_options_copy(a, mail->mail, &t->options);
    }
    if (err == MK_OK && reverse_path.len > 0) {
        t->reverse_path = mk_agent_copy(a, reverse_path, reverse_path.len);
        t->reverse_bytes = reverse_path.len;
        err = t->reverse_path != NULL ? MK_OK : MK_E_MEMORY;
    }
    if (err != MK_OK) {
        mk_agent_mail_options_free(a, t->options);
        mk_alloc_put(a, t, sizeof *t);
        return err;
    }
    t->began_ms = h->now_ms(h->self);
    s->tx = t;
    return MK_OK;
}

static void recipient_free(const mk_alloc *a, recipient *r)
{
    if (r != NULL) {
        mk_alloc_put(a, r->box, r->box_bytes);
        mk_agent_outcome_free(a, &r->own);
        mk_alloc_put(a, r, r->bytes);
    }
}

void mk_agent_transaction_free(mk_session *s)
{
    const mk_alloc *a = s->in->c.alloc;
    transaction *t = s->tx;
    recipient *r = t->first;
    while (r != NULL) {
        recipient *after = r->after;
        recipient_free(a, r);
        r = after;
    }
    recipient_free(a, t->judged);
    mk_alloc_put(a, t->fields, MK_SESSION_FIELDS_MAX);
    mk_alloc_put(a, t->fixes, FIXES_MAX);
    mk_agent_outcome_free(a, &t->all);
    mk_agent_mail_options_free(a, t->options);
    mk_alloc_put(a, t->reverse_path, t->reverse_bytes);
    mk_alloc_put(a, t, sizeof *t);
    s->tx = NULL;
}

/* ---- recipients ---------------------------------------------------------- */

mk_err mk_agent_transaction_judge(mk_session *s, const mk_smtp_event *rcpt)
{
    const mk_smtp_path *path = rcpt->path;
    size_t n = path->mailbox.len;
    size_t asked = mk_agent_rcpt_options_bytes(rcpt->rcpt);
    size_t bytes = sizeof(recipient) + asked + n;
    recipient *r = mk_alloc_get(s->in->c.alloc, bytes);
    if (r == NULL) {
        return MK_E_MEMORY;
    }
    /* the struct is a multiple of its alignment, which is the options' too */
    r->pub.options = asked > 0 ? mk_agent_rcpt_options_copy(rcpt->rcpt, r + 1)
                               : &mk_agent_rcpt_nothing;
    char *copy = (char *)(r + 1) + asked;
    if (n > 0) {
        memcpy(copy, path->mailbox.ptr, n);
    }
    r->bytes = bytes;
    r->pub.mailbox = mk_str_of(copy, n);
    r->pub.flags = path->flags;
    /* mailbox is local-part, or local-part@domain, in one piece */
    r->pub.local_part = mk_str_sub(r->pub.mailbox, 0, path->local_part.len);
    if (path->domain.len > 0 && path->domain.len < n) {
        r->pub.domain =
            mk_str_sub(r->pub.mailbox, n - path->domain.len, SIZE_MAX);
    }
    mk_agent_transaction_forget(s);
    s->tx->judged = r;
    return MK_OK;
}

void mk_agent_transaction_accept(transaction *t)
{
    recipient *r = t->judged;
    t->judged = NULL;
    if (t->last != NULL) {
        t->last->pub.after = &r->pub;
        t->last->after = r;
    } else {
        t->first = r;
    }
    t->last = r;
    t->count++;
}

void mk_agent_transaction_forget(mk_session *s)
{
    recipient_free(s->in->c.alloc, s->tx->judged);
    s->tx->judged = NULL;
}

mk_err mk_session_set_box(mk_session *s, mk_str domain, mk_str user)
{
    recipient *r = s->tx != NULL ? s->tx->judged : NULL;
    mk_err err = mk_maildir_name_check(domain);
    if (r == NULL) {
        return MK_E_STATE;
    }
    err = err == MK_OK ? mk_maildir_name_check(user) : err;
    if (err != MK_OK) {
        return err;
    }
    size_t n = domain.len + user.len;
    char *box = mk_agent_copy(s->in->c.alloc, domain, n);
    if (box == NULL) {
        return MK_E_MEMORY;
    }
    memcpy(box + domain.len, user.ptr, user.len);
    mk_alloc_put(s->in->c.alloc, r->box, r->box_bytes);
    r->box = box;
    r->box_bytes = n;
    r->pub.box_domain = mk_str_of(box, domain.len);
    r->pub.box_user = mk_str_of(box + domain.len, user.len);
    return MK_OK;
}

/* ---- fields on top ------------------------------------------------------- */

/* field-name = 1*ftext, ftext = %d33-57 / %d59-126 (RFC 5322 3.6.8) */
static mk_err name_check(mk_str name)
{
    if (name.len == 0 || name.len > FIELD_NAME_MAX) {
        return MK_E_ARG;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!mk_is_vchar(mk_octet_at(name, i)) || name.ptr[i] == ':') {
            return MK_E_ARG;
        }
    }
    return MK_OK;
}

/* Is there CRLF WSP at i, with something to see on the line that follows?
 * A line of white space alone would be taken for the end of the header by
 * some (RFC 5322 3.2.2 forbids it). */
static bool folds_at(mk_str v, size_t i)
{
    if (v.len - i < 4 || v.ptr[i + 1] != '\n' ||
        !mk_is_wsp(mk_octet_at(v, i + 2))) {
        return false;
    }
    for (i += 2; i < v.len && v.ptr[i] != '\r'; i++) {
        if (mk_is_vchar(mk_octet_at(v, i))) {
            return true;
        }
    }
    return false;
}

static mk_err value_check(mk_str v, size_t line)
{
    for (size_t i = 0; i < v.len; i++, line++) {
        unsigned char c = mk_octet_at(v, i);
        if (c == '\r' && folds_at(v, i)) {
            i++;
            line = (size_t)-1;
        } else if (!mk_is_vchar(c) && !mk_is_wsp(c)) {
            return MK_E_CTL;
        } else if (line >= LINE_MAX) {
            return MK_E_LINE;
        }
    }
    return MK_OK;
}

mk_err mk_session_add_field(mk_session *s, mk_str name, mk_str value)
{
    transaction *t = s->tx;
    if (t == NULL) {
        return MK_E_STATE;
    }
    mk_err err = name_check(name);
    err = err == MK_OK ? value_check(value, name.len + 2) : err;
    if (err != MK_OK) {
        return err;
    }
    size_t room = MK_SESSION_FIELDS_MAX - t->fields_len;
    if (value.len > room || name.len + 4 > room - value.len) {
        return MK_E_LIMIT;
    }
    if (t->fields == NULL) {
        t->fields = mk_alloc_get(s->in->c.alloc, MK_SESSION_FIELDS_MAX);
        if (t->fields == NULL) {
            return MK_E_MEMORY;
        }
    }
    size_t n = name.len + value.len + 4;
    mk_buf b;
    mk_buf_init(&b, t->fields + room - n, n);
    mk_buf_add(&b, name);
    mk_buf_add_z(&b, ": ");
    mk_buf_add(&b, value);
    mk_buf_add_z(&b, "\r\n");
    t->fields_len += n;
    return MK_OK;
}

mk_str mk_session_fields(const mk_session *s)
{
    const transaction *t = s->tx;
    if (t == NULL || t->fields == NULL) {
        return mk_str_of(NULL, 0);
    }
    return mk_str_of(t->fields + MK_SESSION_FIELDS_MAX - t->fields_len,
                     t->fields_len);
}
