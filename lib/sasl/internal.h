/* SPDX-License-Identifier: MIT
 *
 * sasl/internal.h: one exchange as its files see it. exchange.c moves it (the
 * states of sasl.h), client.c and server.c hold the two tables of mechanisms,
 * one row each, client_*.c and server_*.c the rows' functions; scram.c, text.c
 * and derive.c are what both roles share. The two tables are apart, so that a
 * program with one role links nothing of the other. Whatever depends on a
 * secret is decided by mk_equal_ct and nowhere else.
 */
#ifndef SASL_INTERNAL_H
#define SASL_INTERNAL_H

#include <mailkit/codec.h>
#include <mailkit/sasl.h>

enum {
    SASL_KEY_MAX = 32, /* SHA-256 */
    SASL_SALT_MAX = 128,
    SASL_SALT_MADE = 16, /* of users who have none */
    SASL_PEPPER_MIN = 16,
    SASL_NONCE_OCTETS = 18, /* 24 characters of base64 */
    SASL_MESSAGE_MIN = 1024,
    /* SCRAM keeps all its messages: with the longest names and binding data
     * they come to 1,160 octets and the proof. */
    SASL_MARGIN = 512,
    SASL_ITERATIONS_MIN = 4096, /* RFC 5802 5.1, RFC 7677 4 */
    SASL_ITERATIONS_MAX = 1000000,
    SASL_CONTROL_A = 1 /* kvsep of RFC 7628 3.1 */
};

/* clang-format off */
enum {
    SASL_PLUS = MK_SASL_SCRAM_SHA_1_PLUS | MK_SASL_SCRAM_SHA_256_PLUS,
    SASL_SCRAM = MK_SASL_SCRAM_SHA_1 | MK_SASL_SCRAM_SHA_256 | SASL_PLUS,
    SASL_TOKEN = MK_SASL_XOAUTH2 | MK_SASL_OAUTHBEARER,
    SASL_PASSWORD = MK_SASL_LOGIN | MK_SASL_PLAIN | MK_SASL_CRAM_MD5 |
                    SASL_SCRAM
};
/* clang-format on */

/* One mechanism in one role. A handler that does not return MK_OK (for work
 * also MK_WAIT) makes the exchange fail. */
typedef struct mk_sasl_row {
    mk_sasl_mechanism mechanism;
    mk_hash hash; /* SCRAM's; CRAM-MD5's */
    mk_err (*begin)(mk_sasl *s);
    mk_err (*take)(mk_sasl *s, mk_str message);
    mk_err (*work)(mk_sasl *s);
    mk_sasl_ask_kind ask; /* server */
    /* server; keys: those of an answer YES to KEYS, NULL with NO */
    mk_err (*resolve)(mk_sasl *s, bool is_yes, const mk_sasl_keys *keys);
} mk_sasl_row;

/* ---- derivation of keys (RFC 5802 3), in slices: derive.c ---------------- */

typedef struct mk_sasl_secrets {
    unsigned char client_key[SASL_KEY_MAX];
    unsigned char stored_key[SASL_KEY_MAX];
    unsigned char server_key[SASL_KEY_MAX];
} mk_sasl_secrets;

typedef struct mk_sasl_derivation {
    const mk_crypto *crypto;
    mk_hash hash;
    unsigned char salted[SASL_KEY_MAX];
    mk_pbkdf2 pbkdf2;
} mk_sasl_derivation;

/* The salt is borrowed until the end. */
mk_err mk_sasl_derive_begin(mk_sasl_derivation *d, const mk_crypto *crypto,
                            mk_hash hash, mk_str password, mk_str salt,
                            uint32_t iterations);
/* MK_WAIT: more is to be done. */
mk_err mk_sasl_derive_step(mk_sasl_derivation *d, uint32_t budget,
                           mk_sasl_secrets *out_secrets);

/* ---- the exchange -------------------------------------------------------- */

