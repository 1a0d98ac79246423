/* SPDX-License-Identifier: MIT
 *
 * agent.h: loop-free glue over mk_host that turns SMTP server engines into a
 * mail server: inbound sessions that ask a chain of stages at every point and
 * an authenticator at every login, and ready-made parts: durable delivery into
 * Maildirs, and a delay; who is served is in policy.h.
 * RFC 5321 3.3, 3.6, 4.4, 4.5.1; RFC 2505; RFC 3207, 4954; RFC 2033 4.2; what
 * the service extensions ask for (smtp.h) is kept for the stages, and honoured
 * or not offered.
 * Everything runs on the loop's thread but the file work, which is given to
 * mk_host as jobs. It refuses to relay: a recipient or a message that no
 * stage takes responsibility for is refused, whatever stages are left out.
 */
#ifndef MAILKIT_AGENT_H
#define MAILKIT_AGENT_H

#include <mailkit/base.h>
#include <mailkit/disk.h>
#include <mailkit/engine.h>
#include <mailkit/host.h>
#include <mailkit/sasl.h>
#include <mailkit/smtp.h>
#include <mailkit/store.h>

MK_EXTERN_C_BEGIN

/* ---- sessions and what is known of them ---------------------------------- */

/** The service: all sessions of one configuration on one loop. */
typedef struct mk_inbound mk_inbound;

/** One connection and its transaction, as the stages see it. It lives until
 *  every stage was told MK_STAGE_CLOSED. */
typedef struct mk_session mk_session;

/** An accepted recipient, or the one that is being judged. Views live until
 *  MK_STAGE_RESET. */
typedef struct mk_recipient {
    const struct mk_recipient *after; /**< the one accepted after it, or NULL */
    mk_str mailbox;    /**< as written, without brackets and source route */
    mk_str local_part; /**< as written, with its quotes */
    mk_str domain;     /**< as written; empty for <postmaster> */
    mk_str box_domain; /**< the mailbox it goes to; empty: none was named */
    mk_str box_user;
    uint32_t flags; /**< mk_smtp_path_flag, or-ed */
    /** What was asked for it, never NULL; texts as at the engine. */
    const mk_smtp_rcpt_options *options;
} mk_recipient;

/** Who is at the other end. After XCLIENT it is whom that named: a family of 0
 *  where it has no address.
 *
 * @param s  a session.
 * @return a view that lives as long as the session. */
MK_API const mk_peer *mk_session_peer(const mk_session *s);

/** The name that the peer gave with HELO or EHLO: hostile octets.
 *
 * @param s  a session.
 * @return empty before HELO; lives until the next HELO. */
MK_API mk_str mk_session_helo(const mk_session *s);

/** What is known of the greeting.
 *
 * @param s  a session.
 * @return mk_smtp_event_flag, or-ed. */
MK_API uint32_t mk_session_flags(const mk_session *s);

/** TLS of the connection.
 *
 * @param s  a session.
 * @return what is known of it, for the life of the connection; NULL in clear,
 *         and once the connection is gone. */
MK_API const mk_tls_info *mk_session_tls(const mk_session *s);

/** Who has logged in (RFC 4954), as the authenticator named them.
 *
 * HELO keeps it; the start of TLS forgets it, as all that was said before
 * (RFC 3207 4.2).
 *
 * @param s  a session.
 * @return "user@domain"; empty before a login succeeded. */
MK_API mk_str mk_session_login(const mk_session *s);

/** Is it LMTP, where each recipient gets an answer of its own (RFC 2033 4.2)?
 *
 * @param s  a session. */
MK_API bool mk_session_is_lmtp(const mk_session *s);

/** What a trusted peer told by XCLIENT of the one that it speaks for. Its
 *  address is the session's peer; its LOGIN the session's login, until another
 *  peer is named or TLS begins.
 *
 * @param s  a session.
 * @return plain texts, hostile octets; `given` is 0 where nothing was told.
 *         It lives until the next XCLIENT: TLS forgets what the peer said of
 *         itself, not what a trusted one told. */
