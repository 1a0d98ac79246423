/* SPDX-License-Identifier: MIT
 *
 * client_login.c: the client's login: AUTH (RFC 5034), else USER and PASS where
 * PLAIN would do (RFC 1939 7), and APOP when it was asked for (THREATS 40). One
 * way is chosen, the strongest; after a failure no other is tried (THREATS 41),
 * and a server's word of success is believed only when the mechanism agrees
 * (THREATS 47). No secret is said where it could be read or changed, unless the
 * settings allow it. It knows no mechanism.
 */
#include "pop3/client_internal.h"

#include <mailkit/codec.h>

#include <string.h>

#include "base/ascii.h"

enum {
    command_max = 255, /* RFC 2449 4; an AUTH that is longer goes without the
                        * initial response (RFC 5034 4) */
    weak = MK_SASL_PLAIN | MK_SASL_LOGIN | MK_SASL_ANONYMOUS
};

void mk_pop3_client_forget_apop(mk_pop3_client *c)
{
    mk_wipe(c->digest, sizeof c->digest);
    c->has_apop = false;
}

/* ---- the choice ---------------------------------------------------------- */

/* May the password itself be said here? USER and APOP can name nobody to act
 * as. */
static bool may_say_password(const mk_pop3_client *c,
                             const mk_sasl_client_config *s)
{
    return s->authzid.len == 0 &&
           s->ops->choose(s, MK_SASL_PLAIN, c->core.tls) == MK_SASL_PLAIN;
}

static bool is_good_for_apop(const mk_pop3_client *c)
{
    mk_sasl_client_config s = *c->config->sasl;

    s.mechanisms = MK_SASL_PLAIN; /* it is asked for in another way */
    return may_say_password(c, &s);
}

/* digest = MD5 of the timestamp, with its brackets, and the shared secret. It
 * is made here, so that nothing of the greeting need be kept. */
void mk_pop3_client_greet_apop(mk_pop3_client *c, mk_str text)
{
    const mk_sasl_client_config *s = c->config->sasl;
    mk_str timestamp = mk_pop3_parse_timestamp(text);
    mk_hash_context md5;

    if ((c->config->capabilities & MK_POP3_CAPABILITY_APOP) == 0 || s == NULL ||
        timestamp.len == 0 || !is_good_for_apop(c)) {
        return;
    }
    c->has_apop = true;
    c->apop_err = s->crypto->hash_init(&md5, MK_HASH_MD5);
    if (c->apop_err != MK_OK) {
        return;
    }
    c->apop_err = s->crypto->hash_update(&md5, timestamp.ptr, timestamp.len);
    if (c->apop_err == MK_OK) {
        c->apop_err =
            s->crypto->hash_update(&md5, s->password.ptr, s->password.len);
    }
    if (c->apop_err == MK_OK) {
        c->apop_err = s->crypto->hash_finish(&md5, c->digest);
    }
    s->crypto->hash_fini(&md5);
}

/* Would there be a way if the channel were safe? */
static mk_err why_none(const mk_pop3_client *c)
{
    mk_sasl_client_config free_and_easy = *c->config->sasl;
    bool has_user = (c->capabilities & MK_POP3_CAPABILITY_USER) != 0;

    free_and_easy.is_clear_allowed = true;
    if (c->core.sasl->choose(&free_and_easy, c->core.mechanisms, c->core.tls) !=
            MK_SASL_NONE ||
        (has_user && may_say_password(c, &free_and_easy))) {
        return MK_E_CLEARTEXT;
    }
    return MK_E_UNSUPPORTED;
}

/* Can it be an argument? RFC 6856 2.2: UTF-8 only when the server says so. */
static mk_err check_argument(const mk_pop3_client *c, mk_str word)
{
    size_t i;

    if (word.len == 0) {
        return MK_E_ARG;
    }
    if (mk_str_has_ctl(word)) {
        return MK_E_CTL;
    }
    if (word.len > command_max - (sizeof "USER \r\n" - 1)) {
        return MK_E_LIMIT;
    }
    for (i = 0; i < word.len; i++) {
        if (mk_octet_at(word, i) >= 0x80 && !c->is_utf8_user) {
            return MK_E_UNSUPPORTED;
        }
    }
    return MK_OK;
}

