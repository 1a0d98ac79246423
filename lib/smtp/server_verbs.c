/* SPDX-License-Identifier: MIT
 *
 * smtp/server_verbs.c: one row a verb: where it is legal, what it may do to
 * the session, its handler, its place in the RFC; then the handlers, each of
 * which replies, asks or moves and never reads bytes; then the default replies
 * and what follows an answer. RFC 5321 4.1.1, 4.1.4, 4.2.
 */
#include "smtp/extensions.h"
#include "smtp/params.h"
#include "smtp/server_internal.h"

#include "base/ascii.h"

#include <string.h>

_Static_assert(sizeof(server_envelope) + sizeof(uint64_t) + SERVE_TEXT_MAX +
                       24 <=
                   SERVER_REPLY_ROOM,
               "what is told lies beside the reply to it");

typedef mk_err server_handler(smtp_server *s, mk_str arg, mk_event *ev);

/* What a verb's row may say, or-ed. */
typedef enum server_verb_flag {
    VERB_LAST = 1,    /* last in a pipelined group: what follows depends on its
                       * reply (RFC 2920 3.1) */
    VERB_JUNK = 2,    /* counts against junk_max until mail came to rest; so
                       * does mail that is refused, and a first HELO does not */
    VERB_PLAIN = 4,   /* allowed in clear although TLS is required */
    VERB_UNKNOWN = 8, /* allowed before authentication is demanded */
    VERB_NO_ARG = 16, /* takes no argument */
    VERB_TRUST = 32,  /* allowed although a certificate is missing */
    VERB_OCTETS = 64  /* octets follow, whatever is said of it */
} server_verb_flag;

typedef struct server_verb {
    char word[9];
    uint8_t flags;          /* server_verb_flag, or-ed */
    uint16_t states;        /* bits of server_state in which it is legal */
    uint32_t extension;     /* where it is not offered the verb is not known */
    server_handler *handle; /* NULL: BDAT */
    const char *rfc;
} server_verb;

/* ---- handlers ------------------------------------------------------------ */

/* helo = "HELO" SP Domain; ehlo = "EHLO" SP ( Domain / address-literal ). A
 * name that is not one is told, not refused (RFC 1123 5.2.5). */
static mk_err hello(smtp_server *s, mk_str arg, mk_event *ev, mk_smtp_verb verb)
{
    bool esmtp = verb != MK_SMTP_VERB_HELO;
    bool fine = arg.len > 0 && arg.len <= 255;
    for (size_t i = 0; i < arg.len; i++) {
        fine = fine && mk_is_vchar(mk_octet_at(arg, i));
    }
    if (!fine) {
        return mk_serve_say(&s->base, "501 A host name is wanted");
    }
    mk_smtp_server_event(s, ev, MK_EV_SMTP_HELO, verb);
    s->of.smtp.event.argument = arg;
    if (mk_smtp_is_host_name(arg)) {
        s->of.smtp.event.flags |= MK_SMTP_EVENT_NAME_VALID;
    }
    s->of.smtp.event.flags &= ~(uint32_t)MK_SMTP_EVENT_ESMTP;
    s->of.smtp.event.flags |= esmtp ? (uint32_t)MK_SMTP_EVENT_ESMTP : 0;
    return mk_smtp_server_ask(s, ev, MK_SMTP_ASK_HELO);
}

static mk_err on_helo(smtp_server *s, mk_str arg, mk_event *ev)
{
    return hello(s, arg, ev, MK_SMTP_VERB_HELO);
}

static mk_err on_ehlo(smtp_server *s, mk_str arg, mk_event *ev)
{
    return hello(s, arg, ev, MK_SMTP_VERB_EHLO);
}

/* RFC 2033 4.1: LHLO has the syntax and the meaning of EHLO. */
static mk_err on_lhlo(smtp_server *s, mk_str arg, mk_event *ev)
{
    return hello(s, arg, ev, MK_SMTP_VERB_LHLO);
}

/* "FROM:" or "TO:", and the path. The space behind the colon is against the
 * grammar and common; it is passed over. */
