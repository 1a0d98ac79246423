/* SPDX-License-Identifier: MIT
 *
 * trace.c: renders events of the engines as lines and compares such lines
 * with what a dialogue expects. Tokens are separated by blanks; quoted text
 * is one token. Refuses no event: an unknown type is rendered by its number.
 */
#include "trace.h"

#include <mailkit/sasl.h>
#include <string.h>

typedef struct named {
    uint32_t value;
    const char *name;
} named;

static const named types[] = {
    {MK_EV_WITHDRAWN, "WITHDRAWN"},
    {MK_EV_FAULT, "FAULT"},
    {MK_EV_DONE, "DONE"},
    {MK_EV_WANTED, "WANTED"},
    {MK_EV_TLS_WANTED, "TLS_WANTED"},
    {MK_EV_SMTP_CONNECT, "CONNECT"},
    {MK_EV_SMTP_HELO, "HELO"},
    {MK_EV_SMTP_MAIL, "MAIL"},
    {MK_EV_SMTP_RCPT, "RCPT"},
    {MK_EV_SMTP_DATA, "DATA"},
    {MK_EV_SMTP_RESET, "RESET"},
    {MK_EV_SMTP_VRFY, "VRFY"},
    {MK_EV_SMTP_EXPN, "EXPN"},
    {MK_EV_SMTP_QUIT, "QUIT"},
    {MK_EV_SMTP_TLS, "TLS"},
    {MK_EV_SMTP_AUTH, "AUTH"},
    {MK_EV_SMTP_DELIVERED, "DELIVERED"},
    {MK_EV_SMTP_ETRN, "ETRN"},
    {MK_EV_SMTP_XCLIENT, "XCLIENT"},
    {MK_EV_SMTP_XFORWARD, "XFORWARD"},
    {MK_EV_SMTP_CLIENTID, "CLIENTID"},
    {MK_EV_SASL, "SASL"},
    {MK_EV_SMTP_REPLY, "REPLY"},
    {MK_EV_SMTP_READY, "READY"},
    {MK_EV_POP3_CONNECT, "CONNECT"},
    {MK_EV_POP3_TLS, "TLS"},
    {MK_EV_POP3_AUTH, "AUTH"},
    {MK_EV_POP3_OPEN, "OPEN"},
    {MK_EV_POP3_STAT, "STAT"},
    {MK_EV_POP3_LIST, "LIST"},
    {MK_EV_POP3_UIDL, "UIDL"},
    {MK_EV_POP3_RETR, "RETR"},
    {MK_EV_POP3_TOP, "TOP"},
    {MK_EV_POP3_DELE, "DELE"},
    {MK_EV_POP3_RSET, "RSET"},
    {MK_EV_POP3_UPDATE, "UPDATE"},
    {MK_EV_POP3_REPLY, "REPLY"},
    {MK_EV_POP3_READY, "READY"},
    {MK_EV_POP3_SIZE, "SIZE"},
    {MK_EV_POP3_UID, "UID"},
};

static const named path_flags[] = {
    {MK_SMTP_PATH_NULL, "null"},     {MK_SMTP_PATH_ROUTE, "route"},
    {MK_SMTP_PATH_QUOTED, "quoted"}, {MK_SMTP_PATH_LITERAL, "literal"},
    {MK_SMTP_PATH_DASH, "dash"},     {MK_SMTP_PATH_NO_DOMAIN, "nodomain"},
    {MK_SMTP_PATH_UTF8, "utf8"},
};

