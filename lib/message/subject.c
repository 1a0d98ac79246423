/* SPDX-License-Identifier: MIT
 *
 * message/subject.c: the base subject (RFC 5256 2.1, the grammar of its 5).
 * Each rule looks at one end of the text and takes something off it, so that
 * the whole is linear: a row of blobs is looked at once. It compares nothing:
 * that is a collation's.
 */
#include <mailkit/envelope.h>

#include "base/ascii.h"

#include <string.h>

/* subj-blob = "[" *BLOBCHAR "]" *WSP: octets, or 0. */
static size_t blob(mk_str s)
{
    size_t i = 1;
    if (s.len == 0 || s.ptr[0] != '[') {
        return 0;
    }
    while (i < s.len && s.ptr[i] != '[' && s.ptr[i] != ']') {
        i++;
    }
    if (i == s.len || s.ptr[i] == '[') {
        return 0;
    }
    for (i++; i < s.len && s.ptr[i] == ' '; i++) {
    }
    return i;
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":": octets, or 0. */
static size_t refwd(mk_str s)
{
    static const char *const words[] = {"re", "fwd", "fw"};
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        if (!mk_str_has_prefix_nocase(s, mk_str_z(words[k]))) {
            continue;
        }
        size_t i = strlen(words[k]);
        while (i < s.len && s.ptr[i] == ' ') {
            i++;
        }
        i += blob(mk_str_sub(s, i, SIZE_MAX));
        return i < s.len && s.ptr[i] == ':' ? i + 1 : 0;
    }
    return 0;
}

static bool cut_trailer(mk_str *io, bool *io_is_reply)
{
    static const char fwd[] = "(fwd)";
    size_t n = sizeof fwd - 1;
    if (io->len > 0 && io->ptr[io->len - 1] == ' ') {
        io->len--;
        return true;
    }
    if (io->len >= n &&
        mk_str_is_nocase(mk_str_sub(*io, io->len - n, n), mk_str_z(fwd))) {
        io->len -= n;
        *io_is_reply = true;
        return true;
    }
    return false;
}

/* Rules (3) and (4), once: a leader, or the blobs that lead to none. Of these
 * one is the base itself when nothing is behind it. */
static bool cut_leader(mk_str *io, bool *io_is_reply)
{
    size_t last = 0;
    size_t at = 0;
    size_t n;
    if (io->len > 0 && io->ptr[0] == ' ') {
        *io = mk_str_sub(*io, 1, SIZE_MAX);
        return true;
    }
    while ((n = blob(mk_str_sub(*io, at, SIZE_MAX))) > 0) {
        last = at;
        at += n;
    }
    n = refwd(mk_str_sub(*io, at, SIZE_MAX));
    if (n > 0) {
        *io_is_reply = true;
    } else if (at == io->len) {
        at = last;
    }
    *io = mk_str_sub(*io, at + n, SIZE_MAX);
    return at + n > 0;
}

/* Rule (6). */
static bool cut_forward(mk_str *io, bool *io_is_reply)
{
    static const char header[] = "[fwd:";
    size_t n = sizeof header - 1;
    if (io->len <= n || io->ptr[io->len - 1] != ']' ||
        !mk_str_has_prefix_nocase(*io, mk_str_z(header))) {
        return false;
    }
    *io = mk_str_sub(*io, n, io->len - n - 1);
    *io_is_reply = true;
    return true;
}

/* Rule (1): tabs and runs of white space become one space. */
static mk_str squeeze(char *ptr, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = ptr[i] == '\t' ? ' ' : ptr[i];
        if (c != ' ' || n == 0 || ptr[n - 1] != ' ') {
            ptr[n] = c;
            n++;
        }
    }
    return mk_str_of(ptr, n);
}

mk_err mk_subject_base(mk_str value, const mk_charset_table *table, mk_buf *out,
                       bool *out_is_reply)
{
    size_t start = out->len;
    bool is_reply = false;
    mk_err err = mk_words_decode(value, table, out, NULL);
    if (err != MK_OK) {
        out->len = start;
        return err;
    }
    mk_str s = squeeze(out->ptr + start, out->len - start);
    do {
        while (cut_trailer(&s, &is_reply)) {
        }
        while (cut_leader(&s, &is_reply)) {
        }
    } while (cut_forward(&s, &is_reply));
    if (s.len > 0) {
        memmove(out->ptr + start, s.ptr, s.len);
    }
    out->len = start + s.len;
    if (out_is_reply != NULL) {
        *out_is_reply = is_reply;
    }
    return MK_OK;
}
