/* SPDX-License-Identifier: MIT
 *
 * Structured fields other than addresses and parameters, in rows: dates of
 * real mail (THREATS 68), message identifiers, paths, Received,
 * Authentication-Results, list fields.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mailkit/header.h>

#include "show.h"

/* ---- dates ---- */

static void show_date(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_date d;
    if (!mk_date_read(text, defects, &d)) {
        (void)mk_buf_add_z(b, "none");
        return;
    }
    assert_int_equal(mk_date_format(d.utc_s, d.zone_minutes, b), MK_OK);
    (void)mk_buf_add_z(b, d.has_zone ? "" : " ?");
}

static const row dates[] = {
    {S(" Tue, 1 Jul 2003 10:52:37 +0200"), "Tue, 1 Jul 2003 10:52:37 +0200",
     ""},
    {S("21 Nov 97 09:55:06 GMT"), "Fri, 21 Nov 1997 09:55:06 +0000",
     "date-obsolete@0"},
    {S("Mon, 1 Jul 2003 10:52:37 +0200"), "Tue, 1 Jul 2003 10:52:37 +0200",
     "date-weekday@0"},
    {S("1 Jul 2003 9:52"), "Tue, 1 Jul 2003 09:52:00 +0000 ?", "date-loose@0"},
    {S("Tuesday, 1 July 2003 10:52:37 +0200"), "Tue, 1 Jul 2003 10:52:37 +0200",
     "date-repaired@0"},
    {S("Tue 1 Jul 2003 10:52:37 +0200"), "Tue, 1 Jul 2003 10:52:37 +0200",
     "date-repaired@0"},
    {S("Tue Jul  1 10:52:37 2003"), "Tue, 1 Jul 2003 10:52:37 +0000 ?",
     "date-repaired@0 date-loose@0"},
    {S("Tue Jul  1 10:52:37 EST 2003"), "Tue, 1 Jul 2003 10:52:37 -0500",
     "date-repaired@0 date-obsolete@0"},
    {S("Tue Jul  1 10:52:37 2003 -0100"), "Tue, 1 Jul 2003 10:52:37 -0100",
     "date-repaired@0"},
    {S("2003-07-01T10:52:37Z"), "Tue, 1 Jul 2003 10:52:37 +0000",
     "date-repaired@0 date-obsolete@0"},
    {S("2003-07-01 10:52:37.123 +02:00"), "Tue, 1 Jul 2003 10:52:37 +0200",
     "date-repaired@0"},
    {S("01-Jul-03 10:52:37"), "Tue, 1 Jul 2003 10:52:37 +0000 ?",
     "date-repaired@0 date-obsolete@0 date-loose@0"},
    {S("1.7.2003 10.52"), "Tue, 1 Jul 2003 10:52:00 +0000 ?",
     "date-repaired@0 date-loose@0"},
    {S("20 11 79 05:34:27 -0300"), "Tue, 20 Nov 1979 05:34:27 -0300",
     "date-repaired@0 date-obsolete@0"},
    {S("1 Jul 2003 10:52:37 PM +0000"), "Tue, 1 Jul 2003 22:52:37 +0000",
     "date-repaired@0"},
    {S("1 Jul 2003 10:52 PM"), "Tue, 1 Jul 2003 22:52:00 +0000 ?",
     "date-repaired@0 date-loose@0"},
    {S("1 Jul 2003 12:00 am GMT+2"), "Tue, 1 Jul 2003 00:00:00 +0200",
     "date-repaired@0"},
    {S("Tue, 1 Jul 0103 10:52:37 +0200"), "Tue, 1 Jul 2003 10:52:37 +0200",
     "date-repaired@0 date-obsolete@0"},
    {S("1 Jul 2003 10:52:37 EST5EDT"), "Tue, 1 Jul 2003 10:52:37 -0500",
     "date-repaired@0 date-obsolete@0"},
    {S("1 Jul 2003 10:52:37 +200"), "Tue, 1 Jul 2003 10:52:37 +0200",
     "date-repaired@0"},
    {S("1 Jul 2003 10:52:37 +0200 junk"), "Tue, 1 Jul 2003 10:52:37 +0200",
     "date-repaired@0"},
    {S("31 Dec 9999 23:59:59 -0100"), "Fri, 31 Dec 9999 23:59:59 -0100", ""},
    {S("1 Jan 1900 00:00:00 +0100"), "Mon, 1 Jan 1900 00:00:00 +0100", ""},
};

