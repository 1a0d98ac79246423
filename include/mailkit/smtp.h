/* SPDX-License-Identifier: MIT
 *
 * smtp.h: the SMTP and LMTP machines of both roles as engines (engine.h). RFC
 * 5321 and 2033, with the service extensions of mk_smtp_extension. The server
 * asks, the application answers; the client is given an envelope and a body and
 * tells the outcome for each recipient. Neither ever sees a socket, and neither
 * guesses: a bare CR or LF ends nothing, a malformed reply is a fault and never
 * a refusal.
 */
#ifndef MAILKIT_SMTP_H
#define MAILKIT_SMTP_H

#include <mailkit/engine.h>

MK_EXTERN_C_BEGIN

/* ---- vocabulary of both roles -------------------------------------------- */

/** The verbs, and the two moments that are answered like one. */
typedef enum mk_smtp_verb {
    MK_SMTP_VERB_NONE = 0,
    MK_SMTP_VERB_CONNECT = 1, /**< the greeting */
    MK_SMTP_VERB_HELO = 2,
    MK_SMTP_VERB_EHLO = 3,
    MK_SMTP_VERB_MAIL = 4,
    MK_SMTP_VERB_RCPT = 5,
    MK_SMTP_VERB_DATA = 6,
    MK_SMTP_VERB_END = 7, /**< the end of the body */
    MK_SMTP_VERB_RSET = 8,
    MK_SMTP_VERB_NOOP = 9,
    MK_SMTP_VERB_QUIT = 10,
    MK_SMTP_VERB_VRFY = 11,
    MK_SMTP_VERB_EXPN = 12,
    MK_SMTP_VERB_HELP = 13,
    MK_SMTP_VERB_STARTTLS = 14, /**< RFC 3207 */
    MK_SMTP_VERB_AUTH = 15,     /**< RFC 4954; also the end of an exchange */
    MK_SMTP_VERB_LHLO = 16,     /**< RFC 2033 4.1 */
    MK_SMTP_VERB_BDAT = 17,     /**< RFC 3030 2 */
    MK_SMTP_VERB_ETRN = 18,     /**< RFC 1985 5 */
    MK_SMTP_VERB_XCLIENT = 19,
    MK_SMTP_VERB_XFORWARD = 20,
    MK_SMTP_VERB_CLIENTID = 21
} mk_smtp_verb;

/** A verb's name on the wire.
 *
 * @param verb  any value.
 * @return "MAIL", "DATA" …; "greeting" and "end of data" for the two moments;
 *         "?" for an unknown value. Static. */
MK_API const char *mk_smtp_verb_name(mk_smtp_verb verb);

/** The service extensions, a bit each (the same bits in both roles). A server
 *  should offer only what stands behind it honours. */
typedef enum mk_smtp_extension {
    MK_SMTP_EXTENSION_PIPELINING = 1,          /**< RFC 2920 */
    MK_SMTP_EXTENSION_SIZE = 2,                /**< RFC 1870 */
    MK_SMTP_EXTENSION_8BITMIME = 4,            /**< RFC 6152 */
    MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES = 8, /**< RFC 2034 */
    MK_SMTP_EXTENSION_STARTTLS = 16,           /**< RFC 3207; a server offers
                                                *   it by its `tls` setting */
    MK_SMTP_EXTENSION_AUTH = 32,               /**< RFC 4954; likewise by its
                                                *   `sasl` setting */
    MK_SMTP_EXTENSION_CHUNKING = 64,           /**< RFC 3030 */
    MK_SMTP_EXTENSION_BINARYMIME = 128,        /**< RFC 3030; with CHUNKING */
    MK_SMTP_EXTENSION_DSN = 256,               /**< RFC 3461 */
    MK_SMTP_EXTENSION_SMTPUTF8 = 512,          /**< RFC 6531; with 8BITMIME */
    MK_SMTP_EXTENSION_LIMITS = 1024,           /**< RFC 9422 */
    MK_SMTP_EXTENSION_REQUIRETLS = 2048,       /**< RFC 8689; behind TLS only */
    MK_SMTP_EXTENSION_MT_PRIORITY = 4096,      /**< RFC 6710 */
    MK_SMTP_EXTENSION_DELIVERBY = 8192,        /**< RFC 2852 */
    MK_SMTP_EXTENSION_FUTURERELEASE = 16384,   /**< RFC 4865 */
    MK_SMTP_EXTENSION_ETRN = 32768,            /**< RFC 1985 */
    MK_SMTP_EXTENSION_NO_SOLICITING = 65536,   /**< RFC 3865 */
    MK_SMTP_EXTENSION_XCLIENT = 131072,        /**< for trusted peers only */
    MK_SMTP_EXTENSION_XFORWARD = 262144,       /**< likewise */
    MK_SMTP_EXTENSION_CLIENTID = 524288,       /**< behind TLS only */
    MK_SMTP_EXTENSION_DEFAULT = 63, /**< what a machine keeps by itself */
    MK_SMTP_EXTENSION_ALL = 1048575 /**< all of this version */
} mk_smtp_extension;

/** An extension's keyword in the reply to EHLO.
 *
 * @param extension  one of them.
 * @return "PIPELINING", "MT-PRIORITY" …; "?" for an unknown value. Static. */
MK_API const char *mk_smtp_extension_name(mk_smtp_extension extension);

/** The extension of a keyword.
 *
 * @param keyword  in any case.
 * @return a mk_smtp_extension, or 0 when none is called so. */
MK_API uint32_t mk_smtp_extension_find(mk_str keyword);

/** The BODY parameter (RFC 6152, RFC 3030 3). */
typedef enum mk_smtp_body {
    MK_SMTP_BODY_UNSTATED = 0,
    MK_SMTP_BODY_7BIT = 1,
    MK_SMTP_BODY_8BITMIME = 2,
    MK_SMTP_BODY_BINARYMIME = 3
} mk_smtp_body;

