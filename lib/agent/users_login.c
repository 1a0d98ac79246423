/* SPDX-License-Identifier: MIT
 *
 * users_login.c: an authenticator over a users file (RFC 4422 3.4, RFC 5802,
 * RFC 4616). Questions for keys, and those about tokens (RFC 7628), are
 * answered at once. A password is judged on
 * a worker by an exchange of sasl/ that is given the keys: it does the same
 * work for all, known or not, right or wrong (THREATS 50), and there is no
 * second comparison to get wrong. A job outlives its session, is then told to
 * nobody, and wipes what it copied. There are never more than jobs_max.
 */
#include <stddef.h>
#include <string.h>

#include "internal.h"

#define MESSAGE_MAX 1024u /* above 2 + 2 * MK_SASL_NAME_MAX */

typedef struct login_job {
    mk_job job;
    struct mk_users_login *owner;
    struct login_job *after;
    mk_ask ask; /* asker NULL: withdrawn, and stale for ever */
    const account *user;
    mk_sasl_keys keys;
    bool has_keys;
    bool is_good;
    bool is_broken; /* it could not be judged */
    size_t message_bytes;
    char message[2 + 2 * MK_SASL_NAME_MAX];
    max_align_t room[]; /* of the exchange */
} login_job;

struct mk_users_login {
    mk_users_login_config c;
    mk_sasl_server_config sasl; /* of the workers' exchanges; const */
    size_t job_bytes;
    uint32_t jobs;
    login_job *first;
};

/* ---- answers ------------------------------------------------------------- */

static void answer(mk_ask ask, const account *u, const mk_sasl_keys *keys)
{
    char mem[MK_LOGIN_MAX];
    mk_buf login;

    mk_buf_init(&login, mem, sizeof mem);
    mk_buf_add(&login, u->name);
    mk_buf_add_c(&login, '@');
    mk_buf_add(&login, u->domain);
    /* keys that the settings do not take are as good as none */
    if (login.full || mk_login_answer(ask, MK_ANSWER_YES, keys,
                                      mk_buf_str(&login)) == MK_E_ARG) {
        mk_login_answer(ask, MK_ANSWER_NO, NULL, mk_str_z(NULL));
    }
}

static void refuse(mk_ask ask, mk_answer how)
{
    mk_login_answer(ask, how, NULL, mk_str_z(NULL));
}

/* ---- a password, judged on a worker ---------------------------------------
 */

static mk_err judge(login_job *j, mk_sasl *s)
{
    mk_sasl_state state = MK_SASL_WORK;
    mk_err err = mk_sasl_take(s, mk_str_of(j->message, j->message_bytes));

    while (err == MK_OK && state == MK_SASL_WORK) {
        state = mk_sasl_next(s);
        if (state == MK_SASL_ASK) {
            err = mk_sasl_resolve(s, j->has_keys ? MK_ANSWER_YES : MK_ANSWER_NO,
                                  &j->keys);
            state = MK_SASL_WORK;
        }
    }
    j->is_good = err == MK_OK && state == MK_SASL_DONE;
    return err == MK_OK ? mk_sasl_why(s) : err;
}

static void work(mk_job *job)
{
    login_job *j = (login_job *)job;
    const struct mk_users_login *l = j->owner;
    mk_sasl *s;
    mk_err err = mk_sasl_server_open(&l->sasl, MK_SASL_PLAIN, NULL, j->room,
                                     mk_sasl_need(MESSAGE_MAX), &s);
    if (err == MK_OK) {
        err = judge(j, s);
        mk_sasl_close(s);
    }
    j->is_broken = err != MK_OK && err != MK_E_AUTH;
}

static void job_free(login_job *j)
{
    struct mk_users_login *l = j->owner;
    login_job **at = &l->first;

    while (*at != j) {
        at = &(*at)->after;
    }
    *at = j->after;
    l->jobs--;
    mk_wipe(j, l->job_bytes);
    mk_alloc_put(l->c.alloc, j, l->job_bytes);
}

static void done(mk_job *job)
{
    login_job *j = (login_job *)job;
    mk_ask ask = j->ask;
    const account *u = j->user;
    bool is_good = j->is_good;
    bool is_broken = j->is_broken;

    job_free(j); /* an answer may lead to the next question */
    if (is_good) {
        answer(ask, u, NULL);
    } else {
        refuse(ask, is_broken ? MK_ANSWER_LATER : MK_ANSWER_NO);
    }
}

/* message = UTF8NUL authcid UTF8NUL passwd (RFC 4616 2) */
static login_job *job_new(mk_users_login *l, const mk_sasl_ask *question,
                          mk_ask ask)
{
    mk_buf message;
    login_job *j =
        l->jobs < l->c.jobs_max ? mk_alloc_get(l->c.alloc, l->job_bytes) : NULL;
    if (j == NULL) {
        return NULL;
    }
    j->job.work = work;
    j->job.done = done;
    j->owner = l;
    j->ask = ask;
    mk_buf_init(&message, j->message, sizeof j->message);
    mk_buf_add_c(&message, '\0');
    mk_buf_add(&message, question->authcid);
    mk_buf_add_c(&message, '\0');
    mk_buf_add(&message, question->secret);
    j->message_bytes = message.len;
    j->after = l->first;
    l->first = j;
    l->jobs++;
    return j;
}

