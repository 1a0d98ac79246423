/* SPDX-License-Identifier: MIT
 *
 * trace.c: the fields that final delivery puts on top of a message:
 * Return-Path: and Received: (RFC 5321 4.4), the id of a transaction, and
 * addresses as literals (RFC 5321 4.1.3, RFC 5952). What the peer said goes
 * in only as far as the grammar lets it: a HELO name that is not a host name
 * stands escaped in a comment (THREATS 27). That there was TLS or a login is
 * told (RFC 3848, RFC 6531 4.3), who logged in is not. Local time is not known
 * here, so the date is in UTC.
 */
#include <string.h>

#include <mailkit/date.h>

#include "base/ascii.h"
#include "internal.h"

/* A comment is never longer than a line may be mostly. */
#define HELO_SHOWN 48u
#define VERSION_SHOWN 12u
#define CIPHER_SHOWN 64u

void mk_agent_id_format(uint64_t wall_us, uint64_t seq, uint32_t random,
                        char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    for (unsigned i = 0; i < 11; i++) {
        out[i] = digits[(wall_us >> (5 * (10 - i))) & 31];
    }
    for (unsigned i = 0; i < 4; i++) {
        out[11 + i] = digits[(seq >> (5 * (3 - i))) & 31];
    }
    for (unsigned i = 0; i < 6; i++) {
        out[15 + i] = digits[(random >> (5 * (5 - i))) & 31];
    }
}

static void add_hex(mk_buf *out, unsigned value)
{
    static const char digits[] = "0123456789abcdef";
    bool begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned nibble = (value >> shift) & 15;
        begun = begun || nibble != 0 || shift == 0;
        if (begun) {
            mk_buf_add_c(out, digits[nibble]);
        }
    }
}

/* RFC 5952 4.2: the first of the longest runs of two or more zero groups. */
static unsigned zero_run(const unsigned *groups, unsigned *out_len)
{
    unsigned best = 8;
    unsigned best_len = 1;
    unsigned len = 0;
    for (unsigned i = 0; i < 8; i++) {
        len = groups[i] == 0 ? len + 1 : 0;
        if (len > best_len) {
            best_len = len;
            best = i + 1 - len;
        }
    }
    *out_len = best_len;
    return best;
}

static void add_v6(mk_buf *out, const uint8_t *a)
{
    unsigned groups[8];
    unsigned len;
    for (size_t i = 0; i < 8; i++) {
        groups[i] = (unsigned)a[2 * i] << 8 | a[2 * i + 1];
    }
    unsigned run = zero_run(groups, &len);
    mk_buf_add_z(out, "[IPv6:");
    for (unsigned i = 0; i < 8; i++) {
        if (i == run) {
            mk_buf_add_z(out, "::");
            i += len - 1;
            continue;
        }
        if (i != 0 && i != run + len) {
            mk_buf_add_c(out, ':');
        }
        add_hex(out, groups[i]);
    }
    mk_buf_add_c(out, ']');
}

mk_err mk_address_format(uint8_t family, const uint8_t *address, mk_buf *out)
{
    if (family == 6) {
        add_v6(out, address);
    } else if (family == 4) {
        for (unsigned i = 0; i < 4; i++) {
            mk_buf_add_c(out, i == 0 ? '[' : '.');
            mk_buf_add_u64(out, address[i]);
        }
        mk_buf_add_c(out, ']');
    } else {
        mk_buf_add_z(out, "unknown");
    }
    return out->full ? MK_E_ROOM : MK_OK;
}

/* ccontent of RFC 5322 3.2.2 from anything: what could end the comment, or
 * is not printable, becomes \xHH, which reads as a quoted-pair. */
static void add_comment(mk_buf *out, mk_str s, size_t max)
{
    for (size_t i = 0; i < s.len && i < max; i++) {
        unsigned char c = mk_octet_at(s, i);
        if (mk_is_vchar(c) && c != '(' && c != ')' && c != '\\') {
            mk_buf_add_c(out, (char)c);
        } else {
            mk_buf_add_z(out, "\\x");
            mk_buf_add_c(out, mk_hex_digit(c >> 4));
            mk_buf_add_c(out, mk_hex_digit(c));
        }
    }
    if (s.len > max) {
        mk_buf_add_z(out, "...");
    }
}