/** RET of DSN: how much of a message a failure notice returns (RFC 3461
 *  4.3). */
typedef enum mk_smtp_ret {
    MK_SMTP_RET_UNSTATED = 0,
    MK_SMTP_RET_FULL = 1,
    MK_SMTP_RET_HDRS = 2
} mk_smtp_ret;

/** NOTIFY of DSN, or-ed; NEVER stands alone (RFC 3461 4.1). */
typedef enum mk_smtp_notify {
    MK_SMTP_NOTIFY_UNSTATED = 0,
    MK_SMTP_NOTIFY_NEVER = 1,
    MK_SMTP_NOTIFY_SUCCESS = 2,
    MK_SMTP_NOTIFY_FAILURE = 4,
    MK_SMTP_NOTIFY_DELAY = 8
} mk_smtp_notify;

/** BY of DELIVERBY (RFC 2852 4). */
typedef enum mk_smtp_by {
    MK_SMTP_BY_UNSTATED = 0,
    MK_SMTP_BY_NOTIFY = 1, /**< N: tell when it is late */
    MK_SMTP_BY_RETURN = 2  /**< R: return it */
} mk_smtp_by;

/** What is asked for a message as a whole: parameters of MAIL but SIZE and
 *  BODY. At a server views into the line; at a client borrowed with the
 *  envelope. Texts are as they mean, not as xtext, but for `envid` and `auth`
 *  at a server: mk_smtp_xtext_parse reads those. */
typedef struct mk_smtp_mail_options {
    size_t size;          /**< sizeof(mk_smtp_mail_options) of its filler */
    bool is_utf8;         /**< SMTPUTF8 */
    bool is_tls_required; /**< REQUIRETLS */
    mk_smtp_ret ret;
    mk_str envid; /**< ENVID, at most 100 octets as xtext (RFC 3461
                   *   4.4); empty: none */
    mk_str auth;  /**< AUTH: a mailbox or "<>"; empty: none. Nobody
                   *   here vouches for it */
    bool has_priority;
    int8_t priority; /**< MT-PRIORITY, -9 to 9 */
    mk_smtp_by by;
    int32_t by_s;        /**< seconds from now, -999,999,999 to 999,999,999;
                          *   RETURN: above 0 */
    bool is_by_traced;   /**< BY with T */
    uint32_t hold_for_s; /**< HOLDFOR; 0: none */
    mk_str hold_until;   /**< HOLDUNTIL, an RFC 3339 date and time, at a client
                          *   of 40 octets at most; or empty */
    mk_str solicit;      /**< SOLICIT: keywords with commas; or empty */
} mk_smtp_mail_options;

/** What is asked for one recipient: parameters of RCPT, likewise. */
typedef struct mk_smtp_rcpt_options {
    size_t size;       /**< sizeof(mk_smtp_rcpt_options) of its filler */
    uint32_t notify;   /**< mk_smtp_notify, or-ed */
    mk_str orcpt_type; /**< "rfc822", "utf-8"; empty: no ORCPT */
    mk_str orcpt;      /**< the address; at a server as xtext, but of the type
                        *   utf-8 as RFC 6533 3 writes it */
} mk_smtp_rcpt_options;

/** Decode xtext (RFC 3461 4).
 *
 * @param text  xtext.
 * @param out   appended to.
 * @return MK_OK; MK_E_SYNTAX: it is none; MK_E_CTL: it hides a control
 *         character (THREATS 17); MK_E_ROOM. */
MK_API mk_err mk_smtp_xtext_parse(mk_str text, mk_buf *out);

/** Encode as xtext.
 *
 * @param plain  any octets.
 * @param out    appended to, all or nothing.
 * @return MK_OK; MK_E_ROOM. */
MK_API mk_err mk_smtp_xtext_format(mk_str plain, mk_buf *out);

/** The attributes of XCLIENT and XFORWARD (Postfix's XCLIENT_README and
 *  XFORWARD_README), a bit each, in the order of mk_smtp_client_info. */
typedef enum mk_smtp_client_field {
    MK_SMTP_CLIENT_FIELD_NAME = 1,
    MK_SMTP_CLIENT_FIELD_ADDR = 2,
    MK_SMTP_CLIENT_FIELD_PORT = 4,
    MK_SMTP_CLIENT_FIELD_PROTO = 8,
    MK_SMTP_CLIENT_FIELD_HELO = 16,
    MK_SMTP_CLIENT_FIELD_LOGIN = 32,      /**< XCLIENT */
    MK_SMTP_CLIENT_FIELD_DEST_ADDR = 64,  /**< XCLIENT */
    MK_SMTP_CLIENT_FIELD_DEST_PORT = 128, /**< XCLIENT */
    MK_SMTP_CLIENT_FIELD_IDENT = 256,     /**< XFORWARD */
    MK_SMTP_CLIENT_FIELD_SOURCE = 512     /**< XFORWARD */
} mk_smtp_client_field;

/** What XCLIENT or XFORWARD tells of a peer behind a trusted one. At a server
 *  each text is xtext of 1 to 255 octets without control characters, its form
 *  is checked, and what it says is hostile all the same: a trusted peer repeats
 *  what the other said. Empty: not told, or unknown. */
