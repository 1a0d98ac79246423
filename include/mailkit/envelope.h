/* SPDX-License-Identifier: MIT
 *
 * envelope.h: what IMAP tells of a message (RFC 9051 7.5.2 ENVELOPE and
 * BODYSTRUCTURE, RFC 5256 base subject and references), without IMAP: plain
 * structs over a view (message.h), and keys that messages are threaded by. It
 * formats nothing for a wire and decides no thread.
 */
#ifndef MAILKIT_ENVELOPE_H
#define MAILKIT_ENVELOPE_H

#include <mailkit/header.h>
#include <mailkit/message.h>

MK_EXTERN_C_BEGIN

/** The envelope of a message. Each is a value as mk_field has it, without the
 *  white space at its ends: for mk_addresses_init, mk_words_decode and
 *  mk_msgids_init. ptr is NULL where there is no such field, and for addresses
 *  also where it is empty. */
typedef struct mk_envelope {
    mk_str date;
    mk_str subject;
    mk_str author;   /**< From */
    mk_str sender;   /**< Sender; `author` when there is none */
    mk_str reply_to; /**< Reply-To; likewise */
    mk_str to;
    mk_str cc;
    mk_str bcc;
    mk_str in_reply_to;
    mk_str message_id;
} mk_envelope;

/** Read the envelope of a message.
 *
 * @param view          a view; the envelope is views into its message.
 * @param part          0, or a part whose kind is MK_PART_MESSAGE's child: the
 *                      header of which part.
 * @param out_envelope  written on success.
 * @return MK_OK, or MK_E_NOENT: there is no such part. RFC 9051 7.5.2. */
MK_API mk_err mk_envelope_read(const mk_view *view, uint32_t part,
                               mk_envelope *out_envelope);

/** The body structure of one part. Values are as in mk_envelope; those with
 *  parameters are for mk_params_parse. */
typedef struct mk_structure {
    const mk_view_part *part; /**< first_child and sibling lead on */
    mk_str type;    /**< "TEXT", as written, or the default (RFC 2045 5.2, RFC
                         2046 5.1.5); of a field that the view lacks the
                         family, such as "MULTIPART" "MIXED" */
    mk_str subtype; /**< "PLAIN", likewise */
    mk_str params;  /**< all of Content-Type; ptr NULL: none that could be
                         read */
    mk_str id;      /**< Content-ID */
    mk_str description; /**< Content-Description */
    mk_str encoding;    /**< "7BIT" when there is none */
    mk_str md5;         /**< Content-MD5 */
    mk_str disposition; /**< Content-Disposition */
    mk_str language;    /**< Content-Language */
    mk_str location;    /**< Content-Location */
    uint64_t octets;    /**< of the body, each line end counted as CRLF */
    uint64_t lines;     /**< of it */
    uint32_t message;   /**< of a message/rfc822: the part of the message
                             within; else MK_PART_NONE */
} mk_structure;

/** Read the body structure of a part.
 *
 * @param view           a view; the structure is views into its message.
 * @param part           the number of a part.
 * @param out_structure  written on success.
 * @return MK_OK, or MK_E_NOENT: there is no such part. RFC 9051 7.5.2. */
MK_API mk_err mk_structure_read(const mk_view *view, uint32_t part,
                                mk_structure *out_structure);

/** The base subject: what is left of a subject without "Re:", "Fwd:", "[list]"
 *  and their like, decoded and with single spaces.
 *
 * @param value         of Subject, as mk_field has it.
 * @param table         for character sets that are not built in, or NULL.
 * @param out           UTF-8 is appended; while it works it needs room for all
 *                      of the subject, three octets for one at most.
 * @param out_is_reply  whether something was taken off that a reply or a
 *                      forwarded message has; may be NULL.
 * @return MK_OK, or MK_E_ROOM with out->full set. RFC 5256 2.1, 5. */
MK_API mk_err mk_subject_base(mk_str value, const mk_charset_table *table,
                              mk_buf *out, bool *out_is_reply);

/** A message identifier in its one form: quotes and backslashes that it does
 *  not need, comments and white space are taken off.
 *
 * @param id   from mk_msgids_next.
 * @param out  appended, without "<" and ">".
 * @return MK_OK, or MK_E_ROOM with out->full set. RFC 5256 3. */
MK_API mk_err mk_msgid_format(mk_str id, mk_buf *out);

/** A walk over the identifiers that a message refers to; no field is for
 *  readers. */
typedef struct mk_references {
    mk_msgids ids;
    bool only_first, done;
} mk_references;

/** Begin to walk over the messages that a message descends from, the eldest
 *  first: its References, or when they name none the first of In-Reply-To.
 *
 * @param it    written.
 * @param view  a view, in use as long as the walk.
 * @param part  the header of which part; without such a part there are none. */
MK_API void mk_references_init(mk_references *it, const mk_view *view,
                               uint32_t part);

/** The next of them.
 *
 * @param it      the walk.
 * @param out_id  written when there is one, as by mk_msgids_next.
 * @return true; false at the end. RFC 5256 3. */
MK_API bool mk_references_next(mk_references *it, mk_str *out_id);

MK_EXTERN_C_END
#endif
