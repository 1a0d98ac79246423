/* SPDX-License-Identifier: MIT
 *
 * fuzz_proxy.c: PROXY headers: cut at any octet the answer is the same, and a
 * refusal is final; nothing is read beyond what was given, nor is a header
 * longer than it may be; what is told of a peer is told again by a line made
 * from it.
 */
#include <mailkit/proxy.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Memory of exactly n octets, so that one too far is seen. */
static mk_err parse(const uint8_t *data, size_t n, mk_proxy_header *out,
                    size_t *out_used)
{
    char *tight = malloc(n > 0 ? n : 1);
    mk_err r;

    fuzz_promise(tight != NULL, "memory");
    if (n > 0) {
        memcpy(tight, data, n);
    }
    r = mk_proxy_parse(mk_str_of(n > 0 ? tight : NULL, n), out, out_used);
    free(tight);
    return r;
}

static void add_address(mk_buf *line, uint8_t family, const uint8_t *address)
{
    for (unsigned i = 0; i < (family == 4 ? 4U : 16U); i++) {
        if (family == 4) {
            (void)mk_buf_add_z(line, i > 0 ? "." : "");
            (void)mk_buf_add_u64(line, address[i]);
        } else {
            const char *digits = "0123456789abcdef";
            (void)mk_buf_add_z(line, i > 0 && i % 2 == 0 ? ":" : "");
            (void)mk_buf_add_c(line, digits[address[i] >> 4]);
            (void)mk_buf_add_c(line, digits[address[i] & 15]);
        }
    }
    (void)mk_buf_add_c(line, ' ');
}

static void tell_again(const mk_proxy_header *h)
{
    char room[MK_PROXY_LINE_MAX];
    mk_proxy_header again;
    mk_buf line;
    size_t used = 0;

    mk_buf_init(&line, room, sizeof room);
    (void)mk_buf_add_z(&line, "PROXY TCP");
    (void)mk_buf_add_u64(&line, h->peer.family);
    (void)mk_buf_add_c(&line, ' ');
    add_address(&line, h->peer.family, h->peer.address);
    add_address(&line, h->peer.family, h->peer.own_address);
    (void)mk_buf_add_u64(&line, h->peer.port);
    (void)mk_buf_add_c(&line, ' ');
    (void)mk_buf_add_u64(&line, h->peer.own_port);
    (void)mk_buf_add_z(&line, "\r\n");
    fuzz_promise(!line.full, "the longest line");
    fuzz_promise(mk_proxy_parse(mk_buf_str(&line), &again, &used) == MK_OK &&
                     used == line.len && again.version == 1 &&
                     again.kind == MK_PROXY_PEER,
                 "a line made from a peer");
    fuzz_promise(memcmp(&again.peer, &h->peer, sizeof again.peer) == 0,
                 "tells the same peer");
}

static void check(const mk_proxy_header *h, size_t used)
{
    static const mk_peer nobody;

    fuzz_promise(h->version == 1 || h->version == 2, "a version");
    fuzz_promise(used <= MK_PROXY_LINE_MAX, "a bounded head");
    fuzz_promise(h->rest <= (h->version == 1 ? 0 : MK_PROXY_MAX - used),
                 "a bounded header");
    fuzz_promise(h->version == 2 || h->kind != MK_PROXY_OWN, "LOCAL is of 2");
    if (h->kind == MK_PROXY_PEER) {
        fuzz_promise(h->peer.family == 4 || h->peer.family == 6, "a family");
        tell_again(h);
    } else {
        fuzz_promise(memcmp(&h->peer, &nobody, sizeof nobody) == 0, "nobody");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t most = size < 600 ? size : 600;
    mk_err last = MK_WAIT;
    mk_proxy_header first;
    size_t all = 0;

    memset(&first, 0, sizeof first);
    for (size_t n = 0; n <= most; n++) {
        mk_proxy_header h;
        size_t used = 0;
        memset(&h, 0, sizeof h);
        mk_err r = parse(data, n, &h, &used);
        fuzz_promise(last == MK_WAIT || r == last, "an answer is final");
        if (r == MK_OK && last == MK_WAIT) {
            fuzz_promise(used == n, "an answer comes with the last octet");
            check(&h, used);
            first = h;
            all = used + h.rest;
        }
        if (r == MK_OK) {
            fuzz_promise(used == (n < all ? n : all) && used + h.rest == all,
                         "extensions are a part of the header");
            h.rest = first.rest;
            fuzz_promise(memcmp(&h, &first, sizeof h) == 0,
                         "what is behind a header is not looked at");
        } else {
            fuzz_promise(used == 0 && h.version == 0, "nothing is written");
            fuzz_promise(r == MK_WAIT || r == MK_E_CROSS || r == MK_E_SYNTAX ||
                             r == MK_E_SIZE,
                         "an answer of the contract");
        }
        last = r;
    }
    return 0;
}