static const named extensions[] = {
    {MK_SMTP_EXTENSION_PIPELINING, "PIPELINING"},
    {MK_SMTP_EXTENSION_SIZE, "SIZE"},
    {MK_SMTP_EXTENSION_8BITMIME, "8BITMIME"},
    {MK_SMTP_EXTENSION_ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES"},
    {MK_SMTP_EXTENSION_STARTTLS, "STARTTLS"},
    {MK_SMTP_EXTENSION_AUTH, "AUTH"},
    {MK_SMTP_EXTENSION_CHUNKING, "CHUNKING"},
    {MK_SMTP_EXTENSION_BINARYMIME, "BINARYMIME"},
    {MK_SMTP_EXTENSION_DSN, "DSN"},
    {MK_SMTP_EXTENSION_SMTPUTF8, "SMTPUTF8"},
    {MK_SMTP_EXTENSION_LIMITS, "LIMITS"},
    {MK_SMTP_EXTENSION_REQUIRETLS, "REQUIRETLS"},
    {MK_SMTP_EXTENSION_MT_PRIORITY, "MT-PRIORITY"},
    {MK_SMTP_EXTENSION_DELIVERBY, "DELIVERBY"},
    {MK_SMTP_EXTENSION_FUTURERELEASE, "FUTURERELEASE"},
    {MK_SMTP_EXTENSION_ETRN, "ETRN"},
    {MK_SMTP_EXTENSION_NO_SOLICITING, "NO-SOLICITING"},
    {MK_SMTP_EXTENSION_XCLIENT, "XCLIENT"},
    {MK_SMTP_EXTENSION_XFORWARD, "XFORWARD"},
    {MK_SMTP_EXTENSION_CLIENTID, "CLIENTID"},
};

static const named capabilities[] = {
    {MK_POP3_CAPABILITY_TOP, "TOP"},
    {MK_POP3_CAPABILITY_USER, "USER"},
    {MK_POP3_CAPABILITY_SASL, "SASL"},
    {MK_POP3_CAPABILITY_RESP_CODES, "RESP-CODES"},
    {MK_POP3_CAPABILITY_LOGIN_DELAY, "LOGIN-DELAY"},
    {MK_POP3_CAPABILITY_PIPELINING, "PIPELINING"},
    {MK_POP3_CAPABILITY_EXPIRE, "EXPIRE"},
    {MK_POP3_CAPABILITY_UIDL, "UIDL"},
    {MK_POP3_CAPABILITY_IMPLEMENTATION, "IMPLEMENTATION"},
    {MK_POP3_CAPABILITY_STLS, "STLS"},
    {MK_POP3_CAPABILITY_AUTH_RESP_CODE, "AUTH-RESP-CODE"},
    {MK_POP3_CAPABILITY_UTF8, "UTF8"},
    {MK_POP3_CAPABILITY_LANG, "LANG"},
    {MK_POP3_CAPABILITY_APOP, "APOP"},
};

static const char *const pop3_verbs[] = {
    "none", "greeting", "USER", "PASS", "APOP", "AUTH", "STLS",
    "CAPA", "UTF8",     "LANG", "STAT", "LIST", "UIDL", "RETR",
    "TOP",  "DELE",     "NOOP", "RSET", "QUIT",
};

/* not those of the library: a build without SASL has none */
static const named mechanisms[] = {
    {MK_SASL_ANONYMOUS, "ANONYMOUS"},
    {MK_SASL_LOGIN, "LOGIN"},
    {MK_SASL_PLAIN, "PLAIN"},
    {MK_SASL_CRAM_MD5, "CRAM-MD5"},
    {MK_SASL_SCRAM_SHA_1, "SCRAM-SHA-1"},
    {MK_SASL_SCRAM_SHA_256, "SCRAM-SHA-256"},
    {MK_SASL_SCRAM_SHA_1_PLUS, "SCRAM-SHA-1-PLUS"},
    {MK_SASL_SCRAM_SHA_256_PLUS, "SCRAM-SHA-256-PLUS"},
    {MK_SASL_XOAUTH2, "XOAUTH2"},
    {MK_SASL_OAUTHBEARER, "OAUTHBEARER"},
    {MK_SASL_EXTERNAL, "EXTERNAL"},
};

static const char *const ask_kinds[] = {
    "?", "PASSWORD", "KEYS", "TOKEN", "EXTERNAL", "ANONYMOUS",
};

static const char *const retries[] = {"NOW", "LATER", "NEVER", "UNKNOWN"};
static const char *const bodies[] = {"UNSTATED", "7BIT", "8BITMIME",
                                     "BINARYMIME"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void key_u64(text *out, const char *key, uint64_t value)
{
    text_z(out, " ");
    text_z(out, key);
    text_z(out, "=");
    text_u64(out, value);
}

static void key_quoted(text *out, const char *key, mk_str value)
{
    text_z(out, " ");
    text_z(out, key);
    text_z(out, "=");
    text_quoted(out, value);
}

/* hostile octets may hold blanks: shown raw only when harmless */
static void word(text *out, mk_str s)
{
    bool plain = s.len > 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        plain = plain && c > 0x20 && c < 0x7F && c != '"' && c != '=';
    }
    text_z(out, " ");
    if (plain) {
        text_str(out, s);
    } else {
        text_quoted(out, s);
    }
}

static void flags(text *out, const named *table, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++) {
        if ((value & table[i].value) != 0) {
            text_z(out, " ");
            text_z(out, table[i].name);
        }
    }
}

