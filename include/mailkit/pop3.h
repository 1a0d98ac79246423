/* SPDX-License-Identifier: MIT
 *
 * pop3.h: the POP3 machines of both roles as engines (engine.h). RFC 1939 with
 * TOP, UIDL and APOP, CAPA and response codes (2449, 3206), STLS (2595), AUTH
 * (5034), UTF8 and LANG (6856). The server knows no message: it asks for each
 * thing that it tells, and streams what it is lent. The client keeps several
 * commands under way when the server allows it (PIPELINING). A unique-id is
 * an opaque key to both, never a path.
 */
#ifndef MAILKIT_POP3_H
#define MAILKIT_POP3_H

#include <mailkit/engine.h>

MK_EXTERN_C_BEGIN

/* ---- vocabulary of both roles -------------------------------------------- */

/** The verbs, and the two moments that are answered like one. */
typedef enum mk_pop3_verb {
    MK_POP3_VERB_NONE = 0,
    MK_POP3_VERB_CONNECT = 1, /**< the greeting */
    MK_POP3_VERB_USER = 2,
    MK_POP3_VERB_PASS = 3,
    MK_POP3_VERB_APOP = 4,
    MK_POP3_VERB_AUTH = 5, /**< RFC 5034; also the end of an exchange */
    MK_POP3_VERB_STLS = 6, /**< RFC 2595 4 */
    MK_POP3_VERB_CAPA = 7, /**< RFC 2449 5 */
    MK_POP3_VERB_UTF8 = 8, /**< RFC 6856 2.1 */
    MK_POP3_VERB_LANG = 9, /**< RFC 6856 3.2 */
    MK_POP3_VERB_STAT = 10,
    MK_POP3_VERB_LIST = 11,
    MK_POP3_VERB_UIDL = 12,
    MK_POP3_VERB_RETR = 13,
    MK_POP3_VERB_TOP = 14,
    MK_POP3_VERB_DELE = 15,
    MK_POP3_VERB_NOOP = 16,
    MK_POP3_VERB_RSET = 17,
    MK_POP3_VERB_QUIT = 18
} mk_pop3_verb;

/** A verb's name on the wire.
 *
 * @param verb  any value.
 * @return "RETR" …; "greeting" for that moment; "?" for an unknown value.
 *         Static. */
MK_API const char *mk_pop3_verb_name(mk_pop3_verb verb);

/** The capabilities, a bit each (the same bits in both roles). */
typedef enum mk_pop3_capability {
    MK_POP3_CAPABILITY_TOP = 1,
    MK_POP3_CAPABILITY_USER = 2, /**< a server offers it where its `sasl`
                                  *   offers PLAIN: it is the same login */
    MK_POP3_CAPABILITY_SASL = 4, /**< likewise by its `sasl` setting */
    MK_POP3_CAPABILITY_RESP_CODES = 8,
    MK_POP3_CAPABILITY_LOGIN_DELAY = 16,
    MK_POP3_CAPABILITY_PIPELINING = 32,
    MK_POP3_CAPABILITY_EXPIRE = 64,
    MK_POP3_CAPABILITY_UIDL = 128,
    MK_POP3_CAPABILITY_IMPLEMENTATION = 256,
    MK_POP3_CAPABILITY_STLS = 512,            /**< by the `tls` setting */
    MK_POP3_CAPABILITY_AUTH_RESP_CODE = 1024, /**< RFC 3206 */
    MK_POP3_CAPABILITY_UTF8 = 2048,           /**< RFC 6856, names and
                                               *   passwords in UTF-8 too */
    MK_POP3_CAPABILITY_LANG = 4096,
    MK_POP3_CAPABILITY_APOP = 8192, /**< not in CAPA: the greeting offers it */
    MK_POP3_CAPABILITY_DEFAULT = 8191, /**< all of this version but APOP */
    MK_POP3_CAPABILITY_ALL = 16383
} mk_pop3_capability;

/** The longest unique-id, octets; each is 0x21 to 0x7E (RFC 1939 7). */
#define MK_POP3_UID_MAX 70

