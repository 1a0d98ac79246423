/* SPDX-License-Identifier: MIT
 *
 * charset_decode.c: octets of a character set to UTF-8, resumable at each octet
 * of input and of output (THREATS 65). One octet in gives at most one character
 * out; an octet that shows the one before it to be ill-formed is looked at
 * again. Runs of US-ASCII are copied. UTF-16 by RFC 2781, UTF-7 by RFC 2152
 * (mail still holds it; what it hides is text like any other here). Nothing is
 * refused: what is not valid becomes U+FFFD.
 */
#include "base/ascii.h"
#include "base/codec_internal.h"
#include "charset_internal.h"

#include <string.h>

enum { REPLACEMENT = 0xFFFD, MARK = 0xFEFF };

/* mk_charset_decoder.mode */
enum {
    MODE_BIG = 0,
    MODE_LITTLE = 1,
    MODE_MARK = 2,   /* UTF-16: the first unit may be a mark */
    MODE_DIRECT = 0, /* UTF-7: characters for themselves */
    MODE_SHIFT = 1,  /* UTF-7: behind the "+" */
    MODE_BASE64 = 2, /* UTF-7: in base64 */
    MODE_READ = 0,   /* by a table: go on */
    MODE_FAULT = 1,  /* by a table: U+FFFD is due */
    MODE_AGAIN = 2   /* by a table: what is held is to be looked at again */
};

/* Queue a character as UTF-8; the queue has room for it. */
static void put_char(mk_charset_decoder *d, uint32_t c)
{
    char *out = d->out + d->out_len;
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(unsigned char)(0x80U | (c & 0x3FU));
        c >>= 6;
    }
    out[0] = (char)(unsigned char)(leads[n] | c);
    d->out_len = (uint8_t)(d->out_len + n);
}

static void put_fault(mk_charset_decoder *d)
{
    d->defects++;
    put_char(d, REPLACEMENT);
}

/* A unit of UTF-16. False: the surrogate before it stood alone, and became
 * U+FFFD; the unit is to be given again. */
static bool take_unit(mk_charset_decoder *d, uint32_t unit)
{
    bool is_low = unit >= 0xDC00 && unit < 0xE000;
    if (d->high != 0) {
        uint32_t high = d->high;
        d->high = 0;
        if (!is_low) {
            put_fault(d);
            return false;
        }
        put_char(d, 0x10000 + ((high & 0x3FFU) << 10) + (unit & 0x3FFU));
        return true;
    }
    if (is_low) {
        put_fault(d);
    } else if (unit >= 0xD800 && unit < 0xDC00) {
        d->high = (uint16_t)unit;
    } else {
        put_char(d, unit);
    }
    return true;
}

static bool step_utf16(mk_charset_decoder *d, unsigned char c)
{
    if (d->held_len == 0) {
        d->held[0] = c;
        d->held_len = 1;
        return true;
    }
    uint32_t unit = (uint32_t)d->held[0] << 8 | c;
    if (d->mode == MODE_MARK) {
        d->mode = unit == 0xFFFE ? MODE_LITTLE : MODE_BIG;
        if (unit == 0xFFFE || unit == MARK) {
            d->held_len = 0;
            return true;
        }
    }
    if (d->mode == MODE_LITTLE) {
        unit = (uint32_t)c << 8 | d->held[0];
    }
    if (!take_unit(d, unit)) {
        return false;
    }
    d->held_len = 0;
    return true;
}

