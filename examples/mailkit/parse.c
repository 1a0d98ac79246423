/* SPDX-License-Identifier: MIT
 *
 * parse.c: `mailkit parse`: messages of files and directories, read (RFC 5322,
 * RFC 2045) and shown as a tree or as JSON, a line each. One message is in
 * memory at a time. A file that cannot be read is complained of, and the others
 * are still shown; what a message says never stops it.
 */
#include "parse.h"

#include "progress.h"
#include "tool.h"

#include <mailkit/net.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_BYTES = 65536, BLOCK_BYTES = 65536, DEEPEST = 64 };

/* As long a file as can be told of in memory at once. */
static const size_t message_max = (size_t)1 << (sizeof(size_t) > 4 ? 34 : 30);

typedef struct parse {
    parsed parsed;
    bool is_json;
    char *text; /* of the message */
    size_t text_bytes;
    void *block; /* of the view */
    size_t block_bytes;
    mk_message_config config;
    progress progress;
    int exit;
} parse;

static const char usage[] =
    "usage: mailkit parse [--json] [FILE|DIRECTORY...]\n"
    "\n"
    "Shows messages: who wrote them, their parts, what is odd in them. Of a\n"
    "directory all files are read, and those below it; \"-\", or nothing, is\n"
    "standard input.\n"
    "\n"
    "  --json            one line of JSON for each message\n"
    "  --max-decoded-bytes N\n"
    "                    of a message, 1073741824; what is beyond is not "
    "given\n"
    "  --help            print this\n";

static void complain(parse *p, int code, const char *path, const char *why)
{
    progress_end(&p->progress);
    tool_fail(code, path, why);
    p->exit = p->exit == TOOL_OK ? code : p->exit;
}

/* What is printed goes nowhere any more. */
static bool is_lost(void)
{
    return ferror(stdout) != 0;
}

/* ---- one message --------------------------------------------------------- */

static const char no_memory[] = "out of memory";

static bool grow(parse *p)
{
    size_t n = p->text_bytes == 0 ? FIRST_BYTES : p->text_bytes * 2;
    char *text = n <= message_max ? realloc(p->text, n) : NULL;
    if (text != NULL) {
        p->text = text;
        p->text_bytes = n;
    }
    return text != NULL;
}

/* NULL, or why it cannot be read. */
static const char *read_all(parse *p, int fd, size_t *out_n)
{
    size_t n = 0;
    for (;;) {
        if (n == p->text_bytes && !grow(p)) {
            return n < message_max / 2 ? no_memory : "is too large";
        }
        ssize_t got = read(fd, p->text + n, p->text_bytes - n);
        if (got == 0) {
            *out_n = n;
            return NULL;
        }
        if (got < 0 && errno != EINTR) {
            return strerror(errno);
        }
        n += got > 0 ? (size_t)got : 0;
    }
}

/* The second time the block is as large as the message needs. */
static bool open_view(parse *p, mk_str text)
{
    mk_view *v = &p->parsed.view;
    size_t need = p->block_bytes > 0 ? p->block_bytes : BLOCK_BYTES;
    for (int i = 0; i < 2; i++) {
        if (need > p->block_bytes) {
            void *block = realloc(p->block, need);
            if (block == NULL) {
                return false;
            }
            p->block = block;
            p->block_bytes = need;
        }
        if (mk_view_open(text, &p->config, p->block, p->block_bytes, v) !=
            MK_OK) {
            return false;
        }
        need = v->need;
        if (!v->is_cut) {
            break;
        }
    }
    return true;
}

static void show(parse *p, int fd, const char *path)
{
    size_t n = 0;
    const char *why = read_all(p, fd, &n);
    if (why == NULL && !open_view(p, mk_str_of(p->text, n))) {
        why = no_memory;
    }
    if (why != NULL) {
        complain(p, why == no_memory ? TOOL_OSERR : TOOL_NOINPUT, path, why);
        return;
    }
    p->parsed.path = path;
    mk_defects_init(&p->parsed.defects, p->parsed.found, PARSED_DEFECTS);
    p->parsed.told = 0;
    p->parsed.lacks_memory = false;
    (p->is_json ? parse_print_json : parse_print_tree)(&p->parsed);
    if (p->parsed.lacks_memory) {
        complain(p, TOOL_OSERR, path, no_memory);
    }
    p->progress.message++;
    progress_add(&p->progress, n, mk_poll_now_ms());
}

/* ---- files and directories ----------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A directory that the walk is in: its names, each with a NUL, and where each
 * begins, in order. Nothing else of it is kept: there may be many thousands. */
typedef struct level {
    char *names;
    char **sorted;
    size_t bytes, max;
    size_t count, next;
    size_t path_bytes; /* of the path before them */
} level;

static bool add_name(level *l, const char *name)
{
    size_t n = strlen(name) + 1;
    if (l->bytes + n > l->max) {
        size_t max = (l->bytes + n) * 2;
        char *names = realloc(l->names, max);
        if (names == NULL) {
            return false;
        }
        l->names = names;
        l->max = max;
    }
    memcpy(l->names + l->bytes, name, n);
    l->bytes += n;
    l->count++;
    return true;
}

static bool sort_names(level *l)
{
    size_t at = 0;
    l->sorted = calloc(l->count + 1, sizeof *l->sorted);
    if (l->sorted == NULL) {
        return false;
    }
    for (size_t i = 0; i < l->count; i++) {
        l->sorted[i] = l->names + at;
        at += strlen(l->names + at) + 1;
    }
    qsort(l->sorted, l->count, sizeof *l->sorted, by_name);
    return true;
}

