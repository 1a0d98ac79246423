/* SPDX-License-Identifier: MIT
 *
 * message/address.c: address lists of header fields (RFC 5322 3.4, 4.4; RFC
 * 6532 for octets above 127), by one pass with small steps back, no recursion,
 * views only. What no form yields is told as such and read as well as can be;
 * encoded words are never decoded to find an address (THREATS 58, 59). Paths of
 * SMTP are another grammar, strict, and are read in smtp/; here is only judged
 * whether SMTP could carry what was found (RFC 5321 4.1.2, 4.1.3).
 */
#include "message/address.h"
#include "message/charset_internal.h"

static const uint64_t one_mailbox =
    UINT64_C(1) << MK_FIELD_FROM | UINT64_C(1) << MK_FIELD_SENDER |
    UINT64_C(1) << MK_FIELD_RESENT_FROM | UINT64_C(1) << MK_FIELD_RESENT_SENDER;
static const uint64_t may_be_empty =
    UINT64_C(1) << MK_FIELD_BCC | UINT64_C(1) << MK_FIELD_RESENT_BCC;

/* Words before it is known what they are: a phrase, of which the last run of
 * words joined by dots may be a local-part. */
typedef struct words_seen {
    size_t start, run, end;
    bool any;  /* a word was met */
    bool dots; /* obs-phrase */
    bool dot_first;
} words_seen;

/* Words and dots up to what ends them: one of "<@:,;" or the end, and ">" in
 * angle brackets. What can stand in no phrase is taken for a word. */
static void scan_words(token_reader *r, bool in_angle, words_seen *seen)
{
    bool joined = false;
    *seen = (words_seen){.start = r->at, .run = r->at, .end = r->at};
    for (;;) {
        unsigned c = mk_token_peek(r);
        bool begins = !joined;
        joined = false;
        if (mk_token_is_atext(c)) {
            seen->run = begins ? r->at : seen->run;
            mk_token_atom(r);
        } else if (c == '"') {
            seen->run = begins ? r->at : seen->run;
            (void)mk_token_quoted(r);
        } else if (c == '.') {
            seen->dot_first |= !seen->any;
            seen->dots = true;
            joined = true;
            r->at++;
        } else if (c == '<' || c == '@' || c == ':' || c == ',' || c == ';' ||
                   c == TOKEN_END || (c == '>' && in_angle)) {
            return;
        } else {
            mk_token_invalid(r);
            r->at++;
        }
        seen->any = true;
        seen->end = r->at;
        (void)mk_token_cfws(r);
    }
}

static mk_str view(const token_reader *r, size_t start, size_t end)
{
    return mk_str_sub(r->text, start, end - start);
}

/* addr-spec behind its local-part, with the cursor at the "@". */
static void read_spec(token_reader *r, const words_seen *seen, mk_address *out)
{
    out->local_part = view(r, seen->run, seen->end);
    if (r->at > seen->end) { /* 3.4.1: SHOULD NOT be next to the "@" */
        r->flags |= MK_ADDRESS_OBSOLETE;
    }
    mk_token_local_part(r, seen->run, seen->end);
    r->at++;
    out->domain = mk_token_domain(r);
}

/* obs-route = *(CFWS / ",") "@" domain *("," [CFWS] ["@" domain]) ":" */
static void read_route(token_reader *r, mk_address *out)
{
    size_t start = r->at;
    r->flags |= MK_ADDRESS_OBSOLETE;
    for (;;) {
        unsigned c = mk_token_peek(r);
        if (c == ':') {
            out->route = view(r, start, r->at);
            r->at++;
            (void)mk_token_cfws(r);
            return;
        }
        if (c == ',' || c == '@') {
            uint32_t kept = r->flags;
            r->at++;
            if (c == '@') {
                (void)mk_token_domain(r);
            }
            /* What is said of the route's domains is not the address's. */
            r->flags = kept | (r->flags & MK_ADDRESS_INVALID);
        } else {
            mk_token_invalid(r);
            return;
        }
        (void)mk_token_cfws(r);
    }
}

/* To the end of angle brackets that hold what they should not. */
static void skip_angle(token_reader *r)
{
    mk_token_invalid(r);
    for (;;) {
        unsigned c = mk_token_peek(r);
        if (c == '"') {
            (void)mk_token_quoted(r);
        } else if (c == '>' || c == ',' || c == ';' || c == '<' ||
                   c == TOKEN_END) {
            return;
        } else {
            r->at++;
        }
    }
}

/* Words behind angle brackets, up to the end of the element: a name in the
 * wrong place. Words before another address are its own. */
static void read_name_behind(token_reader *r, mk_address *out)
{
    token_reader ahead = *r;
    words_seen seen;
    scan_words(&ahead, false, &seen);
    unsigned c = mk_token_peek(&ahead);
    if (seen.any && (c == ',' || c == ';' || c == TOKEN_END)) {
        *r = ahead;
        mk_token_invalid(r);
        if (out->name.len == 0) {
            out->name = view(r, seen.start, seen.end);
        }
    }
}

