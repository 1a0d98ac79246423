/* SPDX-License-Identifier: MIT
 *
 * test_delivery_boxes.c: mailboxes that stay open between messages, that are
 * removed or replaced meanwhile, and messages of more mailboxes than are open
 * at once: all of them get it or none, within a bound of descriptors.
 */
#include "house.h"

#include <mailkit/store.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MESSAGE "Subject: x\r\n\r\nbody\r\n"
#define BOXES 150 /* three groups */

/* ---- boxes that stay open ------------------------------------------------ */

static void send_one(house *h)
{
    begins(house_send(h, "ann@mx.example", MESSAGE), "250 2.0.0");
}

static unsigned opened(const house *h)
{
    return test_vfs_count(h->t, TEST_VFS_LIST_OPEN); /* each opening sweeps */
}

/* Three directories, for a second of trust, then nothing. */
static void a_box_stays_open_for_a_second(void **state)
{
    static house h;
    (void)state;
    house_open(&h, &(house_plan){0});
    house_greet(&h);
    int fds = test_fd_count();
    send_one(&h);
    assert_int_equal(test_fd_count(), fds + 3);
    fake_host_pass(&h.host, 999);
    send_one(&h);
    assert_int_equal(opened(&h), 1);
    fake_host_pass(&h.host, 1);
    assert_int_equal(test_fd_count(), fds);
    assert_null(h.host.timers);
    send_one(&h);
    assert_int_equal(opened(&h), 2);
    house_close(&h);
}

/* Mail after mail does not lengthen the trust in an open box. */
static void a_busy_box_is_opened_anew_each_second(void **state)
{
    static house h;
    (void)state;
    house_open(&h, &(house_plan){0});
    house_greet(&h);
    for (int i = 0; i < 50; i++) {
        send_one(&h);
        fake_host_pass(&h.host, 100);
    }
    assert_int_equal(opened(&h), 5);
    assert_int_equal(house_count(&h, "mx.example", "ann"), 50);
    house_close(&h);
}

static void rest_closes_at_once_and_keeps_nothing(void **state)
{
    static house h;
    (void)state;
    house_open(&h, &(house_plan){0});
    house_greet(&h);
    int fds = test_fd_count();
    send_one(&h);
    mk_local_delivery_rest(h.delivery);
    assert_int_equal(test_fd_count(), fds);
    assert_null(h.host.timers);
    send_one(&h);
    assert_int_equal(test_fd_count(), fds);
    assert_null(h.host.timers);
    house_close(&h);
}

/* At most so many lie idle. */
static void few_boxes_lie_idle(void **state)
{
    static house h;
    static mk_users *all;
    static const mk_str domain = MK_STR_INIT("mx.example");
    house_plan plan = {0};
    mk_users_fault fault;
    text users = {0};
    char line[64];
    (void)state;
    for (int u = 0; u < 40; u++) {
        snprintf(line, sizeof line, "u%d:{PLAIN}x\n", u);
        text_z(&users, line);
    }
    assert_int_equal(mk_users_parse(mk_alloc_libc(), text_view(&users), &domain,
                                    1, &all, &fault),
                     MK_OK);
    mk_users_directory(all, &plan.directory);
    house_open(&h, &plan);
    house_greet(&h);
    int fds = test_fd_count();
    for (int u = 0; u < 40; u++) {
        snprintf(line, sizeof line, "u%d@mx.example", u);
        begins(house_send(&h, line, MESSAGE), "250");
    }
    assert_int_equal(test_fd_count(), fds + 3 * 32);
    /* the first ones were closed, the last ones are open */
    begins(house_send(&h, "u39@mx.example", MESSAGE), "250");
    assert_int_equal(opened(&h), 40);
    begins(house_send(&h, "u0@mx.example", MESSAGE), "250");
    assert_int_equal(opened(&h), 41);
    house_close(&h);
    mk_users_free(all);
    text_free(&users);
}

/* ---- boxes that go away meanwhile ---------------------------------------- */

static void remove_dir(const house *h, const char *path)
{
    char name[256];
    char file[600];
    while (test_vfs_only_entry(h->t, path, name)) {
        snprintf(file, sizeof file, "%s/%s", path, name);
        assert_int_equal(unlink(test_vfs_path(h->t, file)), 0);
    }
    assert_int_equal(rmdir(test_vfs_path(h->t, path)), 0);
}

/* What is removed under an open box: the message comes to rest all the same,
 * in a mailbox that is reached by its path. */
