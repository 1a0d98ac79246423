/* SPDX-License-Identifier: MIT
 *
 * session.c: what a stage may see of a session, in one-line views; the views
 * live as agent.h tells. Outside of a transaction they are empty rather than
 * an error, so that a stage need not know where it stands.
 */
#include "internal.h"

const mk_peer *mk_session_peer(const mk_session *s)
{
    return &s->peer;
}

mk_str mk_session_helo(const mk_session *s)
{
    return mk_str_of(s->helo, s->helo_bytes);
}

uint32_t mk_session_flags(const mk_session *s)
{
    return s->flags;
}

const mk_tls_info *mk_session_tls(const mk_session *s)
{
    return s->tls;
}

mk_str mk_session_login(const mk_session *s)
{
    mk_str name = mk_agent_login_name(s->login);
    return name.len > 0 ? name : mk_session_introduced(s)->login;
}

mk_str mk_session_id(const mk_session *s)
{
    return s->tx != NULL ? mk_str_of(s->tx->id, ID_BYTES) : mk_str_z(NULL);
}

mk_str mk_session_reverse_path(const mk_session *s)
{
    if (s->tx == NULL) {
        return mk_str_z(NULL);
    }
    return mk_str_of(s->tx->reverse_path, s->tx->reverse_bytes);
}

const mk_recipient *mk_session_recipients(const mk_session *s)
{
    return s->tx != NULL && s->tx->first != NULL ? &s->tx->first->pub : NULL;
}

uint32_t mk_session_recipient_count(const mk_session *s)
{
    return s->tx != NULL ? s->tx->count : 0;
}

const mk_recipient *mk_session_recipient(const mk_session *s)
{
    return s->tx != NULL && s->tx->judged != NULL ? &s->tx->judged->pub : NULL;
}

uint64_t mk_session_size(const mk_session *s)
{
    return s->tx != NULL ? s->tx->size : 0;
}

uint32_t mk_session_field_count(const mk_session *s)
{
    return s->tx != NULL ? s->tx->header.fields : 0;
}

void **mk_session_tag(mk_session *s, uint32_t stage)
{
    return &s->tags[stage];
}
