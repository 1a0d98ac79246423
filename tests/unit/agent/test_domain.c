/* SPDX-License-Identifier: MIT
 *
 * test_domain.c: domains in UTF-8 and as A-labels, which are the same and which
 * are not; Punycode by the examples of RFC 3492 7.1; and what no domain is.
 */
#include "agent/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *one;
    const char *other;
    bool is_same;
} rows[] = {
    {"mx.example", "MX.Example", true},
    {"mx.example", "mx.example.", false},
    {"mx.example", "my.example", false},
    {"b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example", true},
    {"b\xc3\xbc"
     "cher.example",
     "XN--BCHER-KVA.EXAMPLE", true},
    {"B\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example", true},
    {"b\xc3\xbc"
     "cher.example",
     "b\xc3\xbc"
     "CHER.EXAMPLE",
     true},
    /* beyond ASCII case is not known: U+00DC is another letter */
    {"b\xc3\x9c"
     "cher.example",
     "xn--bcher-kva.example", false},
    {"b\xc3\xbc"
     "cher.example",
     "bucher.example", false},
    {"b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example.", false},
    {"b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva", false},
    {"b\xc3\xbc"
     "cher.b\xc3\xbc"
     "cher",
     "xn--bcher-kva.b\xc3\xbc"
     "cher",
     true},
    /* RFC 3492 7.1 (B) Chinese, (F) Hebrew in part, (S) */
    {"\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8\x8d"
     "\xe8\xaf\xb4\xe4\xb8\xad\xe6\x96\x87",
     "xn--ihqwcrb4cv8a8dqg056pqjye", true},
    {"\xe3\x81\x9d\xe3\x81\xae\xe3\x82\xb9\xe3\x83\x94\xe3\x83\xbc\xe3\x83\x89"
     "\xe3\x81\xa7",
     "xn--d9juau41awczczp", true},
    {"3\xe5\xb9\xb4\x62\xe7\xb5\x84\xe9\x87\x91\xe5\x85\xab\xe5\x85\x88\xe7\x94"
     "\x9f",
     "xn--3b-ww4c5e180e575a65lsy2b", true},
    {"maji\xe3\x81\xa7koi\xe3\x81\x99\xe3\x82\x8b"
     "5\xe7\xa7\x92\xe5\x89\x8d",
     "xn--majikoi5-783gue6qz075azm5e", true},
    {"\xf0\x9f\x92\xa9.la", "xn--ls8h.la", true},
    /* no UTF-8: overlong, a surrogate, cut short */
    {"\xc1\xa1.example", "a.example", false},
    {"\xed\xa0\x80.example", "xn--.example", false},
    {"b\xc3.example", "b.example", false},
    {"", "", true},
    {"", "\xc3\xbc", false},
};

static void same_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mk_str a = mk_str_z(rows[i].one);
        mk_str b = mk_str_z(rows[i].other);
        if (mk_agent_domain_is(a, b) != rows[i].is_same ||
            mk_agent_domain_is(b, a) != rows[i].is_same) {
            fail_msg("'%s' and '%s'", rows[i].one, rows[i].other);
        }
    }
}

/* As long as may be, and longer. */
static void long_labels(void **state)
{
    char label[400];
    (void)state;
    for (size_t n = 1; n < 100; n++) {
        for (size_t i = 0; i < n; i++) {
            memcpy(label + 4 * i, "\xf4\x8f\xbf\xbf", 4); /* U+10FFFF */
        }
        mk_str s = mk_str_of(label, 4 * n);
        assert_true(mk_agent_domain_is(s, s));
        assert_false(mk_agent_domain_is(s, mk_str_z("xn--x")));
        for (size_t i = 0; i < n; i++) {
            label[4 * i] = (char)0xFF;
        }
        assert_false(mk_agent_domain_is(s, mk_str_z("xn--x")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_or_not),
        cmocka_unit_test(long_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
