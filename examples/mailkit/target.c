/* SPDX-License-Identifier: MIT
 *
 * target.c: see target.h. A login is refused here already where it would show
 * the password to others, unless --allow-clear-auth says that this is meant;
 * so are mechanisms that have no option for what they need.
 */
#include "target.h"

#include <mailkit/net.h>
#include <mailkit/sasl.h>

#include "tool.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ":PORT" or nothing. */
static bool parse_port(mk_str s, uint16_t *out_port)
{
    uint64_t value = 0;

    if (s.len > 0 && (mk_str_u64(mk_str_sub(s, 1, SIZE_MAX), &value) != MK_OK ||
                      s.ptr[0] != ':' || value == 0 || value > 65535)) {
        return false;
    }
    *out_port = (uint16_t)value;
    return true;
}

bool target_parse_place(target *t, mk_str s)
{
    mk_str host = s;
    mk_str port;
    size_t at;

    if (s.len > 0 && s.ptr[0] == '[') {
        at = mk_str_find(s, ']');
        host = mk_str_sub(s, 1, at - 1);
        port = mk_str_sub(s, at + 1, SIZE_MAX);
        if (at == s.len) {
            return false;
        }
    } else {
        at = mk_str_find(s, ':');
        port = mk_str_sub(s, at, SIZE_MAX);
        if (port.len > 0 &&
            mk_str_find(mk_str_sub(port, 1, SIZE_MAX), ':') == port.len - 1) {
            host = mk_str_sub(s, 0, at);
        } else {
            port.len = 0;
        }
    }
    if (t->host[0] != '\0' || host.len == 0 || host.len >= sizeof t->host ||
        !parse_port(port, &t->port)) {
        return false;
    }
    memcpy(t->host, host.ptr, host.len);
    t->host[host.len] = '\0';
    return true;
}

bool target_parse_unix(target *t, mk_str s)
{
    struct sockaddr_un room;
    mk_str path = mk_str_sub(s, sizeof "unix:" - 1, SIZE_MAX);

    if (!mk_str_has_prefix_nocase(s, mk_str_z("unix:")) || t->host[0] != '\0' ||
        path.len == 0 || path.len >= sizeof room.sun_path) {
        return false;
    }
    memcpy(t->host, path.ptr, path.len);
    t->host[path.len] = '\0';
    t->is_unix = true;
    return true;
}

/* There is nothing to wait for: a queue that is full refuses. */
static mk_err connect_unix(const char *path, int *out_fd)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        return MK_E_FILES;
    }
    memcpy(name.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&name, sizeof name) == 0) {
        *out_fd = fd;
        return MK_OK;
    }
    int error = errno;
    (void)close(fd);
    return error == ENOENT   ? MK_E_NOENT
           : error == EACCES ? MK_E_ACCESS
                             : MK_E_UNREACHABLE;
}

mk_err target_connect(const target *t, uint32_t timeout_ms, int *out_fd)
{
    return t->is_unix ? connect_unix(t->host, out_fd)
                      : mk_poll_connect(t->host, t->port, timeout_ms, out_fd);
}

static bool parse_tls(target *t, mk_str s)
{
    static const char *const words[] = {
        [TARGET_TLS_NONE] = "none",
        [TARGET_TLS_MAY] = "may",
        [TARGET_TLS_STARTTLS] = "starttls",
        [TARGET_TLS_IMPLICIT] = "implicit",
    };
    int i;

    for (i = TARGET_TLS_NONE; i <= TARGET_TLS_IMPLICIT; i++) {
        if (t->tls == TARGET_TLS_UNSET && mk_str_is(s, mk_str_z(words[i]))) {
            t->tls = (target_tls)i;
            return true;
        }
    }
    return false;
}

static bool parse_user(target *t, mk_str s)
{
    bool is_first = t->user.len == 0;

    t->user = s;
    return is_first && s.len > 0 && s.len <= MK_SASL_NAME_MAX;
}

bool target_parse_once(const char **io_z, const char *z)
{
    bool is_first = *io_z == NULL;

    *io_z = z;
    return is_first && *z != '\0';
}

/* What there is no option for cannot be done here. */
static bool parse_mechanism(target *t, mk_str s)
{
#ifdef MAILKIT_SECURE
    uint32_t found = mk_sasl_find(s);
#else
    uint32_t found = s.len > 0 ? MK_SASL_PLAIN : 0;
#endif

    t->mechanisms |= found;
    return found != MK_SASL_NONE && found != MK_SASL_EXTERNAL &&
           found != MK_SASL_ANONYMOUS;
}

bool target_parse_option(target *t, int option, const char *z)
{
    switch (option) {
    case TARGET_OPTION_TLS:
        return parse_tls(t, mk_str_z(z));
    case TARGET_OPTION_TRUST:
        return target_parse_once(&t->trust, z);
    case TARGET_OPTION_USER:
        return parse_user(t, mk_str_z(z));
    case TARGET_OPTION_FILE:
        return target_parse_once(&t->password_file, z);
    case TARGET_OPTION_COMMAND:
        return target_parse_once(&t->password_command, z);
    case TARGET_OPTION_OAUTH:
        t->is_oauth = true;
        return true;
    case TARGET_OPTION_AUTH:
        return parse_mechanism(t, mk_str_z(z));
    case TARGET_OPTION_CLEAR:
        t->is_clear_allowed = true;
        return true;
    default:
        return false;
    }
}

const char *target_clash(const target *t)
{
    bool has_secret = t->password_file != NULL || t->password_command != NULL;

    if (t->is_unix && t->tls != TARGET_TLS_NONE) {
        return "a socket in the file system has no name to verify: --tls none";
    }
    if (t->user.len == 0) {
        return has_secret || t->is_oauth || t->mechanisms != 0 ||
                       t->is_clear_allowed
                   ? "--user is missing"
               : t->trust != NULL && t->tls == TARGET_TLS_NONE
                   ? "--tls-trust without --tls"
                   : NULL;
    }
    if (!has_secret || (t->password_file && t->password_command)) {
        return "--user wants --password-file or --password-command";
    }
    return t->tls == TARGET_TLS_NONE && !t->is_clear_allowed
               ? "a login without TLS needs --allow-clear-auth"
               : NULL;
}

bool target_is_certificate(mk_err why)
{
    return why <= MK_E_CERT_NAME && why >= MK_E_CERT_NONE;
}

int target_exit_code(mk_err why, mk_retry retry, bool is_passing)
{
    switch (why) {
    case MK_E_AUTH:
        return is_passing ? TOOL_TEMPFAIL : TOOL_NOPERM;
    case MK_E_UNSUPPORTED: /* no way to log in */
        return TOOL_NOPERM;
    case MK_E_CLEARTEXT:
    case MK_E_TLS:
        return TOOL_PROTOCOL;
    case MK_E_REFUSED:
        return retry == MK_RETRY_NEVER ? TOOL_UNAVAILABLE : TOOL_TEMPFAIL;
    case MK_E_SYNTAX:
    case MK_E_BARE:
    case MK_E_EARLY:
    case MK_E_PROTOCOL:
    case MK_E_LINE:
    case MK_E_LIMIT:
    case MK_E_COUNT:
    case MK_E_OVERFLOW:
    case MK_E_CROSS:
        return retry == MK_RETRY_UNKNOWN ? TOOL_TEMPFAIL : TOOL_PROTOCOL;
    default:
        return target_is_certificate(why) ? TOOL_PROTOCOL : TOOL_TEMPFAIL;
    }
}