static const row no_dates[] = {
    {S(""), "none", "date-invalid@0"},
    {S("yesterday"), "none", "date-invalid@0"},
    {S("1 Jul 99999 10:52:37 +0200"), "none", "date-invalid@0"},
    {S("1 Jul 2003 10:52:37 +9999"), "Tue, 1 Jul 2003 10:52:37 +0000 ?",
     "date-repaired@0 date-zone@0 date-loose@0"},
    {S("1 Jul 2003 10:52:37 +9959"), "Tue, 1 Jul 2003 10:52:37 +9959",
     "date-zone@0"},
    {S("1 Jul 2003 10:52:37 +99999999999999999999"),
     "Tue, 1 Jul 2003 10:52:37 +0000 ?",
     "date-repaired@0 date-zone@0 date-loose@0"},
    {S("1 Jul 2003 10:52:37 +020000"), "Tue, 1 Jul 2003 10:52:37 +0000 ?",
     "date-repaired@0 date-zone@0 date-loose@0"},
    {S("1 Jul 2003 10:52:37 +02:3"), "Tue, 1 Jul 2003 10:52:37 +0000 ?",
     "date-repaired@0 date-zone@0 date-loose@0"},
    {S("31 Feb 2003 10:52:37 +0200"), "none", "date-invalid@0"},
    {S("99999999999999999999 Jul 2003 10:52"), "none", "date-invalid@0"},
    {S("1 Jul 2003 24:00:00"), "none", "date-invalid@0"},
    {S("1 Jul 2003 10:99999999999999:00"), "none", "date-invalid@0"},
    {S("7/1/2003 10:52"), "none", "date-invalid@0"},
    {S("1 Jul 2003"), "none", "date-invalid@0"},
    {S("13 zzz 2021 09:55:06 +0200"), "none", "date-invalid@0"},
    {S("7 00 2026 19:14:51 +0000"), "none", "date-invalid@0"},
    {S("1 Jul 2003 13:00 PM"), "none", "date-invalid@0"},
    {S("some numbers 0 1 2"), "none", "date-invalid@0"},
    {S("(((((((((((((("), "none", "date-invalid@0"},
};

static void dates_of_real_mail_are_read(void **state)
{
    (void)state;
    CHECK(dates, show_date);
}

static void sec_068_dates_out_of_range_are_told(void **state)
{
    (void)state;
    CHECK(no_dates, show_date);
}

/* ---- identifiers ---- */

static void show_ids(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_msgids it;
    mk_str id;
    mk_msgids_init(&it, text, defects);
    while (mk_msgids_next(&it, &id)) {
        (void)mk_buf_add(b, id);
        (void)mk_buf_add_z(b, ";");
    }
    assert_false(mk_msgids_next(&it, &id));
}

static const row ids[] = {
    {S(" <1234@local.example>"), "1234@local.example;", ""},
    {S("<a@b> <c@d>\r\n\t(x)<e@[f]>"), "a@b;c@d;e@[f];", ""},
    {S("<a@b><c@d>"), "a@b;c@d;", ""},
    {S("<1234   @   local(blah)  .machine .example>"),
     "1234   @   local(blah)  .machine .example;", "header-msgid-obsolete@1"},
    {S("<\"a b\"@c>"), "\"a b\"@c;", "header-msgid-obsolete@1"},
    {S("Your mail of \"<today>\" <a@b>"), "a@b;", "header-msgid-obsolete@0"},
    {S(""), "", ""},
    {S("<>"), "", "header-msgid@1"},
    {S("<a@b"), "a@b;", "header-msgid@1"},
    {S("<a@b<c@d>"), "a@b;c@d;", "header-msgid@1"},
    {S("<no-at>"), "no-at;", "header-msgid@1"},
    {S("<a b@c>"), "a b@c;", "header-msgid@1"},
    {S("<a@b@c>"), "a@b@c;", "header-msgid@1"},
    {S("<a@b c>"), "a@b c;", "header-msgid@1"},
    {S(" a@b "), "a@b;", "header-msgid@1"},
    {S("m"), "m;", "header-msgid@0"},
    {S("mail of joe@example.org"), "joe@example.org;", "header-msgid@8"},
    {S("no id here"), "", ""},
};

static void message_identifiers_are_read(void **state)
{
    (void)state;
    CHECK(ids, show_ids);
}

