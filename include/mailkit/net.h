/* SPDX-License-Identifier: MIT
 *
 * net.h: the poll(2) driver: carries one engine over one connected socket and
 * blocks until the engine has something to say. It is meant for clients, for
 * tests, and for servers of a thread a connection. It needs no heap, raises
 * no signal (SIGPIPE), and waits no longer than the engine's deadlines.
 *
 *     mk_poll_connect("mx.example.org", 25, 30000, &fd)
 *     mk_poll_open(&p, fd, engine, mem, sizeof mem)
 *     while ((r = mk_poll_next(&p, &ev)) == MK_OK) { handle ev }
 *     mk_poll_close(&p)
 */
#ifndef MAILKIT_NET_H
#define MAILKIT_NET_H

#include <mailkit/engine.h>

MK_EXTERN_C_BEGIN

/** One engine on one socket, in the caller's memory. All fields are the
 *  driver's own. */
typedef struct mk_poll {
    mk_engine *engine;
    char *mem;       /**< the input buffer */
    size_t mem_size; /**< octets of mem */
    mk_str view;     /**< input not yet consumed, within mem */
    uint64_t end_ms; /**< when an unsent farewell is given up; MK_NEVER */
    int fd;          /**< -1 once the connection is gone */
    bool is_eof;     /**< the engine knows that no more input comes */
    bool is_broken;  /**< the peer takes nothing more */
} mk_poll;

/** Connect to a host by name or address, over TCP.
 *
 * Each address of a name is tried in the resolver's order, for an equal part
 * of the time that is left. Resolving blocks for as long as the system's
 * resolver does and counts toward the timeout.
 *
 * @param name        "mx.example.org", "192.0.2.1", "::1"; NUL-terminated.
 * @param port        1 to 65535.
 * @param timeout_ms  milliseconds for all addresses together.
 * @param out_fd      written on success: a connected socket, close-on-exec
 *                    and not blocking; the caller's to close.
 * @return MK_OK; MK_E_ARG; MK_E_NAME when the name gives no address;
 *         MK_E_UNREACHABLE or MK_E_TIMEOUT when none of them took the
 *         connection, as the last one failed; MK_E_FILES when no descriptor
 *         is left. */
MK_API mk_err mk_poll_connect(const char *name, uint16_t port,
                              uint32_t timeout_ms, int *out_fd);

/** Put an engine on a connected stream socket.
 *
 * @param p       written.
 * @param fd      a connected socket; the driver's from now on when this
 *                succeeds. It is made not blocking and close-on-exec.
 * @param engine  the outermost engine; borrowed, mk_close stays the caller's.
 * @param mem     input buffer, borrowed until mk_poll_close.
 * @param n       octets of mem, at least mk_in_max; more reads more at once.
 * @return MK_OK; MK_E_ARG; MK_E_ROOM when mem is below mk_in_max; MK_E_NET
 *         when fd is not an open descriptor. On failure fd is untouched. */
MK_API mk_err mk_poll_open(mk_poll *p, int fd, mk_engine *engine, void *mem,
                           size_t n);

/** Read, step and write until there is an event.
 *
 * Answer questions by mk_reply and issue verbs between two calls. When the
 * engine is over, what it queued is sent, the sending side is shut, and at
 * most 64 KiB or two seconds of input are read and thrown away, so that no
 * reset eats the last reply (Law 11).
 *
 * @param p          the driver.
 * @param out_event  written when MK_OK is returned; lives until the next call.
 * @return MK_OK: an event; MK_END: the conversation is over and the socket
 *         closed; MK_WAIT: the engine waits for an answer or a verb of the
 *         caller's alone, and has no deadline; MK_E_NET: the connection broke
 *         after the peer's end was told, the socket is closed; MK_E_ARG. */
MK_API mk_err mk_poll_next(mk_poll *p, mk_event *out_event);

/** Octets that were read and not consumed (for mk_tls_begin).
 *
 * @param p  the driver.
 * @return octets held. */
MK_API size_t mk_poll_held(const mk_poll *p);

/** Close the socket at once if it is still open.
 *
 * @param p  the driver; may be used again by mk_poll_open. */
MK_API void mk_poll_close(mk_poll *p);

/** The driver's clock, for verbs that take a time.
 *
 * @return monotonic milliseconds. */
MK_API uint64_t mk_poll_now_ms(void);

MK_EXTERN_C_END
#endif
