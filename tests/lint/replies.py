#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every reply that a server can emit, and every class of fault that either
role can report, occurs in a dialogue of its protocol below tests/chat/.

A reply of SMTP is a string literal that begins with three digits (and an
enhanced code, if it has one), one of POP3 a literal that begins with +OK or
-ERR, in lib/PROTOCOL/ outside the client's files; a dialogue says it in an S:
line, of POP3 with all its words. A fault is an MK_E_ name in a statement that
speaks of a fault, or is returned by a parser of replies; what servers share
(lib/wire/serve*.c) counts for each protocol that stands on it. A dialogue of
that role says it as "E: FAULT name" ("EC:" or "ES:" in a dialogue of both)."""
import re
import sys

import lintlib

CODE = re.compile(r'"([245]\d\d(?: [245]\.\d{1,3}\.\d{1,3})?)(?:[ -][^"]*)?"')
THREE = re.compile(r'"(3\d\d)(?:[ -][^"]*)?"')
STATUS = re.compile(r'"((?:\+OK|-ERR|\+ )[^"]*)"')
SERVER_LINE = re.compile(r'^S: ?(\d{3})[ -]?(\d\.\d{1,3}\.\d{1,3})?', re.M)
STATUS_LINE = re.compile(r'^S: ?((?:\+OK|-ERR|\+ ).*)$', re.M)
FAULT_LINE = re.compile(r'^E([CS]?): ?FAULT\b[ \t]+(?:MK_)?(E_\w+)', re.M)
ROLE = re.compile(r'^@ ?role[ =](\w+)', re.M)
FAULT_NAME = re.compile(r'\bMK_(E_[A-Z]+)\b')
STATEMENT = re.compile(r'[^;{}]*\b(?:\w+_fault|bad_\w+|fault\.why)\b[^;{}]*;')
RETURNED = re.compile(r'\breturn\b[^;]*;')
STANDS_ON = re.compile(r'#include "wire/serve\.h"')
# Such a server refuses a command with bare octets, and goes on.
LENIENT = re.compile(r'\bis_lenient = true\b')
# Misuse by the caller is a return value, never a fault of the peer.
MISUSE = {'E_ARG', 'E_STATE', 'E_STALE', 'E_CTL', 'E_ROOM', 'E_BUSY',
          'E_UNSUPPORTED'}
PROTOCOLS = ('smtp', 'pop3')


def sources_of(root, protocol):
    return lintlib.walk(root, ('lib/' + protocol,), ('.c', '.h'))


def is_client(path):
    return 'client' in path.rsplit('/', 1)[1]


def is_parser(name):
    return name.startswith('reply') or 'parse' in name


def emitted(root, protocol):
    """reply -> where the server's source has it."""
    found = {}
    patterns = (CODE, THREE) if protocol == 'smtp' else (STATUS,)
    for path in sources_of(root, protocol):
        if is_client(path):
            continue
        text = lintlib.code_of(lintlib.read(root, path), keep_strings=True)
        for pattern in patterns:
            for m in pattern.finditer(text):
                found.setdefault(m.group(1), '%s:%d' % (
                    path, lintlib.line_of(text, m.start())))
    return found


def shared(root, protocol):
    """The files that its server stands on, if it does."""
    for path in sources_of(root, protocol):
        if STANDS_ON.search(lintlib.read(root, path)):
            return [p for p in lintlib.walk(root, ('lib/wire',), ('.c',))
                    if p.rsplit('/', 1)[1].startswith('serve')]
    return []


def reported(root, protocol):
    """(role, fault name) -> where the source has it."""
    found = {}
    own = sources_of(root, protocol)
    is_lenient = any(LENIENT.search(lintlib.read(root, p)) for p in own)
    for path in own + shared(root, protocol):
        name = path.rsplit('/', 1)[1]
        pattern = RETURNED if is_parser(name) else STATEMENT
        role = 'server' if name.startswith(('serve', 'verbs')) else 'client'
        code = lintlib.code_of(lintlib.read(root, path))
        for statement in pattern.finditer(code):
            for m in FAULT_NAME.finditer(statement.group(0)):
                at = lintlib.line_of(code, statement.start() + m.start())
                is_never = (is_lenient and path.startswith('lib/wire/') and
                            m.group(1) == 'E_BARE')
                if m.group(1) not in MISUSE and not is_never:
                    found.setdefault((role, m.group(1)), '%s:%d' % (path, at))
    return found


def shown(root, protocol):
    """(what S: lines say, (role, fault) of E: lines) of its dialogues."""
    said = set()
    faults = set()
    for path in lintlib.walk(root, ('tests/chat/' + protocol,), ('.chat',)):
        text = lintlib.read(root, path)
        role = (ROLE.findall(text) or ['server'])[0]
        for code, enhanced in SERVER_LINE.findall(text):
            said.add(code)
            said.add(code + ' ' + enhanced if enhanced else code)
        if role != 'client':
            said.update(STATUS_LINE.findall(text))
        for who, name in FAULT_LINE.findall(text):
            faults.add(({'C': 'client', 'S': 'server'}.get(who, role), name))
    return said, faults


