#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lib/ compiles for a 32-bit machine without a conversion that loses bits.
clang checks this without a 32-bit C library: the headers are the same."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lintlib

WARN = ['-Wconversion', '-Wshorten-64-to-32',
        '-Wshift-count-overflow', '-Wtautological-compare', '-Werror']


def clang():
    for name in ('clang-14', 'clang'):
        if shutil.which(name):
            return name
    raise lintlib.Skip('no clang on the path')


def check(root):
    name = clang()
    root = os.path.abspath(root)
    paths = lintlib.walk(root, ('lib',), ('.c',))

    with tempfile.TemporaryDirectory() as tmp:
        # glibc wants to know which functions of the 32-bit library are stubs.
        lintlib.make_tree(tmp, {'gnu/stubs-32.h': ''})

        def one(path):
            made = subprocess.run(
                [name, '--target=i386-linux-gnu', '-std=c11', '-fsyntax-only',
                 '-D_GNU_SOURCE', '-D_FILE_OFFSET_BITS=64', *WARN,
                 '-isystem', tmp, '-isystem', '/usr/include/x86_64-linux-gnu',
                 '-I' + os.path.join(root, 'include'),
                 '-I' + os.path.join(root, 'lib'),
                 os.path.join(root, path)],
                capture_output=True, text=True, timeout=120)
            found = re.findall(r'^(\S+?:\d+):\d+: (?:fatal )?error: (.*)$',
                               made.stderr, re.M)
            return ['%s: 32 bits: %s' % (where.replace(root + '/', ''), why)
                    for where, why in found]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return sorted(set(p for found in pool.map(one, paths)
                              for p in found))


HEAD = '#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n'
GOOD = {'lib/a/a.c': HEAD + 'size_t f(uint64_t n);\nsize_t f(uint64_t n)\n'
                     '{ return n > SIZE_MAX ? 0 : (size_t)n; }\n'}
BAD = [
    ({'lib/a/a.c': HEAD + 'size_t f(uint64_t n);\nsize_t f(uint64_t n)\n'
      '{ return n; }\n'}, 'a.c:6: 32 bits'),
    ({'lib/a/a.c': HEAD + 'size_t f(size_t n);\nsize_t f(size_t n)\n'
      '{ return n << 33; }\n'}, 'a.c:6: 32 bits'),
    ({'lib/a/a.c': HEAD + '_Static_assert(sizeof(void *) == 8, "64");\n'},
     'a.c:4: 32 bits'),
]

if __name__ == '__main__':
    sys.exit(lintlib.main(check, GOOD, BAD))
