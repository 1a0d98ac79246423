/* SPDX-License-Identifier: MIT
 *
 * wire/serve.h: what the servers of all protocols share, so that no machine has
 * it again. A machine begins with struct mk_serve, and its table of calls with
 * struct mk_serve_kind, the little in which protocols differ. Of a step, a
 * question is settled first, then the border of TLS (Law 9), the guard against
 * early talk, limits, and room for a reply; then the machine's `turn` greets,
 * goes on with a body or a stream, or calls mk_serve_read, which gives a line
 * to `line`. Handlers reply (mk_serve_say), ask (mk_serve_ask) or begin
 * something, and return MK_OK (*ev was given), MK_E_AGAIN (go on) or MK_WAIT.
 * It knows no verb, state or code. A machine may look at everything here, and
 * assigns only what is marked =.
 */
#ifndef WIRE_SERVE_H
#define WIRE_SERVE_H

#include "wire/engine.h"
#include "wire/frame.h"
#include "wire/outq.h"

enum {
    SERVE_TEXT_MAX = 400,        /* of an application's text */
    SERVE_LOGIN_LINE_MAX = 12288 /* RFC 4954 4; without CRLF */
};

typedef enum serve_question {
    SERVE_QUESTION_NONE = 0,
    SERVE_QUESTION_AUTO = 1,     /* not asked: accepted by the next step */
    SERVE_QUESTION_ASKED = 2,    /* the event was given */
    SERVE_QUESTION_LATER = 3,    /* put off */
    SERVE_QUESTION_ANSWERED = 4, /* the reply lies behind the output's tail */
    SERVE_QUESTION_DELAYED = 5   /* it lies there for there were many errors */
} serve_question;

/* Have body octets been put off, or answered? */
typedef enum serve_hold {
    SERVE_HOLD_NONE = 0,
    SERVE_HOLD_ON = 1,     /* nothing is read, the answer's time runs */
    SERVE_HOLD_OVER = 2,   /* go on: by the next step the peer's time runs */
    SERVE_HOLD_REFUSED = 3 /* likewise, and all of the body is refused */
} serve_hold;

/* How far TLS has come (Law 9). */
typedef enum serve_border {
    SERVE_BORDER_NONE = 0,    /* in clear; or behind it, when tls is set */
    SERVE_BORDER_AHEAD = 1,   /* the go-ahead is on its way */
    SERVE_BORDER_ASKED = 2,   /* MK_EV_TLS_WANTED was given */
    SERVE_BORDER_SHAKING = 3, /* mk_tls_begin came */
    SERVE_BORDER_SPOILT = 4,  /* with clear octets */
    SERVE_BORDER_FAILED = 5,  /* no TLS, and not a word in clear */
    SERVE_BORDER_PASSED = 6   /* TLS is up: what was said before is forgotten */
} serve_border;

/* Where a login is. */
typedef enum serve_login {
    SERVE_LOGIN_NONE = 0,
    SERVE_LOGIN_MOVES = 1, /* the exchange has something to do */
    SERVE_LOGIN_LINE = 2,  /* a challenge was said: a line is awaited */
    SERVE_LOGIN_STAR = 3,  /* and begins with "*" */
    SERVE_LOGIN_OVER = 4,  /* told; the next step gives the exchange back */
    SERVE_LOGIN_KEPT = 5   /* told; the machine gives it back */
} serve_login;

