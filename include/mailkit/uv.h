/* SPDX-License-Identifier: MIT
 *
 * uv.h: the host on libuv (library libmailkit-uv): listeners, connections
 * that carry engines, timers, workers and clocks, on a loop of the caller's.
 * All calls are made on the loop's thread. Nothing here knows a protocol.
 *
 *     mk_uv_config_init(&config, sizeof config);
 *     mk_uv_host_open(loop, &config, &host);
 *     mk_uv_listen(host, "127.0.0.1", 0, &service, &port);
 *     uv_run(loop, UV_RUN_DEFAULT);      (until somebody calls mk_uv_stop)
 *     mk_uv_host_close(host);
 *     uv_run(loop, UV_RUN_DEFAULT);      (the last handles go)
 */
#ifndef MAILKIT_UV_H
#define MAILKIT_UV_H

#include <mailkit/engine.h>
#include <mailkit/host.h>

MK_EXTERN_C_BEGIN

struct uv_loop_s;

/** A count of connections that several hosts share, such as the processes of
 *  one server. It is asked after the host's own limits. */
typedef struct mk_uv_share {
    void *self;
    /** One more connection. address is 4 octets of IPv4, or the first 8 of
     *  IPv6. @return MK_OK and it counts; MK_E_LIMIT and it does not. */
    mk_err (*take)(void *self, uint8_t family, const uint8_t *address);
    /** One that counted is gone. */
    void (*give)(void *self, uint8_t family, const uint8_t *address);
    /** Is room short in all, so that every host should hurry? Asked when a
     *  connection comes or goes, and once a second; true may not last. */
    bool (*is_short)(void *self);
} mk_uv_share;

/** The host's settings; const and borrowed for the host's life. */
typedef struct mk_uv_config {
    size_t size;              /**< sizeof(mk_uv_config), set by the init */
    const mk_alloc *alloc;    /**< where all memory comes from */
    size_t max_connections;   /**< in all; 1000 */
    size_t max_per_address;   /**< of one IPv4 address or IPv6 /64; 50 */
    uint32_t hurry_percent;   /**< of max_connections: from there on engines are
                               *   told mk_hurry, until a fifth of it is free
                               *   again; 1 to 100; 90 */
    const mk_uv_share *share; /**< or NULL; borrowed */
    uint32_t backlog;         /**< of a listener; 511 */
    size_t scratch_bytes;     /**< read at once, one for the loop; 65536 */
    size_t unit_bytes;        /**< of small units (mk_pool); 2048 */
    size_t max_units;         /**< small units at most; 2048 */
    size_t hold_bytes;        /**< of large units; 65536 */
    size_t max_holds;         /**< large units at most; 64 */
    uint32_t
        stop_grace_ms; /**< from mk_uv_stop until the rest is aborted; 5000 */
    uint32_t stop_answer_ms; /**< from then on, for those that wait for nothing
                              *   but our answer: a message is coming to rest,
                              *   and its 250 must not be lost; 30000 */
    uint32_t farewell_ms;   /**< for unsent output once an engine ended; 5000 */
    uint32_t discard_ms;    /**< of reading after our FIN (Law 11); 2000 */
    uint32_t discard_bytes; /**< read and thrown away after it; 65536 */
} mk_uv_config;

/** Fill a configuration with the defaults named at its fields.
 *
 * @param config  written.
 * @param size    sizeof(mk_uv_config) as the caller knows it.
 * @return MK_OK; MK_E_ARG when size is not one this library knows. */
MK_API mk_err mk_uv_config_init(mk_uv_config *config, size_t size);

/** Open a host on a loop.
 *
 * @param loop      borrowed until the host's last handle is closed.
 * @param config    borrowed for the host's life.
 * @param out_host  written on success; the table of host.h.
 * @return MK_OK; MK_E_ARG when a limit is 0 or a size out of range (unit_bytes
 *         and hold_bytes as for mk_pool_init, scratch_bytes at least
 *         unit_bytes); MK_E_MEMORY; MK_E_FILES. */
MK_API mk_err mk_uv_host_open(struct uv_loop_s *loop,
                              const mk_uv_config *config, mk_host **out_host);

/** The pool of small units, to be handed to engines too.
 *
 * @param host  of mk_uv_host_open.
 * @return the pool; lives as long as the host. */
MK_API mk_pool *mk_uv_host_units(mk_host *host);

/** Listen on a TCP address.
 *
 * @param host      the host.
 * @param address   numeric, NUL-terminated: "127.0.0.1", "::1", "fe80::1%eth0".
 *                  An IPv6 address takes no IPv4 connections.
 * @param port      0 for any.
 * @param service   what is served there; borrowed for the host's life.
 * @param out_port  written on success: the port chosen; may be NULL.
 * @return MK_OK; MK_E_ARG; MK_E_EXISTS when the address is in use;
 *         MK_E_ACCESS; MK_E_UNREACHABLE when it is not an address of this
 *         machine; MK_E_FILES; MK_E_MEMORY; MK_E_SHUTDOWN; MK_E_NET. */
MK_API mk_err mk_uv_listen(mk_host *host, const char *address, uint16_t port,
                           const mk_service *service, uint16_t *out_port);

/** Listen on a socket that somebody else has bound: a parent process, or the
 *  service manager.
 *
 * @param host      the host.
 * @param fd        a listening stream socket (TCP). Borrowed: it is set to not
 *                  block and to send small segments at once, and stays open
 *                  when the host closes. Other processes may accept from it
 *                  too: one peer is taken at a time. IPv4 peers at an IPv6
 *                  socket are told as family 4.
 * @param service   as for mk_uv_listen.
 * @param out_port  written on success; may be NULL.
 * @return MK_OK; MK_E_ARG: not such a socket; MK_E_MEMORY; MK_E_SHUTDOWN;
 *         MK_E_NET. */
MK_API mk_err mk_uv_listen_fd(mk_host *host, int fd, const mk_service *service,
                              uint16_t *out_port);

/** How many connections have a session now.
 *
 * @param host  the host.
 * @return connections for which closed was not called yet. */
MK_API size_t mk_uv_host_sessions(const mk_host *host);

/** Close the listeners and let sessions go on. The loop ends by itself when
 *  the last connection is gone; mk_uv_stop may follow. May be called from
 *  within any callback.
 *
 * @param host  the host; a second call is fine, and so is listening again. */
MK_API void mk_uv_drain(mk_host *host);

/** Stop in order: no new connections, mk_finish to every engine, and after
 *  stop_grace_ms an abort of what is left; engines that want neither to read
 *  nor to write have stop_answer_ms more. The loop ends by itself when the
 *  last connection is gone. May be called from within any callback.
 *
 * @param host  the host; a second call is fine. */
MK_API void mk_uv_stop(mk_host *host);

/** Close the host: connections are aborted, handles closed. It happens while
 *  the loop runs on; jobs under way are waited for, and closed and done are
 *  still called. The host's memory is gone when uv_run returns 0.
 *
 * @param host  the host, not to be used again but from those callbacks; NULL
 *              is fine. */
MK_API void mk_uv_host_close(mk_host *host);

MK_EXTERN_C_END
#endif
