/* SPDX-License-Identifier: MIT
 *
 * test_proxy.c: PROXY headers of both versions: what they tell, where each may
 * be cut, and what is refused, at the very octet that no header can have.
 */
#include <mailkit/proxy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define LIT(s) MK_STR_INIT(s)

enum { PEER4 = 1, PEER6, OWN, UNKNOWN };

#define V6_ADDRESSES                                                           \
    " \x01\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1"                                      \
    " \x01\r\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
#define MAPPED                                                                 \
    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"                                   \
    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\2"

/* What is told: 192.0.2.1 port 40000 at 198.51.100.2 port 25; or 2001:db8::1
 * at 2001:db8::2. */
static const struct {
    mk_str text;
    int tells;
    uint8_t version;
} good[] = {
    /* clang-format off */
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\n"), PEER4, 1},
    {LIT("PROXY TCP6 2001:db8::1 2001:0db8:0000:0000:0000:0000:0000:0002 40000 25\r\n"), PEER6, 1},
    {LIT("PROXY TCP6 2001:DB8::1 2001:db8:0::2 40000 25\r\n"), PEER6, 1},
    {LIT("PROXY TCP6 ::ffff:192.0.2.1 ::FFFF:c633:6402 40000 25\r\n"), PEER4, 1},
    {LIT("PROXY UNKNOWN\r\n"), UNKNOWN, 1},
    {LIT("PROXY UNKNOWN \r\n"), UNKNOWN, 1},
    {LIT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), UNKNOWN, 1},
    {LIT(SIG "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\x9c\x40\0\x19"), PEER4, 2},
    {LIT(SIG "\x21\x21\0\x24" V6_ADDRESSES "\x9c\x40\0\x19"), PEER6, 2},
    {LIT(SIG "\x21\x21\0\x24" MAPPED "\x9c\x40\0\x19"), PEER4, 2},
    /* with what is behind the addresses: ALPN, and no TLV at all */
    {LIT(SIG "\x21\x11\0\x13\xc0\0\2\1\xc6\x33\x64\2\x9c\x40\0\x19\1\0\4smtp"), PEER4, 2},
    {LIT(SIG "\x21\x11\0\x0d\xc0\0\2\1\xc6\x33\x64\2\x9c\x40\0\x19\xff"), PEER4, 2},
    {LIT(SIG "\x20\0\0\0"), OWN, 2},
    {LIT(SIG "\x20\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\x9c\x40\0\x19"), OWN, 2},
    {LIT(SIG "\x20\xee\0\3abc"), OWN, 2}, /* its family is not looked at */
    {LIT(SIG "\x21\0\0\0"), UNKNOWN, 2},
    {LIT(SIG "\x21\0\0\3abc"), UNKNOWN, 2},
    {LIT(SIG "\x21\x12\0\x0c\xc0\0\2\1\xc6\x33\x64\2\x9c\x40\0\x19"), UNKNOWN, 2}, /* UDP */
    {LIT(SIG "\x21\x22\0\x24" V6_ADDRESSES "\x9c\x40\0\x19"), UNKNOWN, 2},
    {LIT(SIG "\x21\x31\0\2ab"), UNKNOWN, 2}, /* a UNIX socket */
    {LIT(SIG "\x21\x32\0\0"), UNKNOWN, 2},
    {LIT(SIG "\x21\x10\0\0"), UNKNOWN, 2},
    {LIT(SIG "\x21\1\0\0"), UNKNOWN, 2},
    /* clang-format on */
};

static void check_peer(const mk_peer *p, int tells)
{
    static const uint8_t v4[16] = {192, 0, 2, 1};
    static const uint8_t own_v4[16] = {198, 51, 100, 2};
    static const uint8_t v6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};
    static const uint8_t own_v6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 2};
    static const uint8_t none[16] = {0};
    bool is_peer = tells == PEER4 || tells == PEER6;

    assert_int_equal(p->family, tells == PEER4 ? 4 : tells == PEER6 ? 6 : 0);
    assert_memory_equal(p->address,
                        tells == PEER4   ? v4
                        : tells == PEER6 ? v6
                                         : none,
                        16);
    assert_memory_equal(p->own_address,
                        tells == PEER4   ? own_v4
                        : tells == PEER6 ? own_v6
                                         : none,
                        16);
    assert_int_equal(p->port, is_peer ? 40000 : 0);
    assert_int_equal(p->own_port, is_peer ? 25 : 0);
}

static mk_err parse(const char *at, size_t n, mk_proxy_header *out,
                    size_t *out_used)
{
    char *copy = n > 0 ? malloc(n) : NULL; /* an octet too far is seen */
    mk_err r;

    if (n > 0) {
        memcpy(copy, at, n);
    }
    r = mk_proxy_parse(mk_str_of(copy, n), out, out_used);
    free(copy);
    return r;
}

/* Octets of a header that tell all that is told. */
static size_t needed(mk_str text)
{
    bool is_local = text.len > 12 && text.ptr[12] == 0x20;
    unsigned family = text.len > 13 ? (unsigned char)text.ptr[13] : 0;

    if (text.ptr[0] == 'P') {
        return text.len;
    }
    return 16u + (is_local ? 0 : family == 0x11 ? 12 : family == 0x21 ? 36 : 0);
}

