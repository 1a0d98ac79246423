/* SPDX-License-Identifier: MIT
 *
 * smtp/verbs.c: the names of the verbs (RFC 5321 4.1.1), for both machines,
 * logs and dialogues. Which of them is legal where stands in the tables of the
 * machines, not here.
 */
#include <mailkit/smtp.h>

const char *mk_smtp_verb_name(mk_smtp_verb verb)
{
    static const char *const names[] = {
        [MK_SMTP_VERB_NONE] = "none",
        [MK_SMTP_VERB_CONNECT] = "greeting",
        [MK_SMTP_VERB_HELO] = "HELO",
        [MK_SMTP_VERB_EHLO] = "EHLO",
        [MK_SMTP_VERB_MAIL] = "MAIL",
        [MK_SMTP_VERB_RCPT] = "RCPT",
        [MK_SMTP_VERB_DATA] = "DATA",
        [MK_SMTP_VERB_END] = "end of data",
        [MK_SMTP_VERB_RSET] = "RSET",
        [MK_SMTP_VERB_NOOP] = "NOOP",
        [MK_SMTP_VERB_QUIT] = "QUIT",
        [MK_SMTP_VERB_VRFY] = "VRFY",
        [MK_SMTP_VERB_EXPN] = "EXPN",
        [MK_SMTP_VERB_HELP] = "HELP",
        [MK_SMTP_VERB_STARTTLS] = "STARTTLS",
        [MK_SMTP_VERB_AUTH] = "AUTH",
        [MK_SMTP_VERB_LHLO] = "LHLO",
        [MK_SMTP_VERB_BDAT] = "BDAT",
        [MK_SMTP_VERB_ETRN] = "ETRN",
        [MK_SMTP_VERB_XCLIENT] = "XCLIENT",
        [MK_SMTP_VERB_XFORWARD] = "XFORWARD",
        [MK_SMTP_VERB_CLIENTID] = "CLIENTID",
    };
    unsigned i = (unsigned)verb;
    return i < sizeof names / sizeof names[0] ? names[i] : "?";
}