/* angle-addr = [CFWS] "<" addr-spec ">" [CFWS] / obs-angle-addr */
static void read_angle(token_reader *r, mk_address *out)
{
    words_seen seen;
    r->at++;
    size_t start = r->at;
    out->flags |= MK_ADDRESS_ANGLE;
    out->local_part = out->domain = mk_str_of(NULL, 0);
    (void)mk_token_cfws(r);
    if (mk_token_peek(r) == '@' || mk_token_peek(r) == ',') {
        read_route(r, out);
    }
    scan_words(r, true, &seen);
    if (mk_token_peek(r) == '@') {
        if (seen.run > seen.start) {
            mk_token_invalid(r);
        }
        seen.run = seen.start;
        read_spec(r, &seen, out);
        (void)mk_token_cfws(r);
    }
    if (mk_token_peek(r) != '>') {
        skip_angle(r);
    }
    if (out->domain.len == 0) {
        mk_token_invalid(r);
        out->local_part = mk_field_trim(view(r, start, r->at));
    }
    r->at += mk_token_peek(r) == '>' ? 1U : 0U;
    (void)mk_token_cfws(r);
    read_name_behind(r, out);
}

/* Junk behind an addr-spec, up to what may be the next element. */
static void skip_junk(token_reader *r, bool spaced)
{
    for (;;) {
        unsigned c = mk_token_peek(r);
        if (c == ',' || c == ';' || c == '<' || c == TOKEN_END ||
            (spaced && (mk_token_is_atext(c) || c == '"'))) {
            return;
        }
        mk_token_invalid(r);
        if (c == '"') {
            (void)mk_token_quoted(r);
        } else {
            r->at++;
        }
        spaced = mk_token_cfws(r);
    }
}

/* mailbox = name-addr / addr-spec, from the end of its first words on. */
static void read_mailbox(token_reader *r, const words_seen *seen,
                         mk_address *out)
{
    bool words_before = seen->run > seen->start;
    unsigned c = mk_token_peek(r);
    out->kind = MK_ADDRESS_MAILBOX;
    if (c == '@') {
        read_spec(r, seen, out);
        size_t end = r->at;
        bool spaced = mk_token_cfws(r);
        c = mk_token_peek(r);
        if (words_before || c == '<') {
            mk_token_invalid(r);
            out->name = view(r, seen->start, c == '<' ? end : seen->run);
        }
        if (c == '<') {
            read_angle(r, out);
        } else {
            skip_junk(r, spaced);
        }
    } else if (c == '<') {
        out->name = view(r, seen->start, seen->end);
        if (seen->dot_first) {
            mk_token_invalid(r);
        }
        r->flags |= seen->dots ? (unsigned)MK_ADDRESS_OBSOLETE : 0U;
        read_angle(r, out);
    } else { /* words alone */
        mk_token_invalid(r);
        *(words_before ? &out->name : &out->local_part) =
            view(r, seen->start, seen->end);
    }
    out->name = mk_field_trim(out->name);
}

/* group = display-name ":" [group-list] ";" [CFWS]; true when one begins. */
static bool read_group(mk_addresses *it, token_reader *r,
                       const words_seen *seen, mk_address *out)
{
    r->at++;
    if (it->in_group || !seen->any) {
        mk_token_invalid(r);
        (void)mk_token_cfws(r);
        return false;
    }
    out->kind = MK_ADDRESS_GROUP;
    out->name = view(r, seen->start, seen->end);
    r->flags |= seen->dots ? (unsigned)MK_ADDRESS_OBSOLETE : 0U;
    return true;
}

static void tell(const mk_addresses *it, const mk_address *a,
                 const token_reader *r)
{
    static const struct {
        uint32_t flag;
        mk_defect_code code;
    } rows[] = {{MK_ADDRESS_OBSOLETE, MK_DEFECT_ADDR_OBSOLETE},
                {MK_ADDRESS_NOT_5321, MK_DEFECT_ADDR_NOT_5321},
                {MK_ADDRESS_LONG, MK_DEFECT_ADDR_LONG},
                {MK_ADDRESS_WORD_INSIDE, MK_DEFECT_ADDR_WORD_INSIDE}};
    if ((a->flags & MK_ADDRESS_INVALID) != 0) {
        mk_defects_add(it->defects, MK_DEFECT_ADDR_INVALID, r->invalid_at, 0);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((a->flags & rows[i].flag) != 0) {
            mk_defects_add(it->defects, rows[i].code, a->offset, a->raw.len);
        }
    }
}