/** A status line (RFC 1939 3, RFC 2449 8). */
typedef struct mk_pop3_reply {
    bool is_ok;
    mk_str code;  /**< "IN-USE", "SYS/TEMP", without brackets; may be empty */
    mk_str text;  /**< behind it */
    bool clipped; /**< there was more text than is kept */
} mk_pop3_reply;

/** What the peer told or asked; lives as the event's other views do. */
typedef struct mk_pop3_event {
    mk_pop3_verb verb;
    uint32_t number;    /**< of the message, from 1; LIST and UIDL: 0: all.
                         *   The server has seen that it is not above the
                         *   count that was told */
    uint32_t lines;     /**< TOP: of the body */
    uint32_t count;     /**< client, end of STAT: messages */
    uint64_t octets;    /**< likewise: of all; a row of LIST: of this one */
    mk_str argument;    /**< OPEN and AUTH: who (authcid; of a failed login
                         *   empty); a row of UIDL: the unique-id */
    mk_str authzid;     /**< OPEN and AUTH: as whom; empty: as oneself */
    uint32_t mechanism; /**< AUTH: mk_sasl_mechanism; USER and PASS are PLAIN,
                         *   APOP is none. Client, READY: all that is offered,
                         *   or-ed */
    uint32_t flags;     /**< mk_pop3_event_flag, or-ed */
    uint32_t capabilities;      /**< client, READY: what is offered */
    uint32_t login_delay_s;     /**< likewise; 0: none */
    uint32_t expire_days;       /**< likewise; MK_POP3_EXPIRE_NEVER */
    const mk_pop3_reply *reply; /**< client, REPLY and DONE; else NULL */
    const mk_tls_info *tls;     /**< of the connection, or NULL */
} mk_pop3_event;

/** Flags of mk_pop3_event. */
typedef enum mk_pop3_event_flag {
    MK_POP3_EVENT_UTF8 = 1 /**< the client said UTF8 and was heard: without it a
                            * message with other octets than ASCII in its header
                            * should not go out as it is (RFC 6856 2.1) */
} mk_pop3_event_flag;

/** "Never" for EXPIRE (RFC 2449 6.7). */
#define MK_POP3_EXPIRE_NEVER UINT32_MAX

/** The event types of POP3. `of.pop3` is set for all of them, and also for the
 *  client's MK_EV_BODY and MK_EV_DONE. */
typedef enum mk_pop3_event_type {
    /* server; those from OPEN on are always asked */
    MK_EV_POP3_CONNECT = MK_EV_POP3 + 1, /**< before the greeting */
    /** TLS is up, see `tls`; all that the peer said before is forgotten. */
    MK_EV_POP3_TLS = MK_EV_POP3 + 2,
    /** A login ended; err is MK_OK or why it failed. MK_EV_SASL asked before,
     *  also for USER and PASS (as for PLAIN) and for APOP (KEYS, with
     *  mechanism MK_SASL_NONE and MD5: only a password will do). */
    MK_EV_POP3_AUTH = MK_EV_POP3 + 3,
    /** Open the maildrop of who has logged in: answer by
     *  mk_pop3_server_maildrop, or refuse ("IN-USE", "LOGIN-DELAY"): then the
     *  session is where it was before the login. */
    MK_EV_POP3_OPEN = MK_EV_POP3 + 4,
    /** How many are there that are not marked as deleted? Answer by
     *  mk_pop3_server_maildrop. */
    MK_EV_POP3_STAT = MK_EV_POP3 + 5,
    /** How large is `number`, or (0) are they all? For one answer by
     *  mk_pop3_server_size, or NO: there is none, or it is marked as deleted.
     *  For all say YES; then rows are wanted (MK_EV_WANTED): give them by
     *  mk_pop3_server_size, and mk_body, empty and last, behind them. */
    MK_EV_POP3_LIST = MK_EV_POP3 + 6,
    /** Likewise, by mk_pop3_server_uid. */
    MK_EV_POP3_UIDL = MK_EV_POP3 + 7,
    /** Give the message: YES, then lend it when MK_EV_WANTED wants it, from
     *  its beginning, with CRLF line ends: mk_body refuses a bare LF, while a
     *  CR or NUL that others stored goes out as it is. A message that breaks
     *  off on the way: mk_cancel, which ends the session (Law 11). */
    MK_EV_POP3_RETR = MK_EV_POP3 + 8,
    /** Likewise, its header and `lines` of its body: the engine cuts it there,
     *  so all of it may be lent. What is lent behind that gets MK_WAIT, and
     *  MK_EV_WANTED with MK_LAST tells that no more is needed. */
    MK_EV_POP3_TOP = MK_EV_POP3 + 9,
    /** Mark it as deleted; NO when it is already. */
    MK_EV_POP3_DELE = MK_EV_POP3 + 10,
    /** Take all marks away. */
    MK_EV_POP3_RSET = MK_EV_POP3 + 11,
    /** QUIT: now, and only now, delete what is marked; NO: some of it could
     *  not be. The session ends behind the reply. A session that ends without
     *  this event deletes nothing. */
    MK_EV_POP3_UPDATE = MK_EV_POP3 + 12,
    /* client */
    /** A status line to `verb`; `op` is 0 for those before READY and what
     *  the machine says by itself. */
    MK_EV_POP3_REPLY = MK_EV_POP3 + 16,
    /** Logged in, or (without `sasl`) greeted: give commands. */
    MK_EV_POP3_READY = MK_EV_POP3 + 17,
    MK_EV_POP3_SIZE = MK_EV_POP3 + 18, /**< a row of LIST: number, octets */
    /** A row of UIDL: number, argument; `err` is MK_E_SYNTAX, and argument
     *  empty, when what stands there is no unique-id (THREATS 82). */
    MK_EV_POP3_UID = MK_EV_POP3 + 19
} mk_pop3_event_type;

