/* SPDX-License-Identifier: MIT
 *
 * maildrop_internal.h: POP3 sessions and what they open, shared by maildrop.c
 * (the service), maildrop_drop.c (the maildrop), maildrop_stream.c (a message
 * on its way out) and maildrop_job.c (what runs on workers). A session has one
 * job. While it runs, the loop touches neither the drop nor the stream that the
 * job has, but what is marked so; either may be the session's no more by then,
 * and is freed when the job is done.
 */
#ifndef AGENT_MAILDROP_INTERNAL_H
#define AGENT_MAILDROP_INTERNAL_H

#include <mailkit/maildrop.h>

#include "internal.h"

/* What a login opened. */
typedef struct drop {
    mk_maildir_list *list; /* NULL: not open yet */
    unsigned char *marks;  /* a bit each; the loop's but for STEP_REMOVE */
    size_t marks_bytes;
    size_t memory;   /* counted for list and marks */
    uint32_t count;  /* loop */
    uint32_t marked; /* loop */
    uint64_t marked_bytes;
    uint32_t retrieved;  /* loop */
    uint64_t sent_bytes; /* loop */
    mk_maildir_removed removed;
    mk_err err;   /* of the last job */
    bool is_over; /* loop: QUIT was said and all that was marked is gone */
    size_t bytes;
    mk_str user; /* views of `name` */
    mk_str domain;
    char name[]; /* user@domain */
} drop;

/* A part of a message in memory. */
typedef enum piece_state { PIECE_FREE, PIECE_FULL, PIECE_LENT } piece_state;

typedef struct piece {
    char *mem;
    size_t len;
    uint8_t state; /* piece_state */
} piece;

/* A message on its way out. Pieces are filled and lent in turns. */
typedef struct stream {
    mk_maildir_reader reader;
    piece pieces[2];
    size_t piece_bytes; /* of each */
    uint32_t piece_count;
    uint32_t index;  /* of the message, from 0 */
    uint32_t filled; /* pieces so far */
    uint32_t lent;   /* loop: pieces so far */
    uint64_t room;   /* loop: spans that the engine takes now */
    mk_op op;
    mk_err err;         /* of the last job */
    bool is_ascii_only; /* the header must be */
    bool is_read;       /* the job's: the reader gave the last octet */
    bool is_whole;      /* loop: nothing follows what was filled */
    bool is_top;        /* its size is not that of the message */
} stream;

typedef enum drop_step {
    STEP_NONE = 0,
    STEP_OPEN = 1,  /* list the maildrop */
    STEP_BEGIN = 2, /* open a message and fill the first piece */
    STEP_READ = 3,  /* fill the next */
    STEP_REMOVE = 4 /* what is marked */
} drop_step;

/* One connection; its engine lies behind it in the same block. */
typedef struct drop_session {
    mk_job job; /* first */
    mk_maildrop *m;
    mk_conn *conn;     /* NULL once the connection is gone */
    mk_engine *engine; /* likewise */
    login_state *login;
    drop *drop;         /* NULL: none, or it is being opened anew */
    stream *stream;     /* NULL: none */
    drop *job_drop;     /* the job's */
    stream *job_stream; /* likewise */
    struct drop_session *queued_next;
    uint64_t began_ms;
    uint32_t number;   /* rows: the next, from 1 */
    mk_op op;          /* the question that waits for a job; 0: none */
    mk_op rows_op;     /* rows are being told; 0: none */
    mk_err fault;      /* the peer's */
    uint8_t step;      /* drop_step, of the job; NONE: it does not run */
    uint8_t next_step; /* to be begun when it is done */
    bool is_uidl : 1;  /* rows */
    bool is_queued : 1;
    bool running : 1; /* inside the authenticator */
    bool is_tls : 1;
    mk_peer peer;
} drop_session;

struct mk_maildrop {
    mk_maildrop_config c;
    size_t engine_bytes;
    mk_asker asker;
    login_desk desk;
    size_t sessions;
    size_t memory;
    uint32_t openings;    /* jobs that list */
    drop_session *queued; /* wait for their turn to list */
};

/* ---- maildrop.c ---------------------------------------------------------- */

/* Tell the log how it went with the maildrop. */
void mk_agent_drop_record_end(const drop_session *s);
/* Free a session that is over, unless its job runs. */
void mk_agent_drop_release(drop_session *s);

/* ---- maildrop_drop.c ----------------------------------------------------- */

/* Count memory in; false: it would be too much. */
bool mk_agent_drop_memory_take(mk_maildrop *m, size_t bytes);
void mk_agent_drop_memory_give(mk_maildrop *m, size_t bytes);
/* Run the job now, or when it is done with what it does. */
mk_err mk_agent_drop_start(drop_session *s, drop_step step);
/* Answer the question under way, if it still waits, and step the engine. */
void mk_agent_drop_answer(drop_session *s, mk_answer answer, const char *code,
                          const char *text);
bool mk_agent_drop_is_marked(const drop *d, uint32_t index);
/* It is no more the session's; it is freed unless the job has it. */
void mk_agent_drop_leave(drop_session *s);
/* Wait for a listing no more. */
void mk_agent_drop_queue_leave(drop_session *s);
/* The engine's questions. s->op is that of OPEN and UPDATE. */
void mk_agent_drop_on_open(drop_session *s);
void mk_agent_drop_on_stat(const drop_session *s, mk_op op);
void mk_agent_drop_on_listing(drop_session *s, const mk_event *ev,
                              bool is_uidl);
void mk_agent_drop_on_rows(drop_session *s, const mk_event *ev);
void mk_agent_drop_on_dele(drop_session *s, const mk_event *ev);
void mk_agent_drop_on_rset(drop_session *s, const mk_event *ev);
void mk_agent_drop_on_update(drop_session *s);

/* ---- maildrop_stream.c --------------------------------------------------- */

/* RETR or TOP. */
void mk_agent_stream_ask(drop_session *s, const mk_event *ev);
/* STEP_BEGIN is done: answer. */
void mk_agent_stream_begun(drop_session *s);
/* STEP_READ is done. */
void mk_agent_stream_go_on(drop_session *s);
/* The engine has room, and gives back what it was lent. */
void mk_agent_stream_wanted(drop_session *s, const mk_event *ev);
/* The message is no more the session's; it is freed unless the job has it. */
void mk_agent_stream_drop(drop_session *s);
void mk_agent_stream_free(mk_maildrop *m, stream *t);

/* ---- maildrop_job.c ------------------------------------------------------ */

/* The job's work, by its step. */
void mk_agent_drop_work(mk_job *job);

#endif
