/* SPDX-License-Identifier: MIT
 *
 * passwd.c: `mailkit passwd`: a line for mailkitd's --users. The password is
 * asked for at the terminal or is the first line of standard input; what is
 * printed holds the keys of RFC 5802 3 and not the password, unless the scheme
 * is plain. The line is read back as mailkitd will before it is printed.
 */
#include <mailkit/policy.h>
#include <mailkit/sasl.h>

#include "secret.h"
#include "tool.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
    SALT_BYTES = 16,
    ITERATIONS_MIN = 4096,
    ITERATIONS_MAX = 1000000,
    ITERATIONS = 10000,
    NAME_MAX_BYTES = 320, /* RFC 5321 4.5.3.1 */
    LINE_MAX_BYTES = NAME_MAX_BYTES + MK_SASL_KEYS_TEXT_MAX + 64
};

typedef struct passwd {
    mk_str name;
    bool is_plain;
    bool has_scheme;
    uint64_t iterations; /* 0: not said */
    secret secret;
    char line[LINE_MAX_BYTES];
} passwd;

static const char usage[] =
    "usage: mailkit passwd [--scheme scram-sha-256|plain] [--iterations N] "
    "NAME\n"
    "\n"
    "Asks for a password, twice, or takes the first line of standard input,\n"
    "and prints a line for mailkitd's --users.\n"
    "\n"
    "  --scheme WORD     scram-sha-256: keys, not the password; the default\n"
    "                    plain: the password itself, which CRAM-MD5 needs\n"
    "  --iterations N    4096 to 1000000 for the keys; 10000\n"
    "  --help            print this\n";

/* ---- the command line ---------------------------------------------------- */

static bool parse_scheme(passwd *p, mk_str s)
{
    bool is_repeated = p->has_scheme;

    p->has_scheme = true;
    p->is_plain = mk_str_is_nocase(s, mk_str_z("plain"));
    return !is_repeated &&
           (p->is_plain || mk_str_is_nocase(s, mk_str_z("scram-sha-256")));
}

static bool parse_iterations(passwd *p, mk_str s)
{
    return p->iterations == 0 && mk_str_u64(s, &p->iterations) == MK_OK &&
           p->iterations >= ITERATIONS_MIN && p->iterations <= ITERATIONS_MAX;
}

static bool parse_one(void *self, int option, const char *z)
{
    return option == 's' ? parse_scheme(self, mk_str_z(z))
                         : parse_iterations(self, mk_str_z(z));
}

