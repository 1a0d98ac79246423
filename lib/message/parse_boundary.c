/* SPDX-License-Identifier: MIT
 *
 * message/parse_boundary.c: is a line a delimiter, and whose (RFC 2046 5.1.1)?
 *
 *   delimiter := "--" boundary, at the beginning of a line
 *   close-delimiter := delimiter "--"
 *   transport-padding := *LWSP-char
 *
 * What follows the boundary must not go on like one, so that a boundary which
 * begins with another one is safe; behind white space anything may follow. It
 * refuses to choose by order: the longest boundary of an open multipart counts,
 * the innermost of equal ones. Other readings (mk_reading) have other rules.
 */
#include "base/ascii.h"
#include "message/parse_internal.h"

#include <string.h>

static bool ends_boundary(unsigned char c)
{
    return mk_is_wsp(c) || c == '\r' || c == '\n';
}

/* What stands behind the boundary, of n octets; at their end ends the line. */
static delimiter_kind behind(const mk_message *m, const char *ptr, size_t n,
                             size_t *out_length)
{
    *out_length = 0;
    if (m->config.reading != 0) {
        delimiter_kind kind = mk_parse_behind(m, ptr, n, out_length);
        if (kind != DELIMITER_NOT) {
            return kind;
        }
    }
    if (n == 0 || ends_boundary((unsigned char)ptr[0])) {
        return DELIMITER_NEXT;
    }
    if (n >= 2 && ptr[0] == '-' && ptr[1] == '-' &&
        (n == 2 || ends_boundary((unsigned char)ptr[2]))) {
        *out_length = 2;
        return DELIMITER_LAST;
    }
    return DELIMITER_PREFIX;
}

uint64_t mk_parse_tag(const char *ptr, size_t n)
{
    uint64_t tag = 0;
    memcpy(&tag, ptr, n < sizeof tag ? n : sizeof tag);
    return tag;
}

/* Compare with each open multipart; text is what stands behind "--". A hundred
 * may be open, so most are told apart without a call. */
static delimiter choose(const mk_message *m, mk_str text)
{
    delimiter found = {DELIMITER_NOT, 0, 0};
    uint64_t tag = mk_parse_tag(text.ptr, text.len);
    size_t best = 0;
    size_t least = 1;
    for (uint32_t i = m->depth; i > 0; i--) {
        const level *l = &m->levels[i - 1];
        size_t length;
        if ((tag & l->tag_mask) != l->boundary_tag || l->boundary_len == 0 ||
            l->boundary_len > text.len || l->boundary_len < least ||
            memcmp(m->store + l->boundary_at, text.ptr, l->boundary_len) != 0) {
            continue;
        }
        delimiter_kind kind = behind(m, text.ptr + l->boundary_len,
                                     text.len - l->boundary_len, &length);
        if (kind == DELIMITER_PREFIX) {
            found.kind = best == 0 ? DELIMITER_PREFIX : found.kind;
            continue;
        }
        if ((l->part.flags & MK_PART_CLOSED) != 0 &&
            !mk_parse_reads(m, MK_READING_LOOSE)) {
            found.kind = best == 0 ? DELIMITER_CLOSED : found.kind;
            continue;
        }
        best = l->boundary_len;
        least = mk_parse_reads(m, MK_READING_OUTER) ? best : best + 1;
        found.kind = kind;
        found.level = i - 1;
        found.length = 2 + best + length;
    }
    return found;
}

delimiter mk_parse_delimiter(const mk_message *m, const char *ptr, size_t n)
{
    static const delimiter no = {DELIMITER_NOT, 0, 0};
    static const delimiter need = {DELIMITER_NEED, 0, 0};
    size_t enough = (size_t)m->longest + 6;
    size_t have = n < enough ? n : enough;
    if (m->longest == 0 || (n >= 2 && ptr[1] != '-')) {
        return no;
    }
    const char *feed = memchr(ptr, '\n', have);
    if (feed == NULL && n < enough && !m->eof) {
        return need;
    }
    if (feed != NULL) {
        have = (size_t)(feed - ptr) + 1;
    }
    return have < 2 ? no : choose(m, mk_str_of(ptr + 2, have - 2));
}

/* Does the line begin with word and then digits of octal, at least `digits` and
 * a space? Programs of old put files into text like that. */
static delimiter_kind file_begins(mk_str line, bool is_all, mk_str word,
                                  unsigned digits, delimiter_kind kind)
{
    size_t n = line.len < word.len ? line.len : word.len;
    if (memcmp(line.ptr, word.ptr, n) != 0) {
        return DELIMITER_NOT;
    }
    for (size_t i = word.len; i < word.len + digits && i < line.len; i++) {
        if (!mk_is_digit(mk_octet_at(line, i))) {
            return DELIMITER_NOT;
        }
    }
    if (line.len >= word.len + digits) {
        return kind;
    }
    return is_all ? DELIMITER_NOT : DELIMITER_NEED;
}

delimiter mk_parse_line(const mk_message *m, const char *ptr, size_t n)
{
    static const mk_str begin = MK_STR_INIT("begin ");
    static const mk_str ybegin = MK_STR_INIT("=ybegin ");
    delimiter d = {DELIMITER_NOT, 0, 0};
    mk_str line = mk_str_of(ptr, n);
    if (ptr[0] == '-') {
        return mk_parse_delimiter(m, ptr, n);
    }
    if (ptr[0] == 'b') {
        d.kind = file_begins(line, m->eof, begin, 3, DELIMITER_UUENCODE);
    } else {
        d.kind = file_begins(line, m->eof, ybegin, 0, DELIMITER_YENC);
    }
    return d;
}
