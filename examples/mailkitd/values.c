/* SPDX-License-Identifier: MIT
 *
 * values.c: see values.h. Names by RFC 5321 2.3.5 and RFC 6531, networks by RFC
 * 4632 3.1 and RFC 4291 2.3, keywords by RFC 3865. What names a directory must
 * also be fit for that. Nothing is looked up.
 */
#include "values.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const char *name_check(const char *value)
{
    mk_str s = mk_str_z(value);
    return s.len > 255 || !mk_smtp_is_host_name(s) ||
                   mk_maildir_name_check(s) != MK_OK
               ? "it is not a host name"
               : NULL;
}

/* What may stand behind the '@' of a mailbox. */
const char *domain_check(const char *value)
{
    char text[260];
    mk_smtp_path path;
    int n = snprintf(text, sizeof text, "a@%s", value);

    return (size_t)n >= sizeof text ||
                   mk_smtp_mailbox_parse(mk_str_of(text, (size_t)n), true,
                                         &path) != MK_OK ||
                   mk_maildir_name_check(path.domain) != MK_OK
               ? "it is not a host name"
               : NULL;
}

const char *mechanism_check(const char *value)
{
    return secure_mechanism(value) == 0
               ? "it is no mechanism that users can log in by"
               : NULL;
}

const char *network_check(const char *value)
{
    mk_network network;
    return mk_network_parse(mk_str_z(value), &network) != MK_OK
               ? "it is not 192.0.2.0/24 or 2001:db8::/32, or has bits behind "
                 "the prefix"
               : NULL;
}

const char *extension_check(const char *value)
{
    return extension_find(value) == 0
               ? "it is no extension that can be withdrawn"
               : NULL;
}

/* The server knows what it can tell (RFC 3865 2.2). */
const char *keywords_check(const char *value)
{
    mk_smtp_server_config c;

    mk_smtp_server_config_init(&c, sizeof c);
    c.hostname = mk_str_z("x");
    c.extensions |= MK_SMTP_EXTENSION_NO_SOLICITING;
    c.solicit = mk_str_z(value);
    c.line_max = SOLICIT_LINE;
    c.text_bytes = SOLICIT_LINE;
    return mk_smtp_server_need(&c) == 0
               ? "it is not KEYWORD,KEYWORD as net.example:ADV, or too long"
               : NULL;
}

const char *vrfy_parse(const char *word, mk_local_policy_verify *out)
{
    static const char *const words[] = {
        [MK_LOCAL_POLICY_VERIFY_UNSURE] = "ambiguous",
        [MK_LOCAL_POLICY_VERIFY_REFUSE] = "refuse",
        [MK_LOCAL_POLICY_VERIFY_LOGIN] = "login",
        [MK_LOCAL_POLICY_VERIFY_ANSWER] = "answer",
    };
    for (int i = 0; i <= MK_LOCAL_POLICY_VERIFY_ANSWER; i++) {
        if (mk_str_is_nocase(mk_str_z(word), mk_str_z(words[i]))) {
            *out = (mk_local_policy_verify)i;
            return NULL;
        }
    }
    return "it is not ambiguous, refuse, login or answer";
}

const char *vrfy_check(const char *value)
{
    mk_local_policy_verify verify;
    return vrfy_parse(value, &verify);
}

/* ---- where to listen ----------------------------------------------------- */

/* An IPv6 address may name its zone: fe80::1%eth0. */
static bool is_address(const endpoint *e)
{
    char plain[sizeof e->address];
    unsigned char octets[16];
    size_t n = strcspn(e->address, e->is_v6 ? "%" : "");
    memcpy(plain, e->address, n);
    plain[n] = '\0';
    return inet_pton(e->is_v6 ? AF_INET6 : AF_INET, plain, octets) == 1;
}

/* protocol "=" IP-address ":" port, an IPv6 address in brackets. */
const char *endpoint_parse(const char *text, endpoint *out)
{
    static char wrong[96];
    uint64_t port;
    size_t name = strcspn(text, "=");

    out->protocol = protocol_find(mk_str_of(text, name), &out->is_proxied);
    if (text[name] != '=') {
        return "it is not PROTOCOL=ADDR:PORT";
    }
    if (out->protocol == NULL) {
        snprintf(wrong, sizeof wrong, "its protocol is not %s", protocol_names);
        return wrong;
    }
    text += name + 1;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || mk_str_u64(mk_str_z(colon + 1), &port) != MK_OK ||
        port > 65535) {
        return "it has no port from 0 to 65535";
    }
    size_t n = (size_t)(colon - text);
    out->is_v6 = n >= 2 && text[0] == '[' && text[n - 1] == ']';
    if (out->is_v6) {
        text++;
        n -= 2;
    }
    if (n >= sizeof out->address) {
        n = 0;
    }
    memcpy(out->address, text, n);
    out->address[n] = '\0';
    if (!is_address(out)) {
        return "its address is not 192.0.2.1 or [2001:db8::1]";
    }
    out->port = (uint16_t)port;
    /* Whoever speaks to that port expects SMTP (RFC 2033). */
    return out->protocol->speech == SPEECH_LMTP && port == PORT_SMTP
               ? "LMTP is not served on port 25"
               : NULL;
}

const char *endpoint_check(const char *value)
{
    endpoint e;
    return endpoint_parse(value, &e);
}
