/* SPDX-License-Identifier: MIT
 *
 * store.h: mailboxes on disk. Today the Maildir: written, with unique names,
 * ",S=" (octets on disk) and ",W=" (octets with CRLF line ends), LF on disk,
 * delivery by tmp/ then new/, header fields put on top; and listed and read as
 * one maildrop (RFC 1939), without UID files and without moving anything.
 * docs/maildir.md lists the states. Octets go in, and come out, as they are on
 * the wire (RFC 5321 4.5.2 undone, CRLF). It refuses names that leave the mail
 * root, boxes that are links or belong to somebody else, and to replace any
 * file.
 *
 * What opens, writes or removes files blocks and is meant for a worker; the
 * functions share no state but what the object passed in owns.
 */
#ifndef MAILKIT_STORE_H
#define MAILKIT_STORE_H

#include <mailkit/base.h>
#include <mailkit/crypto.h>
#include <mailkit/disk.h>
#include <mailkit/vfs.h>

MK_EXTERN_C_BEGIN

/* ---- the box ------------------------------------------------------------- */

/** May this domain or user be a directory's name?
 *
 * @param name  octets from outside.
 * @return MK_OK; MK_E_ARG when it is empty, longer than MK_VFS_NAME_MAX,
 *         starts with a dot, or holds '/' or DEL; MK_E_CTL when it holds
 *         another octet below 0x20. */
MK_API mk_err mk_maildir_name_check(mk_str name);

/** An open Maildir: three directories. Treat the fields as read-only.
 *
 * It does not change after opening, so deliveries on several threads may
 * share it; keep it open until all of them are done. */
typedef struct mk_maildir {
    const mk_vfs *vfs; /**< NULL when not open */
    mk_dir dir_tmp;
    mk_dir dir_new;
    mk_dir dir_cur;
} mk_maildir;

/** Open ROOT/DOMAIN/USER, making what is missing (0700, parents synced).
 *
 * @param vfs      table; borrowed while the box is open.
 * @param root     the open mail root; not kept.
 * @param domain   one component, checked; lower-case it before.
 * @param user     one component, checked.
 * @param out_box  written on success; close it by mk_maildir_close.
 * @return MK_OK; the errors of mk_maildir_name_check; MK_E_KIND when a part
 *         is a link, a FIFO or a file; MK_E_ACCESS when it belongs to
 *         another user or is writable for everybody; or the table's error. */
MK_API mk_err mk_maildir_open(const mk_vfs *vfs, mk_dir root, mk_str domain,
                              mk_str user, mk_maildir *out_box);

/** Open PARENT/NAME, a box that stands alone; makes it likewise.
 *
 * @param vfs      table; borrowed while the box is open.
 * @param parent   the open directory that it is in; not kept.
 * @param name     one component of the operator's; it may start with a dot,
 *                 but is neither "." nor "..".
 * @param out_box  written on success; close it by mk_maildir_close.
 * @return as mk_maildir_open; MK_E_ARG: that is no such name. */
MK_API mk_err mk_maildir_open_at(const mk_vfs *vfs, mk_dir parent, mk_str name,
                                 mk_maildir *out_box);

/** Close a box.
 *
 * @param box  open, or closed already. */
MK_API void mk_maildir_close(mk_maildir *box);

/** Remove what dead deliveries left in tmp/ (THREATS G4: after 36 hours).
 *
 * @param box          open.
 * @param now_s        the time, seconds UTC.
 * @param age_s        files older than this are removed.
 * @param out_removed  files removed; may be NULL; written in any case.
 * @return MK_OK, or the first error met (the walk goes on). */
MK_API mk_err mk_maildir_sweep(const mk_maildir *box, uint64_t now_s,
                               uint64_t age_s, uint64_t *out_removed);

/* ---- names --------------------------------------------------------------- */

/** What makes a file's name unique; all of it comes from the caller. */
typedef struct mk_maildir_stamp {
    uint64_t wall_us; /**< microseconds since 1970 UTC */
    uint64_t seq;     /**< counts deliveries of this process */
    uint64_t random;  /**< 64 unpredictable bits */
    uint32_t pid;     /**< of this process */
    mk_str host;      /**< host name; borrowed by mk_delivery_new only while
                           it runs; empty is "localhost" */
} mk_maildir_stamp;

/** Format the name without sizes: SEC.MusecPpidQseqRrandom.HOST.
 *
 * '/' and ':' of the host become \057 and \072, as do all octets that are
 * not printable ASCII, ',' and '\'; a host beyond 96 octets is cut.
 *
 * @param stamp     what makes it unique.
 * @param attempt   0, or how many names were taken: changes the random part.
 * @param out_name  MK_VFS_NAME_MAX + 1 octets, NUL-terminated.
 * @return its length in octets. */
