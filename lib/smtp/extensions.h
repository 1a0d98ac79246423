/* SPDX-License-Identifier: MIT
 *
 * smtp/extensions.h: the service extensions (RFC 5321 2.2), one row each, read
 * by both machines; neither knows an extension by name. What a row has of its
 * own stands in tables of the role that needs it, so that a client links
 * nothing of a server's: what EHLO prints (server_offer.c), what a client
 * learns from it (client_offer.c), the parameters of MAIL and RCPT
 * (params.c). Adding one is a row here, its rows there, and a dialogue.
 */
#ifndef SMTP_EXTENSIONS_H
#define SMTP_EXTENSIONS_H

#include <mailkit/smtp.h>

enum { SMTP_KEYWORD_MAX = 19 };

/* Those that this build knows: the first of them. One for a small client
 * (meson: smtp_extensions) has what a machine keeps by itself, and no LMTP;
 * where SMTP_HAS is asked for more, the compiler leaves it out. */
#ifdef MK_NO_SMTP_EXTENSIONS
enum {
    SMTP_EXTENSIONS = 6,
    SMTP_KNOWN = MK_SMTP_EXTENSION_DEFAULT,
    SMTP_HAS_LMTP = 0
};
#else
enum {
    SMTP_EXTENSIONS = 20,
    SMTP_KNOWN = MK_SMTP_EXTENSION_ALL,
    SMTP_HAS_LMTP = 1
};
#endif
#define SMTP_HAS(name) ((SMTP_KNOWN & MK_SMTP_EXTENSION_##name) != 0)

/* The keywords, in the order of their bits. */
extern const char mk_smtp_keywords[SMTP_EXTENSIONS][SMTP_KEYWORD_MAX + 1];

/* What a server offers, as its reply to EHLO tells it. 0, or NUL: not told. */
typedef struct smtp_offer {
    uint32_t extensions;       /* mk_smtp_extension, or-ed */
    uint32_t mail_max;         /* LIMITS */
    uint32_t rcpt_max;         /* likewise */
    uint32_t rcpt_domain_max;  /* likewise */
    uint32_t deliver_by_min_s; /* DELIVERBY */
    uint32_t hold_for_max_s;   /* FUTURERELEASE */
    uint32_t xclient;          /* XCLIENT: attributes, bits of peer_fields.h */
    uint32_t xforward;         /* XFORWARD: likewise */
    uint64_t size_max;         /* SIZE */
    int64_t hold_until_max_s;  /* FUTURERELEASE; where it is not offered 0 */
    mk_str mechanisms;         /* AUTH: names, a view of the line */
} smtp_offer;

/* Client: take one line of the reply to EHLO, behind its code. Extensions
 * outside of `wanted` are passed over. */
void mk_smtp_extensions_learn(mk_str line, uint32_t wanted, smtp_offer *io);

/* Server: what of the settings' extensions may be offered: STARTTLS in clear,
 * others in TLS alone (RFC 3207 4.2, RFC 8689 2). */
uint32_t mk_smtp_extensions_offer(const mk_smtp_server_config *c,
                                  const mk_tls_info *tls);

/* Server: write the lines of EHLO behind the first, "250-…\r\n250 …\r\n", or
 * nothing when none is offered; tls is what the session has, or NULL. */
void mk_smtp_extensions_print(const mk_smtp_server_config *c, uint32_t offered,
                              const mk_tls_info *tls, mk_buf *out);

/* Server: octets that the whole reply to EHLO has at most. */
size_t mk_smtp_extensions_room(const mk_smtp_server_config *c);

#endif
