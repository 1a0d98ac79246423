/* SPDX-License-Identifier: MIT
 *
 * message/view_choose.c: which parts are the text, which the HTML, which are
 * attachments, as RFC 8621 4.1.4 has it. Its lists only ever grow in the order
 * of the parts, so that three bits a part say the same; its recursion is a walk
 * over the tree here: what a branch inherits stands in the parts themselves.
 * Nothing is shown twice in one list, and no leaf is in none.
 */
#include "message/view_internal.h"

/* What a multipart hands down to its parts, in its own `uses` meanwhile. */
enum {
    NO_TEXT = 0x100,        /* what follows is of no use to a text reader */
    NO_HTML = 0x200,        /* likewise */
    IN_ALTERNATIVE = 0x400, /* it is one, or within one */
    LISTS = MK_USE_TEXT | MK_USE_HTML | MK_USE_ATTACHMENT
};

static bool is_media(const mk_part *p)
{
    return p->media >= MK_MEDIA_IMAGE && p->media <= MK_MEDIA_VIDEO;
}

static bool is_text(const mk_part *p)
{
    return p->media == MK_MEDIA_TEXT_PLAIN || p->media == MK_MEDIA_TEXT_HTML;
}

static bool is_multipart(const mk_part *p)
{
    return p->kind == MK_PART_MULTIPART;
}

/* The multipart that a part stands in; a message stands in none, be it the
 * only part of another part. */
static mk_view_part *multipart_of(mk_view_part *parts, const mk_part *p)
{
    mk_view_part *parent = p->parent == MK_PART_NONE ? NULL : &parts[p->parent];
    return parent != NULL && is_multipart(&parent->part) ? parent : NULL;
}

static bool is_inline(const mk_view_part *parent, const mk_part *p)
{
    bool is_first = parent == NULL || parent->first_child == p->number;
    if ((p->flags & MK_PART_ATTACHMENT) != 0 || (!is_text(p) && !is_media(p))) {
        return false;
    }
    if (is_first) {
        return true;
    }
    return parent->part.media != MK_MEDIA_RELATED &&
           (is_media(p) || (p->flags & MK_PART_NAMED) == 0);
}

static uint32_t in_alternative(const mk_part *p)
{
    return p->media == MK_MEDIA_TEXT_PLAIN  ? MK_USE_TEXT
           : p->media == MK_MEDIA_TEXT_HTML ? MK_USE_HTML
                                            : MK_USE_ATTACHMENT;
}

/* A leaf of another multipart; it may change what its parent hands down. */
static uint32_t in_sequence(const mk_part *p, uint32_t *io_given)
{
    if ((*io_given & IN_ALTERNATIVE) != 0) {
        *io_given |= p->media == MK_MEDIA_TEXT_PLAIN  ? NO_HTML
                     : p->media == MK_MEDIA_TEXT_HTML ? NO_TEXT
                                                      : 0U;
    }
    uint32_t uses = ((*io_given & NO_TEXT) == 0 ? (unsigned)MK_USE_TEXT : 0U) |
                    ((*io_given & NO_HTML) == 0 ? (unsigned)MK_USE_HTML : 0U);
    if (uses == 0 || (uses != (MK_USE_TEXT | MK_USE_HTML) && is_media(p))) {
        uses |= MK_USE_ATTACHMENT;
    }
    return uses;
}

/* The first part behind part i and all that stands in it. */
static uint32_t end_of(const mk_view_part *parts, uint32_t count, uint32_t i)
{
    uint32_t end = i + 1;
    while (end < count && parts[end].part.depth > parts[i].part.depth) {
        end++;
    }
    return end;
}

uint32_t mk_view_step(const mk_view_part *parts, uint32_t count, uint32_t i)
{
    return parts[i].part.kind == MK_PART_MESSAGE ? end_of(parts, count, i)
                                                 : i + 1;
}

/* An alternative that has only one of the two forms gives it for both. */
static void end_alternative(mk_view_part *parts, uint32_t count, uint32_t at)
{
    const uint32_t both = MK_USE_TEXT | MK_USE_HTML;
    uint32_t end = end_of(parts, count, at);
    uint32_t found = 0;
    if ((parts[at].uses & (NO_TEXT | NO_HTML)) != 0) {
        return;
    }
    for (uint32_t i = at + 1; i < end; i = mk_view_step(parts, end, i)) {
        found |= parts[i].uses & both;
    }
    for (uint32_t i = at + 1; found != 0 && found != both && i < end;
         i = mk_view_step(parts, end, i)) {
        if ((parts[i].uses & found) != 0) {
            parts[i].uses |= both;
        }
    }
}

static void choose(mk_view_part *parts, uint32_t i)
{
    mk_view_part *p = &parts[i];
    mk_view_part *parent = multipart_of(parts, &p->part);
    uint32_t top = 0;
    uint32_t *given = parent == NULL ? &top : &parent->uses;
    if (is_multipart(&p->part)) {
        p->uses = *given & (NO_TEXT | NO_HTML | IN_ALTERNATIVE);
        p->uses |= p->part.media == MK_MEDIA_ALTERNATIVE
                       ? (unsigned)IN_ALTERNATIVE
                       : 0U;
    } else if (!is_inline(parent, &p->part)) {
        p->uses = MK_USE_ATTACHMENT;
    } else if (parent != NULL && parent->part.media == MK_MEDIA_ALTERNATIVE) {
        p->uses = in_alternative(&p->part);
    } else {
        p->uses = in_sequence(&p->part, given);
    }
}

void mk_view_choose(mk_view_part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        choose(parts, i);
    }
    /* Inner ones first: they are the later ones. */
    for (uint32_t i = count; i > 0; i--) {
        const mk_part *p = &parts[i - 1].part;
        if (is_multipart(p) && p->media == MK_MEDIA_ALTERNATIVE) {
            end_alternative(parts, count, i - 1);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        parts[i].uses &= LISTS;
    }
}
