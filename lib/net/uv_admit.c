/* SPDX-License-Identifier: MIT
 *
 * uv_admit.c: who is let in, and when all should hurry (THREATS 113, 114). A
 * connection counts three times: in the host, for its address, and in the
 * share when there is one, for these not before its address is known; whoever
 * is counted is uncounted once, by mk_net_dismiss. When room runs short every
 * engine is told (mk_hurry), and told again when room is back; the gap between
 * both marks keeps a crowd at the edge from telling everybody at each
 * connection.
 */
#include "net/uv_internal.h"

enum { look_ms = 1000 };

bool mk_net_is_full(const mk_net_host *h)
{
    return h->conn_count >= h->config->max_connections;
}

mk_err mk_net_admit(mk_net_host *h, const mk_peer *peer,
                    mk_net_source **out_source)
{
    const mk_uv_share *share = h->config->share;
    mk_net_source *source = NULL;
    mk_err r = mk_net_source_add(&h->sources, peer, h->config->max_per_address,
                                 &source);

    if (r == MK_OK && share != NULL) {
        r = share->take(share->self, peer->family, peer->address);
        if (r != MK_OK) {
            mk_net_source_drop(&h->sources, source);
        }
    }
    if (r == MK_OK) {
        *out_source = source;
    }
    return r;
}

void mk_net_dismiss(mk_net_host *h, mk_net_source *source)
{
    const mk_uv_share *share = h->config->share;

    if (source == NULL) { /* a proxy that told nothing */
        return;
    }
    if (share != NULL) {
        share->give(share->self, source->family, source->key);
    }
    mk_net_source_drop(&h->sources, source);
}

/* ---- hurry --------------------------------------------------------------- */

/* Has this host few places left? Once it had, a fifth of the mark must be
 * free again. */
static bool is_crowded(mk_net_host *h)
{
    size_t all = h->config->max_connections;
    size_t percent = h->config->hurry_percent;
    size_t mark = all / 100 * percent + (all % 100 * percent + 99) / 100;

    if (h->is_crowded) {
        mark -= (mark - 1) / 5;
    }
    h->is_crowded = h->conn_count >= mark;
    return h->is_crowded;
}

static void tell_all(mk_net_host *h, bool on)
{
    mk_conn *c;

    h->is_hurried = on;
    for (c = h->conns; c != NULL; c = c->after) {
        if (!c->is_told) {
            mk_hurry(c->feed.engine, on);
            if (on) {
                mk_net_push(c); /* its deadline may be nearer now */
            }
        }
    }
}

/* The share's word that room is back is taken once a second at most: other
 * hosts may stand at its edge. */
static void look(mk_net_host *h, bool is_tick)
{
    const mk_uv_share *share = h->config->share;
    bool is_short = is_crowded(h);

    if (!is_short && share != NULL) {
        is_short = (h->is_hurried && !is_tick) || share->is_short(share->self);
    }
    if (is_short != h->is_hurried) {
        tell_all(h, is_short);
    }
    if (share != NULL && h->look.due_ms == 0) {
        mk_net_timer_set(h, &h->look, mk_net_now_ms(h) + look_ms);
    }
}

static void on_look(mk_timer *timer)
{
    look((mk_net_host *)((char *)timer - offsetof(mk_net_host, look)), true);
}

/* With the last connection the timer goes (mk_net_host_gone). */
void mk_net_hurry_look(mk_net_host *h)
{
    h->look.fire = on_look;
    look(h, false);
}
