/* SPDX-License-Identifier: MIT
 *
 * users.c: a users file as a directory, and its secrets. One line names one
 * user:
 *     NAME:{SCHEME}SECRET[:maildir]
 * Names compare without case and lie in a hash table that is never more than
 * half full. Secrets lie behind it, decoded (RFC 5802 3), and are wiped with
 * it; none is ever formatted or logged. A name is octets: no template, query
 * or path is made of it (THREATS 48). It refuses a name that could leave the
 * mail root, a domain that is not an own one, and what it does not understand,
 * with the number of the line.
 */
#include <string.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "internal.h"

#define LOCAL_MAX 64u
#define KEYS_MAX 256u /* of mk_sasl_keys_parse */
#define TOKEN_MAX 4096u

struct mk_users {
    const mk_alloc *alloc;
    size_t bytes;
    size_t count;
    uint32_t kinds;
    size_t places;       /* a power of two */
    mk_str first_domain; /* of a login without one */
    char *room;          /* for octets of names and secrets */
    account *table;
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
static account *place_of(const mk_users *u, mk_str name, mk_str domain)
{
    size_t i = hash_add(hash_add(2166136261u, name), domain);
    for (;; i++) {
        account *p = &u->table[i & (u->places - 1)];
        if (p->name.ptr == NULL || (mk_str_is_nocase(p->name, name) &&
                                    mk_str_is_nocase(p->domain, domain))) {
            return p;
        }
    }
}

static mk_str copy(mk_users *u, mk_str s)
{
    char *to = u->room;
    if (s.len > 0) {
        memcpy(to, s.ptr, s.len);
    }
    u->room += s.len;
    return mk_str_of(to, s.len);
}

static mk_str copy_lower(mk_users *u, mk_str s)
{
    mk_str lower = copy(u, s);
    for (char *c = u->room - s.len; c < u->room; c++) {
        *c = (char)mk_lower((unsigned char)*c);
    }
    return lower;
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

/* password = 1*255(%x20-7E / %x80-FF); a NUL is found before */
static mk_err password_take(const reader *r, mk_str secret, account *out)
{
    if (secret.len > MK_SASL_NAME_MAX) {
        return fail(r, MK_E_LIMIT, "the password is longer than 255 octets");
    }
    for (size_t i = 0; i < secret.len; i++) {
        unsigned char c = mk_octet_at(secret, i);
        if (c < 0x20 || c == 0x7F) {
            return fail(r, MK_E_SYNTAX,
                        "the password holds a control character");
        }
    }
    out->secret_bytes = (uint16_t)secret.len;
    out->secret = r->users->room;
    copy(r->users, secret);
    return MK_OK;
}

/* token = 1*4096VCHAR; RFC 6750 2.1 has fewer */
static mk_err token_take(const reader *r, mk_str secret, account *out)
{
    if (secret.len > TOKEN_MAX) {
        return fail(r, MK_E_LIMIT, "the token is longer than 4096 octets");
    }
    for (size_t i = 0; i < secret.len; i++) {
        if (!mk_is_vchar(mk_octet_at(secret, i))) {
            return fail(r, MK_E_SYNTAX, "the token is not visible ASCII");
        }
    }
    out->secret_bytes = (uint16_t)secret.len;
    out->secret = r->users->room;
    copy(r->users, secret);
    return MK_OK;
}

static mk_err keys_take(const reader *r, mk_str secret, account *out)
{
    char mem[KEYS_MAX];
    mk_sasl_keys keys;
    mk_hash hash =
        out->scheme == SCHEME_SCRAM_SHA_1 ? MK_HASH_SHA1 : MK_HASH_SHA256;
    mk_err err = mk_sasl_keys_parse(secret, hash, mem, sizeof mem, &keys);

    if (err == MK_E_LIMIT) {
        return fail(r, err, "iterations are 4096 to 1000000");
    }
    if (err != MK_OK) {
        return fail(r, MK_E_SYNTAX,
                    "the stored keys are not ITERATIONS$SALT$STORED$SERVER");
    }
    out->iterations = keys.iterations;
    out->secret = r->users->room;
    copy(r->users, keys.stored_key);
    copy(r->users, keys.server_key);
    copy(r->users, keys.salt);
    out->secret_bytes = (uint16_t)(r->users->room - out->secret);
    mk_wipe(mem, sizeof mem);
    return MK_OK;
}

/* scheme = "{PLAIN}" / "{SCRAM-SHA-256}" / "{SCRAM-SHA-1}" / "{BEARER}" */
static mk_err secret_take(const reader *r, mk_str secret, account *out)
{
    static const struct {
        const char *word;
        mk_err (*take)(const reader *r, mk_str secret, account *out);
    } schemes[] = {{"{PLAIN}", password_take},
                   {"{SCRAM-SHA-256}", keys_take},
                   {"{SCRAM-SHA-1}", keys_take},
                   {"{BEARER}", token_take}};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        mk_str scheme = mk_str_z(schemes[i].word);
        if (mk_str_has_prefix_nocase(secret, scheme)) {
            secret = mk_str_sub(secret, scheme.len, SIZE_MAX);
            out->scheme = (uint8_t)i;
            r->users->kinds |= 1u << i;
            return secret.len == 0 ? fail(r, MK_E_SYNTAX, "the secret is empty")
                                   : schemes[i].take(r, secret, out);
        }
    }
    return fail(r, MK_E_UNSUPPORTED,
                "the secret does not begin with {PLAIN}, {SCRAM-SHA-256}, "
                "{SCRAM-SHA-1} or {BEARER}");
}

static mk_str without_blanks(mk_str s)
{
    while (s.len > 0 && mk_is_wsp(mk_octet_at(s, s.len - 1))) {
        s.len--;
    }
    return s;
}

/* The third field is taken off; a ':' before anything else than a format
 * belongs to a password. So would blanks behind a format, unseen. */
static mk_err format_take(const reader *r, mk_str *io_rest)
{
    size_t colon = io_rest->len;
    for (size_t i = 0; i < io_rest->len; i++) {
        colon = io_rest->ptr[i] == ':' ? i : colon;
    }
    mk_str field = mk_str_sub(*io_rest, colon + 1, SIZE_MAX);
    mk_str format = without_blanks(field);
    if (colon < io_rest->len && mk_str_is(format, mk_str_z("mbox"))) {
        return fail(r, MK_E_UNSUPPORTED,
                    "mbox is not supported by this version, use maildir");
    }
    if (colon < io_rest->len && mk_str_is(format, mk_str_z("maildir"))) {
        if (format.len < field.len) {
            return fail(r, MK_E_SYNTAX, "there are blanks behind the format");
        }
        *io_rest = mk_str_sub(*io_rest, 0, colon);
    }
    return MK_OK;
}

/* Printable ASCII, and UTF-8 without the controls of C1, which terminals obey
 * (RFC 6532 3.1) */
static bool is_shown(mk_str name)
{
    while (name.len > 0) {
        uint32_t c = 0;
        size_t used = mk_utf8_at(name, &c);
        if (used == 0 || c <= 0x20 || (c >= 0x7F && c < 0xA0)) {
            return false;
        }
        name = mk_str_sub(name, used, SIZE_MAX);
    }
    return true;
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
    if (!is_shown(*out_user)) {
        return fail(r, MK_E_SYNTAX, "the name is not printable UTF-8");
    }
    if (at == name.len) {
        return MK_OK;
    }
    mk_str domain = mk_str_sub(name, at + 1, SIZE_MAX);
    for (size_t i = 0; i < r->domain_count; i++) {
        if (mk_agent_domain_is(domain, r->domains[i])) {
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
    if (err == MK_OK) {
        err = name_check(r, mk_str_sub(line, 0, colon), &name, &domain);
    }
    if (err != MK_OK) {
        return err;
    }
    account *place = place_of(r->users, name, domain);
    if (place->name.ptr != NULL) {
        return fail(r, MK_E_EXISTS, "the user is named twice");
    }
    err = secret_take(r, rest, place);
    if (err == MK_OK) {
        place->name = copy_lower(r->users, name);
        place->domain = copy_lower(r->users, domain);
        r->users->count++;
    }
    return err;
}

/* ---- the file ------------------------------------------------------------ */

/* A line's blanks may be a password's. */
static mk_str line_next(mk_str *io_text)
{
    size_t n = mk_str_find(*io_text, '\n');
    mk_str line = mk_str_sub(*io_text, 0, n);
    *io_text = mk_str_sub(*io_text, n + 1, SIZE_MAX);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    return without_blanks(line).len > 0 ? line : mk_str_of(NULL, 0);
}

static mk_err users_new(const mk_alloc *alloc, mk_str text,
                        const mk_str *domains, size_t domain_count,
                        mk_users **out_users)
{
    size_t lines = 2; /* and the first domain by itself */
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
    size_t table = places * sizeof(account);
    size_t bytes = sizeof(mk_users) + table + text.len + lines * longest;
    mk_users *u = mk_alloc_get(alloc, bytes);
    if (u == NULL) {
        return MK_E_MEMORY;
    }
    u->alloc = alloc;
    u->bytes = bytes;
    u->places = places;
    u->table = (account *)(void *)(u + 1);
    u->room = (char *)u->table + table;
    u->first_domain = copy_lower(u, domains[0]);
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

uint32_t mk_users_kinds(const mk_users *users)
{
    return users->kinds;
}

bool mk_users_has(const mk_users *users, mk_str name, mk_str domain)
{
    return place_of(users, name, domain)->name.ptr != NULL;
}

/* login = name / name "@" domain */
const account *mk_agent_users_find(const mk_users *users, mk_str login)
{
    size_t at = mk_str_find(login, '@');
    mk_str domain = at < login.len ? mk_str_sub(login, at + 1, SIZE_MAX)
                                   : users->first_domain;
    const account *u = place_of(users, mk_str_sub(login, 0, at), domain);
    return u->name.ptr != NULL ? u : NULL;
}

/* Only PLAIN and LOGIN take keys of another hash than they ask for. */
static bool is_hash_good(mk_hash hash, const mk_sasl_ask *question)
{
    bool is_any = question->mechanism == MK_SASL_PLAIN ||
                  question->mechanism == MK_SASL_LOGIN;
    return is_any || hash == question->hash;
}

bool mk_agent_users_keys(const account *u, const mk_sasl_ask *question,
                         mk_sasl_keys *out_keys)
{
    mk_hash hash =
        u->scheme == SCHEME_SCRAM_SHA_1 ? MK_HASH_SHA1 : MK_HASH_SHA256;
    mk_str all = mk_str_of(u->secret, u->secret_bytes);
    size_t n = mk_hash_size(hash);
    mk_sasl_keys keys = {0};

    if (u->scheme == SCHEME_PLAIN) {
        keys.password = all;
    } else if (u->scheme != SCHEME_BEARER && is_hash_good(hash, question)) {
        keys.stored_key = mk_str_sub(all, 0, n);
        keys.server_key = mk_str_sub(all, n, n);
        keys.salt = mk_str_sub(all, 2 * n, SIZE_MAX);
        keys.iterations = u->iterations;
    } else {
        return false;
    }
    *out_keys = keys;
    return true;
}

/* ---- the pepper ---------------------------------------------------------- */

#define PEPPER_ITERATIONS 100000u

/* With its length in front, so that no two users files read the same. */
static mk_err hash_add_part(const mk_crypto *crypto, mk_hash_context *c,
                            const void *ptr, size_t n)
{
    unsigned char length[4] = {(unsigned char)(n >> 24),
                               (unsigned char)(n >> 16),
                               (unsigned char)(n >> 8), (unsigned char)n};
    mk_err err = crypto->hash_update(c, length, sizeof length);
    return err == MK_OK ? crypto->hash_update(c, ptr, n) : err;
}

static mk_err hash_users(const mk_users *users, const mk_crypto *crypto,
                         unsigned char *out_value)
{
    mk_hash_context c;
    mk_err err = crypto->hash_init(&c, MK_HASH_SHA256);
    if (err != MK_OK) {
        return err;
    }
    for (size_t i = 0; i < users->places && err == MK_OK; i++) {
        const account *u = &users->table[i];
        const mk_str parts[] = {u->name, u->domain,
                                mk_str_of(u->secret, u->secret_bytes)};
        for (size_t p = 0; p < 3 && err == MK_OK && u->name.ptr != NULL; p++) {
            err = hash_add_part(crypto, &c, parts[p].ptr, parts[p].len);
        }
    }
    err = err == MK_OK ? crypto->hash_finish(&c, out_value) : err;
    crypto->hash_fini(&c);
    return err;
}

mk_err mk_users_pepper(const mk_users *users, const mk_crypto *crypto,
                       mk_str key, unsigned char *out_pepper)
{
    unsigned char all[32];
    unsigned char salt[32];
    unsigned char made[32];
    mk_pbkdf2 p;
    mk_err err = hash_users(users, crypto, all);
    if (err == MK_OK) {
        err = mk_hmac_once(crypto, MK_HASH_SHA256, key,
                           mk_str_z("mailkit pepper"), salt);
    }
    if (err == MK_OK) {
        err = mk_pbkdf2_init(&p, crypto, MK_HASH_SHA256,
                             mk_str_of((char *)all, sizeof all),
                             mk_str_of((char *)salt, sizeof salt),
                             PEPPER_ITERATIONS, made, sizeof made);
    }
    if (err == MK_OK) {
        err = mk_pbkdf2_step(&p, PEPPER_ITERATIONS);
        mk_pbkdf2_fini(&p);
    }
    if (err == MK_OK) {
        memcpy(out_pepper, made, sizeof made);
    }
    mk_wipe(made, sizeof made);
    mk_wipe(all, sizeof all);
    mk_wipe(salt, sizeof salt);
    return err;
}

/* ---- the directory --------------------------------------------------------
 */

static void lookup(void *self, mk_str name, mk_str domain, mk_ask ask)
{
    const account *u = place_of(self, name, domain);
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
        mk_wipe(users->table, users->bytes - sizeof *users);
        mk_alloc_put(users->alloc, users, users->bytes);
    }
}
