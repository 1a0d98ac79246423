/* SPDX-License-Identifier: MIT
 *
 * site.c: one configuration, opened: listeners, certificates, mail root, users,
 * and the policy for own domains. The master opens it and workers inherit it.
 * It is whole or it is not there; what is wrong is all told, not only the
 * first. Root is given up before any file but the settings, certificates and
 * their keys is read, so that a reload finds what the start found; settings
 * that only root may read are refused, of keys it is told.
 */
#include "mailkitd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int domains_open(site *t)
{
    const list *names = &t->s.domains;

    t->domains = calloc(names->count, sizeof *t->domains);
    if (t->domains == NULL) {
        complain("out of memory");
        return EX_OSERR;
    }
    for (size_t i = 0; i < names->count; i++) {
        t->domains[i] = mk_str_z(names->items[i]);
    }
    return -1;
}

/* Texts that were found good before. */
static int peers_open(site *t)
{
    const list *networks = &t->s.trusted;

    t->trusted = calloc(networks->count + 1, sizeof *t->trusted);
    if (t->trusted == NULL) {
        complain("out of memory");
        return EX_OSERR;
    }
    for (size_t i = 0; i < networks->count; i++) {
        (void)mk_network_parse(mk_str_z(networks->items[i]), &t->trusted[i]);
    }
    for (size_t i = 0; i < t->s.no_extension.count; i++) {
        t->withdrawn |= extension_find(t->s.no_extension.items[i]);
    }
    return -1;
}

static int root_open(site *t)
{
    const mk_vfs *vfs = mk_vfs_posix();
    mk_dir nowhere = {MK_VFS_NONE};

    mk_err err = vfs->dir_open(vfs->self, nowhere, t->s.mail_root, &t->root);
    if (err != MK_OK) {
        t->root = nowhere;
        complain("--mail-root %s: %s", t->s.mail_root, mk_err_text(err));
        return EX_CONFIG;
    }
    if (faccessat(AT_FDCWD, t->s.mail_root, W_OK | X_OK, AT_EACCESS) != 0) {
        complain("--mail-root %s: mailboxes cannot be made in it: %s",
                 t->s.mail_root, strerror(errno));
        return EX_CONFIG;
    }
    return -1;
}

static int users_open(site *t)
{
    mk_users_fault fault;
    mk_str text;
    if (!file_read("users", t->s.users, &text)) {
        return EX_NOINPUT;
    }
    mk_err err = mk_users_parse(mk_alloc_libc(), text, t->domains,
                                t->s.domains.count, &t->users, &fault);
    file_wipe(&text);
    if (err != MK_OK) {
        complain("%s:%u: %s", t->s.users, (unsigned)fault.line, fault.text);
        return EX_CONFIG;
    }
    mk_users_directory(t->users, &t->directory);
    return t->has_logins ? secure_logins_open(&t->s, t->users, &t->certificates,
                                              &t->logins)
                         : -1;
}

static int policy_open(site *t)
{
    mk_local_policy_config c;
    mk_local_policy_config_init(&c, sizeof c);
    c.alloc = mk_alloc_libc();
    c.domains = t->domains;
    c.domain_count = t->s.domains.count;
    c.postmaster = mk_str_z(t->s.postmaster);
    c.directory = &t->directory;
    c.is_sender_checked = t->s.login_sender_check;
    if (t->s.vrfy != NULL) {
        (void)vrfy_parse(t->s.vrfy, &c.verify);
    }
    if (mk_local_policy_new(&c, &t->policy) != MK_OK) {
        complain("--postmaster '%s': it is not a user's name", t->s.postmaster);
        return EX_CONFIG;
    }
    return -1;
}

/* What the files hold; the code is that of the first that is wrong. */
static int files_open(site *t)
{
    int code = domains_open(t);
    code = code < 0 ? peers_open(t) : code;
    if (code >= 0) {
        return code;
    }
    int root = root_open(t);
    code = users_open(t);
    code = code < 0 ? policy_open(t) : code;
    return root < 0 ? code : root;
}