typedef struct mk_serve {
    mk_engine head;         /* first; its table begins a mk_serve_kind */
    const mk_tls_info *tls; /* NULL: in clear */
    struct mk_sasl *sasl;   /* NULL: no login is under way */
    mk_framer framer;
    mk_outq out;
    uint64_t now_ms;
    uint64_t since_ms; /* the request, or block of body, under way began; moved
                        * on by what was not the peer's time */
    uint64_t flow_since_ms; /* likewise, of this body or stream as a whole */
    uint64_t flow_bytes;    /* of it */
    uint64_t due_ms; /* of the answer, or of the delayed reply; 0: none */
    mk_str finish_text;
    mk_err eof_why;
    mk_op op;          /* of what may be answered now */
    mk_op last_op;     /* the last that was given */
    mk_op flow_op;     /* of the body: questions may come between its parts */
    uint32_t errors;   /* = of the peer, to be forgiven by the machine */
    uint16_t pending;  /* octets of the reply behind the output's tail */
    uint16_t failures; /* logins of this connection that failed */
    uint8_t question;  /* serve_question */
    uint8_t answer;    /* mk_answer, of the question answered last */
    uint8_t subject;   /* = what the question is about: the machine's verb */
    uint8_t hold;      /* serve_hold */
    uint8_t border;    /* serve_border */
    uint8_t login;     /* = serve_login; only KEPT, see `logged` */
    uint8_t flow_subject; /* what a refusal of the flow is about */
    uint8_t flow_answer;  /* which it is */
    uint8_t lead_octets;  /* of these */
    char lead[4];         /* a login's line begins so, blanks left out */
    /* bits, for there are thousands of idle sessions */
    bool begun : 1; /* the clock of the peer runs */
    bool heard : 1; /* = octets were offered since a greeting was due */
    bool hurried : 1;
    bool known : 1;     /* = logged in */
    bool guard : 1;     /* = the reply on its way must be acknowledged first */
    bool at_rest : 1;   /* = the peer may leave: nothing is under way */
    bool flowing : 1;   /* = body flows in, or its end is being judged */
    bool streaming : 1; /* a stream goes out */
    bool stirred : 1;   /* which has something to tell */
    bool starved : 1;   /* no unit or no room for a reply */
    bool last_word : 1; /* = by compose: the reply ends the session */
    bool is_login : 1;  /* the question is the exchange's */
    bool lasting : 1;   /* the question outlives its peer */
    bool eof : 1;
    bool finishing : 1;
    bool ended : 1;
    bool cut_off : 1; /* the end is not orderly: the output cannot go out */
    bool owing : 1;   /* = replies are due to what was said: a peer that says no
                       * more takes them still */
} mk_serve;

/* What the settings allow at this moment: usual or hurried (mk_serve_least),
 * before or behind a login, as the machine likes. All are finite. */
typedef struct mk_serve_limits {
    uint64_t peer_ms;   /* for a whole command with the taking of its reply, and
                         * each block of a body or stream */
    uint64_t answer_ms; /* the application's time */
    uint64_t delay_ms;  /* by so much more each error from errors_soft on */
    uint64_t auth_delay_ms; /* likewise each failed login */
    uint64_t rate_after_ms; /* from this age of a body or stream on ... */
    uint32_t rate_min;      /* ... it has this many octets a second */
    uint32_t errors_soft;
    uint32_t errors_max;
    uint32_t auth_failures_max;
    bool is_lenient; /* LF alone ends a line too; CR or NUL in one costs
                      * the line, not the session */
} mk_serve_limits;

/* Where a login takes place. */
typedef struct mk_serve_room {
    const mk_sasl_server_ops *ops;
    const struct mk_sasl_server_config *config;
    mk_pool *units; /* NULL: mem, n octets */
    void *mem;
    size_t n;
} mk_serve_room;

/* Replies as `fixed` takes them; NULL: not a word. Behind those marked + comes
 * the end. */
typedef struct mk_serve_words {
    const char *foreign;  /* + that is not a client of this protocol */
    const char *early;    /* + it talks too soon */
    const char *timeout;  /* + */
    const char *finish;   /* + mk_finish; its text may replace this one's */
    const char *bare;     /* + a bare CR, LF or NUL in a command */
    const char *control;  /* a CR or NUL in one, when is_lenient */
    const char *too_long; /* a line */
    const char *flood;    /* + one beyond all bounds */
    const char *errors;   /* + errors_max are reached */
    /* of logins */
    const char *challenge;    /* what precedes the base64: "334 ", "+ " */
    const char *wrong;        /* credentials, or they make no sense */
    const char *unsure;       /* it could not be told */
    const char *cancelled;    /* by "*" */
    const char *not_base64;   /* as it must be */
    const char *message_long; /* beyond SERVE_LOGIN_LINE_MAX */
    const char *no_initial;   /* response allowed: the server begins */
    const char *failures;     /* + auth_failures_max are reached */
    const char *no_room;      /* for one more login */
    const char *in_clear;     /* not without TLS */
    const char *no_mechanism; /* of this name, or not here */
} mk_serve_words;

