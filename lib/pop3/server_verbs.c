/* SPDX-License-Identifier: MIT
 *
 * pop3/server_verbs.c: one row a verb: where it is legal, what it may do to
 * the session, its handler, its place in the RFC; then the handlers, each of
 * which replies, asks or moves and never reads bytes. RFC 1939 4 to 7. A
 * number that is none, or of no message, never reaches the application
 * (THREATS 81).
 */
#include "pop3/server_internal.h"

#include "base/ascii.h"

typedef mk_err server_handler(pop3_server *s, mk_str arg, mk_event *ev);

/* What a verb's row may say, or-ed. */
typedef enum server_verb_flag {
    VERB_NO_ARG = 1, /* takes no argument */
    VERB_CRYPT = 2,  /* not in clear where TLS is required */
    VERB_LONG = 4,   /* its line may be as long as any */
    VERB_RAW = 8,    /* blanks at the end belong to its argument */
    VERB_TRUST = 16  /* allowed although a certificate is missing */
} server_verb_flag;

typedef struct server_verb {
    char word[5];
    uint8_t states; /* bits of server_state in which it is legal */
    uint8_t flags;  /* server_verb_flag, or-ed */
    uint32_t needs; /* mk_pop3_capability, or 0 */
    server_handler *handle;
    const char *rfc;
} server_verb;

static mk_err say(pop3_server *s, const char *line)
{
    return mk_serve_say(&s->serve, line);
}

/* ---- arguments ----------------------------------------------------------- */

static const char no_message[] = "-ERR No such message";

/* msg = 1*DIGIT, from 1 to the count. NULL, or what is said. */
static const char *take_number(pop3_server *s, mk_str arg)
{
    uint64_t number = 0;
    mk_err err = mk_str_u64(arg, &number);

    if (err == MK_E_SYNTAX) {
        return "-ERR A message number is wanted";
    }
    if (err != MK_OK || number == 0 || number > s->count) {
        return no_message;
    }
    s->number = (uint32_t)number;
    return NULL;
}

static mk_err ask(pop3_server *s, mk_event *ev, uint32_t type,
                  mk_pop3_verb verb)
{
    mk_pop3_server_event(s, ev, type, verb);
    return mk_pop3_server_ask(s, ev, 0);
}

static mk_err ask_about(pop3_server *s, mk_str arg, mk_event *ev, uint32_t type,
                        mk_pop3_verb verb)
{
    const char *refusal = take_number(s, arg);

    return refusal != NULL ? say(s, refusal) : ask(s, ev, type, verb);
}

/* ---- handlers ------------------------------------------------------------ */

static mk_err on_stat(pop3_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    return ask(s, ev, MK_EV_POP3_STAT, MK_POP3_VERB_STAT);
}

/* "LIST" [SP msg] */
static mk_err on_list(pop3_server *s, mk_str arg, mk_event *ev)
{
    return arg.len == 0
               ? ask(s, ev, MK_EV_POP3_LIST, MK_POP3_VERB_LIST)
               : ask_about(s, arg, ev, MK_EV_POP3_LIST, MK_POP3_VERB_LIST);
}

/* "UIDL" [SP msg] */
static mk_err on_uidl(pop3_server *s, mk_str arg, mk_event *ev)
{
    return arg.len == 0
               ? ask(s, ev, MK_EV_POP3_UIDL, MK_POP3_VERB_UIDL)
               : ask_about(s, arg, ev, MK_EV_POP3_UIDL, MK_POP3_VERB_UIDL);
}

static mk_err on_retr(pop3_server *s, mk_str arg, mk_event *ev)
{
    return ask_about(s, arg, ev, MK_EV_POP3_RETR, MK_POP3_VERB_RETR);
}

static mk_err on_dele(pop3_server *s, mk_str arg, mk_event *ev)
{
    return ask_about(s, arg, ev, MK_EV_POP3_DELE, MK_POP3_VERB_DELE);
}

/* "TOP" SP msg SP n: so many lines, "non-negative"; more than there can be is
 * all of them. */
