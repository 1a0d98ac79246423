/* SPDX-License-Identifier: MIT
 *
 * pop3/server_login.c: USER and PASS (RFC 1939 7) as the PLAIN exchange that
 * they are, APOP, AUTH (RFC 5034); what moves an exchange is in
 * wire/serve_login.c. Whether a name is known is never told by USER. A login is
 * good when its maildrop is open: until then it has no reply, and when the
 * application cannot open it the session is where it was.
 */
#include "pop3/server_internal.h"

#include <mailkit/codec.h>

#include "base/ascii.h"

static mk_err say(pop3_server *s, const char *line)
{
    return mk_serve_say(&s->serve, line);
}

/* ---- USER and PASS ------------------------------------------------------- */

void mk_pop3_server_forget_name(pop3_server *s)
{
    if (s->is_named) {
        s->is_named = false;
        mk_serve_login_close(&s->serve);
    }
}

/* RFC 6856 2.2: without that no other octets are sent. */
static bool is_charset_offered(const pop3_server *s, mk_str arg)
{
    bool is_ascii = true;

    for (size_t i = 0; i < arg.len; i++) {
        is_ascii = is_ascii && mk_octet_at(arg, i) < 0x80;
    }
    return is_ascii || (s->config->capabilities & MK_POP3_CAPABILITY_UTF8) != 0;
}

/* The message of PLAIN is [authzid] NUL authcid NUL passwd in base64: what has
 * come of it is heard at once, but for one or two octets. Of a secret nothing
 * stays here. */
static void hear(pop3_server *s, mk_str part, bool is_end)
{
    const mk_sasl_server_ops *ops = s->config->sasl->ops;
    char base64[4];
    mk_buf b;

    for (size_t at = 0; at < part.len; at++) {
        s->plain[s->plain_bytes++] = part.ptr[at];
        if (s->plain_bytes < sizeof s->plain &&
            !(is_end && at + 1 == part.len)) {
            continue;
        }
        mk_buf_init(&b, base64, sizeof base64);
        (void)mk_base64_format(mk_str_of(s->plain, s->plain_bytes), &b);
        ops->hear(s->serve.sasl, mk_buf_str(&b));
        s->plain_bytes = 0;
    }
    mk_wipe(base64, sizeof base64);
}

/* "USER" SP name; it may have spaces in it */
mk_err mk_pop3_server_user(pop3_server *s, mk_str arg, mk_event *ev)
{
    static const mk_str plain = MK_STR_INIT("PLAIN");
    static const mk_str nul = MK_STR_INIT("\0");
    mk_err err;

    if (arg.len == 0) {
        return say(s, "-ERR A name is wanted");
    }
    if (!is_charset_offered(s, arg)) {
        return say(s, "-ERR A name in ASCII is wanted");
    }
    s->verb = MK_POP3_VERB_PASS;
    err = mk_serve_auth(&s->serve, plain, mk_str_of(NULL, 0), ev);
    if (s->serve.sasl == NULL) {
        return err; /* and said so */
    }
    s->serve.login = SERVE_LOGIN_NONE; /* commands go on being read */
    s->is_named = true;
    s->plain_bytes = 0;
    hear(s, nul, false);
    hear(s, arg, false);
    hear(s, nul, false);
    return say(s, "+OK Send the password");
}

/* "PASS" SP string: all of the line, with its spaces */
mk_err mk_pop3_server_pass(pop3_server *s, mk_str arg, mk_event *ev)
{
    (void)ev;
    if (!s->is_named) {
        return say(s, "-ERR USER first");
    }
    if (arg.len == 0 || !is_charset_offered(s, arg)) {
        mk_pop3_server_forget_name(s);
        return say(s, "-ERR A password is wanted");
    }
    s->is_named = false;
    hear(s, arg, true);
    mk_wipe(s->plain, sizeof s->plain);
    /* what is wrong with it is told by the exchange's state */
    (void)s->config->sasl->ops->heard(s->serve.sasl);
    s->serve.login = SERVE_LOGIN_MOVES;
    return MK_E_AGAIN;
}

/* ---- APOP and AUTH ------------------------------------------------------- */

bool mk_pop3_server_is_apop(const pop3_server *s)
{
    return s->is_stamped &&
           (s->serve.tls != NULL || s->config->sasl->is_clear_allowed);
}

/* "APOP" SP name SP digest */
mk_err mk_pop3_server_apop(pop3_server *s, mk_str arg, mk_event *ev)
{
    mk_err err;

    if (!mk_pop3_server_is_apop(s)) {
        return say(s, "-ERR The greeting had no timestamp");
    }
    if (!mk_pop3_apop_is_argument(arg)) {
        return say(s, "-ERR A name and a digest are wanted");
    }
    s->verb = MK_POP3_VERB_APOP;
    err = mk_serve_auth(&s->serve, mk_str_z("APOP"), arg, ev);
    if (s->serve.sasl != NULL) {
        mk_pop3_apop_expect(s->serve.sasl, s->stamp, s->config->hostname);
    }
    return err;
}

/* "AUTH" [SP mechanism [SP initial-response]] */
mk_err mk_pop3_server_auth(pop3_server *s, mk_str arg, mk_event *ev)
{
    mk_str name = mk_str_sub(arg, 0, mk_str_find(arg, ' '));
    mk_str response = mk_str_sub(arg, name.len + 1, SIZE_MAX);

    if (arg.len == 0) {
        return say(s, mk_pop3_server_mechanisms);
    }
    s->verb = MK_POP3_VERB_AUTH;
    return mk_serve_auth(&s->serve, name, response, ev);
}

/* ---- the end of an exchange ---------------------------------------------- */

static void name_who(pop3_server *s)
{
    mk_serve_room room;

    mk_pop3_server_room(&s->serve, &room);
    s->of.event.mechanism = (uint32_t)room.ops->which(s->serve.sasl);
    s->of.event.argument = room.ops->authcid(s->serve.sasl);
    s->of.event.authzid = room.ops->authzid(s->serve.sasl);
}

void mk_pop3_server_logged(mk_serve *serve, mk_err why, mk_event *ev)
{
    pop3_server *s = pop3_server_of(serve);

    /* RFC 2449 6.6: what follows a good login may be there already; who did
     * not wait for the reply to a bad one brought a list (THREATS 51). */
    serve->guard = why != MK_OK;
    mk_pop3_server_event(s, ev, MK_EV_POP3_AUTH, (mk_pop3_verb)s->verb);
    ev->err = why;
    name_who(s);
    if (why == MK_OK) {
        serve->login = SERVE_LOGIN_KEPT;
        mk_pop3_server_move(s, SERVER_OPENING);
    }
}

mk_err mk_pop3_server_open_maildrop(pop3_server *s, mk_event *ev)
{
    mk_pop3_server_event(s, ev, MK_EV_POP3_OPEN, (mk_pop3_verb)s->verb);
    name_who(s);
    return mk_pop3_server_ask(s, ev, 0);
}
