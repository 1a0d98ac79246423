/* SPDX-License-Identifier: MIT
 *
 * mailkitd.h: the parts of the daemon: its settings from the command line and
 * an INI file, its log, and the server that the library is put together to.
 * Everything that knows a protocol or a disk is in the library.
 */
#ifndef MAILKITD_H
#define MAILKITD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mailkit/agent.h>

/* ---- settings ------------------------------------------------------------ */

/* A repeated option. What the command line says replaces what a file says. */
typedef struct list {
    char **items;
    size_t count;
    bool by_file;
} list;

/* One --listen smtp=ADDR:PORT. */
typedef struct endpoint {
    char address[64]; /* numeric, without brackets */
    bool is_v6;
    uint16_t port;
} endpoint;

typedef struct settings {
    char *config;
    char *hostname;
    char *mail_root;
    char *users;
    char *postmaster;
    list domains;
    list listen;
    uint64_t max_connections;
    uint64_t max_connections_per_address;
    uint64_t max_messages_per_connection;
    uint64_t max_recipients;
    uint64_t max_message_bytes;
    uint64_t max_hops;
    bool use_syslog;
    bool check;
} settings;

/* Read the command line and the INI file it names. Prints what is wrong, or
 * what --help and --version ask for.
 * Returns -1 to go on, else the exit code. */
int settings_read(settings *s, int argc, char **argv);
void settings_free(settings *s);
/* Take an endpoint apart; NULL, or what is wrong. */
const char *endpoint_parse(const char *text, endpoint *out_endpoint);

/* A whole file, NUL-ended; free it. NULL: it was told what is wrong. */
char *file_read(const char *option, const char *path, size_t *out_n);

/* ---- the log ------------------------------------------------------------- */

/* To syslog's mail facility, or to stderr with the time in front. */
void log_open(bool use_syslog);
void log_line(const char *line);
/* For mk_log.write. */
void log_record(void *self, const mk_log_record *record);
/* "mailkitd: " and a message on stderr, before there is a log. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- the server ---------------------------------------------------------- */

/* Build everything, listen, say so, run until a signal. Returns the exit
 * code. */
int server_run(const settings *s);

#endif