/* From-domain = "FROM" FWS Extended-Domain; a name that is not one cannot
 * stand there, so that the address literal takes its place. */
static void add_from(mk_buf *out, const trace_info *t)
{
    mk_buf_add_z(out, "Received: from ");
    if (t->helo_valid) {
        mk_buf_add(out, t->helo);
        mk_buf_add_z(out, " (");
        if (mk_smtp_is_host_name(t->peer_name)) { /* TCP-info has it in front */
            mk_buf_add(out, t->peer_name);
            mk_buf_add_c(out, ' ');
        }
        mk_address_format(t->peer->family, t->peer->address, out);
    } else {
        mk_address_format(t->peer->family, t->peer->address, out);
        mk_buf_add_z(out, " (HELO ");
        add_comment(out, t->helo, HELO_SHOWN);
    }
    mk_buf_add_z(out, ")\r\n");
}

static void add_path(mk_buf *out, const char *before, mk_str mailbox,
                     bool is_utf8)
{
    mk_buf_add_z(out, before);
    mk_buf_add_c(out, '<');
    for (size_t i = 0; i < mailbox.len; i++) {
        /* the path grammar holds nothing else than printable ASCII, and UTF-8
         * where it was asked for (RFC 6531 3.7.3) */
        unsigned char c = mk_octet_at(mailbox, i);
        bool is_shown = mk_is_vchar(c) || c == ' ' || (is_utf8 && c >= 0x80);
        mk_buf_add_c(out, is_shown ? (char)c : '?');
    }
    mk_buf_add_c(out, '>');
}

/* With = CFWS "WITH" FWS Protocol; the names of RFC 3848 are for ESMTP and
 * LMTP, and those of RFC 6531 4.3 have no E. What TLS it is stands in the
 * comment that may follow. */
static void add_with(mk_buf *out, const trace_info *t)
{
    bool is_extended = t->esmtp || t->is_lmtp;
    mk_buf_add_z(out, " (mailkit) with ");
    if (t->is_utf8) {
        mk_buf_add_z(out, t->is_lmtp ? "UTF8LMTP" : "UTF8SMTP");
    } else {
        mk_buf_add_z(out, t->is_lmtp ? "LMTP" : t->esmtp ? "ESMTP" : "SMTP");
    }
    if (is_extended && t->is_tls) {
        mk_buf_add_c(out, 'S');
    }
    if (is_extended && t->is_logged_in) {
        mk_buf_add_c(out, 'A');
    }
    if (t->tls != NULL) {
        mk_buf_add_z(out, "\r\n\t(");
        add_comment(out, t->tls->version, VERSION_SHOWN);
        mk_buf_add_c(out, ' ');
        add_comment(out, t->tls->cipher, CIPHER_SHOWN);
        mk_buf_add_c(out, ')');
    }
    mk_buf_add_z(out, "\r\n\tid ");
}

/* Additional-Registered-Clauses = CFWS Atom FWS String: PRIORITY (RFC 6710) */
static void add_priority(mk_buf *out, int priority)
{
    mk_buf_add_z(out, "\r\n\tpriority ");
    if (priority < 0) {
        mk_buf_add_c(out, '-');
    }
    mk_buf_add_u64(out, (uint64_t)(priority < 0 ? -priority : priority));
}

mk_err mk_agent_trace_format(const trace_info *t, mk_buf *out)
{
    add_path(out, "Return-Path: ", t->reverse_path, t->is_utf8);
    mk_buf_add_z(out, "\r\n");
    mk_buf_add(out, t->fields);
    add_from(out, t);
    mk_buf_add_z(out, "\tby ");
    mk_buf_add(out, t->hostname);
    add_with(out, t);
    mk_buf_add(out, t->id);
    if (t->forward_path.len > 0) {
        add_path(out, "\r\n\tfor ", t->forward_path, t->is_utf8);
    }
    if (t->has_priority) {
        add_priority(out, t->priority);
    }
    mk_buf_add_z(out, ";\r\n\t");
    if (mk_date_format(t->wall_s, 0, out) == MK_E_ARG) {
        mk_date_format(0, 0, out);
    }
    mk_buf_add_z(out, "\r\n");
    mk_buf_add(out, t->fixes);
    return out->full ? MK_E_ROOM : MK_OK;
}
