/* SPDX-License-Identifier: MIT
 *
 * base.h: what every other header stands on: the export macro, the errors
 * (one table), borrowed strings, bounded buffers, and the two hooks through
 * which memory and randomness come in. Freestanding but for <stddef.h> and
 * <stdint.h>. It never allocates by itself and knows no locale.
 */
#ifndef MAILKIT_BASE_H
#define MAILKIT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(SWIG)
#define MK_API
#elif defined(_WIN32)
#define MK_API
#else
#define MK_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define MK_EXTERN_C_BEGIN extern "C" {
#define MK_EXTERN_C_END }
#else
#define MK_EXTERN_C_BEGIN
#define MK_EXTERN_C_END
#endif

MK_EXTERN_C_BEGIN

#define MK_VERSION_MAJOR 0
#define MK_VERSION_MINOR 1
#define MK_VERSION_PATCH 0

/** The library's version as linked.
 *
 * @return "MAJOR.MINOR.PATCH", static, never NULL. */
MK_API const char *mk_version(void);

/* ---- errors -------------------------------------------------------------
 * 0 is success, positive is not a failure, negative is a failure. The table
 * is the only list: the enum and mk_err_name/mk_err_text are made from it.
 * Numbers are stable; new ones are added at the end of their group. */

/* clang-format off */
#define MK_ERR_TABLE(X) \
    X(OK,              0, "success") \
    X(WAIT,            1, "nothing to do until bytes, an answer or the deadline") \
    X(END,             2, "the conversation is over") \
    /* misuse by the caller: nothing was changed */ \
    X(E_ARG,          -1, "an argument is invalid") \
    X(E_STATE,        -2, "not allowed in this state") \
    X(E_STALE,        -3, "the operation is no longer waiting for this") \
    X(E_CTL,          -4, "an argument holds CR, LF or NUL") \
    X(E_ROOM,         -5, "the caller's memory or buffer is too small") \
    X(E_UNSUPPORTED,  -6, "the peer or this build does not support it") \
    X(E_BUSY,         -7, "another operation is under way") \
    /* limits and resources */ \
    X(E_LIMIT,       -20, "a configured limit was reached") \
    X(E_LINE,        -21, "a line is longer than the limit") \
    X(E_SIZE,        -22, "the message is larger than the limit") \
    X(E_COUNT,       -23, "too many of them") \
    X(E_MEMORY,      -24, "out of memory") \
    X(E_TIMEOUT,     -25, "the deadline passed") \
    X(E_OVERFLOW,    -26, "a number does not fit") \
    /* the peer */ \
    X(E_SYNTAX,      -40, "malformed input") \
    X(E_BARE,        -41, "a bare CR, a bare LF or a NUL") \
    X(E_EARLY,       -42, "the peer talked before its turn") \
    X(E_CUT,         -43, "the peer ended in the middle") \
    X(E_PROTOCOL,    -44, "the peer broke the protocol") \
    X(E_REFUSED,     -45, "refused by the peer") \
    X(E_CLEARTEXT,   -46, "clear text where TLS was required") \
    X(E_CROSS,       -47, "the peer speaks another protocol") \
    X(E_LOOP,        -48, "the message is looping") \
    X(E_CANCELLED,   -49, "cancelled by the caller") \
    X(E_SHUTDOWN,    -50, "shutting down") \
    X(E_TLS,         -51, "TLS failed") \
    X(E_AUTH,        -52, "authentication failed") \
    X(E_CERT_NAME,   -53, "the certificate is for another name") \
    X(E_CERT_TIME,   -54, "the certificate has expired or is not yet valid") \
    X(E_CERT_TRUST,  -55, "the certificate is not signed by a trusted one") \
    X(E_CERT_REVOKED,-56, "the certificate is revoked") \
    X(E_CERT_WEAK,   -57, "the certificate's key or signature is too weak") \
    X(E_CERT_USE,    -58, "the certificate is not meant for this use") \
    X(E_CERT_NONE,   -59, "the peer showed no certificate") \
    /* the system */ \
    X(E_IO,          -60, "input/output error") \
    X(E_SPACE,       -61, "no space left") \
    X(E_EXISTS,      -62, "it exists already") \
    X(E_NOENT,       -63, "no such file or directory") \
    X(E_ACCESS,      -64, "access denied") \
    X(E_FILES,       -65, "no file descriptors left") \
    X(E_READONLY,    -66, "read-only file system") \
    X(E_CROSSDEV,    -67, "not on the same file system") \
    X(E_FBIG,        -68, "the file would be too large") \
    X(E_AGAIN,       -69, "temporarily unavailable") \
    X(E_KIND,        -70, "not a file of the expected kind") \
    X(E_NET,         -71, "network error") \
    X(E_UNREACHABLE, -72, "cannot connect") \
    X(E_NAME,        -73, "the name cannot be resolved") \
    X(E_ENTROPY,     -74, "no randomness") \
    X(E_CRYPTO,      -75, "a cryptographic operation failed")
