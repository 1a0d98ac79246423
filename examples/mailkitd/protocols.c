/* SPDX-License-Identifier: MIT
 *
 * protocols.c: what can be served at a listener: mail for own domains from
 * anybody (RFC 5321), and what users hand in (RFC 6409), in clear with STARTTLS
 * (RFC 3207) or as TLS from the first octet (RFC 8314 3.3). The name smtps was
 * in use for both before RFC 8314 settled it: there, logins are offered and
 * not needed. What came to rest is fetched by POP3 (RFC 1939), with STLS (RFC
 * 2595) or as TLS. A new protocol is a row here.
 */
#include "mailkitd.h"

/* clang-format off */
const protocol protocols[PROTOCOLS] = {
    /* name        speech       is_tls login */
    {"smtp",        SPEECH_SMTP, false, LOGIN_NEVER},
    {"smtps",       SPEECH_SMTP, true,  LOGIN_OFFERED},
    {"submission",  SPEECH_SMTP, false, LOGIN_NEEDED},
    {"submissions", SPEECH_SMTP, true,  LOGIN_NEEDED},
    {"pop3",        SPEECH_POP3, false, LOGIN_NEEDED},
    {"pop3s",       SPEECH_POP3, true,  LOGIN_NEEDED},
};
/* clang-format on */

const char protocol_names[] =
    "smtp, smtps, submission, submissions, pop3 or pop3s";

const protocol *protocol_find(mk_str name)
{
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (mk_str_is(name, mk_str_z(protocols[i].name))) {
            return &protocols[i];
        }
    }
    return NULL;
}
