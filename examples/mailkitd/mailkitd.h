/* SPDX-License-Identifier: MIT
 *
 * mailkitd.h: the parts of the daemon. A master reads the settings, opens what
 * they name, and looks after workers; each worker is a process that puts the
 * library together to a server (docs/adr/0008-workers.md). Everything that
 * knows a protocol or a disk is in the library.
 */
#ifndef MAILKITD_H
#define MAILKITD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mailkit/agent.h>
#include <mailkit/maildrop.h>
#include <mailkit/policy.h>
#include <mailkit/uv.h>

/* ---- protocols ----------------------------------------------------------- */

/* May, or must, a peer log in? */
typedef enum login_rule { LOGIN_NEVER, LOGIN_OFFERED, LOGIN_NEEDED } login_rule;

/* What is spoken. */
typedef enum speech { SPEECH_SMTP, SPEECH_LMTP, SPEECH_POP3 } speech;

/* What is served at a listener. */
typedef struct protocol {
    const char *name; /* in --listen, and of sockets that are given */
    speech speech;
    bool is_tls; /* from the first octet */
    login_rule login;
    uint32_t extensions; /* mk_smtp_extension, or-ed; of SPEECH_POP3 none */
} protocol;

enum {
    PROTOCOLS = 7,
    PORT_SMTP = 25,
    SOLICIT_LINE = 3072 /* MAIL is longer by SOLICIT= (RFC 3865 2.3) */
};
extern const protocol protocols[PROTOCOLS];
extern const char protocol_names[]; /* for messages */

/* NULL: there is none of this name. *out_is_proxied: "+proxy" is behind it. */
const protocol *protocol_find(mk_str name, bool *out_is_proxied);

/* The extension of this keyword (mk_smtp_extension); 0: none that can be
 * withdrawn. */
uint32_t extension_find(const char *keyword);

/* ---- settings ------------------------------------------------------------ */

/* A repeated option. What the command line says replaces what a file says. */
typedef struct list {
    char **items;
    size_t count;
    bool by_file;
} list;

/* One --listen PROTOCOL=ADDR:PORT. */
typedef struct endpoint {
    const protocol *protocol;
    bool is_proxied;
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
    char *user;
    char *vrfy; /* NULL: the default */
    char *no_soliciting;
    list domains;
    list listen;
    list tls_cert;
    list tls_key; /* as many, or none */
    list auth;
    list trusted;
    list no_extension;
    uint64_t greeting_delay_ms;
    uint64_t max_connections;
    uint64_t max_connections_per_address;
    uint64_t max_messages_per_connection;
    uint64_t max_recipients;
    uint64_t max_message_bytes;
    uint64_t max_hops;
    uint64_t command_timeout_s;
    uint64_t workers;
    uint64_t drain_time_s;
    bool allow_clear_auth;
    bool login_sender_check;
    bool pop3_utf8;
    bool use_syslog;
    bool check;
} settings;

/* Read the command line and the INI file it names. Prints what is wrong, or
 * what --help and --version ask for.
 * Returns -1 to go on, else the exit code. */
int settings_read(settings *s, int argc, char **argv);
void settings_free(settings *s);
/* NULL, or what is wrong. */
const char *vrfy_parse(const char *word, mk_local_policy_verify *out_verify);
/* Take an endpoint apart; NULL, or what is wrong. */
const char *endpoint_parse(const char *text, endpoint *out_endpoint);

/* A whole file, with a NUL behind it. False: it was told what is wrong. */
bool file_read(const char *option, const char *path, mk_str *out_text);
/* Wipe and free it; fine again on one that was wiped. */
void file_wipe(mk_str *io_text);

/* ---- certificates -------------------------------------------------------- */

/* PEM. */
typedef struct certificate {
    mk_str chain;
    mk_str key;
} certificate;

typedef struct certificates {
    certificate *items; /* the first for all names that no other has */
    size_t count;
    int64_t looked_at_s; /* they were found good then */
} certificates;

/* Read the files of --tls-cert and --tls-key.
 * Returns -1, or an exit code and it was told. */
int certificates_read(const settings *s, certificates *out);
/* Tell which of these files can be read no more. */
void certificates_look(const settings *s);
void certificates_wipe(certificates *c);

/* ---- the log ------------------------------------------------------------- */

/* To syslog's mail facility, or to stderr with the time in front. Again after
 * a change of settings. */
void log_open(bool use_syslog);
void log_line(const char *line);
/* For mk_log.write. */
void log_record(void *self, const mk_log_record *record);
/* A message to whoever started it: "mailkitd: " in front, on stderr; once
 * there is a log, a line of the log. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- listeners ----------------------------------------------------------- */

typedef struct listener {
    const protocol *protocol;
    bool is_proxied;  /* peers come through proxies */
    const char *text; /* as in the settings; NULL: from the service manager */
    int fd;
} listener;

