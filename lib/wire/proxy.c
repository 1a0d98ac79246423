/* SPDX-License-Identifier: MIT
 *
 * wire/proxy.c: see mailkit/proxy.h: the PROXY header, versions 1 (2.1 of
 * proxy-protocol.txt) and 2 (2.2). Each octet is looked at in order, so that
 * where a header is cut changes nothing. It refuses what a sender may not
 * send: other line ends, leading zeros, unassigned commands and families, and
 * a block of TCP addresses that is shorter than they are.
 */
#include <mailkit/proxy.h>

#include "base/ascii.h"

#include <string.h>

enum { V2_HEAD = 16, IPV4_BLOCK = 12, IPV6_BLOCK = 36 };

static const mk_str v1_word = MK_STR_INIT("PROXY ");
static const mk_str v2_word = MK_STR_INIT("\r\n\r\n\0\r\nQUIT\n");

/* MK_OK: word stands at the beginning; MK_WAIT: so far. */
static mk_err match(mk_str in, mk_str word)
{
    size_t n = in.len < word.len ? in.len : word.len;

    if (!mk_str_is(mk_str_sub(in, 0, n), mk_str_sub(word, 0, n))) {
        return MK_E_CROSS;
    }
    return n < word.len ? MK_WAIT : MK_OK;
}

/* An IPv4 address at an IPv6 socket is one of IPv4 (RFC 4291 2.5.5.2), as it
 * is without a proxy: by their /64 all of them would be one. */
static void unmap(mk_peer *p)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    enum { HEAD = sizeof mapped };

    if (memcmp(p->address, mapped, HEAD) != 0 ||
        memcmp(p->own_address, mapped, HEAD) != 0) {
        return;
    }
    p->family = 4;
    memmove(p->address, p->address + HEAD, 4);
    memmove(p->own_address, p->own_address + HEAD, 4);
    memset(p->address + 4, 0, HEAD);
    memset(p->own_address + 4, 0, HEAD);
}

/* ---- version 1 ----------------------------------------------------------- */

/* The octets of a line and its CRLF. MK_WAIT, MK_E_SYNTAX, MK_E_SIZE. */
static mk_err find_line(mk_str in, size_t *out_used)
{
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = mk_octet_at(in, i);
        bool ends = i > 0 && in.ptr[i - 1] == '\r';
        if (ends && c == '\n') {
            *out_used = i + 1;
            return MK_OK;
        }
        if (ends || (c != '\r' && (c < ' ' || c > '~'))) {
            return MK_E_SYNTAX;
        }
        if (i + 1 == MK_PROXY_LINE_MAX) {
            return MK_E_SIZE;
        }
    }
    return MK_WAIT;
}

/* The word in front of a space or the end. */
static mk_str take_word(mk_str *io_rest)
{
    mk_str word = mk_str_sub(*io_rest, 0, mk_str_find(*io_rest, ' '));

    *io_rest = mk_str_sub(*io_rest, word.len + 1, SIZE_MAX);
    return word;
}

/* 0 to 65535, without leading zeros */
static bool read_port(mk_str word, uint16_t *out_port)
{
    uint64_t value;

    if ((word.len > 1 && word.ptr[0] == '0') ||
        mk_str_u64(word, &value) != MK_OK || value > UINT16_MAX) {
        return false;
    }
    *out_port = (uint16_t)value;
    return true;
}

/* source SP destination SP source port SP destination port */
static mk_err read_addresses(mk_str rest, uint8_t family, mk_peer *p)
{
    mk_str source = take_word(&rest);
    mk_str destination = take_word(&rest);
    mk_str port = take_word(&rest);

    p->family = family;
    if (mk_address_parse(source, p->address) != family ||
        mk_address_parse(destination, p->own_address) != family ||
        !read_port(port, &p->port) || !read_port(rest, &p->own_port)) {
        return MK_E_SYNTAX;
    }
    return MK_OK;
}

