/* SPDX-License-Identifier: MIT
 *
 * reply_parse.c: the lines of a reply (RFC 5321 4.2, 4.2.1) with the enhanced
 * status code in front of the text (RFC 2034 4, RFC 3463 2). Strict, because
 * what is refused for good is thrown away: three digits, a hyphen or a space
 * or nothing, one code for all lines, and a bound on lines and on octets.
 * Whatever breaks this is the peer's fault and never a refusal (THREATS 14).
 */
#include "smtp/client_internal.h"

#include <string.h>

#include "base/ascii.h"

static void begin(reply_reader *r)
{
    r->mem_len = 0;
    r->lines = 0;
    r->octets = 0;
    r->is_done = false;
    memset(&r->reply, 0, sizeof r->reply);
}

/* Reply-code = %x32-35 %x30-35 %x30-39; a second digit above 5 is let pass,
 * for 4.3.2 tells to look at the first digit of what one does not know. */
static bool parse_code(mk_str line, uint16_t *out_code, bool *out_more)
{
    unsigned code = 0;
    size_t i;

    if (line.len < 3) {
        return false;
    }
    for (i = 0; i < 3; i++) {
        if (!mk_is_digit(mk_octet_at(line, i))) {
            return false;
        }
        code = code * 10 + (unsigned)(mk_octet_at(line, i) - '0');
    }
    if (code < 200 || code > 599 ||
        (line.len > 3 && line.ptr[3] != ' ' && line.ptr[3] != '-')) {
        return false;
    }
    *out_code = (uint16_t)code;
    *out_more = line.len > 3 && line.ptr[3] == '-';
    return true;
}

/* subject = 1*3digit, detail = 1*3digit, without leading zeros. Returns the
 * octets used, 0 when there is no number. */
static size_t parse_part(mk_str s, uint8_t *out_value)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < s.len && n < 4 && mk_is_digit(mk_octet_at(s, n))) {
        value = value * 10 + (unsigned)(mk_octet_at(s, n) - '0');
        n++;
    }
    if (n == 4 || (n > 1 && s.ptr[0] == '0')) {
        return 0;
    }
    *out_value = (uint8_t)(value > 255 ? 255 : value);
    return n;
}

/* status-code = class "." subject "." detail, then a space or the end. The
 * class must be the reply's first digit, else it is text. */
static mk_str strip_enhanced(mk_smtp_reply *reply, mk_str text)
{
    uint8_t part[3] = {(uint8_t)(reply->code / 100), 0, 0};
    size_t at = 1;
    size_t used;
    size_t i;

    if (text.len == 0 || part[0] == 3 ||
        mk_octet_at(text, 0) != '0' + part[0]) {
        return text;
    }
    for (i = 1; i < 3; i++) {
        if (at >= text.len || text.ptr[at] != '.') {
            return text;
        }
        used = parse_part(mk_str_sub(text, at + 1, SIZE_MAX), &part[i]);
        if (used == 0) {
            return text;
        }
        at += 1 + used;
    }
    if (at < text.len && text.ptr[at] != ' ') {
        return text;
    }
    if (!reply->has_enhanced) {
        memcpy(reply->enhanced, part, sizeof part);
        reply->has_enhanced = true;
    }
    return mk_str_sub(text, at + 1, SIZE_MAX);
}

static void keep(reply_reader *r, mk_str text)
{
    size_t room = r->mem_max - r->mem_len;
    size_t n = text.len < room ? text.len : room;

    if (n < text.len) {
        r->reply.clipped = true;
    }
    if (n > 0) {
        memcpy(r->mem + r->mem_len, text.ptr, n);
    }
    r->mem_len += (uint32_t)n;
    r->reply.text = mk_str_of(r->mem, r->mem_len);
}

mk_err mk_smtp_reply_add(reply_reader *r, mk_str line, bool is_enhanced)
{
    uint16_t code;
    bool more;
    mk_str text;

    if (r->is_done) {
        begin(r);
    }
    if (mk_str_has_ctl(line)) {
        return MK_E_BARE;
    }
    if (!parse_code(line, &code, &more)) {
        return MK_E_SYNTAX;
    }
    if (r->lines > 0 && code != r->reply.code) {
        return MK_E_PROTOCOL;
    }
    if (r->lines == r->lines_max ||
        line.len + 2 > (size_t)(r->octets_max - r->octets)) {
        return MK_E_LIMIT;
    }
    r->reply.code = code;
    text = mk_str_sub(line, 4, SIZE_MAX);
    if (is_enhanced) {
        text = strip_enhanced(&r->reply, text);
    }
    if (r->lines > 0) {
        keep(r, mk_str_of("\n", 1));
    }
    keep(r, text);
    r->lines++;
    r->octets += (uint32_t)line.len + 2;
    r->is_done = !more;
    return MK_OK;
}