static void test_what_a_header_tells_at_every_cut(void **state)
{
    char room[256];
    size_t i;
    size_t n;

    (void)state;
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        mk_proxy_header h;
        size_t used = 77;
        mk_str text = good[i].text;

        memset(&h, 0x5a, sizeof h);
        for (n = 0; n < needed(text); n++) {
            assert_int_equal(parse(text.ptr, n, &h, &used), MK_WAIT);
            assert_int_equal(used, 77); /* nothing is written */
            assert_int_equal(h.version, 0x5a);
        }
        for (; n < text.len; n++) {
            assert_int_equal(parse(text.ptr, n, &h, &used), MK_OK);
            assert_int_equal(used, n);
            assert_int_equal(h.rest, text.len - n);
            check_peer(&h.peer, good[i].tells);
        }
        memcpy(room, text.ptr, text.len);
        memcpy(room + text.len, "\r\nEHLO", 6);
        for (n = 0; n <= 6; n++) { /* what is behind it is not looked at */
            assert_int_equal(parse(room, text.len + n, &h, &used), MK_OK);
            assert_int_equal(used, text.len);
            assert_int_equal(h.rest, 0);
            assert_int_equal(h.version, good[i].version);
            assert_int_equal(h.kind, good[i].tells == OWN ? MK_PROXY_OWN
                                     : good[i].tells == UNKNOWN
                                         ? MK_PROXY_UNKNOWN
                                         : MK_PROXY_PEER);
            check_peer(&h.peer, good[i].tells);
        }
    }
}

/* One of the two is not IPv4: they stay what they are. */
static void test_half_mapped_addresses_stay(void **state)
{
    static const mk_str text =
        LIT("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 65535\r\n");
    mk_proxy_header h;
    size_t used;

    (void)state;
    assert_int_equal(mk_proxy_parse(text, &h, &used), MK_OK);
    assert_int_equal(h.peer.family, 6);
    assert_int_equal(h.peer.address[15], 1);
    assert_int_equal(h.peer.own_address[0], 0x20);
    assert_int_equal(h.peer.own_port, 65535);
}

/* refused_at: how many octets it takes to refuse; fewer are WAIT. */
static const struct {
    mk_str text;
    size_t refused_at;
    mk_err why;
} bad[] = {
    /* clang-format off */
    {LIT("EHLO a\r\n"), 1, MK_E_CROSS},
    {LIT("\x16\3\1"), 1, MK_E_CROSS}, /* TLS */
    {LIT("proxy TCP4 "), 1, MK_E_CROSS},
    {LIT("PROXX"), 5, MK_E_CROSS},
    {LIT("PROXY\r\n"), 6, MK_E_CROSS},
    {LIT("PROXY\tTCP4"), 6, MK_E_CROSS},
    {LIT("\r\n\r\n\r"), 5, MK_E_CROSS},
    {LIT("\r\n\r\n\0\r\nQUIT\r\n"), 12, MK_E_CROSS},
    {LIT("PROXY \r\n"), 8, MK_E_SYNTAX},
    {LIT("PROXY \n"), 7, MK_E_SYNTAX},
    {LIT("PROXY UNKNOWN\n"), 14, MK_E_SYNTAX},
    {LIT("PROXY UNKNOWN\ra"), 15, MK_E_SYNTAX},
    {LIT("PROXY UNKNOWN\r\r\n"), 15, MK_E_SYNTAX},
    {LIT("PROXY UNKNOWN a\0b\r\n"), 16, MK_E_SYNTAX},
    {LIT("PROXY UNKNOWN \x7f\r\n"), 15, MK_E_SYNTAX},
    {LIT("PROXY UNKNOWN \xe9\r\n"), 15, MK_E_SYNTAX},
    {LIT("PROXY UNKNOWNS\r\n"), 16, MK_E_SYNTAX},
    {LIT("PROXY unknown\r\n"), 15, MK_E_SYNTAX},
    {LIT("PROXY TCP4\r\n"), 12, MK_E_SYNTAX},
    {LIT("PROXY tcp4 192.0.2.1 198.51.100.2 40000 25\r\n"), 44, MK_E_SYNTAX},
    {LIT("PROXY TCP5 192.0.2.1 198.51.100.2 40000 25\r\n"), 44, MK_E_SYNTAX},
    {LIT("PROXY  TCP4 192.0.2.1 198.51.100.2 40000 25\r\n"), 45, MK_E_SYNTAX},
    {LIT("PROXY TCP4  192.0.2.1 198.51.100.2 40000 25\r\n"), 45, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 40000 25 \r\n"), 45, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 40000 25 x\r\n"), 46, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n"), 41, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.01 198.51.100.2 40000 25\r\n"), 45, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.256 198.51.100.2 40000 25\r\n"), 46, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2 198.51.100.2 40000 25\r\n"), 42, MK_E_SYNTAX},
    {LIT("PROXY TCP4 2001:db8::1 198.51.100.2 40000 25\r\n"), 46, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 ::1 40000 25\r\n"), 35, MK_E_SYNTAX},
    {LIT("PROXY TCP6 192.0.2.1 198.51.100.2 40000 25\r\n"), 44, MK_E_SYNTAX},
    {LIT("PROXY TCP6 ::1%1 ::1 40000 25\r\n"), 31, MK_E_SYNTAX},
    {LIT("PROXY TCP6 [::1] ::1 40000 25\r\n"), 31, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n"), 44, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 040000 25\r\n"), 45, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 40000 025\r\n"), 45, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n"), 41, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2 +1 25\r\n"), 41, MK_E_SYNTAX},
    {LIT("PROXY TCP4 192.0.2.1 198.51.100.2  25\r\n"), 39, MK_E_SYNTAX},
    /* the version, the command, the family, the transport */
    {LIT(SIG "\x11\x11\0\x0c"), 13, MK_E_SYNTAX},
    {LIT(SIG "\x31\x11\0\x0c"), 13, MK_E_SYNTAX},
    {LIT(SIG "\x22\x11\0\x0c"), 13, MK_E_SYNTAX},
    {LIT(SIG "\x2f\x11\0\x0c"), 13, MK_E_SYNTAX},
    {LIT(SIG "\1\x11\0\x0c"), 13, MK_E_SYNTAX},
    {LIT(SIG "\x21\x41\0\x0c"), 14, MK_E_SYNTAX},
    {LIT(SIG "\x21\xf1\0\x0c"), 14, MK_E_SYNTAX},
    {LIT(SIG "\x21\x13\0\x0c"), 14, MK_E_SYNTAX},
    {LIT(SIG "\x21\x1f\0\x0c"), 14, MK_E_SYNTAX},
    /* the length: less than the addresses */
    {LIT(SIG "\x21\x11\0\x0b"), 16, MK_E_SYNTAX},
    {LIT(SIG "\x21\x11\0\0"), 16, MK_E_SYNTAX},
    {LIT(SIG "\x21\x21\0\x23"), 16, MK_E_SYNTAX},
    /* clang-format on */
};

