/* SPDX-License-Identifier: MIT
 *
 * identity.c: gives root up for good. All of it goes: the three user ids, the
 * three group ids, the other groups, and by no_new_privs what a program with
 * set-user-ID could give back. It trusts none of these calls, but looks
 * whether root can still be had. It refuses to stay root by name.
 */
#include "mailkitd.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

typedef struct identity {
    char name[64];
    uid_t uid;
    gid_t gid;
} identity;

/* NAME [":" GROUP]; NULL, or what is wrong. */
static const char *find(const char *text, identity *out)
{
    size_t n = strcspn(text, ":");
    if (n == 0 || n >= sizeof out->name) {
        return "it is not NAME or NAME:GROUP";
    }
    memcpy(out->name, text, n);
    out->name[n] = '\0';
    const struct passwd *user = getpwnam(out->name);
    if (user == NULL) {
        return "there is no such user";
    }
    out->uid = user->pw_uid;
    out->gid = user->pw_gid;
    if (text[n] == ':') {
        const struct group *group = getgrnam(text + n + 1);
        if (group == NULL) {
            return "there is no such group";
        }
        out->gid = group->gr_gid;
    }
    return out->uid == 0 ? "it is root; leave the option out" : NULL;
}

static bool is_already(const identity *who)
{
    return getuid() == who->uid && geteuid() == who->uid &&
           getgid() == who->gid && getegid() == who->gid;
}

static bool become(const identity *who)
{
    return initgroups(who->name, who->gid) == 0 &&
           setresgid(who->gid, who->gid, who->gid) == 0 &&
           setresuid(who->uid, who->uid, who->uid) == 0;
}

int identity_take(const char *user)
{
    identity who;
    const char *wrong = find(user, &who);

    if (wrong != NULL) {
        complain("--user '%s': %s", user, wrong);
        return EX_CONFIG;
    }
    if (geteuid() != 0 && !is_already(&who)) {
        complain("--user %s: only root can become another user", user);
        return EX_NOPERM;
    }
    if (geteuid() == 0 && !become(&who)) {
        complain("--user %s: %s", user, strerror(errno));
        return EX_OSERR;
    }
    if (!is_already(&who) || setuid(0) == 0 || seteuid(0) == 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        complain("--user %s: root could not be given up", user);
        return EX_OSERR;
    }
    return -1;
}
