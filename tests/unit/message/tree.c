/* SPDX-License-Identifier: MIT
 *
 * tree.c: see tree.h. The pieces are copied to memory of exactly their size, so
 * that a sanitizer sees one octet too far, and freed before the next step, so
 * that it sees a view that outlives its time.
 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"leaf", "multipart", "message"};
static const char *const medias[] = {
    "other",     "text/plain",  "text/html", "text/…",  "image",
    "audio",     "video",       "message",   "partial", "external",
    "message/…", "alternative", "related",   "digest",  "mixed"};
static const char *const encodings[] = {
    "7bit", "8bit", "binary", "quoted-printable", "base64", "uuencode", "?"};

typedef struct run {
    mk_message *m;
    void *block;
    text *out;
    text body; /* the run of data under way */
    uint32_t body_type;
    uint64_t body_at;
    uint64_t offset; /* octets consumed, as we count them */
    int how;
    uint32_t open;
    const char *broken;
} run;

static void promise(run *r, bool holds, const char *what)
{
    if (!holds && r->broken == NULL) {
        r->broken = what;
    }
}

static void pair(run *r, const char *word, uint64_t value)
{
    text_z(r->out, word);
    text_u64(r->out, value);
}

static void end_run(run *r)
{
    static const char *const words[] = {"data", "preamble", "epilogue"};
    if (r->body.len == 0) {
        return;
    }
    text_z(r->out, "  ");
    text_z(r->out, words[r->body_type - MK_MESSAGE_DATA]);
    pair(r, " @", r->body_at);
    pair(r, "+", r->body.len);
    if (r->how == TREE_TEXT) {
        text_z(r->out, " ");
        text_quoted(r->out, mk_str_of(r->body.ptr, r->body.len));
    }
    text_z(r->out, "\n");
    text_clear(&r->body);
}

static void tell_flags(run *r, const mk_part *p)
{
    static const char *const names[] = {" default", " closed", " high",
                                        " nul",     " opaque", " digest"};
    for (unsigned i = 0; i < 6; i++) {
        if ((p->flags >> i & 1U) != 0) {
            text_z(r->out, names[i]);
        }
    }
}

static void tell_body(run *r, const mk_message_event *ev)
{
    const mk_part *p = ev->part;
    text_z(r->out, " body ");
    text_str(r->out, ev->media_type);
    text_z(r->out, " = ");
    text_z(r->out, kinds[p->kind]);
    text_z(r->out, " ");
    text_z(r->out, medias[p->media]);
    text_z(r->out, " ");
    text_z(r->out, encodings[p->encoding]);
    if (ev->charset_label.len > 0) {
        text_z(r->out, " charset ");
        text_quoted(r->out, ev->charset_label);
        text_z(r->out, " ");
        text_str(r->out, mk_charset_name((mk_charset)p->charset));
    }
    if (ev->boundary.len > 0) {
        text_z(r->out, " boundary ");
        text_quoted(r->out, ev->boundary);
    }
    tell_flags(r, p);
    pair(r, " @", p->body);
    text_z(r->out, "\n");
    promise(r, p->body == ev->offset && ev->offset == r->offset,
            "the body is where it is");
}

static void tell_field(run *r, const mk_message_event *ev)
{
    text_z(r->out, "  field ");
    text_str(r->out, ev->field.name);
    text_z(r->out, ": ");
    if (r->how == TREE_TEXT) {
        text_quoted(r->out, ev->field.value);
    }
    pair(r, " @", ev->offset);
    pair(r, "+", ev->data.len);
    if ((ev->field.flags & MK_FIELD_CUT) != 0) {
        text_z(r->out, " cut");
    }
    text_z(r->out, "\n");
    promise(r, ev->field.offset == ev->offset, "a field's offset");
    promise(r, ev->field.length == ev->data.len, "a field's length");
}

