/* SPDX-License-Identifier: MIT
 *
 * outcome.c: see outcome.h. The verdict on a recipient is the reply that
 * decided: the one to RCPT when that refused, else the one to the message: as
 * a whole (RFC 5321 3.3), or over LMTP for this recipient (RFC 2033 4.2). Text
 * of the server is escaped before it is printed.
 */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

static const char *const verdict_names[] = {
    "unknown", "delivered", "deferred", "refused", "unknown",
};

bool outcome_init(outcome *o, const outcome_session *session,
                  const mk_str *addresses, size_t count)
{
    memset(o, 0, sizeof *o);
    o->session = session;
    o->addresses = addresses;
    o->count = count;
    o->answers = calloc(count, sizeof *o->answers);
    return o->answers != NULL;
}

void outcome_fini(outcome *o)
{
    size_t i;

    for (i = 0; o->answers != NULL && i < o->count; i++) {
        free(o->answers[i].text);
    }
    free(o->answers);
    o->answers = NULL;
}

void outcome_session_fini(outcome_session *s)
{
    free(s->last.text);
    s->last.text = NULL;
}

static void settle(answer *a, verdict_kind verdict, mk_str text)
{
    free(a->text);
    memset(a, 0, sizeof *a);
    a->verdict = verdict;
    a->text = malloc(text.len + 1);
    if (a->text != NULL && text.len > 0) {
        memcpy(a->text, text.ptr, text.len);
        a->text_len = text.len;
    }
}

static void settle_by_reply(answer *a, const mk_smtp_event *event)
{
    const mk_smtp_reply *reply = event->reply;

    settle(a,
           reply->code < 400   ? VERDICT_DELIVERED
           : reply->code < 500 ? VERDICT_DEFERRED
                               : VERDICT_REFUSED,
           reply->text);
    a->code = reply->code;
    a->verb = event->verb;
    a->has_enhanced = reply->has_enhanced;
    memcpy(a->enhanced, reply->enhanced, sizeof a->enhanced);
}

static void settle_rest(outcome *o, const mk_smtp_event *event)
{
    size_t i;

    for (i = 0; i < o->count; i++) {
        if (o->answers[i].verdict == VERDICT_NONE) {
            settle_by_reply(&o->answers[i], event);
        }
    }
}

static void settle_one(outcome *o, const mk_smtp_event *event)
{
    if (event->index < o->count &&
        o->answers[event->index].verdict == VERDICT_NONE) {
        settle_by_reply(&o->answers[event->index], event);
    }
}

bool outcome_session_reply(outcome_session *s, const mk_smtp_event *event)
{
    switch (event->verb) {
    case MK_SMTP_VERB_CONNECT:
    case MK_SMTP_VERB_EHLO: /* HELO may yet do */
    case MK_SMTP_VERB_HELO:
    case MK_SMTP_VERB_LHLO:
    case MK_SMTP_VERB_AUTH:
    case MK_SMTP_VERB_XCLIENT:
    case MK_SMTP_VERB_NONE:
        break;
    default: /* 421: of the connection, whatever it replies to */
        if (event->reply->code != 421 || event->verb == MK_SMTP_VERB_END) {
            return false;
        }
        break;
    }
    settle_by_reply(&s->last, event);
    return true;
}

void outcome_reply(outcome *o, const mk_smtp_event *event)
{
    const mk_smtp_reply *reply = event->reply;
    bool is_refusal = reply->code >= 400;

    switch (event->verb) {
    case MK_SMTP_VERB_RCPT:
        if (is_refusal) {
            settle_one(o, event);
        }
        break;
    case MK_SMTP_VERB_MAIL:
    case MK_SMTP_VERB_DATA:
    case MK_SMTP_VERB_BDAT:
        if (is_refusal) {
            settle_rest(o, event);
        }
        break;
    case MK_SMTP_VERB_END:
        if (!is_refusal && reply->code >= 300) { /* 354 here answers nothing */
            break;
        }
        if (o->session->is_lmtp) {
            settle_one(o, event);
        } else {
            settle_rest(o, event);
        }
        break;
    default:
        break;
    }
}

static void settle_broken(outcome *o, answer *a, verdict_kind verdict,
                          mk_str why)
{
    const answer *last = &o->session->last;

    if (last->code < 400) {
        settle(a, verdict, why);
        return;
    }
    settle(a, verdict, mk_str_of(last->text, last->text_len));
    a->code = last->code;
    a->verb = last->verb;
    a->has_enhanced = last->has_enhanced;
    memcpy(a->enhanced, last->enhanced, sizeof a->enhanced);
}

