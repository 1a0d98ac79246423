/* SPDX-License-Identifier: MIT
 *
 * sasl.h: SASL (RFC 4422) for both roles: PLAIN (RFC 4616), LOGIN, CRAM-MD5
 * (RFC 2195), SCRAM-SHA-1 and -SHA-256 with and without -PLUS (RFC 5802,
 * 7677, 5929, 9266), XOAUTH2, OAUTHBEARER (RFC 7628), EXTERNAL, ANONYMOUS
 * (RFC 4505). One exchange lies in one block of the caller's memory; it sees
 * messages as octets, or takes them in base64; lines belong to the protocol
 * around it. Long computations come in slices, so that no loop stalls.
 * It refuses NTLM, DIGEST-MD5 and GSSAPI, to try a weaker mechanism by itself,
 * and to call a server genuine whose signature it has not seen.
 */
#ifndef MAILKIT_SASL_H
#define MAILKIT_SASL_H

#include <mailkit/crypto.h>
#include <mailkit/engine.h>

MK_EXTERN_C_BEGIN

/* ---- mechanisms ---------------------------------------------------------- */

/* Which there are, what comes next in an exchange, and the server's calls as a
 * table are in engine.h, where the servers of all protocols see them. */

/** Those that show the secret to whoever reads along: only inside TLS unless
 *  told otherwise. */
#define MK_SASL_CLEAR                                                          \
    (MK_SASL_LOGIN | MK_SASL_PLAIN | MK_SASL_XOAUTH2 | MK_SASL_OAUTHBEARER)

/** The name of a mechanism on the wire.
 *
 * @param mechanism  one bit.
 * @return "SCRAM-SHA-256" …, static; "" for anything else. */
MK_API const char *mk_sasl_name(mk_sasl_mechanism mechanism);

/** The mechanism of a name.
 *
 * @param name  in any case.
 * @return one bit, or MK_SASL_NONE when it is not known here. */
MK_API mk_sasl_mechanism mk_sasl_find(mk_str name);

/** The mechanisms of a list such as an EHLO line gives.
 *
 * @param names  separated by spaces; unknown ones are passed over.
 * @return mk_sasl_mechanism, or-ed. */
MK_API uint32_t mk_sasl_parse(mk_str names);

/* ---- what both roles share ----------------------------------------------- */

/** Octets of the largest message, decoded: 12,288 of base64 on a line. */
#define MK_SASL_MESSAGE_MAX 9216

/** Octets of a name (authcid, authzid) and of a password at most. */
#define MK_SASL_NAME_MAX 255

/** Octets of memory that one exchange needs.
 *
 * @param message_max  octets of the longest message, 1,024 to
 *                     MK_SASL_MESSAGE_MAX (tokens are long, passwords not).
 * @return octets; 0 when message_max is out of range. */
MK_API size_t mk_sasl_need(size_t message_max);

/** Go on: do a slice of work, or take what was sent as sent.
 *
 * @param s  the exchange.
 * @return what comes next. After MK_SASL_SEND the next call assumes that the
 *         message was sent; TAKE, ASK, DONE and FAILED stay until something
 *         happens. */
MK_API mk_sasl_state mk_sasl_next(mk_sasl *s);

/** The message to be sent.
 *
 * @param s  an exchange at MK_SASL_SEND.
 * @return octets, not base64; they live until the next call on s. */
MK_API mk_str mk_sasl_message(const mk_sasl *s);

/** Take the peer's message.
 *
 * Also where a server's exchange begins with MK_SASL_SEND: an initial response
 * instead of the first challenge, which is then not sent (LOGIN takes it as
 * the name, CRAM-MD5 fails); and at a client's MK_SASL_DONE: the peer wants
 * more, which is where the OAuth ones learn that they failed.
 *
 * @param s        an exchange at MK_SASL_TAKE.
 * @param message  octets, not base64; copied. Empty is a message.
 * @return MK_OK: taken, go on with mk_sasl_next, which may say FAILED;
 *         MK_E_STATE. A message longer than there is room for makes the
 *         exchange fail. */
MK_API mk_err mk_sasl_take(mk_sasl *s, mk_str message);