static mk_err begin_by_name(mk_pop3_client *c, mk_pop3_verb verb)
{
    const mk_sasl_client_config *s = c->config->sasl;
    bool is_apop = verb == MK_POP3_VERB_APOP;
    mk_err err = check_argument(c, s->authcid);

    if (err == MK_OK && is_apop) {
        err = mk_str_find(s->authcid, ' ') < s->authcid.len ||
                      s->authcid.len > command_max - 40
                  ? MK_E_UNSUPPORTED
                  : c->apop_err;
    } else if (err == MK_OK) {
        err = check_argument(c, s->password);
    }
    if (err == MK_OK) {
        c->core.mechanism = is_apop ? MK_SASL_NONE : MK_SASL_PLAIN;
        mk_pop3_client_begin(c, CLIENT_LOGIN, verb);
    }
    return err;
}

static mk_err begin_exchange(mk_pop3_client *c)
{
    mk_err err = mk_client_login_open(&c->core);

    if (err == MK_OK) {
        mk_pop3_client_begin(c, CLIENT_LOGIN, MK_POP3_VERB_AUTH);
    }
    return err;
}

void mk_pop3_client_login(mk_pop3_client *c)
{
    const mk_sasl_client_config *s = c->config->sasl;
    bool has_user = (c->capabilities & MK_POP3_CAPABILITY_USER) != 0;
    mk_err err;

    c->core.mechanism = s->ops->choose(s, c->core.mechanisms, c->core.tls);
    if (c->has_apop && (c->core.mechanism & ~(uint32_t)weak) == 0) {
        err = begin_by_name(c, MK_POP3_VERB_APOP);
    } else if (c->core.mechanism != MK_SASL_NONE) {
        err = begin_exchange(c);
    } else if (has_user && may_say_password(c, s)) {
        err = begin_by_name(c, MK_POP3_VERB_USER);
    } else {
        err = why_none(c);
    }
    if (err != MK_OK) {
        mk_client_turn_away(&c->core, err, MK_RETRY_LATER,
                            "there is no way to log in");
    }
}

/* ---- what is said -------------------------------------------------------- */

static void say_words(mk_pop3_client *c, mk_pop3_verb verb)
{
    const mk_sasl_client_config *s = c->config->sasl;
    char room[command_max];
    mk_hex_encoder hex;
    mk_str digest = mk_str_of((const char *)c->digest, sizeof c->digest);
    mk_buf words;

    mk_buf_init(&words, room, sizeof room);
    mk_buf_add_z(&words, mk_pop3_verb_name(verb));
    mk_buf_add_c(&words, ' ');
    mk_buf_add(&words, verb == MK_POP3_VERB_PASS ? s->password : s->authcid);
    if (verb == MK_POP3_VERB_APOP) {
        mk_buf_add_c(&words, ' ');
        mk_hex_encoder_init(&hex, false);
        (void)mk_hex_encode(&hex, &digest, &words);
    }
    (void)mk_client_login_say(&c->core, mk_buf_str(&words), false);
    mk_wipe(room, sizeof room);
}

void mk_pop3_client_login_advance(mk_pop3_client *c)
{
    mk_pop3_verb verb = (mk_pop3_verb)mk_pop3_client_front(c)->verb;

    if (verb == MK_POP3_VERB_AUTH) {
        mk_client_login_advance(&c->core);
    } else if (c->core.awaited == 0) {
        say_words(c, verb);
    }
}

/* ---- what is heard ------------------------------------------------------- */

void mk_pop3_client_hear_challenge(mk_pop3_client *c, mk_str base64)
{
    c->core.awaited--;
    if (c->core.is_cancelling) {
        mk_pop3_client_pop(c);
        mk_client_login_end(&c->core, MK_E_PROTOCOL, MK_RETRY_LATER,
                            "a challenge behind the end of the login");
    } else {
        mk_client_login_hear(&c->core, base64);
    }
}

static mk_retry retry_of(const mk_pop3_client *c)
{
    return c->retry == MK_RETRY_LATER ? MK_RETRY_LATER : MK_RETRY_NEVER;
}

void mk_pop3_client_hear_auth(mk_pop3_client *c, bool is_ok)
{
    mk_client_login_heard(&c->core, is_ok, retry_of(c));
}

static void refused(mk_pop3_client *c)
{
    mk_client_turn_away(&c->core, MK_E_AUTH, retry_of(c),
                        "the server refuses the login");
}

void mk_pop3_client_hear_user(mk_pop3_client *c, bool is_ok)
{
    if (is_ok) {
        mk_pop3_client_begin(c, CLIENT_LOGIN, MK_POP3_VERB_PASS);
    } else {
        refused(c);
    }
}

void mk_pop3_client_hear_secret(mk_pop3_client *c, bool is_ok)
{
    if (is_ok) {
        c->core.is_known = true;
        mk_pop3_client_served(&c->core);
    } else {
        refused(c);
    }
}