typedef struct mk_serve_kind {
    mk_engine_ops ops; /* first: MK_SERVE_OPS or MK_SERVE_STREAM_OPS */
    const mk_serve_words *words;
    size_t reply_room; /* octets that every reply fits, SERVE_TEXT_MAX of text
                        * among them; a unit is not smaller */
    size_t fault;      /* where in the machine a mk_fault may be written when
                        * all is over: offsetof */

    void (*limits)(const mk_serve *, mk_serve_limits *out);

    /* Nothing of the above is due: greet, go on with what flows or streams, or
     * mk_serve_read. Where more input is needed: mk_serve_wait. */
    mk_err (*turn)(mk_serve *, mk_str *io_in, mk_event *ev);

    /* A command line without its end; no CR, LF or NUL is in it, and it does
     * not begin as another protocol would. */
    mk_err (*line)(mk_serve *, mk_str line, mk_event *ev);

    /* Do octets follow the line that begins so? One that cannot be read ends
     * the session then, for they are no commands. Four octets and the blanks
     * before them must do. NULL: never. */
    bool (*leads_octets)(const mk_serve *, mk_str line);

    /* Format a reply known beforehand, with its end. text, when not empty,
     * replaces its own. fault, when not NULL, gets `code` and `text`. True: it
     * tells of an error of the peer. */
    bool (*fixed)(const mk_serve *, const char *line, mk_str text, mk_buf *out,
                  mk_fault *fault);

    /* Format the reply to the question about s->subject, with defaults where
     * code or text is empty, and set s->last_word. MK_E_ARG: that code cannot
     * be given here; nothing changed. */
    mk_err (*compose)(mk_serve *, mk_answer, mk_str code, mk_str text,
                      mk_buf *out);

    /* s->answer was given: move, count, mk_serve_let_go; begin a flow or a
     * stream behind it. MK_OK: *ev was given. */
    mk_err (*apply)(mk_serve *, mk_event *ev);

    /* TLS is up: forget what was said and mk_serve_crossed, or give an event
     * first and be called again. MK_OK: *ev was given. NULL: there is no
     * TLS. */
    mk_err (*secured)(mk_serve *, mk_event *ev);

    /* Both NULL: there are no logins. logged: the exchange ended; give the
     * event. When `why` is MK_OK also reply, or ask; else the reply follows.
     * The event's views of the exchange live until the next step, or with
     * s->login = SERVE_LOGIN_KEPT until mk_serve_login_close. */
    void (*login)(const mk_serve *, mk_serve_room *out);
    void (*logged)(mk_serve *, mk_err why, mk_event *ev);
} mk_serve_kind;

/* A stream: what goes out behind a reply, for an operation of the application.
 * A machine that has any gives one of these to mk_serve_init. */
typedef struct mk_serve_stream {
    mk_outq_body body; /* first */
    uint64_t lent;
    const char *end;   /* what goes out behind it; static */
    uint32_t taken;    /* octets of the block under way */
    bool is_wanted;    /* MK_EV_WANTED is due */
    bool is_full;      /* but not before all is taken that there is */
    bool is_last;      /* nothing more will be lent */
    bool is_ended;     /* and its end is queued */
    bool is_cancelled; /* = it breaks off, by the next step or at once */
    bool is_block;     /* a block was taken: the time for the next begins */
} mk_serve_stream;

/* ---- serve.c: life, replies, questions, lines ----------------------------
 */

/* Zeroed memory becomes a server; s->framer is the machine's to init. own is
 * the unit in the block, when units is NULL; stream may be NULL. */
void mk_serve_init(mk_serve *s, const mk_serve_kind *kind, mk_pool *units,
                   char *own, size_t own_bytes, mk_serve_stream *stream);

/* Queue a fixed reply, delayed when it tells of an error and there were many.
 * Gives MK_E_AGAIN, so that a handler may return it. */
mk_err mk_serve_say(mk_serve *s, const char *line);

/* Likewise, with a text in the place of its own, unless it is empty. */
mk_err mk_serve_say_text(mk_serve *s, const char *line, mk_str text);

/* Put a fixed reply behind the tail, for those below. */
void mk_serve_put(mk_serve *s, const char *line);

/* The reply behind the tail goes out, and stays there to go out again.
 * MK_E_AGAIN; MK_WAIT, or what mk_serve_wait gives: as room comes. */
mk_err mk_serve_repeat(mk_serve *s, mk_str in, mk_event *ev);

/* n octets at the unit's end, for what a question points to and no longer: less
 * than what reply_room has beyond the reply, with 8 to align them. */
