/* SPDX-License-Identifier: MIT
 *
 * mailkit.h: the umbrella over the headers of libmailkit, and the page of
 * conventions that they all keep. The host on libuv (libmailkit-uv) has its
 * own header, uv.h. Programs that want a part include that part's header: an
 * SMTP client needs <mailkit/smtp.h> and, when it may block, <mailkit/net.h>.
 */
#ifndef MAILKIT_MAILKIT_H
#define MAILKIT_MAILKIT_H

/* CONVENTIONS
 *
 * Errors. Functions that can fail return mk_err: MK_OK (0), a positive value
 * that is no failure (MK_WAIT, MK_END), or a negative one. There are two
 * families. Misuse by the caller, and a lack of memory or room, is a negative
 * return, and nothing was changed: the call can be made again. A fault of the
 * peer is an event (MK_EV_FAULT with its class), then MK_END. Malformed mail
 * is neither.
 *
 * Outputs. Inputs stand first, outputs last: out_x is written only when the
 * call succeeds, io_x is read and advanced.
 *
 * NULL. A pointer may be NULL only where its docstring says so; a call that
 * returns mk_err answers MK_E_ARG otherwise. close and free take NULL.
 *
 * Ownership. mk_str is a borrowed view, never NUL-terminated, never freed. A
 * view in an event lives until the next mk_step or mk_close on that engine;
 * no other call moves it. What you pass in is borrowed for the call unless the
 * docstring says longer: configs for the life of what was opened with them,
 * envelopes and lent spans until the event that gives them back. Pairs show
 * who owns memory: open/close and init/fini work in memory of yours, new/free
 * take theirs from the mk_alloc that they were given.
 *
 * Strings from the wire are octets. They may hold anything that the grammar
 * lets pass, are in no locale and no case, and must be escaped before they
 * reach a terminal, a log or a shell (mk_buf_add_escaped).
 *
 * Arguments that end up on a wire or in a file may not hold CR, LF or NUL:
 * MK_E_CTL, before anything was sent.
 *
 * Threads. There is no global state but const tables. An object (engine, pool,
 * feed, host, service) belongs to one thread at a time; different objects are
 * independent. Only mk_job.work runs on other threads, and it touches only its
 * job.
 *
 * Time. Nothing below net/ reads a clock. Fields and parameters in _ms are
 * milliseconds on one monotonic clock of the caller's choice, those in _s are
 * seconds of UTC since 1970. Names in _bytes count octets.
 *
 * Limits. Every limit is finite by default and stands in a config with its
 * default in the docstring; 0 is refused where it would mean "none". A limit
 * that is reached has its own error or reply. An engine lives in one block
 * whose size is told before (…_need), borrows at most one unit of a bounded
 * pool, and never grows.
 *
 * Configs. Fill a config by its init with sizeof it, then change what you
 * want. That size is what lets a later library know how old its caller is.
 *
 * What may grow, and what the ABI promises within one soname. Enumerators and
 * error numbers keep their values; new ones are added. Structs that begin
 * with `size` may grow at their end. Structs that the library hands out by
 * pointer (mk_smtp_event, mk_fault, mk_peer …) may grow at their end; do not
 * copy them by value across library versions. mk_event, mk_str and mk_buf do
 * not change. The fields of mk_pool, mk_feed, mk_timer and mk_job are theirs;
 * their sizes do not change. Before 1.0 the soname may change with each minor
 * version.
 *
 * Randomness and memory come in through mk_random and mk_alloc; engines use
 * neither. */

#include <mailkit/agent.h>
#include <mailkit/base.h>
#include <mailkit/charset.h>
#include <mailkit/codec.h>
#include <mailkit/crypto.h>
#include <mailkit/date.h>
#include <mailkit/defect.h>
#include <mailkit/disk.h>
#include <mailkit/engine.h>
#include <mailkit/envelope.h>
#include <mailkit/feed.h>
#include <mailkit/header.h>
#include <mailkit/host.h>
#include <mailkit/maildrop.h>
#include <mailkit/message.h>
#include <mailkit/net.h>
#include <mailkit/policy.h>
#include <mailkit/pop3.h>
#include <mailkit/proxy.h>
#include <mailkit/sasl.h>
#include <mailkit/smtp.h>
#include <mailkit/store.h>
#include <mailkit/tls.h>
#include <mailkit/vfs.h>

#endif
