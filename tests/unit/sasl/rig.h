/* SPDX-License-Identifier: MIT
 *
 * rig.h: a client and a server of an exchange, side by side, with known
 * randomness, one user, and whatever stands between them. What was said is
 * kept; a message may be changed on its way.
 */
#ifndef MK_TESTS_SASL_RIG_H
#define MK_TESTS_SASL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mailkit/codec.h>
#include <mailkit/sasl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define Z(literal) mk_str_of((literal), sizeof(literal) - 1)

/* clang-format off */
#define ALL_MECHANISMS {MK_SASL_ANONYMOUS, MK_SASL_LOGIN, MK_SASL_PLAIN, \
    MK_SASL_CRAM_MD5, MK_SASL_SCRAM_SHA_1, MK_SASL_SCRAM_SHA_256, \
    MK_SASL_SCRAM_SHA_1_PLUS, MK_SASL_SCRAM_SHA_256_PLUS, MK_SASL_XOAUTH2, \
    MK_SASL_OAUTHBEARER, MK_SASL_EXTERNAL}
/* clang-format on */

enum {
    RIG_BLOCK = 16384,
    RIG_SAID_MAX = 12,
    RIG_MESSAGE_MAX = 10240,
    RIG_SCRAM = MK_SASL_SCRAM_SHA_1 | MK_SASL_SCRAM_SHA_256 |
                MK_SASL_SCRAM_SHA_1_PLUS | MK_SASL_SCRAM_SHA_256_PLUS,
    RIG_PLUS = MK_SASL_SCRAM_SHA_1_PLUS | MK_SASL_SCRAM_SHA_256_PLUS,
    RIG_TOKEN = MK_SASL_XOAUTH2 | MK_SASL_OAUTHBEARER
};

/* What the server's application knows of the one user. */
typedef enum rig_user {
    RIG_PASSWORD = 1, /* the password */
    RIG_KEYS = 2,     /* stored keys of it */
    RIG_NOBODY = 3,   /* the answer is NO */
    RIG_LATER = 4
} rig_user;

typedef struct rig_said {
    bool is_client;
    size_t len;
    char octets[RIG_MESSAGE_MAX];
} rig_said;

typedef struct rig rig;
struct rig {
    mk_sasl_client_config client_config;
    mk_sasl_server_config server_config;
    mk_tls_info tls, server_tls;
    mk_random random;
    uint8_t drawn;                /* what the randomness begins with */
    int random_fails;             /* this draw from now fails; 0: none */
    const unsigned char *planned; /* octets to give first */
    size_t planned_len;
    rig_user user;
    const char *password; /* that the server knows */
    uint32_t offered;     /* as the client saw it; 0: as it is */
    bool is_plain;        /* no TLS at all */
    /* changes message n (from 1), of which there is room for RIG_MESSAGE_MAX */
    void (*tamper)(rig *r, unsigned n, rig_said *said);
    size_t salt_len; /* of stored keys */
    uint32_t iterations;
    unsigned char stored[20]; /* the beginning of the last stored key */

    mk_sasl *client, *server;
    mk_sasl_state client_state, server_state;
    unsigned works[2]; /* slices: client, server */
    unsigned said_count, asked;
    mk_sasl_ask ask; /* the last; its views are copied: */
    char ask_octets[3][RIG_MESSAGE_MAX];
    rig_said said[RIG_SAID_MAX];
    void *memory[2];
};

/* Defaults: verified TLS with both bindings, user "user", password "pencil",
 * a token, everything allowed, small blocks of exact size. */
rig *rig_new(void);
void rig_free(rig *r);
/* Open both ends. */
mk_err rig_open_client(rig *r, mk_sasl_mechanism m);
mk_err rig_open_server(rig *r, mk_sasl_mechanism m);
/* Let them talk until nothing moves. A failed end ends the other, as the
 * protocol around would. */
void rig_run(rig *r, mk_sasl_mechanism m);
/* Answer the server's question as r->user says. */
mk_err rig_answer(rig *r);
/* Move one end until it sends, takes, asks or is over. */
mk_sasl_state rig_move(mk_sasl *s, unsigned *io_works);
/* Give a message to one end and move it. */
mk_sasl_state rig_give(mk_sasl *s, mk_str message);
/* What was said, number n from 1. */
mk_str rig_heard(const rig *r, unsigned n);
/* An engine's octets are all wiped: no `secret` in the memory of an end. */
bool rig_holds(const rig *r, int end, mk_str secret);

#endif
