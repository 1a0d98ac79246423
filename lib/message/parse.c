/* SPDX-License-Identifier: MIT
 *
 * message/parse.c: a message as events (RFC 5322 2.1, RFC 2045, RFC 2046 5),
 * cut anywhere (Law 4), in one block (Law 6), bodies in place (Law 7). The open
 * parts are a stack of fixed height, what is deeper is data (THREATS 54); the
 * count of parts, of fields and the size of boundaries have limits (THREATS 52,
 * 53, 55). It decodes nothing and puts nothing together (THREATS 66).
 */
#include "base/ascii.h"
#include "message/field_scan.h"
#include "message/parse_internal.h"

#include <stdalign.h>
#include <string.h>

/* A line end, and what of the line behind it tells that a file begins. */
enum { LINE_BEGINS_MAX = 2 + 10 };

size_t mk_message_need(const mk_message_config *config)
{
    mk_message_config c = mk_parse_settle(config);
    return sizeof(mk_message) + ((size_t)c.max_depth + 1) * sizeof(level) +
           mk_parse_store_max(&c);
}

mk_err mk_message_open(const mk_message_config *config, void *mem, size_t n,
                       mk_message **out_message)
{
    mk_message_config c = mk_parse_settle(config);
    mk_message *m = mem;
    if (!mk_parse_allows(&c) || mem == NULL ||
        (uintptr_t)mem % alignof(mk_message) != 0) {
        return MK_E_ARG;
    }
    if (n < mk_message_need(&c)) {
        return MK_E_ROOM;
    }
    memset(m, 0, offsetof(mk_message, room));
    m->config = c;
    m->levels = (level *)(void *)(m + 1);
    m->store = (char *)(m->levels + c.max_depth + 1);
    m->store_max = (uint32_t)mk_parse_store_max(&c);
    m->facts.reading = (uint8_t)c.reading;
    mk_defects_init(&m->defects, m->room, PARSE_DEFECTS);
    m->state = PARSE_BEGIN;
    *out_message = m;
    return MK_OK;
}

void mk_message_in_eof(mk_message *message)
{
    message->eof = true;
}

/* A boundary is shorter than the field that names it. */
size_t mk_message_in_max(const mk_message *message)
{
    return (size_t)message->config.max_field_bytes + LINE_BEGINS_MAX;
}

/* ---- small things -------------------------------------------------------- */

static level *top(mk_message *m)
{
    return &m->levels[m->depth - 1];
}

static void consume(mk_message *m, mk_str *io_in, size_t n)
{
    io_in->ptr += n;
    io_in->len -= n;
    m->offset += n;
}

void mk_parse_tell(mk_message *m, mk_defect_code code, uint64_t at, size_t n)
{
    m->defects.base = 0;
    mk_defects_add(&m->defects, code, at, n);
}

static mk_err give(mk_message *m, mk_message_event_type type, uint64_t offset,
                   mk_message_event *out)
{
    static const mk_str none = {NULL, 0};
    out->type = type;
    out->offset = offset;
    out->part = m->depth > 0 ? &top(m)->part : NULL;
    out->field = (mk_field){.offset = 0};
    out->defect = (mk_defect){.offset = 0};
    out->data = out->media_type = out->charset_label = out->boundary = none;
    return MK_OK;
}

static mk_err give_defect(mk_message *m, mk_message_event *out)
{
    mk_defect d = m->room[m->drained];
    m->drained++;
    if (m->drained == m->defects.count) {
        m->drained = 0;
        mk_defects_init(&m->defects, m->room, PARSE_DEFECTS);
    }
    (void)give(m, MK_MESSAGE_DEFECT, d.offset, out);
    out->defect = d;
    return MK_OK;
}

/* Between the steps: nothing to tell yet, look again. */
static const mk_err again = MK_E_AGAIN;

/* The one function that moves. */
static mk_err move(mk_message *m, parse_state to)
{
    m->state = to;
    return again;
}

/* ---- the header ---------------------------------------------------------- */