void *mk_serve_aside(mk_serve *s, size_t n);

/* From `turn`, when the reply to what comes next may have n octets, more than
 * reply_room: MK_E_AGAIN, or what to return until there is room. */
mk_err mk_serve_make_room(mk_serve *s, size_t n, mk_str in, mk_event *ev);

/* The reply behind the tail goes out: at once, or delayed when it tells of an
 * error and there were many. When it is the last word, the end. */
void mk_serve_let_go(mk_serve *s, bool is_error);

/* The peer is at fault: say line (NULL: nothing), end, give MK_EV_FAULT. Gives
 * MK_OK. */
mk_err mk_serve_fault(mk_serve *s, mk_event *ev, mk_err why, const char *line);
mk_err mk_serve_fault_at(mk_serve *s, mk_event *ev, mk_err why,
                         const char *line, uint64_t offset);

/* End in order, behind what is queued; at once, with a reset. */
void mk_serve_end(mk_serve *s);
void mk_serve_break(mk_serve *s);

/* Give *ev as a question about subject. A number of its own is given to it,
 * but not to MK_EV_BODY, whose end keeps that of its body. Gives MK_OK. */
enum {
    SERVE_ASK = 1,    /* asked; else it is accepted by the next step */
    SERVE_LASTING = 2 /* the end of the peer does not withdraw it: it has said
                       * all that there is to say */
};
mk_err mk_serve_ask(mk_serve *s, mk_event *ev, uint8_t subject, unsigned flags);

/* Read a command, or go on with a login, or finish. */
mk_err mk_serve_read(mk_serve *s, mk_str *io_in, mk_event *ev);

/* More input is needed: MK_WAIT, unless there is something to end. */
mk_err mk_serve_wait(mk_serve *s, mk_str in, mk_event *ev);

/* ---- serve_clock.c: patience ---------------------------------------------
 */

/* The smaller one while hurried. */
uint64_t mk_serve_least(const mk_serve *s, uint64_t usual, uint64_t hurried);

/* A request, or a block of body, is complete: the time for the next begins. */
void mk_serve_heard(mk_serve *s);

/* A body begins to flow, with a number of its own and a least rate while
 * `flowing` is set; octets of it came, and are worth so much. Lines may come
 * between parts of it. mk_later on its number stops the flow; mk_reply that is
 * no YES makes it SERVE_HOLD_REFUSED: the machine swallows to the end of the
 * body, or of its part, and calls mk_serve_flow_refused: then what was composed
 * about `subject` lies behind the tail, for mk_serve_let_go. */
void mk_serve_flow_begin(mk_serve *s, uint8_t subject);
void mk_serve_earn(mk_serve *s, size_t octets);
void mk_serve_flow_refused(mk_serve *s);

/* The reply behind the tail refuses the flow that begins, and is kept for its
 * end. */
void mk_serve_flow_refuse(mk_serve *s);

/* ---- serve_tls.c: the border ---------------------------------------------
 */

/* Queue the go-ahead; nothing is read from here on. Gives MK_E_AGAIN. */
mk_err mk_serve_starttls(mk_serve *s, const char *line);

/* All is forgotten: the session begins anew, behind its greeting. */
void mk_serve_crossed(mk_serve *s);

/* MK_OK, or why the peer's certificate does not satisfy. */
mk_err mk_serve_trust(const mk_serve *s, mk_tls_policy policy);

/* ---- serve_login.c: the exchange -----------------------------------------
 */

/* "AUTH" SP mechanism [SP initial-response]: begin a login. Gives what a
 * handler returns. response is base64, "=" for an empty one, or empty for
 * none. */
mk_err mk_serve_auth(mk_serve *s, mk_str mechanism, mk_str response,
                     mk_event *ev);

/* Wipe the exchange and give its room back; NULL is fine. */
void mk_serve_login_close(mk_serve *s);

/* ---- serve_stream.c: streams ---------------------------------------------
 */

/* Behind a reply (from `apply`): a stream begins, under the number of its
 * question. The application is given MK_EV_WANTED and lends by mk_body, or the
 * machine adds rows on its behalf. Behind the last comes CRLF, where a text has
 * none, and `end`. mk_cancel costs the session. */
void mk_serve_stream_begin(mk_serve *s, outq_mode mode, const char *end);

