/* SPDX-License-Identifier: MIT
 *
 * policy.h: who is served, for the services of agent.h: the policy for own
 * domains as a stage, the directory that it asks, a users file as one, and its
 * logins as an authenticator. RFC 5321 3.6, 4.5.1; RFC 2142; RFC 2505; RFC
 * 4954. It relays for nobody and has no setting that would.
 */
#ifndef MAILKIT_POLICY_H
#define MAILKIT_POLICY_H

#include <mailkit/agent.h>
#include <mailkit/sasl.h>

MK_EXTERN_C_BEGIN

/* ---- who exists here ----------------------------------------------------- */

/** What a directory says about a recipient. */
typedef enum mk_directory_result {
    MK_DIRECTORY_FOUND = 0,
    MK_DIRECTORY_UNKNOWN = 1,
    MK_DIRECTORY_FAILED = 2 /**< it cannot tell now */
} mk_directory_result;

/** Knows the users; asked by the policy, may answer later. */
typedef struct mk_directory {
    void *self;
    /** Look up a user of an own domain and call mk_directory_answer once,
     *  from inside this call or later. Both views are lower case without
     *  quotes; they live until this returns. */
    void (*lookup)(void *self, mk_str user, mk_str domain, mk_ask ask);
    /** The question is void; NULL when it does not matter. */
    void (*withdrawn)(void *self, mk_ask ask);
} mk_directory;

/** Answer a lookup.
 *
 * @param ask     of the lookup.
 * @param result  what was found.
 * @param user    FOUND: the mailbox's user; a view, copied.
 * @param domain  FOUND: the mailbox's domain; a view, copied.
 * @return MK_OK; MK_E_STALE as mk_stage_answer, also when no directory was
 *         asked; MK_E_ARG, MK_E_CTL: not names that a directory may have
 *         (mk_maildir_name_check). On failure nothing changed. */
MK_API mk_err mk_directory_answer(mk_ask ask, mk_directory_result result,
                                  mk_str user, mk_str domain);

/** What the policy says to VRFY and EXPN (RFC 5321 3.5.3, 7.3). */
typedef enum mk_local_policy_verify {
    MK_LOCAL_POLICY_VERIFY_UNSURE = 0, /**< 252 to everybody */
    MK_LOCAL_POLICY_VERIFY_REFUSE = 1, /**< 502 5.5.1 to everybody */
    MK_LOCAL_POLICY_VERIFY_LOGIN = 2,  /**< an answer to who has logged in */
    MK_LOCAL_POLICY_VERIFY_ANSWER = 3  /**< an answer to everybody, harvesters
                                        *   among them */
} mk_local_policy_verify;

/** Settings of the policy; start with mk_local_policy_config_init. */
typedef struct mk_local_policy_config {
    size_t size; /**< set by init */
    const mk_alloc *alloc;
    const mk_str *domains; /**< own domains, any case; copied */
    size_t domain_count;   /**< 1 or more */
    /** The postmaster's user, "name" (of the first domain) or "name@domain":
     *  "postmaster"; copied. */
    mk_str postmaster;
    const mk_directory *directory; /**< borrowed for the policy's life */
    /** Who has logged in may use only reverse-paths that lead to their own
     *  mailbox (RFC 6409 6.1), else 553 5.7.1; <> may be used by all, since
     *  receipts must have it (RFC 8098 3). Who has not logged in is not
     *  looked at: false. */
    bool is_sender_checked;
    /** An answer is 250 2.1.5 <user@domain>, 550 5.1.1, or 252 for what is not
     *  here. A user is a list of one. MK_LOCAL_POLICY_VERIFY_UNSURE. */
    mk_local_policy_verify verify;
} mk_local_policy_config;

