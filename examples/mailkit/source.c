/* SPDX-License-Identifier: MIT
 *
 * source.c: see source.h. A file is read twice, so that its size on the wire
 * and its need for 8BITMIME can be told before a line of it goes out (RFC 1870
 * 6.1, RFC 6152 3); a pipe is read once, and neither is told. The message is
 * never in memory as a whole.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mk_err err_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return MK_E_NOENT;
    case EACCES:
    case EPERM:
        return MK_E_ACCESS;
    case EISDIR:
        return MK_E_KIND;
    default:
        return MK_E_IO;
    }
}

static mk_err read_some(int fd, char *room, size_t n, size_t *out_n)
{
    ssize_t got;

    do {
        got = read(fd, room, n);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return err_of(errno);
    }
    *out_n = (size_t)got;
    return MK_OK;
}

/* Counts one block; false when it holds a lone CR or a NUL. */
static bool count(source *s, const char *octets, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)octets[i];
        if (c == '\0' || (s->has_cr && c != '\n')) {
            return false;
        }
        s->wire_bytes += c == '\n' && !s->has_cr ? 2 : 1;
        s->has_8bit = s->has_8bit || c >= 0x80;
        s->has_cr = c == '\r';
    }
    return true;
}

static mk_err scan(source *s)
{
    off_t start = lseek(s->fd, 0, SEEK_CUR);
    char *room = s->block[0];
    char final = '\n';
    size_t n = 0;
    mk_err r;

    if (start < 0) {
        return MK_OK; /* read once */
    }
    while ((r = read_some(s->fd, room, SOURCE_BLOCK_BYTES, &n)) == MK_OK &&
           n > 0) {
        if (!count(s, room, n)) {
            return MK_E_BARE;
        }
        final = room[n - 1];
        s->left += n;
    }
    if (r != MK_OK) {
        return r;
    }
    if (s->has_cr) {
        return MK_E_BARE;
    }
    s->wire_bytes += final == '\n' ? 0 : 2;
    s->is_scanned = true;
    return lseek(s->fd, start, SEEK_SET) == start ? MK_OK : MK_E_IO;
}

mk_err source_open(source *s, const char *name)
{
    struct stat st;
    mk_err r = MK_OK;

    memset(s, 0, offsetof(source, block));
    s->name = name;
    s->fd = strcmp(name, "-") == 0 ? STDIN_FILENO
                                   : open(name, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) < 0) {
        r = err_of(errno);
    } else if (S_ISDIR(st.st_mode)) {
        r = MK_E_KIND;
    } else if (S_ISREG(st.st_mode)) {
        r = scan(s);
    }
    if (r != MK_OK) {
        source_close(s);
    }
    return r;
}

mk_err source_read(source *s, mk_str *out_span, bool *out_last)
{
    /* the raw half lies at the end: in the worst case each octet doubles */
    char *wire = s->block[s->turn];
    char *raw = wire + SOURCE_BLOCK_BYTES / 2;
    size_t n = SOURCE_BLOCK_BYTES / 2;
    size_t at = 0;
    size_t i;
    mk_err r;

    if (s->is_scanned && s->left < n) {
        n = (size_t)s->left;
    }
    r = read_some(s->fd, raw, n, &n);
    if (r == MK_OK && n == 0 && s->is_scanned && s->left > 0) {
        r = MK_E_CUT; /* it was cut short meanwhile */
    }
    if (r != MK_OK) {
        return r;
    }
    for (i = 0; i < n; i++) {
        if (raw[i] == '\n' && !s->has_cr) {
            wire[at++] = '\r';
        }
        s->has_cr = raw[i] == '\r';
        wire[at++] = raw[i];
    }
    s->turn = (uint8_t)((s->turn + 1) % SOURCE_BLOCKS);
    s->left -= s->is_scanned ? n : 0;
    s->is_over = n == 0 || (s->is_scanned && s->left == 0);
    *out_span = mk_str_of(wire, at);
    *out_last = s->is_over;
    return MK_OK;
}

void source_close(source *s)
{
    if (s->fd > STDIN_FILENO) {
        (void)close(s->fd);
    }
    s->fd = -1;
}