typedef struct mk_smtp_client_info {
    uint32_t given;   /**< mk_smtp_client_field, or-ed */
    uint32_t unknown; /**< of these: "[UNAVAILABLE]", "[TEMPUNAVAIL]" */
    mk_str name;      /**< visible ASCII, and so `helo`, `ident` */
    mk_str addr;      /**< "192.0.2.1", "IPV6:2001:db8::1" */
    mk_str port;      /**< 0 to 65535 */
    mk_str proto;     /**< "SMTP" or "ESMTP"; XFORWARD: any, to 64 octets */
    mk_str helo;
    mk_str login;     /**< XCLIENT: may hold any but control characters */
    mk_str dest_addr; /**< XCLIENT */
    mk_str dest_port; /**< XCLIENT */
    mk_str ident;     /**< XFORWARD */
    mk_str source;    /**< XFORWARD: "LOCAL" or "REMOTE" */
    uint32_t unsure;  /**< of `unknown`: for now only, "[TEMPUNAVAIL]"; at a
                       *   client XCLIENT's NAME, and no others */
} mk_smtp_client_info;

/** What is notable about a path. */
typedef enum mk_smtp_path_flag {
    MK_SMTP_PATH_NULL = 1,       /**< <>, the null reverse-path */
    MK_SMTP_PATH_ROUTE = 2,      /**< a source route stood in front; ignored */
    MK_SMTP_PATH_QUOTED = 4,     /**< the local-part is a quoted-string */
    MK_SMTP_PATH_LITERAL = 8,    /**< the domain is an address literal */
    MK_SMTP_PATH_DASH = 16,      /**< the local-part begins with '-' */
    MK_SMTP_PATH_NO_DOMAIN = 32, /**< <postmaster> */
    MK_SMTP_PATH_UTF8 = 64       /**< octets above 0x7F (RFC 6531 3.3) */
} mk_smtp_path_flag;

/** A reverse-path or forward-path (RFC 5321 4.1.2). Views into the line. */
typedef struct mk_smtp_path {
    mk_str mailbox;    /**< local-part@domain as written, without the route */
    mk_str local_part; /**< as written, with quotes and backslashes if any */
    mk_str domain;     /**< as written, with brackets if a literal */
    uint32_t flags;    /**< mk_smtp_path_flag, or-ed */
} mk_smtp_path;

/** Parse a path with its angle brackets.
 *
 * @param text      begins with '<'; octets behind the '>' are left alone.
 * @param is_utf8   SMTPUTF8: UTF-8 is allowed in both parts (RFC 6531 3.3).
 * @param out_path  views into text; written on success.
 * @param out_used  octets up to and with the '>'; written on success.
 * @return MK_OK; MK_E_SYNTAX; MK_E_LIMIT when a part is longer than 64
 *         (local-part), 255 (domain) or 256 octets (path, RFC 5321 4.5.3.1);
 *         MK_E_UNSUPPORTED for octets above 0x7F without is_utf8; with it
 *         what is no UTF-8 is MK_E_SYNTAX (RFC 3629 4). <> and <postmaster>
 *         are accepted: look at the flags. */
MK_API mk_err mk_smtp_path_parse(mk_str text, bool is_utf8,
                                 mk_smtp_path *out_path, size_t *out_used);

/** Parse a mailbox without angle brackets (for command lines and APIs).
 *
 * @param text      local-part@domain, nothing else; or "postmaster" in any
 *                  case, flagged MK_SMTP_PATH_NO_DOMAIN.
 * @param is_utf8   as for mk_smtp_path_parse.
 * @param out_path  views into text; written on success.
 * @return as mk_smtp_path_parse; an empty text is MK_E_SYNTAX. */
MK_API mk_err mk_smtp_mailbox_parse(mk_str text, bool is_utf8,
                                    mk_smtp_path *out_path);

/** The local-part without quotes and backslashes: two spellings of the same
 *  mailbox give the same octets (RFC 5321 4.1.2).
 *
 * @param path  a parsed path.
 * @param out   appended to.
 * @return MK_OK or MK_E_ROOM. */
MK_API mk_err mk_smtp_local_part_plain(const mk_smtp_path *path, mk_buf *out);

/** Is it a host name or address literal as EHLO wants it (RFC 5321 4.1.1.1,
 *  RFC 1123 2.1)?
 *
 * @param name  the argument of HELO or EHLO. */
MK_API bool mk_smtp_is_host_name(mk_str name);

/** A reply (RFC 5321 4.2). */
typedef struct mk_smtp_reply {
    uint16_t code;       /**< 200 to 599; 0: none came */
    uint8_t enhanced[3]; /**< class, subject (clipped at 255), detail */
    bool has_enhanced;   /**< RFC 2034; subject and detail up to 999 clip */
    mk_str text;         /**< after the codes; lines joined by LF */
    bool clipped;        /**< there was more text than is kept */
} mk_smtp_reply;

/** What the peer told or asked; lives as the event's other views do. */
typedef struct mk_smtp_event {
    mk_smtp_verb verb;
    mk_str argument;            /**< HELO's name, VRFY's string … */
    const mk_smtp_path *path;   /**< MAIL, RCPT; else NULL */
    uint64_t size;              /**< server, MAIL: SIZE=; 0 when not stated.
                                 *   client, READY: the server's limit or 0 */
    mk_smtp_body body;          /**< MAIL */
    uint32_t flags;             /**< mk_smtp_event_flag, or-ed */
    uint32_t extensions;        /**< client, READY: what the server offers */
    uint32_t index;             /**< RCPT: server: how many were
                                 *   accepted before it; client: which
                                 *   recipient of the envelope, from 0 */
    uint32_t accepted;          /**< recipients accepted so far */
    const mk_smtp_reply *reply; /**< client, REPLY; else NULL */
    const mk_tls_info *tls;     /**< of the connection, or NULL */
    mk_str authzid;             /**< AUTH; empty: as oneself */
    uint32_t mechanism;         /**< AUTH: mk_sasl_mechanism. Client, READY:
                                 *   all that the server offers, or-ed */
    uint32_t mail_max; /**< client, READY: messages of this connection, and */
    uint32_t rcpt_max; /**< recipients of a message that the server takes
                        *   (RFC 9422); 0: not told */
    uint32_t rcpt_domain_max; /**< client, READY: likewise different domains of
                               *   all recipients in this connection. To keep
                               *   to it is the caller's, who knows them */
    const mk_smtp_mail_options *mail;  /**< server, MAIL; else NULL */
    const mk_smtp_rcpt_options *rcpt;  /**< server, RCPT; else NULL */
    const mk_smtp_client_info *client; /**< XCLIENT, XFORWARD; else NULL */
} mk_smtp_event;

