#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every reply that the SMTP server can emit, and every class of fault that
either role can report, occurs in a dialogue below tests/chat/smtp/.

A reply is a string literal that begins with three digits (and an enhanced
code, if it has one) in lib/smtp/ outside the client's files; a dialogue says
it in an S: line. A fault is an MK_E_ name in a statement that speaks of a
fault, or is returned by the parser of replies; a dialogue of that role says it
as "E: FAULT name" ("EC:" or "ES:" in a dialogue of both roles)."""
import re
import sys

import lintlib

CODE = re.compile(r'"([245]\d\d(?: [245]\.\d{1,3}\.\d{1,3})?)(?:[ -][^"]*)?"')
THREE = re.compile(r'"(3\d\d)(?:[ -][^"]*)?"')
SERVER_LINE = re.compile(r'^S: ?(\d{3})[ -]?(\d\.\d{1,3}\.\d{1,3})?', re.M)
FAULT_LINE = re.compile(r'^E([CS]?): ?FAULT\b[ \t]+(?:MK_)?(E_\w+)', re.M)
ROLE = re.compile(r'^@ ?role[ =](\w+)', re.M)
FAULT_NAME = re.compile(r'\bMK_(E_[A-Z]+)\b')
STATEMENT = re.compile(r'[^;{}]*\b(?:\w+_fault|bad_\w+|fault\.why)\b[^;{}]*;')
RETURNED = re.compile(r'\breturn\b[^;]*;')
# Misuse by the caller is a return value, never a fault of the peer.
MISUSE = {'E_ARG', 'E_STATE', 'E_STALE', 'E_CTL', 'E_ROOM', 'E_BUSY',
          'E_UNSUPPORTED'}


def is_client(path):
    return 'client' in path.rsplit('/', 1)[1]


def dialogues(root):
    for path in lintlib.walk(root, ('tests/chat/smtp',), ('.chat',)):
        yield path, lintlib.read(root, path)


def emitted(root, sources):
    """code -> where the server's source has it."""
    found = {}
    for path in sources:
        if is_client(path):
            continue
        text = lintlib.code_of(lintlib.read(root, path), keep_strings=True)
        for pattern in (CODE, THREE):
            for m in pattern.finditer(text):
                found.setdefault(m.group(1), '%s:%d' % (
                    path, lintlib.line_of(text, m.start())))
    return found


def reported(root, sources):
    """(role, fault name) -> where the source has it."""
    found = {}
    for path in sources:
        name = path.rsplit('/', 1)[1]
        pattern = RETURNED if name.startswith('reply') else STATEMENT
        role = 'server' if name.startswith(('server', 'verbs')) else 'client'
        code = lintlib.code_of(lintlib.read(root, path))
        for statement in pattern.finditer(code):
            for m in FAULT_NAME.finditer(statement.group(0)):
                at = lintlib.line_of(code, statement.start() + m.start())
                if m.group(1) not in MISUSE:
                    found.setdefault((role, m.group(1)), '%s:%d' % (path, at))
    return found


def shown(root):
    """(codes in S: lines, (role, fault) of E: lines) of all dialogues."""
    said = set()
    faults = set()
    for _, text in dialogues(root):
        for code, enhanced in SERVER_LINE.findall(text):
            said.add(code)
            said.add(code + ' ' + enhanced if enhanced else code)
        role = (ROLE.findall(text) or ['server'])[0]
        for who, name in FAULT_LINE.findall(text):
            faults.add(({'C': 'client', 'S': 'server'}.get(who, role), name))
    return said, faults


def check(root):
    sources = lintlib.walk(root, ('lib/smtp',), ('.c', '.h'))
    if not any(p.endswith('.c') for p in sources):
        raise lintlib.Skip('lib/smtp/ has no source')
    said, faults = shown(root)
    problems = ['%s: no dialogue has the reply %s' % (at, code)
                for code, at in sorted(emitted(root, sources).items())
                if code not in said]
    return problems + [
        '%s: no %s dialogue has E: FAULT %s' % (at, role, name)
        for (role, name), at in sorted(reported(root, sources).items())
        if (role, name) not in faults]


def summary(root):
    sources = lintlib.walk(root, ('lib/smtp',), ('.c', '.h'))
    roles = [role for role, _ in reported(root, sources)]
    return 'replies: %d replies and %d faults of the server, %d faults of ' \
        'the client' % (len(emitted(root, sources)), roles.count('server'),
                        roles.count('client'))


GOOD = {
    'lib/smtp/server.c': 'x("250 2.1.0", "sender ok"); y("354 go on");'
                         '/* "599" */\n',
    'lib/smtp/client.c': 'mk_smtp_client_fault(MK_E_SYNTAX); z("250");'
                         'void f(void) { return MK_E_ARG; }\n',
    'tests/chat/smtp/a.chat': 'It goes.\n@role server\nC: MAIL FROM:<>\n'
                              'S: 250 2.1.0 sender ok\nS: 354 …\n',
    'tests/chat/smtp/b.chat': 'It breaks.\n@role client\nS: 25\n'
                              'E: FAULT E_SYNTAX\n',
}
BAD = [
    ({'lib/smtp/server.c': 'x("552 5.3.4");\n'}, 'reply 552 5.3.4'),
    ({'lib/smtp/server.c': 'x("250 2.1.5");\n'}, 'reply 250 2.1.5'),
    ({'lib/smtp/server.c': 'x("334 ");\n'}, 'reply 334'),
    ({'lib/smtp/verbs.c': 'x("502");\n'}, 'verbs.c:1: no dialogue'),
    ({'lib/smtp/client.c': 'bad_reply(c, MK_E_CUT);\n'},
     'no client dialogue has E: FAULT E_CUT'),
    ({'lib/smtp/client.c': 'c->fault.why = x ? y : MK_E_CUT;\n'}, 'E_CUT'),
    ({'lib/smtp/reply_parse.c': 'return MK_E_LINE;\n'}, 'no client dialogue'),
    ({'lib/smtp/server.c': 'x_fault(s, MK_E_SYNTAX);\n'},
     'no server dialogue'),
    ({'tests/chat/smtp/b.chat': 'x\n@role server\nE: FAULT E_SYNTAX\n'},
     'FAULT E_SYNTAX'),
    ({'tests/chat/smtp/a.chat': 'x\nC: 250 2.1.0\nS: 354\n'}, 'reply 250'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD, summary))