MK_API const mk_smtp_client_info *mk_session_introduced(const mk_session *s);

/** What a trusted peer told by XFORWARD of where the next message came from. It
 *  is for records: nothing is decided by it here.
 *
 * @param s  a session.
 * @return plain texts, hostile octets; `given` is 0 where nothing was told.
 *         Lives until the next XFORWARD, HELO or MK_STAGE_RESET. */
MK_API const mk_smtp_client_info *mk_session_forwarded(const mk_session *s);

/** The client's identity, as CLIENTID told it.
 *
 * @param s  a session.
 * @return "type token", hostile octets, at most 255; empty: none. Lives until
 *         the next CLIENTID. */
MK_API mk_str mk_session_client_id(const mk_session *s);

/** The id of the transaction: 21 octets of A-Z and 2-7, unique.
 *
 * @param s  a session.
 * @return empty outside of a transaction. */
MK_API mk_str mk_session_id(const mk_session *s);

/** The mailbox of the reverse-path.
 *
 * @param s  a session.
 * @return without brackets and source route; empty for <> and outside of a
 *         transaction. */
MK_API mk_str mk_session_reverse_path(const mk_session *s);

/** What was asked for the message as a whole by parameters of MAIL.
 *
 * @param s  a session.
 * @return never NULL: all zero outside of a transaction, and where nothing was
 *         asked; `envid` and `auth` are xtext. Lives until MK_STAGE_RESET. */
MK_API const mk_smtp_mail_options *mk_session_options(const mk_session *s);

/** The BODY parameter of MAIL (RFC 6152, RFC 3030 3).
 *
 * @param s  a session.
 * @return MK_SMTP_BODY_UNSTATED outside of a transaction too. */
MK_API mk_smtp_body mk_session_body(const mk_session *s);

/** The SIZE parameter of MAIL (RFC 1870 6), not to be believed.
 *
 * @param s  a session.
 * @return octets; 0 when it was not stated. */
MK_API uint64_t mk_session_size_stated(const mk_session *s);

/** Until when is the message to be held (RFC 4865)? By HOLDFOR or HOLDUNTIL;
 *  a stage that says to honour FUTURERELEASE must keep it until then.
 *
 * @param s  a session.
 * @return seconds since 1970, UTC; 0: it is not to be held, or the time named
 *         is no time. */
MK_API int64_t mk_session_hold_until_s(const mk_session *s);

/** When does the by-time of the message end (RFC 2852 4)? Look at
 *  mk_session_options for whether there is one, and what is to follow. A
 *  message with RETURN is refused by the service when it comes later.
 *
 * @param s  a session.
 * @return seconds since 1970, UTC; 0: there is none. */
MK_API int64_t mk_session_deliver_by_s(const mk_session *s);

/** The recipients accepted so far, linked by `after`.
 *
 * @param s  a session.
 * @return the first, or NULL. */
MK_API const mk_recipient *mk_session_recipients(const mk_session *s);

/** How many recipients are accepted so far.
 *
 * @param s  a session.
 * @return 0 outside of a transaction. */
MK_API uint32_t mk_session_recipient_count(const mk_session *s);

/** The recipient being judged.
 *
 * @param s  a session.
 * @return NULL but at MK_POINT_RCPT. */
MK_API const mk_recipient *mk_session_recipient(const mk_session *s);

/** Name the mailbox that the recipient being judged goes to.
 *
 * @param s       a session at MK_POINT_RCPT, also while its answer is awaited.
 * @param domain  passes mk_maildir_name_check; copied.
 * @param user    likewise.
 * @return MK_OK; MK_E_STATE at another point; MK_E_ARG or MK_E_CTL: not a
 *         name; MK_E_MEMORY. On failure nothing changed. */
MK_API mk_err mk_session_set_box(mk_session *s, mk_str domain, mk_str user);

/** Octets of the message so far, on the wire without stuffing.
 *
 * @param s  a session.
 * @return octets; 0 outside of a transaction. */
MK_API uint64_t mk_session_size(const mk_session *s);

