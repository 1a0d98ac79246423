/* SPDX-License-Identifier: MIT
 *
 * protocols.c: what can be served at a listener: mail for own domains from
 * anybody (RFC 5321), and what users hand in (RFC 6409), in clear with STARTTLS
 * (RFC 3207) or as TLS from the first octet (RFC 8314 3.3). The name smtps was
 * in use for both before RFC 8314 settled it: there, logins are offered and
 * not needed. LMTP (RFC 2033) is for a mail server in front of this one. What
 * came to rest is fetched by POP3 (RFC 1939), with STLS (RFC 2595) or as TLS. A
 * new protocol is a row here.
 */
#include "mailkitd.h"

/* What a server of mailboxes can do. It has no queue: nothing is held for a
 * time (FUTURERELEASE) or started (ETRN). What else is not honoured behind it
 * is left out by the service (DSN), and XCLIENT and XFORWARD for
 * peers who are not trusted. Devices are known by users only (CLIENTID). */
#define FOR_USERS                                                              \
    (MK_SMTP_EXTENSION_ALL &                                                   \
     ~(uint32_t)(MK_SMTP_EXTENSION_FUTURERELEASE | MK_SMTP_EXTENSION_ETRN))
#define FOR_SERVERS (FOR_USERS & ~(uint32_t)MK_SMTP_EXTENSION_CLIENTID)

/* clang-format off */
const protocol protocols[PROTOCOLS] = {
    /* name        speech       is_tls login          extensions */
    {"smtp",        SPEECH_SMTP, false, LOGIN_NEVER,   FOR_SERVERS},
    {"smtps",       SPEECH_SMTP, true,  LOGIN_OFFERED, FOR_USERS},
    {"submission",  SPEECH_SMTP, false, LOGIN_NEEDED,  FOR_USERS},
    {"submissions", SPEECH_SMTP, true,  LOGIN_NEEDED,  FOR_USERS},
    {"lmtp",        SPEECH_LMTP, false, LOGIN_NEVER,   FOR_SERVERS},
    {"pop3",        SPEECH_POP3, false, LOGIN_NEEDED,  0},
    {"pop3s",       SPEECH_POP3, true,  LOGIN_NEEDED,  0},
};
/* clang-format on */

const char protocol_names[] =
    "smtp, smtps, submission, submissions, lmtp, pop3 or pop3s";

uint32_t extension_find(const char *keyword)
{
    return mk_smtp_extension_find(mk_str_z(keyword)) &
           ~(uint32_t)(MK_SMTP_EXTENSION_STARTTLS | MK_SMTP_EXTENSION_AUTH);
}

const protocol *protocol_find(mk_str name, bool *out_is_proxied)
{
    static const char behind[] = "+proxy";
    size_t plus = mk_str_find(name, '+');

    *out_is_proxied =
        mk_str_is(mk_str_sub(name, plus, SIZE_MAX), mk_str_z(behind));
    if (*out_is_proxied) {
        name = mk_str_sub(name, 0, plus);
    }
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (mk_str_is(name, mk_str_z(protocols[i].name))) {
            return &protocols[i];
        }
    }
    return NULL;
}