/** Flags of mk_smtp_event. */
typedef enum mk_smtp_event_flag {
    MK_SMTP_EVENT_ESMTP = 1,      /**< the session began with EHLO */
    MK_SMTP_EVENT_NAME_VALID = 2, /**< HELO/EHLO: a valid host name */
    MK_SMTP_EVENT_UTF8 = 4 /**< VRFY, EXPN: the reply may hold UTF-8; else it
                            *   must not (RFC 6531 3.7.4.2) */
} mk_smtp_event_flag;

/** The event types of SMTP. `of.smtp` is set for all of them, and also for
 *  the MK_EV_BODY that has MK_LAST, and the client's MK_EV_DONE. */
typedef enum mk_smtp_event_type {
    /* server */
    MK_EV_SMTP_CONNECT = MK_EV_SMTP + 1, /**< before the greeting */
    MK_EV_SMTP_HELO = MK_EV_SMTP + 2,    /**< HELO or EHLO */
    MK_EV_SMTP_MAIL = MK_EV_SMTP + 3,
    MK_EV_SMTP_RCPT = MK_EV_SMTP + 4,
    /** Before 354; or before the octets of the first chunk, then `verb` is
     *  MK_SMTP_VERB_BDAT, `size` is of that chunk, and what refuses it is said
     *  behind its octets (RFC 3030 2). */
    MK_EV_SMTP_DATA = MK_EV_SMTP + 5,
    /** A transaction was dropped before its end; err tells why. The
     *  end of the session (QUIT, FAULT, MK_END) drops one without it. Before
     *  MAIL it drops what MK_EV_SMTP_XFORWARD told. */
    MK_EV_SMTP_RESET = MK_EV_SMTP + 6,
    MK_EV_SMTP_VRFY = MK_EV_SMTP + 7,
    MK_EV_SMTP_EXPN = MK_EV_SMTP + 8,
    MK_EV_SMTP_QUIT = MK_EV_SMTP + 9,
    /** TLS is up, see `tls`; all that the peer said before is forgotten. */
    MK_EV_SMTP_TLS = MK_EV_SMTP + 10,
    /** A login ended; err is MK_OK or why it failed, `mechanism` how. When it
     *  is good `argument` is who (authcid), `authzid` as whom; when it failed
     *  both are empty: the name is in MK_EV_SASL, which asked before. */
    MK_EV_SMTP_AUTH = MK_EV_SMTP + 11,
    /** LMTP: what became of the message for the recipient `index`? Always
     *  asked, one for each accepted recipient, in order, behind the MK_EV_BODY
     *  with MK_LAST, which is told and not asked there (RFC 2033 4.2). */
    MK_EV_SMTP_DELIVERED = MK_EV_SMTP + 12,
    /** Start the queue for `argument` (RFC 1985 5): a domain, "@domain" with
     *  its subdomains, or "#queue". Always asked. YES is 250, or 251 to 253;
     *  LATER 458; NO 459. */
    MK_EV_SMTP_ETRN = MK_EV_SMTP + 13,
    /** See `client`; always asked. YES says nothing: the session begins anew,
     *  as the named peer's, with MK_EV_SMTP_CONNECT, whose answer is the reply.
     *  The name of HELO, a login and CLIENTID are forgotten. Who is named by
     *  LOGIN counts as logged in, until another ADDR or LOGIN is named; what
     *  else a further one does not name stays. So do TLS, counts, budgets. */
    MK_EV_SMTP_XCLIENT = MK_EV_SMTP + 14,
    /** See `client`; always asked. It tells of the next message only; what a
     *  further one does not name stays, and an unknown ADDR says that no client
     *  sent it, whatever else is told of one. It proves nothing: for
     *  records. */
    MK_EV_SMTP_XFORWARD = MK_EV_SMTP + 15,
    /* client */
    MK_EV_SMTP_REPLY = MK_EV_SMTP + 16, /**< a reply to `verb`, `index`; every
                                         *   one is told, also to greeting and
                                         *   EHLO. With MK_UNASKED it is a 421
                                         *   on the server's own account */
    MK_EV_SMTP_READY = MK_EV_SMTP + 17, /**< EHLO is through: send */
    /** server, TLS: CLIENTID: `argument` is "type token", of 16 and 128 octets
     *  at most; always asked, once, before a login or a message. */
    MK_EV_SMTP_CLIENTID = MK_EV_SMTP + 18
} mk_smtp_event_type;

/** What to do about a bare CR, a bare LF or a NUL (Law 10). */
typedef enum mk_smtp_bare {
    MK_SMTP_BARE_REJECT = 0,   /**< 550 5.5.2 at the true end, then close; by
                                *   BDAT at the end of the chunk, which is told
                                *   by MK_EV_SMTP_RESET with MK_E_BARE, and the
                                *   session goes on. BINARYMIME has none */
    MK_SMTP_BARE_NORMALIZE = 1 /**< bare LF becomes CRLF, bare CR and NUL a
                                *   space; none of them ends anything */
} mk_smtp_bare;