/** Hear a part of the peer's message in base64, as it stands on a line: it is
 *  decoded into the exchange's own room, so that no line need be kept whole.
 *
 * @param s       as for mk_sasl_take.
 * @param base64  a part, cut anywhere; what is wrong is told by mk_sasl_heard.
 */
MK_API void mk_sasl_hear(mk_sasl *s, mk_str base64);

/** The message is complete; none of it heard: an empty one. Otherwise as
 *  mk_sasl_take. A client that has yet to send its initial response takes an
 *  empty one, which asks for that, and fails on any other.
 *
 * @param s  the exchange.
 * @return as mk_sasl_take; MK_E_SYNTAX: that was no base64; MK_E_LIMIT: there
 *         was no room for it; both make the exchange fail. */
MK_API mk_err mk_sasl_heard(mk_sasl *s);

/** Write what a client's next line holds, as much as there is room for: at
 *  MK_SASL_SEND the message in base64, at MK_SASL_FAILED "*", else nothing.
 *
 * @param s    a client's exchange; it remembers how far it came.
 * @param out  appended to; 4 octets of room let it get on.
 * @return true: all of it is written: end the line, then mk_sasl_next; false:
 *         the rest is for the next call. */
MK_API bool mk_sasl_say(mk_sasl *s, mk_buf *out);

/** Make the exchange fail: the peer sent "*", or something that is not
 *  base64.
 *
 * @param s    the exchange; one that has failed keeps its reason.
 * @param why  MK_E_CANCELLED (also for what is no failure), MK_E_SYNTAX … */
MK_API void mk_sasl_fail(mk_sasl *s, mk_err why);

/** Why it failed.
 *
 * @param s  an exchange at MK_SASL_FAILED; MK_OK for any other.
 * @return MK_E_AUTH: a wrong secret or an unknown user, never told apart;
 *         MK_E_SYNTAX; MK_E_LIMIT (iterations, lengths); MK_E_PROTOCOL (nonce,
 *         channel binding, signature); MK_E_CANCELLED; MK_E_AGAIN (the
 *         application could not tell); MK_E_CRYPTO; MK_E_UNSUPPORTED: the
 *         filling has not got the hash; MK_E_ENTROPY. */
MK_API mk_err mk_sasl_why(const mk_sasl *s);

/** The mechanism of an exchange.
 *
 * @param s  the exchange.
 * @return one bit. */
MK_API mk_sasl_mechanism mk_sasl_which(const mk_sasl *s);

/** Wipe an exchange; its memory is the caller's again.
 *
 * @param s  NULL is fine. */
MK_API void mk_sasl_close(mk_sasl *s);

/* ---- client -------------------------------------------------------------- */

struct mk_sasl_client_config;

/** Who logs in, and what is allowed for it. Borrowed for the life of the
 *  exchanges; start with mk_sasl_client_config_init. */
typedef struct mk_sasl_client_config {
    size_t size;                   /**< set by init */
    const mk_sasl_client_ops *ops; /**< set by init */
    const mk_crypto *crypto;
    const mk_random *random;
    mk_str authcid;      /**< who; UTF-8, at most MK_SASL_NAME_MAX octets */
    mk_str authzid;      /**< to act as whom; empty: as oneself */
    mk_str password;     /**< at most MK_SASL_NAME_MAX octets; may be empty when
                          *   there is a token or a certificate */
    mk_str token;        /**< OAuth 2.0 bearer token, or empty */
    mk_str host;         /**< OAUTHBEARER: the server's name; may be empty */
    uint16_t port;       /**< OAUTHBEARER: 0: not told */
    uint32_t mechanisms; /**< allowed: all but ANONYMOUS and EXTERNAL */
    bool is_clear_allowed;   /**< tokens and passwords, whatever the mechanism,
                              *   also over a channel that is not TLS with a
                              *   verified peer: false */
    uint32_t iterations_min; /**< SCRAM, else MK_E_LIMIT: 4,096 */
    uint32_t iterations_max; /**< 1,000,000 */
    uint32_t slice_iterations; /**< of a WORK step: 2,000 */
} mk_sasl_client_config;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_sasl_client_config_init(mk_sasl_client_config *c, size_t size);

