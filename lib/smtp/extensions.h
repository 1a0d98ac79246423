/* SPDX-License-Identifier: MIT
 *
 * smtp/extensions.h: the table of service extensions (RFC 5321 2.2), one row
 * each: what EHLO prints, which parameters of MAIL and RCPT it owns. Both
 * machines read it; neither knows an extension by name. Adding one is a row
 * here and a dialogue.
 */
#ifndef SMTP_EXTENSIONS_H
#define SMTP_EXTENSIONS_H

#include <mailkit/smtp.h>

/* Where a parameter may stand. */
typedef enum smtp_param_place {
    SMTP_PARAM_MAIL = 1,
    SMTP_PARAM_RCPT = 2
} smtp_param_place;

/* A parameter of MAIL or RCPT (RFC 5321 4.1.2). */
typedef struct smtp_param {
    const char *keyword;
    uint8_t places;    /* smtp_param_place, or-ed */
    uint8_t extension; /* the row of smtp_extensions it belongs to */
    uint32_t seen;     /* its bit, to find duplicates */
    /* Take the value (empty: none stood there) into the event, or give the
     * reply that refuses it. */
    const char *(*take)(const mk_smtp_server_config *c, mk_str value,
                        mk_smtp_event *ev);
} smtp_param;

/* What a server offers, as its reply to EHLO tells it. */
typedef struct smtp_offer {
    uint32_t extensions; /* mk_smtp_extension, or-ed */
    uint64_t size_max;   /* SIZE; 0: none is stated */
    mk_str mechanisms;   /* AUTH: names, a view of the line */
} smtp_offer;

typedef struct smtp_extension {
    const char *keyword;
    uint32_t bit;
    /* What stands behind the keyword in EHLO; NULL: nothing. */
    void (*print)(const mk_smtp_server_config *c, const mk_tls_info *tls,
                  mk_buf *out);
    /* Client: take what stood there; NULL: nothing is expected. */
    void (*learn)(mk_str value, smtp_offer *io);
    const char *rfc;
} smtp_extension;

/* Write the lines of EHLO behind the first, "250-…\r\n250 …\r\n", or nothing
 * when none is offered; offered is the mask of bits, tls what the session has,
 * or NULL. */
void mk_smtp_extensions_print(const mk_smtp_server_config *c, uint32_t offered,
                              const mk_tls_info *tls, mk_buf *out);

/* Client: take one line of the reply to EHLO, behind its code. Extensions
 * outside of `wanted` are passed over. */
void mk_smtp_extensions_learn(mk_str line, uint32_t wanted, smtp_offer *io);

/* Take all parameters behind a path; gives NULL or the reply that refuses. */
const char *mk_smtp_params_take(const mk_smtp_server_config *c,
                                uint32_t offered, smtp_param_place place,
                                mk_str params, mk_smtp_event *ev);

#endif
