/* SPDX-License-Identifier: MIT
 *
 * settings.c: one table of options; each is --name VALUE on the command line
 * and a key of the same name in the INI file. The command line stands above
 * the file. It refuses what it does not know, by file and line, and a number
 * that is not one in its range.
 */
#include "values.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

typedef enum kind { TEXT, LIST, NUMBER, FLAG } kind;

typedef struct option {
    const char *name;
    kind kind;
    size_t offset;
    uint64_t min, max;
    const char *value; /* what --help shows */
    const char *help;
} option;

#define AT(field) offsetof(settings, field)
#define MANY 1000000

/* clang-format off */
static const option options[] = {
    {"config", TEXT, AT(config), 0, 0, "FILE.ini",
     "read options from a file"},
    {"hostname", TEXT, AT(hostname), 0, 0, "NAME",
     "own name, for the greeting and Received:"},
    {"domain", LIST, AT(domains), 0, 0, "NAME",
     "an own domain (repeat; first: main)"},
    {"mail-root", TEXT, AT(mail_root), 0, 0, "DIR",
     "mailboxes lie in DIR/DOMAIN/NAME/"},
    {"users", TEXT, AT(users), 0, 0, "FILE",
     "lines of NAME:{SCHEME}SECRET[:maildir]"},
    {"listen", LIST, AT(listen), 0, 0, "PROTOCOL=ADDR:PORT",
     "serve smtp, smtps, submission, submissions,\n"
     "lmtp, pop3 or pop3s there, or smtp+proxy and\n"
     "so on (repeat; port 0: any)"},
    {"tls-cert", LIST, AT(tls_cert), 0, 0, "PEM",
     "certificate and chain (repeat: more names)"},
    {"tls-key", LIST, AT(tls_key), 0, 0, "PEM",
     "its key (default: in the same file)"},
    {"auth", LIST, AT(auth), 0, 0, "MECHANISM",
     "offered (repeat; default: what serves all)"},
    {"allow-clear-auth", FLAG, AT(allow_clear_auth), 0, 0, NULL,
     "logins also without TLS"},
    {"login-sender-check", FLAG, AT(login_sender_check), 0, 0, NULL,
     "a login sends from its own address only"},
    {"pop3-utf8", FLAG, AT(pop3_utf8), 0, 0, NULL,
     "UTF8 offered, needed for headers with it"},
    {"trusted", LIST, AT(trusted), 0, 0, "NETWORK",
     "its word is taken for who others are: XCLIENT,\n"
     "XFORWARD, and PROXY at +proxy (repeat)"},
    {"no-extension", LIST, AT(no_extension), 0, 0, "KEYWORD",
     "an extension that is not offered (repeat)"},
    {"no-soliciting", TEXT, AT(no_soliciting), 0, 0, "KEYWORD,...",
     "mail of these classes is refused (RFC 3865)"},
    {"vrfy", TEXT, AT(vrfy), 0, 0, "WORD",
     "to VRFY and EXPN: ambiguous, refuse, answer,\n"
     "or login: an answer to users (ambiguous)"},
    {"greeting-delay", NUMBER, AT(greeting_delay_ms), 0, 60000, "MS",
     "before strangers are greeted (0)"},
    {"postmaster", TEXT, AT(postmaster), 0, 0, "USER",
     "gets mail to postmaster and abuse"},
    {"max-connections", NUMBER, AT(max_connections), 1, MANY, "N",
     "at once (1000)"},
    {"max-connections-per-address", NUMBER, AT(max_connections_per_address),
     1, MANY, "N", "at once from one address (50)"},
    {"max-messages-per-connection", NUMBER, AT(max_messages_per_connection),
     1, MANY, "N", "then 421 (1000)"},
    {"max-recipients", NUMBER, AT(max_recipients), 1, 100000, "N",
     "of one message (1000)"},
    {"max-message-bytes", NUMBER, AT(max_message_bytes), 1,
     UINT64_C(1) << 40, "N", "octets of one message (26214400)"},
    {"max-hops", NUMBER, AT(max_hops), 1, 10000, "N",
     "Received: fields of one message (50)"},
    {"command-timeout", NUMBER, AT(command_timeout_s), 1, 86400, "SECONDS",
     "of silence in a session, then 421 (300)"},
    {"workers", NUMBER, AT(workers), 1, 64, "N",
     "processes that serve (1)"},
    {"drain-time", NUMBER, AT(drain_time_s), 1, 604800, "SECONDS",
     "for old sessions after a reload (3600)"},
    {"user", TEXT, AT(user), 0, 0, "NAME[:GROUP]",
     "give root up once listeners are bound"},
    {"syslog", FLAG, AT(use_syslog), 0, 0, NULL,
     "log to syslog, not to stderr"},
    {"check", FLAG, AT(check), 0, 0, NULL,
     "look at all settings, then end"},
};
/* clang-format on */
#define OPTION_COUNT (sizeof options / sizeof options[0])

