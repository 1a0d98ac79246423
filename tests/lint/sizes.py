#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Functions of at most 80 lines, nine of ten below 50; files of at most 800.
*_tables.c are exempt; any other exception is a line with its reason in
sizes_exceptions.txt, and goes when it is no longer needed."""
import sys

import lintlib

FUNCTION_MAX = 80
FUNCTION_LONG = 50
LONG_PER_CENT = 10
FILE_MAX = 800
LIST = 'tests/lint/sizes_exceptions.txt'


def exceptions(root, problems):
    """path or path:function -> line number, from lines "NAME REASON"."""
    found = {}
    try:
        text = lintlib.read(root, LIST)
    except FileNotFoundError:
        return found
    for n, line in enumerate(text.split('\n'), 1):
        if not line or line.startswith('#'):
            continue
        name, _, reason = line.partition(' ')
        if len(reason.split()) < 3:
            problems.append('%s:%d: %s has no reason' % (LIST, n, name))
        found[name] = n
    return found


def measure(root):
    """(path, lines, functions) of every C file but the tables."""
    for path in lintlib.walk(root, lintlib.C_ROOTS, ('.c', '.h')):
        if not path.endswith('_tables.c'):
            text = lintlib.read(root, path)
            yield path, text.count('\n'), lintlib.functions(text)


def shares(root):
    """(functions, those of 50 lines or more) of what we ship."""
    lengths = [n for path, _, found in measure(root)
               if path.startswith(('lib/', 'examples/'))
               for _, _, n in found]
    return len(lengths), sum(1 for n in lengths if n >= FUNCTION_LONG)


def check(root):
    problems = []
    allowed = exceptions(root, problems)
    used = set()
    for path, lines, found in measure(root):
        if lines > FILE_MAX:
            used.add(path)
            if path not in allowed:
                problems.append('%s:1: %d lines, more than %d'
                                % (path, lines, FILE_MAX))
        for name, at, length in found:
            key = path + ':' + name
            if length > FUNCTION_MAX:
                used.add(key)
                if key not in allowed:
                    problems.append('%s:%d: %s() has %d lines, more than %d'
                                    % (path, at, name, length, FUNCTION_MAX))
    for name in sorted(set(allowed) - used):
        problems.append('%s:%d: %s needs no exception any more'
                        % (LIST, allowed[name], name))
    total, long = shares(root)
    if long * 100 > total * LONG_PER_CENT:
        problems.append('lib:1: %d of %d functions have %d lines or more'
                        % (long, total, FUNCTION_LONG))
    return problems


def summary(root):
    lengths = sorted(n for path, _, found in measure(root)
                     if path.startswith(('lib/', 'examples/'))
                     for _, _, n in found)
    if not lengths:
        return 'sizes: no functions'
    return 'sizes: %d functions, median %d lines, longest %d, %d of 50 up' % (
        len(lengths), lengths[len(lengths) // 2], lengths[-1],
        shares(root)[1])


def function(name, lines):
    return 'int %s(void)\n{\n' % name + '    ;\n' * (lines - 3) + '}\n'


SHORT = ''.join(function('s%d' % i, 12) for i in range(20))
GOOD = {
    'lib/smtp/a.c': SHORT + function('edge', 80),
    'lib/smtp/big_tables.c': 'int x;\n' * 900,
    'tests/unit/t.c': '\n' * 800 + '',
}
BAD = [
    ({'lib/smtp/a.c': SHORT + function('long_one', 81)},
     'a.c:241: long_one() has 81'),
    ({'lib/smtp/a.c': 'int x;\n' * 801}, '801 lines'),
    ({'lib/smtp/a.c': SHORT + ''.join(function('m%d' % i, 50)
                                      for i in range(3))}, '3 of 23'),
    ({'tests/unit/t.c': function('t', 90)}, 't() has 90'),
    ({LIST: 'lib/smtp/a.c:edge it reads one table\n'}, 'no exception any'),
    ({LIST: 'lib/smtp/a.c:huge because\n',
      'lib/smtp/a.c': SHORT + function('huge', 99)}, 'has no reason'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD, summary))