/* ---- server -------------------------------------------------------------- */

/** Settings of a server, borrowed for the engine's life and shared by any
 *  number of engines. Fill by mk_pop3_server_config_init, then change. Every
 *  limit is finite; 0 is refused at open where it would mean "none". */
typedef struct mk_pop3_server_config {
    size_t size;           /**< set by init */
    mk_str hostname;       /**< own name, for the greeting, 1 to 255 octets */
    mk_str banner;         /**< in the greeting and IMPLEMENTATION, at most 200
                            *   octets: "mailkit" */
    mk_pool *units;        /**< text units; NULL: the unit lies in the block */
    uint32_t text_bytes;   /**< the unit in the block, 1,024 to 65,535: 1,024 */
    uint32_t capabilities; /**< offered: MK_POP3_CAPABILITY_DEFAULT. APOP needs
                            *   `sasl` for its randomness and MD5, and is taken
                            *   behind TLS only, unless is_clear_allowed there
                            *   (THREATS 40) */
    uint32_t expire_days;  /**< told by EXPIRE: MK_POP3_EXPIRE_NEVER */
    uint32_t login_delay_s; /**< told by LOGIN-DELAY, which the application
                             *   keeps; 0: not told: 0 */
    bool asks_connect;      /**< MK_EV_POP3_CONNECT is asked: false */
    uint32_t line_max; /**< command line with CRLF, octets, 255 or more: 2,048.
                        *   RFC 2449 4 allows 255, which holds for all but
                        *   AUTH */
    uint32_t discard_max; /**< of an over-long line swallowed: 65,536 */
    uint32_t errors_max;  /**< bad commands until -ERR and the end; what the
                           *   application refuses is none: 20 */
    uint32_t errors_soft; /**< from this many on each delays its reply, by
                           *   delay_ms more each time: 10 */
    uint64_t delay_ms;    /**< nothing is read meanwhile: 1,000 */
    uint32_t junk_max;    /**< commands before a login until -ERR and the end:
                           *   100 */
    uint64_t login_ms;    /**< the peer's time for a command before a login:
                           *   180,000 */
    uint64_t idle_ms; /**< and behind it, also for taking a reply or each 64 KiB
                       *   of one (RFC 1939 3: 10 minutes at least): 600,000 */
    uint64_t answer_ms; /**< the application's time for an answer, and for each
                         *   span or row that is wanted: 300,000 */
    uint32_t rate_min;  /**< octets a second at which a listing or a message is
                         *   taken, over all of it: 100 */
    uint64_t rate_after_ms; /**< from this age of it on: 60,000 */
    /* While hurried (mk_hurry), when smaller than the usual: */
    uint64_t hurry_login_ms;   /**< instead of login_ms: 10,000 */
    uint64_t hurry_idle_ms;    /**< instead of idle_ms: 60,000 */
    uint32_t hurry_errors_max; /**< instead of errors_max: 1 */
    /* TLS and login: */
    mk_tls_policy tls; /**< NONE: STLS is not offered. MAY: it is. ENCRYPT: and
                        *   without it no login is. MUST: the peer must also
                        *   show a good certificate, else MK_EV_FAULT with why
                        *   it is not. NONE */
    const struct mk_sasl_server_config *sasl; /**< must be set */
    mk_pool *sasl_units; /**< of mk_sasl_need(1024) octets each, or more for
                          *   longer messages, lent during a login; none free:
                          *   -ERR [SYS/TEMP]. NULL: the room for one of
                          *   MK_SASL_MESSAGE_MAX lies in the block */
    uint32_t auth_failures_max; /**< of a connection, also over STLS; then the
                                 *   end: 3 */
    uint64_t auth_delay_ms; /**< before the reply to a failed login, growing by
                             *   as much: 2,000 */
} mk_pop3_server_config;