/** Choose the strongest mechanism that is offered, allowed and possible.
 *
 * Possible is: a token for the OAuth ones (preferred when there is one), a
 * password for the others, TLS with a verified peer for both unless
 * is_clear_allowed, channel binding data for -PLUS, TLS for EXTERNAL. When the
 * choice failed once nothing weaker should be tried (THREATS 41).
 *
 * @param c        whose login.
 * @param offered  mk_sasl_mechanism, or-ed.
 * @param tls      of the connection; NULL: none.
 * @return one bit; MK_SASL_NONE when nothing is left. */
MK_API mk_sasl_mechanism mk_sasl_client_choose(const mk_sasl_client_config *c,
                                               uint32_t offered,
                                               const mk_tls_info *tls);

/** Begin an exchange as client.
 *
 * It begins at MK_SASL_SEND (an initial response) or MK_SASL_TAKE (LOGIN,
 * CRAM-MD5: the server begins).
 *
 * @param c          borrowed until mk_sasl_close.
 * @param mechanism  one bit.
 * @param offered    all that the server offers: SCRAM tells it whether -PLUS
 *                   was not seen (RFC 5802 6).
 * @param tls        borrowed likewise; NULL: the connection has none.
 * @param mem        aligned as for any type; borrowed likewise.
 * @param n          octets of mem, at least mk_sasl_need(1024).
 * @param out_sasl   written on success.
 * @return MK_OK; MK_E_ARG, also for a name that is not UTF-8; MK_E_CTL: a
 *         control character in a name, NUL in a password, anything but
 *         visible ASCII in a token; MK_E_LIMIT: longer than there is room
 *         for; MK_E_CLEARTEXT: the channel is not good enough;
 *         MK_E_UNSUPPORTED: not allowed, no channel binding, no secret;
 *         MK_E_ROOM; MK_E_ENTROPY; MK_E_CRYPTO. Nothing is left behind. */
MK_API mk_err mk_sasl_client_open(const mk_sasl_client_config *c,
                                  mk_sasl_mechanism mechanism, uint32_t offered,
                                  const mk_tls_info *tls, void *mem, size_t n,
                                  mk_sasl **out_sasl);

/* ---- server -------------------------------------------------------------- */

/** What the application is asked. */
typedef enum mk_sasl_ask_kind {
    MK_SASL_ASK_PASSWORD = 1, /**< is `secret` the password of `authcid`? */
    MK_SASL_ASK_KEYS = 2,     /**< what are the keys of `authcid`? (SCRAM: keys
                               *   or a password, CRAM-MD5: a password; PLAIN
                               *   and LOGIN with asks_keys: any of these) */
    MK_SASL_ASK_TOKEN = 3,    /**< is `secret` a good token? For whom: authcid,
                               *   which OAUTHBEARER may leave empty */
    MK_SASL_ASK_EXTERNAL = 4, /**< may the peer that TLS knows act as authzid?
                               *   secret is empty, see mk_tls_info */
    MK_SASL_ASK_ANONYMOUS = 5 /**< `authcid` is the trace, any text */
} mk_sasl_ask_kind;

/** The question of a login; MK_EV_SASL carries it. Views live as the event's
 *  do. Octets are hostile: names are valid UTF-8 without control characters,
 *  a secret has no NUL in it, a token is visible ASCII; no more. A name is
 *  taken as it is spelt: SASLprep (RFC 4013) is not applied, which changes no
 *  ASCII. */
typedef struct mk_sasl_ask {
    mk_sasl_ask_kind kind;
    mk_sasl_mechanism mechanism;
    mk_str authcid;         /**< who logs in */
    mk_str authzid;         /**< as whom; empty: as authcid. Whether that is
                             *   allowed is the application's to judge */
    mk_str secret;          /**< the password or token */
    mk_hash hash;           /**< KEYS: of SCRAM; MD5 for CRAM-MD5; SHA-256 for
                             *   PLAIN and LOGIN, which take SHA-1 as well */
    const mk_tls_info *tls; /**< of the connection, or NULL */
} mk_sasl_ask;

