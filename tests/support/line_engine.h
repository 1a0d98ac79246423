/* SPDX-License-Identifier: MIT
 *
 * line_engine.h: the smallest engine that is honest to the contract, for the
 * tests of everything that drives engines. It cuts lines; a server asks about
 * each (EV_LINE with MK_ASK) and sends the answer's text as a line, a client
 * only tells them. It keeps no input.
 */
#ifndef SUPPORT_LINE_ENGINE_H
#define SUPPORT_LINE_ENGINE_H

#include "wire/engine.h"

enum {
    EV_LINE = 0x1000, /* data: the line without its end */
    line_octets_max = 128,
    line_out_max = 8192
};

typedef struct line_engine {
    mk_engine base;
    bool is_client;
    bool is_ended;     /* MK_END was reached */
    bool is_closing;   /* CLOSE once the output is empty */
    bool is_aborting;  /* ABORT */
    bool is_finishing; /* mk_finish was called */
    bool is_eof;
    bool is_asking; /* an EV_LINE is not answered */
    bool is_put_off;
    bool is_answered;
    bool was_withdrawn;
    bool is_told; /* the fault was told */
    bool is_hurried;
    int hurries;      /* mk_hurry calls; a tenth of the time is left then */
    bool is_begun;    /* stepped once */
    bool is_tls_due;  /* set by a test: MK_EV_TLS_WANTED once all is sent */
    bool is_tls_told; /* READ is off until mk_tls_done */
    int tls_calls;    /* mk_tls_done calls: at most 1 */
    mk_err tls_result;
    const mk_tls_info *tls;
    int closed; /* mk_close calls: must end at 1 */
    mk_err eof_why;
    mk_err fault_why;
    mk_fault fault;
    mk_op op;
    uint64_t idle_ms; /* 0: no deadline */
    uint64_t deadline_ms;
    uint64_t consumed;
    size_t scanned;
    size_t repeat; /* times that an answer is sent, at least 1 */
    size_t out_start;
    size_t out_len;
    char out[line_out_max];
} line_engine;

/* greeting NULL: a client. */
void line_open(line_engine *l, const char *greeting, uint64_t idle_ms);
/* Queues text as it is; false when there is no room. */
bool line_send(line_engine *l, const char *text);

#endif
