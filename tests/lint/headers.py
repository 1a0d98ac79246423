#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every public header stands alone: it compiles by itself, twice in a row, as
C11 and as C++11, with gcc and with clang, without a warning; and it is one of
those that meson installs."""
import os
import shutil
import subprocess
import sys
import tempfile

import lintlib

WARN = ['-Wall', '-Wextra', '-Wshadow', '-Werror', '-pedantic']
COMPILERS = [
    ('gcc', ['-x', 'c', '-std=c11', '-Wstrict-prototypes', '-Wconversion']),
    ('g++', ['-x', 'c++', '-std=c++11']),
    ('clang', ['-x', 'c', '-std=c11', '-Wstrict-prototypes', '-Wconversion']),
    ('clang++', ['-x', 'c++', '-std=c++11']),
]


def there():
    return [(c, flags) for c, flags in COMPILERS if shutil.which(c)]


def check(root):
    problems = []
    headers = lintlib.walk(root, ('include/mailkit',), ('.h',))
    tools = there()
    if not tools:
        raise lintlib.Skip('no compiler on the path')
    built = lintlib.read(root, 'include/mailkit/meson.build')
    with tempfile.TemporaryDirectory() as tmp:
        for path in headers:
            if "'%s'" % os.path.basename(path) not in built:
                problems.append(path + ':1: is not installed')
            unit = os.path.join(tmp, 'alone.c')
            name = path[len('include/'):]
            with open(unit, 'w', encoding='ascii') as f:
                f.write('#include <%s>\n#include <%s>\n'
                        'extern int mk_alone;\n' % (name, name))
            for compiler, flags in tools:
                run = subprocess.run(
                    [compiler, *flags, *WARN, '-fsyntax-only', '-I',
                     os.path.join(root, 'include'), unit],
                    capture_output=True, text=True, timeout=60)
                if run.returncode:
                    problems.append('%s:1: %s: %s' % (
                        path, compiler, run.stderr.strip()[:600]))
    return problems


def summary(root):
    return 'headers: %d by %s' % (
        len(lintlib.walk(root, ('include/mailkit',), ('.h',))),
        ' '.join(c for c, _ in there()))


H = 'include/mailkit/a.h'
GUARD = '#ifndef A_H\n#define A_H\n%s\n#endif\n'
GOOD = {'include/mailkit/meson.build': "files('a.h')\n",
        H: GUARD % '#include <stddef.h>\ntypedef struct mk_a {\n'
           '    size_t n;\n} mk_a;'}
BAD = [
    ({'include/mailkit/meson.build': "files('b.h')\n"}, 'not installed'),
    ({H: GUARD % 'size_t f(void);'}, 'a.h:1: gcc'),
    ({H: 'typedef struct mk_a {\n    int n;\n} mk_a;\n'}, 'a.h:1: gcc'),
    ({H: GUARD % 'int f(int class);'}, 'a.h:1: g++'),
    ({H: GUARD % 'int f();'}, 'a.h:1: '),
    ({H: GUARD % 'static inline int f(long n) { return n; }'}, 'a.h:1: gcc'),
    ({H: GUARD % 'static inline char *f(void *p) { return p; }'}, 'g++'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD, summary))
