/* SPDX-License-Identifier: MIT
 *
 * test_delivery_threads.c: many sessions, one loop, real workers on real files:
 * mailboxes are opened on one worker while others use them, grow old, fail and
 * are opened anew. What was told yes is there once, what was told no is not
 * there twice. Made to be run under ThreadSanitizer too.
 */
#include "house.h"
#include "thread_pool.h"

#include <mailkit/disk.h>

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SESSIONS 24u
#define MESSAGES 2000u

typedef struct sender {
    mk_conn conn;
    unsigned number;
    bool is_waiting;
} sender;

typedef struct town {
    house h;
    thread_pool p;
    test_vfs *t; /* for its directory only */
    mk_vfs vfs;
    pthread_mutex_t lock; /* of the counting allocator */
    mk_alloc counting;
    atomic_uint syncs;
    atomic_uint renames;
    unsigned begun;
    unsigned yes;
    unsigned char told[MESSAGES]; /* 2: yes, 4: later */
    unsigned char copies[MESSAGES];
    sender senders[SESSIONS];
} town;

static town w;

/* ---- the world ----------------------------------------------------------- */

static mk_err file_sync(void *self, mk_file file)
{
    (void)self;
    return file.id == MK_VFS_NONE ? MK_E_IO : MK_OK;
}

static void no_flush(void *self, mk_file file)
{
    (void)self;
    (void)file;
}

/* Now and then a directory cannot be synced. */
static mk_err dir_sync(void *self, mk_dir dir)
{
    (void)self;
    (void)dir;
    return atomic_fetch_add(&w.syncs, 1) % 41 == 40 ? MK_E_IO : MK_OK;
}

/* Now and then a box is not where it was. */
static mk_err entry_rename(void *self, mk_dir at, const char *name, mk_dir to,
                           const char *to_name)
{
    if (atomic_fetch_add(&w.renames, 1) % 29 == 28) {
        return MK_E_NOENT;
    }
    return mk_vfs_posix()->entry_rename(self, at, name, to, to_name);
}

static void *get(void *self, size_t n)
{
    (void)self;
    (void)pthread_mutex_lock(&w.lock);
    void *ptr = w.counting.get(w.counting.self, n);
    (void)pthread_mutex_unlock(&w.lock);
    return ptr;
}

static void put(void *self, void *ptr, size_t n)
{
    (void)self;
    (void)pthread_mutex_lock(&w.lock);
    w.counting.put(w.counting.self, ptr, n);
    (void)pthread_mutex_unlock(&w.lock);
}

/* What was submitted to the host, to the workers. */
static bool turn(void)
{
    mk_job *job;
    while ((job = w.h.host.first) != NULL) {
        w.h.host.first = job->host_data[0];
        w.h.host.last = w.h.host.first == NULL ? NULL : w.h.host.last;
        assert_int_equal(thread_pool_submit(&w.p, job), MK_OK);
    }
    return thread_pool_turn(&w.p);
}

static void town_open(void)
{
    w.t = test_vfs_open();
    w.vfs = *mk_vfs_posix();
    w.vfs.file_sync = file_sync;
    w.vfs.file_flush = no_flush;
    w.vfs.dir_sync = dir_sync;
    w.vfs.entry_rename = entry_rename;
    house_open(&w.h, &(house_plan){.message_memory = 8192,
                                   .disk = &w.vfs,
                                   .root = w.t->root_dir});
    (void)pthread_mutex_init(&w.lock, NULL);
    w.counting = w.h.a.alloc;
    w.h.a.alloc.get = get;
    w.h.a.alloc.put = put;
    thread_pool_open(&w.p);
}

/* ---- letters ------------------------------------------------------------- */

/* Most are small and for one box; some go to disk early, some to all boxes. */
static bool is_large(unsigned number)
{
    return number % 10 == 3 || number % 20 == 7;
}

static bool is_for_all(unsigned number)
{
    return number % 10 == 7;
}

