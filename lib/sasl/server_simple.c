/* SPDX-License-Identifier: MIT
 *
 * sasl/server_simple.c: the server of EXTERNAL (RFC 4422 A) and ANONYMOUS (RFC
 * 4505): one message, one question, the verdict. Traces are held to the
 * length of a name, shorter than the 255 characters of RFC 4505 2 where they
 * are not ASCII.
 */
#include "sasl/internal.h"

mk_err mk_sasl_server_verdict(mk_sasl *s, bool is_yes, const mk_sasl_keys *keys)
{
    (void)keys;
    if (!is_yes) {
        return MK_E_AUTH;
    }
    mk_sasl_end(s, MK_OK);
    return MK_OK;
}

static mk_err take_name(mk_sasl *s, mk_str message, char *room,
                        mk_str *out_name)
{
    mk_err err = MK_OK;

    if (message.len > 0) {
        err = mk_sasl_keep_name(message, room, out_name);
    }
    return err == MK_OK ? mk_sasl_ask_now(s) : err;
}

mk_err mk_sasl_server_external_take(mk_sasl *s, mk_str message)
{
    return take_name(s, message, s->authzid, &s->ask.authzid);
}

mk_err mk_sasl_server_anonymous_take(mk_sasl *s, mk_str message)
{
    return take_name(s, message, s->authcid, &s->ask.authcid);
}
