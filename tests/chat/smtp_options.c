/* SPDX-License-Identifier: MIT
 *
 * smtp_options.c: what a message of a dialogue asks for beyond delivery, and
 * what a client tells of whom it speaks for: the keys of `send` that become
 * parameters of MAIL and RCPT, and the attributes of `xclient` and `xforward`.
 */
#include "play.h"

#include <stdlib.h>
#include <string.h>

static const bit rets[] = {
    {"FULL", MK_SMTP_RET_FULL},
    {"HDRS", MK_SMTP_RET_HDRS},
    {NULL, 0},
};

static const bit notifies[] = {
    {"NEVER", MK_SMTP_NOTIFY_NEVER},
    {"SUCCESS", MK_SMTP_NOTIFY_SUCCESS},
    {"FAILURE", MK_SMTP_NOTIFY_FAILURE},
    {"DELAY", MK_SMTP_NOTIFY_DELAY},
    {NULL, 0},
};

/* the number that a word stands for; 0: for none */
static uint32_t named(const bit *names, mk_str word)
{
    while (names->name != NULL && !mk_str_is(word, mk_str_z(names->name))) {
        names++;
    }
    return names->value;
}

static int32_t signed_of(mk_str s)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t n = 0;
    mk_str_u64(mk_str_sub(s, is_negative, SIZE_MAX), &n);
    return is_negative ? -(int32_t)n : (int32_t)n;
}

/* the next of a list, which goes on behind it */
static mk_str next_of(mk_str *io_list, unsigned char between)
{
    mk_str one = mk_str_sub(*io_list, 0, mk_str_find(*io_list, between));
    *io_list = mk_str_sub(*io_list, one.len + 1, SIZE_MAX);
    return one;
}

/* by=120;RT priority=-3 utf8=1 … */
static void fill_mail(mk_smtp_mail_options *o, const char *z, char **io_room)
{
    uint64_t hold_for_s = 0;
    mk_str priority = play_value(z, " priority=", io_room);
    mk_str by = play_value(z, " by=", io_room);
    memset(o, 0, sizeof *o);
    o->size = sizeof *o;
    o->is_utf8 = play_value(z, " utf8=", io_room).len > 0;
    o->is_tls_required = play_value(z, " requiretls=", io_room).len > 0;
    o->ret = (mk_smtp_ret)named(rets, play_value(z, " ret=", io_room));
    o->envid = play_value(z, " envid=", io_room);
    o->auth = play_value(z, " auth=", io_room);
    o->has_priority = priority.len > 0;
    o->priority = (int8_t)signed_of(priority);
    o->by_s = signed_of(next_of(&by, ';'));
    if (by.len > 0) {
        o->by = by.ptr[0] == 'R' ? MK_SMTP_BY_RETURN : MK_SMTP_BY_NOTIFY;
    }
    o->is_by_traced = by.len > 1;
    mk_str_u64(play_value(z, " hold_for=", io_room), &hold_for_s);
    o->hold_for_s = (uint32_t)hold_for_s;
    o->hold_until = play_value(z, " hold_until=", io_room);
    o->solicit = play_value(z, " solicit=", io_room);
}

/* of the recipients in their order: notify=NEVER,SUCCESS+DELAY
 * orcpt=rfc822;a@b,utf-8;c@d */
static void fill_rcpts(mk_smtp_rcpt_options *o, size_t count, const char *z,
                       char **io_room)
{
    mk_str orcpts = play_value(z, " orcpt=", io_room);
    mk_str lists = play_value(z, " notify=", io_room);
    for (size_t i = 0; i < count; i++, o++) {
        mk_str list = next_of(&lists, ',');
        mk_str orcpt = next_of(&orcpts, ',');
        memset(o, 0, sizeof *o);
        o->size = sizeof *o;
        while (list.len > 0) {
            o->notify |= named(notifies, next_of(&list, '+'));
        }
        o->orcpt_type = next_of(&orcpt, ';');
        o->orcpt = orcpt;
    }
}

static bool asks_for(const char *z)
{
    static const char *const keys[] = {
        " utf8=",   " requiretls=", " ret=",        " envid=",
        " auth=",   " priority=",   " by=",         " hold_for=",
        " notify=", " orcpt=",      " hold_until=", " solicit=",
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strstr(z, keys[i]) != NULL) {
            return true;
        }
    }
    return false;
}

void play_ask(letter *it, const char *z, char **io_room)
{
    size_t count = it->envelope->forward_count;
    mk_smtp_rcpt_options *rcpts;
    mk_smtp_mail_options *mail;
    if (!asks_for(z)) {
        return;
    }
    it->options = mail = malloc(sizeof *mail + count * sizeof *rcpts);
    if (mail == NULL) {
        abort();
    }
    rcpts = (mk_smtp_rcpt_options *)(void *)(mail + 1);
    fill_mail(mail, z, io_room);
    fill_rcpts(rcpts, count, z, io_room);
    mk_smtp_envelope_ask(it->envelope, mail, rcpts);
}

/* NAME=spike.example ADDR=-, where - is what nobody knows */
static void fill_info(mk_smtp_client_info *info, mk_str rest)
{
    static const char *const words[] = {
        "NAME",  "ADDR",     "PORT",     "PROTO", "HELO",
        "LOGIN", "DESTADDR", "DESTPORT", "IDENT", "SOURCE"};
    mk_str *const fields[] = {&info->name,      &info->addr,      &info->port,
                              &info->proto,     &info->helo,      &info->login,
                              &info->dest_addr, &info->dest_port, &info->ident,
                              &info->source};
    while (rest.len > 0) {
        mk_str value = next_of(&rest, ' ');
        mk_str word = next_of(&value, '=');
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if (mk_str_is(word, mk_str_z(words[i]))) {
                bool is_unsure = mk_str_is(value, mk_str_z("--"));
                bool is_unknown = is_unsure || mk_str_is(value, mk_str_z("-"));
                info->given |= UINT32_C(1) << i;
                info->unknown |= is_unknown ? UINT32_C(1) << i : 0;
                info->unsure |= is_unsure ? UINT32_C(1) << i : 0;
                *fields[i] = is_unknown ? mk_str_of(NULL, 0) : value;
            }
        }
    }
}

mk_err play_introduce(play *p, mk_smtp_verb verb, const char *z)
{
    mk_smtp_client_info info = {0};
    text quoted = {0};
    text plain = {0};
    text_z(&quoted, "\"");
    text_z(&quoted, z);
    text_z(&quoted, "\"");
    z = text_c(&quoted);
    text_unquote(&plain, &z);
    char *fresh = play_copy(plain.ptr, plain.len);
    fill_info(&info, mk_str_of(fresh, plain.len));
    mk_err err = mk_smtp_client_introduce(p->engine, verb, &info, &p->verb_op);
    free(fresh); /* borrowed for the call */
    text_free(&quoted);
    text_free(&plain);
    return err;
}