/** Header fields of the message so far.
 *
 * @param s  a session.
 * @return those that came, not those added; 0 outside of a transaction. */
MK_API uint32_t mk_session_field_count(const mk_session *s);

/** Octets of added header fields that a message may have. */
#define MK_SESSION_FIELDS_MAX 2304u

/** Put a header field on top of the message, above those added before.
 *
 * @param s      a session in a transaction, up to and with MK_POINT_END.
 * @param name   1 to 76 octets %d33-126 without ':' (RFC 5322 3.6.8).
 * @param value  what stands behind ": ": printable ASCII and tabs. It may be
 *               folded: CRLF followed by white space and something else than
 *               white space. No line beyond 998 octets.
 * @return MK_OK; MK_E_STATE outside of a transaction; MK_E_ARG: the name;
 *         MK_E_CTL: CR, LF or NUL that is not folding, or octets that are not
 *         printable ASCII; MK_E_LINE; MK_E_LIMIT: MK_SESSION_FIELDS_MAX;
 *         MK_E_MEMORY. On failure nothing changed. */
MK_API mk_err mk_session_add_field(mk_session *s, mk_str name, mk_str value);

/** The fields added so far, with CRLF line ends.
 *
 * @param s  a session.
 * @return a view that lives until the next field or MK_STAGE_RESET. */
MK_API mk_str mk_session_fields(const mk_session *s);

/** The fields that were missing (mk_fix), with CRLF line ends; they belong
 *  between the trace fields and the message. Complete at MK_POINT_END.
 *
 * @param s  a session.
 * @return a view that lives until MK_STAGE_RESET; empty: none was. */
MK_API mk_str mk_session_fixes(const mk_session *s);

/** The running stage's own pointer in a session, NULL at first. It is kept
 *  over transactions.
 *
 * @param s      a session.
 * @param stage  the index of the stage in the chain, as in its call.
 * @return where the pointer is kept, for the life of the session. */
MK_API void **mk_session_tag(mk_session *s, uint32_t stage);

/* ---- the chain of stages ---------------------------------------------------
 */

/** The points at which stages are asked. */
typedef enum mk_point {
    MK_POINT_CONNECT = 0, /**< before the greeting, again after XCLIENT */
    MK_POINT_HELO = 1,
    MK_POINT_MAIL = 2,
    MK_POINT_RCPT = 3, /**< once for each recipient */
    MK_POINT_DATA = 4, /**< before 354 */
    MK_POINT_BODY = 5, /**< octets of the message, in order */
    MK_POINT_END = 6,  /**< after the whole message, before the reply */
    /* At these `octets` are the argument. When all pass, VRFY and EXPN are
     * answered 252, and ETRN 459. ETRN is offered only where a stage is asked
     * at it: 250 started, 251 no message waits, 252 messages wait, 253 and how
     * many, 458 and 459 (RFC 1985 5.2). */
    MK_POINT_VRFY = 7,
    MK_POINT_EXPN = 8,
    MK_POINT_ETRN = 9
} mk_point;

/** How many points there are. */
#define MK_POINTS 10u

/** A point as a bit of mk_stage.points. */
#define MK_POINT_BIT(point) (1u << (point))

/** What a stage decides. */
typedef enum mk_verdict_kind {
    MK_VERDICT_PASS = 0,   /**< the next stage decides */
    MK_VERDICT_ACCEPT = 1, /**< accepted; the stages behind are not asked, but
                            *   at BODY, where it is PASS: all get all octets */
    MK_VERDICT_REFUSE = 2, /**< refused; the stages behind are not asked */
    MK_VERDICT_WAIT = 3    /**< mk_stage_answer comes later */
} mk_verdict_kind;

/** A decision. All zero is PASS. */
typedef struct mk_verdict {
    mk_verdict_kind kind;
    mk_answer answer; /**< REFUSE: MK_ANSWER_LATER or MK_ANSWER_NO */
    mk_str code;      /**< "550 5.7.1"; empty: the point's default */
    mk_str text;      /**< one line for the peer; empty: the default */
} mk_verdict;

