/* SPDX-License-Identifier: MIT
 *
 * smtp/server_login.c: AUTH (RFC 4954) over wire/serve_login.c, which moves the
 * exchange and reads its lines: where the verb is legal, and what of a login is
 * told.
 */
#include "smtp/server_internal.h"

#include <mailkit/sasl.h>

void mk_smtp_server_logged(mk_serve *base, mk_err why, mk_event *ev)
{
    smtp_server *s = mk_smtp_server_of(base);
    const mk_sasl_server_ops *ops = s->config->sasl->ops;

    mk_smtp_server_event(s, ev, MK_EV_SMTP_AUTH, MK_SMTP_VERB_AUTH);
    s->of.smtp.event.mechanism = (uint32_t)ops->which(base->sasl);
    s->of.smtp.event.argument = ops->authcid(base->sasl);
    s->of.smtp.event.authzid = ops->authzid(base->sasl);
    if (why == MK_OK) {
        base->known = true;
        (void)mk_serve_say(base, "235 2.7.0 Authentication successful");
    }
}

/* "AUTH" SP sasl-mech [SP initial-response] */
mk_err mk_smtp_server_auth(smtp_server *s, mk_str arg, mk_event *ev)
{
    mk_str name = mk_str_sub(arg, 0, mk_str_find(arg, ' '));
    mk_str response = mk_str_sub(arg, name.len + 1, SIZE_MAX);

    if (s->base.known) {
        return mk_serve_say(&s->base, "503 5.5.1 Authenticated already");
    }
    if (!s->esmtp) {
        return mk_serve_say(&s->base, "503 5.5.1 EHLO first");
    }
    if (name.len == 0) {
        return mk_serve_say(&s->base, "501 5.5.4 A mechanism is wanted");
    }
    return mk_serve_auth(&s->base, name, response, ev);
}