static const option *find(const char *name, size_t n)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(options[i].name) == n &&
            memcmp(options[i].name, name, n) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

/* ---- values -------------------------------------------------------------- */

static const char no_memory[] = "out of memory";

static const char *text_set(char **to, const char *value)
{
    char *fresh = strdup(value);
    if (fresh == NULL) {
        return no_memory;
    }
    free(*to);
    *to = fresh;
    return NULL;
}

static void list_clear(list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i]);
    }
    free(l->items);
    memset(l, 0, sizeof *l);
}

static const char *list_add(list *l, const char *value, bool by_file)
{
    if (l->by_file && !by_file) {
        list_clear(l);
    }
    char **grown = realloc(l->items, (l->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return no_memory;
    }
    l->items = grown;
    l->items[l->count] = NULL;
    const char *wrong = text_set(&l->items[l->count], value);
    l->count += wrong == NULL;
    l->by_file = by_file;
    return wrong;
}

static const char *number_set(const option *o, uint64_t *to, const char *value)
{
    static char wrong[96];
    uint64_t n;
    if (mk_str_u64(mk_str_z(value), &n) != MK_OK || n < o->min || n > o->max) {
        snprintf(wrong, sizeof wrong, "it is not a number from %llu to %llu",
                 (unsigned long long)o->min, (unsigned long long)o->max);
        return wrong;
    }
    *to = n;
    return NULL;
}

static bool is_word(const char *value, const char *const words[3])
{
    for (int i = 0; i < 3; i++) {
        if (mk_str_is_nocase(mk_str_z(value), mk_str_z(words[i]))) {
            return true;
        }
    }
    return false;
}

static const char *flag_set(bool *to, const char *value)
{
    static const char *const yes[] = {"yes", "true", "1"};
    static const char *const no[] = {"no", "false", "0"};
    if (!is_word(value, yes) && !is_word(value, no)) {
        return "it is not yes or no";
    }
    *to = is_word(value, yes);
    return NULL;
}

static const char *text_check(const option *o, const char *value)
{
    /* What some want that are more than a text. */
    static const struct {
        size_t offset;
        const char *(*check)(const char *value);
    } checks[] = {
        {AT(hostname), name_check},
        {AT(domains), domain_check},
        {AT(auth), mechanism_check},
        {AT(listen), endpoint_check},
        {AT(trusted), network_check},
        {AT(no_extension), extension_check},
        {AT(no_soliciting), keywords_check},
        {AT(vrfy), vrfy_check},
    };
    const char *wrong = *value == '\0' ? "it is empty"
                        : mk_str_has_ctl(mk_str_z(value))
                            ? "it holds a control character"
                            : NULL;

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (wrong == NULL && checks[i].offset == o->offset) {
            wrong = checks[i].check(value);
        }
    }
    return wrong;
}

