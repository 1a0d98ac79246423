/* SPDX-License-Identifier: MIT
 *
 * engine.h: the one contract of everything that takes part in a conversation.
 * An engine is a state machine in one block of memory. It sees bytes and the
 * clock as arguments, and gives back events, bytes and interests; it never
 * sees a socket, a thread or a file. Events are pulled, never called back.
 *
 * The loop of every driver:
 *
 *     read bytes -> view
 *     while ((r = mk_step(e, now, &view, &ev)) == MK_OK) { handle ev }
 *     keep what is left of view, to offer it again with more bytes behind it
 *     write what mk_out gives; mk_out_sent what was written
 *     wait for mk_want / mk_deadline
 *
 * mk_feed (feed.h) does the keeping. Laws 4 to 11 of the design live here.
 */
#ifndef MAILKIT_ENGINE_H
#define MAILKIT_ENGINE_H

#include <mailkit/base.h>

MK_EXTERN_C_BEGIN

/** An engine; opened by a typed opener such as mk_smtp_server_open. */
typedef struct mk_engine mk_engine;

/** Names one operation or question of an engine. 0 is none; a number is not
 *  used again before 2^32 others were. */
typedef uint32_t mk_op;

/** "Never", as a time in milliseconds. */
#define MK_NEVER UINT64_MAX

/** The kind of an event. Those of a protocol start at its own base. */
typedef enum mk_event_type {
    MK_EV_NONE = 0,
    /** Body octets in `data`, in place; `offset` is their position in the
     *  body. With MK_LAST the body is complete, `data` is empty and `size` the
     *  octets in all. Not asked, but mk_later stops the flow and mk_reply with
     *  a refusal makes the engine swallow the rest. */
    MK_EV_BODY = 1,
    /** The engine has room for mk_body: `size` spans may be lent now, at least
     *  one until the last is lent; `data` is the span given back, empty the
     *  first time and behind MK_WAIT; MK_LAST: it was the last one and all of
     *  it is acknowledged. */
    MK_EV_WANTED = 2,
    /** The question `op` is withdrawn (`err` tells why); answers to it give
     *  MK_E_STALE from now on. */
    MK_EV_WITHDRAWN = 3,
    /** The peer is at fault, see `of.fault`; MK_END follows. */
    MK_EV_FAULT = 4,
    /** The client operation `op` ended with `err`; what was borrowed for it
     *  is the caller's again. */
    MK_EV_DONE = 5,
    /** The go-ahead for TLS is acknowledged: call mk_tls_begin (Law 9). */
    MK_EV_TLS_WANTED = 6,
    /** A login is to be judged, see `of.sasl`: answer by mk_sasl_answer, or
     *  put it off by mk_later; always asked. */
    MK_EV_SASL = 7,
    /** The first number of smtp.h. */
    MK_EV_SMTP = 0x100,
    /** The first number of pop3.h. */
    MK_EV_POP3 = 0x200,
    /** The first number of imap.h. */
    MK_EV_IMAP = 0x300
} mk_event_type;

/** Flags of an event. */
typedef enum mk_event_flag {
    MK_ASK = 1,    /**< answer by mk_reply or mk_later before mk_step */
    MK_LAST = 2,   /**< nothing of this kind follows */
    MK_UNASKED = 4 /**< the peer sent it on its own account */
} mk_event_flag;

/** When may the same thing be tried again? */
typedef enum mk_retry {
    MK_RETRY_NOW = 0,    /**< on a new connection, at once */
    MK_RETRY_LATER = 1,  /**< after a pause (a 4xx) */
    MK_RETRY_NEVER = 2,  /**< the peer refused for good (a 5xx) */
    MK_RETRY_UNKNOWN = 3 /**< it may have been delivered: a retry can double */
} mk_retry;

/** A fault of the peer (Law 8). */
typedef struct mk_fault {
    mk_err why;      /**< the class */
    mk_retry retry;  /**< for clients */
    uint64_t offset; /**< octets of input consumed before the fault */
    mk_str code;     /**< the reply a server sends, "554 5.5.0"; else empty */
    mk_str text;     /**< its text, or a phrase for a log; static */
} mk_fault;

struct mk_smtp_event;
struct mk_pop3_event;
struct mk_imap_event;
struct mk_dns_question;
struct mk_sasl_ask;

/** What an event points to; which member is told by its type. */
typedef union mk_event_of {
    const void *any;
    const struct mk_fault *fault;
    const struct mk_smtp_event *smtp;
    const struct mk_pop3_event *pop3;
    const struct mk_imap_event *imap;
    const struct mk_dns_question *dns;
    const struct mk_sasl_ask *sasl;
} mk_event_of;

