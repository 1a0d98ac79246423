/* SPDX-License-Identifier: MIT
 *
 * smtp/params.h: the parameters of MAIL and RCPT (RFC 5321 4.1.2), read by a
 * server, one row each: where it may stand, which extension it belongs to, how
 * its value is taken into the event. A parameter whose extension is not offered
 * is not known, and answered 555 (RFC 5321 4.1.1.11).
 */
#ifndef SMTP_PARAMS_H
#define SMTP_PARAMS_H

#include <mailkit/smtp.h>

/* What is being read, and into what; mail or rcpt is NULL: which command it is.
 * What they point to is zeroed but for `size`. */
typedef struct smtp_params {
    const mk_smtp_server_config *config;
    uint32_t offered; /* mk_smtp_extension, or-ed */
    bool is_utf8;     /* octets above 0x7F may stand in values (RFC 6531 3.3) */
    mk_smtp_event *event;
    mk_smtp_mail_options *mail;
    mk_smtp_rcpt_options *rcpt;
} smtp_params;

/* Take all parameters behind a path; gives NULL or the reply that refuses. */
const char *mk_smtp_params_take(smtp_params *p, mk_str rest);

#endif
