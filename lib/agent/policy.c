/* SPDX-License-Identifier: MIT
 *
 * policy.c: the ready-made policy for recipients: own domains only (RFC 5321
 * 3.3, 3.6; RFC 2505 2.1; THREATS 26), users as a directory knows them, and
 * the mailboxes that every domain has (RFC 5321 4.5.1, RFC 2142 4, 5); and for
 * the senders of who has logged in (RFC 6409 6.1), found in the same way, as
 * what VRFY and EXPN ask for, as far as it is told (RFC 5321 3.5, 7.3). A
 * local-part is octets: a '-' at its start, a shell's or another mailer's
 * special words mean nothing, since no command line is ever made (THREATS
 * 19). It relays for nobody and has no setting that would.
 */
#include <string.h>

#include "base/ascii.h"
#include "internal.h"

#define LOCAL_MAX 64u /* RFC 5321 4.5.3.1.1 */

struct mk_local_policy {
    const mk_alloc *alloc;
    const mk_directory *directory;
    size_t bytes;
    size_t domain_count;
    bool is_sender_checked;
    mk_local_policy_verify verify;
    char told[LOCAL_MAX + 260]; /* what VRFY is answered */
    mk_str postmaster_user;
    mk_str postmaster_domain;
    mk_str domains[]; /* lower case; their octets behind them */
};

/* ---- what a local-part may be -----------------------------------------------
 */

static bool is_always_there(mk_str plain)
{
    return mk_str_is(plain, mk_str_z("postmaster")) ||
           mk_str_is(plain, mk_str_z("abuse"));
}

/* Another address hidden in the local-part: u%v@us, v!u@us, "u@v"@us. */
static bool is_routed(mk_str plain)
{
    return mk_str_find(plain, '%') < plain.len ||
           mk_str_find(plain, '!') < plain.len ||
           mk_str_find(plain, '@') < plain.len;
}

static mk_err plain_local(const mk_smtp_path *path, mk_buf *out)
{
    mk_err err = mk_smtp_local_part_plain(path, out);
    for (size_t i = 0; i < out->len; i++) {
        out->ptr[i] = (char)mk_lower((unsigned char)out->ptr[i]);
    }
    return err;
}

static const mk_str *own_domain(const mk_local_policy *p, mk_str domain)
{
    for (size_t i = 0; i < p->domain_count; i++) {
        if (mk_agent_domain_is(p->domains[i], domain)) {
            return &p->domains[i];
        }
    }
    return NULL;
}

/* ---- the stage ----------------------------------------------------------- */

static void refuse(mk_verdict *v, mk_answer answer, const char *code,
                   const char *text)
{
    v->kind = MK_VERDICT_REFUSE;
    v->answer = answer;
    v->code = mk_str_z(code);
    v->text = mk_str_z(text);
}

/* What an address leads to: octets for a directory. */
typedef struct place {
    const mk_str *domain; /* NULL: not an own one */
    mk_buf plain;
    char mem[LOCAL_MAX];
} place;

/* False: no mailbox has such a name. */
static bool place_find(const mk_local_policy *p, const mk_smtp_path *path,
                       place *out)
{
    mk_buf_init(&out->plain, out->mem, sizeof out->mem);
    if (plain_local(path, &out->plain) != MK_OK || out->plain.len == 0) {
        return false;
    }
    mk_str plain = mk_buf_str(&out->plain);
    if ((path->flags & MK_SMTP_PATH_NO_DOMAIN) != 0) {
        out->domain = is_always_there(plain) ? &p->domains[0] : NULL;
    } else {
        out->domain = own_domain(p, path->domain);
    }
    if (is_routed(plain)) {
        out->domain = NULL;
    }
    return true;
}

