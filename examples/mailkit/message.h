/* SPDX-License-Identifier: MIT
 *
 * message.h: one message of `mailkit send` under way: its envelope, its file,
 * and what became of it. It is read while it goes out; what cannot be read to
 * its end, or holds what SMTP cannot carry, is cancelled.
 */
#ifndef MAILKIT_MESSAGE_H
#define MAILKIT_MESSAGE_H

#include "outcome.h"
#include "progress.h"
#include "send.h"
#include "source.h"

/* Why a session ended before its time. */
typedef struct breakage {
    bool is_there;
    mk_retry retry;
    int code;
    char text[256];
    size_t text_len;
} breakage;

/* What all messages of a session share. */
typedef struct errand {
    const send_options *options;
    mk_smtp_rcpt_options *rcpts; /* a recipient each; NULL: nothing is asked */
    size_t rcpt_max;             /* of one message; 0: any number */
    mk_engine *engine;
    uint32_t offered; /* mk_smtp_extension, or-ed */
    outcome_session session;
    breakage breakage;
} errand;

/* Where in the work something begins: a file, and a recipient of its. */
typedef struct place {
    size_t file;
    size_t rcpt;
} place;

typedef struct message {
    place place;
    size_t count; /* of recipients */
    mk_op op;
    bool is_faulty; /* it has a retry class of its own */
    mk_retry retry;
    mk_err unfit; /* why it could not be given in full */
    bool is_read; /* some of it was lent */
    bool is_lent; /* to its end */
    mk_str span;  /* that was read and not lent, while has_span */
    bool has_span, is_last_span;
    bool is_over;
    mk_smtp_envelope envelope;
    outcome outcome;
    progress progress;
    source source;
} message;

/* The envelope of all of them. */
void message_envelope(const errand *e, mk_smtp_envelope *out_envelope);
/* Start anew, for as many recipients as one message may have, and move behind
 * them; a source that is open already for the file stays so. False: out of
 * memory, which was complained; nothing is told of it. */
bool message_init(message *m, const errand *e, place *io_place);
/* Give it to the engine; or it is over. */
void message_begin(message *m, const errand *e, place *io_place);
/* Lend as many spans of its body. */
void message_lend(message *m, const errand *e, size_t room);
/* It is over: why, unless the session broke. */
void message_finish(message *m, const errand *e, mk_err why);
/* Let go of all, and tell nothing. */
void message_drop(message *m);
/* Tell what became of it and let go of all; gives the exit code. */
int message_close(message *m, const errand *e);

#endif