/** What is known of a user's secret, as an answer to MK_SASL_ASK_KEYS: either
 *  a password, or the four of RFC 5802 3. Borrowed for the call. Who is not
 *  known is shown the settings' iterations and a salt of 16 octets: stored
 *  keys should have the same, or they tell that the user is known. */
typedef struct mk_sasl_keys {
    mk_str password;     /**< empty when there are stored keys; at most
                          *   MK_SASL_NAME_MAX octets */
    mk_str salt;         /**< 1 to 128 octets, not base64 */
    uint32_t iterations; /**< 4,096 to 1,000,000 */
    mk_str stored_key;   /**< as long as the hash */
    mk_str server_key;   /**< likewise */
} mk_sasl_keys;

/** Settings of the server's side, shared by all exchanges; start with
 *  mk_sasl_server_config_init. */
typedef struct mk_sasl_server_config {
    size_t size;                   /**< set by init */
    const mk_sasl_server_ops *ops; /**< set by init */
    const mk_crypto *crypto;
    const mk_random *random;
    uint32_t mechanisms;   /**< offered: PLAIN, LOGIN, SCRAM-SHA-256 and -1
                            *   with -PLUS */
    bool is_clear_allowed; /**< MK_SASL_CLEAR also without TLS: false */
    bool asks_keys;        /**< PLAIN and LOGIN ask for KEYS instead of a
                            *   verdict, and the exchange compares by itself, in
                            *   slices, with the same work for all: false */
    bool is_keys_only;     /**< no answer to a SCRAM holds a password, so that
                            *   the server need not derive keys. false: each
                            *   SCRAM login costs `iterations`, whatever is
                            *   known of the user, so that none stands out */
    mk_str hostname;       /**< CRAM-MD5's challenge; needed for that */
    mk_str pepper;         /**< 16 octets or more that no peer knows and that
                            *   stay the same: they make the salt of users who
                            *   have none, known or not (THREATS 50) */
    uint32_t iterations;   /**< for those: 10,000; 4,096 to 1,000,000 */
    uint32_t slice_iterations;  /**< of a WORK step: 2,000 */
    mk_str oauth_scope;         /**< told to who fails; may be empty */
    mk_str oauth_configuration; /**< URL of the OpenID configuration, likewise
                                 *   (RFC 7628 3.2.2) */
} mk_sasl_server_config;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_sasl_server_config_init(mk_sasl_server_config *c, size_t size);

/** The mechanisms to be offered on a connection.
 *
 * @param c    the settings.
 * @param tls  of the connection; NULL: none. Without TLS MK_SASL_CLEAR is left
 *             out unless allowed, without channel binding data -PLUS, without
 *             a verified certificate of the peer's EXTERNAL.
 * @return mk_sasl_mechanism, or-ed. */
MK_API uint32_t mk_sasl_server_offer(const mk_sasl_server_config *c,
                                     const mk_tls_info *tls);

/** Begin an exchange as server.
 *
 * It begins at MK_SASL_TAKE (an initial response, or what the peer sends after
 * an empty challenge) or at MK_SASL_SEND (LOGIN, CRAM-MD5). An exchange serves
 * one login, whatever becomes of it.
 *
 * @param c          borrowed until mk_sasl_close.
 * @param mechanism  one bit.
 * @param tls        borrowed likewise; NULL: none.
 * @param mem        aligned as for any type; borrowed likewise.
 * @param n          octets of mem, at least mk_sasl_need(1024).
 * @param out_sasl   written on success; it begins where mem does.
 * @return MK_OK; MK_E_ARG: also settings that the mechanism needs and that are
 *         not good (pepper, hostname, iterations); MK_E_CLEARTEXT: it is
 *         known, but not without TLS; MK_E_UNSUPPORTED: it is not offered
 *         here; MK_E_ROOM; MK_E_ENTROPY. Nothing is left behind. */
MK_API mk_err mk_sasl_server_open(const mk_sasl_server_config *c,
                                  mk_sasl_mechanism mechanism,
                                  const mk_tls_info *tls, void *mem, size_t n,
                                  mk_sasl **out_sasl);

