/* SPDX-License-Identifier: MIT
 *
 * internal.h: what the files of agent/ share: questions by number, logins, the
 * inbound service, a session and its transaction, and the scanner of header
 * blocks. A session is one block: the struct, one tag for each stage, then the
 * engine. What a message needs is taken at MAIL and given back when the
 * transaction ends.
 */
#ifndef AGENT_INTERNAL_H
#define AGENT_INTERNAL_H

#include <mailkit/agent.h>
#include <mailkit/policy.h>

/* ---- asks.c: questions outlive sessions ------------------------------------
 */

typedef enum ask_kind { ASK_FREE = 0, ASK_STAGE = 1, ASK_LOGIN = 2 } ask_kind;

typedef struct ask_slot {
    void *owner;
    uint32_t turn;   /* of the open question; others are stale */
    uint32_t unused; /* next free slot */
    uint8_t kind;    /* ask_kind */
} ask_slot;

/* One of each service. */
typedef struct mk_asker {
    const mk_alloc *alloc;
    ask_slot *slots;
    uint32_t count;
    uint32_t unused; /* UINT32_MAX: none */
} mk_asker;

void mk_agent_asker_init(mk_asker *a, const mk_alloc *alloc);
void mk_agent_asker_fini(mk_asker *a);
mk_err mk_agent_ask_take(mk_asker *a, ask_kind kind, void *owner,
                         uint32_t *out_slot);
void mk_agent_ask_give(mk_asker *a, uint32_t slot);
/* A new question; those before are stale. */
mk_ask mk_agent_ask_next(mk_asker *a, uint32_t slot);
mk_ask mk_agent_ask_now(mk_asker *a, uint32_t slot);
/* Who asks; NULL when it is stale, or of another kind. */
void *mk_agent_ask_find(mk_ask ask, ask_kind kind);

/* ---- login.c: logins of all protocols --------------------------------------
 */

/* What the sessions of a service share. */
typedef struct login_desk {
    const mk_host *host;
    const mk_alloc *alloc;
    const mk_authenticator *authenticator; /* NULL: each is refused for now */
    mk_asker *asker;
} login_desk;

/* Who asks to log in, as far as is known. */
typedef struct login_who {
    const mk_peer *peer;
    mk_str client_id;
} login_who;

/* Who has logged in at a session, or is about to. NULL is nobody. */
typedef struct login_state {
    const login_desk *desk;
    mk_engine *engine; /* these three while a question is open */
    mk_conn *conn;
    login_who who;
    char *name;    /* counts once is_in */
    char *claimed; /* who the peer says to be */
    mk_op op;      /* the engine's question */
    uint32_t slot;
    uint16_t name_bytes;
    uint16_t claimed_bytes;
    bool is_open; /* the authenticator may answer */
    bool put_off; /* mk_later was said */
    bool is_in;
} login_state;

/* The engine asks (MK_EV_SASL). The authenticator may close the connection
 * from inside: the caller keeps the login until this returns. */
void mk_agent_login_ask(login_state **io_login, const login_desk *d,
                        mk_engine *engine, mk_conn *conn, const login_who *who,
                        const mk_event *ev);

/* What the engine tells of the end of a login. */
typedef struct login_end {
    mk_str authcid; /* of one that failed it may be empty */
    uint32_t mechanism;
} login_end;

/* A login ended, well or not; *io_record is of the session, and is written to
 * the log with what is known of the login. The caller then forgets one that
 * failed. */
void mk_agent_login_end(login_state *l, mk_err err, const login_end *end,
                        const mk_log *log, mk_log_record *io_record);
/* Void the question; nothing when there is none. */
void mk_agent_login_withdraw(login_state *l);
void mk_agent_login_forget(login_state **io_login);
/* Empty: nobody. */
mk_str mk_agent_login_name(const login_state *l);

/* ---- header.c: the header block, cut anywhere ------------------------------
 */

/* Names that are looked for. */
typedef enum header_name {
    HEADER_RECEIVED = 1,
    HEADER_DATE = 2,
    HEADER_FROM = 4,
    HEADER_MESSAGE_ID = 8
} header_name;

