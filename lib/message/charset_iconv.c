/* SPDX-License-Identifier: MIT
 *
 * charset_iconv.c: the character sets of several octets by the system's iconv
 * (POSIX.1-2017), the only file that knows of it. It takes memory of its own,
 * and reads a table from disk when a set is used first; so it is a build
 * option, and of no effect for who does not ask for its table. Where it is off
 * there is none, and these sets are read as US-ASCII.
 */
#include <mailkit/charset.h>

#ifdef MK_HAVE_ICONV
#include <errno.h>
#include <iconv.h>

/* The sets that mail means by these labels, as browsers read them (WHATWG
 * Encoding 4.2): each holds all of its namesake. */
static const char *name_of(mk_charset charset)
{
    switch (charset) {
    case MK_CHARSET_GB18030:
        return "GB18030";
    case MK_CHARSET_BIG5:
        return "BIG5-HKSCS";
    case MK_CHARSET_EUC_JP:
        return "EUC-JP";
    case MK_CHARSET_ISO_2022_JP:
        return "ISO-2022-JP-2";
    case MK_CHARSET_SHIFT_JIS:
        return "CP932";
    case MK_CHARSET_EUC_KR:
        return "CP949";
    case MK_CHARSET_ISO_2022_KR:
        return "ISO-2022-KR";
    default:
        return NULL;
    }
}

static mk_err start(void *self, mk_charset charset, void **out_state)
{
    const char *name = name_of(charset);
    iconv_t cd;
    (void)self;
    if (name == NULL) {
        return MK_E_UNSUPPORTED;
    }
    cd = iconv_open("UTF-8", name);
    if (cd == (iconv_t)-1) {
        return errno == EINVAL ? MK_E_UNSUPPORTED : MK_E_MEMORY;
    }
    *out_state = cd;
    return MK_OK;
}

static mk_err decode(void *self, void *state, mk_str *io_in, mk_buf *out)
{
    char *in = (char *)(uintptr_t)io_in->ptr;
    char *to = out->ptr + out->len;
    size_t room = out->full ? 0 : out->max - out->len;
    size_t left = room;
    (void)self;
    size_t said = iconv((iconv_t)state, &in, &io_in->len, &to, &left);
    int why = errno;
    io_in->ptr = in;
    out->len += room - left;
    if (said != (size_t)-1) {
        return MK_WAIT;
    }
    return why == E2BIG ? MK_E_ROOM : why == EINVAL ? MK_WAIT : MK_E_SYNTAX;
}

static void stop(void *self, void *state)
{
    (void)self;
    (void)iconv_close((iconv_t)state);
}

static const mk_charset_table iconv_table = {NULL, start, decode, stop};

const mk_charset_table *mk_charset_table_iconv(void)
{
    return &iconv_table;
}
#else
const mk_charset_table *mk_charset_table_iconv(void)
{
    return NULL;
}
#endif