static mk_err step_begin(mk_message *m, mk_message_event *out)
{
    level *l = &m->levels[m->depth];
    memset(l, 0, sizeof *l);
    l->part.number = m->parts;
    l->part.parent =
        m->depth > 0 ? m->levels[m->depth - 1].part.number : MK_PART_NONE;
    l->part.depth = m->depth;
    l->part.offset = m->offset;
    if (m->depth > 0 && m->levels[m->depth - 1].part.media == MK_MEDIA_DIGEST) {
        l->part.flags = MK_PART_DIGEST;
    }
    m->depth++;
    m->parts++;
    m->scanned = 0;
    m->white = 0;
    m->overflowed = false;
    m->header_at = m->offset;
    mk_mime_begin(&m->facts);
    (void)move(m, PARSE_HEADER);
    m->fields.text = mk_str_of(NULL, 0);
    m->fields.has_end = false;
    return give(m, MK_MESSAGE_PART, m->offset, out);
}

/* Where does the field end that begins at in.ptr[0]? 0 when that is not known
 * yet; never more than one octet beyond the limit. */
static size_t field_end(mk_message *m, mk_str in, field_span *out_span)
{
    size_t max = (size_t)m->config.max_field_bytes + 1;
    size_t n = in.len < max ? in.len : max;
    bool is_all = m->eof && n == in.len;
    if (m->scanned == 0) {
        mk_field_scan(in.ptr, n, m->fields.lf, out_span);
        if (out_span->end < n || is_all || n == max) {
            return out_span->end;
        }
        m->scanned = n - 1;
        return 0;
    }
    /* Octets were added: look at these only, then at the whole once more. */
    size_t at = m->scanned;
    for (;;) {
        const char *feed = memchr(in.ptr + at, '\n', n - at);
        at = feed == NULL ? n : (size_t)(feed - in.ptr) + 1;
        if (at >= n) {
            break;
        }
        if (!mk_is_wsp((unsigned char)in.ptr[at])) {
            break;
        }
    }
    if (at >= n && !is_all && n < max) {
        m->scanned = n - 1;
        return 0;
    }
    m->scanned = 0;
    mk_field_scan(in.ptr, at, m->fields.lf, out_span);
    return out_span->end;
}

/* The first line of a header tells how the others should end; false when it
 * is not there yet. */
static bool begin_fields(mk_message *m, mk_str in)
{
    size_t max = m->config.max_field_bytes;
    size_t n = in.len < max ? in.len : max;
    if (m->fields.text.ptr != NULL) {
        return true;
    }
    /* n > 0; what was looked at for it need not be looked at again */
    const char *feed = memchr(in.ptr + m->scanned, '\n', n - m->scanned);
    if (feed == NULL && !m->eof && n < max) {
        m->scanned = n - 1;
        return false;
    }
    /* The line end is all that it looks for. */
    size_t line = feed == NULL ? n : (size_t)(feed - in.ptr) + 1;
    size_t from = line > 2 ? line - 2 : 0;
    mk_fields_init(&m->fields, mk_str_of(in.ptr + from, line - from),
                   &m->defects);
    m->fields.max_field_bytes = max;
    return true;
}

