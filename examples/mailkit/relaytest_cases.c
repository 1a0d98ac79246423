/* SPDX-License-Identifier: MIT
 *
 * relaytest_cases.c: see relaytest_cases.h. A row is a way in which some server
 * once took a stranger's mail for a stranger: the percent hack (RFC 1123
 * 5.2.16), bang paths, quotes around an @, source routes (RFC 5321 appendix C),
 * more than one @, a domain that is empty or ends with a dot.
 */
#include "relaytest_cases.h"

/* clang-format off */
const relay_case relay_cases[] = {
    {"F",            "T"},
    /* senders that nobody checks, or that seem to be of the house */
    {"",             "T"},
    {"U@N",          "T"},
    {"postmaster@N", "T"},
    {"U@A",          "T"},
    {"U@localhost",  "T"},
    {"U",            "T"},
    /* what only looks local */
    {"F",            "T."},
    {"F",            "\"T\""},
    {"F",            "U%V"},
    {"F",            "\"U%V\""},
    {"F",            "V!U"},
    {"F",            "U@[192.0.2.1]"},
    /* through the server's name */
    {"F",            "\"T\"@N"},
    {"F",            "U%V@N"},
    {"F",            "\"U%V\"@N"},
    {"F",            "V!U@N"},
    {"F",            "@N:T"},
    {"F",            "@N,@V:T"},
    {"F",            "T@N"},
    {"F",            "V!U%N@N"},
    /* through its address */
    {"F",            "\"T\"@A"},
    {"F",            "U%V@A"},
    {"F",            "V!U@A"},
    {"F",            "@A:T"},
    {"F",            "T@A"},
    /* through its name with the root's dot, as localhost, or left out */
    {"F",            "U%V@N."},
    {"F",            "T@N."},
    {"F",            "U%V@localhost"},
    {"F",            "U%V@"},
    {"F",            "T@"},
    /* both at once */
    {"U@N",          "U%V@N"},
    {"",             "@N:T"},
};
/* clang-format on */
const size_t relay_case_count = sizeof relay_cases / sizeof relay_cases[0];

static mk_str value_of(const char *at, const relay_names *names)
{
    switch (*at) {
    case 'F':
        return names->sender;
    case 'T':
        return names->recipient;
    case 'U':
        return names->user;
    case 'V':
        return names->victim;
    case 'N':
        return names->name;
    case 'A':
        return names->address;
    default:
        return mk_str_of(at, 1);
    }
}

bool relay_path(const char *pattern, const relay_names *names, mk_buf *out)
{
    mk_err r = MK_OK;

    for (; r == MK_OK && *pattern != '\0'; pattern++) {
        r = mk_buf_add(out, value_of(pattern, names));
    }
    return r == MK_OK;
}
