/* SPDX-License-Identifier: MIT
 *
 * message/field_names.c: the names of the fields that the library knows (RFC
 * 5322 3.6, RFC 2045, RFC 2183, RFC 2369, RFC 2919, RFC 8058, RFC 8601). They
 * are found by their length and first letter; there is no hash that a peer
 * could flood (THREATS 67).
 */
#include "base/ascii.h"

#include <mailkit/header.h>
#include <string.h>

typedef struct row {
    mk_str name;
    mk_field_kind kind;
} row;

static const row rows[] = {
#define ROW(id, number, name, kind, once)                                      \
    [number] = {MK_STR_INIT(name), MK_FIELD_KIND_##kind},
    MK_FIELD_TABLE(ROW)
#undef ROW
};

enum { ROWS = sizeof rows / sizeof rows[0], LENGTH_MAX = 27 };

/* clang-format off */
#define L(letter, id) [(letter) & 31] = MK_FIELD_##id
static const uint8_t firsts[LENGTH_MAX + 1][32] = {
    [2] = {L('T', TO), L('C', CC)},
    [3] = {L('B', BCC)},
    [4] = {L('D', DATE), L('F', FROM)},
    [6] = {L('S', SENDER)},
    [7] = {L('S', SUBJECT), L('L', LIST_ID)},
    [8] = {L('R', RECEIVED), L('C', COMMENTS), L('K', KEYWORDS)},
    [9] = {L('R', RESENT_TO), L('L', LIST_HELP)},
    [10] = {L('M', MESSAGE_ID), L('R', REFERENCES), L('C', CONTENT_ID),
            L('L', LIST_OWNER)},
    [11] = {L('R', RETURN_PATH), L('I', IN_REPLY_TO), L('C', CONTENT_MD5)},
    [12] = {L('C', CONTENT_TYPE), L('M', MIME_VERSION), L('D', DELIVERED_TO),
            L('L', LIST_ARCHIVE)},
    [13] = {L('R', RESENT_SENDER)},
    [14] = {L('L', LIST_SUBSCRIBE)},
    [15] = {L('R', RESENT_REPLY_TO)},
    [16] = {L('L', LIST_UNSUBSCRIBE), L('C', CONTENT_LANGUAGE)},
    [17] = {L('R', RESENT_MESSAGE_ID)},
    [19] = {L('C', CONTENT_DISPOSITION)},
    [21] = {L('L', LIST_UNSUBSCRIBE_POST)},
    [22] = {L('A', AUTHENTICATION_RESULTS)},
    [25] = {L('C', CONTENT_TRANSFER_ENCODING)},
    [27] = {L('D', DISPOSITION_NOTIFICATION_TO)},
};
#undef L

/* Others of the same length and first letter. */
static const uint8_t others[ROWS] = {
    [MK_FIELD_RECEIVED] = MK_FIELD_REPLY_TO,
    [MK_FIELD_RESENT_TO] = MK_FIELD_RESENT_CC,
    [MK_FIELD_LIST_HELP] = MK_FIELD_LIST_POST,
    [MK_FIELD_REFERENCES] = MK_FIELD_RESENT_BCC,
    [MK_FIELD_RETURN_PATH] = MK_FIELD_RESENT_DATE,
    [MK_FIELD_RESENT_DATE] = MK_FIELD_RESENT_FROM,
    [MK_FIELD_CONTENT_LANGUAGE] = MK_FIELD_CONTENT_LOCATION,
    [MK_FIELD_CONTENT_DISPOSITION] = MK_FIELD_CONTENT_DESCRIPTION,
};
/* clang-format on */

/* Letters may differ in the bit that makes them small, and of the octets in
 * the table letters alone have 0x40. */
static bool is_alike(uint64_t known, uint64_t name)
{
    uint64_t letters = (known & UINT64_C(0x4040404040404040)) >> 1;
    return ((known ^ name) & ~letters) == 0;
}

static bool is_alike_8(const char *known, const char *name)
{
    uint64_t k, n;
    memcpy(&k, known, 8);
    memcpy(&n, name, 8);
    return is_alike(k, n);
}

static bool is_alike_4(const char *known, const char *name)
{
    uint32_t k, n;
    memcpy(&k, known, 4);
    memcpy(&n, name, 4);
    return is_alike(k, n);
}

static bool is_alike_2(const char *known, const char *name)
{
    uint16_t k, n;
    memcpy(&k, known, 2);
    memcpy(&n, name, 2);
    return is_alike(k, n);
}

/* Both have n octets, two at least; words overlap at the end. */
static bool is_same(const char *known, const char *name, size_t n)
{
    if (n < 4) {
        return is_alike_2(known, name) &&
               is_alike_2(known + n - 2, name + n - 2);
    }
    if (n < 8) {
        return is_alike_4(known, name) &&
               is_alike_4(known + n - 4, name + n - 4);
    }
    for (size_t at = 0; at < n - 8; at += 8) {
        if (!is_alike_8(known + at, name + at)) {
            return false;
        }
    }
    return is_alike_8(known + n - 8, name + n - 8);
}

mk_field_id mk_field_id_of(mk_str name)
{
    if (name.len == 0 || name.len > LENGTH_MAX) {
        return MK_FIELD_OTHER;
    }
    unsigned id = firsts[name.len][mk_octet_at(name, 0) & 31U];
    for (; id != MK_FIELD_OTHER; id = others[id]) {
        if (is_same(rows[id].name.ptr, name.ptr, name.len)) {
            return (mk_field_id)id;
        }
    }
    return MK_FIELD_OTHER;
}

mk_str mk_field_name(mk_field_id id)
{
    return (unsigned)id < ROWS ? rows[id].name : mk_str_of("", 0);
}

mk_field_kind mk_field_kind_of(mk_field_id id)
{
    return (unsigned)id < ROWS ? rows[id].kind : MK_FIELD_KIND_TEXT;
}