typedef struct header_scan {
    uint64_t bytes;  /* of the header block so far */
    uint32_t fields; /* header fields */
    uint32_t hops;   /* Received: fields */
    uint8_t state;   /* enum in header.c */
    uint8_t matched; /* octets of the name seen */
    uint8_t names;   /* header_name: those that it may still be */
    uint8_t found;   /* header_name: those that are there */
    bool done;       /* the body began */
} header_scan;

/* Look at the next octets of a message, CRLF line ends. */
void mk_agent_header_scan_add(header_scan *h, mk_str octets);

/* ---- trace.c: what is put on top ----------------------------------------- */

#define ID_BYTES 21u

/* 21 octets of A-Z2-7: 55 bits of time, 20 of sequence, 30 of random. */
void mk_agent_id_format(uint64_t wall_us, uint64_t seq, uint32_t random,
                        char *out);

/* What stands in the trace fields of one message (RFC 5321 4.4). */
typedef struct trace_info {
    mk_str reverse_path;
    mk_str helo;
    bool helo_valid;
    bool esmtp;
    bool is_lmtp;
    bool is_utf8; /* SMTPUTF8 was said */
    bool has_priority;
    int8_t priority;
    bool is_tls;
    bool is_logged_in;
    const mk_tls_info *tls; /* NULL also when no more is known of it */
    const mk_peer *peer;
    mk_str hostname;
    mk_str id;
    mk_str forward_path; /* empty unless there is exactly one */
    int64_t wall_s;
    mk_str peer_name; /* as a trusted peer told it; or empty */
    mk_str fields;    /* added ones, complete */
    mk_str fixes;     /* those that were missing, complete */
} trace_info;

/* Octets of Return-Path: and Received: at most. */
#define TRACE_MAX 1920u

/* Append Return-Path:, the added fields, Received:, and what was missing, CRLF
 * line ends. */
mk_err mk_agent_trace_format(const trace_info *t, mk_buf *out);

/* ---- options.c: what was asked for a message and its recipients ------------
 */

/* Never NULL: where nothing was asked. */
extern const mk_smtp_mail_options mk_agent_mail_nothing;
extern const mk_smtp_rcpt_options mk_agent_rcpt_nothing;

typedef struct mail_options {
    mk_smtp_mail_options pub;
    size_t bytes; /* of this block, texts included */
} mail_options;

/* A copy; NULL where nothing was asked. MK_E_MEMORY. */
mk_err mk_agent_mail_options_copy(const mk_alloc *a,
                                  const mk_smtp_mail_options *given,
                                  mail_options **out_options);
void mk_agent_mail_options_free(const mk_alloc *a, mail_options *o);
/* Octets of a copy; 0 where nothing was asked. */
size_t mk_agent_rcpt_options_bytes(const mk_smtp_rcpt_options *given);
/* The copy, in as many octets at mem, aligned for it. */
const mk_smtp_rcpt_options *
mk_agent_rcpt_options_copy(const mk_smtp_rcpt_options *given, void *mem);

/* ---- told.c: what peers tell of themselves and others ----------------------
 */

typedef struct told_info {
    mk_smtp_client_info pub;
    size_t bytes; /* of this block, texts included */
} told_info;

/* Of one session, where something was told. */
typedef struct told {
    told_info *introduced;
    told_info *forwarded;
    mk_smtp_client_info record; /* what of it counts */
    mk_peer via;                /* who said XCLIENT */
    bool is_introduced;
    uint8_t client_id_bytes;
    char client_id[255];
} told;

/* XCLIENT, XFORWARD, CLIENTID: answer the event. */
void mk_agent_told_client(mk_session *s, const mk_event *ev);
void mk_agent_told_forward(mk_session *s, const mk_event *ev);
void mk_agent_told_id(mk_session *s, const mk_event *ev);
/* Of XFORWARD, when the message is over. */
void mk_agent_told_forget_forward(mk_session *s);
/* Of XCLIENT, when TLS begins. */
void mk_agent_told_forget_login(mk_session *s);
void mk_agent_told_free(mk_session *s);