static const char *take_path(mk_str *io_arg, bool is_mail, bool is_utf8,
                             mk_smtp_path *path)
{
    mk_str word = mk_str_z(is_mail ? "FROM:" : "TO:");
    if (!mk_str_has_prefix_nocase(*io_arg, word)) {
        return is_mail ? "501 5.5.4 MAIL FROM:<address> is wanted"
                       : "501 5.5.4 RCPT TO:<address> is wanted";
    }
    *io_arg = mk_str_sub(*io_arg, word.len, SIZE_MAX);
    while (io_arg->len > 0 && io_arg->ptr[0] == ' ') {
        *io_arg = mk_str_sub(*io_arg, 1, SIZE_MAX);
    }
    size_t used;
    mk_err err = mk_smtp_path_parse(*io_arg, is_utf8, path, &used);
    if (err == MK_E_UNSUPPORTED) {
        return "553 5.6.7 Address needs SMTPUTF8";
    }
    /* each place has its own path without a domain: <> sends, <postmaster>
     * receives */
    uint32_t wrong = is_mail ? MK_SMTP_PATH_NO_DOMAIN : MK_SMTP_PATH_NULL;
    if (err != MK_OK || (path->flags & wrong) != 0) {
        return is_mail ? "501 5.1.7 Bad sender address"
                       : "501 5.1.3 Bad recipient address";
    }
    *io_arg = mk_str_sub(*io_arg, used, SIZE_MAX);
    return NULL;
}

/* What the session is offered, and may use: nothing behind HELO. */
static uint32_t offered_to(const smtp_server *s)
{
    return s->esmtp ? mk_smtp_server_offer(s) : 0;
}

static const char *mail_args(smtp_server *s, mk_str arg)
{
    server_envelope *e = mk_serve_aside(&s->base, sizeof *e);
    smtp_params p = {.config = s->config,
                     .offered = offered_to(s),
                     .event = &s->of.smtp.event,
                     .mail = &e->of.mail};
    memset(e, 0, sizeof *e);
    e->of.mail.size = sizeof e->of.mail;
    /* the parameter that allows UTF-8 stands behind what needs it */
    bool is_utf8 = (p.offered & MK_SMTP_EXTENSION_SMTPUTF8) != 0;
    const char *refusal = take_path(&arg, true, is_utf8, &e->path);
    if (refusal == NULL) {
        refusal = mk_smtp_params_take(&p, arg);
    }
    s->utf8 = e->of.mail.is_utf8;
    if (refusal == NULL && !s->utf8 &&
        (e->path.flags & MK_SMTP_PATH_UTF8) != 0) {
        refusal = "553 5.6.7 Address needs SMTPUTF8";
    }
    s->of.smtp.event.path = &e->path;
    s->of.smtp.event.mail = &e->of.mail;
    return refusal;
}

static const char *rcpt_args(smtp_server *s, mk_str arg)
{
    server_envelope *e = mk_serve_aside(&s->base, sizeof *e);
    smtp_params p = {.config = s->config,
                     .offered = offered_to(s),
                     .is_utf8 = s->utf8,
                     .event = &s->of.smtp.event,
                     .rcpt = &e->of.rcpt};
    memset(e, 0, sizeof *e);
    e->of.rcpt.size = sizeof e->of.rcpt;
    const char *refusal = take_path(&arg, false, s->utf8, &e->path);
    s->of.smtp.event.path = &e->path;
    s->of.smtp.event.rcpt = &e->of.rcpt;
    return refusal != NULL ? refusal : mk_smtp_params_take(&p, arg);
}

/* mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] */
static mk_err on_mail(smtp_server *s, mk_str arg, mk_event *ev)
{
    if (s->messages >= s->config->messages_max) {
        return mk_serve_fault(&s->base, ev, MK_E_COUNT,
                              "421 4.7.0 Too many messages");
    }
    mk_smtp_server_event(s, ev, MK_EV_SMTP_MAIL, MK_SMTP_VERB_MAIL);
    const char *refusal = mail_args(s, arg);
    if (refusal != NULL) {
        return mk_serve_say(&s->base, refusal);
    }
    s->binary = s->of.smtp.event.body == MK_SMTP_BODY_BINARYMIME;
    return mk_smtp_server_ask(s, ev, MK_SMTP_ASK_MAIL);
}

