/* SPDX-License-Identifier: MIT
 *
 * err.c: names and texts of the errors, made from the one table in base.h,
 * and the version of the library as linked. The texts say what happened and
 * never quote octets of a peer.
 */
#include <mailkit/base.h>

#define TEXT_OF(x) #x
#define VERSION_TEXT(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)

const char *mk_version(void)
{
    return VERSION_TEXT(MK_VERSION_MAJOR, MK_VERSION_MINOR, MK_VERSION_PATCH);
}

const char *mk_err_name(mk_err err)
{
    switch ((int)err) {
#define NAME_CASE(name, value, text)                                           \
    case (value):                                                              \
        return #name;
        MK_ERR_TABLE(NAME_CASE)
#undef NAME_CASE
    default:
        return "?";
    }
}

const char *mk_err_text(mk_err err)
{
    switch ((int)err) {
#define TEXT_CASE(name, value, text)                                           \
    case (value):                                                              \
        return text;
        MK_ERR_TABLE(TEXT_CASE)
#undef TEXT_CASE
    default:
        return "unknown error";
    }
}
