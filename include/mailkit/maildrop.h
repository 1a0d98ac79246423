/* SPDX-License-Identifier: MIT
 *
 * maildrop.h: loop-free glue over mk_host that turns POP3 server engines into a
 * server of Maildirs (RFC 1939): logins by an authenticator as in agent.h,
 * listings and files on workers, messages in pieces, and what is marked removed
 * at QUIT. It refuses to remove anything in a session that ends otherwise.
 */
#ifndef MAILKIT_MAILDROP_H
#define MAILKIT_MAILDROP_H

#include <mailkit/agent.h>
#include <mailkit/crypto.h>
#include <mailkit/pop3.h>

MK_EXTERN_C_BEGIN

/** Settings of maildrops; start with mk_maildrop_config_init. How many
 *  connections there may be is the host's to limit. */
typedef struct mk_maildrop_config {
    size_t size; /**< set by init */
    const mk_host *host;
    const mk_alloc *alloc;   /**< called on workers too */
    const mk_crypto *crypto; /**< SHA-256, see mk_maildir_list_uid */
    const mk_vfs *vfs;
    mk_dir root; /**< the open mail root; borrowed */
    /** hostname and sasl must be set; borrowed. Where it offers TLS, `wrap`
     *  must give it. */
    const mk_pop3_server_config *pop3;
    /** Judges logins; NULL: each is refused for now. A login "user@domain"
     *  opens ROOT/DOMAIN/USER. */
    const mk_authenticator *authenticator;
    /** As in mk_inbound_config. */
    mk_err (*wrap)(void *self, mk_engine *inner, mk_engine **out_outer);
    void *wrap_self;
    bool is_tls_implicit;
    mk_log log;
    uint32_t messages_max; /**< of a maildrop, the oldest: 100,000 */
    size_t chunk_bytes;    /**< read at once of a message, 1,024 or more; a
                            *   session takes two of it while one is sent, and
                            *   none else: 65,536 */
    size_t memory_max;     /**< of all lists and chunks together, beyond which
                            *   sessions are refused for now: 134,217,728 */
    uint32_t openings_max; /**< maildrops listed at once; others wait, so that
                            *   large ones leave workers to deliveries: 4 */
    /** Where pop3 offers UTF8, a client that did not say it is refused a
     * message with other octets than ASCII in its header, by -ERR [UTF8], as
     * RFC 6856 2.1 asks. True: it is sent as it is. Servers that do not offer
     * UTF8 have always sent all as it is: false. */
    bool is_utf8_as_is;
} mk_maildrop_config;

/** Maildirs by POP3: all sessions of one configuration on one loop.
 *
 * A session sees the messages that were there when it opened the maildrop, and
 * removes those that it marked at QUIT and only then; a connection that breaks
 * removes nothing (RFC 1939 6). A maildrop is not locked: several sessions may
 * have it at once, and deliveries go on; a message that another one removed
 * cannot be had any more, and counts as removed. Nothing is moved from new/ to
 * cur/ and no flags are set. */
typedef struct mk_maildrop mk_maildrop;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_maildrop_config_init(mk_maildrop_config *c, size_t size);

/** Make a service.
 *
 * @param c             host, alloc, crypto, vfs, root and pop3 are needed and
 *                      stay borrowed for the service's life.
 * @param out_maildrop  written on success; free it by mk_maildrop_free.
 * @return MK_OK; MK_E_ARG: something is missing, or a limit is 0; MK_E_MEMORY.
 */
MK_API mk_err mk_maildrop_new(const mk_maildrop_config *c,
                              mk_maildrop **out_maildrop);

/** What the host listens with. One service may serve many listeners.
 *
 * @param m            the service.
 * @param out_service  written; good for the service's life. */
MK_API void mk_maildrop_service(mk_maildrop *m, mk_service *out_service);

/** Sessions that are not over, and work of dead peers that is still done.
 *
 * @param m  the service.
 * @return 0 when idle. */
MK_API size_t mk_maildrop_count(const mk_maildrop *m);

/** Octets that lists and chunks take now.
 *
 * @param m  the service.
 * @return up to memory_max. */
MK_API size_t mk_maildrop_memory(const mk_maildrop *m);

/** Free a service that is idle.
 *
 * @param m  NULL is fine.
 * @return MK_OK; MK_E_BUSY when sessions are left: nothing was changed. */
MK_API mk_err mk_maildrop_free(mk_maildrop *m);

MK_EXTERN_C_END
#endif