/** What a client does about a body's bare CR or LF. BINARYMIME has none. */
typedef enum mk_smtp_mend {
    MK_SMTP_MEND_NEVER = 0, /**< the send ends with MK_E_BARE (THREATS 4) */
    MK_SMTP_MEND_LF = 1     /**< a bare LF becomes CRLF (RFC 5321 2.3.8), and
                             *   counts as two octets of message_bytes; a bare
                             *   CR is MK_E_BARE */
} mk_smtp_mend;

/* ---- server -------------------------------------------------------------- */

/** Which events are asked (MK_ASK); those not named here are accepted. */
typedef enum mk_smtp_ask {
    MK_SMTP_ASK_CONNECT = 1,
    MK_SMTP_ASK_HELO = 2,
    MK_SMTP_ASK_MAIL = 4,
    MK_SMTP_ASK_RCPT = 8,
    MK_SMTP_ASK_DATA = 16,
    MK_SMTP_ASK_END = 32,
    MK_SMTP_ASK_VRFY = 64,
    MK_SMTP_ASK_EXPN = 128,
    MK_SMTP_ASK_DEFAULT = 4 + 8 + 32,
    MK_SMTP_ASK_ALL = 255
} mk_smtp_ask;

/** Settings of a server, borrowed for the engine's life and shared by any
 *  number of engines. Fill by mk_smtp_server_config_init, then change. Every
 *  limit is finite; 0 is refused at open where it would mean "none". */
typedef struct mk_smtp_server_config {
    size_t size;          /**< set by init */
    mk_str hostname;      /**< own name, for the greeting; must be set */
    mk_str banner;        /**< behind the name in the greeting: "mailkit" */
    mk_pool *units;       /**< text units; NULL: the unit lies in the block */
    uint32_t text_bytes;  /**< the unit in the block, 1,024 to 65,535: 1,024.
                           *   A unit also holds the reply to EHLO: the texts
                           *   told there, hostname among them, and 640 */
    uint32_t asks;        /**< mk_smtp_ask, or-ed: MK_SMTP_ASK_DEFAULT */
    uint32_t extensions;  /**< offered: MK_SMTP_EXTENSION_DEFAULT */
    mk_smtp_bare bare;    /**< MK_SMTP_BARE_REJECT */
    uint32_t line_max;    /**< command line with CRLF, octets, 512 or more; with
                           *   NO_SOLICITING 3,072 (RFC 3865 2), and for all
                           *   others of a line's extensions 2,048 do: 2,048 */
    uint32_t discard_max; /**< of an over-long line swallowed: 65,536 */
    uint32_t text_line_max;  /**< line in DATA with CRLF, octets: 65,536 */
    uint64_t message_max;    /**< octets of a message: 26,214,400 */
    uint64_t excess_max;     /**< swallowed beyond it, at least 64 octets:
                              *   1,048,576 */
    uint32_t recipients_max; /**< accepted per message: 1,000 */
    uint32_t messages_max;   /**< per connection: 1,000 */
    uint32_t errors_max;     /**< bad commands, unknown recipients among them,
                              *   until 421, while no message comes to rest:
                              *   20 */
    uint32_t errors_soft;    /**< from this many on each delays its reply, by
                              *   delay_ms more each time, up to half of
                              *   command_ms: 10 */
    uint64_t delay_ms;       /**< nothing is read meanwhile: 1,000 */
    uint32_t junk_max;   /**< commands until 421 that bring no mail, while no
                          *   message comes to rest: RSET, NOOP, VRFY, EXPN,
                          *   HELP, HELO but for the first, and senders and
                          *   messages refused: 100 */
    uint64_t command_ms; /**< the peer's time for a whole command, for taking
                          *   its reply, and for each block of body: 300,000 */
    uint64_t answer_ms;  /**< the application's time for an answer: 300,000 */
    uint32_t rate_min;   /**< octets of body a second, over all of the body,
                          *   where being ahead counts for command_ms at most,
                          *   else 421 4.4.2: 100 */
    uint64_t rate_after_ms; /**< from this age of the body on: 60,000 */
    /* While hurried (mk_hurry), when smaller than the usual. The command
     * under way has begun when it has; a delayed reply is delayed no more. */
    uint64_t hurry_command_ms; /**< instead of command_ms: 10,000 */
    uint32_t hurry_errors_max; /**< instead of errors_max: 1 */
    uint32_t hurry_junk_max;   /**< instead of junk_max: 1 */
    /* TLS and login: */
    mk_tls_policy tls; /**< NONE: STARTTLS is not offered. MAY: it is. ENCRYPT:
                        *   and without it only EHLO, HELO, NOOP, QUIT and
                        *   STARTTLS are served, else 530 5.7.0, or 538 5.7.11
                        *   for AUTH. MUST: the peer must also show a good
                        *   certificate, else 554 5.7.1 and MK_EV_FAULT with
                        *   why it is not. NONE */
    const struct mk_sasl_server_config *sasl; /**< NULL: AUTH is not offered */
    mk_pool *sasl_units; /**< of mk_sasl_need(1024) octets each, or more for
                          *   longer messages, lent during a login; none free:
                          *   454 4.3.0. NULL: the room for one of
                          *   MK_SASL_MESSAGE_MAX lies in the block */
    bool is_auth_needed; /**< MAIL is 530 5.7.0 before a login, which needs
                          *   `sasl`: false */
    uint32_t auth_failures_max; /**< of a connection, also over STARTTLS; then
                                 *   421 4.7.0: 3 */
    uint64_t auth_delay_ms; /**< before the reply to a failed login, growing by
                             *   as much, to half of command_ms: 2,000 */
    /* Of single extensions, and LMTP: */
    bool is_lmtp; /**< RFC 2033: LHLO instead of HELO and EHLO, and a reply to
                   *   the body for each recipient, asked by
                   *   MK_EV_SMTP_DELIVERED. Needs PIPELINING and
                   *   ENHANCEDSTATUSCODES; never for port 25: false */
    uint32_t chunks_max; /**< BDAT commands of a message, then 554 and the end:
                          *   65,536 */
    uint32_t deliver_by_min_s; /**< told by DELIVERBY, at most 999,999,999; 0:
                                *   nothing is told: 0 */
    uint32_t hold_max_s;       /**< told by FUTURERELEASE, 1 to 999,999,999:
                                *   604,800 */
    mk_str hold_until_max; /**< likewise, an RFC 3339 date and time in UTC; must
                            *   be set where it is offered */
    mk_str priority_profile; /**< told by MT-PRIORITY; may be empty */
    mk_str solicit; /**< keywords told by NO-SOLICITING, with commas between;
                     *   may be empty. A message of one of these classes is
                     *   refused (RFC 3865 2.4) */
} mk_smtp_server_config;