/** The policy for own domains: a stage for MK_POINT_RCPT, MK_POINT_MAIL where
 *  senders are checked, MK_POINT_VRFY and MK_POINT_EXPN.
 *
 * Another domain is refused with 550 5.7.1, always: it relays for nobody, and
 * tells those who have logged in that it is not for lack of rights. So
 * is a local-part with '@', '%' or '!' in it, quoted or not (RFC 2505 2.1,
 * THREATS 26), and an address literal that is not among the domains. A source
 * route is ignored (RFC 5321 3.6.1). An unknown user is 550 5.1.1. Local-parts
 * compare without quotes and without case; domains without case, and whether
 * they are written in UTF-8 or as A-labels (RFC 5890 2.3.2.1). Case is that of
 * ASCII: octets above 0x7F compare exactly, and nothing is normalised.
 * <postmaster>, and postmaster and abuse at every own domain, are always
 * accepted (RFC 5321 4.5.1, RFC 2142): for the user of that name if there is
 * one, else for the postmaster's user. What it accepts gets its mailbox and
 * passes on. */
typedef struct mk_local_policy mk_local_policy;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_local_policy_config_init(mk_local_policy_config *c,
                                          size_t size);

/** Make a policy.
 *
 * @param c           alloc, domains and directory are needed.
 * @param out_policy  written on success; free it by mk_local_policy_free.
 * @return MK_OK; MK_E_ARG or MK_E_CTL: something is missing, or a domain or
 *         the postmaster cannot be a directory's name; MK_E_MEMORY. */
MK_API mk_err mk_local_policy_new(const mk_local_policy_config *c,
                                  mk_local_policy **out_policy);

/** The policy as a stage.
 *
 * @param p          the policy.
 * @param out_stage  written; good for the policy's life. */
MK_API void mk_local_policy_stage(mk_local_policy *p, mk_stage *out_stage);

/** Free a policy.
 *
 * @param p  NULL is fine; no service may use it any more. */
MK_API void mk_local_policy_free(mk_local_policy *p);

/** A users file, read: a directory that answers at once, and the secrets that
 *  mk_users_login judges logins by.
 *
 * Lines are NAME:{SCHEME}SECRET[:maildir]; NAME is "name" (valid in the first
 * domain) or "name@domain" of an own one; '#' begins a comment line. Schemes
 * are {PLAIN}, a password of 1 to MK_SASL_NAME_MAX octets without control
 * characters, {SCRAM-SHA-256} and {SCRAM-SHA-1}, stored keys as
 * mk_sasl_keys_format writes them, and {BEARER}, an OAuth token (RFC 6750) that
 * stays good as long as it stands there, 1 to 4,096 octets of visible ASCII;
 * who has one has no password. Blanks at the end of a password belong to
 * it, and so does a ':' with anything else than a mailbox's format behind it:
 * a password that ends in ":maildir" needs the third field. Secrets lie in
 * memory until mk_users_free, which wipes them, and are given to nobody. */
typedef struct mk_users mk_users;

/** Why a users file was refused. */
typedef struct mk_users_fault {
    uint32_t line;    /**< from 1; 0: not about a line */
    const char *text; /**< a phrase; static */
} mk_users_fault;

/** Read a users file.
 *
 * @param alloc         hook; borrowed for the users' life.
 * @param text          the file's octets, lines ended by LF or CRLF; copied
 *                      where needed: the caller wipes its own, of which there
 *                      may be no other.
 * @param domains       own domains; copied where needed.
 * @param domain_count  1 or more.
 * @param out_users     written on success; free it by mk_users_free.
 * @param out_fault     written on failure.
 * @return MK_OK; MK_E_SYNTAX, MK_E_UNSUPPORTED (mbox, an unknown scheme),
 *         MK_E_LIMIT (a password too long, too few or too many iterations),
 *         MK_E_EXISTS (named twice): see the line; MK_E_ARG; MK_E_MEMORY. */
MK_API mk_err mk_users_parse(const mk_alloc *alloc, mk_str text,
                             const mk_str *domains, size_t domain_count,
                             mk_users **out_users, mk_users_fault *out_fault);

/** How many users there are.
 *
 * @param users  the users.
 * @return lines that named one. */
MK_API size_t mk_users_count(const mk_users *users);

/** Kinds of secrets in a users file, as bits. */
typedef enum mk_users_kind {
    MK_USERS_KIND_PLAIN = 1,
    MK_USERS_KIND_SCRAM_SHA_256 = 2,
    MK_USERS_KIND_SCRAM_SHA_1 = 4,
    MK_USERS_KIND_BEARER = 8
} mk_users_kind;