/* What an element is beside its words, told once it is complete. */
static void finish(mk_addresses *it, token_reader *r, size_t start,
                   mk_address *out)
{
    bool mailbox = out->kind == MK_ADDRESS_MAILBOX;
    if ((r->flags & MK_ADDRESS_8BIT) != 0 &&
        !(mk_is_utf8(out->local_part) && mk_is_utf8(out->domain))) {
        mk_token_invalid(r);
    }
    out->raw = mk_field_trim(view(r, start, r->at));
    out->offset = start + (size_t)(out->raw.ptr - (it->text.ptr + start));
    out->flags |= r->flags;
    out->in_group = it->in_group;
    if ((out->flags & MK_ADDRESS_INVALID) != 0) {
        out->flags &= ~(unsigned)MK_ADDRESS_OBSOLETE;
    } else if (mailbox) {
        out->flags |=
            mk_address_judge(out->local_part, out->domain, out->flags);
    }
    tell(it, out, r);
    it->mailboxes += mailbox ? 1U : 0U;
    if (mailbox && it->mailboxes == 2 &&
        (one_mailbox >> it->id & UINT64_C(1)) != 0) {
        mk_defects_add(it->defects, MK_DEFECT_ADDR_SEVERAL, out->offset,
                       out->raw.len);
    }
    it->at = r->at;
}

static void read_element(mk_addresses *it, token_reader *r, size_t start,
                         mk_address *out)
{
    words_seen seen;
    if (it->behind) { /* no comma */
        mk_token_invalid(r);
    }
    do {
        scan_words(r, false, &seen);
    } while (mk_token_peek(r) == ':' && !read_group(it, r, &seen, out));
    if (out->kind != MK_ADDRESS_GROUP) {
        read_mailbox(r, &seen, out);
    }
    finish(it, r, start, out);
    it->behind = out->kind != MK_ADDRESS_GROUP;
    it->in_group |= out->kind == MK_ADDRESS_GROUP;
}

static void end_group(mk_addresses *it, token_reader *r, mk_address *out)
{
    out->kind = MK_ADDRESS_GROUP_END;
    finish(it, r, r->at, out);
    it->in_group = false;
    it->behind = true;
}

/* The end of the text: an open group is ended, then nothing is left. */
static bool end_list(mk_addresses *it, token_reader *r, mk_address *out)
{
    if (it->in_group) {
        mk_token_invalid(r);
        end_group(it, r, out);
        return true;
    }
    bool may = (may_be_empty >> it->id & UINT64_C(1)) != 0;
    if ((it->count == 0 && !may) || (r->flags & MK_ADDRESS_INVALID) != 0) {
        mk_token_invalid(r);
        mk_defects_add(it->defects, MK_DEFECT_ADDR_INVALID, r->invalid_at, 0);
    } else if ((r->flags & MK_ADDRESS_OBSOLETE) != 0 ||
               (it->count > 0 && !it->behind)) {
        mk_defects_add(it->defects, MK_DEFECT_ADDR_OBSOLETE, it->at, 0);
    }
    it->done = true;
    return false;
}

/* No more elements but the end of an open group. */
static bool stop(mk_addresses *it, mk_address *out)
{
    mk_defects_add(it->defects, MK_DEFECT_ADDR_COUNT, it->at, 0);
    it->done = true;
    if (!it->in_group) {
        return false;
    }
    *out = (mk_address){.kind = MK_ADDRESS_GROUP_END,
                        .raw = mk_str_sub(it->text, it->at, 0),
                        .offset = it->at,
                        .in_group = true};
    return true;
}

void mk_addresses_init(mk_addresses *it, mk_field_id id, mk_str text,
                       mk_defects *defects)
{
    *it = (mk_addresses){.text = text,
                         .defects = defects,
                         .max_count = MK_ADDRESS_COUNT_MAX,
                         .id = (unsigned)id < 64 ? id : MK_FIELD_OTHER};
}

bool mk_addresses_next(mk_addresses *it, mk_address *out_address)
{
    token_reader r = {it->text, it->at, 0, 0};
    mk_address a = {.kind = MK_ADDRESS_MAILBOX};
    if (it->done) {
        return false;
    }
    if (it->count >= it->max_count) {
        return stop(it, out_address);
    }
    size_t start = r.at; /* comments before an address are its own */
    for (;;) {
        (void)mk_token_cfws(&r);
        unsigned c = mk_token_peek(&r);
        if (c == TOKEN_END) {
            if (!end_list(it, &r, &a)) {
                return false;
            }
            break;
        }
        r.at++;
        if (c == ',') { /* obs-addr-list: empty elements */
            r.flags |= it->behind ? 0U : (unsigned)MK_ADDRESS_OBSOLETE;
            it->behind = false;
            start = r.at;
        } else if (c == ';' && it->in_group) {
            (void)mk_token_cfws(&r);
            end_group(it, &r, &a);
            break;
        } else if (c == ';') {
            mk_token_invalid(&r);
            it->behind = false;
            start = r.at;
        } else {
            r.at--;
            read_element(it, &r, start, &a);
            break;
        }
    }
    it->count++;
    *out_address = a;
    return true;
}