/** One event. All that it points to lives until the next mk_step or mk_close
 *  on the same engine (Law 7). */
typedef struct mk_event {
    uint32_t type;   /**< mk_event_type, or a number of a protocol header */
    uint32_t flags;  /**< mk_event_flag, or-ed */
    mk_op op;        /**< what it belongs to; answers carry it back */
    mk_err err;      /**< MK_OK unless the type says otherwise */
    uint64_t offset; /**< stream position */
    uint64_t size;   /**< running total, or room */
    mk_str data;     /**< octets, in place */
    mk_event_of of;
    uint64_t reserved;
} mk_event;

/** The three answers. */
typedef enum mk_answer {
    MK_ANSWER_YES = 0,   /**< accepted (2xx, +OK, OK) */
    MK_ANSWER_LATER = 1, /**< refused for now (4xx) */
    MK_ANSWER_NO = 2     /**< refused for good (5xx) */
} mk_answer;

/** What an engine waits for, level-triggered. */
typedef enum mk_want_flag {
    MK_WANT_READ = 1,  /**< bytes of the peer */
    MK_WANT_WRITE = 2, /**< mk_out has bytes */
    MK_WANT_STEP = 4,  /**< step again without waiting */
    MK_WANT_CLOSE = 8, /**< close in order once mk_out is empty (Law 11) */
    MK_WANT_ABORT = 16 /**< close at once with a reset: nothing may follow */
} mk_want_flag;

/* ---- advance ------------------------------------------------------------- */

/** Advance by at most one event.
 *
 * Consumes whole units and runs of body from the front of *io_in. What it
 * leaves (a partial unit) must be offered again, contiguous, with more bytes
 * behind it. Offering an empty view is allowed at any time.
 *
 * @param e          the engine.
 * @param now_ms     monotonic milliseconds, never less than in earlier calls.
 * @param io_in      the unconsumed input; advanced by what was consumed.
 * @param out_event  written when MK_OK is returned.
 * @return MK_OK: an event was written; MK_WAIT: nothing until bytes, an answer
 *         or mk_deadline; MK_END: the conversation is over, no event follows;
 *         MK_E_ARG: a pointer was NULL, nothing changed. */
MK_API mk_err mk_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                      mk_event *out_event);

/** Tell that no more input comes. Takes effect after the complete units still
 *  offered.
 *
 * @param e    the engine.
 * @param why  MK_OK for an orderly end, else what broke (MK_E_CUT, MK_E_NET,
 *             MK_E_TLS …). Repeated calls keep the first. */
MK_API void mk_in_eof(mk_engine *e, mk_err why);

/** The most octets the engine may need contiguous at once now.
 *
 * @param e  the engine.
 * @return octets; an over-long unit is reported when that many are there. */
MK_API size_t mk_in_max(const mk_engine *e);

/* ---- bytes to the peer --------------------------------------------------- */

/** Look at queued output.
 *
 * @param e          the engine.
 * @param skip       octets, not yet acknowledged, to pass over first.
 * @param out_spans  written; the spans stay put until acknowledged.
 * @param max        room in out_spans, at least 1.
 * @return the number of spans written; 0 when there is nothing (more). */
MK_API size_t mk_out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max);

/** Acknowledge output: the transport has taken it.
 *
 * @param e  the engine.
 * @param n  octets from the front of the queue.
 * @return MK_OK; MK_E_ARG when n is more than is queued, nothing changed. */
MK_API mk_err mk_out_sent(mk_engine *e, size_t n);

/* ---- interest ------------------------------------------------------------ */

/** What the engine waits for.
 *
 * @param e  the engine.
 * @return mk_want_flag, or-ed; 0 while it waits for an answer only. */
MK_API unsigned mk_want(const mk_engine *e);

/** When mk_step must be called again even if nothing happens.
 *
 * @param e  the engine.
 * @return absolute milliseconds on the clock of mk_step, or MK_NEVER. */
MK_API uint64_t mk_deadline(const mk_engine *e);

/* ---- answers ------------------------------------------------------------- */

