/* SPDX-License-Identifier: MIT
 *
 * uv_internal.h: what the files of the libuv host share. A connection is
 * destroyed in three steps, so that no callback finds it half gone: its
 * session is told (closed), its handle is closed, its memory goes when libuv
 * gives the handle back.
 */
#ifndef NET_UV_INTERNAL_H
#define NET_UV_INTERNAL_H

#include "net/wheel.h"

#include <mailkit/feed.h>
#include <mailkit/uv.h>

#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>

/* How many connections one address has. */
typedef struct mk_net_source {
    struct mk_net_source *after;
    size_t count;
    uint8_t family;
    uint8_t key[16];
} mk_net_source;

enum { mk_net_source_slots = 256 };

typedef struct mk_net_sources {
    const mk_alloc *alloc;
    mk_net_source *slots[mk_net_source_slots];
} mk_net_sources;

/* Counts one more connection of a peer. MK_E_LIMIT, MK_E_MEMORY: it does not
 * count. */
mk_err mk_net_source_add(mk_net_sources *s, const mk_peer *peer, size_t max,
                         mk_net_source **out_source);
void mk_net_source_drop(mk_net_sources *s, mk_net_source *source);

typedef struct mk_net_listener mk_net_listener;
typedef struct mk_net_arrival mk_net_arrival;

typedef struct mk_net_host {
    mk_host table; /* first: the mk_host given out is this host */
    uv_loop_t *loop;
    const mk_uv_config *config;
    char *scratch;
    mk_pool units;
    mk_pool holds;
    mk_net_wheel wheel;
    mk_net_sources sources;
    uv_timer_t timer;
    uint64_t armed_ms; /* when `timer` fires */
    uv_check_t check;
    uv_idle_t idle;
    mk_timer grace;
    mk_timer look; /* at the share, while there are connections */
    mk_net_listener *listeners;
    mk_conn *conns;
    mk_conn *pending; /* to be looked at in this or the next turn */
    mk_conn **pending_end;
    size_t conn_count;    /* structs that exist */
    size_t session_count; /* those not told closed */
    size_t listener_count;
    size_t job_count;
    int handles;     /* of the three above, open */
    int reserve_fd;  /* given up to accept and close when no other is left */
    bool is_crowded; /* of connections: nearly as many as may be */
    bool is_hurried; /* all engines are told so */
    bool is_stopping;
    bool is_grace_over; /* who is left is owed an answer */
    bool is_closing;
} mk_net_host;

struct mk_net_listener {
    uv_poll_t poll; /* first */
    mk_net_host *host;
    const mk_service *service;
    mk_net_listener *after;
    mk_timer pause;
    mk_peer own; /* own_address and own_port, when they are known */
    int fd;
    bool is_borrowed; /* fd is somebody else's, and others may accept too */
};

struct mk_conn {
    uv_poll_t poll; /* first */
    mk_net_host *host;
    const mk_service *service;
    void *session;
    mk_feed feed;
    mk_timer timer;
    mk_conn *after;
    mk_conn *before;
    mk_conn *pending_after;
    mk_net_source *source;
    mk_net_arrival *arrival; /* a proxy has not told yet for whom it is */
    uint64_t end_ms;         /* when an unsent farewell is given up */
    uint32_t discarded;
    int fd;
    mk_err why;
    unsigned events : 4; /* what poll is armed for */
    bool is_pending : 1;
    bool is_aborted : 1; /* close at the next chance */
    bool is_over : 1;    /* MK_END was seen */
    bool is_eof : 1;     /* the engine knows that no more input comes */
    bool is_broken : 1;  /* the peer takes nothing more */
    bool is_blocked : 1; /* the socket takes nothing now */
    bool is_starved : 1; /* no unit was free */
    bool is_told : 1;    /* there is no session: not yet, or closed was called:
                          * discarding, or on the way out */
    bool is_gone : 1;    /* the handle is closed */
};

/* uv_host.c */
mk_net_host *mk_net_host_of(mk_host *table);
uint64_t mk_net_now_ms(mk_net_host *h);
void mk_net_timer_set(mk_net_host *h, mk_timer *t, uint64_t due_ms);
void mk_net_timer_clear(mk_net_host *h, mk_timer *t);
/* Look at a connection again in this or the next turn of the loop. */
void mk_net_push(mk_conn *c);
/* Ends the host when it is closing and nothing is left in it. */
void mk_net_host_gone(mk_net_host *h);

/* uv_admit.c */
/* Are there as many connections as may be? */
bool mk_net_is_full(const mk_net_host *h);
/* Counts a peer. MK_E_LIMIT, MK_E_MEMORY: he does not count. */
mk_err mk_net_admit(mk_net_host *h, const mk_peer *peer,
                    mk_net_source **out_source);
/* source may be NULL. */
void mk_net_dismiss(mk_net_host *h, mk_net_source *source);
/* A connection came or went: is room short, or not any more? */
void mk_net_hurry_look(mk_net_host *h);

/* uv_conn.c */
/* Takes fd over, whatever happens. */
void mk_net_conn_accept(mk_net_listener *l, int fd, const mk_peer *peer);
/* Begins the session of a connection that has its source. */
void mk_net_conn_open(mk_conn *c, const mk_peer *peer);
/* At once; there is no session. */
void mk_net_conn_close(mk_conn *c);
void mk_net_conn_resume(mk_conn *c);
void mk_net_conn_abort(mk_conn *c, mk_err why);
void mk_net_conn_free(mk_conn *c);

/* uv_listen.c */
void mk_net_listener_close(mk_net_listener *l);
/* A descriptor that can be spared; -1. */
int mk_net_reserve(void);
/* Says a last word to a peer. */
void mk_net_say_busy(const mk_service *service, int fd);
void mk_net_tell_refused(const mk_service *service, const mk_peer *peer,
                         mk_err why);
/* Both, and closes. */
void mk_net_refuse(const mk_service *service, int fd, const mk_peer *peer,
                   mk_err why);

/* uv_proxy.c */
/* c has no session yet, and is read for a header. MK_E_MEMORY. */
mk_err mk_net_arrival_begin(mk_conn *c, const mk_peer *proxy);
void mk_net_arrival_read(mk_conn *c);
/* It is none, or late: closes. */
void mk_net_arrival_fail(mk_conn *c, mk_err why);
void mk_net_arrival_free(mk_conn *c);

#endif
