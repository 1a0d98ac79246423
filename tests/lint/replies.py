#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every reply that the SMTP server can emit, and every class of fault that
the client can report, occurs in a dialogue below tests/chat/smtp/.

A reply is a string literal that begins with three digits (and an enhanced
code, if it has one) in lib/smtp/ outside the client's files; a dialogue says
it in an S: line. A fault is an MK_E_ name in the client's files; a dialogue of
the client's role says it as "E: FAULT name"."""
import re
import sys

import lintlib

CODE = re.compile(r'"([245]\d\d(?: [245]\.\d{1,3}\.\d{1,3})?)(?:[ -][^"]*)?"')
THREE = re.compile(r'"(3\d\d)(?:[ -][^"]*)?"')
SERVER_LINE = re.compile(r'^S: ?(\d{3})[ -]?(\d\.\d{1,3}\.\d{1,3})?', re.M)
FAULT_LINE = re.compile(r'^E: ?FAULT\b[ \t]+(?:MK_)?(E_\w+)', re.M)
ROLE = re.compile(r'^@ ?role[ =](\w+)', re.M)
FAULT_NAME = re.compile(r'\bMK_(E_[A-Z]+)\b')
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
    """fault name -> where the client's source has it."""
    found = {}
    for path in sources:
        if is_client(path) and path.endswith('.c'):
            code = lintlib.code_of(lintlib.read(root, path))
            for m in FAULT_NAME.finditer(code):
                found.setdefault(m.group(1), '%s:%d' % (
                    path, lintlib.line_of(code, m.start())))
    return found


def check(root):
    sources = lintlib.walk(root, ('lib/smtp',), ('.c', '.h'))
    if not any(p.endswith('.c') for p in sources):
        raise lintlib.Skip('lib/smtp/ has no source')
    said = set()
    faults = set()
    for _, text in dialogues(root):
        for code, enhanced in SERVER_LINE.findall(text):
            said.add(code)
            said.add(code + ' ' + enhanced if enhanced else code)
        if set(ROLE.findall(text)) & {'client', 'both'}:
            faults.update(FAULT_LINE.findall(text))
    problems = ['%s: no dialogue has the reply %s' % (at, code)
                for code, at in sorted(emitted(root, sources).items())
                if code not in said]
    return problems + [
        '%s: no client dialogue has E: FAULT %s' % (at, name)
        for name, at in sorted(reported(root, sources).items())
        if name not in faults and name not in MISUSE]


def summary(root):
    sources = lintlib.walk(root, ('lib/smtp',), ('.c', '.h'))
    return 'replies: %d replies of the server, %d faults of the client' % (
        len(emitted(root, sources)),
        len(set(reported(root, sources)) - MISUSE))


GOOD = {
    'lib/smtp/server.c': 'x("250 2.1.0", "sender ok"); y("354 go on");'
                         '/* "599" */\n',
    'lib/smtp/client.c': 'f(MK_E_SYNTAX); return MK_E_ARG; z("250");\n',
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
    ({'lib/smtp/client.c': 'f(MK_E_CUT);\n'}, 'FAULT E_CUT'),
    ({'tests/chat/smtp/b.chat': 'x\n@role server\nE: FAULT E_SYNTAX\n'},
     'FAULT E_SYNTAX'),
    ({'tests/chat/smtp/a.chat': 'x\nC: 250 2.1.0\nS: 354\n'}, 'reply 250'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD, summary))
