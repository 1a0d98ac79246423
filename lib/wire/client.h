/* SPDX-License-Identifier: MIT
 *
 * wire/client.h: what the machines of clients have in common: commands are
 * lines, and a reply is early until its command was acknowledged as sent (Law
 * 4). The servers' side is serve.h.
 */
#ifndef WIRE_CLIENT_H
#define WIRE_CLIENT_H

#include "wire/outq.h"

/* Lines that end among the first n octets queued. */
uint32_t mk_client_lines(mk_outq *q, size_t n);

#endif