static void path(text *out, const mk_smtp_path *p)
{
    if ((p->flags & MK_SMTP_PATH_NULL) != 0) {
        text_z(out, " <>");
    } else {
        word(out, p->mailbox);
    }
    flags(out, path_flags, COUNT(path_flags),
          p->flags & ~(uint32_t)MK_SMTP_PATH_NULL);
    key_quoted(out, "local_part", p->local_part);
    key_quoted(out, "domain", p->domain);
}

static void reply(text *out, const mk_smtp_event *s)
{
    const mk_smtp_reply *r = s->reply;
    text_z(out, " ");
    text_u64(out, r->code);
    if (r->has_enhanced) {
        text_z(out, " ");
        text_u64(out, r->enhanced[0]);
        text_z(out, ".");
        text_u64(out, r->enhanced[1]);
        text_z(out, ".");
        text_u64(out, r->enhanced[2]);
    }
    if (r->clipped) {
        text_z(out, " clipped");
    }
    key_quoted(out, "text", r->text);
}

/* "SASL PASSWORD PLAIN ann secret="…" …" */
static void sasl(text *out, const mk_sasl_ask *ask)
{
    text_z(out, " ");
    text_z(out, ask->kind < COUNT(ask_kinds) ? ask_kinds[ask->kind] : "?");
    flags(out, mechanisms, COUNT(mechanisms), (uint32_t)ask->mechanism);
    word(out, ask->authcid);
    key_quoted(out, "authzid", ask->authzid);
    key_quoted(out, "secret", ask->secret);
    key_u64(out, "tls", ask->tls != NULL);
}

/* "AUTH OK PLAIN ann authzid="" …"; nobody is named when it failed */
static void login(text *out, mk_err err, uint32_t mechanism, mk_str authcid,
                  mk_str authzid)
{
    text_z(out, " ");
    text_z(out, mk_err_name(err));
    flags(out, mechanisms, COUNT(mechanisms), mechanism);
    if (authcid.len > 0) {
        word(out, authcid);
    }
    key_quoted(out, "authzid", authzid);
}

/* "NAME HELO? name="xtext" helo=""": "?" is unknown, "??" for now only */
static void client(text *out, const mk_smtp_client_info *c)
{
    const struct {
        const char *word, *key;
        mk_str value;
    } rows[] = {
        /* clang-format off */
        {"NAME", "name", c->name},            {"ADDR", "addr", c->addr},
        {"PORT", "port", c->port},            {"PROTO", "proto", c->proto},
        {"HELO", "helo", c->helo},            {"LOGIN", "login", c->login},
        {"DESTADDR", "destaddr", c->dest_addr}, {"DESTPORT", "destport", c->dest_port},
        {"IDENT", "ident", c->ident},         {"SOURCE", "source", c->source},
        /* clang-format on */
    };
    for (unsigned i = 0; i < COUNT(rows); i++) {
        if ((c->given & 1U << i) != 0) {
            text_z(out, " ");
            text_z(out, rows[i].word);
            text_z(out, (c->unsure & 1U << i) != 0    ? "??"
                        : (c->unknown & 1U << i) != 0 ? "?"
                                                      : "");
        }
    }
    for (unsigned i = 0; i < COUNT(rows); i++) {
        key_quoted(out, rows[i].key, rows[i].value);
    }
}

