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
    piece_min = 64,
    weak = MK_SASL_PLAIN | MK_SASL_LOGIN | MK_SASL_ANONYMOUS
};

static const mk_sasl_client_ops *ops_of(const mk_pop3_client *c)
{
    return c->config->sasl->ops;
}

void mk_pop3_client_login_close(mk_pop3_client *c)
{
    if (c->login != NULL) {
        ops_of(c)->close(c->login);
        c->login = NULL;
    }
    mk_wipe(c->digest, sizeof c->digest);
    c->has_apop = false;
}

static void end(mk_pop3_client *c, mk_err why, mk_retry retry, const char *text)
{
    mk_pop3_client_login_close(c);
    mk_pop3_client_turn_away(c, why, retry, text);
}

/* ---- the choice ---------------------------------------------------------- */

/* May the password itself be said here? USER and APOP can name nobody to act
 * as. */
static bool may_say_password(const mk_pop3_client *c,
                             const mk_sasl_client_config *s)
{
    return s->authzid.len == 0 &&
           s->ops->choose(s, MK_SASL_PLAIN, c->tls) == MK_SASL_PLAIN;
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
    if (ops_of(c)->choose(&free_and_easy, c->mechanisms, c->tls) !=
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
        c->mechanism = is_apop ? MK_SASL_NONE : MK_SASL_PLAIN;
        mk_pop3_client_begin(c, CLIENT_LOGIN, verb);
    }
    return err;
}

static mk_err begin_exchange(mk_pop3_client *c)
{
    const mk_sasl_client_config *s = c->config->sasl;
    size_t n = s->ops->need(c->config->sasl_message_max);
    void *mem = c->ring + c->config->pipeline_max;
    mk_err err = s->ops->open(s, (mk_sasl_mechanism)c->mechanism, c->mechanisms,
                              c->tls, mem, n, &c->login);

    if (err == MK_OK) {
        c->login_state = (uint8_t)s->ops->next_state(c->login);
        c->is_cut = false;
        c->is_cancelling = false;
        mk_pop3_client_begin(c, CLIENT_LOGIN, MK_POP3_VERB_AUTH);
    }
    return err;
}

void mk_pop3_client_login(mk_pop3_client *c)
{
    const mk_sasl_client_config *s = c->config->sasl;
    bool has_user = (c->capabilities & MK_POP3_CAPABILITY_USER) != 0;
    mk_err err;

    c->mechanism = s->ops->choose(s, c->mechanisms, c->tls);
    if (c->has_apop && (c->mechanism & ~(uint32_t)weak) == 0) {
        err = begin_by_name(c, MK_POP3_VERB_APOP);
    } else if (c->mechanism != MK_SASL_NONE) {
        err = begin_exchange(c);
    } else if (has_user && may_say_password(c, s)) {
        err = begin_by_name(c, MK_POP3_VERB_USER);
    } else {
        err = why_none(c);
    }
    if (err != MK_OK) {
        end(c, err, MK_RETRY_LATER, "there is no way to log in");
    }
}

/* ---- what is said -------------------------------------------------------- */

/* Queue a line, or the next piece of it: words, and what the mechanism has to
 * say. True: its end is queued. */
static bool say(mk_pop3_client *c, mk_str words, bool has_message)
{
    bool is_all = true;
    mk_buf b;

    if (!mk_outq_reserve(&c->out, words.len + piece_min)) {
        c->is_starved = c->out.unit == NULL;
        mk_outq_release(&c->out);
        return false;
    }
    b = mk_outq_room(&c->out);
    b.max -= 2; /* for the end of the line */
    if (!c->is_cut) {
        mk_buf_add(&b, words);
    }
    if (has_message) {
        is_all = ops_of(c)->say(c->login, &b);
    }
    c->is_cut = !is_all;
    if (is_all) {
        b.max += 2;
        mk_buf_add_z(&b, "\r\n");
        mk_pop3_client_front(c)->is_said = true;
        c->passed = 1;
        c->awaited++;
        c->unsent++;
    }
    mk_outq_commit(&c->out, b.len);
    mk_outq_release(&c->out);
    return is_all;
}

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
    (void)say(c, mk_buf_str(&words), false);
    mk_wipe(room, sizeof room);
}

/* initial-response = base64 / "="; a longer one waits for a challenge. */
static void say_auth(mk_pop3_client *c)
{
    char room[piece_min];
    size_t n = ops_of(c)->message(c->login).len;
    mk_buf words;
    bool is_initial;

    mk_buf_init(&words, room, sizeof room);
    mk_buf_add_z(&words, "AUTH ");
    mk_buf_add_z(&words, ops_of(c)->name((mk_sasl_mechanism)c->mechanism));
    is_initial = c->login_state == MK_SASL_SEND &&
                 n / 3 * 4 + 4 + words.len + 3 <= command_max;
    if (is_initial) {
        mk_buf_add_z(&words, n > 0 ? " " : " =");
    }
    if (say(c, mk_buf_str(&words), is_initial) && is_initial) {
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
    }
}

void mk_pop3_client_login_advance(mk_pop3_client *c)
{
    const client_entry *front = mk_pop3_client_front(c);

    if (c->awaited > 0) {
        return; /* a reply is due */
    }
    if (front->verb != MK_POP3_VERB_AUTH) {
        say_words(c, (mk_pop3_verb)front->verb);
    } else if (c->login_state == MK_SASL_WORK) {
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
        c->is_stirred = true; /* a slice a step, so that no loop stalls */
    } else if (!front->is_said) {
        say_auth(c);
    } else if (say(c, mk_str_of(NULL, 0), true)) {
        c->is_cancelling = c->login_state == MK_SASL_FAILED;
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
    }
}

/* ---- what is heard ------------------------------------------------------- */

void mk_pop3_client_hear_challenge(mk_pop3_client *c, mk_str base64)
{
    c->awaited--;
    if (c->is_cancelling) {
        mk_pop3_client_pop(c);
        end(c, MK_E_PROTOCOL, MK_RETRY_LATER,
            "a challenge behind the end of the login");
        return;
    }
    ops_of(c)->hear(c->login, base64);
    if (ops_of(c)->heard(c->login) != MK_OK || c->login_state != MK_SASL_SEND) {
        c->login_state = (uint8_t)ops_of(c)->next_state(c->login);
    }
}

static void refused(mk_pop3_client *c)
{
    end(c, MK_E_AUTH, c->retry == MK_RETRY_LATER ? c->retry : MK_RETRY_NEVER,
        "the server refuses the login");
}

void mk_pop3_client_hear_auth(mk_pop3_client *c, bool is_ok)
{
    if (c->is_cancelling) {
        end(c, ops_of(c)->why(c->login), MK_RETRY_LATER,
            "the login was broken off");
    } else if (!is_ok) {
        refused(c);
    } else if (c->login_state == MK_SASL_DONE) {
        mk_pop3_client_login_close(c);
        mk_pop3_client_known(c);
    } else {
        end(c, MK_E_PROTOCOL, MK_RETRY_LATER,
            "the server calls an unfinished login good");
    }
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
        mk_pop3_client_login_close(c);
        mk_pop3_client_known(c);
    } else {
        refused(c);
    }
}
