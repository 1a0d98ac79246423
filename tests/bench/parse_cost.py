#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What it costs to read mail, counted in instructions and not timed. The
library's sources for it and bench_parse are compiled as for a release, and
callgrind counts what bench_pass executes: no more an octet than the rows
below allow, and for messages made to cost much at most 2.2 times as much
when they are twice as long.

usage: parse_cost.py ROOT CC…; 77 where there is no valgrind."""
import concurrent.futures
import glob
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import parsing

# Instructions an octet: a quarter above what gcc 12 and clang 14 came to, the
# larger of them, on a processor with AVX2.
MOST = {
    ('text', 'headers'): 14.0,
    ('text', 'tree'): 5.3,
    ('text', 'decode'): 11.7,
    ('attachments', 'headers'): 13.4,
    ('attachments', 'tree'): 0.93,
    ('attachments', 'decode'): 1.8,
}
GROWTH = 2.2


def build(root, cc, out):
    sources = [os.path.join(root, 'tests', 'bench', 'parse.c')]
    for folder in ('base', 'message'):
        sources += glob.glob(os.path.join(root, 'lib', folder, '*.c'))
    sources = [s for s in sources if not s.endswith('_iconv.c')]
    objects = []

    def compile_one(source):
        to = '%s.%d.o' % (out, sources.index(source))
        objects.append(to)
        subprocess.run(
            cc + ['-std=c11', '-D_GNU_SOURCE', '-DNDEBUG', '-O3',
                  '-fvisibility=hidden', '-I' + os.path.join(root, 'include'),
                  '-I' + os.path.join(root, 'lib'), '-c', source, '-o', to],
            check=True, timeout=100)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(compile_one, sources))
    subprocess.run(cc + objects + ['-o', out], check=True, timeout=100)
    return out


def count(program, path, mode):
    """(instructions, octets)"""
    done = subprocess.run(
        ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null',
         '--toggle-collect=bench_pass', program, path, mode, '1'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100,
        check=True)
    octets = int(re.search(r'msgs (\d+) bytes', done.stdout)[1])
    return int(re.search(r'Collected : (\d+)', done.stderr)[1]), octets


def has_avx2():
    if platform.machine() != 'x86_64':
        return False
    with open('/proc/cpuinfo', encoding='latin-1') as f:
        return ' avx2 ' in f.read()


def usual(program, where):
    """A line for each corpus and mode; whether it is too much."""
    for corpus, make in parsing.CORPORA.items():
        path = parsing.keep(os.path.join(where, corpus), make())
        for mode in ('headers', 'tree', 'decode'):
            cost, octets = count(program, path, mode)
            each, most = cost / octets, MOST[corpus, mode]
            yield '%-12s %-8s %6.2f instructions an octet, at most %.2f' % (
                corpus, mode, each, most), each > most


def hostile(program, where):
    def one(name):
        mode, n, make = parsing.HOSTILE[name]
        costs = []
        for k in (1, 2):
            path = os.path.join(where, '%s.%d' % (name, k))
            parsing.keep(path, [make(n * k).encode()])
            costs.append(count(program, path, mode)[0])
        growth = costs[1] / costs[0]
        return '%-20s %-8s %5.2f times for twice as much' % (
            name, mode, growth), growth > GROWTH

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield from pool.map(one, parsing.HOSTILE)


def main():
    root, cc = sys.argv[1], sys.argv[2:]
    if shutil.which('valgrind') is None:
        print('no valgrind here')
        return 77
    failed = 0
    with tempfile.TemporaryDirectory() as where:
        program = build(root, cc, os.path.join(where, 'bench_parse'))
        rows = list(usual(program, where)) if has_avx2() else []
        for line, bad in rows + list(hostile(program, where)):
            print(line, '<-- TOO MUCH' if bad else '')
            failed += bad
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