/* rcpt = "RCPT TO:" ( "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] */
static mk_err on_rcpt(smtp_server *s, mk_str arg, mk_event *ev)
{
    mk_smtp_server_event(s, ev, MK_EV_SMTP_RCPT, MK_SMTP_VERB_RCPT);
    const char *refusal = rcpt_args(s, arg);
    if (refusal == NULL && s->accepted >= s->config->recipients_max) {
        refusal = "452 4.5.3 Too many recipients";
    }
    if (refusal != NULL) {
        s->turned_away += s->turned_away < UINT32_MAX ? 1 : 0;
        return mk_serve_say(&s->base, refusal);
    }
    s->of.smtp.event.index = s->accepted;
    return mk_smtp_server_ask(s, ev, MK_SMTP_ASK_RCPT);
}

/* Nobody is there to have a body. RFC 2033 4.2 wants 503 in any case. */
static const char *no_recipient(const smtp_server *s)
{
    return s->turned_away > 0 && !s->config->is_lmtp
               ? "554 5.5.1 No valid recipients"
               : "503 5.5.1 RCPT first";
}

static mk_err on_data(smtp_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    if (s->state != SERVER_RCPT) {
        return mk_serve_say(&s->base, no_recipient(s));
    }
    if (s->binary) { /* RFC 3030 3 */
        return mk_serve_say(&s->base, "503 5.5.1 BINARYMIME needs BDAT");
    }
    mk_smtp_server_event(s, ev, MK_EV_SMTP_DATA, MK_SMTP_VERB_DATA);
    return mk_smtp_server_ask(s, ev, MK_SMTP_ASK_DATA);
}

/* RSET and HELO forget a transaction, and what XFORWARD told of the next one
 * (XFORWARD_README, "Server operation"). Was there any? */
static bool forgets(smtp_server *s)
{
    bool is_open = mk_smtp_server_in_transaction(s);
    bool is_any = is_open || s->forwarded;
    s->accepted = is_open ? s->accepted : 0;
    s->forwarded = false;
    return is_any;
}

static mk_err on_rset(smtp_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    mk_err err = MK_E_AGAIN;
    bool is_open = forgets(s);
    if (is_open || s->state == SERVER_SPOILT) {
        mk_smtp_server_move(s, SERVER_READY);
    }
    if (is_open) {
        mk_smtp_server_event(s, ev, MK_EV_SMTP_RESET, MK_SMTP_VERB_RSET);
        err = MK_OK;
    }
    (void)mk_serve_say(&s->base, "250 2.0.0 Ok");
    return err;
}

static mk_err on_noop(smtp_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    (void)ev;
    return mk_serve_say(&s->base, "250 2.0.0 Ok");
}

static mk_err on_quit(smtp_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    (void)mk_serve_say(&s->base, "221 2.0.0 Bye");
    mk_smtp_server_event(s, ev, MK_EV_SMTP_QUIT, MK_SMTP_VERB_QUIT);
    mk_serve_end(&s->base);
    return MK_OK;
}

/* vrfy = "VRFY" SP String [ SP "SMTPUTF8" ] (RFC 6531 3.7.4.2); EXPN likewise
 */
static bool skip_smtputf8(const smtp_server *s, mk_str *io_arg)
{
    static const mk_str word = MK_STR_INIT(" SMTPUTF8");
    size_t at = io_arg->len > word.len ? io_arg->len - word.len : 0;
    if ((offered_to(s) & MK_SMTP_EXTENSION_SMTPUTF8) == 0 ||
        !mk_str_is_nocase(mk_str_sub(*io_arg, at, SIZE_MAX), word)) {
        return false;
    }
    *io_arg = mk_str_sub(*io_arg, 0, at);
    return true;
}

static mk_err look_up(smtp_server *s, mk_str arg, mk_event *ev,
                      mk_smtp_verb verb)
{
    bool vrfy = verb == MK_SMTP_VERB_VRFY;
    bool is_utf8 = skip_smtputf8(s, &arg);
    if (arg.len == 0) {
        return mk_serve_say(&s->base, "501 5.5.4 A string is wanted");
    }
    mk_smtp_server_event(s, ev, vrfy ? MK_EV_SMTP_VRFY : MK_EV_SMTP_EXPN, verb);
    s->of.smtp.event.argument = arg;
    s->of.smtp.event.flags |= is_utf8 ? (uint32_t)MK_SMTP_EVENT_UTF8 : 0;
    return mk_smtp_server_ask(s, ev,
                              vrfy ? MK_SMTP_ASK_VRFY : MK_SMTP_ASK_EXPN);
}