typedef struct listeners {
    listener *items;
    size_t count;
} listeners;

/* Take over the sockets that a service manager passes (LISTEN_FDS), once.
 * Like all below that return int: -1, or an exit code and it was told. */
int listeners_given(listeners *out_given);
/* Bind a socket for each --listen, and take those of `old` that have the same
 * text; those given come along. Nobody can connect yet. */
int listeners_bind(const settings *s, const listeners *old,
                   listeners *out_listeners);
/* Let peers connect. */
int listeners_start(const listeners *l);
/* Calls tell with "listening PROTOCOL ADDR:PORT" for each that `but` has not.
 */
void listeners_show(const listeners *l, const listeners *but,
                    void (*tell)(const char *line));
/* Close those that `but` has not; NULL: all. */
void listeners_drop(listeners *l, const listeners *but);

/* ---- who it runs as ------------------------------------------------------ */

/* Become NAME[:GROUP] for good. */
int identity_take(const char *user);

/* ---- one configuration, opened ------------------------------------------- */

/* What workers must agree on. */
typedef struct logins {
    uint32_t mechanisms; /* mk_sasl_mechanism, or-ed */
    bool has_keys_only;  /* nobody's password lies there as it is */
    unsigned char pepper[32];
} logins;

typedef struct site {
    settings s;
    listeners listeners;
    certificates certificates;
    bool has_logins; /* some listener has */
    logins logins;
    mk_str *domains;
    mk_network *trusted; /* as many as in s.trusted */
    uint32_t withdrawn;  /* mk_smtp_extension, or-ed */
    mk_dir root;
    mk_users *users;
    mk_directory directory;
    mk_local_policy *policy;
} site;

/* Read the settings and open what they name; beside `old` at a reload. With
 * --check nothing is bound. */
int site_open(int argc, char **argv, const listeners *given, const site *old,
              site **out_site);
/* Listeners that `but` has too stay open; NULL: none does. */
void site_close(site *t, const site *but);

/* ---- TLS and logins ------------------------------------------------------ */

typedef struct secure secure; /* one worker's */

/* Would peers take them? Returns -1, or an exit code and it was told. */
int secure_certificates_check(const settings *s, certificates *io_all);
/* The mechanism of this name as its bit; 0: none that users can log in by. */
uint32_t secure_mechanism(const char *name);
/* Returns -1, or an exit code and it was told. */
int secure_logins_open(const settings *s, const mk_users *users,
                       const certificates *all, logins *out);
/* What sessions share; the site is borrowed. */
mk_err secure_new(const site *t, const mk_host *host, const mk_random *random,
                  secure **out);
/* What a protocol needs of it; all zero in builds without TLS. */
typedef struct security {
    mk_tls_policy tls;
    mk_err (*wrap)(void *self, mk_engine *inner, mk_engine **out_outer);
    void *wrap_self;
    bool is_tls_implicit;
    const mk_sasl_server_config *sasl; /* NULL: no logins */
    mk_pool *sasl_units;
    const mk_authenticator *authenticator;
    const mk_crypto *crypto;
} security;
void secure_serve(secure *w, const protocol *p, security *out);
/* MK_E_BUSY: a session or login is left. NULL is fine. */
mk_err secure_free(secure *w);

/* ---- counts that workers share ------------------------------------------- */

/* Workers at most, old ones that still have sessions among them. */
enum { SHARED_ROWS = 128 };

typedef struct shared shared;

/* One worker's view; fills mk_uv_share. */
typedef struct share {
    shared *all;
    size_t row;
    uint64_t max;
    uint64_t max_per_address;
    bool was_short;
    mk_uv_share calls;
} share;

/* NULL: no memory. Made before the first fork, never freed. */
shared *shared_new(const settings *s);
/* For the worker that has this row. */
void share_init(share *h, shared *all, size_t row, const settings *s);
/* The worker of this row is gone, however it went. */
void shared_forget(shared *all, size_t row);

/* ---- the service manager ------------------------------------------------- */

/* "READY=1" and the like to $NOTIFY_SOCKET, if there is one (sd_notify(3)). */
void notify(const char *state);

/* ---- processes ----------------------------------------------------------- */

/* What master and worker say to each other, an octet each. The end of the
 * link says that the other is gone. */
enum {
    SAY_READY = 'R', /* it serves */
    SAY_DRAIN = 'D', /* accept nobody more, end with the last session */
    SAY_STOP = 'S',  /* end sessions in order */
    SAY_ABORT = 'A'  /* end at once */
};

/* Block all signals that mean something, before anything is begun. */
void signals_hold(void);
/* Start workers and look after them until a signal. Returns the exit code. */
int master_run(int argc, char **argv);
/* One worker, from its fork to its end. Returns its exit code. */
int server_run(const site *t, int link, share *h);

#endif