static void key_word(text *out, const char *key, const char *value)
{
    text_z(out, " ");
    text_z(out, key);
    text_z(out, "=");
    text_z(out, value);
}

/* of MAIL; what is not asked for is not written */
static void mail_options(text *out, const mk_smtp_mail_options *o)
{
    static const char *const rets[] = {"", "FULL", "HDRS"};
    static const char *const modes[] = {"", "N", "R"};
    uint64_t by = (uint64_t)(o->by_s < 0 ? -(int64_t)o->by_s : o->by_s);
    key_u64(out, "smtputf8", o->is_utf8);
    key_u64(out, "requiretls", o->is_tls_required);
    key_word(out, "ret", o->ret < COUNT(rets) ? rets[o->ret] : "?");
    key_quoted(out, "envid", o->envid);
    key_quoted(out, "auth", o->auth);
    if (o->has_priority) {
        key_word(out, "priority", o->priority < 0 ? "-" : "");
        text_u64(out, (uint64_t)(o->priority < 0 ? -o->priority : o->priority));
    }
    if (o->by != MK_SMTP_BY_UNSTATED) {
        key_word(out, "by", o->by_s < 0 ? "-" : "");
        text_u64(out, by);
        text_z(out, o->by < COUNT(modes) ? modes[o->by] : "?");
        text_z(out, o->is_by_traced ? "T" : "");
    }
    key_u64(out, "hold_for", o->hold_for_s);
    key_quoted(out, "hold_until", o->hold_until);
    key_quoted(out, "solicit", o->solicit);
}

static void rcpt_options(text *out, const mk_smtp_rcpt_options *o)
{
    static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
    const char *comma = "";
    text_z(out, " notify=");
    for (unsigned i = 0; i < COUNT(words); i++) {
        if ((o->notify & 1U << i) != 0) {
            text_z(out, comma);
            text_z(out, words[i]);
            comma = ",";
        }
    }
    key_quoted(out, "orcpt_type", o->orcpt_type);
    key_quoted(out, "orcpt", o->orcpt);
}

static void smtp(text *out, const mk_event *ev)
{
    const mk_smtp_event *s = ev->of.smtp;
    uint32_t type = ev->type;
    if (type == MK_EV_SMTP_REPLY) {
        text_z(out, " ");
        text_z(out, mk_smtp_verb_name(s->verb));
    }
    if (type == MK_EV_SMTP_AUTH) {
        login(out, ev->err, s->mechanism, s->argument, s->authzid);
    }
    if (type == MK_EV_SMTP_TLS && s->tls->is_verified) {
        text_z(out, " verified");
    }
    if (type == MK_EV_SMTP_HELO) {
        word(out, s->argument);
        if ((s->flags & MK_SMTP_EVENT_NAME_VALID) != 0) {
            text_z(out, " valid");
        }
    }
    if (type == MK_EV_SMTP_VRFY || type == MK_EV_SMTP_EXPN ||
        type == MK_EV_SMTP_ETRN || type == MK_EV_SMTP_CLIENTID) {
        word(out, s->argument);
    }
    if (s->client != NULL) {
        client(out, s->client);
    }
    if (s->path != NULL) {
        path(out, s->path);
    }
    if (type == MK_EV_SMTP_MAIL) {
        key_u64(out, "size", s->size);
        text_z(out, " body=");
        text_z(out, s->body < COUNT(bodies) ? bodies[s->body] : "?");
    }
    if (type == MK_EV_SMTP_DATA && s->verb == MK_SMTP_VERB_BDAT) {
        key_u64(out, "size", s->size);
    }
    if (type == MK_EV_SMTP_RESET && ev->err != MK_OK) {
        text_z(out, " why=");
        text_z(out, mk_err_name(ev->err));
    }
    if (s->mail != NULL) {
        mail_options(out, s->mail);
    }
    if (s->rcpt != NULL) {
        rcpt_options(out, s->rcpt);
    }
    if (type == MK_EV_SMTP_VRFY || type == MK_EV_SMTP_EXPN) {
        key_u64(out, "utf8", (s->flags & MK_SMTP_EVENT_UTF8) != 0);
    }
    if (type == MK_EV_SMTP_READY) {
        flags(out, extensions, COUNT(extensions), s->extensions);
        key_u64(out, "size", s->size);
        key_u64(out, "mail_max", s->mail_max);
        key_u64(out, "rcpt_max", s->rcpt_max);
        key_u64(out, "rcpt_domain_max", s->rcpt_domain_max);
    }
    if (type == MK_EV_DONE) {
        text names = {0};
        flags(&names, extensions, COUNT(extensions), s->extensions);
        key_quoted(out, "told", mk_str_sub(text_view(&names), 1, SIZE_MAX));
        text_free(&names);
    }
    if (s->reply != NULL) {
        reply(out, s);
    }
    key_u64(out, "esmtp", (s->flags & MK_SMTP_EVENT_ESMTP) != 0);
    key_u64(out, "index", s->index);
    key_u64(out, "accepted", s->accepted);
    key_u64(out, "tls", s->tls != NULL);
}

