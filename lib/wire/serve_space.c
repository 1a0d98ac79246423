/* SPDX-License-Identifier: MIT
 *
 * wire/serve_space.c: what the settings of all servers have in common: which
 * times and rates make sense, and how a block is laid out. A time or rate of 0
 * never means unlimited (THREATS 113).
 */
#include "wire/serve.h"

bool mk_serve_is_time(uint64_t ms)
{
    return ms > 0 && ms <= UINT32_MAX;
}

bool mk_serve_is_rate(uint32_t octets_s)
{
    enum { RATE_MAX = 1024 * 1024 }; /* more asks for a peer that is a disk */
    return octets_s > 0 && octets_s <= RATE_MAX;
}

/* Room for a login of messages as long as those of a small unit, at least. */
static bool is_login_valid(const mk_serve_space *p)
{
    enum { SMALL = 1024 };
    return p->ops == NULL || p->sasl_units == NULL ||
           p->sasl_units->unit_bytes >= p->ops->need(SMALL);
}

bool mk_serve_space_is_valid(const mk_serve_space *p)
{
    enum { UNIT_LEAST = 1024 };
    size_t unit = p->units != NULL ? p->units->unit_bytes : p->text_bytes;
    return unit >= UNIT_LEAST && (p->units != NULL || unit <= UINT16_MAX) &&
           is_login_valid(p);
}

static size_t unit_here(const mk_serve_space *p)
{
    return p->units == NULL ? p->text_bytes : 0;
}

/* Behind the unit, if that is here. */
static size_t before_login(const mk_serve_space *p)
{
    return p->block + (unit_here(p) + 15) / 16 * 16;
}

size_t mk_serve_space_need(const mk_serve_space *p)
{
    if (p->ops != NULL && p->sasl_units == NULL) {
        return before_login(p) + p->login_bytes;
    }
    return p->block + unit_here(p);
}

void mk_serve_space_login(const mk_serve_space *p, const mk_serve *s,
                          mk_serve_room *out)
{
    out->ops = p->ops;
    out->units = p->sasl_units;
    out->n = p->login_bytes;
    out->mem = (char *)(uintptr_t)s + before_login(p);
}
