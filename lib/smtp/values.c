/* SPDX-License-Identifier: MIT
 *
 * smtp/values.c: see values.h. Each is linear in its octets, looks at all of
 * them before it says yes, keeps nothing of them, and does not know what a
 * value is for.
 */
#include "smtp/values.h"

#include "base/ascii.h"

/* Solicitation-keywords = word 0*("," word); word = ALPHA 0*(wordchar);
 * wordchar = ("." / "-" / "_" / ":" / ALPHA / DIGIT) (RFC 3865 2.2) */
bool mk_smtp_is_solicit(mk_str keywords)
{
    enum { SOLICIT_MAX = 1000 };
    bool is_first = true;
    bool fine = keywords.len <= SOLICIT_MAX;
    for (size_t i = 0; i < keywords.len && fine; i++) {
        unsigned char c = mk_octet_at(keywords, i);
        bool is_mark = c == '.' || c == '-' || c == '_' || c == ':';
        fine =
            is_first ? mk_is_alpha(c) : mk_is_alnum(c) || is_mark || c == ',';
        is_first = c == ',';
    }
    return fine && !is_first;
}