static void show_path(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_address a;
    if (!mk_path_read(text, defects, &a)) {
        (void)mk_buf_add_z(b, "none");
        return;
    }
    (void)mk_buf_add_z(b, "<");
    assert_int_equal(mk_address_spec_format(&a, b), MK_OK);
    (void)mk_buf_add_z(b, ">");
}

static const row paths[] = {
    {S(" <a@b> "), "<a@b>", ""},
    {S("<>"), "<>", ""},
    {S(" (x) < > "), "<>", ""},
    {S("a@b"), "<a@b>", ""},
    {S("<@x:a@b>"), "<a@b>", ""},
    {S(""), "none", "header-path@0"},
    {S("<> x"), "<>", "header-path@3"},
    {S("Joe <a@b>"), "<a@b>", "header-path@0"},
    {S("a"), "<a>", "header-path@0"},
    {S("a@b, c@d"), "<a@b>", "header-path@0"},
    {S("x: a@b;"), "<a@b>", "header-path@0"},
    {S("x:;"), "none", "header-path@0"},
    {S(" x: ;"), "none", "header-path@1"},
};

static void paths_are_read(void **state)
{
    (void)state;
    CHECK(paths, show_path);
}

/* ---- Received ---- */

static void add(mk_buf *b, const char *name, mk_str value)
{
    if (value.len > 0) {
        (void)mk_buf_add_z(b, name);
        (void)mk_buf_add_c(b, '=');
        (void)mk_buf_add(b, value);
        (void)mk_buf_add_c(b, ';');
    }
}

static void show_received(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_received r;
    if (!mk_received_read(text, defects, &r)) {
        (void)mk_buf_add_z(b, "none");
        return;
    }
    add(b, "from", r.from_domain);
    add(b, "info", r.from_info);
    add(b, "by", r.by_domain);
    add(b, "by-info", r.by_info);
    add(b, "via", r.link);
    add(b, "with", r.protocol);
    add(b, "id", r.id);
    add(b, "for", r.for_path);
    add(b, "tls", r.tls);
    if (r.family != 0) {
        (void)mk_buf_add_u64(b, r.address[0]);
        (void)mk_buf_add_c(b, '/');
        (void)mk_buf_add_u64(b, r.family);
        (void)mk_buf_add_c(b, ';');
    }
    if (r.has_date) {
        (void)mk_buf_add_u64(b, (uint64_t)r.date.utc_s);
    }
}