MK_API size_t mk_maildir_name_format(const mk_maildir_stamp *stamp,
                                     unsigned attempt, char *out_name);

/** The parts of a Maildir file's name. Views into it. */
typedef struct mk_maildir_name {
    mk_str base;         /**< before the first ',' or ':' */
    mk_str flags;        /**< after ":2,"; empty in new/ */
    bool has_disk_bytes; /**< ",S=" is there and well-formed */
    bool has_wire_bytes; /**< ",W=" likewise */
    uint64_t disk_bytes; /**< size of the file */
    uint64_t wire_bytes; /**< size with CRLF line ends */
} mk_maildir_name;

/** Take a file's name apart.
 *
 * Unknown ",X=" parts are skipped; a malformed number counts as absent, and
 * of two equal keys the first counts.
 *
 * @param name       an entry of new/ or cur/.
 * @param out_parts  written on success; views live as long as name.
 * @return MK_OK; MK_E_SYNTAX when the base is empty or begins with a dot. */
MK_API mk_err mk_maildir_name_parse(mk_str name, mk_maildir_name *out_parts);

/* ---- a maildrop: what a box holds now ------------------------------------ */

/** Open ROOT/DOMAIN/USER for reading; nothing is made.
 *
 * @param vfs      table; borrowed while the box is open.
 * @param root     the open mail root; not kept.
 * @param domain   one component, checked; lower-case it before.
 * @param user     one component, checked.
 * @param out_box  written on success; close it by mk_maildir_close. What is not
 *                 there is MK_VFS_NONE, and tmp/ always is: a user without a
 *                 Maildir has an empty one.
 * @return as mk_maildir_open, but never MK_E_NOENT. */
MK_API mk_err mk_maildir_enter(const mk_vfs *vfs, mk_dir root, mk_str domain,
                               mk_str user, mk_maildir *out_box);

/** The longest unique id, octets; each is 0x21 to 0x7E (RFC 1939 7). */
#define MK_MAILDIR_UID_MAX 70u

/** The messages of a box as they were when it was listed, numbered from 0.
 *
 * It holds no descriptor; a box is handed in where one is needed, which may be
 * opened anew each time. One thread at a time. */
typedef struct mk_maildir_list mk_maildir_list;

/** Settings of a listing; start with mk_maildir_list_config_init. */
typedef struct mk_maildir_list_config {
    size_t size;             /**< set by init */
    const mk_alloc *alloc;   /**< called on workers */
    const mk_crypto *crypto; /**< SHA-256, for ids of names that are none */
    uint32_t messages_max;   /**< the oldest of them are listed, 1 to
                              *   10,000,000: 100,000 */
} mk_maildir_list_config;

/** What a listing holds. */
typedef struct mk_maildir_list_info {
    uint32_t count;      /**< messages */
    uint64_t wire_bytes; /**< of all of them */
    uint64_t left_out;   /**< newer ones, beyond messages_max */
    uint32_t unreadable; /**< left out since they could not be opened or read */
    size_t memory_bytes; /**< what the listing takes: about 100 for a message;
                          *   up to six times that while it is made */
} mk_maildir_list_info;

/** Set a config to its defaults.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_maildir_list_config_init(mk_maildir_list_config *c,
                                          size_t size);

/** List new/ and cur/. Worker.
 *
 * In the order of delivery: names compare octet for octet but that runs of
 * digits compare as numbers, so that the seconds count first, then what follows
 * them; letters come behind all seconds. A message that is moved from new/ to
 * cur/ meanwhile is listed once. Hidden names, directories, links and FIFOs are
 * no messages.
 *
 * A size is taken from ",W=" where ",S=" is the size of the file, as our
 * deliveries and Dovecot's write it, else the file is read for it.
 *
 * @param c         alloc and crypto are needed; borrowed for the list's life.
 * @param box       open.
 * @param out_list  written on success; close it by mk_maildir_list_close.
 * @return MK_OK; MK_E_ARG; MK_E_MEMORY; MK_E_FILES; or the table's error. */
MK_API mk_err mk_maildir_list_open(const mk_maildir_list_config *c,
                                   const mk_maildir *box,
                                   mk_maildir_list **out_list);

/** Forget a listing.
 *
 * @param l  NULL is fine. */
MK_API void mk_maildir_list_close(mk_maildir_list *l);

/** What it holds.
 *
 * @param l  a listing.
 * @return lives as long as l. */
MK_API const mk_maildir_list_info *
mk_maildir_list_info_of(const mk_maildir_list *l);

/** The size of a message with CRLF line ends (RFC 1939 11).
 *
 * @param l  a listing.
 * @param i  below its count.
 * @return octets; 0 when there is no such message. */
MK_API uint64_t mk_maildir_list_size(const mk_maildir_list *l, uint32_t i);