/** Answer a question. Records only; the next mk_step acts.
 *
 * @param e       the engine.
 * @param op      the question's op.
 * @param answer  the verdict; where a code tells one too they must agree.
 * @param code    in the form of the protocol: "550", "550 5.1.1" (RFC 5321
 *                4.2, RFC 3463 2); "IN-USE", "SYS/TEMP" (RFC 2449 8); empty
 *                for the default.
 * @param text    one line of at most 400 octets; longer is clipped; empty for
 *                the default. Both are copied; where no unit is free for a
 *                refusal of body octets it is said by the defaults.
 * @return MK_OK; MK_E_STALE when op is not waiting; MK_E_CTL when code or text
 *         holds CR, LF or NUL; MK_E_ARG when the code is malformed or does not
 *         fit the answer. On failure nothing changed. */
MK_API mk_err mk_reply(mk_engine *e, mk_op op, mk_answer answer, mk_str code,
                       mk_str text);

/** Put the answer off: mk_reply comes later (Law 5). No further command of the
 *  peer starts meanwhile, its deadline stands still and the answer's own runs.
 *
 * @param e   the engine.
 * @param op  the op of the last event, a question or body octets.
 * @return MK_OK, or MK_E_STALE. */
MK_API mk_err mk_later(mk_engine *e, mk_op op);

/** Give up a client operation, or what a server streams out. After octets or
 *  lines were promised to the peer this ends the session: no final dot, ever
 *  (Law 11).
 *
 * @param e   the engine.
 * @param op  the operation under way.
 * @return MK_OK and, at a client, MK_EV_DONE with MK_E_CANCELLED follows; at a
 *         server MK_END, and it wants ABORT; MK_E_STALE. */
MK_API mk_err mk_cancel(mk_engine *e, mk_op op);

/** Lend a span of body. All or nothing.
 *
 * @param e        the engine.
 * @param op       the operation that asked by MK_EV_WANTED.
 * @param span     octets, with CRLF line ends where the protocol wants them;
 *                 not dot-stuffed. They stay the caller's and must stay put
 *                 until MK_EV_WANTED or MK_EV_DONE gives them back. May be
 *                 empty.
 * @param is_last  nothing follows.
 * @return MK_OK; MK_WAIT: no room now, nothing changed; MK_E_STALE; MK_E_BARE:
 *         a bare CR or LF, or a NUL, which would not be legal on the wire
 *         (Law 10), nothing changed; MK_E_SIZE: more than was promised. */
MK_API mk_err mk_body(mk_engine *e, mk_op op, mk_str span, bool is_last);

/** Start TLS: the driver tells how many clear octets it still holds.
 *
 * @param e     the engine, after MK_EV_TLS_WANTED.
 * @param held  octets read and not yet offered or not consumed; any at all
 *              ends the session with MK_E_CLEARTEXT (Law 9).
 * @return MK_OK; MK_E_STATE when TLS is not wanted now. */
MK_API mk_err mk_tls_begin(mk_engine *e, size_t held);

/** How TLS is to be used. What came of it is told by mk_tls_info. */
typedef enum mk_tls_policy {
    MK_TLS_POLICY_NONE = 0,    /**< never */
    MK_TLS_POLICY_MAY = 1,     /**< when offered, whatever the certificate;
                                *   nothing is promised */
    MK_TLS_POLICY_ENCRYPT = 2, /**< always, whatever the certificate */
    MK_TLS_POLICY_MUST = 3     /**< always, and the peer must be verified */
} mk_tls_policy;

/** What is known of a TLS session. Encrypted is not verified: an application
 *  that cares about who is at the other end looks at is_verified. Views live
 *  as long as the session. */
typedef struct mk_tls_info {
    size_t size;         /**< sizeof(mk_tls_info) as its filler knew it */
    bool is_verified;    /**< client: chain and name are good. Server: the
                          *   peer's own certificate is good */
    bool is_resumed;     /**< by ticket or session */
    mk_err verify;       /**< why it is not verified: MK_OK, or MK_E_CERT_… */
    mk_str version;      /**< "TLSv1.2" */
    mk_str cipher;       /**< "TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384" */
    mk_str server_name;  /**< SNI as sent or received; may be empty */
    mk_str peer_subject; /**< of the peer's certificate, for logs; hostile;
                          *   empty when it showed none */
    mk_str end_point;    /**< tls-server-end-point (RFC 5929 4), or empty */
    mk_str exporter;     /**< tls-exporter (RFC 9266 2), or empty */
} mk_tls_info;

/** TLS is up, or failed.
 *
 * @param e       the engine, after mk_tls_begin; or before its first mk_step,
 *                for a connection that is TLS from its first octet.
 * @param result  MK_OK or why it failed.
 * @param info    what is known of the session; borrowed until mk_close of e;
 *                NULL on failure.
 * @return MK_OK; MK_E_STATE when no TLS was begun; MK_E_ARG: MK_OK without
 *         info. On failure nothing changed. */