/* "REPLY PASS ERR [IN-USE] text="…"" */
static void status(text *out, const mk_pop3_reply *r)
{
    text_z(out, r->is_ok ? " OK" : " ERR");
    if (r->code.len > 0) {
        text code = {0};
        text_z(&code, "[");
        text_str(&code, r->code);
        text_z(&code, "]");
        word(out, text_view(&code));
        text_free(&code);
    }
    if (r->clipped) {
        text_z(out, " clipped");
    }
    key_quoted(out, "text", r->text);
}

static void ready(text *out, const mk_pop3_event *e)
{
    text names = {0};
    flags(out, capabilities, COUNT(capabilities), e->capabilities);
    flags(&names, mechanisms, COUNT(mechanisms), e->mechanism);
    key_quoted(out, "sasl", mk_str_sub(text_view(&names), 1, SIZE_MAX));
    key_u64(out, "login_delay", e->login_delay_s);
    key_u64(out, "expire", e->expire_days);
    text_free(&names);
}

static void number(text *out, uint64_t value)
{
    text_z(out, " ");
    text_u64(out, value);
}

static void pop3(text *out, const mk_event *ev)
{
    const mk_pop3_event *e = ev->of.pop3;
    uint32_t type = ev->type;
    if (type == MK_EV_POP3_REPLY || type == MK_EV_DONE) {
        text_z(out, " ");
        text_z(out, e->verb < COUNT(pop3_verbs) ? pop3_verbs[e->verb] : "?");
    }
    if (type == MK_EV_POP3_AUTH) {
        login(out, ev->err, e->mechanism, e->argument, e->authzid);
    } else if (type == MK_EV_POP3_OPEN) {
        word(out, e->argument);
        key_quoted(out, "authzid", e->authzid);
    } else if (type == MK_EV_POP3_TLS && e->tls->is_verified) {
        text_z(out, " verified");
    } else if (type == MK_EV_POP3_READY) {
        ready(out, e);
    } else if (type == MK_EV_POP3_REPLY) {
        status(out, e->reply);
    } else if (type == MK_EV_POP3_SIZE) {
        number(out, e->number);
        number(out, e->octets);
    } else if (type == MK_EV_POP3_UID) {
        number(out, e->number);
        word(out,
             ev->err != MK_OK ? mk_str_z(mk_err_name(ev->err)) : e->argument);
    } else if (type >= MK_EV_POP3_LIST && type <= MK_EV_POP3_DELE &&
               e->number > 0) {
        number(out, e->number);
    }
    key_u64(out, "lines", e->lines);
    key_u64(out, "number", e->number);
    key_u64(out, "count", e->count);
    key_u64(out, "octets", e->octets);
    key_u64(out, "utf8", (e->flags & MK_POP3_EVENT_UTF8) != 0);
    key_u64(out, "tls", e->tls != NULL);
}