/* clang-format on */

/** Success, not a failure, or what failed; made from the table. */
typedef enum mk_err {
#define MK_ERR_ENUM(name, value, text) MK_##name = value,
    MK_ERR_TABLE(MK_ERR_ENUM)
#undef MK_ERR_ENUM
} mk_err;

/** The short name of an error, for logs and tests.
 *
 * @param err  any value.
 * @return "OK", "E_LIMIT" …; "?" for an unknown value. Static. */
MK_API const char *mk_err_name(mk_err err);

/** One plain English phrase for an error.
 *
 * @param err  any value.
 * @return static text without a final full stop; "unknown error" when err is
 *         not in the table. */
MK_API const char *mk_err_text(mk_err err);

/* ---- borrowed strings ---------------------------------------------------- */

/** A borrowed view of octets: not NUL-terminated, owned by somebody else.
 *
 * ptr may be NULL only when len is 0. */
typedef struct mk_str {
    const char *ptr;
    size_t len; /**< octets */
} mk_str;

/** A view of a string literal, usable in constant initialisers. */
/* clang-format off */
#define MK_STR_INIT(lit) {(lit), sizeof(lit) - 1}
/* clang-format on */

/** A view of n octets.
 *
 * @param ptr  start; may be NULL when n is 0.
 * @param n    octets.
 * @return the view; borrows ptr. */
static inline mk_str mk_str_of(const char *ptr, size_t n)
{
    mk_str s;
    s.ptr = ptr;
    s.len = n;
    return s;
}

/** A view of a NUL-terminated string.
 *
 * @param z  string; NULL gives the empty view.
 * @return the view without the NUL; borrows z. */
MK_API mk_str mk_str_z(const char *z);

/** Compare octet for octet.
 *
 * @param a,b  any views.
 * @return true when both have the same length and octets. */
MK_API bool mk_str_is(mk_str a, mk_str b);

/** Compare without regard to ASCII case (no locale).
 *
 * @param a,b  any views.
 * @return true when equal but for A-Z against a-z. */
MK_API bool mk_str_is_nocase(mk_str a, mk_str b);

/** Does a view begin with another, without regard to ASCII case?
 *
 * @param s       the view looked at.
 * @param prefix  what it should begin with; empty is always true.
 * @return true when it does. */
MK_API bool mk_str_has_prefix_nocase(mk_str s, mk_str prefix);

/** The index of the first octet c.
 *
 * @param s  the view searched.
 * @param c  the octet, 0 to 255.
 * @return 0 to s.len - 1, or s.len when there is none. */
MK_API size_t mk_str_find(mk_str s, unsigned char c);

/** A part of a view, clipped to it.
 *
 * @param s      the view.
 * @param start  first octet; beyond the end gives the empty view.
 * @param n      octets at most; SIZE_MAX for "to the end".
 * @return a view into s. */
MK_API mk_str mk_str_sub(mk_str s, size_t start, size_t n);

/** Does a view hold CR, LF or NUL (Law 10: such arguments are refused)?
 *
 * @param s  the view looked at.
 * @return true when it holds one of the three. */
MK_API bool mk_str_has_ctl(mk_str s);

/** Read an unsigned decimal number that fills the whole view.
 *
 * @param s          1 or more ASCII digits and nothing else.
 * @param out_value  written on success only.
 * @return MK_OK; MK_E_SYNTAX when it is empty or holds another octet
 *         anywhere; MK_E_OVERFLOW when it exceeds UINT64_MAX. */
MK_API mk_err mk_str_u64(mk_str s, uint64_t *out_value);

/** Read an IPv4 or IPv6 address (RFC 3986 3.2.2, RFC 4291 2.2).
 *
 * @param text         "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"; without
 *                     brackets and zone; no octal, hexadecimal or short IPv4.
 * @param out_address  4 or 16 octets in network order, the others 0; written
 *                     on success only.
 * @return 4 or 6; 0 when it is no address. */
MK_API uint8_t mk_address_parse(mk_str text, uint8_t out_address[16]);

/** A network: all addresses that begin with the same bits. */
typedef struct mk_network {
    uint8_t family;      /**< 4 or 6 */
    uint8_t bits;        /**< of the prefix, 0 to 32 or to 128 */
    uint8_t address[16]; /**< network order; 0 behind the prefix */
} mk_network;

/** Read a network (RFC 4632 3.1, RFC 4291 2.3).
 *
 * @param text         "192.0.2.0/24", "2001:db8::/32"; an address alone is a
 *                     network of one.
 * @param out_network  written on success only.
 * @return MK_OK; MK_E_SYNTAX: no address, no prefix length, or bits that are
 *         not 0 behind the prefix, of which nobody knows what is meant. */
MK_API mk_err mk_network_parse(mk_str text, mk_network *out_network);

