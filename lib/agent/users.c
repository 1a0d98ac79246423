/* SPDX-License-Identifier: MIT
 *
 * users.c: a users file as a directory. One line names one user:
 *     NAME:{SCHEME}SECRET[:maildir]
 * Names compare without case and lie in a hash table that is never more than
 * half full. Secrets are looked at for their form only and not kept: nothing
 * here can tell them. It refuses a name that could leave the mail root, a
 * domain that is not an own one, and what it does not understand, with the
 * number of the line.
 */
#include <string.h>

#include "base/ascii.h"
#include "internal.h"

#define LOCAL_MAX 64u

typedef struct user {
    mk_str name;   /* lower case; ptr NULL: an empty place */
    mk_str domain; /* lower case */
} user;

struct mk_users {
    const mk_alloc *alloc;
    size_t bytes;
    size_t count;
    size_t places; /* a power of two */
    char *names;   /* room for the octets of names */
    user *table;
};

/* ---- the table ----------------------------------------------------------- */

static uint32_t hash_add(uint32_t h, mk_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        h = (h ^ mk_lower(mk_octet_at(s, i))) * 16777619u; /* FNV-1a */
    }
    return (h ^ 0xFF) * 16777619u;
}

/* Where a user is, or would be. */
static user *place_of(const mk_users *u, mk_str name, mk_str domain)
{
    size_t i = hash_add(hash_add(2166136261u, name), domain);
    for (;; i++) {
        user *p = &u->table[i & (u->places - 1)];
        if (p->name.ptr == NULL || (mk_str_is_nocase(p->name, name) &&
                                    mk_str_is_nocase(p->domain, domain))) {
            return p;
        }
    }
}

static mk_str copy_lower(mk_users *u, mk_str s)
{
    char *to = u->names;
    for (size_t i = 0; i < s.len; i++) {
        to[i] = (char)mk_lower(mk_octet_at(s, i));
    }
    u->names += s.len;
    return mk_str_of(to, s.len);
}

/* ---- one line ------------------------------------------------------------ */

typedef struct reader {
    mk_users *users;
    const mk_str *domains;
    size_t domain_count;
    mk_users_fault *fault;
} reader;

static mk_err fail(const reader *r, mk_err err, const char *text)
{
    r->fault->text = text;
    return err;
}

/* scheme = "{PLAIN}" / "{SCRAM-SHA-256}", then the secret */
static mk_err secret_check(const reader *r, mk_str secret)
{
    static const char *const schemes[] = {"{PLAIN}", "{SCRAM-SHA-256}"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        mk_str scheme = mk_str_z(schemes[i]);
        if (mk_str_has_prefix_nocase(secret, scheme)) {
            if (secret.len == scheme.len) {
                return fail(r, MK_E_SYNTAX, "the secret is empty");
            }
            if (i > 0 && mk_str_find(secret, ':') < secret.len) {
                return fail(r, MK_E_SYNTAX,
                            "the third field is neither maildir nor mbox");
            }
            return MK_OK;
        }
    }
    return fail(r, MK_E_UNSUPPORTED,
                "the secret does not begin with {PLAIN} or {SCRAM-SHA-256}");
}

/* The third field is taken off; a ':' before anything else than a format
 * belongs to a plain secret. */
static mk_err format_take(const reader *r, mk_str *io_rest)
{
    size_t colon = io_rest->len;
    for (size_t i = 0; i < io_rest->len; i++) {
        colon = io_rest->ptr[i] == ':' ? i : colon;
    }
    mk_str format = mk_str_sub(*io_rest, colon + 1, SIZE_MAX);
    if (colon < io_rest->len && mk_str_is(format, mk_str_z("mbox"))) {
        return fail(r, MK_E_UNSUPPORTED,
                    "mbox is not supported by this version, use maildir");
    }
    if (colon < io_rest->len && mk_str_is(format, mk_str_z("maildir"))) {
        *io_rest = mk_str_sub(*io_rest, 0, colon);
    }
    return MK_OK;
}

static mk_err name_check(const reader *r, mk_str name, mk_str *out_user,
                         mk_str *out_domain)
{
    size_t at = mk_str_find(name, '@');
    *out_user = mk_str_sub(name, 0, at);
    *out_domain = r->domains[0];
    if (out_user->len > LOCAL_MAX || mk_maildir_name_check(*out_user)) {
        return fail(r, MK_E_SYNTAX, "the name cannot be a mailbox's");
    }
    for (size_t i = 0; i < out_user->len; i++) {
        if (!mk_is_vchar(mk_octet_at(*out_user, i))) {
            return fail(r, MK_E_SYNTAX, "the name is not printable ASCII");
        }
    }
    if (at == name.len) {
        return MK_OK;
    }
    mk_str domain = mk_str_sub(name, at + 1, SIZE_MAX);
    for (size_t i = 0; i < r->domain_count; i++) {
        if (mk_str_is_nocase(domain, r->domains[i])) {
            *out_domain = r->domains[i];
            return MK_OK;
        }
    }
    return fail(r, MK_E_SYNTAX, "the domain is not an own one");
}

