/* SPDX-License-Identifier: MIT
 *
 * pop3/verbs.c: the names of the verbs (RFC 1939 9, 2449, 2595, 5034, 6856),
 * for both machines, logs and dialogues. Which of them is legal where stands
 * in the tables of the machines, not here.
 */
#include <mailkit/pop3.h>

const char *mk_pop3_verb_name(mk_pop3_verb verb)
{
    static const char *const names[] = {
        [MK_POP3_VERB_NONE] = "none", [MK_POP3_VERB_CONNECT] = "greeting",
        [MK_POP3_VERB_USER] = "USER", [MK_POP3_VERB_PASS] = "PASS",
        [MK_POP3_VERB_APOP] = "APOP", [MK_POP3_VERB_AUTH] = "AUTH",
        [MK_POP3_VERB_STLS] = "STLS", [MK_POP3_VERB_CAPA] = "CAPA",
        [MK_POP3_VERB_UTF8] = "UTF8", [MK_POP3_VERB_LANG] = "LANG",
        [MK_POP3_VERB_STAT] = "STAT", [MK_POP3_VERB_LIST] = "LIST",
        [MK_POP3_VERB_UIDL] = "UIDL", [MK_POP3_VERB_RETR] = "RETR",
        [MK_POP3_VERB_TOP] = "TOP",   [MK_POP3_VERB_DELE] = "DELE",
        [MK_POP3_VERB_NOOP] = "NOOP", [MK_POP3_VERB_RSET] = "RSET",
        [MK_POP3_VERB_QUIT] = "QUIT",
    };
    unsigned i = (unsigned)verb;
    return i < sizeof names / sizeof names[0] ? names[i] : "?";
}