/** Fill a server's settings with the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof(*c) as the caller knows it.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_pop3_server_config_init(mk_pop3_server_config *c, size_t size);

/** Octets a server engine needs with the unit in its block at its default
 *  size and no login there; enough for any settings with pools. */
#define MK_POP3_SERVER_NEED 1792

/** Octets a server engine needs with these settings.
 *
 * @param c  settings.
 * @return octets, or 0 when the settings are invalid. */
MK_API size_t mk_pop3_server_need(const mk_pop3_server_config *c);

/** Open a server for one accepted connection. The greeting is queued by the
 *  first mk_step.
 *
 * Codes of mk_reply are response codes without brackets ("IN-USE"); an empty
 * one is the default: SYS/TEMP for LATER where no other fits, none for YES.
 *
 * @param c           settings; borrowed until mk_close.
 * @param mem         the engine's block, aligned for uint64_t; borrowed.
 * @param n           octets of mem, at least mk_pop3_server_need.
 * @param out_engine  written on success; close by mk_close.
 * @return MK_OK; MK_E_ARG: a setting is missing or 0; MK_E_CTL: hostname or
 *         banner holds CR, LF or NUL, or (APOP) hostname is no right part of a
 *         msg-id: visible ASCII without "<", ">" and "@"; MK_E_ROOM;
 *         MK_E_ENTROPY: no randomness for APOP. RFC 1939 3. */
MK_API mk_err mk_pop3_server_open(const mk_pop3_server_config *c, void *mem,
                                  size_t n, mk_engine **out_engine);

/** Answer MK_EV_POP3_OPEN or MK_EV_POP3_STAT with YES. Records only.
 *
 * @param e       a server engine, or a wrapper over one.
 * @param op      of the event.
 * @param count   messages that are not marked as deleted. At OPEN it is the
 *                highest number as well, at most 2^31 - 1.
 * @param octets  of them all, with CRLF line ends.
 * @return MK_OK; MK_E_STALE; MK_E_ARG; nothing changed on failure. */
MK_API mk_err mk_pop3_server_maildrop(mk_engine *e, mk_op op, uint32_t count,
                                      uint64_t octets);

/** Tell the size of one message: the answer to MK_EV_POP3_LIST about it, or a
 *  row while rows of LIST are wanted (RFC 1939 5).
 *
 * @param e       a server engine, or a wrapper over one.
 * @param op      of the event.
 * @param number  of the message.
 * @param octets  with CRLF line ends, without byte-stuffing.
 * @return MK_OK; MK_WAIT: no room now, MK_EV_WANTED follows, nothing changed;
 *         MK_E_STALE; MK_E_ARG: number is not from 1 to the count. */