static mk_err on_top(pop3_server *s, mk_str arg, mk_event *ev)
{
    size_t n = mk_str_find(arg, ' ');
    uint64_t lines = 0;
    mk_err err = mk_str_u64(mk_str_sub(arg, n + 1, SIZE_MAX), &lines);
    const char *refusal = take_number(s, mk_str_sub(arg, 0, n));

    if (err == MK_E_SYNTAX) {
        refusal = "-ERR A message number and a number of lines are wanted";
    }
    if (refusal != NULL) {
        return say(s, refusal);
    }
    if (err != MK_OK || lines > UINT32_MAX) {
        lines = UINT32_MAX;
    }
    mk_pop3_cut_begin(&s->cut, (uint32_t)lines);
    mk_pop3_server_event(s, ev, MK_EV_POP3_TOP, MK_POP3_VERB_TOP);
    s->of.event.lines = (uint32_t)lines;
    return mk_pop3_server_ask(s, ev, 0);
}

static mk_err on_noop(pop3_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    (void)ev;
    return say(s, "+OK");
}

static mk_err on_rset(pop3_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    return ask(s, ev, MK_EV_POP3_RSET, MK_POP3_VERB_RSET);
}

/* RFC 1939 6: only from the TRANSACTION state it leads to UPDATE. */
static mk_err on_quit(pop3_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    if (s->state != SERVER_TRANSACTION) {
        (void)say(s, "+OK Bye");
        mk_serve_end(&s->serve);
        return MK_E_AGAIN;
    }
    mk_pop3_server_move(s, SERVER_UPDATE);
    mk_pop3_server_event(s, ev, MK_EV_POP3_UPDATE, MK_POP3_VERB_QUIT);
    return mk_pop3_server_ask(s, ev, SERVE_LASTING);
}

static mk_err on_capa(pop3_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    (void)ev;
    return say(s, mk_pop3_server_capa);
}

static mk_err on_stls(pop3_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    (void)ev;
    if (s->serve.tls != NULL) {
        return say(s, "-ERR TLS is up already");
    }
    if (s->is_utf8) { /* RFC 6856 2.1: clients must not */
        return say(s, "-ERR STLS comes before UTF8");
    }
    return mk_serve_starttls(&s->serve, "+OK Begin TLS");
}

static mk_err on_utf8(pop3_server *s, mk_str arg, mk_event *ev)
{
    (void)arg;
    (void)ev;
    s->is_utf8 = true;
    return say(s, "+OK UTF8 is on");
}

/* "LANG" [SP language-range]: a positive reply names the language chosen. */
static mk_err on_lang(pop3_server *s, mk_str arg, mk_event *ev)
{
    (void)ev;
    if (arg.len == 0) {
        return say(s, mk_pop3_server_languages);
    }
    if (mk_str_is_nocase(arg, mk_str_z("en")) ||
        mk_str_is(arg, mk_str_z("*"))) {
        return say(s, "+OK en Replies are in English");
    }
    return say(s, "-ERR Language not known");
}

/* ---- the table ----------------------------------------------------------- */

/* clang-format off */
enum {
    IN_AUTH = 1 << SERVER_AUTHORIZATION,
    IN_TRANS = 1 << SERVER_TRANSACTION,
    IN_BOTH = IN_AUTH | IN_TRANS
};

static const server_verb verbs[] = {
    /* word   states    flags                     needs                    handle               RFC */
    {"RETR",  IN_TRANS, 0,                        0,                       on_retr,             "1939 5"},
    {"DELE",  IN_TRANS, 0,                        0,                       on_dele,             "1939 5"},
    {"UIDL",  IN_TRANS, 0,                        MK_POP3_CAPABILITY_UIDL, on_uidl,             "1939 7"},
    {"LIST",  IN_TRANS, 0,                        0,                       on_list,             "1939 5"},
    {"TOP",   IN_TRANS, 0,                        MK_POP3_CAPABILITY_TOP,  on_top,              "1939 7"},
    {"STAT",  IN_TRANS, VERB_NO_ARG,              0,                       on_stat,             "1939 5"},
    {"NOOP",  IN_TRANS, VERB_NO_ARG,              0,                       on_noop,             "1939 5"},
    {"RSET",  IN_TRANS, VERB_NO_ARG,              0,                       on_rset,             "1939 5"},
    {"QUIT",  IN_BOTH,  VERB_NO_ARG | VERB_TRUST, 0,                       on_quit,             "1939 4, 6"},
    {"CAPA",  IN_BOTH,  VERB_NO_ARG,              0,                       on_capa,             "2449 5"},
    {"USER",  IN_AUTH,  VERB_CRYPT,               MK_POP3_CAPABILITY_USER, mk_pop3_server_user, "1939 7"},
    {"PASS",  IN_AUTH,  VERB_CRYPT | VERB_RAW,    MK_POP3_CAPABILITY_USER, mk_pop3_server_pass, "1939 7"},
    {"APOP",  IN_AUTH,  VERB_CRYPT,               MK_POP3_CAPABILITY_APOP, mk_pop3_server_apop, "1939 7"},
    {"AUTH",  IN_AUTH,  VERB_CRYPT | VERB_LONG,   MK_POP3_CAPABILITY_SASL, mk_pop3_server_auth, "5034 4"},
    {"STLS",  IN_AUTH,  VERB_NO_ARG,              MK_POP3_CAPABILITY_STLS, on_stls,             "2595 4"},
    {"UTF8",  IN_AUTH,  VERB_NO_ARG,              MK_POP3_CAPABILITY_UTF8, on_utf8,             "6856 2.1"},
    {"LANG",  IN_BOTH,  0,                        MK_POP3_CAPABILITY_LANG, on_lang,             "6856 3.2"},
};
/* clang-format on */

