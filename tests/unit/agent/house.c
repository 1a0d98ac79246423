/* SPDX-License-Identifier: MIT
 *
 * house.c: builds and tears down the server of the tests. At the end it looks
 * that nothing is left: no memory, no descriptor, no file in any tmp/.
 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void write_log(void *self, const mk_log_record *r)
{
    char line[MK_LOG_LINE_MAX];
    mk_buf b;
    mk_buf_init(&b, line, sizeof line);
    assert_int_equal(mk_log_format(r, &b), MK_OK);
    text_str(&((house *)self)->log, mk_buf_str(&b));
    text_z(&((house *)self)->log, "\n");
}

static mk_err make_policy(house *h, const house_plan *p)
{
    mk_local_policy_config c;
    mk_users_fault fault;
    const char *file = p->users != NULL ? p->users : HOUSE_USERS;
    const char *second =
        p->second_domain != NULL ? p->second_domain : "Other.Example";
    const mk_str domains[] = {mk_str_z("mx.example"), mk_str_z(second)};
    mk_err err = mk_users_parse(&h->a.alloc, mk_str_z(file), domains, 2,
                                &h->users, &fault);
    if (err != MK_OK) {
        return err;
    }
    mk_users_directory(h->users, &h->directory);
    if (p->directory.lookup != NULL) {
        h->directory = p->directory;
    }
    assert_int_equal(mk_local_policy_config_init(&c, sizeof c), MK_OK);
    c.alloc = &h->a.alloc;
    c.domains = domains;
    c.domain_count = 2;
    c.directory = &h->directory;
    c.is_sender_checked = p->is_sender_checked;
    c.verify = p->verify;
    if (p->postmaster != NULL) {
        c.postmaster = mk_str_z(p->postmaster);
    }
    return mk_local_policy_new(&c, &h->policy);
}

static mk_err make_login(house *h, const house_plan *p)
{
    mk_users_login_config c;
    assert_int_equal(mk_sasl_server_config_init(&h->sasl, sizeof h->sasl),
                     MK_OK);
    h->sasl.crypto = p->crypto != NULL ? p->crypto : mk_crypto_mbedtls();
    h->sasl.random = fake_random();
    h->sasl.mechanisms |= MK_SASL_CRAM_MD5;
    h->sasl.is_clear_allowed = true;
    h->sasl.asks_keys = p->asks_keys;
    h->sasl.hostname = mk_str_z("mx.example");
    h->sasl.pepper = mk_str_z("sixteen octets..");
    h->sasl.iterations = 4096;
    h->authenticator = p->authenticator;
    if (!p->has_login) {
        return MK_OK;
    }
    assert_int_equal(mk_users_login_config_init(&c, sizeof c), MK_OK);
    c.host = &h->host.host;
    c.alloc = &h->a.alloc;
    c.users = h->users;
    c.sasl = &h->sasl;
    c.jobs_max = p->login_jobs > 0 ? p->login_jobs : c.jobs_max;
    mk_err err = mk_users_login_new(&c, &h->login);
    if (err == MK_OK) {
        mk_users_login_authenticator(h->login, &h->authenticator);
    }
    return err;
}

static mk_err make_delivery(house *h, const house_plan *p)
{
    mk_local_delivery_config c;
    assert_int_equal(mk_local_delivery_config_init(&c, sizeof c), MK_OK);
    c.host = &h->host.host;
    c.alloc = &h->a.alloc;
    c.random = fake_random();
    c.vfs = p->disk != NULL ? p->disk : &h->t->vfs;
    c.root = p->disk != NULL ? p->root : h->t->root_dir;
    c.hostname = mk_str_z("mx.example");
    c.pid = 4711;
    c.log.self = h;
    c.log.write = write_log;
    if (p->message_memory > 0) {
        c.message_memory_max = p->message_memory;
    }
    if (p->memory > 0) {
        c.memory_max = p->memory;
    }
    return mk_local_delivery_new(&c, &h->delivery);
}

static mk_err make_inbound(house *h, const house_plan *p)
{
    mk_stage stages[4];
    uint32_t n = 0;
    mk_inbound_config c;

    assert_int_equal(mk_smtp_server_config_init(&h->smtp, sizeof h->smtp),
                     MK_OK);
    h->smtp.hostname = mk_str_z("mx.example");
    if (p->message_max > 0) {
        h->smtp.message_max = p->message_max;
    }
    h->smtp.sasl = p->is_offering ? &h->sasl : NULL;
    if (p->errors_max > 0) {
        h->smtp.errors_max = p->errors_max;
    }
    if (p->before.at != NULL) {
        stages[n++] = p->before;
    }
    if (!p->has_no_policy) {
        mk_local_policy_stage(h->policy, &stages[n++]);
    }
    if (p->between.at != NULL) {
        stages[n++] = p->between;
    }
    if (!p->has_no_delivery) {
        mk_local_delivery_stage(h->delivery, &stages[n++]);
    }
    assert_int_equal(mk_inbound_config_init(&c, sizeof c), MK_OK);
    c.host = &h->host.host;
    c.alloc = &h->a.alloc;
    c.random = p->random != NULL ? p->random : fake_random();
    c.smtp = &h->smtp;
    c.stages = stages;
    c.stage_count = n;
    c.hops_max = p->hops_max > 0 ? p->hops_max : c.hops_max;
    c.fields_max = p->fields_max > 0 ? p->fields_max : c.fields_max;
    c.header_bytes_max = p->header_max > 0 ? p->header_max : c.header_bytes_max;
    c.log.self = h;
    c.log.write = write_log;
    c.authenticator = h->authenticator.check != NULL ? &h->authenticator : NULL;
    c.wrap = p->wrap;
    c.wrap_self = p->wrap_self;
    c.is_tls_implicit = p->is_tls_implicit;
    h->is_lmtp = p->is_lmtp;
    h->smtp.is_lmtp = p->is_lmtp;
    if (p->tune != NULL) {
        p->tune(h, &c);
    }
    return mk_inbound_new(&c, &h->inbound);
}

static mk_err no_dir_sync(void *self, mk_dir dir)
{
    (void)self;
    (void)dir;
    return MK_OK;
}

static mk_err no_file_sync(void *self, mk_file file)
{
    (void)self;
    (void)file;
    return MK_OK;
}

static void no_flush(void *self, mk_file file)
{
    (void)self;
    (void)file;
}

/* The files as they are, but nothing waits for a disk: that syncs are done,
 * and in order, is seen by the table above. */
