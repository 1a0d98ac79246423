/* SPDX-License-Identifier: MIT
 *
 * server.c: what the targets of the servers share (fuzz.h): a random
 * application's word about logins, handshakes that are begun, and the promises
 * about both: no secret is taken in clear, nobody is let in without a yes, TLS
 * comes once and forgets who was logged in (THREATS 28, 32, 41).
 */
#include "fuzz.h"

static mk_err fill(void *self, void *out, size_t n)
{
    uint8_t *drawn = self;
    for (size_t i = 0; i < n; i++) {
        ((unsigned char *)out)[i] = (unsigned char)((*drawn)++ * 37U);
    }
    return MK_OK;
}

void fuzz_server_configure(fuzz_server *s, uint8_t flags, mk_str hostname)
{
    mk_sasl_server_config *c = &s->sasl;
    fuzz_promise(mk_sasl_server_config_init(c, sizeof *c) == MK_OK, "init");
    s->random.self = &s->drawn;
    s->random.fill = fill;
    c->crypto = &fuzz_toys;
    c->random = &s->random;
    c->mechanisms = MK_SASL_ALL;
    c->is_clear_allowed = (flags & 8) != 0;
    c->asks_keys = (flags & 16) != 0;
    c->hostname = hostname;
    c->pepper = mk_str_z("0123456789abcdef");
    c->iterations = 4096;
    s->tls.size = sizeof s->tls;
    s->tls.exporter = mk_str_z("FEDCBA9876543210FEDCBA9876543210");
    s->tls_policy = (mk_tls_policy)(flags & 3);
    s->has_rooms = (flags & 128) != 0;
    fuzz_promise(!s->has_rooms || mk_pool_init(&s->rooms, mk_alloc_libc(),
                                               mk_sasl_need(1024), 1) == MK_OK,
                 "mk_pool_init");
}

void fuzz_server_begin(fuzz_server *s, uint8_t flags)
{
    if ((flags & 64) != 0) {
        fuzz_promise(mk_tls_done(s->m.engine, MK_OK, &s->tls) == MK_OK,
                     "TLS from the first octet");
    }
}

unsigned fuzz_server_choose(fuzz_server *s)
{
    unsigned p = s->policy & 7U;
    s->policy = (uint8_t)((s->policy >> 3) | (unsigned)(s->policy << 5));
    return p;
}

void fuzz_server_see(fuzz_server *s, const mk_event *ev, uint32_t tls_type,
                     uint32_t auth_type)
{
    bool is_good = ev->err == MK_OK;
    if (ev->type == tls_type) {
        fuzz_promise(!s->is_tls, "TLS comes once");
        s->is_tls = true;
        s->is_known = false;
    } else if (ev->type == MK_EV_SASL) {
        bool is_clear = (ev->of.sasl->mechanism & MK_SASL_CLEAR) != 0;
        fuzz_promise(!is_clear || s->is_tls || s->sasl.is_clear_allowed,
                     "no secret is taken in clear");
        s->was_yes = false;
    } else if (ev->type == auth_type) {
        fuzz_promise(!is_good || (s->was_yes && !s->is_known),
                     "who is let in was answered yes, and once");
        s->is_known = s->is_known || is_good;
    }
}

static void answer_login(fuzz_server *s, mk_op op)
{
    static const mk_sasl_keys keys = {.password = MK_STR_INIT("secret")};
    unsigned p = fuzz_server_choose(s);
    if (p < 4) {
        s->was_yes = true;
        (void)mk_sasl_answer(s->m.engine, op, MK_ANSWER_YES, &keys);
    } else if (p < 6) {
        (void)mk_sasl_answer(s->m.engine, op,
                             p == 4 ? MK_ANSWER_NO : MK_ANSWER_LATER, NULL);
    } else if (p == 6 && mk_later(s->m.engine, op) == MK_OK) {
        s->waiting = op;
    } /* 7: forgotten */
}

/* The handshake is begun; it ends now, or when the script says so. */
static void shake(fuzz_server *s)
{
    unsigned p = fuzz_server_choose(s);
    s->tls.is_verified = p < 2;
    s->tls.verify = p < 2 ? MK_OK : MK_E_CERT_NONE;
    fuzz_promise(rig_held(&s->m.rig) == 0, "nothing is held at the border");
    fuzz_promise(mk_tls_begin(s->m.engine, p == 6) == MK_OK, "mk_tls_begin");
    s->is_shaking = p == 7;
    if (p < 6) {
        fuzz_promise(mk_tls_done(s->m.engine, p == 5 ? MK_E_TLS : MK_OK,
                                 p == 5 ? NULL : &s->tls) == MK_OK,
                     "mk_tls_done");
    }
}

bool fuzz_server_answer(fuzz_server *s, const mk_event *ev)
{
    s->is_login = s->is_login && (ev->flags & MK_ASK) == 0;
    if (ev->type == MK_EV_TLS_WANTED) {
        shake(s);
        return true;
    }
    if (ev->type != MK_EV_SASL) {
        return false;
    }
    s->is_login = true;
    answer_login(s, ev->op);
    return true;
}

mk_op fuzz_server_resume(fuzz_server *s)
{
    mk_op op = s->waiting;
    if (s->is_shaking) {
        s->is_shaking = false;
        (void)mk_tls_done(s->m.engine, MK_OK, &s->tls);
        return 0;
    }
    s->waiting = 0;
    if (op == 0 || !s->is_login) {
        return op;
    }
    answer_login(s, op);
    return 0;
}

void fuzz_server_close(fuzz_server *s)
{
    fuzz_machine_close(&s->m);
    if (s->has_rooms) {
        fuzz_promise(s->rooms.taken == 0, "the room of a login comes back");
        mk_pool_fini(&s->rooms);
    }
}
