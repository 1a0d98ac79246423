/* SPDX-License-Identifier: MIT
 *
 * tls/trust.c: trusted certificates from files, through mk_vfs: one PEM file,
 * a directory of them, or where the system keeps its own (RFC 5280 6.1.1 d).
 * Reading stops at a finite size. What cannot be read in a directory is passed
 * over; that nothing was found is an error. No certificate is kept twice.
 */
#include "tls/internal.h"

#include <mbedtls/platform.h>

#include <string.h>

enum { FILE_MAX = 4 * 1024 * 1024, FILES_MAX = 4096, PATH_BYTES = 4096 };

static mk_err read_all(const mk_vfs *vfs, mk_file file, char *to, size_t n,
                       size_t *out_n)
{
    size_t done = 0;
    size_t got = 1;
    while (done < n && got > 0) {
        mk_err err =
            vfs->file_read(vfs->self, file, done, to + done, n - done, &got);
        if (err != MK_OK) {
            return err;
        }
        done += got;
    }
    *out_n = done;
    return MK_OK;
}

static bool is_known(const mbedtls_x509_crt *first, const mbedtls_x509_crt *crt)
{
    for (; first != crt; first = first->next) {
        if (first->raw.len == crt->raw.len &&
            memcmp(first->raw.p, crt->raw.p, crt->raw.len) == 0) {
            return true;
        }
    }
    return false;
}

/* Those behind `last` that were there before: a directory holds each under two
 * or three names, and a bundle of all. */
static void drop_doubles(const mbedtls_x509_crt *first, mbedtls_x509_crt *last)
{
    while (last->next != NULL) {
        mbedtls_x509_crt *crt = last->next;
        if (!is_known(first, crt)) {
            last = crt;
            continue;
        }
        last->next = crt->next;
        crt->next = NULL;
        mbedtls_x509_crt_free(crt);
        mbedtls_free(crt);
    }
}

static mk_err parse(mk_tls_context *x, mk_str text)
{
    mbedtls_x509_crt *last = &x->trust;
    while (last->next != NULL) {
        last = last->next;
    }
    mk_err err = mk_tls_chain_parse(x->c.alloc, text, false, &x->trust);
    drop_doubles(&x->trust, last);
    return err;
}

static mk_err parse_file(mk_tls_context *x, const mk_vfs *vfs, mk_file file)
{
    const mk_alloc *a = x->c.alloc;
    mk_vfs_stat st;
    size_t n = 0;
    mk_err err = vfs->file_stat(vfs->self, file, &st);

    if (err != MK_OK || st.size_bytes == 0 || st.size_bytes > FILE_MAX) {
        return err != MK_OK ? err : MK_E_SYNTAX;
    }
    char *text = mk_alloc_get(a, (size_t)st.size_bytes);
    if (text == NULL) {
        return MK_E_MEMORY;
    }
    err = read_all(vfs, file, text, (size_t)st.size_bytes, &n);
    if (err == MK_OK) {
        err = parse(x, mk_str_of(text, n));
    }
    mk_alloc_put(a, text, (size_t)st.size_bytes);
    return err;
}

static mk_err load_file(mk_tls_context *x, const mk_vfs *vfs, const char *path)
{
    static const mk_dir nowhere = {MK_VFS_NONE};
    mk_file file;
    mk_err err = vfs->file_open(vfs->self, nowhere, path, &file);
    if (err == MK_OK) {
        err = parse_file(x, vfs, file);
        (void)vfs->file_close(vfs->self, file);
    }
    return err;
}

/* By its path, so that links are followed: such directories are full of
 * them. */
static mk_err load_entry(mk_tls_context *x, const mk_vfs *vfs, const char *dir,
                         const char *name)
{
    char path[PATH_BYTES];
    mk_buf b;
    mk_buf_init(&b, path, sizeof path);
    (void)mk_buf_add_z(&b, dir);
    (void)mk_buf_add_z(&b, "/");
    (void)mk_buf_add_z(&b, name);
    (void)mk_buf_add_c(&b, '\0');
    return b.full ? MK_E_LIMIT : load_file(x, vfs, path);
}

static mk_err load_entries(mk_tls_context *x, const mk_vfs *vfs,
                           const char *dir, mk_listing listing)
{
    char name[MK_VFS_NAME_MAX + 1];
    mk_err result = MK_E_NOENT;
    for (unsigned i = 0; i < FILES_MAX; i++) {
        mk_err err = vfs->list_read(vfs->self, listing, name);
        if (err != MK_OK) {
            return err == MK_END ? result : err;
        }
        err = load_entry(x, vfs, dir, name);
        if (err == MK_E_MEMORY) {
            return err;
        }
        result = err == MK_OK ? MK_OK : result;
    }
    return MK_E_COUNT;
}

static mk_err load_dir(mk_tls_context *x, const mk_vfs *vfs, const char *path,
                       mk_dir dir)
{
    mk_listing listing;
    mk_err err = vfs->list_open(vfs->self, dir, &listing);
    if (err == MK_OK) {
        err = load_entries(x, vfs, path, listing);
        vfs->list_close(vfs->self, listing);
    }
    return err;
}

mk_err mk_tls_trust_load(mk_tls_context *context, const mk_vfs *vfs,
                         const char *path)
{
    static const mk_dir nowhere = {MK_VFS_NONE};
    mk_dir dir;

    if (context == NULL || vfs == NULL || path == NULL || *path == '\0') {
        return MK_E_ARG;
    }
    mk_err err = vfs->dir_open(vfs->self, nowhere, path, &dir);
    if (err != MK_OK) {
        return load_file(context, vfs, path);
    }
    err = load_dir(context, vfs, path, dir);
    vfs->dir_close(vfs->self, dir);
    return err;
}

mk_err mk_tls_trust_load_system(mk_tls_context *context, const mk_vfs *vfs)
{
    static const char *const paths[] = {
        "/etc/ssl/certs/ca-certificates.crt",     /* Debian, Alpine, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",       /* Fedora, RHEL */
        "/etc/ssl/ca-bundle.pem",                 /* SUSE */
        "/etc/ssl/cert.pem",                      /* OpenBSD, FreeBSD */
        "/usr/local/share/certs/ca-root-nss.crt", /* FreeBSD */
        "/etc/ssl/certs",
    };
    mk_err err = MK_E_NOENT;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        err = mk_tls_trust_load(context, vfs, paths[i]);
        if (err == MK_OK || err == MK_E_MEMORY || err == MK_E_ARG) {
            break;
        }
    }
    return err;
}