/* What the settings do not have is not known. */
static bool is_served(const pop3_server *s, const server_verb *v)
{
    const mk_pop3_server_config *c = s->config;

    if (v->needs == MK_POP3_CAPABILITY_STLS && c->tls == MK_TLS_POLICY_NONE) {
        return false;
    }
    if (v->needs == MK_POP3_CAPABILITY_USER &&
        (c->sasl->mechanisms & MK_SASL_PLAIN) == 0) {
        return false;
    }
    return (v->needs & ~c->capabilities) == 0;
}

static const server_verb *find_verb(const pop3_server *s, mk_str word)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (mk_str_is_nocase(word, mk_str_z(verbs[i].word))) {
            return is_served(s, &verbs[i]) ? &verbs[i] : NULL;
        }
    }
    return NULL;
}

/* Why this verb cannot be had now, or NULL. */
static const char *refusal_of(const pop3_server *s, const server_verb *v,
                              mk_str line)
{
    bool is_clear =
        s->config->tls >= MK_TLS_POLICY_ENCRYPT && s->serve.tls == NULL;

    if (line.len + 2 > SERVER_LINE_MAX && (v->flags & VERB_LONG) == 0) {
        return "-ERR Line too long";
    }
    if ((v->states & (1U << s->state)) == 0) {
        return s->state == SERVER_AUTHORIZATION ? "-ERR Log in first"
                                                : "-ERR Logged in already";
    }
    if (is_clear && (v->flags & VERB_CRYPT) != 0) {
        return "-ERR Encryption is required";
    }
    return NULL;
}

static mk_str trim(mk_str s)
{
    while (s.len > 0 && mk_is_wsp(mk_octet_at(s, s.len - 1))) {
        s.len--;
    }
    return s;
}

static mk_err dispatch(pop3_server *s, const server_verb *v, mk_str line,
                       mk_event *ev)
{
    const char *refusal = refusal_of(s, v, line);
    mk_str arg = mk_str_sub(line, mk_str_find(line, ' ') + 1, SIZE_MAX);

    if (refusal != NULL) {
        return say(s, refusal);
    }
    if ((v->flags & VERB_RAW) == 0) {
        arg = trim(arg);
    }
    if ((v->flags & VERB_NO_ARG) != 0 && arg.len > 0) {
        return say(s, "-ERR No argument is allowed");
    }
    s->number = 0;
    return v->handle(s, arg, ev);
}

/* command = keyword *(SP param) CRLF */
mk_err mk_pop3_server_line(mk_serve *serve, mk_str line, mk_event *ev)
{
    pop3_server *s = pop3_server_of(serve);
    mk_str word = trim(mk_str_sub(line, 0, mk_str_find(line, ' ')));
    const server_verb *v = find_verb(s, word);
    mk_err trust = mk_serve_trust(serve, s->config->tls);

    if (trust != MK_OK && (v == NULL || (v->flags & VERB_TRUST) == 0)) {
        return mk_serve_fault(serve, ev, trust, mk_pop3_server_distrust);
    }
    if (v == NULL || v->handle != mk_pop3_server_pass) {
        mk_pop3_server_forget_name(s);
    }
    if (s->state == SERVER_AUTHORIZATION &&
        ++s->commands > s->config->junk_max) {
        return mk_serve_fault(serve, ev, MK_E_LIMIT,
                              "-ERR Too many commands without a login");
    }
    return v == NULL ? say(s, "-ERR Unknown command")
                     : dispatch(s, v, line, ev);
}