static const mk_vfs *hasty(void)
{
    static mk_vfs vfs;
    vfs = *mk_vfs_posix();
    vfs.dir_sync = no_dir_sync;
    vfs.file_sync = no_file_sync;
    vfs.file_flush = no_flush;
    return &vfs;
}

mk_err house_try(house *h, const house_plan *p, unsigned fail_at)
{
    memset(h, 0, sizeof *h);
    h->fds = test_fd_count();
    fake_host_init(&h->host);
    if (p->disk == NULL) {
        h->t = test_vfs_open();
        h->t->under = hasty();
    }
    test_alloc_init(&h->a);
    h->a.fail_at = fail_at;
    mk_err err = make_policy(h, p);
    err = err == MK_OK ? make_login(h, p) : err;
    err = err == MK_OK ? make_delivery(h, p) : err;
    err = err == MK_OK ? make_inbound(h, p) : err;
    if (err == MK_OK) {
        mk_inbound_service(h->inbound, &h->service);
    } else {
        house_close(h);
    }
    return err;
}

void house_open(house *h, const house_plan *p)
{
    assert_int_equal(house_try(h, p, 0), MK_OK);
}

static void assert_no_tmp(const house *h)
{
    static const char *const boxes[] = {
        "mx.example/ann/tmp", "mx.example/carl/tmp",
        "mx.example/postmaster/tmp", "other.example/bob/tmp"};
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        assert_true(test_vfs_entries(h->t, boxes[i]) <= 0);
    }
}