static mk_err on_vrfy(smtp_server *s, mk_str arg, mk_event *ev)
{
    return look_up(s, arg, ev, MK_SMTP_VERB_VRFY);
}

static mk_err on_expn(smtp_server *s, mk_str arg, mk_event *ev)
{
    return look_up(s, arg, ev, MK_SMTP_VERB_EXPN);
}

static void add_verbs(const smtp_server *s, mk_buf *out);

/* The verbs that are served here and now. */
static mk_err on_help(smtp_server *s, mk_str arg, mk_event *ev)
{
    char room[256];
    mk_buf names;
    (void)arg;
    (void)ev;
    mk_buf_init(&names, room, sizeof room);
    add_verbs(s, &names);
    return mk_serve_say_text(&s->base, "214 2.0.0 ", mk_buf_str(&names));
}

/* ---- the table ----------------------------------------------------------- */

/* clang-format off */
enum {
    IN_GREETED = 1 << SERVER_GREETED,
    IN_READY = 1 << SERVER_READY,
    IN_TRANSACTION = 1 << SERVER_MAIL | 1 << SERVER_RCPT,
    IN_TURNED = 1 << SERVER_TURNED,
    IN_CHUNKS = 1 << SERVER_CHUNKS,
    IN_SPOILT = 1 << SERVER_SPOILT,
    IN_SESSION = IN_GREETED | IN_READY | IN_TRANSACTION | IN_CHUNKS | IN_SPOILT
};

static const server_verb verbs[] = {
    /* word      flags                                                             states                      extension                   handle                   RFC */
    {"MAIL",     0,                                                                IN_READY,                   0,                          on_mail,                 "5321 4.1.1.2"},
    {"RCPT",     0,                                                                IN_TRANSACTION,             0,                          on_rcpt,                 "5321 4.1.1.3"},
    {"DATA",     VERB_LAST | VERB_NO_ARG,                                          IN_TRANSACTION,             0,                          on_data,                 "5321 4.1.1.4"},
    {"BDAT",     VERB_OCTETS,                                                      IN_TRANSACTION | IN_CHUNKS, MK_SMTP_EXTENSION_CHUNKING, NULL,                    "3030 2"},
    {"EHLO",     VERB_LAST | VERB_JUNK | VERB_PLAIN | VERB_UNKNOWN,                IN_SESSION,                 0,                          on_ehlo,                 "5321 4.1.1.1"},
    {"HELO",     VERB_LAST | VERB_JUNK | VERB_PLAIN | VERB_UNKNOWN,                IN_SESSION,                 0,                          on_helo,                 "5321 4.1.1.1"},
    {"LHLO",     VERB_LAST | VERB_JUNK | VERB_PLAIN | VERB_UNKNOWN,                IN_SESSION,                 0,                          on_lhlo,                 "2033 4.1"},
    {"RSET",     VERB_JUNK | VERB_NO_ARG | VERB_UNKNOWN,                           IN_SESSION,                 0,                          on_rset,                 "5321 4.1.1.5"},
    {"NOOP",     VERB_JUNK | VERB_PLAIN | VERB_UNKNOWN,                            IN_SESSION,                 0,                          on_noop,                 "5321 4.1.1.9"},
    {"QUIT",     VERB_LAST | VERB_NO_ARG | VERB_PLAIN | VERB_UNKNOWN | VERB_TRUST, IN_SESSION | IN_TURNED,     0,                          on_quit,                 "5321 4.1.1.10"},
    {"VRFY",     VERB_JUNK,                                                        IN_SESSION,                 0,                          on_vrfy,                 "5321 4.1.1.6"},
    {"EXPN",     VERB_JUNK,                                                        IN_SESSION,                 0,                          on_expn,                 "5321 4.1.1.7"},
    {"HELP",     VERB_JUNK | VERB_UNKNOWN,                                         IN_SESSION,                 0,                          on_help,                 "5321 4.1.1.8"},
    {"STARTTLS", VERB_LAST | VERB_NO_ARG | VERB_PLAIN | VERB_UNKNOWN,              IN_SESSION,                 0,                          mk_smtp_server_starttls, "3207 4"},
    {"AUTH",     VERB_LAST | VERB_UNKNOWN,                                         IN_READY,                   0,                          mk_smtp_server_auth,     "4954 4"},
    {"ETRN",      VERB_JUNK,                                                         IN_READY,                   MK_SMTP_EXTENSION_ETRN,     mk_smtp_server_etrn,     "1985 5"},
    {"XCLIENT",   VERB_LAST | VERB_PLAIN | VERB_UNKNOWN,                             IN_GREETED | IN_READY,      MK_SMTP_EXTENSION_XCLIENT,  mk_smtp_server_xclient,  "XCLIENT_README"},
    {"XFORWARD",  0,                                                                 IN_READY,                   MK_SMTP_EXTENSION_XFORWARD, mk_smtp_server_xforward, "XFORWARD_README"},
    {"CLIENTID",  VERB_UNKNOWN,                                                      IN_READY,                   MK_SMTP_EXTENSION_CLIENTID, mk_smtp_server_clientid, "draft-storey-smtp-client-id"},
};