MK_API mk_err mk_tls_done(mk_engine *e, mk_err result, const mk_tls_info *info);

/** End the conversation at the next legal point (421, * BYE, QUIT).
 *
 * @param e     the engine.
 * @param text  one line for the peer, or empty for the default; borrowed until
 *              MK_END, and ignored when it holds CR, LF or NUL. */
MK_API void mk_finish(mk_engine *e, mk_str text);

/** Be less patient, or as patient as before: the service runs out of room for
 *  peers. What that means is told by each engine's settings (shorter times,
 *  fewer errors); the deadline may move, so look at mk_deadline anew.
 *
 * @param e   the engine.
 * @param on  true while room is short. An engine begins with false. */
MK_API void mk_hurry(mk_engine *e, bool on);

/** Close: wipes the engine's secrets and gives its unit back. Borrowed things
 *  are the caller's again; the block too.
 *
 * @param e  the engine; NULL is fine. */
MK_API void mk_close(mk_engine *e);

/* ---- a login, as engines know it (the rest is in sasl.h) ----------------- */

/** The mechanisms, as bits, the weakest first. */
typedef enum mk_sasl_mechanism {
    MK_SASL_NONE = 0,
    MK_SASL_ANONYMOUS = 1,
    MK_SASL_LOGIN = 2,
    MK_SASL_PLAIN = 4,
    MK_SASL_CRAM_MD5 = 8,
    MK_SASL_SCRAM_SHA_1 = 16,
    MK_SASL_SCRAM_SHA_256 = 32,
    MK_SASL_SCRAM_SHA_1_PLUS = 64,
    MK_SASL_SCRAM_SHA_256_PLUS = 128,
    MK_SASL_XOAUTH2 = 256,
    MK_SASL_OAUTHBEARER = 512,
    MK_SASL_EXTERNAL = 1024,
    MK_SASL_ALL = 2047
} mk_sasl_mechanism;

/** One exchange, in the caller's memory. */
typedef struct mk_sasl mk_sasl;

/** What comes next in an exchange. */
typedef enum mk_sasl_state {
    MK_SASL_WORK = 1,  /**< call mk_sasl_next again, at leisure */
    MK_SASL_SEND = 2,  /**< send mk_sasl_message (it may be empty) */
    MK_SASL_TAKE = 3,  /**< the peer's message is awaited: mk_sasl_take */
    MK_SASL_ASK = 4,   /**< server: mk_sasl_question awaits mk_sasl_resolve */
    MK_SASL_DONE = 5,  /**< server: the login is good. Client: the peer's word
                        *   of success may be believed */
    MK_SASL_FAILED = 6 /**< mk_sasl_why tells */
} mk_sasl_state;

struct mk_sasl_client_config;
struct mk_sasl_server_config;
struct mk_sasl_keys;

/** The client's calls as a table, through which protocol machines reach them:
 *  a program that sets up no login does not link them. The entries are the
 *  functions of the same names. */
typedef struct mk_sasl_client_ops {
    const char *(*name)(mk_sasl_mechanism mechanism);
    uint32_t (*parse)(mk_str names);
    size_t (*need)(size_t message_max);
    mk_sasl_mechanism (*choose)(const struct mk_sasl_client_config *c,
                                uint32_t offered, const mk_tls_info *tls);
    mk_err (*open)(const struct mk_sasl_client_config *c,
                   mk_sasl_mechanism mechanism, uint32_t offered,
                   const mk_tls_info *tls, void *mem, size_t n,
                   mk_sasl **out_sasl);
    mk_sasl_state (*next_state)(mk_sasl *s); /**< mk_sasl_next */
    mk_str (*message)(const mk_sasl *s);
    bool (*say)(mk_sasl *s, mk_buf *out);
    void (*hear)(mk_sasl *s, mk_str base64);
    mk_err (*heard)(mk_sasl *s);
    void (*fail)(mk_sasl *s, mk_err why);
    mk_err (*why)(const mk_sasl *s);
    void (*close)(mk_sasl *s);
} mk_sasl_client_ops;

