/* SPDX-License-Identifier: MIT
 *
 * message/readings.c: the readings of one message, one after the other, for who
 * must see what any reader may see (THREATS 63). Which choices make a
 * difference is told by the defects of the views made so far, as one reading
 * may show what another hid; all their combinations are given, each once, but
 * for the three that exclude each other. It holds no part and compares none.
 */
#include "message/view_internal.h"

#include <string.h>

enum { READINGS = 256 };

typedef struct choice {
    uint16_t code;     /* a mk_defect_code */
    uint16_t readings; /* what it makes a difference to */
} choice;

/* clang-format off */
static const choice choices[] = {
    {MK_DEFECT_HEADER_DUPLICATE,     MK_READING_LAST | MK_READING_PLAIN},
    {MK_DEFECT_HEADER_NAME_SPACE,    MK_READING_SHORT},
    {MK_DEFECT_HEADER_NO_COLON,      MK_READING_SHORT},
    {MK_DEFECT_HEADER_NAME_INVALID,  MK_READING_SHORT},
    {MK_DEFECT_HEADER_FIRST_SPACE,   MK_READING_SHORT},
    {MK_DEFECT_HEADER_WHITE_LINE,    MK_READING_SHORT},
    {MK_DEFECT_PARAM_DUPLICATE,      MK_READING_LAST | MK_READING_PLAIN},
    {MK_DEFECT_PARAM_BOTH_FORMS,     MK_READING_PLAIN},
    {MK_DEFECT_PARAM_GAP,            MK_READING_PLAIN},
    {MK_DEFECT_PARAM_UNQUOTED,       MK_READING_PLAIN},
    {MK_DEFECT_PARAM_QUOTE_OPEN,     MK_READING_PLAIN},
    {MK_DEFECT_PARAM_COMMENT,        MK_READING_PLAIN},
    {MK_DEFECT_PARAM_NO_SEMICOLON,   MK_READING_PLAIN},
    {MK_DEFECT_PARAM_TYPE,           MK_READING_PLAIN},
    {MK_DEFECT_MIME_ENCODED_PARTS,   MK_READING_PLAIN},
    {MK_DEFECT_MIME_BOUNDARY_TAIL,   MK_READING_STRICT},
    {MK_DEFECT_MIME_PADDING,         MK_READING_STRICT},
    {MK_DEFECT_MIME_BOUNDARY_SPACE,  MK_READING_LOOSE | MK_READING_TRIM},
    {MK_DEFECT_MIME_BOUNDARY_PREFIX, MK_READING_LOOSE},
    {MK_DEFECT_MIME_AFTER_END,       MK_READING_LOOSE},
    {MK_DEFECT_MIME_BOUNDARY_SAME,   MK_READING_OUTER},
};
/* clang-format on */

/* The structure is read without decoding, so this is looked for here. */
static bool has_junk(const mk_view *view)
{
    for (uint32_t i = 0; i < view->part_count; i++) {
        const mk_part *p = &view->parts[i].part;
        if (p->kind == MK_PART_LEAF && p->encoding == MK_ENCODING_BASE64 &&
            mk_view_faults(view, i) > 0) {
            return true;
        }
    }
    return false;
}

static uint32_t readings_of(const mk_view *view, uint32_t known)
{
    uint32_t mask = known;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (mk_defects_has(view->defects, (mk_defect_code)choices[i].code)) {
            mask |= choices[i].readings;
        }
    }
    if ((mask & MK_READING_STOP) == 0 && has_junk(view)) {
        mask |= MK_READING_STOP;
    }
    return mask;
}

void mk_readings_init(mk_readings *it)
{
    memset(it, 0, sizeof *it);
}

/* Of what is a delimiter there is one rule at a time. */
static bool is_one_rule(uint32_t reading)
{
    uint32_t rules =
        reading & (MK_READING_STRICT | MK_READING_LOOSE | MK_READING_TRIM);
    return (rules & (rules - 1)) == 0;
}

bool mk_readings_next(mk_readings *it, const mk_view *view,
                      uint32_t *out_reading)
{
    if (view != NULL) {
        it->mask = readings_of(view, it->mask);
    }
    for (uint32_t r = 0; r < READINGS; r++) {
        uint64_t bit = UINT64_C(1) << r % 64;
        if ((r & ~it->mask) == 0 && is_one_rule(r) &&
            (it->done[r / 64] & bit) == 0) {
            it->done[r / 64] |= bit;
            *out_reading = r;
            return true;
        }
    }
    return false;
}