/* clang-format on */

static const server_verb *find_verb(mk_str word)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (mk_str_is_nocase(word, mk_str_z(verbs[i].word))) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* A verb of an extension that the settings do not have is not known. */
static bool is_served(const smtp_server *s, const server_verb *v)
{
    const mk_smtp_server_config *c = s->config;
    if (v->handle == on_lhlo || v->handle == on_ehlo || v->handle == on_helo) {
        return c->is_lmtp == (v->handle == on_lhlo); /* RFC 2033 4.1 */
    }
    if (v->extension != 0) {
        return (mk_smtp_server_offer(s) & v->extension) != 0;
    }
    if (v->handle == mk_smtp_server_starttls) {
        return c->tls != MK_TLS_POLICY_NONE &&
               (c->extensions & MK_SMTP_EXTENSION_STARTTLS) != 0;
    }
    return v->handle != mk_smtp_server_auth ||
           (c->sasl != NULL && (c->extensions & MK_SMTP_EXTENSION_AUTH) != 0);
}

static void add_verbs(const smtp_server *s, mk_buf *out)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (is_served(s, &verbs[i])) {
            (void)mk_buf_add_z(out, out->len > 0 ? " " : "");
            (void)mk_buf_add_z(out, verbs[i].word);
        }
    }
}

/* What must come first, and has not (RFC 3207 4, RFC 4954 6)? */
static const char *missing(const smtp_server *s, const server_verb *v)
{
    bool is_clear =
        s->config->tls >= MK_TLS_POLICY_ENCRYPT && s->base.tls == NULL;
    if (is_clear && v->handle == mk_smtp_server_auth) {
        return "538 5.7.11 Encryption is required to log in";
    }
    if (is_clear && (v->flags & VERB_PLAIN) == 0) {
        return "530 5.7.0 Must issue a STARTTLS command first";
    }
    if (s->config->is_auth_needed && !s->base.known &&
        (v->flags & VERB_UNKNOWN) == 0) {
        return "530 5.7.0 Authentication required";
    }
    return NULL;
}

/* The reply to a command that may not be given now, or in this way; or NULL. */
static const char *refusal_of(const smtp_server *s, const server_verb *v,
                              mk_str arg)
{
    const char *first = missing(s, v);
    if (first != NULL) {
        return first;
    }
    if (!mk_smtp_server_is_in(s, v->states)) {
        if (s->state == SERVER_GREETED) {
            return s->config->is_lmtp ? "503 5.5.1 LHLO first"
                                      : "503 5.5.1 EHLO or HELO first";
        }
        return "503 5.5.1 Bad sequence of commands";
    }
    if ((v->flags & VERB_NO_ARG) != 0 && arg.len > 0) {
        return "501 5.5.4 No argument is allowed";
    }
    if ((v->flags & VERB_OCTETS) != 0 && !s->esmtp) {
        return "503 5.5.1 EHLO first";
    }
    if ((v->flags & VERB_OCTETS) != 0 && s->state == SERVER_MAIL) {
        return no_recipient(s);
    }
    return NULL;
}