static void close_level(level *l)
{
    free(l->names);
    free(l->sorted);
    *l = (level){0};
}

/* All names but the hidden ones; 0, or why it cannot be read. */
static int read_names(level *l, DIR *folder)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            return errno;
        }
        if (entry->d_name[0] != '.' && !add_name(l, entry->d_name)) {
            return ENOMEM;
        }
    }
}

static int read_level(level *l, const char *top)
{
    DIR *folder = opendir(top);
    if (folder == NULL) {
        return errno;
    }
    *l = (level){.path_bytes = strlen(top)};
    int why = read_names(l, folder);
    (void)closedir(folder);
    if (why == 0 && !sort_names(l)) {
        why = ENOMEM;
    }
    if (why != 0) {
        close_level(l);
    }
    return why;
}

typedef struct path {
    char *ptr;
    size_t bytes;
} path;

/* path = its first `n` octets, "/" and name; false: no memory. */
static bool join(path *to, size_t n, const char *name)
{
    size_t len = strlen(name);
    if (n + len + 2 > to->bytes) {
        char *ptr = realloc(to->ptr, (n + len + 2) * 2);
        if (ptr == NULL) {
            return false;
        }
        to->ptr = ptr;
        to->bytes = (n + len + 2) * 2;
    }
    if (n > 0) {
        to->ptr[n] = '/';
        n++;
    }
    memcpy(to->ptr + n, name, len + 1);
    return true;
}

static void open_level(parse *p, const path *at, level *levels, int *io_depth)
{
    level *l = &levels[*io_depth];
    if (*io_depth == DEEPEST) {
        complain(p, TOOL_NOINPUT, at->ptr, "is too deep");
        return;
    }
    int why = read_level(l, at->ptr);
    if (why != 0) {
        complain(p, TOOL_NOINPUT, at->ptr, strerror(why));
        return;
    }
    (*io_depth)++;
}

static bool is_link(const char *name)
{
    struct stat st;
    return lstat(name, &st) == 0 && S_ISLNK(st.st_mode);
}

static void show_file(parse *p, const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        complain(p, TOOL_NOINPUT, name, strerror(errno));
        return;
    }
    show(p, fd, name);
    close(fd);
}

/* A file, or a directory, which becomes the next level. What is neither is
 * passed over in a directory, unopened: a FIFO would wait for ever, a device
 * may act on it. So is a link to a directory: it may lead back to this one. */
static void visit(parse *p, const path *at, level *levels, int *io_depth)
{
    struct stat st;
    if (stat(at->ptr, &st) != 0) {
        complain(p, TOOL_NOINPUT, at->ptr, strerror(errno));
    } else if (S_ISREG(st.st_mode)) {
        show_file(p, at->ptr);
    } else if (!S_ISDIR(st.st_mode)) {
        if (*io_depth == 0) {
            complain(p, TOOL_NOINPUT, at->ptr, "is no file");
        }
    } else if (*io_depth == 0 || !is_link(at->ptr)) {
        open_level(p, at, levels, io_depth);
    }
}

static void walk(parse *p, const char *top)
{
    static level levels[DEEPEST];
    path at = {NULL, 0};
    int depth = 0;
    bool good = join(&at, 0, top);
    if (good) {
        visit(p, &at, levels, &depth);
    }
    while (depth > 0) {
        level *l = &levels[depth - 1];
        if (l->next == l->count || is_lost()) {
            close_level(l);
            depth--;
            continue;
        }
        good = good && join(&at, l->path_bytes, l->sorted[l->next]);
        l->next++;
        if (good) {
            visit(p, &at, levels, &depth);
        }
    }
    if (!good) {
        complain(p, TOOL_OSERR, top, no_memory);
    }
    free(at.ptr);
}

/* ---- the command line ---------------------------------------------------- */

static bool take(void *self, int option, const char *z)
{
    parse *p = self;
    if (option == 'm') {
        return mk_str_u64(mk_str_z(z), &p->config.max_decoded_bytes) == MK_OK &&
               p->config.max_decoded_bytes > 0;
    }
    p->is_json = true;
    return option == 'j';
}

int tool_parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"max-decoded-bytes", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, TOOL_OPTION_HELP},
        {NULL, 0, NULL, 0},
    };
    static parse p;
    int code = TOOL_OK;
    mk_message_config_init(&p.config, sizeof p.config);
    p.config.max_decoded_bytes = UINT64_C(1) << 30;
    if (tool_options(argc, argv, options, usage, take, &p, &code) != MK_OK) {
        return code;
    }
#ifdef MAILKIT_SECURE
    p.parsed.crypto = mk_crypto_mbedtls();
#endif
    p.parsed.charsets = mk_charset_table_iconv();
    progress_init(&p.progress, "read", 0, 0);
    p.progress.is_on = p.progress.is_on && isatty(STDOUT_FILENO) == 0;
    for (int i = optind; (i < argc || i == optind) && !is_lost(); i++) {
        if (i == argc || strcmp(argv[i], "-") == 0) {
            show(&p, STDIN_FILENO, "-");
        } else {
            walk(&p, argv[i]);
        }
    }
    progress_end(&p.progress);
    free(p.parsed.room);
    free(p.block);
    free(p.text);
    return tool_close_output(p.exit);
}