/* The path that is judged now; false: none that could be looked up. */
static bool judged_path(const mk_session *s, mk_smtp_path *out)
{
    const mk_recipient *r = mk_session_recipient(s);

    if (s->point == MK_POINT_MAIL) {
        return mk_smtp_mailbox_parse(mk_session_reverse_path(s),
                                     mk_session_options(s)->is_utf8,
                                     out) == MK_OK;
    }
    memset(out, 0, sizeof *out);
    out->mailbox = r->mailbox;
    out->local_part = r->local_part;
    out->domain = r->domain;
    out->flags = r->flags;
    return true;
}

static void to_box(mk_session *s, mk_str user, mk_str domain, mk_verdict *v)
{
    mk_err err = mk_session_set_box(s, domain, user);
    if (err == MK_E_MEMORY) {
        refuse(v, MK_ANSWER_LATER, "452 4.3.0", "out of memory");
    } else if (err != MK_OK) {
        refuse(v, MK_ANSWER_LATER, "451 4.3.5", "the mailbox has a bad name");
    }
}

static void refuse_sender(mk_verdict *v)
{
    refuse(v, MK_ANSWER_NO, "553 5.7.1",
           "the sender is not an address of the user who has logged in");
}

/* Does the reverse-path lead to the login's own mailbox? */
static void to_sender(const mk_session *s, mk_str user, mk_str domain,
                      mk_verdict *v)
{
    mk_str login = mk_session_login(s);
    size_t at = mk_str_find(login, '@');

    if (!mk_str_is_nocase(mk_str_sub(login, 0, at), user) ||
        !mk_str_is_nocase(mk_str_sub(login, at + 1, SIZE_MAX), domain)) {
        refuse_sender(v);
    }
}

static void found(mk_session *s, mk_str user, mk_str domain, mk_verdict *v)
{
    if (s->point == MK_POINT_MAIL) {
        to_sender(s, user, domain, v);
    } else {
        to_box(s, user, domain, v);
    }
}

static void looked_up(void *self, mk_session *s, mk_directory_result result,
                      mk_str user, mk_str domain, mk_verdict *v)
{
    const mk_local_policy *p = self;
    mk_smtp_path path;
    place at;

    if (result == MK_DIRECTORY_FOUND) {
        found(s, user, domain, v);
    } else if (judged_path(s, &path) && place_find(p, &path, &at) &&
               is_always_there(mk_buf_str(&at.plain))) {
        found(s, p->postmaster_user, p->postmaster_domain, v);
    } else if (result != MK_DIRECTORY_UNKNOWN) {
        refuse(v, MK_ANSWER_LATER, "451 4.3.0", "users cannot be looked up");
    } else if (s->point == MK_POINT_MAIL) {
        refuse_sender(v);
    } else {
        refuse(v, MK_ANSWER_NO, "550 5.1.1", "no such user here");
    }
}

static void ask(mk_local_policy *p, const mk_stage_call *call, const place *at,
                directory_done *done, mk_verdict *v)
{
    v->kind = MK_VERDICT_WAIT;
    mk_agent_chain_ask_directory(call, p->directory, done, p,
                                 mk_buf_str(&at->plain), *at->domain);
}

static void at_mail(mk_local_policy *p, const mk_stage_call *call,
                    mk_verdict *v)
{
    mk_smtp_path path;
    place at;

    if (mk_session_login(call->session).len == 0 ||
        mk_session_reverse_path(call->session).len == 0) {
        return;
    }
    if (judged_path(call->session, &path) && place_find(p, &path, &at) &&
        at.domain != NULL) {
        ask(p, call, &at, looked_up, v);
    } else {
        refuse_sender(v);
    }
}

static void at_rcpt(mk_local_policy *p, const mk_stage_call *call,
                    mk_verdict *v)
{
    bool is_known = mk_session_login(call->session).len > 0;
    mk_smtp_path path;
    place at;

    if (!judged_path(call->session, &path) || !place_find(p, &path, &at)) {
        refuse(v, MK_ANSWER_NO, "550 5.1.1", "no such user here");
    } else if (at.domain == NULL) {
        refuse(v, MK_ANSWER_NO, "550 5.7.1",
               is_known ? "relaying to other domains is not available here"
                        : "relaying is not permitted");
    } else {
        ask(p, call, &at, looked_up, v);
    }
}