/* ---- certificates, and what needs them -----------------------------------
 */

static int protocol_open(site *t, const protocol *p, bool is_proxied)
{
    bool has_tls = t->s.tls_cert.count > 0;

    t->has_logins = t->has_logins || p->login != LOGIN_NEVER;
    if (p->is_tls && !has_tls) {
        complain("--listen %s: it needs --tls-cert", p->name);
        return EX_CONFIG;
    }
    if (is_proxied && t->s.trusted.count == 0) {
        complain("--listen %s+proxy: it needs --trusted", p->name);
        return EX_CONFIG;
    }
    if (p->login != LOGIN_NEVER && !has_tls && !t->s.allow_clear_auth) {
        complain("--listen %s: it needs --tls-cert, or --allow-clear-auth",
                 p->name);
        return EX_CONFIG;
    }
    return -1;
}

/* With --check there are no listeners but by their text. */
static int protocols_open(site *t)
{
    int code = -1;

    for (size_t i = 0; i < t->s.listen.count && code < 0; i++) {
        endpoint e;
        endpoint_parse(t->s.listen.items[i], &e);
        code = protocol_open(t, e.protocol, e.is_proxied);
    }
    for (size_t i = 0; i < t->listeners.count && code < 0; i++) {
        const listener *l = &t->listeners.items[i];
        code = protocol_open(t, l->protocol, l->is_proxied);
    }
    return code;
}

static int certificates_open(site *t)
{
    int code = protocols_open(t);
    int read = certificates_read(&t->s, &t->certificates);

    read = read < 0 ? secure_certificates_check(&t->s, &t->certificates) : read;
    return read < 0 ? code : read;
}

/* ---- the whole ----------------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static int user_open(const site *t, const site *old)
{
    if (old != NULL && !is_same(t->s.user, old->s.user)) {
        complain("--user: it changes by a restart only");
        return EX_CONFIG;
    }
    if (old != NULL) {
        return -1;
    }
    int code = t->s.user != NULL ? identity_take(t->s.user) : -1;
    /* it was read as root, and a reload reads it again */
    if (code < 0 && t->s.config != NULL && access(t->s.config, R_OK) != 0) {
        complain("--config %s: %s", t->s.config, strerror(errno));
        return EX_NOINPUT;
    }
    if (code < 0) {
        certificates_look(&t->s);
    }
    return code;
}

/* All that is wrong is told, and of these the first counts. */
static int parts_open(site *t, const site *old)
{
    int first = certificates_open(t);
    int code = user_open(t, old);

    code = code < 0 ? files_open(t) : code;
    return first < 0 ? code : first;
}

int site_open(int argc, char **argv, const listeners *given, const site *old,
              site **out_site)
{
    site *t = calloc(1, sizeof *t);
    if (t == NULL) {
        complain("out of memory");
        return EX_OSERR;
    }
    t->root.id = MK_VFS_NONE;
    int code = settings_read(&t->s, argc, argv);
    bool binds = code < 0 && !t->s.check;
    if (code < 0 && t->s.check && t->s.listen.count == 0) {
        complain("--listen is missing: only a socket unit can start this");
    }
    if (binds) {
        code = listeners_bind(&t->s, old != NULL ? &old->listeners : given,
                              &t->listeners);
    }
    code = code < 0 ? parts_open(t, old) : code;
    code = code < 0 && binds ? listeners_start(&t->listeners) : code;
    if (code >= 0) {
        site_close(t, old);
        return code;
    }
    *out_site = t;
    return -1;
}

void site_close(site *t, const site *but)
{
    listeners_drop(&t->listeners, but != NULL ? &but->listeners : NULL);
    mk_local_policy_free(t->policy);
    mk_users_free(t->users);
    certificates_wipe(&t->certificates);
    mk_wipe(&t->logins, sizeof t->logins);
    if (t->root.id != MK_VFS_NONE) {
        mk_vfs_posix()->dir_close(mk_vfs_posix()->self, t->root);
    }
    free(t->domains);
    free(t->trusted);
    settings_free(&t->s);
    free(t);
}
