/* SPDX-License-Identifier: MIT
 *
 * seen.c: see seen.h. The account's line holds blanks, which no id does (RFC
 * 1939 7). The new file is written beside the old one, synced and put in its
 * place, and the directory is synced: a crash leaves the one or the other.
 */
#include "seen.h"

#include <mailkit/pop3.h>

#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 128 << 20 };

static int complain(const seen *s, int code, const char *why)
{
    return tool_fail(code, s->path, why);
}

/* ---- reading ------------------------------------------------------------- */

static bool is_id(mk_str s)
{
    size_t i;

    for (i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x21 || s.ptr[i] > 0x7e) {
            return false;
        }
    }
    return s.len > 0 && s.len <= MK_POP3_UID_MAX;
}

static mk_str take_line(mk_str *io_text)
{
    size_t at = mk_str_find(*io_text, '\n');
    mk_str line = mk_str_sub(*io_text, 0, at);

    *io_text = mk_str_sub(*io_text, at + 1, SIZE_MAX);
    return line;
}

/* "# fetched by USER from HOST" */
static bool is_account(const seen *s, mk_str line)
{
    char room[1024];
    int n = snprintf(room, sizeof room, "# fetched by %s from %s", s->user,
                     s->host);

    return n > 0 && mk_str_is(line, mk_str_of(room, (size_t)n));
}

static int parse(seen *s, mk_str text)
{
    size_t lines = 0;
    size_t i;

    if (!is_account(s, take_line(&text))) {
        return complain(s, TOOL_DATAERR, "of another account, or no such file");
    }
    if (text.len > 0 && text.ptr[text.len - 1] != '\n') {
        return complain(s, TOOL_DATAERR, "its last line has no end");
    }
    for (i = 0; i < text.len; i++) {
        lines += text.ptr[i] == '\n' ? 1 : 0;
    }
    s->ids = calloc(lines + 1, sizeof *s->ids);
    if (s->ids == NULL) {
        return complain(s, TOOL_OSERR, "out of memory");
    }
    while (text.len > 0) {
        s->ids[s->count] = take_line(&text);
        if (!is_id(s->ids[s->count])) {
            return complain(s, TOOL_DATAERR, "a line that is no unique-id");
        }
        s->count++;
    }
    qsort(s->ids, s->count, sizeof *s->ids, tool_by_octets);
    return TOOL_OK;
}

/* All of a regular file; NULL text: it could not be read. */
static ssize_t read_all(int fd, char **out_text)
{
    struct stat st;
    size_t n = 0;
    ssize_t got = 1;
    char *text = NULL;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size <= FILE_MAX_BYTES) {
        text = malloc((size_t)st.st_size + 1);
    }
    while (text != NULL && got > 0 && n < (size_t)st.st_size) {
        got = read(fd, text + n, (size_t)st.st_size - n);
        n += got > 0 ? (size_t)got : 0;
        got = got < 0 && errno == EINTR ? 1 : got;
    }
    if (got < 0) {
        free(text);
        text = NULL;
    }
    *out_text = text;
    return (ssize_t)n;
}

int seen_open(seen *s, const char *path, const char *user, const char *host)
{
    int fd;
    ssize_t n;

    s->path = path;
    s->user = user;
    s->host = host;
    if (path == NULL) {
        return TOOL_OK;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? TOOL_OK
                               : complain(s, TOOL_NOINPUT, "cannot be opened");
    }
    n = read_all(fd, &s->text);
    (void)close(fd);
    if (s->text == NULL) {
        return complain(s, TOOL_NOINPUT, "cannot be read, or is too large");
    }
    return parse(s, mk_str_of(s->text, (size_t)n));
}

bool seen_has(const seen *s, mk_str id)
{
    return s->count > 0 && bsearch(&id, s->ids, s->count, sizeof *s->ids,
                                   tool_by_octets) != NULL;
}

void seen_close(seen *s)
{
    free(s->ids);
    free(s->text);
    s->ids = NULL;
    s->text = NULL;
    s->count = 0;
}

/* ---- writing ------------------------------------------------------------- */

static bool sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *above =
        slash == NULL
            ? strdup(".")
            : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    int fd = above == NULL ? -1 : open(above, O_RDONLY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    free(above);
    return is_synced;
}

/* The file is complete on stable storage, or not there. */
static bool write_file(const seen *s, const char *name,
                       void (*put)(const void *self, FILE *to),
                       const void *self)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
    bool is_good = to != NULL;

    if (fd >= 0 && to == NULL) {
        (void)close(fd);
    }
    if (is_good) {
        fprintf(to, "# fetched by %s from %s\n", s->user, s->host);
        put(self, to);
        is_good = fflush(to) == 0 && ferror(to) == 0 && fsync(fd) == 0;
        is_good = fclose(to) == 0 && is_good;
    }
    if (fd >= 0 && !is_good) {
        (void)unlink(name);
    }
    return is_good;
}

int seen_write(const seen *s, void (*put)(const void *self, FILE *to),
               const void *self)
{
    size_t n = s->path == NULL ? 0 : strlen(s->path) + 32;
    char *name = n == 0 ? NULL : malloc(n);
    bool is_written = false;

    if (s->path == NULL) {
        return TOOL_OK;
    }
    if (name != NULL) {
        (void)snprintf(name, n, "%s.%ld.new", s->path, (long)getpid());
        (void)unlink(name); /* of a process long dead that had our number */
        is_written = write_file(s, name, put, self);
        if (is_written && rename(name, s->path) != 0) {
            (void)unlink(name);
            is_written = false;
        }
        is_written = is_written && sync_directory(s->path);
        free(name);
    }
    return is_written ? TOOL_OK
                      : complain(s, TOOL_IOERR,
                                 "cannot be written; the next "
                                 "run will fetch again");
}