static void check_password(mk_users_login *l, const mk_sasl_ask *question,
                           const account *u, mk_ask ask)
{
    login_job *j = job_new(l, question, ask);
    if (j == NULL) {
        refuse(ask, MK_ANSWER_LATER);
        return;
    }
    j->user = u;
    j->has_keys = u != NULL && mk_agent_users_keys(u, question, &j->keys);
    if (l->c.host->submit(l->c.host->self, &j->job) != MK_OK) {
        job_free(j);
        refuse(ask, MK_ANSWER_LATER);
    }
}

/* ---- questions ----------------------------------------------------------- */

/* Who logs in and may do so as whom they name; NULL: nobody. Both are looked
 * up whatever the first gives. */
static const account *find(const mk_users_login *l, const mk_sasl_ask *question)
{
    const account *u = mk_agent_users_find(l->c.users, question->authcid);
    mk_str as =
        question->authzid.len > 0 ? question->authzid : question->authcid;
    return mk_agent_users_find(l->c.users, as) == u ? u : NULL;
}

/* Hashes are compared, so that nothing of a token is told by the time, and
 * two are made whoever asks. */
static bool is_token(const mk_users_login *l, const account *u, mk_str secret)
{
    const mk_crypto *crypto = l->sasl.crypto;
    unsigned char have[MK_HASH_SIZE_MAX];
    unsigned char want[MK_HASH_SIZE_MAX];
    bool is_known = u != NULL && u->scheme == SCHEME_BEARER;
    mk_str own = is_known ? mk_str_of(u->secret, u->secret_bytes) : secret;
    bool is_good =
        mk_hash_once(crypto, MK_HASH_SHA256, secret, have) == MK_OK &&
        mk_hash_once(crypto, MK_HASH_SHA256, own, want) == MK_OK &&
        mk_equal_ct(have, want, mk_hash_size(MK_HASH_SHA256));

    mk_wipe(have, sizeof have);
    mk_wipe(want, sizeof want);
    return is_good && is_known;
}

static void check(void *self, const mk_sasl_ask *question, mk_ask ask)
{
    mk_users_login *l = self;
    const account *u = find(l, question);
    mk_sasl_keys keys;

    if (question->kind == MK_SASL_ASK_PASSWORD) {
        check_password(l, question, u, ask);
    } else if (question->kind == MK_SASL_ASK_KEYS && u != NULL &&
               mk_agent_users_keys(u, question, &keys)) {
        answer(ask, u, &keys);
    } else if (question->kind == MK_SASL_ASK_TOKEN &&
               is_token(l, u, question->secret)) {
        answer(ask, u, NULL);
    } else {
        refuse(ask, MK_ANSWER_NO);
    }
}

/* The worker goes on, and tells nobody: the service may be gone by then. */
static void withdrawn(void *self, mk_ask ask)
{
    const mk_users_login *l = self;
    for (login_job *j = l->first; j != NULL; j = j->after) {
        if (j->ask.asker == ask.asker && j->ask.number == ask.number) {
            j->ask.asker = NULL;
        }
    }
}

/* ---- its life ------------------------------------------------------------ */

mk_err mk_users_login_config_init(mk_users_login_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->jobs_max = 64;
    return MK_OK;
}

/* Whether the settings are good is told by an exchange: it is opened once. */
static mk_err try_exchange(mk_users_login *l)
{
    size_t n = mk_sasl_need(MESSAGE_MAX);
    void *mem = mk_alloc_get(l->c.alloc, n);
    mk_sasl *s;
    mk_err err = MK_E_MEMORY;

    if (mem != NULL) {
        err = mk_sasl_server_open(&l->sasl, MK_SASL_PLAIN, NULL, mem, n, &s);
        if (err == MK_OK) {
            mk_sasl_close(s);
        }
        mk_alloc_put(l->c.alloc, mem, n);
    }
    return err;
}

mk_err mk_users_login_new(const mk_users_login_config *c,
                          mk_users_login **out_login)
{
    if (c == NULL || c->size != sizeof *c || c->host == NULL ||
        c->alloc == NULL || c->users == NULL || c->sasl == NULL ||
        c->jobs_max == 0 || out_login == NULL) {
        return MK_E_ARG;
    }
    mk_users_login *l = mk_alloc_get(c->alloc, sizeof *l);
    if (l == NULL) {
        return MK_E_MEMORY;
    }
    l->c = *c;
    l->sasl = *c->sasl;
    l->sasl.mechanisms = MK_SASL_PLAIN;
    l->sasl.is_clear_allowed = true; /* it has come through whatever it had */
    l->sasl.asks_keys = true;
    l->job_bytes = sizeof(login_job) + mk_sasl_need(MESSAGE_MAX);
    mk_err err = try_exchange(l);
    if (err != MK_OK) {
        mk_alloc_put(c->alloc, l, sizeof *l);
        return err;
    }
    *out_login = l;
    return MK_OK;
}

void mk_users_login_authenticator(mk_users_login *l,
                                  mk_authenticator *out_authenticator)
{
    memset(out_authenticator, 0, sizeof *out_authenticator);
    out_authenticator->self = l;
    out_authenticator->check = check;
    out_authenticator->withdrawn = withdrawn;
}

size_t mk_users_login_count(const mk_users_login *l)
{
    return l->jobs;
}

mk_err mk_users_login_free(mk_users_login *l)
{
    if (l != NULL && l->jobs > 0) {
        return MK_E_BUSY;
    }
    if (l != NULL) {
        mk_alloc_put(l->c.alloc, l, sizeof *l);
    }
    return MK_OK;
}