static void tell_end(run *r, const mk_part *p)
{
    pair(r, "end ", p->number);
    pair(r, " @", p->end);
    pair(r, " lines ", p->lines);
    tell_flags(r, p);
    text_z(r->out, "\n");
    promise(r, p->offset <= p->body && p->body <= p->end, "a part's order");
    promise(r, p->end <= r->offset, "a part ends in what was consumed");
    r->open--;
}

static void tell_data(run *r, const mk_message_event *ev)
{
    promise(r, ev->offset + ev->data.len == r->offset, "a run's offset");
    promise(r, ev->data.len > 0, "a run has octets");
    if (r->body.len > 0 && r->body_type != ev->type) {
        end_run(r);
    }
    if (r->body.len == 0) {
        r->body_type = ev->type;
        r->body_at = ev->offset;
    }
    text_str(&r->body, ev->data);
}

static void tell(run *r, const mk_message_event *ev)
{
    if (ev->type >= MK_MESSAGE_DATA && ev->type <= MK_MESSAGE_EPILOGUE) {
        tell_data(r, ev);
        return;
    }
    end_run(r);
    switch (ev->type) {
    case MK_MESSAGE_PART:
        pair(r, "part ", ev->part->number);
        pair(r, " depth ", ev->part->depth);
        pair(r, " @", ev->offset);
        text_z(r->out, "\n");
        promise(r, ev->offset == r->offset, "a part's offset");
        r->open++;
        break;
    case MK_MESSAGE_FIELD:
        tell_field(r, ev);
        break;
    case MK_MESSAGE_BODY:
        tell_body(r, ev);
        break;
    case MK_MESSAGE_PART_END:
        tell_end(r, ev->part);
        break;
    case MK_MESSAGE_DEFECT:
        text_z(r->out, "  ! ");
        text_z(r->out, mk_defect_name(ev->defect.code));
        pair(r, " @", ev->defect.offset);
        text_z(r->out, "\n");
        break;
    default:
        pair(r, "over @", ev->offset);
        text_z(r->out, "\n");
        promise(r, ev->part == NULL, "no part at the end");
        break;
    }
}

/* Offer what is kept and step until no more comes. */
static mk_err step_all(run *r, text *kept)
{
    mk_err err;
    for (;;) {
        mk_message_event ev;
        char *exact = malloc(kept->len + 1);
        mk_str in = mk_str_of(exact + 1, kept->len);
        if (kept->len > 0) {
            memcpy(exact + 1, kept->ptr, kept->len);
        }
        err = mk_message_step(r->m, &in, &ev);
        promise(r, in.ptr + in.len == exact + 1 + kept->len, "a cursor");
        r->offset += kept->len - in.len;
        if (err == MK_OK) {
            tell(r, &ev);
        }
        text_drop(kept, kept->len - in.len);
        free(exact);
        if (err != MK_OK) {
            break;
        }
    }
    if (err == MK_WAIT) {
        promise(r, kept->len <= mk_message_in_max(r->m), "in_max");
    }
    return err;
}

const char *tree_trace(mk_str message, const mk_message_config *config,
                       size_t chunk, int how, text *out)
{
    run r = {.out = out, .how = how};
    text kept = {0};
    size_t need = mk_message_need(config);
    size_t at = 0;
    r.block = malloc(need);
    if (mk_message_open(config, r.block, need, &r.m) != MK_OK) {
        free(r.block);
        return "it opens";
    }
    while (at < message.len) {
        mk_str piece = mk_str_sub(message, at, chunk > 0 ? chunk : SIZE_MAX);
        text_str(&kept, piece);
        at += piece.len;
        promise(&r, step_all(&r, &kept) == MK_WAIT, "it waits for the end");
    }
    mk_message_in_eof(r.m);
    promise(&r, step_all(&r, &kept) == MK_END, "it ends");
    promise(&r, step_all(&r, &kept) == MK_END, "it stays at its end");
    promise(&r, kept.len == 0 && r.offset == message.len, "all is consumed");
    promise(&r, r.open == 0, "each part ends");
    text_free(&kept);
    text_free(&r.body);
    free(r.block);
    return r.broken;
}