static mk_err dispatch(smtp_server *s, const server_verb *v, mk_str arg,
                       mk_event *ev)
{
    const char *refusal = refusal_of(s, v, arg);
    if ((v->flags & VERB_OCTETS) != 0) {
        return mk_smtp_server_bdat(s, arg, refusal, ev);
    }
    return refusal != NULL ? mk_serve_say(&s->base, refusal)
                           : v->handle(s, arg, ev);
}

/* Idle commands beyond a few end the session (RFC 5321 7.8). */
static bool is_junk_over(smtp_server *s, const server_verb *v)
{
    const mk_smtp_server_config *c = s->config;
    s->junk += (v->flags & VERB_JUNK) != 0 ? 1 : 0;
    return s->junk > mk_serve_least(&s->base, c->junk_max, c->hurry_junk_max);
}

/* Whatever is behind BDAT, or blank before it, others may take it for one, and
 * octets follow that must not be read as commands. */
bool mk_smtp_server_leads_octets(const mk_serve *base, mk_str line)
{
    const smtp_server *s = mk_smtp_server_at(base);
    while (line.len > 0 && mk_octet_at(line, 0) <= ' ') {
        line = mk_str_sub(line, 1, SIZE_MAX);
    }
    return (mk_smtp_server_offer(s) & MK_SMTP_EXTENSION_CHUNKING) != 0 &&
           mk_str_has_prefix_nocase(line, mk_str_z("BDAT"));
}

mk_err mk_smtp_server_line(mk_serve *base, mk_str line, mk_event *ev)
{
    smtp_server *s = mk_smtp_server_of(base);
    while (line.len > 0 && mk_is_wsp(mk_octet_at(line, line.len - 1))) {
        line.len--;
    }
    size_t end = mk_str_find(line, ' ');
    mk_str arg = mk_str_sub(line, end + 1, SIZE_MAX);
    const server_verb *v = find_verb(mk_str_sub(line, 0, end));
    if (v != NULL && !is_served(s, v)) {
        v = NULL;
    }
    if (v == NULL || (v->flags & VERB_TRUST) == 0) {
        mk_err err = mk_smtp_server_distrust(s, ev);
        if (err != MK_E_AGAIN) {
            return err;
        }
    }
    if (v == NULL && mk_smtp_server_leads_octets(base, line)) {
        return mk_serve_fault(base, ev, MK_E_SYNTAX,
                              "501 5.5.4 BDAT wants SP, and a number");
    }
    unsigned flags = v != NULL ? v->flags : 0;
    if ((flags & VERB_LAST) != 0 ||
        (!mk_smtp_server_is_pipelining(s) && (flags & VERB_OCTETS) == 0)) {
        base->guard = true;
    }
    if (v == NULL) {
        return mk_serve_say(base, "500 5.5.2 Command not recognized");
    }
    if (is_junk_over(s, v)) {
        return mk_serve_fault(base, ev, MK_E_LIMIT,
                              "421 4.7.0 Too many idle commands");
    }
    return dispatch(s, v, arg, ev);
}

/* ---- answers ------------------------------------------------------------- */

const char *mk_smtp_server_default(mk_smtp_verb verb, mk_answer answer)
{
    static const char *const later = "451 4.3.0 Try again later";
    static const struct {
        uint8_t verb;
        const char *yes, *no;
    } rows[] = {
        /* clang-format off */
        {MK_SMTP_VERB_CONNECT, "220",                     "554 No SMTP service here"},
        {MK_SMTP_VERB_HELO,    "250",                     "550 Refused"},
        {MK_SMTP_VERB_EHLO,    "250",                     "550 Refused"},
        {MK_SMTP_VERB_LHLO,    "250",                     "550 Refused"},
        {MK_SMTP_VERB_MAIL,    "250 2.1.0 Sender ok",     "550 5.7.1 Sender refused"},
        {MK_SMTP_VERB_RCPT,    "250 2.1.5 Recipient ok",  "550 5.1.1 No such recipient"},
        {MK_SMTP_VERB_DATA,    "354 End with <CRLF>.<CRLF>", "554 5.7.1 No message wanted"},
        {MK_SMTP_VERB_BDAT,    "",                        "554 5.7.1 No message wanted"},
        {MK_SMTP_VERB_END,     "250 2.0.0 Message accepted", "554 5.7.1 Message refused"},
        {MK_SMTP_VERB_VRFY,    "252 2.0.0 Send some mail, it will be tried", "550 5.1.1 No such user"},
        {MK_SMTP_VERB_EXPN,    "252 2.0.0 Lists are not shown", "550 5.1.1 No such list"},
        {MK_SMTP_VERB_ETRN,    "250 2.0.0 Queuing started", "459 4.7.1 Not allowed for that node"},
        {MK_SMTP_VERB_XCLIENT, "",                        "550 5.7.1 You may not speak for others"},
        {MK_SMTP_VERB_XFORWARD, "250 2.0.0 Ok",           "550 5.7.1 You may not speak for others"},
        {MK_SMTP_VERB_CLIENTID, "250 2.0.0 Ok",           "550 5.7.1 Not accepted"},
        /* clang-format on */
    };
    if (answer == MK_ANSWER_LATER) {
        return verb == MK_SMTP_VERB_CONNECT ? "421 Try again later"
               : verb == MK_SMTP_VERB_ETRN  ? "458 4.3.0 Cannot queue now"
                                            : later;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].verb == verb) {
            return answer == MK_ANSWER_YES ? rows[i].yes : rows[i].no;
        }
    }
    return later;
}

