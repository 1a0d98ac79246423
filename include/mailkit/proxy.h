/* SPDX-License-Identifier: MIT
 *
 * proxy.h: the header by which a proxy tells a server, before the first octet
 * of the protocol, on whose behalf it connects: the PROXY protocol, versions 1
 * and 2 (HAProxy's proxy-protocol.txt, 2020-03-05). It proves nothing: who may
 * begin with one is the listener's setting (mk_proxied in host.h), and there
 * everybody must. uv.h reads it; a loop of one's own calls mk_proxy_parse on
 * what it has read before it opens an engine, and offers it what is
 * behind the header. TLS, too, begins behind it.
 */
#ifndef MAILKIT_PROXY_H
#define MAILKIT_PROXY_H

#include <mailkit/host.h>

MK_EXTERN_C_BEGIN

/** Lengths of a header, octets. */
enum {
    MK_PROXY_LINE_MAX = 107, /**< version 1, with CRLF (its 2.1); what is longer
                              *   is refused. Of version 2 no more are needed */
    MK_PROXY_MAX = 65551     /**< version 2, with its extensions (its 2.2) */
};

/** On whose behalf a proxy connects. */
typedef enum mk_proxy_kind {
    /** Its own, to see whether the server lives (LOCAL of version 2): the
     *  connection's own addresses hold. */
    MK_PROXY_OWN = 0,
    /** A peer of whom nothing is told: UNKNOWN, a UNIX socket, no TCP. The
     *  proxy's own address does not stand for it, although the protocol would
     *  have it so: what is trusted is the proxy, and not everybody behind. */
    MK_PROXY_UNKNOWN = 1,
    MK_PROXY_PEER = 2 /**< a peer over TCP: see `peer` */
} mk_proxy_kind;

/** What a header tells. */
typedef struct mk_proxy_header {
    uint8_t version; /**< 1 or 2 */
    mk_proxy_kind kind;
    /** MK_PROXY_PEER: who connected to the proxy, and at which of its
     *  addresses; IPv4 in IPv6 (RFC 4291 2.5.5.2) is told as IPv4. Else all
     *  zeros, family 0. */
    mk_peer peer;
    /** Version 2: octets of extensions that are still to come: they are to be
     *  dropped, unread, before the protocol begins. */
    size_t rest;
} mk_proxy_header;

/** Read a header; cut anywhere, the same octets give the same answer, and the
 *  first octet that no header can have is refused at once.
 *
 * Extensions of version 2 (TLV) are passed over, a checksum among them. They
 * need not be there: `rest` tells how many are missing.
 *
 * @param text        all octets of the connection so far; MK_PROXY_LINE_MAX of
 *                    them do.
 * @param out_header  written when MK_OK is returned.
 * @param out_used    written when MK_OK is returned: octets of the header in
 *                    text; what is behind them, and `rest`, is the protocol's.
 * @return MK_OK; MK_WAIT: all of `text` is a header's beginning; MK_E_CROSS:
 *         this is none; MK_E_SYNTAX: it is malformed; MK_E_SIZE: a line is too
 *         long. Behind each of these three the connection is to be closed
 *         without a word. */
MK_API mk_err mk_proxy_parse(mk_str text, mk_proxy_header *out_header,
                             size_t *out_used);

MK_EXTERN_C_END
#endif
