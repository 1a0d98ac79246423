/* SPDX-License-Identifier: MIT
 *
 * message/field_names.c: the names of the fields that the library knows (RFC
 * 5322 3.6, RFC 2045, RFC 2183, RFC 2369, RFC 2919, RFC 8058, RFC 8601). They
 * are found by their length, then one after the other; there is no hash that
 * a peer could flood (THREATS 67).
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

enum { ROWS = sizeof rows / sizeof rows[0], LENGTH_MAX = 27, ALIKE = 6 };

/* clang-format off */
static const uint8_t by_length[LENGTH_MAX + 1][ALIKE] = {
    [2] = {MK_FIELD_TO, MK_FIELD_CC},
    [3] = {MK_FIELD_BCC},
    [4] = {MK_FIELD_DATE, MK_FIELD_FROM},
    [6] = {MK_FIELD_SENDER},
    [7] = {MK_FIELD_SUBJECT, MK_FIELD_LIST_ID},
    [8] = {MK_FIELD_RECEIVED, MK_FIELD_REPLY_TO, MK_FIELD_COMMENTS,
           MK_FIELD_KEYWORDS},
    [9] = {MK_FIELD_RESENT_TO, MK_FIELD_RESENT_CC, MK_FIELD_LIST_HELP,
           MK_FIELD_LIST_POST},
    [10] = {MK_FIELD_MESSAGE_ID, MK_FIELD_REFERENCES, MK_FIELD_CONTENT_ID,
            MK_FIELD_LIST_OWNER, MK_FIELD_RESENT_BCC},
    [11] = {MK_FIELD_RETURN_PATH, MK_FIELD_IN_REPLY_TO, MK_FIELD_RESENT_DATE,
            MK_FIELD_RESENT_FROM, MK_FIELD_CONTENT_MD5},
    [12] = {MK_FIELD_CONTENT_TYPE, MK_FIELD_MIME_VERSION,
            MK_FIELD_DELIVERED_TO, MK_FIELD_LIST_ARCHIVE},
    [13] = {MK_FIELD_RESENT_SENDER},
    [14] = {MK_FIELD_LIST_SUBSCRIBE},
    [15] = {MK_FIELD_RESENT_REPLY_TO},
    [16] = {MK_FIELD_LIST_UNSUBSCRIBE, MK_FIELD_CONTENT_LANGUAGE,
            MK_FIELD_CONTENT_LOCATION},
    [17] = {MK_FIELD_RESENT_MESSAGE_ID},
    [19] = {MK_FIELD_CONTENT_DISPOSITION, MK_FIELD_CONTENT_DESCRIPTION},
    [21] = {MK_FIELD_LIST_UNSUBSCRIBE_POST},
    [22] = {MK_FIELD_AUTHENTICATION_RESULTS},
    [25] = {MK_FIELD_CONTENT_TRANSFER_ENCODING},
    [27] = {MK_FIELD_DISPOSITION_NOTIFICATION_TO},
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
    /* The first letters, but for the bit that makes them small. */
    unsigned first = mk_octet_at(name, 0) & 0xDFU;
    for (const uint8_t *n = by_length[name.len]; *n != 0; n++) {
        const char *known = rows[*n].name.ptr;
        if (((unsigned char)known[0] & 0xDFU) == first &&
            is_same(known, name.ptr, name.len)) {
            return (mk_field_id)*n;
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