/** Fill a server's settings with the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof(*c) as the caller knows it.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_smtp_server_config_init(mk_smtp_server_config *c, size_t size);

/** Octets a server engine needs with the unit in its block at its default
 *  size and no login there; enough for any settings with pools. */
#define MK_SMTP_SERVER_NEED 1536

/** Octets a server engine needs with these settings.
 *
 * @param c  settings.
 * @return octets, or 0 when the settings are invalid. */
MK_API size_t mk_smtp_server_need(const mk_smtp_server_config *c);

/** Open a server for one accepted connection. The greeting is queued by the
 *  first mk_step.
 *
 * @param c           settings; borrowed until mk_close.
 * @param mem         the engine's block, aligned for uint64_t; borrowed.
 * @param n           octets of mem, at least mk_smtp_server_need.
 * @param out_engine  written on success; close by mk_close.
 * @return MK_OK; MK_E_ARG: a setting is missing or 0; MK_E_CTL: hostname or
 *         banner holds CR, LF or NUL; MK_E_ROOM. RFC 5321 3.1. */
MK_API mk_err mk_smtp_server_open(const mk_smtp_server_config *c, void *mem,
                                  size_t n, mk_engine **out_engine);

/** Offer extensions no more: the reply to the next EHLO lacks them, and their
 *  commands and parameters are unknown from now on. For what a peer may do only
 *  as long as it is who it was: the one named by XCLIENT's ADDR is seldom one
 *  that may name others (Postfix's XCLIENT_README, "Command syntax").
 *
 * @param e           a server.
 * @param extensions  mk_smtp_extension, or'ed. */
MK_API void mk_smtp_server_withdraw(mk_engine *e, uint32_t extensions);

/* ---- client -------------------------------------------------------------- */

/** Settings of a client, borrowed for the engine's life and shared by any
 *  number of engines. Fill by mk_smtp_client_config_init, then change; 0 is
 *  refused at open but for reply_text_bytes. */
typedef struct mk_smtp_client_config {
    size_t size;         /**< set by init */
    mk_str hostname;     /**< own name or address literal for EHLO; must be
                          *   set */
    mk_pool *units;      /**< text units of 1,024 octets or more; NULL: the
                          *   unit lies in the block */
    uint32_t text_bytes; /**< the unit in the block, 1,024 to 65,535: 1,024 */
    uint32_t extensions; /**< used when offered, of those that are built in
                          *   (meson: smtp_extensions): MK_SMTP_EXTENSION_ALL */
    uint32_t reply_line_max;   /**< with CRLF, octets, 512 or more: 2,048 */
    uint32_t reply_lines_max;  /**< lines of one reply: 128 */
    uint32_t reply_max;        /**< octets of one reply, at least a line:
                                *   65,536 */
    uint32_t reply_text_bytes; /**< text kept of a reply, 0 to 65,535: 1,024 */
    uint32_t block_bytes;      /**< a block of body: 16,384 */
    /* RFC 5321 4.5.3.2: milliseconds until … No octet that is taken or that
     * comes moves such a time: a reply, or a block, counts when it is whole. */
    uint64_t greeting_ms; /**< the 220: 300,000 */
    uint64_t command_ms;  /**< EHLO, MAIL, RCPT, others: 300,000 */
    uint64_t data_ms;     /**< the 354: 120,000 */
    uint64_t block_ms;    /**< a block of body is taken, or all that was lent
                           *   of it, in whatever pieces: 180,000 */
    uint64_t end_ms;      /**< the reply to the final dot: 600,000 */
    uint64_t quit_ms;     /**< the 221: 5,000 */
    uint64_t tls_ms;      /**< the reply to STARTTLS, and TLS itself: 30,000 */
    uint64_t answer_ms;   /**< the application lends body, or gives the next
                           *   verb: 300,000; then the session ends, with no
                           *   fault: idle by QUIT, in a body by MK_EV_DONE
                           *   with MK_E_TIMEOUT and without a dot */
    mk_tls_policy tls; /**< NONE: no STARTTLS. MAY: when offered; a refusal is
                        *   passed over. ENCRYPT: else MK_EV_FAULT with
                        *   MK_E_CLEARTEXT. MUST: and the peer is verified,
                        *   else with why it is not. Needs a driver or
                        * mk_tls_over that handles MK_EV_TLS_WANTED. NONE */
    const struct mk_sasl_client_config
        *sasl;                 /**< log in before MK_EV_SMTP_READY;
                                *   when that is not possible MK_EV_FAULT with MK_E_AUTH,
                                *   MK_E_CLEARTEXT or MK_E_UNSUPPORTED. NULL: no login */
    uint32_t sasl_message_max; /**< of a login's messages, octets; lies in the
                                *   block: 1,024 to 9,216: 4,096 */
    bool is_lmtp; /**< RFC 2033: say LHLO, and hear a reply to the body for each
                   *   recipient; MK_E_ARG where it is not built in: false */
    bool is_data_only; /**< DATA also where CHUNKING is offered, unless the body
                        *   is BINARYMIME: false */
    mk_smtp_mend mend; /**< of a body's bare CR and LF: MK_SMTP_MEND_NEVER */
} mk_smtp_client_config;