static void begin(sender *s)
{
    char line[64];
    fake_conn_say(&s->conn, "MAIL FROM:<a@b.example>\r\n"
                            "RCPT TO:<ann@mx.example>\r\n");
    s->number = w.begun++;
    s->is_waiting = true;
    if (is_for_all(s->number)) {
        fake_conn_say(&s->conn, "RCPT TO:<carl@mx.example>\r\n"
                                "RCPT TO:<bob@other.example>\r\n");
    }
    text_clear(&s->conn.said);
    fake_conn_say(&s->conn, "DATA\r\n");
    assert_memory_equal(text_c(&s->conn.said), "354", 3);
    text_clear(&s->conn.said);
    (void)snprintf(line, sizeof line, "Subject: number %u.\r\n\r\n", s->number);
    fake_conn_say(&s->conn, line);
    for (unsigned n = 0; is_large(s->number) && n < 300; n++) {
        fake_conn_say(&s->conn, "a line of a larger letter, some eighty octets "
                                "are said by it at once, no more\r\n");
    }
    fake_conn_say(&s->conn, "the end\r\n.\r\n");
}

static void hear(sender *s)
{
    fake_conn_run(&s->conn);
    if (!s->is_waiting || s->conn.said.len == 0) {
        return;
    }
    const char *said = text_c(&s->conn.said);
    assert_true(said[0] == '2' || said[0] == '4');
    w.told[s->number] = said[0] == '2' ? 2 : 4;
    w.yes += said[0] == '2';
    s->is_waiting = false;
    text_clear(&s->conn.said);
}

/* ---- what is there ------------------------------------------------------- */

static void count_file(const char *path)
{
    static char octets[65536];
    long n = test_vfs_contents(w.t, path, octets, sizeof octets - 1);
    assert_true(n > 0);
    octets[n] = '\0';
    const char *at = strstr(octets, "Subject: number ");
    assert_non_null(at);
    unsigned long number = strtoul(at + 16, NULL, 10);
    assert_true(number < MESSAGES);
    assert_memory_equal(octets + n - 8, "the end\n", 8);
    w.copies[number]++;
}

/* Copies in one box of what was for it: one when told yes, else at most so
 * many. */
static void check_box(const char *box, bool for_all_only)
{
    char path[600];
    struct dirent *e;
    memset(w.copies, 0, sizeof w.copies);
    (void)snprintf(path, sizeof path, "%s/new", box);
    DIR *d = opendir(test_vfs_path(w.t, path));
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/new/%s", box, e->d_name);
            count_file(path);
        }
    }
    (void)closedir(d);
    for (unsigned n = 0; n < MESSAGES; n++) {
        unsigned extra = is_for_all(n) && w.told[n] != 2 ? 1 : 0;
        unsigned want = w.told[n] == 2 && (!for_all_only || is_for_all(n));
        assert_true(w.copies[n] >= want && w.copies[n] <= want + extra);
    }
    (void)snprintf(path, sizeof path, "%s/tmp", box);
    assert_int_equal(test_vfs_entries(w.t, path), 0);
}

static void fault_f10_f18_boxes_over_real_threads(void **state)
{
    unsigned i;
    (void)state;
    town_open();
    for (i = 0; i < SESSIONS; i++) {
        sender *s = &w.senders[i];
        assert_int_equal(fake_conn_open(&s->conn, &w.h.host, &w.h.service),
                         MK_OK);
        fake_conn_say(&s->conn, "EHLO client.example\r\n");
        begin(s);
    }
    while (turn()) {
        fake_host_pass(&w.h.host, 25);
        for (i = 0; i < SESSIONS; i++) {
            hear(&w.senders[i]);
            if (!w.senders[i].is_waiting && w.begun < MESSAGES) {
                begin(&w.senders[i]);
            }
        }
    }
    for (i = 0; i < SESSIONS; i++) {
        assert_false(w.senders[i].is_waiting);
        fake_conn_fini(&w.senders[i].conn);
    }
    thread_pool_close(&w.p);
    assert_true(w.p.most > 1);
    assert_true(w.yes > MESSAGES / 2 && w.yes < MESSAGES);
    check_box("mx.example/ann", false);
    check_box("mx.example/carl", true);
    check_box("other.example/bob", true);
    house_close(&w.h);
    test_vfs_close(w.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fault_f10_f18_boxes_over_real_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
