/* SPDX-License-Identifier: MIT
 *
 * rig.h: drives one engine as a hostile driver would. Before every step the
 * input is moved to fresh memory of the exact size and the old is freed, so
 * that ASan sees each over-read and each view kept beyond its life (Law 7).
 * Output must stay put until acknowledged. With pools it drives through
 * mk_feed instead, with a fresh scratch for every read.
 */
#ifndef SUPPORT_RIG_H
#define SUPPORT_RIG_H

#include <mailkit/feed.h>

#include "text.h"

typedef struct rig {
    mk_engine *engine;
    uint64_t now_ms;
    bool feeding; /* through mk_feed */
    bool ended;   /* MK_END was seen */
    /* direct */
    text tail; /* unconsumed */
    char *offered;
    /* mk_feed */
    mk_pool units;
    mk_feed feed;
    char *scratch;
    size_t scratch_bytes;
    size_t room;
    char *room_ptr;
    /* output */
    text queued; /* seen, not acknowledged */
    unsigned turn;
    const char *broken; /* a promise of the contract that did not hold */
} rig;

/* Drive e. unit_bytes 0: direct; else through mk_feed with one unit. */
void rig_init(rig *r, mk_engine *e, size_t unit_bytes);
void rig_fini(rig *r); /* does not close the engine */

/* Offer octets; what is returned was taken (mk_feed may take fewer). */
size_t rig_push(rig *r, const char *octets, size_t n);
mk_err rig_step(rig *r, mk_event *out_event);
/* after MK_WAIT: the scratch goes to another connection */
void rig_rest(rig *r);

/* Append to sink the output not seen before; the seen must not have moved. */
void rig_look(rig *r, text *sink);
/* Acknowledge n octets of what was seen. */
void rig_ack(rig *r, size_t n);
/* Octets that are not consumed. */
size_t rig_held(const rig *r);

#endif
