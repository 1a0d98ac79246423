/* SPDX-License-Identifier: MIT
 *
 * tls.h: TLS as an engine over an engine (library libmailkit-tls, on
 * mbedTLS). The outer engine is driven as any other; clear octets pass until
 * the inner one wants TLS (STARTTLS, RFC 3207), or never (implicit TLS, RFC
 * 8314). Any other TLS stack may stand in its place: mk_tls_begin and
 * mk_tls_done of engine.h are all that an inner engine sees.
 * It refuses versions below 1.2 (RFC 8996), clients without a name to verify,
 * renegotiation, and to go on in clear after anything went wrong (Law 9).
 */
#ifndef MAILKIT_TLS_H
#define MAILKIT_TLS_H

#include <mailkit/engine.h>
#include <mailkit/vfs.h>

MK_EXTERN_C_BEGIN

/* ---- what sessions share ------------------------------------------------- */

/** Keys, certificates and trust, shared by the sessions of one loop; one
 *  thread at a time. */
typedef struct mk_tls_context mk_tls_context;

/** Does a server ask for the peer's certificate? */
typedef enum mk_tls_ask {
    MK_TLS_ASK_NEVER = 0,
    MK_TLS_ASK_WANTED = 1, /**< it may show none, or a bad one: see info */
    MK_TLS_ASK_NEEDED = 2  /**< the handshake fails without a good one */
} mk_tls_ask;

/** Settings of a context; start with mk_tls_context_config_init. Views are
 *  copied. */
typedef struct mk_tls_context_config {
    size_t size; /**< set by init */
    const mk_alloc *alloc;
    const mk_random *random; /**< borrowed for the context's life; NULL: a
                              *   generator of its own, seeded by the system */
    bool is_server;
    mk_str certificate; /**< PEM: own certificate, then its chain; a server
                         *   needs one, a client may have one */
    mk_str key;         /**< PEM, its private key */
    mk_str trust;       /**< PEM: the certificates trusted to sign the peer's;
                         *   may be empty, see mk_tls_trust_load */
    mk_str revoked;     /**< PEM: revocation lists (RFC 5280 5), or empty */
    mk_tls_ask ask;     /**< server: MK_TLS_ASK_NEVER */
    uint32_t key_bits_min;      /**< of RSA keys of peers: 2,048 */
    uint32_t ticket_lifetime_s; /**< session tickets; 0: none; 86,400. A server
                                 *   that asks for certificates gives none */
    uint32_t handshakes_max;    /**< under way at once, else refused: 100 */
    uint32_t handshake_ms;      /**< for the whole of it: 30,000; a tenth of it
                                 *   while mk_hurry is on */
    /** The wall clock, UTC, seconds since 1970: certificates have dates. */
    int64_t (*wall_s)(void *self);
    void *wall_self;
} mk_tls_context_config;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_tls_context_config_init(mk_tls_context_config *c, size_t size);

/** Make a context.
 *
 * @param c            alloc and wall_s are needed, and a certificate with its
 *                     key for a server.
 * @param out_context  written on success; free it by mk_tls_context_free.
 * @return MK_OK; MK_E_ARG; MK_E_SYNTAX: something is not PEM of its kind;
 *         MK_E_AUTH: key and certificate do not belong together;
 * MK_E_CERT_WEAK, MK_E_CERT_TIME or MK_E_CERT_USE: no peer would take the own
 * one; MK_E_MEMORY; MK_E_ENTROPY. */
MK_API mk_err mk_tls_context_new(const mk_tls_context_config *c,
                                 mk_tls_context **out_context);

/** Read trusted certificates from a file, or from all files of a directory.
 *
 * @param context  the context.
 * @param vfs      table; borrowed for the call.
 * @param path     absolute; a PEM file or a directory of them.
 * @return MK_OK when at least one was found; MK_E_NOENT when none was, or no
 *         such path; MK_E_SYNTAX; the table's error; MK_E_MEMORY. */
MK_API mk_err mk_tls_trust_load(mk_tls_context *context, const mk_vfs *vfs,
                                const char *path);

