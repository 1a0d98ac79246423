/* SPDX-License-Identifier: MIT
 *
 * feed.h: keeps the unconsumed tail of a connection's input between reads, the
 * one implementation that every driver shares. Bytes are read into one scratch
 * per loop; only what an engine leaves (a partial line, or what waits behind a
 * put-off answer) is kept, in a unit borrowed from a bounded pool. An idle
 * connection keeps nothing.
 */
#ifndef MAILKIT_FEED_H
#define MAILKIT_FEED_H

#include <mailkit/engine.h>

MK_EXTERN_C_BEGIN

/** The input side of one connection. All fields are the feed's own. */
typedef struct mk_feed {
    mk_engine *engine;
    mk_pool *units; /**< small units: partial lines */
    mk_pool *holds; /**< large units, may be NULL */
    char *unit;     /**< on loan while a tail is kept */
    size_t kept;    /**< octets in unit not yet consumed */
    mk_str view;    /**< unconsumed input of this turn */
    bool large;     /**< unit came from holds */
} mk_feed;

/** Start a feed.
 *
 * @param f       written.
 * @param engine  the outermost engine of the connection; borrowed.
 * @param units   pool whose units hold at least mk_in_max octets; borrowed.
 * @param holds   pool of large units that let a driver read more than a small
 *                unit at once; NULL for none; borrowed. */
MK_API void mk_feed_init(mk_feed *f, mk_engine *engine, mk_pool *units,
                         mk_pool *holds);

/** Where to read the next bytes to.
 *
 * The tail kept so far is copied to the front of the scratch, so that the new
 * bytes come to lie behind it. Whatever the engine leaves later is sure to
 * find a home: the room is cut to what can be kept.
 *
 * @param f        the feed.
 * @param scratch  memory shared by the connections of a loop.
 * @param n        octets of scratch, at least a small unit.
 * @param out_ptr  where to read to.
 * @return octets that may be read; 0: nothing can be kept now, try later. */
MK_API size_t mk_feed_room(mk_feed *f, char *scratch, size_t n, char **out_ptr);

/** Tell how many bytes were read to where mk_feed_room said.
 *
 * @param f  the feed.
 * @param n  octets, at most the room; 0 is fine. */
MK_API void mk_feed_got(mk_feed *f, size_t n);

/** Step the engine over what is there.
 *
 * @param f          the feed.
 * @param now_ms     as for mk_step.
 * @param out_event  as for mk_step.
 * @return as mk_step. */
MK_API mk_err mk_feed_step(mk_feed *f, uint64_t now_ms, mk_event *out_event);

/** Keep what is left, before the scratch serves another connection.
 *
 * @param f  the feed.
 * @return MK_OK; MK_E_MEMORY when no unit was free (only when mk_feed_room was
 *         not asked, or the engine left more than mk_in_max): the connection
 *         must be aborted. */
MK_API mk_err mk_feed_keep(mk_feed *f);

/** Octets read and not consumed (for mk_tls_begin).
 *
 * @param f  the feed.
 * @return octets. */
MK_API size_t mk_feed_held(const mk_feed *f);

/** Drop what is kept and give the unit back.
 *
 * @param f  the feed. */
MK_API void mk_feed_fini(mk_feed *f);

MK_EXTERN_C_END
#endif