/** The server's calls as a table, like mk_sasl_client_ops. */
typedef struct mk_sasl_server_ops {
    const char *(*name)(mk_sasl_mechanism mechanism);
    mk_sasl_mechanism (*find)(mk_str name);
    size_t (*need)(size_t message_max);
    uint32_t (*offer)(const struct mk_sasl_server_config *c,
                      const mk_tls_info *tls);
    mk_err (*open)(const struct mk_sasl_server_config *c,
                   mk_sasl_mechanism mechanism, const mk_tls_info *tls,
                   void *mem, size_t n, mk_sasl **out_sasl);
    mk_sasl_state (*next_state)(mk_sasl *s); /**< mk_sasl_next */
    mk_str (*message)(const mk_sasl *s);
    void (*hear)(mk_sasl *s, mk_str base64);
    mk_err (*heard)(mk_sasl *s);
    void (*fail)(mk_sasl *s, mk_err why);
    mk_err (*why)(const mk_sasl *s);
    mk_sasl_mechanism (*which)(const mk_sasl *s);
    const struct mk_sasl_ask *(*question)(const mk_sasl *s);
    mk_err (*resolve)(mk_sasl *s, mk_answer answer,
                      const struct mk_sasl_keys *keys);
    mk_str (*authcid)(const mk_sasl *s);
    mk_str (*authzid)(const mk_sasl *s);
    void (*close)(mk_sasl *s);
} mk_sasl_server_ops;

/* ---- the bounded pool of units ------------------------------------------- */

/** A bounded pool of equal units, one for each loop; not for two threads.
 *
 * Engines borrow one unit while they have text to send; mk_feed one while it
 * keeps a partial input. All fields are the pool's own. */
typedef struct mk_pool {
    const mk_alloc *alloc; /**< NULL when the memory is the caller's */
    void *unused;          /**< free units, linked */
    char *mem;             /**< the caller's memory */
    size_t unit_bytes;
    size_t max;   /**< units at most */
    size_t made;  /**< units that exist */
    size_t taken; /**< units on loan */
} mk_pool;

/** A pool that takes its units from an allocator when first needed.
 *
 * @param pool        written.
 * @param alloc       borrowed for the pool's life.
 * @param unit_bytes  64 to 1 MiB octets a unit.
 * @param max         units at most, at least 1.
 * @return MK_OK or MK_E_ARG. */
MK_API mk_err mk_pool_init(mk_pool *pool, const mk_alloc *alloc,
                           size_t unit_bytes, size_t max);

/** A pool over the caller's memory.
 *
 * @param pool        written.
 * @param mem         borrowed for the pool's life; aligned for a pointer.
 * @param n           octets of mem.
 * @param unit_bytes  64 to 1 MiB octets a unit, a multiple of 8.
 * @return MK_OK; MK_E_ARG; MK_E_ROOM when not one unit fits. */
MK_API mk_err mk_pool_init_mem(mk_pool *pool, void *mem, size_t n,
                               size_t unit_bytes);

/** Give the pool's memory back. No unit may be on loan.
 *
 * @param pool  the pool. */
MK_API void mk_pool_fini(mk_pool *pool);

/** Borrow a unit.
 *
 * @param pool  the pool.
 * @return unit_bytes octets, or NULL when all are on loan or memory is out. */
MK_API void *mk_pool_take(mk_pool *pool);

/** Give a unit back.
 *
 * @param pool  the pool it came from.
 * @param unit  what mk_pool_take gave; NULL is fine. */
MK_API void mk_pool_give(mk_pool *pool, void *unit);

/* ---- a look at the dialogue ---------------------------------------------- */

/** Is told what passes through an engine, in order. Must not call into it.
 *
 * @param self      as given to mk_tap_over.
 * @param outgoing  true for octets acknowledged as sent, false for consumed.
 * @param octets    borrowed for the call. */
typedef void mk_tap_fn(void *self, bool outgoing, mk_str octets);

/** Octets mk_tap_over needs for itself. */
#define MK_TAP_NEED 96

/** Put a tap over an engine: the outer engine behaves as the inner one and
 *  tells what passes (for dialogues shown to people, and for tests). Closing
 *  the outer closes the inner.
 *
 * @param inner      the engine.
 * @param fn         called from within mk_step and mk_out_sent.
 * @param self       handed to fn.
 * @param mem        MK_TAP_NEED octets, aligned for a pointer.
 * @param n          octets of mem.
 * @param out_outer  written on success.
 * @return MK_OK; MK_E_ARG; MK_E_ROOM. */
MK_API mk_err mk_tap_over(mk_engine *inner, mk_tap_fn *fn, void *self,
                          void *mem, size_t n, mk_engine **out_outer);

MK_EXTERN_C_END
#endif