/** Names one open question to a stage or an authenticator; passed by value. It
 *  stays safe to use after the session is gone, for the service's life: it is
 *  stale then. */
typedef struct mk_ask {
    struct mk_asker *asker; /**< of the service that asks */
    uint64_t number;
} mk_ask;

/** One question to a stage. */
typedef struct mk_stage_call {
    mk_session *session;
    mk_point point;
    uint32_t stage; /**< this stage's index in the chain */
    mk_ask ask;     /**< for a late answer, and for mk_directory.lookup */
    mk_str octets;  /**< BODY: the next octets; VRFY, EXPN, ETRN: the
                     *   argument. They live until `at` returns */
} mk_stage_call;

/** Why a stage is told. */
typedef enum mk_stage_note {
    MK_STAGE_WITHDRAWN = 0, /**< the question it waits with is void */
    MK_STAGE_RESET = 1,     /**< the transaction is over, whatever came of it */
    MK_STAGE_CLOSED = 2     /**< the session is over */
} mk_stage_note;

/** One stage of the chain: a row of functions. */
typedef struct mk_stage {
    const char *name; /**< for logs; static */
    void *self;
    uint32_t points; /**< MK_POINT_BIT, or-ed: where it is asked */
    /** Decide. *io_verdict is PASS when called; what it points to is copied
     *  before the next call. WAIT promises exactly one mk_stage_answer (which
     *  may come from inside this call), unless withdrawn. */
    void (*at)(void *self, const mk_stage_call *call, mk_verdict *io_verdict);
    /** Be told; NULL when there is nothing to forget. WITHDRAWN comes only
     *  while it waits; why is MK_E_TIMEOUT when the answer took too long.
     *  A transaction or session ends with one RESET or CLOSED for each stage,
     *  asked or not. */
    void (*note)(void *self, mk_session *s, uint32_t stage, mk_stage_note note,
                 mk_err why);
    /** mk_smtp_extension, or-ed: what it does of that which needs more than a
     *  mailbox; the service offers these only where a stage honours them. DSN:
     *  notices are sent, of success too (RFC 3461 5). FUTURERELEASE: a message
     *  is held. BINARYMIME: octets are kept, or made lines. */
    uint32_t honours;
} mk_stage;

/** Answer a question that a stage put off; the next stage is asked at once.
 *
 * @param ask      of the call.
 * @param verdict  PASS, ACCEPT or REFUSE; borrowed for the call.
 * @return MK_OK; MK_E_STALE: answered before, withdrawn, or the session is
 *         gone; MK_E_ARG: WAIT, or a malformed code; MK_E_CTL: CR, LF or NUL
 *         in code or text. On failure nothing changed. */
MK_API mk_err mk_stage_answer(mk_ask ask, const mk_verdict *verdict);

/** Give one recipient an outcome of its own (RFC 2033 4.2); what the chain
 *  decides counts for the others. Only where each is answered: an SMTP message
 *  has one outcome for all.
 *
 * @param s        an LMTP session at MK_POINT_END, also while its answer is
 *                 awaited.
 * @param r        one of its accepted recipients.
 * @param verdict  ACCEPT or REFUSE; code and text are copied.
 * @return MK_OK; MK_E_STATE: not LMTP, or at another point; MK_E_ARG: another
 *         verdict, or a malformed code; MK_E_CTL: CR, LF or NUL in code or
 *         text; after these nothing changed. MK_E_MEMORY: the outcome counts,
 *         with the default code and text. */
MK_API mk_err mk_session_set_outcome(mk_session *s, const mk_recipient *r,
                                     const mk_verdict *verdict);

/* ---- logins ---------------------------------------------------------------
 */

/** Octets of the name that a login is known by, at most. */
#define MK_LOGIN_MAX 320u