/* What is secret, or made of it: wiped at the end. */
typedef struct mk_sasl_work {
    mk_sasl_derivation derivation;
    mk_sasl_secrets keys;
    unsigned char salt[SASL_SALT_MAX];
    size_t salt_len;
    uint32_t iterations;
    mk_hash hash;  /* of the keys */
    bool is_known; /* server: the user is */
    bool has_password;
    /* what is compared: CRAM-MD5's digests, PLAIN's tags of two passwords;
     * SCRAM's client: the signature that the server must show */
    unsigned char given[SASL_KEY_MAX], wanted[SASL_KEY_MAX];
} mk_sasl_work;

struct mk_sasl {
    const mk_sasl_row *row;
    const mk_sasl_client_config *client; /* NULL: a server's */
    const mk_sasl_server_config *server;
    const mk_crypto *crypto;
    const mk_random *random;
    const mk_tls_info *tls;
    uint32_t slice;
    uint32_t offered; /* client: what the server offers */
    size_t message_max;
    mk_sasl_state state, after; /* after SEND */
    mk_err why;                 /* of FAILED, now or after SEND */
    bool is_told;               /* mk_sasl_next has said SEND */
    uint8_t turn;               /* messages taken */
    mk_str message;
    size_t said; /* octets of it that mk_sasl_say has written */
    /* a message that is heard in parts, behind the text or in its room */
    mk_base64_decoder decoder;
    mk_buf incoming;
    mk_err defect; /* of that message */
    bool is_hearing;
    mk_sasl_ask ask; /* its names are the exchange's */
    char authcid[MK_SASL_NAME_MAX], authzid[MK_SASL_NAME_MAX];
    /* SCRAM: parts of text; what the tls of this end gives for its type */
    size_t gs2_len, nonce_at, nonce_len;
    mk_str binding;
    mk_sasl_work work;
    mk_buf text; /* all that is behind this struct */
};

/* Give a message: a view into text, the config or static; MK_E_LIMIT. */
mk_err mk_sasl_send(mk_sasl *s, mk_str message, mk_sasl_state after);
/* MK_OK when the text took all that was written into it, else MK_E_LIMIT. */
mk_err mk_sasl_text_fits(const mk_sasl *s);
/* Append octets, which may lie in the room behind the text. */
mk_err mk_sasl_keep(mk_sasl *s, mk_str octets);
/* The text behind its first octets. */
mk_str mk_sasl_text_from(const mk_sasl *s, size_t start);
/* Over; MK_OK: DONE. */
void mk_sasl_end(mk_sasl *s, mk_err why);
/* An exchange at TAKE, all else zero; MK_E_ARG, MK_E_ROOM. */
mk_err mk_sasl_place(void *mem, size_t n, mk_sasl **out_sasl);
/* Let the row begin; closed on failure. */
mk_err mk_sasl_start(mk_sasl *s);

/* ---- text.c -------------------------------------------------------------- */

/* A name: 1 to MK_SASL_NAME_MAX octets of UTF-8 without control characters.
 * MK_OK; MK_E_SYNTAX: empty or not UTF-8; MK_E_CTL; MK_E_LIMIT. */
mk_err mk_sasl_check_name(mk_str name);
/* Copy a name of the peer's to `room`; MK_E_SYNTAX, MK_E_LIMIT. */
mk_err mk_sasl_keep_name(mk_str name, char *room, mk_str *out_name);
/* Only %x21-7E, one or more. */
bool mk_sasl_is_visible(mk_str s);
/* Has it a NUL? Looks at all octets in the same way. */
bool mk_sasl_has_nul(mk_str secret);
/* saslname of RFC 5802 5.1. */
mk_err mk_sasl_escape(mk_buf *out, mk_str name);
/* Undo it, into `room`, and check the name; MK_E_SYNTAX, MK_E_LIMIT. */
mk_err mk_sasl_unescape(mk_str escaped, char *room, mk_str *out_name);
/* gs2-header but for its flag: [ "a=" saslname ] ",", moves past it. */
mk_err mk_sasl_gs2_authzid(mk_str *io_in, char *room, mk_str *out_name);

