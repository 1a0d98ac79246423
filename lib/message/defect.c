/* SPDX-License-Identifier: MIT
 *
 * message/defect.c: the list of defects, and the names, texts and weights of
 * the table in defect.h. A full list goes on counting and keeps its set of
 * codes, so that what a hostile message buries under noise is still seen. It
 * never allocates.
 */
#include <mailkit/defect.h>

typedef struct row {
    const char *name;
    const char *text;
    uint8_t weight;
} row;

enum { CODES = MK_DEFECT_GROUPS * 32 };

static const row rows[CODES] = {
#define ROW(name, group, number, weight, id, text)                             \
    [MK_DEFECT_##name] = {id, text, MK_DEFECT_##weight},
    MK_DEFECT_TABLE(ROW)
#undef ROW
};

void mk_defects_init(mk_defects *list, mk_defect *mem, uint32_t max)
{
    *list = (mk_defects){.items = mem, .max = max};
}

void mk_defects_add(mk_defects *list, mk_defect_code code, uint64_t offset,
                    uint64_t length)
{
    unsigned n = (unsigned)code;
    if (list == NULL || n >= CODES) {
        return;
    }
    list->seen[n / 32] |= UINT32_C(1) << n % 32;
    if (list->count == list->max) {
        list->dropped++;
        return;
    }
    mk_defect *d = &list->items[list->count++];
    d->code = (uint16_t)n;
    d->weight = rows[n].weight;
    d->offset = list->base + offset;
    d->length = length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
}

bool mk_defects_has(const mk_defects *list, mk_defect_code code)
{
    unsigned n = (unsigned)code;
    return list != NULL && n < CODES &&
           (list->seen[n / 32] >> n % 32 & 1U) != 0;
}

unsigned mk_defects_worst(const mk_defects *list)
{
    unsigned worst = 0;
    for (unsigned n = 0; list != NULL && n < CODES; n++) {
        if ((list->seen[n / 32] >> n % 32 & 1U) != 0 &&
            rows[n].weight > worst) {
            worst = rows[n].weight;
        }
    }
    return worst;
}

/* By its group, but for these. */
static uint32_t ambiguity_of(unsigned code)
{
    static const uint8_t groups[MK_DEFECT_GROUPS] = {
        [MK_DEFECT_GROUP_HEADER] = MK_AMBIGUITY_HEADER,
        [MK_DEFECT_GROUP_ADDRESS] = MK_AMBIGUITY_ADDRESS,
        [MK_DEFECT_GROUP_DATE] = MK_AMBIGUITY_FIELD,
        [MK_DEFECT_GROUP_WORD] = MK_AMBIGUITY_TEXT,
        [MK_DEFECT_GROUP_PARAM] = MK_AMBIGUITY_PARAM,
        [MK_DEFECT_GROUP_MIME] = MK_AMBIGUITY_PARTS,
        [MK_DEFECT_GROUP_TRANSFER] = MK_AMBIGUITY_ENCODING,
        [MK_DEFECT_GROUP_CHARSET] = MK_AMBIGUITY_TEXT,
    };
    switch (code) {
    case MK_DEFECT_HEADER_DUPLICATE:
        return MK_AMBIGUITY_FIELD;
    case MK_DEFECT_MIME_ENCODED_PARTS:
    case MK_DEFECT_MIME_NUL:
        return MK_AMBIGUITY_ENCODING;
    default:
        return groups[code / 32];
    }
}

uint32_t mk_defects_ambiguity(const mk_defects *list)
{
    uint32_t mask = 0;
    for (unsigned n = 0; list != NULL && n < CODES; n++) {
        if ((list->seen[n / 32] >> n % 32 & 1U) != 0 &&
            rows[n].weight == MK_DEFECT_AMBIGUOUS) {
            mask |= ambiguity_of(n);
        }
    }
    return mask;
}

const char *mk_defect_name(unsigned code)
{
    return code < CODES && rows[code].name != NULL ? rows[code].name : "?";
}

const char *mk_defect_text(unsigned code)
{
    return code < CODES && rows[code].text != NULL ? rows[code].text
                                                   : "unknown defect";
}
