#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-format 14 has nothing to change. Other versions format differently,
so without version 14 this is skipped."""
import os
import re
import shutil
import subprocess
import sys

import lintlib

STYLE = ('BasedOnStyle: LLVM\nIndentWidth: 4\nBreakBeforeBraces: Linux\n'
         'AllowShortFunctionsOnASingleLine: None\n'
         'ColumnLimit: 80\n')


def tool():
    for name in ('clang-format-14', 'clang-format'):
        if shutil.which(name):
            out = subprocess.run([name, '--version'], capture_output=True,
                                 text=True, timeout=30).stdout
            if re.search(r'version 14\.', out):
                return name
    raise lintlib.Skip('no clang-format 14 on the path')


def check(root):
    name = tool()
    paths = lintlib.walk(root, lintlib.C_ROOTS, ('.c', '.h'))
    if not paths:
        return []
    run = subprocess.run([name, '--dry-run', '-Werror', '--style=file',
                          *paths], cwd=root, capture_output=True, text=True,
                         timeout=300)
    wrong = sorted(set(re.findall(r'^(\S+?:\d+):\d+: error', run.stderr,
                                  re.M)))
    if run.returncode and not wrong:
        wrong = ['lib:1: ' + run.stderr[:500]]
    return [w + ': clang-format would change this' for w in wrong]


GOOD = {'.clang-format': STYLE, 'lib/a/a.c': 'int f(void)\n{\n    ;\n}\n'}
BAD = [
    ({'lib/a/a.c': 'int f(void) {\n    ;\n}\n'}, 'lib/a/a.c:1'),
    ({'tests/t.c': 'int  x;\n'}, 'tests/t.c:1'),
    ({'include/mailkit/a.h': 'int f(int a,int b);\n'}, 'a.h:1'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD))