static void test_what_is_refused_at_which_octet(void **state)
{
    size_t i;
    size_t n;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mk_proxy_header h = {.version = 9};
        size_t used = 77;

        for (n = 0; n <= bad[i].text.len; n++) {
            mk_err r = parse(bad[i].text.ptr, n, &h, &used);
            mk_err want = n < bad[i].refused_at ? MK_WAIT : bad[i].why;
            if (r != want) {
                fail_msg("row %u, %u octets: %s", (unsigned)i, (unsigned)n,
                         mk_err_name(r));
            }
        }
        assert_int_equal(used, 77);
        assert_int_equal(h.version, 9);
    }
}

/* 107 octets with CRLF, and not one more; of version 2 whatever two octets can
 * tell, of which the addresses are enough. */
static void test_the_longest_headers(void **state)
{
    static char text[MK_PROXY_MAX + 8];
    mk_proxy_header h;
    size_t used;
    size_t n;

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "PROXY UNKNOWN ", 14);
    for (n = 0; n < MK_PROXY_LINE_MAX; n++) {
        assert_int_equal(parse(text, n, &h, &used), MK_WAIT);
    }
    assert_int_equal(parse(text, n, &h, &used), MK_E_SIZE);
    memcpy(text + MK_PROXY_LINE_MAX - 1, "\r\n", 2);
    assert_int_equal(parse(text, n, &h, &used), MK_E_SIZE);
    assert_int_equal(parse(text, n + 1, &h, &used), MK_E_SIZE);
    memcpy(text + MK_PROXY_LINE_MAX - 2, "\r\n", 2);
    assert_int_equal(parse(text, n, &h, &used), MK_OK);
    assert_int_equal(used, MK_PROXY_LINE_MAX);

    memcpy(text, SIG "\x21\x11\xff\xff", 16);
    for (n = 16; n < 28; n++) {
        assert_int_equal(parse(text, n, &h, &used), MK_WAIT);
    }
    for (; n < MK_PROXY_MAX; n += n < 600 ? 1 : 997) {
        assert_int_equal(parse(text, n, &h, &used), MK_OK);
        assert_int_equal(used, n);
        assert_int_equal(h.rest, MK_PROXY_MAX - n);
    }
    for (n = MK_PROXY_MAX; n <= sizeof text; n++) {
        assert_int_equal(parse(text, n, &h, &used), MK_OK);
        assert_int_equal(used, MK_PROXY_MAX);
        assert_int_equal(h.rest, 0);
    }
    memcpy(text, SIG "\x20\0\xff\xff", 16); /* LOCAL has no addresses */
    assert_int_equal(parse(text, 15, &h, &used), MK_WAIT);
    assert_int_equal(parse(text, 16, &h, &used), MK_OK);
    assert_int_equal(h.rest, 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_header_tells_at_every_cut),
        cmocka_unit_test(test_half_mapped_addresses_stay),
        cmocka_unit_test(test_what_is_refused_at_which_octet),
        cmocka_unit_test(test_the_longest_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
