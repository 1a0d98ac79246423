/* SPDX-License-Identifier: MIT
 *
 * client_login.c: what is SMTP's own of a login (RFC 4954 4): the choice, and
 * the lines in which challenges stand. All else is in wire/client_login.c. It
 * knows no mechanism.
 */
#include "smtp/client_internal.h"

/* Would there be a way if the channel were safe? */
static mk_err why_none(const mk_client *core)
{
    mk_sasl_client_config free_and_easy = *core->sasl_config;

    free_and_easy.is_clear_allowed = true;
    return core->sasl->choose(&free_and_easy, core->mechanisms, core->tls) ==
                   MK_SASL_NONE
               ? MK_E_UNSUPPORTED
               : MK_E_CLEARTEXT;
}

void mk_smtp_client_login(mk_smtp_client *c)
{
    mk_client *core = &c->core;
    mk_err err;

    core->mechanism =
        core->sasl->choose(core->sasl_config, core->mechanisms, core->tls);
    err = core->mechanism == MK_SASL_NONE ? why_none(core)
                                          : mk_client_login_open(core);
    if (err == MK_OK) {
        mk_smtp_client_begin(c, CLIENT_AUTH, MK_SMTP_VERB_AUTH);
    } else {
        mk_client_turn_away(core, err, MK_RETRY_LATER,
                            "there is no way to log in");
    }
}

/* "334" SP [base64], in one line */
void mk_smtp_client_login_line(mk_smtp_client *c, mk_str line)
{
    if (c->reader.reply.code != 334 || c->core.login == NULL) {
        return;
    }
    if (c->reader.lines > 1 || !c->reader.is_done) {
        c->core.sasl->fail(c->core.login, MK_E_PROTOCOL);
    }
    mk_client_login_hear(&c->core, mk_str_sub(line, 4, SIZE_MAX));
}

void mk_smtp_client_hear_auth(mk_smtp_client *c, unsigned first_digit)
{
    if (first_digit != 3 || c->core.is_cancelling) {
        mk_client_login_heard(&c->core, first_digit == 2, MK_RETRY_LATER);
    }
}
