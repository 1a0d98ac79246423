/* SPDX-License-Identifier: MIT
 *
 * store/maildir_name.c: names inside and above a Maildir: which domains and
 * users may be directories, the unique name of a delivery, and the sizes in
 * a file's name. It refuses '/', control octets and leading dots from
 * outside (THREATS 104), and never formats a name beyond 255 octets.
 */
#include <mailkit/store.h>

#include <string.h>

#define HOST_MAX 96u /* octets of the host in a name, escapes counted */

/* An odd number of 64 bits: each attempt gets another random part. */
#define ATTEMPT_STEP UINT64_C(0x9E3779B97F4A7C15)

mk_err mk_maildir_name_check(mk_str name)
{
    size_t i;

    if (name.len == 0 || name.len > MK_VFS_NAME_MAX || name.ptr[0] == '.') {
        return MK_E_ARG;
    }
    for (i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];

        if (c < 0x20) {
            return MK_E_CTL;
        }
        if (c == '/' || c == 0x7F) {
            return MK_E_ARG;
        }
    }
    return MK_OK;
}

static bool is_plain(unsigned char c)
{
    return c > 0x20 && c < 0x7F && c != '/' && c != ':' && c != ',' &&
           c != '\\';
}

static void host_add(mk_buf *b, mk_str host)
{
    size_t room = HOST_MAX;
    size_t i;

    if (host.len == 0) {
        host = mk_str_z("localhost");
    }
    for (i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.ptr[i];
        size_t need = is_plain(c) ? 1 : 4;

        if (need > room) {
            return;
        }
        room -= need;
        if (need == 1) {
            (void)mk_buf_add_c(b, (char)c);
        } else {
            (void)mk_buf_add_c(b, '\\');
            (void)mk_buf_add_c(b, (char)('0' + (c >> 6)));
            (void)mk_buf_add_c(b, (char)('0' + ((c >> 3) & 7)));
            (void)mk_buf_add_c(b, (char)('0' + (c & 7)));
        }
    }
}

static void hex16_add(mk_buf *b, uint64_t value)
{
    int shift;

    for (shift = 60; shift >= 0; shift -= 4) {
        (void)mk_buf_add_c(b, "0123456789abcdef"[(value >> shift) & 15]);
    }
}

size_t mk_maildir_name_format(const mk_maildir_stamp *stamp, unsigned attempt,
                              char *out_name)
{
    mk_buf b;

    /* At most 20 + 8 + 11 + 21 + 17 + 1 + HOST_MAX octets: it always fits. */
    mk_buf_init(&b, out_name, MK_VFS_NAME_MAX);
    (void)mk_buf_add_u64(&b, stamp->wall_us / 1000000);
    (void)mk_buf_add_z(&b, ".M");
    (void)mk_buf_add_u64(&b, stamp->wall_us % 1000000);
    (void)mk_buf_add_c(&b, 'P');
    (void)mk_buf_add_u64(&b, stamp->pid);
    (void)mk_buf_add_c(&b, 'Q');
    (void)mk_buf_add_u64(&b, stamp->seq);
    (void)mk_buf_add_c(&b, 'R');
    hex16_add(&b, stamp->random + attempt * ATTEMPT_STEP);
    (void)mk_buf_add_c(&b, '.');
    host_add(&b, stamp->host);
    out_name[b.len] = '\0';
    return b.len;
}

/* One ",K=number" part; of two the first counts, a malformed one not. */
static void size_part(mk_str part, mk_maildir_name *m)
{
    uint64_t value;

    if (part.len < 3 || part.ptr[1] != '=' ||
        mk_str_u64(mk_str_sub(part, 2, SIZE_MAX), &value) != MK_OK) {
        return;
    }
    if (part.ptr[0] == 'S' && !m->has_disk_bytes) {
        m->has_disk_bytes = true;
        m->disk_bytes = value;
    }
    if (part.ptr[0] == 'W' && !m->has_wire_bytes) {
        m->has_wire_bytes = true;
        m->wire_bytes = value;
    }
}

mk_err mk_maildir_name_parse(mk_str name, mk_maildir_name *out_parts)
{
    size_t colon = mk_str_find(name, ':');
    mk_str head = mk_str_sub(name, 0, colon);
    mk_str tail = mk_str_sub(name, colon + 1, SIZE_MAX);
    size_t comma = mk_str_find(head, ',');
    mk_maildir_name m;

    memset(&m, 0, sizeof m);
    m.base = mk_str_sub(head, 0, comma);
    if (m.base.len == 0 || m.base.ptr[0] == '.') {
        return MK_E_SYNTAX;
    }
    while (comma < head.len) {
        head = mk_str_sub(head, comma + 1, SIZE_MAX);
        comma = mk_str_find(head, ',');
        size_part(mk_str_sub(head, 0, comma), &m);
    }
    if (tail.len >= 2 && tail.ptr[0] == '2' && tail.ptr[1] == ',') {
        m.flags = mk_str_sub(tail, 2, SIZE_MAX);
    }
    *out_parts = m;
    return MK_OK;
}