/** Which kinds of secrets there are, and so which mechanisms can serve all who
 *  have a password: CRAM-MD5 needs PLAIN, SCRAM needs PLAIN or its own keys.
 *
 * @param users  the users.
 * @return mk_users_kind, or-ed. */
MK_API uint32_t mk_users_kinds(const mk_users *users);

/** Is there this user?
 *
 * @param users   the users.
 * @param user    without quotes, any case.
 * @param domain  any case. */
MK_API bool mk_users_has(const mk_users *users, mk_str user, mk_str domain);

/** The users as a directory.
 *
 * @param users          the users.
 * @param out_directory  written; good for the users' life. */
MK_API void mk_users_directory(mk_users *users, mk_directory *out_directory);

/** A value for mk_sasl_server_config.pepper: the same in each process and
 *  after each restart as long as users and key are, and nothing to go by for
 *  who knows neither.
 *
 * Blocks for a tenth of a second or so. Salts made of the value are told to
 * everybody: were it made of the users alone, who can guess all of their
 * secrets at once could try the guess in private, slowed down by no more than
 * that tenth of a second. A key closes that door.
 *
 * @param users       the users.
 * @param crypto      the filling.
 * @param key         a secret of the server's that lasts, say the octets of its
 *                    private TLS key; empty where there is none.
 * @param out_pepper  32 octets, written on success.
 * @return MK_OK; MK_E_CRYPTO; MK_E_UNSUPPORTED: no SHA-256. */
MK_API mk_err mk_users_pepper(const mk_users *users, const mk_crypto *crypto,
                              mk_str key, unsigned char *out_pepper);

/** Free users; their secrets are wiped.
 *
 * @param users  NULL is fine. */
MK_API void mk_users_free(mk_users *users);

/* ---- logins of a users file ---------------------------------------------- */

/** Settings of the logins; start with mk_users_login_config_init. */
typedef struct mk_users_login_config {
    size_t size; /**< set by init */
    const mk_host *host;
    const mk_alloc *alloc;
    const mk_users *users; /**< borrowed for its life */
    /** crypto, pepper and iterations are used, which are those of the service;
     *  borrowed for its life. */
    const mk_sasl_server_config *sasl;
    uint32_t jobs_max; /**< passwords judged at once, at most; beyond it the
                        *   answer is LATER: 64 */
} mk_users_login_config;

/** An authenticator over a users file.
 *
 * A login is "name" (of the first domain) or "name@domain", in any case, and
 * is known as "name@domain" in lower case. Who asks to act as somebody else is
 * refused (RFC 4422 3.4.1). Questions for keys are answered at once; a
 * password is judged on a worker, which compares it with the same work for all
 * (THREATS 50). A token must come with its user's name. Certificates and
 * anonymous logins are refused. A user
 * whose stored keys do not fit the mechanism is as good as unknown. */
typedef struct mk_users_login mk_users_login;

/** Set a config to the defaults named above.
 *
 * @param c     written.
 * @param size  sizeof *c of the caller.
 * @return MK_OK, or MK_E_ARG when size is unknown to this library. */
MK_API mk_err mk_users_login_config_init(mk_users_login_config *c, size_t size);

/** Make an authenticator; one for each loop.
 *
 * @param c          all of it is needed.
 * @param out_login  written on success; free it by mk_users_login_free.
 * @return MK_OK; MK_E_ARG: something is missing, or of sasl not good (pepper,
 *         iterations); MK_E_MEMORY. */
MK_API mk_err mk_users_login_new(const mk_users_login_config *c,
                                 mk_users_login **out_login);

/** The authenticator.
 *
 * @param l                  the logins.
 * @param out_authenticator  written; good for the life of the logins. */
MK_API void mk_users_login_authenticator(mk_users_login *l,
                                         mk_authenticator *out_authenticator);

/** Passwords that are being judged, also of peers that are gone.
 *
 * @param l  the logins.
 * @return 0 when idle. */
MK_API size_t mk_users_login_count(const mk_users_login *l);

/** Free logins that are idle.
 *
 * @param l  NULL is fine; no service may use it any more.
 * @return MK_OK; MK_E_BUSY when workers are at it: nothing was changed. */
MK_API mk_err mk_users_login_free(mk_users_login *l);

MK_EXTERN_C_END
#endif