/** Judges logins; may answer later. */
typedef struct mk_authenticator {
    void *self;
    /** Judge a login and call mk_login_answer once, from inside this call or
     *  later. The question's views live until this returns; its octets are
     *  hostile. */
    void (*check)(void *self, const mk_sasl_ask *question, mk_ask ask);
    /** The question is void: the peer is gone, or the answer took too long;
     *  NULL when it does not matter. */
    void (*withdrawn)(void *self, mk_ask ask);
} mk_authenticator;

/** Answer the question of a login.
 *
 * @param ask     of the question.
 * @param answer  YES: the login is good, or (MK_SASL_ASK_KEYS) here are the
 *                keys; NO: unknown, wrong or not allowed, which the peer is
 *                never told apart; LATER: it cannot be told now.
 * @param keys    for KEYS with YES; copied; else not looked at.
 * @param login   for YES: whom the session is known by from the moment that
 *                the exchange succeeds, "user@domain" in one spelling; 1 to
 *                MK_LOGIN_MAX octets, copied; else not looked at.
 * @return MK_OK; MK_E_STALE: answered before, withdrawn, or the session is
 *         gone; MK_E_ARG: as mk_sasl_resolve, or no login; MK_E_CTL: control
 *         characters in login; after these three nothing changed; MK_E_MEMORY:
 *         LATER was answered instead. */
MK_API mk_err mk_login_answer(mk_ask ask, mk_answer answer,
                              const mk_sasl_keys *keys, mk_str login);

/** Who logs in, in case that counts (THREATS 51).
 *
 * @param ask  of the question, from inside of `check` or as long as it is open.
 * @return as mk_session_peer; NULL: it is stale. Lives until the answer. */
MK_API const mk_peer *mk_login_peer(mk_ask ask);

/** The identity that its client told by CLIENTID: what a device is bound to.
 *
 * @param ask  likewise.
 * @return as mk_session_client_id; empty: none, or it is stale. Lives until the
 *         answer. */
MK_API mk_str mk_login_client_id(mk_ask ask);

/* ---- the record of what happened --------------------------------------------
 */

/** What a record is about. */
typedef enum mk_log_kind {
    MK_LOG_MESSAGE = 1, /**< a message's outcome for one recipient */
    MK_LOG_REFUSED = 2, /**< refused before there was a message */
    MK_LOG_FAULT = 3,   /**< the connection or the peer is at fault */
    MK_LOG_LATE = 4,    /**< delivered after the peer was told 451 */
    MK_LOG_LOGIN = 5,   /**< a login succeeded or failed: `err`. Who counts
                         *   failures by peer or name listens for these */
    MK_LOG_MAILDROP = 6 /**< a session with an open maildrop ended: MK_OK in
                         *   `err` when by QUIT, and what was marked is gone */
} mk_log_kind;

/** One record, borrowed for the call. Octets in it are hostile. */
typedef struct mk_log_record {
    mk_log_kind kind;
    mk_str id;           /**< of the transaction; may be empty */
    mk_str reverse_path; /**< empty is <> */
    mk_str forward_path; /**< empty when it is not about a recipient */
    mk_str helo;
    const char *stage; /**< the stage that decided, or NULL */
    uint64_t size;     /**< octets on the wire */
    mk_str code;       /**< "250 2.0.0"; empty for a fault */
    mk_str text;
    uint64_t delay_ms;     /**< since MAIL, or since the connection came */
    const mk_peer *peer;   /**< may be NULL */
    mk_err err;            /**< FAULT, LOGIN: the class; MK_OK: logged in */
    mk_str login;          /**< who has logged in, or empty; LOGIN that failed:
                            *   the name as the peer spelt it, which may be a
                            *   password in the wrong place */
    const char *mechanism; /**< LOGIN: "PLAIN" …; else NULL */
    bool is_tls;           /**< the connection has TLS */
    uint32_t messages;     /**< MAILDROP: there were so many */
    uint32_t retrieved;    /**< likewise: were sent, `size` octets in all */
    uint32_t removed;      /**< likewise */
    uint64_t left_out;     /**< likewise: more than can be shown, or could not
                            *   be read */
    const mk_peer *via;    /**< who named `peer` by XCLIENT; else NULL */
    /** What XFORWARD told; NULL: nothing. */
    const mk_smtp_client_info *forwarded;
    mk_str client_id; /**< of CLIENTID, or empty */
} mk_log_record;