/* NULL, or what is wrong with the value. */
static const char *set(settings *s, const option *o, const char *value,
                       bool by_file)
{
    void *to = (char *)s + o->offset;
    const char *wrong;

    switch (o->kind) {
    case NUMBER:
        return number_set(o, to, value);
    case FLAG:
        return flag_set(to, value);
    case TEXT:
    case LIST:
        break;
    }
    wrong = text_check(o, value);
    if (wrong != NULL) {
        return wrong;
    }
    return o->kind == LIST ? list_add(to, value, by_file) : text_set(to, value);
}

/* ---- the file ------------------------------------------------------------ */

typedef struct file_reader {
    settings *s;
    const char *rest;
    int line;       /* the one being read, from 1 */
    int first_told; /* the first that was wrong; 0: none */
} file_reader;

/* For the parser: the next line with its end, as fgets(3) would. */
static char *next_line(char *room, int size, void *stream)
{
    file_reader *f = stream;
    size_t n = strcspn(f->rest, "\n");
    n += f->rest[n] == '\n';
    if (n == 0 || size <= 0) {
        return NULL;
    }
    n = n < (size_t)size ? n : (size_t)size - 1;
    memcpy(room, f->rest, n);
    room[n] = '\0';
    f->rest += n;
    f->line++;
    return room;
}

static int on_key(void *user, const char *section, const char *name,
                  const char *value)
{
    file_reader *f = user;
    const option *o = find(name, strlen(name));
    const char *wrong = NULL;

    if (section[0] != '\0' && strcmp(section, "mailkitd") != 0) {
        wrong = "this section is not known";
    } else if (o == NULL || o->offset == AT(config)) {
        wrong = "there is no such option";
    } else {
        wrong = set(f->s, o, value != NULL ? value : "", true);
    }
    if (wrong != NULL) {
        complain("%s:%d: %.60s: %s", f->s->config, f->line, name, wrong);
        f->first_told = f->first_told != 0 ? f->first_told : f->line;
    }
    return wrong == NULL;
}

/* The parser takes lines of less than 200 octets and cuts longer ones. */
static int line_check(const settings *s, const char *text, size_t n)
{
    enum { LINE_LONGEST = 190 };
    int number = 1;
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        length++;
        if (text[i] == '\0' || length > LINE_LONGEST) {
            complain("%s:%d: %s", s->config, number,
                     text[i] == '\0' ? "it holds a NUL"
                                     : "the line is too long");
            return EX_CONFIG;
        }
        if (text[i] == '\n') {
            number++;
            length = 0;
        }
    }
    return -1;
}

static int config_read(settings *s)
{
    mk_str text;

    if (!file_read("config", s->config, &text)) {
        return EX_NOINPUT;
    }
    file_reader f = {.s = s, .rest = text.ptr};
    int code = line_check(s, text.ptr, text.len);
    int line = code < 0 ? ini_parse_stream(next_line, &f, on_key, &f) : 0;
    file_wipe(&text);
    if (line != 0 && line != f.first_told) {
        complain("%s:%d: it is not NAME = VALUE", s->config, line);
    }
    return line != 0 ? EX_CONFIG : code;
}

/* ---- the command line ---------------------------------------------------- */

static void help(void)
{
    puts("usage: mailkitd [--config FILE.ini] --hostname NAME --domain NAME "
         "...\n"
         "                --mail-root DIR --users FILE "
         "--listen PROTOCOL=ADDR:PORT ...\n"
         "\nReceives mail for own domains by SMTP and LMTP, brings it to rest "
         "in Maildirs,\nand hands it out by POP3.\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *help = options[i].help;
        char left[80];
        snprintf(left, sizeof left, "--%s %s", options[i].name,
                 options[i].value != NULL ? options[i].value : "");
        if (strlen(left) > 31) {
            printf("  %s\n", left);
            left[0] = '\0';
        }
        while (*help != '\0') {
            int n = (int)strcspn(help, "\n");
            printf("  %-31s %.*s\n", left, n, help);
            help += n + (help[n] == '\n');
            left[0] = '\0';
        }
    }
    printf("  %-31s %s\n  %-31s %s\n", "--help", "show this", "--version",
           "show the version");
}