static const char *const removed[][5] = {
    {"mx.example/ann/tmp"},
    {"mx.example/ann/new"},
    {"mx.example/ann/tmp", "mx.example/ann/new", "mx.example/ann/cur",
     "mx.example/ann"},
    {"mx.example/ann/new", "mx.example/ann/tmp", "mx.example/ann/cur",
     "mx.example/ann", "mx.example"},
};

static void fault_f18_a_removed_box_is_made_anew(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++) {
        static house h;
        house_open(&h, &(house_plan){0});
        house_greet(&h);
        send_one(&h);
        int before = 0;
        for (size_t k = 0; k < 5 && removed[i][k] != NULL; k++) {
            remove_dir(&h, removed[i][k]);
        }
        before = house_count(&h, "mx.example", "ann");
        test_vfs_reset(h.t);
        send_one(&h);
        assert_int_equal(house_count(&h, "mx.example", "ann"), before + 1);
        assert_int_equal(test_vfs_entries(h.t, "mx.example/ann/tmp"), 0);
        house_close(&h);
    }
}

/* The second opening fails too: refused, nothing is left, and the next is
 * served. */
static void fault_f18_a_box_that_cannot_be_made_anew(void **state)
{
    static const mk_err errs[] = {MK_E_ACCESS, MK_E_NOENT, MK_E_SPACE};
    static const char *const want[] = {"451", "451", "452"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        static house h;
        house_open(&h, &(house_plan){0});
        house_greet(&h);
        send_one(&h);
        for (size_t k = 0; k < 4; k++) {
            remove_dir(&h, removed[2][k]);
        }
        test_vfs_reset(h.t);
        h.t->only_op = TEST_VFS_DIR_MAKE;
        h.t->fail_at = 1;
        h.t->fail_err = errs[i];
        begins(house_send(&h, "ann@mx.example", MESSAGE), want[i]);
        test_vfs_reset(h.t);
        send_one(&h);
        assert_int_equal(house_count(&h, "mx.example", "ann"), 1);
        house_close(&h);
    }
}

static void move_box(const house *h, const char *to)
{
    char from_path[256];
    snprintf(from_path, sizeof from_path, "%s",
             test_vfs_path(h->t, "mx.example/ann"));
    assert_int_equal(rename(from_path, test_vfs_path(h->t, to)), 0);
}

/* Moved away, with another in its place or none: after the second of trust
 * the path counts. No message is lost before either: it moved too. */
static void fault_f18_a_moved_box_gets_no_mail_for_long(void **state)
{
    (void)state;
    for (int another = 0; another < 2; another++) {
        static house h;
        mk_maildir box;
        house_open(&h, &(house_plan){0});
        house_greet(&h);
        send_one(&h);
        move_box(&h, "mx.example/old");
        if (another) {
            assert_int_equal(mk_maildir_open(&h.t->vfs, h.t->root_dir,
                                             mk_str_z("mx.example"),
                                             mk_str_z("ann"), &box),
                             MK_OK);
            mk_maildir_close(&box);
        }
        for (int i = 0; i < 15; i++) {
            fake_host_pass(&h.host, 100);
            send_one(&h);
        }
        assert_int_equal(house_count(&h, "mx.example", "old"), 1 + 9);
        assert_int_equal(house_count(&h, "mx.example", "ann"), 6);
        house_close(&h);
    }
}

/* A body that takes its time: the mailboxes are those at its end, but for the
 * first, where it lies already. */
static void fault_f18_a_slow_message_finds_the_boxes_of_its_end(void **state)
{
    static const char *const moved[] = {"mx.example/ann", "mx.example/carl"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        static house h;
        char from_path[256];
        house_open(&h, &(house_plan){.message_memory = 100});
        house_greet(&h);
        h.conn.chunk = 10;
        begins(house_send(&h, "ann@mx.example", MESSAGE), "250");
        begins(house_send(&h, "carl@mx.example", MESSAGE), "250");
        house_says(&h, "MAIL FROM:<a@b.example>\r\n");
        house_says(&h, "RCPT TO:<bob@other.example>\r\n");
        house_says(&h, "RCPT TO:<ann@mx.example>\r\n");
        house_says(&h, "RCPT TO:<carl@mx.example>\r\n");
        begins(house_says(&h, "DATA\r\n"), "354");
        for (int n = 0; n < 20; n++) {
            house_says(&h, "a line of a message that is spilled\r\n");
            fake_host_pass(&h.host, 1000);
        }
        for (size_t k = 0; k < i; k++) {
            snprintf(from_path, sizeof from_path, "%s",
                     test_vfs_path(h.t, moved[k]));
            assert_int_equal(
                rename(from_path, test_vfs_path(h.t, k == 0 ? "old0" : "old1")),
                0);
        }
        begins(house_says(&h, ".\r\n"), "250");
        assert_int_equal(house_count(&h, "mx.example", "ann"), i > 0 ? 1 : 2);
        assert_int_equal(house_count(&h, "mx.example", "carl"), i > 1 ? 1 : 2);
        assert_int_equal(house_count(&h, "other.example", "bob"), 1);
        house_close(&h);
    }
}