/** The unique id of a message: its file's name up to ':', which stays the same
 *  wherever the file is moved; or, where that is too long or holds octets
 *  that may not be in one, 32 hex digits of its SHA-256.
 *
 * @param l       a listing.
 * @param i       below its count.
 * @param io_out  appended to; MK_MAILDIR_UID_MAX octets are always enough.
 * @return MK_OK; MK_E_ARG: no such message; MK_E_ROOM; MK_E_CRYPTO. */
MK_API mk_err mk_maildir_list_uid(const mk_maildir_list *l, uint32_t i,
                                  mk_buf *io_out);

/** What became of messages that were to be removed. */
typedef struct mk_maildir_removed {
    uint32_t removed;
    uint32_t gone;   /**< somebody else had removed them, or they were moved out
                      *   of sight at that moment */
    uint32_t failed; /**< are still there */
} mk_maildir_removed;

/** Remove messages, then put that on stable storage. Worker.
 *
 * One that was moved meanwhile, or whose flags changed, is found again by its
 * name. A crash on the way leaves each message either whole or gone.
 *
 * @param l            a listing.
 * @param box          open; the one that was listed.
 * @param marks        a bit for each message, number i in octet i / 8 as
 *                     1 << i % 8: those to remove.
 * @param out_removed  written in any case.
 * @return MK_OK: none of them is there any more; else the first error, which
 *         may be that of a sync. */
MK_API mk_err mk_maildir_list_remove(mk_maildir_list *l, const mk_maildir *box,
                                     const unsigned char *marks,
                                     mk_maildir_removed *out_removed);

/* ---- a message, read ------------------------------------------------------
 */

/** Reads a message as it is on the wire. Treat the fields as internal. */
typedef struct mk_maildir_reader {
    const mk_vfs *vfs; /**< NULL when not open */
    mk_file file;
    uint64_t size_bytes; /**< of the file */
    uint64_t at;         /**< octets of it that were given out */
    bool has_cr;         /**< the last of them is a CR */
    bool is_open_line;   /**< and it is not an LF */
    bool is_dense;       /**< short lines: more room is left for CRs */
} mk_maildir_reader;

/** Open a message. Worker.
 *
 * It is found by its name wherever it is in the box.
 *
 * @param out_reader  written on success; close it by mk_maildir_reader_close.
 *                    It holds a descriptor and needs neither list nor box.
 * @param l           a listing.
 * @param box         open; the one that was listed.
 * @param i           below the listing's count.
 * @return MK_OK; MK_E_ARG; MK_E_NOENT: it is gone; or the table's error. */
MK_API mk_err mk_maildir_reader_open(mk_maildir_reader *out_reader,
                                     mk_maildir_list *l, const mk_maildir *box,
                                     uint32_t i);

/** The next octets: every line ends with CRLF, the last one too. A CR or NUL
 *  that stands alone stays as it is. Worker.
 *
 * @param r            open.
 * @param out          memory of max octets.
 * @param max          64 or more; what is given fills most of it but at the
 *                     end.
 * @param out_n        octets given; 0 only with *out_is_last.
 * @param out_is_last  nothing follows.
 * @return MK_OK; MK_E_ARG; MK_E_CUT: the file became shorter; or the table's
 *         error. After an error nothing but closing is left. */
MK_API mk_err mk_maildir_reader_read(mk_maildir_reader *r, char *out,
                                     size_t max, size_t *out_n,
                                     bool *out_is_last);

/** Close a reader.
 *
 * @param r  open, or closed already. */
MK_API void mk_maildir_reader_close(mk_maildir_reader *r);

/* ---- one delivery -------------------------------------------------------- */

/** Settings of a delivery; start with mk_delivery_config_init. */
typedef struct mk_delivery_config {
    size_t size;           /**< sizeof(mk_delivery_config), set by init */
    const mk_alloc *alloc; /**< called on workers too */
    /** Borrowed until the delivery is freed. It must be open whenever a call
     *  for a worker, or the commit, is made; see mk_delivery_park. */
    const mk_maildir *box;
    mk_maildir_stamp stamp;
    uint64_t free_bytes_min;  /**< refuse below; 0 does not ask */
    uint64_t free_inodes_min; /**< refuse below; 0 does not ask */
} mk_delivery_config;

/** One message on its way into one Maildir.
 *
 * Either mk_delivery_whole, or begin, add …, end; then hand mk_delivery_item
 * to a commit queue (or to mk_commit); then free. One thread at a time. */
typedef struct mk_delivery mk_delivery;

/** Set a config to its defaults: no minimum of free space.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller. */
MK_API void mk_delivery_config_init(mk_delivery_config *c, size_t size);

/** Make a delivery; touches no file.
 *
 * @param c             alloc and box are needed.
 * @param out_delivery  written on success; free it by mk_delivery_free.
 * @return MK_OK; MK_E_ARG; MK_E_MEMORY. */