/* ---- VRFY and EXPN ------------------------------------------------------- */

static bool is_ascii(mk_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (mk_octet_at(s, i) >= 0x80) {
            return false;
        }
    }
    return true;
}

/* "<" user "@" domain ">". UTF-8 may stand in a reply only where the command
 * asked for it (RFC 6531 3.7.4.2); instead it is not told, and 252 is said. */
static void tell_mailbox(mk_local_policy *p, const mk_session *s, mk_str user,
                         mk_str domain, mk_verdict *v)
{
    mk_buf b;
    mk_buf_init(&b, p->told, sizeof p->told);
    mk_buf_add_c(&b, '<');
    mk_buf_add(&b, user);
    mk_buf_add_c(&b, '@');
    mk_buf_add(&b, domain);
    mk_buf_add_c(&b, '>');
    v->kind = MK_VERDICT_ACCEPT;
    if (!b.full && (s->reads_utf8 || is_ascii(mk_buf_str(&b)))) {
        v->code = mk_str_z("250 2.1.5");
        v->text = mk_buf_str(&b);
    }
}

static void verified(void *self, mk_session *s, mk_directory_result result,
                     mk_str user, mk_str domain, mk_verdict *v)
{
    if (result == MK_DIRECTORY_FOUND) {
        tell_mailbox(self, s, user, domain, v);
    } else if (result == MK_DIRECTORY_UNKNOWN) {
        refuse(v, MK_ANSWER_NO, "550 5.1.1", "no such user here");
    } else {
        v->kind = MK_VERDICT_ACCEPT; /* 252: it is not known now */
    }
}

/* Those that are always there need not be users. */
static void verified_always(void *self, mk_session *s,
                            mk_directory_result result, mk_str user,
                            mk_str domain, mk_verdict *v)
{
    mk_local_policy *p = self;
    if (result == MK_DIRECTORY_FOUND) {
        tell_mailbox(p, s, user, domain, v);
    } else {
        tell_mailbox(p, s, p->postmaster_user, p->postmaster_domain, v);
    }
}

/* A mailbox with or without brackets, or a user of the first domain. */
static bool verify_parse(const mk_local_policy *p, mk_str text,
                         mk_smtp_path *out)
{
    size_t used;
    if (mk_smtp_mailbox_parse(text, true, out) == MK_OK ||
        (mk_smtp_path_parse(text, true, out, &used) == MK_OK &&
         used == text.len)) {
        return true;
    }
    memset(out, 0, sizeof *out);
    out->mailbox = text;
    out->local_part = text;
    out->domain = p->domains[0];
    return text.len <= LOCAL_MAX && mk_maildir_name_check(text) == MK_OK;
}

static bool is_told(const mk_local_policy *p, const mk_session *s)
{
    return p->verify == MK_LOCAL_POLICY_VERIFY_ANSWER ||
           (p->verify == MK_LOCAL_POLICY_VERIFY_LOGIN &&
            mk_session_login(s).len > 0);
}

static void at_verify(mk_local_policy *p, const mk_stage_call *call,
                      mk_verdict *v)
{
    mk_smtp_path path;
    place at;

    if (p->verify == MK_LOCAL_POLICY_VERIFY_REFUSE) {
        refuse(v, MK_ANSWER_NO, "502 5.5.1", "not available here");
    } else if (is_told(p, call->session) &&
               verify_parse(p, call->octets, &path) &&
               place_find(p, &path, &at) && at.domain != NULL) {
        bool always = is_always_there(mk_buf_str(&at.plain));
        ask(p, call, &at, always ? verified_always : verified, v);
    }
}