/** Fill a client's settings with the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof(*c) as the caller knows it.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_smtp_client_config_init(mk_smtp_client_config *c, size_t size);

/** Octets a client engine needs with the default settings. */
#define MK_SMTP_CLIENT_NEED 2880

/** Octets a client engine needs with these settings.
 *
 * @param c  settings.
 * @return octets, or 0 when the settings are invalid. */
MK_API size_t mk_smtp_client_need(const mk_smtp_client_config *c);

/** Open a client for one connection. It waits for the greeting, says EHLO
 *  (HELO when that is refused), and gives MK_EV_SMTP_READY.
 *
 * A server that does not serve us (a greeting or HELO refused, 421 at any
 * time) is MK_EV_FAULT with MK_E_REFUSED; malformed, foreign and early replies
 * are faults of other classes, and never a refusal. But a 4xx or 5xx while a
 * body is sent, complete and well formed, is the server's verdict on it: told
 * as the reply to MK_SMTP_VERB_END, then MK_EV_FAULT with MK_E_REFUSED, whose
 * retry class is MK_RETRY_NEVER for a 5xx. A fault comes before the
 * MK_EV_DONE of the operation that it ends; after the final dot its retry
 * class is MK_RETRY_UNKNOWN. An operation that a server had not heard of when
 * it refused to go on ends with MK_E_CUT. When a body breaks off the engine
 * wants ABORT, so that no dot can follow.
 *
 * @param c           settings; borrowed until mk_close.
 * @param mem         the engine's block, aligned for uint64_t; borrowed.
 * @param n           octets of mem, at least mk_smtp_client_need.
 * @param out_engine  written on success; close by mk_close.
 * @return MK_OK; MK_E_ARG; MK_E_CTL; MK_E_ROOM. RFC 5321 3.1, 3.2. */
MK_API mk_err mk_smtp_client_open(const mk_smtp_client_config *c, void *mem,
                                  size_t n, mk_engine **out_engine);

/** An envelope. Fill by mk_smtp_envelope_init, then change. */
typedef struct mk_smtp_envelope {
    size_t size;                 /**< set by init */
    mk_str reverse_path;         /**< mailbox without brackets; empty: <> */
    const mk_str *forward_paths; /**< mailboxes without brackets */
    size_t forward_count;        /**< 1 to 100,000 */
    uint64_t message_bytes; /**< of the message on the wire without stuffing;
                             *   0: not known. A bound on mk_body */
    mk_smtp_body body;      /**< what the message holds */
    bool is_odd_path; /**< a path may be what no mailbox is: 1 to 254 octets of
                       *   printable ASCII but blank, '<' and '>'. To test what
                       *   a server refuses (RFC 2505 2.1) */
    /* Set by mk_smtp_envelope_ask: */
    const mk_smtp_mail_options *mail;  /**< NULL: nothing is asked */
    const mk_smtp_rcpt_options *rcpts; /**< forward_count of them; or NULL */
    const struct mk_smtp_envelope_ops *ops;
} mk_smtp_envelope;

/** Ask for more than that a message is delivered. A program that never does
 *  links nothing of what says it.
 *
 * @param envelope  filled by mk_smtp_envelope_init.
 * @param mail      borrowed as the envelope is; NULL: nothing is asked for the
 *                  message.
 * @param rcpts     likewise, an element for each of forward_paths; NULL:
 *                  nothing is asked for recipients.
 * @return MK_OK; MK_E_ARG: it is no envelope. What is asked for is looked at by
 *         mk_smtp_envelope_needs and mk_smtp_client_send. */
MK_API mk_err mk_smtp_envelope_ask(mk_smtp_envelope *envelope,
                                   const mk_smtp_mail_options *mail,
                                   const mk_smtp_rcpt_options *rcpts);

/** What an envelope asks of a server.
 *
 * @param envelope  as for mk_smtp_client_send.
 * @param out_must  mk_smtp_extension, or-ed: without these it is not sent:
 *                  8BITMIME, BINARYMIME (RFC 3030 3), SMTPUTF8 (RFC 6531 3.2;
 *                  so do octets above 0x7F in a path), REQUIRETLS (RFC 8689
 *                  4.2.1), FUTURERELEASE (RFC 4865 4), DELIVERBY with RETURN
 *                  (RFC 2852 4.1.4).
 * @param out_may   those that are passed over where they are not offered: DSN,
 *                  MT_PRIORITY, NO_SOLICITING, AUTH, DELIVERBY with NOTIFY.
 * @return MK_OK; or what mk_smtp_client_send says of a malformed envelope. */
MK_API mk_err mk_smtp_envelope_needs(const mk_smtp_envelope *envelope,
                                     uint32_t *out_must, uint32_t *out_may);