/** Is an address in a network? One of IPv4 that is written as IPv6
 *  (::ffff:192.0.2.1, RFC 4291 2.5.5.2) is the IPv4 address.
 *
 * @param network  the network.
 * @param family   4 or 6; another is in none.
 * @param address  4 or 16 octets in network order. */
MK_API bool mk_network_has(const mk_network *network, uint8_t family,
                           const uint8_t *address);

/* ---- bounded buffers ----------------------------------------------------- */

/** An append buffer over the caller's memory with a maximum fixed at init.
 *
 * Writing past the maximum sets `full`, drops what did not fit, and is
 * sticky: once full nothing more is taken, however short, so that a formatter
 * may write many pieces and look once at the end. mk_buf_init clears it. */
typedef struct mk_buf {
    char *ptr;
    size_t len; /**< octets written */
    size_t max; /**< octets of room in all */
    bool full;  /**< something did not fit */
} mk_buf;

/** Start a buffer over the caller's memory.
 *
 * @param b    written.
 * @param mem  memory of max octets; owned by the caller and outlives b; NULL
 *             holds nothing.
 * @param max  octets; 0 is allowed and holds nothing. */
MK_API void mk_buf_init(mk_buf *b, void *mem, size_t max);

/** Append a view, all or nothing.
 *
 * @param b  the buffer.
 * @param s  octets to append; may not overlap b.
 * @return MK_OK, or MK_E_ROOM with b->full set and nothing appended. */
MK_API mk_err mk_buf_add(mk_buf *b, mk_str s);

/** Append a NUL-terminated string (without the NUL), all or nothing.
 *
 * @param b  the buffer.
 * @param z  string; NULL appends nothing.
 * @return as mk_buf_add. */
MK_API mk_err mk_buf_add_z(mk_buf *b, const char *z);

/** Append one octet.
 *
 * @param b  the buffer.
 * @param c  the octet.
 * @return as mk_buf_add. */
MK_API mk_err mk_buf_add_c(mk_buf *b, char c);

/** Append an unsigned decimal number without leading zeros.
 *
 * @param b      the buffer.
 * @param value  the number.
 * @return as mk_buf_add. */
MK_API mk_err mk_buf_add_u64(mk_buf *b, uint64_t value);

/** Append text with every octet that is not printable ASCII made visible.
 *
 * Octets outside 0x20..0x7E, and the backslash, are written as \xHH; so the
 * result is one line that no terminal interprets, for logs and trace fields.
 *
 * @param b    the buffer.
 * @param s    hostile octets.
 * @param max  octets of s looked at; the rest is shown as "...".
 * @return as mk_buf_add (what fitted stays). */
MK_API mk_err mk_buf_add_escaped(mk_buf *b, mk_str s, size_t max);

/** What was written so far.
 *
 * @param b  the buffer.
 * @return a view valid until the buffer's next change. */
MK_API mk_str mk_buf_str(const mk_buf *b);

/* ---- hooks --------------------------------------------------------------- */

/** Where memory comes from. The engines never use it (they live in the
 *  caller's block); layers 3 and up that must keep things do. */
typedef struct mk_alloc {
    void *self;
    /** n > 0 octets aligned for any type, or NULL. */
    void *(*get)(void *self, size_t n);
    /** Give back what get returned for n octets; ptr NULL is fine. */
    void (*put)(void *self, void *ptr, size_t n);
} mk_alloc;

/** Take memory.
 *
 * @param a  the hook; NULL means none is there and gives NULL.
 * @param n  octets; 0 gives NULL.
 * @return zeroed memory of n octets, or NULL; give it back by mk_alloc_put
 *         with the same n. */
MK_API void *mk_alloc_get(const mk_alloc *a, size_t n);

/** Give memory back.
 *
 * @param a    the hook that gave it.
 * @param ptr  what mk_alloc_get returned; NULL is fine.
 * @param n    the octets asked for then. */
MK_API void mk_alloc_put(const mk_alloc *a, void *ptr, size_t n);

/** The C library's malloc and free as an mk_alloc.
 *
 * @return static, never NULL. */
MK_API const mk_alloc *mk_alloc_libc(void);

/** Where unpredictable octets come from. */
typedef struct mk_random {
    void *self;
    /** Fill n octets. @return MK_OK, or MK_E_ENTROPY with out undefined. */
    mk_err (*fill)(void *self, void *out, size_t n);
} mk_random;

/** Overwrite memory in a way that the compiler keeps (secrets).
 *
 * @param ptr  memory; may be NULL when n is 0.
 * @param n    octets. */
MK_API void mk_wipe(void *ptr, size_t n);

/** Add sizes with a check.
 *
 * @param a,b      octets.
 * @param out_sum  written on success only.
 * @return MK_OK or MK_E_OVERFLOW. */
MK_API mk_err mk_size_add(size_t a, size_t b, size_t *out_sum);

MK_EXTERN_C_END
#endif
