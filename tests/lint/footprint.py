#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How much code a program costs that only sends mail: examples/send_poll.c,
linked statically with -Os and --gc-sections, without TLS. Counts .text and,
apart from it, .rodata of our objects in the linker's map, not those of libc.

usage: footprint.py ROOT | --self-test
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lintlib

CODE_MAX = 16 * 1024
CONSTANTS_MAX = 4 * 1024
FOLDERS = ('lib/base', 'lib/wire', 'lib/smtp', 'lib/net')
PROGRAM = 'examples/send_poll.c'
CFLAGS = ['-std=c11', '-Os', '-D_GNU_SOURCE', '-DNDEBUG', '-w',
          '-ffunction-sections', '-fdata-sections', '-fno-pie',
          '-fno-asynchronous-unwind-tables', '-fno-stack-protector',
          '-fcf-protection=none']
INPUT = re.compile(r'^ \.(text|rodata)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+'
                   r'(\S+\.o)$', re.M)


def compile_all(root, tmp):
    paths = [p for p in lintlib.walk(root, FOLDERS, ('.c',))
             if '<uv.h>' not in lintlib.read(root, p)]
    paths.append(PROGRAM)

    def one(path):
        obj = os.path.join(tmp, path.replace('/', '_') + '.o')
        subprocess.run(['gcc', *CFLAGS, '-I' + os.path.join(root, 'include'),
                        '-I' + os.path.join(root, 'lib'), '-c', '-o', obj,
                        os.path.join(root, path)], check=True, timeout=120)
        return obj
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(one, paths))


def measure(root):
    """object -> [text, rodata] octets that the program keeps."""
    if not os.path.exists(os.path.join(root, PROGRAM)):
        raise lintlib.Skip(PROGRAM + ' is not there')
    if not shutil.which('gcc'):
        raise lintlib.Skip('no gcc on the path')
    sizes = {}
    with tempfile.TemporaryDirectory() as tmp:
        objects = compile_all(root, tmp)
        link_map = os.path.join(tmp, 'map')
        subprocess.run(['gcc', '-static', '-no-pie', '-Wl,--gc-sections',
                        '-Wl,-Map,' + link_map, '-o',
                        os.path.join(tmp, 'program'), *objects],
                       check=True, timeout=120)
        with open(link_map, encoding='utf-8') as f:
            text = f.read()
    kept = text[text.index('Linker script and memory map'):]
    # Long section names stand on a line of their own.
    kept = re.sub(r'^( \.\S+)\n +(?=0x)', r'\1 ', kept, flags=re.M)
    for kind, octets, obj in INPUT.findall(kept):
        if os.path.dirname(obj) == tmp:
            row = sizes.setdefault(os.path.basename(obj)[:-2], [0, 0])
            row[kind == 'rodata'] += int(octets, 16)
    return sizes


def report(sizes):
    for name, (text, rodata) in sorted(sizes.items(),
                                       key=lambda kv: -sum(kv[1])):
        if text + rodata:
            print('%7d %7d  %s' % (text, rodata, name))
    text = sum(t for t, _ in sizes.values())
    rodata = sum(r for _, r in sizes.values())
    over = text > CODE_MAX or rodata > CONSTANTS_MAX
    print('footprint: %d octets of code (at most %d), %d of constants (at '
          'most %d)' % (text, CODE_MAX, rodata, CONSTANTS_MAX))
    return 1 if over or not text else 0


def self_test():
    """A program with a function that nobody calls, and one that is large."""
    small = 'int used(int);\nint main(void) { return used(1); }\n'
    lib = ('int used(int a) { return a - 1; }\n'
           'int unused(int a) { return a * 77 - 3; }\n')
    large = ('static const unsigned char t[%d] = {1, 2};\n'
             'int used(int a) { return t[a]; }\n' % (CONSTANTS_MAX + 1))
    long = ('volatile int v;\nint used(int a)\n{\n%s    return a;\n}\n'
            % ('    v = a * v;\n' * (CODE_MAX // 8)))
    failed = 0
    for source, want in ((lib, 0), (large, 1), (long, 1)):
        with tempfile.TemporaryDirectory() as root:
            lintlib.make_tree(root, {PROGRAM: small, 'lib/base/a.c': source})
            sizes = measure(root)
            got = report(sizes)
            whole = sum(sizes.get('lib_base_a.c', [0, 0]))
            if got != want or not whole or (want == 0 and whole > 16):
                failed += 1
                print('self-test: wanted', want, 'but got', got, sizes)
    print('self-test: 3 fixtures, %d failed' % failed)
    return 1 if failed else 0


def main():
    try:
        if sys.argv[1:] == ['--self-test']:
            return self_test()
        if len(sys.argv) != 2:
            print(__doc__, file=sys.stderr)
            return 64
        return report(measure(sys.argv[1]))
    except lintlib.Skip as why:
        print('skipped:', why)
        return lintlib.SKIP


if __name__ == '__main__':
    sys.exit(main())