static const row received[] = {
    {S(" from x.example (y.example [192.0.2.1]) by z.example (Postfix)\r\n"
       " via TCP with ESMTPS id ABC for <a@b>;\r\n 1 Jan 1970 00:00:07 +0000"),
     "from=x.example;info=y.example [192.0.2.1];by=z.example;by-info=Postfix;"
     "via=TCP;with=ESMTPS;id=ABC;for=a@b;192/4;7",
     ""},
    {S("from [192.0.2.1] by z ; 1 Jan 1970 00:00:07 +0000"),
     "from=[192.0.2.1];by=z;192/4;7", ""},
    {S("from x ([IPv6:2001:db8::1]) by z; 1 Jan 1970 00:00:07 +0000"),
     "from=x;info=[IPv6:2001:db8::1];by=z;32/6;7", ""},
    {S("from x (no [addr] [192.0.2.1]) by z (a;b) id \"c;d\"; 1 Jan 1970 "
       "00:00:07 +0000"),
     "from=x;info=no [addr] [192.0.2.1];by=z;by-info=a;b;id=\"c;d\";192/4;7",
     ""},
    {S("from x by z with ESMTPS id A\r\n tls TLS_AES_128_GCM_SHA256 (1.3)\r\n"
       " for <a@b>; 1 Jan 1970 00:00:07 +0000"),
     "from=x;by=z;with=ESMTPS;id=A;for=a@b;tls=TLS_AES_128_GCM_SHA256;7", ""},
    {S("from x by z with TLS tls A; 1 Jan 1970 00:00:07 +0000"),
     "from=x;by=z;with=TLS;tls=A;7", ""},
    {S("from x by z tls; 1 Jan 1970 00:00:07 +0000"), "from=x;by=z;7",
     "header-received@0"},
    {S("(qmail 7 invoked by uid 500); 1 Jan 1970 00:00:07 -0000"), "7",
     "header-received@0"},
    {S("by z with SMTP; 1 Jan 1970 00:00:07 +0000"), "by=z;with=SMTP;7",
     "header-received@0"},
    {S("from x by y by z; 1 Jan 1970 00:00:07 +0000"), "from=x;by=y;7",
     "header-received@0"},
    {S("from by z; 1 Jan 1970 00:00:07 +0000"), "by=z;7", "header-received@0"},
    {S("from x by z"), "from=x;by=z;", "header-received@0"},
    {S("from x by z; tomorrow"), "from=x;by=z;", "date-invalid@12"},
    {S("from x (open by z"), "from=x;info=open by z;", "header-received@0"},
    {S("from x (open (by) z)"), "from=x;info=open (by) z;",
     "header-received@0"},
    {S("from x (open (by z)"), "from=x;info=open (by z);", "header-received@0"},
    {S("from [192.0.2.1] (helo=[10.0.0.1]) by z; 1 Jan 1970 00:00:07 +0000"),
     "from=[192.0.2.1];info=helo=[10.0.0.1];by=z;192/4;7", ""},
    {S("from x (HELO [10.0.0.1]) by z; 1 Jan 1970 00:00:07 +0000"),
     "from=x;info=HELO [10.0.0.1];by=z;7", ""},
    {S("from x ([192.0.2.1] helo=[10.0.0.1]) by z; 1 Jan 1970 00:00:07 +0000"),
     "from=x;info=[192.0.2.1] helo=[10.0.0.1];by=z;192/4;7", ""},
    {S("from x (ehlo\t[10.0.0.1] y [192.0.2.1]) by z; 1 Jan 1970 00:00:07 "
       "+0000"),
     "from=x;info=ehlo\t[10.0.0.1] y [192.0.2.1];by=z;192/4;7", ""},
    {S("from x (y[192.0.2.1]) by z; 1 Jan 1970 00:00:07 +0000"),
     "from=x;info=y[192.0.2.1];by=z;192/4;7", ""},
    {S(""), "none", "header-received@0"},
    {S("nothing of it"), "none", "header-received@0"},
};

static void trace_fields_are_read(void **state)
{
    (void)state;
    CHECK(received, show_received);
}

/* ---- Authentication-Results ---- */

static void show_results(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_auth_results it;
    mk_auth_item i;
    mk_auth_results_init(&it, text, defects);
    add(b, "server", it.server);
    add(b, "version", it.version);
    while (mk_auth_results_next(&it, &i)) {
        add(b, "/", i.kind == MK_AUTH_ITEM_RESULT ? i.version : i.property);
        add(b, "method", i.method);
        add(b, "result",
            i.kind == MK_AUTH_ITEM_RESULT ? i.result : mk_str_of(NULL, 0));
        add(b, "ptype", i.ptype);
        add(b, "value", i.value);
    }
}

static const row results[] = {
    {S(" example.org 1; none"), "server=example.org;version=1;", ""},
    {S("example.com;\r\n spf=pass smtp.mailfrom=example.net"),
     "server=example.com;method=spf;result=pass;/=mailfrom;method=spf;"
     "ptype=smtp;value=example.net;",
     ""},
    {S("example.com; dkim/1=fail reason=\"bad \\\"x\\\"\" "
       "header.i=@example.net "
       "(c); auth=pass"),
     "server=example.com;/=1;method=dkim;result=fail;method=dkim;"
     "value=bad \\\"x\\\";/=i;method=dkim;ptype=header;value=@example.net;"
     "method=auth;result=pass;",
     ""},
    {S("\"a b\" ; x = y p . q = \"z\"@w"),
     "server=a b;method=x;result=y;/=q;method=x;ptype=p;value=\"z\"@w;", ""},
    {S(""), "", "header-auth-results@0"},
    {S("example.com"), "server=example.com;", "header-auth-results@11"},
    {S("example.com; spf"), "server=example.com;", "header-auth-results@13"},
    {S("example.com; spf="), "server=example.com;", "header-auth-results@13"},
    {S("example.com; spf=pass junk; dkim=pass"),
     "server=example.com;method=spf;result=pass;method=dkim;result=pass;",
     "header-auth-results@22"},
    {S("example.com; =pass header.d=x"), "server=example.com;",
     "header-auth-results@13"},
    {S("example.com; spf=pass; none a.b=c"),
     "server=example.com;method=spf;result=pass;", "header-auth-results@28"},
    {S("example.com; spf=pass(c) a.b=c(d)"),
     "server=example.com;method=spf;result=pass;/=b;method=spf;ptype=a;"
     "value=c;",
     ""},
    {S("example.com; spf=pass .b=c x=y a.c=d"),
     "server=example.com;method=spf;result=pass;/=c;method=spf;ptype=a;"
     "value=d;",
     "header-auth-results@22"},
    {S("example.com; spf=pass x=y"),
     "server=example.com;method=spf;result=pass;", "header-auth-results@22"},
    {S("example.com x; spf=pass"),
     "server=example.com;version=x;method=spf;result=pass;",
     "header-auth-results@13"},
    {S("example.com; spf=pass reason=\"open"),
     "server=example.com;method=spf;result=pass;method=spf;value=open;",
     "header-auth-results@34"},
    {S("example.com; spf=pass (open"),
     "server=example.com;method=spf;result=pass;", "header-auth-results@27"},
    {S("\"open; spf=pass"), "server=open; spf=pass;", "header-auth-results@15"},
};

