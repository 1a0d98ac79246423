/* SPDX-License-Identifier: MIT
 *
 * server.c: puts the library together to a mail server: users, the policy for
 * own domains, delivery, the inbound service, on a host of libuv; and takes it
 * apart again. The first SIGTERM or SIGINT ends sessions in order, the second
 * at once. It opens no listener before every setting was found good.
 */
#include "mailkitd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>
#include <unistd.h>
#include <uv.h>

#include <mailkit/uv.h>

enum { TERM, INT, PIPE, XFSZ, SIGNALS };

typedef struct server {
    const settings *s;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    mk_uv_config uv;
    mk_host *host;
    mk_smtp_server_config smtp;
    mk_str *domains;
    mk_dir root;
    mk_users *users;
    mk_directory directory;
    mk_local_policy *policy;
    mk_local_delivery *delivery;
    mk_inbound *inbound;
    mk_service service;
    bool stopping;
    bool closed;
} server;

static mk_err fill(void *self, void *out, size_t n)
{
    unsigned char *at = out;
    (void)self;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno != EINTR) {
            return MK_E_ENTROPY;
        }
        at += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
    return MK_OK;
}

static const mk_random system_random = {NULL, fill};

/* ---- signals ------------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int number)
{
    server *v = handle->data;
    if (number == SIGPIPE || number == SIGXFSZ) {
        return; /* the write itself fails */
    }
    if (v->stopping) {
        log_line("stopping at once");
        if (!v->closed) {
            v->closed = true;
            mk_uv_host_close(v->host);
        }
    } else {
        log_line("stopping");
        v->stopping = true;
        mk_uv_stop(v->host);
    }
}

static void signals_start(server *v)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGPIPE, SIGXFSZ};
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&v->loop, &v->signals[i]);
        v->signals[i].data = v;
        uv_signal_start(&v->signals[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&v->signals[i]);
    }
}

/* ---- users --------------------------------------------------------------- */

static int users_open(server *v)
{
    mk_users_fault fault;
    size_t n;
    char *text = file_read("users", v->s->users, &n);
    if (text == NULL) {
        return EX_NOINPUT;
    }
    mk_err err = mk_users_parse(mk_alloc_libc(), mk_str_of(text, n), v->domains,
                                v->s->domains.count, &v->users, &fault);
    mk_wipe(text, n);
    free(text);
    if (err != MK_OK) {
        complain("%s:%u: %s", v->s->users, (unsigned)fault.line, fault.text);
        return EX_CONFIG;
    }
    mk_users_directory(v->users, &v->directory);
    return -1;
}

/* ---- the chain ----------------------------------------------------------- */

static mk_err policy_open(server *v)
{
    mk_local_policy_config c;
    mk_local_policy_config_init(&c, sizeof c);
    c.alloc = mk_alloc_libc();
    c.domains = v->domains;
    c.domain_count = v->s->domains.count;
    c.postmaster = mk_str_z(v->s->postmaster);
    c.directory = &v->directory;
    return mk_local_policy_new(&c, &v->policy);
}

static mk_err delivery_open(server *v)
{
    mk_local_delivery_config c;
    mk_local_delivery_config_init(&c, sizeof c);
    c.host = v->host;
    c.alloc = mk_alloc_libc();
    c.random = &system_random;
    c.vfs = mk_vfs_posix();
    c.root = v->root;
    c.hostname = mk_str_z(v->s->hostname);
    c.pid = (uint32_t)getpid();
    c.log.write = log_record;
    return mk_local_delivery_new(&c, &v->delivery);
}

/* The engine knows no fewer than 100 recipients (RFC 5321 4.5.3.1.8); who
 * asks for fewer gets them here. */
static void at_recipient(void *self, const mk_stage_call *call, mk_verdict *v)
{
    const server *s = self;
    if (mk_session_recipient_count(call->session) >= s->s->max_recipients) {
        v->kind = MK_VERDICT_REFUSE;
        v->answer = MK_ANSWER_LATER;
        v->code = mk_str_z("452 4.5.3");
        v->text = mk_str_z("Too many recipients");
    }
}

static mk_err inbound_open(server *v)
{
    mk_stage stages[3] = {{.name = "limit",
                           .self = v,
                           .points = MK_POINT_BIT(MK_POINT_RCPT),
                           .at = at_recipient}};
    mk_inbound_config c;

    mk_smtp_server_config_init(&v->smtp, sizeof v->smtp);
    v->smtp.hostname = mk_str_z(v->s->hostname);
    v->smtp.units = mk_uv_host_units(v->host);
    v->smtp.message_max = v->s->max_message_bytes;
    v->smtp.recipients_max =
        (uint32_t)(v->s->max_recipients < 100 ? 100 : v->s->max_recipients);
    v->smtp.messages_max = (uint32_t)v->s->max_messages_per_connection;
    mk_local_policy_stage(v->policy, &stages[1]);
    mk_local_delivery_stage(v->delivery, &stages[2]);
    mk_inbound_config_init(&c, sizeof c);
    c.host = v->host;
    c.alloc = mk_alloc_libc();
    c.random = &system_random;
    c.smtp = &v->smtp;
    c.stages = stages;
    c.stage_count = 3;
    c.hops_max = (uint32_t)v->s->max_hops;
    c.log.write = log_record;
    mk_err err = mk_inbound_new(&c, &v->inbound);
    if (err == MK_OK) {
        mk_inbound_service(v->inbound, &v->service);
    }
    return err;
}