/** Takes records. */
typedef struct mk_log {
    void *self;
    /** NULL: nobody listens. */
    void (*write)(void *self, const mk_log_record *record);
} mk_log;

/** Octets of a record as a line at most; what is longer is cut, with "...". */
#define MK_LOG_LINE_MAX 10240u

/** Append a record as one line of printable ASCII without a line end:
 *  id=… from=<…> to=<…> size=… outcome="250 2.0.0 …" delay=… peer=…, and
 *  where there is one login=<…>; of a login mechanism=… tls=yes; what others
 *  told via=… orig=… client-id="…". Of a maildrop
 *  messages=… retrieved=… removed=… size=… outcome=… and these.
 *
 * @param record  any.
 * @param out     appended to; every octet of the peer's that is not printable
 *                is escaped, and so are quotes and angle brackets.
 * @return MK_OK or MK_E_ROOM; MK_LOG_LINE_MAX octets are always enough. */
MK_API mk_err mk_log_format(const mk_log_record *record, mk_buf *out);

/** Append an address as a literal (RFC 5321 4.1.3): [192.0.2.1],
 *  [IPv6:2001:db8::1].
 *
 * @param family   4 or 6; anything else gives "unknown".
 * @param address  4 or 16 octets in network order.
 * @param out      appended to.
 * @return MK_OK or MK_E_ROOM. */
MK_API mk_err mk_address_format(uint8_t family, const uint8_t *address,
                                mk_buf *out);

/* ---- the service --------------------------------------------------------- */

/** Stages of a chain at most. */
#define MK_STAGES_MAX 16u

/** What is done about messages of submission (RFC 6409 8), or-ed. */
typedef enum mk_fix {
    MK_FIX_DATE = 1,       /**< a missing Date: is added (8.2) */
    MK_FIX_MESSAGE_ID = 2, /**< likewise Message-ID: (8.3) */
    MK_FIX_FROM = 4        /**< a message without From: is refused, 554 5.6.0:
                            *   who wrote it cannot be made up (6.3) */
} mk_fix;

/** Settings of a service; start with mk_inbound_config_init. How many
 *  connections there may be is the host's to limit. */
typedef struct mk_inbound_config {
    size_t size; /**< set by init */
    const mk_host *host;
    const mk_alloc *alloc;
    const mk_random *random;
    /** hostname must be set; `asks` is the service's own; borrowed. Where it
     *  offers TLS, `wrap` must give it. Of its `extensions` those are left out
     *  that nobody honours (mk_stage.honours, MK_POINT_ETRN), and XCLIENT and
     *  XFORWARD for peers that are not trusted. */
    const mk_smtp_server_config *smtp;
    const mk_stage *stages;    /**< the chain, in order; copied */
    uint32_t stage_count;      /**< 1 to MK_STAGES_MAX */
    uint32_t hops_max;         /**< Received: fields, else 554 5.4.6: 50 */
    uint32_t fields_max;       /**< header fields, else 554 5.6.0: 1,000 */
    uint64_t header_bytes_max; /**< header block, else 552 5.3.4: 1 MiB */
    mk_log log;
    /** Judges logins where `smtp` offers them; NULL: each is refused for now.
     *  Borrowed for the service's life. */
    const mk_authenticator *authenticator;
    /** Put an engine over that of a new connection, mk_tls_over above all. The
     *  outer one is the host's to drive; closing it closes the inner. On
     *  failure the inner one is left as it was and the connection is turned
     *  away. NULL: none is put over it. */
    mk_err (*wrap)(void *self, mk_engine *inner, mk_engine **out_outer);
    void *wrap_self;
    /** Connections are TLS from their first octet (RFC 8314 3.3), so that
     *  whom the service cannot take is closed without a word: false. */
    bool is_tls_implicit;
    /** Networks of those who may say XCLIENT and XFORWARD, where `smtp` has
     *  them; asked again of whom XCLIENT's ADDR names; copied; NULL: none. */
    const mk_network *trusted;
    size_t trusted_count;
    /** May this one, who is in none of the networks, too? NULL: nobody. */
    bool (*is_trusted)(void *self, const mk_peer *peer);
    void *trusted_self;
    uint32_t fixes;     /**< mk_fix, or-ed: 0 */
    bool is_fixing_all; /**< for all messages, not only of who has logged in:
                         *   false */
} mk_inbound_config;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_inbound_config_init(mk_inbound_config *c, size_t size);