/* ---- fix.c: what a message of submission lacks ----------------------------
 */

/* Look when the header is complete; true: it was refused at the point. */
bool mk_agent_fix(mk_session *s, mk_point point, mk_op op);

/* ---- domain.c: domains in UTF-8 and as A-labels ----------------------------
 */

/* Are they the same? */
bool mk_agent_domain_is(mk_str a, mk_str b);

/* ---- transaction.c ---------------------------------------------------------
 */

/* What the peer is to be told (LMTP). */
typedef struct outcome {
    char *octets; /* code, then text; NULL: the defaults */
    size_t bytes;
    uint8_t code_bytes;
    uint8_t answer; /* mk_answer */
    bool is_set;
} outcome;

typedef struct recipient {
    mk_recipient pub; /* first */
    struct recipient *after;
    size_t bytes;     /* of this block */
    char *box;        /* box_domain and box_user, one block */
    size_t box_bytes; /* of it */
    outcome own;      /* LMTP; else that of the message counts */
} recipient;

typedef struct transaction {
    char id[ID_BYTES];
    char *reverse_path;
    size_t reverse_bytes;
    mail_options *options; /* NULL: nothing was asked */
    uint64_t size_stated;
    uint8_t body;      /* mk_smtp_body */
    bool is_looked_at; /* by fix.c */
    recipient *first;
    recipient *last;
    recipient *judged; /* not yet accepted */
    uint32_t count;
    uint64_t size;
    uint64_t began_ms;
    header_scan header;
    char *fields; /* MK_SESSION_FIELDS_MAX octets, filled from the end */
    size_t fields_len;
    char *fixes; /* FIXES_MAX octets */
    size_t fixes_len;
    outcome all;                  /* LMTP: of those without one of their own */
    const mk_recipient *answered; /* LMTP: the last one told */
} transaction;

/* Octets of Date: and Message-ID: at most. */
#define FIXES_MAX 384u

mk_err mk_agent_transaction_new(mk_session *s, const mk_smtp_event *mail);
void mk_agent_transaction_free(mk_session *s);
mk_err mk_agent_transaction_judge(mk_session *s, const mk_smtp_event *rcpt);
void mk_agent_transaction_accept(transaction *t);
void mk_agent_transaction_forget(mk_session *s);

/* ---- each.c: LMTP, an answer for each recipient ----------------------------
 */

/* Is the end of a message answered for each? */
bool mk_agent_each_is(const mk_session *s);
/* Keep what the chain decided. MK_E_ARG, MK_E_CTL: it cannot be said. */
mk_err mk_agent_each_keep(mk_session *s, const mk_verdict *v, mk_str code);
/* What is kept for one, for the log. */
mk_str mk_agent_each_code(const mk_session *s, const mk_recipient *r,
                          mk_str *out_text);
/* The engine asks for one (MK_EV_SMTP_DELIVERED). */
void mk_agent_each_ask(mk_session *s, const mk_event *ev);
/* The chain has decided: answer the one that is asked for. */
void mk_agent_each_go_on(mk_session *s);
void mk_agent_outcome_free(const mk_alloc *a, outcome *o);

/* ---- inbound.c, chain.c ----------------------------------------------------
 */

/* Takes a directory's answer for the stage that asked (policy.c). */
typedef void directory_done(void *self, mk_session *s,
                            mk_directory_result result, mk_str user,
                            mk_str domain, mk_verdict *io_verdict);

