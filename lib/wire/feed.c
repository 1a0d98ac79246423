/* SPDX-License-Identifier: MIT
 *
 * feed.c: the tail of a connection's input between two reads (Law 4: an
 * engine keeps no input). Before a read a unit is reserved, so that whatever
 * the engine leaves has a home; after it the unit goes back unless there is a
 * tail. Small tails end up in small units, so that large ones are held only
 * by connections that really wait behind a put-off answer. Nothing here grows
 * and nothing is dropped: no unit means no reading.
 */
#include <mailkit/feed.h>

#include <string.h>

void mk_feed_init(mk_feed *f, mk_engine *engine, mk_pool *units, mk_pool *holds)
{
    memset(f, 0, sizeof *f);
    f->engine = engine;
    f->units = units;
    f->holds = holds;
}

static size_t unit_room(const mk_feed *f)
{
    return f->large ? f->holds->unit_bytes : f->units->unit_bytes;
}

/* What was kept may have been a password: it does not lie around unused. */
static void give_back(mk_feed *f)
{
    if (f->unit != NULL) {
        mk_wipe(f->unit, f->kept);
        mk_pool_give(f->large ? f->holds : f->units, f->unit);
    }
    f->unit = NULL;
    f->kept = 0;
    f->large = false;
}

/* Octets move into the unit before the old one is given back, because the
 * view may lie in the old one. */
static void move_to(mk_feed *f, char *unit, bool large)
{
    memcpy(unit, f->view.ptr, f->view.len);
    give_back(f);
    f->unit = unit;
    f->large = large;
    f->kept = f->view.len;
    f->view.ptr = unit;
}

static bool is_in_unit(const mk_feed *f)
{
    uintptr_t start = (uintptr_t)f->unit;
    uintptr_t at = (uintptr_t)f->view.ptr;

    return f->unit != NULL && at >= start && at < start + unit_room(f);
}

/* Reserve the unit that a read of up to n octets may need. */
static bool reserve(mk_feed *f, size_t n)
{
    char *unit;

    if (!f->large && f->holds != NULL && n > f->units->unit_bytes) {
        unit = mk_pool_take(f->holds);
        if (unit != NULL && f->view.len > 0) {
            move_to(f, unit, true);
        } else if (unit != NULL) {
            give_back(f);
            f->unit = unit;
            f->large = true;
        }
    }
    if (f->unit == NULL) {
        f->unit = mk_pool_take(f->units);
    }
    return f->unit != NULL;
}

size_t mk_feed_room(mk_feed *f, char *scratch, size_t n, char **out_ptr)
{
    size_t limit;

    if (f->view.len >= n || !reserve(f, n)) {
        return 0;
    }
    limit = n < unit_room(f) ? n : unit_room(f);
    if (f->view.len >= limit) {
        return 0;
    }
    if (f->view.len > 0) {
        memmove(scratch, f->view.ptr, f->view.len);
    }
    f->view.ptr = scratch;
    *out_ptr = scratch + f->view.len;
    return limit - f->view.len;
}

void mk_feed_got(mk_feed *f, size_t n)
{
    f->view.len += n;
}

mk_err mk_feed_step(mk_feed *f, uint64_t now_ms, mk_event *out_event)
{
    return mk_step(f->engine, now_ms, &f->view, out_event);
}

mk_err mk_feed_keep(mk_feed *f)
{
    bool fits = f->view.len <= f->units->unit_bytes;
    char *unit;

    if (f->view.len == 0) {
        give_back(f);
        f->view.ptr = NULL;
        return MK_OK;
    }
    if (fits && (f->large || f->unit == NULL)) {
        unit = mk_pool_take(f->units);
        if (unit != NULL) {
            move_to(f, unit, false);
            return MK_OK;
        }
    }
    if (is_in_unit(f)) {
        return MK_OK;
    }
    if (f->unit == NULL || f->view.len > unit_room(f)) {
        return MK_E_MEMORY;
    }
    memcpy(f->unit, f->view.ptr, f->view.len);
    f->kept = f->view.len;
    f->view.ptr = f->unit;
    return MK_OK;
}

size_t mk_feed_held(const mk_feed *f)
{
    return f->view.len;
}

void mk_feed_fini(mk_feed *f)
{
    give_back(f);
    f->view = mk_str_of(NULL, 0);
}
