/* SPDX-License-Identifier: MIT
 *
 * smtp/peer_fields.c: see peer_fields.h. The names are those of Postfix's
 * XCLIENT and XFORWARD, which are in no RFC. A name that is none has no bit,
 * and is passed over. It judges no value.
 */
#include "smtp/peer_fields.h"

/* clang-format off */
#define ROW(word, field) {word, offsetof(mk_smtp_client_info, field)}
const smtp_peer_field mk_smtp_peer_fields[SMTP_PEER_FIELDS] = {
    ROW("NAME",     name),      ROW("ADDR",     addr),
    ROW("PORT",     port),      ROW("PROTO",    proto),
    ROW("HELO",     helo),      ROW("LOGIN",    login),
    ROW("DESTADDR", dest_addr), ROW("DESTPORT", dest_port),
    ROW("IDENT",    ident),     ROW("SOURCE",   source),
};
#undef ROW
/* clang-format on */

uint32_t mk_smtp_peer_field_bit(mk_str name)
{
    for (unsigned i = 0; i < SMTP_PEER_FIELDS; i++) {
        if (mk_str_is_nocase(name, mk_str_z(mk_smtp_peer_fields[i].word))) {
            return UINT32_C(1) << i;
        }
    }
    return 0;
}

uint32_t mk_smtp_peer_field_bits(mk_str names)
{
    uint32_t bits = 0;
    while (names.len > 0) {
        size_t n = mk_str_find(names, ' ');
        bits |= mk_smtp_peer_field_bit(mk_str_sub(names, 0, n));
        names = mk_str_sub(names, n + 1, SIZE_MAX);
    }
    return bits;
}