static int base64_value(unsigned char c)
{
    if (mk_is_alpha(c)) {
        return c >= 'a' ? c - 'a' + 26 : c - 'A';
    }
    if (mk_is_digit(c)) {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 2152, rule 2: fewer than six zero bits may pad the last unit. */
static void end_shift(mk_charset_decoder *d)
{
    bool spare = d->bit_count >= 6 || d->bits != 0;
    d->mode = MODE_DIRECT;
    if (spare || d->high != 0) {
        put_fault(d);
    }
    d->high = 0;
    d->bits = 0;
    d->bit_count = 0;
}

static bool step_shifted(mk_charset_decoder *d, unsigned char c)
{
    int value = base64_value(c);
    if (value < 0) {
        if (d->mode == MODE_SHIFT) {
            d->mode = MODE_DIRECT;
            if (c == '-') {
                put_char(d, '+');
            } else {
                put_fault(d);
            }
            return c == '-';
        }
        end_shift(d);
        return c == '-';
    }
    uint32_t bits = d->bits << 6 | (uint32_t)value;
    unsigned count = d->bit_count + 6U;
    d->mode = MODE_BASE64;
    if (count >= 16) {
        count -= 16;
        if (!take_unit(d, bits >> count)) {
            return false;
        }
        bits &= (1U << count) - 1U;
    }
    d->bits = bits;
    d->bit_count = (uint8_t)count;
    return true;
}

static bool step_utf7(mk_charset_decoder *d, unsigned char c)
{
    if (d->mode != MODE_DIRECT) {
        return step_shifted(d, c);
    }
    if (c == '+') {
        d->mode = MODE_SHIFT;
    } else if (c < 0x80) {
        put_char(d, c);
    } else {
        put_fault(d);
    }
    return true;
}

static bool step_utf8(mk_charset_decoder *d, unsigned char c)
{
    utf8_walk w = {d->bits, d->bit_count, d->low, d->top};
    utf8_said said = mk_utf8_step(&w, c);
    if (said == UTF8_WHOLE) {
        put_char(d, w.bits);
    } else if (said != UTF8_MORE) {
        put_fault(d);
    }
    d->bits = w.bits;
    d->bit_count = w.due;
    d->low = w.low;
    d->top = w.top;
    return said != UTF8_CUT;
}

static bool step_table(mk_charset_decoder *d, unsigned char c)
{
    uint16_t to = c;
    if (c >= 0x80) {
        unsigned row = mk_charset_rows[d->charset].upper;
        to = d->kind == CHARSET_TABLE ? mk_charset_upper[row][c - 0x80] : 0;
    }
    if (to == 0 && c >= 0x80) {
        put_fault(d);
    } else {
        put_char(d, to);
    }
    return true;
}

/* Does an octet of US-ASCII stand for itself now? */
static bool is_plain(const mk_charset_decoder *d)
{
    return d->kind == CHARSET_ASCII || d->kind == CHARSET_TABLE ||
           (d->kind == CHARSET_UTF_8 && d->bit_count == 0);
}

static void copy_ascii(mk_str *io_in, mk_buf *out)
{
    size_t room = codec_room(out);
    size_t n = mk_ascii_run(io_in->ptr, io_in->len < room ? io_in->len : room);
    if (n > 0) {
        memcpy(out->ptr + out->len, io_in->ptr, n);
        out->len += n;
        codec_skip(io_in, n);
    }
}

static mk_err flush(mk_charset_decoder *d, mk_buf *out)
{
    while (d->out_at < d->out_len) {
        if (codec_room(out) == 0) {
            return MK_E_ROOM;
        }
        codec_put(out, (unsigned char)d->out[d->out_at]);
        d->out_at++;
    }
    d->out_at = 0;
    d->out_len = 0;
    return MK_OK;
}

/* Let the table decode into out, or, when a character might not fit there,
 * into the queue. One that neither takes nor gives is stuck at an octet. */
static mk_err call_table(mk_charset_decoder *d, mk_str *io_in, mk_buf *out)
{
    mk_buf queue;
    mk_buf *to = out;
    size_t in_before = io_in->len;
    mk_buf_init(&queue, d->out, sizeof d->out);
    if (codec_room(out) < sizeof d->out) {
        to = &queue;
    }
    size_t out_before = to->len;
    mk_err err = d->table->decode(d->table->self, d->state, io_in, to);
    d->out_len = (uint8_t)queue.len;
    if (err == MK_E_ROOM && io_in->len == in_before && to->len == out_before) {
        return MK_E_SYNTAX;
    }
    return err;
}

static void drop_held(mk_charset_decoder *d, size_t n)
{
    memmove(d->held, d->held + n, d->held_len - n);
    d->held_len = (uint8_t)(d->held_len - n);
}

/* Octets that waited for their rest. */
static void step_held(mk_charset_decoder *d, mk_buf *out)
{
    mk_str held = mk_str_of((const char *)d->held, d->held_len);
    mk_err err = call_table(d, &held, out);
    drop_held(d, d->held_len - held.len);
    d->mode = MODE_READ;
    if (err == MK_E_ROOM) {
        d->mode = MODE_AGAIN;
    } else if (d->held_len == MK_CHARSET_HELD_MAX ||
               (err != MK_WAIT && d->held_len > 0)) {
        drop_held(d, 1);
        d->mode = MODE_FAULT;
    }
}

static void step_input(mk_charset_decoder *d, mk_str *io_in, mk_buf *out)
{
    if (d->held_len > 0) {
        d->held[d->held_len] = mk_octet_at(*io_in, 0);
        d->held_len++;
        codec_skip(io_in, 1);
        step_held(d, out);
        return;
    }
    mk_err err = call_table(d, io_in, out);
    if (err != MK_WAIT && err != MK_E_ROOM && io_in->len > 0) {
        codec_skip(io_in, 1);
        d->mode = MODE_FAULT;
    } else if (err == MK_WAIT && io_in->len > 0) {
        size_t n = io_in->len < MK_CHARSET_HELD_MAX ? io_in->len
                                                    : MK_CHARSET_HELD_MAX - 1;
        memcpy(d->held, io_in->ptr, n);
        d->held_len = (uint8_t)n;
        codec_skip(io_in, n);
    }
}

/* What is due before the next octet of a foreign set is looked at. */
static bool settle_hook(mk_charset_decoder *d, mk_buf *out)
{
    if (d->mode == MODE_FAULT) {
        put_fault(d);
        d->mode = d->held_len > 0 ? MODE_AGAIN : MODE_READ;
        return true;
    }
    if (d->mode == MODE_AGAIN) {
        step_held(d, out);
        return true;
    }
    return false;
}

mk_err mk_charset_decoder_init(mk_charset_decoder *d, mk_charset charset,
                               const mk_charset_table *table)
{
    unsigned row = (unsigned)charset < MK_CHARSET_COUNT ? (unsigned)charset : 0;
    mk_err err = MK_OK;
    memset(d, 0, sizeof *d);
    d->charset = (uint8_t)row;
    d->kind = mk_charset_rows[row].kind;
    if (d->kind == CHARSET_HOOK) {
        err = table == NULL ? MK_E_UNSUPPORTED
                            : table->open(table->self, charset, &d->state);
        d->table = err == MK_OK ? table : NULL;
    } else if (d->kind == CHARSET_NONE) {
        err = MK_E_UNSUPPORTED;
    }
    if (err != MK_OK) {
        d->kind = CHARSET_ASCII;
    }
    if (d->kind == CHARSET_UTF_16) {
        d->mode = charset == MK_CHARSET_UTF_16     ? MODE_MARK
                  : charset == MK_CHARSET_UTF_16LE ? MODE_LITTLE
                                                   : MODE_BIG;
    }
    return err;
}

/* One octet; false when it is to be looked at again. */
static bool step(mk_charset_decoder *d, unsigned char c)
{
    switch (d->kind) {
    case CHARSET_UTF_8:
        return step_utf8(d, c);
    case CHARSET_UTF_16:
        return step_utf16(d, c);
    case CHARSET_UTF_7:
        return step_utf7(d, c);
    default:
        return step_table(d, c);
    }
}

mk_err mk_charset_decode(mk_charset_decoder *d, mk_str *io_in, mk_buf *out)
{
    for (;;) {
        if (flush(d, out) != MK_OK) {
            return MK_E_ROOM;
        }
        if (d->kind == CHARSET_HOOK && settle_hook(d, out)) {
            continue;
        }
        if (is_plain(d) && io_in->len > 0) {
            copy_ascii(io_in, out);
        }
        if (io_in->len == 0) {
            return MK_WAIT;
        }
        if (d->kind == CHARSET_HOOK) {
            step_input(d, io_in, out);
        } else if (step(d, mk_octet_at(*io_in, 0))) {
            codec_skip(io_in, 1);
        }
    }
}

/* Give up one thing that was undecided; false when nothing is. */
static bool settle_end(mk_charset_decoder *d, mk_buf *out)
{
    if (d->kind == CHARSET_HOOK && settle_hook(d, out)) {
        return true;
    }
    if (d->kind == CHARSET_HOOK && d->held_len > 0) {
        drop_held(d, 1);
        d->mode = MODE_FAULT;
        return true;
    }
    if (d->kind == CHARSET_UTF_7 && d->mode == MODE_BASE64) {
        end_shift(d);
        return true;
    }
    if (d->held_len > 0 || d->high != 0 || d->bit_count > 0 ||
        (d->kind == CHARSET_UTF_7 && d->mode == MODE_SHIFT)) {
        put_fault(d);
        d->held_len = 0;
        d->high = 0;
        d->bit_count = 0;
        d->mode = MODE_DIRECT;
        return true;
    }
    return false;
}

mk_err mk_charset_decode_finish(mk_charset_decoder *d, mk_buf *out)
{
    do {
        if (flush(d, out) != MK_OK) {
            return MK_E_ROOM;
        }
    } while (settle_end(d, out));
    return MK_OK;
}

void mk_charset_decoder_fini(mk_charset_decoder *d)
{
    if (d->table != NULL) {
        d->table->close(d->table->self, d->state);
        d->table = NULL;
        d->kind = CHARSET_ASCII;
    }
}

/* Cut what out holds of a character that did not fit. */
static void trim(mk_buf *out, size_t start)
{
    while (out->len > start &&
           ((unsigned char)out->ptr[out->len - 1] & 0xC0U) == 0x80) {
        out->len--;
    }
    if (out->len > start && (unsigned char)out->ptr[out->len - 1] >= 0xC0) {
        out->len--;
    }
}

mk_err mk_charset_convert(mk_charset charset, const mk_charset_table *table,
                          mk_str octets, mk_buf *out, uint64_t *out_defects)
{
    mk_charset_decoder d;
    mk_err begun = mk_charset_decoder_init(&d, charset, table);
    size_t start = out->len;
    mk_err err = mk_charset_decode(&d, &octets, out);
    if (err == MK_WAIT) {
        err = mk_charset_decode_finish(&d, out);
    }
    if (err == MK_E_ROOM) {
        if (d.out_at > 0) {
            trim(out, start);
        }
        out->full = true;
    }
    if (out_defects != NULL) {
        *out_defects = d.defects;
    }
    mk_charset_decoder_fini(&d);
    return err != MK_OK ? err : begun;
}