void house_close(house *h)
{
    if (h->t != NULL) {
        h->t->fail_at = 0;
    }
    fake_conn_fini(&h->conn);
    fake_host_jobs(&h->host);
    assert_int_equal(mk_inbound_free(h->inbound), MK_OK);
    assert_int_equal(mk_local_delivery_free(h->delivery), MK_OK);
    assert_int_equal(mk_users_login_free(h->login), MK_OK);
    mk_local_policy_free(h->policy);
    mk_users_free(h->users);
    if (h->t != NULL) {
        assert_no_tmp(h);
        test_vfs_close(h->t);
    }
    text_free(&h->log);
    assert_int_equal(h->a.out_count, 0);
    assert_int_equal(h->a.out_bytes, 0);
    assert_int_equal(test_fd_count(), h->fds);
}

void house_work(house *h)
{
    while (fake_host_jobs(&h->host) > 0) {
        fake_conn_run(&h->conn);
    }
    fake_conn_run(&h->conn);
}

void house_greet(house *h)
{
    assert_int_equal(fake_conn_open(&h->conn, &h->host, &h->service), MK_OK);
    assert_non_null(strstr(house_heard(h), "220 "));
    const char *hello = h->is_lmtp ? "LHLO" : "EHLO";
    char line[64];
    snprintf(line, sizeof line, "%s client.example\r\n", hello);
    assert_non_null(strstr(house_says(h, line), "250"));
}

const char *house_heard(house *h)
{
    static char last[65536];
    size_t n =
        h->conn.said.len < sizeof last ? h->conn.said.len : sizeof last - 1;
    memcpy(last, text_c(&h->conn.said), n);
    last[n] = '\0';
    text_clear(&h->conn.said);
    return last;
}

const char *house_says(house *h, const char *octets)
{
    fake_conn_say(&h->conn, octets);
    house_work(h);
    return house_heard(h);
}

const char *house_send(house *h, const char *recipient, const char *message)
{
    char line[1024];
    const char *reply = house_says(h, "MAIL FROM:<sender@example.org>\r\n");
    if (reply[0] != '2') {
        return reply;
    }
    snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", recipient);
    reply = house_says(h, line);
    if (reply[0] != '2') {
        return reply;
    }
    reply = house_says(h, "DATA\r\n");
    if (reply[0] != '3') {
        return reply;
    }
    fake_conn_say(&h->conn, message);
    return house_says(h, ".\r\n");
}

const char *house_file(house *h, const char *domain, const char *user)
{
    static char contents[4 * 1024 * 1024];
    char path[512];
    char name[256];
    snprintf(path, sizeof path, "%s/%s/new", domain, user);
    assert_true(test_vfs_only_entry(h->t, path, name));
    size_t n = strlen(path);
    snprintf(path + n, sizeof path - n, "/%s", name);
    long size = test_vfs_contents(h->t, path, contents, sizeof contents - 1);
    assert_true(size >= 0);
    contents[size] = '\0';
    return contents;
}

int house_count(const house *h, const char *domain, const char *user)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s/new", domain, user);
    int n = test_vfs_entries(h->t, path);
    return n < 0 ? 0 : n;
}

/* ---- what was said ------------------------------------------------------- */

void begins(const char *z, const char *want)
{
    if (strncmp(z, want, strlen(want)) != 0) {
        fail_msg("'%s' does not begin with '%s'", z, want);
    }
}

void has(const char *z, const char *want)
{
    if (strstr(z, want) == NULL) {
        print_error("%.2000s\n", z);
        fail_msg("there is no '%s'", want);
    }
}

void has_not(const char *z, const char *what)
{
    if (strstr(z, what) != NULL) {
        print_error("%.2000s\n", z);
        fail_msg("there is '%s'", what);
    }
}