/* ---- more mailboxes than are open at once -------------------------------- */

typedef struct crowd {
    house h;
    mk_users *users;
} crowd;

static void crowd_open(crowd *c, bool spilled)
{
    static const mk_str domain = MK_STR_INIT("mx.example");
    house_plan plan = {.message_memory = spilled ? 100 : 0};
    mk_users_fault fault;
    text users = {0};
    char line[64];
    for (int u = 0; u < BOXES; u++) {
        snprintf(line, sizeof line, "u%d:{PLAIN}x\n", u);
        text_z(&users, line);
    }
    assert_int_equal(mk_users_parse(mk_alloc_libc(), text_view(&users), &domain,
                                    1, &c->users, &fault),
                     MK_OK);
    text_free(&users);
    mk_users_directory(c->users, &plan.directory);
    house_open(&c->h, &plan);
    house_greet(&c->h);
    c->h.conn.chunk = spilled ? 10 : 0;
}

static void crowd_close(crowd *c)
{
    house_close(&c->h);
    mk_users_free(c->users);
}

/* Everybody is named; what follows DATA is the caller's. */
static void crowd_name(crowd *c)
{
    char line[64];
    house_says(&c->h, "MAIL FROM:<a@b.example>\r\n");
    for (int u = 0; u < BOXES; u++) {
        snprintf(line, sizeof line, "RCPT TO:<u%d@mx.example>\r\n", u);
        begins(house_says(&c->h, line), "250 2.1.5");
    }
    begins(house_says(&c->h, "DATA\r\n"), "354");
}

/* Messages in all mailboxes; nothing may be left in any tmp/. */
static int crowd_count(crowd *c)
{
    int there = 0;
    for (int u = 0; u < BOXES; u++) {
        char path[80];
        snprintf(path, sizeof path, "mx.example/u%d/tmp", u);
        assert_true(test_vfs_entries(c->h.t, path) <= 0);
        snprintf(path, sizeof path, "u%d", u);
        there += house_count(&c->h, "mx.example", path);
    }
    return there;
}

/* Three directories for each of 64 under way and 32 idle, a file for each of
 * 64, and what opening takes: not three for each of 150. */
static void many_mailboxes_in_few_descriptors(void **state)
{
    (void)state;
    for (int spilled = 0; spilled < 2; spilled++) {
        static crowd c;
        struct rlimit was;
        struct rlimit low;
        crowd_open(&c, spilled != 0);
        crowd_name(&c);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
        low = was;
        low.rlim_cur = (rlim_t)test_fd_count() + (64 + 32) * 3 + 64 + 8;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        const char *reply = house_says(&c.h, MESSAGE ".\r\n");
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
        begins(reply, "250 2.0.0");
        assert_int_equal(crowd_count(&c), BOXES);
        /* each file was synced once, before the first was renamed */
        assert_true(test_vfs_count(c.h.t, TEST_VFS_SYNC) >= BOXES);
        assert_int_equal(test_vfs_count(c.h.t, TEST_VFS_RENAME), BOXES);
        crowd_close(&c);
    }
}

/* A fault that lasts, met at whichever mailbox: nobody has the message, so
 * that no retry doubles it. */
static const struct {
    test_vfs_op op;
    mk_err err;
    const char *want;
} lasting[] = {
    {TEST_VFS_CREATE, MK_E_ACCESS, "451"}, {TEST_VFS_WRITE, MK_E_SPACE, "452"},
    {TEST_VFS_SYNC, MK_E_IO, "451"},       {TEST_VFS_CLOSE, MK_E_SPACE, "452"},
    {TEST_VFS_DIR_SPACE, MK_E_IO, "451"},
};