static mk_err host_open(server *v)
{
    mk_uv_config_init(&v->uv, sizeof v->uv);
    v->uv.alloc = mk_alloc_libc();
    v->uv.max_connections = (size_t)v->s->max_connections;
    v->uv.max_per_address = (size_t)v->s->max_connections_per_address;
    if (v->uv.max_units < v->uv.max_connections) {
        v->uv.max_units = v->uv.max_connections;
    }
    return mk_uv_host_open(&v->loop, &v->uv, &v->host);
}

/* ---- listeners ----------------------------------------------------------- */

static int listen_at(server *v, const char *text)
{
    endpoint e;
    uint16_t port;
    endpoint_parse(text, &e); /* found good before */
    mk_err err = mk_uv_listen(v->host, e.address, e.port, &v->service, &port);
    if (err != MK_OK) {
        complain("--listen %s: %s", text,
                 err == MK_E_EXISTS ? "the address is in use"
                                    : mk_err_text(err));
        return err == MK_E_ARG ? EX_USAGE : EX_UNAVAILABLE;
    }
    printf(e.is_v6 ? "listening smtp [%s]:%u\n" : "listening smtp %s:%u\n",
           e.address, (unsigned)port);
    return -1;
}

static int listen_all(server *v)
{
    int code = -1;
    for (size_t i = 0; i < v->s->listen.count && code < 0; i++) {
        code = listen_at(v, v->s->listen.items[i]);
    }
    return code;
}

/* ---- its life ------------------------------------------------------------ */

static int settings_open(server *v)
{
    const settings *s = v->s;
    const mk_vfs *vfs = mk_vfs_posix();
    mk_dir nowhere = {MK_VFS_NONE};

    v->domains = calloc(s->domains.count, sizeof *v->domains);
    if (v->domains == NULL) {
        complain("out of memory");
        return EX_OSERR;
    }
    for (size_t i = 0; i < s->domains.count; i++) {
        v->domains[i] = mk_str_z(s->domains.items[i]);
    }
    mk_err err = vfs->dir_open(vfs->self, nowhere, s->mail_root, &v->root);
    if (err != MK_OK) {
        v->root = nowhere;
        complain("--mail-root %s: %s", s->mail_root, mk_err_text(err));
        return EX_CONFIG;
    }
    int code = users_open(v);
    if (code < 0 && policy_open(v) != MK_OK) {
        complain("--postmaster '%s': it is not a user's name", s->postmaster);
        return EX_CONFIG;
    }
    return code;
}

static int parts_open(server *v)
{
    mk_err err = host_open(v);
    err = err == MK_OK ? delivery_open(v) : err;
    err = err == MK_OK ? inbound_open(v) : err;
    if (err != MK_OK) {
        complain("cannot start: %s", mk_err_text(err));
        return EX_OSERR;
    }
    signals_start(v);
    return listen_all(v);
}

/* Sessions are over: let the last handles and jobs go, then everything. The
 * signal handles stay, and with them the loop: a signal that comes now must
 * not find the default action, which would change the exit code. */
static void server_close(server *v)
{
    if (v->host != NULL && !v->closed) {
        v->closed = true;
        mk_uv_host_close(v->host);
    }
    uv_run(&v->loop, UV_RUN_DEFAULT);
    if (mk_inbound_free(v->inbound) != MK_OK ||
        mk_local_delivery_free(v->delivery) != MK_OK) {
        log_line("messages were left on their way");
    }
    mk_local_policy_free(v->policy);
    mk_users_free(v->users);
    if (v->root.id != MK_VFS_NONE) {
        mk_vfs_posix()->dir_close(mk_vfs_posix()->self, v->root);
    }
    free(v->domains);
}

int server_run(const settings *s)
{
    static server v;
    int code;

    v.s = s;
    v.root.id = MK_VFS_NONE;
    if (uv_loop_init(&v.loop) != 0) {
        complain("no loop can be had");
        return EX_OSERR;
    }
    code = settings_open(&v);
    if (code < 0 && s->check) {
        code = EX_OK;
    }
    code = code < 0 ? parts_open(&v) : code;
    if (code < 0) {
        puts("ready");
        fflush(stdout);
        log_open(s->use_syslog);
        log_line("ready");
        uv_run(&v.loop, UV_RUN_DEFAULT);
        log_line("stopped");
        code = EX_OK;
    }
    server_close(&v);
    return code;
}