static mk_err parse(passwd *p, int argc, char **argv, int *out_exit)
{
    static const struct option options[] = {
        {"scheme", required_argument, NULL, 's'},
        {"iterations", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, TOOL_OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    const char *what = NULL;
    const char *why = NULL;
    mk_err r = tool_options(argc, argv, options, usage, parse_one, p, out_exit);

    if (r != MK_OK) {
        return r;
    }
    p->name = mk_str_z(argc - optind == 1 ? argv[optind] : NULL);
    if (argc - optind != 1) {
        what = "passwd";
        why = "one NAME is needed";
    } else if (p->is_plain && p->iterations != 0) {
        what = "--iterations";
        why = "not with plain";
    } else if (p->name.len > NAME_MAX_BYTES) {
        what = "NAME";
        why = "is too long";
    }
    if (why != NULL) {
        tool_fail(TOOL_USAGE, what, why);
    }
    return why == NULL ? MK_OK : MK_E_ARG;
}

/* ---- the line ------------------------------------------------------------ */

static mk_err make_salt(unsigned char *out, size_t n)
{
    const mk_crypto *crypto = mk_crypto_mbedtls();
    size_t need = crypto->random_need();
    void *mem = malloc(need);
    mk_random random;
    mk_err r =
        mem == NULL ? MK_E_MEMORY : crypto->random_open(mem, need, &random);

    if (r == MK_OK) {
        r = random.fill(random.self, out, n);
        crypto->random_close(&random);
    }
    free(mem);
    return r;
}

static mk_err add_keys(const passwd *p, mk_str password, mk_buf *b)
{
    unsigned char salt[SALT_BYTES];
    unsigned char stored[MK_HASH_SIZE_MAX];
    unsigned char server[MK_HASH_SIZE_MAX];
    size_t n = mk_hash_size(MK_HASH_SHA256);
    mk_sasl_keys keys = {
        .salt = {(const char *)salt, sizeof salt},
        .iterations = p->iterations > 0 ? (uint32_t)p->iterations : ITERATIONS,
        .stored_key = {(const char *)stored, n},
        .server_key = {(const char *)server, n},
    };
    mk_err r = make_salt(salt, sizeof salt);

    if (r == MK_OK) {
        r = mk_sasl_keys_make(mk_crypto_mbedtls(), MK_HASH_SHA256, password,
                              keys.salt, keys.iterations, stored, server);
    }
    return r == MK_OK ? mk_sasl_keys_format(&keys, b) : r;
}

static mk_err add_secret(const passwd *p, mk_buf *b)
{
    mk_str password = mk_str_of(p->secret.octets, p->secret.len);

    if (!p->is_plain) {
        (void)mk_buf_add_z(b, "{SCRAM-SHA-256}");
        return add_keys(p, password, b);
    }
    (void)mk_buf_add_z(b, "{PLAIN}");
    (void)mk_buf_add(b, password);
    if (mk_str_find(password, ':') < password.len) {
        (void)mk_buf_add_z(b, ":maildir"); /* so that it ends there */
    }
    return MK_OK;
}

/* NULL, or why mailkitd would not take the line. */
static const char *read_back(const passwd *p, mk_str line)
{
    mk_str domain =
        mk_str_sub(p->name, mk_str_find(p->name, '@') + 1, SIZE_MAX);
    mk_users_fault fault;
    mk_users *users;
    mk_err r;

    if (domain.len == 0) {
        domain = mk_str_z("localhost");
    }
    if (p->name.len > 0 && p->name.ptr[0] == '#') {
        return "the line would be a comment";
    }
    if (mk_str_find(p->name, ':') < p->name.len) {
        return "the name holds a colon";
    }
    r = mk_users_parse(mk_alloc_libc(), line, &domain, 1, &users, &fault);
    if (r == MK_OK) {
        mk_users_free(users);
    }
    return r == MK_OK ? NULL : fault.text;
}

static int print_line(passwd *p)
{
    mk_buf b;
    mk_err r;
    const char *why;

    if (p->secret.len > MK_SASL_NAME_MAX) {
        return tool_fail(TOOL_DATAERR, "password", "longer than 255 octets");
    }
    mk_buf_init(&b, p->line, sizeof p->line);
    (void)mk_buf_add(&b, p->name);
    (void)mk_buf_add_c(&b, ':');
    r = add_secret(p, &b);
    if (r != MK_OK) {
        return tool_fail(TOOL_OSERR, "passwd", mk_err_text(r));
    }
    why = read_back(p, mk_buf_str(&b));
    if (why != NULL) {
        return tool_fail(TOOL_USAGE, "passwd", why);
    }
    (void)fwrite(b.ptr, 1, b.len, stdout);
    (void)putchar('\n');
    return tool_close_output(TOOL_OK);
}

int tool_passwd(int argc, char **argv)
{
    passwd *p = calloc(1, sizeof *p);
    int code = TOOL_OSERR;

    if (p == NULL) {
        return tool_fail(TOOL_OSERR, "passwd", "out of memory");
    }
    if (parse(p, argc, argv, &code) == MK_OK) {
        code = secret_ask(&p->secret);
        code = code == TOOL_OK ? print_line(p) : code;
    }
    mk_wipe(p, sizeof *p);
    free(p);
    return code;
}
