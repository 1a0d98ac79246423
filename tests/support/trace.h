/* SPDX-License-Identifier: MIT
 *
 * trace.h: events as lines of text, so that what two runs saw can be compared
 * and what a dialogue expects can be written down. One event is one line of
 * blank-separated tokens; a token key=value may be left out by who expects,
 * every other token must be there. Knows no engine internals.
 */
#ifndef SUPPORT_TRACE_H
#define SUPPORT_TRACE_H

#include <mailkit/pop3.h>
#include <mailkit/smtp.h>

#include "text.h"

/* Append the event as a line without its end. Body octets are not rendered
 * here (a run of them is joined by who compares), nor is MK_EV_WANTED of any
 * interest to a trace. */
void trace_event(text *out, const mk_event *ev);
/* Likewise of POP3: what DONE points to is told by the engine, not the type. */
void trace_pop3_event(text *out, const mk_event *ev);

/* Does a rendered event fit what a dialogue expects? */
bool trace_fits(const char *expected, const char *got);

/* The error by its short name; MK_OK for "OK"; false when unknown. */
bool trace_err_named(const char *name, size_t n, mk_err *out_err);

/* A number that tells events apart: folds octets into a 64-bit hash. */
uint64_t trace_hash(uint64_t hash, const void *octets, size_t n);

#endif
