/* SPDX-License-Identifier: MIT
 *
 * sasl/names.c: the names of mechanisms (RFC 4422 3.1) and lists of them as
 * EHLO, CAPA and CAPABILITY give them. Matching is without case; what is not
 * known is passed over.
 */
#include <mailkit/sasl.h>

static const struct {
    mk_sasl_mechanism mechanism;
    const char *name;
} names[] = {
    {MK_SASL_SCRAM_SHA_256_PLUS, "SCRAM-SHA-256-PLUS"},
    {MK_SASL_SCRAM_SHA_1_PLUS, "SCRAM-SHA-1-PLUS"},
    {MK_SASL_SCRAM_SHA_256, "SCRAM-SHA-256"},
    {MK_SASL_SCRAM_SHA_1, "SCRAM-SHA-1"},
    {MK_SASL_CRAM_MD5, "CRAM-MD5"},
    {MK_SASL_PLAIN, "PLAIN"},
    {MK_SASL_LOGIN, "LOGIN"},
    {MK_SASL_OAUTHBEARER, "OAUTHBEARER"},
    {MK_SASL_XOAUTH2, "XOAUTH2"},
    {MK_SASL_EXTERNAL, "EXTERNAL"},
    {MK_SASL_ANONYMOUS, "ANONYMOUS"},
};

enum { NAMES = sizeof names / sizeof names[0] };

const char *mk_sasl_name(mk_sasl_mechanism mechanism)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (names[i].mechanism == mechanism) {
            return names[i].name;
        }
    }
    return "";
}

mk_sasl_mechanism mk_sasl_find(mk_str name)
{
    for (size_t i = 0; i < NAMES; i++) {
        if (mk_str_is_nocase(name, mk_str_z(names[i].name))) {
            return names[i].mechanism;
        }
    }
    return MK_SASL_NONE;
}

uint32_t mk_sasl_parse(mk_str list)
{
    uint32_t found = 0;
    while (list.len > 0) {
        size_t n = mk_str_find(list, ' ');
        found |= (uint32_t)mk_sasl_find(mk_str_sub(list, 0, n));
        list = mk_str_sub(list, n + 1, SIZE_MAX);
    }
    return found;
}