static void fault(text *out, const mk_fault *f)
{
    text_z(out, " ");
    text_z(out, mk_err_name(f->why));
    text_z(out, " retry=");
    text_z(out, f->retry < COUNT(retries) ? retries[f->retry] : "?");
    key_u64(out, "at", f->offset);
    key_quoted(out, "code", f->code);
    key_quoted(out, "text", f->text);
}

static const char *type_name(const mk_event *ev)
{
    if (ev->type == MK_EV_BODY) {
        return (ev->flags & MK_LAST) != 0 ? "END" : "BODY";
    }
    if (ev->type == MK_EV_SMTP_HELO || ev->type == MK_EV_SMTP_DATA) {
        return mk_smtp_verb_name(ev->of.smtp->verb);
    }
    for (size_t i = 0; i < COUNT(types); i++) {
        if (types[i].value == ev->type) {
            return types[i].name;
        }
    }
    return NULL;
}

typedef void details_fn(text *out, const mk_event *ev);

/* what all protocols share, and of theirs what `details` knows */
static void event(text *out, const mk_event *ev, details_fn *details)
{
    const char *name = type_name(ev);
    if (name == NULL) {
        text_z(out, "EVENT ");
        text_u64(out, ev->type);
    } else {
        text_z(out, name);
    }
    if (ev->type == MK_EV_DONE || ev->type == MK_EV_WITHDRAWN) {
        text_z(out, " ");
        text_z(out, mk_err_name(ev->err));
    }
    if (ev->type == MK_EV_FAULT) {
        fault(out, ev->of.fault);
    } else if (ev->type == MK_EV_SASL) {
        sasl(out, ev->of.sasl);
    } else if (ev->of.any != NULL) {
        details(out, ev);
    }
    if (ev->type == MK_EV_BODY) {
        key_u64(out, "size", ev->size);
    }
    key_u64(out, "op", ev->op);
    if ((ev->flags & MK_ASK) != 0) {
        text_z(out, " ask");
    }
    if ((ev->flags & MK_UNASKED) != 0) {
        text_z(out, " unasked");
    }
}

void trace_event(text *out, const mk_event *ev)
{
    event(out, ev, smtp);
}

void trace_pop3_event(text *out, const mk_event *ev)
{
    event(out, ev, pop3);
}

/* ---- matching ------------------------------------------------------------ */

typedef struct token {
    const char *ptr;
    size_t len;
    bool keyed;
} token;

/* the next token of *io_z; false at the end */
static bool next_token(const char **io_z, token *out)
{
    const char *z = *io_z;
    bool quoted = false;
    while (*z == ' ') {
        z++;
    }
    out->ptr = z;
    out->keyed = false;
    while (*z != '\0' && (quoted || *z != ' ')) {
        if (quoted && *z == '\\' && z[1] != '\0') {
            z++;
        } else if (*z == '"') {
            quoted = !quoted;
        } else if (*z == '=' && !quoted) {
            out->keyed = true;
        }
        z++;
    }
    out->len = (size_t)(z - out->ptr);
    *io_z = z;
    return out->len > 0;
}

bool trace_fits(const char *expected, const char *got)
{
    token want;
    token have;
    bool more = next_token(&expected, &want);
    while (next_token(&got, &have)) {
        bool same = more && want.len == have.len &&
                    memcmp(want.ptr, have.ptr, have.len) == 0;
        if (same) {
            more = next_token(&expected, &want);
        } else if (!have.keyed) {
            return false;
        }
    }
    return !more;
}

bool trace_err_named(const char *name, size_t n, mk_err *out_err)
{
    static const struct {
        const char *name;
        mk_err err;
    } table[] = {
#define ROW(id, value, phrase) {#id, MK_##id},
        MK_ERR_TABLE(ROW)
#undef ROW
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0) {
            *out_err = table[i].err;
            return true;
        }
    }
    return false;
}

uint64_t trace_hash(uint64_t hash, const void *octets, size_t n)
{
    const unsigned char *p = octets;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ p[i]) * 0x100000001B3u;
    }
    return hash;
}