struct mk_session {
    mk_inbound *in;
    mk_conn *conn;     /* NULL once the connection is gone */
    mk_engine *engine; /* likewise */
    transaction *tx;
    char *helo;
    const mk_directory *directory; /* was asked on behalf of the stage */
    directory_done *asked;
    void *asked_self;
    const mk_tls_info *tls; /* the engine's: NULL once it is closed */
    login_state *login;
    told *told; /* NULL: nothing was told */
    char *kept; /* body octets for the stages behind one that waits */
    size_t kept_bytes;
    uint64_t began_ms;
    mk_op op; /* the engine's question */
    uint32_t slot;
    uint32_t bytes; /* of this block */
    uint16_t helo_bytes;
    uint8_t flags; /* mk_smtp_event_flag */
    uint8_t point;
    uint8_t stage;       /* asked now */
    uint8_t decision;    /* mk_verdict_kind, when decided */
    bool put_off : 1;    /* mk_later was said */
    bool waiting : 1;    /* for mk_stage_answer */
    bool running : 1;    /* inside run() */
    bool decided : 1;    /* answered from inside the call */
    bool open : 1;       /* a stage's question may be answered */
    bool is_tls : 1;     /* outlives the engine */
    bool reads_utf8 : 1; /* who said VRFY or EXPN */
    bool asks_each : 1;  /* LMTP: the engine waits for one recipient's */
    mk_peer peer;
    void *tags[]; /* one a stage; the engine's block behind them */
};

struct mk_inbound {
    mk_inbound_config c;
    mk_smtp_server_config smtp;
    mk_smtp_server_config smtp_trusted;
    mk_network *networks; /* of who is trusted */
    size_t engine_bytes;
    mk_asker asker;
    login_desk desk;
    size_t sessions;
    uint64_t seq;
    mk_stage stages[MK_STAGES_MAX];
};

/* Decide at a point. octets are the body's, or an argument. */
void mk_agent_chain_start(mk_session *s, mk_point point, mk_op op,
                          mk_str octets);
/* Refuse on our own account. */
void mk_agent_chain_refuse(mk_session *s, mk_point point, mk_op op,
                           mk_answer answer, const char *code,
                           const char *text);
/* Tell every stage. */
void mk_agent_chain_tell_all(mk_session *s, mk_stage_note note);
/* The engine withdrew its question. */
void mk_agent_chain_withdraw(mk_session *s, mk_err why);
/* The transaction is over: tell the stages and forget it. */
void mk_agent_chain_reset(mk_session *s);
/* Ask a directory on behalf of the stage that is being asked. */
void mk_agent_chain_ask_directory(const mk_stage_call *call,
                                  const mk_directory *d, directory_done *done,
                                  void *self, mk_str user, mk_str domain);
/* Free a session that is over, unless it still decides. */
void mk_agent_inbound_release(mk_session *s);
/* Forget what the peer said: TLS, or XCLIENT. */
void mk_agent_inbound_begin_anew(mk_session *s);
/* Another peer than before is named: may it name others? */
void mk_agent_inbound_judge_anew(mk_session *s);
/* What every record of a session has. */
mk_log_record mk_agent_inbound_record(const mk_session *s, mk_log_kind kind);
/* Tell the log; forward_path empty when it is not about one. */
void mk_agent_inbound_log(mk_session *s, mk_log_kind kind, mk_str forward_path,
                          mk_str code, mk_str text, mk_err err);

/* A copy of octets, or NULL; n is at least 1. */
char *mk_agent_copy(const mk_alloc *a, mk_str s, size_t n);

/* ---- users.c: what users_login.c needs -------------------------------------
 */

typedef enum secret_scheme {
    SCHEME_PLAIN = 0,
    SCHEME_SCRAM_SHA_256 = 1,
    SCHEME_SCRAM_SHA_1 = 2,
    SCHEME_BEARER = 3
} secret_scheme;

typedef struct account {
    mk_str name;   /* lower case; ptr NULL: an empty place */
    mk_str domain; /* lower case */
    char *secret;  /* PLAIN, BEARER: as it is; else stored key, server key,
                    * salt */
    uint32_t iterations;
    uint16_t secret_bytes;
    uint8_t scheme; /* secret_scheme */
} account;

/* The user of a login name; NULL when there is none. */
const account *mk_agent_users_find(const mk_users *users, mk_str login);
/* What can be answered to a question for keys; false: nothing that fits. The
 * views are the users'. */
bool mk_agent_users_keys(const account *u, const mk_sasl_ask *question,
                         mk_sasl_keys *out_keys);

#endif
