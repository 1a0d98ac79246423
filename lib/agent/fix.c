/* SPDX-License-Identifier: MIT
 *
 * fix.c: what a message of submission lacks (RFC 6409 8): Date: and
 * Message-ID: are added once its header block is complete, which header.c
 * tells, so that nothing is held; whoever writes the message puts them between
 * the trace fields and what came. A message without From: is refused: its
 * author cannot be made up. What is there is never changed.
 */
#include <string.h>

#include <mailkit/date.h>

#include "internal.h"

static bool is_wanted(const mk_session *s)
{
    const mk_inbound_config *c = &s->in->c;
    return c->fixes != 0 && (c->is_fixing_all || mk_session_login(s).len > 0);
}

/* orig-date = "Date:" date-time CRLF (RFC 5322 3.6.1) */
static void add_date(const mk_session *s, mk_buf *out)
{
    const mk_host *h = s->in->c.host;
    mk_buf_add_z(out, "Date: ");
    if (mk_date_format(h->wall_s(h->self, NULL), 0, out) == MK_E_ARG) {
        mk_date_format(0, 0, out);
    }
    mk_buf_add_z(out, "\r\n");
}

/* message-id = "Message-ID:" "<" id-left "@" id-right ">" CRLF (3.6.4); the
 * transaction's id is unique */
static void add_message_id(const mk_session *s, mk_buf *out)
{
    mk_buf_add_z(out, "Message-ID: <");
    mk_buf_add(out, mk_session_id(s));
    mk_buf_add_c(out, '@');
    mk_buf_add(out, s->in->smtp.hostname);
    mk_buf_add_z(out, ">\r\n");
}

static mk_err add_missing(mk_session *s)
{
    transaction *t = s->tx;
    uint32_t fixes = s->in->c.fixes;
    uint8_t found = t->header.found;
    bool date = (fixes & MK_FIX_DATE) != 0 && (found & HEADER_DATE) == 0;
    bool id =
        (fixes & MK_FIX_MESSAGE_ID) != 0 && (found & HEADER_MESSAGE_ID) == 0;
    mk_buf b;

    if (!date && !id) {
        return MK_OK;
    }
    t->fixes = mk_alloc_get(s->in->c.alloc, FIXES_MAX);
    if (t->fixes == NULL) {
        return MK_E_MEMORY;
    }
    mk_buf_init(&b, t->fixes, FIXES_MAX);
    if (date) {
        add_date(s, &b);
    }
    if (id) {
        add_message_id(s, &b);
    }
    t->fixes_len = b.len;
    return b.full ? MK_E_ROOM : MK_OK;
}

bool mk_agent_fix(mk_session *s, mk_point point, mk_op op)
{
    transaction *t = s->tx;
    bool is_whole = t->header.done || point == MK_POINT_END;

    if (t->is_looked_at || !is_whole || !is_wanted(s)) {
        return false;
    }
    t->is_looked_at = true;
    if ((s->in->c.fixes & MK_FIX_FROM) != 0 &&
        (t->header.found & HEADER_FROM) == 0) {
        mk_agent_chain_refuse(s, point, op, MK_ANSWER_NO, "554 5.6.0",
                              "the message has no From field");
        return true;
    }
    if (add_missing(s) != MK_OK) {
        mk_agent_chain_refuse(s, point, op, MK_ANSWER_LATER, "452 4.3.0",
                              "out of memory");
        return true;
    }
    return false;
}

mk_str mk_session_fixes(const mk_session *s)
{
    return s->tx != NULL ? mk_str_of(s->tx->fixes, s->tx->fixes_len)
                         : mk_str_z(NULL);
}
