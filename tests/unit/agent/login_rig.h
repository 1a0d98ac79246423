/* SPDX-License-Identifier: MIT
 *
 * login_rig.h: an engine over the service's that catches what is said about
 * logins, so that their questions can be asked in any order, also in those
 * that a whole SMTP machine never takes; and an authenticator that does as it
 * is told.
 */
#ifndef UNIT_AGENT_LOGIN_RIG_H
#define UNIT_AGENT_LOGIN_RIG_H

#include "house.h"

#define RIG_OP 77u /* of all questions that are asked through it */

typedef struct login_rig {
    void *base[2]; /* of the engine */
    mk_engine *inner;
    struct login_rig *other; /* of the second connection */
    unsigned answers, laters, closed;
    mk_answer answer; /* the last */
    bool has_keys;
    mk_sasl_keys keys; /* lengths only but for password */
    char password[256];
    mk_err answer_err; /* given back by the next answer; MK_OK: taken */
    mk_err later_err;
    mk_err wrap_err; /* the wrap fails with it */
    bool is_asking;  /* a question is open */
} login_rig;

/* For house_plan.wrap; self is a login_rig. */
mk_err login_rig_wrap(void *self, mk_engine *inner, mk_engine **out_outer);

/* The engine asks. What the service does before it returns is in the rig. */
void login_rig_ask(mk_conn *c, login_rig *r, const mk_sasl_ask *question);
/* It tells that the login ended. */
void login_rig_end(mk_conn *c, mk_err err, const char *authcid,
                   mk_sasl_mechanism mechanism);
/* It withdraws the question. */
void login_rig_withdraw(mk_conn *c, login_rig *r, mk_err why);
/* TLS is up. */
void login_rig_tls(mk_conn *c, const mk_tls_info *info);

typedef enum login_act {
    LOGIN_YES,
    LOGIN_NO,
    LOGIN_LATER,
    LOGIN_WAIT,
    LOGIN_ABORT,    /* closes the connection from inside */
    LOGIN_ABORT_NOW /* with a host that does so at once */
} login_act;

/* An authenticator of the test's own. */
typedef struct login_judge {
    login_act act;
    const char *login; /* with YES */
    unsigned asked, withdrawn;
    mk_ask ask;
    mk_str authcid; /* a copy's view */
    char octets[512];
    mk_conn *conn;
} login_judge;

void login_judge_fill(login_judge *j, mk_authenticator *out);

#endif
