#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SWIG reads all public headers for Python and for Perl without an error and
without a warning; no field or parameter is a keyword of either language."""
import keyword
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lintlib

# Warnings that say nothing about our headers, each with its reason.
QUIET = {
    305: 'X-macro tables are no constants',
    451: 'char pointers in const structs are borrowed, never set by scripts',
    454: 'likewise for pointers in global constants',
    462: 'flexible array members stay opaque',
}
# SWIG calls self a keyword of Python. It is none, and the hooks that have such
# a field are filled from C only.
HARMLESS = re.compile(r"Warning 314: 'self' is a python keyword")
PERL = set('and cmp continue do else elsif eq for foreach ge gt if last le lt '
           'local lock lt my ne next no not or our package pass print q qq qr '
           'qw qx redo require return sub tr unless until use while x xor y '
           'y s m'.split())
WORDS = (set(keyword.kwlist) | {'print', 'exec'} | PERL) - {
    # C's own keywords cannot be names anyway, and Perl's quote-like operators
    # are none after an arrow or as an argument
    'if', 'else', 'for', 'while', 'do', 'return', 'continue', 'break',
    'q', 's', 'm', 'x', 'y', 'tr'}
NAME = re.compile(r'(?<=[\s*])(\w+)\s*(?:\[[^\]]*\]\s*)*(?=[,;:)])')


def keywords(root, path):
    """Fields and parameters that a script could not write."""
    code = lintlib.code_of(lintlib.read(root, path))
    code = re.sub(r'^[ \t]*#(?:[^\n\\]|\\\n|\\.)*', lambda m:
                  lintlib.blank(m.group(0)), code, flags=re.M)
    for m in NAME.finditer(code):
        if m.group(1) in WORDS and not re.search(
                r'\b(return|goto)\s*$', code[:m.start(1)]):
            yield lintlib.line_of(code, m.start(1)), m.group(1)


def check(root):
    if not shutil.which('swig'):
        raise lintlib.Skip('no swig on the path')
    headers = lintlib.walk(root, ('include/mailkit',), ('.h',))
    problems = ['%s:%d: %s is a keyword of Python or Perl' % (path, line, word)
                for path in headers for line, word in keywords(root, path)]
    names = [h[len('include/'):] for h in headers]
    names.sort(key=lambda n: (not n.endswith('base.h'),
                              not n.endswith('engine.h'), n))
    with tempfile.TemporaryDirectory() as tmp:
        source = os.path.join(tmp, 'mailkit.i')
        with open(source, 'w', encoding='ascii') as f:
            f.write('%module mailkit\n%include <stdint.i>\n')
            f.writelines('%%include "%s"\n' % n for n in names)
        for language in ('-python', '-perl5'):
            run = subprocess.run(
                ['swig', language,
                 '-w' + ','.join(str(n) for n in sorted(QUIET)),
                 '-I' + os.path.join(root, 'include'),
                 '-o', os.path.join(tmp, 'wrap.c'), '-outdir', tmp, source],
                capture_output=True, text=True, timeout=120)
            text = '\n'.join(
                line for line in (run.stdout + run.stderr).split('\n')
                if line.strip() and not HARMLESS.search(line))
            if run.returncode or text:
                problems.append('include/mailkit:1: swig %s: %s'
                                % (language, text[:2000]))
    return problems


def summary(root):
    return 'swig: %d headers for Python and Perl' % len(
        lintlib.walk(root, ('include/mailkit',), ('.h',)))


H = 'include/mailkit/base.h'
GOOD = {H: 'typedef enum mk_k {\n    MK_LAST = 1\n} mk_k;\n'
           'typedef struct mk_x {\n    const char *ptr;\n    int n;\n} mk_x;\n'
           'int mk_do(mk_x x, int n);\n'
           'static inline int mk_y(int n)\n{\n    return n;\n}\n'}
BAD = [
    ({H: 'typedef struct mk_x {\n    int from;\n} mk_x;\n'},
     'base.h:2: from is'),
    ({H: 'typedef struct mk_x {\n    int print;\n} mk_x;\n'}, ': print is'),
    ({H: 'typedef struct mk_x {\n    int from;\n} mk_x;\n'},
     'Warning 314'),
    ({H: 'typedef struct mk_x {\n    int local;\n} mk_x;\n'}, ': local is'),
    ({H: 'typedef struct mk_x {\n    unsigned next : 1;\n} mk_x;\n'},
     ': next is'),
    ({H: 'int mk_do(int a, const char *from, int b);\n'}, ': from is'),
    ({H: 'int mk_do(int a[4], int in[2]);\n'}, ': in is'),
    ({H: 'struct mk_x { int a\n'}, 'swig -p'),
    ({H: 'int mk_do(int a);\nlong mk_do(int a);\n'}, 'swig -p'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD, summary))