/* A row of text, whole. MK_OK; MK_WAIT: no room, MK_EV_WANTED follows; nothing
 * changed; MK_E_STALE. */
mk_err mk_serve_stream_row(mk_serve *s, mk_op op, mk_str row);

/* Go on with it, from `turn` while s->streaming. When all is acknowledged
 * MK_EV_WANTED with MK_LAST is given, and the stream is over. */
mk_err mk_serve_stream_next(mk_serve *s, mk_event *ev);

/* ---- serve_space.c: settings and memory ----------------------------------
 */

/* What a server's block holds: the machine, a text unit unless there is a pool
 * of them, room for a login unless there is a pool, or no login. */
typedef struct mk_serve_space {
    size_t block; /* octets of the machine, a multiple of 64 */
    const mk_pool *units;
    uint32_t text_bytes;
    const mk_sasl_server_ops *ops; /* NULL: there are no logins */
    mk_pool *sasl_units;
    size_t login_bytes; /* that a login needs without a pool */
} mk_serve_space;

bool mk_serve_space_is_valid(const mk_serve_space *p);
size_t mk_serve_space_need(const mk_serve_space *p);
/* Where a login takes place, in the block of s or not; out->config is left to
 * the machine. */
void mk_serve_space_login(const mk_serve_space *p, const mk_serve *s,
                          mk_serve_room *out);

/* A time, or a rate, that a setting may have. */
bool mk_serve_is_time(uint64_t ms);
bool mk_serve_is_rate(uint32_t octets_s);

/* ---- the table -----------------------------------------------------------
 */

mk_err mk_serve_step(mk_engine *e, uint64_t now_ms, mk_str *io_in,
                     mk_event *out_event);
void mk_serve_in_eof(mk_engine *e, mk_err why);
size_t mk_serve_in_max(const mk_engine *e);
size_t mk_serve_out(mk_engine *e, size_t skip, mk_str *out_spans, size_t max);
mk_err mk_serve_out_sent(mk_engine *e, size_t n);
unsigned mk_serve_want(const mk_engine *e);
uint64_t mk_serve_deadline(const mk_engine *e);
mk_err mk_serve_reply(mk_engine *e, mk_op op, mk_answer answer, mk_str code,
                      mk_str text);
mk_err mk_serve_later(mk_engine *e, mk_op op);
mk_err mk_serve_tls_begin(mk_engine *e, size_t held);
mk_err mk_serve_tls_done(mk_engine *e, mk_err result, const mk_tls_info *info);
mk_err mk_serve_sasl_answer(mk_engine *e, mk_op op, mk_answer answer,
                            const struct mk_sasl_keys *keys);
void mk_serve_finish(mk_engine *e, mk_str text);
void mk_serve_hurry(mk_engine *e, bool on);
mk_err mk_serve_stream_sent(mk_engine *e, size_t n);
mk_err mk_serve_stream_body(mk_engine *e, mk_op op, mk_str span, bool last);
mk_err mk_serve_stream_cancel(mk_engine *e, mk_op op);

/* close is the machine's: mk_serve_close, then wipe all of it. */
void mk_serve_close(mk_serve *s);

/* clang-format off */
#define MK_SERVE_CALLS                                                         \
    .step = mk_serve_step,                                                     \
    .in_eof = mk_serve_in_eof,                                                 \
    .in_max = mk_serve_in_max,                                                 \
    .out = mk_serve_out,                                                       \
    .want = mk_serve_want,                                                     \
    .deadline = mk_serve_deadline,                                             \
    .reply = mk_serve_reply,                                                   \
    .later = mk_serve_later,                                                   \
    .tls_begin = mk_serve_tls_begin,                                           \
    .tls_done = mk_serve_tls_done,                                             \
    .sasl_answer = mk_serve_sasl_answer,                                       \
    .finish = mk_serve_finish,                                                 \
    .hurry = mk_serve_hurry

/* for .ops; .is_code and .close are the machine's */
#define MK_SERVE_OPS        MK_SERVE_CALLS, .out_sent = mk_serve_out_sent
#define MK_SERVE_STREAM_OPS MK_SERVE_CALLS,                                    \
    .out_sent = mk_serve_stream_sent,                                          \
    .body = mk_serve_stream_body,                                              \
    .cancel = mk_serve_stream_cancel
/* clang-format on */

#endif
