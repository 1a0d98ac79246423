/* SPDX-License-Identifier: MIT
 *
 * secure_none.c: see secure.h; for builds without TLS or without logins. What
 * was asked for and cannot be had is an error, never something weaker, and
 * comes before a connection is made.
 */
#include "secure.h"

#include "tool.h"

int secure_open(secure *s, const target *t)
{
    (void)s;
    if (t->tls == TARGET_TLS_NONE && t->user.len == 0) {
        return TOOL_OK;
    }
    return tool_fail(TOOL_USAGE, t->host, "this build has no TLS and no login");
}

mk_err secure_over(secure *s, mk_engine *inner, mk_engine **out_outer)
{
    (void)s;
    *out_outer = inner;
    return MK_OK;
}

const char *secure_mechanism(uint32_t mechanism)
{
    (void)mechanism;
    return NULL;
}

void secure_forget(secure *s)
{
    (void)s;
}

void secure_close(secure *s)
{
    (void)s;
}
