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
    size_t bytes;      /* of this block */
    uint64_t since_ms; /* it was not open before this */
    uint32_t refs;
    bool open;   /* dir is; set on a worker by the only user */
    bool cached; /* others may find it */
    bool bad;    /* something failed in it, or it is too old: do not keep it */
} box;

typedef struct boxes {
    mk_timer timer; /* first: closes what lies idle */
    const mk_alloc *alloc;
    const mk_host *host;
    box *first;
    size_t idle;  /* cached and without a user */
    bool armed;   /* the timer is set */
    bool resting; /* nothing is kept any more */
} boxes;

void mk_agent_boxes_init(boxes *b, const mk_alloc *alloc, const mk_host *host);
/* A box to open, or an open one; NULL: no memory. */
box *mk_agent_box_get(boxes *b, mk_str domain, mk_str user);
/* Give it back; open ones are kept for a while. */
void mk_agent_box_put(boxes *b, box *x);
/* Open it when it is not, and clear what is old in its tmp/. Worker. */
mk_err mk_agent_box_open(box *x, const mk_vfs *vfs, mk_dir root,
                         uint64_t now_s);
/* Close what has no user, and keep nothing from now on. */
void mk_agent_boxes_rest(boxes *b);

/* ---- a message ----------------------------------------------------------- */

typedef struct chunk {
    struct chunk *after;
    size_t len;
    size_t max;
    char octets[];
} chunk;

/* One mailbox of a message. */
typedef struct task {
    struct message *m;
    box *box;
    mk_delivery *delivery;                   /* NULL: not made, or done */
    mk_err (*prepare)(mk_commit_item *item); /* the delivery's own */
    mk_str domain; /* the box's; views that live while somebody waits */
    mk_str user;
    mk_err err;     /* LMTP: what went wrong for this mailbox */
    bool is_shared; /* the box was open: others use it */
} task;

/* What the job does. */
typedef enum message_step {
    STEP_SPILL = 0,   /* memory goes to a file in the first tmp/ */
    STEP_PREPARE = 1, /* all files are written */
    STEP_CLEAN = 2    /* what is not committed is removed */
} message_step;

/* Recodes a binary message; see unbinary.c. */
typedef struct unbinary unbinary;

typedef struct message {
    mk_job job; /* first */
    mk_local_delivery *ld;
    chunk *first;
    chunk *last;
    unbinary *unbinary; /* NULL: it is lines as it is */
    size_t held;        /* octets of chunks, with their heads */
    size_t pieces;
    task *tasks; /* one for each mailbox */
    size_t task_count;
    size_t task_room;
    size_t next;         /* the task to commit next */
    size_t pending;      /* commits under way */
    mk_delivery *source; /* what was spilled, in the first box; else NULL */
    mk_str *views;       /* of the chunks */
    size_t view_count;
    char *top;
    size_t top_len;
    size_t top_bytes;
    size_t fields_len; /* octets of added fields in top */
    mk_maildir_stamp stamp;
    void **tag;          /* where the session keeps this; NULL once let go */
    mk_session *session; /* loop: lives while somebody waits */
    mk_ask ask;
    uint64_t wire_bytes;
    uint64_t began_ms;
    mk_err err;        /* the first that went wrong */
    uint8_t step;      /* message_step */
    bool asked;        /* loop: somebody waits for the answer */
    bool dead;         /* loop: nobody wants it any more */
    bool busy;         /* loop: the job is under way */
    bool committing;   /* loop: may be visible already */
    bool is_direct;    /* loop: in memory, for one mailbox */
    bool retried;      /* loop: a box was opened anew */
    bool is_each;      /* LMTP: each mailbox has its own outcome */
    bool at_end;       /* the whole message came */
    bool is_other_top; /* top is not what the source begins with */
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

/* ---- unbinary.c: BODY=BINARYMIME (RFC 3030 3) ------------------------------
 */

/* MK_E_MEMORY. */
mk_err mk_agent_unbinary_open(message *m);
/* Recode and collect. MK_E_MEMORY; what cannot be recoded is told at the end.
 */
mk_err mk_agent_unbinary_add(message *m, mk_str octets);
/* MK_E_BARE, MK_E_UNSUPPORTED, MK_E_SYNTAX, MK_E_LIMIT: it cannot be. */
mk_err mk_agent_unbinary_end(message *m);
void mk_agent_unbinary_close(message *m);

/* ---- delivery_job.c ------------------------------------------------------ */

/* Mailboxes of one message that are open at once: bounds its descriptors. */
#define SLICE 64u

/* Something went wrong for one mailbox: with SMTP for all of them. */
void mk_agent_task_fail(task *t, mk_err err);
/* Give a task its delivery, to be written from memory. */
mk_err mk_agent_task_whole(task *t);
/* The job's work, by m->step. */
void mk_agent_message_work(mk_job *job);

#endif