void outcome_break(outcome *o, mk_retry retry, mk_str why, int code)
{
    static const verdict_kind verdicts[] = {
        [MK_RETRY_NOW] = VERDICT_DEFERRED,
        [MK_RETRY_LATER] = VERDICT_DEFERRED,
        [MK_RETRY_NEVER] = VERDICT_REFUSED,
        [MK_RETRY_UNKNOWN] = VERDICT_UNKNOWN,
    };
    size_t i;

    for (i = 0; i < o->count; i++) {
        if (o->answers[i].verdict == VERDICT_NONE) {
            settle_broken(o, &o->answers[i], verdicts[retry], why);
            o->broken = code;
        }
    }
}

static void print_code(const answer *a, const char *between)
{
    if (a->code > 0) {
        printf("%u", a->code);
    } else {
        putchar('-');
    }
    fputs(between, stdout);
    if (a->has_enhanced) {
        printf("%u.%u.%u", a->enhanced[0], a->enhanced[1], a->enhanced[2]);
    } else {
        putchar('-');
    }
}

static void print_line(const char *file, mk_str address, const answer *a)
{
    if (file != NULL) {
        tool_print_escaped(stdout, mk_str_z(file));
        putchar('\t');
    }
    tool_print_escaped(stdout, address);
    putchar('\t');
    print_code(a, "\t");
    putchar('\t');
    tool_print_escaped(stdout, mk_str_of(a->text, a->text_len));
    fputs(a->verdict == VERDICT_UNKNOWN ? "; it may have been delivered\n"
                                        : "\n",
          stdout);
}

static void print_object(mk_str address, const answer *a, bool is_first)
{
    fputs(is_first ? "\n    {\"address\": " : ",\n    {\"address\": ", stdout);
    tool_print_json(stdout, address);
    printf(", \"verdict\": \"%s\", \"code\": ", verdict_names[a->verdict]);
    if (a->code > 0) {
        printf("%u", a->code);
    } else {
        fputs("null", stdout);
    }
    fputs(", \"command\": ", stdout);
    if (a->code > 0 && a->verb != MK_SMTP_VERB_NONE) {
        tool_print_json(stdout, mk_str_z(mk_smtp_verb_name(a->verb)));
    } else {
        fputs("null", stdout);
    }
    fputs(", \"enhanced\": ", stdout);
    if (a->has_enhanced) {
        printf("\"%u.%u.%u\"", a->enhanced[0], a->enhanced[1], a->enhanced[2]);
    } else {
        fputs("null", stdout);
    }
    fputs(", \"text\": ", stdout);
    tool_print_json(stdout, mk_str_of(a->text, a->text_len));
    putchar('}');
}

static void print_head(const outcome *o, int code, size_t delivered)
{
    putchar('{');
    if (o->file != NULL) {
        fputs("\"file\": ", stdout);
        tool_print_json(stdout, mk_str_z(o->file));
        fputs(", ", stdout);
    }
    printf("\"exit\": %d, \"delivered\": %zu, \"tls\": ", code, delivered);
    tool_print_session(o->session->tls, o->session->login);
    fputs(", \"recipients\": [", stdout);
}

/* What broke for good tells most; then one refused for good; then "later". */
static int exit_code(const outcome *o, const size_t *counts)
{
    if (o->broken != 0 &&
        (o->broken != TOOL_TEMPFAIL || counts[VERDICT_REFUSED] == 0)) {
        return o->broken;
    }
    if (counts[VERDICT_REFUSED] > 0) {
        return TOOL_UNAVAILABLE;
    }
    return counts[VERDICT_DELIVERED] == o->count ? TOOL_OK : TOOL_TEMPFAIL;
}

int outcome_print(const outcome *o, bool is_json)
{
    size_t counts[sizeof verdict_names / sizeof *verdict_names] = {0};
    size_t i;
    int code;

    for (i = 0; i < o->count; i++) {
        counts[o->answers[i].verdict]++;
    }
    code = exit_code(o, counts);
    if (is_json) {
        print_head(o, code, counts[VERDICT_DELIVERED]);
    }
    for (i = 0; i < o->count; i++) {
        if (is_json) {
            print_object(o->addresses[i], &o->answers[i], i == 0);
        } else {
            print_line(o->file, o->addresses[i], &o->answers[i]);
        }
    }
    if (is_json) {
        fputs("\n]}\n", stdout);
    }
    return tool_close_output(code);
}

/* 0, then what may be tried again, then what is refused, then the rest, of
 * which the first counts. */
static int weight(int code)
{
    return code == TOOL_OK            ? 0
           : code == TOOL_TEMPFAIL    ? 1
           : code == TOOL_UNAVAILABLE ? 2
                                      : 3;
}

int outcome_worse(int a, int b)
{
    return weight(b) > weight(a) ? b : a;
}