/** Fill an envelope with nothing.
 *
 * @param envelope  written.
 * @param size      sizeof(*envelope) as the caller knows it.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_smtp_envelope_init(mk_smtp_envelope *envelope, size_t size);

/** Send one message.
 *
 * Events that follow: MK_EV_SMTP_REPLY for MAIL, for each recipient (`index`),
 * for DATA and for the end of the body; MK_EV_WANTED when body may be lent;
 * MK_EV_DONE at the end: err is MK_OK when the server took the message for
 * `of.smtp->accepted` recipients, MK_E_REFUSED when it refused (the replies
 * told what), or why the session broke. A recipient without a reply of its own
 * by then was not accepted. When the server still holds a transaction it is
 * told RSET before MK_EV_DONE. mk_cancel before the 354 does the same; after
 * it the session ends. A final line without CRLF is given one.
 *
 * The next message may be sent from the moment that the last span of this one
 * was lent, and one only: its events come behind the MK_EV_DONE of this one,
 * and where PIPELINING is offered its commands go out behind the final dot (RFC
 * 2920 3.1). When the session breaks there is an MK_EV_FAULT for each of the
 * two, before its MK_EV_DONE: that of the second never says MK_RETRY_UNKNOWN,
 * for it was not taken. Both end with MK_E_CANCELLED when the first is
 * cancelled behind its end, which costs the session.
 *
 * With CHUNKING each lent span goes out as a chunk (RFC 3030 2), unless
 * `is_data_only`: there is no reply to DATA, that to the last chunk is the one
 * to MK_SMTP_VERB_END, and those to the others are told with MK_SMTP_VERB_BDAT.
 * The first that refuses is the verdict on the message; where octets are still
 * on their way MK_EV_FAULT with MK_E_REFUSED follows. Spans of 64 KiB and more
 * cost the least: a server counts chunks, and at most 16 are ahead of their
 * replies.
 *
 * Over LMTP the reply to MK_SMTP_VERB_END comes once for each accepted
 * recipient, with its `index`, and `accepted` of MK_EV_DONE counts those of
 * 2yz. Of MK_EV_DONE `extensions` are those of the envelope's needs that the
 * server was told.
 *
 * @param e         a client engine (or a wrapper over one), after
 *                  MK_EV_SMTP_READY, with no other operation under way but one
 *                  whose body was lent.
 * @param envelope  borrowed, with all it points to, until MK_EV_DONE.
 * @param out_op    the operation, for mk_body and mk_cancel.
 * @return MK_OK; MK_E_STATE: not ready, or not a client; MK_E_BUSY; MK_E_ARG:
 *         what is asked for is none of its values, or options without
 *         mk_smtp_envelope_ask; MK_E_CTL: CR, LF or NUL in a path or a text;
 *         MK_E_SYNTAX, MK_E_LIMIT: a path is not a mailbox, nor what
 *         `is_odd_path` lets pass, a text is not what its RFC says, or longer;
 *         MK_E_LIMIT also: the line of MAIL is beyond a text unit, or a time is
 *         beyond what the server told (RFC 2852 3, RFC 4865 3); MK_E_COUNT:
 *         no recipient, more than 100,000 (over LMTP 1,024) or than the server
 *         takes, or a message more than it takes in a connection (RFC 9422 4);
 *         MK_E_SIZE: larger than the server takes (RFC 1870 6.1);
 *         MK_E_UNSUPPORTED: something that mk_smtp_envelope_needs calls a must
 *         is not offered, or octets above 0x7F in a path without `is_utf8`;
 *         with `is_tls_required` MK_E_CLEARTEXT: there is no TLS, or
 *         MK_E_CERT_…: why the server is not verified (RFC 8689 2). Nothing was
 *         sent. */
MK_API mk_err mk_smtp_client_send(mk_engine *e,
                                  const mk_smtp_envelope *envelope,
                                  mk_op *out_op);

/** Say NOOP, RSET, VRFY, EXPN, HELP, ETRN or CLIENTID. MK_EV_SMTP_REPLY and
 *  MK_EV_DONE follow.
 *
 * @param e         as for mk_smtp_client_send.
 * @param verb      one of these.
 * @param argument  one line, borrowed for the call; may be empty but for VRFY,
 *                  EXPN, ETRN and CLIENTID ("type token").
 * @param out_op    the operation.
 * @return MK_OK; MK_E_ARG; MK_E_STATE; MK_E_BUSY; MK_E_CTL; MK_E_LIMIT: longer
 *         than a command line may be (RFC 5321 4.5.3.1.4); MK_E_UNSUPPORTED:
 *         ETRN or CLIENTID is not offered; MK_E_CLEARTEXT: CLIENTID without
 *         TLS; MK_WAIT: no unit was free. Nothing was sent. */
MK_API mk_err mk_smtp_client_command(mk_engine *e, mk_smtp_verb verb,
                                     mk_str argument, mk_op *out_op);

/** Say XCLIENT or XFORWARD. MK_EV_SMTP_REPLY and MK_EV_DONE follow; after an
 *  XCLIENT that was accepted the server greets anew, and MK_EV_SMTP_READY comes
 *  again before MK_EV_DONE.
 *
 * @param e       as for mk_smtp_client_send.
 * @param verb    MK_SMTP_VERB_XCLIENT or MK_SMTP_VERB_XFORWARD.
 * @param client  what is told: the fields in `given`, plain and not as xtext,
 *                none empty but those in `unknown`; borrowed for the call.
 *                Those that the server did not name are left out.
 * @param out_op  the operation.
 * @return MK_OK; MK_E_ARG: no field is given, or one that the verb has not;
 *         MK_E_STATE; MK_E_BUSY; MK_E_CTL; MK_E_LIMIT: beyond a line, or
 *         one value beyond 255 octets as xtext;
 *         MK_E_UNSUPPORTED: not offered, or none of the fields; MK_WAIT: no
 * unit was free. Nothing was sent. */
MK_API mk_err mk_smtp_client_introduce(mk_engine *e, mk_smtp_verb verb,
                                       const mk_smtp_client_info *client,
                                       mk_op *out_op);

/** Say QUIT; the engine wants CLOSE once the reply came or its time passed.
 *
 * @param e       as for mk_smtp_client_send.
 * @param out_op  the operation.
 * @return MK_OK; MK_E_STATE; MK_E_BUSY. RFC 5321 4.1.1.10. */
MK_API mk_err mk_smtp_client_quit(mk_engine *e, mk_op *out_op);

MK_EXTERN_C_END
#endif