/** Make a service.
 *
 * @param c            host, alloc, random, smtp and stages are needed and
 *                     stay borrowed for the service's life.
 * @param out_inbound  written on success; free it by mk_inbound_free.
 * @return MK_OK; MK_E_ARG: something is missing, or a limit is 0; MK_E_MEMORY.
 */
MK_API mk_err mk_inbound_new(const mk_inbound_config *c,
                             mk_inbound **out_inbound);

/** What the host listens with. One service may serve many listeners.
 *
 * @param inbound      the service.
 * @param out_service  written; good for the service's life. */
MK_API void mk_inbound_service(mk_inbound *inbound, mk_service *out_service);

/** Sessions that are not over, and messages of dead peers that still come to
 *  rest.
 *
 * @param inbound  the service.
 * @return 0 when idle. */
MK_API size_t mk_inbound_count(const mk_inbound *inbound);

/** Free a service that is idle.
 *
 * @param inbound  NULL is fine.
 * @return MK_OK; MK_E_BUSY when sessions are left: nothing was changed. */
MK_API mk_err mk_inbound_free(mk_inbound *inbound);

/* ---- delivery ------------------------------------------------------------ */

/** Settings of a delivery; start with mk_local_delivery_config_init. */
typedef struct mk_local_delivery_config {
    size_t size; /**< set by init */
    const mk_host *host;
    const mk_alloc *alloc; /**< called on workers too */
    const mk_random *random;
    const mk_vfs *vfs;
    mk_dir root;               /**< the open mail root; borrowed */
    mk_str hostname;           /**< for Received: and file names; borrowed */
    uint32_t pid;              /**< of this process, for file names */
    size_t message_memory_max; /**< kept of a message before it goes to disk:
                                *   262,144; also what is written at once */
    size_t memory_max;         /**< of all messages together: 67,108,864 */
    uint64_t free_bytes_min;   /**< refuse below: 1 MiB */
    uint64_t free_inodes_min;  /**< refuse below: 16 */
    unsigned lanes;            /**< commits under way at once: 4 */
    mk_commit_mode mode;       /**< MK_COMMIT_DURABLE */
    mk_log log;                /**< told MK_LOG_LATE */
} mk_local_delivery_config;

/** Delivery into Maildirs, the last stage of a chain.
 *
 * RCPT: refuses (550 5.7.1) a recipient that no stage named a mailbox for.
 * BODY: keeps the message, beyond the limit in the tmp/ of its first mailbox.
 * END: puts Return-Path:, the added fields and Received: on top (RFC 5321
 * 4.4; a Return-Path: that the message brought stays where it is), makes the
 * files of all mailboxes durable and only then accepts, with 250 2.0.0 and the
 * id. A mailbox named by several recipients gets one copy. All files of a
 * message are on stable storage before the first is renamed, so that a full
 * disk cannot split it. Should a rename, or the sync of a directory, fail
 * after another succeeded, the peer is told 451 and its retry doubles the
 * message there: SMTP has one reply for all (RFC 5321 4.5.3.2.6 has the same
 * choice: rather twice than never).
 *
 * With LMTP each mailbox has an outcome of its own (RFC 2033 4.2): what fails
 * for one, be it the disk or the mailbox itself, keeps the message from no
 * other, and nothing is doubled. What fails for the message (memory; the file
 * that one beyond the limit is kept in) fails for all.
 *
 * What came as BODY=BINARYMIME is stored with its binary parts in base64, since
 * a Maildir is of lines (RFC 3030 3); a message of which that cannot be made is
 * refused at END with 554 5.6.3, and one with a bare CR or LF in another part
 * with 550 5.6.0. Such a message takes a quarter of a MiB more of memory_max.
 *
 * A store is the end of REQUIRETLS (RFC 8689 5): the message is not sent on,
 * and neither the header field TLS-Required: nor another is touched.
 *
 * A mailbox stays open for about a second of further messages; one that was
 * moved away meanwhile gets those of that second, one that was removed is
 * made anew. */
