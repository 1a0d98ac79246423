/* SPDX-License-Identifier: MIT
 *
 * base/address.c: IPv4 and IPv6 addresses from text: dotted decimals without
 * leading zeros (RFC 3986 3.2.2), groups of hexadecimal digits with one "::"
 * and an IPv4 tail (RFC 4291 2.2); and networks, by the length of a prefix. No
 * zone, no brackets, no octal or short forms, no bits behind a prefix: what
 * could be read in two ways is refused.
 */
#include "base/ascii.h"

#include <mailkit/base.h>

#include <string.h>

/* dec-octet, up to a '.' or the end; the rest is left in *io_text. */
static bool take_decimal(mk_str *io_text, uint8_t *out)
{
    mk_str part = mk_str_sub(*io_text, 0, mk_str_find(*io_text, '.'));
    uint64_t value;
    bool zero = part.len > 1 && part.ptr[0] == '0';
    if (zero || mk_str_u64(part, &value) != MK_OK || value > 255) {
        return false;
    }
    *out = (uint8_t)value;
    *io_text = mk_str_sub(*io_text, part.len, SIZE_MAX);
    return true;
}

static bool parse_v4(mk_str text, uint8_t out[4])
{
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0) {
            if (text.len == 0) {
                return false;
            }
            text = mk_str_sub(text, 1, SIZE_MAX); /* the dot */
        }
        if (!take_decimal(&text, &out[i])) {
            return false;
        }
    }
    return text.len == 0;
}

/* h16 = 1*4HEXDIG */
static bool parse_group(mk_str text, uint8_t out[2])
{
    unsigned value = 0;
    if (text.len == 0 || text.len > 4) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        int digit = mk_hex_value(mk_octet_at(text, i));
        if (digit < 0) {
            return false;
        }
        value = value * 16 + (unsigned)digit;
    }
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return true;
}

/* Groups with ':' between them; SIZE_MAX: malformed, else octets written. */
static size_t parse_groups(mk_str text, bool is_end, uint8_t out[16])
{
    size_t n = 0;
    while (text.len > 0) {
        mk_str part = mk_str_sub(text, 0, mk_str_find(text, ':'));
        bool last = part.len == text.len;
        bool v4 = last && is_end && mk_str_find(part, '.') < part.len;
        if (n + (v4 ? 4 : 2) > 16 || (!last && part.len + 1 == text.len) ||
            !(v4 ? parse_v4(part, out + n) : parse_group(part, out + n))) {
            return SIZE_MAX;
        }
        n += v4 ? 4 : 2;
        text = mk_str_sub(text, part.len + 1, SIZE_MAX);
    }
    return n;
}

static size_t find_gap(mk_str text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == ':' && text.ptr[i + 1] == ':') {
            return i;
        }
    }
    return text.len;
}

static bool parse_v6(mk_str text, uint8_t out[16])
{
    uint8_t tail[16];
    size_t gap = find_gap(text);
    mk_str behind = mk_str_sub(text, gap + 2, SIZE_MAX);
    bool whole = gap == text.len;
    size_t head_n = parse_groups(mk_str_sub(text, 0, gap), whole, out);
    size_t tail_n = whole ? 0 : parse_groups(behind, true, tail);

    if (head_n == SIZE_MAX || tail_n == SIZE_MAX) {
        return false;
    }
    if (whole) {
        return head_n == 16;
    }
    if (head_n + tail_n > 14) { /* "::" stands for one group or more */
        return false;
    }
    memset(out + head_n, 0, 16 - head_n - tail_n);
    memcpy(out + 16 - tail_n, tail, tail_n);
    return true;
}

uint8_t mk_address_parse(mk_str text, uint8_t out_address[16])
{
    uint8_t address[16] = {0};
    uint8_t family = 0;
    if (text.len > 0 && text.len <= 45) {
        bool v6 = mk_str_find(text, ':') < text.len;
        if (v6 ? parse_v6(text, address) : parse_v4(text, address)) {
            family = v6 ? 6 : 4;
            memcpy(out_address, address, 16);
        }
    }
    return family;
}

/* ---- networks ------------------------------------------------------------ */

/* Are the bits of a from `bits` on, up to the end of n octets, all 0? */
static bool is_zero_behind(const uint8_t *a, size_t n, uint8_t bits)
{
    size_t i = bits / 8;
    if (bits % 8 != 0) {
        if ((a[i] & (0xFF >> bits % 8)) != 0) {
            return false;
        }
        i++;
    }
    for (; i < n; i++) {
        if (a[i] != 0) {
            return false;
        }
    }
    return true;
}

mk_err mk_network_parse(mk_str text, mk_network *out_network)
{
    mk_network n = {0};
    uint64_t bits;
    size_t slash = mk_str_find(text, '/');

    n.family = mk_address_parse(mk_str_sub(text, 0, slash), n.address);
    uint8_t max = n.family == 4 ? 32 : 128;
    if (n.family == 0) {
        return MK_E_SYNTAX;
    }
    if (slash == text.len) {
        bits = max;
    } else if (mk_str_u64(mk_str_sub(text, slash + 1, SIZE_MAX), &bits) !=
                   MK_OK ||
               bits > max) {
        return MK_E_SYNTAX;
    }
    n.bits = (uint8_t)bits;
    if (!is_zero_behind(n.address, max / 8u, n.bits)) {
        return MK_E_SYNTAX;
    }
    *out_network = n;
    return MK_OK;
}

bool mk_network_has(const mk_network *network, uint8_t family,
                    const uint8_t *address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0,    0,
                                       0, 0, 0, 0, 0xFF, 0xFF};
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8u;

    if (family == 6 && network->family == 4 &&
        memcmp(address, mapped, sizeof mapped) == 0) {
        family = 4;
        address += sizeof mapped;
    }
    if (family != network->family ||
        memcmp(address, network->address, whole) != 0) {
        return false;
    }
    return rest == 0 ||
           ((address[whole] ^ network->address[whole]) >> (8 - rest)) == 0;
}