/* One argument, with its value when that is the next one. -1: go on. */
static int argument(settings *s, int argc, char **argv, int *io_i,
                    bool only_config)
{
    const char *arg = argv[*io_i];
    if (strncmp(arg, "--", 2) != 0 || arg[2] == '\0') {
        complain("'%s': only options are taken, see --help", arg);
        return EX_USAGE;
    }
    const char *name = arg + 2;
    size_t n = strcspn(name, "=");
    const char *value = name[n] == '=' ? name + n + 1 : NULL;
    const option *o = find(name, n);
    if (o == NULL) {
        complain("--%s: there is no such option, see --help", name);
        return EX_USAGE;
    }
    if (value == NULL && o->kind == FLAG) {
        value = "yes";
    }
    if (value == NULL && ++*io_i >= argc) {
        complain("--%s: its value is missing", name);
        return EX_USAGE;
    }
    value = value != NULL ? value : argv[*io_i];
    if (only_config != (o->offset == AT(config))) {
        return -1;
    }
    const char *wrong = set(s, o, value, false);
    if (wrong != NULL) {
        complain("--%s '%s': %s", o->name, value, wrong);
        return EX_USAGE;
    }
    return -1;
}

static int arguments(settings *s, int argc, char **argv, bool only_config)
{
    int code = -1;
    for (int i = 1; i < argc && code < 0; i++) {
        code = argument(s, argc, argv, &i, only_config);
    }
    return code;
}

static int missing(const settings *s)
{
    const char *name = s->hostname == NULL     ? "hostname"
                       : s->domains.count == 0 ? "domain"
                       : s->mail_root == NULL  ? "mail-root"
                       : s->users == NULL      ? "users"
                                               : NULL;
    if (name != NULL) {
        complain("--%s is missing, see --help", name);
        return EX_USAGE;
    }
    if (s->tls_key.count > 0 && s->tls_key.count != s->tls_cert.count) {
        complain("--tls-key: %zu for %zu --tls-cert; there is one for each, in "
                 "the same order, or none",
                 s->tls_key.count, s->tls_cert.count);
        return EX_USAGE;
    }
    return -1;
}

int settings_read(settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            help();
            return EX_OK;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("mailkitd (mailkit) %s\n", mk_version());
            return EX_OK;
        }
    }
    memset(s, 0, sizeof *s);
    s->max_connections = 1000;
    s->max_connections_per_address = 50;
    s->max_messages_per_connection = 1000;
    s->max_recipients = 1000;
    s->max_message_bytes = 26214400;
    s->max_hops = 50;
    s->command_timeout_s = 300;
    s->workers = 1;
    s->drain_time_s = 3600;
    if (text_set(&s->postmaster, "postmaster") != NULL) {
        complain("%s", no_memory);
        return EX_OSERR;
    }
    int code = arguments(s, argc, argv, true);
    if (code < 0 && s->config != NULL) {
        code = config_read(s);
    }
    code = code < 0 ? arguments(s, argc, argv, false) : code;
    return code < 0 ? missing(s) : code;
}

void settings_free(settings *s)
{
    free(s->config);
    free(s->hostname);
    free(s->mail_root);
    free(s->users);
    free(s->postmaster);
    free(s->user);
    free(s->vrfy);
    free(s->no_soliciting);
    list_clear(&s->domains);
    list_clear(&s->listen);
    list_clear(&s->tls_cert);
    list_clear(&s->tls_key);
    list_clear(&s->auth);
    list_clear(&s->trusted);
    list_clear(&s->no_extension);
}
