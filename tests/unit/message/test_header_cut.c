/* SPDX-License-Identifier: MIT
 *
 * Values of header fields cut behind each octet and with each octet changed
 * into one that has a meaning of its own: every reader stays within what it
 * was given, and so do its views and the places of its defects (THREATS 56,
 * 58, 59, 61, 62, 68).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mailkit/header.h>

#include "show.h"

static const char *const values[] = {
    "Tue, 1 Jul 2003 10:52:37.5 +02:00 (a (b) \\) c) GMT-2 PM",
    "\"a \\\"b\" c. (d) <@e,@f:g.\"h\"@[1.2.3.4]>, G: i@j . k;, =?x?q?l?=@m",
    "=?utf-8*en?Q?a=C3=A4_?=\r\n =?utf-8?b?w6TDpA==?= b\xC3\xA4\xE4 =?x?q?y?=",
    "a/b (c); n*0*=utf-8'en'%C3%A4; n*1=\"d\\\"e\"; n=f; m*=x''%; o=p q",
    "<a@b> <\"c\"@[d]> e \"f\" <g",
    "from a ([IPv6:2001::1]) by b (c) via d with e id \"f\" for <g@h> tls i; Z",
    "from [192.0.2.1] (helo=[a]) by b; 1 Jul 03 10:52 Z",
    "a.b 1; c/2=d (e) reason=\"f\\\"\" g.h=\"i\"@j; none",
    "(a) <b:c>, <d>, NO",
    "\"a <b>\" (c) <d.e>",
    " From a: b\r\n\tc\r\nD :e\r\n",
};

static void is_within(mk_str all, mk_str part)
{
    assert_true(part.len == 0 || (part.ptr >= all.ptr &&
                                  part.ptr + part.len <= all.ptr + all.len));
}

static void read_lists(mk_str s, mk_defects *d)
{
    mk_addresses as;
    mk_address a;
    mk_msgids ids;
    mk_list_uris uris;
    mk_str one, two;
    mk_addresses_init(&as, MK_FIELD_FROM, s, d);
    while (mk_addresses_next(&as, &a)) {
        is_within(s, a.raw);
        is_within(s, a.name);
        is_within(s, a.route);
        is_within(s, a.local_part);
        is_within(s, a.domain);
        assert_true(a.offset <= s.len);
    }
    if (mk_path_read(s, d, &a)) {
        assert_int_equal(a.kind, MK_ADDRESS_MAILBOX);
        is_within(s, a.raw);
    }
    mk_msgids_init(&ids, s, d);
    while (mk_msgids_next(&ids, &one)) {
        is_within(s, one);
        assert_true(one.len > 0);
    }
    mk_list_uris_init(&uris, s, d);
    while (mk_list_uris_next(&uris, &one)) {
        is_within(s, one);
    }
    if (mk_list_id_read(s, d, &one, &two)) {
        is_within(s, one);
        is_within(s, two);
    }
}

static void read_trace(mk_str s, mk_defects *d)
{
    mk_received r;
    mk_auth_results results;
    mk_auth_item item;
    mk_date date;
    (void)mk_date_read(s, d, &date);
    (void)mk_received_read(s, d, &r);
    const mk_str parts[] = {r.from_domain, r.from_info, r.by_domain,
                            r.by_info,     r.link,      r.protocol,
                            r.id,          r.for_path,  r.tls};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        is_within(s, parts[i]);
    }
    mk_auth_results_init(&results, s, d);
    while (mk_auth_results_next(&results, &item)) {
        assert_true(item.method.len > 0 && item.result.len > 0);
        is_within(s, item.ptype);
        is_within(s, item.property);
        is_within(s, item.value);
    }
}

static void read_text(mk_str s, mk_defects *d)
{
    mk_param items[8];
    mk_params p;
    mk_fields it;
    mk_field f;
    char mem[512];
    mk_buf b;
    mk_buf_init(&b, mem, sizeof mem);
    assert_int_equal(mk_words_decode(s, NULL, &b, d), MK_OK);
    assert_false(mk_str_has_ctl(mk_buf_str(&b)));
    mk_params_parse(s, items, 8, &p, d);
    for (uint32_t i = 0; i < p.count; i++) {
        is_within(s, items[i].name);
        is_within(s, items[i].value);
        is_within(s, mk_params_language(&p, items[i].name));
        mk_buf_init(&b, mem, sizeof mem);
        assert_int_equal(mk_params_decode(&p, items[i].name, NULL, &b, d),
                         MK_OK);
        assert_false(mk_str_has_ctl(mk_buf_str(&b)));
    }
    mk_fields_init(&it, s, d);
    while (mk_fields_next(&it, &f)) {
        is_within(s, f.name);
        is_within(s, f.value);
    }
    assert_true(it.at <= s.len);
}

static void read_all(mk_str s)
{
    mk_defect found[64];
    mk_defects list;
    /* The exact size, so that a step beyond it is seen. */
    char *tight = malloc(s.len > 0 ? s.len : 1);
    memcpy(tight, s.ptr, s.len);
    s.ptr = tight;
    mk_defects_init(&list, found, 64);
    read_lists(s, &list);
    read_trace(s, &list);
    read_text(s, &list);
    for (uint32_t i = 0; i < list.count; i++) {
        assert_true(found[i].offset <= s.len);
        assert_true(found[i].offset + found[i].length <= s.len);
    }
    free(tight);
}

static void sec_062_values_are_cut_behind_each_octet(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (size_t n = 0; n <= strlen(values[i]); n++) {
            read_all(mk_str_of(values[i], n));
            read_all(mk_str_of(values[i] + n, strlen(values[i]) - n));
        }
    }
}

static void sec_062_each_octet_is_changed(void **state)
{
    static const char others[] = "\0\r\n \"\\()<>[]@:;,.=?'*%\x80\xC2";
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[128];
        size_t n = strlen(values[i]);
        for (size_t at = 0; at < n; at++) {
            for (size_t k = 0; k + 1 < sizeof others; k++) {
                memcpy(text, values[i], n);
                text[at] = others[k];
                read_all(mk_str_of(text, n));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sec_062_values_are_cut_behind_each_octet),
        cmocka_unit_test(sec_062_each_octet_is_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
