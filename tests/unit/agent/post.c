/* SPDX-License-Identifier: MIT
 *
 * post.c: builds the POP3 service of the tests and takes it apart.
 */
#include "post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void write_log(void *self, const mk_log_record *r)
{
    char line[MK_LOG_LINE_MAX];
    mk_buf b;
    mk_buf_init(&b, line, sizeof line);
    assert_int_equal(mk_log_format(r, &b), MK_OK);
    text_str(&((post *)self)->h.log, mk_buf_str(&b));
    text_z(&((post *)self)->h.log, "\n");
}

static void config_fill(post *p)
{
    assert_int_equal(mk_pop3_server_config_init(&p->pop3, sizeof p->pop3),
                     MK_OK);
    p->pop3.hostname = mk_str_z("mx.example");
    p->pop3.sasl = &p->h.sasl;
    p->pop3.capabilities &= ~(uint32_t)MK_POP3_CAPABILITY_UTF8;
    assert_int_equal(mk_maildrop_config_init(&p->c, sizeof p->c), MK_OK);
    p->c.host = &p->h.host.host;
    p->c.alloc = &p->h.a.alloc;
    p->c.crypto = mk_crypto_mbedtls();
    p->c.vfs = &p->h.t->vfs;
    p->c.root = p->h.t->root_dir;
    p->c.pop3 = &p->pop3;
    p->c.authenticator = &p->h.authenticator;
    p->c.log.self = p;
    p->c.log.write = write_log;
}

mk_err post_try(post *p, unsigned fail_at)
{
    static const char *const dirs[] = {"mx.example", "mx.example/ann",
                                       "mx.example/ann/new",
                                       "mx.example/ann/cur"};
    const house_plan plan = {.has_login = true};

    memset(p, 0, sizeof *p);
    mk_err err = house_try(&p->h, &plan, fail_at);
    if (err != MK_OK) {
        return err;
    }
    for (size_t i = 0; i < 4; i++) {
        (void)mkdir(test_vfs_path(p->h.t, dirs[i]), 0700);
    }
    p->conn = &p->conns[0];
    config_fill(p);
    return MK_OK;
}

void post_open(post *p)
{
    assert_int_equal(post_try(p, 0), MK_OK);
}

mk_err post_serve(post *p)
{
    mk_err err = mk_maildrop_new(&p->c, &p->m);
    if (err == MK_OK) {
        mk_maildrop_service(p->m, &p->service);
    }
    return err;
}

void post_close(post *p)
{
    p->h.t->fail_at = 0;
    for (size_t i = 0; i < 3; i++) {
        if (p->conns[i].host != NULL) {
            fake_conn_fini(&p->conns[i]);
        }
    }
    fake_host_jobs(&p->h.host);
    if (p->m != NULL) {
        assert_int_equal(mk_maildrop_count(p->m), 0);
        assert_int_equal(mk_maildrop_memory(p->m), 0);
    }
    assert_int_equal(mk_maildrop_free(p->m), MK_OK);
    house_close(&p->h);
}

/* ---- the box ------------------------------------------------------------- */

static const char *path_of(const char *path)
{
    static char whole[512];
    snprintf(whole, sizeof whole, "mx.example/ann/%s", path);
    return whole;
}

void post_put_n(const post *p, const char *path, const char *octets, size_t n)
{
    test_vfs_put(p->h.t, path_of(path), octets, n);
}

void post_put(const post *p, const char *path, const char *octets)
{
    post_put_n(p, path, octets, strlen(octets));
}

bool post_has(const post *p, const char *path)
{
    struct stat st;
    return stat(test_vfs_path(p->h.t, path_of(path)), &st) == 0;
}

/* ---- talk ---------------------------------------------------------------- */

const char *post_heard(post *p)
{
    static char *last;
    free(last);
    last = malloc(p->conn->said.len + 1);
    assert_non_null(last);
    memcpy(last, text_c(&p->conn->said), p->conn->said.len);
    last[p->conn->said.len] = '\0';
    text_clear(&p->conn->said);
    return last;
}

void post_work(post *p)
{
    do {
        for (size_t i = 0; i < 3; i++) {
            if (p->conns[i].host != NULL && p->conns[i].engine != NULL) {
                fake_conn_run(&p->conns[i]);
            }
        }
    } while (fake_host_jobs(&p->h.host) > 0);
}

void post_mutters(post *p, const char *octets)
{
    fake_conn_say(p->conn, octets);
}

const char *post_says(post *p, const char *octets)
{
    fake_conn_say(p->conn, octets);
    post_work(p);
    return post_heard(p);
}

const char *post_dial(post *p, size_t i)
{
    p->conn = &p->conns[i];
    if (fake_conn_open(p->conn, &p->h.host, &p->service) != MK_OK) {
        return "";
    }
    return post_heard(p);
}

const char *post_login(post *p)
{
    (void)post_says(p, "USER ann\r\n");
    return post_says(p, "PASS secret\r\n");
}