def is_said(reply, said):
    return reply in said or (not reply[0].isdigit() and
                             any(line.startswith(reply) for line in said))


def check_protocol(root, protocol):
    said, faults = shown(root, protocol)
    problems = ['%s: no dialogue has the reply %s' % (at, reply)
                for reply, at in sorted(emitted(root, protocol).items())
                if not is_said(reply, said)]
    return problems + [
        '%s: no %s dialogue of %s has E: FAULT %s' % (at, role, protocol, name)
        for (role, name), at in sorted(reported(root, protocol).items())
        if (role, name) not in faults]


def check(root):
    problems = []
    for protocol in PROTOCOLS:
        if any(p.endswith('.c') for p in sources_of(root, protocol)):
            problems += check_protocol(root, protocol)
        elif protocol == 'smtp':
            raise lintlib.Skip('lib/smtp/ has no source')
    return problems


def summary(root):
    lines = []
    for protocol in PROTOCOLS:
        roles = [role for role, _ in reported(root, protocol)]
        lines.append('%s: %d replies and %d faults of the server, %d faults '
                     'of the client' % (
                         protocol, len(emitted(root, protocol)),
                         roles.count('server'), roles.count('client')))
    return 'replies: ' + '; '.join(lines)


GOOD = {
    'lib/smtp/server.c': 'x("250 2.1.0", "sender ok"); y("354 go on");'
                         '/* "599" */\n',
    'lib/smtp/client.c': 'mk_smtp_client_fault(MK_E_SYNTAX); z("250");'
                         'void f(void) { return MK_E_ARG; }\n',
    'tests/chat/smtp/a.chat': 'It goes.\n@role server\nC: MAIL FROM:<>\n'
                              'S: 250 2.1.0 sender ok\nS: 354 …\n',
    'tests/chat/smtp/b.chat': 'It breaks.\n@role client\nS: 25\n'
                              'E: FAULT E_SYNTAX\n',
    'lib/pop3/server.c': '#include "wire/serve.h"\nx("+OK"); y("-ERR Later");'
                         ' z("STAT"); c.is_lenient = true;\n',
    'lib/wire/serve.c': 'mk_serve_fault(s, ev, MK_E_BARE, 0);\n',
    'lib/wire/serve_tls.c': 'mk_serve_fault(s, ev, MK_E_CLEARTEXT, 0);\n',
    'tests/chat/pop3/a.chat': 'x\n@ role both\nS: +OK hello\n'
                              'S: -ERR Later, or never\n'
                              'ES: FAULT E_CLEARTEXT\n',
}
BAD = [
    ({'lib/smtp/server.c': 'x("552 5.3.4");\n'}, 'reply 552 5.3.4'),
    ({'lib/smtp/server.c': 'x("250 2.1.5");\n'}, 'reply 250 2.1.5'),
    ({'lib/smtp/server.c': 'x("334 ");\n'}, 'reply 334'),
    ({'lib/smtp/verbs.c': 'x("502");\n'}, 'verbs.c:1: no dialogue'),
    ({'lib/smtp/client.c': 'bad_reply(c, MK_E_CUT);\n'},
     'no client dialogue of smtp has E: FAULT E_CUT'),
    ({'lib/smtp/client.c': 'c->fault.why = x ? y : MK_E_CUT;\n'}, 'E_CUT'),
    ({'lib/smtp/reply_parse.c': 'return MK_E_LINE;\n'}, 'no client dialogue'),
    ({'lib/smtp/server.c': 'x_fault(s, MK_E_SYNTAX);\n'},
     'no server dialogue'),
    ({'tests/chat/smtp/b.chat': 'x\n@role server\nE: FAULT E_SYNTAX\n'},
     'FAULT E_SYNTAX'),
    ({'tests/chat/smtp/a.chat': 'x\nC: 250 2.1.0\nS: 354\n'}, 'reply 250'),
    ({'tests/chat/pop3/a.chat': 'x\n@ role both\nS: +OK hello\nS: -ERR …\n'
                                'ES: FAULT E_CLEARTEXT\n'}, 'reply -ERR Later'),
    ({'tests/chat/pop3/a.chat': 'x\n@ role client\nS: +OK\nS: -ERR Later\n'},
     'reply -ERR Later'),
    ({'tests/chat/pop3/a.chat': 'x\n@ role both\nS: +OK x\nS: -ERR Later\n'
                                'EC: FAULT E_CLEARTEXT\n'},
     'serve_tls.c:1: no server dialogue of pop3'),
    ({'lib/pop3/server.c': '#include "wire/serve.h"\nx("+OK");\n'},
     'serve.c:1: no server dialogue of pop3 has E: FAULT E_BARE'),
    ({'lib/pop3/client_parse.c': 'return MK_E_LINE;\n'},
     'no client dialogue of pop3 has E: FAULT E_LINE'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD, summary))
