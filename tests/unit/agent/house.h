/* SPDX-License-Identifier: MIT
 *
 * house.h: a whole mail server in memory for the tests of agent/: fake host,
 * a mail root on a temporary directory, users, policy, delivery, and room for
 * a stage of the test's own in front of and behind the policy.
 */
#ifndef UNIT_AGENT_HOUSE_H
#define UNIT_AGENT_HOUSE_H

#include <mailkit/policy.h>

#include <mailkit/crypto.h>

#include "fake_host.h"
#include "test_vfs.h"
#include "text.h"

struct house;

typedef struct house_plan {
    mk_stage before; /* at NULL: none */
    mk_stage between;
    mk_directory directory;         /* lookup NULL: the users file */
    const char *users;              /* NULL: HOUSE_USERS */
    const char *postmaster;         /* NULL: the default */
    size_t message_memory;          /* 0: the default */
    size_t memory;                  /* 0: the default */
    uint32_t hops_max;              /* 0: the default */
    uint32_t fields_max;            /* 0: the default */
    uint64_t header_max;            /* 0: the default */
    uint64_t message_max;           /* 0: the default */
    uint32_t errors_max;            /* 0: the default */
    mk_authenticator authenticator; /* check NULL: none, or has_login's */
    mk_err (*wrap)(void *self, mk_engine *inner, mk_engine **out_outer);
    void *wrap_self;
    bool is_tls_implicit;
    bool is_sender_checked;
    bool has_login;      /* mk_users_login over the users */
    bool is_offering;    /* the engine offers h->sasl, also in clear */
    bool asks_keys;      /* of h->sasl */
    uint32_t login_jobs; /* 0: the default */
    bool has_no_policy;
    bool has_no_delivery;
    const mk_random *random; /* NULL: fake_random */
    const mk_crypto *crypto; /* NULL: mk_crypto_mbedtls */
    const mk_vfs *disk;      /* NULL: a temporary directory, h->t */
    mk_dir root;             /* with disk */
    bool is_lmtp;
    const char *second_domain; /* NULL: other.example */
    mk_local_policy_verify verify;
    /* Change settings before the service is made. */
    void (*tune)(struct house *h, mk_inbound_config *c);
} house_plan;

typedef struct house {
    fake_host host;
    test_vfs *t; /* NULL with a disk of the test's own */
    test_alloc a;
    mk_users *users;
    mk_directory directory;
    mk_sasl_server_config sasl;
    mk_users_login *login;
    mk_authenticator authenticator;
    mk_local_policy *policy;
    mk_local_delivery *delivery;
    mk_inbound *inbound;
    mk_service service;
    mk_smtp_server_config smtp;
    mk_conn conn;
    text log; /* one line a record */
    int fds;
    bool is_lmtp;
} house;

/* The password of all is "secret". */
#define HOUSE_USERS                                                            \
    "# who lives here\n"                                                       \
    "ann:{PLAIN}secret\n"                                                      \
    "Bob@Other.example:{PLAIN}secret:maildir\n"                                \
    "carl@mx.example:{SCRAM-SHA-256}4096$c2FsdCBvZiBjYXJsIDE2Lg==$"            \
    "sZ0uCs+1rVB5n57D+bE4q+I3VovxcgKQ8dU8V9arB+M=$"                            \
    "yQ+luHhezK+CISpmFRFMaaNjg12zvzZxetRZp+4p0zA=\n"                           \
    "dave@Other.example:{SCRAM-SHA-1}4096$c2FsdCBvZiBkYXZlIDE2Lg==$"           \
    "L/U5z67vJ8DW8qnt5aO8TFbCAwo=$vS+vjG4VBilDQ/QIUZ2QHaNT9G0=\n"

/* Own domains: mx.example and other.example. */
void house_open(house *h, const house_plan *plan);
/* As house_open, but an allocation may fail: MK_E_MEMORY and all is freed. */
mk_err house_try(house *h, const house_plan *plan, unsigned fail_at);
/* Everything must be given back: memory, descriptors, nothing in tmp/. */
void house_close(house *h);

/* Open h->conn and say EHLO, or LHLO; what was said is forgotten. */
void house_greet(house *h);
/* The peer says; jobs are run; the output since the last look is returned. */
const char *house_says(house *h, const char *octets);
/* The output since the last look; jobs are not run. */
const char *house_heard(house *h);
/* Run all jobs and step. */
void house_work(house *h);
/* A whole transaction from EHLO's end on; returns the last reply. */
const char *house_send(house *h, const char *recipient, const char *message);

/* The contents of the only file in new/ of a mailbox, NUL-ended. */
const char *house_file(house *h, const char *domain, const char *user);
/* Files in new/; 0 also when there is no mailbox. */
int house_count(const house *h, const char *domain, const char *user);

/* What was said begins with it, or has it somewhere, or nowhere. */
void begins(const char *z, const char *want);
void has(const char *z, const char *want);
void has_not(const char *z, const char *what);

#endif
