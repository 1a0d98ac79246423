/* SPDX-License-Identifier: MIT
 *
 * wire/serve_internal.h: what the files of the servers' shared side (serve.h)
 * say to each other: serve.c (the step), serve_clock.c (times and delays),
 * serve_tls.c (the border), serve_login.c (an exchange), serve_stream.c.
 * Machines include serve.h alone.
 */
#ifndef WIRE_SERVE_INTERNAL_H
#define WIRE_SERVE_INTERNAL_H

#include "wire/serve.h"

static inline mk_serve *mk_serve_of(mk_engine *e)
{
    return (mk_serve *)(void *)e;
}

static inline const mk_serve_kind *mk_serve_kind_of(const mk_serve *s)
{
    return (const mk_serve_kind *)(const void *)s->head.ops;
}

static inline mk_serve_limits mk_serve_limits_of(const mk_serve *s)
{
    mk_serve_limits limits;
    mk_serve_kind_of(s)->limits(s, &limits);
    return limits;
}

/* ---- serve.c ---------------------------------------------------------------
 */

/* There is nothing to do; is there anything to end? */
mk_err mk_serve_idle(mk_serve *s, mk_str in, mk_event *ev);

void mk_serve_next_op(mk_serve *s);

/* Do octets follow the line that begins so? */
bool mk_serve_leads_octets(const mk_serve *s, mk_str line);

/* mk_serve_say, of an error that waits for so long at least. */
void mk_serve_say_late(mk_serve *s, const char *line, uint64_t least_ms);

/* Nobody answered in time: MK_EV_WITHDRAWN. */
mk_err mk_serve_withdrawn(mk_serve *s, mk_event *ev, mk_err why);

/* ---- serve_clock.c ---------------------------------------------------------
 */

/* A step begins. */
void mk_serve_tick(mk_serve *s, uint64_t now_ms);

/* The application's time begins; ends. It is not the peer's. */
void mk_serve_put_off(mk_serve *s);
void mk_serve_resume(mk_serve *s);

/* mk_serve_let_go, where an error waits for so long at least. */
void mk_serve_let_go_late(mk_serve *s, bool is_error, uint64_t least_ms);

/* A delayed reply: MK_WAIT, or MK_E_AGAIN when it is on its way. */
mk_err mk_serve_delayed(mk_serve *s);
bool mk_serve_is_delay_over(const mk_serve *s);

/* When the peer has been too slow. */
uint64_t mk_serve_peer_due_ms(const mk_serve *s);

/* ---- serve_tls.c -----------------------------------------------------------
 */

/* At the border: nothing is read, and nothing is said. */
mk_err mk_serve_cross(mk_serve *s, mk_str in, mk_event *ev);
unsigned mk_serve_border_want(const mk_serve *s);

/* ---- serve_login.c ---------------------------------------------------------
 */

/* Go on with the login: read a line of it, or do what comes next. */
mk_err mk_serve_login_next(mk_serve *s, mk_str *io_in, mk_event *ev);

/* The application did not tell, or too late. */
void mk_serve_login_unanswered(mk_serve *s);

/* Too many failed: MK_EV_FAULT, else MK_E_AGAIN. */
mk_err mk_serve_login_limit(mk_serve *s, mk_event *ev);

#endif