/** The question to the application.
 *
 * @param s  a server's exchange at MK_SASL_ASK.
 * @return NULL in any other state; it lives until the next call on s but
 * mk_sasl_resolve. */
MK_API const mk_sasl_ask *mk_sasl_question(const mk_sasl *s);

/** Answer the question.
 *
 * @param s       at MK_SASL_ASK.
 * @param answer  YES: the login is good, or (KEYS) here are the keys; NO: no
 *                such user, a wrong secret, not allowed: the exchange goes on
 *                to the same end with the same work; LATER: cannot tell now.
 * @param keys    for KEYS with YES; copied; else not looked at.
 * @return MK_OK; MK_E_STATE; MK_E_ARG: keys are missing, of a wrong length, of
 *         too few or too many iterations, or a password where is_keys_only
 *         promised none; nothing changed. */
MK_API mk_err mk_sasl_resolve(mk_sasl *s, mk_answer answer,
                              const mk_sasl_keys *keys);

/** Who has logged in.
 *
 * @param s  a server's exchange at MK_SASL_DONE; any other gives "".
 * @return authcid; lives until mk_sasl_close. */
MK_API mk_str mk_sasl_authcid(const mk_sasl *s);

/** As whom.
 *
 * @param s  a server's exchange at MK_SASL_DONE; any other gives "".
 * @return authzid, empty when none was named; lives until mk_sasl_close. */
MK_API mk_str mk_sasl_authzid(const mk_sasl *s);

/** Answer the question of a login that an engine gave with MK_EV_SASL, as
 *  mk_sasl_resolve does for an exchange. mk_later puts it off.
 *
 * @param e       the engine.
 * @param op      of the event.
 * @param answer  as mk_sasl_resolve.
 * @param keys    likewise.
 * @return MK_OK; MK_E_STALE; MK_E_ARG; nothing changed on failure. */
MK_API mk_err mk_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                             const mk_sasl_keys *keys);

/* ---- stored keys --------------------------------------------------------- */

/** Make the stored keys of a password (RFC 5802 3, SASLprep not applied to
 *  ASCII; other UTF-8 is used as it is).
 *
 * Blocks for iterations; for tools, not for a loop.
 *
 * @param crypto      the filling.
 * @param hash        MK_HASH_SHA1 or MK_HASH_SHA256.
 * @param password    at most MK_SASL_NAME_MAX octets.
 * @param salt        1 to 128 octets.
 * @param iterations  4,096 to 1,000,000.
 * @param out_stored_key,out_server_key  mk_hash_size(hash) octets each.
 * @return MK_OK; MK_E_ARG; MK_E_CRYPTO. */
MK_API mk_err mk_sasl_keys_make(const mk_crypto *crypto, mk_hash hash,
                                mk_str password, mk_str salt,
                                uint32_t iterations,
                                unsigned char *out_stored_key,
                                unsigned char *out_server_key);

/** Octets of the text form of keys at most. */
#define MK_SASL_KEYS_TEXT_MAX 512

/** Write stored keys as text: ITERATIONS$SALT$STORED$SERVER, the last three
 *  in base64.
 *
 * @param keys  stored keys.
 * @param out   appended to.
 * @return MK_OK; MK_E_ARG; MK_E_ROOM. */
MK_API mk_err mk_sasl_keys_format(const mk_sasl_keys *keys, mk_buf *out);

/** Read them back; also takes the order of PostgreSQL and RFC 5803,
 *  ITERATIONS:SALT$STORED:SERVER.
 *
 * @param text      of mk_sasl_keys_format, or that other form.
 * @param hash      whose lengths are expected.
 * @param mem       room for salt and keys; the views point into it.
 * @param n         octets of mem; 256 are enough.
 * @param out_keys  written on success.
 * @return MK_OK; MK_E_SYNTAX; MK_E_LIMIT: too few or too many iterations;
 *         MK_E_ROOM. */
MK_API mk_err mk_sasl_keys_parse(mk_str text, mk_hash hash, void *mem, size_t n,
                                 mk_sasl_keys *out_keys);

MK_EXTERN_C_END
#endif
