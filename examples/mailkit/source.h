/* SPDX-License-Identifier: MIT
 *
 * source.h: a message as mk_body wants it, from a file or a pipe, in blocks.
 * Local files end their lines with LF; on the wire it is CRLF (RFC 5321
 * 2.3.8): a LF without a CR before it gets one. Nothing else is touched: a
 * lone CR or a NUL is refused, by the scan or by the engine. A block may go out
 * as a chunk with a reply of its own, so blocks are large (RFC 3030 2).
 */
#ifndef MAILKIT_SOURCE_H
#define MAILKIT_SOURCE_H

#include <mailkit/base.h>

enum { SOURCE_BLOCKS = 2, SOURCE_BLOCK_BYTES = 262144 };

typedef struct source {
    int fd;
    const char *name;
    bool has_cr;     /* the octet before was a CR */
    bool is_over;    /* the end was read */
    bool is_scanned; /* the next three are known */
    bool has_8bit;
    uint64_t wire_bytes; /* on the wire, final CRLF included */
    uint64_t left;       /* in the file; what it has grown by is not read */
    uint8_t turn;        /* the block to fill next */
    char block[SOURCE_BLOCKS][SOURCE_BLOCK_BYTES];
} source;

/* Open name ("-": standard input); a regular file is scanned as a whole.
 * MK_OK; MK_E_NOENT, MK_E_ACCESS, MK_E_IO …; MK_E_BARE: a lone CR or a NUL. */
mk_err source_open(source *s, const char *name);
/* The next block; it is overwritten SOURCE_BLOCKS calls later. *out_last: the
 * message ends with it. */
mk_err source_read(source *s, mk_str *out_span, bool *out_last);
void source_close(source *s);

#endif