static void at_point(void *self, const mk_stage_call *call, mk_verdict *v)
{
    mk_local_policy *p = self;

    if (call->point == MK_POINT_MAIL) {
        at_mail(p, call, v);
    } else if (call->point == MK_POINT_RCPT) {
        at_rcpt(p, call, v);
    } else {
        at_verify(p, call, v);
    }
}

void mk_local_policy_stage(mk_local_policy *p, mk_stage *out_stage)
{
    memset(out_stage, 0, sizeof *out_stage);
    out_stage->name = "policy";
    out_stage->self = p;
    out_stage->points =
        MK_POINT_BIT(MK_POINT_RCPT) | MK_POINT_BIT(MK_POINT_VRFY) |
        MK_POINT_BIT(MK_POINT_EXPN) |
        (p->is_sender_checked ? MK_POINT_BIT(MK_POINT_MAIL) : 0);
    out_stage->at = at_point;
}

/* ---- its life ------------------------------------------------------------ */

mk_err mk_local_policy_config_init(mk_local_policy_config *c, size_t size)
{
    if (c == NULL || size != sizeof *c) {
        return MK_E_ARG;
    }
    memset(c, 0, sizeof *c);
    c->size = size;
    c->postmaster = mk_str_z("postmaster");
    return MK_OK;
}

static mk_err config_check(const mk_local_policy_config *c, size_t *out_octets)
{
    if (c == NULL || c->size != sizeof *c || c->alloc == NULL ||
        c->directory == NULL || c->directory->lookup == NULL ||
        c->domains == NULL || c->domain_count == 0) {
        return MK_E_ARG;
    }
    mk_str user = mk_str_sub(c->postmaster, 0, mk_str_find(c->postmaster, '@'));
    mk_err err = mk_maildir_name_check(user);
    size_t octets = c->postmaster.len;
    for (size_t i = 0; i < c->domain_count && err == MK_OK; i++) {
        err = mk_maildir_name_check(c->domains[i]);
        octets += c->domains[i].len;
    }
    if (err == MK_OK && user.len < c->postmaster.len) {
        err = mk_maildir_name_check(
            mk_str_sub(c->postmaster, user.len + 1, SIZE_MAX));
    }
    *out_octets = octets;
    return err;
}

static mk_str copy_lower(mk_str s, char **io_at)
{
    char *to = *io_at;
    for (size_t i = 0; i < s.len; i++) {
        to[i] = (char)mk_lower(mk_octet_at(s, i));
    }
    *io_at = to + s.len;
    return mk_str_of(to, s.len);
}

mk_err mk_local_policy_new(const mk_local_policy_config *c,
                           mk_local_policy **out_policy)
{
    size_t octets;
    mk_err err = config_check(c, &octets);
    if (err != MK_OK) {
        return err;
    }
    size_t bytes =
        sizeof(mk_local_policy) + c->domain_count * sizeof(mk_str) + octets;
    mk_local_policy *p = mk_alloc_get(c->alloc, bytes);
    if (p == NULL) {
        return MK_E_MEMORY;
    }
    char *at = (char *)&p->domains[c->domain_count];
    p->alloc = c->alloc;
    p->directory = c->directory;
    p->bytes = bytes;
    p->domain_count = c->domain_count;
    p->is_sender_checked = c->is_sender_checked;
    p->verify = c->verify;
    for (size_t i = 0; i < c->domain_count; i++) {
        p->domains[i] = copy_lower(c->domains[i], &at);
    }
    mk_str whole = copy_lower(c->postmaster, &at);
    size_t n = mk_str_find(whole, '@');
    p->postmaster_user = mk_str_sub(whole, 0, n);
    p->postmaster_domain =
        n < whole.len ? mk_str_sub(whole, n + 1, SIZE_MAX) : p->domains[0];
    *out_policy = p;
    return MK_OK;
}

void mk_local_policy_free(mk_local_policy *p)
{
    if (p != NULL) {
        mk_alloc_put(p->alloc, p, p->bytes);
    }
}
