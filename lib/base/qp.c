/* SPDX-License-Identifier: MIT
 *
 * qp.c: quoted-printable both ways (RFC 2045 §6.7), resumable at every octet
 * (THREATS 64). What the decoder cannot decide yet (white space that may end
 * a line, an "=" and what follows it, a CR) it holds, at most MK_QP_HELD_MAX
 * octets; a decision turns what is held into output, which flows before the
 * next octet is looked at. Nothing malformed is refused or lost: it is passed
 * on and counted. The line length of the input is not judged.
 */
#include "codec_internal.h"

#include "base/octets.h"

#include <string.h>
#if defined(__SSE2__) && !defined(MK_NO_SIMD)
#define QP_HAS_SSE2 1
#include <immintrin.h>
#endif

void mk_qp_decoder_init(mk_qp_decoder *d)
{
    memset(d, 0, sizeof *d);
}

static void hold(mk_qp_decoder *d, unsigned char c)
{
    d->held[d->held_len] = (char)c;
    d->held_len++;
}

/* What is held becomes output. */
static void release(mk_qp_decoder *d)
{
    d->flushing = d->held_len > 0;
    d->flush_at = 0;
}

static void release_as_defect(mk_qp_decoder *d)
{
    d->defects++;
    release(d);
}

static void replace_held(mk_qp_decoder *d, const char *ptr, size_t n)
{
    memcpy(d->held, ptr, n);
    d->held_len = (uint8_t)n;
    release(d);
}

static mk_err flush_held(mk_qp_decoder *d, mk_buf *out)
{
    while (d->flushing && d->flush_at < d->held_len) {
        if (codec_room(out) == 0) {
            return MK_E_ROOM;
        }
        codec_put(out, (unsigned char)d->held[d->flush_at]);
        d->flush_at++;
    }
    if (d->flushing) {
        d->flushing = 0;
        d->held_len = 0;
    }
    return MK_OK;
}

/* Octets that stand for themselves: RFC 2045 §6.7 (2), "=" excepted. */
static bool is_plain(unsigned char c)
{
    return mk_is_vchar(c) && c != '=';
}

/* The first octet of something, with nothing held. */
static void begin(mk_qp_decoder *d, unsigned char c)
{
    hold(d, c);
    if (c == '=' || c == '\r' || mk_is_wsp(c)) {
        return;
    }
    if (c != '\n' && !is_plain(c)) {
        d->defects++;
    }
    release(d);
}

/* Held: "=" and then nothing, one hexadecimal digit, or transport padding
 * (RFC 2045 §6.7, rule 3 and `transport-padding`), perhaps a CR. Returns
 * whether c was taken. */
static bool after_equals(mk_qp_decoder *d, unsigned char c)
{
    unsigned char held = (unsigned char)d->held[d->held_len - 1];

    if (c == '\n') {
        if (mk_is_hex(held)) {
            release_as_defect(d);
            return false;
        }
        d->held_len = 0;
        return true;
    }
    if (mk_is_hex(held) && mk_is_hex(c)) {
        int octet = mk_hex_value(held) * 16 + mk_hex_value(c);
        char decoded = (char)(unsigned char)octet;

        d->defects += held >= 'a' || c >= 'a' ? 1 : 0;
        replace_held(d, &decoded, 1);
        return true;
    }
    if ((held == '=' && mk_is_hex(c)) ||
        (!mk_is_hex(held) && held != '\r' && (mk_is_wsp(c) || c == '\r') &&
         d->held_len < MK_QP_HELD_MAX)) {
        hold(d, c);
        return true;
    }
    release_as_defect(d);
    return false;
}

/* Held: white space, perhaps a CR behind it. Returns whether c was taken. */
static bool after_space(mk_qp_decoder *d, unsigned char c)
{
    bool cr = d->held[d->held_len - 1] == '\r';

    if (c == '\n') {
        replace_held(d, cr ? "\r\n" : "\n", cr ? 2 : 1);
        return true;
    }
    if (cr) {
        release_as_defect(d);
        return false;
    }
    if ((mk_is_wsp(c) || c == '\r') && d->held_len < MK_QP_HELD_MAX) {
        hold(d, c);
        return true;
    }
    if (mk_is_wsp(c) || c == '\r') {
        d->defects++;
    }
    release(d);
    return false;
}

#ifdef QP_HAS_SSE2
enum { WORD = 16 };

/* A bit for each octet that is not printable ASCII or is "=", the first
 * lowest. */
static uint64_t odd_of_word(const char *ptr)
{
    __m128i v = _mm_loadu_si128((const __m128i *)ptr);
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(' ')); /* and 0x80 to 0xFF */
    __m128i equals = _mm_cmpeq_epi8(v, _mm_set1_epi8('='));
    __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7F));
    v = _mm_or_si128(_mm_or_si128(low, equals), del);
    return (unsigned)_mm_movemask_epi8(v);
}