void mk_smtp_server_judged(smtp_server *s, bool is_taken)
{
    if (is_taken) {
        s->messages++;
        s->base.errors = 0;
        s->junk = 0;
    } else {
        s->junk++;
    }
    mk_smtp_server_move(s, SERVER_READY);
}

/* The message was judged, or for one of its recipients. */
static void judged(smtp_server *s, bool is_taken)
{
    if (s->state == SERVER_DELIVERY) {
        mk_smtp_server_delivered(s);
    } else {
        mk_smtp_server_judged(s, is_taken);
    }
}

static void refused(smtp_server *s)
{
    if (s->base.subject == MK_SMTP_VERB_MAIL ||
        s->base.subject >= MK_SMTP_VERB_XCLIENT) {
        s->junk++;
    }
    if (s->base.subject == MK_SMTP_VERB_CONNECT) {
        if (s->base.answer == MK_ANSWER_NO) {
            mk_smtp_server_move(s, SERVER_TURNED);
        } else {
            mk_serve_end(&s->base);
        }
        return;
    }
    if (s->base.subject == MK_SMTP_VERB_END) {
        judged(s, false);
    }
    if (s->base.subject == MK_SMTP_VERB_RCPT && s->turned_away < UINT32_MAX) {
        s->turned_away++;
    }
}

static void accepted(smtp_server *s)
{
    switch ((mk_smtp_verb)s->base.subject) {
    case MK_SMTP_VERB_CONNECT:
        mk_smtp_server_move(s, SERVER_GREETED);
        break;
    case MK_SMTP_VERB_HELO:
    case MK_SMTP_VERB_EHLO:
    case MK_SMTP_VERB_LHLO:
        s->esmtp = s->base.subject != MK_SMTP_VERB_HELO;
        s->dropped = forgets(s); /* RFC 5321 4.1.4 */
        s->junk -= s->state == SERVER_GREETED ? 1 : 0;
        mk_smtp_server_move(s, SERVER_READY);
        break;
    case MK_SMTP_VERB_MAIL:
        s->accepted = 0;
        s->turned_away = 0;
        s->forwarded = false; /* it belongs to the transaction now */
        mk_smtp_server_move(s, SERVER_MAIL);
        break;
    case MK_SMTP_VERB_RCPT:
        s->accepted++;
        mk_smtp_server_move(s, SERVER_RCPT);
        break;
    case MK_SMTP_VERB_DATA:
        mk_smtp_server_body_begin(s);
        break;
    case MK_SMTP_VERB_END:
        judged(s, true);
        break;
    case MK_SMTP_VERB_XCLIENT:
        mk_smtp_server_introduced(s);
        break;
    case MK_SMTP_VERB_XFORWARD:
        s->forwarded = true;
        break;
    case MK_SMTP_VERB_CLIENTID:
        s->identified = true;
        break;
    default:
        break;
    }
}

void mk_smtp_server_answered(smtp_server *s)
{
    if (s->base.answer == MK_ANSWER_YES) {
        accepted(s);
    } else {
        refused(s);
    }
}