MK_API mk_err mk_delivery_new(const mk_delivery_config *c,
                              mk_delivery **out_delivery);

/** Give the whole message; nothing is on disk before the commit writes it.
 *
 * @param d     fresh.
 * @param top   header fields to put on top, with CRLF; may be empty.
 * @param body  array of views that follow each other (the message as it
 *              came); the array and what it and top show are borrowed until
 *              the commit is done.
 * @param n     views; 0 is fine.
 * @return MK_OK; MK_E_STATE when it is not fresh. */
MK_API mk_err mk_delivery_whole(mk_delivery *d, mk_str top, const mk_str *body,
                                size_t n);

/** Create the file in tmp/ and put header fields at its start. Worker.
 *
 * @param d    fresh.
 * @param top  header fields with CRLF; may be empty; not kept.
 * @return MK_OK; MK_E_STATE, also when the box is not open; MK_E_SYNTAX when
 *         top does not end with a line's end; MK_E_MEMORY; MK_E_SPACE when
 *         the file system has less left than the config asks; or the table's
 *         error. On failure nothing is there. */
MK_API mk_err mk_delivery_begin(mk_delivery *d, mk_str top);

/** Write more of the message, CRLF becoming LF; may be cut anywhere. Worker.
 *
 * @param d     begun.
 * @param wire  octets as they came; not kept.
 * @return MK_OK; MK_E_STATE; or the table's error: then only abort or free
 *         are left. */
MK_API mk_err mk_delivery_add(mk_delivery *d, mk_str wire);

/** End a streamed message: write out what is left. Worker.
 *
 * @param d  begun.
 * @return MK_OK: ready for commit; MK_E_STATE; or the table's error: then
 *         only abort or free are left. */
MK_API mk_err mk_delivery_end(mk_delivery *d);

/** Make a delivery a copy of an ended one, with fields of its own. Worker.
 *
 * The body is copied, the source's fields are not. Each is a file of its own,
 * never a hard link.
 *
 * @param d       fresh; may be for any box.
 * @param source  ended by mk_delivery_end or mk_delivery_copy and not yet
 *                handed to a commit.
 * @param top     as for mk_delivery_begin.
 * @return MK_OK: ready for commit; else as mk_delivery_begin and
 *         mk_delivery_end, and nothing is there. */
MK_API mk_err mk_delivery_copy(mk_delivery *d, const mk_delivery *source,
                               mk_str top);

/** The item to hand to mk_commit_queue_add or mk_commit.
 *
 * Of its fields `done` is the caller's to set, and `chain` for a direct
 * mk_commit; a caller may also put a step of its own before `prepare` (such
 * as opening the box). After the commit `result` tells; MK_E_EXISTS means that
 * ten names were taken.
 *
 * @param d  given as a whole, ended, or copied.
 * @return the item, part of d; NULL when the message is not complete. */
MK_API mk_commit_item *mk_delivery_item(mk_delivery *d);

/** The delivery that an item is part of.
 *
 * @param item  what mk_delivery_item gave.
 * @return its delivery, never NULL. */
MK_API mk_delivery *mk_delivery_of(const mk_commit_item *item);

/** A pointer of the caller's that rides along.
 *
 * @param d  any delivery.
 * @return where it is kept; NULL in it at first. */
MK_API void **mk_delivery_tag(mk_delivery *d);

/** What was written so far.
 *
 * @param d               any delivery; exact once committed.
 * @param out_disk_bytes  size of the file, the gap included; may be NULL.
 * @param out_wire_bytes  the same with CRLF line ends; may be NULL. */
MK_API void mk_delivery_size(const mk_delivery *d, uint64_t *out_disk_bytes,
                             uint64_t *out_wire_bytes);

/** The name in new/ once committed.
 *
 * @param d  any delivery.
 * @return a view into d; empty before the commit said MK_OK. */
MK_API mk_str mk_delivery_name(const mk_delivery *d);

/** The box is about to be closed while the file waits, settled, in its tmp/.
 *
 * Open the box again, at the same address, before the commit or
 * mk_delivery_abort; an abort without it leaves the file to the sweep.
 *
 * @param d  settled by mk_commit_contents. */
MK_API void mk_delivery_park(mk_delivery *d);

/** Give up: the file in tmp/ is removed. Worker.
 *
 * @param d  not in a commit; afterwards only free is left. */
MK_API void mk_delivery_abort(mk_delivery *d);

/** Free a delivery; one that was not committed is aborted first (which
 *  touches the disk: abort on a worker before).
 *
 * @param d  NULL is fine; not in a commit. */
MK_API void mk_delivery_free(mk_delivery *d);

MK_EXTERN_C_END
#endif
