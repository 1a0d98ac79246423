/* SPDX-License-Identifier: MIT
 *
 * smtp/peer_fields.h: the attributes of XCLIENT and XFORWARD, a row each, in
 * the order of mk_smtp_client_info, whose masks have a bit for each. Both
 * machines read it; neither knows an attribute by name.
 */
#ifndef SMTP_PEER_FIELDS_H
#define SMTP_PEER_FIELDS_H

#include <mailkit/smtp.h>

typedef struct smtp_peer_field {
    char word[10];
    uint8_t at; /* of the mk_str in mk_smtp_client_info */
} smtp_peer_field;

enum {
    SMTP_PEER_FIELDS = 10,
    SMTP_PEER_VALUE_MAX = 255 /* octets, as xtext (XFORWARD_README, note 1) */
};

/* What each verb has. */
enum {
    SMTP_PEER_XCLIENT = 1 + 2 + 4 + 8 + 16 + 32 + 64 + 128,
    SMTP_PEER_XFORWARD = 1 + 2 + 4 + 8 + 16 + 256 + 512
};

extern const smtp_peer_field mk_smtp_peer_fields[SMTP_PEER_FIELDS];

/* The bit of an attribute's name in any case; 0: there is none. */
uint32_t mk_smtp_peer_field_bit(mk_str name);

/* The bits of names with blanks between, as EHLO tells them. */
uint32_t mk_smtp_peer_field_bits(mk_str names);

#endif