/* ---- scram.c ------------------------------------------------------------- */

/* attr-val = LETTER "=" value, and the comma behind it. false: it is not
 * that, or nothing follows the comma. */
bool mk_sasl_attribute(mk_str *io_in, char letter, mk_str *out_value);
/* Are the attributes that are left unknown ones? None is fine, too. */
bool mk_sasl_is_extensions(mk_str in);
/* 24 characters. */
mk_err mk_sasl_add_nonce(mk_sasl *s, mk_buf *out);
/* What this end has for a type of binding; empty: nothing. */
mk_str mk_sasl_binding(const mk_tls_info *tls, mk_str type);
/* Append "c=" and "r=" as they must be at this point. */
mk_err mk_sasl_add_final(mk_sasl *s);
/* HMAC of AuthMessage, which is all the text but the gs2-header. */
mk_err mk_sasl_sign(mk_sasl *s, const unsigned char *key,
                    unsigned char *out_signature);
/* Append a value in base64 behind "v=" or "p=". */
mk_err mk_sasl_add_value(mk_sasl *s, const char *name,
                         const unsigned char *value);
/* Read a value of exactly the hash's length. */
mk_err mk_sasl_read_value(const mk_sasl *s, mk_str base64,
                          unsigned char *out_value);

/* ---- the rows' functions ------------------------------------------------- */

mk_err mk_sasl_client_plain_begin(mk_sasl *s);
mk_err mk_sasl_client_login_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_client_cram_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_client_external_begin(mk_sasl *s);
mk_err mk_sasl_client_anonymous_begin(mk_sasl *s);
mk_err mk_sasl_client_scram_begin(mk_sasl *s);
mk_err mk_sasl_client_scram_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_client_scram_work(mk_sasl *s);
mk_err mk_sasl_client_xoauth2_begin(mk_sasl *s);
mk_err mk_sasl_client_bearer_begin(mk_sasl *s);
mk_err mk_sasl_client_token_take(mk_sasl *s, mk_str message);

/* The verdict as it is: DONE or MK_E_AUTH. */
mk_err mk_sasl_server_verdict(mk_sasl *s, bool is_yes,
                              const mk_sasl_keys *keys);
mk_err mk_sasl_server_plain_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_server_plain_work(mk_sasl *s);
mk_err mk_sasl_server_plain_resolve(mk_sasl *s, bool is_yes,
                                    const mk_sasl_keys *keys);
mk_err mk_sasl_server_login_begin(mk_sasl *s);
mk_err mk_sasl_server_login_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_server_cram_begin(mk_sasl *s);
mk_err mk_sasl_server_cram_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_server_cram_resolve(mk_sasl *s, bool is_yes,
                                   const mk_sasl_keys *keys);
mk_err mk_sasl_server_external_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_server_anonymous_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_server_scram_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_server_scram_work(mk_sasl *s);
mk_err mk_sasl_server_scram_resolve(mk_sasl *s, bool is_yes,
                                    const mk_sasl_keys *keys);
mk_err mk_sasl_server_xoauth2_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_server_bearer_take(mk_sasl *s, mk_str message);
mk_err mk_sasl_server_token_resolve(mk_sasl *s, bool is_yes,
                                    const mk_sasl_keys *keys);

/* Put the question of the row, about s->ask. */
mk_err mk_sasl_ask_now(mk_sasl *s);
/* Take over the keys of an answer, NULL: those of nobody; always the same
 * number of HMACs. */
mk_err mk_sasl_server_load(mk_sasl *s, const mk_sasl_keys *keys);
/* The password of the same answer, or something in its stead. */
mk_str mk_sasl_server_password(const mk_sasl *s, const mk_sasl_keys *keys);

#endif
