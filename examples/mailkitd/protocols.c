/* SPDX-License-Identifier: MIT
 *
 * protocols.c: what can be served at a listener: mail for own domains from
 * anybody (RFC 5321), and what users hand in (RFC 6409), in clear with STARTTLS
 * (RFC 3207) or as TLS from the first octet (RFC 8314 3.3). The name smtps was
 * in use for both before RFC 8314 settled it: there, logins are offered and
 * not needed. A new protocol is a row here.
 */
#include "mailkitd.h"

/* clang-format off */
const protocol protocols[PROTOCOLS] = {
    /* name        is_tls  login */
    {"smtp",        false, LOGIN_NEVER},
    {"smtps",       true,  LOGIN_OFFERED},
    {"submission",  false, LOGIN_NEEDED},
    {"submissions", true,  LOGIN_NEEDED},
};
/* clang-format on */

const char protocol_names[] = "smtp, smtps, submission or submissions";

const protocol *protocol_find(mk_str name)
{
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (mk_str_is(name, mk_str_z(protocols[i].name))) {
            return &protocols[i];
        }
    }
    return NULL;
}
