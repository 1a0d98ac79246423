/* SPDX-License-Identifier: MIT
 *
 * test_address.c: addresses from text, in every form and malformed in every
 * way that a second reading could hide in; against the C library where both
 * take the same forms.
 */
#include <mailkit/base.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

static const char *const good[] = {
    "0.0.0.0",
    "192.0.2.1",
    "255.255.255.255",
    "::",
    "::1",
    "1::",
    "2001:db8::1",
    "2001:DB8::A:b",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1::3:4:5:6:7:8",
    "::ffff:192.0.2.1",
    "1:2:3:4:5:6:192.0.2.1",
    "64:ff9b::192.0.2.33",
    "0001:0002:0003:0004:0005:0006:0007:0008",
};

static const char *const bad[] = {
    "",
    "1",
    "1.2.3",
    "1.2.3.",
    ".1.2.3",
    "1..2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.04",
    "0x1.2.3.4",
    "01.2.3.4",
    "1.2.3.-4",
    "1.2.3.+4",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4294967297",
    ":",
    ":::",
    "1:",
    ":1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4::5:6:7:8",
    "::1::",
    "1::2::3",
    "12345::",
    "g::",
    "::1.2.3",
    "::1.2.3.4.5",
    "1.2.3.4::",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::192.0.2.1:1",
    "[::1]",
    "fe80::1%eth0",
    "::1/128",
    "0000:0000:0000:0000:0000:0000:255.255.255.2555",
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint8_t got[16];
        uint8_t want[16] = {0};
        bool v6 = strchr(good[i], ':') != NULL;
        assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, good[i], want), 1);
        memset(got, 0xAA, sizeof got);
        assert_int_equal(mk_address_parse(mk_str_z(good[i]), got), v6 ? 6 : 4);
        assert_memory_equal(got, want, 16);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t got[16];
        memset(got, 0xAA, sizeof got);
        if (mk_address_parse(mk_str_z(bad[i]), got) != 0) {
            fail_msg("%s", bad[i]);
        }
        assert_int_equal(got[0], 0xAA);
    }
    uint8_t got[16];
    assert_int_equal(mk_address_parse(mk_str_of("1.2.3.4\0", 8), got), 0);
    assert_int_equal(mk_address_parse(mk_str_of("1.2.3.\xB2", 7), got), 0);
}

/* All texts of a few octets over the alphabet of addresses. */
static void test_against_libc(void **state)
{
    static const char alphabet[] = "1a:.";
    char text[9];
    (void)state;
    for (unsigned n = 0; n < 4u * 4 * 4 * 4 * 4 * 4 * 4 * 4; n++) {
        uint8_t got[16];
        uint8_t want[16];
        unsigned rest = n;
        for (unsigned i = 0; i < 8; i++) {
            text[i] = alphabet[rest % 4];
            rest /= 4;
        }
        text[8] = '\0';
        bool v6 = strchr(text, ':') != NULL;
        bool is = inet_pton(v6 ? AF_INET6 : AF_INET, text, want) == 1;
        if ((mk_address_parse(mk_str_z(text), got) != 0) != is) {
            fail_msg("%s", text);
        }
    }
}

/* ---- networks ------------------------------------------------------------ */

static bool has(const char *network, const char *address)
{
    mk_network n;
    uint8_t a[16];
    assert_int_equal(mk_network_parse(mk_str_z(network), &n), MK_OK);
    uint8_t family = mk_address_parse(mk_str_z(address), a);
    assert_int_not_equal(family, 0);
    return mk_network_has(&n, family, a);
}

static void test_networks(void **state)
{
    static const struct {
        const char *network;
        const char *in;
        const char *out;
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
        {"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
        {"10.0.0.0/8", "10.255.1.2", "11.0.0.0"},
        {"192.0.2.7", "192.0.2.7", "192.0.2.6"},
        {"192.0.2.7/32", "192.0.2.7", "192.0.2.135"},
        {"0.0.0.0/0", "255.1.2.3", "::1"},
        {"::/0", "2001:db8::1", "192.0.2.1"},
        {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
        {"::1", "::1", "::2"},
        {"192.0.2.0/24", "::ffff:192.0.2.9", "::192.0.2.9"},
        {"::ffff:0:0/96", "::ffff:192.0.2.9", "192.0.2.9"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(has(rows[i].network, rows[i].in));
        assert_false(has(rows[i].network, rows[i].out));
    }
    mk_network n;
    assert_int_equal(mk_network_parse(mk_str_z("::/0"), &n), MK_OK);
    assert_false(mk_network_has(&n, 0, n.address));
}

static void test_no_networks(void **state)
{
    static const char *const rows[] = {
        "",
        "/",
        "/24",
        "192.0.2.0/",
        "192.0.2.0/33",
        "192.0.2.0/-1",
        "192.0.2.0/24 ",
        "192.0.2.1/24",
        "192.0.2.0/22",
        "10.0.0.0/4",
        "::/129",
        "2001:db8::1/64",
        "mx.example",
        "192.0.2/24",
        "192.0.2.0/24/8",
        "2001:db8::/28x",
    };
    mk_network n;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mk_network_parse(mk_str_z(rows[i]), &n), MK_E_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),         cmocka_unit_test(test_bad),
        cmocka_unit_test(test_against_libc), cmocka_unit_test(test_networks),
        cmocka_unit_test(test_no_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