/* How many octets are before the first odd one. */
static size_t octets_before(uint64_t odd)
{
    return (size_t)__builtin_ctz((unsigned)odd);
}
#else
enum { WORD = 8 };

/* The first octet lowest: one load where that is the order of the machine. */
static uint64_t word_of_8(const char *ptr)
{
    const unsigned char *p = (const unsigned char *)ptr;
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
           (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
           (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static uint64_t odd_of_word(const char *ptr)
{
    return mk_octets_odd(word_of_8(ptr), '=');
}

static size_t octets_before(uint64_t odd)
{
    uint64_t below = (odd & (~odd + 1)) - 1;
    return (size_t)((below >> 7 & MK_OCTETS_ONES) * MK_OCTETS_ONES >> 56);
}
#endif

/* Where the text is taken from and put to, with nothing held. */
typedef struct cursor {
    const char *in;
    char *out;
    size_t left, room;
} cursor;

static void move(cursor *io, size_t taken, size_t made)
{
    io->in += taken;
    io->left -= taken;
    io->out += made;
    io->room -= made;
}

/* 0x80 when ptr is a space that nothing printable follows, else 0: a jump here
 * would be foreseen badly. */
static unsigned is_last_space(const char *ptr)
{
    unsigned space = (unsigned char)ptr[0] == ' ';
    unsigned text = mk_is_vchar((unsigned char)ptr[1]);
    return (space & ~text) << 7;
}

/* Octets that stand for themselves, a word at a time; a space does before
 * something printable. */
static void copy_words(cursor *io)
{
    cursor c = *io;
    uint64_t odd = 0;
    while (c.left > WORD && c.room >= WORD) {
        odd = odd_of_word(c.in);
        memcpy(c.out, c.in, WORD);
        if ((odd | is_last_space(c.in + WORD - 1)) != 0) {
            break;
        }
        move(&c, WORD, WORD);
    }
    if (c.left > WORD && c.room >= WORD) {
        size_t n = odd == 0 ? WORD : octets_before(odd);
        bool ends = !mk_is_vchar((unsigned char)c.in[n]);
        while (ends && n > 0 && c.in[n - 1] == ' ') {
            n--;
        }
        move(&c, n, n);
    }
    *io = c;
}

/* The digits that RFC 2045 §6.7 (1) wants. */
static bool is_upper_hex(unsigned char c)
{
    return mk_is_hex(c) && c < 'a';
}

static unsigned upper_hex_value(unsigned char c)
{
    return (c & 15U) + 9U * (c >> 6);
}

/* One or more "=XX", or "=" at the end of a line. */
static bool take_encoded(cursor *io)
{
    size_t before = io->left;
    while (io->left >= 3 && io->room > 0 && io->in[0] == '=') {
        unsigned char high = (unsigned char)io->in[1];
        unsigned char low = (unsigned char)io->in[2];
        if (is_upper_hex(high) && is_upper_hex(low)) {
            unsigned c = upper_hex_value(high) << 4 | upper_hex_value(low);
            io->out[0] = (char)(unsigned char)c;
            move(io, 3, 1);
        } else if (high == '\r' && low == '\n') {
            move(io, 3, 0);
        } else {
            break;
        }
    }
    return io->left < before;
}

/* White space in front of something printable, as much as would be held. */
static bool copy_space(cursor *io)
{
    size_t most = io->left < io->room ? io->left : io->room;
    size_t n = 0;
    while (n < most && n <= MK_QP_HELD_MAX &&
           mk_is_wsp((unsigned char)io->in[n])) {
        io->out[n] = io->in[n];
        n++;
    }
    if (n == most || n > MK_QP_HELD_MAX ||
        !mk_is_vchar((unsigned char)io->in[n])) {
        return false;
    }
    move(io, n, n);
    return true;
}

/* What is no word, as long as nothing is wrong and nothing is to be waited
 * for. */
static bool take_other(cursor *io)
{
    if (io->left == 0 || io->room == 0) {
        return false;
    }
    unsigned char c = (unsigned char)io->in[0];
    if (c == '=') {
        return take_encoded(io);
    }
    if (mk_is_wsp(c)) {
        return copy_space(io);
    }
    size_t n = c == '\r' ? 2 : 1;
    if (n > io->left || n > io->room || (n == 2 && io->in[1] != '\n') ||
        (n == 1 && c != '\n' && !is_plain(c))) {
        return false;
    }
    memcpy(io->out, io->in, n);
    move(io, n, n);
    return true;
}

/* Take what needs no thought. */
static void take_run(mk_str *io_in, mk_buf *out)
{
    cursor c = {io_in->ptr, out->ptr, io_in->len, codec_room(out)};
    if (c.left == 0 || c.room == 0) {
        return;
    }
    c.out += out->len;
    do {
        copy_words(&c);
    } while (take_other(&c));
    codec_skip(io_in, (size_t)(c.in - io_in->ptr));
    out->len = (size_t)(c.out - out->ptr);
}

mk_err mk_qp_decode(mk_qp_decoder *d, mk_str *io_in, mk_buf *out)
{
    for (;;) {
        unsigned char c;
        bool taken = true;

        if (flush_held(d, out) != MK_OK) {
            return MK_E_ROOM;
        }
        if (d->held_len == 0) {
            take_run(io_in, out);
        }
        if (io_in->len == 0) {
            return MK_WAIT;
        }
        c = mk_octet_at(*io_in, 0);
        if (d->held_len == 0) {
            begin(d, c);
        } else if (d->held[0] == '=') {
            taken = after_equals(d, c);
        } else {
            taken = after_space(d, c);
        }
        if (taken) {
            codec_skip(io_in, 1);
        }
    }
}

mk_err mk_qp_decode_finish(mk_qp_decoder *d, mk_buf *out)
{
    if (!d->flushing && d->held_len > 0) {
        unsigned char tail = (unsigned char)d->held[d->held_len - 1];

        if (d->held[0] == '=' && !mk_is_hex(tail)) {
            d->defects++;
            d->held_len = 0;
        } else if (mk_is_hex(tail) || tail == '\r') {
            release_as_defect(d);
        } else {
            d->held_len = 0;
        }
    }
    return flush_held(d, out);
}

void mk_qp_encoder_init(mk_qp_encoder *e, mk_qp_mode mode)
{
    memset(e, 0, sizeof *e);
    e->mode = (uint8_t)mode;
}

static mk_err flush_queue(mk_qp_encoder *e, mk_buf *out)
{
    while (e->queue_at < e->queue_len) {
        if (codec_room(out) == 0) {
            return MK_E_ROOM;
        }
        codec_put(out, (unsigned char)e->queue[e->queue_at]);
        e->queue_at++;
    }
    e->queue_at = 0;
    e->queue_len = 0;
    return MK_OK;
}

static void queue_up(mk_qp_encoder *e, const char *ptr, size_t n)
{
    memcpy(e->queue + e->queue_len, ptr, n);
    e->queue_len = (uint8_t)(e->queue_len + n);
}

/* 75 characters and the "=" of a soft line break make the 76 allowed. */
static void queue_token(mk_qp_encoder *e, const char *ptr, size_t n)
{
    if (e->column + n > 75) {
        queue_up(e, "=\r\n", 3);
        e->column = 0;
    }
    queue_up(e, ptr, n);
    e->column = (uint8_t)(e->column + n);
}

static void queue_octet(mk_qp_encoder *e, unsigned char c, bool literal)
{
    char token[3] = {'=', 0, 0};

    if (literal) {
        token[0] = (char)c;
        queue_token(e, token, 1);
        return;
    }
    token[1] = mk_hex_digit((unsigned)c >> 4);
    token[2] = mk_hex_digit(c);
    queue_token(e, token, 3);
}

/* Held: white space or, in text mode, a CR. White space before any CR is
 * encoded, since the CR may end the line. Returns whether c was taken. */
static bool settle_held(mk_qp_encoder *e, unsigned char c)
{
    e->has_held = 0;
    if (e->held == '\r' && c == '\n') {
        queue_up(e, "\r\n", 2);
        e->column = 0;
        return true;
    }
    queue_octet(e, e->held, e->held != '\r' && c != '\r');
    return false;
}

mk_err mk_qp_encode(mk_qp_encoder *e, mk_str *io_in, mk_buf *out)
{
    for (;;) {
        unsigned char c;

        if (flush_queue(e, out) != MK_OK) {
            return MK_E_ROOM;
        }
        if (io_in->len == 0) {
            return MK_WAIT;
        }
        c = mk_octet_at(*io_in, 0);
        if (e->has_held) {
            if (settle_held(e, c)) {
                codec_skip(io_in, 1);
            }
            continue;
        }
        codec_skip(io_in, 1);
        if (mk_is_wsp(c) || (c == '\r' && e->mode == MK_QP_TEXT)) {
            e->held = c;
            e->has_held = 1;
        } else {
            queue_octet(e, c, is_plain(c));
        }
    }
}

mk_err mk_qp_encode_finish(mk_qp_encoder *e, mk_buf *out)
{
    if (flush_queue(e, out) != MK_OK) {
        return MK_E_ROOM;
    }
    if (e->has_held) {
        e->has_held = 0;
        queue_octet(e, e->held, false);
    }
    return flush_queue(e, out);
}
