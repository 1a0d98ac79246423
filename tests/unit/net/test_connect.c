/* SPDX-License-Identifier: MIT
 *
 * test_connect.c: a name with several addresses. The resolver is ours: it
 * stands before the system's at link time, so that no real one is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/net.h>

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ADDRESSES_MAX = 4, CALLERS = 8, FIRST = 0x7f000001 };

/* "n" has n addresses: 127.0.0.1, 127.0.0.2 ... */
static struct addrinfo found[ADDRESSES_MAX];
static struct sockaddr_in names[ADDRESSES_MAX];

int getaddrinfo(const char *name, const char *service,
                const struct addrinfo *hints, struct addrinfo **out_list)
{
    size_t n = (size_t)(name[0] - '0');
    size_t i;

    if (n == 0) {
        return EAI_NONAME;
    }
    memset(found, 0, sizeof found);
    memset(names, 0, sizeof names);
    for (i = 0; i < n; i++) {
        names[i].sin_family = AF_INET;
        names[i].sin_port = htons((uint16_t)strtoul(service, NULL, 10));
        names[i].sin_addr.s_addr = htonl(FIRST + (uint32_t)i);
        found[i].ai_family = AF_INET;
        found[i].ai_socktype = hints->ai_socktype;
        found[i].ai_addr = (struct sockaddr *)&names[i];
        found[i].ai_addrlen = sizeof names[i];
        found[i].ai_next = i + 1 < n ? &found[i + 1] : NULL;
    }
    *out_list = found;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    assert_ptr_equal(list, found);
}

typedef struct door {
    int fd;
    int callers[CALLERS]; /* that fill its queue */
    size_t count;
} door;

/* Listens on 127.0.0.i at *io_port; 0: any. */
static void door_open(door *d, unsigned i, uint16_t *io_port)
{
    struct sockaddr_in to;
    socklen_t len = sizeof to;

    memset(d, 0, sizeof *d);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(FIRST - 1 + i);
    to.sin_port = htons(*io_port);
    d->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(d->fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(d->fd, 0), 0);
    assert_int_equal(getsockname(d->fd, (struct sockaddr *)&to, &len), 0);
    *io_port = ntohs(to.sin_port);
}

/* From now on it drops what else knocks. */
static void door_fill(door *d, uint16_t port)
{
    while (mk_poll_connect("1", port, 80, &d->callers[d->count]) == MK_OK) {
        d->count++;
        assert_true(d->count < CALLERS);
    }
}

static void door_close(door *d)
{
    while (d->count > 0) {
        close(d->callers[--d->count]);
    }
    close(d->fd);
}

static void test_a_silent_address_leaves_time(void **state)
{
    uint64_t start;
    uint64_t spent;
    uint16_t port = 0;
    door first;
    door third;
    int fd = -1;

    (void)state;
    door_open(&first, 1, &port);
    door_open(&third, 3, &port);
    door_fill(&first, port);
    start = mk_poll_now_ms();
    assert_int_equal(mk_poll_connect("2", port, 300, &fd), MK_E_UNREACHABLE);
    spent = mk_poll_now_ms() - start;
    assert_true(spent >= 150); /* the second has refused at once */
    assert_int_equal(mk_poll_connect("3", port, 300, &fd), MK_OK);
    assert_true(fd >= 0);
    close(fd);
    door_close(&third);
    door_close(&first);
}

static void test_a_name_without_address(void **state)
{
    int fd = 7;

    (void)state;
    assert_int_equal(mk_poll_connect("0", 2525, 300, &fd), MK_E_NAME);
    assert_int_equal(fd, 7);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_silent_address_leaves_time),
        cmocka_unit_test(test_a_name_without_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