typedef struct mk_local_delivery mk_local_delivery;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_local_delivery_config_init(mk_local_delivery_config *c,
                                            size_t size);

/** Make a delivery.
 *
 * @param c             host, alloc, random, vfs, root and hostname are
 *                      needed; borrowed for its life.
 * @param out_delivery  written on success; free it by mk_local_delivery_free.
 * @return MK_OK; MK_E_ARG; MK_E_CTL: the hostname; MK_E_MEMORY. */
MK_API mk_err mk_local_delivery_new(const mk_local_delivery_config *c,
                                    mk_local_delivery **out_delivery);

/** The delivery as a stage.
 *
 * @param d          the delivery.
 * @param out_stage  written; good for the delivery's life. */
MK_API void mk_local_delivery_stage(mk_local_delivery *d, mk_stage *out_stage);

/** Messages that are held or on their way.
 *
 * @param d  the delivery.
 * @return 0 when idle. */
MK_API size_t mk_local_delivery_count(const mk_local_delivery *d);

/** Close the mailboxes that are kept open for more mail, and keep none from
 *  now on; for a program that is about to stop.
 *
 * Without it they are closed, and the host's timer is unset, about a second
 * after the last message: the host must live until then, or until this was
 * called. Messages go on coming to rest.
 *
 * @param d  the delivery. */
MK_API void mk_local_delivery_rest(mk_local_delivery *d);

/** Free a delivery that is idle.
 *
 * @param d  NULL is fine.
 * @return MK_OK; MK_E_BUSY when messages are left: nothing was changed. */
MK_API mk_err mk_local_delivery_free(mk_local_delivery *d);

/* ---- a ready stage: wait ------------------------------------------------- */

/** Settings of a delay; start with mk_delay_config_init. */
typedef struct mk_delay_config {
    size_t size; /**< set by init */
    const mk_host *host;
    const mk_alloc *alloc;
    /** Milliseconds to wait at each point but MK_POINT_BODY and MK_POINT_ETRN;
     *  below answer_ms of the service's engines, else the wait ends as a
     * refusal for now: 0. */
    uint64_t ms[MK_POINTS];
    bool is_for_all; /**< also who has logged in waits: false */
} mk_delay_config;

/** A stage that makes peers wait, and passes (RFC 2505 2.13, THREATS 51): some
 *  who send junk do not wait for a greeting, and who guesses is slowed. A peer
 *  that waits costs its connection and some octets, and the host bounds
 *  connections. */
typedef struct mk_delay mk_delay;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_delay_config_init(mk_delay_config *c, size_t size);

/** Make a delay.
 *
 * @param c          host and alloc are needed; they are borrowed for its life.
 * @param out_delay  written on success; free it by mk_delay_free.
 * @return MK_OK; MK_E_ARG: something is missing, a wait at one of these two
 *         points, or no wait at all; MK_E_MEMORY. */
MK_API mk_err mk_delay_new(const mk_delay_config *c, mk_delay **out_delay);

/** The delay as a stage.
 *
 * @param d          the delay.
 * @param out_stage  written; good for the delay's life. */
MK_API void mk_delay_stage(mk_delay *d, mk_stage *out_stage);

/** Peers that wait now.
 *
 * @param d  the delay.
 * @return 0 when idle. */
MK_API size_t mk_delay_count(const mk_delay *d);

/** Free a delay.
 *
 * @param d  NULL is fine; no service may use it any more. */
MK_API void mk_delay_free(mk_delay *d);

MK_EXTERN_C_END
#endif
