/* SPDX-License-Identifier: MIT
 *
 * secure.h: TLS and login of a client: what the command line asks for,
 * as settings of the library. Whoever asks for TLS gets a server whose
 * certificate is good for the name that was given, or no session. A build
 * without TLS says so (secure_none.c), and nothing is said instead.
 */
#ifndef MAILKIT_SECURE_H
#define MAILKIT_SECURE_H

#include <mailkit/sasl.h>
#include <mailkit/tls.h>

#include "secret.h"
#include "target.h"

typedef struct secure {
    /* for the settings of a client, which borrow it: */
    mk_tls_policy policy;
    const mk_sasl_client_config *login; /* NULL: none */
    uint32_t message_max;               /* of a login; 0: the default */
    /* its own: */
    mk_tls_context *context; /* NULL: no TLS */
    mk_tls_config tls;
    mk_sasl_client_config sasl;
    mk_random random;
    void *generator; /* the memory of random */
    secret secret;
} secure;

/* Make what the options ask for; s is zeroed. TOOL_OK; else it was complained,
 * and this is how to leave. secure_close in any case. */
int secure_open(secure *s, const target *t);
/* Put TLS over the engine when there is to be any. */
mk_err secure_over(secure *s, mk_engine *inner, mk_engine **out_outer);
/* The name of the mechanism of a login. */
const char *secure_mechanism(uint32_t mechanism);
/* The login is over: wipe what it needed. */
void secure_forget(secure *s);
/* Once the engine is closed. */
void secure_close(secure *s);

#endif
