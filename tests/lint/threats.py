#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The list of threats (1 to 119) and faults (F1 to F32) against the tests.

threats.txt gives each number once, and what it is behind a "#": "014 scope"
must be met by a test whose name contains sec_014 (a function in C, a case of a
script, or a file),
"F08 scope" by fault_f08; "042 waits: sasl" may be missing until the capability
is there, which is when the path that CAPABILITIES names for it exists."""
import os
import re
import sys

import lintlib

LIST = 'tests/lint/threats.txt'
NUMBERS = (['%03d' % n for n in range(1, 120)] +
           ['F%02d' % n for n in range(1, 33)])
# Capability -> what exists once it has come (None: said by hand only).
CAPABILITIES = {
    'tls': 'lib/tls', 'sasl': 'lib/sasl', 'pop3': 'lib/pop3',
    'imap': 'lib/imap', 'message': 'lib/message', 'dns': 'lib/dns',
    'queue': 'lib/queue', 'verify': 'lib/verify', 'filter': 'lib/filter',
    'bindings': 'bindings', 'mbox': 'lib/store/mbox.c',
    'uidlist': 'lib/store/uidlist.c', 'hardening': 'tests/fault',
    'smtp-extensions': 'lib/smtp/bdat.c',
}
ENTRY = re.compile(r'(F?\d+) (?:(scope)|waits: ([\w-]+)(?: \(.+\))?)'
                   r' +# \S.*$')
DEFINED = re.compile(r'^[A-Za-z_][\w \t*]*?\b(\w*(?:sec_\d{3}|fault_f\d{2})'
                     r'\w*)\s*\(', re.M)
CASE = re.compile(r'^def (check_\w+)\(\):', re.M)  # lib/case.py runs these
TAG = re.compile(r'(?:sec[_-](\d{3})|fault[_-](f\d{2}))(?!\d)')


def entries(root, problems):
    """number -> (line, capability or None for scope)."""
    found = {}
    for n, line in enumerate(lintlib.read(root, LIST).split('\n'), 1):
        if not line or line.startswith('#'):
            continue
        m = ENTRY.match(line)
        if not m or m.group(1) not in NUMBERS:
            problems.append('%s:%d: cannot be read: %s' % (LIST, n, line))
        elif m.group(1) in found:
            problems.append('%s:%d: %s is there twice' % (LIST, n,
                                                          m.group(1)))
        else:
            found[m.group(1)] = (n, m.group(3))
            if m.group(3) and m.group(3) not in CAPABILITIES:
                problems.append('%s:%d: %s waits for %s, which nobody makes'
                                % (LIST, n, m.group(1), m.group(3)))
    for number in NUMBERS:
        if number not in found:
            problems.append('%s:1: %s is missing' % (LIST, number))
    return found


def numbers_in(name):
    for m in TAG.finditer(name):
        yield m.group(1) or m.group(2).upper()


def tested(root):
    """Numbers that some test carries in its name, with these names."""
    found = {}
    for path in lintlib.walk(root, ('tests', 'fuzz'), (
            '.c', '.chat', '.py', '.sh')):
        if path.startswith('tests/support/'):
            continue
        names = [os.path.basename(path)]
        if path.endswith('.c'):
            code = lintlib.code_of(lintlib.read(root, path))
            names += [n for n in DEFINED.findall(code)
                      if len(re.findall(r'\b%s\b' % n, code)) > 1]
        if path.endswith('.py'):
            names += CASE.findall(lintlib.read(root, path))
        for name in names:
            for number in numbers_in(name):
                found.setdefault(number, set()).add(path + ':' + name)
    return found


def check(root):
    problems = []
    listed = entries(root, problems)
    have = tested(root)
    for number, (n, waits) in sorted(listed.items()):
        if waits is None and number not in have:
            problems.append('%s:%d: no test carries %s' % (
                LIST, n, ('fault_' + number.lower()) if number[0] == 'F'
                else 'sec_' + number))
        path = CAPABILITIES.get(waits) if waits else None
        if path and os.path.exists(os.path.join(root, path)):
            if number not in have:
                problems.append('%s:%d: %s waits for %s, but %s is there'
                                % (LIST, n, number, waits, path))
    for number in sorted(set(have) - set(NUMBERS)):
        problems.append('%s:1: %s is no number of the list'
                        % (sorted(have[number])[0], number))
    return problems


def summary(root):
    have = tested(root)
    listed = entries(root, [])
    early = sum(1 for n, (_, waits) in listed.items() if waits and n in have)
    text = 'threats: %d covered, %d waiting' % (
        sum(1 for n in listed if n in have),
        sum(1 for n in listed if n not in have))
    return text + (', %d of the covered before their time' % early
                   if early else '')


def listing(**changes):
    lines = {n: n + ' waits: tls' for n in NUMBERS}
    lines['014'] = '014 scope'
    lines['F08'] = 'F08 scope'
    lines.update({k.lstrip('_'): v for k, v in changes.items()})
    return ''.join(v + '  # words\n' for v in lines.values() if v)


T = 'tests/unit/smtp/test_a.c'
TEST = 'static void sec_014_replies(void **state)\n{\n}\nx(sec_014_replies);\n'
GOOD = {LIST: listing(), T: TEST, 'tests/chat/smtp/fault_f08-full.chat': 'x\n'}
BAD = [
    ({T: '/* sec_014_replies( */\n'}, 'no test carries sec_014'),
    ({T: TEST.split('x(')[0]}, 'no test carries sec_014'),
    ({'tests/chat/smtp/fault_f08-full.chat': None}, 'carries fault_f08'),
    ({LIST: listing(_099='')}, '099 is missing'),
    ({LIST: listing(_F32='')}, 'F32 is missing'),
    ({LIST: listing() + '099 scope  # words\n'}, '099 is there twice'),
    ({LIST: listing(_099='099 whenever')}, 'cannot be read'),
    ({LIST: listing() + '120 waits: tls  # words\n'}, 'cannot be read'),
    ({LIST: listing().replace('099 waits: tls  # words', '099 waits: tls')},
     'cannot be read'),
    ({LIST: listing(_099='099 waits: godot')}, 'nobody makes'),
    ({LIST: listing(_099='099 scope')}, 'no test carries sec_099'),
    ({'lib/tls/a.c': ''}, 'but lib/tls is there'),
    ({T: TEST.replace('014', '120') + TEST}, '120 is no number'),
    ({'tests/a.py': 'def check_sec_120_x():\n'}, '120 is no number'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD, summary))
