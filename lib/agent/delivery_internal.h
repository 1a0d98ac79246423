/* SPDX-License-Identifier: MIT
 *
 * delivery_internal.h: a message on its way into Maildirs, shared by boxes.c
 * (open mailboxes), collect.c (octets in memory), delivery_job.c (what runs on
 * workers) and delivery.c (the stage and its order of steps). While a job of
 * a message runs, the loop's thread touches of it only what is marked so.
 */
#ifndef AGENT_DELIVERY_INTERNAL_H
#define AGENT_DELIVERY_INTERNAL_H

#include "internal.h"

/* ---- boxes.c: mailboxes that are open --------------------------------------
 */

typedef struct box {
    struct box *after; /* in the cache, the last used first */
    mk_maildir dir;
    mk_str domain;
    mk_str user;
    size_t bytes; /* of this block */
    uint32_t refs;
    bool open;   /* dir is; set on a worker by the only user */
    bool cached; /* others may find it */
    bool bad;    /* something failed in it: do not keep it */
} box;

typedef struct boxes {
    const mk_alloc *alloc;
    box *first;
    size_t idle; /* cached and without a user */
} boxes;

/* A box to open, or an open one; NULL: no memory. */
box *mk_agent_box_get(boxes *b, mk_str domain, mk_str user);
/* Give it back; open ones are kept for a while. */
void mk_agent_box_put(boxes *b, box *x);
/* Open it when it is not, and clear what is old in its tmp/. Worker. */
mk_err mk_agent_box_open(box *x, const mk_vfs *vfs, mk_dir root,
                         uint64_t now_s);
void mk_agent_boxes_fini(boxes *b);

/* ---- a message ----------------------------------------------------------- */

typedef struct chunk {
    struct chunk *after;
    size_t len;
    size_t max;
    char octets[];
} chunk;

typedef struct task {
    box *box;
    mk_delivery *delivery; /* NULL: not made, or done */
} task;

/* What the job does. */
typedef enum message_step {
    STEP_SPILL = 0,   /* memory goes to the first file in tmp/ */
    STEP_PREPARE = 1, /* the files of a slice are written */
    STEP_CLEAN = 2    /* what is not committed is removed */
} message_step;

typedef struct message {
    mk_job job; /* first */
    mk_local_delivery *ld;
    chunk *first;
    chunk *last;
    size_t held; /* octets of chunks, with their heads */
    size_t pieces;
    task *tasks; /* one for each mailbox; the first has the source */
    size_t task_count;
    size_t task_room;
    size_t slice_first; /* tasks of the slice under way; the first joins last */
    size_t slice_end;
    size_t pending; /* commits under way */
    mk_str *views;  /* of the chunks */
    size_t view_count;
    char *top;
    size_t top_len;
    size_t top_bytes;
    mk_maildir_stamp stamp;
    void **tag; /* where the session keeps this; NULL once let go */
    mk_ask ask;
    uint64_t wire_bytes;
    uint64_t began_ms;
    mk_err err;       /* the first that went wrong */
    uint8_t step;     /* message_step */
    bool asked;       /* loop: somebody waits for the answer */
    bool dead;        /* loop: nobody wants it any more */
    bool busy;        /* loop: the job is under way */
    bool committing;  /* loop: may be visible already */
    bool at_end;      /* the whole message came */
    bool has_gap;     /* the source is a file with room for the fields */
    bool is_prepared; /* the source is complete */
    char id[ID_BYTES];
} message;

struct mk_local_delivery {
    mk_local_delivery_config c;
    mk_commit_queue *queue;
    boxes boxes;
    size_t memory; /* octets of all chunks */
    size_t messages;
    uint64_t seq;
};

/* ---- collect.c ----------------------------------------------------------- */

/* Keep octets; all or nothing. */
mk_err mk_agent_collect_add(message *m, mk_str octets);
/* Give the memory back. */
void mk_agent_collect_drop(message *m);
/* Make m->views of what is kept. */
mk_err mk_agent_collect_views(message *m);
void mk_agent_collect_views_free(message *m);

/* ---- delivery_job.c ------------------------------------------------------ */

/* The gap for header fields: every line of Received: can take the rest. */
#define TOP_RESERVE (TRACE_MAX + MK_SESSION_FIELDS_MAX)

/* The job's work, by m->step. */
void mk_agent_message_work(mk_job *job);

#endif
