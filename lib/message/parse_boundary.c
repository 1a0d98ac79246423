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

/* Digits of the mode of a file in uuencode. */
enum { MODE_MIN = 3, MODE_MAX = 4 };

/* The first eight octets, NUL for those that are not there. */
static uint64_t tag_of(const char *ptr, size_t n)
{
    uint64_t tag = 0;
    memcpy(&tag, ptr, n < sizeof tag ? n : sizeof tag);
    return tag;
}

/* ---- the boundaries of the open multiparts ------------------------------- */

/* What others may take for another boundary (RFC 2046 5.1.1: none ends with
 * white space). */
static void tell_boundary(mk_message *m, const level *l)
{
    const char *own = m->store + l->boundary_at;
    if (mk_is_wsp((unsigned char)own[l->boundary_len - 1])) {
        mk_parse_tell(m, MK_DEFECT_MIME_BOUNDARY_SPACE, l->part.offset, 0);
    }
    for (const level *k = m->levels; k < l; k++) {
        if (k->boundary_len == l->boundary_len &&
            k->boundary_tag == l->boundary_tag &&
            memcmp(m->store + k->boundary_at, own, l->boundary_len) == 0) {
            mk_parse_tell(m, MK_DEFECT_MIME_BOUNDARY_SAME, l->part.offset, 0);
            return;
        }
    }
}

bool mk_parse_keep_boundary(mk_message *m, level *l)
{
    const mime_facts *f = &m->facts;
    uint32_t n = f->boundary_len;
    bool trims = mk_parse_reads(m, MK_READING_LOOSE) ||
                 mk_parse_reads(m, MK_READING_TRIM);
    while (trims && n > 1 && n <= MIME_BOUNDARY_MAX &&
           mk_is_wsp((unsigned char)f->boundary[n - 1])) {
        n--;
    }
    if (!f->has_boundary || n == 0) {
        mk_parse_tell(m, MK_DEFECT_MIME_NO_BOUNDARY, l->part.offset, 0);
        return false;
    }
    if (n > m->config.max_boundary_bytes || n > m->store_max - m->store_len) {
        mk_parse_tell(m, MK_DEFECT_MIME_LONG_BOUNDARY, l->part.offset, 0);
        return false;
    }
    memcpy(m->store + m->store_len, f->boundary, n);
    l->boundary_at = m->store_len;
    l->boundary_len = n;
    l->boundary_tag = tag_of(f->boundary, n);
    l->tag_mask = tag_of("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", n);
    m->store_len += n;
    tell_boundary(m, l);
    if (n > m->longest) {
        m->longest = n;
    }
    return true;
}

void mk_parse_forget_boundary(mk_message *m, const level *l)
{
    if (l->boundary_len == 0) {
        return;
    }
    m->store_len = l->boundary_at;
    m->longest = 0;
    for (uint32_t i = 0; i < m->depth; i++) {
        if (m->levels[i].boundary_len > m->longest) {
            m->longest = m->levels[i].boundary_len;
        }
    }
}

/* ---- lines --------------------------------------------------------------- */

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
    if (n == 0 || mk_is_space((unsigned char)ptr[0])) {
        return DELIMITER_NEXT;
    }
    if (n >= 2 && ptr[0] == '-' && ptr[1] == '-' &&
        (n == 2 || mk_is_space((unsigned char)ptr[2]))) {
        *out_length = 2;
        return DELIMITER_LAST;
    }
    return DELIMITER_PREFIX;
}

/* Compare with each open multipart; text is what stands behind "--". A hundred
 * may be open, so most are told apart without a call. */
static delimiter choose(const mk_message *m, mk_str text)
{
    delimiter found = {DELIMITER_NOT, 0, 0};
    uint64_t tag = tag_of(text.ptr, text.len);
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

/* Does the line begin with word and then, when it has one, a mode: three or
 * four digits of octal and a space? Programs of old put files into text like
 * that. */
static delimiter_kind file_begins(mk_str line, bool is_all, mk_str word,
                                  bool has_mode, delimiter_kind kind)
{
    size_t n = line.len < word.len ? line.len : word.len;
    if (memcmp(line.ptr, word.ptr, n) != 0) {
        return DELIMITER_NOT;
    }
    size_t at = word.len;
    while (has_mode && at < line.len && at < word.len + MODE_MAX &&
           mk_octet_at(line, at) >= '0' && mk_octet_at(line, at) <= '7') {
        at++;
    }
    if (at >= line.len && (has_mode || n < word.len)) {
        return is_all ? DELIMITER_NOT : DELIMITER_NEED;
    }
    return !has_mode || (at >= word.len + MODE_MIN && line.ptr[at] == ' ')
               ? kind
               : DELIMITER_NOT;
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
        d.kind = file_begins(line, m->eof, begin, true, DELIMITER_UUENCODE);
    } else {
        d.kind = file_begins(line, m->eof, ybegin, false, DELIMITER_YENC);
    }
    return d;
}
