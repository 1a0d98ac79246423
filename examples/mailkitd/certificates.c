/* SPDX-License-Identifier: MIT
 *
 * certificates.c: the files of --tls-cert and --tls-key, whole, in memory that
 * is wiped. They are read while root is still there, where it ever was: a key
 * is often root's alone. It tells who else can read a key, and refuses what is
 * no PEM of its kind; whether key and certificate are any good is for secure.c
 * to say.
 */
#include "mailkitd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static bool holds(mk_str text, const char *part)
{
    return text.len > 0 &&
           memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static int chain_read(const char *path, mk_str *out)
{
    if (!file_read("tls-cert", path, out)) {
        return EX_NOINPUT;
    }
    if (!holds(*out, "-----BEGIN CERTIFICATE-----")) {
        complain("--tls-cert %s: it holds no certificate in PEM", path);
        return EX_CONFIG;
    }
    return -1;
}

/* Without --tls-key it is with its certificate. */
static int key_read(const settings *s, size_t i, mk_str *out)
{
    bool is_apart = s->tls_key.count > 0;
    const char *path = is_apart ? s->tls_key.items[i] : s->tls_cert.items[i];
    const char *option = is_apart ? "tls-key" : "tls-cert";
    struct stat facts;

    if (!file_read(option, path, out)) {
        return EX_NOINPUT;
    }
    if (!holds(*out, "PRIVATE KEY-----")) {
        complain("--%s %s: it holds no private key in PEM", option, path);
        return EX_CONFIG;
    }
    if (holds(*out, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
        holds(*out, "Proc-Type: 4,ENCRYPTED")) {
        complain("--%s %s: the key is encrypted, and nobody can be asked for "
                 "its passphrase",
                 option, path);
        return EX_CONFIG;
    }
    if (stat(path, &facts) == 0 && (facts.st_mode & S_IROTH) != 0) {
        complain("--%s %s: everybody on this machine can read the key", option,
                 path);
    }
    return -1;
}

int certificates_read(const settings *s, certificates *out)
{
    int code = -1;

    if (s->tls_cert.count == 0) {
        return -1;
    }
    out->items = calloc(s->tls_cert.count, sizeof *out->items);
    if (out->items == NULL) {
        complain("out of memory");
        return EX_OSERR;
    }
    for (size_t i = 0; i < s->tls_cert.count; i++) {
        certificate *c = &out->items[out->count++];
        int chain = chain_read(s->tls_cert.items[i], &c->chain);
        int key = key_read(s, i, &c->key);
        code = code >= 0 ? code : chain >= 0 ? chain : key;
    }
    return code;
}

static void look(const char *option, const char *path)
{
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0) {
        complain("--%s %s: it cannot be read any more now that root was given "
                 "up, so no reload will succeed",
                 option, path);
    }
}

void certificates_look(const settings *s)
{
    for (size_t i = 0; i < s->tls_cert.count; i++) {
        look("tls-cert", s->tls_cert.items[i]);
    }
    for (size_t i = 0; i < s->tls_key.count; i++) {
        look("tls-key", s->tls_key.items[i]);
    }
}

void certificates_wipe(certificates *c)
{
    for (size_t i = 0; i < c->count; i++) {
        file_wipe(&c->items[i].chain);
        file_wipe(&c->items[i].key);
    }
    free(c->items);
    memset(c, 0, sizeof *c);
}
