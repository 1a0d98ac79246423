/* SPDX-License-Identifier: MIT
 *
 * smtp/extensions.c: the rows of extensions.h, and their names for programs; a
 * build for small clients has the first of them. What a row means is in the
 * tables of the roles: logic does not live here.
 */
#include "smtp/extensions.h"

/* clang-format off */
const char mk_smtp_keywords[SMTP_EXTENSIONS][SMTP_KEYWORD_MAX + 1] = {
    "PIPELINING",          /* RFC 2920 */
    "SIZE",                /* RFC 1870 */
    "8BITMIME",            /* RFC 6152 */
    "ENHANCEDSTATUSCODES", /* RFC 2034 */
    "STARTTLS",            /* RFC 3207 */
    "AUTH",                /* RFC 4954 */
#ifndef MK_NO_SMTP_EXTENSIONS
    "CHUNKING",            /* RFC 3030 */
    "BINARYMIME",          /* RFC 3030 */
    "DSN",                 /* RFC 3461 */
    "SMTPUTF8",            /* RFC 6531 */
    "LIMITS",              /* RFC 9422 */
    "REQUIRETLS",          /* RFC 8689 */
    "MT-PRIORITY",         /* RFC 6710 */
    "DELIVERBY",           /* RFC 2852 */
    "FUTURERELEASE",       /* RFC 4865 */
    "ETRN",                /* RFC 1985 */
    "NO-SOLICITING",       /* RFC 3865 */
    "XCLIENT",             /* of Postfix */
    "XFORWARD",            /* of Postfix */
    "CLIENTID",            /* an expired draft */
#endif
};
/* clang-format on */

_Static_assert(SMTP_KNOWN == (1U << SMTP_EXTENSIONS) - 1, "a row for each bit");

const char *mk_smtp_extension_name(mk_smtp_extension extension)
{
    for (unsigned i = 0; i < SMTP_EXTENSIONS; i++) {
        if ((uint32_t)extension == UINT32_C(1) << i) {
            return mk_smtp_keywords[i];
        }
    }
    return "?";
}

uint32_t mk_smtp_extension_find(mk_str keyword)
{
    for (unsigned i = 0; i < SMTP_EXTENSIONS; i++) {
        if (mk_str_is_nocase(keyword, mk_str_z(mk_smtp_keywords[i]))) {
            return UINT32_C(1) << i;
        }
    }
    return 0;
}