/* "PROXY " ( "UNKNOWN" [SP anything] / ( "TCP4" / "TCP6" ) SP addresses ) */
static mk_err parse_v1(mk_str in, mk_proxy_header *h, size_t *out_used)
{
    size_t used;
    mk_err err = find_line(in, &used);
    if (err != MK_OK) {
        return err;
    }
    mk_str rest = mk_str_sub(in, v1_word.len, used - 2 - v1_word.len);
    mk_str word = take_word(&rest);
    bool is_v6 = mk_str_is(word, mk_str_z("TCP6"));

    h->kind = MK_PROXY_UNKNOWN;
    if (!mk_str_is(word, mk_str_z("UNKNOWN"))) {
        h->kind = MK_PROXY_PEER;
        err = is_v6 || mk_str_is(word, mk_str_z("TCP4"))
                  ? read_addresses(rest, is_v6 ? 6 : 4, &h->peer)
                  : MK_E_SYNTAX;
    }
    *out_used = used;
    return err;
}

/* ---- version 2 ----------------------------------------------------------- */

static uint16_t read_u16(mk_str in, size_t at)
{
    return (uint16_t)(mk_octet_at(in, at) << 8 | mk_octet_at(in, at + 1));
}

/* Version and command, family and transport: what they are, and how long
 * their block is at least. */
static bool read_kind(unsigned command, unsigned family,
                      mk_proxy_kind *out_kind, size_t *out_least)
{
    enum { LOCAL = 0x20, PROXY = 0x21, TCP4 = 0x11, TCP6 = 0x21 };

    *out_least = 0;
    if (command == LOCAL) { /* whatever the family is */
        *out_kind = MK_PROXY_OWN;
        return true;
    }
    bool is_peer = family == TCP4 || family == TCP6;
    *out_kind = is_peer ? MK_PROXY_PEER : MK_PROXY_UNKNOWN;
    *out_least = !is_peer ? 0 : family == TCP4 ? IPV4_BLOCK : IPV6_BLOCK;
    return command == PROXY && family >> 4 <= 3 && (family & 15U) <= 2;
}

/* source, destination, source port, destination port */
static void read_block(mk_str block, bool is_v6, mk_peer *p)
{
    size_t n = is_v6 ? 16 : 4;

    p->family = is_v6 ? 6 : 4;
    memcpy(p->address, block.ptr, n);
    memcpy(p->own_address, block.ptr + n, n);
    p->port = read_u16(block, 2 * n);
    p->own_port = read_u16(block, 2 * n + 2);
}

static mk_err parse_v2(mk_str in, mk_proxy_header *h, size_t *out_used)
{
    size_t at = v2_word.len;
    size_t least = 0;
    unsigned command = in.len > at ? mk_octet_at(in, at) : 0x21;
    unsigned family = in.len > at + 1 ? mk_octet_at(in, at + 1) : 0;

    if (!read_kind(command, family, &h->kind, &least)) {
        return MK_E_SYNTAX;
    }
    if (in.len < V2_HEAD) {
        return MK_WAIT;
    }
    size_t all = (size_t)V2_HEAD + read_u16(in, at + 2);
    if (all - V2_HEAD < least) {
        return MK_E_SYNTAX;
    }
    if (in.len - V2_HEAD < least) {
        return MK_WAIT;
    }
    if (h->kind == MK_PROXY_PEER) {
        read_block(mk_str_sub(in, V2_HEAD, SIZE_MAX), least == IPV6_BLOCK,
                   &h->peer);
    }
    *out_used = in.len < all ? in.len : all;
    h->rest = all - *out_used;
    return MK_OK;
}

mk_err mk_proxy_parse(mk_str in, mk_proxy_header *out_header, size_t *out_used)
{
    mk_proxy_header h;
    size_t used = 0;
    mk_err err = match(in, v1_word);

    memset(&h, 0, sizeof h);
    h.version = err == MK_E_CROSS ? 2 : 1;
    if (h.version == 2) {
        err = match(in, v2_word);
    }
    if (err != MK_OK) {
        return err;
    }
    err = h.version == 1 ? parse_v1(in, &h, &used) : parse_v2(in, &h, &used);
    if (err == MK_OK) {
        unmap(&h.peer);
        *out_header = h;
        *out_used = used;
    }
    return err;
}
