/* SPDX-License-Identifier: MIT
 *
 * secure_none.c: in place of secure.c in builds without TLS, which have
 * neither TLS nor logins. Settings that need them are refused, never made do
 * without.
 */
#include "mailkitd.h"

#include <string.h>
#include <sysexits.h>

int secure_certificates_check(const settings *s, certificates *io_all)
{
    (void)s;
    if (io_all->count == 0) {
        return -1;
    }
    complain("--tls-cert: this build has no TLS");
    return EX_CONFIG;
}

uint32_t secure_mechanism(const char *name)
{
    (void)name;
    return 0;
}

int secure_logins_open(const settings *s, const mk_users *users,
                       const certificates *all, logins *out)
{
    (void)s;
    (void)users;
    (void)all;
    (void)out;
    complain("--listen: this build serves no logins");
    return EX_CONFIG;
}

mk_err secure_new(const site *t, const mk_host *host, const mk_random *random,
                  secure **out)
{
    (void)t;
    (void)host;
    (void)random;
    *out = NULL;
    return MK_OK;
}

mk_err secure_free(secure *w)
{
    (void)w;
    return MK_OK;
}

void secure_serve(secure *w, const protocol *p, security *out)
{
    (void)w;
    (void)p;
    memset(out, 0, sizeof *out);
}
