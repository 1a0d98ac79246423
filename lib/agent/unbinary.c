/* SPDX-License-Identifier: MIT
 *
 * unbinary.c: a message of BODY=BINARYMIME on its way into a store of lines:
 * its binary parts become base64 (RFC 3030 3, RFC 2045 6.8) before it is
 * collected. What recoding needs is taken for such messages alone, counted
 * against the budget of all, and bounded. What cannot be recoded is told at the
 * end of the message and never stored in part.
 */
#include <string.h>

#include <mailkit/message.h>

#include "delivery_internal.h"

#define DEPTH_MAX 32u
#define FIELD_BYTES_MAX 65536u
#define STEP_BYTES 4096u

struct unbinary {
    mk_recode *recode;
    size_t bytes; /* of this block */
    mk_err end;   /* MK_END: all came out; or why it cannot be */
    size_t len;   /* octets that are offered again */
    size_t max;
    char *octets; /* behind the recoder */
};

static mk_message_config config_of(void)
{
    mk_message_config c;
    mk_message_config_init(&c, sizeof c);
    c.max_depth = DEPTH_MAX;
    c.max_field_bytes = FIELD_BYTES_MAX;
    return c;
}

/* A block for any type may begin there. */
static size_t rounded(size_t n)
{
    return (n + 15) / 16 * 16;
}

mk_err mk_agent_unbinary_open(message *m)
{
    const mk_message_config c = config_of();
    size_t need = rounded(mk_recode_need(&c));
    /* mk_recode_in_max: a little more than a field */
    size_t max = 2 * FIELD_BYTES_MAX + STEP_BYTES;
    size_t bytes = rounded(sizeof(unbinary)) + need + max;
    unbinary *u = mk_alloc_get(m->ld->c.alloc, bytes);
    if (u == NULL) {
        return MK_E_MEMORY;
    }
    char *room = (char *)u + rounded(sizeof *u);
    mk_err err = mk_recode_open(&c, room, need, &u->recode);
    if (err == MK_OK && mk_recode_in_max(u->recode) + STEP_BYTES > max) {
        err = MK_E_LIMIT;
    }
    if (err != MK_OK) {
        mk_alloc_put(m->ld->c.alloc, u, bytes);
        return err;
    }
    u->bytes = bytes;
    u->octets = room + need;
    u->max = max;
    m->ld->memory += bytes;
    m->unbinary = u;
    return MK_OK;
}

void mk_agent_unbinary_close(message *m)
{
    if (m->unbinary != NULL) {
        m->ld->memory -= m->unbinary->bytes;
        mk_alloc_put(m->ld->c.alloc, m->unbinary, m->unbinary->bytes);
        m->unbinary = NULL;
    }
}

/* Recode what is held. MK_E_MEMORY: what came out could not be kept. */
static mk_err step(message *m)
{
    unbinary *u = m->unbinary;
    mk_str in = mk_str_of(u->octets, u->len);
    mk_err kept = MK_OK;
    mk_err said;

    do {
        char mem[STEP_BYTES];
        mk_buf out;
        mk_buf_init(&out, mem, sizeof mem);
        said = mk_recode_step(u->recode, &in, &out);
        kept = mk_agent_collect_add(m, mk_buf_str(&out));
    } while (said == MK_E_ROOM && kept == MK_OK);
    if (said != MK_WAIT && said != MK_E_ROOM) {
        u->end = said;
    }
    memmove(u->octets, in.ptr, in.len);
    u->len = in.len;
    return kept;
}

mk_err mk_agent_unbinary_add(message *m, mk_str octets)
{
    unbinary *u = m->unbinary;
    mk_err err = MK_OK;

    while (err == MK_OK && octets.len > 0 && u->end == MK_OK) {
        size_t room = u->max - u->len;
        mk_str piece = mk_str_sub(octets, 0, room);
        if (piece.len == 0) {
            u->end = MK_E_LIMIT; /* it wants more at once than it said */
            break;
        }
        memcpy(u->octets + u->len, piece.ptr, piece.len);
        u->len += piece.len;
        octets = mk_str_sub(octets, piece.len, SIZE_MAX);
        err = step(m);
    }
    return err;
}

mk_err mk_agent_unbinary_end(message *m)
{
    unbinary *u = m->unbinary;
    mk_err err = MK_OK;

    if (u->end == MK_OK) {
        mk_recode_in_eof(u->recode);
        err = step(m);
    }
    if (err == MK_OK && u->end != MK_END) {
        err = u->end != MK_OK ? u->end : MK_E_SYNTAX;
    }
    return err;
}