static void fault_f08_f10_a_late_fault_delivers_nothing(void **state)
{
    static const unsigned nth[] = {1, 2, 64, 65, 130, BOXES};
    (void)state;
    for (size_t i = 0; i < 5 * 6; i++) {
        static crowd c;
        size_t row = i / 6;
        crowd_open(&c, i % 2 != 0);
        crowd_name(&c);
        test_vfs_reset(c.h.t);
        c.h.t->only_op = (int)lasting[row].op;
        c.h.t->fail_at = nth[i % 6];
        c.h.t->fail_err = lasting[row].err;
        begins(house_says(&c.h, MESSAGE ".\r\n"), lasting[row].want);
        test_vfs_reset(c.h.t);
        assert_int_equal(crowd_count(&c), 0);
        /* the sender tries again: once for each */
        crowd_name(&c);
        begins(house_says(&c.h, MESSAGE ".\r\n"), "250");
        assert_int_equal(crowd_count(&c), BOXES);
        crowd_close(&c);
    }
}

/* A rename or the sync of a directory fails: what is under way goes on, but
 * no further mailbox gets what the sender will send again. */
static void fault_f10_f17_after_a_failure_no_more(void **state)
{
    static const test_vfs_op ops[] = {TEST_VFS_RENAME, TEST_VFS_DIR_SYNC};
    static const unsigned nth[] = {1, 30, 64};
    (void)state;
    for (size_t i = 0; i < 2 * 3; i++) {
        static crowd c;
        unsigned n = nth[i % 3];
        crowd_open(&c, i == 4);
        crowd_name(&c);
        /* the boxes are there, so that each is synced once */
        begins(house_says(&c.h, MESSAGE ".\r\n"), "250");
        fake_host_pass(&c.h.host, 5000);
        crowd_name(&c);
        test_vfs_reset(c.h.t);
        c.h.t->only_op = (int)ops[i / 3];
        c.h.t->fail_at = n;
        c.h.t->fail_err = MK_E_IO;
        begins(house_says(&c.h, MESSAGE ".\r\n"), "451");
        int got = crowd_count(&c) - BOXES;
        assert_true(got >= (int)n - 1);
        assert_true(got < (int)n + 64);
        crowd_close(&c);
    }
}

/* One mailbox among many is a trap. */
static void sec_104_a_trap_among_many(void **state)
{
    static const char *const trapped[] = {"mx.example/u0", "mx.example/u70",
                                          "mx.example/u149"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        static crowd c;
        crowd_open(&c, i == 1);
        crowd_name(&c);
        assert_true(mkdir(test_vfs_path(c.h.t, "mx.example"), 0700) == 0);
        assert_int_equal(symlink("/", test_vfs_path(c.h.t, trapped[i])), 0);
        begins(house_says(&c.h, MESSAGE ".\r\n"), "451");
        assert_int_equal(unlink(test_vfs_path(c.h.t, trapped[i])), 0);
        assert_int_equal(crowd_count(&c), 0);
        crowd_close(&c);
    }
}

/* No worker at one of the submits: all or none. */
static void fault_f25_no_worker_for_many(void **state)
{
    unsigned seen = 0;
    (void)state;
    for (unsigned n = 1; n < 12; n++) {
        static crowd c;
        crowd_open(&c, false);
        crowd_name(&c);
        c.h.host.fail_submit_at = n;
        bool taken = house_says(&c.h, MESSAGE ".\r\n")[0] == '2';
        assert_int_equal(crowd_count(&c), taken ? BOXES : 0);
        seen |= taken ? 2u : 1u;
        crowd_close(&c);
    }
    assert_int_equal(seen, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_box_stays_open_for_a_second),
        cmocka_unit_test(a_busy_box_is_opened_anew_each_second),
        cmocka_unit_test(rest_closes_at_once_and_keeps_nothing),
        cmocka_unit_test(few_boxes_lie_idle),
        cmocka_unit_test(fault_f18_a_removed_box_is_made_anew),
        cmocka_unit_test(fault_f18_a_box_that_cannot_be_made_anew),
        cmocka_unit_test(fault_f18_a_moved_box_gets_no_mail_for_long),
        cmocka_unit_test(fault_f18_a_slow_message_finds_the_boxes_of_its_end),
        cmocka_unit_test(many_mailboxes_in_few_descriptors),
        cmocka_unit_test(fault_f08_f10_a_late_fault_delivers_nothing),
        cmocka_unit_test(fault_f10_f17_after_a_failure_no_more),
        cmocka_unit_test(sec_104_a_trap_among_many),
        cmocka_unit_test(fault_f25_no_worker_for_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