MK_API mk_err mk_pop3_server_size(mk_engine *e, mk_op op, uint32_t number,
                                  uint64_t octets);

/** Likewise the unique-id, for MK_EV_POP3_UIDL (RFC 1939 7).
 *
 * @param e       a server engine, or a wrapper over one.
 * @param op      of the event.
 * @param number  of the message.
 * @param uid     1 to MK_POP3_UID_MAX octets of 0x21 to 0x7E; copied.
 * @return as mk_pop3_server_size; MK_E_ARG also for a uid that is none. */
MK_API mk_err mk_pop3_server_uid(mk_engine *e, mk_op op, uint32_t number,
                                 mk_str uid);

/* ---- client -------------------------------------------------------------- */

/** Settings of a client, borrowed for the engine's life and shared by any
 *  number of engines. Fill by mk_pop3_client_config_init, then change; 0 is
 *  refused at open but for reply_text_bytes. */
typedef struct mk_pop3_client_config {
    size_t size;           /**< set by init */
    mk_pool *units;        /**< text units of 1,024 octets or more; NULL: the
                            *   unit lies in the block */
    uint32_t text_bytes;   /**< the unit in the block, 1,024 to 65,535: 1,024 */
    uint32_t capabilities; /**< used when offered: MK_POP3_CAPABILITY_DEFAULT.
                            *   APOP must be asked for, goes before PLAIN, is
                            *   never said in clear, unless is_clear_allowed,
                            *   and only to a greeting with a good message-id
                            *   (THREATS 40) that was not said in clear before
                            *   STLS */
    bool is_utf8;          /**< say UTF8, before the login, when it is offered
                            *   (RFC 6856 2.1): false */
    uint32_t pipeline_max; /**< commands that may be given before the first of
                            *   them is done, 1 to 64: 16. They are under way
                            *   together when the server offers PIPELINING,
                            *   else one behind the other */
    uint32_t reply_line_max;   /**< status line or row with CRLF, octets, 512
                                *   or more: 2,048 */
    uint32_t reply_text_bytes; /**< text kept of a status line, 0 to 65,535:
                                *   512 */
    uint32_t rows_max;         /**< rows of a listing: 1,000,000; of CAPA
                                *   never more than 1,000 */
    uint64_t message_max; /**< octets of a message, beyond which the session
                           *   ends: 1,073,741,824 */
    /* milliseconds until … */
    uint64_t greeting_ms;   /**< the greeting: 60,000 */
    uint64_t command_ms;    /**< a status line, and each further block of a
                             *   listing or a message: 120,000 */
    uint64_t quit_ms;       /**< the reply to QUIT, before which messages are
                             *   deleted: 60,000 */
    uint64_t tls_ms;        /**< the reply to STLS, and TLS itself: 30,000 */
    uint64_t answer_ms;     /**< the application gives the next command, or
                             *   takes what it had put off: 300,000; then QUIT
                             *   is not said, and nothing is deleted:
                             *   MK_EV_FAULT with MK_E_TIMEOUT */
    uint32_t rate_min;      /**< octets a second of a message or a listing, over
                             *   all of it: 100 */
    uint64_t rate_after_ms; /**< from this age of it on: 60,000 */
    mk_tls_policy tls;      /**< NONE: no STLS. MAY: when offered; a refusal is
                             *   passed over. ENCRYPT: else MK_EV_FAULT with
                             *   MK_E_CLEARTEXT. MUST: and the peer is verified,
                             *   else with why it is not. Needs a driver or
                             *   mk_tls_over that handles MK_EV_TLS_WANTED. NONE */
    const struct mk_sasl_client_config
        *sasl; /**< log in before MK_EV_POP3_READY: by the strongest mechanism
                *   of AUTH that is offered, else (PLAIN being allowed) by USER
                *   and PASS; when it is not possible MK_EV_FAULT with
                *   MK_E_AUTH, MK_E_CLEARTEXT or MK_E_UNSUPPORTED. NULL: no
                *   login; QUIT is all that can be said */
    uint32_t sasl_message_max; /**< of a login's messages, octets; lies in the
                                *   block: 1,024 to 9,216: 4,096 */
} mk_pop3_client_config;