/** Read the certificates that the system trusts, from where Debian, Fedora,
 *  Alpine, FreeBSD and OpenBSD keep them.
 *
 * @param context  the context.
 * @param vfs      table; borrowed for the call.
 * @return as mk_tls_trust_load. */
MK_API mk_err mk_tls_trust_load_system(mk_tls_context *context,
                                       const mk_vfs *vfs);

/** Put another certificate and key in place of the own ones: sessions that
 *  are under way keep theirs, tickets given before resume nothing any more.
 *
 * @param context      the context.
 * @param certificate  PEM, as in the config.
 * @param key          PEM, likewise.
 * @return as mk_tls_context_new; on failure the old ones stay. */
MK_API mk_err mk_tls_certificate_set(mk_tls_context *context,
                                     mk_str certificate, mk_str key);

/** Add a certificate for further names: a server shows the first whose
 *  alternative names cover what the peer asked for (SNI, RFC 6066 3), and the
 *  one of the config to all others. mk_tls_certificate_set forgets them.
 *
 * @param context      a server's context.
 * @param certificate  PEM, as in the config.
 * @param key          PEM, likewise.
 * @return as mk_tls_context_new. */
MK_API mk_err mk_tls_certificate_add(mk_tls_context *context,
                                     mk_str certificate, mk_str key);

/** Handshakes that are under way.
 *
 * @param context  the context.
 * @return sessions that asked for TLS and have not got it yet. */
MK_API size_t mk_tls_handshakes(const mk_tls_context *context);

/** Free a context.
 *
 * @param context  NULL is fine.
 * @return MK_OK; MK_E_BUSY when sessions use it: nothing was changed. */
MK_API mk_err mk_tls_context_free(mk_tls_context *context);

/* ---- sessions ------------------------------------------------------------ */

/** One ticket of a server's, to be offered when it is met again; for clients.
 *  It belongs to one name, port and policy (THREATS 33), and to the context
 *  whose trust it was verified by: a ticket is only offered where name and
 *  context are the same, the policy asks for no more than was verified then,
 *  and the peer's certificates have not expired meanwhile. It must not outlive
 *  its context: free it first. */
typedef struct mk_tls_ticket mk_tls_ticket;

/** Settings of a session; borrowed until mk_close, shared by any number of
 *  sessions. Start with mk_tls_config_init. */
typedef struct mk_tls_config {
    size_t size; /**< set by init */
    mk_tls_context *context;
    bool is_implicit;       /**< TLS from the first octet: false */
    mk_tls_policy policy;   /**< client: MUST, unless it may be less. At MAY and
                             *   ENCRYPT a bad certificate is told in the info
                             *   and the session goes on */
    mk_str server_name;     /**< client: the name or address literal that the
                             *   certificate must be for; always needed. Names
                             *   are sent as SNI */
    mk_tls_ticket **ticket; /**< client: where a ticket is kept between
                             *   sessions, or NULL; *ticket may be NULL */
} mk_tls_config;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_tls_config_init(mk_tls_config *c, size_t size);

/** Put TLS over an engine.
 *
 * The outer engine gives the inner one's events, but MK_EV_TLS_WANTED, which it
 * handles. A handshake that fails is told to the inner engine (mk_tls_done),
 * whose MK_EV_FAULT follows with the reason; nothing is ever sent in clear
 * after it. An end without close_notify is MK_E_CUT. mk_close of the outer
 * closes the inner.
 *
 * @param inner      the engine, not stepped yet.
 * @param c          borrowed until mk_close.
 * @param out_outer  written on success.
 * @return MK_OK; MK_E_ARG: no context, no server_name for a client; MK_E_CTL:
 *         server_name is not a name or address; MK_E_LIMIT: implicit TLS, and
 *         too many handshakes are under way; MK_E_MEMORY; MK_E_CRYPTO. On
 *         failure the inner engine is untouched. */
MK_API mk_err mk_tls_over(mk_engine *inner, const mk_tls_config *c,
                          mk_engine **out_outer);

/** Free a kept ticket, wiping it.
 *
 * @param ticket  NULL is fine. */
MK_API void mk_tls_ticket_free(mk_tls_ticket *ticket);

MK_EXTERN_C_END
#endif