static mk_err line_take(const reader *r, mk_str line)
{
    mk_str name;
    mk_str domain;
    size_t colon = mk_str_find(line, ':');
    mk_str rest = mk_str_sub(line, colon + 1, SIZE_MAX);

    if (mk_str_has_ctl(line)) {
        return fail(r, MK_E_SYNTAX, "the line holds a CR or NUL");
    }
    if (colon == line.len) {
        return fail(r, MK_E_SYNTAX, "a line is NAME:{SCHEME}SECRET[:maildir]");
    }
    mk_err err = format_take(r, &rest);
    err = err == MK_OK ? secret_check(r, rest) : err;
    if (err == MK_OK) {
        err = name_check(r, mk_str_sub(line, 0, colon), &name, &domain);
    }
    if (err != MK_OK) {
        return err;
    }
    user *place = place_of(r->users, name, domain);
    if (place->name.ptr != NULL) {
        return fail(r, MK_E_EXISTS, "the user is named twice");
    }
    place->name = copy_lower(r->users, name);
    place->domain = copy_lower(r->users, domain);
    r->users->count++;
    return MK_OK;
}

/* ---- the file ------------------------------------------------------------ */

static mk_str line_next(mk_str *io_text)
{
    size_t n = mk_str_find(*io_text, '\n');
    mk_str line = mk_str_sub(*io_text, 0, n);
    *io_text = mk_str_sub(*io_text, n + 1, SIZE_MAX);
    while (line.len > 0 && (mk_is_wsp(mk_octet_at(line, line.len - 1)) ||
                            line.ptr[line.len - 1] == '\r')) {
        line.len--;
    }
    return line;
}

static mk_err users_new(const mk_alloc *alloc, mk_str text,
                        const mk_str *domains, size_t domain_count,
                        mk_users **out_users)
{
    size_t lines = 1;
    size_t longest = 0;
    size_t places = 8;
    mk_str rest = text;
    while (rest.len > 0) {
        line_next(&rest);
        lines++;
    }
    while (places < 2 * lines) {
        places *= 2;
    }
    for (size_t i = 0; i < domain_count; i++) {
        longest = domains[i].len > longest ? domains[i].len : longest;
    }
    size_t table = places * sizeof(user);
    size_t bytes = sizeof(mk_users) + table + text.len + lines * longest;
    mk_users *u = mk_alloc_get(alloc, bytes);
    if (u == NULL) {
        return MK_E_MEMORY;
    }
    u->alloc = alloc;
    u->bytes = bytes;
    u->places = places;
    u->table = (user *)(void *)(u + 1);
    u->names = (char *)u->table + table;
    *out_users = u;
    return MK_OK;
}

mk_err mk_users_parse(const mk_alloc *alloc, mk_str text, const mk_str *domains,
                      size_t domain_count, mk_users **out_users,
                      mk_users_fault *out_fault)
{
    reader r = {
        .domains = domains, .domain_count = domain_count, .fault = out_fault};
    out_fault->line = 0;
    out_fault->text = "";
    if (alloc == NULL || domains == NULL || domain_count == 0) {
        return MK_E_ARG;
    }
    mk_err err = users_new(alloc, text, domains, domain_count, &r.users);
    if (err != MK_OK) {
        out_fault->text = mk_err_text(err);
        return err;
    }
    while (err == MK_OK && text.len > 0) {
        mk_str line = line_next(&text);
        out_fault->line++;
        if (line.len > 0 && line.ptr[0] != '#') {
            err = line_take(&r, line);
        }
    }
    if (err != MK_OK) {
        mk_users_free(r.users);
        return err;
    }
    out_fault->line = 0;
    *out_users = r.users;
    return MK_OK;
}

size_t mk_users_count(const mk_users *users)
{
    return users->count;
}

bool mk_users_has(const mk_users *users, mk_str name, mk_str domain)
{
    return place_of(users, name, domain)->name.ptr != NULL;
}

static void lookup(void *self, mk_str name, mk_str domain, mk_ask ask)
{
    const user *u = place_of(self, name, domain);
    mk_directory_answer(
        ask, u->name.ptr != NULL ? MK_DIRECTORY_FOUND : MK_DIRECTORY_UNKNOWN,
        u->name, u->domain);
}

void mk_users_directory(mk_users *users, mk_directory *out_directory)
{
    memset(out_directory, 0, sizeof *out_directory);
    out_directory->self = users;
    out_directory->lookup = lookup;
}

void mk_users_free(mk_users *users)
{
    if (users != NULL) {
        mk_alloc_put(users->alloc, users, users->bytes);
    }
}
