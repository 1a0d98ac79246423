/* SPDX-License-Identifier: MIT
 *
 * host.h: the plain table through which layers below net/ reach a loop:
 * connections that carry engines, worker threads, timers and the wall clock
 * (Law 2). lib/net/ fills it on libuv; a program with another loop fills it
 * itself. Every call of the table is made on the loop's thread and every
 * answer comes back there; only mk_job.work runs elsewhere.
 */
#ifndef MAILKIT_HOST_H
#define MAILKIT_HOST_H

#include <mailkit/base.h>

MK_EXTERN_C_BEGIN

struct mk_engine;
struct mk_event;

/** A piece of blocking work. It lies in the memory of whoever submits it and
 *  stays there, untouched, until done was called.
 *
 * A larger struct holds it as its first member. */
typedef struct mk_job {
    /** Runs on a worker thread; touches only what the job owns. */
    void (*work)(struct mk_job *job);
    /** Runs on the loop's thread, once, after work returned. */
    void (*done)(struct mk_job *job);
    /** For the host alone. */
    void *host_data[2];
} mk_job;

/** A timer. It lies in its owner's memory and is unset when zeroed. */
typedef struct mk_timer {
    /** Runs on the loop's thread; may set this timer again. */
    void (*fire)(struct mk_timer *timer);
    /** For the host alone. */
    uint64_t due_ms;
    struct mk_timer *host_link[2];
} mk_timer;

/** Who is at the other end of a connection, and at which of our doors. */
typedef struct mk_peer {
    uint8_t family;      /**< 4, 6, or 0 when unknown (a local socket) */
    uint8_t address[16]; /**< network order; an IPv4 address uses 4 octets */
    uint16_t port;       /**< host order */
    uint8_t own_address[16]; /**< ours, same family */
    uint16_t own_port;       /**< host order */
} mk_peer;

/** Whose word is taken for who a peer is: a proxy in front of a listener begins
 *  each connection with a PROXY header (proxy.h), before TLS, too. Borrowed for
 *  the life of the service. */
typedef struct mk_proxied {
    void *self;
    /** Is this peer such a proxy, at that door of ours? If so it must begin
     *  with a header, whose peer is told to the service and counted instead of
     *  it. If not, it is the peer itself. */
    bool (*is_proxy)(void *self, const mk_peer *peer);
    uint32_t header_ms; /**< for the whole header, 1 to 60,000; 5,000 is good */
} mk_proxied;

/** One connection of the host, opaque to those above. */
typedef struct mk_conn mk_conn;

/** What a listener serves. The host calls it on the loop's thread. */
typedef struct mk_service {
    void *self;
    /** A connection was accepted.
     *
     * Open an engine for it and write *out_engine and *out_session; both stay
     * the service's own. A failure closes the connection at once: MK_E_LIMIT
     * and others after sending *out_refusal (a complete reply such as "421
     * ...\r\n", static) when that was written. */
    mk_err (*open)(void *self, mk_conn *conn, const mk_peer *peer,
                   struct mk_engine **out_engine, void **out_session,
                   mk_str *out_refusal);
    /** The engine gave an event; its spans live until this returns. Answer
     *  by mk_reply or mk_later before returning when it is flagged MK_ASK. */
    void (*event)(void *session, const struct mk_event *event);
    /** The connection is gone: mk_close the engine and free the session.
     *  why is MK_OK when it ended in order. No call follows for it. */
    void (*closed)(void *session, mk_err why);
    /** A complete reply, static, sent before closing to a peer for whom the
     *  host has no connection left ("421 ...\r\n"); may be empty. */
    mk_str busy;
    /** A peer was turned away by the host: MK_E_LIMIT (too many connections,
     *  of its address or in all), MK_E_FILES, MK_E_MEMORY. Or without a word,
     *  a proxy whose header was none: MK_E_CROSS, MK_E_SYNTAX; too long:
     *  MK_E_SIZE; late: MK_E_TIMEOUT; cut off: MK_E_CUT, MK_E_NET. For the
     *  record only; NULL when nobody asks. */
    void (*refused)(void *self, const mk_peer *peer, mk_err why);
    const mk_proxied *proxied; /**< NULL: peers are who they are */
} mk_service;

/** The loop's services, filled by lib/net/ or by the program. Grows at its
 *  end only; size tells what is there. */
typedef struct mk_host {
    size_t size; /**< sizeof(mk_host) as its filler knew it */
    void *self;
    /** Run a job. @return MK_OK and done will be called; or MK_E_MEMORY,
     *  MK_E_SHUTDOWN and nothing will be called. */
    mk_err (*submit)(void *self, mk_job *job);
    /** Set or move a timer; due_ms is absolute on the clock of now_ms. */
    void (*timer_set)(void *self, mk_timer *timer, uint64_t due_ms);
    /** Unset a timer; fine when it is not set. */
    void (*timer_clear)(void *self, mk_timer *timer);
    /** Monotonic milliseconds, as of this turn of the loop. */
    uint64_t (*now_ms)(void *self);
    /** Wall clock, UTC, seconds since 1970; *out_us (may be NULL) gets
     *  microseconds 0..999999. */
    int64_t (*wall_s)(void *self, uint32_t *out_us);
    /** An answer was given to a connection's engine from outside its event
     *  call: step it again in this or the next turn of the loop. */
    void (*wake)(void *self, mk_conn *conn);
    /** Close a connection now, without an orderly end. closed follows. */
    void (*abort)(void *self, mk_conn *conn);
} mk_host;

MK_EXTERN_C_END
#endif