/** Fill a client's settings with the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof(*c) as the caller knows it.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_pop3_client_config_init(mk_pop3_client_config *c, size_t size);

/** Octets a client engine needs with these settings.
 *
 * @param c  settings.
 * @return octets, or 0 when the settings are invalid. */
MK_API size_t mk_pop3_client_need(const mk_pop3_client_config *c);

/** Open a client for one connection. It waits for the greeting, asks for CAPA
 *  (a server without it offers USER and UIDL), secures the connection as the
 *  settings say, logs in and gives MK_EV_POP3_READY. CAPA is asked anew behind
 *  TLS and behind the login (THREATS 32).
 *
 * A server that does not serve us (a greeting refused) is MK_EV_FAULT with
 * MK_E_REFUSED, a login refused one with MK_E_AUTH (MK_RETRY_LATER with
 * response codes of SYS/TEMP, IN-USE or LOGIN-DELAY, else MK_RETRY_NEVER);
 * malformed and early replies are faults of other classes, and never a
 * refusal. An -ERR that nothing had asked for is told with MK_UNASKED, and the
 * fault is MK_E_REFUSED; commands that the server had not heard then end with
 * MK_E_CUT. A session that breaks says nothing more, so it deletes nothing;
 * only when it breaks behind QUIT, with messages marked, nobody knows:
 * MK_RETRY_UNKNOWN.
 *
 * mk_finish lets the commands that were given come to their end; then QUIT is
 * said when it deletes nothing, which is while no message is marked, and (by
 * EXPIRE 0) none was fetched. Else the connection is closed without it, and
 * the maildrop stays as it was (RFC 1939 6).
 *
 * @param c           settings; borrowed until mk_close.
 * @param mem         the engine's block, aligned for uint64_t; borrowed.
 * @param n           octets of mem, at least mk_pop3_client_need.
 * @param out_engine  written on success; close by mk_close.
 * @return MK_OK; MK_E_ARG; MK_E_ROOM. RFC 1939 3, 4. */
MK_API mk_err mk_pop3_client_open(const mk_pop3_client_config *c, void *mem,
                                  size_t n, mk_engine **out_engine);

/** Say STAT, LIST, UIDL, RETR, TOP, DELE, NOOP, RSET or QUIT.
 *
 * Events that follow, in the order of the commands: MK_EV_POP3_REPLY; rows
 * (MK_EV_POP3_SIZE, MK_EV_POP3_UID) of LIST and UIDL, each number above the one
 * before, in no other way to be trusted; MK_EV_BODY, without byte-stuffing and
 * with the line ends as they came, of RETR and TOP (bare octets and long lines
 * stay as they are, Law 10); MK_EV_DONE: MK_OK, MK_E_REFUSED for -ERR,
 * MK_E_CANCELLED, or why the session broke.
 *
 * QUIT deletes what is marked. It is said when all commands before it are done,
 * and can be cancelled until then; behind it the engine wants CLOSE, and an
 * -ERR tells that some messages were not deleted.
 *
 * mk_later on body or a row stops the flow until mk_reply with YES, or with NO,
 * which drops the rest. mk_cancel drops a command that is not said yet, else
 * what comes of it: a message is read to its end and not told, a mark that the
 * server made stays.
 *
 * @param e       a client engine, or a wrapper over one, after
 *                MK_EV_POP3_READY.
 * @param verb    one of the nine.
 * @param number  of the message, 1 to 2^31 - 1; LIST and UIDL: 0: all; others:
 *                0.
 * @param lines   TOP: of the body; others: 0.
 * @param out_op  the operation.
 * @return MK_OK; MK_E_STATE: not ready, not logged in (QUIT may be said), or
 *         QUIT was given; MK_E_ARG; MK_E_UNSUPPORTED: TOP or UIDL is known not
 *         to be offered; MK_E_BUSY: pipeline_max are not done yet. Nothing was
 *         said. */
MK_API mk_err mk_pop3_client_command(mk_engine *e, mk_pop3_verb verb,
                                     uint32_t number, uint32_t lines,
                                     mk_op *out_op);

MK_EXTERN_C_END
#endif
