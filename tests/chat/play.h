/* SPDX-License-Identifier: MIT
 *
 * play.h: one performance of a dialogue: an engine of one role, opened with
 * the dialogue's settings and driven in one way of cutting input, of
 * acknowledging output and of lending memory. play.c follows the script,
 * actions.c does what A: lines say, settings.c what @ lines say, login.c what
 * has to do with TLS and SASL.
 */
#ifndef CHAT_PLAY_H
#define CHAT_PLAY_H

#include <mailkit/sasl.h>
#include <mailkit/smtp.h>

#include "chat.h"
#include "rig.h"
#include "text.h"
#include "trace.h"

enum { LENT_MAX = 8 };

typedef struct manner {
    size_t chunk; /* octets offered at once; 0: whole groups */
    bool drip;    /* acknowledge octet by octet, stepping between */
    bool pool;    /* text unit from a pool of one */
    bool feed;    /* through mk_feed */
} manner;

typedef struct piece {
    char *ptr;
    size_t len;
} piece;

typedef struct play {
    const chat *chat;
    chat_role role;
    manner how;
    /* the engine */
    mk_smtp_server_config server;
    mk_smtp_client_config client;
    mk_sasl_server_config server_sasl;
    mk_sasl_client_config client_sasl;
    mk_tls_info tls;
    bool tls_wanted; /* MK_EV_TLS_WANTED was seen */
    mk_pool pool;
    mk_pool rooms; /* of logins */
    void *block;
    void *held_unit; /* A: pool take */
    void *held_room; /* A: room take */
    mk_engine *engine;
    rig rig;
    /* the script */
    size_t pos;
    size_t end;   /* of this turn */
    text pending; /* of the peer, not yet offered */
    bool eof;     /* comes behind pending */
    mk_err eof_why;
    mk_op op;      /* of the last event */
    mk_op verb_op; /* of the last client verb */
    bool deaf;     /* A: deaf: the peer takes no octets */
    /* what was seen */
    size_t events;
    text out; /* in this turn */
    text all_out;
    text trace; /* all events */
    text run;   /* body octets not yet matched */
    bool in_run;
    bool run_any; /* matched by E: BODY … already */
    uint64_t body_at;
    /* what was lent */
    text body; /* to be lent */
    bool body_last;
    bool body_open; /* more or last is still to be lent */
    size_t body_room;
    piece lent[LENT_MAX];
    size_t lent_count;
    mk_smtp_envelope *envelope;
    mk_str *forward_paths;
    char *envelope_text;
    text last_words; /* of finish */
    bool failed;
} play;

/* Perform; false when something was not as written (told on stderr). */
bool play_run(play *p);
void play_fini(play *p);
void play_fail(play *p, unsigned line, const char *expected, const char *got);

/* settings.c: open the engine as the @ lines say */
bool play_open(play *p);

/* login.c */
void play_tls(play *p, const chat_item *item);
bool play_open_login(play *p);
mk_err play_login(play *p, const char *z);

/* actions.c */
void play_act(play *p, const chat_item *item);
void play_lend(play *p);
/* MK_EV_WANTED and MK_EV_DONE give lent things back */
void play_wanted(play *p, const mk_event *ev);
void play_give_back(play *p);

#endif