static void authentication_results_are_read(void **state)
{
    (void)state;
    CHECK(results, show_results);
}

/* ---- lists ---- */

static void show_uris(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_list_uris it;
    mk_str uri;
    mk_list_uris_init(&it, text, defects);
    (void)mk_buf_add_z(b, it.is_no ? "NO" : "");
    while (mk_list_uris_next(&it, &uri)) {
        (void)mk_buf_add(b, uri);
        (void)mk_buf_add_z(b, ";");
    }
}

static const row uris[] = {
    {S("<http://www.host.com/list/>, <mailto:list@host.com?subject=help>"),
     "http://www.host.com/list/;mailto:list@host.com?subject=help;", ""},
    {S("(help me) <ftp://x> (FTP),\r\n <mailto:y>"), "ftp://x;mailto:y;", ""},
    {S("NO (posting not allowed on this list)"), "NO", ""},
    {S(""), "", ""},
    {S("mailto:x"), "", "header-list@0"},
    {S("NO, <mailto:x>"), "mailto:x;", "header-list@0"},
    {S("<mailto:x"), "mailto:x;", "header-list@0"},
    {S("a <b> c"), "b;", "header-list@0 header-list@6"},
};

static void show_list_id(mk_str text, mk_defects *defects, mk_buf *b)
{
    mk_str name, id;
    if (!mk_list_id_read(text, defects, &name, &id)) {
        (void)mk_buf_add_z(b, "none");
        return;
    }
    (void)mk_buf_add(b, name);
    (void)mk_buf_add_z(b, "|");
    (void)mk_buf_add(b, id);
}

static const row list_ids[] = {
    {S(" List Header Mailing List <list-header.nisto.com>"),
     "List Header Mailing List|list-header.nisto.com", ""},
    {S("<commonspace-users.list-id.within.com>"),
     "|commonspace-users.list-id.within.com", ""},
    {S("\"Lena's <Personal> List\" <lenas.example.org>"),
     "\"Lena's <Personal> List\"|lenas.example.org", ""},
    {S("list.example.org"), "|list.example.org", "header-list@0"},
    {S("<list.example.org"), "|list.example.org", "header-list@17"},
    {S(" "), "none", ""},
};

static void list_fields_are_read(void **state)
{
    (void)state;
    CHECK(uris, show_uris);
    CHECK(list_ids, show_list_id);
}

static void nothing_is_told_to_nobody(void **state)
{
    char mem[512];
    mk_buf b;
    (void)state;
    mk_buf_init(&b, mem, sizeof mem);
    show_received(mk_str_z("from x; junk"), NULL, &b);
    show_results(mk_str_z(""), NULL, &b);
    show_uris(mk_str_z("x"), NULL, &b);
    show_ids(mk_str_z("<"), NULL, &b);
    show_date(mk_str_z("x"), NULL, &b);
    assert_true(b.len > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_of_real_mail_are_read),
        cmocka_unit_test(sec_068_dates_out_of_range_are_told),
        cmocka_unit_test(message_identifiers_are_read),
        cmocka_unit_test(paths_are_read),
        cmocka_unit_test(trace_fields_are_read),
        cmocka_unit_test(authentication_results_are_read),
        cmocka_unit_test(list_fields_are_read),
        cmocka_unit_test(nothing_is_told_to_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
