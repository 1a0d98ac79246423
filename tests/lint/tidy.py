#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""cppcheck and clang-tidy over what the compile database builds from lib/ and
examples/. Slow; runs in the suite slow-lint. .clang-tidy holds the checks.

usage: tidy.py ROOT BUILD | --self-test
"""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lintlib

# Suppressed in cppcheck, each with its reason.
CPPCHECK_QUIET = [
    'missingIncludeSystem',    # the C library is not read
    'unmatchedSuppression',    # one list serves every version
    'unusedStructMember',      # public structs are for others to read
    'checkersReport',
]
# Of constants the compiler itself says when they overflow; clang-tidy 14 asks
# for a suffix on each 64 * 1024. Products of variables stay reported.
WIDENING = 'bugprone-implicit-widening-of-multiplication-result'
CONSTANT = re.compile(r'[\s(]*(?:[A-Z][A-Z0-9_]*\b(?!\s*\()|'
                      r'\d+\w*(?:\s*\*\s*\d+\w*)+)\s*[;,)]')
SHIPPED = ('lib/', 'examples/')


def tidied(root, build, text, pattern):
    """The lines that are findings, with paths below root. The tools name
    files as seen from the build directory."""
    found = set()
    for line in text.split('\n'):
        if re.match(pattern, line):
            path, rest = line.split(':', 1)
            found.add(os.path.relpath(
                os.path.normpath(os.path.join(build, path)), root) + ':' + rest)
    return sorted(found)


def is_constant_product(root, finding):
    """Is this the widening of a product of literals?"""
    m = re.match(r'(\S+?):(\d+):(\d+): ', finding)
    if not m or WIDENING not in finding:
        return False
    line = lintlib.read(root, m.group(1)).split('\n')[int(m.group(2)) - 1]
    return CONSTANT.match(line[int(m.group(3)) - 1:]) is not None


def run(argv, timeout):
    return subprocess.run(argv, capture_output=True, text=True,
                          timeout=timeout)


def sources(root, build):
    with open(os.path.join(build, 'compile_commands.json'),
              encoding='utf-8') as f:
        entries = json.load(f)
    found = set()
    for e in entries:
        full = os.path.normpath(os.path.join(e['directory'], e['file']))
        path = os.path.relpath(full, root)
        if path.startswith(SHIPPED):
            found.add(path)
    return sorted(found)


def cppcheck(root, paths):
    out = run(['cppcheck', '--enable=warning,performance,portability',
               '--std=c11', '--inline-suppr', '--quiet', '-j2',
               '-D__GNUC__=12', '-D_GNU_SOURCE',
               '-I' + os.path.join(root, 'include'),
               '-I' + os.path.join(root, 'lib'),
               '--template={file}:{line}: {severity}: {message} [{id}]',
               *('--suppress=' + s for s in CPPCHECK_QUIET),
               *(os.path.join(root, p) for p in paths)], 900)
    return tidied(root, root, out.stdout + out.stderr, r'\S+:\d+: ')


def clang_tidy(root, build, paths, name):
    def one(path):
        # clang does not know every warning that gcc was told of.
        out = run([name, '-p', build, '--quiet',
                   '--extra-arg=-Wno-unknown-warning-option',
                   '--config-file=' + os.path.join(root, '.clang-tidy'),
                   os.path.join(root, path)], 600)
        found = tidied(root, build, out.stdout,
                       r'\S+:\d+:\d+: (warning|error):')
        return [f for f in found if not is_constant_product(root, f)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [line for found in pool.map(one, paths) for line in found]


def tidy_name():
    for name in ('clang-tidy-14', 'clang-tidy'):
        if shutil.which(name):
            return name
    return None


def check(root, build):
    root, build = os.path.abspath(root), os.path.abspath(build)
    paths = sources(root, build)
    problems = []
    if shutil.which('cppcheck'):
        problems += cppcheck(root, paths)
    if tidy_name():
        problems += clang_tidy(root, build, paths, tidy_name())
    print('tidy: %d files' % len(paths))
    return sorted(set(problems))


FIXTURES = [
    ('int f(int a);\nint f(int a)\n{\n    int v[2] = {0, 0};\n'
     '    return v[a > 1 ? 2 : 2];\n}\n', 'arrayIndexOutOfBounds'),
    ('int f(int a);\nint f(int a)\n{\n    if (a)\n        return 1;\n'
     '    return 0;\n}\n', 'readability-braces-around-statements'),
    ('#include <string.h>\nint f(const char *a);\nint f(const char *a)\n{\n'
     '    if (strcmp(a, "x")) {\n        return 1;\n    }\n    return 0;\n}\n',
     'bugprone-suspicious-string-compare'),
    ('#include <stdint.h>\nuint64_t f(unsigned a);\nuint64_t f(unsigned a)\n'
     '{\n    return a * 1024u;\n}\n', WIDENING),
    ('#include <stdint.h>\nuint64_t f(void);\nuint64_t f(void)\n'
     '{\n    return 64u * 1024u;\n}\n', None),
    ('int f(int a);\nint f(int a)\n{\n    return a + 1;\n}\n', None),
]


def self_test(config):
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        shutil.copy(config, os.path.join(tmp, '.clang-tidy'))
        for text, want in FIXTURES:
            lintlib.make_tree(tmp, {'lib/a.c': text})
            with open(os.path.join(tmp, 'compile_commands.json'), 'w',
                      encoding='ascii') as f:
                json.dump([{'directory': tmp, 'file': 'lib/a.c',
                            'command': 'cc -c lib/a.c'}], f)
            got = check(tmp, tmp)
            if not (any(want in g for g in got) if want else not got):
                failed += 1
                print('self-test: wanted', want, 'but got', got)
    print('self-test: %d fixtures, %d failed' % (len(FIXTURES), failed))
    return 1 if failed else 0


def main():
    if not shutil.which('cppcheck') or not tidy_name():
        print('skipped: cppcheck and clang-tidy are not both there')
        return lintlib.SKIP
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.argv[1:] == ['--self-test']:
        return self_test(os.path.join(here, '..', '..', '.clang-tidy'))
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 64
    problems = check(sys.argv[1], sys.argv[2])
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