static void consume_lines(mk_message *m, mk_str *io_in, size_t n)
{
    const char *end = io_in->ptr + n;
    const char *at = io_in->ptr;
    /* The first header is part of no body, so nobody asks for its lines. */
    while (m->depth > 1 &&
           (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        m->lines++;
    }
    consume(m, io_in, n);
}

static bool is_beyond(mk_message *m, size_t length)
{
    bool bytes = m->offset + length - m->header_at > m->config.max_header_bytes;
    bool count = m->fields.count >= m->config.max_fields;
    if (!m->overflowed && (bytes || count)) {
        m->overflowed = true;
        mk_parse_tell(m, count ? MK_DEFECT_HEADER_COUNT : MK_DEFECT_HEADER_SIZE,
                      m->offset, 0);
    }
    return m->overflowed;
}

#define BIT(id) (UINT64_C(1) << (id))

/* The fields that tell of the body, a bit each. */
static const uint64_t mime_fields =
    BIT(MK_FIELD_CONTENT_TYPE) | BIT(MK_FIELD_CONTENT_DISPOSITION) |
    BIT(MK_FIELD_CONTENT_TRANSFER_ENCODING) | BIT(MK_FIELD_MIME_VERSION);

static mk_err take_field(mk_message *m, mk_str *io_in, field_span *span,
                         mk_message_event *out)
{
    size_t max = m->config.max_field_bytes;
    bool is_long = span->end > max;
    mk_str text = mk_str_of(io_in->ptr, is_long ? max : span->end);
    (void)move(m, is_long ? PARSE_SKIP : PARSE_HEADER);
    if (is_beyond(m, text.len)) {
        consume_lines(m, io_in, text.len);
        return again;
    }
    (void)give(m, MK_MESSAGE_FIELD, m->offset, out);
    if (is_long) {
        mk_field_scan(text.ptr, max, m->fields.lf, span);
    }
    m->fields.text = text;
    m->fields.at = 0;
    m->fields.count++;
    m->defects.base = m->offset;
    mk_field_read(&m->fields, span, &out->field);
    if ((mime_fields >> out->field.id & 1) != 0) {
        mk_mime_learn(&m->facts, &out->field, &m->defects);
    }
    if (is_long) {
        out->field.flags |= MK_FIELD_CUT;
        mk_parse_tell(m, MK_DEFECT_HEADER_FIELD_SIZE, m->offset, max);
    }
    out->field.offset = m->offset;
    out->data = text;
    consume_lines(m, io_in, text.len);
    return MK_OK;
}

/* 1 or 2 for an empty line; 0 for none; SIZE_MAX: it cannot be told yet. */
static size_t blank_line(const mk_message *m, mk_str in)
{
    if (in.ptr[0] == '\n') {
        return 1;
    }
    if (in.ptr[0] != '\r') {
        return 0;
    }
    if (in.len == 1) {
        return m->eof ? 0 : SIZE_MAX;
    }
    return in.ptr[1] == '\n' ? 2 : 0;
}

/* An empty line that does not end as the first line does is one for some, and
 * a line of a field for others. */
static void end_header(mk_message *m, mk_str *io_in, size_t blank)
{
    bool is_lf = blank == 1 || io_in->ptr[blank - 2] != '\r';
    if (m->fields.text.ptr != NULL && is_lf != m->fields.lf) {
        mk_parse_tell(m, MK_DEFECT_HEADER_MIXED_ENDS, m->offset + blank - 1, 1);
    }
    consume_lines(m, io_in, blank);
    m->fields.has_end = true;
}

static mk_err step_header(mk_message *m, mk_str *io_in, mk_message_event *out)
{
    field_span span;
    if (io_in->len == 0) {
        return m->eof ? move(m, PARSE_FACTS) : MK_WAIT;
    }
    bool is_short = mk_parse_reads(m, MK_READING_SHORT);
    size_t blank = is_short ? mk_parse_white(m, *io_in) : blank_line(m, *io_in);
    if (blank == SIZE_MAX) {
        return MK_WAIT;
    }
    if (blank > 0) {
        end_header(m, io_in, blank);
        return move(m, PARSE_FACTS);
    }
    if (io_in->ptr[0] == '-') {
        delimiter d = mk_parse_delimiter(m, io_in->ptr, io_in->len);
        if (d.kind == DELIMITER_NEED) {
            return MK_WAIT;
        }
        if (d.kind == DELIMITER_NEXT || d.kind == DELIMITER_LAST) {
            return move(m, PARSE_FACTS);
        }
    }
    if (!begin_fields(m, *io_in) || field_end(m, *io_in, &span) == 0) {
        return MK_WAIT;
    }
    if (is_short && mk_parse_short(m, *io_in, &span)) {
        return move(m, PARSE_FACTS);
    }
    return take_field(m, io_in, &span, out);
}

/* The rest of a field whose beginning was told. */
static mk_err step_skip(mk_message *m, mk_str *io_in)
{
    size_t at = 0;
    while (at < io_in->len) {
        const char *feed = memchr(io_in->ptr + at, '\n', io_in->len - at);
        at = feed == NULL ? io_in->len : (size_t)(feed - io_in->ptr) + 1;
        if (feed != NULL && at == io_in->len && !m->eof) {
            consume_lines(m, io_in, at - 1);
            return MK_WAIT;
        }
        if (feed != NULL && at < io_in->len &&
            !mk_is_wsp((unsigned char)io_in->ptr[at])) {
            consume_lines(m, io_in, at);
            return move(m, PARSE_HEADER);
        }
    }
    consume_lines(m, io_in, at);
    return m->eof ? move(m, PARSE_HEADER) : MK_WAIT;
}

/* ---- what the body is ---------------------------------------------------- */

static bool is_identity(const mime_facts *f)
{
    return f->encoding <= MK_ENCODING_BINARY;
}

/* Will parts be looked for in the body? */
static mk_part_kind choose_kind(mk_message *m, level *l)
{
    bool is_multipart = l->part.media >= MK_MEDIA_ALTERNATIVE;
    if (!is_multipart && l->part.media != MK_MEDIA_MESSAGE_RFC822) {
        return MK_PART_LEAF;
    }
    bool is_coded = !is_identity(&m->facts);
    if (is_coded) {
        mk_parse_tell(m, MK_DEFECT_MIME_ENCODED_PARTS, l->part.offset, 0);
    }
    if (is_coded && mk_parse_reads(m, MK_READING_PLAIN)) {
        l->part.flags |= MK_PART_OPAQUE;
        return MK_PART_LEAF;
    }
    if (m->depth > m->config.max_depth) {
        mk_parse_tell(m, MK_DEFECT_MIME_DEPTH, l->part.offset, 0);
    } else if (is_multipart && mk_parse_keep_boundary(m, l)) {
        return MK_PART_MULTIPART;
    } else if (!is_multipart && m->parts == m->config.max_parts) {
        mk_parse_tell(m, MK_DEFECT_MIME_COUNT, l->part.offset, 0);
    } else if (!is_multipart && !is_coded) {
        return MK_PART_MESSAGE;
    }
    l->part.flags |= MK_PART_OPAQUE;
    return MK_PART_LEAF;
}

/* RFC 2045 5.2 and RFC 2046 5.1.5: the type when none can be read. */
static void choose_type(mk_message *m, level *l, mk_str *out_type)
{
    const mime_facts *f = &m->facts;
    bool digest = (l->part.flags & MK_PART_DIGEST) != 0;
    l->part.media = f->media;
    *out_type = mk_str_of(f->type, f->type_len);
    if (!f->has_type || f->type_failed) {
        l->part.flags |= MK_PART_DEFAULT_TYPE;
        l->part.media =
            (uint8_t)(digest ? MK_MEDIA_MESSAGE_RFC822 : MK_MEDIA_TEXT_PLAIN);
        *out_type = mk_str_z(digest ? "message/rfc822" : "text/plain");
    }
}

static mk_err step_facts(mk_message *m, mk_message_event *out)
{
    level *l = top(m);
    const mime_facts *f = &m->facts;
    mk_str type;
    if (!m->fields.has_end) {
        mk_parse_tell(m, MK_DEFECT_HEADER_NO_END, m->offset, 0);
    }
    if (m->depth == 1 && f->has_type && !f->has_version) {
        mk_parse_tell(m, MK_DEFECT_MIME_NO_VERSION, 0, 0);
    }
    choose_type(m, l, &type);
    l->part.charset = f->charset;
    l->part.encoding = f->encoding;
    bool has_name = f->is_named || f->is_file_named;
    l->part.flags |= (has_name ? (unsigned)MK_PART_NAMED : 0U) |
                     (f->is_inline ? (unsigned)MK_PART_INLINE : 0U) |
                     (f->is_attachment ? (unsigned)MK_PART_ATTACHMENT : 0U) |
                     (f->is_flowed ? (unsigned)MK_PART_FLOWED : 0U) |
                     (f->is_delsp ? (unsigned)MK_PART_DELSP : 0U);
    l->part.kind = (uint8_t)choose_kind(m, l);
    l->part.body = m->offset;
    l->lines_before = m->lines;
    m->bol = true;
    (void)move(m, l->part.kind == MK_PART_MESSAGE ? PARSE_BEGIN : PARSE_BODY);
    (void)give(m, MK_MESSAGE_BODY, m->offset, out);
    out->media_type = type;
    out->charset_label = mk_str_of(f->label, f->label_len);
    out->boundary = mk_str_of(m->store + l->boundary_at, l->boundary_len);
    return MK_OK;
}

/* ---- the body ------------------------------------------------------------ */

/* May encoded files stand in the text (no standard; as programs of old did)? */
static bool may_hold_files(const level *l)
{
    return l->part.kind == MK_PART_LEAF && !l->uu_told &&
           l->part.media <= MK_MEDIA_TEXT && l->part.media != MK_MEDIA_OTHER &&
           l->part.encoding <= MK_ENCODING_BINARY;
}

static mk_err give_run(mk_message *m, mk_str *io_in, size_t n, size_t looked,
                       const parse_seen *seen, mk_message_event *out)
{
    level *l = top(m);
    mk_message_event_type type = MK_MESSAGE_DATA;
    /* At most the line end that was left was counted too much. */
    bool less = n < looked && io_in->ptr[looked - 1] == '\n';
    if (n == 0) {
        return MK_WAIT;
    }
    if (l->part.kind != MK_PART_LEAF) {
        type = l->has_parts ? MK_MESSAGE_EPILOGUE : MK_MESSAGE_PREAMBLE;
    }
    l->part.flags |= (seen->high ? (unsigned)MK_PART_HIGH : 0U) |
                     (seen->nul ? (unsigned)MK_PART_NUL : 0U);
    m->lines += seen->lines - (less ? 1 : 0);
    m->bol = io_in->ptr[n - 1] == '\n';
    (void)give(m, type, m->offset, out);
    out->data = mk_str_of(io_in->ptr, n);
    consume(m, io_in, n);
    return MK_OK;
}

/* Where the line end begins that precedes ptr[at]. */
static size_t line_end_before(const char *ptr, size_t at)
{
    if (at > 0 && ptr[at - 1] == '\n') {
        at--;
        return at > 0 && ptr[at - 1] == '\r' ? at - 1 : at;
    }
    return at;
}

/* All was looked at; what may be the line end of a delimiter stays. */
static size_t hold_back(const mk_message *m, mk_str in)
{
    size_t n = in.len;
    if (m->eof) {
        return n;
    }
    return in.ptr[n - 1] == '\r' ? n - 1 : line_end_before(in.ptr, n);
}

static mk_err take_delimiter(mk_message *m, mk_str *io_in, size_t at,
                             delimiter d)
{
    m->cut_at = m->offset;
    m->cut_lines = m->lines;
    m->lines += at > 0 ? 1 : 0;
    m->target = d.level;
    m->is_last = d.kind == DELIMITER_LAST;
    m->junk_told = false;
    consume(m, io_in, at + d.length);
    return move(m, PARSE_CLOSE);
}

/* What looks like something and is not; each is told once. */
static bool tell_look(mk_message *m, delimiter_kind kind, size_t at)
{
    level *l = top(m);
    bool *told = kind == DELIMITER_PREFIX   ? &m->prefix_told
                 : kind == DELIMITER_CLOSED ? &m->closed_told
                                            : &l->uu_told;
    if (*told) {
        return false;
    }
    if (at == 0) {
        *told = true;
        mk_parse_tell(m,
                      kind == DELIMITER_PREFIX ? MK_DEFECT_MIME_BOUNDARY_PREFIX
                      : kind == DELIMITER_CLOSED   ? MK_DEFECT_MIME_AFTER_END
                      : kind == DELIMITER_UUENCODE ? MK_DEFECT_MIME_UUENCODE
                                                   : MK_DEFECT_MIME_YENC,
                      m->offset, 0);
    }
    return true;
}

static mk_err step_body(mk_message *m, mk_str *io_in, mk_message_event *out)
{
    const char *ptr = io_in->ptr;
    parse_seen seen = {0, false, false};
    bool files = may_hold_files(top(m));
    parse_firsts firsts = {'-', files ? 'b' : '-', files ? '=' : '-'};
    size_t at = 0;
    bool begins = m->bol;
    while (at < io_in->len) {
        if (!begins ||
            (ptr[0] != firsts.a && ptr[0] != firsts.b && ptr[0] != firsts.c)) {
            at = mk_parse_scan(ptr, at, io_in->len, firsts, &seen);
        }
        begins = false;
        if (at == io_in->len) {
            return give_run(m, io_in, hold_back(m, *io_in), at, &seen, out);
        }
        delimiter d = mk_parse_line(m, ptr + at, io_in->len - at);
        if (d.kind == DELIMITER_NOT) {
            continue;
        }
        if (d.kind > DELIMITER_LAST) {
            if (tell_look(m, d.kind, at)) {
                return at == 0 ? again : give_run(m, io_in, at, at, &seen, out);
            }
            continue;
        }
        size_t end = line_end_before(ptr, at);
        if (end > 0 || d.kind == DELIMITER_NEED) {
            return give_run(m, io_in, end, at, &seen, out);
        }
        return take_delimiter(m, io_in, at, d);
    }
    if (!m->eof) {
        return MK_WAIT;
    }
    m->cut_at = m->offset;
    m->cut_lines = m->lines;
    m->target = UINT32_MAX;
    return move(m, PARSE_CLOSE);
}

/* ---- the ends ------------------------------------------------------------ */

static void tell_body(mk_message *m, const mk_part *p)
{
    if (p->kind == MK_PART_MULTIPART && (p->flags & MK_PART_CLOSED) == 0) {
        mk_parse_tell(m, MK_DEFECT_MIME_NO_END, p->end, 0);
    }
    if ((p->flags & MK_PART_NUL) != 0 && p->encoding != MK_ENCODING_BINARY) {
        mk_parse_tell(m, MK_DEFECT_MIME_NUL, p->body, 0);
    }
    if ((p->flags & MK_PART_HIGH) != 0 && p->kind == MK_PART_LEAF &&
        p->encoding != MK_ENCODING_8BIT && p->encoding != MK_ENCODING_BINARY) {
        mk_parse_tell(m, MK_DEFECT_MIME_8BIT, p->body, 0);
    }
}

/* One part above the target ends where the delimiter's line end begins. */
static mk_err step_close(mk_message *m, mk_message_event *out)
{
    level *l = top(m);
    if (m->depth == m->target + 1) {
        return move(m, m->depth == 0 ? PARSE_LAST : PARSE_LINE);
    }
    l->part.end = m->cut_at;
    l->part.lines = m->cut_lines - l->lines_before;
    m->ended = l->part;
    m->depth--;
    mk_parse_forget_boundary(m, l);
    tell_body(m, &m->ended);
    (void)give(m, MK_MESSAGE_PART_END, m->ended.end, out);
    out->part = &m->ended;
    return MK_OK;
}

static mk_err end_line(mk_message *m)
{
    level *l = top(m);
    l->has_parts = true;
    m->bol = true;
    if (!m->is_last && m->parts < m->config.max_parts) {
        return move(m, PARSE_BEGIN);
    }
    l->part.flags |= MK_PART_CLOSED;
    if (!m->is_last) {
        l->part.flags |= MK_PART_OPAQUE;
        if (!m->parts_told) {
            m->parts_told = true;
            mk_parse_tell(m, MK_DEFECT_MIME_COUNT, m->offset, 0);
        }
    }
    return move(m, PARSE_BODY);
}

/* The rest of a delimiter's line is padding (RFC 2046 5.1.1), or junk. */
static mk_err step_line(mk_message *m, mk_str *io_in)
{
    size_t n = mk_str_find(*io_in, '\n');
    bool has_end = n < io_in->len;
    for (size_t i = 0; i < n && !m->junk_told; i++) {
        if (mk_is_wsp(mk_octet_at(*io_in, i))) {
            if (!m->padding_told) {
                m->padding_told = true;
                mk_parse_tell(m, MK_DEFECT_MIME_PADDING, m->offset + i, 0);
            }
        } else if (io_in->ptr[i] != '\r') {
            m->junk_told = true;
            mk_parse_tell(m, MK_DEFECT_MIME_BOUNDARY_TAIL, m->offset + i, 0);
        }
    }
    consume(m, io_in, has_end ? n + 1 : n);
    m->lines += has_end ? 1 : 0;
    if (!has_end && !m->eof) {
        return m->defects.count > 0 ? again : MK_WAIT;
    }
    return end_line(m);
}

static mk_err dispatch(mk_message *m, mk_str *io_in, mk_message_event *out)
{
    switch (m->state) {
    case PARSE_BEGIN:
        return step_begin(m, out);
    case PARSE_HEADER:
        return step_header(m, io_in, out);
    case PARSE_SKIP:
        return step_skip(m, io_in);
    case PARSE_FACTS:
        return step_facts(m, out);
    case PARSE_BODY:
        return step_body(m, io_in, out);
    case PARSE_CLOSE:
        return step_close(m, out);
    case PARSE_LINE:
        return step_line(m, io_in);
    case PARSE_LAST:
        (void)move(m, PARSE_DONE);
        return give(m, MK_MESSAGE_END, m->offset, out);
    default:
        return MK_END;
    }
}

mk_err mk_message_step(mk_message *message, mk_str *io_in,
                       mk_message_event *out_event)
{
    mk_err err;
    do {
        if (message->defects.count > 0) {
            return give_defect(message, out_event);
        }
        err = dispatch(message, io_in, out_event);
    } while (err == again);
    return err;
}
